/* SPDX-License-Identifier: MIT */
/*
 * One request passed on: connect, send head and body with "Connection: close", read the answer
 * whole (at most 16 MiB), pass it
 * back. One final outcome: finish() answers the request and closes what is open; the last close
 * callback frees.
 */
#include "server/proxy.h"

#include <string.h>

#include <uv.h>

#include "core/alloc.h"
#include "core/buf.h"
#include "core/log.h"
#include "http/dial.h"
#include "http/stream.h"

#include "core/banned.h"

#define TIMEOUT_MS 30000
#define HEAD_MAX   (64u * 1024)
#define BODY_MAX   (16u * 1024 * 1024)
#define COMPONENT  "proxy"

struct proxy {
	struct rp_list node;
	struct rp_loop *loop;
	const struct rp_proxy_target *target;
	struct rp_http_req *req; /* NULL once it is answered */
	struct rp_url to;        /* what is dialled */
	struct rp_dial *dial;
	struct rp_stream *stream;
	struct rp_http_parser *parser;
	uv_timer_t timer;
	bool timer_open;
};

int rp_proxy_target_new(const char *url, struct rp_proxy_target **out, struct rp_err *err)
{
	struct rp_proxy_target *t = rp_calloc(1, sizeof(*t));
	if (t == NULL) {
		return rp_err_no_memory(err);
	}
	int code = rp_url_parse(url, &t->url, err);
	bool https = code == 0 && strcmp(t->url.scheme, "https") == 0;
	if (code == 0 && !https && strcmp(t->url.scheme, "http") != 0) {
		code = rp_err_set(err, RP_EINVAL, "expected an http or https URL");
	}
	if (https) {
		code = rp_tls_client_new(NULL, &t->tls, err);
	}
	if (code != 0) {
		rp_proxy_target_free(t);
		return rp_err_wrap(err, "invalid proxy");
	}
	*out = t;
	return 0;
}

void rp_proxy_target_free(struct rp_proxy_target *t)
{
	if (t != NULL) {
		rp_url_fini(&t->url);
		rp_tls_free(t->tls);
		rp_free(t);
	}
}

static void maybe_free(struct proxy *p)
{
	if (p->stream == NULL && !p->timer_open && p->dial == NULL && p->req == NULL) {
		rp_list_remove(&p->node);
		rp_http_parser_free(p->parser);
		rp_url_fini(&p->to);
		rp_free(p);
	}
}

static void on_timer_closed(uv_handle_t *h)
{
	struct proxy *p = h->data;
	p->timer_open = false;
	maybe_free(p);
}

static void close_parts(struct proxy *p)
{
	if (p->dial != NULL) {
		rp_dial_cancel(p->dial);
		p->dial = NULL;
	}
	if (p->stream != NULL) {
		rp_stream_close(p->stream);
	}
	if (p->timer_open && !uv_is_closing((uv_handle_t *)&p->timer)) {
		uv_close((uv_handle_t *)&p->timer, on_timer_closed);
	}
	maybe_free(p);
}

static void fail(struct proxy *p, unsigned status, const char *why)
{
	struct rp_http_req *req = p->req;
	if (req == NULL) {
		return;
	}
	p->req = NULL;
	const char *text = status == 504 ? "Gateway Timeout\n" : "Bad Gateway\n";
	rp_log_error(COMPONENT, "request is not passed on: %s", why);
	rp_http_reply(req, status, "text/plain; charset=utf-8", text, strlen(text));
	close_parts(p);
}

/* Headers of one hop only (RFC 9110 7.6.1), and those that our own answer sets. */
static bool hop_header(const char *name)
{
	static const char *const names[] = {"Connection", "Keep-Alive", "Proxy-Authenticate",
	    "Proxy-Authorization", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding",
	    "Upgrade", "Content-Length", "Content-Type", "Host", "Date"};
	for (size_t i = 0; i < RP_ARRAY_LEN(names); i++) {
		if (rp_ascii_ieq(name, names[i])) {
			return true;
		}
	}
	return false;
}

static void succeed(struct proxy *p)
{
	struct rp_http_req *req = p->req;
	const struct rp_http_head *head = rp_http_parser_head(p->parser);
	const struct rp_buf *body = rp_http_parser_body(p->parser);
	p->req = NULL;
	for (size_t i = 0; i < head->n_headers; i++) {
		if (!hop_header(head->headers[i].name) &&
		    rp_http_req_add_header(req, head->headers[i].name, head->headers[i].value) !=
		        0) {
			rp_log_debug(COMPONENT, "header %s left out", head->headers[i].name);
		}
	}
	rp_http_reply(
	    req, head->status, rp_http_header(head, "Content-Type"), rp_buf_head(body), body->len);
	close_parts(p);
}

/* Stream */

static void on_data(void *ctx, uint8_t *data, size_t n)
{
	struct proxy *p = ctx;
	size_t used;
	if (p->req == NULL) {
		return;
	}
	int rc = rp_http_parser_feed(p->parser, data, n, &used);
	if (rc == 1) {
		succeed(p);
	} else if (rc < 0) {
		fail(p, 502, "the answer is not readable HTTP or too large");
	}
}

