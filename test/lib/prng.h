/* SPDX-License-Identifier: MIT */
/*
 * Random input for tests that can be repeated: the seed comes from RP_SEED in the environment, else
 * from the kernel, and is printed when the tests have failed.
 *
 *	int main(void)
 *	{
 *		rp_prng_start();
 *		return rp_prng_report(cmocka_run_group_tests(tests, NULL, NULL));
 *	}
 */
#ifndef RP_TEST_LIB_PRNG_H
#define RP_TEST_LIB_PRNG_H

#include <stddef.h>
#include <stdint.h>

void rp_prng_start(void);
/* Prints RP_SEED to stderr if status is not 0; returns status. */
int rp_prng_report(int status);

uint64_t rp_prng_u64(void);
/* Uniform enough in [0, n). */
size_t rp_prng_below(size_t n);
/* Small and large values, powers of two and their neighbours, limits. */
int64_t rp_prng_edge_i64(void);
void rp_prng_bytes(void *p, size_t n);

#endif
