/* SPDX-License-Identifier: MIT */
/*
 * Queue of results that wait for a connection.
 */
#include "client/results.h"

#include <stdint.h>
#include <string.h>

#include "core/alloc.h"
#include "core/err.h"

#include "core/banned.h"

struct result {
	struct rp_list node;
	uint64_t number; /* of those sent, from 1; 0: waits */
	size_t n;
	uint8_t data[];
};

void rp_results_init(struct rp_results *r)
{
	*r = (struct rp_results){0};
	rp_list_init(&r->list);
}

static struct result *oldest(const struct rp_results *r)
{
	return RP_LIST_ENTRY(r->list.next, struct result, node);
}

static void drop_oldest(struct rp_results *r)
{
	struct result *e = oldest(r);
	rp_list_remove(&e->node);
	r->n_sent -= e->number != 0 ? 1 : 0;
	r->n--;
	r->bytes -= e->n;
	rp_free(e);
}

int rp_results_add(struct rp_results *r, const void *p, size_t n)
{
	if (n > RP_RESULTS_BYTES_MAX) {
		return RP_ELIMIT;
	}
	struct result *e = rp_malloc(sizeof(*e) + n);
	if (e == NULL) {
		return RP_ENOMEM;
	}
	while (r->n > 0 && (r->n >= RP_RESULTS_MAX || r->bytes + n > RP_RESULTS_BYTES_MAX)) {
		r->dropped += oldest(r)->number == 0 ? 1 : 0;
		drop_oldest(r);
	}
	e->number = 0;
	e->n = n;
	if (n > 0) {
		memcpy(e->data, p, n);
	}
	rp_list_append(&r->list, &e->node);
	r->n++;
	r->bytes += n;
	return 0;
}

int rp_results_flush(
    struct rp_results *r, int (*send)(void *ctx, const void *p, size_t n), void *ctx)
{
	struct rp_list *it;
	struct rp_list *tmp;
	RP_LIST_FOREACH(it, tmp, &r->list) {
		struct result *e = RP_LIST_ENTRY(it, struct result, node);
		int err = e->number != 0 ? 0 : send(ctx, e->data, e->n);
		if (err != 0) {
			return err;
		}
		if (e->number == 0) {
			e->number = ++r->sent;
			r->n_sent++;
		}
	}
	return 0;
}

void rp_results_arrived(struct rp_results *r, uint64_t sent)
{
	while (r->n_sent > 0 && oldest(r)->number <= sent) {
		drop_oldest(r);
	}
}

void rp_results_again(struct rp_results *r)
{
	struct rp_list *it;
	struct rp_list *tmp;
	RP_LIST_FOREACH(it, tmp, &r->list) {
		RP_LIST_ENTRY(it, struct result, node)->number = 0;
	}
	r->n_sent = 0;
}

void rp_results_fini(struct rp_results *r)
{
	while (r->n > 0) {
		drop_oldest(r);
	}
}
