/* SPDX-License-Identifier: MIT */
/*
 * IP addresses and networks. Everything is 128 bits wide inside; an IPv4 network never matches
 * IPv6 and an IPv6 network never matches IPv4, not even through the mapped range, so that a list
 * means the same whether the listening socket is dual-stack or not.
 */
#include "acl/addrlist.h"

#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "core/alloc.h"

#include "core/banned.h"

#define V4_PREFIX_BITS 96
#define ADDR_BITS      128

static const uint8_t v4_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static void set_v4(struct rp_addr *a, const void *four)
{
	memcpy(a->b, v4_prefix, sizeof(v4_prefix));
	memcpy(a->b + sizeof(v4_prefix), four, 4);
}

int rp_addr_parse(struct rp_str s, struct rp_addr *a)
{
	char text[INET6_ADDRSTRLEN];
	if (s.len == 0 || s.len >= sizeof(text) || memchr(s.p, '\0', s.len) != NULL) {
		return RP_EINVAL;
	}
	memcpy(text, s.p, s.len);
	text[s.len] = '\0';

	struct in_addr v4;
	if (inet_pton(AF_INET, text, &v4) == 1) {
		set_v4(a, &v4);
		return 0;
	}
	return inet_pton(AF_INET6, text, a->b) == 1 ? 0 : RP_EINVAL;
}

int rp_addr_from_sockaddr(const struct sockaddr *sa, struct rp_addr *a)
{
	if (sa->sa_family == AF_INET) {
		struct sockaddr_in sin;
		memcpy(&sin, sa, sizeof(sin));
		set_v4(a, &sin.sin_addr);
		return 0;
	}
	if (sa->sa_family == AF_INET6) {
		struct sockaddr_in6 sin6;
		memcpy(&sin6, sa, sizeof(sin6));
		memcpy(a->b, &sin6.sin6_addr, sizeof(a->b));
		return 0;
	}
	return RP_EINVAL;
}

bool rp_addr_is_v4(const struct rp_addr *a)
{
	return memcmp(a->b, v4_prefix, sizeof(v4_prefix)) == 0;
}

void rp_addr_text(const struct rp_addr *a, char out[static RP_ADDR_TEXT_MAX])
{
	bool v4 = rp_addr_is_v4(a);
	const uint8_t *from = v4 ? a->b + sizeof(v4_prefix) : a->b;
	out[0] = '\0';
	(void)inet_ntop(v4 ? AF_INET : AF_INET6, from, out, RP_ADDR_TEXT_MAX);
}

/* Clears the bits behind the prefix. */
static void mask(struct rp_net *n)
{
	for (unsigned i = 0; i < sizeof(n->addr.b); i++) {
		unsigned first = i * 8;
		if (first >= n->bits) {
			n->addr.b[i] = 0;
		} else if (n->bits - first < 8) {
			n->addr.b[i] &= (uint8_t)(0xff00u >> (n->bits - first));
		}
	}
}

/* The address part may come in either family's form; bits count within the family of the text. */
static int parse_net(struct rp_str s, struct rp_net *n, struct rp_addr *base)
{
	struct rp_str rest = s;
	struct rp_str addr;
	if (!rp_str_split(&rest, '/', &addr) || rp_addr_parse(addr, base) != 0) {
		return RP_EINVAL;
	}
	bool v4_text = memchr(addr.p, ':', addr.len) == NULL;
	uint64_t bits = v4_text ? ADDR_BITS - V4_PREFIX_BITS : ADDR_BITS;
	if (rest.p != NULL && (rest.len > 3 || rp_str_u64(rest, bits, &bits) != 0)) {
		return RP_EINVAL;
	}
	n->addr = *base;
	n->bits = (uint8_t)(v4_text ? bits + V4_PREFIX_BITS : bits);
	mask(n);
	return 0;
}

int rp_net_parse(struct rp_str s, struct rp_net *n)
{
	struct rp_addr base;
	return parse_net(s, n, &base);
}

static bool net_is_v4(const struct rp_net *n)
{
	return n->bits >= V4_PREFIX_BITS && rp_addr_is_v4(&n->addr);
}

bool rp_net_has(const struct rp_net *n, const struct rp_addr *a)
{
	if (net_is_v4(n) != rp_addr_is_v4(a)) {
		return false;
	}
	struct rp_net other = {.addr = *a, .bits = n->bits};
	mask(&other);
	return memcmp(other.addr.b, n->addr.b, sizeof(n->addr.b)) == 0;
}

static bool is_unspecified(const struct rp_addr *a)
{
	size_t from = rp_addr_is_v4(a) ? sizeof(v4_prefix) : 0;
	for (size_t i = from; i < sizeof(a->b); i++) {
		if (a->b[i] != 0) {
			return false;
		}
	}
	return true;
}

/* One element of an ACL. 0.0.0.0 and :: are refused in every form, and so is any network of 0
 * bits. */
static int parse_entry(struct rp_str part, struct rp_net *n, struct rp_err *err)
{
	struct rp_addr base;
	int len = (int)RP_MIN(part.len, (size_t)64);
	if (parse_net(part, n, &base) != 0) {
		return rp_err_set(err, RP_EINVAL, "invalid IP addr: %.*s", len, part.p);
	}
	if (is_unspecified(&base) || n->bits == 0 ||
	    (n->bits == V4_PREFIX_BITS && rp_addr_is_v4(&n->addr))) {
		struct rp_str ip;
		(void)rp_str_split(&part, '/', &ip);
		return rp_err_set(err, RP_EINVAL,
		    "%.*s would allow access to everyone. If that's what you want, do not set the ACL",
		    (int)ip.len, ip.p);
	}
	return 0;
}

int rp_addrlist_parse(const char *text, struct rp_addrlist *l, struct rp_err *err)
{
	*l = (struct rp_addrlist){0};
	if (text == NULL || *text == '\0') {
		return 0;
	}
	size_t count = 1;
	for (const char *p = text; *p != '\0'; p++) {
		count += *p == ',' ? 1 : 0;
	}
	if (count > RP_ADDRLIST_MAX) {
		return rp_err_set(err, RP_ELIMIT, "more than %d addresses", RP_ADDRLIST_MAX);
	}
	l->v = rp_calloc(count, sizeof(*l->v));
	if (l->v == NULL) {
		return rp_err_no_memory(err);
	}
	struct rp_str rest = rp_str_c(text);
	struct rp_str part;
	while (rp_str_split(&rest, ',', &part)) {
		int rc = parse_entry(part, &l->v[l->n], err);
		if (rc != 0) {
			rp_addrlist_fini(l);
			return rc;
		}
		l->n++;
	}
	return 0;
}

bool rp_addrlist_has(const struct rp_addrlist *l, const struct rp_addr *a)
{
	for (size_t i = 0; i < l->n; i++) {
		if (rp_net_has(&l->v[i], a)) {
			return true;
		}
	}
	return false;
}

void rp_addrlist_fini(struct rp_addrlist *l)
{
	rp_free(l->v);
	*l = (struct rp_addrlist){0};
}
