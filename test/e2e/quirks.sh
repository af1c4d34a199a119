#!/bin/sh
# SPDX-License-Identifier: MIT
# What the original does strangely: as it does where scripts count on it, better where it is only
# wrong. One part for each row of the table of quirks.

# shellcheck source=test/e2e/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=test/e2e/lib/server.sh
. "$(dirname "$0")/lib/server.sh"

# tops3cret
# shellcheck disable=SC2016 # a hash
HASH='$2y$05$abcdefghijklmnopqrstuuE5WkAp8h9bPInfaYqF3ipikxrOjQLoG'

# no_meta PATH: a list without a count
no_meta() { call_is 200 GET "$1" '^{"data":\[' && json_is '["data"]' 'keys | tostring'; }

# code_is STATUS CODE METHOD PATH: an error with its documented code
code_is() {
	call_is "$1" "$3" "$4" "$2" && json_is "$2" '.errors[0].code'
}

anonymous() {
	credentials=
	call GET /status
	credentials=admin:tops3cret
	is "$code" 401
}

sqlite3 "$tmp/users.db" <<END
CREATE TABLE users (username TEXT, password TEXT, password_expired INTEGER DEFAULT 0, two_fa_send_to TEXT, totp_secret TEXT);
CREATE TABLE groups (username TEXT, "group" TEXT);
CREATE TABLE details (name TEXT, permissions TEXT);
INSERT INTO users (username, password, password_expired) VALUES ('admin', '$HASH', 0), ('bob', '$HASH', 0), ('old', '$HASH', 1);
INSERT INTO groups VALUES ('admin', 'Administrators'), ('bob', 'staff');
INSERT INTO details VALUES ('staff', '{"commands":true,"tunnels":true,"scripts":true}');
END
cat >"$tmp/clients-auth.json" <<-END
	{
		"me": "secret"
	}
END
chmod 600 "$tmp/users.db"
server_config server 'auth_file = "'"$tmp"'/clients-auth.json"
max_failed_login = 0' 'max_failed_login = 0
user_login_wait = 2
auth_user_table = "users"
auth_group_table = "groups"
auth_group_details_table = "details"
[database]
db_type = "sqlite"
db_name = "'"$tmp"'/users.db"'
sed -i -e '/^auth = /d' "$tmp/server.conf"
credentials=admin:tops3cret
start_server server
client_config c1 "attributes_file_path = \"$tmp/attributes\"" '[remote-commands]
enabled = true
allow = ["^/usr/bin/.*"]
[remote-scripts]
enabled = false'
echo '{"tags":["web"],"labels":{}}' >"$tmp/attributes"
start_client c1
check "a client is there" connected c1
start_echo

### 1
check "1: a tunnel" open_tunnel c1 "remote=$tcp_port"
check "1: has ports that are texts" json_is 'string string' '"\(.data.lport | type) \(.data.rport | type)"'
call POST /clients/c1/stored-tunnels -d '{"name":"n","remote_port":22,"public_port":2222}'
check "1: a stored one has numbers" json_is 'number number' '"\(.data.remote_port | type) \(.data.public_port | type)"'

### 2
for list in /tunnels /me/tokens /users /user-groups /users/admin/sessions; do
	check "2: $list has no meta" no_meta $list
done

### 3
check "3: the list of schedules is wrapped twice" call_is 200 GET /schedules '^{"data":{"data":\[\],"meta":{"count":0}}}$'

### 5
fixed_port
start taken socat "TCP-LISTEN:$port,bind=127.0.0.1,reuseaddr,fork" /dev/null
until_open "$port"
check "5: a taken port has its code" code_is 400 ERR_CODE_LOCAL_PORT_IN_USE PUT "/clients/c1/tunnels?remote=$udp_port&local=127.0.0.1:$port&check_port=0"
spare_port
check "5: a closed target has its code" code_is 400 ERR_CODE_REMOTE_PORT_NOT_OPEN PUT "/clients/c1/tunnels?remote=$port"

### 6
bearer=nonsense
check "6: a bad bearer token is a 401" call_is 401 GET /status unauthorized
bearer=
call POST /me/tokens -d '{"name":"reader","scope":"read"}'
reader="admin:$(value .data.token)"
credentials=$reader
check "6: a token out of scope is a 403" call_is 403 POST /me/tokens 'scope' -d '{"name":"x","scope":"read"}'
credentials=old:tops3cret
check "6: an expired password is a 401" call_is 401 GET /status 'expired'
credentials=admin:tops3cret

### 7
check "7: a group" call_is 201 POST /client-groups '' -d '{"id":"g","params":{"tag":["web"]}}'
check "7: the same once more is a 409" call_is 409 POST /client-groups errors -d '{"id":"g","params":{"tag":["web"]}}'
check "7: one without params is a 400" call_is 400 POST /client-groups errors -d '{"id":"h"}'
check "7: a schedule that is none is a 400" call_is 400 POST /schedules errors \
	-d '{"name":"s","schedule":"never","type":"command","command":"/usr/bin/true","client_ids":["c1"]}'
check "7: an unknown API token is a 404" call_is 404 DELETE /me/tokens/abcdefgh errors

