/* SPDX-License-Identifier: MIT */
/*
 * ACLs and tunnel_allowed: the first line is an address, the rest a list. What is accepted must
 * behave like a set: an entry contains its own base address, and nothing accepted admits
 * everybody.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "acl/addrlist.h"
#include "acl/targets.h"
#include "core/alloc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_rules(const char *text, const struct rp_addr *a)
{
	struct rp_strlist list = {0};
	struct rp_target_rules rules;
	struct rp_str rest = rp_str_c(text);
	struct rp_str part;
	while (rp_str_split(&rest, ',', &part)) {
		RP_VERIFY(rp_strlist_add(&list, part) == 0);
	}
	struct rp_err err;
	if (rp_target_rules_parse(&list, &rules, &err) == 0) {
		RP_VERIFY(rules.n == list.n);
		struct rp_target_asked asked = {.host = text, .addrs = a, .n = 1, .port = 80};
		(void)rp_target_allowed(&rules, &asked);
		asked.n = 0;
		RP_VERIFY(!rp_target_allowed(&rules, &asked) || rules.n == 0);
		rp_target_rules_fini(&rules);
	}
	rp_strlist_fini(&list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rp_addr a = {{0}};
	struct rp_addrlist l;
	struct rp_err err;
	char *text = rp_str_dup(rp_str_n(data, size));
	char *list = strchr(text, '\n');
	if (list != NULL) {
		*list++ = '\0';
		(void)!rp_addr_parse(rp_str_c(text), &a);
	}
	list = list == NULL ? text : list;
	if (rp_addrlist_parse(list, &l, &err) == 0) {
		for (size_t i = 0; i < l.n; i++) {
			RP_VERIFY(rp_net_has(&l.v[i], &l.v[i].addr));
			RP_VERIFY(l.v[i].bits > 0);
		}
		(void)rp_addrlist_has(&l, &a);
		rp_addrlist_fini(&l);
	}
	try_rules(list, &a);
	rp_free(text);
	return 0;
}
