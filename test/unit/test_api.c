/* SPDX-License-Identifier: MIT */
/*
 * What all calls have in common: paths, methods, heads, bodies, the log; and what needs no rights.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/api.h"
#include "api/context.h"
#include "core/alloc.h"
#include "core/defs.h"
#include "test/lib/api_raw.h"

/* Paths, methods, heads */

static void test_not_found(void **state)
{
	static const char *const paths[] = {"/nope", "/", "/status/", "/Status", "/!/nope",
	    "/!/api/v1", "/!/api/v2/status", "/!/api/v1status", "/clients/", "/clients/c1/nope"};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(paths); i++) {
		assert_reply(404, "404 page not found\n", ask("GET", paths[i], "", NULL));
		assert_header("Content-Type: text/plain; charset=utf-8");
	}
}

static void test_wrong_method(void **state)
{
	(void)state;
	assert_reply(405, "", ask("POST", "/status", ADMIN, "{}"));
	assert_no_header("Allow");
	assert_no_header("Content-Type");
	assert_reply(405, "", ask("OPTIONS", "/clients", "", NULL));
	assert_reply(405, "", ask("DELETE", "/login", "", NULL));
}

static void test_head(void **state)
{
	(void)state;
	assert_int_equal(get("/status"), 200);
	char line[64];
	(void)snprintf(line, sizeof(line), "Content-Length: %zu", strlen(rig->body));
	assert_header(line);
	assert_reply(200, "", ask("HEAD", "/status", ADMIN, NULL));
	assert_header(line);
	assert_header("Content-Type: application/json; charset=UTF-8");
	assert_reply(401, "", ask("HEAD", "/status", "", NULL));
	assert_reply(404, "", ask("HEAD", "/nope", "", NULL));
	assert_reply(405, "", ask("HEAD", "/logout", "", NULL));
}

static void test_unreadable(void **state)
{
	(void)state;
	assert_reply(400, FAIL("The path or the query is not readable."), get("/clients/%zz"));
	assert_reply(400, FAIL("The path or the query is not readable."), get("/clients?a=%"));
	assert_reply(400, FAIL("The path or the query is not readable."), get("/clients/a%00b"));
	/* No HTTP at all. */
	rp_api_rig_begin(rig, "what?\r\n\r\n", 9);
	assert_int_equal(rp_api_rig_finish(rig), 400);
}

static void test_large(void **state)
{
	(void)state;
	char *text = rp_malloc(10242);
	memset(text, ' ', 10241);
	text[10241] = '\0';
	assert_reply(400, ERR("", "Invalid JSON data.", "http: request body too large"),
	    ask("POST", "/login", JSON, text));
	assert_header(JSON[0] == 'C' ? "Content-Type: application/json; charset=UTF-8" : "");
	/* One less is a body. */
	text[10240] = '\0';
	connect_client("c1", 1);
	assert_reply(400, FAIL("Missing body with json data."),
	    ask("POST", "/clients/c1/commands", ADMIN, text));
	rp_free(text);
}

static void test_keep_alive(void **state)
{
	static const char text[] =
	    "GET /api/v1/auth/provider HTTP/1.1\r\nHost: x\r\n\r\n"
	    "GET /api/v1/nope HTTP/1.1\r\nHost: x\r\n\r\n"
	    "GET /api/v1/me/ip HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" ADMIN "\r\n";
	(void)state;
	rp_api_rig_begin(rig, text, strlen(text));
	assert_int_equal(rp_api_rig_finish(rig), 200);
	const char *second = strstr(rig->reply, "HTTP/1.1 404");
	const char *third = strstr(rig->reply, "{\"data\":{\"ip\":\"127.0.0.1\"}}");
	assert_true(second != NULL && third != NULL && second < third);
	assert_string_equal(third, "{\"data\":{\"ip\":\"127.0.0.1\"}}");
}

/* Who am I */

static void test_provider(void **state)
{
	(void)state;
	assert_reply(200,
	    "{\"data\":{\"auth_provider\":\"built-in\",\"settings_uri\":\"\",\"device_settings_uri\":\"\","
	    "\"max_token_lifetime\":0}}",
	    ask("GET", "/auth/provider", "", NULL));
	assert_header("Content-Type: application/json; charset=UTF-8");
}

