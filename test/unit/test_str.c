/* SPDX-License-Identifier: MIT */
/*
 * core/str: slices, numbers at their limits, UTF-8, and the owned lists and maps.
 */
#include "core/str.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/err.h"
#include "test/lib/oom.h"
#include "test/lib/prng.h"
#include "test/lib/slow.h"

static void test_compare(void **state)
{
	(void)state;
	assert_true(rp_str_eq(rp_str_c("ab"), "ab"));
	assert_false(rp_str_eq(rp_str_c("ab"), "abc"));
	assert_false(rp_str_eq(rp_str_c("abc"), "ab"));
	assert_false(rp_str_eq(rp_str_n("a\0c", 3), "a"));
	assert_true(rp_str_eq(rp_str_c(NULL), ""));
	assert_true(rp_str_ieq(rp_str_c("Content-TYPE"), "content-type"));
	assert_false(rp_str_ieq(rp_str_c("content"), "content-type"));
	assert_false(rp_str_ieq(rp_str_c("content-type"), "content"));
	assert_true(rp_str_ieq(rp_str_c(NULL), ""));
	assert_false(rp_str_ieq(rp_str_c("[@"), "{`")); /* 0x20 apart, but no letters */
	assert_true(rp_str_starts(rp_str_c("SSH-2.0-x"), "SSH-"));
	assert_false(rp_str_starts(rp_str_c("SS"), "SSH-"));
	assert_true(rp_str_starts(rp_str_c(NULL), ""));
	assert_true(rp_ascii_ieq("", ""));
	assert_true(rp_ascii_ieq("LPort", "lport"));
	assert_false(rp_ascii_ieq("lport", "lports"));
	assert_false(rp_ascii_ieq("lports", "lport"));
	char text[] = "AbZ\xc3\x84[";
	rp_ascii_lower(text);
	assert_string_equal(text, "abz\xc3\x84[");
}

static void test_trim(void **state)
{
	(void)state;
	assert_true(rp_str_eq(rp_str_trim(rp_str_c(" \t\r\n a b \n")), "a b"));
	assert_true(rp_str_eq(rp_str_trim(rp_str_c(" \t ")), ""));
	assert_true(rp_str_eq(rp_str_trim(rp_str_c(NULL)), ""));
	assert_true(rp_str_eq(rp_str_trim(rp_str_c("\va")), "\va"));
}

/* Joins the parts with '|'. */
static void check_split(const char *text, const char *want)
{
	char got[64];
	size_t n = 0;
	struct rp_str rest = rp_str_c(text);
	struct rp_str part;
	got[0] = '\0';
	while (rp_str_split(&rest, ',', &part)) {
		n += (size_t)snprintf(got + n, sizeof(got) - n, "%.*s|", (int)part.len, part.p);
	}
	assert_string_equal(got, want);
	assert_false(rp_str_split(&rest, ',', &part));
}

static void test_split(void **state)
{
	(void)state;
	check_split("a,b,c", "a|b|c|");
	check_split("a", "a|");
	check_split("", "|");
	check_split(NULL, "");
	check_split(",", "||");
	check_split("a,,b,", "a||b||");
}

static void test_dup(void **state)
{
	(void)state;
	char *s = rp_str_dup(rp_str_n("abcdef", 3));
	assert_string_equal(s, "abc");
	rp_free(s);
	s = rp_str_dup(rp_str_c(NULL));
	assert_string_equal(s, "");
	rp_free(s);
	s = rp_str_dup(rp_str_n("a\0b", 3));
	assert_memory_equal(s, "a\0b", 4);
	rp_free(s);
}

