/* SPDX-License-Identifier: MIT */
/*
 * A cron expression and, behind a line break, a time zone (a file's bytes or a POSIX text). The next
 * time is later, and there is none in between.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/alloc.h"
#include "core/zone.h"
#include "server/cron.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct rp_zone *zone_of(const uint8_t *p, size_t n)
{
	struct rp_zone *z = NULL;
	struct rp_err err;
	if (rp_zone_parse(p, n, &z, &err) != 0 && rp_zone_posix(rp_str_n(p, n), &z) != 0) {
		RP_VERIFY(rp_zone_utc(&z) == 0);
	}
	return z;
}

static void check(const struct rp_cron *c, const struct rp_zone *z, int64_t t)
{
	int64_t next = rp_cron_next(c, z, t);
	RP_VERIFY(next > t);
	if (next != RP_CRON_NEVER && c->every_s == 0) {
		RP_VERIFY(rp_cron_next(c, z, next - 1) == next);
		RP_VERIFY(rp_cron_next(c, z, t + (next - t) / 2) >= next);
	}
	int64_t until;
	int64_t offset = rp_zone_offset(z, t, &until);
	RP_VERIFY(until > t);
	/* The first time of that wall time is not after the one it was made from. */
	RP_VERIFY(rp_zone_from_wall(z, t + offset) <= t);
	RP_VERIFY(rp_zone_from_wall(z, t + offset) <= rp_zone_from_wall(z, t + offset + 60));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int64_t times[] = {0, 1774745999, 1792893600, 4107542400, -86400, 9000000000};
	struct rp_cron c;
	struct rp_err err;
	const uint8_t *line = memchr(data, '\n', size);
	size_t n = line == NULL ? size : (size_t)(line - data);
	char *text = rp_str_dup(rp_str_n(data, n));
	if (rp_cron_parse(text, &c, &err) == 0) {
		struct rp_zone *z = line == NULL ? zone_of((const uint8_t *)"", 0)
		                                 : zone_of(line + 1, size - n - 1);
		for (size_t i = 0; i < RP_ARRAY_LEN(times); i++) {
			check(&c, z, times[i]);
		}
		rp_zone_free(z);
		rp_cron_fini(&c);
	}
	rp_free(text);
	return 0;
}
