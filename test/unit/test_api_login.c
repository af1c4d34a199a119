/* SPDX-License-Identifier: MIT */
/*
 * Credentials in each call, waits and bans, bearer tokens, users of a file.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "test/lib/api_raw.h"

/* Credentials */

static void test_refused(void **state)
{
	static const char *const headers[] = {"", WRONG, "Authorization: Basic\r\n",
	    "Authorization: Basic !\r\n", "Authorization: Basic YWRtaW4=\r\n", /* admin */
	    "Authorization: Basic bm9ib2R5OnNlc2FtNw==\r\n",                   /* nobody:sesam7 */
	    "Authorization: Basic YWRtaW46c2VzYW03AA==\r\n", /* admin:sesam7 and a NUL */
	    "Authorization: Basic YWRtaW46\r\n", "Authorization: Bearer\r\n",
	    "Authorization: Bearer x\r\n", "Authorization: Bearer a.b.c\r\n",
	    "Authorization: Digest x\r\n", "Authorization: YWRtaW46c2VzYW03\r\n",
	    "X-Authorization: Basic YWRtaW46c2VzYW03\r\n"};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(headers); i++) {
		assert_reply(401, UNAUTHORIZED, ask("GET", "/me", headers[i], NULL));
		assert_no_header("WWW-Authenticate");
	}
	assert_int_equal(ask("GET", "/me", "authorization: bAsIc YWRtaW46c2VzYW03\r\n", NULL), 200);
}

static void test_long_password(void **state)
{
	(void)state;
	char *text = rp_malloc(3000);
	memset(text, 'x', 2999);
	text[2999] = '\0';
	memcpy(text, "admin:", 6);
	char *b64 = rp_base64(text, strlen(text));
	char *header = rp_asprintf("Authorization: Basic %s\r\n", b64);
	assert_reply(401, UNAUTHORIZED, ask("GET", "/me", header, NULL));
	rp_free(header);
	rp_free(b64);
	rp_free(text);
}

static void test_wait(void **state)
{
	(void)state;
	assert_reply(401, UNAUTHORIZED, ask("GET", "/me", WRONG, NULL));
	/* The right password does not help now; other names may go on. */
	assert_reply(429, FAIL("too many requests, please try later"), get("/me"));
	assert_reply(
	    429, FAIL("too many requests, please try later"), ask("GET", "/login", ADMIN, NULL));
	assert_reply(401, UNAUTHORIZED,
	    ask("GET", "/me", "Authorization: Basic bm9ib2R5OnNlc2FtNw==\r\n", NULL));
	assert_reply(401, UNAUTHORIZED, ask("GET", "/me", "", NULL));
	assert_reply(401, UNAUTHORIZED, ask("GET", "/me", "", NULL));
	uint64_t end = rp_clock_ms() + 400;
	while (rp_clock_ms() < end) {
		(void)usleep(10000);
	}
	assert_int_equal(get("/me"), 200);
}

static void test_ban(void **state)
{
	(void)state;
	assert_reply(401, UNAUTHORIZED, ask("GET", "/me", WRONG, NULL));
	assert_reply(401, UNAUTHORIZED, ask("GET", "/me", WRONG, NULL));
	assert_int_equal(get("/me"), 200);
	/* Counted from the start again. */
	assert_reply(401, UNAUTHORIZED, ask("GET", "/me", WRONG, NULL));
	assert_reply(401, UNAUTHORIZED, ask("GET", "/me", "", NULL));
	assert_reply(401, UNAUTHORIZED, ask("GET", "/me", "Authorization: Bearer x\r\n", NULL));
	assert_reply(423, "Too many bad attempts. Please try later.\n", get("/me"));
	assert_header("Content-Type: text/plain; charset=utf-8");
	assert_reply(
	    423, "Too many bad attempts. Please try later.\n", ask("GET", "/me", "", NULL));
	assert_reply(
	    423, "Too many bad attempts. Please try later.\n", ask("GET", "/login", ADMIN, NULL));
	assert_reply(423, "Too many bad attempts. Please try later.\n",
	    ask("POST", "/login", "Content-Type: application/json\r\n",
	        "{\"username\":\"admin\",\"password\":\"sesam7\"}"));
	/* What needs no login stays open. */
	assert_int_equal(ask("GET", "/auth/provider", "", NULL), 200);
}

/* Bearer tokens */

static char bearer[1024];

static void take_token(void)
{
	static const char start[] = "{\"data\":{\"token\":\"";
	static const char end[] = "\",\"two_fa\":null}}";
	assert_memory_equal(rig->body, start, strlen(start));
	const char *token = rig->body + strlen(start);
	size_t n = strcspn(token, "\"");
	assert_string_equal(token + n, end);
	(void)snprintf(bearer, sizeof(bearer), "Authorization: Bearer %.*s\r\n", (int)n, token);
}

