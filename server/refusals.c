/* SPDX-License-Identifier: MIT */
/*
 * A short table that is searched from the start: it is empty, or the server has other worries.
 */
#include "server/refusals.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/log.h"

#include "core/banned.h"

#define MINUTE_MS 60000
#define OTHERS    "other addresses"

void rp_refusals_init(struct rp_refusals *r, const char *component, const char *why)
{
	memset(r, 0, sizeof(*r));
	r->component = component;
	r->why = why;
	pthread_mutex_init(&r->lock, NULL);
}

void rp_refusals_fini(struct rp_refusals *r)
{
	pthread_mutex_destroy(&r->lock);
}

static struct rp_refusal *find(struct rp_refusals *r, const char *source)
{
	for (size_t i = 0; i < r->n; i++) {
		if (strcmp(r->v[i].source, source) == 0) {
			return &r->v[i];
		}
	}
	return NULL;
}

/* A new source: its first refusal is told. */
static void begin(struct rp_refusals *r, const char *source, uint64_t now_ms)
{
	struct rp_refusal *e = &r->v[r->n++];
	(void)snprintf(e->source, sizeof(e->source), "%s", source);
	e->n = 0;
	e->until = now_ms + MINUTE_MS;
	rp_log_info(
	    r->component, "%s: %s: connection refused, further ones are counted", source, r->why);
}

void rp_refusals_add(struct rp_refusals *r, const char *addr, uint64_t now_ms)
{
	char source[RP_GATE_SOURCE_MAX];
	rp_gate_source(addr, source);
	pthread_mutex_lock(&r->lock);
	struct rp_refusal *e = find(r, source);
	if (e == NULL && r->n >= RP_REFUSALS_SOURCES) {
		(void)snprintf(source, sizeof(source), OTHERS);
		e = find(r, source);
	}
	if (e == NULL) {
		begin(r, source, now_ms);
	} else {
		e->n++;
	}
	pthread_mutex_unlock(&r->lock);
}

void rp_refusals_tick(struct rp_refusals *r, uint64_t now_ms)
{
	if (atomic_load_explicit(&r->n, memory_order_relaxed) == 0) {
		return;
	}
	pthread_mutex_lock(&r->lock);
	size_t kept = 0;
	for (size_t i = 0; i < r->n; i++) {
		struct rp_refusal *e = &r->v[i];
		bool over = e->until <= now_ms;
		if (over && e->n > 0) {
			rp_log_info(r->component, "%s: %s: refused=%" PRIu64 " more connections",
			    e->source, r->why, e->n);
			e->n = 0;
			e->until = now_ms + MINUTE_MS;
			over = false;
		}
		if (!over) {
			r->v[kept++] = *e;
		}
	}
	r->n = kept;
	pthread_mutex_unlock(&r->lock);
}
