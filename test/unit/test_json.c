/* SPDX-License-Identifier: MIT */
/*
 * core/json: what is JSON and what is not, limits, numbers and texts that cJSON would bend, and
 * round trips. Structs described by tables are in test_jsontable.c.
 */
#include "core/json.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "test/lib/oom.h"
#include "test/lib/prng.h"
#include "test/lib/slow.h"

#define TEXT_MAX 20000

static struct rp_json *parse_n(const void *p, size_t n)
{
	struct rp_json *j = NULL;
	struct rp_err err = {0};
	int rc = rp_json_parse(p, n, &j, &err);
	if (rc != 0) {
		print_message("%.*s: %s\n", (int)RP_MIN(n, 200), (const char *)p, err.msg);
	}
	assert_int_equal(rc, 0);
	return j;
}

static struct rp_json *parse(const char *text)
{
	return parse_n(text, strlen(text));
}

/* The compact text of the document, owned. */
static char *print(const struct rp_json *j)
{
	struct rp_buf b;
	char *s;
	rp_buf_init(&b, SIZE_MAX);
	assert_int_equal(rp_json_print(j, &b), 0);
	assert_int_equal(rp_buf_take_string(&b, &s), 0);
	return s;
}

static void check(const char *text, const char *want)
{
	struct rp_json *j = parse(text);
	char *s = print(j);
	assert_string_equal(s, want);
	rp_free(s);
	rp_json_free(j);
}

static void test_valid(void **state)
{
	(void)state;
	check("null", "null");
	check(" \t\r\n true \n", "true");
	check("false", "false");
	check("[]", "[]");
	check("{ }", "{}");
	check("[ 1 , [ ] , { \"a\" : { } } ]", "[1,[],{\"a\":{}}]");
	check("{\"\":\"\"}", "{\"\":\"\"}");
	check("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\"", "\"\\\"\\\\/\\u0008\\u000c\\n\\r\\tA\"");
	check("[0,-0,1,-1,0.5,1e2,1E+2,1e-2,-1.25e1]", "[0,0,1,-1,0.5,100,100,0.01,-12.5]");
	check("{\"b\":1,\"a\":2,\"b\":3}", "{\"b\":1,\"a\":2,\"b\":3}");
	/* The text need not end with a NUL. */
	struct rp_json *j = parse_n("[1,2]]]", 5);
	assert_int_equal(rp_json_count(j), 2);
	rp_json_free(j);
}

static void test_invalid(void **state)
{
	static const char *const bad[] = {"", " ", "nul", "nullx", "True", "NaN", "Infinity", "+1",
	    "01", "-", "-a", "1.", ".5", "1e", "1e+", "0x10", "1_0", "--1", "'a'", "\"", "\"a",
	    "\"\\\"", "\"\\x41\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\", "\"a\nb\"", "\"\t\"", "[",
	    "]", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "[1}", "{", "}", "{]", "{\"a\"",
	    "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{\"a\" 1}", "{a:1}", "{1:1}",
	    "{\"a\":1 \"b\":2}", "{,}", "1 2", "[] []", "{} x", "null null", "\xef\xbb\xbf{}",
	    "// c\n1", "/**/1", "[1,\xff]", "\v1", "tru", "truefalse", "[\"a\"\"b\"]"};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(bad); i++) {
		struct rp_json *j = NULL;
		struct rp_err err = {0};
		int rc = rp_json_parse(bad[i], strlen(bad[i]), &j, &err);
		if (rc != RP_EINVAL) {
			print_message("accepted: %s\n", bad[i]);
		}
		assert_int_equal(rc, RP_EINVAL);
		assert_int_equal(err.code, RP_EINVAL);
		assert_memory_equal(err.msg, "invalid JSON", 12);
		assert_null(j);
		assert_int_equal(rp_json_parse(bad[i], strlen(bad[i]), &j, NULL), RP_EINVAL);
	}
	struct rp_json *j = NULL;
	assert_int_equal(rp_json_parse("1\0", 2, &j, NULL), RP_EINVAL);
	assert_int_equal(rp_json_parse("\"a\0b\"", 5, &j, NULL), RP_EINVAL);
	assert_int_equal(rp_json_parse("\"\\\0\"", 4, &j, NULL), RP_EINVAL);
	assert_int_equal(rp_json_parse(NULL, 0, &j, NULL), RP_EINVAL);
}

