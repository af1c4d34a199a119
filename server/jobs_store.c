/* SPDX-License-Identifier: MIT */
/*
 * SQL of the jobs table. Times are kept as RFC 3339 texts of fixed width in UTC, so that they
 * compare as texts.
 */
#include "server/jobs_store.h"

#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/log.h"

#include "core/banned.h"

#define COMPONENT  "jobs"
#define EXPIRE_MAX 200
#define JOB_MAX    (16u * 1024 * 1024)
#define ROWS_MAX   1000
#define QUERY_MAX  (1024u * 1024)

/* Saving */

struct save {
	struct rp_job job; /* afterwards as it is stored */
	bool from_client;
	struct rp_jobs_keep keep;
	rp_jobs_stored_cb done;
	void *ctx;
};

static void save_free(void *arg)
{
	struct save *s = arg;
	rp_job_fini(&s->job);
	rp_free(s);
}

/* The one just saved stays, even if the client's clock makes it the oldest. */
static int prune(struct rp_db *db, const struct save *s, struct rp_err *err)
{
	struct rp_stmt *stmt;
	int code = rp_db_stmt(db,
	    "DELETE FROM jobs WHERE jid <> ? AND jid IN"
	    " (SELECT jid FROM jobs WHERE client_id = ?"
	    " ORDER BY started_at DESC, jid LIMIT 1000 OFFSET ?)",
	    &stmt, err);
	if (code != 0) {
		return code;
	}
	rp_stmt_bind_text(stmt, 1, s->job.jid);
	rp_stmt_bind_text(stmt, 2, s->job.client_id);
	rp_stmt_bind_i64(stmt, 3, s->keep.most);
	return rp_stmt_run(stmt, err);
}

/* The stored job of that id: 1 and the zeroed *old filled, 0, or negative. */
static int find_row(
    struct rp_db *db, const struct rp_job *job, struct rp_job *old, struct rp_err *err)
{
	struct rp_stmt *stmt;
	int code = rp_db_stmt(db, "SELECT client_id, details FROM jobs WHERE jid = ?", &stmt, err);
	if (code != 0) {
		return code;
	}
	rp_stmt_bind_text(stmt, 1, job->jid);
	code = rp_stmt_step(stmt, err);
	if (code != 1) {
		return code;
	}
	const char *owner = rp_stmt_text(stmt, 0);
	const char *details = rp_stmt_text(stmt, 1);
	if (owner == NULL || details == NULL || strcmp(owner, job->client_id) != 0) {
		code = rp_err_set(err, RP_EDENIED, "the job belongs to another client");
	} else {
		code = rp_job_decode(details, strlen(details), old, err);
	}
	rp_stmt_reset(stmt);
	return code == 0 ? 1 : code;
}

static void swap_text(char **a, char **b)
{
	char *t = *a;
	*a = *b;
	*b = t;
}

/* What a client says about a job; all the rest is the server's. */
static void take_outcome(struct rp_job *to, struct rp_job *from)
{
	struct rp_job_result result = to->result;
	swap_text(&to->status, &from->status);
	swap_text(&to->error, &from->error);
	to->finished_at = from->finished_at;
	to->started_at = from->started_at;
	to->pid = from->pid;
	to->has_result = from->has_result;
	to->result = from->result;
	from->result = result;
}

static bool is_final(const struct rp_job *job)
{
	return job->finished_at != RP_TIME_ZERO && job->status != NULL &&
	    strcmp(job->status, RP_JOB_UNKNOWN) != 0;
}

/* Nothing is learnt from this result. */
static bool has_outcome(const struct rp_job *old, const struct rp_job *result)
{
	return is_final(old) || (old->finished_at != RP_TIME_ZERO && !is_final(result));
}

/* Puts together what is stored and what is new: the job to store is then in s->job. */
static int merge(struct rp_db *db, struct save *s, struct rp_err *err)
{
	struct rp_job old = {0};
	int code = find_row(db, &s->job, &old, err);
	if (code == 1 && s->from_client && has_outcome(&old, &s->job)) {
		code = rp_err_set(err, RP_EEXIST, "the job has ended before");
	} else if (code == 1 && s->from_client) {
		take_outcome(&old, &s->job);
		struct rp_job sent = s->job;
		s->job = old;
		old = sent;
	} else if (code == 1 && old.finished_at != RP_TIME_ZERO) {
		take_outcome(&s->job, &old);
	} else if (code == 0 && s->from_client) {
		code = rp_err_set(err, RP_ENOENT, "there is no such job");
	}
	rp_job_fini(&old);
	return code < 0 ? code : 0;
}

static const char *or_empty(const char *s)
{
	return s != NULL ? s : "";
}

