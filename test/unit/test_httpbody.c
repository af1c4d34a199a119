/* SPDX-License-Identifier: MIT */
/*
 * Request bodies that are handed out as they come (http/server.h): refused unread, read late,
 * paused, cut off, too long, and what follows on the connection.
 */
#include "http/server.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <uv.h>

#include "core/clock.h"
#include "core/loop.h"
#include "http/accept.h"
#include "test/lib/net.h"

#define BODY_MAX ((size_t)4 * 1000 * 1000)
#define OUT_MAX  16384
#define WAIT_MS  20000

enum mode {
	AT_ONCE, /* the body is read from inside on_request */
	LATE,
	PAUSED,      /* after each piece, for a moment */
	STOPPED,     /* after the first piece, for good */
	REFUSED,     /* answered unread */
	REFUSED_HALF /* answered in the middle */
};

static struct server {
	struct rp_loop *loop;
	struct rp_acceptor *acceptor;
	struct rp_http_server_options opt;
	enum mode mode;
	struct rp_http_req *req;
	uv_timer_t timer;
	size_t taken;
	uint8_t sum;
	int ends;
	int code;
	unsigned bad;
	unsigned open;
	char out[OUT_MAX];
	size_t out_n;
} s;

static void answer(const char *text)
{
	struct rp_http_req *req = s.req;
	s.req = NULL;
	rp_http_reply(req, 200, "text/plain", text, strlen(text));
}

static void on_body_end(void *ctx, int code)
{
	char text[64];
	(void)ctx;
	s.ends++;
	s.code = code;
	(void)snprintf(text, sizeof(text), "%d %zu %u", code, s.taken, s.sum);
	answer(text);
}

static void on_timer(uv_timer_t *t)
{
	(void)t;
	if (s.req == NULL) {
		return;
	}
	if (s.mode == REFUSED_HALF) {
		answer("enough");
	} else {
		rp_http_req_pause_body(s.req, false);
	}
}

static void on_body_data(void *ctx, const uint8_t *p, size_t n)
{
	(void)ctx;
	assert_int_equal(s.ends, 0);
	for (size_t i = 0; i < n; i++) {
		s.sum = (uint8_t)(s.sum * 3 + p[i]);
	}
	s.taken += n;
	if (s.mode == PAUSED || s.mode == STOPPED || s.mode == REFUSED_HALF) {
		rp_http_req_pause_body(s.req, true);
	}
	if (s.mode == PAUSED || s.mode == REFUSED_HALF) {
		assert_int_equal(uv_timer_start(&s.timer, on_timer, 1, 0), 0);
	}
}

static const struct rp_http_body_ops body_ops = {.on_data = on_body_data, .on_end = on_body_end};

static void on_late(uv_timer_t *t)
{
	(void)t;
	rp_http_req_read_body(s.req, &body_ops, NULL);
}

static void on_request(void *ctx, struct rp_http_req *req)
{
	(void)ctx;
	s.req = req;
	assert_int_equal(rp_http_req_body(req).len, 0);
	if (strcmp(rp_http_req_path(req), "/plain") == 0) {
		answer("plain");
	} else if (s.mode == REFUSED) {
		answer("no");
	} else if (s.mode == LATE) {
		assert_int_equal(uv_timer_start(&s.timer, on_late, 30, 0), 0);
	} else {
		rp_http_req_read_body(req, &body_ops, NULL);
	}
}

static void on_head(void *ctx, struct rp_http_req *req)
{
	(void)ctx;
	if (strcmp(rp_http_req_path(req), "/plain") != 0) {
		rp_http_req_hold_body(req);
		rp_http_req_set_body_max(req, BODY_MAX);
	}
}

static bool on_bad_request(void *ctx, struct rp_http_req *req, unsigned status, const char *text)
{
	(void)ctx;
	(void)req;
	(void)status;
	(void)text;
	s.bad++;
	return false;
}

static void on_conn_closed(void *ctx, struct rp_http_conn *conn)
{
	(void)ctx;
	(void)conn;
	s.open--;
}

static const struct rp_http_server_ops ops = {
    .on_request = on_request,
    .on_bad_request = on_bad_request,
    .on_head = on_head,
    .on_conn_closed = on_conn_closed,
};

static void on_accept(void *ctx, int fd, const struct sockaddr *peer)
{
	struct rp_http_conn *conn;
	(void)ctx;
	(void)peer;
	assert_int_equal(rp_http_conn_new(s.loop, fd, &s.opt, &ops, NULL, &conn), 0);
	s.open++;
}

