/* SPDX-License-Identifier: MIT */
/*
 * One socket for each source, so that what comes back there is that source's. The least recently
 * used one goes when there are too many, and the timer takes those that have been silent.
 */
#include "tunnel/udp_client.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include <sys/resource.h>

#include "core/alloc.h"
#include "core/err.h"
#include "core/log.h"
#include "tunnel/resolve.h"
#include "tunnel/udp_addr.h"
#include "tunnel/udp_flows.h"
#include "tunnel/udp_io.h"

#include "core/banned.h"

#define FLOW_IDLE_MS 15000u
#define SCAN_MS      5000u
#define FLOWS_MAX    4096u
#define LOG_MS       60000u
/* A target may answer one question with a burst. */
#define RECEIVE_BYTES (512 * 1024)
#define SEND_BYTES    (256 * 1024)

struct flow {
	struct rp_udp_flow base;
	struct rp_udp_client *client;
	uv_poll_t poll;
	int fd;
};

struct rp_udp_client {
	struct rp_loop *loop;
	void (*on_done)(void *ctx);
	void *ctx;
	struct sockaddr_storage target;
	struct rp_channel *channel;
	struct rp_gob_decoder *decoder;
	struct rp_udp_queue queue;
	struct rp_udp_flows flows;
	struct rp_udp_out *questions; /* while the server's data are read */
	struct flow *asking;          /* whose they are */
	size_t handles;               /* open ones, timer included */
	uv_timer_t timer;
	bool closing;
	uint64_t lost;   /* no socket for them, too large, or not taken by the kernel */
	uint64_t logged; /* of all that were lost or dropped */
	uint64_t logged_ms;
};

static uint64_t now_ms(const struct rp_udp_client *u)
{
	return uv_now(rp_loop_uv(u->loop));
}

/* Once in a while, not for each. */
static void log_dropped(struct rp_udp_client *u)
{
	uint64_t all = u->queue.dropped + u->lost;
	if (all == u->logged) {
		return;
	}
	char text[RP_SOCKADDR_TEXT_MAX];
	rp_sockaddr_text(&u->target, text);
	rp_log_info("udp", "tunnel to %s: %" PRIu64 " datagrams dropped, %" PRIu64 " in all", text,
	    all - u->logged, all);
	u->logged = all;
	u->logged_ms = now_ms(u);
}

static void handle_closed(struct rp_udp_client *u)
{
	if (--u->handles > 0) {
		return;
	}
	u->on_done(u->ctx);
	rp_udp_flows_fini(&u->flows);
	rp_udp_queue_fini(&u->queue);
	rp_gob_decoder_free(u->decoder);
	rp_free(u);
}

/* --- flows --- */

static void on_flow_closed(uv_handle_t *h)
{
	struct flow *f = h->data;
	struct rp_udp_client *u = f->client;
	rp_free(f);
	handle_closed(u);
}

/* What the flow's source still has to be sent goes out before its socket goes. */
static void send_questions(struct rp_udp_client *u)
{
	if (u->questions != NULL && u->asking != NULL) {
		rp_udp_out_flush(u->questions);
		u->asking = NULL;
	}
}

static void close_flow(struct flow *f)
{
	struct rp_udp_client *u = f->client;
	if (u->asking == f) {
		send_questions(u);
	}
	rp_udp_line_clear(&u->queue, &f->base.line);
	rp_udp_flows_remove(&u->flows, &f->base);
	uv_close((uv_handle_t *)&f->poll, on_flow_closed);
	(void)close(f->fd);
	f->fd = -1;
}

static struct flow *oldest(struct rp_udp_client *u)
{
	struct rp_udp_flow *f = rp_udp_flows_oldest(&u->flows);
	return f == NULL ? NULL : RP_CONTAINER_OF(f, struct flow, base);
}

