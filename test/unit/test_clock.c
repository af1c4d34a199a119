/* SPDX-License-Identifier: MIT */
/*
 * core/clock: times and durations as Go writes them, against the C library's calendar, at the
 * limits of 64 bits, and what is refused.
 */
#include "core/clock.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "core/err.h"
#include "test/lib/prng.h"
#include "test/lib/slow.h"

static void check_time(int64_t t, const char *want)
{
	char text[RP_TIME_TEXT_MAX];
	int64_t back;
	rp_time_format(t, text);
	assert_string_equal(text, want);
	assert_int_equal(rp_time_parse(rp_str_c(want), &back), 0);
	assert_true(back == t);
}

static void test_time_text(void **state)
{
	(void)state;
	check_time(0, "1970-01-01T00:00:00Z");
	check_time(-1, "1969-12-31T23:59:59.999999999Z");
	check_time(1, "1970-01-01T00:00:00.000000001Z");
	check_time(RP_NS_PER_MS * 500, "1970-01-01T00:00:00.5Z");
	check_time(INT64_C(951782400) * RP_NS_PER_S, "2000-02-29T00:00:00Z");
	check_time(INT64_C(4102444800) * RP_NS_PER_S, "2100-01-01T00:00:00Z");
	check_time(INT64_C(1795370922064428862), "2026-11-22T18:08:42.064428862Z");
	check_time(INT64_C(1795371211588720614), "2026-11-22T18:13:31.588720614Z");
	check_time(RP_TIME_ZERO, "0001-01-01T00:00:00Z");
	check_time(INT64_MAX, "2262-04-11T23:47:16.854775807Z");
	check_time(INT64_MIN + 1, "1677-09-21T00:12:43.145224193Z");
}

static void test_time_offsets(void **state)
{
	static const struct {
		const char *text;
		const char *utc;
	} cases[] = {
	    {"2026-11-22T19:08:42+01:00", "2026-11-22T18:08:42Z"},
	    {"2026-11-22T00:08:42.50-05:30", "2026-11-22T05:38:42.5Z"},
	    {"2026-01-01T00:30:00+23:59", "2025-12-31T00:31:00Z"},
	    {"2026-12-31T23:30:00-00:30", "2027-01-01T00:00:00Z"},
	    {"2026-11-22t18:08:42z", "2026-11-22T18:08:42Z"},
	    {"2026-11-22T18:08:42.1234567899999Z", "2026-11-22T18:08:42.123456789Z"},
	    {"2026-11-22T18:08:42.000Z", "2026-11-22T18:08:42Z"},
	    {"0001-01-01T00:53:28+00:53", "0001-01-01T00:00:00Z"},
	    {"0000-12-31T19:00:00-05:00", "0001-01-01T00:00:00Z"},
	};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(cases); i++) {
		int64_t t;
		char text[RP_TIME_TEXT_MAX];
		assert_int_equal(rp_time_parse(rp_str_c(cases[i].text), &t), 0);
		rp_time_format(t, text);
		assert_string_equal(text, cases[i].utc);
	}
}

static void test_bad_times(void **state)
{
	static const char *const bad[] = {"", "now", "2026-11-22", "2026-11-22T18:08:42",
	    "2026-11-22 18:08:42Z", "2026-11-22T18:08:42Zx", " 2026-11-22T18:08:42Z",
	    "26-11-22T18:08:42Z", "+2026-11-22T18:08:42Z", "-026-11-22T18:08:42Z",
	    "2026-00-22T18:08:42Z", "2026-13-22T18:08:42Z", "2026-11-00T18:08:42Z",
	    "2026-11-31T18:08:42Z", "2025-02-29T18:08:42Z", "1900-02-29T18:08:42Z",
	    "2026-11-22T24:00:00Z", "2026-11-22T18:60:42Z", "2026-11-22T18:08:60Z",
	    "2026-11-22T18:08:42.Z", "2026-11-22T18:08:42,5Z", "2026-11-22T18:08:42+1:00",
	    "2026-11-22T18:08:42+24:00", "2026-11-22T18:08:42+01:60", "2026-11-22T18:08:42+0100",
	    "2026-11-22T18:08:42.5", "2262-04-11T23:47:16.854775808Z", "9999-12-31T23:59:59Z",
	    "1600-01-01T00:00:00Z", "1677-09-21T00:12:43.145224192Z"};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(bad); i++) {
		int64_t t = 77;
		assert_int_equal(rp_time_parse(rp_str_c(bad[i]), &t), RP_EINVAL);
		assert_int_equal(t, 77);
	}
}

