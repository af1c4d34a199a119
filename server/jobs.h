/* SPDX-License-Identifier: MIT */
/*
 * Jobs: orders to clients and their results, on the control loop. A job is stored before it is
 * sent, so that only results of jobs that were ordered count; one whose result does not come in
 * time becomes `unknown`.
 */
#ifndef RP_SERVER_JOBS_H
#define RP_SERVER_JOBS_H

#include <stdbool.h>

#include "cmdpolicy/job.h"
#include "core/defs.h"
#include "core/err.h"
#include "server/audit.h"
#include "server/config.h"
#include "server/events.h"
#include "server/jobs_store.h"
#include "server/listq.h"
#include "server/registry.h"
#include "server/store.h"

/* `error` of a job whose client was not there. */
#define RP_JOB_NOT_CONNECTED "client is not connected"

struct rp_jobs;

struct rp_jobs_options {
	struct rp_loop *loop;
	const struct rp_server_config *cfg;
	struct rp_registry *registry;
	struct rp_store *store;
	struct rp_audit *audit;   /* for `execute.done`; NULL = off */
	struct rp_events *events; /* may be NULL */
};
/* Also looks for jobs whose time ended while the server was away. */
RP_NODISCARD int rp_jobs_new(const struct rp_jobs_options *opt, struct rp_jobs **out);
/* Stops its timer and uses the store no more; comes before rp_store_close. rp_jobs_free when the
 * loop has ended. */
void rp_jobs_close(struct rp_jobs *j);
void rp_jobs_free(struct rp_jobs *j);

/* Stores the job (copied; jid, client and status are set here) as running and sends it to a
 * connected client; a job that the client does not accept is forgotten again. After 0 the callback
 * comes once on the control loop: code 0 and jid, or RP_ECLOSED (not connected), RP_EDENIED (err is
 * the client's text), RP_ETIMEOUT … */
typedef void (*rp_jobs_start_cb)(void *ctx, const char *jid, int code, const struct rp_err *err);
RP_NODISCARD int rp_jobs_start(struct rp_jobs *j, const char *client_id, const struct rp_job *job,
    rp_jobs_start_cb cb, void *ctx);

/* A job that somebody follows, as part of a multi-client job (job->multi_job_id) mostly. */
struct rp_job_watch {
	void (*on_started)(void *ctx); /* the process runs; not if the end was faster */
	/* Live output of stream 1 or 2, if job->stream_result; borrowed; n 0: `dropped` bytes were
	 * left out. NULL: none is wanted. */
	void (*on_output)(void *ctx, const struct rp_job_output *o);
	/* Exactly once unless rp_jobs_close comes first: the job as it is stored. */
	void (*on_end)(void *ctx, const struct rp_job *job);
};
/* As rp_jobs_start, but whatever happens a record of the job stays, with the reason in `error`: the
 * client is not connected or refuses (`failed`), nothing was heard of it (`unknown`). None of the
 * callbacks comes from inside. On failure nothing follows and nothing is stored. w is copied. */
RP_NODISCARD int rp_jobs_run(struct rp_jobs *j, const char *client_id, const struct rp_job *job,
    const struct rp_job_watch *w, void *ctx);
/* Live output of a client (server/worker.h). */
void rp_jobs_output(struct rp_jobs *j, const char *client_id, const struct rp_job_output *o);
/* A notification "cmd_result" of a client. Counts only for a job that was ordered of this client. */
void rp_jobs_result(struct rp_jobs *j, const char *client_id, const char *p, size_t n);
/* Reads through the store's queue (server/jobs_store.h). */
RP_NODISCARD int rp_jobs_read(
    struct rp_jobs *j, const struct rp_jobs_query *query, rp_jobs_read_cb cb, void *ctx);

#endif
