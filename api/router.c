/* SPDX-License-Identifier: MIT */
/*
 * The table of routes. HEAD is served as GET (quirk 22); the HTTP layer leaves the body out.
 */
#include "api/router.h"

#include <string.h>

#include "api/handlers.h"
#include "core/alloc.h"

#include "core/banned.h"

static const struct rp_route routes[] = {
    {"GET", "/login", RP_ROUTE_OPEN, 0, rp_api_login_get},
    {"POST", "/login", RP_ROUTE_OPEN, 0, rp_api_login_post},
    {"DELETE", "/logout", RP_ROUTE_OPEN, 0, rp_api_logout},
    {"POST", "/verify-2fa", RP_ROUTE_TWO_FA, 0, rp_api_verify_2fa},
    {"GET", "/auth/provider", RP_ROUTE_OPEN, 0, rp_api_auth_provider},
    {"GET", "/openapi.json", RP_ROUTE_OPEN, 0, rp_api_openapi},
    {"GET", "/docs", RP_ROUTE_OPEN, 0, rp_api_docs},
    {"GET", "/docs/docs.css", RP_ROUTE_OPEN, 0, rp_api_docs_css},
    {"GET", "/docs/docs.js", RP_ROUTE_OPEN, 0, rp_api_docs_js},
    {"GET", "/status", RP_ROUTE_USER, 0, rp_api_status},
    {"GET", "/settings", RP_ROUTE_USER, 0, rp_api_settings},
    {"GET", "/me", RP_ROUTE_USER, 0, rp_api_me},
    {"PUT", "/me", RP_ROUTE_USER, 0, rp_api_me_put},
    {"GET", "/me/ip", RP_ROUTE_USER, 0, rp_api_me_ip},
    {"GET", "/me/sessions", RP_ROUTE_USER, 0, rp_api_my_sessions},
    {"DELETE", "/me/sessions/{}", RP_ROUTE_USER, 0, rp_api_my_session_delete},
    {"GET", "/me/totp-secret", RP_ROUTE_USER, 0, rp_api_totp_get},
    {"POST", "/me/totp-secret", RP_ROUTE_USER, 0, rp_api_totp_post},
    {"DELETE", "/me/totp-secret", RP_ROUTE_USER, 0, rp_api_totp_delete},
    {"GET", "/me/tokens", RP_ROUTE_USER, 0, rp_api_tokens_get},
    {"POST", "/me/tokens", RP_ROUTE_USER, 0, rp_api_tokens_post},
    {"PUT", "/me/tokens/{}", RP_ROUTE_USER, 0, rp_api_token_put},
    {"DELETE", "/me/tokens/{}", RP_ROUTE_USER, 0, rp_api_token_delete},
    {"GET", "/me/token", RP_ROUTE_USER, 0, rp_api_token_gone},
    {"POST", "/me/token", RP_ROUTE_USER, 0, rp_api_token_gone},
    {"DELETE", "/me/token", RP_ROUTE_USER, 0, rp_api_token_gone},
    {"GET", "/users", RP_ROUTE_ADMIN, 0, rp_api_users_get},
    {"POST", "/users", RP_ROUTE_ADMIN, 0, rp_api_user_post},
    {"PUT", "/users/{}", RP_ROUTE_ADMIN, 0, rp_api_user_put},
    {"DELETE", "/users/{}", RP_ROUTE_ADMIN, 0, rp_api_user_delete},
    {"DELETE", "/users/{}/totp-secret", RP_ROUTE_ADMIN, 0, rp_api_user_totp_delete},
    {"GET", "/sessions", RP_ROUTE_ADMIN, 0, rp_api_sessions},
    {"GET", "/users/{}/sessions", RP_ROUTE_ADMIN, 0, rp_api_user_sessions},
    {"DELETE", "/users/{}/sessions", RP_ROUTE_ADMIN, 0, rp_api_user_sessions_delete},
    {"DELETE", "/users/{}/sessions/{}", RP_ROUTE_ADMIN, 0, rp_api_user_session_delete},
    {"GET", "/user-groups", RP_ROUTE_ADMIN, 0, rp_api_user_groups},
    {"GET", "/user-groups/{}", RP_ROUTE_ADMIN, 0, rp_api_user_group_get},
    {"PUT", "/user-groups/{}", RP_ROUTE_ADMIN, 0, rp_api_user_group_put},
    {"DELETE", "/user-groups/{}", RP_ROUTE_ADMIN, 0, rp_api_user_group_delete},
    {"GET", "/clients-auth", RP_ROUTE_ADMIN, 0, rp_api_clients_auth},
    {"POST", "/clients-auth", RP_ROUTE_ADMIN, 0, rp_api_client_auth_post},
    {"GET", "/clients-auth/{}", RP_ROUTE_ADMIN, 0, rp_api_client_auth_get},
    {"DELETE", "/clients-auth/{}", RP_ROUTE_ADMIN, 0, rp_api_client_auth_delete},
    {"GET", "/pairing", RP_ROUTE_ADMIN, 0, rp_api_pairing_list},
    {"POST", "/pairing", RP_ROUTE_ADMIN, 0, rp_api_pairing_post},
    {"DELETE", "/pairing/{}", RP_ROUTE_ADMIN, 0, rp_api_pairing_delete},
    {"POST", "/pairing/{}", RP_ROUTE_OPEN, 0, rp_api_pairing_use},
    {"GET", "/pairing/{}/install", RP_ROUTE_OPEN, 0, rp_api_pairing_script},
    {"GET", "/pairing/{}/client/{}", RP_ROUTE_OPEN, 0, rp_api_pairing_client},
    {"GET", "/client-groups", RP_ROUTE_USER, 0, rp_api_client_groups},
    {"POST", "/client-groups", RP_ROUTE_ADMIN, 0, rp_api_client_group_post},
    {"GET", "/client-groups/{}", RP_ROUTE_USER, 0, rp_api_client_group_get},
    {"PUT", "/client-groups/{}", RP_ROUTE_ADMIN, 0, rp_api_client_group_put},
    {"DELETE", "/client-groups/{}", RP_ROUTE_ADMIN, 0, rp_api_client_group_delete},
    {"GET", "/client-tags", RP_ROUTE_USER, 0, rp_api_client_tags},
    {"GET", "/tunnels", RP_ROUTE_USER, RP_MAY_TUNNELS, rp_api_tunnels},
    {"GET", "/clients", RP_ROUTE_USER, 0, rp_api_clients},
    {"GET", "/clients/{}", RP_ROUTE_CLIENT, 0, rp_api_client_get},
    {"DELETE", "/clients/{}", RP_ROUTE_CLIENT, 0, rp_api_client_delete},
    {"POST", "/clients/{}/acl", RP_ROUTE_ADMIN, 0, rp_api_client_acl},
    {"GET", "/clients/{}/attributes", RP_ROUTE_CLIENT, 0, rp_api_attributes_get},
    {"PUT", "/clients/{}/attributes", RP_ROUTE_CLIENT, 0, rp_api_attributes_put},
    {"PUT", "/clients/{}/tunnels", RP_ROUTE_CLIENT, RP_MAY_TUNNELS, rp_api_tunnel_put},
    {"DELETE", "/clients/{}/tunnels/{}", RP_ROUTE_CLIENT, RP_MAY_TUNNELS, rp_api_tunnel_delete},
    {"PUT", "/clients/{}/tunnels/{}/acl", RP_ROUTE_CLIENT, RP_MAY_TUNNELS, rp_api_tunnel_acl},
    {"POST", "/clients/{}/commands", RP_ROUTE_CLIENT, RP_MAY_COMMANDS, rp_api_command_post},
    {"GET", "/clients/{}/commands", RP_ROUTE_CLIENT, RP_MAY_COMMANDS, rp_api_commands},
    {"GET", "/clients/{}/commands/{}", RP_ROUTE_CLIENT, RP_MAY_COMMANDS, rp_api_command_get},
    {"POST", "/clients/{}/scripts", RP_ROUTE_CLIENT, RP_MAY_SCRIPTS, rp_api_script_post},
    {"POST", "/commands", RP_ROUTE_USER, RP_MAY_COMMANDS, rp_api_multi_post},
    {"GET", "/commands", RP_ROUTE_USER, RP_MAY_COMMANDS, rp_api_multi_list},
    {"GET", "/commands/{}", RP_ROUTE_USER, RP_MAY_COMMANDS, rp_api_multi_get},
    {"GET", "/commands/{}/jobs", RP_ROUTE_USER, RP_MAY_COMMANDS, rp_api_multi_jobs},
    {"POST", "/commands/{}/stop", RP_ROUTE_USER, RP_MAY_COMMANDS, rp_api_multi_stop},
    {"GET", "/jobs", RP_ROUTE_USER, RP_MAY_COMMANDS, rp_api_jobs},
    {"POST", "/scripts", RP_ROUTE_USER, RP_MAY_SCRIPTS, rp_api_multi_post},
    {"GET", "/ws/commands", RP_ROUTE_USER, RP_MAY_COMMANDS, rp_api_ws_jobs},
    {"GET", "/ws/scripts", RP_ROUTE_USER, RP_MAY_SCRIPTS, rp_api_ws_jobs},
    {"GET", "/test/commands/ui", RP_ROUTE_OPEN, 0, rp_api_ws_page},
    {"GET", "/test/scripts/ui", RP_ROUTE_OPEN, 0, rp_api_ws_page},
    {"GET", "/test/uploads/ui", RP_ROUTE_OPEN, 0, rp_api_ws_page},
    {"GET", "/stored-tunnels", RP_ROUTE_USER, RP_MAY_TUNNELS, rp_api_stored_tunnels_all},
    {"GET", "/clients/{}/stored-tunnels", RP_ROUTE_CLIENT, RP_MAY_TUNNELS,
        rp_api_stored_tunnels_get},
    {"POST", "/clients/{}/stored-tunnels", RP_ROUTE_CLIENT, RP_MAY_TUNNELS,
        rp_api_stored_tunnels_post},
    {"PUT", "/clients/{}/stored-tunnels/{}", RP_ROUTE_CLIENT, RP_MAY_TUNNELS,
        rp_api_stored_tunnel_put},
    {"DELETE", "/clients/{}/stored-tunnels/{}", RP_ROUTE_CLIENT, RP_MAY_TUNNELS,
        rp_api_stored_tunnel_delete},
    {"GET", "/schedules", RP_ROUTE_USER, RP_MAY_SCHEDULER, rp_api_schedules_get},
    {"POST", "/schedules", RP_ROUTE_USER, RP_MAY_SCHEDULER, rp_api_schedules_post},
    /* No id: those are UUIDs. */
    {"GET", "/schedules/preview", RP_ROUTE_USER, RP_MAY_SCHEDULER, rp_api_schedule_preview},
    {"GET", "/schedules/{}", RP_ROUTE_USER, RP_MAY_SCHEDULER, rp_api_schedule_get},
    {"PUT", "/schedules/{}", RP_ROUTE_USER, RP_MAY_SCHEDULER, rp_api_schedule_put},
    {"DELETE", "/schedules/{}", RP_ROUTE_USER, RP_MAY_SCHEDULER, rp_api_schedule_delete},
    {"GET", "/library/commands", RP_ROUTE_USER, RP_MAY_COMMANDS, rp_api_library_get},
    {"POST", "/library/commands", RP_ROUTE_USER, RP_MAY_COMMANDS, rp_api_library_post},
    {"GET", "/library/commands/{}", RP_ROUTE_USER, RP_MAY_COMMANDS, rp_api_library_entry_get},
    {"PUT", "/library/commands/{}", RP_ROUTE_USER, RP_MAY_COMMANDS, rp_api_library_entry_put},
    {"DELETE", "/library/commands/{}", RP_ROUTE_USER, RP_MAY_COMMANDS, rp_api_library_entry_delete},
    {"GET", "/library/scripts", RP_ROUTE_USER, RP_MAY_SCRIPTS, rp_api_library_get},
    {"POST", "/library/scripts", RP_ROUTE_USER, RP_MAY_SCRIPTS, rp_api_library_post},
    {"GET", "/library/scripts/{}", RP_ROUTE_USER, RP_MAY_SCRIPTS, rp_api_library_entry_get},
    {"PUT", "/library/scripts/{}", RP_ROUTE_USER, RP_MAY_SCRIPTS, rp_api_library_entry_put},
    {"DELETE", "/library/scripts/{}", RP_ROUTE_USER, RP_MAY_SCRIPTS, rp_api_library_entry_delete},
    {"POST", "/clients/{}/updates-status", RP_ROUTE_CLIENT, RP_MAY_MONITORING,
        rp_api_updates_refresh},
    {"GET", "/clients/{}/metrics", RP_ROUTE_CLIENT, RP_MAY_MONITORING, rp_api_metrics},
    {"GET", "/clients/{}/processes", RP_ROUTE_CLIENT, RP_MAY_MONITORING, rp_api_processes},
    {"GET", "/clients/{}/mountpoints", RP_ROUTE_CLIENT, RP_MAY_MONITORING, rp_api_mountpoints},
    {"GET", "/clients/{}/graph-metrics", RP_ROUTE_CLIENT, RP_MAY_MONITORING, rp_api_graphs},
    {"GET", "/clients/{}/graph-metrics/{}", RP_ROUTE_CLIENT, RP_MAY_MONITORING, rp_api_graph},
    {"GET", "/notification-logs", RP_ROUTE_ADMIN, 0, rp_api_notifications},
    {"GET", "/notification-logs/{}", RP_ROUTE_ADMIN, 0, rp_api_notification_get},
    {"GET", "/plus/status", RP_ROUTE_OPEN, 0, rp_api_plus_status},
    {"GET", "/auth/ext/settings", RP_ROUTE_OPEN, 0, rp_api_auth_settings},
    {"GET", "/auth/ext/settings/device", RP_ROUTE_OPEN, 0, rp_api_auth_settings},
    {"POST", "/files", RP_ROUTE_USER, RP_MAY_UPLOADS, rp_api_files_post},
    {"GET", "/ws/events", RP_ROUTE_USER, 0, rp_api_ws_events},
    {"GET", "/ws/uploads", RP_ROUTE_USER, RP_MAY_UPLOADS, rp_api_ws_uploads},
    {"GET", "/vault-admin", RP_ROUTE_USER, RP_MAY_VAULT, rp_api_vault_admin},
    {"POST", "/vault-admin/init", RP_ROUTE_ADMIN, RP_MAY_VAULT, rp_api_vault_init},
    {"POST", "/vault-admin/sesame", RP_ROUTE_ADMIN, RP_MAY_VAULT, rp_api_vault_unlock},
    {"DELETE", "/vault-admin/sesame", RP_ROUTE_ADMIN, RP_MAY_VAULT, rp_api_vault_lock},
    {"GET", "/vault", RP_ROUTE_USER, RP_MAY_VAULT, rp_api_vault_list},
    {"POST", "/vault", RP_ROUTE_USER, RP_MAY_VAULT, rp_api_vault_post},
    {"GET", "/vault/{}", RP_ROUTE_USER, RP_MAY_VAULT, rp_api_vault_get},
    {"PUT", "/vault/{}", RP_ROUTE_USER, RP_MAY_VAULT, rp_api_vault_put},
    {"DELETE", "/vault/{}", RP_ROUTE_USER, RP_MAY_VAULT, rp_api_vault_delete},
    {"GET", "/auditlog", RP_ROUTE_USER, RP_MAY_AUDITLOG, rp_api_auditlog},
};

