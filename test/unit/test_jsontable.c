/* SPDX-License-Identifier: MIT */
/*
 * Structs described by tables (core/json.h, core/jsonw.h): every kind in both directions, every
 * wrong type, what Go does with null, duplicates and case, copies, limits, and failing memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/json.h"
#include "core/jsonw.h"
#include "test/lib/oom.h"
#include "test/lib/slow.h"

struct remote {
	char *lport;
	int64_t timeout;
	struct rp_strmap labels;
};

static const struct rp_json_field remote_fields[] = {
    {"lport", RP_FIELD_STR, RP_FIELD_F_REQUIRED, offsetof(struct remote, lport), NULL},
    {"timeout", RP_FIELD_INT, 0, offsetof(struct remote, timeout), NULL},
    {"labels", RP_FIELD_STRMAP, 0, offsetof(struct remote, labels), NULL},
};
static const struct rp_json_table remote_table = RP_JSON_TABLE(remote_fields, struct remote);

struct inner {
	bool on;
	int64_t since;
	struct rp_json_vec remotes;
};

static const struct rp_json_field inner_fields[] = {
    {"on", RP_FIELD_BOOL, 0, offsetof(struct inner, on), NULL},
    {"since", RP_FIELD_TIME_OPT, 0, offsetof(struct inner, since), NULL},
    {"remotes", RP_FIELD_LIST, 0, offsetof(struct inner, remotes), &remote_table},
};
static const struct rp_json_table inner_table = RP_JSON_TABLE(inner_fields, struct inner);

/* One field of every kind. */
struct all {
	char *str;
	char *str_opt;
	bool boolean;
	int64_t integer;
	struct rp_opt_i64 int_opt;
	uint64_t uint;
	double number;
	int64_t time;
	int64_t time_opt;
	struct rp_strlist strlist;
	struct rp_strlist strlist_null;
	struct rp_strmap strmap;
	char *raw;
	struct inner obj;
	struct rp_json_vec list;
};

#define ROWS(flags)                                                                            \
	{"str", RP_FIELD_STR, flags, offsetof(struct all, str), NULL},                         \
	    {"str_opt", RP_FIELD_STR_OPT, flags, offsetof(struct all, str_opt), NULL},         \
	    {"bool", RP_FIELD_BOOL, flags, offsetof(struct all, boolean), NULL},               \
	    {"int", RP_FIELD_INT, flags, offsetof(struct all, integer), NULL},                 \
	    {"int_opt", RP_FIELD_INT_OPT, flags, offsetof(struct all, int_opt), NULL},         \
	    {"uint", RP_FIELD_UINT, flags, offsetof(struct all, uint), NULL},                  \
	    {"double", RP_FIELD_DOUBLE, flags, offsetof(struct all, number), NULL},            \
	    {"time", RP_FIELD_TIME, flags, offsetof(struct all, time), NULL},                  \
	    {"time_opt", RP_FIELD_TIME_OPT, flags, offsetof(struct all, time_opt), NULL},      \
	    {"strlist", RP_FIELD_STRLIST, flags, offsetof(struct all, strlist), NULL},         \
	    {"strlist_null", RP_FIELD_STRLIST_NULL, flags, offsetof(struct all, strlist_null), \
	        NULL},                                                                         \
	    {"strmap", RP_FIELD_STRMAP, flags, offsetof(struct all, strmap), NULL},            \
	    {"raw", RP_FIELD_RAW, flags, offsetof(struct all, raw), NULL},                     \
	    {"obj", RP_FIELD_OBJ, flags, offsetof(struct all, obj), &inner_table},             \
	    {"list", RP_FIELD_LIST, flags, offsetof(struct all, list), &remote_table},

static const struct rp_json_field all_fields[] = {ROWS(0)};
static const struct rp_json_table all_table = RP_JSON_TABLE(all_fields, struct all);
static const struct rp_json_field omit_fields[] = {ROWS(RP_FIELD_F_OMITEMPTY)};
static const struct rp_json_table omit_table = RP_JSON_TABLE(omit_fields, struct all);

static const char full[] =
    "{\"str\":\"s\",\"str_opt\":\"\",\"bool\":true,\"int\":-9223372036854775808,\"int_opt\":0,"
    "\"uint\":18446744073709551615,\"double\":0.25,\"time\":\"2026-11-22T18:08:42.5Z\","
    "\"time_opt\":\"2026-11-22T18:08:42Z\",\"strlist\":[\"a\",\"\"],\"strlist_null\":[\"b\"],"
    "\"strmap\":{\"k\":\"v\",\"K\":\"w\"},\"raw\":{\"x\":[1,null,12345678901234567890]},"
    "\"obj\":{\"on\":true,\"since\":null,\"remotes\":[{\"lport\":\"1\",\"timeout\":2,"
    "\"labels\":{\"a\":\"b\"}}]},"
    "\"list\":[{\"lport\":\"\",\"timeout\":0,\"labels\":{}},"
    "{\"lport\":\"x\",\"timeout\":5,\"labels\":{}}]}";

