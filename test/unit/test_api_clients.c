/* SPDX-License-Identifier: MIT */
/*
 * Lists of clients, one client, its attributes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "test/lib/api_raw.h"

/* Clients */

static void test_clients_list(void **state)
{
	static const struct {
		const char *query, *body;
	} cases[] = {
	    {"",
	        "{\"data\":[{\"id\":\"B1\",\"name\":\"name of\",\"hostname\":\"host\"},{\"id\":\"c1\","
	        "\"name\":\"name of\",\"hostname\":\"host\"},{\"id\":\"c2\",\"name\":\"name of\","
	        "\"hostname\":\"host\"}],\"meta\":{\"count\":3}}"},
	    {"?fields[clients]=id",
	        "{\"data\":[{\"id\":\"B1\"},{\"id\":\"c1\"},{\"id\":\"c2\"}],"
	        "\"meta\":{\"count\":3}}"},
	    {"?fields%5Bclients%5D=id&sort=-id",
	        "{\"data\":[{\"id\":\"c2\"},{\"id\":\"c1\"},"
	        "{\"id\":\"B1\"}],\"meta\":{\"count\":3}}"},
	    {"?fields[clients]=id&sort=name&page[limit]=1&page[offset]=1",
	        "{\"data\":[{\"id\":\"c1\"}],\"meta\":{\"count\":3}}"},
	    {"?page[offset]=3", "{\"data\":[],\"meta\":{\"count\":3}}"},
	    {"?page[offset]=2147483647&page[limit]=500", "{\"data\":[],\"meta\":{\"count\":3}}"},
	    {"?fields[clients]=id&filter[id]=b1",
	        "{\"data\":[{\"id\":\"B1\"}],\"meta\":{\"count\":1}}"},
	    {"?fields[clients]=id,connection_state&filter[connection_state]=disconnected",
	        "{\"data\":[{\"id\":\"c2\",\"connection_state\":\"disconnected\"}],\"meta\":{\"count\":1}}"},
	    {"?fields[clients]=id&filter[tags]=and(a,b)&filter[id]=c*",
	        "{\"data\":[{\"id\":\"c1\"},{\"id\":\"c2\"}],\"meta\":{\"count\":2}}"},
	    {"?fields[clients]=id&filter[labels]=city:%20cologne&page[limit]=1",
	        "{\"data\":[{\"id\":\"B1\"}],\"meta\":{\"count\":3}}"},
	    {"?filter[*]=nothing", "{\"data\":[],\"meta\":{\"count\":0}}"},
	    {"?fields[clients]=id,ip_addresses,updates_status,tunnels,allowed_user_groups,groups,"
	     "client_configuration,tags,labels,num_cpus,mem_total&filter[id]=c1",
	        "{\"data\":[{\"id\":\"c1\",\"num_cpus\":2,\"mem_total\":0,\"tags\":[\"a\",\"B\"],"
	        "\"allowed_user_groups\":null,\"tunnels\":[],\"updates_status\":null,"
	        "\"ext_ip_addresses\":null,\"client_configuration\":{\"client\":{\"auth\":\"***\"}},"
	        "\"groups\":[],\"labels\":{\"city\":\"Cologne\"}}],\"meta\":{\"count\":1}}"},
	};
	(void)state;
	assert_reply(200, "{\"data\":[],\"meta\":{\"count\":0}}", get("/clients"));
	connect_client("c2", 2);
	connect_client("c1", 1);
	connect_client("B1", 3);
	disconnect_client(2);
	for (size_t i = 0; i < RP_ARRAY_LEN(cases); i++) {
		char path[256];
		(void)snprintf(path, sizeof(path), "/clients%s", cases[i].query);
		assert_reply(200, cases[i].body, get(path));
	}
}

static void test_clients_list_errors(void **state)
{
	(void)state;
	assert_reply(400, FAIL("unsupported sort field 'x'"), get("/clients?sort=x"));
	assert_reply(400, FAIL("Only one sort field is supported for clients."),
	    get("/clients?sort=id&sort=name"));
	assert_reply(
	    400, FAIL("unsupported filter field 'filter[x]'"), get("/clients?filter[x]=1"));
	assert_reply(400, FAIL("unsupported filter field 'filter[id][gt]'"),
	    get("/clients?filter[id][gt]=1"));
	assert_reply(400, FAIL("unsupported field \\\"foo\\\" for resource \\\"clients\\\""),
	    get("/clients?fields[clients]=foo"));
	assert_reply(400,
	    FAIL("unsupported field \\\"ext_ip_addresses\\\" for resource \\\"clients\\\""),
	    get("/clients?fields[clients]=ext_ip_addresses"));
	assert_reply(400, FAIL("pagination limit must be positive"), get("/clients?page[limit]=0"));
	assert_reply(400, FAIL("pagination limit too big (501) maximum is 500"),
	    get("/clients?page[limit]=501"));
	assert_reply(400,
	    "{\"errors\":[{\"code\":\"\",\"title\":\"unsupported sort field 'x'\",\"detail\":\"\"},"
	    "{\"code\":\"\",\"title\":\"unsupported filter field 'filter[y]'\",\"detail\":\"\"},"
	    "{\"code\":\"\",\"title\":\"unsupported field \\\"z\\\" for resource \\\"clients\\\"\","
	    "\"detail\":\"\"},{\"code\":\"\",\"title\":\"pagination offset must not be negative\","
	    "\"detail\":\"\"}]}",
	    get("/clients?page[offset]=-1&fields[clients]=z&filter[y]=1&sort=x"));
}

