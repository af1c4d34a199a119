/* SPDX-License-Identifier: MIT */
/*
 * Bans, waits and handshake slots, with the time given by the test; and what remains when somebody
 * fills the tables on purpose.
 */
#include "acl/gate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pthread.h>

#include <cmocka.h>

#include "test/lib/oom.h"

/* One more than the table of sources holds. */
#define FLOOD 65537u

static struct rp_gate *gate;

static void open_gate(const struct rp_gate_options *opt)
{
	assert_int_equal(rp_gate_new(opt, &gate), 0);
}

static int teardown(void **state)
{
	(void)state;
	rp_gate_free(gate);
	gate = NULL;
	return 0;
}

static const struct rp_gate_options bans = {
    .login_wait_ms = 2000, .max_failed = 3, .ban_ms = 60000};

static void test_ban(void **state)
{
	(void)state;
	open_gate(&bans);
	assert_false(rp_gate_banned(gate, "192.0.2.1", 1));
	assert_false(rp_gate_failed(gate, "192.0.2.1", NULL, 10));
	assert_false(rp_gate_failed(gate, "192.0.2.1", NULL, 20));
	assert_false(rp_gate_banned(gate, "192.0.2.1", 25));
	assert_true(rp_gate_failed(gate, "192.0.2.1", NULL, 30));
	assert_true(rp_gate_banned(gate, "192.0.2.1", 30));
	assert_true(rp_gate_banned(gate, "192.0.2.1", 60029));
	assert_false(rp_gate_banned(gate, "192.0.2.2", 40));
	assert_false(rp_gate_banned(gate, "192.0.2.1", 60030));
	/* Counting begins anew. */
	assert_false(rp_gate_failed(gate, "192.0.2.1", NULL, 60031));
	assert_false(rp_gate_failed(gate, "192.0.2.1", NULL, 60032));
	assert_true(rp_gate_failed(gate, "192.0.2.1", NULL, 60033));
}

/* As the original: the failure that makes the number full brings the ban, not the one behind it. */
static void test_ban_at_the_number(void **state)
{
	static const unsigned numbers[] = {1, 2, 5, 10};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(numbers); i++) {
		const struct rp_gate_options opt = {.max_failed = numbers[i], .ban_ms = 1000};
		open_gate(&opt);
		for (unsigned n = 1; n < numbers[i]; n++) {
			assert_false(rp_gate_failed(gate, "192.0.2.1", "name", n));
			assert_false(rp_gate_banned(gate, "192.0.2.1", n));
		}
		assert_true(rp_gate_failed(gate, "192.0.2.1", "name", 100));
		assert_true(rp_gate_banned(gate, "192.0.2.1", 100));
		rp_gate_free(gate);
		gate = NULL;
	}
}

static void test_success_clears(void **state)
{
	(void)state;
	open_gate(&bans);
	assert_false(rp_gate_failed(gate, "192.0.2.1", "bob", 10));
	assert_false(rp_gate_failed(gate, "192.0.2.1", "bob", 20));
	assert_false(rp_gate_name_allowed(gate, "bob", 30));
	rp_gate_succeeded(gate, "192.0.2.1", "bob");
	assert_true(rp_gate_name_allowed(gate, "bob", 30));
	assert_false(rp_gate_failed(gate, "192.0.2.1", NULL, 40));
	assert_false(rp_gate_failed(gate, "192.0.2.1", NULL, 50));
	assert_true(rp_gate_failed(gate, "192.0.2.1", NULL, 60));
	rp_gate_succeeded(gate, "192.0.2.1", NULL);
	assert_false(rp_gate_banned(gate, "192.0.2.1", 61));
	/* Nobody of these is known. */
	rp_gate_succeeded(gate, "192.0.2.9", "eve");
}

