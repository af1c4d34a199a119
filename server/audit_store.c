/* SPDX-License-Identifier: MIT */
/*
 * SQL of the auditlog table. The id keeps the order in which the entries came.
 */
#include "server/audit_store.h"

#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"

#include "core/banned.h"

#define QUERY_MAX (1024u * 1024)
#define COLUMNS                                                                         \
	"timestamp, username, remote_ip, application, action, affected_id, client_id, " \
	"client_hostname, request, response"

static const struct rp_db_migration migrations[] = {
    {"CREATE TABLE auditlog ("
     " id BIGINT PRIMARY KEY,"
     " timestamp TEXT NOT NULL,"
     " username TEXT NOT NULL,"
     " remote_ip TEXT NOT NULL,"
     " application TEXT NOT NULL,"
     " action TEXT NOT NULL,"
     " affected_id TEXT NOT NULL,"
     " client_id TEXT NOT NULL,"
     " client_hostname TEXT NOT NULL,"
     " request TEXT NOT NULL,"
     " response TEXT NOT NULL);"
     "CREATE INDEX auditlog_timestamp ON auditlog (timestamp);"
     "CREATE INDEX auditlog_username ON auditlog (username, id);"
     "CREATE INDEX auditlog_client ON auditlog (client_id, id);"},
};
const struct rp_store_file rp_audit_store_file = {
    .name = "auditlog.db",
    .migrations = migrations,
    .n = RP_ARRAY_LEN(migrations),
};

/* The texts of an entry, in the order of COLUMNS. */
#define TEXTS 9
static char **text_of(struct rp_audit_entry *e, size_t i)
{
	char **const all[TEXTS] = {&e->username, &e->remote_ip, &e->application, &e->action,
	    &e->affected_id, &e->client_id, &e->client_hostname, &e->request, &e->response};
	return all[i];
}

void rp_audit_row_free(struct rp_audit_row *row)
{
	rp_json_release(&rp_audit_entry_table, &row->e);
	rp_free(row);
}

struct rp_audit_row *rp_audit_row_new(const struct rp_audit_entry *e)
{
	struct rp_audit_row *row = rp_calloc(1, sizeof(*row));
	if (row == NULL || rp_json_clone(&rp_audit_entry_table, e, &row->e) != 0) {
		rp_free(row);
		return NULL;
	}
	row->bytes = sizeof(*row);
	for (size_t i = 0; i < TEXTS; i++) {
		const char *text = *text_of(&row->e, i);
		row->bytes += text == NULL ? 0 : strlen(text) + 1;
	}
	return row;
}

int rp_audit_store_state(struct rp_store *s, int64_t *id, int64_t *oldest, struct rp_err *err)
{
	struct rp_stmt *stmt;
	int code = rp_db_stmt(
	    rp_store_db(s), "SELECT MAX(id), MIN(timestamp) FROM auditlog", &stmt, err);
	if (code != 0) {
		return code;
	}
	code = rp_stmt_step(stmt, err);
	if (code == 1 && rp_stmt_text(stmt, 1) != NULL) {
		*id = rp_stmt_i64(stmt, 0);
		if (rp_time_parse(rp_str_c(rp_stmt_text(stmt, 1)), oldest) != 0) {
			*oldest = RP_TIME_ZERO;
		}
	}
	rp_stmt_reset(stmt);
	return code < 0 ? code : 0;
}

/* Writing */

struct batch {
	struct rp_list rows;
};

static void batch_free(void *arg)
{
	struct batch *b = arg;
	struct rp_list *it;
	struct rp_list *tmp;
	RP_LIST_FOREACH(it, tmp, &b->rows) {
		rp_audit_row_free(RP_LIST_ENTRY(it, struct rp_audit_row, node));
	}
	rp_free(b);
}

static int insert(struct rp_db *db, struct rp_audit_row *row, struct rp_err *err)
{
	struct rp_stmt *stmt;
	char stamp[RP_STORE_TIME_MAX];
	int code = rp_db_stmt(db,
	    "INSERT INTO auditlog (id, " COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	    &stmt, err);
	if (code != 0) {
		return code;
	}
	rp_store_time(row->e.timestamp, stamp);
	rp_stmt_bind_i64(stmt, 1, row->id);
	rp_stmt_bind_text(stmt, 2, stamp);
	for (size_t i = 0; i < TEXTS; i++) {
		const char *text = *text_of(&row->e, i);
		rp_stmt_bind_text(stmt, (int)i + 3, text != NULL ? text : "");
	}
	return rp_stmt_run(stmt, err);
}

static int add_work(struct rp_db *db, void *arg, struct rp_err *err)
{
	struct batch *b = arg;
	struct rp_list *it;
	struct rp_list *tmp;
	int code = rp_db_begin(db, err);
	if (code != 0) {
		return code;
	}
	RP_LIST_FOREACH(it, tmp, &b->rows) {
		code = code != 0 ? code
		                 : insert(db, RP_LIST_ENTRY(it, struct rp_audit_row, node), err);
	}
	if (code != 0) {
		rp_db_rollback(db);
		return code;
	}
	return rp_db_commit(db, err);
}

