#!/bin/sh
# SPDX-License-Identifier: MIT
# API users with the real program: rport user on the file and on a database, and what a running server
# makes of it.

# shellcheck source=test/e2e/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=test/e2e/lib/server.sh
. "$(dirname "$0")/lib/server.sh"

long='correct horse battery'

# config NAME [LINES OF [api] [OTHER SECTIONS]]
config() {
	mkdir -p "$tmp/data"
	cat >"$tmp/$1.conf" <<-END
		[server]
		address = "127.0.0.1:0"
		auth = "me:secret"
		key_seed = "test"
		data_dir = "$tmp/data/$1"
		allow_root = true
		[api]
		address = "127.0.0.1:0"
		user_login_wait = 0
		max_failed_login = 0
		$2
		${3:-}
	END
}

# user STATUS INPUT ARGUMENTS …: rport user; what it prints is in $tmp/out and $tmp/err
user() {
	want=$1
	input=$2
	shift 2
	# shellcheck disable=SC2059 # \n in it is meant
	printf "$input" | "$RPORT" user "$@" >"$tmp/out" 2>"$tmp/err"
	got=$?
	[ "$got" = "$want" ] || { echo "# status $got, wanted $want"; sed 's/^/# /' "$tmp/out" "$tmp/err"; false; }
}

says() { grep -q -E -e "$1" "$tmp/out" "$tmp/err" || { sed 's/^/# /' "$tmp/out" "$tmp/err"; false; }; }

# may NAME PASSWORD [STATUS]: does the API let him in?
may() {
	credentials="$1:$2"
	call GET /me
	is "$code" "${3:-200}"
}

reload() {
	kill -USR1 "$(pid_of server)"
	wait_for server 'users of the API read again'
}

# A login ends when the database no longer has the user, within a second or so.
thrown_out() {
	i=0
	until call GET /me && [ "$code" = 401 ]; do
		i=$((i + 1))
		[ $i -le $((WAIT_S * PATIENCE * 5)) ] || return 1
		sleep 0.2
	done
}

### The command line by itself
config file "auth_file = \"$tmp/users.json\""
check "help" user 0 '' --help
check "tells the use" says 'usage: rport user add'
check "without a word" user 2 '' -c "$tmp/file.conf"
check "says what is expected" says 'expected add, change, delete or list'
check "an unknown word" user 2 '' -c "$tmp/file.conf" remove
check "without a name" user 2 '' add -c "$tmp/file.conf"
check "says so" says 'option -u is needed'
check "without the file" user 1 "$long\n" add -u admin -c "$tmp/file.conf"
check "names it" says "auth_file $tmp/users.json: no such file"
echo '[]' >"$tmp/users.json"
chmod 644 "$tmp/users.json"
check "a static user" user 1 '' list -c "$tmp/none.conf" --api-addr 127.0.0.1:0 --api-auth a:b --auth c:d
config static 'auth = "a:b"'
check "cannot be changed" user 1 '' list -c "$tmp/static.conf"
check "and it says why" says 'single static user'

### The file
check "add" user 0 "$long\n$long\n" add -u admin -g Administrators -c "$tmp/file.conf"
check "says that it went well" says '^User added successfully\.$'
check "and what a server needs" says SIGUSR1
check "the file is private" is "$(stat -c %a "$tmp/users.json")" 600
check "and for people" grep -q '^        "username": "admin",$' "$tmp/users.json"
check "with a bcrypt hash" grep -q '^        "password": "\$2y\$1' "$tmp/users.json"
check "a name twice" user 1 "$long\n" add -u admin -c "$tmp/file.conf"
check "is refused" says 'already exists'
check "two different passwords" user 1 "$long\nanother one of these\n" add -u bob -c "$tmp/file.conf"
check "are refused" says 'passwords do not match'
check "a short password" user 1 'short\n' add -u bob -c "$tmp/file.conf"
check "is refused" says 'too short: password must be at least 14 characters'
check "no password" user 1 '' add -u bob -c "$tmp/file.conf"
check "is refused" says 'no password was given'
check "the last administrator" user 1 '' delete -u admin -c "$tmp/file.conf"
check "stays" says 'at least one user must stay in the group Administrators'
check "add another" user 0 "$long\n" add -u bob -g staff,more --2fa-sendto bob@example.com -c "$tmp/file.conf"
check "list" user 0 '' list -c "$tmp/file.conf"
check "has both" is "$(cat "$tmp/out")" "admin	Administrators
bob	staff,more"

start_server server -c "$tmp/file.conf"
check "the server lets him in" may admin "$long"
check "and the other" may bob "$long"
check "with his groups" json_is '["staff","more"]' '.data.groups | tostring'
check "change the groups" user 0 '' change -u bob -g Administrators -c "$tmp/file.conf"
check "change the password" user 0 "a longer pass phrase\n" change -u bob -p -c "$tmp/file.conf"
check "nothing to change" user 1 '' change -u bob -c "$tmp/file.conf"
check "says so" says 'nothing to change'
check "the server has not looked" may bob "$long"
check "it does when told" reload
check "the old password is none" may bob "$long" 401
check "the new one is" may bob "a longer pass phrase"
check "the groups too" json_is '["Administrators"]' '.data.groups | tostring'

# What the API writes and what the command line writes do not lose each other.
credentials="admin:$long"
check "add on the command line" user 0 "$long\n" add -u carl -c "$tmp/file.conf"
check "add by the API" call_is 201 POST /users '' -d "{\"username\":\"dora\",\"password\":\"$long\"}"
check "both are there" call_is 200 GET /users '"username":"carl".*"username":"dora"'
check "delete" user 0 '' delete -u carl -c "$tmp/file.conf"
check "nobody" user 1 '' delete -u carl -c "$tmp/file.conf"
check "list without him" user 0 '' list -c "$tmp/file.conf"
check "is right" is "$(cut -f1 "$tmp/out" | tr '\n' ' ')" "admin bob dora "
echo '[{' >"$tmp/users.json"
kill -USR1 "$(pid_of server)"
check "a broken file is reported" wait_for server 'error: api: API: api.auth_file .* stay in force'
check "and changes nothing" may dora "$long"

