/* SPDX-License-Identifier: MIT */
/*
 * Owners of channels. Everything that a contract of tunnel/mux.h allows them they do at some time;
 * every callback is compared with what the packet that caused it says.
 */
#include "test/lib/mux_model_private.h"

#include <stdlib.h>
#include <string.h>

#include "core/buf.h"

static const struct rp_channel_ops channel_ops;

struct rp_model_stream *rp_model_other(const struct rp_model_stream *s)
{
	struct rp_model_stream *both = s->md->st[s->conn];
	return s == &both[0] ? &both[1] : &both[0];
}

static struct rp_model_side *side_of(const struct rp_model_stream *s)
{
	return &s->md->side[s->side];
}

size_t rp_model_extra(int conn, uint8_t out[static 64])
{
	size_t n = 4 + (size_t)conn * 7 % 60;
	memcpy(out, rp_model_text((uint64_t)conn * 13), n);
	rp_model_put_u32(out, (uint32_t)conn);
	return n;
}

const char *rp_model_type(int conn)
{
	static const char *const types[] = {"rport", "session", "", "direct-tcpip"};
	return types[(size_t)conn % RP_ARRAY_LEN(types)];
}

uint64_t rp_model_place(const struct rp_model_stream *s, size_t at)
{
	return (uint64_t)s->conn * 1009 + (uint64_t)s->side * 30011 + at;
}

static void alive(struct rp_model_stream *s)
{
	rp_model_alive(side_of(s));
	RP_MODEL_CHECK(s->md, !s->left);
	RP_MODEL_CHECK(s->md, !s->closed);
}

/* --- what the owner does --- */

static void leave(struct rp_model_stream *s)
{
	s->left = true;
	s->pending = false;
	s->c = NULL;
}

static void ask_ready(struct rp_model_stream *s)
{
	s->ready = true;
	s->owes_ready = false;
	rp_channel_ready(s->c);
}

static void ask_eof(struct rp_model_stream *s)
{
	s->to_send = s->sent;
	s->eof_asked = true;
	rp_channel_eof(s->c);
}

static void ask_close(struct rp_model_stream *s)
{
	if (!s->eof_asked) {
		s->to_send = s->sent;
	}
	s->close_asked = true;
	rp_channel_close(s->c);
}

static void detach(struct rp_model_stream *s)
{
	struct rp_channel *c = s->c;
	if (!s->eof_asked) {
		s->to_send = s->sent;
	}
	s->close_asked = true;
	leave(s);
	rp_channel_detach(c);
}

static void consume(struct rp_model_stream *s, size_t n)
{
	s->held -= n;
	s->consumed += n;
	rp_channel_consumed(s->c, n);
}

/* Accepts or gets rid of an open of the other side. */
static void decide(struct rp_model_stream *s)
{
	struct rp_model *md = s->md;
	struct rp_channel *c = s->c;
	uint32_t what = md->calm ? 0 : rp_model_pick(md, 16);
	if (what < 12) {
		s->pending = false;
		s->opened = true;
		rp_channel_accept(c, &channel_ops, s);
		RP_MODEL_CHECK(
		    md, side_of(s)->dead || (s->rule != NULL && s->rule->state == RP_RULE_OPEN));
		return;
	}
	leave(s);
	if (what < 14) {
		rp_channel_reject(c, (enum rp_open_failure)(1 + rp_model_pick(md, 4)), "no");
	} else if (what == 14) {
		rp_channel_close(c);
	} else {
		rp_channel_detach(c);
	}
	RP_MODEL_CHECK(md, side_of(s)->dead || s->rule == NULL);
}

static void more(struct rp_model_stream *s)
{
	struct rp_model *md = s->md;
	if (!s->eof_asked && !s->close_asked) {
		size_t n = rp_model_size(md);
		n = RP_MIN(n, md->bytes_left);
		md->bytes_left -= n;
		s->to_send += n;
	}
	ask_ready(s);
}

static void check_sendable(struct rp_model_stream *s)
{
	const struct rp_rule_channel *r = s->rule;
	bool may = r != NULL && r->state == RP_RULE_OPEN && !s->eof_asked && !s->close_asked;
	/* A packet that is being taken is known to the rules before the mux. */
	if (!side_of(s)->dead && side_of(s)->due.s != s) {
		RP_MODEL_CHECK(s->md, rp_channel_sendable(s->c) == (may ? r->send_window : 0));
	}
}

