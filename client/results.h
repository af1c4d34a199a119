/* SPDX-License-Identifier: MIT */
/*
 * Results of commands that ended while there was no registered connection: kept, up to a limit,
 * until one is there again. The oldest go first when there are too many.
 */
#ifndef RP_CLIENT_RESULTS_H
#define RP_CLIENT_RESULTS_H

#include <stddef.h>

#include "core/defs.h"
#include "core/list.h"

#define RP_RESULTS_MAX       256
#define RP_RESULTS_BYTES_MAX ((size_t)8 * 1024 * 1024)

struct rp_results {
	struct rp_list list;
	size_t n;
	size_t bytes;
	size_t dropped; /* so far */
};

/* No allocation. */
void rp_results_init(struct rp_results *r);
/* Keeps a copy behind the others. RP_ENOMEM; RP_ELIMIT if it alone is over the limit. */
RP_NODISCARD int rp_results_add(struct rp_results *r, const void *p, size_t n);
/* Hands out one after the other, in order, until send fails; what was sent is forgotten.
 * Returns send's code. send must not touch r. */
int rp_results_flush(
    struct rp_results *r, int (*send)(void *ctx, const void *p, size_t n), void *ctx);
void rp_results_fini(struct rp_results *r);

#endif
