/* SPDX-License-Identifier: MIT */
/*
 * Queue of bytes in a list of blocks: appending and consuming never move what is queued, and an
 * empty queue holds no memory. Memory handed out by rp_chunkq_iov stays valid until it is consumed,
 * also while more is appended.
 */
#ifndef RP_HTTP_CHUNKQ_H
#define RP_HTTP_CHUNKQ_H

#include <stddef.h>
#include <stdint.h>

#include <sys/uio.h>

#include "core/defs.h"
#include "http/iopool.h"

struct rp_chunk;

struct rp_chunkq {
	struct rp_chunk *head;
	struct rp_chunk *tail;
	size_t len;
};

/* Zero-initialised is empty. The pool is always the same one. */
void rp_chunkq_fini(struct rp_chunkq *q, struct rp_iopool *pool);
/* n contiguous bytes at *p, to be filled and committed. RP_ENOMEM; then nothing changed. */
RP_NODISCARD int rp_chunkq_reserve(
    struct rp_chunkq *q, struct rp_iopool *pool, size_t n, uint8_t **p);
void rp_chunkq_commit(struct rp_chunkq *q, size_t n);
/* All pieces or none of them. total is the sum of their lengths. */
RP_NODISCARD int rp_chunkq_add(
    struct rp_chunkq *q, struct rp_iopool *pool, const struct iovec *iov, int n, size_t total);
/* Fills at most max entries from the front and returns how many. */
unsigned rp_chunkq_iov(const struct rp_chunkq *q, struct iovec *iov, unsigned max);
/* Drops n bytes from the front. */
void rp_chunkq_consume(struct rp_chunkq *q, struct rp_iopool *pool, size_t n);

#endif
