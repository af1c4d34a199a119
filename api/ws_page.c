/* SPDX-License-Identifier: MIT */
/*
 * Pages to try the WebSockets with, only if [api] enable_ws_test_endpoints (rport-api 5). They hold
 * nothing of anybody: the token is typed in, and nothing but this page's own script runs.
 */
#include <stdio.h>
#include <string.h>

#include "api/call.h"
#include "api/handlers.h"
#include "api/reply.h"
#include "api/router.h"
#include "core/crypto.h"

#include "core/banned.h"

#define NONCE_LEN 24
#define PAGE_MAX  8192

/* Its arguments: nonce, title, first text, nonce. */
static const char page[] =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
    "<style nonce=\"%s\">body{font-family:sans-serif;margin:2em;max-width:60em}"
    "textarea,input{width:100%%;font-family:monospace}pre{white-space:pre-wrap}</style>\n"
    "<title>rport: %s</title></head><body>\n"
    "<p><label>Token of /api/v1/login <input id=\"token\" autocomplete=\"off\"></label></p>\n"
    "<p><label>Request <textarea id=\"text\" rows=\"10\">%s</textarea></label></p>\n"
    "<p><button id=\"open\">Open</button> <button id=\"send\">Send</button>"
    " <button id=\"close\">Close</button></p>\n<pre id=\"out\"></pre>\n"
    "<script nonce=\"%s\">\n"
    "const by = id => document.getElementById(id);\n"
    "let ws = null;\n"
    "function say(text) { by('out').textContent += text + '\\n'; }\n"
    "by('open').onclick = () => {\n"
    "  if (ws) return;\n"
    "  const path = location.pathname.replace(/\\/test\\/(\\w+)\\/ui$/, '/ws/$1');\n"
    "  const scheme = location.protocol === 'https:' ? 'wss://' : 'ws://';\n"
    "  ws = new WebSocket(scheme + location.host + path + '?access_token=' +\n"
    "    encodeURIComponent(by('token').value));\n"
    "  ws.onopen = () => say('open');\n"
    "  ws.onmessage = e => say(e.data);\n"
    "  ws.onclose = e => { say('closed ' + e.code); ws = null; };\n"
    "};\n"
    "by('send').onclick = () => { if (ws) ws.send(by('text').value); };\n"
    "by('close').onclick = () => { if (ws) ws.close(); };\n"
    "</script></body></html>\n";

static const char commands_text[] =
    "{\n  &quot;command&quot;: &quot;/usr/bin/whoami&quot;,\n  &quot;client_ids&quot;: [],\n"
    "  &quot;execute_concurrently&quot;: true\n}";
static const char scripts_text[] =
    "{\n  &quot;script&quot;: &quot;cHdk&quot;,\n  &quot;client_ids&quot;: [],\n"
    "  &quot;execute_concurrently&quot;: true\n}";

static int add_headers(struct rp_api_call *c, const char *nonce)
{
	char policy[256];
	(void)snprintf(policy, sizeof(policy),
	    "default-src 'none'; script-src 'nonce-%s'; style-src 'nonce-%s'; connect-src 'self'; "
	    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	    nonce, nonce);
	int err = rp_http_req_add_header(c->req, "Content-Security-Policy", policy);
	err = err != 0 ? err : rp_http_req_add_header(c->req, "Cache-Control", "no-store");
	err = err != 0 ? err : rp_http_req_add_header(c->req, "Referrer-Policy", "no-referrer");
	return err != 0 ? err : rp_http_req_add_header(c->req, "X-Content-Type-Options", "nosniff");
}

void rp_api_ws_page(struct rp_api_call *c)
{
	char nonce[NONCE_LEN + 1];
	char text[PAGE_MAX];
	if (!c->api->cfg->enable_ws_test_endpoints) {
		rp_reply_text(c, 404, "404 page not found\n");
		return;
	}
	bool scripts = strstr(c->route->path, "scripts") != NULL;
	bool commands = strstr(c->route->path, "commands") != NULL;
	rp_random_text(nonce, NONCE_LEN);
	int n = snprintf(text, sizeof(text), page, nonce, c->route->path,
	    scripts ? scripts_text : (commands ? commands_text : ""), nonce);
	int err = add_headers(c, nonce);
	if (err != 0 || n < 0 || (size_t)n >= sizeof(text)) {
		rp_reply_code(c, err != 0 ? err : RP_ELIMIT, NULL);
		return;
	}
	rp_api_call_end(c, 200, "text/html; charset=utf-8", rp_str_n(text, (size_t)n));
}
