#!/bin/sh
# SPDX-License-Identifier: MIT
# The REST API with curl: envelopes, statuses, logins, lists, TLS.

# shellcheck source=test/e2e/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=test/e2e/lib/server.sh
. "$(dirname "$0")/lib/server.sh"

# error_body: the three keys of an error, each a text
error_body() {
	json_is '["code","detail","title"] string string string' \
		'.errors[0] | "\(keys | tostring) \(.code | type) \(.title | type) \(.detail | type)"' &&
		json_is '["errors"]' 'keys | tostring'
}

# ids QUERY WANTED: the ids that a list shows, in its order
ids() {
	call GET "/clients?$1"
	is "$code $(value '[.data[].id] | join(",")')" "200 $2"
}

# refuses QUERY PATTERN: a list query that is wrong
refuses() { call_is 400 GET "/clients?$1" "$2" && error_body; }

login() { call POST /login -H 'Content-Type: application/json' -d "{\"username\":\"$1\",\"password\":\"$2\"}"; }

server_config server 'max_failed_login = 0' 'user_login_wait = 0
max_failed_login = 0'
start_server server
start_peer p1 --name Alpha --tag web --tag prod
start_peer p2 --name beta --tag web
start_peer p3 --name Gamma --tag 'x y'
for id in p1 p2 p3; do
	check "client $id is there" connected $id
done

### Envelopes and statuses
check "status" call_is 200 GET /status '^{"data":{.*}}$'
check "is JSON" grep -q -i '^Content-Type: application/json; charset=UTF-8' "$tmp/head"
check "counts the clients" json_is '3 0' '"\(.data.clients_connected) \(.data.clients_disconnected)"'
check "tells the real address for clients" json_is "http://$addr" '.data.connect_url[0]'
check "has all keys" json_is true '.data | has("version") and has("connect_url") and has("pairing_url") and
	has("clients_auth_source") and has("clients_auth_mode") and has("users_auth_source") and
	has("two_fa_enabled") and has("auditlog") and has("used_ports") and has("excluded_ports") and
	has("tunnel_host") and has("password_min_length") and has("group_permissions_enabled")'
check "me" call_is 200 GET /me '"username":"admin"'
check "is an administrator" json_is Administrators '.data.groups[0]'
check "my address" call_is 200 GET /me/ip '^{"data":{"ip":"127.0.0.1"}}$'
check "a list" call_is 200 GET /clients '^{"data":\[.*\],"meta":{"count":3}}$'
check "the tunnels" call_is 200 GET /tunnels '^{"data":\[\]}$'
check "an unknown path" call_is 404 GET /nonsense '404 page not found'
check "is text" grep -q -i '^Content-Type: text/plain' "$tmp/head"
check "a path with a slash behind it" call_is 404 GET /status/ ''
check "a path in capitals" call_is 404 GET /STATUS ''
check "another method" call_is 405 DELETE /status ''
check "an unknown client" call_is 404 GET /clients/none 'Client with id=\\"none\\" not found'
check "is an error in its envelope" error_body
check "a client in an encoded path" call_is 200 GET /clients/%70%31 '"id":"p1"'
check "HEAD is answered like GET" is "$(curl -s -u "$credentials" -I -o "$tmp/head" -w '%{http_code} %{size_download}' \
	"$api/api/v1/status")" '200 0'
check "with its length" grep -q -i '^Content-Length: [1-9]' "$tmp/head"
check "a body with unknown keys" call_is 400 POST /clients/p1/commands 'Invalid JSON data.*json: unknown field \\"x\\"' \
	-d '{"command":"/usr/bin/id","x":1}'
check "is an error in its envelope" error_body
check "a body of the wrong type" call_is 400 POST /clients/p1/commands 'errors' -d '{"command":1}'
check "half a body" call_is 400 POST /clients/p1/commands 'errors' -d '{"command":'
check "no body" call_is 400 POST /clients/p1/commands 'Missing body with json data'
head -c 20000 /dev/zero | tr '\0' 'a' >"$tmp/long"
check "a body that is too long" call_is 400 POST /clients/p1/commands 'http: request body too large' --data-binary "@$tmp/long"
check "also without a length" call_is 400 POST /clients/p1/commands 'http: request body too large' \
	-H 'Transfer-Encoding: chunked' --data-binary "@$tmp/long"
