/* SPDX-License-Identifier: MIT */
/*
 * core/jsonw: Go's escapes and number forms, commas, errors that stick, and round trips through the
 * reader. Structs described by tables are in test_jsontable.c.
 */
#include "core/jsonw.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/err.h"
#include "test/lib/oom.h"
#include "test/lib/prng.h"
#include "test/lib/slow.h"

struct output {
	struct rp_buf b;
	struct rp_jsonw w;
};

static void start(struct output *o)
{
	rp_buf_init(&o->b, 100000);
	rp_jsonw_init(&o->w, &o->b);
}

/* Checks the text and frees it. */
static void finish(struct output *o, const char *want)
{
	char *s;
	assert_int_equal(rp_jsonw_end(&o->w), 0);
	assert_int_equal(rp_buf_take_string(&o->b, &s), 0);
	assert_string_equal(s, want);
	rp_free(s);
}

static void test_structure(void **state)
{
	struct output o;
	(void)state;
	start(&o);
	rp_jsonw_obj(&o.w);
	rp_jsonw_key(&o.w, "a");
	rp_jsonw_arr(&o.w);
	rp_jsonw_arr_end(&o.w);
	rp_jsonw_key(&o.w, "b");
	rp_jsonw_arr(&o.w);
	rp_jsonw_obj(&o.w);
	rp_jsonw_obj_end(&o.w);
	rp_jsonw_null(&o.w);
	rp_jsonw_bool(&o.w, true);
	rp_jsonw_bool(&o.w, false);
	rp_jsonw_str(&o.w, "x");
	rp_jsonw_int(&o.w, 1);
	rp_jsonw_arr(&o.w);
	rp_jsonw_int(&o.w, 2);
	rp_jsonw_arr_end(&o.w);
	rp_jsonw_arr_end(&o.w);
	rp_jsonw_key(&o.w, "c<");
	rp_jsonw_raw(&o.w, "{\"x\":1}");
	rp_jsonw_key(&o.w, "d");
	rp_jsonw_raw(&o.w, NULL);
	rp_jsonw_obj_end(&o.w);
	finish(&o,
	    "{\"a\":[],\"b\":[{},null,true,false,\"x\",1,[2]],\"c\\u003c\":{\"x\":1},\"d\":null}");
}

static void check_str(const char *s, size_t n, const char *want)
{
	struct output o;
	start(&o);
	rp_jsonw_strn(&o.w, rp_str_n(s, n));
	finish(&o, want);
}

static void test_escapes(void **state)
{
	(void)state;
	check_str(NULL, 0, "\"\"");
	check_str("a/b'c\x7f", 6, "\"a/b'c\x7f\"");
	check_str("\"\\\n\r\t", 5, "\"\\\"\\\\\\n\\r\\t\"");
	check_str("\0\x01\b\f\x1f", 5, "\"\\u0000\\u0001\\u0008\\u000c\\u001f\"");
	check_str("<a>&", 4, "\"\\u003ca\\u003e\\u0026\"");
	check_str(
	    "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", 9, "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"");
	check_str("\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xb0", 12,
	    "\"\xe2\x80\xa7\\u2028\\u2029\xe2\x80\xb0\"");
	check_str("a\xff\xc3", 3, "\"a\\ufffd\\ufffd\"");
	check_str("\xed\xa0\x80", 3, "\"\\ufffd\\ufffd\\ufffd\"");
	check_str("\xe2\x82", 2, "\"\\ufffd\\ufffd\"");
}

/* Every byte at every place of a word, against the plain rule. */
static void test_every_byte_everywhere(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++) {
		char escape[16];
		bool plain = c >= 0x20 && c < 0x80 && strchr("\"&<>\\", c) == NULL;
		const char *names = "\"\"\\\\\nn\rr\tt";
		const char *name = c == 0 ? NULL : strchr(names, c);
		(void)snprintf(escape, sizeof(escape),
		    plain           ? "%c"
		        : c >= 0x80 ? "\\ufffd"
		                    : "\\u%04x",
		    (unsigned)c);
		if (!plain && name != NULL && (name - names) % 2 == 0) {
			(void)snprintf(escape, sizeof(escape), "\\%c", name[1]);
		}
		for (size_t at = 0; at < 20; at++) {
			char text[20];
			char want[64];
			memset(text, 'x', sizeof(text));
			text[at] = (char)c;
			(void)snprintf(want, sizeof(want), "\"%.*s%s%.*s\"", (int)at,
			    "xxxxxxxxxxxxxxxxxxxx", escape, (int)(19 - at), "xxxxxxxxxxxxxxxxxxxx");
			check_str(text, sizeof(text), want);
		}
	}
}

