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
#include "test/lib/api_short.h"

#define NO_UUID "00000000-0000-4000-8000-000000000000"
#define UPGRADE                                               \
	"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" \
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define SCRIPT(name) "{\"name\":\"" name "\",\"script\":\"aWQK\"}"

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
	(void)state;
	rig->refuse_orders = true;
	rp_api_rig_client(rig, "ours", NULL);
	rp_api_rig_client(rig, "gone", NULL);
	rp_api_rig_down(rig);
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		const struct row *row = &rows[i];
		unsigned got = ask(ADMIN, row->method, row->path, row->body);
		if (got != row->status || strstr(rig->body, row->text) == NULL) {
			fail_msg("%s %s: %u %s", row->method, row->path, got, rig->body);
		}
	}
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
	(void)state;
	rig->on_orders = refuse;
	rp_api_rig_client(rig, "ours", NULL);
	assert_int_equal(ask(ADMIN, "POST", "/clients/ours/scripts", "{\"script\":\"aWQK\"}"), 409);
	assert_non_null(strstr(rig->body, "client error: scripts are off"));
}

static void test_name_taken(void **state)
{
	char id[64];
	char path[128];
	(void)state;
	assert_int_equal(ask(ADMIN, "POST", "/library/scripts", SCRIPT("a")), 201);
	assert_int_equal(ask(ADMIN, "POST", "/library/scripts", SCRIPT("b")), 201);
	rp_api_rig_text(rig, "id", id, sizeof(id));
	(void)snprintf(path, sizeof(path), "/library/scripts/%s", id);
	assert_int_equal(ask(ADMIN, "PUT", path, SCRIPT("a")), 409);
	assert_non_null(strstr(rig->body, "another script with the same name 'a' exists"));
}

static void test_jobs_of_a_multi_job(void **state)
{
	char id[64];
	char path[128];
	(void)state;
	rig->refuse_orders = true;
	rp_api_rig_client(rig, "ours", NULL);
	assert_int_equal(
	    ask(ADMIN, "POST", "/commands", "{\"command\":\"id\",\"client_ids\":[\"ours\"]}"), 200);
	rp_api_rig_text(rig, "jid", id, sizeof(id));
	(void)snprintf(path, sizeof(path), "/commands/%s/jobs?sort=nothing", id);
	assert_int_equal(ask(ADMIN, "GET", path, NULL), 400);
	assert_non_null(strstr(rig->body, "unsupported sort field"));
}

/* The limits of logins, which the rig switches off. */
static void limit(double wait_s, long max_failed)
{
	rp_api_rig_stop(rig);
	rig->cfg.api.user_login_wait = wait_s;
	rig->cfg.api.max_failed_login = max_failed;
	rig->cfg.api.ban_time = 600;
	rp_api_rig_start(rig);
}

static unsigned log_in_wrongly(const char *method)
{
	const struct rp_api_ask get = {.method = "GET", .path = "/login", .user = "admin:x"};
	const struct rp_api_ask post = {.method = "POST",
	    .path = "/login",
	    .body = "{\"username\":\"admin\",\"password\":\"x\"}"};
	return rp_api_rig_ask(rig, strcmp(method, "GET") == 0 ? &get : &post);
}

static void test_login_limits(void **state)
{
	static const char *const methods[] = {"GET", "POST"};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(methods); i++) {
		limit(600, 0);
		assert_int_equal(log_in_wrongly(methods[i]), 401);
		assert_int_equal(log_in_wrongly(methods[i]), 429);
		assert_non_null(strstr(rig->body, "too many requests, please try later"));
		limit(0, 1);
		assert_int_equal(log_in_wrongly(methods[i]), 401);
		assert_int_equal(log_in_wrongly(methods[i]), 423);
		assert_non_null(strstr(rig->reply, "Content-Type: text/plain"));
		assert_non_null(strstr(rig->body, "Too many bad attempts. Please try later."));
	}
}

static void test_pages(void **state)
{
	static const char *const paths[] = {
	    "/test/commands/ui", "/test/scripts/ui", "/test/uploads/ui"};
	(void)state;
	rig = rp_api_rig_open("enable_ws_test_endpoints = true\n");
	for (size_t i = 0; i < RP_ARRAY_LEN(paths); i++) {
		const struct rp_api_ask get = {.method = "GET", .path = paths[i]};
		assert_int_equal(rp_api_rig_ask(rig, &get), 200);
		assert_non_null(strstr(rig->reply, "Content-Type: text/html"));
		assert_non_null(strstr(rig->reply, "Content-Security-Policy: default-src 'none'"));
	}
}

static void test_websockets_open(void **state)
{
	static const char *const paths[] = {
	    "/ws/commands", "/ws/scripts", "/ws/events", "/ws/uploads"};
	char *user = rp_base64(ADMIN, strlen(ADMIN));
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(paths); i++) {
		char *text = rp_asprintf(
		    "GET /api/v1%s HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
		    "Authorization: Basic %s\r\n" UPGRADE "\r\n",
		    paths[i], user);
		assert_int_equal(rp_api_rig_raw(rig, text, strlen(text)), 101);
		rp_free(text);
	}
	rp_free(user);
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_rows),
	    T(test_client_refuses),
	    T(test_name_taken),
	    T(test_jobs_of_a_multi_job),
	    T(test_login_limits),
	    cmocka_unit_test_teardown(test_pages, close_rig),
	    T(test_websockets_open),
	};
	return cmocka_run_group_tests_name("api_errors", tests, NULL, NULL);
}
