#!/bin/sh
# SPDX-License-Identifier: MIT
# Our client with our server, and what people send through tunnels: ssh, iperf3, curl.

# shellcheck source=test/e2e/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=test/e2e/lib/server.sh
. "$(dirname "$0")/lib/server.sh"

# A tunnel with a connection in it goes away by force only.
connection_keeps_tunnel() {
	open_tunnel c1 "remote=127.0.0.1:$tcp_port&acl=127.0.0.0/8" || return 1
	mkfifo "$tmp/visitor.in"
	start visitor socat - "TCP:127.0.0.1:$lport"
	exec 4>"$tmp/visitor.in"
	echo hello >&4
	wait_for visitor hello &&
		call_is 409 DELETE "/clients/c1/tunnels/$tid" 'active connection' &&
		call_is 204 DELETE "/clients/c1/tunnels/$tid?force=true" '' &&
		wait_end visitor
	kept=$?
	exec 4>&-
	return $kept
}

# The visitor reads the end of the target's data and sends then.
sends_after_end() {
	python3 - "$1" <<-'END' || return 1
		import socket, sys
		s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 20)
		got = b""
		while True:
		    part = s.recv(100)
		    if not part:
		        break
		    got += part
		if got != b"hello\n":
		    sys.exit("got %r" % got)
		s.sendall(b"x" * 3000000)
		s.shutdown(socket.SHUT_WR)
		s.recv(1)
	END
	wait_for first '^got 3000000$'
}

ssh_status() {
	through_ssh "exit $1" </dev/null
	is $? "$1"
}

# iperf_moves BYTES [FLAGS]: at least so many arrive within 2 s.
iperf_moves() {
	bytes=$1
	shift
	timeout 60 iperf3 -c 127.0.0.1 -p "$lport" -t 2 -J "$@" >"$tmp/iperf_client.log" 2>&1
	moved=$(jq '.end.sum_received.bytes' "$tmp/iperf_client.log")
	[ "${moved:-0}" -ge "$bytes" ]
}

start_echo
server_config server 'client_login_wait = 0'
start_server server
sha256=$(sed -n 's/.*Fingerprint \(SHA256:.*\)/\1/p' "$tmp/server.log")

