/* SPDX-License-Identifier: MIT */
/*
 * The chain of X-Forwarded-For, walked from the connection towards the visitor.
 */
#include "acl/forwarded.h"

#include <stdio.h>
#include <string.h>

#include "core/alloc.h"

#include "core/banned.h"

/* Proxies of one request. */
#define HOPS_MAX 32

static int trusts_all(const struct rp_net *n)
{
	return n->bits == 0 || (n->bits == 96 && rp_addr_is_v4(&n->addr));
}

int rp_forwarded_parse(
    const struct rp_strlist *list, struct rp_addrlist *trusted, struct rp_err *err)
{
	*trusted = (struct rp_addrlist){0};
	if (list->n == 0) {
		return 0;
	}
	if (list->n > RP_ADDRLIST_MAX) {
		return rp_err_set(err, RP_EINVAL, "more than %d entries", RP_ADDRLIST_MAX);
	}
	trusted->v = rp_calloc(list->n, sizeof(*trusted->v));
	if (trusted->v == NULL) {
		return rp_err_no_memory(err);
	}
	for (size_t i = 0; i < list->n; i++) {
		struct rp_net *net = &trusted->v[trusted->n++];
		const char *problem = NULL;
		if (rp_net_parse(rp_str_c(list->v[i]), net) != 0) {
			problem = "invalid address or network";
		} else if (trusts_all(net)) {
			problem = "everyone would be trusted with";
		}
		if (problem != NULL) {
			rp_addrlist_fini(trusted);
			return rp_err_set(err, RP_EINVAL, "%s \"%s\"", problem, list->v[i]);
		}
	}
	return 0;
}

/* An element may carry a port: 192.0.2.1:80, [2001:db8::1]:80. */
static int parse_hop(struct rp_str s, struct rp_addr *a)
{
	s = rp_str_trim(s);
	struct rp_str rest = s;
	struct rp_str part;
	if (s.len > 0 && s.p[0] == '[') {
		rest = rp_str_n(s.p + 1, s.len - 1);
		return rp_str_split(&rest, ']', &part) && rest.p != NULL ? rp_addr_parse(part, a)
		                                                         : RP_EINVAL;
	}
	const char *colon = s.len > 0 ? memchr(s.p, ':', s.len) : NULL;
	bool one = colon != NULL && colon == memrchr(s.p, ':', s.len);
	if (one) {
		s.len = (size_t)(colon - s.p);
	}
	return rp_addr_parse(s, a);
}

/* The last element of a comma list; what is left of it stays in *list. */
static struct rp_str take_last(struct rp_str *list)
{
	const char *comma = list->len > 0 ? memrchr(list->p, ',', list->len) : NULL;
	struct rp_str last = *list;
	if (comma == NULL) {
		*list = (struct rp_str){0};
		return last;
	}
	size_t before = (size_t)(comma - list->p);
	last = rp_str_n(comma + 1, list->len - before - 1);
	list->len = before;
	return last;
}

void rp_forwarded_client(const struct rp_addrlist *trusted, const struct rp_forwarded *f,
    char out[static RP_ADDR_TEXT_MAX])
{
	struct rp_addr a;
	(void)snprintf(out, RP_ADDR_TEXT_MAX, "%s", f->peer);
	if (trusted->n == 0 || rp_addr_parse(rp_str_c(f->peer), &a) != 0) {
		return;
	}
	size_t i = f->n;
	struct rp_str list = {0};
	for (unsigned hops = 0; hops < HOPS_MAX && rp_addrlist_has(trusted, &a); hops++) {
		while (list.p == NULL && i > 0) {
			list = rp_str_c(f->values[--i]);
		}
		if (list.p == NULL || parse_hop(take_last(&list), &a) != 0) {
			return;
		}
		rp_addr_text(&a, out);
	}
}
