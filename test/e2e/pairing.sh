#!/bin/sh
# SPDX-License-Identifier: MIT
# From a code of the API to a connected client: rport client pair, over http and over https with a
# certificate that nobody knows, what it refuses, and the script that installs.

# shellcheck source=test/e2e/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=test/e2e/lib/server.sh
. "$(dirname "$0")/lib/server.sh"

# A fingerprint never has an "x".
WRONG_PRINT=SHA256:x

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=nobody \
	-keyout "$tmp/key.pem" -out "$tmp/cert.pem" 2>"$tmp/openssl.log"
chmod 600 "$tmp/key.pem"

# made USES: $pairing_code and $id
made() {
	call POST /pairing -d "$(jq -n --arg url "http://$addr" --argjson uses "$1" '{connect_url: $url, uses: $uses}')"
	pairing_code=$(value .data.code)
	id=$(value .data.id)
	[ "$code" = 201 ]
}

# pair STATUS PATTERN ARGUMENTS
pair() {
	want=$1 pattern=$2
	shift 2
	"$RPORT_CLIENT" client pair "$@" </dev/null >"$tmp/pair.log" 2>&1
	is $? "$want" && { grep -q -e "$pattern" "$tmp/pair.log" || { sed 's/^/# /' "$tmp/pair.log"; false; }; }
}

# runs NAME: the client with the paired file is connected.
runs() {
	"$RPORT_CLIENT" client --check-config -c "$tmp/$1.conf" >"$tmp/check.log" 2>&1 || return 1
	# Tests run as root and in a folder of their own.
	sed -i "s|^\[client\]|&\nid = \"$1\"\nallow_root = true\ndata_dir = \"$tmp/data/$1\"|" "$tmp/$1.conf"
	start "$1" "$RPORT_CLIENT" client -c "$tmp/$1.conf"
	connected "$1"
}

server_config plain
start_server plain
check "an administrator makes a code" made 1
check "the client takes its settings for it" pair 0 "p1.conf written: server http://$addr" \
	-c "$tmp/p1.conf" --no-service "$api" "$pairing_code"
check "nobody else reads them" is "$(stat -c %a "$tmp/p1.conf")" 600
check "and is connected by them" runs p1
check "a code is good for one client" pair 1 'has ended, was used or is mistyped' \
	-c "$tmp/p2.conf" --no-service "$api" "$pairing_code"
check "then nothing is written" [ ! -e "$tmp/p2.conf" ]

check "another code" made 3
check "a file that is there stays" pair 1 'is there already' -c "$tmp/p1.conf" --no-service "$api" "$pairing_code"
check "or is kept aside" pair 0 'written' -c "$tmp/p1.conf" --force --no-service "$api/" "$(echo "$pairing_code" | tr -d - | tr A-Z a-z)"
check "as it was" grep -q 'id = "p1"' "$tmp/p1.conf.bak"
check "one of another form does not use the code up" pair 2 'expected SHA256:' \
	-c "$tmp/p3.conf" --no-service --fingerprint "$MD5" "$api" "$pairing_code"
check "another fingerprint than the script's is refused" pair 1 'another one than --fingerprint' \
	-c "$tmp/p3.conf" --no-service --fingerprint "$WRONG_PRINT" "$api" "$pairing_code"
from_stdin() { echo "$pairing_code" | "$RPORT_CLIENT" client pair -c "$tmp/p4.conf" --no-service "$api" - >"$tmp/pair.log" 2>&1; }
made 1
check "the code may come from standard input" from_stdin
check "the client's port is not the API" pair 1 'URL is not that of the API' \
	-c "$tmp/p5.conf" --no-service "http://$addr" "$pairing_code"
check "a code that is none" pair 2 'expected a code of 24' --no-service "$api" 1234
check "a word too few" pair 2 'expected URL and CODE' "$api"
check "an option that there is not" pair 2 'unknown option --x' --x "$api" "$pairing_code"
check "help" pair 0 'usage: rport client pair' --help

# Somebody in between who has not the code can only make something up.
cat >"$tmp/liar.py" <<'END'
import http.server, json, base64
class Liar(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.dumps({"data": {"sealed": base64.b64encode(b"x" * 200).decode()}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args): pass
server = http.server.HTTPServer(("127.0.0.1", 0), Liar)
print("liar at", server.server_port, flush=True)
server.serve_forever()
END
start liar python3 "$tmp/liar.py"
wait_for liar 'liar at'
check "made up settings are not taken" pair 1 'does not come from the server' \
	-c "$tmp/p6.conf" --no-service "http://127.0.0.1:${line##* }" "$pairing_code"
check "nothing of them is written" [ ! -e "$tmp/p6.conf" -a ! -e "$tmp/p6.conf.new" ]

# The script: with the right URL and fingerprint, and no more than sh understands.
check "a code for the script" made 1
script() {
	call GET "/pairing/$id/install"
	[ "$code" = 200 ] && cp "$tmp/body" "$tmp/install.sh" && sh -n "$tmp/install.sh"
}
check "the script is fetched" script
check "it knows the URL" grep -q "^URL='$api'" "$tmp/install.sh"
check "and has no code in it" sh -c "! grep -q '$pairing_code' '$tmp/install.sh'"
# Without debug information, which makes it too large to hand out.
mkdir "$tmp/data/plain/clients"
strip -o "$tmp/data/plain/clients/rport-$(uname -m)" "${RPORT_UNDER:-$RPORT}"
program() {
	curl -sS -f -o "$tmp/program" "$api/api/v1/pairing/$id/client/$(uname -m)" && chmod 755 "$tmp/program" &&
		in_text "$("$tmp/program" version)" version
}
# More than 16 MiB is not handed out.
if [ "$(stat -c %s "$tmp/data/plain/clients/rport-$(uname -m)")" -le 16777216 ]; then
	check "the program that it hands out runs" program
else
	check "a program that is too large is not handed out" call_is 404 GET "/pairing/$id/client/$(uname -m)" 'no client for'
fi
stop p1
stop plain

server_config tls '' "cert_file = \"$tmp/cert.pem\"
key_file = \"$tmp/key.pem\""
start_server tls
tls_made() {
	call POST /pairing -k -d "{\"connect_url\":\"http://$addr\"}"
	pairing_code=$(value .data.code)
	[ "$code" = 201 ] && in_text "$(value .data.install_command)" 'curl -fsSL https://'
}
check "a code of an API with TLS" tls_made
check "its certificate need not be known" pair 0 'written' -c "$tmp/p7.conf" --no-service "$api" "$pairing_code"

finish
