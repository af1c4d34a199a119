/* SPDX-License-Identifier: MIT */
/*
 * The world of a run: the bytes that decide, memory, transports, and the end, where everything
 * must have arrived. Packets in queues are blocks of the C library: only the muxes run out of
 * memory.
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
/* More than a batch of the mux takes. */
#define SPENT_MAX 40

struct packet {
	struct rp_list node;
	size_t n;
	uint8_t data[];
};

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

/* --- what the mux asks for --- */

void rp_model_alive(struct rp_model_side *sd)
{
	RP_MODEL_CHECK(sd->md, sd->mux != NULL);
	RP_MODEL_CHECK(sd->md, !sd->silent || sd->freeing);
}

static struct packet *gather(const struct iovec *iov, int n)
{
	size_t size = 0;
	for (int i = 0; i < n; i++) {
		size += iov[i].iov_len;
	}
	struct packet *k = malloc(sizeof(*k) + size);
	RP_VERIFY(k != NULL);
	*k = (struct packet){.n = size};
	size_t at = 0;
	for (int i = 0; i < n; i++) {
		if (iov[i].iov_len > 0) {
			memcpy(k->data + at, iov[i].iov_base, iov[i].iov_len);
			at += iov[i].iov_len;
		}
	}
	return k;
}

static struct rp_ssh_side *ssh_side(struct rp_model_side *sd)
{
	return sd->index == 0 ? &sd->md->ssh->server : &sd->md->ssh->client;
}

static void check_sent(struct rp_model_side *sd, const struct packet *k)
{
	struct rp_model *md = sd->md;
	RP_MODEL_CHECK(md, k->n > 0 && k->n <= RP_SSH_PAYLOAD_MAX);
	const char *broken = rp_rules_sent(&sd->rules, k->data, k->n);
	if (broken != NULL) {
		rp_model_fail(md, "sent (message %u): %s", k->n > 0 ? k->data[0] : 0, broken);
	}
	if (!md->failed) {
		rp_model_calls_sent(sd, k->data, k->n);
		rp_model_stream_sent(sd, k->data, k->n);
	}
}

/* Takes the packet into the queue of what is under way. */
static int queue(struct rp_model_side *sd, struct packet *k)
{
	rp_list_append(&sd->out, &k->node);
	sd->queued += k->n;
	sd->full = sd->full || sd->choked || sd->queued > sd->queue_high;
	return sd->full ? 1 : 0;
}

static bool lost(struct rp_model_side *sd)
{
	if (sd->broken || sd->md->failed) {
		sd->dead = true;
		return true;
	}
	return false;
}

static int on_send(void *ctx, const struct iovec *iov, int n)
{
	struct rp_model_side *sd = ctx;
	struct rp_model *md = sd->md;
	RP_MODEL_CHECK(md, !sd->dead);
	if (lost(sd)) {
		return RP_ECLOSED;
	}
	struct packet *k = gather(iov, n);
	md->stats.packets++;
	check_sent(sd, k);
	if (md->ssh != NULL) {
		RP_MODEL_CHECK(md, rp_ssh_send(ssh_side(sd)->ssh, iov, n) == 0);
	}
	if (sd->room != NULL) {
		rp_list_append(&sd->held, &k->node);
		return sd->full ? 1 : 0;
	}
	return queue(sd, k);
}

/* As long as asked for, so that a sanitizer sees what goes beyond. */
static uint8_t *on_reserve(void *ctx, size_t n)
{
	struct rp_model_side *sd = ctx;
	struct rp_model *md = sd->md;
	RP_MODEL_CHECK(md, sd->room == NULL && !sd->dead);
	if (!sd->reserves || sd->room != NULL || rp_model_pick(md, 8) == 7) {
		return NULL;
	}
	sd->room = md->ssh != NULL ? rp_ssh_reserve(ssh_side(sd)->ssh, n) : malloc(n);
	return sd->room;
}

static int on_commit(void *ctx, size_t n)
{
	struct rp_model_side *sd = ctx;
	struct rp_model *md = sd->md;
	uint8_t *room = sd->room;
	RP_MODEL_CHECK(md, room != NULL && (n == 0 || !sd->dead));
	sd->room = NULL;
	n = lost(sd) ? 0 : n;
	if (n > 0) {
		struct iovec iov = {.iov_base = room, .iov_len = n};
		struct packet *k = gather(&iov, 1);
		md->stats.packets++;
		check_sent(sd, k);
		(void)queue(sd, k);
	}
	if (md->ssh != NULL) {
		RP_MODEL_CHECK(md, rp_ssh_commit(ssh_side(sd)->ssh, n) == 0);
	} else {
		free(room);
	}
	while (!rp_list_empty(&sd->held)) {
		struct packet *k = RP_LIST_ENTRY(sd->held.next, struct packet, node);
		rp_list_remove(&k->node);
		(void)queue(sd, k);
	}
	return sd->dead ? RP_ECLOSED : sd->full ? 1 : 0;
}

