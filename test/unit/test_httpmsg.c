/* SPDX-License-Identifier: MIT */
/*
 * HTTP messages: what is parsed, what is refused, limits, independence from how the bytes arrive.
 */
#include "http/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "test/lib/oom.h"
#include "test/lib/prng.h"
#include "test/lib/slow.h"

#define HEAD_MAX ((size_t)4096)
#define BODY_MAX ((size_t)100)

static struct rp_http_parser *make(bool response)
{
	struct rp_http_parser *p;
	assert_int_equal(rp_http_parser_new(&p, response, HEAD_MAX, BODY_MAX), 0);
	return p;
}

/* Result of feeding the text at once. */
static int feed_text(struct rp_http_parser *p, const char *text, size_t *used)
{
	size_t ignored;
	return rp_http_parser_feed(p, text, strlen(text), used == NULL ? &ignored : used);
}

static void test_request(void **state)
{
	(void)state;
	static const char text[] = "GET /a/b?x=1&y HTTP/1.1\r\n"
	                           "Host: h:80\r\n"
	                           "Empty:\r\n"
	                           "Blank:  \t \r\n"
	                           "Padded:  \t v w\t \r\n"
	                           "Connection: keep-alive, Upgrade\r\n"
	                           "Connection: other\r\n"
	                           "High: \xc3\xa4\r\n"
	                           "\r\n";
	struct rp_http_parser *p = make(false);
	size_t used;
	assert_true(rp_http_parser_idle(p));
	assert_int_equal(feed_text(p, text, &used), 1);
	assert_int_equal(used, strlen(text));
	const struct rp_http_head *h = rp_http_parser_head(p);
	assert_string_equal(h->method, "GET");
	assert_string_equal(h->target, "/a/b?x=1&y");
	assert_string_equal(h->path, "/a/b");
	assert_string_equal(h->query, "x=1&y");
	assert_int_equal(h->major, 1);
	assert_int_equal(h->minor, 1);
	assert_true(h->keep_alive);
	assert_false(h->upgrade);
	assert_int_equal(h->n_headers, 7);
	assert_string_equal(rp_http_header(h, "HOST"), "h:80");
	assert_string_equal(rp_http_header(h, "empty"), "");
	assert_string_equal(rp_http_header(h, "blank"), "");
	assert_string_equal(rp_http_header(h, "Padded"), "v w");
	assert_string_equal(rp_http_header(h, "high"), "\xc3\xa4");
	assert_null(rp_http_header(h, "Hos"));
	assert_true(rp_http_has_token(h, "connection", "upgrade"));
	assert_true(rp_http_has_token(h, "connection", "OTHER"));
	assert_false(rp_http_has_token(h, "connection", "up"));
	/* The next message of the connection. */
	rp_http_parser_reset(p);
	assert_int_equal(
	    feed_text(p, "POST * HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", NULL), 1);
	assert_true(h->keep_alive);
	assert_int_equal(h->n_headers, 1);
	assert_string_equal(h->path, "*");
	assert_string_equal(h->query, "");
	rp_http_parser_free(p);
}

static void test_targets(void **state)
{
	(void)state;
	static const char *const rows[][3] = {
	    {"/", "/", ""},
	    {"/?", "/", ""},
	    {"/a?b?c", "/a", "b?c"},
	    {"http://h/a?b", "/a", "b"},
	    {"http://h:80?b", "/", "b"},
	    {"http://h", "/", ""},
	    {"/x://y/z", "/x://y/z", ""},
	    {"//h/a", "//h/a", ""},
	    {"/a?u=http://h/b", "/a", "u=http://h/b"},
	};
	struct rp_http_parser *p = make(false);
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		char text[128];
		(void)snprintf(
		    text, sizeof(text), "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", rows[i][0]);
		assert_int_equal(feed_text(p, text, NULL), 1);
		const struct rp_http_head *h = rp_http_parser_head(p);
		assert_string_equal(h->target, rows[i][0]);
		assert_string_equal(h->path, rows[i][1]);
		assert_string_equal(h->query, rows[i][2]);
		rp_http_parser_reset(p);
	}
	rp_http_parser_free(p);
}

