/* SPDX-License-Identifier: MIT */
/*
 * One WebSocket: the upgraded stream, who has opened it, and the message that is coming in. It keeps
 * the connection's slot in the crowd (server/crowd.h) until it is closed.
 */
#include "api/ws.h"

#include <stdio.h>
#include <string.h>

#include "api/call.h"
#include "api/reply.h"
#include "api/router.h"
#include "api/sessions.h"
#include "api/users.h"
#include "core/alloc.h"
#include "core/clock.h"
#include "core/log.h"
#include "http/ws.h"

#include "core/banned.h"

#define COMPONENT "api"
#define PEER_MAX  64

struct rp_api_ws {
	struct rp_api *api;
	struct rp_list node;
	struct rp_ws *ws;
	const struct rp_api_ws_ops *ops;
	void *ctx;
	const struct rp_route *route;
	struct rp_api_user user;
	uint64_t generation;   /* of the users that its rights were read from */
	struct rp_buf message; /* as far as it is here */
	char source[RP_CROWD_SOURCE_MAX];
	char peer[PEER_MAX];
	bool closing;
};

static void ws_free(struct rp_api_ws *w)
{
	rp_list_remove(&w->node);
	w->api->sockets.n--;
	rp_crowd_leave(w->api->crowd, w->source);
	rp_buf_fini(&w->message);
	rp_api_user_fini(&w->user);
	rp_free(w);
}

/* What comes in */

static void take_message(struct rp_api_ws *w)
{
	const char *p = (const char *)rp_buf_head(&w->message);
	size_t n = w->message.len;
	if (!rp_utf8_valid(p, n)) {
		rp_api_ws_close(w, RP_API_WS_NOT_UTF8);
		return;
	}
	struct rp_buf message = w->message;
	rp_buf_init(&w->message, message.max);
	if (w->ops->on_text != NULL) {
		w->ops->on_text(w->ctx, p, n);
	}
	rp_buf_fini(&message);
}

static void on_data(
    void *ctx, enum rp_ws_opcode opcode, bool first, bool last, uint8_t *p, size_t n)
{
	struct rp_api_ws *w = ctx;
	(void)first;
	if (w->closing) {
		return;
	}
	if (opcode != RP_WS_TEXT) {
		rp_api_ws_close(w, RP_API_WS_NOT_TEXT);
	} else if (rp_buf_add(&w->message, p, n) != 0) {
		rp_api_ws_close(w, RP_API_WS_TOO_LONG);
	} else if (last) {
		take_message(w);
	}
}

static void on_drain(void *ctx)
{
	struct rp_api_ws *w = ctx;
	if (!w->closing && w->ops->on_drain != NULL) {
		w->ops->on_drain(w->ctx);
	}
}

static void on_end(void *ctx, int code, const char *why)
{
	struct rp_api_ws *w = ctx;
	(void)code;
	rp_log_debug(COMPONENT, "WebSocket of %s from %s ends: %s", w->user.name, w->peer, why);
	w->closing = true;
	rp_ws_close(w->ws, 0);
}

static void on_closed(void *ctx)
{
	struct rp_api_ws *w = ctx;
	w->closing = true;
	w->ops->on_closed(w->ctx);
	ws_free(w);
}

static const struct rp_ws_ops ws_ops = {
    .on_data = on_data,
    .on_drain = on_drain,
    .on_end = on_end,
    .on_closed = on_closed,
};

/* Start */

/* Browsers add Basic credentials that they remember to the requests of any page, and they name the
 * page. A token has to be known to the page, so that it may come from anywhere. */
static bool origin_allowed(const struct rp_api_call *c)
{
	const struct rp_http_head *head = rp_http_req_head(c->req);
	const char *origin = rp_http_header(head, "Origin");
	const char *host = rp_http_header(head, "Host");
	if (origin == NULL || !c->by_basic) {
		return true;
	}
	const struct rp_strlist *others = &c->api->cors.origins;
	for (size_t i = 0; i < others->n; i++) {
		if (rp_ascii_ieq(origin, others->v[i])) {
			return true;
		}
	}
	const char *behind = strstr(origin, "://");
	return host != NULL && behind != NULL && rp_ascii_ieq(behind + 3, host);
}

static size_t count_user(const struct rp_api *api, const char *name)
{
	size_t n = 0;
	for (const struct rp_list *it = api->sockets.list.next; it != &api->sockets.list;
	     it = it->next) {
		n += strcmp(RP_LIST_ENTRY(it, struct rp_api_ws, node)->user.name, name) == 0;
	}
	return n;
}

