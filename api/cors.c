/* SPDX-License-Identifier: MIT */
/*
 * Origins and headers of the Fetch standard. Where the browser may send credentials of its own, the
 * answer names the one origin that asks.
 */
#include "api/cors.h"

#include <string.h>

#include "core/alloc.h"
#include "core/log.h"

#include "core/banned.h"

#define ORIGIN_MAX  256
#define ORIGINS_MAX 100
#define METHODS     "HEAD, GET, POST, PUT, DELETE"
#define HEADERS     "Authorization, Content-Type"
/* Browsers ask again after that time. */
#define MAX_AGE_S "600"

/* scheme://host[:port] and nothing behind it. */
static bool is_origin(const char *text)
{
	size_t scheme = rp_str_starts(rp_str_c(text), "https://") ? 8
	    : rp_str_starts(rp_str_c(text), "http://")            ? 7
	                                                          : 0;
	if (scheme == 0 || text[scheme] == '\0' || strlen(text) > ORIGIN_MAX) {
		return false;
	}
	return strpbrk(text + scheme, "/?#@*, \t\"\\") == NULL;
}

int rp_cors_init(struct rp_cors *c, const struct rp_strlist *configured)
{
	*c = (struct rp_cors){0};
	for (size_t i = 0; i < configured->n; i++) {
		char *origin = rp_strdup(configured->v[i]);
		if (origin == NULL) {
			rp_cors_fini(c);
			return RP_ENOMEM;
		}
		rp_ascii_lower(origin);
		int err = 0;
		if (strcmp(origin, "*") == 0) {
			c->any = true;
		} else if (is_origin(origin) && c->origins.n < ORIGINS_MAX) {
			err = rp_strlist_add(&c->origins, rp_str_c(origin));
		} else {
			rp_log_error("api",
			    "cors: \"%s\" is left out: expected an origin such as https://example.com",
			    configured->v[i]);
		}
		rp_free(origin);
		if (err != 0) {
			rp_cors_fini(c);
			return err;
		}
	}
	return 0;
}

void rp_cors_fini(struct rp_cors *c)
{
	rp_strlist_fini(&c->origins);
}

/* A header that does not fit makes the browser refuse the answer: the safe side. */
static void add(struct rp_http_req *req, const char *name, const char *value)
{
	if (rp_http_req_add_header(req, name, value) != 0) {
		rp_log_debug("api", "header %s left out", name);
	}
}

/* The origin that asks, if it may. */
static const char *allowed_origin(const struct rp_cors *c, struct rp_http_req *req)
{
	const char *origin = rp_http_header(rp_http_req_head(req), "Origin");
	for (size_t i = 0; origin != NULL && i < c->origins.n; i++) {
		if (rp_ascii_ieq(c->origins.v[i], origin)) {
			return origin;
		}
	}
	return NULL;
}

static bool is_on(const struct rp_cors *c)
{
	return c->any || c->origins.n > 0;
}

void rp_cors_answer(const struct rp_cors *c, struct rp_http_req *req)
{
	if (!is_on(c)) {
		return;
	}
	/* Also for others: a cache must not give them this answer, nor theirs to an allowed one. */
	add(req, "Vary", "Origin");
	const char *origin = allowed_origin(c, req);
	if (origin != NULL) {
		add(req, "Access-Control-Allow-Origin", origin);
		add(req, "Access-Control-Allow-Credentials", "true");
	} else if (c->any) {
		add(req, "Access-Control-Allow-Origin", "*");
	}
}

bool rp_cors_preflight(const struct rp_cors *c, struct rp_http_req *req)
{
	const struct rp_http_head *h = rp_http_req_head(req);
	bool asks = strcmp(h->method, "OPTIONS") == 0 && rp_http_header(h, "Origin") != NULL &&
	    rp_http_header(h, "Access-Control-Request-Method") != NULL;
	if (!asks || (!c->any && allowed_origin(c, req) == NULL)) {
		return false;
	}
	add(req, "Access-Control-Allow-Methods", METHODS);
	add(req, "Access-Control-Allow-Headers", HEADERS);
	add(req, "Access-Control-Max-Age", MAX_AGE_S);
	return true;
}
