/* SPDX-License-Identifier: MIT */
/*
 * Two tables under one mutex: sources by address (slots, failures, ban) and names (wait). Both are
 * bounded. A full table of sources forgets what says nothing any more, else counts of failures,
 * else
 * bans: an attacker with that many addresses is not stopped by a ban list, and must not lock others
 * out. Who holds a slot stays. A full table of names does not record further waits.
 */
#include "acl/gate.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/hash.h"

#include "core/banned.h"

#define SOURCES_MAX  65536
#define NAMES_MAX    65536
#define NAME_LEN_MAX 256

struct source {
	struct rp_hash_node node;
	unsigned slots;
	unsigned failed;
	uint64_t banned_until; /* 0 = not banned */
	char key[RP_GATE_SOURCE_MAX];
};

struct name {
	struct rp_hash_node node;
	uint64_t until;
	char key[];
};

struct rp_gate {
	struct rp_gate_options opt;
	pthread_mutex_t lock;
	struct rp_hash sources;
	struct rp_hash names;
	unsigned slots;
	uint64_t seen_ms; /* latest time that a caller gave, for rp_gate_enter */
};

int rp_gate_new(const struct rp_gate_options *opt, struct rp_gate **out)
{
	struct rp_gate *g = rp_calloc(1, sizeof(*g));
	if (g == NULL) {
		return RP_ENOMEM;
	}
	g->opt = *opt;
	pthread_mutex_init(&g->lock, NULL);
	rp_hash_init(&g->sources);
	rp_hash_init(&g->names);
	*out = g;
	return 0;
}

static void free_source(struct rp_hash_node *node, void *ctx)
{
	struct rp_gate *g = ctx;
	rp_hash_remove(&g->sources, node);
	rp_free(RP_CONTAINER_OF(node, struct source, node));
}

static void free_name(struct rp_hash_node *node, void *ctx)
{
	struct rp_gate *g = ctx;
	rp_hash_remove(&g->names, node);
	rp_free(RP_CONTAINER_OF(node, struct name, node));
}

void rp_gate_free(struct rp_gate *g)
{
	if (g == NULL) {
		return;
	}
	rp_hash_each(&g->sources, free_source, g);
	rp_hash_each(&g->names, free_name, g);
	rp_hash_fini(&g->sources);
	rp_hash_fini(&g->names);
	pthread_mutex_destroy(&g->lock);
	rp_free(g);
}

/* One IPv6 host has a whole /64 to itself: that is the unit that counts. */
void rp_gate_source(const char *addr, char out[static RP_GATE_SOURCE_MAX])
{
	struct in6_addr a;
	bool v6 = inet_pton(AF_INET6, addr, &a) == 1;
	if (v6 && IN6_IS_ADDR_V4MAPPED(&a)) {
		(void)inet_ntop(AF_INET, &a.s6_addr[12], out, RP_GATE_SOURCE_MAX);
		return;
	}
	if (v6) {
		memset(&a.s6_addr[8], 0, 8);
		char text[INET6_ADDRSTRLEN];
		if (inet_ntop(AF_INET6, &a, text, sizeof(text)) != NULL) {
			(void)snprintf(out, RP_GATE_SOURCE_MAX, "%s/64", text);
			return;
		}
	}
	(void)snprintf(out, RP_GATE_SOURCE_MAX, "%s", addr);
}

/* How much a full table gives up: what is over, then counts of failures, then bans. */
enum sweep_level {
	SWEEP_OVER,
	SWEEP_FAILURES,
	SWEEP_BANS
};

struct sweep {
	struct rp_gate *g;
	uint64_t now_ms;
	enum sweep_level level;
};

static void sweep_source(struct rp_hash_node *node, void *ctx)
{
	struct sweep *w = ctx;
	const struct source *s = RP_CONTAINER_OF(node, struct source, node);
	bool counts = s->failed != 0 && w->level < SWEEP_FAILURES;
	bool banned = s->banned_until > w->now_ms && w->level < SWEEP_BANS;
	if (s->slots == 0 && !counts && !banned) {
		free_source(node, w->g);
	}
}

static void make_room(struct rp_gate *g, uint64_t now_ms)
{
	struct sweep w = {.g = g, .now_ms = now_ms, .level = SWEEP_OVER};
	for (; g->sources.count >= SOURCES_MAX && w.level <= SWEEP_BANS; w.level++) {
		rp_hash_each(&g->sources, sweep_source, &w);
	}
}

static void sweep_name(struct rp_hash_node *node, void *ctx)
{
	struct sweep *w = ctx;
	if (RP_CONTAINER_OF(node, struct name, node)->until <= w->now_ms) {
		free_name(node, w->g);
	}
}

static struct source *find_source(struct rp_gate *g, const char *addr)
{
	char key[RP_GATE_SOURCE_MAX];
	rp_gate_source(addr, key);
	struct rp_hash_node *node = rp_hash_get(&g->sources, key);
	return node == NULL ? NULL : RP_CONTAINER_OF(node, struct source, node);
}