/* Next segment of a path that begins with '/'. */
static bool segment(const char **path, struct rp_str *s)
{
	if (**path != '/') {
		return false;
	}
	const char *start = *path + 1;
	const char *end = strchr(start, '/');
	size_t n = end == NULL ? strlen(start) : (size_t)(end - start);
	*s = rp_str_n(start, n);
	*path = start + n;
	return true;
}

/* Fills params (borrowed slices) as far as the pattern has braces. */
static bool match(const char *pattern, const char *path, struct rp_str *params, size_t *n)
{
	struct rp_str want;
	struct rp_str have;
	*n = 0;
	while (segment(&pattern, &want)) {
		if (!segment(&path, &have)) {
			return false;
		}
		if (rp_str_eq(want, "{}")) {
			if (have.len == 0 || *n >= RP_API_PARAMS_MAX) {
				return false;
			}
			params[(*n)++] = have;
		} else if (want.len != have.len || memcmp(want.p, have.p, want.len) != 0) {
			return false;
		}
	}
	return *path == '\0';
}

static bool same_method(const char *route, const char *method)
{
	return strcmp(route, method) == 0 ||
	    (strcmp(method, "HEAD") == 0 && strcmp(route, "GET") == 0);
}

static int take_params(struct rp_api_call *c, const struct rp_str *params, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int err = rp_url_decode(params[i], false, &c->params[i]);
		if (err != 0) {
			return err;
		}
	}
	return 0;
}

