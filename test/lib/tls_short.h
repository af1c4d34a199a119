/* SPDX-License-Identifier: MIT */
/*
 * Two ends of a stream with TLS on it, or one and somebody else, on a loop; to be included by the
 * only file of a test program.
 */
#ifndef RP_TEST_LIB_TLS_SHORT_H
#define RP_TEST_LIB_TLS_SHORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "http/stream.h"
#include "http/tls.h"
#include "test/lib/net.h"
#include "test/lib/pattern.h"
#include "test/lib/prng.h"

static struct rp_net_certs certs;

struct end {
	struct rp_stream *s;
	struct end *other;
	size_t to_send;
	size_t sent;
	size_t received;
	uint8_t out_byte;
	uint8_t in_byte;
	bool wrong;
	bool pauses;
	bool tls_done;
	bool eof;
	unsigned closed;
	int error;
	char text[256];
	char head[64]; /* first bytes received */
	size_t head_n;
	struct rp_deferred resume;
	void (*then_data)(struct end *e);
	void (*then_eof)(struct end *e);
	void (*then_tls)(struct end *e);
};

static struct rp_loop *loop;

static inline void on_resume(struct rp_deferred *d)
{
	struct end *e = RP_CONTAINER_OF(d, struct end, resume);
	if (e->closed == 0) {
		rp_stream_read_start(e->s);
	}
}

static inline void on_data(void *ctx, uint8_t *p, size_t n)
{
	struct end *e = ctx;
	assert_true(n > 0 && e->tls_done && !e->eof);
	size_t head = RP_MIN(n, sizeof(e->head) - 1 - e->head_n);
	memcpy(e->head + e->head_n, p, head);
	e->head_n += head;
	e->wrong = !rp_pattern_fits(&e->in_byte, p, n) || e->wrong;
	e->received += n;
	if (e->pauses && rp_prng_below(4) == 0) {
		rp_stream_read_stop(e->s);
		rp_loop_defer(loop, &e->resume);
	}
	if (e->then_data != NULL) {
		e->then_data(e);
	}
}

static inline void on_eof(void *ctx)
{
	struct end *e = ctx;
	e->eof = true;
	if (e->then_eof != NULL) {
		e->then_eof(e);
	}
}

static inline void close_both(struct end *e)
{
	rp_stream_close(e->s);
	if (e->other != NULL && e->other->s != NULL && e->other->closed == 0) {
		rp_stream_close(e->other->s);
	}
}

static inline void close_self(struct end *e)
{
	rp_stream_close(e->s);
}

static inline void on_error(void *ctx, int code, const char *text)
{
	struct end *e = ctx;
	assert_int_equal(e->error, 0);
	e->error = code;
	(void)snprintf(e->text, sizeof(e->text), "%s", text);
	rp_stream_close(e->s);
}

static inline void on_drain(void *ctx);

static inline void on_closed(void *ctx)
{
	struct end *e = ctx;
	e->closed++;
	rp_loop_defer_cancel(&e->resume);
	if (e->other == NULL || e->other->s == NULL || e->other->closed > 0) {
		rp_loop_stop(loop);
	}
}

static const struct rp_stream_ops ops = {
    .on_data = on_data,
    .on_eof = on_eof,
    .on_error = on_error,
    .on_drain = on_drain,
    .on_closed = on_closed,
};

static inline void on_tls(void *ctx)
{
	struct end *e = ctx;
	assert_false(e->tls_done);
	e->tls_done = true;
	if (e->then_tls != NULL) {
		e->then_tls(e);
	}
}

/* One write; false: wait for on_drain. */
static inline bool write_one(struct end *e)
{
	static uint8_t block[100000];
	size_t n = 1 + rp_prng_below(rp_prng_below(8) == 0 ? sizeof(block) : 3000);
	n = RP_MIN(n, e->to_send - e->sent);
	rp_pattern_make(&e->out_byte, block, n);
	struct iovec iov = {.iov_base = block, .iov_len = n};
	int rc = rp_stream_write(e->s, &iov, 1);
	assert_true(rc == 0 || rc == 1);
	e->sent += n;
	return rc == 0;
}

static inline void pump(struct end *e)
{
	while (e->sent < e->to_send && write_one(e)) {
	}
	if (e->sent == e->to_send) {
		rp_stream_shutdown(e->s);
	}
}

static inline void on_drain(void *ctx)
{
	pump(ctx);
}

static inline struct rp_tls *server_tls(const char *cert, const char *key, enum rp_tls_version min)
{
	struct rp_tls *t;
	struct rp_err err = {0};
	if (rp_tls_server_new(cert, key, min, &t, &err) != 0) {
		fail_msg("%s", err.msg);
	}
	return t;
}

static inline struct rp_tls *client_tls(const char *ca)
{
	struct rp_tls *t;
	struct rp_err err = {0};
	if (rp_tls_client_new(ca, &t, &err) != 0) {
		fail_msg("%s", err.msg);
	}
	return t;
}

static inline void init_end(struct end *e, int fd)
{
	e->resume.run = on_resume;
	assert_int_equal(rp_stream_from_fd(loop, fd, NULL, &ops, e, &e->s), 0);
}

/* e[0] is the server. */
static inline void open_pair(
    struct end e[2], struct rp_tls *server, struct rp_tls *client, const char *host)
{
	int fd[2];
	memset(e, 0, 2 * sizeof(*e));
	assert_int_equal(rp_loop_new(&loop, "test"), 0);
	assert_int_equal(rp_net_pair(AF_INET, fd), 0);
	for (int i = 0; i < 2; i++) {
		e[i].other = &e[1 - i];
		init_end(&e[i], fd[i]);
	}
	assert_int_equal(rp_stream_start_tls(e[0].s, server, NULL, on_tls), 0);
	assert_int_equal(rp_stream_start_tls(e[1].s, client, host, on_tls), 0);
	assert_true(rp_stream_is_tls(e[0].s));
	rp_stream_read_start(e[0].s);
	rp_stream_read_start(e[1].s);
}

static inline void run(void)
{
	rp_loop_run(loop);
	rp_loop_free(loop);
}

static inline int make_certs(void **state)
{
	(void)state;
	return rp_net_certs_make(&certs);
}

static inline int remove_certs(void **state)
{
	(void)state;
	rp_net_certs_remove(&certs);
	return 0;
}

#endif
