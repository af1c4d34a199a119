/* SPDX-License-Identifier: MIT */
/*
 * Sources in a table and in a list, least recently used first: the oldest goes when there are too
 * many, and the timer takes those that have been silent.
 */
#include "tunnel/udp_client.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/err.h"
#include "core/hash.h"
#include "tunnel/resolve.h"
#include "tunnel/udp_queue.h"

#include "core/banned.h"

#define TURN_DATAGRAMS 32
#define FLOW_IDLE_MS   15000u
#define SCAN_MS        5000u
#define FLOWS_MAX      1024u

struct flow {
	struct rp_udp_client *client;
	struct rp_hash_node hash;
	struct rp_list node;
	struct rp_udp_record rec; /* address to answer to, without data */
	uv_poll_t poll;
	int fd;
	uint64_t last_ms;
	char key[RP_UDP_KEY_MAX];
};

struct rp_udp_client {
	struct rp_loop *loop;
	void (*on_done)(void *ctx);
	void *ctx;
	struct sockaddr_storage target;
	struct rp_channel *channel;
	struct rp_gob_decoder *decoder;
	struct rp_udp_queue queue;
	struct rp_hash flows;
	struct rp_list flows_lru;
	size_t handles; /* open ones, timer included */
	uv_timer_t timer;
	bool closing;
};

static uint64_t now_ms(const struct rp_udp_client *u)
{
	return uv_now(rp_loop_uv(u->loop));
}

static void handle_closed(struct rp_udp_client *u)
{
	if (--u->handles > 0) {
		return;
	}
	u->on_done(u->ctx);
	rp_hash_fini(&u->flows);
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

static void close_flow(struct flow *f)
{
	rp_hash_remove(&f->client->flows, &f->hash);
	rp_list_remove(&f->node);
	uv_close((uv_handle_t *)&f->poll, on_flow_closed);
	(void)close(f->fd);
	f->fd = -1;
}

static struct flow *oldest(struct rp_udp_client *u)
{
	return rp_list_empty(&u->flows_lru) ? NULL
	                                    : RP_LIST_ENTRY(u->flows_lru.next, struct flow, node);
}

static void touch(struct flow *f)
{
	f->last_ms = now_ms(f->client);
	rp_list_remove(&f->node);
	rp_list_append(&f->client->flows_lru, &f->node);
}

static void on_scan(uv_timer_t *t)
{
	struct rp_udp_client *u = t->data;
	uint64_t now = now_ms(u);
	for (struct flow *f = oldest(u); f != NULL && now - f->last_ms >= FLOW_IDLE_MS;
	     f = oldest(u)) {
		close_flow(f);
	}
	if (rp_list_empty(&u->flows_lru)) {
		(void)uv_timer_stop(t);
	}
}

static void on_readable(uv_poll_t *h, int status, int events)
{
	struct flow *f = h->data;
	struct rp_udp_client *u = f->client;
	uint8_t data[RP_UDP_DATA_MAX + 1];
	bool any = false;
	(void)events;
	for (int i = 0; i < TURN_DATAGRAMS; i++) {
		ssize_t n = recv(f->fd, data, sizeof(data), MSG_DONTWAIT);
		if (n < 0 && errno == ECONNREFUSED) {
			continue; /* the target's port is closed: nobody is to know but the source */
		}
		if (n < 0) {
			break;
		}
		if (n <= RP_UDP_DATA_MAX) {
			struct rp_udp_record rec = f->rec;
			rec.data = data;
			rec.data_len = (size_t)n;
			rp_udp_queue_add(&u->queue, &rec);
			any = true;
		}
	}
	if (status < 0) {
		(void)uv_poll_start(&f->poll, UV_READABLE, on_readable);
	}
	if (any) {
		touch(f);
		rp_channel_ready(u->channel);
	}
}

/* A connected socket or a negative code. */
static int connect_socket(const struct sockaddr_storage *target)
{
	int fd = socket(target->ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return uv_translate_sys_error(errno);
	}
	if (connect(fd, (const struct sockaddr *)target, rp_sockaddr_len(target)) != 0) {
		int rc = uv_translate_sys_error(errno);
		(void)close(fd);
		return rc;
	}
	return fd;
}

static int start_flow(struct rp_udp_client *u, struct flow *f)
{
	f->fd = connect_socket(&u->target);
	if (f->fd < 0) {
		return f->fd;
	}
	int rc = rp_hash_put(&u->flows, &f->hash, f->key);
	if (rc != 0) {
		goto fail_socket;
	}
	rc = uv_poll_init(rp_loop_uv(u->loop), &f->poll, f->fd);
	if (rc != 0) {
		goto fail_hash;
	}
	f->poll.data = f;
	u->handles++;
	rp_list_append(&u->flows_lru, &f->node);
	(void)uv_poll_start(&f->poll, UV_READABLE, on_readable);
	if (!uv_is_active((const uv_handle_t *)&u->timer)) {
		(void)uv_timer_start(&u->timer, on_scan, SCAN_MS, SCAN_MS);
	}
	return 0;

fail_hash:
	rp_hash_remove(&u->flows, &f->hash);
fail_socket:
	(void)close(f->fd);
	return rc;
}

/* The flow of a source, a new one if need be; NULL: not possible now. */
static struct flow *flow_of(struct rp_udp_client *u, const struct rp_udp_record *rec)
{
	char key[RP_UDP_KEY_MAX];
	rp_udp_record_key(rec, key);
	struct rp_hash_node *node = rp_hash_get(&u->flows, key);
	if (node != NULL) {
		return RP_CONTAINER_OF(node, struct flow, hash);
	}
	if (u->flows.count >= FLOWS_MAX) {
		close_flow(oldest(u));
	}
	struct flow *f = rp_calloc(1, sizeof(*f));
	if (f == NULL) {
		return NULL;
	}
	f->client = u;
	f->rec = *rec;
	f->rec.data = NULL;
	f->rec.data_len = 0;
	memcpy(f->key, key, sizeof(key));
	if (start_flow(u, f) != 0) {
		rp_free(f);
		return NULL;
	}
	return f;
}

static int on_record(void *ctx, const struct rp_udp_record *rec)
{
	struct rp_udp_client *u = ctx;
	struct flow *f = flow_of(u, rec);
	if (f != NULL) {
		touch(f);
		/* Lost if the kernel does not take it; an error shows what an earlier one met. */
		(void)send(f->fd, rec->data, rec->data_len, MSG_DONTWAIT | MSG_NOSIGNAL);
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
	rp_channel_consumed(u->channel, n);
	if (rp_gob_decoder_feed(u->decoder, p, n) != 0) {
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
	int rc = rp_gob_decoder_new(&u->decoder, on_record, u);
	if (rc != 0) {
		rp_free(u);
		return rc;
	}
	u->loop = loop;
	u->on_done = on_done;
	u->ctx = ctx;
	u->target = *target;
	rp_udp_queue_init(&u->queue);
	rp_hash_init(&u->flows);
	rp_list_init(&u->flows_lru);
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
	for (struct flow *f = oldest(u); f != NULL; f = oldest(u)) {
		close_flow(f);
	}
	uv_close((uv_handle_t *)&u->timer, on_timer_closed);
}
