/* SPDX-License-Identifier: MIT */
/*
 * Users and groups over the API: every answer and error of rport-api 4.2, 4.3 and of PUT /me, the
 * new password at login, a proxy's word, and what ends with a change. With the file and with tables.
 */
#include "api/users.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/db.h"
#include "test/lib/api_short.h"

#define LONG                 "correct horse battery"
#define ERROR(title, detail) "{\"code\":\"\",\"title\":\"" title "\",\"detail\":\"" detail "\"}"

static int setup_tables(void **state)
{
	(void)state;
	rig = rp_api_rig_open_tables(NULL);
	return 0;
}

static void log_in(const char *user, char bearer[static 512])
{
	char token[480];
	assert_int_equal(ask(user, "GET", "/login", NULL), 200);
	rp_api_rig_text(rig, "token", token, sizeof(token));
	(void)snprintf(bearer, 512, "Bearer %s", token);
}

static void make_token(const char *user, char out[static 128])
{
	char token[64];
	assert_int_equal(
	    ask(user, "POST", "/me/tokens", "{\"name\":\"n\",\"scope\":\"read+write\"}"), 200);
	rp_api_rig_text(rig, "token", token, sizeof(token));
	(void)snprintf(out, 128, "%.*s:%s", (int)strcspn(user, ":"), user, token);
}

static void test_add(void **state)
{
	(void)state;
	assert_reply(201, "",
	    ask(ADMIN, "POST", "/users",
	        "{\"username\":\"carl\",\"password\":\"" LONG "\",\"groups\":[\"staff\",\"x\"],"
	        "\"two_fa_send_to\":\"c@example.com\"}"));
	assert_int_equal(ask("carl:" LONG, "GET", "/me", NULL), 200);
	assert_part("\"username\":\"carl\",\"password_expired\":false,\"groups\":[\"staff\",\"x\"],"
	            "\"two_fa_send_to\":\"c@example.com\"");
	assert_reply(400, FAIL("Another user with this username already exists"),
	    ask(ADMIN, "POST", "/users", "{\"username\":\"bob\",\"password\":\"" LONG "\"}"));
	assert_int_equal(
	    ask(ADMIN, "POST", "/users",
	        "{\"username\":\"ex\",\"password\":\"" LONG "\",\"password_expired\":true}"),
	    201);
	assert_reply(401, FAIL("password has expired, please change your password"),
	    ask("ex:" LONG, "GET", "/me", NULL));
	rp_api_rig_restart(rig);
	assert_int_equal(ask("carl:" LONG, "GET", "/me", NULL), 200);
	assert_int_equal(ask("carl:x", "GET", "/me", NULL), 401);
}

static void test_rules(void **state)
{
	(void)state;
	assert_reply(400, FAIL("Missing body with json data."), ask(ADMIN, "POST", "/users", NULL));
	assert_reply(400,
	    "{\"errors\":[" ERROR("username is required", "") "," ERROR(
	        "password is required", "") "]}",
	    ask(ADMIN, "POST", "/users", "{}"));
	assert_reply(400,
	    "{\"errors\":[" ERROR("username must not start or end with whitespace", "") "," ERROR(
	        "Your password is too short", "password must be at least 14 characters") "]}",
	    ask(ADMIN, "POST", "/users", "{\"username\":\" a\",\"password\":\"short\"}"));
	/* Characters, not bytes. */
	assert_reply(400,
	    "{\"errors\":[" ERROR(
	        "Your password is too short", "password must be at least 14 characters") "]}",
	    ask(ADMIN, "POST", "/users", "{\"username\":\"a\",\"password\":\"äääääääääääää\"}"));
	assert_reply(400,
	    "{\"errors\":[" ERROR(
	        "Your password is too long", "password must be at most 72 bytes") "]}",
	    ask(ADMIN, "POST", "/users",
	        "{\"username\":\"a\",\"password\":\"0123456789012345678901234567890123456789"
	        "012345678901234567890123456789012\"}"));
	assert_reply(400, FAIL("username must not contain control characters"),
	    ask(ADMIN, "POST", "/users", "{\"username\":\"a\\u0007b\",\"password\":\"" LONG "\"}"));
	assert_int_equal(ask(ADMIN, "POST", "/users", "{\"user\":\"a\"}"), 400);
	assert_part("json: unknown field \\\"user\\\"");
	assert_int_equal(ask(ADMIN, "POST", "/users", "{\"groups\":\"a\"}"), 400);
	assert_part("Invalid JSON data.");
	assert_reply(400, FAIL("nothing to change"), ask(ADMIN, "PUT", "/users/bob", "{}"));
	assert_reply(400, FAIL("nothing to change"),
	    ask(ADMIN, "PUT", "/users/bob",
	        "{\"username\":\"bob\",\"password\":\"\",\"groups\":null}"));
	assert_reply(404, FAIL("cannot find user by username 'nobody'"),
	    ask(ADMIN, "PUT", "/users/nobody", "{\"groups\":[]}"));
	assert_reply(404, FAIL("cannot find user by username 'nobody'"),
	    ask(ADMIN, "DELETE", "/users/nobody", NULL));
}

