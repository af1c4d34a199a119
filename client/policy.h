/* SPDX-License-Identifier: MIT */
/*
 * The policy of commands as the client's configuration has it, and `rport client policy`.
 */
#ifndef RP_CLIENT_POLICY_H
#define RP_CLIENT_POLICY_H

#include "client/config.h"
#include "cmdpolicy/cmdpolicy.h"
#include "core/defs.h"
#include "core/err.h"

/* The configuration may go afterwards. */
RP_NODISCARD int rp_client_policy_new(
    const struct rp_client_config *cfg, struct rp_cmdpolicy **out, struct rp_err *err);
/* Adds a warning where lists of the owner's own used to let shell operators through. RP_ENOMEM. */
RP_NODISCARD int rp_client_policy_warn(struct rp_client_config *cfg);

/* `policy show` and `policy test COMMAND`: argv behind the word policy. Exit status: 0 shown or
 * allowed, 1 refused, 2 called wrongly or the configuration is not valid. */
int rp_client_policy_main(int argc, char **argv);

#endif
