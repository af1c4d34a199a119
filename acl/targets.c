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

#define NAME_MAX_LEN  253
#define LABEL_MAX_LEN 63

static int parse_port(struct rp_str s, uint16_t *port)
{
	return s.len <= 5 && rp_str_port(s, port) == 0 && *port != 0 ? 0 : RP_EINVAL;
}

/* "22" or "8000-8999". */
static int parse_ports(struct rp_str s, struct rp_target_rule *r)
{
	struct rp_str rest = s;
	struct rp_str first;
	if (!rp_str_split(&rest, '-', &first) || parse_port(first, &r->first) != 0) {
		return RP_EINVAL;
	}
	r->last = r->first;
	if (rest.p != NULL && parse_port(rest, &r->last) != 0) {
		return RP_EINVAL;
	}
	return r->first <= r->last ? 0 : RP_EINVAL;
}

static int parse_net(struct rp_str s, struct rp_target_rule *r)
{
	if (rp_net_parse(s, &r->net) != 0) {
		return RP_EINVAL;
	}
	r->any_addr = false;
	return 0;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_label(struct rp_str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!rp_ascii_is_letter(s.p[i]) && !is_digit(s.p[i]) && s.p[i] != '_' &&
		    (s.p[i] != '-' || i == 0)) {
			return false;
		}
	}
	return s.len > 0 && s.len <= LABEL_MAX_LEN;
}

/* A host name. Its last label begins with a letter, so that a mistyped address or range of ports does
 * not pass for one. */
static bool is_name(struct rp_str s)
{
	struct rp_str rest = s;
	struct rp_str label = {0};
	while (rp_str_split(&rest, '.', &label)) {
		if (!is_label(label)) {
			return false;
		}
	}
	return label.len > 0 && rp_ascii_is_letter(label.p[0]) && s.len <= NAME_MAX_LEN;
}

/* An address, a network or a name. */
static int parse_host(struct rp_str s, struct rp_target_rule *r)
{
	if (!is_name(s)) {
		return parse_net(s, r);
	}
	r->name = rp_str_dup(s);
	return r->name != NULL ? 0 : RP_ENOMEM;
}

static bool is_ports(struct rp_str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!is_digit(s.p[i]) && s.p[i] != '-') {
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
	return rest.p[0] == ':' ? parse_ports(rp_str_n(rest.p + 1, rest.len - 1), r) : RP_EINVAL;
}

static int parse_rule(struct rp_str s, struct rp_target_rule *r)
{
	*r = (struct rp_target_rule){.any_addr = true, .first = 1, .last = UINT16_MAX};
	if (s.len == 0) {
		return RP_EINVAL;
	}
	if (s.p[0] == '[') {
		return parse_bracketed(s, r);
	}
	if (is_ports(s)) {
		return parse_ports(s, r);
	}
	const char *first = memchr(s.p, ':', s.len);
	if (first == NULL || memchr(first + 1, ':', s.len - (size_t)(first + 1 - s.p)) != NULL) {
		return parse_host(s, r);
	}
	struct rp_str host;
	(void)rp_str_split(&s, ':', &host);
	int rc = host.len > 0 ? parse_host(host, r) : 0;
	return rc != 0 ? rc : parse_ports(s, r);
}

int rp_target_rules_parse(
    const struct rp_strlist *list, struct rp_target_rules *r, struct rp_err *err)
{
	*r = (struct rp_target_rules){0};
	if (list->n == 0) {
		return 0;
	}
	r->v = rp_calloc(list->n, sizeof(*r->v)); /* zeroed: no names yet */
	if (r->v == NULL) {
		return rp_err_no_memory(err);
	}
	for (size_t i = 0; i < list->n; i++) {
		const char *entry = list->v[i];
		r->n++; /* may have a name already when it fails */
		int rc = parse_rule(rp_str_c(entry), &r->v[i]);
		if (rc != 0) {
			rp_target_rules_fini(r);
			return rc == RP_ENOMEM
			    ? rp_err_set(err, rc, "%s", rp_err_text(rc))
			    : rp_err_set(err, rc,
			          "invalid \"tunnel_allowed\" config: \"%.64s\" is not an IP address, "
			          "network, host name, port or range of ports (8000-8999), nor HOST:PORT",
			          entry);
		}
	}
	return 0;
}

void rp_target_rules_fini(struct rp_target_rules *r)
{
	for (size_t i = 0; i < r->n; i++) {
		rp_free(r->v[i].name);
	}
	rp_free(r->v);
	*r = (struct rp_target_rules){0};
}

/* A name may be asked for with the dot of the root behind it. */
static bool same_name(const char *name, const char *host)
{
	struct rp_str s = rp_str_c(host);
	if (s.len > 0 && s.p[s.len - 1] == '.') {
		s.len--;
	}
	return rp_str_ieq(s, name);
}

static bool matches(
    const struct rp_target_rule *rule, const struct rp_target_asked *t, const struct rp_addr *a)
{
	if (t->port < rule->first || t->port > rule->last) {
		return false;
	}
	if (rule->name != NULL) {
		return same_name(rule->name, t->host);
	}
	return rule->any_addr || rp_net_has(&rule->net, a);
}

static bool one_allowed(
    const struct rp_target_rules *r, const struct rp_target_asked *t, const struct rp_addr *a)
{
	for (size_t i = 0; i < r->n; i++) {
		if (matches(&r->v[i], t, a)) {
			return true;
		}
	}
	return false;
}

bool rp_target_allowed(const struct rp_target_rules *r, const struct rp_target_asked *t)
{
	if (r->n == 0) {
		return true;
	}
	for (size_t i = 0; i < t->n; i++) {
		if (!one_allowed(r, t, &t->addrs[i])) {
			return false;
		}
	}
	return t->n > 0;
}