static const char empty[] =
    "{\"str\":\"\",\"str_opt\":null,\"bool\":false,\"int\":0,\"int_opt\":null,\"uint\":0,"
    "\"double\":0,\"time\":\"0001-01-01T00:00:00Z\",\"time_opt\":null,\"strlist\":[],"
    "\"strlist_null\":null,\"strmap\":{},\"raw\":null,"
    "\"obj\":{\"on\":false,\"since\":null,\"remotes\":[]},\"list\":[]}";

static int decode(const char *text, bool strict, struct all *a, struct rp_err *err)
{
	memset(a, 0, sizeof(*a));
	return rp_json_decode_text(text, strlen(text), &all_table, strict, a, err);
}

static char *encode(const struct rp_json_table *t, const void *src)
{
	struct rp_buf b;
	struct rp_jsonw w;
	char *s;
	rp_buf_init(&b, 100000);
	rp_jsonw_init(&w, &b);
	rp_jsonw_struct(&w, t, src);
	assert_int_equal(rp_jsonw_end(&w), 0);
	assert_int_equal(rp_buf_take_string(&b, &s), 0);
	return s;
}

static void assert_encodes(const struct rp_json_table *t, const void *src, const char *want)
{
	char *s = encode(t, src);
	assert_string_equal(s, want);
	rp_free(s);
}

static void assert_zeroed(const struct all *a)
{
	static const struct all zero;
	assert_memory_equal(a, &zero, sizeof(zero));
}

static void test_round_trip(void **state)
{
	struct all a;
	(void)state;
	assert_int_equal(decode(full, true, &a, NULL), 0);
	assert_string_equal(a.str, "s");
	assert_string_equal(a.str_opt, "");
	assert_true(a.boolean);
	assert_true(a.integer == INT64_MIN);
	assert_true(a.int_opt.set && a.int_opt.v == 0);
	assert_true(a.uint == UINT64_MAX);
	assert_true(a.number > 0.24 && a.number < 0.26);
	assert_int_equal(a.strlist.n, 2);
	assert_string_equal(rp_strmap_get(&a.strmap, "k"), "v");
	assert_string_equal(a.raw, "{\"x\":[1,null,12345678901234567890]}");
	assert_true(a.obj.on);
	assert_true(a.obj.since == RP_TIME_ZERO);
	assert_int_equal(a.obj.remotes.n, 1);
	assert_string_equal(((struct remote *)a.list.v)[1].lport, "x");
	assert_encodes(&all_table, &a, full);
	assert_encodes(&omit_table, &a, full);
	rp_json_release(&all_table, &a);
	assert_zeroed(&a);
	rp_json_release(&all_table, &a);
}

static void test_empty(void **state)
{
	static const char nulls[] =
	    "{\"str\":null,\"str_opt\":null,\"bool\":null,\"int\":null,\"int_opt\":null,\"uint\":null,"
	    "\"double\":null,\"time\":null,\"time_opt\":null,\"strlist\":null,\"strlist_null\":null,"
	    "\"strmap\":null,\"raw\":null,\"obj\":null,\"list\":null}";
	static const char *const texts[] = {"{}", nulls, empty};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(texts); i++) {
		struct all a;
		assert_int_equal(decode(texts[i], true, &a, NULL), 0);
		assert_true(a.time == RP_TIME_ZERO && a.time_opt == RP_TIME_ZERO);
		assert_true(a.obj.since == RP_TIME_ZERO);
		assert_encodes(&all_table, &a, empty);
		assert_encodes(
		    &omit_table, &a, "{\"obj\":{\"on\":false,\"since\":null,\"remotes\":[]}}");
		rp_json_release(&all_table, &a);
	}
	struct all a = {0};
	rp_json_defaults(&all_table, &a);
	assert_encodes(&all_table, &a, empty);
}