int rp_router_find(const char *method, const char *path, struct rp_api_call *c)
{
	struct rp_str params[RP_API_PARAMS_MAX];
	size_t n;
	int err = RP_ENOENT;
	for (size_t i = 0; i < RP_ARRAY_LEN(routes); i++) {
		if (!match(routes[i].path, path, params, &n)) {
			continue;
		}
		if (same_method(routes[i].method, method)) {
			c->route = &routes[i];
			return take_params(c, params, n);
		}
		err = RP_EUNSUPPORTED;
	}
	return err;
}

bool rp_router_streams(const char *method, const char *path)
{
	return strcmp(method, "POST") == 0 && strcmp(path, "/api/v1/files") == 0;
}

struct rp_action rp_route_action(const struct rp_route *r)
{
	return (struct rp_action){
	    .write = strcmp(r->method, "GET") != 0,
	    .websocket = rp_str_starts(rp_str_c(r->path), "/ws/"),
	    .admin = r->auth == RP_ROUTE_ADMIN,
	    .clients_auth = rp_str_starts(rp_str_c(r->path), "/clients-auth"),
	    .second_factor = r->auth == RP_ROUTE_TWO_FA,
	    .totp_setup = strcmp(r->method, "POST") == 0 && strcmp(r->path, "/me/totp-secret") == 0,
	    .permission = r->permission,
	};
}

const struct rp_route *rp_router_table(size_t *n)
{
	*n = RP_ARRAY_LEN(routes);
	return routes;
}
