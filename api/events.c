/* SPDX-License-Identifier: MIT */
/*
 * Which route tells what. Routes that only read, and those whose events come from the server, stand
 * in no row. The first row that fits counts.
 */
#include "api/events.h"

#include <string.h>

#include "api/router.h"
#include "api/ws.h"

#include "core/banned.h"

enum who {
	ALL,  /* who may see it: by the type (api/ws_events.c) */
	MINE, /* the user whose call it was */
	HIS   /* also the user that the path names */
};

static const struct row {
	const char *path; /* or the begin of one, up to a slash */
	enum rp_event_type type;
	enum who who;
	bool hide_id; /* not everybody who hears of it may know which one it is */
} rows[] = {
    {"/me/tokens", RP_EVENT_TOKEN, MINE, false},
    {"/me", RP_EVENT_ME, MINE, false},
    {"/users", RP_EVENT_USER, HIS, false},
    {"/user-groups", RP_EVENT_USER_GROUP, ALL, false},
    {"/clients-auth", RP_EVENT_CLIENT_AUTH, ALL, false},
    {"/client-groups", RP_EVENT_CLIENT_GROUP, ALL, false},
    {"/clients/{}/stored-tunnels", RP_EVENT_STORED_TUNNEL, ALL, false},
    {"/schedules", RP_EVENT_SCHEDULE, ALL, false},
    {"/library/commands", RP_EVENT_LIBRARY_COMMAND, ALL, false},
    {"/library/scripts", RP_EVENT_LIBRARY_SCRIPT, ALL, false},
    {"/vault", RP_EVENT_VAULT, ALL, true},
    {"/vault-admin", RP_EVENT_VAULT, ALL, true},
};

static bool is_below(const char *path, const char *row)
{
	size_t n = strlen(row);
	return strncmp(path, row, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

static const struct row *row_of(const struct rp_route *route)
{
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		if (is_below(route->path, rows[i].path)) {
			return &rows[i];
		}
	}
	return NULL;
}

/* What was done to the object itself; what hangs on it is a change of it. */
static const char *action_of(const struct rp_route *route, const struct row *row)
{
	const char *rest = route->path + strlen(row->path);
	if (strcmp(route->method, "POST") == 0 && rest[0] == '\0') {
		return "created";
	}
	return strcmp(route->method, "DELETE") == 0 && strcmp(rest, "/{}") == 0 ? "deleted"
	                                                                        : "updated";
}

/* The object's id, where the path has one. */
static const char *id_of(const struct rp_api_call *c, const struct row *row)
{
	size_t n = strstr(row->path, "{}") != NULL ? 1 : 0;
	const char *rest = c->route->path + strlen(row->path);
	return rp_str_starts(rp_str_c(rest), "/{}") && !row->hide_id ? c->params[n] : NULL;
}

static void tell(const struct rp_api_call *c, const struct row *row)
{
	bool of_client = rp_str_starts(rp_str_c(row->path), "/clients/{}");
	const struct rp_event e = {
	    .type = row->type,
	    .action = action_of(c->route, row),
	    .id = id_of(c, row),
	    .client_id = of_client ? c->params[0] : NULL,
	    .only = row->who == MINE ? c->user.name : NULL,
	};
	rp_events_tell(c->api->parts.events, &e);
}

/* Whose rights may be others now; with group permissions everybody's. */
static void tell_rights(const struct rp_api_call *c, const struct row *row)
{
	const struct rp_event e = {
	    .type = RP_EVENT_ME,
	    .action = "updated",
	    .only = row->type == RP_EVENT_USER ? c->params[0] : NULL,
	};
	if (row->type == RP_EVENT_USER_GROUP || (row->who == HIS && c->params[0] != NULL)) {
		rp_events_tell(c->api->parts.events, &e);
	}
}

void rp_api_events_reply(const struct rp_api_call *c)
{
	if (c->route == NULL || strcmp(c->route->method, "GET") == 0) {
		return;
	}
	const struct row *row = row_of(c->route);
	if (row != NULL && rp_events_heard(c->api->parts.events)) {
		tell(c, row);
		tell_rights(c, row);
	}
	/* A login or its user may have gone. */
	bool users = row != NULL && (row->type == RP_EVENT_USER || row->type == RP_EVENT_ME);
	if (users || strcmp(c->route->path, "/logout") == 0) {
		rp_api_ws_close_ended(c->api);
	}
}
