/* SPDX-License-Identifier: MIT */
/*
 * A list of listeners, mostly empty.
 */
#include "server/events.h"

#include "core/banned.h"

const char *rp_event_type_name(enum rp_event_type t)
{
	static const char *const names[RP_EVENT_TYPES] = {
	    [RP_EVENT_CLIENT] = "client",
	    [RP_EVENT_CLIENT_GROUP] = "client_group",
	    [RP_EVENT_CLIENT_AUTH] = "client_auth",
	    [RP_EVENT_TUNNEL] = "tunnel",
	    [RP_EVENT_STORED_TUNNEL] = "stored_tunnel",
	    [RP_EVENT_COMMAND] = "command",
	    [RP_EVENT_JOB] = "job",
	    [RP_EVENT_SCHEDULE] = "schedule",
	    [RP_EVENT_LIBRARY_COMMAND] = "library_command",
	    [RP_EVENT_LIBRARY_SCRIPT] = "library_script",
	    [RP_EVENT_UPLOAD] = "upload",
	    [RP_EVENT_VAULT] = "vault",
	    [RP_EVENT_USER] = "user",
	    [RP_EVENT_USER_GROUP] = "user_group",
	    [RP_EVENT_TOKEN] = "token",
	    [RP_EVENT_ME] = "me",
	};
	return t < RP_EVENT_TYPES ? names[t] : "";
}

void rp_events_init(struct rp_events *events)
{
	rp_list_init(&events->listeners);
}

void rp_events_listen(struct rp_events *events, struct rp_event_listener *l)
{
	rp_list_append(&events->listeners, &l->node);
}

void rp_events_unlisten(struct rp_event_listener *l)
{
	rp_list_remove(&l->node);
}

bool rp_events_heard(const struct rp_events *events)
{
	return events != NULL && !rp_list_empty(&events->listeners);
}

void rp_events_tell(struct rp_events *events, const struct rp_event *e)
{
	struct rp_list *it;
	struct rp_list *tmp;
	if (!rp_events_heard(events)) {
		return;
	}
	RP_LIST_FOREACH(it, tmp, &events->listeners) {
		struct rp_event_listener *l = RP_LIST_ENTRY(it, struct rp_event_listener, node);
		l->on_event(l, e);
	}
}

void rp_events_client(struct rp_events *events, const char *action, const char *client_id)
{
	const struct rp_event e = {
	    .type = RP_EVENT_CLIENT, .action = action, .id = client_id, .client_id = client_id};
	rp_events_tell(events, &e);
}
