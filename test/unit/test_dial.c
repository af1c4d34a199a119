/* SPDX-License-Identifier: MIT */
/*
 * Outgoing connections against scripted servers and proxies in another thread: the bytes that are
 * sent, every answer that must be refused, addresses that do not answer, time-outs, cancelling.
 */
#include "http/dial.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <uv.h>

#include "core/alloc.h"
#include "http/accept.h"
#include "http/server.h"
#include "http/wskey.h"
#include "test/lib/net.h"
#include "test/lib/oom.h"

#define SEEN_MAX 4096

/* One exchange of a scripted peer: waits until it has got `expect` bytes or a line end, then
 * answers. */
struct step {
	size_t expect;      /* bytes to read, 0 = up to an empty line */
	const char *answer; /* "%s" in it is the accept key */
	size_t answer_n;    /* 0 = text */
};

/* What a test sets up and what comes of it. */
struct fixture {
	struct rp_loop *loop;
	struct rp_dial *dial;
	struct rp_dial_options opt;
	struct rp_url url;
	struct rp_url proxy;
	struct rp_strmap headers;
	unsigned done;
	int code;
	struct rp_err err;
	unsigned status; /* of the head */
	char early[64];
	size_t early_n;
	struct rp_stream *stream;
	/* Scripted peer. */
	int listener;
	uint16_t port;
	const struct step *steps;
	size_t n_steps;
	uv_thread_t thread;
	char seen[SEEN_MAX];
	size_t seen_n;
};

static void read_step(struct fixture *f, int fd, size_t expect)
{
	size_t start = f->seen_n;
	while (f->seen_n < SEEN_MAX - 1) {
		bool enough = expect > 0
		    ? f->seen_n - start >= expect
		    : f->seen_n - start >= 4 && strstr(f->seen + start, "\r\n\r\n") != NULL;
		if (enough) {
			return;
		}
		/* One byte at a time: the next step's bytes stay where they are. */
		ssize_t n = recv(fd, f->seen + f->seen_n, 1, 0);
		if (n <= 0) {
			return;
		}
		f->seen_n++;
		f->seen[f->seen_n] = '\0';
	}
}

static void answer_step(struct fixture *f, int fd, const struct step *step)
{
	char text[1024];
	const char *p = step->answer;
	size_t n = step->answer_n;
	if (n == 0) {
		char key[32] = "";
		/* What a SOCKS proxy has seen has NUL bytes in it. */
		const char *at = memmem(f->seen, f->seen_n, "Sec-WebSocket-Key: ", 19);
		if (at != NULL) {
			(void)sscanf(at + 19, "%31s", key);
		}
		char *accept = rp_wskey_accept(key);
		const char *mark = strstr(p, "%s");
		size_t before = mark == NULL ? strlen(p) : (size_t)(mark - p);
		(void)snprintf(text, sizeof(text), "%.*s%s%s", (int)before, p,
		    mark == NULL ? "" : accept, mark == NULL ? "" : mark + 2);
		rp_free(accept);
		p = text;
		n = strlen(text);
	}
	(void)!send(fd, p, n, MSG_NOSIGNAL);
}

static void peer_main(void *arg)
{
	struct fixture *f = arg;
	int fd = accept(f->listener, NULL, NULL);
	for (size_t i = 0; i < f->n_steps; i++) {
		read_step(f, fd, f->steps[i].expect);
		if (f->steps[i].answer != NULL) {
			answer_step(f, fd, &f->steps[i]);
		}
	}
	(void)shutdown(fd, SHUT_WR);
	char rest[256];
	while (recv(fd, rest, sizeof(rest), 0) > 0) {
	}
	close(fd);
}

static void on_stream_closed(void *ctx)
{
	(void)ctx;
}

static const struct rp_stream_ops stream_ops = {.on_closed = on_stream_closed};

static void on_done(void *ctx, int code, struct rp_stream *stream, uint8_t *early, size_t early_n,
    const struct rp_http_head *head, const struct rp_err *err)
{
	struct fixture *f = ctx;
	f->done++;
	f->code = code;
	f->status = head == NULL ? 0 : head->status;
	if (code == 0) {
		assert_null(err);
		assert_non_null(stream);
		rp_stream_set_ops(stream, &stream_ops, f);
		f->early_n = RP_MIN(early_n, sizeof(f->early));
		memcpy(f->early, early == NULL ? (const uint8_t *)"" : early, f->early_n);
		rp_stream_close(stream);
	} else {
		assert_null(stream);
		assert_int_equal(err->code, code);
		f->err = *err;
	}
	rp_free(early);
	rp_loop_stop(f->loop);
}

