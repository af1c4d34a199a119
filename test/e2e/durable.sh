#!/bin/sh
# SPDX-License-Identifier: MIT
# What the API has acknowledged is there after kill -9, and a disk that is full or read-only is told
# clearly and loses nothing.

# shellcheck source=test/e2e/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=test/e2e/lib/server.sh
. "$(dirname "$0")/lib/server.sh"

ROUNDS=4
mounted=
end_all() {
	rm -f "$tmp/writing"
	end_programs
	[ -z "$mounted" ] || umount "$mounted"
	[ -n "${KEEP_TMP:-}" ] || rm -rf "$tmp"
}

### Writers: each makes one kind of thing after another and notes the names that were acknowledged

# post KIND PATH BODY: status on stdout, body in KIND.body
post() {
	curl -s -g --max-time 20 -o "$tmp/$1.body" -w '%{http_code}' -u "admin:$PASSWORD" -X POST -d "$3" "$api/api/v1$2"
}

body_of() {
	case $1 in
	commands) echo "{\"name\":\"$2\",\"cmd\":\"date\",\"tags\":[\"t\"]}" ;;
	scripts) echo "{\"name\":\"$2\",\"script\":\"ZGF0ZQ==\"}" ;;
	tunnels) echo "{\"name\":\"$2\",\"remote_port\":22}" ;;
	schedules) echo "{\"name\":\"$2\",\"schedule\":\"@yearly\",\"type\":\"command\",\"command\":\"date\",\"client_ids\":[\"c1\"]}" ;;
	tokens) echo "{\"name\":\"$2\",\"scope\":\"read\"}" ;;
	groups) echo "{\"id\":\"$2\",\"params\":{\"name\":[\"x\"]}}" ;;
	esac
}

path_of() {
	case $1 in
	commands) echo /library/commands ;;
	scripts) echo /library/scripts ;;
	tunnels) echo /clients/c1/stored-tunnels ;;
	schedules) echo /schedules ;;
	tokens) echo /me/tokens ;;
	groups) echo /client-groups ;;
	esac
}
KINDS='commands scripts tunnels schedules tokens groups'

# Every third command is deleted again.
forget() {
	id=$(jq -r .data.id "$tmp/commands.body")
	gone=$(curl -s --max-time 20 -o "$tmp/gone.body" -w '%{http_code}' -u "admin:$PASSWORD" -X DELETE \
		"$api/api/v1/library/commands/$id")
	if [ "$gone" = 204 ]; then
		echo "$1" >>"$tmp/commands.gone"
	else
		# It may be deleted or not: nobody said.
		echo "$1" >>"$tmp/commands.unknown"
	fi
}

writer() {
	n=0
	while [ -e "$tmp/writing" ]; do
		n=$((n + 1))
		name=$1-$n
		case $(post "$1" "$(path_of "$1")" "$(body_of "$1" "$name")") in
		20*)
			if [ "$1" = commands ] && [ $((n % 3)) = 0 ]; then
				forget "$name"
			else
				echo "$name" >>"$tmp/$1.acknowledged"
			fi
			;;
		000) sleep 0.1 ;; # the server is away
		4* | 507) echo "$name: $(cat "$tmp/$1.body")" >>"$tmp/$1.refused" ;;
		esac
	done
}

# names KIND: all that there are, one in a line
names() {
	: >"$tmp/$1.present"
	offset=0
	while :; do
		case $1 in
		tokens) page= ;;
		groups) page="?page[limit]=500&page[offset]=$offset" ;;
		*) page="?page[limit]=100&page[offset]=$offset" ;;
		esac
		call GET "$(path_of "$1")$page"
		value 'if (.data | type) == "array" then .data[] else .data.data[] end | .name // .id' >"$tmp/page"
		cat "$tmp/page" >>"$tmp/$1.present"
		[ -n "$page" ] && [ -s "$tmp/page" ] || break
		offset=$((offset + $(wc -l <"$tmp/page")))
	done
	sort -o "$tmp/$1.present" "$tmp/$1.present"
}

# all_there KIND: nothing that was acknowledged is missing.
all_there() {
	names "$1"
	sort "$tmp/$1.acknowledged" >"$tmp/wanted"
	echo "# $1: $(wc -l <"$tmp/wanted") acknowledged, $(wc -l <"$tmp/$1.present") there"
	[ -s "$tmp/wanted" ] && comm -23 "$tmp/wanted" "$tmp/$1.present" | sed 's/^/# missing: /' >"$tmp/missing" &&
		[ ! -s "$tmp/missing" ] || { head -n 5 "$tmp/missing"; false; }
}

