/* SPDX-License-Identifier: MIT */
/*
 * SQL of the client_groups table.
 */
#include "server/cgroups_store.h"

#include "core/banned.h"

static const char *const remove_group[] = {"DELETE FROM client_groups WHERE id = ?", NULL};
static const struct rp_details_table table = {
    .what = "client groups",
    .select = "SELECT id, details FROM client_groups",
    .insert = "INSERT INTO client_groups (id, details) VALUES (?, ?)",
    .put = "INSERT INTO client_groups (id, details) VALUES (?, ?)"
           " ON CONFLICT (id) DO UPDATE SET details = excluded.details",
    .remove = remove_group,
};

int rp_cgroups_store_load(struct rp_store *s, rp_details_row_fn fn, void *ctx, struct rp_err *err)
{
	return rp_details_load(s, &table, fn, ctx, err);
}

int rp_cgroups_store_save(
    struct rp_store *s, const struct rp_details_row *row, rp_store_done_cb done, void *ctx)
{
	return rp_details_save(s, &table, row, done, ctx);
}

int rp_cgroups_store_delete(struct rp_store *s, const char *id, rp_store_done_cb done, void *ctx)
{
	return rp_details_delete(s, &table, id, done, ctx);
}
