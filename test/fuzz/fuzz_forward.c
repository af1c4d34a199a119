/* SPDX-License-Identifier: MIT */
/*
 * Requests and answers through the reverse proxy's rewriting: what goes on must be read by a strict
 * parser as exactly the one message that came, without headers of one hop and with our own word on
 * where it came from. The first byte chooses the kind.
 */
#include <stdint.h>
#include <string.h>

#include "core/alloc.h"
#include "http/forward.h"

#define HEAD_MAX ((size_t)4096)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t count(const struct rp_http_head *h, const char *name)
{
	size_t n = 0;
	for (size_t i = 0; i < h->n_headers; i++) {
		n += rp_ascii_ieq(h->headers[i].name, name) ? 1 : 0;
	}
	return n;
}

/* Reads the whole of text as one head, with nothing behind it. */
static struct rp_http_parser *read_again(const struct rp_buf *text, bool response)
{
	struct rp_http_parser *p;
	size_t used;
	RP_VERIFY(rp_http_parser_new(&p, response, HEAD_MAX * 2, 0) == 0);
	rp_http_parser_head_only(p);
	RP_VERIFY(rp_http_parser_feed(p, rp_buf_head(text), text->len, &used) == 1);
	RP_VERIFY(used == text->len);
	return p;
}

static bool is(const struct rp_http_head *h, const char *name, const char *value)
{
	const char *v = rp_http_header(h, name);
	return count(h, name) == 1 && strcmp(v, value) == 0;
}

static void check_request(const struct rp_http_head *in, const struct rp_http_head *out)
{
	RP_VERIFY(strcmp(in->method, out->method) == 0 && strcmp(in->path, out->path) == 0);
	RP_VERIFY(strcmp(in->query, out->query) == 0 && out->minor == 1);
	RP_VERIFY(rp_forward_request_body(in) == rp_forward_request_body(out));
	RP_VERIFY(rp_forward_is_websocket(in) == rp_forward_is_websocket(out));
	RP_VERIFY(count(out, "Connection") == (rp_forward_is_websocket(in) ? 1 : 0));
	RP_VERIFY(is(out, "X-Forwarded-For", "192.0.2.7"));
	RP_VERIFY(is(out, "X-Forwarded-Proto", "https"));
	RP_VERIFY(count(out, "X-Forwarded-Host") == 1 && count(out, "Host") == 1);
	RP_VERIFY(count(out, "Authorization") == 0 && count(out, "TE") == 0);
	RP_VERIFY(count(out, "Transfer_Encoding") == 0 && count(out, "Content_Length") == 0);
}

static void request(const struct rp_http_head *in, struct rp_buf *out)
{
	const struct rp_forward_request f = {
	    .peer = "192.0.2.7", .authority = "10.0.0.1:80", .drop_authorization = true};
	(void)rp_forward_basic_ok(in, "user", "password");
	if (rp_forward_check(in) == 0 && rp_forward_request(in, &f, out) == 0) {
		struct rp_http_parser *p = read_again(out, false);
		check_request(in, rp_http_parser_head(p));
		rp_http_parser_free(p);
	}
}

static void answer(const struct rp_http_head *in, struct rp_buf *out, bool to_head)
{
	struct rp_forward_answer f = {.close = to_head};
	enum rp_forward_body body;
	if (rp_forward_answer_body(in, to_head, &f.body) != 0 ||
	    rp_forward_answer(in, &f, out) != 0) {
		return;
	}
	struct rp_http_parser *p = read_again(out, true);
	const struct rp_http_head *again = rp_http_parser_head(p);
	RP_VERIFY(again->status == in->status % 1000);
	RP_VERIFY(rp_forward_answer_body(again, to_head, &body) == 0 && body == f.body);
	RP_VERIFY(count(again, "Keep-Alive") == 0 && count(again, "Upgrade") == 0);
	rp_http_parser_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rp_http_parser *p;
	struct rp_buf out;
	size_t used;
	if (size < 2) {
		return 0;
	}
	bool response = (data[0] & 1) != 0;
	RP_VERIFY(rp_http_parser_new(&p, response, HEAD_MAX, 0) == 0);
	rp_http_parser_head_only(p);
	rp_buf_init(&out, HEAD_MAX * 2);
	if (rp_http_parser_feed(p, data + 1, size - 1, &used) == 1) {
		if (response) {
			answer(rp_http_parser_head(p), &out, (data[0] & 2) != 0);
		} else {
			request(rp_http_parser_head(p), &out);
		}
	}
	rp_buf_fini(&out);
	rp_http_parser_free(p);
	return 0;
}
