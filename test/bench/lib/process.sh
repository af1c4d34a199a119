# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034 # variables for whoever sources this
#
# Processes of a measurement: started in the background as an unprivileged user, looked at in /proc,
# ended with the run. Needs RPORT and PROGRAMS, the folder with the programs of test/bench/*.c.

WORK=$(mktemp -d /tmp/rport-bench.XXXXXX)
PIDS=()
RUN_AS=()
# Where commands run: empty, or `ip netns exec NAME` while at_server or at_client is around.
IN=()
IN_SERVER=()
IN_CLIENT=()
# Functions to call at the end, the last one first.
AT_END=()

cleanup() {
	local i
	trap - EXIT INT TERM
	stop_from 0
	for ((i = ${#AT_END[@]} - 1; i >= 0; i--)); do "${AT_END[i]}"; done
	rm -rf "$WORK"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

note() { printf '[%3d s] %s\n' "$SECONDS" "$*" >&2; }

# complain TEXT...: what went wrong is also told under the table.
COMPLAINTS=()
complain() {
	note "   $*"
	COMPLAINTS+=("$*")
}

fail() {
	printf 'bench: %s\n' "$*" >&2
	exit 1
}

# The servers refuse root, and sshd is to be ours alone: everything runs as an unprivileged user.
prepare_user() {
	local program
	chmod 755 "$WORK"
	cp "$RPORT" "$WORK/rport"
	for program in load crowd udp delay; do cp "$PROGRAMS/$program" "$WORK/$program"; done
	[ ! -x "${PEER:-}" ] || cp "$PEER" "$WORK/peer"
	if [ "$(id -u)" = 0 ]; then
		RUN_AS=(setpriv --reuid=nobody --regid="$(id -g nobody)" --clear-groups)
		chown nobody "$WORK"
	fi
	ulimit -n "$(ulimit -Hn)"
}

as_user() { "${RUN_AS[@]}" "$@"; }

# at_server COMMAND..., at_client COMMAND...: on that side, if the sides have networks of their own
at_server() {
	local IN=("${IN_SERVER[@]}")
	"$@"
}
at_client() {
	local IN=("${IN_CLIENT[@]}")
	"$@"
}
here() { "${IN[@]}" "$@"; }

# start NAME COMMAND...: in the background, output to NAME.log; its pid is in $STARTED
start() {
	local name=$1 input=/dev/null
	shift
	[ ! -p "$WORK/$name.in" ] || input=$WORK/$name.in
	"${IN[@]}" "${RUN_AS[@]}" "$@" >"$WORK/$name.log" 2>&1 <"$input" &
	STARTED=$!
	PIDS+=("$STARTED")
}

# Ends what was started after the first N processes.
stop_from() {
	local pids=("${PIDS[@]:$1}")
	[ ${#pids[@]} -gt 0 ] || return 0
	kill "${pids[@]}" 2>/dev/null || true
	wait "${pids[@]}" 2>/dev/null || true
	PIDS=("${PIDS[@]:0:$1}")
}

# wait_for NAME PATTERN: a line in NAME.log, at most 20 s
wait_for() {
	local i
	for ((i = 0; i < 400; i++)); do
		grep -qE "$2" "$WORK/$1.log" 2>/dev/null && return 0
		sleep 0.05
	done
	tail -n 5 "$WORK/$1.log" >&2 || true
	fail "no \"$2\" from $1 within 20 s"
}

# said NAME SED-PATTERN: the group of the pattern, from the first line of NAME.log that has it
said() { sed -nE "s|.*$2.*|\1|p" "$WORK/$1.log" | tr -d '\r' | head -n 1; }

secret() { od -An -N16 -tx1 /dev/urandom | tr -d ' \n'; }

# kb FIELD PID...: VmRSS (now) or VmHWM (the most there ever was) of some processes together
kb() {
	local field=$1 files
	shift
	files=("${@/#//proc/}")
	awk -v field="$field:" '$1 == field { sum += $2 } END { print sum + 0 }' \
		"${files[@]/%//status}"
}

# CPU time of all threads of some processes, in ns
cpu_ns() {
	local pid files=()
	for pid in "$@"; do files+=("/proc/$pid/task/"*/schedstat); done
	cat "${files[@]}" 2>/dev/null </dev/null | awk '{ sum += $1 } END { printf "%.0f", sum }'
}
