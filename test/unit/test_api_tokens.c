/* SPDX-License-Identifier: MIT */
/*
 * API tokens and the logins of users over the API: every answer and error of rport-api 3.5 and of
 * the sessions in 4.2, and what survives a restart.
 */
#include "api/tokens.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/str.h"
#include "test/lib/api_short.h"

/* A new token of a user; out is "name:token". */
static void make(const char *user, const char *body, char out[static 128], char prefix[static 16])
{
	char token[64];
	assert_int_equal(ask(user, "POST", "/me/tokens", body), 200);
	rp_api_rig_text(rig, "token", token, sizeof(token));
	rp_api_rig_text(rig, "prefix", prefix, 16);
	(void)snprintf(out, 128, "%.*s:%s", (int)strcspn(user, ":"), user, token);
}

static void test_form(void **state)
{
	char user[128];
	char prefix[16];
	(void)state;
	assert_reply(200, "{\"data\":[]}", ask(BOB, "GET", "/me/tokens", NULL));
	make(BOB, "{\"name\":\"n\",\"scope\":\"read\",\"expires_at\":\"2099-01-02T03:04:05Z\"}",
	    user, prefix);
	assert_int_equal(strlen(prefix), 8);
	assert_int_equal(strlen(user), strlen("bob:") + RP_TOKEN_TEXT_MAX - 1);
	assert_memory_equal(user + 4, prefix, 8);
	assert_part("\"expires_at\":\"2099-01-02T03:04:05Z\",\"scope\":\"read\",\"token\":\"");
	assert_int_equal(ask(BOB, "GET", "/me/tokens", NULL), 200);
	assert_part("\",\"name\":\"n\",\"created_at\":\"20");
	assert_part("Z\",\"expires_at\":\"2099-01-02T03:04:05Z\",\"scope\":\"read\"}]}");
	/* The secret is shown once, and only to its owner. */
	assert_null(strstr(rig->body, user + 4));
	assert_reply(200, "{\"data\":[]}", ask(ADMIN, "GET", "/me/tokens", NULL));
}

static void test_errors(void **state)
{
	char body[512];
	char name[260];
	(void)state;
	assert_reply(
	    400, FAIL("Missing body with json data."), ask(BOB, "POST", "/me/tokens", NULL));
	assert_int_equal(ask(BOB, "POST", "/me/tokens", "{\"nam\":1}"), 400);
	assert_part("json: unknown field \\\"nam\\\"");
	assert_int_equal(ask(BOB, "POST", "/me/tokens", "{\"name\":\"n\"}"), 400);
	assert_part("missing or invalid scope.");
	assert_int_equal(ask(BOB, "POST", "/me/tokens", "{\"name\":\"n\",\"scope\":\"all\"}"), 400);
	assert_part("missing or invalid scope.");
	assert_int_equal(ask(BOB, "POST", "/me/tokens", "{\"scope\":\"read\"}"), 400);
	assert_part("missing or invalid name.");
	memset(name, 'n', 250);
	name[250] = '\0';
	(void)snprintf(body, sizeof(body), "{\"name\":\"%s\",\"scope\":\"read\"}", name);
	assert_int_equal(ask(BOB, "POST", "/me/tokens", body), 400);
	assert_part("field name is required, 250 characters max");
	(void)snprintf(body, sizeof(body), "{\"name\":\"%s\",\"scope\":\"read\"}", name + 1);
	assert_int_equal(ask(BOB, "POST", "/me/tokens", body), 200);
	assert_reply(400, FAIL("an API token of this name exists already"),
	    ask(BOB, "POST", "/me/tokens", body));
	assert_int_equal(
	    ask(BOB, "POST", "/me/tokens", "{\"name\":\"p\",\"scope\":\"clients-auth\"}"), 400);
	assert_part("current user should belong to Administrators group");
	assert_int_equal(ask(ADMIN, "POST", "/me/tokens", body), 200);
	assert_int_equal(ask(BOB, "GET", "/me/token", NULL), 410);
}

