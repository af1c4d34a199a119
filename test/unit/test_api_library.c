/* SPDX-License-Identifier: MIT */
/*
 * The libraries of commands and scripts and the stored tunnels over the API: every answer and error
 * of rport-api 4.5 and 4.6, their lists (2.6), and what survives a restart.
 */
#include "api/library_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api/stored_tunnels_store.h"
#include "test/lib/api_short.h"

/* Makes an entry; path is then its own. */
static void make(const char *list, const char *body, char path[static 96])
{
	char id[64];
	assert_int_equal(ask(ADMIN, "POST", list, body), 201);
	rp_api_rig_text(rig, "id", id, sizeof(id));
	(void)snprintf(path, 96, "%s/%s", list, id);
}

/* The names in the order of the last answer, "a b c". */
static const char *names(void)
{
	static char out[256];
	size_t n = 0;
	const char *at = rig->body;
	out[0] = '\0';
	while ((at = strstr(at, "\"name\":\"")) != NULL) {
		at += strlen("\"name\":\"");
		n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%.*s", n > 0 ? " " : "",
		    (int)strcspn(at, "\""), at);
	}
	return out;
}

static void assert_names(const char *query, const char *want)
{
	char path[256];
	(void)snprintf(path, sizeof(path), "/library/commands?%s", query);
	if (ask(ADMIN, "GET", path, NULL) != 200 || strcmp(names(), want) != 0) {
		fail_msg("%s: %s, wanted %s", query, rig->body, want);
	}
}

static void test_command(void **state)
{
	char path[96];
	char id[64];
	char at[64];
	char want[512];
	(void)state;
	assert_reply(200, "{\"data\":[],\"meta\":{\"count\":0}}",
	    ask(BOB, "GET", "/library/commands", NULL));
	make("/library/commands", "{\"name\":\"up\",\"cmd\":\"uptime\",\"tags\":[\"a\",\"b\"]}",
	    path);
	rp_api_rig_text(rig, "id", id, sizeof(id));
	rp_api_rig_text(rig, "created_at", at, sizeof(at));
	(void)snprintf(want, sizeof(want),
	    "{\"data\":{\"id\":\"%s\",\"name\":\"up\",\"created_by\":\"admin\",\"created_at\":\"%s\","
	    "\"updated_by\":\"admin\",\"updated_at\":\"%s\",\"cmd\":\"uptime\",\"tags\":[\"a\",\"b\"],"
	    "\"timeout_sec\":60}}",
	    id, at, at);
	assert_string_equal(rig->body, want);
	assert_non_null(strstr(rig->reply, "Content-Type: application/json"));
	assert_reply(200, want, ask(BOB, "GET", path, NULL));
	assert_int_equal(ask(BOB, "GET", "/library/commands", NULL), 200);
	assert_part("\"meta\":{\"count\":1}");
	assert_part("\"cmd\":\"uptime\"");

	assert_int_equal(
	    ask(BOB, "PUT", path, "{\"name\":\"up2\",\"cmd\":\"uptime -p\",\"timeout_sec\":5}"),
	    200);
	assert_part("\"created_by\":\"admin\"");
	assert_part("\"updated_by\":\"bob\"");
	assert_part("\"tags\":null,\"timeout_sec\":5");
	(void)snprintf(want, sizeof(want), "\"created_at\":\"%s\"", at);
	assert_part(want);
	assert_reply(204, "", ask(BOB, "DELETE", path, NULL));
	assert_int_equal(ask(BOB, "GET", path, NULL), 404);
	assert_part("Cannot find a command by the provided id: ");
	assert_reply(
	    404, FAIL("cannot find this entry by the provided id"), ask(BOB, "DELETE", path, NULL));
	assert_reply(404, FAIL("cannot find entry by the provided ID"),
	    ask(BOB, "PUT", path, "{\"name\":\"x\",\"cmd\":\"y\"}"));
}

