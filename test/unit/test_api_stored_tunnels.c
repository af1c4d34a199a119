/* SPDX-License-Identifier: MIT */
/*
 * The list of stored tunnels of all clients: whose they are, its order, filters, pages and fields, and
 * what of it a user gets to see.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "test/lib/api_short.h"

#define ALL "/stored-tunnels"

static void add(const char *client, const char *body)
{
	char path[96];
	(void)snprintf(path, sizeof(path), "/clients/%s/stored-tunnels", client);
	assert_int_equal(ask(ADMIN, "POST", path, body), 200);
}

/* Shop (c2, staff may use it) and cellar (c1) are connected, Attic (c3) is not any more. */
static int open_three(void **state)
{
	(void)open_rig(state);
	rp_api_rig_hello(rig, "c3", "{\"Name\":\"Attic\",\"Version\":\"1.0.0\"}");
	rp_api_rig_down(rig);
	rp_api_rig_hello(rig, "c1", "{\"Name\":\"cellar\",\"Version\":\"1.0.0\"}");
	rp_api_rig_hello(rig, "c2", "{\"Name\":\"Shop\",\"Version\":\"1.0.0\"}");
	assert_int_equal(
	    ask(ADMIN, "POST", "/clients/c2/acl", "{\"allowed_user_groups\":[\"staff\"]}"), 204);
	add("c1", "{\"name\":\"ssh\",\"scheme\":\"ssh\",\"remote_port\":22}");
	add("c2",
	    "{\"name\":\"web\",\"scheme\":\"http\",\"remote_ip\":\"10.0.0.7\","
	    "\"remote_port\":80}");
	add("c2", "{\"name\":\"admin\",\"scheme\":\"https\",\"remote_port\":8443}");
	add("c3", "{\"name\":\"desk\",\"scheme\":\"rdp\",\"remote_port\":3389}");
	add("c1", "{\"name\":\"mail\",\"remote_port\":25}");
	return 0;
}

/* "Client/name …" in the order of the last answer. */
static const char *rows(void)
{
	static char out[512];
	size_t n = 0;
	out[0] = '\0';
	for (const char *at = rig->body; (at = strstr(at, "\"name\":\"")) != NULL; at++) {
		const char *client = strstr(at, "\"client_name\":\"");
		assert_non_null(client);
		at += strlen("\"name\":\"");
		client += strlen("\"client_name\":\"");
		n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%.*s/%.*s", n > 0 ? " " : "",
		    (int)strcspn(client, "\""), client, (int)strcspn(at, "\""), at);
	}
	return out;
}

static void assert_rows(const char *user, const char *query, const char *want, int total)
{
	char path[256];
	char count[32];
	(void)snprintf(path, sizeof(path), ALL "?%s", query);
	(void)snprintf(count, sizeof(count), "\"meta\":{\"count\":%d}", total);
	if (ask(user, "GET", path, NULL) != 200 || strcmp(rows(), want) != 0) {
		fail_msg("%s: %s, wanted %s", query, rig->body, want);
	}
	assert_part(count);
}

static void test_order(void **state)
{
	(void)state;
	assert_rows(ADMIN, "", "Attic/desk cellar/mail cellar/ssh Shop/admin Shop/web", 5);
	assert_rows(ADMIN, "sort=-client_name&sort=-name",
	    "Shop/web Shop/admin cellar/ssh cellar/mail Attic/desk", 5);
	assert_rows(ADMIN, "sort=client_name&sort=remote_port",
	    "Attic/desk cellar/ssh cellar/mail Shop/web Shop/admin", 5);
	assert_rows(
	    ADMIN, "sort=created_at", "cellar/ssh Shop/web Shop/admin Attic/desk cellar/mail", 5);
	assert_rows(
	    ADMIN, "sort=-remote_port", "Shop/admin Attic/desk Shop/web cellar/mail cellar/ssh", 5);
}

/* By name through all clients, and by id: what is looked up there is looked up differently. */
static void test_filters(void **state)
{
	static const struct {
		const char *filter;
		const char *want;
		int total;
	} cases[] = {
	    {"filter[client_id]=c1", "cellar/mail cellar/ssh", 2},
	    {"filter[client_name]=CELL*", "cellar/mail cellar/ssh", 2},
	    {"filter[client_name]=cell", "", 0},
	    {"filter[connection_state]=disconnected", "Attic/desk", 1},
	    {"filter[scheme]=", "cellar/mail", 1},
	    {"filter[remote_ip]=10.*", "Shop/web", 1},
	    {"filter[remote_port]=22,25", "cellar/mail cellar/ssh", 2},
	    {"filter[client_name|name]=*a*&filter[connection_state]=connected",
	        "cellar/mail cellar/ssh Shop/admin", 3},
	    {"filter[client_name|remote_port]=80,attic", "Attic/desk Shop/web", 2},
	    {"filter[*]=*ssh*", "cellar/ssh", 1},
	    {"filter[id]=none", "", 0},
	};
	char query[128];
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(cases); i++) {
		assert_rows(ADMIN, cases[i].filter, cases[i].want, cases[i].total);
		(void)snprintf(query, sizeof(query), "%s&sort=name&page[limit]=1&page[offset]=3",
		    cases[i].filter);
		assert_rows(ADMIN, query, "", cases[i].total);
	}
}

