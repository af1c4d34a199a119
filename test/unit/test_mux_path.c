/* SPDX-License-Identifier: MIT */
/*
 * Receive windows on paths with delay and a rate, simulated in virtual time of one millisecond a
 * tick: they reach bandwidth x delay where it is worth it, stay where it is not, shrink for slow
 * readers and for others, keep to the budget, and give everything back.
 */
#include "tunnel/mux.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/list.h"
#include "tunnel/window.h"

#define MIB      ((uint32_t)1 << 20)
#define KIB      1024u
#define CHANNELS 40
#define ENDLESS  SIZE_MAX
/* As the queue above a socket: above it the transport is full, below half of it drained. */
#define QUEUE_HIGH (256 * KIB)
#define MS         1000000u

struct packet {
	struct rp_list node;
	unsigned due;
	size_t n;
	uint8_t data[];
};

struct end {
	struct sim *sim;
	struct rp_mux *mux;
	struct rp_budget budget;
	struct rp_list queue;  /* not sent yet */
	struct rp_list flying; /* on its way to the other end */
	size_t queued;
	bool full;
	bool run_wanted;
};

/* Both ends of a channel. */
struct stream {
	struct rp_channel *from;
	struct rp_channel *to;
	size_t left; /* to send */
	size_t received;
	size_t held;
	size_t reads; /* bytes per tick, ENDLESS: at once */
	int closed;
};

/* Data goes from end 0 to end 1. */
struct sim {
	struct end end[2];
	struct stream stream[CHANNELS];
	size_t n;
	size_t rate;    /* bytes per tick and direction */
	unsigned delay; /* ticks each way */
	uint64_t most;  /* ever promised by end 1 */
};

static unsigned now;

static uint64_t sim_clock(void)
{
	return (uint64_t)(now + 1) * MS;
}

static int sim_send(void *ctx, const struct iovec *iov, int n)
{
	struct end *e = ctx;
	size_t size = 0;
	for (int i = 0; i < n; i++) {
		size += iov[i].iov_len;
	}
	struct packet *k = malloc(sizeof(*k) + size);
	assert_non_null(k);
	*k = (struct packet){.n = size};
	size_t at = 0;
	for (int i = 0; i < n; i++) {
		memcpy(k->data + at, iov[i].iov_base, iov[i].iov_len);
		at += iov[i].iov_len;
	}
	rp_list_append(&e->queue, &k->node);
	e->queued += size;
	e->full = e->queued > QUEUE_HIGH;
	return e->full ? 1 : 0;
}

static void sim_request(void *ctx, struct rp_str name, uint64_t ticket, const uint8_t *p, size_t n)
{
	(void)ctx;
	(void)name;
	(void)ticket;
	(void)p;
	(void)n;
	fail();
}

static size_t stream_pull(void *ctx, uint8_t *p, size_t max)
{
	struct stream *s = ctx;
	size_t n = RP_MIN(s->left, max);
	memset(p, 'x', n);
	s->left -= s->left == ENDLESS ? 0 : n;
	return n;
}

static void stream_data(void *ctx, const uint8_t *p, size_t n)
{
	(void)p;
	struct stream *s = ctx;
	s->received += n;
	if (s->reads == ENDLESS) {
		rp_channel_consumed(s->to, n);
	} else {
		s->held += n;
	}
}

static void stream_closed(void *ctx, int reason, struct rp_str text)
{
	(void)reason;
	(void)text;
	struct stream *s = ctx;
	s->closed++;
}

static const struct rp_channel_ops stream_ops = {
    .on_pull = stream_pull,
    .on_data = stream_data,
    .on_closed = stream_closed,
};

static void sim_open(
    void *ctx, struct rp_channel *c, struct rp_str type, const uint8_t *extra, size_t n)
{
	struct end *e = ctx;
	(void)type;
	assert_int_equal(n, 1);
	struct stream *s = &e->sim->stream[extra[0]];
	s->to = c;
	rp_channel_accept(c, &stream_ops, s);
}

static void sim_error(void *ctx, const char *why)
{
	(void)ctx;
	fail_msg("%s", why);
}

static void sim_want_run(void *ctx)
{
	struct end *e = ctx;
	e->run_wanted = true;
}

static const struct rp_mux_ops sim_ops = {
    .send = sim_send,
    .on_request = sim_request,
    .on_open = sim_open,
    .on_error = sim_error,
};

static void sim_init(struct sim *s, size_t rate, unsigned delay, uint64_t memory)
{
	memset(s, 0, sizeof(*s));
	now = 0;
	s->rate = rate;
	s->delay = delay;
	for (int i = 0; i < 2; i++) {
		struct end *e = &s->end[i];
		e->sim = s;
		rp_list_init(&e->queue);
		rp_list_init(&e->flying);
		rp_budget_init(&e->budget, memory);
		const struct rp_mux_options opt = {.budget = &e->budget, .clock_ns = sim_clock};
		assert_int_equal(rp_mux_new(&e->mux, &opt, &sim_ops, e), 0);
		rp_mux_on_want_run(e->mux, sim_want_run);
	}
}

