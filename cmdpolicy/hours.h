/* SPDX-License-Identifier: MIT */
/*
 * Times of the week in which a rule holds: "Mon-Fri 08:00-18:00", "Sat,Sun 10:00-12:00",
 * "22:00-06:00" (every day; beyond midnight it goes on into the next). Pure.
 */
#ifndef RP_CMDPOLICY_HOURS_H
#define RP_CMDPOLICY_HOURS_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "core/defs.h"
#include "core/err.h"
#include "core/str.h"

#define RP_HOURS_DAY  (24 * 60)
#define RP_HOURS_WEEK (7 * RP_HOURS_DAY)

struct rp_hours {
	uint8_t days;  /* bit 0 = Monday */
	uint16_t from; /* minute of the day */
	uint16_t to;   /* first minute that is out; not after from: on the next day */
};

/* RP_EINVAL with what is wrong and what is expected. */
RP_NODISCARD int rp_hours_parse(struct rp_str text, struct rp_hours *h, struct rp_err *err);
/* minute: of the week, 0 is Monday 00:00. */
bool rp_hours_has(const struct rp_hours *h, int minute);
/* Of a time, by the local time zone. */
int rp_hours_minute(time_t t);

#endif
