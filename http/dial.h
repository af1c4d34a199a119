/* SPDX-License-Identifier: MIT */
/*
 * Outgoing connection: resolve, connect (all addresses in turn, IPv6 and IPv4 interleaved), through
 * an HTTP CONNECT or SOCKS5 proxy if given, TLS for wss, then the WebSocket upgrade (wire protocol
 * 1.2). One deadline for all.
 */
#ifndef RP_HTTP_DIAL_H
#define RP_HTTP_DIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/defs.h"
#include "core/err.h"
#include "core/loop.h"
#include "core/str.h"
#include "http/http.h"
#include "http/stream.h"
#include "http/tls.h"
#include "http/url.h"

struct rp_dial;

/* All borrowed until on_done, but tls until the stream's on_closed or, after a failure, until the
 * loop has ended. */
struct rp_dial_options {
	const struct rp_url *url;   /* ws, wss (or "tcp": only connect, no TLS, no upgrade) */
	const struct rp_url *proxy; /* NULL = direct */
	struct rp_tls *tls;         /* needed for wss */
	const char *protocol;       /* Sec-WebSocket-Protocol */
	const char *host_header;    /* NULL = authority of url */
	const char *user_agent;
	const struct rp_strmap *headers; /* custom; NULL = none */
	const char *bind_interface;      /* NULL = none */
	int family;                      /* AF_INET or AF_INET6, no other address; 0 = any */
	unsigned timeout_ms;             /* 0 = 30 s */
	/* Its user_timeout_ms limits the connect to each address too. */
	struct rp_stream_options stream;
};

/* Exactly once unless cancelled, never from inside rp_dial_start. code 0: stream (paused, the
 * callee sets its ops) and early bytes (owned copy) are the callee's. Otherwise err says which
 * phase failed and why in words for an operator ("proxy 10.0.0.1:3128 refused: 407 Proxy
 * Authentication Required", "server answered 404 Not Found: is this an rport server?"); head is
 * the HTTP answer, if there was one (borrowed). UV_ETIMEDOUT: nobody was reached, or the network
 * went away; RP_ETIMEOUT: whoever was reached took too long to answer. */
typedef void (*rp_dial_cb)(void *ctx, int code, struct rp_stream *stream, uint8_t *early,
    size_t early_n, const struct rp_http_head *head, const struct rp_err *err);

RP_NODISCARD int rp_dial_start(struct rp_loop *loop, const struct rp_dial_options *opt,
    rp_dial_cb on_done, void *ctx, struct rp_dial **out);
/* Only before on_done: the name is being looked up, no connection was tried yet. */
bool rp_dial_is_resolving(const struct rp_dial *d);
/* Only before on_done. No callback comes afterwards. NULL is fine. */
void rp_dial_cancel(struct rp_dial *d);

#endif
