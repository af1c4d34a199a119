/* SPDX-License-Identifier: MIT */
/*
 * The addresses that a new client needs, and what becomes of credentials that nobody has fetched.
 */
#include <string.h>

#include "api/cookie.h"
#include "api/pairing.h"
#include "core/alloc.h"
#include "core/log.h"

#include "core/banned.h"

#define URL_CHARS                                                        \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789" \
	"-._~:/[]%"

bool rp_pairing_url_ok(const char *url)
{
	size_t n = strlen(url);
	return n > 0 && n <= RP_PAIRING_URL_MAX && strspn(url, URL_CHARS) == n;
}

int rp_pairing_api_url(const struct rp_api_call *c, char **url)
{
	const char *base = c->api->cfg->base_url;
	const char *host = rp_http_header(rp_http_req_head(c->req), "Host");
	*url = NULL;
	if (base[0] != '\0') {
		size_t n = strlen(base);
		while (n > 0 && base[n - 1] == '/') {
			n--;
		}
		*url = rp_strndup(base, n);
	} else if (host != NULL && host[0] != '\0' && strchr(host, '/') == NULL) {
		*url = rp_asprintf("%s://%s", rp_cookie_is_secure(c) ? "https" : "http", host);
	} else {
		return RP_EINVAL;
	}
	if (*url != NULL && !rp_pairing_url_ok(*url)) {
		rp_free(*url);
		*url = NULL;
		return RP_EINVAL;
	}
	return *url != NULL ? 0 : RP_ENOMEM;
}

static bool is_wildcard(const char *host)
{
	return strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
}

/* "http://:8080", which [server] address ":8080" stands for. */
static const char *port_alone(const char *url)
{
	const char *colon = strstr(url, "://:");
	return colon == NULL ? NULL : colon + 4;
}

static int with_host(const char *api_url, uint16_t port, char **url)
{
	struct rp_url api;
	int err = rp_url_parse(api_url, &api, NULL);
	if (err != 0) {
		return err;
	}
	bool v6 = strchr(api.host, ':') != NULL;
	*url = rp_asprintf("http://%s%s%s:%u", v6 ? "[" : "", api.host, v6 ? "]" : "", port);
	rp_url_fini(&api);
	return *url != NULL ? 0 : RP_ENOMEM;
}

int rp_pairing_connect_url(const struct rp_api_call *c, const char *api_url, char **url)
{
	const char *own = c->api->parts.cfg->server.url.v[0];
	const char *port_text = port_alone(own);
	struct rp_url u;
	uint16_t port;
	if (port_text != NULL) {
		int err = rp_str_port(rp_str_c(port_text), &port);
		return err != 0 ? err : with_host(api_url, port, url);
	}
	int err = rp_url_parse(own, &u, NULL);
	if (err != 0) {
		return err;
	}
	bool wildcard = is_wildcard(u.host);
	port = u.port;
	rp_url_fini(&u);
	if (wildcard) {
		return with_host(api_url, port, url);
	}
	*url = rp_strdup(own);
	return *url != NULL ? 0 : RP_ENOMEM;
}

static void on_dropped(void *ctx, int code, const struct rp_err *err)
{
	(void)ctx;
	if (code != 0 && code != RP_ENOENT) {
		rp_log_error(
		    "api", "credentials of a pairing that was not used stay: %s", err->msg);
	}
}

void rp_pairing_drop_credentials(struct rp_api *api, const struct rp_pairing_list *ended)
{
	const struct rp_server_parts *parts = &api->parts;
	for (size_t i = 0; i < ended->n; i++) {
		const struct rp_pairing *p = &ended->v[i];
		if (!p->own_auth || p->used > 0 ||
		    rp_registry_count_auth(parts->registry, p->client_auth_id) > 0) {
			continue;
		}
		int err = rp_clientauth_remove(
		    parts->auth, parts->store, p->client_auth_id, on_dropped, NULL);
		if (err != 0) {
			rp_log_error("api", "credentials of a pairing that was not used stay: %s",
			    rp_err_text(err));
		}
	}
}
