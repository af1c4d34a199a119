/* SPDX-License-Identifier: MIT */
/*
 * Logins that still lack their second factor: what a half-way token stands for (rport-api 4.1). In
 * memory only: a restart ends them, and they are no sessions that anybody could prolong. Which TOTP
 * codes were used outlives it. Decides, sends nothing.
 */
#ifndef RP_API_TWOFA_H
#define RP_API_TWOFA_H

#include <stdbool.h>
#include <stdint.h>

#include "acl/authorize.h"
#include "core/defs.h"
#include "core/err.h"
#include "server/config.h"
#include "server/store.h"

#define RP_TWOFA_CODE_MAX 7

enum rp_twofa_kind {
	RP_TWOFA_OFF,
	RP_TWOFA_CODE, /* a code that is sent to the user */
	RP_TWOFA_TOTP  /* from an authenticator application */
};

struct rp_twofa;

/* Loads which codes were used of late (blocking, at start). Borrows store. */
RP_NODISCARD int rp_twofa_new(const struct rp_conf_api *cfg, struct rp_store *store,
    struct rp_twofa **out, struct rp_err *err);
void rp_twofa_free(struct rp_twofa *t);
enum rp_twofa_kind rp_twofa_kind(const struct rp_twofa *t);
/* What /status and /login call it: "", "email", "pushover", "script", "url",
 * "totp_authenticator_app". */
const char *rp_twofa_method(const struct rp_twofa *t);

/* The password was right: *id is that of the half-way token. code (RP_TWOFA_CODE) is what to send.
 * setup: the user may make his TOTP secret. A user's oldest waiting login ends when there are too
 * many. RP_EBUSY: too many wrong codes of this user, RP_ELIMIT, RP_ENOMEM. */
RP_NODISCARD int rp_twofa_begin(struct rp_twofa *t, const char *username, bool setup, uint64_t *id,
    char code[static RP_TWOFA_CODE_MAX]);
/* False: no such login waits (any more). */
bool rp_twofa_find(struct rp_twofa *t, uint64_t id, const char *username, enum rp_scope *scope);
/* The secret was made: this login may not do it again. */
void rp_twofa_set_up(struct rp_twofa *t, uint64_t id);
/* The code could not be sent, or the user logs out. */
void rp_twofa_drop(struct rp_twofa *t, uint64_t id);

struct rp_twofa_try {
	uint64_t id;
	const char *code;
	const char *totp_secret; /* the user's, as it is stored; RP_TWOFA_TOTP */
};
/* 0: the login is complete, its code is used up; before anybody hears of it, rp_twofa_keep has to
 * see to it that this outlives a restart. RP_EAUTH: wrong, and after some of those the login
 * is over; RP_EBUSY: too many wrong codes of this user, who has to wait; RP_ENOENT: no such login;
 * RP_EINVAL: the user has no TOTP secret; RP_ENOMEM. */
RP_NODISCARD int rp_twofa_check(struct rp_twofa *t, const struct rp_twofa_try *try);
/* RP_TWOFA_TOTP: done on the loop when the last code that the user has used is stored. */
RP_NODISCARD int rp_twofa_keep(
    struct rp_twofa *t, const char *username, rp_store_done_cb done, void *ctx);

#endif
