/* SPDX-License-Identifier: MIT */
/*
 * WebSocket connections over real sockets: transfers, pings, ends in every order, floods, memory.
 */
#include "http/ws.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "test/lib/net.h"
#include "test/lib/oom.h"
#include "test/lib/pattern.h"
#include "test/lib/prng.h"

/* Connection layer. */

struct end {
	struct rp_ws *w;
	struct end *other;
	size_t to_send;
	size_t sent;
	size_t received;
	size_t messages;
	uint8_t out_byte;
	uint8_t in_byte;
	bool wrong;
	bool pauses;
	bool paused;
	unsigned ended;
	int end_code;
	char why[128];
	unsigned closed;
	enum rp_ws_opcode opcode;
	struct rp_deferred resume;
	void (*then_data)(struct end *e);
	void (*then_end)(struct end *e);
};

static struct rp_loop *loop;

static void on_resume(struct rp_deferred *d)
{
	struct end *e = RP_CONTAINER_OF(d, struct end, resume);
	if (e->closed == 0) {
		e->paused = false;
		rp_ws_read_start(e->w);
	}
}

static void on_data(
    void *ctx, enum rp_ws_opcode opcode, bool first, bool last, uint8_t *p, size_t n)
{
	struct end *e = ctx;
	assert_false(e->paused || e->ended > 0);
	(void)first;
	e->opcode = opcode;
	e->wrong = !rp_pattern_fits(&e->in_byte, p, n) || e->wrong;
	e->received += n;
	e->messages += last;
	if (e->pauses && rp_prng_below(3) == 0) {
		rp_ws_read_stop(e->w);
		if (rp_prng_below(3) == 0) {
			rp_ws_read_start(e->w); /* at once */
		} else {
			e->paused = true;
			rp_loop_defer(loop, &e->resume);
		}
	}
	if (e->then_data != NULL) {
		e->then_data(e);
	}
}

static void pump(struct end *e)
{
	static uint8_t block[100000];
	int rc = 0;
	while (e->sent < e->to_send && rc == 0) {
		static const size_t sizes[] = {130, 3000, 3000, 3000, 3000, sizeof(block)};
		size_t n = rp_prng_below(sizes[rp_prng_below(RP_ARRAY_LEN(sizes))]);
		n = RP_MIN(n, e->to_send - e->sent);
		rp_pattern_make(&e->out_byte, block, n);
		size_t cut = rp_prng_below(n + 1);
		struct iovec iov[2] = {
		    {.iov_base = block, .iov_len = cut},
		    {.iov_base = block + cut, .iov_len = n - cut},
		};
		if (rp_prng_below(2) == 0) {
			/* A shorter head than the room was made for. */
			uint8_t *room;
			rc = rp_ws_reserve(e->w, n + rp_prng_below(70000), &room);
			assert_int_equal(rc, 0);
			memcpy(room, block, n);
			rc = rp_ws_commit(e->w, RP_WS_BINARY, n);
		} else {
			rc = rp_ws_send(e->w, RP_WS_BINARY, iov, 2);
		}
		assert_true(rc == 0 || rc == 1);
		e->sent += n;
	}
}

static void on_drain(void *ctx)
{
	pump(ctx);
}

static void on_end(void *ctx, int code, const char *why)
{
	struct end *e = ctx;
	e->ended++;
	e->end_code = code;
	(void)snprintf(e->why, sizeof(e->why), "%s", why);
	struct iovec iov = {.iov_base = (char[]){"x"}, .iov_len = 1};
	assert_int_equal(rp_ws_send(e->w, RP_WS_TEXT, &iov, 1), RP_ECLOSED);
	if (e->then_end != NULL) {
		e->then_end(e);
	} else {
		rp_ws_close(e->w, 0);
	}
}

static void on_closed(void *ctx)
{
	struct end *e = ctx;
	e->closed++;
	rp_loop_defer_cancel(&e->resume);
	if (e->other == NULL || e->other->closed > 0) {
		rp_loop_stop(loop);
	}
}

