/* SPDX-License-Identifier: MIT */
/*
 * Worker threads: one loop each, its connections, a tick for their deadlines, and the orders
 * that the control loop sends.
 *
 * An order finds its connection by number; the same message goes back with the answer. Stopping:
 * every loop closes its
 * connections and ends when the last handle is gone; the control loop waits for the threads.
 */
#include "server/worker.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/log.h"
#include "server/workers.h"

#include "core/banned.h"

#define TICK_MS       500
#define WORKERS_MAX   256
#define HEADER_MS     5000
#define FRONT_IDLE_MS 30000
/* One flush of the write queue goes to the kernel at a time; what lies behind it stays in
 * packets that the mux can still order. */
#define WRITE_HIGH    (256u * 1024)
#define NOTSENT_LOWAT (64u * 1024)

static void on_tick(uv_timer_t *timer)
{
	struct rp_worker *w = timer->data;
	uint64_t now = rp_clock_ms();
	if (w->index == 0) {
		rp_refusals_tick(&w->workers->refusals, now);
		rp_crowd_tick(w->workers->opt.crowd, now);
	}
	bool lost = atomic_exchange(&w->notified_lost, false);
	struct rp_list *it;
	struct rp_list *tmp;
	RP_LIST_FOREACH(it, tmp, &w->conns) {
		struct rp_conn *c = RP_LIST_ENTRY(it, struct rp_conn, node);
		if (lost) {
			rp_conn_notified_all(c);
		}
		rp_conn_tick(c, now);
	}
}

/* On the worker's own loop, from rp_loop_stop. */
static void on_stop(void *ctx)
{
	struct rp_worker *w = ctx;
	w->stopping = true;
	uv_close((uv_handle_t *)&w->tick, NULL);
	rp_proxy_close_all(&w->proxied);
	rp_front_close_all(w);
	struct rp_list *it;
	struct rp_list *tmp;
	RP_LIST_FOREACH(it, tmp, &w->conns) {
		rp_conn_fail(RP_LIST_ENTRY(it, struct rp_conn, node), "server stops");
	}
}

static int worker_init(struct rp_workers *ws, unsigned index)
{
	struct rp_worker *w = &ws->v[index];
	w->workers = ws;
	w->index = index;
	rp_list_init(&w->conns);
	rp_list_init(&w->fronts);
	rp_list_init(&w->proxied);
	int err = rp_loop_new(&w->loop, "worker");
	if (err != 0) {
		return err;
	}
	rp_loop_on_stop(w->loop, on_stop, w);
	RP_VERIFY(uv_timer_init(rp_loop_uv(w->loop), &w->tick) == 0);
	w->tick.data = w;
	RP_VERIFY(uv_timer_start(&w->tick, on_tick, TICK_MS, TICK_MS) == 0);
	return rp_loop_start(w->loop);
}

static void http_options(struct rp_workers *ws)
{
	const struct rp_server_config *cfg = ws->opt.cfg;
	ws->http = (struct rp_http_server_options){
	    .head_max = (size_t)cfg->server.max_request_bytes_client,
	    .body_max = (size_t)cfg->server.max_request_bytes_client,
	    .header_ms = HEADER_MS,
	    .idle_ms = FRONT_IDLE_MS,
	    .stream = {.write_high = WRITE_HIGH,
	        .user_timeout_ms = (unsigned)(cfg->server.check_clients_connection_timeout /
	            RP_NS_PER_MS),
	        .keepalive = true,
	        .notsent_lowat = NOTSENT_LOWAT},
	};
}

int rp_workers_start(
    const struct rp_workers_options *opt, struct rp_workers **out, struct rp_err *err)
{
	struct rp_workers *ws = rp_calloc(1, sizeof(*ws));
	if (ws == NULL) {
		return rp_err_no_memory(err);
	}
	ws->opt = *opt;
	rp_refusals_init(&ws->refusals, "client-listener", "too many handshakes under way");
	unsigned n = opt->n != 0 ? opt->n : uv_available_parallelism();
	n = RP_MIN(n, WORKERS_MAX);
	http_options(ws);
	ws->v = rp_calloc(n, sizeof(*ws->v));
	if (ws->v == NULL) {
		rp_refusals_fini(&ws->refusals);
		rp_free(ws);
		return rp_err_no_memory(err);
	}
	for (ws->n = 0; ws->n < n; ws->n++) {
		int code = worker_init(ws, ws->n);
		if (code != 0) {
			/* A loop that exists but did not start has no thread to end it: start-up
			 * fails as a whole. */
			(void)rp_err_set(err, code, "cannot start a worker: %s", rp_err_text(code));
			rp_workers_stop(ws);
			return code;
		}
	}
	*out = ws;
	return 0;
}

