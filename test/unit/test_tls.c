/* SPDX-License-Identifier: MIT */
/*
 * TLS on streams: with ourselves and with the openssl command as the other end, certificates that
 * must be refused, peers that do not speak TLS, settings from bad files.
 */
#include "http/tls.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "http/stream.h"
#include "http/tls_int.h"
#include "test/lib/net.h"
#include "test/lib/oom.h"
#include "test/lib/pattern.h"
#include "test/lib/prng.h"

#define TRANSFER ((size_t)3 * 1024 * 1024)

static struct rp_net_certs certs;

struct end {
	struct rp_stream *s;
	struct end *other;
	size_t to_send;
	size_t sent;
	size_t received;
	uint8_t out_byte;
	uint8_t in_byte;
	bool wrong;
	bool pauses;
	bool tls_done;
	bool eof;
	unsigned closed;
	int error;
	char text[256];
	char head[64]; /* first bytes received */
	size_t head_n;
	struct rp_deferred resume;
	void (*then_data)(struct end *e);
	void (*then_eof)(struct end *e);
	void (*then_tls)(struct end *e);
};

static struct rp_loop *loop;

static void on_resume(struct rp_deferred *d)
{
	struct end *e = RP_CONTAINER_OF(d, struct end, resume);
	if (e->closed == 0) {
		rp_stream_read_start(e->s);
	}
}

static void on_data(void *ctx, uint8_t *p, size_t n)
{
	struct end *e = ctx;
	assert_true(n > 0 && e->tls_done && !e->eof);
	size_t head = RP_MIN(n, sizeof(e->head) - 1 - e->head_n);
	memcpy(e->head + e->head_n, p, head);
	e->head_n += head;
	e->wrong = !rp_pattern_fits(&e->in_byte, p, n) || e->wrong;
	e->received += n;
	if (e->pauses && rp_prng_below(4) == 0) {
		rp_stream_read_stop(e->s);
		rp_loop_defer(loop, &e->resume);
	}
	if (e->then_data != NULL) {
		e->then_data(e);
	}
}

static void on_eof(void *ctx)
{
	struct end *e = ctx;
	e->eof = true;
	if (e->then_eof != NULL) {
		e->then_eof(e);
	}
}

static void close_both(struct end *e)
{
	rp_stream_close(e->s);
	if (e->other != NULL && e->other->s != NULL && e->other->closed == 0) {
		rp_stream_close(e->other->s);
	}
}

static void on_error(void *ctx, int code, const char *text)
{
	struct end *e = ctx;
	assert_int_equal(e->error, 0);
	e->error = code;
	(void)snprintf(e->text, sizeof(e->text), "%s", text);
	rp_stream_close(e->s);
}

static void on_drain(void *ctx);

static void on_closed(void *ctx)
{
	struct end *e = ctx;
	e->closed++;
	rp_loop_defer_cancel(&e->resume);
	if (e->other == NULL || e->other->s == NULL || e->other->closed > 0) {
		rp_loop_stop(loop);
	}
}

static const struct rp_stream_ops ops = {
    .on_data = on_data,
    .on_eof = on_eof,
    .on_error = on_error,
    .on_drain = on_drain,
    .on_closed = on_closed,
};

static void on_tls(void *ctx)
{
	struct end *e = ctx;
	assert_false(e->tls_done);
	e->tls_done = true;
	if (e->then_tls != NULL) {
		e->then_tls(e);
	}
}

/* One write; false: wait for on_drain. */
static bool write_one(struct end *e)
{
	static uint8_t block[100000];
	size_t n = 1 + rp_prng_below(rp_prng_below(8) == 0 ? sizeof(block) : 3000);
	n = RP_MIN(n, e->to_send - e->sent);
	rp_pattern_make(&e->out_byte, block, n);
	struct iovec iov = {.iov_base = block, .iov_len = n};
	int rc = rp_stream_write(e->s, &iov, 1);
	assert_true(rc == 0 || rc == 1);
	e->sent += n;
	return rc == 0;
}

static void pump(struct end *e)
{
	while (e->sent < e->to_send && write_one(e)) {
	}
	if (e->sent == e->to_send) {
		rp_stream_shutdown(e->s);
	}
}

