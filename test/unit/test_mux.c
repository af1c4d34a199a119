/* SPDX-License-Identifier: MIT */
/*
 * The mux: fixed scenes with exact packets, hostile peers, fairness, allocation failures. The
 * random schedules against a model are in test_mux_model.c.
 */
#include "tunnel/mux.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test/lib/mux_pair.h"
#include "test/lib/oom.h"
#include "tunnel/mux_queue.h"
#include "tunnel/mux_table.h"
#include "tunnel/window.h"

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

static void owner_opened(void *ctx)
{
	struct owner *o = ctx;
	o->opened++;
}

static size_t owner_pull(void *ctx, uint8_t *p, size_t max)
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

static void owner_data(void *ctx, const uint8_t *p, size_t n)
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

static void owner_eof(void *ctx)
{
	struct owner *o = ctx;
	o->eofs++;
}

static bool owner_request(void *ctx, struct rp_str name, const uint8_t *p, size_t n)
{
	(void)ctx;
	return rp_str_eq(name, "subsystem") && n == 8 && memcmp(p + 4, "sftp", 4) == 0;
}

static void owner_answer(void *ctx, bool ok)
{
	struct owner *o = ctx;
	o->answers++;
	o->granted += ok ? 1 : 0;
}

static void owner_closed(void *ctx, int reason, struct rp_str text)
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
static void accept_open(
    struct rp_pair_end *e, struct rp_channel *c, struct rp_str type, const uint8_t *extra, size_t n)
{
	struct owner *o = e->user;
	assert_true(rp_str_eq(type, "rport"));
	assert_int_equal(n, strlen(EXTRA));
	assert_memory_equal(extra, EXTRA, n);
	o->c = c;
	rp_channel_accept(c, &owner_ops, o);
}

static void open_owner(struct rp_mux *m, struct owner *o)
{
	assert_int_equal(
	    rp_channel_open(m, "rport", EXTRA, strlen(EXTRA), &owner_ops, o, &o->c), 0);
}

struct scene {
	struct rp_pair pair;
	struct owner a, b;
};

static void scene_init(struct scene *s, const struct rp_mux_options *opt)
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

static void scene_fini(struct scene *s)
{
	assert_null(rp_pair_trouble(&s->pair));
	rp_pair_fini(&s->pair);
}

static void give(struct owner *o, size_t n)
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

static int wire_send(void *ctx, const struct iovec *iov, int n)
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

static void wire_request(void *ctx, struct rp_str name, uint64_t ticket, const uint8_t *p, size_t n)
{
	struct wire *w = ctx;
	(void)name;
	(void)p;
	(void)n;
	w->tickets[w->tickets_n++] = ticket;
}

static void wire_open(
    void *ctx, struct rp_channel *c, struct rp_str type, const uint8_t *extra, size_t n)
{
	struct wire *w = ctx;
	(void)type;
	(void)extra;
	(void)n;
	w->pending = c;
}

static void wire_error(void *ctx, const char *why)
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

static struct rp_mux *wire_mux(struct wire *w)
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

static void test_wire_examples(void **state)
{
	(void)state;
	struct wire w;
	struct rp_mux *m = wire_mux(&w);
	struct owner o = {0};

	/* Wire protocol 4.1. */
	open_owner(m, &o);
	ASSERT_PACKET(&w, 0,
	    "\x5a\0\0\0\5rport\0\0\0\0\0\x20\0\0\0\0\x80\0"
	    "127.0.0.1:19000/udp");
	const char json[] = "{\"Remote\":\"127.0.0.1:19000\"}";
	assert_int_equal(
	    rp_mux_call(m, "check_tunnel_allowed", json, strlen(json), NULL, NULL, NULL), 0);
	ASSERT_PACKET(&w, 1,
	    "\x50\0\0\0\x14"
	    "check_tunnel_allowed\1{\"Remote\":\"127.0.0.1:19000\"}");
	assert_int_equal(w.len[1], 54);

	INPUT(m, OPEN_9);
	assert_non_null(w.pending);
	rp_channel_reject(w.pending, RP_OPEN_PROHIBITED, "no");
	ASSERT_PACKET(&w, 2, "\x5c\0\0\0\x09\0\0\0\1\0\0\0\2no\0\0\0\2en");
	rp_mux_free(m);
	assert_int_equal(o.closed, 1);
	assert_int_equal(o.reason, -1);
}

