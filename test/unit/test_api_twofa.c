/* SPDX-License-Identifier: MIT */
/*
 * Second factors over the API: half-way logins and what they reach, codes carried by a real program,
 * TOTP from setting up to deleting, limits on guessing.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/router.h"
#include "api/totp.h"
#include "api/twofa.h"
#include "api/users.h"
#include "core/alloc.h"
#include "core/clock.h"
#include "test/lib/api_short.h"

#define PASSWORD  RP_API_RIG_PASSWORD
#define TOKEN_MAX 2048
#define WAIT_MS   20000

static char folder[64];
static char program[96];
static char half[TOKEN_MAX]; /* "Bearer …" */
static char full[TOKEN_MAX];

static bool said(const char *text)
{
	return strstr(rig->body, text) != NULL;
}

/* Password login; the token in half. */
static unsigned log_in(const char *name)
{
	char body[128];
	char token[TOKEN_MAX - 8];
	(void)snprintf(
	    body, sizeof(body), "{\"username\":\"%s\",\"password\":\"" PASSWORD "\"}", name);
	unsigned status = ask(NULL, "POST", "/login", body);
	if (status == 200) {
		rp_api_rig_text(rig, "token", token, sizeof(token));
		(void)snprintf(half, sizeof(half), "Bearer %s", token);
	}
	return status;
}

/* The second step; the token in full. */
static unsigned verify(const char *name, const char *code)
{
	char body[128];
	char token[TOKEN_MAX - 8];
	(void)snprintf(body, sizeof(body), "{\"username\":\"%s\",\"token\":\"%s\"}", name, code);
	unsigned status = ask(half, "POST", "/verify-2fa", body);
	if (status == 200) {
		assert_true(said("\"two_fa\":null"));
		rp_api_rig_text(rig, "token", token, sizeof(token));
		(void)snprintf(full, sizeof(full), "Bearer %s", token);
	}
	return status;
}

static void on_changed(void *ctx, int code, const struct rp_err *err)
{
	bool *done = ctx;
	(void)err;
	assert_int_equal(code, 0);
	*done = true;
}

static void set_address(const char *name, const char *address)
{
	const struct rp_user_change change = {.two_fa_send_to = address};
	struct rp_api *api = rig->api;
	uint64_t end = rp_clock_ms() + WAIT_MS;
	bool done = false;
	assert_int_equal(rp_users_change(api->users, name, &change, on_changed, &done), 0);
	while (!done) {
		(void)uv_run(rp_loop_uv(rig->store.loop), UV_RUN_ONCE);
		assert_true(rp_clock_ms() < end);
	}
}

/* A program that does what lines say and knows where $out is. */
static void write_program(const char *lines)
{
	(void)snprintf(folder, sizeof(folder), "/tmp/rport-twofa.XXXXXX");
	assert_non_null(mkdtemp(folder));
	(void)snprintf(program, sizeof(program), "%s/send", folder);
	FILE *f = fopen(program, "w");
	assert_non_null(f);
	(void)fprintf(f, "#!/bin/sh\nout=%s/out\n%s\n", folder, lines);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(program, 0755), 0);
}

static void open_program(const char *lines, const char *extra)
{
	char conf[256];
	write_program(lines);
	(void)snprintf(conf, sizeof(conf), "two_fa_token_delivery = '%s'\n%s", program, extra);
	rig = rp_api_rig_open(conf);
	set_address("admin", "admin@example.com");
}

static void close_program(void)
{
	char path[128];
	rp_api_rig_close(rig);
	(void)snprintf(path, sizeof(path), "%s/out", folder);
	(void)unlink(path);
	assert_int_equal(unlink(program), 0);
	assert_int_equal(rmdir(folder), 0);
}

