#!/bin/bash
# SPDX-License-Identifier: MIT
# Fills a database with a large fleet (test/bench/fleet.c), starts the server on it and says how long its
# API takes for its answers, how long the start took and how much memory it has.
#
#   test/bench/fleet.sh CLIENTS JOBS    (`make bench-fleet` builds what it needs first)
set -euo pipefail

cd "$(dirname "$0")/../.."
RPORT=$(realpath "${RPORT:-build/rport}")
PROGRAMS=$(realpath "${RPORT_BENCH:-build/release-openssl/test/bench}")
# shellcheck source=test/bench/lib/process.sh
. test/bench/lib/process.sh

prepare_user
cp "$PROGRAMS/fleet" "$WORK/fleet"
PASSWORD=$(secret)
cat >"$WORK/rportd.conf" <<CONF
[server]
address = "127.0.0.1:0"
auth = "bench:$PASSWORD"
data_dir = "$WORK/data"
[api]
address = "127.0.0.1:0"
auth = "admin:$PASSWORD"
CONF
note "filling a database with $1 clients and $2 jobs"
as_user "$WORK/fleet" "$WORK/data" "$1" "$2"
note "it has $(du -m "$WORK/data/rport.db" | cut -f1) MB"
begun=$(date +%s%N)
start rportd "$WORK/rport" server -c "$WORK/rportd.conf"
until API=$(sed -n 's|.*API Listening on http://||p' "$WORK/rportd.log") && [ -n "$API" ]; do
	kill -0 "$STARTED" || fail "no server: $(tail -n 1 "$WORK/rportd.log")"
	sleep 0.01
done
note "the server was ready after $((($(date +%s%N) - begun) / 1000000)) ms"
status=0
python3 -B test/bench/fleet.py "$API" "admin:$PASSWORD" "${FLEET_SECONDS:-1}" || status=$?
printf 'memory of the server: %s kB, at most %s kB\n' "$(kb VmRSS "$STARTED")" "$(kb VmHWM "$STARTED")"
exit $status