static void test_me(void **state)
{
	(void)state;
	assert_reply(200,
	    "{\"data\":{\"username\":\"admin\",\"password_expired\":false,\"groups\":"
	    "[\"Administrators\"],\"two_fa_send_to\":\"\",\"effective_user_permissions\":{\"auditlog\":"
	    "true,\"commands\":true,\"monitoring\":true,\"scheduler\":true,\"scripts\":true,"
	    "\"tunnels\":true,\"uploads\":true,\"vault\":true},\"effective_extended_permissions\":"
	    "{\"tunnels_restricted\":null,\"commands_restricted\":null},"
	    "\"group_permissions_enabled\":false}}",
	    get("/me"));
	assert_reply(200, "{\"data\":{\"ip\":\"127.0.0.1\"}}", get("/me/ip"));
}

static void test_status(void **state)
{
	static const char *const parts[] = {"{\"data\":{\"version\":\"" RP_VERSION "\",",
	    "\"clients_connected\":1,\"clients_disconnected\":1,", "\"fingerprint\":\"",
	    "\"connect_url\":[\"http://rport.example:8080\"],\"pairing_url\":\"",
	    "\"clients_auth_source\":\"Static Credentials\",\"clients_auth_mode\":\"Read Only\",",
	    "\"users_auth_source\":\"Static Credentials\",", "\"two_fa_enabled\":false",
	    "\"two_fa_delivery_method\":\"\"", "\"group_permissions_enabled\":false",
	    "\"auth_header\":false", "\"tunnel_proxy_enabled\":false",
	    "\"caddy_integration_enabled\":false",
	    "\"monitoring_enabled\":", "\"auditlog\":{\"enabled\":", "\"rotation\":\"monthly\"}",
	    "\"tunnel_host\":\"",
	    "\"excluded_ports\":[\"22\"],\"used_ports\":[\"20000-30000\",\"8080\"]",
	    "\"password_min_length\":14}}"};
	(void)state;
	connect_client("c1", 1);
	connect_client("c2", 2);
	disconnect_client(2);
	assert_int_equal(get("/status"), 200);
	for (size_t i = 0; i < RP_ARRAY_LEN(parts); i++) {
		if (strstr(rig->body, parts[i]) == NULL) {
			fail_msg("no %s in %s", parts[i], rig->body);
		}
	}
	assert_non_null(strstr(rig->body, rp_hostkey_md5(rig->hostkey)));
}

/* Access log */

static void test_access_log(void **state)
{
	char path[128];
	char line[1024];
	(void)state;
	(void)snprintf(path, sizeof(path), "%s/access.log", rig->store.dir);
	rp_free(rig->cfg.api.access_log_file);
	rig->cfg.api.access_log_file = rp_strdup(path);
	rp_api_rig_restart(rig);
	assert_int_equal(ask("GET", "/me/ip", ADMIN "User-Agent: a\"b\\c\r\n", NULL), 200);
	assert_int_equal(ask("GET", "/nope?access_token=hidden", "", NULL), 404);
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	assert_non_null(fgets(line, sizeof(line), f));
	assert_memory_equal(line, "127.0.0.1 - admin [", 19);
	assert_non_null(strstr(line, "] \"GET /api/v1/me/ip HTTP/1.1\" 200 27 \"-\" \"a"));
	/* A quote does not end the field. */
	assert_null(strstr(line, "a\"b"));
	assert_non_null(fgets(line, sizeof(line), f));
	assert_non_null(strstr(line, "127.0.0.1 - - ["));
	assert_null(strstr(line, "hidden"));
	assert_int_equal(fclose(f), 0);
}

static void test_off(void **state)
{
	struct rp_err err = {0};
	void *other = NULL;
	struct rp_server_parts parts = ((struct rp_api *)rig->api)->parts;
	struct rp_server_config off = rig->cfg;
	char none[] = "";
	(void)state;
	off.api.address = none;
	parts.cfg = &off;
	assert_int_equal(rp_api_hooks()->start(&other, &parts, &err), 0);
	assert_null(other);
	/* What fails to start can be taken down. */
	char taken[64];
	(void)snprintf(taken, sizeof(taken), "127.0.0.1:%u",
	    rp_acceptor_port(((struct rp_api *)rig->api)->acceptor));
	off.api.address = taken;
	assert_int_not_equal(rp_api_hooks()->start(&other, &parts, &err), 0);
	assert_non_null(strstr(err.msg, "[api] address, --api-addr: listen "));
	rp_api_hooks()->stop(other);
	/* Its handles are closed by the loop. */
	for (int i = 0; i < 3; i++) {
		(void)uv_run(rp_loop_uv(parts.loop), UV_RUN_NOWAIT);
	}
	rp_api_hooks()->free(other);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_not_found),
	    T(test_wrong_method),
	    T(test_head),
	    T(test_unreadable),
	    T(test_large),
	    T(test_keep_alive),
	    T(test_provider),
	    T(test_me),
	    T(test_status),
	    T(test_access_log),
	    T(test_off),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