/* expires_at RP_TIME_ZERO = as it is stored. */
static int write_row(struct rp_db *db, const struct rp_job *job, int64_t expires_at,
    const char *details, struct rp_err *err)
{
	struct rp_stmt *stmt;
	int code = rp_db_stmt(db,
	    "INSERT INTO jobs (jid, client_id, status, started_at, finished_at, created_by, multi_job_id,"
	    " schedule_id, expires_at, details) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
	    " ON CONFLICT (jid) DO UPDATE SET status = excluded.status, started_at = excluded.started_at,"
	    " finished_at = excluded.finished_at, created_by = excluded.created_by,"
	    " multi_job_id = excluded.multi_job_id, schedule_id = excluded.schedule_id,"
	    " expires_at = COALESCE(excluded.expires_at, jobs.expires_at), details = excluded.details",
	    &stmt, err);
	if (code != 0) {
		return code;
	}
	rp_stmt_bind_text(stmt, 1, job->jid);
	rp_stmt_bind_text(stmt, 2, job->client_id);
	rp_stmt_bind_text(stmt, 3, or_empty(job->status));
	rp_store_bind_time(stmt, 4, job->started_at == RP_TIME_ZERO ? 0 : job->started_at);
	rp_store_bind_time(stmt, 5, job->finished_at);
	rp_stmt_bind_text(stmt, 6, or_empty(job->created_by));
	rp_stmt_bind_text(stmt, 7, job->multi_job_id);
	rp_stmt_bind_text(stmt, 8, job->schedule_id);
	rp_store_bind_time(stmt, 9, expires_at);
	rp_stmt_bind_text(stmt, 10, details);
	return rp_stmt_run(stmt, err);
}

static int write_job(
    struct rp_db *db, const struct rp_job *job, int64_t expires_at, struct rp_err *err)
{
	struct rp_buf text;
	rp_buf_init(&text, JOB_MAX);
	int code = rp_job_encode(job, &text);
	code = code != 0 ? code : rp_buf_terminate(&text);
	code = code != 0 ? code
	                 : write_row(db, job, expires_at, (const char *)rp_buf_head(&text), err);
	rp_buf_fini(&text);
	return code;
}

int rp_jobs_store_insert(struct rp_db *db, const struct rp_job *job, struct rp_err *err)
{
	return write_job(db, job, RP_TIME_ZERO, err);
}

static int save_row(struct rp_db *db, struct save *s, struct rp_err *err)
{
	int code = merge(db, s, err);
	return code != 0 ? code : write_job(db, &s->job, s->keep.expires_at, err);
}

static int save_work(struct rp_db *db, void *arg, struct rp_err *err)
{
	struct save *s = arg;
	int code = rp_db_begin(db, err);
	if (code != 0) {
		return code;
	}
	code = save_row(db, s, err);
	if (code == 0 && s->keep.most > 0) {
		code = prune(db, s, err);
	}
	if (code != 0) {
		rp_db_rollback(db);
		return code;
	}
	return rp_db_commit(db, err);
}

static void on_saved(void *ctx, int code, const struct rp_err *err)
{
	struct save *s = ctx;
	s->done(s->ctx, code, code == 0 ? &s->job : NULL, err);
}

static int submit_save(struct rp_store *store, struct save *s, const struct rp_job *job,
    rp_jobs_stored_cb done, void *ctx)
{
	int err = s == NULL ? RP_ENOMEM : rp_job_copy(&s->job, job);
	if (err != 0) {
		rp_free(s);
		return err;
	}
	s->done = done;
	s->ctx = ctx;
	const struct rp_store_job work = {
	    .work = save_work,
	    .arg = s,
	    .free_arg = save_free,
	    .done = on_saved,
	    .ctx = s,
	};
	return rp_store_submit(store, &work);
}

static struct save *save_new(const struct rp_jobs_keep *keep, bool from_client)
{
	struct save *s = rp_calloc(1, sizeof(*s));
	if (s != NULL) {
		s->keep = *keep;
		s->from_client = from_client;
	}
	return s;
}

int rp_jobs_store_save(struct rp_store *store, const struct rp_job *job,
    const struct rp_jobs_keep *keep, rp_jobs_stored_cb done, void *ctx)
{
	return submit_save(store, save_new(keep, false), job, done, ctx);
}

int rp_jobs_store_result(
    struct rp_store *store, const struct rp_job *job, rp_jobs_stored_cb done, void *ctx)
{
	const struct rp_jobs_keep keep = {.expires_at = RP_TIME_ZERO};
	return submit_save(store, save_new(&keep, true), job, done, ctx);
}

/* Deleting */

static int delete_work(struct rp_db *db, void *arg, struct rp_err *err)
{
	return rp_db_run_with(db, "DELETE FROM jobs WHERE jid = ?", arg, err);
}

int rp_jobs_store_delete(struct rp_store *store, const char *jid, rp_store_done_cb done, void *ctx)
{
	const struct rp_store_job work = {
	    .work = delete_work,
	    .arg = rp_strdup(jid),
	    .free_arg = rp_free,
	    .done = done,
	    .ctx = ctx,
	};
	return work.arg == NULL ? RP_ENOMEM : rp_store_submit(store, &work);
}

/* Expiring */

/* The job whose time is over for the longest: 1 and its texts, which are the caller's; 0 or
 * negative. */
