/* SPDX-License-Identifier: MIT */
/*
 * Life of a proxied connection (tunnel/web.h).
 *
 * HEAD -> EXCHANGE -> IDLE -> HEAD ..., or EXCHANGE -> PIPE after an upgrade; everything ends in
 * ENDING. One request at a time: what a visitor sends behind it waits, up to a limit, then the
 * visitor is not read. While a request is answered the visitor is still read, so that its leaving
 * ends the work at the target. Deadlines: header_ms for TLS and head, keep_ms between requests,
 * idle_ms without a byte moving in the other phases.
 */
#include "tunnel/web.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/alloc.h"
#include "tunnel/web_int.h"

#include "core/banned.h"

#define HEADER_MS_DEFAULT 15000
#define KEEP_MS_DEFAULT   60000
/* A visitor that takes nothing of its last answer for so long is given up. */
#define LINGER_MS  10000
#define HEAD_MAX   ((size_t)64 * 1024)
#define WRITE_HIGH ((size_t)64 * 1024)
/* Bytes behind a request from which on the visitor is not read, and what one read may add. */
#define PENDING_HIGH ((size_t)16 * 1024)
#define PENDING_MAX  ((size_t)1024 * 1024)

static void maybe_done(struct rp_web *w)
{
	if (w->visitor != NULL || w->timer_open || !rp_list_empty(&w->targets)) {
		return;
	}
	rp_http_parser_free(w->request);
	rp_http_parser_free(w->answer);
	rp_buf_fini(&w->pending);
	rp_buf_fini(&w->head);
	if (w->ops != NULL) {
		w->ops->on_done(w->ctx);
	}
	rp_free(w);
}

void rp_web_target_gone(struct rp_web *w)
{
	maybe_done(w);
}

static void on_timer_closed(uv_handle_t *h)
{
	struct rp_web *w = h->data;
	w->timer_open = false;
	maybe_done(w);
}

static void on_visitor_closed(void *ctx)
{
	struct rp_web *w = ctx;
	w->visitor = NULL;
	maybe_done(w);
}

/* Nothing is parsed or waited for from here on; true the first time. */
static bool enter_ending(struct rp_web *w)
{
	if (w->phase == RP_WEB_ENDING) {
		return false;
	}
	w->phase = RP_WEB_ENDING;
	rp_loop_defer_cancel(&w->more);
	uv_close((uv_handle_t *)&w->timer, on_timer_closed);
	return true;
}

void rp_web_finish(struct rp_web *w)
{
	if (!enter_ending(w)) {
		return;
	}
	if (w->target != NULL) {
		struct rp_web_target *t = w->target;
		w->target = NULL;
		rp_web_target_close(t, false);
	}
	rp_stream_close_flush(w->visitor, LINGER_MS);
}

void rp_web_abort(struct rp_web *w)
{
	if (!enter_ending(w)) {
		return;
	}
	w->target = NULL;
	rp_web_targets_close(w);
	rp_stream_reset(w->visitor);
}

void rp_web_close(struct rp_web *w)
{
	(void)enter_ending(w);
	w->target = NULL;
	rp_web_targets_close(w);
	if (w->visitor != NULL) {
		rp_stream_close(w->visitor);
	}
}

bool rp_web_is_idle(const struct rp_web *w)
{
	return w->phase == RP_WEB_IDLE && w->pending.len == 0;
}

/* --- deadlines --- */

static void on_timer(uv_timer_t *h);

/* The timer is started again only if it would fire too late, so a busy connection does not touch
 * it. */
static void set_deadline(struct rp_web *w, uint64_t ms)
{
	w->deadline = ms == 0 ? 0 : uv_now(rp_loop_uv(w->loop)) + ms;
	if (ms != 0 && (w->armed == 0 || w->armed > w->deadline)) {
		w->armed = w->deadline;
		(void)uv_timer_start(&w->timer, on_timer, ms, 0);
	}
}

static void on_deadline(struct rp_web *w)
{
	switch (w->phase) {
	case RP_WEB_HEAD:
	case RP_WEB_IDLE:
		rp_web_finish(w);
		break;
	case RP_WEB_EXCHANGE:
	case RP_WEB_PIPE:
		rp_web_stalled(w);
		break;
	case RP_WEB_ENDING:
		break;
	}
}

