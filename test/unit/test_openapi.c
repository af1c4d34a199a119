/* SPDX-License-Identifier: MIT */
/*
 * The description of the API (api/openapi) is true: it has every route of the router with who may
 * use it and no other, and lists take the parameters that it names and no others.
 */
#include "api/embedded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api/router.h"
#include "core/alloc.h"
#include "core/json.h"
#include "core/str.h"
#include "test/lib/api_rig.h"

#define NAMES_MAX  256
#define QUERY_MAX  8192
#define AT_ONCE    8 /* an answer has at most RP_LISTQ_ERRORS_MAX complaints */
#define DATE       "2026-01-01"
#define ADMIN_AUTH "admin:" RP_API_RIG_PASSWORD

static struct rp_json *doc;

static int open_doc(void **state)
{
	size_t n;
	const void *text = rp_embedded_find("openapi.json", &n);
	(void)state;
	assert_non_null(text);
	assert_int_equal(rp_json_parse(text, n, &doc, NULL), 0);
	return 0;
}

static int close_doc(void **state)
{
	(void)state;
	rp_json_free(doc);
	return 0;
}

/* "/clients/{client_id}" as the router has it, "/clients/{}"; names in braces become by. */
static void fill(const char *path, const char *client, const char *other, char out[static 128])
{
	size_t n = 0;
	for (const char *p = path; *p != '\0' && n < 100; p++) {
		if (*p == '{') {
			bool is_client = rp_str_starts(rp_str_c(p), "{client_id}");
			n += (size_t)snprintf(out + n, 128 - n, "%s", is_client ? client : other);
			p = strchr(p, '}');
		} else {
			out[n++] = *p;
		}
	}
	out[n] = '\0';
}

static const struct rp_json *operation(const struct rp_route *r)
{
	const struct rp_json *paths = rp_json_get(doc, "paths");
	char path[128];
	for (const struct rp_json *p = rp_json_first(paths); p != NULL; p = rp_json_next(p)) {
		fill(rp_json_key(p), "{}", "{}", path);
		if (strcmp(path, r->path) == 0) {
			return rp_json_get(p, r->method);
		}
	}
	return NULL;
}

static bool is_route(const char *method, const char *path)
{
	size_t n;
	const struct rp_route *routes = rp_router_table(&n);
	for (size_t i = 0; i < n; i++) {
		if (strcasecmp(routes[i].method, method) == 0 &&
		    strcmp(routes[i].path, path) == 0) {
			return true;
		}
	}
	return false;
}

static const char *text_of(const struct rp_json *o, const char *key)
{
	const char *s = rp_json_string(rp_json_get(o, key));
	return s != NULL ? s : "";
}

static const char *permission(unsigned bits)
{
	unsigned i = 0;
	while (bits >> i > 1) {
		i++;
	}
	return bits == 0 ? "" : rp_permission_name(i);
}

static void test_routes_are_described(void **state)
{
	static const char *const who[] = {"open", "user", "client", "admin", "half-way"};
	size_t n;
	const struct rp_route *routes = rp_router_table(&n);
	(void)state;
	for (size_t i = 0; i < n; i++) {
		const struct rp_json *op = operation(&routes[i]);
		if (op == NULL) {
			fail_msg("%s %s is not described", routes[i].method, routes[i].path);
			return;
		}
		if (strcmp(text_of(op, "x-rport-who"), who[routes[i].auth]) != 0 ||
		    strcmp(text_of(op, "x-rport-permission"), permission(routes[i].permission)) !=
		        0) {
			fail_msg("%s %s is for %s %s, described is %s %s", routes[i].method,
			    routes[i].path, who[routes[i].auth], permission(routes[i].permission),
			    text_of(op, "x-rport-who"), text_of(op, "x-rport-permission"));
		}
	}
}

