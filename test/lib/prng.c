/* SPDX-License-Identifier: MIT */
/*
 * SplitMix64, one state per process: tests run on one thread.
 */
#include "test/lib/prng.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

static uint64_t seed;
static uint64_t state;

void rp_prng_start(void)
{
	const char *text = getenv("RP_SEED");
	if (text != NULL) {
		seed = strtoull(text, NULL, 0);
	} else if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed)) {
		seed = 1;
	}
	state = seed;
}

int rp_prng_report(int status)
{
	if (status != 0) {
		(void)fprintf(stderr, "# RP_SEED=0x%llx\n", (unsigned long long)seed);
	}
	return status;
}

uint64_t rp_prng_u64(void)
{
	state += UINT64_C(0x9e3779b97f4a7c15);
	uint64_t z = state;
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

size_t rp_prng_below(size_t n)
{
	return (size_t)(rp_prng_u64() % n);
}

int64_t rp_prng_edge_i64(void)
{
	uint64_t v = rp_prng_u64();
	switch (rp_prng_below(4)) {
	case 0:
		return (int64_t)v;
	case 1:
		return (int64_t)(v % 201) - 100;
	case 2:
		return (int64_t)((UINT64_C(1) << (v & 63)) + (v >> 62) - 1);
	default:
		return (int64_t)(v >> (v & 63));
	}
}

void rp_prng_bytes(void *p, size_t n)
{
	unsigned char *out = p;
	for (size_t i = 0; i < n; i++) {
		out[i] = (unsigned char)(rp_prng_u64() >> 56);
	}
}
