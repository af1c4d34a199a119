/* SPDX-License-Identifier: MIT */
/*
 * Bytes that a socket did not take yet, in blocks of their size. Small pieces share a block, so
 * that a hostile peer cannot make a window of single bytes cost many times its size.
 */
#ifndef RP_TUNNEL_CHUNKS_H
#define RP_TUNNEL_CHUNKS_H

#include <stddef.h>
#include <stdint.h>

#include <sys/uio.h>

#include "core/defs.h"

struct rp_chunk;

/* Zero-initialised is empty. */
struct rp_chunks {
	struct rp_chunk *first;
	struct rp_chunk *last;
	size_t size;
};

/* Copies. RP_ENOMEM: nothing was added. */
RP_NODISCARD int rp_chunks_add(struct rp_chunks *q, const uint8_t *p, size_t n);
/* Fills up to max pieces from the front; returns how many. */
int rp_chunks_iov(const struct rp_chunks *q, struct iovec *iov, int max);
/* Drops n <= size bytes from the front. */
void rp_chunks_consume(struct rp_chunks *q, size_t n);
void rp_chunks_fini(struct rp_chunks *q);

#endif
