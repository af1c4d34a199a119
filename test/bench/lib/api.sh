# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Requests that the API answers in a second while clients are connected: wrk with 16 connections, on a
# server of its own. It shares the machine's processors with the server.

# The password of a user in a file; htpasswd need not be there.
BCRYPT_PASSWORD=tops3cret
# shellcheck disable=SC2016 # no variables
BCRYPT_HASH='$2y$10$abcdefghijklmnopqrstuuoVPv9BCA52KUkVfmYHPbjvCVGI5TPDa'

# requests ROW PATH USER:PASSWORD
requests() {
	measured rport "$1" "$TIME" wrk -t 1 -c 16 -d "${TIME}s" \
		-H "Authorization: Basic $(printf %s "$3" | base64 -w 0)" "http://$API/api/v1$2" || return 0
	if grep -q 'Non-2xx' "$WORK/out"; then
		complain "$1: $(grep Non-2xx "$WORK/out")"
	else
		put rport "$1" "$(sed -n 's/^Requests.sec: *//p' "$WORK/out")"
	fi
}

# api_with_clients NUMBER
api_with_clients() {
	local number=$1 i first=${#PIDS[@]} round
	serve_rport api 127.0.0.1
	for ((i = 1; i <= number; i++)); do
		rport_client "api-$i" 127.0.0.1 "$RPORT_PORT"
	done
	until_equal connected_clients "$number" || return 0
	for ((round = 1; round <= ROUNDS; round++)); do
		requests wrk_status /status "admin:$API_PASSWORD"
		requests wrk_clients '/clients?page%5Blimit%5D=20' "admin:$API_PASSWORD"
	done
	stop_from "$first"
	api_with_bcrypt
}

api_with_bcrypt() {
	local first=${#PIDS[@]}
	printf '[{"username":"admin","password":"%s","groups":["Administrators"]}]' "$BCRYPT_HASH" >"$WORK/users.json"
	chmod 644 "$WORK/users.json"
	API_USERS=$WORK/users.json serve_rport bcrypt 127.0.0.1
	requests wrk_bcrypt /status "admin:$BCRYPT_PASSWORD"
	stop_from "$first"
}
