#!/bin/sh
# SPDX-License-Identifier: MIT
# What installed clients measure and say of updates, and the audit log of what is done with them.

# shellcheck source=test/e2e/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=test/e2e/lib/server.sh
. "$(dirname "$0")/lib/server.sh"

span() { echo "filter[timestamp][gt]=$(($(date +%s) - $1))&filter[timestamp][lt]=$(($(date +%s) + 60))"; }

# audited QUERY COUNT: so many entries
audited() {
	call GET "/auditlog?$1"
	is "$code $(value .meta.count)" "200 $2"
}

server_config server 'max_failed_login = 0' 'user_login_wait = 0
max_failed_login = 0'
start_server server
start_peer p1 --measure-every 600ms --processes 100
start_peer p2 --monitoring=false
check "p1 is there" connected p1
check "p2 is there" connected p2

### Measurements
check "the client is told that they are wanted" wait_for p1 '"request".*put_capabilities.*MonitoringVersion.*1'
check "and sends them" wait_count p1 '"sent".*save_measurement' 3
check "they are kept" until_call '.meta.count >= 3' /clients/p1/metrics
check "one is shown" json_is 1 '.data | length'
check "as it was measured" json_is '12.5 40.25 0.5' \
	'.data[0] | "\(.cpu_usage_percent) \(.memory_usage_percent) \(.io_usage_percent)"'
check "more are shown when asked for" call_is 200 GET '/clients/p1/metrics?page[limit]=3' ''
check "the newest first" json_is true '[.data[].timestamp] | . == (sort | reverse) and length == 3'
check "processes" call_is 200 GET /clients/p1/processes ''
check "are a list" json_is '100 process-100' '.data[0].processes | "\(length) \(.[0].name)"'
check "mount points" call_is 200 GET /clients/p1/mountpoints '"free_b./":79645835264'
check "a graph of all" call_is 200 GET "/clients/p1/graph-metrics?$(span 7200)" ''
check "has what was measured" json_is '12.5 40.25 0.5' \
	'.data[0] | "\(.cpu_usage_percent.avg) \(.memory_usage_percent.max) \(.io_usage_percent.min)"'
check "links to the others" matches "$(value .links.mem_usage_percent)" \
	"^$api/api/v1/clients/p1/graph-metrics/mem_usage_percent\$"
check "one of them" call_is 200 GET "/clients/p1/graph-metrics/mem_usage_percent?$(span 7200)" '"memory_usage_percent":{"avg":40.25'
check "too short a span" call_is 400 GET "/clients/p1/graph-metrics?$(span 3600)" 'Illegal period'
check "a client without measurements" call_is 200 GET /clients/p2/metrics '^{"data":\[\],"meta":{"count":0}}$'
check "an unknown client" call_is 404 GET /clients/none/metrics 'not found'
check "monitoring is on" call_is 200 GET /status '"monitoring_enabled":true'

### Updates
check "no updates are known" call_is 200 GET '/clients/p1?fields[clients]=updates_status' '^{"data":{"updates_status":null}}$'
check "the client is told to look" call_is 204 POST /clients/p1/updates-status ''
check "and tells" until_call '.data.updates_status != null' '/clients/p1?fields[clients]=updates_status'
check "what it found" json_is '2 1 openssl' '.data.updates_status |
	"\(.updates_available) \(.security_updates_available) \(.update_summaries[0].title)"'
check "a client that is not there" call_is 404 POST /clients/none/updates-status 'not found'

### Audit log
check "nothing was changed yet" audited '' 0
check "a command" run_command p1 /usr/bin/date
check "leaves an entry" audited 'filter[action]=execute.start' 1
check "with the client" json_is "admin client.command $jid p1" \
	'.data[0] | "\(.username) \(.application) \(.affected_id) \(.client_id)"'
check "with what was asked" json_is /usr/bin/date '.data[0].request | fromjson | .command'
check "with what was answered" json_is "$jid" '.data[0].response | fromjson | .jid'
check "a tunnel" open_tunnel p1 'remote=127.0.0.1:22&check_port=0'
check "leaves one" audited 'filter[application]=client.tunnel' 1
check "with its target" json_is '127.0.0.1:22' '.data[0].request | fromjson | .remote'
check "the end of the tunnel" call_is 204 DELETE "/clients/p1/tunnels/$tid" ''
check "leaves another" audited 'filter[application]=client.tunnel&filter[action]=delete' 1
check "it is on" call_is 200 GET /status '"auditlog":{"enabled":true,"rotation":"monthly"}'

### Restart
call GET /auditlog
before=$(value .meta.count)
stop server
check "the server ends well" is "$status" 0
check "everything is in files of its own" test -s "$tmp/data/server/auditlog.db" -a -s "$tmp/data/server/monitoring.db"
check "that nobody else reads" is "$(stat -c %a "$tmp/data/server/auditlog.db" "$tmp/data/server/monitoring.db" | tr '\n' ' ')" '600 600 '
start_server server
check "the entries are still there" audited '' "$before"
check "the measurements too" call_is 200 GET /clients/p1/metrics '"cpu_usage_percent":12.5'
stop server

### Off
server_config off 'max_failed_login = 0' 'user_login_wait = 0
max_failed_login = 0
enable_audit_log = false
[monitoring]
enabled = false'
start_server off
start_peer p3 --measure-every 600ms
check "p3 is there" connected p3
check "the client is told that nothing is wanted" wait_for p3 '"request".*put_capabilities.*MonitoringVersion[^,]*0'
check "metrics" call_is 404 GET /clients/p3/metrics 'monitoring disabled'
check "graphs" call_is 404 GET "/clients/p3/graph-metrics?$(span 7200)" 'monitoring disabled'
check "updates are no matter of that" call_is 204 POST /clients/p3/updates-status ''
check "monitoring is off" call_is 200 GET /status '"monitoring_enabled":false'
check "a command" run_command p3 /usr/bin/date
check "leaves no entry" audited '' 0
check "no files are made" test ! -e "$tmp/data/off/auditlog.db" -a ! -e "$tmp/data/off/monitoring.db"
stop off

finish
