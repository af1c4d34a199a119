/* SPDX-License-Identifier: MIT */
/*
 * A list of sessions with their mirror in the database. The sliding end is written back at most
 * once a minute per session:
 * after a crash a session may end that much early, never late.
 */
#include "api/sessions.h"

#include <stdio.h>
#include <string.h>

#include "api/sessions_store.h"
#include "core/alloc.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "core/hash.h"
#include "core/log.h"

#include "core/banned.h"

#define SLIDE_NS       (INT64_C(600) * RP_NS_PER_S)
#define WRITE_EVERY_NS (INT64_C(60) * RP_NS_PER_S)
#define SESSIONS_MAX   100000

struct entry {
	struct rp_hash_node node;
	struct rp_session s;
	int64_t written_at;
	char key[24];
};

struct rp_sessions {
	struct rp_store *store;
	struct rp_hash by_id;
};

static void entry_free(struct entry *e)
{
	rp_free(e->s.username);
	rp_free(e->s.user_agent);
	rp_free(e->s.ip_address);
	rp_free(e);
}

static struct entry *entry_new(const struct rp_session *s)
{
	struct entry *e = rp_calloc(1, sizeof(*e));
	if (e == NULL) {
		return NULL;
	}
	e->s = *s;
	e->written_at = s->last_access_at;
	e->s.username = rp_strdup(s->username);
	e->s.user_agent = rp_strdup(s->user_agent != NULL ? s->user_agent : "");
	e->s.ip_address = rp_strdup(s->ip_address != NULL ? s->ip_address : "");
	(void)snprintf(e->key, sizeof(e->key), "%llu", (unsigned long long)s->id);
	if (e->s.username == NULL || e->s.user_agent == NULL || e->s.ip_address == NULL) {
		entry_free(e);
		return NULL;
	}
	return e;
}

static void drop(struct rp_hash_node *node, void *ctx)
{
	struct rp_sessions *ss = ctx;
	rp_hash_remove(&ss->by_id, node);
	entry_free(RP_CONTAINER_OF(node, struct entry, node));
}

static void drop_expired(struct rp_hash_node *node, void *ctx)
{
	struct entry *e = RP_CONTAINER_OF(node, struct entry, node);
	struct rp_sessions *ss = ctx;
	if (e->s.expires_at < rp_time_now()) {
		if (rp_sessions_store_delete(ss->store, e->s.id, NULL, NULL) != 0) {
			rp_log_debug(
			    "api", "an ended session stays in the database until the next start");
		}
		drop(node, ss);
	}
}

/* NULL: no memory. */
static struct entry *put(struct rp_sessions *ss, const struct rp_session *s)
{
	struct entry *e = entry_new(s);
	if (e != NULL && rp_hash_put(&ss->by_id, &e->node, e->key) != 0) {
		entry_free(e);
		e = NULL;
	}
	return e;
}

static int on_row(void *ctx, const struct rp_session *s)
{
	return put(ctx, s) != NULL ? 0 : RP_ENOMEM;
}

int rp_sessions_new(struct rp_store *store, struct rp_sessions **out, struct rp_err *err)
{
	struct rp_sessions *ss = rp_calloc(1, sizeof(*ss));
	if (ss == NULL) {
		return rp_err_no_memory(err);
	}
	ss->store = store;
	rp_hash_init(&ss->by_id);
	int code = rp_sessions_store_load(store, rp_time_now(), on_row, ss, err);
	if (code != 0) {
		rp_sessions_free(ss);
		return code;
	}
	*out = ss;
	return 0;
}

void rp_sessions_free(struct rp_sessions *ss)
{
	if (ss != NULL) {
		rp_hash_each(&ss->by_id, drop, ss);
		rp_hash_fini(&ss->by_id);
		rp_free(ss);
	}
}

