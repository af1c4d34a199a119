/* SPDX-License-Identifier: MIT */
/*
 * The tunnels of one connection: start, stop, ACL; their end when the connection ends.
 */
#include <stdio.h>
#include <string.h>

#include "acl/addrlist.h"
#include "core/alloc.h"
#include "core/clock.h"
#include "core/log.h"
#include "server/conn.h"
#include "server/workers.h"

#include "core/banned.h"

#define TUNNELS_MAX 1024
/* Leaves room for new ones behind it. */
#define ID_MAX 999999999u

static void on_tunnel_closed(void *ctx)
{
	struct rp_conn_tunnel *t = ctx;
	struct rp_conn *c = t->conn;
	rp_list_remove(&t->node);
	if (t->stop != NULL) {
		rp_order_answer(t->stop, 0);
	}
	rp_free(t);
	rp_conn_maybe_finish(c);
}

/* Idle or auto-close: the mirror on the control loop has to follow. */
static void on_tunnel_expired(void *ctx, const char *why)
{
	struct rp_conn_tunnel *t = ctx;
	struct rp_conn *c = t->conn;
	struct rp_conn_ref ref = {.worker = c->worker->index, .id = c->id};
	struct rp_event *e = rp_event_new(c->worker->workers, ref, RP_EVENT_TUNNEL_GONE);
	if (e == NULL || (e->a = rp_strdup(t->id)) == NULL) {
		rp_event_free(e);
		rp_log_error("client-listener", "tunnel %s ended unseen: out of memory", t->id);
	} else {
		(void)snprintf(e->why, sizeof(e->why), "%s", why);
		rp_event_post(e);
	}
	rp_tunnel_close(t->tunnel);
}

static const struct rp_tunnel_ops tunnel_ops = {
    .on_expired = on_tunnel_expired,
    .on_closed = on_tunnel_closed,
};

static int describe(const struct rp_conn_tunnel *t, struct rp_tunnel_info *info)
{
	memset(info, 0, sizeof(*info));
	info->id = rp_strdup(t->id);
	info->created_at = t->created_at;
	if (info->id == NULL || rp_remote_copy(&info->remote, rp_tunnel_remote(t->tunnel)) != 0) {
		rp_tunnel_info_fini(info);
		return RP_ENOMEM;
	}
	return 0;
}

static size_t count(const struct rp_conn *c)
{
	size_t n = 0;
	for (const struct rp_list *it = c->tunnels.next; it != &c->tunnels; it = it->next) {
		n++;
	}
	return n;
}

/* Only addresses: looking a name up would block the loop, and the name may come from a client. */
static bool bindable(const char *host)
{
	struct rp_addr addr;
	return host == NULL || host[0] == '\0' || strcmp(host, "localhost") == 0 ||
	    rp_addr_parse(rp_str_c(host), &addr) == 0;
}

/* An id of an earlier connection, or the next one. */
static void set_id(struct rp_conn *c, struct rp_conn_tunnel *t, const char *id)
{
	uint64_t n;
	if (id != NULL && rp_str_u64(rp_str_c(id), ID_MAX, &n) == 0) {
		(void)snprintf(t->id, sizeof(t->id), "%u", (unsigned)n);
	} else {
		(void)snprintf(t->id, sizeof(t->id), "%u", ++c->next_tunnel);
	}
}

void rp_conn_tunnel_ids(struct rp_conn *c, const struct rp_tunnel_plan *plan)
{
	for (size_t i = 0; i < plan->n; i++) {
		uint64_t n;
		const char *id = plan->v[i].id;
		if (id != NULL && rp_str_u64(rp_str_c(id), ID_MAX, &n) == 0) {
			c->next_tunnel = RP_MAX(c->next_tunnel, (unsigned)n);
		}
	}
}

static int set_age(struct rp_conn_tunnel *t, const struct rp_tunnel_info *want,
    struct rp_tunnel_options *opt, struct rp_err *err)
{
	int64_t now = rp_time_now();
	int64_t age = want->created_at == 0 ? 0 : now - want->created_at;
	t->created_at = now - age;
	if (age > 0 && want->remote.auto_close > 0 && age >= want->remote.auto_close) {
		return rp_err_set(err, RP_ETIMEOUT, "its auto-close time is over");
	}
	opt->age_ms = age > 0 ? (uint64_t)(age / RP_NS_PER_MS) : 0;
	return 0;
}

