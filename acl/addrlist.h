/* SPDX-License-Identifier: MIT */
/*
 * Lists of IP addresses and networks, IPv4 and IPv6 (tunnel ACLs, wire protocol 5.9). Pure
 * decisions.
 */
#ifndef RP_ACL_ADDRLIST_H
#define RP_ACL_ADDRLIST_H

#include <stdbool.h>
#include <stdint.h>

#include <sys/socket.h>

#include "core/defs.h"
#include "core/err.h"
#include "core/str.h"

#define RP_ADDRLIST_MAX 1024
/* INET6_ADDRSTRLEN */
#define RP_ADDR_TEXT_MAX 46

/* IPv4 is kept as IPv4-mapped IPv6. */
struct rp_addr {
	uint8_t b[16];
};
struct rp_net {
	struct rp_addr addr;
	uint8_t bits; /* of 128 */
};
struct rp_addrlist {
	struct rp_net *v;
	size_t n;
};

RP_NODISCARD int rp_addr_parse(struct rp_str s, struct rp_addr *a);
/* IPv4 or IPv6 socket address; others are RP_EINVAL. */
RP_NODISCARD int rp_addr_from_sockaddr(const struct sockaddr *sa, struct rp_addr *a);
bool rp_addr_is_v4(const struct rp_addr *a);
/* The usual spelling; IPv4 as IPv4. */
void rp_addr_text(const struct rp_addr *a, char out[static RP_ADDR_TEXT_MAX]);
RP_NODISCARD int rp_net_parse(struct rp_str s, struct rp_net *n); /* "addr" or "addr/bits" */
bool rp_net_has(const struct rp_net *n, const struct rp_addr *a);

/* Comma list. Texts: `invalid IP addr: <s>`, `<ip> would allow access to everyone. If that's what
 * you want, do not set the ACL`. NULL or "" gives an empty list. */
RP_NODISCARD int rp_addrlist_parse(const char *text, struct rp_addrlist *l, struct rp_err *err);
/* An empty list has nobody: "no ACL" is the caller's case. */
bool rp_addrlist_has(const struct rp_addrlist *l, const struct rp_addr *a);
void rp_addrlist_fini(struct rp_addrlist *l);

#endif
