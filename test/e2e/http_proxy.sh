#!/bin/sh
# SPDX-License-Identifier: MIT
# HTTPS reverse proxies before tunnels: curl and a WebSocket library as visitors, Go's HTTP server as target.

# shellcheck source=test/e2e/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=test/e2e/lib/server.sh
. "$(dirname "$0")/lib/server.sh"

# certificate NAME SUBJECT-ALTERNATIVE-NAME
certificate() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=$1" \
		-addext "subjectAltName=$2" -keyout "$tmp/$1.key" -out "$tmp/$1.pem" 2>/dev/null || give_up "no certificate"
}

# start_web NAME [FLAGS]: $web_port
start_web() {
	web=$1
	shift
	start "$web" "$PEER" web "$@"
	wait_for "$web" '"listening"' || give_up "no web server"
	web_port=$(printf '%s\n' "$line" | json tcp)
	web_port=${web_port##*:}
}

# open_proxy CLIENT QUERY: $url
open_proxy() {
	open_tunnel "$1" "http_proxy=1&$2"
	url=https://localhost:$lport
}

# get PATH [CURL OPTIONS]: as a visitor who knows the certificate; status in $code, answer in the files page and page.head.
get() {
	what=$1
	shift
	: >"$tmp/page"
	code=$(curl -sS --max-time $((60 * PATIENCE)) --cacert "$tmp/front.pem" -o "$tmp/page" -D "$tmp/page.head" -w '%{http_code}' \
		"$@" "$url$what" 2>"$tmp/visitor.log")
}

# get_is STATUS PATTERN PATH [CURL OPTIONS]
get_is() {
	wanted=$1
	pattern=$2
	shift 2
	get "$@"
	if [ "$code" != "$wanted" ] || ! grep -q -a -E -e "$pattern" "$tmp/page"; then
		echo "# $code, wanted $wanted and $pattern"
		head -c 600 "$tmp/page" | sed 's/^/# /'
		return 1
	fi
}

sees() { grep -q -E -e "$1" "$tmp/page" || { sed 's/^/# /' "$tmp/page"; false; }; }
sees_no() { ! grep -E -e "$1" "$tmp/page"; }
has_head() { tr -d '\r' <"$tmp/page.head" | grep -q -i -E -e "$1" || { sed 's/^/# /' "$tmp/page.head"; false; }; }
has_no_head() { ! grep -i -E -e "$1" "$tmp/page.head"; }
sum_of() { sha256sum <"$1" | cut -d' ' -f1; }
same_file() { is "$(sum_of "$1")" "$(sum_of "$2")"; }
# moves FILE: waits until something is in it.
moves() {
	i=0
	until [ -s "$tmp/$1" ]; do
		i=$((i + 1))
		[ $i -le $((WAIT_S * PATIENCE * 10)) ] || return 1
		sleep 0.1
	done
}
# fails_to COMMAND …: it must not succeed
fails_to() { ! "$@" >"$tmp/quiet.log" 2>&1; }
# raw TEXT: what the proxy answers to these bytes, until it closes
raw() {
	# shellcheck disable=SC2059 # TEXT has the escapes
	printf "$1" | timeout 30 openssl s_client -quiet -connect "127.0.0.1:$lport" 2>/dev/null
}
raw_is() { matches "$(raw "$1" | tr -d '\r' | head -n 1)" "$2"; }

certificate front DNS:localhost,IP:127.0.0.1
certificate target DNS:target.example

### Without certificate
start_web web
server_config bare
start_server bare
check "the status says that there is no proxy" call_is 200 GET /status '"tunnel_proxy_enabled":false'
client_config early
start_client early
check "a client" connected early
check "a tunnel with proxy is refused" call_is 400 PUT \
	"/clients/early/tunnels?remote=$web_port&http_proxy=true&scheme=http" 'tunnel proxy not enabled'
stop early
client_config early "remotes = [\"$web_port\"]"
stop bare

### Configuration
server_config half "tunnel_proxy_cert_file = \"$tmp/front.pem\""
start half "$RPORT" server -c "$tmp/half.conf"
check "a certificate without key is an error" ended_with half 1
check "with its text" grep -q "when 'tunnel_proxy_cert_file' is set, 'tunnel_proxy_key_file' must be set as well" \
	"$tmp/half.err"
server_config wrong "tunnel_proxy_cert_file = \"$tmp/front.pem\"
tunnel_proxy_key_file = \"$tmp/target.key\""
start wrong "$RPORT" server -c "$tmp/wrong.conf"
check "so is a key for another certificate" ended_with wrong 1
check "with its text" grep -q "invalid 'tunnel_proxy_cert_file', 'tunnel_proxy_key_file': " "$tmp/wrong.err"

### A server with a certificate
server_config server "tunnel_proxy_cert_file = \"$tmp/front.pem\"
tunnel_proxy_key_file = \"$tmp/front.key\""
start_server server
check "the status says that there are proxies" call_is 200 GET /status '"tunnel_proxy_enabled":true'
client_config own
start_client own
check "our client" connected own
start_peer installed
check "an installed client" connected installed

refuse() { call_is "$1" PUT "/clients/own/tunnels?remote=$web_port&$3" "$2"; }
check "a value that is no bool" refuse 500 'http_proxy' 'http_proxy=maybe&scheme=http'
check "no scheme" refuse 400 'scheme http or https' 'http_proxy=1'
check "another scheme" refuse 400 'scheme http or https' 'http_proxy=1&scheme=ssh'
check "remote desktops are not supported" refuse 400 'vnc is not supported' 'http_proxy=1&scheme=vnc'
check "UDP" refuse 400 'protocol tcp' 'http_proxy=1&scheme=http&protocol=udp'
check "a user without password" refuse 400 'needed together' 'http_proxy=1&scheme=http&auth_user=me'
check "a Host without proxy" refuse 400 'host_header requires http_proxy' 'host_header=x'

for who in own installed; do
	check "$who: a tunnel with proxy" open_proxy $who "remote=$web_port&scheme=http"
	check "it is shown as one" json_is true .data.http_proxy
	check "without a URL" json_is '' .data.tunnel_url
	check "a page" get_is 200 'request: GET /seen\?a=b%20c' '/seen?a=b%20c'
	check "the target sees the visitor's Host" sees "^host: localhost:$lport$"
	check "and who it is" sees '^header X-Forwarded-For: 127.0.0.1$'
	check "and how it came" sees '^header X-Forwarded-Proto: https$'
	check "and for whom" sees "^header X-Forwarded-Host: localhost:$lport$"
	check "headers of the answer pass" has_head '^X-Seen: yes$'
	check "those of one hop do not" has_no_head '^X-Hop:'
	get /seen -H 'X-Forwarded-For: 10.9.9.9' -H 'x_forwarded_proto: http' -H 'Forwarded: for=10.9.9.9' \
		-H 'Connection: X-Secret' -H 'X-Secret: 1' -H 'Authorization: Bearer passes'
	check "what a visitor says of its way does not" sees_no '10\.9\.9\.9|_forwarded_|X-Secret'
	check "its own credentials do" sees '^header Authorization: Bearer passes$'
	head -c 10000000 /dev/urandom >"$tmp/up"
	get /echo --data-binary "@$tmp/up" -H 'Expect:'
	check "10 MB both ways at once" same_file "$tmp/up" "$tmp/page"
	check "10 MB in chunks" get_is 200 "$(sum_of "$tmp/up")" /sum --data-binary "@$tmp/up" \
		-H 'Transfer-Encoding: chunked' -H 'Expect:'
	check "an upload that waits for 100" get_is 200 "$(sum_of "$tmp/up")" /sum --data-binary "@$tmp/up" -H 'Expect: 100-continue'
	check "100 came from the target" has_head '^HTTP/1.1 100'
	get '/bytes?n=3000000'
	cp "$tmp/page" "$tmp/known"
	check "a download has its length" has_head '^Content-Length: 3000000$'
	get '/bytes?n=3000000&chunked=1'
	check "in chunks it is the same" same_file "$tmp/known" "$tmp/page"
	check "really in chunks" has_head '^Transfer-Encoding: chunked$'
	get '/bytes?n=3000000&chunked=1' --http1.0
	check "an old visitor gets it without chunks" same_file "$tmp/known" "$tmp/page"
	check "really without" has_no_head '^Transfer-Encoding:'
	get '/bytes?n=3000000' -I -w '%{size_download} %{http_code}'
	check "HEAD has no body" is "$code" '0 200'
	check "but its length" has_head '^Content-Length: 3000000$'
	curl -sS --max-time $((60 * PATIENCE)) --cacert "$tmp/front.pem" -v "$url/seen" "$url/seen" "$url/seen" \
		>"$tmp/three" 2>"$tmp/three.log"
	check "three requests use one connection" is "$(grep -c 'Re-using existing connection' "$tmp/three.log")" 2
	check "to the target too" is "$(grep '^connection:' "$tmp/three" | sort -u | wc -l)" 1
	check "a missing page is the target's 404" get_is 404 'page not found' /none
	check "an answer that breaks off is seen" fails_to curl -sS --cacert "$tmp/front.pem" "$url/broken"
	check "none at all gets the 502 page" get_is 502 '<h1>502 Bad Gateway</h1>' '/broken?early=1'
	check "a WebSocket through it" quiet "$PEER" wscheck --url "wss://localhost:$lport/ws"
	wait_count web '"ws-over","messages":100' 1
	get /endless -m 1
	check "a visitor who leaves ends the work" wait_count web '"endless-over"' 1
	call DELETE "/clients/$who/tunnels/$tid?force=1"
	check "a target that is away" open_proxy $who "remote=1&scheme=http&check_port=0"
	check "gets the 502 page" get_is 502 '<h1>502 Bad Gateway</h1>' /
	call DELETE "/clients/$who/tunnels/$tid?force=1"
	: >"$tmp/web.log"
done

### TLS
check "a tunnel" open_proxy own "remote=$web_port&scheme=http"
plain_port=$lport
check "TLS 1.3" get_is 200 '' /seen --tlsv1.3
check "nothing older" fails_to curl -sS --cacert "$tmp/front.pem" --tls-max 1.2 "$url/seen"
check "nothing plain" fails_to curl -sS --max-time $((20 * PATIENCE)) "http://localhost:$lport/seen"

### Requests that two readers could understand differently
check "two lengths" raw_is 'POST /sum HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab' '^HTTP/1.1 400 '
check "length and chunks" raw_is 'POST /sum HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n' \
	'^HTTP/1.1 400 '
check "an unknown encoding" raw_is 'POST /sum HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n' '^HTTP/1.1 501 '
check "two hosts" raw_is 'GET /seen HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n' '^HTTP/1.1 400 '
check "a folded line" raw_is 'GET /seen HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n' '^HTTP/1.1 400 '
check "CONNECT" raw_is 'CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\n\r\n' '^HTTP/1.1 405 '
check "two requests at once are answered in turn" is \
	"$(raw 'GET /seen HTTP/1.1\r\nHost: x\r\n\r\nGET /seen HTTP/1.1\r\nHost: y\r\nConnection: close\r\n\r\n' | grep -a '^host: ' | tr -d '\n')" \
	'host: xhost: y'

### Login
check "a tunnel with login and Host" open_proxy own \
	"remote=$web_port&scheme=http&auth_user=me&auth_password=p%3Aw&host_header=inside.example&acl=127.0.0.1,10.0.0.0%2F8"
check "no credentials" get_is 401 '<h1>401' /seen
check "are asked for" has_head '^WWW-Authenticate: Basic realm="restricted"$'
check "wrong ones" get_is 401 '<h1>401' /seen -u me:no
check "right ones" get_is 200 'request: GET /seen' /seen -u me:p:w
check "do not reach the target" sees_no 'Authorization'
check "the Host is as asked for" sees '^host: inside.example$'
check "a WebSocket without login" fails_to "$PEER" wscheck --url "wss://localhost:$lport/ws"
check "a WebSocket with login" quiet "$PEER" wscheck --url "wss://localhost:$lport/ws" --user me --password p:w
check "the password is in no log" not_in_log server 'p:w|p%3Aw'

### ACL
call PUT "/clients/own/tunnels/$tid/acl" -d '{"acl":"10.0.0.0/8"}'
check "a new ACL" is "$code" 204
check "keeps visitors out, with a page" get_is 403 '<h1>403 Forbidden</h1>' /seen -u me:p:w
check "in HTML" has_head '^Content-Type: text/html'
check "and the connection ends" has_head '^Connection: close$'
call PUT "/clients/own/tunnels/$tid/acl" -d '{"acl":""}'
check "without ACL they come in again" get_is 200 'request: GET /seen' /seen -u me:p:w

### Closing without force
# kept NAME REQUEST-LINE HEADER PATTERN: a visitor that asks and stays
kept() {
	mkfifo "$tmp/$1.in" || give_up "no fifo"
	start "$1" openssl s_client -quiet -connect "127.0.0.1:$lport"
	printf '%s\r\nHost: x\r\nAuthorization: Basic bWU6cDp3\r\n%s\r\n\r\n' "$2" "$3" >"$tmp/$1.in"
	wait_for "$1" "$4"
}
# goes_away: the tunnel can be closed as soon as the server has seen that nobody uses it.
goes_away() {
	i=0
	until call DELETE "/clients/own/tunnels/$tid" && [ "$code" = 204 ]; do
		i=$((i + 1))
		[ $i -le $((WAIT_S * 10)) ] || return 1
		sleep 0.1
	done
}
expect=$(printf 'Expect: 100-continue\r\nContent-Length: 5')
check "an upload under way" kept busy 'POST /sum HTTP/1.1' "$expect" '^HTTP/1.1 100 '
check "holds the tunnel" call_is 409 DELETE "/clients/own/tunnels/$tid" 'active connection'
stop busy
check "a connection that waits for its next request" kept idle 'GET /seen HTTP/1.1' 'X: y' '^request: GET /seen'
check "does not" goes_away
check "and is cut" wait_end idle

### HTTPS targets
start_web secure --cert "$tmp/target.pem" --key "$tmp/target.key"
check "a tunnel to an HTTPS target" open_proxy own "remote=$web_port&scheme=https"
get /echo --data-binary "@$tmp/up" -H 'Expect:'
check "10 MB both ways" same_file "$tmp/up" "$tmp/page"
check "a WebSocket" quiet "$PEER" wscheck --url "wss://localhost:$lport/ws"
check "the wrong scheme is seen by the target" open_proxy installed "remote=$web_port&scheme=http"
check "and by the visitor" get_is 400 'HTTP request to an HTTPS server' /seen

### A client that goes in the middle
start endless curl -sS -k --max-time $((60 * PATIENCE)) -o "$tmp/endless" "https://127.0.0.1:$plain_port/endless"
check "a download" moves endless
stop own
wait_end endless
check "is cut" matches "$status" '^(18|56)$'
check "and the tunnel is closed" closed "$plain_port"

### Tunnels that clients ask for
start_web plain
fixed_port
start_peer asking --remote "{\"protocol\":\"tcp\",\"lhost\":\"0.0.0.0\",\"lport\":\"$port\",\"rhost\":\"127.0.0.1\",\"rport\":\"$web_port\",\"scheme\":\"http\",\"http_proxy\":true,\"host_header\":\"inside.example\"}"
check "an installed client that asks for a proxy" connected asking
url=https://localhost:$port
check "gets it" get_is 200 '^host: inside.example$' /seen
stop asking
start_peer odd --remote "{\"protocol\":\"tcp\",\"lhost\":\"0.0.0.0\",\"lport\":\"$port\",\"rhost\":\"127.0.0.1\",\"rport\":\"$web_port\",\"http_proxy\":true}"
check "without a scheme it is told why not" wait_for odd 'http_proxy requires the scheme http or https'

stop server
check "the server ends cleanly" is "$status" 0
check "silently" silent server
finish
