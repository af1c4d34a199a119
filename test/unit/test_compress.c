/* SPDX-License-Identifier: MIT */
/*
 * Which form a caller gets, and that zlib reads what we make of any length.
 */
#include "http/compress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "core/alloc.h"
#include "test/lib/oom.h"
#include "test/lib/prng.h"

static enum rp_coding choose(const char *a, const char *b)
{
	struct rp_http_header headers[3] = {
	    {.name = (char *)(uintptr_t) "Host", .value = (char *)(uintptr_t) "gzip"},
	    {.name = (char *)(uintptr_t) "accept-encoding", .value = (char *)(uintptr_t)a},
	    {.name = (char *)(uintptr_t) "Accept-Encoding", .value = (char *)(uintptr_t)b},
	};
	const struct rp_http_head h = {.headers = headers,
	    .n_headers = a == NULL ? 1
	        : b == NULL        ? 2
	                           : 3};
	return rp_coding_choose(&h);
}

static void test_choose(void **state)
{
	static const struct {
		const char *text;
		enum rp_coding want;
	} cases[] = {
	    {"gzip", RP_CODING_GZIP},
	    {"deflate", RP_CODING_DEFLATE},
	    {"gzip, deflate, br", RP_CODING_GZIP},
	    {"deflate, gzip", RP_CODING_GZIP},
	    {"deflate;q=1.0, gzip;q=0.5", RP_CODING_DEFLATE},
	    {"gzip;q=0", RP_CODING_NONE},
	    {"gzip;q=0.000, deflate;q=0.001", RP_CODING_DEFLATE},
	    {"GZip ; Q=0.8", RP_CODING_GZIP},
	    {"x-gzip", RP_CODING_GZIP},
	    {"*", RP_CODING_GZIP},
	    {"*;q=0", RP_CODING_NONE},
	    {"gzip;q=0, *", RP_CODING_DEFLATE},
	    {"identity", RP_CODING_NONE},
	    {"br, zstd", RP_CODING_NONE},
	    {"", RP_CODING_NONE},
	    {",;,;q=1", RP_CODING_NONE},
	    {"gzip;q=", RP_CODING_GZIP},
	    {"gzip;q=x", RP_CODING_NONE},
	    {"gzip;q=-1", RP_CODING_NONE},
	    {"gzip;q=99999999999999", RP_CODING_NONE},
	    {"gzipped", RP_CODING_NONE},
	};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(cases); i++) {
		if (choose(cases[i].text, NULL) != cases[i].want) {
			fail_msg("wrong for \"%s\"", cases[i].text);
		}
	}
	assert_int_equal(choose(NULL, NULL), RP_CODING_NONE);
	assert_int_equal(choose("br", "deflate"), RP_CODING_DEFLATE);
	assert_string_equal(rp_coding_name(RP_CODING_GZIP), "gzip");
	assert_string_equal(rp_coding_name(RP_CODING_DEFLATE), "deflate");
	assert_string_equal(rp_coding_name(RP_CODING_BROTLI), "br");
	assert_null(rp_coding_name(RP_CODING_NONE));
}

/* What was made at build time is there in other forms. */
static void test_choose_of(void **state)
{
	static const enum rp_coding offers[] = {RP_CODING_BROTLI, RP_CODING_GZIP};
	static const struct {
		const char *text;
		enum rp_coding want;
	} cases[] = {
	    {"gzip, deflate, br, zstd", RP_CODING_BROTLI},
	    {"gzip", RP_CODING_GZIP},
	    {"BR", RP_CODING_BROTLI},
	    {"gzip;q=1.0, br;q=0.9", RP_CODING_GZIP},
	    {"br;q=0, *", RP_CODING_GZIP},
	    {"*", RP_CODING_BROTLI},
	    {"*;q=0", RP_CODING_NONE},
	    {"deflate, identity", RP_CODING_NONE},
	    {"br;q=0.0, gzip;q=0", RP_CODING_NONE},
	    {"brotli", RP_CODING_NONE},
	    {"", RP_CODING_NONE},
	};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(cases); i++) {
		struct rp_http_header header = {.name = (char *)(uintptr_t) "Accept-Encoding",
		    .value = (char *)(uintptr_t)cases[i].text};
		const struct rp_http_head h = {.headers = &header, .n_headers = 1};
		if (rp_coding_choose_of(&h, offers, 2) != cases[i].want) {
			fail_msg("wrong for \"%s\"", cases[i].text);
		}
	}
	const struct rp_http_head none = {0};
	assert_int_equal(rp_coding_choose_of(&none, offers, 2), RP_CODING_NONE);
}

