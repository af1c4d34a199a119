/* SPDX-License-Identifier: MIT */
/*
 * The list of tokens, in the order of their making. The database decides first: what it has not
 * taken does not count here either.
 */
#include "api/tokens.h"

#include <stdio.h>
#include <string.h>

#include "api/tokens_store.h"
#include "core/alloc.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "core/list.h"
#include "core/log.h"

#include "core/banned.h"

#define LIFETIME_NS (INT64_C(365) * 86400 * RP_NS_PER_S)

struct entry {
	struct rp_list node;
	struct rp_token t;
};

struct rp_tokens {
	struct rp_store *store;
	struct rp_list all;
};

/* A write under way. */
struct op {
	struct rp_tokens *tokens;
	struct entry *entry; /* the new state, owned */
	rp_store_done_cb done;
	void *ctx;
};

static const char *const scopes[] = {
    [RP_SCOPE_FULL] = "read+write",
    [RP_SCOPE_READ] = "read",
    [RP_SCOPE_CLIENTS_AUTH] = "clients-auth",
};

const char *rp_scope_name(enum rp_scope scope)
{
	return scopes[scope];
}

int rp_scope_parse(const char *name, enum rp_scope *scope)
{
	for (size_t i = 0; i < RP_ARRAY_LEN(scopes); i++) {
		if (strcmp(scopes[i], name) == 0) {
			*scope = (enum rp_scope)i;
			return 0;
		}
	}
	return RP_EINVAL;
}

static void entry_free(struct entry *e)
{
	if (e != NULL) {
		rp_list_remove(&e->node);
		rp_free(e->t.username);
		rp_free(e->t.name);
		rp_free(e);
	}
}

static struct entry *entry_new(const struct rp_token *t)
{
	struct entry *e = rp_calloc(1, sizeof(*e));
	if (e == NULL) {
		return NULL;
	}
	rp_list_init(&e->node);
	e->t = *t;
	e->t.username = rp_strdup(t->username);
	e->t.name = rp_strdup(t->name);
	if (e->t.username == NULL || e->t.name == NULL) {
		entry_free(e);
		return NULL;
	}
	return e;
}

static int on_row(void *ctx, const struct rp_token *t)
{
	struct rp_tokens *ts = ctx;
	struct entry *e = entry_new(t);
	if (e == NULL) {
		return RP_ENOMEM;
	}
	rp_list_append(&ts->all, &e->node);
	return 0;
}

int rp_tokens_new(struct rp_store *store, struct rp_tokens **out, struct rp_err *err)
{
	struct rp_tokens *ts = rp_calloc(1, sizeof(*ts));
	if (ts == NULL) {
		return rp_err_no_memory(err);
	}
	ts->store = store;
	rp_list_init(&ts->all);
	int code = rp_tokens_store_load(store, on_row, ts, err);
	if (code != 0) {
		rp_tokens_free(ts);
		return code;
	}
	*out = ts;
	return 0;
}

void rp_tokens_free(struct rp_tokens *ts)
{
	struct rp_list *it;
	struct rp_list *tmp;
	if (ts == NULL) {
		return;
	}
	RP_LIST_FOREACH(it, tmp, &ts->all) {
		entry_free(RP_LIST_ENTRY(it, struct entry, node));
	}
	rp_free(ts);
}

static struct entry *find(const struct rp_tokens *ts, const char *username, const char *prefix)
{
	struct rp_list *it;
	struct rp_list *tmp;
	RP_LIST_FOREACH(it, tmp, &ts->all) {
		struct entry *e = RP_LIST_ENTRY(it, struct entry, node);
		if (strcmp(e->t.prefix, prefix) == 0 && strcmp(e->t.username, username) == 0) {
			return e;
		}
	}
	return NULL;
}

static int hash_secret(const char *secret, char hash[static RP_TOKEN_HASH_MAX])
{
	uint8_t sum[32];
	int err = rp_sha256(secret, strlen(secret), sum);
	rp_hex(sum, sizeof(sum), hash);
	return err;
}

const struct rp_token *rp_tokens_match(
    const struct rp_tokens *ts, const char *username, const char *password, bool *equal)
{
	char prefix[RP_TOKEN_PREFIX_LEN + 1];
	char hash[RP_TOKEN_HASH_MAX];
	*equal = false;
	if (strlen(password) != RP_TOKEN_TEXT_MAX - 1 || password[RP_TOKEN_PREFIX_LEN] != '_') {
		return NULL;
	}
	(void)snprintf(prefix, sizeof(prefix), "%.*s", RP_TOKEN_PREFIX_LEN, password);
	const struct entry *e = find(ts, username, prefix);
	if (e == NULL) {
		return NULL;
	}
	if (hash_secret(password + RP_TOKEN_PREFIX_LEN + 1, hash) == 0) {
		*equal = rp_secret_str_eq(hash, e->t.hash);
	}
	return &e->t;
}

void rp_tokens_each(const struct rp_tokens *ts, const char *username,
    void (*fn)(void *ctx, const struct rp_token *t), void *ctx)
{
	struct rp_list *it;
	struct rp_list *tmp;
	RP_LIST_FOREACH(it, tmp, &ts->all) {
		const struct entry *e = RP_LIST_ENTRY(it, struct entry, node);
		if (strcmp(e->t.username, username) == 0) {
			fn(ctx, &e->t);
		}
	}
}

/* --- writes --- */

static void op_free(struct op *op)
{
	entry_free(op->entry);
	rp_free(op);
}