static const struct rp_ws_ops ops = {
    .on_data = on_data,
    .on_drain = on_drain,
    .on_end = on_end,
    .on_closed = on_closed,
};

static const struct rp_stream_ops no_ops = {0};

static void init_end(struct end *e, int fd, bool client, const char *early, size_t early_n)
{
	struct rp_stream *s;
	e->resume.run = on_resume;
	assert_int_equal(rp_stream_from_fd(loop, fd, NULL, &no_ops, NULL, &s), 0);
	assert_int_equal(rp_ws_new(s, client, (const uint8_t *)early, early_n, &ops, e, &e->w), 0);
	assert_ptr_equal(rp_ws_stream(e->w), s);
}

/* e[0] is the server. */
static void open_pair(struct end e[2])
{
	int fd[2];
	memset(e, 0, 2 * sizeof(*e));
	assert_int_equal(rp_loop_new(&loop, "test"), 0);
	assert_int_equal(rp_net_pair(AF_INET, fd), 0);
	for (int i = 0; i < 2; i++) {
		e[i].other = &e[1 - i];
		init_end(&e[i], fd[i], i == 1, NULL, 0);
	}
}

static void run(void)
{
	rp_loop_run(loop);
	rp_loop_free(loop);
}

static void close_when_complete(struct end *e)
{
	if (e->received == e->other->to_send && e->other->received == e->to_send) {
		rp_ws_close(e->w, 1000);
		rp_ws_close(e->w, 1000);
	}
}

static void test_transfer(void **state)
{
	(void)state;
	struct end e[2];
	open_pair(e);
	for (int i = 0; i < 2; i++) {
		e[i].to_send = (size_t)8 * 1024 * 1024;
		e[i].pauses = true;
		e[i].then_data = close_when_complete;
		pump(&e[i]);
	}
	run();
	for (int i = 0; i < 2; i++) {
		assert_false(e[i].wrong);
		assert_int_equal(e[i].received, e[i].to_send);
		assert_int_equal(e[i].closed, 1);
	}
	/* The one that did not close first saw an orderly end. */
	assert_int_equal(e[0].ended + e[1].ended, 1);
	assert_int_equal(e[0].end_code | e[1].end_code, 0);
}

/* One end is a plain socket that is fed with bytes; returns what came back. */
static size_t run_raw(struct end *e, bool client, const char *early, size_t early_n, const char *p,
    size_t n, uint8_t *out, size_t size)
{
	int fd[2];
	assert_int_equal(rp_loop_new(&loop, "test"), 0);
	assert_int_equal(rp_net_pair(AF_INET, fd), 0);
	init_end(e, fd[0], client, early, early_n);
	assert_int_equal(write(fd[1], p, n), n);
	(void)shutdown(fd[1], SHUT_WR);
	run();
	size_t got = 0;
	for (ssize_t part = 1; part > 0; got += (size_t)part) {
		part = recv(fd[1], out + got, size - got, 0);
		part = part < 0 ? 0 : part;
	}
	close(fd[1]);
	return got;
}

static void test_ping_and_close(void **state)
{
	(void)state;
	uint8_t out[256];
	struct end e = {0};
	/* Ping, text, close with a reason; frames behind the close are not looked at. */
	static const char bytes[] = "\x89\x04ping\x81\x02hi\x88\x05\x03\xe8"
	                            "bye\x81\x01x";
	size_t n = run_raw(&e, true, NULL, 0, bytes, sizeof(bytes) - 1, out, sizeof(out));
	assert_int_equal(e.received, 2);
	assert_int_equal(e.opcode, RP_WS_TEXT);
	assert_int_equal(e.ended, 1);
	assert_int_equal(e.end_code, 0);
	/* Masked answers: pong "ping", close 1000. */
	assert_int_equal(n, 2 + 4 + 4 + 2 + 4 + 2);
	assert_int_equal(out[0], 0x8a);
	assert_int_equal(out[1], 0x84);
	rp_ws_mask(out + 6, out + 6, 4, out + 2, 0);
	assert_memory_equal(out + 6, "ping", 4);
	assert_int_equal(out[10], 0x88);
	assert_int_equal(out[11], 0x82);
	rp_ws_mask(out + 16, out + 16, 2, out + 12, 0);
	assert_memory_equal(out + 16, "\x03\xe8", 2);
}