static void on_drain(void *ctx)
{
	pump(ctx);
}

static struct rp_tls *server_tls(const char *cert, const char *key, enum rp_tls_version min)
{
	struct rp_tls *t;
	struct rp_err err = {0};
	if (rp_tls_server_new(cert, key, min, &t, &err) != 0) {
		fail_msg("%s", err.msg);
	}
	return t;
}

static struct rp_tls *client_tls(const char *ca)
{
	struct rp_tls *t;
	struct rp_err err = {0};
	if (rp_tls_client_new(ca, &t, &err) != 0) {
		fail_msg("%s", err.msg);
	}
	return t;
}

static void init_end(struct end *e, int fd)
{
	e->resume.run = on_resume;
	assert_int_equal(rp_stream_from_fd(loop, fd, NULL, &ops, e, &e->s), 0);
}

/* e[0] is the server. */
static void open_pair(
    struct end e[2], struct rp_tls *server, struct rp_tls *client, const char *host)
{
	int fd[2];
	memset(e, 0, 2 * sizeof(*e));
	assert_int_equal(rp_loop_new(&loop, "test"), 0);
	assert_int_equal(rp_net_pair(AF_INET, fd), 0);
	for (int i = 0; i < 2; i++) {
		e[i].other = &e[1 - i];
		init_end(&e[i], fd[i]);
	}
	assert_int_equal(rp_stream_start_tls(e[0].s, server, NULL, on_tls), 0);
	assert_int_equal(rp_stream_start_tls(e[1].s, client, host, on_tls), 0);
	assert_true(rp_stream_is_tls(e[0].s));
	rp_stream_read_start(e[0].s);
	rp_stream_read_start(e[1].s);
}

static void run(void)
{
	rp_loop_run(loop);
	rp_loop_free(loop);
}

static void close_when_both_ended(struct end *e)
{
	if (e->other->eof) {
		close_both(e);
	}
}

static void test_transfer(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct rp_tls *server = i == 0
		    ? server_tls(certs.cert, certs.key, RP_TLS_1_2)
		    : server_tls(certs.rsa_cert, certs.rsa_key, RP_TLS_1_3);
		struct rp_tls *client = client_tls(certs.ca);
		struct end e[2];
		open_pair(e, server, client, i == 0 ? "localhost" : "127.0.0.1");
		for (int k = 0; k < 2; k++) {
			e[k].to_send = TRANSFER;
			e[k].pauses = true;
			e[k].then_eof = close_when_both_ended;
			pump(&e[k]); /* before the handshake */
		}
		run();
		for (int k = 0; k < 2; k++) {
			assert_int_equal(e[k].error, 0);
			assert_true(e[k].tls_done && e[k].eof);
			assert_int_equal(e[k].received, TRANSFER);
			assert_false(e[k].wrong);
		}
		rp_tls_free(server);
		rp_tls_free(client);
	}
}

static void shut(struct end *e)
{
	rp_stream_shutdown(e->s);
}

static void flush_self(struct end *e)
{
	rp_stream_close_flush(e->s, 5000);
}

static void close_self(struct end *e)
{
	rp_stream_close(e->s);
}

static void test_half_close(void **state)
{
	(void)state;
	struct rp_tls *server = server_tls(certs.cert, certs.key, RP_TLS_1_2);
	struct rp_tls *client = client_tls(certs.ca);
	struct end e[2];
	open_pair(e, server, client, "::1");
	e[1].then_tls = shut;
	e[0].to_send = 50000;
	e[0].then_eof = pump; /* answers after the other end has ended */
	e[1].then_eof = close_both;
	run();
	assert_int_equal(e[1].received, 50000);
	assert_int_equal(e[0].error | e[1].error, 0);

	open_pair(e, server, client, "localhost");
	e[0].to_send = 2000000;
	while (e[0].sent < e[0].to_send) {
		(void)write_one(&e[0]);
	}
	e[0].then_tls = flush_self;
	e[1].then_eof = close_self;
	run();
	assert_int_equal(e[1].received, 2000000);
	assert_false(e[1].wrong);
	rp_tls_free(server);
	rp_tls_free(client);
}

