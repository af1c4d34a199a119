/* SPDX-License-Identifier: MIT */
/*
 * Bytes that each follow from the one before, so that nothing is lost, doubled or swapped unseen.
 */
#ifndef RP_TEST_LIB_PATTERN_H
#define RP_TEST_LIB_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* *next: the byte that comes next; 0 at first. */
void rp_pattern_make(uint8_t *next, uint8_t *p, size_t n);
/* Are these bytes what comes next? */
bool rp_pattern_fits(uint8_t *next, const uint8_t *p, size_t n);

#endif