static void test_ends(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		size_t n;
		int code;
		const char *answer;
		size_t answer_n;
	} rows[] = {
	    {"", 0, 0, "", 0}, /* just EOF */
	    {"\x82\x03"
	     "ab",
	        4, 0, "", 0},                                                   /* within a frame */
	    {"\x88\x00", 2, 0, "\x88\x00", 2},                                  /* no status */
	    {"\x88\x02\x03\xe9", 4, 0, "\x88\x02\x03\xe9", 4},                  /* going away */
	    {"\x88\x02\x03\xf3", 4, RP_ECLOSED, "\x88\x02\x03\xf3", 4},         /* internal error */
	    {"\x88\x02\x0f\xa0", 4, RP_ECLOSED, "\x88\x02\x0f\xa0", 4},         /* 4000 */
	    {"\x88\x01\x03", 3, RP_EPROTO, "\x88\x02\x03\xea", 4},              /* half a status */
	    {"\x88\x02\x03\xed", 4, RP_EPROTO, "\x88\x02\x03\xea", 4},          /* 1005 */
	    {"\x88\x02\x00\x01", 4, RP_EPROTO, "\x88\x02\x03\xea", 4},          /* 1 */
	    {"\x88\x03\x03\xe8\xff", 5, RP_EPROTO, "\x88\x02\x03\xea", 4},      /* not UTF-8 */
	    {"\x81\x81\x01\x02\x03\x04x", 7, RP_EPROTO, "\x88\x02\x03\xea", 4}, /* masked */
	    {"\xff\xff", 2, RP_EPROTO, "\x88\x02\x03\xea", 4},
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		uint8_t out[256];
		struct end e = {0};
		size_t n = run_raw(&e, true, NULL, 0, rows[i].bytes, rows[i].n, out, sizeof(out));
		assert_int_equal(e.ended, 1);
		assert_int_equal(e.closed, 1);
		assert_int_equal(e.end_code, rows[i].code);
		assert_int_equal(n, rows[i].answer_n + (rows[i].answer_n > 0 ? 4 : 0));
		if (n > 6) { /* a client's frames are masked */
			rp_ws_mask(out + 6, out + 6, n - 6, out + 2, 0);
			assert_memory_equal(out + 6, rows[i].answer + 2, n - 6);
		}
	}
}

static void test_early(void **state)
{
	(void)state;
	uint8_t out[256];
	struct end e = {0};
	static const char early[] = "\x82\x02"
	                            "ab\x02\x02"
	                            "c";
	static const char rest[] = "d\x80\x01"
	                           "e";
	(void)run_raw(&e, true, early, sizeof(early) - 1, rest, sizeof(rest) - 1, out, sizeof(out));
	assert_int_equal(e.received, 5);
	assert_int_equal(e.messages, 2);
	assert_int_equal(e.end_code, 0);
}

static void count_end(struct end *e)
{
	rp_ws_close(e->w, 1001);
	rp_ws_close(e->w, 0);
}

static void test_close_ways(void **state)
{
	(void)state;
	for (int which = 0; which < 4; which++) {
		struct end e[2];
		open_pair(e);
		e[0].to_send = 10000;
		pump(&e[0]);
		e[1].then_end = count_end;
		if (which == 0) {
			rp_ws_close(e[0].w, 0); /* what is queued is lost */
		} else if (which == 1) {
			rp_ws_close(e[0].w, 1000); /* what is queued arrives */
		} else if (which == 2) {
			rp_stream_reset(rp_ws_stream(e[0].w));
		} else {
			rp_ws_close(e[0].w, 1000);
			rp_ws_close(e[0].w, 0);
		}
		run();
		assert_int_equal(e[0].closed, 1);
		assert_int_equal(e[1].closed, 1);
		assert_int_equal(e[1].ended, 1);
		assert_int_equal(e[0].ended, 0);
		assert_int_equal(e[1].end_code, which == 2 ? UV_ECONNRESET : 0);
		assert_true(which != 1 || e[1].received == 10000);
	}
}