static void test_error_texts(void **state)
{
	static const struct {
		const char *text;
		const char *want;
	} cases[] = {
	    {"{\"a\":x}", "invalid JSON at byte 6: expected a value"},
	    {"{\"a\":1", "invalid JSON: unexpected end, expected ',' or '}'"},
	    {"[1 2]", "invalid JSON at byte 4: expected ',' or ']'"},
	    {"{\"a\":1}}", "invalid JSON at byte 8: text behind the value"},
	    {"\"\\x\"", "invalid JSON at byte 2: unknown escape"},
	    {"\"\x01\"", "invalid JSON at byte 2: control character in a string"},
	    {"1e999", "invalid JSON: number out of range"},
	};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(cases); i++) {
		struct rp_json *j;
		struct rp_err err;
		assert_int_equal(
		    rp_json_parse(cases[i].text, strlen(cases[i].text), &j, &err), RP_EINVAL);
		assert_string_equal(err.msg, cases[i].want);
	}
}

static void test_every_prefix_is_invalid(void **state)
{
	static const char text[] =
	    "{\"a\":[true,false,null,-12.5e-3,\"x\\u00e4\\n\xc3\xa4\"],\"b\":{}}";
	(void)state;
	for (size_t n = 0; n < sizeof(text) - 1; n++) {
		struct rp_json *j;
		/* A copy, so that reading over the end shows. */
		char *part = rp_memdup(text, n);
		assert_int_equal(rp_json_parse(part, n, &j, NULL), RP_EINVAL);
		rp_free(part);
	}
	rp_json_free(parse(text));
}

static int parse_nested(size_t depth, const char *open, const char *close)
{
	static char text[TEXT_MAX];
	struct rp_json *j = NULL;
	size_t n = 0;
	text[0] = '\0';
	for (size_t i = 0; i < depth; i++) {
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s", open);
	}
	n += (size_t)snprintf(text + n, sizeof(text) - n, "0");
	for (size_t i = 0; i < depth; i++) {
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s", close);
	}
	int rc = rp_json_parse(text, n, &j, NULL);
	if (rc == 0) {
		rp_json_free(j);
	}
	return rc;
}

static void test_depth(void **state)
{
	(void)state;
	assert_int_equal(parse_nested(RP_JSON_DEPTH_MAX, "[", "]"), 0);
	assert_int_equal(parse_nested(RP_JSON_DEPTH_MAX + 1, "[", "]"), RP_ELIMIT);
	assert_int_equal(parse_nested(RP_JSON_DEPTH_MAX, "{\"a\":", "}"), 0);
	assert_int_equal(parse_nested(RP_JSON_DEPTH_MAX + 1, "{\"a\":", "}"), RP_ELIMIT);
	assert_int_equal(parse_nested(5000, "[", "]"), RP_ELIMIT);
}

static void test_value_count(void **state)
{
	(void)state;
	if (rp_slow()) {
		return;
	}
	/* The array counts too. */
	for (size_t values = RP_JSON_VALUES_MAX - 1; values <= RP_JSON_VALUES_MAX + 1; values++) {
		struct rp_json *j = NULL;
		size_t n = 2 * (values - 1) + 1;
		char *text = rp_malloc(n);
		for (size_t i = 0; i < n; i++) {
			text[i] = i % 2 == 0 ? ',' : '0';
		}
		text[0] = '[';
		text[n - 1] = ']';
		int rc = rp_json_parse(text, n, &j, NULL);
		assert_int_equal(rc, values <= RP_JSON_VALUES_MAX ? 0 : RP_ELIMIT);
		if (rc == 0) {
			assert_int_equal(rp_json_count(j), values - 1);
			rp_json_free(j);
		}
		rp_free(text);
	}
}

