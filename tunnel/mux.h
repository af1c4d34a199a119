/* SPDX-License-Identifier: MIT */
/*
 * SSH connection protocol (RFC 4254) as a state machine over packets: global requests both ways,
 * channels with windows, EOF and CLOSE, and a fair send queue. No I/O, no timers, no libuv:
 * packets come in by rp_mux_input and leave by ops->send, so it is tested and fuzzed without
 * sockets. Both roles use it; all data of RPort (control JSON, tunnels, live output) passes here.
 *
 * Sending is pull: an owner says rp_channel_ready when it has bytes; while the transport has room
 * the mux asks one channel after the other (ops->on_pull) for at most 32 KiB, straight into the
 * packet. Channels whose last pulls were small go first. Global requests and replies never wait
 * behind data. The peer's window is used to its last byte, however small a message that makes: by
 * that the peer sees that it is the limit (tunnel/window.h).
 *
 * Receiving: on_data hands bytes over; the window is credited only for what rp_channel_consumed
 * reports (bytes that a socket took).
 */
#ifndef RP_TUNNEL_MUX_H
#define RP_TUNNEL_MUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/uio.h>

#include "core/defs.h"
#include "core/err.h"
#include "core/str.h"
#include "tunnel/budget.h"

/* Constants of the installed base (wire protocol 2.7). */
#define RP_MUX_WINDOW_DEFAULT (2u * 1024 * 1024)
#define RP_MUX_PACKET_MAX     32768u
#define RP_MUX_BATCH_MAX      16
#define RP_MUX_PAYLOAD_MAX    261000u /* of a packet, with all that it carries; wire protocol 2.2 */
#define RP_MUX_CHANNELS_MAX   16384u
/* Unanswered incoming want_reply requests; more is a protocol error. */
#define RP_MUX_REQUESTS_MAX 256u
/* Outgoing requests waiting; more is RP_EBUSY. */
#define RP_MUX_CALLS_MAX 256u

/* RFC 4254 5.1 */
enum rp_open_failure {
	RP_OPEN_PROHIBITED = 1,
	RP_OPEN_CONNECT_FAILED = 2,
	RP_OPEN_UNKNOWN_TYPE = 3,
	RP_OPEN_RESOURCE_SHORTAGE = 4
};

struct rp_mux;
struct rp_channel;
struct rp_call;

struct rp_mux_ops {
	/* Takes one packet (message number first). 0; 1 = taken, but the transport is full: the
	 * mux pulls no more data until rp_mux_drain; negative = the connection is lost (the mux
	 * goes quiet; the owner calls rp_mux_free soon). Must not call rp_mux_input. */
	int (*send)(void *ctx, const struct iovec *iov, int n);
	/* Room for a packet of at most n bytes where the transport wants it, and the packet in it
	 * (n bytes, 0: none), with the results of send: saves a copy. What send gets in between
	 * goes out after it. NULL: no room, send is used. Both may be NULL. */
	uint8_t *(*reserve)(void *ctx, size_t n);
	int (*commit)(void *ctx, size_t n);
	/* A global request. With want_reply, ticket is non-zero and exactly one rp_mux_reply has
	 * to follow, at any later time and in any order (the mux keeps the wire order). Payload
	 * borrowed. */
	void (*on_request)(
	    void *ctx, struct rp_str name, uint64_t ticket, const uint8_t *p, size_t n);
	/* The peer opens a channel: now or later exactly one rp_channel_accept or
	 * rp_channel_reject. extra is everything behind the fixed part, without a length (wire
	 * protocol 4.1). Borrowed. NULL: every open is refused. */
	void (*on_open)(
	    void *ctx, struct rp_channel *c, struct rp_str type, const uint8_t *extra, size_t n);
	/* The peer broke the protocol: nothing more is processed. The owner closes the
	 * connection. */
	void (*on_error)(void *ctx, const char *why);
};

/* Callbacks of one channel. After on_closed (exactly once, also after a failed open and from
 * rp_mux_free) the channel is freed. */
struct rp_channel_ops {
	void (*on_opened)(void *ctx); /* our open was confirmed; may be NULL */
	/* Fill at most max bytes at p; returns how many. 0: nothing now, not ready any more until
	 * rp_channel_ready. May call rp_channel_eof, close or detach: the bytes returned still go
	 * out before. */
	size_t (*on_pull)(void *ctx, uint8_t *p, size_t max);
	/* Borrowed. The owner keeps what its socket does not take (at most the window) and reports
	 * every byte by rp_channel_consumed, now or later. */
	void (*on_data)(void *ctx, const uint8_t *p, size_t n);
	/* The same for several messages at once, at most RP_MUX_BATCH_MAX; may be NULL. */
	void (*on_datav)(void *ctx, const struct iovec *iov, int n);
	void (*on_eof)(void *ctx);
	/* A channel request (subsystem …): true = success. NULL: all fail. */
	bool (*on_request)(void *ctx, struct rp_str name, const uint8_t *p, size_t n);
	/* The answer to rp_channel_request; may be NULL. */
	void (*on_answer)(void *ctx, bool ok);
	/* reason 0: closed; else the peer's (enum rp_open_failure) refusal of our open with its
	 * text; -1: the connection ended. */
	void (*on_closed)(void *ctx, int reason, struct rp_str text);
};

