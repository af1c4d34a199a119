#!/bin/sh
# SPDX-License-Identifier: MIT
# What our server does when a client or a user of the API overdoes it, and when it ends in the middle of work.

# shellcheck source=test/e2e/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=test/e2e/lib/server.sh
. "$(dirname "$0")/lib/server.sh"

# "slow-password", cost 12, and "quick", cost 4
# shellcheck disable=SC2016
SLOW='$2b$12$abcdefghijklmnopqrstuuKwIlPvyLlw8e74Johhjece.ndnfSP1S'
# shellcheck disable=SC2016
QUICK='$2b$04$abcdefghijklmnopqrstuubbTVZb.bvjr9opKDghR3WgpINbKk9mu'

# What the address sanitizer holds back would count as memory in use.
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:quarantine_size_mb=8"

users() {
	{
		printf '[{"username":"slow","password":"%s","groups":["Administrators"]}' "$SLOW"
		[ $# -eq 0 ] || printf ',{"username":"%s","password":"%s","groups":["Administrators"]}' "$1" "$QUICK"
		printf ']'
	} >"$tmp/users.json"
}

peak_kb() { sed -n 's/^VmHWM:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$(pid_of "$1")/status"; }

# results N STATUS: so many results of the command $jid
results() {
	seq 1 "$1" | sed 's|.*|{"cmd":"request","name":"cmd_result","payload":{"jid":"'"$jid"'","status":"'"$2"'","command":"x","result":{"stdout":"'"$(head -c 2000 /dev/zero | tr '\0' x)"'"}}}|'
}

# until_answered SOURCE: the clients' port answers that address.
until_answered() {
	i=0
	until [ "$(curl -s -o "$tmp/page" -w '%{http_code}' --max-time $((10 * PATIENCE)) --interface "$1" "http://$addr/")" = 404 ]; do
		i=$((i + 1))
		[ $i -le $((WAIT_S * PATIENCE * 5)) ] || return 1
		sleep 0.2
	done
}

### Another port's requests
server_config server 'client_login_wait = 0
jobs_max_results = 50' 'user_login_wait = 0'
start_server server
server_config front "proxy = \"$api\"" 'user_login_wait = 0'
backend=$api
start_server front
api=http://$addr
check "other requests go to the proxy's target" call_is 200 GET /status '"clients_connected":0'
stop front
check "whose server ends well" is "$status" 0
api=$backend
addr=$(sed -n 's/.*Listening for clients on //p' "$tmp/server.log")

### One source that opens connections and says nothing
server_config narrow 'client_login_wait = 0' 'user_login_wait = 0'
start narrow sh -c 'ulimit -n 400 && exec "$0" server -c "$1"' "$RPORT" "$tmp/narrow.conf"
wait_for narrow 'Listening for clients on ' || give_up "no server"
addr=${line##* }
wait_for narrow 'API Listening on ' || give_up "no API"
api=${line##* }
for port in "${addr##*:}" "${api##*:}"; do
	start "crowd$port" python3 "$(dirname "$0")/lib/hostile.py" crowd "$port" 127.0.0.2 300
	check "a crowd is not taken in whole" wait_for "crowd$port" '^refused'
done
check "another source is answered" is "$(curl -s -o "$tmp/page" -w '%{http_code}' --max-time $((20 * PATIENCE)) "http://$addr/")" 404
check "by the API, too" call_is 200 GET /status '"clients_connected":0'
start_peer elsewhere
check "and is let in as a client" wait_for elsewhere '"registered"'
check "which the API sees" connected elsewhere
for component in client-listener api; do
	check "one line of the log says so ($component)" is \
		"$(grep -c " info: $component: 127\.0\.0\.2: too many connections: connection refused" "$tmp/narrow.log")" 1
done
for port in "${addr##*:}" "${api##*:}"; do
	stop "crowd$port"
done
check "afterwards that source is answered again" until_answered 127.0.0.2
stop elsewhere
stop narrow
check "the server ends well" is "$status" 0
check "and the others were counted" grep -q ' 127\.0\.0\.2: too many connections: refused=[0-9]* more' "$tmp/narrow.log"
check "silently" silent narrow
api=$backend
addr=$(sed -n 's/.*Listening for clients on //p' "$tmp/server.log")

### Notifications
mkfifo "$tmp/noisy.in"
start_peer noisy
exec 3>"$tmp/noisy.in"
check "a client connects" wait_for noisy '"registered"'
check "a command is ordered" call_is 200 POST /clients/noisy/commands jid -d '{"command":"sleep 100"}'
jid=$(value .data.jid)
before=$(peak_kb server)
# A job of which nothing is known takes one result after the other.
{ results "$(bulk 12000)" unknown; results 1 successful; } >&3
printf '{"cmd":"request","tag":"last","name":"ping","want":true}\n' >&3
check "a flood of results is taken in" wait_for noisy '"tag":"last","ok":true' 120
check "as fast as it is stored" not_in_log server 'error:'
after=$(peak_kb server)
if [ -n "${RPORT_VALGRIND:-}" ]; then
	skip "valgrind's memory is not the server's"
else
	check "without being kept ($before kB before, $after kB after)" [ $((after - before)) -lt 60000 ]
fi
check "and the last is stored" until_call '.data.status == "successful"' "/clients/noisy/commands/$jid"
exec 3>&-
stop noisy
stop server
check "the server ends well" is "$status" 0
check "silently" silent server

### Users
users
server_config many 'client_login_wait = 0' "user_login_wait = 0
max_failed_login = 10000"
sed -i "s|^auth = \"admin.*|auth_file = \"$tmp/users.json\"|" "$tmp/many.conf"
start_server many
credentials=slow:slow-password
check "a user logs in" call_is 200 GET /me '"username":"slow"'
credentials=new:quick
check "another is not known" call_is 401 GET /me unauthorized
users new
kill -USR1 "$(pid_of many)"
check "the file is read again" wait_for many 'users of the API read again'
check "then he is" call_is 200 GET /me '"username":"new"'
printf x >"$tmp/users.json"
kill -USR1 "$(pid_of many)"
check "a broken file is noticed" wait_for many 'users read before stay in force'
check "and changes nothing" call_is 200 GET /me '"username":"new"'
start_peer p1
check "a client connects" wait_for p1 '"registered"'

# Each costs a good part of a second of one of few threads.
seq 1 150 | sed "s|.*|url = \"$api/api/v1/clients/p1/commands\"\nuser = \"slow:wrong-&\"\noutput = \"/dev/null\"\nwrite-out = \"%{http_code}\\\\n\"\n|" \
	>"$tmp/many.curl"
curl -sS --parallel --parallel-immediate --parallel-max 200 --max-time $((60 * PATIENCE)) -K "$tmp/many.curl" \
	>"$tmp/codes" 2>"$tmp/curl.log"
check "too many logins at once are turned away" grep -q 429 "$tmp/codes"

# The right password, and the end of the server before it is known to be right.
i=0
while [ $i -lt 8 ]; do
	curl -sS -o /dev/null -u slow:slow-password "$api/api/v1/clients/p1/commands" 2>/dev/null &
	curl -sS -o /dev/null -u slow:slow-password "$api/api/v1/login" 2>/dev/null &
	pids="$pids $!"
	i=$((i + 1))
done
sleep 0.3
stop many
check "the server ends well in the middle of logins" is "$status" 0
check "silently" silent many
finish
