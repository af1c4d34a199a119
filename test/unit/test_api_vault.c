/* SPDX-License-Identifier: MIT */
/*
 * The vault over the API (rport-api 5): its lock, its entries with every documented error, what
 * stands in the database, and a restart.
 */
#include "api/vault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api/vault_store.h"
#include "core/alloc.h"
#include "core/db.h"
#include "test/lib/api_short.h"
#include "test/lib/slow.h"

#define STATE(init, status) "{\"data\":{\"init\":\"" init "\",\"status\":\"" status "\"}}"

static unsigned open_with(const char *path, const char *password)
{
	char body[128];
	(void)snprintf(body, sizeof(body), "{\"password\":\"%s\"}", password);
	return ask(ADMIN, "POST", path, body);
}

static void test_lock(void **state)
{
	(void)state;
	assert_reply(200, STATE("uninitialized", ""), ask(BOB, "GET", "/vault-admin", NULL));
	assert_reply(409, FAIL("vault is not initialized"), ask(BOB, "GET", "/vault", NULL));
	assert_reply(
	    409, FAIL("vault is not yet initialized"), open_with("/vault-admin/sesame", "secret"));
	assert_reply(409, FAIL("vault is not yet initialized"),
	    ask(ADMIN, "DELETE", "/vault-admin/sesame", NULL));
	assert_int_equal(open_with("/vault-admin/init", "abc"), 400);
	assert_part(
	    "password is too short, expected length is 4 bytes, provided length is 3 bytes");
	assert_int_equal(open_with("/vault-admin/init", "123456789012345678901234567890123"), 400);
	assert_part("password is too long");
	assert_int_equal(ask(ADMIN, "POST", "/vault-admin/init", "{\"pass\":1}"), 400);
	assert_reply(201, "", open_with("/vault-admin/init", "secret"));
	assert_reply(
	    200, STATE("setup-completed", "unlocked"), ask(BOB, "GET", "/vault-admin", NULL));
	assert_reply(
	    409, FAIL("vault is already initialized"), open_with("/vault-admin/init", "another"));
	assert_reply(
	    409, FAIL("vault is already unlocked"), open_with("/vault-admin/sesame", "secret"));
	assert_reply(204, "", ask(ADMIN, "DELETE", "/vault-admin/sesame", NULL));
	assert_reply(
	    200, STATE("setup-completed", "locked"), ask(BOB, "GET", "/vault-admin", NULL));
	assert_reply(409, FAIL("vault is already locked"),
	    ask(ADMIN, "DELETE", "/vault-admin/sesame", NULL));
	assert_reply(409, FAIL("vault is locked"), ask(BOB, "GET", "/vault", NULL));
	assert_reply(409, FAIL("vault is locked"), ask(BOB, "POST", "/vault", "{}"));
	assert_reply(409, FAIL("vault is locked"), ask(BOB, "GET", "/vault/1", NULL));
	assert_reply(409, FAIL("vault is locked"), ask(BOB, "PUT", "/vault/1", "{}"));
	assert_reply(409, FAIL("vault is locked"), ask(BOB, "DELETE", "/vault/1", NULL));
	assert_reply(
	    401, FAIL("wrong password provided"), open_with("/vault-admin/sesame", "Secret"));
	assert_reply(201, "", open_with("/vault-admin/sesame", "secret"));
	rp_api_rig_restart(rig);
	assert_reply(
	    200, STATE("setup-completed", "locked"), ask(BOB, "GET", "/vault-admin", NULL));
	/* Only so many wrong ones, and then not even the right one. */
	for (unsigned i = 0; i < RP_VAULT_FAILURES_MAX; i++) {
		assert_int_equal(open_with("/vault-admin/sesame", "wrong"), 401);
	}
	assert_reply(429, FAIL("too many requests, please try later"),
	    open_with("/vault-admin/sesame", "secret"));
}