static void on_scan(uv_timer_t *t)
{
	struct rp_udp_client *u = t->data;
	uint64_t now = now_ms(u);
	struct flow *f = oldest(u);
	for (; f != NULL && now - f->base.last_ms >= FLOW_IDLE_MS; f = oldest(u)) {
		close_flow(f);
	}
	if (u->logged_ms == 0 || now - u->logged_ms >= LOG_MS) {
		log_dropped(u);
	}
	if (f == NULL) {
		(void)uv_timer_stop(t);
	}
}

static void on_answer(void *ctx, const struct sockaddr *from, const uint8_t *p, size_t n)
{
	struct flow *f = ctx;
	struct rp_udp_record rec = f->base.rec;
	(void)from;
	rec.data = p;
	rec.data_len = n;
	rp_udp_flows_touch(&f->client->flows, &f->base, now_ms(f->client));
	rp_udp_queue_add(&f->client->queue, &f->base.line, &rec);
}

static void on_readable(uv_poll_t *h, int status, int events)
{
	struct flow *f = h->data;
	struct rp_udp_client *u = f->client;
	(void)events;
	u->lost += rp_udp_receive(u->loop, f->fd, on_answer, f);
	if (u->queue.n > 0) {
		rp_channel_ready(u->channel);
	}
	if (status < 0) {
		(void)uv_poll_start(&f->poll, UV_READABLE, on_readable);
	}
}

/* Descriptors are given out from below, so this one tells how many are in use: half of them are
 * left to everything else. */
static bool may_have(int fd)
{
	struct rlimit lim;
	return getrlimit(RLIMIT_NOFILE, &lim) != 0 || (rlim_t)fd < lim.rlim_cur / 2;
}

/* A connected socket or a negative code. */
static int connect_socket(const struct sockaddr_storage *target)
{
	int fd = socket(target->ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return uv_translate_sys_error(errno);
	}
	int rc = may_have(fd) ? 0 : UV_EMFILE;
	if (rc == 0 && connect(fd, (const struct sockaddr *)target, rp_sockaddr_len(target)) != 0) {
		rc = uv_translate_sys_error(errno);
	}
	if (rc != 0) {
		(void)close(fd);
		return rc;
	}
	rp_udp_socket_buffers(fd, RECEIVE_BYTES, SEND_BYTES);
	return fd;
}

static int start_flow(struct rp_udp_client *u, struct flow *f, const struct rp_udp_record *rec)
{
	f->fd = connect_socket(&u->target);
	if (f->fd == UV_EMFILE && oldest(u) != NULL) {
		close_flow(oldest(u));
		f->fd = connect_socket(&u->target);
	}
	if (f->fd < 0) {
		return f->fd;
	}
	int rc = rp_udp_flows_add(&u->flows, &f->base, rec, now_ms(u));
	if (rc != 0) {
		goto fail_socket;
	}
	rc = uv_poll_init(rp_loop_uv(u->loop), &f->poll, f->fd);
	if (rc != 0) {
		goto fail_flow;
	}
	f->poll.data = f;
	u->handles++;
	(void)uv_poll_start(&f->poll, UV_READABLE, on_readable);
	if (!uv_is_active((const uv_handle_t *)&u->timer)) {
		(void)uv_timer_start(&u->timer, on_scan, SCAN_MS, SCAN_MS);
	}
	return 0;

fail_flow:
	rp_udp_flows_remove(&u->flows, &f->base);
fail_socket:
	(void)close(f->fd);
	return rc;
}

/* The flow of a source, a new one if need be; NULL: not possible now. */
static struct flow *flow_of(struct rp_udp_client *u, const struct rp_udp_record *rec)
{
	struct rp_udp_flow *known = rp_udp_flows_use(&u->flows, rec, now_ms(u));
	if (known != NULL) {
		return RP_CONTAINER_OF(known, struct flow, base);
	}
	if (rp_udp_flows_count(&u->flows) >= FLOWS_MAX) {
		close_flow(oldest(u));
	}
	struct flow *f = rp_calloc(1, sizeof(*f));
	if (f == NULL) {
		return NULL;
	}
	f->client = u;
	if (start_flow(u, f, rec) != 0) {
		rp_free(f);
		return NULL;
	}
	return f;
}

