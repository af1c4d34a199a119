/* SPDX-License-Identifier: MIT */
/*
 * Datagrams -> queue -> channel, channel -> decoder -> datagrams. A channel that the client closed
 * (an installed one does on a write error) is opened again with the next datagram.
 */
#include "tunnel/udp_server.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "core/alloc.h"
#include "core/log.h"
#include "tunnel/udp_addr.h"
#include "tunnel/udp_flows.h"
#include "tunnel/udp_io.h"

#include "core/banned.h"

/* Clients forget a source after 15 s; a little later so do we. */
#define FLOW_IDLE_MS 20000u
#define SCAN_MS      5000u
#define FLOWS_MAX    8192u
#define REOPEN_MS    1000u
#define LOG_MS       60000u
/* A burst of every source at once should find room in the kernel. */
#define RECEIVE_BYTES (2 * 1024 * 1024)
#define SEND_BYTES    (1024 * 1024)

struct rp_udp_server {
	struct rp_loop *loop;
	struct rp_mux *mux;
	const struct rp_udp_server_ops *ops;
	void *ctx;
	char *target; /* with /udp */
	int fd;
	int family;
	uv_poll_t poll;
	uv_timer_t timer; /* runs while there are flows */
	unsigned handles; /* open ones */
	bool closing;
	struct rp_channel *channel;
	struct rp_gob_decoder *decoder;
	struct rp_udp_queue queue;
	struct rp_udp_flows flows;  /* sources that may get answers */
	struct rp_udp_out *answers; /* while the client's data are read */
	uint64_t flow_idle_ms;
	uint64_t last_used_ms;
	uint64_t opened_ms;
	uint64_t lost;   /* too large, or not taken by the kernel */
	uint64_t logged; /* of all that were lost or dropped */
	uint64_t logged_ms;
};

static uint64_t now_ms(const struct rp_udp_server *s)
{
	return uv_now(rp_loop_uv(s->loop));
}

/* --- sources --- */

static void drop_flow(struct rp_udp_server *s, struct rp_udp_flow *f)
{
	rp_udp_line_clear(&s->queue, &f->line);
	rp_udp_flows_remove(&s->flows, f);
	rp_free(f);
}

/* Once in a while, not for each. */
static void log_dropped(struct rp_udp_server *s)
{
	uint64_t all = s->queue.dropped + s->lost;
	if (all == s->logged) {
		return;
	}
	rp_log_info("udp", "tunnel to %s: %" PRIu64 " datagrams dropped, %" PRIu64 " in all",
	    s->target, all - s->logged, all);
	s->logged = all;
	s->logged_ms = now_ms(s);
}

static void on_scan(uv_timer_t *t)
{
	struct rp_udp_server *s = t->data;
	uint64_t now = now_ms(s);
	struct rp_udp_flow *f = rp_udp_flows_oldest(&s->flows);
	for (; f != NULL && now - f->last_ms > s->flow_idle_ms;
	     f = rp_udp_flows_oldest(&s->flows)) {
		drop_flow(s, f);
	}
	if (s->logged_ms == 0 || now - s->logged_ms >= LOG_MS) {
		log_dropped(s);
	}
	if (f == NULL) {
		(void)uv_timer_stop(t);
	}
}

static struct rp_udp_flow *new_flow(struct rp_udp_server *s, const struct rp_udp_record *rec)
{
	if (rp_udp_flows_count(&s->flows) >= FLOWS_MAX) {
		drop_flow(s, rp_udp_flows_oldest(&s->flows));
	}
	struct rp_udp_flow *f = rp_calloc(1, sizeof(*f));
	if (f == NULL || rp_udp_flows_add(&s->flows, f, rec, now_ms(s)) != 0) {
		rp_free(f);
		return NULL;
	}
	if (!uv_is_active((const uv_handle_t *)&s->timer)) {
		uint64_t scan = RP_MIN(s->flow_idle_ms, (uint64_t)SCAN_MS);
		(void)uv_timer_start(&s->timer, on_scan, scan, scan);
	}
	return f;
}

/* --- channel --- */

static void drop_channel(struct rp_udp_server *s)
{
	if (s->channel != NULL) {
		struct rp_channel *c = s->channel;
		s->channel = NULL;
		rp_channel_detach(c);
	}
}

static size_t on_pull(void *ctx, uint8_t *p, size_t max)
{
	struct rp_udp_server *s = ctx;
	return rp_udp_queue_pull(&s->queue, p, max);
}

static void on_data(void *ctx, const uint8_t *p, size_t n)
{
	struct rp_udp_server *s = ctx;
	struct rp_udp_out out;
	rp_udp_out_init(&out, s->fd);
	s->answers = &out;
	rp_channel_consumed(s->channel, n);
	int rc = rp_gob_decoder_feed(s->decoder, p, n);
	rp_udp_out_flush(&out);
	s->lost += out.lost;
	s->answers = NULL;
	if (rc != 0) {
		rp_log_info("udp", "tunnel to %s: the client's stream cannot be read: %s",
		    s->target, rp_err_text(rc));
		drop_channel(s);
	}
}