static void test_bad_packets(void **state)
{
	(void)state;
	static const struct {
		const char *p;
		size_t n;
	} bad[] = {
#define BAD(s) {s, sizeof(s) - 1}
	    BAD("\x50"), BAD("\x50\0\0\0\4ping"), BAD("\x50\xff\xff\xff\xffping\1"), BAD("\x53"),
	    BAD("\x5a\0\0\0\5rport\0\0\0\x09\0\0\0\x10\0\0\x80"),
	    BAD("\x5b\0\0\0\0\0\0\0\7\0\x20\0\0\0\0\x80"),
	    BAD("\x5b\0\0\0\0\0\0\0\7\0\x20\0\0\0\0\0\x08"),                    /* packet size 8 */
	    BAD("\x5b\0\0\0\1\0\0\0\7\0\x20\0\0\0\0\x80\0"),                    /* unknown */
	    BAD("\x5c\0\0\0\0\0\0\0\2\0\0\0\5no"), BAD("\x5d\0\0\0\0\0\0\0\1"), /* not open yet */
	    BAD("\x5e\0\0\0\0\0\0\0\1x"),                                       /* not open yet */
	    BAD("\x60\0\0\0\0"),                                                /* not open yet */
	    BAD("\x61\0\0\0\0"),                                                /* not open yet */
	    BAD("\x61\0\0\0\x09"),                                              /* unknown */
	    BAD("\x62\0\0\0\x09\0\0\0\1x"),                                     /* cut */
	    BAD("\x63\0\0\0\0"), /* answer to nothing */
	    BAD("\x64\0\0\0\0"), /* answer to nothing */
	};
	static const char *const bad_open[] = {
	    "\x5d", "\x5e", "\x5f", "\x60", "\x61", "\x5b", "\x5c", "\x63", "\x64"};

	for (size_t i = 0; i < RP_ARRAY_LEN(bad); i++) {
		struct wire w;
		struct rp_mux *m = wire_mux(&w);
		struct owner o = {0};
		open_owner(m, &o);
		rp_mux_input(m, (uint8_t)bad[i].p[0], (const uint8_t *)bad[i].p + 1, bad[i].n - 1);
		assert_non_null(w.error);
		int n = w.n;
		INPUT(m, CONFIRM_0);
		assert_int_equal(w.n, n);
		assert_int_equal(o.opened, 0);
		assert_int_equal(rp_mux_notify(m, "x", NULL, 0), RP_ECLOSED);
		rp_mux_free(m);
		assert_int_equal(o.closed, 1);
	}
	/* An open channel: a recipient and three bytes are wrong for all of them. */
	for (size_t i = 0; i < RP_ARRAY_LEN(bad_open); i++) {
		struct wire w;
		struct rp_mux *m = wire_mux(&w);
		struct owner o = {0};
		open_owner(m, &o);
		INPUT(m, CONFIRM_0);
		assert_int_equal(o.opened, 1);
		rp_mux_input(m, (uint8_t)bad_open[i][0], (const uint8_t *)"\0\0\0\0\1\1\1", 7);
		assert_non_null(w.error);
		rp_mux_free(m);
	}
}

static void test_pending_is_unknown(void **state)
{
	(void)state;
	struct wire w;
	struct rp_mux *m = wire_mux(&w);
	INPUT(m, OPEN_9);
	INPUT(m, "\x62\0\0\0\0\0\0\0\1x\1"); /* request: ignored */
	assert_null(w.error);
	assert_int_equal(w.n, 0);
	INPUT(m, "\x61\0\0\0\0");
	assert_non_null(w.error);
	rp_mux_free(m);
}

