/* SPDX-License-Identifier: MIT */
/*
 * Streams over TCP on the loopback interface: transfer in both directions with back-pressure, half
 * close, close from every callback, limits, failing allocations. TLS is in test_tls.c.
 */
#include "http/stream.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <netinet/tcp.h>

#include "core/alloc.h"
#include "test/lib/net.h"
#include "test/lib/oom.h"
#include "test/lib/pattern.h"
#include "test/lib/prng.h"

#define TRANSFER ((size_t)24 * 1024 * 1024)

struct end {
	struct rp_stream *s;
	struct end *other;
	size_t to_send;
	size_t sent;
	size_t received;
	uint8_t out_byte; /* running pattern */
	uint8_t in_byte;
	bool wrong;
	bool pauses;
	bool eof;
	unsigned drained;
	unsigned closed;
	int error;
	char text[128];
	struct rp_deferred resume;
	/* What to do in a callback. */
	void (*then_data)(struct end *e);
	void (*then_eof)(struct end *e);
	void (*then_error)(struct end *e);
	void (*then_drain)(struct end *e);
	void (*then_closed)(struct end *e);
};

static struct rp_loop *loop;

static void on_resume(struct rp_deferred *d)
{
	struct end *e = RP_CONTAINER_OF(d, struct end, resume);
	if (e->closed == 0) {
		rp_stream_read_start(e->s);
	}
}

static void on_data(void *ctx, uint8_t *p, size_t n)
{
	struct end *e = ctx;
	assert_true(n > 0);
	e->wrong = !rp_pattern_fits(&e->in_byte, p, n) || e->wrong;
	memset(p, 0, n); /* the memory may be changed */
	e->received += n;
	if (e->pauses && rp_prng_below(4) == 0) {
		rp_stream_read_stop(e->s);
		rp_loop_defer(loop, &e->resume);
	}
	if (e->then_data != NULL) {
		e->then_data(e);
	}
}

static void on_eof(void *ctx)
{
	struct end *e = ctx;
	assert_false(e->eof);
	e->eof = true;
	if (e->then_eof != NULL) {
		e->then_eof(e);
	}
}

static void on_error(void *ctx, int code, const char *text)
{
	struct end *e = ctx;
	assert_int_equal(e->error, 0);
	e->error = code;
	(void)snprintf(e->text, sizeof(e->text), "%s", text);
	if (e->then_error != NULL) {
		e->then_error(e);
	} else {
		rp_stream_close(e->s);
	}
}

static void on_drain(void *ctx)
{
	struct end *e = ctx;
	e->drained++;
	if (e->then_drain != NULL) {
		e->then_drain(e);
	}
}

static void on_closed(void *ctx)
{
	struct end *e = ctx;
	e->closed++;
	rp_loop_defer_cancel(&e->resume);
	if (e->then_closed != NULL) {
		e->then_closed(e);
	}
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

static void open_pair(struct end e[2], int family, const struct rp_stream_options *opt)
{
	int fd[2];
	memset(e, 0, 2 * sizeof(*e));
	assert_int_equal(rp_loop_new(&loop, "test"), 0);
	assert_int_equal(rp_net_pair(family, fd), 0);
	for (int i = 0; i < 2; i++) {
		e[i].other = &e[1 - i];
		e[i].resume.run = on_resume;
		assert_int_equal(rp_stream_from_fd(loop, fd[i], opt, &ops, &e[i], &e[i].s), 0);
	}
}

/* Runs until both ends are closed; rp_loop_free fails when a handle is left. */
static void run(struct end e[2])
{
	rp_loop_run(loop);
	rp_loop_free(loop);
	assert_int_equal(e[0].closed, 1);
	assert_int_equal(e[1].closed, 1);
}

static void close_both(struct end *e)
{
	rp_stream_close(e->s);
	rp_stream_close(e->s);
	rp_stream_close(e->other->s);
}

/* One write by either of the two ways; false: wait for on_drain. */
static bool write_one(struct end *e)
{
	static uint8_t block[200000];
	size_t n = 1 + rp_prng_below(rp_prng_below(8) == 0 ? sizeof(block) : 3000);
	n = RP_MIN(n, e->to_send - e->sent);
	int rc;
	if (rp_prng_below(2) == 0) {
		uint8_t *p;
		rc = rp_stream_write_reserve(e->s, n + 10, &p);
		assert_int_equal(rc, 0);
		rp_pattern_make(&e->out_byte, p, n);
		rc = rp_stream_write_commit(e->s, n);
	} else {
		rp_pattern_make(&e->out_byte, block, n);
		size_t cut = rp_prng_below(n + 1);
		struct iovec iov[3] = {
		    {.iov_base = block, .iov_len = cut},
		    {.iov_base = NULL, .iov_len = 0},
		    {.iov_base = block + cut, .iov_len = n - cut},
		};
		rc = rp_stream_write(e->s, iov, 3);
	}
	assert_true(rc == 0 || rc == 1);
	assert_int_equal(rc == 1, rp_stream_is_full(e->s));
	e->sent += n;
	return rc == 0;
}

static void pump(struct end *e)
{
	while (e->sent < e->to_send && write_one(e)) {
	}
	if (e->sent == e->to_send) {
		e->then_drain = NULL;
		rp_stream_shutdown(e->s);
	}
}

static void close_when_both_ended(struct end *e)
{
	if (e->other->eof) {
		close_both(e);
	}
}

static void transfer(int family, const struct rp_stream_options *opt)
{
	struct end e[2];
	open_pair(e, family, opt);
	for (int i = 0; i < 2; i++) {
		e[i].to_send = TRANSFER + rp_prng_below(1000);
		e[i].pauses = true;
		e[i].then_drain = pump;
		e[i].then_eof = close_when_both_ended;
		rp_stream_read_start(e[i].s);
		rp_stream_read_start(e[i].s);
		pump(&e[i]);
	}
	run(e);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(e[i].error, 0);
		assert_false(e[i].wrong);
		assert_int_equal(e[i].received, e[1 - i].to_send);
		assert_true(e[i].drained > 0);
	}
}

