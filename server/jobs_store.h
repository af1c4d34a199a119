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

/* Inserts or replaces the job of that client (copied) as the server knows it. If a result was
 * stored before, its outcome stays: status,
 * times, pid, error and result. A job id that belongs to another client is left alone:
 * RP_EDENIED. Afterwards at most keep
 * jobs of the client remain, the oldest go (0 = all stay). */
RP_NODISCARD int rp_jobs_store_save(
    struct rp_store *s, const struct rp_job *job, int64_t keep, rp_store_done_cb done, void *ctx);
/* The same for a job with its result as the client sent it: of a stored job only the outcome
 * changes, and only once (after `unknown`
 * again). A job that is not stored is taken as it is: the server may have ended before it could
 * store it. */
RP_NODISCARD int rp_jobs_store_result(
    struct rp_store *s, const struct rp_job *job, int64_t keep, rp_store_done_cb done, void *ctx);

/* What a read brings back; owned by the caller (rp_jobs_read_free). */
struct rp_jobs_read {
	struct rp_job *jobs;
	size_t n;
	int64_t total;
};
/* r lives until its done callback has freed it. client_id NULL = all; jid NULL = the list by q.
 * Clauses of q are copied. */
typedef void (*rp_jobs_read_cb)(
    void *ctx, int code, const struct rp_jobs_read *r, const struct rp_err *err);
struct rp_jobs_query {
	const char *client_id;
	const char *jid;
	const struct rp_listq *q;
};
RP_NODISCARD int rp_jobs_store_read(
    struct rp_store *s, const struct rp_jobs_query *query, rp_jobs_read_cb cb, void *ctx);

#endif
