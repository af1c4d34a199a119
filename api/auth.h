/* SPDX-License-Identifier: MIT */
/*
 * Who asks: Basic credentials or a bearer token (rport-api 1.5), with waits and bans. Passwords
 * of the user file are bcrypt and checked on libuv's
 * thread pool.
 */
#ifndef RP_API_AUTH_H
#define RP_API_AUTH_H

#include "api/context.h"

enum rp_auth_verdict {
	RP_AUTH_OK,
	RP_AUTH_REFUSED, /* 401 */
	RP_AUTH_EXPIRED, /* 401, password has expired */
	RP_AUTH_WAIT,    /* 429 */
	RP_AUTH_BANNED,  /* 423 */
	RP_AUTH_FOREIGN, /* 403, a session cookie that somebody else's page has sent along */
	RP_AUTH_FAILED   /* our own fault: code */
};

struct rp_auth_result {
	enum rp_auth_verdict verdict;
	int code;
};

/* Fills c->user on RP_AUTH_OK. Once, maybe from inside the call. */
typedef void (*rp_auth_cb)(struct rp_api_call *c, const struct rp_auth_result *r);

/* By the Authorization header: Basic first, then Bearer; without that header by a page's cookie
 * (api/cookie.h). A WebSocket's token may also stand in the query, as access_token: browsers cannot
 * send headers with the handshake. */
void rp_auth_request(struct rp_api_call *c, rp_auth_cb cb);
/* By name and password (POST /login). Copies both. */
void rp_auth_password(struct rp_api_call *c, const char *name, const char *password, rp_auth_cb cb);
/* Is this the password of the user whose call it is? c->user stays as it is. Copies password. */
void rp_auth_verify(struct rp_api_call *c, const char *password, rp_auth_cb cb);
/* By the name that a proxy says it has authenticated (api.auth_header), made if need be and
 * configured. */
void rp_auth_named(struct rp_api_call *c, const char *name, rp_auth_cb cb);
/* The Basic pair of the header, owned; RP_ENOENT if there is none, RP_EINVAL if it is
 * unreadable. */
RP_NODISCARD int rp_auth_basic(const struct rp_api_call *c, char **name, char **password);
/* The bearer token of the header (borrowed), or NULL. */
const char *rp_auth_bearer(const struct rp_api_call *c);
/* A WebSocket's request that has brought no credentials at all. */
bool rp_auth_needs_token(const struct rp_api_call *c);

#endif
