/* SPDX-License-Identifier: MIT */
/*
 * Outgoing connections through scripted HTTP and SOCKS proxies in another thread: the bytes that
 * are sent, and every answer that must be refused.
 */
#include "http/dial.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "test/lib/dial_short.h"

static void test_http_proxy(void **state)
{
	(void)state;
	static const struct step steps[] = {
	    {.answer = "HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n"},
	    {.answer = SWITCH "\r\n"},
	};
	struct fixture f;
	init(&f, "ws://server.example/", "http://us%20er:p%40ss@127.0.0.1");
	run_script(&f, steps, 2);
	assert_string_equal(f.err.msg, "");
	assert_int_equal(f.code, 0);
	check_request(&f,
	    "CONNECT server.example:80 HTTP/1.1\r\n"
	    "Host: server.example:80\r\n"
	    "User-Agent: rport test\r\n"
	    "Proxy-Authorization: Basic dXMgZXI6cEBzcw==\r\n\r\n"
	    "GET / HTTP/1.1\r\n"
	    "Host: server.example:80\r\n"
	    "User-Agent: rport test\r\n"
	    "Connection: Upgrade\r\n"
	    "Sec-WebSocket-Key: KEY\r\n"
	    "Sec-WebSocket-Protocol: rport-v1\r\n"
	    "Sec-WebSocket-Version: 13\r\n"
	    "Upgrade: websocket\r\n\r\n");
	fini(&f);

	static const struct {
		const char *answer;
		int code;
		const char *text;
	} rows[] = {
	    {"HTTP/1.1 407 x\r\nProxy-Authenticate: Basic\r\nContent-Length: 5\r\n\r\nhello",
	        RP_EDENIED, "refused: 407 Proxy Authentication Required"},
	    {"HTTP/1.0 503 x\r\n\r\n", RP_EDENIED, "refused: 503 Service Unavailable"},
	    {"\x05\xff", RP_EPROTO, "does not answer as an HTTP proxy"},
	    {"HTTP/1.1 200 OK\r\n\r\nearly", RP_EPROTO, "before it was asked"},
	    {"HTTP/1.1 200", RP_ECLOSED, "connection closed while waiting for the proxy"},
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		struct step step = {.answer = rows[i].answer};
		init(&f, "ws://server.example/", "http://127.0.0.1");
		run_script(&f, &step, 1);
		assert_int_equal(f.code, rows[i].code);
		assert_int_equal(strncmp(f.err.msg, "proxy 127.0.0.1:", 16), 0);
		if (strstr(f.err.msg, rows[i].text) == NULL) {
			fail_msg("%s", f.err.msg);
		}
		assert_null(strstr(f.seen, "Authorization"));
		fini(&f);
	}
}

/* Only connected: the first bytes may come with the proxy's answer. */
static void test_tcp(void **state)
{
	(void)state;
	struct step step = {.answer = "HTTP/1.1 200 OK\r\n\r\nSSH-2.0"};
	struct fixture f;
	init(&f, "tcp://[2001:db8::1]:22", "http://127.0.0.1");
	run_script(&f, &step, 1);
	assert_int_equal(f.code, 0);
	assert_int_equal(f.early_n, 7);
	assert_memory_equal(f.early, "SSH-2.0", 7);
	assert_non_null(
	    strstr(f.seen, "CONNECT [2001:db8::1]:22 HTTP/1.1\r\nHost: [2001:db8::1]:22\r\n"));
	fini(&f);
	step = (struct step){.expect = 1};
	init(&f, "tcp://127.0.0.1:%u", NULL);
	run_script(&f, &step, 1);
	assert_int_equal(f.code, 0);
	assert_int_equal(f.early_n, 0);
	fini(&f);
}

