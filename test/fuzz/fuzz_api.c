/* SPDX-License-Identifier: MIT */
/*
 * Requests through the whole API: HTTP, router, authorisation, handlers, database, with a client
 * connected that refuses everything. An input is up to REQUESTS_MAX requests, apart by lines of
 * "---"; each is a line "[@user] METHOD PATH" ("@" admin, "@bob", "@-" nobody), further lines of the
 * head, an empty line and the body. Every answer has to have a status that the API's description
 * gives to the route, and what calls itself JSON has to be JSON. A 500 is a finding.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/embedded.h"
#include "api/router.h"
#include "core/alloc.h"
#include "core/json.h"
#include "core/log.h"
#include "test/lib/api_rig.h"

#define REQUESTS_MAX 4
#define REQUEST_MAX  ((size_t)32768)
/* Then the rig starts anew: what inputs leave behind is bounded. */
#define RUNS_MAX 500

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct rp_api_rig *rig;
static struct rp_json *doc;
static unsigned runs;
static char tokens[2][512]; /* admin, bob */

static void log_in(const char *user, char *out, size_t size)
{
	char token[400];
	if (rp_api_rig_get(rig, user, "/login") != 200) {
		abort();
	}
	rp_api_rig_text(rig, "token", token, sizeof(token));
	(void)snprintf(out, size, "Bearer %s", token);
}

static void open_rig(void)
{
	rig = rp_api_rig_open(NULL);
	rig->refuse_orders = true;
	rp_api_rig_client(rig, "ours", "staff");
	log_in("admin", tokens[0], sizeof(tokens[0]));
	log_in("bob", tokens[1], sizeof(tokens[1]));
}

