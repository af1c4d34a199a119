/* SPDX-License-Identifier: MIT */
/*
 * Login and logout (rport-api 3.1, 3.2).
 */
#include <string.h>

#include "api/auth.h"
#include "api/call.h"
#include "api/cookie.h"
#include "api/handlers.h"
#include "api/jwt.h"
#include "api/reply.h"
#include "api/sessions.h"
#include "api/twofa.h"
#include "api/user_edit.h"
#include "core/alloc.h"
#include "core/clock.h"
#include "core/crypto.h"

#include "core/banned.h"

#define LIFETIME_DEFAULT_S 600
#define LIFETIME_MAX_S     7776000

struct login_body {
	char *username;
	char *password;
	char *new_password;
};

#define F(key)                                                                \
	{                                                                     \
#key, RP_FIELD_STR, 0, offsetof(struct login_body, key), NULL \
	}
static const struct rp_json_field login_fields[] = {F(username), F(password), F(new_password)};
static const struct rp_json_table login_table = RP_JSON_TABLE(login_fields, struct login_body);

int rp_api_login_lifetime(struct rp_api_call *c, int64_t *seconds)
{
	const char *text = rp_query_get(&c->query, "token-lifetime");
	*seconds = LIFETIME_DEFAULT_S;
	if (text == NULL || text[0] == '\0') {
		return 0;
	}
	if (rp_str_i64(rp_str_c(text), INT64_MIN, INT64_MAX, seconds) != 0) {
		rp_reply_fail(c, 400, "invalid token-lifetime: expected a number of seconds");
		return RP_EINVAL;
	}
	if (*seconds > LIFETIME_MAX_S) {
		rp_reply_fail(
		    c, 400, "requested token lifetime exceeds max allowed %d", LIFETIME_MAX_S);
		return RP_EINVAL;
	}
	*seconds = *seconds <= 0 ? LIFETIME_DEFAULT_S : *seconds;
	return 0;
}

bool rp_api_login_begin(struct rp_api_call *c, struct rp_reply *r, char *token)
{
	bool cookie = rp_cookie_asked(c);
	int err = token == NULL ? RP_ENOMEM : cookie ? rp_cookie_set(c, token) : 0;
	if (err != 0) {
		rp_free_secret(token);
		rp_reply_code(c, err, NULL);
		return false;
	}
	rp_reply_begin(r);
	rp_jsonw_obj(&r->w);
	if (!cookie) {
		rp_jsonw_put_str(&r->w, "token", token);
	}
	rp_free_secret(token);
	return true;
}

/* The session id has to live until the answer: it waits in the call. */
static void on_session_stored(void *ctx, int code, const struct rp_err *err)
{
	struct rp_api_call *c = ctx;
	if (code != 0) {
		rp_reply_code(c, code, err);
		return;
	}
	char *token = rp_jwt_sign(c->api->jwt_secret, c->user.name, c->user.session, RP_SCOPE_FULL);
	struct rp_reply r;
	if (!rp_api_login_begin(c, &r, token)) {
		return;
	}
	rp_jsonw_put_null(&r.w, "two_fa");
	rp_jsonw_obj_end(&r.w);
	rp_reply_end(&r, c);
}

void rp_api_login_done(struct rp_api_call *c)
{
	int64_t seconds;
	if (rp_api_login_lifetime(c, &seconds) != 0) {
		return;
	}
	const char *agent = rp_http_header(rp_http_req_head(c->req), "User-Agent");
	int64_t now = rp_time_now();
	struct rp_session s = {
	    .username = c->user.name,
	    .expires_at = now + seconds * RP_NS_PER_S,
	    .last_access_at = now,
	    .user_agent = (char *)(uintptr_t)(agent != NULL ? agent : ""),
	    .ip_address = (char *)(uintptr_t)rp_api_peer(c),
	};
	int err = rp_sessions_add(c->api->sessions, &s, on_session_stored, c);
	c->user.session = s.id;
	if (err != 0) {
		rp_reply_code(c, err, NULL);
	}
}

/* The password was right: that is all, or half of it. */
static void go_on(struct rp_api_call *c)
{
	if (rp_twofa_kind(c->api->twofa) != RP_TWOFA_OFF) {
		rp_api_second_factor_begin(c);
	} else {
		rp_api_login_done(c);
	}
}

static void on_login(struct rp_api_call *c, const struct rp_auth_result *r)
{
	if (r->verdict == RP_AUTH_OK) {
		go_on(c);
	} else {
		rp_api_refuse(c, r);
	}
}

/* What the proxy before us says about who it has let in, or NULL. Anybody could send the header:
 * where trusted proxies are configured, it counts from them only. */
static const char *proxy_user(struct rp_api_call *c)
{
	const struct rp_conf_api *cfg = c->api->cfg;
	struct rp_http_head *head = rp_http_req_head(c->req);
	const char *mark = cfg->auth_header[0] == '\0' ? NULL
	                                               : rp_http_header(head, cfg->auth_header);
	if (mark == NULL || mark[0] == '\0') {
		return NULL;
	}
	if (c->api->trusted.n > 0 && !rp_api_by_proxy(c)) {
		return NULL;
	}
	const char *name = rp_http_header(head, cfg->user_header);
	return name != NULL ? name : "";
}

