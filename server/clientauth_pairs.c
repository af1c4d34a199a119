/* SPDX-License-Identifier: MIT */
/*
 * Pairs of credentials in memory.
 */
#include "core/alloc.h"
#include "server/clientauth_int.h"

#include "core/banned.h"

struct pair {
	struct rp_hash_node node;
	char *id;
	char *password;
};

static void free_pair(struct rp_hash_node *node, void *ctx)
{
	struct rp_hash *h = ctx;
	struct pair *p = RP_CONTAINER_OF(node, struct pair, node);
	rp_hash_remove(h, node);
	rp_free(p->id);
	rp_free_secret(p->password);
	rp_free(p);
}

void rp_clientauth_pairs_free(struct rp_hash *h)
{
	rp_hash_each(h, free_pair, h);
	rp_hash_fini(h);
}

void rp_clientauth_pairs_remove(struct rp_hash *h, const char *id)
{
	struct rp_hash_node *node = rp_hash_get(h, id);
	if (node != NULL) {
		free_pair(node, h);
	}
}

int rp_clientauth_pairs_put(struct rp_hash *h, struct rp_str id, const char *password)
{
	struct pair *p = rp_calloc(1, sizeof(*p));
	if (p == NULL) {
		return RP_ENOMEM;
	}
	p->id = rp_str_dup(id);
	p->password = rp_strdup(password);
	if (p->id != NULL) {
		rp_clientauth_pairs_remove(h, p->id);
	}
	if (p->id == NULL || p->password == NULL || rp_hash_put(h, &p->node, p->id) != 0) {
		rp_free(p->id);
		rp_free_secret(p->password);
		rp_free(p);
		return RP_ENOMEM;
	}
	return 0;
}

const char *rp_clientauth_pairs_get(const struct rp_hash *h, const char *id)
{
	struct rp_hash_node *node = rp_hash_get(h, id);
	return node == NULL ? NULL : RP_CONTAINER_OF(node, struct pair, node)->password;
}

struct listing {
	struct rp_clientauth_list *out;
	int err;
};

static void list_pair(struct rp_hash_node *node, void *ctx)
{
	struct listing *l = ctx;
	const struct pair *p = RP_CONTAINER_OF(node, struct pair, node);
	if (l->err == 0) {
		l->err = rp_clientauth_list_add(l->out, p->id, p->password);
	}
}

int rp_clientauth_pairs_list(struct rp_hash *h, const char *id, struct rp_clientauth_list *out)
{
	struct listing l = {.out = out};
	if (id == NULL) {
		rp_hash_each(h, list_pair, &l);
		return l.err;
	}
	const char *password = rp_clientauth_pairs_get(h, id);
	return password == NULL ? 0 : rp_clientauth_list_add(out, id, password);
}