static void test_time_random(void **state)
{
	(void)state;
	for (size_t i = rp_slow_fewer(20000); i > 0; i--) {
		int64_t t = rp_prng_edge_i64();
		char text[RP_TIME_TEXT_MAX];
		char want[RP_TIME_TEXT_MAX];
		int64_t back;
		rp_time_format(t, text);
		if (t == RP_TIME_ZERO) {
			continue;
		}
		assert_int_equal(rp_time_parse(rp_str_c(text), &back), 0);
		assert_true(back == t);
		time_t seconds = (time_t)(t / RP_NS_PER_S - (t % RP_NS_PER_S < 0 ? 1 : 0));
		struct tm tm;
		assert_non_null(gmtime_r(&seconds, &tm));
		assert_true(strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%S", &tm) == 19);
		assert_memory_equal(text, want, 19);
	}
}

static void check_duration(int64_t ns, const char *want)
{
	char text[RP_TIME_TEXT_MAX];
	int64_t back;
	rp_duration_format(ns, text);
	assert_string_equal(text, want);
	assert_int_equal(rp_duration_parse(rp_str_c(want), &back), 0);
	assert_true(back == ns);
}

static void test_duration_text(void **state)
{
	(void)state;
	check_duration(0, "0s");
	check_duration(1, "1ns");
	check_duration(999, "999ns");
	check_duration(1000, "1\xc2\xb5s");
	check_duration(1100, "1.1\xc2\xb5s");
	check_duration(2200000, "2.2ms");
	check_duration(999999999, "999.999999ms");
	check_duration(RP_NS_PER_S, "1s");
	check_duration(1500 * RP_NS_PER_MS, "1.5s");
	check_duration(90 * RP_NS_PER_S, "1m30s");
	check_duration(5400 * RP_NS_PER_S, "1h30m0s");
	check_duration(3600 * RP_NS_PER_S + 1, "1h0m0.000000001s");
	check_duration(-90 * RP_NS_PER_S, "-1m30s");
	check_duration(-1, "-1ns");
	check_duration(INT64_MAX, "2562047h47m16.854775807s");
	check_duration(INT64_MIN, "-2562047h47m16.854775808s");
}

static void test_duration_forms(void **state)
{
	static const struct {
		const char *text;
		int64_t ns;
	} cases[] = {
	    {"0", 0},
	    {"+0", 0},
	    {"-0", 0},
	    {"90s", 90 * RP_NS_PER_S},
	    {"+5s", 5 * RP_NS_PER_S},
	    {"5.s", 5 * RP_NS_PER_S},
	    {".5s", 500 * RP_NS_PER_MS},
	    {"1.004s", 1004 * RP_NS_PER_MS},
	    {"1h2m3s4ms5us6ns", INT64_C(3723004005006)},
	    {"10.5s4m", 250500 * RP_NS_PER_MS},
	    {"-2m3.4s", -123400 * RP_NS_PER_MS},
	    {"12\xc2\xb5s", 12000},
	    {"12\xce\xbcs", 12000},
	    {"39h9m14.425s", INT64_C(140954425) * RP_NS_PER_MS},
	    {"0.3333333333333333333h", 20 * 60 * RP_NS_PER_S},
	    {"9007199254740993ns", INT64_C(9007199254740993)},
	    {"9223372036854775807ns", INT64_MAX},
	    {"-9223372036854775808ns", INT64_MIN},
	    {"0.100000000000000000000h", 6 * 60 * RP_NS_PER_S},
	    {"0.9223372036854775807h", INT64_C(3320413933267)},
	};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(cases); i++) {
		int64_t ns;
		assert_int_equal(rp_duration_parse(rp_str_c(cases[i].text), &ns), 0);
		assert_true(ns == cases[i].ns);
	}
}

static void test_bad_durations(void **state)
{
	static const char *const bad[] = {"", "3", "-", "+", "s", ".", "-.", ".s", "+.s", "1d",
	    "1w", "1 s", " 1s", "1s ", "1S", "--1s", "1s-1s", "1,5s", "1e3s", "3000000h",
	    "9223372036854775808ns", "-9223372036854775809ns", "9223372036854775.808us",
	    "99999999999999999999s", "00", "1.2.3s"};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(bad); i++) {
		int64_t ns = 77;
		assert_int_equal(rp_duration_parse(rp_str_c(bad[i]), &ns), RP_EINVAL);
		assert_int_equal(ns, 77);
	}
}

static void test_duration_random(void **state)
{
	(void)state;
	for (size_t i = rp_slow_fewer(20000); i > 0; i--) {
		int64_t ns = rp_prng_edge_i64();
		int64_t back;
		char text[RP_TIME_TEXT_MAX];
		rp_duration_format(ns, text);
		assert_int_equal(rp_duration_parse(rp_str_c(text), &back), 0);
		assert_true(back == ns);
	}
}

static void test_clocks(void **state)
{
	(void)state;
	int64_t wall = rp_time_now();
	assert_true(wall / RP_NS_PER_S >= (int64_t)time(NULL) - 2);
	assert_true(wall / RP_NS_PER_S <= (int64_t)time(NULL) + 2);
	uint64_t ns = rp_clock_ns();
	uint64_t ms = rp_clock_ms();
	assert_true(rp_clock_ns() >= ns);
	assert_true(ms >= ns / 1000000);
	assert_true(ms - ns / 1000000 < 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_time_text),
	    cmocka_unit_test(test_time_offsets),
	    cmocka_unit_test(test_bad_times),
	    cmocka_unit_test(test_time_random),
	    cmocka_unit_test(test_duration_text),
	    cmocka_unit_test(test_duration_forms),
	    cmocka_unit_test(test_bad_durations),
	    cmocka_unit_test(test_duration_random),
	    cmocka_unit_test(test_clocks),
	};
	rp_prng_start();
	return rp_prng_report(cmocka_run_group_tests(tests, NULL, NULL));
}
