/* SPDX-License-Identifier: MIT */
/*
 * TCP side of a stream (http/stream.h).
 *
 * Writing: rp_stream_write appends to a queue and asks for a turn; on_turn encrypts (if TLS), tries
 * to write directly, and leaves to uv_write what the kernel did not take. The next write starts
 * when that one is done. Reading: straight into the thread's buffer, handed out in place, or
 * through TLS. End: close() closes the handles and the last one frees; close_flush() first writes,
 * sends FIN and waits for the peer's. Failure: on_error once, then silence until the owner closes.
 */
#include "http/stream.h"

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/alloc.h"
#include "http/stream_int.h"

#include "core/banned.h"

#define WRITE_HIGH_DEFAULT ((size_t)256 * 1024)
#define WRITE_MAX_DEFAULT  ((size_t)8 * 1024 * 1024)
#define KEEPALIVE_S_MAX    15
/* How long the kernel waits before it sends lost data again; without it twice as long each time,
 * and after a link was away for a while the connection stays silent for as long again. */
#define RESEND_MS_MAX 4000
#ifndef TCP_RTO_MAX_MS
#define TCP_RTO_MAX_MS 44 /* Linux 6.15 */
#endif
/* What a peer may still send after our last word; who sends more is not listening. */
#define DISCARD_MAX ((size_t)4 * 1024 * 1024)
/* uv_write needs no memory for up to four pieces. */
#define WRITE_PIECES_MAX 4

static void on_handle_closed(uv_handle_t *h)
{
	struct rp_stream *s = h->data;
	if (--s->handles > 0) {
		return;
	}
	if (s->tls != NULL) {
		rp_streamtls_free(s->tls);
	}
	rp_chunkq_fini(&s->out, s->pool);
	rp_iopool_put(s->pool);
	if (s->ops != NULL && s->ops->on_closed != NULL) {
		s->ops->on_closed(s->ctx);
	}
	rp_free(s);
}

void rp_stream_close(struct rp_stream *s)
{
	if (s->closing) {
		return;
	}
	s->closing = true;
	rp_loop_defer_cancel(&s->turn);
	uv_close((uv_handle_t *)&s->tcp, on_handle_closed);
	if (s->linger_made) {
		uv_close((uv_handle_t *)&s->linger, on_handle_closed);
	}
}

void rp_stream_fail(struct rp_stream *s, int code, const char *text)
{
	if (s->closing || s->failed) {
		return;
	}
	if (s->discard) {
		rp_stream_close(s);
		return;
	}
	s->failed = true;
	(void)uv_read_stop((uv_stream_t *)&s->tcp);
	rp_loop_defer_cancel(&s->turn);
	if (s->ops->on_error != NULL) {
		s->ops->on_error(s->ctx, code, text);
	}
}

static void fail_uv(struct rp_stream *s, int code)
{
	rp_stream_fail(s, code, rp_err_text(code));
}

void rp_stream_end_of_data(struct rp_stream *s)
{
	if (s->eof) {
		return;
	}
	s->eof = true;
	if (!s->closing) {
		(void)uv_read_stop((uv_stream_t *)&s->tcp);
	}
	if (rp_stream_live(s) && s->ops->on_eof != NULL) {
		s->ops->on_eof(s->ctx);
	} else if (s->discard && s->fin_sent) {
		rp_stream_close(s);
	}
}

/* The pool belongs to the loop's thread, so it is asked for there and not in rp_stream_from_fd. */
static bool have_pool(struct rp_stream *s)
{
	if (s->pool == NULL) {
		s->pool = rp_iopool_get();
	}
	return s->pool != NULL;
}

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *buf)
{
	(void)suggested;
	struct rp_stream *s = h->data;
	/* Without memory libuv reports UV_ENOBUFS to on_read. */
	*buf = uv_buf_init(NULL, 0);
	if (have_pool(s)) {
		*buf = uv_buf_init(
		    (char *)rp_iopool_read_buf(s->pool), (unsigned)RP_IOPOOL_READ_SIZE);
	}
}

static void on_read(uv_stream_t *h, ssize_t n, const uv_buf_t *buf)
{
	struct rp_stream *s = h->data;
	if (s->closing || n == 0) {
		return;
	}
	if (n == UV_EOF) {
		if (s->tls != NULL && !s->discard) {
			rp_streamtls_eof(s->tls);
		} else {
			rp_stream_end_of_data(s);
		}
	} else if (n < 0) {
		fail_uv(s, n == UV_ENOBUFS ? RP_ENOMEM : (int)n);
	} else if (s->discard) {
		s->discarded += (size_t)n;
		if (s->discarded > DISCARD_MAX && s->fin_sent) {
			rp_stream_close(s);
		}
	} else if (s->tls != NULL) {
		rp_streamtls_input(s->tls, (const uint8_t *)buf->base, (size_t)n);
	} else {
		s->ops->on_data(s->ctx, (uint8_t *)buf->base, (size_t)n);
	}
}