int rp_sessions_add(struct rp_sessions *ss, struct rp_session *s, rp_store_done_cb done, void *ctx)
{
	if (ss->by_id.count >= SESSIONS_MAX / 2) {
		rp_hash_each(&ss->by_id, drop_expired, ss);
	}
	if (ss->by_id.count >= SESSIONS_MAX) {
		return RP_ELIMIT;
	}
	/* 53 bits: a JSON number that every reader keeps exactly. */
	s->id = (rp_random_u64() >> 11) | 1;
	struct entry *e = put(ss, s);
	if (e == NULL) {
		return RP_ENOMEM;
	}
	int err = rp_sessions_store_save(ss->store, &e->s, done, ctx);
	if (err != 0) {
		drop(&e->node, ss);
	}
	return err;
}

static struct entry *find(const struct rp_sessions *ss, uint64_t id)
{
	char key[24];
	(void)snprintf(key, sizeof(key), "%llu", (unsigned long long)id);
	struct rp_hash_node *node = rp_hash_get(&ss->by_id, key);
	return node == NULL ? NULL : RP_CONTAINER_OF(node, struct entry, node);
}

bool rp_sessions_touch(struct rp_sessions *ss, uint64_t id, const char *username)
{
	int64_t now = rp_time_now();
	struct entry *e = find(ss, id);
	if (e == NULL || strcmp(e->s.username, username) != 0) {
		return false;
	}
	if (e->s.expires_at < now) {
		drop_expired(&e->node, ss);
		return false;
	}
	e->s.expires_at = RP_MAX(e->s.expires_at, now + SLIDE_NS);
	e->s.last_access_at = now;
	if (now - e->written_at > WRITE_EVERY_NS) {
		e->written_at = now;
		if (rp_sessions_store_save(ss->store, &e->s, NULL, NULL) != 0) {
			rp_log_debug("api", "a session's new end is not stored");
		}
	}
	return true;
}

int rp_sessions_end(struct rp_sessions *ss, uint64_t id, rp_store_done_cb done, void *ctx)
{
	struct entry *e = find(ss, id);
	if (e == NULL) {
		return RP_ENOENT;
	}
	int err = rp_sessions_store_delete(ss->store, id, done, ctx);
	if (err == 0) {
		drop(&e->node, ss);
	}
	return err;
}

bool rp_sessions_is_of(const struct rp_sessions *ss, uint64_t id, const char *username)
{
	const struct entry *e = find(ss, id);
	return e != NULL && strcmp(e->s.username, username) == 0;
}

struct walk {
	struct rp_sessions *sessions;
	const char *username;
	void (*fn)(void *ctx, const struct rp_session *s);
	void *ctx;
};

static void show_one(struct rp_hash_node *node, void *ctx)
{
	const struct walk *w = ctx;
	const struct entry *e = RP_CONTAINER_OF(node, struct entry, node);
	bool wanted = w->username == NULL || strcmp(e->s.username, w->username) == 0;
	if (wanted && e->s.expires_at >= rp_time_now()) {
		w->fn(w->ctx, &e->s);
	}
}

void rp_sessions_each(struct rp_sessions *ss, const char *username,
    void (*fn)(void *ctx, const struct rp_session *s), void *ctx)
{
	struct walk w = {.sessions = ss, .username = username, .fn = fn, .ctx = ctx};
	rp_hash_each(&ss->by_id, show_one, &w);
}

static void drop_of_user(struct rp_hash_node *node, void *ctx)
{
	const struct walk *w = ctx;
	const struct entry *e = RP_CONTAINER_OF(node, struct entry, node);
	if (strcmp(e->s.username, w->username) == 0) {
		drop(node, w->sessions);
	}
}

int rp_sessions_end_all(
    struct rp_sessions *ss, const char *username, rp_store_done_cb done, void *ctx)
{
	struct walk w = {.sessions = ss, .username = username};
	int err = rp_sessions_store_delete_user(ss->store, username, done, ctx);
	if (err == 0) {
		rp_hash_each(&ss->by_id, drop_of_user, &w);
	}
	return err;
}