static void test_change(void **state)
{
	(void)state;
	assert_reply(204, "", ask(ADMIN, "PUT", "/users/bob", "{\"groups\":[\"a\",\"b\",\"a\"]}"));
	assert_int_equal(ask(BOB, "GET", "/me", NULL), 200);
	assert_part("\"groups\":[\"a\",\"b\"]");
	assert_reply(204, "", ask(ADMIN, "PUT", "/users/bob", "{\"groups\":[]}"));
	assert_int_equal(ask(BOB, "GET", "/me", NULL), 200);
	assert_part("\"groups\":[]");
	assert_reply(204, "", ask(ADMIN, "PUT", "/users/bob", "{\"password\":\"" LONG "\"}"));
	assert_int_equal(ask(BOB, "GET", "/me", NULL), 401);
	assert_int_equal(ask("bob:" LONG, "GET", "/me", NULL), 200);
	/* A new password ends the expiry, unless the same change says otherwise. */
	assert_reply(204, "", ask(ADMIN, "PUT", "/users/old", "{\"password\":\"" LONG "\"}"));
	assert_int_equal(ask("old:" LONG, "GET", "/me", NULL), 200);
	assert_reply(204, "",
	    ask(ADMIN, "PUT", "/users/old",
	        "{\"password\":\"" LONG LONG "\",\"password_expired\":true}"));
	assert_int_equal(ask("old:" LONG LONG, "GET", "/me", NULL), 401);
	assert_part("password has expired");
}

static void test_last_admin(void **state)
{
	(void)state;
	assert_reply(400, FAIL("at least one user must stay in the group Administrators"),
	    ask(ADMIN, "DELETE", "/users/admin", NULL));
	assert_reply(400, FAIL("at least one user must stay in the group Administrators"),
	    ask(ADMIN, "PUT", "/users/admin", "{\"groups\":[\"staff\"]}"));
	assert_reply(204, "", ask(ADMIN, "PUT", "/users/bob", "{\"groups\":[\"Administrators\"]}"));
	assert_reply(204, "", ask(ADMIN, "DELETE", "/users/admin", NULL));
	assert_int_equal(ask(ADMIN, "GET", "/me", NULL), 401);
	assert_int_equal(ask(BOB, "GET", "/users", NULL), 200);
}

/* Logins and API tokens of a name end with it. */
static void test_what_ends(void **state)
{
	char bearer[512];
	char token[128];
	(void)state;
	log_in(BOB, bearer);
	make_token(BOB, token);
	assert_int_equal(ask(bearer, "GET", "/me", NULL), 200);
	assert_int_equal(ask(token, "GET", "/me", NULL), 200);
	assert_reply(204, "", ask(ADMIN, "PUT", "/users/bob", "{\"password_expired\":true}"));
	assert_reply(200, "{\"data\":[]}", ask(ADMIN, "GET", "/users/bob/sessions", NULL));
	assert_reply(204, "", ask(ADMIN, "PUT", "/users/bob", "{\"password_expired\":false}"));
	assert_int_equal(ask(bearer, "GET", "/me", NULL), 401);
	assert_int_equal(ask(token, "GET", "/me", NULL), 200);

	log_in(BOB, bearer);
	assert_reply(204, "", ask(ADMIN, "PUT", "/users/bob", "{\"username\":\"robert\"}"));
	assert_reply(201, "",
	    ask(ADMIN, "POST", "/users", "{\"username\":\"bob\",\"password\":\"" LONG "\"}"));
	assert_int_equal(ask(bearer, "GET", "/me", NULL), 401);
	assert_int_equal(ask(token, "GET", "/me", NULL), 401);
	assert_int_equal(ask("robert:" RP_API_RIG_PASSWORD, "GET", "/me", NULL), 200);

	log_in("bob:" LONG, bearer);
	make_token("bob:" LONG, token);
	assert_reply(204, "", ask(ADMIN, "DELETE", "/users/bob", NULL));
	assert_int_equal(ask(bearer, "GET", "/me", NULL), 401);
	assert_reply(201, "",
	    ask(ADMIN, "POST", "/users", "{\"username\":\"bob\",\"password\":\"" LONG "\"}"));
	assert_int_equal(ask(bearer, "GET", "/me", NULL), 401);
	assert_int_equal(ask(token, "GET", "/me", NULL), 401);
	rp_api_rig_restart(rig);
	assert_int_equal(ask(bearer, "GET", "/me", NULL), 401);
	assert_int_equal(ask(token, "GET", "/me", NULL), 401);
}

