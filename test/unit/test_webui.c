/* SPDX-License-Identifier: MIT */
/*
 * The dashboard as it is part of this program: its entry page and every file that the page names, in
 * all forms; what is no file; and a program that was built without it.
 */
#include "api/webui.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/embedded.h"
#include "core/alloc.h"
#include "http/compress.h"
#include "test/lib/api_rig.h"

#define BROWSER "Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n"
#define GZIP    "Accept-Encoding: gzip\r\n"
#define BROTLI  "Accept-Encoding: gzip, deflate, br, zstd\r\n"
#define POLICY                                                                               \
	"Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self' "  \
	"'unsafe-inline'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; " \
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

static struct rp_api_rig *rig;

static unsigned get(const char *path, const char *headers)
{
	const struct rp_api_ask a = {.method = "GET", .path = path, .headers = headers};
	return rp_api_rig_ask(rig, &a);
}

/* A line of the head. */
static bool has(const char *line)
{
	char want[512];
	(void)snprintf(want, sizeof(want), "\r\n%s\r\n", line);
	const char *at = strstr(rig->reply, want);
	return at != NULL && at < rig->body;
}

static size_t body_n(void)
{
	return rig->reply_n - (size_t)(rig->body - rig->reply);
}

static bool with_dashboard(void)
{
	size_t n;
	return rp_embedded_find("web/index.html.gz", &n) != NULL;
}

static int setup(void **state)
{
	(void)state;
	rig = rp_api_rig_open(NULL);
	rig->prefix = "";
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rp_api_rig_close(rig);
	return 0;
}

/* What a header says, into out. */
static void header(const char *name, char *out, size_t size)
{
	const char *at = strstr(rig->reply, name);
	assert_true(at != NULL && at < rig->body);
	at += strlen(name);
	(void)snprintf(out, size, "%.*s", (int)strcspn(at, "\r"), at);
}

static void assert_safe(void)
{
	assert_true(has(POLICY));
	assert_true(has("X-Content-Type-Options: nosniff"));
	assert_true(has("Referrer-Policy: no-referrer"));
	assert_true(has("Cross-Origin-Opener-Policy: same-origin"));
	assert_true(has("Cross-Origin-Resource-Policy: same-origin"));
}

static void assert_entry_page(void)
{
	assert_true(has("Content-Type: text/html; charset=utf-8"));
	assert_true(has("Cache-Control: no-cache"));
	assert_true(has("Vary: Accept"));
	assert_non_null(strstr(rig->body, "<html"));
	assert_safe();
}

/* Gzip, brotli and neither are the same file. */
static void assert_forms(const char *path)
{
	struct rp_buf back;
	assert_int_equal(get(path, GZIP), 200);
	assert_true(has("Content-Encoding: gzip"));
	rp_buf_init(&back, 64u * 1024 * 1024);
	assert_int_equal(rp_decompress(rig->body, body_n(), &back), 0);
	size_t gzip = body_n();
	assert_int_equal(get(path, BROTLI), 200);
	assert_true(has("Content-Encoding: br"));
	assert_true(has("Vary: Accept-Encoding"));
	assert_true(body_n() <= gzip + 16);
	assert_int_equal(get(path, NULL), 200);
	assert_null(strstr(rig->reply, "\r\nContent-Encoding"));
	assert_int_equal(body_n(), back.len);
	assert_memory_equal(rig->body, rp_buf_head(&back), back.len);
	rp_buf_fini(&back);
}

static void assert_not_sent_again(const char *path)
{
	char etag[300];
	char headers[400];
	assert_int_equal(get(path, BROTLI), 200);
	header("\r\nETag: ", etag, sizeof(etag));
	(void)snprintf(headers, sizeof(headers), "If-None-Match: \"x\", %s\r\n", etag);
	assert_int_equal(get(path, headers), 304);
	assert_int_equal(body_n(), 0);
	assert_true(strstr(rig->reply, etag) != NULL);
	assert_int_equal(get(path, "If-None-Match: \"x\"\r\n"), 200);
}

static void assert_head(const char *path)
{
	const struct rp_api_ask a = {.method = "HEAD", .path = path, .headers = GZIP};
	assert_int_equal(rp_api_rig_ask(rig, &a), 200);
	assert_true(has("Content-Encoding: gzip"));
	assert_int_equal(body_n(), 0);
}

static void check_asset(const char *path)
{
	assert_forms(path);
	assert_true(has("Cache-Control: public, max-age=31536000, immutable"));
	assert_safe();
	assert_not_sent_again(path);
	assert_head(path);
}

