/* SPDX-License-Identifier: MIT */
/*
 * WebSocket connection over a stream (http/ws.h): framing of what is sent, control frames, end of
 * the connection.
 *
 * After on_end nothing more is read; the owner closes. Data that arrives in one read behind a point
 * where the owner paused is kept and handed out when it reads again.
 */
#include <string.h>

#include "core/alloc.h"
#include "core/buf.h"
#include "core/crypto.h"
#include "core/str.h"
#include "http/iopool.h"
#include "http/ws.h"

#include "core/banned.h"

/* As long may a peer that has stopped reading keep the last frames waiting. */
#define CLOSE_LINGER_MS 5000
#define STATUS_NORMAL   1000
#define STATUS_PROTOCOL 1002
#define STATUS_NONE     0
/* One read of a stream, and what was there before it. */
#define PENDING_MAX (2 * RP_IOPOOL_READ_SIZE)
/* Keys for masks are fetched in portions: each frame needs a fresh one (RFC 6455 5.3). */
#define KEYS_SIZE 256

struct rp_ws {
	struct rp_stream *stream;
	const struct rp_ws_ops *ops;
	void *ctx;
	struct rp_ws_decoder decoder;
	struct rp_deferred later; /* hands out pending */
	struct rp_buf pending;
	bool client;
	bool paused;
	bool ended;      /* on_end was called */
	bool closing;    /* rp_ws_close was called */
	bool close_sent; /* a close frame is out */
	uint8_t *room;   /* reserved, of room_max bytes behind the place for a head */
	size_t room_max;
	unsigned keys_left;
	uint8_t keys[]; /* of a client, KEYS_SIZE */
};

static bool live(const struct rp_ws *w)
{
	return !w->ended && !w->closing;
}

static void end(struct rp_ws *w, int code, const char *why)
{
	if (!live(w)) {
		return;
	}
	w->ended = true;
	rp_ws_decoder_stop(&w->decoder);
	rp_loop_defer_cancel(&w->later);
	rp_stream_read_stop(w->stream);
	w->ops->on_end(w->ctx, code, why);
}

static const uint8_t *next_key(struct rp_ws *w)
{
	if (w->keys_left == 0) {
		rp_random(w->keys, KEYS_SIZE);
		w->keys_left = KEYS_SIZE;
	}
	w->keys_left -= 4;
	return w->keys + w->keys_left;
}

static size_t total_len(const struct iovec *iov, int n)
{
	size_t total = 0;
	for (int i = 0; i < n; i++) {
		if (__builtin_add_overflow(total, iov[i].iov_len, &total)) {
			return SIZE_MAX;
		}
	}
	return total;
}

static int send_frame(struct rp_ws *w, enum rp_ws_opcode opcode, const struct iovec *iov, int n)
{
	size_t total = total_len(iov, n);
	if (total > SIZE_MAX - RP_WS_HEAD_MAX) {
		return RP_ELIMIT;
	}
	uint8_t *p;
	int rc = rp_stream_write_reserve(w->stream, total + RP_WS_HEAD_MAX, &p);
	if (rc != 0) {
		return rc;
	}
	const uint8_t *key = w->client ? next_key(w) : NULL;
	size_t head = rp_ws_head(p, opcode, true, total, key);
	size_t at = 0;
	for (int i = 0; i < n; i++) {
		size_t len = iov[i].iov_len;
		if (key != NULL) {
			rp_ws_mask(p + head + at, iov[i].iov_base, len, key, (unsigned)(at & 3));
		} else if (len > 0) {
			memcpy(p + head + at, iov[i].iov_base, len);
		}
		at += len;
	}
	return rp_stream_write_commit(w->stream, head + total);
}

int rp_ws_send(struct rp_ws *w, enum rp_ws_opcode opcode, const struct iovec *iov, int n)
{
	if (!live(w) || w->close_sent) {
		return RP_ECLOSED;
	}
	return send_frame(w, opcode, iov, n);
}

static size_t head_len(const struct rp_ws *w, size_t n)
{
	uint8_t head[RP_WS_HEAD_MAX];
	return rp_ws_head(head, RP_WS_BINARY, true, n, w->client ? w->keys : NULL);
}

int rp_ws_reserve(struct rp_ws *w, size_t n, uint8_t **p)
{
	if (!live(w) || w->close_sent) {
		return RP_ECLOSED;
	}
	if (n > SIZE_MAX - RP_WS_HEAD_MAX) {
		return RP_ELIMIT;
	}
	int rc = rp_stream_write_reserve(w->stream, n + RP_WS_HEAD_MAX, &w->room);
	w->room_max = n;
	*p = rc == 0 ? w->room + head_len(w, n) : NULL;
	return rc;
}

