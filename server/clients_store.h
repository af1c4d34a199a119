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
#include "server/details_store.h"

/* At start-up, blocking. The details are the JSON of struct rp_client. */
RP_NODISCARD int rp_clients_store_load(
    struct rp_store *s, rp_details_row_fn fn, void *ctx, struct rp_err *err);
/* Copies its arguments. done (may be NULL) on the control loop when it is on disk or has failed. */
RP_NODISCARD int rp_clients_store_save(
    struct rp_store *s, const char *id, const char *json, rp_store_done_cb done, void *ctx);
RP_NODISCARD int rp_clients_store_delete(
    struct rp_store *s, const char *id, rp_store_done_cb done, void *ctx);
/* done when all that was asked for before is on disk. */
RP_NODISCARD int rp_clients_store_sync(struct rp_store *s, rp_store_done_cb done, void *ctx);

#endif
