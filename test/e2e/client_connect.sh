#!/bin/sh
# SPDX-License-Identifier: MIT
# How our client finds its server: command line, signals, back-off, fallback servers and the way
# back, proxies, TLS, headers.

# shellcheck source=test/e2e/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

# go_server NAME FLAGS …: address in $addr.
go_server() {
	server=$1
	shift
	start "$server" "$PEER" server --auth me:secret --key-seed test --duration 300s "$@"
	wait_for "$server" '"listening"' || exit 1
	addr=$(printf '%s\n' "$line" | json addr)
}

# client NAME OPTIONS …
client() {
	name=$1
	shift
	start "$name" "$RPORT_CLIENT" client --allow-root --data-dir "$tmp/data" --id "$name" \
		--fingerprint aa:0d: --auth me:secret --updates-interval 0 --log-level debug "$@"
}

# fails_with TEXT OPTIONS …: ends with status 1 and exactly this line on stderr.
fails_with() {
	text=$1
	shift
	"$RPORT_CLIENT" client "$@" </dev/null >"$tmp/fails.log" 2>"$tmp/fails.err"
	is $? 1 && is "$(cat "$tmp/fails.err")" "$text"
}

prints() {
	text=$1
	shift
	"$RPORT_CLIENT" client "$@" </dev/null >"$tmp/prints.log" 2>"$tmp/prints.err" &&
		is "$(cat "$tmp/prints.log")" "$text" && is "$(cat "$tmp/prints.err")" ""
}

cd "$tmp" || exit 1

### Command line
check "no server" fails_with "config validation failed: server address is required"
check "unknown option" quiet sh -c '! "$0" client --nonsense' "$RPORT"
check "bad address" fails_with 'config validation failed: invalid server address: "x://y": expected http, https, ws or wss before ://' x://y
check "bad remote" sh -c '"$0" client h 1:2:3:4:5 2>&1 | grep -q "^config validation failed: failed to decode remote \"1:2:3:4:5\": "' "$RPORT"
if [ "$(id -u)" = 0 ]; then
	check "root is refused" fails_with \
		"root check failed: by default running as root is not allowed" localhost:1
else
	skip "not root"
fi
check "log file that cannot be opened" sh -c \
	'"$0" client --allow-root -l /nowhere/log h 2>&1 | grep -q "^failed starting log output: "' "$RPORT"
check "check of a configuration" prints "configuration is valid" --fingerprint aa --check-config h
check "version" sh -c '"$0" client --version | grep -q -E "^version [0-9]+\.[0-9]+\.[0-9]+"' "$RPORT"
check "help" sh -c '"$0" client --help | grep -q -e --fallback-server' "$RPORT"

### No server
spare_port
client lost --max-retry-count 1 --max-retry-interval 1s "127.0.0.1:$port"
check "a missing server is logged" wait_for lost 'error: client: Connection error: .*refused'
check "the wait is announced" wait_for lost 'client: Retrying in 1s'
wait_end lost
check "used up retries end with 0" is "$status" 0
check "the number of attempts" is "$(grep -c 'Connecting to' "$tmp/lost.log")" 2
check "nothing on stderr" silent lost

### SIGHUP, waiting and connected
client hup "127.0.0.1:$port"
wait_count hup 'Retrying in' 3
go_server late --listen "127.0.0.1:$port"
before=$(grep -c 'Connecting to' "$tmp/hup.log")
kill -HUP "$(pid_of hup)"
check "SIGHUP ends the wait" wait_for hup 'client: Connected' 2
check "with one attempt" is "$(grep -c 'Connecting to' "$tmp/hup.log")" $((before + 1))
kill -HUP "$(pid_of hup)"
check "SIGHUP makes the connection anew" wait_count hup 'client: Connected' 2
check "at once" is "$(grep -c 'Retrying' "$tmp/hup.log")" "$before"
check "with the same session" is "$(grep '"registered"' "$tmp/late.log" | json session | sort -u | wc -l)" 1
stop hup INT
check "SIGINT ends the client cleanly" is "$status" 0
check "silently" silent hup
stop late

### A loss without a cause
go_server dropping
client dropped "$addr"
wait_for dropped 'client: Connected'
kill -9 "$(pid_of dropping)"
check "the first attempt after a loss is at once" wait_count dropped 'Connecting to' 2
check "before any wait" not_in_log dropped 'Retrying in [0-9.]+s.*Connecting'
check "the next one is not" wait_for dropped 'Retrying in [12][.0-9]*s'
stop dropped

### Fallback servers and the way back
spare_port
main_port=$port
spare_port
go_server fallback
client moving --server-switchback-interval 1s --fallback-server "127.0.0.1:$port" \
	--fallback-server "$addr" "127.0.0.1:$main_port"
check "a fallback server is used" wait_for fallback '"registered".*"id":"moving"'
session=$(printf '%s\n' "$line" | json session)
check "in their order" is "$(grep -o 'Connecting to ws://[0-9.:]*' "$tmp/moving.log" | head -n 3 | tr '\n' ' ')" \
	"Connecting to ws://127.0.0.1:$main_port Connecting to ws://127.0.0.1:$port Connecting to ws://$addr "