static void test_use(void **state)
{
	char full[128];
	char read[128];
	char prefix[16];
	(void)state;
	make(BOB, "{\"name\":\"f\",\"scope\":\"read+write\"}", full, prefix);
	make(BOB, "{\"name\":\"r\",\"scope\":\"read\"}", read, prefix);
	assert_int_equal(ask(full, "GET", "/me", NULL), 200);
	assert_part("\"username\":\"bob\"");
	assert_int_equal(ask(read, "GET", "/me", NULL), 200);
	assert_reply(403,
	    FAIL(
	        "the scope of this API token is \\\"read\\\": it does not reach /api/v1/me/tokens"),
	    ask(read, "POST", "/me/tokens", "{\"name\":\"x\",\"scope\":\"read\"}"));
	/* A token is no password: it does not log in, and not for another user. */
	assert_int_equal(ask(full, "GET", "/login", NULL), 401);
	char stolen[160];
	(void)snprintf(stolen, sizeof(stolen), "admin%s", full + 3);
	assert_int_equal(ask(stolen, "GET", "/me", NULL), 401);
	full[strlen(full) - 1] = full[strlen(full) - 1] == '0' ? '1' : '0';
	assert_int_equal(ask(full, "GET", "/me", NULL), 401);
}

static void test_change(void **state)
{
	char user[128];
	char prefix[16];
	char path[64];
	char want[128];
	(void)state;
	make(BOB, "{\"name\":\"a\",\"scope\":\"read\"}", user, prefix);
	(void)snprintf(path, sizeof(path), "/me/tokens/%s", prefix);
	(void)snprintf(want, sizeof(want), "{\"data\":{\"prefix\":\"%s\",\"name\":\"b\"}}", prefix);
	assert_reply(200, want, ask(BOB, "PUT", path, "{\"name\":\"b\"}"));
	assert_int_equal(ask(user, "GET", "/me", NULL), 200);
	(void)snprintf(want, sizeof(want),
	    "{\"data\":{\"prefix\":\"%s\",\"expires_at\":\"2020-01-01T00:00:00Z\"}}", prefix);
	assert_reply(200, want, ask(BOB, "PUT", path, "{\"expires_at\":\"2020-01-01T00:00:00Z\"}"));
	assert_int_equal(ask(user, "GET", "/me", NULL), 401);
	assert_int_equal(ask(BOB, "GET", "/me/tokens", NULL), 200);
	assert_part("\"name\":\"b\"");
	assert_reply(400, FAIL("nothing to change"), ask(BOB, "PUT", path, "{}"));
	assert_int_equal(ask(BOB, "PUT", path, "{\"name\":\"\"}"), 400);
	assert_int_equal(ask(ADMIN, "PUT", path, "{\"name\":\"c\"}"), 404);
	make(BOB, "{\"name\":\"other\",\"scope\":\"read\"}", user, prefix);
	assert_reply(400, FAIL("an API token of this name exists already"),
	    ask(BOB, "PUT", path, "{\"name\":\"other\"}"));
	assert_reply(400, FAIL("missing or invalid token prefix."),
	    ask(BOB, "PUT", "/me/tokens/short", "{\"name\":\"c\"}"));
}

static void test_end(void **state)
{
	char user[128];
	char prefix[16];
	char path[64];
	(void)state;
	make(BOB, "{\"name\":\"a\",\"scope\":\"read\"}", user, prefix);
	(void)snprintf(path, sizeof(path), "/me/tokens/%s", prefix);
	assert_int_equal(ask(ADMIN, "DELETE", path, NULL), 404);
	assert_reply(204, "", ask(BOB, "DELETE", path, NULL));
	assert_int_equal(ask(user, "GET", "/me", NULL), 401);
	assert_int_equal(ask(BOB, "DELETE", path, NULL), 404);
	assert_part("cannot find API token by prefix");
	assert_int_equal(ask(BOB, "DELETE", "/me/tokens/short", NULL), 400);
}

static void test_restart(void **state)
{
	char user[128];
	char gone[128];
	char prefix[16];
	char path[64];
	(void)state;
	make(BOB, "{\"name\":\"gone\",\"scope\":\"read\"}", gone, prefix);
	(void)snprintf(path, sizeof(path), "/me/tokens/%s", prefix);
	make(BOB, "{\"name\":\"kept\",\"scope\":\"read\"}", user, prefix);
	assert_int_equal(ask(BOB, "DELETE", path, NULL), 204);
	rp_api_rig_restart(rig);
	assert_int_equal(ask(user, "GET", "/me", NULL), 200);
	assert_int_equal(ask(user, "DELETE", path, NULL), 403);
	assert_int_equal(ask(gone, "GET", "/me", NULL), 401);
}

