/* SPDX-License-Identifier: MIT */
/*
 * Credentials of a request. Every failure counts for the address, a failed password also makes
 * the name wait; what is wrong is never
 * told apart in the answer.
 */
#include "api/auth.h"

#include <string.h>

#include <uv.h>

#include "api/call.h"
#include "api/cookie.h"
#include "api/jwt.h"
#include "api/passcache.h"
#include "api/password.h"
#include "api/router.h"
#include "api/sessions.h"
#include "api/tokens.h"
#include "api/twofa.h"
#include "api/user_rules.h"
#include "api/users.h"
#include "core/alloc.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "core/log.h"

#include "core/banned.h"

#define PASSWORD_MAX    1024
#define RANDOM_PASSWORD 43
/* How late a change from outside in a database of users may reach those who are logged in. */
#define STALE_MAX_MS 1000

static void answer(struct rp_api_call *c, rp_auth_cb cb, enum rp_auth_verdict verdict, int code)
{
	const struct rp_auth_result r = {.verdict = verdict, .code = code};
	cb(c, &r);
}

static void refuse(struct rp_api_call *c, rp_auth_cb cb, const char *name)
{
	if (rp_gate_failed(c->api->gate, rp_api_peer(c), name, rp_clock_ms())) {
		rp_log_error("api", "%s is banned after repeated failed logins", rp_api_peer(c));
	}
	rp_log_info("api", "login refused for user \"%s\" from %s", name != NULL ? name : "",
	    rp_api_peer(c));
	answer(c, cb, RP_AUTH_REFUSED, 0);
}

/* Does a right password only begin a login? */
static bool has_second_factor(const struct rp_api_call *c)
{
	return rp_twofa_kind(c->api->twofa) != RP_TWOFA_OFF;
}

/* complete: nothing is missing, so earlier failures are forgotten. */
static void let_in(struct rp_api_call *c, rp_auth_cb cb, const struct rp_user *user, bool complete)
{
	c->user.name = rp_strdup(user->username);
	if (c->user.name == NULL || rp_strlist_copy(&c->user.groups, &user->groups) != 0) {
		answer(c, cb, RP_AUTH_FAILED, RP_ENOMEM);
		return;
	}
	c->user.admin = rp_users_is_admin(user);
	c->user.permissions = rp_users_permissions(c->api->users, &user->groups);
	if (complete) {
		rp_gate_succeeded(c->api->gate, rp_api_peer(c), user->username);
	}
	answer(c, cb, user->password_expired ? RP_AUTH_EXPIRED : RP_AUTH_OK, 0);
}

/* False: the call was answered. */
static bool gate_open(struct rp_api_call *c, const char *name, rp_auth_cb cb)
{
	uint64_t now = rp_clock_ms();
	if (rp_gate_banned(c->api->gate, rp_api_peer(c), now)) {
		answer(c, cb, RP_AUTH_BANNED, 0);
		return false;
	}
	if (!rp_gate_name_allowed(c->api->gate, name, now)) {
		answer(c, cb, RP_AUTH_WAIT, 0);
		return false;
	}
	return true;
}

/* bcrypt on the pool */

struct check {
	uv_work_t work;
	struct rp_api_call *call;
	rp_auth_cb cb;
	char *name;
	char *password;
	bool own;   /* of the user who is in already */
	char *hash; /* of another user if there is no such user; NULL: there are none at all */
	bool equal;
};

static void on_check(uv_work_t *work)
{
	struct check *k = work->data;
	k->equal = rp_password_check(k->hash, k->password);
}

static void check_free(struct check *k)
{
	rp_free(k->name);
	rp_free_secret(k->password);
	rp_free_secret(k->hash);
	rp_free(k);
}

/* After the work, for others of the same name or address may have failed meanwhile: guesses do not
 * get ahead of waits and bans by coming all at once. */
