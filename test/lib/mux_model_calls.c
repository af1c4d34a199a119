/* SPDX-License-Identifier: MIT */
/*
 * Global requests: those of the owner, and its answers to those of the other side. On the wire and
 * in callbacks they must be exactly what was asked for, in order.
 */
#include "test/lib/mux_model_private.h"

#include <string.h>

#include "core/buf.h"

#define NAME_CALL "call"
#define NAME_NOTE "note"
/* What a packet may carry besides name and payload. */
#define REQUEST_HEAD 6u

static uint64_t place_of(const struct rp_model_side *sd, uint32_t number)
{
	return (uint64_t)sd->index * 20011 + (uint64_t)number * 101;
}

static uint64_t note_place(const struct rp_model_side *sd, uint32_t number)
{
	return place_of(sd, number) + 40009;
}

static uint64_t answer_place(uint32_t number)
{
	return (uint64_t)number * 211 + 7;
}

/* Mostly small; some at the very limit. */
static size_t payload_size(struct rp_model *md)
{
	uint32_t what = md->calm ? 0 : rp_model_pick(md, 64);
	if (what == 63) {
		return RP_MUX_PAYLOAD_MAX - 12 + rp_model_pick(md, 16);
	}
	return what == 62 ? rp_model_pick(md, 40000) : what;
}

/* --- what the owner does --- */

static struct rp_model_call *first_call(struct rp_model_side *sd, bool sent)
{
	for (uint32_t i = 0; i < sd->calls_n; i++) {
		struct rp_model_call *k = &sd->calls[i];
		if (!k->done && k->sent == sent) {
			return k;
		}
	}
	return NULL;
}

uint32_t rp_model_calls_open(const struct rp_model_side *sd)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < sd->calls_n; i++) {
		n += !sd->calls[i].done;
	}
	return n;
}

static void on_answer(void *ctx, int code, const uint8_t *p, size_t n)
{
	struct rp_model_call *k = ctx;
	struct rp_model_side *sd = k->sd;
	struct rp_model *md = sd->md;
	rp_model_alive(sd);
	RP_MODEL_CHECK(md, !k->done && !k->cancelled);
	if (sd->freeing) {
		/* In order: whoever was made before has its end. */
		RP_MODEL_CHECK(md, code == RP_ECLOSED && n == 0);
		for (const struct rp_model_call *i = sd->calls; i < k; i++) {
			RP_MODEL_CHECK(md, i->done || i->cancelled);
		}
	} else {
		RP_MODEL_CHECK(md, sd->due.answer && code == sd->due.code);
		RP_MODEL_CHECK(md, k->sent && n == sd->due.n - 1);
		RP_MODEL_CHECK(md, !md->failed && memcmp(p, sd->due.p + 1, n) == 0);
		sd->due.answer = false;
	}
	k->done = true;
	rp_model_poke(md);
}

static void check_refused(struct rp_model_side *sd, int rc, size_t size, bool failed)
{
	struct rp_model *md = sd->md;
	if (rc == RP_EBUSY) {
		RP_MODEL_CHECK(md, rp_model_calls_open(sd) >= RP_MUX_CALLS_MAX);
	} else if (rc == RP_ENOMEM) {
		RP_MODEL_CHECK(md, failed);
	} else if (rc == RP_ELIMIT) {
		RP_MODEL_CHECK(md, size > RP_MUX_PAYLOAD_MAX);
	} else {
		RP_MODEL_CHECK(md, rc == RP_ECLOSED && sd->dead);
	}
}

static void call(struct rp_model_side *sd)
{
	struct rp_model *md = sd->md;
	if (sd->calls_n >= RP_MODEL_CALLS) {
		return;
	}
	struct rp_model_call *k = &sd->calls[sd->calls_n];
	size_t n = payload_size(md);
	*k = (struct rp_model_call){.sd = sd, .number = sd->calls_n, .n = n};
	uint64_t fails = md->fails;
	uint32_t waiting = rp_model_calls_open(sd);
	/* Known before it is sent: that may be at once. */
	sd->calls_n++;
	int rc = rp_mux_call(
	    sd->mux, NAME_CALL, rp_model_text(place_of(sd, k->number)), n, on_answer, k, &k->h);
	if (rc == 0) {
		RP_MODEL_CHECK(md, k->h != NULL && waiting < RP_MUX_CALLS_MAX);
		RP_MODEL_CHECK(md, sd->dead || k->sent == (waiting == 0));
		md->stats.calls++;
		return;
	}
	sd->calls_n--;
	RP_MODEL_CHECK(md, k->h == NULL && !k->sent);
	check_refused(sd, rc, REQUEST_HEAD + strlen(NAME_CALL) + n, md->fails != fails);
}

