/* SPDX-License-Identifier: MIT */
/*
 * Clocks, RFC 3339 times and Go's durations as text. The calendar is computed here (proleptic
 * Gregorian, UTC only), so nothing depends on the time zone or on a static buffer of the C library.
 */
#include "core/clock.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/err.h"

#include "core/banned.h"

#define S_PER_DAY INT64_C(86400)
#define NS_DIGITS 9
/* No real time lies there, but Go's zero time does, shifted by the offset of some zone. */
#define YEAR_ZERO_LAST 1

static int64_t read_clock(clockid_t id)
{
	struct timespec ts;
	RP_VERIFY(clock_gettime(id, &ts) == 0);
	return (int64_t)ts.tv_sec * RP_NS_PER_S + (int64_t)ts.tv_nsec;
}

int64_t rp_time_now(void)
{
	return read_clock(CLOCK_REALTIME);
}

uint64_t rp_clock_ns(void)
{
	return (uint64_t)read_clock(CLOCK_MONOTONIC);
}

uint64_t rp_clock_ms(void)
{
	return rp_clock_ns() / (uint64_t)RP_NS_PER_MS;
}

/* Quotient rounded down, also below zero. */
static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0 ? 1 : 0);
}

/* Days since 1970-01-01. A year counted from March ends with the leap day. */
static int64_t days_from_date(int64_t year, int64_t month, int64_t day)
{
	year -= month <= 2 ? 1 : 0;
	int64_t era = floor_div(year, 400);
	int64_t year_of_era = year - era * 400;
	int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
	return era * 146097 + day_of_era - 719468;
}

struct date {
	int64_t year;
	int64_t month;
	int64_t day;
};

static struct date date_from_days(int64_t days)
{
	days += 719468;
	int64_t era = floor_div(days, 146097);
	int64_t doe = days - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;
	struct date d = {
	    .year = yoe + era * 400,
	    .month = mp < 10 ? mp + 3 : mp - 9,
	    .day = doy - (153 * mp + 2) / 5 + 1,
	};
	d.year += d.month <= 2 ? 1 : 0;
	return d;
}

static int64_t days_in_month(int64_t year, int64_t month)
{
	static const int64_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
	return month == 2 && leap ? 29 : days[month - 1];
}

/* ".5", or nothing for 0; value counts units of 10^-digits. Returns the length, out has no NUL. */
static size_t put_fraction(uint64_t value, int digits, char *out)
{
	while (digits > 0 && value % 10 == 0) {
		value /= 10;
		digits--;
	}
	if (digits == 0) {
		return 0;
	}
	for (int i = digits; i > 0; i--) {
		out[i] = (char)('0' + value % 10);
		value /= 10;
	}
	out[0] = '.';
	return (size_t)digits + 1;
}

/* The number with leading zeros, then the character. */
static void put_digits(char *out, size_t n, char after, int64_t v)
{
	out[n] = after;
	for (; n > 0; n--) {
		out[n - 1] = (char)('0' + v % 10);
		v /= 10;
	}
}

void rp_time_format(int64_t t, char out[static RP_TIME_TEXT_MAX])
{
	if (t == RP_TIME_ZERO) {
		(void)snprintf(out, RP_TIME_TEXT_MAX, "0001-01-01T00:00:00Z");
		return;
	}
	int64_t seconds = floor_div(t, RP_NS_PER_S);
	int64_t days = floor_div(seconds, S_PER_DAY);
	int64_t rest = seconds - days * S_PER_DAY;
	struct date d = date_from_days(days);
	/* Not t - seconds * 10^9, which overflows in the first second of the range. */
	int64_t ns = t % RP_NS_PER_S;
	ns += ns < 0 ? RP_NS_PER_S : 0;
	put_digits(out, 4, '-', d.year);
	put_digits(out + 5, 2, '-', d.month);
	put_digits(out + 8, 2, 'T', d.day);
	put_digits(out + 11, 2, ':', rest / 3600);
	put_digits(out + 14, 2, ':', rest / 60 % 60);
	put_digits(out + 17, 2, 'Z', rest % 60);
	size_t n = 19 + put_fraction((uint64_t)ns, NS_DIGITS, out + 19);
	out[n] = 'Z';
	out[n + 1] = '\0';
}

/* Takes exactly n digits that give a number of lo..hi off s. */
static bool take_digits(struct rp_str *s, size_t n, int64_t lo, int64_t hi, int64_t *v)
{
	if (s->len < n || rp_str_i64(rp_str_n(s->p, n), lo, hi, v) != 0 || s->p[0] == '-') {
		return false;
	}
	s->p += n;
	s->len -= n;
	return true;
}

