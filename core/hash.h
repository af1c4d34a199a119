/* SPDX-License-Identifier: MIT */
/*
 * Hash table from text keys to objects that embed the node. Keys may come from peers, so the
 * hash is
 * seeded at random per table.
 */
#ifndef RP_CORE_HASH_H
#define RP_CORE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "core/defs.h"

struct rp_hash_node {
	struct rp_hash_node *next;
	const char *key; /* borrowed from the object, must not change while in the table */
	uint64_t hash;
};

struct rp_hash {
	struct rp_hash_node **slots;
	size_t n_slots;
	size_t count;
	uint64_t seed;
};

/* No allocation. */
void rp_hash_init(struct rp_hash *h);
/* Frees the table, not the objects. */
void rp_hash_fini(struct rp_hash *h);
struct rp_hash_node *rp_hash_get(const struct rp_hash *h, const char *key);
/* The key must not be in the table yet. RP_ENOMEM only for the very first slot array; later
 * growth is optional. */
RP_NODISCARD int rp_hash_put(struct rp_hash *h, struct rp_hash_node *node, const char *key);
/* The node must be in the table. */
void rp_hash_remove(struct rp_hash *h, struct rp_hash_node *node);
/* Calls fn for every node; fn may remove (and free) the node it gets. */
void rp_hash_each(struct rp_hash *h, void (*fn)(struct rp_hash_node *node, void *ctx), void *ctx);

#endif
