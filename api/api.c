/* SPDX-License-Identifier: MIT */
/*
 * The API's listener and its life: start, connections, stop.
 */
#include "api/api.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "acl/forwarded.h"
#include "api/call.h"
#include "api/context.h"
#include "api/docroot.h"
#include "api/passcache.h"
#include "api/reply.h"
#include "api/router.h"
#include "api/sessions.h"
#include "api/tokens.h"
#include "api/twofa.h"
#include "api/twofa_send.h"
#include "api/uploads.h"
#include "api/users.h"
#include "api/vault.h"
#include "api/ws.h"
#include "core/alloc.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "core/log.h"
#include "server/crowd.h"

#include "core/banned.h"

#define COMPONENT  "api"
#define SECRET_LEN 43
#define WRITE_MAX  (64u * 1024 * 1024)
/* Password hashes under way: they keep busy the threads that the database needs too. */
#define CHECKS_PER_SOURCE 64
#define CHECKS_TOTAL      256

struct rp_api_conn {
	struct rp_list node;
	struct rp_http_conn *http;
	struct rp_api *api;
	char source[RP_CROWD_SOURCE_MAX];
};

static void on_request(void *ctx, struct rp_http_req *req)
{
	struct rp_api_conn *conn = ctx;
	rp_api_call_start(conn->api, conn, req);
}

static bool is_streamed(struct rp_http_req *req)
{
	return rp_router_streams(rp_http_req_head(req)->method, rp_http_req_path(req));
}

/* Before there is a request to route: the body is too large, or it is no HTTP. */
static bool on_bad_request(void *ctx, struct rp_http_req *req, unsigned status, const char *text)
{
	static const char too_large[] =
	    "{\"errors\":[{\"code\":\"\",\"title\":\"Invalid JSON data.\","
	    "\"detail\":\"http: request body too large\"}]}";
	static const char file_too_large[] =
	    "{\"errors\":[{\"code\":\"\",\"title\":\"http: request body too large\","
	    "\"detail\":\"the file is larger than max_filepush_size\"}]}";
	const struct rp_api_conn *conn = ctx;
	(void)text;
	if (status != 413) {
		return false;
	}
	bool file = is_streamed(req);
	const char *body = file ? file_too_large : too_large;
	rp_cors_answer(&conn->api->cors, req);
	rp_http_reply(req, file ? 413 : 400, "application/json; charset=UTF-8", body, strlen(body));
	return true;
}

/* Files do not fit into memory: their handler reads them. */
static void on_head(void *ctx, struct rp_http_req *req)
{
	struct rp_api_conn *conn = ctx;
	if (is_streamed(req)) {
		rp_http_req_set_body_max(req, (size_t)conn->api->cfg->max_filepush_size);
		rp_http_req_hold_body(req);
	}
}

static void conn_free(struct rp_api_conn *conn)
{
	rp_crowd_leave(conn->api->crowd, conn->source);
	rp_list_remove(&conn->node);
	rp_free(conn);
}

void rp_api_conn_take(struct rp_api_conn *conn, char source[static RP_CROWD_SOURCE_MAX])
{
	(void)snprintf(source, RP_CROWD_SOURCE_MAX, "%s", conn->source);
	rp_list_remove(&conn->node);
	rp_free(conn);
}

void rp_api_waiting(const struct rp_api_call *c, struct rp_api_waiting *w)
{
	static const char mapped[] = "::ffff:";
	const char *peer = rp_http_req_peer(c->req);
	struct rp_list *it;
	struct rp_list *tmp;
	*w = (struct rp_api_waiting){0};
	RP_LIST_FOREACH(it, tmp, &c->api->conns) {
		const struct rp_api_conn *conn = RP_LIST_ENTRY(it, struct rp_api_conn, node);
		size_t n = rp_http_conn_queued(conn->http);
		bool v4 = rp_str_starts(rp_str_c(conn->source), mapped);
		const char *source = v4 ? conn->source + sizeof(mapped) - 1 : conn->source;
		w->all += n;
		w->of_source += strcmp(source, peer) == 0 ? n : 0;
	}
}

static void on_conn_closed(void *ctx, struct rp_http_conn *http)
{
	struct rp_api_conn *conn = ctx;
	(void)http;
	conn_free(conn);
}

static const struct rp_http_server_ops http_ops = {
    .on_request = on_request,
    .on_bad_request = on_bad_request,
    .on_head = on_head,
    .on_conn_closed = on_conn_closed,
};

