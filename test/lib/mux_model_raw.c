/* SPDX-License-Identifier: MIT */
/*
 * A peer that says what it wants: mostly what is allowed, in any order, with the oddities that
 * installed peers and RFC 4254 permit (data after EOF, extended data, channel requests, answers
 * that nobody asked for), and now and then something that breaks a rule.
 */
#include "test/lib/mux_model_private.h"

#include <string.h>

#define PACKET_ROOM 40000

struct raw {
	size_t n;
	uint8_t p[PACKET_ROOM];
};

static void add(struct raw *k, const void *p, size_t n)
{
	RP_VERIFY(n <= sizeof(k->p) - k->n);
	if (n > 0) {
		memcpy(k->p + k->n, p, n);
	}
	k->n += n;
}

static void add_u8(struct raw *k, uint8_t v)
{
	add(k, &v, 1);
}

static void add_u32(struct raw *k, uint32_t v)
{
	uint8_t b[4];
	rp_model_put_u32(b, v);
	add(k, b, 4);
}

static void add_string(struct raw *k, const void *p, size_t n)
{
	add_u32(k, (uint32_t)n);
	add(k, p, n);
}

/* Some channel of side 0 in that state. */
static const struct rp_rule_channel *some(struct rp_model *md, enum rp_rule_state state)
{
	struct rp_rules *r = &md->side[0].rules;
	size_t first = rp_model_pick(md, RP_MODEL_RULES);
	for (size_t i = 0; i < RP_MODEL_RULES; i++) {
		const struct rp_rule_channel *c = &r->c[(first + i) % RP_MODEL_RULES];
		if (c->state == state) {
			return c;
		}
	}
	return NULL;
}

static void add_window(struct rp_model *md, struct raw *k)
{
	static const uint32_t packets[] = {32768, 9, 100, 32768, 4000, UINT32_MAX, 8, 0};
	switch (rp_model_pick(md, 4)) {
	case 0:
		add_u32(k, 0);
		break;
	case 1:
		add_u32(k, rp_model_pick(md, 300));
		break;
	case 2:
		add_u32(k, 2u << 20);
		break;
	default:
		add_u32(k, UINT32_MAX);
		break;
	}
	add_u32(k, packets[rp_model_pick(md, RP_ARRAY_LEN(packets) - (md->wildness == 0 ? 2 : 0))]);
}

static void make_open(struct rp_model *md, struct raw *k)
{
	if (md->conns >= RP_MODEL_CONNS) {
		return;
	}
	int conn = md->conns++;
	for (int i = 0; i < 2; i++) {
		md->st[conn][i] = (struct rp_model_stream){.md = md, .conn = conn, .side = 1 - i};
	}
	uint8_t extra[64];
	size_t n = rp_model_extra(conn, extra);
	const char *type = rp_model_type(conn);
	add_u8(k, 90);
	add_string(k, type, strlen(type));
	add_u32(k, md->raw_id++);
	add_window(md, k);
	add(k, extra, n);
}

static void make_confirmation(struct rp_model *md, struct raw *k)
{
	const struct rp_rule_channel *c = some(md, RP_RULE_OPENING);
	if (c == NULL) {
		return;
	}
	add_u8(k, 91);
	add_u32(k, c->id);
	add_u32(k, md->raw_id++);
	add_window(md, k);
}

static void make_failure(struct rp_model *md, struct raw *k)
{
	const struct rp_rule_channel *c = some(md, RP_RULE_OPENING);
	if (c == NULL) {
		return;
	}
	add_u8(k, 92);
	add_u32(k, c->id);
	add_u32(k, rp_model_pick(md, 6));
	add_string(k, "refused", 7);
	if (rp_model_pick(md, 2) == 0) {
		add_string(k, "en", 2);
	}
}

static void make_data(struct rp_model *md, struct raw *k)
{
	const struct rp_rule_channel *c = some(md, RP_RULE_OPEN);
	if (c == NULL) {
		return;
	}
	size_t max = RP_MIN(c->recv_window, RP_MIN((uint64_t)c->recv_packet, 32768u));
	size_t n = rp_model_size(md);
	n = RP_MIN(max, n);
	/* Behind EOF nobody is told what the window is. */
	if (md->wildness > 1 && !c->eof_got && rp_model_pick(md, 64) == 63) {
		n = max + 1;
	} else if (rp_model_pick(md, 32) == 31) {
		n = 0;
	}
	add_u8(k, 94);
	add_u32(k, c->id);
	if (c->stream == NULL) {
		add_string(k, rp_model_text(0), n);
		return;
	}
	struct rp_model_stream *from = rp_model_other(c->stream);
	add_string(k, rp_model_text(rp_model_place(from, from->sent)), n);
	if (!c->eof_got) {
		from->sent += n;
		from->wired += n;
	}
}

static void make_extended(struct rp_model *md, struct raw *k)
{
	const struct rp_rule_channel *c = some(md, RP_RULE_OPEN);
	if (c == NULL) {
		return;
	}
	size_t max = RP_MIN(c->recv_window, RP_MIN((uint64_t)c->recv_packet, 32768u));
	size_t n = rp_model_size(md);
	add_u8(k, 95);
	add_u32(k, c->id);
	add_u32(k, 1);
	add_string(k, rp_model_text(5), RP_MIN(max, n));
}

