/* SPDX-License-Identifier: MIT */
/*
 * Tells when the machine woke from sleep or somebody set its clock, at once: the kernel cancels a
 * timer on the wall clock for both. Timers of the loop do not run during sleep, so that after it
 * everything is later than they believe.
 */
#ifndef RP_CLIENT_CLOCKWATCH_H
#define RP_CLIENT_CLOCKWATCH_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "core/defs.h"

struct rp_clock_reading {
	int64_t boot_ns; /* runs during sleep */
	int64_t mono_ns; /* does not */
	int64_t real_ns; /* can be set */
};

/* Both 0 when nothing of at least a second happened. */
struct rp_clock_change {
	int64_t slept_ns;
	int64_t set_ns; /* negative: backwards */
};

typedef void (*rp_clockwatch_cb)(void *ctx, const struct rp_clock_change *change);

struct rp_clockwatch {
	uv_poll_t poll;
	int fd;
	bool open;
	struct rp_clock_reading last;
	rp_clockwatch_cb on_change;
	void *ctx;
};

/* Pure. */
struct rp_clock_change rp_clockwatch_compare(
    const struct rp_clock_reading *before, const struct rp_clock_reading *now);
/* Starts to watch; rp_clockwatch_close in every case. UV_E*: the kernel cannot do it. */
RP_NODISCARD int rp_clockwatch_start(
    struct rp_clockwatch *w, uv_loop_t *loop, rp_clockwatch_cb on_change, void *ctx);
/* No callback comes afterwards; *w stays until the loop has gone on. */
void rp_clockwatch_close(struct rp_clockwatch *w);

#endif
