/* SPDX-License-Identifier: MIT */
/*
 * tunnel_allowed: which targets the client's owner lets tunnels reach (wire protocol 5.7), with
 * IPv6 and host names beyond the original: entries IP, CIDR, PORT, :PORT, IP:PORT, CIDR:PORT,
 * [v6]:PORT, [v6/bits]:PORT. Pure decisions on resolved addresses.
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
	bool any_addr;
	struct rp_net net;
	bool any_port;
	uint16_t port;
};
struct rp_target_rules {
	struct rp_target_rule *v;
	size_t n;
};

/* err: `invalid "tunnel_allowed" config: …` naming the entry. */
RP_NODISCARD int rp_target_rules_parse(
    const struct rp_strlist *list, struct rp_target_rules *r, struct rp_err *err);
void rp_target_rules_fini(struct rp_target_rules *r);
/* True if there are no rules, or if every one of the n > 0 addresses matches one. */
bool rp_target_allowed(
    const struct rp_target_rules *r, const struct rp_addr *addrs, size_t n, uint16_t port);

#endif