static void notify(struct rp_model_side *sd)
{
	struct rp_model *md = sd->md;
	size_t n = payload_size(md);
	sd->note_n = n;
	uint64_t fails = md->fails;
	int rc = rp_mux_notify(sd->mux, NAME_NOTE, rp_model_text(note_place(sd, sd->notes)), n);
	sd->note_n = SIZE_MAX;
	if (rc == 0) {
		sd->notes++;
	} else {
		check_refused(sd, rc, REQUEST_HEAD + strlen(NAME_NOTE) + n, md->fails != fails);
	}
}

static void cancel(struct rp_model_side *sd)
{
	if (sd->calls_n == 0) {
		return;
	}
	struct rp_model_call *k = &sd->calls[rp_model_pick(sd->md, sd->calls_n)];
	if (k->done || k->cancelled) {
		return;
	}
	k->cancelled = true;
	k->done = !k->sent;
	rp_call_cancel(k->h);
}

static struct rp_model_ticket *choose_ticket(struct rp_model_side *sd)
{
	size_t first = rp_model_pick(sd->md, (uint32_t)sd->tickets_n);
	for (size_t i = 0; i < sd->tickets_n; i++) {
		struct rp_model_ticket *t = &sd->tickets[(first + i) % sd->tickets_n];
		if (!t->answered) {
			return t;
		}
	}
	return NULL;
}

bool rp_model_answer(struct rp_model_side *sd)
{
	struct rp_model *md = sd->md;
	struct rp_model_ticket *t = sd->tickets_n > 0 ? choose_ticket(sd) : NULL;
	if (t == NULL || sd->mux == NULL) {
		return false;
	}
	bool first = t == &sd->tickets[0];
	bool too_long;
	t->answered = true;
	t->ok = rp_model_pick(md, 4) != 3;
	t->n = payload_size(md);
	too_long = t->n + 1 > RP_MUX_PAYLOAD_MAX;
	uint64_t fails = md->fails;
	int rc = rp_mux_reply(
	    sd->mux, t->ticket, t->ok, rp_model_text(answer_place(t->number)), t->n);
	RP_MODEL_CHECK(md, rc == (too_long ? RP_ELIMIT : 0));
	if (!first) {
		t->lost = md->fails != fails;
	}
	RP_MODEL_CHECK(md, sd->dead || sd->tickets_n == 0 || !sd->tickets[0].answered);
	return true;
}

static void answer_wrongly(struct rp_model_side *sd)
{
	uint64_t ticket = sd->tickets_n > 0 ? sd->tickets[sd->tickets_n - 1].ticket + 1 : 1000000;
	RP_MODEL_CHECK(sd->md, rp_mux_reply(sd->mux, ticket, true, "x", 1) == RP_EINVAL);
	RP_MODEL_CHECK(sd->md, rp_mux_reply(sd->mux, 0, true, "x", 1) == 0);
}

void rp_model_call_act(struct rp_model_side *sd)
{
	uint32_t what = rp_model_pick(sd->md, 32);
	if (sd->mux == NULL) {
		return;
	}
	if (what < 10) {
		call(sd);
	} else if (what < 22) {
		(void)rp_model_answer(sd);
	} else if (what < 26) {
		notify(sd);
	} else if (what < 29) {
		cancel(sd);
	} else if (what == 29) {
		answer_wrongly(sd);
	} else if (what == 31 && rp_model_pick(sd->md, 8) == 0) {
		for (int i = 0; i < 280; i++) {
			call(sd);
		}
	}
}

/* --- packets --- */

static void request_sent(struct rp_model_side *sd, const uint8_t *p, size_t n)
{
	struct rp_model *md = sd->md;
	struct rp_cursor in;
	struct rp_str name;
	uint8_t want;
	rp_cursor_init(&in, p + 1, n - 1);
	if (rp_cursor_sstring(&in, &name) != 0 || rp_cursor_u8(&in, &want) != 0) {
		return;
	}
	RP_MODEL_CHECK(md, rp_str_eq(name, want != 0 ? NAME_CALL : NAME_NOTE));
	if (want == 0) {
		const uint8_t *text = rp_model_text(note_place(sd, sd->notes));
		RP_MODEL_CHECK(md, in.left == sd->note_n);
		RP_MODEL_CHECK(md, !md->failed && memcmp(in.p, text, in.left) == 0);
		return;
	}
	struct rp_model_call *k = first_call(sd, false);
	RP_MODEL_CHECK(md, k != NULL && in.left == k->n);
	if (md->failed) {
		return;
	}
	RP_MODEL_CHECK(md, memcmp(in.p, rp_model_text(place_of(sd, k->number)), in.left) == 0);
	k->sent = true;
}

