#!/bin/sh
# SPDX-License-Identifier: MIT
# Schedules start commands on a client by themselves, also after the server was killed.

# shellcheck source=test/e2e/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=test/e2e/lib/server.sh
. "$(dirname "$0")/lib/server.sh"

server_config server
start_server server
client_config c1
start_client c1
check "a client connects" connected c1

check "a schedule that cannot be" call_is 400 POST /schedules 'Invalid schedule' -d \
	'{"name":"n","schedule":"0 0 30 2 *","type":"command","command":"/usr/bin/id","client_ids":["c1"]}'
check "a schedule" call_is 201 POST /schedules '"last_execution":null' -d \
	'{"name":"often","schedule":"@every 1s","type":"command","command":"/usr/bin/printf remember","client_ids":["c1"]}'
id=$(value .data.id)
check "it runs" until_call '.data.last_execution.success_count == 1' "/schedules/$id"
check "with the outcome of the client's job" json_is "1 successful " \
	'.data.last_execution | "\(.client_count) \(.status) \(.summary)"'
check "again and again" until_call '.meta.count >= 3' "/commands?filter[schedule_id]=$id"
check "the jobs say so too" until_call '.meta.count >= 3' "/clients/c1/commands?filter[schedule_id]=$id"
check "the list is wrapped twice" call_is 200 GET "/schedules?filter[client_ids]=C1" \
	'^\{"data":\{"data":\[\{"id".*"meta":\{"count":1\}\}\}$'

kill -9 "$(pid_of server)"
wait_end server
start_server server --addr "$addr" --api-addr "${api#http://}"
check "the client comes back" connected c1
call GET "/commands?filter[schedule_id]=$id"
before=$(value .meta.count)
check "after kill -9 it goes on" until_call ".meta.count > $before" "/commands?filter[schedule_id]=$id"

check "a change counts at once" call_is 200 PUT "/schedules/$id" '"schedule":"@yearly"' -d \
	'{"name":"seldom","schedule":"@yearly","type":"command","command":"/usr/bin/id","client_ids":["c1"]}'
check "it is deleted" call_is 204 DELETE "/schedules/$id" ''
check "with its jobs" until_call '.meta.count == 0' "/commands?filter[schedule_id]=$id"
check "it is gone" call_is 404 GET "/schedules/$id" 'Cannot find a schedule'
stop c1
stop server
check "the server ends well" is "$status" 0
check "and silently" silent server
finish
