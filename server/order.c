/* SPDX-License-Identifier: MIT */
/*
 * The messages' own life: orders travel control -> worker -> control, events worker -> control.
 * After the workers were stopped,
 * what still arrives on the control loop is freed unread.
 */
#include "server/order.h"

#include "core/alloc.h"
#include "server/workers.h"

#include "core/banned.h"

void rp_order_free(struct rp_order *o)
{
	rp_free(o->name);
	rp_free(o->text);
	rp_free(o->file);
	rp_free(o->stream_jid);
	rp_free(o->data);
	rp_remote_fini(&o->remote);
	rp_tunnel_plan_fini(&o->plan);
	rp_tunnel_info_fini(&o->info);
	rp_free(o);
}

/* On the control loop: the answer. */
static void on_answer(struct rp_msg *m)
{
	struct rp_order *o = RP_CONTAINER_OF(m, struct rp_order, msg);
	if (o->workers->stopped && o->code == 0) {
		/* A success would go on to the database, which is closed by now. */
		o->code = rp_err_set(&o->err, RP_ECLOSED, "%s", rp_err_text(RP_ECLOSED));
	}
	if (o->call_cb != NULL) {
		o->call_cb(o->ctx, o->code, o->data != NULL ? o->data : "", o->data_n);
	} else if (o->tunnel_cb != NULL) {
		o->tunnel_cb(o->ctx, o->code, o->code == 0 ? &o->info : NULL, &o->err);
	}
	rp_order_free(o);
}

void rp_order_answer(struct rp_order *o, int code)
{
	if (o->call_cb == NULL && o->tunnel_cb == NULL) {
		rp_order_free(o);
		return;
	}
	o->code = code;
	if (code != 0 && o->err.code == 0) {
		(void)rp_err_set(&o->err, code, "%s", rp_err_text(code));
	}
	o->msg.run = on_answer;
	o->msg.urgent = true;
	if (rp_loop_post(o->workers->opt.control, &o->msg) != 0) {
		rp_order_free(o);
	}
}

struct rp_event *rp_event_new(struct rp_workers *w, struct rp_conn_ref ref, enum rp_event_kind kind)
{
	struct rp_event *e = rp_calloc(1, sizeof(*e));
	if (e != NULL) {
		e->workers = w;
		e->ref = ref;
		e->kind = kind;
	}
	return e;
}

void rp_event_free(struct rp_event *e)
{
	if (e == NULL) {
		return;
	}
	if (e->cost > 0) {
		atomic_fetch_sub(&e->workers->output_under_way, e->cost);
	}
	rp_free(e->a);
	rp_free(e->b);
	rp_json_release(&rp_new_connection_table, &e->hello);
	for (size_t i = 0; i < e->n_tunnels; i++) {
		rp_tunnel_info_fini(&e->tunnels[i]);
	}
	rp_free(e->tunnels);
	rp_free(e);
}

static void deliver_output(const struct rp_conn_events *events, void *ctx, const struct rp_event *e)
{
	const struct rp_job_output o = {
	    .jid = e->a,
	    .stream = e->stream,
	    .p = e->b,
	    .n = e->b_n,
	    .dropped = e->dropped,
	};
	events->on_output(ctx, e->ref, &o);
}

static void deliver(const struct rp_conn_events *events, void *ctx, struct rp_event *e)
{
	switch (e->kind) {
	case RP_EVENT_REGISTER:
		events->on_register(ctx, e->ref, e->a, e->b, &e->hello);
		return;
	case RP_EVENT_UP:
		events->on_up(ctx, e->ref, e->tunnels, e->n_tunnels);
		return;
	case RP_EVENT_DOWN:
		events->on_down(ctx, e->ref, e->why);
		return;
	case RP_EVENT_PING:
		events->on_ping(ctx, e->ref);
		return;
	case RP_EVENT_NOTIFY:
		events->on_notify(ctx, e->ref, e->a, e->b, e->b_n);
		return;
	case RP_EVENT_OUTPUT:
		deliver_output(events, ctx, e);
		return;
	case RP_EVENT_TUNNEL_GONE:
		events->on_tunnel_gone(ctx, e->ref, e->a, e->why);
		return;
	}
}

static void on_event(struct rp_msg *m)
{
	struct rp_event *e = RP_CONTAINER_OF(m, struct rp_event, msg);
	if (!e->workers->stopped) {
		deliver(e->workers->opt.events, e->workers->opt.ctx, e);
	}
	rp_event_free(e);
}

void rp_event_post(struct rp_event *e)
{
	e->msg.run = on_event;
	e->msg.urgent = true;
	if (rp_loop_post(e->workers->opt.control, &e->msg) != 0) {
		rp_event_free(e);
	}
}
