/* SPDX-License-Identifier: MIT */
/*
 * URL parsing, stricter than RFC 3986 allows: printable ASCII only, one reading of every text.
 * Error texts never repeat the URL, because it may hold a password.
 */
#include "http/url.h"

#include <string.h>

#include "core/alloc.h"

#include "core/banned.h"

#define URL_MAX  ((size_t)8192)
#define HOST_MAX ((size_t)253)

static const struct {
	const char *scheme;
	uint16_t port;
} default_ports[] = {
    {"http", 80},
    {"ws", 80},
    {"https", 443},
    {"wss", 443},
    {"socks", 1080},
    {"socks5", 1080},
    {"socks5h", 1080},
};

static uint16_t default_port(const char *scheme)
{
	for (size_t i = 0; i < RP_ARRAY_LEN(default_ports); i++) {
		if (strcmp(scheme, default_ports[i].scheme) == 0) {
			return default_ports[i].port;
		}
	}
	return 0;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int no_memory(struct rp_err *err)
{
	return rp_err_no_memory(err);
}

static int invalid(struct rp_err *err, const char *what)
{
	return rp_err_set(err, RP_EINVAL, "%s", what);
}

/* Blanks, control bytes and bytes above ASCII have no place in any part of a URL. */
static int check_text(struct rp_str s, struct rp_err *err)
{
	if (s.len > URL_MAX) {
		return rp_err_set(err, RP_ELIMIT, "longer than %zu bytes", URL_MAX);
	}
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] <= 0x20 || s.p[i] >= 0x7f) {
			return invalid(err, "blank, control or non-ASCII character");
		}
	}
	return 0;
}

/* Cuts "scheme://" off *rest. */
static int take_scheme(struct rp_str *rest, struct rp_url *u, struct rp_err *err)
{
	const char *mark = rest->len == 0 ? NULL : memmem(rest->p, rest->len, "://", 3);
	if (mark == NULL) {
		return invalid(err, "scheme missing: write scheme://host:port");
	}
	struct rp_str scheme = rp_str_n(rest->p, (size_t)(mark - rest->p));
	if (scheme.len == 0 || !rp_ascii_is_letter(scheme.p[0])) {
		return invalid(err, "invalid scheme");
	}
	for (size_t i = 1; i < scheme.len; i++) {
		char c = scheme.p[i];
		if (!rp_ascii_is_letter(c) && !is_digit(c) && c != '+' && c != '-' && c != '.') {
			return invalid(err, "invalid scheme");
		}
	}
	u->scheme = rp_str_dup(scheme);
	if (u->scheme == NULL) {
		return no_memory(err);
	}
	rp_ascii_lower(u->scheme);
	*rest = rp_str_n(mark + 3, rest->len - scheme.len - 3);
	return 0;
}

/* Cuts the authority off *rest, which keeps path, query and fragment. */
static struct rp_str take_authority(struct rp_str *rest)
{
	size_t n = 0;
	while (n < rest->len && rest->p[n] != '/' && rest->p[n] != '?' && rest->p[n] != '#') {
		n++;
	}
	struct rp_str authority = rp_str_n(rest->p, n);
	*rest = rp_str_n(rest->p + n, rest->len - n);
	return authority;
}

static int decode_into(struct rp_str s, char **out, struct rp_err *err)
{
	int rc = rp_url_decode(s, false, out);
	if (rc == RP_ENOMEM) {
		return no_memory(err);
	}
	return rc == 0 ? 0 : invalid(err, "bad percent escape in user or password");
}

/* Cuts "user:password@" off *authority. The last '@' counts, as in Go. */
static int take_userinfo(struct rp_str *authority, struct rp_url *u, struct rp_err *err)
{
	const char *at = authority->len == 0 ? NULL : memrchr(authority->p, '@', authority->len);
	if (at == NULL) {
		return 0;
	}
	struct rp_str info = rp_str_n(authority->p, (size_t)(at - authority->p));
	*authority = rp_str_n(at + 1, authority->len - info.len - 1);
	struct rp_str user = info;
	(void)rp_str_split(&info, ':', &user);
	int rc = decode_into(user, &u->user, err);
	if (rc == 0 && info.p != NULL) {
		rc = decode_into(info, &u->password, err);
	}
	return rc;
}

/* Splits "host:port" or "[host]:port"; port->p is NULL without a colon. */
static int split_host(struct rp_str s, struct rp_str *host, struct rp_str *port)
{
	*port = rp_str_n(NULL, 0);
	if (s.len > 0 && s.p[0] == '[') {
		const char *end = memchr(s.p, ']', s.len);
		if (end == NULL) {
			return RP_EINVAL;
		}
		*host = rp_str_n(s.p + 1, (size_t)(end - s.p) - 1);
		struct rp_str rest = rp_str_n(end + 1, s.len - host->len - 2);
		if (rest.len == 0) {
			return 0;
		}
		*port = rp_str_n(rest.p + 1, rest.len - 1);
		return rest.p[0] == ':' ? 0 : RP_EINVAL;
	}
	(void)rp_str_split(&s, ':', host);
	*port = s;
	return port->len > 0 && memchr(port->p, ':', port->len) != NULL ? RP_EINVAL : 0;
}

/* Names, IPv4, or in brackets IPv6 with an optional zone. */
static bool host_valid(struct rp_str host, bool bracketed)
{
	if (host.len == 0 || host.len > HOST_MAX) {
		return false;
	}
	bool zone = false;
	bool colon = false;
	for (size_t i = 0; i < host.len; i++) {
		char c = host.p[i];
		bool name = rp_ascii_is_letter(c) || is_digit(c) || c == '-' || c == '.' ||
		    c == '_';
		zone = zone || (bracketed && c == '%' && i > 0);
		colon = colon || c == ':';
		if (!name && !zone && !(bracketed && c == ':')) {
			return false;
		}
	}
	return colon == bracketed;
}

