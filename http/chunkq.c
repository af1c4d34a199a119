/* SPDX-License-Identifier: MIT */
/*
 * Block list behind write queues (http/chunkq.h). A queue that starts with few bytes gets a small
 * block first, so that short answers do not touch a big one.
 */
#include "http/chunkq.h"

#include <string.h>

#include "core/alloc.h"
#include "core/err.h"

#include "core/banned.h"

struct rp_chunk {
	struct rp_chunk *next;
	size_t start;
	size_t end;
	size_t cap;
	uint8_t data[];
};

#define BLOCK_CAP (RP_IOPOOL_BLOCK_SIZE - sizeof(struct rp_chunk))
#define SMALL_CAP ((size_t)4096 - sizeof(struct rp_chunk))

static void chunk_free(struct rp_chunk *c, struct rp_iopool *pool)
{
	if (c->cap == BLOCK_CAP) {
		rp_iopool_give(pool, c);
	} else {
		rp_free(c);
	}
}

/* Appends an empty chunk with room for n bytes. */
static int grow(struct rp_chunkq *q, struct rp_iopool *pool, size_t n)
{
	struct rp_chunk *c;
	size_t cap = q->head == NULL && n <= SMALL_CAP / 2 ? SMALL_CAP : BLOCK_CAP;
	if (n > BLOCK_CAP) {
		cap = n;
	}
	if (cap == BLOCK_CAP) {
		c = rp_iopool_take(pool);
	} else {
		c = n > SIZE_MAX - sizeof(*c) ? NULL : rp_malloc(sizeof(*c) + cap);
	}
	if (c == NULL) {
		return RP_ENOMEM;
	}
	*c = (struct rp_chunk){.cap = cap};
	if (q->tail == NULL) {
		q->head = c;
	} else {
		q->tail->next = c;
	}
	q->tail = c;
	return 0;
}

static size_t room(const struct rp_chunkq *q)
{
	return q->tail == NULL ? 0 : q->tail->cap - q->tail->end;
}

void rp_chunkq_fini(struct rp_chunkq *q, struct rp_iopool *pool)
{
	while (q->head != NULL) {
		struct rp_chunk *c = q->head;
		q->head = c->next;
		chunk_free(c, pool);
	}
	*q = (struct rp_chunkq){0};
}

int rp_chunkq_reserve(struct rp_chunkq *q, struct rp_iopool *pool, size_t n, uint8_t **p)
{
	if (q->tail == NULL || room(q) < n) {
		int rc = grow(q, pool, n);
		if (rc != 0) {
			return rc;
		}
	}
	*p = q->tail->data + q->tail->end;
	return 0;
}

void rp_chunkq_commit(struct rp_chunkq *q, size_t n)
{
	RP_VERIFY(n <= room(q));
	if (n > 0) {
		q->tail->end += n;
		q->len += n;
	}
}

/* Appends what fits into the tail and returns how much that was. */
static size_t fill(struct rp_chunkq *q, const uint8_t *p, size_t n)
{
	size_t part = RP_MIN(n, room(q));
	if (part > 0) {
		memcpy(q->tail->data + q->tail->end, p, part);
		rp_chunkq_commit(q, part);
	}
	return part;
}

int rp_chunkq_add(
    struct rp_chunkq *q, struct rp_iopool *pool, const struct iovec *iov, int n, size_t total)
{
	/* The block for what does not fit is made first, so that a failure leaves nothing
	 * behind. */
	struct rp_chunk *tail = q->tail;
	size_t fits = room(q);
	if (total > fits) {
		int rc = grow(q, pool, total - fits);
		if (rc != 0) {
			return rc;
		}
	}
	struct rp_chunk *added = q->tail;
	if (tail != NULL) {
		q->tail = tail;
	}
	for (int i = 0; i < n; i++) {
		const uint8_t *p = iov[i].iov_base;
		size_t done = fill(q, p, iov[i].iov_len);
		if (done < iov[i].iov_len) {
			q->tail = added;
			(void)fill(q, p + done, iov[i].iov_len - done);
		}
	}
	q->tail = added;
	return 0;
}

unsigned rp_chunkq_iov(const struct rp_chunkq *q, struct iovec *iov, unsigned max)
{
	unsigned n = 0;
	for (struct rp_chunk *c = q->head; c != NULL && n < max; c = c->next) {
		if (c->end > c->start) {
			iov[n++] = (struct iovec){
			    .iov_base = c->data + c->start,
			    .iov_len = c->end - c->start,
			};
		}
	}
	return n;
}

void rp_chunkq_consume(struct rp_chunkq *q, struct rp_iopool *pool, size_t n)
{
	RP_VERIFY(n <= q->len);
	q->len -= n;
	while (q->head != NULL) {
		struct rp_chunk *c = q->head;
		size_t part = RP_MIN(n, c->end - c->start);
		c->start += part;
		n -= part;
		/* The tail keeps its room for more, unless all is gone. */
		if (c->start < c->end || (c == q->tail && q->len > 0)) {
			break;
		}
		q->head = c->next;
		chunk_free(c, pool);
	}
	if (q->head == NULL) {
		q->tail = NULL;
	}
}
