/* SPDX-License-Identifier: MIT */
/*
 * Life of one API request.
 */
#ifndef RP_API_CALL_H
#define RP_API_CALL_H

#include "api/answer.h"
#include "api/auth.h"
#include "api/context.h"

/* From the HTTP server: finds the route, checks who asks, calls the handler. */
void rp_api_call_start(struct rp_api *api, struct rp_http_req *req);
/* Sends the answer, writes the access log and frees the call. content_type NULL: no body. Called
 * by api/reply.c only. */
void rp_api_call_end(
    struct rp_api_call *c, unsigned status, const char *content_type, struct rp_str body);
/* The last step of it, after headers and compression; called by api/answer.c only. */
void rp_api_call_finish(struct rp_api_call *c, const struct rp_answer *a);
/* Answers a call whose credentials were not accepted (rport-api 1.5). */
void rp_api_refuse(struct rp_api_call *c, const struct rp_auth_result *r);
/* The client of the first parameter if this user may use it; otherwise NULL, and the call was
 * answered (1.6). */
const struct rp_client *rp_api_client(struct rp_api_call *c);
/* Does the answer to this call show this client? (rport-api 1.6: lists leave out silently what
 * the user may not see.) */
bool rp_api_may_see(const struct rp_api_call *c, const struct rp_client *client);
/* May this user do something that is more than what the route asks for? */
bool rp_api_may(const struct rp_api_call *c, const struct rp_action *a);
/* Address that counts for bans and tunnel ACLs: the TCP peer, or whom a trusted proxy names. */
const char *rp_api_peer(const struct rp_api_call *c);

#endif