### On a terminal: asked twice, and nothing of it is shown
cat >"$tmp/terminal.py" <<-'END'
	import os, pty, sys
	answers = [a.encode() for a in sys.argv[1].encode().decode("unicode_escape").split("|")]
	pid, fd = pty.fork()
	if pid == 0:
	    os.execv(sys.argv[2], sys.argv[2:])
	seen = b""
	for answer in answers:
	    while not seen.endswith(b"assword: "):
	        seen += os.read(fd, 1)
	    shown, seen = seen, b""
	    os.write(1, shown)
	    os.write(fd, answer)
	try:
	    while True:
	        data = os.read(fd, 1024)
	        if not data:
	            break
	        os.write(1, data)
	except OSError:
	    pass
	status = os.waitpid(pid, 0)[1]
	os.write(1, b"ended %d %d\n" % (status >> 8, status & 127))
END
# on_terminal ANSWER|ANSWER ARGUMENTS …
on_terminal() {
	answers=$1
	shift
	timeout $((60 * PATIENCE)) python3 "$tmp/terminal.py" "$answers" "$RPORT" user "$@" >"$tmp/out" 2>&1
}
echo '[]' >"$tmp/users.json"
check "a terminal" on_terminal "$long\n|$long\n" add -u admin -c "$tmp/file.conf"
check "is asked" says '^Enter password: '
check "and once more" says '^Confirm password: '
check "and told" says 'User added successfully'
check "with status 0" says 'ended 0 0'
check "the password is not shown" sh -c "! grep -q horse '$tmp/out'"
check "a wrong confirmation" on_terminal "$long\n|something else here\n" change -u admin -p -c "$tmp/file.conf"
check "is refused" says 'passwords do not match'
check "with status 1" says 'ended 1 0'
check "Ctrl-C" on_terminal '\x03' change -u admin -p -c "$tmp/file.conf"
check "ends it" says 'ended 0 2'
stop server

### A database, while a server runs
cat >"$tmp/tables.sql" <<-END
	CREATE TABLE "users" ("username" TEXT(150) NOT NULL, "password" TEXT(255) NOT NULL,
		"password_expired" BOOLEAN NOT NULL CHECK (password_expired IN (0, 1)) DEFAULT 0,
		"token" TEXT(36) DEFAULT NULL, "two_fa_send_to" TEXT(150), "totp_secret" TEXT);
	CREATE UNIQUE INDEX "main"."username" ON "users" ("username" ASC);
	CREATE TABLE "groups" ("username" TEXT(150) NOT NULL, "group" TEXT(150) NOT NULL);
	CREATE UNIQUE INDEX "main"."username_group" ON "groups" ("username" ASC, "group" ASC);
	CREATE TABLE "group_details" ("name" TEXT(150) NOT NULL, "permissions" TEXT DEFAULT "{}");
END
sqlite3 "$tmp/users.db" <"$tmp/tables.sql"
config tables 'auth_user_table = "users"
auth_group_table = "groups"
auth_group_details_table = "group_details"' "[database]
db_type = \"sqlite\"
db_name = \"$tmp/users.db\""
check "add to the database" user 0 "$long\n" add -u admin -g Administrators -c "$tmp/tables.conf"
check "no word of signals" is "$(cat "$tmp/out")" "User added successfully."
start_server server -c "$tmp/tables.conf"
check "the server lets him in" may admin "$long"
check "it says where users are" call_is 200 GET /status '"users_auth_source":"DB","group_permissions_enabled":true'
check "add while it runs" user 0 "$long\n" add -u bob -g staff -c "$tmp/tables.conf"
check "he is in at once" may bob "$long"
check "without permissions" call_is 403 GET /tunnels 'user does not have \\"tunnels\\" permission'
credentials="admin:$long"
check "the group gets one" call_is 200 PUT /user-groups/staff '"tunnels":true' -d '{"permissions":{"tunnels":true}}'
check "it counts" may bob "$long"
check "at once" call_is 200 GET /tunnels '"data":\[\]'
sqlite3 "$tmp/users.db" "UPDATE users SET password_expired = 1 WHERE username = 'bob'"
check "an expiry by SQL" call_is 401 POST /login 'password has expired' -H 'Content-Type: application/json' \
	-d "{\"username\":\"bob\",\"password\":\"$long\"}"
credentials=
check "a new password at login" call_is 200 POST /login '"token":' -H 'Content-Type: application/json' \
	-d "{\"username\":\"bob\",\"password\":\"$long\",\"new_password\":\"another long one of these\"}"
check "ends it" may bob "another long one of these"
bearer=$(call POST /login -H 'Content-Type: application/json' \
	-d '{"username":"bob","password":"another long one of these"}' && value .data.token)
check "a login" call_is 200 GET /me '"username":"bob"'
check "delete while he is in" user 0 '' delete -u bob -c "$tmp/tables.conf"
check "throws him out" thrown_out
bearer=
stop server
check "the server ends well" is "$status" 0

### Tables that are not as they must be
sqlite3 "$tmp/users.db" 'ALTER TABLE users DROP COLUMN password_expired'
start server "$RPORT" server -c "$tmp/tables.conf"
check "a server without a column ends" wait_end server
check "with status 1" is "$status" 1
check "and names it" grep -q 'the table users lacks the columns: password_expired' "$tmp/server.err"
finish
