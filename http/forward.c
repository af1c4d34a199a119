/* SPDX-License-Identifier: MIT */
/*
 * Requests and answers written anew (http/forward.h).
 */
#include "http/forward.h"

#include <string.h>

#include "core/alloc.h"
#include "core/crypto.h"

#include "core/banned.h"

/* Of one hop, or written by us. */
static const char *const dropped[] = {"Connection", "Content-Length", "Host", "Keep-Alive",
    "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "TE", "Trailer",
    "Transfer-Encoding", "Upgrade"};
/* What proxies say about a visitor: from the visitor itself it would be a lie. */
static const char *const claims[] = {"Forwarded", "X-Real-IP", "X-Client-IP", "True-Client-IP"};
static const char claim_prefix[] = "X-Forwarded-";

/* Case-insensitive, and '_' counts as '-': CGI and its kin make one name of both. */
static bool name_starts(const char *name, const char *prefix)
{
	for (; *prefix != '\0'; name++, prefix++) {
		char a[2] = {*name == '_' ? '-' : *name, '\0'};
		char b[2] = {*prefix, '\0'};
		if (!rp_ascii_ieq(a, b)) {
			return false;
		}
	}
	return true;
}

static bool is_one_of(const char *name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (name_starts(name, names[i]) && name[strlen(names[i])] == '\0') {
			return true;
		}
	}
	return false;
}

static bool is_claim(const char *name)
{
	return name_starts(name, claim_prefix) || is_one_of(name, claims, RP_ARRAY_LEN(claims));
}

/* Neither of one hop by name, nor declared so by the message itself. */
static bool passes(const struct rp_http_head *h, const char *name)
{
	return !is_one_of(name, dropped, RP_ARRAY_LEN(dropped)) &&
	    !rp_http_has_token(h, "Connection", name);
}

static bool is_number(const char *text)
{
	uint64_t v;
	return rp_str_u64(rp_str_c(text), UINT64_MAX - 1, &v) == 0;
}

static int add_header(struct rp_buf *out, const char *name, const char *value)
{
	return rp_buf_printf(out, "%s: %s\r\n", name, value);
}

static int add_framing(const struct rp_http_head *h, enum rp_forward_body body, struct rp_buf *out)
{
	uint64_t n = 0;
	switch (body) {
	case RP_FORWARD_LENGTH:
		if (rp_str_u64(rp_str_c(rp_http_header(h, "Content-Length")), UINT64_MAX, &n) !=
		    0) {
			return RP_EINVAL;
		}
		return rp_buf_printf(out, "Content-Length: %llu\r\n", (unsigned long long)n);
	case RP_FORWARD_CHUNKED:
		return rp_buf_add_str(out, "Transfer-Encoding: chunked\r\n");
	case RP_FORWARD_EMPTY:
	case RP_FORWARD_EOF:
		break;
	}
	return 0;
}

/* --- requests --- */

unsigned rp_forward_check(const struct rp_http_head *h)
{
	const char *length = rp_http_header(h, "Content-Length");
	bool star = strcmp(h->target, "*") == 0 && strcmp(h->method, "OPTIONS") == 0;
	if (strcmp(h->method, "CONNECT") == 0 || strcmp(h->method, "TRACE") == 0) {
		return 405;
	}
	if ((h->path[0] != '/' && !star) || strchr(h->target, '#') != NULL) {
		return 400;
	}
	return length != NULL && !is_number(length) ? 400 : 0;
}

enum rp_forward_body rp_forward_request_body(const struct rp_http_head *h)
{
	const char *length = rp_http_header(h, "Content-Length");
	if (rp_http_header(h, "Transfer-Encoding") != NULL) {
		return RP_FORWARD_CHUNKED;
	}
	return length != NULL ? RP_FORWARD_LENGTH : RP_FORWARD_EMPTY;
}

bool rp_forward_is_websocket(const struct rp_http_head *h)
{
	const char *length = rp_http_header(h, "Content-Length");
	bool empty = rp_http_header(h, "Transfer-Encoding") == NULL &&
	    (length == NULL || strspn(length, "0") == strlen(length));
	return empty && h->minor > 0 && strcmp(h->method, "GET") == 0 &&
	    rp_http_has_token(h, "Connection", "Upgrade") &&
	    rp_http_has_token(h, "Upgrade", "websocket");
}

