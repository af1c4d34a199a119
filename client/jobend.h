/* SPDX-License-Identifier: MIT */
/*
 * What a job says about its process once that has ended, or was given up. Internal to the runner.
 */
#ifndef RP_CLIENT_JOBEND_H
#define RP_CLIENT_JOBEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/output.h"
#include "cmdpolicy/job.h"

/* How it ended and what was printed; the texts are taken out. */
struct rp_job_end {
	bool exited; /* status and signal are known */
	bool timed_out;
	bool shutting_down;
	int64_t status;
	int signal;
	struct rp_output *out;
	struct rp_output *err;
	struct rp_summary *summary;
};

/* Fills status, finished_at, error and result; the JSON of the job has at most max bytes. What
 * finds no memory stays empty. */
void rp_job_finish(struct rp_job *job, const struct rp_job_end *end, size_t max);

#endif
