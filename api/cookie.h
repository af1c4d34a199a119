/* SPDX-License-Identifier: MIT */
/*
 * The session of a page (ours; rport-api 1.5 knows no cookies): the token that others send as a bearer
 * stands in a cookie that no script can read. A page that wants it so says X-Rport-Session: cookie
 * at the login, and again with every request that changes something: a page of another origin cannot
 * send that header without being asked about (api/cors.c never allows it).
 */
#ifndef RP_API_COOKIE_H
#define RP_API_COOKIE_H

#include "api/context.h"

/* Does the request come from a page of this server, or from no page at all? By its Origin, which has
 * to name the Host that the request is for, or was for before a trusted proxy (X-Forwarded-Host). */
bool rp_cookie_own_page(const struct rp_api_call *c);
/* Has it the header X-Rport-Session: cookie, and is the page one of ours? */
bool rp_cookie_asked(const struct rp_api_call *c);
/* Has it that header, but is the page none of ours? Then nothing else of it counts. */
bool rp_cookie_refused(const struct rp_api_call *c);
/* The token, owned, of a request without an Authorization header. RP_ENOENT: there is none;
 * RP_EINVAL: two of them, so that nobody knows which one is ours; RP_ENOMEM. */
RP_NODISCARD int rp_cookie_read(const struct rp_api_call *c, char **token);
/* Is a request that has such a token really the page's doing? */
bool rp_cookie_counts(const struct rp_api_call *c);
/* Does the caller speak TLS? Also behind a proxy that ends it: the page knows. */
bool rp_cookie_is_secure(const struct rp_api_call *c);
/* The answer sets the cookie, or takes it away (token NULL). */
RP_NODISCARD int rp_cookie_set(struct rp_api_call *c, const char *token);

#endif
