/* SPDX-License-Identifier: MIT */
/*
 * Cron expressions: what is taken and refused, the next times against known answers (ends of months,
 * leap years, both changes of the clock in two zones), and against counting minute by minute with
 * the C library's own zones.
 */
#include "server/cron.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/clock.h"
#include "core/str.h"
#include "test/lib/prng.h"
#include "test/lib/slow.h"

#define BERLIN   "CET-1CEST,M3.5.0,M10.5.0/3"
#define NEW_YORK "EST5EDT,M3.2.0,M11.1.0"
#define UTC      "UTC0"

static int64_t seconds(const char *text)
{
	int64_t t;
	assert_int_equal(rp_time_parse(rp_str_c(text), &t), 0);
	return t / RP_NS_PER_S;
}

static struct rp_zone *zone(const char *posix)
{
	struct rp_zone *z;
	assert_int_equal(rp_zone_posix(rp_str_c(posix), &z), 0);
	return z;
}

struct row {
	const char *zone;
	const char *cron;
	const char *from;
	const char *want; /* NULL: never */
};

static void check_row(const struct row *r)
{
	struct rp_cron c;
	struct rp_err err = {0};
	char got[RP_TIME_TEXT_MAX] = "never";
	struct rp_zone *z = zone(r->zone);
	if (rp_cron_parse(r->cron, &c, &err) != 0) {
		fail_msg("%s: %s", r->cron, err.msg);
	}
	int64_t next = rp_cron_next(&c, z, seconds(r->from));
	if (next != RP_CRON_NEVER) {
		rp_time_format(next * RP_NS_PER_S, got);
	}
	int64_t want = r->want == NULL ? RP_CRON_NEVER : seconds(r->want);
	if (next != want) {
		fail_msg("%s in %s after %s: %s, wanted %s", r->cron, r->zone, r->from, got,
		    r->want != NULL ? r->want : "never");
	}
	rp_cron_fini(&c);
	rp_zone_free(z);
}

static void check_rows(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		check_row(&rows[i]);
	}
}