static void test_small_peer_packet_refused(void **state)
{
	(void)state;
	struct wire w;
	struct rp_mux *m = wire_mux(&w);
	INPUT(m, "\x5a\0\0\0\5rport\0\0\0\x09\0\0\0\x10\0\0\0\x08");
	assert_null(w.pending);
	ASSERT_PACKET(&w, 0, "\x5c\0\0\0\x09\0\0\0\2\0\0\0\x0finvalid request\0\0\0\2en");
	assert_null(w.error);
	rp_mux_free(m);
}

static void test_window_edges(void **state)
{
	(void)state;
	struct wire w;
	struct rp_mux *m = wire_mux(&w);
	struct owner o = {0};
	open_owner(m, &o);
	INPUT(m, CONFIRM_0);
	assert_int_equal(rp_channel_sendable(o.c), 0x200000);
	INPUT(m, "\x5d\0\0\0\0\xff\xdf\xff\xff");
	assert_null(w.error);
	assert_int_equal(rp_channel_sendable(o.c), UINT32_MAX);
	INPUT(m, "\x5d\0\0\0\0\0\0\0\1");
	assert_string_equal(w.error, "channel window too large");
	rp_mux_free(m);
}

/* Data to the last byte of the window is fine, one more is not; also after our CLOSE. */
static void test_window_enforced(void **state)
{
	(void)state;
	for (int closed = 0; closed < 2; closed++) {
		struct wire w;
		struct rp_mux *m;
		struct rp_mux_options opt = {.window = 100, .packet_max = 64};
		memset(&w, 0, sizeof(w));
		assert_int_equal(rp_mux_new(&m, &opt, &wire_ops, &w), 0);
		struct owner o = {.hold = true};
		open_owner(m, &o);
		INPUT(m, CONFIRM_0);
		if (closed) {
			rp_channel_close(o.c);
		}
		uint8_t data[80] = {0};
		data[7] = 64;
		rp_mux_input(m, 94, data, 8 + 64);
		data[7] = 36;
		rp_mux_input(m, 94, data, 8 + 36);
		assert_null(w.error);
		assert_int_equal(o.received, closed ? 0 : 100);
		data[7] = 0;
		rp_mux_input(m, 94, data, 8);
		assert_null(w.error);
		data[7] = 1;
		rp_mux_input(m, 94, data, 8 + 1);
		assert_string_equal(w.error, "data beyond the channel window");
		rp_mux_free(m);
	}
}

static void test_packet_limit(void **state)
{
	(void)state;
	struct wire w;
	struct rp_mux *m = wire_mux(&w);
	struct owner o = {0};
	open_owner(m, &o);
	INPUT(m, CONFIRM_0);
	uint8_t *data = calloc(1, 8 + 32769);
	data[6] = 0x80;
	rp_mux_input(m, 94, data, 8 + 32768);
	assert_null(w.error);
	assert_int_equal(o.received, 32768);
	data[7] = 1;
	rp_mux_input(m, 94, data, 8 + 32769);
	assert_string_equal(w.error, "data message too long");
	free(data);
	rp_mux_free(m);
}

static void test_close_rules(void **state)
{
	(void)state;
	struct wire w;
	struct rp_mux *m = wire_mux(&w);
	struct owner o = {.to_send = 10};
	open_owner(m, &o);
	INPUT(m, CONFIRM_0);
	rp_channel_ready(o.c);
	rp_channel_close(o.c);
	ASSERT_PACKET(&w, 1, "\x61\0\0\0\7");
	/* From now on silence, whatever happens. */
	rp_channel_close(o.c);
	rp_channel_eof(o.c);
	rp_channel_ready(o.c);
	rp_mux_run(m);
	INPUT(m, "\x5e\0\0\0\0\0\0\0\3abc");
	rp_channel_consumed(o.c, 3);
	INPUT(m, "\x5d\0\0\0\0\0\0\0\1");
	INPUT(m, "\x62\0\0\0\0\0\0\0\1x\1");
	INPUT(m, "\x60\0\0\0\0");
	assert_int_equal(w.n, 2);
	assert_int_equal(o.received, 0);
	assert_int_equal(o.eofs, 0);
	INPUT(m, "\x61\0\0\0\0");
	assert_int_equal(w.n, 2);
	assert_int_equal(o.closed, 1);
	assert_int_equal(o.reason, 0);
	/* A late request is ignored, anything else is not. */
	INPUT(m, "\x62\0\0\0\0\0\0\0\1x\1");
	assert_null(w.error);
	assert_int_equal(w.n, 2);
	INPUT(m, "\x61\0\0\0\0");
	assert_string_equal(w.error, "message for an unknown channel");
	rp_mux_free(m);
}

