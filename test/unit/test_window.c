/* SPDX-License-Identifier: MIT */
/*
 * The receive window of one channel by itself. What it does on paths is in test_mux_path.c.
 */
#include "tunnel/window.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/err.h"
#include "test/lib/prng.h"
#include "test/lib/slow.h"

#define MIB    ((uint32_t)1 << 20)
#define PACKET 32768u
#define US     1000u

static uint64_t now = 1;

/* n bytes come after a gap. */
static int take(struct rp_window *w, struct rp_window_path *path, uint32_t n, unsigned us)
{
	now += (uint64_t)us * US;
	rp_window_path_data(path, now, n);
	return rp_window_take(w, n, path);
}

static void check_sums(const struct rp_window *w)
{
	assert_int_equal((uint64_t)w->open + w->held + w->pending, w->size);
	assert_int_equal(rp_budget_promised(w->budget), w->size);
}

/* A sender with endless data uses the window up, the reader takes all, and the path lies idle
 * before. Returns the bytes credited. */
static uint64_t use_up(
    struct rp_window *w, struct rp_window_path *path, unsigned gap_us, unsigned pace_us)
{
	uint64_t credit = 0;
	for (uint32_t left = w->open; left > 0;) {
		uint32_t n = RP_MIN(left, PACKET);
		assert_int_equal(take(w, path, n, left == w->open ? gap_us : pace_us), 0);
		credit += rp_window_consume(w, n);
		check_sums(w);
		left -= n;
	}
	return credit;
}

static void test_grows_to_cap(void **state)
{
	(void)state;
	struct rp_budget b;
	struct rp_window w;
	struct rp_window_path path = {0};
	rp_budget_init(&b, 64 * MIB);
	rp_window_init(&w, PACKET, &b);
	assert_int_equal(w.open, PACKET);
	for (int i = 0; i < 30; i++) {
		uint32_t open = w.open;
		uint64_t credit = use_up(&w, &path, 100000, 0);
		assert_int_equal(credit, w.open);
		assert_true(w.open >= open / 8 * 7);
	}
	assert_int_equal(w.size, 16 * MIB);
	rp_window_fini(&w);
	rp_window_fini(&w);
	assert_int_equal(rp_budget_promised(&b), 0);
}

/* The same without gaps, with a reader that leaves something, and with key strokes. */
static void test_no_reason(void **state)
{
	(void)state;
	struct rp_budget b;
	struct rp_window w;
	struct rp_window_path path = {0};
	rp_budget_init(&b, 256 * MIB);
	rp_window_init(&w, MIB, &b);
	for (int i = 0; i < 1000; i++) {
		uint32_t n = RP_MIN(w.open, PACKET);
		assert_int_equal(take(&w, &path, n, 0), 0);
		(void)rp_window_consume(&w, n);
	}
	for (int i = 0; i < 1000; i++) {
		uint32_t n = RP_MIN(w.open, PACKET);
		assert_int_equal(take(&w, &path, n, 10000), 0);
		if (w.held > MIB / 4) {
			(void)rp_window_consume(&w, n);
		}
	}
	(void)rp_window_consume(&w, w.held);
	for (size_t i = rp_slow_fewer((size_t)3 * MIB); i > 0; i--) {
		assert_int_equal(take(&w, &path, 1, 10000), 0);
		(void)rp_window_consume(&w, 1);
	}
	assert_int_equal(w.size, MIB);
	check_sums(&w);
	rp_window_fini(&w);
}

/* A process that has to wait for its CPU now and then stands still too. */
static void test_busy_machine(void **state)
{
	(void)state;
	struct rp_budget b;
	struct rp_window w;
	struct rp_window_path path = {0};
	rp_budget_init(&b, 256 * MIB);
	rp_window_init(&w, 2 * MIB, &b);
	for (unsigned i = 0; i < 100; i++) {
		(void)use_up(&w, &path, i % 8 == 0 ? 8000 : 400, 400);
	}
	assert_int_equal(w.size, 2 * MIB);
	/* On a path it does so all the time. */
	for (unsigned i = 0; i < 20; i++) {
		(void)use_up(&w, &path, 8000, 400);
	}
	assert_true(w.size > 2 * MIB);
	rp_window_fini(&w);
}

/* After EOF only what was not read counts, and it is given back as it is read. */
static void test_end(void **state)
{
	(void)state;
	struct rp_budget b;
	struct rp_window w;
	struct rp_window_path path = {0};
	rp_budget_init(&b, 256 * MIB);
	rp_window_init(&w, MIB, &b);
	assert_int_equal(take(&w, &path, 3000, 0), 0);
	rp_window_end(&w);
	assert_int_equal(rp_budget_promised(&b), 3000);
	assert_int_equal(rp_window_consume(&w, 1000), 0);
	assert_int_equal(rp_budget_promised(&b), 2000);
	/* A peer that goes on all the same is still held to its window. */
	assert_int_equal(take(&w, &path, MIB - 3000, 0), 0);
	assert_int_equal(take(&w, &path, 1, 0), RP_EPROTO);
	assert_int_equal(rp_budget_promised(&b), 2000);
	rp_window_end(&w);
	assert_int_equal(rp_window_consume(&w, MIB), 0);
	assert_int_equal(rp_budget_promised(&b), 0);
	rp_window_fini(&w);
}

#define WINDOWS 20

static void random_step(struct rp_window *w, struct rp_window_path *path)
{
	uint32_t n = (uint32_t)rp_prng_below(PACKET);
	n = rp_prng_below(3) == 0 ? PACKET : n;
	if (rp_prng_below(2) == 0 && w->open > 0) {
		assert_int_equal(take(w, path, w->open, 1000), 0);
	} else if (n <= w->open) {
		assert_int_equal(take(w, path, n, 1000), 0);
	}
	uint32_t open = w->open;
	uint32_t credit = rp_window_consume(w, (uint32_t)rp_prng_below(2 * MIB));
	assert_int_equal(w->open, open + credit);
	assert_int_equal((uint64_t)w->open + w->held + w->pending, w->size);
	/* It can never stand still: what the peer waits for is with the reader or announced. */
	assert_true(w->open > 0 || w->held > 0);
}

static void test_random(void **state)
{
	(void)state;
	struct rp_budget b;
	struct rp_window w[WINDOWS];
	struct rp_window_path path = {0};
	rp_budget_init(&b, 16 * MIB);
	for (int i = 0; i < WINDOWS; i++) {
		rp_window_init(&w[i], 1 + (uint32_t)rp_prng_below(2 * MIB), &b);
	}
	for (size_t step = rp_slow_fewer(200000); step > 0; step--) {
		size_t i = rp_prng_below(WINDOWS);
		random_step(&w[i], &path);
		assert_true(
		    rp_budget_promised(&b) <= 16 * MIB + (uint64_t)WINDOWS * RP_BUDGET_FLOOR);
		if (rp_prng_below(1000) == 0) {
			rp_window_fini(&w[i]);
			rp_window_init(&w[i], 2 * MIB, &b);
		}
	}
	for (int i = 0; i < WINDOWS; i++) {
		rp_window_fini(&w[i]);
	}
	assert_int_equal(rp_budget_promised(&b), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_grows_to_cap),
	    cmocka_unit_test(test_no_reason),
	    cmocka_unit_test(test_busy_machine),
	    cmocka_unit_test(test_end),
	    cmocka_unit_test(test_random),
	};
	rp_prng_start();
	return rp_prng_report(cmocka_run_group_tests(tests, NULL, NULL));
}