### 8
check "8: a kept script" call_is 201 POST /library/scripts '"data":{' -d '{"name":"s","script":"aWQK"}'
check "8: comes as JSON" grep -q -i '^Content-Type: application/json' "$tmp/head"

### 9
TEST_NAME=quirks.sh python3 "$(dirname "$0")/lib/ws.py" "$api/api/v1/ws/commands" "$credentials" \
	'{"command":"/usr/bin/id","client_ids":["c1"]}' >"$tmp/ws.log" 2>&1
check "9: a command over a WebSocket ends" in_log ws '"status":"successful"'
check "9: with a close frame" is "$(tail -n 1 "$tmp/ws.log")" 'closed 1000'

### 10
run_command c1 /usr/bin/true
check "10: jobs of a client by their time" call_is 200 GET '/clients/c1/commands?filter[started_at][gt]=2020-01-01' '"count":2'

### 11
check "11: nobody" anonymous
check "11: is not locked out at once" anonymous

### 12
check "12: a body that says it is a form" call_is 200 POST /me/tokens '"token"' \
	-H 'Content-Type: application/x-www-form-urlencoded' -d '{"name":"form","scope":"read"}'

### 13
check "13: the empty log of notifications is a list" call_is 200 GET /notification-logs '^{"data":\[\],"meta":{"count":0}}$'

### 14
check "14: a tunnel without an ACL" open_tunnel c1 "remote=127.0.0.2:$tcp_port&check_port=0"
check "14: is for who opened it" json_is 127.0.0.1 '.data.acl'
check "14: an ACL that is given stays" open_tunnel c1 "remote=127.0.0.3:$tcp_port&check_port=0&acl=192.0.2.0/24"
check "14: as it was given" json_is 192.0.2.0/24 '.data.acl'

### 15
check "15: the client's configuration" call_is 200 GET '/clients/c1?fields[clients]=client_configuration' 'client_configuration'
check "15: has no password in it" quiet sh -c "! grep -q secret '$tmp/body'"

### 16
check "16: credentials of clients have their password" call_is 200 GET /clients-auth/me '"password":"secret"'

### 17
check "17: whoever says that he comes from elsewhere" call_is 200 GET /me/ip '"ip":"127.0.0.1"' -H 'X-Forwarded-For: 203.0.113.9'

### 18
call POST /commands -d '{"command":"/usr/bin/true","client_ids":["c1"]}'
multi=$(value .data.jid)
check "18: a job of many clients" until_call '.data.jobs[0].status == "successful"' "/commands/$multi"
job=$(value '.data.jobs[0].jid')
call POST /client-groups -d '{"id":"all","params":{"client_id":["*"]},"allowed_user_groups":["staff"]}'
credentials=bob:tops3cret
check "18: who may use the client" call_is 200 GET /clients/c1 '"id":"c1"'
check "18: does not see it" call_is 403 GET "/commands/$multi" forbidden
check "18: nor what ran on the client" call_is 403 GET "/clients/c1/commands/$job" forbidden
check "18: nor in the list" call_is 200 GET /clients/c1/commands '"count":0'
credentials=admin:tops3cret

### 19
fixed_port
check "19: a tunnel at an address of the server" open_tunnel c1 "remote=$tcp_port&local=127.0.0.1:$port&check_port=0&acl=127.0.0.1/32"
check "19: listens there, and nowhere else" json_is "127.0.0.1 127.0.0.1 $tcp_port" '"\(.data.lhost) \(.data.rhost) \(.data.rport)"'

### 20
check "20: a dot is a dot" call_is 200 GET '/clients?filter[id]=.1' '"count":0'
check "20: a star is any text" call_is 200 GET '/clients?filter[id]=*1' '"count":1'

### 21
call GET /login
check "21: a login" is "$code" 200
value .data.token | cut -d. -f2 | tr '_-' '/+' | { cat; printf '==\n'; } | tr -d '\n' | base64 -d >"$tmp/claims" 2>/dev/null
check "21: its token names the user" grep -q '"username":"admin"' "$tmp/claims"
check "21: and no end" quiet sh -c "! grep -q '\"exp\"' '$tmp/claims'"

### 22
check "22: HEAD is answered like GET" is "$(curl -s -u "$credentials" -I -o "$tmp/head" -w '%{http_code} %{size_download}' \
	"$api/api/v1/status")" '200 0'

### 4, and the switches that undo 16 and 17
stop server
sed -i -e 's/^user_login_wait = 2/user_login_wait = 0\ntotp_enabled = true\nshow_client_passwords = false\ntrusted_proxies = ["127.0.0.1"]/' \
	"$tmp/server.conf"
start_server server
credentials=
call GET /login -u bob:tops3cret
bearer=$(value .data.token)
check "4: a TOTP secret" call_is 200 POST /me/totp-secret '^{"secret":"[A-Z2-7=]+","qr":"'
check "4: is not wrapped" json_is '["qr","secret"]' 'keys | tostring'
bearer=
credentials=$reader
check "16: passwords of clients can be hidden" call_is 200 GET /clients-auth/me '"id":"me"'
check "16: and are" quiet sh -c "! grep -q secret '$tmp/body'"
check "17: a proxy that is trusted says who asks" call_is 200 GET /me/ip '"ip":"203.0.113.9"' -H 'X-Forwarded-For: 203.0.113.9'

finish