/* A peer that floods with pings and reads nothing cannot fill our memory. */
static void test_ping_flood(void **state)
{
	(void)state;
	int fd[2];
	struct end e = {0};
	assert_int_equal(rp_loop_new(&loop, "test"), 0);
	assert_int_equal(rp_net_pair(AF_INET, fd), 0);
	int small = 4096;
	(void)setsockopt(fd[1], SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	(void)setsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	init_end(&e, fd[0], true, NULL, 0);
	static uint8_t block[127 * 1000];
	for (size_t i = 0; i < sizeof(block); i += 127) {
		block[i] = 0x89;
		block[i + 1] = 125;
	}
	size_t sent = 0;
	while (sent < (size_t)30 * 1000 * 1000) {
		ssize_t n = send(fd[1], block + sent % sizeof(block),
		    sizeof(block) - sent % sizeof(block), MSG_DONTWAIT);
		sent += n > 0 ? (size_t)n : 0;
		uv_run(rp_loop_uv(loop), UV_RUN_NOWAIT);
		assert_true(rp_ws_queued(e.w) < 300000);
	}
	assert_int_equal(e.ended, 0);
	rp_ws_close(e.w, 0);
	run();
	close(fd[1]);
}

static int oom_body(void *state)
{
	(void)state;
	struct end e[2] = {0};
	struct rp_stream *s[2] = {NULL, NULL};
	int fd[2];
	int rc = rp_loop_new(&loop, "test");
	if (rc != 0) {
		return rc;
	}
	rc = rp_net_pair(AF_INET, fd);
	for (int i = 0; i < 2; i++) {
		int one = rp_stream_from_fd(loop, fd[i], NULL, &no_ops, NULL, &s[i]);
		if (one == 0) {
			e[i].resume.run = on_resume;
			one = rp_ws_new(s[i], i == 1, (const uint8_t *)"", 0, &ops, &e[i], &e[i].w);
		}
		rc = rc == 0 ? one : rc;
	}
	for (int i = 0; i < 2; i++) {
		e[i].other = e[1 - i].w == NULL ? NULL : &e[1 - i];
	}
	struct iovec iov = {.iov_base = (char[]){"\0\1\6\37"}, .iov_len = 4};
	if (rc == 0) {
		rc = rp_ws_send(e[1].w, RP_WS_BINARY, &iov, 1);
	}
	if (e[1].w != NULL) {
		rp_ws_close(e[1].w, 1000);
	}
	if (rc != 0 && e[0].w != NULL) {
		rp_ws_close(e[0].w, 0);
	}
	if (e[0].w == NULL && e[1].w == NULL) {
		rp_loop_stop(loop);
	}
	run();
	bool complete = e[0].received == 4 && !e[0].wrong;
	bool failed = e[0].end_code == RP_ENOMEM || e[1].end_code == RP_ENOMEM;
	return rc != 0 ? rc : failed ? RP_ENOMEM : complete ? 0 : RP_EIO;
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
	    cmocka_unit_test(test_ping_and_close),
	    cmocka_unit_test(test_ends),
	    cmocka_unit_test(test_early),
	    cmocka_unit_test(test_close_ways),
	    cmocka_unit_test(test_ping_flood),
	    cmocka_unit_test(test_oom),
	};
	alarm(120);
	(void)signal(SIGPIPE, SIG_IGN);
	rp_prng_start();
	return rp_prng_report(cmocka_run_group_tests(tests, NULL, NULL));
}
