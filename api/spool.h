/* SPDX-License-Identifier: MIT */
/*
 * A file that is being received: written by libuv's pool as the bytes come, with its MD5. What is in
 * memory is bounded by what the sender is held to.
 */
#ifndef RP_API_SPOOL_H
#define RP_API_SPOOL_H

#include <stddef.h>
#include <stdint.h>

#include "core/defs.h"
#include "core/err.h"
#include "core/loop.h"

#define RP_SPOOL_MD5_BYTES 16

struct rp_spool;

struct rp_spool_ops {
	/* There is room again (after rp_spool_write had returned 1). */
	void (*on_room)(void *ctx);
	/* The file could not be written: err says why. The owner aborts. */
	void (*on_failed)(void *ctx, const struct rp_err *err);
	/* After rp_spool_finish: the file is whole and closed, the spool is freed after this call
	 * and the file is the owner's. */
	void (*on_done)(void *ctx, uint64_t size, const uint8_t md5[RP_SPOOL_MD5_BYTES]);
};

/* Makes the file (which must not exist, mode 0600) with the first bytes, or at the end. Callbacks
 * come from the loop only. */
RP_NODISCARD int rp_spool_new(struct rp_loop *loop, const char *path,
    const struct rp_spool_ops *ops, void *ctx, struct rp_spool **out);
/* Copies. 0; 1 = taken, but wait for on_room; RP_ENOMEM, RP_ELIMIT (nobody waited). */
RP_NODISCARD int rp_spool_write(struct rp_spool *s, const void *p, size_t n);
/* No more bytes: on_done or on_failed follows. */
void rp_spool_finish(struct rp_spool *s);
/* Removes the file and frees the spool, when nothing is under way any more. No callback comes. NULL
 * is fine. */
void rp_spool_abort(struct rp_spool *s);

#endif
