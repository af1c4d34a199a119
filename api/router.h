/* SPDX-License-Identifier: MIT */
/*
 * Routes of the API: method, path with {parameters}, what a caller must be, handler. One table;
 * paths match exactly (rport-api 1.1).
 */
#ifndef RP_API_ROUTER_H
#define RP_API_ROUTER_H

#include "api/context.h"

enum rp_route_auth {
	RP_ROUTE_OPEN,   /* no credentials needed */
	RP_ROUTE_USER,   /* any logged-in user */
	RP_ROUTE_CLIENT, /* and access to the client named by the first parameter */
	RP_ROUTE_ADMIN,  /* administrators only */
	RP_ROUTE_TWO_FA  /* a user whose login lacks its second factor; 409 if there is none */
};

struct rp_route {
	const char *method;
	const char *path; /* behind /api/v1, "/clients/{}/tunnels/{}" */
	enum rp_route_auth auth;
	unsigned permission; /* one RP_MAY_…, 0 = none is needed */
	void (*handler)(struct rp_api_call *c);
};

/* Finds the route and fills params. 0; RP_ENOENT: no such path; RP_EUNSUPPORTED: path known,
 * method not; RP_EINVAL: bad escape; RP_ENOMEM. */
RP_NODISCARD int rp_router_find(const char *method, const char *path, struct rp_api_call *c);
/* Is this the route whose handler reads the body itself (rp_http_req_read_body)? With /api/v1. */
bool rp_router_streams(const char *method, const char *path);
/* What a request by this route does, for rp_authorize. */
struct rp_action rp_route_action(const struct rp_route *r);
/* The whole table, for whoever walks it. */
const struct rp_route *rp_router_table(size_t *n);

#endif
