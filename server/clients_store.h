/* SPDX-License-Identifier: MIT */
/*
 * Clients in SQLite: one row each, with the details as JSON. Writes go through the server's one
 * writer queue.
 */
#ifndef RP_SERVER_CLIENTS_STORE_H
#define RP_SERVER_CLIENTS_STORE_H

#include <stddef.h>

#include "core/db.h"
#include "core/defs.h"
#include "core/err.h"
#include "server/store.h"

/* One stored client: id and the JSON of struct rp_client_record (registry's business). */
typedef int (*rp_clients_store_row_fn)(void *ctx, const char *id, const char *json);
/* At start-up, blocking. */
RP_NODISCARD int rp_clients_store_load(
    struct rp_store *s, rp_clients_store_row_fn fn, void *ctx, struct rp_err *err);
/* Copies its arguments. done (may be NULL) on the control loop when it is on disk or has failed. */
RP_NODISCARD int rp_clients_store_save(
    struct rp_store *s, const char *id, const char *json, rp_store_done_cb done, void *ctx);
RP_NODISCARD int rp_clients_store_delete(
    struct rp_store *s, const char *id, rp_store_done_cb done, void *ctx);
/* done when all that was asked for before is on disk. */
RP_NODISCARD int rp_clients_store_sync(struct rp_store *s, rp_store_done_cb done, void *ctx);

#endif