int rp_ws_commit(struct rp_ws *w, enum rp_ws_opcode opcode, size_t n)
{
	RP_VERIFY(w->room != NULL && n <= w->room_max);
	uint8_t *to = w->room;
	w->room = NULL;
	if (n == 0) {
		return rp_stream_write_commit(w->stream, 0);
	}
	/* The head of a message that became much shorter is shorter too. */
	const uint8_t *filled = to + head_len(w, w->room_max);
	const uint8_t *key = w->client ? next_key(w) : NULL;
	size_t head = rp_ws_head(to, opcode, true, n, key);
	if (key != NULL) {
		rp_ws_mask(to + head, filled, n, key, 0);
	} else if (filled != to + head) {
		memmove(to + head, filled, n);
	}
	return rp_stream_write_commit(w->stream, head + n);
}

/* Control frames are best effort: without room the connection ends anyway. */
static void send_control(struct rp_ws *w, enum rp_ws_opcode opcode, const uint8_t *p, size_t n)
{
	struct iovec iov = {.iov_base = (void *)(uintptr_t)p, .iov_len = n};
	int rc = send_frame(w, opcode, &iov, 1);
	(void)rc;
}

static void send_close(struct rp_ws *w, unsigned status)
{
	if (w->close_sent) {
		return;
	}
	w->close_sent = true;
	uint8_t code[2] = {(uint8_t)(status >> 8), (uint8_t)status};
	send_control(w, RP_WS_CLOSE, code, status == STATUS_NONE ? 0 : sizeof(code));
}

/* RFC 6455 7.4 */
static bool close_valid(const uint8_t *p, size_t n, unsigned *status)
{
	*status = STATUS_NONE;
	if (n == 0) {
		return true;
	}
	if (n == 1) {
		return false;
	}
	unsigned s = (unsigned)p[0] << 8 | p[1];
	*status = s;
	bool known = (s >= 1000 && s <= 1003) || (s >= 1007 && s <= 1014) ||
	    (s >= 3000 && s < 5000);
	return known && rp_utf8_valid(p + 2, n - 2);
}

static void protocol_error(struct rp_ws *w)
{
	send_close(w, STATUS_PROTOCOL);
	end(w, RP_EPROTO, "WebSocket protocol error");
}

static void on_close_frame(struct rp_ws *w, const uint8_t *p, size_t n)
{
	unsigned status;
	if (!close_valid(p, n, &status)) {
		protocol_error(w);
		return;
	}
	send_close(w, status);
	bool orderly = status == STATUS_NONE || status == STATUS_NORMAL || status == 1001;
	end(w, orderly ? 0 : RP_ECLOSED, "closed by the peer");
}

static void on_control(void *ctx, enum rp_ws_opcode opcode, const uint8_t *p, size_t n)
{
	struct rp_ws *w = ctx;
	if (opcode == RP_WS_CLOSE) {
		on_close_frame(w, p, n);
	} else if (opcode == RP_WS_PING && !rp_stream_is_full(w->stream)) {
		/* A peer that does not read its pongs gets no more of them. */
		send_control(w, RP_WS_PONG, p, n);
	}
}

static void on_frame_data(
    void *ctx, enum rp_ws_opcode opcode, bool first, bool last, uint8_t *p, size_t n)
{
	struct rp_ws *w = ctx;
	w->ops->on_data(w->ctx, opcode, first, last, p, n);
}

static const struct rp_ws_decoder_ops decoder_ops = {
    .on_data = on_frame_data,
    .on_control = on_control,
};

/* Keeps what came behind the point where the owner paused. */
static void keep(struct rp_ws *w, const uint8_t *p, size_t n)
{
	int rc = rp_buf_add(&w->pending, p, n);
	if (rc != 0) {
		end(w, rc, rp_err_text(rc));
		return;
	}
	rp_stream_read_stop(w->stream);
	if (!w->paused) {
		/* Paused and started again within one callback. */
		rp_loop_defer(rp_stream_loop(w->stream), &w->later);
	}
}

