#!/bin/sh
# SPDX-License-Identifier: MIT
# How long the API takes for its answers while 200 clients send measurements every second and four
# tunnels run at full rate. BUSY_SECONDS (30) of asking, BUSY_CLIENTS (200); the 99th percentile of
# each kind of request has to stay below BUSY_P99_MS (50).

# Two hundred handshakes take a while on few processors.
WAIT_S=${WAIT_S:-90}
# shellcheck source=test/e2e/lib/lib.sh
. "$(dirname "$0")/../e2e/lib/lib.sh"
# shellcheck source=test/e2e/lib/server.sh
. "$(dirname "$0")/../e2e/lib/server.sh"

here=$(cd "$(dirname "$0")" && pwd)
CLIENTS=${BUSY_CLIENTS:-200}
SECONDS_OF_WORK=${BUSY_SECONDS:-30}
# The clients and iperf3 share the machine with the server.
export GOMAXPROCS=1

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

server_config server 'client_login_wait = 0' 'user_login_wait = 0'
start_server server
client_config bulk
start_client bulk
check "a client for the tunnels is connected" connected bulk
# The functions of the library have an i of their own making.
ports=
for target in 0 1 2 3; do
	port=$(free_port)
	start "iperf$target" iperf3 -s -p "$port" --forceflush
	check "target $target listens" quiet wait_for "iperf$target" 'Server listening'
	check "a tunnel to it" open_tunnel bulk "remote=127.0.0.1:$port"
	ports="$ports $lport"
done
# By and by: the server sets up 64 connections of one address at once, refuses the others with a 503,
# and unlike a real client the peer does not try again.
for n in $(seq 0 $((CLIENTS - 1))); do
	start_peer "p$n" --measure-every 1s --processes 20
	[ $((n % 40)) != 39 ] || until_call ".data.clients_connected >= $n" /status
done
check "$CLIENTS clients are connected" until_call ".data.clients_connected == $CLIENTS + 1" /status
check "and send measurements" until_call '.meta.count >= 2' "/clients/p$((CLIENTS - 1))/metrics"

for port in $ports; do
	start "bulk$port" iperf3 -c 127.0.0.1 -p "$port" -t $((SECONDS_OF_WORK + 5)) --forceflush
done
check "the API answers in time" python3 -B "$here/busy.py" "$api" "$credentials" "$SECONDS_OF_WORK" "${BUSY_P99_MS:-50}"
for port in $ports; do
	check "a tunnel was busy" wait_for "bulk$port" '[0-9.]+ [MG]bits/sec.*receiver'
	[ -z "$line" ] || echo "# $line"
done
check "the measurements are kept" until_call ".meta.count >= $((SECONDS_OF_WORK / 2))" /clients/p0/metrics
finish