static void on_error(void *ctx, const char *why)
{
	struct rp_model_side *sd = ctx;
	RP_MODEL_CHECK(sd->md, !sd->dead && sd->error == NULL && why != NULL);
	sd->dead = true;
	sd->error = why;
}

static void on_want_run(void *ctx)
{
	struct rp_model_side *sd = ctx;
	sd->run_wanted = true;
}

static const struct rp_mux_ops mux_ops = {
    .send = on_send,
    .reserve = on_reserve,
    .commit = on_commit,
    .on_request = rp_model_on_request,
    .on_open = rp_model_on_open,
    .on_error = on_error,
};

/* --- packets that arrive --- */

static void settled(struct rp_model_side *sd, uint64_t fails)
{
	struct rp_model *md = sd->md;
	const char *owed = rp_rules_settled(&sd->rules);
	if (owed != NULL) {
		rp_model_fail(md, "after message %u: %s", sd->due.p[0], owed);
	}
	/* Without memory the mux refuses by itself. */
	RP_MODEL_CHECK(md, !sd->due.open || md->fails != fails);
	rp_model_stream_settled(sd);
	rp_model_calls_settled(sd);
	struct rp_mux_stats st;
	rp_mux_stats(sd->mux, &st);
	RP_MODEL_CHECK(md, st.channels == rp_rules_used(&sd->rules));
}

static bool expect(struct rp_model_side *sd, const uint8_t *p, size_t n)
{
	sd->due = (struct rp_model_due){.p = p, .n = n};
	rp_model_calls_expect(sd, p, n);
	rp_model_stream_expect(sd, p, n);
	if (rp_rules_got(&sd->rules, p, n)) {
		sd->due = (struct rp_model_due){.p = p, .n = n};
		return true;
	}
	sd->due.open = p[0] == 90 && sd->rules.last->refuse == 0;
	return false;
}

static void input(struct rp_model_side *sd, const uint8_t *p, size_t n)
{
	struct rp_model *md = sd->md;
	sd->silent = sd->dead;
	uint64_t fails = md->fails;
	bool violation = !sd->dead && expect(sd, p, n);
	rp_mux_input(sd->mux, p[0], p + 1, n - 1);
	if (violation) {
		md->stats.violations++;
		if (!sd->dead || !md->hostile) {
			rp_model_fail(md, "message %u breaks a rule%s", p[0],
			    sd->dead ? "" : ", but was taken");
		}
	} else if (!sd->silent && sd->error != NULL && fails == md->fails) {
		rp_model_fail(md, "message %u was refused: %s", p[0], sd->error);
	}
	if (!sd->dead && !md->failed) {
		settled(sd, fails);
	}
	memset(&sd->due, 0, sizeof(sd->due));
}

static void flush(struct rp_model_side *sd)
{
	sd->silent = sd->dead;
	if (sd->mux != NULL && !sd->md->failed) {
		rp_mux_flush(sd->mux);
	}
	if (!sd->dead) {
		rp_model_stream_flushed(sd);
	}
	while (!rp_list_empty(&sd->spent)) {
		struct packet *k = RP_LIST_ENTRY(sd->spent.next, struct packet, node);
		rp_list_remove(&k->node);
		free(k);
	}
	sd->spent_n = 0;
}

void rp_model_receive(struct rp_model_side *sd, const uint8_t *p, size_t n)
{
	struct rp_model *md = sd->md;
	if (sd->mux == NULL || md->failed) {
		return;
	}
	/* What the owner does while collected data is handed over must not change what these
	 * mean; with the others the mux does that itself. */
	if (sd->batch && (p[0] == 81 || p[0] == 82 || p[0] == 90)) {
		flush(sd);
	}
	struct iovec iov = {.iov_base = (void *)(uintptr_t)p, .iov_len = n};
	struct packet *k = gather(&iov, 1);
	rp_list_append(&sd->spent, &k->node);
	sd->spent_n++;
	input(sd, k->data, k->n);
	if (!sd->batch || sd->spent_n > SPENT_MAX || rp_model_pick(md, 16) == 15) {
		flush(sd);
	}
}

static struct packet *take_packet(struct rp_model_side *from)
{
	if (rp_list_empty(&from->out)) {
		return NULL;
	}
	struct packet *k = RP_LIST_ENTRY(from->out.next, struct packet, node);
	rp_list_remove(&k->node);
	from->queued -= k->n;
	return k;
}

static void drain(struct rp_model_side *sd)
{
	sd->silent = sd->dead;
	sd->full = false;
	if (sd->mux != NULL) {
		rp_mux_drain(sd->mux);
	}
}

static bool deliver(struct rp_model_side *from)
{
	struct packet *k = take_packet(from);
	if (k == NULL) {
		return false;
	}
	rp_model_receive(&from->md->side[1 - from->index], k->data, k->n);
	free(k);
	if (from->full && from->queued == 0 && !from->choked) {
		drain(from);
	}
	return true;
}

/* --- SSH in between --- */