/* Without a length the end of the connection is the end of the answer. */
static void on_eof(void *ctx)
{
	struct proxy *p = ctx;
	if (p->req == NULL) {
		return;
	}
	const struct rp_http_head *head = rp_http_parser_head_done(p->parser)
	    ? rp_http_parser_head(p->parser)
	    : NULL;
	if (head != NULL && rp_http_header(head, "Content-Length") == NULL &&
	    rp_http_header(head, "Transfer-Encoding") == NULL) {
		succeed(p);
	} else {
		fail(p, 502, "the answer ends too early");
	}
}

static void on_error(void *ctx, int code, const char *text)
{
	(void)code;
	fail(ctx, 502, text);
}

static void on_closed(void *ctx)
{
	struct proxy *p = ctx;
	p->stream = NULL;
	maybe_free(p);
}

static const struct rp_stream_ops stream_ops = {
    .on_data = on_data,
    .on_eof = on_eof,
    .on_error = on_error,
    .on_closed = on_closed,
};

static int write_head(struct proxy *p, struct rp_buf *out, const char *authority)
{
	const struct rp_http_head *head = rp_http_req_head(p->req);
	struct rp_str body = rp_http_req_body(p->req);
	const char *type = rp_http_header(head, "Content-Type");
	int err = rp_buf_printf(out, "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n",
	    head->method, head->target, authority);
	for (size_t i = 0; err == 0 && i < head->n_headers; i++) {
		if (!hop_header(head->headers[i].name)) {
			err = rp_buf_printf(
			    out, "%s: %s\r\n", head->headers[i].name, head->headers[i].value);
		}
	}
	if (err == 0 && type != NULL) {
		err = rp_buf_printf(out, "Content-Type: %s\r\n", type);
	}
	if (err == 0 && (body.len > 0 || strcmp(head->method, "POST") == 0)) {
		err = rp_buf_printf(out, "Content-Length: %zu\r\n", body.len);
	}
	return err != 0 ? err : rp_buf_add_str(out, "\r\n");
}

static void send_request(struct proxy *p)
{
	struct rp_buf head;
	struct rp_str body = rp_http_req_body(p->req);
	char *authority = rp_url_authority(&p->target->url);
	rp_buf_init(&head, HEAD_MAX * 2);
	int err = authority == NULL ? RP_ENOMEM : write_head(p, &head, authority);
	if (err == 0) {
		struct iovec iov[2] = {
		    {.iov_base = rp_buf_head(&head), .iov_len = head.len},
		    {.iov_base = (void *)(uintptr_t)body.p, .iov_len = body.len},
		};
		err = rp_stream_write(p->stream, iov, body.len > 0 ? 2 : 1);
	}
	rp_buf_fini(&head);
	rp_free(authority);
	if (err < 0) {
		fail(p, 502, rp_err_text(err));
		return;
	}
	rp_stream_read_start(p->stream);
}

static void on_dialled(void *ctx, int code, struct rp_stream *stream, uint8_t *early,
    size_t early_n, const struct rp_http_head *head, const struct rp_err *err)
{
	struct proxy *p = ctx;
	(void)early_n;
	(void)head;
	p->dial = NULL;
	rp_free(early);
	if (code != 0) {
		fail(p, code == RP_ETIMEOUT ? 504 : 502, err->msg);
		return;
	}
	p->stream = stream;
	rp_stream_set_ops(stream, &stream_ops, p);
	if (p->target->tls != NULL) {
		code = rp_stream_start_tls(stream, p->target->tls, p->target->url.host, NULL);
		if (code != 0) {
			fail(p, 502, rp_err_text(code));
			return;
		}
	}
	send_request(p);
}

static void on_timeout(uv_timer_t *timer)
{
	fail(timer->data, 504, "no answer in time");
}

void rp_proxy_request(struct rp_loop *loop, const struct rp_proxy_target *t, struct rp_list *list,
    struct rp_http_req *req)
{
	struct proxy *p = rp_calloc(1, sizeof(*p));
	if (p == NULL) {
		rp_http_reply(req, 503, NULL, NULL, 0);
		return;
	}
	p->loop = loop;
	p->target = t;
	p->req = req;
	rp_list_append(list, &p->node);
	RP_VERIFY(uv_timer_init(rp_loop_uv(loop), &p->timer) == 0);
	p->timer.data = p;
	p->timer_open = true;
	RP_VERIFY(uv_timer_start(&p->timer, on_timeout, TIMEOUT_MS, 0) == 0);
	int err = rp_http_parser_new(&p->parser, true, HEAD_MAX, BODY_MAX);
	if (err == 0 && strcmp(rp_http_req_head(req)->method, "HEAD") == 0) {
		rp_http_parser_head_only(p->parser);
	}
	err = err != 0 ? err : rp_url_plain(t->url.host, t->url.port, &p->to);
	if (err == 0) {
		const struct rp_dial_options opt = {.url = &p->to, .timeout_ms = TIMEOUT_MS};
		err = rp_dial_start(loop, &opt, on_dialled, p, &p->dial);
	}
	if (err != 0) {
		fail(p, 502, rp_err_text(err));
	}
}

void rp_proxy_close_all(struct rp_list *list)
{
	struct rp_list *it;
	struct rp_list *tmp;
	RP_LIST_FOREACH(it, tmp, list) {
		fail(RP_LIST_ENTRY(it, struct proxy, node), 502, "server stops");
	}
}
