/* SPDX-License-Identifier: MIT */
/*
 * The statements are the tables'.
 */
#include "server/details_store.h"

#include "core/alloc.h"

#include "core/banned.h"

int rp_details_load(struct rp_store *s, const struct rp_details_table *t, rp_details_row_fn fn,
    void *ctx, struct rp_err *err)
{
	struct rp_stmt *stmt;
	int code = rp_db_stmt(rp_store_db(s), t->select, &stmt, err);
	while (code == 0 && (code = rp_stmt_step(stmt, err)) == 1) {
		const char *id = rp_stmt_text(stmt, 0);
		const char *details = rp_stmt_text(stmt, 1);
		code = id == NULL || details == NULL ? 0 : fn(ctx, id, details);
		if (code != 0) {
			rp_stmt_reset(stmt);
			return rp_err_set(
			    err, code, "%s cannot be loaded: %s", t->what, rp_err_text(code));
		}
	}
	return code;
}

struct row {
	const struct rp_details_table *table;
	char *id;
	char *details;
	bool create;
};

static void row_free(void *arg)
{
	struct row *r = arg;
	rp_free(r->id);
	rp_free(r->details);
	rp_free(r);
}

static struct row *row_new(const struct rp_details_table *t, const struct rp_details_row *from)
{
	struct row *r = rp_calloc(1, sizeof(*r));
	if (r == NULL) {
		return NULL;
	}
	r->table = t;
	r->id = rp_strdup(from->id);
	r->details = from->details == NULL ? NULL : rp_strdup(from->details);
	r->create = from->create;
	if (r->id == NULL || (from->details != NULL && r->details == NULL)) {
		row_free(r);
		return NULL;
	}
	return r;
}

static int save_work(struct rp_db *db, void *arg, struct rp_err *err)
{
	const struct row *r = arg;
	struct rp_stmt *stmt;
	int code = rp_db_stmt(db, r->create ? r->table->insert : r->table->put, &stmt, err);
	if (code != 0) {
		return code;
	}
	rp_stmt_bind_text(stmt, 1, r->id);
	rp_stmt_bind_text(stmt, 2, r->details);
	return rp_stmt_run(stmt, err);
}

static int delete_work(struct rp_db *db, void *arg, struct rp_err *err)
{
	const struct row *r = arg;
	int code = rp_db_begin(db, err);
	if (code != 0) {
		return code;
	}
	for (size_t i = 0; code == 0 && r->table->remove[i] != NULL; i++) {
		code = rp_db_run_with(db, r->table->remove[i], r->id, err);
	}
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

int rp_details_save(struct rp_store *s, const struct rp_details_table *t,
    const struct rp_details_row *row, rp_store_done_cb done, void *ctx)
{
	struct rp_store_job job = {
	    .work = save_work, .arg = row_new(t, row), .done = done, .ctx = ctx};
	return submit(s, &job);
}

int rp_details_delete(struct rp_store *s, const struct rp_details_table *t, const char *id,
    rp_store_done_cb done, void *ctx)
{
	const struct rp_details_row row = {.id = id};
	struct rp_store_job job = {
	    .work = delete_work, .arg = row_new(t, &row), .done = done, .ctx = ctx};
	return submit(s, &job);
}
