/* SPDX-License-Identifier: MIT */
/*
 * Tunnels (rport-api 3.10): what the query says is checked here, the rest by the registry.
 */
#include <stdio.h>
#include <string.h>

#include "acl/addrlist.h"
#include "api/call.h"
#include "api/handlers.h"
#include "api/reply.h"
#include "core/alloc.h"
#include "core/clock.h"
#include "tunnel/web.h"

#include "core/banned.h"

#define SCHEME_MAX        15
#define IDLE_DEFAULT_MIN  5
#define IDLE_MAX_MIN      10080
#define AUTO_CLOSE_MAX_NS (INT64_C(744) * 3600 * RP_NS_PER_S)
#define NAME_MAX_LEN      255
#define PROXY_TEXT_MAX    255

/* List of all */

struct all {
	const struct rp_api_call *call;
	struct rp_jsonw *w;
};

static void write_tunnel(
    struct rp_jsonw *w, const struct rp_tunnel_info *info, const char *client_id)
{
	rp_jsonw_obj(w);
	for (size_t i = 0; i < rp_tunnel_info_table.n; i++) {
		rp_jsonw_field(w, &rp_tunnel_info_table.fields[i], info);
	}
	if (client_id != NULL) {
		rp_jsonw_put_str(w, "client_id", client_id);
	}
	rp_jsonw_obj_end(w);
}

static bool write_tunnels(const struct rp_client *client, void *ctx)
{
	struct all *a = ctx;
	const struct rp_tunnel_info *v = client->tunnels.v;
	if (!rp_client_connected(client) || !rp_api_may_see(a->call, client)) {
		return true;
	}
	for (size_t i = 0; i < client->tunnels.n; i++) {
		write_tunnel(a->w, &v[i], client->id);
	}
	return true;
}

void rp_api_tunnels(struct rp_api_call *c)
{
	struct rp_reply r;
	rp_reply_begin(&r);
	struct all a = {.call = c, .w = &r.w};
	rp_jsonw_arr(&r.w);
	rp_registry_each(c->api->parts.registry, write_tunnels, &a);
	rp_jsonw_arr_end(&r.w);
	rp_reply_end(&r, c);
}

/* Opening. Each step answers the call itself and returns false when it fails. */

static bool fail(
    struct rp_api_call *c, unsigned status, const char *code, const char *title, const char *detail)
{
	const struct rp_api_error e = {
	    .status = status, .code = code, .title = title, .detail = detail};
	rp_reply_error(c, &e);
	return false;
}

static bool set_text(struct rp_api_call *c, char **slot, const char *text)
{
	rp_free(*slot);
	*slot = text == NULL ? NULL : rp_strdup(text);
	if (text != NULL && *slot == NULL) {
		rp_reply_code(c, RP_ENOMEM, NULL);
		return false;
	}
	return true;
}

static const char *param(const struct rp_api_call *c, const char *key, const char *fallback)
{
	const char *v = rp_query_get(&c->query, key);
	return v != NULL ? v : fallback;
}

static bool fail_side(struct rp_api_call *c, const char *text, const char *why, const char *hint)
{
	char title[400];
	(void)snprintf(title, sizeof(title), "failed to decode \"%.100s\": %s", text, why);
	return fail(c, 400, "", title, hint);
}

static bool fail_side_err(
    struct rp_api_call *c, const char *text, const struct rp_err *err, const char *hint)
{
	if (err->code == RP_ENOMEM) {
		rp_reply_code(c, RP_ENOMEM, NULL);
		return false;
	}
	return fail_side(c, text, err->msg, hint);
}

static bool parse_remote(struct rp_api_call *c, struct rp_remote *r)
{
	static const char hint[] =
	    "remote: expected PORT or HOST:PORT, like 22, 192.168.1.1:22 or [2001:db8::1]:22";
	const char *text = param(c, "remote", "");
	struct rp_err err = {0};
	if (rp_remote_parse_side(text, &r->rhost, &r->rport, &err) != 0) {
		return fail_side_err(c, text, &err, hint);
	}
	return r->rhost != NULL || set_text(c, &r->rhost, "127.0.0.1");
}

/* The address to listen at, quirk 19. Names are not looked up: that is the tunnel's own affair. */
static bool parse_local(struct rp_api_call *c, struct rp_remote *r)
{
	static const char hint[] =
	    "local: expected PORT or ADDRESS:PORT, like 20022, 127.0.0.1:20022 or [::1]:20022";
	const char *text = param(c, "local", "");
	struct rp_err err = {0};
	struct rp_addr addr;
	if (text[0] == '\0') {
		return set_text(c, &r->lhost, "") && set_text(c, &r->lport, "");
	}
	if (rp_remote_parse_side(text, &r->lhost, &r->lport, &err) != 0) {
		return fail_side_err(c, text, &err, hint);
	}
	if (r->lhost == NULL) {
		return set_text(c, &r->lhost, "0.0.0.0");
	}
	if (strcmp(r->lhost, "localhost") != 0 && rp_addr_parse(rp_str_c(r->lhost), &addr) != 0) {
		return fail_side(c, text, "the host is not an IP address of the server", hint);
	}
	return true;
}

