/* SPDX-License-Identifier: MIT */
/*
 * Jobs in SQLite: the columns that lists filter and sort by, and the whole job as JSON.
 */
#ifndef RP_SERVER_JOBS_STORE_H
#define RP_SERVER_JOBS_STORE_H

#include "cmdpolicy/job.h"
#include "core/defs.h"
#include "core/err.h"
#include "server/listq.h"
#include "server/store.h"

struct rp_jobs_keep {
	int64_t expires_at; /* by the server's clock: until then a result is waited for */
	int64_t most;       /* jobs of the client that remain, the oldest go; 0 = all stay */
};
/* Brings back the job as it is stored now (borrowed; code 0). */
typedef void (*rp_jobs_stored_cb)(
    void *ctx, int code, const struct rp_job *job, const struct rp_err *err);
/* Inserts or replaces the job of that client (copied) as the server knows it. If an end was
 * stored before, its outcome stays: status, times, pid, error and result. A job id that belongs to
 * another client is left alone: RP_EDENIED. */
RP_NODISCARD int rp_jobs_store_save(struct rp_store *s, const struct rp_job *job,
    const struct rp_jobs_keep *keep, rp_jobs_stored_cb done, void *ctx);
/* A result as the client sent it (copied): of the stored job only the outcome changes, and only
 * once (after `unknown` again), else RP_EEXIST. RP_ENOENT: there is no such job; RP_EDENIED: it is
 * another client's. */
RP_NODISCARD int rp_jobs_store_result(
    struct rp_store *s, const struct rp_job *job, rp_jobs_stored_cb done, void *ctx);
/* Forgets a job, whatever became of it. */
RP_NODISCARD int rp_jobs_store_delete(
    struct rp_store *s, const char *jid, rp_store_done_cb done, void *ctx);
/* For other stores, on the queue's thread: inserts a job that has ended. */
RP_NODISCARD int rp_jobs_store_insert(
    struct rp_db *db, const struct rp_job *job, struct rp_err *err);

/* What a read brings back, gone after the callback. */
struct rp_jobs_read {
	struct rp_job *jobs;
	size_t n;
	int64_t total;
};
void rp_jobs_read_fini(struct rp_jobs_read *r);
/* A list of more than this many bytes of jobs is RP_ELIMIT. */
#define RP_JOBS_READ_MAX (64u * 1024 * 1024)
/* client_id NULL = all; jid NULL = the list by q. Clauses of q are copied. */
typedef void (*rp_jobs_read_cb)(
    void *ctx, int code, const struct rp_jobs_read *r, const struct rp_err *err);
struct rp_jobs_query {
	const char *client_id;
	const char *multi_job_id; /* NULL = all */
	const char *created_by;   /* NULL = all */
	const char *jid;
	const struct rp_listq *q;
	bool no_output; /* leave out stdout and stderr */
};
RP_NODISCARD int rp_jobs_store_read(
    struct rp_store *s, const struct rp_jobs_query *query, rp_jobs_read_cb cb, void *ctx);

/* Jobs without a result whose time is over at `now` become `unknown`, finished now; some hundred
 * at a time, which cb gets. */
RP_NODISCARD int rp_jobs_store_expire(
    struct rp_store *s, int64_t now, rp_jobs_read_cb cb, void *ctx);

#endif