static void test_entries(void **state)
{
	(void)state;
	assert_int_equal(open_with("/vault-admin/init", "secret"), 201);
	assert_reply(200, "{\"data\":[]}", ask(BOB, "GET", "/vault", NULL));
	assert_reply(201, "{\"data\":{\"id\":1}}",
	    ask(BOB, "POST", "/vault",
	        "{\"client_id\":\"c1\",\"key\":\"b\",\"value\":\"tops3cret \\u00e9\","
	        "\"type\":\"secret\"}"));
	assert_reply(201, "{\"data\":{\"id\":2}}",
	    ask(ADMIN, "POST", "/vault", "{\"key\":\"a\",\"value\":\"x\",\"type\":\"text\"}"));
	assert_reply(409, FAIL("another key 'b' exists for this client 'c1'"),
	    ask(ADMIN, "POST", "/vault",
	        "{\"client_id\":\"c1\",\"key\":\"b\",\"value\":\"x\",\"type\":\"text\"}"));
	assert_int_equal(ask(BOB, "GET", "/vault/1", NULL), 200);
	assert_part(
	    "{\"data\":{\"client_id\":\"c1\",\"required_group\":\"\",\"key\":\"b\","
	    "\"value\":\"tops3cret \u00e9\",\"type\":\"secret\",\"id\":1,\"created_at\":\"20");
	assert_part("\"created_by\":\"bob\",\"updated_by\":\"bob\"}}");
	assert_int_equal(ask(BOB, "GET", "/vault", NULL), 200);
	assert_part(
	    "{\"data\":[{\"id\":1,\"client_id\":\"c1\",\"created_by\":\"bob\",\"created_at\":\"20");
	assert_part("\"key\":\"b\"},{\"id\":2,\"client_id\":\"\",\"created_by\":\"admin\"");
	assert_null(strstr(rig->body, "tops3cret"));
	assert_int_equal(ask(BOB, "GET", "/vault?filter[key]=a", NULL), 200);
	assert_part("{\"data\":[{\"id\":2,");
	assert_int_equal(ask(BOB, "GET", "/vault?filter[id]=1", NULL), 200);
	assert_part("{\"data\":[{\"id\":1,");
	assert_int_equal(ask(BOB, "GET", "/vault?sort=-id", NULL), 200);
	assert_part("{\"data\":[{\"id\":2,");
	assert_int_equal(ask(BOB, "GET", "/vault?filter[value]=x", NULL), 400);
	assert_int_equal(ask(BOB, "GET", "/vault?sort=type", NULL), 400);

	assert_reply(200, "{\"data\":{\"id\":1}}",
	    ask(ADMIN, "PUT", "/vault/1",
	        "{\"client_id\":\"c2\",\"key\":\"b2\",\"value\":\"new\",\"type\":\"markdown\"}"));
	assert_int_equal(ask(BOB, "GET", "/vault/1", NULL), 200);
	assert_part("\"client_id\":\"c2\",\"required_group\":\"\",\"key\":\"b2\",\"value\":\"new\","
	            "\"type\":\"markdown\",\"id\":1");
	assert_part("\"created_by\":\"bob\",\"updated_by\":\"admin\"}}");
	assert_reply(409, FAIL("another key 'a' exists for this client ''"),
	    ask(ADMIN, "PUT", "/vault/1", "{\"key\":\"a\",\"value\":\"x\",\"type\":\"text\"}"));
	/* Itself is no other one. */
	assert_int_equal(
	    ask(ADMIN, "PUT", "/vault/2", "{\"key\":\"a\",\"value\":\"y\",\"type\":\"string\"}"),
	    200);
	assert_reply(204, "", ask(BOB, "DELETE", "/vault/2", NULL));
	assert_reply(404, FAIL("Cannot find a vault value by the provided id: 2"),
	    ask(BOB, "GET", "/vault/2", NULL));
	assert_int_equal(ask(BOB, "DELETE", "/vault/2", NULL), 404);
	assert_int_equal(
	    ask(BOB, "PUT", "/vault/2", "{\"key\":\"a\",\"value\":\"y\",\"type\":\"text\"}"), 404);
	/* An id is not given again. */
	assert_reply(201, "{\"data\":{\"id\":3}}",
	    ask(ADMIN, "POST", "/vault", "{\"key\":\"a\",\"value\":\"x\",\"type\":\"text\"}"));
	rp_api_rig_restart(rig);
	assert_int_equal(open_with("/vault-admin/sesame", "secret"), 201);
	assert_int_equal(ask(BOB, "GET", "/vault/1", NULL), 200);
	assert_part("\"value\":\"new\"");
}

