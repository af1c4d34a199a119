#!/bin/sh
# SPDX-License-Identifier: MIT
# Our client and a server that means harm: every request with wrong types, huge values and foreign
# paths, floods of channels, packets that break the protocol. The client refuses or answers, does
# nothing of it, stays on its connection or comes back, and its memory stays as it was.

# shellcheck source=test/e2e/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

# More than this above the first round counts as a leak.
RSS_TOLERANCE_KB=6000
FD_TOLERANCE=3
many=$(bulk 3000)

# Freed memory that a sanitizer keeps back would count as memory held.
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=1
# The C library's heap keeps one part for each thread that was ever busy.
export ASAN_OPTIONS MALLOC_ARENA_MAX=1

rss_kb() { sed -n 's/^VmRSS:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$(pid_of victim)/status"; }
fds() { find "/proc/$(pid_of victim)/fd" -mindepth 1 2>/dev/null | wc -l; }
# The allocator gives pages back by and by, and the client lets go of its own after a ping.
memory_back() {
	if [ -n "${RPORT_VALGRIND:-}" ] || grep -q -e libasan -e libtsan "/proc/$(pid_of victim)/maps"; then
		return 0
	fi
	i=0
	while [ "$(rss_kb)" -gt $((rss_start + RSS_TOLERANCE_KB)) ]; do
		i=$((i + 1))
		[ $i -le $((WAIT_S * PATIENCE * 5)) ] || break
		sleep 0.2
	done
	echo "# RSS $(rss_kb) kB, after the first round $rss_start"
	[ "$(rss_kb)" -le $((rss_start + RSS_TOLERANCE_KB)) ]
}
fds_back() {
	i=0
	while [ "$(fds)" -gt $((fds_start + FD_TOLERANCE)) ]; do
		i=$((i + 1))
		[ $i -le $((WAIT_S * PATIENCE * 5)) ] || { echo "# $(fds) descriptors, at the start $fds_start"; return 1; }
		sleep 0.2
	done
}
tell() { printf '%s\n' "$1" >&3; }
n_asked=0
alive() {
	n_asked=$((n_asked + 1))
	tell "{\"cmd\":\"request\",\"tag\":\"a$n_asked\",\"want\":true,\"name\":\"ping\"}"
	wait_for evil "\"tag\":\"a$n_asked\",\"ok\":true"
}
# The only registered connection is the nth.
registered() { wait_for evil "\"registered\",\"conn\":$1,"; }
# hostile TAG SEED
hostile() {
	tell "{\"cmd\":\"hostile\",\"tag\":\"$1\",\"port\":$2,\"source\":\"$tmp/secret\",\"dest\":\"$tmp/out\"}"
	wait_for evil "\"event\":\"hostile\",.*\"tag\":\"$1\",|hostile-silent|hostile-lost" 120 &&
		in_text "$line" "\"event\":\"hostile\"," || { echo "# $line" | head -c 600; false; }
}
# flood TAG TYPE EXTRA
flood() {
	tell "{\"cmd\":\"flood\",\"tag\":\"$1\",\"port\":$many,\"type\":\"$2\",\"extra\":\"$3\"}"
	wait_for evil "\"event\":\"flood\",.*\"tag\":\"$1\"," 60
}
untouched() {
	is "$(ls -A "$tmp/out")" "" && cmp "$tmp/victim.conf" "$tmp/victim.conf.before" && [ ! -e /tmp/x ] &&
		[ -z "$(ls -A "$tmp/data/filepush" 2>/dev/null)" ] && [ -z "$(ls -A "$tmp/data/scripts")" ]
}

mkdir "$tmp/out" "$tmp/data"
head -c 100000 /dev/urandom >"$tmp/secret"
start echo "$PEER" echo
wait_for echo '"listening"' || exit 1
target=$(printf '%s\n' "$line" | json tcp)
mkfifo "$tmp/evil.in"
start evil "$PEER" server --auth me:secret --key-seed test --duration 900s
exec 3>"$tmp/evil.in"
wait_for evil '"listening"' || exit 1
cat >"$tmp/victim.conf" <<END
[client]
server = "$(printf '%s\n' "$line" | json addr)"
fingerprint = "aa:0d:c9:17:67:75:6f:a6:ec:49:65:d4:0f:eb:92:01"
auth = "me:secret"
id = "victim"
allow_root = true
data_dir = "$tmp/data"
attributes_file_path = "$tmp/attributes"
tunnel_allowed = ["$target"]
updates_interval = 0
[connection]
max_retry_interval = "1s"
[remote-commands]
allow = ["^/nowhere/.*"]
[file-reception]
protected = ["/bin", "/sbin", "/boot", "/usr/bin", "/usr/sbin", "/dev", "/lib*", "/run", "/proc", "/sys", "/tmp"]
END
cp "$tmp/victim.conf" "$tmp/victim.conf.before"
rm -f /tmp/x
start victim "$RPORT" client -c "$tmp/victim.conf"
registered 1 || exit 1

### Requests
check "every request with everything wrong is answered" hostile h1 1
echo "# $line"
check "the client is alive" alive
rss_start=$(rss_kb)
fds_start=$(fds)
check "a second time" hostile h2 2
check "and a third" hostile h3 3
check "on the same connection" not_in_log evil '"closed"'
check "no command was allowed" is "$(grep -c '"decision":"allowed"' "$tmp/data/commands.log")" 0
check "nothing was written" untouched
check "memory is as it was" memory_back
check "descriptors too" fds_back

### Channels
check "thousands of channels to where they may go" flood f1 rport "$target"
check "are taken" in_text "$line" "\"accepted\":$many,"
check "thousands to where they may not" flood f2 rport 127.0.0.1:1
check "are refused" in_text "$line" "\"accepted\":0,"
check "thousands over UDP" flood f3 rport "$target/udp"
for type in session stdout stderr direct-tcpip forwarded-tcpip x11 auth-agent@openssh.com '' Rport; do
	check "channels of the type '$type'" flood "t$type" "$type" "$target"
	check "are refused" in_text "$line" "\"accepted\":0,"
done
for extra in '' : / // /udp :0 "$target/xyz" "$target/udp/udp" "[::1" "\\u0000" "$(head -c 30000 /dev/zero | tr '\0' a)"; do
	n_asked=$((n_asked + 1))
	tell "{\"cmd\":\"open\",\"tag\":\"e$n_asked\",\"type\":\"rport\",\"extra\":\"$extra\"}"
	check "a channel to '$(printf %.40s "$extra")' is refused or closed" wait_for evil \
		"\"opened\",.*\"tag\":\"e$n_asked\",\"ok\":false|\"channel-closed\",.*\"tag\":\"e$n_asked\""
done
check "the client is alive" alive
check "on the same connection" not_in_log evil '"closed"'
check "descriptors are as they were" fds_back
check "memory too" memory_back

### The longest attributes that it takes do not keep it from coming back
long=$(head -c 4000 /dev/zero | tr '\0' '<')
for tags in 60 24 4 3; do
	list=$(for i in $(seq $tags); do printf '"%s%s",' "$i" "$long"; done)
	tell "{\"cmd\":\"request\",\"tag\":\"t$tags\",\"want\":true,\"name\":\"update_client_metadata\",\"payload\":{\"tags\":[${list%,}]}}"
	check "$tags tags of 4,000 bytes are answered" wait_for evil "\"reply\",.*\"tag\":\"t$tags\",\"ok\":"
done
tell "{\"cmd\":\"close\",\"reset\":true}"
check "it comes back" registered 2

### What breaks the protocol
conn=2
for packet in 5e0000ffff0000000141 5e00 5e 5d0000ffff00000001 5d00000000 600000ffff 610000ffff 5b00000000 \
	5b0000000000000000000000010000000100000001 5c000000000000000100000000 630000ffff 6400000000 5affffffff \
	5a0000000572706f7274 50ffffffff01 50 66 7f 32 34 35ffffffff 3c c8 ff; do
	tell "{\"cmd\":\"raw\",\"tag\":\"$packet\",\"data\":\"$packet\"}"
	wait_for evil "\"raw\",.*\"tag\":\"$packet\"" || break
	# Either it says no by leaving, or it does not care.
	if wait_for evil "\"closed\",\"conn\":$conn," 1 >"$tmp/quiet.log"; then
		conn=$((conn + 1))
		check "after the packet $packet it leaves and comes back" registered $conn
	else
		check "the packet $packet is ignored" alive
	fi
done
check "the client is alive" alive
check "a last time everything" hostile h4 4
check "nothing was written" untouched
check "memory is as it was" memory_back
check "descriptors too" fds_back
check "no log line has control bytes in it" is "$(LC_ALL=C grep -c '[[:cntrl:]]' "$tmp/victim.log")" 0
check "nor half characters" sh -c 'iconv -f UTF-8 -t UTF-8 "$1" >"$2"' - "$tmp/victim.log" "$tmp/quiet.log"
check "every decision is in the trail" not_in_log victim 'is not in commands.log'
stop victim
check "the client ends cleanly" is "$status" 0
check "silently" silent victim
finish
