/* SPDX-License-Identifier: MIT */
/*
 * Reading of POSIX TZ texts, and what they say about a time.
 */
#include "core/zone_posix.h"

#include <time.h>

#include "core/zone.h"

#include "core/banned.h"

#define S_PER_DAY 86400
/* RFC 9636 3.3.2: times of a change are -167 to 167 hours. */
#define RULE_HOURS_MAX   167
#define OFFSET_HOURS_MAX 24

static bool take(struct rp_str *s, char ch)
{
	if (s->len == 0 || s->p[0] != ch) {
		return false;
	}
	*s = rp_str_n(s->p + 1, s->len - 1);
	return true;
}

/* Digits that give at most max. */
static bool take_number(struct rp_str *s, int max, int *v)
{
	bool any = false;
	*v = 0;
	while (s->len > 0 && s->p[0] >= '0' && s->p[0] <= '9') {
		*v = *v * 10 + (s->p[0] - '0');
		if (*v > max) {
			return false;
		}
		*s = rp_str_n(s->p + 1, s->len - 1);
		any = true;
	}
	return any;
}

/* "[+-]hh[:mm[:ss]]" in seconds. */
static bool take_time(struct rp_str *s, int hours_max, int32_t *seconds)
{
	int h;
	int m = 0;
	int sec = 0;
	bool negative = take(s, '-');
	if (!negative) {
		(void)take(s, '+');
	}
	if (!take_number(s, hours_max, &h) || (take(s, ':') && !take_number(s, 59, &m)) ||
	    (take(s, ':') && !take_number(s, 59, &sec))) {
		return false;
	}
	*seconds = h * 3600 + m * 60 + sec;
	*seconds = negative ? -*seconds : *seconds;
	return true;
}

/* "CET" or "<+03>": at least three characters; which ones does not matter here. */
static bool take_name(struct rp_str *s)
{
	bool quoted = take(s, '<');
	size_t n = 0;
	for (; n < s->len; n++) {
		char ch = s->p[n];
		bool letter = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z');
		bool more = quoted && ((ch >= '0' && ch <= '9') || ch == '+' || ch == '-');
		if (!letter && !more) {
			break;
		}
	}
	*s = rp_str_n(s->p + n, s->len - n);
	return n >= 3 && (!quoted || take(s, '>'));
}

static bool take_day(struct rp_str *s, struct rp_zone_day *d)
{
	bool ok;
	*d = (struct rp_zone_day){.time = 2 * 3600};
	if (take(s, 'J')) {
		d->kind = RP_ZONE_DAY_JULIAN;
		ok = take_number(s, 365, &d->day) && d->day >= 1;
	} else if (take(s, 'M')) {
		d->kind = RP_ZONE_DAY_OF_WEEK;
		ok = take_number(s, 12, &d->month) && d->month >= 1 && take(s, '.') &&
		    take_number(s, 5, &d->week) && d->week >= 1 && take(s, '.') &&
		    take_number(s, 6, &d->day);
	} else {
		d->kind = RP_ZONE_DAY_OF_YEAR;
		ok = take_number(s, 365, &d->day);
	}
	return ok && (!take(s, '/') || take_time(s, RULE_HOURS_MAX, &d->time));
}

/* Without a rule the text says nothing about when: the United States' is what others take. */
static bool take_rule(struct rp_str *s, struct rp_zone_rule *r)
{
	struct rp_str usual = rp_str_c(",M3.2.0,M11.1.0");
	s = s->len == 0 ? &usual : s;
	return take(s, ',') && take_day(s, &r->start) && take(s, ',') && take_day(s, &r->end) &&
	    s->len == 0;
}

int rp_zone_rule_parse(struct rp_str text, struct rp_zone_rule *r)
{
	int32_t west;
	*r = (struct rp_zone_rule){0};
	if (!take_name(&text) || !take_time(&text, OFFSET_HOURS_MAX, &west)) {
		return RP_EINVAL;
	}
	r->standard = -west;
	if (text.len == 0) {
		return 0;
	}
	r->has_summer = true;
	r->summer = r->standard + 3600;
	if (!take_name(&text)) {
		return RP_EINVAL;
	}
	if (text.len > 0 && text.p[0] != ',') {
		if (!take_time(&text, OFFSET_HOURS_MAX, &west)) {
			return RP_EINVAL;
		}
		r->summer = -west;
	}
	return take_rule(&text, r) ? 0 : RP_EINVAL;
}

static int64_t first_of(int year, int month)
{
	struct tm tm = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = 1};
	return (int64_t)timegm(&tm) / S_PER_DAY;
}

/* The day of the year, in days since 1970. */
static int64_t day_in(const struct rp_zone_day *d, int year)
{
	int64_t start = first_of(year, 1);
	bool leap = first_of(year + 1, 1) - start == 366;
	if (d->kind == RP_ZONE_DAY_OF_YEAR) {
		return start + d->day;
	}
	if (d->kind == RP_ZONE_DAY_JULIAN) {
		return start + d->day - 1 + (leap && d->day >= 60 ? 1 : 0);
	}
	int64_t first = first_of(year, d->month);
	int64_t next = d->month == 12 ? first_of(year + 1, 1) : first_of(year, d->month + 1);
	/* Day 0 was a Thursday. */
	int64_t weekday = ((first + 4) % 7 + 7) % 7;
	int64_t day = first + (d->day - weekday + 7) % 7 + (d->week - 1) * INT64_C(7);
	return day < next ? day : day - 7;
}

struct change {
	int64_t at;
	int32_t offset;
};

/* In order; summer that begins when the one before ends (it is all year) comes behind. */
static void add(struct change *v, size_t n, struct change c)
{
	for (; n > 0 && v[n - 1].at > c.at; n--) {
		v[n] = v[n - 1];
	}
	v[n] = c;
}

int64_t rp_zone_rule_offset(const struct rp_zone_rule *r, int64_t t, int64_t *until)
{
	struct change v[6] = {0};
	struct tm tm;
	time_t local = (time_t)(t + r->standard);
	*until = INT64_MAX;
	if (!r->has_summer || t > RP_ZONE_TIME_MAX || t < -RP_ZONE_TIME_MAX ||
	    gmtime_r(&local, &tm) == NULL) {
		return r->standard;
	}
	size_t n = 0;
	for (int year = tm.tm_year + 1899; year <= tm.tm_year + 1901; year++) {
		struct change end = {
		    day_in(&r->end, year) * S_PER_DAY + r->end.time - r->summer, r->standard};
		struct change start = {
		    day_in(&r->start, year) * S_PER_DAY + r->start.time - r->standard, r->summer};
		add(v, n++, end);
		add(v, n++, start);
	}
	int64_t offset = v[0].offset == r->summer ? r->standard : r->summer;
	for (size_t i = 0; i < n; i++) {
		if (v[i].at > t) {
			*until = v[i].at;
			break;
		}
		offset = v[i].offset;
	}
	return offset;
}
