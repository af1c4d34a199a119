/* SPDX-License-Identifier: MIT */
/*
 * JSON Web Tokens of the API (RFC 7519, HS256 only): claims username, sessionID, scopes, jti
 * (rport-api 1.5).
 */
#ifndef RP_API_JWT_H
#define RP_API_JWT_H

#include <stdint.h>

#include "acl/authorize.h"
#include "core/defs.h"

struct rp_jwt_claims {
	char *username; /* owned */
	uint64_t session;
};

/* Owned text, NULL without memory. scope is told to whoever reads the token; what it may do is
 * decided by its session. */
RP_NODISCARD char *rp_jwt_sign(
    const char *secret, const char *username, uint64_t session, enum rp_scope scope);
/* RP_EAUTH for anything that is not a token signed with this secret, RP_ENOMEM. */
RP_NODISCARD int rp_jwt_verify(const char *secret, const char *token, struct rp_jwt_claims *out);

#endif
