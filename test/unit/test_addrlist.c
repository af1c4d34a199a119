/* SPDX-License-Identifier: MIT */
/*
 * Addresses, networks and ACLs: what is accepted, what it matches, and the texts of the refusals.
 */
#include "acl/addrlist.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "test/lib/oom.h"

static struct rp_addr addr(const char *text)
{
	struct rp_addr a;
	assert_int_equal(rp_addr_parse(rp_str_c(text), &a), 0);
	return a;
}

static void test_addr_parse(void **state)
{
	(void)state;
	static const char *const good[] = {"1.2.3.4", "0.0.0.0", "255.255.255.255", "::", "::1",
	    "2001:db8::1", "::ffff:1.2.3.4", "fe80::1"};
	static const char *const bad[] = {"", " 1.2.3.4", "1.2.3.4 ", "1.2.3", "1.2.3.256",
	    "01.2.3.4x", "1.2.3.4/32", "::1%eth0", "[::1]", ":::", "host", "1.2.3.4\n",
	    "12345::", "0x7f.1", "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc"};
	struct rp_addr a;
	for (size_t i = 0; i < RP_ARRAY_LEN(good); i++) {
		assert_int_equal(rp_addr_parse(rp_str_c(good[i]), &a), 0);
	}
	for (size_t i = 0; i < RP_ARRAY_LEN(bad); i++) {
		assert_int_equal(rp_addr_parse(rp_str_c(bad[i]), &a), RP_EINVAL);
	}
	assert_int_equal(rp_addr_parse(rp_str_n("1.2.3.4\0", 8), &a), RP_EINVAL);
	assert_int_equal(rp_addr_parse(rp_str_n(NULL, 0), &a), RP_EINVAL);
	assert_true((a = addr("1.2.3.4"), rp_addr_is_v4(&a)));
	assert_true((a = addr("::ffff:1.2.3.4"), rp_addr_is_v4(&a)));
	assert_false((a = addr("::1.2.3.4"), rp_addr_is_v4(&a)));
}

static void test_from_sockaddr(void **state)
{
	(void)state;
	struct sockaddr_in sin = {.sin_family = AF_INET};
	struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6};
	struct sockaddr other = {.sa_family = AF_UNIX};
	struct rp_addr a;
	struct rp_addr want = addr("10.9.8.7");
	assert_int_equal(inet_pton(AF_INET, "10.9.8.7", &sin.sin_addr), 1);
	assert_int_equal(rp_addr_from_sockaddr((const struct sockaddr *)&sin, &a), 0);
	assert_memory_equal(&a, &want, sizeof(a));
	assert_int_equal(inet_pton(AF_INET6, "::ffff:10.9.8.7", &sin6.sin6_addr), 1);
	assert_int_equal(rp_addr_from_sockaddr((const struct sockaddr *)&sin6, &a), 0);
	assert_memory_equal(&a, &want, sizeof(a));
	assert_int_equal(rp_addr_from_sockaddr(&other, &a), RP_EINVAL);
}

static void test_net_parse(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "/", "1.2.3.4/", "1.2.3.4/33", "1.2.3.4/-1",
	    "1.2.3.4/+8", "1.2.3.4/8/8", "::/129", "::1/ 8", "1.2.3.4/0000000008", "/8",
	    "1.2.3.4/8 ", "::/99999"};
	struct rp_net n;
	for (size_t i = 0; i < RP_ARRAY_LEN(bad); i++) {
		assert_int_equal(rp_net_parse(rp_str_c(bad[i]), &n), RP_EINVAL);
	}
	assert_int_equal(rp_net_parse(rp_str_c("10.1.2.3/8"), &n), 0);
	assert_int_equal(n.bits, 104);
	assert_int_equal(n.addr.b[12], 10);
	assert_int_equal(n.addr.b[13], 0);
	assert_int_equal(rp_net_parse(rp_str_c("1.2.3.4"), &n), 0);
	assert_int_equal(n.bits, 128);
}

static void test_net_has(void **state)
{
	(void)state;
	static const struct {
		const char *net;
		const char *addr;
		bool has;
	} rows[] = {
	    {"10.0.0.0/8", "10.255.255.255", true},
	    {"10.0.0.0/8", "11.0.0.0", false},
	    {"10.1.2.3/8", "10.9.9.9", true},
	    {"192.168.1.128/25", "192.168.1.127", false},
	    {"192.168.1.128/25", "192.168.1.128", true},
	    {"192.168.1.4/31", "192.168.1.5", true},
	    {"192.168.1.4/31", "192.168.1.6", false},
	    {"1.2.3.4", "1.2.3.4", true},
	    {"1.2.3.4", "1.2.3.5", false},
	    {"1.2.3.4", "::ffff:1.2.3.4", true},
	    {"0.0.0.0/0", "200.1.1.1", true},
	    {"0.0.0.0/0", "::1", false},
	    {"::/0", "::1", true},
	    {"::/0", "1.2.3.4", false},
	    {"::fffe:0:0/95", "1.2.3.4", false},
	    {"::ffff:10.0.0.0/104", "10.1.1.1", true},
	    {"2001:db8::/33", "2001:db8:7fff::1", true},
	    {"2001:db8::/33", "2001:db8:8000::1", false},
	    {"fe80::/10", "febf::1", true},
	    {"fe80::/10", "fec0::1", false},
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		struct rp_net n;
		struct rp_addr a = addr(rows[i].addr);
		assert_int_equal(rp_net_parse(rp_str_c(rows[i].net), &n), 0);
		if (rp_net_has(&n, &a) != rows[i].has) {
			fail_msg("%s in %s", rows[i].addr, rows[i].net);
		}
	}
}

