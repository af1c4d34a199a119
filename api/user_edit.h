/* SPDX-License-Identifier: MIT */
/*
 * What the handlers that change users share: the store that must be there, answers to what is
 * wrong, and what ends with a change (logins, API tokens).
 */
#ifndef RP_API_USER_EDIT_H
#define RP_API_USER_EDIT_H

#include "api/context.h"
#include "api/user_rules.h"
#include "core/err.h"

/* With one static user there is nothing to change: false, and the call was answered. */
bool rp_user_edit_store(struct rp_api_call *c);
/* Checks the rules; false: broken, and the call was answered. name as in rp_user_rules_check. */
bool rp_user_edit_check(
    struct rp_api_call *c, const struct rp_user_change *change, const char *name);
/* Answers a change that rp_users_… refused, with the status that the API has for its code. */
void rp_user_edit_fail(struct rp_api_call *c, int code, const struct rp_err *err);
/* Changes the user and then ends what the change ends: his logins when his password expires, and
 * with another name all logins and API tokens of the old one and of whoever had the new one
 * before. Then done; or it has answered the call. */
void rp_user_edit_change(struct rp_api_call *c, const char *name,
    const struct rp_user_change *change, void (*done)(struct rp_api_call *c));

#endif
