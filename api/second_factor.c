/* SPDX-License-Identifier: MIT */
/*
 * The second step of a login (rport-api 3.1, 4.1): POST /login sends a code or asks for one of an
 * application, POST /verify-2fa takes it. Who it is comes from the bearer token alone.
 */
#include <string.h>

#include "api/call.h"
#include "api/handlers.h"
#include "api/jwt.h"
#include "api/reply.h"
#include "api/twofa.h"
#include "api/twofa_send.h"
#include "api/users.h"
#include "core/alloc.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "core/log.h"

#include "core/banned.h"

struct verify_body {
	char *username;
	char *token;
};

#define F(key)                                                                 \
	{                                                                      \
#key, RP_FIELD_STR, 0, offsetof(struct verify_body, key), NULL \
	}
static const struct rp_json_field verify_fields[] = {F(username), F(token)};
static const struct rp_json_table verify_table = RP_JSON_TABLE(verify_fields, struct verify_body);

/* The answer of a login that goes on with its second factor. */
static void reply_half_way(struct rp_api_call *c, const char *send_to, const char *key_status)
{
	enum rp_scope scope;
	struct rp_reply r;
	char *token = NULL;
	if (rp_twofa_find(c->api->twofa, c->user.session, c->user.name, &scope)) {
		token = rp_jwt_sign(c->api->jwt_secret, c->user.name, c->user.session, scope);
	}
	if (!rp_api_login_begin(c, &r, token)) {
		return;
	}
	rp_jsonw_key(&r.w, "two_fa");
	rp_jsonw_obj(&r.w);
	rp_jsonw_put_str(&r.w, "send_to", send_to);
	rp_jsonw_put_str(&r.w, "delivery_method", rp_twofa_method(c->api->twofa));
	rp_jsonw_put_str(&r.w, "totp_key_status", key_status);
	rp_jsonw_obj_end(&r.w);
	rp_jsonw_obj_end(&r.w);
	rp_reply_end(&r, c);
}

static void not_sent(struct rp_api_call *c, int code, const char *why)
{
	rp_twofa_drop(c->api->twofa, c->user.session);
	rp_log_error("api", "2fa code for user \"%s\" is not sent: %s", c->user.name, why);
	rp_reply_fail(c, code == RP_EBUSY || code == RP_ECLOSED ? 503 : 500,
	    "failed to send 2fa verification code: %s", why);
}

static void on_sent(void *ctx, int code, const struct rp_err *err)
{
	struct rp_api_call *c = ctx;
	const struct rp_user *user = rp_users_find(c->api->users, c->user.name);
	if (code != 0) {
		not_sent(c, code, err->msg);
	} else if (user == NULL) {
		not_sent(c, RP_ENOENT, "the user is gone");
	} else {
		reply_half_way(c, user->two_fa_send_to, "");
	}
}

static void send_code(struct rp_api_call *c, const char *send_to, const char *code)
{
	const char *agent = rp_http_header(rp_http_req_head(c->req), "User-Agent");
	struct rp_err err = {0};
	const struct rp_twofa_message m = {
	    .send_to = send_to,
	    .code = code,
	    .user_agent = agent != NULL ? agent : "",
	    .remote_address = rp_api_peer(c),
	};
	int rc = rp_twofa_send(c->api->sender, &m, on_sent, c, &err);
	if (rc != 0) {
		not_sent(c, rc, err.msg);
	}
}

/* False: the call was answered. */
static bool begin(struct rp_api_call *c, bool setup, char code[static RP_TWOFA_CODE_MAX])
{
	int err = rp_twofa_begin(c->api->twofa, c->user.name, setup, &c->user.session, code);
	if (err == RP_EBUSY) {
		rp_reply_fail(c, 429, "too many wrong codes, please try later");
	} else if (err != 0) {
		rp_reply_code(c, err, NULL);
	}
	return err == 0;
}