static void finish_check(struct check *k)
{
	const struct rp_user *user = rp_users_find(k->call->api->users, k->name);
	if (!gate_open(k->call, k->name, k->cb)) {
		return;
	}
	if (k->equal && k->own) {
		answer(k->call, k->cb, RP_AUTH_OK, 0);
	} else if (k->equal && user != NULL) {
		const struct rp_passcache_entry e = {k->name, k->password, k->hash};
		rp_passcache_add(k->call->api->passwords, &e, rp_clock_ms());
		let_in(k->call, k->cb, user, !has_second_factor(k->call));
	} else {
		refuse(k->call, k->cb, k->name);
	}
}

static void on_checked(uv_work_t *work, int status)
{
	struct check *k = work->data;
	rp_gate_leave(k->call->api->gate, rp_api_peer(k->call));
	if (status != 0) {
		answer(k->call, k->cb, RP_AUTH_FAILED, status);
	} else if (k->call->api->closing) {
		/* The handler would find a closed database. */
		answer(k->call, k->cb, RP_AUTH_FAILED, RP_ECLOSED);
	} else {
		finish_check(k);
	}
	check_free(k);
}

static void check_hash(
    struct rp_api_call *c, const char *name, const char *password, bool own, rp_auth_cb cb)
{
	if (rp_gate_enter(c->api->gate, rp_api_peer(c)) != 0) {
		answer(c, cb, RP_AUTH_WAIT, 0);
		return;
	}
	const struct rp_user *user = rp_users_find(c->api->users, name);
	const char *hash = user != NULL ? user->password : rp_users_decoy(c->api->users);
	struct check *k = rp_calloc(1, sizeof(*k));
	int err = RP_ENOMEM;
	if (k != NULL) {
		k->work.data = k;
		k->call = c;
		k->cb = cb;
		k->own = own;
		k->name = rp_strdup(name);
		k->password = rp_strdup(password);
		k->hash = hash == NULL ? NULL : rp_strdup(hash);
		if (k->name != NULL && k->password != NULL && (hash == NULL || k->hash != NULL)) {
			err = uv_queue_work(
			    rp_loop_uv(c->api->parts.loop), &k->work, on_check, on_checked);
		}
	}
	if (err != 0) {
		if (k != NULL) {
			check_free(k);
		}
		rp_gate_leave(c->api->gate, rp_api_peer(c));
		answer(c, cb, RP_AUTH_FAILED, err);
	}
}

/* With a password that was found right a short while ago. */
static bool check_known(
    struct rp_api_call *c, const char *name, const char *password, rp_auth_cb cb)
{
	const struct rp_user *user = rp_users_find(c->api->users, name);
	const struct rp_passcache_entry e = {name, password, user == NULL ? NULL : user->password};
	if (user == NULL || !rp_passcache_has(c->api->passwords, &e, rp_clock_ms())) {
		return false;
	}
	let_in(c, cb, user, !has_second_factor(c));
	return true;
}

static void check_static(
    struct rp_api_call *c, const char *name, const char *password, rp_auth_cb cb)
{
	const struct rp_user *user = rp_users_find(c->api->users, name);
	char none[33] = "";
	const char *want = none;
	if (user != NULL) {
		want = user->password;
	} else {
		rp_random_text(none, sizeof(none) - 1);
	}
	bool equal = rp_secret_str_eq(want, password);
	if (equal && user != NULL) {
		let_in(c, cb, user, !has_second_factor(c));
	} else {
		refuse(c, cb, name);
	}
}

static void check_password(
    struct rp_api_call *c, const char *name, const char *password, rp_auth_cb cb)
{
	if (strlen(password) > PASSWORD_MAX) {
		refuse(c, cb, name);
	} else if (rp_users_static(c->api->users)) {
		check_static(c, name, password, cb);
	} else if (!check_known(c, name, password, cb)) {
		check_hash(c, name, password, false, cb);
	}
}

/* A database of users may have been changed from outside: look before anybody is let in. */

