#!/bin/sh
# Installs the rport client on this machine and pairs it with its server.
#
#   sh install.sh CODE
#
# It takes the rport that is installed, or else fetches it to /usr/local/bin/rport; the rest is
# done by `rport client pair`.
set -eu

URL='@URL@'
ID='@ID@'
FINGERPRINT='@FINGERPRINT@'
TARGET=/usr/local/bin/rport

fail() {
	echo "rport: $*" >&2
	exit 1
}

# An rport in the path that can pair: the original client has the same name.
installed() {
	found=$(command -v rport) && grep -q 'usage: rport client pair' "$found" && echo "$found"
}

fetch() {
	if command -v curl >/dev/null; then
		curl -fsSL -o "$2" "$1"
	elif command -v wget >/dev/null; then
		wget -q -O "$2" "$1"
	else
		fail 'neither curl nor wget is here: install rport by hand'
	fi
}

download() {
	arch=$(uname -m)
	new=$TARGET.new.$$
	mkdir -p "${TARGET%/*}"
	fetch "$URL/api/v1/pairing/$ID/client/$arch" "$new" || {
		rm -f "$new"
		fail "the server has no client for $arch: install rport, then run: rport client pair $URL CODE"
	}
	chmod 755 "$new"
	"$new" version >/dev/null || {
		rm -f "$new"
		fail 'the client that the server gives does not run here'
	}
	mv "$new" "$TARGET"
	echo "$TARGET"
}

# Nothing runs before the last line has arrived.
main() {
	code=${1-}
	[ "$(id -u)" = 0 ] || fail 'needs root: put sudo before sh'
	[ -n "$code" ] || fail 'expected the code as argument: … | sudo sh -s -- CODE'
	rport=$(installed) || rport=$(download)
	exec "$rport" client pair --fingerprint "$FINGERPRINT" "$URL" "$code"
}

main "${1-}"
