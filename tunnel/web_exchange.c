/* SPDX-License-Identifier: MIT */
/*
 * One request and its answer through the proxy (tunnel/web.h).
 *
 * The head of a request decides: refused with a page of ours, or written anew for the target. Its
 * body follows as it arrives. The answer goes the other way likewise; interim answers (100, 103)
 * are passed on. The target's connection serves the next request too. Such a used connection may
 * end by itself just when the next request is sent: then a request without body is sent once more.
 * When a target ends too early, the visitor gets the 502 page; when its answer has begun already,
 * the visitor's connection is reset, so that what is missing is seen.
 */
#include <stdio.h>
#include <string.h>

#include "tunnel/web_int.h"

#include "core/banned.h"

#define ANSWER_HEAD_MAX ((size_t)64 * 1024)
/* A head grows by what is added to it. */
#define SENT_HEAD_MAX ((size_t)80 * 1024)

/* Queues a piece of a body. False: the connection was given up. */
static bool send_piece(
    struct rp_web *w, struct rp_stream *to, bool chunked, const uint8_t *p, size_t n)
{
	char size[24];
	int size_n = snprintf(size, sizeof(size), "%zx\r\n", n);
	struct iovec iov[3] = {
	    {.iov_base = size, .iov_len = (size_t)size_n},
	    {.iov_base = (void *)(uintptr_t)p, .iov_len = n},
	    {.iov_base = (void *)(uintptr_t) "\r\n", .iov_len = 2},
	};
	int rc = chunked ? rp_stream_write(to, iov, 3) : rp_stream_write(to, &iov[1], 1);
	/* A stream that has ended says so by itself. */
	if (rc < 0 && rc != RP_ECLOSED) {
		rp_web_abort(w);
		return false;
	}
	return true;
}

static bool send_text(struct rp_web *w, struct rp_stream *to, const char *text)
{
	return send_piece(w, to, false, (const uint8_t *)text, strlen(text));
}

static bool send_buf(struct rp_web *w, struct rp_stream *to, const struct rp_buf *b)
{
	return send_piece(w, to, false, rp_buf_head(b), b->len);
}

static void drop_target(struct rp_web *w, bool hard)
{
	struct rp_web_target *t = w->target;
	w->target = NULL;
	if (t != NULL) {
		rp_web_target_close(t, hard);
	}
}

/* Request and answer are over. */
static void finish_exchange(struct rp_web *w)
{
	rp_http_parser_free(w->answer);
	w->answer = NULL;
	rp_buf_fini(&w->head);
	if (w->drop_target) {
		drop_target(w, false);
	} else if (w->target != NULL) {
		rp_web_target_set_used(w->target);
	}
	if (w->close_after) {
		rp_web_finish(w);
		return;
	}
	rp_http_parser_reset(w->request);
	w->to_head = false;
	w->minor0 = false;
	rp_web_enter(w, RP_WEB_IDLE);
	rp_web_want_more(w);
}

/* All of the answer is queued. A request that is still coming has nowhere to go. */
static void answered(struct rp_web *w)
{
	w->answer_begun = true;
	w->answer_done = true;
	if (w->request_done) {
		finish_exchange(w);
	} else {
		rp_web_finish(w);
	}
}

/* --- requests --- */

static bool has_body(const struct rp_web *w)
{
	return w->request_body != RP_FORWARD_EMPTY;
}

static bool is_set(const char *s)
{
	return s != NULL && s[0] != '\0';
}

/* 0, or the status to refuse the request with. */
static unsigned refusal(const struct rp_web *w, const struct rp_http_head *h)
{
	const struct rp_web_options *o = w->opt;
	if (!w->ops->admits(w->ctx, w->peer)) {
		return 403;
	}
	if (is_set(o->auth_user) && !rp_forward_basic_ok(h, o->auth_user, o->auth_password)) {
		return 401;
	}
	return rp_forward_check(h);
}

