#!/bin/sh
# SPDX-License-Identifier: MIT
# Our server against the Go peer that plays an installed client.

# shellcheck source=test/e2e/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=test/e2e/lib/server.sh
. "$(dirname "$0")/lib/server.sh"

# peer_ends TEXT STATUS PATTERN FLAGS …: a run of the peer that ends by itself.
n_runs=0
peer_ends() {
	n_runs=$((n_runs + 1))
	text=$1
	want_status=$2
	pattern=$3
	shift 3
	start_peer "run$n_runs" --id lonely --duration 15s "$@"
	check "$text" ended_as "run$n_runs" "$want_status" "$pattern"
}

ended_as() { ended_with "$1" "$2" && wait_for "$1" "$3" 0; }

# raw_request TEXT PAYLOAD PATTERN: a connection request as it stands; it is answered and the connection closed.
raw_request() {
	printf '%s' "$2" >"$tmp/raw"
	peer_ends "$1" 2 "\"refused\",\"error\":\"$3" --raw-new-connection "$tmp/raw"
}

tell() { printf '%s\n' "$1" >&3; }

start_echo
server_config server 'client_login_wait = 0' 'user_login_wait = 0'
start_server server

### Host key, registration
check "the fingerprint is that of the seed" in_log server "server: Fingerprint $MD5"
check "and the modern form is shown" in_log server 'server: Fingerprint SHA256:[A-Za-z0-9+/]{43}$'
check "the fingerprint is in its file" is "$(cat "$tmp/data/server/rportd-fingerprint.txt")" "$MD5"
check "and in the status" call_is 200 GET /status "\"fingerprint\":\"$MD5\",\"fingerprint_sha256\":\"SHA256:"
mkfifo "$tmp/p1.in"
start_peer p1 --fingerprint "$MD5" --session s1 --name first --tag t1 --attributes "$tmp/attributes" \
	--remote "127.0.0.1:$tcp_port" --allow '^/usr/bin/' --deny ';'
exec 3>"$tmp/p1.in"
check "the peer is let in" wait_for p1 '"registered"'
first_port=$(printf '%s\n' "$line" | json lport)
check "by the key of the seed" in_log p1 "\"kex\",\"count\":1,\"fingerprint\":\"$MD5\",\"type\":\"ecdsa-sha2-nistp256\""
check "with the version line of the protocol" in_log p1 '"server_version":"SSH-rport-v1-server"'
check "the server tells what it can" wait_for p1 '"put_capabilities","want":false,"payload":.*"ServerVersion":"[0-9.]+"'
check "the log names it" wait_for server 'client p1 "first" connected from 127.0.0.1 with 1 tunnel'
check "the API has it" call_is 200 GET '/clients/p1' '"connection_state":"connected"'
check "its address is the peer's" json_is 127.0.0.1 .data.address
check "with the credential it used" json_is me .data.client_auth_id
check "and its tags" json_is t1 '.data.tags[0]'
check "the whole request came, in fragments of 1024 bytes" json_is true \
	.data.client_configuration.file_reception.enabled
check "its password is not shown" quiet sh -c "! grep -F me:secret '$tmp/body'"

### Requests of the client
tell '{"cmd":"request","tag":"r1","name":"ping","want":true}'
check "pings are answered with nothing" wait_for p1 '"tag":"r1","ok":true,"data":""'
tell '{"cmd":"request","tag":"r2","name":"nonsense","want":true,"text":"{"}'
check "unknown requests are answered" wait_for p1 '"tag":"r2","ok":false,"data":"unknown request"'
tell '{"cmd":"request","tag":"r3","name":"cmd_result","text":"{"}'
tell '{"cmd":"request","tag":"r4","name":"updates_status","text":"7"}'
tell '{"cmd":"request","tag":"r5","name":"save_measurement","want":true,"text":"[]"}'
check "unreadable notes hurt nobody" wait_for p1 '"tag":"r5","ok":'
tell '{"cmd":"wsping","data":"hi"}'
check "WebSocket pings are answered" wait_for p1 '"event":"pong"'
for type in rport weird session stdout; do
	tell "{\"cmd\":\"open\",\"tag\":\"o-$type\",\"type\":\"$type\",\"extra\":\"127.0.0.1:$tcp_port\"}"
	check "a channel of type $type is not opened to the client" wait_for p1 "\"tag\":\"o-$type\",\"ok\":false"
