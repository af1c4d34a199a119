/* SPDX-License-Identifier: MIT */
/*
 * API users: one static user, or RPort's JSON file with bcrypt hashes (rport-config 4.1), read
 * at start.
 */
#ifndef RP_API_USERS_H
#define RP_API_USERS_H

#include <stdbool.h>

#include "core/defs.h"
#include "core/err.h"
#include "core/str.h"
#include "server/config.h"

#define RP_ADMIN_GROUP "Administrators"

struct rp_user {
	char *username;
	char *password; /* static user: the password itself; file: bcrypt hash */
	struct rp_strlist groups;
	bool password_expired;
	char *two_fa_send_to;
};

struct rp_users;

RP_NODISCARD int rp_users_new(
    const struct rp_conf_api *cfg, struct rp_users **out, struct rp_err *err);
void rp_users_free(struct rp_users *u);
/* NULL if there is no such user. Borrowed. */
const struct rp_user *rp_users_find(const struct rp_users *u, const char *name);
/* All, in the order of the file. */
void rp_users_each(
    const struct rp_users *u, void (*fn)(void *ctx, const struct rp_user *user), void *ctx);
/* Hash to check the password of a name that does not exist against: takes as long as that of a
 * user in
 * the file, whatever cost these have. NULL without users. Borrowed. */
const char *rp_users_decoy(const struct rp_users *u);
bool rp_users_static(const struct rp_users *u);
/* "Static Credentials" or "File". */
const char *rp_users_source(const struct rp_users *u);
/* Is password the one behind a bcrypt hash? Slow on purpose; thread-safe. hash NULL: takes as
 * long and answers false. */
bool rp_users_bcrypt(const char *hash, const char *password);

#endif