static void on_accept(void *ctx, int fd, const struct sockaddr *peer)
{
	struct rp_api *api = ctx;
	struct rp_api_conn *conn = rp_calloc(1, sizeof(*conn));
	if (conn == NULL || rp_crowd_enter(api->crowd, peer, conn->source) != 0) {
		rp_free(conn);
		(void)close(fd);
		return;
	}
	conn->api = api;
	rp_list_append(&api->conns, &conn->node);
	if (rp_http_conn_new(api->parts.loop, fd, &api->http, &http_ops, conn, &conn->http) != 0) {
		conn_free(conn);
	}
}

/* A secret of our own, kept so that a restart logs nobody out (the original makes a new one each
 * time). */
static int own_secret(struct rp_api *api, struct rp_err *err)
{
	char text[SECRET_LEN + 1] = "";
	char *path = rp_asprintf("%s/api-jwt-secret", api->parts.cfg->server.data_dir);
	if (path == NULL) {
		return rp_err_no_memory(err);
	}
	int code = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		if (read(fd, text, SECRET_LEN) != SECRET_LEN) {
			code = rp_err_set(
			    err, RP_EIO, "%s is damaged: remove it to get a new one", path);
		}
	} else {
		rp_random_text(text, SECRET_LEN);
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd < 0 || write(fd, text, SECRET_LEN) != SECRET_LEN) {
			code = rp_err_set(
			    err, RP_EIO, "%s cannot be written: %s", path, rp_err_text(-errno));
		}
	}
	if (fd >= 0) {
		(void)close(fd);
	}
	rp_free(path);
	api->jwt_secret = code == 0 ? rp_strdup(text) : NULL;
	rp_secret_wipe(text, sizeof(text));
	return code != 0 || api->jwt_secret != NULL ? code : rp_err_no_memory(err);
}

static int open_secret(struct rp_api *api, struct rp_err *err)
{
	if (api->cfg->jwt_secret[0] == '\0') {
		return own_secret(api, err);
	}
	api->jwt_secret = rp_strdup(api->cfg->jwt_secret);
	return api->jwt_secret != NULL ? 0 : rp_err_no_memory(err);
}

static int open_gate(struct rp_api *api, struct rp_err *err)
{
	const struct rp_gate_options opt = {
	    .slots_per_source = CHECKS_PER_SOURCE,
	    .slots_total = CHECKS_TOTAL,
	    .login_wait_ms = (uint64_t)(api->cfg->user_login_wait * 1000.0),
	    .max_failed = (unsigned)api->cfg->max_failed_login,
	    .ban_ms = (uint64_t)api->cfg->ban_time * 1000,
	};
	api->passwords = rp_passcache_new();
	return api->passwords != NULL && rp_gate_new(&opt, &api->gate) == 0 ? 0
	                                                                    : rp_err_no_memory(err);
}

static int open_uploads(struct rp_api *api, struct rp_err *err)
{
	const struct rp_uploads_options opt = {
	    .loop = api->parts.loop,
	    .registry = api->parts.registry,
	    .audit = api->parts.audit,
	    .data_dir = api->parts.cfg->server.data_dir,
	};
	return rp_uploads_new(&opt, &api->uploads, err);
}

static int open_tls(struct rp_api *api, struct rp_err *err)
{
	const struct rp_conf_api *cfg = api->cfg;
	api->http = (struct rp_http_server_options){
	    .body_max = (size_t)cfg->max_request_bytes,
	    .stream = {.write_max = WRITE_MAX,
	        .user_timeout_ms = RP_API_WS_STUCK_MS,
	        .keepalive = true},
	};
	if (cfg->cert_file[0] == '\0') {
		return 0;
	}
	enum rp_tls_version min = strcmp(cfg->tls_min, "1.2") == 0 ? RP_TLS_1_2 : RP_TLS_1_3;
	int code = rp_tls_server_new(cfg->cert_file, cfg->key_file, min, &api->tls, err);
	api->http.tls = api->tls;
	return code == 0 ? 0 : rp_err_wrap(err, "API: invalid 'cert_file', 'key_file'");
}

static int open_access_log(struct rp_api *api, struct rp_err *err)
{
	const char *path = api->cfg->access_log_file;
	if (path[0] == '\0') {
		return 0;
	}
	api->access_log = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
	if (api->access_log < 0) {
		return rp_err_set(
		    err, RP_EIO, "API: access_log_file %s: %s", path, rp_err_text(-errno));
	}
	return 0;
}

static int open_listener(struct rp_api *api, struct rp_err *err)
{
	static const struct rp_acceptor_ops ops = {.on_accept = on_accept};
	int code = rp_acceptor_new(
	    api->parts.loop, api->cfg->address, &ops, api, &api->acceptor, err);
	if (code != 0) {
		return rp_acceptor_explain(err, "[api] address, --api-addr");
	}
	rp_log_info(COMPONENT, "API Listening on %s://%s", api->tls != NULL ? "https" : "http",
	    rp_acceptor_address(api->acceptor));
	return 0;
}