static void test_client(void **state)
{
	(void)state;
	assert_reply(404, FAIL("Client with id=\\\"c1\\\" not found."), get("/clients/c1"));
	connect_client("c1", 1);
	connect_client("a/b", 2);
	assert_int_equal(get("/clients/c1"), 200);
	static const char start[] =
	    "{\"data\":{\"id\":\"c1\",\"name\":\"name of\",\"address\":\"192.0.2.1\",";
	assert_memory_equal(rig->body, start, strlen(start));
	assert_non_null(strstr(rig->body, "\"disconnected_at\":null,"));
	assert_null(strstr(rig->body, "hidden"));
	assert_reply(200, "{\"data\":{\"id\":\"a/b\"}}", get("/clients/a%2Fb?fields[clients]=id"));
	assert_reply(400, FAIL("Client is active, should be disconnected"),
	    ask("DELETE", "/clients/c1", ADMIN, NULL));
	disconnect_client(1);
	assert_reply(204, "", ask("DELETE", "/clients/c1", ADMIN, NULL));
	assert_reply(404, FAIL("Client with id=\\\"c1\\\" not found."),
	    ask("DELETE", "/clients/c1", ADMIN, NULL));
	rp_api_rig_restart(rig);
	assert_reply(200, "{\"data\":[{\"id\":\"a/b\"}],\"meta\":{\"count\":1}}",
	    get("/clients?fields[clients]=id"));
}

/* An id that needs escapes in JSON and is longer than a title. */
static void test_strange_ids(void **state)
{
	(void)state;
	assert_reply(404, FAIL("Client with id=\\\"\\u003c\\\"\\\\\\\" not found."),
	    get("/clients/%3C%22%5C"));
	char *path = rp_malloc(2100);
	memset(path, 'x', 2099);
	memcpy(path, "/clients/", 9);
	path[2099] = '\0';
	assert_int_equal(get(path), 404);
	/* Cut off in the middle of a character or not: valid text. */
	for (size_t i = 0; i < 696; i++) {
		memcpy(path + 9 + i * 3, "%c3", 3);
	}
	path[9 + 690 * 3] = '\0';
	assert_int_equal(get(path), 404);
	assert_true(rp_utf8_valid(rig->body, strlen(rig->body)));
	rp_free(path);
}

/* Attributes */

static void test_attributes(void **state)
{
	(void)state;
	connect_client("c1", 1);
	assert_reply(200, "{\"data\":{\"tags\":[\"a\",\"B\"],\"labels\":{\"city\":\"Cologne\"}}}",
	    get("/clients/c1/attributes"));
	assert_reply(400, FAIL("Missing body with json data."),
	    ask("PUT", "/clients/c1/attributes", ADMIN, ""));
	assert_int_equal(ask("PUT", "/clients/c1/attributes", ADMIN, "{"), 400);
	assert_int_equal(ask("PUT", "/clients/c1/attributes", ADMIN, "{\"tags\":\"x\"}"), 400);
	/* Unknown keys are fine here. */
	begin("PUT", "/clients/c1/attributes", ADMIN,
	    "{\"tags\":[\"x\"],\"labels\":{\"k\":\"v\"},\"more\":1}");
	struct rp_fake_order *o = rp_api_rig_wait_order(rig, 1);
	assert_string_equal(o->name, "update_client_metadata");
	assert_string_equal(o->text, "{\"tags\":[\"x\"],\"labels\":{\"k\":\"v\"}}");
	rp_fake_answer(o, 0, "{\"status\":\"OK\"}");
	assert_reply(200, "{\"data\":\"ok\"}", rp_api_rig_finish(rig));
	assert_reply(200, "{\"data\":{\"tags\":[\"x\"],\"labels\":{\"k\":\"v\"}}}",
	    get("/clients/c1/attributes"));
	begin("PUT", "/clients/c1/attributes", ADMIN, "{}");
	rp_fake_answer(rp_api_rig_wait_order(rig, 2), RP_EDENIED, "attributes file path not set");
	assert_reply(
	    409, FAIL("client error: attributes file path not set"), rp_api_rig_finish(rig));
	begin("PUT", "/clients/c1/attributes", ADMIN, "{}");
	rp_fake_answer(rp_api_rig_wait_order(rig, 3), RP_ECLOSED, "");
	assert_reply(404, FAIL("client with id c1 not found"), rp_api_rig_finish(rig));
	begin("PUT", "/clients/c1/attributes", ADMIN, "{}");
	rp_fake_answer(rp_api_rig_wait_order(rig, 4), RP_ETIMEOUT, "");
	assert_reply(409, FAIL("client error: timed out"), rp_api_rig_finish(rig));
	disconnect_client(1);
	assert_reply(404, FAIL("client with id c1 not found"), get("/clients/c1/attributes"));
	assert_reply(404, FAIL("client with id c1 not found"),
	    ask("PUT", "/clients/c1/attributes", ADMIN, "{}"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_clients_list),
	    T(test_clients_list_errors),
	    T(test_client),
	    T(test_strange_ids),
	    T(test_attributes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