/* False: the call was answered. */
static bool may_start(struct rp_api_call *c)
{
	const struct rp_api *api = c->api;
	if (api->closing) {
		rp_reply_fail(c, 503, "the server is shutting down");
	} else if (rp_http_ws_check(c->req) != 0) {
		rp_reply_fail(c, 400, "This path wants a WebSocket handshake (RFC 6455).");
	} else if (!origin_allowed(c)) {
		rp_reply_fail(c, 403,
		    "A page of another origin may open a WebSocket only with access_token.");
	} else if (count_user(api, c->user.name) >= RP_API_WS_PER_USER) {
		rp_reply_fail(
		    c, 429, "At most %d WebSockets of one user are open.", RP_API_WS_PER_USER);
	} else if (api->sockets.n >= RP_API_WS_MAX) {
		rp_reply_fail(c, 503, "At most %d WebSockets are open.", RP_API_WS_MAX);
	} else {
		return true;
	}
	return false;
}

static struct rp_api_ws *ws_new(struct rp_api_call *c, const struct rp_api_ws_ops *ops, void *ctx)
{
	struct rp_api_ws *w = rp_calloc(1, sizeof(*w));
	if (w == NULL) {
		return NULL;
	}
	w->api = c->api;
	w->ops = ops;
	w->ctx = ctx;
	w->route = c->route;
	w->user = c->user;
	c->user = (struct rp_api_user){0};
	w->generation = rp_users_generation(c->api->users);
	rp_buf_init(&w->message,
	    RP_MAX((size_t)c->api->cfg->max_request_bytes, (size_t)RP_API_WS_MESSAGE_MAX));
	(void)snprintf(w->peer, sizeof(w->peer), "%s", rp_api_peer(c));
	rp_list_append(&w->api->sockets.list, &w->node);
	w->api->sockets.n++;
	return w;
}

/* From here on the connection is ours: its slot, and the stream. */
static int attach(struct rp_api_ws *w, struct rp_stream *stream, uint8_t *early, size_t early_n)
{
	rp_stream_set_write_max(stream, RP_API_WS_QUEUE_MAX);
	return rp_ws_new(stream, false, early, early_n, &ws_ops, w, &w->ws);
}

int rp_api_ws_start(
    struct rp_api_call *c, const struct rp_api_ws_ops *ops, void *ctx, struct rp_api_ws **out)
{
	struct rp_stream *stream;
	uint8_t *early = NULL;
	size_t early_n = 0;
	if (!may_start(c)) {
		return RP_EDENIED;
	}
	struct rp_api_ws *w = ws_new(c, ops, ctx);
	if (w == NULL) {
		rp_reply_code(c, RP_ENOMEM, NULL);
		return RP_ENOMEM;
	}
	struct rp_api_conn *conn = c->conn;
	rp_api_call_upgraded(c);
	int err = rp_http_upgrade(c->req, NULL, &stream, &early, &early_n);
	rp_api_call_drop(c);
	if (err == 0) {
		rp_api_conn_take(conn, w->source);
		err = attach(w, stream, early, early_n);
	}
	rp_free(early);
	if (err != 0) {
		ws_free(w);
		return err;
	}
	*out = w;
	return 0;
}

/* What goes out */

int rp_api_ws_send(struct rp_api_ws *w, const void *p, size_t n)
{
	const struct iovec iov = {.iov_base = (void *)(uintptr_t)p, .iov_len = n};
	int err = w->closing ? RP_ECLOSED : rp_ws_send(w->ws, RP_WS_TEXT, &iov, 1);
	return err > 0 ? 0 : err;
}

bool rp_api_ws_full(const struct rp_api_ws *w)
{
	return !w->closing && rp_stream_is_full(rp_ws_stream(w->ws));
}

void rp_api_ws_fail(struct rp_api_ws *w, const char *title, const char *detail)
{
	struct rp_buf text;
	const struct rp_api_error e = {.code = "", .title = title, .detail = detail};
	if (rp_reply_error_text(&e, &text) != 0 ||
	    rp_api_ws_send(w, rp_buf_head(&text), text.len) != 0) {
		rp_log_debug(COMPONENT, "an error for the WebSocket of %s is lost", w->user.name);
	}
	rp_buf_fini(&text);
	rp_api_ws_close(w, RP_API_WS_NORMAL);
}

