#!/bin/sh
# SPDX-License-Identifier: MIT
# Ways from client to server: HTTP and SOCKS proxies, TLS, headers, several servers.

# shellcheck source=test/e2e/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=test/e2e/lib/server.sh
. "$(dirname "$0")/lib/server.sh"

# opened PORT: waits until somebody listens.
opened() {
	i=0
	until is_open "$1"; do
		i=$((i + 1))
		[ $i -le $((WAIT_S * PATIENCE * 5)) ] || return 1
		sleep 0.2
	done
}

# start_tinyproxy NAME LINES: $port
start_tinyproxy() {
	spare_port
	printf 'Port %s\nListen 127.0.0.1\nTimeout 600\nMaxClients 20\nLogLevel Info\nDisableViaHeader Yes\n%s\n' \
		"$port" "$2" >"$tmp/$1.conf"
	start "$1" tinyproxy -d -c "$tmp/$1.conf"
	opened "$port" || give_up "tinyproxy"
}

start_microsocks() {
	socks=$1
	shift
	spare_port
	start "$socks" microsocks -i 127.0.0.1 -p "$port" "$@"
	opened "$port" || give_up "microsocks"
}

# way NAME TEXT LINES [ENVIRONMENT]: a client gets through and moves data.
way() {
	client_config "$1" "$3
remotes = [\"$tcp_port\"]"
	[ -z "${dial:-}" ] || sed -i "s|^server = .*|server = \"$dial\"|" "$tmp/$1.conf"
	start "$1" env "SSL_CERT_FILE=${trust:-}" "$RPORT" client -c "$tmp/$1.conf"
	check "$2" connected "$1"
	check "and moves 10 MB both ways" quiet "$PEER" check --bytes "$(bulk 10000000)" \
		--tcp "127.0.0.1:$(value '.data.tunnels[0].lport')"
	stop "$1"
	check "and ends cleanly" is "$status" 0
}

# no_way NAME TEXT LINES PATTERN: a client does not get through and says why.
no_way() {
	client_config "$1" "$3"
	[ -z "${dial:-}" ] || sed -i "s|^server = .*|server = \"$dial\"|" "$tmp/$1.conf"
	start "$1" env "SSL_CERT_FILE=${trust:-}" "$RPORT" client -c "$tmp/$1.conf"
	check "$2" wait_for "$1" "error: client: Connection error: .*$4"
	check "and is tried again later" wait_for "$1" 'Retrying in '
	stop "$1"
	check "and ends cleanly" is "$status" 0
	check "with nothing on stderr" silent "$1"
	check "nor a password in the log" not_in_log "$1" 'proxy-pass|nearly'
}

start_echo
server_config server
start_server server
real=$addr

### HTTP proxy
start_tinyproxy open_proxy ''
way connect "CONNECT through a proxy" "proxy = \"http://127.0.0.1:$port\""
check "the proxy saw it" wait_for open_proxy "CONNECT $real"
kill "$(pid_of open_proxy)"
wait_end open_proxy
no_way proxy_gone "a proxy that is away" "proxy = \"http://127.0.0.1:$port\"" 'proxy.*refused'
start_tinyproxy basic_proxy 'BasicAuth user proxy-pass'
way basic "CONNECT with a password" "proxy = \"http://user:proxy%2Dpass@127.0.0.1:$port\""
no_way basic_wrong "a wrong password" "proxy = \"http://user:nearly@127.0.0.1:$port\"" '(407|401)'
no_way basic_none "no password" "proxy = \"http://127.0.0.1:$port\"" '(407|401)'
start_tinyproxy strict_proxy 'ConnectPort 1'
no_way strict "a proxy that forbids the port" "proxy = \"http://127.0.0.1:$port\"" '403'
start nonsense socat -d -d TCP-LISTEN:0,bind=127.0.0.1,fork,reuseaddr 'SYSTEM:echo nonsense'
listens_at nonsense
no_way no_proxy "something that is no proxy" "proxy = \"http://127.0.0.1:$port\"" 'proxy 127.0.0.1:'
no_way no_socks "nor a SOCKS proxy" "proxy = \"socks5h://127.0.0.1:$port\"" 'SOCKS5 proxy'

### SOCKS5 proxy
start_microsocks open_socks
way socks "SOCKS5" "proxy = \"socks://127.0.0.1:$port\""
check "the proxy saw it" grep -q "connected to ${real%:*}:${real##*:}" "$tmp/open_socks.err"
start_microsocks auth_socks -u user -P proxy-pass
way socks_auth "SOCKS5 with a password" "proxy = \"socks5h://user:proxy-pass@127.0.0.1:$port\""
no_way socks_wrong "a wrong password" "proxy = \"socks5h://user:nearly@127.0.0.1:$port\"" \
	'(authenticat|password|credential|refuse)'
no_way socks_none "no password" "proxy = \"socks5h://127.0.0.1:$port\"" '(authenticat|password|credential|method)'
socks=$port

### TLS in front of the server
# cert NAME DAYS SUBJECT-ALTERNATIVE-NAME: signed by the CA of this test
cert() {
	openssl req -newkey rsa:2048 -nodes -subj "/CN=$1" -keyout "$tmp/$1.key" -out "$tmp/$1.csr" 2>/dev/null &&
		printf 'subjectAltName=%s\n' "$3" >"$tmp/$1.ext" &&
		openssl x509 -req -in "$tmp/$1.csr" -CA "$tmp/ca.pem" -CAkey "$tmp/ca.key" -CAcreateserial -days "$2" \
			-extfile "$tmp/$1.ext" -out "$tmp/$1.pem" 2>/dev/null
}
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj '/CN=end to end test' -keyout "$tmp/ca.key" \
	-out "$tmp/ca.pem" 2>/dev/null || give_up "no CA"
cert good 2 DNS:localhost,IP:127.0.0.1 || give_up "no certificate"
cert other 2 DNS:other.example || give_up "no certificate"
# terminator NAME: TLS with that certificate at $port
terminator() {
	start "tls_$1" socat -d -d \
		"OPENSSL-LISTEN:0,bind=127.0.0.1,fork,reuseaddr,verify=0,cert=$tmp/$1.pem,key=$tmp/$1.key" "TCP:$real"
	listens_at "tls_$1"
}
terminator good
tls=$port
trust=$tmp/ca.pem
dial=https://localhost:$tls
way wss_name "TLS to a name" ''
dial="wss://127.0.0.1:$tls/any/path?of=it"
way wss_address "TLS to an address, wss and a path" ''
dial=https://localhost:$tls
way wss_socks "TLS through SOCKS5" "proxy = \"socks5h://user:proxy-pass@127.0.0.1:$socks\""
start_tinyproxy proxy_again ''
way wss_connect "TLS through CONNECT" "proxy = \"http://127.0.0.1:$port\""
trust=
no_way untrusted "an unknown authority" '' 'certificate.*not trusted|certificate.*(authority|issuer|CA)'
trust=$tmp/ca.pem
terminator other
dial=https://localhost:$port
no_way other_name "a certificate for another name" '' 'certificate.*Name'
dial=https://$real
no_way no_tls "a server without TLS" '' '(TLS|tls)'
dial=http://localhost:$tls
no_way no_plain "a server with TLS only" '' '.'
dial=

### Headers
cat >"$tmp/recorder.py" <<'END'
# Answers every request with 403 and prints its head.
import socket
listener = socket.create_server(("127.0.0.1", 0))
print("port", listener.getsockname()[1], flush=True)
while True:
    s = listener.accept()[0]
    head = b""
    while b"\r\n\r\n" not in head:
        part = s.recv(4096)
        if not part:
            break
        head += part
    print(head.decode("latin-1").replace("\r", ""), flush=True)
    s.sendall(b"HTTP/1.1 403 Not today\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    s.close()
END
start recorder python3 "$tmp/recorder.py"
wait_for recorder '^port' || give_up "no recorder"
dial=http://127.0.0.1:${line##* }/the/path
client_config headers '' '[connection]
headers = ["X-One: 1", "x-one: 2", "User-Agent: e2e/1"]
hostname = "rport.example.com"'
sed -i "s|^server = .*|server = \"$dial\"|" "$tmp/headers.conf"
dial=
start_client headers
check "the path is asked for" wait_for recorder '^GET /the/path HTTP/1.1$'
check "the Host is as configured" wait_for recorder '^Host: rport.example.com$'
check "a header is sent" wait_for recorder '^[Xx]-[Oo]ne: 2$'
check "once" is "$(grep -c -i '^x-one:' "$tmp/recorder.log")" "$(grep -c '^GET' "$tmp/recorder.log")"
check "the agent, too" wait_for recorder '^User-Agent: e2e/1$'
check "the protocol" wait_for recorder '^Sec-WebSocket-Protocol: rport-v1$'
check "no extension is offered" not_in_log recorder '[Ee]xtensions'
check "the refusal is logged" wait_for headers 'Connection error: .*403'
stop headers
sed -i 's/"X-One: 1"/"Upgrade: h2c"/' "$tmp/headers.conf"
start_client headers
check "a header that breaks the upgrade is a configuration error" ended_with headers 1
check "in one line" is "$(wc -l <"$tmp/headers.err")" 1

### Several servers
server_config second
start_server second
second=$addr
second_api=$api
spare_port
main=127.0.0.1:$port
client_config several "fallback_servers = [\"http://$second\"]
server_switchback_interval = \"1s\"
remotes = [\"$tcp_port\"]"
sed -i "s|^server = .*|server = \"http://$main\"|" "$tmp/several.conf"
start_client several
check "a fallback server is taken" connected several
check "and works" quiet "$PEER" check --tcp "127.0.0.1:$(value '.data.tunnels[0].lport')" --bytes 1000000
server_config main_server
start_server main_server --addr "$main"
check "the main server is taken when it is there" connected several
check "and works" quiet "$PEER" check --tcp "127.0.0.1:$(value '.data.tunnels[0].lport')" --bytes 1000000
api=$second_api
check "the other one is left" disconnected several
kill -9 "$(pid_of main_server)"
check "when the main server dies, the fallback serves" connected several
stop several
check "and ends cleanly" is "$status" 0
stop second

### Requests that are not for us
mkdir "$tmp/web"
echo 'a page' >"$tmp/web/page"
start web python3 -u -m http.server --bind 127.0.0.1 --directory "$tmp/web" 0
wait_for web 'Serving HTTP on' || give_up "no web server"
port=$(printf '%s\n' "$line" | sed 's/.* port \([0-9]*\) .*/\1/')
server_config front "proxy = \"http://127.0.0.1:$port\""
start_server front
check "other requests go to the web server" is "$(curl -sS --max-time $((20 * PATIENCE)) "http://$addr/page")" 'a page'
check "with its errors" is "$(curl -s --max-time $((20 * PATIENCE)) -o "$tmp/page" -w '%{http_code}' "http://$addr/none")" 404
check "HEAD, too" is "$(curl -s --max-time $((20 * PATIENCE)) -I -o "$tmp/page" -w '%{http_code}' "http://$addr/page")" 200
stop web
check "a web server that is away" is "$(curl -s --max-time $((20 * PATIENCE)) -o "$tmp/page" -w '%{http_code}' "http://$addr/page")" 502
way beside "clients connect beside it" ''
stop front
check "this server ends cleanly" is "$status" 0
check "silently" silent front
finish
