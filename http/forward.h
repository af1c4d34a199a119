/* SPDX-License-Identifier: MIT */
/*
 * Heads of HTTP messages as a reverse proxy passes them on: written anew from what the parser has
 * understood, so that the next reader cannot see another message in the same bytes. Headers of one
 * hop go (RFC 9110 7.6.1), the framing is our own, and what a visitor says about the way it came is
 * replaced by what we know. Pure: no I/O.
 */
#ifndef RP_HTTP_FORWARD_H
#define RP_HTTP_FORWARD_H

#include <stdbool.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/defs.h"
#include "http/http.h"

/* How the end of a body is told. */
enum rp_forward_body {
	RP_FORWARD_EMPTY,   /* there is none */
	RP_FORWARD_LENGTH,  /* Content-Length */
	RP_FORWARD_CHUNKED, /* in chunks */
	RP_FORWARD_EOF      /* by the end of the connection; answers only */
};

struct rp_forward_request {
	const char *peer; /* address of the visitor */
	const char *host; /* Host to send; NULL or "": the visitor's */
	/* Host for a visitor of HTTP/1.0 that sent none: host:port of the target */
	const char *authority;
	bool drop_authorization; /* it was for us */
};

/* 0, or the status to refuse a parsed request with: CONNECT, TRACE, targets that are no path,
 * a Content-Length that is no number. */
unsigned rp_forward_check(const struct rp_http_head *h);
/* Of a request that passed rp_forward_check. */
enum rp_forward_body rp_forward_request_body(const struct rp_http_head *h);
/* A request for a WebSocket: the connection becomes a byte pipe when the target agrees. Other
 * upgrades are left out. */
bool rp_forward_is_websocket(const struct rp_http_head *h);
/* RP_ENOMEM, RP_ELIMIT. */
RP_NODISCARD int rp_forward_request(
    const struct rp_http_head *h, const struct rp_forward_request *f, struct rp_buf *out);

struct rp_forward_answer {
	enum rp_forward_body body;
	bool minor0;  /* the visitor speaks HTTP/1.0 */
	bool close;   /* the connection ends after this answer */
	bool upgrade; /* 101 */
};

/* Of an answer. RP_EPROTO for a Content-Length that is no number. */
RP_NODISCARD int rp_forward_answer_body(
    const struct rp_http_head *h, bool to_head, enum rp_forward_body *body);
RP_NODISCARD int rp_forward_answer(
    const struct rp_http_head *h, const struct rp_forward_answer *f, struct rp_buf *out);

/* The Authorization header has this name and password by the Basic scheme; time depends on lengths
 * only. */
bool rp_forward_basic_ok(const struct rp_http_head *h, const char *user, const char *password);

#endif
