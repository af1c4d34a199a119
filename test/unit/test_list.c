/* SPDX-License-Identifier: MIT */
/*
 * core/list: order, removal while walking, and nodes that are in no list.
 */
#include "core/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct item {
	int id;
	struct rp_list node;
};

/* The ids in order, one digit each. */
static int digits(struct rp_list *head)
{
	struct rp_list *it;
	struct rp_list *tmp;
	int v = 0;
	RP_LIST_FOREACH(it, tmp, head) {
		v = v * 10 + RP_LIST_ENTRY(it, struct item, node)->id;
	}
	return v;
}

static void test_order(void **state)
{
	struct item items[] = {{.id = 1}, {.id = 2}, {.id = 3}};
	struct rp_list head;
	(void)state;
	rp_list_init(&head);
	assert_true(rp_list_empty(&head));
	assert_int_equal(digits(&head), 0);
	rp_list_append(&head, &items[1].node);
	rp_list_append(&head, &items[2].node);
	rp_list_prepend(&head, &items[0].node);
	assert_false(rp_list_empty(&head));
	assert_int_equal(digits(&head), 123);
	rp_list_remove(&items[1].node);
	assert_int_equal(digits(&head), 13);
	assert_true(rp_list_empty(&items[1].node));
	rp_list_append(&head, &items[1].node);
	assert_int_equal(digits(&head), 132);
}

static void test_remove_while_walking(void **state)
{
	struct item items[5] = {0};
	struct rp_list head;
	struct rp_list *it;
	struct rp_list *tmp;
	(void)state;
	rp_list_init(&head);
	for (int i = 0; i < 5; i++) {
		items[i].id = i + 1;
		rp_list_append(&head, &items[i].node);
	}
	RP_LIST_FOREACH(it, tmp, &head) {
		if (RP_LIST_ENTRY(it, struct item, node)->id % 2 == 1) {
			rp_list_remove(it);
		}
	}
	assert_int_equal(digits(&head), 24);
	RP_LIST_FOREACH(it, tmp, &head) {
		rp_list_remove(it);
	}
	assert_true(rp_list_empty(&head));
}

static void test_removing_a_node_that_is_in_no_list(void **state)
{
	struct item zeroed = {0};
	struct item lone;
	(void)state;
	rp_list_init(&lone.node);
	assert_true(rp_list_empty(&zeroed.node));
	rp_list_remove(&zeroed.node);
	rp_list_remove(&zeroed.node);
	rp_list_remove(&lone.node);
	assert_true(rp_list_empty(&zeroed.node));
	assert_true(rp_list_empty(&lone.node));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_order),
	    cmocka_unit_test(test_remove_while_walking),
	    cmocka_unit_test(test_removing_a_node_that_is_in_no_list),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
