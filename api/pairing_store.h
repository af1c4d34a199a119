/* SPDX-License-Identifier: MIT */
/*
 * The pairings table: what a code (core/paircode.h) stands for until it ends. Neither code nor
 * credentials can be got out of it. Each call runs on the store's queue and answers once on the
 * control loop after 0.
 */
#ifndef RP_API_PAIRING_STORE_H
#define RP_API_PAIRING_STORE_H

#include "core/json.h"
#include "core/paircode.h"
#include "server/store.h"

/* More at a time is RP_ELIMIT. */
#define RP_PAIRINGS_MAX 1000
/* A code that is guessed at ends. */
#define RP_PAIRING_TRIES_MAX 10

struct rp_pairing {
	char *id;
	char *proof_hash;
	char *sealed;  /* base64 */
	char *api_url; /* of this server, as the new client sees it */
	char *connect_url;
	char *client_auth_id;
	bool own_auth; /* the credentials were made for this pairing */
	char *created_by;
	int64_t created_at;
	int64_t expires_at;
	int64_t uses; /* how many clients may come */
	int64_t used; /* how many have come */
};

/* What the API shows of it. */
extern const struct rp_json_table rp_pairing_table;
void rp_pairing_fini(struct rp_pairing *p);

struct rp_pairing_list {
	struct rp_pairing *v;
	size_t n;
};
/* The list is borrowed. */
typedef void (*rp_pairing_list_cb)(
    void *ctx, int code, const struct rp_pairing_list *list, const struct rp_err *err);

/* Copies *p. Those that have ended by then are removed, and the list has them. RP_ELIMIT; RP_EEXIST:
 * the id is taken. */
RP_NODISCARD int rp_pairing_add(
    struct rp_store *store, const struct rp_pairing *p, rp_pairing_list_cb cb, void *ctx);
/* Those that have not ended, oldest first; id NULL: all. */
RP_NODISCARD int rp_pairing_find(
    struct rp_store *store, const char *id, rp_pairing_list_cb cb, void *ctx);
/* The list has the removed one; RP_ENOENT. */
RP_NODISCARD int rp_pairing_remove(
    struct rp_store *store, const char *id, rp_pairing_list_cb cb, void *ctx);
/* Uses it up by one and gives it; RP_EAUTH: another proof; RP_ENOENT: there is none, or it is used
 * up. */
RP_NODISCARD int rp_pairing_use(struct rp_store *store, const char *id, const char *proof_hash,
    rp_pairing_list_cb cb, void *ctx);

#endif
