/* SPDX-License-Identifier: MIT */
/*
 * tunnel_allowed: which targets the client's owner lets tunnels reach (wire protocol 5.7), with
 * IPv6, host names and ranges of ports beyond the original. An entry is an address, a network or a
 * name, or a port or a range of ports, or both: 10.0.0.0/8, 22, :22, 8000-8999, 10.0.0.1:22,
 * [2001:db8::/32]:443, router.lan, router.lan:80-89. Pure decisions on resolved addresses.
 */
#ifndef RP_ACL_TARGETS_H
#define RP_ACL_TARGETS_H

#include <stdbool.h>
#include <stdint.h>

#include "acl/addrlist.h"
#include "core/defs.h"
#include "core/err.h"
#include "core/str.h"

struct rp_target_rule {
	char *name; /* of the target as it was asked for; NULL = whatever its name */
	bool any_addr;
	struct rp_net net;
	uint16_t first; /* ports */
	uint16_t last;
};
struct rp_target_rules {
	struct rp_target_rule *v;
	size_t n;
};

/* A target: its host as it was asked for (an address or a name), and what that resolved to. */
struct rp_target_asked {
	const char *host;
	const struct rp_addr *addrs;
	size_t n;
	uint16_t port;
};

/* err: `invalid "tunnel_allowed" config: …` naming the entry. */
RP_NODISCARD int rp_target_rules_parse(
    const struct rp_strlist *list, struct rp_target_rules *r, struct rp_err *err);
void rp_target_rules_fini(struct rp_target_rules *r);
/* True if there are no rules, or if every one of the n > 0 addresses matches one. A rule with a name
 * matches all addresses that the owner's resolver gives for it. */
bool rp_target_allowed(const struct rp_target_rules *r, const struct rp_target_asked *t);

#endif
