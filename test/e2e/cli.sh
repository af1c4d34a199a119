#!/bin/sh
# SPDX-License-Identifier: MIT
# The command line: names, help, checks of the configuration, error messages, log.

# shellcheck source=test/e2e/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=test/e2e/lib/server.sh
. "$(dirname "$0")/lib/server.sh"

here=$(cd "$(dirname "$0")/../.." && pwd)

# run NAME STATUS COMMAND …: output in NAME.log and NAME.err
run() {
	run=$1
	want_status=$2
	shift 2
	timeout $((20 * PATIENCE)) "$@" </dev/null >"$tmp/$run.log" 2>"$tmp/$run.err"
	is $? "$want_status" && { [ "$want_status" != 0 ] || silent "$run"; }
}

# fails TEXT PATTERN COMMAND …: status 1, one line on stderr, which matches, nothing on stdout.
fails() {
	text=$1
	pattern=$2
	shift 2
	check "$text" fails_with "$pattern" "$@"
}

fails_with() {
	pattern=$1
	shift
	run failing 1 "$@" && is "$(wc -l <"$tmp/failing.err")" 1 && is "$(wc -c <"$tmp/failing.log")" 0 &&
		{ grep -q -E -e "$pattern" "$tmp/failing.err" || { sed 's/^/# stderr: /' "$tmp/failing.err"; false; }; }
}

### Names and words
for name in rport rportd rport-server rport-client; do
	ln -s "$RPORT" "$tmp/$name"
done
for name in rportd rport-server; do
	check "$name is the server" run named 0 "$tmp/$name" --help
	check "with its options" in_log named '^ *(-., )?--api-addr'
done
check "rport-client is the client" run named 0 "$tmp/rport-client" --help
check "with its options" in_log named '--fingerprint'
check "rport server is the server" run named 0 "$tmp/rport" server --help
check "with its options" in_log named '--api-addr'
for name in "$tmp/rport" "$tmp/rportd"; do
	check "user is a word of ${name##*/}" run named 0 "$name" user --help
	check "with its own help" in_log named 'usage: rport user add'
done
check "rport client is the client" run named 0 "$tmp/rport" client --help
check "with its options" in_log named '--fingerprint'
check "rport help" run named 0 "$tmp/rport" help
check "lists what there is" in_log named '^ *server '
check "rport --help too" run named2 0 "$tmp/rport" --help
check "is the same" cmp -s "$tmp/named.log" "$tmp/named2.log"
check "rport help server" run named 0 "$tmp/rport" help server
check "shows the server's options" in_log named '--api-addr'
check "rport version" run named 0 "$tmp/rport" version
check "is one line with a version" is "$(grep -c -E '^version [0-9]+\.[0-9]+\.[0-9]+ \((openssl|mbedtls)\)$' "$tmp/named.log") $(wc -l <"$tmp/named.log")" '1 1'
for name in rport rportd rport-client; do
	check "$name --version" run named 0 "$tmp/$name" --version
	check "is one line, too" in_log named '^version [0-9]+\.[0-9]+\.[0-9]+'
done

# misspelt WORD APPLET
misspelt() {
	run misspelt 2 "$tmp/rport" "$1" 127.0.0.1:1 && is "$(wc -c <"$tmp/misspelt.log") $(wc -l <"$tmp/misspelt.err")" '0 1' &&
		grep -q "\"$1\", did you mean 'rport $2'?.*: rport client $1\$" "$tmp/misspelt.err"
}
for pair in serve:server srver:server sevrer:server clinet:client Client:client usr:user versoin:version hlp:help; do
	check "${pair%:*} is no server" misspelt "${pair%:*}" "${pair#*:}"
done
for name in serve.example serve:1 http://serve http://[::1] s3rv3r4 bastion web; do
	check "$name may be one" run named 0 "$tmp/rport" "$name" --auth a:b --check-config
