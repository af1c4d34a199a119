/* SPDX-License-Identifier: MIT */
/*
 * Server side of a UDP tunnel (wire protocol 5.6): one bound socket, one channel with a gob
 * stream. Answers go only to addresses that sent something a moment ago, so that a client cannot
 * use the server to send anywhere.
 */
#ifndef RP_TUNNEL_UDP_SERVER_H
#define RP_TUNNEL_UDP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/socket.h>

#include "core/defs.h"
#include "core/err.h"
#include "core/loop.h"
#include "tunnel/mux.h"

struct rp_udp_server;

struct rp_udp_server_options {
	const char *lhost; /* IP literal; "", 0.0.0.0 and :: mean every address of both families */
	uint16_t lport;
	const char *target;    /* host:port for the client; copied */
	unsigned flow_idle_ms; /* 0 = 20 s: then a source that sends nothing gets nothing */
};

struct rp_udp_stats {
	size_t flows;     /* sources of late */
	size_t waiting;   /* datagrams for the channel */
	uint64_t dropped; /* the channel was too slow for them */
	uint64_t lost;    /* too large, or the kernel did not take them */
};

struct rp_udp_server_ops {
	/* Asked for each datagram; others are dropped silently. */
	bool (*admits)(void *ctx, const struct sockaddr *peer);
	/* The client does not take the channel: the owner closes. */
	void (*on_refused)(void *ctx, const char *why);
	void (*on_closed)(void *ctx); /* last call, from the loop */
};

/* Binds and opens the channel. UV_EADDRINUSE and others, with a text. */
RP_NODISCARD int rp_udp_server_start(struct rp_loop *loop, struct rp_mux *mux,
    const struct rp_udp_server_options *opt, const struct rp_udp_server_ops *ops, void *ctx,
    struct rp_udp_server **out, struct rp_err *err);
/* uv_now of the last datagram in either direction; 0 = none yet. */
uint64_t rp_udp_server_last_used(const struct rp_udp_server *s);
/* What admits answers has changed: sources that it refuses now are forgotten at once, with what
 * they have waiting, and get no more answers. */
void rp_udp_server_recheck(struct rp_udp_server *s);
/* For monitoring and tests. */
void rp_udp_server_stats(const struct rp_udp_server *s, struct rp_udp_stats *out);
/* The socket is closed at once, the mux not used any more. Idempotent. */
void rp_udp_server_close(struct rp_udp_server *s);

#endif