static void act(struct rp_model_stream *s, uint32_t what)
{
	struct rp_model *md = s->md;
	if (s->pending && what < 20) {
		decide(s);
	} else if (what < 14) {
		more(s);
	} else if (what < 22) {
		consume(s, s->held > 0 ? rp_model_pick(md, (uint32_t)s->held) + 1 : 0);
	} else if (what < 24) {
		consume(s, s->held);
	} else if (what < 26) {
		check_sendable(s);
	} else if (what < 29) {
		/* Mostly when everything is sent: the rest is cut off. */
		if (s->sent == s->to_send || rp_model_pick(md, 4) == 0) {
			ask_eof(s);
		}
	} else if (what == 29) {
		ask_ready(s);
	} else if (s->pending) {
		decide(s);
	} else if (what == 30) {
		ask_close(s);
	} else {
		detach(s);
	}
}

void rp_model_stream_act(struct rp_model *md)
{
	if (md->conns == 0) {
		return;
	}
	struct rp_model_stream *s =
	    &md->st[rp_model_pick(md, (uint32_t)md->conns)][rp_model_pick(md, 2)];
	if (s->c != NULL && !s->closed && !s->left) {
		act(s, rp_model_pick(md, 32));
	}
}

bool rp_model_stream_calm(struct rp_model_stream *s)
{
	if (s->c == NULL || s->closed || s->left) {
		return false;
	}
	bool moved = s->pending || s->owes_ready || s->held > 0;
	if (s->pending) {
		decide(s);
	}
	if (s->owes_ready) {
		ask_ready(s);
	}
	if (s->held > 0) {
		consume(s, s->held);
	}
	return moved;
}

static void opened_or_why(struct rp_model_stream *s, int rc, unsigned used, bool failed)
{
	struct rp_model *md = s->md;
	struct rp_model_side *sd = side_of(s);
	if (rc == 0) {
		RP_MODEL_CHECK(md, s->c != NULL && s->rule != NULL);
		RP_MODEL_CHECK(md, used < sd->rules.channels_max);
		md->stats.opens++;
		return;
	}
	RP_MODEL_CHECK(md, s->c == NULL);
	RP_MODEL_CHECK(md, s->rule == NULL);
	if (rc == RP_EBUSY) {
		RP_MODEL_CHECK(md, used + (unsigned)sd->ending >= sd->rules.channels_max);
	} else if (rc == RP_ENOMEM) {
		RP_MODEL_CHECK(md, failed);
	} else {
		RP_MODEL_CHECK(md, rc == RP_ECLOSED && sd->dead);
	}
}

void rp_model_open(struct rp_model_side *sd)
{
	struct rp_model *md = sd->md;
	if (md->conns >= RP_MODEL_CONNS || sd->mux == NULL) {
		return;
	}
	int conn = md->conns;
	uint8_t extra[64];
	size_t n = rp_model_extra(conn, extra);
	struct rp_model_stream *s = &md->st[conn][0];
	*s = (struct rp_model_stream){.md = md, .conn = conn, .side = sd->index};
	md->st[conn][1] = (struct rp_model_stream){.md = md, .conn = conn, .side = 1 - sd->index};
	uint64_t fails = md->fails;
	unsigned used = rp_rules_used(&sd->rules);
	sd->opening = s;
	int rc = rp_channel_open(sd->mux, rp_model_type(conn), extra, n, &channel_ops, s, &s->c);
	sd->opening = NULL;
	opened_or_why(s, rc, used, md->fails != fails);
	if (rc == 0) {
		s->used = true;
		md->conns++;
	}
}

/* --- callbacks --- */

static void on_opened(void *ctx)
{
	struct rp_model_stream *s = ctx;
	alive(s);
	struct rp_model_due *due = &side_of(s)->due;
	RP_MODEL_CHECK(s->md, due->s == s && due->opened);
	due->opened = false;
	s->opened = true;
	rp_model_poke(s->md);
}

