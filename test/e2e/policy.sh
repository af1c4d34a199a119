#!/bin/sh
# SPDX-License-Identifier: MIT
# The client's policy of commands: rules, what people are told about them, and the trail of decisions.

# shellcheck source=test/e2e/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=test/e2e/lib/server.sh
. "$(dirname "$0")/lib/server.sh"

rules='[remote-commands]
[[remote-commands.rule]]
comment = "who am I"
path = "/usr/bin/id"
args = [["-u", "-un"]]
[[remote-commands.rule]]
path = "/usr/bin/sleep"
args = [{ pattern = "[0-9]+" }]
max_runtime = "1s"
[remote-scripts]
enabled = true
interpreters = ["/bin/sh", ""]'

# policy STATUS PATTERN ARGUMENTS: what `rport client policy` answers
policy() {
	want=$1 pattern=$2
	shift 2
	"$RPORT_CLIENT" client policy "$@" >"$tmp/policy.log" 2>&1
	is $? "$want" && { grep -q -e "$pattern" "$tmp/policy.log" || { sed 's/^/# /' "$tmp/policy.log"; false; }; }
}

# command STATUS PATTERN JSON: POST a command to c1
order() { call_is "$1" POST /clients/c1/commands "$2" -d "$3"; }

# job PATTERN: the last job ends like this
job() {
	jid=$(value .data.jid)
	i=0
	until call GET "/clients/c1/commands/$jid" && [ "$(value .data.status)" != running ]; do
		i=$((i + 1))
		[ $i -lt $((200 * PATIENCE)) ] || return 1
		sleep 0.1
	done
	matches "$(value '"\(.data.status) \(.data.result.stdout)"')" "$1"
}

trail() { jq -r "select(.command == \"$1\") | \"\\(.decision) \\(.user): \\(.reason)\"" "$tmp/data/c1/commands.log"; }

server_config server 'max_failed_login = 0' 'max_failed_login = 0'
start_server server
client_config c1 '' "$rules"
check "show tells the rules" policy 0 'rule 1 (line [0-9]*): run "/usr/bin/id" with "-u" or "-un", as the client' show -c "$tmp/c1.conf"
check "an allowed command" policy 0 '^allowed: rule 1 (line [0-9]*) fits (who am I)$' test -c "$tmp/c1.conf" '/usr/bin/id -u'
check "a refused one" policy 1 '^refused: no rule fits: rule 1 (line [0-9]*) comes nearest, argument 1' test -c "$tmp/c1.conf" '/usr/bin/id -g'
check "one with sudo" policy 1 'the user does not fit' test -c "$tmp/c1.conf" --sudo '/usr/bin/id -u'
check "a script" policy 0 '^runs as a script' test -c "$tmp/c1.conf" --script --interpreter /bin/sh 'id | wc'
check "a script by another interpreter" policy 1 'none of those that are allowed' test -c "$tmp/c1.conf" --script --interpreter perl 'print'
check "two words instead of one" policy 2 'one word too many: "-u"' test -c "$tmp/c1.conf" -- /usr/bin/id -u
check "no word" policy 2 'which command?' test -c "$tmp/c1.conf"
check "no file" policy 2 'cannot read .*none.conf' show -c "$tmp/none.conf"
check "help" policy 0 '^usage: rport client policy show' --help
client_config both '' "$rules
[remote-commands.x]"
sed -i 's/^\[remote-commands\]/&\nallow = ["^x"]/' "$tmp/both.conf"
check "rules and allow" policy 2 'both.conf:[0-9]*: remote-commands.allow: remote commands: not together with' show -c "$tmp/both.conf"
client_config typo '' '[[remote-commands.rule]]
path = "/usr/bin/id"
user = 0'
check "a mistake has its line" policy 2 'typo.conf:[0-9]*: remote-commands.rule.user: is a number, expected a text' show -c "$tmp/typo.conf"
check "also at the client's start" is "$("$RPORT_CLIENT" client -c "$tmp/typo.conf" 2>&1 | grep -c 'remote-commands.rule.user')" 1
client_config old '' '[remote-commands]
deny = ["rm"]'
check "lists that relied on a shell" policy 0 'old.conf:[0-9]*: remote-commands.deny: these lists used to let shell operators' show -c "$tmp/old.conf"

start_client c1
check "the client is there" connected c1
check "a command that a rule allows" order 200 jid '{"command":"/usr/bin/id -u"}'
check "runs" job "^successful $(id -u)"
check "one that none allows" order 409 'command is not allowed: /usr/bin/id -G' '{"command":"/usr/bin/id -G"}'
check "one of a shell" order 409 'not allowed' '{"command":"/usr/bin/id -u; id"}'
check "with sudo" order 409 'not allowed' '{"command":"/usr/bin/id -u","is_sudo":true}'
check "elsewhere" order 409 'not allowed' '{"command":"/usr/bin/id -u","cwd":"/tmp"}'
check "a long one" order 200 jid '{"command":"/usr/bin/sleep 60","timeout_sec":60}'
check "ends when the rule says so" job '^unknown '
check "the trail has what was allowed" is "$(trail '/usr/bin/id -u' | head -n 1)" "allowed admin: rule 1 (line $(grep -n -m1 '\[\[remote' "$tmp/c1.conf" | cut -d: -f1)) fits (who am I)"
check "and what was not" matches "$(trail '/usr/bin/id -u; id')" '^refused admin: shell operator$'
check "in a file of its own" is "$(stat -c %a "$tmp/data/c1/commands.log")" 600
check "the log names the user" wait_for c1 'command of admin refused: '
stop c1
stop server
finish
