/* SPDX-License-Identifier: MIT */
/*
 * core/buf: a random walk against a plain array, limits, wire numbers, and the cursor on every cut.
 */
#include "core/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/err.h"
#include "test/lib/oom.h"
#include "test/lib/prng.h"
#include "test/lib/slow.h"

#define WALK_MAX   5000
#define WALK_STEPS 20000

static void test_empty(void **state)
{
	struct rp_buf b;
	uint8_t *tail;
	char *s;
	(void)state;
	rp_buf_init(&b, 0);
	assert_null(rp_buf_head(&b));
	rp_buf_consume(&b, 0);
	rp_buf_clear(&b);
	assert_int_equal(rp_buf_add(&b, NULL, 0), 0);
	assert_int_equal(rp_buf_add_u8(&b, 1), RP_ELIMIT);
	assert_int_equal(rp_buf_reserve(&b, 0, &tail), 0);
	assert_non_null(tail);
	assert_int_equal(rp_buf_take_string(&b, &s), 0);
	assert_string_equal(s, "");
	rp_free(s);
	rp_buf_fini(&b);
}

static void test_max(void **state)
{
	(void)state;
	for (size_t max = 1; max < 300; max++) {
		struct rp_buf b;
		char text[512] = {0};
		memset(text, 'x', max + 1);
		rp_buf_init(&b, max);
		assert_int_equal(rp_buf_add(&b, text, max - 1), 0);
		assert_int_equal(rp_buf_add(&b, text, 2), RP_ELIMIT);
		assert_int_equal(b.len, max - 1);
		assert_int_equal(rp_buf_add(&b, text, 1), 0);
		assert_int_equal(rp_buf_add(&b, text, 1), RP_ELIMIT);
		assert_int_equal(rp_buf_printf(&b, "%s", "y"), RP_ELIMIT);
		assert_int_equal(rp_buf_printf(&b, "%s", ""), 0);
		/* The NUL does not count. */
		assert_int_equal(rp_buf_terminate(&b), 0);
		assert_int_equal(strlen((char *)rp_buf_head(&b)), max);
		/* What was consumed makes room, without growing. */
		rp_buf_consume(&b, 1);
		assert_int_equal(rp_buf_add(&b, "z", 1), 0);
		assert_int_equal(b.len, max);
		assert_true(b.cap <= max + 1 || b.cap <= 64);
		rp_buf_fini(&b);
	}
}

static void test_huge_sizes(void **state)
{
	struct rp_buf b;
	uint8_t *tail;
	(void)state;
	rp_buf_init(&b, SIZE_MAX);
	assert_int_equal(rp_buf_add(&b, "x", 1), 0);
	assert_int_equal(rp_buf_reserve(&b, SIZE_MAX, &tail), RP_ELIMIT);
	assert_int_equal(rp_buf_add_sstring(&b, "", (size_t)UINT32_MAX - 3), RP_ELIMIT);
	assert_int_equal(rp_buf_add_sstring(&b, "", SIZE_MAX), RP_ELIMIT);
	assert_int_equal(b.len, 1);
	rp_buf_fini(&b);
}

/* One random operation on both; len is the model's. */
static void step(struct rp_buf *b, uint8_t *model, size_t *len)
{
	uint8_t chunk[700];
	size_t n = rp_prng_below(rp_prng_below(2) == 0 ? 8 : sizeof(chunk));
	uint8_t *tail;
	int want = n > WALK_MAX - *len ? RP_ELIMIT : 0;
	rp_prng_bytes(chunk, n);
	switch (rp_prng_below(5)) {
	case 0:
		assert_int_equal(rp_buf_add(b, chunk, n), want);
		break;
	case 1:
		assert_int_equal(rp_buf_reserve(b, n, &tail), want);
		if (want == 0) {
			memcpy(tail, chunk, n);
			rp_buf_commit(b, n);
		}
		break;
	case 2:
		memset(chunk, 'a' + (int)(n % 26), n);
		assert_int_equal(rp_buf_printf(b, "%.*s", (int)n, (const char *)chunk), want);
		break;
	default:
		n = RP_MIN(n, *len);
		rp_buf_consume(b, n);
		*len -= n;
		memmove(model, model + n, *len);
		return;
	}
	if (want == 0) {
		memcpy(model + *len, chunk, n);
		*len += n;
	}
}

static void test_random_walk(void **state)
{
	static uint8_t model[WALK_MAX];
	struct rp_buf b;
	size_t len = 0;
	(void)state;
	rp_buf_init(&b, WALK_MAX);
	for (size_t i = rp_slow_fewer(WALK_STEPS); i > 0; i--) {
		step(&b, model, &len);
		assert_int_equal(b.len, len);
		assert_true(b.off + b.len <= b.cap);
		assert_true(b.cap <= WALK_MAX + 1);
		if (len > 0) {
			assert_memory_equal(rp_buf_head(&b), model, len);
		}
		if (rp_prng_below(50) == 0) {
			assert_int_equal(rp_buf_terminate(&b), 0);
			assert_int_equal(rp_buf_head(&b)[len], 0);
		}
	}
	rp_buf_fini(&b);
}

/* A queue that is kept short must not grow, however much passes through it. */
static void test_stream_does_not_grow(void **state)
{
	struct rp_buf b;
	uint8_t chunk[100] = {0};
	(void)state;
	rp_buf_init(&b, 1 << 20);
	for (int i = 0; i < 10000; i++) {
		assert_int_equal(rp_buf_add(&b, chunk, sizeof(chunk)), 0);
		assert_int_equal(rp_buf_add(&b, chunk, sizeof(chunk)), 0);
		rp_buf_consume(&b, 2 * sizeof(chunk) - (i < 2 ? 1 : 0));
	}
	assert_true(b.cap <= 1024);
	rp_buf_fini(&b);
}

