/* SPDX-License-Identifier: MIT */
/*
 * Reading of cron expressions, and their next time.
 */
#include "server/cron.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/alloc.h"
#include "core/clock.h"

#include "core/banned.h"

#define S_PER_DAY  INT64_C(86400)
#define DAYS_AHEAD 4384 /* 12 years */
#define FIELDS     5
#define SHOWN_MAX  40

struct field {
	const char *name;
	uint32_t min;
	uint32_t max;
	const char *const *words; /* of the values from min on; ends with NULL */
};

static const char *const month_words[] = {
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec", NULL};
static const char *const weekday_words[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL};
static const struct field fields[FIELDS] = {
    {"minute", 0, 59, NULL},
    {"hour", 0, 23, NULL},
    {"day of month", 1, 31, NULL},
    {"month", 1, 12, month_words},
    {"day of week", 0, 6, weekday_words},
};

/* What a field says. */
struct set {
	uint64_t bits;
	bool star;
};

struct range {
	uint32_t first;
	uint32_t last;
	uint32_t step;
	bool star;
};

static int bad(struct rp_err *err, const struct field *f, struct rp_str s, const char *why)
{
	return rp_err_set(
	    err, RP_EINVAL, "%s: \"%.*s\" %s", f->name, (int)RP_MIN(s.len, SHOWN_MAX), s.p, why);
}

static int read_number(const struct field *f, struct rp_str s, uint32_t *v, struct rp_err *err)
{
	struct rp_str digits = rp_str_starts(s, "+") ? rp_str_n(s.p + 1, s.len - 1) : s;
	uint64_t n;
	for (uint32_t i = 0; f->words != NULL && f->words[i] != NULL; i++) {
		if (rp_str_ieq(s, f->words[i])) {
			*v = f->min + i;
			return 0;
		}
	}
	if (rp_str_u64(digits, UINT32_MAX / 2, &n) != 0) {
		return bad(err, f, s, "is no number");
	}
	*v = (uint32_t)n;
	return 0;
}

/* "*", "?", "a" or "a-b". */
static int read_bounds(
    const struct field *f, struct rp_str s, struct range *r, bool *single, struct rp_err *err)
{
	struct rp_str rest = s;
	struct rp_str low;
	struct rp_str high;
	if (!rp_str_split(&rest, '-', &low)) {
		return bad(err, f, s, "is no range");
	}
	*single = !rp_str_split(&rest, '-', &high);
	if (rp_str_eq(low, "*") || rp_str_eq(low, "?")) {
		*r = (struct range){.first = f->min, .last = f->max, .star = true};
		return 0;
	}
	int code = read_number(f, low, &r->first, err);
	r->last = r->first;
	if (code == 0 && !*single) {
		code = read_number(f, high, &r->last, err);
	}
	if (code == 0 && rp_str_split(&rest, '-', &high)) {
		return bad(err, f, s, "has too many hyphens");
	}
	return code;
}

static int check_range(
    const struct field *f, struct rp_str s, const struct range *r, struct rp_err *err)
{
	if (r->first < f->min || r->last > f->max) {
		char why[64];
		(void)snprintf(why, sizeof(why), "is not within %u-%u", f->min, f->max);
		return bad(err, f, s, why);
	}
	if (r->first > r->last) {
		return bad(err, f, s, "ends before it begins");
	}
	return r->step == 0 ? bad(err, f, s, "has a step of 0") : 0;
}

/* One part of a list: bounds, and maybe "/step". "5/10" is from 5 to the end. */
static int read_range(const struct field *f, struct rp_str s, struct set *set, struct rp_err *err)
{
	struct range r = {0};
	struct rp_str rest = s;
	struct rp_str bounds;
	struct rp_str step;
	bool single = false;
	(void)rp_str_split(&rest, '/', &bounds);
	int code = read_bounds(f, bounds, &r, &single, err);
	if (code != 0) {
		return code;
	}
	r.step = 1;
	if (rp_str_split(&rest, '/', &step)) {
		const struct field plain = {.name = f->name};
		code = read_number(&plain, step, &r.step, err);
		r.last = single ? f->max : r.last;
		/* A star with a step does not stand for all. */
		r.star = r.star && r.step <= 1;
	}
	if (code == 0 && rp_str_split(&rest, '/', &step)) {
		return bad(err, f, s, "has too many slashes");
	}
	code = code != 0 ? code : check_range(f, s, &r, err);
	if (code != 0) {
		return code;
	}
	for (uint32_t v = r.first; v <= r.last; v += r.step) {
		set->bits |= UINT64_C(1) << v;
	}
	set->star = set->star || r.star;
	return 0;
}

static int read_field(const struct field *f, struct rp_str s, struct set *set, struct rp_err *err)
{
	struct rp_str rest = s;
	struct rp_str part;
	while (rp_str_split(&rest, ',', &part)) {
		int code = part.len == 0 ? 0 : read_range(f, part, set, err);
		if (code != 0) {
			return code;
		}
	}
	return set->bits != 0 ? 0 : bad(err, f, s, "names no value");
}

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Takes the next word off s; false at the end. */
static bool take_word(struct rp_str *s, struct rp_str *word)
{
	size_t start = 0;
	while (start < s->len && is_blank(s->p[start])) {
		start++;
	}
	size_t end = start;
	while (end < s->len && !is_blank(s->p[end])) {
		end++;
	}
	*word = rp_str_n(s->p + start, end - start);
	*s = rp_str_n(s->p + end, s->len - end);
	return word->len > 0;
}

static int parse_fields(struct rp_str s, struct rp_cron *out, struct rp_err *err)
{
	struct rp_str words[FIELDS];
	struct rp_str word;
	struct set sets[FIELDS] = {0};
	size_t n = 0;
	while (take_word(&s, &word)) {
		if (n < FIELDS) {
			words[n] = word;
		}
		n++;
	}
	if (n != FIELDS) {
		return rp_err_set(err, RP_EINVAL,
		    "expected 5 fields (minute, hour, day of month, month, day of week), found %zu",
		    n);
	}
	for (size_t i = 0; i < FIELDS; i++) {
		int code = read_field(&fields[i], words[i], &sets[i], err);
		if (code != 0) {
			return code;
		}
	}
	out->minutes = sets[0].bits;
	out->hours = (uint32_t)sets[1].bits;
	out->days = (uint32_t)sets[2].bits;
	out->months = (uint32_t)sets[3].bits;
	out->weekdays = (uint32_t)sets[4].bits;
	out->every_hour = sets[1].star;
	out->every_day = sets[2].star;
	out->every_weekday = sets[4].star;
	return 0;
}

static int parse_every(struct rp_str duration, struct rp_cron *out, struct rp_err *err)
{
	int64_t ns;
	if (rp_duration_parse(duration, &ns) != 0 || ns <= 0) {
		return rp_err_set(err, RP_EINVAL,
		    "@every needs a time above 0 such as 90s, 10m or 1h30m, found \"%.*s\"",
		    (int)RP_MIN(duration.len, SHOWN_MAX), duration.p);
	}
	out->every_s = ns < RP_NS_PER_S ? 1 : ns / RP_NS_PER_S;
	return 0;
}

static int parse_descriptor(struct rp_str s, struct rp_cron *out, struct rp_err *err)
{
	static const struct {
		const char *name;
		const char *fields;
	} known[] = {
	    {"@yearly", "0 0 1 1 *"},
	    {"@annually", "0 0 1 1 *"},
	    {"@monthly", "0 0 1 * *"},
	    {"@weekly", "0 0 * * 0"},
	    {"@daily", "0 0 * * *"},
	    {"@midnight", "0 0 * * *"},
	    {"@hourly", "0 * * * *"},
	};
	static const char every[] = "@every ";
	if (rp_str_starts(s, every)) {
		size_t n = sizeof(every) - 1;
		return parse_every(rp_str_n(s.p + n, s.len - n), out, err);
	}
	for (size_t i = 0; i < RP_ARRAY_LEN(known); i++) {
		if (rp_str_eq(s, known[i].name)) {
			return parse_fields(rp_str_c(known[i].fields), out, err);
		}
	}
	return rp_err_set(
	    err, RP_EINVAL, "\"%.*s\" is unknown", (int)RP_MIN(s.len, SHOWN_MAX), s.p);
}

/* Takes "TZ=<zone> " off s. */
static int take_zone(struct rp_str *s, struct rp_cron *out, struct rp_err *err)
{
	struct rp_str name;
	if (!rp_str_starts(*s, "TZ=") && !rp_str_starts(*s, "CRON_TZ=")) {
		return 0;
	}
	(void)rp_str_split(s, '=', &name);
	(void)rp_str_split(s, ' ', &name);
	out->zone = rp_str_dup(name);
	*s = rp_str_trim(*s);
	return out->zone != NULL ? 0 : rp_err_no_memory(err);
}

int rp_cron_parse(const char *text, struct rp_cron *out, struct rp_err *err)
{
	struct rp_str s = rp_str_c(text);
	*out = (struct rp_cron){0};
	if (s.len == 0) {
		return rp_err_set(err, RP_EINVAL, "it is empty");
	}
	if (s.len > RP_CRON_TEXT_MAX) {
		return rp_err_set(err, RP_EINVAL, "more than %d characters", RP_CRON_TEXT_MAX);
	}
	int code = take_zone(&s, out, err);
	if (code == 0) {
		code = rp_str_starts(s, "@") ? parse_descriptor(s, out, err)
		                             : parse_fields(s, out, err);
	}
	if (code != 0) {
		rp_cron_fini(out);
	}
	return code;
}

void rp_cron_fini(struct rp_cron *c)
{
	rp_free(c->zone);
	*c = (struct rp_cron){0};
}

bool rp_cron_fixed(const struct rp_cron *c)
{
	return c->every_s == 0 && !c->every_hour;
}

/* Times. Days are counted since 1970, wall times in seconds. */

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0 ? 1 : 0);
}

