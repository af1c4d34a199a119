/* SPDX-License-Identifier: MIT */
/*
 * Channels, what the owner does with them and what goes out (RFC 4254 5). Incoming messages are in
 * mux_channel_in.c.
 *
 * OPENING -> (confirmed) -> OPEN -> (peer's CLOSE) -> GONE; PENDING -> (accept) -> OPEN. A channel
 * is freed only by the peer's CLOSE or refusal, by reject, and by rp_mux_free. Installed peers
 * forget a channel when our CLOSE arrives and take anything that follows for a fatal error: every
 * sender here looks at close_sent.
 */
#include <stdint.h>

#include "core/alloc.h"
#include "tunnel/mux_private.h"

#include "core/banned.h"

/* Message number, length of the type, number, window, packet size. */
#define OPEN_HEADER 17u
/* Of a channel request: its name, and what it says. */
#define REQUEST_MAX 1024u

static void send_number(struct rp_channel *c, uint8_t type)
{
	uint8_t b[5] = {type};
	rp_mux_put_u32(b + 1, c->peer_id);
	struct iovec iov = rp_mux_iov(b, sizeof(b));
	(void)rp_mux_send(c->mux, &iov, 1);
}

static void send_eof(struct rp_channel *c)
{
	c->eof_sent = true;
	rp_mux_queue_remove(&c->turn);
	send_number(c, MSG_CHANNEL_EOF);
}

static void send_close(struct rp_channel *c)
{
	c->close_sent = true;
	rp_window_fini(&c->window);
	rp_mux_queue_remove(&c->turn);
	send_number(c, MSG_CHANNEL_CLOSE);
}

/* Neither EOF nor CLOSE was sent or asked for. */
static bool may_send(const struct rp_channel *c)
{
	return c->state == RP_CHANNEL_OPEN && !c->eof_sent && !c->eof_wanted && !c->close_sent &&
	    !c->close_wanted;
}

static void enqueue(struct rp_channel *c)
{
	if (c->ready && !c->pulling && c->peer_window > 0 && may_send(c)) {
		rp_mux_queue_add(&c->mux->queue, &c->turn);
		rp_mux_ask_run(c->mux);
	}
}

/* What was asked for while it could not be sent. */
static void send_wanted(struct rp_channel *c)
{
	/* A CLOSE without EOF means that something broke: an EOF that was asked for goes first. */
	if (c->eof_wanted && !c->eof_sent && !c->close_sent) {
		send_eof(c);
	}
	if (c->close_wanted && !c->close_sent) {
		send_close(c);
	}
}

static int send_open(
    struct rp_mux *m, const struct rp_channel *c, struct rp_str type, struct rp_str extra)
{
	uint8_t head[5] = {MSG_CHANNEL_OPEN};
	uint8_t fixed[12];
	rp_mux_put_u32(head + 1, (uint32_t)type.len);
	rp_mux_put_u32(fixed, c->id);
	rp_mux_put_u32(fixed + 4, c->window.size);
	rp_mux_put_u32(fixed + 8, m->opt.packet_max);
	const struct iovec iov[] = {
	    rp_mux_iov(head, sizeof(head)),
	    rp_mux_iov(type.p, type.len),
	    rp_mux_iov(fixed, sizeof(fixed)),
	    rp_mux_iov(extra.p, extra.len),
	};
	return rp_mux_send(m, iov, extra.len > 0 ? 4 : 3);
}

int rp_mux_channel_new(struct rp_mux *m, enum rp_channel_state state, struct rp_channel **out)
{
	struct rp_channel *c = rp_calloc(1, sizeof(*c));
	if (c == NULL) {
		return RP_ENOMEM;
	}
	int rc = rp_mux_table_add(&m->table, c, &c->id);
	if (rc != 0) {
		rp_free(c);
		return rc;
	}
	c->mux = m;
	c->state = state;
	rp_window_init(&c->window, m->opt.window, m->opt.budget);
	*out = c;
	return 0;
}

static void channel_free(struct rp_channel *c)
{
	if (c->mux->batch.channel == c) {
		c->mux->batch.channel = NULL;
	}
	rp_window_fini(&c->window);
	rp_mux_table_remove(&c->mux->table, c->id);
	rp_free(c);
}

