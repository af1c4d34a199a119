/* SPDX-License-Identifier: MIT */
/*
 * Datagrams -> queue -> channel, channel -> decoder -> datagrams. A channel that the client closed
 * (an installed one does on a write error) is opened again with the next datagram.
 */
#include "tunnel/udp_server.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "core/alloc.h"
#include "core/hash.h"
#include "tunnel/udp_queue.h"

#include "core/banned.h"

#define TURN_DATAGRAMS 32
/* Clients forget a source after 15 s; a little later so do we. */
#define FLOW_IDLE_MS 20000u
#define FLOWS_MAX    4096u
#define REOPEN_MS    1000u

/* A source that may get answers. */
struct flow {
	struct rp_hash_node hash;
	struct rp_list node; /* least recently used first */
	uint64_t last_ms;
	char key[RP_UDP_KEY_MAX];
};

struct rp_udp_server {
	struct rp_loop *loop;
	struct rp_mux *mux;
	const struct rp_udp_server_ops *ops;
	void *ctx;
	char *target; /* with /udp */
	int fd;
	int family;
	uv_poll_t poll;
	bool closing;
	struct rp_channel *channel;
	struct rp_gob_decoder *decoder;
	struct rp_udp_queue queue;
	struct rp_hash flows;
	struct rp_list flows_lru;
	uint64_t last_used_ms;
	uint64_t opened_ms;
};

static uint64_t now_ms(const struct rp_udp_server *s)
{
	return uv_now(rp_loop_uv(s->loop));
}

/* --- sources --- */

static void drop_flow(struct rp_udp_server *s, struct flow *f)
{
	rp_hash_remove(&s->flows, &f->hash);
	rp_list_remove(&f->node);
	rp_free(f);
}

static struct flow *oldest(struct rp_udp_server *s)
{
	return rp_list_empty(&s->flows_lru) ? NULL
	                                    : RP_LIST_ENTRY(s->flows_lru.next, struct flow, node);
}

static void expire(struct rp_udp_server *s, uint64_t now)
{
	struct flow *f = oldest(s);
	while (f != NULL && (now - f->last_ms > FLOW_IDLE_MS || s->flows.count > FLOWS_MAX)) {
		drop_flow(s, f);
		f = oldest(s);
	}
}

/* Marks the flow of a record as used; false if there is none. */
static bool touch(struct rp_udp_server *s, const struct rp_udp_record *rec)
{
	char key[RP_UDP_KEY_MAX];
	rp_udp_record_key(rec, key);
	struct rp_hash_node *node = rp_hash_get(&s->flows, key);
	if (node == NULL) {
		return false;
	}
	struct flow *f = RP_CONTAINER_OF(node, struct flow, hash);
	f->last_ms = now_ms(s);
	rp_list_remove(&f->node);
	rp_list_append(&s->flows_lru, &f->node);
	return true;
}

static int remember(struct rp_udp_server *s, const struct rp_udp_record *rec)
{
	if (touch(s, rec)) {
		return 0;
	}
	struct flow *f = rp_calloc(1, sizeof(*f));
	if (f == NULL) {
		return RP_ENOMEM;
	}
	rp_udp_record_key(rec, f->key);
	int rc = rp_hash_put(&s->flows, &f->hash, f->key);
	if (rc != 0) {
		rp_free(f);
		return rc;
	}
	f->last_ms = now_ms(s);
	rp_list_append(&s->flows_lru, &f->node);
	return 0;
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
	rp_channel_consumed(s->channel, n);
	if (rp_gob_decoder_feed(s->decoder, p, n) != 0) {
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
	if (!touch(s, rec) || !rp_udp_record_addr(rec, s->family, &to, &len)) {
		return 0;
	}
	s->last_used_ms = now_ms(s);
	/* A datagram that the kernel does not take is lost, as on any network. */
	(void)sendto(s->fd, rec->data, rec->data_len, MSG_DONTWAIT | MSG_NOSIGNAL,
	    (const struct sockaddr *)&to, len);
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

static void take_datagram(
    struct rp_udp_server *s, const struct sockaddr_storage *from, const uint8_t *p, size_t n)
{
	struct rp_udp_record rec = {.data = p, .data_len = n};
	if (!s->ops->admits(s->ctx, (const struct sockaddr *)from)) {
		return;
	}
	rp_udp_record_set_addr(&rec, from);
	s->last_used_ms = now_ms(s);
	if (remember(s, &rec) != 0) {
		return;
	}
	rp_udp_queue_add(&s->queue, &rec);
	if (s->channel == NULL && now_ms(s) - s->opened_ms >= REOPEN_MS && open_channel(s) != 0) {
		return;
	}
	if (s->channel != NULL) {
		rp_channel_ready(s->channel);
	}
}

static void on_readable(uv_poll_t *h, int status, int events)
{
	struct rp_udp_server *s = h->data;
	uint8_t data[RP_UDP_DATA_MAX + 1];
	(void)events;
	for (int i = 0; i < TURN_DATAGRAMS && !s->closing; i++) {
		struct sockaddr_storage from;
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(
		    s->fd, data, sizeof(data), MSG_DONTWAIT, (struct sockaddr *)&from, &len);
		if (n < 0) {
			break;
		}
		if (n <= RP_UDP_DATA_MAX) {
			take_datagram(s, &from, data, (size_t)n);
		}
	}
	expire(s, now_ms(s));
	if (status < 0 && !s->closing) {
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
	for (struct flow *f = oldest(s); f != NULL; f = oldest(s)) {
		drop_flow(s, f);
	}
	rp_hash_fini(&s->flows);
	rp_udp_queue_fini(&s->queue);
	rp_gob_decoder_free(s->decoder);
	rp_free(s->target);
	rp_free(s);
}

static void on_poll_closed(uv_handle_t *h)
{
	struct rp_udp_server *s = h->data;
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
	int rc = open_socket(s, opt);
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
	s->poll.data = s;
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
		return rp_err_set(err, RP_ENOMEM, "out of memory");
	}
	s->loop = loop;
	s->mux = mux;
	s->ops = ops;
	s->ctx = ctx;
	rp_udp_queue_init(&s->queue);
	rp_hash_init(&s->flows);
	rp_list_init(&s->flows_lru);
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

void rp_udp_server_close(struct rp_udp_server *s)
{
	if (s->closing) {
		return;
	}
	s->closing = true;
	drop_channel(s);
	s->mux = NULL;
	uv_close((uv_handle_t *)&s->poll, on_poll_closed);
	(void)close(s->fd);
	s->fd = -1;
}
