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
# small_memory CLIENT
small_memory() {
	sleep 5
	i=0
	until memory=$(sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$(pid_of "$1")/status") && [ "$memory" -lt $MEMORY_MAX_KB ]; do
		i=$((i + 1))
		if [ $i -gt 60 ]; then
			echo "# $memory kB resident"
			return 1
		fi
		sleep 1
	done
	echo "# $memory kB resident"
}
# over_tls CLIENT STORE: with what it may trust in that file
over_tls() {
	client_config "$1"
	check "$1: it connects over TLS" connects_by "$1" "$2"
	check "$1: idle it has less than $MEMORY_MAX_KB kB" small_memory "$1"
	check "$1: it is still connected" connected "$1"
	stop "$1"
	check "$1: it ends cleanly" is "$status" 0
}
connects_by() {
	start "$1" env -u SSL_CERT_DIR "SSL_CERT_FILE=$2" "$RPORT_CLIENT" client -c "$tmp/$1.conf" && connected "$1"
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
check "idle it has less than $MEMORY_MAX_KB kB" small_memory small
check "and is still connected" connected small
stop small
check "it ends cleanly" is "$status" 0

### With TLS around it, and what that trusts: one certificate, or the system's store
store=/etc/ssl/certs/ca-certificates.crt
if command -v socat >/dev/null && command -v openssl >/dev/null; then
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
		-addext subjectAltName=DNS:localhost -keyout "$tmp/key.pem" -out "$tmp/cert.pem" 2>/dev/null
	spare_port
	start tls socat "OPENSSL-LISTEN:$port,bind=127.0.0.1,reuseaddr,fork,cert=$tmp/cert.pem,key=$tmp/key.pem,verify=0" "TCP:$addr"
	until_open "$port"
	addr=wss://localhost:$port
	over_tls one "$tmp/cert.pem"
	if [ -s $store ]; then
		cat $store "$tmp/cert.pem" >"$tmp/store.pem"
		echo "# a store with $(grep -c BEGIN "$tmp/store.pem") certificates"
		over_tls all "$tmp/store.pem"
	else
		skip "no store of the system"
	fi
	stop tls
else
	skip "no socat or openssl"
fi

finish
