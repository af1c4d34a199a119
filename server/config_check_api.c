/* SPDX-License-Identifier: MIT */
/*
 * The rules of section [api] (rport-config.md section 2.4). All texts carry "API: ", as RPort's do.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/str.h"
#include "http/smtp.h"
#include "server/config_check.h"
#include "server/send_to.h"

#include "core/banned.h"

static bool is_set(const char *text)
{
	return text[0] != '\0';
}

static bool uses_2fa(const struct rp_conf_api *a)
{
	return is_set(a->two_fa_token_delivery) && strcmp(a->two_fa_token_delivery, "none") != 0;
}

static int both_set(const char *a, const char *b, struct rp_err *err)
{
	return rp_err_set(
	    err, RP_EINVAL, "API: '%s' and '%s' are both set: expected only one of them", a, b);
}

/* b must be set if a is. */
static int needs(const char *a, const char *b, struct rp_err *err)
{
	return rp_err_set(err, RP_EINVAL, "API: when '%s' is set, '%s' must be set as well", a, b);
}

static int check_auth_table(const struct rp_server_config *cfg, struct rp_err *err)
{
	const struct rp_conf_api *a = &cfg->api;
	if (!is_set(a->auth_group_table)) {
		return needs("auth_user_table", "auth_group_table", err);
	}
	if (!is_set(cfg->database.db_type)) {
		return rp_conf_fail(&cfg->conf, &a->auth_user_table, err,
		    "API: 'db_type' must be set when 'auth_user_table' is set");
	}
	if (strcmp(cfg->database.db_type, "sqlite") != 0) {
		return rp_conf_fail(&cfg->conf, &cfg->database.db_type, err,
		    "API: users in a database of type \"%s\" are not supported, expected 'sqlite'",
		    cfg->database.db_type);
	}
	if (!is_set(cfg->database.db_name)) {
		return rp_err_set(err, RP_EINVAL,
		    "API: 'db_name' must be set to the database's file when 'auth_user_table' is set");
	}
	return 0;
}

static int check_auth(const struct rp_server_config *cfg, struct rp_err *err)
{
	const struct rp_conf_api *a = &cfg->api;
	bool pair = is_set(a->auth);
	bool file = is_set(a->auth_file);
	bool table = is_set(a->auth_user_table);
	if (!pair && !file && !table) {
		return rp_err_set(err, RP_EINVAL,
		    "API: authentication must be enabled: set either 'auth', 'auth_file' or "
		    "'auth_user_table'");
	}
	if (file && pair) {
		return both_set("auth_file", "auth", err);
	}
	if (table && (file || pair)) {
		return both_set("auth_user_table", file ? "auth_file" : "auth", err);
	}
	if (pair && !rp_server_config_is_pair(a->auth)) {
		return rp_conf_fail(&cfg->conf, &a->auth, err,
		    "API: invalid 'auth' credentials, expected '<user>:<password>'");
	}
	if (pair && is_set(a->auth_header)) {
		return rp_conf_fail(&cfg->conf, &a->auth_header, err,
		    "API: 'auth_header' cannot be used with single user 'auth'");
	}
	if (is_set(a->auth_header) && !is_set(a->user_header)) {
		return needs("auth_header", "user_header", err);
	}
	return table ? check_auth_table(cfg, err) : 0;
}

static int check_tls(const struct rp_server_config *cfg, struct rp_err *err)
{
	const struct rp_conf_api *a = &cfg->api;
	bool cert = is_set(a->cert_file);
	bool key = is_set(a->key_file);
	if (cert != key) {
		return cert ? needs("cert_file", "key_file", err)
		            : needs("key_file", "cert_file", err);
	}
	if (cert && a->enable_acme) {
		return both_set("enable_acme", "cert_file", err);
	}
	if (!rp_server_config_is_tls_version(a->tls_min)) {
		return rp_conf_fail(
		    &cfg->conf, &a->tls_min, err, "API: TLS must be either 1.2 or 1.3");
	}
	const char *problem = is_set(a->base_url) ? rp_server_config_url_problem(a->base_url)
	                                          : NULL;
	if (problem != NULL) {
		return rp_conf_fail(&cfg->conf, &a->base_url, err, "API: invalid base_url %s: %s",
		    a->base_url, problem);
	}
	return 0;
}

/* A program by its path, or found in PATH. */
static bool is_program(const char *name)
{
	struct stat st;
	struct rp_str rest = rp_str_c(getenv("PATH"));
	struct rp_str folder;
	char path[4096];
	if (strchr(name, '/') != NULL) {
		return stat(name, &st) == 0 && S_ISREG(st.st_mode) && access(name, X_OK) == 0;
	}
	while (rp_str_split(&rest, ':', &folder)) {
		int n = snprintf(path, sizeof(path), "%.*s/%s", (int)folder.len, folder.p, name);
		if (n > 0 && (size_t)n < sizeof(path) && stat(path, &st) == 0 &&
		    S_ISREG(st.st_mode) && access(path, X_OK) == 0) {
			return true;
		}
	}
	return false;
}

static bool known_delivery(const char *method)
{
	return strcmp(method, "smtp") == 0 || strcmp(method, "pushover") == 0 ||
	    rp_server_config_url_problem(method) == NULL || is_program(method);
}

