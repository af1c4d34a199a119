/* SPDX-License-Identifier: MIT */
/*
 * Two muxes under random schedules, against a model that knows what every owner must see: all
 * bytes in order, every callback at most once and never after the owner left, answers in order,
 * nothing lost. RP_SEED sets the first seed, RP_RUNS the number of runs; a failing run prints its
 * seed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test/lib/mux_pair.h"
#include "tunnel/mux.h"

#define CONNS_MAX   40
#define TICKETS_MAX 64
#define CALLS_MAX   400
#define RUNS        1000

struct model;

struct stream {
	struct model *md;
	int conn;
	int side;
	struct rp_channel *c; /* NULL: not yet, or not any more */
	size_t to_send, sent, received, held;
	bool eof_sent, eof_seen, opened, closed, left;
	bool pending; /* open not decided */
};

struct side;

struct call_ctx {
	struct side *sd;
	uint32_t number;
};

struct side {
	struct model *md;
	int index;
	uint64_t tickets[TICKETS_MAX];
	uint32_t ticket_numbers[TICKETS_MAX];
	int tickets_n;
	uint32_t calls_made, calls_answered;
	uint32_t requests_seen;
	bool cancelled[CALLS_MAX];
	struct rp_call *calls[CALLS_MAX];
	struct call_ctx call_ctx[CALLS_MAX];
};

struct model {
	struct rp_pair pair;
	struct side side[2];
	struct stream st[CONNS_MAX][2]; /* 0 = who opened */
	int conns;
	uint64_t rng;
	int depth;
	bool calm;                   /* no new trouble: everything is to come to its end */
	uint32_t window[2];          /* most that a channel may hold */
	struct rp_budget *budget[2]; /* NULL: fixed windows */
};

/* Between any two messages the path was idle. */
static uint64_t slow_clock(void)
{
	static uint64_t now;
	return now += 1000000;
}

/* splitmix64 */
static uint32_t rnd(struct model *md, uint32_t below)
{
	uint64_t z = (md->rng += UINT64_C(0x9e3779b97f4a7c15));
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)((z ^ (z >> 31)) % below);
}

static uint8_t pattern(const struct stream *s, size_t at)
{
	return (uint8_t)((size_t)s->conn * 7 + (size_t)s->side * 101 + at * 31 + (at >> 8));
}

static struct stream *other(struct stream *s)
{
	return &s->md->st[s->conn][1 - s->side];
}

static struct rp_mux *mux_of(struct model *md, int index)
{
	return md->pair.end[index].mux;
}

static void act(struct model *md);

/* Something else in the middle of a callback. */
static void poke(struct model *md)
{
	if (!md->calm && md->depth < 3 && rnd(md, 6) == 0) {
		md->depth++;
		act(md);
		md->depth--;
	}
}

static void alive(struct stream *s)
{
	assert_false(s->left);
	assert_false(s->closed);
}

static void on_opened(void *ctx)
{
	struct stream *s = ctx;
	alive(s);
	assert_false(s->opened);
	s->opened = true;
	poke(s->md);
}

static size_t on_pull(void *ctx, uint8_t *p, size_t max)
{
	struct stream *s = ctx;
	alive(s);
	assert_true(s->opened);
	assert_false(s->eof_sent);
	assert_true(max > 0 && max <= 32768);
	struct model *md = s->md;
	size_t n = RP_MIN(s->to_send - s->sent, max);
	if (n > 1 && rnd(md, 3) == 0) {
		n = 1 + rnd(md, (uint32_t)n);
	}
	for (size_t i = 0; i < n; i++) {
		p[i] = pattern(s, s->sent + i);
	}
	s->sent += n;
	if (n > 0 && s->sent == s->to_send && rnd(md, 4) == 0) {
		s->eof_sent = true;
		rp_channel_eof(s->c);
	}
	poke(md);
	return n;
}

static void consume(struct stream *s, size_t n)
{
	s->held -= n;
	rp_channel_consumed(s->c, n);
}

static void on_data(void *ctx, const uint8_t *p, size_t n)
{
	struct stream *s = ctx;
	struct stream *from = other(s);
	alive(s);
	assert_false(s->eof_seen);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(p[i], pattern(from, s->received + i));
	}
	s->received += n;
	s->held += n;
	int index = s->side == 0 ? s->conn % 2 : 1 - s->conn % 2;
	assert_true(s->held <= s->md->window[index]);
	const struct rp_budget *b = s->md->budget[index];
	assert_true(
	    b == NULL || rp_budget_promised(b) <= b->limit + (uint64_t)CONNS_MAX * RP_BUDGET_FLOOR);
	if (s->md->calm || rnd(s->md, 2) == 0) {
		consume(s, s->held);
	}
	poke(s->md);
}

