/* SPDX-License-Identifier: MIT */
/*
 * A run: the bytes that decide, memory, what happens, and the end, where everything must have
 * arrived.
 */
#include "test/lib/mux_model_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"

#define TEXT_SIZE (RP_MODEL_PERIOD + RP_MUX_PAYLOAD_MAX + 64)
/* Of a conversation that is left alone; far more than any needs. */
#define TURNS_MAX  400000
#define POKE_DEPTH 2

static struct rp_model *current; /* allocator hooks have no context */

/* --- the bytes that decide --- */

void rp_model_fail(struct rp_model *md, const char *fmt, ...)
{
	if (md->failed) {
		return;
	}
	md->failed = true;
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(md->finding, sizeof(md->finding), fmt, ap);
	va_end(ap);
}

uint32_t rp_model_pick(struct rp_model *md, uint32_t below)
{
	size_t n = below <= 256 ? 1 : below <= 65536 ? 2 : 4;
	if (md->left < n || below < 2) {
		return 0;
	}
	uint32_t v = 0;
	for (size_t i = 0; i < n; i++) {
		v = v << 8 | md->data[i];
	}
	md->data += n;
	md->left -= n;
	return v % below;
}

size_t rp_model_size(struct rp_model *md)
{
	uint32_t what = rp_model_pick(md, 256);
	if (what < 128) {
		return 1 + what % 64;
	}
	return 1 + rp_model_pick(md, what < 224 ? 6000 : 200000);
}

const uint8_t *rp_model_text(uint64_t place)
{
	static uint8_t text[TEXT_SIZE];
	if (text[0] == 0) {
		uint32_t v = 1;
		for (size_t i = 0; i < TEXT_SIZE; i++) {
			v = v * 1664525 + 1013904223;
			text[i] = i < RP_MODEL_PERIOD ? (uint8_t)(v >> 24 | (i == 0))
			                              : text[i - RP_MODEL_PERIOD];
		}
	}
	return text + place % RP_MODEL_PERIOD;
}

void rp_model_put_u32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++) {
		p[i] = (uint8_t)(v >> (24 - 8 * i));
	}
}

uint32_t rp_model_get_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* --- memory --- */

static bool must_fail(void)
{
	struct rp_model *md = current;
	if (md->fail_in == 0 || --md->fail_in > 0) {
		return false;
	}
	if (md->fail_more > 0) {
		md->fail_more--;
		md->fail_in = 1;
	}
	md->fails++;
	return true;
}

static void *counted(void *p)
{
	current->live += p != NULL;
	return p;
}

static void *on_malloc(size_t n)
{
	return must_fail() ? NULL : counted(malloc(n));
}

static void *on_calloc(size_t n, size_t size)
{
	return must_fail() ? NULL : counted(calloc(n, size));
}

static void *on_realloc(void *p, size_t n)
{
	if (must_fail()) {
		return NULL;
	}
	void *q = realloc(p, n);
	return p == NULL ? counted(q) : q;
}

static void on_free(void *p)
{
	current->live -= p != NULL;
	free(p);
}

static const struct rp_alloc_hooks hooks = {
    .malloc_fn = on_malloc,
    .calloc_fn = on_calloc,
    .realloc_fn = on_realloc,
    .free_fn = on_free,
};

/* --- what happens --- */

static void hold(struct rp_model_side *sd, bool on)
{
	sd->hold = on;
	rp_mux_hold(sd->mux, on || sd->rekeying);
}

static void run(struct rp_model_side *sd)
{
	if (!sd->md->strict || sd->run_wanted) {
		sd->run_wanted = false;
		rp_mux_run(sd->mux);
	}
}

static void fail_memory(struct rp_model *md)
{
	if (md->oom_allowed) {
		md->fail_in = 1 + rp_model_pick(md, 4);
		md->fail_more = rp_model_pick(md, 4) == 3 ? rp_model_pick(md, 8) : 0;
	}
}

/* Seldom things that happen to a connection. */
static void disturb(struct rp_model_side *sd)
{
	struct rp_model *md = sd->md;
	switch (rp_model_pick(md, 16)) {
	case 0:
	case 1:
		fail_memory(md);
		break;
	case 2:
		if (rp_model_pick(md, 16) == 15) {
			sd->broken = true;
			md->stats.cut++;
		}
		break;
	case 3:
	case 4:
	case 5:
		if (md->ssh != NULL && !md->calm && md->depth == 0) {
			RP_MODEL_CHECK(md, rp_ssh_rekey(rp_model_ssh_side(sd)->ssh) == 0);
		}
		break;
	case 6:
	case 7:
	case 8:
		sd->choked = true;
		break;
	default:
		sd->choked = false;
		sd->full = false;
		rp_mux_drain(sd->mux);
		break;
	}
}

