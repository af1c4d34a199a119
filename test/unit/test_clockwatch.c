/* SPDX-License-Identifier: MIT */
/*
 * Sleep and a set clock, told apart by three clocks. The kernel's part cannot be had in a test:
 * neither may happen to the machine that runs it.
 */
#include "client/clockwatch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/clock.h"

#define S RP_NS_PER_S

static void test_compare(void **state)
{
	(void)state;
	static const struct {
		struct rp_clock_reading before;
		struct rp_clock_reading now;
		int64_t slept_ns;
		int64_t set_ns;
	} rows[] = {
	    /* Time went by. */
	    {{100 * S, 80 * S, 5000 * S}, {160 * S, 140 * S, 5060 * S}, 0, 0},
	    /* Asleep for an hour: the monotonic clock did not notice. */
	    {{100 * S, 80 * S, 5000 * S}, {3710 * S, 90 * S, 8610 * S}, 3600 * S, 0},
	    /* Set forth and back. */
	    {{100 * S, 80 * S, 0}, {101 * S, 81 * S, 1700000001 * S}, 0, 1700000000 * S},
	    {{100 * S, 80 * S, 5000 * S}, {101 * S, 81 * S, 1401 * S}, 0, -3600 * S},
	    /* Both: the clock of the board was wrong. */
	    {{100 * S, 80 * S, 5000 * S}, {150 * S, 90 * S, 5020 * S}, 40 * S, -30 * S},
	    /* The clocks are not read in the same moment. */
	    {{100 * S, 80 * S, 5000 * S}, {101 * S, 81 * S + 900, 5001 * S + 999999999}, 0, 0},
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		struct rp_clock_change c = rp_clockwatch_compare(&rows[i].before, &rows[i].now);
		assert_int_equal(c.slept_ns, rows[i].slept_ns);
		assert_int_equal(c.set_ns, rows[i].set_ns);
	}
}

static void on_change(void *ctx, const struct rp_clock_change *change)
{
	(void)change;
	(*(int *)ctx)++;
}

static void on_timer(uv_timer_t *t)
{
	rp_clockwatch_close(t->data);
	rp_clockwatch_close(t->data);
	uv_close((uv_handle_t *)t, NULL);
}

/* Armed, it is silent. */
static void test_quiet(void **state)
{
	(void)state;
	uv_loop_t loop;
	uv_timer_t timer;
	struct rp_clockwatch w;
	int changes = 0;
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(rp_clockwatch_start(&w, &loop, on_change, &changes), 0);
	assert_int_equal(uv_timer_init(&loop, &timer), 0);
	timer.data = &w;
	assert_int_equal(uv_timer_start(&timer, on_timer, 50, 0), 0);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(changes, 0);
	assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_compare),
	    cmocka_unit_test(test_quiet),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