void rp_api_login_get(struct rp_api_call *c)
{
	char *name;
	char *password;
	const char *named = proxy_user(c);
	if (named != NULL && named[0] == '\0') {
		rp_reply_fail(c, 401, "username is required");
		return;
	}
	if (named != NULL) {
		rp_auth_named(c, named, on_login);
		return;
	}
	int err = rp_auth_basic(c, &name, &password);
	if (err != 0) {
		rp_reply_fail(c, 401, "auth is required");
		return;
	}
	rp_auth_password(c, name, password, on_login);
	rp_free(name);
	rp_free_secret(password);
}

static int take(const struct rp_query *q, const char *key, char **slot)
{
	const char *v = rp_query_get(q, key);
	*slot = rp_strdup(v != NULL ? v : "");
	return *slot == NULL ? RP_ENOMEM : 0;
}

static int form_body(struct rp_api_call *c, struct login_body *b)
{
	struct rp_query q;
	int err = rp_query_parse(rp_http_req_body(c->req), &q);
	if (err == 0) {
		err = take(&q, "username", &b->username);
		err = err != 0 ? err : take(&q, "password", &b->password);
		err = err != 0 ? err : take(&q, "new_password", &b->new_password);
		rp_query_fini(&q);
	}
	if (err != 0) {
		rp_reply_fail(c, 400, "The form is not readable.");
	}
	return err;
}

/* False: the call was answered. */
static bool read_login(struct rp_api_call *c, struct login_body *b)
{
	const char *type = rp_http_header(rp_http_req_head(c->req), "Content-Type");
	if (type != NULL && strcmp(type, "application/json") == 0) {
		return rp_api_body(c, &login_table, true, b) == 0;
	}
	if (type != NULL && rp_str_starts(rp_str_c(type), "application/x-www-form-urlencoded")) {
		return form_body(c, b) == 0;
	}
	rp_reply_fail(c, 400, "content type %s is not supported", type != NULL ? type : "");
	return false;
}

static void login_release(struct login_body *b)
{
	if (b->password != NULL) {
		rp_secret_wipe(b->password, strlen(b->password));
	}
	if (b->new_password != NULL) {
		rp_secret_wipe(b->new_password, strlen(b->new_password));
	}
	rp_json_release(&login_table, b);
}

/* The old password was right, expired or not: the new one counts from now on. */
static void change_password(struct rp_api_call *c, const char *new)
{
	const struct rp_user_change change = {.password = new};
	if (rp_user_edit_store(c) && rp_user_edit_check(c, &change, c->user.name)) {
		rp_user_edit_change(c, c->user.name, &change, go_on);
	}
}

static void on_login_post(struct rp_api_call *c, const struct rp_auth_result *r)
{
	struct login_body b = {0};
	bool known = r->verdict == RP_AUTH_OK || r->verdict == RP_AUTH_EXPIRED;
	if (!known) {
		rp_api_refuse(c, r);
		return;
	}
	/* Read again: it was not kept meanwhile. */
	if (read_login(c, &b)) {
		if (b.new_password == NULL || b.new_password[0] == '\0') {
			on_login(c, r);
		} else if (r->verdict == RP_AUTH_OK &&
		    rp_twofa_kind(c->api->twofa) != RP_TWOFA_OFF) {
			/* Whoever has only the password must not shut out its owner. */
			rp_reply_fail(c, 403,
			    "with a second factor a password is changed after the login, by PUT /me");
		} else {
			change_password(c, b.new_password);
		}
	}
	login_release(&b);
}

void rp_api_login_post(struct rp_api_call *c)
{
	struct login_body b = {0};
	if (read_login(c, &b)) {
		rp_auth_password(c, b.username != NULL ? b.username : "",
		    b.password != NULL ? b.password : "", on_login_post);
	}
	login_release(&b);
}

static void log_out(struct rp_api_call *c, const char *token)
{
	struct rp_jwt_claims claims = {0};
	if (token == NULL || rp_jwt_verify(c->api->jwt_secret, token, &claims) != 0) {
		rp_reply_fail(c, 400, "authorization Bearer header with valid auth token required");
		return;
	}
	rp_twofa_drop(c->api->twofa, claims.session);
	int err = rp_sessions_end(c->api->sessions, claims.session, rp_reply_done, c);
	rp_free(claims.username);
	if (err == RP_ENOENT) {
		rp_reply_empty(c, 204);
	} else if (err != 0) {
		rp_reply_code(c, err, NULL);
	}
}

/* The cookie goes in any case: then nobody is signed in. */
static void log_out_page(struct rp_api_call *c, const char *token)
{
	struct rp_auth_result foreign = {.verdict = RP_AUTH_FOREIGN};
	struct rp_jwt_claims claims = {0};
	if (!rp_cookie_counts(c)) {
		rp_api_refuse(c, &foreign);
		return;
	}
	int err = rp_cookie_set(c, NULL);
	if (err != 0) {
		rp_reply_code(c, err, NULL);
	} else if (rp_jwt_verify(c->api->jwt_secret, token, &claims) != 0) {
		rp_reply_empty(c, 204);
	} else {
		rp_free(claims.username);
		log_out(c, token);
	}
}

void rp_api_logout(struct rp_api_call *c)
{
	char *token;
	int err = rp_cookie_read(c, &token);
	if (err == RP_ENOMEM) {
		rp_reply_code(c, err, NULL);
	} else if (err != 0) {
		log_out(c, rp_auth_bearer(c));
	} else {
		log_out_page(c, token);
		rp_free_secret(token);
	}
}
