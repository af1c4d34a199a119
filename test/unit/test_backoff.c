/* SPDX-License-Identifier: MIT */
/*
 * Waits between attempts: at once after a loss, then growing within the documented bounds.
 */
#include "client/backoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test/lib/prng.h"

#define CAP_MS 300000u

static void test_first_wait(void **state)
{
	(void)state;
	struct rp_backoff b;
	rp_backoff_init(&b, -1, CAP_MS);
	assert_int_equal(rp_backoff_next(&b, RP_RETRY_UNREACHABLE, 0, 0), 1000);
	rp_backoff_init(&b, -1, CAP_MS);
	assert_int_equal(rp_backoff_next(&b, RP_RETRY_UNREACHABLE, 0, 1000), 2000);
	rp_backoff_init(&b, -1, CAP_MS);
	assert_int_equal(rp_backoff_next(&b, RP_RETRY_REFUSED, 0, 0), 5000);
	rp_backoff_init(&b, -1, CAP_MS);
	assert_int_equal(rp_backoff_next(&b, RP_RETRY_REFUSED, 0, 5000), 10000);
}

static void test_loss_at_once(void **state)
{
	(void)state;
	struct rp_backoff b;
	rp_backoff_init(&b, -1, CAP_MS);
	assert_int_equal(rp_backoff_next(&b, RP_RETRY_LOST, 0, 7), 0);
	/* One that broke again before it was stable waits. */
	rp_backoff_was_up(&b, RP_BACKOFF_STABLE_MS - 1);
	assert_int_equal(rp_backoff_next(&b, RP_RETRY_LOST, 0, 0), 1000);
	rp_backoff_was_up(&b, RP_BACKOFF_STABLE_MS - 1);
	assert_int_equal(rp_backoff_next(&b, RP_RETRY_LOST, 0, 3000), 4000);
	rp_backoff_was_up(&b, RP_BACKOFF_STABLE_MS);
	assert_int_equal(rp_backoff_next(&b, RP_RETRY_LOST, 0, 7), 0);
}

static void test_grows_to_cap(void **state)
{
	(void)state;
	struct rp_backoff b;
	rp_backoff_init(&b, -1, CAP_MS);
	int64_t last = 0;
	for (int i = 0; i < 100; i++) {
		/* The largest wait of each step: random % span == span - 1. */
		uint64_t high = RP_MIN((uint64_t)2000 << RP_MIN(i, 20), (uint64_t)CAP_MS);
		int64_t ms = rp_backoff_next(&b, RP_RETRY_UNREACHABLE, 0, high - 1000);
		assert_int_equal(ms, high);
		assert_true(ms >= last);
		last = ms;
	}
	assert_int_equal(last, CAP_MS);
}

/* Without a link the waits stay short, and do not lengthen those that follow. */
static void test_no_link(void **state)
{
	(void)state;
	struct rp_backoff b;
	rp_backoff_init(&b, 50, CAP_MS);
	for (int i = 0; i < 40; i++) {
		assert_in_range(
		    rp_backoff_next(&b, RP_RETRY_NO_LINK, 0, rp_prng_u64()), 1000, 3000);
	}
	assert_int_equal(rp_backoff_next(&b, RP_RETRY_UNREACHABLE, 0, 1000), 2000);
	for (int i = 0; i < 9; i++) {
		assert_int_equal(rp_backoff_next(&b, RP_RETRY_NO_LINK, 0, 2000), 3000);
	}
	/* They count. */
	assert_int_equal(rp_backoff_next(&b, RP_RETRY_NO_LINK, 0, 0), -1);
	rp_backoff_init(&b, -1, 500);
	assert_int_equal(rp_backoff_next(&b, RP_RETRY_NO_LINK, 0, 99), 500);
}

static void test_new_network(void **state)
{
	(void)state;
	struct rp_backoff b;
	rp_backoff_init(&b, 7, CAP_MS);
	for (int i = 0; i < 6; i++) {
		assert_true(rp_backoff_next(&b, RP_RETRY_UNREACHABLE, 0, 0) > 0);
	}
	rp_backoff_new_network(&b);
	assert_int_equal(rp_backoff_next(&b, RP_RETRY_UNREACHABLE, 0, 1000), 2000);
	assert_int_equal(rp_backoff_next(&b, RP_RETRY_UNREACHABLE, 0, 0), -1);
}

static void test_cap_below_minimum(void **state)
{
	(void)state;
	struct rp_backoff b;
	rp_backoff_init(&b, -1, 2000);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(rp_backoff_next(&b, RP_RETRY_REFUSED, 0, UINT64_MAX), 2000);
	}
}

static void test_bounds(void **state)
{
	(void)state;
	for (int round = 0; round < 1000; round++) {
		struct rp_backoff b;
		uint64_t cap = 1000 + rp_prng_below(600000);
		rp_backoff_init(&b, -1, cap);
		for (int i = 0; i < 40; i++) {
			int64_t ms = rp_backoff_next(&b, RP_RETRY_REFUSED, 0, rp_prng_u64());
			assert_in_range(ms, RP_MIN(cap, (uint64_t)5000), cap);
		}
	}
}

static void test_max_count(void **state)
{
	(void)state;
	struct rp_backoff b;
	rp_backoff_init(&b, 0, CAP_MS);
	assert_int_equal(rp_backoff_next(&b, RP_RETRY_UNREACHABLE, 0, 0), -1);
	rp_backoff_init(&b, 2, CAP_MS);
	assert_true(rp_backoff_next(&b, RP_RETRY_UNREACHABLE, 0, 0) > 0);
	assert_true(rp_backoff_next(&b, RP_RETRY_REFUSED, 0, 0) > 0);
	assert_int_equal(rp_backoff_next(&b, RP_RETRY_REFUSED, 0, 0), -1);
	/* A good connection makes up for the failures before it. */
	rp_backoff_was_up(&b, RP_BACKOFF_STABLE_MS);
	assert_int_equal(rp_backoff_next(&b, RP_RETRY_LOST, 0, 0), 0);
	assert_true(rp_backoff_next(&b, RP_RETRY_UNREACHABLE, 0, 0) > 0);
}

static void test_busy(void **state)
{
	(void)state;
	struct rp_backoff b;
	rp_backoff_init(&b, -1, CAP_MS);
	assert_int_equal(rp_backoff_next(&b, RP_RETRY_BUSY, 10000, 0), 0);
	assert_int_equal(rp_backoff_next(&b, RP_RETRY_BUSY, 10000, 10000), 10000);
	assert_int_equal(rp_backoff_next(&b, RP_RETRY_BUSY, 10000, 10001), 0);
	/* Never longer than the operator wants. */
	assert_int_equal(rp_backoff_next(&b, RP_RETRY_BUSY, UINT64_C(10000000), CAP_MS), CAP_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_first_wait),
	    cmocka_unit_test(test_loss_at_once),
	    cmocka_unit_test(test_grows_to_cap),
	    cmocka_unit_test(test_no_link),
	    cmocka_unit_test(test_new_network),
	    cmocka_unit_test(test_cap_below_minimum),
	    cmocka_unit_test(test_bounds),
	    cmocka_unit_test(test_max_count),
	    cmocka_unit_test(test_busy),
	};
	rp_prng_start();
	return rp_prng_report(cmocka_run_group_tests(tests, NULL, NULL));
}
