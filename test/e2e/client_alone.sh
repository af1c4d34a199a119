#!/bin/sh
# SPDX-License-Identifier: MIT
# What the client alone (make client) is for: little disk, little memory. `make test-client` runs it.

# shellcheck source=test/e2e/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=test/e2e/lib/server.sh
. "$(dirname "$0")/lib/server.sh"

FILE_MAX=2000000
MEMORY_MAX_KB=2000

if [ "$RPORT_CLIENT" = "$RPORT" ]; then
	skip "this is not the client alone"
	finish
fi

# By its other name it is always the client.
ln -s "$RPORT_CLIENT" "$tmp/rport"
has_applet() { "$tmp/rport" help | grep -q "^  $1 "; }
no_applet() { ! has_applet "$1"; }
has_no() { ! grep -q -a -e "$1" "$RPORT_CLIENT"; }
small_file() {
	size=$(stat -c %s "$RPORT_CLIENT")
	echo "# $size bytes"
	[ "$size" -lt $FILE_MAX ]
}
# Some seconds after it has connected the client gives back what only that needed.
small_memory() {
	i=0
	until memory=$(sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$(pid_of small)/status") && [ "$memory" -lt $MEMORY_MAX_KB ]; do
		i=$((i + 1))
		if [ $i -gt 60 ]; then
			echo "# $memory kB resident"
			return 1
		fi
		sleep 1
	done
	echo "# $memory kB resident"
}

check "it is a client" has_applet client
check "and no server" no_applet server
check "without its database" has_no 'SQLite format 3'
check "and its API" has_no '/client-groups'
check "the file has less than $FILE_MAX bytes" small_file
server_config server
start_server server
client_config small
start_client small
check "it connects" connected small
check "it runs commands" run_command small '/usr/bin/id -un'
check "idle it has less than $MEMORY_MAX_KB kB" small_memory
check "and is still connected" connected small
stop small
check "it ends cleanly" is "$status" 0

finish
