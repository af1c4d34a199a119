/* SPDX-License-Identifier: MIT */
/*
 * Credit goes out in parts of an eighth: seldom enough to cost nothing, and the sender always has
 * seven eighths of the window less what is really under way or unread.
 */
#include "tunnel/window.h"

#include <string.h>

#include "core/err.h"

#include "core/banned.h"

#define CREDIT_PARTS 8u
/* Shorter gaps are this process at work on what came before. */
#define IDLE_MIN_NS 500000u
/* Smaller messages (of a chatty neighbour) do not make a connection busy. */
#define BUSY_MIN 4096u
/* Of the time, stalled on an idle path: reason to grow. */
#define STALLED_PARTS 10u
/* Key strokes end at every number, limits included. */
#define TINY_MAX 256u
/* Shorter rounds say more about the scheduler than about the path. */
#define ROUND_MIN_NS 50000000u
/* Bytes by which limits are short of what was read. More of them than limits within a round, and
 * a prime, so that no pattern comes back soon. */
#define SHORT_MAX 61

void rp_window_path_data(struct rp_window_path *p, uint64_t now_ns, uint32_t n)
{
	uint64_t gap = now_ns - p->last_ns;
	p->now_ns = now_ns;
	p->idle_ns = p->idle_before_ns + (gap >= IDLE_MIN_NS ? gap : 0);
	if (n >= BUSY_MIN) {
		p->last_ns = now_ns;
		p->idle_before_ns = p->idle_ns;
	}
}

void rp_window_init(struct rp_window *w, uint32_t size, struct rp_budget *budget)
{
	size = budget == NULL ? size : rp_budget_open(budget, size);
	*w = (struct rp_window){.size = size, .open = size, .initial = size, .budget = budget};
	/* A round number, but the only such one. */
	w->limits[w->limits_n++] = size;
}

/* --- arrival --- */

/* Has the reader kept up, and would a larger window have filled a fair part of the time? */
static void judge_growth(struct rp_window *w, const struct rp_window_path *path)
{
	uint64_t round = path->now_ns - w->round_ns;
	if (w->round_bytes < w->size / 2 || round < ROUND_MIN_NS) {
		return;
	}
	bool limits = w->stalled_ns > round / STALLED_PARTS && w->held < w->size / CREDIT_PARTS &&
	    w->withhold == 0;
	w->doublings = 0;
	if (limits && w->stalled_ns >= round / 4 * 3) {
		/* A path that was filled for a quarter of the time takes four times as much. */
		w->doublings = 2;
	} else if (limits && (w->suspect || w->stalled_ns >= round / 2)) {
		w->doublings = 1;
	}
	w->suspect = limits;
	w->round_bytes = 0;
	w->stalled_ns = 0;
	w->round_ns = path->now_ns;
}

/* Does the message of n bytes that just arrived end at a limit? Forgets those that are passed. */
static bool at_limit(struct rp_window *w, uint32_t n)
{
	size_t passed = 0;
	bool at = false;
	while (passed < w->limits_n && w->arrived - w->limits[passed] <= n) {
		at = w->arrived == w->limits[passed];
		passed++;
	}
	if (passed == 0) {
		return false;
	}
	w->limits_n -= (uint8_t)passed;
	memmove(w->limits, w->limits + passed, w->limits_n * sizeof(w->limits[0]));
	return at && (n > TINY_MAX || w->last > TINY_MAX);
}

static void note_arrival(struct rp_window *w, uint32_t n, const struct rp_window_path *path)
{
	if (w->round_ns == 0) {
		w->round_ns = path->now_ns;
	}
	if (w->stalled) {
		w->stalled_ns += path->idle_ns - w->idle_mark_ns;
		judge_growth(w, path);
	}
	w->arrived += n;
	w->round_bytes = RP_MIN(w->round_bytes, UINT32_MAX - n) + n;
	w->stalled = at_limit(w, n);
	w->idle_mark_ns = path->idle_ns;
	w->last = n;
}

int rp_window_take(struct rp_window *w, uint32_t n, const struct rp_window_path *path)
{
	if (n > w->open) {
		return RP_EPROTO;
	}
	w->open -= n;
	if (w->ended || n == 0) {
		return 0;
	}
	if (w->budget != NULL) {
		note_arrival(w, n, path);
	}
	w->held += n;
	return 0;
}

/* --- credit --- */

static void announce(struct rp_window *w, uint32_t n)
{
	w->open += n;
	if (w->limits_n == RP_WINDOW_LIMITS) {
		w->limits_n--;
	}
	w->limits[w->limits_n++] = w->arrived + w->open;
}

/* Bytes by which the window grows now. */
static uint32_t growth(struct rp_window *w)
{
	uint32_t grown = 0;
	for (; w->doublings > 0; w->doublings--) {
		uint32_t n = rp_budget_grow(w->budget, w->size);
		w->size += n;
		grown += n;
	}
	if (grown > 0) {
		w->limits_n = 0;
	}
	return grown;
}

/* Once per quarter of the window that was read. */
static void judge_shrink(struct rp_window *w, uint32_t n)
{
	w->read_bytes += n;
	w->held_min = RP_MIN(w->held_min, w->held);
	if (w->read_bytes < w->size / 4) {
		return;
	}
	if (w->withhold == 0) {
		w->withhold = rp_budget_excess(w->budget, w->size);
	}
	if (w->withhold == 0 && w->size > w->initial && w->held_min >= w->size / 2) {
		w->withhold = RP_MIN(w->size / 2, w->size - w->initial);
	}
	w->read_bytes = 0;
	w->held_min = w->held;
}

static void keep_back(struct rp_window *w)
{
	uint32_t n = RP_MIN(w->withhold, w->pending);
	if (n == 0) {
		return;
	}
	w->withhold -= n;
	w->pending -= n;
	w->size -= n;
	rp_budget_give(w->budget, n);
	if (w->withhold == 0) {
		/* The sender ran into the old limits because it was to. */
		w->limits_n = 0;
		w->stalled = false;
	}
}

/* The credit that is due, less a few bytes. */
static uint32_t following_credit(struct rp_window *w, uint32_t n)
{
	judge_shrink(w, n);
	keep_back(w);
	uint32_t grown = growth(w);
	if (grown == 0 && (w->pending == 0 || w->pending < w->size / CREDIT_PARTS)) {
		return 0;
	}
	uint32_t credit = w->pending + grown;
	w->short_of = (uint8_t)(w->short_of % SHORT_MAX + 1);
	if (w->pending >= 2u * w->short_of) {
		credit -= w->short_of;
	}
	w->pending = w->pending + grown - credit;
	announce(w, credit);
	return credit;
}

uint32_t rp_window_consume(struct rp_window *w, uint32_t n)
{
	n = RP_MIN(n, w->held);
	w->held -= n;
	if (w->ended) {
		w->size -= n;
		if (w->budget != NULL) {
			rp_budget_give(w->budget, n);
		}
		return 0;
	}
	w->pending += n;
	if (w->budget != NULL) {
		return following_credit(w, n);
	}
	if (w->pending == 0 || w->pending < w->size / CREDIT_PARTS) {
		return 0;
	}
	uint32_t credit = w->pending;
	w->pending = 0;
	w->open += credit;
	return credit;
}

void rp_window_end(struct rp_window *w)
{
	if (w->ended) {
		return;
	}
	w->ended = true;
	if (w->budget != NULL) {
		rp_budget_give(w->budget, w->size - w->held);
	}
	w->size = w->held;
}

void rp_window_fini(struct rp_window *w)
{
	rp_window_end(w);
	(void)rp_window_consume(w, w->held);
}
