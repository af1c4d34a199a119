/* SPDX-License-Identifier: MIT */
/*
 * Listening sockets: addresses of all forms, both families on one socket, error texts, a lack of
 * descriptors.
 */
#include "http/accept.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>
#include <uv.h>

#include "core/log.h"
#include "test/lib/net.h"
#include "test/lib/oom.h"
#include "test/lib/slow.h"

struct fixture {
	struct rp_loop *loop;
	struct rp_acceptor *a;
	unsigned accepted;
	unsigned wanted; /* closes after so many */
	unsigned closed;
	int family;
};

static void on_accept(void *ctx, int fd, const struct sockaddr *peer)
{
	struct fixture *f = ctx;
	f->accepted++;
	f->family = peer->sa_family;
	assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
	close(fd);
	if (f->accepted == f->wanted) {
		rp_acceptor_close(f->a);
		rp_acceptor_close(f->a);
	}
}

static void on_closed(void *ctx)
{
	struct fixture *f = ctx;
	f->closed++;
	rp_loop_stop(f->loop);
}

static const struct rp_acceptor_ops ops = {.on_accept = on_accept, .on_closed = on_closed};

static void init(struct fixture *f, const char *address)
{
	struct rp_err err = {0};
	*f = (struct fixture){.wanted = 1};
	assert_int_equal(rp_loop_new(&f->loop, "test"), 0);
	if (rp_acceptor_new(f->loop, address, &ops, f, &f->a, &err) != 0) {
		fail_msg("%s", err.msg);
	}
	assert_true(rp_acceptor_port(f->a) > 0);
}

static void run(struct fixture *f)
{
	rp_loop_run(f->loop);
	rp_loop_free(f->loop);
	assert_int_equal(f->closed, 1);
}

