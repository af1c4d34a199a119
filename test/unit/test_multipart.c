/* SPDX-License-Identifier: MIT */
/*
 * multipart/form-data: forms as curl and browsers send them, whatever pieces they arrive in, and
 * what is refused.
 */
#include "http/multipart.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/err.h"
#include "core/str.h"
#include "test/lib/oom.h"

static char told[65536];
static size_t told_n;
static int refuse; /* what on_data returns */

static void tell(const void *p, size_t n)
{
	assert_true(told_n + n < sizeof(told));
	memcpy(told + told_n, p, n);
	told_n += n;
	told[told_n] = '\0';
}

static int on_part(void *ctx, const char *name, const char *filename)
{
	(void)ctx;
	tell("[", 1);
	tell(name, strlen(name));
	if (filename != NULL) {
		tell("|", 1);
		tell(filename, strlen(filename));
	}
	tell("=", 1);
	return 0;
}

static int on_data(void *ctx, const uint8_t *p, size_t n)
{
	(void)ctx;
	assert_true(n > 0);
	tell(p, n);
	return refuse;
}

static int on_part_end(void *ctx)
{
	(void)ctx;
	tell("]", 1);
	return 0;
}

static const struct rp_multipart_ops ops = {
    .on_part = on_part, .on_data = on_data, .on_part_end = on_part_end};

/* 1: complete, 0: not, or the error. */
static int parse(const char *text, size_t n, size_t piece)
{
	struct rp_multipart *m;
	int code = rp_multipart_new(&m, "XX-y", &ops, NULL);
	told_n = 0;
	told[0] = '\0';
	for (size_t at = 0; at < n && code == 0; at += piece) {
		code = rp_multipart_feed(m, (const uint8_t *)text + at, RP_MIN(piece, n - at));
	}
	bool complete = m != NULL && rp_multipart_complete(m);
	rp_multipart_free(m);
	return complete ? 1 : code;
}

#define PART(disposition) "--XX-y\r\nContent-Disposition: " disposition "\r\n\r\n"
#define END               "\r\n--XX-y--\r\n"

static void test_forms(void **state)
{
	static const struct {
		const char *text;
		const char *want;
	} rows[] = {
	    {PART("form-data; name=\"a\"") "1" END, "[a=1]"},
	    {PART("form-data; name=\"a\"") END, "[a=]"},
	    {PART("form-data; name=a; filename=\"f.bin\"") "1\r\n2\r\n\r\n--XX-\r\n--XX" END,
	        "[a|f.bin=1\r\n2\r\n\r\n--XX-\r\n--XX]"},
	    {PART("form-data; name=\"a\"") "\r\r\n\r\n-" END, "[a=\r\r\n\r\n-]"},
	    {"preamble\r\n--XX\r\n" PART("form-data; name=\"a\"") "1" END "epilogue", "[a=1]"},
	    {PART("form-data; name=\"a\"") "1\r\n" PART(
	         "FORM-DATA ;filename=\"\" ; name=b") "2" END,
	        "[a=1][b|=2]"},
	    {"--XX-y  \t\r\ncontent-type: text/plain\r\nCONTENT-DISPOSITION:form-data;name=\"a\"\r\n"
	     "Content-Transfer-Encoding: binary\r\n\r\n1\r\n--XX-y--",
	        "[a=1]"},
	    {PART("form-data; name=\"q\\\"u\\\\o;t\"; filename=\"C:\\dir\\x;y\"") "1" END,
	        "[q\"u\\o;t|C:\\dir\\x;y=1]"},
	};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		size_t n = strlen(rows[i].text);
		for (size_t piece = 1; piece <= n; piece++) {
			assert_int_equal(parse(rows[i].text, n, piece), 1);
			assert_string_equal(told, rows[i].want);
		}
	}
}