int rp_channel_open(struct rp_mux *m, const char *type, const void *extra, size_t n,
    const struct rp_channel_ops *ops, void *ctx, struct rp_channel **out)
{
	*out = NULL;
	if (m->dead) {
		return RP_ECLOSED;
	}
	struct rp_str name = rp_str_c(type);
	const size_t max = RP_MUX_PAYLOAD_MAX - OPEN_HEADER;
	if (n > max || name.len > max - n) {
		return RP_ELIMIT;
	}
	struct rp_channel *c;
	int rc = rp_mux_channel_new(m, RP_CHANNEL_OPENING, &c);
	if (rc != 0) {
		return rc;
	}
	rc = send_open(m, c, name, rp_str_n(extra, n));
	if (rc != 0) {
		channel_free(c);
		return rc;
	}
	c->ops = ops;
	c->ctx = ctx;
	*out = c;
	return 0;
}

void rp_channel_accept(struct rp_channel *c, const struct rp_channel_ops *ops, void *ctx)
{
	RP_VERIFY(c->state == RP_CHANNEL_PENDING);
	struct rp_mux *m = c->mux;
	c->state = RP_CHANNEL_OPEN;
	c->ops = ops;
	c->ctx = ctx;
	m->stats.opens++;
	uint8_t b[17] = {MSG_CHANNEL_OPEN_CONFIRMATION};
	rp_mux_put_u32(b + 1, c->peer_id);
	rp_mux_put_u32(b + 5, c->id);
	rp_mux_put_u32(b + 9, c->window.size);
	rp_mux_put_u32(b + 13, m->opt.packet_max);
	struct iovec iov = rp_mux_iov(b, sizeof(b));
	(void)rp_mux_send(m, &iov, 1);
	send_wanted(c);
	enqueue(c);
}

void rp_mux_refuse(
    struct rp_mux *m, uint32_t peer_id, enum rp_open_failure reason, const char *text)
{
	static const uint8_t language[] = {0, 0, 0, 2, 'e', 'n'};
	struct rp_str s = rp_str_c(text);
	uint8_t b[13] = {MSG_CHANNEL_OPEN_FAILURE};
	rp_mux_put_u32(b + 1, peer_id);
	rp_mux_put_u32(b + 5, (uint32_t)reason);
	rp_mux_put_u32(b + 9, (uint32_t)s.len);
	const struct iovec iov[] = {
	    rp_mux_iov(b, sizeof(b)),
	    rp_mux_iov(s.p, s.len),
	    rp_mux_iov(language, sizeof(language)),
	};
	m->stats.refused++;
	(void)rp_mux_send(m, iov, 3);
}

void rp_channel_reject(struct rp_channel *c, enum rp_open_failure reason, const char *text)
{
	RP_VERIFY(c->state == RP_CHANNEL_PENDING);
	rp_mux_refuse(c->mux, c->peer_id, reason, text);
	channel_free(c);
}

void rp_mux_channel_end(struct rp_channel *c, int reason, struct rp_str text)
{
	rp_mux_queue_remove(&c->turn);
	c->state = RP_CHANNEL_GONE;
	if (c->ops != NULL && c->ops->on_closed != NULL) {
		c->ops->on_closed(c->ctx, reason, text);
	}
	channel_free(c);
}

void rp_mux_channel_opened(struct rp_channel *c)
{
	c->state = RP_CHANNEL_OPEN;
	c->mux->stats.opens++;
	send_wanted(c);
	if (!c->close_sent && c->ops != NULL && c->ops->on_opened != NULL) {
		c->ops->on_opened(c->ctx);
	}
	enqueue(c);
}

int rp_mux_channel_adjust(struct rp_channel *c, uint32_t n)
{
	if (__builtin_add_overflow(c->peer_window, n, &c->peer_window)) {
		return RP_EPROTO;
	}
	enqueue(c);
	return 0;
}

void rp_mux_channel_answer_close(struct rp_channel *c)
{
	if (!c->close_sent) {
		send_close(c);
	}
	rp_mux_channel_end(c, 0, rp_str_c(NULL));
}

static void put_data(struct rp_channel *c, uint8_t *packet, size_t n)
{
	packet[0] = MSG_CHANNEL_DATA;
	rp_mux_put_u32(packet + 1, c->peer_id);
	rp_mux_put_u32(packet + 5, (uint32_t)n);
	c->peer_window -= (uint32_t)n;
	c->mux->stats.bytes_out += n;
}