static void test_me(void **state)
{
	(void)state;
	assert_reply(400, FAIL("nothing to change"), ask(BOB, "PUT", "/me", "{}"));
	assert_reply(403, FAIL("Missing old password."),
	    ask(BOB, "PUT", "/me", "{\"password\":\"" LONG "\"}"));
	assert_reply(403, FAIL("Incorrect old password."),
	    ask(BOB, "PUT", "/me", "{\"password\":\"" LONG "\",\"old_password\":\"x\"}"));
	assert_reply(400,
	    "{\"errors\":[" ERROR(
	        "Your password is too short", "password must be at least 14 characters") "]}",
	    ask(BOB, "PUT", "/me",
	        "{\"password\":\"short\",\"old_password\":\"" RP_API_RIG_PASSWORD "\"}"));
	assert_int_equal(ask(BOB, "PUT", "/me", "{\"groups\":[\"Administrators\"]}"), 400);
	assert_part("json: unknown field \\\"groups\\\"");
	assert_reply(204, "",
	    ask(BOB, "PUT", "/me",
	        "{\"password\":\"" LONG "\",\"old_password\":\"" RP_API_RIG_PASSWORD
	        "\",\"two_fa_send_to\":\"b@example.com\"}"));
	assert_int_equal(ask(BOB, "GET", "/me", NULL), 401);
	assert_int_equal(ask("bob:" LONG, "GET", "/me", NULL), 200);
	assert_part("\"two_fa_send_to\":\"b@example.com\"");
	assert_reply(400, FAIL("Another user with this username already exists"),
	    ask("bob:" LONG, "PUT", "/me", "{\"username\":\"admin\"}"));
	assert_reply(204, "", ask("bob:" LONG, "PUT", "/me", "{\"username\":\"robert\"}"));
	assert_int_equal(ask("robert:" LONG, "GET", "/me", NULL), 200);
}

static unsigned post_login(const char *name, const char *password, const char *new)
{
	char body[256];
	(void)snprintf(body, sizeof(body),
	    "{\"username\":\"%s\",\"password\":\"%s\",\"new_password\":\"%s\"}", name, password,
	    new);
	return ask(NULL, "POST", "/login", body);
}

static void test_new_password(void **state)
{
	(void)state;
	assert_int_equal(post_login("old", RP_API_RIG_PASSWORD, ""), 401);
	assert_part("password has expired");
	assert_int_equal(post_login("old", "wrong", LONG), 401);
	assert_part("unauthorized");
	assert_int_equal(post_login("old", RP_API_RIG_PASSWORD, "short"), 400);
	assert_part("Your password is too short");
	assert_int_equal(post_login("old", RP_API_RIG_PASSWORD, LONG), 200);
	assert_part("{\"data\":{\"token\":\"");
	assert_int_equal(ask("old:" LONG, "GET", "/me", NULL), 200);
	assert_int_equal(post_login("old", RP_API_RIG_PASSWORD, LONG), 401);
	assert_int_equal(post_login("bob", RP_API_RIG_PASSWORD, LONG), 200);
	assert_int_equal(ask("bob:" LONG, "GET", "/me", NULL), 200);
}

/* --- groups --- */

#define NO_DETAILS \
	"user groups need users in a database and 'auth_group_details_table' in the configuration"