static void login(const char *query)
{
	char path[128];
	(void)snprintf(path, sizeof(path), "/login%s", query);
	assert_int_equal(get(path), 200);
	take_token();
}

static void test_login(void **state)
{
	(void)state;
	login("");
	assert_int_equal(ask("GET", "/me", bearer, NULL), 200);
	/* Case of the word, and a second login beside the first. */
	char first[1024];
	memcpy(first, bearer, sizeof(first));
	memcpy(strstr(first, "Bearer"), "bEARER", 6);
	login("?token-lifetime=0");
	assert_int_equal(ask("GET", "/me", first, NULL), 200);
	assert_int_equal(ask("GET", "/me", bearer, NULL), 200);
	/* Out with one of them. */
	assert_reply(204, "", ask("DELETE", "/logout", first, NULL));
	assert_no_header("Content-Type");
	assert_reply(401, UNAUTHORIZED, ask("GET", "/me", first, NULL));
	assert_int_equal(ask("GET", "/me", bearer, NULL), 200);
	assert_reply(204, "", ask("DELETE", "/logout", first, NULL));
}

static void test_logout_without(void **state)
{
	static const char *const headers[] = {"", ADMIN, "Authorization: Bearer x\r\n"};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(headers); i++) {
		assert_reply(400,
		    FAIL("authorization Bearer header with valid auth token required"),
		    ask("DELETE", "/logout", headers[i], NULL));
	}
}

static void test_tampered_token(void **state)
{
	(void)state;
	login("");
	char *at = strrchr(bearer, '.') + 1;
	*at = *at == 'A' ? 'B' : 'A';
	assert_reply(401, UNAUTHORIZED, ask("GET", "/me", bearer, NULL));
	assert_reply(400, FAIL("authorization Bearer header with valid auth token required"),
	    ask("DELETE", "/logout", bearer, NULL));
}

static void test_login_get_errors(void **state)
{
	(void)state;
	assert_reply(401, FAIL("auth is required"), ask("GET", "/login", "", NULL));
	assert_reply(401, FAIL("auth is required"),
	    ask("GET", "/login", "Authorization: Bearer x\r\n", NULL));
	assert_reply(401, UNAUTHORIZED, ask("GET", "/login", WRONG, NULL));
	assert_reply(400, FAIL("invalid token-lifetime: expected a number of seconds"),
	    get("/login?token-lifetime=x"));
	assert_reply(400, FAIL("requested token lifetime exceeds max allowed 7776000"),
	    get("/login?token-lifetime=7776001"));
	assert_int_equal(get("/login?token-lifetime=7776000"), 200);
	assert_int_equal(get("/login?token-lifetime=-1"), 200);
	assert_int_equal(get("/login?token-lifetime="), 200);
}

static void test_login_post(void **state)
{
	static const char form[] = "Content-Type: application/x-www-form-urlencoded\r\n";
	static const char json[] = "Content-Type: application/json\r\n";
	(void)state;
	assert_int_equal(
	    ask("POST", "/login", json, "{\"username\":\"admin\",\"password\":\"sesam7\"}"), 200);
	take_token();
	assert_int_equal(ask("GET", "/me", bearer, NULL), 200);
	assert_int_equal(ask("POST", "/login", form, "username=admin&password=ses%61m7"), 200);
	take_token();
	/* Keys in any case, as the original's reader takes them. */
	assert_int_equal(
	    ask("POST", "/login", json, "{\"Username\":\"admin\",\"PASSWORD\":\"sesam7\"}"), 200);
	assert_reply(401, UNAUTHORIZED,
	    ask("POST", "/login", json, "{\"username\":\"admin\",\"password\":\"x\"}"));
	assert_reply(401, UNAUTHORIZED, ask("POST", "/login", json, "{}"));
	assert_reply(401, UNAUTHORIZED, ask("POST", "/login", form, "username=admin"));
	assert_reply(400, FAIL("Missing body with json data."), ask("POST", "/login", json, ""));
	assert_reply(400, ERR("", "Invalid JSON data.", "json: unknown field \\\"user\\\""),
	    ask("POST", "/login", json, "{\"user\":\"admin\"}"));
	assert_int_equal(ask("POST", "/login", json, "{"), 400);
	assert_reply(400, FAIL("The form is not readable."), ask("POST", "/login", form, "a=%"));
	assert_reply(400, FAIL("content type text/plain is not supported"),
	    ask("POST", "/login", "Content-Type: text/plain\r\n", "x"));
	assert_int_equal(ask("POST", "/login", "", "x"), 400);
}

