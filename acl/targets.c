/* SPDX-License-Identifier: MIT */
/*
 * Rules of tunnel_allowed. As in the original, ":PORT" means that port on any address (its sample
 * configuration says loopback, its code does not). Unbracketed IPv6 is taken only without a port,
 * since "::1:80" is an address.
 */
#include "acl/targets.h"

#include <string.h>

#include "core/alloc.h"

#include "core/banned.h"

static int parse_port(struct rp_str s, struct rp_target_rule *r)
{
	if (s.len > 5 || rp_str_port(s, &r->port) != 0 || r->port == 0) {
		return RP_EINVAL;
	}
	r->any_port = false;
	return 0;
}

static int parse_net(struct rp_str s, struct rp_target_rule *r)
{
	if (rp_net_parse(s, &r->net) != 0) {
		return RP_EINVAL;
	}
	r->any_addr = false;
	return 0;
}

static bool all_digits(struct rp_str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] < '0' || s.p[i] > '9') {
			return false;
		}
	}
	return s.len > 0;
}

/* "[v6]", "[v6/bits]", either with ":PORT". */
static int parse_bracketed(struct rp_str s, struct rp_target_rule *r)
{
	struct rp_str rest = rp_str_n(s.p + 1, s.len - 1);
	struct rp_str inside;
	if (memchr(rest.p, ']', rest.len) == NULL) {
		return RP_EINVAL;
	}
	(void)rp_str_split(&rest, ']', &inside);
	if (memchr(inside.p, ':', inside.len) == NULL || parse_net(inside, r) != 0) {
		return RP_EINVAL;
	}
	if (rest.len == 0) {
		return 0;
	}
	return rest.p[0] == ':' ? parse_port(rp_str_n(rest.p + 1, rest.len - 1), r) : RP_EINVAL;
}

static int parse_rule(struct rp_str s, struct rp_target_rule *r)
{
	*r = (struct rp_target_rule){.any_addr = true, .any_port = true};
	if (s.len == 0) {
		return RP_EINVAL;
	}
	if (s.p[0] == '[') {
		return parse_bracketed(s, r);
	}
	if (all_digits(s)) {
		return parse_port(s, r);
	}
	const char *first = memchr(s.p, ':', s.len);
	if (first == NULL || memchr(first + 1, ':', s.len - (size_t)(first + 1 - s.p)) != NULL) {
		return parse_net(s, r);
	}
	struct rp_str addr;
	(void)rp_str_split(&s, ':', &addr);
	if (addr.len > 0 && parse_net(addr, r) != 0) {
		return RP_EINVAL;
	}
	return parse_port(s, r);
}

int rp_target_rules_parse(
    const struct rp_strlist *list, struct rp_target_rules *r, struct rp_err *err)
{
	*r = (struct rp_target_rules){0};
	if (list->n == 0) {
		return 0;
	}
	r->v = rp_calloc(list->n, sizeof(*r->v));
	if (r->v == NULL) {
		return rp_err_set(err, RP_ENOMEM, "%s", rp_err_text(RP_ENOMEM));
	}
	for (; r->n < list->n; r->n++) {
		const char *entry = list->v[r->n];
		if (parse_rule(rp_str_c(entry), &r->v[r->n]) != 0) {
			rp_target_rules_fini(r);
			return rp_err_set(err, RP_EINVAL,
			    "invalid \"tunnel_allowed\" config: \"%.64s\" is not an IP address, network, port or "
			    "address:port",
			    entry);
		}
	}
	return 0;
}

void rp_target_rules_fini(struct rp_target_rules *r)
{
	rp_free(r->v);
	*r = (struct rp_target_rules){0};
}

static bool one_allowed(const struct rp_target_rules *r, const struct rp_addr *a, uint16_t port)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct rp_target_rule *rule = &r->v[i];
		if ((rule->any_addr || rp_net_has(&rule->net, a)) &&
		    (rule->any_port || rule->port == port)) {
			return true;
		}
	}
	return false;
}

bool rp_target_allowed(
    const struct rp_target_rules *r, const struct rp_addr *addrs, size_t n, uint16_t port)
{
	if (r->n == 0) {
		return true;
	}
	for (size_t i = 0; i < n; i++) {
		if (!one_allowed(r, &addrs[i], port)) {
			return false;
		}
	}
	return n > 0;
}
