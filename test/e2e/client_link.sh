#!/bin/sh
# SPDX-License-Identifier: MIT
# The link between client and server is cut, at every step of making a connection and while it is in
# use: packets get lost in a router between the two, or the client's own interface changes. Needs
# network namespaces: root, or user namespaces for everybody.

if [ "$(id -u)" != 0 ] && [ -z "${RPORT_IN_NAMESPACE:-}" ] && unshare -Urn true 2>/dev/null; then
	RPORT_IN_NAMESPACE=1 exec unshare -Urn "$0"
fi

# shellcheck source=test/e2e/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=test/e2e/lib/server.sh
. "$(dirname "$0")/lib/server.sh"

lib=$(cd "$(dirname "$0")/lib" && pwd)
if ! quiet unshare -n ip link add rportveth0 type veth peer name rportveth1; then
	skip "no network namespaces here"
	finish
fi

# How soon a client has to be back when the link is.
BACK_S=10

### Three machines: client, router, server

# machine NAME: its namespace lives as long as a process that sleeps in it.
machine() {
	start "$1" unshare -n sleep 600
	i=0
	until [ "$(readlink "/proc/$(pid_of "$1")/ns/net")" != "$(readlink /proc/self/ns/net)" ] || [ $i -gt 100 ]; do
		i=$((i + 1))
		sleep 0.05
	done
	at "$1" ip link set lo up
}

# at NAME COMMAND …
at() {
	machine=$(pid_of "$1")
	shift
	nsenter -t "$machine" -n "$@"
}

# cable NAME-A ADDRESS-A NAME-B ADDRESS-B: the interfaces are called to_NAME, with a number for a second one
cable() {
	end_a=to_$3${5:-}
	end_b=to_$1${5:-}
	ip link add "$end_a" netns "$(pid_of "$1")" type veth peer name "$end_b" netns "$(pid_of "$3")"
	at "$1" ip addr add "$2/24" dev "$end_a"
	at "$3" ip addr add "$4/24" dev "$end_b"
	at "$1" ip link set "$end_a" up
	at "$3" ip link set "$end_b" up
}

machine box
machine router
machine host
cable box 10.77.1.2 router 10.77.1.1
cable box 10.77.3.2 router 10.77.3.1 2
cable router 10.77.2.1 host 10.77.2.2
at box ip route add default via 10.77.1.1
at host ip route add default via 10.77.2.1
at router sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'

# Packets vanish without a word; nobody at either end is told.
sever() {
	for lost in 10.77.1.2 10.77.2.2; do
		at router ip route add blackhole "$lost"
	done
}
mend() {
	for lost in 10.77.1.2 10.77.2.2; do
		at router ip route del blackhole "$lost"
	done
}

curl() { at host curl "$@"; }

# box_client NAME SERVER [LINES OF [client] [OTHER SECTIONS]]
box_client() {
	addr=$2
	client_config "$1" "${3:-}" "${4:-}"
	start "$1" nsenter -t "$(pid_of box)" -n "$RPORT_CLIENT" client -c "$tmp/$1.conf" --log-level debug
}

# back N: so many clients are connected, in time
back() {
	since=$(date +%s)
	WAIT_S=$BACK_S until_call ".data.clients_connected == $1" /status
	good=$?
	echo "# after $(($(date +%s) - since)) s"
	return $good
}

server_config server 'client_login_wait = 0
	check_clients_connection_timeout = "16s"
	max_concurrent_ssh_handshakes = 64'