struct fresh {
	struct rp_api_call *call;
	rp_auth_cb cb;
	char *name;     /* NULL: by the header */
	char *password; /* NULL: a proxy says who it is */
};

static void request_now(struct rp_api_call *c, rp_auth_cb cb);
static void named_now(struct rp_api_call *c, const char *name, rp_auth_cb cb);

static void fresh_free(struct fresh *f)
{
	rp_free(f->name);
	rp_free_secret(f->password);
	rp_free(f);
}

static void on_fresh(void *ctx, int code, const struct rp_err *err)
{
	struct fresh *f = ctx;
	if (code != 0) {
		rp_log_error("api", "%s; the users read before stay in force", err->msg);
	}
	if (f->call->api->closing) {
		answer(f->call, f->cb, RP_AUTH_FAILED, RP_ECLOSED);
	} else if (f->name == NULL) {
		request_now(f->call, f->cb);
	} else if (f->password == NULL) {
		named_now(f->call, f->name, f->cb);
	} else {
		check_password(f->call, f->name, f->password, f->cb);
	}
	fresh_free(f);
}

static void wait_for_users(
    struct rp_api_call *c, const char *name, const char *password, rp_auth_cb cb)
{
	struct fresh *f = rp_calloc(1, sizeof(*f));
	if (f == NULL) {
		answer(c, cb, RP_AUTH_FAILED, RP_ENOMEM);
		return;
	}
	*f = (struct fresh){.call = c, .cb = cb};
	int err = 0;
	if (name != NULL) {
		f->name = rp_strdup(name);
		err = f->name != NULL ? 0 : RP_ENOMEM;
	}
	if (password != NULL) {
		f->password = rp_strdup(password);
		err = f->password != NULL ? err : RP_ENOMEM;
	}
	err = err != 0 ? err : rp_users_refresh(c->api->users, on_fresh, f);
	if (err != 0) {
		fresh_free(f);
		answer(c, cb, RP_AUTH_FAILED, err);
	}
}

void rp_auth_password(struct rp_api_call *c, const char *name, const char *password, rp_auth_cb cb)
{
	if (!gate_open(c, name, cb)) {
		return;
	}
	if (rp_users_stale(c->api->users, 0)) {
		wait_for_users(c, name, password, cb);
	} else {
		check_password(c, name, password, cb);
	}
}

void rp_auth_verify(struct rp_api_call *c, const char *password, rp_auth_cb cb)
{
	if (!gate_open(c, c->user.name, cb)) {
		return;
	}
	if (strlen(password) > PASSWORD_MAX) {
		refuse(c, cb, c->user.name);
	} else {
		check_hash(c, c->user.name, password, true, cb);
	}
}

/* Basic credentials: the password may be an API token. */
static void by_basic(struct rp_api_call *c, const char *name, const char *password, rp_auth_cb cb)
{
	bool equal;
	if (!gate_open(c, name, cb)) {
		return;
	}
	const struct rp_token *t = rp_tokens_match(c->api->tokens, name, password, &equal);
	const struct rp_user *user = rp_users_find(c->api->users, name);
	if (t == NULL && has_second_factor(c)) {
		/* There is no place for it in this header (1.5), so the password proves nothing. */
		refuse(c, cb, NULL);
	} else if (t == NULL || user == NULL) {
		check_password(c, name, password, cb);
	} else if (equal && t->expires_at >= rp_time_now()) {
		c->user.scope = t->scope;
		let_in(c, cb, user, true);
	} else {
		refuse(c, cb, name);
	}
}

/* A proxy's word (api.auth_header) */

static void on_created(void *ctx, int code, const struct rp_err *err)
{
	struct fresh *f = ctx;
	const struct rp_user *user = rp_users_find(f->call->api->users, f->name);
	if (code == 0 && user != NULL) {
		rp_log_info("api", "user \"%s\" is new: the proxy has let him in", f->name);
		let_in(f->call, f->cb, user, true);
	} else {
		rp_log_error("api", "a user that the proxy let in is not made: %s", err->msg);
		answer(f->call, f->cb, RP_AUTH_FAILED, code);
	}
	fresh_free(f);
}

