/* SPDX-License-Identifier: MIT */
/*
 * The process-wide budget of receive windows: initial sizes, growth in fair shares, what is asked
 * back, the floor, and many threads at once.
 */
#include "tunnel/budget.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>

#define MIB    ((uint32_t)1 << 20)
#define WINDOW (2 * MIB)

static void test_open(void **state)
{
	(void)state;
	struct rp_budget b;
	rp_budget_init(&b, 256 * MIB);
	assert_int_equal(rp_budget_open(&b, 1000), 1000);
	rp_budget_give(&b, 1000);

	uint64_t sum = 0;
	uint32_t last = WINDOW;
	for (int i = 0; i < 10000; i++) {
		uint32_t size = rp_budget_open(&b, WINDOW);
		assert_true(size <= last && size >= RP_BUDGET_FLOOR);
		/* Comfortable until half of it is promised; the limit is exceeded by the floor. */
		assert_true(sum > 128 * MIB || size == WINDOW);
		assert_true(sum + size <= 256 * MIB || size == RP_BUDGET_FLOOR);
		sum += size;
		last = size;
		assert_int_equal(rp_budget_promised(&b), sum);
	}
	assert_int_equal(last, RP_BUDGET_FLOOR);
	assert_true(sum <= (uint64_t)256 * MIB + (uint64_t)10000 * RP_BUDGET_FLOOR);
	/* More than the limit is promised: nothing grows. */
	assert_int_equal(rp_budget_grow(&b, RP_BUDGET_FLOOR), 0);
	assert_int_equal(rp_budget_excess(&b, RP_BUDGET_FLOOR), 0);
	assert_int_equal(rp_budget_excess(&b, RP_BUDGET_KEEP), 0);
	assert_int_equal(rp_budget_excess(&b, RP_BUDGET_KEEP + 1), 1);
	assert_int_equal(rp_budget_excess(&b, WINDOW), WINDOW / 2);
}

/* Doubles as long as it may; returns the size. */
static uint32_t grow_all(struct rp_budget *b, uint32_t size)
{
	for (uint32_t n = rp_budget_grow(b, size); n > 0; n = rp_budget_grow(b, size)) {
		size += n;
		assert_true(rp_budget_promised(b) <= b->limit);
	}
	return size;
}

static void test_shares(void **state)
{
	(void)state;
	struct rp_budget b;
	rp_budget_init(&b, 256 * MIB);
	/* One window gets a quarter, and many leave something for the next. */
	uint32_t size[12];
	for (int i = 0; i < 12; i++) {
		size[i] = grow_all(&b, rp_budget_open(&b, WINDOW));
		assert_true(size[i] <= 64 * MIB);
		assert_true(rp_budget_promised(&b) < b.limit);
	}
	assert_int_equal(size[0], 64 * MIB);
	assert_true(size[11] < size[0]);

	/* The large ones give back, the small ones grow: soon none has twice what another has. */
	for (int round = 0; round < 8; round++) {
		for (int i = 0; i < 12; i++) {
			uint32_t excess = rp_budget_excess(&b, size[i]);
			assert_true(excess <= size[i] / 2);
			rp_budget_give(&b, excess);
			size[i] = grow_all(&b, size[i] - excess);
		}
	}
	for (int i = 0; i < 12; i++) {
		assert_in_range(size[i], 8 * MIB, 32 * MIB);
		rp_budget_give(&b, size[i]);
	}
	assert_int_equal(rp_budget_promised(&b), 0);

	/* An odd cap is reached exactly. */
	rp_budget_init(&b, 20 * MIB);
	assert_int_equal(grow_all(&b, rp_budget_open(&b, 2 * RP_BUDGET_FLOOR)), 5 * MIB);
}

static void test_large(void **state)
{
	(void)state;
	struct rp_budget b;
	rp_budget_init(&b, (uint64_t)1 << 50);
	assert_int_equal(grow_all(&b, rp_budget_open(&b, WINDOW)), (uint32_t)1 << 30);
	/* What a peer is granted in 2^32-1 pieces adds up beyond 32 bits. */
	for (int i = 0; i < 5; i++) {
		assert_int_equal(rp_budget_open(&b, UINT32_MAX), UINT32_MAX);
	}
	assert_int_equal(rp_budget_promised(&b), ((uint64_t)1 << 30) + (uint64_t)5 * UINT32_MAX);
}

#define THREADS 4
#define WINDOWS 16

struct race {
	struct rp_budget *budget;
	uint64_t most;
	unsigned turns;
};

static void *run_race(void *arg)
{
	struct race *r = arg;
	uint32_t size[WINDOWS] = {0};
	for (unsigned turn = 0; turn < r->turns; turn++) {
		for (int i = 0; i < WINDOWS; i++) {
			if (size[i] == 0) {
				size[i] = rp_budget_open(r->budget, WINDOW);
			}
			size[i] += rp_budget_grow(r->budget, size[i]);
			r->most = RP_MAX(r->most, rp_budget_promised(r->budget));
			uint32_t excess = rp_budget_excess(r->budget, size[i]);
			rp_budget_give(r->budget, excess);
			size[i] -= excess;
			if ((turn + (unsigned)i) % 7 == 0) {
				rp_budget_give(r->budget, size[i]);
				size[i] = 0;
			}
		}
	}
	for (int i = 0; i < WINDOWS; i++) {
		rp_budget_give(r->budget, size[i]);
	}
	return NULL;
}

static void test_threads(void **state)
{
	(void)state;
	struct rp_budget b;
	rp_budget_init(&b, 16 * MIB);
	struct race race[THREADS];
	pthread_t thread[THREADS];
	for (int i = 0; i < THREADS; i++) {
		race[i] = (struct race){.budget = &b, .turns = 2000};
		assert_int_equal(pthread_create(&thread[i], NULL, run_race, &race[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(thread[i], NULL), 0);
		assert_true(race[i].most <= 16 * MIB + THREADS * WINDOWS * RP_BUDGET_FLOOR);
	}
	assert_int_equal(rp_budget_promised(&b), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_open),
	    cmocka_unit_test(test_shares),
	    cmocka_unit_test(test_large),
	    cmocka_unit_test(test_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
