/* SPDX-License-Identifier: MIT */
/*
 * HTTP server connections over real sockets: deadlines, slow readers, peers that go suddenly,
 * noise.
 */
#include "http/server.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "test/lib/http_rig.h"
#include "test/lib/net.h"
#include "test/lib/oom.h"
#include "test/lib/prng.h"

/* More than can be sent byte by byte before the deadline. */
#define A50       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define LONG_HEAD "GET / HTTP/1.1\r\nX: " A50 A50 A50 A50

static void test_deadlines(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t piece;
		const char *begins;
	} rows[] = {
	    {"", 0, ""},                                  /* silence */
	    {"GET / HTTP/1.1\r\nHost: h\r\nX: y", 0, ""}, /* half a head */
	    {LONG_HEAD, 1, ""},                           /* drops */
	    {"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc", 0,
	        "HTTP/1.1 408 Request Timeout\r\n"},
	    {"GET /x HTTP/1.1\r\nHost: h\r\n\r\n", 0, "HTTP/1.1 404"}, /* then idle */
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		struct rp_http_rig f;
		rp_http_rig_init(&f);
		f.in = rows[i].text;
		f.in_n = strlen(rows[i].text);
		f.piece = rows[i].piece;
		f.gap_ms = rows[i].piece > 0 ? 15 : 0;
		rp_http_rig_run(&f, rp_http_rig_raw);
		assert_int_equal(strncmp(f.out, rows[i].begins, strlen(rows[i].begins)), 0);
		assert_true(rows[i].begins[0] != '\0' || f.out_n == 0);
		assert_true(f.took_ms >= 300);
		assert_true((f.sent < f.in_n) == (f.piece > 0));
		rp_http_rig_fini(&f);
	}
}

/* Takes a big answer slowly, but steadily. */
static void slow_reader(struct rp_http_rig *f)
{
	int fd = rp_net_connect(f->port);
	int small = 16384;
	static char block[120000];
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	(void)!write(fd, f->in, f->in_n);
	ssize_t got = 1;
	while (got > 0) {
		(void)usleep(50000);
		got = recv(fd, block, sizeof(block), MSG_WAITALL);
		f->out_n += got > 0 ? (size_t)got : 0;
		if (f->half_close && f->out_n >= RP_HTTP_RIG_BIG) {
			break;
		}
	}
	close(fd);
}

/* Neither the last answer of a connection nor the idle time cuts it off. */
static void test_slow_reader(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct rp_http_rig f;
		rp_http_rig_init(&f);
		f.big = calloc(1, RP_HTTP_RIG_BIG);
		f.in = i == 0 ? "GET /big HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
		              : "GET /big HTTP/1.1\r\nHost: h\r\n\r\n";
		f.in_n = strlen(f.in);
		f.half_close = i == 1;
		rp_http_rig_run(&f, slow_reader);
		assert_true(f.out_n > RP_HTTP_RIG_BIG);
		assert_true(f.took_ms > 2000);
		free(f.big);
		rp_http_rig_fini(&f);
	}
}

static void quick_leave(struct rp_http_rig *f)
{
	int fd = rp_net_connect(f->port);
	static const char text[] = "GET /later HTTP/1.1\r\nHost: h\r\n\r\n";
	(void)!write(fd, text, sizeof(text) - 1);
	(void)usleep(20000);
	struct linger hard = {.l_onoff = 1};
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(fd);
	(void)usleep(20000);
}

/* The peer is gone when the answer comes. */
static void test_peer_gone(void **state)
{
	(void)state;
	struct rp_http_rig f;
	rp_http_rig_init(&f);
	rp_http_rig_run(&f, quick_leave);
	assert_int_equal(f.requests, 1);
	rp_http_rig_fini(&f);
}

/* Random connections: garbage, halves of requests, sudden ends. */
static void garbage_client(struct rp_http_rig *f)
{
	for (int i = 0; i < 300; i++) {
		int fd = rp_net_connect(f->port);
		char noise[200];
		rp_prng_bytes(noise, sizeof(noise));
		if (i % 3 == 0) {
			memcpy(noise,
			    "GET /later HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nX: ", 52);
		}
		(void)!send(fd, noise, rp_prng_below(sizeof(noise)), MSG_NOSIGNAL);
		struct linger hard = {.l_onoff = i % 2};
		(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
		close(fd);
	}
	/* Its answer tells that all before it were accepted. */
	f->in = "GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
	f->in_n = strlen(f->in);
	rp_http_rig_raw(f);
}

static void test_garbage(void **state)
{
	(void)state;
	struct rp_http_rig f;
	rp_http_rig_init(&f);
	f.rough = true;
	rp_oom_count_start();
	rp_http_rig_run(&f, garbage_client);
	assert_int_equal(rp_oom_live(), 0);
	rp_oom_count_stop();
	assert_int_equal(f.accepted, 301);
	assert_int_equal(strncmp(f.out, "HTTP/1.1 404", 12), 0);
	rp_http_rig_fini(&f);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_deadlines),
	    cmocka_unit_test(test_slow_reader),
	    cmocka_unit_test(test_peer_gone),
	    cmocka_unit_test(test_garbage),
	};
	alarm(120);
	(void)signal(SIGPIPE, SIG_IGN);
	rp_prng_start();
	return rp_prng_report(cmocka_run_group_tests(tests, NULL, NULL));
}
