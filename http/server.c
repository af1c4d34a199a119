/* SPDX-License-Identifier: MIT */
/*
 * Server connection: reading, phases and deadlines (http/server.h).
 *
 * head -> [body] -> handling -> idle -> head ...; any error answer, "close" or the peer's end leads
 * to ending. Bytes behind a request that waits for its answer are kept, up to a limit, then the
 * socket is not read; the same while the peer does not take its answers.
 */
#include "http/server.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/alloc.h"
#include "http/server_int.h"

#include "core/banned.h"

#define HEAD_MAX_DEFAULT  ((size_t)64 * 1024)
#define HEADER_MS_DEFAULT 5000
#define BODY_MS_DEFAULT   60000
#define IDLE_MS_DEFAULT   120000
/* For a last answer to reach a peer that is still sending. */
#define LINGER_MS 2000
/* Pipelined bytes from which on the socket is not read, and what one read may put on top. */
#define PIPELINE_HIGH ((size_t)16 * 1024)
#define PIPELINE_MAX  ((size_t)1024 * 1024)

static void maybe_free(struct rp_http_conn *c)
{
	if (c->stream != NULL || !c->timer_closed || c->req.open) {
		return;
	}
	rp_http_parser_free(c->parser);
	rp_buf_fini(&c->pending);
	rp_buf_fini(&c->req.extra);
	rp_free(c);
}

static void gone(struct rp_http_conn *c)
{
	if (c->stream == NULL && c->timer_closed) {
		if (!c->upgraded && c->ops != NULL && c->ops->on_conn_closed != NULL) {
			c->ops->on_conn_closed(c->ctx, c);
		}
		maybe_free(c);
	}
}

static void on_timer_closed(uv_handle_t *h)
{
	struct rp_http_conn *c = h->data;
	c->timer_closed = true;
	gone(c);
}

static void on_stream_closed(void *ctx)
{
	struct rp_http_conn *c = ctx;
	c->stream = NULL;
	gone(c);
}

/* The end of a body that was handed out as it came. */
static void end_body(struct rp_http_conn *c, int code)
{
	const struct rp_http_body_ops *ops = c->req.body;
	if (ops != NULL) {
		c->req.body = NULL;
		ops->on_end(c->req.body_ctx, code);
	}
}

/* No parsing and no deadline from here on. */
static void enter_ending(struct rp_http_conn *c)
{
	c->phase = RP_HTTP_ENDING;
	rp_loop_defer_cancel(&c->more);
	if (!uv_is_closing((uv_handle_t *)&c->timer)) {
		uv_close((uv_handle_t *)&c->timer, on_timer_closed);
	}
	end_body(c, RP_ECLOSED);
}

size_t rp_http_conn_queued(const struct rp_http_conn *c)
{
	return c->stream == NULL ? 0 : rp_stream_queued(c->stream);
}

void rp_http_conn_close(struct rp_http_conn *c)
{
	enter_ending(c);
	if (c->stream != NULL) {
		rp_stream_close(c->stream);
	}
}

void rp_http_conn_detach(struct rp_http_conn *c)
{
	c->stream = NULL;
	c->upgraded = true;
	enter_ending(c);
}

static void close_flush(struct rp_http_conn *c)
{
	enter_ending(c);
	if (c->stream != NULL) {
		rp_stream_close_flush(c->stream, LINGER_MS);
	}
}

static void on_timer(uv_timer_t *t);

/* The timer is started again only if it would fire too late, so a busy connection does not touch
 * it. */
static void set_deadline(struct rp_http_conn *c, unsigned ms)
{
	c->deadline = uv_now(rp_loop_uv(c->loop)) + ms;
	if (c->armed == 0 || c->armed > c->deadline) {
		c->armed = c->deadline;
		(void)uv_timer_start(&c->timer, on_timer, ms, 0);
	}
}