static void test_script(void **state)
{
	char path[96];
	(void)state;
	make("/library/scripts",
	    "{\"name\":\"s\",\"script\":\"cHdk\",\"interpreter\":\"bash\",\"cwd\":\"/tmp\","
	    "\"is_sudo\":true,\"timeout_sec\":7,\"tags\":[]}",
	    path);
	/* Quirk 8: the original labels this answer as text. */
	assert_non_null(strstr(rig->reply, "Content-Type: application/json"));
	assert_part(
	    "\"interpreter\":\"bash\",\"is_sudo\":true,\"cwd\":\"/tmp\",\"script\":\"cHdk\","
	    "\"tags\":[],\"timeout_sec\":7}}");
	assert_int_equal(ask(ADMIN, "GET", path, NULL), 200);
	assert_part("\"script\":\"cHdk\",\"tags\":[]");
	assert_int_equal(ask(ADMIN, "PUT", path, "{\"name\":\"s\",\"script\":\"bHM=\"}"), 200);
	assert_part("\"interpreter\":\"\",\"is_sudo\":false,\"cwd\":\"\",\"script\":\"bHM=\","
	            "\"tags\":null,\"timeout_sec\":60}}");
	make("/library/scripts", "{\"name\":\"root\",\"script\":\"cHdk\",\"is_sudo\":true}", path);
	assert_int_equal(ask(ADMIN, "GET", "/library/scripts?filter[is_sudo]=true", NULL), 200);
	assert_string_equal(names(), "root");
	assert_int_equal(ask(ADMIN, "GET", "/library/scripts?filter[is_sudo]=0", NULL), 200);
	assert_string_equal(names(), "s");
	assert_int_equal(
	    ask(ADMIN, "GET", "/library/scripts?sort=-name&fields[scripts]=name", NULL), 200);
	assert_string_equal(
	    rig->body, "{\"data\":[{\"name\":\"s\"},{\"name\":\"root\"}],\"meta\":{\"count\":2}}");
	assert_reply(204, "", ask(ADMIN, "DELETE", path, NULL));
	assert_int_equal(ask(ADMIN, "GET", path, NULL), 404);
	assert_part("Cannot find a script by the provided id: ");
}

static void test_errors(void **state)
{
	(void)state;
	assert_reply(400, FAIL("Missing body with json data."),
	    ask(ADMIN, "POST", "/library/commands", NULL));
	assert_int_equal(ask(ADMIN, "POST", "/library/commands", "{\"script\":\"x\"}"), 400);
	assert_part("json: unknown field \\\"script\\\"");
	assert_reply(400,
	    "{\"errors\":[{\"code\":\"\",\"title\":\"name is required\",\"detail\":\"\"},"
	    "{\"code\":\"\",\"title\":\"cmd is required\",\"detail\":\"\"}]}",
	    ask(ADMIN, "POST", "/library/commands", "{}"));
	assert_reply(400, FAIL("script is required"),
	    ask(ADMIN, "POST", "/library/scripts", "{\"name\":\"n\",\"script\":\"\"}"));
	assert_reply(400, FAIL("timeout_sec must not be negative"),
	    ask(ADMIN, "POST", "/library/commands",
	        "{\"name\":\"n\",\"cmd\":\"c\",\"timeout_sec\":-1}"));
	/* As the original's decoder has it. */
	assert_int_equal(ask(ADMIN, "POST", "/library/commands",
	                     "{\"name\":\"nulls\",\"cmd\":\"c\",\"tags\":[null,\"a\"]}"),
	    201);
	assert_part("\"tags\":[\"\",\"a\"]");
}

static void test_bad_tags(void **state)
{
	(void)state;
	assert_reply(400, FAIL("tags must be an array of strings"),
	    ask(ADMIN, "POST", "/library/commands",
	        "{\"name\":\"n\",\"cmd\":\"c\",\"tags\":\"t\"}"));
	assert_reply(400, FAIL("tags must be an array of strings"),
	    ask(ADMIN, "POST", "/library/commands", "{\"name\":\"n\",\"cmd\":\"c\",\"tags\":[1]}"));
}