static bool has(uint64_t bits, int64_t i)
{
	return (bits >> i & 1) != 0;
}

static bool day_matches(const struct rp_cron *c, int64_t day)
{
	struct tm tm;
	time_t t = (time_t)(day * S_PER_DAY);
	if (gmtime_r(&t, &tm) == NULL || !has(c->months, tm.tm_mon + 1)) {
		return false;
	}
	bool in_month = has(c->days, tm.tm_mday);
	bool in_week = has(c->weekdays, tm.tm_wday);
	return c->every_day || c->every_weekday ? in_month && in_week : in_month || in_week;
}

/* The first matching minute of a day from that one on, or -1. */
static int64_t minute_of_day(const struct rp_cron *c, int64_t from)
{
	for (int64_t h = from / 60; h < 24; h++) {
		for (int64_t m = h == from / 60 ? from % 60 : 0; has(c->hours, h) && m < 60; m++) {
			if (has(c->minutes, m)) {
				return h * 60 + m;
			}
		}
	}
	return -1;
}

/* The first matching wall time from that one on. */
static int64_t next_wall(const struct rp_cron *c, int64_t from)
{
	int64_t minutes = floor_div(from + 59, 60);
	int64_t first = floor_div(minutes, 24 * 60);
	for (int64_t day = first; day < first + DAYS_AHEAD; day++) {
		int64_t start = day == first ? minutes - first * 24 * 60 : 0;
		int64_t minute = day_matches(c, day) ? minute_of_day(c, start) : -1;
		if (minute >= 0) {
			return day * S_PER_DAY + minute * 60;
		}
	}
	return RP_CRON_NEVER;
}

