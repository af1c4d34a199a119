/* SPDX-License-Identifier: MIT */
/* All 256 values in one cycle (test/lib/pattern.h). */
#include "test/lib/pattern.h"

static uint8_t step(uint8_t *next)
{
	uint8_t now = *next;
	*next = (uint8_t)(now * 5 + 1);
	return now;
}

void rp_pattern_make(uint8_t *next, uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		p[i] = step(next);
	}
}

bool rp_pattern_fits(uint8_t *next, const uint8_t *p, size_t n)
{
	bool fits = true;
	for (size_t i = 0; i < n; i++) {
		fits = step(next) == p[i] && fits;
	}
	return fits;
}
