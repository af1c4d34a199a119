#!/bin/sh
# SPDX-License-Identifier: MIT
# Garbage, floods and silence at both ports: they are turned away, leave nothing behind, and clients notice nothing.

# shellcheck source=test/e2e/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=test/e2e/lib/server.sh
. "$(dirname "$0")/lib/server.sh"

# More than this above the start counts as a leak. A freed heap does not go back to the system at once.
RSS_TOLERANCE_KB=24000
# What comes and goes by itself. A leak is one for each of hundreds.
FD_TOLERANCE=3

hostile() { python3 "$(dirname "$0")/lib/hostile.py" "$@"; }
rss_kb() { sed -n 's/^VmRSS:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$(pid_of server)/status"; }
fds() { find "/proc/$(pid_of server)/fd" -mindepth 1 2>/dev/null | wc -l; }

# Sanitizers and valgrind keep freed memory on purpose.
memory_back() {
	if [ -n "${RPORT_VALGRIND:-}" ] || grep -q -e libasan -e libtsan "/proc/$(pid_of server)/maps"; then
		return 0
	fi
	echo "# RSS $(rss_kb) kB, at the start $rss_start"
	[ "$(rss_kb)" -le $((rss_start + RSS_TOLERANCE_KB)) ]
}

fds_back() {
	i=0
	while [ "$(fds)" -gt $((fds_start + FD_TOLERANCE)) ]; do
		i=$((i + 1))
		if [ $i -gt $((WAIT_S * PATIENCE * 5)) ]; then
			echo "# $(fds) descriptors, at the start $fds_start"
			return 1
		fi
		sleep 0.2
	done
}

# carries_on TEXT: clients are still on their first connection and data flows.
carries_on() {
	check "$1: our client is on its first connection" is "$(grep -c 'client: Connected' "$tmp/c1.log")" 1
	check "$1: so is the other" not_in_log p1 '"closed"'
	check "$1: data flows to the one" quiet "$PEER" check --tcp "127.0.0.1:$c1_port" --bytes 1000000
	check "$1: data flows to the other" quiet "$PEER" check --tcp "127.0.0.1:$p1_port" --bytes 1000000
	check "$1: the API answers" call_is 200 GET /status '"clients_connected":2'
	check "$1: descriptors are back" fds_back
	check "$1: memory is back" memory_back
}

start_echo
server_config server 'max_failed_login = 4
client_login_wait = 0.1'
start_server server
port=${addr##*:}
api_port=${api##*:}
client_config c1
start_client c1
connected c1 || give_up "no client"
open_tunnel c1 "remote=$tcp_port&skip-idle-timeout=1" || give_up "no tunnel"
c1_port=$lport
start_peer p1
connected p1 || give_up "no peer"
open_tunnel p1 "remote=$tcp_port&skip-idle-timeout=1" || give_up "no tunnel"
p1_port=$lport
# What is bought once is not a leak: a warm server is the start.
quiet "$PEER" check --tcp "127.0.0.1:$c1_port" --bytes "$(bulk 20000000)" --parallel 4
quiet "$PEER" check --tcp "127.0.0.1:$p1_port" --bytes "$(bulk 20000000)" --parallel 4
quiet "$PEER" fuzzconn --addr "$addr" -n 150 --concurrency 50 --hold 1s --seed 7
# A database that is read for the first time stays open: three files.
run_command c1 '/usr/bin/true' || give_up "no command"
call GET /clients/c1/commands
sleep 1
fds_start=$(fds)
rss_start=$(rss_kb)

### Silence takes its time: it runs beside the rest.
start held python3 "$(dirname "$0")/lib/hostile.py" hold "$port" 38 nothing head trickle upgrade version frame
start held_api python3 "$(dirname "$0")/lib/hostile.py" hold "$api_port" 38 nothing head trickle

### Silent peers of one address, clients from another
start silent python3 "$(dirname "$0")/lib/hostile.py" silent "$port" 127.0.0.2 300
check "silent peers take what one address gets" wait_for silent '^ready '
held=${line#ready }
check "and no more" [ "$held" -lt 300 ]
check "the next of them is turned away" is "$(curl -s -o "$tmp/page" -w '%{http_code}' --max-time $((10 * PATIENCE)) --interface 127.0.0.2 \
	-H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' \
	-H 'Sec-WebSocket-Protocol: rport-v1' -H 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==' "http://$addr/")" 503
check "the administrator is told" wait_for server 'info: client-listener: 127\.0\.0\.2: too many handshakes under way: connection refused'
start_peer p2
check "a client from elsewhere is let in" wait_for p2 '"registered"'
stop p2
stop silent
wait_for server 'client p2 disconnected'

### A thousand connections of garbage while data flows
start bulk "$PEER" check --tcp "127.0.0.1:$c1_port" --bytes "$(bulk 100000000)" --timeout 100s
start bulk2 "$PEER" check --tcp "127.0.0.1:$p1_port" --bytes "$(bulk 100000000)" --timeout 100s
start fuzz "$PEER" fuzzconn --addr "$addr" -n 1000 --concurrency 100 --hold 1s --seed "${RP_SEED:-1}"
WAIT_S=100
check "1,000 random connections are all accepted and end" ended_with fuzz 0
check "a transfer beside them is complete" ended_with bulk 0
check "the other, too" ended_with bulk2 0
WAIT_S=20
check "random connections at the API" quiet "$PEER" fuzzconn --addr "127.0.0.1:$api_port" -n 200 --concurrency 50 --hold 1s \
	--kinds random,half-head,huge-header,bad-request,silence
carries_on "after garbage"

### Endless requests
check "a header of 1 GB is refused early" is "$(hostile header "$port" 1000)" 'status 431 early'
check "at the API, too" is "$(hostile header "$api_port" 1000)" 'status 431 early'
check "a body of 1 GB is refused early" matches "$(hostile body "$port" / 1000)" '^status (400|404|413) early$'
check "at the API, too" matches "$(hostile body "$api_port" /api/v1/login 1000)" '^status (400|401|413) early$'
carries_on "after endless requests"

### Visitors who say nothing
start visitors python3 "$(dirname "$0")/lib/hostile.py" visitors "$c1_port" 200
check "200 silent visitors" wait_for visitors '^ready 200'
check "do not keep another out" quiet "$PEER" check --tcp "127.0.0.1:$c1_port" --bytes "$(bulk 10000000)"
kill -9 "$(pid_of visitors)"
carries_on "after silent visitors"

### Results of jobs that were never ordered, and of another client's
check "a command" run_command c1 '/usr/bin/printf truth'
truth=$jid
check "another runs" call_is 200 POST /clients/p1/commands jid -d '{"command":"sleep 60"}'
running=$(value .data.jid)
mkfifo "$tmp/liar.in"
start_peer liar
exec 3>"$tmp/liar.in"
wait_for liar '"registered"' || give_up "no peer"
for jid in 77fd385a-0000-4000-8000-000000000001 "$truth" "$running"; do
	printf '{"cmd":"request","name":"cmd_result","payload":{"jid":"%s","client_id":"p1","status":"successful","result":{"stdout":"lie"}}}\n' "$jid" >&3
done
for jid in 77fd385a-0000-4000-8000-000000000001 "$truth" "$running"; do
	check "the result of $jid is refused" wait_for server "error: jobs: client liar: job $jid successful: .*refused"
done
check "nothing is stored of it" call_is 200 GET /clients/liar/commands '"count":0'
check "nor elsewhere" call_is 404 GET /clients/p1/commands/77fd385a-0000-4000-8000-000000000001 'not found'
check "what stood stands" call_is 200 GET "/clients/c1/commands/$truth" '"stdout":"truth"'
check "what runs still runs" call_is 200 GET "/clients/p1/commands/$running" '"status":"running"'
exec 3>&-
stop liar
wait_for server 'client liar disconnected'
carries_on "after lies"

### A ban of the address does not end what stands
for i in 1 2 3 4; do
	start_peer "wrong$i" --id wrong --auth "id$i:wrong" --duration 10s
	wait_end "wrong$i"
done
check "the address is banned" is "$(curl -s -o "$tmp/page" -w '%{http_code}' "http://$addr/")" 423
carries_on "while banned"

### Those who fell silent at the start
WAIT_S=45
wait_end held
wait_end held_api
for kind in nothing head trickle upgrade version frame; do
	check "silence after $kind is ended" in_log held "^$kind closed"
done
for kind in nothing head trickle; do
	check "silence after $kind at the API is ended" in_log held_api "^$kind closed"
done
check "late handshakes are logged" in_log server '127.0.0.1: SSH handshake not finished within 30 s'
WAIT_S=20
carries_on "at the end"
check "no log line has raw bytes in it" is "$(LC_ALL=C grep -c '[^ -~]' "$tmp/server.log")" 0
stop server
check "the server ends cleanly" is "$status" 0
check "the first refusal had a line" is "$(grep -c '127\.0\.0\.2: too many.*: connection refused' "$tmp/server.log")" 1
check "the others were counted" is "$(sed -n 's/.* 127\.0\.0\.2: too many.*refused=\([0-9]*\) more.*/\1/p' "$tmp/server.log" | awk "{ n += \$1 } END { print n }")" "$((300 - held))"
check "silently" silent server
finish
