/* SPDX-License-Identifier: MIT */
/*
 * Documented errors that no other test of the API's parts shows, and the doors of the WebSockets
 * (test/endpoints.tsv).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/crypto.h"
#include "test/lib/api_rig.h"

#define ADMIN   "admin:" RP_API_RIG_PASSWORD
#define NO_UUID "00000000-0000-4000-8000-000000000000"
#define UPGRADE                                               \
	"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" \
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define SCRIPT(name) "{\"name\":\"" name "\",\"script\":\"aWQK\"}"

static unsigned ask(struct rp_api_rig *r, const char *method, const char *path, const char *body)
{
	const struct rp_api_ask a = {.method = method, .path = path, .user = ADMIN, .body = body};
	return rp_api_rig_ask(r, &a);
}

struct row {
	const char *method;
	const char *path;
	const char *body;
	unsigned status;
	const char *text; /* is in the answer */
};

static const struct row rows[] = {
    {"GET", "/clients/gone/attributes", NULL, 404, "not found"},
    {"PUT", "/clients/gone/attributes", "{\"tags\":[]}", 404, "not found"},
    {"PUT", "/clients/ours/attributes", "{\"tags\":1}", 400, "Invalid JSON data."},
    {"GET", "/clients/ours/commands?sort=nothing", NULL, 400, "unsupported sort field"},
    {"GET", "/clients/ours/graph-metrics/cpu_usage_percent", NULL, 400, "timestamp"},
    {"PUT", "/clients/ours/stored-tunnels/" NO_UUID, "{\"remote_port\":\"x\"}", 400,
        "Invalid JSON data."},
    {"GET", "/library/commands/" NO_UUID "?fields[commands]=nothing", NULL, 400,
        "unsupported field"},
    {"PUT", "/library/commands/" NO_UUID, "{}", 400, "name is required"},
    {"GET", "/library/scripts?sort=nothing", NULL, 400, "unsupported sort field"},
    {"GET", "/library/scripts/" NO_UUID "?fields[scripts]=nothing", NULL, 400, "unsupported field"},
    {"PUT", "/library/scripts/" NO_UUID, "{}", 400, "name is required"},
    {"PUT", "/library/scripts/" NO_UUID, SCRIPT("x"), 404, "errors"},
    {"DELETE", "/library/scripts/" NO_UUID, NULL, 404, "errors"},
    {"POST", "/me/token", "{}", 410, "/me/tokens"},
    {"DELETE", "/me/token", NULL, 410, "/me/tokens"},
    {"DELETE", "/me/totp-secret", NULL, 400, "TotP is disabled"},
    {"POST", "/scripts", "{\"script\":\"aWQK\",\"client_ids\":[\"none\"]}", 404, "none"},
    {"DELETE", "/users/none/sessions", NULL, 404, "cannot find user"},
    {"POST", "/vault-admin/sesame", "{\"password\":1}", 400, "Invalid JSON data."},
    {"GET", "/test/commands/ui", NULL, 404, "404 page not found"},
    {"GET", "/test/scripts/ui", NULL, 404, "404 page not found"},
    {"GET", "/test/uploads/ui", NULL, 404, "404 page not found"},
    {"GET", "/ws/commands", NULL, 400, ""},
    {"GET", "/ws/scripts", NULL, 400, ""},
    {"GET", "/ws/events", NULL, 400, ""},
    {"GET", "/ws/uploads", NULL, 400, ""},
};

static void test_rows(void **state)
{
	struct rp_api_rig *r = rp_api_rig_open(NULL);
	(void)state;
	r->refuse_orders = true;
	rp_api_rig_client(r, "ours", NULL);
	rp_api_rig_client(r, "gone", NULL);
	rp_api_rig_down(r);
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		const struct row *row = &rows[i];
		unsigned got = ask(r, row->method, row->path, row->body);
		if (got != row->status || strstr(r->body, row->text) == NULL) {
			fail_msg("%s %s: %u %s", row->method, row->path, got, r->body);
		}
	}
	rp_api_rig_close(r);
}

static void refuse(struct rp_workers *w)
{
	for (size_t i = 0; i < rp_fake_count(w); i++) {
		rp_fake_answer(rp_fake_order(w, i), RP_EDENIED, "scripts are off");
	}
	rp_fake_clear(w);
}

static void test_client_refuses(void **state)
{
	struct rp_api_rig *r = rp_api_rig_open(NULL);
	(void)state;
	r->on_orders = refuse;
	rp_api_rig_client(r, "ours", NULL);
	assert_int_equal(ask(r, "POST", "/clients/ours/scripts", "{\"script\":\"aWQK\"}"), 409);
	assert_non_null(strstr(r->body, "client error: scripts are off"));
	rp_api_rig_close(r);
}

