# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2034,SC2154 # variables for whoever sources this, and those of lib.sh
#
# For tests with our server: its configuration and start, calls of the API, our client. Comes after lib.sh.
#
#	server_config server 'max_failed_login = 3' 'max_failed_login = 0'
#	start_server server                         # $addr and $api are the real addresses
#	check "status" call_is 200 GET /status '"version":"[0-9.]+"'

PASSWORD=e2e-password
MD5=aa:0d:c9:17:67:75:6f:a6:ec:49:65:d4:0f:eb:92:01
# How the API is asked; a bearer token takes its place.
credentials="admin:$PASSWORD"
bearer=
# Clients do not look for updates of the machine that tests them, unless that is tested.
updates_interval=0

# server_config NAME [LINES OF [server] [LINES OF [api]]]: the file $tmp/NAME.conf
server_config() {
	mkdir -p "$tmp/data"
	cat >"$tmp/$1.conf" <<-END
		[server]
		address = "127.0.0.1:0"
		auth = "me:secret"
		key_seed = "test"
		data_dir = "$tmp/data/$1"
		allow_root = true
		${2:-}
		[api]
		address = "127.0.0.1:0"
		auth = "admin:$PASSWORD"
		${3:-}
	END
}

# start_server NAME [FLAGS]: waits until it listens.
start_server() {
	server=$1
	shift
	start "$server" "$RPORT" server -c "$tmp/$server.conf" "$@"
	wait_for "$server" 'server: Listening for clients on ' || give_up "no server"
	addr=${line##* }
	wait_for "$server" 'API Listening on ' || give_up "no API"
	api=${line##* }
}

# client_config NAME [LINES OF [client] [OTHER SECTIONS]]: the file $tmp/NAME.conf; the id is NAME.
client_config() {
	mkdir -p "$tmp/data"
	cat >"$tmp/$1.conf" <<-END
		[client]
		server = "$addr"
		auth = "me:secret"
		fingerprint = "$MD5"
		id = "$1"
		name = "name of $1"
		data_dir = "$tmp/data/$1"
		allow_root = true
		updates_interval = "$updates_interval"
		${2:-}
		${3:-}
	END
}

start_client() {
	client=$1
	shift
	start "$client" "$RPORT_CLIENT" client -c "$tmp/$client.conf" "$@"
}

# start_peer NAME FLAGS …: the Go peer as client of the server at $addr
start_peer() {
	client=$1
	shift
	start "$client" "$PEER" client --server "$addr" --auth me:secret --id "$client" "$@"
}

# Nothing that follows makes sense.
give_up() {
	not_ok "$*"
	finish
}

# call METHOD PATH [CURL OPTIONS]: status in $code, head and body in the files head and body.
call() {
	method=$1
	path=$2
	shift 2
	if [ -n "$bearer" ]; then
		set -- -H "Authorization: Bearer $bearer" "$@"
	elif [ -n "$credentials" ]; then
		set -- -u "$credentials" "$@"
	fi
	: >"$tmp/body"
	code=$(curl -sS -g --max-time $((30 * PATIENCE)) -o "$tmp/body" -D "$tmp/head" -w '%{http_code}' -X "$method" \
		"$@" "$api/api/v1$path" 2>"$tmp/curl.log")
	note_call
}

# The last call for test/endpoints and for described. A file that is handed out is no answer to look at.
note_call() {
	kind=$(sed -n 's/\r$//; s/^[Cc]ontent-[Tt]ype: *//p' "$tmp/head" 2>/dev/null | tail -n 1)
	case $kind in
	application/json*) note=$(head -c 2000000 "$tmp/body" | base64 -w 0) ;;
	*) note=$(head -c 3 "$tmp/body" | base64 -w 0) ;;
	esac
	printf '%s\t%.4000s\t%s\t%s\t%s\n' "$method" "$path" "$code" "$kind" "$note" >>"$tmp/calls"
	[ -z "${RP_API_TRACE:-}" ] ||
		printf 'e2e/%s\t%s\t%.4000s\t%s\n' "${0##*/}" "$method" "$path" "$code" >>"$RP_API_TRACE"
}

