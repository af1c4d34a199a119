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
void rp_api_call_start(struct rp_api *api, struct rp_api_conn *conn, struct rp_http_req *req);
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
/* The decision for a user whose request is over (a WebSocket). */
enum rp_decision rp_api_decide(
    const struct rp_api_user *u, const struct rp_action *a, const struct rp_client *client);
/* The same for something that owner has made (NULL: no such rule). */
enum rp_decision rp_api_decide_owned(const struct rp_api_user *u, const struct rp_action *a,
    const struct rp_client *client, const char *owner);
/* Is this user in one of the groups that something is kept for? Administrators have to be, too. */
bool rp_api_is_member(const struct rp_api_call *c, const struct rp_strlist *groups);
/* May this user deal with what owner has made? Only the creator and administrators may (rport-api
 * quirk 18, the same rule everywhere). owner "" stands for anybody else. */
bool rp_api_may_own(const struct rp_api_call *c, const char *owner);
/* The same; false: the call was answered with 403. */
bool rp_api_check_owner(struct rp_api_call *c, const char *owner);
/* For api/ws.c only: the access log has it (101); then the call ends without an answer, because its
 * request became a WebSocket; the connection gives its slot in the crowd to the new owner and is
 * forgotten (api.c). */
void rp_api_call_upgraded(const struct rp_api_call *c);
void rp_api_call_drop(struct rp_api_call *c);
void rp_api_conn_take(struct rp_api_conn *conn, char source[static RP_CROWD_SOURCE_MAX]);
void rp_api_user_fini(struct rp_api_user *u);
/* Bytes of answers that wait for their callers: on all connections, on those from the call's source. */
struct rp_api_waiting {
	size_t all;
	size_t of_source;
};
void rp_api_waiting(const struct rp_api_call *c, struct rp_api_waiting *w);
/* Is the TCP peer one of trusted_proxies? */
bool rp_api_by_proxy(const struct rp_api_call *c);
/* Address that counts for bans and tunnel ACLs: the TCP peer, or whom a trusted proxy names. */
const char *rp_api_peer(const struct rp_api_call *c);

#endif
