# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Measurements, each on one path at one place. What they find goes into $WORK/values, a line
# "PATH ROW VALUE" each time; report.py takes the medians. One that fails leaves its row as it is
# and a line under the table.

put() { printf '%s %s %s\n' "$1" "$2" "$3" >>"$WORK/values"; }

# measured PATH ROW SECONDS COMMAND...: its output is in $WORK/out
measured() {
	local path=$1 row=$2 seconds=$3
	shift 3
	at_server here timeout $((seconds + 30)) "$@" >"$WORK/out" 2>&1 && return 0
	[ -s "$WORK/out" ] || echo 'no end in time' >"$WORK/out"
	complain "$path, $row: $(tail -n 1 "$WORK/out")"
	return 1
}

# arrived OUTPUT: iperf3 also ends well when the other side's figures did not reach it.
arrived() { jq -e '.end.sum_received.bytes > 0' "$1" >/dev/null 2>&1; }

# transfer KEY OUTPUT SECONDS [IPERF OPTION...]: An iperf3 server that has not seen the end of the
# test before yet is busy.
transfer() {
	local key=$1 output=$2 seconds=$3 i
	shift 3
	for ((i = 0; i < 10; i++)); do
		at_server here timeout $((seconds + 30)) iperf3 -c 127.0.0.1 -p "${BULK[$key]}" \
			-t "$seconds" -J "$@" >"$output" 2>&1 && arrived "$output" && return 0
		grep -q 'server is busy' "$output" || break
		sleep 0.3
	done
	complain "$key: iperf3: $(jq -r '.error // "no result"' "$output" 2>/dev/null)"
	return 1
}

# of_iperf EXPRESSION [NAME VALUE...]: of the last transfer
of_iperf() {
	local expression=$1
	shift
	jq "$@" "$expression" "$WORK/iperf.json"
}

# bulk PATH PLACE ROW SECONDS [IPERF OPTION...]: Mbit/s that arrived
bulk() {
	local path=$1 place=$2 row=$3 seconds=$4
	shift 4
	[ -n "${BULK[$path/$place]:-}" ] || return 0
	transfer "$path/$place" "$WORK/iperf.json" "$seconds" "$@" || return 1
	put "$path" "$row" "$(of_iperf '.end.sum_received.bits_per_second / 1e6 | round')"
}

# bulk_cpu: also what each byte costs each end, in ns of CPU time
bulk_cpu() {
	local key=$1/$2 server client
	# shellcheck disable=SC2086 # lists of pids
	server=$(cpu_ns ${SERVER_PIDS[$key]:-}) client=$(cpu_ns ${CLIENT_PIDS[$key]:-})
	bulk "$@" || return 0
	[ -n "${SERVER_PIDS[$key]:-}" ] || return 0
	# shellcheck disable=SC2086
	server=$(($(cpu_ns ${SERVER_PIDS[$key]}) - server))
	# shellcheck disable=SC2086
	client=$(($(cpu_ns ${CLIENT_PIDS[$key]}) - client))
	put "$1" "$3_server_ns" "$(of_iperf '$ns / .end.sum_received.bytes' --argjson ns "$server")"
	put "$1" "$3_client_ns" "$(of_iperf '$ns / .end.sum_received.bytes' --argjson ns "$client")"
}

# echo_times PATH ROW SECONDS: 64 bytes there and back, p50 and p99 in us
echo_times() {
	local p50 p99
	measured "$1" "$2" "$3" "$WORK/load" echo "${ECHO[$1/near]}" "$3" || return 0
	read -r p50 p99 _ <"$WORK/out"
	put "$1" "$2_p50" "$p50"
	put "$1" "$2_p99" "$p99"
}

# echo_beside PATH ROW SECONDS [IPERF OPTION...]: while a transfer runs on the same connection.
# Begins a second after it and ends before it does.
echo_beside() {
	local path=$1 row=$2 seconds=$3 pid
	shift 3
	transfer "$path/near" "$WORK/beside.json" $((seconds + 2)) "$@" &
	pid=$!
	sleep 1
	echo_times "$path" "$row" "$seconds"
	wait "$pid" || true
}

# connections PATH SECONDS: opened, used for a byte and closed, 16 at a time, in a second
connections() {
	measured "$1" connections "$2" "$WORK/load" connect "${ECHO[$1/near]}" "$2" 16 || return 0
	put "$1" connections "$(cat "$WORK/out")"
}

# crowd PATH CONNECTIONS BYTES: all at once, each with its own data: how many got it back whole. Who
# needs very long for it is not asked in every round.
declare -A SLOW_CROWD
crowd() {
	local whole=0 rate start=$SECONDS
	[ -z "${SLOW_CROWD[$1]:-}" ] || return 0
	if measured "$1" crowd 30 "$WORK/crowd" "${ECHO[$1/near]}" "$2" "$3"; then
		read -r whole rate <"$WORK/out"
		[ "$whole" -lt "$2" ] || put "$1" crowd_rate "$rate"
	fi
	put "$1" crowd_whole "$whole"
	[ $((SECONDS - start)) -lt 12 ] || SLOW_CROWD[$1]=yes
}

# datagrams PATH ROW SECONDS BYTES RATE: Mbit/s that arrived and % lost; rate 0 is as fast as they
# can be sent.
datagrams() {
	local rate lost
	[ -n "${UDP[$1/near]:-}" ] || return 0
	measured "$1" "$2" "$3" "$WORK/udp" send "${UDP[$1/near]}" "$TARGET_UDP" "$3" "$4" "$5" ||
		return 0
	read -r rate lost <"$WORK/out"
	put "$1" "$2_rate" "$rate"
	put "$1" "$2_lost" "$lost"
}

# api_requests WHAT SECONDS: answers of our API in a second, 8 connections
api_requests() {
	measured rport "api_$1" "$2" "$WORK/load" http "${API##*:}" "/api/v1/$1" \
		"admin:$API_PASSWORD" "$2" 8 || return 0
	put rport "api_$1" "$(cat "$WORK/out")"
}

# memory ROW FIELD PLACE: kB of both ends of all paths
memory() {
	local path
	for path in "${PATHS[@]}"; do
		[ -n "${SERVER_PIDS[$path/$3]:-}" ] || continue
		# shellcheck disable=SC2086 # lists of pids
		put "$path" "$1_server_kb" "$(kb "$2" ${SERVER_PIDS[$path/$3]})"
		# shellcheck disable=SC2086
		put "$path" "$1_client_kb" "$(kb "$2" ${CLIENT_PIDS[$path/$3]})"
	done
}
