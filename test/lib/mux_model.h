/* SPDX-License-Identifier: MIT */
/*
 * A mux against a model of RFC 4254, driven by a byte string: the same bytes always do the same,
 * whether a random number generator or a fuzzer made them. Either two muxes talk to each other
 * (through packet queues, or through a pair of SSH sessions in random pieces), or one mux listens
 * to a peer that says anything. Owners open, write, read, close and leave at any time and inside
 * of every callback; transports are full, held and lost, allocations fail.
 *
 * What is checked stands at the rules (mux_model_rules.c: what may be on the wire), at the owners
 * (mux_model_owner.c, mux_model_calls.c: what callbacks must come) and at the end of a run
 * (mux_model.c: everything arrives when nobody stops it).
 */
#ifndef RP_TEST_LIB_MUX_MODEL_H
#define RP_TEST_LIB_MUX_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ssh/hostkey.h"

struct rp_model_options {
	/* NULL: no runs through SSH sessions. Borrowed. */
	const struct rp_hostkey *key;
	/* Most bytes that all channels of one run together are given to send. */
	size_t bytes_max;
};

/* What runs have done, added up; for judging whether they reach everything. */
struct rp_model_stats {
	uint64_t runs, hostile, ssh, cut, out_of_memory, violations, rested;
	uint64_t packets, bytes, opens, closes, calls, rekeys, batches;
};

/* One run. NULL, or what was found (static text, valid until the next run). stats may be NULL. */
const char *rp_model_run(const struct rp_model_options *opt, const uint8_t *data, size_t n,
    struct rp_model_stats *stats);

#endif
