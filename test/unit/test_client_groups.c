/* SPDX-License-Identifier: MIT */
/*
 * Client groups and tags over the API (rport-api 4.4): what groups match, who gets access by them,
 * every answer and error, and what survives a restart.
 */
#include "server/cgroups.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "test/lib/api_short.h"

#define INVALID(detail)                                                                        \
	"{\"errors\":[{\"code\":\"\",\"title\":\"Invalid client group.\",\"detail\":\"" detail \
	"\"}]}"

/* A group of that id; more: further members of the body. */
static void put_group(const char *id, const char *params, const char *more)
{
	char path[64];
	char body[1024];
	(void)snprintf(path, sizeof(path), "/client-groups/%s", id);
	(void)snprintf(body, sizeof(body), "{\"id\":\"%s\",\"params\":%s%s}", id, params, more);
	assert_reply(204, "", ask(ADMIN, "PUT", path, body));
}

static void connect_three(void)
{
	rp_api_rig_hello(rig, "c1",
	    "{\"Name\":\"web one\",\"Version\":\"1.0.0\",\"Hostname\":\"web1.example\","
	    "\"OSKernel\":\"linux\",\"Tags\":[\"web\",\"berlin\"],\"IPv4\":[\"192.0.2.7\"]}");
	rp_api_rig_hello(rig, "c2",
	    "{\"Name\":\"web two\",\"Version\":\"1.1.0\",\"Hostname\":\"web2.example\","
	    "\"OSKernel\":\"linux\",\"Tags\":[\"web\"],\"IPv6\":[\"2001:db8::7\"]}");
	rp_api_rig_hello(rig, "c3",
	    "{\"Name\":\"desk\",\"Version\":\"1.0.0\",\"OSKernel\":\"windows\",\"Tags\":[]}");
}

/* The clients that a group of these params has. */
static void assert_members(const char *params, const char *want)
{
	char text[256];
	put_group("probe", params, "");
	(void)snprintf(text, sizeof(text), "{\"data\":{\"client_ids\":[%s]}}", want);
	unsigned status = ask(
	    ADMIN, "GET", "/client-groups/probe?fields[client_groups]=client_ids", NULL);
	if (status != 200 || strcmp(rig->body, text) != 0) {
		fail_msg("%s: %s, wanted %s", params, rig->body, text);
	}
}

static void test_match(void **state)
{
	(void)state;
	connect_three();
	assert_members("{\"client_id\":[\"c1\",\"c3\"]}", "\"c1\",\"c3\"");
	assert_members("{\"client_id\":[\"*\"]}", "\"c1\",\"c2\",\"c3\"");
	assert_members("{\"client_id\":[\"C1\"]}", "\"c1\"");
	assert_members("{\"name\":[\"WEB*\"]}", "\"c1\",\"c2\"");
	assert_members("{\"name\":[\"*o*e*\"]}", "\"c1\"");
	assert_members("{\"os_kernel\":[\"linux\"],\"version\":[\"1.0.*\"]}", "\"c1\"");
	assert_members("{\"hostname\":[\"web?.example\"]}", "");
	assert_members("{\"hostname\":[\"\"]}", "\"c3\"");
	assert_members("{\"ipv4\":[\"192.0.2.*\"]}", "\"c1\"");
	assert_members("{\"ipv6\":[\"2001:DB8:*\"]}", "\"c2\"");
	assert_members("{\"ipv4\":[],\"os_kernel\":[\"linux\"]}", "\"c2\"");
	assert_members("{\"name\":[]}", "");
	assert_members("{\"tag\":[\"berlin\",\"w*\"]}", "\"c1\",\"c2\"");
	assert_members("{\"tag\":{\"or\":[\"berlin\",\"paris\"]}}", "\"c1\"");
	assert_members("{\"tag\":{\"and\":[\"berlin\",\"web\"]}}", "\"c1\"");
	assert_members("{\"tag\":{\"and\":[\"berlin\",\"paris\"]}}", "");
	assert_members(
	    "{\"address\":[\"192.0.2.1\"],\"client_auth_id\":[\"auth\"]}", "\"c1\",\"c2\",\"c3\"");
	assert_members("{\"connection_state\":[\"disconnected\"]}", "");
	assert_members("{}", "");
	assert_members("{\"name\":null,\"tag\":null}", "");
	assert_members("{\"OS_Kernel\":[\"windows\"]}", "\"c3\"");
}

