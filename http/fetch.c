/* SPDX-License-Identifier: MIT */
/*
 * dial -> [TLS] -> request -> answer -> done. Every step ends in the next or in finish(), which
 * stops what is under way and tells the owner; the last handle that closes frees.
 */
#include "http/fetch.h"

#include <string.h>

#include <uv.h>

#include "core/alloc.h"
#include "core/buf.h"
#include "core/crypto.h"
#include "http/dial.h"
#include "http/http.h"
#include "http/stream.h"
#include "http/url.h"

#include "core/banned.h"

#define HEAD_MAX    ((size_t)16 * 1024)
#define REQUEST_MAX ((size_t)64 * 1024)

struct rp_fetch {
	struct rp_loop *loop;
	struct rp_url url;
	struct rp_url plain; /* what is dialled */
	char *authority;
	struct rp_tls *tls; /* NULL: http */
	struct rp_buf request;
	rp_fetch_cb cb; /* NULL once it is over */
	void *ctx;
	struct rp_dial *dial;
	struct rp_stream *stream;
	struct rp_http_parser *parser;
	uv_timer_t timer;
	bool timer_open;
};

static void maybe_free(struct rp_fetch *f)
{
	if (f->cb != NULL || f->timer_open || f->stream != NULL) {
		return;
	}
	rp_http_parser_free(f->parser);
	rp_url_fini(&f->url);
	rp_url_fini(&f->plain);
	rp_free(f->authority);
	if (f->request.len > 0) {
		rp_secret_wipe(rp_buf_head(&f->request), f->request.len);
	}
	rp_buf_fini(&f->request);
	rp_free(f);
}

static void on_timer_closed(uv_handle_t *h)
{
	struct rp_fetch *f = h->data;
	f->timer_open = false;
	maybe_free(f);
}

static void close_parts(struct rp_fetch *f)
{
	f->cb = NULL;
	rp_dial_cancel(f->dial);
	f->dial = NULL;
	if (f->stream != NULL) {
		rp_stream_close(f->stream);
	}
	if (f->timer_open && !uv_is_closing((uv_handle_t *)&f->timer)) {
		uv_close((uv_handle_t *)&f->timer, on_timer_closed);
	}
}

static void fail(struct rp_fetch *f, int code, const char *text)
{
	rp_fetch_cb cb = f->cb;
	struct rp_err err;
	if (cb == NULL) {
		return;
	}
	(void)rp_err_set(&err, code, "%s: %s", f->authority, text);
	close_parts(f);
	cb(f->ctx, code, 0, (struct rp_str){0}, &err);
}

/* The answer is complete: it lives until the handles that were closed here are. */
static void succeed(struct rp_fetch *f)
{
	rp_fetch_cb cb = f->cb;
	const struct rp_buf *body = rp_http_parser_body(f->parser);
	close_parts(f);
	cb(f->ctx, 0, rp_http_parser_head(f->parser)->status,
	    rp_str_n(rp_buf_head(body), body->len), NULL);
}

void rp_fetch_cancel(struct rp_fetch *f)
{
	if (f != NULL && f->cb != NULL) {
		close_parts(f);
	}
}

static bool is_interim(const struct rp_fetch *f)
{
	unsigned status = rp_http_parser_head(f->parser)->status;
	return status >= 100 && status < 200;
}

static void on_data(void *ctx, uint8_t *p, size_t n)
{
	struct rp_fetch *f = ctx;
	size_t used;
	if (f->cb == NULL) {
		return;
	}
	int rc = rp_http_parser_feed(f->parser, p, n, &used);
	while (rc == 1 && is_interim(f)) {
		rp_http_parser_reset(f->parser);
		p += used;
		n -= used;
		rc = rp_http_parser_feed(f->parser, p, n, &used);
	}
	if (rc == 1) {
		succeed(f);
	} else if (rc < 0) {
		fail(f, rc, "the answer is not readable HTTP or too large");
	}
}

/* Without a length the end of the connection is the end of the answer. */
static void on_eof(void *ctx)
{
	struct rp_fetch *f = ctx;
	if (f->cb == NULL) {
		return;
	}
	const struct rp_http_head *h = rp_http_parser_head_done(f->parser)
	    ? rp_http_parser_head(f->parser)
	    : NULL;
	if (h != NULL && rp_http_header(h, "Content-Length") == NULL &&
	    rp_http_header(h, "Transfer-Encoding") == NULL) {
		succeed(f);
	} else {
		fail(f, RP_ECLOSED, "the connection ended before the answer");
	}
}

static void on_error(void *ctx, int code, const char *text)
{
	fail(ctx, code, text);
}

static void on_closed(void *ctx)
{
	struct rp_fetch *f = ctx;
	f->stream = NULL;
	maybe_free(f);
}

static const struct rp_stream_ops stream_ops = {
    .on_data = on_data,
    .on_eof = on_eof,
    .on_error = on_error,
    .on_closed = on_closed,
};

