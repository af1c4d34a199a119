/* SPDX-License-Identifier: MIT */
/*
 * Refused connections told to the administrator: the first of a source at once, what follows as a
 * number once a minute. Of fixed size; costs one atomic load per tick while nothing is refused.
 * Safe from every thread; time comes from the caller.
 */
#ifndef RP_SERVER_REFUSALS_H
#define RP_SERVER_REFUSALS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "acl/gate.h"

/* Sources at the same time; those beyond share one count. */
#define RP_REFUSALS_SOURCES 64

struct rp_refusal {
	char source[RP_GATE_SOURCE_MAX];
	uint64_t n;     /* since the last line */
	uint64_t until; /* when the next line may come */
};

struct rp_refusals {
	const char *component; /* of the log */
	const char *why;
	pthread_mutex_t lock;
	atomic_size_t n; /* of v, which has one more for the others */
	struct rp_refusal v[RP_REFUSALS_SOURCES + 1];
};

/* component and why (there are too many …) are borrowed for as long as r lives. */
void rp_refusals_init(struct rp_refusals *r, const char *component, const char *why);
void rp_refusals_fini(struct rp_refusals *r);
/* A connection of that address was refused. */
void rp_refusals_add(struct rp_refusals *r, const char *addr, uint64_t now_ms);
/* Called now and then: a line for each source whose minute is over and that was refused since, the
 * other sources are forgotten. UINT64_MAX: every minute is over. */
void rp_refusals_tick(struct rp_refusals *r, uint64_t now_ms);

#endif