static void test_name_taken(void **state)
{
	struct rp_api_rig *r = rp_api_rig_open(NULL);
	char id[64];
	char path[128];
	(void)state;
	assert_int_equal(ask(r, "POST", "/library/scripts", SCRIPT("a")), 201);
	assert_int_equal(ask(r, "POST", "/library/scripts", SCRIPT("b")), 201);
	rp_api_rig_text(r, "id", id, sizeof(id));
	(void)snprintf(path, sizeof(path), "/library/scripts/%s", id);
	assert_int_equal(ask(r, "PUT", path, SCRIPT("a")), 409);
	assert_non_null(strstr(r->body, "another script with the same name 'a' exists"));
	rp_api_rig_close(r);
}

static void test_jobs_of_a_multi_job(void **state)
{
	struct rp_api_rig *r = rp_api_rig_open(NULL);
	char id[64];
	char path[128];
	(void)state;
	r->refuse_orders = true;
	rp_api_rig_client(r, "ours", NULL);
	assert_int_equal(
	    ask(r, "POST", "/commands", "{\"command\":\"id\",\"client_ids\":[\"ours\"]}"), 200);
	rp_api_rig_text(r, "jid", id, sizeof(id));
	(void)snprintf(path, sizeof(path), "/commands/%s/jobs?sort=nothing", id);
	assert_int_equal(ask(r, "GET", path, NULL), 400);
	assert_non_null(strstr(r->body, "unsupported sort field"));
	rp_api_rig_close(r);
}

/* The limits of logins, which the rig switches off. */
static void limit(struct rp_api_rig *r, double wait_s, long max_failed)
{
	rp_api_rig_stop(r);
	r->cfg.api.user_login_wait = wait_s;
	r->cfg.api.max_failed_login = max_failed;
	r->cfg.api.ban_time = 600;
	rp_api_rig_start(r);
}

static unsigned log_in_wrongly(struct rp_api_rig *r, const char *method)
{
	const struct rp_api_ask get = {.method = "GET", .path = "/login", .user = "admin:x"};
	const struct rp_api_ask post = {.method = "POST",
	    .path = "/login",
	    .body = "{\"username\":\"admin\",\"password\":\"x\"}"};
	return rp_api_rig_ask(r, strcmp(method, "GET") == 0 ? &get : &post);
}

static void test_login_limits(void **state)
{
	static const char *const methods[] = {"GET", "POST"};
	struct rp_api_rig *r = rp_api_rig_open(NULL);
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(methods); i++) {
		limit(r, 600, 0);
		assert_int_equal(log_in_wrongly(r, methods[i]), 401);
		assert_int_equal(log_in_wrongly(r, methods[i]), 429);
		assert_non_null(strstr(r->body, "too many requests, please try later"));
		limit(r, 0, 1);
		assert_int_equal(log_in_wrongly(r, methods[i]), 401);
		assert_int_equal(log_in_wrongly(r, methods[i]), 423);
		assert_non_null(strstr(r->reply, "Content-Type: text/plain"));
		assert_non_null(strstr(r->body, "Too many bad attempts. Please try later."));
	}
	rp_api_rig_close(r);
}

static void test_pages(void **state)
{
	static const char *const paths[] = {
	    "/test/commands/ui", "/test/scripts/ui", "/test/uploads/ui"};
	struct rp_api_rig *r = rp_api_rig_open("enable_ws_test_endpoints = true\n");
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(paths); i++) {
		const struct rp_api_ask get = {.method = "GET", .path = paths[i]};
		assert_int_equal(rp_api_rig_ask(r, &get), 200);
		assert_non_null(strstr(r->reply, "Content-Type: text/html"));
		assert_non_null(strstr(r->reply, "Content-Security-Policy: default-src 'none'"));
	}
	rp_api_rig_close(r);
}

static void test_websockets_open(void **state)
{
	static const char *const paths[] = {
	    "/ws/commands", "/ws/scripts", "/ws/events", "/ws/uploads"};
	struct rp_api_rig *r = rp_api_rig_open(NULL);
	char *user = rp_base64(ADMIN, strlen(ADMIN));
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(paths); i++) {
		char *text = rp_asprintf(
		    "GET /api/v1%s HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
		    "Authorization: Basic %s\r\n" UPGRADE "\r\n",
		    paths[i], user);
		assert_int_equal(rp_api_rig_raw(r, text, strlen(text)), 101);
		rp_free(text);
	}
	rp_free(user);
	rp_api_rig_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rows),
	    cmocka_unit_test(test_client_refuses),
	    cmocka_unit_test(test_name_taken),
	    cmocka_unit_test(test_jobs_of_a_multi_job),
	    cmocka_unit_test(test_login_limits),
	    cmocka_unit_test(test_pages),
	    cmocka_unit_test(test_websockets_open),
	};
	return cmocka_run_group_tests_name("api_errors", tests, NULL, NULL);
}