/* What the program has written, in at most size bytes. */
static void read_out(char *out, size_t size)
{
	char path[128];
	(void)snprintf(path, sizeof(path), "%s/out", folder);
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	size_t n = fread(out, 1, size - 1, f);
	out[n] = '\0';
	assert_int_equal(fclose(f), 0);
}

#define SAVE                                                                  \
	"printf '%s|%s|%s|%s|%s' \"$RPORT_2FA_TOKEN\" \"$RPORT_2FA_SENDTO\" " \
	"\"$RPORT_2FA_TOKEN_TTL\" \"$RPORT_2FA_USER_AGENT\" "                 \
	"\"$RPORT_2FA_REMOTE_ADDRESS\" >$out"

static void sent_code(char code[static 7])
{
	char text[512];
	read_out(text, sizeof(text));
	(void)snprintf(code, 7, "%.6s", text);
}

static void test_code(void **state)
{
	char code[7];
	char text[512];
	(void)state;
	open_program(SAVE, "");
	const struct rp_api_ask login = {
	    .method = "POST",
	    .path = "/login",
	    .body = "{\"username\":\"admin\",\"password\":\"" PASSWORD "\"}",
	    .headers = "User-Agent: $(id) `id`\r\n",
	};
	assert_int_equal(rp_api_rig_ask(rig, &login), 200);
	assert_true(
	    said("\"two_fa\":{\"send_to\":\"admin@example.com\",\"delivery_method\":\"script\","
	         "\"totp_key_status\":\"\"}"));
	read_out(text, sizeof(text));
	assert_string_equal(text + 6, "|admin@example.com|600|$(id) `id`|127.0.0.1");
	assert_int_equal(log_in("admin"), 200);
	sent_code(code);
	assert_int_equal(
	    strspn(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"), 6);
	assert_int_equal(ask(half, "GET", "/me", NULL), 403);
	assert_true(said("the second factor of this login is still missing"));
	assert_int_equal(verify("admin", "000000"), 401);
	assert_true(said("invalid token"));
	assert_int_equal(verify("bob", code), 401);
	assert_int_equal(verify("admin", code), 200);
	assert_int_equal(ask(full, "GET", "/me", NULL), 200);
	assert_true(said("\"username\":\"admin\""));
	/* Neither the code nor the half-way token is good for anything more. */
	assert_int_equal(verify("admin", code), 401);
	assert_int_equal(ask(half, "GET", "/me", NULL), 401);
	assert_int_equal(
	    ask(full, "POST", "/verify-2fa", "{\"username\":\"admin\",\"token\":\"x\"}"), 403);
	assert_int_equal(ask(full, "GET", "/status", NULL), 200);
	assert_true(said("\"two_fa_enabled\":true,\"two_fa_delivery_method\":\"script\""));
	close_program();
}

/* Both halves for a page that keeps the token in a cookie (api/cookie.h). */
static void test_cookie(void **state)
{
	char code[7];
	char body[128];
	char headers[2][TOKEN_MAX];
	(void)state;
	open_program(SAVE, "");
	struct rp_api_ask a = {
	    .method = "POST",
	    .path = "/login",
	    .body = "{\"username\":\"admin\",\"password\":\"" PASSWORD "\"}",
	    .headers = "X-Rport-Session: cookie\r\n",
	};
	for (int i = 0; i < 2; i++) {
		assert_int_equal(rp_api_rig_ask(rig, &a), 200);
		assert_null(strstr(rig->body, "\"token\""));
		const char *set = strstr(rig->reply, "rport_session=");
		assert_non_null(set);
		(void)snprintf(headers[i], TOKEN_MAX, "Cookie: %.*s\r\nX-Rport-Session: cookie\r\n",
		    (int)strcspn(set, ";"), set);
		sent_code(code);
		(void)snprintf(
		    body, sizeof(body), "{\"username\":\"admin\",\"token\":\"%s\"}", code);
		a.path = "/verify-2fa";
		a.body = body;
		a.headers = headers[i];
	}
	a = (struct rp_api_ask){.method = "GET", .path = "/me", .headers = headers[0]};
	assert_int_equal(rp_api_rig_ask(rig, &a), 401);
	a.headers = headers[1];
	assert_int_equal(rp_api_rig_ask(rig, &a), 200);
	close_program();
}

static void test_verify_body(void **state)
{
	char code[7];
	char body[128];
	(void)state;
	open_program(SAVE, "");
	assert_int_equal(log_in("admin"), 200);
	sent_code(code);
	assert_int_equal(ask(NULL, "POST", "/verify-2fa", "{}"), 401);
	assert_int_equal(ask(half, "POST", "/verify-2fa", "{\"token\":\"x\"}"), 401);
	assert_true(said("username is required"));
	assert_int_equal(ask(half, "POST", "/verify-2fa", "{\"username\":\"admin\"}"), 401);
	assert_true(said("token is required"));
	assert_int_equal(ask(half, "POST", "/verify-2fa", "{"), 400);
	assert_int_equal(ask(half, "POST", "/verify-2fa?token-lifetime=x", "{}"), 400);
	assert_int_equal(ask(ADMIN, "POST", "/verify-2fa", "{}"), 401);
	(void)snprintf(body, sizeof(body), "{\"username\":\"admin\",\"token\":\"%s\"}", code);
	assert_int_equal(ask(half, "POST", "/verify-2fa?token-lifetime=60", body), 200);
	/* Logging out ends a half-way login too. */
	assert_int_equal(log_in("admin"), 200);
	sent_code(code);
	assert_int_equal(ask(half, "DELETE", "/logout", NULL), 204);
	assert_int_equal(verify("admin", code), 401);
	close_program();
}

/* Every route but one says no to it, and it is in no list of sessions. */
static void test_half_way_reaches_nothing(void **state)
{
	size_t n;
	const struct rp_route *routes = rp_router_table(&n);
	char code[7];
	(void)state;
	open_program(SAVE, "");
	assert_int_equal(log_in("admin"), 200);
	for (size_t i = 0; i < n; i++) {
		bool open = routes[i].auth == RP_ROUTE_OPEN;
		if (open || strcmp(routes[i].path, "/verify-2fa") == 0 ||
		    strncmp(routes[i].path, "/ws/", 4) == 0) {
			continue;
		}
		char path[256] = "";
		for (const char *p = routes[i].path; *p != '\0'; p++) {
			(void)strncat(path, *p == '{' ? "x" : (char[2]){*p == '}' ? '\0' : *p},
			    sizeof(path) - strlen(path) - 1);
		}
		unsigned status = ask(half, routes[i].method, path, NULL);
		if (status != 403) {
			fail_msg("%s %s: %u", routes[i].method, path, status);
		}
	}
	sent_code(code);
	assert_int_equal(verify("admin", code), 200);
	assert_int_equal(log_in("admin"), 200);
	assert_int_equal(ask(full, "GET", "/users/admin/sessions", NULL), 200);
	const char *first = strstr(rig->body, "\"session_id\"");
	assert_non_null(first);
	assert_null(strstr(first + 1, "\"session_id\""));
	close_program();
}

static void test_basic(void **state)
{
	char code[7];
	char token[64];
	char user[128];
	(void)state;
	open_program(SAVE, "");
	assert_int_equal(rp_api_rig_get(rig, "admin", "/me"), 401);
	assert_int_equal(rp_api_rig_get(rig, "bob", "/me"), 401);
	assert_int_equal(log_in("admin"), 200);
	sent_code(code);
	assert_int_equal(verify("admin", code), 200);
	assert_int_equal(
	    ask(full, "POST", "/me/tokens", "{\"scope\":\"read\",\"name\":\"robot\"}"), 200);
	rp_api_rig_text(rig, "token", token, sizeof(token));
	(void)snprintf(user, sizeof(user), "admin:%s", token);
	assert_int_equal(ask(user, "GET", "/me", NULL), 200);
	/* GET /login takes name and password, and answers half-way. */
	assert_int_equal(ask(ADMIN, "GET", "/login", NULL), 200);
	assert_true(said("\"delivery_method\":\"script\""));
	assert_int_equal(ask("admin:wrong", "GET", "/login", NULL), 401);
	assert_int_equal(ask(user, "GET", "/login", NULL), 401);
	close_program();
}

static void test_guessing(void **state)
{
	char code[7];
	(void)state;
	open_program(SAVE, "");
	assert_int_equal(log_in("admin"), 200);
	sent_code(code);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(verify("admin", "wrong!"), 401);
	}
	/* That login is over. */
	assert_int_equal(verify("admin", code), 401);
	assert_true(said("unauthorized"));
	assert_int_equal(log_in("admin"), 200);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(verify("admin", "wrong!"), 401);
	}
	/* And so is the user's patience, with the right password too. */
	assert_int_equal(log_in("admin"), 429);
	assert_true(said("too many wrong codes"));
	close_program();
}

