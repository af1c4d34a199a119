/* SPDX-License-Identifier: MIT */
/*
 * Compact JSON spread over lines: each kind of value, and it still says the same.
 */
#include "core/jsonpretty.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/err.h"
#include "core/json.h"

static const char *const cases[][2] = {
    {"[]", "[]\n"},
    {"{}", "{}\n"},
    {"null", "null\n"},
    {"\"a,b\"", "\"a,b\"\n"},
    {"[1,-2.5e3]", "[\n\t1,\n\t-2.5e3\n]\n"},
    {"[[],{}]", "[\n\t[],\n\t{}\n]\n"},
    {"{\"a\":1,\"b\":[true]}", "{\n\t\"a\": 1,\n\t\"b\": [\n\t\ttrue\n\t]\n}\n"},
    /* Marks inside of texts are none. */
    {"{\"{[\\\"]\":\"\\\\\"}", "{\n\t\"{[\\\"]\": \"\\\\\"\n}\n"},
    {"[\"\\\\\\\"\",\"[\"]", "[\n\t\"\\\\\\\"\",\n\t\"[\"\n]\n"},
};

static void test_forms(void **state)
{
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(cases); i++) {
		struct rp_buf out;
		rp_buf_init(&out, 1024);
		assert_int_equal(rp_json_pretty(rp_str_c(cases[i][0]), "\t", &out), 0);
		assert_int_equal(out.len, strlen(cases[i][1]));
		assert_memory_equal(rp_buf_head(&out), cases[i][1], out.len);
		rp_buf_fini(&out);
	}
}

static void test_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(cases); i++) {
		struct rp_json *j = NULL;
		struct rp_buf out;
		rp_buf_init(&out, 1024);
		assert_int_equal(rp_json_parse(cases[i][1], strlen(cases[i][1]), &j, NULL), 0);
		assert_int_equal(rp_json_print(j, &out), 0);
		if (i != 4) { /* the number is printed in another form */
			assert_int_equal(out.len, strlen(cases[i][0]));
			assert_memory_equal(rp_buf_head(&out), cases[i][0], out.len);
		}
		rp_json_free(j);
		rp_buf_fini(&out);
	}
}

static void test_limit(void **state)
{
	struct rp_buf out;
	(void)state;
	rp_buf_init(&out, 8);
	assert_int_equal(rp_json_pretty(rp_str_c("[1,2,3,4,5]"), "    ", &out), RP_ELIMIT);
	rp_buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_forms),
	    cmocka_unit_test(test_same),
	    cmocka_unit_test(test_limit),
	};
	return cmocka_run_group_tests_name("jsonpretty", tests, NULL, NULL);
}