static void test_optional_strings(void **state)
{
	struct output o;
	(void)state;
	start(&o);
	rp_jsonw_arr(&o.w);
	rp_jsonw_str(&o.w, NULL);
	rp_jsonw_str_opt(&o.w, NULL);
	rp_jsonw_str_opt(&o.w, "");
	rp_jsonw_time(&o.w, RP_TIME_ZERO);
	rp_jsonw_time_opt(&o.w, RP_TIME_ZERO);
	rp_jsonw_time_opt(&o.w, RP_NS_PER_S);
	rp_jsonw_arr_end(&o.w);
	finish(&o, "[\"\",null,\"\",\"0001-01-01T00:00:00Z\",null,\"1970-01-01T00:00:01Z\"]");
}

static void test_integers(void **state)
{
	struct output o;
	(void)state;
	start(&o);
	rp_jsonw_arr(&o.w);
	rp_jsonw_int(&o.w, 0);
	rp_jsonw_int(&o.w, -1);
	rp_jsonw_int(&o.w, INT64_MAX);
	rp_jsonw_int(&o.w, INT64_MIN);
	rp_jsonw_uint(&o.w, UINT64_MAX);
	rp_jsonw_arr_end(&o.w);
	finish(&o, "[0,-1,9223372036854775807,-9223372036854775808,18446744073709551615]");
}

static void check_double(double d, const char *want)
{
	struct output o;
	start(&o);
	rp_jsonw_double(&o.w, d);
	finish(&o, want);
}

static void test_doubles(void **state)
{
	(void)state;
	check_double(0, "0");
	check_double(1, "1");
	check_double(-3, "-3");
	check_double(0.1, "0.1");
	check_double(-0.25, "-0.25");
	check_double(100.5, "100.5");
	check_double(1.0 / 3, "0.3333333333333333");
	check_double(0.1 + 0.2, "0.30000000000000004");
	check_double(1e20, "100000000000000000000");
	check_double(123456789012345680000.0, "123456789012345680000");
	check_double(1e21, "1e+21");
	check_double(-1.5e300, "-1.5e+300");
	check_double(1e-6, "0.000001");
	check_double(1.25e-6, "0.00000125");
	check_double(9.5e-7, "9.5e-7");
	check_double(1e-10, "1e-10");
	check_double(5e-324, "5e-324");
	check_double(DBL_MAX, "1.7976931348623157e+308");
	check_double(9007199254740993.0, "9007199254740992");
	check_double((double)NAN, "null");
	check_double((double)INFINITY, "null");
	check_double(-(double)INFINITY, "null");
}

static void test_random_doubles(void **state)
{
	(void)state;
	for (size_t i = rp_slow_fewer(20000); i > 0; i--) {
		uint64_t bits = rp_prng_u64();
		double d;
		struct output o;
		memcpy(&d, &bits, sizeof(d));
		if (rp_prng_below(2) == 0) {
			d = (double)rp_prng_edge_i64() / 1000;
		}
		if (!isfinite(d)) {
			continue;
		}
		start(&o);
		rp_jsonw_double(&o.w, d);
		assert_int_equal(rp_buf_terminate(&o.b), 0);
		const char *text = (const char *)rp_buf_head(&o.b);
		double back = strtod(text, NULL);
		assert_true(!(back < d) && !(back > d));
		/* The reader takes it as JSON. */
		struct rp_json *j;
		assert_int_equal(rp_json_parse(text, o.b.len, &j, NULL), 0);
		rp_json_free(j);
		rp_buf_fini(&o.b);
	}
}

static void test_containers(void **state)
{
	struct rp_strlist l = {0};
	struct rp_strmap m = {0};
	struct output o;
	(void)state;
	start(&o);
	rp_jsonw_arr(&o.w);
	rp_jsonw_strlist(&o.w, &l);
	rp_jsonw_strmap(&o.w, &m);
	assert_int_equal(rp_strlist_add(&l, rp_str_c("a")), 0);
	assert_int_equal(rp_strlist_add(&l, rp_str_c("\"")), 0);
	assert_int_equal(rp_strmap_set(&m, rp_str_c("k\n"), rp_str_c("v")), 0);
	assert_int_equal(rp_strmap_set(&m, rp_str_c("a"), rp_str_c("b")), 0);
	rp_jsonw_strlist(&o.w, &l);
	rp_jsonw_strmap(&o.w, &m);
	rp_jsonw_arr_end(&o.w);
	finish(&o, "[[],{},[\"a\",\"\\\"\"],{\"k\\n\":\"v\",\"a\":\"b\"}]");
	rp_strlist_fini(&l);
	rp_strmap_fini(&m);
}