static void on_datav(void *ctx, const struct iovec *iov, int n)
{
	assert_in_range(n, 1, RP_MUX_BATCH_MAX);
	const struct stream *s = ctx;
	for (int i = 0; i < n && !s->left; i++) {
		on_data(ctx, iov[i].iov_base, iov[i].iov_len);
	}
}

static void on_eof(void *ctx)
{
	struct stream *s = ctx;
	alive(s);
	assert_false(s->eof_seen);
	s->eof_seen = true;
	assert_int_equal(s->received, other(s)->sent);
	poke(s->md);
}

static void on_closed(void *ctx, int reason, struct rp_str text)
{
	struct stream *s = ctx;
	alive(s);
	(void)text;
	assert_true(reason == 0 || reason == -1 || !s->opened);
	s->closed = true;
	poke(s->md);
	s->c = NULL;
}

static const struct rp_channel_ops ops = {
    .on_opened = on_opened,
    .on_pull = on_pull,
    .on_data = on_data,
    .on_datav = on_datav,
    .on_eof = on_eof,
    .on_closed = on_closed,
};

static void decide(struct stream *s)
{
	s->pending = false;
	if (!s->md->calm && rnd(s->md, 5) == 0) {
		struct rp_channel *c = s->c;
		s->c = NULL;
		s->left = true;
		rp_channel_reject(c, RP_OPEN_CONNECT_FAILED, "no");
		return;
	}
	s->opened = true;
	rp_channel_accept(s->c, &ops, s);
}

static void on_open(
    struct rp_pair_end *e, struct rp_channel *c, struct rp_str type, const uint8_t *extra, size_t n)
{
	struct model *md = e->user;
	(void)type;
	assert_int_equal(n, 1);
	struct stream *s = &md->st[extra[0]][1];
	assert_null(s->c);
	s->c = c;
	s->pending = true;
	if (rnd(md, 2) == 0) {
		decide(s);
	}
	poke(md);
}

static void on_request(
    struct rp_pair_end *e, struct rp_str name, uint64_t ticket, const uint8_t *p, size_t n)
{
	struct model *md = e->user;
	struct side *sd = &md->side[e->index];
	uint32_t number;
	(void)name;
	assert_int_equal(n, sizeof(number));
	memcpy(&number, p, sizeof(number));
	if (ticket == 0) {
		return;
	}
	assert_true(number >= sd->requests_seen);
	sd->requests_seen = number;
	assert_true(sd->tickets_n < TICKETS_MAX);
	sd->tickets[sd->tickets_n] = ticket;
	sd->ticket_numbers[sd->tickets_n++] = number;
	poke(md);
}

static void answer(struct model *md, struct side *sd)
{
	if (sd->tickets_n == 0) {
		return;
	}
	int i = (int)rnd(md, (uint32_t)sd->tickets_n);
	uint64_t ticket = sd->tickets[i];
	uint32_t number = sd->ticket_numbers[i];
	sd->tickets_n--;
	sd->tickets[i] = sd->tickets[sd->tickets_n];
	sd->ticket_numbers[i] = sd->ticket_numbers[sd->tickets_n];
	assert_int_equal(
	    rp_mux_reply(mux_of(md, sd->index), ticket, number % 3 != 0, &number, sizeof(number)),
	    0);
}

static void on_answer(void *ctx, int code, const uint8_t *p, size_t n)
{
	struct call_ctx *cc = ctx;
	struct side *sd = cc->sd;
	uint32_t number = cc->number;
	assert_false(sd->cancelled[number]);
	assert_non_null(sd->calls[number]);
	if (code != RP_ECLOSED) {
		assert_int_equal(code, number % 3 != 0 ? 0 : RP_EDENIED);
		assert_int_equal(n, sizeof(number));
		assert_memory_equal(p, &number, n);
	}
	sd->calls[number] = NULL;
	sd->calls_answered++;
	poke(sd->md);
}

