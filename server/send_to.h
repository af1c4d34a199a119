/* SPDX-License-Identifier: MIT */
/*
 * What a user's two_fa_send_to may be (rport-config 2.4): a mail address where codes are mailed or
 * posted to a URL, and for programs what two_fa_send_to_type says.
 */
#ifndef RP_SERVER_SEND_TO_H
#define RP_SERVER_SEND_TO_H

#include "core/defs.h"
#include "core/err.h"
#include "server/config.h"

/* RP_EINVAL with a text for the caller of the API. Everything is right while no codes are sent. */
RP_NODISCARD int rp_send_to_check(
    const struct rp_conf_api *cfg, const char *address, struct rp_err *err);
/* Of the configuration: two_fa_send_to_regex can be compiled. */
RP_NODISCARD int rp_send_to_regex_check(const char *pattern, struct rp_err *err);
/* Are codes sent, so that every user needs an address? */
bool rp_send_to_needed(const struct rp_conf_api *cfg);

#endif
