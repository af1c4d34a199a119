/* SPDX-License-Identifier: MIT */
/*
 * One pump by hand: sockets that come late or never, ends in every order, credit, and the chunk
 * list. Tunnels over TCP are in test_tunnel.c.
 */
#include "tunnel/pump.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/socket.h>

#include <cmocka.h>

#include "test/lib/mux_pair.h"
#include "tunnel/chunks.h"

/* --- chunks --- */

static void test_chunks(void **state)
{
	(void)state;
	static uint8_t data[100000];
	static uint8_t out[sizeof(data)];
	struct rp_chunks q = {0};
	size_t in = 0;
	size_t got = 0;
	uint32_t x = 12345;
	for (size_t i = 0; i < sizeof(data); i++) {
		data[i] = (uint8_t)(i * 31 + (i >> 8));
	}
	while (got < sizeof(data)) {
		x = x * 1664525 + 1013904223;
		size_t n = RP_MIN((size_t)(x >> 16) % 9000, sizeof(data) - in);
		if ((x & 0x8000) != 0) {
			assert_int_equal(rp_chunks_add(&q, data + in, n), 0);
			in += n;
		}
		struct iovec iov[3];
		int pieces = rp_chunks_iov(&q, iov, 3);
		size_t left = RP_MIN((size_t)(x >> 8) % 9000, q.size);
		for (int i = 0; i < pieces && left > 0; i++) {
			size_t take = RP_MIN(left, iov[i].iov_len);
			memcpy(out + got, iov[i].iov_base, take);
			rp_chunks_consume(&q, take);
			got += take;
			left -= take;
		}
		assert_int_equal(q.size, in - got);
	}
	assert_memory_equal(data, out, sizeof(data));
	assert_null(q.first);
	/* Single bytes share blocks. */
	struct iovec iov[64];
	for (int i = 0; i < 10000; i++) {
		assert_int_equal(rp_chunks_add(&q, data, 1), 0);
	}
	assert_true(rp_chunks_iov(&q, iov, 64) <= 3);
	rp_chunks_fini(&q);
	assert_int_equal(q.size, 0);
}

/* --- pump --- */

struct scene {
	struct rp_loop *loop;
	struct rp_pair pair;
	struct rp_pump *pump;
	struct rp_pump_options opt;
	struct rp_channel *c; /* the other end of the channel */
	const uint8_t *to_send;
	size_t to_send_n;
	bool eof_after;
	uint8_t got[256];
	size_t got_n;
	int eofs, closed;
	int done;
	struct rp_pump_result result;
	int fd[2]; /* the pump's, ours */
};

static size_t owner_pull(void *ctx, uint8_t *p, size_t max)
{
	struct scene *s = ctx;
	size_t n = RP_MIN(max, s->to_send_n);
	if (n > 0) {
		memcpy(p, s->to_send, n);
		s->to_send += n;
		s->to_send_n -= n;
	}
	if (s->to_send_n == 0 && s->eof_after) {
		rp_channel_eof(s->c);
	}
	return n;
}

static void owner_data(void *ctx, const uint8_t *p, size_t n)
{
	struct scene *s = ctx;
	assert_true(s->got_n + n <= sizeof(s->got));
	memcpy(s->got + s->got_n, p, n);
	s->got_n += n;
	rp_channel_consumed(s->c, n);
}

static void owner_eof(void *ctx)
{
	struct scene *s = ctx;
	s->eofs++;
}

static void owner_closed(void *ctx, int reason, struct rp_str text)
{
	struct scene *s = ctx;
	(void)reason;
	(void)text;
	s->closed++;
	s->c = NULL;
}

static const struct rp_channel_ops owner_ops = {
    .on_pull = owner_pull,
    .on_data = owner_data,
    .on_eof = owner_eof,
    .on_closed = owner_closed,
};

static void on_done(void *ctx, const struct rp_pump_result *r)
{
	struct scene *s = ctx;
	s->done++;
	s->result = *r;
	s->pump = NULL;
}

