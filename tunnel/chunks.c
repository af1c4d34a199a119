/* SPDX-License-Identifier: MIT */
/*
 * A singly linked list of blocks; the last one may have room left.
 */
#include "tunnel/chunks.h"

#include <string.h>

#include "core/alloc.h"
#include "core/err.h"

#include "core/banned.h"

#define BLOCK_MIN 4000u

struct rp_chunk {
	struct rp_chunk *next;
	size_t from;
	size_t to;
	size_t cap;
	uint8_t data[];
};

/* Copies what fits behind the last bytes; returns how many. */
static size_t fill_last(struct rp_chunks *q, const uint8_t *p, size_t n)
{
	struct rp_chunk *k = q->last;
	size_t take = k == NULL ? 0 : RP_MIN(n, k->cap - k->to);
	if (take > 0) {
		memcpy(k->data + k->to, p, take);
		k->to += take;
	}
	return take;
}

int rp_chunks_add(struct rp_chunks *q, const uint8_t *p, size_t n)
{
	size_t room = q->last == NULL ? 0 : q->last->cap - q->last->to;
	struct rp_chunk *k = NULL;
	if (n > room) {
		size_t cap = RP_MAX(n - room, (size_t)BLOCK_MIN);
		k = rp_malloc(sizeof(*k) + cap);
		if (k == NULL) {
			return RP_ENOMEM;
		}
		*k = (struct rp_chunk){.cap = cap};
	}
	size_t taken = fill_last(q, p, n);
	if (k != NULL) {
		memcpy(k->data, p + taken, n - taken);
		k->to = n - taken;
		if (q->last == NULL) {
			q->first = k;
		} else {
			q->last->next = k;
		}
		q->last = k;
	}
	q->size += n;
	return 0;
}

int rp_chunks_iov(const struct rp_chunks *q, struct iovec *iov, int max)
{
	int n = 0;
	for (struct rp_chunk *k = q->first; k != NULL && n < max; k = k->next) {
		iov[n++] = (struct iovec){
		    .iov_base = k->data + k->from, .iov_len = k->to - k->from};
	}
	return n;
}

void rp_chunks_consume(struct rp_chunks *q, size_t n)
{
	RP_VERIFY(n <= q->size);
	q->size -= n;
	while (n > 0) {
		struct rp_chunk *k = q->first;
		size_t take = RP_MIN(n, k->to - k->from);
		k->from += take;
		n -= take;
		if (k->from == k->to) {
			q->first = k->next;
			rp_free(k);
		}
	}
	if (q->first == NULL) {
		q->last = NULL;
	}
}

void rp_chunks_fini(struct rp_chunks *q)
{
	rp_chunks_consume(q, q->size);
}