static int connect6(uint16_t port)
{
	struct sockaddr_in6 sa = {
	    .sin6_family = AF_INET6,
	    .sin6_port = htons(port),
	    .sin6_addr = IN6ADDR_LOOPBACK_INIT,
	};
	int fd = socket(AF_INET6, SOCK_STREAM, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&sa, sizeof(sa)) != 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static void test_addresses(void **state)
{
	(void)state;
	static const struct {
		const char *address;
		bool v4;
		bool v6;
	} rows[] = {
	    {"0.0.0.0:0", true, true},
	    {":0", true, true},
	    {"[::]:0", true, true},
	    {"127.0.0.1:0", true, false},
	    {"[::1]:0", false, true},
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		struct fixture f;
		init(&f, rows[i].address);
		uint16_t port = rp_acceptor_port(f.a);
		int v4 = rp_net_connect(port);
		int v6 = connect6(port);
		assert_int_equal(v4 >= 0, rows[i].v4);
		assert_int_equal(v6 >= 0, rows[i].v6);
		f.wanted = rows[i].v4 + rows[i].v6;
		run(&f);
		assert_int_equal(f.family, rows[i].v6 ? AF_INET6 : AF_INET);
		close(v4);
		close(v6);
	}
	/* IPv4 through the socket of both families. */
	struct fixture f;
	init(&f, "0.0.0.0:0");
	int fd = rp_net_connect(rp_acceptor_port(f.a));
	run(&f);
	assert_int_equal(f.family, AF_INET);
	close(fd);
	init(&f, "localhost:0");
	rp_acceptor_close(f.a);
	run(&f);
	assert_int_equal(f.accepted, 0);
}

static void expect_error(const char *address, int code, const char *text)
{
	struct rp_loop *loop;
	struct rp_acceptor *a;
	struct rp_err err = {0};
	char expected[512];
	assert_int_equal(rp_loop_new(&loop, "test"), 0);
	assert_int_equal(rp_acceptor_new(loop, address, &ops, NULL, &a, &err), code);
	assert_null(a);
	(void)snprintf(expected, sizeof(expected), "listen %s: %s", address, text);
	assert_string_equal(err.msg, expected);
	assert_int_equal(rp_acceptor_explain(&err, "--addr"), code);
	assert_int_equal(strncmp(err.msg, "--addr: ", 8), 0);
	assert_int_equal(strncmp(err.msg + 8, expected, strlen(expected)), 0);
	/* What helps, if anything is known to. */
	assert_true(
	    (strchr(err.msg, ';') != NULL) == (code == UV_EADDRINUSE || code == UV_EADDRNOTAVAIL));
	rp_loop_stop(loop);
	rp_loop_run(loop);
	rp_loop_free(loop);
}

static void test_errors(void **state)
{
	(void)state;
	static const char *const bad[] = {
	    "",
	    "127.0.0.1",
	    "127.0.0.1:",
	    "127.0.0.1:x",
	    "127.0.0.1:65536",
	    "::1:80",
	    "[::1:80",
	    "a b",
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(bad); i++) {
		expect_error(bad[i], RP_EINVAL, "expected host:port");
	}
	struct fixture f;
	char address[32];
	init(&f, "127.0.0.1:0");
	(void)snprintf(address, sizeof(address), "127.0.0.1:%u", rp_acceptor_port(f.a));
	expect_error(address, UV_EADDRINUSE, "address already in use");
	(void)snprintf(address, sizeof(address), "0.0.0.0:%u", rp_acceptor_port(f.a));
	expect_error(address, UV_EADDRINUSE, "address already in use");
	rp_acceptor_close(f.a);
	run(&f);
	expect_error("192.0.2.1:1", UV_EADDRNOTAVAIL, "address not available");
	expect_error("name.invalid:1", UV_EAI_NONAME, "unknown node or service");
}

static void restore_limit(uv_timer_t *t)
{
	struct rlimit *limit = t->data;
	(void)setrlimit(RLIMIT_NOFILE, limit);
	uv_close((uv_handle_t *)t, NULL);
}

/* Without descriptors the connection waits, the loop does not spin, and one line is logged. */
static void test_no_descriptors(void **state)
{
	(void)state;
	struct fixture f;
	struct rlimit limit;
	struct rlimit none;
	char path[] = "/tmp/rport-accept-XXXXXX";
	if (rp_slow()) {
		return; /* it makes up the limit and throws the accepted connection away */
	}
	int log = mkstemp(path);
	assert_true(log >= 0);
	assert_int_equal(rp_log_open(path, RP_LOG_INFO, NULL), 0);
	init(&f, "127.0.0.1:0");
	int fd = rp_net_connect(rp_acceptor_port(f.a));
	uv_timer_t timer;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = 3;
	timer.data = &limit;
	assert_int_equal(uv_timer_init(rp_loop_uv(f.loop), &timer), 0);
	assert_int_equal(uv_timer_start(&timer, restore_limit, 350, 0), 0);
	struct rusage before;
	struct rusage after;
	(void)getrusage(RUSAGE_SELF, &before);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	run(&f);
	(void)getrusage(RUSAGE_SELF, &after);
	assert_int_equal(f.accepted, 1);
	assert_true(after.ru_nvcsw - before.ru_nvcsw < 50);
	close(fd);
	rp_log_close();
	char text[1024];
	ssize_t n = read(log, text, sizeof(text) - 1);
	assert_true(n > 0);
	text[n] = '\0';
	assert_non_null(strstr(text, "error: listener: accept: too many open files"));
	assert_ptr_equal(strchr(text, '\n'), text + n - 1);
	close(log);
	(void)unlink(path);
}

static int oom_body(void *state)
{
	(void)state;
	struct fixture f = {.wanted = 1};
	int rc = rp_loop_new(&f.loop, "test");
	if (rc != 0) {
		return rc;
	}
	rc = rp_acceptor_new(f.loop, "127.0.0.1:0", &ops, &f, &f.a, NULL);
	if (rc == 0) {
		rp_acceptor_close(f.a);
	} else {
		rp_loop_stop(f.loop);
	}
	rp_loop_run(f.loop);
	rp_loop_free(f.loop);
	return rc;
}

static void test_oom(void **state)
{
	(void)state;
	assert_int_equal(rp_oom_run(oom_body, NULL), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_addresses),
	    cmocka_unit_test(test_errors),
	    cmocka_unit_test(test_no_descriptors),
	    cmocka_unit_test(test_oom),
	};
	alarm(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
