/* SPDX-License-Identifier: MIT */
/*
 * /ws/events: what changes, as short messages that name it, for pages that show it. Each is judged
 * by the rights that the user has at that moment. One who is slower than the changes gets no queue:
 * what does not fit is left out, and {"type":"lost"} says so when there is room again.
 */
#include <string.h>

#include "api/call.h"
#include "api/handlers.h"
#include "api/reply.h"
#include "api/ws.h"
#include "core/alloc.h"
#include "core/log.h"

#include "core/banned.h"

#define MESSAGE_MAX 4096u

struct session {
	struct rp_list node;
	struct rp_api *api;
	struct rp_api_ws *ws;
	bool lost; /* something was left out */
};

/* What a user has to be to hear of it; that of the routes which show it. */
static const struct {
	unsigned permission;
	bool admin;
} rules[RP_EVENT_TYPES] = {
    [RP_EVENT_CLIENT_AUTH] = {.admin = true},
    [RP_EVENT_TUNNEL] = {.permission = RP_MAY_TUNNELS},
    [RP_EVENT_STORED_TUNNEL] = {.permission = RP_MAY_TUNNELS},
    [RP_EVENT_COMMAND] = {.permission = RP_MAY_COMMANDS},
    [RP_EVENT_JOB] = {.permission = RP_MAY_COMMANDS},
    [RP_EVENT_SCHEDULE] = {.permission = RP_MAY_SCHEDULER},
    [RP_EVENT_LIBRARY_COMMAND] = {.permission = RP_MAY_COMMANDS},
    [RP_EVENT_LIBRARY_SCRIPT] = {.permission = RP_MAY_SCRIPTS},
    [RP_EVENT_UPLOAD] = {.permission = RP_MAY_UPLOADS},
    [RP_EVENT_VAULT] = {.permission = RP_MAY_VAULT},
    [RP_EVENT_USER] = {.admin = true},
    [RP_EVENT_USER_GROUP] = {.admin = true},
};

static bool may_hear(struct session *s, const struct rp_event *e)
{
	const struct rp_api_user *user = rp_api_ws_user(s->ws);
	const struct rp_action a = {
	    .websocket = true,
	    .admin = rules[e->type].admin,
	    .permission = rules[e->type].permission,
	};
	const struct rp_client *client = NULL;
	if (e->only != NULL && strcmp(e->only, user->name) != 0) {
		return false;
	}
	if (e->client_id != NULL) {
		client = rp_registry_get(s->api->parts.registry, e->client_id);
		/* What is known of one that is gone are jobs, and they have an owner. */
		if (client == NULL && e->owner == NULL) {
			return false;
		}
	}
	return rp_api_decide_owned(user, &a, client, e->owner) == RP_ALLOWED;
}

static void tell_lost(struct session *s)
{
	static const char lost[] = "{\"type\":\"lost\"}";
	s->lost = rp_api_ws_send(s->ws, lost, sizeof(lost) - 1) != 0;
}

static void send_text(struct session *s, const struct rp_buf *text)
{
	if (rp_api_ws_full(s->ws)) {
		s->lost = true;
		return;
	}
	if (s->lost) {
		tell_lost(s);
	}
	s->lost = s->lost || rp_api_ws_send(s->ws, rp_buf_head(text), text->len) != 0;
}

static void put(struct rp_jsonw *w, const char *key, const char *text)
{
	if (text != NULL) {
		rp_jsonw_put_str(w, key, text);
	}
}

static int write_event(const struct rp_event *e, struct rp_buf *text)
{
	struct rp_jsonw w;
	rp_jsonw_init(&w, text);
	rp_jsonw_obj(&w);
	rp_jsonw_put_str(&w, "type", rp_event_type_name(e->type));
	rp_jsonw_put_str(&w, "action", e->action);
	put(&w, "id", e->id);
	put(&w, "client_id", e->client_id);
	put(&w, "job_id", e->job_id);
	rp_jsonw_obj_end(&w);
	return rp_jsonw_end(&w);
}

static void tell(struct rp_api *api, const struct rp_event *e)
{
	struct rp_list *it;
	struct rp_list *tmp;
	struct rp_buf text;
	rp_buf_init(&text, MESSAGE_MAX);
	int err = write_event(e, &text);
	RP_LIST_FOREACH(it, tmp, &api->events.sessions) {
		struct session *s = RP_LIST_ENTRY(it, struct session, node);
		if (!may_hear(s, e)) {
			continue;
		}
		if (err == 0) {
			send_text(s, &text);
		} else {
			s->lost = true;
		}
	}
	rp_buf_fini(&text);
}

static void on_event(struct rp_event_listener *l, const struct rp_event *e)
{
	tell(RP_CONTAINER_OF(l, struct rp_api, events.listener), e);
}

static void on_upload(struct rp_upload_watch *w, const struct rp_upload_result *r)
{
	const struct rp_event e = {
	    .type = RP_EVENT_UPLOAD, .action = "finished", .id = r->id, .client_id = r->client_id};
	tell(RP_CONTAINER_OF(w, struct rp_api, events.uploads), &e);
}

static void on_drain(void *ctx)
{
	struct session *s = ctx;
	if (s->lost) {
		tell_lost(s);
	}
}

static void on_closed(void *ctx)
{
	struct session *s = ctx;
	struct rp_api_events *events = &s->api->events;
	rp_list_remove(&s->node);
	if (rp_list_empty(&events->sessions)) {
		rp_events_unlisten(&events->listener);
		rp_uploads_unwatch(&events->uploads);
	}
	rp_free(s);
}

static void join(struct rp_api *api, struct session *s)
{
	struct rp_api_events *events = &api->events;
	if (rp_list_empty(&events->sessions)) {
		events->listener.on_event = on_event;
		events->uploads.on_result = on_upload;
		rp_events_listen(api->parts.events, &events->listener);
		rp_uploads_watch(api->uploads, &events->uploads);
	}
	rp_list_append(&events->sessions, &s->node);
}

void rp_api_ws_events(struct rp_api_call *c)
{
	static const struct rp_api_ws_ops ops = {.on_drain = on_drain, .on_closed = on_closed};
	struct rp_api *api = c->api;
	struct session *s = rp_calloc(1, sizeof(*s));
	if (s == NULL) {
		rp_reply_code(c, RP_ENOMEM, NULL);
		return;
	}
	s->api = api;
	if (rp_api_ws_start(c, &ops, s, &s->ws) != 0) {
		rp_free(s);
		return;
	}
	join(api, s);
}
