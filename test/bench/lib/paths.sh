# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154 # variables for whoever sources this; keys are words
#
# Paths from a visitor to the targets. A place is what lies between the two ends of a tunnel: `near`
# nothing, `far` 50 ms each way, `lossy` the same with lost packets. A path at a place has two ports
# for visitors, BULK to iperf3 and ECHO to an echo server, and the pids of its two ends; the key is
# PATH/PLACE. Servers are started once and dialled from several places.

declare -A BULK ECHO UDP SERVER_PIDS CLIENT_PIDS
# Those there are, in the order of the table, and those there are not
PATHS=()
ABSENT=()

### Targets, on the client's side

start_targets() {
	local place=$1
	start "echo-$place" "$WORK/load" serve
	wait_for "echo-$place" '^[0-9]+$'
	TARGET_ECHO=$(cat "$WORK/echo-$place.log")
	start "sink-$place" "$WORK/udp" sink
	wait_for "sink-$place" '^[0-9]+$'
	TARGET_UDP=$(cat "$WORK/sink-$place.log")
	TARGET_BULK=$(here "$WORK/load" port)
	start "iperf-$place" iperf3 -s -p "$TARGET_BULK" --forceflush
	wait_for "iperf-$place" 'Server listening'
}

add_direct() {
	PATHS+=(direct)
	BULK[direct/near]=$TARGET_BULK ECHO[direct/near]=$TARGET_ECHO UDP[direct/near]=$TARGET_UDP
}

# far_port PORT: a port from which connections go to that one, 50 ms each way
far_port() {
	local name=delay-$1
	if [ ! -e "$WORK/$name.log" ]; then
		start "$name" "$WORK/delay" 50 "$1"
		wait_for "$name" '^[0-9]+$'
	fi
	FAR_PORT=$(cat "$WORK/$name.log")
}

### OpenSSH

# Without PAM sshd takes an account without a password for a locked one.
sshd_config() {
	cat <<CONF
Port $2
ListenAddress $1
HostKey $WORK/hostkey
AuthorizedKeysFile $WORK/userkey.pub
PidFile none
StrictModes no
UsePAM yes
PasswordAuthentication no
AllowTcpForwarding yes
LogLevel ERROR
CONF
}

# serve_openssh PLACE ADDRESS: its port is in $OPENSSH_PORT
serve_openssh() {
	local place=$1 address=$2 sshd
	sshd=$(PATH=$PATH:/usr/sbin:/sbin command -v sshd) || return 1
	command -v ssh >/dev/null || return 1
	[ -e "$WORK/hostkey" ] || as_user ssh-keygen -q -t ed25519 -N '' -f "$WORK/hostkey"
	[ -e "$WORK/userkey" ] || as_user ssh-keygen -q -t ed25519 -N '' -f "$WORK/userkey"
	OPENSSH_PORT=$(here "$WORK/load" port)
	sshd_config "$address" "$OPENSSH_PORT" >"$WORK/sshd_config-$place"
	start "sshd-$place" "$sshd" -D -e -f "$WORK/sshd_config-$place"
	OPENSSH_SERVER=$STARTED
	wait_port "$address" "$OPENSSH_PORT"
}

# wait_port ADDRESS PORT: somebody listens, within 20 s
wait_port() {
	local i
	for ((i = 0; i < 400; i++)); do
		here bash -c ": <>/dev/tcp/$1/$2" 2>/dev/null && return 0
		sleep 0.05
	done
	fail "nobody listens on $1:$2"
}

descendants() {
	local pid
	for pid in $(ps -o pid= --ppid "$1"); do
		printf ' %s' "$pid"
		descendants "$pid"
	done
}

# dial_openssh PLACE ADDRESS PORT
dial_openssh() {
	local place=$1 log=ssh-$1 before
	before=$(descendants "$OPENSSH_SERVER")
	start "$log" ssh -N -F none -p "$3" -i "$WORK/userkey" -c aes128-gcm@openssh.com \
		-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o IdentitiesOnly=yes \
		-R "127.0.0.1:0:127.0.0.1:$TARGET_BULK" -R "127.0.0.1:0:127.0.0.1:$TARGET_ECHO" \
		"$(as_user id -un)@$2"
	CLIENT_PIDS[openssh/$place]=$STARTED
	wait_for "$log" "Allocated port .*:$TARGET_BULK"
	wait_for "$log" "Allocated port .*:$TARGET_ECHO"
	BULK[openssh/$place]=$(said "$log" "Allocated port ([0-9]+) .*:$TARGET_BULK")
	ECHO[openssh/$place]=$(said "$log" "Allocated port ([0-9]+) .*:$TARGET_ECHO")
	# The listening process and those of this connection.
	SERVER_PIDS[openssh/$place]="$OPENSSH_SERVER $(descendants "$OPENSSH_SERVER" | tr ' ' '\n' |
		grep -vxF -e "${before// /$'\n'}" | xargs)"
}

### chisel

serve_chisel() {
	local place=$1 address=$2
	command -v chisel >/dev/null || return 1
	CHISEL_PORT=$(here "$WORK/load" port)
	start "chisel-server-$place" chisel server --host "$address" --port "$CHISEL_PORT" --reverse
	CHISEL_SERVER=$STARTED
	wait_for "chisel-server-$place" Listening
}

