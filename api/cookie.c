/* SPDX-License-Identifier: MIT */
/*
 * Cookie (RFC 6265 4.2), Set-Cookie, and which pages may use them.
 */
#include "api/cookie.h"

#include <stdio.h>
#include <string.h>

#include "api/call.h"
#include "api/router.h"
#include "core/alloc.h"
#include "core/err.h"

#include "core/banned.h"

#define NAME   "rport_session"
#define HEADER "X-Rport-Session"
#define HTTPS  "https://"
/* A token of ours is shorter by far. */
#define TOKEN_MAX 4096
#define HOST_MAX  300

static const char *header(const struct rp_api_call *c, const char *name)
{
	return rp_http_header(rp_http_req_head(c->req), name);
}

/* The name that a proxy was asked for; pages of others cannot send the header. */
static bool is_forwarded_host(const struct rp_api_call *c, const char *name)
{
	struct rp_str list = rp_str_c(header(c, "X-Forwarded-Host"));
	struct rp_str first;
	char text[HOST_MAX];
	if (list.len == 0 || !rp_api_by_proxy(c) || !rp_str_split(&list, ',', &first)) {
		return false;
	}
	first = rp_str_trim(first);
	(void)snprintf(text, sizeof(text), "%.*s", (int)RP_MIN(first.len, sizeof(text)), first.p);
	return first.len < sizeof(text) && rp_ascii_ieq(text, name);
}

bool rp_cookie_own_page(const struct rp_api_call *c)
{
	const char *origin = header(c, "Origin");
	const char *host = header(c, "Host");
	if (origin == NULL) {
		return true;
	}
	const char *name = strstr(origin, "://");
	if (name == NULL) {
		return false;
	}
	name += 3;
	return (host != NULL && rp_ascii_ieq(name, host)) || is_forwarded_host(c, name);
}

static bool wants_cookie(const struct rp_api_call *c)
{
	const char *how = header(c, HEADER);
	return how != NULL && strcmp(how, "cookie") == 0;
}

bool rp_cookie_asked(const struct rp_api_call *c)
{
	return wants_cookie(c) && rp_cookie_own_page(c);
}

bool rp_cookie_refused(const struct rp_api_call *c)
{
	return wants_cookie(c) && !rp_cookie_own_page(c);
}

/* The value of that name in one header; *n counts how many there were. */
static void find(struct rp_str list, struct rp_str *value, unsigned *n)
{
	struct rp_str pair;
	struct rp_str name;
	while (rp_str_split(&list, ';', &pair)) {
		pair = rp_str_trim(pair);
		if (rp_str_split(&pair, '=', &name) && rp_str_eq(name, NAME) && pair.p != NULL) {
			*value = pair;
			(*n)++;
		}
	}
}

int rp_cookie_read(const struct rp_api_call *c, char **token)
{
	const struct rp_http_head *h = rp_http_req_head(c->req);
	struct rp_str value = {0};
	unsigned n = 0;
	if (header(c, "Authorization") != NULL) {
		return RP_ENOENT;
	}
	for (size_t i = 0; i < h->n_headers; i++) {
		if (rp_ascii_ieq(h->headers[i].name, "Cookie")) {
			find(rp_str_c(h->headers[i].value), &value, &n);
		}
	}
	if (n != 1 || value.len == 0 || value.len > TOKEN_MAX) {
		return n == 0 ? RP_ENOENT : RP_EINVAL;
	}
	*token = rp_str_dup(value);
	return *token != NULL ? 0 : RP_ENOMEM;
}

bool rp_cookie_counts(const struct rp_api_call *c)
{
	const char *method = rp_http_req_head(c->req)->method;
	if (!rp_cookie_own_page(c)) {
		return false;
	}
	/* Its handshake is a GET, cannot have our header, and always names the page. */
	if (rp_route_action(c->route).websocket) {
		return header(c, "Origin") != NULL;
	}
	return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0 || rp_cookie_asked(c);
}

bool rp_cookie_is_secure(const struct rp_api_call *c)
{
	const char *origin = header(c, "Origin");
	return rp_http_req_is_tls(c->req) ||
	    (origin != NULL && rp_str_starts(rp_str_c(origin), HTTPS));
}

int rp_cookie_set(struct rp_api_call *c, const char *token)
{
	char *text = rp_asprintf(NAME "=%s; Path=/api/v1; HttpOnly; SameSite=Strict%s%s",
	    token != NULL ? token : "", rp_cookie_is_secure(c) ? "; Secure" : "",
	    token != NULL ? "" : "; Max-Age=0");
	if (text == NULL) {
		return RP_ENOMEM;
	}
	int err = rp_http_req_add_header(c->req, "Set-Cookie", text);
	rp_free_secret(text);
	c->by_cookie = true;
	return err;
}
