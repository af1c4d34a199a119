/* SPDX-License-Identifier: MIT */
/*
 * One pool per thread, counted references (http/iopool.h).
 */
#include "http/iopool.h"

#include "core/alloc.h"

#include "core/banned.h"

#define SPARE_MAX 8

struct rp_iopool {
	size_t refs;
	uint8_t *read_buf;
	uint8_t *plain_buf;
	unsigned n_spare;
	void *spare[SPARE_MAX];
};

static _Thread_local struct rp_iopool *current;

struct rp_iopool *rp_iopool_get(void)
{
	if (current != NULL) {
		current->refs++;
		return current;
	}
	struct rp_iopool *pool = rp_calloc(1, sizeof(*pool));
	if (pool == NULL) {
		return NULL;
	}
	pool->read_buf = rp_malloc(RP_IOPOOL_READ_SIZE + RP_IOPOOL_PLAIN_SIZE);
	if (pool->read_buf == NULL) {
		rp_free(pool);
		return NULL;
	}
	pool->plain_buf = pool->read_buf + RP_IOPOOL_READ_SIZE;
	pool->refs = 1;
	current = pool;
	return pool;
}

void rp_iopool_put(struct rp_iopool *pool)
{
	if (pool == NULL || --pool->refs > 0) {
		return;
	}
	RP_VERIFY(pool == current);
	for (unsigned i = 0; i < pool->n_spare; i++) {
		rp_free(pool->spare[i]);
	}
	rp_free(pool->read_buf);
	rp_free(pool);
	current = NULL;
}

uint8_t *rp_iopool_read_buf(struct rp_iopool *pool)
{
	return pool->read_buf;
}

uint8_t *rp_iopool_plain_buf(struct rp_iopool *pool)
{
	return pool->plain_buf;
}

void *rp_iopool_take(struct rp_iopool *pool)
{
	if (pool->n_spare > 0) {
		return pool->spare[--pool->n_spare];
	}
	return rp_malloc(RP_IOPOOL_BLOCK_SIZE);
}

void rp_iopool_give(struct rp_iopool *pool, void *block)
{
	if (pool->n_spare < SPARE_MAX) {
		pool->spare[pool->n_spare++] = block;
	} else {
		rp_free(block);
	}
}
