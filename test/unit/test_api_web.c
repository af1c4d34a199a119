/* SPDX-License-Identifier: MIT */
/*
 * What web pages need of the API: CORS for the configured origins and for nobody else, compressed
 * answers, the address that a trusted proxy names, files of doc_root.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "test/lib/api_rig.h"
#include "test/lib/slow.h"

#define ADMIN  "admin:" RP_API_RIG_PASSWORD
#define ORIGIN "Origin: https://ui.example:8443\r\n"
#define ASKS   "Access-Control-Request-Method: PUT\r\n"
#define CORS   "cors = ['https://UI.example:8443', 'nonsense', 'https://x/y', 'null']\n"

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

static void test_any_origin(void **state)
{
	(void)state;
	rig = rp_api_rig_open("cors = ['*', 'https://ui.example:8443']\n");
	assert_int_equal(ask("GET", "/status", ADMIN, "Origin: https://other.example\r\n"), 200);
	assert_true(has("Access-Control-Allow-Origin: *"));
	assert_false(has_some("Access-Control-Allow-Credentials"));
	assert_int_equal(
	    ask("OPTIONS", "/clients", NULL, "Origin: https://other.example\r\n" ASKS), 204);
	assert_true(has("Access-Control-Allow-Headers: Authorization, Content-Type"));
	assert_int_equal(ask("GET", "/status", ADMIN, ORIGIN), 200);
	assert_true(has("Access-Control-Allow-Credentials: true"));
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

/* --- doc_root --- */

static char root[64];