static void on_timer(uv_timer_t *h)
{
	struct rp_web *w = h->data;
	uint64_t now = uv_now(h->loop);
	w->armed = 0;
	if (w->deadline == 0 || w->phase == RP_WEB_ENDING) {
		return;
	}
	if (now < w->deadline) {
		set_deadline(w, w->deadline - now);
	} else {
		on_deadline(w);
	}
}

void rp_web_enter(struct rp_web *w, enum rp_web_phase phase)
{
	w->phase = phase;
	if (phase == RP_WEB_HEAD) {
		set_deadline(w, w->opt->header_ms != 0 ? w->opt->header_ms : HEADER_MS_DEFAULT);
	} else if (phase == RP_WEB_IDLE) {
		set_deadline(w, w->opt->keep_ms != 0 ? w->opt->keep_ms : KEEP_MS_DEFAULT);
	} else {
		set_deadline(w, w->opt->idle_ms);
	}
}

void rp_web_progress(struct rp_web *w)
{
	if (w->phase == RP_WEB_EXCHANGE || w->phase == RP_WEB_PIPE) {
		set_deadline(w, w->opt->idle_ms);
	}
}

/* --- reading --- */

static bool may_read_visitor(const struct rp_web *w, bool target_full)
{
	switch (w->phase) {
	case RP_WEB_HEAD:
	case RP_WEB_IDLE:
		return w->pending.len == 0 && !rp_stream_is_full(w->visitor);
	case RP_WEB_EXCHANGE:
		return w->request_done ? w->pending.len < PENDING_HIGH : !target_full;
	case RP_WEB_PIPE:
		return !target_full;
	case RP_WEB_ENDING:
		break;
	}
	return false;
}

static void set_reading(struct rp_stream *s, bool on)
{
	if (on) {
		rp_stream_read_start(s);
	} else {
		rp_stream_read_stop(s);
	}
}

void rp_web_update(struct rp_web *w)
{
	struct rp_stream *target = w->target != NULL ? rp_web_target_stream(w->target) : NULL;
	if (w->phase == RP_WEB_ENDING) {
		return;
	}
	bool target_full = target != NULL && rp_stream_is_full(target);
	set_reading(w->visitor, may_read_visitor(w, target_full));
	if (target != NULL) {
		set_reading(target, !rp_stream_is_full(w->visitor));
	}
}

static bool may_parse(const struct rp_web *w)
{
	return w->phase == RP_WEB_HEAD || w->phase == RP_WEB_IDLE ||
	    (w->phase == RP_WEB_EXCHANGE && !w->request_done);
}

static void keep(struct rp_web *w, const uint8_t *p, size_t n)
{
	if (rp_buf_add(&w->pending, p, n) != 0) {
		rp_web_abort(w);
	}
}

static void parse(struct rp_web *w, const uint8_t *p, size_t n)
{
	while (n > 0 && may_parse(w)) {
		size_t used;
		int rc = rp_http_parser_feed(w->request, p, n, &used);
		p += used;
		n -= used;
		if (rc < 0) {
			rp_web_bad_request(w, rp_http_parser_error_status(w->request));
		} else if (rc == 1) {
			rp_web_request_complete(w);
		} else if (w->phase == RP_WEB_IDLE && !rp_http_parser_idle(w->request)) {
			rp_web_enter(w, RP_WEB_HEAD);
		}
	}
	if (n > 0 && w->phase != RP_WEB_ENDING) {
		keep(w, p, n);
	}
}

static void on_more(struct rp_deferred *d)
{
	struct rp_web *w = RP_CONTAINER_OF(d, struct rp_web, more);
	struct rp_buf batch = w->pending;
	rp_buf_init(&w->pending, PENDING_MAX);
	parse(w, rp_buf_head(&batch), batch.len);
	rp_buf_fini(&batch);
	rp_web_update(w);
}

void rp_web_want_more(struct rp_web *w)
{
	if (w->pending.len > 0) {
		rp_loop_defer(w->loop, &w->more);
	}
}

static void on_data(void *ctx, uint8_t *p, size_t n)
{
	struct rp_web *w = ctx;
	rp_web_progress(w);
	if (w->phase == RP_WEB_PIPE) {
		struct iovec iov = {.iov_base = p, .iov_len = n};
		int rc = rp_stream_write(rp_web_target_stream(w->target), &iov, 1);
		if (rc < 0 && rc != RP_ECLOSED) {
			rp_web_abort(w);
		}
	} else if (w->pending.len > 0) {
		keep(w, p, n);
	} else {
		parse(w, p, n);
	}
	rp_web_update(w);
}

