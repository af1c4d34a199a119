/* SPDX-License-Identifier: MIT */
/*
 * API tokens (rport-api 1.5, 3.5): passwords of 122 random bits with an end and a scope, of which
 * only the SHA-256 is kept. In memory for each request, in SQLite for the next start.
 */
#ifndef RP_API_TOKENS_H
#define RP_API_TOKENS_H

#include <stdint.h>

#include "acl/authorize.h"
#include "core/defs.h"
#include "core/err.h"
#include "server/store.h"

#define RP_TOKEN_PREFIX_LEN 8
/* prefix, '_', UUID, NUL */
#define RP_TOKEN_TEXT_MAX 46
#define RP_TOKEN_HASH_MAX 65
/* Of one user; more is RP_ELIMIT. */
#define RP_TOKENS_PER_USER 1000

struct rp_token {
	char *username;
	char *name;
	int64_t created_at;
	int64_t expires_at;
	enum rp_scope scope;
	char prefix[RP_TOKEN_PREFIX_LEN + 1];
	char hash[RP_TOKEN_HASH_MAX]; /* hex */
};

struct rp_tokens;

/* "read", "read+write", "clients-auth". */
const char *rp_scope_name(enum rp_scope scope);
/* RP_EINVAL: none of them. */
RP_NODISCARD int rp_scope_parse(const char *name, enum rp_scope *scope);

/* Loads all (blocking, at start). */
RP_NODISCARD int rp_tokens_new(struct rp_store *store, struct rp_tokens **out, struct rp_err *err);
void rp_tokens_free(struct rp_tokens *ts);
/* The token that a password is, by its prefix; NULL if it is none of this user's. Borrowed until the
 * loop's next turn. *equal says whether the secret part is right too. */
const struct rp_token *rp_tokens_match(
    const struct rp_tokens *ts, const char *username, const char *password, bool *equal);
/* In the order of their making. */
void rp_tokens_each(const struct rp_tokens *ts, const char *username,
    void (*fn)(void *ctx, const struct rp_token *t), void *ctx);

/* The three below: done on the loop when it is stored, and only then it counts; an error (also
 * from done) leaves everything as it was. */

/* Fills prefix, hash and times of t (of which username and name are copied), and text with the
 * token itself. A zero expires_at is a year from now. done gets RP_EEXIST if the user has a token
 * of this name. */
RP_NODISCARD int rp_tokens_add(struct rp_tokens *ts, struct rp_token *t,
    char text[static RP_TOKEN_TEXT_MAX], rp_store_done_cb done, void *ctx);
/* name NULL or expires_at RP_TIME_ZERO: stays. RP_ENOENT; done as above. */
RP_NODISCARD int rp_tokens_change(
    struct rp_tokens *ts, const struct rp_token *t, rp_store_done_cb done, void *ctx);
/* RP_ENOENT. The token is refused from now on. */
RP_NODISCARD int rp_tokens_end(struct rp_tokens *ts, const char *username, const char *prefix,
    rp_store_done_cb done, void *ctx);
/* All of a user's; there need not be any. */
RP_NODISCARD int rp_tokens_end_all(
    struct rp_tokens *ts, const char *username, rp_store_done_cb done, void *ctx);

#endif
