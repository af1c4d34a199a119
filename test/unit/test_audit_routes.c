/* SPDX-License-Identifier: MIT */
/*
 * What each call of the API leaves in the audit log when it has done something. That no route is
 * forgotten is seen by test_api_walk.c.
 */
#include "api/audit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test/lib/api_short.h"

#define LONG "Trombone-swimming-43-octagon"

/* One call. In the path and in the affected id, @ is the id that the call before it brought (by the
 * key that its own row names). */
struct step {
	const char *method;
	const char *path;
	const char *body;
	const char *key; /* of the answer: @ from then on; NULL: @ stays */
	const char *application;
	const char *action;
	const char *id;
	const char *client;
	unsigned entries;
};

static const struct step steps[] = {
    {"POST", "/me/tokens", "{\"name\":\"n\",\"scope\":\"read\"}", "prefix", "auth.user.me.token",
        "create", "[admin,@]", "", 1},
    {"PUT", "/me/tokens/@", "{\"name\":\"m\"}", NULL, "auth.user.me.token", "update", "[admin,@]",
        "", 1},
    {"DELETE", "/me/tokens/@", NULL, NULL, "auth.user.me.token", "delete", "[admin,@]", "", 1},
    {"POST", "/users", "{\"username\":\"carl\",\"password\":\"" LONG "\"}", NULL, "auth.user",
        "create", "carl", "", 1},
    {"PUT", "/users/carl", "{\"groups\":[\"staff\"]}", NULL, "auth.user", "update", "carl", "", 1},
    {"DELETE", "/users/carl/sessions", NULL, NULL, "auth.api.sessions", "delete", "carl", "", 1},
    {"DELETE", "/users/carl", NULL, NULL, "auth.user", "delete", "carl", "", 1},
    {"POST", "/client-groups", "{\"id\":\"g\",\"description\":\"d\",\"params\":{}}", NULL,
        "client.group", "create", "g", "", 1},
    {"PUT", "/client-groups/g", "{\"id\":\"g\",\"description\":\"e\",\"params\":{}}", NULL,
        "client.group", "update", "g", "", 1},
    {"DELETE", "/client-groups/g", NULL, NULL, "client.group", "delete", "g", "", 1},
    {"POST", "/library/commands", "{\"name\":\"n\",\"cmd\":\"id\"}", "id", "library.command",
        "create", "@", "", 1},
    {"PUT", "/library/commands/@", "{\"name\":\"n\",\"cmd\":\"date\"}", NULL, "library.command",
        "update", "@", "", 1},
    {"DELETE", "/library/commands/@", NULL, NULL, "library.command", "delete", "@", "", 1},
    {"POST", "/library/scripts", "{\"name\":\"n\",\"script\":\"aWQ=\"}", "id", "library.script",
        "create", "@", "", 1},
    {"PUT", "/library/scripts/@", "{\"name\":\"m\",\"script\":\"aWQ=\"}", NULL, "library.script",
        "update", "@", "", 1},
    {"DELETE", "/library/scripts/@", NULL, NULL, "library.script", "delete", "@", "", 1},
    {"PUT", "/clients/one/attributes", "{\"tags\":[\"x\"],\"labels\":{}}", NULL, "client", "update",
        "one", "one", 1},
    {"POST", "/clients/one/acl", "{\"allowed_user_groups\":[\"staff\"]}", NULL, "client.acl",
        "update", "one", "one", 1},
    {"PUT", "/clients/one/tunnels?remote=22&check_port=0", NULL, "id", "client.tunnel", "create",
        "@", "one", 1},
    {"PUT", "/clients/one/tunnels/@/acl", "{\"acl\":\"192.0.2.1\"}", NULL, "client.tunnel",
        "update", "@", "one", 1},
    {"DELETE", "/clients/one/tunnels/@", NULL, NULL, "client.tunnel", "delete", "@", "one", 1},
    {"POST", "/clients/one/commands", "{\"command\":\"id\"}", "jid", "client.command",
        "execute.start", "@", "one", 1},
    {"POST", "/clients/one/scripts", "{\"script\":\"aWQ=\"}", "jid", "client.script",
        "execute.start", "@", "one", 1},
    {"POST", "/commands", "{\"command\":\"id\",\"client_ids\":[\"one\",\"two\"]}", "jid",
        "client.command", "execute.start", "@", "two", 2},
    {"POST", "/scripts", "{\"script\":\"aWQ=\",\"client_ids\":[\"one\",\"two\"]}", "jid",
        "client.script", "execute.start", "@", "two", 2},
    {"POST", "/schedules",
        "{\"name\":\"n\",\"schedule\":\"0 3 * * *\",\"type\":\"command\",\"command\":\"id\","
        "\"client_ids\":[\"one\"]}",
        "id", "schedule", "create", "@", "", 1},
    {"PUT", "/schedules/@",
        "{\"name\":\"n\",\"schedule\":\"0 4 * * *\",\"type\":\"command\",\"command\":\"id\","
        "\"client_ids\":[\"one\"]}",
        NULL, "schedule", "update", "@", "", 1},
    {"DELETE", "/schedules/@", NULL, NULL, "schedule", "delete", "@", "", 1},
    {"POST", "/vault-admin/init", "{\"password\":\"" LONG "\"}", NULL, "vault", "init", "", "", 1},
    {"DELETE", "/vault-admin/sesame", NULL, NULL, "vault", "lock", "", "", 1},
    {"POST", "/vault-admin/sesame", "{\"password\":\"" LONG "\"}", NULL, "vault", "unlock", "", "",
        1},
    {"POST", "/vault",
        "{\"client_id\":\"one\",\"key\":\"k\",\"value\":\"" LONG "\",\"type\":\"secret\"}", NULL,
        "vault", "create", "1", "one", 1},
    {"PUT", "/vault/1",
        "{\"client_id\":\"one\",\"key\":\"k\",\"value\":\"" LONG "\",\"type\":\"text\"}", NULL,
        "vault", "update", "1", "one", 1},
    {"DELETE", "/vault/1", NULL, NULL, "vault", "delete", "1", "", 1},
    {"DELETE", "/clients/two", NULL, NULL, "client", "delete", "two", "two", 1},
};

