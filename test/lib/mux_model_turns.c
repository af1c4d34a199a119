/* SPDX-License-Identifier: MIT */
/*
 * Fairness, for any order that keeps its promises: whoever waits gets its turn after a limited
 * number of others, and one that only ever gave little waits for next to no bulk data.
 */
#include "test/lib/mux_model_private.h"

/* So many small turns may pass a bulk channel (tunnel/mux_queue.c). */
#define SMALL_TURNS 16u
#define BIG         16384u
#define SMALL       1024u

/* Not the one whose packet is being taken: its place in the row comes after that. */
static bool waits(const struct rp_model_stream *s, int side)
{
	return s->used && s->side == side && s->c != NULL && s->ready && !s->closed &&
	    s->rule != NULL && s->rule->state == RP_RULE_OPEN && s->rule->send_window > 0 &&
	    !s->eof_asked && !s->close_asked && s->md->side[side].due.s != s;
}

static unsigned count_open(const struct rp_model *md, int side)
{
	unsigned n = 0;
	for (int i = 0; i < md->conns; i++) {
		for (int k = 0; k < 2; k++) {
			n += md->st[i][k].side == side && md->st[i][k].rule != NULL;
		}
	}
	return n;
}

/* Another one was passed. */
static void pass(struct rp_model_stream *s, bool bulk, unsigned channels)
{
	s->passes++;
	s->bulk_passes += bulk;
	RP_MODEL_CHECK(s->md, s->passes <= (SMALL_TURNS + 1) * (channels + 1));
	if (s->pull_max <= SMALL && s->burst < BIG) {
		RP_MODEL_CHECK(s->md, s->bulk_passes <= 2 + s->passes / SMALL_TURNS);
	}
}

static void account(struct rp_model_stream *s, size_t n)
{
	s->passes = 0;
	s->bulk_passes = 0;
	s->bulk_turns = n >= BIG ? s->bulk_turns + 1 : 0;
	s->burst = n == 0 ? 0 : s->burst + n;
	s->pull_max = RP_MAX(s->pull_max, n);
}

void rp_model_turn(struct rp_model_stream *s, size_t n)
{
	struct rp_model *md = s->md;
	bool bulk = s->bulk_turns >= 2;
	unsigned channels = count_open(md, s->side);
	for (int i = 0; i < md->conns; i++) {
		for (int k = 0; k < 2; k++) {
			struct rp_model_stream *t = &md->st[i][k];
			if (t == s) {
				continue;
			}
			if (waits(t, s->side)) {
				pass(t, bulk, channels);
			} else {
				t->passes = 0;
				t->bulk_passes = 0;
			}
		}
	}
	account(s, n);
}
