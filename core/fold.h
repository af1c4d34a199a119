/* SPDX-License-Identifier: MIT */
/*
 * Names compared without regard to case, as people expect it of their own letters and whatever the
 * locale: one character becomes one character (Latin, Greek, Cyrillic, Armenian, full width).
 */
#ifndef RP_CORE_FOLD_H
#define RP_CORE_FOLD_H

#include <stdint.h>

/* What rp_fold_next does with a character that is not ASCII. */
uint32_t rp_fold_other(const char **s);

/* Takes the first character off *s, which is not at its end, in small letters. A byte that is no
 * UTF-8 is a character of its own above all others. In line: a list asks it of each byte. */
static inline uint32_t rp_fold_next(const char **s)
{
	uint32_t c = (unsigned char)**s;
	if (c >= 0x80u) {
		return rp_fold_other(s);
	}
	(*s)++;
	return c - 'A' < 26u ? c + ('a' - 'A') : c;
}

#endif