static void fill(const char *pattern, const char *id, char *out, size_t size)
{
	const char *at = strchr(pattern, '@');
	if (at == NULL) {
		(void)snprintf(out, size, "%s", pattern);
	} else {
		(void)snprintf(out, size, "%.*s%s%s", (int)(at - pattern), pattern, id, at + 1);
	}
}

static unsigned count_entries(void)
{
	assert_int_equal(ask(ADMIN, "GET", "/auditlog?sort=-timestamp&page[limit]=1", NULL), 200);
	const char *count = strstr(rig->body, "\"count\":");
	assert_non_null(count);
	return (unsigned)strtoul(count + strlen("\"count\":"), NULL, 10);
}

static void run_step(const struct step *s, char id[static 64])
{
	char path[128];
	char affected[96];
	char want[400];
	unsigned before = count_entries();
	fill(s->path, id, path, sizeof(path));
	unsigned status = ask(ADMIN, s->method, path, s->body);
	if (status / 100 != 2) {
		fail_msg("%s %s: %u %s", s->method, path, status, rig->body);
	}
	if (s->key != NULL) {
		rp_api_rig_text(rig, s->key, id, 64);
	}
	fill(s->id, id, affected, sizeof(affected));
	(void)snprintf(want, sizeof(want),
	    "\"username\":\"admin\",\"remote_ip\":\"127.0.0.1\",\"application\":\"%s\","
	    "\"action\":\"%s\",\"affected_id\":\"%s\",\"client_id\":\"%s\"",
	    s->application, s->action, affected, s->client);
	unsigned after = count_entries();
	if (after - before != s->entries || strstr(rig->body, want) == NULL) {
		fail_msg("%s %s: %u entries, the last is %s\nwanted %u, %s", s->method, path,
		    after - before, rig->body, s->entries, want);
	}
	assert_null(strstr(rig->body, LONG));
}

static void test_steps(void **state)
{
	char id[64] = "";
	(void)state;
	rig->on_orders = rp_fake_answer_all;
	rp_api_rig_client(rig, "one", "staff");
	rp_api_rig_client(rig, "two", NULL);
	rp_api_rig_down(rig);
	for (size_t i = 0; i < RP_ARRAY_LEN(steps); i++) {
		run_step(&steps[i], id);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_steps, open_rig, close_rig),
	};
	return cmocka_run_group_tests_name("audit_routes", tests, NULL, NULL);
}