/* Nobody knows the password of such a user. */
static void create(struct rp_api_call *c, const char *name, rp_auth_cb cb)
{
	char password[RANDOM_PASSWORD + 1];
	char *group = c->api->cfg->default_user_group;
	struct rp_strlist groups = {.v = &group, .n = group[0] != '\0' ? 1 : 0};
	struct rp_user_problems problems;
	rp_random_text(password, RANDOM_PASSWORD);
	const struct rp_user_change new = {
	    .username = name, .password = password, .groups = &groups};
	rp_user_rules_check(c->api->cfg, &new, NULL, &problems);
	if (problems.n > 0) {
		rp_log_error(
		    "api", "a user that the proxy let in is not made: %s", problems.v[0].title);
		refuse(c, cb, NULL);
		return;
	}
	struct fresh *f = rp_calloc(1, sizeof(*f));
	int err = RP_ENOMEM;
	if (f != NULL) {
		*f = (struct fresh){.call = c, .cb = cb, .name = rp_strdup(name)};
		err = f->name == NULL ? RP_ENOMEM
		                      : rp_users_add(c->api->users, &new, on_created, f);
	}
	rp_secret_wipe(password, sizeof(password));
	if (err != 0) {
		if (f != NULL) {
			fresh_free(f);
		}
		answer(c, cb, RP_AUTH_FAILED, err);
	}
}

static void named_now(struct rp_api_call *c, const char *name, rp_auth_cb cb)
{
	const struct rp_user *user = rp_users_find(c->api->users, name);
	if (user != NULL) {
		let_in(c, cb, user, true);
	} else if (c->api->cfg->create_missing_users) {
		create(c, name, cb);
	} else {
		refuse(c, cb, NULL);
	}
}

void rp_auth_named(struct rp_api_call *c, const char *name, rp_auth_cb cb)
{
	if (rp_gate_banned(c->api->gate, rp_api_peer(c), rp_clock_ms())) {
		answer(c, cb, RP_AUTH_BANNED, 0);
	} else if (rp_users_stale(c->api->users, 0)) {
		wait_for_users(c, name, NULL, cb);
	} else {
		named_now(c, name, cb);
	}
}

/* Header */

/* What follows the scheme word, or NULL. */
static const char *scheme(const struct rp_api_call *c, const char *word)
{
	const char *h = rp_http_header(rp_http_req_head(c->req), "Authorization");
	size_t n = strlen(word);
	if (h == NULL || strlen(h) <= n || h[n] != ' ') {
		return NULL;
	}
	for (size_t i = 0; i < n; i++) {
		if ((h[i] | 0x20) != word[i]) {
			return NULL;
		}
	}
	return h + n + 1;
}

static bool has_basic(const struct rp_api_call *c)
{
	return scheme(c, "basic") != NULL;
}

const char *rp_auth_bearer(const struct rp_api_call *c)
{
	return scheme(c, "bearer");
}

int rp_auth_basic(const struct rp_api_call *c, char **name, char **password)
{
	const char *b64 = scheme(c, "basic");
	uint8_t *text;
	size_t n;
	if (b64 == NULL) {
		return RP_ENOENT;
	}
	int err = rp_base64_decode(rp_str_trim(rp_str_c(b64)), &text, &n);
	if (err != 0) {
		return err;
	}
	char *colon = memchr(text, ':', n);
	err = RP_EINVAL;
	if (colon != NULL && memchr(text, '\0', n) == NULL) {
		*name = rp_strndup((char *)text, (size_t)(colon - (char *)text));
		*password = rp_strdup(colon + 1);
		err = *name != NULL && *password != NULL ? 0 : RP_ENOMEM;
		if (err != 0) {
			rp_free(*name);
			rp_free_secret(*password);
		}
	}
	rp_secret_wipe(text, n);
	rp_free(text);
	return err;
}