static void test_bad_numbers(void **state)
{
	static const char *const bad[] = {"", " 1", "1 ", "+1", "0x1", "1.0", "1e1", "--1", "-",
	    "a", "99999999999999999999", "18446744073709551616", "1_000", "\xd9\xa1"};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(bad); i++) {
		uint64_t u = 77;
		int64_t s = 77;
		assert_int_equal(rp_str_u64(rp_str_c(bad[i]), UINT64_MAX, &u), RP_EINVAL);
		assert_int_equal(rp_str_i64(rp_str_c(bad[i]), INT64_MIN, INT64_MAX, &s), RP_EINVAL);
		assert_int_equal(u, 77);
		assert_int_equal(s, 77);
	}
	uint64_t u;
	assert_int_equal(rp_str_u64(rp_str_c("-1"), UINT64_MAX, &u), RP_EINVAL);
	assert_int_equal(rp_str_u64(rp_str_n("12", 1), UINT64_MAX, &u), 0);
	assert_int_equal(u, 1);
}

static void test_number_limits(void **state)
{
	uint64_t u;
	int64_t s;
	(void)state;
	assert_int_equal(rp_str_u64(rp_str_c("18446744073709551615"), UINT64_MAX, &u), 0);
	assert_true(u == UINT64_MAX);
	assert_int_equal(rp_str_u64(rp_str_c("100"), 100, &u), 0);
	assert_int_equal(rp_str_u64(rp_str_c("101"), 100, &u), RP_EINVAL);
	assert_int_equal(rp_str_u64(rp_str_c("0000000000000000000000007"), 7, &u), 0);
	assert_int_equal(rp_str_i64(rp_str_c("9223372036854775807"), INT64_MIN, INT64_MAX, &s), 0);
	assert_true(s == INT64_MAX);
	assert_int_equal(rp_str_i64(rp_str_c("-9223372036854775808"), INT64_MIN, INT64_MAX, &s), 0);
	assert_true(s == INT64_MIN);
	assert_int_equal(
	    rp_str_i64(rp_str_c("9223372036854775808"), INT64_MIN, INT64_MAX, &s), RP_EINVAL);
	assert_int_equal(
	    rp_str_i64(rp_str_c("-9223372036854775809"), INT64_MIN, INT64_MAX, &s), RP_EINVAL);
	assert_int_equal(rp_str_i64(rp_str_c("-5"), -5, 5, &s), 0);
	assert_int_equal(rp_str_i64(rp_str_c("-6"), -5, 5, &s), RP_EINVAL);
	assert_int_equal(rp_str_i64(rp_str_c("6"), -5, 5, &s), RP_EINVAL);
	assert_int_equal(rp_str_i64(rp_str_c("-0"), -5, 5, &s), 0);
	assert_int_equal(s, 0);
}

static void test_port(void **state)
{
	uint16_t port;
	(void)state;
	assert_int_equal(rp_str_port(rp_str_c("0"), &port), 0);
	assert_int_equal(rp_str_port(rp_str_c("65535"), &port), 0);
	assert_int_equal(port, 65535);
	assert_int_equal(rp_str_port(rp_str_c("65536"), &port), RP_EINVAL);
	assert_int_equal(rp_str_port(rp_str_c(""), &port), RP_EINVAL);
}

static void test_number_round_trip(void **state)
{
	(void)state;
	for (size_t i = rp_slow_fewer(10000); i > 0; i--) {
		int64_t want = rp_prng_edge_i64();
		int64_t got;
		uint64_t ugot;
		char text[32];
		(void)snprintf(text, sizeof(text), "%" PRId64, want);
		assert_int_equal(rp_str_i64(rp_str_c(text), INT64_MIN, INT64_MAX, &got), 0);
		assert_true(got == want);
		(void)snprintf(text, sizeof(text), "%" PRIu64, (uint64_t)want);
		assert_int_equal(rp_str_u64(rp_str_c(text), UINT64_MAX, &ugot), 0);
		assert_true(ugot == (uint64_t)want);
	}
}

