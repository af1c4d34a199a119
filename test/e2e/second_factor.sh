#!/bin/sh
# SPDX-License-Identifier: MIT
# Second factors with the real binary: codes by a program, by mail to a real SMTP dialogue (plain,
# STARTTLS, TLS) and by HTTP, one-time passwords of another implementation (oathtool), a file of users
# that outlives a restart.

# shellcheck source=test/e2e/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=test/e2e/lib/server.sh
. "$(dirname "$0")/lib/server.sh"
sinks=$(dirname "$0")/lib/sinks.py

# Password tops3cret
HASH='$2y$05$abcdefghijklmnopqrstuuE5WkAp8h9bPInfaYqF3ipikxrOjQLoG'

# users NAME SEND-TO: the file that the configuration of NAME names
users() {
	cat >"$tmp/$1.json" <<-END
		[{"username": "admin", "password": "$HASH", "groups": ["Administrators"], "two_fa_send_to": "$2"}]
	END
}

# twofa_config NAME SEND-TO [LINES OF [api] [OTHER SECTIONS]]
twofa_config() {
	users "$1" "$2"
	server_config "$1" '' "auth_file = \"$tmp/$1.json\"
user_login_wait = 0
${3:-}
${4:-}"
	sed -i "/^auth = \"admin:/d" "$tmp/$1.conf"
}

log_in() {
	bearer=
	credentials=
	call_is "$1" POST /login "$2" -H 'Content-Type: application/json' -A "e2e test" \
		-d '{"username":"admin","password":"tops3cret"}' || return 1
	[ "$1" != 200 ] || bearer=$(value .data.token)
}

# verify STATUS CODE
verify() {
	call_is "$1" POST /verify-2fa '' -d "{\"username\":\"admin\",\"token\":\"$2\"}" || return 1
	[ "$1" != 200 ] || bearer=$(value .data.token)
}

# start_sink NAME ARGUMENTS …: $port
start_sink() {
	sink=$1
	shift
	: >"$tmp/$sink.out"
	start "$sink" python3 "$sinks" "$@"
	wait_for "$sink" '^listening ' || give_up "no $sink"
	port=${line##* }
}

# kept NAME JQ: of the last line that the sink kept
kept() { tail -n 1 "$tmp/$1.out" | jq -r "$2"; }

code_in_mail() { kept "$1" '.lines[]' | sed -n 's/^Verification code: \([A-Za-z0-9]*\) .*/\1/p'; }

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
	-addext subjectAltName=IP:127.0.0.1 -keyout "$tmp/key.pem" -out "$tmp/cert.pem" 2>/dev/null ||
	give_up "no certificate"

### A program
cat >"$tmp/send" <<-END
	#!/bin/sh
	printf '%s|%s|%s|%s|%s' "\$RPORT_2FA_TOKEN" "\$RPORT_2FA_SENDTO" "\$RPORT_2FA_TOKEN_TTL" \\
		"\$RPORT_2FA_USER_AGENT" "\$RPORT_2FA_REMOTE_ADDRESS" >$tmp/sent
END
chmod +x "$tmp/send"
twofa_config program 'the admin' "two_fa_token_delivery = \"$tmp/send\"
two_fa_token_ttl_seconds = 300"
start_server program
check "a login goes half way" log_in 200 '"two_fa":\{"send_to":"the admin","delivery_method":"script","totp_key_status":""\}'
check "the program got it all" matches "$(cat "$tmp/sent")" '^[A-Za-z0-9]{6}\|the admin\|300\|e2e test\|127\.0\.0\.1$'
check "the token is good for nothing" call_is 403 GET /me 'second factor'
check "nor is the password" is "$(curl -s -o /dev/null -w '%{http_code}' -u admin:tops3cret "$api/api/v1/me")" 401
check "a wrong code" verify 401 AAAAAA
check "the code" verify 200 "$(cut -c1-6 "$tmp/sent")"
check "completes it" call_is 200 GET /me '"username":"admin"'
check "and was for once" verify 403 "$(cut -c1-6 "$tmp/sent")"
check "the server says what is on" call_is 200 GET /status '"two_fa_enabled":true,"two_fa_delivery_method":"script"'
check "an API token" call_is 200 POST /me/tokens token -d '{"scope":"read","name":"robot"}'
bearer=
credentials=admin:$(value .data.token)
check "needs no second factor" call_is 200 GET /me admin
check "no code is in the log" not_in_log program "$(cut -c1-6 "$tmp/sent")"
stop program
check "the server ends cleanly" is "$status" 0
check "silently" silent program

### Mail
export SSL_CERT_FILE="$tmp/cert.pem"
for mode in plain starttls tls login; do
	case $mode in
	plain) auth='' ;;
	*) auth='auth_username = "me"
auth_password = "pass word"' ;;
	esac
	secure=false
	[ $mode != tls ] || secure=true
	start_sink "$mode" smtp "$mode" "$tmp/$mode.out" "$tmp/cert.pem" "$tmp/key.pem"
	twofa_config "by_$mode" admin@example.com 'two_fa_token_delivery = "smtp"' "[smtp]
