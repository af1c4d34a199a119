/* SPDX-License-Identifier: MIT */
/*
 * The POSIX TZ text of a time zone, with the extensions of RFC 9636: standard time and, if it has
 * any, summer time between two days of the year. For core/zone.c only.
 */
#ifndef RP_CORE_ZONE_POSIX_H
#define RP_CORE_ZONE_POSIX_H

#include <stdbool.h>
#include <stdint.h>

#include "core/defs.h"
#include "core/str.h"

enum rp_zone_day_kind {
	RP_ZONE_DAY_JULIAN,  /* Jn: 1..365, 29 February does not count */
	RP_ZONE_DAY_OF_YEAR, /* n: 0..365 */
	RP_ZONE_DAY_OF_WEEK  /* Mm.w.d: week 5 is the last one */
};

struct rp_zone_day {
	enum rp_zone_day_kind kind;
	int day;
	int month;
	int week;
	int32_t time; /* on the wall before the change */
};

struct rp_zone_rule {
	int32_t standard; /* offsets, seconds east of UTC */
	int32_t summer;
	bool has_summer;
	struct rp_zone_day start;
	struct rp_zone_day end;
};

/* RP_EINVAL. */
RP_NODISCARD int rp_zone_rule_parse(struct rp_str text, struct rp_zone_rule *r);
/* As rp_zone_offset. */
int64_t rp_zone_rule_offset(const struct rp_zone_rule *r, int64_t t, int64_t *until);

#endif