static void test_peer_close_is_answered_once(void **state)
{
	(void)state;
	struct scene s;
	scene_init(&s, NULL);
	rp_channel_close(s.a.c);
	rp_pair_settle(&s.pair);
	assert_int_equal(s.a.closed, 1);
	assert_int_equal(s.b.closed, 1);
	assert_int_equal(s.b.reason, 0);
	/* Crossing CLOSEs. */
	open_owner(s.pair.end[0].mux, &s.a);
	rp_pair_settle(&s.pair);
	rp_channel_close(s.a.c);
	rp_channel_close(s.b.c);
	rp_pair_settle(&s.pair);
	assert_int_equal(s.a.closed, 2);
	assert_int_equal(s.b.closed, 2);
	struct rp_mux_stats st;
	rp_mux_stats(s.pair.end[0].mux, &st);
	assert_int_equal(st.channels, 0);
	scene_fini(&s);
}

static void test_close_before_confirmation(void **state)
{
	(void)state;
	struct wire w;
	struct rp_mux *m = wire_mux(&w);
	struct owner o = {0};
	open_owner(m, &o);
	rp_channel_close(o.c);
	assert_int_equal(w.n, 1);
	INPUT(m, CONFIRM_0);
	assert_int_equal(o.opened, 0);
	ASSERT_PACKET(&w, 1, "\x61\0\0\0\7");
	INPUT(m, "\x61\0\0\0\0");
	assert_int_equal(o.closed, 1);

	struct owner gone = {0};
	open_owner(m, &gone);
	rp_channel_detach(gone.c);
	INPUT(m, "\x5c\0\0\0\1\0\0\0\2\0\0\0\2no\0\0\0\0");
	assert_int_equal(gone.closed, 0);

	struct owner refused = {0};
	open_owner(m, &refused);
	INPUT(m, "\x5c\0\0\0\2\0\0\0\1\0\0\0\2no");
	assert_int_equal(refused.closed, 1);
	assert_int_equal(refused.reason, RP_OPEN_PROHIBITED);
	assert_string_equal(refused.text, "no");
	assert_null(w.error);
	rp_mux_free(m);
}

static void test_data_then_eof_in_pull(void **state)
{
	(void)state;
	struct scene s;
	scene_init(&s, NULL);
	s.a.eof_in_pull = true;
	give(&s.a, 100000);
	rp_pair_settle(&s.pair);
	assert_int_equal(s.b.received, 100000);
	assert_int_equal(s.b.eofs, 1);
	/* The other direction still works. */
	s.b.close_in_pull = true;
	s.b.eof_in_pull = true;
	give(&s.b, 70000);
	rp_pair_settle(&s.pair);
	assert_int_equal(s.a.received, 70000);
	assert_int_equal(s.a.eofs, 1);
	assert_int_equal(s.a.closed, 1);
	assert_int_equal(s.b.closed, 1);
	scene_fini(&s);
}

static void test_slow_reader(void **state)
{
	(void)state;
	struct scene s;
	scene_init(&s, NULL);
	s.b.hold = true;
	give(&s.a, 100u << 20);
	rp_pair_settle(&s.pair);
	assert_int_equal(s.b.received, RP_MUX_WINDOW_DEFAULT);
	assert_int_equal(s.a.sent, RP_MUX_WINDOW_DEFAULT);
	assert_int_equal(rp_channel_sendable(s.a.c), 0);
	/* Neighbours go on. */
	struct owner b = s.b;
	memset(&s.b, 0, sizeof(s.b));
	struct owner a2 = {0};
	open_owner(s.pair.end[0].mux, &a2);
	rp_pair_settle(&s.pair);
	give(&a2, 5u << 20);
	rp_pair_settle(&s.pair);
	assert_int_equal(s.b.received, 5u << 20);
	/* It wakes up. */
	rp_channel_consumed(b.c, 1u << 20);
	rp_pair_settle(&s.pair);
	assert_int_equal(s.a.sent, 3u << 20);
	rp_pair_fini(&s.pair);
}

