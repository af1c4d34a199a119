/* SPDX-License-Identifier: MIT */
/*
 * What names and passwords of users must be (rport-api 4.2, rport-config 2.4), for the API and
 * the command line. All that is wrong is told at once.
 */
#ifndef RP_API_USER_RULES_H
#define RP_API_USER_RULES_H

#include <stddef.h>

#include "api/userset.h"
#include "server/config.h"

#define RP_USER_NAME_MAX     150
#define RP_USER_TEXT_MAX     1024
#define RP_USER_GROUPS_MAX   256
#define RP_USER_PROBLEMS_MAX 12

struct rp_user_problem {
	const char *title;
	char detail[96]; /* may be empty */
};

struct rp_user_problems {
	struct rp_user_problem v[RP_USER_PROBLEMS_MAX];
	size_t n;
};

/* name: the user who is to be changed; NULL for a new one. */
void rp_user_rules_check(const struct rp_conf_api *cfg, const struct rp_user_change *c,
    const char *name, struct rp_user_problems *out);

#endif
