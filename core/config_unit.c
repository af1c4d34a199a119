/* SPDX-License-Identifier: MIT */
/*
 * Numbers of the configuration with and without units: integers, floats, durations, storage
 * times, sizes, ports.
 */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/clock.h"
#include "core/config_impl.h"

#include "core/banned.h"

#define SHOWN_MAX  64
#define NS_PER_MIN (60 * RP_NS_PER_S)
#define NS_PER_DAY (24 * 60 * NS_PER_MIN)

/* The value in quotes, shortened, without control bytes. */
static void show(const struct rp_conf_opt *opt, struct rp_str text, char out[static SHOWN_MAX])
{
	if ((opt->flags & RP_CONF_F_SECRET) != 0) {
		(void)snprintf(out, SHOWN_MAX, "the value");
		return;
	}
	int n = (int)RP_MIN(text.len, (size_t)48);
	(void)snprintf(out, SHOWN_MAX, "\"%.*s%s\"", n, text.p == NULL ? "" : text.p,
	    (size_t)n < text.len ? "..." : "");
	for (char *p = out; *p != '\0'; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f) {
			*p = '?';
		}
	}
}

int rp_conf_bad(
    const struct rp_conf_opt *opt, struct rp_str text, struct rp_err *err, const char *fmt, ...)
{
	char value[SHOWN_MAX];
	char what[192];
	va_list ap;
	show(opt, text, value);
	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return rp_err_set(err, RP_EINVAL, "%s %s", value, what);
}

/* Reads the digits at the front; *unit is what follows them, trimmed. */
static int split_unit(struct rp_str text, int64_t *v, struct rp_str *unit)
{
	size_t n = 0;
	while (n < text.len && text.p[n] >= '0' && text.p[n] <= '9') {
		n++;
	}
	*unit = rp_str_trim(rp_str_n(&text.p[n], text.len - n));
	return rp_str_i64(rp_str_n(text.p, n), 0, INT64_MAX, v);
}

static int duration(
    const struct rp_conf_opt *opt, struct rp_str text, int64_t *v, struct rp_err *err)
{
	if (rp_str_is_digits(text) && (opt->flags & (RP_CONF_F_SECONDS | RP_CONF_F_MINUTES)) != 0) {
		int64_t unit = (opt->flags & RP_CONF_F_SECONDS) != 0 ? RP_NS_PER_S : NS_PER_MIN;
		if (rp_str_i64(text, 0, INT64_MAX / unit, v) == 0) {
			*v *= unit;
			return 0;
		}
	}
	if (rp_duration_parse(text, v) == 0 && *v >= 0) {
		return 0;
	}
	if (rp_str_is_digits(text) && text.len < 10) {
		return rp_conf_bad(opt, text, err, "has no unit, write \"%.*ss\" for seconds",
		    (int)text.len, text.p);
	}
	return rp_conf_bad(
	    opt, text, err, "is no duration, expected a text such as \"90s\", \"2m\" or \"1h30m\"");
}

static int storage(
    const struct rp_conf_opt *opt, struct rp_str text, int64_t *v, struct rp_err *err)
{
	struct rp_str unit;
	int64_t factor = 0;
	if (split_unit(text, v, &unit) == 0) {
		factor = rp_str_eq(unit, "h") ? 60 * NS_PER_MIN
		    : rp_str_eq(unit, "d")    ? NS_PER_DAY
		                              : 0;
	}
	if (factor == 0 || __builtin_mul_overflow(*v, factor, v)) {
		return rp_conf_bad(opt, text, err,
		    "is no storage time, expected a whole number and h or d, such as \"7d\"");
	}
	return 0;
}

static int days(const struct rp_conf_opt *opt, struct rp_str text, int64_t *v, struct rp_err *err)
{
	if (rp_str_i64(text, 0, INT64_MAX / NS_PER_DAY, v) != 0) {
		return rp_conf_bad(opt, text, err, "is no number of days, expected a whole number");
	}
	*v *= NS_PER_DAY;
	return 0;
}

