/* SPDX-License-Identifier: MIT */
/*
 * Quicksort that leaves alone every part without a wanted element. The pivots are random: the order
 * of the elements may come from peers.
 */
#include "core/partsort.h"

#include "core/crypto.h"
#include "core/defs.h"

#include "core/banned.h"

#define SMALL 12

struct part {
	size_t low;
	size_t high; /* excluded */
};

static void swap(const void **v, size_t a, size_t b)
{
	const void *t = v[a];
	v[a] = v[b];
	v[b] = t;
}

static void insertion(const void **v, struct part p, rp_partsort_cmp cmp, void *ctx)
{
	for (size_t i = p.low + 1; i < p.high; i++) {
		for (size_t k = i; k > p.low && cmp(v[k - 1], v[k], ctx) > 0; k--) {
			swap(v, k - 1, k);
		}
	}
}

/* Where the second part begins; neither is empty, and nothing in the first is behind anything in
 * the second. */
static size_t split(const void **v, struct part p, rp_partsort_cmp cmp, void *ctx)
{
	size_t at = p.low + rp_random_below(p.high - p.low);
	size_t i = p.low;
	size_t k = p.high - 1;
	swap(v, p.low, at);
	const void *pivot = v[p.low];
	for (;;) {
		while (cmp(v[i], pivot, ctx) < 0) {
			i++;
		}
		while (cmp(v[k], pivot, ctx) > 0) {
			k--;
		}
		if (i >= k) {
			return k + 1;
		}
		swap(v, i++, k--);
	}
}

static size_t length(struct part p)
{
	return p.high - p.low;
}

void rp_partsort(
    const void **v, size_t n, const struct rp_partsort_range *want, rp_partsort_cmp cmp, void *ctx)
{
	/* The larger of two parts waits, so there are at most as many as n has bits. */
	struct part waiting[sizeof(n) * 8];
	size_t n_waiting = 0;
	struct part p = {.low = 0, .high = n};
	for (;;) {
		if (p.low >= want->end || p.high <= want->from || length(p) <= SMALL) {
			insertion(v, length(p) <= SMALL ? p : (struct part){0}, cmp, ctx);
			if (n_waiting == 0) {
				return;
			}
			p = waiting[--n_waiting];
			continue;
		}
		size_t at = split(v, p, cmp, ctx);
		struct part left = {.low = p.low, .high = at};
		struct part right = {.low = at, .high = p.high};
		bool left_first = length(left) < length(right);
		waiting[n_waiting++] = left_first ? right : left;
		p = left_first ? left : right;
	}
}