/* Takes one of the two characters off s. */
static bool take_char(struct rp_str *s, char a, char b)
{
	if (s->len == 0 || (s->p[0] != a && s->p[0] != b)) {
		return false;
	}
	s->p++;
	s->len--;
	return true;
}

static bool is_digit(struct rp_str s)
{
	return s.len > 0 && s.p[0] >= '0' && s.p[0] <= '9';
}

/* Digits after a point as nanoseconds; what is finer is dropped, as Go does. */
static bool take_fraction(struct rp_str *s, int64_t *ns)
{
	int64_t unit = RP_NS_PER_S / 10;
	*ns = 0;
	if (!take_char(s, '.', '.')) {
		return true;
	}
	if (!is_digit(*s)) {
		return false;
	}
	for (; is_digit(*s); s->p++, s->len--) {
		*ns += (s->p[0] - '0') * unit;
		unit /= 10;
	}
	return true;
}

/* "Z" or "+hh:mm", as seconds east of UTC. */
static bool take_zone(struct rp_str *s, int64_t *offset)
{
	int64_t h;
	int64_t m;
	*offset = 0;
	if (take_char(s, 'Z', 'z')) {
		return true;
	}
	bool west = s->len > 0 && s->p[0] == '-';
	if (!take_char(s, '+', '-') || !take_digits(s, 2, 0, 23, &h) || !take_char(s, ':', ':') ||
	    !take_digits(s, 2, 0, 59, &m)) {
		return false;
	}
	*offset = (h * 3600 + m * 60) * (west ? -1 : 1);
	return true;
}

static bool take_date(struct rp_str *s, struct date *d)
{
	return take_digits(s, 4, 0, 9999, &d->year) && take_char(s, '-', '-') &&
	    take_digits(s, 2, 1, 12, &d->month) && take_char(s, '-', '-') &&
	    take_digits(s, 2, 1, days_in_month(d->year, d->month), &d->day);
}

/* "hh:mm:ss" as seconds. */
static bool take_time(struct rp_str *s, int64_t *seconds)
{
	int64_t hour;
	int64_t minute;
	int64_t second;
	if (!take_digits(s, 2, 0, 23, &hour) || !take_char(s, ':', ':') ||
	    !take_digits(s, 2, 0, 59, &minute) || !take_char(s, ':', ':') ||
	    !take_digits(s, 2, 0, 59, &second)) {
		return false;
	}
	*seconds = hour * 3600 + minute * 60 + second;
	return true;
}

int rp_time_parse(struct rp_str s, int64_t *t)
{
	struct date d;
	int64_t seconds;
	int64_t ns;
	int64_t offset;
	if (!take_date(&s, &d) || !take_char(&s, 'T', 't') || !take_time(&s, &seconds) ||
	    !take_fraction(&s, &ns) || !take_zone(&s, &offset) || s.len != 0) {
		return RP_EINVAL;
	}
	if (d.year <= YEAR_ZERO_LAST) {
		*t = RP_TIME_ZERO;
		return 0;
	}
	seconds += days_from_date(d.year, d.month, d.day) * S_PER_DAY - offset;
	/* Towards zero, so that the product is in range wherever the sum is. */
	if (seconds < 0 && ns > 0) {
		seconds++;
		ns -= RP_NS_PER_S;
	}
	int64_t value;
	if (__builtin_mul_overflow(seconds, RP_NS_PER_S, &value) ||
	    __builtin_add_overflow(value, ns, &value) || value == RP_TIME_ZERO) {
		return RP_EINVAL;
	}
	*t = value;
	return 0;
}

struct unit {
	const char *name;
	uint64_t ns;
};

/* Longest name first where one starts with another. */
static const struct unit units[] = {
    {"ns", 1},
    {"us", 1000},
    {"\xc2\xb5s", 1000}, /* U+00B5 micro sign */
    {"\xce\xbcs", 1000}, /* U+03BC Greek mu */
    {"ms", 1000000},
    {"s", 1000000000},
    {"m", 60000000000},
    {"h", 3600000000000},
};

static bool take_unit(struct rp_str *s, uint64_t *ns)
{
	for (size_t i = 0; i < RP_ARRAY_LEN(units); i++) {
		if (rp_str_starts(*s, units[i].name)) {
			size_t n = strlen(units[i].name);
			s->p += n;
			s->len -= n;
			*ns = units[i].ns;
			return true;
		}
	}
	return false;
}