static void on_eof(void *ctx)
{
	drop_channel(ctx);
}

static void on_channel_closed(void *ctx, int reason, struct rp_str text)
{
	struct rp_udp_server *s = ctx;
	(void)text;
	s->channel = NULL;
	if (reason > 0) {
		s->ops->on_refused(s->ctx, "refused by the client");
	}
}

static const struct rp_channel_ops channel_ops = {
    .on_pull = on_pull,
    .on_data = on_data,
    .on_eof = on_eof,
    .on_closed = on_channel_closed,
};

/* An answer of the client to one of the sources. */
static int on_record(void *ctx, const struct rp_udp_record *rec)
{
	struct rp_udp_server *s = ctx;
	struct sockaddr_storage to;
	socklen_t len;
	if (!rp_udp_record_addr(rec, s->family, &to, &len) ||
	    rp_udp_flows_use(&s->flows, rec, now_ms(s)) == NULL) {
		return 0;
	}
	s->last_used_ms = now_ms(s);
	rp_udp_out_add(s->answers, (const struct sockaddr *)&to, len, rec->data, rec->data_len);
	if (!rec->lasting) {
		rp_udp_out_flush(s->answers);
	}
	return 0;
}

static int open_channel(struct rp_udp_server *s)
{
	struct rp_gob_decoder *fresh;
	int rc = rp_gob_decoder_new(&fresh, on_record, s);
	if (rc != 0) {
		return rc;
	}
	rc = rp_channel_open(
	    s->mux, "rport", s->target, strlen(s->target), &channel_ops, s, &s->channel);
	if (rc != 0) {
		rp_gob_decoder_free(fresh);
		return rc;
	}
	rp_gob_decoder_free(s->decoder);
	s->decoder = fresh;
	s->opened_ms = now_ms(s);
	rp_udp_queue_restart(&s->queue);
	return 0;
}

/* --- socket --- */

static void on_datagram(void *ctx, const struct sockaddr *from, const uint8_t *p, size_t n)
{
	struct rp_udp_server *s = ctx;
	struct rp_udp_record rec = {.data = p, .data_len = n};
	if (!s->ops->admits(s->ctx, from)) {
		return;
	}
	rp_udp_record_set_addr(&rec, from);
	s->last_used_ms = now_ms(s);
	struct rp_udp_flow *f = rp_udp_flows_use(&s->flows, &rec, now_ms(s));
	if (f == NULL && (f = new_flow(s, &rec)) == NULL) {
		s->lost++;
		return;
	}
	rp_udp_queue_add(&s->queue, &f->line, &rec);
}

static void on_readable(uv_poll_t *h, int status, int events)
{
	struct rp_udp_server *s = h->data;
	(void)events;
	s->lost += rp_udp_receive(s->loop, s->fd, on_datagram, s);
	if (s->channel == NULL && s->queue.n > 0 && now_ms(s) - s->opened_ms >= REOPEN_MS) {
		(void)open_channel(s);
	}
	if (s->channel != NULL && s->queue.n > 0) {
		rp_channel_ready(s->channel);
	}
	if (status < 0) {
		/* libuv stopped at an error of the socket, which the read above has fetched. */
		(void)uv_poll_start(&s->poll, UV_READABLE, on_readable);
	}
}

/* The address to bind; RP_EINVAL for a name. */
static int bind_addr(const char *host, uint16_t port, struct sockaddr_storage *sa)
{
	struct in_addr v4;
	struct in6_addr v6;
	memset(sa, 0, sizeof(*sa));
	if (strcmp(host, "localhost") == 0) {
		host = "127.0.0.1";
	}
	bool any = host[0] == '\0' || strcmp(host, "0.0.0.0") == 0;
	if (!any && inet_pton(AF_INET, host, &v4) == 1) {
		struct sockaddr_in *in = (struct sockaddr_in *)sa;
		*in = (struct sockaddr_in){
		    .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = v4};
		return 0;
	}
	if (inet_pton(AF_INET6, any ? "::" : host, &v6) != 1) {
		return RP_EINVAL;
	}
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)sa;
	*in6 = (struct sockaddr_in6){
	    .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = v6};
	return 0;
}

/* A bound socket or a negative code. */
static int bind_socket(const struct sockaddr_storage *sa)
{
	int fd = socket(sa->ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return uv_translate_sys_error(errno);
	}
	int off = 0;
	socklen_t len = sizeof(struct sockaddr_in);
	if (sa->ss_family == AF_INET6) {
		len = sizeof(struct sockaddr_in6);
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	}
	if (bind(fd, (const struct sockaddr *)sa, len) != 0) {
		int rc = uv_translate_sys_error(errno);
		(void)close(fd);
		return rc;
	}
	rp_udp_socket_buffers(fd, RECEIVE_BYTES, SEND_BYTES);
	return fd;
}

