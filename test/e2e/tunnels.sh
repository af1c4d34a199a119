#!/bin/sh
# SPDX-License-Identifier: MIT
# Tunnels by the API with all their options and errors: ports, ACLs, third hosts, ends, half-close, coming back.

# shellcheck source=test/e2e/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=test/e2e/lib/server.sh
. "$(dirname "$0")/lib/server.sh"

# Targets and visitors that a shell cannot play.
cat >"$tmp/ends.py" <<'END'
import hashlib, socket, sys, threading

def digest(data):
    return "%d %s" % (len(data), hashlib.sha256(data).hexdigest())

def read_all(s):
    parts = []
    while part := s.recv(65536):
        parts.append(part)
    return b"".join(parts)

def serve(s):
    got = digest(read_all(s))
    print("got", got, flush=True)
    try:
        s.sendall(got.encode())
    except OSError:
        pass
    s.close()

# Answers only after the end of what it gets.
def target(host):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, 0), family=family, backlog=64)
    print("port", listener.getsockname()[1], flush=True)
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

# Sends all, shuts down, reads the answer.
def visit(host, port, n):
    s = socket.create_connection((host, int(port)), 20)
    data = bytes(i * 7 % 251 for i in range(1009)) * (int(n) // 1009 + 1)
    data = data[:int(n)]
    s.sendall(data)
    s.shutdown(socket.SHUT_WR)
    answer = read_all(s).decode()
    if answer != digest(data):
        sys.exit("answer %r" % answer)

# A connection that stands until it is cut.
def hold(port):
    s = socket.create_connection(("127.0.0.1", int(port)), 20)
    s.sendall(b"x")
    print("held" if s.recv(1) == b"x" else "nothing", flush=True)
    s.settimeout(60)
    try:
        s.recv(1)
    except OSError:
        pass
    print("ended", flush=True)

# One flow: each line is sent, and whether its echo came is told.
def udp(port):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.connect(("127.0.0.1", int(port)))
    print("flow", s.getsockname()[1], flush=True)
    for line in sys.stdin:
        line = line.strip()
        wait, _, token = line.partition(" ")
        s.settimeout(float(wait))
        try:
            s.send(token.encode())
            while s.recv(100) != token.encode():
                pass
            print(token, "answered", flush=True)
        except OSError:
            print(token, "silence", flush=True)

globals()[sys.argv[1]](*sys.argv[2:])
END

ends() { python3 "$tmp/ends.py" "$@"; }

# start_target NAME HOST: $port
start_target() {
	start "$1" python3 "$tmp/ends.py" target "$2"
	wait_for "$1" '^port ' || give_up "no target"
	port=${line##* }
}

visits() { quiet ends visit "${2:-127.0.0.1}" "$1" "${3:-100000}"; }
refused() { ! visits "$@"; }

# flow_is TOKEN WORD SECONDS: a datagram of the flow is answered, or not
flow_is() {
	echo "$3 $1" >&4
	wait_for flow "^$1 $2\$"
}

hold() {
	start "$1" python3 "$tmp/ends.py" hold "$2"
	wait_for "$1" '^held'
}

# no_tunnel ID: it is in no list any more.
no_tunnel() { until_call "[.data[] | select(.id == \"$2\" and .client_id == \"$1\")] == []" /tunnels; }

# goes_away CLIENT ID: once nobody uses it, without force
goes_away() {
	i=0
	until call DELETE "/clients/$1/tunnels/$2" && [ "$code" = 204 ]; do
		i=$((i + 1))
		[ "$code" = 409 ] && [ $i -le $((WAIT_S * PATIENCE * 5)) ] || return 1
		sleep 0.2
	done
}

# opens HOST PORT: waits until somebody listens.
opens() {
	i=0
	until socat -u OPEN:/dev/null "TCP:$1:$2,connect-timeout=5" 2>/dev/null; do
		i=$((i + 1))
		[ $i -le $((WAIT_S * PATIENCE * 10)) ] || return 1
		sleep 0.1
	done
}

put_is() {
	want=$1
	query=$2
	shift 2
	call_is "$want" PUT "/clients/c1/tunnels?$query" "$@"
}

start_echo
server_config server 'client_login_wait = 0' 'user_login_wait = 0'
start_server server
client_config c1
start_client c1
check "a client connects" connected c1
start_target sum 127.0.0.1
sum=$port

### Every option is kept and shown
check "a tunnel with everything" open_tunnel c1 \
	"remote=127.0.0.1:$tcp_port&name=all%20of%20it&scheme=ssh&acl=127.0.0.1,2001:db8::/32&idle-timeout-minutes=7&auto-close=1h30m&protocol=tcp"
all=$tid
all_json='[.name, .scheme, .acl, .idle_timeout_minutes, .auto_close, .protocol, .lhost, .lport_random, .owner, .rhost, .rport, .http_proxy, .host_header, .auth_user, .auth_password, .tunnel_url] | tostring'
all_want="[\"all of it\",\"ssh\",\"127.0.0.1,2001:db8::/32\",7,5400000000000,\"tcp\",\"0.0.0.0\",true,\"admin\",\"127.0.0.1\",\"$tcp_port\",false,\"\",\"\",\"\",\"\"]"
check "is answered with it" json_is "$all_want" ".data | $all_json"
check "created now" json_is true '(.data.created_at | sub("\\.[0-9]+"; "") | fromdateiso8601) - now | . > -120 and . < 120'
call GET /tunnels
check "and listed with it" json_is "$all_want" ".data[] | select(.id == \"$all\" and .client_id == \"c1\") | $all_json"
call GET "/clients/c1?fields[clients]=tunnels"
check "also of the client" json_is "$all_want" ".data.tunnels[] | select(.id == \"$all\") | $all_json"
check "no scheme and no ACL are null" open_tunnel c1 "remote=$tcp_port&acl=&skip-idle-timeout=1"
check "as the documents say" json_is 'null null 0 0' \
	'"\(.data.scheme) \(.data.acl) \(.data.idle_timeout_minutes) \(.data.auto_close)"'
open=$tid

### Errors, as far as only a real server and client have them
check "the same ports again" put_is 400 "remote=$tcp_port&local=0.0.0.0:$lport&acl=1.2.3.4" '"code":"ERR_CODE_TUNNEL_EXIST"'
check "the same target with the same ACL" put_is 400 "remote=$tcp_port&acl=" \
	"ERR_CODE_TUNNEL_TO_PORT_EXIST\",\"title\":\"Tunnel to port $tcp_port already exists"
check "another ACL makes another tunnel" put_is 200 "remote=$tcp_port&acl=127.0.0.2" '"acl":"127.0.0.2"'
check "a port of another tunnel" put_is 400 "remote=$sum&local=$lport" \
	"ERR_CODE_LOCAL_PORT_IN_USE\",\"title\":\"Port $lport already in use"
fixed_port
busy=$port
start squatter socat "TCP-LISTEN:$busy,bind=127.0.0.1,fork" -
opens 127.0.0.1 "$busy" || give_up "no other program"
check "a port of another program" put_is 400 "remote=$sum&local=$busy" \
	"ERR_CODE_LOCAL_PORT_IN_USE\",\"title\":\"Port $busy already in use"
check "a port that is not for tunnels" put_is 400 "remote=$sum&local=1023" 'Local port 1023 is not among allowed ports'
fixed_port
check "an address of another machine" put_is 409 "remote=$sum&local=192.0.2.1:$port" 'unable to start tunnel: '
check "whose port is free again" open_tunnel c1 "remote=$sum&local=127.0.0.1:$port&acl=127.0.0.9"
check "nobody at the target" put_is 400 "remote=1" 'ERR_CODE_REMOTE_PORT_NOT_OPEN.*Port 1 is not in listening state.*connection refused'
check "UDP targets are not asked" put_is 200 "remote=1&protocol=udp" '"protocol":"udp"'
check "check_port=no is a test" put_is 400 "remote=1&check_port=no" ERR_CODE_REMOTE_PORT_NOT_OPEN
check "a tunnel that does not exist" call_is 404 DELETE /clients/c1/tunnels/777 'tunnel not found'
check "an ACL for it" call_is 404 PUT /clients/c1/tunnels/777/acl 'tunnel not found' -d '{"acl":null}'
check "half a word for force" call_is 400 DELETE "/clients/c1/tunnels/$open?force=yes" 'Invalid force param'
check "a client that does not exist" call_is 404 PUT "/clients/none/tunnels?remote=22" 'Client with id=.+none.+ not found'

### Ports
for ports in "" "&local=127.0.0.1:PORT"; do
	fixed_port
	check "both protocols on one port$ports" open_tunnel c1 \
		"remote=$tcp_port&protocol=tcp%2Budp&acl=127.0.0.0/8$(echo "$ports" | sed "s/PORT/$port/")"
	both=$tid
	both_port=$lport
	check "TCP passes" quiet "$PEER" check --tcp "127.0.0.1:$both_port" --bytes 100000
	check "as one tunnel" json_is tcp+udp .data.protocol
	check "that takes the port for TCP" put_is 400 "remote=$sum&local=$both_port&acl=127.0.0.3" ERR_CODE_LOCAL_PORT_IN_USE
	check "and for UDP" put_is 400 "remote=$sum&local=$both_port&acl=127.0.0.3&protocol=udp" ERR_CODE_LOCAL_PORT_IN_USE
	check "and goes away as one" call_is 204 DELETE "/clients/c1/tunnels/$both?force=true" ''
	check "with its port" closed "$both_port"
done
fixed_port
check "TCP on a port" open_tunnel c1 "remote=$tcp_port&local=127.0.0.1:$port&acl=127.0.0.4/30"
check "and UDP of another tunnel on the same" open_tunnel c1 "remote=$udp_port&protocol=udp&local=127.0.0.1:$port&acl=127.0.0.1"
check "which passes" quiet "$PEER" check --udp "127.0.0.1:$port" --parallel 3

### ACLs of living tunnels
check "a tunnel for one address" open_tunnel c1 "remote=$sum&acl=127.0.0.1&name=acl"
acl=$tid
acl_port=$lport
check "lets it in" visits "$acl_port"
check "another one holds" open_tunnel c1 "remote=127.0.0.2:$tcp_port&acl=127.0.0.1&check_port=0&idle-timeout-minutes=0"
start echo2 socat "TCP-LISTEN:$tcp_port,bind=127.0.0.2,fork,reuseaddr" PIPE
opens 127.0.0.2 "$tcp_port" || give_up "no second echo"
held=$tid
held_port=$lport
check "a connection" hold held1 "$held_port"
for id in $acl $held; do
	check "another ACL" call_is 204 PUT "/clients/c1/tunnels/$id/acl" '' -d '{"acl":"192.0.2.0/24,2001:db8::1"}'
done
check "keeps new connections out" refused "$acl_port"
check "closing them at once" refused_by_tunnel "$acl_port"
check "not the one that stands" not_in_log held1 ended
call GET /tunnels
check "the list has it" json_is 192.0.2.0/24,2001:db8::1 ".data[] | select(.id == \"$acl\").acl"
check "a bad ACL" call_is 400 PUT "/clients/c1/tunnels/$acl/acl" \
	'ERR_CODE_INVALID_ACL","title":"invalid IP addr: 127.0.0.300","detail":"acl: expected' -d '{"acl":"127.0.0.1,127.0.0.300"}'
check "an ACL for everybody" call_is 400 PUT "/clients/c1/tunnels/$acl/acl" \
	'ERR_CODE_INVALID_ACL","title":":: would allow access to everyone' -d '{"acl":"::/0"}'
check "change nothing" refused "$acl_port"
call GET /tunnels
check "not even what is shown" json_is 192.0.2.0/24,2001:db8::1 ".data[] | select(.id == \"$acl\").acl"
check "a network lets us in" call_is 204 PUT "/clients/c1/tunnels/$acl/acl" '' -d '{"acl":"10.0.0.0/8,127.0.0.0/8"}'
check "again" visits "$acl_port"
check "a stranger's" call_is 204 PUT "/clients/c1/tunnels/$acl/acl" '' -d '{"acl":"192.0.2.1"}'
check "keeps us out" refused "$acl_port"
check "null clears it" call_is 204 PUT "/clients/c1/tunnels/$acl/acl" '' -d '{"acl":null}'
check "for all" visits "$acl_port"
check "empty text too" call_is 204 PUT "/clients/c1/tunnels/$acl/acl" '' -d '{"acl":""}'
call GET /tunnels
check "and null is shown" json_is null ".data[] | select(.id == \"$acl\").acl"

check "a UDP tunnel" open_tunnel c1 "remote=127.0.0.1:$udp_port&protocol=udp&acl=127.0.0.0/24"
udp=$tid
mkfifo "$tmp/flow.in"
start flow python3 "$tmp/ends.py" udp "$lport"
exec 4>"$tmp/flow.in"
check "a flow" flow_is d1 answered 10
check "another ACL" call_is 204 PUT "/clients/c1/tunnels/$udp/acl" '' -d '{"acl":"192.0.2.1"}'
check "stops it" flow_is d2 silence 1
check "no ACL" call_is 204 PUT "/clients/c1/tunnels/$udp/acl" '' -d '{"acl":null}'
check "lets it go on" flow_is d3 answered 10
exec 4>&-

### IPv6
if python3 -c 'import socket; socket.create_server(("::1", 0), family=socket.AF_INET6)' 2>/dev/null; then
	start_target sum6 ::1
	check "an IPv6 target" open_tunnel c1 "remote=[::1]:$port&acl="
	check "is reached" visits "$lport"
	check "also over IPv6" visits "$lport" ::1
	check "with brackets only here" json_is '::1' .data.rhost
	check "an ACL for one IPv6 address" call_is 204 PUT "/clients/c1/tunnels/$tid/acl" '' -d '{"acl":"::1"}'
	check "lets it in" visits "$lport" ::1
	check "and no IPv4" refused "$lport"
	check "one for an IPv6 network" call_is 204 PUT "/clients/c1/tunnels/$tid/acl" '' -d '{"acl":"2001:db8::/32,127.0.0.0/8"}'
	check "keeps others out" refused "$lport" ::1
	check "but not IPv4 on the same socket" visits "$lport"
	fixed_port
	check "an IPv6 listener" open_tunnel c1 "remote=$sum&local=[::1]:$port&acl=::1"
	check "works" visits "$lport" ::1
	check "on that address only" refused "$lport"
else
	skip "no IPv6 here"
fi

### Third hosts
start_target sum3 127.0.0.3
check "another host" open_tunnel c1 "remote=127.0.0.3:$port"
check "is reached" visits "$lport"
check "a name" open_tunnel c1 "remote=localhost:$sum"
check "is resolved by the client" visits "$lport"
check "an unknown name" put_is 400 "remote=no-such-host.invalid:22" 'ERR_CODE_REMOTE_PORT_NOT_OPEN.*lookup no-such-host.invalid: no such host'
client_config c2 "tunnel_allowed = [\"localhost:$sum\", \"127.0.0.2/31:1-65535\", \"[2001:db8::/32]:22\", \"4000-4010\"]"
start_client c2
check "a client with rules connects" connected c2
check "a name that it allows" open_tunnel c2 "remote=localhost:$sum&acl="
check "is reached" visits "$lport"
check "an address of a network that it allows" open_tunnel c2 "remote=127.0.0.3:$port&acl="
check "too" visits "$lport"
for target in "localhost:$tcp_port" 127.0.0.4:22 '[2001:db9::1]:22' '[2001:db8::1]:23' 10.0.0.1:4011; do
	check "not $target" call_is 400 PUT "/clients/c2/tunnels?remote=$target&check_port=0" \
		'Tunnel destination is not allowed by client configuration'
done
for target in '[2001:db8::1]:22' 10.0.0.1:4010; do
	check "but $target" call_is 200 PUT "/clients/c2/tunnels?remote=$target&check_port=0&protocol=udp" '"data"'
done
check "an unknown name" call_is 400 PUT '/clients/c2/tunnels?remote=no-such-host.invalid:22' \
	'The client could not check the tunnel destination.*no such host'

### Ends
check "a connection keeps a tunnel" call_is 409 DELETE "/clients/c1/tunnels/$held" 'tunnel has 1 active connection\(s\)'
call_is 204 PUT "/clients/c1/tunnels/$held/acl" '' -d '{"acl":null}' || give_up "an ACL"
check "two more" hold held2 "$held_port"
check "connections" hold held3 "$held_port"
check "are counted" call_is 409 DELETE "/clients/c1/tunnels/$held" 'tunnel has 3 active connection\(s\)'
stop held1
stop held2
stop held3
check "when all have gone" goes_away c1 "$held"
check "it is no more" no_tunnel c1 "$held"
check "nor is its port" closed "$held_port"
check "a tunnel for a moment" open_tunnel c1 "remote=$tcp_port&acl=127.0.0.0/16&auto-close=2s&idle-timeout-minutes=0"
check "with a connection" hold held4 "$lport"
check "ends" no_tunnel c1 "$tid"
check "says why" wait_for server "client c1: tunnel $tid ended: auto-close"
check "cuts the connection" wait_for held4 '^ended'
check "and frees the port" closed "$lport"

### Half-close
check "an answer after the visitor's end" visits "$acl_port" 127.0.0.1 3000000
check "a peer that plays an installed client" start_peer p1
check "connects" connected p1
check "a tunnel of it" open_tunnel p1 "remote=127.0.0.1:$sum&acl="
before=$(grep -c '^got 3000000 ' "$tmp/sum.log")
check "has no answer then" refused "$lport" 127.0.0.1 3000000
check "but all that was sent arrives" wait_count sum '^got 3000000 ' $((before + 1))
check "unchanged" is "$(grep '^got 3000000 ' "$tmp/sum.log" | sort -u | wc -l)" 1

for name in c1 c2; do
	stop $name
	check "$name ends silently" silent $name
done
stop server
check "the server ends with 0" is "$status" 0
check "and silently" silent server

### Coming back. Ports of its own, so that no other server of this machine takes one in the meantime.
server_config back "used_ports = [\"$still_ports\"]
client_login_wait = 0" 'user_login_wait = 0'
start_server back
client_config c3 "remotes = [\"$sum\"]
tunnel_allowed = [\"127.0.0.0/8\"]"
start_client c3
check "a client with a tunnel of its own connects" connected c3
own_port=$(value '.data.tunnels[0].lport')
own=$(value '.data.tunnels[0].id')
check "it works" visits "$own_port"
check "its ACL changes" call_is 204 PUT "/clients/c3/tunnels/$own/acl" '' -d '{"acl":"192.0.2.1"}'
check "a tunnel by the API" open_tunnel c3 "remote=localhost:$tcp_port&acl=&skip-idle-timeout=1&name=api"
api_port=$lport
api_id=$tid
check "many more" quiet curl -sS -f --max-time 60 -u "$credentials" -X PUT \
	"$api/api/v1/clients/c3/tunnels?acl=127.0.1.[1-40]&check_port=0&name=many&remote={localhost,127.0.0.1}:1"
call GET /clients/c3
check "are there" json_is 80 '[.data.tunnels[] | select(.name == "many")] | length'
check "one for four seconds" open_tunnel c3 "remote=localhost:$tcp_port&acl=127.0.0.1&auto-close=4s&name=brief"
brief=$tid
sed -i "s|^tunnel_allowed.*|tunnel_allowed = [\"127.0.0.1:$sum\", \"localhost\"]|" "$tmp/c3.conf"
stop c3
check "it goes" disconnected c3
sleep 4
start_client c3
check "and comes back with other rules" connected c3
check "the four seconds are over" in_log back \
	"tunnel to localhost:$tcp_port does not come back: its auto-close time is over|tunnel $brief ended: auto-close"
still_port
api_spare=$port
check "half of the many are dropped" wait_count back "client c3 no longer allows the tunnel to 127.0.0.1:1: it is dropped" 40
check "the right half" json_is '40 localhost' '[.data.tunnels[] | select(.name == "many")] | "\(length) \(map(.rhost) | unique | join(","))"'
check "each with its port" json_is 40 '[.data.tunnels[] | select(.name == "many").lport] | unique | length'
check "the others have their ports and ids" json_is "$own:$own_port $api_id:$api_port" \
	'[.data.tunnels | sort_by(.name)[] | select(.name != "many") | "\(.id):\(.lport)"] | join(" ")'
check "the changed ACL is still there" json_is 192.0.2.1 '.data.tunnels[] | select(.name == "").acl'
check "and in force" refused "$own_port"
check "the other works" quiet "$PEER" check --tcp "127.0.0.1:$api_port" --bytes 1000
check "a listener on localhost" open_tunnel c3 "remote=localhost:$sum&acl=127.0.0.1&local=localhost:$api_spare"
check "works" visits "$lport"
check "a new one gets an id of its own" open_tunnel c3 "remote=localhost:$sum&acl="
call GET /clients/c3
check "44 in all" json_is 44 '[.data.tunnels[].id] | unique | length'
sed -i 's|^remotes.*|remotes = ["1"]|; s|^tunnel_allowed.*||' "$tmp/c3.conf"
stop c3
disconnected c3
start_client c3
check "with other remotes" connected c3
check "only those" json_is 1 '.data.tunnels[].rport'
check "which is logged" wait_for back 'client c3 asks for other tunnels than before: its last 44 do not come back'

stop c3
check "it ends silently" silent c3
stop back
check "the server too" silent back

### A small pool
fixed_port
first=$port
server_config small "used_ports = [\"$first-$((first + 2))\"]
excluded_ports = [\"$((first + 1))\"]
client_login_wait = 0" 'user_login_wait = 0'
start_server small
client_config c4
start_client c4
check "a client connects" connected c4
check "an excluded port" call_is 400 PUT "/clients/c4/tunnels?remote=$sum&local=$((first + 1))" \
	"Local port $((first + 1)) is not among allowed ports"
check "the first of two random ports" open_tunnel c4 "remote=$sum&acl=127.0.0.1"
one=$lport
check "the second" open_tunnel c4 "remote=$sum&acl=127.0.0.2"
check "are the two that are left" is "$(printf '%s\n' "$one" "$lport" | sort | tr '\n' ' ')" "$first $((first + 2)) "
check "there is no third" call_is 409 PUT "/clients/c4/tunnels?remote=$sum&acl=127.0.0.3" 'no ports available'
check "one goes away" call_is 204 DELETE "/clients/c4/tunnels/$tid" ''
check "and its port is given again" open_tunnel c4 "remote=$sum&acl=127.0.0.3"
finish
