/* SPDX-License-Identifier: MIT */
/*
 * A user's own API tokens (rport-api 3.5).
 */
#include <stdio.h>
#include <string.h>

#include "api/handlers.h"
#include "api/reply.h"
#include "api/tokens.h"
#include "core/alloc.h"
#include "core/clock.h"
#include "core/crypto.h"

#include "core/banned.h"

#define NAME_MAX_LEN 249

/* A write under way, with what its answer will say. */
struct change {
	struct rp_api_call *call;
	struct rp_token token; /* name: from the body, owned */
	char *scope;
	char text[RP_TOKEN_TEXT_MAX];
};

struct body {
	char *scope;
	char *name;
	int64_t expires_at;
};

#define F(key, kind)                                                       \
	{                                                                  \
#key, RP_FIELD_##kind, 0, offsetof(struct body, key), NULL \
	}
static const struct rp_json_field new_fields[] = {F(scope, STR), F(name, STR), F(expires_at, TIME)};
static const struct rp_json_table new_table = RP_JSON_TABLE(new_fields, struct body);
static const struct rp_json_field change_fields[] = {F(name, STR), F(expires_at, TIME)};
static const struct rp_json_table change_table = RP_JSON_TABLE(change_fields, struct body);

static void write_token(void *ctx, const struct rp_token *t)
{
	struct rp_jsonw *w = ctx;
	rp_jsonw_obj(w);
	rp_jsonw_put_str(w, "prefix", t->prefix);
	rp_jsonw_put_str(w, "name", t->name);
	rp_jsonw_put_time(w, "created_at", t->created_at);
	rp_jsonw_put_time(w, "expires_at", t->expires_at);
	rp_jsonw_put_str(w, "scope", rp_scope_name(t->scope));
	rp_jsonw_obj_end(w);
}

void rp_api_tokens_get(struct rp_api_call *c)
{
	struct rp_reply r;
	rp_reply_begin(&r);
	rp_jsonw_arr(&r.w);
	rp_tokens_each(c->api->tokens, c->user.name, write_token, &r.w);
	rp_jsonw_arr_end(&r.w);
	rp_reply_end(&r, c);
}

static void change_free(struct change *ch)
{
	rp_free(ch->token.name);
	rp_free(ch->scope);
	rp_secret_wipe(ch->text, sizeof(ch->text));
	rp_free(ch);
}

static void fail_with(struct rp_api_call *c, const char *title, const char *detail)
{
	const struct rp_api_error e = {.status = 400, .code = "", .title = title, .detail = detail};
	rp_reply_error(c, &e);
}

/* The end of a change that did not happen. */
static void refuse(struct change *ch, int code, const struct rp_err *err)
{
	if (code == RP_EEXIST) {
		rp_reply_fail(ch->call, 400, "an API token of this name exists already");
	} else if (code == RP_ELIMIT) {
		rp_reply_fail(
		    ch->call, 400, "a user has at most %d API tokens", RP_TOKENS_PER_USER);
	} else if (code == RP_ENOENT) {
		rp_reply_fail(
		    ch->call, 404, "cannot find API token by prefix '%s'", ch->call->params[0]);
	} else {
		rp_reply_code(ch->call, code, err);
	}
	change_free(ch);
}

/* NULL: the call was answered. */
static struct change *read_body(struct rp_api_call *c, const struct rp_json_table *t)
{
	struct body b = {0};
	if (rp_api_body(c, t, true, &b) != 0) {
		return NULL;
	}
	struct change *ch = rp_calloc(1, sizeof(*ch));
	if (ch == NULL) {
		rp_json_release(t, &b);
		rp_reply_code(c, RP_ENOMEM, NULL);
		return NULL;
	}
	ch->call = c;
	ch->token.username = c->user.name;
	ch->token.name = b.name;
	ch->token.expires_at = b.expires_at;
	ch->scope = b.scope;
	return ch;
}

static bool name_fits(const char *name)
{
	return name != NULL && name[0] != '\0' && strlen(name) <= NAME_MAX_LEN;
}

