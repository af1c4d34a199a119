/* SPDX-License-Identifier: MIT */
/*
 * The queues use the C library's heap directly: only the muxes themselves run out of memory in
 * allocation failure runs.
 */
#include "test/lib/mux_pair.h"

#include <stdlib.h>
#include <string.h>

#include "core/err.h"

/* Packets in each direction per loop turn. */
#define TURN_PACKETS 64
/* More than a batch of the mux takes. */
#define SPENT_MAX 20

struct packet {
	struct rp_list node;
	size_t n;
	uint8_t data[];
};

static uint32_t get_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* The rules of wire protocol 2.7, from the sender's side. */
static void judge(struct rp_pair_end *e, const uint8_t *p, size_t n)
{
	uint8_t type = p[0];
	if (type < 91 || n < 5) {
		return;
	}
	uint32_t recipient = get_u32(p + 1);
	for (size_t i = 0; i < e->closed_n; i++) {
		if (e->closed[i] == recipient) {
			e->abuse = type == 97 ? "second CLOSE" : "message after CLOSE";
			return;
		}
	}
	if (type == 94 && (n < 10 || n - 9 > e->packet_max || n - 9 > 32768)) {
		e->abuse = "data message too short or too long";
	}
	if (type == 93) {
		e->adjusts++;
	}
	if (type == 97) {
		uint32_t *v = realloc(e->closed, (e->closed_n + 1) * sizeof(*v));
		RP_VERIFY(v != NULL);
		v[e->closed_n++] = recipient;
		e->closed = v;
	}
}

static int queue(struct rp_pair_end *e, struct packet *k)
{
	size_t size = k->n;
	judge(e, k->data, size);
	rp_list_append(&e->out, &k->node);
	e->packets++;
	e->queued += size;
	e->queued_max = RP_MAX(e->queued_max, e->queued);
	e->full = e->full || e->queued > RP_PAIR_QUEUE_HIGH;
	if (e->pair->loop != NULL) {
		rp_loop_defer(e->pair->loop, &e->pair->pump);
	}
	return e->full ? 1 : 0;
}

static int on_send(void *ctx, const struct iovec *iov, int n)
{
	struct rp_pair_end *e = ctx;
	size_t size = 0;
	for (int i = 0; i < n; i++) {
		size += iov[i].iov_len;
	}
	struct packet *k = malloc(sizeof(*k) + size);
	RP_VERIFY(k != NULL);
	*k = (struct packet){.n = size};
	size_t at = 0;
	for (int i = 0; i < n; i++) {
		memcpy(k->data + at, iov[i].iov_base, iov[i].iov_len);
		at += iov[i].iov_len;
	}
	if (e->room != NULL) {
		rp_list_append(&e->held, &k->node);
		return 0;
	}
	return queue(e, k);
}

/* As long as asked for, so that a sanitizer sees what goes beyond. */
static uint8_t *on_reserve(void *ctx, size_t n)
{
	struct rp_pair_end *e = ctx;
	RP_VERIFY(e->room == NULL);
	e->room = malloc(n);
	return e->room;
}

static int on_commit(void *ctx, size_t n)
{
	struct rp_pair_end *e = ctx;
	uint8_t *room = e->room;
	struct iovec iov = {.iov_base = room, .iov_len = n};
	e->room = NULL;
	int full = n > 0 ? on_send(e, &iov, 1) : 0;
	free(room);
	while (!rp_list_empty(&e->held)) {
		struct packet *k = RP_LIST_ENTRY(e->held.next, struct packet, node);
		rp_list_remove(&k->node);
		full = queue(e, k);
	}
	return full;
}

static void on_request(void *ctx, struct rp_str name, uint64_t ticket, const uint8_t *p, size_t n)
{
	struct rp_pair_end *e = ctx;
	if (e->on_request != NULL) {
		e->on_request(e, name, ticket, p, n);
	}
}

static void on_open(
    void *ctx, struct rp_channel *c, struct rp_str type, const uint8_t *extra, size_t n)
{
	struct rp_pair_end *e = ctx;
	if (e->on_open != NULL) {
		e->on_open(e, c, type, extra, n);
	} else {
		rp_channel_reject(c, RP_OPEN_UNKNOWN_TYPE, "unknown");
	}
}

static void on_error(void *ctx, const char *why)
{
	struct rp_pair_end *e = ctx;
	e->error = why;
}

static void on_want_run(void *ctx)
{
	struct rp_pair_end *e = ctx;
	e->run_wanted = true;
	if (e->pair->loop != NULL) {
		rp_loop_defer(e->pair->loop, &e->pair->pump);
	}
}

static const struct rp_mux_ops ops = {
    .send = on_send,
    .reserve = on_reserve,
    .commit = on_commit,
    .on_request = on_request,
    .on_open = on_open,
    .on_error = on_error,
};

