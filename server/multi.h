/* SPDX-License-Identifier: MIT */
/*
 * Jobs on many clients (rport-api 3.13, wire protocol 6.4) on the control loop: one child job per
 * client (server/jobs.h), all at once or one after the other. What was asked for is stored before the
 * first client is; a child always leaves a record.
 *
 * One after the other, each waits for the end of the one before, which the time limit of the job
 * guarantees also when the client is lost. abort_on_err ends the row at a child that `failed`; a
 * client that is not connected and a child that is `unknown` do not count as that (so does the
 * original). What a stopped server leaves open is ended at its next start: clients that were not
 * asked get a failed child job that says so.
 */
#ifndef RP_SERVER_MULTI_H
#define RP_SERVER_MULTI_H

#include <stdbool.h>

#include "core/defs.h"
#include "core/err.h"
#include "core/json.h"
#include "core/str.h"
#include "server/config.h"
#include "server/events.h"
#include "server/jobs.h"
#include "server/multi_store.h"
#include "server/registry.h"
#include "server/store.h"

/* Under way at once; more is RP_EBUSY. */
#define RP_MULTI_RUNNING_MAX 256

struct rp_multis;

struct rp_multis_options {
	struct rp_loop *loop;
	const struct rp_server_config *cfg;
	struct rp_registry *registry;
	struct rp_store *store;
	struct rp_jobs *jobs;
	struct rp_events *events; /* may be NULL */
};
/* Also ends what the server left open when it stopped. */
RP_NODISCARD int rp_multis_new(const struct rp_multis_options *opt, struct rp_multis **out);
/* No callback but on_stored comes any more; before rp_jobs_close. rp_multis_free when the loop has
 * ended. */
void rp_multis_close(struct rp_multis *owner);
void rp_multis_free(struct rp_multis *owner);

struct rp_multi_output {
	const char *client_id;
	const char *client_name;
	const struct rp_job_output *piece;
};

struct rp_multi_end {
	const char *jid;
	size_t clients;
	size_t successful; /* child jobs */
	size_t ended;      /* child jobs, whatever their status; fewer than clients if aborted */
};

/* On the loop, none from inside a function of this header. */
struct rp_multi_ops {
	/* The job is stored and starts (code 0), or not: then nothing follows. May be NULL. */
	void (*on_stored)(void *ctx, const char *jid, int code, const struct rp_err *err);
	/* Live output. NULL: the clients are not asked for it. */
	void (*on_output)(void *ctx, const struct rp_multi_output *o);
	/* A child job has ended, as it is stored. May be NULL. */
	void (*on_job)(void *ctx, const struct rp_job *job);
	/* The last call. May be NULL. */
	void (*on_end)(void *ctx, const struct rp_multi_end *end);
};

/* job (copied): jid and started_at are set here; timeout_sec <= 0 is the server's default.
 * targets: client ids from rp_audience_resolve, copied. RP_EBUSY, RP_ENOMEM, RP_ECLOSED: nothing
 * follows. */
struct rp_multi_order {
	const struct rp_multi_job *job;
	const struct rp_strlist *targets;
	const struct rp_multi_ops *ops; /* borrowed */
	void *ctx;
};
RP_NODISCARD int rp_multi_start(struct rp_multis *owner, const struct rp_multi_order *order);
/* Whoever started it with that ctx goes: no callback comes any more, the job goes on. */
void rp_multi_detach(struct rp_multis *owner, const void *ctx);
/* No client is started any more; those under way go on to their end or their time limit (nothing is
 * sent to them), and the job ends with the last of them. RP_ENOENT: no such job runs. */
RP_NODISCARD int rp_multi_stop(struct rp_multis *owner, const char *jid);
/* How many clients a job is for that is under way, without those that will not be started any more;
 * 0: no such job runs. */
size_t rp_multi_running(const struct rp_multis *owner, const char *jid);
/* Reads through the store's queue. */
RP_NODISCARD int rp_multi_read(
    struct rp_multis *owner, const struct rp_multi_query *query, rp_multi_read_cb cb, void *ctx);

#endif
