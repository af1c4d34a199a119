/* SPDX-License-Identifier: MIT */
/*
 * What remains of a client's configuration: no secret under any spelling of its key and at any
 * depth, everything else as it was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/err.h"
#include "server/registry_int.h"
#include "test/lib/oom.h"

static void assert_redacted(const char *in, const char *want)
{
	char *out = rp_redact_configuration(in);
	if (want == NULL) {
		assert_null(out);
	} else {
		assert_non_null(out);
		assert_string_equal(out, want);
	}
	rp_free(out);
}

static void test_table(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
	    {NULL, NULL},
	    {"", NULL},
	    {"{", NULL},
	    {"{\"auth\":\"a:b\"} x", NULL},
	    {"{}", "{}"},
	    {"[]", "[]"},
	    {"null", "null"},
	    {"{\"client\":{\"auth\":\"id:pw\",\"server\":\"h:80\"}}",
	        "{\"client\":{\"auth\":\"***\",\"server\":\"h:80\"}}"},
	    /* What was not set says so. */
	    {"{\"auth\":\"\",\"proxy\":null,\"proxy_url\":null}",
	        "{\"auth\":\"\",\"proxy\":null,\"proxy_url\":null}"},
	    {"{\"AUTH_PASS\":\"x\",\"Auth_User\":\"y\",\"pAssword\":\"z\",\"Token\":\"t\"}",
	        "{\"AUTH_PASS\":\"***\",\"Auth_User\":\"***\",\"pAssword\":\"***\",\"Token\":\"***\"}"},
	    {"{\"proxy_url\":{\"Scheme\":\"http\",\"User\":{\"p\":\"w\"}}}",
	        "{\"proxy_url\":null}"},
	    {"{\"connection\":{\"headers\":[\"Authorization: x\"],\"http_headers\":{\"A\":[\"b\"]}}}",
	        "{\"connection\":{\"headers\":[],\"http_headers\":null}}"},
	    {"{\"tunnels\":[{\"rport\":\"22\",\"auth_password\":\"x\"}]}",
	        "{\"tunnels\":[{\"rport\":\"22\",\"auth_password\":\"***\"}]}"},
	    {"{\"auth\":5,\"token\":true}", "{\"auth\":null,\"token\":null}"},
	    {"{\"a\":1,\"b\":-2,\"c\":1.5,\"d\":true,\"e\":false,\"f\":null,\"g\":[1,[2]],\"h\":\"\"}",
	        "{\"a\":1,\"b\":-2,\"c\":1.5,\"d\":true,\"e\":false,\"f\":null,\"g\":[1,[2]],\"h\":\"\"}"},
	    {"{\"keep_alive\":180000000000}", "{\"keep_alive\":180000000000}"},
	    {"[{\"auth\":\"x\"}]", "[{\"auth\":\"***\"}]"},
	};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(cases); i++) {
		assert_redacted(cases[i].in, cases[i].out);
	}
}

/* Deeper than anybody needs: cut off, and nothing secret below. */
static void test_deep(void **state)
{
	char in[512] = "";
	(void)state;
	size_t n = 0;
	for (int i = 0; i < 30; i++) {
		memcpy(in + n, "{\"a\":", 5);
		n += 5;
	}
	memcpy(in + n, "{\"auth\":\"hidden\"}", 17);
	n += 17;
	memset(in + n, '}', 30);
	char *out = rp_redact_configuration(in);
	assert_non_null(out);
	assert_null(strstr(out, "hidden"));
	rp_free(out);
}

static void test_too_large(void **state)
{
	(void)state;
	size_t n = 600 * 1024;
	char *in = rp_malloc(n + 3);
	memset(in, 'x', n);
	in[0] = '"';
	in[n] = '"';
	in[n + 1] = '\0';
	assert_redacted(in, NULL);
	rp_free(in);
}

static int oom_body(void *state)
{
	(void)state;
	char *out = rp_redact_configuration("{\"client\":{\"auth\":\"a:b\",\"tags\":[\"x\"]}}");
	if (out == NULL) {
		return RP_ENOMEM;
	}
	rp_free(out);
	return 0;
}

static void test_oom(void **state)
{
	(void)state;
	assert_int_equal(rp_oom_run(oom_body, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_table),
	    cmocka_unit_test(test_deep),
	    cmocka_unit_test(test_too_large),
	    cmocka_unit_test(test_oom),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
