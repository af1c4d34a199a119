/* SPDX-License-Identifier: MIT */
/*
 * Cookie, Origin and Host of a request, as a page's browser sends them: a token that is found is one
 * that stands there, and only once; another page's Origin never counts.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "api/cookie.h"
#include "api/router.h"
#include "core/alloc.h"
#include "http/server_int.h"

#define INPUT_MAX 8192

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool stands_there(const struct rp_http_head *h, const char *token)
{
	char *pair = rp_asprintf("rport_session=%s", token);
	bool found = false;
	for (size_t i = 0; i < h->n_headers && !found; i++) {
		found = strcasecmp(h->headers[i].name, "Cookie") == 0 &&
		    strstr(h->headers[i].value, pair) != NULL;
	}
	rp_free(pair);
	return found;
}

static void check_token(const struct rp_api_call *c)
{
	char *token = NULL;
	int err = rp_cookie_read(c, &token);
	RP_VERIFY(err == 0 || err == RP_ENOENT || err == RP_EINVAL);
	if (err != 0) {
		return;
	}
	RP_VERIFY(token[0] != '\0' && strchr(token, ';') == NULL);
	RP_VERIFY(stands_there(rp_http_req_head(c->req), token));
	RP_VERIFY(rp_http_header(rp_http_req_head(c->req), "Authorization") == NULL);
	rp_free_secret(token);
}

static void check_page(const struct rp_api_call *c)
{
	const char *origin = rp_http_header(rp_http_req_head(c->req), "Origin");
	const char *host = rp_http_header(rp_http_req_head(c->req), "Host");
	bool own = rp_cookie_own_page(c);
	RP_VERIFY(!rp_cookie_asked(c) || own);
	RP_VERIFY(!rp_cookie_counts(c) || own);
	if (own && origin != NULL) {
		size_t n = strlen(host);
		size_t all = strlen(origin);
		RP_VERIFY(all > n + 2 && strcasecmp(origin + all - n, host) == 0);
		RP_VERIFY(memcmp(origin + all - n - 3, "://", 3) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const starts[] = {
	    "DELETE / HTTP/1.1\r\nHost: x\r\nCookie: ", "GET / HTTP/1.1\r\nHost: x\r\nOrigin: ",
	    "PUT / HTTP/1.1\r\nHost: x.example:8\r\nOrigin: "};
	static const char end[] = "\r\n\r\n";
	static const struct rp_route route = {.method = "DELETE", .path = "/x"};
	struct rp_http_conn conn = {0};
	struct rp_api_call call = {.req = &conn.req, .route = &route};
	size_t used;
	if (size == 0 || size > INPUT_MAX) {
		return 0;
	}
	const char *start = starts[data[0] % RP_ARRAY_LEN(starts)];
	size_t n = strlen(start) + size - 1 + strlen(end);
	char *text = rp_malloc(n);
	memcpy(text, start, strlen(start));
	memcpy(text + strlen(start), data + 1, size - 1);
	memcpy(text + strlen(start) + size - 1, end, strlen(end));
	RP_VERIFY(rp_http_parser_new(&conn.parser, false, 65536, 0) == 0);
	if (rp_http_parser_feed(conn.parser, text, n, &used) == 1) {
		check_token(&call);
		check_page(&call);
	}
	rp_http_parser_free(conn.parser);
	rp_free(text);
	return 0;
}