static void test_take_string(void **state)
{
	struct rp_buf b;
	char *s;
	(void)state;
	rp_buf_init(&b, 100);
	assert_int_equal(rp_buf_add_str(&b, "hello world"), 0);
	rp_buf_consume(&b, 6);
	assert_int_equal(rp_buf_take_string(&b, &s), 0);
	assert_string_equal(s, "world");
	rp_free(s);
	assert_int_equal(b.len, 0);
	assert_null(b.data);
	assert_int_equal(rp_buf_add_str(&b, "again"), 0);
	assert_int_equal(b.max, 100);
	rp_buf_fini(&b);
}

static void test_wire_round_trip(void **state)
{
	(void)state;
	for (size_t i = rp_slow_fewer(2000); i > 0; i--) {
		struct rp_buf b;
		struct rp_cursor c;
		uint32_t u32 = (uint32_t)rp_prng_edge_i64();
		uint16_t u16 = (uint16_t)rp_prng_u64();
		uint8_t u8 = (uint8_t)rp_prng_u64();
		uint8_t text[40];
		size_t n = rp_prng_below(sizeof(text) + 1);
		rp_prng_bytes(text, n);
		rp_buf_init(&b, 1000);
		assert_int_equal(rp_buf_add_u32(&b, u32), 0);
		assert_int_equal(rp_buf_add_sstring(&b, text, n), 0);
		assert_int_equal(rp_buf_add_u16(&b, u16), 0);
		assert_int_equal(rp_buf_add_u8(&b, u8), 0);

		uint32_t got32;
		const uint8_t *got16;
		uint8_t got8;
		struct rp_str s;
		rp_cursor_init(&c, rp_buf_head(&b), b.len);
		assert_int_equal(rp_cursor_u32(&c, &got32), 0);
		assert_int_equal(rp_cursor_sstring(&c, &s), 0);
		assert_int_equal(rp_cursor_bytes(&c, 2, &got16), 0);
		assert_int_equal(rp_cursor_u8(&c, &got8), 0);
		assert_int_equal(got32, u32);
		assert_int_equal(got16[0] << 8 | got16[1], u16);
		assert_int_equal(got8, u8);
		assert_int_equal(s.len, n);
		assert_memory_equal(s.p, text, n);
		assert_int_equal(c.left, 0);
		assert_int_equal(rp_cursor_u8(&c, &got8), RP_EAGAIN);
		rp_buf_fini(&b);
	}
}

static void test_byte_order(void **state)
{
	struct rp_buf b;
	(void)state;
	rp_buf_init(&b, 100);
	assert_int_equal(rp_buf_add_u32(&b, 0x01020304), 0);
	assert_int_equal(rp_buf_add_u16(&b, 0xfffe), 0);
	assert_int_equal(rp_buf_add_sstring(&b, "ab", 2), 0);
	assert_int_equal(b.len, 12);
	assert_memory_equal(rp_buf_head(&b), "\1\2\3\4\xff\xfe\0\0\0\2ab", 12);
	rp_buf_fini(&b);
}

static void test_cursor_consumes_all_or_nothing(void **state)
{
	/* A string of 3 bytes; every shorter piece of it is "more data needed". */
	static const uint8_t wire[] = {0, 0, 0, 3, 'a', 'b', 'c'};
	(void)state;
	for (size_t n = 0; n < sizeof(wire); n++) {
		struct rp_cursor c;
		struct rp_str s;
		rp_cursor_init(&c, n == 0 ? NULL : wire, n);
		assert_int_equal(rp_cursor_sstring(&c, &s), RP_EAGAIN);
		assert_int_equal(c.left, n);
	}
	static const uint8_t huge[] = {0xff, 0xff, 0xff, 0xff, 1};
	struct rp_cursor c;
	struct rp_str s;
	uint32_t v;
	const uint8_t *p;
	rp_cursor_init(&c, huge, sizeof(huge));
	assert_int_equal(rp_cursor_sstring(&c, &s), RP_EAGAIN);
	assert_int_equal(rp_cursor_bytes(&c, 6, &p), RP_EAGAIN);
	assert_int_equal(rp_cursor_u32(&c, &v), 0);
	assert_int_equal(v, UINT32_MAX);
	rp_cursor_init(&c, NULL, 0);
	assert_int_equal(rp_cursor_bytes(&c, 0, &p), 0);
}

static int use_everything(void *state)
{
	struct rp_buf b;
	char *s = NULL;
	(void)state;
	rp_buf_init(&b, 10000);
	int rc = rp_buf_add_str(&b, "some bytes to be dropped later");
	if (rc == 0) {
		rp_buf_consume(&b, 5);
		rc = rp_buf_printf(&b, "%0500d", 1);
	}
	rc = rc != 0 ? rc : rp_buf_add_sstring(&b, "abc", 3);
	rc = rc != 0 ? rc : rp_buf_take_string(&b, &s);
	rp_free(s);
	rp_buf_fini(&b);
	return rc;
}

static void test_no_memory(void **state)
{
	(void)state;
	assert_int_equal(rp_oom_run(use_everything, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_empty),
	    cmocka_unit_test(test_max),
	    cmocka_unit_test(test_huge_sizes),
	    cmocka_unit_test(test_random_walk),
	    cmocka_unit_test(test_stream_does_not_grow),
	    cmocka_unit_test(test_take_string),
	    cmocka_unit_test(test_wire_round_trip),
	    cmocka_unit_test(test_byte_order),
	    cmocka_unit_test(test_cursor_consumes_all_or_nothing),
	    cmocka_unit_test(test_no_memory),
	};
	rp_prng_start();
	return rp_prng_report(cmocka_run_group_tests(tests, NULL, NULL));
}
