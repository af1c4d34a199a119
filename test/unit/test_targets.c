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

static bool allowed(const char *entry, const char *address, uint16_t port)
{
	struct rp_target_rules r;
	struct rp_strlist list = one(&entry);
	struct rp_addr a;
	struct rp_err err;
	assert_int_equal(rp_target_rules_parse(&list, &r, &err), 0);
	assert_int_equal(rp_addr_parse(rp_str_c(address), &a), 0);
	bool yes = rp_target_allowed(&r, &a, 1, port);
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
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		if (allowed(rows[i].entry, rows[i].addr, rows[i].port) != rows[i].yes) {
			fail_msg("row %zu: %s", i, rows[i].entry);
		}
	}
}

static void test_refused_entries(void **state)
{
	(void)state;
	static const char *const bad[] = {"", ":", "0", ":0", "65536", ":65536", "localhost",
	    "localhost:80", "1.2.3.4:", "1.2.3.4:x", "1.2.3.4:80:90", "1.2.3.4/33", "1.2.3.4/33:80",
	    "[::1", "[::1]:", "[::1]x80", "[]:80", "[1.2.3.4]:80", "::1]:80", "1.2.3.4 ", " 22",
	    "[::1]:0", "1.2.3.4:80/tcp", "22-23", "*", "*:80", "000022"};
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
	assert_true(rp_target_allowed(&r, a, 2, 80));
	assert_false(rp_target_allowed(&r, a, 2, 81));
	assert_int_equal(rp_addr_parse(rp_str_c("11.3.3.3"), &a[1]), 0);
	assert_false(rp_target_allowed(&r, a, 2, 80));
	assert_true(rp_target_allowed(&r, a, 1, 80));
	assert_false(rp_target_allowed(&r, a, 0, 80));
	rp_target_rules_fini(&r);
	assert_true(rp_target_allowed(&r, a, 0, 80));
	assert_true(rp_target_allowed(&r, a, 2, 80));
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
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_forms),
	    cmocka_unit_test(test_refused_entries),
	    cmocka_unit_test(test_all_must_match),
	    cmocka_unit_test(test_oom),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