done

### Tunnels
check "a tunnel of the client's own works" quiet "$PEER" check --tcp "127.0.0.1:$first_port" --bytes 1000000
check "a tunnel by the API" open_tunnel p1 "remote=$tcp_port&name=second&scheme=ssh&acl=127.0.0.1"
check "its ports are texts" json_is "string string" '"\(.data.lport | type) \(.data.rport | type)"'
check "from the usual range" [ "$lport" -ge 20000 ]
check "of its owner" json_is admin .data.owner
check "100 MB pass both ways" quiet "$PEER" check --tcp "127.0.0.1:$lport" --bytes "$(bulk 100000000)" --timeout 120s
check "connections beside each other" quiet "$PEER" check --tcp "127.0.0.1:$lport" --parallel 20 --bytes 1000000
check "without acl only the requester is let in" open_tunnel p1 "remote=127.0.0.2:$tcp_port&check_port=0"
check "and that is shown" json_is 127.0.0.1 .data.acl
check "the same tunnel again is refused" call_is 400 PUT \
	"/clients/p1/tunnels?remote=$tcp_port&acl=127.0.0.1" ERR_CODE_TUNNEL_TO_PORT_EXIST
check "a closed target is noticed" call_is 400 PUT '/clients/p1/tunnels?remote=1' \
	'ERR_CODE_REMOTE_PORT_NOT_OPEN","title":"Port 1 is not in listening state.*connection refused'
check "a port in use too" call_is 400 PUT \
	"/clients/p1/tunnels?remote=$tcp_port&local=$lport&acl=192.0.2.7" 'ERR_CODE_LOCAL_PORT_IN_USE'
check "and a port that is not for tunnels" call_is 400 PUT \
	"/clients/p1/tunnels?remote=$tcp_port&local=19999&acl=192.0.2.7" 'Local port 19999 is not among allowed ports'
check "an ACL for everybody is refused" call_is 400 PUT "/clients/p1/tunnels?remote=$tcp_port&acl=0.0.0.0" \
	ERR_CODE_INVALID_ACL
check "a tunnel for others" open_tunnel p1 "remote=$tcp_port&acl=192.0.2.0/24"
check "does not let us in" refused_by_tunnel "$lport"
check "its ACL changes" call_is 204 PUT "/clients/p1/tunnels/$tid/acl" '' -d '{"acl":"192.0.2.1,127.0.0.0/8"}'
check "and lets us in" quiet "$PEER" check --tcp "127.0.0.1:$lport" --bytes 1000
check "a tunnel goes away" call_is 204 DELETE "/clients/p1/tunnels/$tid" ''
check "with its port" closed "$lport"
check "UDP passes" udp_passes
check "all tunnels are listed" call_is 200 GET /tunnels '"client_id":"p1"'

### Commands
check "a command runs" run_command p1 '/usr/bin/id -u'
check "with success" json_is "successful $(id -u)" '"\(.data.status) \(.data.result.stdout | rtrimstr("\n"))"'
check "another fails" run_command p1 '/usr/bin/env false'
check "and says how" json_is 'failed exit status 1' '"\(.data.status) \(.data.error)"'
check "the client's policy is told" call_is 409 POST /clients/p1/commands \
	'client error: .*command is not allowed: /bin/ls' -d '{"command":"/bin/ls"}'
check "jobs are listed" call_is 200 GET /clients/p1/commands '"meta":{"count":2}'
check "an empty command is none" call_is 400 POST /clients/p1/commands 'Command cannot be empty' -d '{"command":""}'
check "nobody runs commands on a stranger" call_is 404 POST /clients/p9/commands \
	'lient with id=.+p9.+ not found' -d '{"command":"/usr/bin/id"}'

