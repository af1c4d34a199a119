/* SPDX-License-Identifier: MIT */
/*
 * What users change about themselves (rport-api 3.4).
 */
#include <string.h>

#include "api/auth.h"
#include "api/call.h"
#include "api/handlers.h"
#include "api/reply.h"
#include "api/user_edit.h"
#include "api/users.h"
#include "core/alloc.h"
#include "core/crypto.h"

#include "core/banned.h"

struct body {
	char *username;
	char *password;
	char *old_password;
	char *two_fa_send_to;
};

#define F(key)                                                          \
	{                                                               \
#key, RP_FIELD_STR, 0, offsetof(struct body, key), NULL \
	}
static const struct rp_json_field body_fields[] = {
    F(username), F(password), F(old_password), F(two_fa_send_to)};
static const struct rp_json_table body_table = RP_JSON_TABLE(body_fields, struct body);

static void body_release(struct body *b)
{
	if (b->password != NULL) {
		rp_secret_wipe(b->password, strlen(b->password));
	}
	if (b->old_password != NULL) {
		rp_secret_wipe(b->old_password, strlen(b->old_password));
	}
	rp_json_release(&body_table, b);
}

static const char *not_empty(const char *text)
{
	return text == NULL || text[0] == '\0' ? NULL : text;
}

static void answer_empty(struct rp_api_call *c)
{
	rp_reply_empty(c, 204);
}

static void change(struct rp_api_call *c, const struct body *b)
{
	const struct rp_user_change change = {
	    .username = not_empty(b->username),
	    .password = not_empty(b->password),
	    .two_fa_send_to = not_empty(b->two_fa_send_to),
	};
	if (rp_user_edit_check(c, &change, c->user.name)) {
		rp_user_edit_change(c, c->user.name, &change, answer_empty);
	}
}

/* The old password was looked at; the body is read once more. */
static void on_verified(struct rp_api_call *c, const struct rp_auth_result *r)
{
	struct body b = {0};
	if (r->verdict == RP_AUTH_REFUSED) {
		rp_reply_fail(c, 403, "Incorrect old password.");
		return;
	}
	if (r->verdict != RP_AUTH_OK) {
		rp_api_refuse(c, r);
		return;
	}
	if (rp_api_body(c, &body_table, true, &b) == 0) {
		change(c, &b);
	}
	body_release(&b);
}

void rp_api_me_put(struct rp_api_call *c)
{
	struct body b = {0};
	if (!rp_user_edit_store(c) || rp_api_body(c, &body_table, true, &b) != 0) {
		return;
	}
	if (not_empty(b.password) == NULL) {
		change(c, &b);
	} else if (not_empty(b.old_password) == NULL) {
		rp_reply_fail(c, 403, "Missing old password.");
	} else {
		rp_auth_verify(c, b.old_password, on_verified);
	}
	body_release(&b);
}
