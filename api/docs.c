/* SPDX-License-Identifier: MIT */
/*
 * The API's own description, and a page that shows it. Both are part of the program.
 */
#include "api/embedded.h"
#include "api/handlers.h"
#include "api/reply.h"

#include "core/banned.h"

/* The page has all it needs from here and nothing runs that is not a file of its own. */
#define POLICY                                                                          \
	"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " \
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

static int add_headers(struct rp_api_call *c)
{
	int err = rp_http_req_add_header(c->req, "Content-Security-Policy", POLICY);
	return err != 0 ? err : rp_http_req_add_header(c->req, "X-Content-Type-Options", "nosniff");
}

static void send_file(struct rp_api_call *c, const char *name, const char *type)
{
	size_t n;
	const void *bytes = rp_embedded_find(name, &n);
	int err = bytes == NULL ? RP_ENOENT : add_headers(c);
	if (err != 0) {
		rp_reply_code(c, err, NULL);
		return;
	}
	rp_reply_bytes(c, type, rp_str_n(bytes, n));
}

void rp_api_openapi(struct rp_api_call *c)
{
	send_file(c, "openapi.json", "application/json; charset=UTF-8");
}

void rp_api_docs(struct rp_api_call *c)
{
	send_file(c, "docs.html", "text/html; charset=utf-8");
}

void rp_api_docs_css(struct rp_api_call *c)
{
	send_file(c, "docs.css", "text/css; charset=utf-8");
}

void rp_api_docs_js(struct rp_api_call *c)
{
	send_file(c, "docs.js", "text/javascript; charset=utf-8");
}