static void test_login_survives_restart(void **state)
{
	(void)state;
	login("?token-lifetime=3600");
	rp_api_rig_restart(rig);
	assert_int_equal(ask("GET", "/me", bearer, NULL), 200);
	assert_reply(204, "", ask("DELETE", "/logout", bearer, NULL));
	rp_api_rig_restart(rig);
	assert_reply(401, UNAUTHORIZED, ask("GET", "/me", bearer, NULL));
}

/* The secret of the configuration left out: one is made and kept. */
static void test_own_secret(void **state)
{
	(void)state;
	login("");
	rp_api_rig_restart(rig);
	assert_int_equal(ask("GET", "/me", bearer, NULL), 200);
}

static int end_sessions(struct rp_db *db, void *arg, struct rp_err *err)
{
	(void)arg;
	return rp_db_exec(db, "UPDATE api_sessions SET expires_at = 1", err);
}

static void test_expired(void **state)
{
	const struct rp_store_job job = {.work = end_sessions};
	(void)state;
	login("");
	assert_int_equal(rp_store_submit(rig->store.store, &job), 0);
	rp_store_rig_sync(&rig->store);
	rp_api_rig_restart(rig);
	assert_reply(401, UNAUTHORIZED, ask("GET", "/me", bearer, NULL));
}

/* With one static user there is nothing to administrate. */
static void test_static_user(void **state)
{
	static const char *const calls[][3] = {
	    {"GET", "/users", NULL},
	    {"POST", "/users", "{\"username\":\"a\",\"password\":\"a long pass phrase\"}"},
	    {"PUT", "/users/admin", "{\"groups\":[]}"},
	    {"DELETE", "/users/admin", NULL},
	    {"GET", "/users/admin/sessions", NULL},
	    {"DELETE", "/users/admin/sessions", NULL},
	    {"GET", "/user-groups", NULL},
	    {"PUT", "/user-groups/x", "{\"permissions\":{}}"},
	    {"DELETE", "/user-groups/x", NULL},
	    {"PUT", "/me", "{\"password\":\"a long pass phrase\",\"old_password\":\"sesam7\"}"},
	    {"POST", "/login",
	        "{\"username\":\"admin\",\"password\":\"sesam7\",\"new_password\":"
	        "\"a long pass phrase\"}"},
	};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(calls); i++) {
		assert_reply(400,
		    FAIL("server runs on a static user-password pair, please use JSON file or "
		         "database for user data"),
		    ask(calls[i][0], calls[i][1], ADMIN "Content-Type: application/json\r\n",
		        calls[i][2]));
	}
	assert_int_equal(ask("GET", "/me", ADMIN, NULL), 200);
	assert_non_null(strstr(rig->body, "\"groups\":[\"Administrators\"]"));
}

/* Users of a file */

/* The rig's own users. */
static int setup_file(void **state)
{
	(void)state;
	rig = rp_api_rig_open(NULL);
	return 0;
}

static unsigned as(const char *pair, const char *method, const char *path)
{
	char *b64 = rp_base64(pair, strlen(pair));
	char *header = rp_asprintf("Authorization: Basic %s\r\n", b64);
	unsigned status = ask(method, path, header, NULL);
	rp_free(header);
	rp_free(b64);
	return status;
}

static void test_file_users(void **state)
{
	(void)state;
	assert_int_equal(as("bob:tops3cret", "GET", "/me"), 200);
	assert_non_null(strstr(rig->body, "\"username\":\"bob\""));
	assert_non_null(strstr(rig->body, "\"groups\":[\"staff\"]"));
	assert_reply(401, UNAUTHORIZED, as("bob:wrong", "GET", "/me"));
	/* The password of another user does not open an unknown name. */
	assert_reply(401, UNAUTHORIZED, as("nobody:tops3cret", "GET", "/me"));
	assert_reply(401, FAIL("password has expired, please change your password"),
	    as("old:tops3cret", "GET", "/me"));
	assert_reply(401, FAIL("password has expired, please change your password"),
	    as("old:tops3cret", "GET", "/login"));
	assert_reply(401, UNAUTHORIZED, as("old:wrong", "GET", "/login"));
	assert_int_equal(as("bob:tops3cret", "GET", "/login"), 200);
	take_token();
	assert_int_equal(ask("GET", "/me", bearer, NULL), 200);
}