static void feed(struct rp_ws *w, uint8_t *p, size_t n)
{
	int rc = rp_ws_decoder_feed(&w->decoder, p, n, &decoder_ops, w);
	if (!w->closing && w->ops->on_data_end != NULL) {
		w->ops->on_data_end(w->ctx);
	}
	if (!live(w)) {
		return;
	}
	if (rc != 0) {
		protocol_error(w);
	} else if (w->decoder.used < n) {
		keep(w, p + w->decoder.used, n - w->decoder.used);
	}
}

static void on_data(void *ctx, uint8_t *p, size_t n)
{
	struct rp_ws *w = ctx;
	if (w->pending.len > 0) {
		keep(w, p, n);
	} else {
		feed(w, p, n);
	}
}

static void on_later(struct rp_deferred *d)
{
	struct rp_ws *w = RP_CONTAINER_OF(d, struct rp_ws, later);
	if (w->paused || !live(w)) {
		return;
	}
	struct rp_buf batch = w->pending;
	rp_buf_init(&w->pending, PENDING_MAX);
	feed(w, rp_buf_head(&batch), batch.len);
	rp_buf_fini(&batch);
	if (live(w) && !w->paused && w->pending.len == 0) {
		rp_stream_read_start(w->stream);
	}
}

static void on_eof(void *ctx)
{
	end(ctx, 0, "connection closed");
}

static void on_error(void *ctx, int code, const char *text)
{
	end(ctx, code, text);
}

static void on_drain(void *ctx)
{
	struct rp_ws *w = ctx;
	if (live(w) && w->ops->on_drain != NULL) {
		w->ops->on_drain(w->ctx);
	}
}

static void on_closed(void *ctx)
{
	struct rp_ws *w = ctx;
	rp_buf_fini(&w->pending);
	if (w->ops->on_closed != NULL) {
		w->ops->on_closed(w->ctx);
	}
	rp_free(w);
}

static const struct rp_stream_ops stream_ops = {
    .on_data = on_data,
    .on_eof = on_eof,
    .on_error = on_error,
    .on_drain = on_drain,
    .on_closed = on_closed,
};

static const struct rp_stream_ops no_ops = {0};

int rp_ws_new(struct rp_stream *stream, bool client, const uint8_t *early, size_t early_n,
    const struct rp_ws_ops *ops, void *ctx, struct rp_ws **out)
{
	*out = NULL;
	struct rp_ws *w = rp_calloc(1, sizeof(*w) + (client ? KEYS_SIZE : 0));
	int rc = w == NULL ? RP_ENOMEM : 0;
	if (rc == 0) {
		rp_buf_init(&w->pending, RP_MAX(PENDING_MAX, early_n));
		rc = rp_buf_add(&w->pending, early, early_n);
	}
	if (rc != 0) {
		rp_free(w);
		rp_stream_set_ops(stream, &no_ops, NULL);
		rp_stream_close(stream);
		return rc;
	}
	w->stream = stream;
	w->client = client;
	w->ops = ops;
	w->ctx = ctx;
	w->later.run = on_later;
	rp_list_init(&w->later.node);
	rp_ws_decoder_init(&w->decoder, !client);
	rp_stream_set_ops(stream, &stream_ops, w);
	w->paused = true;
	rp_ws_read_start(w);
	*out = w;
	return 0;
}

size_t rp_ws_queued(const struct rp_ws *w)
{
	return rp_stream_queued(w->stream);
}

void rp_ws_read_stop(struct rp_ws *w)
{
	if (!live(w)) {
		return;
	}
	w->paused = true;
	rp_ws_decoder_stop(&w->decoder);
	rp_loop_defer_cancel(&w->later);
	rp_stream_read_stop(w->stream);
}

void rp_ws_read_start(struct rp_ws *w)
{
	if (!live(w) || !w->paused) {
		return;
	}
	w->paused = false;
	if (w->pending.len > 0) {
		/* Older bytes first; the socket is read again after them. */
		rp_loop_defer(rp_stream_loop(w->stream), &w->later);
	} else {
		rp_stream_read_start(w->stream);
	}
}

struct rp_stream *rp_ws_stream(struct rp_ws *w)
{
	return w->stream;
}

void rp_ws_close(struct rp_ws *w, unsigned status)
{
	bool again = w->closing;
	if (again && status != STATUS_NONE) {
		return;
	}
	if (status != STATUS_NONE) {
		send_close(w, status);
	}
	w->closing = true;
	rp_ws_decoder_stop(&w->decoder);
	rp_loop_defer_cancel(&w->later);
	if (w->close_sent && !again) {
		rp_stream_close_flush(w->stream, CLOSE_LINGER_MS);
	} else {
		rp_stream_close(w->stream);
	}
}