/* Which types each kind takes, in the order of values below. */
static void test_wrong_types(void **state)
{
	static const char *const values[] = {"true", "1", "\"x\"", "[]", "{}"};
	static const char *const found[] = {
	    "a boolean", "a number", "a string", "an array", "an object"};
	static const struct {
		const char *key;
		const char *expected;
		const char *takes;
	} kinds[] = {
	    {"str", "a string", "00100"},
	    {"str_opt", "a string", "00100"},
	    {"bool", "true or false", "10000"},
	    {"int", "a whole number", "01000"},
	    {"int_opt", "a whole number", "01000"},
	    {"uint", "a whole number", "01000"},
	    {"double", "a number", "01000"},
	    {"time", "a time (RFC 3339)", "00-00"}, /* -: another error */
	    {"time_opt", "a time (RFC 3339)", "00-00"},
	    {"strlist", "an array of strings", "00010"},
	    {"strlist_null", "an array of strings", "00010"},
	    {"strmap", "an object of strings", "00001"},
	    {"raw", "", "11111"},
	    {"obj", "an object", "00001"},
	    {"list", "an array", "00010"},
	};
	(void)state;
	assert_int_equal(RP_ARRAY_LEN(kinds), RP_ARRAY_LEN(all_fields));
	for (size_t k = 0; k < RP_ARRAY_LEN(kinds); k++) {
		for (size_t v = 0; v < RP_ARRAY_LEN(values); v++) {
			struct all a;
			struct rp_err err = {0};
			char text[100];
			char want[100];
			(void)snprintf(text, sizeof(text), "{\"str\":\"kept\",\"%s\":%s}",
			    kinds[k].key, values[v]);
			int rc = decode(text, false, &a, &err);
			if (kinds[k].takes[v] == '1') {
				assert_int_equal(rc, 0);
				rp_json_release(&all_table, &a);
				continue;
			}
			assert_int_equal(rc, RP_EINVAL);
			assert_zeroed(&a);
			(void)snprintf(want, sizeof(want), "%s: expected %s, found %s",
			    kinds[k].key, kinds[k].expected,
			    kinds[k].takes[v] == '-' ? "another text" : found[v]);
			assert_string_equal(err.msg, want);
		}
	}
}

static void check_error(const char *text, int code, const char *want)
{
	struct all a;
	struct rp_err err = {0};
	assert_int_equal(decode(text, true, &a, &err), code);
	assert_string_equal(err.msg, want);
	assert_zeroed(&a);
	assert_int_equal(decode(text, true, &a, NULL), code);
}

static void test_error_texts(void **state)
{
	(void)state;
	check_error("[]", RP_EINVAL, "expected an object, found an array");
	check_error("null", RP_EINVAL, "expected an object, found null");
	check_error("{\"x\":1}", RP_EINVAL, "json: unknown field \"x\"");
	check_error("{\"obj\":{\"y\":1}}", RP_EINVAL, "json: unknown field \"y\"");
	check_error("{\"obj\":{\"on\":\"x\"}}", RP_EINVAL,
	    "obj.on: expected true or false, found a string");
	check_error("{\"OBJ\":{\"Remotes\":[{\"lport\":\"\"},{\"LPORT\":1}]}}", RP_EINVAL,
	    "obj.remotes[1].lport: expected a string, found a number");
	check_error("{\"list\":[{\"lport\":\"1\",\"labels\":{\"a\":\"\",\"b\":[]}}]}", RP_EINVAL,
	    "list[0].labels.b: expected a string, found an array");
	check_error("{\"list\":[1]}", RP_EINVAL, "list[0]: expected an object, found a number");
	check_error("{\"list\":[{}]}", RP_EINVAL, "list[0].lport: missing");
	check_error("{\"list\":[{\"lport\":null}]}", RP_EINVAL, "list[0].lport: missing");
	check_error(
	    "{\"strlist\":[\"a\",2]}", RP_EINVAL, "strlist[1]: expected a string, found a number");
	check_error(
	    "{\"int\":1.5}", RP_EINVAL, "int: expected a whole number of 64 bits, found 1.5");
	check_error(
	    "{\"int\":1e30}", RP_EINVAL, "int: expected a whole number of 64 bits, found 1e+30");
	check_error("{\"uint\":-1}", RP_EINVAL,
	    "uint: expected a whole number of 64 bits from 0 up, found -1");
	check_error("{", RP_EINVAL, "invalid JSON: unexpected end, expected a key");
}

static void test_unknown_fields_are_ignored(void **state)
{
	struct all a;
	(void)state;
	assert_int_equal(
	    decode("{\"x\":{\"str\":1},\"str\":\"s\",\"obj\":{\"y\":1}}", false, &a, NULL), 0);
	assert_string_equal(a.str, "s");
	rp_json_release(&all_table, &a);
}

static void test_case_and_duplicates(void **state)
{
	struct all a;
	(void)state;
	assert_int_equal(decode("{\"STR\":\"a\",\"str\":\"b\",\"Str\":\"c\","
	                        "\"strlist\":[\"a\",\"b\"],\"strlist\":[\"c\"],"
	                        "\"list\":[{\"lport\":\"1\"}],\"list\":[],"
	                        "\"int\":5,\"int\":null,\"time\":\"2026-11-22T18:08:42Z\"}",
	                     false, &a, NULL),
	    0);
	assert_string_equal(a.str, "c");
	assert_int_equal(a.strlist.n, 1);
	assert_string_equal(a.strlist.v[0], "c");
	assert_int_equal(a.list.n, 0);
	assert_int_equal(a.integer, 5); /* null leaves what is there */
	rp_json_release(&all_table, &a);
	/* A wrong type fails also where a later duplicate would be right. */
	assert_int_equal(decode("{\"int\":\"x\",\"int\":5}", false, &a, NULL), RP_EINVAL);
}

