/* SPDX-License-Identifier: MIT */
/*
 * Time zones without the process's own: from the system's files (TZif, RFC 9636) or from a POSIX TZ
 * text. A zone is a sequence of stretches, each with one offset from UTC. Times are seconds since
 * 1970; wall times are the same count read off a clock on the wall. Leap seconds are not counted.
 */
#ifndef RP_CORE_ZONE_H
#define RP_CORE_ZONE_H

#include <stddef.h>
#include <stdint.h>

#include "core/defs.h"
#include "core/err.h"
#include "core/str.h"

/* Times outside of this have no meaning here: far beyond what nanoseconds in 64 bits hold. */
#define RP_ZONE_TIME_MAX (INT64_C(1) << 40)

struct rp_zone;

/* Never fails but for memory. */
RP_NODISCARD int rp_zone_utc(struct rp_zone **out);
/* From the bytes of a file. RP_EINVAL with a text, RP_ENOMEM. */
RP_NODISCARD int rp_zone_parse(const void *p, size_t n, struct rp_zone **out, struct rp_err *err);
/* "CET-1CEST,M3.5.0,M10.5.0/3". RP_EINVAL, RP_ENOMEM. */
RP_NODISCARD int rp_zone_posix(struct rp_str text, struct rp_zone **out);
/* Blocking: "Europe/Berlin" from the system's zones; "" and "UTC" are UTC, "Local" is the server's.
 * Names that lead out of the zones' folder are refused. RP_EINVAL, RP_ENOENT with a text, RP_ENOMEM. */
RP_NODISCARD int rp_zone_load(const char *name, struct rp_zone **out, struct rp_err *err);
/* Blocking: the machine's own, as TZ or /etc/localtime say. UTC if they cannot be read. */
RP_NODISCARD int rp_zone_local(struct rp_zone **out);
void rp_zone_free(struct rp_zone *z);

/* Seconds east of UTC at t, and until when that holds at least (INT64_MAX: for ever). */
int64_t rp_zone_offset(const struct rp_zone *z, int64_t t, int64_t *until);
/* When the clock on the wall shows that time: the first time if it does so twice, and the end of the
 * gap if it is put forward over it. Never falls when the wall time rises. */
int64_t rp_zone_from_wall(const struct rp_zone *z, int64_t wall);

#endif