void rp_api_ws_close(struct rp_api_ws *w, enum rp_api_ws_status status)
{
	if (!w->closing) {
		w->closing = true;
		rp_ws_close(w->ws, status);
	}
}

/* Somebody who is not there any more, or whose groups do not fit into memory, may do nothing. */
static void read_rights(struct rp_api_ws *w)
{
	const struct rp_users *users = w->api->users;
	const struct rp_user *user = rp_users_find(users, w->user.name);
	rp_strlist_fini(&w->user.groups);
	w->user.admin = false;
	w->user.permissions = 0;
	if (user != NULL && rp_strlist_copy(&w->user.groups, &user->groups) == 0) {
		w->user.admin = rp_users_is_admin(user);
		w->user.permissions = rp_users_permissions(users, &user->groups);
	}
}

const struct rp_api_user *rp_api_ws_user(struct rp_api_ws *w)
{
	uint64_t generation = rp_users_generation(w->api->users);
	if (w->generation != generation) {
		w->generation = generation;
		read_rights(w);
	}
	return &w->user;
}

const struct rp_route *rp_api_ws_route(const struct rp_api_ws *w)
{
	return w->route;
}

const char *rp_api_ws_peer(const struct rp_api_ws *w)
{
	return w->peer;
}

/* All of them */

/* The login has not ended meanwhile, nor has the user gone. An open socket keeps its session as a
 * request does. */
static bool still_let_in(const struct rp_api_ws *w)
{
	const struct rp_api_user *u = &w->user;
	return rp_users_find(w->api->users, u->name) != NULL &&
	    (u->session == 0 || rp_sessions_touch(w->api->sessions, u->session, u->name));
}

void rp_api_ws_check_all(struct rp_api *api)
{
	struct rp_list *it;
	struct rp_list *tmp;
	RP_LIST_FOREACH(it, tmp, &api->sockets.list) {
		struct rp_api_ws *w = RP_LIST_ENTRY(it, struct rp_api_ws, node);
		if (w->closing) {
			continue;
		}
		/* One whose queue is full has something to take already. */
		if (!still_let_in(w)) {
			rp_api_ws_close(w, RP_API_WS_POLICY);
		} else if (!rp_api_ws_full(w) && rp_ws_send(w->ws, RP_WS_PING, NULL, 0) < 0) {
			rp_api_ws_close(w, RP_API_WS_GOING_AWAY);
		}
	}
}

void rp_api_ws_close_ended(struct rp_api *api)
{
	struct rp_list *it;
	struct rp_list *tmp;
	RP_LIST_FOREACH(it, tmp, &api->sockets.list) {
		struct rp_api_ws *w = RP_LIST_ENTRY(it, struct rp_api_ws, node);
		if (!w->closing && !still_let_in(w)) {
			rp_api_ws_close(w, RP_API_WS_POLICY);
		}
	}
}

static void on_users(void *ctx, int code, const struct rp_err *err)
{
	struct rp_api *api = ctx;
	if (code != 0) {
		rp_log_error(COMPONENT, "%s; the users read before stay in force", err->msg);
	}
	if (!api->closing) {
		rp_api_ws_check_all(api);
	}
}

/* Quiet sockets must not miss what has been changed in a database of users. */
static void on_ping(uv_timer_t *timer)
{
	struct rp_api *api = timer->data;
	rp_crowd_tick(api->crowd, rp_clock_ms());
	if (api->sockets.n == 0 || !rp_users_stale(api->users, 0) ||
	    rp_users_refresh(api->users, on_users, api) != 0) {
		rp_api_ws_check_all(api);
	}
}

void rp_api_ws_open_all(struct rp_api *api)
{
	struct rp_api_sockets *s = &api->sockets;
	RP_VERIFY(uv_timer_init(rp_loop_uv(api->parts.loop), &s->ping) == 0);
	s->ping.data = api;
	s->open = true;
	RP_VERIFY(uv_timer_start(&s->ping, on_ping, RP_API_WS_PING_MS, RP_API_WS_PING_MS) == 0);
}

void rp_api_ws_close_all(struct rp_api *api)
{
	struct rp_list *it;
	struct rp_list *tmp;
	if (api->sockets.open) {
		api->sockets.open = false;
		uv_close((uv_handle_t *)&api->sockets.ping, NULL);
	}
	RP_LIST_FOREACH(it, tmp, &api->sockets.list) {
		rp_api_ws_close(RP_LIST_ENTRY(it, struct rp_api_ws, node), RP_API_WS_GOING_AWAY);
	}
}