static void make_call(struct model *md, struct side *sd)
{
	uint32_t number = sd->calls_made;
	struct rp_mux *m = mux_of(md, sd->index);
	if (number >= CALLS_MAX || m == NULL) {
		return;
	}
	struct call_ctx *cc = &sd->call_ctx[number];
	*cc = (struct call_ctx){sd, number};
	int rc = rp_mux_call(m, "call", &number, sizeof(number), on_answer, cc, &sd->calls[number]);
	if (rc != 0) {
		assert_true(rc == RP_EBUSY || rc == RP_ECLOSED);
		return;
	}
	sd->calls_made++;
}

static void cancel_call(struct model *md, struct side *sd)
{
	if (sd->calls_made == 0) {
		return;
	}
	uint32_t i = rnd(md, sd->calls_made);
	if (sd->calls[i] != NULL && !sd->cancelled[i]) {
		sd->cancelled[i] = true;
		rp_call_cancel(sd->calls[i]);
		sd->calls[i] = NULL;
		sd->calls_answered++;
	}
}

static void open_conn(struct model *md)
{
	if (md->conns >= CONNS_MAX) {
		return;
	}
	int i = md->conns;
	struct stream *s = &md->st[i][0];
	uint8_t extra = (uint8_t)i;
	struct rp_mux *m = mux_of(md, i % 2);
	if (m == NULL) {
		return;
	}
	int rc = rp_channel_open(m, "rport", &extra, 1, &ops, s, &s->c);
	assert_true(rc == 0 || rc == RP_EBUSY || rc == RP_ECLOSED);
	if (rc == 0) {
		md->conns++;
	}
}

static void stream_act(struct model *md, struct stream *s, uint32_t what)
{
	if (s->c == NULL || s->closed || s->left) {
		return;
	}
	if (s->pending) {
		decide(s);
		return;
	}
	if (what < 10) {
		s->to_send += s->eof_sent ? 0 : 1 + rnd(md, rnd(md, 4) == 0 ? 200000 : 500);
		rp_channel_ready(s->c);
	} else if (what < 16) {
		consume(s, s->held > 0 ? rnd(md, (uint32_t)s->held) + 1 : 0);
	} else if (what == 16 && s->opened && !s->eof_sent) {
		/* Only after everything was sent: an EOF cuts the rest off by definition. */
		if (s->sent == s->to_send) {
			s->eof_sent = true;
			rp_channel_eof(s->c);
		}
	} else if (what == 17) {
		s->eof_sent = true;
		rp_channel_close(s->c);
	} else if (what == 18) {
		struct rp_channel *c = s->c;
		s->left = true;
		s->c = NULL;
		rp_channel_detach(c);
	}
}

static void act(struct model *md)
{
	uint32_t what = rnd(md, 40);
	struct side *sd = &md->side[rnd(md, 2)];
	struct rp_mux *m = mux_of(md, sd->index);
	if (m == NULL) {
		return;
	}
	if (what < 19) {
		if (md->conns > 0) {
			stream_act(md, &md->st[rnd(md, (uint32_t)md->conns)][rnd(md, 2)], what);
		}
	} else if (what < 22) {
		open_conn(md);
	} else if (what < 25) {
		make_call(md, sd);
	} else if (what < 29) {
		answer(md, sd);
	} else if (what == 29) {
		cancel_call(md, sd);
	} else if (what == 30) {
		uint32_t number = 0;
		assert_int_equal(rp_mux_notify(m, "note", &number, sizeof(number)), 0);
	} else if (what == 31) {
		rp_mux_hold(m, rnd(md, 2) == 0);
	} else {
		rp_mux_run(m);
	}
}

static void step(struct model *md)
{
	struct rp_pair_end *e = &md->pair.end[rnd(md, 2)];
	for (uint32_t n = rnd(md, 4); n > 0; n--) {
		(void)rp_pair_deliver(e);
	}
	act(md);
}

/* Everybody consumes, answers and sends what is left; then all must have arrived. */
static void calm_down(struct model *md)
{
	md->calm = true;
	for (int i = 0; i < 2; i++) {
		rp_mux_hold(mux_of(md, i), false);
	}
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < md->conns; i++) {
			for (int k = 0; k < 2; k++) {
				struct stream *s = &md->st[i][k];
				if (s->c == NULL) {
					continue;
				}
				if (s->pending) {
					decide(s);
				}
				consume(s, s->held);
				rp_channel_ready(s->c);
			}
		}
		for (int i = 0; i < 2; i++) {
			while (md->side[i].tickets_n > 0) {
				answer(md, &md->side[i]);
				rp_pair_settle(&md->pair);
			}
		}
		rp_pair_settle(&md->pair);
	}
}