static void test_utf8(void **state)
{
	static const char *const good[] = {"", "abc", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80",
	    "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"};
	static const char *const bad[] = {"\x80", "\xbf", "\xc0\xaf", "\xc1\xbf", "\xc2",
	    "\xc2\x41", "\xe0\x9f\xbf", "\xe2\x82", "\xed\xa0\x80", "\xed\xbf\xbf",
	    "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "a\xf0\x90\x80",
	    "\xe2\x82\xac\x80"};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(good); i++) {
		assert_true(rp_utf8_valid(good[i], strlen(good[i])));
	}
	for (size_t i = 0; i < RP_ARRAY_LEN(bad); i++) {
		assert_false(rp_utf8_valid(bad[i], strlen(bad[i])));
	}
	assert_true(rp_utf8_valid("\0", 1));
	assert_int_equal(rp_utf8_len("\xe2\x82\xac", 3), 3);
	assert_int_equal(rp_utf8_len("\xe2\x82\xac", 2), 0);
	assert_int_equal(rp_utf8_len("", 0), 0);
}

/* Every code point in its one form is valid, and every other form of 2 to 4 bytes is not. */
static void test_utf8_all_code_points(void **state)
{
	size_t valid = 0;
	(void)state;
	for (uint32_t v = 0; v < UINT32_C(1) << 16; v++) {
		const unsigned char two[2] = {(unsigned char)(v >> 8), (unsigned char)v};
		valid += rp_utf8_len(two, 2) == 2 ? 1 : 0;
	}
	assert_int_equal(valid, 0x800 - 0x80);
	valid = 0;
	for (uint32_t v = 0; v < UINT32_C(1) << 21; v++) {
		const unsigned char four[4] = {(unsigned char)(0xf0u | (v >> 18)),
		    (unsigned char)(0x80u | ((v >> 12) & 0x3fu)),
		    (unsigned char)(0x80u | ((v >> 6) & 0x3fu)),
		    (unsigned char)(0x80u | (v & 0x3fu))};
		valid += rp_utf8_len(four, 4) == 4 ? 1 : 0;
	}
	assert_int_equal(valid, 0x110000 - 0x10000);
	valid = 0;
	for (uint32_t v = 0; v < UINT32_C(1) << 16; v++) {
		const unsigned char three[3] = {(unsigned char)(0xe0u | (v >> 12)),
		    (unsigned char)(0x80u | ((v >> 6) & 0x3fu)),
		    (unsigned char)(0x80u | (v & 0x3fu))};
		valid += rp_utf8_len(three, 3) == 3 ? 1 : 0;
	}
	assert_int_equal(valid, 0x10000 - 0x800 - 0x800);
}

static void test_distance(void **state)
{
	char long_text[66];
	(void)state;
	assert_int_equal(rp_str_distance("", ""), 0);
	assert_int_equal(rp_str_distance("", "abc"), 3);
	assert_int_equal(rp_str_distance("abc", ""), 3);
	assert_int_equal(rp_str_distance("kitten", "sitting"), 3);
	assert_int_equal(rp_str_distance("keep_alive", "keepalive"), 1);
	assert_int_equal(rp_str_distance("address", "adress"), 1);
	memset(long_text, 'a', sizeof(long_text));
	long_text[64] = '\0';
	assert_int_equal(rp_str_distance(long_text, long_text), 0);
	assert_int_equal(rp_str_distance(long_text, "b"), 64);
	long_text[64] = 'a';
	long_text[65] = '\0';
	assert_true(rp_str_distance(long_text, "a") == SIZE_MAX);
	assert_true(rp_str_distance("a", long_text) == SIZE_MAX);
}