static void test_described_are_routes(void **state)
{
	const struct rp_json *paths = rp_json_get(doc, "paths");
	char path[128];
	(void)state;
	for (const struct rp_json *p = rp_json_first(paths); p != NULL; p = rp_json_next(p)) {
		fill(rp_json_key(p), "{}", "{}", path);
		for (const struct rp_json *m = rp_json_first(p); m != NULL; m = rp_json_next(m)) {
			const char *method = rp_json_key(m);
			if (!is_route(method, path)) {
				fail_msg("%s %s is described, but no route", method, path);
			}
		}
	}
}

/* --- what lists take --- */

struct names {
	char v[NAMES_MAX][64];
	size_t n;
};

static void add_name(struct names *to, const char *name)
{
	for (size_t i = 0; i < to->n; i++) {
		if (strcmp(to->v[i], name) == 0) {
			return;
		}
	}
	assert_true(to->n < NAMES_MAX);
	(void)snprintf(to->v[to->n++], sizeof(to->v[0]), "%s", name);
}

static bool has_name(const struct names *in, const char *name)
{
	for (size_t i = 0; i < in->n; i++) {
		if (strcmp(in->v[i], name) == 0) {
			return true;
		}
	}
	return false;
}

/* What is to be written behind "?" for each value that a described parameter takes: of filters the
 * name, of the others also the value. */
static void collect(const struct rp_json *parameter, const char *prefix, struct names *out)
{
	const char *name = text_of(parameter, "name");
	const struct rp_json *items = rp_json_get(rp_json_get(parameter, "schema"), "items");
	char text[64];
	if (!rp_str_starts(rp_str_c(name), prefix)) {
		return;
	}
	if (items == NULL) {
		(void)snprintf(
		    text, sizeof(text), "%s=%s", name, strstr(name, "][") != NULL ? DATE : "x");
		add_name(out, text);
		return;
	}
	const struct rp_json *v = rp_json_first(rp_json_get(items, "enum"));
	for (; v != NULL; v = rp_json_next(v)) {
		(void)snprintf(text, sizeof(text), "%s=%s", name, rp_json_string(v));
		add_name(out, text);
	}
}

static void collect_all(const struct rp_json *op, const char *prefix, struct names *out)
{
	const struct rp_json *p = rp_json_first(rp_json_get(op, "parameters"));
	for (; p != NULL; p = rp_json_next(p)) {
		collect(p, prefix, out);
	}
}

/* Of all lists. */
static void collect_everywhere(const char *prefix, struct names *out)
{
	size_t n;
	const struct rp_route *routes = rp_router_table(&n);
	for (size_t i = 0; i < n; i++) {
		collect_all(operation(&routes[i]), prefix, out);
	}
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;
	for (const char *p = strstr(text, what); p != NULL; p = strstr(p + 1, what)) {
		n++;
	}
	return n;
}

/* Asks for some at once; every one of them has to be refused, or none. */
static void ask(struct rp_api_rig *r, const char *path, const struct names *q, bool wanted)
{
	char target[QUERY_MAX];
	for (size_t i = 0; i < q->n; i += AT_ONCE) {
		size_t n = (size_t)snprintf(target, sizeof(target), "%s?", path);
		size_t end = RP_MIN(i + AT_ONCE, q->n);
		for (size_t k = i; k < end; k++) {
			n += (size_t)snprintf(target + n, sizeof(target) - n, "%s&", q->v[k]);
		}
		unsigned status = rp_api_rig_get(r, "admin", target);
		size_t refused = count(r->body, "\"title\":\"unsupported ");
		if (status != 404 && refused != (wanted ? 0 : end - i)) {
			fail_msg("%s: %u %s", target, status, r->body);
		}
	}
}

