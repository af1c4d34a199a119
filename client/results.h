/* SPDX-License-Identifier: MIT */
/*
 * Results of commands: kept, up to a limit, until there is a registered connection and until it is
 * known that they arrived. The server does not acknowledge them, but answers a ping in the order
 * of what it reads. The oldest go first when there are too many.
 */
#ifndef RP_CLIENT_RESULTS_H
#define RP_CLIENT_RESULTS_H

#include <stddef.h>
#include <stdint.h>

#include "core/defs.h"
#include "core/list.h"

#define RP_RESULTS_MAX       256
#define RP_RESULTS_BYTES_MAX ((size_t)8 * 1024 * 1024)

struct rp_results {
	struct rp_list list; /* those that were sent come first */
	size_t n;
	size_t n_sent;
	uint64_t sent; /* so far, also what is forgotten */
	size_t bytes;
	size_t dropped; /* so far, of those that were not sent */
};

/* No allocation. */
void rp_results_init(struct rp_results *r);
/* Keeps a copy behind the others. RP_ENOMEM; RP_ELIMIT if it alone is over the limit. */
RP_NODISCARD int rp_results_add(struct rp_results *r, const void *p, size_t n);
/* Hands out those that wait, in order, until send fails, and keeps them. Returns send's code. send
 * must not touch r. */
int rp_results_flush(
    struct rp_results *r, int (*send)(void *ctx, const void *p, size_t n), void *ctx);
/* What had been sent when r->sent was so much has arrived: forgotten. */
void rp_results_arrived(struct rp_results *r, uint64_t sent);
/* The connection is lost: what may not have arrived waits again. */
void rp_results_again(struct rp_results *r);
void rp_results_fini(struct rp_results *r);

#endif