static void test_many_logins(void **state)
{
	char code[7];
	char first[TOKEN_MAX];
	(void)state;
	open_program(SAVE, "");
	assert_int_equal(log_in("admin"), 200);
	(void)snprintf(first, sizeof(first), "%s", half);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(log_in("admin"), 200);
	}
	assert_int_equal(ask(first, "GET", "/me", NULL), 401);
	sent_code(code);
	assert_int_equal(verify("admin", code), 200);
	close_program();
}

static void test_program_fails(void **state)
{
	(void)state;
	open_program("echo 'no way\x07 out' >&2; exit 3", "");
	assert_int_equal(log_in("admin"), 500);
	assert_true(said("failed to send 2fa verification code: no way  out\""));
	set_address("bob", "bob");
	close_program();
	open_program("exit 3", "");
	assert_int_equal(log_in("admin"), 500);
	assert_true(said("failed to send 2fa verification code: exit status 3"));
	close_program();
}

static void test_no_address(void **state)
{
	(void)state;
	open_program(SAVE, "");
	assert_int_equal(log_in("bob"), 400);
	assert_true(said("no two_fa_send_to set for this user"));
	assert_int_equal(log_in("old"), 401);
	close_program();
}

/* The program and what it has started are gone. */
static void test_timeout(void **state)
{
	char text[32];
	(void)state;
	open_program("sleep 600 & echo $! >$out; wait", "two_fa_send_timeout = '1s'\n");
	assert_int_equal(log_in("admin"), 500);
	assert_true(said("the program did not end in time"));
	read_out(text, sizeof(text));
	pid_t child = (pid_t)strtol(text, NULL, 10);
	assert_true(child > 1);
	uint64_t end = rp_clock_ms() + WAIT_MS;
	while (kill(child, 0) == 0) {
		/* Somebody else has to collect it: a zombie counts as gone. */
		char path[64];
		char stat[256] = "";
		(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)child);
		FILE *f = fopen(path, "r");
		if (f == NULL || fgets(stat, sizeof(stat), f) == NULL ||
		    strstr(stat, ") Z") != NULL) {
			if (f != NULL) {
				(void)fclose(f);
			}
			break;
		}
		(void)fclose(f);
		assert_true(rp_clock_ms() < end);
		(void)usleep(10000);
	}
	close_program();
}

