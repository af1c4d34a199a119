/* SPDX-License-Identifier: MIT */
/*
 * Two lists. A channel is "small" while its pulls are small on average and it has not given a
 * whole packet without a pause: key strokes and answers pass bulk transfers, a transfer in small
 * pieces does not.
 */
#include "tunnel/mux_queue.h"

#include "tunnel/mux.h"

#include "core/banned.h"

#define SMALL_AVERAGE_MAX 4096u
#define SMALL_BURST_MAX   RP_MUX_PACKET_MAX
/* So many small turns may pass a waiting bulk channel before it gets one. */
#define SMALL_TURNS_MAX 16u

static bool is_small(const struct rp_mux_turn *t)
{
	return t->average <= SMALL_AVERAGE_MAX && t->burst < SMALL_BURST_MAX;
}

void rp_mux_queue_init(struct rp_mux_queue *q)
{
	rp_list_init(&q->small);
	rp_list_init(&q->bulk);
	q->small_turns = 0;
}

bool rp_mux_queue_empty(const struct rp_mux_queue *q)
{
	return rp_list_empty(&q->small) && rp_list_empty(&q->bulk);
}

void rp_mux_queue_add(struct rp_mux_queue *q, struct rp_mux_turn *t)
{
	if (rp_list_empty(&t->node)) {
		rp_list_append(is_small(t) ? &q->small : &q->bulk, &t->node);
	}
}

void rp_mux_queue_remove(struct rp_mux_turn *t)
{
	rp_list_remove(&t->node);
}

struct rp_mux_turn *rp_mux_queue_take(struct rp_mux_queue *q)
{
	bool bulk_waits = !rp_list_empty(&q->bulk);
	bool small_waits = !rp_list_empty(&q->small);
	if (!bulk_waits && !small_waits) {
		return NULL;
	}

	struct rp_list *from = &q->small;
	if (bulk_waits && (!small_waits || q->small_turns >= SMALL_TURNS_MAX)) {
		from = &q->bulk;
	}
	q->small_turns = from == &q->small && bulk_waits ? q->small_turns + 1 : 0;
	struct rp_mux_turn *t = RP_LIST_ENTRY(from->next, struct rp_mux_turn, node);
	rp_list_remove(&t->node);
	return t;
}

void rp_mux_queue_account(struct rp_mux_turn *t, size_t n)
{
	if (n == 0) {
		t->burst = 0;
		return;
	}
	uint32_t size = (uint32_t)RP_MIN(n, (size_t)RP_MUX_PACKET_MAX);
	t->average = (t->average * 3 + size) / 4;
	t->burst = RP_MIN(t->burst + size, SMALL_BURST_MAX);
}
