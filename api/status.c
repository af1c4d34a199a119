/* SPDX-License-Identifier: MIT */
/*
 * What the server is and who I am (rport-api 3.3, 3.4, 3.6).
 */
#include <stdio.h>
#include <string.h>

#include "api/call.h"
#include "api/handlers.h"
#include "api/reply.h"
#include "api/twofa.h"
#include "api/users.h"
#include "core/clock.h"

#include "core/banned.h"

static void key_ports(struct rp_jsonw *w, const char *key, const struct rp_port_list *ports)
{
	rp_jsonw_key(w, key);
	rp_jsonw_arr(w);
	for (size_t i = 0; i < ports->n; i++) {
		char text[16];
		if (ports->v[i].first == ports->v[i].last) {
			(void)snprintf(text, sizeof(text), "%u", ports->v[i].first);
		} else {
			(void)snprintf(
			    text, sizeof(text), "%u-%u", ports->v[i].first, ports->v[i].last);
		}
		rp_jsonw_str(w, text);
	}
	rp_jsonw_arr_end(w);
}

static void write_server(struct rp_jsonw *w, const struct rp_server_parts *p)
{
	rp_jsonw_put_str(w, "version", RP_VERSION);
	rp_jsonw_put_int(w, "clients_connected", (int64_t)rp_registry_count(p->registry, true));
	rp_jsonw_put_int(w, "clients_disconnected", (int64_t)rp_registry_count(p->registry, false));
	rp_jsonw_put_str(w, "fingerprint", rp_hostkey_md5(p->hostkey));
	rp_jsonw_put_str(w, "fingerprint_sha256", rp_hostkey_sha256(p->hostkey));
	rp_jsonw_put_strlist(w, "connect_url", &p->cfg->server.url);
	rp_jsonw_put_str(w, "pairing_url", p->cfg->server.pairing_url);
	rp_jsonw_put_str(w, "clients_auth_source", rp_clientauth_source(p->auth));
	rp_jsonw_put_str(w, "clients_auth_mode",
	    rp_clientauth_writable(p->auth) && p->cfg->server.auth_write ? "Read Write"
	                                                                 : "Read Only");
}

static void write_switches(struct rp_jsonw *w, const struct rp_api *api)
{
	const struct rp_server_config *cfg = api->parts.cfg;
	rp_jsonw_put_bool(w, "group_permissions_enabled", rp_users_groups_enabled(api->users));
	rp_jsonw_put_bool(w, "two_fa_enabled", rp_twofa_kind(api->twofa) != RP_TWOFA_OFF);
	rp_jsonw_put_str(w, "two_fa_delivery_method", rp_twofa_method(api->twofa));
	rp_jsonw_put_bool(w, "auth_header", cfg->api.auth_header[0] != '\0');
	rp_jsonw_put_bool(w, "tunnel_proxy_enabled", cfg->server.tunnel_proxy_cert_file[0] != '\0');
	rp_jsonw_put_bool(w, "caddy_integration_enabled", false);
	rp_jsonw_put_bool(w, "monitoring_enabled", cfg->monitoring.enabled);
	rp_jsonw_key(w, "auditlog");
	rp_jsonw_obj(w);
	rp_jsonw_put_bool(w, "enabled", cfg->api.enable_audit_log);
	rp_jsonw_put_str(w, "rotation", cfg->api.audit_log_rotation);
	rp_jsonw_obj_end(w);
}

void rp_api_status(struct rp_api_call *c)
{
	const struct rp_server_config *cfg = c->api->parts.cfg;
	struct rp_reply r;
	rp_reply_begin(&r);
	rp_jsonw_obj(&r.w);
	write_server(&r.w, &c->api->parts);
	rp_jsonw_put_str(&r.w, "users_auth_source", rp_users_source(c->api->users));
	write_switches(&r.w, c->api);
	rp_jsonw_put_str(&r.w, "tunnel_host", cfg->server.tunnel_host);
	key_ports(&r.w, "excluded_ports", &cfg->server.excluded_ports);
	key_ports(&r.w, "used_ports", &cfg->server.used_ports);
	rp_jsonw_put_int(&r.w, "password_min_length", cfg->api.password_min_length);
	rp_jsonw_obj_end(&r.w);
	rp_reply_end(&r, c);
}