int rp_audit_store_add(struct rp_store *s, struct rp_list *rows, rp_store_done_cb done, void *ctx)
{
	struct batch *b = rp_malloc(sizeof(*b));
	struct batch none = {0};
	struct batch *to = b != NULL ? b : &none;
	struct rp_list *it;
	struct rp_list *tmp;
	rp_list_init(&to->rows);
	RP_LIST_FOREACH(it, tmp, rows) {
		rp_list_remove(it);
		if (b != NULL) {
			rp_list_append(&b->rows, it);
		} else {
			rp_audit_row_free(RP_LIST_ENTRY(it, struct rp_audit_row, node));
		}
	}
	const struct rp_store_job job = {
	    .work = add_work,
	    .arg = b,
	    .free_arg = batch_free,
	    .done = done,
	    .ctx = ctx,
	};
	return b == NULL ? RP_ENOMEM : rp_store_submit(s, &job);
}

/* Reading */

struct read {
	char *username;
	long limit;
	long offset;
	struct rp_listq_sql where;
	struct rp_listq_sql page;
	struct rp_audit_entry rows[RP_AUDIT_ROWS_MAX];
	struct rp_audit_list list;
	rp_audit_list_cb cb;
	void *ctx;
};

static void read_free(void *arg)
{
	struct read *r = arg;
	for (size_t i = 0; i < r->list.n; i++) {
		rp_json_release(&rp_audit_entry_table, &r->rows[i]);
	}
	rp_listq_sql_fini(&r->where);
	rp_listq_sql_fini(&r->page);
	rp_free(r->username);
	rp_free(r);
}

/* The statement with everything but the page bound; *bound says how many that are. */
static int prepare(struct rp_db *db, const struct read *r, bool count, struct rp_stmt **stmt,
    int *bound, struct rp_err *err)
{
	const struct rp_listq_sql *more = count ? &r->where : &r->page;
	struct rp_buf text;
	rp_buf_init(&text, QUERY_MAX);
	int code = rp_buf_printf(&text, "SELECT %s FROM auditlog WHERE %s%s",
	    count ? "COUNT(*)" : COLUMNS, r->username != NULL ? "username = ?" : "1 = 1",
	    more->text.len == 0 ? "" : (const char *)rp_buf_head(&more->text));
	code = code != 0 ? code : rp_buf_terminate(&text);
	code = code != 0 ? code : rp_db_stmt(db, (const char *)rp_buf_head(&text), stmt, err);
	rp_buf_fini(&text);
	if (code != 0) {
		return code;
	}
	int i = 0;
	if (r->username != NULL) {
		rp_stmt_bind_text(*stmt, ++i, r->username);
	}
	for (size_t k = 0; k < more->binds.n; k++) {
		rp_stmt_bind_text(*stmt, ++i, more->binds.v[k]);
	}
	*bound = i;
	return 0;
}

static int read_row(struct rp_stmt *stmt, struct rp_audit_entry *e)
{
	e->timestamp = rp_store_time_read(rp_stmt_text(stmt, 0));
	for (size_t i = 0; i < TEXTS; i++) {
		if (!rp_stmt_copy(stmt, (int)i + 1, text_of(e, i))) {
			return RP_ENOMEM;
		}
	}
	return 0;
}

static int read_rows(struct rp_db *db, struct read *r, struct rp_err *err)
{
	struct rp_stmt *stmt;
	int i;
	int code = prepare(db, r, false, &stmt, &i, err);
	if (code != 0) {
		return code;
	}
	rp_stmt_bind_i64(stmt, i + 1, r->limit);
	rp_stmt_bind_i64(stmt, i + 2, r->offset);
	while (r->list.n < RP_AUDIT_ROWS_MAX && (code = rp_stmt_step(stmt, err)) == 1) {
		code = read_row(stmt, &r->rows[r->list.n++]);
		if (code != 0) {
			break;
		}
	}
	rp_stmt_reset(stmt);
	return code < 0 ? code : 0;
}

static int read_work(struct rp_db *db, void *arg, struct rp_err *err)
{
	struct read *r = arg;
	struct rp_stmt *stmt;
	int bound;
	int code = prepare(db, r, true, &stmt, &bound, err);
	if (code != 0) {
		return code;
	}
	code = rp_stmt_step(stmt, err);
	r->list.total = code == 1 ? rp_stmt_i64(stmt, 0) : 0;
	rp_stmt_reset(stmt);
	return code < 0 ? code : read_rows(db, r, err);
}

static void on_read(void *ctx, int code, const struct rp_err *err)
{
	struct read *r = ctx;
	r->list.rows = r->rows;
	r->cb(r->ctx, code, &r->list, err);
}

int rp_audit_store_read(
    struct rp_store *s, const struct rp_audit_query *query, rp_audit_list_cb cb, void *ctx)
{
	struct read *r = rp_calloc(1, sizeof(*r));
	if (r == NULL) {
		return RP_ENOMEM;
	}
	r->cb = cb;
	r->ctx = ctx;
	r->limit = RP_MIN(query->q->limit, RP_AUDIT_ROWS_MAX);
	r->offset = query->q->offset;
	int err = 0;
	if (query->username != NULL) {
		r->username = rp_strdup(query->username);
		err = r->username == NULL ? RP_ENOMEM : 0;
	}
	err = err != 0 ? err : rp_listq_sql(query->q, false, &r->where);
	err = err != 0 ? err : rp_listq_sql(query->q, true, &r->page);
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
	return rp_store_submit(s, &job);
}