static void test_plain(void **state)
{
	static const struct row rows[] = {
	    {UTC, "* * * * *", "2026-11-28T12:00:00Z", "2026-11-28T12:01:00Z"},
	    {UTC, "* * * * *", "2026-11-28T12:00:59Z", "2026-11-28T12:01:00Z"},
	    {UTC, "* * * * ?", "2026-12-31T23:59:00Z", "2027-01-01T00:00:00Z"},
	    {UTC, "0/15 * * * *", "2026-07-09T14:45:00Z", "2026-07-09T15:00:00Z"},
	    {UTC, "5/15 * * * *", "2026-07-09T14:50:00Z", "2026-07-09T15:05:00Z"},
	    {UTC, "20-35/15 * * * *", "2026-07-09T15:45:00Z", "2026-07-09T16:20:00Z"},
	    {UTC, "*/15 2,22 * * *", "2026-07-09T02:45:00Z", "2026-07-09T22:00:00Z"},
	    {UTC, "30 8 * Jul SUN", "2026-07-09T00:00:00Z", "2026-07-12T08:30:00Z"},
	    {UTC, "0 0 9 apr-Oct ?", "2026-10-09T00:00:00Z", "2027-04-09T00:00:00Z"},
	    {UTC, "0 12 * * mon-fri", "2026-11-27T12:00:00Z", "2026-11-30T12:00:00Z"},
	    /* Both days restricted: one is enough. With a star (a step takes it away): both. */
	    {UTC, "0 0 15 * 1", "2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z"},
	    {UTC, "0 0 15 * 1", "2026-11-09T00:00:00Z", "2026-11-15T00:00:00Z"},
	    {UTC, "0 0 */2 * sun", "2026-11-01T00:00:00Z", "2026-11-03T00:00:00Z"},
	    {UTC, "0 0 * * sun", "2026-11-01T00:00:00Z", "2026-11-08T00:00:00Z"},
	    {UTC, "0 0 13 * *", "2026-11-13T00:00:00Z", "2026-12-13T00:00:00Z"},
	    /* Ends of months, leap years. */
	    {UTC, "0 0 31 * *", "2026-01-31T00:00:00Z", "2026-03-31T00:00:00Z"},
	    {UTC, "0 0 30 * *", "2026-01-30T00:00:00Z", "2026-03-30T00:00:00Z"},
	    {UTC, "59 23 28-31 2 *", "2026-02-28T23:59:00Z", "2027-02-28T23:59:00Z"},
	    {UTC, "59 23 28-31 2 *", "2028-02-28T23:59:00Z", "2028-02-29T23:59:00Z"},
	    {UTC, "0 0 29 2 *", "2026-11-28T00:00:00Z", "2028-02-29T00:00:00Z"},
	    {UTC, "0 0 29 2 *", "2096-02-29T00:00:00Z", "2104-02-29T00:00:00Z"},
	    {UTC, "0 0 30 2 *", "2026-11-28T00:00:00Z", NULL},
	    {UTC, "0 0 31 4,6,9,11 ?", "2026-11-28T00:00:00Z", NULL},
	    /* Descriptors */
	    {UTC, "@yearly", "2026-11-28T00:00:00Z", "2027-01-01T00:00:00Z"},
	    {UTC, "@annually", "2027-01-01T00:00:00Z", "2028-01-01T00:00:00Z"},
	    {UTC, "@monthly", "2026-11-28T00:00:00Z", "2026-12-01T00:00:00Z"},
	    {UTC, "@weekly", "2026-11-28T00:00:00Z", "2026-11-29T00:00:00Z"},
	    {UTC, "@daily", "2026-11-28T00:00:00Z", "2026-11-29T00:00:00Z"},
	    {UTC, "@midnight", "2026-11-28T00:00:01Z", "2026-11-29T00:00:00Z"},
	    {UTC, "@hourly", "2026-11-28T00:00:01Z", "2026-11-28T01:00:00Z"},
	    {UTC, "@every 1h30m", "2026-11-28T00:00:01Z", "2026-11-28T01:30:01Z"},
	    {UTC, "@every 1.9s", "2026-11-28T00:00:00Z", "2026-11-28T00:00:01Z"},
	    {UTC, "@every 10ms", "2026-11-28T00:00:00Z", "2026-11-28T00:00:01Z"},
	};
	(void)state;
	check_rows(rows, RP_ARRAY_LEN(rows));
}

/* 2026 in Berlin: 02:00 becomes 03:00 on 29 March (01:00Z), 03:00 becomes 02:00 on 25 October
 * (01:00Z). */
