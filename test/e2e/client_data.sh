#!/bin/sh
# SPDX-License-Identifier: MIT
# What our client tells by itself, of this machine: measurements, pending updates, outer addresses; to our
# server and to the Go peer that plays an installed one.

# shellcheck source=test/e2e/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=test/e2e/lib/server.sh
. "$(dirname "$0")/lib/server.sh"

# Whoever may not change the machine's lists of packages: a test leaves them alone.
nobody_client() {
	mkdir -p "$tmp/data/$1"
	chmod 777 "$tmp/data/$1"
	if [ "$(id -u)" = 0 ]; then
		client=$1
		shift
		start "$client" setpriv --reuid 65534 --regid 65534 --clear-groups \
			"$RPORT_CLIENT" client -c "$tmp/$client.conf" "$@"
	else
		start_client "$@"
	fi
}

# A certificate for localhost, its own authority.
make_certificate() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
		-addext 'subjectAltName=DNS:localhost' -keyout "$tmp/web.key" -out "$tmp/web.crt" 2>/dev/null
}

# start_service NAME [CERTIFICATE KEY]: says that everybody is 203.0.113.7, by IPv4 only; $port
start_service() {
	cat >"$tmp/service.py" <<-'END'
		import http.server, ssl, sys
		class Handler(http.server.BaseHTTPRequestHandler):
		    def do_GET(self):
		        body = b'{"ip":"203.0.113.7"}'
		        self.send_response(200)
		        self.send_header("Content-Length", str(len(body)))
		        self.end_headers()
		        self.wfile.write(body)
		server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
		if len(sys.argv) > 1:
		    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
		    context.load_cert_chain(sys.argv[1], sys.argv[2])
		    server.socket = context.wrap_socket(server.socket, server_side=True)
		print("port", server.server_address[1], flush=True)
		server.serve_forever()
	END
	service=$1
	shift
	start "$service" python3 "$tmp/service.py" "$@"
	wait_for "$service" '^port ' || give_up "no service"
	port=${line#port }
}

# The file system of / is asked for, whatever it is.
root_type=$(awk '$5 == "/" { for (i = 6; i < NF; i++) if ($i == "-") { print $(i + 1); exit } }' /proc/self/mountinfo)
card=$(sed -n 's/^ *\([a-z0-9]*\):.*/\1/p' /proc/net/dev | head -n 1)

server_config server
start_server server
start_service web
updates_interval=4h
client_config c1 "ip_api_url = \"http://localhost:$port/\"" "[monitoring]
fs_type_include = [\"$root_type\"]
net_lan = [\"$card\", \"1000\"]"
nobody_client c1 --log-level debug --auth=me:secret

### Measurements
check "c1 is there" connected c1
check "it measures at once" until_call '.meta.count >= 1' /clients/c1/metrics
check "sensible shares" json_is true '.data[0] | [.cpu_usage_percent, .io_usage_percent, .memory_usage_percent] |
	all(. >= 0 and . <= 100)'
check "memory is in use" json_is true '.data[0].memory_usage_percent > 0'
check "processes" call_is 200 GET /clients/c1/processes ''
check "this client is one of them" json_is true ".data[0].processes | any(.pid == $(pid_of c1) and
	(.cmdline | contains(\"c1.conf\")) and .rss > 100000 and .state != \"\")"
check "its secrets are not among what everybody sees" json_is true ".data[0].processes |
	any(.pid == $(pid_of c1) and (.cmdline | contains(\"--auth=*********\")))"
check "the last to be started comes first" json_is true '.data[0].processes | [.[].pid] | . == (sort | reverse)'
check "mount points" call_is 200 GET /clients/c1/mountpoints ''
check "have the size of /" json_is "$(stat -f -c '%b %S' / | { read -r blocks size; echo $((blocks * size)); })" \
	'.data[0].mountpoints["total_b./"]'
check "and what is free" json_is true '.data[0].mountpoints | .["free_b./"] > 0 and .["free_b./"] < .["total_b./"]'

### Updates
check "it is told to look for updates" call_is 204 POST /clients/c1/updates-status ''
patience=$WAIT_S
WAIT_S=120
check "it tells" until_call '.data.updates_status != null' '/clients/c1?fields[clients]=updates_status'
WAIT_S=$patience
if [ -s /var/lib/dpkg/status ] && [ -x /usr/bin/apt-get ]; then
	check "without an error" json_is null '.data.updates_status.error'
	check "as many as apt-get says" json_is \
		"$(apt-get -s -o Debug::NoLocking=true upgrade 2>/dev/null | grep -c '^Inst')" \
		'.data.updates_status.updates_available'
	check "with a list" json_is true '.data.updates_status | (.update_summaries // [] | length) == .updates_available or .hint != null'
else
	check "what it found" json_is true '.data.updates_status | has("updates_available")'
fi
### Outer addresses
check "outer addresses are told" until_call '.data.ext_ip_addresses.ipv4 == "203.0.113.7"' \
	/clients/c1
check "with what is not known empty" json_is '""' '.data.ext_ip_addresses | .ipv6 | tojson'
check "no secret of it is in the log" not_in_log c1 'me:secret|"secret"'
stop c1
check "it ends well" is "$status" 0
check "silently" silent c1

make_certificate
start_service secure "$tmp/web.crt" "$tmp/web.key"
updates_interval=0
client_config c2 "ip_api_url = \"https://localhost:$port/\"" '[monitoring]
enabled = false'
start c2 env "SSL_CERT_FILE=$tmp/web.crt" "$RPORT" client -c "$tmp/c2.conf"
check "a service with TLS" until_call '.data.ext_ip_addresses.ipv4 == "203.0.113.7"' \
	/clients/c2
check "nothing is measured when that is off" call_is 200 GET /clients/c2/metrics '"count":0'
check "a look for updates is refused" call_is 204 POST /clients/c2/updates-status ''
check "and why" until_call '.data.updates_status.error | contains("updates_interval")' \
	'/clients/c2?fields[clients]=updates_status'
stop c2
client_config c3 "ip_api_url = \"https://localhost:$port/secret-path\""
start_client c3
check "a service that is not to be trusted is not believed" wait_for c3 \
	"error: addresses: the outer addresses are not known: IPv4: localhost:$port: .*certificate"
check "nor its path told" not_in_log c3 secret-path
call GET /clients/c3
check "the server knows none" json_is null '.data.ext_ip_addresses'
stop c3
stop server

### An installed server
start installed "$PEER" server --auth me:secret --key-seed test --duration 300s
wait_for installed '"listening"' || give_up "no peer"
addr=$(printf '%s\n' "$line" | json addr)
start_service web2
client_config c4 "ip_api_url = \"http://localhost:$port/\"" "[monitoring]
net_wan = [\"$card\", \"100\"]
pm_max_number_processes = 3"
start_client c4
check "it gets measurements" wait_for installed '"name":"save_measurement","want":false'
check "of the kind that it knows" in_text "$line" '"payload":{"client_id":"","timestamp":"'
check "with three processes" is "$(printf '%s' "$line" | grep -o 'parent_pid' | wc -l)" 3
check "and two cards, one of them" in_text "$line" '"net_lan":null,"net_wan":{"in":'
check "it gets the outer addresses" wait_for installed \
	'"name":"ip_addresses","want":false.*"payload":{"ipv4":"203.0.113.7","ipv6":"","updated_at":".*","error":""}'
stop c4
stop installed
start old "$PEER" server --auth me:secret --key-seed test --duration 300s --monitoring 0
wait_for old '"listening"' || give_up "no peer"
addr=$(printf '%s\n' "$line" | json addr)
client_config c5
start_client c5 --log-level debug
check "one that does not monitor" wait_for c5 'the server is version'
check "gets none" not_in_log c5 'monitoring: measured'
stop c5
stop old

finish