static void api_free(void *state)
{
	struct rp_api *api = state;
	rp_sessions_free(api->sessions);
	rp_tokens_free(api->tokens);
	rp_uploads_free(api->uploads);
	rp_vault_free(api->vault);
	rp_users_free(api->users);
	rp_twofa_free(api->twofa);
	rp_twofa_sender_free(api->sender);
	rp_passcache_free(api->passwords);
	rp_gate_free(api->gate);
	rp_crowd_free(api->crowd);
	rp_addrlist_fini(&api->trusted);
	rp_cors_fini(&api->cors);
	rp_docroot_free(api->docroot);
	rp_tls_free(api->tls);
	rp_free_secret(api->jwt_secret);
	if (api->access_log >= 0) {
		(void)close(api->access_log);
	}
	rp_free(api);
}

static int api_start(void **state, const struct rp_server_parts *parts, struct rp_err *err)
{
	const struct rp_conf_api *cfg = &parts->cfg->api;
	if (cfg->address[0] == '\0') {
		rp_log_info(COMPONENT, "no [api] address: the API is off");
		return 0;
	}
	struct rp_api *api = rp_calloc(1, sizeof(*api));
	if (api == NULL) {
		return rp_err_no_memory(err);
	}
	api->parts = *parts;
	api->cfg = cfg;
	api->access_log = -1;
	rp_list_init(&api->conns);
	rp_list_init(&api->calls);
	rp_list_init(&api->sockets.list);
	rp_list_init(&api->events.sessions);
	*state = api; /* from here on stop and free take it down */
	rp_api_ws_open_all(api);
	int code = rp_users_new(parts->loop, parts->cfg, &api->users, err);
	code = code != 0 ? code : rp_twofa_new(cfg, parts->store, &api->twofa, err);
	code = code != 0 ? code : rp_twofa_sender_new(parts->loop, parts->cfg, &api->sender, err);
	code = code != 0 ? code : open_secret(api, err);
	code = code != 0 ? code : open_gate(api, err);
	code = code != 0 ? code : rp_crowd_new(COMPONENT, &api->crowd, err);
	code = code != 0 ? code : rp_forwarded_parse(&cfg->trusted_proxies, &api->trusted, err);
	if (code == 0 && rp_cors_init(&api->cors, &cfg->cors) != 0) {
		code = rp_err_no_memory(err);
	}
	code = code != 0 ? code : rp_docroot_new(cfg->doc_root, &api->docroot, err);
	code = code != 0 ? code : rp_sessions_new(parts->store, &api->sessions, err);
	code = code != 0 ? code : rp_tokens_new(parts->store, &api->tokens, err);
	code = code != 0 ? code : open_uploads(api, err);
	code = code != 0 ? code : rp_vault_new(parts->loop, parts->store, &api->vault, err);
	code = code != 0 ? code : open_tls(api, err);
	code = code != 0 ? code : open_access_log(api, err);
	return code != 0 ? code : open_listener(api, err);
}

static void api_stop(void *state)
{
	struct rp_api *api = state;
	struct rp_list *it;
	struct rp_list *tmp;
	api->closing = true;
	rp_users_close(api->users);
	rp_uploads_close(api->uploads);
	rp_twofa_sender_close(api->sender);
	rp_vault_close(api->vault);
	if (api->acceptor != NULL) {
		rp_acceptor_close(api->acceptor);
	}
	rp_api_ws_close_all(api);
	RP_LIST_FOREACH(it, tmp, &api->conns) {
		rp_http_conn_close(RP_LIST_ENTRY(it, struct rp_api_conn, node)->http);
	}
}

static void on_reloaded(void *ctx, int code, const struct rp_err *err)
{
	(void)ctx;
	if (code != 0) {
		rp_log_error(COMPONENT, "%s; the users read before stay in force", err->msg);
	} else {
		rp_log_info(COMPONENT, "users of the API read again");
	}
}

static void api_reload(void *state)
{
	struct rp_api *api = state;
	if (rp_users_static(api->users)) {
		return;
	}
	int code = rp_users_reload(api->users, on_reloaded, NULL);
	if (code != 0) {
		rp_log_error(
		    COMPONENT, "users of the API are not read again: %s", rp_err_text(code));
	}
}

const struct rp_server_hooks *rp_api_hooks(void)
{
	static const struct rp_server_hooks hooks = {
	    .start = api_start,
	    .reload = api_reload,
	    .stop = api_stop,
	    .free = api_free,
	};
	return &hooks;
}