none_back() {
	sort "$tmp/commands.gone" >"$tmp/wanted"
	[ -s "$tmp/wanted" ] && [ -z "$(comm -12 "$tmp/wanted" "$tmp/commands.present")" ]
}

none_refused() {
	cat "$tmp"/*.refused 2>/dev/null | head -n 5 | sed 's/^/# /' >"$tmp/refused"
	[ ! -s "$tmp/refused" ] || { cat "$tmp/refused"; false; }
}

server_config server
start_server server
client_config c1
start_client c1
check "a client connects" connected c1
: >"$tmp/writing"
for kind in $KINDS; do
	writer "$kind" &
	pids="$pids $!"
done
round=0
while [ $round -lt $ROUNDS ]; do
	round=$((round + 1))
	sleep 0.$((round * 3 % 10))
	sleep 0.7
	kill -9 "$(pid_of server)"
	wait_end server
	start_server server --addr "$addr" --api-addr "${api#http://}"
done
sleep 0.5
rm -f "$tmp/writing"
kill -9 "$(pid_of server)"
wait_end server
start_server server --addr "$addr" --api-addr "${api#http://}"
check "the client comes back" connected c1
for kind in $KINDS; do
	check "all acknowledged $kind are there after kill -9" all_there "$kind"
done
check "and none of the deleted" none_back
check "nothing else was refused" none_refused
stop c1
stop server

### A folder that cannot be written

cannot_start() {
	# shellcheck disable=SC2154 # status: of lib.sh
	wait_end full
	is "$status $(wc -l <"$tmp/full.err")" "1 1" && grep -q -E -e "$1" "$tmp/full.err" ||
		{ sed 's/^/# stderr: /' "$tmp/full.err"; false; }
}

disk=$tmp/disk
mkdir "$disk"
server_config full
sed -i "s|^data_dir = .*|data_dir = \"$disk\"|" "$tmp/full.conf"
if [ "$(id -u)" = 0 ] && mount -t tmpfs -o size=6m,mode=755 rport-test "$disk" 2>/dev/null; then
	mounted=$disk
	start_server full
	check "an entry before the disk is full" test "$(post full /library/commands '{"name":"before","cmd":"c"}')" = 201
	cat /dev/zero >"$disk/filler" 2>/dev/null
	# Pages that are free in the file may still take some.
	i=0
	while [ $i -lt 200 ]; do
		i=$((i + 1))
		code=$(post full /library/scripts "{\"name\":\"s$i\",\"script\":\"$(head -c 6000 /dev/zero | base64 -w 0)\"}")
		[ "$code" = 201 ] || break
		echo "s$i" >>"$tmp/full.acknowledged"
	done
	check "a write to a full disk fails" is "$code" 500
	check "with the reason" grep -q 'disk' "$tmp/full.body"
	check "which is logged" in_log full 'error: .*disk'
	check "reading goes on" call_is 200 GET /library/commands '"name":"before"'
	start second "$RPORT" server -c "$tmp/full.conf" --data-dir "$disk/new"
	name=second
	wait_end second
	check "no server starts on a full disk" is "$status $(wc -l <"$tmp/second.err")" "1 1"
	check "it says why" grep -q -E 'cannot start.*(disk|space|database)' "$tmp/second.err"
	rm "$disk/filler"
	check "with room again writing goes on" test "$(post full /library/commands '{"name":"after","cmd":"c"}')" = 201
	kill -9 "$(pid_of full)"
	wait_end full
	start_server full
	check "nothing acknowledged is lost" call_is 200 GET /library/commands '"name":"before".*"name":"after"'
	call GET "/library/scripts?page[limit]=100"
	check "nor on the way to the full disk" is "$(value '.meta.count')" "$(cat "$tmp/full.acknowledged" 2>/dev/null | wc -l)"
	stop full
	mount -o remount,ro "$disk"
	start full "$RPORT" server -c "$tmp/full.conf"
	check "a read-only folder: one line, and the end" cannot_start 'cannot start: data_dir .* cannot be written: read-only file system'
	umount "$disk"
	mounted=
else
	skip "a full disk: needs root and mount"
	chmod 555 "$disk"
	if [ "$(id -u)" = 0 ]; then
		skip "a folder that may not be written: root may"
	else
		start full "$RPORT" server -c "$tmp/full.conf"
		check "a folder that may not be written: one line, and the end" cannot_start 'cannot start: data_dir .* cannot be written: permission denied'
	fi
fi
finish
