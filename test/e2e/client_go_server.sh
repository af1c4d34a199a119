#!/bin/sh
# SPDX-License-Identifier: MIT
# Our client against the Go peer that plays an installed server.

# shellcheck source=test/e2e/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

FINGERPRINT=aa:0d:c9:17:67:75:6f:a6:ec:49:65:d4:0f:eb:92:01

# go_server NAME FLAGS …: address in $addr, commands by tell.
go_server() {
	server=$1
	shift
	mkfifo "$tmp/$server.in"
	start "$server" "$PEER" server --auth me:secret --key-seed test --duration 300s "$@"
	exec 3>"$tmp/$server.in"
	wait_for "$server" '"listening"' || exit 1
	addr=$(printf '%s\n' "$line" | json addr)
}

tell() { printf '%s\n' "$1" >&3; }

end_server() {
	exec 3>&-
	stop "$server"
	rm -f "$tmp/$server.in"
}

# config NAME: the rest of the file comes from stdin.
config() {
	mkdir -p "$tmp/data"
	{
		printf '[client]\nserver = "%s"\nallow_root = true\ndata_dir = "%s"\nid = "c1"\n' \
			"$addr" "$tmp/data/$1"
		echo 'updates_interval = "0"'
		cat
	} >"$tmp/$1.conf"
}

client() {
	name=$1
	shift
	start "$name" "$RPORT_CLIENT" client -c "$tmp/$name.conf" --log-level debug "$@"
}

# Sends a request and compares the answer: ask TEXT REQUEST-FIELDS PATTERN
n_asked=0
ask() {
	n_asked=$((n_asked + 1))
	tell "{\"cmd\":\"request\",\"tag\":\"a$n_asked\",\"want\":true,$2}"
	check "$1" wait_for "$server" "\"tag\":\"a$n_asked\",$3"
}

start echo "$PEER" echo
wait_for echo '"listening"' || exit 1
tcp_target=$(printf '%s\n' "$line" | json tcp)
udp_target=$(printf '%s\n' "$line" | json udp)

### A server that never answers costs 30 s: it runs beside the rest.
go_server mute --no-reply
config mute_client <<-END
	fingerprint = "$FINGERPRINT"
	auth = "me:secret"
END
client mute_client

# A target that reads to the end and says then what it got.
start sink socat -u -d -d TCP-LISTEN:0,bind=127.0.0.1,fork,reuseaddr "SYSTEM:sha256sum >>$tmp/sums.log"
i=0
until sink=$(sed -n 's/.*listening on AF=2 127.0.0.1:\([0-9]*\)$/\1/p' "$tmp/sink.err" | grep .) || [ $i -gt 200 ]; do
	i=$((i + 1))
	sleep 0.1
done

### Registration
go_server server
config c1 <<-END
	fingerprint = "aa:0d:c9:17"
	auth = "me:secret"
	attributes_file_path = "$tmp/attributes"
	tags = ["t1"]
	remotes = ["$sink", "$tcp_target"]
END
client c1
check "the client connects" wait_for c1 'info: client: Connected \(Latency '
check "the fingerprint is shown" wait_for c1 "info: client: Fingerprint $FINGERPRINT"
check "it is registered" wait_for server '"registered".*"id":"c1"'
tunnel=$(printf '%s\n' "$line" | json lport)
sink_tunnel=$(printf '%s\n' "$line" | sed -n "s/.*\"lport\":\"\([0-9]*\)\"[^}]*\"rport\":\"$sink\".*/\1/p")
session=$(printf '%s\n' "$line" | json session)
check "half-close and tags are told" wait_for server '"Tags":\["t1"\].*"Features":\["half-close"\]'
check "no secret is told" not_in_log server '"name":"new_connection".*secret'
check "the data folder is private" is "$(stat -c %a "$tmp/data/c1/scripts")" 700

### Requests
ask "ping" '"name":"ping"' '"ok":true,"data":"",'
ask "unknown request" '"name":"nonsense"' '"ok":false,"data":"unknown request"'
ask "keepalive of others" '"name":"keepalive@openssh.com"' '"ok":false,"data":"unknown request"'
ask "capabilities" '"name":"put_capabilities","payload":{"ServerVersion":"1.0.0"}' \
	'"ok":true,"data":null'
