/* SPDX-License-Identifier: MIT */
/*
 * Whose request it is when reverse proxies stand in between: X-Forwarded-For counts only as far as
 * it was written by a proxy that the operator trusts (trusted_proxies). Pure decisions.
 */
#ifndef RP_ACL_FORWARDED_H
#define RP_ACL_FORWARDED_H

#include <stddef.h>

#include "acl/addrlist.h"
#include "core/defs.h"
#include "core/err.h"
#include "core/str.h"

/* Addresses and networks. err: `invalid address or network "x"`, and a refusal of what would trust
 * everyone. */
RP_NODISCARD int rp_forwarded_parse(
    const struct rp_strlist *list, struct rp_addrlist *trusted, struct rp_err *err);

/* What a request says about its way. */
struct rp_forwarded {
	const char *peer;          /* address at the other end of the connection */
	const char *const *values; /* of all X-Forwarded-For headers, in order */
	size_t n;
};
/* The address that counts for bans, logs and access lists: read from the right, the first one that
 * is no trusted proxy. What an untrusted peer says counts for nothing; neither does what stands left
 * of something unreadable. An address from the header has the one usual spelling. */
void rp_forwarded_client(const struct rp_addrlist *trusted, const struct rp_forwarded *f,
    char out[static RP_ADDR_TEXT_MAX]);

#endif
