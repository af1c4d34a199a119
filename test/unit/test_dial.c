/* SPDX-License-Identifier: MIT */
/*
 * Outgoing connections against scripted servers in another thread: the bytes that are sent, every
 * answer that must be refused, addresses that do not answer, time-outs, cancelling.
 */
#include "http/dial.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <uv.h>

#include "test/lib/dial_short.h"

static void test_upgrade(void **state)
{
	(void)state;
	static const struct step steps[] = {{.answer = SWITCH "\r\n\x82\x01x"}};
	struct fixture f;
	init(&f, "ws://127.0.0.1:%u", NULL);
	run_script(&f, steps, 1);
	assert_int_equal(f.code, 0);
	assert_int_equal(f.status, 101);
	assert_int_equal(f.early_n, 3);
	assert_memory_equal(f.early, "\x82\x01x", 3);
	check_request(&f,
	    "GET / HTTP/1.1\r\n"
	    "Host: 127.0.0.1:PORT\r\n"
	    "User-Agent: rport test\r\n"
	    "Connection: Upgrade\r\n"
	    "Sec-WebSocket-Key: KEY\r\n"
	    "Sec-WebSocket-Protocol: rport-v1\r\n"
	    "Sec-WebSocket-Version: 13\r\n"
	    "Upgrade: websocket\r\n\r\n");
	fini(&f);
}

static void set(struct rp_strmap *m, const char *k, const char *v)
{
	assert_int_equal(rp_strmap_set(m, rp_str_c(k), rp_str_c(v)), 0);
}

static void test_headers(void **state)
{
	(void)state;
	static const struct step steps[] = {{.answer = "HTTP/1.1 100 Continue\r\n\r\n" SWITCH
	                                               "Sec-WebSocket-Protocol: rport-v1\r\n\r\n"}};
	struct fixture f;
	init(&f, "ws://localhost:%u/path?q=1", NULL);
	f.opt.host_header = "front.example";
	f.opt.headers = &f.headers;
	set(&f.headers, "X-One", "1");
	set(&f.headers, "user-agent", "mine");
	set(&f.headers, "Authorization", "Basic abc");
	run_script(&f, steps, 1);
	assert_int_equal(f.code, 0);
	check_request(&f,
	    "GET /path?q=1 HTTP/1.1\r\n"
	    "Host: front.example\r\n"
	    "User-Agent: mine\r\n"
	    "Connection: Upgrade\r\n"
	    "Sec-WebSocket-Key: KEY\r\n"
	    "Sec-WebSocket-Protocol: rport-v1\r\n"
	    "Sec-WebSocket-Version: 13\r\n"
	    "Upgrade: websocket\r\n"
	    "X-One: 1\r\n"
	    "Authorization: Basic abc\r\n\r\n");
	fini(&f);
}

static void test_bad_headers(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
	    {"Upgrade", "x"},
	    {"connection", "x"},
	    {"Sec-WebSocket-Key", "x"},
	    {"sec-websocket-anything", "x"},
	    {"Content-Length", "1"},
	    {"Transfer-Encoding", "chunked"},
	    {"X", "a\r\nY: b"},
	    {"X\nY", "a"},
	    {"X Y", "a"},
	    {"", "a"},
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		struct fixture f;
		init(&f, "ws://127.0.0.1:%u", NULL);
		f.opt.headers = &f.headers;
		set(&f.headers, rows[i][0], rows[i][1]);
		run_dial(&f);
		assert_int_equal(f.code, RP_EINVAL);
		assert_int_equal(strncmp(f.err.msg, "connection.headers: ", 20), 0);
		fini(&f);
	}
}

