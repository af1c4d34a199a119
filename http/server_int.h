/* SPDX-License-Identifier: MIT */
/*
 * Inside of a server connection, shared by http/server.c (reading, phases), http/reply.c (answers)
 * and http/upgrade.c.
 */
#ifndef RP_HTTP_SERVER_INT_H
#define RP_HTTP_SERVER_INT_H

#include <time.h>

#include <netinet/in.h>
#include <uv.h>

#include "http/server.h"

/* Room for "Sun, 06 Nov 1994 08:49:37 GMT". */
#define RP_HTTP_DATE_MAX 64

enum rp_http_phase {
	RP_HTTP_HEAD,     /* TLS handshake and head, from the first byte on */
	RP_HTTP_IDLE,     /* between two requests */
	RP_HTTP_BODY,     /* head complete */
	RP_HTTP_HANDLING, /* the owner has the request */
	RP_HTTP_ENDING    /* nothing is read any more: last answer under way, closed or upgraded */
};

struct rp_http_req {
	struct rp_buf extra; /* added headers, ready to be sent */
	bool open;           /* the owner has to answer */
	bool close_after;
	bool held;                           /* the body waits for rp_http_req_read_body … */
	bool paused;                         /* … or for the end of a pause */
	const struct rp_http_body_ops *body; /* the body is under way */
	void *body_ctx;
};

/* Freed when the stream and the timer are closed and no request is open. */
struct rp_http_conn {
	struct rp_loop *loop;
	struct rp_http_server_options opt;
	const struct rp_http_server_ops *ops;
	void *ctx;
	struct rp_stream *stream; /* NULL when closed or given away */
	struct rp_http_parser *parser;
	uv_timer_t timer;
	uint64_t deadline;       /* 0 = none; uv_now */
	uint64_t armed;          /* when the timer fires, 0 = not running */
	size_t unacked;          /* bytes of answers at the last deadline */
	struct rp_deferred more; /* goes on with pending */
	struct rp_buf pending;   /* bytes behind the request under way */
	const uint8_t *in;       /* bytes being looked at, behind what is parsed */
	size_t in_n;
	struct rp_http_req req; /* the one request of the time */
	enum rp_http_phase phase;
	bool parsing;  /* inside the loop that parses: no need to wake it */
	bool eof;      /* the peer has sent all */
	bool upgraded; /* stream given away: no on_conn_closed */
	bool timer_closed;
	time_t date_at; /* of date */
	char date[RP_HTTP_DATE_MAX];
	char peer[INET6_ADDRSTRLEN];
};

struct rp_http_conn *rp_http_conn_of(struct rp_http_req *r);
/* The request has got its answer; the next one may come. */
void rp_http_conn_answered(struct rp_http_conn *c);
/* req.body wants its bytes. */
void rp_http_conn_read_body(struct rp_http_conn *c);
void rp_http_conn_pause_body(struct rp_http_conn *c, bool pause);
/* The stream was given away: ends what is left. */
void rp_http_conn_detach(struct rp_http_conn *c);

#endif