static void make_adjust(struct rp_model *md, struct raw *k)
{
	const struct rp_rule_channel *c = some(md, RP_RULE_OPEN);
	if (c == NULL) {
		return;
	}
	uint64_t room = UINT32_MAX - c->send_window;
	uint64_t n = rp_model_size(md);
	n = RP_MIN(room, n);
	if (rp_model_pick(md, 16) == 15) {
		n = room + (md->wildness > 1 && room < UINT32_MAX);
	}
	add_u8(k, 93);
	add_u32(k, c->id);
	add_u32(k, (uint32_t)n);
}

static void make_end(struct rp_model *md, struct raw *k, uint8_t type)
{
	const struct rp_rule_channel *c = some(md, RP_RULE_OPEN);
	if (c != NULL) {
		add_u8(k, type);
		add_u32(k, c->id);
	}
}

static void make_request(struct rp_model *md, struct raw *k)
{
	static const char *const names[] = {"ping", "", "check_port", "keepalive@openssh.com"};
	const char *name = names[rp_model_pick(md, RP_ARRAY_LEN(names))];
	/* One that wants an answer too many ends the connection. */
	bool many = md->side[0].rules.requests >= RP_MUX_REQUESTS_MAX && md->wildness < 2;
	add_u8(k, 80);
	add_string(k, name, strlen(name));
	add_u8(k, many ? 0 : (uint8_t)rp_model_pick(md, 4));
	add(k, rp_model_text(11), rp_model_pick(md, 256));
}

static void make_reply(struct rp_model *md, struct raw *k)
{
	add_u8(k, (uint8_t)(81 + rp_model_pick(md, 2)));
	add(k, rp_model_text(17), rp_model_pick(md, 256));
}

static void make_channel_request(struct rp_model *md, struct raw *k)
{
	const struct rp_rule_channel *c = some(md, RP_RULE_OPEN);
	uint32_t id = c != NULL ? c->id : rp_model_pick(md, 1000);
	add_u8(k, 98);
	add_u32(k, rp_model_pick(md, 8) == 7 ? id + 1 : id);
	add_string(k, "subsystem", 9);
	add_u8(k, (uint8_t)rp_model_pick(md, 2));
	add(k, rp_model_text(3), rp_model_pick(md, 8));
}

static void make_nonsense(struct rp_model *md, struct raw *k)
{
	if (md->wildness < 2) {
		return;
	}
	add_u8(k, (uint8_t)(80 + rp_model_pick(md, 21)));
	for (uint32_t n = rp_model_pick(md, 30); n > 0; n--) {
		add_u8(k, (uint8_t)rp_model_pick(md, 256));
	}
}

static void make(struct rp_model *md, struct raw *k)
{
	uint32_t what = rp_model_pick(md, 32);
	if (what < 7) {
		make_data(md, k);
	} else if (what < 12) {
		make_adjust(md, k);
	} else if (what < 17) {
		make_open(md, k);
	} else if (what < 20) {
		make_confirmation(md, k);
	} else if (what < 23) {
		make_request(md, k);
	} else if (what < 26) {
		make_reply(md, k);
	} else if (what == 26) {
		make_channel_request(md, k);
	} else if (what == 27) {
		make_extended(md, k);
	} else if (what == 28) {
		make_end(md, k, 96);
	} else if (what == 29) {
		make_end(md, k, 97);
	} else if (what == 30) {
		make_failure(md, k);
	} else {
		make_nonsense(md, k);
	}
}

/* Cut off, with something behind, or with another number in it. */
static void spoil(struct rp_model *md, struct raw *k)
{
	switch (rp_model_pick(md, 3)) {
	case 0:
		k->n = 1 + rp_model_pick(md, (uint32_t)k->n);
		break;
	case 1:
		add(k, "\0\0\0\1", 1 + rp_model_pick(md, 4));
		break;
	default:
		if (k->n >= 9 && k->p[0] != 91) {
			rp_model_put_u32(k->p + (k->p[0] == 80 || k->p[0] == 90 ? 1 : 5),
			    rp_model_pick(md, UINT32_MAX));
		}
		break;
	}
}

/* Numbers of the raw peer that are in use may come again from a real one, but then nobody can
 * tell which channel an answer is for. */
static bool ambiguous(struct rp_model *md, const struct raw *k)
{
	uint32_t id;
	if (k->p[0] == 90 && k->n >= 9) {
		uint32_t type_n = rp_model_get_u32(k->p + 1);
		if (type_n > k->n - 9) {
			return false;
		}
		id = rp_model_get_u32(k->p + 5 + type_n);
	} else if (k->p[0] == 91 && k->n >= 9) {
		id = rp_model_get_u32(k->p + 5);
	} else {
		return false;
	}
	for (size_t i = 0; i < RP_MODEL_RULES; i++) {
		const struct rp_rule_channel *c = &md->side[0].rules.c[i];
		if ((c->state == RP_RULE_PENDING || c->state == RP_RULE_OPEN) && c->peer_id == id) {
			return true;
		}
	}
	return false;
}

void rp_model_raw_act(struct rp_model *md)
{
	static struct raw k;
	k.n = 0;
	make(md, &k);
	if (k.n == 0) {
		return;
	}
	if (md->wildness > 0 && rp_model_pick(md, 256) < md->wildness) {
		spoil(md, &k);
	}
	if (!ambiguous(md, &k)) {
		rp_model_receive(&md->side[0], k.p, k.n);
	}
}
