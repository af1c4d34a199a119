/* SPDX-License-Identifier: MIT */
/*
 * Where to cut UTF-8.
 */
#include "api/output_cut.h"

#include "core/defs.h"

#include "core/banned.h"

/* By its first byte; 0: it is none. */
static size_t char_len(uint8_t lead)
{
	if (lead >= 0xf0) {
		return 4;
	}
	if (lead >= 0xe0) {
		return 3;
	}
	return lead >= 0xc0 ? 2 : 0;
}

size_t rp_output_cut(const uint8_t *p, size_t n)
{
	size_t end = RP_MIN(n, (size_t)RP_OUTPUT_PIECE_MAX);
	for (size_t back = 1; back <= 3 && back <= end; back++) {
		size_t len = char_len(p[end - back]);
		if (len > back) {
			return end - back;
		}
		if (len != 0 || p[end - back] < 0x80) {
			break;
		}
	}
	return end;
}