void rp_api_second_factor_begin(struct rp_api_call *c)
{
	const struct rp_user *user = rp_users_find(c->api->users, c->user.name);
	char code[RP_TWOFA_CODE_MAX] = "";
	int64_t seconds;
	if (rp_api_login_lifetime(c, &seconds) != 0) {
		return;
	}
	if (user == NULL) {
		rp_reply_fail(c, 401, "unauthorized");
		return;
	}
	bool by_code = rp_twofa_kind(c->api->twofa) == RP_TWOFA_CODE;
	bool setup = !by_code && user->totp_secret[0] == '\0';
	if (by_code && user->two_fa_send_to[0] == '\0') {
		rp_reply_fail(c, 400, "no two_fa_send_to set for this user");
		return;
	}
	if (!begin(c, setup, code)) {
		return;
	}
	if (by_code) {
		send_code(c, user->two_fa_send_to, code);
	} else {
		reply_half_way(c, "", setup ? "pending" : "exists");
	}
	rp_secret_wipe(code, sizeof(code));
}

/* A wrong code counts like a wrong password. */
static void refuse(struct rp_api_call *c, const char *why)
{
	if (rp_gate_failed(c->api->gate, rp_api_peer(c), c->user.name, rp_clock_ms())) {
		rp_log_error("api", "%s is banned after repeated failed logins", rp_api_peer(c));
	}
	rp_log_info(
	    "api", "second factor refused for user \"%s\" from %s", c->user.name, rp_api_peer(c));
	rp_reply_fail(c, 401, "%s", why);
}

static void answer_try(struct rp_api_call *c, int err)
{
	switch (err) {
	case 0:
		rp_gate_succeeded(c->api->gate, rp_api_peer(c), c->user.name);
		c->user.scope = RP_SCOPE_FULL;
		rp_api_login_done(c);
		return;
	case RP_EAUTH:
		refuse(c, "invalid token");
		return;
	case RP_ENOENT:
		refuse(c, "login request not found or expired");
		return;
	case RP_EBUSY:
		rp_reply_fail(c, 429, "too many wrong codes, please try later");
		return;
	case RP_EINVAL:
		rp_reply_fail(
		    c, 409, "time based one time secret key should be generated for this user");
		return;
	default:
		rp_reply_code(c, err, NULL);
		return;
	}
}

static void on_kept(void *ctx, int code, const struct rp_err *err)
{
	struct rp_api_call *c = ctx;
	if (code != 0) {
		rp_reply_code(c, code, err);
	} else if (rp_users_find(c->api->users, c->user.name) == NULL) {
		rp_reply_fail(c, 401, "unauthorized");
	} else {
		answer_try(c, 0);
	}
}

/* A code that was right is on record as used before it opens anything. */
static void try_code(struct rp_api_call *c, const struct rp_twofa_try *try)
{
	int err = rp_twofa_check(c->api->twofa, try);
	if (err != 0 || rp_twofa_kind(c->api->twofa) != RP_TWOFA_TOTP) {
		answer_try(c, err);
		return;
	}
	err = rp_twofa_keep(c->api->twofa, c->user.name, on_kept, c);
	if (err != 0) {
		rp_reply_code(c, err, NULL);
	}
}

static void verify(struct rp_api_call *c, const struct verify_body *b)
{
	const struct rp_user *user = rp_users_find(c->api->users, c->user.name);
	const struct rp_twofa_try try = {
	    .id = c->user.session,
	    .code = b->token,
	    .totp_secret = user != NULL ? user->totp_secret : NULL,
	};
	if (b->username == NULL || b->username[0] == '\0') {
		rp_reply_fail(c, 401, "username is required");
	} else if (b->token == NULL || b->token[0] == '\0') {
		rp_reply_fail(c, 401, "token is required");
	} else if (strcmp(b->username, c->user.name) != 0) {
		refuse(c, "the login is that of another user");
	} else if (!rp_gate_name_allowed(c->api->gate, c->user.name, rp_clock_ms())) {
		rp_reply_fail(c, 429, "too many requests, please try later");
	} else {
		try_code(c, &try);
	}
}

void rp_api_verify_2fa(struct rp_api_call *c)
{
	struct verify_body b = {0};
	int64_t seconds;
	if (rp_api_login_lifetime(c, &seconds) != 0 ||
	    rp_api_body(c, &verify_table, true, &b) != 0) {
		return;
	}
	verify(c, &b);
	if (b.token != NULL) {
		rp_secret_wipe(b.token, strlen(b.token));
	}
	rp_json_release(&verify_table, &b);
}