static void test_channel_request(void **state)
{
	(void)state;
	struct wire w;
	struct rp_mux *m = wire_mux(&w);
	struct owner o = {0};
	open_owner(m, &o);
	INPUT(m, CONFIRM_0);
	INPUT(m, "\x62\0\0\0\0\0\0\0\x09subsystem\1\0\0\0\4sftp");
	ASSERT_PACKET(&w, 1, "\x63\0\0\0\7");
	INPUT(m, "\x62\0\0\0\0\0\0\0\3env\1");
	ASSERT_PACKET(&w, 2, "\x64\0\0\0\7");
	INPUT(m, "\x62\0\0\0\0\0\0\0\3env\0");
	assert_int_equal(w.n, 3);
	assert_null(w.error);
	rp_mux_free(m);
}

/* One at a time, on an open channel only. */
static void test_own_channel_request(void **state)
{
	(void)state;
	static const char *const answers[] = {"\x63", "\x64"};
	struct wire w;
	struct rp_mux *m = wire_mux(&w);
	struct owner o = {0};
	char many[2000] = {0};
	open_owner(m, &o);
	assert_int_equal(rp_channel_request(o.c, "subsystem", "\0\0\0\4sftp", 8), RP_ECLOSED);
	INPUT(m, CONFIRM_0);
	assert_int_equal(rp_channel_request(o.c, "x", many, sizeof(many)), RP_ELIMIT);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(rp_channel_request(o.c, "subsystem", "\0\0\0\4sftp", 8), 0);
		ASSERT_PACKET(&w, i + 1, "\x62\0\0\0\7\0\0\0\x09subsystem\1\0\0\0\4sftp");
		assert_int_equal(rp_channel_request(o.c, "env", NULL, 0), RP_EBUSY);
		char answer[5] = {answers[i][0]};
		rp_mux_input(m, (uint8_t)answer[0], (const uint8_t *)answer + 1, 4);
		assert_int_equal(o.answers, i + 1);
		assert_int_equal(o.granted, 1);
	}
	/* Behind our CLOSE it means nothing any more. */
	assert_int_equal(rp_channel_request(o.c, "env", NULL, 0), 0);
	ASSERT_PACKET(&w, 3, "\x62\0\0\0\7\0\0\0\3env\1");
	rp_channel_close(o.c);
	INPUT(m, "\x63\0\0\0\0");
	assert_int_equal(o.answers, 2);
	assert_null(w.error);
	rp_mux_free(m);
}

static void test_unasked_answers(void **state)
{
	(void)state;
	static const char *const rows[] = {"\x63\0\0\0\0", "\x64\0\0\0\0", "\x63\0\0\0\1"};
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		struct wire w;
		struct rp_mux *m = wire_mux(&w);
		struct owner o = {0};
		open_owner(m, &o);
		INPUT(m, CONFIRM_0);
		rp_mux_input(m, (uint8_t)rows[i][0], (const uint8_t *)rows[i] + 1, 4);
		assert_non_null(w.error);
		assert_int_equal(o.answers, 0);
		rp_mux_free(m);
	}
}

static void test_extended_data_is_credited(void **state)
{
	(void)state;
	struct wire w;
	struct rp_mux_options opt = {.window = 16};
	struct rp_mux *m;
	memset(&w, 0, sizeof(w));
	assert_int_equal(rp_mux_new(&m, &opt, &wire_ops, &w), 0);
	struct owner o = {0};
	open_owner(m, &o);
	INPUT(m, CONFIRM_0);
	INPUT(m, "\x5f\0\0\0\0\0\0\0\1\0\0\0\3err");
	assert_int_equal(o.received, 0);
	ASSERT_PACKET(&w, 1, "\x5d\0\0\0\7\0\0\0\3");
	rp_mux_free(m);
}

/* --- global requests --- */

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

struct answers {
	int n;
	int codes[LATER_MAX];
	char text[LATER_MAX];
	struct rp_mux *again; /* calls once more inside the callback */
};