static size_t low_mark(const struct rp_stream *s)
{
	return s->opt.write_high / 2;
}

size_t rp_stream_queued(const struct rp_stream *s)
{
	/* libuv knows how much of the write under way is done. */
	size_t done = s->writing ? s->write_len - s->tcp.write_queue_size : 0;
	return s->out.len - done + (s->tls == NULL ? 0 : rp_streamtls_plain(s->tls)->len);
}

size_t rp_stream_unacked(const struct rp_stream *s)
{
	int kernel = 0;
	bool known = ioctl(rp_stream_fd(s), SIOCOUTQ, &kernel) == 0 && kernel > 0;
	return rp_stream_queued(s) + (known ? (size_t)kernel : 0);
}

/* Everything is written: FIN, if that was asked for. */
static void finish(struct rp_stream *s)
{
	if (s->fin_wanted && !s->fin_sent) {
		s->fin_sent = true;
		(void)shutdown(rp_stream_fd(s), SHUT_WR);
	}
	if (s->discard && s->fin_sent && s->eof) {
		rp_stream_close(s);
	}
}

static void flush(struct rp_stream *s);

static void on_written(uv_write_t *req, int status)
{
	struct rp_stream *s = req->data;
	s->writing = false;
	if (s->closing || s->failed) {
		return;
	}
	if (status != 0) {
		fail_uv(s, status);
		return;
	}
	rp_chunkq_consume(&s->out, s->pool, s->write_len);
	flush(s);
}

/* Leaves the front of the queue to the loop. */
static void write_async(struct rp_stream *s)
{
	struct iovec iov[WRITE_PIECES_MAX];
	uv_buf_t bufs[WRITE_PIECES_MAX];
	unsigned n = rp_chunkq_iov(&s->out, iov, WRITE_PIECES_MAX);
	s->write_len = 0;
	for (unsigned i = 0; i < n; i++) {
		bufs[i] = uv_buf_init(iov[i].iov_base, (unsigned)iov[i].iov_len);
		s->write_len += iov[i].iov_len;
	}
	s->write_req.data = s;
	int rc = uv_write(&s->write_req, (uv_stream_t *)&s->tcp, bufs, n, on_written);
	if (rc != 0) {
		fail_uv(s, rc);
		return;
	}
	s->writing = true;
}

/* Writes until the queue is empty (true) or the kernel takes no more. */
static bool write_now(struct rp_stream *s)
{
	while (s->out.len > 0) {
		struct iovec iov[WRITE_PIECES_MAX];
		uv_buf_t bufs[WRITE_PIECES_MAX];
		unsigned n = rp_chunkq_iov(&s->out, iov, WRITE_PIECES_MAX);
		size_t total = 0;
		for (unsigned i = 0; i < n; i++) {
			bufs[i] = uv_buf_init(iov[i].iov_base, (unsigned)iov[i].iov_len);
			total += iov[i].iov_len;
		}
		int rc = uv_try_write((uv_stream_t *)&s->tcp, bufs, n);
		if (rc < 0 && rc != UV_EAGAIN) {
			fail_uv(s, rc);
			return false;
		}
		size_t done = rc < 0 ? 0 : (size_t)rc;
		rp_chunkq_consume(&s->out, s->pool, done);
		if (done < total) {
			write_async(s);
			return false;
		}
	}
	return true;
}

static void maybe_drained(struct rp_stream *s)
{
	if (!s->full || rp_stream_queued(s) > low_mark(s)) {
		return;
	}
	s->full = false;
	if (rp_stream_live(s) && s->ops->on_drain != NULL) {
		s->ops->on_drain(s->ctx);
	}
}

/* Writes what the kernel takes; TLS encrypts in portions, hence the loop. */
static void flush(struct rp_stream *s)
{
	while (!s->writing) {
		if (s->tls != NULL && !rp_streamtls_flush(s->tls)) {
			return;
		}
		if (s->out.len == 0 || !write_now(s)) {
			break;
		}
	}
	if (s->closing || s->failed) {
		return;
	}
	if (rp_stream_queued(s) == 0) {
		finish(s);
	}
	if (!s->closing) {
		maybe_drained(s);
	}
}

void rp_stream_push(struct rp_stream *s)
{
	if (!s->writing && !s->closing) {
		(void)write_now(s);
	}
}

