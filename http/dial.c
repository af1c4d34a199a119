/* SPDX-License-Identifier: MIT */
/*
 * Outgoing connection, step by step (http/dial.h): resolve -> connect -> [proxy] -> [TLS] ->
 * upgrade -> done.
 *
 * Every step ends in the next one or in rp_dial_fail; both, and cancelling, lead to finish(), which
 * stops whatever is under way. The memory goes when the last handle is closed and the name
 * resolution, which cannot always be stopped, has come back.
 */
#include "http/dial.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "http/dial_int.h"

#include "core/banned.h"

#define TIMEOUT_MS_DEFAULT 30000
#define ANSWER_MAX         ((size_t)64 * 1024)
/* SOCKS answers are short; behind the last one the target's first bytes may follow. */
#define IN_MAX ((size_t)512 * 1024)

static const struct rp_stream_ops no_ops = {0};

void rp_dial_maybe_free(struct rp_dial *d)
{
	if (d->phase != RP_DIAL_DONE || d->handles > 0 || d->resolving ||
	    !rp_list_empty(&d->attempts)) {
		return;
	}
	rp_http_parser_free(d->parser);
	rp_buf_fini(&d->in);
	rp_free(d->accept);
	rp_free(d->authority);
	rp_free(d->peer);
	rp_free(d);
}

static void on_timer_closed(uv_handle_t *h)
{
	struct rp_dial *d = h->data;
	d->handles--;
	rp_dial_maybe_free(d);
}

/* Stops all that is under way; the stream is closed unless it was taken out. */
static void finish(struct rp_dial *d)
{
	d->phase = RP_DIAL_DONE;
	rp_loop_defer_cancel(&d->begin);
	uv_close((uv_handle_t *)&d->deadline, on_timer_closed);
	uv_close((uv_handle_t *)&d->stagger, on_timer_closed);
	rp_dial_connect_cancel(d);
	if (d->stream != NULL) {
		rp_stream_set_ops(d->stream, &no_ops, NULL);
		rp_stream_close(d->stream);
		d->stream = NULL;
	}
}

void rp_dial_cancel(struct rp_dial *d)
{
	if (d != NULL && d->phase != RP_DIAL_DONE) {
		finish(d);
	}
}

bool rp_dial_is_resolving(const struct rp_dial *d)
{
	return d->phase == RP_DIAL_RESOLVE;
}

void rp_dial_fail(struct rp_dial *d, int code, const char *fmt, ...)
{
	if (d->phase == RP_DIAL_DONE) {
		return;
	}
	struct rp_err err;
	char text[sizeof(err.msg)];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)rp_err_set(&err, code, "%s", text);

	const struct rp_http_head *head = NULL;
	if (d->phase == RP_DIAL_PROXY_HTTP || d->phase == RP_DIAL_UPGRADE) {
		head = rp_http_parser_head_done(d->parser) ? rp_http_parser_head(d->parser) : NULL;
	}
	finish(d);
	/* The handles that finish() closes keep d, and with it the head, until the loop goes on. */
	d->on_done(d->ctx, code, NULL, NULL, 0, head, &err);
}

void rp_dial_succeed(struct rp_dial *d, const uint8_t *early, size_t early_n)
{
	uint8_t *copy = NULL;
	if (early_n > 0) {
		copy = rp_memdup(early, early_n);
		if (copy == NULL) {
			rp_dial_fail(d, RP_ENOMEM, "%s", rp_err_text(RP_ENOMEM));
			return;
		}
	}
	bool upgraded = d->phase == RP_DIAL_UPGRADE;
	struct rp_stream *s = d->stream;
	d->stream = NULL;
	rp_stream_read_stop(s);
	rp_stream_set_ops(s, &no_ops, NULL);
	finish(d);
	d->on_done(
	    d->ctx, 0, s, copy, early_n, upgraded ? rp_http_parser_head(d->parser) : NULL, NULL);
}

bool rp_dial_send(struct rp_dial *d, const void *p, size_t n)
{
	struct iovec iov = {.iov_base = (void *)(uintptr_t)p, .iov_len = n};
	int rc = rp_stream_write(d->stream, &iov, 1);
	if (rc < 0) {
		rp_dial_fail(d, rc, "%s: %s", d->peer, rp_err_text(rc));
		return false;
	}
	return true;
}

static const char *phase_text(const struct rp_dial *d)
{
	switch (d->phase) {
	case RP_DIAL_RESOLVE:
		return "while resolving the name";
	case RP_DIAL_CONNECT:
		return "while connecting";
	case RP_DIAL_PROXY_HTTP:
	case RP_DIAL_SOCKS_METHOD:
	case RP_DIAL_SOCKS_AUTH:
	case RP_DIAL_SOCKS_REQUEST:
		return "while waiting for the proxy";
	case RP_DIAL_TLS:
		return "during the TLS handshake";
	case RP_DIAL_UPGRADE:
	case RP_DIAL_DONE:
		break;
	}
	return "while waiting for the server's answer";
}

static void on_deadline(uv_timer_t *t)
{
	struct rp_dial *d = t->data;
	/* Nobody was there yet: that is how the kernel tells it too. */
	bool alone = d->phase == RP_DIAL_RESOLVE || d->phase == RP_DIAL_CONNECT;
	rp_dial_fail(
	    d, alone ? UV_ETIMEDOUT : RP_ETIMEOUT, "%s: timed out %s", d->peer, phase_text(d));
}

