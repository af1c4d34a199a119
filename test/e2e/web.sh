#!/bin/sh
# SPDX-License-Identifier: MIT
# The API for web pages, by curl: a folder of files, CORS, compressed answers.

# shellcheck source=test/e2e/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=test/e2e/lib/server.sh
. "$(dirname "$0")/lib/server.sh"

# fetch PATH [OPTIONS]: any path; status in $code, head and body as call has them
fetch() {
	path=$1
	shift
	: >"$tmp/body"
	code=$(curl -sS -g --path-as-is --max-time $((30 * PATIENCE)) -o "$tmp/body" -D "$tmp/head" -w '%{http_code}' \
		"$@" "$api$path" 2>"$tmp/curl.log")
}

# fetch_is STATUS PATH [OPTIONS]
fetch_is() {
	want_code=$1
	shift
	fetch "$@"
	is "$code" "$want_code"
}

header() {
	tr -d '\r' <"$tmp/head" | grep -q -i -E "^$1: $2\$" || { sed 's/^/# /' "$tmp/head"; false; }
}
no_header() { ! grep -q -i "^$1:" "$tmp/head"; }
body_is() { is "$(cat "$tmp/body")" "$1"; }

mkdir -p "$tmp/www/assets"
echo '<html>the page</html>' >"$tmp/www/index.html"
seq 1 200000 >"$tmp/www/assets/app.js"
head -c 5000000 /dev/urandom >"$tmp/www/assets/film.mp4"
# More than the kernel takes for a visitor who does not read.
head -c 15000000 /dev/zero >"$tmp/www/assets/long.bin"
head -c 17000000 /dev/zero >"$tmp/www/assets/too-long.bin"
ln -s /etc/passwd "$tmp/www/passwd"
echo outside >"$tmp/outside.txt"
chmod -R a+rX "$tmp/www"
server_config server '' "doc_root = \"$tmp/www\"
cors = [\"https://ui.example.com\"]"
start_server server

### Files
check "the page" fetch_is 200 /
check "is it" body_is '<html>the page</html>'
check "and HTML" header content-type 'text/html; charset=utf-8'
check "a script" fetch_is 200 /assets/app.js
check "as a whole" cmp -s "$tmp/body" "$tmp/www/assets/app.js"
check "compressed" fetch_is 200 /assets/app.js --compressed
check "it is the same" cmp -s "$tmp/body" "$tmp/www/assets/app.js"
check "and was smaller" header content-encoding gzip
check "a film" fetch_is 200 /assets/film.mp4 --compressed
check "as a whole too" cmp -s "$tmp/body" "$tmp/www/assets/film.mp4"
check "not compressed" no_header content-encoding
etag=$(sed -n 's/^[Ee][Tt]ag: \(.*\)\r$/\1/p' "$tmp/head")
check "nothing new" fetch_is 304 /assets/film.mp4 -H "If-None-Match: $etag"
check "a page of the interface" fetch_is 200 /dashboard/clients
check "is the page" body_is '<html>the page</html>'
check "index.html is the folder" fetch_is 301 /index.html
check "as it says" header location /
check "no file" fetch_is 404 /nothing
check "no way out" fetch_is 404 /../outside.txt
check "none in escapes" fetch_is 404 /%2e%2e%2foutside.txt
check "none by a link" fetch_is 404 /passwd
check "no file beyond the limit" fetch_is 500 /assets/too-long.bin
check "no writing" fetch_is 405 / -X PUT -d x
check "the API is still there" call_is 200 GET /status '"version"'

### Other origins
check "a browser asks" fetch_is 204 /api/v1/clients -X OPTIONS -H 'Origin: https://ui.example.com' \
	-H 'Access-Control-Request-Method: PUT' -H 'Access-Control-Request-Headers: authorization'
check "it may" header access-control-allow-origin https://ui.example.com
check "with credentials" header access-control-allow-credentials true
check "by this method" header access-control-allow-methods 'HEAD, GET, POST, PUT, DELETE'
check "with this header" header access-control-allow-headers 'Authorization, Content-Type'
check "another may not" fetch_is 405 /api/v1/clients -X OPTIONS -H 'Origin: https://evil.example' \
	-H 'Access-Control-Request-Method: PUT'
check "it is not told so" no_header access-control-allow-origin
check "an answer" call_is 200 GET /me admin -H 'Origin: https://ui.example.com'
check "for that origin" header access-control-allow-origin https://ui.example.com

### Compression
check "the API compresses" call_is 200 GET /status '"version"' --compressed
check "when asked" header content-encoding gzip
check "by deflate" call_is 200 GET /status '"version"' --compressed -H 'Accept-Encoding: deflate'
check "as well" header content-encoding deflate
check "and not unasked" call_is 200 GET /status '"version"'
check "plain" no_header content-encoding
check "but says that it might" header vary Accept-Encoding

### Visitors who do not read
i=0
slow=
while [ $i -lt 30 ]; do
	i=$((i + 1))
	curl -s -o /dev/null --limit-rate 1000 --max-time $((60 * PATIENCE)) "$api/assets/long.bin" &
	slow="$slow $!"
done
until_busy() {
	i=0
	until fetch_is 503 /assets/long.bin --max-time 2 >/dev/null; do
		i=$((i + 1))
		[ $i -le $((WAIT_S * PATIENCE * 2)) ] || { echo "# $code"; return 1; }
		sleep 0.1
	done
}
check "no more waits for them than the limit" until_busy
check "the API answers beside them" call_is 200 GET /status '"version"'
# shellcheck disable=SC2086 # a list of numbers
kill $slow 2>/dev/null
# shellcheck disable=SC2086
wait $slow 2>/dev/null
stop server
check "the server ends cleanly" is "$status" 0
check "silently" silent server
finish
