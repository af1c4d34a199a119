#!/bin/sh
# SPDX-License-Identifier: MIT
# 50 visitors that do not read what their target sends, and 50 targets that do not read what their
# visitors send: each costs at most its window, at both ends, and the tunnel beside them keeps moving.
# SLOW_SECONDS is how long (make stress-visitors: ten minutes).

# shellcheck source=test/e2e/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=test/e2e/lib/server.sh
. "$(dirname "$0")/lib/server.sh"

SECONDS_LONG=${SLOW_SECONDS:-10}
COUNT=50
# What one channel may hold, and what the processes may grow by besides: buffers of the connection,
# and what an allocator keeps.
WINDOW_KB=2048
SLACK_KB=49152
FLAT_KB=8192
# Freed memory that a sanitizer keeps back would count as growth.
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=1
export ASAN_OPTIONS

# of JSON-LINE JQ: a value of a line of the log
of() { printf '%s\n' "$1" | jq -r "$2"; }
at_most() { [ "$1" -le "$2" ] || { echo "# $1 is more than $2"; false; }; }
at_least() { [ "$1" -ge "$2" ] || { echo "# $1 is less than $2"; false; }; }
tunnel_to() {
	open_tunnel c1 "remote=$(of "$ports" ".$1")&check_port=0" || give_up "a tunnel to $1"
	eval "$1=$lport"
}

start targets python3 "$(dirname "$0")/lib/slow.py" targets
wait_for targets '"flood"' || give_up "no targets"
ports=$line
server_config server
start_server server
client_config c1
start_client c1
check "a client connects" connected c1
for name in flood sink near; do
	tunnel_to "$name"
done

# shellcheck disable=SC2154 # set by tunnel_to
start watch python3 "$(dirname "$0")/lib/slow.py" watch --flood "$flood" --sink "$sink" --near "$near" \
	--count "$COUNT" --seconds "$SECONDS_LONG" --pids "$(pid_of server),$(pid_of c1)"
wait_for watch '"event": "end"' $((SECONDS_LONG + 180))
check "visitors that do not read stay for $SECONDS_LONG s" in_text "${line:-}" '"end"'
sed 's/^/# /' "$tmp/watch.log"
end=${line:-'{}'}
base=$(grep -m1 before "$tmp/watch.log")
check "none of them was dropped" is "$(of "$end" .visitors) $(of "$end" .writing)" "$((2 * COUNT)) $COUNT"
check "nothing is sent that nobody takes" at_most "$(of "$end" '.sent / 1024 | floor')" \
	$((COUNT * (2 * WINDOW_KB + 8192)))
for end_of in 0:server 1:client; do
	i=${end_of%:*}
	check "the ${end_of#*:} holds no more than the windows" at_most "$(of "$end" ".peak_kb[$i]")" \
		$(($(of "$base" ".rss_kb[$i]") + COUNT * WINDOW_KB + SLACK_KB))
	check "and does not grow" at_most "$(of "$end" ".growth_kb[$i]")" "$FLAT_KB"
done
check "the tunnel beside them works to the end" is "$(of "$end" .near_error)" null
check "and moved data all the time" at_least "$(of "$end" .near_rounds)" 5
finish
