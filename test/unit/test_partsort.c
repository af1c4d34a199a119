/* SPDX-License-Identifier: MIT */
/*
 * One page of a sorted array is the same as with everything sorted, wherever it lies.
 */
#include "core/partsort.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/defs.h"
#include "test/lib/prng.h"
#include "test/lib/slow.h"

#define N_MAX 400

static size_t compared;

static int by_value(const void *a, const void *b, void *ctx)
{
	const int *x = a;
	const int *y = b;
	(void)ctx;
	compared++;
	return (*x > *y) - (*x < *y);
}

static int by_int(const void *a, const void *b)
{
	return by_value(a, b, NULL);
}

static void check(const int *values, size_t n, size_t from, size_t end)
{
	const void *v[N_MAX];
	int sorted[N_MAX];
	int seen[N_MAX];
	const struct rp_partsort_range want = {.from = from, .end = end};
	for (size_t i = 0; i < n; i++) {
		v[i] = &values[i];
		sorted[i] = values[i];
	}
	qsort(sorted, n, sizeof(sorted[0]), by_int);
	rp_partsort(v, n, &want, by_value, NULL);
	for (size_t i = from; i < end; i++) {
		assert_int_equal(*(const int *)v[i], sorted[i]);
	}
	/* Nothing got lost. */
	for (size_t i = 0; i < n; i++) {
		seen[i] = *(const int *)v[i];
	}
	qsort(seen, n, sizeof(seen[0]), by_int);
	assert_memory_equal(seen, sorted, n * sizeof(seen[0]));
}

static void test_random(void **state)
{
	int values[N_MAX];
	(void)state;
	for (size_t round = rp_slow_fewer(2000); round > 0; round--) {
		size_t n = rp_prng_below(N_MAX + 1);
		size_t range = 1 + rp_prng_below(1000);
		size_t from = rp_prng_below(n + 1);
		size_t end = from + rp_prng_below(n - from + 1);
		for (size_t i = 0; i < n; i++) {
			values[i] = (int)rp_prng_below(range);
		}
		check(values, n, from, end);
	}
}

static void test_shapes(void **state)
{
	int up[N_MAX];
	int down[N_MAX];
	int equal[N_MAX] = {0};
	(void)state;
	for (int i = 0; i < N_MAX; i++) {
		up[i] = i;
		down[i] = N_MAX - i;
	}
	const int *const all[] = {up, down, equal};
	for (size_t i = 0; i < RP_ARRAY_LEN(all); i++) {
		check(all[i], N_MAX, 0, N_MAX);
		check(all[i], N_MAX, 0, 20);
		check(all[i], N_MAX, N_MAX - 20, N_MAX);
		check(all[i], N_MAX, 5, 5);
		check(all[i], 1, 0, 1);
		check(all[i], 0, 0, 0);
	}
}

/* A page costs far less than everything does. */
static void test_cost(void **state)
{
	static int values[100000];
	static const void *v[100000];
	const struct rp_partsort_range want = {.from = 0, .end = 20};
	(void)state;
	for (int i = 0; i < 100000; i++) {
		values[i] = (int)((unsigned)i * 2654435761u % 1000003u);
		v[i] = &values[i];
	}
	compared = 0;
	rp_partsort(v, 100000, &want, by_value, NULL);
	/* About 2 to 4 comparisons an element are expected, 17 and more by sorting everything. */
	assert_true(compared < 1000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_random),
	    cmocka_unit_test(test_shapes),
	    cmocka_unit_test(test_cost),
	};
	rp_prng_start();
	return rp_prng_report(cmocka_run_group_tests_name("partsort", tests, NULL, NULL));
}
