/* SPDX-License-Identifier: MIT */
/*
 * HTTP server connections over real sockets: keep-alive, pipelining, late answers, bad requests,
 * limits of sizes.
 */
#include "http/server.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "test/lib/http_rig.h"
#include "test/lib/oom.h"

/* Replaces the date, which differs. */
static void cut_date(char *text)
{
	for (char *p = strstr(text, "Date: "); p != NULL; p = strstr(text, "Date: ")) {
		char *end = strstr(p, "GMT\r\n");
		assert_non_null(end);
		assert_int_equal(end - p, 6 + 26);
		memmove(p, end + 5, strlen(end + 5) + 1);
	}
}

static void test_answers(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
	    {"GET /x HTTP/1.1\r\nHost: h\r\n\r\n",
	        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"},
	    {"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc",
	        "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: 3\r\n\r\nabc"},
	    {"HEAD /close HTTP/1.1\r\nHost: h\r\n\r\n",
	        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n"
	        "Connection: close\r\n\r\n"},
	    {"GET /empty HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n"},
	    {"GET /header?q HTTP/1.1\r\nHost: h\r\n\r\n",
	        "HTTP/1.1 201 Created\r\nContent-Length: 0\r\nX-One: 1\r\nX-Two: q\r\n\r\n"},
	    {"GET / HTTP/1.0\r\n\r\n",
	        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"},
	    {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
	        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n"},
	    {"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
	        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"},
	    {"CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
	        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"},
	    {"GET /later HTTP/1.1\r\nHost: h\r\n\r\n",
	        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nlater"},
	    {"GET /kill HTTP/1.1\r\nHost: h\r\n\r\n", ""},
	    {"", ""},
	    {"GET / HTT", ""},
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		struct rp_http_rig f;
		rp_http_rig_talk(&f, rows[i][0]);
		cut_date(f.out);
		assert_string_equal(f.out, rows[i][1]);
		assert_int_equal(f.bad, 0);
		rp_http_rig_fini(&f);
	}
}

/* Answers come in the order of the requests, also when some come late, however the bytes arrive. */
static void test_pipelining(void **state)
{
	(void)state;
	char text[8192] = "";
	char expected[8192] = "";
	size_t at = 0;
	size_t ex = 0;
	for (int i = 0; i < 40; i++) {
		if (i % 10 == 3) {
			at += (size_t)snprintf(
			    text + at, sizeof(text) - at, "GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
			ex += (size_t)snprintf(expected + ex, sizeof(expected) - ex, "later");
		} else {
			at += (size_t)snprintf(text + at, sizeof(text) - at,
			    "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n<%02d>", i);
			ex += (size_t)snprintf(expected + ex, sizeof(expected) - ex, "<%02d>", i);
		}
	}
	static const size_t pieces[] = {0, 7, 1000};
	for (size_t k = 0; k < RP_ARRAY_LEN(pieces); k++) {
		struct rp_http_rig f;
		rp_http_rig_init(&f);
		f.in = text;
		f.in_n = at;
		f.piece = pieces[k];
		f.half_close = true;
		rp_http_rig_run(&f, rp_http_rig_raw);
		assert_int_equal(f.requests, 40);
		assert_int_equal(f.accepted, 1);
		/* Only the bodies. */
		char bodies[1024] = "";
		size_t n = 0;
		for (char *p = strstr(f.out, "\r\n\r\n"); p != NULL;
		     p = strstr(p + 4, "\r\n\r\n")) {
			char *end = strstr(p, "HTTP/1.1");
			size_t len = end == NULL ? strlen(p + 4) : (size_t)(end - p - 4);
			memcpy(bodies + n, p + 4, len);
			n += len;
		}
		assert_string_equal(bodies, expected);
		rp_http_rig_fini(&f);
	}
}

/* Many requests at once, whose answers the client reads only afterwards: the server waits for
 * it. */
static void test_answers_back_up(void **state)
{
	(void)state;
	static const char request[] = "GET /big HTTP/1.1\r\nHost: h\r\n\r\n";
	char text[sizeof(request) * 30] = "";
	for (size_t i = 0; i < 30; i++) {
		memcpy(text + i * (sizeof(request) - 1), request, sizeof(request));
	}
	struct rp_http_rig f;
	rp_http_rig_init(&f);
	f.big = calloc(1, RP_HTTP_RIG_BIG);
	f.opt.stream.write_max = 2 * RP_HTTP_RIG_BIG;
	f.command = "exec 3<>/dev/tcp/127.0.0.1/%u";
	f.in = text;
	f.in_n = strlen(text);
	f.gap_ms = 200;
	/* RP_HTTP_RIG_OUT_MAX bytes are read, then the client goes. */
	rp_http_rig_run(&f, rp_http_rig_raw);
	assert_int_equal(f.out_n, RP_HTTP_RIG_OUT_MAX - 1);
	assert_true(f.requests < 5);
	free(f.big);
	rp_http_rig_fini(&f);
}

static void test_bad_requests(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		unsigned status;
	} rows[] = {
	    {"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
	        400},
	    {"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 101\r\n\r\n", 413},
	    {"POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501},
	    {"GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505},
	    {"GET / HTTP/1.1\r\nHost : h\r\n\r\n", 400},
	    {"\x16\x03\x01", 400},
	};
	for (size_t i = 0; i < 2 * RP_ARRAY_LEN(rows); i++) {
		struct rp_http_rig f;
		char text[1024];
		rp_http_rig_init(&f);
		/* What follows a refused message is never looked at. */
		(void)snprintf(
		    text, sizeof(text), "%sGET /x HTTP/1.1\r\nHost: h\r\n\r\n", rows[i / 2].text);
		f.own_bad_body = i % 2 == 1;
		f.in = text;
		f.in_n = strlen(text);
		rp_http_rig_run(&f, rp_http_rig_raw);
		char status[16];
		(void)snprintf(status, sizeof(status), "HTTP/1.1 %u ", rows[i / 2].status);
		assert_int_equal(strncmp(f.out, status, strlen(status)), 0);
		assert_int_equal(rp_http_rig_count(f.out, "HTTP/1.1"), 1);
		assert_non_null(strstr(f.out, "Connection: close\r\n"));
		assert_non_null(strstr(f.out, f.own_bad_body ? "application/json" : "text/plain"));
		assert_int_equal(f.bad, 1);
		assert_int_equal(f.requests, 0);
		assert_int_equal(f.last_status, rows[i / 2].status);
		rp_http_rig_fini(&f);
	}
}

/* A head without end: 431, and the client sees it although it goes on sending. */
static void test_endless_head(void **state)
{
	(void)state;
	size_t n = (size_t)20 * 1024 * 1024;
	char *text = malloc(n);
	assert_non_null(text);
	memset(text, 'a', n);
	memcpy(text, "GET / HTTP/1.1\r\nX: ", 19);
	struct rp_http_rig f;
	rp_oom_count_start();
	rp_http_rig_talk_n(&f, text, n);
	assert_int_equal(rp_oom_live(), 0);
	rp_oom_count_stop();
	assert_int_equal(strncmp(f.out, "HTTP/1.1 431 Request Header Fields Too Large\r\n", 46), 0);
	assert_non_null(strstr(f.out, "Connection: close\r\n"));
	rp_http_rig_fini(&f);
	free(text);
}

static void test_body_limit_of_request(void **state)
{
	(void)state;
	size_t n = 2000000;
	char *text = malloc(n + 200);
	assert_non_null(text);
	int head = snprintf(
	    text, 200, "POST /x?large HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n\r\n", n);
	memset(text + head, 'b', n);
	struct rp_http_rig f;
	rp_http_rig_talk_n(&f, text, n + (size_t)head);
	assert_int_equal(strncmp(f.out, "HTTP/1.1 404", 12), 0);
	rp_http_rig_fini(&f);
	free(text);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_answers),
	    cmocka_unit_test(test_pipelining),
	    cmocka_unit_test(test_answers_back_up),
	    cmocka_unit_test(test_bad_requests),
	    cmocka_unit_test(test_endless_head),
	    cmocka_unit_test(test_body_limit_of_request),
	};
	alarm(120);
	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
