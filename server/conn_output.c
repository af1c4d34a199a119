/* SPDX-License-Identifier: MIT */
/*
 * Live output of commands (wire protocol 6.5): a client that was sent run_cmd with stream_result
 * opens a channel each for stdout and stderr before it answers, with the very payload of the request.
 * What comes is handed to the control loop, which gives back the credit when it has dealt with it.
 * When too much of all clients is under way there, pieces are left out and counted.
 */
#include <string.h>

#include "core/alloc.h"
#include "core/log.h"
#include "server/conn.h"
#include "server/workers.h"

#include "core/banned.h"

#define COMPONENT "client-listener"
/* Channels of one connection that are not closed yet. */
#define OUTPUTS_MAX 128u
/* Live output of all clients on its way to the control loop. */
#define UNDER_WAY_MAX (32u * 1024 * 1024)

struct output {
	struct rp_list node;
	struct rp_conn *conn;
	struct rp_channel *channel;
	int stream; /* 1 or 2 */
	uint64_t dropped;
	char jid[]; /* of the job */
};

static struct rp_workers *workers(const struct output *o)
{
	return o->conn->worker->workers;
}

static size_t total_len(const struct iovec *iov, int n)
{
	size_t total = 0;
	for (int i = 0; i < n; i++) {
		total += iov[i].iov_len;
	}
	return total;
}

/* NULL: there is no memory. */
static struct rp_event *make_event(struct output *o, const struct iovec *iov, int n, size_t total)
{
	struct rp_event *e = rp_event_new(workers(o), rp_conn_ref_of(o->conn), RP_EVENT_OUTPUT);
	if (e == NULL) {
		return NULL;
	}
	e->a = rp_strdup(o->jid);
	e->b = rp_malloc(total);
	if (e->a == NULL || e->b == NULL) {
		rp_event_free(e);
		return NULL;
	}
	for (int i = 0; i < n; i++) {
		memcpy(e->b + e->b_n, iov[i].iov_base, iov[i].iov_len);
		e->b_n += iov[i].iov_len;
	}
	return e;
}

static void on_datav(void *ctx, const struct iovec *iov, int n)
{
	struct output *o = ctx;
	size_t total = total_len(iov, n);
	atomic_size_t *under_way = &workers(o)->output_under_way;
	size_t cost = total + sizeof(struct rp_event);
	if (total == 0) {
		return;
	}
	struct rp_event *e = atomic_load(under_way) + cost > UNDER_WAY_MAX
	    ? NULL
	    : make_event(o, iov, n, total);
	if (e == NULL) {
		o->dropped += total;
		rp_channel_consumed(o->channel, total);
		return;
	}
	e->stream = o->stream;
	e->dropped = o->dropped;
	e->cost = cost;
	o->dropped = 0;
	atomic_fetch_add(under_way, cost);
	rp_event_post(e);
}

static void on_data(void *ctx, const uint8_t *p, size_t n)
{
	const struct iovec iov = {.iov_base = (void *)(uintptr_t)p, .iov_len = n};
	on_datav(ctx, &iov, 1);
}

/* Nothing is sent the other way. */
static size_t on_pull(void *ctx, uint8_t *p, size_t max)
{
	(void)ctx;
	(void)p;
	(void)max;
	return 0;
}

static void on_eof(void *ctx)
{
	(void)ctx;
}

static void on_closed(void *ctx, int reason, struct rp_str text)
{
	struct output *o = ctx;
	(void)reason;
	(void)text;
	rp_list_remove(&o->node);
	o->conn->n_outputs--;
	rp_free(o);
}

static const struct rp_channel_ops channel_ops = {
    .on_pull = on_pull,
    .on_data = on_data,
    .on_datav = on_datav,
    .on_eof = on_eof,
    .on_closed = on_closed,
};

/* The order that the client is answering with this. */
static struct rp_order *find_order(const struct rp_conn *c, struct rp_str payload)
{
	for (const struct rp_list *it = c->orders.next; it != &c->orders; it = it->next) {
		struct rp_order *o = RP_CONTAINER_OF(
		    (struct rp_list *)(uintptr_t)it, struct rp_order, node);
		if (o->stream_jid != NULL && o->text != NULL && rp_str_eq(payload, o->text)) {
			return o;
		}
	}
	return NULL;
}

static int take_channel(struct rp_conn *c, struct rp_channel *channel, const char *jid, int stream)
{
	size_t n = strlen(jid) + 1;
	struct output *o = rp_calloc(1, sizeof(*o) + n);
	if (o == NULL) {
		return RP_ENOMEM;
	}
	memcpy(o->jid, jid, n);
	o->conn = c;
	o->channel = channel;
	o->stream = stream;
	rp_list_append(&c->outputs, &o->node);
	c->n_outputs++;
	rp_channel_accept(channel, &channel_ops, o);
	return 0;
}

void rp_conn_open_output(
    struct rp_conn *c, struct rp_channel *channel, int stream, struct rp_str payload)
{
	struct rp_order *order = c->state == RP_CONN_UP ? find_order(c, payload) : NULL;
	if (order == NULL || order->streams[stream - 1]) {
		rp_channel_reject(
		    channel, RP_OPEN_PROHIBITED, "no live output of this was ordered");
	} else if (c->n_outputs >= OUTPUTS_MAX ||
	    take_channel(c, channel, order->stream_jid, stream) != 0) {
		rp_channel_reject(
		    channel, RP_OPEN_RESOURCE_SHORTAGE, "too many channels of live output");
	} else {
		order->streams[stream - 1] = true;
	}
}

void rp_conn_output_taken(struct rp_conn *c, const struct rp_order *order)
{
	struct rp_list *it;
	struct rp_list *tmp;
	RP_LIST_FOREACH(it, tmp, &c->outputs) {
		struct output *o = RP_LIST_ENTRY(it, struct output, node);
		if (o->stream == order->stream && strcmp(o->jid, order->name) == 0) {
			rp_channel_consumed(o->channel, order->amount);
			return;
		}
	}
}
