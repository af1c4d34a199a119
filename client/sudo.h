/* SPDX-License-Identifier: MIT */
/*
 * What our user may not do and sudo lets it: "sudo -n PROGRAM ARGUMENTS", so that sudoers decides.
 * Blocks: for the pool.
 */
#ifndef RP_CLIENT_SUDO_H
#define RP_CLIENT_SUDO_H

#include "core/defs.h"
#include "core/err.h"

#define RP_SUDO_ARGS_MAX 6
#define RP_SUDO_WAIT_MS  30000

/* words: the program and its arguments, NULL at the end, at most RP_SUDO_ARGS_MAX. 0 when it ended
 * with success; otherwise err has what it said. RP_EUNSUPPORTED: there is no sudo; RP_EDENIED: it
 * failed; RP_ETIMEOUT: it did not end in time (it is left alone then). */
RP_NODISCARD int rp_sudo_run(const char *const *words, struct rp_err *err);

#endif