/* NULL: no memory. */
static struct op *op_new(
    struct rp_tokens *ts, const struct rp_token *t, rp_store_done_cb done, void *ctx)
{
	struct op *op = rp_calloc(1, sizeof(*op));
	if (op == NULL) {
		return NULL;
	}
	*op = (struct op){.tokens = ts, .entry = entry_new(t), .done = done, .ctx = ctx};
	if (op->entry == NULL) {
		rp_free(op);
		return NULL;
	}
	return op;
}

static void on_added(void *ctx, int code, const struct rp_err *err)
{
	struct op *op = ctx;
	if (code == 0) {
		rp_list_append(&op->tokens->all, &op->entry->node);
		op->entry = NULL;
	}
	if (op->done != NULL) {
		op->done(op->ctx, code, err);
	}
	op_free(op);
}

static void count(void *ctx, const struct rp_token *t)
{
	(void)t;
	(*(size_t *)ctx)++;
}

static void make_text(struct rp_token *t, char text[static RP_TOKEN_TEXT_MAX])
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	for (size_t i = 0; i < RP_TOKEN_PREFIX_LEN; i++) {
		t->prefix[i] = letters[rp_random_below(sizeof(letters) - 1)];
	}
	t->prefix[RP_TOKEN_PREFIX_LEN] = '\0';
	char uuid[RP_UUID_TEXT_MAX];
	rp_uuid4(uuid);
	(void)snprintf(text, RP_TOKEN_TEXT_MAX, "%s_%s", t->prefix, uuid);
	rp_secret_wipe(uuid, sizeof(uuid));
}

int rp_tokens_add(struct rp_tokens *ts, struct rp_token *t, char text[static RP_TOKEN_TEXT_MAX],
    rp_store_done_cb done, void *ctx)
{
	size_t n = 0;
	rp_tokens_each(ts, t->username, count, &n);
	if (n >= RP_TOKENS_PER_USER) {
		return RP_ELIMIT;
	}
	make_text(t, text);
	int err = hash_secret(text + RP_TOKEN_PREFIX_LEN + 1, t->hash);
	if (err != 0) {
		return err;
	}
	/* Whole seconds, as the API shows them. */
	t->created_at = rp_time_now() / RP_NS_PER_S * RP_NS_PER_S;
	t->expires_at = t->expires_at != RP_TIME_ZERO ? t->expires_at : t->created_at + LIFETIME_NS;
	struct op *op = op_new(ts, t, done, ctx);
	if (op == NULL) {
		return RP_ENOMEM;
	}
	err = rp_tokens_store_add(ts->store, &op->entry->t, on_added, op);
	if (err != 0) {
		op_free(op);
	}
	return err;
}

static void on_changed(void *ctx, int code, const struct rp_err *err)
{
	struct op *op = ctx;
	struct entry *old = find(op->tokens, op->entry->t.username, op->entry->t.prefix);
	if (code == 0 && old != NULL) {
		rp_list_append(&old->node, &op->entry->node);
		op->entry = NULL;
		entry_free(old);
	}
	if (op->done != NULL) {
		op->done(op->ctx, code, err);
	}
	op_free(op);
}

int rp_tokens_change(
    struct rp_tokens *ts, const struct rp_token *t, rp_store_done_cb done, void *ctx)
{
	const struct entry *old = find(ts, t->username, t->prefix);
	if (old == NULL) {
		return RP_ENOENT;
	}
	struct rp_token now = old->t;
	now.name = t->name != NULL ? t->name : now.name;
	now.expires_at = t->expires_at != RP_TIME_ZERO ? t->expires_at : now.expires_at;
	struct op *op = op_new(ts, &now, done, ctx);
	if (op == NULL) {
		return RP_ENOMEM;
	}
	int err = rp_tokens_store_change(ts->store, &op->entry->t, on_changed, op);
	if (err != 0) {
		op_free(op);
	}
	return err;
}

int rp_tokens_end(struct rp_tokens *ts, const char *username, const char *prefix,
    rp_store_done_cb done, void *ctx)
{
	struct entry *e = find(ts, username, prefix);
	if (e == NULL) {
		return RP_ENOENT;
	}
	int err = rp_tokens_store_delete(ts->store, &e->t, done, ctx);
	if (err == 0) {
		entry_free(e);
	}
	return err;
}

struct end {
	struct rp_tokens *tokens;
	char *username;
	rp_store_done_cb done;
	void *ctx;
};

static void end_free(struct end *e)
{
	rp_free(e->username);
	rp_free(e);
}

/* Only now: one that was being made when this began is in the list too. */
static void on_ended(void *ctx, int code, const struct rp_err *err)
{
	struct end *end = ctx;
	struct rp_list *it;
	struct rp_list *tmp;
	RP_LIST_FOREACH(it, tmp, &end->tokens->all) {
		struct entry *e = RP_LIST_ENTRY(it, struct entry, node);
		if (code == 0 && strcmp(e->t.username, end->username) == 0) {
			entry_free(e);
		}
	}
	end->done(end->ctx, code, err);
	end_free(end);
}

int rp_tokens_end_all(struct rp_tokens *ts, const char *username, rp_store_done_cb done, void *ctx)
{
	struct end *end = rp_calloc(1, sizeof(*end));
	if (end == NULL) {
		return RP_ENOMEM;
	}
	*end = (struct end){
	    .tokens = ts, .username = rp_strdup(username), .done = done, .ctx = ctx};
	int err = end->username == NULL
	    ? RP_ENOMEM
	    : rp_tokens_store_delete_user(ts->store, username, on_ended, end);
	if (err != 0) {
		end_free(end);
	}
	return err;
}
