/* SPDX-License-Identifier: MIT */
/*
 * The reverse proxy before a tunnel: who and what is kept out, with which answer, and deadlines.
 */
#include "tunnel/web.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sys/socket.h>

#include <cmocka.h>

#include "test/lib/web_short.h"

/* All up to the end of the connection begins so and has that in it; false after a reset. */
static bool hear_last(int fd, const char *start, const char *part)
{
	char buf[8192];
	long n = rp_rig_read_all(fd, buf, sizeof(buf) - 1);
	buf[RP_MAX(n, 0L)] = '\0';
	bool ok = n > 0 && strncmp(buf, start, strlen(start)) == 0 && strstr(buf, part) != NULL;
	if (!ok) {
		(void)fprintf(stderr, "# wanted: %s ... %s\n# heard:  %s\n", start, part, buf);
	}
	return ok;
}

/* --- what goes wrong --- */

static void refused_scenario(struct rp_rig *rig)
{
	int v = visit(rig, "GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
	CHECK(hear_last(v, "HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html", "</html>"));
	(void)close(v);
	v = visit(rig, "HEAD /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
	CHECK(hear_last(v, "HTTP/1.1 502 Bad Gateway\r\n", "Connection: close\r\n\r\n"));
	(void)close(v);
	v = visit(rig, "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc");
	CHECK(hear_last(v, "HTTP/1.1 502 Bad Gateway\r\n", "</html>"));
	(void)close(v);
}

static void test_refused(void **state)
{
	(void)state;
	go(&(struct rp_rig_options){.no_target = true}, refused_scenario);
}

static void bad_answers_scenario(struct rp_rig *rig)
{
	static const char *const answers[] = {
	    "nonsense\r\n\r\n",
	    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
	    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	    "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
	    "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
	    "HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n",
	    "HTTP/2.0 200 OK\r\n\r\n",
	    "HTTP/1.1 200 OK\r\n",
	    "",
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(answers); i++) {
		int v = visit(rig, "GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
		int t = serve(rig, SEEN_A);
		CHECK(say(t, answers[i]));
		/* What is bad before its end may have been refused, and reset, by now. */
		CHECK(shutdown(t, SHUT_WR) == 0 || errno == ENOTCONN);
		CHECK(hear_last(v, "HTTP/1.1 502 Bad Gateway\r\n", "</html>"));
		hang_up(v, t);
	}
}

static void broken_answers_scenario(struct rp_rig *rig)
{
	static const char *const answers[] = {
	    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab",
	    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
	    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(answers); i++) {
		char buf[300];
		int v = visit(rig, GET_A);
		int t = serve(rig, SEEN_A);
		CHECK(say(t, answers[i]));
		(void)close(t);
		while (recv(v, buf, sizeof(buf), 0) > 0) {
		}
		CHECK(errno == ECONNRESET);
		(void)close(v);
	}
}

/* What a target says unasked is not the answer to the next request. */
static void unasked_scenario(struct rp_rig *rig)
{
	static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	static const char bad[] = "HTTP/1.1 200 Unasked\r\nContent-Length: 0\r\n\r\n";
	int v = visit(rig, GET_A);
	int t = serve(rig, SEEN_A);
	char both[200];
	(void)snprintf(both, sizeof(both), "%s%s", ok, bad);
	CHECK(say(t, both) && hear(v, ok) && hear_end(t));
	(void)close(t);
	CHECK(say(v, GET_A));
	t = serve(rig, SEEN_A);
	CHECK(say(t, ok) && hear(v, ok));
	CHECK(say(t, bad) && hear_end(t));
	hang_up(v, t);
}

/* A used connection ends: one more try for what may be asked twice. */
static void stale_scenario(struct rp_rig *rig)
{
	static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	int v = visit(rig, GET_A);
	int t = serve(rig, SEEN_A);
	CHECK(say(t, ok) && hear(v, ok));
	CHECK(say(v, GET_A) && hear(t, SEEN_A));
	(void)close(t);
	t = serve(rig, SEEN_A);
	CHECK(say(t, ok) && hear(v, ok));
	CHECK(say(v, "POST /b HTTP/1.1\r\nHost: h\r\n\r\n") && hear(t, SEEN("POST /b") "\r\n"));
	(void)close(t);
	CHECK(hear(v, "HTTP/1.1 502 Bad Gateway\r\n"));
	(void)close(v);
}

static void test_bad_targets(void **state)
{
	(void)state;
	go_plain(bad_answers_scenario);
	go_plain(broken_answers_scenario);
	go_plain(unasked_scenario);
	go_plain(stale_scenario);
}

static void bad_requests_scenario(struct rp_rig *rig)
{
	static const struct {
		const char *request;
		const char *answer;
	} cases[] = {
	    {"GET /a HTTP/1.1\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n"},
	    {"GET /a HTTP/1.1\nHost: h\n\n", "HTTP/1.1 400 Bad Request\r\n"},
	    {"GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n"},
	    {"TRACE / HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 405 Method Not Allowed\r\n"},
	    {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n"
	     "Content-Length: 3\r\n\r\n0\r\n\r\n",
	        "HTTP/1.1 400 Bad Request\r\n"},
	    {"GET / HTTP/3.0\r\nHost: h\r\n\r\n", "HTTP/1.1 505 HTTP Version Not Supported\r\n"},
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(cases); i++) {
		int v = visit(rig, cases[i].request);
		CHECK(hear_last(v, cases[i].answer, "Connection: close\r\n"));
		(void)close(v);
	}
	/* A body that turns out to be none: neither side takes it for whole. */
	int v = visit(
	    rig, "POST /b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
	int t = serve(rig, SEEN("POST /b") "Transfer-Encoding: chunked\r\n\r\n");
	CHECK(hear_last(v, "HTTP/1.1 400 Bad Request\r\n", "</html>") && hear_end(t));
	hang_up(v, t);
}

static void test_bad_requests(void **state)
{
	(void)state;
	go_plain(bad_requests_scenario);
}

/* --- slow sides --- */

#define MUCH ((size_t)96 << 20)

/* Sends until nothing has been taken for a while; how much that was. */
static size_t stuff(int fd)
{
	static const char block[65536];
	size_t total = 0;
	unsigned waits = 0;
	while (total < MUCH && waits < 20) {
		ssize_t n = send(fd, block, sizeof(block), MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n > 0) {
			total += (size_t)n;
			waits = 0;
		} else {
			waits++;
			(void)usleep(50000);
		}
	}
	return total;
}

static bool drain(int fd, size_t n)
{
	static char block[65536];
	while (n > 0) {
		long got = rp_rig_read_all(fd, block, RP_MIN(n, sizeof(block)));
		if (got <= 0) {
			return false;
		}
		n -= (size_t)got;
	}
	return true;
}

static void slow_visitor_scenario(struct rp_rig *rig)
{
	int v = visit(rig, GET_A);
	int t = serve(rig, SEEN_A);
	CHECK(say(t, "HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n"));
	CHECK(hear(v, "HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n"));
	size_t n = stuff(t);
	CHECK(n > 0 && n < MUCH && drain(v, n));
	hang_up(v, t);
}

static void slow_target_scenario(struct rp_rig *rig)
{
	int v = visit(rig, "POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 999999999\r\n\r\n");
	int t = serve(rig, SEEN("POST /b") "Content-Length: 999999999\r\n\r\n");
	size_t n = stuff(v);
	CHECK(n > 0 && n < MUCH && drain(t, n));
	hang_up(v, t);
}

static void slow_pipe_scenario(struct rp_rig *rig)
{
	int v = visit(rig, ASK_WS);
	int t = serve(rig, SEEN_WS);
	CHECK(say(t, SWITCH) && hear(v, SWITCH));
	size_t n = stuff(v);
	CHECK(n > 0 && n < MUCH && drain(t, n));
	n = stuff(t);
	CHECK(n > 0 && n < MUCH && drain(v, n));
	hang_up(v, t);
}

static void test_slow(void **state)
{
	(void)state;
	go_plain(slow_visitor_scenario);
	go_plain(slow_target_scenario);
	go_plain(slow_pipe_scenario);
}

/* --- deadlines --- */

static void late_head_scenario(struct rp_rig *rig)
{
	int v = visit(rig, "GET /a HTTP/1.1\r\nHo");
	CHECK(hear_end(v));
	(void)close(v);
	v = rp_rig_connect(rig);
	CHECK(v >= 0 && hear_end(v));
	(void)close(v);
}

static void kept_scenario(struct rp_rig *rig)
{
	int v = visit(rig, GET_A);
	int t = serve(rig, SEEN_A);
	CHECK(say(t, "HTTP/1.1 204 OK\r\n\r\n") && hear(v, "HTTP/1.1 204 OK\r\n\r\n"));
	CHECK(hear_end(v) && hear_end(t));
	hang_up(v, t);
}

static void stalled_scenario(struct rp_rig *rig)
{
	int v = visit(rig, GET_A);
	int t = serve(rig, SEEN_A);
	CHECK(hear_last(v, "HTTP/1.1 504 Gateway Timeout\r\n", "</html>") && hear_end(t));
	hang_up(v, t);
}

static void stalled_pipe_scenario(struct rp_rig *rig)
{
	int v = visit(rig, ASK_WS);
	int t = serve(rig, SEEN_WS);
	CHECK(say(t, SWITCH) && hear(v, SWITCH));
	CHECK(hear_end(v) && hear_end(t));
	hang_up(v, t);
}

static void test_deadlines(void **state)
{
	(void)state;
	static const struct rp_web_settings quick_head = {.header_ms = 300};
	static const struct rp_web_settings quick_end = {.keep_ms = 300};
	go(&(struct rp_rig_options){.web = &quick_head}, late_head_scenario);
	go(&(struct rp_rig_options){.web = &quick_end}, kept_scenario);
	/* A minute of the rig is short; a slow machine still gets through in ten of them. */
	go(&(struct rp_rig_options){.idle_minutes = 10}, stalled_scenario);
	go(&(struct rp_rig_options){.idle_minutes = 10}, stalled_pipe_scenario);
}

/* --- who may --- */

#define OUTSIDERS 32

static void outsider_scenario(struct rp_rig *rig)
{
	int v = visit(rig, GET_A);
	CHECK(hear_last(v, "HTTP/1.1 403 Forbidden\r\nContent-Type: text/html", "</html>"));
	(void)close(v);
	/* Only so many are told so at a time. */
	int crowd[OUTSIDERS];
	for (size_t i = 0; i < OUTSIDERS; i++) {
		crowd[i] = rp_rig_connect(rig);
		CHECK(crowd[i] >= 0);
	}
	v = rp_rig_connect(rig);
	CHECK(v >= 0 && hear_end(v));
	(void)close(v);
	for (size_t i = 0; i < OUTSIDERS; i++) {
		(void)close(crowd[i]);
	}
}

static void login_scenario(struct rp_rig *rig)
{
	int v = visit(rig, GET_A);
	char head[] = "HTTP/1.1 401 Unauthorized\r\n";
	CHECK(hear(v, head));
	(void)close(v);
	v = visit(rig, "GET /a HTTP/1.1\r\nHost: h\r\nAuthorization: Basic bWU6bm8=\r\n\r\n");
	CHECK(hear_last(v, head, "WWW-Authenticate: Basic realm=\"restricted\"\r\n"));
	(void)close(v);
	v = visit(rig, "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab");
	CHECK(hear_last(v, head, "</html>"));
	(void)close(v);
	v = visit(rig, "GET /a HTTP/1.1\r\nHost: h\r\nAuthorization: Basic bWU6bWU=\r\n\r\n");
	int t = serve(rig, SEEN_A);
	hang_up(v, t);
}

static void test_access(void **state)
{
	(void)state;
	go(&(struct rp_rig_options){.acl = "10.9.8.7"}, outsider_scenario);
	go(&(struct rp_rig_options){.auth = "me"}, login_scenario);
}

static void crowd_scenario(struct rp_rig *rig)
{
	int v = visit(rig, GET_A);
	int t = serve(rig, SEEN_A);
	int second = rp_rig_connect(rig);
	CHECK(second >= 0 && hear_end(second));
	(void)close(second);
	hang_up(v, t);
}

static void test_crowd(void **state)
{
	(void)state;
	go(&(struct rp_rig_options){.connections_max = 1}, crowd_scenario);
}

static void test_check(void **state)
{
	(void)state;
	static const struct {
		const char *protocol;
		const char *scheme;
		const char *user;
		const char *password;
		const char *text; /* NULL = fine */
	} cases[] = {
	    {"tcp", "http", "", "", NULL},
	    {"tcp", "https", "a", "b", NULL},
	    {"tcp", "https", "a", "", "auth_user and auth_password are needed together"},
	    {"tcp", "https", NULL, "b", "auth_user and auth_password are needed together"},
	    {"udp", "http", "", "", "http_proxy requires the protocol tcp"},
	    {"tcp+udp", "http", "", "", "http_proxy requires the protocol tcp"},
	    {"tcp", NULL, "", "", "http_proxy requires the scheme http or https"},
	    {"tcp", "ssh", "", "", "http_proxy requires the scheme http or https"},
	    {"tcp", "vnc", "", "",
	        "http_proxy with the scheme vnc is not supported by this server"},
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(cases); i++) {
		struct rp_err err = {0};
		const struct rp_remote r = {
		    .protocol = (char *)(uintptr_t)cases[i].protocol,
		    .scheme = (char *)(uintptr_t)cases[i].scheme,
		    .auth_user = (char *)(uintptr_t)cases[i].user,
		    .auth_password = (char *)(uintptr_t)cases[i].password,
		};
		int rc = rp_web_check(&r, &err);
		assert_int_equal(rc, cases[i].text == NULL ? 0 : RP_EINVAL);
		assert_string_equal(err.msg, cases[i].text == NULL ? "" : cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_bad_targets),
	    cmocka_unit_test(test_bad_requests),
	    cmocka_unit_test(test_slow),
	    cmocka_unit_test(test_deadlines),
	    cmocka_unit_test(test_access),
	    cmocka_unit_test(test_crowd),
	    cmocka_unit_test(test_check),
	};
	(void)signal(SIGPIPE, SIG_IGN); /* as the program does */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
