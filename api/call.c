/* SPDX-License-Identifier: MIT */
/*
 * A request's way: route, credentials, access to the client, handler. Handlers may answer later;
 * the call lives until then.
 */
#include "api/call.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "api/answer.h"
#include "api/audit.h"
#include "api/auth.h"
#include "api/cookie.h"
#include "api/docroot.h"
#include "api/events.h"
#include "api/reply.h"
#include "api/router.h"
#include "api/tokens.h"
#include "api/twofa.h"
#include "api/webui.h"
#include "core/alloc.h"
#include "core/clock.h"
#include "core/log.h"
#include "server/peer.h"

#include "core/banned.h"

#define PREFIX "/api/v1"

const char *rp_api_peer(const struct rp_api_call *c)
{
	return c->peer;
}

bool rp_api_by_proxy(const struct rp_api_call *c)
{
	struct rp_addr peer;
	return rp_addr_parse(rp_str_c(rp_http_req_peer(c->req)), &peer) == 0 &&
	    rp_addrlist_has(&c->api->trusted, &peer);
}

/* A quoted field of the log: nothing in it ends the field or the line. Cut off at size. */
static const char *log_field(const char *s, char *out, size_t size)
{
	size_t n = 0;
	for (; *s != '\0' && n + 2 < size; s++) {
		if (*s == '"' || *s == '\\') {
			out[n++] = '\\';
		}
		out[n++] = (unsigned char)*s < ' ' || *s == 0x7f ? '?' : *s;
	}
	out[n] = '\0';
	return out;
}

/* Apache combined format. */
static void access_log(const struct rp_api_call *c, unsigned status, size_t bytes)
{
	char stamp[40];
	char line[2048];
	char path[1024];
	char agent[256];
	char user[128];
	struct rp_http_head *head = rp_http_req_head(c->req);
	const char *sent = rp_http_header(head, "User-Agent");
	time_t now = time(NULL);
	struct tm tm;
	(void)localtime_r(&now, &tm);
	(void)strftime(stamp, sizeof(stamp), "%d/%b/%Y:%H:%M:%S %z", &tm);
	int n = snprintf(line, sizeof(line),
	    "%s - %s [%s] \"%.32s %s HTTP/1.1\" %u %zu \"-\" \"%s\"\n", rp_api_peer(c),
	    log_field(c->user.name != NULL ? c->user.name : "-", user, sizeof(user)), stamp,
	    head->method, log_field(rp_http_req_path(c->req), path, sizeof(path)), status, bytes,
	    log_field(sent != NULL ? sent : "-", agent, sizeof(agent)));
	if (n > 0 && write(c->api->access_log, line, (size_t)n) < 0) {
		rp_log_debug("api", "access log not written");
	}
}

void rp_api_user_fini(struct rp_api_user *u)
{
	rp_free(u->name);
	rp_strlist_fini(&u->groups);
	*u = (struct rp_api_user){0};
}

static void call_free(struct rp_api_call *c)
{
	rp_list_remove(&c->node);
	for (size_t i = 0; i < RP_API_PARAMS_MAX; i++) {
		rp_free(c->params[i]);
	}
	rp_query_fini(&c->query);
	rp_free(c->audit_hostname);
	rp_api_user_fini(&c->user);
	rp_free(c);
}

void rp_api_call_finish(struct rp_api_call *c, const struct rp_answer *a)
{
	if (c->api->access_log >= 0) {
		access_log(c, a->status, a->body.len);
	}
	rp_http_reply(c->req, a->status, a->content_type, a->body.p, a->body.len);
	call_free(c);
}

void rp_api_call_end(
    struct rp_api_call *c, unsigned status, const char *content_type, struct rp_str body)
{
	const struct rp_answer a = {.status = status, .content_type = content_type, .body = body};
	if (status / 100 == 2) {
		rp_api_audit_reply(c, body);
		rp_api_events_reply(c);
	}
	rp_answer_send(c, &a);
}

void rp_api_call_upgraded(const struct rp_api_call *c)
{
	if (c->api->access_log >= 0) {
		access_log(c, 101, 0);
	}
}

void rp_api_call_drop(struct rp_api_call *c)
{
	call_free(c);
}