static void reply_sent(struct rp_model_side *sd, const uint8_t *p, size_t n)
{
	static const char too_long[] = "answer too long";
	struct rp_model *md = sd->md;
	RP_MODEL_CHECK(md, sd->tickets_n > 0 && sd->tickets[0].answered);
	if (md->failed) {
		return;
	}
	struct rp_model_ticket t = sd->tickets[0];
	const uint8_t *text = rp_model_text(answer_place(t.number));
	if (t.lost) {
		t.ok = false;
		t.n = 0;
	} else if (t.n + 1 > RP_MUX_PAYLOAD_MAX) {
		t.ok = false;
		t.n = strlen(too_long);
		text = (const uint8_t *)too_long;
	}
	RP_MODEL_CHECK(md, p[0] == (t.ok ? 81 : 82));
	RP_MODEL_CHECK(md, n == t.n + 1);
	RP_MODEL_CHECK(md, !md->failed && memcmp(p + 1, text, t.n) == 0);
	sd->tickets_n--;
	memmove(&sd->tickets[0], &sd->tickets[1], sd->tickets_n * sizeof(sd->tickets[0]));
}

void rp_model_calls_sent(struct rp_model_side *sd, const uint8_t *p, size_t n)
{
	if (p[0] == 80) {
		request_sent(sd, p, n);
	} else if (p[0] == 81 || p[0] == 82) {
		reply_sent(sd, p, n);
	}
}

void rp_model_on_request(void *ctx, struct rp_str name, uint64_t ticket, const uint8_t *p, size_t n)
{
	struct rp_model_side *sd = ctx;
	struct rp_model *md = sd->md;
	const struct rp_model_due *due = &sd->due;
	rp_model_alive(sd);
	RP_MODEL_CHECK(md, due->request);
	RP_MODEL_CHECK(md, !md->failed && due->n == REQUEST_HEAD + name.len + n);
	if (md->failed) {
		return;
	}
	sd->due.request = false;
	RP_MODEL_CHECK(md, memcmp(due->p + 5, name.p, name.len) == 0);
	RP_MODEL_CHECK(md, memcmp(due->p + due->n - n, p, n) == 0);
	RP_MODEL_CHECK(md, (due->p[5 + name.len] != 0) == (ticket != 0));
	if (ticket != 0) {
		RP_MODEL_CHECK(md, sd->tickets_n < RP_MUX_REQUESTS_MAX);
		uint32_t number = (uint32_t)(ticket % 1000);
		sd->tickets[sd->tickets_n++] = (struct rp_model_ticket){
		    .ticket = ticket, .number = number};
		if (rp_model_pick(md, 4) == 3) {
			(void)rp_model_answer(sd);
		}
	}
	rp_model_poke(md);
}

void rp_model_calls_expect(struct rp_model_side *sd, const uint8_t *p, size_t n)
{
	(void)n;
	if (p[0] == 80) {
		sd->due.request = true;
	}
	if ((p[0] != 81 && p[0] != 82) || !sd->rules.call) {
		return;
	}
	struct rp_model_call *k = first_call(sd, true);
	RP_MODEL_CHECK(sd->md, k != NULL);
	if (k == NULL) {
		return;
	}
	if (k->cancelled) {
		k->done = true;
		return;
	}
	sd->due.answer = true;
	sd->due.call = k;
	sd->due.code = p[0] == 81 ? 0 : RP_EDENIED;
}

void rp_model_calls_settled(struct rp_model_side *sd)
{
	RP_MODEL_CHECK(sd->md, !sd->due.request);
	/* Data that was handed over before may have made the owner cancel it. */
	struct rp_model_call *k = sd->due.answer ? sd->due.call : NULL;
	RP_MODEL_CHECK(sd->md, k == NULL || k->cancelled);
	if (k != NULL) {
		k->done = true;
	}
	/* The next one does not wait. */
	RP_MODEL_CHECK(sd->md, sd->rules.call || first_call(sd, false) == NULL);
}
