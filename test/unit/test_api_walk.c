/* SPDX-License-Identifier: MIT */
/*
 * Who is let in where: every route of the API is walked by every kind of caller, and what he gets
 * stands in a table here. A route that the table does not have fails the test, so nobody adds one
 * without saying who may use it.
 */
#include "api/router.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api/audit.h"
#include "core/alloc.h"
#include "core/str.h"
#include "test/lib/api_rig.h"

#define PASSWORD RP_API_RIG_PASSWORD

enum {
	NOBODY,
	WRONG,
	ADMIN,
	STAFF,
	STRANGER,
	TOKEN,
	READER,
	PAIRER,
	CALLERS
};

static const char *const caller_names[CALLERS] = {"no credentials", "a wrong password",
    "an administrator", "a user with access to the client", "a user without access to it",
    "a token read+write", "a token read", "a token clients-auth"};

/* "in" is everything that the handler answers itself: not 401, not 403. */
enum {
	IN = 0
};

struct row {
	const char *method;
	const char *path;
	unsigned want[CALLERS];
};

/* clang-format off */
#define OPEN        {IN, IN, IN, IN, IN, IN, IN, IN}
#define REFUSED     {403, 403, 403, 403, 403, 403, 403, 403}
#define USER        {401, 401, IN, IN, IN, IN, IN, 403}
#define USER_WRITE  {401, 401, IN, IN, IN, IN, 403, 403}
#define WEBSOCKET   {401, 401, IN, IN, IN, IN, 403, 403}
#define CLIENT      {401, 401, IN, IN, 403, IN, IN, 403}
#define CLIENT_WRITE {401, 401, IN, IN, 403, IN, 403, 403}
#define ADMINS      {401, 401, IN, 403, 403, IN, IN, 403}
#define ADMINS_WRITE {401, 401, IN, 403, 403, IN, 403, 403}
#define PAIRING     {401, 401, IN, 403, 403, IN, IN, IN}
#define PAIRING_WRITE {401, 401, IN, 403, 403, IN, 403, IN}
/* clang-format on */