static void on_ssh_packet(struct rp_ssh_side *side, uint8_t type, const uint8_t *p, size_t n)
{
	struct rp_model_side *to = side->user;
	struct rp_model *md = to->md;
	struct packet *k = take_packet(&md->side[1 - to->index]);
	bool same = k != NULL && k->n == n + 1 && k->data[0] == type &&
	    memcmp(k->data + 1, p, n) == 0;
	RP_MODEL_CHECK(md, same);
	if (same) {
		rp_model_receive(to, k->data, k->n);
	}
	free(k);
}

static void on_ssh_rekey(struct rp_ssh_side *side, bool running)
{
	struct rp_model_side *sd = side->user;
	sd->rekeying = running;
	sd->md->stats.rekeys += !running;
	if (sd->mux != NULL) {
		rp_mux_hold(sd->mux, sd->hold || running);
	}
}

static bool deliver_bytes(struct rp_model_side *from)
{
	struct rp_model *md = from->md;
	if (ssh_side(from)->out.len == 0) {
		return false;
	}
	static const size_t sizes[] = {65536, 1, 7, 64, 1024, 20000, 65536, 65536};
	size_t max = sizes[rp_model_pick(md, RP_ARRAY_LEN(sizes))];
	struct rp_ssh_side *side = ssh_side(from);
	static uint8_t piece[65536];
	size_t n = RP_MIN(max, side->out.len);
	/* A copy: what arrives makes both sides send. */
	memcpy(piece, rp_buf_head(&side->out), n);
	rp_buf_consume(&side->out, n);
	struct rp_ssh *to = ssh_side(&md->side[1 - from->index])->ssh;
	if (rp_model_pick(md, 2) == 0) {
		rp_ssh_input(to, piece, n);
	} else {
		rp_ssh_input_in_place(to, piece, n);
		rp_ssh_input_done(to);
	}
	const struct rp_ssh_side *sides[] = {&md->ssh->server, &md->ssh->client};
	for (int i = 0; i < 2; i++) {
		if (sides[i]->closed != 0) {
			rp_model_fail(md, "SSH session %d ended: %s", i, sides[i]->why);
		}
	}
	if (from->full && from->queued == 0 && !from->choked) {
		drain(from);
	}
	return true;
}

static bool start_ssh(struct rp_model *md, struct rp_ssh_pair *pair)
{
	if (rp_ssh_pair_init(pair, md->opt->key, RP_SSH_PAIR_PASSWORD) != 0) {
		return false;
	}
	rp_ssh_pair_settle(pair);
	RP_MODEL_CHECK(md, pair->server.ready && pair->client.ready);
	md->ssh = pair;
	pair->keep_closed = true;
	for (int i = 0; i < 2; i++) {
		struct rp_ssh_side *side = ssh_side(&md->side[i]);
		side->user = &md->side[i];
		side->on_packet = on_ssh_packet;
		side->on_rekey = on_ssh_rekey;
		side->keeps = false; /* the pair's own check of payloads */
	}
	md->stats.ssh++;
	return true;
}

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
			RP_MODEL_CHECK(md, rp_ssh_rekey(ssh_side(sd)->ssh) == 0);
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
		if (!(md->ssh != NULL ? deliver_bytes(from) : deliver(from))) {
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
		drain(sd);
		moved = true;
	}
	while (rp_model_answer(sd)) {
		moved = true;
	}
	for (int i = 0; i < 16 && !sd->md->hostile; i++) {
		moved = (sd->md->ssh != NULL ? deliver_bytes(sd) : deliver(sd)) || moved;
	}
	flush(&sd->md->side[1 - sd->index]);
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
		flush(sd);
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

static void forget_packets(struct rp_model_side *sd)
{
	for (struct packet *k = take_packet(sd); k != NULL; k = take_packet(sd)) {
		free(k);
	}
}

static void finish(struct rp_model *md)
{
	uint32_t first = rp_model_pick(md, 2);
	free_side(&md->side[first]);
	/* The rest of the way may still bring something. */
	for (uint32_t n = rp_model_pick(md, 16); n > 0 && md->ssh == NULL; n--) {
		(void)deliver(&md->side[first]);
	}
	free_side(&md->side[1 - first]);
	forget_packets(&md->side[0]);
	forget_packets(&md->side[1]);
	flush(&md->side[0]);
	flush(&md->side[1]);
}

/* --- a run --- */

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
	sd->rules.channels_max = (uint32_t)opt.channels_max;
	sd->reserves = rp_model_pick(md, 2) != 0;
	sd->queue_high = 1 + rp_model_pick(md, 300000);
	/* A run of tiny packets need not be long. */
	size_t tiny = RP_MIN(opt.window != 0 ? opt.window : UINT32_MAX,
	    opt.packet_max != 0 ? opt.packet_max : UINT32_MAX);
	md->bytes_left = RP_MIN(md->bytes_left, tiny * 2000);
	uint64_t fails = md->fails;
	int rc = rp_mux_new(&sd->mux, &opt, &mux_ops, sd);
	RP_MODEL_CHECK(md, rc == 0 || (rc == RP_ENOMEM && md->fails != fails));
	if (rc == 0) {
		rp_mux_on_want_run(sd->mux, on_want_run);
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
		if (!start_ssh(md, pair)) {
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