### Registration
fixed_port
fixed=$port
client_config c1 "tags = [\"web\"]
attributes_file_path = \"$tmp/attributes\"
remotes = [\"127.0.0.1:$fixed:127.0.0.1:$tcp_port\", \"$tcp_port\"]
tunnel_allowed = [\"127.0.0.0/8\"]" '[remote-commands]
allow = ["^/usr/bin/(printf|env|seq|sleep) "]
deny = ["never"]'
sed -i 's/^fingerprint.*/fingerprint = "aa:0d:c9:17"/' "$tmp/c1.conf"
start_client c1
check "a client with a beginning of the MD5 fingerprint connects" connected c1
check "it says so" wait_for c1 'info: client: Connected \(Latency '
check "and what it is" json_is 'name of c1' .data.name
check "with tags" json_is web '.data.tags[0]'
check "with both of its tunnels" json_is 2 '.data.tunnels | length'
check "one on the port it asked for" json_is "$fixed" '.data.tunnels[0].lport'
check "which works" quiet "$PEER" check --tcp "127.0.0.1:$fixed" --bytes 1000000
check "the other too" quiet "$PEER" check --tcp "127.0.0.1:$(value '.data.tunnels[1].lport')" --bytes 1000000
check "it shows no password" quiet sh -c "! grep -F me:secret '$tmp/body'"
client_config c2
sed -i "s|^fingerprint.*|fingerprint = \"$sha256\"|" "$tmp/c2.conf"
start_client c2
check "a client with the SHA256 fingerprint connects" connected c2
check "and its inventory is that of this machine" json_is "$(uname -m | sed 's/x86_64/amd64/;s/aarch64/arm64/') $(hostname)" \
	'"\(.data.os_arch) \(.data.hostname)"'

client_config c3
sed -i 's/^fingerprint.*/fingerprint = "00:11"/; s/^auth.*/auth = "me:wrong"/' "$tmp/c3.conf"
start_client c3
check "a wrong fingerprint is told" wait_for c3 "invalid fingerprint \($MD5\)"
check "and tried again later" wait_for c3 'Retrying in '
check "no credential was sent" not_in_log server 'failed login'
stop c3
sed -i "s/^fingerprint.*/fingerprint = \"$MD5\"/" "$tmp/c3.conf"
start_client c3
check "with the right fingerprint it is" wait_for server 'failed login attempt for client auth id "me"'
check "and refused" wait_for c3 'unable to authenticate'
check "in words without the password" not_in_log c3 'me:wrong'
stop c3
check "an unregistered client ends cleanly" is "$status" 0

: >"$tmp/plain"
sed "s|data_dir.*|data_dir = \"$tmp/plain/x\"|" "$tmp/c2.conf" >"$tmp/c2b.conf"
start_client c2b
check "the same id from another process is refused" wait_for c2b 'client is already connected: name of c2 .c2.'
stop c2b

### Tunnels
check "a tunnel by the API" open_tunnel c1 "remote=127.0.0.1:$tcp_port&acl=127.0.0.1&idle-timeout-minutes=0"
check "100 MB pass both ways" quiet "$PEER" check --tcp "127.0.0.1:$lport" --bytes "$(bulk 100000000)" --timeout 120s
check "connections beside each other" quiet "$PEER" check --tcp "127.0.0.1:$lport" --parallel 50 --bytes 200000
call GET /tunnels
check "the API counts it" json_is 1 "[.data[] | select(.id == \"$tid\" and .client_id == \"c1\" and .acl == \"127.0.0.1\")] | length"
check "a target that the client forbids" call_is 400 PUT '/clients/c1/tunnels?remote=192.0.2.1:22' \
	'Tunnel destination is not allowed by client configuration'
check "a closed target" call_is 400 PUT '/clients/c1/tunnels?remote=1' ERR_CODE_REMOTE_PORT_NOT_OPEN
check "a closed target without looking" open_tunnel c1 'remote=1&check_port=0'
check "closes each connection" refused_by_tunnel "$lport"
check "an open connection keeps a tunnel" connection_keeps_tunnel
check "UDP passes" udp_passes c1

### Half close, both ways
start wc socat -d -d TCP-LISTEN:0,bind=127.0.0.1,fork,reuseaddr 'EXEC:wc -c'
listens_at wc
open_tunnel c1 "remote=$port" || give_up "a tunnel to wc"
check "the target answers after the visitor's end" is \
	"$(head -c 5000000 /dev/zero | socat -t 20 - "TCP:127.0.0.1:$lport")" 5000000
cat >"$tmp/first.py" <<END
import socket
listener = socket.create_server(("127.0.0.1", 0))
print("port", listener.getsockname()[1], flush=True)
s = listener.accept()[0]
s.sendall(b"hello\\n")
s.shutdown(socket.SHUT_WR)
n = 0
while part := s.recv(65536):
    n += len(part)
print("got", n, flush=True)
END
start first python3 "$tmp/first.py"
wait_for first '^port ' || give_up "no target"
port=${line##* }
open_tunnel c1 "remote=$port&check_port=0" || give_up "a tunnel to first"
check "the visitor still sends after the target's end" sends_after_end "$lport"

### Commands
check "a command runs" run_command c2 '/usr/bin/id -u'
check "with success" json_is "successful $(id -u)" '"\(.data.status) \(.data.result.stdout | rtrimstr("\n"))"'
check "a failing one" run_command c1 '/usr/bin/env false'
check "says how" json_is 'failed exit status 1' '"\(.data.status) \(.data.error)"'
check "the default policy refuses two" call_is 409 POST /clients/c2/commands 'command is not allowed' \
	-d '{"command":"/usr/bin/id; /usr/bin/id"}'
check "and other folders" call_is 409 POST /clients/c2/commands 'command is not allowed' -d '{"command":"/bin/ls"}'
check "an own policy allows what it allows" run_command c1 "/usr/bin/printf '%s|' 'one two' three"
check "with its output" json_is 'one two|three|' .data.result.stdout
check "and refuses the rest" call_is 409 POST /clients/c1/commands 'command is not allowed: /usr/bin/id' \
	-d '{"command":"/usr/bin/id"}'
check "no shell joins two commands" call_is 409 POST /clients/c1/commands 'command is not allowed' \
	-d '{"command":"/usr/bin/printf x && /usr/bin/id"}'
check "much output comes" run_command c1 '/usr/bin/seq 1 30000'
check "complete" json_is 30000 '.data.result.stdout | split("\n")[29999]'
check "too much output" run_command c1 '/usr/bin/seq 1 500000'
check "costs its end only" json_is 1 '.data.result.stdout | split("\n")[0]'
check "too long a command" call_is 200 POST /clients/c1/commands jid -d '{"command":"/usr/bin/sleep 4","timeout_sec":1}'
check "is given up" until_call '.data.status == "unknown"' "/clients/c1/commands/$(value .data.jid)"

### Attributes
check "attributes are written" call_is 200 PUT /clients/c1/attributes '{"data":"ok"}' \
	-d '{"tags":["x"],"labels":{"Rack":"R7"}}'
check "on the client" grep -q -F '{"tags":["x"],"labels":{"Rack":"R7"}}' "$tmp/attributes"
check "and found" call_is 200 GET '/clients?filter[labels]=rack:%20r7' '"count":1'
check "a client without a file refuses" call_is 409 PUT /clients/c2/attributes 'attributes file path not set' \
	-d '{"tags":["x"]}'
kill -HUP "$(pid_of c1)"
check "SIGHUP reconnects" wait_count c1 'client: Connected' 2
check "with the new attributes" until_call '.data.tags == ["x"] and .data.connection_state == "connected"' /clients/c1
check "and the tunnels" quiet "$PEER" check --tcp "127.0.0.1:$fixed" --bytes 1000000

### curl
mkdir "$tmp/web"
echo '<h1>hello</h1>' >"$tmp/web/index.html"
head -c 20000000 /dev/urandom >"$tmp/web/big"
start web python3 -u -m http.server --bind 127.0.0.1 --directory "$tmp/web" 0
wait_for web 'Serving HTTP on' || give_up "no web server"
port=$(printf '%s\n' "$line" | sed 's/.* port \([0-9]*\) .*/\1/')
check "a tunnel to a web server" open_tunnel c1 "remote=$port&scheme=http"
check "curl gets a page" is "$(curl -sS --max-time $((20 * PATIENCE)) "http://127.0.0.1:$lport/")" '<h1>hello</h1>'
for i in 1 2 3 4; do
	curl -sS --max-time $((60 * PATIENCE)) -o "$tmp/got$i" "http://127.0.0.1:$lport/big" &
	eval "got$i=$!"
done
for i in 1 2 3 4; do
	eval "wait \$got$i"
	check "download $i beside others is complete" cmp -s "$tmp/web/big" "$tmp/got$i"
done

### OpenSSH
check "ssh keys" quiet ssh-keygen -q -t ed25519 -N '' -f "$tmp/hostkey"
quiet ssh-keygen -q -t ed25519 -N '' -f "$tmp/userkey"
cp "$tmp/userkey.pub" "$tmp/authorized_keys"
cat >"$tmp/sshd.conf" <<END
HostKey $tmp/hostkey
AuthorizedKeysFile $tmp/authorized_keys
PidFile none
StrictModes no
UsePAM no
PermitRootLogin yes
PasswordAuthentication no
END
# sshd of root wants this folder; nothing else of the system is touched.
if [ "$(id -u)" = 0 ] && [ ! -d /run/sshd ]; then
	mkdir /run/sshd
	rundir=/run/sshd
fi
start sshd socat -d -d TCP-LISTEN:0,bind=127.0.0.1,fork,reuseaddr "EXEC:/usr/sbin/sshd -i -e -f $tmp/sshd.conf"
listens_at sshd
check "a tunnel to sshd" open_tunnel c1 "remote=$port&scheme=ssh"
through_ssh() {
	timeout 60 ssh -F none -p "$lport" -i "$tmp/userkey" -o IdentitiesOnly=yes -o StrictHostKeyChecking=no \
		-o UserKnownHostsFile="$tmp/known" -o LogLevel=ERROR -o BatchMode=yes "$(id -un)@127.0.0.1" "$@"
}
check_ssh() {
	check "ssh logs in" is "$(through_ssh 'echo inside' </dev/null)" inside
	check "it is the right host" is "$(cut -d' ' -f3 "$tmp/known")" "$(cut -d' ' -f2 "$tmp/hostkey.pub")"
	check "20 MB up" is "$(through_ssh 'sha256sum' <"$tmp/web/big")" "$(sha256sum <"$tmp/web/big")"
	check "20 MB down" is "$(through_ssh "cat $tmp/web/big" </dev/null | sha256sum)" "$(sha256sum <"$tmp/web/big")"
	check "its status comes through" ssh_status 7
}
case $(getent passwd "$(id -un)" | cut -d: -f7) in
*/nologin | */false) skip "this user cannot log in" ;;
*) check_ssh ;;
esac
stop sshd
[ -z "${rundir:-}" ] || rmdir "$rundir"

### iperf3
spare_port
start iperf iperf3 -s --bind 127.0.0.1 -p "$port" --forceflush
check "iperf3 listens" wait_for iperf 'Server listening'
check "a tunnel to iperf3" open_tunnel c1 "remote=$port"
check "iperf3 up" iperf_moves 1000000
check "iperf3 down" iperf_moves 1000000 -R
check "iperf3 with four streams" iperf_moves 1000000 -P 4

### The end
call GET /clients/c1
stop c1
check "SIGTERM ends a client with 0" is "$status" 0
check "the server knows why" wait_for server 'client c1 disconnected: .*the client is shut down'
check "and the tunnels are closed" closed "$fixed"
check "nothing of it is on stderr" silent c1
stop server
check "the server ends with 0" is "$status" 0
check "silently" silent server
check "the other client looks for it" wait_for c2 'Disconnected'
stop c2
check "and ends with 0" is "$status" 0
check "silently, too" silent c2
finish