static void put_file(const char *name, const char *text)
{
	char path[160];
	(void)snprintf(path, sizeof(path), "%s/%s", root, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void put_link(const char *name, const char *to)
{
	char path[160];
	(void)snprintf(path, sizeof(path), "%s/%s", root, name);
	assert_int_equal(symlink(to, path), 0);
}

static void put_folder(const char *name)
{
	char path[160];
	(void)snprintf(path, sizeof(path), "%s/%s", root, name);
	assert_int_equal(mkdir(path, 0755), 0);
}

static void open_root(void)
{
	char conf[128];
	(void)snprintf(root, sizeof(root), "/tmp/rport-docs.XXXXXX");
	assert_non_null(mkdtemp(root));
	put_file("index.html", "<html>start</html>");
	put_file("app.js", "let a = 1;");
	put_file(".hidden", "secret");
	put_file("two words.txt", "text");
	put_folder("assets");
	put_file("assets/logo.svg", "<svg/>");
	put_folder("empty");
	put_link("inside", "assets/logo.svg");
	put_link("outside", "/etc/hostname");
	put_link("upward", "../../etc/hostname");
	put_link("etc", "/etc");
	(void)snprintf(conf, sizeof(conf), "doc_root = '%s'\n", root);
	rig = rp_api_rig_open(conf);
	rig->prefix = "";
}

static void close_root(void)
{
	char command[128];
	rp_api_rig_close(rig);
	(void)snprintf(command, sizeof(command), "rm -r %s", root);
	assert_int_equal(system(command), 0); /* NOLINT: a path of our own */
}

static unsigned get(const char *path)
{
	return ask("GET", path, NULL, NULL);
}

static void test_files(void **state)
{
	(void)state;
	open_root();
	assert_int_equal(get("/"), 200);
	assert_string_equal(rig->body, "<html>start</html>");
	assert_true(has("Content-Type: text/html; charset=utf-8"));
	assert_true(has("X-Content-Type-Options: nosniff"));
	assert_true(has("Content-Length: 18"));
	assert_int_equal(get("/app.js?v=2"), 200);
	assert_true(has("Content-Type: text/javascript; charset=utf-8"));
	assert_int_equal(get("/assets/logo.svg"), 200);
	assert_true(has("Content-Type: image/svg+xml"));
	assert_int_equal(get("/two%20words.txt"), 200);
	/* Which does not know openat2: then no link is followed at all. */
	if (!rp_slow()) {
		assert_int_equal(get("/inside"), 200);
		assert_string_equal(rig->body, "<svg/>");
	} else {
		assert_int_equal(get("/inside"), 404);
	}
	assert_int_equal(ask("HEAD", "/app.js", NULL, NULL), 200);
	assert_true(has("Content-Length: 10"));
	assert_string_equal(rig->body, "");
	assert_int_equal(get("/index.html"), 301);
	assert_true(has("Location: /"));
	assert_int_equal(get("/assets"), 301);
	assert_true(has("Location: /assets/"));
	assert_int_equal(ask("POST", "/app.js", NULL, NULL), 405);
	assert_int_equal(get("/api/v1/status"), 401);
	assert_int_equal(get("/api/v1/nothing"), 404);
	assert_int_equal(get("/api/v1"), 404);
	close_root();
}

static void test_no_way_out(void **state)
{
	static const char *const bad[] = {"/../etc/hostname", "/assets/../../etc/hostname",
	    "/%2e%2e/etc/hostname", "/..%2f..%2fetc/hostname", "/assets/..%2findex.html",
	    "/outside", "/upward", "/etc/hostname", "/etc/", "//etc/hostname", "/.hidden",
	    "/./app.js", "/assets//logo.svg", "/app.js/", "/app.js/x", "/%00", "/a%00b",
	    "/assets\\logo.svg", "/%5c%5cevil.example/index.html", "//evil.example/index.html",
	    "/nothing", "/empty/", "/assets/", "/%zz"};
	(void)state;
	open_root();
	for (size_t i = 0; i < RP_ARRAY_LEN(bad); i++) {
		unsigned status = get(bad[i]);
		if (status != 404 || strcmp(rig->body, "404 page not found\n") != 0) {
			fail_msg("%s: %u %s", bad[i], status, rig->body);
		}
	}
	close_root();
}

static void test_own_pages(void **state)
{
	static const char *const pages[] = {"/dashboard", "/auth/login", "/tunnels/1/2",
	    "/inventory/", "/documentation", "/commands", "/scripts/x", "/settings"};
	(void)state;
	open_root();
	for (size_t i = 0; i < RP_ARRAY_LEN(pages); i++) {
		assert_int_equal(get(pages[i]), 200);
		assert_string_equal(rig->body, "<html>start</html>");
		assert_true(has("Content-Type: text/html; charset=utf-8"));
	}
	assert_int_equal(get("/dashboards"), 404);
	assert_int_equal(get("/dashboard/../app.js"), 404);
	close_root();
}

static void test_fresh(void **state)
{
	char etag[64];
	char line[128];
	(void)state;
	open_root();
	assert_int_equal(get("/app.js"), 200);
	const char *at = strstr(rig->reply, "ETag: ");
	assert_non_null(at);
	(void)snprintf(etag, sizeof(etag), "%.*s", (int)strcspn(at + 6, "\r"), at + 6);
	(void)snprintf(line, sizeof(line), "If-None-Match: \"other\", %s\r\n", etag);
	assert_int_equal(ask("GET", "/app.js", NULL, line), 304);
	assert_string_equal(rig->body, "");
	put_file("app.js", "let a = 2222;");
	assert_int_equal(ask("GET", "/app.js", NULL, line), 200);
	assert_string_equal(rig->body, "let a = 2222;");
	at = strstr(rig->reply, "Last-Modified: ");
	assert_non_null(at);
	(void)snprintf(line, sizeof(line), "If-Modified-Since: %.*s\r\n",
	    (int)strcspn(at + 15, "\r"), at + 15);
	assert_int_equal(ask("GET", "/app.js", NULL, line), 304);
	close_root();
}

/* Texts are compressed, pictures are not. */
static void test_packed(void **state)
{
	char big[2001];
	(void)state;
	open_root();
	memset(big, 'a', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	put_file("big.css", big);
	put_file("big.png", big);
	assert_int_equal(ask("GET", "/big.css", NULL, "Accept-Encoding: gzip\r\n"), 200);
	assert_true(has("Content-Encoding: gzip"));
	assert_int_equal(ask("GET", "/big.png", NULL, "Accept-Encoding: gzip\r\n"), 200);
	assert_false(has_some("Content-Encoding"));
	assert_true(has("Content-Type: image/png"));
	assert_int_equal(strlen(rig->body), 2000);
	close_root();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_preflight),
	    cmocka_unit_test(test_origins),
	    cmocka_unit_test(test_any_origin),
	    cmocka_unit_test(test_no_cors),
	    cmocka_unit_test(test_compressed),
	    cmocka_unit_test(test_compressed_on_pool),
	    cmocka_unit_test(test_peer),
	    cmocka_unit_test(test_files),
	    cmocka_unit_test(test_no_way_out),
	    cmocka_unit_test(test_own_pages),
	    cmocka_unit_test(test_fresh),
	    cmocka_unit_test(test_packed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
