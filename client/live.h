/* SPDX-License-Identifier: MIT */
/*
 * Live output of one command (wire protocol 6.5): the channels stdout and stderr to the server, opened
 * before the process starts. A connection that is slower than the process never holds it up: what
 * does not fit is left out with a note; the result has it.
 */
#ifndef RP_CLIENT_LIVE_H
#define RP_CLIENT_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/defs.h"
#include "core/loop.h"
#include "tunnel/mux.h"

/* Bytes of one stream that wait for the connection. */
#define RP_LIVE_QUEUE_MAX (128u * 1024)
/* A server that does not answer the opens gets none. */
#define RP_LIVE_OPEN_MS 10000u
/* How long the result waits for output that the connection does not take. */
#define RP_LIVE_FLUSH_MS 3000u

struct rp_live;

/* From the loop, none from inside a function of this header. */
struct rp_live_ops {
	/* The server has accepted or refused both; lost: the connection has ended. Once. */
	void (*on_ready)(void *ctx, bool lost);
	/* After rp_live_end: all was sent, or will not be. Once. */
	void (*on_flushed)(void *ctx);
};

/* Opens both channels with the payload of the request. */
RP_NODISCARD int rp_live_open(struct rp_loop *loop, struct rp_mux *mux, struct rp_str payload,
    const struct rp_live_ops *ops, void *ctx, struct rp_live **out);
/* Valid UTF-8 of stream 1 or 2. */
void rp_live_write(struct rp_live *l, int stream, const uint8_t *p, size_t n);
/* No more output. */
void rp_live_end(struct rp_live *l);
/* Closes the channels; no callback comes any more. NULL is fine. */
void rp_live_close(struct rp_live *l);

#endif
