/* SPDX-License-Identifier: MIT */
/*
 * What has changed, told to whoever listens (api/ws_events.c): on the control loop, at once, and for
 * nothing when nobody does. An event names what it is about and says no more; who may know of it is
 * the listener's matter. What is deleted is still there while it is told.
 */
#ifndef RP_SERVER_EVENTS_H
#define RP_SERVER_EVENTS_H

#include <stdbool.h>

#include "core/list.h"

enum rp_event_type {
	RP_EVENT_CLIENT,
	RP_EVENT_CLIENT_GROUP,
	RP_EVENT_CLIENT_AUTH,
	RP_EVENT_TUNNEL,
	RP_EVENT_STORED_TUNNEL,
	RP_EVENT_COMMAND, /* a command or script on one client */
	RP_EVENT_JOB,     /* on many clients */
	RP_EVENT_SCHEDULE,
	RP_EVENT_LIBRARY_COMMAND,
	RP_EVENT_LIBRARY_SCRIPT,
	RP_EVENT_UPLOAD,
	RP_EVENT_VAULT,
	RP_EVENT_USER,
	RP_EVENT_USER_GROUP,
	RP_EVENT_TOKEN,
	RP_EVENT_ME, /* account and rights of who hears it */
	RP_EVENT_TYPES
};
/* "client", "client_group" … */
const char *rp_event_type_name(enum rp_event_type t);

/* All text is borrowed; NULL: there is none, or it is not told. */
struct rp_event {
	enum rp_event_type type;
	const char *action; /* "created", "updated", "deleted", "connected" … */
	const char *id;
	const char *client_id;
	const char *job_id; /* of a command: the job that it is part of */
	const char *owner;  /* who made it: for him and administrators */
	const char *only;   /* for that user alone */
};

struct rp_event_listener {
	struct rp_list node;
	void (*on_event)(struct rp_event_listener *l, const struct rp_event *e);
};

struct rp_events {
	struct rp_list listeners;
};

void rp_events_init(struct rp_events *events);
void rp_events_listen(struct rp_events *events, struct rp_event_listener *l);
/* Harmless for one that does not listen. */
void rp_events_unlisten(struct rp_event_listener *l);
/* events NULL: nobody ever listens. */
bool rp_events_heard(const struct rp_events *events);
void rp_events_tell(struct rp_events *events, const struct rp_event *e);
/* Of a client as such; client_id NULL: whoever listens may see others than before. */
void rp_events_client(struct rp_events *events, const char *action, const char *client_id);

#endif
