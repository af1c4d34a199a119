/* SPDX-License-Identifier: MIT */
/*
 * SQL of the api_tokens table.
 */
#include "api/tokens_store.h"

#include <stdio.h>
#include <string.h>

#include "core/alloc.h"

#include "core/banned.h"

/* False: a row that nobody here has written. */
static bool read_row(struct rp_stmt *stmt, struct rp_token *t)
{
	const char *prefix = rp_stmt_text(stmt, 1);
	const char *scope = rp_stmt_text(stmt, 3);
	const char *hash = rp_stmt_text(stmt, 6);
	*t = (struct rp_token){
	    .username = (char *)(uintptr_t)rp_stmt_text(stmt, 0),
	    .name = (char *)(uintptr_t)rp_stmt_text(stmt, 2),
	    .created_at = rp_stmt_i64(stmt, 4),
	    .expires_at = rp_stmt_i64(stmt, 5),
	};
	if (t->username == NULL || t->name == NULL || prefix == NULL || scope == NULL ||
	    hash == NULL || rp_scope_parse(scope, &t->scope) != 0) {
		return false;
	}
	(void)snprintf(t->prefix, sizeof(t->prefix), "%s", prefix);
	(void)snprintf(t->hash, sizeof(t->hash), "%s", hash);
	return true;
}

int rp_tokens_store_load(struct rp_store *store, rp_tokens_row_fn fn, void *ctx, struct rp_err *err)
{
	struct rp_stmt *stmt;
	int code = rp_db_stmt(rp_store_db(store),
	    "SELECT username, prefix, name, scope, created_at, expires_at, token_hash"
	    " FROM api_tokens ORDER BY created_at, prefix",
	    &stmt, err);
	while (code == 0 && (code = rp_stmt_step(stmt, err)) == 1) {
		struct rp_token t;
		code = read_row(stmt, &t) ? fn(ctx, &t) : 0;
		if (code != 0) {
			rp_stmt_reset(stmt);
			return rp_err_set(
			    err, code, "API tokens cannot be loaded: %s", rp_err_text(code));
		}
	}
	return code;
}

static void row_free(void *arg)
{
	struct rp_token *t = arg;
	rp_free(t->username);
	rp_free(t->name);
	rp_free(t);
}

static int add_work(struct rp_db *db, void *arg, struct rp_err *err)
{
	const struct rp_token *t = arg;
	struct rp_stmt *stmt;
	int code = rp_db_stmt(db,
	    "INSERT INTO api_tokens"
	    " (username, prefix, name, scope, created_at, expires_at, token_hash)"
	    " VALUES (?, ?, ?, ?, ?, ?, ?)",
	    &stmt, err);
	if (code != 0) {
		return code;
	}
	rp_stmt_bind_text(stmt, 1, t->username);
	rp_stmt_bind_text(stmt, 2, t->prefix);
	rp_stmt_bind_text(stmt, 3, t->name);
	rp_stmt_bind_text(stmt, 4, rp_scope_name(t->scope));
	rp_stmt_bind_i64(stmt, 5, t->created_at);
	rp_stmt_bind_i64(stmt, 6, t->expires_at);
	rp_stmt_bind_text(stmt, 7, t->hash);
	return rp_stmt_run(stmt, err);
}

static int change_work(struct rp_db *db, void *arg, struct rp_err *err)
{
	const struct rp_token *t = arg;
	struct rp_stmt *stmt;
	int code = rp_db_stmt(db,
	    "UPDATE api_tokens SET name = ?, expires_at = ? WHERE username = ? AND prefix = ?",
	    &stmt, err);
	if (code != 0) {
		return code;
	}
	rp_stmt_bind_text(stmt, 1, t->name);
	rp_stmt_bind_i64(stmt, 2, t->expires_at);
	rp_stmt_bind_text(stmt, 3, t->username);
	rp_stmt_bind_text(stmt, 4, t->prefix);
	return rp_stmt_run(stmt, err);
}

static int delete_work(struct rp_db *db, void *arg, struct rp_err *err)
{
	const struct rp_token *t = arg;
	struct rp_stmt *stmt;
	int code = rp_db_stmt(
	    db, "DELETE FROM api_tokens WHERE username = ? AND prefix = ?", &stmt, err);
	if (code != 0) {
		return code;
	}
	rp_stmt_bind_text(stmt, 1, t->username);
	rp_stmt_bind_text(stmt, 2, t->prefix);
	return rp_stmt_run(stmt, err);
}

static int delete_user_work(struct rp_db *db, void *arg, struct rp_err *err)
{
	const struct rp_token *t = arg;
	return rp_db_run_with(db, "DELETE FROM api_tokens WHERE username = ?", t->username, err);
}

static int submit(struct rp_store *store, const struct rp_token *t,
    int (*work)(struct rp_db *db, void *arg, struct rp_err *err), rp_store_done_cb done, void *ctx)
{
	struct rp_token *row = rp_malloc(sizeof(*row));
	if (row == NULL) {
		return RP_ENOMEM;
	}
	*row = *t;
	row->username = rp_strdup(t->username);
	row->name = rp_strdup(t->name);
	if (row->username == NULL || row->name == NULL) {
		row_free(row);
		return RP_ENOMEM;
	}
	const struct rp_store_job job = {
	    .work = work,
	    .arg = row,
	    .free_arg = row_free,
	    .done = done,
	    .ctx = ctx,
	};
	return rp_store_submit(store, &job);
}

int rp_tokens_store_add(
    struct rp_store *store, const struct rp_token *t, rp_store_done_cb done, void *ctx)
{
	return submit(store, t, add_work, done, ctx);
}

int rp_tokens_store_change(
    struct rp_store *store, const struct rp_token *t, rp_store_done_cb done, void *ctx)
{
	return submit(store, t, change_work, done, ctx);
}

int rp_tokens_store_delete(
    struct rp_store *store, const struct rp_token *t, rp_store_done_cb done, void *ctx)
{
	return submit(store, t, delete_work, done, ctx);
}

int rp_tokens_store_delete_user(
    struct rp_store *store, const char *username, rp_store_done_cb done, void *ctx)
{
	char none[] = "";
	const struct rp_token t = {.username = (char *)(uintptr_t)username, .name = none};
	return submit(store, &t, delete_user_work, done, ctx);
}