static void test_file_groups(void **state)
{
	(void)state;
	assert_reply(400, FAIL(NO_DETAILS), ask(ADMIN, "GET", "/user-groups", NULL));
	assert_reply(400, FAIL(NO_DETAILS), ask(ADMIN, "GET", "/user-groups/x", NULL));
	assert_reply(
	    400, FAIL(NO_DETAILS), ask(ADMIN, "PUT", "/user-groups/x", "{\"permissions\":{}}"));
	assert_reply(400, FAIL(NO_DETAILS), ask(ADMIN, "DELETE", "/user-groups/x", NULL));
	assert_int_equal(ask(BOB, "GET", "/me", NULL), 200);
	assert_part("\"group_permissions_enabled\":false");
	assert_part("\"tunnels\":true,\"uploads\":true,\"vault\":true");
}

#define GROUP(name, tunnels, vault)                                                       \
	"{\"name\":\"" name "\",\"permissions\":{\"auditlog\":false,\"commands\":false,"  \
	"\"monitoring\":false,\"scheduler\":false,\"scripts\":false,\"tunnels\":" tunnels \
	",\"uploads\":false,\"vault\":" vault "},\"tunnels_restricted\":null,"            \
	"\"commands_restricted\":null}"

static void test_groups(void **state)
{
	(void)state;
	assert_int_equal(ask(ADMIN, "GET", "/user-groups", NULL), 200);
	assert_part("{\"data\":[{\"name\":\"Administrators\",\"permissions\":{\"auditlog\":true,"
	            "\"commands\":true,");
	assert_part("}," GROUP("staff", "true", "false") "]}");
	assert_reply(200, "{\"data\":" GROUP("nothing", "false", "false") "}",
	    ask(ADMIN, "GET", "/user-groups/nothing", NULL));
	assert_reply(200, "{\"data\":" GROUP("staff", "false", "true") "}",
	    ask(ADMIN, "PUT", "/user-groups/staff",
	        "{\"permissions\":{\"vault\":true,\"tunnels\":false}}"));
	/* What was read may be sent back. */
	assert_reply(200, "{\"data\":" GROUP("other one", "true", "true") "}",
	    ask(ADMIN, "PUT", "/user-groups/other%20one", GROUP("staff", "true", "true")));
	assert_reply(400, FAIL("invalid permission: fly"),
	    ask(ADMIN, "PUT", "/user-groups/staff", "{\"permissions\":{\"fly\":true}}"));
	assert_reply(400, FAIL("permissions.vault: expected true or false"),
	    ask(ADMIN, "PUT", "/user-groups/staff", "{\"permissions\":{\"vault\":1}}"));
	assert_reply(400, FAIL("permissions: expected an object"),
	    ask(ADMIN, "PUT", "/user-groups/staff", "{\"permissions\":[]}"));
	assert_int_equal(ask(ADMIN, "PUT", "/user-groups/staff", "{}"), 400);
	assert_part("permissions");
	assert_reply(400, FAIL("tunnels_restricted and commands_restricted are not supported"),
	    ask(ADMIN, "PUT", "/user-groups/staff",
	        "{\"permissions\":{},\"tunnels_restricted\":{}}"));
	assert_reply(204, "", ask(ADMIN, "DELETE", "/user-groups/staff", NULL));
	assert_reply(204, "", ask(ADMIN, "DELETE", "/user-groups/staff", NULL));
	assert_reply(400, FAIL("at least one user must stay in the group Administrators"),
	    ask(ADMIN, "DELETE", "/user-groups/Administrators", NULL));
	assert_int_equal(ask(BOB, "GET", "/me", NULL), 200);
	assert_part("\"groups\":[]");
}

static void test_permissions(void **state)
{
	(void)state;
	assert_int_equal(ask(ADMIN, "GET", "/status", NULL), 200);
	assert_part("\"users_auth_source\":\"DB\"");
	assert_part("\"group_permissions_enabled\":true");
	assert_int_equal(ask(BOB, "GET", "/me", NULL), 200);
	assert_part("\"effective_user_permissions\":{\"auditlog\":false,\"commands\":false,"
	            "\"monitoring\":false,\"scheduler\":false,\"scripts\":false,\"tunnels\":true,"
	            "\"uploads\":false,\"vault\":false}");
	assert_part("\"group_permissions_enabled\":true");
	assert_int_equal(ask(BOB, "GET", "/tunnels", NULL), 200);
	assert_reply(403, FAIL("user does not have \\\"commands\\\" permission"),
	    ask(BOB, "GET", "/library/commands", NULL));
	assert_int_equal(ask(ADMIN, "GET", "/library/commands", NULL), 200);
	/* It counts at once, also for who is logged in. */
	char bearer[512];
	log_in(BOB, bearer);
	assert_int_equal(
	    ask(ADMIN, "PUT", "/user-groups/staff", "{\"permissions\":{\"commands\":true}}"), 200);
	assert_int_equal(ask(bearer, "GET", "/library/commands", NULL), 200);
	assert_reply(403, FAIL("user does not have \\\"tunnels\\\" permission"),
	    ask(bearer, "GET", "/tunnels", NULL));
}