static struct packet *first(struct rp_list *l)
{
	return rp_list_empty(l) ? NULL : RP_LIST_ENTRY(l->next, struct packet, node);
}

static void drop_all(struct rp_list *l)
{
	for (struct packet *k = first(l); k != NULL; k = first(l)) {
		rp_list_remove(&k->node);
		free(k);
	}
}

/* The connection is lost: nothing stays promised. */
static void sim_fini(struct sim *s)
{
	for (int i = 0; i < 2; i++) {
		rp_mux_free(s->end[i].mux);
		assert_int_equal(rp_budget_promised(&s->end[i].budget), 0);
		drop_all(&s->end[i].queue);
		drop_all(&s->end[i].flying);
	}
}

/* What the path takes in this tick. */
static void transmit(struct end *e)
{
	size_t room = e->sim->rate;
	for (;;) {
		if (e->run_wanted) {
			e->run_wanted = false;
			rp_mux_run(e->mux);
		}
		struct packet *k = first(&e->queue);
		if (k == NULL || k->n > room) {
			return;
		}
		room -= k->n;
		rp_list_remove(&k->node);
		e->queued -= k->n;
		k->due = now + e->sim->delay;
		rp_list_append(&e->flying, &k->node);
		if (e->full && e->queued <= QUEUE_HIGH / 2) {
			e->full = false;
			rp_mux_drain(e->mux);
		}
	}
}

static void arrive(struct end *e)
{
	struct rp_mux *to = e->sim->end[e == &e->sim->end[0] ? 1 : 0].mux;
	for (struct packet *k = first(&e->flying); k != NULL && k->due <= now;
	     k = first(&e->flying)) {
		rp_list_remove(&k->node);
		rp_mux_input(to, k->data[0], k->data + 1, k->n - 1);
		free(k);
	}
}

static void read_some(struct stream *s)
{
	size_t n = RP_MIN(s->held, s->reads);
	if (n > 0 && s->to != NULL && s->closed == 0) {
		s->held -= n;
		rp_channel_consumed(s->to, n);
	}
}

static void run(struct sim *s, unsigned ticks)
{
	for (unsigned end = now + ticks; now < end; now++) {
		for (int i = 0; i < 2; i++) {
			transmit(&s->end[i]);
			arrive(&s->end[i]);
		}
		for (size_t i = 0; i < s->n; i++) {
			read_some(&s->stream[i]);
		}
		s->most = RP_MAX(s->most, rp_budget_promised(&s->end[1].budget));
	}
}

static struct stream *add_stream(struct sim *s, size_t bytes)
{
	uint8_t number = (uint8_t)s->n;
	struct stream *st = &s->stream[s->n++];
	*st = (struct stream){.left = bytes, .reads = ENDLESS};
	assert_int_equal(
	    rp_channel_open(s->end[0].mux, "rport", &number, 1, &stream_ops, st, &st->from), 0);
	rp_channel_ready(st->from);
	return st;
}

static void give(struct stream *st, size_t bytes)
{
	st->left = bytes;
	rp_channel_ready(st->from);
}

/* What arrives on all channels in so many ticks, in percent of what the path carries. */
static unsigned usage(struct sim *s, unsigned ticks)
{
	size_t before = 0;
	size_t after = 0;
	for (size_t i = 0; i < s->n; i++) {
		before += s->stream[i].received;
	}
	run(s, ticks);
	for (size_t i = 0; i < s->n; i++) {
		after += s->stream[i].received;
	}
	return (unsigned)((after - before) * 100 / (s->rate * ticks));
}

static uint64_t promised(const struct sim *s)
{
	return rp_budget_promised(&s->end[1].budget);
}

/* 800 Mbit/s and 100 ms there and back: 10 MB under way. */
static void test_follows_path(void **state)
{
	(void)state;
	struct sim s;
	sim_init(&s, 100000, 50, 256 * MIB);
	struct stream *st = add_stream(&s, ENDLESS);
	run(&s, 150);
	assert_int_equal(promised(&s), RP_MUX_WINDOW_DEFAULT);
	run(&s, 850);
	assert_true(usage(&s, 500) >= 90);
	assert_in_range(promised(&s), 10000000, 20 * MIB);
	/* It stays like that. */
	uint64_t size = promised(&s);
	assert_true(usage(&s, 1000) >= 90);
	assert_int_equal(promised(&s), size);
	rp_channel_close(st->from);
	run(&s, 300);
	assert_int_equal(st->closed, 2);
	assert_int_equal(promised(&s), 0);
	assert_int_equal(rp_budget_promised(&s.end[0].budget), 0);
	sim_fini(&s);
}

static void test_streams_share(void **state)
{
	(void)state;
	struct sim s;
	sim_init(&s, 100000, 100, 256 * MIB);
	for (int i = 0; i < 4; i++) {
		add_stream(&s, ENDLESS);
	}
	run(&s, 2000);
	assert_true(usage(&s, 500) >= 90);
	assert_in_range(promised(&s), 20000000, 64 * MIB);
	sim_fini(&s);
}