/* From inside the parser: the request ends later, unless there is a body that nobody wants. */
static void refuse(struct rp_web *w, const struct rp_http_head *h, unsigned status)
{
	/* Only a first question without credentials may be asked again on this connection. */
	bool guess = status != 401 || rp_http_header(h, "Authorization") != NULL;
	w->close_after = w->close_after || has_body(w) || guess;
	w->answer_begun = true;
	w->answer_done = true;
	if (rp_web_page(w, status, w->close_after) != 0) {
		rp_web_abort(w);
	} else if (has_body(w)) {
		rp_web_finish(w);
	}
}

static void begin(struct rp_web *w, const struct rp_http_head *h)
{
	w->request_body = rp_forward_request_body(h);
	w->to_head = strcmp(h->method, "HEAD") == 0;
	w->minor0 = h->minor == 0;
	w->websocket = rp_forward_is_websocket(h);
	w->close_after = !h->keep_alive;
	w->chunk_answer = false;
	w->request_done = false;
	w->answer_bad = false;
	w->answer_begun = false;
	w->answer_done = false;
	w->drop_target = false;
	rp_web_enter(w, RP_WEB_EXCHANGE);
}

static void on_answer_head(void *ctx);
static void on_answer_body(void *ctx, const uint8_t *p, size_t n);

static int prepare(struct rp_web *w, const struct rp_http_head *h)
{
	const struct rp_forward_request f = {
	    .peer = w->peer,
	    .host = w->opt->host_header,
	    .authority = w->opt->target,
	    .drop_authorization = is_set(w->opt->auth_user),
	};
	rp_buf_init(&w->head, SENT_HEAD_MAX);
	int rc = rp_forward_request(h, &f, &w->head);
	rc = rc != 0 ? rc : rp_http_parser_new(&w->answer, true, ANSWER_HEAD_MAX, 0);
	if (rc != 0) {
		return rc;
	}
	rp_http_parser_on_head(w->answer, on_answer_head, w);
	rp_http_parser_on_body(w->answer, on_answer_body, w);
	if (w->to_head) {
		rp_http_parser_head_only(w->answer);
	}
	if (w->target == NULL) {
		w->target = rp_web_target_new(w);
	}
	return w->target == NULL ? RP_ENOMEM : 0;
}

void rp_web_on_request_head(void *ctx)
{
	struct rp_web *w = ctx;
	const struct rp_http_head *h = rp_http_parser_head(w->request);
	begin(w, h);
	unsigned status = refusal(w, h);
	if (status != 0) {
		refuse(w, h, status);
	} else if (prepare(w, h) != 0) {
		refuse(w, h, 503);
	} else {
		(void)send_buf(w, rp_web_target_stream(w->target), &w->head);
	}
}

void rp_web_on_request_body(void *ctx, const uint8_t *p, size_t n)
{
	struct rp_web *w = ctx;
	if (w->phase == RP_WEB_EXCHANGE && w->target != NULL) {
		bool chunked = w->request_body == RP_FORWARD_CHUNKED;
		(void)send_piece(w, rp_web_target_stream(w->target), chunked, p, n);
	}
}

void rp_web_request_complete(struct rp_web *w)
{
	if (w->phase != RP_WEB_EXCHANGE) {
		return;
	}
	w->request_done = true;
	if (w->answer_done) {
		finish_exchange(w);
	} else if (w->request_body == RP_FORWARD_CHUNKED) {
		(void)send_text(w, rp_web_target_stream(w->target), "0\r\n\r\n");
	}
}

void rp_web_bad_request(struct rp_web *w, unsigned status)
{
	if (w->phase == RP_WEB_ENDING) {
		return;
	}
	bool too_late = w->phase == RP_WEB_EXCHANGE && w->answer_begun;
	if (too_late || rp_web_page(w, status, true) != 0) {
		rp_web_abort(w);
	} else {
		rp_web_finish(w);
	}
}

/* --- answers --- */

