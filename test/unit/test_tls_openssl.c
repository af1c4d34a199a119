/* SPDX-License-Identifier: MIT */
/*
 * TLS on streams with the openssl command as the other end.
 */
#include "http/tls.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "http/stream.h"
#include "test/lib/prng.h"
#include "test/lib/tls_short.h"

/* Starts a command whose standard input and output are given descriptors. */
static pid_t start(int in, int out, const char *const argv[])
{
	pid_t pid = fork();
	if (pid == 0) {
		(void)dup2(in, 0);
		(void)dup2(out, 1);
		(void)dup2(out, 2);
		(void)execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	assert_true(pid > 0);
	return pid;
}

static void echo(struct end *e)
{
	/* One line is answered with itself. */
	struct iovec iov = {.iov_base = e->head, .iov_len = e->head_n};
	if (e->head_n > 0 && e->head[e->head_n - 1] == '\n') {
		assert_true(rp_stream_write(e->s, &iov, 1) >= 0);
		rp_stream_close_flush(e->s, 2000);
	}
}

/* openssl s_client against our server; returns what it printed. */
static void run_s_client(
    enum rp_tls_version min, const char *version_flag, char *out, size_t size, struct end *e)
{
	uint16_t port;
	int listener = rp_net_listen(&port);
	assert_true(listener >= 0);
	bool rsa = rp_prng_below(2) == 0;
	struct rp_tls *server = server_tls(
	    rsa ? certs.rsa_cert : certs.cert, rsa ? certs.rsa_key : certs.key, min);
	char address[32];
	(void)snprintf(address, sizeof(address), "127.0.0.1:%u", port);
	int in[2];
	int result[2];
	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(result), 0);
	const char *const argv[] = {"openssl", "s_client", "-quiet", "-verify_return_error",
	    "-CAfile", certs.ca, "-verify_hostname", "localhost", "-servername", "localhost",
	    "-connect", address, version_flag, NULL};
	pid_t pid = start(in[0], result[1], argv);
	close(in[0]);
	close(result[1]);
	assert_int_equal(write(in[1], "hello openssl\n", 14), 14);
	int fd = accept(listener, NULL, NULL);
	assert_true(fd >= 0);
	memset(e, 0, sizeof(*e));
	assert_int_equal(rp_loop_new(&loop, "test"), 0);
	init_end(e, fd);
	e->then_data = echo;
	e->then_eof = close_self;
	assert_int_equal(rp_stream_start_tls(e->s, server, NULL, on_tls), 0);
	rp_stream_read_start(e->s);
	run();
	close(in[1]);
	size_t n = 0;
	for (ssize_t got = 1; got > 0 && n < size - 1; n += (size_t)got) {
		got = read(result[0], out + n, size - 1 - n);
		assert_true(got >= 0);
	}
	out[n] = '\0';
	close(result[0]);
	close(listener);
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	rp_tls_free(server);
}

static void test_s_client(void **state)
{
	(void)state;
	char out[8192];
	struct end e;
	run_s_client(RP_TLS_1_2, "-tls1_2", out, sizeof(out), &e);
	assert_non_null(strstr(out, "hello openssl"));
	run_s_client(RP_TLS_1_2, "-tls1_3", out, sizeof(out), &e);
	assert_non_null(strstr(out, "hello openssl"));
	assert_true(e.tls_done);
	run_s_client(RP_TLS_1_3, "-tls1_3", out, sizeof(out), &e);
	assert_non_null(strstr(out, "hello openssl"));
	run_s_client(RP_TLS_1_3, "-tls1_2", out, sizeof(out), &e);
	assert_null(strstr(out, "hello openssl"));
	assert_int_equal(e.error, RP_ETLS);
}

static void close_at_line(struct end *e)
{
	if (e->head_n > 0 && e->head[e->head_n - 1] == '\n') {
		rp_stream_close_flush(e->s, 2000);
	}
}

/* Our client against openssl s_server -rev, which sends every line back reversed. */
static void test_s_server(void **state)
{
	(void)state;
	static const char *const versions[] = {"-tls1_2", "-tls1_3"};
	for (size_t i = 0; i < RP_ARRAY_LEN(versions); i++) {
		uint16_t port;
		close(rp_net_listen(&port));
		char port_text[8];
		(void)snprintf(port_text, sizeof(port_text), "%u", port);
		int out[2];
		assert_int_equal(pipe(out), 0);
		const char *const argv[] = {"openssl", "s_server", "-rev", "-cert", certs.rsa_cert,
		    "-key", certs.rsa_key, "-accept", port_text, versions[i], NULL};
		pid_t pid = start(out[0], out[1], argv);
		int fd = -1;
		for (int k = 0; k < 500 && fd < 0; k++) {
			fd = rp_net_connect(port);
			(void)usleep(10000);
		}
		assert_true(fd >= 0);
		struct rp_tls *client = client_tls(certs.ca);
		struct end e = {0};
		assert_int_equal(rp_loop_new(&loop, "test"), 0);
		init_end(&e, fd);
		e.then_data = close_at_line;
		e.then_eof = close_self;
		assert_int_equal(rp_stream_start_tls(e.s, client, "localhost", on_tls), 0);
		struct iovec iov = {.iov_base = (char[]){"abcdef\n"}, .iov_len = 7};
		assert_int_equal(rp_stream_write(e.s, &iov, 1), 0);
		rp_stream_read_start(e.s);
		run();
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
		close(out[0]);
		close(out[1]);
		assert_string_equal(e.text, "");
		assert_string_equal(e.head, "fedcba\n");
		rp_tls_free(client);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_s_client),
	    cmocka_unit_test(test_s_server),
	};
	alarm(120);
	(void)signal(SIGPIPE, SIG_IGN);
	rp_prng_start();
	return rp_prng_report(cmocka_run_group_tests(tests, make_certs, remove_certs));
}
