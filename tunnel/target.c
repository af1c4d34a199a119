/* SPDX-License-Identifier: MIT */
/*
 * From a channel open to a joined connection: parse -> resolve -> policy -> confirm -> dial ->
 * pump. Installed servers expect the confirmation before the dial; a refused dial shows as a
 * CLOSE.
 */
#include "tunnel/target.h"

#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/list.h"
#include "tunnel/connect.h"
#include "tunnel/pump.h"
#include "tunnel/remote.h"
#include "tunnel/resolve.h"
#include "tunnel/udp_client.h"

#include "core/banned.h"

#define DIAL_TIMEOUT_MS 30000u

/* One channel on its way to its target, and then joined to it. */
struct target {
	struct rp_list node;
	struct rp_targets *owner;
	struct rp_channel *pending; /* not decided yet */
	char *host;                 /* as asked for, until it is decided */
	uint16_t port;
	bool udp;
	struct rp_resolve *resolve;
	struct rp_connect *connect;
	struct rp_pump *pump;
	struct rp_udp_client *client;
};

struct rp_targets {
	struct rp_loop *loop;
	struct rp_targets_options opt;
	struct rp_list list;
	bool closing;
	void (*on_closed)(void *ctx);
	void *ctx;
	struct rp_deferred closed;
};

static void on_all_closed(struct rp_deferred *d)
{
	struct rp_targets *ts = RP_CONTAINER_OF(d, struct rp_targets, closed);
	if (ts->on_closed != NULL) {
		ts->on_closed(ts->ctx);
	}
	rp_free(ts);
}

static void maybe_finish(struct rp_targets *ts)
{
	if (ts->closing && rp_list_empty(&ts->list)) {
		rp_loop_defer(ts->loop, &ts->closed);
	}
}

static void drop(struct target *t)
{
	struct rp_targets *ts = t->owner;
	rp_list_remove(&t->node);
	rp_free(t->host);
	rp_free(t);
	maybe_finish(ts);
}

static void refuse(struct target *t, enum rp_open_failure reason, const char *text)
{
	struct rp_channel *c = t->pending;
	t->pending = NULL;
	rp_channel_reject(c, reason, text);
	drop(t);
}

/* --- TCP --- */

static void on_pump_done(void *ctx, const struct rp_pump_result *r)
{
	struct target *t = ctx;
	(void)r;
	if (t->connect != NULL) {
		rp_connect_cancel(t->connect);
	}
	drop(t);
}

static void on_connected(void *ctx, int fd, int code, const struct sockaddr_storage *addr)
{
	struct target *t = ctx;
	(void)code;
	(void)addr;
	t->connect = NULL;
	if (fd < 0 || rp_pump_attach(t->pump, fd) != 0) {
		rp_pump_close(t->pump);
	}
}

static void start_tcp(struct target *t, const struct sockaddr_storage *v, size_t n)
{
	struct rp_targets *ts = t->owner;
	const struct rp_pump_options opt = {.no_half_close = ts->opt.no_half_close};
	if (rp_pump_new(ts->loop, &opt, on_pump_done, t, &t->pump) != 0) {
		refuse(t, RP_OPEN_RESOURCE_SHORTAGE, "out of memory");
		return;
	}
	struct rp_channel *c = t->pending;
	t->pending = NULL;
	rp_pump_set_channel(t->pump, c);
	rp_channel_accept(c, rp_pump_channel_ops(), t->pump);
	unsigned timeout = ts->opt.dial_timeout_ms;
	if (rp_connect_start(ts->loop, v, n, timeout != 0 ? timeout : DIAL_TIMEOUT_MS, on_connected,
	        t, &t->connect) != 0) {
		rp_pump_close(t->pump);
	}
}

/* --- UDP --- */

static void on_client_done(void *ctx)
{
	drop(ctx);
}

static void start_udp(struct target *t, const struct sockaddr_storage *v)
{
	if (rp_udp_client_new(t->owner->loop, v, on_client_done, t, &t->client) != 0) {
		refuse(t, RP_OPEN_RESOURCE_SHORTAGE, "out of memory");
		return;
	}
	struct rp_channel *c = t->pending;
	t->pending = NULL;
	rp_udp_client_set_channel(t->client, c);
	rp_channel_accept(c, rp_udp_client_channel_ops(), t->client);
}

/* --- the way there --- */