static bool parse_addresses(struct rp_api_call *c, struct rp_remote *r)
{
	const char *protocol = param(c, "protocol", "");
	enum rp_proto proto;
	if (rp_proto_parse(protocol[0] == '\0' ? "tcp" : protocol, &proto) != 0) {
		return fail(c, 400, "", "invalid protocol: expected tcp, udp or tcp+udp", protocol);
	}
	return parse_remote(c, r) && parse_local(c, r) &&
	    set_text(c, &r->protocol, rp_proto_text(proto)) &&
	    set_text(c, &r->owner, c->user.name) && set_text(c, &r->name, param(c, "name", "")) &&
	    set_text(c, &r->host_header, "") && set_text(c, &r->auth_user, "") &&
	    set_text(c, &r->auth_password, "") && set_text(c, &r->tunnel_url, "");
}

static bool parse_labels(struct rp_api_call *c, struct rp_remote *r)
{
	const char *scheme = rp_query_get(&c->query, "scheme");
	scheme = scheme == NULL || scheme[0] == '\0' ? NULL : scheme;
	if (scheme != NULL && strlen(scheme) > SCHEME_MAX) {
		return fail(c, 400, "ERR_CODE_URI_SCHEME_LENGTH_EXCEED",
		    "Invalid URI scheme. Exceeds the max length.",
		    "scheme: expected at most 15 characters");
	}
	if (scheme != NULL && !rp_ascii_no_control(scheme)) {
		return fail(c, 400, "", "Invalid URI scheme. It has control characters.",
		    "scheme: expected a word like ssh, rdp or https");
	}
	if (strlen(r->name) > NAME_MAX_LEN || !rp_ascii_no_control(r->name)) {
		return fail(c, 400, "", "Invalid name.",
		    "name: expected at most 255 bytes without control characters");
	}
	return set_text(c, &r->scheme, scheme);
}

/* What only makes sense for a proxy. */
static bool parse_proxy_options(struct rp_api_call *c, struct rp_remote *r)
{
	const struct {
		const char *key;
		char **slot;
	} only[] = {{"host_header", &r->host_header}, {"auth_user", &r->auth_user},
	    {"auth_password", &r->auth_password}};
	for (size_t i = 0; i < RP_ARRAY_LEN(only); i++) {
		char title[80];
		const char *value = param(c, only[i].key, "");
		if (value[0] != '\0' && !r->http_proxy) {
			(void)snprintf(title, sizeof(title),
			    "%s requires http_proxy to be activated", only[i].key);
			return fail(c, 400, "", title, "");
		}
		if (strlen(value) > PROXY_TEXT_MAX || !rp_ascii_no_control(value)) {
			(void)snprintf(title, sizeof(title),
			    "%s is too long or has control characters", only[i].key);
			return fail(c, 400, "", title, "");
		}
		if (!set_text(c, only[i].slot, value)) {
			return false;
		}
	}
	return true;
}

static bool parse_proxy(struct rp_api_call *c, struct rp_remote *r)
{
	struct rp_err err = {0};
	if (!rp_api_bool(c, "http_proxy", &r->http_proxy)) {
		return fail(c, 500, "", "invalid http_proxy: expected true or false", "");
	}
	if (r->http_proxy && c->api->parts.cfg->server.tunnel_proxy_cert_file[0] == '\0') {
		return fail(c, 400, "", "tunnel proxy not enabled",
		    "the server needs 'tunnel_proxy_cert_file' and 'tunnel_proxy_key_file'");
	}
	if (!parse_proxy_options(c, r)) {
		return false;
	}
	if (r->http_proxy && rp_web_check(r, &err) != 0) {
		return fail(c, 400, "", err.msg, "");
	}
	return true;
}

static bool parse_times(struct rp_api_call *c, struct rp_remote *r)
{
	const char *idle = rp_query_get(&c->query, "idle-timeout-minutes");
	const char *close = rp_query_get(&c->query, "auto-close");
	bool yes;
	/* What is neither true nor false is no: as the original. */
	bool skip = rp_api_bool(c, "skip-idle-timeout", &yes) && yes;
	r->idle_timeout_minutes = skip ? 0 : IDLE_DEFAULT_MIN;
	if (skip && idle != NULL && idle[0] != '\0' && strcmp(idle, "0") != 0) {
		return fail(c, 400, "ERR_CODE_INVALID_IDLE_TIMEOUT",
		    "skip-idle-timeout and idle-timeout-minutes exclude each other",
		    "idle-timeout-minutes: expected none or 0 beside skip-idle-timeout");
	}
	if (!skip && idle != NULL && idle[0] != '\0' &&
	    rp_str_i64(rp_str_c(idle), 0, IDLE_MAX_MIN, &r->idle_timeout_minutes) != 0) {
		return fail(c, 400, "ERR_CODE_INVALID_IDLE_TIMEOUT", "Invalid idle timeout.",
		    "idle-timeout-minutes: expected a number from 0 to 10080");
	}
	if (close != NULL && close[0] != '\0' &&
	    (rp_duration_parse(rp_str_c(close), &r->auto_close) != 0 || r->auto_close < 0 ||
	        r->auto_close > AUTO_CLOSE_MAX_NS)) {
		return fail(c, 400, "", "Invalid auto-close.",
		    "auto-close: expected a duration from 0s to 744h, like 1h30m");
	}
	return true;
}

