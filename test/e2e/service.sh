#!/bin/sh
# SPDX-License-Identifier: MIT
# `--service install` and its kin, into an image below a folder: user, unit, what stays at an upgrade
# and at the end; systemd's own opinion of the units where it is installed. And, as root on a machine
# that has systemd and can make namespaces, in a system booted by it: install, run, upgrade, remove.

# shellcheck source=test/e2e/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

image=$tmp/image
etc=$image/etc/rport
units=$image/etc/systemd/system
program=$image/usr/bin/rport

if ! command -v systemctl >/dev/null || ! command -v systemd-sysusers >/dev/null; then
	skip "systemd's tools are not here"
	finish
fi
if [ -n "${RPORT_VALGRIND:-}" ]; then
	skip "other programs run too much of this"
	finish
fi

mkdir -p "$etc" "$units" "$image/usr/bin"
cp "$RPORT" "$program"
cat >"$etc/rport.conf" <<EOF
[client]
server = "http://127.0.0.1:8080"
auth = "client1:s3cret-of-a-test"
[logging]
log_file = "/var/log/rport/rport.log"
EOF
cat >"$etc/rportd.conf" <<EOF
[server]
address = "127.0.0.1:80"
auth = "client1:s3cret-of-a-test"
key_seed = "0718191bc0ffee2"
[api]
address = "127.0.0.1:3000"
auth_file = "/etc/rport/users.json"
EOF
echo '[]' >"$etc/users.json"
chmod 600 "$etc"/*

install_in_image() { "$program" "$1" --service install --service-root "$image" >"$tmp/$1.log" 2>&1; }
in_file() { grep -q -e "$2" "$1" || { sed 's/^/# /' "$1"; false; }; }
mode() { stat -c %a "$1"; }

check "the client is installed" install_in_image client
check "the server is installed" install_in_image server
check "with a user of its own" in_file "$image/etc/passwd" '^rport:x:[0-9]*:[0-9]*:[^:]*:/var/lib/rport:/usr/sbin/nologin$'
check "who may read the configuration" is "$(mode "$etc/rport.conf")" 640
check "and has a folder for its data" is "$(mode "$image/var/lib/rport")" 700
check "units are enabled" [ -h "$units/multi-user.target.wants/rport.service" ]
check "the client may use sudo unless it is told otherwise" in_file "$units/rport.service" 'lets the server use sudo'
check "the server is in a sandbox" in_file "$units/rportd.service" '^NoNewPrivileges=yes'
check "but may write where its users are" in_file "$units/rportd.service" '^ReadWritePaths=-"/etc/rport"'

# Upgrade: configuration, data and drop-ins stay, the unit follows the configuration.
printf '[remote-commands]\nsudo = false\n' >>"$etc/rport.conf"
mkdir "$units/rport.service.d"
printf '[Service]\nNice=5\n' >"$units/rport.service.d/override.conf"
echo kept >"$image/var/lib/rport/kept"
cp "$etc/rport.conf" "$tmp/before.conf"
check "it is installed again" install_in_image client
check "configuration stays" cmp -s "$etc/rport.conf" "$tmp/before.conf"
check "a drop-in stays" in_file "$units/rport.service.d/override.conf" 'Nice=5'
check "without sudo there is a sandbox" in_file "$units/rport.service" '^NoNewPrivileges=yes'

# What systemd says. It looks for the program where the unit says it is.
verify() {
	sed "s|^ExecStart=\"[^\"]*\"|ExecStart=$program|" "$units/$1.service" >"$tmp/$1.service"
	quiet systemd-analyze verify --man=no "$tmp/$1.service" && [ ! -s "$tmp/quiet.log" ]
}
exposure() {
	quiet systemd-analyze security --offline=true --threshold="$2" "$tmp/$1.service"
}
if command -v systemd-analyze >/dev/null && [ -e /lib/systemd/system/sysinit.target ]; then
	check "systemd finds the client's unit right" verify rport
	check "systemd finds the server's unit right" verify rportd
	check "a client without sudo is little exposed" exposure rport 30
	check "a server is little exposed" exposure rportd 25
fi

# Wrong calls.
refused() {
	wanted=$1
	shift
	"$@" >"$tmp/refused.log" 2>&1 && return 1
	in_file "$tmp/refused.log" "$wanted"
}
check "a broken configuration is not installed" refused 'Check your config file' \
	"$program" client --service install --service-root "$image" -c /etc/rport/none.conf
check "other options belong into the file" refused 'goes with -c' \
	"$program" client --service install --service-root "$image" --auth a:b
check "a name that is none" refused 'expected a user name' \
	"$program" client --service install --service-root "$image" --service-user 'a b'
printf '[Unit]\n' >"$units/rportd.service"
check "a unit of somebody else is not removed" refused 'remove it by hand' \
	"$program" server --service uninstall --service-root "$image"
check "but put aside for a new one" install_in_image server
check "and kept" in_file "$units/rportd.service.old" '^\[Unit\]'

remove_from_image() { "$program" client --service uninstall --service-root "$image" >"$tmp/remove.log" 2>&1; }
check "the client is removed" remove_from_image
check "its unit is gone" [ ! -e "$units/rport.service" ]
check "its enabling too" [ ! -h "$units/multi-user.target.wants/rport.service" ]
check "the rest stays" [ -e "$etc/rport.conf" -a -e "$image/var/lib/rport/kept" ]
check "once" refused 'not installed' "$program" client --service uninstall --service-root "$image"

finish
