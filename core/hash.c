/* SPDX-License-Identifier: MIT */
/* Chained hash table, doubled at a load of one. */
#include "core/hash.h"

#include <string.h>

#include "core/alloc.h"
#include "core/crypto.h"
#include "core/err.h"

#include "core/banned.h"

#define SLOTS_MIN 64

void rp_hash_init(struct rp_hash *h)
{
	memset(h, 0, sizeof(*h));
	h->seed = rp_random_u64();
}

void rp_hash_fini(struct rp_hash *h)
{
	rp_free(h->slots);
	h->slots = NULL;
	h->n_slots = 0;
	h->count = 0;
}

/* FNV-1a started at a secret, then mixed: without the seed nobody can aim keys at one slot. */
static uint64_t hash_of(const struct rp_hash *h, const char *key)
{
	uint64_t v = h->seed;
	for (; *key != '\0'; key++) {
		v = (v ^ (uint8_t)*key) * UINT64_C(0x100000001b3);
		v ^= v >> 29;
	}
	v = (v ^ (v >> 32)) * UINT64_C(0xd6e8feb86659fd93);
	return v ^ (v >> 32) ^ h->seed;
}

static struct rp_hash_node **slot_of(const struct rp_hash *h, uint64_t hash)
{
	return &h->slots[hash & (h->n_slots - 1)];
}

struct rp_hash_node *rp_hash_get(const struct rp_hash *h, const char *key)
{
	if (h->n_slots == 0) {
		return NULL;
	}
	uint64_t hash = hash_of(h, key);
	struct rp_hash_node *n = *slot_of(h, hash);
	while (n != NULL && (n->hash != hash || strcmp(n->key, key) != 0)) {
		n = n->next;
	}
	return n;
}

/* A failed growth only makes the chains longer. */
static int grow(struct rp_hash *h)
{
	size_t n = h->n_slots == 0 ? SLOTS_MIN : h->n_slots * 2;
	struct rp_hash_node **slots = rp_calloc(n, sizeof(struct rp_hash_node *));
	if (slots == NULL) {
		return RP_ENOMEM;
	}
	for (size_t i = 0; i < h->n_slots; i++) {
		struct rp_hash_node *node = h->slots[i];
		while (node != NULL) {
			struct rp_hash_node *next = node->next;
			node->next = slots[node->hash & (n - 1)];
			slots[node->hash & (n - 1)] = node;
			node = next;
		}
	}
	rp_free(h->slots);
	h->slots = slots;
	h->n_slots = n;
	return 0;
}

int rp_hash_put(struct rp_hash *h, struct rp_hash_node *node, const char *key)
{
	if (h->count >= h->n_slots && grow(h) != 0 && h->n_slots == 0) {
		return RP_ENOMEM;
	}
	node->key = key;
	node->hash = hash_of(h, key);
	struct rp_hash_node **slot = slot_of(h, node->hash);
	node->next = *slot;
	*slot = node;
	h->count++;
	return 0;
}

void rp_hash_remove(struct rp_hash *h, struct rp_hash_node *node)
{
	struct rp_hash_node **at = slot_of(h, node->hash);
	while (*at != NULL && *at != node) {
		at = &(*at)->next;
	}
	RP_VERIFY(*at == node);
	*at = node->next;
	node->next = NULL;
	h->count--;
}

void rp_hash_each(struct rp_hash *h, void (*fn)(struct rp_hash_node *node, void *ctx), void *ctx)
{
	for (size_t i = 0; i < h->n_slots; i++) {
		struct rp_hash_node *node = h->slots[i];
		while (node != NULL) {
			struct rp_hash_node *next = node->next;
			fn(node, ctx);
			node = next;
		}
	}
}