static const struct row rows[] = {
    {"GET", "/auth/provider", OPEN},
    {"GET", "/openapi.json", OPEN},
    {"GET", "/docs", OPEN},
    {"GET", "/docs/docs.css", OPEN},
    {"GET", "/docs/docs.js", OPEN},
    {"GET", "/status", USER},
    {"GET", "/me", USER},
    {"PUT", "/me", USER_WRITE},
    {"GET", "/me/ip", USER},
    {"POST", "/verify-2fa", OPEN}, /* 409: no second factor is on; test_api_twofa.c has the rest */
    {"GET", "/me/sessions", USER},
    {"DELETE", "/me/sessions/{}", USER_WRITE},
    {"GET", "/settings", USER},
    {"GET", "/me/totp-secret", USER},
    {"POST", "/me/totp-secret", USER_WRITE},
    {"DELETE", "/me/totp-secret", USER_WRITE},
    {"DELETE", "/users/{}/totp-secret", ADMINS_WRITE},
    {"GET", "/me/tokens", USER},
    {"POST", "/me/tokens", USER_WRITE},
    {"PUT", "/me/tokens/{}", USER_WRITE},
    {"DELETE", "/me/tokens/{}", USER_WRITE},
    {"GET", "/me/token", USER},
    {"POST", "/me/token", USER_WRITE},
    {"DELETE", "/me/token", USER_WRITE},
    {"GET", "/users", ADMINS},
    {"POST", "/users", ADMINS_WRITE},
    {"PUT", "/users/{}", ADMINS_WRITE},
    {"DELETE", "/users/{}", ADMINS_WRITE},
    {"GET", "/sessions", ADMINS},
    {"GET", "/users/{}/sessions", ADMINS},
    {"DELETE", "/users/{}/sessions", ADMINS_WRITE},
    {"DELETE", "/users/{}/sessions/{}", ADMINS_WRITE},
    {"GET", "/user-groups", ADMINS},
    {"GET", "/user-groups/{}", ADMINS},
    {"PUT", "/user-groups/{}", ADMINS_WRITE},
    {"DELETE", "/user-groups/{}", ADMINS_WRITE},
    {"GET", "/clients-auth", PAIRING},
    {"POST", "/clients-auth", PAIRING_WRITE},
    {"GET", "/clients-auth/{}", PAIRING},
    {"DELETE", "/clients-auth/{}", PAIRING_WRITE},
    {"GET", "/pairing", ADMINS},
    {"POST", "/pairing", ADMINS_WRITE},
    {"DELETE", "/pairing/{}", ADMINS_WRITE},
    {"POST", "/pairing/{}", OPEN}, /* needs what only the code gives; test_api_pairing.c */
    {"GET", "/pairing/{}/install", OPEN},
    {"GET", "/pairing/{}/client/{}", OPEN},
    {"GET", "/client-groups", USER},
    {"POST", "/client-groups", ADMINS_WRITE},
    {"GET", "/client-groups/{}", USER},
    {"PUT", "/client-groups/{}", ADMINS_WRITE},
    {"DELETE", "/client-groups/{}", ADMINS_WRITE},
    {"GET", "/client-tags", USER},
    {"GET", "/tunnels", USER},
    {"GET", "/clients", USER},
    {"GET", "/clients/{}", CLIENT},
    {"DELETE", "/clients/{}", CLIENT_WRITE},
    {"POST", "/clients/{}/acl", ADMINS_WRITE},
    {"GET", "/clients/{}/attributes", CLIENT},
    {"PUT", "/clients/{}/attributes", CLIENT_WRITE},
    {"PUT", "/clients/{}/tunnels", CLIENT_WRITE},
    {"DELETE", "/clients/{}/tunnels/{}", CLIENT_WRITE},
    {"PUT", "/clients/{}/tunnels/{}/acl", CLIENT_WRITE},
    {"POST", "/clients/{}/commands", CLIENT_WRITE},
    {"GET", "/clients/{}/commands", CLIENT},
    {"GET", "/clients/{}/commands/{}", CLIENT},
    {"POST", "/clients/{}/scripts", CLIENT_WRITE},
    {"POST", "/commands", USER_WRITE},
    {"GET", "/commands", USER},
    {"GET", "/commands/{}", USER},
    {"GET", "/commands/{}/jobs", USER},
    {"POST", "/commands/{}/stop", USER_WRITE},
    {"GET", "/jobs", USER},
    {"POST", "/scripts", USER_WRITE},
    {"GET", "/ws/commands", WEBSOCKET},
    {"GET", "/ws/scripts", WEBSOCKET},
    {"GET", "/test/commands/ui", OPEN},
    {"GET", "/test/scripts/ui", OPEN},
    {"GET", "/test/uploads/ui", OPEN},
    {"GET", "/stored-tunnels", USER},
    {"GET", "/clients/{}/stored-tunnels", CLIENT},
    {"POST", "/clients/{}/stored-tunnels", CLIENT_WRITE},
    {"PUT", "/clients/{}/stored-tunnels/{}", CLIENT_WRITE},
    {"DELETE", "/clients/{}/stored-tunnels/{}", CLIENT_WRITE},
    {"GET", "/schedules", USER},
    {"POST", "/schedules", USER_WRITE},
    {"GET", "/schedules/preview", USER},
    {"GET", "/schedules/{}", USER},
    {"PUT", "/schedules/{}", USER_WRITE},
    {"DELETE", "/schedules/{}", USER_WRITE},
    {"GET", "/library/commands", USER},
    {"POST", "/library/commands", USER_WRITE},
    {"GET", "/library/commands/{}", USER},
    {"PUT", "/library/commands/{}", USER_WRITE},
    {"DELETE", "/library/commands/{}", USER_WRITE},
    {"GET", "/library/scripts", USER},
    {"POST", "/library/scripts", USER_WRITE},
    {"GET", "/library/scripts/{}", USER},
    {"PUT", "/library/scripts/{}", USER_WRITE},
    {"DELETE", "/library/scripts/{}", USER_WRITE},
    {"POST", "/clients/{}/updates-status", CLIENT_WRITE},
    {"GET", "/clients/{}/metrics", CLIENT},
    {"GET", "/clients/{}/processes", CLIENT},
    {"GET", "/clients/{}/mountpoints", CLIENT},
    {"GET", "/clients/{}/graph-metrics", CLIENT},
    {"GET", "/clients/{}/graph-metrics/{}", CLIENT},
    {"GET", "/notification-logs", ADMINS},
    {"GET", "/notification-logs/{}", ADMINS},
    {"GET", "/plus/status", OPEN},
    {"GET", "/auth/ext/settings", REFUSED},
    {"GET", "/auth/ext/settings/device", REFUSED},
    {"POST", "/files", USER_WRITE},
    {"GET", "/ws/events", WEBSOCKET},
    {"GET", "/ws/uploads", WEBSOCKET},
    {"GET", "/vault-admin", USER},
    {"POST", "/vault-admin/init", ADMINS_WRITE},
    {"POST", "/vault-admin/sesame", ADMINS_WRITE},
    {"DELETE", "/vault-admin/sesame", ADMINS_WRITE},
    {"GET", "/vault", USER},
    {"POST", "/vault", USER_WRITE},
    {"GET", "/vault/{}", USER},
    {"PUT", "/vault/{}", USER_WRITE},
    {"DELETE", "/vault/{}", USER_WRITE},
    {"GET", "/auditlog", USER},
};

