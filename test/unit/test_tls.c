/* SPDX-License-Identifier: MIT */
/*
 * TLS on streams, both ends ours: data and its end, closing at any time, peers that do not speak TLS,
 * failing allocations. Certificates are in test_tls_trust.c, the openssl command as a peer in
 * test_tls_openssl.c.
 */
#include "http/tls.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <sys/socket.h>

#include <cmocka.h>

#include "http/stream.h"
#include "test/lib/oom.h"
#include "test/lib/prng.h"
#include "test/lib/tls_short.h"

#define TRANSFER ((size_t)3 * 1024 * 1024)

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

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_transfer),
	    cmocka_unit_test(test_half_close),
	    cmocka_unit_test(test_close_in_callbacks),
	    cmocka_unit_test(test_garbage),
	    cmocka_unit_test(test_oom),
	};
	alarm(120);
	(void)signal(SIGPIPE, SIG_IGN);
	rp_prng_start();
	return rp_prng_report(cmocka_run_group_tests(tests, make_certs, remove_certs));
}