start server nsenter -t "$(pid_of host)" -n "$RPORT" server -c "$tmp/server.conf" --addr 10.77.2.2:0
wait_for server 'server: Listening for clients on ' || give_up "no server"
server_addr=${line##* }
wait_for server 'API Listening on ' || give_up "no API"
api=${line##* }

### At every step until the registration is done
# Pieces of freeze.py: the connection itself, then what each end says, up to what follows the registration: c5 to
# c7 are service, password and registration, s5 to s7 their answers, s8 is what the server can do.
pieces='connect c0 c1 c2 c3 c4 c5 c6 c7 s0 s1 s2 s3 s4 s5 s6 s7 s8'
steps=$(echo "$pieces" | wc -w)
# all_at_their_step: every client of this round has come as far as it may.
all_at_their_step() {
	for piece in $pieces; do
		wait_for freeze "^frozen $piece: " || return 1
		echo "# the link is cut before $piece: ${line#*: }"
	done
}
# covered WHAT…: each of them is what the link was cut before.
covered() {
	for what in "$@"; do
		in_log freeze "^frozen [a-z0-9]+: $what\$" || { echo "# never before: $what"; return 1; }
	done
}
all_know() {
	for piece in $pieces; do
		wait_for "step_$piece" 'client: Connected' $BACK_S || return 1
	done
}

for away in 3 13; do
	# shellcheck disable=SC2086 # a list
	start freeze nsenter -t "$(pid_of host)" -n python3 -B "$lib/freeze.py" 10.77.2.2 "$server_addr" $pieces
	wait_for freeze '^ports ' || give_up "no proxy"
	ports=${line#ports }
	for piece in $pieces; do
		box_client "step_$piece" "10.77.2.2:${ports%% *}"
		ports=${ports#* }
	done
	check "the link is cut at $steps steps of making a connection" all_at_their_step
	check "they are all that is said" covered 'nothing was said' upgrade version SSH_MSG_KEXINIT SSH_MSG_KEX_ECDH_INIT \
		SSH_MSG_KEX_ECDH_REPLY SSH_MSG_NEWKEYS encrypted
	sever
	kill -USR1 "$(pid_of freeze)"
	sleep $away
	mend
	check "all are back soon after $away s without it" back "$steps"
	check "and know it" all_know
	call GET '/clients?page[limit]=100'
	check "each of them once" json_is "$steps" '[.data[].id] | unique | length'
	for piece in $pieces; do
		stop "step_$piece"
		[ "$status" = 0 ] || not_ok "the client stopped at $piece ended with $status"
	done
	stop freeze
done

### A link that is away before the first word
sever
box_client early "$server_addr"
wait_for early 'Connecting to'
sleep 12
mend
check "a client that began without a link is there when it comes" back 1
check "it waited only a little between its attempts" not_in_log early 'Retrying in ([4-9]|[0-9]{2,})[.0-9]*s'
stop early

### In use: who has patience keeps the connection, who has none comes back with the same tunnels
start target nsenter -t "$(pid_of box)" -n python3 -u -m http.server -b 127.0.0.1 -d "$tmp" 0
wait_for target 'port [0-9]+' || give_up "no target"
target=$(printf '%s\n' "$line" | sed 's/.*port \([0-9]*\).*/\1/')
hasty='[connection]
	keep_alive = "1s"
	keep_alive_timeout = "2s"'
box_client patient "$server_addr"
box_client hasty "$server_addr" "remotes = [\"$target\"]" "$hasty"
check "two clients" back 2
check "with a tunnel" open_tunnel patient "remote=127.0.0.1:$target"
patient_port=$lport
call GET /clients/hasty
hasty_port=$(value '.data.tunnels[0].lport')

# serves PORT: something comes through the tunnel
serves() { quiet curl -sS --fail --max-time $((BACK_S * PATIENCE)) "http://127.0.0.1:$1/"; }
same_ports() {
	call GET /clients/patient && json_is "$patient_port" '.data.tunnels[0].lport' &&
		call GET /clients/hasty && json_is "$hasty_port" '.data.tunnels[0].lport'
}
free_again() { ! at host sh -c "ss -Htln sport = :$1 | grep -q ." || { echo "# port $1 is still open"; false; }; }
check "and both carry something" serves "$patient_port"
check "over both" serves "$hasty_port"

sever
check "the client without patience sees it" wait_for hasty 'Disconnected: (no answer to ping within 2000 ms|.*timed out)' 10
mend
check "it is back" wait_count hasty 'client: Connected' 2
check "the tunnels are the same" same_ports
check "the patient one never left" is "$(grep -c 'Connecting to' "$tmp/patient.log")" 1
check "what it carries goes on" serves "$patient_port"
check "and with the other" serves "$hasty_port"

### While something is under way
# start_job ID COMMAND: its number in $jid
start_job() {
	call POST "/clients/$1/commands" -d "{\"command\": \"$2\"}"
	jid=$(value .data.jid)
	is "$code" 200
}
head -c 20000000 /dev/zero >"$tmp/big"
start download nsenter -t "$(pid_of host)" -n curl -sS --limit-rate 5M -o "$tmp/got" "http://127.0.0.1:$patient_port/big"
check "a command runs" start_job patient '/usr/bin/sleep 2'
patient_job=$jid
check "and another" start_job hasty '/usr/bin/sleep 3'
sever
check "one client gives up" wait_count hasty 'Disconnected: ' 2
mend
check "it is back" wait_count hasty 'client: Connected' 3
check "its command is told as done" until_call '.data.status == "successful"' "/clients/hasty/commands/$jid"
check "the other one is as well" until_call '.data.status == "successful"' "/clients/patient/commands/$patient_job"
wait_end download
check "a download goes on" is "$(stat -c %s "$tmp/got")" 20000000
check "over the same connection" is "$(grep -c 'Connecting to' "$tmp/patient.log")" 1

### Longer than anybody waits
sever
# From the last probe that was answered, which may be half of its time limit ago.
check "the server misses them both" until_call '.data.clients_connected == 0' /status
check "by its own time limit" in_log server 'client patient disconnected: .*timed out'
check "and closes their ports" free_again "$patient_port"
mend
check "both are back" back 2
check "with the same tunnels" same_ports
check "that carry" serves "$patient_port"
check "what they should" serves "$hasty_port"

### The machine dies while the link is away, and starts again
sever
kill -9 "$(pid_of hasty)"
wait_end hasty
mend
box_client hasty "$server_addr" "remotes = [\"$target\"]" "$hasty"
check "another process with the same id takes over" wait_for hasty 'client: Connected' $BACK_S
check "as one client" back 2
check "on the same port" same_ports

### The client's own network
before=$(grep -c 'client: Connected' "$tmp/patient.log")
at box ip addr del 10.77.1.2/24 dev to_router
check "an address that goes away ends its connections at once" \
	wait_for patient 'Disconnected: the address of this connection is gone' 5
check "there is no way now" wait_for patient 'Connection error: .*(unreachable|not available)'
at box ip addr add 10.77.1.2/24 dev to_router
at box ip route replace default via 10.77.1.1
check "one that comes is used at once" wait_count patient 'client: Connected' $((before + 1))
check "by both" back 2

at box ip link set to_router down
sleep 1
at box ip link set to_router up
at box ip route replace default via 10.77.1.1
sleep 1
check "a cable that is pulled for a moment costs no connection" is "$(grep -c 'client: Connected' "$tmp/patient.log")" $((before + 1))

at router ip route add blackhole 10.77.1.2
at box ip route replace default via 10.77.3.1
check "another way is taken soon when the old one is dead" wait_for patient 'Disconnected: no answer to ping within 5000 ms' 8
check "from its address" until_call '.data.address == "10.77.3.2"' /clients/patient
check "the other one too" until_call '.data.address == "10.77.3.2"' /clients/hasty
check "and both are there" back 2
check "the tunnels stay" same_ports
at router ip route del blackhole 10.77.1.2

at box ip route add default via 10.77.1.1 metric 100
box_client bound "$server_addr" 'bind_interface = "to_router"'
check "a bound client keeps to its interface" wait_for bound 'client: Connected'
call GET /clients/bound
check "although the better way leads over the other" json_is 10.77.1.2 .data.address

for one in patient hasty bound; do
	stop $one
	check "$one ends cleanly" is "$status" 0
	check "and silently" silent $one
done
stop server
check "the server too" is "$status" 0
check "silently" silent server
finish
