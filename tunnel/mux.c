/* SPDX-License-Identifier: MIT */
/*
 * Life of a mux, dispatch of incoming packets, and the loop that gives channels their turns.
 *
 * Once dead (the peer broke the protocol, or the transport is lost) nothing is sent or processed
 * any more; the owners of channels and calls hear of it from rp_mux_free.
 */
#include "tunnel/mux.h"

#include "core/alloc.h"
#include "core/clock.h"
#include "tunnel/mux_private.h"

#include "core/banned.h"

/* Turns and bytes of one rp_mux_run, so that a transport that is never full does not keep the loop
 * from its sockets: what arrives there meanwhile waits for so long. */
#define RUN_TURNS_MAX 64
#define RUN_BYTES_MAX (256u * 1024)

/* The packet buffer lives on the stack only while data is pulled; -ftrivial-auto-var-init must not
 * clear it. */
#if defined(__has_attribute)
#if __has_attribute(uninitialized)
#define NOT_CLEARED __attribute__((uninitialized))
#endif
#endif
#ifndef NOT_CLEARED
#define NOT_CLEARED
#endif

int rp_mux_new(
    struct rp_mux **out, const struct rp_mux_options *opt, const struct rp_mux_ops *ops, void *ctx)
{
	*out = NULL;
	struct rp_mux *m = rp_calloc(1, sizeof(*m));
	if (m == NULL) {
		return RP_ENOMEM;
	}
	m->ops = ops;
	m->ctx = ctx;
	if (opt != NULL) {
		m->opt = *opt;
	}
	m->opt.window = m->opt.window != 0 ? m->opt.window : RP_MUX_WINDOW_DEFAULT;
	m->opt.packet_max = m->opt.packet_max != 0 ? m->opt.packet_max : RP_MUX_PACKET_MAX;
	m->opt.clock_ns = m->opt.clock_ns != NULL ? m->opt.clock_ns : rp_clock_ns;
	m->opt.channels_max = m->opt.channels_max != 0 ? m->opt.channels_max : RP_MUX_CHANNELS_MAX;
	rp_mux_table_init(&m->table, m->opt.channels_max);
	rp_mux_queue_init(&m->queue);
	rp_list_init(&m->calls);
	m->requests.first_ticket = 1;
	*out = m;
	return 0;
}

void rp_mux_free(struct rp_mux *m)
{
	if (m == NULL) {
		return;
	}
	RP_VERIFY(!m->running);
	m->dead = true;
	for (uint32_t i = 0; i < m->table.n; i++) {
		if (m->table.slots[i].channel != NULL) {
			rp_mux_channel_end(
			    m->table.slots[i].channel, -1, rp_str_c("connection closed"));
		}
	}
	rp_mux_requests_fini(m);
	rp_mux_table_fini(&m->table);
	rp_free(m);
}

static int sent(struct rp_mux *m, int rc)
{
	if (rc < 0) {
		m->dead = true;
		return RP_ECLOSED;
	}
	if (rc > 0) {
		m->full = true;
	}
	return 0;
}

int rp_mux_send(struct rp_mux *m, const struct iovec *iov, int n)
{
	return m->dead ? RP_ECLOSED : sent(m, m->ops->send(m->ctx, iov, n));
}

uint8_t *rp_mux_reserve(struct rp_mux *m)
{
	return m->ops->reserve != NULL
	    ? m->ops->reserve(m->ctx, RP_MUX_DATA_HEADER + RP_MUX_PACKET_MAX)
	    : NULL;
}

void rp_mux_commit(struct rp_mux *m, size_t n)
{
	(void)sent(m, m->ops->commit(m->ctx, m->dead ? 0 : n));
}

static void fail(struct rp_mux *m, const char *why)
{
	if (m->dead) {
		return;
	}
	m->dead = true;
	m->ops->on_error(m->ctx, why);
}