static void test_errors_of_entries(void **state)
{
	static const char *const lists[] = {"/library/commands", "/library/scripts"};
	static const char *const texts[] = {"cmd", "script"};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(lists); i++) {
		char path[96];
		char with[128];
		char body[64];
		(void)snprintf(body, sizeof(body), "{\"name\":\"n\",\"%s\":\"Yw==\"}", texts[i]);
		make(lists[i], body, path);
		(void)snprintf(with, sizeof(with), "%s?fields[x]=name", path);
		assert_int_equal(ask(ADMIN, "GET", with, NULL), 400);
		assert_part("unsupported field \\\"name\\\" for resource \\\"x\\\"");
		(void)snprintf(with, sizeof(with), "%s?sort=x", lists[i]);
		assert_reply(
		    400, FAIL("unsupported sort field 'x'"), ask(ADMIN, "GET", with, NULL));
		assert_int_equal(ask(ADMIN, "PUT", path, "{\"name\":\"\"}"), 400);
		assert_part("name is required");
		(void)snprintf(with, sizeof(with), "%s/x", lists[i]);
		assert_int_equal(ask(ADMIN, "GET", with, NULL), 404);
		assert_int_equal(ask(ADMIN, "PUT", with, body), 404);
		assert_int_equal(ask(ADMIN, "DELETE", path, NULL), 204);
		assert_int_equal(ask(ADMIN, "PUT", with, body), 404);
		assert_int_equal(ask(ADMIN, "DELETE", with, NULL), 404);
	}
}

static void test_same_name(void **state)
{
	char path[96];
	(void)state;
	make("/library/commands", "{\"name\":\"n\",\"cmd\":\"c\"}", path);
	assert_reply(409, FAIL("another command with the same name 'n' exists"),
	    ask(BOB, "POST", "/library/commands", "{\"name\":\"n\",\"cmd\":\"d\"}"));
	make("/library/commands", "{\"name\":\"m\",\"cmd\":\"c\"}", path);
	assert_reply(409, FAIL("another command with the same name 'n' exists"),
	    ask(BOB, "PUT", path, "{\"name\":\"n\",\"cmd\":\"d\"}"));
	assert_int_equal(ask(BOB, "PUT", path, "{\"name\":\"m\",\"cmd\":\"d\"}"), 200);
	/* The two libraries have nothing to do with each other. */
	make("/library/scripts", "{\"name\":\"n\",\"script\":\"cHdk\"}", path);
	assert_reply(409, FAIL("another script with the same name 'n' exists"),
	    ask(BOB, "POST", "/library/scripts", "{\"name\":\"n\",\"script\":\"cHdk\"}"));
	make("/library/scripts", "{\"name\":\"m\",\"script\":\"cHdk\"}", path);
	assert_reply(409, FAIL("another script with the same name 'n' exists"),
	    ask(BOB, "PUT", path, "{\"name\":\"n\",\"script\":\"cHdk\"}"));
}