static struct rp_subject subject_of(const struct rp_api_user *u)
{
	return (struct rp_subject){
	    .name = u->name,
	    .groups = &u->groups,
	    .admin = u->admin,
	    .permissions = u->permissions,
	    .scope = u->scope,
	};
}

enum rp_decision rp_api_decide_owned(const struct rp_api_user *u, const struct rp_action *a,
    const struct rp_client *client, const char *owner)
{
	const struct rp_subject subject = subject_of(u);
	const struct rp_object object = {
	    .allowed = client == NULL ? NULL : &client->allowed_user_groups,
	    .inherited = client == NULL ? NULL : &client->inherited_user_groups,
	    .owner = owner,
	};
	return rp_authorize(&subject, a, &object);
}

enum rp_decision rp_api_decide(
    const struct rp_api_user *u, const struct rp_action *a, const struct rp_client *client)
{
	return rp_api_decide_owned(u, a, client, NULL);
}

static enum rp_decision decide_owner(const struct rp_api_call *c, const char *owner)
{
	const struct rp_action a = rp_route_action(c->route);
	const struct rp_subject subject = subject_of(&c->user);
	const struct rp_object object = {.owner = owner};
	return rp_authorize(&subject, &a, &object);
}

bool rp_api_is_member(const struct rp_api_call *c, const struct rp_strlist *groups)
{
	const struct rp_action a = rp_route_action(c->route);
	const struct rp_subject subject = subject_of(&c->user);
	const struct rp_object object = {.allowed = groups, .members_only = true};
	return rp_authorize(&subject, &a, &object) == RP_ALLOWED;
}

bool rp_api_may_own(const struct rp_api_call *c, const char *owner)
{
	return decide_owner(c, owner) == RP_ALLOWED;
}

bool rp_api_may_see(const struct rp_api_call *c, const struct rp_client *client)
{
	const struct rp_action a = rp_route_action(c->route);
	return rp_api_decide(&c->user, &a, client) == RP_ALLOWED;
}

static const struct rp_api_error not_yours = {
    .status = 403,
    .code = "",
    .title = "forbidden",
    .detail = "you are not allowed to access items created by another user",
};

/* Says no in the words of the API (rport-api 1.6). */
static void deny(struct rp_api_call *c, enum rp_decision why)
{
	unsigned bit = 0;
	switch (why) {
	case RP_ALLOWED:
		return;
	case RP_DENIED_SCOPE:
		rp_reply_fail(c, 403, "the scope of this API token is \"%s\": it does not reach %s",
		    rp_scope_name(c->user.scope), rp_http_req_path(c->req));
		return;
	case RP_DENIED_TWO_FA:
		rp_reply_fail(c, 403, "%s",
		    c->user.scope == RP_SCOPE_TWO_FA || c->user.scope == RP_SCOPE_TOTP_SETUP
		        ? "the second factor of this login is still missing"
		        : "this login is complete: it has no second factor to give");
		return;
	case RP_DENIED_ADMIN:
		rp_reply_fail(c, 403,
		    "current user should belong to Administrators group to access this resource");
		return;
	case RP_DENIED_PERMISSION:
		while ((c->route->permission >> bit) > 1) {
			bit++;
		}
		rp_reply_fail(
		    c, 403, "user does not have \"%s\" permission", rp_permission_name(bit));
		return;
	case RP_DENIED_OBJECT:
		rp_reply_fail(c, 403, "Access denied to client(s) with ID(s): %s", c->params[0]);
		return;
	case RP_DENIED_OWNER:
		rp_reply_error(c, &not_yours);
		return;
	}
}

bool rp_api_check_owner(struct rp_api_call *c, const char *owner)
{
	enum rp_decision d = decide_owner(c, owner);
	if (d != RP_ALLOWED) {
		deny(c, d);
	}
	return d == RP_ALLOWED;
}

const struct rp_client *rp_api_client(struct rp_api_call *c)
{
	const struct rp_client *client = rp_registry_get(c->api->parts.registry, c->params[0]);
	if (client == NULL) {
		rp_reply_fail(c, 404, "Client with id=\"%s\" not found.", c->params[0]);
		return NULL;
	}
	const struct rp_action a = rp_route_action(c->route);
	enum rp_decision d = rp_api_decide(&c->user, &a, client);
	if (d != RP_ALLOWED) {
		deny(c, d);
		return NULL;
	}
	return client;
}