static void test_transfer(void **state)
{
	(void)state;
	transfer(AF_INET, NULL);
}

static void test_transfer_options(void **state)
{
	(void)state;
	const struct rp_stream_options opt = {
	    .user_timeout_ms = 5000,
	    .keepalive = true,
	    .notsent_lowat = 128 * 1024,
	};
	transfer(AF_INET6, &opt);
}

static int option(struct rp_stream *s, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);
	assert_int_equal(getsockopt(rp_stream_fd(s), level, name, &value, &len), 0);
	return value;
}

/* A peer that is gone is noticed within user_timeout_ms, so the probes come sooner. */
static void test_user_timeout(void **state)
{
	(void)state;
	struct end e[2];
	const struct rp_stream_options opt = {.user_timeout_ms = 5000, .keepalive = true};
	open_pair(e, AF_INET, &opt);
	struct rp_stream *s = e[0].s;
	assert_int_equal(option(s, IPPROTO_TCP, TCP_USER_TIMEOUT), 5000);
	assert_int_equal(option(s, SOL_SOCKET, SO_KEEPALIVE), 1);
	assert_int_equal(option(s, IPPROTO_TCP, TCP_KEEPIDLE), 2);
	assert_int_equal(option(s, IPPROTO_TCP, TCP_KEEPINTVL), 1);
	rp_stream_set_user_timeout(s, 60000);
	assert_int_equal(option(s, IPPROTO_TCP, TCP_USER_TIMEOUT), 60000);
	assert_int_equal(option(s, IPPROTO_TCP, TCP_KEEPIDLE), 15);
	assert_int_equal(option(s, IPPROTO_TCP, TCP_KEEPINTVL), 5);
	rp_stream_set_user_timeout(s, 1000);
	assert_int_equal(option(s, IPPROTO_TCP, TCP_KEEPINTVL), 1);
	rp_stream_close(s);
	rp_stream_set_user_timeout(s, 1000);
	rp_stream_close(e[1].s);
	run(e);
}

/* An idle pair owns no buffer: as many blocks as before the first byte, but for the thread's
 * pool. */
static void test_idle_memory(void **state)
{
	(void)state;
	struct end e[2];
	rp_oom_count_start();
	open_pair(e, AF_INET, NULL);
	long before = rp_oom_live();
	e[0].to_send = 100000;
	e[1].then_eof = close_both;
	rp_stream_read_start(e[1].s);
	pump(&e[0]);
	assert_true(rp_oom_live() > before);
	while (!e[1].eof) {
		uv_run(rp_loop_uv(loop), UV_RUN_ONCE);
		assert_true(rp_oom_live() < before + 12);
	}
	assert_int_equal(e[1].received, 100000);
	run(e);
	assert_int_equal(rp_oom_live(), 0);
	rp_oom_count_stop();
}

static void answer(struct end *e)
{
	if (!e->eof || e->to_send > 0) {
		return;
	}
	e->to_send = 5000;
	pump(e);
}

