/* SPDX-License-Identifier: MIT */
/*
 * An entry that goes beyond midnight belongs to the day on which it begins.
 */
#include "cmdpolicy/hours.h"

#include <string.h>

#include "core/banned.h"

#define EVERY_DAY 0x7f
#define EXPECTED  "expected a text such as \"Mon-Fri 08:00-18:00\""

static int bad(struct rp_err *err, const char *what)
{
	return rp_err_set(err, RP_EINVAL, "%s, " EXPECTED, what);
}

static int parse_day(struct rp_str s, unsigned *day)
{
	static const char *const names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
	for (unsigned i = 0; i < RP_ARRAY_LEN(names); i++) {
		if (rp_str_ieq(s, names[i])) {
			*day = i;
			return 0;
		}
	}
	return RP_EINVAL;
}

/* "Mon" or "Fri-Mon" */
static int parse_days(struct rp_str s, uint8_t *days)
{
	struct rp_str first;
	unsigned from;
	unsigned to;
	bool range = memchr(s.p, '-', s.len) != NULL;
	if (!rp_str_split(&s, '-', &first) || parse_day(first, &from) != 0) {
		return RP_EINVAL;
	}
	to = from;
	if (range && parse_day(s, &to) != 0) {
		return RP_EINVAL;
	}
	for (unsigned d = from;; d = (d + 1) % 7) {
		*days |= (uint8_t)(1u << d);
		if (d == to) {
			return 0;
		}
	}
}

static int parse_day_list(struct rp_str s, uint8_t *days)
{
	struct rp_str part;
	*days = 0;
	while (rp_str_split(&s, ',', &part)) {
		if (part.len == 0 || parse_days(part, days) != 0) {
			return RP_EINVAL;
		}
	}
	return *days == 0 ? RP_EINVAL : 0;
}

/* HH:MM; 24:00 is the end of the day. */
static int parse_clock(struct rp_str s, uint16_t *minute)
{
	uint64_t h;
	uint64_t m;
	if (s.len != 5 || s.p[2] != ':' || rp_str_u64(rp_str_n(s.p, 2), 24, &h) != 0 ||
	    rp_str_u64(rp_str_n(s.p + 3, 2), 59, &m) != 0 || (h == 24 && m > 0)) {
		return RP_EINVAL;
	}
	*minute = (uint16_t)(h * 60 + m);
	return 0;
}

int rp_hours_parse(struct rp_str text, struct rp_hours *h, struct rp_err *err)
{
	struct rp_str rest = rp_str_trim(text);
	struct rp_str from;
	*h = (struct rp_hours){.days = EVERY_DAY};
	if (rest.len > 0 && memchr(rest.p, ' ', rest.len) != NULL) {
		struct rp_str days;
		(void)rp_str_split(&rest, ' ', &days);
		rest = rp_str_trim(rest);
		if (parse_day_list(days, &h->days) != 0) {
			return bad(err, "has a day that is none of Mon to Sun");
		}
	}
	if (rest.len == 0 || memchr(rest.p, '-', rest.len) == NULL ||
	    !rp_str_split(&rest, '-', &from) || parse_clock(from, &h->from) != 0 ||
	    parse_clock(rest, &h->to) != 0 || h->from == RP_HOURS_DAY) {
		return bad(err, "is no time from HH:MM to HH:MM");
	}
	return 0;
}

bool rp_hours_has(const struct rp_hours *h, int minute)
{
	if (minute < 0 || minute >= RP_HOURS_WEEK) {
		return false;
	}
	int length = h->to > h->from ? h->to - h->from : h->to + RP_HOURS_DAY - h->from;
	for (int day = 0; day < 7; day++) {
		int begin = day * RP_HOURS_DAY + h->from;
		int since = (minute - begin + RP_HOURS_WEEK) % RP_HOURS_WEEK;
		if ((h->days >> day & 1) != 0 && since < length) {
			return true;
		}
	}
	return false;
}

int rp_hours_minute(time_t t)
{
	struct tm tm;
	if (localtime_r(&t, &tm) == NULL) {
		return -1;
	}
	return (tm.tm_wday + 6) % 7 * RP_HOURS_DAY + tm.tm_hour * 60 + tm.tm_min;
}