static void test_close_in_callbacks(void **state)
{
	(void)state;
	struct rp_tls *server = server_tls(certs.cert, certs.key, RP_TLS_1_2);
	struct rp_tls *client = client_tls(certs.ca);
	for (int which = 0; which < 5; which++) {
		struct end e[2];
		open_pair(e, server, client, "localhost");
		e[0].to_send = 300000;
		e[0].then_tls = which == 0 ? close_both : pump;
		e[1].then_tls = which == 1 ? close_both : NULL;
		e[1].then_data = which == 2 ? close_both : NULL;
		e[1].then_eof = close_both;
		if (which == 3) {
			rp_stream_close_flush(e[1].s, 1000); /* in the handshake: at once */
		}
		if (which == 4) {
			close_both(&e[0]);
		}
		run();
		assert_int_equal(e[0].closed, 1);
		assert_int_equal(e[1].closed, 1);
	}
	rp_tls_free(server);
	rp_tls_free(client);
}

static void test_refused_certificates(void **state)
{
	(void)state;
	static const struct {
		bool other_ca;
		bool other_cert;
		const char *host;
		const char *expected;
	} rows[] = {
	    {true, false, "localhost", "not correctly signed by the trusted CA"},
	    {false, true, "localhost", "does not match with the expected CN"},
	    {false, false, "another.example", "does not match with the expected CN"},
	    {false, false, "127.0.0.2", "does not match with the expected CN"},
	    {false, false, "::2", "does not match with the expected CN"},
	    {false, true, "127.0.0.1", "does not match with the expected CN"},
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		const char *cert = rows[i].other_cert ? certs.other_name : certs.cert;
		const char *key = rows[i].other_cert ? certs.other_name : certs.key;
		struct rp_tls *server = server_tls(cert, key, RP_TLS_1_2);
		struct rp_tls *client = client_tls(rows[i].other_ca ? certs.other_ca : certs.ca);
		struct end e[2];
		open_pair(e, server, client, rows[i].host);
		e[0].then_eof = close_self;
		run();
		assert_int_equal(e[1].error, RP_ETLS);
		assert_false(e[1].tls_done);
		assert_int_equal(e[0].received + e[1].received, 0);
		if (strstr(e[1].text, rows[i].expected) == NULL) {
			fail_msg("%zu: %s", i, e[1].text);
		}
		rp_tls_free(server);
		rp_tls_free(client);
	}
}

/* A client without a name to verify would talk to anybody. */
static void test_no_host(void **state)
{
	(void)state;
	struct rp_tls *client = client_tls(certs.ca);
	struct end e = {0};
	int fd[2];
	assert_int_equal(rp_loop_new(&loop, "test"), 0);
	assert_int_equal(rp_net_pair(AF_INET, fd), 0);
	init_end(&e, fd[0]);
	assert_int_equal(rp_stream_start_tls(e.s, client, NULL, on_tls), RP_EINVAL);
	rp_stream_close(e.s);
	run();
	close(fd[1]);
	rp_tls_free(client);
}

