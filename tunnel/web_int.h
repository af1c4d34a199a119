/* SPDX-License-Identifier: MIT */
/*
 * Inside of a proxied connection: tunnel/web.c (life, phases, deadlines), tunnel/web_exchange.c
 * (requests and answers), tunnel/web_target.c (the way to the target), tunnel/web_page.c (our own
 * answers). Private to these.
 */
#ifndef RP_TUNNEL_WEB_INT_H
#define RP_TUNNEL_WEB_INT_H

#include <netinet/in.h>
#include <uv.h>

#include "core/buf.h"
#include "core/list.h"
#include "http/forward.h"
#include "http/http.h"
#include "http/stream.h"
#include "tunnel/web.h"

struct rp_web_target;

enum rp_web_phase {
	RP_WEB_HEAD,     /* TLS handshake, or within a head */
	RP_WEB_IDLE,     /* between two requests */
	RP_WEB_EXCHANGE, /* from a whole head to the end of request and answer */
	RP_WEB_PIPE,     /* after an upgrade */
	RP_WEB_ENDING
};

/* Freed when visitor, timer and targets are gone. */
struct rp_web {
	struct rp_loop *loop;
	struct rp_mux *mux;
	const struct rp_web_options *opt;
	const struct rp_web_ops *ops;
	void *ctx;
	enum rp_web_phase phase;
	struct rp_stream *visitor;    /* NULL: closed */
	struct rp_web_target *target; /* NULL: none; it may serve several requests */
	struct rp_list targets;       /* with those that are ending */
	struct rp_http_parser *request;
	struct rp_http_parser *answer; /* of the exchange */
	struct rp_buf pending;         /* of the visitor, behind the request under way */
	struct rp_buf head;            /* the request's as sent, as long as it may be sent again */
	struct rp_deferred more;       /* goes on with pending */
	uv_timer_t timer;
	bool timer_open;
	uint64_t deadline; /* uv_now, 0 = none */
	uint64_t armed;    /* when the timer fires, 0 = not running */
	char peer[INET6_ADDRSTRLEN];
	bool visitor_eof;
	bool target_eof;
	/* The exchange under way. */
	enum rp_forward_body request_body;
	enum rp_forward_body answer_body;
	bool chunk_answer; /* towards the visitor */
	bool to_head;      /* HEAD */
	bool minor0;       /* HTTP/1.0 */
	bool websocket;    /* asked for */
	bool request_done; /* all of it has come */
	bool answer_bad;   /* its head is not to be passed on */
	bool answer_begun; /* the head of the final answer was sent */
	bool answer_done;
	bool close_after;
	bool drop_target; /* not fit for another request */
};

/* web.c */
void rp_web_enter(struct rp_web *w, enum rp_web_phase phase);
/* Something has moved. */
void rp_web_progress(struct rp_web *w);
/* Reads from each side what the other one can take. After everything that may change that. */
void rp_web_update(struct rp_web *w);
/* Ends the connection after what is queued. */
void rp_web_finish(struct rp_web *w);
/* Ends it at once, so that the visitor sees that something is missing. */
void rp_web_abort(struct rp_web *w);
/* Goes on with what the visitor has sent already. */
void rp_web_want_more(struct rp_web *w);
/* A target has gone from the list. */
void rp_web_target_gone(struct rp_web *w);

/* web_exchange.c */
/* Called by the parser of requests. */
void rp_web_on_request_head(void *ctx);
void rp_web_on_request_body(void *ctx, const uint8_t *p, size_t n);
/* The parser of requests has seen the end of one. */
void rp_web_request_complete(struct rp_web *w);
/* The request cannot be read. */
void rp_web_bad_request(struct rp_web *w, unsigned status);
/* Nothing has moved for too long. */
void rp_web_stalled(struct rp_web *w);
extern const struct rp_stream_ops rp_web_target_ops;

/* web_target.c */
/* NULL: cannot be made. */
RP_NODISCARD struct rp_web_target *rp_web_target_new(struct rp_web *w);
struct rp_stream *rp_web_target_stream(const struct rp_web_target *t);
/* It has served a request before: then its end may have come just now, by chance. */
bool rp_web_target_used(const struct rp_web_target *t);
void rp_web_target_set_used(struct rp_web_target *t);
/* The owner forgets it. hard: at once; else what was sent still reaches the target. */
void rp_web_target_close(struct rp_web_target *t, bool hard);
/* All of them, hard. */
void rp_web_targets_close(struct rp_web *w);

/* web_page.c */
/* Queues a page of ours. close: it says so. */
RP_NODISCARD int rp_web_page(struct rp_web *w, unsigned status, bool close);

#endif
