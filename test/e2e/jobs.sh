#!/bin/sh
# SPDX-License-Identifier: MIT
# Commands and scripts on many clients, installed ones (the Go peer) and our own, with live output.

# shellcheck source=test/e2e/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=test/e2e/lib/server.sh
. "$(dirname "$0")/lib/server.sh"

# ws NAME KIND BODY [FLAGS]: the user's end; its messages, one a line, go to $tmp/NAME.messages
ws() {
	name=$1
	kind=$2
	body=$3
	shift 3
	[ $# -gt 0 ] || set -- --user "admin:$PASSWORD"
	start "$name" "$PEER" wsuser --url "ws${api#http}/api/v1/ws/$kind" --send "$body" "$@"
	wait_end "$name"
	jq -r 'select(.event == "message") | .text' "$tmp/$name.log" | jq -c . >"$tmp/$name.messages"
}

# ws_is NAME TEXT-OF-VALUE JQ-EXPRESSION: of all messages
ws_is() { is "$(jq -r -s "$3" "$tmp/$1.messages")" "$2"; }

# What the pieces of one client's stdout make: ws_stdout NAME CLIENT
ws_stdout() {
	jq -r -s --arg c "$2" '[.[] | select(.status == null and .client_id == $c) | .result.stdout] | join("")' \
		"$tmp/$1.messages"
}

closed_normally() { in_log "$1" '"event":"closed".*"code":1000' || in_log "$1" '"code":1000.*"event":"closed"'; }

# multi PATH BODY: waits for the end of all child jobs, $jid; the multi-client job is the last answer.
multi() {
	call POST "$1" -d "$2"
	jid=$(value .data.jid)
	[ "$code" = 200 ] || { echo "# $code: $(cat "$tmp/body")"; return 1; }
	until_call "(.data.jobs | length) == $3 and all(.data.jobs[]; .status != \"running\")" "/commands/$jid"
}

script() { printf '%s' "$1" | base64 -w0; }

server_config server 'client_login_wait = 0
run_remote_cmd_timeout_sec = 20'
start_server server
for c in ours1 ours2; do
	client_config $c "tags = [\"linux\", \"$c\"]" '[remote-commands]
allow = ["^/(usr/)?bin/.*"]
[remote-scripts]
enabled = true'
	start_client $c
	check "$c is connected" connected $c
done
start_peer old1 --tag linux --data-dir "$tmp/data/old1"
start_peer old2 --data-dir "$tmp/data/old2"
check "an installed client is connected" connected old1
check "another too" connected old2
client_config gone
start_client gone
check "one more client comes" connected gone
stop gone
check "and goes" disconnected gone

### Many clients
check "a command on three clients at once" multi /commands \
	'{"command":"/usr/bin/id -u","client_ids":["ours1","old1","gone"],"execute_concurrently":true}' 3
check "runs on those that are there" json_is 'ours1 old1' \
	'[.data.jobs[] | select(.status == "successful") | .client_id] | sort | reverse | join(" ")'
check "the other failed" json_is 'failed client is not connected' \
	'.data.jobs[] | select(.client_id == "gone") | "\(.status) \(.error)"'
check "the job says what was asked for" json_is 'true true 3' \
	'"\(.data.concurrent) \(.data.abort_on_err) \(.data.client_ids | length)"'
check "by a tag" multi /commands '{"command":"/usr/bin/id -u","tags":{"tags":["linux"]}}' 3
check "by two tags" multi /commands \
	'{"command":"/usr/bin/id -u","tags":{"tags":["linux","ours2"],"operator":"AND"}}' 1
check "the right client" json_is ours2 '.data.jobs[0].client_id'
check "the list has them" call_is 200 GET /commands '"meta":{"count":3}'
check "a failure ends a row" multi /commands \
	'{"command":"/bin/sh -c false","client_ids":["gone","old1","ours1"]}' 2
check "at the client that failed" json_is 'gone old1' '[.data.jobs[].client_id] | sort | join(" ")'
check "unless told otherwise" multi /commands \
	'{"command":"/usr/bin/env false","client_ids":["old1","ours1"],"abort_on_error":false}' 2

### Scripts
script_text='#!/bin/sh
echo "<summary>all well</summary>"
stat -c "%a %n" "$0"'
check "a script on one client" call_is 200 POST /clients/ours1/scripts '"jid"' \
	-d "{\"script\":\"$(script "$script_text")\"}"
jid=$(value .data.jid)
check "ends" until_call '.data.status == "successful"' "/clients/ours1/commands/$jid"
check "with its summary" json_is 'all well' .data.result.summary
check "from a file that only its owner could read" matches "$(value .data.result.stdout)" '^500 '
check "which is gone" sh -c "! ls '$tmp/data/ours1/scripts' | grep ."
check "a script on both kinds" multi /scripts \
	"{\"script\":\"$(script 'echo "Grüße aus $PWD"')\",\"client_ids\":[\"ours1\",\"old1\"],\"cwd\":\"/tmp\"}" 2
check "in its folder" json_is '2' '[.data.jobs[] | select(.result.stdout == "Grüße aus /tmp\n")] | length'
check "with another interpreter" multi /scripts \
	"{\"script\":\"$(script 'print(6*7)')\",\"client_ids\":[\"ours1\"],\"interpreter\":\"python3\"}" 1
if command -v python3 >/dev/null && [ "$(command -v python3)" = /usr/bin/python3 ]; then
	check "that is it" json_is 42 '.data.jobs[0].result.stdout | rtrimstr("\n")'
fi

### Live output
script_text='for i in 1 2 3; do echo "line $i"; echo "err $i" >&2; sleep 0.3; done'
for c in ours1 old1; do
	ws live_$c scripts "{\"script\":\"$(script "$script_text")\",\"client_ids\":[\"$c\"]}"
	check "$c: the socket is closed in good order" closed_normally live_$c
	check "$c: the output came in pieces" ws_is live_$c true \
		'[.[] | select(.status == null)] | length >= 4'
	check "$c: all of it" is "$(ws_stdout live_$c "$c")" "line 1
line 2
line 3"
	check "$c: with names" ws_is live_$c true 'all(.[]; .client_id != null and .client_name != null)'
	check "$c: then the whole job" ws_is live_$c "successful true" '.[-1] | "\(.status) \(.stream_result)"'
	check "$c: with its result" ws_is live_$c "err 1
err 2
err 3" '.[-1].result.stderr | rtrimstr("\n")'
done
script_text='i=0; while [ $i -lt 3000 ]; do echo "ÄÖÜ€ $i ............................................"; i=$((i+1)); done'
sum=$(sh -c "$script_text" | cksum)
for c in ours1 old1; do
	ws many_$c scripts "{\"script\":\"$(script "$script_text")\",\"client_ids\":[\"$c\"]}"
	check "$c: much output arrives whole, characters too" is "$(ws_stdout many_$c "$c" | sed '/^$/d' | cksum)" "$sum"
	check "$c: in pieces of at most 4096 bytes" ws_is many_$c true \
		'all(.[] | select(.status == null); (.result.stdout | utf8bytelength) <= 4096)'
done
ws all commands '{"command":"/usr/bin/id -u","client_ids":["ours1","ours2","old1","old2","gone"],"execute_concurrently":true}'
check "five clients: five ends" ws_is all 5 '[.[] | select(.status != null)] | length'
check "of which one failed" ws_is all 'gone client is not connected' \
	'.[] | select(.status == "failed") | "\(.client_id) \(.error)"'
check "closed in good order" closed_normally all
ws denied commands '{"command":"/sbin/ls","client_ids":["ours1"]}'
check "a refusal is an end" ws_is denied 'failed null null' '.[0] | "\(.status) \(.pid) \(.result)"'
check "with the client's reason" matches "$(jq -r .error "$tmp/denied.messages")" '^client error: .*not allowed'
ws bad commands '{"command":"/usr/bin/id"}'
check "a request without clients" ws_is bad 'Missing targeting parameters.' '.[0].errors[0].title'
check "ends the socket" closed_normally bad
ws nobody commands '{}' --timeout 10s
check "without credentials there is no socket" in_log nobody '"status":401'
ws foreign commands '{}' --user "admin:$PASSWORD" --origin https://evil.example
check "nor by a foreign page's Basic" in_log foreign '"status":403'
call GET /login
token=$(value .data.token)
start bearer "$PEER" wsuser --url "ws${api#http}/api/v1/ws/commands?access_token=$token" --origin https://dash.example \
	--send '{"command":"/usr/bin/id -u","client_ids":["old2"]}'
wait_end bearer
check "a token in the address does" in_log bearer 'successful'
check "which no log keeps" not_in_log server "$token"

# Much output for a user who does not read for a while.
script_text='dd if=/dev/zero bs=1000000 count=3 2>/dev/null | tr "\\0" x'
ws slow scripts "{\"script\":\"$(script "$script_text")\",\"client_ids\":[\"ours1\",\"ours2\"],\"execute_concurrently\":true}" \
	--user "admin:$PASSWORD" --slow 3s
check "a slow reader gets both ends" ws_is slow 2 '[.[] | select(.status == "successful")] | length'
check "and a proper close" closed_normally slow

### The client goes
call POST /commands -d '{"command":"/bin/sleep 30","client_ids":["ours2","old2"],"timeout_sec":2}'
jid=$(value .data.jid)
check "a command runs" until_call '(.data.jobs | length) == 1 and .data.jobs[0].status == "running"' "/commands/$jid"
kill -9 "$(pid_of ours2)"
wait_end ours2
check "its client dies, and it becomes unknown" until_call \
	'any(.data.jobs[]; .client_id == "ours2" and .status == "unknown")' "/commands/$jid"
check "then the next client is asked" until_call '(.data.jobs | length) == 2' "/commands/$jid"

### The server stops
call POST /commands -d '{"command":"/bin/sleep 5","client_ids":["ours1","old1","old2"]}'
jid=$(value .data.jid)
check "a row begins" until_call '(.data.jobs | length) == 1 and .data.jobs[0].status == "running"' "/commands/$jid"
kill -9 "$(pid_of server)"
wait_end server
port=${addr##*:}
sed -i "s/^address = \"127.0.0.1:0\"/address = \"127.0.0.1:$port\"/;t" "$tmp/server.conf"
sed -i '0,/\[api\]/!s/^address = .*/address = "127.0.0.1:0"/' "$tmp/server.conf"
start_server server
check "the clients that were not asked have a job that says so" until_call \
	'[.data.jobs[] | select(.error | test("server stopped"))] | length == 2' "/commands/$jid"
check "the one that ran brings its result" until_call \
	'any(.data.jobs[]; .client_id == "ours1" and .status == "successful")' "/commands/$jid"
stop ours1
stop server
check "the server ends cleanly" is "$status" 0
check "and silently" silent server
finish
