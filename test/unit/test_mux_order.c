/* SPDX-License-Identifier: MIT */
/*
 * The mux: who sends when, slow readers, and fairness.
 */
#include "tunnel/mux.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "test/lib/mux_pair.h"
#include "test/lib/mux_short.h"
#include "tunnel/mux_table.h"
#include "tunnel/window.h"

static void test_data_then_eof_in_pull(void **state)
{
	(void)state;
	struct scene s;
	scene_init(&s, NULL);
	s.a.eof_in_pull = true;
	give(&s.a, 100000);
	rp_pair_settle(&s.pair);
	assert_int_equal(s.b.received, 100000);
	assert_int_equal(s.b.eofs, 1);
	/* The other direction still works. */
	s.b.close_in_pull = true;
	s.b.eof_in_pull = true;
	give(&s.b, 70000);
	rp_pair_settle(&s.pair);
	assert_int_equal(s.a.received, 70000);
	assert_int_equal(s.a.eofs, 1);
	assert_int_equal(s.a.closed, 1);
	assert_int_equal(s.b.closed, 1);
	scene_fini(&s);
}

static void test_slow_reader(void **state)
{
	(void)state;
	struct scene s;
	scene_init(&s, NULL);
	s.b.hold = true;
	give(&s.a, 100u << 20);
	rp_pair_settle(&s.pair);
	assert_int_equal(s.b.received, RP_MUX_WINDOW_DEFAULT);
	assert_int_equal(s.a.sent, RP_MUX_WINDOW_DEFAULT);
	assert_int_equal(rp_channel_sendable(s.a.c), 0);
	/* Neighbours go on. */
	struct owner b = s.b;
	memset(&s.b, 0, sizeof(s.b));
	struct owner a2 = {0};
	open_owner(s.pair.end[0].mux, &a2);
	rp_pair_settle(&s.pair);
	give(&a2, 5u << 20);
	rp_pair_settle(&s.pair);
	assert_int_equal(s.b.received, 5u << 20);
	/* It wakes up. */
	rp_channel_consumed(b.c, 1u << 20);
	rp_pair_settle(&s.pair);
	assert_int_equal(s.a.sent, 3u << 20);
	rp_pair_fini(&s.pair);
}

static void test_channels_limit(void **state)
{
	(void)state;
	struct rp_mux_options opt[2] = {{.channels_max = 20}, {.channels_max = 10}};
	struct rp_pair pair;
	struct owner o[20];
	struct owner b = {0};
	memset(o, 0, sizeof(o));
	assert_int_equal(rp_pair_init(&pair, opt, NULL), 0);
	pair.end[1].user = &b;
	pair.end[1].on_open = accept_open;
	for (int i = 0; i < 20; i++) {
		open_owner(pair.end[0].mux, &o[i]);
	}
	struct rp_channel *c;
	assert_int_equal(
	    rp_channel_open(pair.end[0].mux, "x", NULL, 0, &owner_ops, NULL, &c), RP_EBUSY);
	rp_pair_settle(&pair);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(o[i].opened, i < 10);
		assert_int_equal(o[i].reason, i < 10 ? 0 : RP_OPEN_RESOURCE_SHORTAGE);
	}
	struct rp_mux_stats st;
	rp_mux_stats(pair.end[0].mux, &st);
	assert_int_equal(st.channels, 10);
	assert_int_equal(st.opens, 10);
	assert_int_equal(st.refused, 10);
	assert_null(rp_pair_trouble(&pair));
	rp_pair_fini(&pair);
}

static void test_full_and_hold(void **state)
{
	(void)state;
	struct wire w;
	struct owner o = {0};
	struct rp_mux *m = one_channel(&w, &o);
	give(&o, 100000);
	rp_mux_hold(m, true);
	rp_mux_run(m);
	assert_int_equal(o.pulls, 0);
	/* Requests do not wait for a key exchange or for room. */
	assert_int_equal(rp_mux_notify(m, "x", NULL, 0), 0);
	assert_int_equal(w.n, 2);
	rp_mux_hold(m, false);
	w.send_rc = 1;
	rp_mux_run(m);
	assert_int_equal(o.pulls, 1);
	rp_mux_run(m);
	assert_int_equal(o.pulls, 1);
	rp_mux_drain(m);
	assert_int_equal(o.pulls, 2);
	assert_int_equal(o.sent, 65536);
	rp_mux_free(m);
}

#define BULKS 4

/* While four bulk channels have endless data, small writes go out at once, and round robin is
 * fair. */