check "a path of 100 kB" matches "$(call GET "/$(head -c 100000 /dev/zero | tr '\0' 'a')"; echo "$code")" '^(414|431|404)$'
check "an encoded zero byte" matches "$(call GET /clients/%00; echo "$code")" '^(400|404)$'
check "a job that is none" call_is 404 GET /clients/p1/commands/none 'Job\[id=\\"none\\"\] not found'
check "a tunnel that is none" call_is 404 DELETE /clients/p1/tunnels/77 'errors'
check "a tunnel without a target" call_is 400 PUT /clients/p1/tunnels 'errors'
check "a tunnel to nonsense" call_is 400 PUT '/clients/p1/tunnels?remote=a:b:c' 'errors'
check "a long scheme" call_is 400 PUT '/clients/p1/tunnels?remote=1&scheme=abcdefghijklmnop' ERR_CODE_URI_SCHEME_LENGTH_EXCEED
check "an idle time out of range" call_is 400 PUT '/clients/p1/tunnels?remote=1&idle-timeout-minutes=20000' errors
check "two ways to say idle" call_is 400 PUT '/clients/p1/tunnels?remote=1&idle-timeout-minutes=1&skip-idle-timeout=1' errors
check "an end that is no duration" call_is 400 PUT '/clients/p1/tunnels?remote=1&auto-close=soon' errors
check "an interpreter that is none" call_is 400 POST /clients/p1/commands 'Invalid interpreter' \
	-d '{"command":"/usr/bin/id","interpreter":"perl"}'

### Logins
credentials=admin:wrong
check "a wrong password" call_is 401 GET /status 'unauthorized'
check "is an error in its envelope" error_body
check "for which no browser asks" quiet sh -c "! grep -i WWW-Authenticate '$tmp/head'"
credentials=nobody:x
check "an unknown user" call_is 401 GET /status 'unauthorized'
credentials=
check "no password" call_is 401 GET /clients 'unauthorized'
check "not even for a client that is none" call_is 401 GET /clients/none 'unauthorized'
check "GET /login without a password" call_is 401 GET /login 'auth is required'
check "the way to log in is known to all" call_is 200 GET /auth/provider '"auth_provider":"built-in"'
bearer=nonsense
check "a bearer that is none" call_is 401 GET /status errors
bearer=eyJhbGciOiJub25lIn0.eyJ1c2VybmFtZSI6ImFkbWluIiwic2Vzc2lvbklEIjoxfQ.
check "an unsigned bearer" call_is 401 GET /status errors
check "logging out with it" call_is 400 DELETE /logout errors
bearer=
login admin "$PASSWORD"
check "POST /login" json_is '200 string null' "\"$code \\(.data.token | type) \\(.data.two_fa)\""
bearer=$(value .data.token)
check "its token is good" call_is 200 GET /me '"username":"admin"'
first=$bearer
bearer=
credentials=admin:$PASSWORD
check "GET /login" call_is 200 GET /login '"token":"'
credentials=
bearer=$(value .data.token)
check "is another token" [ "$bearer" != "$first" ]
check "which ends" call_is 204 DELETE /logout ''
check "and is not good any more" call_is 401 GET /me 'unauthorized'
bearer=$first
check "the first still is" call_is 200 GET /me '"username":"admin"'
bearer=${first%?}$(printf %s "${first#"${first%?}"}" | tr 'A-Za-z0-9_-' 'Q-ZA-Pq-za-p5-90-4-_')
check "a forged one is not" call_is 401 GET /me errors
bearer=
login admin wrong
check "a login with a wrong password" is "$code" 401
call POST /login -d "username=admin&password=$PASSWORD"
check "a login by a form" is "$code" 200
call POST /login -H 'Content-Type: text/plain' -d x
check "a login by something else" is "$code" 400
credentials=admin:$PASSWORD
check "a lifetime that is too long" call_is 400 GET '/login?token-lifetime=7776001' errors
check "a lifetime that is none" call_is 400 GET '/login?token-lifetime=x' errors
check "a short lifetime" call_is 200 GET '/login?token-lifetime=1' token
bearer=$(value .data.token)
sleep 1.2
check "is over" call_is 401 GET /me 'unauthorized'
bearer=

