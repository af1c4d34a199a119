/* SPDX-License-Identifier: MIT */
/*
 * A statement without LIMIT, or one run of it for each of a join's keys: its rows are counted, and
 * those of the page kept.
 */
#include "server/listread.h"

#include <string.h>

#include "core/alloc.h"
#include "core/buf.h"

#include "core/banned.h"

#define SQL_MAX (512u * 1024)

struct read {
	struct rp_listread out;
	struct rp_listq q; /* filters in SQL come first */
	struct rp_listread_ask ask;
	char *key;
	char *sql;
	struct rp_strlist binds;
	size_t n_sql; /* filters */
	rp_listread_cb cb;
	void *ctx;
};

static void *object(const struct read *r, size_t i)
{
	return (char *)r->out.page.v + i * r->ask.spec->table->size;
}

static void read_free(void *arg)
{
	struct read *r = arg;
	for (size_t i = 0; i < r->out.page.n; i++) {
		rp_json_release(r->ask.spec->table, object(r, i));
	}
	rp_free(r->out.page.v);
	if (r->ask.join.free_ctx != NULL) {
		r->ask.join.free_ctx(r->ask.join.ctx);
	}
	rp_listq_fini(&r->q);
	rp_strlist_fini(&r->binds);
	rp_free(r->key);
	rp_free(r->sql);
	rp_free(r);
}

/* "SELECT … WHERE … AND … ORDER BY …" */
static int make_text(struct read *r)
{
	struct rp_listq in_sql = r->q;
	struct rp_listq_sql more;
	struct rp_buf text;
	in_sql.n_filters = r->n_sql;
	if (r->ask.join.next_key != NULL && in_sql.n_sorts > 0) {
		in_sql.sorts++;
		in_sql.n_sorts--;
	}
	int err = rp_listq_sql(&in_sql, true, &more);
	if (err != 0) {
		return err;
	}
	rp_buf_init(&text, SQL_MAX);
	err = rp_buf_printf(&text, "%s WHERE %s%s", r->ask.spec->select,
	    r->ask.where != NULL ? r->ask.where : "1 = 1", (const char *)rp_buf_head(&more.text));
	err = err != 0 ? err : rp_buf_take_string(&text, &r->sql);
	rp_buf_fini(&text);
	r->binds = more.binds;
	more.binds = (struct rp_strlist){0};
	rp_listq_sql_fini(&more);
	return err;
}

/* The object is in the page's next place: it stays if it is wanted. */
static void take(struct read *r, void *obj)
{
	const struct rp_json_table *t = r->ask.spec->table;
	struct rp_listq in_memory = r->q;
	in_memory.filters = r->q.filters == NULL ? NULL : r->q.filters + r->n_sql;
	in_memory.n_filters -= r->n_sql;
	if (rp_listq_match(&in_memory, t, obj)) {
		r->out.total++;
		if (r->out.total > r->q.offset && (long)r->out.page.n < r->q.limit) {
			r->out.page.n++;
			return;
		}
	}
	rp_json_release(t, obj);
}

/* Before the page or behind it, and nothing in the row can change that. */
static bool only_counts(const struct read *r)
{
	return r->n_sql == r->q.n_filters &&
	    (r->out.total < r->q.offset || (long)r->out.page.n >= r->q.limit);
}

static int take_row(struct read *r, struct rp_stmt *stmt)
{
	const struct rp_json_table *t = r->ask.spec->table;
	const struct rp_listread_join *join = &r->ask.join;
	if (join->wants != NULL && !join->wants(join->ctx, stmt)) {
		return 0;
	}
	if (only_counts(r)) {
		r->out.total++;
		return 0;
	}
	/* One place more than the page has, for the objects that are only counted. */
	void *obj = object(r, r->out.page.n);
	rp_json_defaults(t, obj);
	int err = r->ask.spec->read(stmt, obj);
	if (err == 0 && join->fill != NULL) {
		err = join->fill(join->ctx, obj);
	}
	if (err == 0) {
		take(r, obj);
	} else {
		rp_json_release(t, obj);
	}
	return err;
}

/* key NULL: the statement has no place for one. */
static int read_rows(struct rp_db *db, struct read *r, const char *key, struct rp_err *err)
{
	struct rp_stmt *stmt;
	int i = 0;
	int code = rp_db_stmt(db, r->sql, &stmt, err);
	if (code != 0) {
		return code;
	}
	if (key != NULL) {
		rp_stmt_bind_text(stmt, ++i, key);
	}
	for (size_t k = 0; k < r->binds.n; k++) {
		rp_stmt_bind_text(stmt, ++i, r->binds.v[k]);
	}
	rp_stmt_bind_i64(stmt, i + 1, INT64_MAX);
	rp_stmt_bind_i64(stmt, i + 2, 0);
	while ((code = rp_stmt_step(stmt, err)) == 1) {
		code = take_row(r, stmt);
		if (code != 0) {
			break;
		}
	}
	rp_stmt_reset(stmt);
	return code;
}

static int read_keys(struct rp_db *db, struct read *r, struct rp_err *err)
{
	const struct rp_listread_join *join = &r->ask.join;
	const char *key;
	int code = rp_db_begin_read(db, err);
	while (code == 0 && (key = join->next_key(join->ctx)) != NULL) {
		code = read_rows(db, r, key, err);
	}
	rp_db_rollback(db);
	return code;
}

static int read_all(struct rp_db *db, struct read *r, struct rp_err *err)
{
	r->out.page.v = rp_calloc((size_t)r->q.limit + 1, r->ask.spec->table->size);
	if (r->out.page.v == NULL) {
		return RP_ENOMEM;
	}
	return r->ask.join.next_key != NULL ? read_keys(db, r, err) : read_rows(db, r, r->key, err);
}

static int read_work(struct rp_db *db, void *arg, struct rp_err *err)
{
	struct read *r = arg;
	int code = read_all(db, r, err);
	for (size_t i = 0; code == 0 && r->ask.spec->complete != NULL && i < r->out.page.n; i++) {
		code = r->ask.spec->complete(db, object(r, i), err);
	}
	return code;
}

static void on_read(void *ctx, int code, const struct rp_err *err)
{
	struct read *r = ctx;
	r->cb(r->ctx, code, &r->out, err);
}

int rp_listread(struct rp_store *store, const struct rp_listread_ask *ask, struct rp_listq *q,
    rp_listread_cb cb, void *ctx)
{
	struct read *r = rp_calloc(1, sizeof(*r));
	if (r == NULL) {
		rp_listq_fini(q);
		if (ask->join.free_ctx != NULL) {
			ask->join.free_ctx(ask->join.ctx);
		}
		return RP_ENOMEM;
	}
	*r = (struct read){.q = *q, .ask = *ask, .cb = cb, .ctx = ctx};
	memset(q, 0, sizeof(*q));
	r->out.q = &r->q;
	r->q.limit = r->q.limit > 0 ? r->q.limit : 1;
	r->n_sql = rp_listq_split(&r->q, ask->spec->in_memory);
	r->key = ask->key == NULL ? NULL : rp_strdup(ask->key);
	int err = ask->key != NULL && r->key == NULL ? RP_ENOMEM : make_text(r);
	if (err != 0) {
		read_free(r);
		return err;
	}
	const struct rp_store_job job = {
	    .work = read_work,
	    .arg = r,
	    .free_arg = read_free,
	    .done = on_read,
	    .ctx = r,
	};
	return rp_store_read(store, &job);
}
