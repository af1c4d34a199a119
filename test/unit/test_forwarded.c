/* SPDX-License-Identifier: MIT */
/*
 * Whose request it is: who is believed, how far, and what a hostile header cannot do.
 */
#include "acl/forwarded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct rp_addrlist trusted;

static int parse(const char *a, const char *b, struct rp_err *err)
{
	struct rp_strlist list = {0};
	assert_int_equal(rp_strlist_add(&list, rp_str_c(a)), 0);
	if (b != NULL) {
		assert_int_equal(rp_strlist_add(&list, rp_str_c(b)), 0);
	}
	int rc = rp_forwarded_parse(&list, &trusted, err);
	rp_strlist_fini(&list);
	return rc;
}

static int setup(void **state)
{
	(void)state;
	return parse("10.0.0.0/8", "2001:db8::/32", NULL);
}

static int teardown(void **state)
{
	(void)state;
	rp_addrlist_fini(&trusted);
	return 0;
}

static void assert_client(const char *peer, const char *a, const char *b, const char *want)
{
	const char *values[] = {a, b};
	const struct rp_forwarded f = {
	    .peer = peer,
	    .values = values,
	    .n = a == NULL  ? 0
	        : b == NULL ? 1
	                    : 2,
	};
	char got[RP_ADDR_TEXT_MAX];
	rp_forwarded_client(&trusted, &f, got);
	assert_string_equal(got, want);
}

static void test_untrusted(void **state)
{
	(void)state;
	assert_client("192.0.2.1", "203.0.113.9", NULL, "192.0.2.1");
	assert_client("11.0.0.1", "203.0.113.9", "203.0.113.8", "11.0.0.1");
	assert_client("", "203.0.113.9", NULL, "");
	struct rp_addrlist kept = trusted;
	trusted = (struct rp_addrlist){0};
	assert_client("10.0.0.1", "203.0.113.9", NULL, "10.0.0.1");
	trusted = kept;
}

static void test_chain(void **state)
{
	(void)state;
	assert_client("10.0.0.1", NULL, NULL, "10.0.0.1");
	assert_client("10.0.0.1", "203.0.113.9", NULL, "203.0.113.9");
	assert_client("10.0.0.1", "198.51.100.1, 203.0.113.9", NULL, "203.0.113.9");
	assert_client("10.0.0.1", "198.51.100.1,203.0.113.9 , 10.2.3.4", NULL, "203.0.113.9");
	assert_client("10.0.0.1", "198.51.100.1, 203.0.113.9", "10.2.3.4", "203.0.113.9");
	assert_client("10.0.0.1", "10.9.9.9, 10.8.8.8", NULL, "10.9.9.9");
	assert_client("2001:db8::7", "2001:DB9:0::1", NULL, "2001:db9::1");
	assert_client("10.0.0.1", "::ffff:203.0.113.9", NULL, "203.0.113.9");
	assert_client("::ffff:10.0.0.1", "203.0.113.9", NULL, "203.0.113.9");
}

static void test_ports(void **state)
{
	(void)state;
	assert_client("10.0.0.1", "203.0.113.9:4711", NULL, "203.0.113.9");
	assert_client("10.0.0.1", "[2001:db9::1]:4711", NULL, "2001:db9::1");
	assert_client("10.0.0.1", "[2001:db9::1]", NULL, "2001:db9::1");
}

/* What stands left of something unreadable was written by nobody we know. */
static void test_nonsense(void **state)
{
	static const char *const bad[] = {"unknown", "", " ", "203.0.113.9;", "203.0.113.999",
	    "1.2.3.4, evil", "1.2.3.4,", "[::1", "[", ":", "1.2.3.4,[]", "1.2.3.4\"><x>"};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(bad); i++) {
		assert_client("10.0.0.1", bad[i], NULL, "10.0.0.1");
	}
	assert_client("10.0.0.1", "1.2.3.4, evil, 10.2.3.4", NULL, "10.2.3.4");
}

static void test_endless(void **state)
{
	char many[4096] = "";
	size_t n = 0;
	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		n += (size_t)snprintf(many + n, sizeof(many) - n, "10.0.0.2,");
	}
	(void)snprintf(many + n, sizeof(many) - n, "10.0.0.3");
	assert_client("10.0.0.1", many, NULL, "10.0.0.2");
}

static void test_parse(void **state)
{
	static const char *const all[] = {"0.0.0.0/0", "::/0", "::ffff:0.0.0.0/96"};
	struct rp_err err;
	(void)state;
	rp_addrlist_fini(&trusted);
	assert_int_equal(parse("127.0.0.1", "proxy.example", &err), RP_EINVAL);
	assert_string_equal(err.msg, "invalid address or network \"proxy.example\"");
	for (size_t i = 0; i < RP_ARRAY_LEN(all); i++) {
		assert_int_equal(parse(all[i], NULL, &err), RP_EINVAL);
		assert_true(strstr(err.msg, "everyone would be trusted") != NULL);
	}
	assert_int_equal(trusted.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_untrusted, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_chain, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_ports, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_nonsense, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_endless, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_parse, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
