/* SPDX-License-Identifier: MIT */
/*
 * The simple case foldings of Unicode for these scripts, as ranges.
 */
#include "core/fold.h"

#include <string.h>

#include "core/defs.h"
#include "core/str.h"

#include "core/banned.h"

#define UTF8_MAX 4
#define NO_UTF8  0x110000u

/* Capital letters. every 2: those of first's parity, and each is followed by its small letter. */
struct capitals {
	uint16_t first;
	uint16_t last;
	uint16_t every;
	int16_t add;
};
static const struct capitals table[] = {
    {0x00c0, 0x00d6, 1, 32},
    {0x00d8, 0x00de, 1, 32},
    {0x0100, 0x012f, 2, 1}, /* not the dotted I: it depends on the language */
    {0x0132, 0x0137, 2, 1},
    {0x0139, 0x0148, 2, 1},
    {0x014a, 0x0177, 2, 1},
    {0x0178, 0x0178, 1, -121},
    {0x0179, 0x017e, 2, 1},
    {0x01cd, 0x01dc, 2, 1},
    {0x01de, 0x01ef, 2, 1},
    {0x01f8, 0x021f, 2, 1},
    {0x0222, 0x0233, 2, 1},
    {0x0386, 0x0386, 1, 38},
    {0x0388, 0x038a, 1, 37},
    {0x038c, 0x038c, 1, 64},
    {0x038e, 0x038f, 1, 63},
    {0x0391, 0x03ab, 1, 32},
    {0x0400, 0x040f, 1, 80},
    {0x0410, 0x042f, 1, 32},
    {0x0460, 0x0481, 2, 1},
    {0x048a, 0x04bf, 2, 1},
    {0x04c1, 0x04ce, 2, 1},
    {0x04d0, 0x052f, 2, 1},
    {0x0531, 0x0556, 1, 48},
    {0x1e00, 0x1e95, 2, 1},
    {0x1ea0, 0x1eff, 2, 1},
    {0xff21, 0xff3a, 1, 32},
};

static uint32_t fold(uint32_t c)
{
	for (size_t i = 0; i < RP_ARRAY_LEN(table) && c >= table[i].first; i++) {
		const struct capitals *t = &table[i];
		if (c <= t->last && (c - t->first) % t->every == 0) {
			return (uint32_t)((int32_t)c + t->add);
		}
	}
	return c;
}

uint32_t rp_fold_other(const char **s)
{
	const unsigned char *p = (const unsigned char *)*s;
	size_t n = rp_utf8_len(p, strnlen(*s, UTF8_MAX));
	if (n == 0) {
		(*s)++;
		return NO_UTF8 + p[0];
	}
	/* The first byte of n has n + 1 bits that say so, the others have two. */
	uint32_t c = p[0] & (0xffu >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		c = c << 6 | (p[i] & 0x3fu);
	}
	*s += n;
	return fold(c);
}
