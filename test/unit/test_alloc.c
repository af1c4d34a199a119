/* SPDX-License-Identifier: MIT */
/*
 * core/alloc: sizes at their limits, failures, secrets, and the libraries that allocate through it.
 */
#include "core/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <uv.h>

#include "core/err.h"
#include "core/json.h"
#include "test/lib/oom.h"

static void test_zero_size(void **state)
{
	(void)state;
	void *blocks[] = {rp_malloc(0), rp_calloc(0, 8), rp_calloc(8, 0),
	    rp_reallocarray(NULL, 0, 4), rp_memdup(NULL, 0)};
	for (size_t i = 0; i < RP_ARRAY_LEN(blocks); i++) {
		assert_non_null(blocks[i]);
		rp_free(blocks[i]);
	}
	void *p = rp_malloc(4);
	p = rp_reallocarray(p, 4, 0);
	assert_non_null(p);
	rp_free(p);
	rp_free(NULL);
}

static void test_overflow(void **state)
{
	(void)state;
	size_t half = SIZE_MAX / 2 + 1;
	assert_null(rp_calloc(half, 2));
	assert_null(rp_calloc(2, half));
	char *p = rp_strdup("kept");
	assert_null(rp_reallocarray(p, half, 2));
	assert_string_equal(p, "kept");
	rp_free(p);
}

static void test_calloc_zeroes(void **state)
{
	static const unsigned char zeros[300];
	(void)state;
	unsigned char *p = rp_calloc(3, 100);
	assert_memory_equal(p, zeros, sizeof(zeros));
	rp_free(p);
}

static void test_text(void **state)
{
	(void)state;
	const char unterminated[3] = {'a', 'b', 'c'};
	char *s = rp_strndup(unterminated, sizeof(unterminated));
	assert_string_equal(s, "abc");
	rp_free(s);
	s = rp_strndup("ab", 10);
	assert_string_equal(s, "ab");
	rp_free(s);
	s = rp_strndup("ab", 0);
	assert_string_equal(s, "");
	rp_free(s);
	s = rp_asprintf("%s-%05d", "x", 42);
	assert_string_equal(s, "x-00042");
	rp_free(s);
	s = rp_asprintf("%*s", 5000, "");
	assert_int_equal(strlen(s), 5000);
	rp_free(s);
}

static char last_freed[8];

static void peek_free(void *p)
{
	if (p != NULL) {
		memcpy(last_freed, p, sizeof(last_freed));
	}
	free(p);
}

static void test_secret_is_wiped(void **state)
{
	static const struct rp_alloc_hooks hooks = {
	    .malloc_fn = malloc, .calloc_fn = calloc, .realloc_fn = realloc, .free_fn = peek_free};
	static const char zeros[sizeof(last_freed)];
	(void)state;
	rp_alloc_set_hooks(&hooks);
	char *s = rp_strdup("secret!");
	rp_free_secret(s);
	rp_alloc_set_hooks(NULL);
	assert_memory_equal(last_freed, zeros, sizeof(zeros));
	rp_free_secret(NULL);
}

static int every_function(void *state)
{
	(void)state;
	void *blocks[] = {rp_malloc(1), rp_calloc(1, 1), rp_reallocarray(NULL, 1, 1),
	    rp_strdup("a"), rp_strndup("a", 1), rp_memdup("a", 1), rp_asprintf("a")};
	int rc = 0;
	for (size_t i = 0; i < RP_ARRAY_LEN(blocks); i++) {
		rc = blocks[i] == NULL ? RP_ENOMEM : rc;
		rp_free(blocks[i]);
	}
	return rc;
}

static void test_no_memory(void **state)
{
	(void)state;
	assert_int_equal(rp_oom_run(every_function, NULL), 0);
}

static void test_libraries(void **state)
{
	(void)state;
	rp_oom_count_start();
	char *p = sqlite3_malloc(10);
	assert_non_null(p);
	assert_int_equal(rp_oom_live(), 1);
	memset(p, 'x', 10);
	p = sqlite3_realloc(p, 1000);
	assert_non_null(p);
	assert_memory_equal(p, "xxxxxxxxxx", 10);
	assert_true(sqlite3_msize(p) >= 1000);
	sqlite3_free(p);
	assert_int_equal(rp_oom_live(), 0);

	struct rp_json *j;
	assert_int_equal(rp_json_parse("[1,2]", 5, &j, NULL), 0);
	assert_int_equal(rp_oom_live(), 3);
	rp_json_free(j);
	assert_int_equal(rp_oom_live(), 0);
	rp_oom_count_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_zero_size),
	    cmocka_unit_test(test_overflow),
	    cmocka_unit_test(test_calloc_zeroes),
	    cmocka_unit_test(test_text),
	    cmocka_unit_test(test_secret_is_wiped),
	    cmocka_unit_test(test_no_memory),
	    cmocka_unit_test(test_libraries),
	};
	if (rp_alloc_hook_libraries() != 0) {
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