static int size(const struct rp_conf_opt *opt, struct rp_str text, int64_t *v, struct rp_err *err)
{
	static const struct {
		const char *name;
		int64_t factor;
	} units[] = {
	    {"", 1},
	    {"b", 1},
	    {"k", 1 << 10},
	    {"kib", 1 << 10},
	    {"kb", 1000},
	    {"m", 1 << 20},
	    {"mib", 1 << 20},
	    {"mb", 1000 * 1000},
	    {"g", 1 << 30},
	    {"gib", 1 << 30},
	    {"gb", 1000 * 1000 * 1000},
	};
	struct rp_str unit;
	if (split_unit(text, v, &unit) == 0) {
		for (size_t i = 0; i < RP_ARRAY_LEN(units); i++) {
			if (rp_str_ieq(unit, units[i].name)) {
				return __builtin_mul_overflow(*v, units[i].factor, v)
				    ? rp_conf_bad(opt, text, err, "is too large")
				    : 0;
			}
		}
	}
	return rp_conf_bad(
	    opt, text, err, "is no size, expected bytes or a text such as \"64KiB\" or \"256MiB\"");
}

/* Limits in the form in which the value is written. */
static void show_limit(const struct rp_conf_opt *opt, int64_t v, char out[static RP_TIME_TEXT_MAX])
{
	if (opt->type == RP_CONF_DURATION || opt->type == RP_CONF_STORAGE) {
		rp_duration_format(v, out);
	} else {
		(void)snprintf(out, RP_TIME_TEXT_MAX, "%" PRId64, v);
	}
}

static int check_range(
    const struct rp_conf_opt *opt, struct rp_str text, bool inside, struct rp_err *err)
{
	char min[RP_TIME_TEXT_MAX];
	char max[RP_TIME_TEXT_MAX];
	if (inside || (opt->min == 0 && opt->max == 0)) {
		return 0;
	}
	show_limit(opt, opt->min, min);
	if (opt->max == INT64_MAX) {
		return rp_conf_bad(opt, text, err, "is too small, expected at least %s", min);
	}
	show_limit(opt, opt->max, max);
	return rp_conf_bad(opt, text, err, "is out of range, expected %s to %s", min, max);
}

static int integer(
    const struct rp_conf_opt *opt, struct rp_str text, int64_t *v, struct rp_err *err)
{
	if (rp_str_i64(text, INT64_MIN, INT64_MAX, v) != 0) {
		return rp_conf_bad(opt, text, err, "is no whole number");
	}
	return 0;
}

int rp_conf_parse_number(
    const struct rp_conf_opt *opt, struct rp_str text, int64_t *v, struct rp_err *err)
{
	int rc;
	text = rp_str_trim(text);
	switch (opt->type) {
	case RP_CONF_DURATION:
		rc = duration(opt, text, v, err);
		break;
	case RP_CONF_STORAGE:
		rc = storage(opt, text, v, err);
		break;
	case RP_CONF_DAYS:
		rc = days(opt, text, v, err);
		break;
	case RP_CONF_SIZE:
		rc = size(opt, text, v, err);
		break;
	default:
		rc = integer(opt, text, v, err);
		break;
	}
	return rc != 0 ? rc : check_range(opt, text, *v >= opt->min && *v <= opt->max, err);
}

int rp_conf_parse_float(
    const struct rp_conf_opt *opt, struct rp_str text, double *v, struct rp_err *err)
{
	char buf[64] = "";
	char *end = buf;
	text = rp_str_trim(text);
	if (text.len > 0 && text.len < sizeof(buf)) {
		(void)snprintf(buf, sizeof(buf), "%.*s", (int)text.len, text.p);
		*v = strtod(buf, &end);
	}
	if (end == buf || *end != '\0' || !isfinite(*v)) {
		return rp_conf_bad(opt, text, err, "is no number");
	}
	return check_range(opt, text, *v >= (double)opt->min && *v <= (double)opt->max, err);
}

int rp_conf_parse_range(
    const struct rp_conf_opt *opt, struct rp_str text, struct rp_port_range *r, struct rp_err *err)
{
	struct rp_str rest = rp_str_trim(text);
	struct rp_str first;
	bool ok = rp_str_split(&rest, '-', &first) &&
	    rp_str_port(rp_str_trim(first), &r->first) == 0;
	if (ok) {
		r->last = r->first;
		struct rp_str last;
		if (rp_str_split(&rest, '-', &last)) {
			ok = rp_str_port(rp_str_trim(last), &r->last) == 0 &&
			    !rp_str_split(&rest, '-', &last) && r->first <= r->last;
		}
	}
	if (!ok) {
		(void)rp_conf_bad(opt, text, err, "is no port or range of ports from 0 to 65535");
		return rp_err_wrap(err, "can't parse '%s'", opt->key);
	}
	return 0;
}
