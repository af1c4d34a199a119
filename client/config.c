/* SPDX-License-Identifier: MIT */
/*
 * Loading the client's configuration and the rules over it, with RPort's texts; the options
 * stand in client/config_spec.c.
 */
#include "client/config.h"

#include <string.h>

#include "client/place.h"
#include "core/clock.h"
#include "core/str.h"

#include "core/banned.h"

#define RETRY_INTERVAL_DEFAULT_NS (5 * 60 * RP_NS_PER_S)
#define MONITORING_MIN_NS         (60 * RP_NS_PER_S)

static bool is_set(const char *text)
{
	return text[0] != '\0';
}

/* SERVER and REMOTEs of the command line. */
static int take_args(struct rp_client_config *cfg, struct rp_err *err)
{
	const struct rp_strlist *args = &cfg->conf.args;
	if (args->n == 0) {
		return 0;
	}
	if (rp_conf_replace(&cfg->client.server, args->v[0]) != 0) {
		return rp_err_no_memory(err);
	}
	rp_strlist_fini(&cfg->client.remotes);
	for (size_t i = 1; i < args->n; i++) {
		if (rp_strlist_add(&cfg->client.remotes, rp_str_c(args->v[i])) != 0) {
			return rp_err_no_memory(err);
		}
	}
	cfg->remotes_from_args = args->n > 1;
	return 0;
}

int rp_client_config_load(
    struct rp_client_config *cfg, int argc, char *const *argv, struct rp_err *err)
{
	*cfg = (struct rp_client_config){0};
	rp_conf_init(&cfg->conf, &rp_client_config_spec, cfg);
	int mode = rp_conf_load(&cfg->conf, argc, argv, err);
	if (mode != RP_CONF_RUN && mode != RP_CONF_CHECK) {
		return mode;
	}
	int rc = take_args(cfg, err);
	return rc != 0 ? rc : mode;
}

void rp_client_config_fini(struct rp_client_config *cfg)
{
	rp_conf_fini(&cfg->conf);
}

static bool has_blank(const char *text)
{
	return strpbrk(text, " \t\r\n") != NULL;
}

/* NULL, or what is wrong with host[:port] behind an optional scheme. */
static const char *server_problem(const char *text)
{
	static const char *const schemes[] = {"http", "https", "ws", "wss"};
	const char *sep = strstr(text, "://");
	bool known = sep == NULL;
	for (size_t i = 0; sep != NULL && i < RP_ARRAY_LEN(schemes); i++) {
		known = known || rp_str_ieq(rp_str_n(text, (size_t)(sep - text)), schemes[i]);
	}
	if (!known) {
		return "expected http, https, ws or wss before ://";
	}
	const char *host = sep == NULL ? text : &sep[3];
	if (host[0] == '\0' || host[0] == ':' || host[0] == '/' || has_blank(text)) {
		return "expected HOST, HOST:PORT or a URL";
	}
	size_t n = strcspn(host, "/?#");
	const char *colon = memrchr(host, ':', n);
	const char *bracket = memrchr(host, ']', n);
	uint16_t port;
	if (colon != NULL && (bracket == NULL || colon > bracket) &&
	    (rp_str_port(rp_str_n(&colon[1], n - (size_t)(colon - host) - 1), &port) != 0 ||
	        port == 0)) {
		return "expected a port from 1 to 65535";
	}
	return NULL;
}

static int check_servers(const struct rp_client_config *cfg, struct rp_err *err)
{
	const struct rp_conf_client *c = &cfg->client;
	if (!is_set(c->server)) {
		return rp_err_set(err, RP_EINVAL, "server address is required");
	}
	const char *problem = server_problem(c->server);
	if (problem != NULL && cfg->conf.args.n > 0) {
		return rp_err_set(
		    err, RP_EINVAL, "invalid server address: \"%s\": %s", c->server, problem);
	}
	if (problem != NULL) {
		return rp_conf_fail(&cfg->conf, &c->server, err,
		    "invalid server address: \"%s\": %s", c->server, problem);
	}
	for (size_t i = 0; i < c->fallback_servers.n; i++) {
		problem = server_problem(c->fallback_servers.v[i]);
		if (problem != NULL) {
			return rp_conf_fail(&cfg->conf, &c->fallback_servers, err,
			    "invalid server address: \"%s\": %s", c->fallback_servers.v[i],
			    problem);
		}
	}
	return 0;
}