void rp_mux_channel_pull(struct rp_channel *c, uint8_t *packet)
{
	uint32_t max = RP_MIN(c->peer_window, RP_MIN(c->peer_packet, RP_MUX_PACKET_MAX));
	uint8_t *room = rp_mux_reserve(c->mux);
	packet = room != NULL ? room : packet;
	c->pulling = true;
	c->ready = false;
	size_t n = c->ops->on_pull(c->ctx, packet + RP_MUX_DATA_HEADER, max);
	RP_VERIFY(n <= max);
	c->pulling = false;
	rp_mux_queue_account(&c->turn, n);
	if (n > 0) {
		c->ready = true;
		put_data(c, packet, n);
	}
	if (room != NULL) {
		rp_mux_commit(c->mux, n > 0 ? RP_MUX_DATA_HEADER + n : 0);
	} else if (n > 0) {
		struct iovec iov = rp_mux_iov(packet, RP_MUX_DATA_HEADER + n);
		(void)rp_mux_send(c->mux, &iov, 1);
	}
	send_wanted(c);
	enqueue(c);
}

int rp_channel_request(struct rp_channel *c, const char *name, const void *p, size_t n)
{
	static const uint8_t want_reply = 1;
	struct rp_str s = rp_str_c(name);
	uint8_t head[9] = {MSG_CHANNEL_REQUEST};
	if (c->answer_due) {
		return RP_EBUSY;
	}
	if (c->state != RP_CHANNEL_OPEN || c->close_sent || c->close_wanted || c->mux->dead) {
		return RP_ECLOSED;
	}
	if (s.len > REQUEST_MAX || n > REQUEST_MAX) {
		return RP_ELIMIT;
	}
	rp_mux_put_u32(head + 1, c->peer_id);
	rp_mux_put_u32(head + 5, (uint32_t)s.len);
	const struct iovec iov[] = {
	    rp_mux_iov(head, sizeof(head)),
	    rp_mux_iov(s.p, s.len),
	    rp_mux_iov(&want_reply, 1),
	    rp_mux_iov(p, n),
	};
	c->answer_due = true;
	return rp_mux_send(c->mux, iov, n > 0 ? 4 : 3);
}

void rp_channel_ready(struct rp_channel *c)
{
	c->ready = true;
	enqueue(c);
}

void rp_channel_consumed(struct rp_channel *c, size_t n)
{
	if (c->state != RP_CHANNEL_OPEN || c->close_sent || c->close_wanted) {
		return;
	}
	uint32_t credit = rp_window_consume(&c->window, (uint32_t)RP_MIN(n, (size_t)UINT32_MAX));
	if (credit == 0) {
		return;
	}
	uint8_t b[9] = {MSG_CHANNEL_WINDOW_ADJUST};
	rp_mux_put_u32(b + 1, c->peer_id);
	rp_mux_put_u32(b + 5, credit);
	struct iovec iov = rp_mux_iov(b, sizeof(b));
	(void)rp_mux_send(c->mux, &iov, 1);
}

void rp_channel_eof(struct rp_channel *c)
{
	if (c->state == RP_CHANNEL_GONE || c->eof_sent || c->close_sent || c->close_wanted) {
		return;
	}
	c->eof_wanted = true;
	if (c->state == RP_CHANNEL_OPEN && !c->pulling) {
		send_eof(c);
	}
}

void rp_channel_close(struct rp_channel *c)
{
	if (c->state == RP_CHANNEL_PENDING) {
		rp_channel_reject(c, RP_OPEN_CONNECT_FAILED, "closed");
		return;
	}
	if (c->state == RP_CHANNEL_GONE || c->close_sent) {
		return;
	}
	c->close_wanted = true;
	if (c->state == RP_CHANNEL_OPEN && !c->pulling) {
		send_close(c);
	}
}

void rp_channel_detach(struct rp_channel *c)
{
	/* Inside its own on_pull the bytes that it returns still go out. */
	c->ops = NULL;
	c->ctx = NULL;
	rp_channel_close(c);
}

size_t rp_channel_sendable(const struct rp_channel *c)
{
	return may_send(c) ? c->peer_window : 0;
}
