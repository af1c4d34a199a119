/* SPDX-License-Identifier: MIT */
/*
 * Login and logout (rport-api 3.1, 3.2).
 */
#include <string.h>

#include "api/auth.h"
#include "api/call.h"
#include "api/handlers.h"
#include "api/jwt.h"
#include "api/reply.h"
#include "api/sessions.h"
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

/* 0, or the call was answered. */
static int lifetime(struct rp_api_call *c, int64_t *seconds)
{
	const char *text = rp_query_get(&c->query, "token-lifetime");
	*seconds = LIFETIME_DEFAULT_S;
	if (text == NULL) {
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

/* The session id has to live until the answer: it waits in the call. */
static void on_session_stored(void *ctx, int code, const struct rp_err *err)
{
	struct rp_api_call *c = ctx;
	if (code != 0) {
		rp_reply_code(c, code, err);
		return;
	}
	char *token = rp_jwt_sign(c->api->jwt_secret, c->user.name, c->user.session);
	if (token == NULL) {
		rp_reply_code(c, RP_ENOMEM, NULL);
		return;
	}
	struct rp_reply r;
	rp_reply_begin(&r);
	rp_jsonw_obj(&r.w);
	rp_jsonw_put_str(&r.w, "token", token);
	rp_jsonw_put_null(&r.w, "two_fa");
	rp_jsonw_obj_end(&r.w);
	rp_free_secret(token);
	rp_reply_end(&r, c);
}

static void give_token(struct rp_api_call *c)
{
	int64_t seconds;
	if (lifetime(c, &seconds) != 0) {
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

static void on_login(struct rp_api_call *c, const struct rp_auth_result *r)
{
	if (r->verdict == RP_AUTH_OK) {
		give_token(c);
	} else {
		rp_api_refuse(c, r);
	}
}

void rp_api_login_get(struct rp_api_call *c)
{
	char *name;
	char *password;
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

void rp_api_login_post(struct rp_api_call *c)
{
	const char *type = rp_http_header(rp_http_req_head(c->req), "Content-Type");
	struct login_body b = {0};
	int err;
	if (type != NULL && strcmp(type, "application/json") == 0) {
		err = rp_api_body(c, &login_table, true, &b);
	} else if (type != NULL &&
	    rp_str_starts(rp_str_c(type), "application/x-www-form-urlencoded")) {
		err = form_body(c, &b);
	} else {
		rp_reply_fail(c, 400, "content type %s is not supported", type != NULL ? type : "");
		return;
	}
	if (err != 0) {
		rp_json_release(&login_table, &b);
		return;
	}
	if (b.new_password != NULL && b.new_password[0] != '\0') {
		rp_reply_fail(c, 400, "Changing the password is not built yet.");
	} else {
		rp_auth_password(c, b.username != NULL ? b.username : "",
		    b.password != NULL ? b.password : "", on_login);
	}
	if (b.password != NULL) {
		rp_secret_wipe(b.password, strlen(b.password));
	}
	rp_json_release(&login_table, &b);
}

static void on_logged_out(void *ctx, int code, const struct rp_err *err)
{
	if (code != 0) {
		rp_reply_code(ctx, code, err);
	} else {
		rp_reply_empty(ctx, 204);
	}
}

void rp_api_logout(struct rp_api_call *c)
{
	const char *token = rp_auth_bearer(c);
	struct rp_jwt_claims claims = {0};
	if (token == NULL || rp_jwt_verify(c->api->jwt_secret, token, &claims) != 0) {
		rp_reply_fail(c, 400, "authorization Bearer header with valid auth token required");
		return;
	}
	int err = rp_sessions_end(c->api->sessions, claims.session, on_logged_out, c);
	rp_free(claims.username);
	if (err == RP_ENOENT) {
		rp_reply_empty(c, 204);
	} else if (err != 0) {
		rp_reply_code(c, err, NULL);
	}
}
