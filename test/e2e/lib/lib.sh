# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2034 # variables for whoever sources this
#
# Sourced by the end-to-end tests: a folder of its own, background programs that are ended by pid,
# waiting for a line of a log, TAP. Ports are chosen by the kernel. Every wait has a deadline.
#
#	. "$(dirname "$0")/lib/lib.sh"
#	start peer server "$PEER" server …      # pid in $pid_server, output in $tmp/server.log
#	check "it listens" wait_for server '"listening"'
#	finish
#
# RPORT is the program under test, RPORT_CLIENT the one that plays clients where that is another (make
# test-client), RPORT_PEER (or PEER) the Go peer. With RPORT_VALGRIND it runs under
# valgrind: then all waits are longer, bulk is less, and what valgrind finds fails the test.

set -u

RPORT=${RPORT:?RPORT is not set to the program under test}
PEER=${RPORT_PEER:-${PEER:-}}
# How long a line may take to appear.
WAIT_S=${WAIT_S:-20}
# All waits are so many times as long, bulk is the nth part.
PATIENCE=${RPORT_PATIENCE:-1}
BULK_PART=${RPORT_BULK_PART:-1}
export LC_ALL=C

tmp=$(mktemp -d "${TMPDIR:-/tmp}/rport-e2e.XXXXXX") || exit 1
chmod 755 "$tmp"
pids=
n_checks=0
n_failed=0
if [ -n "${RPORT_VALGRIND:-}" ]; then
	RPORT_UNDER=$RPORT
	RPORT=$(cd "$(dirname "$0")" && pwd)/lib/valgrind
	RPORT_FOUND=$tmp/found
	export RPORT_UNDER RPORT_FOUND
	mkdir -m 1777 "$RPORT_FOUND"
fi

RPORT_CLIENT=${RPORT_CLIENT:-$RPORT}

# bulk N: how many bytes (or other things) that are to be many.
bulk() { echo $(($1 / BULK_PART)); }

end_programs() {
	for pid in $pids; do
		kill "$pid" 2>/dev/null
	done
	# A program that hangs must not keep the test from ending.
	for pid in $pids; do
		i=0
		while kill -0 "$pid" 2>/dev/null && [ $i -lt $((30 * PATIENCE)) ]; do
			i=$((i + 1))
			sleep 0.1
		done
		kill -9 "$pid" 2>/dev/null
	done
	wait 2>/dev/null
	pids=
}

end_all() {
	end_programs
	[ -n "${KEEP_TMP:-}" ] || rm -rf "$tmp"
}
trap end_all EXIT
trap 'exit 1' HUP INT PIPE TERM

# start NAME COMMAND …: in the background; stdin is empty or the fifo $tmp/NAME.in if there is one.
start() {
	name=$1
	shift
	# Now, not when the program gets round to it: nobody may read what the one before it wrote.
	: >"$tmp/$name.log"
	: >"$tmp/$name.err"
	if [ -p "$tmp/$name.in" ]; then
		"$@" <"$tmp/$name.in" >"$tmp/$name.log" 2>"$tmp/$name.err" &
	else
		"$@" </dev/null >"$tmp/$name.log" 2>"$tmp/$name.err" &
	fi
	eval "pid_$name=$!"
	pids="$pids $!"
}

pid_of() { eval "echo \$pid_$1"; }

# stop NAME [SIGNAL]: waits for the end; its status is in $status.
stop() {
	kill "-${2:-TERM}" "$(pid_of "$1")" 2>/dev/null
	wait_end "$1"
}

# wait_end NAME: status in $status; 124 (and killed) when it does not end in time.
wait_end() {
	i=0
	while kill -0 "$(pid_of "$1")" 2>/dev/null; do
		i=$((i + 1))
		if [ $i -gt $((WAIT_S * PATIENCE * 10)) ]; then
			kill -9 "$(pid_of "$1")" 2>/dev/null
			wait "$(pid_of "$1")" 2>/dev/null
			status=124
			return 1
		fi
		sleep 0.1
	done
	wait "$(pid_of "$1")" 2>/dev/null
	status=$?
}

# wait_for NAME PATTERN [SECONDS]: first line of the log that matches, printed and in $line.
wait_for() {
	i=0
	while ! line=$(grep -m1 -a -E -e "$2" "$tmp/$1.log" 2>/dev/null); do
		i=$((i + 1))
		if [ $i -gt $((${3:-$WAIT_S} * PATIENCE * 10)) ]; then
			echo "# no $2 in $1.log within ${3:-$WAIT_S} s"
			return 1
		fi
		sleep 0.1
	done
}