struct take {
	struct rp_msg msg;
	struct rp_worker *worker;
	int fd;
	char source[RP_CROWD_SOURCE_MAX];
};

static void on_take(struct rp_msg *m)
{
	struct take *t = RP_CONTAINER_OF(m, struct take, msg);
	rp_front_take(t->worker, t->fd, t->source);
	rp_free(t);
}

void rp_workers_take(struct rp_workers *ws, int fd, const char *source)
{
	struct take *t = rp_calloc(1, sizeof(*t));
	if (t == NULL) {
		rp_crowd_leave(ws->opt.crowd, source);
		(void)close(fd);
		return;
	}
	(void)snprintf(t->source, sizeof(t->source), "%s", source);
	t->worker = &ws->v[ws->next++ % ws->n];
	t->fd = fd;
	t->msg.run = on_take;
	if (rp_loop_post(t->worker->loop, &t->msg) != 0) {
		rp_log_error("client-listener", "worker is overloaded, connection refused");
		rp_crowd_leave(ws->opt.crowd, source);
		(void)close(fd);
		rp_free(t);
	}
}

void rp_workers_stop(struct rp_workers *ws)
{
	for (unsigned i = 0; i < ws->n; i++) {
		rp_loop_stop(ws->v[i].loop);
	}
	for (unsigned i = 0; i < ws->n; i++) {
		rp_loop_join(ws->v[i].loop);
	}
	rp_refusals_tick(&ws->refusals, UINT64_MAX);
	ws->stopped = true;
}

void rp_workers_free(struct rp_workers *ws)
{
	if (ws == NULL) {
		return;
	}
	for (unsigned i = 0; i < ws->n; i++) {
		rp_loop_free(ws->v[i].loop);
	}
	rp_refusals_fini(&ws->refusals);
	rp_free(ws->v);
	rp_free(ws);
}

/* Orders */

static struct rp_conn *find(struct rp_worker *w, uint64_t id)
{
	struct rp_list *it;
	struct rp_list *tmp;
	RP_LIST_FOREACH(it, tmp, &w->conns) {
		struct rp_conn *c = RP_LIST_ENTRY(it, struct rp_conn, node);
		if (c->id == id) {
			return c->state == RP_CONN_CLOSING ? NULL : c;
		}
	}
	return NULL;
}

static void on_order(struct rp_msg *m)
{
	struct rp_order *o = RP_CONTAINER_OF(m, struct rp_order, msg);
	struct rp_conn *c = find(&o->workers->v[o->ref.worker], o->ref.id);
	if (c == NULL) {
		rp_order_answer(o, RP_ECLOSED);
		return;
	}
	switch (o->kind) {
	case RP_ORDER_ACCEPT:
		rp_conn_accept(c, o);
		return;
	case RP_ORDER_REFUSE:
		rp_conn_refuse(c, o->text);
		rp_order_free(o);
		return;
	case RP_ORDER_CLOSE:
		rp_conn_fail(c, "%s", o->text);
		rp_order_free(o);
		return;
	case RP_ORDER_NOTIFIED:
		rp_conn_notified(c);
		rp_order_free(o);
		return;
	case RP_ORDER_CALL:
		rp_conn_call(c, o);
		return;
	case RP_ORDER_OUTPUT_TAKEN:
		rp_conn_output_taken(c, o);
		rp_order_free(o);
		return;
	case RP_ORDER_TUNNEL_START:
	case RP_ORDER_TUNNEL_STOP:
	case RP_ORDER_TUNNEL_ACL:
		rp_conn_tunnel_order(c, o);
		return;
	}
}

static struct rp_order *order_new(
    struct rp_workers *w, struct rp_conn_ref ref, enum rp_order_kind kind)
{
	struct rp_order *o = rp_calloc(1, sizeof(*o));
	if (o != NULL) {
		o->workers = w;
		o->ref = ref;
		o->kind = kind;
	}
	return o;
}

/* An order that could not be made whole, or has no receiver any more, is answered as such. */
static void send_order(struct rp_order *o, bool complete)
{
	if (!complete) {
		rp_order_answer(o, RP_ENOMEM);
		return;
	}
	if (o->workers->stopped || o->ref.id == 0 || o->ref.worker >= o->workers->n) {
		rp_order_answer(o, RP_ECLOSED);
		return;
	}
	o->msg.run = on_order;
	o->msg.urgent = true;
	if (rp_loop_post(o->workers->v[o->ref.worker].loop, &o->msg) != 0) {
		rp_order_answer(o, RP_ECLOSED);
	}
}

