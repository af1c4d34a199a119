/* SPDX-License-Identifier: MIT */
/*
 * SQL of the clients table.
 */
#include "server/clients_store.h"

#include "core/alloc.h"

#include "core/banned.h"

int rp_clients_store_load(
    struct rp_store *s, rp_clients_store_row_fn fn, void *ctx, struct rp_err *err)
{
	struct rp_stmt *stmt;
	int code = rp_db_stmt(rp_store_db(s), "SELECT id, details FROM clients", &stmt, err);
	if (code != 0) {
		return code;
	}
	while ((code = rp_stmt_step(stmt, err)) == 1) {
		const char *id = rp_stmt_text(stmt, 0);
		const char *details = rp_stmt_text(stmt, 1);
		if (id == NULL || details == NULL) {
			continue;
		}
		code = fn(ctx, id, details);
		if (code != 0) {
			rp_stmt_reset(stmt);
			return rp_err_set(
			    err, code, "clients cannot be loaded: %s", rp_err_text(code));
		}
	}
	return code;
}

struct row {
	char *id;
	char *json;
};

static void row_free(void *arg)
{
	struct row *r = arg;
	rp_free(r->id);
	rp_free(r->json);
	rp_free(r);
}

static struct row *row_new(const char *id, const char *json)
{
	struct row *r = rp_calloc(1, sizeof(*r));
	if (r == NULL) {
		return NULL;
	}
	r->id = rp_strdup(id);
	r->json = json == NULL ? NULL : rp_strdup(json);
	if (r->id == NULL || (json != NULL && r->json == NULL)) {
		row_free(r);
		return NULL;
	}
	return r;
}

static int save_work(struct rp_db *db, void *arg, struct rp_err *err)
{
	struct row *r = arg;
	struct rp_stmt *stmt;
	int code = rp_db_stmt(db,
	    "INSERT INTO clients (id, details) VALUES (?, ?)"
	    " ON CONFLICT (id) DO UPDATE SET details = excluded.details",
	    &stmt, err);
	if (code != 0) {
		return code;
	}
	rp_stmt_bind_text(stmt, 1, r->id);
	rp_stmt_bind_text(stmt, 2, r->json);
	return rp_stmt_run(stmt, err);
}

/* With what exists only for this client. */
static int delete_work(struct rp_db *db, void *arg, struct rp_err *err)
{
	struct row *r = arg;
	int code = rp_db_begin(db, err);
	if (code != 0) {
		return code;
	}
	code = rp_db_run_with(db, "DELETE FROM clients WHERE id = ?", r->id, err);
	code = code != 0
	    ? code
	    : rp_db_run_with(db, "DELETE FROM stored_tunnels WHERE client_id = ?", r->id, err);
	if (code != 0) {
		rp_db_rollback(db);
		return code;
	}
	return rp_db_commit(db, err);
}

static int submit(struct rp_store *s, struct rp_store_job *job)
{
	job->free_arg = row_free;
	return job->arg == NULL ? RP_ENOMEM : rp_store_submit(s, job);
}

int rp_clients_store_save(
    struct rp_store *s, const char *id, const char *json, rp_store_done_cb done, void *ctx)
{
	struct rp_store_job job = {
	    .work = save_work,
	    .arg = row_new(id, json),
	    .done = done,
	    .ctx = ctx,
	};
	return submit(s, &job);
}

int rp_clients_store_delete(struct rp_store *s, const char *id, rp_store_done_cb done, void *ctx)
{
	struct rp_store_job job = {
	    .work = delete_work,
	    .arg = row_new(id, NULL),
	    .done = done,
	    .ctx = ctx,
	};
	return submit(s, &job);
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
