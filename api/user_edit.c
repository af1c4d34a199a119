/* SPDX-License-Identifier: MIT */
/*
 * Users are made, changed and deleted (rport-api 4.2). Logins and API tokens go by the name of the
 * user: they end when he does, and once more when somebody gets the name (the first may have been
 * deleted by other means).
 */
#include "api/user_edit.h"

#include <string.h>

#include "api/handlers.h"
#include "api/reply.h"
#include "api/sessions.h"
#include "api/tokens.h"
#include "api/users.h"
#include "core/alloc.h"
#include "core/crypto.h"

#include "core/banned.h"

bool rp_user_edit_store(struct rp_api_call *c)
{
	if (!rp_users_static(c->api->users)) {
		return true;
	}
	rp_reply_fail(c, 400,
	    "server runs on a static user-password pair, please use JSON file or database for user data");
	return false;
}

bool rp_user_edit_check(
    struct rp_api_call *c, const struct rp_user_change *change, const char *name)
{
	struct rp_user_problems problems;
	struct rp_api_error errors[RP_USER_PROBLEMS_MAX];
	rp_user_rules_check(c->api->cfg, change, name, &problems);
	for (size_t i = 0; i < problems.n; i++) {
		errors[i] = (struct rp_api_error){
		    .status = 400,
		    .code = "",
		    .title = problems.v[i].title,
		    .detail = problems.v[i].detail,
		};
	}
	if (problems.n > 0) {
		rp_reply_errors(c, errors, problems.n);
	}
	return problems.n == 0;
}

void rp_user_edit_fail(struct rp_api_call *c, int code, const struct rp_err *err)
{
	switch (code) {
	case RP_EEXIST:
	case RP_EDENIED:
	case RP_EUNSUPPORTED:
		rp_reply_fail(c, 400, "%s", err->msg);
		return;
	case RP_ENOENT:
		rp_reply_fail(c, 404, "%s", err->msg);
		return;
	default:
		rp_reply_code(c, code, err);
	}
}

/* --- a change and what ends with it --- */

struct edit {
	struct rp_api_call *call;
	struct rp_strlist logins; /* names whose logins are to end */
	struct rp_strlist tokens; /* the same of API tokens */
	void (*done)(struct rp_api_call *c);
};

static void edit_free(struct edit *e)
{
	rp_strlist_fini(&e->logins);
	rp_strlist_fini(&e->tokens);
	rp_free(e);
}

static struct edit *edit_new(struct rp_api_call *c, void (*done)(struct rp_api_call *c))
{
	struct edit *e = rp_calloc(1, sizeof(*e));
	if (e != NULL) {
		e->call = c;
		e->done = done;
	}
	return e;
}

static int end_all_of(struct edit *e, const char *name)
{
	int code = rp_strlist_add(&e->logins, rp_str_c(name));
	return code != 0 ? code : rp_strlist_add(&e->tokens, rp_str_c(name));
}

/* The last one of a list, owned. */
static char *pop(struct rp_strlist *l)
{
	return l->v[--l->n];
}

static void on_step(void *ctx, int code, const struct rp_err *err);

/* Starts what is left to do. */
static int next_step(struct edit *e)
{
	const struct rp_api *api = e->call->api;
	char *name = NULL;
	int code = 0;
	if (e->logins.n > 0) {
		name = pop(&e->logins);
		code = rp_sessions_end_all(api->sessions, name, on_step, e);
	} else if (e->tokens.n > 0) {
		name = pop(&e->tokens);
		code = rp_tokens_end_all(api->tokens, name, on_step, e);
	} else {
		e->done(e->call);
		edit_free(e);
	}
	rp_free(name);
	return code;
}

static void on_step(void *ctx, int code, const struct rp_err *err)
{
	struct edit *e = ctx;
	if (code != 0) {
		rp_user_edit_fail(e->call, code, err);
		edit_free(e);
		return;
	}
	code = next_step(e);
	if (code != 0) {
		rp_reply_code(e->call, code, NULL);
		edit_free(e);
	}
}

/* The first step could not even start. */
static void no_step(struct rp_api_call *c, struct edit *e, int code)
{
	if (e != NULL) {
		edit_free(e);
	}
	rp_reply_code(c, code, NULL);
}

static int what_ends(struct edit *e, const char *name, const struct rp_user_change *change)
{
	if (change->username != NULL && strcmp(change->username, name) != 0) {
		int code = end_all_of(e, name);
		return code != 0 ? code : end_all_of(e, change->username);
	}
	bool expired = change->password_expired != NULL && *change->password_expired;
	return expired ? rp_strlist_add(&e->logins, rp_str_c(name)) : 0;
}