static bool allows(const struct target *t, const struct sockaddr_storage *v, size_t n)
{
	const struct rp_target_rules *rules = t->owner->opt.allowed;
	struct rp_addr addrs[RP_RESOLVE_MAX];
	rp_resolve_addrs(v, n, addrs);
	const struct rp_target_asked asked = {
	    .host = t->host, .addrs = addrs, .n = n, .port = t->port};
	return rules == NULL || rp_target_allowed(rules, &asked);
}

/* What was checked is what is dialled: the name is not looked up again. */
static void on_resolved(void *ctx, int code, const struct sockaddr_storage *v, size_t n)
{
	struct target *t = ctx;
	t->resolve = NULL;
	if (code != 0) {
		refuse(t, RP_OPEN_CONNECT_FAILED, "no such host");
		return;
	}
	if (!allows(t, v, n)) {
		refuse(t, RP_OPEN_PROHIBITED, RP_TARGET_REFUSED_TEXT);
		return;
	}
	rp_free(t->host);
	t->host = NULL;
	if (t->udp) {
		start_udp(t, v);
	} else {
		start_tcp(t, v, n);
	}
}

/* Confirmed, then closed, as the original does for a protocol that it does not know (5.5). */
static void accept_and_close(struct rp_channel *c)
{
	static const struct rp_channel_ops silent = {.on_pull = NULL};
	rp_channel_accept(c, &silent, NULL);
	rp_channel_detach(c);
}

/* Takes host. */
static void start_target(
    struct rp_targets *ts, struct rp_channel *c, char *host, uint16_t port, bool udp)
{
	struct target *t = rp_calloc(1, sizeof(*t));
	if (t == NULL) {
		rp_free(host);
		rp_channel_reject(c, RP_OPEN_RESOURCE_SHORTAGE, "out of memory");
		return;
	}
	t->owner = ts;
	t->pending = c;
	t->host = host;
	t->port = port;
	t->udp = udp;
	rp_list_append(&ts->list, &t->node);
	if (rp_resolve_start(ts->loop, host, port, on_resolved, t, &t->resolve) != 0) {
		refuse(t, RP_OPEN_RESOURCE_SHORTAGE, "cannot resolve the host");
	}
}

void rp_targets_open(struct rp_targets *ts, struct rp_channel *c, const uint8_t *extra, size_t n)
{
	char *host;
	uint16_t port;
	struct rp_str proto;
	if (ts->closing) {
		rp_channel_reject(c, RP_OPEN_CONNECT_FAILED, "closing");
		return;
	}
	int rc = rp_target_parse(rp_str_n(extra, n), &host, &port, &proto);
	if (rc != 0) {
		bool memory = rc == RP_ENOMEM;
		rp_channel_reject(c, memory ? RP_OPEN_RESOURCE_SHORTAGE : RP_OPEN_CONNECT_FAILED,
		    memory ? "out of memory" : "invalid target");
		return;
	}
	bool udp = rp_str_eq(proto, "udp");
	if (udp || rp_str_eq(proto, "tcp")) {
		start_target(ts, c, host, port, udp);
	} else {
		rp_free(host);
		accept_and_close(c);
	}
}

int rp_targets_new(
    struct rp_loop *loop, const struct rp_targets_options *opt, struct rp_targets **out)
{
	*out = NULL;
	struct rp_targets *ts = rp_calloc(1, sizeof(*ts));
	if (ts == NULL) {
		return RP_ENOMEM;
	}
	ts->loop = loop;
	if (opt != NULL) {
		ts->opt = *opt;
	}
	rp_list_init(&ts->list);
	ts->closed.run = on_all_closed;
	*out = ts;
	return 0;
}

static void close_target(struct target *t)
{
	if (t->resolve != NULL) {
		rp_resolve_cancel(t->resolve);
		t->resolve = NULL;
		refuse(t, RP_OPEN_CONNECT_FAILED, "closing");
	} else if (t->pump != NULL) {
		rp_pump_close(t->pump);
	} else {
		rp_udp_client_close(t->client);
	}
}

void rp_targets_close(struct rp_targets *ts, void (*on_closed)(void *ctx), void *ctx)
{
	if (ts->closing) {
		return;
	}
	ts->closing = true;
	ts->on_closed = on_closed;
	ts->ctx = ctx;
	struct rp_list *it;
	struct rp_list *tmp;
	RP_LIST_FOREACH(it, tmp, &ts->list) {
		close_target(RP_LIST_ENTRY(it, struct target, node));
	}
	maybe_finish(ts);
}
