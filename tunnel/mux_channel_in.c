/* SPDX-License-Identifier: MIT */
/*
 * Incoming channel messages (RFC 4254 5): checked here, then handed to the owner. Every handler
 * answers NULL, or what the peer did wrong, which ends the connection.
 */
#include "core/alloc.h"
#include "tunnel/mux_private.h"

#include "core/banned.h"

/* What installed peers refuse too (wire protocol 2.7). */
#define PEER_PACKET_MIN 9u

/* The channel of the recipient number at the front; NULL with what is wrong in *why. */
static struct rp_channel *recipient(struct rp_mux *m, struct rp_cursor *in, const char **why)
{
	uint32_t id;
	if (rp_cursor_u32(in, &id) != 0) {
		*why = RP_MUX_MALFORMED;
		return NULL;
	}
	struct rp_channel *c = rp_mux_table_find(&m->table, id);
	/* A channel that we have not confirmed has no number that the peer could know. */
	if (c == NULL || c->state == RP_CHANNEL_PENDING) {
		*why = "message for an unknown channel";
		return NULL;
	}
	*why = NULL;
	return c;
}

/* As recipient, for messages that only an open channel may get. */
static struct rp_channel *open_recipient(struct rp_mux *m, struct rp_cursor *in, const char **why)
{
	struct rp_channel *c = recipient(m, in, why);
	if (c != NULL && c->state != RP_CHANNEL_OPEN) {
		*why = "message for a channel that is not open";
		return NULL;
	}
	return c;
}

/* As recipient, for the two answers to an open. */
static struct rp_channel *opening_recipient(
    struct rp_mux *m, struct rp_cursor *in, const char **why)
{
	struct rp_channel *c = recipient(m, in, why);
	if (c != NULL && c->state != RP_CHANNEL_OPENING) {
		*why = "answer to no channel open";
		return NULL;
	}
	return c;
}

const char *rp_mux_in_open(struct rp_mux *m, struct rp_cursor *in)
{
	struct rp_str type;
	uint32_t peer_id;
	uint32_t window;
	uint32_t packet;
	if (rp_cursor_sstring(in, &type) != 0 || rp_cursor_u32(in, &peer_id) != 0 ||
	    rp_cursor_u32(in, &window) != 0 || rp_cursor_u32(in, &packet) != 0) {
		return RP_MUX_MALFORMED;
	}
	if (packet < PEER_PACKET_MIN) {
		rp_mux_refuse(m, peer_id, RP_OPEN_CONNECT_FAILED, "invalid request");
		return NULL;
	}
	if (m->ops->on_open == NULL) {
		rp_mux_refuse(m, peer_id, RP_OPEN_PROHIBITED, "no channels here");
		return NULL;
	}
	struct rp_channel *c;
	if (rp_mux_channel_new(m, RP_CHANNEL_PENDING, &c) != 0) {
		rp_mux_refuse(m, peer_id, RP_OPEN_RESOURCE_SHORTAGE, "too many channels");
		return NULL;
	}
	c->peer_id = peer_id;
	c->peer_window = window;
	c->peer_packet = packet;
	m->ops->on_open(m->ctx, c, type, in->p, in->left);
	return NULL;
}

const char *rp_mux_in_confirmation(struct rp_mux *m, struct rp_cursor *in)
{
	const char *why;
	struct rp_channel *c = opening_recipient(m, in, &why);
	if (c == NULL) {
		return why;
	}
	if (rp_cursor_u32(in, &c->peer_id) != 0 || rp_cursor_u32(in, &c->peer_window) != 0 ||
	    rp_cursor_u32(in, &c->peer_packet) != 0) {
		return RP_MUX_MALFORMED;
	}
	if (c->peer_packet < PEER_PACKET_MIN) {
		return "invalid packet size of a channel";
	}
	rp_mux_channel_opened(c);
	return NULL;
}