### Lists
check "by id" ids '' p1,p2,p3
check "backwards" ids 'sort=-id' p3,p2,p1
check "by name, whatever the case" ids 'sort=name' p1,p2,p3
check "one id" ids 'filter[id]=p2' p2
check "two ids" ids 'filter[id]=p3,p1' p1,p3
check "whatever the case" ids 'filter[name]=ALPHA' p1
check "with a star" ids 'filter[name]=*a*a' p1,p3
check "a dot is a dot" ids 'filter[name]=B.ta' ''
check "a tag" ids 'filter[tags]=web' p1,p2
check "both tags" ids 'filter[tags]=and(web,prod)' p1
check "either tag" ids 'filter[tags]=or(prod,x%20y)' p1,p3
check "two filters" ids 'filter[tags]=web&filter[name]=beta' p2
check "either column" ids 'filter[name|id]=alpha,p3' p1,p3
check "any column" ids 'filter[*]=Gamma' p3
check "encoded brackets" ids 'filter%5Bid%5D=p2' p2
check "by state" ids 'filter[connection_state]=disconnected' ''
check "a page" ids 'page[limit]=2' p1,p2
check "knows the rest" json_is 3 .meta.count
check "the next page" ids 'page[limit]=2&page[offset]=2' p3
check "behind the end" ids 'page[offset]=10' ''
check "fields" call_is 200 GET '/clients?fields[clients]=id,tags&sort=id' '{"id":"p1","tags":\["web","prod"\]}'
call GET /clients
check "without asking" json_is '["hostname","id","name"]' '.data[0] | keys | tostring'
check "fields of one client" call_is 200 GET '/clients/p1?fields[clients]=id,os_kernel' '^{"data":{"id":"p1","os_kernel":"linux"}}$'
check "an unknown filter" refuses 'filter[nonsense]=1' "unsupported filter field 'filter\[nonsense\]'"
check "an operator that does not fit" refuses 'filter[id][gt]=1' "unsupported filter field 'filter\[id\]\[gt\]'"
check "an unknown sort" refuses 'sort=nonsense' "unsupported sort field 'nonsense'"
check "two sorts" refuses 'sort=id&sort=name' 'Only one sort field is supported for clients'
check "an unknown field" refuses 'fields[clients]=id,foo' 'unsupported field \\"foo\\" for resource \\"clients\\"'
check "a limit of nothing" refuses 'page[limit]=0' 'pagination limit must be positive'
check "a limit that is none" refuses 'page[limit]=x' errors
check "too high a limit" refuses 'page[limit]=501' errors
check "an offset below zero" refuses 'page[offset]=-1' errors
call GET '/clients?sort=a&filter[b]=1&fields[clients]=c&page[limit]=0'
check "all mistakes at once, in their order" json_is "sort filter field pagination" \
	'[.errors[].title | capture("(?<w>sort|filter|field \"|pagination)").w | rtrimstr(" \"")] | join(" ")'

### Jobs
for n in 1 2 3; do
	run_command p1 "/usr/bin/printf $n" || give_up "command $n"
done
check "jobs, the newest first" call_is 200 GET /clients/p1/commands '"meta":{"count":3}'
check "with the usual fields" json_is '["finished_at","jid","result","status"]' '.data[0] | keys | tostring'
check "the newest is" json_is "$jid" '.data[0].jid'
check "a page of jobs" call_is 200 GET '/clients/p1/commands?page[limit]=1&page[offset]=1' '"count":3'
check "has one" json_is 1 '.data | length'
check "chosen fields" call_is 200 GET '/clients/p1/commands?fields[jobs]=jid,command&fields[result]=stdout&sort=jid' '"stdout":"3"'
check "a job by its id" call_is 200 GET "/clients/p1/commands?filter[jid]=$jid" '"count":1'
check "jobs by status" call_is 200 GET '/clients/p1/commands?filter[status]=failed' '"data":\[\],"meta":{"count":0}'
check "jobs since" call_is 200 GET '/clients/p1/commands?filter[started_at][since]=2000-01-01' '"count":3'
check "jobs before" call_is 200 GET '/clients/p1/commands?filter[started_at][lt]=2000-01-01T00:00:00Z' '"count":0'
check "another client has none of them" call_is 200 GET /clients/p2/commands '"count":0'
check "nor sees one" call_is 404 GET "/clients/p2/commands/$jid" 'not found'
stop server
check "the server ends cleanly" is "$status" 0
check "silently" silent server

