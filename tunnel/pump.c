/* SPDX-License-Identifier: MIT */
/*
 * Socket <-> channel without buffers of its own while nothing waits.
 *
 * Socket to channel: the mux pulls, and the pull reads the socket straight into the packet. Only
 * when the socket has no more the poll is asked for the next bytes. The poll stays armed across a
 * turn (arming costs two system calls) and is disarmed when it fires although the channel already
 * waits for its turn. Channel to socket: written as it arrives; the rest waits in chunks, at most
 * the channel's window.
 *
 * Ends: FIN and EOF each end one direction; both together, or a CLOSE after the rest was written,
 * end the pump. RST in either direction ends it at once: CLOSE without EOF, and a CLOSE without
 * EOF becomes a RST.
 */
#include "tunnel/pump.h"

#include <errno.h>
#include <unistd.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "core/alloc.h"
#include "tunnel/chunks.h"

#include "core/banned.h"

#define IOV_MAX_PIECES 64
/* Writes for one event, each as much as the socket's buffer has room for. */
#define FLUSH_ROUNDS 4
/* A reader that takes nothing for so long after the channel has ended is given up. */
#define LINGER_MS 60000

struct rp_pump {
	struct rp_loop *loop;
	struct rp_channel *channel; /* NULL: not yet, or over */
	struct rp_pump_options opt;
	void (*on_done)(void *ctx, const struct rp_pump_result *r);
	void *ctx;
	uv_poll_t poll;
	struct rp_deferred done;
	struct rp_chunks waiting; /* for the socket */
	struct rp_pump_result result;
	int fd;          /* -1: not yet, or closed */
	int armed;       /* UV_READABLE, UV_WRITABLE */
	bool ready;      /* the channel waits for its turn to pull */
	bool drained;    /* the last read got less than it could take */
	bool fin_seen;   /* of the socket */
	bool eof_seen;   /* of the channel */
	bool fin_sent;   /* to the socket */
	bool unwritable; /* the socket takes nothing any more */
	bool channel_over;
	bool reset; /* the socket ends with RST */
	bool closing;
};

static void on_deferred_done(struct rp_deferred *d)
{
	struct rp_pump *p = RP_CONTAINER_OF(d, struct rp_pump, done);
	if (p->on_done != NULL) {
		p->on_done(p->ctx, &p->result);
	}
	rp_free(p);
}

static void on_poll_closed(uv_handle_t *h)
{
	struct rp_pump *p = h->data;
	on_deferred_done(&p->done);
}

static void close_socket(struct rp_pump *p)
{
	if (p->reset) {
		struct linger now = {.l_onoff = 1, .l_linger = 0};
		(void)setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	}
	(void)close(p->fd);
	p->fd = -1;
}

/* Ends everything; on_done follows from the loop. */
static void finish(struct rp_pump *p, const char *why)
{
	if (p->closing) {
		return;
	}
	p->closing = true;
	p->result.why = why;
	rp_chunks_fini(&p->waiting);
	if (p->channel != NULL) {
		struct rp_channel *c = p->channel;
		p->channel = NULL;
		rp_channel_detach(c);
	}
	if (p->fd < 0) {
		rp_loop_defer(p->loop, &p->done);
		return;
	}
	uv_close((uv_handle_t *)&p->poll, on_poll_closed);
	close_socket(p);
}

static void abort_with(struct rp_pump *p, const char *why)
{
	p->reset = true;
	finish(p, why);
}

static void on_poll(uv_poll_t *h, int status, int events);

static void arm(struct rp_pump *p, int events)
{
	if (p->closing || events == p->armed) {
		return;
	}
	p->armed = events;
	if (events == 0) {
		(void)uv_poll_stop(&p->poll);
	} else if (uv_poll_start(&p->poll, events, on_poll) != 0) {
		abort_with(p, "poll failed");
	}
}

static void set_ready(struct rp_pump *p)
{
	if (p->channel != NULL && !p->ready) {
		p->ready = true;
		rp_channel_ready(p->channel);
	}
}

static void credit(struct rp_pump *p, size_t n)
{
	if (p->channel != NULL && n > 0) {
		rp_channel_consumed(p->channel, n);
	}
}