static void test_bodies(void **state)
{
	(void)state;
	struct rp_http_parser *p = make(false);
	size_t used;
	static const char length[] =
	    "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\n";
	assert_int_equal(feed_text(p, length, &used), 1);
	assert_int_equal(used, strstr(length, "GET") - length);
	assert_int_equal(rp_http_parser_body(p)->len, 5);
	assert_memory_equal(rp_buf_head(rp_http_parser_body(p)), "hello", 5);
	/* Complete: nothing more is taken. */
	assert_int_equal(feed_text(p, "more", &used), 1);
	assert_int_equal(used, 0);
	rp_http_parser_reset(p);

	static const char chunked[] =
	    "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: CHUNKED\r\n\r\n"
	    "3;ext=1\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\nContent-Length: 7\r\n\r\nrest";
	assert_int_equal(feed_text(p, chunked, &used), 1);
	assert_int_equal(used, strstr(chunked, "rest") - chunked);
	assert_int_equal(rp_http_parser_body(p)->len, 13);
	assert_memory_equal(rp_buf_head(rp_http_parser_body(p)), "abc0123456789", 13);
	assert_int_equal(rp_http_parser_head(p)->n_headers, 2);
	rp_http_parser_free(p);
}

#define H " / HTTP/1.1\r\nHost: h\r\n"
static const struct {
	const char *text;
	unsigned status;
} refused[] = {
    /* Where the message ends must not be open to interpretation. */
    {"POST" H "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {"POST" H "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 400},
    {"POST" H "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", 400},
    {"POST" H "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 400},
    {"POST" H "Content-Length: 5, 5\r\n\r\n", 400},
    {"POST" H "Content-Length: +5\r\n\r\n", 400},
    {"POST" H "Content-Length: -5\r\n\r\n", 400},
    {"POST" H "Content-Length: 0x5\r\n\r\n", 400},
    {"POST" H "Content-Length: 5 5\r\n\r\n", 400},
    {"POST" H "Content-Length:\r\n\r\n", 400},
    {"POST" H "Content-Length: 18446744073709551616\r\n\r\n", 400},
    {"POST" H "Content-Length : 5\r\n\r\n", 400},
    {"POST" H "Content Length: 5\r\n\r\n", 400},
    {"POST" H " Content-Length: 5\r\n\r\n", 400},
    {"POST" H "X: a\r\n Content-Length: 5\r\n\r\n", 400},
    {"POST" H "X: a\r\n\tb\r\n\r\n", 400},
    {"POST" H "X:\r\n b\r\n\r\n", 400},
    {"POST" H "X: a\nContent-Length: 5\r\n\r\n", 400},
    {"POST" H "X: a\rContent-Length: 5\r\n\r\n", 400},
    {"POST" H "X: a\n\r\n", 400},
    {"POST" H "X: a\x01\r\n\r\n", 400},
    {"POST" H "X: a\x7f\r\n\r\n", 400},
    {"POST" H "X\r\n\r\n", 400},
    {"POST" H ": a\r\n\r\n", 400},
    {"POST" H "X(: a\r\n\r\n", 400},
    {"POST" H "X\xc3\xa4: a\r\n\r\n", 400},
    {"POST" H "Transfer-Encoding: gzip, chunked\r\n\r\n", 501},
    {"POST" H "Transfer-Encoding: chunked, identity\r\n\r\n", 400},
    {"POST" H "Transfer-Encoding: identity\r\n\r\n", 400},
    {"POST" H "Transfer-Encoding: xchunked\r\n\r\n", 400},
    {"POST" H "Transfer-Encoding: \x0b"
     "chunked\r\n\r\n",
        400},
    {"POST" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {"POST" H "Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n", 400},
    {"POST" H "Transfer-Encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n\r\n", 400},
    {"POST" H "Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n", 400},
    {"POST" H "Transfer-Encoding: chunked\r\n\r\n-1\r\nhello\r\n0\r\n\r\n", 400},
    {"POST" H "Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n", 400},
    /* For whom it is. */
    {"GET / HTTP/1.1\r\n\r\n", 400},
    {"GET" H "Host: h\r\n\r\n", 400},
    {"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400},
    /* First lines. */
    {"GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505},
    {"GET / HTTP/1.2\r\nHost: h\r\n\r\n", 505},
    {"GET /\r\n\r\n", 505},
    {"get / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"FOO / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"GET  HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"GET / HTTP/1.1 x\r\nHost: h\r\n\r\n", 400},
    {"GET / http/1.1\r\nHost: h\r\n\r\n", 400},
    {"GET /\x80 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {" GET / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"\x16\x03\x01\x02\x03", 400},
    {"SSH-2.0-x\r\n\r\n", 400},
};
#undef H

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(refused); i++) {
		struct rp_http_parser *p = make(false);
		size_t used;
		int rc = feed_text(p, refused[i].text, &used);
		if (rc != RP_EPROTO || rp_http_parser_error_status(p) != refused[i].status) {
			fail_msg("%zu: %d, %u: %s", i, rc, rp_http_parser_error_status(p),
			    refused[i].text);
		}
		/* It stays so. */
		assert_int_equal(
		    feed_text(p, "GET / HTTP/1.1\r\nHost: h\r\n\r\n", &used), RP_EPROTO);
		rp_http_parser_reset(p);
		assert_int_equal(feed_text(p, "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", &used), 1);
		rp_http_parser_free(p);
	}
	/* A NUL byte, which the table cannot hold. */
	struct rp_http_parser *p = make(false);
	size_t used;
	static const char nul[] = "GET / HTTP/1.1\r\nHost: h\0\r\n\r\n";
	assert_int_equal(rp_http_parser_feed(p, nul, sizeof(nul) - 1, &used), RP_EPROTO);
	rp_http_parser_free(p);
}

static void test_head_limits(void **state)
{
	(void)state;
	/* Exactly head_max is taken, one byte more is not. */
	for (size_t extra = 0; extra < 2; extra++) {
		char text[HEAD_MAX + 2];
		size_t n = HEAD_MAX + extra;
		memset(text, 'a', n);
		memcpy(text, "GET / HTTP/1.1\r\nHost: h\r\nX: ", 28);
		memcpy(text + n - 4, "\r\n\r\n", 4);
		for (size_t step = 1; step <= n; step += 997) {
			struct rp_http_parser *p = make(false);
			size_t used = 0;
			int rc = 0;
			for (size_t at = 0; at < n && rc == 0; at += used) {
				rc = rp_http_parser_feed(p, text + at, RP_MIN(step, n - at), &used);
				assert_true(rc != 0 || used > 0);
			}
			assert_int_equal(rc, extra == 0 ? 1 : RP_ELIMIT);
			if (extra == 1) {
				assert_int_equal(rp_http_parser_error_status(p), 431);
				assert_false(rp_http_parser_body_too_large(p));
			}
			rp_http_parser_free(p);
		}
	}
	for (unsigned extra = 0; extra < 2; extra++) {
		char text[HEAD_MAX];
		size_t at = (size_t)snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: h\r\n");
		for (unsigned i = 1; i < RP_HTTP_HEADERS_MAX + extra; i++) {
			at += (size_t)snprintf(text + at, sizeof(text) - at, "X%u: y\r\n", i);
		}
		(void)snprintf(text + at, sizeof(text) - at, "\r\n");
		struct rp_http_parser *p = make(false);
		assert_int_equal(feed_text(p, text, NULL), extra == 0 ? 1 : RP_ELIMIT);
		rp_http_parser_free(p);
	}
}

/* An endless head costs no more than head_max. */
static void test_endless_head(void **state)
{
	(void)state;
	struct rp_http_parser *p = make(false);
	size_t used;
	assert_int_equal(feed_text(p, "GET / HTTP/1.1\r\nHost: h\r\nX: ", &used), 0);
	char block[512];
	memset(block, 'x', sizeof(block));
	int rc = 0;
	size_t total = 0;
	while (rc == 0) {
		rc = rp_http_parser_feed(p, block, sizeof(block), &used);
		total += sizeof(block);
		assert_true(total <= HEAD_MAX + sizeof(block));
	}
	assert_int_equal(rc, RP_ELIMIT);
	rp_http_parser_free(p);
}

static void test_body_limits(void **state)
{
	(void)state;
	struct rp_http_parser *p = make(false);
	assert_int_equal(
	    feed_text(p, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 101\r\n\r\n", NULL),
	    RP_ELIMIT);
	assert_true(rp_http_parser_body_too_large(p));
	assert_true(rp_http_parser_head_done(p));
	assert_int_equal(rp_http_parser_error_status(p), 413);
	rp_http_parser_reset(p);

	static const char head[] =
	    "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
	assert_int_equal(feed_text(p, head, NULL), 0);
	char chunk[160];
	(void)snprintf(chunk, sizeof(chunk), "64\r\n%0100d\r\n", 0);
	assert_int_equal(feed_text(p, chunk, NULL), 0);
	assert_int_equal(feed_text(p, "1\r\nx\r\n", NULL), RP_ELIMIT);
	assert_true(rp_http_parser_body_too_large(p));
	rp_http_parser_free(p);
}

static void raise_limit(void *ctx)
{
	rp_http_parser_set_body_max(ctx, 200);
}

static void test_limit_per_request(void **state)
{
	(void)state;
	struct rp_http_parser *p = make(false);
	rp_http_parser_on_head(p, raise_limit, p);
	char text[400];
	(void)snprintf(text, sizeof(text),
	    "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 200\r\n\r\n%0200d", 0);
	assert_int_equal(feed_text(p, text, NULL), 1);
	assert_int_equal(rp_http_parser_body(p)->len, 200);
	/* The next request starts with the default. */
	rp_http_parser_on_head(p, NULL, NULL);
	rp_http_parser_reset(p);
	assert_int_equal(feed_text(p, text, NULL), RP_ELIMIT);
	rp_http_parser_free(p);
}

static void test_response(void **state)
{
	(void)state;
	struct rp_http_parser *p = make(true);
	const struct rp_http_head *h = rp_http_parser_head(p);
	size_t used;
	rp_http_parser_head_only(p);
	static const char text[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
	                           "Connection: Upgrade\r\n\r\n\x82\x01x";
	assert_int_equal(feed_text(p, text, &used), 1);
	assert_int_equal(used, strlen(text) - 3);
	assert_int_equal(h->status, 101);
	assert_string_equal(h->reason, "Switching Protocols");
	rp_http_parser_reset(p);
	assert_int_equal(feed_text(p, "HTTP/1.1 200\r\nContent-Length: 999999\r\n\r\nx", &used), 1);
	assert_int_equal(h->status, 200);
	assert_string_equal(h->reason, "");
	rp_http_parser_reset(p);
	/* Old proxies end lines as they like. */
	assert_int_equal(feed_text(p, "HTTP/1.0 407 Auth\nX: y\n\nbody", &used), 1);
	assert_int_equal(h->status, 407);
	assert_string_equal(h->reason, "Auth");
	assert_string_equal(rp_http_header(h, "x"), "y");
	rp_http_parser_reset(p);
	assert_int_equal(feed_text(p, "SSH-2.0-OpenSSH\r\n\r\n", &used), RP_EPROTO);
	rp_http_parser_free(p);

	p = make(true);
	assert_int_equal(feed_text(p, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokx", &used), 1);
	assert_int_equal(rp_http_parser_body(p)->len, 2);
	rp_http_parser_free(p);
}

/* Answers that end with their head, whatever it says about a body. */
static void test_bodiless(void **state)
{
	(void)state;
	static const char *const heads[] = {
	    "HTTP/1.1 100 Continue\r\n\r\n",
	    "HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n",
	    "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
	    "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
	    "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n",
	};
	struct rp_http_parser *p = make(true);
	for (size_t i = 0; i < RP_ARRAY_LEN(heads); i++) {
		char text[128];
		size_t used;
		(void)snprintf(text, sizeof(text), "%sHTTP/1.1 200 OK\r\n", heads[i]);
		assert_int_equal(feed_text(p, text, &used), 1);
		assert_int_equal(used, strlen(heads[i]));
		rp_http_parser_reset(p);
	}
	rp_http_parser_free(p);
}

static void take_part(void *ctx, const uint8_t *data, size_t n)
{
	char *out = ctx;
	assert_true(n > 0);
	(void)strncat(out, (const char *)data, n);
}

/* Bodies of any length go through, only what is theirs. */
static void test_handed_out(void **state)
{
	(void)state;
	char out[400] = "";
	size_t used;
	struct rp_http_parser *p = make(false);
	rp_http_parser_on_body(p, take_part, out);
	static const char chunked[] = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked"
	                              "\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\nGET";
	assert_int_equal(feed_text(p, chunked, &used), 1);
	assert_int_equal(used, strlen(chunked) - 3);
	assert_string_equal(out, "abcde");
	assert_int_equal(rp_http_parser_body(p)->len, 0);
	rp_http_parser_reset(p);
	out[0] = '\0';
	assert_int_equal(
	    feed_text(p, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 300\r\n\r\n", NULL), 0);
	for (int i = 0; i < 30; i++) {
		assert_int_equal(feed_text(p, "0123456789", NULL), i == 29 ? 1 : 0);
	}
	assert_int_equal(strlen(out), 300);
	rp_http_parser_free(p);
}

/* Everything that can be seen of a sequence of messages, as text. */
static void describe(struct rp_http_parser *p, int rc, char *out, size_t size)
{
	size_t at = strlen(out);
	if (rc < 0) {
		(void)snprintf(
		    out + at, size - at, "error %d %u\n", rc, rp_http_parser_error_status(p));
		return;
	}
	const struct rp_http_head *h = rp_http_parser_head(p);
	at += (size_t)snprintf(out + at, size - at, "%s|%s|%s|%s|%d|%d|", h->method, h->target,
	    h->path, h->query, h->keep_alive, h->upgrade);
	for (size_t i = 0; i < h->n_headers; i++) {
		at += (size_t)snprintf(
		    out + at, size - at, "%s=%s;", h->headers[i].name, h->headers[i].value);
	}
	const struct rp_buf *b = rp_http_parser_body(p);
	(void)snprintf(out + at, size - at, "|%.*s\n", (int)b->len, (const char *)rp_buf_head(b));
}

/* Feeds in pieces of at most max bytes. */
static void run_pieces(const char *text, size_t max, char *out, size_t size)
{
	struct rp_http_parser *p = make(false);
	size_t n = strlen(text);
	out[0] = '\0';
	int rc = 0;
	for (size_t at = 0; at < n && rc >= 0;) {
		size_t piece = 1 + rp_prng_below(max);
		piece = RP_MIN(piece, n - at);
		/* A copy of exactly that size, so that reading past it shows. */
		char *copy = malloc(piece);
		assert_non_null(copy);
		memcpy(copy, text + at, piece);
		size_t used;
		rc = rp_http_parser_feed(p, copy, piece, &used);
		free(copy);
		assert_true(used <= piece && (rc != 0 || used == piece));
		at += used;
		if (rc != 0) {
			describe(p, rc, out, size);
		}
		if (rc == 1) {
			rp_http_parser_reset(p);
		}
	}
	rp_http_parser_free(p);
}

static void test_pieces(void **state)
{
	(void)state;
	static const char *const parts[] = {
	    "GET /a?b HTTP/1.1\r\nHost: h\r\n\r\n",
	    "\r\nGET / HTTP/1.0\r\nX:\r\nY: z \r\n\r\n",
	    "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 7\r\n\r\nab\r\n\r\nc",
	    "PUT /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "3\r\nabc\r\n1\r\n.\r\n0\r\nT: u\r\n\r\n",
	    "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
	    "DELETE /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
	    "GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n",
	    "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 101\r\n\r\n",
	    "nonsense\r\n\r\n",
	};
	for (size_t round = rp_slow_fewer(3000); round > 0; round--) {
		char text[2048] = "";
		size_t at = 0;
		for (size_t i = 0; i < 5; i++) {
			size_t good = RP_ARRAY_LEN(parts) - (i < 4 ? 3 : 0);
			const char *part = parts[rp_prng_below(good)];
			at += (size_t)snprintf(text + at, sizeof(text) - at, "%s", part);
		}
		char whole[4096];
		char pieces[4096];
		run_pieces(text, sizeof(text) * 8, whole, sizeof(whole));
		run_pieces(text, 1 + rp_prng_below(40), pieces, sizeof(pieces));
		assert_string_equal(whole, pieces);
	}
}

/* Bytes at random, near what is valid: no crash, and an answer. */
static void test_noise(void **state)
{
	(void)state;
	static const char valid[] = "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n"
	                            "X: y\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
	for (size_t round = rp_slow_fewer(20000); round > 0; round--) {
		char text[sizeof(valid)];
		memcpy(text, valid, sizeof(valid));
		for (size_t i = 0; i <= rp_prng_below(3); i++) {
			text[rp_prng_below(sizeof(valid) - 1)] = (char)rp_prng_below(256);
		}
		struct rp_http_parser *p = make(false);
		size_t used;
		int rc = rp_http_parser_feed(p, text, sizeof(valid) - 1, &used);
		assert_true(rc == 0 || rc == 1 || rc == RP_EPROTO || rc == RP_ELIMIT);
		rp_http_parser_free(p);
	}
}

static int oom_body(void *state)
{
	(void)state;
	static const char one[] = "POST /a?b HTTP/1.1\r\nHost: h\r\nTransfer-Enc";
	static const char two[] = "oding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
	struct rp_http_parser *p;
	int rc = rp_http_parser_new(&p, false, HEAD_MAX, BODY_MAX);
	if (rc != 0) {
		return rc;
	}
	for (int i = 0; i < 2 && rc >= 0; i++) {
		size_t used;
		rc = rp_http_parser_feed(p, one, sizeof(one) - 1, &used);
		if (rc == 0) {
			rc = rp_http_parser_feed(p, two, sizeof(two) - 1, &used);
		}
		if (rc < 0 && rp_http_parser_error_status(p) != 500) {
			rc = RP_EPROTO;
		}
		rp_http_parser_reset(p);
	}
	rp_http_parser_free(p);
	return rc < 0 ? rc : 0;
}

static void test_oom(void **state)
{
	(void)state;
	assert_int_equal(rp_oom_run(oom_body, NULL), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_request),
	    cmocka_unit_test(test_targets),
	    cmocka_unit_test(test_bodies),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_head_limits),
	    cmocka_unit_test(test_endless_head),
	    cmocka_unit_test(test_body_limits),
	    cmocka_unit_test(test_limit_per_request),
	    cmocka_unit_test(test_response),
	    cmocka_unit_test(test_bodiless),
	    cmocka_unit_test(test_handed_out),
	    cmocka_unit_test(test_pieces),
	    cmocka_unit_test(test_noise),
	    cmocka_unit_test(test_oom),
	};
	rp_prng_start();
	return rp_prng_report(cmocka_run_group_tests(tests, NULL, NULL));
}
