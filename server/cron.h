/* SPDX-License-Identifier: MIT */
/*
 * Cron expressions as the original takes them (rport-api 4.8): minute, hour, day of month, month,
 * day of week, with *, ?, lists, ranges, steps and names; the descriptors @yearly, @annually,
 * @monthly, @weekly, @daily, @midnight, @hourly and "@every <duration>"; before them maybe
 * "TZ=<zone> " or "CRON_TZ=<zone> ". As in cron(8), when both days are restricted one of them is
 * enough.
 *
 * When clocks change: an expression whose hour is "*" means every such minute that passes, so it has
 * no minutes in the gap of spring and those of autumn's second hour too. One with fixed hours means
 * times of a day, each once: what falls into the gap comes at its end, and what the clock on the
 * wall shows twice comes the first time.
 */
#ifndef RP_SERVER_CRON_H
#define RP_SERVER_CRON_H

#include <stdbool.h>
#include <stdint.h>

#include "core/defs.h"
#include "core/err.h"
#include "core/zone.h"

#define RP_CRON_TEXT_MAX 512
/* There is no next time (within the 12 years that are looked at: 29 February comes every 8). */
#define RP_CRON_NEVER INT64_MAX

struct rp_cron {
	uint64_t minutes; /* sets of bits */
	uint32_t hours;
	uint32_t days; /* of the month, from bit 1 */
	uint32_t months;
	uint32_t weekdays; /* Sunday is bit 0 */
	bool every_hour;   /* these three: the field has a star */
	bool every_day;
	bool every_weekday;
	int64_t every_s; /* @every; else 0 */
	char *zone;      /* for rp_zone_load; NULL = the server's */
};

/* RP_EINVAL: err says what is wrong; RP_ENOMEM. Touches no file, so the zone may turn out to be
 * unknown. */
RP_NODISCARD int rp_cron_parse(const char *text, struct rp_cron *out, struct rp_err *err);
void rp_cron_fini(struct rp_cron *c);
/* The first time after t, both in seconds since 1970, or RP_CRON_NEVER. @every counts from t. */
int64_t rp_cron_next(const struct rp_cron *c, const struct rp_zone *z, int64_t t);
/* True if each of its times of day comes once a day: a clock that is put back a little must not
 * bring them again. */
bool rp_cron_fixed(const struct rp_cron *c);

#endif