static void sql(const char *text)
{
	char path[128];
	struct rp_db *db;
	struct rp_err err = {0};
	(void)snprintf(path, sizeof(path), "%s/users.db", rig->store.dir);
	assert_int_equal(rp_db_open_existing(&db, path, &err), 0);
	assert_int_equal(rp_db_exec(db, text, &err), 0);
	rp_db_close(db);
}

/* Deleted by another program, so nobody has told the server that his logins and tokens end: who
 * gets the name over the API does not have them. */
static void test_name_again(void **state)
{
	char bearer[512];
	char token[128];
	(void)state;
	log_in(BOB, bearer);
	make_token(BOB, token);
	sql("DELETE FROM users WHERE username = 'bob'");
	assert_reply(201, "",
	    ask(ADMIN, "POST", "/users", "{\"username\":\"bob\",\"password\":\"" LONG "\"}"));
	assert_int_equal(ask(token, "GET", "/me", NULL), 401);
	assert_int_equal(ask(bearer, "GET", "/me", NULL), 401);
	make_token("bob:" LONG, token);
	sql("DELETE FROM users WHERE username = 'bob'");
	assert_reply(204, "", ask(ADMIN, "PUT", "/users/old", "{\"username\":\"bob\"}"));
	assert_reply(204, "", ask(ADMIN, "PUT", "/users/bob", "{\"password_expired\":false}"));
	assert_int_equal(ask(token, "GET", "/me", NULL), 401);
	assert_int_equal(ask(BOB, "GET", "/me", NULL), 200);
}

/* Another program changes the database: logins see it at once. */
static void test_outside(void **state)
{
	(void)state;
	assert_int_equal(ask(BOB, "GET", "/login", NULL), 200);
	sql("DELETE FROM users WHERE username = 'bob'");
	assert_int_equal(ask(BOB, "GET", "/login", NULL), 401);
	assert_int_equal(ask(ADMIN, "GET", "/login", NULL), 200);
}

static void test_acl(void **state)
{
	(void)state;
	rp_api_rig_client(rig, "c1", NULL);
	assert_int_equal(ask(BOB, "GET", "/clients/c1", NULL), 403);
	assert_reply(404, FAIL("user groups not found: a, b"),
	    ask(ADMIN, "POST", "/clients/c1/acl",
	        "{\"allowed_user_groups\":[\"a\",\"staff\",\"b\"]}"));
	assert_reply(404, FAIL("Client with id=\\\"c9\\\" not found."),
	    ask(ADMIN, "POST", "/clients/c9/acl", "{\"allowed_user_groups\":[\"staff\"]}"));
	assert_int_equal(ask(ADMIN, "POST", "/clients/c1/acl", "{\"groups\":[]}"), 400);
	assert_reply(204, "",
	    ask(ADMIN, "POST", "/clients/c1/acl", "{\"allowed_user_groups\":[\"staff\"]}"));
	assert_int_equal(ask(BOB, "GET", "/clients/c1", NULL), 200);
	assert_part("\"allowed_user_groups\":[\"staff\"]");
	rp_api_rig_restart(rig);
	assert_int_equal(ask(BOB, "GET", "/clients/c1", NULL), 200);
	rp_api_rig_client(rig, "c1", NULL);
	assert_int_equal(ask(BOB, "GET", "/clients/c1", NULL), 200);
	assert_reply(
	    204, "", ask(ADMIN, "POST", "/clients/c1/acl", "{\"allowed_user_groups\":[]}"));
	assert_int_equal(ask(BOB, "GET", "/clients/c1", NULL), 403);
}

/* --- a proxy's word --- */

static unsigned by_proxy(const char *header)
{
	const struct rp_api_ask a = {.method = "GET", .path = "/login", .headers = header};
	return rp_api_rig_ask(rig, &a);
}

