/* SPDX-License-Identifier: MIT */
/*
 * The HTTP parser over arbitrary bytes, several messages in a row, whole, in pieces, and with bodies
 * that are held at the head and then handed out: all must report the same. The first byte chooses
 * requests or answers and the size of the pieces.
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

/* A body that is handed out. */
struct streamed {
	struct rp_http_parser *p;
	struct rp_buf body;
	bool held;
};

static void on_head(void *ctx)
{
	struct streamed *s = ctx;
	s->held = true;
	rp_http_parser_hold_body(s->p);
}

static void on_body(void *ctx, const uint8_t *p, size_t n)
{
	struct streamed *s = ctx;
	if (s->held || rp_buf_add(&s->body, p, n) != 0) {
		abort();
	}
}

static void read_on(struct streamed *s)
{
	if (s->held && rp_http_parser_head_done(s->p) && !rp_http_parser_complete(s->p)) {
		s->held = false;
		rp_http_parser_stream_body(s->p, on_body, s);
	}
}

static void describe(
    struct rp_buf *out, struct rp_http_parser *p, bool response, const struct rp_buf *body)
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
	if (body->len > BODY_MAX || rp_buf_add(out, rp_buf_head(body), body->len) != 0) {
		abort();
	}
}

/* piece 0: all at once, and bodies are handed out. */
static int run(struct rp_buf *out, bool response, const uint8_t *data, size_t size, size_t piece)
{
	struct rp_http_parser *p;
	struct streamed s = {0};
	bool stream = piece == 0;
	piece = stream ? size : piece;
	rp_buf_init(&s.body, BODY_MAX);
	int rc = 0;
	rp_buf_init(out, SIZE_MAX);
	if (rp_http_parser_new(&p, response, HEAD_MAX, BODY_MAX) != 0) {
		abort();
	}
	s.p = p;
	if (stream) {
		rp_http_parser_on_head(p, on_head, &s);
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
		if (used > n || (rc == 0 && used != n && !s.held)) {
			abort();
		}
		at += used;
		if (rc == 1) {
			describe(out, p, response, stream ? &s.body : rp_http_parser_body(p));
			rp_http_parser_reset(p);
			rp_buf_clear(&s.body);
			s.held = false;
		}
		read_on(&s);
	}
	if (rc < 0 && rp_http_parser_error_status(p) < 400) {
		abort();
	}
	rp_http_parser_free(p);
	rp_buf_fini(&s.body);
	return rc < 0 ? rc : 0;
}

/* Of a chunk that is too long and does not end as it has to, a parser that gets it at once sees the
 * end first: both are right to refuse it. */
static bool same_outcome(int a, int b)
{
	bool both = (a == RP_EPROTO || a == RP_ELIMIT) && (b == RP_EPROTO || b == RP_ELIMIT);
	return a == b || both;
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
	struct rp_buf streamed;
	int rc = run(&whole, response, data + 1, size - 1, size - 1);
	int rc2 = run(&pieces, response, data + 1, size - 1, piece);
	if (!same_outcome(rc, rc2) || whole.len != pieces.len ||
	    (whole.len > 0 && memcmp(whole.data, pieces.data, whole.len) != 0)) {
		abort();
	}
	int rc3 = run(&streamed, response, data + 1, size - 1, 0);
	if (!same_outcome(rc, rc3) || whole.len != streamed.len ||
	    (whole.len > 0 && memcmp(whole.data, streamed.data, whole.len) != 0)) {
		abort();
	}
	rp_buf_fini(&whole);
	rp_buf_fini(&pieces);
	rp_buf_fini(&streamed);
	return 0;
}