static void test_fairness(void **state)
{
	(void)state;
	struct wire w;
	struct rp_mux *m = wire_mux(&w);
	struct owner o[BULKS + 1];
	size_t clock = 0;
	memset(o, 0, sizeof(o));
	for (int i = 0; i <= BULKS; i++) {
		open_owner(m, &o[i]);
		o[i].clock = &clock;
		uint8_t confirm[] = "\0\0\0\0\0\0\0\7\x7f\0\0\0\0\0\x80";
		confirm[3] = (uint8_t)i;
		rp_mux_input(m, 91, confirm, sizeof(confirm));
	}
	for (int i = 0; i < BULKS; i++) {
		give(&o[i], 64u << 20);
	}
	w.send_rc = 1; /* one packet per drain */
	for (int round = 0; round < 400; round++) {
		rp_mux_drain(m);
		if (round > 40 && round % 10 == 0) {
			size_t before = clock;
			give(&o[BULKS], 100);
			rp_mux_drain(m);
			assert_int_equal(o[BULKS].last_at, before + 100);
		}
	}
	for (int i = 0; i < BULKS; i++) {
		assert_true(o[i].sent > 100 * 32000 && o[i].sent < 110 * 32768);
	}
	rp_mux_free(m);
}

/* Many busy small writers slow bulk data down, but do not stop it. */
static void test_small_writers_do_not_starve_bulk(void **state)
{
	(void)state;
	struct wire w;
	struct rp_mux *m = wire_mux(&w);
	struct owner o[101];
	memset(o, 0, sizeof(o));
	for (int i = 0; i <= 100; i++) {
		open_owner(m, &o[i]);
		uint8_t confirm[] = "\0\0\0\0\0\0\0\7\x7f\0\0\0\0\0\x80";
		confirm[3] = (uint8_t)i;
		rp_mux_input(m, 91, confirm, sizeof(confirm));
		o[i].piece = i < 100 ? 50 : 0;
	}
	for (int i = 0; i <= 100; i++) {
		give(&o[i], 10u << 20);
	}
	for (int i = 0; i < 100; i++) {
		rp_mux_run(m);
	}
	assert_true(o[100].sent >= 300 * 32768u);
	rp_mux_free(m);
}

static void test_small_parts(void **state)
{
	(void)state;
	struct rp_window win;
	rp_window_init(&win, 800, NULL);
	assert_int_equal(rp_window_take(&win, 801, NULL), RP_EPROTO);
	assert_int_equal(rp_window_take(&win, 800, NULL), 0);
	assert_int_equal(rp_window_take(&win, 1, NULL), RP_EPROTO);
	assert_int_equal(rp_window_consume(&win, 99), 0);
	assert_int_equal(rp_window_consume(&win, 1), 100);
	assert_int_equal(rp_window_consume(&win, 5000), 700);
	assert_int_equal(rp_window_consume(&win, 1), 0);
	assert_int_equal(win.open, 800);
	rp_window_init(&win, 1, NULL);
	assert_int_equal(rp_window_take(&win, 1, NULL), 0);
	assert_int_equal(rp_window_consume(&win, 0), 0);
	assert_int_equal(rp_window_consume(&win, 1), 1);

	/* Numbers come back only after all other slots and generations were used. */
	struct rp_mux_table t;
	struct rp_channel *c = (struct rp_channel *)(void *)&t;
	rp_mux_table_init(&t, 4);
	uint32_t id;
	uint32_t last = UINT32_MAX;
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(rp_mux_table_add(&t, c, &id), 0);
		assert_int_not_equal(id, last);
		assert_ptr_equal(rp_mux_table_find(&t, id), c);
		rp_mux_table_remove(&t, id);
		assert_null(rp_mux_table_find(&t, id));
		assert_int_equal(id & 3, i % 4);
		assert_int_equal(id >> 2, i / 4);
		last = id;
	}
	rp_mux_table_fini(&t);
	rp_mux_table_init(&t, 1);
	assert_int_equal(rp_mux_table_add(&t, c, &id), 0);
	assert_int_equal(rp_mux_table_add(&t, c, &id), RP_EBUSY);
	rp_mux_table_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_data_then_eof_in_pull),
	    cmocka_unit_test(test_slow_reader),
	    cmocka_unit_test(test_channels_limit),
	    cmocka_unit_test(test_full_and_hold),
	    cmocka_unit_test(test_fairness),
	    cmocka_unit_test(test_small_writers_do_not_starve_bulk),
	    cmocka_unit_test(test_small_parts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