static void test_refused_answers(void **state)
{
	(void)state;
	static const struct {
		const char *answer;
		int code;
		unsigned status;
		const char *text;
	} rows[] = {
	    {"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", RP_EDENIED, 404,
	        "404 Not Found: is this an rport server?"},
	    {"HTTP/1.1 503 x\r\n\r\n", RP_EDENIED, 503,
	        "503 Service Unavailable: a proxy in front of the server does not reach it"},
	    {"HTTP/1.1 503 x\r\nRetry-After: 10\r\n\r\n", RP_EDENIED, 503,
	        "503 Service Unavailable: it asks to come back later"},
	    {"HTTP/1.1 423 Locked\r\nContent-Length: 9\r\n\r\ntoo many ", RP_EDENIED, 423,
	        "423 Locked: this address is banned"},
	    {"HTTP/1.1 502 X\r\n\r\n", RP_EDENIED, 502, "502 Bad Gateway: a proxy in front"},
	    {"HTTP/1.1 301 Moved\r\nLocation: x\r\n\r\n", RP_EDENIED, 301, "301 Moved Permanently"},
	    {SWITCH "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n", RP_EPROTO, 101,
	        "extension"},
	    {SWITCH "Sec-WebSocket-Protocol: rport-v2\r\n\r\n", RP_EPROTO, 101, "sub-protocol"},
	    {"HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", RP_EPROTO, 101,
	        "Sec-WebSocket-Accept"},
	    {"HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
	     "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
	        RP_EPROTO, 101, "Sec-WebSocket-Accept"},
	    {"HTTP/1.1 101 S\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", RP_EPROTO,
	        101, "no upgrade"},
	    {"HTTP/1.1 101 S\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: %s\r\n\r\n", RP_EPROTO,
	        101, "no upgrade"},
	    {"SSH-2.0-OpenSSH_9\r\n\r\n", RP_EPROTO, 0, "does not answer in HTTP"},
	    {"HTTP/1.1 10", RP_ECLOSED, 0,
	        "connection closed while waiting for the server's answer"},
	    {"", RP_ECLOSED, 0, "connection closed"},
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		struct step step = {.answer = rows[i].answer};
		struct fixture f;
		init(&f, "ws://127.0.0.1:%u", NULL);
		run_script(&f, &step, 1);
		assert_int_equal(f.code, rows[i].code);
		assert_int_equal(f.status, rows[i].status);
		if (strstr(f.err.msg, rows[i].text) == NULL ||
		    strstr(f.err.msg, "127.0.0.1:") == NULL) {
			fail_msg("%s", f.err.msg);
		}
		fini(&f);
	}
}

static void test_no_server(void **state)
{
	(void)state;
	struct fixture f;
	init(&f, "ws://127.0.0.1:%u", NULL);
	close(f.listener);
	f.listener = -1;
	run_dial(&f);
	assert_int_equal(f.code, UV_ECONNREFUSED);
	char expected[64];
	(void)snprintf(
	    expected, sizeof(expected), "connect to 127.0.0.1:%u: connection refused", f.port);
	assert_string_equal(f.err.msg, expected);
	fini(&f);

	init(&f, "ws://server.example/", "http://127.0.0.1");
	close(f.listener);
	f.listener = -1;
	run_dial(&f);
	assert_int_equal(f.code, UV_ECONNREFUSED);
	assert_int_equal(strncmp(f.err.msg, "proxy: connect to 127.0.0.1:", 28), 0);
	fini(&f);

	init(&f, "ws://name.invalid/", NULL);
	run_dial(&f);
	assert_true(f.code < 0);
	assert_int_equal(strncmp(f.err.msg, "resolve name.invalid: ", 22), 0);
	fini(&f);
}

/* localhost has ::1 and 127.0.0.1 (mostly): the listener on the second one is found. */
static void test_next_address(void **state)
{
	(void)state;
	static const struct step steps[] = {{.answer = SWITCH "\r\n"}};
	struct fixture f;
	init(&f, "ws://localhost:%u", NULL);
	run_script(&f, steps, 1);
	assert_int_equal(f.code, 0);
	fini(&f);
}

static void test_timeouts(void **state)
{
	(void)state;
	static const struct {
		const char *url;
		const char *proxy;
		const char *text;
	} rows[] = {
	    {"ws://127.0.0.1:%u", NULL, "timed out while waiting for the server's answer"},
	    {"ws://server.example", "http://127.0.0.1", "timed out while waiting for the proxy"},
	    {"ws://server.example", "socks://127.0.0.1", "timed out while waiting for the proxy"},
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		struct fixture f;
		init(&f, rows[i].url, rows[i].proxy);
		f.opt.timeout_ms = 150;
		uint64_t start = uv_hrtime();
		run_dial(&f); /* the kernel accepts, nobody answers */
		assert_true((uv_hrtime() - start) / 1000000 >= 100);
		assert_int_equal(f.code, RP_ETIMEOUT);
		assert_non_null(strstr(f.err.msg, rows[i].text));
		fini(&f);
	}
}