static void test_list(void **state)
{
	char path[96];
	(void)state;
	make("/library/commands", "{\"name\":\"one\",\"cmd\":\"b\",\"tags\":[\"x\",\"y\"]}", path);
	make("/library/commands",
	    "{\"name\":\"two\",\"cmd\":\"a\",\"tags\":[\"Y\"],\"timeout_sec\":9}", path);
	make("/library/commands", "{\"name\":\"Three\",\"cmd\":\"c\"}", path);
	assert_names("", "one two Three");
	assert_names("sort=cmd", "two one Three");
	assert_names("sort=-name", "two one Three");
	assert_names("filter[name]=one", "one");
	assert_names("filter[name]=t*", "two Three");
	assert_names("filter[name]=three", ""); /* SQL: case counts without a star */
	assert_names("filter[name|cmd]=one,c", "one Three");
	assert_names("filter[created_by]=admin&filter[cmd]=a", "two");
	assert_names("filter[timeout_sec]=9", "two");
	/* Tags are matched in memory. */
	assert_names("filter[tags]=y", "one two");
	assert_names("filter[tags]=and(x,y)", "one");
	assert_names("filter[tags]=x,y&filter[name]=t*", "two");
	assert_names("filter[tags]=", "Three");
	assert_names("filter[tags|name]=three", "Three");
	assert_names("page[limit]=1&page[offset]=1", "two");
	assert_part("\"meta\":{\"count\":3}");
	assert_names("filter[tags]=y&page[offset]=1", "two");
	assert_part("\"meta\":{\"count\":2}");
	assert_names("page[offset]=7", "");
	assert_int_equal(
	    ask(ADMIN, "GET", "/library/commands?fields[commands]=cmd,tags&sort=cmd", NULL), 200);
	assert_string_equal(rig->body,
	    "{\"data\":[{\"cmd\":\"a\",\"tags\":[\"Y\"]},{\"cmd\":\"b\",\"tags\":[\"x\",\"y\"]},"
	    "{\"cmd\":\"c\",\"tags\":null}],\"meta\":{\"count\":3}}");
	char one[160];
	(void)snprintf(one, sizeof(one), "%s?fields[commands]=name", path);
	assert_reply(200, "{\"data\":{\"name\":\"Three\"}}", ask(ADMIN, "GET", one, NULL));
	assert_int_equal(
	    ask(ADMIN, "GET",
	        "/library/commands?sort=x&filter[script]=1&fields[commands]=z&page[limit]=101",
	        NULL),
	    400);
	assert_part("unsupported sort field 'x'");
	assert_part("unsupported filter field 'filter[script]'");
	assert_part("unsupported field \\\"z\\\" for resource \\\"commands\\\"");
	assert_part("pagination limit too big (101) maximum is 100");
}

static void test_restart(void **state)
{
	char kept[96];
	char gone[96];
	(void)state;
	make("/library/commands", "{\"name\":\"gone\",\"cmd\":\"c\"}", gone);
	make("/library/commands", "{\"name\":\"kept\",\"cmd\":\"c\",\"tags\":[\"t\"]}", kept);
	assert_int_equal(ask(ADMIN, "DELETE", gone, NULL), 204);
	rp_api_rig_restart(rig);
	assert_names("", "kept");
	assert_part("\"tags\":[\"t\"]");
}

static int fill_work(struct rp_db *db, void *arg, struct rp_err *err)
{
	return rp_db_exec(db, arg, err);
}

/* Straight into the table: thousands of requests would take their time. */
static void fill(const char *sql)
{
	const struct rp_store_job job = {.work = fill_work, .arg = (char *)(uintptr_t)sql};
	assert_int_equal(rp_store_submit(rig->store.store, &job), 0);
	rp_store_rig_sync(&rig->store);
}

/* Stored tunnels */

#define TUNNELS "/clients/c1/stored-tunnels"

static void make_tunnel(const char *body, char path[static 96])
{
	char id[64];
	assert_int_equal(ask(ADMIN, "POST", TUNNELS, body), 200);
	rp_api_rig_text(rig, "id", id, sizeof(id));
	(void)snprintf(path, 96, TUNNELS "/%s", id);
}