static void check_end(struct model *md)
{
	assert_null(rp_pair_trouble(&md->pair));
	for (int i = 0; i < 2; i++) {
		struct side *sd = &md->side[i];
		assert_int_equal(sd->calls_answered, sd->calls_made);
	}
	for (int i = 0; i < md->conns; i++) {
		struct stream *s = md->st[i];
		if (s[0].closed || s[0].left || s[1].closed || s[1].left) {
			/* One end is gone: so is the other. */
			assert_true(s[0].closed || s[0].left);
			assert_true(s[1].closed || s[1].left || s[1].c == NULL);
			continue;
		}
		for (int k = 0; k < 2; k++) {
			if (!s[k].eof_sent) {
				assert_int_equal(s[k].sent, s[k].to_send);
			}
			assert_int_equal(s[1 - k].received, s[k].sent);
			assert_int_equal(s[1 - k].eof_seen, s[k].eof_sent);
		}
	}
}

static void run(uint64_t seed)
{
	static struct model md;
	memset(&md, 0, sizeof(md));
	md.rng = seed;
	struct rp_mux_options opt[2];
	struct rp_budget budget[2];
	for (int i = 0; i < 2; i++) {
		bool small = rnd(&md, 2) == 0;
		opt[i] = (struct rp_mux_options){
		    .window = small ? 1 + rnd(&md, 5000) : 1 + rnd(&md, 300000),
		    .packet_max = rnd(&md, 2) == 0 ? 9 + rnd(&md, 4000) : 32768,
		    .channels_max = 1 + rnd(&md, 50),
		    .batch = rnd(&md, 2) == 0,
		};
		md.window[i] = opt[i].window;
		if (rnd(&md, 2) == 0) {
			rp_budget_init(&budget[i], 1 + rnd(&md, 8 << 20));
			md.budget[i] = &budget[i];
			opt[i].budget = &budget[i];
			opt[i].clock_ns = slow_clock;
			md.window[i] = RP_MAX(opt[i].window, (uint32_t)(budget[i].limit / 4));
		}
	}
	assert_int_equal(rp_pair_init(&md.pair, opt, NULL), 0);
	for (int i = 0; i < 2; i++) {
		md.side[i].md = &md;
		md.side[i].index = i;
		md.pair.end[i].user = &md;
		md.pair.end[i].on_open = on_open;
		md.pair.end[i].on_request = on_request;
	}
	for (int i = 0; i < CONNS_MAX; i++) {
		for (int k = 0; k < 2; k++) {
			md.st[i][k] = (struct stream){.md = &md, .conn = i, .side = k};
		}
	}
	uint32_t steps = 50 + rnd(&md, 600);
	for (uint32_t i = 0; i < steps; i++) {
		step(&md);
	}
	if (rnd(&md, 4) != 0) {
		calm_down(&md);
		check_end(&md);
	}
	/* Otherwise the connection is cut in the middle. */
	assert_null(rp_pair_trouble(&md.pair));
	for (int i = 0; i < CONNS_MAX; i++) {
		if (md.st[i][1].pending) { /* without an owner nobody is told */
			md.st[i][1].c = NULL;
		}
	}
	rp_pair_fini(&md.pair);
	for (int i = 0; i < 2; i++) {
		assert_true(md.budget[i] == NULL || rp_budget_promised(md.budget[i]) == 0);
	}
	for (int i = 0; i < md.conns; i++) {
		assert_true(md.st[i][0].closed || md.st[i][0].left);
	}
}

static uint64_t number_of(const char *name, uint64_t otherwise)
{
	const char *s = getenv(name);
	return s != NULL ? strtoull(s, NULL, 10) : otherwise;
}

static void test_random_schedules(void **state)
{
	(void)state;
	uint64_t first = number_of("RP_SEED", 1);
	uint64_t runs = number_of("RP_RUNS", getenv("RP_VALGRIND") != NULL ? 60 : RUNS);
	for (uint64_t i = 0; i < runs; i++) {
		static char seed[32];
		(void)snprintf(seed, sizeof(seed), "%llu", (unsigned long long)(first + i));
		(void)setenv("RP_SEED_NOW", seed, 1);
		run(first + i);
	}
}

/* cmocka leaves a failed test by longjmp: say here which run it was. */
static int say_seed(void **state)
{
	(void)state;
	const char *seed = getenv("RP_SEED_NOW");
	print_message("# last seed %s\n", seed != NULL ? seed : "none");
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_random_schedules, say_seed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
