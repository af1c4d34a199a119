/* SPDX-License-Identifier: MIT */
/*
 * Heads as the proxy passes them on: what goes, what stays, what is refused.
 */
#include "http/forward.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "test/lib/oom.h"

#define FORWARDED                                                    \
	"X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n" \
	"X-Forwarded-Host: "

static struct rp_http_parser *parsed(bool response, const char *text)
{
	struct rp_http_parser *p;
	size_t used;
	assert_int_equal(rp_http_parser_new(&p, response, 65536, 1000), 0);
	if (response) {
		rp_http_parser_head_only(p);
	}
	assert_true(rp_http_parser_feed(p, text, strlen(text), &used) >= 0);
	assert_true(rp_http_parser_head_done(p));
	return p;
}

static const struct rp_forward_request plain = {.peer = "192.0.2.7", .authority = "10.0.0.1:80"};

static void request_is(const struct rp_forward_request *f, const char *in, const char *out)
{
	struct rp_http_parser *p = parsed(false, in);
	struct rp_buf b;
	rp_buf_init(&b, 65536);
	assert_int_equal(rp_forward_check(rp_http_parser_head(p)), 0);
	assert_int_equal(rp_forward_request(rp_http_parser_head(p), f, &b), 0);
	assert_int_equal(rp_buf_terminate(&b), 0);
	assert_string_equal((char *)rp_buf_head(&b), out);
	rp_buf_fini(&b);
	rp_http_parser_free(p);
}

static void test_request(void **state)
{
	(void)state;
	request_is(&plain, "GET /a?b=c%20d HTTP/1.1\r\nHost: h:1\r\nAccept: */*\r\n\r\n",
	    "GET /a?b=c%20d HTTP/1.1\r\nHost: h:1\r\n" FORWARDED "h:1\r\nAccept: */*\r\n\r\n");
	request_is(&plain, "GET http://other/a HTTP/1.1\r\nHost: h\r\n\r\n",
	    "GET /a HTTP/1.1\r\nHost: h\r\n" FORWARDED "h\r\n\r\n");
	request_is(&plain, "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
	    "OPTIONS * HTTP/1.1\r\nHost: h\r\n" FORWARDED "h\r\n\r\n");
	request_is(&plain, "GET /? HTTP/1.0\r\n\r\n",
	    "GET /? HTTP/1.1\r\nHost: 10.0.0.1:80\r\n" FORWARDED "10.0.0.1:80\r\n\r\n");
	struct rp_forward_request f = plain;
	f.host = "inside.example";
	request_is(&f, "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
	    "GET / HTTP/1.1\r\nHost: inside.example\r\n" FORWARDED "h\r\n\r\n");
}

static void test_request_body(void **state)
{
	(void)state;
	request_is(&plain,
	    "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 007\r\nExpect: 100-continue\r\n\r\n",
	    "POST / HTTP/1.1\r\nHost: h\r\n" FORWARDED
	    "h\r\nExpect: 100-continue\r\nContent-Length: 7\r\n\r\n");
	request_is(&plain,
	    "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\nTrailer: X\r\n\r\n",
	    "POST / HTTP/1.1\r\nHost: h\r\n" FORWARDED "h\r\nTransfer-Encoding: chunked\r\n\r\n");
}

static void test_hops(void **state)
{
	(void)state;
	request_is(&plain,
	    "GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, X-Gone, Content-Length\r\n"
	    "X-Gone: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\nProxy-Authorization: x\r\n"
	    "Proxy-Connection: x\r\nUpgrade: h2c\r\nTransfer_Encoding: chunked\r\nX-Stays: 2\r\n\r\n",
	    "GET / HTTP/1.1\r\nHost: h\r\n" FORWARDED "h\r\nX-Stays: 2\r\n\r\n");
	request_is(&plain,
	    "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 1\r\nx-forwarded-port: 1\r\n"
	    "X_FORWARDED_PROTO: http\r\nForwarded: for=1\r\nX-Real-Ip: 1\r\nX_Client_IP: 1\r\n"
	    "True-Client-IP: 1\r\nX-Forwarde: 2\r\n\r\n",
	    "GET / HTTP/1.1\r\nHost: h\r\n" FORWARDED "h\r\nX-Forwarde: 2\r\n\r\n");
}

