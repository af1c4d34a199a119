/* SPDX-License-Identifier: MIT */
/*
 * Sessions in SQLite.
 */
#ifndef RP_API_SESSIONS_STORE_H
#define RP_API_SESSIONS_STORE_H

#include "api/sessions.h"

typedef int (*rp_sessions_row_fn)(void *ctx, const struct rp_session *s);
/* Blocking, at start. Those that ended before now are deleted. */
RP_NODISCARD int rp_sessions_store_load(
    struct rp_store *store, int64_t now, rp_sessions_row_fn fn, void *ctx, struct rp_err *err);
RP_NODISCARD int rp_sessions_store_save(
    struct rp_store *store, const struct rp_session *s, rp_store_done_cb done, void *ctx);
RP_NODISCARD int rp_sessions_store_delete(
    struct rp_store *store, uint64_t id, rp_store_done_cb done, void *ctx);
/* All of a user. */
RP_NODISCARD int rp_sessions_store_delete_user(
    struct rp_store *store, const char *username, rp_store_done_cb done, void *ctx);

#endif
