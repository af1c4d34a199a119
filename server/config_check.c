/* SPDX-License-Identifier: MIT */
/*
 * The rules of rport-config.md section 2 with RPort's texts. Where a rule concerns one key,
 * the place of its value comes before the text. Values of secrets are left out of the texts.
 */
#include <arpa/inet.h>
#include <string.h>
#include <unistd.h>

#include <uv.h>

#include "acl/forwarded.h"
#include "core/alloc.h"
#include "core/clock.h"
#include "core/str.h"
#include "server/config.h"
#include "server/config_check.h"

#include "core/banned.h"

#define MIN_NS (60 * RP_NS_PER_S)

static bool is_set(const char *text)
{
	return text[0] != '\0';
}

const char *rp_server_config_url_problem(const char *url)
{
	const char *sep = strstr(url, "://");
	if (sep == NULL) {
		return "must be absolute url";
	}
	struct rp_str scheme = rp_str_n(url, (size_t)(sep - url));
	if (!rp_str_ieq(scheme, "http") && !rp_str_ieq(scheme, "https")) {
		return "schema must be http or https";
	}
	size_t host = strcspn(&sep[3], "/?#");
	if (host == 0 || sep[3] == ':' || strpbrk(url, " \t\r\n\"<>") != NULL) {
		return "must be absolute url";
	}
	return NULL;
}

/* HOST:PORT, :PORT or [IPv6]:PORT. */
static bool is_listen_address(const char *text)
{
	const char *colon = strrchr(text, ':');
	uint16_t port;
	if (colon == NULL || rp_str_port(rp_str_c(&colon[1]), &port) != 0) {
		return false;
	}
	struct rp_str host = rp_str_n(text, (size_t)(colon - text));
	bool brackets = host.len > 2 && host.p[0] == '[' && host.p[host.len - 1] == ']';
	return brackets || (host.len == 0 || memchr(host.p, ':', host.len) == NULL);
}

static int check_addresses(struct rp_server_config *cfg, struct rp_err *err)
{
	struct rp_conf_server *s = &cfg->server;
	if (!is_listen_address(s->address)) {
		return rp_conf_fail(&cfg->conf, &s->address, err,
		    "invalid address '%s', expected HOST:PORT", s->address);
	}
	for (size_t i = 0; i < s->url.n; i++) {
		const char *problem = rp_server_config_url_problem(s->url.v[i]);
		if (problem != NULL) {
			return rp_conf_fail(
			    &cfg->conf, &s->url, err, "invalid url %s: %s", s->url.v[i], problem);
		}
	}
	const char *problem = is_set(s->pairing_url) ? rp_server_config_url_problem(s->pairing_url)
	                                             : NULL;
	if (problem != NULL) {
		return rp_conf_fail(&cfg->conf, &s->pairing_url, err, "invalid pairing_url %s: %s",
		    s->pairing_url, problem);
	}
	if (s->url.n > 0) {
		return 0;
	}
	char *url = rp_asprintf("http://%s", s->address);
	int rc = url == NULL ? RP_ENOMEM : rp_strlist_add(&s->url, rp_str_c(url));
	rp_free(url);
	return rc == 0 ? 0 : rp_err_no_memory(err);
}

static int both_set(const char *a, const char *b, struct rp_err *err)
{
	return rp_err_set(
	    err, RP_EINVAL, "'%s' and '%s' are both set: expected only one of them", a, b);
}

bool rp_server_config_is_pair(const char *text)
{
	const char *colon = strchr(text, ':');
	return colon != NULL && colon != text && colon[1] != '\0';
}

static int check_client_auth(struct rp_server_config *cfg, struct rp_err *err)
{
	const struct rp_conf_server *s = &cfg->server;
	bool file = is_set(s->auth_file);
	bool pair = is_set(s->auth);
	bool table = is_set(s->auth_table);
	if (!file && !pair && !table) {
		return rp_err_set(err, RP_EINVAL,
		    "client authentication must be enabled: set either 'auth', 'auth_file' or "
		    "'auth_table'");
	}
	if (file && (pair || table)) {
		return both_set("auth_file", pair ? "auth" : "auth_table", err);
	}
	if (pair && table) {
		return both_set("auth", "auth_table", err);
	}
	if (pair && !rp_server_config_is_pair(s->auth)) {
		return rp_conf_fail(&cfg->conf, &s->auth, err,
		    "invalid client auth credentials, expected '<client-id>:<password>'");
	}
	if (table && !is_set(cfg->database.db_type)) {
		return rp_conf_fail(&cfg->conf, &s->auth_table, err,
		    "'db_type' must be set when 'auth_table' is set");
	}
	return 0;
}