static void start_reading(struct rp_stream *s)
{
	int rc = uv_read_start((uv_stream_t *)&s->tcp, on_alloc, on_read);
	/* Reading already, or the socket is gone: then writing will find out. */
	(void)rc;
}

/* What TLS has kept comes first; without that limit a slow reader would make it grow. */
static void resume_reading(struct rp_stream *s)
{
	bool kept = s->tls != NULL && rp_streamtls_kept(s->tls);
	if (rp_stream_live(s) && s->reading && !s->eof && !kept) {
		start_reading(s);
	}
}

static void on_turn(struct rp_deferred *d)
{
	struct rp_stream *s = RP_CONTAINER_OF(d, struct rp_stream, turn);
	if (s->tls != NULL && !s->discard) {
		rp_streamtls_run(s->tls);
		resume_reading(s);
	}
	if (!s->closing && !s->failed) {
		flush(s);
	}
}

void rp_stream_want_turn(struct rp_stream *s)
{
	if (!s->closing && !s->failed) {
		rp_loop_defer(s->loop, &s->turn);
	}
}

/* 0 if n more bytes may be queued. */
static int check_room(struct rp_stream *s, size_t n)
{
	if (!rp_stream_live(s) || s->fin_wanted) {
		return RP_ECLOSED;
	}
	size_t queued = rp_stream_queued(s);
	if (n > s->opt.write_max || queued > s->opt.write_max - n) {
		return RP_ELIMIT;
	}
	return have_pool(s) ? 0 : RP_ENOMEM;
}

/* Where the owner's bytes are queued. */
static struct rp_chunkq *front(struct rp_stream *s)
{
	return s->tls == NULL ? &s->out : rp_streamtls_plain(s->tls);
}

static int taken(struct rp_stream *s)
{
	rp_stream_want_turn(s);
	if (rp_stream_queued(s) > s->opt.write_high) {
		s->full = true;
		return 1;
	}
	return 0;
}

int rp_stream_write(struct rp_stream *s, const struct iovec *iov, int n)
{
	size_t total = 0;
	for (int i = 0; i < n; i++) {
		if (__builtin_add_overflow(total, iov[i].iov_len, &total)) {
			return RP_ELIMIT;
		}
	}
	int rc = check_room(s, total);
	if (rc == 0) {
		rc = rp_chunkq_add(front(s), s->pool, iov, n, total);
	}
	return rc == 0 ? taken(s) : rc;
}

int rp_stream_write_reserve(struct rp_stream *s, size_t n, uint8_t **p)
{
	int rc = check_room(s, n);
	return rc == 0 ? rp_chunkq_reserve(front(s), s->pool, n, p) : rc;
}

int rp_stream_write_commit(struct rp_stream *s, size_t n)
{
	rp_chunkq_commit(front(s), n);
	return taken(s);
}

bool rp_stream_is_full(const struct rp_stream *s)
{
	return s->full;
}

void rp_stream_set_write_max(struct rp_stream *s, size_t write_max)
{
	s->opt.write_max = write_max;
}

void rp_stream_shutdown(struct rp_stream *s)
{
	s->fin_wanted = true;
	rp_stream_want_turn(s);
}

void rp_stream_read_start(struct rp_stream *s)
{
	if (s->reading || !rp_stream_live(s)) {
		return;
	}
	s->reading = true;
	resume_reading(s);
	if (s->tls != NULL) {
		rp_stream_want_turn(s);
	}
}

void rp_stream_read_stop(struct rp_stream *s)
{
	if (!s->reading || !rp_stream_live(s)) {
		return;
	}
	s->reading = false;
	(void)uv_read_stop((uv_stream_t *)&s->tcp);
}

/* A slow reader gets its bytes as long as it takes some. */
static void on_linger(uv_timer_t *t)
{
	struct rp_stream *s = t->data;
	size_t left = rp_stream_unacked(s);
	if (left >= s->linger_left) {
		rp_stream_close(s);
	}
	s->linger_left = left;
}

void rp_stream_close_flush(struct rp_stream *s, unsigned linger_ms)
{
	if (s->closing || s->discard) {
		return;
	}
	bool shaking = s->tls != NULL && !rp_streamtls_ready(s->tls);
	if (s->failed || shaking || linger_ms == 0 ||
	    uv_timer_init(rp_loop_uv(s->loop), &s->linger) != 0) {
		rp_stream_close(s);
		return;
	}
	s->linger_made = true;
	s->handles++;
	s->linger.data = s;
	s->linger_left = rp_stream_unacked(s);
	(void)uv_timer_start(&s->linger, on_linger, linger_ms, linger_ms);
	s->discard = true;
	s->fin_wanted = true;
	if (!s->eof && !s->reading) {
		start_reading(s);
	}
	rp_stream_want_turn(s);
}