static void test_access(void **state)
{
	struct rp_json *j = parse(
	    "{\"Name\":\"n\",\"name\":\"m\",\"on\":true,\"off\":false,\"l\":[1,\"x\"],\"o\":{},"
	    "\"z\":null}");
	(void)state;
	assert_int_equal(rp_json_type(j), RP_JSON_OBJECT);
	assert_int_equal(rp_json_count(j), 7);
	/* The last one, whatever its case. */
	assert_string_equal(rp_json_string(rp_json_get(j, "NAME")), "m");
	assert_string_equal(rp_json_string(rp_json_get(j, "Name")), "m");
	assert_null(rp_json_get(j, "nam"));
	assert_true(rp_json_true(rp_json_get(j, "on")));
	assert_false(rp_json_true(rp_json_get(j, "off")));
	assert_int_equal(rp_json_type(rp_json_get(j, "off")), RP_JSON_BOOL);
	assert_int_equal(rp_json_type(rp_json_get(j, "o")), RP_JSON_OBJECT);
	assert_int_equal(rp_json_type(rp_json_get(j, "z")), RP_JSON_NULL);
	const struct rp_json *l = rp_json_get(j, "l");
	assert_int_equal(rp_json_type(l), RP_JSON_ARRAY);
	assert_string_equal(rp_json_key(l), "l");
	const struct rp_json *e = rp_json_first(l);
	assert_null(rp_json_key(e));
	assert_null(rp_json_string(e));
	assert_true(rp_json_number(e) > 0.5);
	assert_string_equal(rp_json_string(rp_json_next(e)), "x");
	assert_null(rp_json_next(rp_json_next(e)));
	assert_null(rp_json_get(l, "x"));
	rp_json_free(j);
}

static void test_absent_is_null(void **state)
{
	int64_t i = 7;
	uint64_t u = 7;
	(void)state;
	assert_int_equal(rp_json_type(NULL), RP_JSON_NULL);
	assert_null(rp_json_get(NULL, "a"));
	assert_null(rp_json_first(NULL));
	assert_null(rp_json_next(NULL));
	assert_null(rp_json_key(NULL));
	assert_null(rp_json_string(NULL));
	assert_int_equal(rp_json_count(NULL), 0);
	assert_false(rp_json_true(NULL));
	assert_int_equal(rp_json_i64(NULL, &i), RP_EINVAL);
	assert_int_equal(rp_json_u64(NULL, &u), RP_EINVAL);
	assert_true(i == 7 && u == 7);
	assert_false(rp_json_number(NULL) > 0 || rp_json_number(NULL) < 0);
	rp_json_free(NULL);
	char *s = print(NULL);
	assert_string_equal(s, "null");
	rp_free(s);
}

static void check_string(const char *json, const char *want)
{
	struct rp_json *j = parse(json);
	assert_string_equal(rp_json_string(j), want);
	rp_json_free(j);
}