static void test_wait(void **state)
{
	char name[300];
	(void)state;
	open_gate(&bans);
	assert_true(rp_gate_name_allowed(gate, "bob", 0));
	assert_false(rp_gate_failed(gate, "192.0.2.1", "bob", 100));
	assert_false(rp_gate_name_allowed(gate, "bob", 100));
	assert_false(rp_gate_name_allowed(gate, "bob", 2099));
	assert_true(rp_gate_name_allowed(gate, "Bob", 2099));
	assert_true(rp_gate_name_allowed(gate, "bob", 2100));
	/* A later failure moves the end; the empty name is a name. */
	assert_false(rp_gate_failed(gate, "192.0.2.2", "bob", 3000));
	assert_false(rp_gate_failed(gate, "192.0.2.3", "bob", 4000));
	assert_false(rp_gate_name_allowed(gate, "bob", 5999));
	assert_true(rp_gate_name_allowed(gate, "bob", 6000));
	assert_false(rp_gate_failed(gate, "192.0.2.4", "", 6000));
	assert_false(rp_gate_name_allowed(gate, "", 6001));
	/* Names of any length cannot fill memory. */
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_false(rp_gate_failed(gate, "192.0.2.5", name, 6000));
	assert_true(rp_gate_name_allowed(gate, name, 6001));
}

static void test_off(void **state)
{
	static const struct rp_gate_options no_ban_time = {.max_failed = 1};
	static const struct rp_gate_options no_count = {.ban_ms = 1000};
	(void)state;
	open_gate(&no_ban_time);
	assert_false(rp_gate_failed(gate, "192.0.2.1", "bob", 1));
	assert_false(rp_gate_banned(gate, "192.0.2.1", 1));
	assert_true(rp_gate_name_allowed(gate, "bob", 1));
	rp_gate_free(gate);
	open_gate(&no_count);
	for (unsigned i = 0; i < 100; i++) {
		assert_false(rp_gate_failed(gate, "192.0.2.1", "bob", 1));
		assert_int_equal(rp_gate_enter(gate, "192.0.2.1"), 0);
	}
	for (unsigned i = 0; i < 100; i++) {
		rp_gate_leave(gate, "192.0.2.1");
	}
}

/* One IPv6 host has a /64; addresses that mean the same IPv4 host are one. */
static void test_units(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} cases[] = {
	    {"2001:db8::1", "2001:db8::ffff:1:2:3", true},
	    {"2001:db8:0:0::1", "2001:DB8::1", true},
	    {"2001:db8:0:1::1", "2001:db8:0:2::1", false},
	    {"192.0.2.1", "192.0.2.1", true},
	    {"192.0.2.1", "192.0.2.2", false},
	    {"::ffff:192.0.2.1", "192.0.2.1", true},
	    {"::ffff:192.0.2.1", "::ffff:192.0.2.2", false},
	    {"::1", "::ffff:192.0.2.2", false},
	    {"", "192.0.2.2", false},
	    {"unix", "unix", true},
	};
	static const struct rp_gate_options opt = {.max_failed = 1, .ban_ms = 1000};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(cases); i++) {
		open_gate(&opt);
		assert_true(rp_gate_failed(gate, cases[i].a, NULL, 1));
		if (rp_gate_banned(gate, cases[i].b, 2) != cases[i].same) {
			fail_msg("%s and %s", cases[i].a, cases[i].b);
		}
		rp_gate_free(gate);
	}
	gate = NULL;
}

static void test_slots_per_source(void **state)
{
	static const struct rp_gate_options opt = {.slots_per_source = 2};
	(void)state;
	open_gate(&opt);
	assert_int_equal(rp_gate_enter(gate, "192.0.2.1"), 0);
	assert_int_equal(rp_gate_enter(gate, "192.0.2.1"), 0);
	assert_int_equal(rp_gate_enter(gate, "192.0.2.1"), RP_EBUSY);
	assert_int_equal(rp_gate_enter(gate, "192.0.2.2"), 0);
	rp_gate_leave(gate, "192.0.2.1");
	assert_int_equal(rp_gate_enter(gate, "192.0.2.1"), 0);
	assert_int_equal(rp_gate_enter(gate, "2001:db8::1"), 0);
	assert_int_equal(rp_gate_enter(gate, "2001:db8::2"), 0);
	assert_int_equal(rp_gate_enter(gate, "2001:db8::3"), RP_EBUSY);
	rp_gate_leave(gate, "2001:db8::ff");
	assert_int_equal(rp_gate_enter(gate, "2001:db8::3"), 0);
}

