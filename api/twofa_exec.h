/* SPDX-License-Identifier: MIT */
/*
 * The program that delivers a code (rport-config 2.4): started without a shell in a process group of
 * its own, told everything by its environment, killed with its group when it takes too long.
 */
#ifndef RP_API_TWOFA_EXEC_H
#define RP_API_TWOFA_EXEC_H

#include "core/defs.h"
#include "core/err.h"
#include "core/loop.h"
#include "core/str.h"

struct rp_twofa_exec;

/* All borrowed during the call. */
struct rp_twofa_exec_options {
	const char *program;
	const struct rp_strlist *env; /* NAME=VALUE, besides our own environment */
	unsigned timeout_ms;
};

/* Once unless cancelled, never from inside start. code 0: it ended with status 0; otherwise err has
 * what it wrote to stderr, or how it ended. */
typedef void (*rp_twofa_exec_cb)(void *ctx, int code, const struct rp_err *err);

RP_NODISCARD int rp_twofa_exec_start(struct rp_loop *loop, const struct rp_twofa_exec_options *opt,
    rp_twofa_exec_cb cb, void *ctx, struct rp_twofa_exec **out, struct rp_err *err);
/* Kills it. Only before the callback, which does not come then. NULL is fine. */
void rp_twofa_exec_cancel(struct rp_twofa_exec *x);

#endif