static void answer_with(struct rp_web *w, unsigned status)
{
	w->close_after = w->close_after || !w->request_done;
	if (rp_web_page(w, status, w->close_after) != 0) {
		rp_web_abort(w);
	} else {
		answered(w);
	}
}

/* A used connection has ended, it seems before it took notice of this request; one that may be
 * asked twice (RFC 9110 9.2.2). */
static bool may_retry(const struct rp_web *w)
{
	const char *method = rp_http_parser_head(w->request)->method;
	if (strcmp(method, "POST") == 0 || strcmp(method, "PATCH") == 0) {
		return false;
	}
	return rp_web_target_used(w->target) && w->request_done && !has_body(w) &&
	    w->head.len > 0 && rp_http_parser_idle(w->answer);
}

/* The target has gone, or what it says makes no sense. */
static void lose_target(struct rp_web *w)
{
	bool retry = may_retry(w);
	drop_target(w, true);
	if (w->answer_begun) {
		rp_web_abort(w);
		return;
	}
	w->target = retry ? rp_web_target_new(w) : NULL;
	if (w->target == NULL) {
		answer_with(w, 502);
	} else {
		(void)send_buf(w, rp_web_target_stream(w->target), &w->head);
	}
}

static int send_answer_head(
    struct rp_web *w, const struct rp_http_head *h, const struct rp_forward_answer *f)
{
	struct rp_buf out;
	rp_buf_init(&out, SENT_HEAD_MAX);
	int rc = rp_forward_answer(h, f, &out);
	if (rc == 0) {
		(void)send_buf(w, w->visitor, &out);
	}
	rp_buf_fini(&out);
	return rc;
}

/* How the end of the body is told to the visitor: in HTTP/1.1 without ending the connection. */
static void choose_framing(struct rp_web *w, struct rp_forward_answer *f)
{
	bool unknown = f->body == RP_FORWARD_EOF || f->body == RP_FORWARD_CHUNKED;
	if (unknown) {
		f->body = w->minor0 ? RP_FORWARD_EOF : RP_FORWARD_CHUNKED;
	}
	w->chunk_answer = f->body == RP_FORWARD_CHUNKED;
	w->close_after = w->close_after || f->body == RP_FORWARD_EOF || !w->request_done;
	f->close = w->close_after;
}

/* From inside the parser. */
static void on_answer_head(void *ctx)
{
	struct rp_web *w = ctx;
	const struct rp_http_head *h = rp_http_parser_head(w->answer);
	struct rp_forward_answer f = {.minor0 = w->minor0};
	int rc = rp_forward_answer_body(h, w->to_head, &w->answer_body);
	f.body = w->answer_body;
	if (h->status < 200) {
		bool interim = h->status != 101 && !w->minor0;
		w->answer_bad = rc != 0 || h->status < 100 ||
		    (interim && send_answer_head(w, h, &f) != 0);
		return;
	}
	w->drop_target = w->drop_target || !h->keep_alive || f.body == RP_FORWARD_EOF;
	choose_framing(w, &f);
	if (rc != 0 || send_answer_head(w, h, &f) != 0) {
		w->answer_bad = true;
		return;
	}
	w->answer_begun = true;
	rp_buf_fini(&w->head);
}

static void on_answer_body(void *ctx, const uint8_t *p, size_t n)
{
	struct rp_web *w = ctx;
	if (w->phase == RP_WEB_EXCHANGE && w->answer_begun) {
		(void)send_piece(w, w->visitor, w->chunk_answer, p, n);
	}
}

static void end_answer(struct rp_web *w)
{
	if (!w->chunk_answer || send_text(w, w->visitor, "0\r\n\r\n")) {
		answered(w);
	}
}