static int next_expired(
    struct rp_db *db, int64_t now, char **jid, char **details, struct rp_err *err)
{
	struct rp_stmt *stmt;
	int code = rp_db_stmt(db,
	    "SELECT jid, details FROM jobs WHERE finished_at IS NULL AND expires_at <= ?"
	    " ORDER BY expires_at LIMIT 1",
	    &stmt, err);
	if (code != 0) {
		return code;
	}
	rp_store_bind_time(stmt, 1, now);
	code = rp_stmt_step(stmt, err);
	if (code == 1 && !(rp_stmt_copy(stmt, 0, jid) && rp_stmt_copy(stmt, 1, details))) {
		code = RP_ENOMEM;
	}
	rp_stmt_reset(stmt);
	return code;
}

static int replace_text(char **slot, const char *text)
{
	rp_free(*slot);
	*slot = rp_strdup(text);
	return *slot == NULL ? RP_ENOMEM : 0;
}

/* The job goes to *job, which is empty if it is unreadable. */
static int write_unknown(
    struct rp_db *db, int64_t now, const char *details, struct rp_job *job, struct rp_err *err)
{
	int code = rp_job_decode(details, strlen(details), job, err);
	if (code != 0 && code != RP_ENOMEM) {
		rp_log_error(COMPONENT, "a stored job is unreadable: %s", err->msg);
		return 0;
	}
	job->finished_at = now;
	code = code != 0 ? code : replace_text(&job->status, RP_JOB_UNKNOWN);
	code = code != 0 ? code
	                 : replace_text(&job->error, "no result came from the client in time");
	code = code != 0 ? code : write_job(db, job, RP_TIME_ZERO, err);
	if (code == 0) {
		rp_log_info(COMPONENT, "client %s: job %s: no result came in time",
		    or_empty(job->client_id), or_empty(job->jid));
	}
	return code;
}

/* 1 = done with one, 0 = no more. */
static int expire_one(struct rp_db *db, int64_t now, struct rp_job *job, struct rp_err *err)
{
	char *jid = NULL;
	char *details = NULL;
	int code = next_expired(db, now, &jid, &details, err);
	if (code == 1) {
		code = rp_db_run_with(
		    db, "UPDATE jobs SET expires_at = NULL WHERE jid = ?", jid, err);
		code = code != 0 ? code : write_unknown(db, now, details, job, err);
		code = code != 0 ? code : 1;
	}
	rp_free(jid);
	rp_free(details);
	return code;
}

struct expire {
	int64_t now;
	struct rp_jobs_read out;
	rp_jobs_read_cb cb;
	void *ctx;
};

static int expire_all(struct rp_db *db, struct expire *e, struct rp_err *err)
{
	int code = 1;
	for (int i = 0; i < EXPIRE_MAX && code == 1; i++) {
		struct rp_job *job = &e->out.jobs[e->out.n];
		code = expire_one(db, e->now, job, err);
		if (job->jid != NULL) {
			e->out.n++;
		}
	}
	return code;
}

static void forget_jobs(struct rp_jobs_read *r)
{
	for (size_t i = 0; i < r->n; i++) {
		rp_job_fini(&r->jobs[i]);
	}
	rp_free(r->jobs);
	*r = (struct rp_jobs_read){0};
}

static int expire_work(struct rp_db *db, void *arg, struct rp_err *err)
{
	struct expire *e = arg;
	e->out.jobs = rp_calloc(EXPIRE_MAX, sizeof(*e->out.jobs));
	if (e->out.jobs == NULL) {
		return RP_ENOMEM;
	}
	int code = rp_db_begin(db, err);
	if (code != 0) {
		return code;
	}
	code = expire_all(db, e, err);
	if (code < 0) {
		rp_db_rollback(db);
		forget_jobs(&e->out);
		return code;
	}
	return rp_db_commit(db, err);
}

static void expire_free(void *arg)
{
	struct expire *e = arg;
	forget_jobs(&e->out);
	rp_free(e);
}

static void on_expired(void *ctx, int code, const struct rp_err *err)
{
	struct expire *e = ctx;
	e->cb(e->ctx, code, &e->out, err);
}

int rp_jobs_store_expire(struct rp_store *store, int64_t now, rp_jobs_read_cb cb, void *ctx)
{
	struct expire *e = rp_calloc(1, sizeof(*e));
	if (e == NULL) {
		return RP_ENOMEM;
	}
	e->now = now;
	e->cb = cb;
	e->ctx = ctx;
	const struct rp_store_job work = {
	    .work = expire_work,
	    .arg = e,
	    .free_arg = expire_free,
	    .done = on_expired,
	    .ctx = e,
	};
	return rp_store_submit(store, &work);
}

/* Reading */

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
	forget_jobs(&r->out);
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

static bool copy_text(char **dst, const char *src)
{
	*dst = src == NULL ? NULL : rp_strdup(src);
	return src == NULL || *dst != NULL;
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
	int err = copy_text(&r->client_id, query->client_id) &&
	        copy_text(&r->multi_job_id, query->multi_job_id) &&
	        copy_text(&r->created_by, query->created_by) && copy_text(&r->jid, query->jid)
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
