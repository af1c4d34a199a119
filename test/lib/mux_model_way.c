/* SPDX-License-Identifier: MIT */
/*
 * The way between two sides of the mux model: what a mux sends is judged and queued (or goes
 * through SSH sessions), what arrives must lead to exactly what it says. Packets in queues are
 * blocks of the C library: only the muxes run out of memory.
 */
#include "test/lib/mux_model_private.h"

#include <stdlib.h>
#include <string.h>

/* More than a batch of the mux takes. */
#define SPENT_MAX 40

struct packet {
	struct rp_list node;
	size_t n;
	uint8_t data[];
};

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

struct rp_ssh_side *rp_model_ssh_side(struct rp_model_side *sd)
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
		RP_MODEL_CHECK(md, rp_ssh_send(rp_model_ssh_side(sd)->ssh, iov, n) == 0);
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
	sd->room = md->ssh != NULL ? rp_ssh_reserve(rp_model_ssh_side(sd)->ssh, n) : malloc(n);
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
		RP_MODEL_CHECK(md, rp_ssh_commit(rp_model_ssh_side(sd)->ssh, n) == 0);
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

void rp_model_on_want_run(void *ctx)
{
	struct rp_model_side *sd = ctx;
	sd->run_wanted = true;
}

const struct rp_mux_ops rp_model_mux_ops = {
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
	RP_MODEL_CHECK(md,
	    rp_budget_promised(&sd->budget) <=
	        sd->budget.limit + (uint64_t)sd->rules.channels_max * RP_BUDGET_FLOOR);
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

void rp_model_flush(struct rp_model_side *sd)
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
		rp_model_flush(sd);
	}
	struct iovec iov = {.iov_base = (void *)(uintptr_t)p, .iov_len = n};
	struct packet *k = gather(&iov, 1);
	rp_list_append(&sd->spent, &k->node);
	sd->spent_n++;
	input(sd, k->data, k->n);
	if (!sd->batch || sd->spent_n > SPENT_MAX || rp_model_pick(md, 16) == 15) {
		rp_model_flush(sd);
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

void rp_model_drain(struct rp_model_side *sd)
{
	sd->silent = sd->dead;
	sd->full = false;
	if (sd->mux != NULL) {
		rp_mux_drain(sd->mux);
	}
}

static bool deliver_packet(struct rp_model_side *from)
{
	struct packet *k = take_packet(from);
	if (k == NULL) {
		return false;
	}
	rp_model_receive(&from->md->side[1 - from->index], k->data, k->n);
	free(k);
	if (from->full && from->queued == 0 && !from->choked) {
		rp_model_drain(from);
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
	if (rp_model_ssh_side(from)->out.len == 0) {
		return false;
	}
	static const size_t sizes[] = {65536, 1, 7, 64, 1024, 20000, 65536, 65536};
	size_t max = sizes[rp_model_pick(md, RP_ARRAY_LEN(sizes))];
	struct rp_ssh_side *side = rp_model_ssh_side(from);
	static uint8_t piece[65536];
	size_t n = RP_MIN(max, side->out.len);
	/* A copy: what arrives makes both sides send. */
	memcpy(piece, rp_buf_head(&side->out), n);
	rp_buf_consume(&side->out, n);
	struct rp_ssh *to = rp_model_ssh_side(&md->side[1 - from->index])->ssh;
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
		rp_model_drain(from);
	}
	return true;
}

bool rp_model_deliver(struct rp_model_side *from)
{
	return from->md->ssh != NULL ? deliver_bytes(from) : deliver_packet(from);
}

void rp_model_forget(struct rp_model_side *sd)
{
	for (struct packet *k = take_packet(sd); k != NULL; k = take_packet(sd)) {
		free(k);
	}
}

bool rp_model_start_ssh(struct rp_model *md, struct rp_ssh_pair *pair)
{
	if (rp_ssh_pair_init(pair, md->opt->key, RP_SSH_PAIR_PASSWORD) != 0) {
		return false;
	}
	rp_ssh_pair_settle(pair);
	RP_MODEL_CHECK(md, pair->server.ready && pair->client.ready);
	md->ssh = pair;
	pair->keep_closed = true;
	for (int i = 0; i < 2; i++) {
		struct rp_ssh_side *side = rp_model_ssh_side(&md->side[i]);
		side->user = &md->side[i];
		side->on_packet = on_ssh_packet;
		side->on_rekey = on_ssh_rekey;
		side->keeps = false; /* the pair's own check of payloads */
	}
	md->stats.ssh++;
	return true;
}
