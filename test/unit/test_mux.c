/* SPDX-License-Identifier: MIT */
/*
 * The mux: channels in fixed scenes with exact packets, and hostile peers. The random schedules
 * against a model are in test_mux_model.c.
 */
#include "tunnel/mux.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test/lib/mux_pair.h"
#include "test/lib/mux_short.h"

static void test_wire_examples(void **state)
{
	(void)state;
	struct wire w;
	struct rp_mux *m = wire_mux(&w);
	struct owner o = {0};

	/* Wire protocol 4.1. */
	open_owner(m, &o);
	ASSERT_PACKET(&w, 0,
	    "\x5a\0\0\0\5rport\0\0\0\0\0\x20\0\0\0\0\x80\0"
	    "127.0.0.1:19000/udp");
	const char json[] = "{\"Remote\":\"127.0.0.1:19000\"}";
	assert_int_equal(
	    rp_mux_call(m, "check_tunnel_allowed", json, strlen(json), NULL, NULL, NULL), 0);
	ASSERT_PACKET(&w, 1,
	    "\x50\0\0\0\x14"
	    "check_tunnel_allowed\1{\"Remote\":\"127.0.0.1:19000\"}");
	assert_int_equal(w.len[1], 54);

	INPUT(m, OPEN_9);
	assert_non_null(w.pending);
	rp_channel_reject(w.pending, RP_OPEN_PROHIBITED, "no");
	ASSERT_PACKET(&w, 2, "\x5c\0\0\0\x09\0\0\0\1\0\0\0\2no\0\0\0\2en");
	rp_mux_free(m);
	assert_int_equal(o.closed, 1);
	assert_int_equal(o.reason, -1);
}

static void test_bad_packets(void **state)
{
	(void)state;
	static const struct {
		const char *p;
		size_t n;
	} bad[] = {
#define BAD(s) {s, sizeof(s) - 1}
	    BAD("\x50"), BAD("\x50\0\0\0\4ping"), BAD("\x50\xff\xff\xff\xffping\1"), BAD("\x53"),
	    BAD("\x5a\0\0\0\5rport\0\0\0\x09\0\0\0\x10\0\0\x80"),
	    BAD("\x5b\0\0\0\0\0\0\0\7\0\x20\0\0\0\0\x80"),
	    BAD("\x5b\0\0\0\0\0\0\0\7\0\x20\0\0\0\0\0\x08"),                    /* packet size 8 */
	    BAD("\x5b\0\0\0\1\0\0\0\7\0\x20\0\0\0\0\x80\0"),                    /* unknown */
	    BAD("\x5c\0\0\0\0\0\0\0\2\0\0\0\5no"), BAD("\x5d\0\0\0\0\0\0\0\1"), /* not open yet */
	    BAD("\x5e\0\0\0\0\0\0\0\1x"),                                       /* not open yet */
	    BAD("\x60\0\0\0\0"),                                                /* not open yet */
	    BAD("\x61\0\0\0\0"),                                                /* not open yet */
	    BAD("\x61\0\0\0\x09"),                                              /* unknown */
	    BAD("\x62\0\0\0\x09\0\0\0\1x"),                                     /* cut */
	    BAD("\x63\0\0\0\0"), /* answer to nothing */
	    BAD("\x64\0\0\0\0"), /* answer to nothing */
	};
	static const char *const bad_open[] = {
	    "\x5d", "\x5e", "\x5f", "\x60", "\x61", "\x5b", "\x5c", "\x63", "\x64"};

	for (size_t i = 0; i < RP_ARRAY_LEN(bad); i++) {
		struct wire w;
		struct rp_mux *m = wire_mux(&w);
		struct owner o = {0};
		open_owner(m, &o);
		rp_mux_input(m, (uint8_t)bad[i].p[0], (const uint8_t *)bad[i].p + 1, bad[i].n - 1);
		assert_non_null(w.error);
		int n = w.n;
		INPUT(m, CONFIRM_0);
		assert_int_equal(w.n, n);
		assert_int_equal(o.opened, 0);
		assert_int_equal(rp_mux_notify(m, "x", NULL, 0), RP_ECLOSED);
		rp_mux_free(m);
		assert_int_equal(o.closed, 1);
	}
	/* An open channel: a recipient and three bytes are wrong for all of them. */
	for (size_t i = 0; i < RP_ARRAY_LEN(bad_open); i++) {
		struct wire w;
		struct owner o = {0};
		struct rp_mux *m = one_channel(&w, &o);
		assert_int_equal(o.opened, 1);
		rp_mux_input(m, (uint8_t)bad_open[i][0], (const uint8_t *)"\0\0\0\0\1\1\1", 7);
		assert_non_null(w.error);
		rp_mux_free(m);
	}
}