static void run(struct rp_api_call *c)
{
	const struct rp_action a = rp_route_action(c->route);
	enum rp_decision d = rp_api_decide(&c->user, &a, NULL);
	if (d != RP_ALLOWED) {
		deny(c, d);
		return;
	}
	if (c->route->auth == RP_ROUTE_CLIENT) {
		const struct rp_client *client = rp_api_client(c);
		if (client == NULL) {
			return;
		}
		rp_api_audit_client(c, client);
	}
	c->route->handler(c);
}

static const struct rp_api_error foreign_page = {
    .status = 403,
    .code = "",
    .title = "the session cookie counts for pages of this server only",
    .detail =
        "Requests that change something need the header X-Rport-Session: cookie, WebSockets an "
        "Origin; an Origin has to name the Host of the request, which a proxy in between has "
        "to pass on.",
};

void rp_api_refuse(struct rp_api_call *c, const struct rp_auth_result *r)
{
	switch (r->verdict) {
	case RP_AUTH_BANNED:
		rp_reply_text(c, 423, "Too many bad attempts. Please try later.\n");
		return;
	case RP_AUTH_WAIT:
		rp_reply_fail(c, 429, "too many requests, please try later");
		return;
	case RP_AUTH_FOREIGN:
		rp_reply_error(c, &foreign_page);
		return;
	case RP_AUTH_EXPIRED:
		rp_reply_fail(c, 401, "password has expired, please change your password");
		return;
	case RP_AUTH_OK:
	case RP_AUTH_REFUSED:
		rp_reply_fail(c, 401, rp_auth_needs_token(c) ? "token required" : "unauthorized");
		return;
	case RP_AUTH_FAILED:
		rp_reply_code(c, r->code, NULL);
		return;
	}
}

static void on_auth(struct rp_api_call *c, const struct rp_auth_result *r)
{
	if (r->verdict == RP_AUTH_OK) {
		run(c);
	} else {
		rp_api_refuse(c, r);
	}
}

static void dispatch(struct rp_api_call *c)
{
	const char *path = rp_http_req_path(c->req);
	struct rp_http_head *head = rp_http_req_head(c->req);
	size_t n = strlen(PREFIX);
	if (rp_cors_preflight(&c->api->cors, c->req)) {
		rp_reply_empty(c, 204);
		return;
	}
	int err = strncmp(path, PREFIX "/", n + 1) == 0 ? rp_router_find(head->method, path + n, c)
	                                                : RP_ENOENT;
	if (err == RP_ENOENT && (rp_docroot_serve(c) || rp_webui_serve(c))) {
		return;
	}
	if (err == RP_ENOENT) {
		rp_reply_text(c, 404, "404 page not found\n");
		return;
	}
	if (err == RP_EUNSUPPORTED) {
		rp_reply_empty(c, 405);
		return;
	}
	if (err == 0 && rp_cookie_refused(c)) {
		rp_reply_error(c, &foreign_page);
		return;
	}
	err = err != 0 ? err : rp_query_parse(rp_str_c(rp_http_req_query(c->req)), &c->query);
	if (err == RP_ENOMEM) {
		rp_reply_code(c, err, NULL);
	} else if (err != 0) {
		rp_reply_fail(c, 400, "The path or the query is not readable.");
	} else if (c->route->auth == RP_ROUTE_OPEN) {
		c->route->handler(c);
	} else if (c->route->auth == RP_ROUTE_TWO_FA &&
	    rp_twofa_kind(c->api->twofa) == RP_TWOFA_OFF) {
		rp_reply_fail(c, 409, "2fa is disabled");
	} else {
		rp_auth_request(c, on_auth);
	}
}

void rp_api_call_start(struct rp_api *api, struct rp_api_conn *conn, struct rp_http_req *req)
{
	struct rp_api_call *c = rp_calloc(1, sizeof(*c));
	if (c == NULL) {
		rp_http_reply(req, 500, NULL, NULL, 0);
		return;
	}
	c->api = api;
	c->conn = conn;
	c->req = req;
	rp_peer_of(&api->trusted, req, c->peer);
	rp_list_append(&api->calls, &c->node);
	dispatch(c);
}
