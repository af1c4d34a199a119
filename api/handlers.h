/* SPDX-License-Identifier: MIT */
/*
 * Handlers of the routes (api/router.c). Each answers the call exactly once, now or later. The
 * caller was let in by the route's rule.
 */
#ifndef RP_API_HANDLERS_H
#define RP_API_HANDLERS_H

#include "api/context.h"

struct rp_reply;

/* login.c: rport-api 3.1, 3.2 */
void rp_api_login_get(struct rp_api_call *c);
void rp_api_login_post(struct rp_api_call *c);
void rp_api_logout(struct rp_api_call *c);

/* second_factor.c: 4.1. begin: the password was right, and a second factor is on. */
void rp_api_second_factor_begin(struct rp_api_call *c);
void rp_api_verify_2fa(struct rp_api_call *c);
/* login.c: the login is complete. */
void rp_api_login_done(struct rp_api_call *c);
/* Begins its answer and gives the token away (taken, NULL: no memory): in the body, or in a cookie to
 * a page that asks for that. The object is open; false: the call was answered. */
bool rp_api_login_begin(struct rp_api_call *c, struct rp_reply *r, char *token);
/* The lifetime of the token that is asked for; negative: the call was answered. */
RP_NODISCARD int rp_api_login_lifetime(struct rp_api_call *c, int64_t *seconds);

/* totp_secret.c: 4.1 */
void rp_api_totp_get(struct rp_api_call *c);
void rp_api_totp_post(struct rp_api_call *c);
void rp_api_totp_delete(struct rp_api_call *c);
void rp_api_user_totp_delete(struct rp_api_call *c);

/* status.c: 3.3, 3.4, 3.6 */
void rp_api_status(struct rp_api_call *c);
void rp_api_me(struct rp_api_call *c);
void rp_api_me_ip(struct rp_api_call *c);
void rp_api_auth_provider(struct rp_api_call *c);
/* Ours. */
void rp_api_settings(struct rp_api_call *c);

/* docs.c */
void rp_api_openapi(struct rp_api_call *c);
void rp_api_docs(struct rp_api_call *c);
void rp_api_docs_css(struct rp_api_call *c);
void rp_api_docs_js(struct rp_api_call *c);

/* me.c: 3.4 */
void rp_api_me_put(struct rp_api_call *c);

/* me_tokens.c: 3.5 */
void rp_api_tokens_get(struct rp_api_call *c);
void rp_api_tokens_post(struct rp_api_call *c);
void rp_api_token_put(struct rp_api_call *c);
void rp_api_token_delete(struct rp_api_call *c);
void rp_api_token_gone(struct rp_api_call *c);

/* user_edit.c: 4.2 */
void rp_api_user_post(struct rp_api_call *c);
void rp_api_user_put(struct rp_api_call *c);
void rp_api_user_delete(struct rp_api_call *c);

/* user_groups.c: 4.3 */
void rp_api_user_groups(struct rp_api_call *c);
void rp_api_user_group_get(struct rp_api_call *c);
void rp_api_user_group_put(struct rp_api_call *c);
void rp_api_user_group_delete(struct rp_api_call *c);
void rp_api_client_acl(struct rp_api_call *c);

/* user_admin.c: 4.2 */
void rp_api_users_get(struct rp_api_call *c);
void rp_api_user_sessions(struct rp_api_call *c);
void rp_api_user_sessions_delete(struct rp_api_call *c);
void rp_api_user_session_delete(struct rp_api_call *c);
/* Ours: of all users, my own. */
void rp_api_sessions(struct rp_api_call *c);
void rp_api_my_sessions(struct rp_api_call *c);
void rp_api_my_session_delete(struct rp_api_call *c);

/* clients.c: 3.7, 3.8, 3.9 */
void rp_api_clients(struct rp_api_call *c);
void rp_api_client_get(struct rp_api_call *c);
void rp_api_client_delete(struct rp_api_call *c);
void rp_api_attributes_get(struct rp_api_call *c);
void rp_api_attributes_put(struct rp_api_call *c);

/* clients_auth.c: 3.15 */
void rp_api_clients_auth(struct rp_api_call *c);
void rp_api_client_auth_get(struct rp_api_call *c);
void rp_api_client_auth_post(struct rp_api_call *c);
void rp_api_client_auth_delete(struct rp_api_call *c);

/* pairing.c, pairing_open.c: ours */
void rp_api_pairing_list(struct rp_api_call *c);
void rp_api_pairing_post(struct rp_api_call *c);
void rp_api_pairing_delete(struct rp_api_call *c);
void rp_api_pairing_use(struct rp_api_call *c);
void rp_api_pairing_script(struct rp_api_call *c);
void rp_api_pairing_client(struct rp_api_call *c);