static void act(struct rp_model *md)
{
	uint32_t what = rp_model_pick(md, 64);
	struct rp_model_side *sd = &md->side[what % 2];
	if (sd->mux == NULL || md->failed) {
		return;
	}
	if (what < 30) {
		rp_model_stream_act(md);
	} else if (what < 36) {
		rp_model_open(sd);
	} else if (what < 46) {
		rp_model_call_act(sd);
	} else if (what < 56) {
		run(sd);
	} else if (what < 58) {
		hold(sd, rp_model_pick(md, 2) != 0);
	} else {
		disturb(sd);
	}
}

void rp_model_poke(struct rp_model *md)
{
	if (md->calm || md->depth >= POKE_DEPTH || rp_model_pick(md, 8) != 7) {
		return;
	}
	md->depth++;
	act(md);
	md->depth--;
}

static void step(struct rp_model *md)
{
	for (int i = 0; i < 2; i++) {
		md->side[i].silent = md->side[i].dead;
	}
	uint32_t what = rp_model_pick(md, 16);
	if (what < 9) {
		act(md);
		return;
	}
	if (md->hostile) {
		rp_model_raw_act(md);
		return;
	}
	struct rp_model_side *from = &md->side[what % 2];
	for (uint32_t n = 1 + rp_model_pick(md, 8); n > 0; n--) {
		if (!rp_model_deliver(from)) {
			break;
		}
	}
}

/* --- the end --- */

static bool calm_side(struct rp_model_side *sd)
{
	bool moved = false;
	if (sd->mux != NULL && sd->run_wanted) {
		sd->run_wanted = false;
		rp_mux_run(sd->mux);
		moved = true;
	}
	/* What another side has not taken keeps this one full. */
	if (sd->full && (sd->queued == 0 || sd->md->hostile)) {
		rp_model_drain(sd);
		moved = true;
	}
	while (rp_model_answer(sd)) {
		moved = true;
	}
	for (int i = 0; i < 16 && !sd->md->hostile; i++) {
		moved = rp_model_deliver(sd) || moved;
	}
	rp_model_flush(&sd->md->side[1 - sd->index]);
	return moved;
}

/* Nobody makes trouble any more, and owners do what they owe. */
static void calm_down(struct rp_model *md)
{
	md->calm = true;
	md->fail_in = 0;
	for (int i = 0; i < 2; i++) {
		struct rp_model_side *sd = &md->side[i];
		sd->choked = false;
		rp_model_flush(sd);
		if (sd->mux != NULL) {
			hold(sd, false);
		}
	}
	bool moved = true;
	int turns;
	for (turns = 0; moved && turns < TURNS_MAX && !md->failed; turns++) {
		moved = calm_side(&md->side[0]);
		moved = calm_side(&md->side[1]) || moved;
		for (int i = 0; i < md->conns; i++) {
			for (int k = 0; k < 2; k++) {
				moved = rp_model_stream_calm(&md->st[i][k]) || moved;
			}
		}
	}
	RP_MODEL_CHECK(md, turns < TURNS_MAX);
}

/* Nothing stops it: all was sent, or the window of the other side is used up. */
static void check_stream(struct rp_model_stream *s)
{
	struct rp_model *md = s->md;
	if (!s->used || s->closed || s->left || s->c == NULL) {
		return;
	}
	const struct rp_rule_channel *r = s->rule;
	RP_MODEL_CHECK(md, r != NULL && s->held == 0);
	if (md->failed || r->state != RP_RULE_OPEN) {
		return;
	}
	RP_MODEL_CHECK(md, s->wired == s->sent);
	RP_MODEL_CHECK(md, s->sent == s->to_send || r->send_window == 0);
	RP_MODEL_CHECK(md, r->eof_sent == s->eof_asked || s->close_asked);
	RP_MODEL_CHECK(md, r->close_sent == s->close_asked);
	if (md->hostile) {
		return;
	}
	const struct rp_model_stream *o = rp_model_other(s);
	RP_MODEL_CHECK(md, s->opened && !s->close_asked);
	RP_MODEL_CHECK(md, s->sent == s->to_send);
	RP_MODEL_CHECK(md, o->c != NULL && o->received == s->sent && o->eof_seen == s->eof_asked);
}

