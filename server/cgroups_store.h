/* SPDX-License-Identifier: MIT */
/*
 * Client groups in SQLite.
 */
#ifndef RP_SERVER_CGROUPS_STORE_H
#define RP_SERVER_CGROUPS_STORE_H

#include <stdbool.h>

#include "core/defs.h"
#include "core/err.h"
#include "server/store.h"

/* One stored group: its id and the rest as JSON. */
typedef int (*rp_cgroups_row_fn)(void *ctx, const char *id, const char *json);
/* Blocking, at start. */
RP_NODISCARD int rp_cgroups_store_load(
    struct rp_store *s, rp_cgroups_row_fn fn, void *ctx, struct rp_err *err);
/* Copies its texts. create: RP_EEXIST reaches done when there is such a group. */
struct rp_cgroups_row {
	const char *id;
	const char *json;
	bool create;
};
RP_NODISCARD int rp_cgroups_store_save(
    struct rp_store *s, const struct rp_cgroups_row *row, rp_store_done_cb done, void *ctx);
RP_NODISCARD int rp_cgroups_store_delete(
    struct rp_store *s, const char *id, rp_store_done_cb done, void *ctx);

#endif