/* The URL may hold a password: it stands in no text. */
static int check_proxy(const struct rp_client_config *cfg, struct rp_err *err)
{
	const char *proxy = cfg->client.proxy;
	struct rp_str url = rp_str_c(proxy);
	if (!is_set(proxy)) {
		return 0;
	}
	if (rp_str_starts(url, "https://")) {
		return rp_conf_fail(
		    &cfg->conf, &cfg->client.proxy, err, "https proxies not (yet) supported");
	}
	if (!rp_str_starts(url, "http://") && !rp_str_starts(url, "socks://") &&
	    !rp_str_starts(url, "socks5://") && !rp_str_starts(url, "socks5h://")) {
		return rp_conf_fail(&cfg->conf, &cfg->client.proxy, err,
		    "invalid proxy url: expected http://, socks://, socks5:// or socks5h:// and "
		    "HOST:PORT");
	}
	return 0;
}

static bool is_header_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	    (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* "Name: value" without control bytes, which could add further headers. */
static bool is_header(const char *text)
{
	size_t n = 0;
	while (is_header_char(text[n])) {
		n++;
	}
	if (n == 0 || text[n] != ':') {
		return false;
	}
	for (const char *p = &text[n]; *p != '\0'; p++) {
		if ((unsigned char)*p < 0x20 && *p != '\t') {
			return false;
		}
	}
	return true;
}

static int check_connection(const struct rp_client_config *cfg, struct rp_err *err)
{
	const struct rp_conf_connection *c = &cfg->connection;
	for (size_t i = 0; i < c->headers.n; i++) {
		if (!is_header(c->headers.v[i])) {
			/* The value may be a token: only the name is shown. */
			const char *header = c->headers.v[i];
			return rp_conf_fail(&cfg->conf, &c->headers, err,
			    "invalid header \"%.*s\". Should be in the format \"HeaderName: "
			    "HeaderContent\"",
			    (int)RP_MIN(strcspn(header, ":"), (size_t)32), header);
		}
	}
	if (!c->watchdog_integration) {
		return 0;
	}
	if (c->keep_alive <= 0) {
		return rp_conf_fail(&cfg->conf, &c->watchdog_integration, err,
		    "watchdog integration requires 'keep_alive > 0'");
	}
	if (c->max_retry_count >= 0) {
		return rp_conf_fail(&cfg->conf, &c->watchdog_integration, err,
		    "watchdog integration requires 'max_retry_count = -1'");
	}
	return 0;
}

/* Rules say what may run; an owner who also writes the other lists would not know which counts. */
static int check_rules(const struct rp_client_config *cfg, struct rp_err *err)
{
	const struct rp_conf_remote_commands *r = &cfg->remote_commands;
	if (r->rules == NULL) {
		return 0;
	}
	if (rp_conf_is_set(&cfg->conf, &r->allow) || rp_conf_is_set(&cfg->conf, &r->order)) {
		const void *which = rp_conf_is_set(&cfg->conf, &r->allow) ? (const void *)&r->allow
		                                                          : (const void *)&r->order;
		return rp_conf_fail(&cfg->conf, which, err,
		    "remote commands: not together with [[remote-commands.rule]], expected only one "
		    "of them");
	}
	if (r->shell) {
		return rp_conf_fail(&cfg->conf, &r->shell, err,
		    "remote commands: not together with [[remote-commands.rule]], whose commands run "
		    "without a shell");
	}
	return 0;
}

int rp_client_config_check_commands(const struct rp_client_config *cfg, struct rp_err *err)
{
	const struct rp_conf_remote_commands *r = &cfg->remote_commands;
	const struct rp_strlist *o = &r->order;
	if (r->send_back_limit < 0) {
		return rp_conf_fail(&cfg->conf, &r->send_back_limit, err,
		    "remote commands: send back limit can not be negative");
	}
	bool allow_first = o->n == 2 && rp_ascii_ieq(o->v[0], "allow") &&
	    rp_ascii_ieq(o->v[1], "deny");
	bool deny_first = o->n == 2 && rp_ascii_ieq(o->v[0], "deny") &&
	    rp_ascii_ieq(o->v[1], "allow");
	if (!allow_first && !deny_first) {
		return rp_conf_fail(&cfg->conf, o, err,
		    "remote commands: invalid order: expected ['allow','deny'] or ['deny','allow']");
	}
	if (cfg->remote_scripts.enabled && !r->enabled) {
		return rp_conf_fail(&cfg->conf, &cfg->remote_scripts.enabled, err,
		    "remote scripts execution requires remote commands to be enabled");
	}
	return check_rules(cfg, err);
}

static int check_tunnel_options(const struct rp_client_config *cfg, struct rp_err *err)
{
	if (is_set(cfg->tunnel.host_header) && !cfg->tunnel.enable_reverse_proxy) {
		return rp_err_set(err, RP_EINVAL, "host-header requires enabled reverse-proxy");
	}
	return 0;
}

static int check_aliases(const struct rp_client_config *cfg, struct rp_err *err)
{
	const struct rp_listmap *m = &cfg->interpreter_aliases;
	for (size_t i = 0; i < m->n; i++) {
		if (m->v[i].n < 1 || m->v[i].n > 3 || !is_set(m->v[i].v[0])) {
			return rp_conf_fail(&cfg->conf, m, err,
			    "%s: expected a path, or a list of path, input encoding and output encoding",
			    m->k[i]);
		}
	}
	return 0;
}

static int check_globs(const struct rp_client_config *cfg, struct rp_err *err)
{
	const struct rp_strlist *globs = &cfg->file_reception.protected;
	for (size_t i = 0; i < globs->n; i++) {
		if (!rp_place_glob_ok(globs->v[i])) {
			return rp_conf_fail(&cfg->conf, globs, err,
			    "invalid glob pattern %s: expected *, ? and [...] between plain text",
			    globs->v[i]);
		}
	}
	return 0;
}

static int check_url(const struct rp_client_config *cfg, struct rp_err *err)
{
	const char *url = cfg->client.ip_api_url;
	struct rp_str s = rp_str_c(url);
	if (!is_set(url) ||
	    ((rp_str_starts(s, "http://") || rp_str_starts(s, "https://")) && !has_blank(url))) {
		return 0;
	}
	return rp_conf_fail(&cfg->conf, &cfg->client.ip_api_url, err,
	    "invalid ip_api_url: expected a URL with http:// or https://");
}

/* Servers count shares of the speed. */
static int check_card(
    const struct rp_client_config *cfg, const struct rp_strlist *card, struct rp_err *err)
{
	int64_t speed;
	if (card->n == 0 ||
	    (card->n == 2 && is_set(card->v[0]) &&
	        rp_str_i64(rp_str_c(card->v[1]), 1, INT32_MAX, &speed) == 0)) {
		return 0;
	}
	return rp_conf_fail(&cfg->conf, card, err,
	    "expected a device and its maximum speed in Mbit/s, like ['eth0', '1000']");
}

static int adjust(struct rp_client_config *cfg, struct rp_err *err)
{
	int rc = 0;
	if (cfg->monitoring.interval < MONITORING_MIN_NS) {
		cfg->monitoring.interval = MONITORING_MIN_NS;
		rc = rp_conf_warn(
		    &cfg->conf, "monitoring.interval is too short, 60s is used instead");
	}
	if (rc == 0 && cfg->connection.max_retry_interval < RP_NS_PER_S) {
		cfg->connection.max_retry_interval = RETRY_INTERVAL_DEFAULT_NS;
		rc = rp_conf_warn(
		    &cfg->conf, "connection.max_retry_interval is too short, 5m is used instead");
	}
	rc = rc != 0 ? rc : rp_client_config_warn(cfg);
	return rc == 0 ? 0 : rp_err_no_memory(err);
}

static int check_logging(struct rp_client_config *cfg, struct rp_err *err)
{
	if (rp_log_level_parse(cfg->logging.log_level, &cfg->logging.level) != 0) {
		return rp_conf_fail(&cfg->conf, &cfg->logging.log_level, err,
		    "invalid log level: \"%s\"", cfg->logging.log_level);
	}
	return 0;
}

int rp_client_config_validate(struct rp_client_config *cfg, struct rp_err *err)
{
	int rc = check_servers(cfg, err);
	if (rc == 0 && !is_set(cfg->client.data_dir)) {
		rc = rp_conf_fail(&cfg->conf, &cfg->client.data_dir, err,
		    "'data directory path' cannot be empty");
	}
	rc = rc != 0 ? rc : check_proxy(cfg, err);
	rc = rc != 0 ? rc : check_url(cfg, err);
	rc = rc != 0 ? rc : check_connection(cfg, err);
	rc = rc != 0 ? rc : check_logging(cfg, err);
	rc = rc != 0 ? rc : rp_client_config_check_commands(cfg, err);
	rc = rc != 0 ? rc : check_aliases(cfg, err);
	rc = rc != 0 ? rc : check_globs(cfg, err);
	rc = rc != 0 ? rc : check_card(cfg, &cfg->monitoring.net_lan, err);
	rc = rc != 0 ? rc : check_card(cfg, &cfg->monitoring.net_wan, err);
	rc = rc != 0 ? rc : check_tunnel_options(cfg, err);
	return rc != 0 ? rc : adjust(cfg, err);
}
