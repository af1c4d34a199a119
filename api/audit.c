/* SPDX-License-Identifier: MIT */
/*
 * Entries of the audit log out of requests and their answers.
 */
#include "api/audit.h"

#include <stdio.h>
#include <string.h>

#include "api/call.h"
#include "core/alloc.h"
#include "core/log.h"
#include "server/audit.h"
#include "server/redact.h"

#include "core/banned.h"

/* Of a request and of a response each; what is longer is left out. */
#define TEXT_MAX 65536u

/* In bodies, queries and answers of all routes; "value" is the vault's, "qr" the picture of a
 * secret, "code" that of a pairing with the commands that have it in them. */
static const char *const secrets[] = {"password", "old_password", "new_password", "auth_password",
    "token", "secret", "totp_secret", "value", "qr", "access_token", "code", "install_command",
    "pair_command", NULL};

/* NULL: no JSON. */
static struct rp_json *parse(struct rp_str text)
{
	struct rp_json *j = NULL;
	if (rp_str_trim(text).len == 0 || rp_json_parse(text.p, text.len, &j, NULL) != 0) {
		return NULL;
	}
	return j;
}

/* Owned text without secrets; NULL: there is nothing to tell. */
static char *redacted(const struct rp_json *j)
{
	char *text = j == NULL || rp_json_type(j) == RP_JSON_NULL ? NULL : rp_redact(j, secrets);
	if (text != NULL && strlen(text) > TEXT_MAX) {
		rp_free(text);
		text = rp_strdup("{\"left_out\":\"too long for the audit log\"}");
	}
	return text;
}

static char *redacted_text(const char *text)
{
	struct rp_json *j = text == NULL ? NULL : parse(rp_str_c(text));
	char *out = redacted(j);
	rp_json_free(j);
	return out;
}

static void add(const struct rp_api_call *c, struct rp_audit_entry *e)
{
	e->username = c->user.name;
	e->remote_ip = (char *)(uintptr_t)rp_api_peer(c);
	rp_audit_add(c->api->parts.audit, e);
}

void rp_api_audit(const struct rp_api_call *c, const struct rp_audit_note *n)
{
	const struct rp_audit_actor who = {
	    .api = c->api, .username = c->user.name, .peer = rp_api_peer(c)};
	rp_api_audit_as(&who, n);
}

void rp_api_audit_as(const struct rp_audit_actor *who, const struct rp_audit_note *n)
{
	const struct rp_server_parts *parts = &who->api->parts;
	if (parts->audit == NULL) {
		return;
	}
	const struct rp_client *client = n->client_id == NULL
	    ? NULL
	    : rp_registry_get(parts->registry, n->client_id);
	char *request = redacted_text(n->request);
	char *response = redacted_text(n->response);
	const struct rp_audit_entry e = {
	    .username = (char *)(uintptr_t)who->username,
	    .remote_ip = (char *)(uintptr_t)who->peer,
	    .application = (char *)(uintptr_t)n->application,
	    .action = (char *)(uintptr_t)n->action,
	    .affected_id = (char *)(uintptr_t)n->id,
	    .client_id = (char *)(uintptr_t)n->client_id,
	    .client_hostname = client != NULL ? client->hostname : NULL,
	    .request = request,
	    .response = response,
	};
	rp_audit_add(parts->audit, &e);
	rp_free(request);
	rp_free(response);
}

void rp_api_audit_client(struct rp_api_call *c, const struct rp_client *client)
{
	if (c->api->parts.audit != NULL && client->hostname != NULL &&
	    rp_audit_route_of(c->route) != NULL) {
		c->audit_hostname = rp_strdup(client->hostname);
	}
}

/* The query as an object: what a request without a body says. Owned, NULL if there is none. */
static char *query_text(const struct rp_query *q)
{
	struct rp_buf text;
	struct rp_jsonw w;
	if (q->n == 0) {
		return NULL;
	}
	rp_buf_init(&text, TEXT_MAX);
	rp_jsonw_init(&w, &text);
	rp_jsonw_obj(&w);
	for (size_t i = 0; i < q->n; i++) {
		rp_jsonw_put_str(&w, q->v[i].k, q->v[i].v);
	}
	rp_jsonw_obj_end(&w);
	return rp_jsonw_take(&w);
}

