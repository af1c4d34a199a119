/* SPDX-License-Identifier: MIT */
/*
 * After letting go of the program's pages the program goes on, with its data as it was.
 */
#include "core/footprint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define BIG_KB 1024

static int written = 1;
static const uint8_t big[BIG_KB * 1024] = {1};
static const char *const pointers[] = {"relocated", "as well"};

static long resident_file_kb(void)
{
	char line[128];
	long kb = -1;
	FILE *f = fopen("/proc/self/status", "re");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		(void)sscanf(line, "RssFile: %ld", &kb);
	}
	(void)fclose(f);
	return kb;
}

/* The sum of its bytes, which makes all of it resident. */
static unsigned touch(void)
{
	const volatile uint8_t *p = big;
	unsigned sum = 0;
	for (size_t i = 0; i < sizeof(big); i++) {
		sum += p[i];
	}
	return sum;
}

static void test_trim(void **state)
{
	(void)state;
	written = 42;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(touch(), 1);
		long before = resident_file_kb();
		rp_footprint_trim();
		assert_true(resident_file_kb() < before - BIG_KB / 2);
		assert_int_equal(written, 42);
		assert_string_equal(pointers[0], "relocated");
		assert_string_equal(pointers[1], "as well");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_trim),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
