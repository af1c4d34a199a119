# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What a connected client with one tunnel that does nothing costs the server: real clients, a
# process each, on a server of their own. Kernel memory of the sockets is not in it.

# In so many at a time they start: each has a key exchange before it on few cores.
IDLE_BATCH=50

# connected_clients, open_tunnels: of the server last started
connected_clients() { api "http://$API/api/v1/status" | jq -re .data.clients_connected; }
open_tunnels() { api "http://$API/api/v1/tunnels" | jq -re '.data | length'; }

# until_equal COMMAND NUMBER: at most 120 s
until_equal() {
	local i got=
	for ((i = 0; i < 600; i++)); do
		got=$("$1") && [ "$got" -ge "$2" ] && return 0
		sleep 0.2
	done
	complain "$1: $got of $2"
	return 1
}

# settled PID: VmRSS in kB when it has not changed by more than 1 % for 4 s; at most 30 s
settled() {
	local i before now same=0
	before=$(kb VmRSS "$1")
	for ((i = 0; i < 30 && same < 4; i++)); do
		sleep 1
		now=$(kb VmRSS "$1")
		same=$(((now - before) * 100 > before || (before - now) * 100 > before ? 0 : same + 1))
		before=$now
	done
	echo "$before"
}

# idle_clients NUMBER
idle_clients() {
	local number=$1 i before after first=${#PIDS[@]}
	serve_rport idle 127.0.0.1
	rport_client idle-0 127.0.0.1 "$RPORT_PORT" "$TARGET_ECHO"
	until_equal connected_clients 1 || return 0
	before=$(settled "$RPORT_SERVER")
	for ((i = 1; i <= number; i++)); do
		rport_client "idle-$i" 127.0.0.1 "$RPORT_PORT" "$TARGET_ECHO"
		((i % IDLE_BATCH != 0)) || until_equal connected_clients $((i + 1)) || return 0
	done
	until_equal connected_clients $((number + 1)) || return 0
	until_equal open_tunnels $((number + 1)) || return 0
	after=$(settled "$RPORT_SERVER")
	put rport idle_client_kb "$(awk -v d=$((after - before)) -v n="$number" \
		'BEGIN { printf "%.1f", d / n }')"
	put rport idle_server_kb "$after"
	stop_from "$first"
}