/* zlib tells gzip and its own format apart by their heads. */
static void assert_reads_back(enum rp_coding c, const uint8_t *p, size_t n)
{
	struct rp_buf out;
	uint8_t *back = rp_malloc(n + 1);
	int bits = c == RP_CODING_GZIP ? 16 + 15 : 15;
	z_stream z = {0};
	rp_buf_init(&out, n * 2 + 1024);
	assert_int_equal(rp_compress(c, p, n, &out), 0);
	assert_int_equal(inflateInit2(&z, bits), Z_OK);
	z.next_in = rp_buf_head(&out);
	z.avail_in = (uInt)out.len;
	z.next_out = back;
	z.avail_out = (uInt)(n + 1);
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(z.total_out, n);
	assert_int_equal(z.avail_in, 0);
	assert_true(n == 0 || memcmp(back, p, n) == 0);
	(void)inflateEnd(&z);
	rp_buf_fini(&out);
	rp_free(back);
}

static void test_round_trip(void **state)
{
	static const size_t sizes[] = {0, 1, 100, 65535, 65536, 65537, 300000};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(sizes); i++) {
		uint8_t *p = rp_calloc(sizes[i] + 1, 1);
		assert_reads_back(RP_CODING_GZIP, p, sizes[i]);
		rp_prng_bytes(p, sizes[i]);
		assert_reads_back(RP_CODING_GZIP, p, sizes[i]);
		assert_reads_back(RP_CODING_DEFLATE, p, sizes[i]);
		rp_free(p);
	}
}

/* There and back again, and what is no whole of it. */
static void test_way_back(void **state)
{
	static const size_t sizes[] = {0, 1, 100, 65535, 65536, 65537, 300000};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(sizes); i++) {
		struct rp_buf packed;
		struct rp_buf text;
		uint8_t *p = rp_calloc(sizes[i] + 1, 1);
		rp_prng_bytes(p, sizes[i] / 2);
		rp_buf_init(&packed, 1024 * 1024);
		rp_buf_init(&text, 1024 * 1024);
		enum rp_coding c = i % 2 == 0 ? RP_CODING_DEFLATE : RP_CODING_GZIP;
		assert_int_equal(rp_compress(c, p, sizes[i], &packed), 0);
		const uint8_t *head = rp_buf_head(&packed);
		assert_int_equal(rp_decompress(head, packed.len, &text), 0);
		assert_int_equal(text.len, sizes[i]);
		assert_true(sizes[i] == 0 || memcmp(rp_buf_head(&text), p, sizes[i]) == 0);
		rp_buf_clear(&text);
		assert_int_equal(rp_decompress(head, packed.len - 1, &text), RP_EINVAL);
		rp_buf_fini(&packed);
		rp_buf_fini(&text);
		rp_free(p);
	}
}

static void test_no_way_back(void **state)
{
	static const uint8_t zeros[200000];
	struct rp_buf packed;
	struct rp_buf text;
	(void)state;
	rp_buf_init(&packed, 1024 * 1024);
	rp_buf_init(&text, sizeof(zeros) - 1);
	assert_int_equal(rp_decompress("[]", 2, &text), RP_EINVAL);
	assert_int_equal(rp_decompress("", 0, &text), RP_EINVAL);
	assert_int_equal(rp_compress(RP_CODING_DEFLATE, zeros, sizeof(zeros), &packed), 0);
	assert_int_equal(rp_decompress(rp_buf_head(&packed), packed.len, &text), RP_ELIMIT);
	rp_buf_fini(&packed);
	rp_buf_fini(&text);
}

static int body_back(void *state)
{
	const struct rp_buf *packed = state;
	struct rp_buf text;
	rp_buf_init(&text, 1024 * 1024);
	int rc = rp_decompress(rp_buf_head(packed), packed->len, &text);
	rp_buf_fini(&text);
	return rc;
}

static int body(void *state)
{
	static const uint8_t zeros[200000];
	struct rp_buf out;
	(void)state;
	rp_buf_init(&out, 1024 * 1024);
	int rc = rp_compress(RP_CODING_GZIP, zeros, sizeof(zeros), &out);
	rp_buf_fini(&out);
	return rc;
}

static void test_no_memory(void **state)
{
	struct rp_buf out;
	(void)state;
	assert_int_equal(rp_oom_run(body, NULL), 0);
	rp_buf_init(&out, 1024);
	assert_int_equal(rp_compress(RP_CODING_DEFLATE, "text", 4, &out), 0);
	assert_int_equal(rp_oom_run(body_back, &out), 0);
	rp_buf_fini(&out);
	rp_buf_init(&out, 8);
	assert_int_equal(rp_compress(RP_CODING_GZIP, "x", 1, &out), RP_ELIMIT);
	rp_buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_choose),
	    cmocka_unit_test(test_choose_of),
	    cmocka_unit_test(test_round_trip),
	    cmocka_unit_test(test_way_back),
	    cmocka_unit_test(test_no_way_back),
	    cmocka_unit_test(test_no_memory),
	};
	rp_prng_start();
	return rp_prng_report(cmocka_run_group_tests(tests, NULL, NULL));
}