done
check "and any name behind client" run named 0 "$tmp/rport" client serve --auth a:b --check-config
check "or the client's own name" run named 0 "$tmp/rport-client" serve --auth a:b --check-config

### Configurations that are right
addr=127.0.0.1:1
server_config good
client_config good_client 'tags = "a,b"'
check "a server's configuration is checked" run named 0 "$RPORT" server --check-config -c "$tmp/good.conf"
check "and valid" in_log named 'valid'
check "nothing was started or written" [ ! -e "$tmp/data/good" ]
check "a client's configuration is checked" run named 0 "$RPORT" client --check-config -c "$tmp/good_client.conf"
check "and valid" in_log named 'valid'
mkdir "$tmp/folder"
cp "$tmp/good.conf" "$tmp/folder/rportd.conf"
cp "$tmp/good_client.conf" "$tmp/folder/rport.conf"
check "./rportd.conf is found" run named 0 sh -c "cd '$tmp/folder' && '$RPORT' server --check-config"
check "./rport.conf is found" run named 0 sh -c "cd '$tmp/folder' && '$RPORT' client --check-config"

# The examples, with their secrets filled in.
sed -e 's/^auth = ""/auth = "one:two-of-a-kind"/' "$here/rport.example.conf" \
	-e 's/^server = ""/server = "rport.example.com"/' >"$tmp/example_client.conf"
check "the client's example" run named 0 "$RPORT" client --check-config -c "$tmp/example_client.conf"
check "has no unknown key" not_in_log named 'unknown'
sed -e 's/^auth = ""/auth = "one:two-of-a-kind"/; s/^key_seed = ""/key_seed = "some seed of mine"/' \
	-e 's/^jwt_secret = ""/jwt_secret = "some secret of mine"/; s/^#address = "127.0.0.1:3000"/address = "127.0.0.1:3000"/' \
	"$here/rportd.example.conf" >"$tmp/example.conf"
check "the server's example" run named 0 "$RPORT" server --check-config -c "$tmp/example.conf"
check "has no unknown key" not_in_log named 'unknown'
fails "the server's example without secrets" 'client authentication must be enabled' \
	"$RPORT" server --check-config -c "$here/rportd.example.conf"
fails "the client's example without a server" 'server address is required' \
	"$RPORT" client --check-config -c "$here/rport.example.conf"
# Each commented line is an option that exists.
sed -E 's/^#([a-z_]+ = |\[\[)/\1/' "$tmp/example_client.conf" >"$tmp/all.conf"
run named 0 "$RPORT" client --check-config -c "$tmp/all.conf" || true
check "every option of the client's example is known" is "$(cat "$tmp/named.log" "$tmp/named.err" | grep -c -i 'unknown')" 0
sed -E 's/^#([a-z_]+ = )/\1/' "$tmp/example.conf" >"$tmp/all.conf"
run named 0 "$RPORT" server --check-config -c "$tmp/all.conf" || true
check "every option of the server's example is known" is "$(cat "$tmp/named.log" "$tmp/named.err" | grep -c -i 'unknown')" 0