/* --- TOTP --- */

static void code_of(const char *secret, int64_t step_offset, char code[static 7])
{
	struct rp_totp t;
	assert_int_equal(rp_totp_parse(secret, &t), 0);
	assert_int_equal(rp_totp_code(&t, rp_time_now() / RP_NS_PER_S / 30 + step_offset, code), 0);
}

static void test_totp(void **state)
{
	char secret[64];
	char again[64];
	char code[7];
	(void)state;
	rig = rp_api_rig_open("totp_enabled = true\n");
	assert_int_equal(log_in("admin"), 200);
	assert_true(
	    said("\"two_fa\":{\"send_to\":\"\",\"delivery_method\":\"totp_authenticator_app\","
	         "\"totp_key_status\":\"pending\"}"));
	assert_int_equal(ask(half, "GET", "/me", NULL), 403);
	assert_int_equal(verify("admin", "123456"), 409);
	assert_int_equal(ask(half, "POST", "/me/totp-secret", NULL), 200);
	assert_true(strncmp(rig->body, "{\"secret\":\"", 11) == 0);
	rp_api_rig_text(rig, "secret", secret, sizeof(secret));
	assert_int_equal(strlen(secret), 32);
	assert_true(said("\"qr\":\"iVBORw0KGgo"));
	/* Once, and nothing else. */
	assert_int_equal(ask(half, "POST", "/me/totp-secret", NULL), 403);
	assert_int_equal(ask(half, "GET", "/me/totp-secret", NULL), 403);
	assert_int_equal(ask(half, "DELETE", "/me/totp-secret", NULL), 403);
	code_of(secret, 0, code);
	assert_int_equal(verify("admin", code), 200);
	assert_int_equal(ask(full, "GET", "/me/totp-secret", NULL), 200);
	rp_api_rig_text(rig, "secret", again, sizeof(again));
	assert_string_equal(again, secret);
	assert_int_equal(ask(full, "POST", "/me/totp-secret", NULL), 409);
	/* The used code is used; the next one is good. */
	assert_int_equal(log_in("admin"), 200);
	assert_true(said("\"totp_key_status\":\"exists\""));
	assert_int_equal(verify("admin", code), 401);
	code_of(secret, 1, code);
	assert_int_equal(verify("admin", code), 200);
	/* It is still there after a restart, half-way logins are not. */
	assert_int_equal(log_in("admin"), 200);
	rp_api_rig_restart(rig);
	assert_int_equal(verify("admin", "123456"), 401);
	/* What was used stays used. */
	assert_int_equal(log_in("admin"), 200);
	assert_int_equal(verify("admin", code), 401);
	assert_true(said("invalid token"));
	assert_int_equal(ask(full, "GET", "/me/totp-secret", NULL), 200);
	assert_int_equal(ask(full, "DELETE", "/me/totp-secret", NULL), 204);
	assert_int_equal(ask(full, "GET", "/me/totp-secret", NULL), 404);
	assert_int_equal(log_in("admin"), 200);
	assert_true(said("\"totp_key_status\":\"pending\""));
	rp_api_rig_close(rig);
}

