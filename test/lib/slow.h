/* SPDX-License-Identifier: MIT */
/*
 * Under valgrind (make valgrind) all takes twenty to fifty times as long: there a test repeats less
 * often what it repeats for chance's sake, and leaves out what takes long by intention.
 */
#ifndef RP_TEST_LIB_SLOW_H
#define RP_TEST_LIB_SLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

static inline bool rp_slow(void)
{
	return getenv("RP_VALGRIND") != NULL;
}

/* How often instead of n times. */
static inline size_t rp_slow_fewer(size_t n)
{
	return rp_slow() ? n / 20 + 1 : n;
}

#endif