/* How much of what is there. */
static size_t choose(struct rp_model_stream *s, size_t max)
{
	struct rp_model *md = s->md;
	size_t n = RP_MIN(s->to_send - s->sent, max);
	if (n == 0 || md->calm) {
		return n;
	}
	uint32_t what = rp_model_pick(md, 16);
	if (what == 15) {
		s->owes_ready = true;
		return 0;
	}
	return what >= 12 ? 1 + rp_model_pick(md, (uint32_t)n) : n;
}

/* The end, asked for inside of the last pull. */
static void end_in_pull(struct rp_model_stream *s)
{
	uint32_t what = s->md->calm ? 0 : rp_model_pick(s->md, 32);
	if (what >= 28 && s->sent == s->to_send) {
		ask_eof(s);
	} else if (what == 27) {
		ask_close(s);
	} else if (what == 26) {
		detach(s);
	}
}

static size_t on_pull(void *ctx, uint8_t *p, size_t max)
{
	struct rp_model_stream *s = ctx;
	struct rp_model *md = s->md;
	alive(s);
	RP_MODEL_CHECK(md, s->opened && s->ready && !s->eof_asked && !s->close_asked);
	RP_MODEL_CHECK(md, s->rule != NULL && max > 0 && max <= s->rule->send_window);
	RP_MODEL_CHECK(md, max <= RP_MUX_PACKET_MAX);
	RP_MODEL_CHECK(md, !side_of(s)->hold && !side_of(s)->rekeying);
	if (md->failed) {
		return 0;
	}
	s->ready = false;
	size_t n = choose(s, max);
	memcpy(p, rp_model_text(rp_model_place(s, s->sent)), n);
	s->sent += n;
	rp_model_turn(s, n);
	end_in_pull(s);
	rp_model_poke(md);
	s->ready = s->ready || n > 0;
	return n;
}

static void take_data(struct rp_model_stream *s, const uint8_t *p, size_t n)
{
	struct rp_model *md = s->md;
	RP_MODEL_CHECK(md, s->opened && !s->eof_seen && !s->close_asked);
	RP_MODEL_CHECK(md, n > 0 && n <= s->due);
	if (md->failed) {
		return;
	}
	s->due -= n;
	const uint8_t *text = rp_model_text(rp_model_place(rp_model_other(s), s->received));
	RP_MODEL_CHECK(md, memcmp(p, text, n) == 0);
	s->received += n;
	s->held += n;
	md->stats.bytes += n;
	/* A reader that does not read costs at most its window. */
	RP_MODEL_CHECK(md, s->held <= side_of(s)->window_max);
}

static void data_taken(struct rp_model_stream *s)
{
	struct rp_model *md = s->md;
	if (md->calm || rp_model_pick(md, 4) >= 2) {
		consume(s, s->held);
	}
	rp_model_poke(md);
}

static void on_data(void *ctx, const uint8_t *p, size_t n)
{
	struct rp_model_stream *s = ctx;
	alive(s);
	take_data(s, p, n);
	data_taken(s);
}

static void on_datav(void *ctx, const struct iovec *iov, int n)
{
	struct rp_model_stream *s = ctx;
	/* What was collected may still come when the mux is dead already. */
	RP_MODEL_CHECK(s->md, side_of(s)->mux != NULL && !s->left && !s->closed);
	RP_MODEL_CHECK(s->md, side_of(s)->batch && n > 0 && n <= RP_MUX_BATCH_MAX);
	for (int i = 0; i < n; i++) {
		take_data(s, iov[i].iov_base, iov[i].iov_len);
	}
	s->md->stats.batches += n > 1;
	data_taken(s);
}

static void on_eof(void *ctx)
{
	struct rp_model_stream *s = ctx;
	struct rp_model *md = s->md;
	alive(s);
	struct rp_model_due *due = &side_of(s)->due;
	RP_MODEL_CHECK(md, due->s == s && due->eof);
	RP_MODEL_CHECK(md, !s->eof_seen && !s->close_asked);
	RP_MODEL_CHECK(md, s->received == rp_model_other(s)->wired);
	due->eof = false;
	s->eof_seen = true;
	rp_model_poke(md);
}