/* These decide by what they are sent, not by who sends it (test_api.c). */
static const char *const own_rules[] = {"GET /login", "POST /login", "DELETE /logout"};

static const struct row *find_row(const struct rp_route *route)
{
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		if (strcmp(rows[i].method, route->method) == 0 &&
		    strcmp(rows[i].path, route->path) == 0) {
			return &rows[i];
		}
	}
	return NULL;
}

static bool has_own_rules(const struct rp_route *route)
{
	char text[128];
	(void)snprintf(text, sizeof(text), "%s %s", route->method, route->path);
	for (size_t i = 0; i < RP_ARRAY_LEN(own_rules); i++) {
		if (strcmp(text, own_rules[i]) == 0) {
			return true;
		}
	}
	return false;
}

/* /clients/{}… is that client; what else stands in braces does not exist. */
static void fill_path(const char *pattern, const char *id, char *out, size_t size)
{
	size_t n = 0;
	bool client = rp_str_starts(rp_str_c(pattern), "/clients/{}");
	for (const char *p = pattern; *p != '\0' && n + 16 < size; p++) {
		if (*p == '{') {
			n += (size_t)snprintf(out + n, size - n, "%s", client ? id : "missing1");
			client = false;
			p++;
		} else {
			out[n++] = *p;
		}
	}
	out[n] = '\0';
}

static void make_token(struct rp_api_rig *r, const char *scope, char out[static 128])
{
	char body[128];
	char token[64];
	(void)snprintf(body, sizeof(body), "{\"name\":\"%s\",\"scope\":\"%s\"}", scope, scope);
	const struct rp_api_ask ask = {
	    .method = "POST", .path = "/me/tokens", .user = "admin:" PASSWORD, .body = body};
	assert_int_equal(rp_api_rig_ask(r, &ask), 200);
	rp_api_rig_text(r, "token", token, sizeof(token));
	(void)snprintf(out, 128, "admin:%s", token);
}

