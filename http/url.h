/* SPDX-License-Identifier: MIT */
/*
 * URLs as far as rport needs them: server addresses (wire protocol 1.2), proxies, request targets
 * and query strings.
 */
#ifndef RP_HTTP_URL_H
#define RP_HTTP_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/defs.h"
#include "core/err.h"
#include "core/str.h"

/* Owned, percent-decoded user and password; host without brackets. */
struct rp_url {
	char *scheme; /* lower case */
	char *user;   /* NULL if absent */
	char *password;
	char *host;
	uint16_t port; /* the scheme's default if absent: http/ws 80, https/wss 443, socks* 1080 */
	bool port_given;
	char *target; /* path and query, at least "/" */
};

RP_NODISCARD int rp_url_parse(const char *text, struct rp_url *u, struct rp_err *err);
/* client.server: missing scheme = http, result scheme is ws or wss; user info refused. */
RP_NODISCARD int rp_url_parse_server(const char *text, struct rp_url *u, struct rp_err *err);
/* client.proxy: http, socks, socks5, socks5h; https refused with the documented text. */
RP_NODISCARD int rp_url_parse_proxy(const char *text, struct rp_url *u, struct rp_err *err);
/* "tcp", for rp_dial_start: a connection to that host and port, and no protocol yet. */
RP_NODISCARD int rp_url_plain(const char *host, uint16_t port, struct rp_url *u);
/* Also after a failure, and for one that is all zero. */
void rp_url_fini(struct rp_url *u);
/* "host:port" with brackets around an IPv6 host; owned. */
RP_NODISCARD char *rp_url_authority(const struct rp_url *u);

/* Percent-decoding ('+' = blank if plus). Owned; a NUL byte or bad escape is RP_EINVAL. */
RP_NODISCARD int rp_url_decode(struct rp_str s, bool plus, char **out);

/* Everything but RFC 3986's unreserved characters in percent form; owned. NULL: no memory. */
RP_NODISCARD char *rp_url_encode(const char *s);

/* Query string as ordered decoded pairs; k and v owned by the strmap-like list; duplicates are
 * kept. */
struct rp_query {
	struct rp_query_pair {
		char *k;
		char *v;
	} * v;
	size_t n;
};
#define RP_QUERY_PAIRS_MAX 256
RP_NODISCARD int rp_query_parse(struct rp_str s, struct rp_query *q);
const char *rp_query_get(const struct rp_query *q, const char *k); /* first one, or NULL */
void rp_query_fini(struct rp_query *q);

#endif
