/* SPDX-License-Identifier: MIT */
/*
 * One-time passwords: RFC 6238's vectors, the window, replay, stored forms; and the QR code's file.
 */
#include "api/totp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api/qr.h"
#include "core/alloc.h"
#include "core/crypto.h"
#include "core/err.h"
#include "test/lib/oom.h"

/* "12345678901234567890" */
#define RFC_KEY "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

static struct rp_totp parse(const char *text)
{
	struct rp_totp t;
	assert_int_equal(rp_totp_parse(text, &t), 0);
	return t;
}

/* Appendix B has eight digits; ours are the last six of them. */
static void test_vectors(void **state)
{
	static const struct {
		int64_t s;
		const char *code;
	} cases[] = {{59, "287082"}, {1111111109, "081804"}, {1111111111, "050471"},
	    {1234567890, "005924"}, {2000000000, "279037"}, {20000000000, "353130"}};
	struct rp_totp t = parse(RFC_KEY);
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(cases); i++) {
		char code[7];
		assert_int_equal(rp_totp_code(&t, cases[i].s / 30, code), 0);
		assert_string_equal(code, cases[i].code);
	}
}

static void test_window(void **state)
{
	struct rp_totp t = parse(RFC_KEY);
	(void)state;
	for (int64_t off = -3; off <= 3; off++) {
		char code[7];
		int64_t last = -1;
		assert_int_equal(rp_totp_code(&t, 1000 + off, code), 0);
		int want = off >= -1 && off <= 1 ? 0 : RP_EAUTH;
		assert_int_equal(rp_totp_check(&t, code, 1000 * 30 + 7, &last), want);
		assert_int_equal(last, want == 0 ? 1000 + off : -1);
	}
}

static void test_replay(void **state)
{
	struct rp_totp t = parse(RFC_KEY);
	char code[7];
	int64_t last = -1;
	(void)state;
	assert_int_equal(rp_totp_code(&t, 1000, code), 0);
	assert_int_equal(rp_totp_check(&t, code, 30000, &last), 0);
	assert_int_equal(rp_totp_check(&t, code, 30000, &last), RP_EAUTH);
	assert_int_equal(rp_totp_check(&t, code, 30029, &last), RP_EAUTH);
	/* The one before is used up with it, the next one is not. */
	assert_int_equal(rp_totp_code(&t, 999, code), 0);
	assert_int_equal(rp_totp_check(&t, code, 30000, &last), RP_EAUTH);
	assert_int_equal(rp_totp_code(&t, 1001, code), 0);
	assert_int_equal(rp_totp_check(&t, code, 30000, &last), 0);
	assert_int_equal(last, 1001);
}

static void test_wrong(void **state)
{
	static const char *const wrong[] = {
	    "", "0", "28708", "2870820", "287083", " 287082", "28708a", "287082\n"};
	struct rp_totp t = parse(RFC_KEY);
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(wrong); i++) {
		int64_t last = -1;
		assert_int_equal(rp_totp_check(&t, wrong[i], 59, &last), RP_EAUTH);
	}
}

static void test_stored(void **state)
{
	static const char *const good[] = {RFC_KEY, " " RFC_KEY "\n",
	    "otpauth://totp/RPort:admin?algorithm=SHA1&digits=6&issuer=RPort&period=30&secret=" RFC_KEY,
	    "otpauth://totp/a?secret=" RFC_KEY "&issuer=secret"};
	static const char *const bad[] = {"", " ", "otpauth://totp/a",
	    "otpauth://totp/a?secret=", "otpauth://totp/a?x=secret=" RFC_KEY,
	    "otpauth://hotp/a?secret=" RFC_KEY, "no-base32", "{\"secret\":\"" RFC_KEY "\"}"};
	struct rp_totp t;
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(good); i++) {
		t = parse(good[i]);
		char *secret = rp_totp_secret(&t);
		assert_string_equal(secret, RFC_KEY);
		rp_free(secret);
	}
	for (size_t i = 0; i < RP_ARRAY_LEN(bad); i++) {
		assert_int_equal(rp_totp_parse(bad[i], &t), RP_EINVAL);
	}
}

static void test_new(void **state)
{
	(void)state;
	char *a = rp_totp_new("My RPort", "admin:x&secret=AAAA");
	char *b = rp_totp_new("My RPort", "admin:x&secret=AAAA");
	assert_true(strstr(a,
	                "otpauth://totp/My%20RPort:admin%3Ax%26secret%3DAAAA?algorithm=SHA1"
	                "&digits=6&issuer=My%20RPort&period=30&secret=") == a);
	assert_string_not_equal(a, b);
	struct rp_totp t = parse(a);
	assert_int_equal(t.n, RP_TOTP_BYTES);
	char *secret = rp_totp_secret(&t);
	assert_int_equal(strlen(secret), RP_TOTP_TEXT_MAX - 1);
	rp_free(secret);
	rp_free(a);
	rp_free(b);
}

static void test_qr(void **state)
{
	static const uint8_t head[] = {0x89, 'P', 'N', 'G', 13, 10, 26, 10, 0, 0, 0, 13, 'I', 'H',
	    'D', 'R', 0, 0, 0, RP_QR_SIDE, 0, 0, 0, RP_QR_SIDE, 1, 0};
	char *url = rp_totp_new("RPort", "admin");
	char *text;
	uint8_t *png;
	size_t n;
	(void)state;
	assert_int_equal(rp_qr_png(url, &text), 0);
	assert_int_equal(rp_base64_decode(rp_str_c(text), &png, &n), 0);
	assert_true(n > sizeof(head));
	assert_memory_equal(png, head, sizeof(head));
	rp_free(png);
	rp_free(text);
	rp_free(url);
	char *longest = rp_calloc(4001, 1);
	memset(longest, 'x', 4000);
	assert_int_equal(rp_qr_png(longest, &text), RP_ELIMIT);
	longest[1200] = '\0';
	assert_int_equal(rp_qr_png(longest, &text), RP_ELIMIT);
	rp_free(longest);
}

static int body(void *state)
{
	char *text = NULL;
	(void)state;
	char *url = rp_totp_new("RPort", "admin");
	int rc = url == NULL ? RP_ENOMEM : rp_qr_png(url, &text);
	rp_free_secret(url);
	rp_free(text);
	return rc;
}

static void test_no_memory(void **state)
{
	(void)state;
	assert_int_equal(rp_oom_run(body, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_vectors),
	    cmocka_unit_test(test_window),
	    cmocka_unit_test(test_replay),
	    cmocka_unit_test(test_wrong),
	    cmocka_unit_test(test_stored),
	    cmocka_unit_test(test_new),
	    cmocka_unit_test(test_qr),
	    cmocka_unit_test(test_no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
