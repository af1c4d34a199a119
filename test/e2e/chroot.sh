#!/bin/sh
# SPDX-License-Identifier: MIT
# The release binary needs nothing: static, small, at work in a folder with no other file.

# shellcheck source=test/e2e/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=test/e2e/lib/server.sh
. "$(dirname "$0")/lib/server.sh"

SIZE_MAX=8000000

if ! file -L "$RPORT" | grep -q 'statically linked'; then
	case $RPORT in
	*/build/rport*) not_ok "a release binary is statically linked" ;;
	*) skip "not the release profile" ;;
	esac
	finish
fi
check "no interpreter is asked for" quiet sh -c "! readelf -l '$RPORT' | grep -q -i 'interp'"
check "no symbols are left" quiet sh -c "file -L '$RPORT' | grep -q ', stripped'"
size=$(stat -L -c %s "$RPORT")
echo "# $size bytes"
check "it is small" [ "$size" -le $SIZE_MAX ]
check "no executable stack" quiet sh -c "readelf -lW '$RPORT' | grep GNU_STACK | grep -q 'RW  '"

if [ "$(id -u)" != 0 ]; then
	skip "not root: no chroot"
	finish
fi
root=$tmp/root
mkdir "$root" "$root/data" "$root/client"
cp "$RPORT" "$root/rport"
printf '[server]\naddress = "127.0.0.1:0"\nauth = "me:secret"\nkey_seed = "test"\ndata_dir = "/data"\n[api]\naddress = "127.0.0.1:0"\nauth = "admin:%s"\n' \
	"$PASSWORD" >"$root/rportd.conf"
chown -R nobody "$root/data" "$root/client"
chmod 644 "$root/rportd.conf"
# in_root COMMAND: as another user, in there
user=$(id -u nobody):$(id -g nobody)
check "it runs in an empty folder" quiet chroot --userspec="$user" "$root" /rport version
check "and says its version" grep -q '^version ' "$tmp/quiet.log"
start server chroot --userspec="$user" "$root" /rport server
wait_for server 'Listening for clients on' || give_up "no server in the empty folder"
addr=${line##* }
wait_for server 'API Listening on'
api=${line##* }
check "a server runs there" call_is 200 GET /status "\"fingerprint\":\"$MD5\""
start_echo
start client chroot --userspec="$user" "$root" /rport client --auth me:secret --fingerprint "$MD5" --id c1 \
	--data-dir /client "$addr" "$tcp_port"
check "a client, too" connected c1
check "a tunnel between them" quiet "$PEER" check --tcp "127.0.0.1:$(value '.data.tunnels[0].lport')" --bytes "$(bulk 10000000)"
check "no command can be found there" call_is 409 POST /clients/c1/commands 'client error' -d '{"command":"/usr/bin/id"}'
stop client
check "the client ends cleanly" is "$status" 0
stop server
check "the server, too" is "$status" 0
check "both silently" is "$(cat "$tmp/server.err" "$tmp/client.err")" ''
check "the folder holds what it should" is "$(cd "$root" && find . -mindepth 1 -maxdepth 1 | sort | tr '\n' ' ')" \
	'./client ./data ./rport ./rportd.conf '
finish