/* Ends of the handshake that are not TLS, or half of it. */
static void test_garbage(void **state)
{
	(void)state;
	static const char *const inputs[] = {
	    "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "\x16\x03\x01\x02", "", "\x15\x03\x03"};
	struct rp_tls *server = server_tls(certs.cert, certs.key, RP_TLS_1_2);
	for (size_t i = 0; i < 40; i++) {
		struct end e = {0};
		int fd[2];
		assert_int_equal(rp_loop_new(&loop, "test"), 0);
		assert_int_equal(rp_net_pair(AF_INET, fd), 0);
		init_end(&e, fd[0]);
		assert_int_equal(rp_stream_start_tls(e.s, server, NULL, on_tls), 0);
		rp_stream_read_start(e.s);
		char noise[300];
		rp_prng_bytes(noise, sizeof(noise));
		bool fixed = i < RP_ARRAY_LEN(inputs);
		const char *p = fixed ? inputs[i] : noise;
		size_t n = fixed ? strlen(inputs[i]) : sizeof(noise);
		assert_int_equal(write(fd[1], p, n), n);
		(void)shutdown(fd[1], SHUT_WR);
		e.then_eof = close_self;
		run();
		close(fd[1]);
		assert_int_equal(e.error, RP_ETLS);
		assert_false(e.tls_done || e.eof);
		assert_int_equal(strncmp(e.text, "TLS: ", 5), 0);
	}
	rp_tls_free(server);
}

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

static void expect_server_error(
    const char *cert, const char *key, const char *part1, const char *part2)
{
	struct rp_tls *t;
	struct rp_err err = {0};
	assert_int_equal(rp_tls_server_new(cert, key, RP_TLS_1_2, &t, &err), RP_ETLS);
	assert_null(t);
	if (strstr(err.msg, part1) == NULL || strstr(err.msg, part2) == NULL) {
		fail_msg("%s", err.msg);
	}
}

static void test_bad_files(void **state)
{
	(void)state;
	expect_server_error("/proc/none/x", certs.key, "/proc/none/x", "no such file");
	expect_server_error(certs.cert, "/proc/none/y", "/proc/none/y", "no such file");
	expect_server_error(certs.key, certs.key, certs.key, "not a PEM certificate chain");
	expect_server_error(certs.cert, certs.cert, certs.cert, "not a PEM private key");
	expect_server_error(certs.cert, certs.rsa_key, certs.rsa_key, "does not belong");
	expect_server_error(certs.dir, certs.key, certs.dir, "not a PEM certificate chain");
	expect_server_error(certs.cert, certs.dir, certs.dir, "not a file");
	expect_server_error("/etc/passwd", certs.key, "/etc/passwd", "not a PEM certificate chain");
	struct rp_tls *t;
	struct rp_err err = {0};
	assert_int_equal(rp_tls_client_new("/proc/none/z", &t, &err), RP_ETLS);
	assert_non_null(strstr(err.msg, "/proc/none/z: no such file"));
	assert_int_equal(rp_tls_client_new("/etc/passwd", &t, &err), RP_ETLS);
	assert_non_null(strstr(err.msg, "not a PEM certificate"));
	rp_tls_free(NULL);
}

static void test_store(void **state)
{
	(void)state;
	struct rp_tls *t;
	struct rp_err err = {0};
	assert_int_equal(setenv("SSL_CERT_FILE", certs.ca, 1), 0);
	assert_int_equal(rp_tls_client_new(NULL, &t, &err), 0);
	struct rp_tls *server = server_tls(certs.cert, certs.key, RP_TLS_1_2);
	struct end e[2];
	open_pair(e, server, t, "localhost");
	e[1].then_tls = close_both;
	run();
	assert_true(e[1].tls_done);
	rp_tls_free(server);
	rp_tls_free(t);
	/* A folder is no file, and the key is no certificate. */
	assert_int_equal(setenv("SSL_CERT_FILE", certs.dir, 1), 0);
	assert_int_equal(setenv("SSL_CERT_DIR", certs.key, 1), 0);
	assert_int_equal(rp_tls_client_new(NULL, &t, &err), RP_ETLS);
	assert_non_null(strstr(err.msg, "ca-certificates"));
	(void)unsetenv("SSL_CERT_FILE");
	(void)unsetenv("SSL_CERT_DIR");
}

/* One handshake with a server of our own; true when the client took its certificate. */
static bool shakes_hands(struct rp_tls *client)
{
	struct rp_tls *server = server_tls(certs.cert, certs.key, RP_TLS_1_2);
	struct end e[2];
	open_pair(e, server, client, "localhost");
	e[0].then_eof = close_self;
	e[1].then_tls = close_both;
	run();
	rp_tls_free(server);
	return e[1].tls_done;
}

/* What a lean client trusts is there for a handshake only, and read anew for each. */
static void test_lean(void **state)
{
	(void)state;
	struct rp_tls *t;
	struct rp_err err = {0};
	assert_int_equal(setenv("SSL_CERT_DIR", "", 1), 0);
	assert_int_equal(setenv("SSL_CERT_FILE", certs.key, 1), 0);
	assert_int_equal(rp_tls_client_new_lean(&t, &err), RP_ETLS);
	assert_non_null(strstr(err.msg, "ca-certificates"));
	assert_int_equal(setenv("SSL_CERT_FILE", certs.ca, 1), 0);
	assert_int_equal(rp_tls_client_new_lean(&t, &err), 0);
	for (int i = 0; i < 2; i++) {
		assert_null(t->certs.raw.p);
		assert_true(shakes_hands(t));
	}
	assert_null(t->certs.raw.p);
	/* Two at once share them. */
	assert_int_equal(rp_tls_hold(t), 0);
	assert_true(shakes_hands(t));
	assert_non_null(t->certs.raw.p);
	rp_tls_release(t);
	assert_null(t->certs.raw.p);
	/* What the store says now is what counts. */
	assert_int_equal(setenv("SSL_CERT_FILE", certs.other_ca, 1), 0);
	assert_false(shakes_hands(t));
	assert_null(t->certs.raw.p);
	assert_int_equal(setenv("SSL_CERT_FILE", "/proc/none/x", 1), 0);
	assert_int_equal(rp_tls_hold(t), RP_ETLS);
	assert_int_equal(t->handshakes, 0);
	rp_tls_free(t);
	(void)unsetenv("SSL_CERT_FILE");
	(void)unsetenv("SSL_CERT_DIR");
}

static int oom_body(void *state)
{
	struct rp_tls **tls = state;
	int fd[2];
	struct end e[2] = {0};
	int rc = rp_loop_new(&loop, "test");
	if (rc != 0) {
		return rc;
	}
	rc = rp_net_pair(AF_INET, fd);
	for (int i = 0; i < 2; i++) {
		e[i].other = &e[1 - i];
		e[i].then_eof = close_both;
		e[i].resume.run = on_resume;
		int opened = rp_stream_from_fd(loop, fd[i], NULL, &ops, &e[i], &e[i].s);
		rc = rc == 0 ? opened : rc;
	}
	for (int i = 0; i < 2 && rc == 0; i++) {
		rc = rp_stream_start_tls(e[i].s, tls[i], i == 0 ? NULL : "localhost", on_tls);
		rp_stream_read_start(e[i].s);
	}
	struct iovec iov = {.iov_base = (char[]){"\0\1\6\37"}, .iov_len = 4};
	if (rc == 0) {
		rc = rp_stream_write(e[1].s, &iov, 1);
	}
	if (rc == 0) {
		rp_stream_shutdown(e[1].s);
	} else {
		rp_loop_stop(loop);
		for (int i = 0; i < 2; i++) {
			if (e[i].s != NULL) {
				rp_stream_close(e[i].s);
			}
		}
	}
	run();
	bool complete = e[0].received == 4 && !e[0].wrong;
	bool failed = e[0].error == RP_ENOMEM || e[1].error == RP_ENOMEM;
	return rc != 0 ? rc : failed ? RP_ENOMEM : complete ? 0 : RP_EIO;
}

static void test_oom(void **state)
{
	(void)state;
	struct rp_tls *tls[2] = {
	    server_tls(certs.cert, certs.key, RP_TLS_1_2), client_tls(certs.ca)};
	assert_int_equal(rp_oom_run(oom_body, tls), 0);
	rp_tls_free(tls[0]);
	rp_tls_free(tls[1]);
}

static int make_certs(void **state)
{
	(void)state;
	return rp_net_certs_make(&certs);
}

static int remove_certs(void **state)
{
	(void)state;
	rp_net_certs_remove(&certs);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_transfer),
	    cmocka_unit_test(test_half_close),
	    cmocka_unit_test(test_close_in_callbacks),
	    cmocka_unit_test(test_refused_certificates),
	    cmocka_unit_test(test_no_host),
	    cmocka_unit_test(test_garbage),
	    cmocka_unit_test(test_s_client),
	    cmocka_unit_test(test_s_server),
	    cmocka_unit_test(test_bad_files),
	    cmocka_unit_test(test_store),
	    cmocka_unit_test(test_lean),
	    cmocka_unit_test(test_oom),
	};
	alarm(120);
	(void)signal(SIGPIPE, SIG_IGN);
	rp_prng_start();
	return rp_prng_report(cmocka_run_group_tests(tests, make_certs, remove_certs));
}
