/* SPDX-License-Identifier: MIT */
/*
 * A connected byte stream: TCP, or TLS (mbedTLS) over TCP, behind one interface. Writes are
 * collected and go out with one system call per loop turn; reads are handed out in place.
 *
 * Close protocol (style.md 4.6): rp_stream_close is idempotent and may be called from every
 * callback; on_closed comes exactly once, from the loop, and the stream is freed right after. No
 * callback but on_closed comes after rp_stream_close, rp_stream_reset, rp_stream_close_flush, and
 * after on_error. No callback ever comes from inside a function of this header.
 */
#ifndef RP_HTTP_STREAM_H
#define RP_HTTP_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/socket.h>
#include <sys/uio.h>

#include "core/defs.h"
#include "core/err.h"
#include "core/loop.h"

struct rp_stream;
struct rp_tls;

struct rp_stream_ops {
	/* n > 0 bytes; the memory is the stream's and may be changed in place (unmasking), valid
	 * during the call. None comes after rp_stream_read_stop. */
	void (*on_data)(void *ctx, uint8_t *p, size_t n);
	/* The peer sent FIN (or TLS close_notify); writing is still possible. May be NULL. */
	void (*on_eof)(void *ctx);
	/* Reset, time-out, TLS failure …: the owner has to close. code is a UV_E* or RP_E*; text
	 * for the log, valid during the call. May be NULL only if the stream is being closed. */
	void (*on_error)(void *ctx, int code, const char *text);
	/* The write queue fell below the low-water mark (half of the high one) after
	 * rp_stream_write had reported the high one. May be NULL. */
	void (*on_drain)(void *ctx);
	/* Last call. May be NULL. */
	void (*on_closed)(void *ctx);
};

struct rp_stream_options {
	size_t write_high;        /* bytes, default 256 KiB: above it rp_stream_write returns 1 */
	size_t write_max;         /* bytes, default 8 MiB: above it RP_ELIMIT */
	unsigned user_timeout_ms; /* see rp_stream_set_user_timeout; 0 = leave */
	/* SO_KEEPALIVE after 15 s, as the original has, or half of user_timeout_ms if that is
	 * less; the next probes come sooner: a peer that has given up meanwhile says so. */
	bool keepalive;
	/* TCP_NOTSENT_LOWAT in bytes, 0 = leave. The queue in user space obeys it too:
	 * write_high is then at most as much. */
	unsigned notsent_lowat;
};

/* Takes the connected socket fd (closed by the stream, also when this fails). TCP_NODELAY is
 * set. Reading starts paused. opt may be NULL (defaults). */
RP_NODISCARD int rp_stream_from_fd(struct rp_loop *loop, int fd,
    const struct rp_stream_options *opt, const struct rp_stream_ops *ops, void *ctx,
    struct rp_stream **out);
/* Puts TLS on the stream; nothing may be queued or half read. tls (http/tls.h) is borrowed until
 * on_closed; host (client side) is SNI and the name or IP address to verify, NULL on the server
 * side. The handshake runs when reading starts; writes before its end are queued. on_tls (may be
 * NULL) is called once with the ops' ctx when it is done (failures come by on_error). A peer
 * that ends TCP without close_notify counts as on_eof. */
RP_NODISCARD int rp_stream_start_tls(
    struct rp_stream *s, struct rp_tls *tls, const char *host, void (*on_tls)(void *ctx));
/* Hands the callbacks to a new owner (HTTP upgrade). */
void rp_stream_set_ops(struct rp_stream *s, const struct rp_stream_ops *ops, void *ctx);

void rp_stream_read_start(struct rp_stream *s);
void rp_stream_read_stop(struct rp_stream *s);
/* Copies the pieces into the queue, which is written at the end of the loop turn. 0; 1 = taken,
 * but the queue is above write_high: pause the source until on_drain; RP_ELIMIT, RP_ENOMEM,
 * RP_ECLOSED = not taken. */
RP_NODISCARD int rp_stream_write(struct rp_stream *s, const struct iovec *iov, int n);
/* Room of n bytes inside the queue, to be filled by the caller and then committed (no copy);
 * same errors. Nothing else may be called on the stream in between; committing less or 0 is
 * fine. */
RP_NODISCARD int rp_stream_write_reserve(struct rp_stream *s, size_t n, uint8_t **p);
int rp_stream_write_commit(struct rp_stream *s, size_t n);
/* Bytes that the kernel has not taken yet. */
size_t rp_stream_queued(const struct rp_stream *s);
/* The same and what the peer has not acknowledged: shrinks as long as the peer takes something,
 * while the kernel takes from us in big portions. One system call. */
size_t rp_stream_unacked(const struct rp_stream *s);
/* The queue is above write_high (what rp_stream_write reports by 1). */
bool rp_stream_is_full(const struct rp_stream *s);
/* Raises (or lowers) the limit of the queue. */
void rp_stream_set_write_max(struct rp_stream *s, size_t write_max);
/* TCP_USER_TIMEOUT: the connection fails when the peer's machine has acknowledged nothing for so
 * long, be it data or, with keepalive, probes. */
void rp_stream_set_user_timeout(struct rp_stream *s, unsigned ms);
/* Sends FIN (close_notify before it) after what is queued; later writes are RP_ECLOSED. */
void rp_stream_shutdown(struct rp_stream *s);
/* Writes what is queued, sends FIN, waits for the peer's FIN (so that no RST destroys what it has
 * not read) and closes; at the latest when the peer has taken nothing for linger_ms. What the
 * peer still sends is thrown away; after a few megabytes of that the stream closes. */
void rp_stream_close_flush(struct rp_stream *s, unsigned linger_ms);
/* Closes now; what is queued is lost. reset: SO_LINGER 0, the peer sees RST. */
void rp_stream_close(struct rp_stream *s);
void rp_stream_reset(struct rp_stream *s);

/* Address of the peer without port ("192.0.2.1", "2001:db8::1"; IPv4-mapped as IPv4; "" if
 * it was gone already when the stream was made). */
const char *rp_stream_peer(const struct rp_stream *s);
int rp_stream_fd(const struct rp_stream *s);
struct rp_loop *rp_stream_loop(const struct rp_stream *s);
bool rp_stream_is_tls(const struct rp_stream *s);

#endif