/* A session, or a login that still lacks its second factor. */
static bool is_alive(struct rp_api_call *c, const struct rp_jwt_claims *claims)
{
	return rp_sessions_touch(c->api->sessions, claims->session, claims->username) ||
	    rp_twofa_find(c->api->twofa, claims->session, claims->username, &c->user.scope);
}

static void by_bearer(struct rp_api_call *c, const char *token, rp_auth_cb cb)
{
	struct rp_jwt_claims claims = {0};
	int err = rp_jwt_verify(c->api->jwt_secret, token, &claims);
	if (err == RP_ENOMEM) {
		answer(c, cb, RP_AUTH_FAILED, err);
		return;
	}
	const struct rp_user *user = err == 0 && is_alive(c, &claims)
	    ? rp_users_find(c->api->users, claims.username)
	    : NULL;
	rp_free(claims.username);
	if (user == NULL && err == 0 && c->by_cookie) {
		/* The browser does not know that the session is over: that is no guess. */
		answer(c, cb, RP_AUTH_REFUSED, 0);
		return;
	}
	if (user == NULL) {
		refuse(c, cb, NULL);
		return;
	}
	c->user.session = claims.session;
	let_in(c, cb, user, false);
}

static const char *query_token(const struct rp_api_call *c)
{
	return rp_route_action(c->route).websocket ? rp_query_get(&c->query, "access_token") : NULL;
}

bool rp_auth_needs_token(const struct rp_api_call *c)
{
	const struct rp_http_head *h = rp_http_req_head(c->req);
	return c->route != NULL && rp_route_action(c->route).websocket && query_token(c) == NULL &&
	    rp_http_header(h, "Authorization") == NULL && rp_http_header(h, "Cookie") == NULL;
}

/* A page's session, or nothing at all. */
static void by_cookie(struct rp_api_call *c, rp_auth_cb cb)
{
	char *token;
	int err = rp_cookie_read(c, &token);
	if (err == RP_ENOMEM) {
		answer(c, cb, RP_AUTH_FAILED, err);
	} else if (err == RP_EINVAL || (err == RP_ENOENT && rp_cookie_asked(c))) {
		/* A page finds out whether somebody is signed in: that is no guess either. */
		answer(c, cb, RP_AUTH_REFUSED, 0);
	} else if (err != 0) {
		refuse(c, cb, NULL);
	} else {
		c->by_cookie = true;
		if (rp_cookie_counts(c)) {
			by_bearer(c, token, cb);
		} else {
			answer(c, cb, RP_AUTH_FOREIGN, 0);
		}
		rp_free_secret(token);
	}
}

static void request_now(struct rp_api_call *c, rp_auth_cb cb)
{
	char *name;
	char *password;
	if (query_token(c) != NULL) {
		by_bearer(c, query_token(c), cb);
		return;
	}
	int err = rp_auth_basic(c, &name, &password);
	if (err == 0) {
		c->by_basic = true;
		by_basic(c, name, password, cb);
		rp_free(name);
		rp_free_secret(password);
		return;
	}
	const char *token = rp_auth_bearer(c);
	if (err == RP_ENOMEM) {
		answer(c, cb, RP_AUTH_FAILED, err);
	} else if (err == RP_ENOENT && token != NULL) {
		by_bearer(c, token, cb);
	} else if (err == RP_ENOENT) {
		by_cookie(c, cb);
	} else {
		refuse(c, cb, NULL);
	}
}

void rp_auth_request(struct rp_api_call *c, rp_auth_cb cb)
{
	if (rp_gate_banned(c->api->gate, rp_api_peer(c), rp_clock_ms())) {
		answer(c, cb, RP_AUTH_BANNED, 0);
	} else if (rp_users_stale(c->api->users, has_basic(c) ? 0 : STALE_MAX_MS)) {
		wait_for_users(c, NULL, NULL, cb);
	} else {
		request_now(c, cb);
	}
}
