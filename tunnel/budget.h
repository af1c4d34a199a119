/* SPDX-License-Identifier: MIT */
/*
 * What the receive windows of a whole process may promise to peers together (`tunnel_memory`). A
 * window is memory only if its reader stops, but then it may be all of it, so the sum of the
 * promises is what is limited.
 *
 * One counter, shared by all threads without a lock; it is touched when a window opens, grows,
 * shrinks or ends, never for data.
 *
 * Fair shares need no list of windows: a window may double only while what stays free is as large
 * as it would then be, and one that is more than twice as large as what is free has to give half
 * of itself back. A single busy channel gets the quarter of the limit that is allowed at most,
 * many get equal parts, and something is always left for the next.
 *
 * Over-commitment: a new window gets RP_BUDGET_FLOOR (32 KiB) even when nothing is free, so that
 * a channel more never fails. The limit is exceeded by nothing else, thus by at most 32 KiB for
 * each channel, whose number rp_mux_options.channels_max bounds per connection.
 */
#ifndef RP_TUNNEL_BUDGET_H
#define RP_TUNNEL_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/defs.h"

/* The smallest limit that a configuration may set. */
#define RP_BUDGET_MIN (16 << 20)
/* No window is opened smaller than this (unless less is asked for). */
#define RP_BUDGET_FLOOR 32768u
/* No window is made to give back more than down to this. */
#define RP_BUDGET_KEEP (256u * 1024)

struct rp_budget {
	uint64_t limit;
	_Atomic uint64_t promised;
};

void rp_budget_init(struct rp_budget *b, uint64_t limit);
/* For monitoring and tests. */
uint64_t rp_budget_promised(const struct rp_budget *b);
/* What a new window gets: wanted while the budget is comfortable (a 64th of what is free is
 * more), less when it gets short, never less than the floor. */
RP_NODISCARD uint32_t rp_budget_open(struct rp_budget *b, uint32_t wanted);
/* A window of this size wants to double: what it may add, at most its size, 0 for nothing. */
RP_NODISCARD uint32_t rp_budget_grow(struct rp_budget *b, uint32_t size);
/* What a window of this size has to give back for the others, 0 for nothing. */
uint32_t rp_budget_excess(const struct rp_budget *b, uint32_t size);
void rp_budget_give(struct rp_budget *b, uint32_t n);

#endif
