#!/bin/sh
# SPDX-License-Identifier: MIT
# What supervisors get to know: messages to the socket of systemd from both roles, and state.json.

# shellcheck source=test/e2e/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=test/e2e/lib/server.sh
. "$(dirname "$0")/lib/server.sh"

# supervisor NAME: a socket $tmp/NAME.sock that writes down what it hears
cat >"$tmp/supervisor.py" <<'END'
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("listens", flush=True)
while True:
    print(s.recv(4096).decode(), flush=True)
END
supervisor() {
	start "$1" python3 -B "$tmp/supervisor.py" "$tmp/$1.sock"
	wait_for "$1" listens || give_up "no supervisor"
}

# state_is STATE MESSAGE: what state.json comes to say
state_is() {
	i=0
	until jq -e --arg s "$1" --arg m "$2" \
		'.last_state == $s and (.last_message | test($m)) and (.last_update_ts | type) == "number"' \
		"$tmp/data/c1/state.json" >/dev/null 2>&1; do
		i=$((i + 1))
		[ $i -le $((WAIT_S * PATIENCE * 10)) ] || { sed 's/^/# /' "$tmp/data/c1/state.json"; return 1; }
		sleep 0.1
	done
}

supervisor of_server
server_config server
export NOTIFY_SOCKET="$tmp/of_server.sock" WATCHDOG_USEC=400000
start_server server
check "the server is ready" wait_for of_server '^READY=1$'
check "it lives" wait_count of_server '^WATCHDOG=1$' 3

supervisor of_client
client_config c1 '' '[connection]
	watchdog_integration = true
	keep_alive = "1s"
	max_retry_interval = "2s"'
export NOTIFY_SOCKET="$tmp/of_client.sock"
start_client c1
check "the client is ready" wait_for of_client '^READY=1$'
check "it tells what it does" wait_for of_client "^STATUS=Connected to ws://$addr within "
check "the file says so too" state_is connected '^(Connected to|ping to) '
check "and of each ping" state_is connected "^ping to ws://$addr succeeded within "
check "it lives" wait_count of_client '^WATCHDOG=1$' 3
check "no command speaks for it" run_command c1 /usr/bin/env
check "as it does not know the socket" json_is false '.data.result.stdout | test("NOTIFY_SOCKET")'
stop server
check "the server says that it ends" in_log of_server '^STOPPING=1$'
check "the client looks for it" state_is reconnecting '^Retrying in '
before=$(grep -c '^WATCHDOG=1$' "$tmp/of_client.log")
check "and lives without it" wait_count of_client '^WATCHDOG=1$' $((before + 4))
stop c1
check "it ends cleanly" is "$status" 0
check "and says so" wait_for of_client '^STOPPING=1$'

# A process of the same group is not meant.
supervisor of_other
export NOTIFY_SOCKET="$tmp/of_other.sock" WATCHDOG_PID=1
start_client c1
check "the watchdog of another process hears nothing" wait_for of_other '^STATUS=Retrying'
sleep 1
stop c1
wait_for of_other '^STOPPING=1$'
check "but for the state file's events" is "$(grep -c '^WATCHDOG=1$' "$tmp/of_other.log")" "$(grep -c '^STATUS=' "$tmp/of_other.log")"

mkdir "$tmp/data/c2"
mkdir "$tmp/data/c2/state.json"
client_config c2 '' '[connection]
	watchdog_integration = true'
start_client c2
check "a state file that cannot be written is no start" ended_with c2 1
check "and said" grep -q 'watchdog_integration: cannot write .*/c2/state.json: ' "$tmp/c2.err"
finish