/* The prefix test against a bit-by-bit model. */
static void test_net_property(void **state)
{
	(void)state;
	for (unsigned bits = 96; bits <= 128; bits++) {
		for (unsigned flip = 96; flip < 128; flip++) {
			char text[32];
			struct rp_net n;
			struct rp_addr a = addr("172.16.254.1");
			(void)snprintf(text, sizeof(text), "172.16.254.1/%u", bits - 96);
			assert_int_equal(rp_net_parse(rp_str_c(text), &n), 0);
			a.b[flip / 8] ^= (uint8_t)(0x80u >> (flip % 8));
			assert_int_equal(rp_net_has(&n, &a), flip >= bits);
		}
	}
}

static void test_list(void **state)
{
	(void)state;
	struct rp_addrlist l;
	struct rp_err err;
	struct rp_addr a;
	assert_int_equal(
	    rp_addrlist_parse("127.0.0.1,192.168.0.0/16,2001:db8::/32,::1", &l, &err), 0);
	assert_int_equal(l.n, 4);
	assert_true((a = addr("192.168.3.4"), rp_addrlist_has(&l, &a)));
	assert_true((a = addr("127.0.0.1"), rp_addrlist_has(&l, &a)));
	assert_true((a = addr("2001:db8:1::"), rp_addrlist_has(&l, &a)));
	assert_false((a = addr("127.0.0.2"), rp_addrlist_has(&l, &a)));
	assert_false((a = addr("::2"), rp_addrlist_has(&l, &a)));
	rp_addrlist_fini(&l);
	assert_int_equal(rp_addrlist_parse(NULL, &l, &err), 0);
	assert_int_equal(l.n, 0);
	assert_int_equal(rp_addrlist_parse("", &l, &err), 0);
	assert_false(rp_addrlist_has(&l, &a));
	rp_addrlist_fini(&l);
	rp_addrlist_fini(&l);
}

static void refuse(const char *text, const char *want)
{
	struct rp_addrlist l;
	struct rp_err err = {0};
	assert_int_equal(rp_addrlist_parse(text, &l, &err), RP_EINVAL);
	assert_string_equal(err.msg, want);
	assert_null(l.v);
	assert_int_equal(l.n, 0);
	assert_int_equal(rp_addrlist_parse(text, &l, NULL), RP_EINVAL);
}

#define EVERYONE " would allow access to everyone. If that's what you want, do not set the ACL"

static void test_list_texts(void **state)
{
	(void)state;
	refuse("0.0.0.0", "0.0.0.0" EVERYONE);
	refuse("0.0.0.0/0", "0.0.0.0" EVERYONE);
	refuse("0.0.0.0/8", "0.0.0.0" EVERYONE);
	refuse("1.2.3.4/0", "1.2.3.4" EVERYONE);
	refuse("10.0.0.1,::", "::" EVERYONE);
	refuse("::/3", "::" EVERYONE);
	refuse("2001::/0", "2001::" EVERYONE);
	refuse("::ffff:0.0.0.0", "::ffff:0.0.0.0" EVERYONE);
	refuse("::ffff:1.0.0.0/96", "::ffff:1.0.0.0" EVERYONE);
	refuse("abc", "invalid IP addr: abc");
	refuse("1.2.3.4,", "invalid IP addr: ");
	refuse(",1.2.3.4", "invalid IP addr: ");
	refuse("1.2.3.4, 1.2.3.5", "invalid IP addr:  1.2.3.5");
	refuse("1.2.3.4;1.2.3.5", "invalid IP addr: 1.2.3.4;1.2.3.5");
}

static void test_list_limit(void **state)
{
	(void)state;
	char text[8 * (RP_ADDRLIST_MAX + 1) + 1];
	struct rp_addrlist l;
	for (size_t i = 0; i < RP_ADDRLIST_MAX + 1; i++) {
		memcpy(text + 8 * i, "1.2.3.4,", 9);
	}
	assert_int_equal(rp_addrlist_parse(text, &l, NULL), RP_ELIMIT);
	text[8 * RP_ADDRLIST_MAX - 1] = '\0';
	assert_int_equal(rp_addrlist_parse(text, &l, NULL), 0);
	assert_int_equal(l.n, RP_ADDRLIST_MAX);
	rp_addrlist_fini(&l);
}

static int oom_body(void *state)
{
	(void)state;
	struct rp_addrlist l;
	int rc = rp_addrlist_parse("127.0.0.1,10.0.0.0/8", &l, NULL);
	if (rc == 0) {
		rp_addrlist_fini(&l);
	}
	return rc;
}

static void test_oom(void **state)
{
	(void)state;
	assert_int_equal(rp_oom_run(oom_body, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_addr_parse),
	    cmocka_unit_test(test_from_sockaddr),
	    cmocka_unit_test(test_net_parse),
	    cmocka_unit_test(test_net_has),
	    cmocka_unit_test(test_net_property),
	    cmocka_unit_test(test_list),
	    cmocka_unit_test(test_list_texts),
	    cmocka_unit_test(test_list_limit),
	    cmocka_unit_test(test_oom),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
