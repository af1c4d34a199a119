/* SPDX-License-Identifier: MIT */
/*
 * Everything about a process before it runs: which file, which words, which environment, and the
 * script file for what goes to an interpreter (wire protocol 6.2). Internal to the runner.
 */
#ifndef RP_CLIENT_LAUNCH_H
#define RP_CLIENT_LAUNCH_H

#include <stdbool.h>

#include "cmdpolicy/cmdpolicy.h"
#include "cmdpolicy/job.h"
#include "core/defs.h"
#include "core/err.h"
#include "core/str.h"

#define RP_LAUNCH_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

struct rp_launch {
	char *file;             /* what is executed */
	struct rp_strlist argv; /* argv[0] included */
	struct rp_strlist env;
	char *script;        /* file to remove afterwards, or NULL */
	int64_t max_runtime; /* by the policy, ns; 0 = none */
};

/* Makes the launch of a job that the policy has allowed. Takes plan's content. The script file is
 * written by this. Errors with the text for the failure reply. */
RP_NODISCARD int rp_launch_prepare(struct rp_launch *l, const struct rp_job *job,
    struct rp_cmd_plan *plan, const char *data_dir, const struct rp_strmap *aliases,
    struct rp_err *err);
/* Removes the script file. Idempotent. */
void rp_launch_fini(struct rp_launch *l);

#endif