static void test_strings(void **state)
{
	(void)state;
	check_string("\"\\u00e4\\u20ac\\ud83d\\ude00\"", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
	check_string("\"\xc3\xa4\"", "\xc3\xa4");
	/* No C string holds a NUL: nothing must be cut off there. */
	check_string("\"admin\\u0000x\"", "admin\xef\xbf\xbdx");
	/* As Go reads them. */
	check_string("\"a\\ud800b\"",
	    "a\xef\xbf\xbd"
	    "b");
	check_string("\"\\udc00\\ud800\"", "\xef\xbf\xbd\xef\xbf\xbd");
	check_string("\"\\ud800\\ud83d\\ude00\"", "\xef\xbf\xbd\xf0\x9f\x98\x80");
	check_string("\"\\ud800\\u0041\"",
	    "\xef\xbf\xbd"
	    "A");
	check_string("\"a\xff\xc3\"", "a\xef\xbf\xbd\xef\xbf\xbd");
	check_string("\"\xed\xa0\x80\"", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
	check_string("\"\\\\u0000\xff\"", "\\u0000\xef\xbf\xbd");
	/* Repair leaves the rest of the document alone. */
	check(" { \"k\\u0000\" : [ 1.5 , \"\xff\" , \"\\\\\" ] }\n",
	    "{\"k\xef\xbf\xbd\":[1.5,\"\xef\xbf\xbd\",\"\\\\\"]}");
}

static void check_int(const char *text, bool signed_ok, int64_t i, bool unsigned_ok, uint64_t u)
{
	int64_t got_i = 77;
	uint64_t got_u = 77;
	struct rp_json *j = parse(text);
	assert_int_equal(rp_json_i64(j, &got_i), signed_ok ? 0 : RP_EINVAL);
	assert_int_equal(rp_json_u64(j, &got_u), unsigned_ok ? 0 : RP_EINVAL);
	assert_true(got_i == (signed_ok ? i : 77));
	assert_true(got_u == (unsigned_ok ? u : 77));
	rp_json_free(j);
}

static void test_whole_numbers(void **state)
{
	const uint64_t two63 = UINT64_C(1) << 63;
	(void)state;
	check_int("0", true, 0, true, 0);
	check_int("-1", true, -1, false, 0);
	check_int("1e3", true, 1000, true, 1000);
	check_int("5.0", true, 5, true, 5);
	check_int("5.5", false, 0, false, 0);
	check_int("1e-1", false, 0, false, 0);
	check_int("\"5\"", false, 0, false, 0);
	check_int("true", false, 0, false, 0);
	check_int(
	    "9007199254740993", true, INT64_C(9007199254740993), true, UINT64_C(9007199254740993));
	check_int("-9007199254740993", true, -INT64_C(9007199254740993), false, 0);
	check_int("9223372036854775807", true, INT64_MAX, true, (uint64_t)INT64_MAX);
	check_int("9223372036854775808", false, 0, true, two63);
	check_int("-9223372036854775808", true, INT64_MIN, false, 0);
	check_int("-9223372036854775809", false, 0, false, 0);
	check_int("18446744073709551615", false, 0, true, UINT64_MAX);
	check_int("18446744073709551616", false, 0, false, 0);
	check_int("1e18", true, INT64_C(1000000000000000000), true, UINT64_C(1000000000000000000));
	check_int("1e19", false, 0, true, UINT64_C(10000000000000000000));
	check_int("1e20", false, 0, false, 0);
	check_int("9223372036854775808.0", false, 0, true, two63);
	check_int("-0", true, 0, true, 0);
}

static void test_number_texts(void **state)
{
	char text[80];
	struct rp_json *j;
	(void)state;
	check("[12345678901234567890123,1,\"-5\",{\"5\":18446744073709551615}]",
	    "[12345678901234567890123,1,\"-5\",{\"5\":18446744073709551615}]");
	check("1e-400", "0");
	/* The longest one that cJSON's buffer takes. */
	for (int n = 62; n <= 64; n++) {
		(void)snprintf(text, sizeof(text), "0.%0*d", n - 2, 5);
		int rc = rp_json_parse(text, strlen(text), &j, NULL);
		assert_int_equal(rc, n <= 63 ? 0 : RP_EINVAL);
		if (rc == 0) {
			assert_true(rp_json_number(j) > 0);
			rp_json_free(j);
		}
	}
	static const char *const out[] = {"1e999", "-1e999", "[1,{\"a\":1e309}]"};
	for (size_t i = 0; i < RP_ARRAY_LEN(out); i++) {
		assert_int_equal(rp_json_parse(out[i], strlen(out[i]), &j, NULL), RP_EINVAL);
	}
}

static void test_random_integers(void **state)
{
	(void)state;
	for (size_t i = rp_slow_fewer(3000); i > 0; i--) {
		int64_t v = rp_prng_edge_i64();
		char text[32];
		(void)snprintf(text, sizeof(text), "%" PRId64, v);
		check(text, text);
		check_int(text, true, v, v >= 0, (uint64_t)v);
		(void)snprintf(text, sizeof(text), "%" PRIu64, (uint64_t)v);
		check(text, text);
	}
}

struct writer {
	char text[TEXT_MAX];
	size_t n;
};

static void add(struct writer *w, const char *s)
{
	size_t len = strlen(s);
	assert_true(w->n + len < sizeof(w->text));
	memcpy(w->text + w->n, s, len + 1);
	w->n += len;
}

static void add_space(struct writer *w)
{
	static const char *const spaces[] = {"", "", "", " ", "\n\t", "\r\n "};
	add(w, spaces[rp_prng_below(RP_ARRAY_LEN(spaces))]);
}

static void add_string(struct writer *w)
{
	static const char *const parts[] = {"a", "key", " ", "\\n", "\\\"", "\\\\", "\\/",
	    "\\u0000", "\\u00e4", "\\ud83d\\ude00", "\\ud800", "\\udfff", "\xc3\xa4", "\xff",
	    "\xe2\x80\xa8", "<", "&", "\x7f", "\xf0\x9f\x98\x80", "\xed\xa0\x80", "{[\xc2\xa0,:"};
	add(w, "\"");
	for (size_t i = rp_prng_below(6); i > 0; i--) {
		add(w, parts[rp_prng_below(RP_ARRAY_LEN(parts))]);
	}
	add(w, "\"");
}

static void add_value(struct writer *w, size_t depth)
{
	static const char *const plain[] = {"null", "true", "false", "0", "-1", "1.5", "1e10",
	    "123456789012345678", "-0.001", "1e300", "1E-300", "18446744073709551616"};
	size_t kind = rp_prng_below(depth > 5 || w->n > TEXT_MAX / 2 ? 2 : 4);
	add_space(w);
	if (kind == 0) {
		add(w, plain[rp_prng_below(RP_ARRAY_LEN(plain))]);
	} else if (kind == 1) {
		add_string(w);
	} else {
		add(w, kind == 2 ? "[" : "{");
		for (size_t i = 0, n = rp_prng_below(5); i < n; i++) {
			add(w, i > 0 ? "," : "");
			if (kind == 3) {
				add_space(w);
				add_string(w);
				add(w, ":");
			}
			add_value(w, depth + 1);
		}
		add(w, kind == 2 ? "]" : "}");
	}
	add_space(w);
}

/* Random documents: what is printed parses to what prints the same. */
static void test_random_documents(void **state)
{
	static struct writer w;
	(void)state;
	for (size_t i = rp_slow_fewer(1500); i > 0; i--) {
		w.n = 0;
		add_value(&w, 0);
		char *copy = rp_memdup(w.text, w.n);
		struct rp_json *j = parse_n(copy, w.n);
		rp_free(copy);
		char *first = print(j);
		rp_json_free(j);
		assert_true(rp_utf8_valid(first, strlen(first)));
		check(first, first);
		rp_free(first);
	}
}

/* Mutated documents may be anything, but never crash, and valid ones come back. */
static void test_mutations(void **state)
{
	static struct writer w;
	(void)state;
	for (size_t i = rp_slow_fewer(5000); i > 0; i--) {
		struct rp_json *j;
		w.n = 0;
		add_value(&w, 0);
		for (size_t m = 1 + rp_prng_below(3); m > 0; m--) {
			static const char bytes[] = "\"\\{}[],:0e.-+u \xff\x01tfn";
			w.text[rp_prng_below(w.n)] = bytes[rp_prng_below(sizeof(bytes))];
		}
		char *copy = rp_memdup(w.text, w.n);
		int rc = rp_json_parse(copy, w.n, &j, NULL);
		rp_free(copy);
		assert_true(rc == 0 || rc == RP_EINVAL);
		if (rc == 0) {
			char *s = print(j);
			rp_json_free(j);
			check(s, s);
			rp_free(s);
		}
	}
}

static int parse_and_print(void *state)
{
	static const char text[] =
	    "{\"a\":[1,12345678901234567890,\"x\\u0000\"],\"b\":{\"c\":null}}";
	struct rp_json *j;
	struct rp_buf b;
	(void)state;
	int rc = rp_json_parse(text, sizeof(text) - 1, &j, NULL);
	if (rc != 0) {
		return rc;
	}
	rp_buf_init(&b, 1000);
	rc = rp_json_print(j, &b);
	rp_buf_fini(&b);
	rp_json_free(j);
	return rc;
}

static void test_no_memory(void **state)
{
	(void)state;
	assert_int_equal(rp_oom_run(parse_and_print, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_valid),
	    cmocka_unit_test(test_invalid),
	    cmocka_unit_test(test_error_texts),
	    cmocka_unit_test(test_every_prefix_is_invalid),
	    cmocka_unit_test(test_depth),
	    cmocka_unit_test(test_value_count),
	    cmocka_unit_test(test_access),
	    cmocka_unit_test(test_absent_is_null),
	    cmocka_unit_test(test_strings),
	    cmocka_unit_test(test_whole_numbers),
	    cmocka_unit_test(test_number_texts),
	    cmocka_unit_test(test_random_integers),
	    cmocka_unit_test(test_random_documents),
	    cmocka_unit_test(test_mutations),
	    cmocka_unit_test(test_no_memory),
	};
	if (rp_alloc_hook_libraries() != 0) {
		return 1;
	}
	rp_prng_start();
	return rp_prng_report(cmocka_run_group_tests(tests, NULL, NULL));
}
