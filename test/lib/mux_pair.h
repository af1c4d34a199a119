/* SPDX-License-Identifier: MIT */
/*
 * Two muxes joined by packet queues in memory, for tests and benchmarks without SSH. Every packet
 * is also judged as the strictest installed peer would: nothing after CLOSE, no data message over
 * the limits.
 */
#ifndef RP_TEST_LIB_MUX_PAIR_H
#define RP_TEST_LIB_MUX_PAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/list.h"
#include "core/loop.h"
#include "tunnel/mux.h"

/* Above it a queue counts as full, below half of it as drained. */
#define RP_PAIR_QUEUE_HIGH (256u * 1024)

struct rp_pair;

struct rp_pair_end {
	struct rp_pair *pair;
	int index; /* 0, 1 */
	struct rp_mux *mux;
	struct rp_list out;   /* packets for the other end */
	uint8_t *room;        /* reserved for a packet */
	struct rp_list held;  /* sent while it was */
	bool batch;           /* of its options */
	struct rp_list spent; /* delivered to it, not flushed yet */
	unsigned spent_n;
	size_t queued; /* bytes in out */
	size_t queued_max;
	bool full;
	bool run_wanted;
	const char *error; /* of on_error */
	const char *abuse; /* what a strict peer would not stand */
	uint32_t *closed;  /* recipients that got CLOSE */
	size_t closed_n;
	uint32_t packet_max; /* what the other end takes in a data message */
	uint64_t packets;
	uint64_t adjusts; /* WINDOW_ADJUST messages sent */

	void *user;
	void (*on_request)(
	    struct rp_pair_end *e, struct rp_str name, uint64_t ticket, const uint8_t *p, size_t n);
	void (*on_open)(struct rp_pair_end *e, struct rp_channel *c, struct rp_str type,
	    const uint8_t *extra, size_t n);
};

struct rp_pair {
	struct rp_pair_end end[2];
	struct rp_loop *loop; /* NULL: the test delivers */
	struct rp_deferred pump;
	bool broken; /* nothing is delivered any more */
};

/* opt may be NULL, or two options. With a loop packets are delivered by themselves. 0 or
 * RP_ENOMEM. */
int rp_pair_init(struct rp_pair *p, const struct rp_mux_options *opt, struct rp_loop *loop);
/* Frees both muxes; fine on a failed or zeroed one. */
void rp_pair_fini(struct rp_pair *p);
/* Frees one mux, as a lost connection does. */
void rp_pair_kill(struct rp_pair *p, int index);
/* Delivers one packet of end e; false: there was none. */
bool rp_pair_deliver(struct rp_pair_end *e);
/* Runs and delivers until nothing moves any more. */
void rp_pair_settle(struct rp_pair *p);
/* What went wrong on either end, or NULL. */
const char *rp_pair_trouble(const struct rp_pair *p);

#endif