/* Neither does a window grow on a short path, where it never is the limit, nor for exchanges that
 * wait for each other, bursts that fit, and single bytes. */
static void test_no_need(void **state)
{
	(void)state;
	struct sim s;
	sim_init(&s, 100000, 2, 256 * MIB);
	add_stream(&s, ENDLESS);
	assert_true(usage(&s, 1000) >= 90);
	assert_int_equal(promised(&s), RP_MUX_WINDOW_DEFAULT);
	sim_fini(&s);

	sim_init(&s, 1000000, 50, 256 * MIB);
	struct stream *st = add_stream(&s, 0);
	run(&s, 200);
	for (int i = 0; i < 400; i++) {
		give(st, RP_MUX_PACKET_MAX);
		run(&s, 101);
	}
	for (int i = 0; i < 50; i++) {
		give(st, 1500000);
		run(&s, 300);
	}
	assert_int_equal(promised(&s), RP_MUX_WINDOW_DEFAULT);
	/* A burst that does not fit. */
	for (int i = 0; i < 3; i++) {
		give(st, 30000000);
		run(&s, 2000);
	}
	assert_true(promised(&s) > RP_MUX_WINDOW_DEFAULT);
	sim_fini(&s);
}

static void test_slow_reader(void **state)
{
	(void)state;
	struct sim s;
	sim_init(&s, 100000, 50, 256 * MIB);
	struct stream *st = add_stream(&s, ENDLESS);
	st->reads = 0;
	run(&s, 1000);
	assert_int_equal(st->received, RP_MUX_WINDOW_DEFAULT);
	/* It reads, but slowly. */
	st->reads = 3000;
	run(&s, 5000);
	assert_int_equal(promised(&s), RP_MUX_WINDOW_DEFAULT);
	/* It keeps up with the path, if not with every burst. */
	st->reads = 90000;
	run(&s, 2000);
	uint64_t grown = promised(&s);
	assert_true(grown >= 4 * RP_MUX_WINDOW_DEFAULT);
	/* It becomes slow: the window goes back to where it began, and so does what waits. */
	st->reads = 15000;
	run(&s, 6000);
	assert_int_equal(promised(&s), RP_MUX_WINDOW_DEFAULT);
	assert_true(st->held <= RP_MUX_WINDOW_DEFAULT);
	/* And fast again. */
	st->reads = ENDLESS;
	rp_channel_consumed(st->to, st->held);
	st->held = 0;
	run(&s, 1500);
	assert_true(promised(&s) >= grown);
	/* It stops: no more than the window arrives. */
	st->reads = 0;
	grown = promised(&s);
	run(&s, 1000);
	assert_true(st->held <= grown);
	assert_int_equal(promised(&s), grown);
	sim_fini(&s);
}

/* More wish than budget: it is kept to, shared, and comes back. */
static void test_budget(void **state)
{
	(void)state;
	struct sim s;
	sim_init(&s, 200000, 100, 32 * MIB);
	struct stream *st = add_stream(&s, ENDLESS);
	run(&s, 1500);
	/* 40 MB would fit under way, a quarter of the budget is what one channel may have. */
	assert_int_equal(promised(&s), 8 * MIB);
	for (int i = 1; i < 12; i++) {
		add_stream(&s, ENDLESS);
	}
	run(&s, 3000);
	assert_true(s.most <= 32 * MIB);
	/* The first gave back for the others. */
	size_t before = st->received;
	size_t others = s.stream[5].received;
	run(&s, 1000);
	assert_true(st->received - before < 4 * (s.stream[5].received - others));
	rp_channel_close(st->from);
	for (size_t i = 1; i < s.n; i++) {
		rp_channel_eof(s.stream[i].from);
	}
	run(&s, 500);
	/* After EOF only what was not read counts, and all was. */
	assert_int_equal(promised(&s), 0);
	assert_true(s.most <= 32 * MIB);
	sim_fini(&s);
}

static void test_floor(void **state)
{
	(void)state;
	struct sim s;
	sim_init(&s, 50000, 5, 256 * KIB);
	for (int i = 0; i < CHANNELS; i++) {
		add_stream(&s, 300000);
	}
	run(&s, 1000);
	for (int i = 0; i < CHANNELS; i++) {
		assert_int_equal(s.stream[i].received, 300000);
	}
	assert_true(s.most > s.end[1].budget.limit);
	assert_true(s.most <= s.end[1].budget.limit + (uint64_t)CHANNELS * RP_BUDGET_FLOOR);
	sim_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_follows_path),
	    cmocka_unit_test(test_streams_share),
	    cmocka_unit_test(test_no_need),
	    cmocka_unit_test(test_slow_reader),
	    cmocka_unit_test(test_budget),
	    cmocka_unit_test(test_floor),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
