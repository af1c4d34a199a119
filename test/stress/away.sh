#!/bin/sh
# SPDX-License-Identifier: MIT
# Memory of clients whose server is away: AWAY_SECONDS (60) long one tries in vain every few seconds, one
# loses each connection a few seconds after it was made, one reaches a server that never answers, and
# one is idle; two more lose theirs and are idle with TLS around it and the system's certificates. None may
# grow by more than AWAY_GROWTH_KB (256) from the second quarter of the time to the last, and the idle ones
# stay below AWAY_IDLE_KB (5120).

# shellcheck source=test/e2e/lib/lib.sh
. "$(dirname "$0")/../e2e/lib/lib.sh"
# shellcheck source=test/e2e/lib/server.sh
. "$(dirname "$0")/../e2e/lib/server.sh"

here=$(cd "$(dirname "$0")" && pwd)
SECONDS_OF_WORK=${AWAY_SECONDS:-60}

# client_of NAME: towards $addr
client_of() {
	client_config "$1" '' '[connection]
		max_retry_interval = "2s"'
	start_client "$1"
}

# tls_client_of NAME: towards $addr behind TLS
tls_client_of() {
	spare_port
	start "tls_$1" socat "OPENSSL-LISTEN:$port,bind=127.0.0.1,reuseaddr,fork,cert=$tmp/cert.pem,key=$tmp/key.pem,verify=0" "TCP:$addr"
	until_open "$port"
	plain_addr=$addr
	addr=wss://localhost:$port
	client_of "$1"
	addr=$plain_addr
}
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
	-addext subjectAltName=DNS:localhost -keyout "$tmp/key.pem" -out "$tmp/cert.pem" 2>/dev/null
cat /etc/ssl/certs/ca-certificates.crt "$tmp/cert.pem" >"$tmp/store.pem" 2>/dev/null
unset SSL_CERT_DIR
export SSL_CERT_FILE="$tmp/store.pem"

server_config server 'client_login_wait = 0
	ban_time = 0'
start_server server
server_addr=$addr
client_of idle
check "the idle client is connected" connected idle
tls_client_of idle_tls
check "the one with TLS as well" connected idle_tls
start breaking python3 -B "$here/away.py" relay "$server_addr" 2
wait_for breaking 'port:[0-9]+' || give_up "no relay"
addr=127.0.0.1:${line#port:}
client_of flapping
check "the flapping one comes back" wait_count flapping 'client: Connected' 3
tls_client_of flapping_tls
check "the one with TLS as well" wait_count flapping_tls 'client: Connected' 3
start silent python3 -B "$here/away.py" silent
wait_for silent 'port:[0-9]+' || give_up "no silent server"
addr=127.0.0.1:${line#port:}
client_of waiting
addr=127.0.0.1:1
client_of refused
check "the refused one tries" wait_count refused 'Retrying in' 3

check "memory stays as it is" python3 -B "$here/away.py" watch "$SECONDS_OF_WORK" "${AWAY_GROWTH_KB:-256}" \
	idle="$(pid_of idle)" idle_tls="$(pid_of idle_tls)" flapping="$(pid_of flapping)" flapping_tls="$(pid_of flapping_tls)" \
	waiting="$(pid_of waiting)" refused="$(pid_of refused)"
for one in idle idle_tls; do
	[ -z "${AWAY_IDLE_KB=5120}" ] ||
		check "$one has less than $AWAY_IDLE_KB kB" \
			sh -c '[ "$(sed -n "s/VmRSS:[^0-9]*\([0-9]*\).*/\1/p" "/proc/$1/status")" -lt "$2" ]' - "$(pid_of "$one")" "$AWAY_IDLE_KB"
done
for one in flapping flapping_tls refused; do
	echo "# $one: $(grep -c 'Connecting to' "$tmp/$one.log") attempts, $(grep -c 'client: Connected' "$tmp/$one.log") connections"
done
for one in idle idle_tls; do
	check "$one never lost its connection" is "$(grep -c 'Connecting to' "$tmp/$one.log")" 1
done
for one in idle idle_tls flapping flapping_tls waiting refused; do
	stop "$one"
	check "$one ends cleanly" is "$status" 0
	check "and silently" silent "$one"
done
finish