static void test_form(void **state)
{
	(void)state;
	connect_three();
	assert_reply(
	    200, "{\"data\":[],\"meta\":{\"count\":0}}", ask(ADMIN, "GET", "/client-groups", NULL));
	assert_reply(201, "",
	    ask(ADMIN, "POST", "/client-groups",
	        "{\"id\":\"g-1\",\"description\":\"first\",\"params\":{\"name\":[\"web*\"],"
	        "\"tag\":{\"AND\":[\"web\"]}},\"allowed_user_groups\":[\"staff\"]}"));
	assert_null(strstr(rig->reply, "Content-Type"));
	assert_reply(200,
	    "{\"data\":{\"id\":\"g-1\",\"description\":\"first\",\"params\":{\"client_id\":null,"
	    "\"name\":[\"web*\"],\"os\":null,\"os_arch\":null,\"os_family\":null,"
	    "\"os_kernel\":null,\"hostname\":null,\"ipv4\":null,\"ipv6\":null,"
	    "\"tag\":{\"and\":[\"web\"]},\"version\":null,\"address\":null,"
	    "\"client_auth_id\":null,\"connection_state\":null},"
	    "\"allowed_user_groups\":[\"staff\"],\"client_ids\":[\"c1\",\"c2\"],"
	    "\"num_clients\":2,\"num_clients_connected\":2}}",
	    ask(ADMIN, "GET", "/client-groups/g-1", NULL));
	put_group("G_2*", "{\"name\":[\"x\"]}", ",\"client_ids\":[\"c1\"],\"num_clients\":1");
	assert_reply(200,
	    "{\"data\":[{\"id\":\"g-1\",\"description\":\"first\"},"
	    "{\"id\":\"G_2*\",\"description\":\"\"}],\"meta\":{\"count\":2}}",
	    ask(ADMIN, "GET", "/client-groups", NULL));
	assert_reply(200,
	    "{\"data\":[{\"id\":\"G_2*\",\"allowed_user_groups\":null,\"num_clients\":0}],"
	    "\"meta\":{\"count\":1}}",
	    ask(ADMIN, "GET",
	        "/client-groups?filter[id]=G_*&fields[client_groups]=id,num_clients,"
	        "allowed_user_groups",
	        NULL));
	assert_reply(200, "{\"data\":[{\"client_ids\":[\"c1\",\"c2\"]}],\"meta\":{\"count\":2}}",
	    ask(ADMIN, "GET",
	        "/client-groups?sort=-id&page[limit]=1&page[offset]=1"
	        "&fields[client_groups]=client_ids",
	        NULL));
	assert_reply(204, "", ask(ADMIN, "DELETE", "/client-groups/g-1", NULL));
	assert_reply(204, "", ask(ADMIN, "DELETE", "/client-groups/g-1", NULL));
	assert_reply(404, FAIL("Client Group[id=\\\"g-1\\\"] not found."),
	    ask(ADMIN, "GET", "/client-groups/g-1", NULL));
}

static void post_bad(const char *body, const char *want)
{
	assert_reply(400, want, ask(ADMIN, "POST", "/client-groups", body));
}

