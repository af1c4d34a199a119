/* SPDX-License-Identifier: MIT */
/*
 * What the client decided about commands, in a file of its own that no server can edit:
 * <data_dir>/commands.log, a JSON object a line, mode 0600. When it has grown to RP_TRAIL_FILE_MAX
 * it becomes commands.log.1, the one before commands.log.2, and so on up to RP_TRAIL_FILES.
 */
#ifndef RP_CLIENT_TRAIL_H
#define RP_CLIENT_TRAIL_H

#include <stdbool.h>

#include "cmdpolicy/job.h"
#include "core/defs.h"
#include "core/err.h"
#include "core/loop.h"

#define RP_TRAIL_FILE_MAX ((long)10 * 1024 * 1024)
#define RP_TRAIL_FILES    5
/* Of each text; what a command or a script goes on with is only in the digest. */
#define RP_TRAIL_TEXT_MAX 4096

struct rp_trail;

/* data_dir is copied. */
RP_NODISCARD int rp_trail_new(
    struct rp_loop *loop, const char *data_dir, struct rp_trail **out, struct rp_err *err);
/* Writes down what is decided about a job, and logs it: everything is copied. It is on disk soon; what
 * cannot be written is an error in the log, with the job's id. */
void rp_trail_decision(
    struct rp_trail *t, const struct rp_job *job, bool allowed, const char *reason);
/* What is waiting is written first. on_closed comes once from the loop, t is freed then. */
void rp_trail_close(struct rp_trail *t, void (*on_closed)(void *ctx), void *ctx);

#endif
