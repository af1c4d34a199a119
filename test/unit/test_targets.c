/* SPDX-License-Identifier: MIT */
/*
 * tunnel_allowed: every form of an entry, what it lets through, and the refusals.
 */
#include "acl/targets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "test/lib/oom.h"

static struct rp_strlist one(const char **entry)
{
	return (struct rp_strlist){.v = (char **)(uintptr_t)entry, .n = 1};
}

/* host NULL: the address was asked for. */
static bool allowed(const char *entry, const char *host, const char *address, uint16_t port)
{
	struct rp_target_rules r;
	struct rp_strlist list = one(&entry);
	struct rp_addr a;
	struct rp_err err;
	assert_int_equal(rp_target_rules_parse(&list, &r, &err), 0);
	assert_int_equal(rp_addr_parse(rp_str_c(address), &a), 0);
	const struct rp_target_asked asked = {
	    .host = host != NULL ? host : address, .addrs = &a, .n = 1, .port = port};
	bool yes = rp_target_allowed(&r, &asked);
	rp_target_rules_fini(&r);
	return yes;
}

static void test_forms(void **state)
{
	(void)state;
	static const struct {
		const char *entry;
		const char *addr;
		uint16_t port;
		bool yes;
	} rows[] = {
	    {"127.0.0.1", "127.0.0.1", 22, true},
	    {"127.0.0.1", "127.0.0.2", 22, false},
	    {"192.168.0.0/16", "192.168.7.7", 80, true},
	    {"192.168.0.0/16", "192.169.7.7", 80, false},
	    {"22", "10.0.0.1", 22, true},
	    {"22", "10.0.0.1", 23, false},
	    {":22", "10.0.0.1", 22, true},
	    {":22", "::1", 22, true},
	    {":22", "10.0.0.1", 222, false},
	    {"10.0.0.1:80", "10.0.0.1", 80, true},
	    {"10.0.0.1:80", "10.0.0.1", 81, false},
	    {"10.0.0.1:80", "10.0.0.2", 80, false},
	    {"10.0.0.0/24:80", "10.0.0.200", 80, true},
	    {"10.0.0.0/24:80", "10.0.1.200", 80, false},
	    {"10.0.0.0/24:80", "10.0.0.200", 443, false},
	    {"[::1]:80", "::1", 80, true},
	    {"[::1]:80", "::1", 81, false},
	    {"[::1]", "::1", 81, true},
	    {"[fe80::/10]:22", "fe80::7", 22, true},
	    {"[fe80::/10]:22", "ff80::7", 22, false},
	    {"::1", "::1", 5, true},
	    {"fe80::/10", "fe80::1", 5, true},
	    {"0.0.0.0/0", "9.9.9.9", 5, true},
	    {"0.0.0.0/0", "::1", 5, false},
	    {"127.0.0.0/8", "::ffff:127.0.0.1", 5, true},
	    {"65535", "1.1.1.1", 65535, true},
	    {"8000-8999", "1.1.1.1", 7999, false},
	    {"8000-8999", "1.1.1.1", 8000, true},
	    {"8000-8999", "::1", 8999, true},
	    {"8000-8999", "1.1.1.1", 9000, false},
	    {":80-80", "1.1.1.1", 80, true},
	    {"10.0.0.0/8:20-22", "10.9.9.9", 21, true},
	    {"10.0.0.0/8:20-22", "10.9.9.9", 23, false},
	    {"10.0.0.0/8:20-22", "11.9.9.9", 21, false},
	    {"[fe80::/10]:1-65535", "fe80::7", 65535, true},
	    {"[fe80::/10]:1-65535", "::7", 22, false},
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		if (allowed(rows[i].entry, NULL, rows[i].addr, rows[i].port) != rows[i].yes) {
			fail_msg("row %zu: %s", i, rows[i].entry);
		}
	}
}

