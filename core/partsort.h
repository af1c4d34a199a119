/* SPDX-License-Identifier: MIT */
/*
 * Sorts one page of an array of pointers: what stands at [from, end) afterwards is what would
 * stand there after sorting everything, at a fraction of the cost. The rest is in no order.
 */
#ifndef RP_CORE_PARTSORT_H
#define RP_CORE_PARTSORT_H

#include <stdbool.h>
#include <stddef.h>

/* cmp gets two elements and ctx, and is negative, 0 or positive as for qsort. */
typedef int (*rp_partsort_cmp)(const void *a, const void *b, void *ctx);
/* from <= end <= n. */
struct rp_partsort_range {
	size_t from;
	size_t end;
};
void rp_partsort(
    const void **v, size_t n, const struct rp_partsort_range *want, rp_partsort_cmp cmp, void *ctx);

#endif