static void check_list(struct rp_api_rig *r, const struct rp_route *route, const char *prefix)
{
	struct names own = {.n = 0};
	struct names all = {.n = 0};
	struct names others = {.n = 0};
	char path[128];
	size_t used = 0;
	for (const char *p = route->path; *p != '\0' && used < sizeof(path) - 16; p++) {
		if (*p == '{') {
			used += (size_t)snprintf(path + used, sizeof(path) - used, "ours");
			p++;
		} else {
			path[used++] = *p;
		}
	}
	path[used] = '\0';
	collect_all(operation(route), prefix, &own);
	collect_everywhere(prefix, &all);
	for (size_t i = 0; i < all.n; i++) {
		if (!has_name(&own, all.v[i])) {
			add_name(&others, all.v[i]);
		}
	}
	ask(r, path, &own, true);
	if (own.n > 0) {
		ask(r, path, &others, false);
	}
}

/* Parameters of a route that are too long for one page are refused with the maximum named. */
static void check_pages(struct rp_api_rig *r, const struct rp_route *route)
{
	const struct rp_json *p = rp_json_first(rp_json_get(operation(route), "parameters"));
	char target[160];
	int64_t max;
	while (p != NULL && strcmp(text_of(p, "name"), "page[limit]") != 0) {
		p = rp_json_next(p);
	}
	if (p == NULL || strchr(route->path, '{') != NULL) {
		return;
	}
	assert_int_equal(rp_json_i64(rp_json_get(rp_json_get(p, "schema"), "maximum"), &max), 0);
	(void)snprintf(target, sizeof(target), "%s?page[limit]=%d", route->path, (int)max);
	assert_int_equal(rp_api_rig_get(r, "admin", target), 200);
	(void)snprintf(target, sizeof(target), "%s?page[limit]=%d", route->path, (int)max + 1);
	assert_int_equal(rp_api_rig_get(r, "admin", target), 400);
}

static void test_lists(void **state)
{
	static const char *const prefixes[] = {"filter[", "sort", "fields["};
	struct rp_api_rig *r = rp_api_rig_open(NULL);
	size_t n;
	const struct rp_route *routes = rp_router_table(&n);
	(void)state;
	rp_api_rig_client(r, "ours", NULL);
	for (size_t i = 0; i < n; i++) {
		if (strcmp(routes[i].method, "GET") != 0) {
			continue;
		}
		for (size_t k = 0; k < RP_ARRAY_LEN(prefixes); k++) {
			check_list(r, &routes[i], prefixes[k]);
		}
		check_pages(r, &routes[i]);
	}
	rp_api_rig_close(r);
}

/* --- the page --- */

static void header(const struct rp_api_rig *r, const char *line)
{
	if (strstr(r->reply, line) == NULL) {
		fail_msg("no %s in %.400s", line, r->reply);
	}
}

static void test_page(void **state)
{
	static const struct {
		const char *path;
		const char *type;
		const char *text;
	} files[] = {
	    {"/openapi.json", "Content-Type: application/json", "\"openapi\":\"3.1.0\""},
	    {"/docs", "Content-Type: text/html", "<script src=\"docs/docs.js\" defer></script>"},
	    {"/docs/docs.css", "Content-Type: text/css", "{"},
	    {"/docs/docs.js", "Content-Type: text/javascript", "fetch(\"openapi.json\")"},
	};
	struct rp_api_rig *r = rp_api_rig_open(NULL);
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(files); i++) {
		const struct rp_api_ask get = {.method = "GET", .path = files[i].path};
		assert_int_equal(rp_api_rig_ask(r, &get), 200);
		header(r, files[i].type);
		header(r, "Content-Security-Policy: default-src 'none'; script-src 'self';");
		header(r, "X-Content-Type-Options: nosniff");
		assert_non_null(strstr(r->body, files[i].text));
		assert_null(strstr(r->body, "<style"));
		assert_null(strstr(r->body, "//cdn"));
	}
	rp_api_rig_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_routes_are_described),
	    cmocka_unit_test(test_described_are_routes),
	    cmocka_unit_test(test_lists),
	    cmocka_unit_test(test_page),
	};
	return cmocka_run_group_tests_name("openapi", tests, open_doc, close_doc);
}
