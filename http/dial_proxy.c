/* SPDX-License-Identifier: MIT */
/*
 * The way through a proxy: HTTP CONNECT (RFC 9110 9.3.6) or SOCKS5 (RFC 1928, RFC 1929). Host names
 * are resolved by the proxy.
 */
#include <arpa/inet.h>
#include <string.h>

#include "core/alloc.h"
#include "core/crypto.h"
#include "http/dial_int.h"

#include "core/banned.h"

#define SOCKS_VERSION         5
#define SOCKS_AUTH_VERSION    1
#define SOCKS_METHOD_NONE     0
#define SOCKS_METHOD_PASSWORD 2
#define SOCKS_CONNECT         1
#define SOCKS_IPV4            1
#define SOCKS_NAME            3
#define SOCKS_IPV6            4
#define SOCKS_TEXT_MAX        255
#define SOCKS_MESSAGE_MAX     1024

static void no_memory(struct rp_dial *d)
{
	rp_dial_fail(d, RP_ENOMEM, "%s: %s", d->peer, rp_err_text(RP_ENOMEM));
}

/* "Basic ..." for the proxy's user, "" without credentials; NULL: no memory. */
static char *basic_line(const struct rp_url *proxy)
{
	/* As the original: a user without a password is not sent. */
	if (proxy->user == NULL || proxy->password == NULL) {
		return rp_strdup("");
	}
	char *plain = rp_asprintf("%s:%s", proxy->user, proxy->password);
	char *encoded = plain == NULL ? NULL : rp_base64(plain, strlen(plain));
	rp_free_secret(plain);
	char *line = encoded == NULL ? NULL
	                             : rp_asprintf("Proxy-Authorization: Basic %s\r\n", encoded);
	rp_free_secret(encoded);
	return line;
}

static void start_connect(struct rp_dial *d)
{
	const char *agent = d->opt.user_agent;
	d->phase = RP_DIAL_PROXY_HTTP;
	char *basic = basic_line(d->opt.proxy);
	char *text = basic == NULL
	    ? NULL
	    : rp_asprintf("CONNECT %s HTTP/1.1\r\nHost: %s\r\n%s%s%s%s\r\n", d->authority,
	          d->authority, agent != NULL ? "User-Agent: " : "", agent != NULL ? agent : "",
	          agent != NULL ? "\r\n" : "", basic);
	rp_free_secret(basic);
	if (text == NULL) {
		no_memory(d);
		return;
	}
	bool sent = rp_dial_send(d, text, strlen(text));
	rp_free_secret(text);
	if (sent) {
		rp_stream_read_start(d->stream);
	}
}

static void connect_data(struct rp_dial *d, const uint8_t *p, size_t n)
{
	size_t used;
	int rc = rp_http_parser_feed(d->parser, p, n, &used);
	if (rc == 0) {
		return;
	}
	if (rc < 0) {
		rp_dial_fail(
		    d, rc, "%s does not answer as an HTTP proxy: %s", d->peer, rp_err_text(rc));
		return;
	}
	const struct rp_http_head *h = rp_http_parser_head(d->parser);
	if (h->status < 200 || h->status > 299) {
		rp_dial_fail(d, RP_EDENIED, "%s refused: %u %s", d->peer, h->status,
		    rp_http_status_text(h->status));
		return;
	}
	rp_http_parser_reset(d->parser);
	rp_dial_reached(d, p + used, n - used);
}

static void start_socks(struct rp_dial *d)
{
	static const uint8_t open[] = {SOCKS_VERSION, 1, SOCKS_METHOD_NONE};
	static const uint8_t both[] = {SOCKS_VERSION, 2, SOCKS_METHOD_NONE, SOCKS_METHOD_PASSWORD};
	const struct rp_url *proxy = d->opt.proxy;
	d->phase = RP_DIAL_SOCKS_METHOD;
	bool sent = proxy->user != NULL ? rp_dial_send(d, both, sizeof(both))
	                                : rp_dial_send(d, open, sizeof(open));
	if (sent) {
		rp_stream_read_start(d->stream);
	}
}

/* One byte of length, then the text. */
static int add_text(struct rp_buf *b, const char *text)
{
	size_t n = text == NULL ? 0 : strlen(text);
	if (n > SOCKS_TEXT_MAX) {
		return RP_ELIMIT;
	}
	int rc = rp_buf_add_u8(b, (uint8_t)n);
	return rc == 0 ? rp_buf_add(b, text, n) : rc;
}

/* Sends and wipes the message that was built with rc. */
static void send_built(struct rp_dial *d, struct rp_buf *b, int rc)
{
	if (rc == RP_ELIMIT) {
		rp_dial_fail(d, rc, "%s: name or password is too long for SOCKS5", d->peer);
	} else if (rc != 0) {
		no_memory(d);
	} else {
		(void)rp_dial_send(d, rp_buf_head(b), b->len);
	}
	if (b->data != NULL) {
		rp_secret_wipe(b->data, b->cap);
	}
	rp_buf_fini(b);
}

static void send_password(struct rp_dial *d)
{
	struct rp_buf b;
	rp_buf_init(&b, SOCKS_MESSAGE_MAX);
	d->phase = RP_DIAL_SOCKS_AUTH;
	int rc = rp_buf_add_u8(&b, SOCKS_AUTH_VERSION);
	if (rc == 0) {
		rc = add_text(&b, d->opt.proxy->user);
	}
	if (rc == 0) {
		rc = add_text(&b, d->opt.proxy->password);
	}
	send_built(d, &b, rc);
}