/* A string or number of an object as text; owned, NULL if there is none. */
static char *member(const struct rp_json *obj, const char *key)
{
	const struct rp_json *v = rp_json_get(obj, key);
	const char *text = rp_json_string(v);
	int64_t n;
	if (text != NULL) {
		return rp_strdup(text);
	}
	return rp_json_i64(v, &n) == 0 ? rp_asprintf("%lld", (long long)n) : NULL;
}

static const char *last_param(const struct rp_api_call *c)
{
	const char *last = NULL;
	for (size_t i = 0; i < RP_API_PARAMS_MAX && c->params[i] != NULL; i++) {
		last = c->params[i];
	}
	return last;
}

static char *token_name(const struct rp_api_call *c, const struct rp_json *data)
{
	const char *sent = rp_json_string(rp_json_get(data, "prefix"));
	const char *prefix = c->params[0] != NULL ? c->params[0] : sent;
	return rp_asprintf("[%s,%s]", c->user.name, prefix != NULL ? prefix : "");
}

/* Owned; NULL = none. */
static char *affected(const struct rp_api_call *c, const struct rp_audit_route *route,
    const struct rp_json *body, const struct rp_json *data)
{
	const char *text = NULL;
	switch (route->id) {
	case RP_AUDIT_ID_NONE:
		break;
	case RP_AUDIT_ID_USER:
		text = c->user.name;
		break;
	case RP_AUDIT_ID_PARAM:
		text = last_param(c);
		break;
	case RP_AUDIT_ID_OWNER:
		text = c->params[0];
		break;
	case RP_AUDIT_ID_REPLY:
		return member(data, route->key);
	case RP_AUDIT_ID_BODY:
		return member(body, route->key);
	case RP_AUDIT_ID_TOKEN:
		return token_name(c, data);
	}
	return text == NULL ? NULL : rp_strdup(text);
}

/* The client that a call is about, by its path or else its body; borrowed, or NULL. */
static const char *client_of(const struct rp_api_call *c, const struct rp_json *body)
{
	return rp_str_starts(rp_str_c(c->route->path), "/clients/{}")
	    ? c->params[0]
	    : rp_json_string(rp_json_get(body, "client_id"));
}

/* Of the client as it was when the call came, for it may be gone; borrowed. */
static char *hostname(const struct rp_api_call *c, const char *client_id)
{
	if (client_id == NULL || c->audit_hostname != NULL) {
		return c->audit_hostname;
	}
	const struct rp_client *client = rp_registry_get(c->api->parts.registry, client_id);
	return client != NULL ? client->hostname : NULL;
}

void rp_api_audit_reply(const struct rp_api_call *c, struct rp_str answer)
{
	const struct rp_audit_route *route = c->route == NULL || c->api->parts.audit == NULL
	    ? NULL
	    : rp_audit_route_of(c->route);
	if (route == NULL) {
		return;
	}
	struct rp_json *body = parse(rp_http_req_body(c->req));
	const char *client = client_of(c, body);
	struct rp_json *reply = parse(answer);
	const struct rp_json *data = rp_json_get(reply, "data");
	data = data != NULL ? data : reply;
	char *query = body == NULL ? query_text(&c->query) : NULL;
	struct rp_audit_entry e = {
	    .application = (char *)(uintptr_t)route->application,
	    .action = (char *)(uintptr_t)route->action,
	    .affected_id = affected(c, route, body, data),
	    .client_id = (char *)(uintptr_t)client,
	    .client_hostname = hostname(c, client),
	    .request = body != NULL ? redacted(body) : redacted_text(query),
	    .response = redacted(data),
	};
	add(c, &e);
	rp_free(e.affected_id);
	rp_free(e.request);
	rp_free(e.response);
	rp_free(query);
	rp_json_free(body);
	rp_json_free(reply);
}