static void enter(struct rp_http_conn *c, enum rp_http_phase phase)
{
	c->phase = phase;
	switch (phase) {
	case RP_HTTP_HEAD:
		set_deadline(c, c->opt.header_ms);
		break;
	case RP_HTTP_IDLE:
		set_deadline(c, c->opt.idle_ms);
		break;
	case RP_HTTP_BODY:
		set_deadline(c, c->opt.body_ms);
		break;
	case RP_HTTP_HANDLING:
	case RP_HTTP_ENDING:
		c->deadline = 0;
		break;
	}
}

/* Hands an error to the owner, or answers it. The connection ends with the answer. */
static void bad_request(struct rp_http_conn *c, unsigned status)
{
	struct rp_http_req *r = &c->req;
	enter(c, RP_HTTP_HANDLING);
	r->open = true;
	r->close_after = true;
	const char *text = rp_http_status_text(status);
	if (c->ops->on_bad_request != NULL && c->ops->on_bad_request(c->ctx, r, status, text)) {
		return;
	}
	char body[64];
	int n = snprintf(body, sizeof(body), "%s\n", text);
	rp_http_reply(r, status, "text/plain; charset=utf-8", body, (size_t)n);
}

/* A body that was handed out as it came cannot go on. The answer is the last one. */
static void fail_body(struct rp_http_conn *c, int code)
{
	enter(c, RP_HTTP_HANDLING);
	c->req.close_after = true;
	end_body(c, code);
}

/* Not idle: since the last deadline the peer has taken some of its answer, and some is left. */
static bool takes_answer(struct rp_http_conn *c)
{
	size_t before = c->unacked;
	c->unacked = rp_stream_unacked(c->stream);
	return c->unacked > 0 && c->unacked != before;
}

static void on_timer(uv_timer_t *t)
{
	struct rp_http_conn *c = t->data;
	uint64_t now = uv_now(t->loop);
	c->armed = 0;
	if (c->deadline == 0 || c->phase == RP_HTTP_ENDING) {
		return;
	}
	if (now < c->deadline) {
		set_deadline(c, (unsigned)(c->deadline - now));
	} else if (c->phase == RP_HTTP_IDLE && takes_answer(c)) {
		set_deadline(c, c->opt.idle_ms);
	} else if (c->req.body != NULL) {
		fail_body(c, RP_ETIMEOUT);
	} else if (c->phase == RP_HTTP_BODY) {
		bad_request(c, 408);
	} else {
		rp_http_conn_close(c);
	}
}

static void on_head(void *ctx)
{
	struct rp_http_conn *c = ctx;
	if (c->ops->on_head != NULL) {
		c->ops->on_head(c->ctx, &c->req);
	}
}

/* The head is there, the body is not: lets a careful client go on (RFC 9110 10.1.1). */
static void start_body(struct rp_http_conn *c)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	const struct rp_http_head *h = rp_http_parser_head(c->parser);
	enter(c, RP_HTTP_BODY);
	bool empty = rp_http_parser_body(c->parser)->len == 0 && c->pending.len == 0 &&
	    c->in_n == 0;
	if (empty && h->minor > 0 && rp_http_has_token(h, "Expect", "100-continue")) {
		struct iovec iov = {
		    .iov_base = (void *)(uintptr_t)go_on, .iov_len = sizeof(go_on) - 1};
		if (rp_stream_write(c->stream, &iov, 1) < 0) {
			rp_http_conn_close(c);
		}
	}
}

static void dispatch(struct rp_http_conn *c)
{
	const struct rp_http_head *h = rp_http_parser_head(c->parser);
	enter(c, RP_HTTP_HANDLING);
	c->req.open = true;
	/* Behind CONNECT nobody knows what follows. */
	c->req.close_after = !h->keep_alive || strcmp(h->method, "CONNECT") == 0;
	c->ops->on_request(c->ctx, &c->req);
}

static bool may_parse(const struct rp_http_conn *c)
{
	return c->phase != RP_HTTP_ENDING && c->phase != RP_HTTP_HANDLING && !c->req.paused &&
	    !rp_stream_is_full(c->stream);
}