static void test_half_close(void **state)
{
	(void)state;
	struct end e[2];
	open_pair(e, AF_INET, NULL);
	e[0].to_send = 70000;
	e[1].then_eof = answer;
	e[0].then_eof = close_both;
	rp_stream_read_start(e[0].s);
	rp_stream_read_start(e[1].s);
	pump(&e[0]);
	struct iovec iov = {.iov_base = (char[]){"x"}, .iov_len = 1};
	assert_int_equal(rp_stream_write(e[0].s, &iov, 1), RP_ECLOSED);
	run(e);
	assert_int_equal(e[1].received, 70000);
	assert_int_equal(e[0].received, 5000);
	assert_false(e[0].wrong || e[1].wrong);
}

static void test_close_in_callbacks(void **state)
{
	(void)state;
	for (int which = 0; which < 4; which++) {
		struct end e[2];
		const struct rp_stream_options opt = {.write_high = 1000};
		open_pair(e, AF_INET, &opt);
		e[0].to_send = which == 3 ? 10000000 : 100;
		e[1].then_data = which == 0 ? close_both : NULL;
		e[1].then_eof = which == 1 ? close_both : NULL;
		rp_stream_read_start(e[0].s);
		rp_stream_read_start(e[1].s);
		e[0].then_drain = which == 3 ? close_both : pump;
		pump(&e[0]);
		if (which == 2) {
			close_both(&e[0]); /* with a write waiting */
		}
		run(e);
		assert_int_equal(e[0].error, 0);
		assert_int_equal(e[1].error, 0);
		assert_true(which != 2 || e[1].received == 0);
	}
}

static void test_limits(void **state)
{
	(void)state;
	struct end e[2];
	const struct rp_stream_options opt = {.write_high = 1000, .write_max = 5000};
	open_pair(e, AF_INET, &opt);
	static char block[5001];
	struct iovec iov = {.iov_base = block, .iov_len = 1000};
	uint8_t *p;
	assert_int_equal(rp_stream_write(e[0].s, &iov, 1), 0);
	iov.iov_len = 1;
	assert_int_equal(rp_stream_write(e[0].s, &iov, 1), 1);
	iov.iov_len = 4000;
	assert_int_equal(rp_stream_write(e[0].s, &iov, 1), RP_ELIMIT);
	assert_int_equal(rp_stream_write_reserve(e[0].s, 4000, &p), RP_ELIMIT);
	iov.iov_len = 5001;
	assert_int_equal(rp_stream_write(e[0].s, &iov, 1), RP_ELIMIT);
	struct iovec huge[2] = {
	    {.iov_base = block, .iov_len = SIZE_MAX},
	    {.iov_base = block, .iov_len = 2},
	};
	assert_int_equal(rp_stream_write(e[0].s, huge, 2), RP_ELIMIT);
	iov.iov_len = 3999;
	assert_int_equal(rp_stream_write(e[0].s, &iov, 1), 1);
	assert_int_equal(rp_stream_queued(e[0].s), 5000);
	rp_stream_set_write_max(e[0].s, 6000);
	iov.iov_len = 1000;
	assert_int_equal(rp_stream_write(e[0].s, &iov, 1), 1);
	e[0].then_drain = close_both;
	run(e);
	assert_int_equal(e[0].drained, 1);
}

static void close_flush(struct end *e)
{
	rp_stream_close_flush(e->s, 5000);
	rp_stream_close_flush(e->s, 5000);
}

static void close_self(struct end *e)
{
	rp_stream_close(e->s);
}

/* Everything queued arrives, although the peer is still sending what nobody reads. */
static void test_close_flush(void **state)
{
	(void)state;
	struct end e[2];
	open_pair(e, AF_INET, NULL);
	e[0].to_send = 3000000;
	e[1].to_send = 3000000;
	e[1].then_drain = pump;
	e[1].then_eof = close_self;
	while (e[0].sent < e[0].to_send) {
		(void)write_one(&e[0]);
	}
	pump(&e[1]);
	rp_stream_read_start(e[1].s);
	close_flush(&e[0]);
	struct iovec iov = {.iov_base = (char[]){"x"}, .iov_len = 1};
	assert_int_equal(rp_stream_write(e[0].s, &iov, 1), RP_ECLOSED);
	run(e);
	assert_int_equal(e[1].received, 3000000);
	assert_false(e[1].wrong);
	assert_int_equal(e[0].received, 0);
}

static void test_close_flush_gives_up(void **state)
{
	(void)state;
	struct end e[2];
	open_pair(e, AF_INET, NULL);
	static char block[100000];
	struct iovec iov = {.iov_base = block, .iov_len = sizeof(block)};
	for (int i = 0; i < 80; i++) {
		assert_true(rp_stream_write(e[0].s, &iov, 1) >= 0); /* the other end never reads */
	}
	e[0].then_closed = NULL;
	rp_stream_close_flush(e[0].s, 100);
	uint64_t start = uv_hrtime();
	while (e[0].closed == 0) {
		uv_run(rp_loop_uv(loop), UV_RUN_ONCE);
	}
	assert_true((uv_hrtime() - start) / 1000000 >= 40);
	rp_stream_close(e[1].s);
	run(e);
}