check "without a wait" not_in_log moving 'Retrying'
check "the main one is looked for" wait_for moving 'main server is not available yet'
check "while the other goes on" not_in_log fallback '"closed"'
go_server main_server --listen "127.0.0.1:$main_port"
check "the client goes back" wait_for main_server '"registered".*"id":"moving"'
check "with the same session" in_text "$line" "\"session\":\"$session\""
check "the other connection is closed" wait_for fallback '"closed","conn":1'
sleep 2
check "and that was it" is "$(grep -c '"connected"' "$tmp/main_server.log")" 1
stop moving
check "it ends cleanly" is "$status" 0
check "silently too" silent moving

### A refusing main server does not end the connection to the other
stop main_server
go_server main_server --listen "127.0.0.1:$main_port" --auth other:words
client staying --server-switchback-interval 1s --auth me:secret --fallback-server \
	"$(grep listening "$tmp/fallback.log" | json addr)" "127.0.0.1:1"
wait_for staying 'client: Connected'
wait_count staying 'main server is not available yet' 2
check "a main server that is away is tried again" not_in_log staying 'Disconnected'
stop staying
stop main_server
stop fallback

### Too many clients
cat >"$tmp/busy.py" <<'END'
import socket, sys, time
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(8)
print("port:%d" % s.getsockname()[1], flush=True)
while True:
    c, _ = s.accept()
    c.recv(4096)
    c.sendall(b"HTTP/1.1 503 Busy\r\nRetry-After: 2\r\nContent-Length: 0\r\n\r\n")
    c.close()
END
start busy python3 "$tmp/busy.py"
wait_for busy 'port:[0-9]+'
client spread --max-retry-count 3 "127.0.0.1:${line#port:}"
check "the server's time is kept" wait_for spread 'Retrying in ([0-9.]+ms|[01][.0-9]*s|2s)'
wait_end spread
check "and the retries are counted" is "$status" 0
check "the status is told" in_log spread '503'
stop busy

### Headers
go_server plain
client headers --hostname front.example --header 'X-A: b' --header 'User-Agent: me/1' "$addr"
check "custom Host and User-Agent" wait_for plain '"agent":"me/1","host":"front.example"'
stop headers

### Proxies
if command -v tinyproxy >/dev/null; then
	spare_port
	printf 'Port %s\nListen 127.0.0.1\nBasicAuth user words\nTimeout 60\n' "$port" >"$tmp/tiny.conf"
	start tiny tinyproxy -d -c "$tmp/tiny.conf"
	until_open "$port"
	client connect --proxy "http://%75ser:w%6Frds@127.0.0.1:$port" "$addr"
	check "CONNECT with credentials" wait_for connect 'client: Connected'
	check "no proxy password in the log" not_in_log connect 'w(o|%6F)rds'
	stop connect
	client denied --max-retry-count 0 --proxy "http://user:no@127.0.0.1:$port" "$addr"
	check "a proxy that refuses is named" wait_for denied 'Connection error: .*proxy.*40[17]'
	wait_end denied
	stop tiny
else
	skip "no tinyproxy"
fi
if command -v microsocks >/dev/null; then
	spare_port
	start socks microsocks -i 127.0.0.1 -p "$port" -u user -P pass
	until_open "$port"
	client socks5 --proxy "socks://user:pass@127.0.0.1:$port" "localhost:${addr##*:}"
	check "SOCKS5 with credentials" wait_for socks5 'client: Connected'
	stop socks5
	client denied5 --max-retry-count 0 --proxy "socks5h://user:no@127.0.0.1:$port" "$addr"
	check "wrong credentials are told" wait_for denied5 'Connection error: .*proxy'
	wait_end denied5
	stop socks
else
	skip "no microsocks"
fi

### TLS
if command -v socat >/dev/null && command -v openssl >/dev/null; then
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
		-addext subjectAltName=DNS:localhost -keyout "$tmp/key.pem" -out "$tmp/cert.pem" 2>/dev/null
	spare_port
	start tls socat "OPENSSL-LISTEN:$port,bind=127.0.0.1,reuseaddr,fork,cert=$tmp/cert.pem,key=$tmp/key.pem,verify=0" "TCP:$addr"
	until_open "$port"
	SSL_CERT_FILE=$tmp/cert.pem client wss "https://localhost:$port"
	check "https with a trusted certificate" wait_for wss 'client: Connected'
	stop wss
	SSL_CERT_FILE=$tmp/cert.pem client wrongname --max-retry-count 0 "wss://127.0.0.1:$port"
	check "a certificate of another name is refused" wait_for wrongname 'Connection error: .*(certificate|TLS)'
	wait_end wrongname
	client untrusted --max-retry-count 0 "wss://localhost:$port"
	check "an untrusted one too" wait_for untrusted 'Connection error: .*(certificate|TLS)'
	wait_end untrusted
	stop tls
else
	skip "no socat or openssl"
fi

### Without a folder there are tunnels, but no commands
: >"$tmp/file"
start nodata "$RPORT_CLIENT" client --allow-root --data-dir "$tmp/file/x" --fingerprint aa:0d: \
	--auth me:secret "$addr"
check "a missing data folder is logged" wait_for nodata 'remote commands are off: cannot create the folder'
check "and does not keep the client away" wait_for nodata 'client: Connected'
stop nodata
check "no line on stderr" silent nodata
finish
