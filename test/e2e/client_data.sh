#!/bin/sh
# SPDX-License-Identifier: MIT
# What our client tells by itself, of this machine: measurements, pending updates, outer addresses; to our
# server and to the Go peer that plays an installed one.

# shellcheck source=test/e2e/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=test/e2e/lib/server.sh
. "$(dirname "$0")/lib/server.sh"

# Whoever may not change the machine's lists of packages: a test leaves them alone.
nobody_client() {
	mkdir -p "$tmp/data/$1"
	chmod 777 "$tmp/data/$1"
	if [ "$(id -u)" = 0 ]; then
		client=$1
		shift
		start "$client" setpriv --reuid 65534 --regid 65534 --clear-groups \
			"$RPORT" client -c "$tmp/$client.conf" "$@"
	else
		start_client "$@"
	fi
}

# The file system of / is asked for, whatever it is.
root_type=$(awk '$5 == "/" { for (i = 6; i < NF; i++) if ($i == "-") { print $(i + 1); exit } }' /proc/self/mountinfo)
card=$(sed -n 's/^ *\([a-z0-9]*\):.*/\1/p' /proc/net/dev | head -n 1)

server_config server
start_server server
updates_interval=4h
client_config c1 "" "[monitoring]
fs_type_include = [\"$root_type\"]
net_lan = [\"$card\", \"1000\"]"
nobody_client c1 --log-level debug

### Measurements
check "c1 is there" connected c1
check "it measures at once" until_call '.meta.count >= 1' /clients/c1/metrics
check "sensible shares" json_is true '.data[0] | [.cpu_usage_percent, .io_usage_percent, .memory_usage_percent] |
	all(. >= 0 and . <= 100)'
check "memory is in use" json_is true '.data[0].memory_usage_percent > 0'
check "processes" call_is 200 GET /clients/c1/processes ''
check "this client is one of them" json_is true ".data[0].processes | any(.pid == $(pid_of c1) and
	(.cmdline | contains(\"c1.conf\")) and .rss > 100000 and .state != \"\")"
check "the last to be started comes first" json_is true '.data[0].processes | [.[].pid] | . == (sort | reverse)'
check "mount points" call_is 200 GET /clients/c1/mountpoints ''
check "have the size of /" json_is "$(stat -f -c '%b %S' / | { read -r blocks size; echo $((blocks * size)); })" \
	'.data[0].mountpoints["total_b./"]'
check "and what is free" json_is true '.data[0].mountpoints | .["free_b./"] > 0 and .["free_b./"] < .["total_b./"]'

### Updates
check "it is told to look for updates" call_is 204 POST /clients/c1/updates-status ''
patience=$WAIT_S
WAIT_S=120
check "it tells" until_call '.data.updates_status != null' '/clients/c1?fields[clients]=updates_status'
WAIT_S=$patience
if [ -s /var/lib/dpkg/status ] && [ -x /usr/bin/apt-get ]; then
	check "without an error" json_is null '.data.updates_status.error'
	check "as many as apt-get says" json_is \
		"$(apt-get -s -o Debug::NoLocking=true upgrade 2>/dev/null | grep -c '^Inst')" \
		'.data.updates_status.updates_available'
	check "with a list" json_is true '.data.updates_status | (.update_summaries // [] | length) == .updates_available or .hint != null'
else
	check "what it found" json_is true '.data.updates_status | has("updates_available")'
fi
check "no secret of it is in the log" not_in_log c1 'me:secret|"secret"'
stop c1
check "it ends well" is "$status" 0
check "silently" silent c1
stop server

finish
