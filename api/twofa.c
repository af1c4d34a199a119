/* SPDX-License-Identifier: MIT */
/*
 * One table of waiting logins by id, one of users with what outlives a login: how many wrong codes
 * in a row, until when the user is locked, and the last TOTP step that was used.
 */
#include "api/twofa.h"

#include <stdio.h>
#include <string.h>

#include "api/totp.h"
#include "api/twofa_store.h"
#include "core/alloc.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "core/hash.h"
#include "core/list.h"

#include "core/banned.h"

#define KEY_MAX 24
/* Of one user at the same time. */
#define LOGINS_PER_USER 5
#define LOGINS_MAX      20000
#define USERS_MAX       20000
/* Wrong codes: of one login, and in a row of one user over all logins. */
#define TRIES_MAX    5
#define FAILURES_MAX 10
#define LOCK_MS      UINT64_C(600000)
/* A step may not come again for longer than the window of rp_totp_check. */
#define STEP_MEMORY_S 120
#define STEP_S        30

struct user {
	struct rp_hash_node node;
	struct rp_list logins; /* oldest first */
	unsigned n_logins;
	unsigned failures;
	uint64_t locked_until;
	int64_t last_step;
	char name[]; /* key */
};

struct login {
	struct rp_hash_node node;
	struct rp_list of_user;
	struct user *user;
	uint64_t expires_ms;
	unsigned tries;
	bool setup;
	char code[RP_TWOFA_CODE_MAX];
	char key[KEY_MAX];
};

struct rp_twofa {
	struct rp_store *store;
	enum rp_twofa_kind kind;
	const char *method;
	uint64_t ttl_ms;
	struct rp_hash logins;
	struct rp_hash users;
};

static enum rp_twofa_kind kind_of(const struct rp_conf_api *cfg)
{
	if (cfg->totp_enabled) {
		return RP_TWOFA_TOTP;
	}
	const char *delivery = cfg->two_fa_token_delivery;
	return delivery[0] == '\0' || strcmp(delivery, "none") == 0 ? RP_TWOFA_OFF : RP_TWOFA_CODE;
}

static const char *method_of(enum rp_twofa_kind kind, const char *delivery)
{
	if (kind == RP_TWOFA_OFF) {
		return "";
	}
	if (kind == RP_TWOFA_TOTP) {
		return "totp_authenticator_app";
	}
	if (strcmp(delivery, "smtp") == 0) {
		return "email";
	}
	if (strcmp(delivery, "pushover") == 0) {
		return "pushover";
	}
	return strstr(delivery, "://") != NULL ? "url" : "script";
}

static void login_free(struct rp_twofa *t, struct login *l)
{
	rp_hash_remove(&t->logins, &l->node);
	rp_list_remove(&l->of_user);
	l->user->n_logins--;
	rp_secret_wipe(l, sizeof(*l));
	rp_free(l);
}

static void on_free_login(struct rp_hash_node *node, void *ctx)
{
	login_free(ctx, RP_CONTAINER_OF(node, struct login, node));
}

static void on_free_user(struct rp_hash_node *node, void *ctx)
{
	struct rp_twofa *t = ctx;
	rp_hash_remove(&t->users, node);
	rp_free(RP_CONTAINER_OF(node, struct user, node));
}

void rp_twofa_free(struct rp_twofa *t)
{
	if (t != NULL) {
		rp_hash_each(&t->logins, on_free_login, t);
		rp_hash_each(&t->users, on_free_user, t);
		rp_hash_fini(&t->logins);
		rp_hash_fini(&t->users);
		rp_free(t);
	}
}

enum rp_twofa_kind rp_twofa_kind(const struct rp_twofa *t)
{
	return t->kind;
}

const char *rp_twofa_method(const struct rp_twofa *t)
{
	return t->method;
}

static void on_sweep_login(struct rp_hash_node *node, void *ctx)
{
	struct login *l = RP_CONTAINER_OF(node, struct login, node);
	if (l->expires_ms <= rp_clock_ms()) {
		login_free(ctx, l);
	}
}

