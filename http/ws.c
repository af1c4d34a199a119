/* SPDX-License-Identifier: MIT */
/*
 * WebSocket frames (RFC 6455 5): decoder, head of a frame, masking. No I/O.
 */
#include "http/ws.h"

#include <string.h>

#include "core/banned.h"

#define BIT_FIN     0x80
#define BITS_RSV    0x70
#define BITS_OPCODE 0x0f
#define BIT_CONTROL 0x08
#define BIT_MASK    0x80
#define BITS_LEN    0x7f
#define LEN_16      126
#define LEN_64      127
#define HEAD_FIRST  2U

/* The compiler splits it into what the processor has. */
typedef uint64_t word_vector __attribute__((vector_size(64)));

void rp_ws_mask(
    uint8_t *dst, const uint8_t *src, size_t n, const uint8_t mask[static 4], unsigned pos)
{
	uint8_t key[8];
	for (unsigned i = 0; i < sizeof(key); i++) {
		key[i] = mask[(pos + i) & 3];
	}
	uint64_t word;
	memcpy(&word, key, sizeof(word));
	size_t i = 0;
	for (; n - i >= sizeof(word_vector); i += sizeof(word_vector)) {
		word_vector v;
		memcpy(&v, src + i, sizeof(v));
		v ^= word;
		memcpy(dst + i, &v, sizeof(v));
	}
	for (; n - i >= sizeof(word); i += sizeof(word)) {
		uint64_t v;
		memcpy(&v, src + i, sizeof(v));
		v ^= word;
		memcpy(dst + i, &v, sizeof(v));
	}
	for (; i < n; i++) {
		dst[i] = src[i] ^ key[i & 7];
	}
}

size_t rp_ws_head(uint8_t out[static RP_WS_HEAD_MAX], enum rp_ws_opcode opcode, bool fin,
    uint64_t n, const uint8_t *mask)
{
	size_t at = HEAD_FIRST;
	unsigned len_bytes = n < LEN_16 ? 0 : n <= UINT16_MAX ? 2 : 8;
	uint8_t len = (uint8_t)(len_bytes == 0 ? n : len_bytes == 2 ? LEN_16 : LEN_64);
	out[0] = (uint8_t)((fin ? BIT_FIN : 0) | (unsigned)opcode);
	out[1] = (uint8_t)((mask != NULL ? BIT_MASK : 0) | len);
	for (unsigned i = len_bytes; i > 0; i--) {
		out[at++] = (uint8_t)(n >> (8 * (i - 1)));
	}
	if (mask != NULL) {
		memcpy(out + at, mask, 4);
		at += 4;
	}
	return at;
}

static void start_frame(struct rp_ws_decoder *d)
{
	d->head_n = 0;
	d->head_need = HEAD_FIRST;
	d->control_n = 0;
	d->mask_pos = 0;
}

void rp_ws_decoder_init(struct rp_ws_decoder *d, bool masked)
{
	*d = (struct rp_ws_decoder){.masked = masked};
	start_frame(d);
}

void rp_ws_decoder_stop(struct rp_ws_decoder *d)
{
	d->stopped = true;
}

static bool is_control(const struct rp_ws_decoder *d)
{
	return (d->opcode & BIT_CONTROL) != 0;
}

/* What the first two bytes allow to refuse (RFC 6455 5.2, 5.4, 5.5). */
static int check_first(const struct rp_ws_decoder *d)
{
	uint8_t len = d->head[1] & BITS_LEN;
	bool masked = (d->head[1] & BIT_MASK) != 0;
	if ((d->head[0] & BITS_RSV) != 0 || masked != d->masked) {
		return RP_EPROTO;
	}
	if (is_control(d)) {
		bool known = d->opcode <= RP_WS_PONG;
		return known && d->fin && len <= RP_WS_CONTROL_MAX ? 0 : RP_EPROTO;
	}
	if (d->opcode > RP_WS_BINARY) {
		return RP_EPROTO;
	}
	bool continues = d->opcode == RP_WS_CONT;
	return continues == (d->message_opcode != 0) ? 0 : RP_EPROTO;
}

static int parse_first(struct rp_ws_decoder *d)
{
	d->fin = (d->head[0] & BIT_FIN) != 0;
	d->opcode = d->head[0] & BITS_OPCODE;
	int rc = check_first(d);
	if (rc != 0) {
		return rc;
	}
	uint8_t len = d->head[1] & BITS_LEN;
	unsigned len_bytes = len == LEN_16 ? 2 : len == LEN_64 ? 8 : 0;
	d->head_need = HEAD_FIRST + len_bytes + (d->masked ? 4 : 0);
	if (!is_control(d) && d->opcode != RP_WS_CONT) {
		d->message_opcode = d->opcode;
		d->first = true;
	}
	return 0;
}