static void test_errors(void **state)
{
	char body[512];
	(void)state;
	assert_int_equal(open_with("/vault-admin/init", "secret"), 201);
	assert_int_equal(ask(BOB, "POST", "/vault", "{}"), 400);
	assert_part("\"key is required\"");
	assert_part("\"value is required\"");
	assert_part("\"value type is required\"");
	assert_int_equal(
	    ask(BOB, "POST", "/vault", "{\"key\":\"a\",\"value\":\"x\",\"type\":\"other\"}"), 400);
	assert_part("unknown or invalid value type");
	(void)snprintf(
	    body, sizeof(body), "{\"key\":\"%0257d\",\"value\":\"x\",\"type\":\"text\"}", 0);
	assert_int_equal(ask(BOB, "POST", "/vault", body), 400);
	assert_part("key has more than 256 bytes");
	assert_int_equal(ask(BOB, "POST", "/vault", "{\"x\":1}"), 400);
	assert_part("json: unknown field");
	static const char *const ids[] = {"x", "0", "-1", "1x", "9223372036854775808"};
	for (size_t i = 0; i < 5; i++) {
		char path[64];
		(void)snprintf(path, sizeof(path), "/vault/%s", ids[i]);
		assert_int_equal(ask(BOB, "GET", path, NULL), 400);
		assert_part("Non-numeric integer value provided");
		assert_int_equal(ask(BOB, "PUT", path, "{}"), 400);
		assert_int_equal(ask(BOB, "DELETE", path, NULL), 400);
	}
}

/* Members only, whoever asks. */
static void test_groups(void **state)
{
	static const char body[] = "{\"key\":\"k\",\"value\":\"x\",\"type\":\"text\","
	                           "\"required_group\":\"staff\"}";
	static const char refused[] = FAIL("your group doesn't allow access to this value");
	(void)state;
	assert_int_equal(open_with("/vault-admin/init", "secret"), 201);
	assert_int_equal(ask(ADMIN, "POST", "/vault", body), 201);
	assert_int_equal(ask(BOB, "GET", "/vault/1", NULL), 200);
	assert_part("\"required_group\":\"staff\"");
	assert_reply(403, refused, ask(ADMIN, "GET", "/vault/1", NULL));
	assert_reply(403, refused, ask(ADMIN, "PUT", "/vault/1", body));
	assert_reply(403, refused, ask(ADMIN, "DELETE", "/vault/1", NULL));
	assert_int_equal(ask(ADMIN, "GET", "/vault", NULL), 200);
	assert_part("\"key\":\"k\"");
	assert_int_equal(ask(BOB, "PUT", "/vault/1",
	                     "{\"key\":\"k\",\"value\":\"y\",\"type\":\"text\","
	                     "\"required_group\":\"Administrators\"}"),
	    200);
	assert_reply(403, refused, ask(BOB, "GET", "/vault/1", NULL));
	assert_int_equal(ask(ADMIN, "GET", "/vault/1", NULL), 200);
	assert_int_equal(ask(ADMIN, "DELETE", "/vault/1", NULL), 204);
}

static void on_init(void *ctx, int code, const struct rp_err *err)
{
	(void)err;
	assert_int_equal(code, 0);
	*(bool *)ctx = true;
}

