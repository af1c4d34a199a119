/* SPDX-License-Identifier: MIT */
/*
 * The counter only ever guards itself, so relaxed order is enough everywhere.
 */
#include "tunnel/budget.h"

#include "core/banned.h"

/* Of what is free, for a new window. */
#define OPEN_SHARE 64u
/* Of the limit, for one window. */
#define WINDOW_SHARE 4u
/* Far from the 2^32-1 that the protocol allows, so that positions can be compared. */
#define WINDOW_MAX ((uint32_t)1 << 30)

void rp_budget_init(struct rp_budget *b, uint64_t limit)
{
	b->limit = limit;
	atomic_init(&b->promised, 0);
}

uint64_t rp_budget_promised(const struct rp_budget *b)
{
	return atomic_load_explicit(&b->promised, memory_order_relaxed);
}

static uint64_t free_of(const struct rp_budget *b, uint64_t promised)
{
	return b->limit - RP_MIN(promised, b->limit);
}

/* Adds n unless another thread changed the counter since it was *promised. */
static bool add(struct rp_budget *b, uint64_t *promised, uint32_t n)
{
	return atomic_compare_exchange_weak_explicit(
	    &b->promised, promised, *promised + n, memory_order_relaxed, memory_order_relaxed);
}

uint32_t rp_budget_open(struct rp_budget *b, uint32_t wanted)
{
	uint64_t promised = rp_budget_promised(b);
	uint32_t size;
	do {
		uint64_t share = free_of(b, promised) / OPEN_SHARE;
		share -= share % RP_BUDGET_FLOOR;
		size = (uint32_t)RP_MIN(RP_MAX(share, RP_BUDGET_FLOOR), wanted);
	} while (!add(b, &promised, size));
	return size;
}

uint32_t rp_budget_grow(struct rp_budget *b, uint32_t size)
{
	uint64_t max = RP_MIN(b->limit / WINDOW_SHARE, WINDOW_MAX);
	if (size >= max) {
		return 0;
	}
	uint32_t n = (uint32_t)RP_MIN(max - size, size);
	uint64_t promised = rp_budget_promised(b);
	do {
		if (free_of(b, promised) < (uint64_t)size + n + n) {
			return 0;
		}
	} while (!add(b, &promised, n));
	return n;
}

uint32_t rp_budget_excess(const struct rp_budget *b, uint32_t size)
{
	if (size <= RP_BUDGET_KEEP || size / 2 <= free_of(b, rp_budget_promised(b))) {
		return 0;
	}
	return RP_MIN(size / 2, size - RP_BUDGET_KEEP);
}

void rp_budget_give(struct rp_budget *b, uint32_t n)
{
	uint64_t before = atomic_fetch_sub_explicit(&b->promised, n, memory_order_relaxed);
	RP_VERIFY(before >= n);
}
