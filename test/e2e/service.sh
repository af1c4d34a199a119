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

check "a client dials whatever the state of the network" in_file "$units/rport.service" '^After=network.target'
check "a server waits for its address" in_file "$units/rportd.service" '^After=network-online.target'

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

# A system of its own.
booted=
boot() {
	mkdir "$tmp/boot"
	start boot unshare --fork --kill-child --pid --mount --uts --ipc --net --cgroup --propagation private \
		"$(dirname "$0")/lib/boot.sh" "$tmp/boot"
	i=0
	until booted=$(pgrep -P "$(pid_of boot)" -x systemd) && inside test -S /run/systemd/private &&
		in_text "running degraded" "$(inside systemctl is-system-running 2>/dev/null || true)"; do
		kill -0 "$(pid_of boot)" 2>/dev/null || return 1
		i=$((i + 1))
		[ $i -le $((WAIT_S * PATIENCE * 10)) ] || return 1
		sleep 0.1
	done
}
inside() { nsenter -t "$booted" -a "$@"; }
# shell WORDS: there, by its shell
shell() { inside sh -c "$1" >"$tmp/shell.log" 2>&1; }
# until_shell WORDS
until_shell() {
	i=0
	until shell "$1"; do
		i=$((i + 1))
		[ $i -le $((WAIT_S * PATIENCE * 5)) ] || { sed 's/^/# /' "$tmp/shell.log"; false; } || return 1
		sleep 0.2
	done
}
asks='curl -sS -u admin:s3cret-of-a-test http://127.0.0.1:3000/api/v1'
connected="$asks/status | jq -e '.data.clients_connected == 1'"
# commands OUTPUT JSON: the client runs it, and that comes out.
commands() {
	shell "$asks/clients | jq -er '.data[0].id'" && client_id=$(cat "$tmp/shell.log") &&
		shell "$asks/clients/$client_id/commands -d '$2' | jq -er .data.jid" && jid=$(cat "$tmp/shell.log") &&
		until_shell "$asks/clients/$client_id/commands/$jid | jq -e '.data.result.stdout == \"$1\\n\"'"
}
main_pid() { inside systemctl show -p MainPID --value "$1"; }
privileges() { inside grep -q "^NoNewPrivs:[^0-9]*$2" "/proc/$(main_pid "$1")/status"; }

if [ "$(id -u)" != 0 ] || [ ! -x /lib/systemd/systemd ] || ! unshare -m -C true 2>/dev/null || ! boot; then
	skip "no system can be booted here"
	finish
fi
mkdir -p "$tmp/files"
cp "$(readlink -f "$RPORT")" "$tmp/files/rportd"
strip -o "$tmp/files/rport" "$(readlink -f "$RPORT_CLIENT")"
cat >"$tmp/files/rportd.conf" <<EOF
[server]
address = "127.0.0.1:80"
auth_file = "/etc/rport/clients.json"
key_seed = "0718191bc0ffee2"
[api]
address = "127.0.0.1:3000"
auth = "admin:s3cret-of-a-test"
EOF
echo '{"one":"s3cret-of-a-test"}' >"$tmp/files/clients.json"
# The overlay does not see what is made here afterwards.
(cd "$tmp/files" && tar cf - .) | inside sh -c 'mkdir -p /opt/rport /etc/rport && cd /opt/rport && tar xf - &&
	mv rportd.conf clients.json /etc/rport && chmod 755 /opt/rport/rport*'

check "systemd runs here: the server is installed" shell '/opt/rport/rportd --service install'
check "its user may change the credentials of clients" shell 'chown -R rport /etc/rport'
check "it starts" shell '/opt/rport/rportd --service start'
check "its API answers" until_shell "$asks/status | grep -q fingerprint"
check "in its sandbox" privileges rportd 1
check "not as root" is "$(inside stat -c %U "/proc/$(main_pid rportd)")" rport
check "at a port below 1024" shell "ss -ltn | grep -q '127.0.0.1:80 '"
# More than 16 MiB, a sanitizer's program, is not handed out: it is there before.
if [ "$(stat -c %s "$tmp/files/rport")" -le 16777216 ]; then
	check "it has a client to hand out" shell 'mkdir -p /var/lib/rport/clients && mv /opt/rport/rport /var/lib/rport/clients/rport-$(uname -m)'
else
	check "the client is there" shell 'mv /opt/rport/rport /usr/local/bin/rport'
fi
check "a code for a new client" shell "$asks/pairing -d '{}' | jq -er .data.install_command >/run/install"
check "one line installs the client" shell 'sed -i "s/sudo //" /run/install && sh -e /run/install'
check "it is there" shell '/usr/local/bin/rport version'
check "it is connected" until_shell "$connected"
check "as a user that is not root" commands rport '{"command": "/usr/bin/id -un"}'
check "without a sandbox, because it may use sudo" privileges rport 0
if command -v sudo >/dev/null; then
	shell 'echo "rport ALL=(root) NOPASSWD: /usr/bin/id -un" >/etc/sudoers.d/rport'
	check "which works" commands root '{"command": "/usr/bin/id -un", "is_sudo": true}'
fi

# Upgrade.
check "a new version" shell 'cp /usr/local/bin/rport /usr/local/bin/rport.new && mv /usr/local/bin/rport.new /usr/local/bin/rport'
check "the owner takes sudo away" shell 'printf "[remote-commands]\nsudo = false\n" >>/etc/rport/rport.conf'
check "it is installed again" shell 'rport --service install && systemctl restart rport'
check "and connected again" until_shell "$connected"
check "in a sandbox" privileges rport 1
check "where commands run" commands rport '{"command": "/usr/bin/id -un"}'
killed=$(main_pid rport)
check "it is killed" shell 'systemctl kill -s KILL rport'
check "and comes back" until_shell "test \"\$(systemctl show -p MainPID --value rport)\" -gt $killed && $connected"
check "it stops" shell 'rport --service stop && ! systemctl is-active rport'
check "and starts" shell 'rport --service start && systemctl is-active rport'
check "and is removed" shell 'rport --service uninstall && ! systemctl is-active rport && ! systemctl is-enabled rport'
check "its configuration, data and user stay" shell 'test -e /etc/rport/rport.conf && test -d /var/lib/rport && id rport'
check "the server too" shell '/opt/rport/rportd --service uninstall && ! systemctl is-active rportd'
inside kill -s RTMIN+4 1 2>/dev/null || kill -9 "$booted"

finish