static void test_access(void **state)
{
	(void)state;
	connect_client("c1", 1);
	assert_int_equal(as("admin:tops3cret", "GET", "/clients/c1?fields[clients]=id"), 200);
	assert_reply(403, FAIL("Access denied to client(s) with ID(s): c1"),
	    as("bob:tops3cret", "GET", "/clients/c1"));
	assert_reply(403, FAIL("Access denied to client(s) with ID(s): c1"),
	    as("bob:tops3cret", "PUT", "/clients/c1/tunnels?remote=22"));
	assert_reply(403, FAIL("Access denied to client(s) with ID(s): c1"),
	    as("bob:tops3cret", "GET", "/clients/c1/commands/x"));
	assert_reply(404, FAIL("Client with id=\\\"c9\\\" not found."),
	    as("bob:tops3cret", "GET", "/clients/c9"));
	assert_reply(
	    200, "{\"data\":[],\"meta\":{\"count\":0}}", as("bob:tops3cret", "GET", "/clients"));
	assert_reply(200, "{\"data\":[]}", as("bob:tops3cret", "GET", "/tunnels"));
	assert_reply(200,
	    "{\"data\":[{\"id\":\"c1\",\"name\":\"name of\",\"hostname\":\"host\"}],"
	    "\"meta\":{\"count\":1}}",
	    as("admin:tops3cret", "GET", "/clients"));
}

/* The answer comes back to a peer that has gone. */
static void test_gone_while_checking(void **state)
{
	(void)state;
	char *b64 = rp_base64("bob:tops3cret", 13);
	char *header = rp_asprintf("Authorization: Basic %s\r\n", b64);
	for (int i = 0; i < 5; i++) {
		begin("GET", "/me", header, NULL);
		rp_api_rig_turn(rig);
		assert_int_equal(close(rig->fd), 0);
	}
	assert_int_equal(as("bob:tops3cret", "GET", "/me"), 200);
	/* And the API is stopped in the middle of a check, of a password that was not checked yet. */
	begin("GET", "/me", ADMIN, NULL);
	rp_api_rig_turn(rig);
	rp_api_rig_turn(rig);
	rp_api_rig_restart(rig);
	assert_int_equal(rp_api_rig_finish(rig), 0);
	rp_free(header);
	rp_free(b64);
}

static int setup_waits(void **state)
{
	(void)state;
	rig = rp_api_rig_open(NULL);
	rig->cfg.api.user_login_wait = 600;
	rp_api_rig_restart(rig);
	return 0;
}

static void begin_as(const char *pair, int *fd)
{
	char *b64 = rp_base64(pair, strlen(pair));
	char *header = rp_asprintf("Authorization: Basic %s\r\n", b64);
	begin("GET", "/me", header, NULL);
	*fd = rig->fd;
	rp_free(header);
	rp_free(b64);
}

/* More at once than there are threads, so that the right one is checked behind wrong ones. */
#define GUESSES 12

static void test_guesses_at_once(void **state)
{
	(void)state;
	int fds[GUESSES];
	for (size_t i = 0; i < GUESSES; i++) {
		begin_as(i + 1 < GUESSES ? "bob:wrong" : "bob:tops3cret", &fds[i]);
	}
	size_t refused = 0;
	for (size_t i = 0; i < GUESSES; i++) {
		rig->fd = fds[i];
		rig->reply_n = 0;
		unsigned status = rp_api_rig_finish(rig);
		assert_true(status == 401 || status == 429);
		refused += status == 401;
	}
	/* One is told that it is wrong. The others, the right one too, have to wait. */
	assert_int_equal(refused, 1);
	assert_int_equal(as("admin:tops3cret", "GET", "/me"), 200);
}

#define T(name)            cmocka_unit_test_setup_teardown(name, setup, teardown)
#define T_CONF(name, text) cmocka_unit_test_prestate_setup_teardown(name, setup, teardown, text)
#define T_FILE(name)       cmocka_unit_test_setup_teardown(name, setup_file, teardown)

int main(void)
{
	static char own_secret[] =
	    "[server]\nauth = 'one:tops3cret'\n[api]\naddress = '127.0.0.1:0'\n"
	    "auth = 'admin:sesam7'\n";
	static char waits[] = STATIC "user_login_wait = 0.3\nmax_failed_login = 0\n";
	static char bans[] = STATIC "user_login_wait = 0\nmax_failed_login = 3\nban_time = 600\n";
	const struct CMUnitTest tests[] = {
	    T(test_refused),
	    T(test_long_password),
	    T_CONF(test_wait, waits),
	    T_CONF(test_ban, bans),
	    T(test_login),
	    T(test_logout_without),
	    T(test_tampered_token),
	    T(test_login_get_errors),
	    T(test_login_post),
	    T(test_login_survives_restart),
	    T_CONF(test_own_secret, own_secret),
	    T(test_expired),
	    T(test_static_user),
	    T_FILE(test_file_users),
	    T_FILE(test_access),
	    T_FILE(test_gone_while_checking),
	    cmocka_unit_test_setup_teardown(test_guesses_at_once, setup_waits, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