/* Takes digits off s; false when the number does not fit. */
static bool take_whole(struct rp_str *s, uint64_t *v)
{
	*v = 0;
	for (; is_digit(*s); s->p++, s->len--) {
		if (__builtin_mul_overflow(*v, UINT64_C(10), v) ||
		    __builtin_add_overflow(*v, (uint64_t)(s->p[0] - '0'), v)) {
			return false;
		}
	}
	return true;
}

/* Digits after a point as value / scale. Digits beyond 63 bits are read and dropped, as Go does. */
static bool take_decimals(struct rp_str *s, uint64_t *value, double *scale)
{
	size_t before = s->len;
	*value = 0;
	*scale = 1;
	for (; is_digit(*s); s->p++, s->len--) {
		if (*value <= (INT64_MAX - 9) / 10) {
			*value = *value * 10 + (uint64_t)(s->p[0] - '0');
			*scale *= 10;
		}
	}
	return s->len < before;
}

/* One number with its unit, such as "1.5h". */
static bool take_span(struct rp_str *s, uint64_t *ns)
{
	uint64_t whole;
	uint64_t decimals = 0;
	double scale = 1;
	uint64_t unit;
	bool any = is_digit(*s);
	if (!take_whole(s, &whole)) {
		return false;
	}
	if (take_char(s, '.', '.')) {
		any = take_decimals(s, &decimals, &scale) || any;
	}
	if (!any || !take_unit(s, &unit)) {
		return false;
	}
	uint64_t part = (uint64_t)((double)decimals * ((double)unit / scale));
	return !__builtin_mul_overflow(whole, unit, ns) && !__builtin_add_overflow(*ns, part, ns);
}

int rp_duration_parse(struct rp_str s, int64_t *ns)
{
	bool negative = s.len > 0 && s.p[0] == '-';
	(void)take_char(&s, '-', '+');
	if (rp_str_eq(s, "0")) {
		*ns = 0;
		return 0;
	}
	if (s.len == 0) {
		return RP_EINVAL;
	}
	uint64_t total = 0;
	while (s.len > 0) {
		uint64_t span;
		if (!take_span(&s, &span) || __builtin_add_overflow(total, span, &total)) {
			return RP_EINVAL;
		}
	}
	if (total > (uint64_t)INT64_MAX + (negative ? 1 : 0)) {
		return RP_EINVAL;
	}
	*ns = (int64_t)(negative ? 0 - total : total);
	return 0;
}

/* Under one second: one unit, with decimals. */
static void format_small(uint64_t ns, const char *sign, char out[static RP_TIME_TEXT_MAX])
{
	static const struct {
		uint64_t ns;
		int digits;
		const char *name;
	} small[] = {{1, 0, "ns"}, {1000, 3, "\xc2\xb5s"}, {1000000, 6, "ms"}};
	size_t i = ns >= 1000000 ? 2 : ns >= 1000 ? 1 : 0;
	char fraction[NS_DIGITS + 2];
	fraction[put_fraction(ns % small[i].ns, small[i].digits, fraction)] = '\0';
	(void)snprintf(out, RP_TIME_TEXT_MAX, "%s%d%s%s", sign, (int)(ns / small[i].ns), fraction,
	    small[i].name);
}

void rp_duration_format(int64_t ns, char out[static RP_TIME_TEXT_MAX])
{
	const char *sign = ns < 0 ? "-" : "";
	uint64_t u = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
	if (u == 0) {
		(void)snprintf(out, RP_TIME_TEXT_MAX, "0s");
		return;
	}
	if (u < (uint64_t)RP_NS_PER_S) {
		format_small(u, sign, out);
		return;
	}
	char fraction[NS_DIGITS + 2];
	fraction[put_fraction(u % (uint64_t)RP_NS_PER_S, NS_DIGITS, fraction)] = '\0';
	uint64_t seconds = u / (uint64_t)RP_NS_PER_S;
	int h = (int)(seconds / 3600);
	int m = (int)(seconds / 60 % 60);
	int s = (int)(seconds % 60);
	if (h > 0) {
		(void)snprintf(out, RP_TIME_TEXT_MAX, "%s%dh%dm%d%ss", sign, h, m, s, fraction);
	} else if (m > 0) {
		(void)snprintf(out, RP_TIME_TEXT_MAX, "%s%dm%d%ss", sign, m, s, fraction);
	} else {
		(void)snprintf(out, RP_TIME_TEXT_MAX, "%s%d%ss", sign, s, fraction);
	}
}
