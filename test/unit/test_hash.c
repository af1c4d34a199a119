/* SPDX-License-Identifier: MIT */
/*
 * The hash table: every key that was put is found, removal during a walk is safe, growth keeps all,
 * and without memory only the first array is an error.
 */
#include "core/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/err.h"
#include "test/lib/oom.h"
#include "test/lib/prng.h"
#include "test/lib/slow.h"

#define ITEMS 5000

struct item {
	struct rp_hash_node node;
	char key[24];
	bool in;
	unsigned seen;
};

static struct item items[ITEMS];

static void setup_items(void)
{
	memset(items, 0, sizeof(items));
	for (size_t i = 0; i < ITEMS; i++) {
		(void)snprintf(items[i].key, sizeof(items[i].key), "key-%zu", i);
	}
}

static void put(struct rp_hash *h, struct item *it)
{
	assert_int_equal(rp_hash_put(h, &it->node, it->key), 0);
	it->in = true;
}

static void take(struct rp_hash *h, struct item *it)
{
	rp_hash_remove(h, &it->node);
	it->in = false;
}

static void assert_consistent(const struct rp_hash *h)
{
	size_t n = 0;
	for (size_t i = 0; i < ITEMS; i++) {
		char copy[24];
		memcpy(copy, items[i].key, sizeof(copy));
		struct rp_hash_node *want = items[i].in ? &items[i].node : NULL;
		assert_ptr_equal(rp_hash_get(h, copy), want);
		n += items[i].in ? 1 : 0;
	}
	assert_int_equal(h->count, n);
}

static void test_empty(void **state)
{
	struct rp_hash h;
	(void)state;
	rp_hash_init(&h);
	assert_null(rp_hash_get(&h, ""));
	assert_null(rp_hash_get(&h, "x"));
	rp_hash_each(&h, NULL, NULL);
	rp_hash_fini(&h);
	rp_hash_fini(&h);
}

static void test_keys(void **state)
{
	static const char *const keys[] = {"", "a", "A", "aa", "\xff\xfe", "a b", "0", "00"};
	struct item v[RP_ARRAY_LEN(keys)];
	struct rp_hash h;
	(void)state;
	memset(v, 0, sizeof(v));
	rp_hash_init(&h);
	for (size_t i = 0; i < RP_ARRAY_LEN(keys); i++) {
		assert_int_equal(rp_hash_put(&h, &v[i].node, keys[i]), 0);
	}
	for (size_t i = 0; i < RP_ARRAY_LEN(keys); i++) {
		assert_ptr_equal(rp_hash_get(&h, keys[i]), &v[i].node);
	}
	assert_null(rp_hash_get(&h, "b"));
	rp_hash_fini(&h);
}

static void test_growth(void **state)
{
	struct rp_hash h;
	(void)state;
	setup_items();
	rp_hash_init(&h);
	for (size_t i = 0; i < ITEMS; i++) {
		put(&h, &items[i]);
	}
	assert_consistent(&h);
	assert_true(h.n_slots >= ITEMS);
	/* A power of two, so that the mask reaches every slot. */
	assert_int_equal(h.n_slots & (h.n_slots - 1), 0);
	for (size_t i = 0; i < ITEMS; i += 3) {
		take(&h, &items[i]);
	}
	assert_consistent(&h);
	rp_hash_fini(&h);
}

static void test_random_order(void **state)
{
	struct rp_hash h;
	(void)state;
	setup_items();
	rp_hash_init(&h);
	for (size_t round = rp_slow_fewer(40000); round > 0; round--) {
		struct item *it = &items[rp_prng_below(ITEMS)];
		if (it->in) {
			take(&h, it);
		} else {
			put(&h, it);
		}
	}
	assert_consistent(&h);
	rp_hash_fini(&h);
}

static void count_seen(struct rp_hash_node *node, void *ctx)
{
	struct item *it = RP_CONTAINER_OF(node, struct item, node);
	it->seen++;
	if (ctx != NULL && strlen(it->key) % 2 == 0) {
		take(ctx, it);
	}
}

static void test_each(void **state)
{
	struct rp_hash h;
	(void)state;
	setup_items();
	rp_hash_init(&h);
	for (size_t i = 0; i < 300; i++) {
		put(&h, &items[i]);
	}
	rp_hash_each(&h, count_seen, NULL);
	rp_hash_each(&h, count_seen, &h);
	for (size_t i = 0; i < ITEMS; i++) {
		assert_int_equal(items[i].seen, i < 300 ? 2 : 0);
	}
	assert_consistent(&h);
	rp_hash_fini(&h);
}

/* Two tables do not put the same keys in the same order: the seed counts. */
static void test_seeded(void **state)
{
	struct rp_hash a;
	struct rp_hash b;
	struct item x = {.key = "same"};
	struct item y = {.key = "same"};
	(void)state;
	rp_hash_init(&a);
	rp_hash_init(&b);
	assert_true(a.seed != b.seed);
	assert_int_equal(rp_hash_put(&a, &x.node, x.key), 0);
	assert_int_equal(rp_hash_put(&b, &y.node, y.key), 0);
	assert_true(x.node.hash != y.node.hash);
	rp_hash_fini(&a);
	rp_hash_fini(&b);
}

/* Growth that fails leaves a working table; only the first array is needed. */
static int oom_body(void *state)
{
	struct rp_hash h;
	(void)state;
	setup_items();
	rp_hash_init(&h);
	int err = 0;
	for (size_t i = 0; err == 0 && i < 1000; i++) {
		err = rp_hash_put(&h, &items[i].node, items[i].key);
		if (err != 0 && i > 0) {
			err = RP_EINVAL;
		}
		items[i].in = err == 0;
	}
	for (size_t i = 0; i < 1000; i++) {
		struct rp_hash_node *want = items[i].in ? &items[i].node : NULL;
		if (rp_hash_get(&h, items[i].key) != want) {
			err = RP_EINVAL;
		}
	}
	rp_hash_fini(&h);
	return err;
}

static void test_oom(void **state)
{
	(void)state;
	assert_int_equal(rp_oom_run(oom_body, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_empty),
	    cmocka_unit_test(test_keys),
	    cmocka_unit_test(test_growth),
	    cmocka_unit_test(test_random_order),
	    cmocka_unit_test(test_each),
	    cmocka_unit_test(test_seeded),
	    cmocka_unit_test(test_oom),
	};
	rp_prng_start();
	return rp_prng_report(cmocka_run_group_tests(tests, NULL, NULL));
}
