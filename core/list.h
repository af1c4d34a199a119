/* SPDX-License-Identifier: MIT */
/*
 * Intrusive doubly linked list. A node is in at most one list; a zeroed or initialised node that is
 * alone counts as "not in a list".
 */
#ifndef RP_CORE_LIST_H
#define RP_CORE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "core/defs.h"

struct rp_list {
	struct rp_list *prev;
	struct rp_list *next;
};

static inline void rp_list_init(struct rp_list *l)
{
	l->prev = l;
	l->next = l;
}

static inline bool rp_list_empty(const struct rp_list *l)
{
	return l->next == l || l->next == NULL;
}

static inline void rp_list_append(struct rp_list *head, struct rp_list *node)
{
	node->prev = head->prev;
	node->next = head;
	head->prev->next = node;
	head->prev = node;
}

static inline void rp_list_prepend(struct rp_list *head, struct rp_list *node)
{
	node->next = head->next;
	node->prev = head;
	head->next->prev = node;
	head->next = node;
}

/* Harmless for a node that is in no list. */
static inline void rp_list_remove(struct rp_list *node)
{
	if (node->next != NULL) {
		node->next->prev = node->prev;
		node->prev->next = node->next;
	}
	rp_list_init(node);
}

#define RP_LIST_ENTRY(node, type, member) RP_CONTAINER_OF(node, type, member)

/* The body may remove the current node, nothing else. */
#define RP_LIST_FOREACH(it, tmp, head)                                \
	for ((it) = (head)->next, (tmp) = (it)->next; (it) != (head); \
	     (it) = (tmp), (tmp) = (it)->next)

#endif
