#!/bin/sh
# SPDX-License-Identifier: MIT
# Either end is killed: the other notices, everything that is known comes back, nothing stays behind.

# shellcheck source=test/e2e/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=test/e2e/lib/server.sh
. "$(dirname "$0")/lib/server.sh"

# Kills the server and starts it on its old addresses.
restart_server() {
	kill -9 "$(pid_of server)"
	wait_end server
	[ $# = 0 ] || "$@"
	start_server server --addr "$addr" --api-addr "${api#http://}"
}

login() {
	call POST /login -H 'Content-Type: application/json' -d "{\"username\":\"admin\",\"password\":\"$PASSWORD\"}" ||
		return 1
	bearer=$(value .data.token)
	[ -n "$bearer" ]
}

start_echo
server_config server "used_ports = [\"$still_ports\"]" 'jwt_secret = "a-secret-of-this-test"'
start_server server
client_config c1 "remotes = [\"$tcp_port\"]"
client_config c2
start_client c1
start_client c2
check "a client connects" connected c1
check "another connects" connected c2
check "a login" login
still_port
kept=$port
check "a tunnel by the API" open_tunnel c1 "remote=127.0.0.1:$tcp_port&local=0.0.0.0:$kept&acl=127.0.0.1&name=kept"
check "a tunnel on a random port" open_tunnel c2 "remote=$tcp_port&skip-idle-timeout=1"
c2_port=$lport
c2_tunnel=$tid
call GET /clients/c1
c1_port=$(value '.data.tunnels[] | select(.name != "kept").lport')
check "a command" run_command c1 '/usr/bin/printf remember'
job=$jid
check "ends well" json_is successful .data.status

### kill -9 the server
restart_server
check "a client comes back after kill -9 of the server" connected c1
check "it logged the loss" in_log c1 'client: Disconnected'
check "the other client comes back" connected c2
check "the login is still good" call_is 200 GET /me '"username":"admin"'
check "the job is still known" call_is 200 GET "/clients/c1/commands/$job" '"stdout":"remember"'
check "the tunnel by the API came back" until_call "[.data.tunnels[] | select(.lport == \"$kept\" and .name == \"kept\")] | length == 1" \
	/clients/c1
check "with its owner and its ACL" json_is 'admin 127.0.0.1' \
	'.data.tunnels[] | select(.name == "kept") | "\(.owner) \(.acl)"'
check "and works" quiet "$PEER" check --tcp "127.0.0.1:$kept" --bytes 1000000
check "the tunnel of the client's own too" json_is 2 '.data.tunnels | length'
check "on the random port that it had" json_is "$c1_port true" \
	'.data.tunnels[] | select(.name != "kept") | "\(.lport) \(.lport_random)"'
call GET /clients/c2
check "and the other random one with its port and its id" json_is "$c2_port true $c2_tunnel" \
	'.data.tunnels[0] | "\(.lport) \(.lport_random) \(.id)"'
check "for which it works" quiet "$PEER" check --tcp "127.0.0.1:$c2_port" --bytes 1000000

### A client that is not there when the server comes back
stop_c2() { stop c2; }
restart_server stop_c2
check "a client that is away is known" call_is 200 GET /clients/c2 '"connection_state":"disconnected"'
check "since when" json_is false '.data.disconnected_at == null'
check "the others come back" connected c1
start_client c2
check "and it is let in later" connected c2
check "with its tunnel" json_is 1 '.data.tunnels | length'

### kill -9 a client
check "on its port" json_is "$c2_port" '.data.tunnels[0].lport'
check "its tunnel works" quiet "$PEER" check --tcp "127.0.0.1:$c2_port" --bytes 1000000
check "a long command starts" call_is 200 POST /clients/c2/commands jid -d '{"command":"/usr/bin/sleep 3","timeout_sec":2}'
lost=$(value .data.jid)
kill -9 "$(pid_of c2)"
check "kill -9 of a client is seen" disconnected c2
check "and logged" wait_for server 'client c2 disconnected: '
check "its port is free" closed "$c2_port"
check "and goes to another" open_tunnel c1 "remote=$tcp_port&local=127.0.0.1:$c2_port&acl=127.0.0.0/8"
check "for which it works" quiet "$PEER" check --tcp "127.0.0.1:$c2_port" --bytes 1000000
check "nothing can be asked of the dead" call_is 404 PUT "/clients/c2/tunnels?remote=$tcp_port" 'not found'
check "nothing is connected to it" call_is 404 POST /clients/c2/commands 'not found' -d '{"command":"/usr/bin/id"}'
start_client c2
check "its successor is let in at once" connected c2
check "what became of its port is logged" wait_for server \
	"client c2: the tunnel to 127.0.0.1:$tcp_port gets another port than $c2_port: Local port $c2_port already in use"
check "its tunnel has another port now" quiet "$PEER" check \
	--tcp "127.0.0.1:$(value '.data.tunnels[0].lport')" --bytes 1000000


### Signals
pid=$(pid_of c1)
kill -HUP "$pid"
check "SIGHUP reconnects a client" wait_count server 'client c1 .*connected from' 2
check "the process is the same" kill -0 "$pid"
check "and connected" connected c1
check "its tunnel is there" quiet "$PEER" check --tcp "127.0.0.1:$kept" --bytes 1000
WAIT_S=90
check "what became of the job of the killed client is unknown" until_call '.data.status == "unknown"' \
	"/clients/c2/commands/$lost"
WAIT_S=20
check "since when and why is told" json_is 'false true' '"\(.data.finished_at == null) \(.data.error | test("result"))"'
stop server
check "SIGTERM ends the server with 0" is "$status" 0
check "it says so" in_log server 'server: rport server ended'
check "and nothing on stderr" silent server
check "a client waits" wait_for c2 'Retrying in '
start_server server --addr "$addr" --api-addr "${api#http://}"
kill -HUP "$(pid_of c2)"
check "SIGHUP cuts the wait short" connected c2
kill -INT "$(pid_of c2)"
check "SIGINT ends a client with 0" ended_with c2 0
check "silently" silent c2
stop server
stop c1
check "SIGTERM ends a waiting client with 0" is "$status" 0
check "silently, too" silent c1
finish