const char *rp_mux_in_open_failure(struct rp_mux *m, struct rp_cursor *in)
{
	const char *why;
	struct rp_channel *c = opening_recipient(m, in, &why);
	if (c == NULL) {
		return why;
	}
	uint32_t reason;
	struct rp_str text;
	if (rp_cursor_u32(in, &reason) != 0 || rp_cursor_sstring(in, &text) != 0) {
		return RP_MUX_MALFORMED;
	}
	m->stats.refused++;
	/* 0 and -1 mean other things to the owner, and reserved numbers nothing. */
	bool known = reason >= RP_OPEN_PROHIBITED && reason <= RP_OPEN_RESOURCE_SHORTAGE;
	rp_mux_channel_end(c, known ? (int)reason : RP_OPEN_CONNECT_FAILED, text);
	return NULL;
}

const char *rp_mux_in_adjust(struct rp_mux *m, struct rp_cursor *in)
{
	const char *why;
	struct rp_channel *c = open_recipient(m, in, &why);
	if (c == NULL) {
		return why;
	}
	uint32_t n;
	if (rp_cursor_u32(in, &n) != 0 || in->left != 0) {
		return RP_MUX_MALFORMED;
	}
	return rp_mux_channel_adjust(c, n) == 0 ? NULL : "channel window too large";
}

/* Does anybody take the data of this channel? */
static bool is_wanted(const struct rp_channel *c)
{
	return !c->eof_seen && !c->close_sent && c->ops != NULL && c->ops->on_data != NULL;
}

void rp_mux_flush(struct rp_mux *m)
{
	struct rp_channel *c = m->batch.channel;
	m->batch.channel = NULL;
	if (c == NULL) {
		return;
	}
	if (is_wanted(c)) {
		c->ops->on_datav(c->ctx, m->batch.iov, m->batch.n);
		return;
	}
	size_t total = 0;
	for (int i = 0; i < m->batch.n; i++) {
		total += m->batch.iov[i].iov_len;
	}
	rp_channel_consumed(c, total);
}

static void collect(struct rp_channel *c, struct rp_str data)
{
	struct rp_mux *m = c->mux;
	if (m->batch.channel != c || m->batch.n == RP_MUX_BATCH_MAX) {
		rp_mux_flush(m);
		m->batch.channel = c;
		m->batch.n = 0;
	}
	m->batch.iov[m->batch.n++] = rp_mux_iov(data.p, data.len);
}

/* Counts it off the window; false: the peer was not allowed to send it. */
static bool fits_window(struct rp_channel *c, uint32_t n)
{
	struct rp_mux *m = c->mux;
	if (m->opt.budget != NULL && n > 0) {
		rp_window_path_data(&m->path, m->opt.clock_ns(), n);
	}
	return rp_window_take(&c->window, n, &m->path) == 0;
}

/* Checks and takes data off the window; what nobody wants is credited at once. */
static const char *take_data(struct rp_channel *c, struct rp_str data, bool wanted)
{
	struct rp_mux *m = c->mux;
	if (data.len > m->opt.packet_max) {
		return "data message too long";
	}
	if (!fits_window(c, (uint32_t)data.len)) {
		return "data beyond the channel window";
	}
	if (data.len == 0) {
		return NULL;
	}
	m->stats.bytes_in += data.len;
	if (c->eof_seen || c->close_sent) {
		return NULL;
	}
	if (!wanted || !is_wanted(c)) {
		rp_channel_consumed(c, data.len);
		return NULL;
	}
	if (m->opt.batch && c->ops->on_datav != NULL) {
		collect(c, data);
		return NULL;
	}
	c->ops->on_data(c->ctx, (const uint8_t *)data.p, data.len);
	return NULL;
}

