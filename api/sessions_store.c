/* SPDX-License-Identifier: MIT */
/*
 * SQL of the api_sessions table.
 */
#include "api/sessions_store.h"

#include "core/alloc.h"

#include "core/banned.h"

static int delete_ended(struct rp_db *db, int64_t now, struct rp_err *err)
{
	struct rp_stmt *stmt;
	int code = rp_db_stmt(db, "DELETE FROM api_sessions WHERE expires_at < ?", &stmt, err);
	if (code != 0) {
		return code;
	}
	rp_stmt_bind_i64(stmt, 1, now);
	return rp_stmt_run(stmt, err);
}

int rp_sessions_store_load(
    struct rp_store *store, int64_t now, rp_sessions_row_fn fn, void *ctx, struct rp_err *err)
{
	struct rp_db *db = rp_store_db(store);
	struct rp_stmt *stmt;
	int code = delete_ended(db, now, err);
	if (code == 0) {
		code = rp_db_stmt(db,
		    "SELECT id, username, expires_at, last_access_at, user_agent, ip_address"
		    " FROM api_sessions",
		    &stmt, err);
	}
	while (code == 0 && (code = rp_stmt_step(stmt, err)) == 1) {
		const struct rp_session s = {
		    .id = (uint64_t)rp_stmt_i64(stmt, 0),
		    .username = (char *)(uintptr_t)rp_stmt_text(stmt, 1),
		    .expires_at = rp_stmt_i64(stmt, 2),
		    .last_access_at = rp_stmt_i64(stmt, 3),
		    .user_agent = (char *)(uintptr_t)rp_stmt_text(stmt, 4),
		    .ip_address = (char *)(uintptr_t)rp_stmt_text(stmt, 5),
		};
		code = s.username == NULL ? 0 : fn(ctx, &s);
		if (code != 0) {
			rp_stmt_reset(stmt);
			return rp_err_set(
			    err, code, "sessions cannot be loaded: %s", rp_err_text(code));
		}
	}
	return code;
}

struct row {
	struct rp_session s;
};

static void row_free(void *arg)
{
	struct row *r = arg;
	rp_free(r->s.username);
	rp_free(r->s.user_agent);
	rp_free(r->s.ip_address);
	rp_free(r);
}

static int save_work(struct rp_db *db, void *arg, struct rp_err *err)
{
	const struct row *r = arg;
	struct rp_stmt *stmt;
	int code = rp_db_stmt(db,
	    "INSERT INTO api_sessions (id, username, expires_at, last_access_at, user_agent, ip_address)"
	    " VALUES (?, ?, ?, ?, ?, ?)"
	    " ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at,"
	    " last_access_at = excluded.last_access_at",
	    &stmt, err);
	if (code != 0) {
		return code;
	}
	rp_stmt_bind_i64(stmt, 1, (int64_t)r->s.id);
	rp_stmt_bind_text(stmt, 2, r->s.username);
	rp_stmt_bind_i64(stmt, 3, r->s.expires_at);
	rp_stmt_bind_i64(stmt, 4, r->s.last_access_at);
	rp_stmt_bind_text(stmt, 5, r->s.user_agent);
	rp_stmt_bind_text(stmt, 6, r->s.ip_address);
	return rp_stmt_run(stmt, err);
}

int rp_sessions_store_save(
    struct rp_store *store, const struct rp_session *s, rp_store_done_cb done, void *ctx)
{
	struct row *r = rp_calloc(1, sizeof(*r));
	if (r == NULL) {
		return RP_ENOMEM;
	}
	r->s = *s;
	r->s.username = rp_strdup(s->username);
	r->s.user_agent = rp_strdup(s->user_agent);
	r->s.ip_address = rp_strdup(s->ip_address);
	if (r->s.username == NULL || r->s.user_agent == NULL || r->s.ip_address == NULL) {
		row_free(r);
		return RP_ENOMEM;
	}
	const struct rp_store_job job = {
	    .work = save_work,
	    .arg = r,
	    .free_arg = row_free,
	    .done = done,
	    .ctx = ctx,
	};
	return rp_store_submit(store, &job);
}

static int delete_work(struct rp_db *db, void *arg, struct rp_err *err)
{
	const struct row *r = arg;
	struct rp_stmt *stmt;
	int code = rp_db_stmt(db, "DELETE FROM api_sessions WHERE id = ?", &stmt, err);
	if (code != 0) {
		return code;
	}
	rp_stmt_bind_i64(stmt, 1, (int64_t)r->s.id);
	return rp_stmt_run(stmt, err);
}

int rp_sessions_store_delete(struct rp_store *store, uint64_t id, rp_store_done_cb done, void *ctx)
{
	struct row *r = rp_calloc(1, sizeof(*r));
	if (r == NULL) {
		return RP_ENOMEM;
	}
	r->s.id = id;
	const struct rp_store_job job = {
	    .work = delete_work,
	    .arg = r,
	    .free_arg = row_free,
	    .done = done,
	    .ctx = ctx,
	};
	return rp_store_submit(store, &job);
}

static int delete_user_work(struct rp_db *db, void *arg, struct rp_err *err)
{
	const struct row *r = arg;
	return rp_db_run_with(
	    db, "DELETE FROM api_sessions WHERE username = ?", r->s.username, err);
}

int rp_sessions_store_delete_user(
    struct rp_store *store, const char *username, rp_store_done_cb done, void *ctx)
{
	struct row *r = rp_calloc(1, sizeof(*r));
	if (r == NULL) {
		return RP_ENOMEM;
	}
	r->s.username = rp_strdup(username);
	if (r->s.username == NULL) {
		row_free(r);
		return RP_ENOMEM;
	}
	const struct rp_store_job job = {
	    .work = delete_user_work,
	    .arg = r,
	    .free_arg = row_free,
	    .done = done,
	    .ctx = ctx,
	};
	return rp_store_submit(store, &job);
}