/* When all are taken, whoever has none still gets one. */
static void test_slots_total(void **state)
{
	static const struct rp_gate_options opt = {.slots_total = 3};
	(void)state;
	open_gate(&opt);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(rp_gate_enter(gate, "192.0.2.1"), 0);
	}
	assert_int_equal(rp_gate_enter(gate, "192.0.2.1"), RP_EBUSY);
	assert_int_equal(rp_gate_enter(gate, "192.0.2.2"), 0);
	assert_int_equal(rp_gate_enter(gate, "192.0.2.2"), RP_EBUSY);
	rp_gate_leave(gate, "192.0.2.1");
	assert_int_equal(rp_gate_enter(gate, "192.0.2.2"), RP_EBUSY);
	rp_gate_leave(gate, "192.0.2.1");
	assert_int_equal(rp_gate_enter(gate, "192.0.2.2"), 0);
}

static const char *flood_address(unsigned i, char out[static 32])
{
	(void)snprintf(out, 32, "2001:db8:%x:%x::1", i >> 16, i & 0xffff);
	return out;
}

/* Failures from more addresses than are remembered: memory stays bounded, and nobody is locked
 * out. */
static void test_flood_of_failures(void **state)
{
	char addr[32];
	(void)state;
	open_gate(&bans);
	for (unsigned i = 0; i < FLOOD; i++) {
		assert_false(rp_gate_failed(gate, flood_address(i, addr), NULL, 1000));
	}
	assert_int_equal(rp_gate_enter(gate, "192.0.2.1"), 0);
	rp_gate_leave(gate, "192.0.2.1");
	assert_false(rp_gate_failed(gate, "192.0.2.2", NULL, 1001));
	assert_false(rp_gate_failed(gate, "192.0.2.2", NULL, 1002));
	assert_true(rp_gate_failed(gate, "192.0.2.2", NULL, 1003));
	assert_true(rp_gate_banned(gate, "192.0.2.2", 1004));
}

/* The same with bans, which go only when there is no other way. */
static void test_flood_of_bans(void **state)
{
	static const struct rp_gate_options opt = {.max_failed = 1, .ban_ms = 1000};
	char addr[32];
	(void)state;
	open_gate(&opt);
	assert_int_equal(rp_gate_enter(gate, "192.0.2.7"), 0);
	for (unsigned i = 0; i < FLOOD - 2; i++) {
		assert_true(rp_gate_failed(gate, flood_address(i, addr), NULL, 1000));
	}
	assert_true(rp_gate_banned(gate, flood_address(0, addr), 1001));
	assert_int_equal(rp_gate_enter(gate, "192.0.2.1"), 0);
	/* Who holds a slot is never forgotten. */
	rp_gate_leave(gate, "192.0.2.7");
	rp_gate_leave(gate, "192.0.2.1");
}

/* What is over makes room without a look at what is not. */
static void test_expired_go_first(void **state)
{
	static const struct rp_gate_options opt = {.max_failed = 1, .ban_ms = 1000};
	char addr[32];
	(void)state;
	open_gate(&opt);
	for (unsigned i = 0; i < FLOOD - 2; i++) {
		assert_true(rp_gate_failed(gate, flood_address(i, addr), NULL, 0));
	}
	assert_true(rp_gate_failed(gate, "192.0.2.1", NULL, 999));
	assert_true(rp_gate_failed(gate, "192.0.2.2", NULL, 1500));
	assert_true(rp_gate_banned(gate, "192.0.2.1", 1500));
	assert_true(rp_gate_banned(gate, "192.0.2.2", 1500));
	assert_false(rp_gate_banned(gate, flood_address(0, addr), 1500));
}

