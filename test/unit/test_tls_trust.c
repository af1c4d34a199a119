/* SPDX-License-Identifier: MIT */
/*
 * Whom TLS trusts: certificates that must be refused, settings from bad files, the system's store.
 */
#include "http/tls.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "http/stream.h"
#include "http/tls_int.h"
#include "test/lib/prng.h"
#include "test/lib/tls_short.h"

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

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_refused_certificates),
	    cmocka_unit_test(test_no_host),
	    cmocka_unit_test(test_bad_files),
	    cmocka_unit_test(test_store),
	    cmocka_unit_test(test_lean),
	};
	alarm(120);
	(void)signal(SIGPIPE, SIG_IGN);
	rp_prng_start();
	return rp_prng_report(cmocka_run_group_tests(tests, make_certs, remove_certs));
}