/* A message that no peer has a reason to send. */
static const char *unexpected(struct rp_mux *m, struct rp_cursor *in)
{
	(void)m;
	(void)in;
	return "unexpected message";
}

static rp_mux_handler handler_of(uint8_t type)
{
	static const rp_mux_handler handlers[] = {
	    [MSG_GLOBAL_REQUEST] = rp_mux_in_request,
	    [MSG_REQUEST_SUCCESS] = rp_mux_in_success,
	    [MSG_REQUEST_FAILURE] = rp_mux_in_failure,
	    [MSG_CHANNEL_OPEN] = rp_mux_in_open,
	    [MSG_CHANNEL_OPEN_CONFIRMATION] = rp_mux_in_confirmation,
	    [MSG_CHANNEL_OPEN_FAILURE] = rp_mux_in_open_failure,
	    [MSG_CHANNEL_WINDOW_ADJUST] = rp_mux_in_adjust,
	    [MSG_CHANNEL_DATA] = rp_mux_in_data,
	    [MSG_CHANNEL_EXTENDED_DATA] = rp_mux_in_extended_data,
	    [MSG_CHANNEL_EOF] = rp_mux_in_eof,
	    [MSG_CHANNEL_CLOSE] = rp_mux_in_close,
	    [MSG_CHANNEL_REQUEST] = rp_mux_in_channel_request,
	    [MSG_CHANNEL_SUCCESS] = rp_mux_in_channel_success,
	    [MSG_CHANNEL_FAILURE] = rp_mux_in_channel_failure,
	};
	if (type >= RP_ARRAY_LEN(handlers) || handlers[type] == NULL) {
		return unexpected;
	}
	return handlers[type];
}

void rp_mux_input(struct rp_mux *m, uint8_t type, const uint8_t *p, size_t n)
{
	if (m->dead) {
		return;
	}
	if (type != MSG_CHANNEL_DATA && type != MSG_CHANNEL_WINDOW_ADJUST) {
		rp_mux_flush(m);
	}
	struct rp_cursor in;
	rp_cursor_init(&in, p, n);
	const char *why = handler_of(type)(m, &in);
	if (why != NULL) {
		fail(m, why);
	}
}

/* May data be pulled? */
static bool has_room(const struct rp_mux *m)
{
	return !m->dead && !m->full && !m->hold;
}

void rp_mux_ask_run(struct rp_mux *m)
{
	if (m->running || m->run_asked || m->want_run == NULL) {
		return;
	}
	if (has_room(m) && !rp_mux_queue_empty(&m->queue)) {
		m->run_asked = true;
		m->want_run(m->ctx);
	}
}

void rp_mux_run(struct rp_mux *m)
{
	NOT_CLEARED uint8_t packet[RP_MUX_DATA_HEADER + RP_MUX_PACKET_MAX];
	m->run_asked = false;
	if (m->running) {
		return;
	}
	m->running = true;
	uint64_t end = m->stats.bytes_out + RUN_BYTES_MAX;
	for (int turns = 0; turns < RUN_TURNS_MAX && m->stats.bytes_out < end && has_room(m);
	     turns++) {
		struct rp_mux_turn *t = rp_mux_queue_take(&m->queue);
		if (t == NULL) {
			break;
		}
		rp_mux_channel_pull(RP_LIST_ENTRY(t, struct rp_channel, turn), packet);
	}
	m->running = false;
	rp_mux_ask_run(m);
}

void rp_mux_drain(struct rp_mux *m)
{
	m->full = false;
	rp_mux_run(m);
}

void rp_mux_hold(struct rp_mux *m, bool hold)
{
	m->hold = hold;
	rp_mux_ask_run(m);
}

void rp_mux_on_want_run(struct rp_mux *m, void (*want_run)(void *ctx))
{
	m->want_run = want_run;
	rp_mux_ask_run(m);
}

void rp_mux_stats(const struct rp_mux *m, struct rp_mux_stats *s)
{
	*s = m->stats;
	s->channels = m->table.used;
}
