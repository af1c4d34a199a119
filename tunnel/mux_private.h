/* SPDX-License-Identifier: MIT */
/*
 * What the files of the mux share: mux.c (life, dispatch, sending), mux_channel.c (channels),
 * mux_request.c (global requests). Nobody else includes this.
 */
#ifndef RP_TUNNEL_MUX_PRIVATE_H
#define RP_TUNNEL_MUX_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/uio.h>

#include "core/buf.h"
#include "core/defs.h"
#include "core/list.h"
#include "core/str.h"
#include "tunnel/mux.h"
#include "tunnel/mux_queue.h"
#include "tunnel/mux_table.h"
#include "tunnel/window.h"

/* RFC 4254 9 */
enum {
	MSG_GLOBAL_REQUEST = 80,
	MSG_REQUEST_SUCCESS = 81,
	MSG_REQUEST_FAILURE = 82,
	MSG_CHANNEL_OPEN = 90,
	MSG_CHANNEL_OPEN_CONFIRMATION = 91,
	MSG_CHANNEL_OPEN_FAILURE = 92,
	MSG_CHANNEL_WINDOW_ADJUST = 93,
	MSG_CHANNEL_DATA = 94,
	MSG_CHANNEL_EXTENDED_DATA = 95,
	MSG_CHANNEL_EOF = 96,
	MSG_CHANNEL_CLOSE = 97,
	MSG_CHANNEL_REQUEST = 98,
	MSG_CHANNEL_SUCCESS = 99,
	MSG_CHANNEL_FAILURE = 100
};

/* Message number, recipient, length. */
#define RP_MUX_DATA_HEADER 9u
#define RP_MUX_MALFORMED   "malformed message"

/* An incoming want_reply request that has no answer on the wire yet. */
struct rp_mux_request {
	bool answered;
	bool ok;
	uint8_t *data; /* owned */
	size_t n;
};

/* Ring, in wire order; the ticket of the first is first_ticket. */
struct rp_mux_requests {
	struct rp_mux_request *v;
	size_t cap; /* power of two */
	size_t head;
	size_t n;
	uint64_t first_ticket;
};

struct rp_mux {
	const struct rp_mux_ops *ops;
	void *ctx;
	void (*want_run)(void *ctx);
	struct rp_mux_options opt;
	struct rp_mux_table table;
	struct rp_mux_queue queue;
	struct rp_mux_requests requests;
	struct rp_window_path path;
	struct rp_list calls; /* struct rp_call; the first is on the wire */
	struct rp_mux_stats stats;
	struct {
		struct rp_channel *channel; /* NULL: none */
		int n;
		struct iovec iov[RP_MUX_BATCH_MAX];
	} batch;        /* data that arrived for one channel */
	bool dead;      /* the peer broke the protocol, or the transport is gone */
	bool full;      /* of the transport: until rp_mux_drain */
	bool hold;      /* key exchange */
	bool running;   /* inside rp_mux_run */
	bool run_asked; /* want_run was called */
};

enum rp_channel_state {
	RP_CHANNEL_OPENING, /* ours, not confirmed yet */
	RP_CHANNEL_PENDING, /* the peer's, the owner has not decided */
	RP_CHANNEL_OPEN,    /* until the peer's CLOSE */
	RP_CHANNEL_GONE     /* inside on_closed */
};

struct rp_channel {
	struct rp_mux *mux;
	const struct rp_channel_ops *ops; /* NULL: no owner (any more) */
	void *ctx;
	struct rp_mux_turn turn;
	struct rp_window window; /* ours */
	uint32_t id;             /* our number */
	uint32_t peer_id;
	uint32_t peer_window;
	uint32_t peer_packet;
	enum rp_channel_state state;
	bool ready;
	bool pulling; /* inside on_pull: EOF and CLOSE wait until its data went out */
	bool eof_wanted, eof_sent, eof_seen;
	bool close_wanted, close_sent;
	bool answer_due; /* to rp_channel_request */
};

/* A handler gets the packet behind the message number; NULL, or what is wrong. */
typedef const char *(*rp_mux_handler)(struct rp_mux *m, struct rp_cursor *in);

static inline void rp_mux_put_u32(uint8_t p[static 4], uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static inline struct iovec rp_mux_iov(const void *p, size_t n)
{
	/* iovec has no const variant; senders only read. */
	return (struct iovec){.iov_base = (void *)(uintptr_t)p, .iov_len = n};
}

/* mux.c: one packet. 0 or RP_ECLOSED, which most callers may ignore: the mux is quiet then. */
int rp_mux_send(struct rp_mux *m, const struct iovec *iov, int n);
/* Room for a whole data message in the transport, or NULL; given back by rp_mux_commit. */
uint8_t *rp_mux_reserve(struct rp_mux *m);
void rp_mux_commit(struct rp_mux *m, size_t n);
/* There may be something to pull. */
void rp_mux_ask_run(struct rp_mux *m);

/* mux_channel_in.c */
const char *rp_mux_in_open(struct rp_mux *m, struct rp_cursor *in);
const char *rp_mux_in_confirmation(struct rp_mux *m, struct rp_cursor *in);
const char *rp_mux_in_open_failure(struct rp_mux *m, struct rp_cursor *in);
const char *rp_mux_in_adjust(struct rp_mux *m, struct rp_cursor *in);
const char *rp_mux_in_data(struct rp_mux *m, struct rp_cursor *in);
const char *rp_mux_in_extended_data(struct rp_mux *m, struct rp_cursor *in);
const char *rp_mux_in_eof(struct rp_mux *m, struct rp_cursor *in);
const char *rp_mux_in_close(struct rp_mux *m, struct rp_cursor *in);
const char *rp_mux_in_channel_request(struct rp_mux *m, struct rp_cursor *in);
const char *rp_mux_in_channel_success(struct rp_mux *m, struct rp_cursor *in);
const char *rp_mux_in_channel_failure(struct rp_mux *m, struct rp_cursor *in);

/* mux_channel.c. RP_EBUSY: too many; RP_ENOMEM. */
RP_NODISCARD int rp_mux_channel_new(
    struct rp_mux *m, enum rp_channel_state state, struct rp_channel **out);
void rp_mux_refuse(
    struct rp_mux *m, uint32_t peer_id, enum rp_open_failure reason, const char *text);
/* Our open was confirmed. */
void rp_mux_channel_opened(struct rp_channel *c);
/* RP_EPROTO: more than 2^32-1. */
RP_NODISCARD int rp_mux_channel_adjust(struct rp_channel *c, uint32_t n);
/* The peer's CLOSE: answers it unless it is the answer. Frees c. */
void rp_mux_channel_answer_close(struct rp_channel *c);
/* One turn: pulls at most a packet's worth into packet (behind the room for the header), or
 * straight into the transport, and sends it. */
void rp_mux_channel_pull(struct rp_channel *c, uint8_t *packet);
/* Tells the owner, frees c. */
void rp_mux_channel_end(struct rp_channel *c, int reason, struct rp_str text);

/* mux_request.c */
const char *rp_mux_in_request(struct rp_mux *m, struct rp_cursor *in);
const char *rp_mux_in_success(struct rp_mux *m, struct rp_cursor *in);
const char *rp_mux_in_failure(struct rp_mux *m, struct rp_cursor *in);
/* Ends every call with RP_ECLOSED, frees all. */
void rp_mux_requests_fini(struct rp_mux *m);

#endif