/* url and proxy with %u for the port of the scripted peer; proxy may be NULL. */
static void init(struct fixture *f, const char *url, const char *proxy)
{
	char text[256];
	*f = (struct fixture){.opt = {.timeout_ms = 5000, .user_agent = "rport test"}};
	f->opt.protocol = "rport-v1";
	f->listener = rp_net_listen(&f->port);
	assert_true(f->listener >= 0);
	const char *mark = strstr(url, "%u");
	(void)snprintf(text, sizeof(text), "%s", url);
	if (mark != NULL) {
		(void)snprintf(
		    text, sizeof(text), "%.*s%u%s", (int)(mark - url), url, f->port, mark + 2);
	}
	assert_int_equal(rp_url_parse(text, &f->url, NULL), 0);
	f->opt.url = &f->url;
	if (proxy != NULL) {
		(void)snprintf(text, sizeof(text), "%s:%u", proxy, f->port);
		assert_int_equal(rp_url_parse_proxy(text, &f->proxy, NULL), 0);
		f->opt.proxy = &f->proxy;
	}
	assert_int_equal(rp_loop_new(&f->loop, "test"), 0);
}

static void run_dial(struct fixture *f)
{
	assert_int_equal(rp_dial_start(f->loop, &f->opt, on_done, f, &f->dial), 0);
	assert_int_equal(f->done, 0);
	rp_loop_run(f->loop);
	assert_int_equal(f->done, 1);
}

static void fini(struct fixture *f)
{
	rp_loop_free(f->loop);
	close(f->listener);
	rp_url_fini(&f->url);
	rp_url_fini(&f->proxy);
	rp_strmap_fini(&f->headers);
}

/* Dials with the scripted peer at the other end. */
static void run_script(struct fixture *f, const struct step *steps, size_t n)
{
	f->steps = steps;
	f->n_steps = n;
	assert_int_equal(uv_thread_create(&f->thread, peer_main, f), 0);
	run_dial(f);
	assert_int_equal(uv_thread_join(&f->thread), 0);
}

#define SWITCH                                                                              \
	"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
	"Sec-WebSocket-Accept: %s\r\n"

/* The request as wire protocol 1.2 shows it, with key replaced. */
static void check_request(struct fixture *f, const char *expected)
{
	char *key = strstr(f->seen, "Sec-WebSocket-Key: ");
	assert_non_null(key);
	key += 19;
	char *end = strstr(key, "\r\n");
	assert_non_null(end);
	assert_int_equal(end - key, 24);
	memmove(key + 3, end, strlen(end) + 1);
	memcpy(key, "KEY", 3);
	char text[SEEN_MAX];
	const char *mark = strstr(expected, "PORT");
	if (mark != NULL) {
		(void)snprintf(text, sizeof(text), "%.*s%u%s", (int)(mark - expected), expected,
		    f->port, mark + 4);
		expected = text;
	}
	assert_string_equal(f->seen, expected);
}

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
		assert_in_range((uv_hrtime() - start) / 1000000, 100, 3000);
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

/* wss, directly and through real proxies, against our own server. */

struct server {
	struct fixture *f;
	struct rp_acceptor *acceptor;
	struct rp_http_server_options opt;
	unsigned upgraded;
	unsigned closed;
};

static void on_server_stream_closed(void *ctx)
{
	struct server *s = ctx;
	s->closed++;
}

static void on_server_end(void *ctx)
{
	(void)ctx;
}

static const struct rp_stream_ops server_stream_ops = {
    .on_eof = on_server_end,
    .on_closed = on_server_stream_closed,
};

static void on_request(void *ctx, struct rp_http_req *req)
{
	struct server *s = ctx;
	struct rp_stream *stream;
	uint8_t *early;
	size_t early_n;
	if (rp_http_ws_check(req) != 0) {
		rp_http_reply(req, 404, NULL, NULL, 0);
		return;
	}
	assert_int_equal(rp_http_upgrade(req, NULL, &stream, &early, &early_n), 0);
	assert_null(early);
	s->upgraded++;
	rp_stream_set_ops(stream, &server_stream_ops, s);
	rp_stream_close_flush(stream, 3000);
}

static const struct rp_http_server_ops server_ops = {.on_request = on_request};

static void on_accept(void *ctx, int fd, const struct sockaddr *peer)
{
	struct server *s = ctx;
	struct rp_http_conn *conn;
	(void)peer;
	assert_int_equal(rp_http_conn_new(s->f->loop, fd, &s->opt, &server_ops, s, &conn), 0);
}

static const struct rp_acceptor_ops acceptor_ops = {.on_accept = on_accept};

static void on_done_with_server(void *ctx, int code, struct rp_stream *stream, uint8_t *early,
    size_t early_n, const struct rp_http_head *head, const struct rp_err *err)
{
	struct server *s = ctx;
	rp_acceptor_close(s->acceptor);
	on_done(s->f, code, stream, early, early_n, head, err);
}

