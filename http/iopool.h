/* SPDX-License-Identifier: MIT */
/*
 * Memory that the streams of one thread share: the buffer that reads go into, one for decrypted
 * bytes, and a few spare blocks for write queues. An idle stream so owns no buffer. Exists as long
 * as a stream holds it.
 */
#ifndef RP_HTTP_IOPOOL_H
#define RP_HTTP_IOPOOL_H

#include <stddef.h>
#include <stdint.h>

#include "core/defs.h"

#define RP_IOPOOL_READ_SIZE  ((size_t)256 * 1024)
#define RP_IOPOOL_PLAIN_SIZE ((size_t)16 * 1024)
/* Four WebSocket frames of 32 KiB with their heads. */
#define RP_IOPOOL_BLOCK_SIZE ((size_t)132 * 1024)

struct rp_iopool;

/* The calling thread's pool, one reference more; NULL: no memory. Put back on the same thread. */
RP_NODISCARD struct rp_iopool *rp_iopool_get(void);
void rp_iopool_put(struct rp_iopool *pool);

/* RP_IOPOOL_READ_SIZE bytes; content is lost with the next use by another stream. */
uint8_t *rp_iopool_read_buf(struct rp_iopool *pool);
/* RP_IOPOOL_PLAIN_SIZE bytes, likewise. */
uint8_t *rp_iopool_plain_buf(struct rp_iopool *pool);

/* A block of RP_IOPOOL_BLOCK_SIZE bytes, used before or fresh; NULL: no memory. */
RP_NODISCARD void *rp_iopool_take(struct rp_iopool *pool);
void rp_iopool_give(struct rp_iopool *pool, void *block);

#endif
