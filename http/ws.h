/* SPDX-License-Identifier: MIT */
/*
 * WebSocket (RFC 6455) over a stream, either side. Message boundaries of data can be ignored (SSH bytes) or kept (API text messages).
 */
#ifndef RP_HTTP_WS_H
#define RP_HTTP_WS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/defs.h"
#include "core/err.h"
#include "http/stream.h"

/* Frame layer, pure: no I/O. */
enum rp_ws_opcode {
	RP_WS_CONT = 0,
	RP_WS_TEXT = 1,
	RP_WS_BINARY = 2,
	RP_WS_CLOSE = 8,
	RP_WS_PING = 9,
	RP_WS_PONG = 10
};

struct rp_ws_decoder_ops {
	/* Payload bytes of a data message as they arrive, unmasked in place; first/last mark the message. */
	void (*on_data)(void *ctx, enum rp_ws_opcode opcode, bool first, bool last, const uint8_t *p, size_t n);
	/* A whole control frame (at most 125 bytes). */
	void (*on_control)(void *ctx, enum rp_ws_opcode opcode, const uint8_t *p, size_t n);
};

struct rp_ws_decoder {
	bool masked; /* frames must be masked (we are the server) or must not be */
	/* private */
	uint8_t head[14];
	unsigned head_n;
	unsigned head_need;
	uint64_t left;
	uint64_t total;
	uint8_t mask[4];
	unsigned mask_pos;
	uint8_t opcode;
	uint8_t message_opcode; /* of the fragmented message under way, 0 = none */
	bool fin;
	bool first;
	uint8_t control[125];
	unsigned control_n;
	bool stopped;
};

void rp_ws_decoder_init(struct rp_ws_decoder *d, bool masked);
/* Consumes all bytes; p may be changed (unmasking). RP_EPROTO for what RFC 6455 5.1, 5.2, 5.4, 5.5 forbid. rp_ws_decoder_stop from a callback makes it
 * return at once. */
RP_NODISCARD int rp_ws_decoder_feed(struct rp_ws_decoder *d, uint8_t *p, size_t n,
                                    const struct rp_ws_decoder_ops *ops, void *ctx);
void rp_ws_decoder_stop(struct rp_ws_decoder *d);
/* Head of a frame with n payload bytes; mask NULL = unmasked. Returns its length (2..14). */
size_t rp_ws_head(uint8_t out[static 14], enum rp_ws_opcode opcode, bool fin, uint64_t n,
                  const uint8_t *mask);
/* dst = src ^ mask, starting at position pos of the mask; dst may be src. Fast for large n. */
void rp_ws_mask(uint8_t *dst, const uint8_t *src, size_t n, const uint8_t mask[static 4], unsigned pos);

/* Connection layer. */
struct rp_ws;

struct rp_ws_ops {
	/* Data; memory valid during the call. */
	void (*on_data)(void *ctx, enum rp_ws_opcode opcode, bool first, bool last, const uint8_t *p, size_t n);
	void (*on_drain)(void *ctx);
	/* Peer's close frame, EOF, error or protocol error: nothing more will come. code 0 for an orderly end, else UV_E*, RP_E*. The owner then calls rp_ws_close. */
	void (*on_end)(void *ctx, int code, const char *why);
	void (*on_closed)(void *ctx); /* freed afterwards */
};

/* Takes the stream (after the 101), feeds early bytes. client: frames we send are masked. Reading starts at once; callbacks come later from the loop
 * except that early bytes are delivered from the next loop turn. */
RP_NODISCARD int rp_ws_new(struct rp_stream *stream, bool client, const uint8_t *early, size_t early_n,
                           const struct rp_ws_ops *ops, void *ctx, struct rp_ws **out);
/* One message in one frame; the pieces are copied (masked on the way for clients). Returns as rp_stream_write. */
RP_NODISCARD int rp_ws_send(struct rp_ws *w, enum rp_ws_opcode opcode, const struct iovec *iov, int n);
size_t rp_ws_queued(const struct rp_ws *w);
void rp_ws_read_stop(struct rp_ws *w);
void rp_ws_read_start(struct rp_ws *w);
struct rp_stream *rp_ws_stream(struct rp_ws *w);
/* With a status (1000 …) sends a close frame first and flushes (1 s); 0 closes at once. */
void rp_ws_close(struct rp_ws *w, unsigned status);

#endif