/* Nothing about the user matters any more. */
static void on_sweep_user(struct rp_hash_node *node, void *ctx)
{
	struct user *u = RP_CONTAINER_OF(node, struct user, node);
	int64_t now = rp_time_now() / RP_NS_PER_S;
	if (u->n_logins == 0 && u->locked_until <= rp_clock_ms() &&
	    u->last_step * STEP_S + STEP_MEMORY_S < now) {
		on_free_user(node, ctx);
	}
}

/* Makes room where it is short; wrong codes are forgotten only then. */
static int make_room(struct rp_twofa *t)
{
	if (t->logins.count >= LOGINS_MAX / 2 || t->users.count >= USERS_MAX / 2) {
		rp_hash_each(&t->logins, on_sweep_login, t);
		rp_hash_each(&t->users, on_sweep_user, t);
	}
	return t->logins.count < LOGINS_MAX && t->users.count < USERS_MAX ? 0 : RP_ELIMIT;
}

static struct user *find_user(struct rp_twofa *t, const char *name)
{
	struct rp_hash_node *node = rp_hash_get(&t->users, name);
	if (node != NULL) {
		return RP_CONTAINER_OF(node, struct user, node);
	}
	size_t n = strlen(name) + 1;
	struct user *u = rp_calloc(1, sizeof(*u) + n);
	if (u == NULL) {
		return NULL;
	}
	memcpy(u->name, name, n);
	rp_list_init(&u->logins);
	if (rp_hash_put(&t->users, &u->node, u->name) != 0) {
		rp_free(u);
		return NULL;
	}
	return u;
}

static int on_row(void *ctx, const char *username, int64_t step)
{
	struct user *u = find_user(ctx, username);
	if (u == NULL) {
		return RP_ENOMEM;
	}
	u->last_step = step;
	return 0;
}

static int load(struct rp_twofa *t, struct rp_err *err)
{
	int64_t now = rp_time_now() / RP_NS_PER_S;
	/* One that lies further ahead is of a time when the clock was wrong. */
	const struct rp_totp_range range = {
	    .first = (now - STEP_MEMORY_S) / STEP_S, .last = (now + STEP_MEMORY_S) / STEP_S};
	return rp_twofa_store_load(t->store, &range, on_row, t, err);
}

int rp_twofa_new(const struct rp_conf_api *cfg, struct rp_store *store, struct rp_twofa **out,
    struct rp_err *err)
{
	struct rp_twofa *t = rp_calloc(1, sizeof(*t));
	if (t == NULL) {
		return rp_err_no_memory(err);
	}
	t->store = store;
	t->kind = kind_of(cfg);
	t->method = method_of(t->kind, cfg->two_fa_token_delivery);
	t->ttl_ms = t->kind == RP_TWOFA_TOTP
	    ? (uint64_t)(cfg->totp_login_session_ttl / RP_NS_PER_MS)
	    : (uint64_t)cfg->two_fa_token_ttl_seconds * 1000;
	rp_hash_init(&t->logins);
	rp_hash_init(&t->users);
	int code = load(t, err);
	if (code != 0) {
		rp_twofa_free(t);
		return code;
	}
	*out = t;
	return 0;
}

/* A lock that is over takes the count of wrong codes with it. */
static bool is_locked(struct user *u)
{
	if (u->locked_until == 0) {
		return false;
	}
	if (u->locked_until > rp_clock_ms()) {
		return true;
	}
	u->locked_until = 0;
	u->failures = 0;
	return false;
}