### Attributes
check "attributes are written" call_is 200 PUT /clients/p1/attributes '{"data":"ok"}' \
	-d '{"tags":["x","y"],"labels":{"City":"Köln"}}'
check "by the client" grep -q 'Köln' "$tmp/attributes"
check "and read" call_is 200 GET /clients/p1/attributes '{"tags":\["x","y"\],"labels":{"City":"Köln"}}'
check "the list knows them" call_is 200 GET '/clients?filter[labels]=City:%20*ln' '"count":1'
start_peer p2 --ciphers chacha20-poly1305@openssh.com
check "a second client is let in" wait_for p2 '"registered"'
check "attributes without a file are refused" call_is 409 PUT /clients/p2/attributes \
	'client error: .*attributes file path not set' -d '{"tags":[]}'
check "both are connected" call_is 200 GET /status '"clients_connected":2'

### Refusals
peer_ends "the same id from elsewhere is refused" 2 '"refused","error":"client is already connected: first .p1.' \
	--id p1 --session s2
check "which the first does not notice" quiet "$PEER" check --tcp "127.0.0.1:$first_port" --bytes 1000
raw_request "an id of the wrong type" '{"ID":1}' 'invalid connection request: '
raw_request "a list" '[]' 'invalid connection request: '
raw_request "half an object" '{"ID":"x"' 'invalid connection request: '
raw_request "no bytes" '' 'invalid connection request: '
raw_request "remotes of the wrong type" '{"ID":"x","Version":"1.0.0","Remotes":{"lport":1}}' 'invalid connection request: '
raw_request "a port of the wrong type" '{"ID":"x","Version":"1.0.0","Remotes":[{"protocol":"tcp","lport":5}]}' \
	'invalid connection request: '
raw_request "an unknown protocol" '{"ID":"x","Version":"1.0.0","Remotes":[{"protocol":"sctp","rport":"1"}]}' '.+'
raw_request "a proxied tunnel of no scheme" \
	'{"ID":"x","Version":"1.0.0","Remotes":[{"protocol":"tcp","rport":"1","rhost":"127.0.0.1","lport":"99999"}]}' '.+'
{
	printf '{"ID":"deep","Version":"1.0.0","Labels":'
	head -c 60000 /dev/zero | tr '\0' '['
} >"$tmp/raw"
peer_ends "deep nesting" 2 '"refused","error":"invalid connection request: ' --raw-new-connection "$tmp/raw"
peer_ends "another first request" 2 '"refused","error":"expected new_connection' --first-request hello
peer_ends "a port outside the range" 2 'Local port 80 is not among allowed ports' --remote 80:80
peer_ends "a wrong password" 1 'unable to authenticate' --auth me:wrong
check "is logged" wait_for server 'failed login attempt for client auth id "me" from 127.0.0.1'
peer_ends "an unknown id" 1 'unable to authenticate' --auth nobody:secret
check "is logged too" wait_for server 'failed login attempt for client auth id "nobody" from 127.0.0.1'
tell '{"cmd":"request","tag":"again","name":"new_connection","want":true,"payload":{"ID":"p1"}}'
check "a second connection request is an error" wait_for p1 \
	'"tag":"again","ok":false,"data":"unexpected connection request. please reconnect"'
check "that ends the connection" ended_with p1 2
exec 3>&-
check "and is seen" disconnected p1

### The same process comes back while its old connection still stands
start_peer p3 --session s3 --remote "127.0.0.1:$first_port:127.0.0.1:$tcp_port"
wait_for p3 '"registered"' || give_up "p3"
check "a tunnel by the API" open_tunnel p3 "remote=$udp_port&check_port=0&name=kept"
start_peer p3b --id p3 --session s3 --remote "127.0.0.1:$first_port:127.0.0.1:$tcp_port"
check "the same session takes over" wait_for p3b '"registered"'
check "with its fixed port and the other tunnel" in_text "$line" "\"lport\":\"$first_port\""
check "which came back" in_text "$line" '"name":"kept"'
check "the old connection ends" ended_with p3 2
check "the client counts as connected" call_is 200 GET /clients/p3 '"connection_state":"connected"'
check "and its tunnel works" quiet "$PEER" check --tcp "127.0.0.1:$first_port" --bytes 1000000