static void test_pages(void **state)
{
	(void)state;
	assert_rows(ADMIN, "page[limit]=2&page[offset]=1", "cellar/mail cellar/ssh", 5);
	assert_rows(ADMIN, "page[limit]=500&page[offset]=4", "Shop/web", 5);
	assert_rows(ADMIN, "page[offset]=5", "", 5);
	assert_rows(ADMIN, "sort=name&page[limit]=2&page[offset]=2", "cellar/mail cellar/ssh", 5);
}

static void test_fields(void **state)
{
	(void)state;
	assert_reply(200,
	    "{\"data\":[{\"name\":\"desk\",\"client_id\":\"c3\","
	    "\"connection_state\":\"disconnected\"}],\"meta\":{\"count\":1}}",
	    ask(ADMIN, "GET",
	        ALL "?fields[stored_tunnels]=client_id,name,connection_state&filter[name]=desk",
	        NULL));
	assert_int_equal(ask(ADMIN, "GET", ALL "?filter[name]=web", NULL), 200);
	assert_part("\"name\":\"web\",\"scheme\":\"http\",\"remote_ip\":\"10.0.0.7\","
	            "\"remote_port\":80,\"public_port\":null,\"acl\":null,\"further_options\":null,"
	            "\"client_id\":\"c2\",\"client_name\":\"Shop\","
	            "\"connection_state\":\"connected\"}]");
}

/* Others' clients are not there: not in the rows, not in their number, and no filter finds them. */
static void test_rights(void **state)
{
	(void)state;
	assert_rows(BOB, "", "Shop/admin Shop/web", 2);
	assert_rows(BOB, "sort=-created_at", "Shop/admin Shop/web", 2);
	assert_rows(BOB, "filter[client_id]=c1&sort=name", "", 0);
	assert_rows(BOB, "filter[name]=ssh", "", 0);
	assert_int_equal(
	    ask(ADMIN, "POST", "/clients/c2/acl", "{\"allowed_user_groups\":[]}"), 204);
	assert_rows(BOB, "", "", 0);
	assert_rows(BOB, "sort=name", "", 0);
}

static void test_errors(void **state)
{
	(void)state;
	assert_reply(400, FAIL("client_name has to be the first sort field"),
	    ask(ADMIN, "GET", ALL "?sort=name&sort=-client_name", NULL));
	assert_int_equal(
	    ask(ADMIN, "GET", ALL "?sort=acl&filter[acl]=x&fields[stored_tunnels]=y", NULL), 400);
	assert_part("unsupported sort field 'acl'");
	assert_part("unsupported filter field 'filter[acl]'");
	assert_part("unsupported field \\\"y\\\" for resource \\\"stored_tunnels\\\"");
	assert_int_equal(ask(ADMIN, "GET", ALL "?page[limit]=501", NULL), 400);
	assert_int_equal(ask(NULL, "GET", ALL, NULL), 401);
}

/* What hangs on a client goes with it; the rest is there again. */
static void test_restart(void **state)
{
	(void)state;
	assert_int_equal(ask(ADMIN, "DELETE", "/clients/c3", NULL), 204);
	rp_api_rig_restart(rig);
	assert_rows(ADMIN, "", "cellar/mail cellar/ssh Shop/admin Shop/web", 4);
	assert_rows(BOB, "filter[connection_state]=disconnected", "Shop/admin Shop/web", 2);
}

static void test_none(void **state)
{
	(void)state;
	assert_rows(ADMIN, "", "", 0);
	assert_rows(ADMIN, "sort=name", "", 0);
	rp_api_rig_client(rig, "c1", "staff");
	assert_rows(BOB, "", "", 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_three, close_rig)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_order),
	    T(test_filters),
	    T(test_pages),
	    T(test_fields),
	    T(test_rights),
	    T(test_errors),
	    T(test_restart),
	    cmocka_unit_test_setup_teardown(test_none, open_rig, close_rig),
	};
	return cmocka_run_group_tests_name("api_stored_tunnels", tests, NULL, NULL);
}