/* The visitor may have sent its first frames already. */
static void become_pipe(struct rp_web *w)
{
	const struct rp_forward_answer f = {.body = RP_FORWARD_EMPTY, .upgrade = true};
	if (send_answer_head(w, rp_http_parser_head(w->answer), &f) != 0) {
		rp_web_abort(w);
		return;
	}
	rp_http_parser_free(w->answer);
	w->answer = NULL;
	rp_http_parser_free(w->request);
	w->request = NULL;
	rp_buf_fini(&w->head);
	if (w->phase == RP_WEB_ENDING) {
		return;
	}
	rp_web_enter(w, RP_WEB_PIPE);
	if (w->pending.len > 0) {
		(void)send_buf(w, rp_web_target_stream(w->target), &w->pending);
		rp_buf_fini(&w->pending);
	}
}

/* The parser has seen the end of an answer; n bytes follow. */
static void answer_complete(struct rp_web *w, size_t n)
{
	const struct rp_http_head *h = rp_http_parser_head(w->answer);
	if (h->status == 101) {
		if (w->websocket && rp_http_has_token(h, "Upgrade", "websocket")) {
			become_pipe(w);
		} else {
			lose_target(w);
		}
	} else if (h->status < 200) {
		rp_http_parser_reset(w->answer);
	} else {
		w->drop_target = w->drop_target || n > 0; /* nobody asked for more */
		end_answer(w);
	}
}

static void parse_answer(struct rp_web *w, const uint8_t *p, size_t n)
{
	struct rp_web_target *t = w->target;
	while (n > 0 && w->phase == RP_WEB_EXCHANGE && !w->answer_done && w->target == t) {
		size_t used;
		int rc = rp_http_parser_feed(w->answer, p, n, &used);
		p += used;
		n -= used;
		if (w->phase != RP_WEB_EXCHANGE) {
			return;
		}
		if (rc < 0 || w->answer_bad) {
			lose_target(w);
			return;
		}
		if (rc == 1) {
			answer_complete(w, n);
		}
	}
	if (n > 0 && w->phase == RP_WEB_PIPE) {
		(void)send_piece(w, w->visitor, false, p, n);
	}
}

/* --- the target's stream --- */

static void on_target_data(void *ctx, uint8_t *p, size_t n)
{
	struct rp_web *w = ctx;
	rp_web_progress(w);
	if (w->phase == RP_WEB_PIPE) {
		(void)send_piece(w, w->visitor, false, p, n);
	} else if (w->phase == RP_WEB_EXCHANGE && !w->answer_done) {
		parse_answer(w, p, n);
	} else {
		drop_target(w, true); /* nobody asked */
	}
	rp_web_update(w);
}

static void on_target_eof(void *ctx)
{
	struct rp_web *w = ctx;
	if (w->phase == RP_WEB_PIPE) {
		w->target_eof = true;
		rp_stream_shutdown(w->visitor);
		if (w->visitor_eof) {
			rp_web_finish(w);
		}
	} else if (w->phase != RP_WEB_EXCHANGE || w->answer_done) {
		drop_target(w, false);
	} else if (w->answer_begun && w->answer_body == RP_FORWARD_EOF) {
		end_answer(w);
	} else {
		lose_target(w);
	}
	rp_web_update(w);
}

static void on_target_error(void *ctx, int code, const char *text)
{
	struct rp_web *w = ctx;
	(void)code;
	(void)text;
	if (w->phase == RP_WEB_PIPE) {
		rp_web_abort(w);
	} else if (w->phase != RP_WEB_EXCHANGE || w->answer_done) {
		drop_target(w, true);
	} else {
		lose_target(w);
	}
	rp_web_update(w);
}

static void on_target_drain(void *ctx)
{
	struct rp_web *w = ctx;
	rp_web_progress(w);
	rp_web_update(w);
}

const struct rp_stream_ops rp_web_target_ops = {
    .on_data = on_target_data,
    .on_eof = on_target_eof,
    .on_error = on_target_error,
    .on_drain = on_target_drain,
};

void rp_web_stalled(struct rp_web *w)
{
	if (w->phase == RP_WEB_PIPE) {
		rp_web_finish(w);
	} else if (w->answer_begun) {
		rp_web_abort(w);
	} else {
		w->close_after = true;
		w->drop_target = true;
		answer_with(w, 504);
	}
}