static int add_address(struct rp_buf *b, const char *host)
{
	uint8_t ip[16];
	size_t n = inet_pton(AF_INET, host, ip) == 1 ? 4
	    : inet_pton(AF_INET6, host, ip) == 1     ? 16
	                                             : 0;
	int rc = rp_buf_add_u8(b, n == 4 ? SOCKS_IPV4 : n == 16 ? SOCKS_IPV6 : SOCKS_NAME);
	if (rc != 0) {
		return rc;
	}
	return n > 0 ? rp_buf_add(b, ip, n) : add_text(b, host);
}

static void send_target(struct rp_dial *d)
{
	static const uint8_t head[] = {SOCKS_VERSION, SOCKS_CONNECT, 0};
	struct rp_buf b;
	rp_buf_init(&b, SOCKS_MESSAGE_MAX);
	d->phase = RP_DIAL_SOCKS_REQUEST;
	int rc = rp_buf_add(&b, head, sizeof(head));
	if (rc == 0) {
		rc = add_address(&b, d->opt.url->host);
	}
	if (rc == 0) {
		rc = rp_buf_add_u16(&b, d->opt.url->port);
	}
	send_built(d, &b, rc);
}

static void not_socks(struct rp_dial *d)
{
	rp_dial_fail(d, RP_EPROTO, "%s does not answer as a SOCKS5 proxy", d->peer);
}

/* Each of the following looks at d->in and returns true if it has consumed a whole answer. */

static bool method_data(struct rp_dial *d)
{
	uint8_t *p = rp_buf_head(&d->in);
	if (d->in.len < 2) {
		return false;
	}
	uint8_t version = p[0];
	uint8_t method = p[1];
	rp_buf_consume(&d->in, 2);
	bool password = d->opt.proxy->user != NULL;
	if (version != SOCKS_VERSION) {
		not_socks(d);
	} else if (method == SOCKS_METHOD_NONE) {
		send_target(d);
	} else if (method == SOCKS_METHOD_PASSWORD && password) {
		send_password(d);
	} else {
		rp_dial_fail(d, RP_EAUTH, "%s %s", d->peer,
		    password ? "accepts neither no password nor user and password"
		             : "wants user and password");
	}
	return true;
}

static bool auth_data(struct rp_dial *d)
{
	const uint8_t *p = rp_buf_head(&d->in);
	if (d->in.len < 2) {
		return false;
	}
	bool ok = p[0] == SOCKS_AUTH_VERSION && p[1] == 0;
	rp_buf_consume(&d->in, 2);
	if (ok) {
		send_target(d);
	} else {
		rp_dial_fail(d, RP_EAUTH, "%s refused user and password", d->peer);
	}
	return true;
}

static const char *reply_text(uint8_t code)
{
	static const char *const texts[] = {
	    "",
	    "general failure",
	    "not allowed by its rules",
	    "network unreachable",
	    "host unreachable",
	    "connection refused",
	    "TTL expired",
	    "command not supported",
	    "address type not supported",
	};
	return code < RP_ARRAY_LEN(texts) ? texts[code] : "unknown failure";
}

/* Length of the bound address behind the first four bytes; RP_EAGAIN, RP_EPROTO. */
static int skip_address(struct rp_cursor *c, uint8_t type)
{
	const uint8_t *ignored;
	uint8_t n = type == SOCKS_IPV4 ? 4 : 16;
	if (type == SOCKS_NAME) {
		int rc = rp_cursor_u8(c, &n);
		if (rc != 0) {
			return rc;
		}
	} else if (type != SOCKS_IPV4 && type != SOCKS_IPV6) {
		return RP_EPROTO;
	}
	return rp_cursor_bytes(c, (size_t)n + 2, &ignored);
}

static bool request_data(struct rp_dial *d)
{
	struct rp_cursor c;
	const uint8_t *head;
	rp_cursor_init(&c, rp_buf_head(&d->in), d->in.len);
	if (rp_cursor_bytes(&c, 4, &head) != 0) {
		return false;
	}
	if (head[0] != SOCKS_VERSION) {
		not_socks(d);
		return true;
	}
	if (head[1] != 0) {
		rp_dial_fail(
		    d, RP_EDENIED, "%s refused %s: %s", d->peer, d->authority, reply_text(head[1]));
		return true;
	}
	int rc = skip_address(&c, head[3]);
	if (rc == RP_EAGAIN) {
		return false;
	}
	if (rc != 0) {
		not_socks(d);
		return true;
	}
	rp_dial_reached(d, c.p, c.left);
	return true;
}

static void socks_data(struct rp_dial *d, const uint8_t *p, size_t n)
{
	int rc = rp_buf_add(&d->in, p, n);
	if (rc != 0) {
		rp_dial_fail(d, rc, "%s: %s", d->peer, rp_err_text(rc));
		return;
	}
	bool more = true;
	while (more) {
		switch (d->phase) {
		case RP_DIAL_SOCKS_METHOD:
			more = method_data(d);
			break;
		case RP_DIAL_SOCKS_AUTH:
			more = auth_data(d);
			break;
		case RP_DIAL_SOCKS_REQUEST:
			more = request_data(d);
			break;
		default:
			return;
		}
	}
}

void rp_dial_proxy_start(struct rp_dial *d)
{
	if (strcmp(d->opt.proxy->scheme, "http") == 0) {
		start_connect(d);
	} else {
		start_socks(d);
	}
}

void rp_dial_proxy_data(struct rp_dial *d, const uint8_t *p, size_t n)
{
	if (d->phase == RP_DIAL_PROXY_HTTP) {
		connect_data(d, p, n);
	} else {
		socks_data(d, p, n);
	}
}