### Waits and bans
server_config strict '' 'max_failed_login = 3
ban_time = 2
user_login_wait = 1'
start_server strict
credentials=admin:wrong
check "a wrong password" call_is 401 GET /status unauthorized
credentials=admin:$PASSWORD
check "the right one too early" call_is 429 GET /status 'too many requests, please try later'
sleep 1.1
check "is good later" call_is 200 GET /status data
for name in a b c; do
	credentials=$name:wrong
	call GET /status
done
credentials=admin:$PASSWORD
check "a banned address" call_is 423 GET /status 'Too many bad attempts. Please try later.'
sleep 2.1
check "after the ban" call_is 200 GET /status data
stop strict

### TLS
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 \
	-keyout "$tmp/key.pem" -out "$tmp/cert.pem" 2>/dev/null || give_up "no certificate"
server_config tls '' "cert_file = \"$tmp/cert.pem\"
key_file = \"$tmp/key.pem\""
start_server tls
check "the API is HTTPS" matches "$api" '^https://127'
check "and answers" call_is 200 GET /status '"version"' --cacert "$tmp/cert.pem"
check "with TLS 1.3" is "$(curl -s -u "$credentials" --cacert "$tmp/cert.pem" -o "$tmp/body" -w '%{http_code}' --tlsv1.3 "$api/api/v1/me")" 200
check "not with less" is "$(curl -s -u "$credentials" --cacert "$tmp/cert.pem" -o "$tmp/body" -w '%{http_code}' --tls-max 1.2 "$api/api/v1/me")" 000
check "plain HTTP gets nothing" is "$(curl -s -o "$tmp/body" -w '%{http_code}' --max-time $((10 * PATIENCE)) "http://${api#https://}/api/v1/status")" 000
for n in 1 2 3 4 5 6 7 8; do
	curl -s -u "$credentials" --cacert "$tmp/cert.pem" "$api/api/v1/clients" "$api/api/v1/clients" >"$tmp/many$n" &
	eval "many$n=\$!"
done
for n in 1 2 3 4 5 6 7 8; do
	eval "wait \$many$n"
	check "beside each other, $n" is "$(grep -o '"count":0' "$tmp/many$n" | wc -l)" 2
done
stop tls
check "that server ends cleanly" is "$status" 0
sed -i 's/^tls_min.*//; s/^\[api\]/[api]\ntls_min = "1.2"/' "$tmp/tls.conf"
start_server tls
check "TLS 1.2 where it is allowed" is "$(curl -s -u "$credentials" --cacert "$tmp/cert.pem" -o "$tmp/body" -w '%{http_code}' --tls-max 1.2 "$api/api/v1/me")" 200
stop tls

### A proxy that everybody could claim to be
start_client_behind() {
	client_config behind1 '' '[connection]
headers = ["X-Forwarded-For: 203.0.113.77"]'
	start_client behind1
	connected behind1
}
server_config forwarded
start_server forwarded
check "a forwarded address is not believed" call_is 200 GET /me/ip '127.0.0.1' -H 'X-Forwarded-For: 203.0.113.9'
stop forwarded
server_config behind 'trusted_proxies = ["127.0.0.0/8"]' 'trusted_proxies = ["127.0.0.1", "10.0.0.0/8"]
max_failed_login = 1
user_login_wait = 0'
start_server behind
check "that of a trusted proxy is" call_is 200 GET /me/ip '"203.0.113.9"' -H 'X-Forwarded-For: 198.51.100.1, 203.0.113.9' -H 'X-Forwarded-For: 10.1.2.3'
check "nothing said is nothing" call_is 200 GET /me/ip '"127.0.0.1"'
credentials=admin:wrong
check "one failure" call_is 401 GET /me '' -H 'X-Forwarded-For: 203.0.113.9'
credentials=admin:$PASSWORD
check "bans the visitor" call_is 423 GET /me '' -H 'X-Forwarded-For: 203.0.113.9'
check "not the proxy's others" call_is 200 GET /me '' -H 'X-Forwarded-For: 203.0.113.10'
check "a client" start_client_behind
check "is known by its own address" until_call '.data.address == "203.0.113.77"' /clients/behind1
stop behind1
stop behind
finish
