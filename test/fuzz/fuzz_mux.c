/* SPDX-License-Identifier: MIT */
/*
 * Packets of a hostile peer into a mux whose owner does a bit of everything. Input: records of one
 * length byte and that many bytes, message number first; length 0 is an act of the owner, chosen
 * by the next byte.
 */
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/buf.h"
#include "tunnel/mux.h"

#define CHANNELS_MAX 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct owner {
	struct rp_mux *mux;
	struct rp_channel *c[CHANNELS_MAX];
	struct rp_channel *pending;
	uint64_t ticket;
	size_t held[CHANNELS_MAX];
	int calls;
	bool full;
};

struct slot {
	struct owner *o;
	int i;
};

static struct slot slots[CHANNELS_MAX];

static int on_send(void *ctx, const struct iovec *iov, int n)
{
	struct owner *o = ctx;
	size_t total = 0;
	for (int i = 0; i < n; i++) {
		total += iov[i].iov_len;
	}
	RP_VERIFY(total > 0);
	return o->full ? 1 : 0;
}

static void on_request(void *ctx, struct rp_str name, uint64_t ticket, const uint8_t *p, size_t n)
{
	struct owner *o = ctx;
	(void)name;
	if (ticket % 3 == 0) {
		(void)rp_mux_reply(o->mux, ticket, true, p, n);
	} else {
		o->ticket = ticket;
	}
}

static void on_open(
    void *ctx, struct rp_channel *c, struct rp_str type, const uint8_t *extra, size_t n)
{
	struct owner *o = ctx;
	(void)type;
	(void)extra;
	if (o->pending != NULL || n == 0) {
		rp_channel_reject(c, RP_OPEN_PROHIBITED, "no");
		return;
	}
	o->pending = c;
}

static void on_error(void *ctx, const char *why)
{
	(void)ctx;
	RP_VERIFY(why != NULL);
}

static const struct rp_mux_ops mux_ops = {
    .send = on_send,
    .on_request = on_request,
    .on_open = on_open,
    .on_error = on_error,
};

static size_t on_pull(void *ctx, uint8_t *p, size_t max)
{
	const struct slot *s = ctx;
	size_t n = RP_MIN(max, (size_t)s->i * 100);
	memset(p, 'x', n);
	if (s->i == 3) {
		rp_channel_eof(s->o->c[s->i]);
	}
	return n;
}

static void on_data(void *ctx, const uint8_t *p, size_t n)
{
	const struct slot *s = ctx;
	RP_VERIFY(p != NULL && n > 0 && s->o->c[s->i] != NULL);
	s->o->held[s->i] += n;
	if (s->i == 2) {
		rp_channel_close(s->o->c[s->i]);
	}
}

static void on_eof(void *ctx)
{
	const struct slot *s = ctx;
	RP_VERIFY(s->o->c[s->i] != NULL);
	if (s->i == 4) {
		rp_channel_eof(s->o->c[s->i]);
	}
}

static void on_closed(void *ctx, int reason, struct rp_str text)
{
	const struct slot *s = ctx;
	(void)reason;
	(void)text;
	RP_VERIFY(s->o->c[s->i] != NULL);
	s->o->c[s->i] = NULL;
}

static const struct rp_channel_ops channel_ops = {
    .on_pull = on_pull,
    .on_data = on_data,
    .on_eof = on_eof,
    .on_closed = on_closed,
};

static void on_answer(void *ctx, int code, const uint8_t *p, size_t n)
{
	struct owner *o = ctx;
	(void)code;
	(void)p;
	(void)n;
	o->calls--;
}

static void accept_pending(struct owner *o)
{
	for (int i = 0; o->pending != NULL && i < CHANNELS_MAX; i++) {
		if (o->c[i] == NULL) {
			o->c[i] = o->pending;
			o->held[i] = 0;
			o->pending = NULL;
			rp_channel_accept(o->c[i], &channel_ops, &slots[i]);
		}
	}
}

static void act(struct owner *o, uint8_t what)
{
	int i = what % CHANNELS_MAX;
	struct rp_channel *c = o->c[i];
	switch (what / CHANNELS_MAX) {
	case 0:
		o->held[i] = c == NULL ? 0 : o->held[i];
		if (c == NULL &&
		    rp_channel_open(o->mux, "x", "y", 1, &channel_ops, &slots[i], &o->c[i]) != 0) {
			o->c[i] = NULL;
		}
		return;
	case 1:
		accept_pending(o);
		return;
	case 2:
		if (o->pending != NULL) {
			rp_channel_reject(o->pending, RP_OPEN_CONNECT_FAILED, "no");
			o->pending = NULL;
		}
		return;
	case 3:
		(void)rp_mux_reply(o->mux, o->ticket, false, "x", 1);
		return;
	case 4:
		if (rp_mux_call(o->mux, "ping", NULL, 0, on_answer, o, NULL) == 0) {
			o->calls++;
		}
		return;
	case 5:
		o->full = i % 2 == 0;
		rp_mux_drain(o->mux);
		return;
	case 6:
		rp_mux_hold(o->mux, i % 2 == 0);
		rp_mux_run(o->mux);
		return;
	default:
		break;
	}
	if (c == NULL) {
		return;
	}
	switch (what / CHANNELS_MAX) {
	case 7:
		rp_channel_eof(c);
		break;
	case 8:
		rp_channel_close(c);
		break;
	case 9:
		o->c[i] = NULL;
		rp_channel_detach(c);
		break;
	case 10:
		rp_channel_consumed(c, o->held[i]);
		o->held[i] = 0;
		break;
	default:
		rp_channel_ready(c);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct owner o = {0};
	struct rp_budget budget;
	rp_budget_init(&budget, 65536);
	struct rp_mux_options opt = {
	    .window = 4096,
	    .budget = &budget,
	    .packet_max = 64,
	    .channels_max = 12,
	};
	struct rp_cursor in;
	uint8_t n;
	if (rp_mux_new(&o.mux, &opt, &mux_ops, &o) != 0) {
		return 0;
	}
	for (int i = 0; i < CHANNELS_MAX; i++) {
		slots[i] = (struct slot){&o, i};
	}
	rp_cursor_init(&in, data, size);
	while (rp_cursor_u8(&in, &n) == 0) {
		const uint8_t *p;
		uint8_t type;
		if (n == 0) {
			if (rp_cursor_u8(&in, &n) == 0) {
				act(&o, n);
			}
			continue;
		}
		if (rp_cursor_u8(&in, &type) != 0 ||
		    rp_cursor_bytes(&in, RP_MIN((size_t)n - 1, in.left), &p) != 0) {
			break;
		}
		/* A copy, so that a read past the end is seen. */
		size_t len = RP_MIN((size_t)n - 1, (size_t)(data + size - p));
		uint8_t *copy = rp_memdup(p, len);
		if (copy != NULL) {
			rp_mux_input(o.mux, (uint8_t)(80 + type % 21), copy, len);
		}
		rp_free(copy);
	}
	o.pending = NULL;
	rp_mux_free(o.mux);
	RP_VERIFY(o.calls == 0);
	RP_VERIFY(rp_budget_promised(&budget) == 0);
	for (int i = 0; i < CHANNELS_MAX; i++) {
		RP_VERIFY(o.c[i] == NULL);
	}
	return 0;
}