/* After everything that may have been the last thing. */
static void check_end(struct rp_pump *p)
{
	if (p->closing || (p->waiting.size > 0 && !p->unwritable)) {
		return;
	}
	if (p->channel_over) {
		finish(p, p->result.why);
		return;
	}
	if (!p->eof_seen || p->fd < 0) {
		return;
	}
	if (p->opt.no_half_close || p->fin_seen) {
		finish(p, "eof");
		return;
	}
	if (!p->fin_sent && !p->unwritable) {
		p->fin_sent = true;
		(void)shutdown(p->fd, SHUT_WR);
	}
}

/* --- socket to channel --- */

static void take_fin(struct rp_pump *p)
{
	p->fin_seen = true;
	arm(p, p->armed & ~UV_READABLE);
	if (p->channel == NULL) {
		return;
	}
	if (p->unwritable) {
		abort_with(p, "reset");
		return;
	}
	if (!p->opt.no_half_close) {
		rp_channel_eof(p->channel);
		check_end(p);
		return;
	}
	struct rp_channel *c = p->channel;
	p->channel = NULL;
	p->channel_over = true;
	p->result.why = "eof";
	rp_channel_detach(c);
	check_end(p);
}

static size_t wait_readable(struct rp_pump *p)
{
	p->ready = false;
	p->drained = false;
	arm(p, p->armed | UV_READABLE);
	return 0;
}

static size_t on_pull(void *ctx, uint8_t *to, size_t max)
{
	struct rp_pump *p = ctx;
	if (p->fd < 0 || p->fin_seen) {
		p->ready = false;
		return 0;
	}
	if (p->drained) {
		return wait_readable(p);
	}
	ssize_t n;
	do {
		n = read(p->fd, to, max);
	} while (n < 0 && errno == EINTR);
	if (n > 0) {
		p->drained = (size_t)n < max;
		p->result.bytes_out += (uint64_t)n;
		return (size_t)n;
	}
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
		return wait_readable(p);
	}
	p->ready = false;
	if (n == 0) {
		take_fin(p);
	} else {
		abort_with(p, "reset");
	}
	return 0;
}

/* --- channel to socket --- */

/* What was to be written is lost; what the socket still has for us is read to its end. */
static void stop_writing(struct rp_pump *p)
{
	size_t lost = p->waiting.size;
	p->unwritable = true;
	rp_chunks_fini(&p->waiting);
	arm(p, p->armed & ~UV_WRITABLE);
	if (p->fin_seen || p->channel == NULL) {
		abort_with(p, "reset");
		return;
	}
	credit(p, lost);
	set_ready(p);
	check_end(p);
}

/* Bytes taken, 0 = none now, -1 = the socket is broken. */
static ssize_t write_pieces(int fd, const struct iovec *iov, int n)
{
	struct msghdr msg = {
	    .msg_iov = (struct iovec *)(uintptr_t)iov,
	    .msg_iovlen = (size_t)n,
	};
	ssize_t sent;
	do {
		sent = sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (sent < 0 && errno == EINTR);
	if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS)) {
		return 0;
	}
	return sent;
}

static void flush(struct rp_pump *p)
{
	for (int round = 0; round < FLUSH_ROUNDS && p->waiting.size > 0; round++) {
		struct iovec iov[IOV_MAX_PIECES];
		int n = rp_chunks_iov(&p->waiting, iov, IOV_MAX_PIECES);
		ssize_t sent = write_pieces(p->fd, iov, n);
		if (sent < 0) {
			stop_writing(p);
			return;
		}
		if (sent == 0) {
			break;
		}
		rp_chunks_consume(&p->waiting, (size_t)sent);
		credit(p, (size_t)sent);
	}
	if (p->waiting.size > 0) {
		arm(p, p->armed | UV_WRITABLE);
		return;
	}
	arm(p, p->armed & ~UV_WRITABLE);
	check_end(p);
}

/* Keeps what the socket has not taken of the pieces. */
static int keep(struct rp_pump *p, const struct iovec *iov, int n, size_t sent)
{
	int rc = 0;
	for (int i = 0; i < n && rc == 0; i++) {
		size_t part = RP_MIN(sent, iov[i].iov_len);
		sent -= part;
		if (part < iov[i].iov_len) {
			const uint8_t *data = iov[i].iov_base;
			rc = rp_chunks_add(&p->waiting, data + part, iov[i].iov_len - part);
		}
	}
	return rc;
}

