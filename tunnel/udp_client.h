/* SPDX-License-Identifier: MIT */
/*
 * Client side of a UDP tunnel's channel (wire protocol 5.6): a connected socket per source, closed
 * after 15 s without traffic. An error of one socket concerns that source only.
 */
#ifndef RP_TUNNEL_UDP_CLIENT_H
#define RP_TUNNEL_UDP_CLIENT_H

#include <sys/socket.h>

#include "core/defs.h"
#include "core/loop.h"
#include "tunnel/mux.h"

struct rp_udp_client;

/* on_done: exactly once, from the loop, after all sockets and the channel are gone; freed
 * afterwards. */
RP_NODISCARD int rp_udp_client_new(struct rp_loop *loop, const struct sockaddr_storage *target,
    void (*on_done)(void *ctx), void *ctx, struct rp_udp_client **out);
/* For rp_channel_accept, with the client as ctx; its channel is set before. */
const struct rp_channel_ops *rp_udp_client_channel_ops(void);
void rp_udp_client_set_channel(struct rp_udp_client *u, struct rp_channel *c);
/* Idempotent. */
void rp_udp_client_close(struct rp_udp_client *u);

#endif