/* Bytes are bytes. */
static void test_binary(void **state)
{
	char text[20000];
	static const char head[] = PART("form-data; name=\"a\"");
	static const char end[] = END;
	size_t n = sizeof(head) - 1;
	(void)state;
	memcpy(text, head, n);
	for (size_t i = 0; i < 16384; i++) {
		text[n + i] = (char)(i * i / 7);
	}
	memcpy(text + n + 16384, end, sizeof(end));
	for (size_t piece = 1; piece < 3000; piece += 499) {
		assert_int_equal(parse(text, n + 16384 + sizeof(end) - 1, piece), 1);
		assert_int_equal(told_n, 16384 + 4);
		assert_memory_equal(told + 3, text + n, 16384);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *text;
		int code;
	} rows[] = {
	    {"", 0},
	    {"no boundary at all", 0},
	    {"--XX-y", 0},
	    {PART("form-data; name=\"a\"") "1", 0},
	    {PART("form-data; name=\"a\"") "1\r\n--XX-y", 0},
	    {PART("form-data; name=\"a\"") "1\r\n--XX-y-", 0},
	    {PART("form-data; name=\"a\"") "1\r\n--XX-y-x", RP_EPROTO},
	    {PART("form-data; name=\"a\"") "1\r\n--XX-yz", RP_EPROTO},
	    {"--XX-y\r\n\r\n1" END, RP_EPROTO},
	    {"--XX-y\nContent-Disposition: form-data; name=a\n\n1" END, RP_EPROTO},
	    {"--XX-y\r\nContent-Disposition: form-data; name=a\r\r\n\r\n1" END, RP_EPROTO},
	    {PART("form-data") "1" END, RP_EPROTO},
	    {PART("form-data; name=\"a") "1" END, RP_EPROTO},
	    {PART("attachment; name=\"a\"") "1" END, RP_EPROTO},
	    {"--XX-y\r\nContent-Type: text/plain\r\n\r\n1" END, RP_EPROTO},
	    {"--XX-y\r\nContent-Transfer-Encoding: base64\r\n"
	     "Content-Disposition: form-data; name=a\r\n\r\n1" END,
	        RP_EPROTO},
	};
	char text[20000];
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		size_t n = strlen(rows[i].text);
		assert_int_equal(parse(rows[i].text, n, n + 1), rows[i].code);
		assert_int_equal(parse(rows[i].text, n, 1), rows[i].code);
	}
	int n = snprintf(
	    text, sizeof(text), "--XX-y\r\nContent-Disposition: form-data; name=a\r\nX: ");
	memset(text + n, 'x', RP_MULTIPART_HEAD_MAX);
	assert_int_equal(parse(text, (size_t)n + RP_MULTIPART_HEAD_MAX, 100), RP_ELIMIT);
	n = snprintf(text, sizeof(text), "--XX-y\r\nContent-Disposition: form-data; name=");
	memset(text + n, 'x', 2000);
	memcpy(text + n + 2000, "\r\n\r\n", 4);
	assert_int_equal(parse(text, (size_t)n + 2004, 100), RP_ELIMIT);
}

static void test_many_parts(void **state)
{
	static const char part[] = PART("form-data; name=a") "\r\n";
	struct rp_multipart *m;
	unsigned parts = 0;
	int code = rp_multipart_new(&m, "XX-y", &ops, NULL);
	(void)state;
	while (code == 0) {
		told_n = 0;
		code = rp_multipart_feed(m, (const uint8_t *)part, sizeof(part) - 1);
		parts++;
	}
	assert_int_equal(code, RP_ELIMIT);
	assert_int_equal(parts, RP_MULTIPART_PARTS_MAX + 1);
	rp_multipart_free(m);
}

static void test_callback(void **state)
{
	static const char text[] = PART("form-data; name=a") "1" END;
	(void)state;
	refuse = RP_EDENIED;
	assert_int_equal(parse(text, sizeof(text) - 1, 1), RP_EDENIED);
	refuse = 0;
}

static void test_boundary(void **state)
{
	static const struct {
		const char *type;
		const char *want;
	} rows[] = {
	    {"multipart/form-data; boundary=abc", "abc"},
	    {"Multipart/Form-Data;charset=utf-8; Boundary=\"a b\"", "a b"},
	    {"multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW",
	        "----WebKitFormBoundary7MA4YWxkTrZu0gW"},
	    {NULL, NULL},
	    {"", NULL},
	    {"multipart/form-data", NULL},
	    {"multipart/form-data; boundary=", NULL},
	    {"multipart/form-data; boundary=\"a \"", NULL},
	    {"multipart/form-data; boundary=\"a", NULL},
	    {"multipart/form-data; boundary=a\x01", NULL},
	    {"multipart/mixed; boundary=abc", NULL},
	    {"application/json", NULL},
	    {"multipart/form-data; boundary="
	     "12345678901234567890123456789012345678901234567890123456789012345678901",
	        NULL},
	};
	char out[RP_MULTIPART_BOUNDARY_MAX];
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		int code = rp_multipart_boundary(rows[i].type, out);
		assert_int_equal(code, rows[i].want == NULL ? RP_EINVAL : 0);
		if (code == 0) {
			assert_string_equal(out, rows[i].want);
		}
	}
}

static int oom_body(void *arg)
{
	static const char text[] = PART("form-data; name=a") "1" END;
	(void)arg;
	int code = parse(text, sizeof(text) - 1, 3);
	return code == 1 ? 0 : code;
}

static void test_oom(void **state)
{
	(void)state;
	assert_int_equal(rp_oom_run(oom_body, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_forms),
	    cmocka_unit_test(test_binary),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_many_parts),
	    cmocka_unit_test(test_callback),
	    cmocka_unit_test(test_boundary),
	    cmocka_unit_test(test_oom),
	};
	return cmocka_run_group_tests_name("multipart", tests, NULL, NULL);
}
