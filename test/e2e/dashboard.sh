#!/bin/sh
# SPDX-License-Identifier: MIT
# The dashboard as a browser gets it, over TLS: files, sign-in by a cookie, events. What its pages do is
# tested in webui/test/browser.

# shellcheck source=test/e2e/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=test/e2e/lib/server.sh
. "$(dirname "$0")/lib/server.sh"

PAGE='X-Rport-Session: cookie'

# visit STATUS PATH [CURL OPTIONS]: any path, with the cookies of the jar
visit() {
	want_code=$1
	path=$2
	shift 2
	: >"$tmp/body"
	code=$(curl -sS -k -g --path-as-is --max-time $((30 * PATIENCE)) -o "$tmp/body" -D "$tmp/head" -w '%{http_code}' \
		-c "$tmp/jar" -b "$tmp/jar" "$@" "$api$path" 2>"$tmp/curl.log")
	is "$code" "$want_code"
}

header() {
	tr -d '\r' <"$tmp/head" | grep -q -i -E "^$1: $2\$" || { sed 's/^/# /' "$tmp/head"; false; }
}
no_header() { ! grep -q -i "^$1:" "$tmp/head"; }
says() { grep -q -E -e "$1" "$tmp/body" || { head -c 400 "$tmp/body" | sed 's/^/# /'; false; }; }
says_not() { ! grep -q -E -e "$1" "$tmp/body"; }

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$tmp/key.pem" \
	-out "$tmp/cert.pem" -days 2 -subj /CN=localhost >"$tmp/openssl.log" 2>&1 || give_up "no certificate"
server_config server '' "cert_file = \"$tmp/cert.pem\"
key_file = \"$tmp/key.pem\"
user_login_wait = 0
max_failed_login = 0"
start_server server
origin=$api

### Files
check "the entry page" visit 200 / -H 'Accept: text/html'
if header content-type 'text/html; charset=utf-8' >"$tmp/kind"; then
	check "is the dashboard" says '<script type="module"[^>]* src="/assets/'
	check "without scripts of its own" says_not '<script>|<script type="module">| on[a-z]*='
	check "with a policy" header content-security-policy \
		"default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
	check "asked for again each time" header cache-control no-cache
	check "known when nothing has changed" visit 304 / -H "If-None-Match: $(sed -n 's/^[Ee][Tt]ag: \(.*\)\r$/\1/p' "$tmp/head")"
	check "one of its pages" visit 200 /clients/host.example -H 'Accept: text/html'
	check "is it too" says '<script type="module"'
	check "the entry page" visit 200 /
	asset=$(grep -o '/assets/[^"]*\.js' "$tmp/body" | head -n 1)
	check "a script" visit 200 "$asset"
	check "may be kept" header cache-control 'public, max-age=31536000, immutable'
	check "is a script" header content-type 'text/javascript; charset=utf-8'
	mv "$tmp/body" "$tmp/plain"
	check "as gzip" visit 200 "$asset" -H 'Accept-Encoding: gzip'
	check "it is the same" sh -c "gzip -dc <'$tmp/body' | cmp - '$tmp/plain'"
	check "as brotli" visit 200 "$asset" -H 'Accept-Encoding: gzip, br'
	check "which is told" header content-encoding br
	check "and small" [ "$(wc -c <"$tmp/body")" -lt "$(wc -c <"$tmp/plain")" ]
else
	check "says that there is none" says 'without its dashboard'
fi
check "no way out" visit 404 /assets/../../etc/passwd -H 'Accept: text/html'
check "a script is told the truth" visit 404 /nothing

### Sign-in
check "nobody is signed in" visit 401 /api/v1/me -H "$PAGE"
check "a wrong password" visit 401 /api/v1/login -H "$PAGE" -u admin:wrong
check "leaves no cookie" no_header set-cookie
check "the right one" visit 200 /api/v1/login -X POST -H "$PAGE" -H "Origin: $origin" -H 'Content-Type: application/json' \
	-d "{\"username\":\"admin\",\"password\":\"$PASSWORD\"}"
check "gives a cookie" header set-cookie 'rport_session=[^;]*; Path=/api/v1; HttpOnly; SameSite=Strict; Secure'
check "and no token" says '^{"data":{"two_fa":null}}$'
check "signed in" visit 200 /api/v1/me
check "as oneself" says '"username":"admin"'
check "which no cache keeps" header cache-control no-store
check "changes need the header" visit 403 /api/v1/me/tokens -X POST -d '{"name":"n","scope":"read"}'
check "then they work" visit 200 /api/v1/me/tokens -X POST -H "$PAGE" -H "Origin: $origin" -d '{"name":"n","scope":"read"}'
check "not from elsewhere" visit 403 /api/v1/me/tokens -X POST -H "$PAGE" -H 'Origin: https://evil.example' -d '{"name":"m","scope":"read"}'
check "one's sessions" visit 200 /api/v1/me/sessions
check "are one" is "$(jq -r '[.data[] | .current] | join(" ")' "$tmp/body")" true
check "signed out" visit 204 /api/v1/logout -X DELETE -H "$PAGE" -H "Origin: $origin"
check "the cookie is gone" header set-cookie 'rport_session=; .*Max-Age=0'
check "so is the login" visit 401 /api/v1/me -H "$PAGE"
finish