/* Rows that say nothing any more, or that a wrong clock has written. */
static void test_totp_old_steps(void **state)
{
	struct rp_err err = {0};
	struct rp_stmt *stmt;
	(void)state;
	rig = rp_api_rig_open("totp_enabled = true\n");
	rp_api_rig_stop(rig);
	int64_t step = rp_time_now() / RP_NS_PER_S / 30;
	char *sql = rp_asprintf(
	    "INSERT INTO totp_steps VALUES ('a', %lld), ('b', %lld), ('c', %lld)",
	    (long long)step - 100, (long long)step, (long long)step + 100);
	assert_int_equal(rp_db_exec(rp_store_db(rig->store.store), sql, &err), 0);
	rp_free(sql);
	rp_api_rig_start(rig);
	assert_int_equal(rp_db_stmt(rp_store_db(rig->store.store),
	                     "SELECT username FROM totp_steps", &stmt, &err),
	    0);
	assert_int_equal(rp_stmt_step(stmt, &err), 1);
	assert_string_equal(rp_stmt_text(stmt, 0), "b");
	assert_int_equal(rp_stmt_step(stmt, &err), 0);
	rp_api_rig_close(rig);
}

static void test_totp_of_others(void **state)
{
	char secret[64];
	char code[7];
	char admin[TOKEN_MAX];
	(void)state;
	rig = rp_api_rig_open("totp_enabled = true\n");
	assert_int_equal(log_in("admin"), 200);
	assert_int_equal(ask(half, "POST", "/me/totp-secret", NULL), 200);
	rp_api_rig_text(rig, "secret", secret, sizeof(secret));
	code_of(secret, 0, code);
	assert_int_equal(verify("admin", code), 200);
	(void)snprintf(admin, sizeof(admin), "%s", full);
	assert_int_equal(log_in("bob"), 200);
	assert_int_equal(ask(half, "POST", "/me/totp-secret", NULL), 200);
	assert_int_equal(ask(half, "DELETE", "/users/admin/totp-secret", NULL), 403);
	assert_int_equal(ask(admin, "DELETE", "/users/bob/totp-secret", NULL), 204);
	assert_int_equal(ask(admin, "DELETE", "/users/nobody/totp-secret", NULL), 404);
	assert_int_equal(log_in("bob"), 200);
	assert_true(said("\"totp_key_status\":\"pending\""));
	assert_int_equal(ask(admin, "GET", "/status", NULL), 200);
	assert_true(
	    said("\"two_fa_enabled\":true,\"two_fa_delivery_method\":\"totp_authenticator_app\""));
	rp_api_rig_close(rig);
}

