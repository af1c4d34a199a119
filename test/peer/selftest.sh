#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Runs the peer client against the peer server on loopback, and checks the
# vectors of the protocol description. Usage: selftest.sh [RPORT-PEER]

set -eu

here=$(cd "$(dirname "$0")" && pwd)
tmp=$(mktemp -d)
pids=
cleanup() {
	for pid in $pids; do
		kill "$pid" 2>/dev/null || true
	done
	rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

peer=${1:-}
if [ -z "$peer" ]; then
	"$here/build" --check
	peer=$tmp/rport-peer
	"$here/build" "$peer"
fi

fail() {
	echo "FAIL: $*" >&2
	for log in "$tmp"/*.log; do
		echo "--- $log" >&2
		tail -n 20 "$log" | cut -c1-400 >&2
	done
	exit 1
}

# wait_for LOG PATTERN: the first line that matches, waits up to 20 s for it.
wait_for() {
	i=0
	while ! grep -m1 -E -e "$2" "$tmp/$1.log" 2>/dev/null; do
		i=$((i + 1))
		if [ $i -gt 200 ]; then
			fail "no $2 in $1.log"
		fi
		sleep 0.1
	done
}

field() { sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p"; }

tell() { printf '%s\n' "$1" >&3; }

vector() {
	"$peer" seed "$1" | grep -q -F "\"fingerprint\":\"$2\"" || fail "fingerprint of $1"
}

start_pair() {
	mkfifo "$tmp/control"
	"$peer" server --auth me:secret --key-seed test --duration 120s "$@" \
		<"$tmp/control" >"$tmp/server.log" &
	server=$!
	pids="$pids $server"
	exec 3>"$tmp/control"
	rm "$tmp/control"
	addr=$(wait_for server '"listening"' | field addr)
	"$peer" client --server "$addr" --auth me:secret --fingerprint aa:0d:c9:17 \
		--remote "127.0.0.1:0:$tcp_target" --attributes "$tmp/attributes" --session s1 \
		--tunnel-allowed 127.0.0.1 --duration 120s "$@" </dev/null >"$tmp/client.log" &
	client=$!
	pids="$pids $client"
	wait_for client '"registered"' >"$tmp/registered"
	tunnel=$(field lport <"$tmp/registered")
}

check_requests() {
	tell '{"cmd":"request","tag":"r1","name":"ping","want":true}'
	wait_for server '"tag":"r1","ok":true,"data":"",' >/dev/null
	tell '{"cmd":"request","tag":"r2","name":"nonsense","want":true}'
	wait_for server '"tag":"r2","ok":false,"data":"unknown request"' >/dev/null
	tell '{"cmd":"request","tag":"r3","name":"check_tunnel_allowed","want":true,"payload":{"Remote":"10.0.0.1:1"}}'
	wait_for server '"tag":"r3","ok":true,"data":{"IsAllowed":false}' >/dev/null
	tell '{"cmd":"request","tag":"r4","name":"check_port","want":true,"payload":{"HostPort":"'"$tcp_target"'","Timeout":2000000000}}'
	wait_for server '"tag":"r4","ok":true,"data":{"Open":true,"ErrMsg":""}' >/dev/null
	tell '{"cmd":"request","tag":"r5","name":"update_client_metadata","want":true,"payload":{"tags":["x"],"labels":{"k":"v"}}}'
	wait_for server '"tag":"r5","ok":true,"data":{"status":"OK"}' >/dev/null
	grep -q -F '{"tags":["x"],"labels":{"k":"v"}}' "$tmp/attributes" || fail "attributes file"
	tell '{"cmd":"request","tag":"r6","name":"refresh_updates_status","want":true,"text":"null"}'
	wait_for server '"tag":"r6","ok":true,"data":null' >/dev/null
	wait_for server '"name":"updates_status"' >/dev/null
	wait_for server '"name":"save_measurement"' >/dev/null
}

check_tunnels() {
	"$peer" check --tcp "127.0.0.1:$tunnel" --parallel 3 || fail "TCP tunnel"
	tell '{"cmd":"tunnel","tag":"t1","listen":"0.0.0.0:0","remote":"'"$udp_target"'","proto":"udp"}'
	port=$(wait_for server '"tag":"t1","ok":true' | field port)
	"$peer" check --udp "127.0.0.1:$port" --parallel 2 || fail "UDP tunnel"
	tell '{"cmd":"tunnel","tag":"t2","listen":"127.0.0.1:0","remote":"10.0.0.1:9","proto":"udp"}'
	wait_for server '"tag":"t2","ok":false,.*tunnel_allowed' >/dev/null
}

check_jobs() {
	tell '{"cmd":"run","tag":"j1","job":{"jid":"j1","command":"echo out; echo err >&2; exit 3","multi_job_id":"m1"}}'
	wait_for server '"tag":"j1","ok":true,"data":{"Pid":[0-9]+,"StartedAt":"' >/dev/null
	wait_for server '"cmd_result".*"jid":"j1","status":"failed"' >"$tmp/result"
	grep -q -F '"error":"exit status 3","result":{"stdout":"out\n","stderr":"err\n","summary":""}' \
		"$tmp/result" || fail "result of j1"
	grep -q -F '"multi_job_id":"m1"' "$tmp/result" || fail "echo of j1"
	tell '{"cmd":"run","job":{"jid":"j2","command":"#!/bin/sh\necho a; sleep 1; echo b","is_script":true,"stream_result":true}}'
	wait_for server '"stream","conn":[0-9]+,"type":"stdout","jid":"j2","data":"a.n"' >/dev/null
	wait_for server '"cmd_result".*"jid":"j2","status":"successful"' >/dev/null
	wait_for server '"stream-closed","conn":[0-9]+,"type":"stderr","jid":"j2"' >/dev/null
	tell '{"cmd":"run","job":{"jid":"j3","command":"echo early; exec sleep 3","timeout_sec":1}}'
	wait_for server '"cmd_result".*"jid":"j3","status":"unknown".*"early' >/dev/null
}

check_upload() {
	head -c 100000 /dev/urandom >"$tmp/source"
	# The destination directory exists: a new one would get the file's mode.
	tell '{"cmd":"upload","tag":"u1","source":"'"$tmp/source"'","dest":"'"$tmp/dest"'","mode":416}'
	wait_for server '"tag":"u1","ok":true,.*"size":100000,.*"status":"success"' >/dev/null
	cmp "$tmp/source" "$tmp/dest" || fail "uploaded file"
	wait_for server '"sftp-closed","conn":[0-9]+,"error":""' >/dev/null
	tell '{"cmd":"upload","tag":"u2","source":"'"$tmp/source"'","dest":"/usr/bin/x"}'
	wait_for server '"tag":"u2","ok":false,"data":"target path /usr/bin/x matches' >/dev/null
}

# expect_client CODE PATTERN FLAGS...: a client run that ends by itself.
expect_client() {
	want=$1
	pattern=$2
	shift 2
	code=0
	"$peer" client --server "$addr" --auth me:secret "$@" </dev/null >"$tmp/short.log" || code=$?
	[ "$code" = "$want" ] || fail "client $* ended with $code"
	grep -q -E -e "$pattern" "$tmp/short.log" || fail "client $*: no $pattern"
}

check_refusals() {
	expect_client 1 'unable to authenticate' --auth me:wrong
	expect_client 1 'invalid fingerprint' --fingerprint aa:bb
	expect_client 1 'user info' --server "http://u:p@$addr"
	expect_client 2 '"refused","error":"client is already connected: peer .peer-client.' \
		--session other
	expect_client 0 '"refused","error":"Local port [0-9]+ already in use' --id other \
		--remote "127.0.0.1:$tunnel:1" --duration 1s
	expect_client 0 '"connected"' --first-request ping --duration 1s
	echo '{"ID":1}' >"$tmp/raw"
	expect_client 0 '"connected"' --raw-new-connection "$tmp/raw" --duration 1s
	grep -q '"ignored".*"reason":"json: cannot unmarshal number' "$tmp/server.log" ||
		fail "wrong JSON type was accepted"
}

# A new connection of the same client id gets its other tunnel again.
check_restore() {
	tell '{"cmd":"tunnel","tag":"t3","listen":"127.0.0.1:0","remote":"127.0.0.1:77"}'
	wait_for server '"tag":"t3","ok":true' >/dev/null
	tell '{"cmd":"close","reset":true}'
	wait "$client" || true
	wait_for server '"closed","conn":1,' >/dev/null
	expect_client 0 '"registered".*"rhost":"127.0.0.1","rport":"77"' --duration 1s
	grep -q '"name":"check_tunnel_allowed","want":true,"payload":{"Remote":"127.0.0.1:77"}' \
		"$tmp/short.log" || fail "tunnel was not checked before it was restored"
}

# The logs are written anew by the next pair, so this one has to be gone.
stop_server() {
	tell '{"cmd":"quit"}'
	exec 3>&-
	wait "$server" || fail "server did not quit"
}

stop_pair() {
	tell '{"cmd":"close","conn":1}'
	code=0
	wait "$client" || code=$?
	[ "$code" = 2 ] || fail "client ended with $code"
	wait_for client '"closed"' >/dev/null
	stop_server
}

check_fuzz() {
	"$peer" server --auth me:secret --duration 30s </dev/null >"$tmp/fuzzed.log" &
	pids="$pids $!"
	addr=$(wait_for fuzzed '"listening"' | field addr)
	"$peer" fuzzconn --addr "$addr" --n 60 --hold 1s || fail "fuzzconn"
	"$peer" client --server "$addr" --auth me:secret --duration 1s </dev/null \
		>"$tmp/after.log" || fail "client after fuzzconn"
	grep -q '"registered"' "$tmp/after.log" || fail "client after fuzzconn"
}

vector test aa:0d:c9:17:67:75:6f:a6:ec:49:65:d4:0f:eb:92:01
vector Z4mQqmkDnexNNR4giNU3Me 5d:b3:ee:37:b2:31:cc:ce:93:d4:69:21:16:5d:36:11
vector 0 6a:37:ab:ab:d5:ac:71:d9:88:a7:18:ef:50:f4:4c:89
vector a-very-secret-seed ec:ce:1f:1f:03:52:76:55:2b:5c:8d:61:a4:8f:fc:c1
vector "$(printf '%0200d' 0 | tr 0 x)" 1c:db:2e:95:74:ee:88:14:3e:b0:e9:cc:44:8a:2c:f8
# The type id is 65 with Go 1.19 and another one with other versions.
"$peer" gobvec | grep -q \
	28ff8.01011000000000000000000000ffff7f00000101fd01388200010a68656c6c6f207564703000 ||
	fail "gob vector"

"$peer" echo --duration 120s >"$tmp/echo.log" &
pids="$pids $!"
tcp_target=$(wait_for echo '"listening"' | field tcp)
udp_target=$(wait_for echo '"listening"' | field udp)

start_pair
check_requests
check_tunnels
check_jobs
check_upload
check_refusals
stop_pair

start_pair
check_restore
stop_server
echo "ok: plain"

start_pair --rekey-bytes 1000000 --gob-shift 200
check_tunnels
stop_pair
kexs=$(grep -c '"kex"' "$tmp/client.log")
[ "$kexs" -gt 10 ] || fail "only $kexs key exchanges"
echo "ok: $kexs key exchanges"

check_fuzz
echo "ok: fuzzconn"