static void test_authorization(void **state)
{
	(void)state;
	static const char in[] =
	    "GET / HTTP/1.1\r\nHost: h\r\nAuthorization: Basic bWU6eA==\r\n\r\n";
	struct rp_forward_request f = plain;
	request_is(&f, in,
	    "GET / HTTP/1.1\r\nHost: h\r\n" FORWARDED "h\r\nAuthorization: Basic bWU6eA==\r\n\r\n");
	f.drop_authorization = true;
	request_is(&f, in, "GET / HTTP/1.1\r\nHost: h\r\n" FORWARDED "h\r\n\r\n");
}

static void test_websocket(void **state)
{
	(void)state;
	request_is(&plain,
	    "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, upgrade\r\n"
	    "Upgrade: WebSocket\r\nSec-WebSocket-Key: k\r\n\r\n",
	    "GET /ws HTTP/1.1\r\nHost: h\r\n" FORWARDED
	    "h\r\nSec-WebSocket-Key: k\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
	static const char *const not_asked[] = {
	    "GET / HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
	    "POST / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
	    "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nUpgrade: websocket\r\n\r\n",
	    "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
	    "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
	    "Content-Length: 5\r\n\r\n",
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(not_asked); i++) {
		struct rp_http_parser *p = parsed(false, not_asked[i]);
		assert_false(rp_forward_is_websocket(rp_http_parser_head(p)));
		rp_http_parser_free(p);
	}
}

static void test_check(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		unsigned status;
	} cases[] = {
	    {"CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n", 405},
	    {"TRACE / HTTP/1.1\r\nHost: h\r\n\r\n", 405},
	    {"GET * HTTP/1.1\r\nHost: h\r\n\r\n", 400},
	    {"OPTIONS *x HTTP/1.1\r\nHost: h\r\n\r\n", 400},
	    {"GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n", 400},
	    {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", 0},
	    {"PUT /x HTTP/1.1\r\nHost: h\r\n\r\n", 0},
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(cases); i++) {
		struct rp_http_parser *p = parsed(false, cases[i].text);
		assert_int_equal(rp_forward_check(rp_http_parser_head(p)), cases[i].status);
		rp_http_parser_free(p);
	}
}

static void answer_is(
    bool to_head, bool minor0, const char *in, enum rp_forward_body body, const char *out)
{
	struct rp_http_parser *p = parsed(true, in);
	struct rp_forward_answer f = {.minor0 = minor0, .close = body == RP_FORWARD_EOF};
	struct rp_buf b;
	rp_buf_init(&b, 65536);
	assert_int_equal(rp_forward_answer_body(rp_http_parser_head(p), to_head, &f.body), 0);
	assert_int_equal(f.body, body);
	assert_int_equal(rp_forward_answer(rp_http_parser_head(p), &f, &b), 0);
	assert_int_equal(rp_buf_terminate(&b), 0);
	assert_string_equal((char *)rp_buf_head(&b), out);
	rp_buf_fini(&b);
	rp_http_parser_free(p);
}

static void test_answer(void **state)
{
	(void)state;
	answer_is(false, false, "HTTP/1.1 200 Fine\r\nContent-Length: 3\r\nSet-Cookie: a\r\n\r\n",
	    RP_FORWARD_LENGTH, "HTTP/1.1 200 Fine\r\nSet-Cookie: a\r\nContent-Length: 3\r\n\r\n");
	answer_is(false, false,
	    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: X-Gone\r\nX-Gone: 1\r\n"
	    "Keep-Alive: 1\r\nAlt-Svc: h3=\":443\"\r\nTrailer: x\r\n\r\n",
	    RP_FORWARD_CHUNKED, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
	answer_is(false, true, "HTTP/1.0 200 OK\r\n\r\n", RP_FORWARD_EOF,
	    "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
	answer_is(false, true, "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", RP_FORWARD_LENGTH,
	    "HTTP/1.1 404 No\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n");
	answer_is(true, false, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", RP_FORWARD_LENGTH,
	    "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
	answer_is(true, false, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
	    RP_FORWARD_EMPTY, "HTTP/1.1 200 OK\r\n\r\n");
	answer_is(false, false, "HTTP/1.1 204 \r\nContent-Length: 9\r\n\r\n", RP_FORWARD_EMPTY,
	    "HTTP/1.1 204 \r\n\r\n");
	answer_is(false, false, "HTTP/1.1 304 Same\r\nContent-Length: 9\r\n\r\n", RP_FORWARD_LENGTH,
	    "HTTP/1.1 304 Same\r\nContent-Length: 9\r\n\r\n");
	answer_is(false, false, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", RP_FORWARD_EMPTY,
	    "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n");
}

static bool basic_ok(const char *value)
{
	char text[200];
	(void)snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: h\r\n%s\r\n\r\n", value);
	struct rp_http_parser *p = parsed(false, text);
	bool ok = rp_forward_basic_ok(rp_http_parser_head(p), "me", "p:w");
	rp_http_parser_free(p);
	return ok;
}

static void test_basic(void **state)
{
	(void)state;
	assert_true(basic_ok("Authorization: Basic bWU6cDp3")); /* me:p:w */
	assert_true(basic_ok("authorization: bASIC  bWU6cDp3"));
	assert_false(basic_ok("X: y"));
	assert_false(basic_ok("Authorization: Basic"));
	assert_false(basic_ok("Authorization: Basic bWU6cDp"));
	assert_false(basic_ok("Authorization: Basic bWU6cDp3Cg=="));
	assert_false(basic_ok("Authorization: Basic bWU6"));
	assert_false(basic_ok("Authorization: Basic ????"));
	assert_false(basic_ok("Authorization: Bearer bWU6cDp3"));
	/* The first one counts. */
	assert_false(basic_ok("Authorization: Basic bWU6\r\nAuthorization: Basic bWU6cDp3"));
}

static int oom_body(void *state)
{
	struct rp_http_parser *p = state;
	struct rp_buf b;
	rp_buf_init(&b, 65536);
	int rc = rp_forward_request(rp_http_parser_head(p), &plain, &b);
	if (rc == 0 && !rp_forward_basic_ok(rp_http_parser_head(p), "me", "p:w")) {
		rc = RP_ENOMEM;
	}
	rp_buf_fini(&b);
	return rc;
}

static void test_oom(void **state)
{
	(void)state;
	struct rp_http_parser *p = parsed(
	    false, "GET / HTTP/1.1\r\nHost: h\r\nAuthorization: Basic bWU6cDp3\r\n\r\n");
	assert_int_equal(rp_oom_run(oom_body, p), 0);
	rp_http_parser_free(p);
}

static void test_limit(void **state)
{
	(void)state;
	struct rp_http_parser *p = parsed(false, "GET /0123456789 HTTP/1.1\r\nHost: h\r\n\r\n");
	struct rp_buf b;
	rp_buf_init(&b, 20);
	assert_int_equal(rp_forward_request(rp_http_parser_head(p), &plain, &b), RP_ELIMIT);
	rp_buf_fini(&b);
	rp_http_parser_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_request),
	    cmocka_unit_test(test_request_body),
	    cmocka_unit_test(test_hops),
	    cmocka_unit_test(test_authorization),
	    cmocka_unit_test(test_websocket),
	    cmocka_unit_test(test_check),
	    cmocka_unit_test(test_answer),
	    cmocka_unit_test(test_basic),
	    cmocka_unit_test(test_oom),
	    cmocka_unit_test(test_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
