/* SPDX-License-Identifier: MIT */
/*
 * Reading lists out of the jobs table, and single jobs.
 */
#include <string.h>

#include "core/alloc.h"
#include "server/jobs_store.h"

#include "core/banned.h"

#define ROWS_MAX  1000
#define QUERY_MAX (1024u * 1024)

void rp_jobs_read_fini(struct rp_jobs_read *r)
{
	for (size_t i = 0; i < r->n; i++) {
		rp_job_fini(&r->jobs[i]);
	}
	rp_free(r->jobs);
	*r = (struct rp_jobs_read){0};
}

struct read {
	struct rp_jobs_read out;
	char *client_id;
	char *multi_job_id;
	char *created_by;
	char *jid;
	struct rp_listq_sql where; /* filters only, for the count */
	struct rp_listq_sql page;  /* filters, order, paging */
	char *order;               /* of the page */
	long limit, offset;
	bool no_output;
	size_t bytes; /* of the jobs in out */
	rp_jobs_read_cb cb;
	void *ctx;
};

static void read_free(void *arg)
{
	struct read *r = arg;
	rp_jobs_read_fini(&r->out);
	rp_free(r->client_id);
	rp_free(r->multi_job_id);
	rp_free(r->created_by);
	rp_free(r->jid);
	rp_listq_sql_fini(&r->where);
	rp_listq_sql_fini(&r->page);
	rp_free(r->order);
	rp_free(r);
}

/* Text of a query: a fixed start, the fixed conditions, then what the query language adds. */
static int query_text(
    const struct read *r, const char *what, const struct rp_listq_sql *more, struct rp_buf *out)
{
	const char *rest = more->text.len == 0 ? "" : (const char *)rp_buf_head(&more->text);
	rp_buf_init(out, QUERY_MAX);
	int err = rp_buf_printf(out, "SELECT %s FROM jobs WHERE 1 = 1%s%s%s%s %s", what,
	    r->client_id != NULL ? " AND client_id = ?" : "",
	    r->multi_job_id != NULL ? " AND multi_job_id = ?" : "",
	    r->created_by != NULL ? " AND created_by = ?" : "",
	    r->jid != NULL ? " AND jid = ?" : "", rest);
	return err != 0 ? err : rp_buf_terminate(out);
}

static int bind_all(const struct read *r, const struct rp_listq_sql *more, struct rp_stmt *stmt)
{
	const char *const fixed[] = {r->client_id, r->multi_job_id, r->created_by, r->jid};
	int i = 0;
	for (size_t k = 0; k < RP_ARRAY_LEN(fixed); k++) {
		if (fixed[k] != NULL) {
			rp_stmt_bind_text(stmt, ++i, fixed[k]);
		}
	}
	for (size_t k = 0; k < more->binds.n; k++) {
		rp_stmt_bind_text(stmt, ++i, more->binds.v[k]);
	}
	return i;
}

static int read_count(struct rp_db *db, struct read *r, struct rp_err *err)
{
	struct rp_buf text;
	struct rp_stmt *stmt;
	int code = query_text(r, "COUNT(*)", &r->where, &text);
	code = code != 0 ? code : rp_db_stmt(db, (const char *)rp_buf_head(&text), &stmt, err);
	rp_buf_fini(&text);
	if (code != 0) {
		return code;
	}
	(void)bind_all(r, &r->where, stmt);
	code = rp_stmt_step(stmt, err);
	if (code == 1) {
		r->out.total = rp_stmt_i64(stmt, 0);
		code = 0;
	}
	rp_stmt_reset(stmt);
	return code;
}

/* How much that was. */
static size_t drop_output(struct rp_job_result *result)
{
	size_t n = 0;
	char **const slots[] = {&result->out, &result->err};
	for (size_t i = 0; i < RP_ARRAY_LEN(slots); i++) {
		n += *slots[i] == NULL ? 0 : strlen(*slots[i]);
		rp_free(*slots[i]);
		*slots[i] = NULL;
	}
	return n;
}

