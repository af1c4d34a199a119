/* SPDX-License-Identifier: MIT */
/*
 * One TCP connection joined to one channel, both directions, both roles: bytes are read from the
 * socket straight into packets when the mux pulls, and written to the socket as they arrive; what
 * the socket does not take waits (at most the channel's window) and is credited when it was taken.
 * Half-close is kept: FIN becomes EOF and EOF becomes FIN; CLOSE ends both.
 */
#ifndef RP_TUNNEL_PUMP_H
#define RP_TUNNEL_PUMP_H

#include <stdbool.h>
#include <stdint.h>

#include "core/defs.h"
#include "core/loop.h"
#include "tunnel/mux.h"

struct rp_pump;

struct rp_pump_options {
	/* The peer is an installed one that has no half-close (wire protocol 5.5): a FIN of the
	 * socket closes the channel after the data was sent, and the peer's EOF or CLOSE ends the
	 * socket after what arrived was written. */
	bool no_half_close;
};

/* Totals at the end, for logs and counters. */
struct rp_pump_result {
	uint64_t bytes_in;  /* from the channel to the socket */
	uint64_t bytes_out; /* from the socket to the channel */
	const char *why;    /* "eof", "closed by peer", "reset", … */
};

/* A pump for a channel that is being opened or was just accepted; the socket may come later
 * (rp_pump_attach), data that arrives meanwhile waits. Use rp_pump_channel_ops() as the channel's
 * ops with the pump as ctx. on_done: exactly once, from the loop, after socket and channel are
 * gone; frees the pump afterwards. */
RP_NODISCARD int rp_pump_new(struct rp_loop *loop, const struct rp_pump_options *opt,
    void (*on_done)(void *ctx, const struct rp_pump_result *r), void *ctx, struct rp_pump **out);
const struct rp_channel_ops *rp_pump_channel_ops(void);
/* Gives the pump its channel (from rp_channel_open, or before rp_channel_accept). */
void rp_pump_set_channel(struct rp_pump *p, struct rp_channel *c);
/* Takes the connected socket, also on failure. Data flows once the channel is open. */
RP_NODISCARD int rp_pump_attach(struct rp_pump *p, int fd);
/* Ends both sides now (dial failed, tunnel closed, server stops). Idempotent. */
void rp_pump_close(struct rp_pump *p);

#endif
