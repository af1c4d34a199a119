/* SPDX-License-Identifier: MIT */
/*
 * WebSocket (RFC 6455) over a stream, either side. Message boundaries of data can be ignored (SSH
 * bytes) or kept (API text messages).
 */
#ifndef RP_HTTP_WS_H
#define RP_HTTP_WS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/defs.h"
#include "core/err.h"
#include "http/stream.h"

#define RP_WS_HEAD_MAX    14
#define RP_WS_CONTROL_MAX 125

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
	/* Payload bytes of a data message as they arrive, unmasked in place; first/last mark the
	 * message, opcode is the message's (never RP_WS_CONT). n is 0 only for an empty message
	 * or an empty last frame. */
	void (*on_data)(
	    void *ctx, enum rp_ws_opcode opcode, bool first, bool last, uint8_t *p, size_t n);
	/* A whole control frame (at most 125 bytes). */
	void (*on_control)(void *ctx, enum rp_ws_opcode opcode, const uint8_t *p, size_t n);
};

struct rp_ws_decoder {
	bool masked; /* frames must be masked (we are the server) or must not be */
	size_t used; /* bytes that the last feed consumed */
	/* private */
	bool fin;
	bool first; /* nothing of the message has been handed out */
	bool stopped;
	uint8_t opcode;
	uint8_t message_opcode; /* of the message under way, 0 = none */
	uint8_t head[RP_WS_HEAD_MAX];
	uint8_t mask[4];
	uint8_t control[RP_WS_CONTROL_MAX];
	unsigned head_n;
	unsigned head_need; /* 0 = in the payload */
	unsigned mask_pos;
	unsigned control_n;
	uint64_t left; /* payload of the frame still to come */
};

void rp_ws_decoder_init(struct rp_ws_decoder *d, bool masked);
/* Consumes all bytes; p may be changed (unmasking). RP_EPROTO for what RFC 6455 5.1, 5.2, 5.4,
 * 5.5 forbid. rp_ws_decoder_stop from a callback makes it return 0 at once; d->used then says
 * how far it came, and the next call is given the bytes from there on. */
RP_NODISCARD int rp_ws_decoder_feed(
    struct rp_ws_decoder *d, uint8_t *p, size_t n, const struct rp_ws_decoder_ops *ops, void *ctx);
void rp_ws_decoder_stop(struct rp_ws_decoder *d);
/* Head of a frame with n payload bytes; mask NULL = unmasked. Returns its length (2..14). */
size_t rp_ws_head(uint8_t out[static RP_WS_HEAD_MAX], enum rp_ws_opcode opcode, bool fin,
    uint64_t n, const uint8_t *mask);
/* dst = src ^ mask, starting at position pos of the mask; dst may be src or lie before it. Fast for large n. */
void rp_ws_mask(
    uint8_t *dst, const uint8_t *src, size_t n, const uint8_t mask[static 4], unsigned pos);

/* Connection layer. */
struct rp_ws;

struct rp_ws_ops {
	/* Data; the memory may be changed in place, and stays as it is left until on_data_end, or
	 * for the call if there is none. None comes after rp_ws_read_stop or rp_ws_close. */
	void (*on_data)(
	    void *ctx, enum rp_ws_opcode opcode, bool first, bool last, uint8_t *p, size_t n);
	/* What was read at once has been handed out, as far as it was wanted. May be NULL. */
	void (*on_data_end)(void *ctx);
	/* See rp_stream_ops. May be NULL. */
	void (*on_drain)(void *ctx);
	/* Peer's close frame, EOF, error or protocol error: nothing more will come. code 0 for
	 * an orderly end (also plain EOF, which is how installed peers end), else UV_E*, RP_E*.
	 * The owner then calls rp_ws_close. */
	void (*on_end)(void *ctx, int code, const char *why);
	/* Last call, exactly once; freed afterwards. May be NULL. */
	void (*on_closed)(void *ctx);
};

/* Takes the stream (after the 101), also when this fails, and copies early bytes. client: frames
 * we send are masked. Reading starts at once; callbacks come later from the loop. Pings are
 * answered. */
RP_NODISCARD int rp_ws_new(struct rp_stream *stream, bool client, const uint8_t *early,
    size_t early_n, const struct rp_ws_ops *ops, void *ctx, struct rp_ws **out);
/* One message in one frame; the pieces are copied (masked on the way for clients). Returns as
 * rp_stream_write; RP_ECLOSED also after on_end. */
RP_NODISCARD int rp_ws_send(
    struct rp_ws *w, enum rp_ws_opcode opcode, const struct iovec *iov, int n);
/* Room for the payload of one message of at most n bytes inside the queue, to be filled by the
 * caller and then committed with its length (0: none): no copy, and a mask is applied in place.
 * Errors as rp_ws_send; nothing else may be called on the connection in between. */
RP_NODISCARD int rp_ws_reserve(struct rp_ws *w, size_t n, uint8_t **p);
/* 0, or 1 as rp_ws_send. */
int rp_ws_commit(struct rp_ws *w, enum rp_ws_opcode opcode, size_t n);
size_t rp_ws_queued(const struct rp_ws *w);
void rp_ws_read_stop(struct rp_ws *w);
void rp_ws_read_start(struct rp_ws *w);
struct rp_stream *rp_ws_stream(struct rp_ws *w);
/* With a status (1000 …) sends a close frame first, if the peer has not sent one, and flushes (1
 * s); 0 closes at once, or flushes the answer to the peer's close frame. Idempotent; a second
 * call with 0 cuts the flushing short. on_closed follows. */
void rp_ws_close(struct rp_ws *w, unsigned status);

#endif