static bool on_channel_request(void *ctx, struct rp_str name, const uint8_t *p, size_t n)
{
	struct rp_model_stream *s = ctx;
	(void)name;
	(void)p;
	alive(s);
	rp_model_poke(s->md);
	return n % 2 == 0;
}

static void check_reason(struct rp_model_stream *s, int reason, struct rp_str text)
{
	struct rp_model *md = s->md;
	const struct rp_model_side *sd = side_of(s);
	if (sd->freeing) {
		RP_MODEL_CHECK(md, reason == -1);
		return;
	}
	/* Its own CLOSE may have met a broken transport. */
	RP_MODEL_CHECK(md, sd->due.s == s && (s->rule == NULL || sd->dead));
	RP_MODEL_CHECK(md, reason == sd->due.refusal);
	if (reason > 0) {
		RP_MODEL_CHECK(md, !s->opened);
		RP_MODEL_CHECK(md, text.len <= sd->due.n);
	} else {
		RP_MODEL_CHECK(md, s->opened || s->close_asked);
		RP_MODEL_CHECK(md, s->close_asked || s->received == rp_model_other(s)->wired);
	}
}

static void on_closed(void *ctx, int reason, struct rp_str text)
{
	struct rp_model_stream *s = ctx;
	struct rp_model *md = s->md;
	alive(s);
	check_reason(s, reason, text);
	s->closed = true;
	md->stats.closes++;
	side_of(s)->ending++;
	rp_model_poke(md);
	/* Too late to mean anything. */
	switch (md->calm ? 0 : rp_model_pick(md, 16)) {
	case 1:
		rp_channel_ready(s->c);
		break;
	case 2:
		rp_channel_consumed(s->c, s->held);
		break;
	case 3:
		rp_channel_eof(s->c);
		break;
	case 4:
		rp_channel_close(s->c);
		break;
	case 5:
		rp_channel_detach(s->c);
		break;
	default:
		break;
	}
	side_of(s)->ending--;
	s->c = NULL;
}

static const struct rp_channel_ops channel_ops = {
    .on_opened = on_opened,
    .on_pull = on_pull,
    .on_data = on_data,
    .on_datav = on_datav,
    .on_eof = on_eof,
    .on_request = on_channel_request,
    .on_closed = on_closed,
};

/* The stream that the other side opened, by what its OPEN carries; NULL: nonsense of a raw peer. */
static struct rp_model_stream *opened_by_peer(
    struct rp_model_side *sd, struct rp_str type, const uint8_t *extra, size_t n)
{
	struct rp_model *md = sd->md;
	uint32_t conn = n >= 4 ? rp_model_get_u32(extra) : UINT32_MAX;
	bool known = conn < (uint32_t)md->conns && md->st[conn][0].side != sd->index &&
	    !md->st[conn][1].used;
	if (!md->hostile) {
		uint8_t want[64];
		RP_MODEL_CHECK(md, known);
		RP_MODEL_CHECK(md, known && rp_str_eq(type, rp_model_type((int)conn)));
		RP_MODEL_CHECK(md, known && n == rp_model_extra((int)conn, want));
		RP_MODEL_CHECK(md, known && memcmp(extra, want, n) == 0);
	}
	return known ? &md->st[conn][1] : NULL;
}

void rp_model_on_open(
    void *ctx, struct rp_channel *c, struct rp_str type, const uint8_t *extra, size_t n)
{
	struct rp_model_side *sd = ctx;
	struct rp_model *md = sd->md;
	rp_model_alive(sd);
	RP_MODEL_CHECK(md, sd->due.open);
	sd->due.open = false;
	RP_MODEL_CHECK(md, n <= sd->due.n && memcmp(extra, sd->due.p + sd->due.n - n, n) == 0);
	struct rp_model_stream *s = opened_by_peer(sd, type, extra, n);
	if (s == NULL) {
		rp_channel_reject(c, RP_OPEN_UNKNOWN_TYPE, "no");
		return;
	}
	s->used = true;
	s->c = c;
	s->pending = true;
	s->rule = sd->rules.last;
	s->rule->stream = s;
	if (rp_model_pick(md, 2) == 0) {
		decide(s);
	}
	rp_model_poke(md);
}

/* --- packets --- */

