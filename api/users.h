/* SPDX-License-Identifier: MIT */
/*
 * API users: one static user, RPort's JSON file (rport-config 4.1), or tables of an SQLite
 * database that the administrator made. Reads come from memory, on the loop and borrowed until its
 * next turn. Changes go through one queue on the pool: each takes the store's lock, reads what
 * is there now, changes it and writes it; memory follows when it is on disk.
 */
#ifndef RP_API_USERS_H
#define RP_API_USERS_H

#include <stdbool.h>
#include <stdint.h>

#include "api/userset.h"
#include "core/defs.h"
#include "core/err.h"
#include "core/loop.h"
#include "core/str.h"
#include "server/config.h"
#include "server/store.h"

struct rp_users;

/* Reads all users (blocking, at start). loop NULL: only for reading. */
RP_NODISCARD int rp_users_new(struct rp_loop *loop, const struct rp_server_config *cfg,
    struct rp_users **out, struct rp_err *err);
/* On the loop: no more changes; those under way end first. NULL is fine. */
void rp_users_close(struct rp_users *u);
/* After close (and the loop's turns it needs). NULL is fine. */
void rp_users_free(struct rp_users *u);

/* NULL if there is no such user. */
const struct rp_user *rp_users_find(const struct rp_users *u, const char *name);
/* All, in the order of the file or by name. */
void rp_users_each(
    const struct rp_users *u, void (*fn)(void *ctx, const struct rp_user *user), void *ctx);
/* Hash to check the password of a name that does not exist against: takes as long as that of a
 * user in the store, whatever cost these have. NULL without users. */
const char *rp_users_decoy(const struct rp_users *u);
bool rp_users_static(const struct rp_users *u);
/* Another cost than RP_PASSWORD_COST for passwords that are set from now on; for tests. */
void rp_users_set_cost(struct rp_users *u, unsigned cost);
/* "Static Credentials", "File" or "DB". */
const char *rp_users_source(const struct rp_users *u);
/* Is the user administrator? */
bool rp_users_is_admin(const struct rp_user *user);

/* Do group details restrict what a user may do? Otherwise everybody may do everything (1.6). */
bool rp_users_groups_enabled(const struct rp_users *u);
/* Another number whenever users or groups may be others than before. */
uint64_t rp_users_generation(const struct rp_users *u);
/* RP_MAY_… of a member of these groups. */
unsigned rp_users_permissions(const struct rp_users *u, const struct rp_strlist *groups);
/* Of one group by its details; 0 for an unknown one. */
unsigned rp_users_group_permissions(const struct rp_users *u, const char *group);
/* Names of all groups that have details or members, sorted. */
RP_NODISCARD int rp_users_groups(const struct rp_users *u, struct rp_strlist *out);

/* The calls below: 0 and done once on the loop later, or a code (RP_EUNSUPPORTED: the store
 * cannot; RP_ENOMEM, RP_EBUSY, RP_ECLOSED) and no done. What done may get, with a text for the
 * caller of the API: RP_EEXIST (the name is taken), RP_ENOENT (no such user), RP_EDENIED (no
 * administrator would be left), RP_EUNSUPPORTED (the tables lack a column), RP_EBUSY, RP_EIO,
 * RP_EDB. Arguments are copied. */

/* new->username and new->password must be there. */
RP_NODISCARD int rp_users_add(
    struct rp_users *u, const struct rp_user_change *new, rp_store_done_cb done, void *ctx);
RP_NODISCARD int rp_users_change(struct rp_users *u, const char *name,
    const struct rp_user_change *change, rp_store_done_cb done, void *ctx);
RP_NODISCARD int rp_users_delete(
    struct rp_users *u, const char *name, rp_store_done_cb done, void *ctx);
RP_NODISCARD int rp_users_group_put(
    struct rp_users *u, const char *name, unsigned permissions, rp_store_done_cb done, void *ctx);
/* Its details and all memberships. */
RP_NODISCARD int rp_users_group_delete(
    struct rp_users *u, const char *name, rp_store_done_cb done, void *ctx);
/* Reads everything again. On failure what was read before stays in force. */
RP_NODISCARD int rp_users_reload(struct rp_users *u, rp_store_done_cb done, void *ctx);

/* May a store that is changed from outside (a database) differ from what was read max_age_ms
 * ago or later? */
bool rp_users_stale(const struct rp_users *u, uint64_t max_age_ms);
/* Reads again if something has changed. As rp_users_reload otherwise. */
RP_NODISCARD int rp_users_refresh(struct rp_users *u, rp_store_done_cb done, void *ctx);

#endif