static int setup_proxy(void **state)
{
	(void)state;
	rig = rp_api_rig_open("auth_header = 'X-Is-In'\nuser_header = 'X-User'\n"
	                      "create_missing_users = true\ndefault_user_group = 'staff'\n");
	return 0;
}

static void test_proxy(void **state)
{
	char token[480];
	char bearer[512];
	(void)state;
	assert_int_equal(by_proxy("X-Is-In: 1\r\nX-User: bob\r\n"), 200);
	rp_api_rig_text(rig, "token", token, sizeof(token));
	(void)snprintf(bearer, sizeof(bearer), "Bearer %s", token);
	assert_int_equal(ask(bearer, "GET", "/me", NULL), 200);
	assert_part("\"username\":\"bob\"");
	assert_reply(401, FAIL("username is required"), by_proxy("X-Is-In: 1\r\n"));
	assert_reply(401, FAIL("auth is required"), by_proxy("X-User: bob\r\n"));
	assert_reply(401, FAIL("password has expired, please change your password"),
	    by_proxy("X-Is-In: 1\r\nX-User: old\r\n"));
	assert_int_equal(by_proxy("X-Is-In: yes\r\nX-User: new one\r\n"), 200);
	assert_int_equal(ask(ADMIN, "GET", "/users", NULL), 200);
	assert_part("\"username\":\"new one\",\"password_expired\":false,\"groups\":[\"staff\"]");
	assert_int_equal(ask(ADMIN, "GET", "/status", NULL), 200);
	assert_part("\"auth_header\":true");
	/* Only there: no other request is let in by it. */
	const struct rp_api_ask a = {
	    .method = "GET", .path = "/me", .headers = "X-Is-In: 1\r\nX-User: bob\r\n"};
	assert_int_equal(rp_api_rig_ask(rig, &a), 401);
}

static int setup_far_proxy(void **state)
{
	(void)state;
	rig = rp_api_rig_open("auth_header = 'X-Is-In'\nuser_header = 'X-User'\n"
	                      "trusted_proxies = ['192.0.2.1']\n");
	return 0;
}

static void test_far_proxy(void **state)
{
	(void)state;
	assert_reply(401, FAIL("auth is required"), by_proxy("X-Is-In: 1\r\nX-User: bob\r\n"));
}

static int setup_known_only(void **state)
{
	(void)state;
	rig = rp_api_rig_open("auth_header = 'X-Is-In'\ntrusted_proxies = ['127.0.0.1']\n");
	return 0;
}

static void test_known_only(void **state)
{
	(void)state;
	assert_int_equal(by_proxy("X-Is-In: 1\r\nAuthentication-User: bob\r\n"), 200);
	assert_reply(
	    401, FAIL("unauthorized"), by_proxy("X-Is-In: 1\r\nAuthentication-User: nobody\r\n"));
	assert_int_equal(ask(ADMIN, "GET", "/users", NULL), 200);
	assert_null(strstr(rig->body, "nobody"));
}

#define FILE_TEST(name)  cmocka_unit_test_setup_teardown(name, open_rig, close_rig)
#define TABLE_TEST(name) cmocka_unit_test_setup_teardown(name, setup_tables, close_rig)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    FILE_TEST(test_add),
	    FILE_TEST(test_rules),
	    FILE_TEST(test_change),
	    FILE_TEST(test_last_admin),
	    FILE_TEST(test_what_ends),
	    FILE_TEST(test_me),
	    FILE_TEST(test_new_password),
	    FILE_TEST(test_file_groups),
	    FILE_TEST(test_acl),
	    TABLE_TEST(test_add),
	    TABLE_TEST(test_change),
	    TABLE_TEST(test_last_admin),
	    TABLE_TEST(test_what_ends),
	    TABLE_TEST(test_me),
	    TABLE_TEST(test_new_password),
	    TABLE_TEST(test_groups),
	    TABLE_TEST(test_permissions),
	    TABLE_TEST(test_outside),
	    TABLE_TEST(test_name_again),
	    TABLE_TEST(test_acl),
	    cmocka_unit_test_setup_teardown(test_proxy, setup_proxy, close_rig),
	    cmocka_unit_test_setup_teardown(test_far_proxy, setup_far_proxy, close_rig),
	    cmocka_unit_test_setup_teardown(test_known_only, setup_known_only, close_rig),
	};
	return cmocka_run_group_tests_name("api_users", tests, NULL, NULL);
}