static void check_rest(struct rp_model *md)
{
	md->stats.rested++;
	for (int i = 0; i < md->conns; i++) {
		check_stream(&md->st[i][0]);
		check_stream(&md->st[i][1]);
	}
	for (int i = 0; i < 2 && !md->hostile; i++) {
		struct rp_model_side *sd = &md->side[i];
		RP_MODEL_CHECK(md, rp_model_calls_open(sd) == 0);
		RP_MODEL_CHECK(md, sd->tickets_n == 0 && sd->rules.requests == 0);
		RP_MODEL_CHECK(md, sd->queued == 0 && !sd->run_wanted && !sd->full);
		for (int k = 0; k < RP_MODEL_RULES; k++) {
			const struct rp_rule_channel *r = &sd->rules.c[k];
			RP_MODEL_CHECK(md,
			    r->state == RP_RULE_FREE ||
			        (r->state == RP_RULE_OPEN && !r->close_sent && !r->close_got));
		}
	}
}

static void free_side(struct rp_model_side *sd)
{
	struct rp_model *md = sd->md;
	if (sd->mux == NULL) {
		return;
	}
	/* Nobody is told of a channel without an owner. */
	for (int i = 0; i < md->conns; i++) {
		struct rp_model_stream *s = &md->st[i][1];
		if (s->side == sd->index && s->pending) {
			s->pending = false;
			s->left = true;
			s->c = NULL;
		}
	}
	sd->dead = true;
	sd->freeing = true;
	rp_mux_free(sd->mux);
	sd->freeing = false;
	sd->mux = NULL;
	RP_MODEL_CHECK(md, rp_budget_promised(&sd->budget) == 0);
	for (uint32_t i = 0; i < sd->calls_n; i++) {
		RP_MODEL_CHECK(md, sd->calls[i].done || sd->calls[i].cancelled);
	}
	for (int i = 0; i < md->conns; i++) {
		for (int k = 0; k < 2; k++) {
			const struct rp_model_stream *s = &md->st[i][k];
			RP_MODEL_CHECK(md, s->side != sd->index || s->c == NULL);
		}
	}
}

static void finish(struct rp_model *md)
{
	uint32_t first = rp_model_pick(md, 2);
	free_side(&md->side[first]);
	/* The rest of the way may still bring something. */
	for (uint32_t n = rp_model_pick(md, 16); n > 0 && md->ssh == NULL; n--) {
		(void)rp_model_deliver(&md->side[first]);
	}
	free_side(&md->side[1 - first]);
	rp_model_forget(&md->side[0]);
	rp_model_forget(&md->side[1]);
	rp_model_flush(&md->side[0]);
	rp_model_flush(&md->side[1]);
}

/* --- a run --- */

/* Between any two messages the path was idle. */
static uint64_t slow_clock(void)
{
	return current->now_ns += 1000000;
}

static uint32_t choose_window(struct rp_model *md)
{
	switch (rp_model_pick(md, 4)) {
	case 0:
		return 0; /* the mux's own */
	case 1:
		return 1 + rp_model_pick(md, 64);
	case 2:
		return 1 + rp_model_pick(md, 5000);
	default:
		return 1 + rp_model_pick(md, 300000);
	}
}

/* Windows that follow the path, under a budget of the side's own. */
static void choose_budget(struct rp_model_side *sd, struct rp_mux_options *opt)
{
	struct rp_model *md = sd->md;
	uint32_t window = opt->window != 0 ? opt->window : RP_MUX_WINDOW_DEFAULT;
	sd->window_max = window;
	sd->budgeted = rp_model_pick(md, 2) != 0;
	if (!sd->budgeted) {
		return;
	}
	rp_budget_init(&sd->budget, 1 + rp_model_pick(md, 8 << 20));
	sd->window_max = RP_MAX(window, (uint32_t)(sd->budget.limit / 4));
	opt->budget = &sd->budget;
	opt->clock_ns = slow_clock;
}

