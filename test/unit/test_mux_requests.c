/* SPDX-License-Identifier: MIT */
/*
 * The mux: global requests and their answers, in order and in bounds; allocation failures.
 */
#include "tunnel/mux.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "test/lib/mux_pair.h"
#include "test/lib/mux_short.h"
#include "test/lib/oom.h"

static void test_replies_keep_order(void **state)
{
	(void)state;
	struct wire w;
	struct rp_mux *m = wire_mux(&w);
	for (int i = 0; i < 3; i++) {
		INPUT(m, "\x50\0\0\0\4ping\1");
	}
	INPUT(m, "\x50\0\0\0\4ping\0");
	assert_int_equal(w.tickets_n, 4);
	assert_int_equal(w.tickets[3], 0);
	assert_int_equal(rp_mux_reply(m, 0, true, NULL, 0), 0);
	assert_int_equal(rp_mux_reply(m, w.tickets[2], true, "three", 5), 0);
	assert_int_equal(rp_mux_reply(m, w.tickets[1], false, "two", 3), 0);
	assert_int_equal(rp_mux_reply(m, w.tickets[1], false, "two", 3), RP_EINVAL);
	assert_int_equal(w.n, 0);
	char *big = calloc(1, RP_MUX_PAYLOAD_MAX);
	assert_int_equal(rp_mux_reply(m, w.tickets[0], true, big, RP_MUX_PAYLOAD_MAX), RP_ELIMIT);
	free(big);
	ASSERT_PACKET(&w, 0,
	    "\x52"
	    "answer too long");
	ASSERT_PACKET(&w, 1, "\x52two");
	ASSERT_PACKET(&w, 2, "\x51three");
	assert_int_equal(rp_mux_reply(m, w.tickets[0], true, NULL, 0), RP_EINVAL);
	assert_int_equal(rp_mux_reply(m, 99, true, NULL, 0), RP_EINVAL);
	INPUT(m, "\x50\0\0\0\4ping\1");
	assert_int_equal(rp_mux_reply(m, w.tickets[4], true, NULL, 0), 0);
	ASSERT_PACKET(&w, 3, "\x51");
	rp_mux_free(m);
}

static void test_requests_limit(void **state)
{
	(void)state;
	struct wire w;
	struct rp_mux *m = wire_mux(&w);
	for (unsigned i = 0; i < RP_MUX_REQUESTS_MAX; i++) {
		INPUT(m, "\x50\0\0\0\4ping\1");
	}
	assert_null(w.error);
	assert_int_equal(rp_mux_reply(m, w.tickets[0], true, NULL, 0), 0);
	assert_int_equal(rp_mux_reply(m, w.tickets[7], true, "x", 1), 0);
	INPUT(m, "\x50\0\0\0\4ping\1");
	assert_null(w.error);
	INPUT(m, "\x50\0\0\0\4ping\1");
	assert_string_equal(w.error, "too many unanswered requests");
	rp_mux_free(m);
}

static void test_calls_one_at_a_time(void **state)
{
	(void)state;
	struct wire w;
	struct rp_mux *m = wire_mux(&w);
	struct answers a = {.again = m};
	struct rp_call *c[3];
	for (int i = 0; i < 3; i++) {
		assert_int_equal(rp_mux_call(m, "ping", "abc" + i, 1, on_answer, &a, &c[i]), 0);
	}
	assert_int_equal(w.n, 1);
	ASSERT_PACKET(&w, 0, "\x50\0\0\0\4ping\1a");
	rp_call_cancel(c[1]);
	INPUT(m, "\x51x");
	assert_int_equal(w.n, 2);
	ASSERT_PACKET(&w, 1, "\x50\0\0\0\4ping\1c");
	/* Cancelled on the wire: its answer goes to nobody, the next call goes out then. */
	rp_call_cancel(c[2]);
	assert_int_equal(w.n, 2);
	INPUT(m, "\x52y");
	ASSERT_PACKET(&w, 2, "\x50\0\0\0\5again\1");
	INPUT(m, "\x52z");
	assert_int_equal(a.n, 2);
	assert_int_equal(a.codes[0], 0);
	assert_int_equal(a.text[0], 'x');
	assert_int_equal(a.codes[1], RP_EDENIED);
	assert_int_equal(a.text[1], 'z');
	/* Nobody asked: old clients answer a ping twice. */
	INPUT(m, "\x51");
	assert_null(w.error);
	assert_int_equal(rp_mux_call(m, "ping", NULL, 0, on_answer, &a, NULL), 0);
	assert_int_equal(rp_mux_call(m, "ping", NULL, 0, on_answer, &a, NULL), 0);
	rp_mux_free(m);
	assert_int_equal(a.n, 4);
	assert_int_equal(a.codes[3], RP_ECLOSED);
}

/* The calls behind one that is never answered: each ends by its owner's time-out and was not
 * sent, so that no late answer is taken for its own; the last one is in time. */
