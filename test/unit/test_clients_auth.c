/* SPDX-License-Identifier: MIT */
/*
 * Credentials of clients over the API (rport-api 3.15): static, file and table, every answer and
 * error, and what becomes of the clients.
 */
#include "server/clientauth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/db.h"
#include "test/lib/api_short.h"
#include "test/lib/conf_file.h"

#define ERROR(code, title, detail) \
	"{\"errors\":[{\"code\":\"" code "\",\"title\":\"" title "\",\"detail\":\"" detail "\"}]}"

static char path[RP_CONF_PATH_MAX];

static void open_file(const char *more, const char *extra)
{
	char *server = rp_asprintf("auth_file = '%s'\n%s", path, more);
	rig = rp_api_rig_open_with(server, extra);
	rp_free(server);
}

static int teardown(void **state)
{
	(void)state;
	rp_api_rig_close(rig);
	(void)unlink(path);
	return 0;
}

static int setup_file(void **state)
{
	(void)state;
	rp_conf_file_make(path, "{\"two\":\"p:2\",\"one\":\"p1\"}");
	open_file("", NULL);
	return 0;
}

static int setup_table(void **state)
{
	struct rp_db *db;
	(void)state;
	rp_conf_file_make(path, "");
	assert_int_equal(rp_db_open(&db, path, false, NULL), 0);
	assert_int_equal(
	    rp_db_exec(db,
	        "CREATE TABLE \"Keys\" (id TEXT, password TEXT);"
	        "INSERT INTO \"Keys\" VALUES ('two', 'p:2'), ('one', 'p1'), (NULL, 'x'), ('', 'y');",
	        NULL),
	    0);
	rp_db_close(db);
	/* The rig writes [server] first and the rest of the file behind [api]. */
	char *extra = rp_asprintf("[database]\ndb_type = 'sqlite'\ndb_name = '%s'", path);
	rig = rp_api_rig_open_with("auth_table = 'Keys'", extra);
	rp_free(extra);
	return 0;
}

/* What both kinds have in common. */
static void go_through(void)
{
	assert_reply(200,
	    "{\"data\":[{\"id\":\"one\",\"password\":\"p1\"},"
	    "{\"id\":\"two\",\"password\":\"p:2\"}],\"meta\":{\"count\":2}}",
	    ask(ADMIN, "GET", "/clients-auth", NULL));
	assert_reply(200, "{\"data\":{\"id\":\"two\",\"password\":\"p:2\"}}",
	    ask(ADMIN, "GET", "/clients-auth/two", NULL));
	assert_reply(404, ERROR("", "Client Auth with ID \\\"x\\\" not found", ""),
	    ask(ADMIN, "GET", "/clients-auth/x", NULL));
	assert_reply(201, "",
	    ask(ADMIN, "POST", "/clients-auth", "{\"id\":\"three\",\"password\":\"p\\u00e43\"}"));
	assert_true(rp_clientauth_check(rig->auth, "three",
	    "p\xc3\xa4"
	    "3"));
	assert_false(rp_clientauth_check(rig->auth, "three", "p3"));
	assert_reply(409,
	    ERROR("ERR_CODE_ALREADY_EXIST", "a client auth with this ID exists already", ""),
	    ask(ADMIN, "POST", "/clients-auth", "{\"id\":\"three\",\"password\":\"other\"}"));
	assert_reply(200,
	    "{\"data\":[{\"id\":\"three\",\"password\":\"p\xc3\xa4"
	    "3\"}],\"meta\":{\"count\":2}}",
	    ask(ADMIN, "GET", "/clients-auth?filter[id]=T*&page[limit]=1", NULL));
	assert_reply(204, "", ask(ADMIN, "DELETE", "/clients-auth/two", NULL));
	assert_false(rp_clientauth_check(rig->auth, "two", "p:2"));
	assert_reply(404,
	    ERROR(
	        "ERR_CODE_CLIENT_AUTH_NOT_FOUND", "Client Auth with ID=\\\"two\\\" not found.", ""),
	    ask(ADMIN, "DELETE", "/clients-auth/two", NULL));
	assert_int_equal(ask(ADMIN, "GET", "/status", NULL), 200);
	assert_part("\"clients_auth_mode\":\"Read Write\"");
}

