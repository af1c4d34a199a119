/* SPDX-License-Identifier: MIT */
/*
 * SQL of the clients table.
 */
#include "server/clients_store.h"

#include "core/banned.h"

/* With a client goes what exists only for it. */
static const char *const remove_client[] = {
    "DELETE FROM clients WHERE id = ?",
    "DELETE FROM stored_tunnels WHERE client_id = ?",
    NULL,
};
static const struct rp_details_table table = {
    .what = "clients",
    .select = "SELECT id, details FROM clients",
    .put = "INSERT INTO clients (id, details) VALUES (?, ?)"
           " ON CONFLICT (id) DO UPDATE SET details = excluded.details",
    .remove = remove_client,
};

int rp_clients_store_load(struct rp_store *s, rp_details_row_fn fn, void *ctx, struct rp_err *err)
{
	return rp_details_load(s, &table, fn, ctx, err);
}

int rp_clients_store_save(
    struct rp_store *s, const char *id, const char *json, rp_store_done_cb done, void *ctx)
{
	const struct rp_details_row row = {.id = id, .details = json};
	return rp_details_save(s, &table, &row, done, ctx);
}

int rp_clients_store_delete(struct rp_store *s, const char *id, rp_store_done_cb done, void *ctx)
{
	return rp_details_delete(s, &table, id, done, ctx);
}

static int no_work(struct rp_db *db, void *arg, struct rp_err *err)
{
	(void)db;
	(void)arg;
	(void)err;
	return 0;
}

int rp_clients_store_sync(struct rp_store *s, rp_store_done_cb done, void *ctx)
{
	const struct rp_store_job job = {.work = no_work, .done = done, .ctx = ctx};
	return rp_store_submit(s, &job);
}
