/* SPDX-License-Identifier: MIT */
/*
 * Users and their logins as administrators see them (rport-api 4.2).
 */
#include "api/handlers.h"
#include "api/reply.h"
#include "api/sessions.h"
#include "api/user_edit.h"
#include "api/users.h"

#include "core/banned.h"

/* False: no such user, and the call was answered. */
static bool user_exists(struct rp_api_call *c)
{
	if (!rp_user_edit_store(c)) {
		return false;
	}
	if (rp_users_find(c->api->users, c->params[0]) != NULL) {
		return true;
	}
	rp_reply_fail(c, 404, "cannot find user by username '%s'", c->params[0]);
	return false;
}

static void write_user(void *ctx, const struct rp_user *u)
{
	struct rp_jsonw *w = ctx;
	rp_jsonw_obj(w);
	rp_jsonw_put_str(w, "username", u->username);
	rp_jsonw_put_bool(w, "password_expired", u->password_expired);
	rp_jsonw_put_strlist(w, "groups", &u->groups);
	rp_jsonw_put_str(w, "two_fa_send_to", u->two_fa_send_to);
	rp_jsonw_put_null(w, "effective_user_permissions");
	rp_jsonw_put_null(w, "effective_extended_permissions");
	rp_jsonw_put_bool(w, "group_permissions_enabled", false);
	rp_jsonw_obj_end(w);
}

void rp_api_users_get(struct rp_api_call *c)
{
	struct rp_reply r;
	if (!rp_user_edit_store(c)) {
		return;
	}
	rp_reply_begin(&r);
	rp_jsonw_arr(&r.w);
	rp_users_each(c->api->users, write_user, &r.w);
	rp_jsonw_arr_end(&r.w);
	rp_reply_end(&r, c);
}

static void write_session(void *ctx, const struct rp_session *s)
{
	struct rp_jsonw *w = ctx;
	rp_jsonw_obj(w);
	rp_jsonw_put_uint(w, "session_id", s->id);
	rp_jsonw_put_time(w, "expires_at", s->expires_at);
	rp_jsonw_put_time(w, "last_access_at", s->last_access_at);
	rp_jsonw_put_str(w, "username", s->username);
	rp_jsonw_put_str(w, "user_agent", s->user_agent);
	rp_jsonw_put_str(w, "ip_address", s->ip_address);
	rp_jsonw_obj_end(w);
}

void rp_api_user_sessions(struct rp_api_call *c)
{
	struct rp_reply r;
	if (!user_exists(c)) {
		return;
	}
	rp_reply_begin(&r);
	rp_jsonw_arr(&r.w);
	rp_sessions_each(c->api->sessions, c->params[0], write_session, &r.w);
	rp_jsonw_arr_end(&r.w);
	rp_reply_end(&r, c);
}

static void on_ended(void *ctx, int code, const struct rp_err *err)
{
	if (code != 0) {
		rp_reply_code(ctx, code, err);
	} else {
		rp_reply_empty(ctx, 204);
	}
}

void rp_api_user_sessions_delete(struct rp_api_call *c)
{
	if (!user_exists(c)) {
		return;
	}
	int err = rp_sessions_end_all(c->api->sessions, c->params[0], on_ended, c);
	if (err != 0) {
		rp_reply_code(c, err, NULL);
	}
}

void rp_api_user_session_delete(struct rp_api_call *c)
{
	uint64_t id;
	if (!user_exists(c)) {
		return;
	}
	if (rp_str_u64(rp_str_c(c->params[1]), INT64_MAX, &id) != 0) {
		rp_reply_fail(c, 400, "invalid session id \"%s\": expected a number", c->params[1]);
		return;
	}
	/* Somebody else's session is none of this user's: as if it were not there. */
	int err = rp_sessions_is_of(c->api->sessions, id, c->params[0])
	    ? rp_sessions_end(c->api->sessions, id, on_ended, c)
	    : RP_ENOENT;
	if (err == RP_ENOENT) {
		rp_reply_fail(
		    c, 404, "cannot find session %s of user '%s'", c->params[1], c->params[0]);
	} else if (err != 0) {
		rp_reply_code(c, err, NULL);
	}
}