/* Dials url, whose port is the server's, with proxy or without; the error text, "" if it worked. */
static void dial_server(struct fixture *f, struct server *s, const char *url, const char *proxy)
{
	char text[256];
	init(f, "ws://replaced/", NULL);
	*s = (struct server){.f = f, .opt = s->opt};
	assert_int_equal(
	    rp_acceptor_new(f->loop, "127.0.0.1:0", &acceptor_ops, s, &s->acceptor, NULL), 0);
	(void)snprintf(text, sizeof(text), "%s:%u/", url, rp_acceptor_port(s->acceptor));
	rp_url_fini(&f->url);
	assert_int_equal(rp_url_parse(text, &f->url, NULL), 0);
	if (proxy != NULL) {
		assert_int_equal(rp_url_parse_proxy(proxy, &f->proxy, NULL), 0);
		f->opt.proxy = &f->proxy;
	}
}

static void run_with_server(struct fixture *f, struct server *s)
{
	assert_int_equal(rp_dial_start(f->loop, &f->opt, on_done_with_server, s, &f->dial), 0);
	rp_loop_run(f->loop);
	assert_int_equal(f->done, 1);
	assert_int_equal(s->closed, s->upgraded);
}

static void test_tls(void **state)
{
	(void)state;
	struct rp_net_certs certs;
	struct rp_tls *good;
	struct rp_tls *other;
	assert_int_equal(rp_net_certs_make(&certs), 0);
	assert_int_equal(rp_tls_client_new(certs.ca, &good, NULL), 0);
	assert_int_equal(rp_tls_client_new(certs.other_ca, &other, NULL), 0);
	struct server s = {0};
	assert_int_equal(rp_tls_server_new(certs.cert, certs.key, RP_TLS_1_2, &s.opt.tls, NULL), 0);
	static const char *const hosts[] = {"wss://localhost", "wss://127.0.0.1"};
	for (size_t i = 0; i < 2; i++) {
		struct fixture f;
		dial_server(&f, &s, hosts[i], NULL);
		f.opt.tls = good;
		f.opt.host_header = "other.example"; /* has no say in the verification */
		run_with_server(&f, &s);
		assert_string_equal(f.err.msg, "");
		assert_int_equal(s.upgraded, 1);
		fini(&f);
		dial_server(&f, &s, hosts[i], NULL);
		f.opt.tls = other;
		run_with_server(&f, &s);
		assert_int_equal(f.code, RP_ETLS);
		assert_non_null(strstr(f.err.msg, "certificate refused"));
		assert_int_equal(s.upgraded, 0);
		fini(&f);
	}
	rp_tls_free(s.opt.tls);
	rp_tls_free(good);
	rp_tls_free(other);
	rp_net_certs_remove(&certs);
}

/* Starts a command and waits until it listens on the port. */
static pid_t start_proxy(const char *const argv[], uint16_t port)
{
	pid_t pid = fork();
	if (pid == 0) {
		(void)!freopen("/dev/null", "w", stdout);
		(void)!freopen("/dev/null", "w", stderr);
		(void)execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	assert_true(pid > 0);
	int fd = -1;
	for (int i = 0; i < 500 && fd < 0; i++) {
		(void)usleep(10000);
		fd = rp_net_connect(port);
	}
	assert_true(fd >= 0);
	close(fd);
	return pid;
}

static void check_proxy(const char *proxy, int code, const char *text)
{
	struct fixture f;
	struct server s = {0};
	dial_server(&f, &s, "ws://127.0.0.1", proxy);
	run_with_server(&f, &s);
	if (f.code != code || strstr(f.err.msg, text) == NULL) {
		fail_msg("%s: %d %s", proxy, f.code, f.err.msg);
	}
	assert_int_equal(s.upgraded, code == 0 ? 1 : 0);
	fini(&f);
}

static void test_real_proxies(void **state)
{
	(void)state;
	uint16_t port;
	char port_text[8];
	char proxy[128];
	close(rp_net_listen(&port));
	(void)snprintf(port_text, sizeof(port_text), "%u", port);
	const char *const socks[] = {
	    "microsocks", "-i", "127.0.0.1", "-p", port_text, "-u", "me", "-P", "secret", NULL};
	pid_t pid = start_proxy(socks, port);
	(void)snprintf(proxy, sizeof(proxy), "socks5://me:secret@127.0.0.1:%u", port);
	check_proxy(proxy, 0, "");
	(void)snprintf(proxy, sizeof(proxy), "socks5://me:wrong@127.0.0.1:%u", port);
	check_proxy(proxy, RP_EAUTH, "refused user and password");
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);

	char config[] = "/tmp/rport-tinyproxy-XXXXXX";
	close(rp_net_listen(&port));
	int fd = mkstemp(config);
	assert_true(fd >= 0);
	(void)dprintf(fd, "Port %u\nListen 127.0.0.1\nBasicAuth me secret\nTimeout 60\n", port);
	close(fd);
	const char *const tiny[] = {"tinyproxy", "-d", "-c", config, NULL};
	pid = start_proxy(tiny, port);
	(void)snprintf(proxy, sizeof(proxy), "http://me:secret@127.0.0.1:%u", port);
	check_proxy(proxy, 0, "");
	(void)snprintf(proxy, sizeof(proxy), "http://me:wrong@127.0.0.1:%u", port);
	check_proxy(proxy, RP_EDENIED, "refused: 401");
	(void)snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%u", port);
	check_proxy(proxy, RP_EDENIED, "refused: 407");
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	(void)unlink(config);
}

