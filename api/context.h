/* SPDX-License-Identifier: MIT */
/*
 * The API's shared state and what a request carries on its way through router, authentication
 * and handler. Internal to api/.
 */
#ifndef RP_API_CONTEXT_H
#define RP_API_CONTEXT_H

#include <stdbool.h>

#include <uv.h>

#include "acl/addrlist.h"
#include "acl/authorize.h"
#include "acl/gate.h"
#include "api/cors.h"
#include "api/uploads.h"
#include "core/jsonw.h"
#include "core/list.h"
#include "http/accept.h"
#include "http/server.h"
#include "http/tls.h"
#include "http/url.h"
#include "server/crowd.h"
#include "server/server.h"

#define RP_API_PARAMS_MAX 4

struct rp_docroot;
struct rp_api_conn; /* a connection of the API (api/api.c) */
struct rp_passcache;
struct rp_sessions;
struct rp_tokens;
struct rp_uploads;
struct rp_twofa;
struct rp_twofa_sender;
struct rp_vault;
struct rp_users;

/* WebSockets (api/ws.c). */
struct rp_api_sockets {
	struct rp_list list;
	size_t n;
	uv_timer_t ping;
	bool open; /* ping is a handle */
};

/* Those that hear of changes (api/ws_events.c). */
struct rp_api_events {
	struct rp_list sessions;
	struct rp_event_listener listener; /* as long as there are any */
	struct rp_upload_watch uploads;
};

struct rp_api {
	struct rp_server_parts parts;
	const struct rp_conf_api *cfg;
	struct rp_acceptor *acceptor;
	struct rp_tls *tls;
	struct rp_passcache *passwords; /* found right a short while ago */
	struct rp_gate *gate;           /* logins of API users */
	struct rp_crowd *crowd;         /* connections (server/crowd.h) */
	struct rp_addrlist trusted;     /* proxies before the API */
	struct rp_sessions *sessions;
	struct rp_tokens *tokens;
	struct rp_uploads *uploads;
	struct rp_vault *vault;
	struct rp_users *users;
	struct rp_twofa *twofa;
	struct rp_twofa_sender *sender; /* of its codes */
	struct rp_http_server_options http;
	struct rp_cors cors;
	struct rp_docroot *docroot; /* NULL: none */
	unsigned compressing;       /* answers on the pool (api/answer.c) */
	unsigned inflating;         /* files there (api/webui.c) */
	unsigned pairing_reads;     /* programs read for new clients */
	struct rp_list conns;
	struct rp_list calls; /* requests that wait for something */
	struct rp_api_sockets sockets;
	struct rp_api_events events;
	char *jwt_secret;
	int access_log; /* -1 = none */
	bool closing;
};

/* Who asks. */
struct rp_api_user {
	char *name;
	struct rp_strlist groups;
	bool admin;
	unsigned permissions; /* RP_MAY_… */
	enum rp_scope scope;
	uint64_t session; /* 0 = not by bearer token */
};

/* One request under way. Freed by the reply. */
struct rp_api_call {
	struct rp_api *api;
	struct rp_http_req *req;
	struct rp_api_conn *conn; /* may be gone while the call waits: only for an upgrade */
	struct rp_list node;
	const struct rp_route *route;
	char *params[RP_API_PARAMS_MAX]; /* decoded path segments in braces */
	struct rp_query query;
	struct rp_api_user user;
	char peer[RP_ADDR_TEXT_MAX]; /* rp_api_peer */
	bool by_basic;               /* let in by Basic credentials */
	bool by_cookie;              /* by a page's session, or it gets one (api/cookie.h) */
	int64_t started_ns;
	char *audit_hostname; /* of the route's client, for the audit log; or NULL */
};

#endif