static int check_ports(const struct rp_server_config *cfg, struct rp_err *err)
{
	for (uint32_t port = 1; port <= UINT16_MAX; port++) {
		if (rp_server_config_port_usable(cfg, (uint16_t)port)) {
			return 0;
		}
	}
	return rp_err_set(err, RP_EINVAL,
	    "invalid 'used_ports', 'excluded_ports': at least one port should be available for port "
	    "assignment");
}

static int check_machine(struct rp_server_config *cfg, struct rp_err *err)
{
	struct rp_conf_server *s = &cfg->server;
	int64_t cpus = uv_available_parallelism();
	int rc = 0;
	if (s->workers == 0) {
		s->workers = cpus;
	}
	if (s->max_concurrent_ssh_handshakes == 0) {
		s->max_concurrent_ssh_handshakes = RP_MAX(cpus / 2, 1);
	}
	if (s->max_concurrent_ssh_handshakes > 2 * cpus) {
		rc = rp_conf_warn(&cfg->conf,
		    "max_concurrent_ssh_handshakes is more than twice the number of CPUs (%lld)",
		    (long long)cpus);
	}
	return rc == 0 ? 0 : rp_err_no_memory(err);
}

int rp_server_config_check_proxies(const struct rp_server_config *cfg,
    const struct rp_strlist *list, const char *section, struct rp_err *err)
{
	struct rp_addrlist parsed;
	struct rp_err why = {0};
	int rc = rp_forwarded_parse(list, &parsed, &why);
	rp_addrlist_fini(&parsed);
	if (rc == RP_ENOMEM) {
		return rp_err_no_memory(err);
	}
	return rc == 0 ? 0
	               : rp_conf_fail(&cfg->conf, list, err, "%sinvalid trusted_proxies: %s",
	                     section, why.msg);
}

static int check_intervals(struct rp_server_config *cfg, struct rp_err *err)
{
	struct rp_conf_server *s = &cfg->server;
	int64_t keep = s->keep_disconnected_clients;
	if (s->purge_disconnected_clients && keep != 0 &&
	    (keep < RP_NS_PER_S || keep > 168 * 60 * MIN_NS)) {
		char text[RP_TIME_TEXT_MAX];
		rp_duration_format(keep, text);
		return rp_conf_fail(&cfg->conf, &s->keep_disconnected_clients, err,
		    "expected 'Keep Lost Clients' can be in range [1s, 168h0m0s], actual: %s",
		    text);
	}
	if (s->check_clients_connection_interval >= 2 * MIN_NS) {
		return 0;
	}
	s->check_clients_connection_interval = 2 * MIN_NS;
	int rc = rp_conf_warn(
	    &cfg->conf, "check_clients_connection_interval is too short, 2m is used instead");
	return rc == 0 ? 0 : rp_err_no_memory(err);
}

/* An IP address or a name of letters, digits and '-' in parts of 1 to 63. */
static bool is_host(const char *text)
{
	unsigned char ip[sizeof(struct in6_addr)];
	if (inet_pton(AF_INET, text, ip) == 1 || inet_pton(AF_INET6, text, ip) == 1) {
		return true;
	}
	size_t part = 0;
	size_t n = strlen(text);
	for (size_t i = 0; i < n; i++) {
		char c = text[i];
		bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9');
		bool inner_dash = c == '-' && part > 0 && text[i + 1] != '.' && text[i + 1] != '\0';
		if (c == '.' && part > 0) {
			part = 0;
		} else if ((!alnum && !inner_dash) || ++part > 63) {
			return false;
		}
	}
	return n > 0 && n <= 253;
}

bool rp_server_config_is_tls_version(const char *text)
{
	return strcmp(text, "1.2") == 0 || strcmp(text, "1.3") == 0;
}