static void test_file(void **state)
{
	char text[128] = "";
	struct stat st;
	(void)state;
	assert_int_equal(chmod(path, 0640), 0);
	go_through();
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	assert_true(fread(text, 1, sizeof(text) - 1, f) > 0);
	assert_int_equal(fclose(f), 0);
	assert_string_equal(text,
	    "{\n\t\"one\": \"p1\",\n\t\"three\": \"p\xc3\xa4"
	    "3\"\n}\n");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	/* What an administrator writes meanwhile is neither missed nor lost. */
	f = fopen(path, "w");
	assert_true(fputs("{\"hand\":\"made\"}", f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(ask(ADMIN, "GET", "/clients-auth/hand", NULL), 200);
	assert_int_equal(
	    ask(ADMIN, "POST", "/clients-auth", "{\"id\":\"more\",\"password\":\"abc\"}"), 201);
	assert_true(rp_clientauth_check(rig->auth, "hand", "made"));
	/* A file that cannot be understood is not overwritten. */
	f = fopen(path, "w");
	assert_true(fputs("{\"hand\":", f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(
	    ask(ADMIN, "POST", "/clients-auth", "{\"id\":\"again\",\"password\":\"abc\"}"), 500);
	assert_true(rp_clientauth_check(rig->auth, "more", "abc"));
	assert_false(rp_clientauth_check(rig->auth, "again", "abc"));
}

static void test_table(void **state)
{
	struct rp_db *db;
	(void)state;
	assert_false(rp_clientauth_check(rig->auth, "", "y"));
	/* Rows without a name are no credentials, but the administrator's business. */
	assert_int_equal(ask(ADMIN, "DELETE", "/clients-auth/x", NULL), 404);
	assert_int_equal(rp_db_open_existing(&db, path, NULL), 0);
	assert_int_equal(rp_db_exec(db, "DELETE FROM \"Keys\" WHERE id = ''", NULL), 0);
	go_through();
	assert_int_equal(
	    rp_db_exec(db, "UPDATE \"Keys\" SET password = 'new' WHERE id = 'one'", NULL), 0);
	assert_true(rp_clientauth_check(rig->auth, "one", "new"));
	assert_false(rp_clientauth_check(rig->auth, "one", "p1"));
	rp_db_close(db);
}

static void test_table_bad(void **state)
{
	struct rp_clientauth *a;
	struct rp_err err = {0};
	struct rp_db *db;
	(void)state;
	rp_conf_file_make(path, "");
	assert_int_equal(rp_db_open(&db, path, false, NULL), 0);
	assert_int_equal(rp_db_exec(db, "CREATE TABLE k (id TEXT, pass TEXT)", NULL), 0);
	rp_db_close(db);
	assert_true(rp_clientauth_table(path, "k", &a, &err) < 0);
	assert_non_null(strstr(err.msg, "password"));
	assert_true(rp_clientauth_table(path, "other", &a, &err) < 0);
	assert_non_null(strstr(err.msg, "other"));
	assert_int_equal(rp_clientauth_table(path, "k\" --", &a, &err), RP_EINVAL);
	assert_int_equal(rp_clientauth_table(path, "", &a, &err), RP_EINVAL);
	assert_int_equal(unlink(path), 0);
	assert_true(rp_clientauth_table(path, "k", &a, &err) < 0);
	assert_non_null(strstr(err.msg, "db_name"));
}

static void post_bad(const char *body, const char *detail)
{
	assert_int_equal(ask(ADMIN, "POST", "/clients-auth", body), 400);
	assert_part("\"code\":\"ERR_CODE_INVALID_REQUEST\"");
	assert_part(detail);
}

static void test_errors(void **state)
{
	(void)state;
	post_bad("{\"id\":\"ab\",\"password\":\"abc\"}", "id: expected 3 to 256 bytes");
	post_bad("{\"password\":\"abc\"}", "id: expected 3 to 256 bytes");
	post_bad("{\"id\":\"a:b\",\"password\":\"abc\"}", "colon");
	post_bad("{\"id\":\"abc\",\"password\":\"ab\"}", "password: expected 3 to 1024 bytes");
	assert_int_equal(ask(ADMIN, "POST", "/clients-auth", NULL), 400);
	assert_int_equal(ask(ADMIN, "POST", "/clients-auth", "{\"x\":1}"), 400);
	assert_int_equal(ask(ADMIN, "GET", "/clients-auth?filter[password]=p1", NULL), 400);
	assert_int_equal(ask(ADMIN, "GET", "/clients-auth?sort=id", NULL), 400);
	assert_int_equal(ask(BOB, "GET", "/clients-auth", NULL), 403);
	assert_int_equal(ask(ADMIN, "DELETE", "/clients-auth/one?force=maybe", NULL), 400);
	assert_part("\"code\":\"ERR_CODE_INVALID_REQUEST\"");
}

/* Credentials in use go only by force, and with them the clients. */
static void test_force(void **state)
{
	(void)state;
	assert_int_equal(
	    ask(ADMIN, "POST", "/clients-auth", "{\"id\":\"auth\",\"password\":\"abc\"}"), 201);
	rp_api_rig_client(rig, "away", NULL);
	rp_api_rig_down(rig);
	rp_api_rig_client(rig, "here", NULL);
	assert_reply(409,
	    ERROR("ERR_CODE_CLIENT_AUTH_HAS_CLIENT",
	        "Client Auth expected to have no active or disconnected bound client(s), got 2.",
	        ""),
	    ask(ADMIN, "DELETE", "/clients-auth/auth?force=false", NULL));
	assert_int_equal(ask(ADMIN, "DELETE", "/clients-auth/auth", NULL), 409);
	assert_true(rp_clientauth_check(rig->auth, "auth", "abc"));
	assert_reply(204, "", ask(ADMIN, "DELETE", "/clients-auth/auth?force=true", NULL));
	assert_int_equal(rp_fake_count(rig->workers), 1);
	assert_int_equal(rp_fake_order(rig->workers, 0)->kind, RP_FAKE_CLOSE);
	rp_api_rig_down(rig);
	assert_false(rp_clientauth_check(rig->auth, "auth", "abc"));
	assert_int_equal(rp_registry_count(rig->registry, true), 0);
	assert_int_equal(ask(ADMIN, "GET", "/clients/here", NULL), 404);
	assert_int_equal(ask(ADMIN, "GET", "/clients/away", NULL), 404);
	rp_api_rig_restart(rig);
	assert_int_equal(ask(ADMIN, "GET", "/clients/here", NULL), 404);
	assert_int_equal(ask(ADMIN, "GET", "/clients/away", NULL), 404);
}

static void test_static(void **state)
{
	(void)state;
	rp_conf_file_make(path, "");
	rig = rp_api_rig_open(NULL);
	assert_reply(200,
	    "{\"data\":[{\"id\":\"one\",\"password\":\"tops3cret\"}],\"meta\":{\"count\":1}}",
	    ask(ADMIN, "GET", "/clients-auth", NULL));
	assert_reply(405,
	    ERROR("ERR_CODE_CLIENT_AUTH_SINGLE",
	        "Client authentication is enabled only for a single user.", ""),
	    ask(ADMIN, "POST", "/clients-auth", "{\"id\":\"abc\",\"password\":\"abc\"}"));
	assert_int_equal(ask(ADMIN, "DELETE", "/clients-auth/one", NULL), 405);
}

static void test_read_only(void **state)
{
	(void)state;
	rp_conf_file_make(path, "{\"one\":\"p1\"}");
	open_file("auth_write = false", "show_client_passwords = false");
	assert_reply(200, "{\"data\":[{\"id\":\"one\",\"password\":\"\"}],\"meta\":{\"count\":1}}",
	    ask(ADMIN, "GET", "/clients-auth", NULL));
	assert_reply(200, "{\"data\":{\"id\":\"one\",\"password\":\"\"}}",
	    ask(ADMIN, "GET", "/clients-auth/one", NULL));
	assert_reply(405,
	    ERROR("ERR_CODE_CLIENT_AUTH_RO",
	        "Client authentication has been attached in read-only mode.", ""),
	    ask(ADMIN, "POST", "/clients-auth", "{\"id\":\"abc\",\"password\":\"abc\"}"));
	assert_int_equal(ask(ADMIN, "DELETE", "/clients-auth/one", NULL), 405);
	assert_int_equal(ask(ADMIN, "GET", "/status", NULL), 200);
	assert_part("\"clients_auth_source\":\"File\",\"clients_auth_mode\":\"Read Only\"");
}

#define T(name, setup) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_file, setup_file),
	    T(test_errors, setup_file),
	    T(test_force, setup_file),
	    T(test_table, setup_table),
	    cmocka_unit_test(test_table_bad),
	    T(test_static, NULL),
	    T(test_read_only, NULL),
	};
	return cmocka_run_group_tests_name("clients_auth", tests, NULL, NULL);
}