### Configurations that are wrong
# bad_line ROLE LINE PATTERN: the line stands in line 2.
bad_line() {
	section=client
	[ "$1" = client ] || section=server
	printf '[%s]\n%s\n' "$section" "$2" >"$tmp/bad.conf"
	[ "$1" = server ] || echo 'server = "127.0.0.1:1"' >>"$tmp/bad.conf"
	fails "$1: $2" "$3" "$RPORT" "$1" --check-config -c "$tmp/bad.conf"
}
bad_line server 'address = ' 'Invalid config: .*bad\.conf:2: .*See --help$'
bad_line server 'address = 7' 'Invalid config: .*bad\.conf:2: server\.address: '
bad_line server 'check_port_timeout = 5' 'bad\.conf:2: server\.check_port_timeout: .*(ns|unit|"2s"|duration)'
bad_line server 'auth = "nocolon"' "bad\\.conf:2: server\\.auth: .*expected '<client-id>:<password>'"
bad_line server 'used_ports = ["1-"]' "bad\\.conf:2: server\\.used_ports: .*"
bad_line server 'key_seed = "unfinished' 'bad\.conf:2'
bad_line server 'max_failed_login = -1' 'bad\.conf:2: server\.max_failed_login: '
bad_line server 'sqlite_wal = "maybe"' 'bad\.conf:2: server\.sqlite_wal: .*neither true nor false'
bad_line client 'allow_root = 3' 'bad\.conf:2: client\.allow_root: '
bad_line client 'fallback_servers = ["http://u:p@h"]' 'bad\.conf:2: client\.fallback_servers: .*'
bad_line client 'remotes = ["a:b:c:d:e"]' 'failed to decode remote "a:b:c:d:e"'
bad_line client 'tunnel_allowed = ["non sense"]' 'invalid "tunnel_allowed" config'
bad_line client 'proxy = "https://127.0.0.1:1"' 'https proxies'
printf '[server]\nauth = "a:b"\n[server]\n' >"$tmp/bad.conf"
fails "a section twice" 'bad\.conf:3' "$RPORT" server --check-config -c "$tmp/bad.conf"
printf '[server]\nauth = "a:b"\nauth = "c:d"\n' >"$tmp/bad.conf"
fails "a key twice" 'bad\.conf:3' "$RPORT" server --check-config -c "$tmp/bad.conf"
head -c 3000 /dev/urandom >"$tmp/bad.conf"
fails "a file of noise" 'bad\.conf:' "$RPORT" server --check-config -c "$tmp/bad.conf"
fails "no such file" 'missing\.conf' "$RPORT" server -c "$tmp/missing.conf"
fails "no such file for the client" 'missing\.conf' "$RPORT" client -c "$tmp/missing.conf"
fails "no such log folder" 'no/such' "$RPORT" server -c "$tmp/good.conf" --log-file "$tmp/no/such"
fails "no such log folder for the client" 'failed starting log output: .*no/such' \
	"$RPORT" client -c "$tmp/good_client.conf" --log-file "$tmp/no/such"
fails "a bad log level" 'invalid log level: "loud"' "$RPORT" server -c "$tmp/good.conf" --log-level loud
fails "an unknown option" '--no-such-thing' "$RPORT" server --no-such-thing
fails "an unknown option of the client" '--no-such-thing' "$RPORT" client --no-such-thing
fails "an option without its value" '--addr' "$RPORT" server --addr
fails "no authentication" 'client authentication must be enabled' "$RPORT" server --addr 127.0.0.1:0 --data-dir "$tmp/none"
fails "two kinds of authentication" 'expected only one of them' "$RPORT" server -c "$tmp/good.conf" --authfile /x
fails "no server" 'server address is required' sh -c "cd / && exec '$RPORT' client"
fails "no server, with the plain name" 'server address is required' sh -c "cd / && exec '$RPORT'"
check "an address of another machine" run away 1 "$RPORT" server -c "$tmp/good.conf" --addr 192.0.2.77:1
check "is one line on stderr" is "$(grep -c 'The server cannot start: .*--addr: listen 192\.0\.2\.77:1: .*choose an address' "$tmp/away.err") $(wc -l <"$tmp/away.err")" '1 1'
check "which does not blame the configuration" is "$(grep -c -e 'Invalid config' -e '--help' "$tmp/away.err")" 0
check "and one in the log" in_log away 'error: server: cannot start: .*192\.0\.2\.77'
server_config first
start_server first
check "the API's address in use" run in_use 1 "$RPORT" server -c "$tmp/good.conf" --api-addr "${api#http://}"
check "says which, and what helps" matches "$(cat "$tmp/in_use.err")" \
	"The server cannot start: .*--api-addr: listen ${api#http://}: address already in use; stop the program"
