/* SPDX-License-Identifier: MIT */
/*
 * SQL of the totp_steps table.
 */
#include "api/twofa_store.h"

#include <string.h>

#include "core/alloc.h"

#include "core/banned.h"

static int delete_others(struct rp_db *db, const struct rp_totp_range *range, struct rp_err *err)
{
	struct rp_stmt *stmt;
	int code = rp_db_stmt(db, "DELETE FROM totp_steps WHERE step < ? OR step > ?", &stmt, err);
	if (code != 0) {
		return code;
	}
	rp_stmt_bind_i64(stmt, 1, range->first);
	rp_stmt_bind_i64(stmt, 2, range->last);
	return rp_stmt_run(stmt, err);
}

int rp_twofa_store_load(struct rp_store *store, const struct rp_totp_range *range,
    rp_twofa_row_fn fn, void *ctx, struct rp_err *err)
{
	struct rp_db *db = rp_store_db(store);
	struct rp_stmt *stmt;
	int code = delete_others(db, range, err);
	if (code == 0) {
		code = rp_db_stmt(db, "SELECT username, step FROM totp_steps", &stmt, err);
	}
	while (code == 0 && (code = rp_stmt_step(stmt, err)) == 1) {
		const char *username = rp_stmt_text(stmt, 0);
		code = username == NULL ? 0 : fn(ctx, username, rp_stmt_i64(stmt, 1));
		if (code != 0) {
			rp_stmt_reset(stmt);
			return rp_err_set(
			    err, code, "TOTP steps cannot be loaded: %s", rp_err_text(code));
		}
	}
	return code;
}

struct row {
	int64_t step;
	char username[];
};

static int save_work(struct rp_db *db, void *arg, struct rp_err *err)
{
	const struct row *r = arg;
	struct rp_stmt *stmt;
	int code = rp_db_stmt(db,
	    "INSERT INTO totp_steps (username, step) VALUES (?, ?)"
	    " ON CONFLICT (username) DO UPDATE SET step = excluded.step",
	    &stmt, err);
	if (code != 0) {
		return code;
	}
	rp_stmt_bind_text(stmt, 1, r->username);
	rp_stmt_bind_i64(stmt, 2, r->step);
	return rp_stmt_run(stmt, err);
}

int rp_twofa_store_save(
    struct rp_store *store, const char *username, int64_t step, rp_store_done_cb done, void *ctx)
{
	size_t n = strlen(username) + 1;
	struct row *r = rp_malloc(sizeof(*r) + n);
	if (r == NULL) {
		return RP_ENOMEM;
	}
	r->step = step;
	memcpy(r->username, username, n);
	const struct rp_store_job job = {
	    .work = save_work,
	    .arg = r,
	    .free_arg = rp_free,
	    .done = done,
	    .ctx = ctx,
	};
	return rp_store_submit(store, &job);
}
