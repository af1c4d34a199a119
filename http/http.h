/* SPDX-License-Identifier: MIT */
/*
 * HTTP/1.1 messages: parsed heads, shared by the server and the outgoing connection. http-parser
 * stays in http/parser.c.
 */
#ifndef RP_HTTP_HTTP_H
#define RP_HTTP_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/defs.h"
#include "core/err.h"
#include "core/str.h"

#define RP_HTTP_HEADERS_MAX 128

struct rp_http_header {
	char *name;
	char *value;
};

/* One request or response head. All strings live in block and may be changed in place. */
struct rp_http_head {
	char *method;    /* requests */
	char *target;    /* as sent */
	char *path;      /* of the target: without scheme, authority and query */
	char *query;     /* what follows the '?', "" if none */
	unsigned status; /* responses */
	char *reason;
	unsigned short major, minor;
	bool keep_alive;
	bool upgrade;
	struct rp_http_header *headers;
	size_t n_headers;
	void *block; /* owned */
};

/* First header of that name (case-insensitive), or NULL. */
const char *rp_http_header(const struct rp_http_head *h, const char *name);
/* A comma list in any header of that name has the token (case-insensitive). */
bool rp_http_has_token(const struct rp_http_head *h, const char *name, const char *token);
void rp_http_head_fini(struct rp_http_head *h);
const char *rp_http_status_text(unsigned status);

struct rp_http_parser;
/*
 * Incremental parser. head_max bytes for the head, body_max for the body. Stricter than RFC 9112
 * where two readers could disagree: no folded lines, no bare LF and no control bytes in requests,
 * no blank before a colon, Transfer-Encoding only as "chunked" and never together with
 * Content-Length, exactly one Host in HTTP/1.1.
 */
RP_NODISCARD int rp_http_parser_new(
    struct rp_http_parser **out, bool response, size_t head_max, size_t body_max);
void rp_http_parser_free(struct rp_http_parser *p);
/* Messages end with their head, whatever it announces (answers to CONNECT and to an upgrade). */
void rp_http_parser_head_only(struct rp_http_parser *p);
/* cb is called inside feed when a head is complete, before anything of the body is looked at:
 * the place to change the body's limit. */
void rp_http_parser_on_head(struct rp_http_parser *p, void (*cb)(void *ctx), void *ctx);
void rp_http_parser_set_body_max(struct rp_http_parser *p, size_t body_max);
/* Bodies are not collected: cb gets their bytes, without any framing, inside feed as they arrive;
 * of any length, unless set_body_max says otherwise. */
void rp_http_parser_on_body(
    struct rp_http_parser *p, void (*cb)(void *ctx, const uint8_t *p, size_t n), void *ctx);
/* From inside on_head: feed stops behind the head of this message and takes nothing more until
 * rp_http_parser_stream_body, which hands out the body as above, but of this message only and up to
 * its limit. */
void rp_http_parser_hold_body(struct rp_http_parser *p);
void rp_http_parser_stream_body(
    struct rp_http_parser *p, void (*cb)(void *ctx, const uint8_t *p, size_t n), void *ctx);
/* The whole message was fed. */
bool rp_http_parser_complete(const struct rp_http_parser *p);
/* Feeds bytes; *used says how many belong to this message. 1 = message complete (head and body,
 * or head of an upgrade / CONNECT answer); 0 = more needed; RP_EPROTO, RP_ELIMIT
 * (rp_http_parser_body_too_large tells head and body apart), RP_ENOMEM: the parser stays in this
 * state until reset. */
RP_NODISCARD int rp_http_parser_feed(
    struct rp_http_parser *p, const void *data, size_t n, size_t *used);
/* No byte of a message has arrived since new or reset. */
bool rp_http_parser_idle(const struct rp_http_parser *p);
bool rp_http_parser_head_done(const struct rp_http_parser *p);
bool rp_http_parser_body_too_large(const struct rp_http_parser *p);
/* What a server answers after feed failed: 400, 413, 431, 501, 505 or 500. */
unsigned rp_http_parser_error_status(const struct rp_http_parser *p);
/* Borrowed until reset or free. */
struct rp_http_head *rp_http_parser_head(struct rp_http_parser *p);
struct rp_buf *rp_http_parser_body(struct rp_http_parser *p);
/* Ready for the next message of the connection; keeps only little memory. The body's limit is
 * that of _new. */
void rp_http_parser_reset(struct rp_http_parser *p);

#endif