static void test_berlin(void **state)
{
	static const struct row rows[] = {
	    {BERLIN, "0 12 * * *", "2026-03-28T11:00:00Z", "2026-03-29T10:00:00Z"},
	    {BERLIN, "0 12 * * *", "2026-10-24T10:00:00Z", "2026-10-25T11:00:00Z"},
	    /* In the gap: at its end, once. */
	    {BERLIN, "30 2 * * *", "2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z"},
	    {BERLIN, "30 2 * * *", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"},
	    {BERLIN, "*/10 2 * * *", "2026-03-29T00:59:00Z", "2026-03-29T01:00:00Z"},
	    {BERLIN, "*/10 2 * * *", "2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z"},
	    {BERLIN, "0 2,3 * * *", "2026-03-29T00:00:00Z", "2026-03-29T01:00:00Z"},
	    {BERLIN, "0 2,3 * * *", "2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z"},
	    {BERLIN, "30 * * * *", "2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z"},
	    /* Twice on the wall: the first time, once; every hour has both. */
	    {BERLIN, "30 2 * * *", "2026-10-24T22:00:00Z", "2026-10-25T00:30:00Z"},
	    {BERLIN, "30 2 * * *", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"},
	    {BERLIN, "30 2 * * *", "2026-10-25T01:10:00Z", "2026-10-26T01:30:00Z"},
	    {BERLIN, "0 2,3 * * *", "2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z"},
	    {BERLIN, "30 * * * *", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"},
	    {BERLIN, "*/15 * * * *", "2026-10-25T00:45:00Z", "2026-10-25T01:00:00Z"},
	    {BERLIN, "@hourly", "2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z"},
	    {BERLIN, "@daily", "2026-10-25T00:30:00Z", "2026-10-25T23:00:00Z"},
	    {BERLIN, "@every 1h", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"},
	    {BERLIN, "0 0 1 1 *", "2026-06-01T00:00:00Z", "2026-12-31T23:00:00Z"},
	};
	(void)state;
	check_rows(rows, RP_ARRAY_LEN(rows));
}

/* 2026 in New York: the gap is 02:00 to 03:00 on 8 March (07:00Z), 01:00 to 02:00 comes twice on
 * 1 November (from 05:00Z and from 06:00Z). */
static void test_new_york(void **state)
{
	static const struct row rows[] = {
	    {NEW_YORK, "0 9 * * *", "2026-03-07T14:00:00Z", "2026-03-08T13:00:00Z"},
	    {NEW_YORK, "0 9 * * *", "2026-10-31T13:00:00Z", "2026-11-01T14:00:00Z"},
	    {NEW_YORK, "15 2 * * *", "2026-03-08T05:00:00Z", "2026-03-08T07:00:00Z"},
	    {NEW_YORK, "15 2 * * *", "2026-03-08T07:00:00Z", "2026-03-09T06:15:00Z"},
	    {NEW_YORK, "15 * * * *", "2026-03-08T06:15:00Z", "2026-03-08T07:15:00Z"},
	    {NEW_YORK, "0 1 * * *", "2026-11-01T04:00:00Z", "2026-11-01T05:00:00Z"},
	    {NEW_YORK, "0 1 * * *", "2026-11-01T05:00:00Z", "2026-11-02T06:00:00Z"},
	    {NEW_YORK, "0 * * * *", "2026-11-01T05:00:00Z", "2026-11-01T06:00:00Z"},
	    {NEW_YORK, "0 * * * *", "2026-11-01T06:00:00Z", "2026-11-01T07:00:00Z"},
	    {NEW_YORK, "0 0 8 3 *", "2026-01-01T00:00:00Z", "2026-03-08T05:00:00Z"},
	};
	(void)state;
	check_rows(rows, RP_ARRAY_LEN(rows));
}

/* Brazil's clocks went from 00:00 to 01:00 on 4 November 2018: that day had no midnight. */
static void test_no_midnight(void **state)
{
	static const char sao_paulo[] = "<-03>3<-02>,M11.1.0/0,M2.3.0/0";
	static const struct row rows[] = {
	    {sao_paulo, "0 0 * * *", "2018-11-03T03:00:00Z", "2018-11-04T03:00:00Z"},
	    {sao_paulo, "0 0 * * *", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"},
	    {sao_paulo, "0 0 4 11 *", "2018-06-01T00:00:00Z", "2018-11-04T03:00:00Z"},
	};
	(void)state;
	check_rows(rows, RP_ARRAY_LEN(rows));
}

static void test_refused(void **state)
{
	static const struct {
		const char *text;
		const char *why;
	} rows[] = {
	    {"", "it is empty"},
	    {"* * * *", "expected 5 fields"},
	    {"* * * * * *", "found 6"},
	    {" @daily", "found 1"},
	    {"@Daily", "\"@Daily\" is unknown"},
	    {"@reboot", "\"@reboot\" is unknown"},
	    {"@every", "\"@every\" is unknown"},
	    {"@every 10", "@every needs a time above 0"},
	    {"@every -5s", "@every needs a time above 0"},
	    {"60 * * * *", "minute: \"60\" is not within 0-59"},
	    {"* 24 * * *", "hour: \"24\" is not within 0-23"},
	    {"* * 0 * *", "day of month: \"0\" is not within 1-31"},
	    {"* * 32 * *", "day of month: \"32\" is not within 1-31"},
	    {"* * * 13 *", "month: \"13\" is not within 1-12"},
	    {"* * * * 7", "day of week: \"7\" is not within 0-6"},
	    {"* * * foo *", "month: \"foo\" is no number"},
	    {"jan * * * *", "minute: \"jan\" is no number"},
	    {"5-1 * * * *", "minute: \"5-1\" ends before it begins"},
	    {"1-2-3 * * * *", "too many hyphens"},
	    {"1/2/3 * * * *", "too many slashes"},
	    {"*/0 * * * *", "has a step of 0"},
	    {"*/x * * * *", "\"x\" is no number"},
	    {"5- * * * *", "is no number"},
	    {"-5 * * * *", "is no number"},
	    {", * * * *", "minute: \",\" names no value"},
	    {"99999999999999999999 * * * *", "is no number"},
	    {"TZ=UTC", "expected 5 fields"},
	    {"CRON_TZ=UTC @fortnightly", "is unknown"},
	};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		struct rp_cron c;
		struct rp_err err = {0};
		assert_int_equal(rp_cron_parse(rows[i].text, &c, &err), RP_EINVAL);
		if (strstr(err.msg, rows[i].why) == NULL) {
			fail_msg("%s: %s", rows[i].text, err.msg);
		}
	}
	char text[RP_CRON_TEXT_MAX + 2];
	struct rp_cron c;
	struct rp_err err = {0};
	memset(text, '*', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(rp_cron_parse(text, &c, &err), RP_EINVAL);
	assert_non_null(strstr(err.msg, "more than 512 characters"));
}

static void test_taken(void **state)
{
	static const struct {
		const char *text;
		const char *zone;
	} rows[] = {
	    {"* * * * *", NULL},
	    {"\t0  0 1\t1 * ", NULL},
	    {"1,,2 +5 ? ? ?", NULL},
	    {"005 * * * SuN,mOn", NULL},
	    {"CRON_TZ=Europe/Berlin 0 5 * * *", "Europe/Berlin"},
	    {"TZ=America/New_York   @daily", "America/New_York"},
	    {"TZ= @daily", ""},
	};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		struct rp_cron c;
		struct rp_err err = {0};
		if (rp_cron_parse(rows[i].text, &c, &err) != 0) {
			fail_msg("%s: %s", rows[i].text, err.msg);
		}
		if (rows[i].zone == NULL) {
			assert_null(c.zone);
		} else {
			assert_string_equal(c.zone, rows[i].zone);
		}
		rp_cron_fini(&c);
	}
}

/* --- against the C library --- */

static const char *const posix_zones[] = {BERLIN, NEW_YORK, UTC,
    "<+0330>-3:30<+0430>,J79/24,J263/24", "NZST-12NZDT,M9.5.0,M4.1.0/3",
    "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "IST-5:30", "<-02>2<-01>,M3.5.0/-1,M10.5.0/0"};

static void use_libc_zone(const char *name)
{
	assert_int_equal(setenv("TZ", name, 1), 0);
	tzset();
}

static int64_t libc_offset(int64_t t)
{
	struct tm tm;
	time_t when = (time_t)t;
	assert_non_null(localtime_r(&when, &tm));
	return tm.tm_gmtoff;
}

static void same_offsets(const char *name, const struct rp_zone *z)
{
	use_libc_zone(name);
	for (size_t i = rp_slow_fewer(20000); i > 0; i--) {
		/* 1970 to 2099; every second one just before or behind a change. */
		int64_t t = (int64_t)rp_prng_below(4102444800);
		int64_t until;
		int64_t offset = rp_zone_offset(z, t, &until);
		assert_true(until > t);
		if (i % 2 == 1 && until < 4102444800) {
			t = until - (i % 4 == 1);
			offset = rp_zone_offset(z, t, &until);
		}
		if (offset != libc_offset(t)) {
			fail_msg("%s at %lld: %lld, libc %lld", name, (long long)t,
			    (long long)offset, (long long)libc_offset(t));
		}
	}
}

static void test_zones(void **state)
{
	static const char *const names[] = {"Europe/Berlin", "America/New_York", "Asia/Kathmandu",
	    "Africa/Casablanca", "Australia/Lord_Howe", "America/Sao_Paulo", "Europe/Dublin",
	    "Antarctica/Troll", "Pacific/Apia", "UTC"};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(posix_zones); i++) {
		struct rp_zone *z = zone(posix_zones[i]);
		same_offsets(posix_zones[i], z);
		rp_zone_free(z);
	}
	for (size_t i = 0; i < RP_ARRAY_LEN(names); i++) {
		struct rp_zone *z;
		struct rp_err err = {0};
		int code = rp_zone_load(names[i], &z, &err);
		if (code == RP_ENOENT) {
			print_message("%s\n", err.msg); /* no zones on this machine */
			continue;
		}
		assert_int_equal(code, 0);
		same_offsets(names[i], z);
		rp_zone_free(z);
	}
}

/* RFC 9636 3.3.2: how one writes summer time all year. (The C library has winter for an hour.) */
static void test_always_summer(void **state)
{
	struct rp_zone *z = zone("EST5EDT,0/0,J365/25");
	int64_t until = seconds("2025-12-01T00:00:00Z");
	(void)state;
	while (until < seconds("2029-03-01T00:00:00Z")) {
		assert_int_equal(rp_zone_offset(z, until, &until), -4 * 3600);
		assert_int_equal(rp_zone_offset(z, until - 1, &until), -4 * 3600);
	}
	rp_zone_free(z);
}

static bool minute_matches(const struct rp_cron *c, int64_t t)
{
	struct tm tm;
	time_t when = (time_t)t;
	assert_non_null(localtime_r(&when, &tm));
	bool in_month = (c->days >> tm.tm_mday & 1) != 0;
	bool in_week = (c->weekdays >> tm.tm_wday & 1) != 0;
	bool day = c->every_day || c->every_weekday ? in_month && in_week : in_month || in_week;
	return tm.tm_sec == 0 && day && (c->minutes >> tm.tm_min & 1) != 0 &&
	    (c->hours >> tm.tm_hour & 1) != 0 && (c->months >> (tm.tm_mon + 1) & 1) != 0;
}

/* Every hour's expressions: each minute that passes and matches, none else, over the changes. */
static void test_counted(void **state)
{
	static const char *const texts[] = {"* * * * *", "*/7 * * * *", "0 * * * *", "59 * * * sun",
	    "13 * 25-31 3,10 *", "5 * 1 * mon"};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(posix_zones) * RP_ARRAY_LEN(texts); i++) {
		const char *name = posix_zones[i % RP_ARRAY_LEN(posix_zones)];
		struct rp_zone *z = zone(name);
		struct rp_cron c;
		struct rp_err err = {0};
		assert_int_equal(rp_cron_parse(texts[i / RP_ARRAY_LEN(posix_zones)], &c, &err), 0);
		use_libc_zone(name);
		int64_t t = 1767225600 + (int64_t)rp_prng_below((size_t)86400 * 400) / 60 * 60;
		int64_t until;
		(void)rp_zone_offset(z, t, &until);
		t = until == INT64_MAX ? t : until - 7200;
		int64_t next = rp_cron_next(&c, z, t);
		for (int64_t m = t + 60; m < t + 86400; m += 60) {
			bool matches = minute_matches(&c, m);
			if (matches != (next == m)) {
				fail_msg("%s in %s: %lld, next %lld",
				    texts[i / RP_ARRAY_LEN(posix_zones)], name, (long long)m,
				    (long long)next);
			}
			next = next == m ? rp_cron_next(&c, z, m) : next;
		}
		rp_cron_fini(&c);
		rp_zone_free(z);
	}
}

/* Fixed hours: a day has each of its times once, whatever its clock did. */
static void test_once_a_day(void **state)
{
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(posix_zones); i++) {
		for (int hour = 0; hour < 24; hour++) {
			char text[32];
			struct rp_cron c;
			struct rp_err err = {0};
			struct rp_zone *z = zone(posix_zones[i]);
			(void)snprintf(text, sizeof(text), "%d %d * * *", hour * 2, hour);
			assert_int_equal(rp_cron_parse(text, &c, &err), 0);
			assert_true(rp_cron_fixed(&c));
			int64_t end = seconds("2027-01-15T00:00:00Z");
			int64_t t = seconds("2026-01-15T00:00:00Z");
			int runs = 0;
			for (; (t = rp_cron_next(&c, z, t)) <= end; runs++) {
			}
			assert_in_range(runs, 365, 365);
			rp_cron_fini(&c);
			rp_zone_free(z);
		}
	}
}

/* --- zones --- */

static void test_zone_names(void **state)
{
	static const char *const bad[] = {"../../etc/passwd", "/etc/localtime", ".hidden", "a//b",
	    "Europe/", "Europe/../UTC", "a b", "a\nb", "\xc3\xa9",
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
	struct rp_zone *z;
	struct rp_err err = {0};
	int64_t until;
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(bad); i++) {
		assert_int_equal(rp_zone_load(bad[i], &z, &err), RP_EINVAL);
	}
	assert_int_equal(rp_zone_load("Nowhere/Land", &z, &err), RP_ENOENT);
	assert_string_equal(err.msg, "the time zone Nowhere/Land is unknown on this server");
	/* A file, but none of a zone: zones on this machine or not. */
	int code = rp_zone_load("zone.tab", &z, &err);
	assert_true(code == RP_EINVAL || code == RP_ENOENT);
	assert_int_equal(rp_zone_load("UTC", &z, &err), 0);
	assert_int_equal(rp_zone_offset(z, 0, &until), 0);
	assert_true(until == INT64_MAX);
	rp_zone_free(z);
}

static void check_local(const char *tz, int64_t want)
{
	struct rp_zone *z;
	int64_t until;
	if (tz != NULL) {
		assert_int_equal(setenv("TZ", tz, 1), 0);
	} else {
		assert_int_equal(unsetenv("TZ"), 0);
	}
	assert_int_equal(rp_zone_local(&z), 0);
	int64_t offset = rp_zone_offset(z, seconds("2026-07-01T00:00:00Z"), &until);
	if (want != INT64_MIN) {
		assert_int_equal(offset, want);
	}
	rp_zone_free(z);
}

static void test_local(void **state)
{
	(void)state;
	check_local("", 0);
	check_local(BERLIN, 7200);
	check_local(":" NEW_YORK, -4 * 3600);
	check_local("no zone at all", 0);
	check_local("/nonexistent", 0);
	check_local(NULL, INT64_MIN); /* whatever this machine has */
	if (access("/usr/share/zoneinfo/Europe/Berlin", R_OK) == 0) {
		check_local("Europe/Berlin", 7200);
		check_local("/usr/share/zoneinfo/Europe/Berlin", 7200);
	}
}

static void test_posix_refused(void **state)
{
	static const char *const bad[] = {"", "AB", "CET", "CET-25", "CET-1CEST,",
	    "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0", "CET-1CEST,M3.6.0,M10.5.0",
	    "CET-1CEST,M3.5.7,M10.5.0", "CET-1CEST,J0,J5", "CET-1CEST,J366,J5", "CET-1CEST,366,5",
	    "CET-1CEST,M3.5.0/168,M10.5.0", "<CET-1", "CET-1CEST,M3.5.0,M10.5.0x", "CET-1:60",
	    "CET-1CEST-x"};
	struct rp_zone *z;
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(bad); i++) {
		if (rp_zone_posix(rp_str_c(bad[i]), &z) != RP_EINVAL) {
			fail_msg("'%s' is taken", bad[i]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_plain),
	    cmocka_unit_test(test_berlin),
	    cmocka_unit_test(test_new_york),
	    cmocka_unit_test(test_no_midnight),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_taken),
	    cmocka_unit_test(test_zones),
	    cmocka_unit_test(test_always_summer),
	    cmocka_unit_test(test_counted),
	    cmocka_unit_test(test_once_a_day),
	    cmocka_unit_test(test_zone_names),
	    cmocka_unit_test(test_local),
	    cmocka_unit_test(test_posix_refused),
	};
	rp_prng_start();
	return rp_prng_report(cmocka_run_group_tests_name("cron", tests, NULL, NULL));
}
