/* SPDX-License-Identifier: MIT */
/*
 * The query language of lists (rport-api section 2): what is accepted, and as what.
 */
#include "server/listq.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include <cmocka.h>

#include "test/lib/listq_short.h"

static void assert_list(const struct rp_strlist *l, const char *joined)
{
	char text[1024] = "";
	size_t n = 0;
	for (size_t i = 0; i < l->n; i++) {
		n += (size_t)snprintf(
		    text + n, sizeof(text) - n, "%s<%s>", i > 0 ? " " : "", l->v[i]);
	}
	assert_string_equal(text, joined);
}

static void test_values(void **state)
{
	static const struct {
		const char *query, *columns, *values;
		enum rp_listq_op op;
		bool all;
	} cases[] = {
	    {"filter[id]=a", "<id>", "<a>", RP_LISTQ_EQ, false},
	    {"filter[id][eq]=a", "<id>", "<a>", RP_LISTQ_EQ, false},
	    {"filter%5bid%5d=a", "<id>", "<a>", RP_LISTQ_EQ, false},
	    {"filter[id]=", "<id>", "<>", RP_LISTQ_EQ, false},
	    {"filter[id]=%20a%20b%20", "<id>", "<a b>", RP_LISTQ_EQ, false},
	    {"filter[id]=a,%20b%20,,c", "<id>", "<a> <b> <> <c>", RP_LISTQ_EQ, false},
	    {"filter[id|name]=a", "<id> <name>", "<a>", RP_LISTQ_EQ, false},
	    {"filter[id]=and(a,b)", "<id>", "<a> <b>", RP_LISTQ_EQ, true},
	    {"filter[id]=%20and(%20a%20,%20b%20)%20", "<id>", "<a> <b>", RP_LISTQ_EQ, true},
	    {"filter[id]=or(a,b)", "<id>", "<a> <b>", RP_LISTQ_EQ, false},
	    {"filter[id]=and()", "<id>", "<>", RP_LISTQ_EQ, true},
	    {"filter[id]=and(a,b)c", "<id>", "<and(a> <b)c>", RP_LISTQ_EQ, false},
	    {"filter[id]=xand(a)", "<id>", "<xand(a)>", RP_LISTQ_EQ, false},
	    {"filter[id]=AND(a)", "<id>", "<AND(a)>", RP_LISTQ_EQ, false},
	    {"filter[id]=and(", "<id>", "<and(>", RP_LISTQ_EQ, false},
	    {"filter[id]=and", "<id>", "<and>", RP_LISTQ_EQ, false},
	    {"filter[seen][gt]=2026", "<seen>", "<2026>", RP_LISTQ_GT, false},
	    {"filter[seen][lt]=2026", "<seen>", "<2026>", RP_LISTQ_LT, false},
	    {"filter[seen][since]=2026", "<seen>", "<2026>", RP_LISTQ_SINCE, false},
	    {"filter[seen][until]=2026", "<seen>", "<2026>", RP_LISTQ_UNTIL, false},
	    {"filter[*]=a",
	        "<id> <name> <note> <num> <big> <port> <unset> <flag> <tags> <groups> <labels> <seen> <raw>",
	        "<a>", RP_LISTQ_EQ, false},
	    /* Only the columns that take the operator. */
	    {"filter[*][gt]=2026", "<seen> <gone>", "<2026>", RP_LISTQ_GT, false},
	    {"filter[*][lt]=2026", "<seen>", "<2026>", RP_LISTQ_LT, false},
	    /* The same parameter again. */
	    {"filter[id]=a&filter[id]=b,c", "<id>", "<a> <b> <c>", RP_LISTQ_EQ, false},
	};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(cases); i++) {
		parse_ok(cases[i].query);
		assert_int_equal(q.n_filters, 1);
		assert_list(&q.filters[0].columns, cases[i].columns);
		assert_list(&q.filters[0].values, cases[i].values);
		assert_int_equal(q.filters[0].op, cases[i].op);
		assert_int_equal(q.filters[0].all, cases[i].all);
		rp_listq_fini(&q);
	}
}

static void test_several_filters(void **state)
{
	(void)state;
	parse_ok("filter[id]=a&filter[name]=b&filter[seen][gt]=2026&filter[seen][lt]=2027");
	assert_int_equal(q.n_filters, 4);
	rp_listq_fini(&q);
	/* "All of" stays by itself. */
	parse_ok("filter[tags]=and(a,b)&filter[tags]=c&filter[tags]=d");
	assert_int_equal(q.n_filters, 2);
	assert_list(&q.filters[1].values, "<c> <d>");
}

static void test_sorts(void **state)
{
	(void)state;
	parse_ok("");
	assert_int_equal(q.n_sorts, 2);
	assert_string_equal(q.sorts[0].field, "name");
	assert_true(q.sorts[0].desc);
	assert_string_equal(q.sorts[1].field, "id");
	assert_false(q.sorts[1].desc);
	rp_listq_fini(&q);
	/* Any sort replaces the default. */
	parse_ok("sort=note&sort=-id");
	assert_int_equal(q.n_sorts, 2);
	assert_string_equal(q.sorts[0].field, "note");
	assert_false(q.sorts[0].desc);
	assert_string_equal(q.sorts[1].field, "id");
	assert_true(q.sorts[1].desc);
}

static void test_fields(void **state)
{
	(void)state;
	parse_ok("");
	assert_true(rp_listq_wants(&q, &spec, "things", "id"));
	assert_true(rp_listq_wants(&q, &spec, "things", "name"));
	assert_false(rp_listq_wants(&q, &spec, "things", "note"));
	assert_true(rp_listq_wants(&q, &spec, "sub", "a"));
	assert_false(rp_listq_wants(&q, &spec, "sub", "b"));
	assert_false(rp_listq_wants(&q, &spec, "other", "id"));
	rp_listq_fini(&q);
	/* Any fields parameter drops all defaults. */
	parse_ok("fields[things]=note");
	assert_true(rp_listq_wants(&q, &spec, "things", "note"));
	assert_false(rp_listq_wants(&q, &spec, "things", "id"));
	assert_false(rp_listq_wants(&q, &spec, "sub", "a"));
	rp_listq_fini(&q);
	parse_ok("fields[things]=%20note%20,id&fields[sub]=b&fields[things]=name");
	assert_true(rp_listq_wants(&q, &spec, "things", "note"));
	assert_true(rp_listq_wants(&q, &spec, "things", "id"));
	assert_true(rp_listq_wants(&q, &spec, "things", "name"));
	assert_true(rp_listq_wants(&q, &spec, "sub", "b"));
	assert_false(rp_listq_wants(&q, &spec, "sub", "a"));
}

static void test_page(void **state)
{
	(void)state;
	parse_ok("");
	assert_int_equal(q.limit, 50);
	assert_int_equal(q.offset, 0);
	rp_listq_fini(&q);
	parse_ok("page[limit]=1&page[offset]=7");
	assert_int_equal(q.limit, 1);
	assert_int_equal(q.offset, 7);
	rp_listq_fini(&q);
	parse_ok("page[limit]=500&page[offset]=2147483647");
	assert_int_equal(q.limit, 500);
	assert_int_equal(q.offset, 2147483647);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_values, teardown),
	    cmocka_unit_test_teardown(test_several_filters, teardown),
	    cmocka_unit_test_teardown(test_sorts, teardown),
	    cmocka_unit_test_teardown(test_fields, teardown),
	    cmocka_unit_test_teardown(test_page, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