struct rp_mux_options {
	uint32_t window; /* initial receive window of a channel, default RP_MUX_WINDOW_DEFAULT */
	/* Receive windows follow the path (tunnel/window.h) as far as this budget of the process
	 * allows, which may also make them start smaller; it outlives the mux. NULL: they keep
	 * their initial size. */
	struct rp_budget *budget;
	uint64_t (*clock_ns)(void); /* of the paths; default rp_clock_ns */
	uint32_t packet_max; /* largest data message that we accept, default RP_MUX_PACKET_MAX */
	size_t channels_max; /* default RP_MUX_CHANNELS_MAX */
	/* What rp_mux_input is given stays valid until rp_mux_flush, which the owner calls before
	 * it sleeps: data is collected for on_datav. */
	bool batch;
};

/* opt may be NULL. ops borrowed. */
RP_NODISCARD int rp_mux_new(
    struct rp_mux **out, const struct rp_mux_options *opt, const struct rp_mux_ops *ops, void *ctx);
/* Every channel gets on_closed(-1), every call its callback with RP_ECLOSED; then all is freed,
 * silently a channel that was neither accepted nor rejected. Not from inside a callback of this
 * mux. */
void rp_mux_free(struct rp_mux *m);
/* One received packet: type 80..100 and what follows it. */
void rp_mux_input(struct rp_mux *m, uint8_t type, const uint8_t *p, size_t n);
/* Hands over what is collected (opt.batch); not from inside a callback of this mux. */
void rp_mux_flush(struct rp_mux *m);
/* The transport has room again (after send returned 1). */
void rp_mux_drain(struct rp_mux *m);
/* While a key exchange runs no channel data is pulled. */
void rp_mux_hold(struct rp_mux *m, bool hold);
/* Pulls from ready channels while there is room, at most 64 packets or 256 KiB. Called by
 * rp_mux_drain; the owner also calls it once per loop turn when want_run (may be NULL) has asked
 * for it: after rp_channel_ready, at the end of a hold, and when packets are left. */
void rp_mux_run(struct rp_mux *m);
void rp_mux_on_want_run(struct rp_mux *m, void (*want_run)(void *ctx));

/* Answers a request (RFC 4254 4; failure carries data too in RPort). Data copied. RP_ELIMIT if too
 * long: then a failure is sent in its place. */
int rp_mux_reply(struct rp_mux *m, uint64_t ticket, bool ok, const void *p, size_t n);
/* Sends a global request without reply. RP_ELIMIT here and below: longer than
 * RP_MUX_PAYLOAD_MAX with its name and what belongs to the message. */
RP_NODISCARD int rp_mux_notify(struct rp_mux *m, const char *name, const void *p, size_t n);
/* Sends a global request with want_reply; one is on the wire at a time (installed peers expect
 * that), others wait in order, and their time-outs run meanwhile. The callback comes exactly once unless the call is cancelled: code
 * 0 = success, RP_EDENIED = failure (data is the peer's text), RP_ECLOSED. Borrowed data. */
typedef void (*rp_call_cb)(void *ctx, int code, const uint8_t *p, size_t n);
RP_NODISCARD int rp_mux_call(struct rp_mux *m, const char *name, const void *p, size_t n,
    rp_call_cb cb, void *ctx, struct rp_call **out);
/* Forgets the callback (time-out). A call that was not sent yet is never sent. One that is on the
 * wire keeps its place until the answer comes, however late, because answers carry no number: the
 * next call's answer could not be told from it. So the calls behind it wait meanwhile, for ever if
 * the peer never answers; they are not sent and not failed, each ends by the time-out of its owner.
 * A peer that answers late is then served again without a new connection, and one that has gone
 * silent is for the keep-alive to find. Every owner of a call needs a time-out. */
void rp_call_cancel(struct rp_call *c);

/* Opens a channel. Callbacks as above; never from inside this call. */
RP_NODISCARD int rp_channel_open(struct rp_mux *m, const char *type, const void *extra, size_t n,
    const struct rp_channel_ops *ops, void *ctx, struct rp_channel **out);
void rp_channel_accept(struct rp_channel *c, const struct rp_channel_ops *ops, void *ctx);
/* Frees c. */
void rp_channel_reject(struct rp_channel *c, enum rp_open_failure reason, const char *text);
/* Sends a channel request with want_reply (RFC 4254 5.4); on_answer follows unless the channel
 * ends. One at a time: RP_EBUSY. RP_ECLOSED: not open, or its end is on the way. */
RP_NODISCARD int rp_channel_request(
    struct rp_channel *c, const char *name, const void *p, size_t n);
void rp_channel_ready(struct rp_channel *c);
void rp_channel_consumed(struct rp_channel *c, size_t n);
/* No more data from us. */
void rp_channel_eof(struct rp_channel *c);
/* Sends CLOSE (once); what was not pulled is lost. on_closed follows when the peer's CLOSE is
 * there. The owner may forget the channel at once with rp_channel_detach. */
void rp_channel_close(struct rp_channel *c);
/* The owner goes: no callback will come any more; the mux finishes the close handshake by itself.
 * A channel that was not accepted yet is refused by this and by rp_channel_close. */
void rp_channel_detach(struct rp_channel *c);
/* Bytes that the peer's window and our state allow to send now. */
size_t rp_channel_sendable(const struct rp_channel *c);

/* For monitoring and tests. */
struct rp_mux_stats {
	size_t channels;
	uint64_t bytes_in, bytes_out;
	uint64_t opens, refused;
};
void rp_mux_stats(const struct rp_mux *m, struct rp_mux_stats *s);

#endif
