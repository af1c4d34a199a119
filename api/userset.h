/* SPDX-License-Identifier: MIT */
/*
 * Users and group details in memory, and the rules of changing them: what each store does to its
 * own form is decided here first.
 */
#ifndef RP_API_USERSET_H
#define RP_API_USERSET_H

#include <stdbool.h>
#include <stddef.h>

#include "core/defs.h"
#include "core/err.h"
#include "core/json.h"
#include "core/str.h"

#define RP_ADMIN_GROUP "Administrators"
/* Users and groups of a store; more of them are RP_ELIMIT. */
#define RP_USERS_MAX 65536

struct rp_user {
	char *username;
	char *password; /* static user: the password itself; else the bcrypt hash */
	struct rp_strlist groups;
	bool password_expired;
	char *two_fa_send_to;
	char *totp_secret; /* "" = none */
};

/* The form of the JSON file. */
extern const struct rp_json_table rp_user_table;

struct rp_group {
	char *name;
	unsigned permissions; /* RP_MAY_… */
};

/* NULL: stays. */
struct rp_user_change {
	const char *username;
	const char *password; /* as it is typed; its hash is made on the pool */
	const struct rp_strlist *groups;
	const bool *password_expired; /* a new password ends the expiry by itself */
	const char *two_fa_send_to;
	const char *totp_secret; /* "": none any more */
};

enum rp_users_op_kind {
	RP_USERS_RELOAD,
	RP_USERS_REFRESH,
	RP_USERS_ADD,
	RP_USERS_CHANGE,
	RP_USERS_DELETE,
	RP_USERS_GROUP_PUT,
	RP_USERS_GROUP_DELETE
};

/* One change. change.password is the hash here. */
struct rp_users_op {
	enum rp_users_op_kind kind;
	const char *name; /* user or group that is meant; of a new user too */
	struct rp_user_change change;
	unsigned permissions;
};

/* Zero-initialised is empty. */
struct rp_userset {
	struct rp_user *v;
	size_t n;
	size_t cap;
	size_t *by_name; /* indices, valid after rp_userset_sort */
	struct rp_group *groups;
	size_t n_groups;
};

void rp_userset_fini(struct rp_userset *s);
/* Takes what user owns, also on failure (RP_ELIMIT, RP_ENOMEM). Sort before the next find. */
RP_NODISCARD int rp_userset_take(struct rp_userset *s, struct rp_user *user);
/* RP_EEXIST when a name stands there twice: *twice. */
RP_NODISCARD int rp_userset_sort(struct rp_userset *s, const char **twice);
struct rp_user *rp_userset_find(const struct rp_userset *s, const char *name);
const struct rp_group *rp_userset_group(const struct rp_userset *s, const char *name);
/* Adds a group or changes its permissions. */
RP_NODISCARD int rp_userset_group_put(struct rp_userset *s, const char *name, unsigned permissions);
/* Changes the set by one of the kinds from RP_USERS_ADD on. Codes and texts as in api/users.h;
 * on failure the set is good only for rp_userset_fini. */
RP_NODISCARD int rp_userset_apply(
    struct rp_userset *s, const struct rp_users_op *op, struct rp_err *err);

#endif
