/* SPDX-License-Identifier: MIT */
/*
 * Credentials that clients log in with (wire protocol 2.5): one static pair, a JSON file of pairs,
 * or a table of a database that the administrator made (rport-config 4.2). What others write into
 * file or table counts from the next login on. Looked up from every worker; compared in constant
 * time.
 */
#ifndef RP_SERVER_CLIENTAUTH_H
#define RP_SERVER_CLIENTAUTH_H

#include <stdbool.h>
#include <stddef.h>

#include "core/defs.h"
#include "core/err.h"
#include "server/config.h"
#include "server/store.h"

/* More pairs than these are not listed, and a file does not get them over the API. */
#define RP_CLIENTAUTH_MAX 200000

struct rp_clientauth;

/* "id:password" (split at the first colon). `invalid client auth credentials, expected
 * '<client-id>:<password>', got …` without the secret. */
RP_NODISCARD int rp_clientauth_static(
    const char *pair, struct rp_clientauth **out, struct rp_err *err);
/* File as rport-config 4.2, at most 16 MiB. A broken new version is logged and the old content
 * stays. */
RP_NODISCARD int rp_clientauth_file(
    const char *path, struct rp_clientauth **out, struct rp_err *err);
/* Table with the columns id and password in an SQLite file. */
RP_NODISCARD int rp_clientauth_table(
    const char *file, const char *table, struct rp_clientauth **out, struct rp_err *err);
/* Whichever of them the configuration names. */
RP_NODISCARD int rp_clientauth_open(
    const struct rp_server_config *cfg, struct rp_clientauth **out, struct rp_err *err);
void rp_clientauth_free(struct rp_clientauth *a);

/* From any thread. */
bool rp_clientauth_check(struct rp_clientauth *a, const char *id, const char *password);
/* "Static Credentials", "File" or "DB". */
const char *rp_clientauth_source(const struct rp_clientauth *a);
/* False for the static pair. */
bool rp_clientauth_writable(const struct rp_clientauth *a);

struct rp_clientauth_pair {
	char *id;
	char *password;
};
struct rp_clientauth_list {
	struct rp_clientauth_pair *v;
	size_t n;
};

/* The three below run on the store's queue and answer once on the control loop after 0. */

/* All pairs in the order of their ids, or those (one or none) of id. The list is borrowed. */
typedef void (*rp_clientauth_list_cb)(
    void *ctx, int code, const struct rp_clientauth_list *list, const struct rp_err *err);
RP_NODISCARD int rp_clientauth_list(struct rp_clientauth *a, struct rp_store *store, const char *id,
    rp_clientauth_list_cb cb, void *ctx);
/* RP_EEXIST, RP_ELIMIT, RP_EUNSUPPORTED reach done. */
RP_NODISCARD int rp_clientauth_add(struct rp_clientauth *a, struct rp_store *store,
    const struct rp_clientauth_pair *pair, rp_store_done_cb done, void *ctx);
/* RP_ENOENT, RP_EUNSUPPORTED reach done. */
RP_NODISCARD int rp_clientauth_remove(struct rp_clientauth *a, struct rp_store *store,
    const char *id, rp_store_done_cb done, void *ctx);

#endif
