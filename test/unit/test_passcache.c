/* SPDX-License-Identifier: MIT */
/*
 * What counts as the password that was found right: the same user, password and stored hash, for a
 * while.
 */
#include "api/passcache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define NOW UINT64_C(1000)

static struct rp_passcache *cache;

static int setup(void **state)
{
	(void)state;
	cache = rp_passcache_new();
	assert_non_null(cache);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rp_passcache_free(cache);
	return 0;
}

static bool has(const char *name, const char *password, const char *hash)
{
	const struct rp_passcache_entry e = {name, password, hash};
	return rp_passcache_has(cache, &e, NOW + 1);
}

static void test_same(void **state)
{
	const struct rp_passcache_entry e = {"bob", "secret", "$2y$hash"};
	(void)state;
	assert_false(has("bob", "secret", "$2y$hash"));
	rp_passcache_add(cache, &e, NOW);
	assert_true(has("bob", "secret", "$2y$hash"));
	assert_false(has("bob", "secret ", "$2y$hash"));
	assert_false(has("bob", "", "$2y$hash"));
	assert_false(has("Bob", "secret", "$2y$hash"));
	/* Texts that are the same when put together. */
	assert_false(has("bo", "bsecret", "$2y$hash"));
	assert_false(has("bob", "hashsecret", "$2y$"));
	/* The user has got another password. */
	assert_false(has("bob", "secret", "$2y$other"));
}

static void test_end(void **state)
{
	const struct rp_passcache_entry e = {"bob", "secret", "$2y$hash"};
	(void)state;
	rp_passcache_add(cache, &e, NOW);
	assert_true(rp_passcache_has(cache, &e, NOW + RP_PASSCACHE_MS - 1));
	assert_false(rp_passcache_has(cache, &e, NOW + RP_PASSCACHE_MS));
}

/* However many there are, what is kept is right and bounded. */
static void test_many(void **state)
{
	size_t kept = 0;
	(void)state;
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 2000; i++) {
			char name[16];
			(void)snprintf(name, sizeof(name), "u%d", i);
			const struct rp_passcache_entry e = {name, "secret", "$2y$hash"};
			if (round == 0) {
				rp_passcache_add(cache, &e, NOW);
				assert_true(rp_passcache_has(cache, &e, NOW));
			} else {
				kept += rp_passcache_has(cache, &e, NOW);
			}
			assert_false(has(name, "other", "$2y$hash"));
		}
	}
	assert_in_range(kept, 1, 256);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {T(test_same), T(test_end), T(test_many)};
	return cmocka_run_group_tests_name("passcache", tests, NULL, NULL);
}
