/* SPDX-License-Identifier: MIT */
/*
 * The upgrade request and its answer (wire protocol 1.2, RFC 6455 4.1).
 */
#include <string.h>
#include <strings.h>

#include "core/alloc.h"
#include "http/dial_int.h"
#include "http/wskey.h"

#include "core/banned.h"

#define REQUEST_MAX ((size_t)256 * 1024)

static bool has_control(const char *s)
{
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;
		if ((c < 0x20 && c != '\t') || c == 0x7f) {
			return true;
		}
	}
	return false;
}

/* Headers that the handshake itself sets. */
static bool is_reserved(const char *name)
{
	return rp_ascii_ieq(name, "Upgrade") || rp_ascii_ieq(name, "Connection") ||
	    strncasecmp(name, "Sec-WebSocket-", strlen("Sec-WebSocket-")) == 0 ||
	    rp_ascii_ieq(name, "Content-Length") || rp_ascii_ieq(name, "Transfer-Encoding");
}

const char *rp_dial_check_headers(const struct rp_dial *d)
{
	const struct rp_strmap *m = d->opt.headers;
	for (size_t i = 0; m != NULL && i < m->n; i++) {
		if (m->k[i][0] == '\0' || strpbrk(m->k[i], " \t:") != NULL ||
		    has_control(m->k[i])) {
			return "invalid header name";
		}
		if (has_control(m->v[i])) {
			return "control character in a header's value";
		}
		if (is_reserved(m->k[i])) {
			return "Upgrade, Connection, Sec-WebSocket-* and message framing cannot be set";
		}
	}
	const char *texts[] = {d->opt.host_header, d->opt.user_agent, d->opt.protocol};
	for (size_t i = 0; i < RP_ARRAY_LEN(texts); i++) {
		if (texts[i] != NULL && has_control(texts[i])) {
			return "control character in host name, user agent or protocol";
		}
	}
	return NULL;
}

/* The custom header of that name, else what is the default. */
static const char *choose(const struct rp_strmap *m, const char *name, const char *otherwise)
{
	for (size_t i = 0; m != NULL && i < m->n; i++) {
		if (rp_ascii_ieq(m->k[i], name)) {
			return m->v[i];
		}
	}
	return otherwise;
}

static int add_line(struct rp_buf *b, const char *name, const char *value)
{
	return value == NULL ? 0 : rp_buf_printf(b, "%s: %s\r\n", name, value);
}

static int add_custom(struct rp_buf *b, const struct rp_strmap *m)
{
	int rc = 0;
	for (size_t i = 0; m != NULL && i < m->n && rc == 0; i++) {
		if (!rp_ascii_ieq(m->k[i], "Host") && !rp_ascii_ieq(m->k[i], "User-Agent")) {
			rc = add_line(b, m->k[i], m->v[i]);
		}
	}
	return rc;
}

/* The order is that of the original. */
static int build(const struct rp_dial *d, const char *key, struct rp_buf *b)
{
	const struct rp_dial_options *o = &d->opt;
	const char *host = o->host_header != NULL ? o->host_header : d->authority;
	const struct {
		const char *name;
		const char *value;
	} lines[] = {
	    {"Host", choose(o->headers, "Host", host)},
	    {"User-Agent", choose(o->headers, "User-Agent", o->user_agent)},
	    {"Connection", "Upgrade"},
	    {"Sec-WebSocket-Key", key},
	    {"Sec-WebSocket-Protocol", o->protocol},
	    {"Sec-WebSocket-Version", "13"},
	    {"Upgrade", "websocket"},
	};
	int rc = rp_buf_printf(b, "GET %s HTTP/1.1\r\n", o->url->target);
	for (size_t i = 0; i < RP_ARRAY_LEN(lines) && rc == 0; i++) {
		rc = add_line(b, lines[i].name, lines[i].value);
	}
	if (rc == 0) {
		rc = add_custom(b, o->headers);
	}
	return rc == 0 ? rp_buf_add_str(b, "\r\n") : rc;
}

void rp_dial_upgrade_start(struct rp_dial *d)
{
	struct rp_buf b;
	rp_buf_init(&b, REQUEST_MAX);
	d->phase = RP_DIAL_UPGRADE;
	char *key = rp_wskey_new();
	d->accept = key == NULL ? NULL : rp_wskey_accept(key);
	int rc = d->accept == NULL ? RP_ENOMEM : build(d, key, &b);
	rp_free(key);
	if (rc != 0) {
		rp_dial_fail(d, rc, "%s: %s", d->peer, rp_err_text(rc));
	} else if (rp_dial_send(d, rp_buf_head(&b), b.len)) {
		rp_stream_read_start(d->stream);
	}
	rp_buf_fini(&b);
}

/* What is wrong with a 101, or NULL. */
static const char *check_switch(const struct rp_dial *d, const struct rp_http_head *h)
{
	const char *accept = rp_http_header(h, "Sec-WebSocket-Accept");
	const char *protocol = rp_http_header(h, "Sec-WebSocket-Protocol");
	if (!rp_http_has_token(h, "Upgrade", "websocket") ||
	    !rp_http_has_token(h, "Connection", "Upgrade")) {
		return "no upgrade to WebSocket";
	}
	if (accept == NULL || strcmp(accept, d->accept) != 0) {
		return "wrong Sec-WebSocket-Accept";
	}
	if (rp_http_header(h, "Sec-WebSocket-Extensions") != NULL) {
		return "extension that was not asked for";
	}
	/* Servers of the installed base do not echo it. */
	if (protocol != NULL &&
	    (d->opt.protocol == NULL || strcmp(protocol, d->opt.protocol) != 0)) {
		return "other sub-protocol than asked for";
	}
	return NULL;
}

static void refused(struct rp_dial *d, const struct rp_http_head *h)
{
	unsigned status = h->status;
	const char *hint = "";
	switch (status) {
	case 200:
	case 400:
	case 404:
	case 405:
		hint = ": is this an rport server?";
		break;
	case 423:
		hint = ": this address is banned for some time";
		break;
	case 502:
	case 503:
	case 504:
		hint = ": a proxy in front of the server does not reach it";
		break;
	default:
		break;
	}
	if (status == 503 && rp_http_header(h, "Retry-After") != NULL) {
		hint = ": it asks to come back later";
	}
	rp_dial_fail(d, RP_EDENIED, "server %s answered %u %s%s", d->authority, status,
	    rp_http_status_text(status), hint);
}

void rp_dial_upgrade_data(struct rp_dial *d, const uint8_t *p, size_t n)
{
	size_t used;
	int rc = rp_http_parser_feed(d->parser, p, n, &used);
	const struct rp_http_head *h = rp_http_parser_head(d->parser);
	while (rc == 1 && h->status < 200 && h->status != 101) {
		rp_http_parser_reset(d->parser); /* an interim answer */
		p += used;
		n -= used;
		rc = rp_http_parser_feed(d->parser, p, n, &used);
	}
	if (rc == 0) {
		return;
	}
	if (rc < 0) {
		rp_dial_fail(
		    d, rc, "server %s does not answer in HTTP: %s", d->authority, rp_err_text(rc));
		return;
	}
	if (h->status != 101) {
		refused(d, h);
		return;
	}
	const char *wrong = check_switch(d, h);
	if (wrong != NULL) {
		rp_dial_fail(d, RP_EPROTO, "server %s answered the upgrade wrongly: %s",
		    d->authority, wrong);
		return;
	}
	rp_dial_succeed(d, p + used, n - used);
}