/* False: answered. */
static bool check_acl(struct rp_api_call *c, const char *acl)
{
	struct rp_addrlist list;
	struct rp_err err = {0};
	int code = rp_addrlist_parse(acl, &list, &err);
	if (code == RP_ENOMEM) {
		rp_reply_code(c, code, NULL);
		return false;
	}
	if (code != 0) {
		return fail(c, 400, "ERR_CODE_INVALID_ACL", err.msg,
		    "acl: expected addresses and networks with commas and no blanks between them, "
		    "like 192.0.2.1,10.0.0.0/8,2001:db8::/32");
	}
	rp_addrlist_fini(&list);
	return true;
}

/* Without acl only the requester gets in, unless the configuration says "none" (quirk 14). */
static bool parse_acl(struct rp_api_call *c, struct rp_remote *r)
{
	const char *acl = rp_query_get(&c->query, "acl");
	if (acl == NULL && strcmp(c->api->cfg->tunnel_default_acl, "none") != 0) {
		return set_text(c, &r->acl, rp_api_peer(c));
	}
	if (acl == NULL || acl[0] == '\0') {
		return set_text(c, &r->acl, NULL);
	}
	return check_acl(c, acl) && set_text(c, &r->acl, acl);
}

static void reply_tunnel_error(struct rp_api_call *c, const struct rp_tunnel_error *err)
{
	(void)fail(c, err->status, err->code, err->title, err->detail);
}

static void on_opened(
    void *ctx, const struct rp_tunnel_info *info, const struct rp_tunnel_error *err)
{
	struct rp_api_call *c = ctx;
	if (err != NULL) {
		reply_tunnel_error(c, err);
		return;
	}
	struct rp_reply r;
	rp_reply_begin(&r);
	write_tunnel(&r.w, info, NULL);
	rp_reply_end(&r, c);
}

void rp_api_tunnel_put(struct rp_api_call *c)
{
	const struct rp_client *client = rp_registry_get(c->api->parts.registry, c->params[0]);
	struct rp_remote r = {0};
	if (!rp_client_connected(client)) {
		rp_reply_fail(c, 404, "client with id %s not found", c->params[0]);
		return;
	}
	if (parse_addresses(c, &r) && parse_labels(c, &r) && parse_proxy(c, &r) &&
	    parse_times(c, &r) && parse_acl(c, &r)) {
		const struct rp_tunnel_open open = {
		    .remote = &r,
		    .check_port = strcmp(param(c, "check_port", ""), "0") != 0,
		};
		rp_registry_tunnel_open(c->api->parts.registry, c->params[0], &open, on_opened, c);
	}
	rp_remote_fini(&r);
}

/* Closing and ACL */

static void on_changed(
    void *ctx, const struct rp_tunnel_info *info, const struct rp_tunnel_error *err)
{
	(void)info;
	if (err != NULL) {
		reply_tunnel_error(ctx, err);
	} else {
		rp_reply_empty(ctx, 204);
	}
}

static struct rp_tunnel_name name_of(const struct rp_api_call *c)
{
	return (struct rp_tunnel_name){.client_id = c->params[0], .tunnel_id = c->params[1]};
}

void rp_api_tunnel_delete(struct rp_api_call *c)
{
	bool force;
	if (!rp_api_bool(c, "force", &force)) {
		rp_reply_fail(c, 400, "Invalid force param: expected true or false");
		return;
	}
	const struct rp_tunnel_name name = name_of(c);
	rp_registry_tunnel_close(c->api->parts.registry, &name, force, on_changed, c);
}

struct acl_body {
	char *acl;
};
static const struct rp_json_field acl_fields[] = {
    {"acl", RP_FIELD_STR_OPT, 0, offsetof(struct acl_body, acl), NULL},
};
static const struct rp_json_table acl_table = RP_JSON_TABLE(acl_fields, struct acl_body);

void rp_api_tunnel_acl(struct rp_api_call *c)
{
	struct acl_body b = {0};
	if (rp_api_body(c, &acl_table, true, &b) != 0) {
		return;
	}
	if (check_acl(c, b.acl)) {
		const struct rp_tunnel_name name = name_of(c);
		const char *acl = b.acl != NULL && b.acl[0] != '\0' ? b.acl : NULL;
		rp_registry_tunnel_acl(c->api->parts.registry, &name, acl, on_changed, c);
	}
	rp_json_release(&acl_table, &b);
}