static void walk(struct rp_api_rig *r, const struct row *row, int caller, const char *user)
{
	char path[128];
	fill_path(row->path, caller == STRANGER ? "theirs" : "ours", path, sizeof(path));
	const struct rp_api_ask ask = {.method = row->method, .path = path, .user = user};
	unsigned got = rp_api_rig_ask(r, &ask);
	bool in = got != 0 && got != 401 && got != 403;
	if (row->want[caller] == IN ? !in : got != row->want[caller]) {
		fail_msg(
		    "%s %s by %s: %u %s", row->method, path, caller_names[caller], got, r->body);
	}
}

static void test_walk(void **state)
{
	struct rp_api_rig *r = rp_api_rig_open(NULL);
	char users[CALLERS][128] = {
	    [WRONG] = "admin:x",
	    [ADMIN] = "admin:" PASSWORD,
	    [STAFF] = "bob:" PASSWORD,
	    [STRANGER] = "bob:" PASSWORD,
	};
	size_t n;
	const struct rp_route *routes = rp_router_table(&n);
	(void)state;
	r->refuse_orders = true;
	rp_api_rig_client(r, "ours", "staff");
	rp_api_rig_client(r, "theirs", "others");
	make_token(r, "read+write", users[TOKEN]);
	make_token(r, "read", users[READER]);
	make_token(r, "clients-auth", users[PAIRER]);

	for (int caller = 0; caller < CALLERS; caller++) {
		for (size_t i = 0; i < n; i++) {
			const struct row *row = find_row(&routes[i]);
			if (row == NULL) {
				assert_true(has_own_rules(&routes[i]));
				continue;
			}
			walk(r, row, caller, caller == NOBODY ? NULL : users[caller]);
		}
	}
	rp_api_rig_close(r);
}

/* Which permission goes with which paths (rport-api 1.6); the others need none. */
static const struct {
	const char *path;
	const char *permission;
} permissions[] = {
    {"/clients/{}/tunnels", "tunnels"},
    {"/clients/{}/stored-tunnels", "tunnels"},
    {"/stored-tunnels", "tunnels"},
    {"/tunnels", "tunnels"},
    {"/clients/{}/commands", "commands"},
    {"/commands", "commands"},
    {"/jobs", "commands"},
    {"/library/commands", "commands"},
    {"/ws/commands", "commands"},
    {"/clients/{}/scripts", "scripts"},
    {"/scripts", "scripts"},
    {"/library/scripts", "scripts"},
    {"/ws/scripts", "scripts"},
    {"/schedules", "scheduler"},
    {"/vault", "vault"},
    {"/vault-admin", "vault"},
    {"/clients/{}/updates-status", "monitoring"},
    {"/clients/{}/metrics", "monitoring"},
    {"/clients/{}/graph-metrics", "monitoring"},
    {"/clients/{}/processes", "monitoring"},
    {"/clients/{}/mountpoints", "monitoring"},
    {"/files", "uploads"},
    {"/ws/uploads", "uploads"},
    {"/auditlog", "auditlog"},
};

static const char *permission_of(const char *path)
{
	for (size_t i = 0; i < RP_ARRAY_LEN(permissions); i++) {
		size_t n = strlen(permissions[i].path);
		if (strncmp(path, permissions[i].path, n) == 0 &&
		    (path[n] == '\0' || path[n] == '/')) {
			return permissions[i].permission;
		}
	}
	return NULL;
}

/* Bob's group has one permission. */
static void walk_permission(struct rp_api_rig *r, const struct rp_route *route, const char *has)
{
	char path[128];
	char text[96];
	const char *needs = permission_of(route->path);
	fill_path(route->path, "ours", path, sizeof(path));
	const struct rp_api_ask ask = {
	    .method = route->method, .path = path, .user = "bob:" PASSWORD};
	unsigned got = rp_api_rig_ask(r, &ask);
	bool refused = strstr(r->body, "user does not have \\\"") != NULL;
	bool wanted = needs != NULL && strcmp(needs, has) != 0;
	(void)snprintf(
	    text, sizeof(text), "user does not have \\\"%s\\\" permission", wanted ? needs : "");
	if (refused != wanted || (wanted && (got != 403 || strstr(r->body, text) == NULL))) {
		fail_msg("%s %s with the permission %s alone: %u %s", route->method, path, has, got,
		    r->body);
	}
}

