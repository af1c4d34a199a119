/* SPDX-License-Identifier: MIT */
/*
 * HTTP server connections with curl as the client, without and with TLS.
 */
#include "http/server.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "http/tls.h"
#include "test/lib/http_rig.h"
#include "test/lib/net.h"

static void test_curl(void **state)
{
	(void)state;
	struct rp_http_rig f;
	rp_http_rig_init(&f);
	f.big = malloc(RP_HTTP_RIG_BIG);
	assert_non_null(f.big);
	memset(f.big, 'z', RP_HTTP_RIG_BIG);
	f.opt.header_ms = 5000;
	f.opt.idle_ms = 5000;
	f.opt.body_ms = 5000;
	f.command =
	    "exec 2>&1; U=http://127.0.0.1:%u; C='curl -sS --no-progress-meter --max-time 20';"
	    "$C $U/echo -d hello; echo;"
	    "$C $U/big | tr -d z | wc -c;"
	    "$C $U/big | wc -c;"
	    "$C -I $U/close | head -1;"
	    "head -c 2500000 /dev/zero | $C -H 'Expect: 100-continue' -T - -X POST \"$U/echo?large\" | wc -c;"
	    "head -c 2500000 /dev/zero | $C -H 'Content-Type: x' --data-binary @- \"$U/echo?large\" | wc -c;"
	    "head -c 2500000 /dev/zero | $C -o /dev/null -w '%{http_code}\\n' --data-binary @- $U/echo;"
	    "$C -Z $U/x $U/later $U/x $U/empty $U/later -w '%{http_code},'";
	rp_http_rig_run(&f, rp_http_rig_command);
	char expected[256];
	(void)snprintf(expected, sizeof(expected),
	    "hello\n0\n%zu\nHTTP/1.1 200 OK\r\n2500000\n2500000\n413\n", RP_HTTP_RIG_BIG);
	assert_int_equal(strncmp(f.out, expected, strlen(expected)), 0);
	/* In parallel, so in any order. */
	assert_int_equal(rp_http_rig_count(f.out, "404,"), 2);
	assert_int_equal(rp_http_rig_count(f.out, "200,"), 2);
	assert_int_equal(rp_http_rig_count(f.out, "later"), 2);
	assert_int_equal(rp_http_rig_count(f.out, "204,"), 1);
	free(f.big);
	rp_http_rig_fini(&f);
}

static void test_curl_tls(void **state)
{
	(void)state;
	struct rp_net_certs certs;
	struct rp_err err = {0};
	assert_int_equal(rp_net_certs_make(&certs), 0);
	struct rp_http_rig f;
	rp_http_rig_init(&f);
	f.opt.header_ms = 5000;
	f.opt.idle_ms = 5000;
	assert_int_equal(rp_tls_server_new(certs.cert, certs.key, RP_TLS_1_2, &f.opt.tls, &err), 0);
	f.big = calloc(1, RP_HTTP_RIG_BIG);
	assert_non_null(f.big);
	char command[512];
	(void)snprintf(command, sizeof(command),
	    "exec 2>&1; C='curl -sS --no-progress-meter --max-time 20 --cacert %s'; U=https://localhost:%%u;"
	    "$C $U/echo -d hello; $C --tls-max 1.2 $U/big | wc -c; $C -Z $U/later $U/x $U/later",
	    certs.ca);
	f.command = command;
	rp_http_rig_run(&f, rp_http_rig_command);
	assert_string_equal(f.out, "hello5000000\nlaterlater");
	rp_http_rig_fini(&f);

	/* Plain text, and silence, on the TLS port. */
	for (int i = 0; i < 2; i++) {
		struct rp_tls *tls = f.opt.tls;
		char *big = f.big;
		rp_http_rig_init(&f);
		f.opt.tls = tls;
		f.big = big;
		f.in = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
		f.in_n = i == 0 ? strlen(f.in) : 0;
		rp_http_rig_run(&f, rp_http_rig_raw);
		assert_int_equal(f.requests, 0);
		rp_http_rig_fini(&f);
	}
	free(f.big);
	rp_tls_free(f.opt.tls);
	rp_net_certs_remove(&certs);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_curl),
	    cmocka_unit_test(test_curl_tls),
	};
	alarm(120);
	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