/* The head is complete. Lengths must be written in the shortest form. */
static int parse_rest(struct rp_ws_decoder *d)
{
	uint8_t len = d->head[1] & BITS_LEN;
	unsigned len_bytes = len == LEN_16 ? 2 : len == LEN_64 ? 8 : 0;
	d->left = len;
	if (len_bytes > 0) {
		d->left = 0;
		for (unsigned i = 0; i < len_bytes; i++) {
			d->left = d->left << 8 | d->head[HEAD_FIRST + i];
		}
		uint64_t least = len == LEN_16 ? LEN_16 : (uint64_t)UINT16_MAX + 1;
		if (d->left < least || d->left > INT64_MAX) {
			return RP_EPROTO;
		}
	}
	if (d->masked) {
		memcpy(d->mask, d->head + HEAD_FIRST + len_bytes, sizeof(d->mask));
	}
	d->head_need = 0;
	return 0;
}

/* Takes bytes of the head. */
static int feed_head(struct rp_ws_decoder *d, const uint8_t *p, size_t n)
{
	size_t part = RP_MIN(n, (size_t)(d->head_need - d->head_n));
	memcpy(d->head + d->head_n, p, part);
	d->head_n += (unsigned)part;
	d->used += part;
	if (d->head_n < d->head_need) {
		return 0;
	}
	if (d->head_n == HEAD_FIRST) {
		int rc = parse_first(d);
		if (rc != 0 || d->head_need > HEAD_FIRST) {
			return rc;
		}
	}
	return parse_rest(d);
}

/* Ends the frame before its callback is made, so that the state is right when that stops the
 * decoder. */
static void end_frame(struct rp_ws_decoder *d)
{
	if (!is_control(d) && d->fin) {
		d->message_opcode = 0;
	}
	start_frame(d);
}

static void feed_data(
    struct rp_ws_decoder *d, uint8_t *p, size_t n, const struct rp_ws_decoder_ops *ops, void *ctx)
{
	enum rp_ws_opcode opcode = (enum rp_ws_opcode)d->message_opcode;
	bool first = d->first;
	bool ended = d->left == 0;
	bool last = d->fin && ended;
	if (ended) {
		end_frame(d);
	}
	if (n > 0 || last) {
		d->first = false;
		ops->on_data(ctx, opcode, first, last, p, n);
	}
}

static void feed_control(struct rp_ws_decoder *d, const uint8_t *p, size_t n,
    const struct rp_ws_decoder_ops *ops, void *ctx)
{
	memcpy(d->control + d->control_n, p, n);
	d->control_n += (unsigned)n;
	if (d->left > 0) {
		return;
	}
	enum rp_ws_opcode opcode = (enum rp_ws_opcode)d->opcode;
	size_t len = d->control_n;
	end_frame(d);
	ops->on_control(ctx, opcode, d->control, len);
}

/* Takes payload bytes; n may be 0 for an empty frame. */
static void feed_payload(
    struct rp_ws_decoder *d, uint8_t *p, size_t n, const struct rp_ws_decoder_ops *ops, void *ctx)
{
	size_t part = (size_t)RP_MIN((uint64_t)n, d->left);
	if (d->masked) {
		rp_ws_mask(p, p, part, d->mask, d->mask_pos);
		d->mask_pos = (d->mask_pos + (unsigned)(part & 3)) & 3;
	}
	d->left -= part;
	d->used += part;
	if (is_control(d)) {
		feed_control(d, p, part, ops, ctx);
	} else {
		feed_data(d, p, part, ops, ctx);
	}
}

int rp_ws_decoder_feed(
    struct rp_ws_decoder *d, uint8_t *p, size_t n, const struct rp_ws_decoder_ops *ops, void *ctx)
{
	d->used = 0;
	d->stopped = false;
	while (d->used < n && !d->stopped) {
		if (d->head_need > 0) {
			int rc = feed_head(d, p + d->used, n - d->used);
			if (rc != 0) {
				return rc;
			}
			/* An empty frame has no byte to wait for. */
			if (d->head_need > 0 || (d->left > 0 && d->used == n)) {
				continue;
			}
		}
		feed_payload(d, p + d->used, n - d->used, ops, ctx);
	}
	return 0;
}