static void test_tunnel(void **state)
{
	char path[96];
	char at[64];
	char want[512];
	(void)state;
	rp_api_rig_client(rig, "c1", "staff");
	assert_reply(200, "{\"data\":[],\"meta\":{\"count\":0}}", ask(BOB, "GET", TUNNELS, NULL));
	make_tunnel("{\"name\":\"web\",\"scheme\":\"http\",\"remote_ip\":\"127.0.0.1\","
	            "\"remote_port\":80,\"public_port\":8080,\"acl\":\"192.0.2.0/24\","
	            "\"further_options\":{\"a\":[1,{\"b\":null}]}}",
	    path);
	rp_api_rig_text(rig, "created_at", at, sizeof(at));
	(void)snprintf(want, sizeof(want),
	    "\"created_at\":\"%s\",\"name\":\"web\",\"scheme\":\"http\","
	    "\"remote_ip\":\"127.0.0.1\",\"remote_port\":80,\"public_port\":8080,"
	    "\"acl\":\"192.0.2.0/24\",\"further_options\":{\"a\":[1,{\"b\":null}]}}",
	    at);
	assert_part(want);
	assert_int_equal(ask(BOB, "GET", TUNNELS, NULL), 200);
	assert_part(want);
	assert_part("\"meta\":{\"count\":1}");
	/* What a script has read, it may send back. */
	assert_int_equal(
	    ask(BOB, "PUT", path,
	        "{\"id\":\"x\",\"created_at\":\"2020-01-01T00:00:00Z\",\"name\":\"ssh\"}"),
	    200);
	assert_part("\"created_at\":\"2020-01-01T00:00:00Z\",\"name\":\"ssh\",\"scheme\":null,"
	            "\"remote_ip\":null,\"remote_port\":null,\"public_port\":null,\"acl\":null,"
	            "\"further_options\":null}}");
	assert_int_equal(ask(BOB, "PUT", path, "{\"name\":\"ssh\"}"), 200);
	assert_part("\"created_at\":\"0001-01-01T00:00:00Z\"");
	assert_int_equal(ask(ADMIN, "GET", TUNNELS, NULL), 200);
	(void)snprintf(want, sizeof(want), "\"created_at\":\"%s\",\"name\":\"ssh\"", at);
	assert_part(want);
	assert_reply(204, "", ask(BOB, "DELETE", path, NULL));
	assert_reply(204, "", ask(BOB, "DELETE", path, NULL));
	assert_reply(404, FAIL("Stored tunnel with id=\\\"t1\\\" not found."),
	    ask(ADMIN, "PUT", TUNNELS "/t1", "{}"));
}

static void test_tunnel_errors(void **state)
{
	char path[96];
	char other[96];
	(void)state;
	rp_api_rig_client(rig, "c1", NULL);
	rp_api_rig_client(rig, "c2", NULL);
	assert_reply(400, FAIL("remote_port must be a number from 0 to 65535"),
	    ask(ADMIN, "POST", TUNNELS, "{\"remote_port\":65536}"));
	assert_reply(400, FAIL("public_port must be a number from 0 to 65535"),
	    ask(ADMIN, "POST", TUNNELS, "{\"public_port\":-1}"));
	assert_int_equal(ask(ADMIN, "POST", TUNNELS, "{\"port\":1}"), 400);
	assert_part("json: unknown field \\\"port\\\"");
	assert_reply(400, FAIL("Missing body with json data."), ask(ADMIN, "POST", TUNNELS, NULL));
	assert_reply(404, FAIL("Client with id=\\\"c9\\\" not found."),
	    ask(ADMIN, "GET", "/clients/c9/stored-tunnels", NULL));
	assert_int_equal(ask(BOB, "GET", TUNNELS, NULL), 403);
	assert_int_equal(ask(ADMIN, "GET", TUNNELS "?filter[acl]=x&sort=id", NULL), 400);
	assert_part("unsupported sort field 'id'");
	assert_part("unsupported filter field 'filter[acl]'");
	/* A tunnel of one client is none of another's. */
	make_tunnel("{\"name\":\"mine\"}", path);
	(void)snprintf(other, sizeof(other), "/clients/c2%s", strchr(path + 9, '/'));
	assert_int_equal(ask(ADMIN, "PUT", other, "{}"), 404);
	assert_int_equal(ask(ADMIN, "PUT", path, "{\"remote_port\":\"22\"}"), 400);
	assert_int_equal(ask(ADMIN, "DELETE", other, NULL), 204);
	assert_int_equal(ask(ADMIN, "GET", TUNNELS, NULL), 200);
	assert_string_equal(names(), "mine");
}