ask "capabilities of nonsense" '"name":"put_capabilities","text":"{"' '"ok":true,"data":null'
ask "open port" "\"name\":\"check_port\",\"payload\":{\"HostPort\":\"$tcp_target\",\"Timeout\":2000000000}" \
	'"ok":true,"data":{"Open":true,"ErrMsg":""}'
spare_port
ask "closed port" "\"name\":\"check_port\",\"payload\":{\"HostPort\":\"127.0.0.1:$port\",\"Timeout\":2000000000}" \
	"\"ok\":true,\"data\":{\"Open\":false,\"ErrMsg\":\"dial tcp 127.0.0.1:$port: connect: connection refused\"}"
ask "port of a wrong type" '"name":"check_port","payload":{"HostPort":5}' '"ok":false,"data":".+"'
ask "port of nothing" '"name":"check_port"' '"ok":false,"data":".+"'
ask "port that is none" '"name":"check_port","payload":{"HostPort":"nonsense"}' \
	'"ok":(true,"data":{"Open":false,"ErrMsg":".+"|false,"data":".+")'
ask "tunnel without rules" '"name":"check_tunnel_allowed","payload":{"Remote":"10.0.0.1:1"}' \
	'"ok":true,"data":{"IsAllowed":true}'
ask "bad tunnel without rules" '"name":"check_tunnel_allowed","payload":{"Remote":"x"}' \
	'"ok":true,"data":{"IsAllowed":true}'
ask "tunnel of a wrong type" '"name":"check_tunnel_allowed","payload":{"Remote":[]}' \
	'"ok":false,"data":".+"'
ask "attributes" '"name":"update_client_metadata","payload":{"tags":["x"],"labels":{"k":"v"}}' \
	'"ok":true,"data":{"status":"OK"}'
check "the attributes are in the file" grep -q -F '{"tags":["x"],"labels":{"k":"v"}}' "$tmp/attributes"
check "nobody else reads it" is "$(stat -c %a "$tmp/attributes")" 600
ask "attributes of a wrong type" '"name":"update_client_metadata","payload":{"tags":"x"}' \
	'"ok":false,"data":"payload unreadable: '
ask "updates" '"name":"refresh_updates_status","text":"null"' '"ok":true,"data":null'
check "the updates' status follows" wait_for server \
	'"updates_status","want":false.*"update_summaries":null.*"error":"looking for updates is turned off'
ask "upload" '"name":"upload","payload":{"ID":"x"}' \
	'"ok":false,"data":"empty source file name"'
ask "job of a wrong type" '"name":"run_cmd","payload":{"command":7}' \
	'"ok":false,"data":"failed to decode requested job: '
ask "job that is no JSON" '"name":"run_cmd","text":"{{{"' \
	'"ok":false,"data":"failed to decode requested job: '
ask "job without a command" '"name":"run_cmd","payload":{}' '"ok":false,"data":".+"'

### Commands
tell '{"cmd":"run","tag":"s1","job":{"jid":"s1","command":"/usr/bin/id -u","stream_result":true}}'
check "with live output both channels are opened, with what was asked for" \
	wait_for server '"channel".*"type":"stdout","extra":\{"jid":"s1",.*"stream_result":true'
check "stderr too" wait_for server '"channel".*"type":"stderr"'
check "before the answer" wait_for server '"tag":"s1","ok":true,"data":{"Pid":[0-9]+'
check "the output comes" wait_for server "\"stream\".*\"type\":\"stdout\",\"jid\":\"s1\",\"data\":\"$(id -u)"
check "the result too" wait_for server '"cmd_result".*"jid":"s1".*"status":"successful"'
check "then they are closed" wait_for server '"stream-closed".*"type":"stderr","jid":"s1"'
tell '{"cmd":"run","tag":"j1","job":{"jid":"j1","command":"/usr/bin/id -u","multi_job_id":"m1"}}'
check "a command starts" wait_for server '"tag":"j1","ok":true,"data":{"Pid":[0-9]+,"StartedAt":"'
check "its result comes" wait_for server '"cmd_result","want":false.*"jid":"j1","status":"successful"'
check "with its output" in_text "$line" "\"result\":{\"stdout\":\"$(id -u)\\n\",\"stderr\":\"\",\"summary\":\"\"}"
check "and what the server sent" in_text "$line" '"multi_job_id":"m1"'
tell '{"cmd":"run","tag":"j2","job":{"jid":"j2","command":"/bin/ls /"}}'
check "another folder is refused" wait_for server \
	'"tag":"j2","ok":false,"data":"command is not allowed: /bin/ls /"'