const char *rp_mux_in_data(struct rp_mux *m, struct rp_cursor *in)
{
	const char *why;
	struct rp_channel *c = open_recipient(m, in, &why);
	if (c == NULL) {
		return why;
	}
	struct rp_str data;
	if (rp_cursor_sstring(in, &data) != 0 || in->left != 0) {
		return RP_MUX_MALFORMED;
	}
	return take_data(c, data, true);
}

const char *rp_mux_in_extended_data(struct rp_mux *m, struct rp_cursor *in)
{
	const char *why;
	struct rp_channel *c = open_recipient(m, in, &why);
	if (c == NULL) {
		return why;
	}
	uint32_t code;
	struct rp_str data;
	if (rp_cursor_u32(in, &code) != 0 || rp_cursor_sstring(in, &data) != 0 || in->left != 0) {
		return RP_MUX_MALFORMED;
	}
	return take_data(c, data, false);
}

const char *rp_mux_in_eof(struct rp_mux *m, struct rp_cursor *in)
{
	const char *why;
	struct rp_channel *c = open_recipient(m, in, &why);
	if (c == NULL) {
		return why;
	}
	if (in->left != 0) {
		return RP_MUX_MALFORMED;
	}
	if (!c->eof_seen) {
		c->eof_seen = true;
		rp_window_end(&c->window);
		if (!c->close_sent && c->ops != NULL && c->ops->on_eof != NULL) {
			c->ops->on_eof(c->ctx);
		}
	}
	return NULL;
}

const char *rp_mux_in_close(struct rp_mux *m, struct rp_cursor *in)
{
	const char *why;
	struct rp_channel *c = open_recipient(m, in, &why);
	if (c == NULL) {
		return why;
	}
	if (in->left != 0) {
		return RP_MUX_MALFORMED;
	}
	rp_mux_channel_answer_close(c);
	return NULL;
}

/* A request may come late, after the peer's own CLOSE (wire protocol 2.7): for no channel it is
 * ignored. */
const char *rp_mux_in_channel_request(struct rp_mux *m, struct rp_cursor *in)
{
	uint32_t id;
	struct rp_str name;
	uint8_t want_reply;
	if (rp_cursor_u32(in, &id) != 0 || rp_cursor_sstring(in, &name) != 0 ||
	    rp_cursor_u8(in, &want_reply) != 0) {
		return RP_MUX_MALFORMED;
	}
	struct rp_channel *c = rp_mux_table_find(&m->table, id);
	if (c == NULL || c->state != RP_CHANNEL_OPEN || c->close_sent) {
		return NULL;
	}
	bool ok = false;
	if (c->ops != NULL && c->ops->on_request != NULL) {
		ok = c->ops->on_request(c->ctx, name, in->p, in->left);
	}
	if (want_reply == 0 || c->close_sent) {
		return NULL;
	}
	uint8_t b[5] = {ok ? MSG_CHANNEL_SUCCESS : MSG_CHANNEL_FAILURE};
	rp_mux_put_u32(b + 1, c->peer_id);
	struct iovec iov = rp_mux_iov(b, sizeof(b));
	(void)rp_mux_send(m, &iov, 1);
	return NULL;
}

static const char *take_answer(struct rp_mux *m, struct rp_cursor *in, bool ok)
{
	const char *why;
	struct rp_channel *c = open_recipient(m, in, &why);
	if (c == NULL) {
		return why;
	}
	if (in->left != 0) {
		return RP_MUX_MALFORMED;
	}
	if (!c->answer_due) {
		return "answer to no channel request";
	}
	c->answer_due = false;
	if (!c->close_sent && c->ops != NULL && c->ops->on_answer != NULL) {
		c->ops->on_answer(c->ctx, ok);
	}
	return NULL;
}

const char *rp_mux_in_channel_success(struct rp_mux *m, struct rp_cursor *in)
{
	return take_answer(m, in, true);
}

const char *rp_mux_in_channel_failure(struct rp_mux *m, struct rp_cursor *in)
{
	return take_answer(m, in, false);
}
