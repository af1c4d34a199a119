/* SPDX-License-Identifier: MIT */
/*
 * Slots are reused oldest first, each time with the next generation in the number, so that a
 * number comes back only after 2^12 (for the default limit 2^18) uses of the same slot.
 */
#include "tunnel/mux_table.h"

#include <stdint.h>

#include "core/alloc.h"
#include "core/err.h"

#include "core/banned.h"

#define MAX_BITS    20u
#define SLOTS_FIRST 8u
#define NONE        UINT32_MAX

void rp_mux_table_init(struct rp_mux_table *t, size_t max)
{
	*t = (struct rp_mux_table){.free_first = NONE, .free_last = NONE};
	t->max = (uint32_t)RP_MIN(max, (size_t)1 << MAX_BITS);
	while (((uint32_t)1 << t->index_bits) < t->max) {
		t->index_bits++;
	}
}

void rp_mux_table_fini(struct rp_mux_table *t)
{
	rp_free(t->slots);
	t->slots = NULL;
	t->n = 0;
}

/* Appends slot i to the row of free ones. */
static void put_free(struct rp_mux_table *t, uint32_t i)
{
	t->slots[i].next_free = NONE;
	if (t->free_last == NONE) {
		t->free_first = i;
	} else {
		t->slots[t->free_last].next_free = i;
	}
	t->free_last = i;
}

static int grow(struct rp_mux_table *t)
{
	uint32_t n = RP_MIN(RP_MAX(t->n * 2, SLOTS_FIRST), t->max);
	struct rp_mux_slot *slots = rp_reallocarray(t->slots, n, sizeof(*slots));
	if (slots == NULL) {
		return RP_ENOMEM;
	}
	t->slots = slots;
	for (uint32_t i = t->n; i < n; i++) {
		slots[i] = (struct rp_mux_slot){.next_free = NONE};
		put_free(t, i);
	}
	t->n = n;
	return 0;
}

int rp_mux_table_add(struct rp_mux_table *t, struct rp_channel *c, uint32_t *id)
{
	if (t->used >= t->max) {
		return RP_EBUSY;
	}
	if (t->free_first == NONE) {
		int rc = grow(t);
		if (rc != 0) {
			return rc;
		}
	}
	uint32_t i = t->free_first;
	struct rp_mux_slot *slot = &t->slots[i];
	t->free_first = slot->next_free;
	if (t->free_first == NONE) {
		t->free_last = NONE;
	}
	slot->channel = c;
	t->used++;
	*id = (uint32_t)((uint64_t)slot->generation << t->index_bits) | i;
	return 0;
}

/* Index of a number that is in use, else NONE. */
static uint32_t index_of(const struct rp_mux_table *t, uint32_t id)
{
	uint32_t i = id & (((uint32_t)1 << t->index_bits) - 1);
	if (i >= t->n || t->slots[i].channel == NULL) {
		return NONE;
	}
	return t->slots[i].generation == id >> t->index_bits ? i : NONE;
}

struct rp_channel *rp_mux_table_find(const struct rp_mux_table *t, uint32_t id)
{
	uint32_t i = index_of(t, id);
	return i == NONE ? NULL : t->slots[i].channel;
}

void rp_mux_table_remove(struct rp_mux_table *t, uint32_t id)
{
	uint32_t i = index_of(t, id);
	RP_VERIFY(i != NONE);
	t->slots[i].channel = NULL;
	t->slots[i].generation = (t->slots[i].generation + 1) & (UINT32_MAX >> t->index_bits);
	t->used--;
	put_free(t, i);
}