/* The page itself, in a copy: requests overwrite the rig's. */
static char *entry_page(void)
{
	assert_int_equal(get("/", NULL), 200);
	char *page = rp_strdup(rig->body);
	assert_non_null(page);
	return page;
}

static void test_files(void **state)
{
	char path[256];
	unsigned assets = 0;
	(void)state;
	if (!with_dashboard()) {
		return;
	}
	char *page = entry_page();
	assert_entry_page();
	assert_null(strstr(page, "<script>"));
	for (char *at = page; (at = strstr(at, "\"/assets/")) != NULL; at++) {
		(void)snprintf(path, sizeof(path), "%.*s", (int)strcspn(at + 1, "\""), at + 1);
		check_asset(path);
		assets++;
	}
	assert_true(assets > 1);
	assert_forms("/");
	assert_not_sent_again("/");
	assert_head("/");
	rp_free(page);
}

static void test_history(void **state)
{
	static const char *const pages[] = {
	    "/clients", "/clients/host.example", "/a/b%20c/d?e=f", "/apis", "/index.html/"};
	(void)state;
	if (!with_dashboard()) {
		return;
	}
	for (size_t i = 0; i < RP_ARRAY_LEN(pages); i++) {
		assert_int_equal(get(pages[i], BROWSER), 200);
		assert_entry_page();
		/* Scripts are told the truth. */
		assert_int_equal(get(pages[i], "Accept: */*\r\n"), 404);
		assert_int_equal(get(pages[i], NULL), 404);
	}
}

/* Whatever the dashboard. */
static void test_no_files(void **state)
{
	static const char *const paths[] = {"/api", "/api/", "/api/v2/status", "/api/v1/nope",
	    "/assets/", "/assets/nope.js", "/assets/../index.html", "/assets/../../etc/passwd",
	    "/.well-known/security.txt", "/.git/config"};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(paths); i++) {
		assert_int_equal(get(paths[i], BROWSER), 404);
		assert_string_equal(rig->body, "404 page not found\n");
	}
	const struct rp_api_ask post = {.method = "POST", .path = "/", .headers = BROWSER};
	assert_int_equal(rp_api_rig_ask(rig, &post), 404);
	assert_int_equal(get("/openapi.json", NULL), 404);
	assert_int_equal(get("/index.html.gz", NULL), 404);
	char *deep = rp_malloc(4000);
	memset(deep, 'a', 4000);
	deep[0] = '/';
	deep[3999] = '\0';
	assert_int_equal(get(deep, NULL), 404);
	rp_free(deep);
}

static void test_entry(void **state)
{
	(void)state;
	assert_int_equal(get("/index.html", NULL), 301);
	assert_true(has("Location: /"));
	assert_int_equal(get("/", BROWSER), 200);
	if (!with_dashboard()) {
		assert_true(has("Content-Type: text/plain; charset=utf-8"));
		assert_non_null(strstr(rig->body, "without its dashboard"));
		assert_int_equal(get("/clients", BROWSER), 404);
	}
}

/* Files of doc_root come first. */
static void test_doc_root(void **state)
{
	char root[] = "/tmp/rport-webui.XXXXXX";
	char path[64];
	char extra[128];
	(void)state;
	assert_non_null(mkdtemp(root));
	(void)snprintf(path, sizeof(path), "%s/own.txt", root);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs("own", f) >= 0);
	assert_int_equal(fclose(f), 0);
	rp_api_rig_close(rig);
	(void)snprintf(extra, sizeof(extra), "doc_root = '%s'\n", root);
	rig = rp_api_rig_open(extra);
	rig->prefix = "";
	assert_int_equal(get("/own.txt", BROWSER), 200);
	assert_string_equal(rig->body, "own");
	assert_int_equal(get("/nothing.txt", NULL), 404);
	assert_int_equal(get("/", BROWSER), 200);
	if (with_dashboard()) {
		assert_entry_page();
		assert_int_equal(get("/tunnels", BROWSER), 200);
		assert_entry_page();
	}
	assert_int_equal(unlink(path), 0);
	(void)snprintf(path, sizeof(path), "%s/index.html", root);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs("another", f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(get("/", BROWSER), 200);
	assert_string_equal(rig->body, "another");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(root), 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(test_files),
	    T(test_history),
	    T(test_no_files),
	    T(test_entry),
	    T(test_doc_root),
	};
	return cmocka_run_group_tests_name("webui", tests, NULL, NULL);
}