static void on_open(
    struct rp_pair_end *e, struct rp_channel *c, struct rp_str type, const uint8_t *extra, size_t n)
{
	struct scene *s = e->user;
	(void)type;
	(void)extra;
	(void)n;
	assert_int_equal(rp_pump_new(s->loop, &s->opt, on_done, s, &s->pump), 0);
	rp_pump_set_channel(s->pump, c);
	rp_channel_accept(c, rp_pump_channel_ops(), s->pump);
}

static void spin(struct scene *s)
{
	for (int i = 0; i < 40; i++) {
		(void)uv_run(rp_loop_uv(s->loop), UV_RUN_NOWAIT);
	}
}

static void scene_init(struct scene *s, bool no_half_close)
{
	memset(s, 0, sizeof(*s));
	s->opt.no_half_close = no_half_close;
	assert_int_equal(rp_loop_new(&s->loop, "test"), 0);
	const struct rp_mux_options opt[2] = {{.batch = true}, {.batch = true}};
	assert_int_equal(rp_pair_init(&s->pair, opt, s->loop), 0);
	s->pair.end[1].user = s;
	s->pair.end[1].on_open = on_open;
	assert_int_equal(
	    rp_channel_open(s->pair.end[0].mux, "rport", "x", 1, &owner_ops, s, &s->c), 0);
	spin(s);
	assert_non_null(s->pump);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, s->fd), 0);
}

static void scene_fini(struct scene *s)
{
	spin(s);
	assert_int_equal(s->done, 1);
	assert_null(rp_pair_trouble(&s->pair));
	assert_int_equal(fcntl(s->fd[0], F_GETFD), -1);
	(void)close(s->fd[1]);
	rp_pair_fini(&s->pair);
	rp_loop_stop(s->loop);
	(void)rp_loop_run(s->loop);
	rp_loop_free(s->loop);
}

static void give(struct scene *s, const void *p, size_t n, bool eof)
{
	s->to_send = p;
	s->to_send_n = n;
	s->eof_after = eof;
	rp_channel_ready(s->c);
	spin(s);
}

static void expect_read(struct scene *s, const char *text)
{
	char buf[64];
	assert_int_equal(read(s->fd[1], buf, sizeof(buf)), strlen(text));
	assert_memory_equal(buf, text, strlen(text));
}

static void expect_eof(struct scene *s)
{
	char buf[8];
	assert_int_equal(read(s->fd[1], buf, sizeof(buf)), 0);
}

static void test_late_socket(void **state)
{
	(void)state;
	struct scene s;
	scene_init(&s, false);
	give(&s, "abc", 3, true);
	assert_int_equal(s.done, 0);
	assert_int_equal(rp_pump_attach(s.pump, s.fd[0]), 0);
	spin(&s);
	expect_read(&s, "abc");
	expect_eof(&s);
	assert_int_equal(write(s.fd[1], "xyz", 3), 3);
	spin(&s);
	assert_int_equal(s.got_n, 3);
	assert_int_equal(shutdown(s.fd[1], SHUT_WR), 0);
	spin(&s);
	assert_int_equal(s.eofs, 1);
	assert_int_equal(s.closed, 1);
	assert_int_equal(s.done, 1);
	assert_string_equal(s.result.why, "eof");
	assert_int_equal(s.result.bytes_in, 3);
	assert_int_equal(s.result.bytes_out, 3);
	scene_fini(&s);
}

/* Short exchanges: each answer is read with one event, without arming the poll again. */
static void test_exchanges(void **state)
{
	(void)state;
	struct scene s;
	scene_init(&s, false);
	assert_int_equal(rp_pump_attach(s.pump, s.fd[0]), 0);
	for (int i = 0; i < 20; i++) {
		give(&s, "ping", 4, false);
		expect_read(&s, "ping");
		assert_int_equal(write(s.fd[1], "pong", 4), 4);
		spin(&s);
		assert_int_equal(s.got_n, 4 * (size_t)(i + 1));
	}
	rp_pump_close(s.pump);
	rp_pump_close(s.pump);
	spin(&s);
	assert_int_equal(s.closed, 1);
	assert_string_equal(s.result.why, "closed");
	scene_fini(&s);
}

