/* SPDX-License-Identifier: MIT */
/*
 * The HTTP parser over arbitrary bytes, several messages in a row, whole and in pieces: both
 * must report the
 * same. The first byte chooses requests or answers and the size of the pieces.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "http/http.h"

#define HEAD_MAX ((size_t)2048)
#define BODY_MAX ((size_t)1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void add(struct rp_buf *b, const char *text)
{
	if (rp_buf_add(b, text, strlen(text) + 1) != 0) {
		abort();
	}
}

/* What is promised about a complete message. */
static void check(const struct rp_http_head *h, bool response)
{
	if (h->major != 1 || h->minor > 1 || h->n_headers > RP_HTTP_HEADERS_MAX) {
		abort();
	}
	if (!response &&
	    (h->method[0] == '\0' || h->path[0] == '\0' || strpbrk(h->path, "?\r\n ") != NULL)) {
		abort();
	}
	if (rp_http_header(h, "Transfer-Encoding") != NULL &&
	    rp_http_header(h, "Content-Length") != NULL) {
		abort();
	}
}

static void describe(struct rp_buf *out, struct rp_http_parser *p, bool response)
{
	const struct rp_http_head *h = rp_http_parser_head(p);
	check(h, response);
	add(out, response ? h->reason : h->method);
	if (!response) {
		add(out, h->target);
		add(out, h->path);
		add(out, h->query);
	}
	for (size_t i = 0; i < h->n_headers; i++) {
		add(out, h->headers[i].name);
		add(out, h->headers[i].value);
	}
	const struct rp_buf *body = rp_http_parser_body(p);
	if (body->len > BODY_MAX || rp_buf_add(out, rp_buf_head(body), body->len) != 0) {
		abort();
	}
}

static int run(struct rp_buf *out, bool response, const uint8_t *data, size_t size, size_t piece)
{
	struct rp_http_parser *p;
	int rc = 0;
	rp_buf_init(out, SIZE_MAX);
	if (rp_http_parser_new(&p, response, HEAD_MAX, BODY_MAX) != 0) {
		abort();
	}
	for (size_t at = 0; at < size && rc >= 0;) {
		size_t n = RP_MIN(piece, size - at);
		size_t used;
		uint8_t *copy = rp_memdup(data + at, n);
		if (copy == NULL) {
			abort();
		}
		rc = rp_http_parser_feed(p, copy, n, &used);
		rp_free(copy);
		if (used > n || (rc == 0 && used != n)) {
			abort();
		}
		at += used;
		if (rc == 1) {
			describe(out, p, response);
			rp_http_parser_reset(p);
		}
	}
	if (rc < 0 && rp_http_parser_error_status(p) < 400) {
		abort();
	}
	rp_http_parser_free(p);
	return rc < 0 ? rc : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2) {
		return 0;
	}
	bool response = (data[0] & 1) != 0;
	size_t piece = 1 + (data[0] >> 1);
	struct rp_buf whole;
	struct rp_buf pieces;
	int rc = run(&whole, response, data + 1, size - 1, size - 1);
	int rc2 = run(&pieces, response, data + 1, size - 1, piece);
	if (rc != rc2 || whole.len != pieces.len ||
	    (whole.len > 0 && memcmp(whole.data, pieces.data, whole.len) != 0)) {
		abort();
	}
	rp_buf_fini(&whole);
	rp_buf_fini(&pieces);
	return 0;
}