static void test_many(void **state)
{
	char body[64];
	(void)state;
	for (int i = 0; i < RP_TOKENS_PER_USER; i++) {
		struct rp_token t = {.username = (char *)(uintptr_t) "bob",
		    .name = body,
		    .expires_at = RP_TIME_ZERO};
		char text[RP_TOKEN_TEXT_MAX];
		(void)snprintf(body, sizeof(body), "n%d", i);
		struct rp_api *api = rig->api;
		assert_int_equal(rp_tokens_add(api->tokens, &t, text, NULL, NULL), 0);
		if (i % 500 == 0) {
			rp_store_rig_sync(&rig->store);
		}
	}
	rp_store_rig_sync(&rig->store);
	assert_reply(400, FAIL("a user has at most 1000 API tokens"),
	    ask(BOB, "POST", "/me/tokens", "{\"name\":\"x\",\"scope\":\"read\"}"));
	assert_int_equal(
	    ask(ADMIN, "POST", "/me/tokens", "{\"name\":\"x\",\"scope\":\"read\"}"), 200);
}

/* Users and their logins */

static void log_in(const char *user, char bearer[static 512])
{
	char token[480];
	assert_int_equal(ask(user, "GET", "/login?token-lifetime=3600", NULL), 200);
	rp_api_rig_text(rig, "token", token, sizeof(token));
	(void)snprintf(bearer, 512, "Bearer %s", token);
}

static void test_users(void **state)
{
	(void)state;
	assert_int_equal(ask(ADMIN, "GET", "/users", NULL), 200);
	assert_part("{\"data\":[{\"username\":\"admin\",\"password_expired\":false,\"groups\":"
	            "[\"Administrators\"],\"two_fa_send_to\":\"\","
	            "\"effective_user_permissions\":null,\"effective_extended_permissions\":null,"
	            "\"group_permissions_enabled\":false},{\"username\":\"bob\"");
	assert_null(strstr(rig->body, "$2y"));
	assert_reply(403,
	    FAIL("current user should belong to Administrators group to access this resource"),
	    ask(BOB, "GET", "/users", NULL));
}

static void test_sessions(void **state)
{
	char one[512];
	char two[512];
	char path[64];
	(void)state;
	log_in(BOB, one);
	assert_int_equal(ask(ADMIN, "GET", "/users/bob/sessions", NULL), 200);
	assert_part("{\"data\":[{\"session_id\":");
	assert_part("\"username\":\"bob\",\"user_agent\":\"\",\"ip_address\":\"127.0.0.1\"}]}");
	unsigned long long id;
	assert_int_equal(sscanf(rig->body, "{\"data\":[{\"session_id\":%llu", &id), 1);
	log_in(BOB, two);
	(void)snprintf(path, sizeof(path), "/users/admin/sessions/%llu", id);
	assert_int_equal(ask(ADMIN, "DELETE", path, NULL), 404);
	assert_int_equal(ask(one, "GET", "/me", NULL), 200);
	(void)snprintf(path, sizeof(path), "/users/bob/sessions/%llu", id);
	assert_reply(204, "", ask(ADMIN, "DELETE", path, NULL));
	assert_int_equal(ask(ADMIN, "DELETE", path, NULL), 404);
	assert_int_equal(ask(one, "GET", "/me", NULL), 401);
	assert_int_equal(ask(two, "GET", "/me", NULL), 200);
	assert_int_equal(ask(ADMIN, "DELETE", "/users/bob/sessions/x", NULL), 400);

	log_in(BOB, one);
	assert_reply(204, "", ask(ADMIN, "DELETE", "/users/bob/sessions", NULL));
	assert_reply(200, "{\"data\":[]}", ask(ADMIN, "GET", "/users/bob/sessions", NULL));
	assert_int_equal(ask(one, "GET", "/me", NULL), 401);
	assert_int_equal(ask(two, "GET", "/me", NULL), 401);
	rp_api_rig_restart(rig);
	assert_int_equal(ask(one, "GET", "/me", NULL), 401);
	assert_reply(404, FAIL("cannot find user by username 'nobody'"),
	    ask(ADMIN, "GET", "/users/nobody/sessions", NULL));
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_form),
	    T(test_errors),
	    T(test_use),
	    T(test_change),
	    T(test_end),
	    T(test_restart),
	    T(test_many),
	    T(test_users),
	    T(test_sessions),
	};
	return cmocka_run_group_tests_name("api_tokens", tests, NULL, NULL);
}
