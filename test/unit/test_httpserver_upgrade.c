/* SPDX-License-Identifier: MIT */
/*
 * HTTP server connections over real sockets: upgrades to WebSocket; allocation failures.
 */
#include "http/server.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "test/lib/http_rig.h"
#include "test/lib/net.h"
#include "test/lib/oom.h"

#define WS_HEAD(path, key)                                                                  \
	"GET " path                                                                         \
	" HTTP/1.1\r\nHost: h\r\nUpgrade: WebSocket\r\nConnection: keep-alive, upgrade\r\n" \
	"Sec-WebSocket-Key: " key "\r\nSec-WebSocket-Version: 13\r\n\r\n"
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ANSWER                                                                              \
	"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
	"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"

static void test_upgrade(void **state)
{
	(void)state;
	/* Early bytes: a masked "Hello", then a close. */
	static const char frames[] = "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58\x88\x80\0\0\0\0";
	static const char *const paths[] = {WS_HEAD("/ws", KEY), WS_HEAD("/later-ws", KEY)};
	for (size_t i = 0; i < 6; i++) {
		char text[512];
		size_t n = strlen(paths[i % 2]);
		memcpy(text, paths[i % 2], n);
		memcpy(text + n, frames, sizeof(frames) - 1);
		struct rp_http_rig f;
		rp_http_rig_init(&f);
		f.in = text;
		f.in_n = n + sizeof(frames) - 1;
		f.piece = i < 2 ? 0 : i < 4 ? n : 3;
		f.gap_ms = i < 2 ? 0 : i < 4 ? 100 : 1;
		rp_http_rig_run(&f, rp_http_rig_raw);
		assert_int_equal(f.out_n, strlen(ANSWER) + 7 + 2);
		assert_memory_equal(f.out, ANSWER, strlen(ANSWER));
		assert_memory_equal(f.out + strlen(ANSWER), "\x81\x05Hello\x88\x00", 9);
		rp_http_rig_fini(&f);
	}
}

static void test_upgrade_refused(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *begins;
	} rows[] = {
	    {WS_HEAD("/ws", ""), "HTTP/1.1 400 Bad Request\r\n"},
	    {WS_HEAD("/ws", "AAAA"), "HTTP/1.1 400 Bad Request\r\n"},
	    {"GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	     "Sec-WebSocket-Key: " KEY "\r\nSec-WebSocket-Version: 12\r\n\r\n",
	        "HTTP/1.1 400 Bad Request\r\n"},
	    {"GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n"
	     "Sec-WebSocket-Key: " KEY "\r\nSec-WebSocket-Version: 13\r\n\r\n",
	        "HTTP/1.1 400 Bad Request\r\n"},
	    {"POST /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	     "Sec-WebSocket-Key: " KEY "\r\nSec-WebSocket-Version: 13\r\n\r\n",
	        "HTTP/1.1 405 Method Not Allowed\r\n"},
	    {"GET /ws HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n"},
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		struct rp_http_rig f;
		rp_http_rig_talk(&f, rows[i].text);
		assert_int_equal(strncmp(f.out, rows[i].begins, strlen(rows[i].begins)), 0);
		assert_non_null(strstr(f.out, "\r\nSec-Websocket-Version: 13\r\n"));
		rp_http_rig_fini(&f);
	}
}

/* A request over a socket pair in one thread, every allocation failing in turn. */
struct oom_state {
	unsigned answered;
	unsigned closed;
	bool upgrade;
	int rc;
	struct rp_loop *loop;
};

static void oom_request(void *ctx, struct rp_http_req *req)
{
	struct oom_state *o = ctx;
	o->answered++;
	if (!o->upgrade) {
		int rc = rp_http_req_add_header(req, "X-A", "b");
		o->rc = rc;
		rp_http_reply(req, 200, "text/plain", "hello", 5);
		return;
	}
	struct rp_stream *s;
	uint8_t *early;
	size_t early_n;
	o->rc = rp_http_upgrade(req, "rport-v1", &s, &early, &early_n);
	if (o->rc == 0) {
		rp_free(early);
		rp_stream_close_flush(s, 100);
		o->closed++;
		rp_loop_stop(o->loop);
	}
}

static void oom_closed(void *ctx, struct rp_http_conn *conn)
{
	struct oom_state *o = ctx;
	(void)conn;
	o->closed++;
	rp_loop_stop(o->loop);
}

static int oom_body(void *state)
{
	static const struct rp_http_server_ops ops = {
	    .on_request = oom_request,
	    .on_conn_closed = oom_closed,
	};
	static const char *const text[] = {
	    "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
	    WS_HEAD("/", KEY) "early",
	};
	struct oom_state o = {.upgrade = state != NULL};
	struct rp_http_server_options opt = {.body_max = 10};
	struct rp_http_conn *conn;
	int fd[2];
	int rc = rp_loop_new(&o.loop, "test");
	if (rc != 0) {
		return rc;
	}
	rc = rp_net_pair(AF_INET, fd);
	if (rc == 0) {
		(void)!write(fd[1], text[o.upgrade], strlen(text[o.upgrade]));
		(void)shutdown(fd[1], SHUT_WR);
		rc = rp_http_conn_new(o.loop, fd[0], &opt, &ops, &o, &conn);
	}
	if (rc != 0) {
		rp_loop_stop(o.loop);
	}
	rp_loop_run(o.loop);
	rp_loop_free(o.loop);
	char out[512] = "";
	ssize_t n = recv(fd[1], out, sizeof(out) - 1, 0);
	close(fd[1]);
	if (rc == 0 && o.closed != 1) {
		return RP_EIO;
	}
	rc = rc == 0 ? o.rc : rc;
	/* Without memory the answer may be missing, or be 500. */
	bool ok = n > 0 && (strstr(out, " 200 ") != NULL || strstr(out, " 101 ") != NULL);
	return rc != 0 ? rc : ok ? 0 : RP_ENOMEM;
}

static void test_oom(void **state)
{
	(void)state;
	bool upgrade = true; /* only its address matters */
	assert_int_equal(oom_body(NULL), 0);
	assert_int_equal(oom_body(&upgrade), 0);
	assert_int_equal(rp_oom_run(oom_body, NULL), 0);
	assert_int_equal(rp_oom_run(oom_body, &upgrade), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_upgrade),
	    cmocka_unit_test(test_upgrade_refused),
	    cmocka_unit_test(test_oom),
	};
	alarm(120);
	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