static void test_null_elements(void **state)
{
	struct all a;
	(void)state;
	assert_int_equal(
	    decode("{\"strlist\":[null,\"a\"],\"strmap\":{\"k\":null}}", false, &a, NULL), 0);
	assert_encodes(
	    &remote_table, &(struct remote){0}, "{\"lport\":\"\",\"timeout\":0,\"labels\":{}}");
	assert_string_equal(a.strlist.v[0], "");
	assert_string_equal(rp_strmap_get(&a.strmap, "k"), "");
	rp_json_release(&all_table, &a);
	assert_int_equal(decode("{\"obj\":{\"remotes\":[null]}}", false, &a, NULL), 0);
	assert_int_equal(a.obj.remotes.n, 1);
	rp_json_release(&all_table, &a);
}

/* {"key":[item,item,...]} or {"key":{"0":item,...}} with n items. */
static int decode_many(const char *key, const char *item, bool object, size_t n)
{
	struct rp_buf b;
	struct all a = {0};
	rp_buf_init(&b, 10000000);
	int rc = rp_buf_printf(&b, "{\"%s\":%s", key, object ? "{" : "[");
	for (size_t i = 0; rc == 0 && i < n; i++) {
		rc = object ? rp_buf_printf(&b, "%s\"%zu\":%s", i > 0 ? "," : "", i, item)
		            : rp_buf_printf(&b, "%s%s", i > 0 ? "," : "", item);
	}
	rc = rc != 0 ? rc : rp_buf_add_str(&b, object ? "}}" : "]}");
	rc = rc != 0 ? rc : rp_json_decode_text(rp_buf_head(&b), b.len, &all_table, true, &a, NULL);
	rp_buf_fini(&b);
	if (rc == 0) {
		rp_json_release(&all_table, &a);
	}
	return rc;
}

static void test_limits(void **state)
{
	(void)state;
	assert_int_equal(decode_many("strmap", "\"\"", true, RP_JSON_MAP_MAX), 0);
	assert_int_equal(decode_many("strmap", "\"\"", true, RP_JSON_MAP_MAX + 1), RP_ELIMIT);
	if (!rp_slow()) {
		static const char item[] = "{\"lport\":\"\"}";
		assert_int_equal(decode_many("list", item, false, RP_JSON_LIST_MAX), 0);
		assert_int_equal(decode_many("list", item, false, RP_JSON_LIST_MAX + 1), RP_ELIMIT);
	}
}

static void test_clone(void **state)
{
	struct all a;
	struct all b = {0};
	(void)state;
	assert_int_equal(decode(full, true, &a, NULL), 0);
	assert_int_equal(rp_json_clone(&all_table, &a, &b), 0);
	rp_json_release(&all_table, &a);
	assert_encodes(&all_table, &b, full);
	rp_json_release(&all_table, &b);
	assert_int_equal(decode("{}", true, &a, NULL), 0);
	assert_int_equal(rp_json_clone(&all_table, &a, &b), 0);
	assert_null(b.str);
	assert_encodes(&all_table, &b, empty);
	rp_json_release(&all_table, &b);
}

static int decode_clone_write(void *state)
{
	struct all a = {0};
	struct all b = {0};
	struct rp_buf out;
	struct rp_jsonw w;
	(void)state;
	int rc = rp_json_decode_text(full, sizeof(full) - 1, &all_table, true, &a, NULL);
	if (rc != 0) {
		return rc;
	}
	rc = rp_json_clone(&all_table, &a, &b);
	rp_json_release(&all_table, &a);
	if (rc != 0) {
		return rc;
	}
	rp_buf_init(&out, 10000);
	rp_jsonw_init(&w, &out);
	rp_jsonw_struct(&w, &all_table, &b);
	rc = rp_jsonw_end(&w);
	rp_buf_fini(&out);
	rp_json_release(&all_table, &b);
	return rc;
}

static void test_no_memory(void **state)
{
	(void)state;
	assert_int_equal(rp_oom_run(decode_clone_write, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_round_trip),
	    cmocka_unit_test(test_empty),
	    cmocka_unit_test(test_wrong_types),
	    cmocka_unit_test(test_error_texts),
	    cmocka_unit_test(test_unknown_fields_are_ignored),
	    cmocka_unit_test(test_case_and_duplicates),
	    cmocka_unit_test(test_null_elements),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_clone),
	    cmocka_unit_test(test_no_memory),
	};
	if (rp_alloc_hook_libraries() != 0) {
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
