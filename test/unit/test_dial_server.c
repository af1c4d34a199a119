/* SPDX-License-Identifier: MIT */
/*
 * Outgoing connections to our own server: TLS, through real proxies, and allocation failures.
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
#include "test/lib/dial_short.h"
#include "test/lib/net.h"
#include "test/lib/oom.h"

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
	    cmocka_unit_test(test_tls),
	    cmocka_unit_test(test_real_proxies),
	    cmocka_unit_test(test_oom),
	};
	alarm(120);
	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
