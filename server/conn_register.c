/* SPDX-License-Identifier: MIT */
/*
 * Registration from the control loop's decision on (wire protocol 3.5, 5.8): the tunnels of the
 * last connection are put to the client; then all tunnels start, those with a
 * port of their own first, and the answer goes out.
 */
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/jsonw.h"
#include "core/log.h"
#include "server/conn.h"
#include "server/workers.h"

#include "core/banned.h"

#define COMPONENT     "client-listener"
#define QUESTIONS_MAX 32

static void put_capabilities(struct rp_conn *c)
{
	char half_close[] = RP_FEATURE_HALF_CLOSE;
	char version[] = RP_VERSION;
	char *features[] = {half_close};
	const struct rp_capabilities cap = {
	    .server_version = version,
	    .monitoring_version = c->worker->workers->opt.cfg->monitoring.enabled ? 1 : 0,
	    .ip_addresses_version = 1,
	    .features = {.v = features, .n = 1},
	};
	char *text = rp_json_text(&rp_capabilities_table, &cap);
	if (text == NULL ||
	    rp_mux_notify(c->link.mux, "put_capabilities", text, strlen(text)) != 0) {
		rp_conn_fail(c, "cannot send the capabilities");
	}
	rp_free(text);
}

static int reply_text(const struct rp_tunnel_plan *plan, struct rp_buf *out)
{
	struct rp_jsonw w;
	rp_buf_init(out, RP_MUX_PAYLOAD_MAX);
	rp_jsonw_init(&w, out);
	if (plan->n == 0) {
		rp_jsonw_null(&w); /* as the original (3.3) */
		return rp_jsonw_end(&w);
	}
	rp_jsonw_arr(&w);
	for (size_t i = 0; i < plan->n; i++) {
		rp_jsonw_struct(&w, &rp_remote_table, &plan->v[i].remote);
	}
	rp_jsonw_arr_end(&w);
	return rp_jsonw_end(&w);
}

/* Starts the ith of the plan, which then says what became of it. */
static int start(struct rp_conn *c, size_t i, struct rp_err *err)
{
	struct rp_tunnel_info *t = &c->accept->plan.v[i];
	struct rp_tunnel_info started;
	int code = rp_conn_tunnel_start(c, t, &started, err);
	if (code == 0) {
		rp_tunnel_info_fini(t);
		*t = started;
	}
	return code;
}

/* What became of a tunnel so far. */
enum fate {
	FATE_WAITS,
	FATE_STANDS,
	FATE_DROPPED
};

enum turn {
	TURN_GIVEN, /* must have their port */
	TURN_AGAIN, /* had a random one, and get it if it is free */
	TURN_ANY
};

static enum turn turn_of(const struct rp_remote *r)
{
	if (!rp_remote_local_given(r)) {
		return TURN_ANY;
	}
	return r->lport_random ? TURN_AGAIN : TURN_GIVEN;
}

/* One that the client asks for and cannot have refuses the client; one of the last connection is
 * dropped, because the client did not ask for it and must not be locked out by it. */
static int start_one(struct rp_conn *c, size_t i, enum fate *fate, struct rp_err *err)
{
	struct rp_remote *r = &c->accept->plan.v[i].remote;
	int code = start(c, i, err);
	if (code == 0) {
		*fate = FATE_STANDS;
	} else if (turn_of(r) == TURN_AGAIN && code != RP_ETIMEOUT) {
		rp_log_info(COMPONENT,
		    "client %s: the tunnel to %s:%s gets another port than %s: %s", c->accept->name,
		    r->rhost, r->rport, r->lport, err->msg);
		r->lport[0] = '\0';
	} else if (i < c->accept->plan.n_wanted) {
		return code;
	} else {
		*fate = FATE_DROPPED;
		rp_log_error(COMPONENT, "client %s: the tunnel to %s:%s does not come back: %s",
		    c->accept->name, r->rhost, r->rport, err->msg);
	}
	return 0;
}

static int start_turn(struct rp_conn *c, enum turn turn, enum fate *fates, struct rp_err *err)
{
	const struct rp_tunnel_plan *plan = &c->accept->plan;
	for (size_t i = 0; i < plan->n; i++) {
		if (fates[i] == FATE_WAITS && turn_of(&plan->v[i].remote) == turn) {
			int code = start_one(c, i, &fates[i], err);
			if (code != 0) {
				return code;
			}
		}
	}
	return 0;
}