static void test_call_without_answer(void **state)
{
	(void)state;
	struct wire w;
	struct rp_mux *m = wire_mux(&w);
	struct answers a = {0};
	struct rp_call *c;
	for (unsigned i = 0; i < 2 * RP_MUX_CALLS_MAX; i++) {
		assert_int_equal(rp_mux_call(m, "lost", NULL, 0, on_answer, &a, &c), 0);
		rp_call_cancel(c);
	}
	assert_int_equal(rp_mux_call(m, "next", NULL, 0, on_answer, &a, &c), 0);
	assert_int_equal(w.n, 1);
	INPUT(m, "\x51L");
	assert_int_equal(a.n, 0);
	assert_int_equal(w.n, 2);
	ASSERT_PACKET(&w, 1, "\x50\0\0\0\4next\1");
	INPUT(m, "\x51N");
	assert_int_equal(a.n, 1);
	assert_int_equal(a.text[0], 'N');
	rp_mux_free(m);
}

static void test_call_limits(void **state)
{
	(void)state;
	struct wire w;
	struct rp_mux *m = wire_mux(&w);
	struct answers a = {0};
	for (unsigned i = 0; i < RP_MUX_CALLS_MAX; i++) {
		assert_int_equal(rp_mux_call(m, "x", NULL, 0, on_answer, &a, NULL), 0);
	}
	assert_int_equal(rp_mux_call(m, "x", NULL, 0, on_answer, &a, NULL), RP_EBUSY);
	char *big = calloc(1, RP_MUX_PAYLOAD_MAX);
	/* What a transport takes is the whole packet. */
	assert_int_equal(rp_mux_notify(m, "x", big, RP_MUX_PAYLOAD_MAX - 6), RP_ELIMIT);
	assert_int_equal(rp_mux_notify(m, "x", big, RP_MUX_PAYLOAD_MAX - 7), 0);
	assert_int_equal(w.last_n, RP_MUX_PAYLOAD_MAX);
	struct rp_channel *c;
	assert_int_equal(
	    rp_channel_open(m, "x", big, RP_MUX_PAYLOAD_MAX - 17, &owner_ops, NULL, &c), RP_ELIMIT);
	free(big);
	w.send_rc = RP_EIO;
	assert_int_equal(rp_mux_notify(m, "x", NULL, 0), RP_ECLOSED);
	assert_int_equal(rp_channel_open(m, "x", NULL, 0, &owner_ops, NULL, &c), RP_ECLOSED);
	assert_int_equal(rp_mux_call(m, "x", NULL, 0, on_answer, &a, NULL), RP_ECLOSED);
	rp_mux_free(m);
	assert_int_equal(a.n, RP_MUX_CALLS_MAX);
}

static void late_request(
    struct rp_pair_end *e, struct rp_str name, uint64_t ticket, const uint8_t *p, size_t n)
{
	(void)name;
	(void)p;
	(void)n;
	uint64_t *first = e->user;
	if (*first == 0) {
		*first = ticket;
		return;
	}
	(void)rp_mux_reply(e->mux, ticket, true, "late", 4);
}

static void plain_accept(
    struct rp_pair_end *e, struct rp_channel *c, struct rp_str type, const uint8_t *extra, size_t n)
{
	(void)e;
	(void)type;
	(void)extra;
	(void)n;
	static const struct rp_channel_ops silent = {0};
	rp_channel_accept(c, &silent, NULL);
}

static int oom_body(void *state)
{
	(void)state;
	struct rp_pair pair;
	uint64_t first = 0;
	struct owner a = {0};
	struct answers answers = {0};
	int rc = rp_pair_init(&pair, NULL, NULL);
	if (rc != 0) {
		return rc;
	}
	pair.end[1].user = &first;
	pair.end[1].on_request = late_request;
	pair.end[1].on_open = plain_accept;
	rc = rp_channel_open(pair.end[0].mux, "rport", "x", 1, &owner_ops, &a, &a.c);
	if (rc == 0) {
		give(&a, 1000);
		rc = rp_mux_call(pair.end[0].mux, "one", "x", 1, on_answer, &answers, NULL);
	}
	if (rc == 0) {
		/* A second one on the wire, as a careless peer does. */
		rp_mux_input(pair.end[1].mux, 80, (const uint8_t *)"\0\0\0\3two\1", 8);
		rp_pair_settle(&pair);
		if (first != 0) {
			(void)rp_mux_reply(pair.end[1].mux, first, true, "one", 3);
		}
		rp_pair_settle(&pair);
	}
	bool shortage = a.reason == RP_OPEN_RESOURCE_SHORTAGE;
	bool failed = rp_pair_trouble(&pair) != NULL;
	rp_pair_fini(&pair);
	return rc != 0 ? rc : shortage || failed ? RP_ENOMEM : 0;
}

static void test_oom(void **state)
{
	(void)state;
	assert_int_equal(rp_oom_run(oom_body, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_replies_keep_order),
	    cmocka_unit_test(test_requests_limit),
	    cmocka_unit_test(test_calls_one_at_a_time),
	    cmocka_unit_test(test_call_without_answer),
	    cmocka_unit_test(test_call_limits),
	    cmocka_unit_test(test_oom),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