static void parse_some(struct rp_http_conn *c)
{
	size_t used;
	int rc = rp_http_parser_feed(c->parser, c->in, c->in_n, &used);
	c->in += used;
	c->in_n -= used;
	if (rc < 0 && c->req.body != NULL) {
		fail_body(c, rc);
	} else if (rc < 0) {
		bad_request(c, rp_http_parser_error_status(c->parser));
	} else if (rc == 1 && c->req.body != NULL) {
		enter(c, RP_HTTP_HANDLING);
		end_body(c, 0);
	} else if (rc == 1 || (c->req.held && rp_http_parser_head_done(c->parser))) {
		dispatch(c);
	} else if (rp_http_parser_head_done(c->parser)) {
		if (c->phase != RP_HTTP_BODY) {
			start_body(c);
		}
	} else if (c->phase == RP_HTTP_IDLE && !rp_http_parser_idle(c->parser)) {
		enter(c, RP_HTTP_HEAD);
	}
}

/* Keeps what cannot be parsed now. */
static void keep(struct rp_http_conn *c, const uint8_t *p, size_t n)
{
	if (rp_buf_add(&c->pending, p, n) != 0) {
		rp_http_conn_close(c);
		return;
	}
	if (c->pending.len > PIPELINE_HIGH) {
		rp_stream_read_stop(c->stream);
	}
}

/* Parses and hands out requests as long as they are answered at once. */
static void parse(struct rp_http_conn *c, const uint8_t *p, size_t n)
{
	c->in = p;
	c->in_n = n;
	c->parsing = true;
	while (c->in_n > 0 && may_parse(c)) {
		parse_some(c);
	}
	c->parsing = false;
	if (c->in_n > 0 && c->phase != RP_HTTP_ENDING) {
		keep(c, c->in, c->in_n);
	}
	c->in = NULL;
	c->in_n = 0;
}

/* The peer has sent all, but that is not the whole body. */
static bool cut_off(const struct rp_http_conn *c)
{
	return c->eof && c->pending.len == 0 && c->in_n == 0 && c->req.body != NULL;
}

/* The peer has sent all and nothing of it waits. */
static bool exhausted(const struct rp_http_conn *c)
{
	return c->eof && c->pending.len == 0 && !c->req.open;
}

static void on_more(struct rp_deferred *d)
{
	struct rp_http_conn *c = RP_CONTAINER_OF(d, struct rp_http_conn, more);
	if (!may_parse(c)) {
		return;
	}
	struct rp_buf batch = c->pending;
	rp_buf_init(&c->pending, PIPELINE_MAX);
	parse(c, rp_buf_head(&batch), batch.len);
	rp_buf_fini(&batch);
	if (c->phase == RP_HTTP_ENDING) {
		return;
	}
	if (cut_off(c)) {
		fail_body(c, RP_ECLOSED);
	} else if (exhausted(c)) {
		close_flush(c);
	} else if (c->pending.len <= PIPELINE_HIGH) {
		rp_stream_read_start(c->stream);
	}
}

static void want_more(struct rp_http_conn *c)
{
	if (c->pending.len > 0 && !c->parsing && c->phase != RP_HTTP_ENDING) {
		rp_loop_defer(c->loop, &c->more);
	}
}

void rp_http_conn_answered(struct rp_http_conn *c)
{
	bool close_after = c->req.close_after;
	c->req.open = false;
	c->req.close_after = false;
	c->req.held = false;
	c->req.paused = false;
	c->req.body = NULL;
	rp_buf_fini(&c->req.extra);
	if (c->phase == RP_HTTP_ENDING) {
		maybe_free(c);
		return;
	}
	if (close_after) {
		close_flush(c);
		return;
	}
	rp_http_parser_reset(c->parser);
	if (exhausted(c) && c->in_n == 0) {
		close_flush(c);
		return;
	}
	enter(c, RP_HTTP_IDLE);
	want_more(c);
}

static void on_data(void *ctx, uint8_t *p, size_t n)
{
	struct rp_http_conn *c = ctx;
	if (c->pending.len > 0) {
		keep(c, p, n);
	} else {
		parse(c, p, n);
	}
}

static void on_eof(void *ctx)
{
	struct rp_http_conn *c = ctx;
	c->eof = true;
	if (cut_off(c)) {
		fail_body(c, RP_ECLOSED);
	} else if (exhausted(c)) {
		close_flush(c); /* answers may still be queued */
	}
}

