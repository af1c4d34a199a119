#!/bin/sh
# SPDX-License-Identifier: MIT
# The server under ThreadSanitizer with 4 workers and 200 clients that come and go, while tunnels
# are opened, used and closed and commands run. RPORT is built with PROFILE=tsan, RPORT_CLIENT for
# speed; a few of the clients run RPORT, too. STRESS_SECONDS (60) of work, about twice that in all.

# shellcheck source=test/e2e/lib/lib.sh
. "$(dirname "$0")/../e2e/lib/lib.sh"
# shellcheck source=test/e2e/lib/server.sh
. "$(dirname "$0")/../e2e/lib/server.sh"

here=$(cd "$(dirname "$0")" && pwd)
CLIENTS=${STRESS_CLIENTS:-200}
SECONDS_OF_WORK=${STRESS_SECONDS:-60}
RPORT_CLIENT=${RPORT_CLIENT:-$RPORT}
# Every report ends the test, not the program: all of them are wanted.
export TSAN_OPTIONS="${TSAN_OPTIONS:-}:suppressions=$here/../tsan.supp:exitcode=66:halt_on_error=0"

no_reports() {
	if grep -l -a 'WARNING: ThreadSanitizer' "$@" 2>/dev/null; then
		grep -h -a -A 30 'WARNING: ThreadSanitizer' "$@" | head -n 150 | sed 's/^/# /'
		return 1
	fi
}

done_at_least() {
	n=$(json "$1" <"$tmp/churn.json")
	[ "${n:-0}" -ge "$2" ] || { echo "# $1: ${n:-0}, wanted $2"; false; }
}

# One has to see that a report would be seen.
nm -a "$RPORT" 2>/dev/null | grep -q __tsan_ || give_up "$RPORT is not built with PROFILE=tsan"

server_config server 'workers = 4
client_login_wait = 0
check_port_timeout = "5s"' 'user_login_wait = 0'
start_server server
start_echo
i=0
while [ $i -lt "$CLIENTS" ]; do
	client_config "c$i" 'tunnel_allowed = ["127.0.0.1"]' '[connection]
		max_retry_interval = "2s"'
	i=$((i + 1))
done
# The client's own threads, too.
for name in t1 t2 t3; do
	client_config "$name" 'tunnel_allowed = ["127.0.0.1"]'
	start_client "$name"
	check "$name is connected" connected "$name"
	check "which opens a tunnel" open_tunnel "$name" "remote=$tcp_port"
	check "that carries data" quiet "$PEER" check --tcp "127.0.0.1:$lport" --bytes 2000000 --parallel 4
	check "and runs a command" run_command "$name" '/usr/bin/printf hello'
	stop "$name"
	check "$name ends well" is "$status" 0
	check "without a report" no_reports "$tmp/$name.err"
done

check "users, clients and tunnels come and go" python3 "$here/churn.py" --api "$api" --auth "$credentials" \
	--rport "$RPORT_CLIENT" --config-dir "$tmp" --clients "$CLIENTS" --echo "$tcp_port" --udp "$udp_port" \
	--seconds "$SECONDS_OF_WORK" >"$tmp/churn.out"
sed 's/^{/# {/' "$tmp/churn.out" # with the line of the check
grep '^{' "$tmp/churn.out" | tr -d ' ' >"$tmp/churn.json"
check "all clients were there" done_at_least connected "$CLIENTS"
check "and are again" done_at_least connected_after "$CLIENTS"
check "tunnels were opened" done_at_least tunnels "$SECONDS_OF_WORK"
check "and closed" done_at_least closed $((SECONDS_OF_WORK / 2))
check "data passed" done_at_least bytes 10000000
check "datagrams passed" done_at_least datagrams 100
check "commands ran" done_at_least commands $((SECONDS_OF_WORK / 4))
check "clients came back" done_at_least restarts $((SECONDS_OF_WORK / 4))
WAIT_S=60
stop server
check "the server ends well" is "$status" 0
check "without a report" no_reports "$tmp/server.err" "$tmp/server.log"
finish