static void test_names(void **state)
{
	(void)state;
	static const struct {
		const char *entry;
		const char *host;
		uint16_t port;
		bool yes;
	} rows[] = {
	    {"router.lan", "router.lan", 22, true},
	    {"router.lan", "ROUTER.lan", 22, true},
	    {"Router.LAN", "router.lan.", 22, true},
	    {"router.lan", "router.lan..", 22, false},
	    {"router.lan", "router", 22, false},
	    {"router.lan", "x.router.lan", 22, false},
	    {"router.lan:22", "router.lan", 22, true},
	    {"router.lan:22", "router.lan", 23, false},
	    {"router.lan:20-29", "router.lan", 29, true},
	    {"router.lan:20-29", "router.lan", 30, false},
	    {"localhost", "localhost", 1, true},
	    /* The name is what was allowed, not where it leads. */
	    {"localhost", NULL, 1, false},
	    {"3-b_c.com", "3-b_c.com", 1, true},
	    /* An address is asked by any name. */
	    {"192.0.2.7", "router.lan", 22, true},
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		if (allowed(rows[i].entry, rows[i].host, "192.0.2.7", rows[i].port) !=
		    rows[i].yes) {
			fail_msg("row %zu: %s", i, rows[i].entry);
		}
	}
}

static void test_refused_entries(void **state)
{
	(void)state;
	static const char *const bad[] = {"", ":", "0", ":0", "65536", ":65536",
	    "localhost:", "localhost:x", "10.0.0.300", "10.0.0", "10.0.0.0-8", "-a", "a..b", ".a",
	    "a.", "a b", "1.2.3.4:", "1.2.3.4:x", "1.2.3.4:80:90", "1.2.3.4/33", "1.2.3.4/33:80",
	    "[::1", "[::1]:", "[::1]x80", "[]:80", "[1.2.3.4]:80", "::1]:80", "1.2.3.4 ", " 22",
	    "[::1]:0", "1.2.3.4:80/tcp", "23-22", "22-", "-22", "0-22", "22-65536", "22-23-24",
	    "1-2x", "10.0.0.1:9-8", "a:80/tcp", "*", "*.lan", "*:80", "000022"};
	for (size_t i = 0; i < RP_ARRAY_LEN(bad); i++) {
		const char *entry = bad[i];
		struct rp_strlist list = one(&entry);
		struct rp_target_rules r;
		struct rp_err err = {0};
		if (rp_target_rules_parse(&list, &r, &err) != RP_EINVAL) {
			fail_msg("taken: %s", entry);
		}
		assert_null(r.v);
		assert_non_null(strstr(err.msg, "invalid \"tunnel_allowed\" config: \""));
		assert_non_null(strstr(err.msg, entry));
	}
}

static void test_all_must_match(void **state)
{
	(void)state;
	const char *entries[] = {"127.0.0.1:80", "10.0.0.0/8"};
	struct rp_strlist list = {.v = (char **)(uintptr_t)entries, .n = 2};
	struct rp_target_rules r;
	struct rp_addr a[2];
	assert_int_equal(rp_target_rules_parse(&list, &r, NULL), 0);
	assert_int_equal(rp_addr_parse(rp_str_c("127.0.0.1"), &a[0]), 0);
	assert_int_equal(rp_addr_parse(rp_str_c("10.3.3.3"), &a[1]), 0);
	struct rp_target_asked asked = {.host = "h", .addrs = a, .n = 2, .port = 80};
	assert_true(rp_target_allowed(&r, &asked));
	asked.port = 81;
	assert_false(rp_target_allowed(&r, &asked));
	asked.port = 80;
	assert_int_equal(rp_addr_parse(rp_str_c("11.3.3.3"), &a[1]), 0);
	assert_false(rp_target_allowed(&r, &asked));
	asked.n = 1;
	assert_true(rp_target_allowed(&r, &asked));
	asked.n = 0;
	assert_false(rp_target_allowed(&r, &asked));
	rp_target_rules_fini(&r);
	assert_true(rp_target_allowed(&r, &asked));
	asked.n = 2;
	assert_true(rp_target_allowed(&r, &asked));
}

static int oom_body(void *state)
{
	struct rp_strlist list = one(state);
	struct rp_target_rules r;
	int rc = rp_target_rules_parse(&list, &r, NULL);
	if (rc == 0) {
		rp_target_rules_fini(&r);
	}
	return rc;
}

static void test_oom(void **state)
{
	(void)state;
	const char *entry = "10.0.0.1:80";
	assert_int_equal(rp_oom_run(oom_body, &entry), 0);
	entry = "router.lan:80";
	assert_int_equal(rp_oom_run(oom_body, &entry), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_forms),
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_refused_entries),
	    cmocka_unit_test(test_all_must_match),
	    cmocka_unit_test(test_oom),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