static int add_start(
    const struct rp_http_head *h, const struct rp_forward_request *f, struct rp_buf *out)
{
	const char *sent = rp_http_header(h, "Host");
	const char *host = f->host != NULL && f->host[0] != '\0' ? f->host
	    : sent != NULL && sent[0] != '\0'                    ? sent
	                                                         : f->authority;
	bool query = strchr(h->target, '?') != NULL;
	int rc = rp_buf_printf(out, "%s %s%s%s HTTP/1.1\r\nHost: %s\r\n", h->method, h->path,
	    query ? "?" : "", h->query, host);
	rc = rc != 0 ? rc : add_header(out, "X-Forwarded-For", f->peer);
	rc = rc != 0 ? rc : add_header(out, "X-Forwarded-Proto", "https");
	return rc != 0 ? rc
	               : add_header(out, "X-Forwarded-Host", sent != NULL ? sent : f->authority);
}

int rp_forward_request(
    const struct rp_http_head *h, const struct rp_forward_request *f, struct rp_buf *out)
{
	int rc = add_start(h, f, out);
	for (size_t i = 0; rc == 0 && i < h->n_headers; i++) {
		const char *name = h->headers[i].name;
		bool ours = f->drop_authorization && rp_ascii_ieq(name, "Authorization");
		if (!ours && !is_claim(name) && passes(h, name)) {
			rc = add_header(out, name, h->headers[i].value);
		}
	}
	rc = rc != 0 ? rc : add_framing(h, rp_forward_request_body(h), out);
	if (rc == 0 && rp_forward_is_websocket(h)) {
		rc = rp_buf_add_str(out, "Connection: Upgrade\r\nUpgrade: websocket\r\n");
	}
	return rc != 0 ? rc : rp_buf_add_str(out, "\r\n");
}

/* --- answers --- */

int rp_forward_answer_body(const struct rp_http_head *h, bool to_head, enum rp_forward_body *body)
{
	const char *length = rp_http_header(h, "Content-Length");
	bool chunked = rp_http_header(h, "Transfer-Encoding") != NULL;
	if (length != NULL && !is_number(length)) {
		return RP_EPROTO;
	}
	bool bodiless = h->status < 200 || h->status == 204;
	if (length != NULL && !bodiless) {
		*body = RP_FORWARD_LENGTH; /* also said, but not sent, to HEAD and in 304 */
	} else if (bodiless || to_head || h->status == 304) {
		*body = RP_FORWARD_EMPTY;
	} else {
		*body = chunked ? RP_FORWARD_CHUNKED : RP_FORWARD_EOF;
	}
	return 0;
}

static const char *connection_lines(const struct rp_forward_answer *f)
{
	if (f->upgrade) {
		return "Connection: Upgrade\r\nUpgrade: websocket\r\n";
	}
	if (f->close) {
		return "Connection: close\r\n";
	}
	return f->minor0 ? "Connection: keep-alive\r\n" : "";
}

int rp_forward_answer(
    const struct rp_http_head *h, const struct rp_forward_answer *f, struct rp_buf *out)
{
	int rc = rp_buf_printf(out, "HTTP/1.1 %03u %s\r\n", h->status % 1000, h->reason);
	for (size_t i = 0; rc == 0 && i < h->n_headers; i++) {
		/* Alt-Svc would lead the visitor to a port that is not the tunnel's. */
		const char *name = h->headers[i].name;
		if (passes(h, name) && !rp_ascii_ieq(name, "Alt-Svc")) {
			rc = add_header(out, name, h->headers[i].value);
		}
	}
	rc = rc != 0 ? rc : add_framing(h, f->body, out);
	if (rc == 0 && (h->status >= 200 || f->upgrade)) {
		rc = rp_buf_add_str(out, connection_lines(f));
	}
	return rc != 0 ? rc : rp_buf_add_str(out, "\r\n");
}

/* --- Basic --- */

bool rp_forward_basic_ok(const struct rp_http_head *h, const char *user, const char *password)
{
	static const char scheme[] = "Basic ";
	const char *sent = rp_http_header(h, "Authorization");
	uint8_t *text;
	size_t n;
	if (sent == NULL || !name_starts(sent, scheme)) {
		return false;
	}
	struct rp_str b64 = rp_str_trim(rp_str_c(sent + sizeof(scheme) - 1));
	char *wanted = rp_asprintf("%s:%s", user, password);
	if (wanted == NULL || rp_base64_decode(b64, &text, &n) != 0) {
		rp_free_secret(wanted);
		return false;
	}
	bool ok = rp_secret_eq(text, n, wanted, strlen(wanted));
	rp_secret_wipe(text, n);
	rp_free(text);
	rp_free_secret(wanted);
	return ok;
}