static void on_answer(void *ctx, int code, const uint8_t *p, size_t n)
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

static void test_channels_limit(void **state)
{
	(void)state;
	struct rp_mux_options opt[2] = {{.channels_max = 20}, {.channels_max = 10}};
	struct rp_pair pair;
	struct owner o[20];
	struct owner b = {0};
	memset(o, 0, sizeof(o));
	assert_int_equal(rp_pair_init(&pair, opt, NULL), 0);
	pair.end[1].user = &b;
	pair.end[1].on_open = accept_open;
	for (int i = 0; i < 20; i++) {
		open_owner(pair.end[0].mux, &o[i]);
	}
	struct rp_channel *c;
	assert_int_equal(
	    rp_channel_open(pair.end[0].mux, "x", NULL, 0, &owner_ops, NULL, &c), RP_EBUSY);
	rp_pair_settle(&pair);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(o[i].opened, i < 10);
		assert_int_equal(o[i].reason, i < 10 ? 0 : RP_OPEN_RESOURCE_SHORTAGE);
	}
	struct rp_mux_stats st;
	rp_mux_stats(pair.end[0].mux, &st);
	assert_int_equal(st.channels, 10);
	assert_int_equal(st.opens, 10);
	assert_int_equal(st.refused, 10);
	assert_null(rp_pair_trouble(&pair));
	rp_pair_fini(&pair);
}

/* --- order of sending --- */

static void test_full_and_hold(void **state)
{
	(void)state;
	struct wire w;
	struct rp_mux *m = wire_mux(&w);
	struct owner o = {0};
	open_owner(m, &o);
	INPUT(m, CONFIRM_0);
	give(&o, 100000);
	rp_mux_hold(m, true);
	rp_mux_run(m);
	assert_int_equal(o.pulls, 0);
	/* Requests do not wait for a key exchange or for room. */
	assert_int_equal(rp_mux_notify(m, "x", NULL, 0), 0);
	assert_int_equal(w.n, 2);
	rp_mux_hold(m, false);
	w.send_rc = 1;
	rp_mux_run(m);
	assert_int_equal(o.pulls, 1);
	rp_mux_run(m);
	assert_int_equal(o.pulls, 1);
	rp_mux_drain(m);
	assert_int_equal(o.pulls, 2);
	assert_int_equal(o.sent, 65536);
	rp_mux_free(m);
}

#define BULKS 4

/* While four bulk channels have endless data, small writes go out at once, and round robin is
 * fair. */
static void test_fairness(void **state)
{
	(void)state;
	struct wire w;
	struct rp_mux *m = wire_mux(&w);
	struct owner o[BULKS + 1];
	size_t clock = 0;
	memset(o, 0, sizeof(o));
	for (int i = 0; i <= BULKS; i++) {
		open_owner(m, &o[i]);
		o[i].clock = &clock;
		uint8_t confirm[] = "\0\0\0\0\0\0\0\7\x7f\0\0\0\0\0\x80";
		confirm[3] = (uint8_t)i;
		rp_mux_input(m, 91, confirm, sizeof(confirm));
	}
	for (int i = 0; i < BULKS; i++) {
		give(&o[i], 64u << 20);
	}
	w.send_rc = 1; /* one packet per drain */
	for (int round = 0; round < 400; round++) {
		rp_mux_drain(m);
		if (round > 40 && round % 10 == 0) {
			size_t before = clock;
			give(&o[BULKS], 100);
			rp_mux_drain(m);
			assert_int_equal(o[BULKS].last_at, before + 100);
		}
	}
	for (int i = 0; i < BULKS; i++) {
		assert_true(o[i].sent > 100 * 32000 && o[i].sent < 110 * 32768);
	}
	rp_mux_free(m);
}

