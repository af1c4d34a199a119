#!/bin/sh
# SPDX-License-Identifier: MIT
# The vault of a real server: lock, entries, a restart, and nothing readable on disk or in the log.

# shellcheck source=test/e2e/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=test/e2e/lib/server.sh
. "$(dirname "$0")/lib/server.sh"

secret=correct-horse-battery
state() { call_is 200 GET /vault-admin "^\{\"data\":\{\"init\":\"$1\",\"status\":\"$2\"\}\}$"; }
not_on_disk() { ! grep -r -q -a -e "$1" "$tmp/data/server" "$tmp/server.log"; }

server_config server
sed -i 's/^log_level.*//; s/^\[api\]/[logging]\nlog_level = "debug"\n[api]/' "$tmp/server.conf"
start_server server
check "a new vault" state uninitialized ''
check "is not used" call_is 409 GET /vault 'vault is not initialized'
check "a short password" call_is 400 POST /vault-admin/init 'password is too short' -d '{"password":"abc"}'
check "a password" call_is 201 POST /vault-admin/init '' -d '{"password":"open sesame"}'
check "opens it" state setup-completed unlocked
check "only once" call_is 409 POST /vault-admin/init 'vault is already initialized' -d '{"password":"open sesame"}'
check "a value" call_is 201 POST /vault '^{"data":{"id":1}}$' \
	-d "{\"client_id\":\"c1\",\"key\":\"root\",\"value\":\"$secret\",\"type\":\"secret\"}"
check "comes back" call_is 200 GET /vault/1 "\"value\":\"$secret\""
check "is in the list" call_is 200 GET /vault '"key":"root"'
check "without itself" quiet sh -c "! grep -q '$secret' '$tmp/body'"
check "the same key again" call_is 409 POST /vault "another key 'root' exists" \
	-d '{"client_id":"c1","key":"root","value":"x","type":"secret"}'
check "another value" call_is 200 PUT /vault/1 '"id":1' \
	-d "{\"client_id\":\"c1\",\"key\":\"root\",\"value\":\"$secret-2\",\"type\":\"secret\"}"
check "locking" call_is 204 DELETE /vault-admin/sesame ''
check "locks" call_is 409 GET /vault/1 'vault is locked'
stop server
check "the server ends cleanly" is "$status" 0
check "the value is not on disk" not_on_disk "$secret"
check "nor the password" not_on_disk 'open sesame'

start_server server
check "after a restart" state setup-completed locked
check "a wrong password" call_is 401 POST /vault-admin/sesame 'wrong password provided' -d '{"password":"open barley"}'
check "the right one" call_is 201 POST /vault-admin/sesame '' -d '{"password":"open sesame"}'
check "the value is there" call_is 200 GET /vault/1 "\"value\":\"$secret-2\""
check "deleting" call_is 204 DELETE /vault/1 ''
check "deletes" call_is 404 GET /vault/1 'Cannot find a vault value'
check "what was done is in the audit log" until_call '[.data[] | select(.application == "vault") | .action] | length == 6' \
	'/auditlog?page[limit]=100'
check "without values" quiet sh -c "! grep -q -e '$secret' -e 'open sesame' '$tmp/body'"
stop server
finish
