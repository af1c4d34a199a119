/* SPDX-License-Identifier: MIT */
/*
 * Wall clock and durations in the forms of the wire protocol and the API: RFC 3339 with up to
 * nanoseconds, durations in nanoseconds, Go's duration text ("1h30m", "90s", "1.5s", "100ms").
 */
#ifndef RP_CORE_CLOCK_H
#define RP_CORE_CLOCK_H

#include <stdint.h>

#include "core/defs.h"
#include "core/str.h"

#define RP_NS_PER_S  INT64_C(1000000000)
#define RP_NS_PER_MS INT64_C(1000000)
/* What Go writes for the zero time; our value for it is INT64_MIN. */
#define RP_TIME_ZERO     INT64_MIN
#define RP_TIME_TEXT_MAX 40

int64_t rp_time_now(void);  /* nanoseconds since 1970, UTC */
uint64_t rp_clock_ms(void); /* monotonic milliseconds */
uint64_t rp_clock_ns(void); /* monotonic nanoseconds */
/* UTC with "Z", trailing zeros of the fraction dropped as Go does; RP_TIME_ZERO gives
 * "0001-01-01T00:00:00Z". */
void rp_time_format(int64_t t, char out[static RP_TIME_TEXT_MAX]);
/* RFC 3339, any offset, fraction optional; year 0001 zero time gives RP_TIME_ZERO. RP_EINVAL. */
RP_NODISCARD int rp_time_parse(struct rp_str s, int64_t *t);

/* Go duration text; a sign is accepted, a bare number other than 0 is not. RP_EINVAL. */
RP_NODISCARD int rp_duration_parse(struct rp_str s, int64_t *ns);
/* As Go's Duration.String(): "1h30m0s", "2s", "1.5s", "0s". */
void rp_duration_format(int64_t ns, char out[static RP_TIME_TEXT_MAX]);

#endif
