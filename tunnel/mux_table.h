/* SPDX-License-Identifier: MIT */
/*
 * Channel numbers of one mux. A number is an index with a generation above it, and freed indexes
 * wait in a row: a late message for a channel that has ended never reaches a new one.
 */
#ifndef RP_TUNNEL_MUX_TABLE_H
#define RP_TUNNEL_MUX_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "core/defs.h"

struct rp_channel;

struct rp_mux_slot {
	struct rp_channel *channel;
	uint32_t generation;
	uint32_t next_free;
};

struct rp_mux_table {
	struct rp_mux_slot *slots;
	uint32_t n;    /* slots that exist */
	uint32_t max;  /* channels */
	uint32_t used; /* channels */
	uint32_t free_first;
	uint32_t free_last;
	unsigned index_bits;
};

/* No allocation. max up to 2^20. */
void rp_mux_table_init(struct rp_mux_table *t, size_t max);
void rp_mux_table_fini(struct rp_mux_table *t);
/* A number for c. RP_EBUSY: max reached; RP_ENOMEM. */
RP_NODISCARD int rp_mux_table_add(struct rp_mux_table *t, struct rp_channel *c, uint32_t *id);
/* NULL if there is none. */
struct rp_channel *rp_mux_table_find(const struct rp_mux_table *t, uint32_t id);
void rp_mux_table_remove(struct rp_mux_table *t, uint32_t id);

#endif