static int setup(void **state)
{
	static const struct rp_acceptor_ops acceptor_ops = {.on_accept = on_accept};
	struct rp_err err = {0};
	(void)state;
	memset(&s, 0, sizeof(s));
	s.opt = (struct rp_http_server_options){.body_max = 100};
	assert_int_equal(rp_loop_new(&s.loop, "test"), 0);
	assert_int_equal(
	    rp_acceptor_new(s.loop, "127.0.0.1:0", &acceptor_ops, NULL, &s.acceptor, &err), 0);
	assert_int_equal(uv_timer_init(rp_loop_uv(s.loop), &s.timer), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rp_acceptor_close(s.acceptor);
	uv_close((uv_handle_t *)&s.timer, NULL);
	rp_loop_stop(s.loop);
	rp_loop_run(s.loop);
	rp_loop_free(s.loop);
	assert_int_equal(s.open, 0);
	return 0;
}

/* One turn of the loop, and what came back. False at the end of the connection. */
static bool turn(int fd)
{
	(void)uv_run(rp_loop_uv(s.loop), UV_RUN_NOWAIT);
	ssize_t n = recv(fd, s.out + s.out_n, OUT_MAX - 1 - s.out_n, MSG_DONTWAIT);
	s.out_n += n > 0 ? (size_t)n : 0;
	s.out[s.out_n] = '\0';
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

/* Sends all, or until it does not move for a while. How much went out. */
static size_t push(int fd, const char *p, size_t n)
{
	size_t sent = 0;
	int still = 0;
	while (sent < n && still < 200) {
		ssize_t got = send(fd, p + sent, n - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (got < 0 && errno != EAGAIN) {
			return sent;
		}
		sent += got > 0 ? (size_t)got : 0;
		still = got > 0 ? 0 : still + 1;
		(void)turn(fd);
		if (got < 0) {
			(void)usleep(1000);
		}
	}
	return sent;
}

static void wait_for(int fd, const char *text)
{
	uint64_t end = rp_clock_ms() + WAIT_MS;
	bool open = true;
	while (strstr(s.out, text) == NULL) {
		open = open && turn(fd);
		if (rp_clock_ms() > end || !open) {
			fail_msg("no \"%s\" in \"%s\"", text, s.out);
		}
	}
}

static void wait_end(int fd)
{
	uint64_t end = rp_clock_ms() + WAIT_MS;
	while (turn(fd)) {
		assert_true(rp_clock_ms() < end);
	}
}

static int start(const char *head)
{
	int fd = rp_net_connect(rp_acceptor_port(s.acceptor));
	assert_true(fd >= 0);
	assert_int_equal(push(fd, head, strlen(head)), strlen(head));
	return fd;
}

static char *bytes(size_t n, uint8_t *sum)
{
	char *p = malloc(n + 1);
	assert_non_null(p);
	*sum = 0;
	for (size_t i = 0; i < n; i++) {
		p[i] = (char)(i * 7 + i / 251);
		*sum = (uint8_t)(*sum * 3 + (uint8_t)p[i]);
	}
	return p;
}

#define HEAD(more) "POST /x HTTP/1.1\r\nHost: h\r\n" more "\r\n"

/* Whole bodies arrive whole, and the connection goes on. */
static void test_whole(void **state)
{
	static const enum mode modes[] = {AT_ONCE, LATE, PAUSED};
	static const size_t sizes[] = {0, 1, 100000, 3900000};
	(void)state;
	for (size_t i = 0; i < 12; i++) {
		size_t n = sizes[i % 4];
		char head[128];
		char want[64];
		uint8_t sum;
		char *body = bytes(n, &sum);
		s.mode = modes[i / 4];
		s.taken = 0;
		s.sum = 0;
		s.ends = 0;
		s.out_n = 0;
		(void)snprintf(head, sizeof(head),
		    "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n\r\n", n);
		(void)snprintf(want, sizeof(want), "\r\n\r\n0 %zu %u", n, sum);
		int fd = start(head);
		assert_int_equal(push(fd, body, n), n);
		wait_for(fd, want);
		assert_null(strstr(s.out, "Connection: close"));
		assert_int_equal(s.ends, 1);
		static const char next[] =
		    "POST /plain HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n";
		(void)push(fd, next, strlen(next));
		wait_for(fd, "plain");
		close(fd);
		free(body);
	}
}

static void test_chunked(void **state)
{
	(void)state;
	int fd = start(HEAD("Transfer-Encoding: chunked\r\n") "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
	wait_for(fd, "0 5 ");
	close(fd);
}

/* The client is told to go on only when somebody wants the body. */
static void test_expect(void **state)
{
	(void)state;
	s.mode = REFUSED;
	int fd = start(HEAD("Content-Length: 4\r\nExpect: 100-continue\r\n"));
	wait_end(fd);
	assert_non_null(strstr(s.out, "Connection: close"));
	assert_null(strstr(s.out, "100 Continue"));
	close(fd);
	s.mode = AT_ONCE;
	s.out_n = 0;
	fd = start(HEAD("Content-Length: 4\r\nExpect: 100-continue\r\n"));
	wait_for(fd, "100 Continue");
	(void)push(fd, "body", 4);
	wait_for(fd, "0 4 ");
	close(fd);
}

static void test_refused(void **state)
{
	static const enum mode modes[] = {REFUSED, REFUSED_HALF};
	uint8_t sum;
	char *body = bytes(3000000, &sum);
	(void)state;
	for (int i = 0; i < 2; i++) {
		s.mode = modes[i];
		s.out_n = 0;
		s.taken = 0;
		int fd = start(HEAD("Content-Length: 3000000\r\n"));
		(void)push(fd, body, 3000000);
		wait_end(fd);
		assert_non_null(strstr(s.out, i == 0 ? "\r\n\r\nno" : "\r\n\r\nenough"));
		assert_non_null(strstr(s.out, "Connection: close"));
		assert_int_equal(s.ends, 0);
		assert_true(i == 0 ? s.taken == 0 : s.taken < 3000000);
		close(fd);
	}
	free(body);
}

/* Nothing is read during a pause but what a buffer takes, and its time does not run. */
static void test_pause(void **state)
{
	uint8_t sum;
	char *body = bytes(3900000, &sum);
	(void)state;
	s.mode = STOPPED;
	s.opt.body_ms = 1000;
	int fd = start(HEAD("Content-Length: 3900000\r\n"));
	int small = 4096;
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	(void)push(fd, body, 3900000);
	size_t first = s.taken;
	assert_true(first > 0 && first < 1000000);
	for (int i = 0; i < 15; i++) {
		(void)usleep(100000);
		(void)turn(fd);
	}
	assert_int_equal(s.taken, first);
	assert_int_equal(s.ends, 0);
	close(fd);
	rp_http_req_pause_body(s.req, false);
	uint64_t end = rp_clock_ms() + WAIT_MS;
	while (s.ends == 0 && rp_clock_ms() < end) {
		s.mode = AT_ONCE;
		(void)uv_run(rp_loop_uv(s.loop), UV_RUN_NOWAIT);
	}
	assert_int_equal(s.code, RP_ECLOSED);
	free(body);
}

static void test_limits(void **state)
{
	uint8_t sum;
	char *body = bytes(BODY_MAX + 1, &sum);
	(void)state;
	/* Announced: it does not even come to a request. */
	int fd = start(HEAD("Content-Length: 4000001\r\n"));
	wait_end(fd);
	assert_non_null(strstr(s.out, "HTTP/1.1 413 "));
	assert_int_equal(s.bad, 1);
	close(fd);
	s.out_n = 0;
	fd = start(HEAD("Transfer-Encoding: chunked\r\n") "3d0901\r\n");
	(void)push(fd, body, BODY_MAX + 1);
	wait_end(fd);
	assert_int_equal(s.ends, 1);
	assert_int_equal(s.code, RP_ELIMIT);
	assert_true(s.taken <= BODY_MAX);
	close(fd);
	s.ends = 0;
	s.out_n = 0;
	fd = start(HEAD("Transfer-Encoding: chunked\r\n") "xyz\r\n");
	wait_end(fd);
	assert_int_equal(s.code, RP_EPROTO);
	close(fd);
	free(body);
}

static void test_cut_off(void **state)
{
	static const enum mode modes[] = {AT_ONCE, LATE, PAUSED};
	(void)state;
	for (int i = 0; i < 6; i++) {
		s.mode = modes[i % 3];
		s.ends = 0;
		int fd = start(HEAD("Content-Length: 9\r\n") "abc");
		struct linger hard = {.l_onoff = 1};
		if (i >= 3) {
			(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
		}
		close(fd);
		uint64_t end = rp_clock_ms() + WAIT_MS;
		while (s.ends == 0 && rp_clock_ms() < end) {
			(void)uv_run(rp_loop_uv(s.loop), UV_RUN_NOWAIT);
		}
		assert_int_equal(s.ends, 1);
		assert_int_equal(s.code, RP_ECLOSED);
	}
}

/* Silence ends it, with an answer; slowness does not. */
static void test_silence(void **state)
{
	(void)state;
	s.opt.body_ms = 1500;
	int fd = start(HEAD("Content-Length: 9\r\n") "a");
	for (int i = 0; i < 4; i++) {
		(void)usleep(500000);
		assert_int_equal(push(fd, "b", 1), 1);
		assert_int_equal(s.ends, 0);
	}
	wait_end(fd);
	assert_int_equal(s.code, RP_ETIMEOUT);
	assert_non_null(strstr(s.out, "Connection: close"));
	close(fd);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    T(test_whole),
	    T(test_chunked),
	    T(test_expect),
	    T(test_refused),
	    T(test_pause),
	    T(test_limits),
	    T(test_cut_off),
	    T(test_silence),
	};
	alarm(180);
	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("httpbody", tests, NULL, NULL);
}
