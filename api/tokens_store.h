/* SPDX-License-Identifier: MIT */
/*
 * API tokens in SQLite.
 */
#ifndef RP_API_TOKENS_STORE_H
#define RP_API_TOKENS_STORE_H

#include "api/tokens.h"

typedef int (*rp_tokens_row_fn)(void *ctx, const struct rp_token *t);
/* Blocking, at start, in the order of their making. */
RP_NODISCARD int rp_tokens_store_load(
    struct rp_store *store, rp_tokens_row_fn fn, void *ctx, struct rp_err *err);
/* For all three t is copied. RP_EEXIST reaches done: the name or the prefix is taken. */
RP_NODISCARD int rp_tokens_store_add(
    struct rp_store *store, const struct rp_token *t, rp_store_done_cb done, void *ctx);
/* Name and end by username and prefix. */
RP_NODISCARD int rp_tokens_store_change(
    struct rp_store *store, const struct rp_token *t, rp_store_done_cb done, void *ctx);
RP_NODISCARD int rp_tokens_store_delete(
    struct rp_store *store, const struct rp_token *t, rp_store_done_cb done, void *ctx);
/* All of a user. */
RP_NODISCARD int rp_tokens_store_delete_user(
    struct rp_store *store, const char *username, rp_store_done_cb done, void *ctx);

#endif
