#!/bin/sh
# SPDX-License-Identifier: MIT
# Files sent to installed clients, which fetch them by SFTP: contents, rules, results over the
# WebSocket, memory with a big one, and what a client may not read.

# shellcheck source=test/e2e/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=test/e2e/lib/server.sh
. "$(dirname "$0")/lib/server.sh"

out=$tmp/out
mkdir -p "$out"
size=$(bulk 100000000)

# upload FILE DEST ID [MORE]: $code; the id of the upload is ID
upload() {
	file=$1
	dest=$2
	id=$3
	shift 3
	call POST /files -F "upload=@$file" -F "dest=$dest" -F "id=$id" "$@"
}

# result ID CLIENT PATTERN: what the WebSocket told of it
result() { wait_for ws "^\{\"client_id\":\"$2\",\"uuid\":\"$1\",.*$3"; }

# Freed memory that a sanitizer keeps back would count as memory held.
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=1
export ASAN_OPTIONS

same() { cmp "$1" "$2"; }
no_spool() {
	i=0
	while [ -n "$(ls "$tmp/data/server/filepush")" ]; do
		i=$((i + 1))
		[ $i -le $((WAIT_S * PATIENCE * 10)) ] || { echo "# $(ls "$tmp/data/server/filepush")"; return 1; }
		sleep 0.1
	done
}
memory() { sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$(pid_of server)/status"; }
bounded() {
	now=$(memory)
	[ $((now - before)) -lt 40000 ] || { echo "# from $before kB to $now kB"; false; }
}

server_config server '' "max_filepush_size = $((size + 1000000))"
start_server server
start_peer p1 --tag web
start_peer p2 --tag web
start_peer off --uploads=false
for id in p1 p2 off; do
	check "client $id is there" connected $id
done
start ws python3 "$(dirname "$0")/lib/ws_listen.py" "$api/api/v1/ws/uploads" "$credentials"
wait_for ws '^HTTP/1.1 101' || give_up "no WebSocket"

### Contents
head -c 300000 /dev/urandom >"$tmp/small"
: >"$tmp/empty"
check "a file" upload "$tmp/small" "$out/a" f1 -F client_id=p1 -F mode=0640
check "is taken" json_is "200 f1 $out/a 300000" "\"$code \\(.data.uuid) \\(.data.filepath) \\(.data.size)\""
check "and told of" result f1 p1 "\"filepath\":\"$out/a\",\"size\":300000,\"message\":\"file successfully copied.*\"status\":\"success\"\}$"
check "is the same there" same "$tmp/small" "$out/a"
check "with its mode" is "$(stat -c %a "$out/a")" 640
check "nothing stays behind" no_spool
check "an empty file" upload "$tmp/empty" "$out/b" f2 -F client_id=p1
check "arrives" result f2 p1 '"status":"success"'
check "empty" is "$(stat -c %s "$out/b")" 0
check "to all of a tag" upload "$tmp/small" "$out/c" f3 -F 'tags={"tags":["web"]}' -F force=true
check "here" result f3 p1 '"status":"success"'
check "and there" result f3 p2 '"status":"success"'

### Rules of the client
check "over a file" upload "$tmp/empty" "$out/a" f4 -F client_id=p1
check "is ignored" result f4 p1 '"status":"ignored"'
check "which stays" same "$tmp/small" "$out/a"
check "with sync" upload "$tmp/small" "$out/a" f5 -F client_id=p1 -F sync=1 -F mode=640
check "the same is ignored too" result f5 p1 '"status":"ignored"'
check "another one" upload "$tmp/empty" "$out/a" f6 -F client_id=p1 -F sync=1
check "is not" result f6 p1 '"status":"success"'
check "by force" upload "$tmp/small" "$out/a" f7 -F client_id=p1 -F force=true
check "it is written" result f7 p1 '"status":"success"'
check "and the same again" same "$tmp/small" "$out/a"
check "where nothing may be written" upload "$tmp/small" /bin/x f8 -F client_id=p1
check "the client says no" result f8 p1 '"message":"client error: target path /bin/x matches protected pattern /bin.*"status":"error"'
check "a client without file reception" upload "$tmp/small" "$out/d" f9 -F client_id=off
check "is not asked" result f9 off '"message":"uploads are disabled on this client.*"status":"error"'
stop p2
check "a client leaves" disconnected p2
check "a file for it" upload "$tmp/small" "$out/d" f11 -F client_id=p2
check "is not delivered" result f11 p2 '"message":"client is not connected","status":"error"'
check "nothing stays behind" no_spool

### Refused
check "no destination" call_is 400 POST /files 'empty destination file path' -F "upload=@$tmp/small" -F client_id=p1
check "no file" call_is 400 POST /files 'part .*upload.* is missing' -F "dest=/tmp/x" -F client_id=p1
check "below /proc" call_is 400 POST /files '"code":"BAD_DESTINATION","title":"upload denied"' -F "upload=@$tmp/small" \
	-F client_id=p1 -F dest=/tmp/../proc/x
check "an unknown client" call_is 404 POST /files 'Client with id=' -F "upload=@$tmp/small" -F client_id=none -F dest=/tmp/x
check "no target" call_is 400 POST /files 'Missing targeting parameters' -F "upload=@$tmp/small" -F dest=/tmp/x
head -c $((size + 2000000)) /dev/zero >"$tmp/long"
check "too long" call_is 413 POST /files 'request body too large' -F "upload=@$tmp/long" -F client_id=p1 -F dest=/tmp/x
check "also without a length" call_is 413 POST /files 'request body too large' -F "upload=@$tmp/long" -F client_id=p1 \
	-F dest=/tmp/x -H 'Transfer-Encoding: chunked'
rm "$tmp/long"
credentials=admin:wrong
check "a wrong password" call_is 401 POST /files unauthorized -F "upload=@$tmp/small" -F client_id=p1 -F dest=/tmp/x
credentials=admin:$PASSWORD
sleep 2.1
check "nothing stays behind" no_spool

### A big one
head -c "$size" /dev/urandom >"$tmp/big"
before=$(memory)
check "a big file" upload "$tmp/big" "$out/big" big -F client_id=p1
check "is taken" json_is "200 $size" "\"$code \\(.data.size)\""
check "while it goes the API answers" call_is 200 GET /status data
check "and arrives" result big p1 '"status":"success"'
check "the same" same "$tmp/big" "$out/big"
[ -n "${RPORT_VALGRIND:-}" ] || check "without being held in memory" bounded
check "nothing stays behind" no_spool
rm -f "$tmp/big" "$out/big"

### What a client may not
mkfifo "$tmp/orders"
start spy sh -c "exec \"\$0\" client --server $addr --auth me:secret --id spy <\"$tmp/orders\"" "$PEER"
exec 9>"$tmp/orders"
check "a curious client" connected spy
echo '{"cmd":"open","type":"session","extra":""}' >&9
check "gets no channel for files" wait_for spy '"opened".*"ok":false.*there is no file to fetch|no file to fetch.*"ok":false'
exec 9>&-

stop server
check "the server ends cleanly" is "$status" 0
check "the WebSocket was closed" wait_for ws '^closed 100[01]$'
finish