/* What a vault costs that nobody told another number. */
static void test_rounds(void **state)
{
	struct rp_store_rig *store = &rig->store;
	struct rp_vault *v;
	struct rp_vault_meta meta;
	struct rp_err err = {0};
	bool done = false;
	(void)state;
	if (rp_slow()) {
		return;
	}
	assert_int_equal(rp_vault_new(store->loop, store->store, &v, &err), 0);
	assert_int_equal(rp_vault_init(v, "secret", on_init, &done), 0);
	rp_store_rig_wait(store, &done);
	assert_int_equal(rp_vault_state(v), RP_VAULT_UNLOCKED);
	assert_int_equal(rp_vault_store_load(store->store, &meta, &err), 0);
	assert_int_equal(meta.rounds, RP_VAULT_ROUNDS);
	rp_free(meta.check);
	rp_vault_close(v);
	rp_vault_free(v);
	/* The number is stored: the API, which has another one for new vaults, opens it. */
	rp_api_rig_restart(rig);
	assert_reply(201, "", open_with("/vault-admin/sesame", "secret"));
}

/* Nothing readable is stored, and no value fits another row. */
static void test_sealed(void **state)
{
	struct rp_db *db = rp_store_db(rig->store.store);
	struct rp_err err = {0};
	struct rp_stmt *stmt;
	(void)state;
	assert_int_equal(open_with("/vault-admin/init", "secret"), 201);
	assert_int_equal(
	    ask(BOB, "POST", "/vault", "{\"key\":\"a\",\"value\":\"plain1\",\"type\":\"text\"}"),
	    201);
	assert_int_equal(ask(BOB, "POST", "/vault",
	                     "{\"key\":\"b\",\"value\":\"plain1\",\"type\":\"text\","
	                     "\"required_group\":\"staff\"}"),
	    201);
	assert_int_equal(
	    rp_db_stmt(db, "SELECT value FROM vault_values ORDER BY id", &stmt, &err), 0);
	char values[2][128];
	for (int i = 0; i < 2; i++) {
		assert_int_equal(rp_stmt_step(stmt, &err), 1);
		(void)snprintf(values[i], sizeof(values[i]), "%s", rp_stmt_text(stmt, 0));
		assert_null(strstr(values[i], "plain"));
	}
	rp_stmt_reset(stmt);
	assert_string_not_equal(values[0], values[1]);
	static const char *const changes[] = {
	    "UPDATE vault_values SET required_group = '' WHERE id = 2",
	    "UPDATE vault_values SET required_group = 'staff', client_id = 'x' WHERE id = 2",
	    "UPDATE vault_values SET client_id = '', key = 'c' WHERE id = 2",
	    "UPDATE vault_values SET key = 'b', type = 'secret' WHERE id = 2",
	};
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(rp_db_exec(db, changes[i], &err), 0);
		assert_reply(500, FAIL("the value was changed outside of the vault"),
		    ask(BOB, "GET", "/vault/2", NULL));
	}
	assert_int_equal(
	    rp_db_exec(db, "UPDATE vault_values SET type = 'text' WHERE id = 2", &err), 0);
	assert_int_equal(ask(BOB, "GET", "/vault/2", NULL), 200);
	assert_int_equal(rp_db_exec(db,
	                     "UPDATE vault_values SET value ="
	                     " (SELECT value FROM vault_values WHERE id = 1) WHERE id = 2",
	                     &err),
	    0);
	assert_int_equal(ask(BOB, "GET", "/vault/2", NULL), 500);
	assert_int_equal(
	    rp_db_exec(db, "UPDATE vault_values SET value = 'x' WHERE id = 2", &err), 0);
	assert_int_equal(ask(BOB, "GET", "/vault/2", NULL), 500);
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_lock),
	    T(test_entries),
	    T(test_errors),
	    T(test_groups),
	    T(test_rounds),
	    T(test_sealed),
	};
	return cmocka_run_group_tests_name("api_vault", tests, NULL, NULL);
}