static void flush(struct rp_pair_end *e)
{
	if (e->mux != NULL) {
		rp_mux_flush(e->mux);
	}
	while (!rp_list_empty(&e->spent)) {
		struct packet *k = RP_LIST_ENTRY(e->spent.next, struct packet, node);
		rp_list_remove(&k->node);
		free(k);
	}
	e->spent_n = 0;
}

/* A packet that was delivered goes when the mux is done with it. */
static void dispose(struct rp_pair_end *e, struct packet *k, bool last)
{
	rp_list_append(&e->spent, &k->node);
	if (!e->batch || last || ++e->spent_n == SPENT_MAX) {
		flush(e);
	}
}

bool rp_pair_deliver(struct rp_pair_end *e)
{
	if (rp_list_empty(&e->out) || e->pair->broken) {
		return false;
	}
	struct packet *k = RP_LIST_ENTRY(e->out.next, struct packet, node);
	rp_list_remove(&k->node);
	e->queued -= k->n;
	struct rp_mux *to = e->pair->end[1 - e->index].mux;
	if (to != NULL) {
		rp_mux_input(to, k->data[0], k->data + 1, k->n - 1);
	}
	dispose(&e->pair->end[1 - e->index], k, rp_list_empty(&e->out));
	if (e->full && e->queued <= RP_PAIR_QUEUE_HIGH / 2 && e->mux != NULL) {
		e->full = false;
		rp_mux_drain(e->mux);
	}
	return true;
}

static bool run_wanted(struct rp_pair_end *e)
{
	if (!e->run_wanted || e->mux == NULL) {
		return false;
	}
	e->run_wanted = false;
	rp_mux_run(e->mux);
	return true;
}

void rp_pair_settle(struct rp_pair *p)
{
	bool moved = true;
	while (moved) {
		moved = false;
		for (int i = 0; i < 2; i++) {
			moved = run_wanted(&p->end[i]) || moved;
			moved = rp_pair_deliver(&p->end[i]) || moved;
		}
	}
}

static void on_pump(struct rp_deferred *d)
{
	struct rp_pair *p = RP_CONTAINER_OF(d, struct rp_pair, pump);
	bool more = false;
	for (int i = 0; i < 2; i++) {
		(void)run_wanted(&p->end[i]);
		for (int k = 0; k < TURN_PACKETS; k++) {
			(void)rp_pair_deliver(&p->end[i]);
		}
	}
	for (int i = 0; i < 2; i++) {
		more = more || p->end[i].run_wanted ||
		    (!rp_list_empty(&p->end[i].out) && !p->broken);
	}
	if (more) {
		rp_loop_defer(p->loop, d);
	}
}

int rp_pair_init(struct rp_pair *p, const struct rp_mux_options *opt, struct rp_loop *loop)
{
	memset(p, 0, sizeof(*p));
	p->loop = loop;
	p->pump.run = on_pump;
	for (int i = 0; i < 2; i++) {
		rp_list_init(&p->end[i].out);
		rp_list_init(&p->end[i].held);
		rp_list_init(&p->end[i].spent);
		p->end[i].batch = opt != NULL && opt[i].batch;
		p->end[i].pair = p;
		p->end[i].index = i;
		p->end[i].packet_max = RP_MUX_PACKET_MAX;
	}
	for (int i = 0; i < 2; i++) {
		struct rp_pair_end *e = &p->end[i];
		int rc = rp_mux_new(&e->mux, opt != NULL ? &opt[i] : NULL, &ops, e);
		if (rc != 0) {
			rp_pair_fini(p);
			return rc;
		}
		rp_mux_on_want_run(e->mux, on_want_run);
		if (opt != NULL && opt[i].packet_max != 0) {
			p->end[1 - i].packet_max = opt[i].packet_max;
		}
	}
	return 0;
}

void rp_pair_kill(struct rp_pair *p, int index)
{
	struct rp_mux *m = p->end[index].mux;
	p->broken = true;
	p->end[index].mux = NULL;
	rp_mux_free(m);
}

void rp_pair_fini(struct rp_pair *p)
{
	rp_loop_defer_cancel(&p->pump);
	for (int i = 0; i < 2; i++) {
		struct rp_pair_end *e = &p->end[i];
		if (e->pair == NULL) {
			continue;
		}
		rp_pair_kill(p, i);
		flush(e);
		while (!rp_list_empty(&e->out)) {
			struct packet *k = RP_LIST_ENTRY(e->out.next, struct packet, node);
			rp_list_remove(&k->node);
			free(k);
		}
		free(e->closed);
		e->closed = NULL;
	}
}

const char *rp_pair_trouble(const struct rp_pair *p)
{
	for (int i = 0; i < 2; i++) {
		if (p->end[i].error != NULL) {
			return p->end[i].error;
		}
		if (p->end[i].abuse != NULL) {
			return p->end[i].abuse;
		}
	}
	return NULL;
}