/* What pages that ask for something should know before: limits, and what can be changed at all. */
void rp_api_settings(struct rp_api_call *c)
{
	const struct rp_server_config *cfg = c->api->parts.cfg;
	struct rp_reply r;
	rp_reply_begin(&r);
	rp_jsonw_obj(&r.w);
	rp_jsonw_put_int(&r.w, "max_request_bytes", cfg->api.max_request_bytes);
	rp_jsonw_put_int(&r.w, "max_filepush_size", cfg->api.max_filepush_size);
	rp_jsonw_put_int(
	    &r.w, "run_remote_cmd_timeout_sec", cfg->server.run_remote_cmd_timeout_sec);
	rp_jsonw_put_int(&r.w, "jobs_max_results", cfg->server.jobs_max_results);
	rp_jsonw_put_int(&r.w, "password_min_length", cfg->api.password_min_length);
	rp_jsonw_put_int(&r.w, "password_zxcvbn_minscore", cfg->api.password_zxcvbn_minscore);
	rp_jsonw_put_bool(&r.w, "users_writable", !rp_users_static(c->api->users));
	rp_jsonw_put_bool(&r.w, "group_permissions", rp_users_groups_enabled(c->api->users));
	rp_jsonw_put_bool(&r.w, "monitoring", cfg->monitoring.enabled);
	rp_jsonw_put_int(
	    &r.w, "monitoring_storage_sec", cfg->monitoring.data_storage_duration / RP_NS_PER_S);
	rp_jsonw_put_bool(
	    &r.w, "purge_disconnected_clients", cfg->server.purge_disconnected_clients);
	rp_jsonw_put_int(&r.w, "keep_disconnected_clients_sec",
	    cfg->server.keep_disconnected_clients / RP_NS_PER_S);
	rp_jsonw_obj_end(&r.w);
	rp_reply_end(&r, c);
}

void rp_api_me(struct rp_api_call *c)
{
	const struct rp_user *user = rp_users_find(c->api->users, c->user.name);
	struct rp_reply r;
	rp_reply_begin(&r);
	rp_jsonw_obj(&r.w);
	rp_jsonw_put_str(&r.w, "username", c->user.name);
	rp_jsonw_put_bool(&r.w, "password_expired", false);
	rp_jsonw_put_strlist(&r.w, "groups", &c->user.groups);
	rp_jsonw_put_str(&r.w, "two_fa_send_to", user != NULL ? user->two_fa_send_to : "");
	rp_jsonw_key(&r.w, "effective_user_permissions");
	rp_jsonw_obj(&r.w);
	for (unsigned i = 0; i < RP_PERMISSIONS; i++) {
		rp_jsonw_put_bool(&r.w, rp_permission_name(i),
		    c->user.admin || (c->user.permissions & (1u << i)) != 0);
	}
	rp_jsonw_obj_end(&r.w);
	rp_jsonw_key(&r.w, "effective_extended_permissions");
	rp_jsonw_raw(&r.w, "{\"tunnels_restricted\":null,\"commands_restricted\":null}");
	rp_jsonw_put_bool(
	    &r.w, "group_permissions_enabled", rp_users_groups_enabled(c->api->users));
	rp_jsonw_obj_end(&r.w);
	rp_reply_end(&r, c);
}

void rp_api_me_ip(struct rp_api_call *c)
{
	struct rp_reply r;
	rp_reply_begin(&r);
	rp_jsonw_obj(&r.w);
	rp_jsonw_put_str(&r.w, "ip", rp_api_peer(c));
	rp_jsonw_obj_end(&r.w);
	rp_reply_end(&r, c);
}

void rp_api_auth_provider(struct rp_api_call *c)
{
	struct rp_reply r;
	rp_reply_begin(&r);
	rp_jsonw_obj(&r.w);
	rp_jsonw_put_str(&r.w, "auth_provider", "built-in");
	rp_jsonw_put_str(&r.w, "settings_uri", "");
	rp_jsonw_put_str(&r.w, "device_settings_uri", "");
	rp_jsonw_put_int(&r.w, "max_token_lifetime", c->api->cfg->max_token_lifetime);
	rp_jsonw_obj_end(&r.w);
	rp_reply_end(&r, c);
}
