/* SPDX-License-Identifier: MIT */
/*
 * The port that clients dial, before SSH (wire protocol 1.1): banned addresses get 423, a valid
 * rport-v1 upgrade becomes a
 * connection, everything else is proxied if so configured, or gets 404. A peer that sends no
 * complete head within 5 s is closed
 * without an answer (http/server.h).
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/log.h"
#include "server/crowd.h"
#include "server/peer.h"
#include "server/proxy.h"
#include "server/workers.h"

#include "core/banned.h"

#define COMPONENT  "client-listener"
#define TEXT_PLAIN "text/plain; charset=utf-8"
#define PROTOCOL   "rport-v1"
#define FRONTS_MAX 16384
/* What a client is told when too many handshakes are under way: our own spread their next
 * attempts over that time. */
#define RETRY_AFTER_S "10"

struct front {
	struct rp_list node;
	struct rp_worker *worker;
	struct rp_http_conn *http;
	char source[RP_CROWD_SOURCE_MAX];
};

static void front_free(struct front *f)
{
	rp_crowd_leave(f->worker->workers->opt.crowd, f->source);
	rp_list_remove(&f->node);
	f->worker->n_fronts--;
	rp_free(f);
}

static void reply_text(struct rp_http_req *req, unsigned status, const char *text)
{
	rp_http_reply(req, status, TEXT_PLAIN, text, strlen(text));
}

/* A header that is only a help: without memory the answer goes out without it. */
static void add_header(struct rp_http_req *req, const char *name, const char *value)
{
	if (rp_http_req_add_header(req, name, value) != 0) {
		rp_log_debug(COMPONENT, "header %s left out", name);
	}
}

/* A stream that nobody wants any more. */
static void on_dropped_closed(void *ctx)
{
	(void)ctx;
}

static void on_dropped_error(void *ctx, int code, const char *text)
{
	(void)ctx;
	(void)code;
	(void)text;
}

static void drop_stream(struct rp_stream *stream)
{
	static const struct rp_stream_ops ops = {
	    .on_error = on_dropped_error,
	    .on_closed = on_dropped_closed,
	};
	rp_stream_set_ops(stream, &ops, NULL);
	rp_stream_close(stream);
}

static void upgrade(struct front *f, struct rp_http_req *req, const char *peer)
{
	struct rp_gate *gate = f->worker->workers->opt.gate;
	if (rp_gate_enter(gate, peer) != 0) {
		rp_refusals_add(&f->worker->workers->refusals, peer, rp_clock_ms());
		add_header(req, "Retry-After", RETRY_AFTER_S);
		rp_http_req_close_after(req);
		reply_text(req, 503, "Too many connections are being set up. Please try later.\n");
		return;
	}
	struct rp_stream *stream;
	uint8_t *early = NULL;
	size_t early_n = 0;
	int err = rp_http_upgrade(req, NULL, &stream, &early, &early_n);
	if (err != 0) {
		rp_gate_leave(gate, peer);
		return;
	}
	struct rp_worker *w = f->worker;
	front_free(f);
	if (early_n > 0) {
		/* The original drops such a peer too: bytes before the 101 belong to no protocol
		 * of ours. */
		rp_log_debug(COMPONENT, "%s: data before the upgrade was answered", peer);
		err = RP_EPROTO;
	} else {
		err = rp_conn_start(w, stream, peer);
	}
	if (err != 0) {
		rp_gate_leave(gate, peer);
		drop_stream(stream);
	}
	rp_free(early);
}

static void bad_upgrade(struct rp_http_req *req, unsigned status)
{
	add_header(req, "Sec-Websocket-Version", "13");
	reply_text(req, status, status == 405 ? "Method Not Allowed\n" : "Bad Request\n");
}

static bool asks_for_rport(const struct rp_http_head *head, const char *peer)
{
	const char *up = rp_http_header(head, "Upgrade");
	const char *protocol = rp_http_header(head, "Sec-WebSocket-Protocol");
	if (up == NULL || protocol == NULL || !rp_ascii_ieq(up, "websocket") ||
	    !rp_str_starts(rp_str_c(protocol), "rport-")) {
		return false;
	}
	if (strcmp(protocol, PROTOCOL) != 0) {
		rp_log_info(COMPONENT,
		    "%s: ignored client connection using protocol '%s', expected '%s'", peer,
		    protocol, PROTOCOL);
		return false;
	}
	return true;
}

static void on_request(void *ctx, struct rp_http_req *req)
{
	struct front *f = ctx;
	const struct rp_workers_options *opt = &f->worker->workers->opt;
	char peer[RP_ADDR_TEXT_MAX];
	rp_peer_of(opt->trusted, req, peer);
	if (rp_gate_banned(opt->gate, peer, rp_clock_ms())) {
		reply_text(req, 423, "Too many bad attempts. Please try later.\n");
		return;
	}
	if (asks_for_rport(rp_http_req_head(req), peer)) {
		unsigned status = rp_http_ws_check(req);
		if (status != 0) {
			bad_upgrade(req, status);
		} else {
			upgrade(f, req, peer);
		}
		return;
	}
	if (opt->proxy != NULL) {
		rp_proxy_request(f->worker->loop, opt->proxy, &f->worker->proxied, req);
		return;
	}
	rp_http_reply(req, 404, NULL, NULL, 0);
}

static bool on_bad_request(void *ctx, struct rp_http_req *req, unsigned status, const char *text)
{
	struct front *f = ctx;
	(void)text;
	if (status != 413) {
		return false;
	}
	char body[96];
	(void)snprintf(body, sizeof(body), "Request data exceeds the limit of %zu bytes\n",
	    f->worker->workers->http.body_max);
	reply_text(req, 400, body);
	return true;
}

static void on_conn_closed(void *ctx, struct rp_http_conn *conn)
{
	(void)conn;
	front_free(ctx);
}

static const struct rp_http_server_ops http_ops = {
    .on_request = on_request,
    .on_bad_request = on_bad_request,
    .on_conn_closed = on_conn_closed,
};

void rp_front_take(struct rp_worker *w, int fd, const char *source)
{
	struct front *f = NULL;
	if (w->stopping || w->n_fronts >= FRONTS_MAX || (f = rp_calloc(1, sizeof(*f))) == NULL) {
		rp_crowd_leave(w->workers->opt.crowd, source);
		(void)close(fd);
		return;
	}
	f->worker = w;
	(void)snprintf(f->source, sizeof(f->source), "%s", source);
	rp_list_append(&w->fronts, &f->node);
	w->n_fronts++;
	int err = rp_http_conn_new(w->loop, fd, &w->workers->http, &http_ops, f, &f->http);
	if (err != 0) {
		rp_log_debug(COMPONENT, "connection dropped: %s", rp_err_text(err));
		front_free(f);
	}
}

void rp_front_close_all(struct rp_worker *w)
{
	struct rp_list *it;
	struct rp_list *tmp;
	RP_LIST_FOREACH(it, tmp, &w->fronts) {
		rp_http_conn_close(RP_LIST_ENTRY(it, struct front, node)->http);
	}
}