static void test_tunnel_list(void **state)
{
	char path[96];
	(void)state;
	rp_api_rig_client(rig, "c1", NULL);
	make_tunnel("{\"name\":\"b\",\"scheme\":\"ssh\",\"remote_port\":22}", path);
	make_tunnel("{\"name\":\"a\",\"remote_port\":3}", path);
	make_tunnel("{\"name\":\"c\",\"remote_port\":100}", path);
	assert_int_equal(ask(ADMIN, "GET", TUNNELS, NULL), 200);
	assert_string_equal(names(), "b a c");
	assert_int_equal(ask(ADMIN, "GET", TUNNELS "?sort=-remote_port", NULL), 200);
	assert_string_equal(names(), "c b a");
	assert_int_equal(
	    ask(ADMIN, "GET", TUNNELS "?filter[remote_port]=22,3&sort=name", NULL), 200);
	assert_string_equal(names(), "a b");
	assert_int_equal(ask(ADMIN, "GET", TUNNELS "?filter[scheme]=&page[limit]=1", NULL), 200);
	assert_string_equal(names(), "a");
	assert_part("\"meta\":{\"count\":2}");
	rp_api_rig_restart(rig);
	assert_int_equal(ask(ADMIN, "GET", TUNNELS "?filter[name]=C*", NULL), 200);
	assert_string_equal(names(), "c");
	/* They go with their client. */
	assert_int_equal(ask(ADMIN, "DELETE", "/clients/c1", NULL), 204);
	rp_api_rig_client(rig, "c1", NULL);
	assert_int_equal(ask(ADMIN, "GET", TUNNELS, NULL), 200);
	assert_part("\"meta\":{\"count\":0}");
}

static void test_tunnel_full(void **state)
{
	(void)state;
	rp_api_rig_client(rig, "c1", NULL);
	rp_api_rig_client(rig, "c2", NULL);
	fill("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)"
	     " INSERT INTO stored_tunnels (id, client_id, created_at, name)"
	     " SELECT i, 'c1', '', '' FROM n");
	assert_int_equal(RP_STORED_TUNNELS_MAX, 1000);
	assert_reply(400, FAIL("a client has at most 1000 stored tunnels"),
	    ask(ADMIN, "POST", TUNNELS, "{}"));
	assert_int_equal(ask(ADMIN, "POST", "/clients/c2/stored-tunnels", "{}"), 200);
}

static void test_full(void **state)
{
	(void)state;
	fill("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)"
	     " INSERT INTO library_commands SELECT i, i, '', '', '', '', 'c', NULL, 60 FROM n");
	assert_reply(400, FAIL("a library has at most 10000 entries"),
	    ask(ADMIN, "POST", "/library/commands", "{\"name\":\"n\",\"cmd\":\"c\"}"));
	assert_int_equal(ask(ADMIN, "GET", "/library/commands?filter[id]=10000", NULL), 200);
	assert_part("\"meta\":{\"count\":1}");
	assert_int_equal(
	    ask(ADMIN, "POST", "/library/scripts", "{\"name\":\"n\",\"script\":\"cHdk\"}"), 201);
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_command),
	    T(test_script),
	    T(test_errors),
	    T(test_bad_tags),
	    T(test_errors_of_entries),
	    T(test_same_name),
	    T(test_list),
	    T(test_restart),
	    T(test_full),
	    T(test_tunnel),
	    T(test_tunnel_errors),
	    T(test_tunnel_list),
	    T(test_tunnel_full),
	};
	return cmocka_run_group_tests_name("api_library", tests, NULL, NULL);
}
