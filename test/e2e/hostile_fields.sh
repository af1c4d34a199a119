#!/bin/sh
# SPDX-License-Identifier: MIT
# A client whose every text is markup, control and bidi characters, and long: the API passes it on as
# the data that it is, also in what it tells of changes.

# shellcheck source=test/e2e/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=test/e2e/lib/server.sh
. "$(dirname "$0")/lib/server.sh"

# In a JSON answer nothing of it is markup.
no_markup() { ! grep -q '[<>&]' "$tmp/body"; }

# told PATTERN: of the listener's lines one has it
told() { wait_for events "$1"; }

# has JQ-EXPRESSION FIELD: the text of that field of the client, not much shorter than it was sent
has() {
	length=$(value "$1 | length")
	matches "$(value "$1")" "window.pwned='$2'" && [ "$length" -ge 3500 ]
}

server_config server 'max_failed_login = 0' 'user_login_wait = 0
max_failed_login = 0'
start_server server
start events python3 "$(dirname "$0")/lib/ws_listen.py" "$api/api/v1/ws/events" "admin:$PASSWORD"
check "somebody listens" wait_for events '^HTTP/1.1 101'
start_peer evil --hostile-fields --measure-every 1s
check "the client is there" connected evil
check "that is told" told '^{"type":"client","action":"connected","id":"evil","client_id":"evil"}$'
check "and what it says of itself" told '^{"type":"client","action":"updated","id":"evil"'

### What it is
check "its facts" call_is 200 GET /clients/evil ''
check "are data" no_markup
for field in name hostname os os_full_name; do
	check "$field is whole" has ".data.$field" "$(echo "$field" | tr _ -)"
done
check "a tag is whole" has '.data.tags[0]' tag
check "a label is whole" has '.data.labels | to_entries[] | select(.key | startswith("\u202e")).value' label-value
check "control characters are escaped" json_is true '.data.name | contains("\u001b]52;c;") and contains("\u0001")'
check "updates" json_is 5 '.data.updates_status.update_summaries | length'
check "external addresses" has .data.ext_ip_addresses.ipv4 ext-ipv4
check "it is found by its tag" call_is 200 GET '/clients?filter[tags]=plain-tag' '"id":"evil"'
check "the tags of all" call_is 200 GET /client-tags 'plain-tag'

### What it does
check "processes" until_call '.data | length > 0' /clients/evil/processes
check "are data" no_markup
check "with names" has '.data[0].processes | sort_by(.pid)[5].name' process-name-0
check "mount points" call_is 200 GET /clients/evil/mountpoints "window.pwned='mountpoint'"
check "are data" no_markup
check "a command" run_command evil id
check "ends" json_is failed .data.status
check "its output is data" no_markup
check "whole" has .data.result.stdout stdout
check "also what is no text" has .data.result.stderr stderr
check "that is told" told '^{"type":"command","action":"finished","id":"[0-9a-f-]*","client_id":"evil"}$'
check "one that it refuses" call_is 409 POST /clients/evil/commands "window.pwned='job-refused'" -d '{"command":"refuse"}'
check "is data too" no_markup
check "a tunnel that it refuses" call_is 400 PUT '/clients/evil/tunnels?remote=1' 'could not check'
check "is data" no_markup
check "one that it allows" open_tunnel evil 'remote=9&check_port=0'
check "is told" told '^{"type":"tunnel","action":"opened","id":"1","client_id":"evil"}$'
check "it goes" call_is 204 DELETE "/clients/evil/tunnels/$tid" ''
check "that is told as well" told '^{"type":"tunnel","action":"closed","id":"1","client_id":"evil"}$'

### One with such an id
start_peer worse --hostile-fields --id '' --name worse
check "another has an evil id" until_call '.meta.count == 2' '/clients?fields[clients]=id'
id=$(value '.data[] | select(.id != "evil").id')
check "that is found by its path" call_is 200 GET "/clients/$(printf '%s' "$id" | jq -sRr @uri)" "hostile"
check "it is that" json_is "$id" .data.id
check "and told as data" wait_for events 'connected.*u003cimg src=x'
finish