static int read_row(struct read *r, struct rp_stmt *stmt, struct rp_err *err)
{
	const char *details = rp_stmt_text(stmt, 0);
	if (details == NULL) {
		return 0;
	}
	struct rp_job *job = &r->out.jobs[r->out.n];
	size_t n = strlen(details);
	int code = rp_job_decode(details, n, job, err);
	if (code != 0) {
		return code;
	}
	r->out.n++;
	if (r->no_output) {
		n -= RP_MIN(n, drop_output(&job->result));
	}
	r->bytes += n;
	return r->bytes <= RP_JOBS_READ_MAX || r->jid != NULL
	    ? 0
	    : rp_err_set(err, RP_ELIMIT, "the output of these jobs is too large: ask for fewer");
}

/* The ids of the page first: what sorts them need not carry the jobs with their output. */
static int page_text(const struct read *r, struct rp_buf *out)
{
	struct rp_buf ids;
	if (r->jid != NULL) {
		return query_text(r, "details", &r->page, out);
	}
	int err = query_text(r, "jid", &r->page, &ids);
	rp_buf_init(out, QUERY_MAX);
	err = err != 0 ? err
	               : rp_buf_printf(out, "SELECT details FROM jobs WHERE jid IN (%s)%s",
	                     (const char *)rp_buf_head(&ids), r->order);
	rp_buf_fini(&ids);
	return err != 0 ? err : rp_buf_terminate(out);
}

static int read_rows(struct rp_db *db, struct read *r, struct rp_err *err)
{
	struct rp_buf text;
	struct rp_stmt *stmt;
	r->out.jobs = rp_calloc(ROWS_MAX, sizeof(*r->out.jobs));
	if (r->out.jobs == NULL) {
		return RP_ENOMEM;
	}
	int code = page_text(r, &text);
	code = code != 0 ? code : rp_db_stmt(db, (const char *)rp_buf_head(&text), &stmt, err);
	rp_buf_fini(&text);
	if (code != 0) {
		return code;
	}
	int i = bind_all(r, &r->page, stmt);
	if (r->jid == NULL) {
		rp_stmt_bind_i64(stmt, i + 1, r->limit);
		rp_stmt_bind_i64(stmt, i + 2, r->offset);
	}
	while (r->out.n < ROWS_MAX && (code = rp_stmt_step(stmt, err)) == 1) {
		code = read_row(r, stmt, err);
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
	int code = r->jid == NULL ? read_count(db, r, err) : 0;
	return code != 0 ? code : read_rows(db, r, err);
}

static void on_read(void *ctx, int code, const struct rp_err *err)
{
	struct read *r = ctx;
	r->cb(r->ctx, code, &r->out, err);
}

static int order_text(const struct rp_listq *q, char **out)
{
	struct rp_buf text;
	rp_buf_init(&text, QUERY_MAX);
	int err = rp_listq_sql_order(q, &text);
	err = err != 0 ? err : rp_buf_take_string(&text, out);
	rp_buf_fini(&text);
	return err;
}

int rp_jobs_store_read(
    struct rp_store *store, const struct rp_jobs_query *query, rp_jobs_read_cb cb, void *ctx)
{
	struct read *r = rp_calloc(1, sizeof(*r));
	if (r == NULL) {
		return RP_ENOMEM;
	}
	r->cb = cb;
	r->ctx = ctx;
	r->no_output = query->no_output;
	int err = rp_strdup_opt(&r->client_id, query->client_id) &&
	        rp_strdup_opt(&r->multi_job_id, query->multi_job_id) &&
	        rp_strdup_opt(&r->created_by, query->created_by) &&
	        rp_strdup_opt(&r->jid, query->jid)
	    ? 0
	    : RP_ENOMEM;
	if (err == 0 && query->jid == NULL) {
		r->limit = RP_MIN(query->q->limit, ROWS_MAX);
		r->offset = query->q->offset;
		err = rp_listq_sql(query->q, false, &r->where);
		err = err != 0 ? err : rp_listq_sql(query->q, true, &r->page);
		err = err != 0 ? err : order_text(query->q, &r->order);
	}
	if (err != 0) {
		read_free(r);
		return err;
	}
	const struct rp_store_job work = {
	    .work = read_work,
	    .arg = r,
	    .free_arg = read_free,
	    .done = on_read,
	    .ctx = r,
	};
	return rp_store_read(store, &work);
}