void rp_user_edit_change(struct rp_api_call *c, const char *name,
    const struct rp_user_change *change, void (*done)(struct rp_api_call *c))
{
	struct edit *e = edit_new(c, done);
	int code = RP_ENOMEM;
	if (e != NULL) {
		code = what_ends(e, name, change);
		code = code != 0 ? code : rp_users_change(c->api->users, name, change, on_step, e);
	}
	if (code != 0) {
		no_step(c, e, code);
	}
}

/* --- bodies --- */

struct body {
	char *username;
	char *password;
	struct rp_strlist groups;
	char *two_fa_send_to;
	bool password_expired;
	char *totp_secret;
};

#define F(key, kind)                                                       \
	{                                                                  \
#key, RP_FIELD_##kind, 0, offsetof(struct body, key), NULL \
	}
static const struct rp_json_field body_fields[] = {
    F(username, STR),
    F(password, STR),
    F(groups, STRLIST),
    F(two_fa_send_to, STR),
    F(password_expired, BOOL),
    F(totp_secret, STR),
};
static const struct rp_json_table body_table = RP_JSON_TABLE(body_fields, struct body);

static void body_release(struct body *b)
{
	if (b->password != NULL) {
		rp_secret_wipe(b->password, strlen(b->password));
	}
	if (b->totp_secret != NULL) {
		rp_secret_wipe(b->totp_secret, strlen(b->totp_secret));
	}
	rp_json_release(&body_table, b);
}

static const char *not_empty(const char *text)
{
	return text == NULL || text[0] == '\0' ? NULL : text;
}

/* A list and a truth value that are not in the body stay as they are; empty texts too. False:
 * answered. */
static bool read_body(struct rp_api_call *c, struct body *b, struct rp_user_change *change)
{
	struct rp_str text = rp_http_req_body(c->req);
	struct rp_json *j = NULL;
	if (rp_api_body(c, &body_table, true, b) != 0) {
		return false;
	}
	int code = rp_json_parse(text.p, text.len, &j, NULL);
	if (code != 0) {
		rp_reply_code(c, code, NULL);
		return false;
	}
	bool groups = rp_json_type(rp_json_get(j, "groups")) != RP_JSON_NULL;
	bool expired = rp_json_type(rp_json_get(j, "password_expired")) != RP_JSON_NULL;
	rp_json_free(j);
	*change = (struct rp_user_change){
	    .username = not_empty(b->username),
	    .password = not_empty(b->password),
	    .groups = groups ? &b->groups : NULL,
	    .password_expired = expired ? &b->password_expired : NULL,
	    .two_fa_send_to = not_empty(b->two_fa_send_to),
	    .totp_secret = not_empty(b->totp_secret),
	};
	return true;
}

/* --- handlers --- */

static void answer_created(struct rp_api_call *c)
{
	rp_reply_empty(c, 201);
}

static void add_user(struct rp_api_call *c, const struct rp_user_change *new)
{
	struct edit *e = edit_new(c, answer_created);
	int code = RP_ENOMEM;
	if (e != NULL) {
		code = end_all_of(e, new->username);
		code = code != 0 ? code : rp_users_add(c->api->users, new, on_step, e);
	}
	if (code != 0) {
		no_step(c, e, code);
	}
}

void rp_api_user_post(struct rp_api_call *c)
{
	struct body b = {0};
	struct rp_user_change change;
	if (!rp_user_edit_store(c)) {
		return;
	}
	if (read_body(c, &b, &change) && rp_user_edit_check(c, &change, NULL)) {
		add_user(c, &change);
	}
	body_release(&b);
}

static void answer_empty(struct rp_api_call *c)
{
	rp_reply_empty(c, 204);
}

void rp_api_user_put(struct rp_api_call *c)
{
	struct body b = {0};
	struct rp_user_change change;
	if (!rp_user_edit_store(c)) {
		return;
	}
	if (read_body(c, &b, &change) && rp_user_edit_check(c, &change, c->params[0])) {
		rp_user_edit_change(c, c->params[0], &change, answer_empty);
	}
	body_release(&b);
}

void rp_api_user_delete(struct rp_api_call *c)
{
	if (!rp_user_edit_store(c)) {
		return;
	}
	struct edit *e = edit_new(c, answer_empty);
	int code = RP_ENOMEM;
	if (e != NULL) {
		code = end_all_of(e, c->params[0]);
		code = code != 0 ? code : rp_users_delete(c->api->users, c->params[0], on_step, e);
	}
	if (code != 0) {
		no_step(c, e, code);
	}
}