/* A login that waits too long is over. */
static void test_expired(void **state)
{
	(void)state;
	rig = rp_api_rig_open("totp_enabled = true\ntotp_login_session_ttl = '1s'\n");
	assert_int_equal(log_in("admin"), 200);
	(void)usleep(1100000);
	assert_int_equal(verify("admin", "123456"), 401);
	assert_true(said("unauthorized"));
	rp_api_rig_close(rig);
}

/* Whoever has only the password cannot put another in its place. */
static void test_new_password(void **state)
{
	(void)state;
	rig = rp_api_rig_open("totp_enabled = true\n");
	assert_int_equal(ask(NULL, "POST", "/login",
	                     "{\"username\":\"admin\",\"password\":\"" PASSWORD
	                     "\",\"new_password\":\"another good one of mine\"}"),
	    403);
	assert_true(said("changed after the login, by PUT /me"));
	assert_int_equal(log_in("admin"), 200);
	rp_api_rig_close(rig);
}

static void test_off(void **state)
{
	(void)state;
	rig = rp_api_rig_open(NULL);
	assert_int_equal(
	    ask(NULL, "POST", "/verify-2fa", "{\"username\":\"a\",\"token\":\"b\"}"), 409);
	assert_true(said("2fa is disabled"));
	assert_int_equal(rp_api_rig_get(rig, "admin", "/me/totp-secret"), 400);
	assert_true(said("TotP is disabled"));
	assert_int_equal(ask(ADMIN, "POST", "/me/totp-secret", NULL), 400);
	assert_int_equal(ask(ADMIN, "DELETE", "/users/bob/totp-secret", NULL), 400);
	assert_int_equal(log_in("admin"), 200);
	assert_true(said("\"two_fa\":null"));
	rp_api_rig_close(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_code),
	    cmocka_unit_test(test_verify_body),
	    cmocka_unit_test(test_half_way_reaches_nothing),
	    cmocka_unit_test(test_basic),
	    cmocka_unit_test(test_guessing),
	    cmocka_unit_test(test_many_logins),
	    cmocka_unit_test(test_program_fails),
	    cmocka_unit_test(test_no_address),
	    cmocka_unit_test(test_timeout),
	    cmocka_unit_test(test_cookie),
	    cmocka_unit_test(test_totp),
	    cmocka_unit_test(test_totp_old_steps),
	    cmocka_unit_test(test_totp_of_others),
	    cmocka_unit_test(test_expired),
	    cmocka_unit_test(test_new_password),
	    cmocka_unit_test(test_off),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
