/* SPDX-License-Identifier: MIT */
/*
 * The audit log as the API's handlers see it. They need not do anything: a request that was
 * answered with 2xx leaves the entry that its route's row in api/audit_routes.c describes, with the
 * body (or, without one, the query) as request, the answer's data as response, and the secrets of
 * both masked. What does not fit that (several clients at once, WebSockets) is told by
 * rp_api_audit.
 */
#ifndef RP_API_AUDIT_H
#define RP_API_AUDIT_H

#include "api/context.h"
#include "api/router.h"

/* Where the entry's affected_id comes from. */
enum rp_audit_id {
	RP_AUDIT_ID_NONE,
	RP_AUDIT_ID_USER,  /* the user himself */
	RP_AUDIT_ID_PARAM, /* the path's last parameter */
	RP_AUDIT_ID_OWNER, /* the path's first parameter */
	RP_AUDIT_ID_REPLY, /* a key of the answer's data */
	RP_AUDIT_ID_BODY,  /* a key of the request's body */
	RP_AUDIT_ID_TOKEN  /* "[user,prefix]": prefix from the path, else from the answer */
};

struct rp_audit_route {
	const char *method;
	const char *path;
	const char *application;
	const char *action;
	enum rp_audit_id id;
	const char *key; /* of RP_AUDIT_ID_REPLY and _BODY */
};
/* NULL: this route leaves no entry of itself. */
const struct rp_audit_route *rp_audit_route_of(const struct rp_route *r);

/* What a handler tells itself. NULL is "". */
struct rp_audit_note {
	const char *application;
	const char *action;
	const char *id;
	const char *client_id;
	const char *request;  /* JSON text; secrets are masked */
	const char *response; /* the same */
};
/* An entry in the name of the call's user. */
void rp_api_audit(const struct rp_api_call *c, const struct rp_audit_note *n);
/* The same for somebody whose request is over. */
struct rp_audit_actor {
	struct rp_api *api;
	const char *username;
	const char *peer;
};
void rp_api_audit_as(const struct rp_audit_actor *who, const struct rp_audit_note *n);

/* For api/call.c: the client that the route is about (it may be gone at the end), and a call that
 * is answered well. */
void rp_api_audit_client(struct rp_api_call *c, const struct rp_client *client);
void rp_api_audit_reply(const struct rp_api_call *c, struct rp_str answer);

#endif
