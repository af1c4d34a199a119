/* SPDX-License-Identifier: MIT */
/*
 * Work that may hang in the kernel for ever (a file system whose server is gone, the command line of
 * a stuck process), on a thread of its own: the pool's few threads stay free, and whoever does not
 * want to wait any longer leaves it behind.
 */
#ifndef RP_CLIENT_ERRAND_H
#define RP_CLIENT_ERRAND_H

#include "core/defs.h"
#include "core/loop.h"

struct rp_errand;

/* work runs on the thread and touches nothing but arg. Then done gets arg back on the loop; of an
 * abandoned errand drop frees it, on either thread. */
struct rp_errand_ops {
	void (*work)(void *arg);
	void (*done)(void *ctx, void *arg);
	void (*drop)(void *arg);
};

/* On the loop's thread. Takes arg unless it fails. done comes once, never from inside this. */
RP_NODISCARD int rp_errand_start(struct rp_loop *loop, const struct rp_errand_ops *ops, void *arg,
    void *ctx, struct rp_errand **out);
/* On the loop's thread, before done and before the loop is freed; done does not come then. NULL is
 * fine. */
void rp_errand_abandon(struct rp_errand *e);

#endif
