/* SPDX-License-Identifier: MIT */
/*
 * Logins: the lifetime of a bearer token is kept here, not in the token (rport-api 1.5). In
 * memory for each request, in SQLite so that a
 * restart logs nobody out.
 */
#ifndef RP_API_SESSIONS_H
#define RP_API_SESSIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/defs.h"
#include "core/err.h"
#include "core/loop.h"
#include "server/store.h"

struct rp_sessions;

struct rp_session {
	uint64_t id;
	char *username;
	int64_t expires_at;
	int64_t last_access_at;
	char *user_agent;
	char *ip_address;
};

/* Loads what has not expired (blocking, at start). */
RP_NODISCARD int rp_sessions_new(
    struct rp_store *store, struct rp_sessions **out, struct rp_err *err);
void rp_sessions_free(struct rp_sessions *s);
/* s is copied, its id is made here and given back; done on the loop when it is stored. */
RP_NODISCARD int rp_sessions_add(
    struct rp_sessions *ss, struct rp_session *s, rp_store_done_cb done, void *ctx);
/* Is this session of that user alive? Moves its end to at least now + 10 minutes. */
bool rp_sessions_touch(struct rp_sessions *ss, uint64_t id, const char *username);
RP_NODISCARD int rp_sessions_end(
    struct rp_sessions *ss, uint64_t id, rp_store_done_cb done, void *ctx);
bool rp_sessions_is_of(const struct rp_sessions *ss, uint64_t id, const char *username);
/* Those of the user (NULL: of all) that have not expired, in no order. */
void rp_sessions_each(struct rp_sessions *ss, const char *username,
    void (*fn)(void *ctx, const struct rp_session *s), void *ctx);
/* All of a user. */
RP_NODISCARD int rp_sessions_end_all(
    struct rp_sessions *ss, const char *username, rp_store_done_cb done, void *ctx);

#endif