/* Afterwards the plan has what stands. */
static int start_tunnels(struct rp_conn *c, struct rp_err *err)
{
	struct rp_tunnel_plan *plan = &c->accept->plan;
	enum fate *fates = rp_calloc(plan->n + 1, sizeof(*fates));
	if (fates == NULL) {
		return rp_err_no_memory(err);
	}
	int code = 0;
	for (int turn = TURN_GIVEN; turn <= TURN_ANY && code == 0; turn++) {
		code = start_turn(c, (enum turn)turn, fates, err);
	}
	for (size_t i = plan->n; i > 0; i--) {
		if (fates[i - 1] != FATE_STANDS) {
			rp_tunnel_plan_drop(plan, i - 1);
		}
	}
	rp_free(fates);
	return code;
}

static void finish_registration(struct rp_conn *c)
{
	struct rp_tunnel_plan *plan = &c->accept->plan;
	struct rp_err err = {0};
	struct rp_buf reply = {0};
	struct rp_event *up = rp_event_new(c->worker->workers, rp_conn_ref_of(c), RP_EVENT_UP);
	if (up == NULL) {
		rp_conn_refuse(c, "out of memory");
		goto out;
	}
	if (start_tunnels(c, &err) != 0) {
		rp_conn_refuse(c, err.msg);
		goto out;
	}
	if (reply_text(plan, &reply) != 0) {
		rp_conn_refuse(c, "too many tunnels");
		goto out;
	}
	(void)rp_mux_reply(c->link.mux, c->ticket, true, rp_buf_head(&reply), reply.len);
	c->ticket = 0;
	put_capabilities(c);
	c->state = c->state == RP_CONN_CLOSING ? c->state : RP_CONN_UP;
	c->deadline_ms = 0;
	up->tunnels = plan->v;
	up->n_tunnels = plan->n;
	*plan = (struct rp_tunnel_plan){0};
	rp_event_post(up);
	up = NULL;
	rp_json_release(&rp_new_connection_table, &c->hello);
out:
	rp_event_free(up);
	rp_buf_fini(&reply);
	rp_order_free(c->accept);
	c->accept = NULL;
}

static void check_next(struct rp_conn *c);

/* `unknown request` counts as allowed: clients before 0.6.4 do not know the question (4.2). */
static bool answer_allows(int code, const uint8_t *p, size_t n)
{
	struct rp_check_tunnel_answer a = {0};
	if (code == RP_EDENIED) {
		return n >= 15 && memmem(p, n, "unknown request", 15) != NULL;
	}
	return code == 0 &&
	    rp_json_decode_text(p, n, &rp_check_tunnel_answer_table, false, &a, NULL) == 0 &&
	    a.is_allowed;
}

static void on_check_answer(void *ctx, int code, const uint8_t *p, size_t n)
{
	struct rp_conn *c = ctx;
	if (c->state != RP_CONN_CHECKING) {
		return;
	}
	/* Answers come in the order of the questions (RFC 4254, 4). */
	struct rp_tunnel_plan *plan = &c->accept->plan;
	if (answer_allows(code, p, n)) {
		c->checked++;
	} else {
		const struct rp_remote *r = &plan->v[c->checked].remote;
		rp_log_info(COMPONENT,
		    "client %s no longer allows the tunnel to %s:%s: it is dropped",
		    c->accept->name, r->rhost, r->rport);
		rp_tunnel_plan_drop(plan, c->checked);
		c->asked--;
	}
	check_next(c);
}

static int ask(struct rp_conn *c, const struct rp_remote *r)
{
	struct rp_call *call;
	char *target = rp_remote_target(r);
	const struct rp_check_tunnel q = {.remote = target};
	char *text = target == NULL ? NULL : rp_json_text(&rp_check_tunnel_table, &q);
	int code = text == NULL ? RP_ENOMEM
	                        : rp_mux_call(c->link.mux, "check_tunnel_allowed", text,
	                              strlen(text), on_check_answer, c, &call);
	rp_free(text);
	rp_free(target);
	return code;
}

/* Some questions are under way at a time, so that many tunnels on a long path are through before
 * the deadline of the registration. */
static void check_next(struct rp_conn *c)
{
	const struct rp_tunnel_plan *plan = &c->accept->plan;
	if (!c->accept->flag || c->checked >= plan->n) {
		finish_registration(c);
		return;
	}
	for (; c->asked < plan->n && c->asked - c->checked < QUESTIONS_MAX; c->asked++) {
		int code = ask(c, &plan->v[c->asked].remote);
		if (code != 0) {
			rp_conn_fail(c, "cannot ask about the tunnels: %s", rp_err_text(code));
			return;
		}
	}
}

void rp_conn_accept(struct rp_conn *c, struct rp_order *o)
{
	if (c->state != RP_CONN_REGISTERING) {
		rp_order_free(o);
		return;
	}
	c->accept = o;
	c->state = RP_CONN_CHECKING;
	/* What the client asks for it allows. */
	c->checked = o->plan.n_wanted;
	c->asked = c->checked;
	rp_conn_tunnel_ids(c, &o->plan);
	check_next(c);
}
