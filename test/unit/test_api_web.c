/* SPDX-License-Identifier: MIT */
/*
 * What web pages need of the API: CORS for the configured origins and for nobody else, compressed
 * answers, the address that a trusted proxy names.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "test/lib/api_rig.h"

#define ADMIN  "admin:" RP_API_RIG_PASSWORD
#define ORIGIN "Origin: https://ui.example:8443\r\n"
#define ASKS   "Access-Control-Request-Method: PUT\r\n"
#define CORS   "cors = ['https://UI.example:8443', 'nonsense', 'https://x/y', '*']\n"

static struct rp_api_rig *rig;

static unsigned ask(const char *method, const char *path, const char *user, const char *headers)
{
	const struct rp_api_ask a = {
	    .method = method, .path = path, .user = user, .headers = headers};
	return rp_api_rig_ask(rig, &a);
}

/* A line of the head. */
static bool has(const char *line)
{
	char want[256];
	(void)snprintf(want, sizeof(want), "\r\n%s\r\n", line);
	const char *at = strstr(rig->reply, want);
	return at != NULL && at < rig->body;
}

static bool has_some(const char *name)
{
	const char *at = strstr(rig->reply, name);
	return at != NULL && at < rig->body;
}

static void test_preflight(void **state)
{
	(void)state;
	rig = rp_api_rig_open(CORS);
	assert_int_equal(ask("OPTIONS", "/clients", NULL, ORIGIN ASKS), 204);
	assert_true(has("Access-Control-Allow-Origin: https://ui.example:8443"));
	assert_true(has("Access-Control-Allow-Credentials: true"));
	assert_true(has("Access-Control-Allow-Methods: HEAD, GET, POST, PUT, DELETE"));
	assert_true(has("Access-Control-Allow-Headers: Authorization, Content-Type"));
	assert_true(has("Vary: Origin"));
	/* Neither another origin nor something that is no question. */
	assert_int_equal(
	    ask("OPTIONS", "/clients", NULL, "Origin: https://evil.example\r\n" ASKS), 405);
	assert_false(has_some("Access-Control"));
	assert_int_equal(ask("OPTIONS", "/clients", NULL, ORIGIN), 405);
	assert_int_equal(ask("OPTIONS", "/clients", NULL, ASKS), 405);
	assert_int_equal(ask("OPTIONS", "/clients", NULL, "Origin: *\r\n" ASKS), 405);
	assert_int_equal(ask("OPTIONS", "/clients", NULL, "Origin: nonsense\r\n" ASKS), 405);
	assert_int_equal(ask("OPTIONS", "/clients", NULL, "Origin: null\r\n" ASKS), 405);
	rp_api_rig_close(rig);
}

static void test_origins(void **state)
{
	(void)state;
	rig = rp_api_rig_open(CORS);
	assert_int_equal(ask("GET", "/status", ADMIN, ORIGIN), 200);
	assert_true(has("Access-Control-Allow-Origin: https://ui.example:8443"));
	assert_true(has("Access-Control-Allow-Credentials: true"));
	/* A page must be able to read why it was refused. */
	assert_int_equal(ask("GET", "/status", NULL, ORIGIN), 401);
	assert_true(has("Access-Control-Allow-Origin: https://ui.example:8443"));
	assert_int_equal(ask("GET", "/nowhere", NULL, ORIGIN), 404);
	assert_true(has("Access-Control-Allow-Origin: https://ui.example:8443"));
	assert_int_equal(ask("GET", "/status", ADMIN, "Origin: https://ui.example\r\n"), 200);
	assert_false(has_some("Access-Control"));
	assert_true(has("Vary: Origin"));
	rp_api_rig_close(rig);
}

static void test_no_cors(void **state)
{
	(void)state;
	rig = rp_api_rig_open(NULL);
	assert_int_equal(ask("GET", "/status", ADMIN, ORIGIN), 200);
	assert_false(has_some("Access-Control"));
	assert_false(has("Vary: Origin"));
	assert_int_equal(ask("OPTIONS", "/clients", NULL, ORIGIN ASKS), 405);
	rp_api_rig_close(rig);
}

