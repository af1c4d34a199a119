/* SPDX-License-Identifier: MIT */
/*
 * SQL of the jobs table, but for lists (jobs_read_store.c). Times are kept as RFC 3339 texts of fixed width in UTC, so that they
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
	code = code != 0 ? code : rp_strset(&job->status, RP_JOB_UNKNOWN);
	code = code != 0 ? code : rp_strset(&job->error, "no result came from the client in time");
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
		RP_VERIFY(details != NULL); /* the analyzer cannot follow it */
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
		rp_jobs_read_fini(&e->out);
		return code;
	}
	return rp_db_commit(db, err);
}

static void expire_free(void *arg)
{
	struct expire *e = arg;
	rp_jobs_read_fini(&e->out);
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