static void test_permissions(void **state)
{
	static const char *const each[] = {"tunnels", "commands", "vault"};
	struct rp_api_rig *r = rp_api_rig_open_tables(NULL);
	char body[128];
	size_t n;
	const struct rp_route *routes = rp_router_table(&n);
	(void)state;
	r->refuse_orders = true;
	rp_api_rig_client(r, "ours", "staff");
	for (size_t k = 0; k < RP_ARRAY_LEN(each); k++) {
		(void)snprintf(body, sizeof(body),
		    "{\"permissions\":{\"tunnels\":%s,\"commands\":%s,\"vault\":%s}}",
		    k == 0 ? "true" : "false", k == 1 ? "true" : "false",
		    k == 2 ? "true" : "false");
		const struct rp_api_ask give = {.method = "PUT",
		    .path = "/user-groups/staff",
		    .user = "admin:" PASSWORD,
		    .body = body};
		assert_int_equal(rp_api_rig_ask(r, &give), 200);
		for (size_t i = 0; i < n; i++) {
			/* An administrator's right comes before any permission. */
			if (routes[i].auth == RP_ROUTE_USER || routes[i].auth == RP_ROUTE_CLIENT) {
				walk_permission(r, &routes[i], each[k]);
			}
		}
	}
	rp_api_rig_close(r);
}

/* Nothing of the table is left over from a route that is gone. */
static void test_table(void **state)
{
	size_t n;
	size_t found = 0;
	const struct rp_route *routes = rp_router_table(&n);
	(void)state;
	for (size_t i = 0; i < n; i++) {
		found += find_row(&routes[i]) != NULL;
	}
	assert_int_equal(found, RP_ARRAY_LEN(rows));
}

/* What changes something leaves an entry in the audit log (api/audit_routes.c), or stands here with
 * the reason why not. */
static const char *const unaudited[] = {
    "POST /login",                     /* as with the original: the list of sessions has it */
    "DELETE /logout",                  /* the same */
    "POST /verify-2fa",                /* the same */
    "POST /me/token",                  /* is gone: changes nothing */
    "DELETE /me/token",                /* the same */
    "POST /clients/{}/updates-status", /* has the client look; nothing changes by it */
    "POST /commands",                  /* an entry for each client, by the handler */
    "POST /scripts",                   /* the same */
    "POST /files",                     /* the same */
    "POST /pairing/{}",                /* in the name of the code's maker, by the handler */
    /* Notes of the user interface, as with the original: the tunnels themselves are audited. */
    "POST /clients/{}/stored-tunnels",
    "PUT /clients/{}/stored-tunnels/{}",
    "DELETE /clients/{}/stored-tunnels/{}",
};

static bool is_unaudited(const char *text)
{
	for (size_t i = 0; i < RP_ARRAY_LEN(unaudited); i++) {
		if (strcmp(text, unaudited[i]) == 0) {
			return true;
		}
	}
	return false;
}

static void test_audited(void **state)
{
	size_t n;
	const struct rp_route *routes = rp_router_table(&n);
	(void)state;
	for (size_t i = 0; i < n; i++) {
		char text[128];
		(void)snprintf(text, sizeof(text), "%s %s", routes[i].method, routes[i].path);
		bool audited = rp_audit_route_of(&routes[i]) != NULL;
		if (rp_route_action(&routes[i]).write && audited == is_unaudited(text)) {
			fail_msg("%s %s", text,
			    audited ? "is no exception any more"
			            : "has no row in api/audit_routes.c");
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_table),
	    cmocka_unit_test(test_audited),
	    cmocka_unit_test(test_walk),
	    cmocka_unit_test(test_permissions),
	};
	return cmocka_run_group_tests_name("api_walk", tests, NULL, NULL);
}