# wait_count NAME PATTERN N: until N lines match.
wait_count() {
	i=0
	while [ "$(cat "$tmp/$1.log" 2>/dev/null | grep -c -a -E -e "$2")" -lt "$3" ]; do
		i=$((i + 1))
		if [ $i -gt $((WAIT_S * PATIENCE * 10)) ]; then
			echo "# not $3 times $2 in $1.log within $WAIT_S s"
			return 1
		fi
		sleep 0.1
	done
}

in_log() { grep -q -a -E -e "$2" "$tmp/$1.log"; }
not_in_log() { ! in_log "$1" "$2"; }
in_text() { case $1 in *"$2"*) true ;; *) false ;; esac; }
is() { [ "$1" = "$2" ] || { echo "# '$1' is not '$2'"; false; }; }
silent() { [ ! -s "$tmp/$1.err" ] || { sed 's/^/# stderr: /' "$tmp/$1.err" | head -n 20; false; }; }

# Output goes to quiet.log, which is shown when a check fails.
quiet() { "$@" >"$tmp/quiet.log" 2>&1; }

# json KEY: value of a key in the line of JSON on stdin.
json() { sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p"; }

ok() {
	n_checks=$((n_checks + 1))
	echo "ok $n_checks - $*"
}

not_ok() {
	n_checks=$((n_checks + 1))
	n_failed=$((n_failed + 1))
	echo "not ok $n_checks - $*"
	# The logs that moved last say most. No file name here has a blank.
	# shellcheck disable=SC2012
	ls -t "$tmp"/*.log "$tmp"/*.err 2>/dev/null | head -n 6 | while read -r log; do
		echo "# --- ${log##*/}"
		tail -n 10 "$log" | cut -c1-300 | sed 's/^/# /'
	done
}

skip() {
	n_checks=$((n_checks + 1))
	echo "ok $n_checks - # SKIP $*"
}

# check TEXT COMMAND …: one TAP line.
check() {
	text=$1
	shift
	if "$@"; then
		ok "$text"
	else
		not_ok "$text"
	fi
}

nothing_found() {
	for found in "$RPORT_FOUND"/*.found; do
		[ ! -s "$found" ] || { head -n 40 "$found" | sed 's/^/# /'; false; } || return 1
	done
}

# What the calls of server.sh got was as the API's description says.
described() {
	repository=$(cd "$(dirname "$0")/../.." && pwd)
	"$repository/scripts/openapi" "$repository"/api/openapi/*.json >"$tmp/openapi.json" &&
		python3 "$repository/test/e2e/lib/described.py" "$tmp/openapi.json" "$tmp/calls" >"$tmp/described.txt" ||
		{ sed 's/^/# /' "$tmp/described.txt" | head -n 40; false; }
}

finish() {
	[ ! -s "$tmp/calls" ] || check "every answer is as the description says" described
	if [ -n "${RPORT_VALGRIND:-}" ]; then
		end_programs
		check "valgrind finds nothing" nothing_found
	fi
	echo "1..$n_checks"
	[ $n_failed -eq 0 ]
	exit $?
}

# closed PORT, is_open PORT: whether somebody listens at a port of 127.0.0.1
closed() { ! is_open "$1"; }
is_open() { socat -u OPEN:/dev/null "TCP:127.0.0.1:$1,connect-timeout=5" 2>/dev/null; }

# until_open PORT: for programs that do not say when they listen.
until_open() {
	i=0
	until is_open "$1"; do
		i=$((i + 1))
		if [ $i -gt $((WAIT_S * PATIENCE * 10)) ]; then
			echo "# nobody listens at $1 within $WAIT_S s"
			return 1
		fi
		sleep 0.1
	done
}

# fixed_port: $port that a tunnel may have and nobody listens at; spare_port: one for other servers that cannot be told to
# choose. Both are below the ports that the kernel gives away.
fixed_port() { pick_port 20000 10001 fixed_port; }
spare_port() { pick_port 10000 10000 spare_port; }
# still_port: $port of $still_ports, for servers that need a port to stay free while nobody has it; tests beside this one do
# not use them.
still_ports=30100-32700
still_port() { pick_port 30100 2601 still_port; }
n_ports=$$
pick_port() {
	n_ports=$((n_ports + 1))
	port=$(($1 + n_ports * 7919 % $2))
	closed "$port" || "$3"
}