static bool start_side(struct rp_model_side *sd)
{
	struct rp_model *md = sd->md;
	struct rp_mux_options opt = {
	    .window = choose_window(md),
	    .packet_max = rp_model_pick(md, 2) == 0 ? 0 : 9 + rp_model_pick(md, 4000),
	    .channels_max = 1 + rp_model_pick(md, 50),
	    .batch = rp_model_pick(md, 2) != 0,
	};
	sd->batch = opt.batch;
	choose_budget(sd, &opt);
	sd->rules.channels_max = (uint32_t)opt.channels_max;
	sd->reserves = rp_model_pick(md, 2) != 0;
	sd->queue_high = 1 + rp_model_pick(md, 300000);
	/* A run of tiny packets need not be long. */
	size_t tiny = RP_MIN(opt.window != 0 ? opt.window : UINT32_MAX,
	    opt.packet_max != 0 ? opt.packet_max : UINT32_MAX);
	md->bytes_left = RP_MIN(md->bytes_left, tiny * 2000);
	uint64_t fails = md->fails;
	int rc = rp_mux_new(&sd->mux, &opt, &rp_model_mux_ops, sd);
	RP_MODEL_CHECK(md, rc == 0 || (rc == RP_ENOMEM && md->fails != fails));
	if (rc == 0) {
		rp_mux_on_want_run(sd->mux, rp_model_on_want_run);
	}
	return rc == 0;
}

/* What the first bytes decide; false: there was no memory. */
static bool start(struct rp_model *md, struct rp_ssh_pair *pair)
{
	uint32_t kind = rp_model_pick(md, 32);
	md->hostile = kind < 10;
	md->strict = rp_model_pick(md, 2) != 0;
	md->oom_allowed = kind % 4 == 3;
	static const unsigned wild[] = {0, 0, 1, 4, 32};
	md->wildness = wild[rp_model_pick(md, RP_ARRAY_LEN(wild))];
	if (rp_model_pick(md, 16) == 15) {
		fail_memory(md);
	}
	/* Two of 32: a handshake costs more than all the rest. */
	if (kind >= 30 && md->opt->key != NULL) {
		md->oom_allowed = false;
		md->fail_in = 0;
		if (!rp_model_start_ssh(md, pair)) {
			return false;
		}
	}
	return start_side(&md->side[0]) && (md->hostile || start_side(&md->side[1]));
}

static void play(struct rp_model *md)
{
	uint32_t end = rp_model_pick(md, 4);
	while (md->left > 0 && !md->failed) {
		step(md);
	}
	bool dead = md->side[0].dead || md->side[1].dead || md->side[0].broken ||
	    md->side[1].broken;
	if (end != 3 && !dead && !md->failed) {
		calm_down(md);
		if (!md->side[0].dead && !md->side[1].dead && !md->failed) {
			check_rest(md);
		}
	}
}

static void add_stats(struct rp_model_stats *sum, const struct rp_model *md)
{
	const struct rp_model_stats *s = &md->stats;
	sum->runs++;
	sum->hostile += md->hostile;
	sum->ssh += s->ssh;
	sum->cut += s->cut;
	sum->out_of_memory += md->fails > 0;
	sum->violations += s->violations;
	sum->rested += s->rested;
	sum->packets += s->packets;
	sum->bytes += s->bytes;
	sum->opens += s->opens;
	sum->closes += s->closes;
	sum->calls += s->calls;
	sum->rekeys += s->rekeys;
	sum->batches += s->batches;
}

const char *rp_model_run(
    const struct rp_model_options *opt, const uint8_t *data, size_t n, struct rp_model_stats *stats)
{
	static struct rp_model md;
	struct rp_ssh_pair pair;
	memset(&md, 0, sizeof(md));
	md.opt = opt;
	md.data = data;
	md.left = n;
	md.bytes_left = opt->bytes_max;
	for (int i = 0; i < 2; i++) {
		md.side[i].md = &md;
		md.side[i].index = i;
		md.side[i].note_n = SIZE_MAX;
		rp_list_init(&md.side[i].out);
		rp_list_init(&md.side[i].held);
		rp_list_init(&md.side[i].spent);
	}
	current = &md;
	rp_alloc_set_hooks(&hooks);
	if (start(&md, &pair)) {
		play(&md);
	}
	md.calm = md.calm && md.left == 0;
	finish(&md);
	if (md.ssh != NULL) {
		rp_ssh_pair_fini(md.ssh);
	}
	rp_alloc_set_hooks(NULL);
	RP_MODEL_CHECK(&md, md.live == 0);
	if (stats != NULL) {
		add_stats(stats, &md);
	}
	return md.failed ? md.finding : NULL;
}
