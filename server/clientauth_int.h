/* SPDX-License-Identifier: MIT */
/*
 * Insides of the clients' credentials, shared by server/clientauth*.c: what a source of them does,
 * and the table of pairs that two of them keep in memory.
 */
#ifndef RP_SERVER_CLIENTAUTH_INT_H
#define RP_SERVER_CLIENTAUTH_INT_H

#include "core/hash.h"
#include "server/clientauth.h"

/* check comes from any thread, the others from one at a time. */
struct rp_clientauth_source {
	const char *name;
	bool (*check)(void *self, const char *id, const char *password);
	/* Appends to the empty list; need not sort. */
	int (*list)(void *self, const char *id, struct rp_clientauth_list *out, struct rp_err *err);
	int (*add)(void *self, const struct rp_clientauth_pair *pair, struct rp_err *err);
	int (*remove)(void *self, const char *id, struct rp_err *err);
	void (*free)(void *self);
};

/* Takes self, also on failure. */
RP_NODISCARD int rp_clientauth_new(const struct rp_clientauth_source *source, void *self,
    struct rp_clientauth **out, struct rp_err *err);
RP_NODISCARD int rp_clientauth_list_add(
    struct rp_clientauth_list *l, const char *id, const char *password);
/* Does password equal want? want NULL: takes as long and answers false. */
bool rp_clientauth_equal(const char *want, const char *password);

/* Pairs in memory. Of a repeated id the last one counts, as with the original's JSON reader. */
RP_NODISCARD int rp_clientauth_pairs_put(
    struct rp_hash *pairs, struct rp_str id, const char *password);
/* NULL if there is no such id. */
const char *rp_clientauth_pairs_get(const struct rp_hash *h, const char *id);
void rp_clientauth_pairs_remove(struct rp_hash *h, const char *id);
RP_NODISCARD int rp_clientauth_pairs_list(
    struct rp_hash *h, const char *id, struct rp_clientauth_list *out);
void rp_clientauth_pairs_free(struct rp_hash *h);

#endif