static void on_dialled(void *ctx, int code, struct rp_stream *stream, uint8_t *early,
    size_t early_n, const struct rp_http_head *head, const struct rp_err *err)
{
	struct rp_fetch *f = ctx;
	(void)early_n;
	(void)head;
	f->dial = NULL;
	rp_free(early);
	if (code != 0) {
		fail(f, code, err->msg);
		return;
	}
	f->stream = stream;
	rp_stream_set_ops(stream, &stream_ops, f);
	if (f->tls != NULL) {
		code = rp_stream_start_tls(stream, f->tls, f->url.host, NULL);
	}
	struct iovec iov = {.iov_base = rp_buf_head(&f->request), .iov_len = f->request.len};
	code = code != 0 ? code : rp_stream_write(stream, &iov, 1);
	if (code < 0) {
		fail(f, code, rp_err_text(code));
		return;
	}
	rp_stream_read_start(stream);
}

static void on_timeout(uv_timer_t *timer)
{
	fail(timer->data, RP_ETIMEOUT, "no answer in time");
}

static int add_credentials(struct rp_fetch *f)
{
	if (f->url.user == NULL) {
		return 0;
	}
	char *pair = rp_asprintf(
	    "%s:%s", f->url.user, f->url.password != NULL ? f->url.password : "");
	char *b64 = pair == NULL ? NULL : rp_base64(pair, strlen(pair));
	int err = b64 == NULL ? RP_ENOMEM
	                      : rp_buf_printf(&f->request, "Authorization: Basic %s\r\n", b64);
	rp_free_secret(pair);
	rp_free_secret(b64);
	return err;
}

static int write_request(struct rp_fetch *f, const struct rp_fetch_options *opt)
{
	bool usual = !f->url.port_given;
	rp_buf_init(&f->request, REQUEST_MAX);
	char *host = usual ? rp_strdup(f->url.host) : rp_strdup(f->authority);
	if (host == NULL) {
		return RP_ENOMEM;
	}
	bool v6 = usual && strchr(host, ':') != NULL;
	bool post = opt->content_type != NULL;
	int err = rp_buf_printf(&f->request,
	    "%s %s HTTP/1.1\r\nHost: %s%s%s\r\nUser-Agent: rport/" RP_VERSION
	    "\r\nAccept: */*\r\nConnection: close\r\n",
	    post ? "POST" : "GET", f->url.target, v6 ? "[" : "", host, v6 ? "]" : "");
	if (err == 0 && post) {
		err = rp_buf_printf(&f->request, "Content-Type: %s\r\nContent-Length: %zu\r\n",
		    opt->content_type, opt->body.len);
	}
	err = err != 0 ? err : add_credentials(f);
	err = err != 0 ? err : rp_buf_add_str(&f->request, "\r\n");
	if (err == 0 && post) {
		err = rp_buf_add(&f->request, opt->body.p, opt->body.len);
	}
	rp_free(host);
	return err;
}

static int prepare(struct rp_fetch *f, const struct rp_fetch_options *opt, struct rp_err *err)
{
	int code = rp_url_parse(opt->url, &f->url, err);
	if (code != 0) {
		return code;
	}
	bool https = strcmp(f->url.scheme, "https") == 0;
	if (!https && strcmp(f->url.scheme, "http") != 0) {
		return rp_err_set(err, RP_EINVAL, "expected an http or https URL");
	}
	if (https && opt->tls == NULL) {
		return rp_err_set(err, RP_EINVAL, "no trust store for TLS");
	}
	f->tls = https ? opt->tls : NULL;
	f->authority = rp_url_authority(&f->url);
	code = f->authority == NULL ? RP_ENOMEM : rp_url_plain(f->url.host, f->url.port, &f->plain);
	code = code != 0 ? code : write_request(f, opt);
	code = code != 0 ? code
	                 : rp_http_parser_new(&f->parser, true, HEAD_MAX, RP_FETCH_ANSWER_MAX);
	return code == 0 ? 0 : rp_err_set(err, code, "%s", rp_err_text(code));
}

int rp_fetch_start(struct rp_loop *loop, const struct rp_fetch_options *opt, rp_fetch_cb cb,
    void *ctx, struct rp_fetch **out, struct rp_err *err)
{
	struct rp_fetch *f = rp_calloc(1, sizeof(*f));
	if (f == NULL) {
		return rp_err_no_memory(err);
	}
	f->loop = loop;
	int code = prepare(f, opt, err);
	const struct rp_dial_options dial = {
	    .url = &f->plain, .family = opt->family, .timeout_ms = opt->timeout_ms};
	if (code == 0) {
		code = rp_dial_start(loop, &dial, on_dialled, f, &f->dial);
		if (code != 0) {
			(void)rp_err_set(err, code, "%s", rp_err_text(code));
		}
	}
	if (code != 0) {
		maybe_free(f);
		return code;
	}
	f->cb = cb;
	f->ctx = ctx;
	RP_VERIFY(uv_timer_init(rp_loop_uv(loop), &f->timer) == 0);
	f->timer.data = f;
	f->timer_open = true;
	RP_VERIFY(uv_timer_start(&f->timer, on_timeout, opt->timeout_ms, 0) == 0);
	*out = f;
	return 0;
}
