/* SPDX-License-Identifier: MIT */
/*
 * A user's TOTP secret: made once, shown, deleted (rport-api 4.1). These answers have no envelope.
 */
#include <string.h>

#include "api/handlers.h"
#include "api/qr.h"
#include "api/reply.h"
#include "api/totp.h"
#include "api/twofa.h"
#include "api/users.h"
#include "core/alloc.h"
#include "core/crypto.h"
#include "core/jsonw.h"

#include "core/banned.h"

#define ANSWER_MAX (64u * 1024)

/* False: TOTP is off, and the call was answered. */
static bool is_on(struct rp_api_call *c)
{
	if (rp_twofa_kind(c->api->twofa) == RP_TWOFA_TOTP) {
		return true;
	}
	rp_reply_fail(c, 400, "TotP is disabled");
	return false;
}

/* NULL: TOTP is off or there is no such user, and the call was answered. */
static const struct rp_user *find(struct rp_api_call *c, const char *name)
{
	if (!is_on(c)) {
		return NULL;
	}
	const struct rp_user *user = rp_users_find(c->api->users, name);
	if (user == NULL) {
		rp_reply_fail(c, 404, "cannot find user by username '%s'", name);
	}
	return user;
}

static int write_key(struct rp_buf *out, const char *secret, const char *qr)
{
	struct rp_jsonw w;
	rp_jsonw_init(&w, out);
	rp_jsonw_obj(&w);
	rp_jsonw_put_str(&w, "secret", secret);
	rp_jsonw_put_str(&w, "qr", qr);
	rp_jsonw_obj_end(&w);
	return rp_jsonw_end(&w);
}

/* stored: the otpauth:// URL, or the key alone. */
static int make_answer(const char *stored, struct rp_buf *out)
{
	struct rp_totp key;
	char *qr = NULL;
	int err = rp_totp_parse(stored, &key);
	if (err != 0) {
		return err;
	}
	char *secret = rp_totp_secret(&key);
	err = secret == NULL ? RP_ENOMEM : rp_qr_png(stored, &qr);
	err = err != 0 ? err : write_key(out, secret, qr);
	rp_free_secret(secret);
	rp_free_secret(qr);
	rp_secret_wipe(&key, sizeof(key));
	return err;
}

static void show(struct rp_api_call *c, const char *stored)
{
	struct rp_buf out;
	rp_buf_init(&out, ANSWER_MAX);
	int err = make_answer(stored, &out);
	if (err == 0) {
		rp_reply_bytes(
		    c, "application/json; charset=UTF-8", rp_str_n(rp_buf_head(&out), out.len));
	} else if (err == RP_EINVAL) {
		rp_reply_fail(c, 500, "the stored TOTP secret is not readable: delete it");
	} else {
		rp_reply_code(c, err, NULL);
	}
	if (out.len > 0) {
		rp_secret_wipe(rp_buf_head(&out), out.len);
	}
	rp_buf_fini(&out);
}

void rp_api_totp_get(struct rp_api_call *c)
{
	const struct rp_user *user = find(c, c->user.name);
	if (user == NULL) {
		return;
	}
	if (user->totp_secret[0] == '\0') {
		rp_reply_fail(
		    c, 404, "time based one time secret key should be generated for this user");
		return;
	}
	show(c, user->totp_secret);
}

static void on_made(void *ctx, int code, const struct rp_err *err)
{
	struct rp_api_call *c = ctx;
	const struct rp_user *user = rp_users_find(c->api->users, c->user.name);
	if (code != 0 || user == NULL) {
		rp_reply_code(c, code != 0 ? code : RP_ENOENT, err);
		return;
	}
	rp_twofa_set_up(c->api->twofa, c->user.session);
	show(c, user->totp_secret);
}

static void change(
    struct rp_api_call *c, const char *name, const char *secret, rp_store_done_cb done)
{
	const struct rp_user_change ch = {.totp_secret = secret};
	int err = rp_users_change(c->api->users, name, &ch, done, c);
	if (err != 0) {
		rp_reply_code(c, err, NULL);
	}
}

void rp_api_totp_post(struct rp_api_call *c)
{
	const struct rp_user *user = find(c, c->user.name);
	if (user == NULL) {
		return;
	}
	if (user->totp_secret[0] != '\0') {
		rp_reply_fail(
		    c, 409, "cannot create new totP secret when another one already exists");
		return;
	}
	char *url = rp_totp_new(c->api->cfg->totp_account_name, c->user.name);
	if (url == NULL) {
		rp_reply_code(c, RP_ENOMEM, NULL);
		return;
	}
	change(c, c->user.name, url, on_made);
	rp_free_secret(url);
}

void rp_api_totp_delete(struct rp_api_call *c)
{
	if (find(c, c->user.name) != NULL) {
		change(c, c->user.name, "", rp_reply_done);
	}
}

void rp_api_user_totp_delete(struct rp_api_call *c)
{
	if (find(c, c->params[0]) != NULL) {
		change(c, c->params[0], "", rp_reply_done);
	}
}