static void on_data(void *ctx, uint8_t *p, size_t n)
{
	struct rp_dial *d = ctx;
	if (d->phase == RP_DIAL_UPGRADE) {
		rp_dial_upgrade_data(d, p, n);
	} else {
		rp_dial_proxy_data(d, p, n);
	}
}

static void on_eof(void *ctx)
{
	struct rp_dial *d = ctx;
	rp_dial_fail(d, RP_ECLOSED, "%s: connection closed %s", d->peer, phase_text(d));
}

static void on_error(void *ctx, int code, const char *text)
{
	struct rp_dial *d = ctx;
	rp_dial_fail(d, code, "%s: %s", d->peer, text);
}

static const struct rp_stream_ops stream_ops = {
    .on_data = on_data,
    .on_eof = on_eof,
    .on_error = on_error,
};

static void on_tls(void *ctx)
{
	rp_dial_upgrade_start(ctx);
}

static bool has_scheme(const struct rp_dial *d, const char *scheme)
{
	return strcmp(d->opt.url->scheme, scheme) == 0;
}

void rp_dial_connected(struct rp_dial *d, int fd)
{
	int rc = rp_stream_from_fd(d->loop, fd, &d->opt.stream, &stream_ops, d, &d->stream);
	if (rc != 0) {
		rp_dial_fail(d, rc, "%s: %s", d->peer, rp_err_text(rc));
		return;
	}
	if (d->opt.proxy != NULL) {
		rp_dial_proxy_start(d);
	} else {
		rp_dial_reached(d, NULL, 0);
	}
}

void rp_dial_reached(struct rp_dial *d, const uint8_t *p, size_t n)
{
	if (has_scheme(d, "tcp")) {
		rp_dial_succeed(d, p, n);
		return;
	}
	if (n > 0) {
		rp_dial_fail(d, RP_EPROTO, "%s sent something before it was asked", d->peer);
		return;
	}
	if (!has_scheme(d, "wss")) {
		rp_dial_upgrade_start(d);
		return;
	}
	d->phase = RP_DIAL_TLS;
	int rc = rp_stream_start_tls(d->stream, d->opt.tls, d->opt.url->host, on_tls);
	if (rc != 0) {
		rp_dial_fail(d, rc, "%s: TLS: %s", d->peer, rp_err_text(rc));
		return;
	}
	rp_stream_read_start(d->stream);
}

/* Checks what the caller gave; errors come by on_done, where there is room for words. */
static void on_begin(struct rp_deferred *deferred)
{
	struct rp_dial *d = RP_CONTAINER_OF(deferred, struct rp_dial, begin);
	bool tls = has_scheme(d, "wss");
	if (!tls && !has_scheme(d, "ws") && !has_scheme(d, "tcp")) {
		rp_dial_fail(d, RP_EINVAL, "%s: scheme is not ws or wss", d->authority);
		return;
	}
	if (tls && d->opt.tls == NULL) {
		rp_dial_fail(d, RP_EINVAL, "%s: no trust store for TLS", d->authority);
		return;
	}
	const char *wrong = rp_dial_check_headers(d);
	if (wrong != NULL) {
		rp_dial_fail(d, RP_EINVAL, "connection.headers: %s", wrong);
		return;
	}
	rp_dial_connect_start(d);
}

static char *peer_text(const struct rp_dial_options *opt)
{
	char *authority = rp_url_authority(opt->proxy != NULL ? opt->proxy : opt->url);
	if (authority == NULL || opt->proxy == NULL) {
		return authority;
	}
	char *text = rp_asprintf("proxy %s", authority);
	rp_free(authority);
	return text;
}

/* What needs memory before anything runs. */
static int prepare(struct rp_dial *d)
{
	d->authority = rp_url_authority(d->opt.url);
	d->peer = peer_text(&d->opt);
	if (d->authority == NULL || d->peer == NULL) {
		return RP_ENOMEM;
	}
	int rc = rp_http_parser_new(&d->parser, true, ANSWER_MAX, 0);
	if (rc == 0) {
		rp_http_parser_head_only(d->parser);
	}
	return rc;
}

static void init_timer(struct rp_dial *d, uv_timer_t *t)
{
	(void)uv_timer_init(rp_loop_uv(d->loop), t);
	t->data = d;
	d->handles++;
}

int rp_dial_start(struct rp_loop *loop, const struct rp_dial_options *opt, rp_dial_cb on_done,
    void *ctx, struct rp_dial **out)
{
	*out = NULL;
	struct rp_dial *d = rp_calloc(1, sizeof(*d));
	if (d == NULL) {
		return RP_ENOMEM;
	}
	d->loop = loop;
	d->opt = *opt;
	d->on_done = on_done;
	d->ctx = ctx;
	rp_list_init(&d->attempts);
	rp_buf_init(&d->in, IN_MAX);
	int rc = prepare(d);
	if (rc != 0) {
		d->phase = RP_DIAL_DONE;
		rp_dial_maybe_free(d);
		return rc;
	}
	init_timer(d, &d->deadline);
	init_timer(d, &d->stagger);
	unsigned ms = opt->timeout_ms != 0 ? opt->timeout_ms : TIMEOUT_MS_DEFAULT;
	(void)uv_timer_start(&d->deadline, on_deadline, ms, 0);
	d->begin.run = on_begin;
	rp_list_init(&d->begin.node);
	rp_loop_defer(loop, &d->begin);
	*out = d;
	return 0;
}
