/* SPDX-License-Identifier: MIT */
/*
 * The WebSocket decoder over arbitrary bytes, whole and in pieces: both must report the same.
 * The first
 * byte chooses the direction and the sizes of the pieces.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/buf.h"
#include "http/ws.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct trace {
	struct rp_buf b;
	bool open;
};

static void add(struct trace *t, const void *p, size_t n)
{
	if (rp_buf_add(&t->b, p, n) != 0) {
		abort();
	}
}

static void on_data(
    void *ctx, enum rp_ws_opcode opcode, bool first, bool last, uint8_t *p, size_t n)
{
	struct trace *t = ctx;
	if (first == t->open || (n == 0 && !last) ||
	    (opcode != RP_WS_TEXT && opcode != RP_WS_BINARY)) {
		abort();
	}
	t->open = !last;
	add(t, first ? "<" : "", first ? 1 : 0);
	add(t, p, n);
	add(t, ">", last ? 1 : 0);
}

static void on_control(void *ctx, enum rp_ws_opcode opcode, const uint8_t *p, size_t n)
{
	struct trace *t = ctx;
	uint8_t head[2] = {(uint8_t)opcode, (uint8_t)n};
	if (n > RP_WS_CONTROL_MAX || opcode < RP_WS_CLOSE || opcode > RP_WS_PONG) {
		abort();
	}
	add(t, head, sizeof(head));
	add(t, p, n);
}

static const struct rp_ws_decoder_ops ops = {.on_data = on_data, .on_control = on_control};

/* Feeds pieces of the given size; each in a block of its own, so that reading past it shows. */
static int run(struct trace *t, bool masked, const uint8_t *data, size_t size, size_t piece)
{
	struct rp_ws_decoder d;
	int rc = 0;
	*t = (struct trace){0};
	rp_buf_init(&t->b, SIZE_MAX);
	rp_ws_decoder_init(&d, masked);
	for (size_t at = 0; at < size && rc == 0; at += piece) {
		size_t n = RP_MIN(piece, size - at);
		uint8_t *copy = rp_memdup(data + at, n);
		if (copy == NULL) {
			abort();
		}
		rc = rp_ws_decoder_feed(&d, copy, n, &ops, t);
		if (rc == 0 && d.used != n) {
			abort();
		}
		rp_free(copy);
	}
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2) {
		return 0;
	}
	bool masked = (data[0] & 1) != 0;
	size_t piece = 1 + (data[0] >> 1);
	struct trace whole;
	struct trace pieces;
	int rc = run(&whole, masked, data + 1, size - 1, size - 1);
	int rc2 = run(&pieces, masked, data + 1, size - 1, piece);
	if (rc != rc2 || (rc != 0 && rc != RP_EPROTO) || whole.b.len != pieces.b.len ||
	    (whole.b.len > 0 && memcmp(whole.b.data, pieces.b.data, whole.b.len) != 0)) {
		abort();
	}
	rp_buf_fini(&whole.b);
	rp_buf_fini(&pieces.b);
	return 0;
}
