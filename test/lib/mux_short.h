/* SPDX-License-Identifier: MIT */
/*
 * An owner of channels that remembers what happened, two muxes with a channel between them, and a
 * mux alone with its packets recorded; to be included by the only file of a test program.
 */
#ifndef RP_TEST_LIB_MUX_SHORT_H
#define RP_TEST_LIB_MUX_SHORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "test/lib/mux_pair.h"
#include "tunnel/mux.h"

#define EXTRA     "127.0.0.1:19000/udp"
#define LATER_MAX 300

/* A channel owner that remembers what happened. */
struct owner {
	struct rp_channel *c;
	size_t to_send;
	size_t sent;
	size_t received;
	size_t held;
	bool hold; /* consumes nothing */
	size_t piece;
	int opened, eofs, closed;
	int answers, granted;
	int reason;
	char text[64];
	bool close_in_pull, eof_in_pull;
	int pulls;
	size_t last_at; /* clock when it sent last */
	size_t *clock;
};

static inline void owner_opened(void *ctx)
{
	struct owner *o = ctx;
	o->opened++;
}

static inline size_t owner_pull(void *ctx, uint8_t *p, size_t max)
{
	struct owner *o = ctx;
	o->pulls++;
	size_t n = RP_MIN(o->to_send, max);
	if (o->piece != 0) {
		n = RP_MIN(n, o->piece);
	}
	memset(p, 'x', n);
	o->to_send -= n;
	o->sent += n;
	if (o->clock != NULL && n > 0) {
		*o->clock += n;
		o->last_at = *o->clock;
	}
	if (o->eof_in_pull && o->to_send == 0) {
		rp_channel_eof(o->c);
	}
	if (o->close_in_pull && o->to_send == 0) {
		rp_channel_close(o->c);
	}
	return n;
}

static inline void owner_data(void *ctx, const uint8_t *p, size_t n)
{
	struct owner *o = ctx;
	assert_non_null(p);
	o->received += n;
	if (o->hold) {
		o->held += n;
	} else {
		rp_channel_consumed(o->c, n);
	}
}

static inline void owner_eof(void *ctx)
{
	struct owner *o = ctx;
	o->eofs++;
}

static inline bool owner_request(void *ctx, struct rp_str name, const uint8_t *p, size_t n)
{
	(void)ctx;
	return rp_str_eq(name, "subsystem") && n == 8 && memcmp(p + 4, "sftp", 4) == 0;
}

static inline void owner_answer(void *ctx, bool ok)
{
	struct owner *o = ctx;
	o->answers++;
	o->granted += ok ? 1 : 0;
}

static inline void owner_closed(void *ctx, int reason, struct rp_str text)
{
	struct owner *o = ctx;
	o->closed++;
	o->reason = reason;
	(void)snprintf(o->text, sizeof(o->text), "%.*s", (int)text.len, text.p);
	o->c = NULL;
}

static const struct rp_channel_ops owner_ops = {
    .on_opened = owner_opened,
    .on_pull = owner_pull,
    .on_data = owner_data,
    .on_eof = owner_eof,
    .on_request = owner_request,
    .on_answer = owner_answer,
    .on_closed = owner_closed,
};

/* Accepts for the struct owner in user. */
static inline void accept_open(
    struct rp_pair_end *e, struct rp_channel *c, struct rp_str type, const uint8_t *extra, size_t n)
{
	struct owner *o = e->user;
	assert_true(rp_str_eq(type, "rport"));
	assert_int_equal(n, strlen(EXTRA));
	assert_memory_equal(extra, EXTRA, n);
	o->c = c;
	rp_channel_accept(c, &owner_ops, o);
}

static inline void open_owner(struct rp_mux *m, struct owner *o)
{
	assert_int_equal(
	    rp_channel_open(m, "rport", EXTRA, strlen(EXTRA), &owner_ops, o, &o->c), 0);
}

struct scene {
	struct rp_pair pair;
	struct owner a, b;
};

static inline void scene_init(struct scene *s, const struct rp_mux_options *opt)
{
	memset(s, 0, sizeof(*s));
	assert_int_equal(rp_pair_init(&s->pair, opt, NULL), 0);
	s->pair.end[1].user = &s->b;
	s->pair.end[1].on_open = accept_open;
	open_owner(s->pair.end[0].mux, &s->a);
	assert_int_equal(s->a.opened, 0);
	rp_pair_settle(&s->pair);
	assert_int_equal(s->a.opened, 1);
}