### Forgetting
check "a connected client cannot be forgotten" call_is 400 DELETE /clients/p2 'Client is active, should be disconnected'
stop p2
check "its end is seen" disconnected p2
check "then it can" call_is 204 DELETE /clients/p2 ''
check "and is gone" call_is 404 GET /clients/p2 'Client with id=.+p2.+ not found'
check "also from the list" call_is 200 GET '/clients?filter[id]=p2' '"count":0'

### Ciphers and key exchanges
# The Go library of Debian 12 does not know aes256-gcm.
for cipher in aes128-gcm@openssh.com chacha20-poly1305@openssh.com aes128-ctr aes192-ctr \
	aes256-ctr; do
	name=$(echo "$cipher" | tr -cd 'a-z0-9')
	start_peer "$name" --ciphers "$cipher" --rekey-bytes 1000000 --remote "127.0.0.1:$tcp_port"
	check "$cipher is spoken" wait_for "$name" '"registered"'
	check "and its key exchanged under load" quiet "$PEER" check --timeout 120s --bytes 8000000 --parallel 2 \
		--tcp "127.0.0.1:$(printf '%s\n' "$line" | json lport)"
	check "several times" wait_for "$name" '"kex","count":[5-9]'
	stop "$name"
done

stop server
check "SIGTERM ends the server cleanly" is "$status" 0
check "the peer sees it" ended_with p3b 2
check "nothing is on stderr" silent server

### Waits and bans
server_config banning 'max_failed_login = 3
ban_time = 3'
start_server banning
peer_ends "wrong" 1 'unable to authenticate' --auth me:wrong
peer_ends "right, but too early" 1 'unable to authenticate'
check "is logged" wait_for banning 'login of client auth id "me" from 127.0.0.1 refused: too early'
sleep 2.1
peer_ends "right, after the wait" 0 '"registered"' --duration 1s
peer_ends "wrong once" 1 'unable to authenticate' --auth id1:wrong
peer_ends "wrong twice" 1 'unable to authenticate' --auth id2:wrong
peer_ends "wrong for the last time" 1 'unable to authenticate' --auth id3:wrong
peer_ends "a banned address is told so" 1 '"http","status":423'
check "in words" is "$(curl -s "http://$addr/")" 'Too many bad attempts. Please try later.'
check "and in the log" wait_for banning '127.0.0.1 is banned after repeated failed logins'
check "the API is not affected" call_is 200 GET /status '"clients_connected"'
sleep 3.1
peer_ends "after the ban it is let in" 0 '"registered"' --duration 1s
stop banning

### One client for each credential, credentials in a file
printf '{"a":"pw-a","b":"pw-b"}' >"$tmp/auth.json"
server_config file "auth_multiuse_creds = false
equate_clientauthid_clientid = true
auth_file = \"$tmp/auth.json\""
sed -i '/^auth = "me:/d' "$tmp/file.conf"
start_server file
start_peer a --auth a:pw-a --id ''
check "the credential names the client" wait_for file 'client a "peer" connected'
peer_ends "another client with the same credential is refused" 2 \
	'client auth ID is already in use: .+a' --auth a:pw-a --id other
start_peer b --auth b:pw-b --id b
check "another credential is for another client" wait_for b '"registered"'
printf '{"a":"pw-a","b":"pw-b","c":"pw-c"}' >"$tmp/auth.json"
start_peer c --auth c:pw-c --id c
check "what is new in the file counts at once" wait_for c '"registered"'
check "and is told" wait_for file 'client-auth: credentials read again'
printf '{"a":' >"$tmp/auth.json"
stop c
start_peer c --auth c:pw-c --id c
check "half a file does not count" wait_for c '"registered"'
check "and is noticed" wait_for file 'error: client-auth: .*the credentials read before stay in force'
stop file
check "that server ends cleanly too" is "$status" 0
check "and silently" silent file
finish