static void test_pending_is_unknown(void **state)
{
	(void)state;
	struct wire w;
	struct rp_mux *m = wire_mux(&w);
	INPUT(m, OPEN_9);
	INPUT(m, "\x62\0\0\0\0\0\0\0\1x\1"); /* request: ignored */
	assert_null(w.error);
	assert_int_equal(w.n, 0);
	INPUT(m, "\x61\0\0\0\0");
	assert_non_null(w.error);
	rp_mux_free(m);
}

static void test_small_peer_packet_refused(void **state)
{
	(void)state;
	struct wire w;
	struct rp_mux *m = wire_mux(&w);
	INPUT(m, "\x5a\0\0\0\5rport\0\0\0\x09\0\0\0\x10\0\0\0\x08");
	assert_null(w.pending);
	ASSERT_PACKET(&w, 0, "\x5c\0\0\0\x09\0\0\0\2\0\0\0\x0finvalid request\0\0\0\2en");
	assert_null(w.error);
	rp_mux_free(m);
}

static void test_window_edges(void **state)
{
	(void)state;
	struct wire w;
	struct owner o = {0};
	struct rp_mux *m = one_channel(&w, &o);
	assert_int_equal(rp_channel_sendable(o.c), 0x200000);
	INPUT(m, "\x5d\0\0\0\0\xff\xdf\xff\xff");
	assert_null(w.error);
	assert_int_equal(rp_channel_sendable(o.c), UINT32_MAX);
	INPUT(m, "\x5d\0\0\0\0\0\0\0\1");
	assert_string_equal(w.error, "channel window too large");
	rp_mux_free(m);
}

/* Data to the last byte of the window is fine, one more is not; also after our CLOSE. */
static void test_window_enforced(void **state)
{
	(void)state;
	for (int closed = 0; closed < 2; closed++) {
		struct wire w;
		struct rp_mux *m;
		struct rp_mux_options opt = {.window = 100, .packet_max = 64};
		memset(&w, 0, sizeof(w));
		assert_int_equal(rp_mux_new(&m, &opt, &wire_ops, &w), 0);
		struct owner o = {.hold = true};
		open_owner(m, &o);
		INPUT(m, CONFIRM_0);
		if (closed) {
			rp_channel_close(o.c);
		}
		uint8_t data[80] = {0};
		data[7] = 64;
		rp_mux_input(m, 94, data, 8 + 64);
		data[7] = 36;
		rp_mux_input(m, 94, data, 8 + 36);
		assert_null(w.error);
		assert_int_equal(o.received, closed ? 0 : 100);
		data[7] = 0;
		rp_mux_input(m, 94, data, 8);
		assert_null(w.error);
		data[7] = 1;
		rp_mux_input(m, 94, data, 8 + 1);
		assert_string_equal(w.error, "data beyond the channel window");
		rp_mux_free(m);
	}
}

static void test_packet_limit(void **state)
{
	(void)state;
	struct wire w;
	struct owner o = {0};
	struct rp_mux *m = one_channel(&w, &o);
	uint8_t *data = calloc(1, 8 + 32769);
	data[6] = 0x80;
	rp_mux_input(m, 94, data, 8 + 32768);
	assert_null(w.error);
	assert_int_equal(o.received, 32768);
	data[7] = 1;
	rp_mux_input(m, 94, data, 8 + 32769);
	assert_string_equal(w.error, "data message too long");
	free(data);
	rp_mux_free(m);
}

