/* SPDX-License-Identifier: MIT */
/*
 * HTTP/1.1 server side of one connection: head and body with limits and deadlines, keep-alive,
 * answers that come later, upgrade to WebSocket. Used for the port that clients dial (on the worker
 * loops) and for the API (control loop).
 *
 * Phases and deadlines: TLS handshake and head (header_ms from accept or from the first byte of the
 * next request), body (body_ms), idle keep-alive (idle_ms). A head that is late is closed without
 * an answer, as the original does. Requests of one connection are handled one after another; while
 * one waits for its answer, the next ones are not even parsed.
 */
#ifndef RP_HTTP_SERVER_H
#define RP_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#include "core/buf.h"
#include "core/defs.h"
#include "core/loop.h"
#include "http/http.h"
#include "http/stream.h"

struct rp_http_conn;
struct rp_http_req;

/* 0 = default. */
struct rp_http_server_options {
	size_t head_max;    /* bytes of request head, default 64 KiB; more: 431 and close */
	size_t body_max;    /* default 0; on_head may change it per request; more: 413 and close */
	unsigned header_ms; /* default 5000 */
	unsigned body_ms;   /* default 60000; later: 408 and close */
	unsigned idle_ms;   /* default 120000 */
	struct rp_tls *tls; /* NULL = plain; borrowed */
	struct rp_stream_options stream; /* write_max limits the size of an answer */
};

struct rp_http_server_ops {
	/* A complete request. The handler answers now or later, exactly once, by rp_http_reply or
	 * rp_http_upgrade. */
	void (*on_request)(void *ctx, struct rp_http_req *req);
	/* Too large body, bad syntax …: lets the owner write its own error body; NULL or return
	 * false: a plain text answer is sent. Returning true means that the owner answers, as
	 * for on_request. The head may be empty (method "", path "/"). The connection ends with
	 * the answer in any case. */
	bool (*on_bad_request)(
	    void *ctx, struct rp_http_req *req, unsigned status, const char *text);
	/* The connection is gone and freed (for the owner's count). Not after an upgrade took
	 * the stream. A request under way still waits for its answer. May be NULL. */
	void (*on_conn_closed)(void *ctx, struct rp_http_conn *conn);
	/* A head is complete, its body not looked at: the place for rp_http_req_set_body_max and
	 * rp_http_req_hold_body. No answer yet. May be NULL. */
	void (*on_head)(void *ctx, struct rp_http_req *req);
};

/* Serves the connected socket (takes fd, also when this fails). All borrowed pointers outlive
 * the connection; opt is copied. */
RP_NODISCARD int rp_http_conn_new(struct rp_loop *loop, int fd,
    const struct rp_http_server_options *opt, const struct rp_http_server_ops *ops, void *ctx,
    struct rp_http_conn **out);
/* Bytes of answers that the kernel has not taken yet. */
size_t rp_http_conn_queued(const struct rp_http_conn *c);
/* Ends it now; requests under way become answerless. */
void rp_http_conn_close(struct rp_http_conn *c);

/* The request lives until it is answered, also when the peer has gone (then the answer goes
 * nowhere). */
struct rp_http_head *rp_http_req_head(struct rp_http_req *r);
struct rp_http_conn *rp_http_req_conn(struct rp_http_req *r); /* may be closed already */
const char *rp_http_req_path(const struct rp_http_req *r);    /* raw path without query */
const char *rp_http_req_query(const struct rp_http_req *r);   /* raw query, "" if none */
struct rp_str rp_http_req_body(const struct rp_http_req *r);
const char *rp_http_req_peer(const struct rp_http_req *r); /* TCP peer, "" if gone */
bool rp_http_req_is_tls(const struct rp_http_req *r);
/* Only from on_head. */
void rp_http_req_set_body_max(struct rp_http_req *r, size_t body_max);
/* Bodies that are too large for memory. Only from on_head: on_request comes with the head, and the
 * body stays unread (the client is not told to go on, RFC 9110 10.1.1) until
 * rp_http_req_read_body. An answer before the body's end also ends the connection. */
void rp_http_req_hold_body(struct rp_http_req *r);
struct rp_http_body_ops {
	/* Bytes of the body, without any framing; the last ones of a read also after a pause. The
	 * request may not be answered from here. */
	void (*on_data)(void *ctx, const uint8_t *p, size_t n);
	/* Once, and none of both after it: 0, the body was complete; RP_ELIMIT, longer than the
	 * limit; RP_EPROTO; RP_ETIMEOUT, nothing arrived for body_ms; RP_ECLOSED, the connection is
	 * gone; RP_ENOMEM. The answer is still due. Does not come when the request is answered
	 * before. */
	void (*on_end)(void *ctx, int code);
};
/* Once, for a request that was held. on_end may come from inside. ops borrowed. */
void rp_http_req_read_body(struct rp_http_req *r, const struct rp_http_body_ops *ops, void *ctx);
/* Back-pressure: the peer is not read until false; its time does not run. */
void rp_http_req_pause_body(struct rp_http_req *r, bool pause);
/* Extra response header, before the answer. Values with control bytes are refused (RP_EINVAL). */
RP_NODISCARD int rp_http_req_add_header(struct rp_http_req *r, const char *name, const char *value);
/* Sends the answer and frees the request. content_type NULL: none. HEAD gets no body.
 * Content-Length always (but for 204 and 304, which have no body). An answer that does not fit
 * into the write queue ends the connection. */
void rp_http_reply(
    struct rp_http_req *r, unsigned status, const char *content_type, const void *body, size_t n);
/* After this answer the connection is closed. */
void rp_http_req_close_after(struct rp_http_req *r);

/* Does the request ask for a valid WebSocket upgrade (RFC 6455 4.2.1)? 0; else 400 or 405 as the
 * status to answer (wire protocol 1.1). */
unsigned rp_http_ws_check(const struct rp_http_req *r);
/* For a request that passed rp_http_ws_check. Answers 101 exactly as wire protocol 1.1 shows
 * (protocol NULL: no Sec-WebSocket-Protocol), frees request and connection and gives the paused
 * stream to the caller, who must set its own ops at once. *early / *early_n (owned copy, may be
 * NULL): bytes that arrived behind the head. On failure (RP_ECLOSED: the peer has gone;
 * RP_ENOMEM) the request is freed and the connection closed (on_conn_closed). */
RP_NODISCARD int rp_http_upgrade(struct rp_http_req *r, const char *protocol,
    struct rp_stream **stream, uint8_t **early, size_t *early_n);

#endif