static void test_compressed(void **state)
{
	(void)state;
	rig = rp_api_rig_open(NULL);
	assert_int_equal(ask("GET", "/status", ADMIN, NULL), 200);
	assert_true(has("Vary: Accept-Encoding"));
	assert_false(has_some("Content-Encoding"));
	size_t plain = strlen(rig->body);
	assert_int_equal(ask("GET", "/status", ADMIN, "Accept-Encoding: gzip\r\n"), 200);
	assert_true(has("Content-Encoding: gzip"));
	assert_true(has("Vary: Accept-Encoding"));
	assert_true(has("Content-Type: application/json; charset=UTF-8"));
	assert_memory_equal(rig->body, "\x1f\x8b", 2);
	assert_true(rig->reply_n - (size_t)(rig->body - rig->reply) < plain);
	assert_int_equal(ask("GET", "/status", ADMIN, "Accept-Encoding: deflate\r\n"), 200);
	assert_true(has("Content-Encoding: deflate"));
	/* Too short to gain anything. */
	assert_int_equal(ask("GET", "/me/ip", ADMIN, "Accept-Encoding: gzip\r\n"), 200);
	assert_false(has_some("Content-Encoding"));
	assert_true(has("Vary: Accept-Encoding"));
	rp_api_rig_close(rig);
}

/* Longer than what the loop does itself. */
static void test_compressed_on_pool(void **state)
{
	char id[32];
	(void)state;
	rig = rp_api_rig_open(NULL);
	for (unsigned i = 0; i < 400; i++) {
		(void)snprintf(id, sizeof(id), "client-number-%u", i);
		rp_api_rig_client(rig, id, NULL);
	}
	static const char path[] = "/clients?page[limit]=500";
	assert_int_equal(ask("GET", path, ADMIN, NULL), 200);
	size_t plain = strlen(rig->body);
	assert_true(plain > 20000);
	assert_int_equal(ask("GET", path, ADMIN, "Accept-Encoding: gzip\r\n"), 200);
	assert_true(has("Content-Encoding: gzip"));
	assert_memory_equal(rig->body, "\x1f\x8b", 2);
	assert_true((rig->reply_n - (size_t)(rig->body - rig->reply)) * 4 < plain);
	assert_int_equal(ask("HEAD", path, ADMIN, "Accept-Encoding: gzip\r\n"), 200);
	assert_true(has("Content-Encoding: gzip"));
	assert_int_equal(rig->reply_n, rig->body - rig->reply);
	rp_api_rig_close(rig);
}

static void test_peer(void **state)
{
	(void)state;
	rig = rp_api_rig_open("trusted_proxies = ['127.0.0.1']\n");
	assert_int_equal(ask("GET", "/me/ip", ADMIN, "X-Forwarded-For: 192.0.2.9\r\n"), 200);
	assert_string_equal(rig->body, "{\"data\":{\"ip\":\"192.0.2.9\"}}");
	assert_int_equal(ask("GET", "/me/ip", ADMIN, NULL), 200);
	assert_string_equal(rig->body, "{\"data\":{\"ip\":\"127.0.0.1\"}}");
	rp_api_rig_close(rig);
	rig = rp_api_rig_open("trusted_proxies = ['10.0.0.0/8']\n");
	assert_int_equal(ask("GET", "/me/ip", ADMIN, "X-Forwarded-For: 192.0.2.9\r\n"), 200);
	assert_string_equal(rig->body, "{\"data\":{\"ip\":\"127.0.0.1\"}}");
	rp_api_rig_close(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_preflight),
	    cmocka_unit_test(test_origins),
	    cmocka_unit_test(test_no_cors),
	    cmocka_unit_test(test_compressed),
	    cmocka_unit_test(test_compressed_on_pool),
	    cmocka_unit_test(test_peer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