static void test_close_rules(void **state)
{
	(void)state;
	struct wire w;
	struct owner o = {.to_send = 10};
	struct rp_mux *m = one_channel(&w, &o);
	rp_channel_ready(o.c);
	rp_channel_close(o.c);
	ASSERT_PACKET(&w, 1, "\x61\0\0\0\7");
	/* From now on silence, whatever happens. */
	rp_channel_close(o.c);
	rp_channel_eof(o.c);
	rp_channel_ready(o.c);
	rp_mux_run(m);
	INPUT(m, "\x5e\0\0\0\0\0\0\0\3abc");
	rp_channel_consumed(o.c, 3);
	INPUT(m, "\x5d\0\0\0\0\0\0\0\1");
	INPUT(m, "\x62\0\0\0\0\0\0\0\1x\1");
	INPUT(m, "\x60\0\0\0\0");
	assert_int_equal(w.n, 2);
	assert_int_equal(o.received, 0);
	assert_int_equal(o.eofs, 0);
	INPUT(m, "\x61\0\0\0\0");
	assert_int_equal(w.n, 2);
	assert_int_equal(o.closed, 1);
	assert_int_equal(o.reason, 0);
	/* A late request is ignored, anything else is not. */
	INPUT(m, "\x62\0\0\0\0\0\0\0\1x\1");
	assert_null(w.error);
	assert_int_equal(w.n, 2);
	INPUT(m, "\x61\0\0\0\0");
	assert_string_equal(w.error, "message for an unknown channel");
	rp_mux_free(m);
}

static void test_peer_close_is_answered_once(void **state)
{
	(void)state;
	struct scene s;
	scene_init(&s, NULL);
	rp_channel_close(s.a.c);
	rp_pair_settle(&s.pair);
	assert_int_equal(s.a.closed, 1);
	assert_int_equal(s.b.closed, 1);
	assert_int_equal(s.b.reason, 0);
	/* Crossing CLOSEs. */
	open_owner(s.pair.end[0].mux, &s.a);
	rp_pair_settle(&s.pair);
	rp_channel_close(s.a.c);
	rp_channel_close(s.b.c);
	rp_pair_settle(&s.pair);
	assert_int_equal(s.a.closed, 2);
	assert_int_equal(s.b.closed, 2);
	struct rp_mux_stats st;
	rp_mux_stats(s.pair.end[0].mux, &st);
	assert_int_equal(st.channels, 0);
	scene_fini(&s);
}

static void test_close_before_confirmation(void **state)
{
	(void)state;
	struct wire w;
	struct rp_mux *m = wire_mux(&w);
	struct owner o = {0};
	open_owner(m, &o);
	rp_channel_close(o.c);
	assert_int_equal(w.n, 1);
	INPUT(m, CONFIRM_0);
	assert_int_equal(o.opened, 0);
	ASSERT_PACKET(&w, 1, "\x61\0\0\0\7");
	INPUT(m, "\x61\0\0\0\0");
	assert_int_equal(o.closed, 1);

	struct owner gone = {0};
	open_owner(m, &gone);
	rp_channel_detach(gone.c);
	INPUT(m, "\x5c\0\0\0\1\0\0\0\2\0\0\0\2no\0\0\0\0");
	assert_int_equal(gone.closed, 0);

	struct owner refused = {0};
	open_owner(m, &refused);
	INPUT(m, "\x5c\0\0\0\2\0\0\0\1\0\0\0\2no");
	assert_int_equal(refused.closed, 1);
	assert_int_equal(refused.reason, RP_OPEN_PROHIBITED);
	assert_string_equal(refused.text, "no");
	assert_null(w.error);
	rp_mux_free(m);
}

