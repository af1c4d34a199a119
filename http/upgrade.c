/* SPDX-License-Identifier: MIT */
/*
 * From HTTP to WebSocket on the server side (RFC 6455 4.2, wire protocol 1.1).
 */
#include <string.h>

#include "core/alloc.h"
#include "http/server_int.h"
#include "http/wskey.h"

#include "core/banned.h"

static const struct rp_stream_ops no_ops = {0};

unsigned rp_http_ws_check(const struct rp_http_req *r)
{
	const struct rp_http_head *h = rp_http_req_head((struct rp_http_req *)(uintptr_t)r);
	if (strcmp(h->method, "GET") != 0) {
		return 405;
	}
	const char *version = rp_http_header(h, "Sec-WebSocket-Version");
	bool asked = h->minor > 0 && rp_http_has_token(h, "Connection", "Upgrade") &&
	    rp_http_has_token(h, "Upgrade", "websocket");
	bool empty = rp_http_req_body(r).len == 0;
	if (!asked || !empty || version == NULL || strcmp(version, "13") != 0 ||
	    !rp_wskey_valid(rp_http_header(h, "Sec-WebSocket-Key"))) {
		return 400;
	}
	return 0;
}

/* The answer, in the original's order. */
static int send_switch(struct rp_http_conn *c, const char *accept, const char *protocol)
{
	char *text = rp_asprintf("HTTP/1.1 101 Switching Protocols\r\n"
	                         "Upgrade: websocket\r\n"
	                         "Connection: Upgrade\r\n"
	                         "Sec-WebSocket-Accept: %s\r\n"
	                         "%s%s%s\r\n",
	    accept, protocol != NULL ? "Sec-WebSocket-Protocol: " : "",
	    protocol != NULL ? protocol : "", protocol != NULL ? "\r\n" : "");
	if (text == NULL) {
		return RP_ENOMEM;
	}
	struct iovec iov = {.iov_base = text, .iov_len = strlen(text)};
	int rc = rp_stream_write(c->stream, &iov, 1);
	rp_free(text);
	return rc < 0 ? rc : 0;
}

/* What arrived behind the head: still being parsed, or kept because the answer came late. */
static int copy_early(const struct rp_http_conn *c, uint8_t **early, size_t *early_n)
{
	const uint8_t *p = c->in_n > 0 ? c->in : rp_buf_head(&c->pending);
	size_t n = c->in_n > 0 ? c->in_n : c->pending.len;
	if (n == 0) {
		return 0;
	}
	*early = rp_memdup(p, n);
	*early_n = *early == NULL ? 0 : n;
	return *early == NULL ? RP_ENOMEM : 0;
}

static int answer(struct rp_http_req *r, const char *protocol, uint8_t **early, size_t *early_n)
{
	struct rp_http_conn *c = rp_http_conn_of(r);
	const char *key = rp_http_header(rp_http_req_head(r), "Sec-WebSocket-Key");
	if (c->phase == RP_HTTP_ENDING || c->stream == NULL) {
		return RP_ECLOSED;
	}
	char *accept = rp_wskey_accept(key == NULL ? "" : key);
	if (accept == NULL) {
		return RP_ENOMEM;
	}
	int rc = copy_early(c, early, early_n);
	if (rc == 0) {
		rc = send_switch(c, accept, protocol);
	}
	rp_free(accept);
	return rc;
}

int rp_http_upgrade(struct rp_http_req *r, const char *protocol, struct rp_stream **stream,
    uint8_t **early, size_t *early_n)
{
	struct rp_http_conn *c = rp_http_conn_of(r);
	RP_VERIFY(r->open);
	*stream = NULL;
	*early = NULL;
	*early_n = 0;
	int rc = answer(r, protocol, early, early_n);
	if (rc != 0) {
		rp_free(*early);
		*early = NULL;
		*early_n = 0;
		rp_http_conn_close(c);
		rp_http_conn_answered(c);
		return rc;
	}
	*stream = c->stream;
	rp_stream_read_stop(*stream);
	rp_stream_set_ops(*stream, &no_ops, NULL);
	rp_http_conn_detach(c);
	rp_http_conn_answered(c);
	return 0;
}