void rp_workers_accept(struct rp_workers *w, struct rp_conn_ref ref, const char *client_id,
    const struct rp_tunnel_plan *plan, bool ask_old)
{
	struct rp_order *o = order_new(w, ref, RP_ORDER_ACCEPT);
	if (o == NULL) {
		return; /* the connection's own deadline refuses it */
	}
	o->flag = ask_old;
	send_order(
	    o, rp_strdup_opt(&o->name, client_id) && rp_tunnel_plan_copy(&o->plan, plan) == 0);
}

static void send_text(
    struct rp_workers *w, struct rp_conn_ref ref, enum rp_order_kind kind, const char *text)
{
	struct rp_order *o = order_new(w, ref, kind);
	if (o != NULL) {
		send_order(o, rp_strdup_opt(&o->text, text));
	}
}

void rp_workers_refuse(struct rp_workers *w, struct rp_conn_ref ref, const char *text)
{
	send_text(w, ref, RP_ORDER_REFUSE, text);
}

void rp_workers_close(struct rp_workers *w, struct rp_conn_ref ref, const char *why)
{
	send_text(w, ref, RP_ORDER_CLOSE, why);
}

/* Without memory for the message it cannot be told which connection it is about: then the worker
 * lets all of its own read again, rather than leave one unread for ever. */
void rp_workers_notified(struct rp_workers *w, struct rp_conn_ref ref)
{
	struct rp_order *o = order_new(w, ref, RP_ORDER_NOTIFIED);
	if (o != NULL) {
		send_order(o, true);
	} else if (ref.worker < w->n) {
		atomic_store(&w->v[ref.worker].notified_lost, true);
	}
}

/* Without memory for the message the client's window stays smaller: at worst live output stops. */
void rp_workers_output_taken(
    struct rp_workers *w, struct rp_conn_ref ref, const struct rp_job_output *output)
{
	struct rp_order *o = order_new(w, ref, RP_ORDER_OUTPUT_TAKEN);
	if (o != NULL) {
		o->stream = output->stream;
		o->amount = output->n;
		send_order(o, rp_strdup_opt(&o->name, output->jid));
	}
}

int rp_workers_call(struct rp_workers *w, struct rp_conn_ref ref, const struct rp_call_order *call,
    rp_workers_call_cb cb, void *ctx)
{
	struct rp_order *o = order_new(w, ref, RP_ORDER_CALL);
	if (o == NULL) {
		return RP_ENOMEM;
	}
	o->call_cb = cb;
	o->ctx = ctx;
	o->timeout_ms = call->timeout_ms;
	bool complete = rp_strdup_opt(&o->name, call->name);
	complete = rp_strdup_opt(&o->text, call->payload) && complete;
	complete = rp_strdup_opt(&o->stream_jid, call->stream_jid) && complete;
	complete = rp_strdup_opt(&o->file, call->file) && complete;
	send_order(o, complete);
	return 0;
}

int rp_workers_tunnel_start(struct rp_workers *w, struct rp_conn_ref ref, const struct rp_remote *r,
    rp_workers_tunnel_cb cb, void *ctx)
{
	struct rp_order *o = order_new(w, ref, RP_ORDER_TUNNEL_START);
	if (o == NULL) {
		return RP_ENOMEM;
	}
	o->tunnel_cb = cb;
	o->ctx = ctx;
	send_order(o, rp_remote_copy(&o->remote, r) == 0);
	return 0;
}

int rp_workers_tunnel_stop(struct rp_workers *w, struct rp_conn_ref ref,
    const struct rp_tunnel_stop *stop, rp_workers_tunnel_cb cb, void *ctx)
{
	struct rp_order *o = order_new(w, ref, RP_ORDER_TUNNEL_STOP);
	if (o == NULL) {
		return RP_ENOMEM;
	}
	o->tunnel_cb = cb;
	o->ctx = ctx;
	o->flag = stop->force;
	send_order(o, rp_strdup_opt(&o->name, stop->tunnel_id));
	return 0;
}

int rp_workers_tunnel_acl(struct rp_workers *w, struct rp_conn_ref ref,
    const struct rp_tunnel_acl *acl, rp_workers_tunnel_cb cb, void *ctx)
{
	struct rp_order *o = order_new(w, ref, RP_ORDER_TUNNEL_ACL);
	if (o == NULL) {
		return RP_ENOMEM;
	}
	o->tunnel_cb = cb;
	o->ctx = ctx;
	bool complete = rp_strdup_opt(&o->name, acl->tunnel_id);
	complete = rp_strdup_opt(&o->text, acl->acl) && complete;
	send_order(o, complete);
	return 0;
}