static void test_errors(void **state)
{
	(void)state;
	post_bad("", FAIL("Missing body with json data."));
	post_bad("{\"id\":\"g\"}", INVALID("params: missing"));
	post_bad("{\"id\":\"g\",\"params\":null}", INVALID("params: missing"));
	post_bad("{\"id\":\"g\",\"params\":[]}", INVALID("params: expected an object"));
	post_bad("{\"params\":{}}", INVALID("id: expected 1 to 30 characters of A-Za-z0-9_-*"));
	post_bad("{\"id\":\"a b\",\"params\":{}}",
	    INVALID("id: expected 1 to 30 characters of A-Za-z0-9_-*"));
	post_bad("{\"id\":\"0123456789012345678901234567890\",\"params\":{}}",
	    INVALID("id: expected 1 to 30 characters of A-Za-z0-9_-*"));
	post_bad("{\"id\":\"g\",\"params\":{\"nam\":[\"x\"]}}",
	    INVALID("params: unknown field \\\"nam\\\""));
	post_bad("{\"id\":\"g\",\"params\":{\"name\":\"x\"}}",
	    INVALID("params: name: expected a list of texts"));
	post_bad("{\"id\":\"g\",\"params\":{\"name\":[1]}}",
	    INVALID("params: name: expected a list of texts"));
	post_bad(
	    "{\"id\":\"g\",\"params\":{\"tag\":[]}}", INVALID("params: tag: the list is empty"));
	post_bad("{\"id\":\"g\",\"params\":{\"tag\":{\"not\":[\"x\"]}}}",
	    INVALID("params: tag: expected a list, {\\\"and\\\":[...]} or {\\\"or\\\":[...]}"));
	post_bad("{\"id\":\"g\",\"params\":{\"tag\":{\"and\":[\"x\"],\"or\":[\"y\"]}}}",
	    INVALID("params: tag: expected a list, {\\\"and\\\":[...]} or {\\\"or\\\":[...]}"));
	post_bad("{\"id\":\"g\",\"params\":{\"tag\":{}}}",
	    INVALID("params: tag: expected a list, {\\\"and\\\":[...]} or {\\\"or\\\":[...]}"));
	assert_int_equal(ask(ADMIN, "POST", "/client-groups", "{\"id\":\"g\",\"par\":{}}"), 400);
	assert_non_null(strstr(rig->body, "json: unknown field \\\"par\\\""));
	put_group("g", "{\"name\":[\"x\"]}", "");
	assert_reply(409, FAIL("a client group with this id exists already"),
	    ask(ADMIN, "POST", "/client-groups", "{\"id\":\"g\",\"params\":{}}"));
	assert_reply(400, INVALID("id: has to be that of the path"),
	    ask(ADMIN, "PUT", "/client-groups/g", "{\"id\":\"h\",\"params\":{}}"));
	assert_int_equal(ask(ADMIN, "GET", "/client-groups?sort=params", NULL), 400);
	assert_int_equal(ask(ADMIN, "GET", "/client-groups?filter[params]=x", NULL), 400);
	assert_int_equal(ask(ADMIN, "GET", "/client-groups?page[limit]=501", NULL), 400);
	assert_int_equal(
	    ask(ADMIN, "GET", "/client-groups/g?fields[client_groups]=name", NULL), 400);
}

static void assert_groups(const char *client, const char *want)
{
	char path[96];
	char text[128];
	(void)snprintf(path, sizeof(path), "/clients/%s?fields[clients]=groups", client);
	(void)snprintf(text, sizeof(text), "{\"data\":{\"groups\":[%s]}}", want);
	assert_reply(200, text, ask(ADMIN, "GET", path, NULL));
}

/* Memberships follow the clients and the groups. */
static void test_changes(void **state)
{
	(void)state;
	put_group("b", "{\"connection_state\":[\"connected\"]}", "");
	put_group("a", "{\"client_id\":[\"c*\"]}", "");
	rp_api_rig_hello(rig, "c1", "{\"Version\":\"1.0.0\"}");
	assert_groups("c1", "\"a\",\"b\"");
	rp_api_rig_down(rig);
	assert_groups("c1", "\"a\"");
	put_group("aa", "{\"client_id\":[\"c1\"]}", "");
	put_group("0", "{\"client_id\":[\"c1\"]}", "");
	put_group("z", "{\"client_id\":[\"c1\"]}", "");
	assert_groups("c1", "\"0\",\"a\",\"aa\",\"z\"");
	put_group("aa", "{\"client_id\":[\"c2\"]}", "");
	assert_groups("c1", "\"0\",\"a\",\"z\"");
	assert_reply(204, "", ask(ADMIN, "DELETE", "/client-groups/0", NULL));
	assert_groups("c1", "\"a\",\"z\"");
	assert_reply(200, "{\"data\":[{\"id\":\"c1\"}],\"meta\":{\"count\":1}}",
	    ask(ADMIN, "GET", "/clients?filter[groups]=Z&fields[clients]=id", NULL));
	rp_api_rig_restart(rig);
	assert_groups("c1", "\"a\",\"z\"");
}