/* Stretch by stretch: in each the wall clock runs as time does. */
static int64_t next_on_the_clock(const struct rp_cron *c, const struct rp_zone *z, int64_t t)
{
	int64_t from = t + 1;
	for (;;) {
		int64_t until;
		int64_t offset = rp_zone_offset(z, from, &until);
		int64_t wall = next_wall(c, from + offset);
		if (wall == RP_CRON_NEVER || wall - offset < until) {
			return wall == RP_CRON_NEVER ? wall : wall - offset;
		}
		from = until;
	}
}

static int64_t next_of_day(const struct rp_cron *c, const struct rp_zone *z, int64_t t)
{
	int64_t until;
	int64_t wall = t + rp_zone_offset(z, t, &until);
	wall = floor_div(wall, 60) * 60;
	for (;;) {
		wall = next_wall(c, wall);
		if (wall == RP_CRON_NEVER) {
			return RP_CRON_NEVER;
		}
		int64_t at = rp_zone_from_wall(z, wall);
		if (at > t) {
			return at;
		}
		wall += 60;
	}
}

int64_t rp_cron_next(const struct rp_cron *c, const struct rp_zone *z, int64_t t)
{
	if (t > RP_ZONE_TIME_MAX || t < -RP_ZONE_TIME_MAX) {
		return RP_CRON_NEVER;
	}
	if (c->every_s > 0) {
		return t + c->every_s;
	}
	return c->every_hour ? next_on_the_clock(c, z, t) : next_of_day(c, z, t);
}