static void test_reset(void **state)
{
	(void)state;
	struct end e[2];
	open_pair(e, AF_INET, NULL);
	rp_stream_read_start(e[1].s);
	rp_stream_reset(e[0].s);
	rp_stream_reset(e[0].s);
	run(e);
	assert_int_equal(e[1].error, UV_ECONNRESET);
	assert_string_equal(e[1].text, "connection reset by peer");
}

static void test_peer(void **state)
{
	(void)state;
	struct end e[2];
	open_pair(e, AF_INET, NULL);
	assert_string_equal(rp_stream_peer(e[0].s), "127.0.0.1");
	assert_true(rp_stream_fd(e[0].s) >= 0);
	assert_ptr_equal(rp_stream_loop(e[0].s), loop);
	assert_false(rp_stream_is_tls(e[0].s));
	close_both(&e[0]);
	run(e);
	open_pair(e, AF_INET6, NULL);
	assert_string_equal(rp_stream_peer(e[0].s), "::1");
	close_both(&e[0]);
	run(e);
}

static void test_bad_fd(void **state)
{
	(void)state;
	struct end e = {0};
	assert_int_equal(rp_loop_new(&loop, "test"), 0);
	char path[] = "/tmp/rport-stream-XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	(void)unlink(path);
	/* A file is no socket; its descriptor is closed and nobody is told. */
	int rc = rp_stream_from_fd(loop, fd, NULL, &ops, &e, &e.s);
	if (rc == 0) {
		rp_stream_close(e.s);
	} else {
		assert_null(e.s);
		rp_loop_stop(loop);
	}
	rp_loop_run(loop);
	rp_loop_free(loop);
	assert_int_equal(write(fd, "x", 1), -1);
	assert_int_equal(e.closed, rc == 0 ? 1 : 0);
}

/* A pair that sends 100 kB; every failing allocation must end in an error or in completion.
 * libuv's own are left alone: it ends the process when its table of descriptors cannot grow. */
static int oom_body(void *state)
{
	(void)state;
	struct end e[2] = {0};
	int fd[2];
	int rc = rp_loop_new(&loop, "test");
	if (rc != 0) {
		return rc;
	}
	rc = rp_net_pair(AF_INET, fd);
	for (int i = 0; i < 2; i++) {
		e[i].other = &e[1 - i];
		e[i].resume.run = on_resume;
		int opened = rp_stream_from_fd(loop, fd[i], NULL, &ops, &e[i], &e[i].s);
		rc = rc == 0 ? opened : rc;
	}
	static uint8_t block[100000];
	if (rc == 0) {
		struct iovec iov = {.iov_base = block, .iov_len = sizeof(block)};
		rp_pattern_make(&e[0].out_byte, block, sizeof(block));
		rp_stream_read_start(e[1].s);
		rc = rp_stream_write(e[0].s, &iov, 1);
	}
	if (rc >= 0) {
		rp_stream_shutdown(e[0].s);
		e[1].then_eof = close_both;
		e[1].then_error = close_both;
	} else {
		rp_loop_stop(loop);
		for (int i = 0; i < 2; i++) {
			if (e[i].s != NULL) {
				rp_stream_close(e[i].s);
			}
		}
	}
	rp_loop_run(loop);
	rp_loop_free(loop);
	bool complete = e[1].received == sizeof(block) && !e[1].wrong;
	return rc < 0 ? rc : e[1].error != 0 ? e[1].error : complete ? 0 : RP_EIO;
}

static void test_oom(void **state)
{
	(void)state;
	assert_int_equal(rp_oom_run(oom_body, NULL), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_transfer),
	    cmocka_unit_test(test_transfer_options),
	    cmocka_unit_test(test_user_timeout),
	    cmocka_unit_test(test_idle_memory),
	    cmocka_unit_test(test_half_close),
	    cmocka_unit_test(test_close_in_callbacks),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_close_flush),
	    cmocka_unit_test(test_close_flush_gives_up),
	    cmocka_unit_test(test_reset),
	    cmocka_unit_test(test_peer),
	    cmocka_unit_test(test_bad_fd),
	    cmocka_unit_test(test_oom),
	};
	alarm(120);
	(void)signal(SIGPIPE, SIG_IGN);
	rp_prng_start();
	return rp_prng_report(cmocka_run_group_tests(tests, NULL, NULL));
}
