/* SPDX-License-Identifier: MIT */
/*
 * Where users are kept: the JSON file (users_file.c) or tables (users_store.c). Everything here
 * blocks and runs on one thread at a time. Private to api/users*.c.
 */
#ifndef RP_API_USERS_SOURCE_H
#define RP_API_USERS_SOURCE_H

#include <stdbool.h>

#include "api/userset.h"
#include "core/defs.h"
#include "core/err.h"
#include "server/config.h"

struct rp_users_source {
	const char *name;
	/* Everything that is there into the empty set, sorted. With lock, nobody else changes it
	 * until save or unlock, one of which must follow success. */
	int (*load)(void *self, bool lock, struct rp_userset *out, struct rp_err *err);
	/* Writes what op has made of the set, to disk, and unlocks, also on failure. */
	int (*save)(void *self, const struct rp_users_op *op, const struct rp_userset *now,
	    struct rp_err *err);
	void (*unlock)(void *self);
	/* 1: may have been changed by others since the last load or call of this; 0: has not. NULL:
	 * others' changes are not looked for. */
	int (*changed)(void *self, struct rp_err *err);
	void (*free)(void *self);
	bool groups; /* has group details */
};

RP_NODISCARD int rp_users_file_open(
    const struct rp_server_config *cfg, void **self, struct rp_err *err);
extern const struct rp_users_source rp_users_file;

/* Opens the database and checks the tables. */
RP_NODISCARD int rp_users_store_open(
    const struct rp_server_config *cfg, void **self, struct rp_err *err);
extern const struct rp_users_source rp_users_store;         /* without, */
extern const struct rp_users_source rp_users_store_details; /* with details of groups */

#endif