# call_is STATUS METHOD PATH PATTERN [CURL OPTIONS]
call_is() {
	want_code=$1
	pattern=$4
	method=$2
	path=$3
	shift 4
	call "$method" "$path" "$@"
	if [ "$code" != "$want_code" ] || ! grep -q -E -e "$pattern" "$tmp/body" && [ -n "$pattern$(cat "$tmp/body")" ]; then
		echo "# $method $path: $code, wanted $want_code and $pattern"
		head -c 600 "$tmp/body" | sed 's/^/# /'
		echo
		return 1
	fi
}

# value JQ-EXPRESSION: of the last answer
value() { jq -r "$1" "$tmp/body" 2>/dev/null; }

# json_is TEXT-OF-VALUE JQ-EXPRESSION: of the last answer
json_is() { is "$(value "$2")" "$1"; }

# until_call JQ-CONDITION PATH: asks until the condition holds.
until_call() {
	i=0
	until call GET "$2" && jq -e "$1" "$tmp/body" >/dev/null 2>&1; do
		i=$((i + 1))
		if [ $i -gt $((WAIT_S * PATIENCE * 5)) ]; then
			echo "# $2 never was $1"
			head -c 600 "$tmp/body" | sed 's/^/# /'
			echo
			return 1
		fi
		sleep 0.2
	done
}

# connected ID, disconnected ID: waits for it.
connected() { until_call '.data.connection_state == "connected"' "/clients/$1"; }
disconnected() { until_call '.data.connection_state == "disconnected"' "/clients/$1"; }

# open_tunnel ID QUERY: the port of the server in $lport, its id in $tid
open_tunnel() {
	call PUT "/clients/$1/tunnels?$2"
	lport=$(value .data.lport)
	tid=$(value .data.id)
	[ "$code" = 200 ] || { echo "# $code: $(cat "$tmp/body")"; false; }
}

# run_command ID COMMAND: waits for the end; the job is the last answer.
run_command() {
	call POST "/clients/$1/commands" -d "$(jq -n --arg c "$2" '{command: $c}')"
	jid=$(value .data.jid)
	[ "$code" = 200 ] || { echo "# $code: $(cat "$tmp/body")"; return 1; }
	until_call '.data.status != "running"' "/clients/$1/commands/$jid"
}

# ended_with NAME STATUS: the program ends by itself.
ended_with() {
	wait_end "$1"
	is "$status" "$2"
}

# A target that sends everything back: $tcp_port and $udp_port
start_echo() {
	start echo "$PEER" echo
	wait_for echo '"listening"' || give_up "no echo"
	tcp_port=$(printf '%s\n' "$line" | json tcp)
	tcp_port=${tcp_port##*:}
	udp_port=$(printf '%s\n' "$line" | json udp)
	udp_port=${udp_port##*:}
}

# A visitor whom the ACL of a tunnel does not let in: the connection is closed without a byte.
refused_by_tunnel() {
	is "$(printf x | socat -t 5 - "TCP:127.0.0.1:$1" 2>/dev/null | wc -c)" 0
}

udp_passes() {
	open_tunnel "${1:-p1}" "remote=$udp_port&protocol=udp" &&
		quiet "$PEER" check --udp "127.0.0.1:$lport" --parallel 3
}

# listens_at NAME: $port of a socat that was started with -d -d and TCP-LISTEN:0
listens_at() {
	i=0
	until port=$(sed -n 's/.*listening on AF=2 127.0.0.1:\([0-9]*\)$/\1/p' "$tmp/$1.err" 2>/dev/null | grep .); do
		i=$((i + 1))
		[ $i -le $((WAIT_S * PATIENCE * 10)) ] || give_up "$1 does not listen"
		sleep 0.1
	done
}

matches() { printf '%s\n' "$1" | grep -q -E -e "$2" || { echo "# '$1' does not match $2"; false; }; }