/* What a way of delivery needs besides. */
static int check_delivery(const struct rp_server_config *cfg, struct rp_err *err)
{
	const struct rp_conf_api *a = &cfg->api;
	const struct rp_conf_smtp *s = &cfg->smtp;
	if (strcmp(a->two_fa_token_delivery, "pushover") == 0 && !is_set(cfg->pushover.api_token)) {
		return rp_conf_fail(&cfg->conf, &cfg->pushover.api_token, err,
		    "API: 'pushover.api_token' must be set when 'two_fa_token_delivery' is "
		    "'pushover'");
	}
	if (strcmp(a->two_fa_token_delivery, "smtp") != 0) {
		return 0;
	}
	const char *colon = strrchr(s->server, ':');
	uint16_t port;
	if (colon == NULL || colon == s->server || rp_str_port(rp_str_c(&colon[1]), &port) != 0 ||
	    port == 0) {
		return rp_conf_fail(&cfg->conf, &s->server, err,
		    "API: invalid smtp.server \"%s\", expected host:port", s->server);
	}
	if (!rp_smtp_address_ok(s->sender_email)) {
		return rp_conf_fail(&cfg->conf, &s->sender_email, err,
		    "API: invalid smtp.sender_email \"%s\", expected a mail address",
		    s->sender_email);
	}
	return 0;
}

static int check_send_to(const struct rp_server_config *cfg, struct rp_err *err)
{
	static const char *const types[] = {"", "none", "email", "regex"};
	const struct rp_conf_api *a = &cfg->api;
	struct rp_err why = {0};
	for (size_t i = 0; i < RP_ARRAY_LEN(types); i++) {
		if (strcmp(a->two_fa_send_to_type, types[i]) != 0) {
			continue;
		}
		if (strcmp(types[i], "regex") == 0 &&
		    rp_send_to_regex_check(a->two_fa_send_to_regex, &why) != 0) {
			return rp_conf_fail(&cfg->conf, &a->two_fa_send_to_regex, err,
			    "API: invalid api.two_fa_send_to_regex: %s", why.msg);
		}
		return 0;
	}
	return rp_conf_fail(&cfg->conf, &a->two_fa_send_to_type, err,
	    "API: invalid api.two_fa_send_to_type: \"%s\"", a->two_fa_send_to_type);
}

static int check_2fa(const struct rp_server_config *cfg, struct rp_err *err)
{
	const struct rp_conf_api *a = &cfg->api;
	if ((uses_2fa(a) || a->totp_enabled) && is_set(a->auth)) {
		return rp_conf_fail(&cfg->conf,
		    uses_2fa(a) ? (const void *)&a->two_fa_token_delivery : &a->totp_enabled, err,
		    "API: 2FA is not available if you use a single static user-password pair");
	}
	if (uses_2fa(a) && a->totp_enabled) {
		return rp_conf_fail(&cfg->conf, &a->two_fa_token_delivery, err,
		    "API: conflicting 2FA configuration: expected either 'two_fa_token_delivery' or "
		    "'totp_enabled'");
	}
	if (uses_2fa(a) && !known_delivery(a->two_fa_token_delivery)) {
		return rp_conf_fail(&cfg->conf, &a->two_fa_token_delivery, err,
		    "API: unknown 2fa token delivery method: %s", a->two_fa_token_delivery);
	}
	int rc = check_delivery(cfg, err);
	return rc != 0 ? rc : check_send_to(cfg, err);
}

static int check_words(const struct rp_server_config *cfg, struct rp_err *err)
{
	static const char *const rotations[] = {"daily", "weekly", "monthly", "yearly"};
	const struct rp_conf_api *a = &cfg->api;
	if (strcmp(a->tunnel_default_acl, "requester") != 0 &&
	    strcmp(a->tunnel_default_acl, "none") != 0) {
		return rp_conf_fail(&cfg->conf, &a->tunnel_default_acl, err,
		    "API: invalid api.tunnel_default_acl: \"%s\", expected 'requester' or 'none'",
		    a->tunnel_default_acl);
	}
	for (size_t i = 0; i < RP_ARRAY_LEN(rotations); i++) {
		if (strcmp(a->audit_log_rotation, rotations[i]) == 0) {
			return 0;
		}
	}
	return rp_conf_fail(&cfg->conf, &a->audit_log_rotation, err,
	    "API: invalid api.audit_log_rotation: \"%s\"", a->audit_log_rotation);
}

int rp_server_config_check_api(struct rp_server_config *cfg, struct rp_err *err)
{
	const struct rp_conf_api *a = &cfg->api;
	if (!is_set(a->address)) {
		if (is_set(a->doc_root)) {
			return rp_conf_fail(&cfg->conf, &a->doc_root, err,
			    "API: to use document root you need to specify API address");
		}
		return 0;
	}
	int rc = check_auth(cfg, err);
	if (rc == 0 && is_set(a->auth_header) && a->trusted_proxies.n == 0) {
		rc = rp_conf_warn(&cfg->conf,
		    "api.auth_header: without trusted_proxies anybody who reaches the API can log in "
		    "with it");
		rc = rc == 0 ? 0 : rp_err_set(err, rc, "%s", rp_err_text(rc));
	}
	rc = rc != 0 ? rc : check_tls(cfg, err);
	rc = rc != 0 ? rc : check_2fa(cfg, err);
	rc = rc != 0 ? rc : rp_server_config_check_proxies(cfg, &a->trusted_proxies, "API: ", err);
	return rc != 0 ? rc : check_words(cfg, err);
}
