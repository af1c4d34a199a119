/* SPDX-License-Identifier: MIT */
/*
 * Names compared without regard to case, as people expect it of their own letters and whatever the
 * locale: one character becomes one character (Latin, Greek, Cyrillic, Armenian, full width).
 */
#ifndef RP_CORE_FOLD_H
#define RP_CORE_FOLD_H

#include <stdint.h>

/* Takes the first character off *s, which is not at its end, in small letters. A byte that is no
 * UTF-8 is a character of its own above all others. */
uint32_t rp_fold_next(const char **s);

#endif
