/* SPDX-License-Identifier: MIT */
/*
 * From configuration texts to what connections use.
 */
#include "client/setup.h"

#include <netdb.h>
#include <string.h>

#include "core/alloc.h"

#include "core/banned.h"

#define ADDRS_MAX 64

static int add_server(struct rp_client_setup *s, const char *text, struct rp_err *err)
{
	struct rp_url *u = &s->servers[s->n_servers];
	int code = rp_url_parse_server(text, u, err);
	if (code != 0) {
		return code == RP_ENOMEM ? rp_err_no_memory(err)
		                         : rp_err_wrap(err, "invalid server address");
	}
	char *authority = rp_url_authority(u);
	s->names[s->n_servers] = authority == NULL ? NULL
	                                           : rp_asprintf("%s://%s", u->scheme, authority);
	rp_free(authority);
	s->n_servers++;
	s->any_tls = s->any_tls || strcmp(u->scheme, "wss") == 0;
	return s->names[s->n_servers - 1] == NULL ? rp_err_no_memory(err) : 0;
}

static int add_servers(
    struct rp_client_setup *s, const struct rp_conf_client *c, struct rp_err *err)
{
	s->servers = rp_calloc(1 + c->fallback_servers.n, sizeof(*s->servers));
	s->names = rp_calloc(1 + c->fallback_servers.n, sizeof(*s->names));
	if (s->servers == NULL || s->names == NULL) {
		return rp_err_no_memory(err);
	}
	int code = add_server(s, c->server, err);
	for (size_t i = 0; code == 0 && i < c->fallback_servers.n; i++) {
		code = add_server(s, c->fallback_servers.v[i], err);
	}
	return code;
}

static int set_proxy(struct rp_client_setup *s, const char *text, struct rp_err *err)
{
	if (text[0] == '\0') {
		return 0;
	}
	int code = rp_url_parse_proxy(text, &s->proxy, err);
	if (code != 0) {
		return code == RP_ENOMEM ? rp_err_no_memory(err) : code;
	}
	s->has_proxy = true;
	return 0;
}

/* What the upgrade itself sends (1.2): such a custom header could only break it. */
static bool is_reserved(struct rp_str name)
{
	return rp_str_ieq(name, "Upgrade") || rp_str_ieq(name, "Connection") ||
	    rp_str_ieq(name, "Host") ||
	    (name.len > 14 && rp_str_ieq(rp_str_n(name.p, 14), "Sec-WebSocket-"));
}

/* The key under which an earlier header of that name stands, so that a later one replaces it. */
static struct rp_str known_name(const struct rp_strmap *m, struct rp_str name)
{
	for (size_t i = 0; i < m->n; i++) {
		if (rp_str_ieq(name, m->k[i])) {
			return rp_str_c(m->k[i]);
		}
	}
	return name;
}

static int add_header(struct rp_client_setup *s, const char *text, struct rp_err *err)
{
	struct rp_str value = rp_str_c(text);
	struct rp_str name;
	(void)rp_str_split(&value, ':', &name);
	value = rp_str_trim(value);
	if (is_reserved(name)) {
		return rp_err_set(err, RP_EINVAL,
		    "invalid header \"%.*s\": it belongs to the connection itself%s", (int)name.len,
		    name.p, rp_str_ieq(name, "Host") ? ", use connection.hostname" : "");
	}
	if (rp_str_ieq(name, "User-Agent")) {
		rp_free(s->user_agent);
		s->user_agent = rp_str_dup(value);
		return s->user_agent == NULL ? rp_err_no_memory(err) : 0;
	}
	int code = rp_strmap_set(&s->headers, known_name(&s->headers, name), value);
	return code == 0 ? 0 : rp_err_no_memory(err);
}

static int set_headers(struct rp_client_setup *s, const struct rp_strlist *list, struct rp_err *err)
{
	s->user_agent = rp_strdup("rport " RP_VERSION);
	if (s->user_agent == NULL) {
		return rp_err_no_memory(err);
	}
	for (size_t i = 0; i < list->n; i++) {
		int code = add_header(s, list->v[i], err);
		if (code != 0) {
			return code;
		}
	}
	return 0;
}

/* Without a colon both are empty (2.5). */
static int set_auth(struct rp_client_setup *s, const char *text, struct rp_err *err)
{
	const char *colon = strchr(text, ':');
	s->auth_id = colon == NULL ? rp_strdup("") : rp_strndup(text, (size_t)(colon - text));
	s->auth_password = rp_strdup(colon == NULL ? "" : &colon[1]);
	return s->auth_id == NULL || s->auth_password == NULL ? rp_err_no_memory(err) : 0;
}

/* All addresses of host, at most max; 0 when it has none or cannot be resolved now. */
static size_t resolve(const char *host, struct rp_addr *addrs, size_t max)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *list = NULL;
	size_t n = 0;
	if (rp_addr_parse(rp_str_c(host), &addrs[0]) == 0) {
		return 1;
	}
	if (getaddrinfo(host, NULL, &hints, &list) != 0) {
		return 0;
	}
	for (const struct addrinfo *a = list; a != NULL && n < max; a = a->ai_next) {
		if (rp_addr_from_sockaddr(a->ai_addr, &addrs[n]) == 0) {
			n++;
		}
	}
	freeaddrinfo(list);
	return n;
}

