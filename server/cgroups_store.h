/* SPDX-License-Identifier: MIT */
/*
 * Client groups in SQLite.
 */
#ifndef RP_SERVER_CGROUPS_STORE_H
#define RP_SERVER_CGROUPS_STORE_H

#include "core/defs.h"
#include "core/err.h"
#include "server/details_store.h"

/* Blocking, at start. */
RP_NODISCARD int rp_cgroups_store_load(
    struct rp_store *s, rp_details_row_fn fn, void *ctx, struct rp_err *err);
RP_NODISCARD int rp_cgroups_store_save(
    struct rp_store *s, const struct rp_details_row *row, rp_store_done_cb done, void *ctx);
RP_NODISCARD int rp_cgroups_store_delete(
    struct rp_store *s, const char *id, rp_store_done_cb done, void *ctx);

#endif