/* A datagram of a source for the target; those of the same source in a row go together. */
static int on_record(void *ctx, const struct rp_udp_record *rec)
{
	struct rp_udp_client *u = ctx;
	struct flow *f = flow_of(u, rec);
	if (f == NULL) {
		u->lost++;
		return 0;
	}
	if (u->asking != f) {
		send_questions(u);
		u->asking = f;
		u->questions->fd = f->fd;
	}
	rp_udp_out_add(u->questions, NULL, 0, rec->data, rec->data_len);
	if (!rec->lasting) {
		send_questions(u);
	}
	return 0;
}

/* --- channel --- */

static size_t on_pull(void *ctx, uint8_t *p, size_t max)
{
	struct rp_udp_client *u = ctx;
	return rp_udp_queue_pull(&u->queue, p, max);
}

static void on_data(void *ctx, const uint8_t *p, size_t n)
{
	struct rp_udp_client *u = ctx;
	struct rp_udp_out out;
	rp_udp_out_init(&out, -1);
	u->questions = &out;
	rp_channel_consumed(u->channel, n);
	int rc = rp_gob_decoder_feed(u->decoder, p, n);
	send_questions(u);
	u->questions = NULL;
	u->lost += out.lost;
	if (rc != 0) {
		char text[RP_SOCKADDR_TEXT_MAX];
		rp_sockaddr_text(&u->target, text);
		rp_log_info("udp", "tunnel to %s: the server's stream cannot be read: %s", text,
		    rp_err_text(rc));
		rp_udp_client_close(u);
	}
}

static void on_eof(void *ctx)
{
	rp_udp_client_close(ctx);
}

static void on_closed(void *ctx, int reason, struct rp_str text)
{
	struct rp_udp_client *u = ctx;
	(void)reason;
	(void)text;
	u->channel = NULL;
	rp_udp_client_close(u);
}

const struct rp_channel_ops *rp_udp_client_channel_ops(void)
{
	static const struct rp_channel_ops ops = {
	    .on_pull = on_pull,
	    .on_data = on_data,
	    .on_eof = on_eof,
	    .on_closed = on_closed,
	};
	return &ops;
}

/* --- life --- */

static void on_timer_closed(uv_handle_t *h)
{
	handle_closed(h->data);
}

int rp_udp_client_new(struct rp_loop *loop, const struct sockaddr_storage *target,
    void (*on_done)(void *ctx), void *ctx, struct rp_udp_client **out)
{
	*out = NULL;
	struct rp_udp_client *u = rp_calloc(1, sizeof(*u));
	if (u == NULL) {
		return RP_ENOMEM;
	}
	int rc = rp_udp_receive_prepare(loop);
	if (rc == 0) {
		rc = rp_gob_decoder_new(&u->decoder, on_record, u);
	}
	if (rc != 0) {
		rp_free(u);
		return rc;
	}
	u->loop = loop;
	u->on_done = on_done;
	u->ctx = ctx;
	u->target = *target;
	rp_udp_queue_init(&u->queue);
	rp_udp_flows_init(&u->flows);
	(void)uv_timer_init(rp_loop_uv(loop), &u->timer);
	u->timer.data = u;
	u->handles = 1;
	*out = u;
	return 0;
}

void rp_udp_client_set_channel(struct rp_udp_client *u, struct rp_channel *c)
{
	u->channel = c;
}

void rp_udp_client_close(struct rp_udp_client *u)
{
	if (u->closing) {
		return;
	}
	u->closing = true;
	if (u->channel != NULL) {
		struct rp_channel *c = u->channel;
		u->channel = NULL;
		rp_channel_detach(c);
	}
	log_dropped(u);
	for (struct flow *f = oldest(u); f != NULL; f = oldest(u)) {
		close_flow(f);
	}
	uv_close((uv_handle_t *)&u->timer, on_timer_closed);
}
