/* SPDX-License-Identifier: MIT */
/*
 * The reverse proxy before a tunnel, over real sockets: visitor and target are bytes on sockets of
 * the scenario; what passes, in which form, and how connections end. Mostly without TLS, which
 * http/ tests; once with it on both sides.
 */
#include "tunnel/web.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/socket.h>

#include <cmocka.h>

#include "test/lib/net.h"
#include "test/lib/oom.h"
#include "test/lib/web_short.h"

/* --- requests and answers --- */

static void keep_alive_scenario(struct rp_rig *rig)
{
	int v = visit(rig, GET_A);
	int t = serve(rig, SEEN_A);
	for (int i = 0; i < 3; i++) {
		CHECK(say(t, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"));
		CHECK(hear(v, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"));
		CHECK(say(v, GET_A) && hear(t, SEEN_A));
	}
	hang_up(v, t);
}

static void test_keep_alive(void **state)
{
	(void)state;
	go_plain(keep_alive_scenario);
	go(&(struct rp_rig_options){.no_half_close = true}, keep_alive_scenario);
}

static void pipeline_scenario(struct rp_rig *rig)
{
	int v = visit(
	    rig, GET_A GET_A "POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc" GET_A);
	int t = serve(rig, SEEN_A);
	CHECK(say(t, "HTTP/1.1 200 1\r\nContent-Length: 0\r\n\r\n") && hear(t, SEEN_A));
	CHECK(say(t, "HTTP/1.1 200 2\r\nContent-Length: 0\r\n\r\n"));
	CHECK(hear(t, SEEN("POST /b") "Content-Length: 3\r\n\r\nabc"));
	CHECK(say(t, "HTTP/1.1 200 3\r\nContent-Length: 0\r\n\r\n") && hear(t, SEEN_A));
	CHECK(say(t, "HTTP/1.1 200 4\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
	for (int i = 1; i <= 4; i++) {
		char want[64];
		(void)snprintf(
		    want, sizeof(want), "HTTP/1.1 200 %d\r\nContent-Length: 0\r\n\r\n", i);
		CHECK(hear(v, want));
	}
	/* The target ended its connection, the visitor did not. */
	(void)close(t);
	CHECK(say(v, GET_A));
	t = serve(rig, SEEN_A);
	hang_up(v, t);
}

static void test_pipeline(void **state)
{
	(void)state;
	go_plain(pipeline_scenario);
}

static void pieces_scenario(struct rp_rig *rig)
{
	static const char in[] = "POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
	                         "3;ext=1\r\nabc\r\n02\r\nde\r\n0\r\nTrailer: x\r\n\r\n";
	static const char out[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	                          "2\r\nhi\r\n0\r\n\r\n";
	char sent[200] = "";
	char body[200] = "";
	int v = rp_rig_connect(rig);
	for (size_t i = 0; i < sizeof(in) - 1; i++) {
		CHECK(rp_rig_write_all(v, &in[i], 1));
	}
	int t = serve(rig, SEEN("POST /c") "Transfer-Encoding: chunked\r\n\r\n");
	/* How it is cut into chunks is ours. */
	for (size_t n = 0; strstr(sent, "0\r\n\r\n") == NULL; n++) {
		CHECK(n < sizeof(sent) - 1 && rp_rig_read_all(t, sent + n, 1) == 1);
		sent[n + 1] = '\0';
		if (strchr("abcde", sent[n]) != NULL) {
			body[strlen(body)] = sent[n];
		}
	}
	CHECK(strcmp(body, "abcde") == 0);
	CHECK(say(t, out) && hear(v, out));
	hang_up(v, t);
}

static void test_pieces(void **state)
{
	(void)state;
	go_plain(pieces_scenario);
}

static void framing_scenario(struct rp_rig *rig)
{
	int v = visit(rig, "HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n");
	int t = serve(rig, SEEN("HEAD /a") "\r\n");
	CHECK(say(t, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"));
	CHECK(hear(v, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"));
	CHECK(say(v, GET_A) && hear(t, SEEN_A));
	CHECK(say(t, "HTTP/1.1 304 Same\r\nContent-Length: 9\r\n\r\n"));
	CHECK(hear(v, "HTTP/1.1 304 Same\r\nContent-Length: 9\r\n\r\n"));
	CHECK(say(v, GET_A) && hear(t, SEEN_A));
	CHECK(say(t, "HTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 None\r\n\r\n"));
	CHECK(hear(v, "HTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 None\r\n\r\n"));
	/* An answer up to the end of its connection. */
	CHECK(say(v, GET_A) && hear(t, SEEN_A));
	CHECK(say(t, "HTTP/1.0 200 OK\r\n\r\nall of it"));
	CHECK(hear(v, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nall of it\r\n"));
	(void)close(t);
	CHECK(hear(v, "0\r\n\r\n"));
	(void)close(v);
	/* And to an old visitor. */
	v = visit(rig, "GET /a HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n");
	t = serve(rig, SEEN_A);
	CHECK(say(t, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"));
	CHECK(hear(v, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhi") && hear_end(v));
	hang_up(v, t);
}

static void test_framing(void **state)
{
	(void)state;
	go_plain(framing_scenario);
}

/* The final answer comes although the body does not. */
static void early_answer_scenario(struct rp_rig *rig)
{
	int v = visit(rig,
	    "POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n"
	    "Expect: 100-continue\r\n\r\n");
	int t = serve(rig, SEEN("POST /b") "Expect: 100-continue\r\nContent-Length: 100\r\n\r\n");
	CHECK(say(t, "HTTP/1.1 413 Too much\r\nContent-Length: 0\r\n\r\n"));
	CHECK(hear(v, "HTTP/1.1 413 Too much\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
	CHECK(hear_end(v));
	hang_up(v, t);
	v = visit(rig,
	    "POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n"
	    "Expect: 100-continue\r\n\r\n");
	t = serve(rig, SEEN("POST /b") "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n");
	CHECK(say(t, "HTTP/1.1 100 Continue\r\n\r\n"));
	CHECK(hear(v, "HTTP/1.1 100 Continue\r\n\r\n"));
	CHECK(say(v, "abc") && hear(t, "abc"));
	CHECK(say(t, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
	CHECK(hear(v, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
	hang_up(v, t);
}

static void test_early_answer(void **state)
{
	(void)state;
	go_plain(early_answer_scenario);
}

/* --- WebSockets --- */

static void pipe_scenario(struct rp_rig *rig)
{
	int v = visit(rig, ASK_WS "early");
	int t = serve(rig, SEEN_WS);
	CHECK(say(t, SWITCH "first") && hear(v, SWITCH "first") && hear(t, "early"));
	CHECK(say(v, "\x01\x02 any bytes\r\n\r\n") && hear(t, "\x01\x02 any bytes\r\n\r\n"));
	if (rig->opt.no_half_close) {
		(void)close(v);
		CHECK(hear_end(t));
		(void)close(t);
		return;
	}
	CHECK(shutdown(v, SHUT_WR) == 0 && hear_end(t));
	CHECK(say(t, "last") && hear(v, "last"));
	(void)close(t);
	CHECK(hear_end(v));
	(void)close(v);
}

static void no_pipe_scenario(struct rp_rig *rig)
{
	/* Refused: the next request may follow. */
	int v = visit(rig, ASK_WS GET_A);
	int t = serve(rig, SEEN_WS);
	CHECK(say(t, "HTTP/1.1 426 No\r\nContent-Length: 0\r\n\r\n") && hear(t, SEEN_A));
	CHECK(hear(v, "HTTP/1.1 426 No\r\nContent-Length: 0\r\n\r\n"));
	hang_up(v, t);
	/* An upgrade that nobody asked for. */
	v = visit(rig, GET_A);
	t = serve(rig, SEEN_A);
	CHECK(say(t, SWITCH));
	CHECK(hear(v, "HTTP/1.1 502 Bad Gateway\r\n"));
	hang_up(v, t);
}

static void test_websocket(void **state)
{
	(void)state;
	go_plain(pipe_scenario);
	go(&(struct rp_rig_options){.no_half_close = true}, pipe_scenario);
	go_plain(no_pipe_scenario);
}

static void leaving_scenario(struct rp_rig *rig)
{
	int v = visit(rig, GET_A);
	int t = serve(rig, SEEN_A);
	(void)close(v);
	CHECK(hear_end(t));
	(void)close(t);
	v = visit(rig, "POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab");
	t = serve(rig, SEEN("POST /b") "Content-Length: 5\r\n\r\nab");
	(void)close(v);
	CHECK(hear_end(t));
	(void)close(t);
}

static void test_leaving(void **state)
{
	(void)state;
	go_plain(leaving_scenario);
	go(&(struct rp_rig_options){.no_half_close = true}, leaving_scenario);
}

/* --- ends of the tunnel while it is used --- */

static void left_open_scenario(struct rp_rig *rig)
{
	/* The rig takes the tunnel down with all of these open. */
	static int fds[6];
	fds[0] = rp_rig_connect(rig);
	fds[1] = visit(rig, GET_A);
	fds[2] = serve(rig, SEEN_A);
	fds[3] = visit(rig, ASK_WS);
	fds[4] = serve(rig, SEEN_WS);
	CHECK(say(fds[4], SWITCH) && hear(fds[3], SWITCH));
	fds[5] = visit(rig, "GET /a HTTP/1.1\r\nHost: h\r\nUp");
	rig->user = fds;
}

static void test_left_open(void **state)
{
	(void)state;
	struct rp_rig rig;
	const struct rp_rig_options opt = {.web = &no_tls, .scheme = "http"};
	assert_int_equal(rp_rig_init(&rig, &opt), 0);
	rp_rig_run(&rig, left_open_scenario);
	const int *fds = rig.user;
	for (size_t i = 0; i < 6; i++) {
		assert_true(hear_end(fds[i]));
		(void)close(fds[i]);
	}
	rp_rig_fini(&rig);
}

/* --- TLS --- */

struct tls_case {
	struct rp_net_certs certs;
	struct rp_web_settings web;
};

/* curl is the visitor, openssl the target. */
static void tls_scenario(struct rp_rig *rig)
{
	const struct tls_case *c = rig->user;
	char command[600];
	(void)snprintf(command, sizeof(command),
	    "curl -sS --max-time 20 --cacert %s https://localhost:%u/ | grep -c 'Secure Renegotiation' >/dev/null",
	    c->certs.ca, (unsigned)rig->port);
	/* NOLINTNEXTLINE(cert-env33-c): a test's own command */
	CHECK(system(command) == 0);
}

static FILE *start_openssl(const struct tls_case *c, uint16_t port)
{
	char command[600];
	char line[256] = "";
	(void)snprintf(command, sizeof(command),
	    "exec openssl s_server -accept 127.0.0.1:%u -cert %s -key %s -www -naccept 1 2>/dev/null",
	    (unsigned)port, c->certs.other_name, c->certs.other_name);
	/* NOLINTNEXTLINE(cert-env33-c): likewise */
	FILE *f = popen(command, "r");
	assert_non_null(f);
	while (strstr(line, "ACCEPT") == NULL) {
		assert_non_null(fgets(line, sizeof(line), f));
	}
	return f;
}

static void test_tls(void **state)
{
	(void)state;
	struct tls_case c = {0};
	struct rp_err err;
	struct rp_rig rig;
	assert_int_equal(rp_net_certs_make(&c.certs), 0);
	assert_int_equal(
	    rp_tls_server_new(c.certs.cert, c.certs.key, RP_TLS_1_3, &c.web.visitor, &err), 0);
	assert_int_equal(rp_tls_client_new_unverified(&c.web.target, &err), 0);
	const struct rp_rig_options opt = {
	    .web = &c.web, .scheme = "https", .host_header = "other.example:1", .no_target = true};
	assert_int_equal(rp_rig_init(&rig, &opt), 0);
	rig.user = &c;
	/* openssl listens where the rig's own target does not. */
	(void)close(rig.target_fd);
	rig.target_fd = -1;
	FILE *f = start_openssl(&c, rig.target_port);
	rp_rig_run(&rig, tls_scenario);
	rp_rig_fini(&rig);
	assert_true(pclose(f) >= 0);
	rp_tls_free(c.web.visitor);
	rp_tls_free(c.web.target);
	rp_net_certs_remove(&c.certs);
}

/* --- allocation failures --- */

static void oom_scenario(struct rp_rig *rig)
{
	char buf[200];
	bool *ok = rig->user;
	struct timeval short_wait = {.tv_usec = 100000};
	int v = rp_rig_connect(rig);
	*ok = v >= 0 &&
	    say(v,
	        "POST /b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
	        "Content-Length: 2\r\n\r\nab");
	(void)setsockopt(rig->target_fd, SOL_SOCKET, SO_RCVTIMEO, &short_wait, sizeof(short_wait));
	int t = rp_rig_accept(rig);
	if (t >= 0) {
		static const char seen[] = SEEN("POST /b") "Content-Length: 2\r\n\r\nab";
		*ok = *ok && rp_rig_read_all(t, buf, sizeof(seen) - 1) == (long)sizeof(seen) - 1 &&
		    say(t, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nfine");
		(void)close(t);
	} else {
		*ok = false;
	}
	long n = v < 0 ? 0 : rp_rig_read_all(v, buf, sizeof(buf));
	*ok = *ok && n > 20 && memcmp(buf + n - 7, "\r\n0\r\n\r\n", 7) == 0;
	if (v >= 0) {
		(void)close(v);
	}
}

static int oom_body(void *state)
{
	(void)state;
	return rp_rig_oom(&(struct rp_rig_options){.web = &no_tls, .scheme = "http"}, oom_scenario);
}

static void test_oom(void **state)
{
	(void)state;
	assert_int_equal(rp_oom_run(oom_body, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_keep_alive),
	    cmocka_unit_test(test_pipeline),
	    cmocka_unit_test(test_pieces),
	    cmocka_unit_test(test_framing),
	    cmocka_unit_test(test_early_answer),
	    cmocka_unit_test(test_websocket),
	    cmocka_unit_test(test_leaving),
	    cmocka_unit_test(test_left_open),
	    cmocka_unit_test(test_tls),
	    cmocka_unit_test(test_oom),
	};
	(void)signal(SIGPIPE, SIG_IGN); /* as the program does */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
