/* SPDX-License-Identifier: MIT */
/*
 * Pieces of live output (rport-api 3.14): at most RP_OUTPUT_PIECE_MAX bytes, cut between characters.
 */
#ifndef RP_API_OUTPUT_CUT_H
#define RP_API_OUTPUT_CUT_H

#include <stddef.h>
#include <stdint.h>

#define RP_OUTPUT_PIECE_MAX 4096u

/* Length of the next piece of the n bytes at p. 0: what there is may be the beginning of a character
 * (less than four bytes), or nothing. Bytes that are no UTF-8 count as characters of their own. */
size_t rp_output_cut(const uint8_t *p, size_t n);

#endif