void rp_stream_reset(struct rp_stream *s)
{
	if (!s->closing) {
		struct linger hard = {.l_onoff = 1, .l_linger = 0};
		(void)setsockopt(rp_stream_fd(s), SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
		rp_stream_close(s);
	}
}

void rp_stream_set_ops(struct rp_stream *s, const struct rp_stream_ops *ops, void *ctx)
{
	s->ops = ops;
	s->ctx = ctx;
}

/* Failing options cost nothing but their effect. */
static void set_option(int fd, int level, int name, int value)
{
	(void)setsockopt(fd, level, name, &value, sizeof(value));
}

static void set_timeouts(int fd, const struct rp_stream_options *o)
{
	int keepalive_s = KEEPALIVE_S_MAX;
	if (o->user_timeout_ms > 0) {
		set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, (int)o->user_timeout_ms);
		set_option(fd, IPPROTO_TCP, TCP_RTO_MAX_MS, RESEND_MS_MAX);
		int half_s = (int)(o->user_timeout_ms / 2000);
		keepalive_s = RP_MIN(RP_MAX(half_s, 1), KEEPALIVE_S_MAX);
	}
	if (o->keepalive) {
		set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
		set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, keepalive_s);
		set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, RP_MAX(keepalive_s / 3, 1));
	}
}

void rp_stream_set_user_timeout(struct rp_stream *s, unsigned ms)
{
	if (!s->closing) {
		s->opt.user_timeout_ms = ms;
		set_timeouts(rp_stream_fd(s), &s->opt);
	}
}

static void apply_options(struct rp_stream *s, int fd)
{
	const struct rp_stream_options *o = &s->opt;
	set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	set_timeouts(fd, o);
	if (o->notsent_lowat > 0) {
		set_option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, (int)o->notsent_lowat);
	}
}

static void set_defaults(struct rp_stream_options *o)
{
	if (o->write_high == 0) {
		o->write_high = WRITE_HIGH_DEFAULT;
	}
	if (o->write_max == 0) {
		o->write_max = WRITE_MAX_DEFAULT;
	}
	if (o->notsent_lowat > 0) {
		o->write_high = RP_MIN(o->write_high, (size_t)o->notsent_lowat);
	}
}

static void read_peer(struct rp_stream *s, int fd)
{
	struct sockaddr_storage sa = {0};
	socklen_t len = sizeof(sa);
	if (getpeername(fd, (struct sockaddr *)&sa, &len) != 0) {
		return;
	}
	if (sa.ss_family == AF_INET) {
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)&sa;
		(void)inet_ntop(AF_INET, &v4->sin_addr, s->peer, sizeof(s->peer));
	} else if (sa.ss_family == AF_INET6) {
		const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&sa;
		bool mapped = IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr);
		const uint8_t *bytes = v6->sin6_addr.s6_addr;
		(void)inet_ntop(mapped ? AF_INET : AF_INET6, mapped ? bytes + 12 : bytes, s->peer,
		    sizeof(s->peer));
	}
}

int rp_stream_from_fd(struct rp_loop *loop, int fd, const struct rp_stream_options *opt,
    const struct rp_stream_ops *ops, void *ctx, struct rp_stream **out)
{
	*out = NULL;
	struct rp_stream *s = rp_calloc(1, sizeof(*s));
	if (s == NULL) {
		close(fd);
		return RP_ENOMEM;
	}
	s->loop = loop;
	if (opt != NULL) {
		s->opt = *opt;
	}
	set_defaults(&s->opt);
	s->turn.run = on_turn;
	rp_list_init(&s->turn.node);
	int rc = uv_tcp_init(rp_loop_uv(loop), &s->tcp);
	if (rc != 0) {
		rp_free(s);
		close(fd);
		return rc;
	}
	s->tcp.data = s;
	s->handles = 1;
	rc = uv_tcp_open(&s->tcp, fd);
	if (rc != 0) {
		close(fd);
		rp_stream_close(s); /* without ops: nobody is told */
		return rc;
	}
	apply_options(s, fd);
	read_peer(s, fd);
	s->ops = ops;
	s->ctx = ctx;
	*out = s;
	return 0;
}

const char *rp_stream_peer(const struct rp_stream *s)
{
	return s->peer;
}

int rp_stream_fd(const struct rp_stream *s)
{
	uv_os_fd_t fd = -1;
	return uv_fileno((const uv_handle_t *)&s->tcp, &fd) == 0 ? fd : -1;
}

struct rp_loop *rp_stream_loop(const struct rp_stream *s)
{
	return s->loop;
}

bool rp_stream_is_tls(const struct rp_stream *s)
{
	return s->tls != NULL;
}
