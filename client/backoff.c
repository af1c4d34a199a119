/* SPDX-License-Identifier: MIT */
/*
 * Waits between attempts to connect.
 */
#include "client/backoff.h"

#include "core/banned.h"

#define DOUBLINGS_MAX 20u

void rp_backoff_init(struct rp_backoff *b, int64_t max_count, uint64_t cap_ms)
{
	*b = (struct rp_backoff){.max_count = max_count, .cap_ms = cap_ms};
}

void rp_backoff_was_up(struct rp_backoff *b, uint64_t up_ms)
{
	if (up_ms >= RP_BACKOFF_STABLE_MS) {
		b->retries = 0;
		b->doublings = 0;
		b->at_once = false;
	}
}

void rp_backoff_new_network(struct rp_backoff *b)
{
	b->doublings = 0;
}

/* Uniform in [low, high]. */
static uint64_t between(uint64_t low, uint64_t high, uint64_t random)
{
	return low + random % (high - low + 1);
}

int64_t rp_backoff_next(struct rp_backoff *b, enum rp_retry why, uint64_t busy_ms, uint64_t random)
{
	if (why == RP_RETRY_LOST && !b->at_once) {
		b->at_once = true;
		return 0;
	}
	if (b->max_count >= 0 && b->retries >= (uint64_t)b->max_count) {
		return -1;
	}
	b->retries++;
	if (why == RP_RETRY_NO_LINK) {
		uint64_t longest = RP_MIN((uint64_t)RP_BACKOFF_NO_LINK_MAX_MS, b->cap_ms);
		return (int64_t)between(
		    RP_MIN((uint64_t)RP_BACKOFF_MIN_MS, longest), longest, random);
	}
	uint64_t doublings = RP_MIN(b->doublings, (uint64_t)DOUBLINGS_MAX);
	b->doublings++;
	if (why == RP_RETRY_BUSY && busy_ms > 0) {
		return (int64_t)between(0, RP_MIN(busy_ms, b->cap_ms), random);
	}
	uint64_t min = why == RP_RETRY_REFUSED ? RP_BACKOFF_REFUSED_MIN_MS : RP_BACKOFF_MIN_MS;
	min = RP_MIN(min, b->cap_ms);
	uint64_t max = RP_MIN((2 * min) << doublings, b->cap_ms);
	return (int64_t)between(min, max, random);
}