static void test_access(void **state)
{
	(void)state;
	connect_three();
	assert_int_equal(ask(BOB, "GET", "/clients/c1", NULL), 403);
	put_group("web", "{\"name\":[\"web*\"]}", ",\"allowed_user_groups\":[\"staff\"]");
	put_group("all", "{\"client_id\":[\"*\"]}", "");
	put_group("none", "{\"client_id\":[\"x\"]}", ",\"allowed_user_groups\":[\"staff\"]");
	assert_int_equal(ask(BOB, "GET", "/clients/c1", NULL), 200);
	assert_int_equal(ask(BOB, "GET", "/clients/c3", NULL), 403);
	assert_reply(200, "{\"data\":[{\"id\":\"c1\"},{\"id\":\"c2\"}],\"meta\":{\"count\":2}}",
	    ask(BOB, "GET", "/clients?fields[clients]=id", NULL));
	/* Groups without clients that bob may see are not in his list, and only these count. */
	assert_reply(200,
	    "{\"data\":[{\"id\":\"all\",\"client_ids\":[\"c1\",\"c2\"],\"num_clients\":2},"
	    "{\"id\":\"web\",\"client_ids\":[\"c1\",\"c2\"],\"num_clients\":2}],"
	    "\"meta\":{\"count\":2}}",
	    ask(BOB, "GET", "/client-groups?fields[client_groups]=id,client_ids,num_clients",
	        NULL));
	assert_int_equal(ask(BOB, "PUT", "/client-groups/all", "{}"), 403);
	put_group("web", "{\"name\":[\"web*\"]}", ",\"allowed_user_groups\":[\"others\"]");
	assert_int_equal(ask(BOB, "GET", "/clients/c1", NULL), 403);
	put_group("web", "{\"name\":[\"*\"]}", ",\"allowed_user_groups\":[\"x\",\"staff\"]");
	assert_int_equal(ask(BOB, "GET", "/clients/c3", NULL), 200);
	rp_api_rig_restart(rig);
	assert_int_equal(ask(BOB, "GET", "/clients/c3", NULL), 200);
	assert_reply(204, "", ask(ADMIN, "DELETE", "/client-groups/web", NULL));
	assert_int_equal(ask(BOB, "GET", "/clients/c3", NULL), 403);
}

static void test_tags(void **state)
{
	(void)state;
	assert_reply(
	    200, "{\"data\":[],\"meta\":{\"count\":0}}", ask(ADMIN, "GET", "/client-tags", NULL));
	connect_three();
	rp_api_rig_hello(rig, "c4", "{\"Version\":\"1.0.0\",\"Tags\":[\"web\",\"web\",\"a b\"]}");
	assert_reply(200,
	    "{\"data\":[{\"tag\":\"a b\",\"client_ids\":[\"c4\"]},"
	    "{\"tag\":\"berlin\",\"client_ids\":[\"c1\"]},"
	    "{\"tag\":\"web\",\"client_ids\":[\"c1\",\"c2\",\"c4\"]}],\"meta\":{\"count\":3}}",
	    ask(ADMIN, "GET", "/client-tags", NULL));
	assert_reply(200, "{\"data\":[{\"tag\":\"berlin\"}],\"meta\":{\"count\":3}}",
	    ask(ADMIN, "GET", "/client-tags?fields[client_tags]=tag&page[limit]=1&page[offset]=1",
	        NULL));
	assert_reply(
	    200, "{\"data\":[],\"meta\":{\"count\":0}}", ask(BOB, "GET", "/client-tags", NULL));
	put_group("g", "{\"client_id\":[\"c2\"]}", ",\"allowed_user_groups\":[\"staff\"]");
	assert_reply(200,
	    "{\"data\":[{\"tag\":\"web\",\"client_ids\":[\"c2\"]}],\"meta\":{\"count\":1}}",
	    ask(BOB, "GET", "/client-tags", NULL));
	assert_int_equal(ask(ADMIN, "GET", "/client-tags?filter[tag]=x", NULL), 400);
}

static void test_limit(void **state)
{
	char id[16];
	(void)state;
	struct rp_cgroups *groups = rp_registry_cgroups(rig->registry);
	for (int i = 0; i < RP_CGROUPS_MAX; i++) {
		struct rp_cgroup g = {.params = rp_strdup("{}")};
		(void)snprintf(id, sizeof(id), "g%d", i);
		g.id = rp_strdup(id);
		assert_int_equal(rp_cgroup_compile(&g, NULL), 0);
		assert_int_equal(rp_cgroups_put(groups, &g, true, NULL, NULL), 0);
	}
	assert_reply(400, FAIL("there are at most 1000 client groups"),
	    ask(ADMIN, "POST", "/client-groups", "{\"id\":\"more\",\"params\":{}}"));
	rp_store_rig_sync(&rig->store);
	put_group("g7", "{\"name\":[\"x\"]}", "");
	assert_int_equal(rp_cgroups_count(groups), RP_CGROUPS_MAX);
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_match),
	    T(test_form),
	    T(test_errors),
	    T(test_changes),
	    T(test_access),
	    T(test_tags),
	    T(test_limit),
	};
	return cmocka_run_group_tests_name("client_groups", tests, NULL, NULL);
}