static void test_channel_request(void **state)
{
	(void)state;
	struct wire w;
	struct owner o = {0};
	struct rp_mux *m = one_channel(&w, &o);
	INPUT(m, "\x62\0\0\0\0\0\0\0\x09subsystem\1\0\0\0\4sftp");
	ASSERT_PACKET(&w, 1, "\x63\0\0\0\7");
	INPUT(m, "\x62\0\0\0\0\0\0\0\3env\1");
	ASSERT_PACKET(&w, 2, "\x64\0\0\0\7");
	INPUT(m, "\x62\0\0\0\0\0\0\0\3env\0");
	assert_int_equal(w.n, 3);
	assert_null(w.error);
	rp_mux_free(m);
}

/* One at a time, on an open channel only. */
static void test_own_channel_request(void **state)
{
	(void)state;
	static const char *const answers[] = {"\x63", "\x64"};
	struct wire w;
	struct rp_mux *m = wire_mux(&w);
	struct owner o = {0};
	char many[2000] = {0};
	open_owner(m, &o);
	assert_int_equal(rp_channel_request(o.c, "subsystem", "\0\0\0\4sftp", 8), RP_ECLOSED);
	INPUT(m, CONFIRM_0);
	assert_int_equal(rp_channel_request(o.c, "x", many, sizeof(many)), RP_ELIMIT);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(rp_channel_request(o.c, "subsystem", "\0\0\0\4sftp", 8), 0);
		ASSERT_PACKET(&w, i + 1, "\x62\0\0\0\7\0\0\0\x09subsystem\1\0\0\0\4sftp");
		assert_int_equal(rp_channel_request(o.c, "env", NULL, 0), RP_EBUSY);
		char answer[5] = {answers[i][0]};
		rp_mux_input(m, (uint8_t)answer[0], (const uint8_t *)answer + 1, 4);
		assert_int_equal(o.answers, i + 1);
		assert_int_equal(o.granted, 1);
	}
	/* Behind our CLOSE it means nothing any more. */
	assert_int_equal(rp_channel_request(o.c, "env", NULL, 0), 0);
	ASSERT_PACKET(&w, 3, "\x62\0\0\0\7\0\0\0\3env\1");
	rp_channel_close(o.c);
	INPUT(m, "\x63\0\0\0\0");
	assert_int_equal(o.answers, 2);
	assert_null(w.error);
	rp_mux_free(m);
}

static void test_unasked_answers(void **state)
{
	(void)state;
	static const char *const rows[] = {"\x63\0\0\0\0", "\x64\0\0\0\0", "\x63\0\0\0\1"};
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		struct wire w;
		struct owner o = {0};
		struct rp_mux *m = one_channel(&w, &o);
		rp_mux_input(m, (uint8_t)rows[i][0], (const uint8_t *)rows[i] + 1, 4);
		assert_non_null(w.error);
		assert_int_equal(o.answers, 0);
		rp_mux_free(m);
	}
}

static void test_extended_data_is_credited(void **state)
{
	(void)state;
	struct wire w;
	struct rp_mux_options opt = {.window = 16};
	struct rp_mux *m;
	memset(&w, 0, sizeof(w));
	assert_int_equal(rp_mux_new(&m, &opt, &wire_ops, &w), 0);
	struct owner o = {0};
	open_owner(m, &o);
	INPUT(m, CONFIRM_0);
	INPUT(m, "\x5f\0\0\0\0\0\0\0\1\0\0\0\3err");
	assert_int_equal(o.received, 0);
	ASSERT_PACKET(&w, 1, "\x5d\0\0\0\7\0\0\0\3");
	rp_mux_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_wire_examples),
	    cmocka_unit_test(test_bad_packets),
	    cmocka_unit_test(test_pending_is_unknown),
	    cmocka_unit_test(test_small_peer_packet_refused),
	    cmocka_unit_test(test_window_edges),
	    cmocka_unit_test(test_window_enforced),
	    cmocka_unit_test(test_packet_limit),
	    cmocka_unit_test(test_close_rules),
	    cmocka_unit_test(test_peer_close_is_answered_once),
	    cmocka_unit_test(test_close_before_confirmation),
	    cmocka_unit_test(test_channel_request),
	    cmocka_unit_test(test_own_channel_request),
	    cmocka_unit_test(test_unasked_answers),
	    cmocka_unit_test(test_extended_data_is_credited),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
