/* SPDX-License-Identifier: MIT */
/*
 * Runs jobs (wire protocol 6): asks the owner's policy, starts the process in a session of its
 * own, collects what it prints, ends it after its time, and reports. Commands run by execve with
 * exactly the planned words; scripts and shell commands from a file that only we can read and
 * that is gone afterwards.
 *
 * A job: start -> on_started -> on_output ... -> on_finished. Time-out: SIGTERM to the process
 * group, SIGKILL later, status "unknown" with what was printed so far. Processes that even then
 * do not end are given up.
 */
#ifndef RP_CLIENT_RUNNER_H
#define RP_CLIENT_RUNNER_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "cmdpolicy/cmdpolicy.h"
#include "cmdpolicy/job.h"
#include "core/defs.h"
#include "core/err.h"
#include "core/str.h"

#define RP_RUNNER_JOBS_MAX      64
#define RP_RUNNER_KILL_AFTER_MS 5000

struct rp_runner;

/* Everything borrowed for the life of the runner, except data_dir, which is copied. */
struct rp_runner_options {
	const char *data_dir; /* script files go to its folder "scripts" */
	const struct rp_cmdpolicy *policy;
	const struct rp_strmap *interpreter_aliases; /* NULL: none */
	uint64_t send_back_limit; /* bytes that are taken of each stream; 0 is 0 */
	size_t max_jobs;          /* 0 = RP_RUNNER_JOBS_MAX */
	size_t result_max;        /* bytes of the result's JSON; 0 = RP_RESULT_JSON_MAX */
	unsigned kill_after_ms;   /* between SIGTERM and SIGKILL; 0 = RP_RUNNER_KILL_AFTER_MS */
	/* What the policy decided about a job and why, from inside rp_runner_start; may be NULL. */
	void (*on_decision)(void *ctx, const struct rp_job *job, bool allowed, const char *reason);
	void *ctx;
};

/* All from the loop, never from inside a function of this header; they may call rp_runner_start
 * and rp_runner_close. Each may be NULL. */
struct rp_runner_ops {
	/* The process runs; before any output. */
	void (*on_started)(void *ctx, int64_t pid, int64_t started_at);
	/* Output as it comes: stream 1 or 2, valid UTF-8, up to send_back_limit in all. */
	void (*on_output)(void *ctx, int stream, const uint8_t *p, size_t n);
	/* The end, exactly once after a start that succeeded. All fields of the job are filled as
	 * cmd_result wants them, and its JSON fits. To keep the job, move it (*mine = *job; *job
	 * = (struct rp_job){0}). */
	void (*on_finished)(void *ctx, struct rp_job *job);
};

RP_NODISCARD int rp_runner_new(
    uv_loop_t *loop, const struct rp_runner_options *opt, struct rp_runner **out);

/* Decides and starts. 0: *job was moved and is empty now, ops follow. Otherwise *job stays the
 * caller's, nothing follows, and err has the text for the failure reply (6.1, `failed to start a
 * command: ...`): RP_EDENIED by policy, RP_EBUSY with too many jobs, RP_ECLOSED, RP_EINVAL,
 * RP_ENOMEM, or what the system said. ops and ctx are borrowed until on_finished. */
RP_NODISCARD int rp_runner_start(struct rp_runner *r, struct rp_job *job,
    const struct rp_runner_ops *ops, void *ctx, struct rp_err *err);

/* Jobs that run. */
size_t rp_runner_count(const struct rp_runner *r);

/* Ends the runner: every job still gets its on_finished (status "unknown", error "client is
 * shutting down"); with kill_jobs their process groups get SIGKILL, without they live on. on_closed
 * comes once from the loop, then r is freed. Idempotent: later calls change nothing. */
void rp_runner_close(struct rp_runner *r, bool kill_jobs, void (*on_closed)(void *ctx), void *ctx);

/* The policy's resolver on the real file system: realpath of an executable regular file. */
RP_NODISCARD int rp_runner_resolve(void *ctx, const char *program, char **resolved);

#endif