static int open_socket(struct rp_udp_server *s, const struct rp_udp_server_options *opt)
{
	struct sockaddr_storage sa;
	int rc = bind_addr(opt->lhost, opt->lport, &sa);
	if (rc != 0) {
		return rc;
	}
	s->family = sa.ss_family;
	s->fd = bind_socket(&sa);
	if (s->fd == UV_EAFNOSUPPORT && strcmp(opt->lhost, "::") != 0) {
		/* No IPv6 on this machine. */
		struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(opt->lport)};
		memset(&sa, 0, sizeof(sa));
		memcpy(&sa, &any, sizeof(any));
		s->family = AF_INET;
		s->fd = bind_socket(&sa);
	}
	return s->fd < 0 ? s->fd : 0;
}

/* --- life --- */

static void server_free(struct rp_udp_server *s)
{
	struct rp_udp_flow *f;
	while ((f = rp_udp_flows_oldest(&s->flows)) != NULL) {
		drop_flow(s, f);
	}
	rp_udp_flows_fini(&s->flows);
	rp_udp_queue_fini(&s->queue);
	rp_gob_decoder_free(s->decoder);
	rp_free(s->target);
	rp_free(s);
}

static void on_handle_closed(uv_handle_t *h)
{
	struct rp_udp_server *s = h->data;
	if (--s->handles > 0) {
		return;
	}
	if (s->ops->on_closed != NULL) {
		s->ops->on_closed(s->ctx);
	}
	server_free(s);
}

static int start(struct rp_udp_server *s, const struct rp_udp_server_options *opt)
{
	s->target = rp_asprintf("%s/udp", opt->target);
	if (s->target == NULL) {
		return RP_ENOMEM;
	}
	int rc = rp_udp_receive_prepare(s->loop);
	if (rc == 0) {
		rc = open_socket(s, opt);
	}
	if (rc != 0) {
		return rc;
	}
	rc = open_channel(s);
	if (rc != 0) {
		goto fail_socket;
	}
	rc = uv_poll_init(rp_loop_uv(s->loop), &s->poll, s->fd);
	if (rc != 0) {
		goto fail_channel;
	}
	(void)uv_timer_init(rp_loop_uv(s->loop), &s->timer);
	s->handles = 2;
	s->poll.data = s;
	s->timer.data = s;
	(void)uv_poll_start(&s->poll, UV_READABLE, on_readable);
	return 0;

fail_channel:
	drop_channel(s);
fail_socket:
	(void)close(s->fd);
	return rc;
}

int rp_udp_server_start(struct rp_loop *loop, struct rp_mux *mux,
    const struct rp_udp_server_options *opt, const struct rp_udp_server_ops *ops, void *ctx,
    struct rp_udp_server **out, struct rp_err *err)
{
	*out = NULL;
	struct rp_udp_server *s = rp_calloc(1, sizeof(*s));
	if (s == NULL) {
		return rp_err_no_memory(err);
	}
	s->loop = loop;
	s->mux = mux;
	s->ops = ops;
	s->ctx = ctx;
	rp_udp_queue_init(&s->queue);
	rp_udp_flows_init(&s->flows);
	s->flow_idle_ms = opt->flow_idle_ms != 0 ? opt->flow_idle_ms : FLOW_IDLE_MS;
	int rc = start(s, opt);
	if (rc != 0) {
		server_free(s);
		return rp_err_set(err, rc, "listen udp %s port %u: %s", opt->lhost,
		    (unsigned)opt->lport, rp_err_text(rc));
	}
	*out = s;
	return 0;
}

uint64_t rp_udp_server_last_used(const struct rp_udp_server *s)
{
	return s->last_used_ms;
}

void rp_udp_server_recheck(struct rp_udp_server *s)
{
	struct rp_list *it;
	struct rp_list *tmp;
	RP_LIST_FOREACH(it, tmp, &s->flows.lru) {
		struct rp_udp_flow *f = RP_LIST_ENTRY(it, struct rp_udp_flow, node);
		struct sockaddr_storage sa;
		socklen_t len;
		if (!rp_udp_record_addr(&f->rec, s->family, &sa, &len) ||
		    !s->ops->admits(s->ctx, (const struct sockaddr *)&sa)) {
			drop_flow(s, f);
		}
	}
}

void rp_udp_server_stats(const struct rp_udp_server *s, struct rp_udp_stats *out)
{
	*out = (struct rp_udp_stats){
	    .flows = rp_udp_flows_count(&s->flows),
	    .waiting = s->queue.n,
	    .dropped = s->queue.dropped,
	    .lost = s->lost,
	};
}

void rp_udp_server_close(struct rp_udp_server *s)
{
	if (s->closing) {
		return;
	}
	s->closing = true;
	drop_channel(s);
	s->mux = NULL;
	log_dropped(s);
	uv_close((uv_handle_t *)&s->poll, on_handle_closed);
	uv_close((uv_handle_t *)&s->timer, on_handle_closed);
	(void)close(s->fd);
	s->fd = -1;
}