static void on_added(void *ctx, int code, const struct rp_err *err)
{
	struct change *ch = ctx;
	struct rp_reply r;
	if (code != 0) {
		refuse(ch, code, err);
		return;
	}
	rp_reply_begin(&r);
	rp_jsonw_obj(&r.w);
	rp_jsonw_put_str(&r.w, "prefix", ch->token.prefix);
	rp_jsonw_put_time(&r.w, "expires_at", ch->token.expires_at);
	rp_jsonw_put_str(&r.w, "scope", rp_scope_name(ch->token.scope));
	rp_jsonw_put_str(&r.w, "token", ch->text);
	rp_jsonw_obj_end(&r.w);
	rp_reply_end(&r, ch->call);
	change_free(ch);
}

void rp_api_tokens_post(struct rp_api_call *c)
{
	struct change *ch = read_body(c, &new_table);
	if (ch == NULL) {
		return;
	}
	if (ch->scope == NULL || rp_scope_parse(ch->scope, &ch->token.scope) != 0) {
		change_free(ch);
		fail_with(c, "missing or invalid scope.",
		    "expected \"read\", \"read+write\" or \"clients-auth\"");
		return;
	}
	if (!name_fits(ch->token.name)) {
		change_free(ch);
		fail_with(
		    c, "missing or invalid name.", "field name is required, 250 characters max");
		return;
	}
	if (ch->token.scope == RP_SCOPE_CLIENTS_AUTH && !c->user.admin) {
		change_free(ch);
		rp_reply_fail(c, 400,
		    "current user should belong to Administrators group to create a token with this scope");
		return;
	}
	int err = rp_tokens_add(c->api->tokens, &ch->token, ch->text, on_added, ch);
	if (err != 0) {
		refuse(ch, err, NULL);
	}
}

static bool prefix_fits(struct rp_api_call *c)
{
	if (strlen(c->params[0]) == RP_TOKEN_PREFIX_LEN) {
		return true;
	}
	rp_reply_fail(c, 400, "missing or invalid token prefix.");
	return false;
}

static void on_changed(void *ctx, int code, const struct rp_err *err)
{
	struct change *ch = ctx;
	struct rp_reply r;
	if (code != 0) {
		refuse(ch, code, err);
		return;
	}
	rp_reply_begin(&r);
	rp_jsonw_obj(&r.w);
	rp_jsonw_put_str(&r.w, "prefix", ch->token.prefix);
	if (ch->token.name != NULL) {
		rp_jsonw_put_str(&r.w, "name", ch->token.name);
	}
	if (ch->token.expires_at != RP_TIME_ZERO) {
		rp_jsonw_put_time(&r.w, "expires_at", ch->token.expires_at);
	}
	rp_jsonw_obj_end(&r.w);
	rp_reply_end(&r, ch->call);
	change_free(ch);
}

void rp_api_token_put(struct rp_api_call *c)
{
	if (!prefix_fits(c)) {
		return;
	}
	struct change *ch = read_body(c, &change_table);
	if (ch == NULL) {
		return;
	}
	if (ch->token.name == NULL && ch->token.expires_at == RP_TIME_ZERO) {
		change_free(ch);
		rp_reply_fail(c, 400, "nothing to change");
		return;
	}
	if (ch->token.name != NULL && !name_fits(ch->token.name)) {
		change_free(ch);
		fail_with(
		    c, "missing or invalid name.", "field name is required, 250 characters max");
		return;
	}
	(void)snprintf(ch->token.prefix, sizeof(ch->token.prefix), "%s", c->params[0]);
	int err = rp_tokens_change(c->api->tokens, &ch->token, on_changed, ch);
	if (err != 0) {
		refuse(ch, err, NULL);
	}
}

void rp_api_token_delete(struct rp_api_call *c)
{
	if (!prefix_fits(c)) {
		return;
	}
	int err = rp_tokens_end(c->api->tokens, c->user.name, c->params[0], rp_reply_done, c);
	if (err == RP_ENOENT) {
		rp_reply_fail(c, 404, "cannot find API token by prefix '%s'", c->params[0]);
	} else if (err != 0) {
		rp_reply_code(c, err, NULL);
	}
}

void rp_api_token_gone(struct rp_api_call *c)
{
	rp_reply_fail(c, 410, "This endpoint is gone: use /me/tokens.");
}