server = \"127.0.0.1:$port\"
sender_email = \"rport@example.com\"
secure = $secure
$auth"
	start_server "by_$mode"
	check "$mode: a mail is sent" log_in 200 '"send_to":"admin@example.com","delivery_method":"email"'
	check "$mode: by the right one" is "$(kept $mode .from)" '<rport@example.com>'
	check "$mode: to the right one" is "$(kept $mode .to)" '<admin@example.com>'
	check "$mode: its code is good" verify 200 "$(code_in_mail $mode)"
	case $mode in
	plain) check "$mode: in the clear, without a login" is "$(kept $mode '"\(.tls) \(.user)"')" 'false ' ;;
	login) check "$mode: in the clear, with a login" is "$(kept $mode '"\(.tls) \(.user)"')" 'false me' ;;
	*) check "$mode: over TLS, with a login" is "$(kept $mode '"\(.tls) \(.user)"')" 'true me' ;;
	esac
	if [ $mode = plain ]; then
		users by_plain 'nobody@example.com'
		kill -USR1 "$(pid_of by_plain)"
		check "the users are read again" wait_for by_plain 'users of the API read again'
		check "a mail that is refused" log_in 500 'failed to send 2fa verification code: mail server 127.0.0.1: RCPT TO was answered with 550'
		users by_plain 'a@b.example>\r\nRCPT TO:<evil@example.com'
		kill -USR1 "$(pid_of by_plain)"
		check "the users are read once more" wait_count by_plain 'users of the API read again' 2
		check "an address that is none" log_in 500 'not a mail address'
	fi
	stop "by_$mode"
	check "$mode: the server ends cleanly" is "$status" 0
	stop "$mode"
done
# The same server with an authority that is not trusted.
start_sink distrusted smtp starttls "$tmp/distrusted.out" "$tmp/cert.pem" "$tmp/key.pem"
twofa_config by_distrusted admin@example.com 'two_fa_token_delivery = "smtp"' "[smtp]
server = \"127.0.0.1:$port\"
sender_email = \"rport@example.com\""
SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt start_server by_distrusted
check "no mail to a server whose certificate is not trusted" log_in 500 'failed to send 2fa verification code: mail server'
check "nothing came through" is "$(cat "$tmp/distrusted.out")" ''
stop by_distrusted
stop distrusted

### A URL
start_sink form http "$tmp/form.out" 204 "$tmp/cert.pem" "$tmp/key.pem"
twofa_config by_url admin@example.com "two_fa_token_delivery = \"https://me:pw@127.0.0.1:$port/send?x=1\"
base_url = \"https://rport.example.com\""
start_server by_url
check "a form is posted" log_in 200 '"delivery_method":"url"'
check "to the right place" is "$(kept form .path)" '/send?x=1'
check "as a form" is "$(kept form .type)" application/x-www-form-urlencoded
check "with the URL's credentials" is "$(kept form .authorization)" "Basic $(printf me:pw | base64)"
check "with all that it needs" is "$(kept form '.fields | "\(.email) \(.ttl) \(.user_agent) \(.remote_address) \(.url)"')" \
	'admin@example.com 600 e2e test 127.0.0.1 https://rport.example.com'
check "its code is good" verify 200 "$(kept form .fields.token)"
stop by_url
start_sink refusing http "$tmp/refusing.out" 500
twofa_config by_refusing admin@example.com "two_fa_token_delivery = \"http://127.0.0.1:$port/\""
start_server by_refusing
check "a service that fails" log_in 500 'the service answered with status 500'
stop refusing
check "one that is not there" log_in 500 'failed to send 2fa verification code'
stop by_refusing

### One-time passwords
twofa_config totp '' 'totp_enabled = true
totp_account_name = "e2e"'
start_server totp
check "without a secret" log_in 200 '"delivery_method":"totp_authenticator_app","totp_key_status":"pending"'
check "one is made" call_is 200 POST /me/totp-secret '^\{"secret":"[A-Z2-7]{32}","qr":"'
secret=$(value .secret)
value .qr | base64 -d >"$tmp/qr.png"
check "with a picture" matches "$(file -b "$tmp/qr.png")" 'PNG image data, 200 x 200'
check "another implementation's code" verify 200 "$(oathtool -b --totp "$secret")"
check "is good" call_is 200 GET /me admin
check "the file has it" grep -q "otpauth://totp/e2e:admin?.*secret=$secret" "$tmp/totp.json"
stop totp
start_server totp
check "after a restart it is there" log_in 200 '"totp_key_status":"exists"'
check "the code was used before the restart or is a new one" verify 200 "$(oathtool -b --totp -N 'now + 30 seconds' "$secret")"
check "deleted" call_is 204 DELETE /me/totp-secret ''
check "it is gone" call_is 404 GET /me/totp-secret 'should be generated'
stop totp
check "that server ends cleanly" is "$status" 0
finish