/* NULL without memory or room. */
static struct source *make_source(struct rp_gate *g, const char *addr, uint64_t now_ms)
{
	struct source *s = find_source(g, addr);
	if (s != NULL) {
		return s;
	}
	make_room(g, now_ms);
	if (g->sources.count >= SOURCES_MAX || (s = rp_calloc(1, sizeof(*s))) == NULL) {
		return NULL;
	}
	rp_gate_source(addr, s->key);
	if (rp_hash_put(&g->sources, &s->node, s->key) != 0) {
		rp_free(s);
		return NULL;
	}
	return s;
}

static void drop_if_idle(struct rp_gate *g, struct source *s)
{
	if (s->slots == 0 && s->failed == 0 && s->banned_until == 0) {
		free_source(&s->node, g);
	}
}

/* With all slots taken, a source that holds less than an equal part may still enter: the total
 * can be
 * passed by at most one slot per source. */
static bool may_enter(const struct rp_gate *g, const struct source *s)
{
	if (g->opt.slots_per_source != 0 && s->slots >= g->opt.slots_per_source) {
		return false;
	}
	return g->opt.slots_total == 0 || g->slots < g->opt.slots_total || s->slots == 0;
}

int rp_gate_enter(struct rp_gate *g, const char *addr)
{
	int err = RP_EBUSY;
	pthread_mutex_lock(&g->lock);
	struct source *s = make_source(g, addr, g->seen_ms);
	if (s != NULL && may_enter(g, s)) {
		s->slots++;
		g->slots++;
		err = 0;
	}
	pthread_mutex_unlock(&g->lock);
	return err;
}

void rp_gate_leave(struct rp_gate *g, const char *addr)
{
	pthread_mutex_lock(&g->lock);
	struct source *s = find_source(g, addr);
	RP_VERIFY(s != NULL && s->slots > 0 && g->slots > 0);
	s->slots--;
	g->slots--;
	drop_if_idle(g, s);
	pthread_mutex_unlock(&g->lock);
}

bool rp_gate_banned(struct rp_gate *g, const char *addr, uint64_t now_ms)
{
	pthread_mutex_lock(&g->lock);
	g->seen_ms = RP_MAX(g->seen_ms, now_ms);
	struct source *s = find_source(g, addr);
	bool banned = false;
	if (s != NULL && s->banned_until != 0) {
		banned = s->banned_until > now_ms;
		if (!banned) {
			s->banned_until = 0;
			drop_if_idle(g, s);
		}
	}
	pthread_mutex_unlock(&g->lock);
	return banned;
}

static struct name *find_name(struct rp_gate *g, const char *name)
{
	struct rp_hash_node *node = rp_hash_get(&g->names, name);
	return node == NULL ? NULL : RP_CONTAINER_OF(node, struct name, node);
}

bool rp_gate_name_allowed(struct rp_gate *g, const char *name, uint64_t now_ms)
{
	pthread_mutex_lock(&g->lock);
	struct name *n = find_name(g, name);
	bool allowed = n == NULL || n->until <= now_ms;
	if (n != NULL && allowed) {
		free_name(&n->node, g);
	}
	pthread_mutex_unlock(&g->lock);
	return allowed;
}

static void name_failed(struct rp_gate *g, const char *name, uint64_t now_ms)
{
	size_t len = strlen(name);
	if (g->opt.login_wait_ms == 0 || len > NAME_LEN_MAX) {
		return;
	}
	struct name *n = find_name(g, name);
	if (n == NULL) {
		if (g->names.count >= NAMES_MAX) {
			struct sweep w = {.g = g, .now_ms = now_ms};
			rp_hash_each(&g->names, sweep_name, &w);
		}
		if (g->names.count >= NAMES_MAX ||
		    (n = rp_calloc(1, sizeof(*n) + len + 1)) == NULL) {
			return;
		}
		memcpy(n->key, name, len + 1);
		if (rp_hash_put(&g->names, &n->node, n->key) != 0) {
			rp_free(n);
			return;
		}
	}
	n->until = now_ms + g->opt.login_wait_ms;
}

static bool source_failed(struct rp_gate *g, const char *addr, uint64_t now_ms)
{
	if (g->opt.max_failed == 0 || g->opt.ban_ms == 0) {
		return false;
	}
	struct source *s = make_source(g, addr, now_ms);
	if (s == NULL || ++s->failed < g->opt.max_failed) {
		return false;
	}
	s->failed = 0;
	s->banned_until = now_ms + g->opt.ban_ms;
	return true;
}

bool rp_gate_failed(struct rp_gate *g, const char *addr, const char *name, uint64_t now_ms)
{
	pthread_mutex_lock(&g->lock);
	g->seen_ms = RP_MAX(g->seen_ms, now_ms);
	if (name != NULL) {
		name_failed(g, name, now_ms);
	}
	bool banned = source_failed(g, addr, now_ms);
	pthread_mutex_unlock(&g->lock);
	return banned;
}

void rp_gate_succeeded(struct rp_gate *g, const char *addr, const char *name)
{
	pthread_mutex_lock(&g->lock);
	struct name *n = name == NULL ? NULL : find_name(g, name);
	if (n != NULL) {
		free_name(&n->node, g);
	}
	struct source *s = find_source(g, addr);
	if (s != NULL) {
		s->failed = 0;
		s->banned_until = 0;
		drop_if_idle(g, s);
	}
	pthread_mutex_unlock(&g->lock);
}