/* A name that cannot be resolved now is no error: the decision that counts is made when a
 * channel opens. */
static int check_allowed(const struct rp_client_setup *s, const struct rp_remote *r,
    const char *text, struct rp_err *err)
{
	struct rp_addr addrs[ADDRS_MAX];
	uint16_t port;
	if (s->allowed.n == 0 || rp_str_port(rp_str_c(r->rport), &port) != 0) {
		return 0;
	}
	size_t n = resolve(r->rhost, addrs, ADDRS_MAX);
	const struct rp_target_asked asked = {
	    .host = r->rhost, .addrs = addrs, .n = n, .port = port};
	if (n == 0 || rp_target_allowed(&s->allowed, &asked)) {
		return 0;
	}
	return rp_err_set(
	    err, RP_EINVAL, "remote \"%s\" is not allowed by \"tunnel_allowed\" config", text);
}

/* --scheme and its kin, for the remotes of the command line. */
static int apply_options(struct rp_remote *r, const struct rp_conf_tunnel_options *o)
{
	if (o->scheme[0] != '\0' && rp_strset(&r->scheme, o->scheme) != 0) {
		return RP_ENOMEM;
	}
	r->http_proxy = o->enable_reverse_proxy;
	return o->host_header[0] != '\0' ? rp_strset(&r->host_header, o->host_header) : 0;
}

/* The reason alone does not tell what would be right. */
static int refuse_remote(int code, struct rp_err *err)
{
	const struct rp_err why = *err;
	return rp_err_set(err, code,
	    "%.140s; expected PORT, LPORT:PORT, HOST:PORT or [LHOST:]LPORT:HOST:PORT, with /udp or "
	    "/tcp+udp for UDP",
	    why.msg);
}

static int add_remote(struct rp_client_setup *s, const struct rp_client_config *cfg,
    const char *text, struct rp_err *err)
{
	struct rp_remote *r = &s->remotes[s->n_remotes];
	int code = rp_remote_parse(text, r, err);
	if (code != 0) {
		rp_remote_fini(r);
		return code == RP_ENOMEM ? rp_err_no_memory(err) : refuse_remote(code, err);
	}
	s->n_remotes++;
	if (cfg->remotes_from_args && apply_options(r, &cfg->tunnel) != 0) {
		return rp_err_no_memory(err);
	}
	return check_allowed(s, r, text, err);
}

static int set_tunnels(
    struct rp_client_setup *s, const struct rp_client_config *cfg, struct rp_err *err)
{
	const struct rp_strlist *list = &cfg->client.remotes;
	int code = rp_target_rules_parse(&cfg->client.tunnel_allowed, &s->allowed, err);
	if (code != 0) {
		return code == RP_ENOMEM ? rp_err_no_memory(err) : code;
	}
	s->remotes = rp_calloc(list->n + 1, sizeof(*s->remotes));
	if (s->remotes == NULL) {
		return rp_err_no_memory(err);
	}
	for (size_t i = 0; code == 0 && i < list->n; i++) {
		code = add_remote(s, cfg, list->v[i], err);
	}
	return code;
}

int rp_client_setup_init(
    struct rp_client_setup *s, const struct rp_client_config *cfg, struct rp_err *err)
{
	*s = (struct rp_client_setup){0};
	int code = add_servers(s, &cfg->client, err);
	code = code != 0 ? code : set_proxy(s, cfg->client.proxy, err);
	code = code != 0 ? code : set_headers(s, &cfg->connection.headers, err);
	code = code != 0 ? code : set_auth(s, cfg->client.auth, err);
	return code != 0 ? code : set_tunnels(s, cfg, err);
}

void rp_client_setup_fini(struct rp_client_setup *s)
{
	for (size_t i = 0; i < s->n_servers; i++) {
		rp_url_fini(&s->servers[i]);
		rp_free(s->names[i]);
	}
	rp_free(s->servers);
	rp_free(s->names);
	if (s->has_proxy) {
		rp_url_fini(&s->proxy);
	}
	rp_strmap_fini(&s->headers);
	rp_free(s->user_agent);
	rp_free(s->auth_id);
	rp_free_secret(s->auth_password);
	rp_target_rules_fini(&s->allowed);
	for (size_t i = 0; i < s->n_remotes; i++) {
		rp_remote_fini(&s->remotes[i]);
	}
	rp_free(s->remotes);
	*s = (struct rp_client_setup){0};
}

bool rp_client_fingerprint_ok(const char *wanted, const char *md5, const char *sha256)
{
	bool is_sha256 = strncmp(wanted, "SHA256:", 7) == 0;
	/* The name of the hash alone is the beginning of them all. */
	if (is_sha256 && wanted[7] == '\0') {
		return false;
	}
	return strncmp(is_sha256 ? sha256 : md5, wanted, strlen(wanted)) == 0;
}