static void on_datav(void *ctx, const struct iovec *iov, int n)
{
	struct rp_pump *p = ctx;
	size_t total = 0;
	for (int i = 0; i < n; i++) {
		total += iov[i].iov_len;
	}
	p->result.bytes_in += total;
	if (p->unwritable) {
		credit(p, total);
		return;
	}
	size_t sent = 0;
	if (p->fd >= 0 && p->waiting.size == 0) {
		ssize_t rc = write_pieces(p->fd, iov, n);
		if (rc < 0) {
			credit(p, total);
			stop_writing(p);
			return;
		}
		sent = (size_t)rc;
	}
	if (sent < total && keep(p, iov, n, sent) != 0) {
		abort_with(p, "out of memory");
		return;
	}
	if (sent < total && p->fd >= 0) {
		arm(p, p->armed | UV_WRITABLE);
	}
	credit(p, sent);
}

static void on_data(void *ctx, const uint8_t *data, size_t n)
{
	struct iovec iov = {.iov_base = (void *)(uintptr_t)data, .iov_len = n};
	on_datav(ctx, &iov, 1);
}

static void on_eof(void *ctx)
{
	struct rp_pump *p = ctx;
	p->eof_seen = true;
	check_end(p);
}

static const char *reason_text(int reason)
{
	if (reason < 0) {
		return "connection lost";
	}
	return reason == 0 ? "closed by peer" : "refused by peer";
}

static void on_closed(void *ctx, int reason, struct rp_str text)
{
	struct rp_pump *p = ctx;
	(void)text;
	p->channel = NULL;
	p->channel_over = true;
	p->ready = false;
	p->result.why = reason_text(reason);
	if (reason != 0) {
		abort_with(p, p->result.why);
		return;
	}
	/* With half-close a CLOSE before EOF means that the other end broke. */
	p->reset = !p->opt.no_half_close && !p->eof_seen;
	if (p->fd >= 0) {
		unsigned linger = LINGER_MS;
		(void)setsockopt(p->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &linger, sizeof(linger));
		arm(p, p->armed & ~UV_READABLE);
	}
	check_end(p);
}

static void on_poll(uv_poll_t *h, int status, int events)
{
	struct rp_pump *p = h->data;
	if (status < 0) {
		/* The socket has an error, and libuv has stopped the poll: reading and writing
		 * will tell. */
		p->armed = 0;
		events = UV_READABLE | UV_WRITABLE;
		if (p->fin_seen && p->waiting.size == 0) {
			abort_with(p, "reset");
			return;
		}
	}
	if ((events & UV_WRITABLE) != 0 && p->waiting.size > 0) {
		flush(p);
	}
	if (p->closing || (events & UV_READABLE) == 0 || p->fin_seen) {
		return;
	}
	if (p->ready || p->channel == NULL) {
		arm(p, p->armed & ~UV_READABLE);
	} else {
		set_ready(p);
	}
}

/* --- life --- */

int rp_pump_new(struct rp_loop *loop, const struct rp_pump_options *opt,
    void (*on_done)(void *ctx, const struct rp_pump_result *r), void *ctx, struct rp_pump **out)
{
	*out = NULL;
	struct rp_pump *p = rp_calloc(1, sizeof(*p));
	if (p == NULL) {
		return RP_ENOMEM;
	}
	p->loop = loop;
	if (opt != NULL) {
		p->opt = *opt;
	}
	p->on_done = on_done;
	p->ctx = ctx;
	p->done.run = on_deferred_done;
	p->fd = -1;
	p->result.why = "closed";
	*out = p;
	return 0;
}

const struct rp_channel_ops *rp_pump_channel_ops(void)
{
	static const struct rp_channel_ops ops = {
	    .on_pull = on_pull,
	    .on_data = on_data,
	    .on_datav = on_datav,
	    .on_eof = on_eof,
	    .on_closed = on_closed,
	};
	return &ops;
}

void rp_pump_set_channel(struct rp_pump *p, struct rp_channel *c)
{
	p->channel = c;
	if (p->fd >= 0 && !p->closing) {
		set_ready(p);
	}
}

int rp_pump_attach(struct rp_pump *p, int fd)
{
	if (p->closing || p->fd >= 0) {
		(void)close(fd);
		return RP_ECLOSED;
	}
	int rc = uv_poll_init(rp_loop_uv(p->loop), &p->poll, fd);
	if (rc != 0) {
		(void)close(fd);
		return rc;
	}
	p->poll.data = p;
	p->fd = fd;
	int on = 1;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	flush(p);
	if (!p->closing) {
		set_ready(p);
	}
	return 0;
}

void rp_pump_close(struct rp_pump *p)
{
	abort_with(p, p->channel_over ? p->result.why : "closed");
}