int rp_twofa_begin(struct rp_twofa *t, const char *username, bool setup, uint64_t *id,
    char code[static RP_TWOFA_CODE_MAX])
{
	int err = make_room(t);
	struct user *u = err != 0 ? NULL : find_user(t, username);
	if (u == NULL) {
		return err != 0 ? err : RP_ENOMEM;
	}
	if (is_locked(u)) {
		return RP_EBUSY;
	}
	struct login *l = rp_calloc(1, sizeof(*l));
	if (l == NULL) {
		return RP_ENOMEM;
	}
	/* 53 bits, as sessions have them: from the same token nobody could tell. */
	*id = (rp_random_u64() >> 11) | 1;
	(void)snprintf(l->key, sizeof(l->key), "%llu", (unsigned long long)*id);
	if (rp_hash_put(&t->logins, &l->node, l->key) != 0) {
		rp_free(l);
		return RP_ENOMEM;
	}
	if (u->n_logins == LOGINS_PER_USER) {
		login_free(t, RP_LIST_ENTRY(u->logins.next, struct login, of_user));
	}
	rp_random_text(l->code, sizeof(l->code) - 1);
	(void)snprintf(code, RP_TWOFA_CODE_MAX, "%s", l->code);
	l->user = u;
	l->setup = setup;
	l->expires_ms = rp_clock_ms() + t->ttl_ms;
	rp_list_append(&u->logins, &l->of_user);
	u->n_logins++;
	return 0;
}

static struct login *find_login(struct rp_twofa *t, uint64_t id)
{
	char key[KEY_MAX];
	(void)snprintf(key, sizeof(key), "%llu", (unsigned long long)id);
	struct rp_hash_node *node = rp_hash_get(&t->logins, key);
	struct login *l = node == NULL ? NULL : RP_CONTAINER_OF(node, struct login, node);
	if (l != NULL && l->expires_ms <= rp_clock_ms()) {
		login_free(t, l);
		return NULL;
	}
	return l;
}

bool rp_twofa_find(struct rp_twofa *t, uint64_t id, const char *username, enum rp_scope *scope)
{
	const struct login *l = find_login(t, id);
	if (l == NULL || strcmp(l->user->name, username) != 0) {
		return false;
	}
	*scope = l->setup ? RP_SCOPE_TOTP_SETUP : RP_SCOPE_TWO_FA;
	return true;
}

void rp_twofa_set_up(struct rp_twofa *t, uint64_t id)
{
	struct login *l = find_login(t, id);
	if (l != NULL) {
		l->setup = false;
	}
}

void rp_twofa_drop(struct rp_twofa *t, uint64_t id)
{
	struct login *l = find_login(t, id);
	if (l != NULL) {
		login_free(t, l);
	}
}

static int check_totp(struct user *u, const struct rp_twofa_try *try)
{
	struct rp_totp key;
	if (try->totp_secret == NULL || rp_totp_parse(try->totp_secret, &key) != 0) {
		return RP_EINVAL;
	}
	int err = rp_totp_check(&key, try->code, rp_time_now() / RP_NS_PER_S, &u->last_step);
	rp_secret_wipe(&key, sizeof(key));
	return err;
}

static void failed(struct rp_twofa *t, struct login *l)
{
	struct user *u = l->user;
	u->failures++;
	l->tries++;
	if (u->failures >= FAILURES_MAX) {
		u->locked_until = rp_clock_ms() + LOCK_MS;
	}
	if (l->tries >= TRIES_MAX || u->locked_until != 0) {
		login_free(t, l);
	}
}

int rp_twofa_check(struct rp_twofa *t, const struct rp_twofa_try *try)
{
	struct login *l = find_login(t, try->id);
	if (l == NULL) {
		return RP_ENOENT;
	}
	if (is_locked(l->user)) {
		return RP_EBUSY;
	}
	int err = t->kind == RP_TWOFA_TOTP         ? check_totp(l->user, try)
	    : rp_secret_str_eq(l->code, try->code) ? 0
	                                           : RP_EAUTH;
	if (err == RP_EAUTH) {
		failed(t, l);
	} else if (err == 0) {
		l->user->failures = 0;
		login_free(t, l);
	}
	return err;
}

int rp_twofa_keep(struct rp_twofa *t, const char *username, rp_store_done_cb done, void *ctx)
{
	const struct user *u = find_user(t, username);
	return u == NULL ? RP_ENOMEM
	                 : rp_twofa_store_save(t->store, username, u->last_step, done, ctx);
}