static void test_peer_closes_before_socket(void **state)
{
	(void)state;
	struct scene s;
	scene_init(&s, true);
	(void)close(s.fd[0]);
	rp_channel_close(s.c);
	spin(&s);
	assert_int_equal(s.done, 1);
	assert_string_equal(s.result.why, "closed by peer");
	scene_fini(&s);

	/* What arrived before is still written. */
	scene_init(&s, true);
	give(&s, "abc", 3, false);
	rp_channel_close(s.c);
	spin(&s);
	assert_int_equal(s.done, 0);
	assert_int_equal(rp_pump_attach(s.pump, s.fd[0]), 0);
	spin(&s);
	expect_read(&s, "abc");
	expect_eof(&s);
	scene_fini(&s);
}

static void test_closed_without_socket(void **state)
{
	(void)state;
	struct scene s;
	scene_init(&s, false);
	give(&s, "abc", 3, false);
	rp_pump_close(s.pump);
	/* Before the loop has told the owner: the socket is taken and closed. */
	assert_int_equal(rp_pump_attach(s.pump, s.fd[0]), RP_ECLOSED);
	assert_int_equal(s.done, 0);
	scene_fini(&s);
	assert_int_equal(s.closed, 1);
}

/* The peer's EOF ends everything where there is no half-close, after the data. */
static void test_eof_without_half_close(void **state)
{
	(void)state;
	struct scene s;
	scene_init(&s, true);
	assert_int_equal(rp_pump_attach(s.pump, s.fd[0]), 0);
	give(&s, "abc", 3, true);
	expect_read(&s, "abc");
	expect_eof(&s);
	assert_int_equal(s.closed, 1);
	scene_fini(&s);
}

/* Credit comes only for what the socket took. */
static void test_credit(void **state)
{
	(void)state;
	struct scene s;
	static uint8_t data[6u << 20];
	scene_init(&s, false);
	int small = 4096;
	(void)setsockopt(s.fd[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	assert_int_equal(rp_pump_attach(s.pump, s.fd[0]), 0);
	give(&s, data, sizeof(data), true);
	spin(&s);
	assert_true(sizeof(data) - s.to_send_n <= RP_MUX_WINDOW_DEFAULT + 65536);
	assert_int_equal(rp_channel_sendable(s.c), 0);
	size_t got = 0;
	static uint8_t buf[10000];
	for (int idle = 0; idle < 3;) {
		ssize_t n = read(s.fd[1], buf, sizeof(buf));
		if (n > 0) {
			got += (size_t)n;
			idle = 0;
		} else if (n == 0) {
			break;
		} else {
			idle++;
			spin(&s);
		}
	}
	assert_int_equal(got, sizeof(data));
	assert_true(s.pair.end[1].adjusts >= 16 && s.pair.end[1].adjusts <= 64);
	rp_pump_close(s.pump);
	scene_fini(&s);
}

/* The reader goes while data waits: the rest is dropped, the channel closed. */
static void test_reader_goes(void **state)
{
	(void)state;
	struct scene s;
	static uint8_t data[3u << 20];
	scene_init(&s, false);
	assert_int_equal(rp_pump_attach(s.pump, s.fd[0]), 0);
	give(&s, data, sizeof(data), false);
	assert_int_equal(s.closed, 0);
	(void)close(s.fd[1]);
	spin(&s);
	assert_int_equal(s.done, 1);
	assert_int_equal(s.closed, 1);
	assert_int_equal(s.eofs, 0);
	assert_string_equal(s.result.why, "reset");
	s.fd[1] = -1;
	scene_fini(&s);
}

static void test_connection_lost(void **state)
{
	(void)state;
	struct scene s;
	scene_init(&s, false);
	assert_int_equal(rp_pump_attach(s.pump, s.fd[0]), 0);
	spin(&s);
	rp_pair_kill(&s.pair, 1);
	assert_int_equal(s.done, 0);
	spin(&s);
	assert_int_equal(s.done, 1);
	assert_string_equal(s.result.why, "connection lost");
	scene_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_chunks),
	    cmocka_unit_test(test_late_socket),
	    cmocka_unit_test(test_exchanges),
	    cmocka_unit_test(test_peer_closes_before_socket),
	    cmocka_unit_test(test_closed_without_socket),
	    cmocka_unit_test(test_eof_without_half_close),
	    cmocka_unit_test(test_credit),
	    cmocka_unit_test(test_reader_goes),
	    cmocka_unit_test(test_connection_lost),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