tell '{"cmd":"run","tag":"j3","job":{"jid":"j3","command":"/usr/bin/id;/usr/bin/id"}}'
check "two commands are refused" wait_for server '"tag":"j3","ok":false,"data":"command is not allowed: '
tell '{"cmd":"run","tag":"j4","job":{"jid":"j4","command":"echo hi","is_script":true}}'
check "a script is refused" wait_for server '"tag":"j4","ok":false,"data":"remote scripts are disabled"'
tell '{"cmd":"run","tag":"j5","job":{"jid":"j5","command":"/usr/bin/env false"}}'
check "a failure is told" wait_for server '"jid":"j5","status":"failed".*"error":"exit status 1"'

tell '{"cmd":"run","tag":"j7","job":{"jid":"j7","command":"/usr/bin/seq 1 200000"}}'
check "a long result is cut and said to be" wait_for server \
	'"cmd_result".*"jid":"j7","status":"successful".*"error":"[^"]+","result":{"stdout":"1.n2.n'
check "without harm to the connection" not_in_log server '"closed"'

### Channels
tell '{"cmd":"open","tag":"o1","type":"weird","extra":"'"$tcp_target"'"}'
check "a weird channel is refused" wait_for server '"tag":"o1","ok":false,"error":"ssh: rejected: unknown channel type'
tell '{"cmd":"open","tag":"o2","type":"session"}'
check "a session is refused" wait_for server '"tag":"o2","ok":false'
tell '{"cmd":"open","tag":"o3","type":"rport","extra":"no target"}'
check "a bad target is refused" wait_for server '"tag":"o3","ok":false'
tell '{"cmd":"wsping","data":"hi"}'
check "WebSocket pings are answered" wait_for server '"event":"pong"'

### Tunnels
check "100 MB pass both ways" quiet "$PEER" check --tcp "127.0.0.1:$tunnel" --bytes "$(bulk 100000000)" \
	--timeout 120s
check "what a visitor sends before its end" sh -c 'head -c 3000000 "$1" | socat -u - "TCP:127.0.0.1:$2"' - "$RPORT" "$sink_tunnel"
check "arrives to the last byte" wait_for sums "^$(head -c 3000000 "$RPORT" | sha256sum | cut -d' ' -f1) "
check "connections beside each other" quiet "$PEER" check --tcp "127.0.0.1:$tunnel" --parallel 20 \
	--bytes 1000000
tell '{"cmd":"tunnel","tag":"u1","listen":"127.0.0.1:0","remote":"'"$udp_target"'","proto":"udp"}'
wait_for server '"tag":"u1","ok":true'
check "UDP passes" quiet "$PEER" check --udp "127.0.0.1:$(printf '%s\n' "$line" | json port)" \
	--parallel 3

### Tunnels come back with the connection: the server asks about them before it answers
tell '{"cmd":"close","reset":true}'
check "old tunnels are asked for" wait_for server \
	"\"reply\",\"conn\":2,\"name\":\"check_tunnel_allowed\",.*\"ok\":true,\"data\":{\"IsAllowed\":true}"
check "and come back" wait_for server "\"registered\",\"conn\":2,.*\"rport\":\"${udp_target##*:}\""
udp=$(printf '%s\n' "$line" | sed 's/.*"protocol":"udp"//' | json lport)
check "UDP passes again" quiet "$PEER" check --udp "127.0.0.1:$udp"

### The server goes away and comes back
kill -9 "$(pid_of server)"
check "the loss is seen" wait_for c1 'info: client: Disconnected'
rm -f "$tmp/server.in"
go_server server --listen "$addr"
check "the client comes back" wait_for server '"registered".*"id":"c1"'
check "with its session" in_text "$line" "\"session\":\"$session\""
check "with its new attributes" in_log server '"Tags":\["x"\],"Labels":\{"k":"v"\}'

### A command outlives its connection
tell '{"cmd":"run","tag":"j6","job":{"jid":"j6","command":"/usr/bin/sleep 2"}}'
check "a long command starts" wait_for server '"tag":"j6","ok":true'
tell '{"cmd":"close","reset":true}'
check "its result is sent afterwards" wait_for server '"cmd_result".*"jid":"j6","status":"successful"'
check "on another connection" in_text "$line" '"conn":2'

### Signals
stop c1
check "SIGTERM ends the client cleanly" is "$status" 0
check "and says so" wait_for c1 'info: client: rport client ended'
check "nothing is on stderr" silent c1
end_server

