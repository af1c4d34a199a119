/* SPDX-License-Identifier: MIT */
/*
 * core/crypto: published vectors of the hashes and encodings, appendix A.1 of the wire protocol,
 * and what randomness can be checked for.
 */
#include "core/crypto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/buf.h"
#include "core/err.h"
#include "test/lib/oom.h"
#include "test/lib/prng.h"
#include "test/lib/slow.h"

#define FOX "The quick brown fox jumps over the lazy dog"

static void assert_hex(const void *p, size_t n, const char *want)
{
	char text[200];
	assert_true(2 * n < sizeof(text));
	rp_hex(p, n, text);
	assert_string_equal(text, want);
}

static void test_hashes(void **state)
{
	uint8_t h[64];
	(void)state;
	assert_int_equal(rp_md5(NULL, 0, h), 0);
	assert_hex(h, 16, "d41d8cd98f00b204e9800998ecf8427e");
	assert_int_equal(rp_md5("abc", 3, h), 0);
	assert_hex(h, 16, "900150983cd24fb0d6963f7d28e17f72");
	assert_int_equal(rp_sha1("abc", 3, h), 0);
	assert_hex(h, 20, "a9993e364706816aba3e25717850c26c9cd0d89d");
	assert_int_equal(rp_sha256("abc", 3, h), 0);
	assert_hex(h, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_int_equal(rp_sha256(NULL, 0, h), 0);
	assert_hex(h, 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	assert_int_equal(rp_sha512("abc", 3, h), 0);
	assert_hex(h, 64,
	    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
	    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

static void test_hmac(void **state)
{
	uint8_t h[32];
	uint8_t key[131];
	static const char text[] = "Test Using Larger Than Block-Size Key - Hash Key First";
	(void)state;
	assert_int_equal(rp_hmac_sha256("key", 3, FOX, strlen(FOX), h), 0);
	assert_hex(h, 32, "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8");
	assert_int_equal(rp_hmac_sha256(NULL, 0, NULL, 0, h), 0);
	assert_hex(h, 32, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
	memset(key, 0xaa, sizeof(key)); /* RFC 4231, case 6 */
	assert_int_equal(rp_hmac_sha256(key, sizeof(key), text, strlen(text), h), 0);
	assert_hex(h, 32, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

/* PBKDF2-HMAC-SHA-512, as Python's hashlib has it. */
static void test_pbkdf2(void **state)
{
	uint8_t key[32];
	char hex[65];
	(void)state;
	assert_int_equal(rp_pbkdf2_sha512(rp_str_c("password"), rp_str_c("salt"), 2, key), 0);
	rp_hex(key, sizeof(key), hex);
	assert_string_equal(
	    hex, "e1d9c16aa681708a45f5c7c4e215ceb66e011a2e9f0040713f18aefdb866d53c");
}

static void test_md5_stream(void **state)
{
	struct rp_md5_stream *s;
	uint8_t want[16];
	uint8_t got[16];
	(void)state;
	assert_int_equal(rp_md5("abcdef", 6, want), 0);
	assert_int_equal(rp_md5_stream_new(&s), 0);
	assert_int_equal(rp_md5_stream_add(s, "abc", 3), 0);
	assert_int_equal(rp_md5_stream_add(s, NULL, 0), 0);
	assert_int_equal(rp_md5_stream_add(s, "def", 3), 0);
	assert_int_equal(rp_md5_stream_end(s, got), 0);
	assert_memory_equal(got, want, 16);
	rp_md5_stream_free(s);
	rp_md5_stream_free(NULL);
}

static void test_sha256_stream(void **state)
{
	struct rp_sha256_stream *s;
	uint8_t want[32];
	uint8_t got[32];
	(void)state;
	assert_int_equal(rp_sha256("abcdef", 6, want), 0);
	assert_int_equal(rp_sha256_stream_new(&s), 0);
	assert_int_equal(rp_sha256_stream_add(s, "abc", 3), 0);
	assert_int_equal(rp_sha256_stream_add(s, NULL, 0), 0);
	assert_int_equal(rp_sha256_stream_add(s, "def", 3), 0);
	assert_int_equal(rp_sha256_stream_end(s, got), 0);
	assert_memory_equal(got, want, 32);
	rp_sha256_stream_free(s);
	rp_sha256_stream_free(NULL);
}

static void test_seal(void **state)
{
	uint8_t key[RP_SEAL_KEY] = {1, 2, 3};
	static const struct rp_str texts[] = {{"", 0}, {"secret", 6}, {"a\0b", 3}};
	struct rp_str aad = rp_str_c("row 1");
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(texts); i++) {
		uint8_t *a;
		uint8_t *b;
		uint8_t *text;
		size_t n;
		assert_int_equal(rp_seal(key, texts[i], aad, &a, &n), 0);
		assert_int_equal(n, texts[i].len + RP_SEAL_EXTRA);
		assert_int_equal(rp_seal(key, texts[i], aad, &b, &n), 0);
		assert_memory_not_equal(a, b, n); /* another nonce */
		rp_free(b);
		size_t len;
		assert_int_equal(rp_unseal(key, rp_str_n(a, n), aad, &text, &len), 0);
		assert_int_equal(len, texts[i].len);
		assert_memory_equal(text, texts[i].p, len);
		assert_int_equal(text[len], 0);
		rp_free(text);
		assert_int_equal(
		    rp_unseal(key, rp_str_n(a, n), rp_str_c("row 2"), &text, &len), RP_EAUTH);
		assert_null(text);
		key[31] ^= 1;
		assert_int_equal(rp_unseal(key, rp_str_n(a, n), aad, &text, &len), RP_EAUTH);
		key[31] ^= 1;
		for (size_t k = 0; k < n; k++) {
			a[k] ^= 1;
			assert_int_equal(
			    rp_unseal(key, rp_str_n(a, n), aad, &text, &len), RP_EAUTH);
			a[k] ^= 1;
			assert_int_equal(
			    rp_unseal(key, rp_str_n(a, k), aad, &text, &len), RP_EAUTH);
		}
		rp_free(a);
	}
}

static void test_hex(void **state)
{
	char out[7];
	(void)state;
	rp_hex("\x00\x9f\xf0", 3, out);
	assert_string_equal(out, "009ff0");
	rp_hex(NULL, 0, out);
	assert_string_equal(out, "");
}

/* Appendix A.1; d is NULL where the table has none. */
static const struct {
	const char *seed;
	const char *gen;
	const char *d;
	const char *fingerprint;
} vectors[] = {
    {"test", "59851a5267c47953dfe72a606c3cb982c6a1f4fea28a4344e31567a3c5eeb571e9342d920565e6af",
        "47aba3b3aaf325dcde188abe42727523dd67317d5bc8a9de414ff12e7adec4d0",
        "aa0dc91767756fa6ec4965d40feb9201"},
    {"Z4mQqmkDnexNNR4giNU3Me",
        "c5edcbfd96f3c205aaa233c17863e08c75c9fc9ee72e5149fc0d3785f4cb415cef9e09d28d10c77a",
        "4195f5c61b825289a9aa9158b53923c456d94adce249ec5a99df979e0de4f78b",
        "5db3ee37b231ccce93d46921165d3611"},
    {"0", "006a541998fd6e1a905aadc8d385f4946349f617921ce7d21069389b0909cba40970a529c4eedd95",
        "29581be33a1e32606365d47eb19b68674e6c56943c8b7517fdb4004a8b54a956",
        "6a37ababd5ac71d988a718ef50f44c89"},
    {"a-very-secret-seed",
        "9a720383fd919ad3d175faad41a64ed03b8e1a37f60ab4b6590594c0914093538f6271351640c1bf", NULL,
        "ecce1f1f035276552b5c8d61a48ffcc1"},
    {"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
     "xxxxxxxxxxxxxxxx",
        "5d4cd77ba791939746b93649c5e58bfa417a17309bf1629c8535a7627e6ccf8fbbad945743f82f9b", NULL,
        "1cdb2e9574ee88143eb0e9cc448a2cf8"},
};

/* The SSH key blob of RFC 5656, section 3.1. */
static void make_blob(struct rp_buf *b, const uint8_t q[65])
{
	static const char curve[] = "nistp256";
	static const char type[] = "ecdsa-sha2-nistp256";
	rp_buf_init(b, 200);
	assert_int_equal(rp_buf_add_sstring(b, type, strlen(type)), 0);
	assert_int_equal(rp_buf_add_sstring(b, curve, strlen(curve)), 0);
	assert_int_equal(rp_buf_add_sstring(b, q, 65), 0);
}

static void test_key_seed_vectors(void **state)
{
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(vectors); i++) {
		uint8_t gen[40];
		uint8_t d[32];
		uint8_t q[65];
		uint8_t md5[16];
		struct rp_buf blob;
		assert_int_equal(rp_keyseed_p256(vectors[i].seed, gen, d, q), 0);
		assert_hex(gen, sizeof(gen), vectors[i].gen);
		if (vectors[i].d != NULL) {
			assert_hex(d, sizeof(d), vectors[i].d);
		}
		make_blob(&blob, q);
		assert_int_equal(rp_md5(rp_buf_head(&blob), blob.len, md5), 0);
		assert_hex(md5, sizeof(md5), vectors[i].fingerprint);
		rp_buf_fini(&blob);
	}
	assert_int_equal(strlen(vectors[4].seed), 200);
}

static void test_key_seed_blob(void **state)
{
	uint8_t gen[40];
	uint8_t d[32];
	uint8_t q[65];
	struct rp_buf blob;
	char text[300];
	(void)state;
	assert_int_equal(rp_keyseed_p256("test", gen, d, q), 0);
	make_blob(&blob, q);
	rp_hex(rp_buf_head(&blob), blob.len, text);
	assert_string_equal(text,
	    "0000001365636473612d736861322d6e69737470323536000000086e69737470323536"
	    "0000004104c1446c6587bc647777b656583132eb5c42c716b18c08587eb16aaf68436506"
	    "247d6a07496d1c88ad4d4c866c52cd012b62d1dbb29fac2161c33d57b4af2ac743");
	rp_buf_fini(&blob);
}

static void check_base64(const char *raw, const char *standard, const char *url)
{
	uint8_t *back;
	size_t n;
	char *text = rp_base64(raw, strlen(raw));
	assert_string_equal(text, standard);
	rp_free(text);
	text = rp_base64url(raw, strlen(raw));
	assert_string_equal(text, url);
	rp_free(text);
	assert_int_equal(rp_base64_decode(rp_str_c(standard), &back, &n), 0);
	assert_int_equal(n, strlen(raw));
	assert_string_equal((char *)back, raw);
	rp_free(back);
	assert_int_equal(rp_base64url_decode(rp_str_c(url), &back, &n), 0);
	assert_int_equal(n, strlen(raw));
	assert_string_equal((char *)back, raw);
	rp_free(back);
}

static void test_base64(void **state)
{
	(void)state;
	check_base64("", "", "");
	check_base64("f", "Zg==", "Zg");
	check_base64("fo", "Zm8=", "Zm8");
	check_base64("foo", "Zm9v", "Zm9v");
	check_base64("foob", "Zm9vYg==", "Zm9vYg");
	check_base64("fooba", "Zm9vYmE=", "Zm9vYmE");
	check_base64("foobar", "Zm9vYmFy", "Zm9vYmFy");
	check_base64("\xfb\xff\xfe?", "+//+Pw==", "-__-Pw");
}

static void test_bad_base64(void **state)
{
	static const char *const bad[] = {"Z", "Zg", "Zg=", "Zm8", "=",
	    "==", "====", "Zg==Zg==", "Zg=a", "Z===", "Zm9v\n", "Zm9v Zm9v", "Zm\n8",
	    " Zm8=", "Zm-_", "Zm9v\xff", "Zm9vZ"};
	static const char *const bad_url[] = {
	    "Z", "Zg==", "Zm8=", "Zm+/", "Zm9v ", "Zm9vZ", "Zg\n", "Zm9v\xff"};
	uint8_t *out;
	size_t n;
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(bad); i++) {
		assert_int_equal(rp_base64_decode(rp_str_c(bad[i]), &out, &n), RP_EINVAL);
	}
	for (size_t i = 0; i < RP_ARRAY_LEN(bad_url); i++) {
		assert_int_equal(rp_base64url_decode(rp_str_c(bad_url[i]), &out, &n), RP_EINVAL);
	}
	assert_int_equal(rp_base64_decode(rp_str_n("Zm9v\0Zm8", 8), &out, &n), RP_EINVAL);
}

static void test_base64_round_trip(void **state)
{
	(void)state;
	for (size_t i = rp_slow_fewer(2000); i > 0; i--) {
		uint8_t raw[100];
		uint8_t *back;
		size_t n;
		size_t len = rp_prng_below(sizeof(raw) + 1);
		rp_prng_bytes(raw, len);
		char *standard = rp_base64(raw, len);
		char *url = rp_base64url(raw, len);
		assert_int_equal(strlen(standard), (len + 2) / 3 * 4);
		assert_int_equal(rp_base64_decode(rp_str_c(standard), &back, &n), 0);
		assert_int_equal(n, len);
		assert_memory_equal(back, raw, len);
		rp_free(back);
		assert_int_equal(rp_base64url_decode(rp_str_c(url), &back, &n), 0);
		assert_int_equal(n, len);
		assert_memory_equal(back, raw, len);
		rp_free(back);
		rp_free(standard);
		rp_free(url);
	}
}

static void test_random(void **state)
{
	uint8_t big[1000] = {0};
	int seen[256] = {0};
	(void)state;
	rp_random(big, 0);
	assert_int_equal(big[0], 0);
	assert_true(rp_random_u64() != rp_random_u64());
	for (int i = 0; i < 100; i++) {
		rp_random(big, sizeof(big));
		for (size_t j = 0; j < sizeof(big); j++) {
			seen[big[j]]++;
		}
	}
	/* 390 expected, standard deviation 20. */
	for (size_t i = 0; i < RP_ARRAY_LEN(seen); i++) {
		assert_in_range(seen[i], 190, 590);
	}
}

static void test_random_below(void **state)
{
	int seen[10] = {0};
	(void)state;
	for (int i = 0; i < 10000; i++) {
		uint64_t v = rp_random_below(10);
		assert_true(v < 10);
		seen[v]++;
	}
	/* 1000 expected, standard deviation 30. */
	for (size_t i = 0; i < RP_ARRAY_LEN(seen); i++) {
		assert_in_range(seen[i], 700, 1300);
	}
	assert_int_equal(rp_random_below(1), 0);
	for (int i = 0; i < 100; i++) {
		assert_true(rp_random_below(UINT64_MAX) < UINT64_MAX);
		assert_true(rp_random_below((UINT64_C(1) << 63) + 1) <= UINT64_C(1) << 63);
	}
}

static void test_uuid(void **state)
{
	char a[RP_UUID_TEXT_MAX];
	char b[RP_UUID_TEXT_MAX];
	(void)state;
	for (int i = 0; i < 100; i++) {
		rp_uuid4(a);
		rp_uuid4(b);
		assert_string_not_equal(a, b);
		assert_int_equal(strlen(a), 36);
		assert_int_equal(strspn(a, "0123456789abcdef-"), 36);
		assert_true(a[8] == '-' && a[13] == '-' && a[18] == '-' && a[23] == '-');
		assert_int_equal(a[14], '4');
		assert_non_null(strchr("89ab", a[19]));
	}
}

static void test_random_text(void **state)
{
	static const char letters[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	int seen[128] = {0};
	char text[201];
	(void)state;
	rp_random_text(text, 0);
	assert_string_equal(text, "");
	for (int i = 0; i < 310; i++) {
		rp_random_text(text, 200);
		assert_int_equal(strspn(text, letters), 200);
		assert_int_equal(text[200], '\0');
		for (size_t j = 0; j < 200; j++) {
			seen[(unsigned char)text[j]]++;
		}
	}
	/* 1000 expected each: a biased alphabet would show up. */
	for (const char *p = letters; *p != '\0'; p++) {
		assert_in_range(seen[(unsigned char)*p], 700, 1300);
	}
}

static void test_secret_eq(void **state)
{
	(void)state;
	assert_true(rp_secret_str_eq("", ""));
	assert_true(rp_secret_str_eq("abc", "abc"));
	assert_false(rp_secret_str_eq("abc", "abd"));
	assert_false(rp_secret_str_eq("abc", "abcd"));
	assert_false(rp_secret_str_eq("", "a"));
	assert_true(rp_secret_eq("a\0b", 3, "a\0b", 3));
	assert_false(rp_secret_eq("a\0b", 3, "a\0c", 3));
	assert_true(rp_secret_eq(NULL, 0, NULL, 0));
	char secret[] = "secret";
	rp_secret_wipe(secret, sizeof(secret));
	assert_memory_equal(secret, "\0\0\0\0\0\0\0", sizeof(secret));
	rp_secret_wipe(NULL, 0);
}

static int encode_and_decode(void *state)
{
	uint8_t *raw = NULL;
	size_t n;
	(void)state;
	char *text = rp_base64("abcd", 4);
	char *url = rp_base64url("abcd", 4);
	int rc = text == NULL || url == NULL ? RP_ENOMEM : 0;
	rc = rc != 0 ? rc : rp_base64_decode(rp_str_c(text), &raw, &n);
	if (rc == 0) {
		rp_free(raw);
		rc = rp_base64url_decode(rp_str_c(url), &raw, &n);
	}
	if (rc == 0) {
		rp_free(raw);
	}
	rp_free(text);
	rp_free(url);
	return rc;
}

static void test_no_memory(void **state)
{
	(void)state;
	assert_int_equal(rp_oom_run(encode_and_decode, NULL), 0);
}

/* RFC 2202, cases 1 and 2. */
static void test_hmac_sha1(void **state)
{
	static const uint8_t key[20] = {
	    11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11};
	uint8_t mac[20];
	char hex[41];
	(void)state;
	assert_int_equal(rp_hmac_sha1(key, sizeof(key), "Hi There", 8, mac), 0);
	rp_hex(mac, sizeof(mac), hex);
	assert_string_equal(hex, "b617318655057264e28bc0b6fb378c8ef146be00");
	assert_int_equal(rp_hmac_sha1("Jefe", 4, "what do ya want for nothing?", 28, mac), 0);
	rp_hex(mac, sizeof(mac), hex);
	assert_string_equal(hex, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
}

/* RFC 4648, section 10, without padding. */
static void test_base32(void **state)
{
	static const char *const pairs[][2] = {{"", ""}, {"f", "MY"}, {"fo", "MZXQ"},
	    {"foo", "MZXW6"}, {"foob", "MZXW6YQ"}, {"fooba", "MZXW6YTB"}, {"foobar", "MZXW6YTBOI"}};
	uint8_t raw[8];
	size_t n;
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(pairs); i++) {
		size_t len = strlen(pairs[i][0]);
		char *text = rp_base32(pairs[i][0], len);
		assert_string_equal(text, pairs[i][1]);
		rp_free(text);
		assert_int_equal(rp_base32_decode(rp_str_c(pairs[i][1]), raw, sizeof(raw), &n), 0);
		assert_int_equal(n, len);
		assert_true(len == 0 || memcmp(raw, pairs[i][0], len) == 0);
	}
	assert_int_equal(rp_base32_decode(rp_str_c("mzxw6==="), raw, sizeof(raw), &n), 0);
	assert_int_equal(n, 3);
	assert_int_equal(rp_base32_decode(rp_str_c("MZXW1"), raw, sizeof(raw), &n), RP_EINVAL);
	assert_int_equal(rp_base32_decode(rp_str_c("MZ W6"), raw, sizeof(raw), &n), RP_EINVAL);
	assert_int_equal(rp_base32_decode(rp_str_c("MZXW6YTBOI"), raw, 5, &n), RP_ELIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_hashes),
	    cmocka_unit_test(test_hmac),
	    cmocka_unit_test(test_pbkdf2),
	    cmocka_unit_test(test_md5_stream),
	    cmocka_unit_test(test_sha256_stream),
	    cmocka_unit_test(test_seal),
	    cmocka_unit_test(test_hex),
	    cmocka_unit_test(test_key_seed_vectors),
	    cmocka_unit_test(test_key_seed_blob),
	    cmocka_unit_test(test_base64),
	    cmocka_unit_test(test_bad_base64),
	    cmocka_unit_test(test_base64_round_trip),
	    cmocka_unit_test(test_random),
	    cmocka_unit_test(test_random_below),
	    cmocka_unit_test(test_uuid),
	    cmocka_unit_test(test_random_text),
	    cmocka_unit_test(test_secret_eq),
	    cmocka_unit_test(test_hmac_sha1),
	    cmocka_unit_test(test_base32),
	    cmocka_unit_test(test_no_memory),
	};
	rp_prng_start();
	return rp_prng_report(cmocka_run_group_tests(tests, NULL, NULL));
}