static void on_eof(void *ctx)
{
	struct rp_web *w = ctx;
	if (w->phase == RP_WEB_PIPE) {
		w->visitor_eof = true;
		rp_stream_shutdown(rp_web_target_stream(w->target));
		if (w->target_eof) {
			rp_web_finish(w);
		}
	} else if (w->phase == RP_WEB_EXCHANGE) {
		rp_web_abort(w); /* nobody waits for the answer any more */
	} else {
		rp_web_finish(w);
	}
}

static void on_error(void *ctx, int code, const char *text)
{
	(void)code;
	(void)text;
	rp_web_abort(ctx);
}

static void on_drain(void *ctx)
{
	struct rp_web *w = ctx;
	rp_web_progress(w);
	rp_web_update(w);
}

static const struct rp_stream_ops visitor_ops = {
    .on_data = on_data,
    .on_eof = on_eof,
    .on_error = on_error,
    .on_drain = on_drain,
    .on_closed = on_visitor_closed,
};

/* --- start --- */

int rp_web_check(const struct rp_remote *r, struct rp_err *err)
{
	const char *scheme = r->scheme != NULL ? r->scheme : "";
	bool user = r->auth_user != NULL && r->auth_user[0] != '\0';
	bool password = r->auth_password != NULL && r->auth_password[0] != '\0';
	if (r->protocol == NULL || strcmp(r->protocol, "tcp") != 0) {
		return rp_err_set(err, RP_EINVAL, "http_proxy requires the protocol tcp");
	}
	if (strcmp(scheme, "vnc") == 0 || strcmp(scheme, "rdp") == 0) {
		return rp_err_set(err, RP_EINVAL,
		    "http_proxy with the scheme %s is not supported by this server", scheme);
	}
	if (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0) {
		return rp_err_set(err, RP_EINVAL, "http_proxy requires the scheme http or https");
	}
	if (user != password) {
		return rp_err_set(
		    err, RP_EINVAL, "auth_user and auth_password are needed together");
	}
	return 0;
}

/* The stream takes fd in any case. */
static int open_visitor(struct rp_web *w, int fd)
{
	const struct rp_stream_options opt = {.write_high = WRITE_HIGH, .keepalive = true};
	int rc = rp_stream_from_fd(w->loop, fd, &opt, &visitor_ops, w, &w->visitor);
	if (rc != 0) {
		return rc;
	}
	(void)snprintf(w->peer, sizeof(w->peer), "%s", rp_stream_peer(w->visitor));
	struct rp_tls *tls = w->opt->visitor_tls;
	return tls == NULL ? 0 : rp_stream_start_tls(w->visitor, tls, NULL, NULL);
}

int rp_web_new(struct rp_loop *loop, int fd, struct rp_mux *mux, const struct rp_web_options *opt,
    const struct rp_web_ops *ops, void *ctx, struct rp_web **out)
{
	*out = NULL;
	struct rp_web *w = rp_calloc(1, sizeof(*w));
	int rc = w == NULL ? RP_ENOMEM : rp_http_parser_new(&w->request, false, HEAD_MAX, 0);
	if (rc != 0) {
		rp_free(w);
		(void)close(fd);
		return rc;
	}
	w->loop = loop;
	w->mux = mux;
	w->opt = opt;
	w->more.run = on_more;
	rp_list_init(&w->targets);
	rp_buf_init(&w->pending, PENDING_MAX);
	rp_http_parser_on_head(w->request, rp_web_on_request_head, w);
	rp_http_parser_on_body(w->request, rp_web_on_request_body, w);
	(void)uv_timer_init(rp_loop_uv(loop), &w->timer);
	w->timer.data = w;
	w->timer_open = true;
	rc = open_visitor(w, fd);
	if (rc != 0) {
		rp_web_close(w); /* without ops: quietly */
		return rc;
	}
	w->ops = ops;
	w->ctx = ctx;
	rp_web_enter(w, RP_WEB_HEAD);
	rp_web_update(w);
	*out = w;
	return 0;
}