static int check_tunnels(struct rp_server_config *cfg, struct rp_err *err)
{
	const struct rp_conf_server *s = &cfg->server;
	bool cert = is_set(s->tunnel_proxy_cert_file);
	bool key = is_set(s->tunnel_proxy_key_file);
	if (!rp_server_config_is_tls_version(s->tls_min)) {
		return rp_conf_fail(&cfg->conf, &s->tls_min, err, "TLS must be either 1.2 or 1.3");
	}
	if (is_set(s->tunnel_host) && !is_host(s->tunnel_host)) {
		return rp_conf_fail(&cfg->conf, &s->tunnel_host, err,
		    "invalid tunnel_host '%s': use IP address or FQDN", s->tunnel_host);
	}
	if (cert != key) {
		return rp_err_set(err, RP_EINVAL, "when '%s' is set, '%s' must be set as well",
		    cert ? "tunnel_proxy_cert_file" : "tunnel_proxy_key_file",
		    cert ? "tunnel_proxy_key_file" : "tunnel_proxy_cert_file");
	}
	if (cert && s->tunnel_enable_acme) {
		return both_set("tunnel_enable_acme", "tunnel_proxy_cert_file", err);
	}
	return 0;
}

static int check_others(struct rp_server_config *cfg, struct rp_err *err)
{
	const char *db_type = cfg->database.db_type;
	if (rp_log_level_parse(cfg->logging.log_level, &cfg->logging.level) != 0) {
		return rp_conf_fail(&cfg->conf, &cfg->logging.log_level, err,
		    "invalid log level: \"%s\"", cfg->logging.log_level);
	}
	if (is_set(db_type) && strcmp(db_type, "mysql") != 0 && strcmp(db_type, "sqlite") != 0) {
		return rp_conf_fail(&cfg->conf, &cfg->database.db_type, err,
		    "invalid 'db_type', expected 'mysql' or 'sqlite', got \"%s\"", db_type);
	}
	if (cfg->monitoring.data_storage_duration < 60 * MIN_NS) {
		return rp_conf_fail(&cfg->conf, &cfg->monitoring.data_storage_duration, err,
		    "monitoring results must be stored for at least 1 hour");
	}
	return 0;
}

/* Options that would weaken or change the protection if they were read and then ignored. A
 * part of the program that brings one takes it out of here. */
static int refuse_unbuilt(const struct rp_server_config *cfg, struct rp_err *err)
{
	const struct rp_conf_api *a = &cfg->api;
	const struct {
		const void *member;
		bool used;
	} unbuilt[] = {
	    {&cfg->server.tunnel_enable_acme, cfg->server.tunnel_enable_acme},
	    {&a->password_zxcvbn_minscore, a->password_zxcvbn_minscore > 0},
	    {&a->enable_acme, a->enable_acme},
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(unbuilt); i++) {
		if (unbuilt[i].used) {
			return rp_conf_fail(&cfg->conf, unbuilt[i].member, err,
			    "not built yet in this version, expected to be left out");
		}
	}
	return 0;
}

int rp_server_config_validate(struct rp_server_config *cfg, struct rp_err *err)
{
	int rc = check_addresses(cfg, err);
	if (rc == 0 && !is_set(cfg->server.data_dir)) {
		rc = rp_conf_fail(&cfg->conf, &cfg->server.data_dir, err,
		    "'data directory path' cannot be empty");
	}
	rc = rc != 0 ? rc : check_client_auth(cfg, err);
	rc = rc != 0 ? rc : check_ports(cfg, err);
	rc = rc != 0 ? rc : check_machine(cfg, err);
	rc = rc != 0 ? rc
	             : rp_server_config_check_proxies(cfg, &cfg->server.trusted_proxies, "", err);
	rc = rc != 0 ? rc : check_intervals(cfg, err);
	rc = rc != 0 ? rc : check_tunnels(cfg, err);
	rc = rc != 0 ? rc : check_others(cfg, err);
	rc = rc != 0 ? rc : rp_server_config_check_api(cfg, err);
	return rc != 0 ? rc : refuse_unbuilt(cfg, err);
}