static void close_rig(void)
{
	if (rig != NULL) {
		rp_api_rig_close(rig);
		rig = NULL;
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	size_t n;
	const void *text = rp_embedded_find("openapi.json", &n);
	(void)argc;
	(void)argv;
	if (rp_log_open("/dev/null", RP_LOG_ERROR, NULL) != 0 || text == NULL ||
	    rp_json_parse(text, n, &doc, NULL) != 0 || atexit(close_rig) != 0) {
		abort();
	}
	return 0;
}

/* One line without its end; *s is what comes behind. */
static struct rp_str take_line(struct rp_str *s)
{
	const char *end = s->len == 0 ? NULL : memchr(s->p, '\n', s->len);
	struct rp_str line = {.p = s->p, .len = end == NULL ? s->len : (size_t)(end - s->p)};
	size_t used = end == NULL ? s->len : line.len + 1;
	s->p += used;
	s->len -= used;
	return line;
}

/* Those that say where the request ends are ours. */
static bool frames(struct rp_str line)
{
	static const char *const names[] = {"content-length", "transfer-encoding", "connection",
	    "expect", "authorization", " ", "\t"};
	for (size_t i = 0; i < RP_ARRAY_LEN(names); i++) {
		size_t n = strlen(names[i]);
		if (line.len >= n && strncasecmp(line.p, names[i], n) == 0) {
			return true;
		}
	}
	return memchr(line.p, '\r', line.len) != NULL;
}

static void add(struct rp_buf *b, const void *p, size_t n)
{
	if (rp_buf_add(b, p, n) != 0) {
		abort();
	}
}

static void add_text(struct rp_buf *b, const char *text)
{
	add(b, text, strlen(text));
}

static const char *credentials(struct rp_str *line)
{
	static const struct {
		const char *mark;
		const char *token;
	} users[] = {{"@bob ", tokens[1]}, {"@- ", ""}, {"@ ", tokens[0]}};
	for (size_t i = 0; i < RP_ARRAY_LEN(users); i++) {
		size_t n = strlen(users[i].mark);
		if (rp_str_starts(*line, users[i].mark)) {
			line->p += n;
			line->len -= n;
			return users[i].token;
		}
	}
	return tokens[0];
}

/* "METHOD PATH" of a request as the router wants it, NUL-terminated; false when it is none. */
static bool split(struct rp_str line, char *method, size_t size, char *path, size_t path_size)
{
	const char *blank = memchr(line.p, ' ', line.len);
	if (blank == NULL || memchr(line.p, '\0', line.len) != NULL) {
		return false;
	}
	size_t n = (size_t)(blank - line.p);
	size_t rest = line.len - n - 1;
	if (n == 0 || n >= size || rest == 0 || rest >= path_size) {
		return false;
	}
	(void)snprintf(method, size, "%.*s", (int)n, line.p);
	(void)snprintf(path, path_size, "%.*s", (int)rest, blank + 1);
	return strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == n && path[0] == '/' &&
	    strpbrk(path, " \r\t#") == NULL;
}

static const struct rp_json *operation(const struct rp_route *r)
{
	const struct rp_json *p = rp_json_first(rp_json_get(doc, "paths"));
	for (; p != NULL; p = rp_json_next(p)) {
		const char *a = rp_json_key(p);
		const char *b = r->path;
		while (*a != '\0' && *a == *b) {
			if (*a == '{') {
				a = strchr(a, '}') - 1;
			}
			a++;
			b++;
		}
		if (*a == '\0' && *b == '\0') {
			return rp_json_get(p, r->method);
		}
	}
	return NULL;
}

static void finding(const char *what, unsigned status)
{
	(void)fprintf(stderr, "fuzz_api: %s, status %u\n%.2000s\n", what, status, rig->reply);
	abort();
}

static void check_status(unsigned status, const char *method, char *path)
{
	struct rp_api_call call = {0};
	char key[8];
	path[strcspn(path, "?")] = '\0';
	int err = rp_router_find(method, path, &call);
	if (err == 0) {
		(void)snprintf(key, sizeof(key), "%u", status);
		const struct rp_json *op = operation(call.route);
		if (op == NULL || rp_json_get(rp_json_get(op, "responses"), key) == NULL) {
			finding("a status that is not described", status);
		}
	}
	for (size_t i = 0; i < RP_API_PARAMS_MAX; i++) {
		rp_free(call.params[i]);
	}
}

static void check_answer(unsigned status)
{
	struct rp_json *body;
	if (status < 100 || status > 599) {
		finding("no answer", status);
	}
	if (status == 500) {
		finding("the server could not do it", status);
	}
	if (strstr(rig->reply, "\r\nContent-Type: application/json") == NULL) {
		return;
	}
	if (rp_json_parse(rig->body, strlen(rig->body), &body, NULL) != 0) {
		finding("JSON that is none", status);
	}
	if (status >= 400 && rp_json_type(rp_json_get(body, "errors")) != RP_JSON_ARRAY) {
		finding("an error without errors", status);
	}
	rp_json_free(body);
}

static void run(struct rp_str text)
{
	char method[16];
	char path[8192];
	char length[64];
	struct rp_buf b;
	struct rp_str line = take_line(&text);
	const char *token = credentials(&line);
	if (!split(line, method, sizeof(method), path, sizeof(path)) ||
	    strcmp(method, "HEAD") == 0) {
		return;
	}
	rp_buf_init(&b, REQUEST_MAX * 2);
	add_text(&b, method);
	add_text(&b, " /api/v1");
	add_text(&b, path);
	add_text(&b, " HTTP/1.1\r\nHost: x\r\n");
	if (token[0] != '\0') {
		add_text(&b, "Authorization: ");
		add_text(&b, token);
		add_text(&b, "\r\n");
	}
	bool upgrade = false;
	for (line = take_line(&text); line.len > 0; line = take_line(&text)) {
		if (!frames(line)) {
			upgrade = upgrade ||
			    (line.len > 7 && strncasecmp(line.p, "upgrade", 7) == 0);
			add(&b, line.p, line.len);
			add_text(&b, "\r\n");
		}
	}
	(void)snprintf(length, sizeof(length), "Connection: %s\r\nContent-Length: %zu\r\n\r\n",
	    upgrade ? "Upgrade" : "close", text.len);
	add_text(&b, length);
	add(&b, text.p, text.len);
	add(&b, "", 1);
	unsigned status = rp_api_rig_raw(rig, (const char *)rp_buf_head(&b), b.len - 1);
	rp_buf_fini(&b);
	check_answer(status);
	check_status(status, method, path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char mark[] = "\n---\n";
	struct rp_str rest = rp_str_n(data, RP_MIN(size, REQUEST_MAX));
	if (rig == NULL) {
		open_rig();
	}
	for (int i = 0; i < REQUESTS_MAX && rest.len > 0; i++) {
		const char *end = memmem(rest.p, rest.len, mark, sizeof(mark) - 1);
		struct rp_str one = {
		    .p = rest.p, .len = end == NULL ? rest.len : (size_t)(end - rest.p)};
		size_t used = end == NULL ? rest.len : one.len + sizeof(mark) - 1;
		run(one);
		rest.p += used;
		rest.len -= used;
	}
	if (++runs % RUNS_MAX == 0) {
		close_rig();
	}
	return 0;
}