static inline void scene_fini(struct scene *s)
{
	assert_null(rp_pair_trouble(&s->pair));
	rp_pair_fini(&s->pair);
}

static inline void give(struct owner *o, size_t n)
{
	o->to_send += n;
	rp_channel_ready(o->c);
}

/* --- a mux alone, with its packets recorded --- */

struct wire {
	uint8_t packet[8][64];
	size_t len[8];
	size_t last_n; /* of the last packet, all of it */
	int n;
	int send_rc;
	const char *error;
	uint64_t tickets[LATER_MAX];
	int tickets_n;
	struct rp_channel *pending;
};

static inline int wire_send(void *ctx, const struct iovec *iov, int n)
{
	struct wire *w = ctx;
	uint8_t *p = w->packet[w->n % 8];
	size_t at = 0;
	w->last_n = 0;
	for (int i = 0; i < n; i++) {
		size_t take = RP_MIN(iov[i].iov_len, 64 - at);
		memcpy(p + at, iov[i].iov_base, take);
		at += take;
		w->last_n += iov[i].iov_len;
	}
	w->len[w->n % 8] = at;
	w->n++;
	return w->send_rc;
}

static inline void wire_request(
    void *ctx, struct rp_str name, uint64_t ticket, const uint8_t *p, size_t n)
{
	struct wire *w = ctx;
	(void)name;
	(void)p;
	(void)n;
	w->tickets[w->tickets_n++] = ticket;
}

static inline void wire_open(
    void *ctx, struct rp_channel *c, struct rp_str type, const uint8_t *extra, size_t n)
{
	struct wire *w = ctx;
	(void)type;
	(void)extra;
	(void)n;
	w->pending = c;
}

static inline void wire_error(void *ctx, const char *why)
{
	struct wire *w = ctx;
	assert_null(w->error);
	w->error = why;
}

static const struct rp_mux_ops wire_ops = {
    .send = wire_send,
    .on_request = wire_request,
    .on_open = wire_open,
    .on_error = wire_error,
};

static inline struct rp_mux *wire_mux(struct wire *w)
{
	struct rp_mux *m;
	memset(w, 0, sizeof(*w));
	assert_int_equal(rp_mux_new(&m, NULL, &wire_ops, w), 0);
	return m;
}

/* The packet is a literal, message number first. */
#define INPUT(m, s) rp_mux_input(m, (uint8_t)(s)[0], (const uint8_t *)(s) + 1, sizeof(s) - 2)
#define ASSERT_PACKET(w, i, s)                                         \
	do {                                                           \
		assert_true((w)->n > (i));                             \
		assert_int_equal((w)->len[i], sizeof(s) - 1);          \
		assert_memory_equal((w)->packet[i], s, sizeof(s) - 1); \
	} while (0)

#define CONFIRM_0 "\x5b\0\0\0\0\0\0\0\7\0\x20\0\0\0\0\x80\0"
#define OPEN_9    "\x5a\0\0\0\5rport\0\0\0\x09\0\0\0\x10\0\0\x80\0host:1"

/* A mux alone with one channel, whose opening was the only packet. */
static inline struct rp_mux *one_channel(struct wire *w, struct owner *o)
{
	struct rp_mux *m = wire_mux(w);
	open_owner(m, o);
	INPUT(m, CONFIRM_0);
	assert_int_equal(w->n, 1);
	return m;
}

struct answers {
	int n;
	int codes[LATER_MAX];
	char text[LATER_MAX];
	struct rp_mux *again; /* calls once more inside the callback */
};

static inline void on_answer(void *ctx, int code, const uint8_t *p, size_t n)
{
	struct answers *a = ctx;
	a->codes[a->n] = code;
	a->text[a->n++] = n > 0 ? (char)p[0] : '-';
	if (a->again != NULL) {
		struct rp_mux *m = a->again;
		a->again = NULL;
		assert_int_equal(rp_mux_call(m, "again", NULL, 0, on_answer, a, NULL), 0);
	}
}

#endif
