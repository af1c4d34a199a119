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

static void write_facts(struct rp_jsonw *w, const struct rp_session *s)
{
	rp_jsonw_put_uint(w, "session_id", s->id);
	rp_jsonw_put_time(w, "expires_at", s->expires_at);
	rp_jsonw_put_time(w, "last_access_at", s->last_access_at);
	rp_jsonw_put_str(w, "username", s->username);
	rp_jsonw_put_str(w, "user_agent", s->user_agent);
	rp_jsonw_put_str(w, "ip_address", s->ip_address);
}

static void write_session(void *ctx, const struct rp_session *s)
{
	struct rp_jsonw *w = ctx;
	rp_jsonw_obj(w);
	write_facts(w, s);
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

void rp_api_user_sessions_delete(struct rp_api_call *c)
{
	if (!user_exists(c)) {
		return;
	}
	int err = rp_sessions_end_all(c->api->sessions, c->params[0], rp_reply_done, c);
	if (err != 0) {
		rp_reply_code(c, err, NULL);
	}
}

static void end_session(struct rp_api_call *c, const char *username, const char *text)
{
	uint64_t id;
	if (rp_str_u64(rp_str_c(text), INT64_MAX, &id) != 0) {
		rp_reply_fail(c, 400, "invalid session id \"%s\": expected a number", text);
		return;
	}
	/* Somebody else's session is none of this user's: as if it were not there. */
	int err = rp_sessions_is_of(c->api->sessions, id, username)
	    ? rp_sessions_end(c->api->sessions, id, rp_reply_done, c)
	    : RP_ENOENT;
	if (err == RP_ENOENT) {
		rp_reply_fail(c, 404, "cannot find session %s of user '%s'", text, username);
	} else if (err != 0) {
		rp_reply_code(c, err, NULL);
	}
}

void rp_api_user_session_delete(struct rp_api_call *c)
{
	if (user_exists(c)) {
		end_session(c, c->params[0], c->params[1]);
	}
}

void rp_api_sessions(struct rp_api_call *c)
{
	struct rp_reply r;
	rp_reply_begin(&r);
	rp_jsonw_arr(&r.w);
	rp_sessions_each(c->api->sessions, NULL, write_session, &r.w);
	rp_jsonw_arr_end(&r.w);
	rp_reply_end(&r, c);
}

/* --- my own --- */

struct mine {
	struct rp_jsonw *w;
	uint64_t current; /* 0: not by a login */
};

static void write_mine(void *ctx, const struct rp_session *s)
{
	const struct mine *m = ctx;
	rp_jsonw_obj(m->w);
	write_facts(m->w, s);
	rp_jsonw_put_bool(m->w, "current", s->id == m->current);
	rp_jsonw_obj_end(m->w);
}

void rp_api_my_sessions(struct rp_api_call *c)
{
	struct rp_reply r;
	struct mine m = {.w = &r.w, .current = c->user.session};
	rp_reply_begin(&r);
	rp_jsonw_arr(&r.w);
	rp_sessions_each(c->api->sessions, c->user.name, write_mine, &m);
	rp_jsonw_arr_end(&r.w);
	rp_reply_end(&r, c);
}

void rp_api_my_session_delete(struct rp_api_call *c)
{
	end_session(c, c->user.name, c->params[0]);
}