static int check_start(const struct rp_conn *c, const struct rp_remote *r, struct rp_err *err)
{
	if (count(c) >= TUNNELS_MAX) {
		return rp_err_set(err, RP_ELIMIT,
		    "unable to start tunnel: the client has %d tunnels already", TUNNELS_MAX);
	}
	if (!bindable(r->lhost)) {
		return rp_err_set(
		    err, RP_EINVAL, "unable to start tunnel: the local host must be an IP address");
	}
	return 0;
}

int rp_conn_tunnel_start(struct rp_conn *c, const struct rp_tunnel_info *want,
    struct rp_tunnel_info *info, struct rp_err *err)
{
	struct rp_tunnel_options opt = {
	    .ports = c->worker->workers->opt.ports,
	    .web = c->worker->workers->opt.web,
	    .no_half_close = !c->half_close,
	};
	int code = check_start(c, &want->remote, err);
	if (code != 0) {
		return code;
	}
	struct rp_conn_tunnel *t = rp_calloc(1, sizeof(*t));
	if (t == NULL) {
		return rp_err_set(err, RP_ENOMEM, "unable to start tunnel: out of memory");
	}
	t->conn = c;
	code = set_age(t, want, &opt, err);
	if (code == 0) {
		code = rp_tunnel_start(c->worker->loop, c->link.mux, &want->remote, &opt,
		    &tunnel_ops, t, &t->tunnel, err);
	}
	if (code != 0) {
		rp_free(t);
		return code;
	}
	set_id(c, t, want->id);
	rp_list_append(&c->tunnels, &t->node);
	if (describe(t, info) != 0) {
		rp_tunnel_close(t->tunnel);
		return rp_err_set(err, RP_ENOMEM, "unable to start tunnel: out of memory");
	}
	return 0;
}

static struct rp_conn_tunnel *find(struct rp_conn *c, const char *id)
{
	struct rp_list *it;
	struct rp_list *tmp;
	RP_LIST_FOREACH(it, tmp, &c->tunnels) {
		struct rp_conn_tunnel *t = RP_LIST_ENTRY(it, struct rp_conn_tunnel, node);
		if (strcmp(t->id, id) == 0) {
			return t;
		}
	}
	return NULL;
}

static void stop(struct rp_conn_tunnel *t, struct rp_order *o)
{
	size_t open = rp_tunnel_connections(t->tunnel);
	if (open > 0 && !o->flag) {
		rp_order_answer(
		    o, rp_err_set(&o->err, RP_EBUSY, "tunnel has %zu active connection(s)", open));
		return;
	}
	if (t->stop != NULL) {
		rp_order_answer(o, RP_ENOENT);
		return;
	}
	t->stop = o;
	rp_tunnel_close(t->tunnel);
}

void rp_conn_tunnel_order(struct rp_conn *c, struct rp_order *o)
{
	if (o->kind == RP_ORDER_TUNNEL_START) {
		const struct rp_tunnel_info want = {.remote = o->remote}; /* borrows */
		int code = c->state == RP_CONN_UP
		    ? rp_conn_tunnel_start(c, &want, &o->info, &o->err)
		    : RP_ECLOSED;
		rp_order_answer(o, code);
		return;
	}
	struct rp_conn_tunnel *t = find(c, o->name);
	if (t == NULL) {
		rp_order_answer(o, RP_ENOENT);
	} else if (o->kind == RP_ORDER_TUNNEL_STOP) {
		stop(t, o);
	} else {
		rp_order_answer(o, rp_tunnel_set_acl(t->tunnel, o->text, &o->err));
	}
}

void rp_conn_drop_tunnels(struct rp_conn *c)
{
	struct rp_list *it;
	struct rp_list *tmp;
	RP_LIST_FOREACH(it, tmp, &c->tunnels) {
		rp_tunnel_orphan(RP_LIST_ENTRY(it, struct rp_conn_tunnel, node)->tunnel);
	}
}