/* A listener whose queue is full lets the kernel drop further SYNs. */
static void test_no_answer_to_syn(void **state)
{
	(void)state;
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sa);
	int fds[4];
	fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fds[0], (struct sockaddr *)&sa, len), 0);
	assert_int_equal(listen(fds[0], 0), 0);
	assert_int_equal(getsockname(fds[0], (struct sockaddr *)&sa, &len), 0);
	for (size_t i = 1; i < RP_ARRAY_LEN(fds); i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)connect(fds[i], (struct sockaddr *)&sa, len);
	}
	char url[64];
	(void)snprintf(url, sizeof(url), "ws://127.0.0.1:%u", (unsigned)ntohs(sa.sin_port));
	static const struct {
		unsigned all_ms;
		unsigned each_ms;
		const char *text;
	} rows[] = {{200, 0, "timed out while connecting"}, {60000, 1000, "connect to 127.0.0.1"}};
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		struct fixture f;
		init(&f, url, NULL);
		f.opt.timeout_ms = rows[i].all_ms;
		f.opt.stream.user_timeout_ms = rows[i].each_ms;
		run_dial(&f);
		assert_int_equal(f.code, UV_ETIMEDOUT);
		assert_non_null(strstr(f.err.msg, rows[i].text));
		fini(&f);
	}
	for (size_t i = 0; i < RP_ARRAY_LEN(fds); i++) {
		(void)close(fds[i]);
	}
}

static void on_cancel(uv_timer_t *t)
{
	struct fixture *f = t->data;
	if (f->done == 0) {
		rp_dial_cancel(f->dial);
	}
	rp_dial_cancel(NULL);
	uv_close((uv_handle_t *)t, NULL);
	rp_loop_stop(f->loop);
}

static void test_cancel(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 12; i++) {
		struct fixture f;
		init(&f, i % 3 == 0 ? "ws://name.invalid" : "ws://127.0.0.1:%u",
		    i % 3 == 2 ? "http://localhost" : NULL);
		uv_timer_t t;
		t.data = &f;
		assert_int_equal(rp_dial_start(f.loop, &f.opt, on_done, &f, &f.dial), 0);
		if (i < 3) {
			rp_dial_cancel(f.dial);
			rp_loop_stop(f.loop);
		} else {
			assert_int_equal(uv_timer_init(rp_loop_uv(f.loop), &t), 0);
			assert_int_equal(uv_timer_start(&t, on_cancel, (i / 3 - 1) * 5, 0), 0);
		}
		rp_loop_run(f.loop);
		/* The unknown name may have failed before. */
		assert_true(f.done == 0 || i % 3 == 0);
		fini(&f);
	}
}

static void test_bind_interface(void **state)
{
	(void)state;
	static const struct step steps[] = {{.answer = SWITCH "\r\n"}};
	struct fixture f;
	init(&f, "ws://127.0.0.1:%u", NULL);
	f.opt.bind_interface = "lo";
	run_script(&f, steps, 1);
	assert_int_equal(f.code, 0);
	fini(&f);
	init(&f, "ws://127.0.0.1:%u", NULL);
	f.opt.bind_interface = "nosuch0";
	run_dial(&f);
	assert_int_equal(f.code, UV_EADDRNOTAVAIL);
	assert_non_null(strstr(f.err.msg, "from interface nosuch0"));
	fini(&f);
}

static void test_bad_options(void **state)
{
	(void)state;
	struct fixture f;
	init(&f, "wss://127.0.0.1:%u", NULL);
	run_dial(&f);
	assert_int_equal(f.code, RP_EINVAL);
	assert_non_null(strstr(f.err.msg, "trust store"));
	fini(&f);
	init(&f, "http://127.0.0.1:%u", NULL);
	run_dial(&f);
	assert_int_equal(f.code, RP_EINVAL);
	fini(&f);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_upgrade),
	    cmocka_unit_test(test_headers),
	    cmocka_unit_test(test_bad_headers),
	    cmocka_unit_test(test_refused_answers),
	    cmocka_unit_test(test_no_server),
	    cmocka_unit_test(test_next_address),
	    cmocka_unit_test(test_timeouts),
	    cmocka_unit_test(test_no_answer_to_syn),
	    cmocka_unit_test(test_cancel),
	    cmocka_unit_test(test_bind_interface),
	    cmocka_unit_test(test_bad_options),
	};
	alarm(120);
	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
