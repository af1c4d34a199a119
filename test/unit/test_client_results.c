/* SPDX-License-Identifier: MIT */
/*
 * Results that wait for a connection: order, limits, and what happens when sending stops half-way.
 */
#include "client/results.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/err.h"
#include "test/lib/oom.h"

struct sink {
	int taken;
	int room; /* how many more are taken; negative = all */
	int next; /* number expected */
};

static int send_one(void *ctx, const void *p, size_t n)
{
	struct sink *s = ctx;
	if (s->room == 0) {
		return RP_EBUSY;
	}
	char want[16];
	int len = snprintf(want, sizeof(want), "%d", s->next);
	assert_int_equal(n, len);
	assert_memory_equal(p, want, n);
	s->room--;
	s->next++;
	s->taken++;
	return 0;
}

static int add_number(struct rp_results *r, int i)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%d", i);
	return rp_results_add(r, text, (size_t)n);
}

static void test_order_and_pause(void **state)
{
	(void)state;
	struct rp_results r;
	struct sink s = {.room = 3};
	rp_results_init(&r);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(add_number(&r, i), 0);
	}
	assert_int_equal(rp_results_flush(&r, send_one, &s), RP_EBUSY);
	assert_int_equal(s.taken, 3);
	assert_int_equal(r.n_sent, 3);
	s.room = -1;
	assert_int_equal(rp_results_flush(&r, send_one, &s), 0);
	assert_int_equal(s.taken, 10);
	assert_int_equal(r.n, 10);
	rp_results_arrived(&r, r.sent);
	assert_int_equal(r.n, 0);
	assert_int_equal(r.bytes, 0);
	assert_int_equal(rp_results_flush(&r, send_one, &s), 0);
	rp_results_fini(&r);
}

/* What was sent is kept until it is known to have arrived, and sent again otherwise. */
static void test_arrival(void **state)
{
	(void)state;
	struct rp_results r;
	struct sink s = {.room = -1};
	rp_results_init(&r);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(add_number(&r, i), 0);
	}
	assert_int_equal(rp_results_flush(&r, send_one, &s), 0);
	uint64_t before = r.sent;
	for (int i = 4; i < 6; i++) {
		assert_int_equal(add_number(&r, i), 0);
	}
	assert_int_equal(rp_results_flush(&r, send_one, &s), 0);
	assert_int_equal(s.taken, 6);
	rp_results_arrived(&r, before);
	assert_int_equal(r.n, 2);
	assert_int_equal(r.n_sent, 2);
	assert_int_equal(add_number(&r, 6), 0);
	rp_results_again(&r);
	assert_int_equal(r.n_sent, 0);
	s.next = 4;
	assert_int_equal(rp_results_flush(&r, send_one, &s), 0);
	assert_int_equal(s.next, 7);
	/* An answer that belongs to the time before says nothing about them. */
	rp_results_arrived(&r, before);
	assert_int_equal(r.n, 3);
	rp_results_arrived(&r, r.sent);
	assert_int_equal(r.n, 0);
	assert_int_equal(r.bytes, 0);
	rp_results_fini(&r);
}

static void test_count_limit(void **state)
{
	(void)state;
	struct rp_results r;
	struct sink s = {.room = -1, .next = 5};
	rp_results_init(&r);
	for (int i = 0; i < RP_RESULTS_MAX + 5; i++) {
		assert_int_equal(add_number(&r, i), 0);
	}
	assert_int_equal(r.n, RP_RESULTS_MAX);
	assert_int_equal(r.dropped, 5);
	assert_int_equal(rp_results_flush(&r, send_one, &s), 0);
	assert_int_equal(s.taken, RP_RESULTS_MAX);
	rp_results_fini(&r);
}

static void test_byte_limit(void **state)
{
	(void)state;
	struct rp_results r;
	size_t third = RP_RESULTS_BYTES_MAX / 3 + 1;
	uint8_t *big = rp_calloc(1, RP_RESULTS_BYTES_MAX);
	assert_non_null(big);
	rp_results_init(&r);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(rp_results_add(&r, big, third), 0);
	}
	assert_int_equal(r.n, 2);
	assert_true(r.bytes <= RP_RESULTS_BYTES_MAX);
	assert_int_equal(rp_results_add(&r, big, RP_RESULTS_BYTES_MAX), 0);
	assert_int_equal(r.n, 1);
	assert_int_equal(r.dropped, 3);
	assert_int_equal(rp_results_add(&r, big, RP_RESULTS_BYTES_MAX + 1), RP_ELIMIT);
	assert_int_equal(r.n, 1);
	rp_results_fini(&r);
	assert_int_equal(r.bytes, 0);
	rp_free(big);
}

static int fill(void *state)
{
	(void)state;
	struct rp_results r;
	int err = 0;
	rp_results_init(&r);
	for (int i = 0; err == 0 && i < 20; i++) {
		err = add_number(&r, i);
	}
	rp_results_fini(&r);
	return err;
}

static void test_no_memory(void **state)
{
	(void)state;
	assert_int_equal(rp_oom_run(fill, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_order_and_pause),
	    cmocka_unit_test(test_arrival),
	    cmocka_unit_test(test_count_limit),
	    cmocka_unit_test(test_byte_limit),
	    cmocka_unit_test(test_no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