check "the clients' address in use" run in_use 1 "$RPORT" server -c "$tmp/good.conf" --addr "$addr"
check "says so, too" matches "$(cat "$tmp/in_use.err")" "--addr: listen $addr: address already in use; stop the program"
stop first
printf x >"$tmp/plain"
check "a data folder that cannot be" run in_use 1 "$RPORT" server -c "$tmp/good.conf" --data-dir "$tmp/plain/data"
check "is named" matches "$(cat "$tmp/in_use.err")" "The server cannot start: data_dir $tmp/plain/data cannot be made"
fails "a word that is no applet" '"nonsense"|nonsense' "$RPORT" help nonsense

### Root
if [ "$(id -u)" = 0 ]; then
	sed 's/^allow_root.*//' "$tmp/good.conf" >"$tmp/root.conf"
	sed 's/^allow_root.*//' "$tmp/good_client.conf" >"$tmp/root_client.conf"
	fails "root is no user for a server" '^By default running as root is not allowed\.$' \
		"$RPORT" server -c "$tmp/root.conf"
	fails "nor for a client" '^root check failed: by default running as root is not allowed' \
		"$RPORT" client -c "$tmp/root_client.conf"
	as_nobody() {
		setpriv --reuid=nobody --regid="$(id -g nobody)" --clear-groups "$@"
	}
	mkdir "$tmp/data/nobody"
	chown nobody "$tmp/data" "$tmp/data/nobody"
	sed "s|^data_dir.*|data_dir = \"$tmp/data/nobody\"|" "$tmp/root.conf" >"$tmp/nobody.conf"
	if as_nobody test -x "$RPORT"; then
		start nobody setpriv --reuid=nobody --regid="$(id -g nobody)" --clear-groups "$RPORT" server -c "$tmp/nobody.conf"
		check "another user is" wait_for nobody 'Listening for clients on'
		check "in a folder for itself" is "$(stat -c '%U %a' "$tmp/data/nobody/rport.db")" 'nobody 600'
		stop nobody
		check "which ends cleanly" is "$status" 0
	else
		skip "the binary is in a folder that others cannot read"
	fi
else
	skip "not root"
fi

### Unknown keys, log
server_config typo 'kee_seed = "x"
max_faild_login = 3' 'adress = "127.0.0.1:1"'
printf '[sevrer]\nx = 1\n' >>"$tmp/typo.conf"
start_server typo
for key in 'kee_seed.*key_seed' 'max_faild_login.*max_failed_login' 'adress.*address' 'sevrer.*server'; do
	check "a warning about ${key%%.*}" in_log typo "config warning: .*typo\\.conf:[0-9]+: .*$key"
done
check "lines have the usual form" is "$(grep -c -v -E '^[0-9]{4}/[0-9]{2}/[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2} (error|info|debug): [a-z-]+: .' "$tmp/typo.log")" 0
check "the key file is for nobody else" is "$(stat -c %a "$tmp/data/typo")" 700
stop typo
check "it runs nevertheless" is "$status" 0
check "nothing on stderr" silent typo

server_config seedless
sed -i '/^key_seed/d' "$tmp/seedless.conf"
start_server seedless
first=$(grep -m1 Fingerprint "$tmp/seedless.log" | sed 's/.*Fingerprint //')
check "a key of its own is kept for itself" is "$(stat -c %a "$tmp/data/seedless/rportd-hostkey")" 600
stop seedless
start again "$RPORT" server -c "$tmp/seedless.conf" --log-file "$tmp/file.log"
check "the log goes to a file" wait_for file 'Fingerprint '
check "the key is the same next time" is "${line##*Fingerprint }" "$first"
check "the file is complete" wait_for file 'Listening for clients on'
check "and nothing goes elsewhere" is "$(cat "$tmp/again.log" "$tmp/again.err")" ''
stop again
check "that server ends cleanly" is "$status" 0
finish