### Key exchanges under load
go_server rekey --rekey-bytes 4000000
config c2 <<-END
	fingerprint = "$FINGERPRINT"
	auth = "me:secret"
	remotes = ["$tcp_target"]
	tunnel_allowed = ["127.0.0.1:${tcp_target##*:}"]
END
client c2
wait_for rekey '"registered"'
check "bulk survives forced key exchanges" quiet "$PEER" check --timeout 120s --bytes "$(bulk 30000000)" \
	--parallel 2 --tcp "127.0.0.1:$(printf '%s\n' "$line" | json lport)"
ask "tunnel by the rules" "\"name\":\"check_tunnel_allowed\",\"payload\":{\"Remote\":\"$tcp_target\"}" \
	'"ok":true,"data":{"IsAllowed":true}'
ask "tunnel against the rules" '"name":"check_tunnel_allowed","payload":{"Remote":"10.0.0.1:1"}' \
	'"ok":true,"data":{"IsAllowed":false}'
ask "bad tunnel with rules" '"name":"check_tunnel_allowed","payload":{"Remote":"x"}' '"ok":false,"data":".+"'
tell '{"cmd":"open","tag":"o4","type":"rport","extra":"127.0.0.1:1"}'
check "a channel against the rules is refused" wait_for rekey \
	'"tag":"o4","ok":false,.*not allowed with ..tunnel_allowed.. config'
ask "attributes without a file" '"name":"update_client_metadata","payload":{"tags":[]}' \
	'"ok":false,"data":"attributes file path not set"'
stop c2
check "the second client ends cleanly" is "$status" 0
check "without a word on stderr" silent c2

### Who is not let in
config c3 <<-END
	fingerprint = "aa:bb"
	auth = "me:secret"
END
client c3
check "a wrong fingerprint is seen" wait_for c3 "invalid fingerprint \($FINGERPRINT\)"
check "and tried again later" wait_for c3 'client: Retrying in ([5-9]|10)[.0-9]*s'
check "no credential was sent" not_in_log rekey '"auth-failed"'
stop c3
check "a client in its back-off ends at once" is "$status" 0
check "silently" silent c3

config c4 <<-END
	fingerprint = "$FINGERPRINT"
	auth = "me:wrong"
END
client c4
check "a wrong password is refused" wait_for c4 'client: Connection error: unable to authenticate'
check "and tried again later" wait_for c4 'client: Retrying in ([5-9]|10)[.0-9]*s'
stop c4
config c5 <<-END
	auth = "me:secret"
END
client c5 --max-retry-count 0
check "without a fingerprint both forms are shown" wait_for c5 "$FINGERPRINT.*SHA256:"
stop c5
end_server

go_server refusing --fail-new-connection 'client is already connected: n [c1]'
config c6 <<-END
	fingerprint = "$FINGERPRINT"
	auth = "me:secret"
END
client c6
check "a refusal is logged" wait_for c6 'connection request refused: client is already connected: n \[c1\]'
check "and tried again later" wait_for c6 'client: Retrying in ([5-9]|10)[.0-9]*s'
check "the connection is closed" wait_for refusing '"closed","conn":1'
stop c6
end_server

go_server garbled --raw-reply '{"no":'
config c7 <<-END
	fingerprint = "$FINGERPRINT"
	auth = "me:secret"
END
client c7
check "an unreadable answer is no registration" wait_for c7 'not readable: '
check "and the connection is closed" wait_for garbled '"closed","conn":1'
stop c7
end_server

### Pings
go_server frozen
config c8 <<-END
	fingerprint = "$FINGERPRINT"
	auth = "me:secret"
	[connection]
	keep_alive = "1s"
	keep_alive_timeout = "1s"
END
client c8
check "the client pings" wait_for frozen '"request","conn":1,"name":"ping","want":true'
kill -STOP "$(pid_of frozen)"
check "a dead server is noticed" wait_for c8 'Disconnected: .*(ping|timed out)' 6
kill -CONT "$(pid_of frozen)"
check "and the client comes back" wait_for frozen '"registered","conn":2'
stop c8
end_server

### The mute server of the beginning
check "a missing answer is not waited for in vain" wait_for mute_client \
	'no answer to the connection request within 30 s' 40
check "and the connection is closed" wait_for mute '"closed","conn":1'
stop mute_client
check "that client ends cleanly" is "$status" 0
check "also silently" silent mute_client
finish