static void test_socks(void **state)
{
	(void)state;
	/* Name, without credentials; the bound address is a name. */
	static const struct step plain[] = {
	    {3, "\x05\x00", 2},
	    {4 + 1 + 14 + 2,
	        "\x05\x00\x00\x03\x04"
	        "host\x00\x50",
	        4 + 1 + 4 + 2},
	    {.answer = SWITCH "\r\n"},
	};
	struct fixture f;
	init(&f, "ws://server.example:8080/", "socks5h://127.0.0.1");
	run_script(&f, plain, 3);
	assert_string_equal(f.err.msg, "");
	assert_int_equal(f.code, 0);
	assert_memory_equal(
	    f.seen, "\x05\x01\x00\x05\x01\x00\x03\x0eserver.example\x1f\x90GET", 27);
	fini(&f);

	/* Credentials; addresses as literals. */
	static const struct {
		const char *url;
		const char *request;
		size_t n;
	} rows[] = {
	    {"ws://1.2.3.4:80", "\x05\x01\x00\x01\x01\x02\x03\x04\x00\x50", 10},
	    {"ws://[::1]:80", "\x05\x01\x00\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x00\x50", 22},
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		const struct step steps[] = {
		    {4, "\x05\x02", 2},
		    {3 + 4 + 8, "\x01\x00", 2},
		    {rows[i].n, "\x05\x00\x00\x01\0\0\0\0\0\0", 10},
		    {.answer = SWITCH "\r\n"},
		};
		init(&f, rows[i].url, "socks://user:p%3Assword@127.0.0.1");
		run_script(&f, steps, 4);
		assert_string_equal(f.err.msg, "");
		assert_int_equal(f.code, 0);
		assert_memory_equal(f.seen, "\x05\x02\x00\x02\x01\x04user\x08p:ssword", 19);
		assert_memory_equal(f.seen + 19, rows[i].request, rows[i].n);
		fini(&f);
	}
}

static void test_socks_refused(void **state)
{
	(void)state;
	static const struct {
		const char *proxy;
		struct step steps[3];
		size_t n;
		int code;
		const char *text;
	} rows[] = {
	    {"socks://127.0.0.1", {{3, "\x05\xff", 2}}, 1, RP_EAUTH, "wants user and password"},
	    {"socks://127.0.0.1", {{3, "\x05\x02", 2}}, 1, RP_EAUTH, "wants user and password"},
	    {"socks://u:p@127.0.0.1", {{4, "\x05\xff", 2}}, 1, RP_EAUTH, "accepts neither"},
	    {"socks://u:p@127.0.0.1", {{4, "\x05\x02", 2}, {5, "\x01\x01", 2}}, 2, RP_EAUTH,
	        "refused user and password"},
	    {"socks://127.0.0.1", {{3, "HTTP", 4}}, 1, RP_EPROTO,
	        "does not answer as a SOCKS5 proxy"},
	    {"socks://127.0.0.1", {{3, "\x05\x00", 2}, {10, "\x05\x05\x00\x01", 4}}, 2, RP_EDENIED,
	        "refused 1.2.3.4:80: connection refused"},
	    {"socks://127.0.0.1", {{3, "\x05\x00", 2}, {10, "\x05\x7f\x00\x01", 4}}, 2, RP_EDENIED,
	        "unknown failure"},
	    {"socks://127.0.0.1", {{3, "\x05\x00", 2}, {10, "\x05\x00\x00\x07zz", 6}}, 2, RP_EPROTO,
	        "SOCKS5"},
	    {"socks://127.0.0.1", {{3, "\x05\x00", 2}, {10, "\x04\x00\x00\x01", 4}}, 2, RP_EPROTO,
	        "SOCKS5"},
	    {"socks://127.0.0.1",
	        {{3, "\x05\x00", 2}, {10, "\x05\x00\x00\x01\0\0\0\0\0\0early", 15}}, 2, RP_EPROTO,
	        "before it was asked"},
	    {"socks://127.0.0.1", {{3, "\x05\x00", 2}, {10, "\x05\x00\x00\x03\x09", 5}}, 2,
	        RP_ECLOSED, "closed while waiting for the proxy"},
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		struct fixture f;
		init(&f, "ws://1.2.3.4:80", rows[i].proxy);
		run_script(&f, rows[i].steps, rows[i].n);
		if (f.code != rows[i].code || strstr(f.err.msg, rows[i].text) == NULL) {
			fail_msg("%zu: %d %s", i, f.code, f.err.msg);
		}
		fini(&f);
	}
	struct fixture f;
	char proxy[512];
	(void)snprintf(proxy, sizeof(proxy), "socks://%0256d:p@127.0.0.1", 1);
	static const struct step method[] = {{4, "\x05\x02", 2}};
	char text[600];
	init(&f, "ws://1.2.3.4:80", NULL);
	(void)snprintf(text, sizeof(text), "%s:%u", proxy, f.port);
	assert_int_equal(rp_url_parse_proxy(text, &f.proxy, NULL), 0);
	f.opt.proxy = &f.proxy;
	run_script(&f, method, 1);
	assert_int_equal(f.code, RP_ELIMIT);
	fini(&f);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_http_proxy),
	    cmocka_unit_test(test_tcp),
	    cmocka_unit_test(test_socks),
	    cmocka_unit_test(test_socks_refused),
	};
	alarm(120);
	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
