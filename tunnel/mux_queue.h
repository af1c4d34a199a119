/* SPDX-License-Identifier: MIT */
/*
 * Order in which channels with data get their turns: round robin, those with small writes first,
 * but never so many of them that bulk data stands still.
 */
#ifndef RP_TUNNEL_MUX_QUEUE_H
#define RP_TUNNEL_MUX_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/list.h"

struct rp_mux_queue {
	struct rp_list small;
	struct rp_list bulk;
	unsigned small_turns; /* in a row, while bulk data waited */
};

/* A channel's place; embedded in it. Zero-initialised is fine. */
struct rp_mux_turn {
	struct rp_list node;
	uint32_t average; /* of its last pulls, bytes */
	uint32_t burst;   /* bytes since it had nothing the last time */
};

void rp_mux_queue_init(struct rp_mux_queue *q);
bool rp_mux_queue_empty(const struct rp_mux_queue *q);
/* Puts t at the end of its list. Harmless for one that waits already. */
void rp_mux_queue_add(struct rp_mux_queue *q, struct rp_mux_turn *t);
/* Harmless for one that does not wait. */
void rp_mux_queue_remove(struct rp_mux_turn *t);
/* Takes the next out of the queue; NULL: nobody waits. */
struct rp_mux_turn *rp_mux_queue_take(struct rp_mux_queue *q);
/* What t gave in its turn, 0 = it has no more. It is not added again by this. */
void rp_mux_queue_account(struct rp_mux_turn *t, size_t n);

#endif
