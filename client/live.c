/* SPDX-License-Identifier: MIT */
/*
 * OPENING -> RUNNING (on_ready) -> ENDING (rp_live_end) -> FLUSHED (on_flushed). The connection may
 * end in each of them: then the channels are gone and what is written goes nowhere.
 *
 * on_pull runs while the transport waits for a packet, when nothing else may be sent; so whatever is
 * told, a timer tells.
 */
#include "client/live.h"

#include <stdio.h>
#include <string.h>

#include <uv.h>

#include "core/alloc.h"
#include "core/buf.h"

#include "core/banned.h"

enum live_state {
	OPENING,
	RUNNING,
	ENDING,
	FLUSHED
};

struct side {
	struct rp_live *live;
	struct rp_channel *channel; /* NULL: refused, or gone */
	bool open;                  /* confirmed */
	struct rp_buf queue;
	uint64_t dropped;
};

struct rp_live {
	const struct rp_live_ops *ops;
	void *ctx;
	enum live_state state;
	bool lost;
	bool closing;
	uv_timer_t timer;
	struct side sides[2];
};

static void on_timer(uv_timer_t *t);

static void arm(struct rp_live *l, uint64_t ms)
{
	if (!l->closing) {
		RP_VERIFY(uv_timer_start(&l->timer, on_timer, ms, 0) == 0);
	}
}

static bool settled(const struct rp_live *l)
{
	for (size_t i = 0; i < 2; i++) {
		if (l->sides[i].channel != NULL && !l->sides[i].open) {
			return false;
		}
	}
	return true;
}

static bool drained(const struct rp_live *l)
{
	for (size_t i = 0; i < 2; i++) {
		if (l->sides[i].channel != NULL && l->sides[i].queue.len > 0) {
			return false;
		}
	}
	return true;
}

/* Is there something to tell? */
static void look(struct rp_live *l)
{
	if ((l->state == OPENING && settled(l)) || (l->state == ENDING && drained(l))) {
		arm(l, 0);
	}
}

static void on_timer(uv_timer_t *t)
{
	struct rp_live *l = t->data;
	if (l->state == OPENING) {
		l->state = RUNNING;
		l->ops->on_ready(l->ctx, l->lost);
	} else if (l->state == ENDING) {
		l->state = FLUSHED;
		l->ops->on_flushed(l->ctx);
	}
}

/* Channels */

static void on_opened(void *ctx)
{
	struct side *s = ctx;
	s->open = true;
	look(s->live);
}

static size_t on_pull(void *ctx, uint8_t *p, size_t max)
{
	struct side *s = ctx;
	size_t n = rp_buf_move(&s->queue, p, max);
	look(s->live);
	return n;
}

static void on_data(void *ctx, const uint8_t *p, size_t n)
{
	struct side *s = ctx;
	(void)p;
	rp_channel_consumed(s->channel, n);
}

static void on_eof(void *ctx)
{
	(void)ctx;
}

static void on_closed(void *ctx, int reason, struct rp_str text)
{
	struct side *s = ctx;
	(void)text;
	s->channel = NULL;
	rp_buf_fini(&s->queue);
	s->live->lost = s->live->lost || reason < 0;
	look(s->live);
}

static const struct rp_channel_ops channel_ops = {
    .on_opened = on_opened,
    .on_pull = on_pull,
    .on_data = on_data,
    .on_eof = on_eof,
    .on_closed = on_closed,
};

int rp_live_open(struct rp_loop *loop, struct rp_mux *mux, struct rp_str payload,
    const struct rp_live_ops *ops, void *ctx, struct rp_live **out)
{
	static const char *const types[] = {"stdout", "stderr"};
	struct rp_live *l = rp_calloc(1, sizeof(*l));
	if (l == NULL) {
		return RP_ENOMEM;
	}
	l->ops = ops;
	l->ctx = ctx;
	RP_VERIFY(uv_timer_init(rp_loop_uv(loop), &l->timer) == 0);
	l->timer.data = l;
	for (size_t i = 0; i < 2; i++) {
		struct side *s = &l->sides[i];
		s->live = l;
		rp_buf_init(&s->queue, RP_LIVE_QUEUE_MAX);
		int err = rp_channel_open(
		    mux, types[i], payload.p, payload.len, &channel_ops, s, &s->channel);
		if (err != 0) {
			rp_live_close(l);
			return err;
		}
	}
	arm(l, RP_LIVE_OPEN_MS);
	*out = l;
	return 0;
}

/* Output */

static int add_note(struct side *s)
{
	char note[80];
	if (s->dropped == 0) {
		return 0;
	}
	(void)snprintf(note, sizeof(note), "\n[%llu bytes of live output were left out]\n",
	    (unsigned long long)s->dropped);
	int err = rp_buf_add_str(&s->queue, note);
	if (err == 0) {
		s->dropped = 0;
	}
	return err;
}

void rp_live_write(struct rp_live *l, int stream, const uint8_t *p, size_t n)
{
	struct side *s = &l->sides[stream - 1];
	if (s->channel == NULL) {
		return;
	}
	if (!s->open || add_note(s) != 0 || rp_buf_add(&s->queue, p, n) != 0) {
		s->dropped += n;
		return;
	}
	rp_channel_ready(s->channel);
}

void rp_live_end(struct rp_live *l)
{
	l->state = ENDING;
	arm(l, RP_LIVE_FLUSH_MS);
	look(l);
}

static void on_timer_closed(uv_handle_t *h)
{
	rp_free(h->data);
}

void rp_live_close(struct rp_live *l)
{
	if (l == NULL || l->closing) {
		return;
	}
	l->closing = true;
	for (size_t i = 0; i < 2; i++) {
		if (l->sides[i].channel != NULL) {
			rp_channel_detach(l->sides[i].channel);
			l->sides[i].channel = NULL;
		}
		rp_buf_fini(&l->sides[i].queue);
	}
	uv_close((uv_handle_t *)&l->timer, on_timer_closed);
}
