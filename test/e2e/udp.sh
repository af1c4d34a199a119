#!/bin/sh
# SPDX-License-Identifier: MIT
# UDP tunnels: every size, many sources, both address families, more than the path carries, a changed
# ACL; our ends with each other, and each with the Go peer, whose gob streams are real.

# shellcheck source=test/e2e/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=test/e2e/lib/server.sh
. "$(dirname "$0")/lib/server.sh"

# What a flood may cost: queues, a window, buffers of the connection.
FLOOD_KB=24576
FLOOD=60000
# What the installed peers carry (they cut off the rest).
PEER_SIZES="0 1 64 512 1472 8192 9012"
ALL_SIZES="$PEER_SIZES 9013 32767 32768 32769 65507"
# Freed memory that a sanitizer keeps back would count as growth.
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=1
export ASAN_OPTIONS

udp() { quiet python3 "$(dirname "$0")/lib/udp.py" "$@"; }
rss_kb() { sed -n 's/^VmRSS:[[:space:]]*\([0-9]*\).*/\1/p' "/proc/$(pid_of "$1")/status"; }
# grew NAME BEFORE
grew() {
	now=$(rss_kb "$1")
	echo "# from $2 to $now KiB"
	[ "$now" -le $(($2 + FLOOD_KB)) ]
}
start_target() {
	start "$1" python3 "$(dirname "$0")/lib/udp.py" target "$2" 300
	wait_for "$1" '^port ' || give_up "no target"
	port=${line#port }
}
set_acl() { call_is 204 PUT "/clients/c1/tunnels/$tid/acl" '' -d "{\"acl\":$1}"; }
ticks() { start "$1" python3 "$(dirname "$0")/lib/udp.py" ticks 127.0.0.1 "$lport" "$2"; }
n_ticks() { grep -c '^tick' "$tmp/$1.log"; }

start_target target 127.0.0.1
target=$port
server_config server
start_server server
client_config c1
start_client c1
check "a client connects" connected c1

### Sizes, sources, families
check "a tunnel" open_tunnel c1 "remote=$target&protocol=udp&acl=127.0.0.0/8,::1"
# shellcheck disable=SC2086 # a list
check "datagrams of every size pass unchanged" udp sizes 127.0.0.1 "$lport" $ALL_SIZES
check "1000 sources at once, each with its own data" udp flows 127.0.0.1 "$lport" 1000 3
# shellcheck disable=SC2086
check "from an IPv6 source" udp sizes ::1 "$lport" $ALL_SIZES
open_tunnel c1 "remote=$target&protocol=udp&acl=127.0.0.0/8" || give_up "a second tunnel"
check "a tunnel beside it has its own" udp flows 127.0.0.1 "$lport" 50 2
second=$lport
second_id=$tid
start_target target6 ::1
open_tunnel c1 "remote=[::1]:$port&protocol=udp&acl=127.0.0.0/8,::1" || give_up "a tunnel to an IPv6 target"
# shellcheck disable=SC2086
check "to an IPv6 target" udp sizes 127.0.0.1 "$lport" $ALL_SIZES
check "from IPv6 to IPv6" udp flows ::1 "$lport" 20 2

### More than the path carries: one end stands still meanwhile
lport=$second
tid=$second_id
udp sizes 127.0.0.1 "$lport" 65507 65507
before=$(rss_kb server)
kill -STOP "$(pid_of c1)"
check "a flood that nobody takes" udp flood 127.0.0.1 "$lport" $FLOOD
check "costs the server little" grew server "$before"
kill -CONT "$(pid_of c1)"
check "and the newest arrive" udp newest 127.0.0.1 "$lport" $FLOOD
check "what was dropped is told" wait_for server 'info: udp: tunnel to 127\.0\.0\.1:.*/udp: [0-9]+ datagrams dropped'
check "the tunnel is as before" udp sizes 127.0.0.1 "$lport" 64 65507
before=$(rss_kb c1)
start flooded python3 "$(dirname "$0")/lib/udp.py" flooded 127.0.0.1 "$lport" $FLOOD
wait_for target '^flooding' || give_up "the target does not send"
kill -STOP "$(pid_of server)"
check "a flood of answers" wait_for target '^flooded' 60
check "costs the client little" grew c1 "$before"
kill -CONT "$(pid_of server)"
check "and the newest arrive too" wait_for flooded '^newest' 60
check "the API answers" call_is 200 GET /clients/c1 '"connected"'

### The ACL of open flows
ticks one 127.0.0.1
ticks two 127.0.0.2
check "two sources get what the target sends" wait_for one '^tick'
check "each of them" wait_for two '^tick'
check "one is shut out" set_acl '"127.0.0.2"'
wait_count two '^tick' $(($(n_ticks two) + 2))
had=$(n_ticks one)
check "the other goes on" wait_count two '^tick' $(($(n_ticks two) + 5))
check "the one gets nothing more" is "$(n_ticks one)" "$had"
check "until it is let in again" set_acl null
check "then it does" wait_count one '^tick' $((had + 2))
stop one
stop two

### The client of the installed base
start_peer p1
check "a Go client connects" connected p1
open_tunnel p1 "remote=$target&protocol=udp&check_port=0&acl=127.0.0.0/8" || give_up "a tunnel to the Go client"
# shellcheck disable=SC2086
check "sizes that it carries pass" udp sizes 127.0.0.1 "$lport" $PEER_SIZES
check "and 300 sources" udp flows 127.0.0.1 "$lport" 300 2

### The server of the installed base
mkfifo "$tmp/go.in"
start go "$PEER" server --auth me:secret --key-seed test --duration 300s
exec 3>"$tmp/go.in"
wait_for go '"listening"' || give_up "no Go server"
addr=$(printf '%s\n' "$line" | json addr)
client_config g1
start_client g1
check "our client connects to a Go server" wait_for go '"registered"'
printf '{"cmd":"tunnel","tag":"u","listen":"127.0.0.1:0","remote":"127.0.0.1:%s","proto":"udp"}\n' "$target" >&3
check "which opens a tunnel" wait_for go '"tag":"u".*"port":'
lport=$(printf '%s\n' "$line" | json port)
# shellcheck disable=SC2086
check "sizes that it carries pass too" udp sizes 127.0.0.1 "$lport" $PEER_SIZES
check "and 300 sources too" udp flows 127.0.0.1 "$lport" 300 2
exec 3>&-
finish
