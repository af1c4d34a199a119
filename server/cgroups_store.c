/* SPDX-License-Identifier: MIT */
/*
 * SQL of the client_groups table.
 */
#include "server/cgroups_store.h"

#include "core/alloc.h"

#include "core/banned.h"

int rp_cgroups_store_load(struct rp_store *s, rp_cgroups_row_fn fn, void *ctx, struct rp_err *err)
{
	struct rp_stmt *stmt;
	int code = rp_db_stmt(rp_store_db(s), "SELECT id, details FROM client_groups", &stmt, err);
	while (code == 0 && (code = rp_stmt_step(stmt, err)) == 1) {
		const char *id = rp_stmt_text(stmt, 0);
		const char *details = rp_stmt_text(stmt, 1);
		code = id == NULL || details == NULL ? 0 : fn(ctx, id, details);
		if (code != 0) {
			rp_stmt_reset(stmt);
			return rp_err_set(
			    err, code, "client groups cannot be loaded: %s", rp_err_text(code));
		}
	}
	return code;
}

struct row {
	char *id;
	char *json;
	bool create;
};

static void row_free(void *arg)
{
	struct row *r = arg;
	rp_free(r->id);
	rp_free(r->json);
	rp_free(r);
}

static struct row *row_new(const struct rp_cgroups_row *from)
{
	struct row *r = rp_calloc(1, sizeof(*r));
	if (r == NULL) {
		return NULL;
	}
	r->id = rp_strdup(from->id);
	r->json = from->json == NULL ? NULL : rp_strdup(from->json);
	r->create = from->create;
	if (r->id == NULL || (from->json != NULL && r->json == NULL)) {
		row_free(r);
		return NULL;
	}
	return r;
}

static int save_work(struct rp_db *db, void *arg, struct rp_err *err)
{
	const struct row *r = arg;
	struct rp_stmt *stmt;
	int code = rp_db_stmt(db,
	    r->create ? "INSERT INTO client_groups (id, details) VALUES (?, ?)"
	              : "INSERT INTO client_groups (id, details) VALUES (?, ?)"
	                " ON CONFLICT (id) DO UPDATE SET details = excluded.details",
	    &stmt, err);
	if (code != 0) {
		return code;
	}
	rp_stmt_bind_text(stmt, 1, r->id);
	rp_stmt_bind_text(stmt, 2, r->json);
	return rp_stmt_run(stmt, err);
}

static int delete_work(struct rp_db *db, void *arg, struct rp_err *err)
{
	const struct row *r = arg;
	return rp_db_run_with(db, "DELETE FROM client_groups WHERE id = ?", r->id, err);
}

static int submit(struct rp_store *s, struct rp_store_job *job)
{
	job->free_arg = row_free;
	return job->arg == NULL ? RP_ENOMEM : rp_store_submit(s, job);
}

int rp_cgroups_store_save(
    struct rp_store *s, const struct rp_cgroups_row *row, rp_store_done_cb done, void *ctx)
{
	struct rp_store_job job = {
	    .work = save_work, .arg = row_new(row), .done = done, .ctx = ctx};
	return submit(s, &job);
}

int rp_cgroups_store_delete(struct rp_store *s, const char *id, rp_store_done_cb done, void *ctx)
{
	const struct rp_cgroups_row row = {.id = id};
	struct rp_store_job job = {
	    .work = delete_work, .arg = row_new(&row), .done = done, .ctx = ctx};
	return submit(s, &job);
}