/* Many busy small writers slow bulk data down, but do not stop it. */
static void test_small_writers_do_not_starve_bulk(void **state)
{
	(void)state;
	struct wire w;
	struct rp_mux *m = wire_mux(&w);
	struct owner o[101];
	memset(o, 0, sizeof(o));
	for (int i = 0; i <= 100; i++) {
		open_owner(m, &o[i]);
		uint8_t confirm[] = "\0\0\0\0\0\0\0\7\x7f\0\0\0\0\0\x80";
		confirm[3] = (uint8_t)i;
		rp_mux_input(m, 91, confirm, sizeof(confirm));
		o[i].piece = i < 100 ? 50 : 0;
	}
	for (int i = 0; i <= 100; i++) {
		give(&o[i], 10u << 20);
	}
	for (int i = 0; i < 100; i++) {
		rp_mux_run(m);
	}
	assert_true(o[100].sent >= 300 * 32768u);
	rp_mux_free(m);
}

static void test_small_parts(void **state)
{
	(void)state;
	struct rp_window win;
	rp_window_init(&win, 800, NULL);
	assert_int_equal(rp_window_take(&win, 801, NULL), RP_EPROTO);
	assert_int_equal(rp_window_take(&win, 800, NULL), 0);
	assert_int_equal(rp_window_take(&win, 1, NULL), RP_EPROTO);
	assert_int_equal(rp_window_consume(&win, 99), 0);
	assert_int_equal(rp_window_consume(&win, 1), 100);
	assert_int_equal(rp_window_consume(&win, 5000), 700);
	assert_int_equal(rp_window_consume(&win, 1), 0);
	assert_int_equal(win.open, 800);
	rp_window_init(&win, 1, NULL);
	assert_int_equal(rp_window_take(&win, 1, NULL), 0);
	assert_int_equal(rp_window_consume(&win, 0), 0);
	assert_int_equal(rp_window_consume(&win, 1), 1);

	/* Numbers come back only after all other slots and generations were used. */
	struct rp_mux_table t;
	struct rp_channel *c = (struct rp_channel *)(void *)&t;
	rp_mux_table_init(&t, 4);
	uint32_t id;
	uint32_t last = UINT32_MAX;
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(rp_mux_table_add(&t, c, &id), 0);
		assert_int_not_equal(id, last);
		assert_ptr_equal(rp_mux_table_find(&t, id), c);
		rp_mux_table_remove(&t, id);
		assert_null(rp_mux_table_find(&t, id));
		assert_int_equal(id & 3, i % 4);
		assert_int_equal(id >> 2, i / 4);
		last = id;
	}
	rp_mux_table_fini(&t);
	rp_mux_table_init(&t, 1);
	assert_int_equal(rp_mux_table_add(&t, c, &id), 0);
	assert_int_equal(rp_mux_table_add(&t, c, &id), RP_EBUSY);
	rp_mux_table_fini(&t);
}

/* --- allocation failures --- */

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
	    cmocka_unit_test(test_wire_examples),
	    cmocka_unit_test(test_bad_packets),
	    cmocka_unit_test(test_pending_is_unknown),
	    cmocka_unit_test(test_small_peer_packet_refused),
	    cmocka_unit_test(test_window_edges),
	    cmocka_unit_test(test_window_enforced),
	    cmocka_unit_test(test_packet_limit),
	    cmocka_unit_test(test_close_rules),
	    cmocka_unit_test(test_peer_close_is_answered_once),
	    cmocka_unit_test(test_close_before_confirmation),
	    cmocka_unit_test(test_data_then_eof_in_pull),
	    cmocka_unit_test(test_slow_reader),
	    cmocka_unit_test(test_channel_request),
	    cmocka_unit_test(test_own_channel_request),
	    cmocka_unit_test(test_unasked_answers),
	    cmocka_unit_test(test_extended_data_is_credited),
	    cmocka_unit_test(test_replies_keep_order),
	    cmocka_unit_test(test_requests_limit),
	    cmocka_unit_test(test_calls_one_at_a_time),
	    cmocka_unit_test(test_call_without_answer),
	    cmocka_unit_test(test_call_limits),
	    cmocka_unit_test(test_channels_limit),
	    cmocka_unit_test(test_full_and_hold),
	    cmocka_unit_test(test_fairness),
	    cmocka_unit_test(test_small_writers_do_not_starve_bulk),
	    cmocka_unit_test(test_small_parts),
	    cmocka_unit_test(test_oom),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