static void test_flood_of_names(void **state)
{
	char name[32];
	(void)state;
	static const struct rp_gate_options opt = {.login_wait_ms = 1000};
	open_gate(&opt);
	for (unsigned i = 0; i < 65536; i++) {
		(void)snprintf(name, sizeof(name), "user%u", i);
		assert_false(rp_gate_failed(gate, "192.0.2.1", name, 100));
	}
	/* Full of live waits: this one is not recorded; later there is room again. */
	assert_false(rp_gate_failed(gate, "192.0.2.1", "bob", 200));
	assert_true(rp_gate_name_allowed(gate, "bob", 201));
	assert_false(rp_gate_name_allowed(gate, "user1", 201));
	assert_false(rp_gate_failed(gate, "192.0.2.1", "bob", 1100));
	assert_false(rp_gate_name_allowed(gate, "bob", 1101));
}

static void *thread_main(void *arg)
{
	const char *addr = arg;
	for (unsigned i = 0; i < 2000; i++) {
		if (rp_gate_enter(gate, addr) == 0) {
			(void)rp_gate_failed(gate, addr, addr, i);
			(void)rp_gate_banned(gate, addr, i);
			rp_gate_succeeded(gate, addr, addr);
			rp_gate_leave(gate, addr);
		}
	}
	return NULL;
}

static void test_threads(void **state)
{
	static const struct rp_gate_options opt = {.slots_per_source = 1,
	    .slots_total = 2,
	    .login_wait_ms = 1,
	    .max_failed = 2,
	    .ban_ms = 1};
	char a[] = "192.0.2.1";
	char b[] = "2001:db8::1";
	char *addrs[4] = {a, b, a, b};
	pthread_t t[4];
	(void)state;
	open_gate(&opt);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(pthread_create(&t[i], NULL, thread_main, addrs[i]), 0);
	}
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(t[i], NULL), 0);
	}
	assert_int_equal(rp_gate_enter(gate, a), 0);
	rp_gate_leave(gate, a);
}

static int oom_body(void *state)
{
	struct rp_gate *g;
	(void)state;
	int err = rp_gate_new(&bans, &g);
	if (err != 0) {
		return err;
	}
	/* Without memory a failure is forgotten and a handshake refused; both are no harm. */
	(void)rp_gate_failed(g, "192.0.2.1", "bob", 1);
	(void)rp_gate_name_allowed(g, "bob", 2);
	if (rp_gate_enter(g, "192.0.2.2") == 0) {
		rp_gate_leave(g, "192.0.2.2");
	}
	rp_gate_succeeded(g, "192.0.2.1", "bob");
	rp_gate_free(g);
	return 0;
}

static void test_oom(void **state)
{
	(void)state;
	assert_int_equal(rp_oom_run(oom_body, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_ban, teardown),
	    cmocka_unit_test_teardown(test_ban_at_the_number, teardown),
	    cmocka_unit_test_teardown(test_success_clears, teardown),
	    cmocka_unit_test_teardown(test_wait, teardown),
	    cmocka_unit_test_teardown(test_off, teardown),
	    cmocka_unit_test_teardown(test_units, teardown),
	    cmocka_unit_test_teardown(test_slots_per_source, teardown),
	    cmocka_unit_test_teardown(test_slots_total, teardown),
	    cmocka_unit_test_teardown(test_flood_of_failures, teardown),
	    cmocka_unit_test_teardown(test_flood_of_bans, teardown),
	    cmocka_unit_test_teardown(test_expired_go_first, teardown),
	    cmocka_unit_test_teardown(test_flood_of_names, teardown),
	    cmocka_unit_test_teardown(test_threads, teardown),
	    cmocka_unit_test(test_oom),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