static void test_list(void **state)
{
	struct rp_strlist l = {0};
	struct rp_strlist copy = {0};
	(void)state;
	assert_false(rp_strlist_has(&l, ""));
	for (int i = 0; i < 100; i++) {
		char text[16];
		(void)snprintf(text, sizeof(text), "%d", i);
		assert_int_equal(rp_strlist_add(&l, rp_str_c(text)), 0);
	}
	assert_int_equal(l.n, 100);
	assert_true(rp_strlist_has(&l, "99"));
	assert_false(rp_strlist_has(&l, "100"));
	assert_int_equal(rp_strlist_copy(&copy, &l), 0);
	assert_int_equal(rp_strlist_copy(&copy, &l), 0); /* replaces */
	rp_strlist_fini(&l);
	assert_int_equal(copy.n, 100);
	assert_string_equal(copy.v[42], "42");
	assert_int_equal(rp_strlist_copy(&copy, &l), 0);
	assert_int_equal(copy.n, 0);
	rp_strlist_fini(&copy);
	rp_strlist_fini(&copy);
}

static void test_map(void **state)
{
	struct rp_strmap m = {0};
	struct rp_strmap copy = {0};
	(void)state;
	assert_null(rp_strmap_get(&m, "a"));
	assert_int_equal(rp_strmap_set(&m, rp_str_c("b"), rp_str_c("1")), 0);
	assert_int_equal(rp_strmap_set(&m, rp_str_c("a"), rp_str_c("2")), 0);
	assert_int_equal(rp_strmap_set(&m, rp_str_c("b"), rp_str_c("3")), 0);
	assert_int_equal(rp_strmap_set(&m, rp_str_c("B"), rp_str_c("")), 0);
	assert_int_equal(m.n, 3);
	assert_string_equal(m.k[0], "b");
	assert_string_equal(rp_strmap_get(&m, "b"), "3");
	assert_string_equal(rp_strmap_get(&m, "B"), "");
	assert_int_equal(rp_strmap_copy(&copy, &m), 0);
	rp_strmap_fini(&m);
	assert_string_equal(rp_strmap_get(&copy, "a"), "2");
	assert_int_equal(rp_strmap_copy(&copy, &m), 0);
	assert_int_equal(copy.n, 0);
	rp_strmap_fini(&copy);
}

static int fill_and_copy(void *state)
{
	struct rp_strlist l = {0};
	struct rp_strlist lcopy = {0};
	struct rp_strmap m = {0};
	struct rp_strmap mcopy = {0};
	(void)state;
	int rc = rp_strlist_add(&l, rp_str_c("a"));
	rc = rc != 0 ? rc : rp_strlist_add(&l, rp_str_c("b"));
	rc = rc != 0 ? rc : rp_strlist_copy(&lcopy, &l);
	rc = rc != 0 ? rc : rp_strmap_set(&m, rp_str_c("a"), rp_str_c("b"));
	rc = rc != 0 ? rc : rp_strmap_set(&m, rp_str_c("a"), rp_str_c("c"));
	rc = rc != 0 ? rc : rp_strmap_set(&m, rp_str_c("d"), rp_str_c("e"));
	rc = rc != 0 ? rc : rp_strmap_copy(&mcopy, &m);
	rp_strlist_fini(&l);
	rp_strlist_fini(&lcopy);
	rp_strmap_fini(&m);
	rp_strmap_fini(&mcopy);
	return rc;
}

static void test_no_memory(void **state)
{
	(void)state;
	assert_int_equal(rp_oom_run(fill_and_copy, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_compare),
	    cmocka_unit_test(test_trim),
	    cmocka_unit_test(test_split),
	    cmocka_unit_test(test_dup),
	    cmocka_unit_test(test_bad_numbers),
	    cmocka_unit_test(test_number_limits),
	    cmocka_unit_test(test_port),
	    cmocka_unit_test(test_number_round_trip),
	    cmocka_unit_test(test_utf8),
	    cmocka_unit_test(test_utf8_all_code_points),
	    cmocka_unit_test(test_distance),
	    cmocka_unit_test(test_list),
	    cmocka_unit_test(test_map),
	    cmocka_unit_test(test_no_memory),
	};
	rp_prng_start();
	return rp_prng_report(cmocka_run_group_tests(tests, NULL, NULL));
}