static void oom_done(void *ctx, int code, struct rp_stream *stream, uint8_t *early, size_t early_n,
    const struct rp_http_head *head, const struct rp_err *err)
{
	struct server *s = ctx;
	(void)early_n;
	(void)head;
	(void)err;
	s->f->done++;
	s->f->code = code;
	if (code == 0) {
		rp_stream_set_ops(stream, &stream_ops, s->f);
		rp_stream_close(stream);
	}
	rp_free(early);
	rp_acceptor_close(s->acceptor);
	rp_loop_stop(s->f->loop);
}

static void oom_request(void *ctx, struct rp_http_req *req)
{
	struct server *s = ctx;
	struct rp_stream *stream;
	uint8_t *early;
	size_t early_n;
	if (rp_http_upgrade(req, NULL, &stream, &early, &early_n) == 0) {
		rp_free(early);
		rp_stream_set_ops(stream, &server_stream_ops, s);
		rp_stream_close_flush(stream, 3000);
	}
}

static const struct rp_http_server_ops oom_ops = {.on_request = oom_request};

static void oom_accept(void *ctx, int fd, const struct sockaddr *peer)
{
	struct server *s = ctx;
	struct rp_http_conn *conn;
	(void)peer;
	int rc = rp_http_conn_new(s->f->loop, fd, &s->opt, &oom_ops, s, &conn);
	(void)rc; /* the dial sees the end of the connection */
}

static int oom_body(void *state)
{
	static const struct rp_acceptor_ops accept_ops = {.on_accept = oom_accept};
	(void)state;
	struct fixture f = {.opt = {.timeout_ms = 5000, .protocol = "rport-v1"}};
	struct server s = {.f = &f};
	struct rp_err err;
	int rc = rp_loop_new(&f.loop, "test");
	if (rc != 0) {
		return rc;
	}
	rc = rp_acceptor_new(f.loop, "127.0.0.1:0", &accept_ops, &s, &s.acceptor, &err);
	if (rc == 0) {
		rc = rp_url_parse("ws://127.0.0.1:1", &f.url, &err);
		f.url.port = rp_acceptor_port(s.acceptor);
		f.opt.url = &f.url;
	}
	if (rc == 0) {
		rc = rp_dial_start(f.loop, &f.opt, oom_done, &s, &f.dial);
	}
	if (rc != 0) {
		rp_loop_stop(f.loop);
		if (s.acceptor != NULL) {
			rp_acceptor_close(s.acceptor);
		}
	}
	rp_loop_run(f.loop);
	rp_loop_free(f.loop);
	rp_url_fini(&f.url);
	/* The server's lack of memory shows as its end. */
	bool ended = f.code == RP_ECLOSED || f.code == UV_ECONNRESET || f.code == RP_EDENIED;
	return rc != 0 ? rc : ended ? RP_ENOMEM : f.code;
}

static void test_oom(void **state)
{
	(void)state;
	assert_int_equal(rp_oom_run(oom_body, NULL), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_upgrade),
	    cmocka_unit_test(test_headers),
	    cmocka_unit_test(test_bad_headers),
	    cmocka_unit_test(test_refused_answers),
	    cmocka_unit_test(test_http_proxy),
	    cmocka_unit_test(test_tcp),
	    cmocka_unit_test(test_socks),
	    cmocka_unit_test(test_socks_refused),
	    cmocka_unit_test(test_no_server),
	    cmocka_unit_test(test_next_address),
	    cmocka_unit_test(test_timeouts),
	    cmocka_unit_test(test_no_answer_to_syn),
	    cmocka_unit_test(test_cancel),
	    cmocka_unit_test(test_bind_interface),
	    cmocka_unit_test(test_bad_options),
	    cmocka_unit_test(test_tls),
	    cmocka_unit_test(test_real_proxies),
	    cmocka_unit_test(test_oom),
	};
	alarm(120);
	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