static void on_body(void *ctx, const uint8_t *p, size_t n)
{
	struct rp_http_conn *c = ctx;
	if (c->req.body != NULL) {
		if (!c->req.paused) {
			set_deadline(c, c->opt.body_ms);
		}
		c->req.body->on_data(c->req.body_ctx, p, n);
	}
}

void rp_http_conn_read_body(struct rp_http_conn *c)
{
	c->req.held = false;
	if (c->phase == RP_HTTP_ENDING) {
		end_body(c, RP_ECLOSED);
	} else if (rp_http_parser_complete(c->parser)) {
		end_body(c, 0);
	} else {
		rp_http_parser_stream_body(c->parser, on_body, c);
		start_body(c);
		if (cut_off(c)) {
			fail_body(c, RP_ECLOSED);
		}
		want_more(c);
	}
}

void rp_http_conn_pause_body(struct rp_http_conn *c, bool pause)
{
	c->req.paused = pause;
	if (c->phase != RP_HTTP_BODY) {
		return;
	}
	if (pause) {
		c->deadline = 0;
	} else {
		set_deadline(c, c->opt.body_ms);
		want_more(c);
	}
}

static void on_error(void *ctx, int code, const char *text)
{
	(void)code;
	(void)text;
	rp_http_conn_close(ctx);
}

static void on_drain(void *ctx)
{
	struct rp_http_conn *c = ctx;
	want_more(c);
}

static const struct rp_stream_ops stream_ops = {
    .on_data = on_data,
    .on_eof = on_eof,
    .on_error = on_error,
    .on_drain = on_drain,
    .on_closed = on_stream_closed,
};

static void set_defaults(struct rp_http_server_options *o)
{
	o->head_max = o->head_max != 0 ? o->head_max : HEAD_MAX_DEFAULT;
	o->header_ms = o->header_ms != 0 ? o->header_ms : HEADER_MS_DEFAULT;
	o->body_ms = o->body_ms != 0 ? o->body_ms : BODY_MS_DEFAULT;
	o->idle_ms = o->idle_ms != 0 ? o->idle_ms : IDLE_MS_DEFAULT;
}

/* The stream takes fd in any case. */
static int open_stream(struct rp_http_conn *c, int fd)
{
	int rc = rp_stream_from_fd(c->loop, fd, &c->opt.stream, &stream_ops, c, &c->stream);
	if (rc != 0) {
		return rc;
	}
	(void)snprintf(c->peer, sizeof(c->peer), "%s", rp_stream_peer(c->stream));
	return c->opt.tls == NULL ? 0 : rp_stream_start_tls(c->stream, c->opt.tls, NULL, NULL);
}

int rp_http_conn_new(struct rp_loop *loop, int fd, const struct rp_http_server_options *opt,
    const struct rp_http_server_ops *ops, void *ctx, struct rp_http_conn **out)
{
	*out = NULL;
	struct rp_http_conn *c = rp_calloc(1, sizeof(*c));
	int rc = c == NULL ? RP_ENOMEM : 0;
	if (rc == 0) {
		c->loop = loop;
		c->opt = *opt;
		set_defaults(&c->opt);
		rp_buf_init(&c->pending, PIPELINE_MAX);
		rp_buf_init(&c->req.extra, SIZE_MAX);
		c->more.run = on_more;
		rp_list_init(&c->more.node);
		rc = rp_http_parser_new(&c->parser, false, c->opt.head_max, c->opt.body_max);
	}
	if (rc != 0) {
		rp_free(c);
		(void)close(fd);
		return rc;
	}
	(void)uv_timer_init(rp_loop_uv(loop), &c->timer);
	c->timer.data = c;
	rc = open_stream(c, fd);
	if (rc != 0) {
		rp_http_conn_close(c); /* without ops: nobody is told */
		return rc;
	}
	rp_http_parser_on_head(c->parser, on_head, c);
	c->ops = ops;
	c->ctx = ctx;
	enter(c, RP_HTTP_HEAD);
	rp_stream_read_start(c->stream);
	*out = c;
	return 0;
}