static void open_sent(struct rp_model_side *sd, const uint8_t *p, size_t n)
{
	struct rp_model *md = sd->md;
	struct rp_model_stream *s = sd->opening;
	RP_MODEL_CHECK(md, s != NULL);
	if (s == NULL) {
		return;
	}
	uint8_t extra[64];
	size_t extra_n = rp_model_extra(s->conn, extra);
	const char *type = rp_model_type(s->conn);
	size_t type_n = strlen(type);
	RP_MODEL_CHECK(md, n == 17 + type_n + extra_n);
	RP_MODEL_CHECK(md, !md->failed && memcmp(p + 5, type, type_n) == 0);
	RP_MODEL_CHECK(md, !md->failed && memcmp(p + n - extra_n, extra, extra_n) == 0);
	s->rule = sd->rules.last;
	s->rule->stream = s;
}

static struct rp_model_stream *stream_to(struct rp_model_side *sd, uint32_t peer_id)
{
	for (size_t i = 0; i < RP_MODEL_RULES; i++) {
		const struct rp_rule_channel *r = &sd->rules.c[i];
		if (r->state == RP_RULE_OPEN && r->peer_id == peer_id) {
			return r->stream;
		}
	}
	return NULL;
}

void rp_model_stream_sent(struct rp_model_side *sd, const uint8_t *p, size_t n)
{
	struct rp_model *md = sd->md;
	if (p[0] == 90) {
		open_sent(sd, p, n);
	}
	if (p[0] != 94) {
		return;
	}
	struct rp_model_stream *s = stream_to(sd, rp_model_get_u32(p + 1));
	RP_MODEL_CHECK(md, s != NULL && n - 9 <= s->sent - s->wired);
	if (md->failed) {
		return;
	}
	const uint8_t *text = rp_model_text(rp_model_place(s, s->wired));
	RP_MODEL_CHECK(md, memcmp(p + 9, text, n - 9) == 0);
	s->wired += n - 9;
}

static void expect(struct rp_model_due *due, const struct rp_rule_channel *r)
{
	struct rp_model_stream *s = r->stream;
	bool open = r->state == RP_RULE_OPEN && !r->close_sent && !s->left;
	switch (due->p[0]) {
	case 91:
		due->opened = r->state == RP_RULE_OPENING && !s->close_asked;
		break;
	case 92:
		due->refusal = due->n >= 9 ? (int)rp_model_get_u32(due->p + 5) : 0;
		if (due->refusal < 1 || due->refusal > 4) {
			due->refusal = RP_OPEN_CONNECT_FAILED;
		}
		break;
	case 94:
		s->due += open && !r->eof_got && due->n >= 9 ? due->n - 9 : 0;
		break;
	case 96:
		due->eof = open && !r->eof_got;
		break;
	default:
		break;
	}
}

void rp_model_stream_expect(struct rp_model_side *sd, const uint8_t *p, size_t n)
{
	if (p[0] < 91 || p[0] == 98 || n < 5) {
		return;
	}
	const struct rp_rule_channel *r = rp_rules_find(&sd->rules, rp_model_get_u32(p + 1));
	if (r != NULL && r->stream != NULL) {
		sd->due.s = r->stream;
		expect(&sd->due, r);
	}
}

void rp_model_stream_settled(struct rp_model_side *sd)
{
	const struct rp_model_due *due = &sd->due;
	const struct rp_model_stream *s = due->s;
	struct rp_model *md = sd->md;
	if (s == NULL) {
		return;
	}
	/* What the owner itself ended in another callback has no claims any more. */
	bool ended = s->close_asked;
	RP_MODEL_CHECK(md, s->due == 0 || ended || sd->batch);
	RP_MODEL_CHECK(md, !due->eof || ended);
	RP_MODEL_CHECK(md, !due->opened || ended);
	RP_MODEL_CHECK(md, s->rule != NULL || s->closed || s->left);
}

void rp_model_stream_flushed(struct rp_model_side *sd)
{
	struct rp_model *md = sd->md;
	for (int i = 0; i < md->conns; i++) {
		for (int k = 0; k < 2; k++) {
			const struct rp_model_stream *s = &md->st[i][k];
			RP_MODEL_CHECK(md, s->side != sd->index || s->due == 0 || s->close_asked);
		}
	}
}