static int take_port(struct rp_str port, struct rp_url *u, struct rp_err *err)
{
	u->port = default_port(u->scheme);
	if (port.p == NULL) {
		return 0;
	}
	u->port_given = true;
	if (rp_str_port(port, &u->port) != 0 || u->port == 0) {
		return invalid(err, "invalid port: expected 1 to 65535");
	}
	return 0;
}

static int take_host(struct rp_str authority, struct rp_url *u, struct rp_err *err)
{
	struct rp_str host;
	struct rp_str port;
	bool bracketed = authority.len > 0 && authority.p[0] == '[';
	if (split_host(authority, &host, &port) != 0) {
		return invalid(err, "invalid host: expected host, host:port or [IPv6]:port");
	}
	if (host.len == 0) {
		return invalid(err, "host missing");
	}
	/* RFC 6874 writes the zone's percent sign as %25. */
	if (!host_valid(host, bracketed)) {
		return invalid(err, "invalid host");
	}
	char *p = rp_str_dup(host);
	if (p == NULL) {
		return no_memory(err);
	}
	u->host = p;
	char *zone = strstr(p, "%25");
	if (zone != NULL) {
		memmove(zone + 1, zone + 3, strlen(zone + 3) + 1);
	}
	return take_port(port, u, err);
}

/* What is left is path, query and fragment; the fragment stays at home. */
static int take_target(struct rp_str rest, struct rp_url *u, struct rp_err *err)
{
	struct rp_str target = rp_str_n("", 0);
	(void)rp_str_split(&rest, '#', &target);
	bool slash = target.len > 0 && target.p[0] == '/';
	u->target = rp_asprintf("%s%.*s", slash ? "" : "/", (int)target.len, target.p);
	return u->target == NULL ? no_memory(err) : 0;
}

static int parse(struct rp_str text, struct rp_url *u, struct rp_err *err)
{
	struct rp_str rest = text;
	int rc = check_text(rest, err);
	if (rc == 0) {
		rc = take_scheme(&rest, u, err);
	}
	if (rc != 0) {
		return rc;
	}
	struct rp_str authority = take_authority(&rest);
	rc = take_userinfo(&authority, u, err);
	if (rc == 0) {
		rc = take_host(authority, u, err);
	}
	return rc == 0 ? take_target(rest, u, err) : rc;
}

int rp_url_parse(const char *text, struct rp_url *u, struct rp_err *err)
{
	*u = (struct rp_url){0};
	int rc = parse(rp_str_c(text), u, err);
	if (rc != 0) {
		rp_url_fini(u);
	}
	return rc;
}

/* http becomes ws, https becomes wss, as the original does it. */
static int to_websocket(struct rp_url *u, struct rp_err *err)
{
	if (u->user != NULL) {
		return invalid(err, "user and password do not belong into the server's address");
	}
	bool tls = strcmp(u->scheme, "https") == 0 || strcmp(u->scheme, "wss") == 0;
	if (!tls && strcmp(u->scheme, "http") != 0 && strcmp(u->scheme, "ws") != 0) {
		return invalid(err, "unknown scheme: expected http, https, ws or wss");
	}
	char *scheme = rp_strdup(tls ? "wss" : "ws");
	if (scheme == NULL) {
		return no_memory(err);
	}
	rp_free(u->scheme);
	u->scheme = scheme;
	return 0;
}

int rp_url_parse_server(const char *text, struct rp_url *u, struct rp_err *err)
{
	*u = (struct rp_url){0};
	char *full = rp_asprintf("%s%s", strstr(text, "://") == NULL ? "http://" : "", text);
	if (full == NULL) {
		return no_memory(err);
	}
	int rc = rp_url_parse(full, u, err);
	rp_free_secret(full);
	if (rc == 0) {
		rc = to_websocket(u, err);
	}
	if (rc != 0) {
		rp_url_fini(u);
	}
	return rc;
}

int rp_url_parse_proxy(const char *text, struct rp_url *u, struct rp_err *err)
{
	static const char *const known[] = {"http", "socks", "socks5", "socks5h"};
	int rc = rp_url_parse(text, u, err);
	if (rc != 0) {
		return rc;
	}
	for (size_t i = 0; i < RP_ARRAY_LEN(known); i++) {
		if (strcmp(u->scheme, known[i]) == 0) {
			return 0;
		}
	}
	bool https = strcmp(u->scheme, "https") == 0;
	rp_url_fini(u);
	return invalid(err,
	    https ? "https proxies not (yet) supported"
	          : "unknown scheme: expected http, socks, socks5 or socks5h");
}

int rp_url_plain(const char *host, uint16_t port, struct rp_url *u)
{
	*u = (struct rp_url){.port = port, .port_given = true};
	u->scheme = rp_strdup("tcp");
	u->host = rp_strdup(host);
	u->target = rp_strdup("/");
	return u->scheme != NULL && u->host != NULL && u->target != NULL ? 0 : RP_ENOMEM;
}

void rp_url_fini(struct rp_url *u)
{
	rp_free(u->scheme);
	rp_free(u->user);
	rp_free_secret(u->password);
	rp_free(u->host);
	rp_free(u->target);
	*u = (struct rp_url){0};
}

char *rp_url_authority(const struct rp_url *u)
{
	bool v6 = strchr(u->host, ':') != NULL;
	return rp_asprintf("%s%s%s:%u", v6 ? "[" : "", u->host, v6 ? "]" : "", (unsigned)u->port);
}