# The ports are looked for on the server's side and are free unless somebody is quicker.
dial_chisel() {
	local place=$1 bulk echo udp
	bulk=$(at_server here "$WORK/load" port) echo=$(at_server here "$WORK/load" port)
	udp=$(at_server here "$WORK/load" port)
	start "chisel-$place" chisel client "$2:$3" "R:127.0.0.1:$bulk:127.0.0.1:$TARGET_BULK" \
		"R:127.0.0.1:$echo:127.0.0.1:$TARGET_ECHO" "R:127.0.0.1:$udp:127.0.0.1:$TARGET_UDP/udp"
	CLIENT_PIDS[chisel/$place]=$STARTED SERVER_PIDS[chisel/$place]=$CHISEL_SERVER
	wait_for "chisel-$place" Connected
	at_server wait_port 127.0.0.1 "$bulk"
	BULK[chisel/$place]=$bulk ECHO[chisel/$place]=$echo UDP[chisel/$place]=$udp
}

### rport

# serve_rport PLACE ADDRESS: RPORT_PORT, RPORT_SERVER; API and FINGERPRINT are those of this server.
serve_rport() {
	local name=rportd-$1
	CLIENT_PASSWORD=$(secret) API_PASSWORD=$(secret)
	local users="auth = \"admin:$API_PASSWORD\""
	[ -z "${API_USERS:-}" ] || users="auth_file = \"$API_USERS\""
	cat >"$WORK/$name.conf" <<CONF
[server]
address = "$2:0"
auth = "bench:$CLIENT_PASSWORD"
data_dir = "$WORK/data-$name"
[api]
address = "127.0.0.1:0"
$users
CONF
	start "$name" "$WORK/rport" server -c "$WORK/$name.conf"
	RPORT_SERVER=$STARTED
	wait_for "$name" 'Listening for clients on'
	wait_for "$name" 'API Listening on'
	RPORT_PORT=$(said "$name" 'Listening for clients on .*:([0-9]+)')
	API=$(said "$name" 'API Listening on https?://([^ ]+)')
	FINGERPRINT=$(said "$name" 'Fingerprint (SHA256:[^ ]+)')
}

# rport_client ID ADDRESS PORT [OPTION... [REMOTE]]
rport_client() {
	local id=$1 to=$2:$3
	shift 3
	start "$id" "$WORK/rport" client --auth "bench:$CLIENT_PASSWORD" --fingerprint "$FINGERPRINT" \
		--id "$id" --data-dir "$WORK/data-client" "$to" "$@"
}

api() { here curl -sS --max-time 20 -u "admin:$API_PASSWORD" "$@"; }

# rport_tunnel ID PORT [QUERY]: the port of a new tunnel to a port of a client
rport_tunnel() {
	api -X PUT "http://$API/api/v1/clients/$1/tunnels?remote=$2${3:-}" | jq -re .data.lport
}

dial_rport() {
	local place=$1
	rport_client "$place" "$2" "$3"
	CLIENT_PIDS[rport/$place]=$STARTED SERVER_PIDS[rport/$place]=$RPORT_SERVER
	wait_for "$place" 'client: Connected'
	at_server rport_tunnels rport "$place" "$place"
}

# rport_tunnels PATH PLACE ID: that client's, once the server has registered it
rport_tunnels() {
	local i
	for ((i = 0; i < 400; i++)); do
		BULK[$1/$2]=$(rport_tunnel "$3" "$TARGET_BULK" 2>/dev/null) && break
		sleep 0.05
	done
	[ -n "${BULK[$1/$2]}" ] || fail "no tunnel to $3 from the API"
	ECHO[$1/$2]=$(rport_tunnel "$3" "$TARGET_ECHO") || fail 'no second tunnel from the API'
	UDP[$1/$2]=$(rport_tunnel "$3" "$TARGET_UDP" '&protocol=udp') || fail 'no UDP tunnel from the API'
}

### The Go peer of test/peer, an installed client or server: only from afar, for what its window
### does not limit. The client is `go-client/far`, the server `go-server/far`; we are the other end.

far_go_client() {
	far_port "$RPORT_PORT"
	start go-client "$WORK/peer" client --server "127.0.0.1:$FAR_PORT" --id go \
		--auth "bench:$CLIENT_PASSWORD"
	wait_for go-client '"event":"registered"'
	rport_tunnels go-client far go
}

far_go_server() {
	local password
	password=$(secret)
	mkfifo "$WORK/go-server.in"
	exec {GO_CONTROL}<>"$WORK/go-server.in"
	start go-server "$WORK/peer" server --auth "bench:$password"
	wait_for go-server '"event":"listening"'
	far_port "$(said go-server '"addr":"[^"]*:([0-9]+)"')"
	start to-go "$WORK/rport" client --auth "bench:$password" --id bench \
		--data-dir "$WORK/data-client" "127.0.0.1:$FAR_PORT"
	wait_for go-server '"event":"registered"'
	printf '{"cmd":"tunnel","listen":"127.0.0.1:0","remote":"127.0.0.1:%s","proto":"tcp"}\n' \
		"$TARGET_BULK" >&"$GO_CONTROL"
	wait_for go-server '"event":"tunnel"'
	BULK[go-server/far]=$(said go-server '"event":"tunnel".*"port":"?([0-9]+)')
}