/* client_groups.c, client_tags.c: 4.4 */
void rp_api_client_groups(struct rp_api_call *c);
void rp_api_client_group_get(struct rp_api_call *c);
void rp_api_client_group_post(struct rp_api_call *c);
void rp_api_client_group_put(struct rp_api_call *c);
void rp_api_client_group_delete(struct rp_api_call *c);
void rp_api_client_tags(struct rp_api_call *c);

/* tunnels.c: 3.10 */
void rp_api_tunnels(struct rp_api_call *c);
void rp_api_tunnel_put(struct rp_api_call *c);
void rp_api_tunnel_delete(struct rp_api_call *c);
void rp_api_tunnel_acl(struct rp_api_call *c);

/* commands.c: 3.11, 3.12 */
void rp_api_command_post(struct rp_api_call *c);
void rp_api_script_post(struct rp_api_call *c);
void rp_api_commands(struct rp_api_call *c);
/* Ours: of all clients. */
void rp_api_jobs(struct rp_api_call *c);
void rp_api_command_get(struct rp_api_call *c);
/* The list of those jobs by the request's query. */
void rp_api_job_list(struct rp_api_call *c, const struct rp_jobs_query *which);

/* multi.c: 3.13 */
void rp_api_multi_post(struct rp_api_call *c);
void rp_api_multi_list(struct rp_api_call *c);
void rp_api_multi_get(struct rp_api_call *c);
void rp_api_multi_jobs(struct rp_api_call *c);
/* Ours. */
void rp_api_multi_stop(struct rp_api_call *c);

/* ws_jobs.c: 3.14 */
void rp_api_ws_jobs(struct rp_api_call *c);

/* ws_events.c: ours */
void rp_api_ws_events(struct rp_api_call *c);

/* ws_page.c: pages to try them with */
void rp_api_ws_page(struct rp_api_call *c);

/* stored_tunnels_all.c: ours */
void rp_api_stored_tunnels_all(struct rp_api_call *c);
/* stored_tunnels.c: 4.6 */
void rp_api_stored_tunnels_get(struct rp_api_call *c);
void rp_api_stored_tunnels_post(struct rp_api_call *c);
void rp_api_stored_tunnel_put(struct rp_api_call *c);
void rp_api_stored_tunnel_delete(struct rp_api_call *c);

/* library.c: 4.5, both libraries */
void rp_api_library_get(struct rp_api_call *c);
void rp_api_library_post(struct rp_api_call *c);
void rp_api_library_entry_get(struct rp_api_call *c);
void rp_api_library_entry_put(struct rp_api_call *c);
void rp_api_library_entry_delete(struct rp_api_call *c);

/* monitoring.c, graphs.c: 4.10 */
void rp_api_metrics(struct rp_api_call *c);
void rp_api_processes(struct rp_api_call *c);
void rp_api_mountpoints(struct rp_api_call *c);
void rp_api_graphs(struct rp_api_call *c);
void rp_api_graph(struct rp_api_call *c);
void rp_api_updates_refresh(struct rp_api_call *c);

/* notifications.c: 5 */
void rp_api_notifications(struct rp_api_call *c);
void rp_api_notification_get(struct rp_api_call *c);
void rp_api_plus_status(struct rp_api_call *c);
void rp_api_auth_settings(struct rp_api_call *c);

/* schedules.c: 4.8 */
void rp_api_schedules_get(struct rp_api_call *c);
void rp_api_schedules_post(struct rp_api_call *c);
void rp_api_schedule_get(struct rp_api_call *c);
void rp_api_schedule_put(struct rp_api_call *c);
void rp_api_schedule_delete(struct rp_api_call *c);

/* schedule_preview.c: ours */
void rp_api_schedule_preview(struct rp_api_call *c);

/* auditlog.c: 4.7 */
void rp_api_auditlog(struct rp_api_call *c);

/* files.c, ws_uploads.c: 4.9 */
void rp_api_files_post(struct rp_api_call *c);
void rp_api_ws_uploads(struct rp_api_call *c);

/* vault_routes.c: 5 */
void rp_api_vault_admin(struct rp_api_call *c);
void rp_api_vault_init(struct rp_api_call *c);
void rp_api_vault_unlock(struct rp_api_call *c);
void rp_api_vault_lock(struct rp_api_call *c);
void rp_api_vault_list(struct rp_api_call *c);
void rp_api_vault_post(struct rp_api_call *c);
void rp_api_vault_get(struct rp_api_call *c);
void rp_api_vault_put(struct rp_api_call *c);
void rp_api_vault_delete(struct rp_api_call *c);

#endif