static void write_some(struct rp_jsonw *w)
{
	rp_jsonw_obj(w);
	rp_jsonw_key(w, "key");
	rp_jsonw_arr(w);
	rp_jsonw_str(w, "text with \n and \xff and <");
	rp_jsonw_int(w, -12345);
	rp_jsonw_double(w, 0.125);
	rp_jsonw_bool(w, true);
	rp_jsonw_arr_end(w);
	rp_jsonw_obj_end(w);
}

/* Whatever the limit: either everything is there, or RP_ELIMIT and not one byte over it. */
static void test_limit_sticks(void **state)
{
	struct output o;
	(void)state;
	start(&o);
	write_some(&o.w);
	size_t need = o.b.len;
	rp_buf_fini(&o.b);
	for (size_t max = 0; max <= need + 2; max++) {
		rp_buf_init(&o.b, max);
		rp_jsonw_init(&o.w, &o.b);
		write_some(&o.w);
		int rc = rp_jsonw_end(&o.w);
		assert_true(o.b.len <= max);
		assert_int_equal(rc, max >= need ? 0 : RP_ELIMIT);
		size_t len = o.b.len;
		rp_jsonw_null(&o.w);
		if (rc != 0) {
			assert_int_equal(o.b.len, len);
			assert_int_equal(rp_jsonw_end(&o.w), RP_ELIMIT);
		}
		rp_buf_fini(&o.b);
	}
}

/* A text that just fits is not refused. */
static void test_exact_limit(void **state)
{
	static const char *const texts[] = {"", "plain", "with \"", "\xc3\xa4"};
	static const size_t lens[] = {2, 7, 9, 4};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(texts); i++) {
		for (size_t max = lens[i] - 1; max <= lens[i] + 1; max++) {
			struct output o;
			rp_buf_init(&o.b, max);
			rp_jsonw_init(&o.w, &o.b);
			rp_jsonw_str(&o.w, texts[i]);
			assert_int_equal(rp_jsonw_end(&o.w), max >= lens[i] ? 0 : RP_ELIMIT);
			rp_buf_fini(&o.b);
		}
	}
}

static void test_random_strings(void **state)
{
	(void)state;
	for (size_t i = rp_slow_fewer(5000); i > 0; i--) {
		char text[60];
		struct output o;
		struct rp_json *j;
		size_t n = rp_prng_below(sizeof(text));
		rp_prng_bytes(text, n);
		/* Half of them mostly plain, so that both paths and their seams are used. */
		for (size_t k = 0; i % 2 == 0 && k < n; k++) {
			text[k] = rp_prng_below(8) > 0 ? 'a' : text[k];
		}
		start(&o);
		rp_jsonw_strn(&o.w, rp_str_n(text, n));
		assert_int_equal(rp_jsonw_end(&o.w), 0);
		assert_int_equal(rp_json_parse(rp_buf_head(&o.b), o.b.len, &j, NULL), 0);
		if (rp_utf8_valid(text, n) && memchr(text, '\0', n) == NULL) {
			assert_true(rp_str_eq(rp_str_n(text, n), rp_json_string(j)));
		}
		rp_json_free(j);
		rp_buf_fini(&o.b);
	}
}

static int write_body(void *state)
{
	struct output o;
	(void)state;
	start(&o);
	write_some(&o.w);
	int rc = rp_jsonw_end(&o.w);
	rp_buf_fini(&o.b);
	return rc;
}

static void test_no_memory(void **state)
{
	(void)state;
	assert_int_equal(rp_oom_run(write_body, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_structure),
	    cmocka_unit_test(test_escapes),
	    cmocka_unit_test(test_every_byte_everywhere),
	    cmocka_unit_test(test_optional_strings),
	    cmocka_unit_test(test_integers),
	    cmocka_unit_test(test_doubles),
	    cmocka_unit_test(test_random_doubles),
	    cmocka_unit_test(test_containers),
	    cmocka_unit_test(test_limit_sticks),
	    cmocka_unit_test(test_exact_limit),
	    cmocka_unit_test(test_random_strings),
	    cmocka_unit_test(test_no_memory),
	};
	if (rp_alloc_hook_libraries() != 0) {
		return 1;
	}
	rp_prng_start();
	return rp_prng_report(cmocka_run_group_tests(tests, NULL, NULL));
}
