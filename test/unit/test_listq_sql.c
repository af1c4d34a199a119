/* SPDX-License-Identifier: MIT */
/*
 * List queries as SQL, run against a real database: what they find, that values are never part of
 * the text, and that the largest accepted query is one that SQLite takes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/db.h"
#include "server/listq.h"
#include "server/store.h"
#include "test/lib/oom.h"

static const char *const filters[] = {
    "jid", "status", "by", "who", "n", "at[gt]", "at[lt]", "at[since]", "at[until]", NULL};
static const char *const sorts[] = {"jid", "status", "at", NULL};
static const struct rp_listq_spec spec = {.filters = filters,
    .sorts = sorts,
    .default_sort = "-at,jid",
    .limit_default = 10,
    .limit_max = 10};

static struct rp_db *db;

static int setup(void **state)
{
	struct rp_err err;
	(void)state;
	assert_int_equal(rp_db_open(&db, ":memory:", false, &err), 0);
	assert_int_equal(
	    rp_db_exec(db,
	        "CREATE TABLE t (jid TEXT, status TEXT, by TEXT, who TEXT, n INTEGER, at TEXT);"
	        "INSERT INTO t VALUES"
	        " ('a', 'running', 'Bob', NULL, 1, NULL),"
	        " ('b', 'failed', 'bob', '', 20, '2026-01-02T03:04:05.000000000Z'),"
	        " ('c', 'failed', '100%', 'x', 3, '2026-01-02T03:04:05.500000000Z'),"
	        " ('d', 'successful', 'a_b', 'y', 4, '2026-01-03T00:00:00.000000000Z'),"
	        " ('e', '', 'a\\b', 'z', 5, '2027-01-01T00:00:00.000000000Z')",
	        &err),
	    0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rp_db_close(db);
	return 0;
}

static void parse(const char *text, struct rp_listq *q)
{
	struct rp_query in;
	struct rp_listq_errors errs;
	assert_int_equal(rp_query_parse(rp_str_c(text), &in), 0);
	if (rp_listq_parse(&in, &spec, q, &errs) != 0) {
		fail_msg("%s: %s", text, errs.n > 0 ? errs.text[0] : "");
	}
	rp_query_fini(&in);
}

/* The jids that a query finds, in their order. */
static void run(const struct rp_listq *q, bool page, char *out, size_t size)
{
	struct rp_listq_sql sql;
	struct rp_stmt *stmt;
	struct rp_err err = {0};
	struct rp_buf text;
	size_t n = 0;
	int rc;
	assert_int_equal(rp_listq_sql(q, page, &sql), 0);
	rp_buf_init(&text, SIZE_MAX);
	assert_int_equal(rp_buf_add_str(&text, "SELECT jid FROM t WHERE 1 = 1"), 0);
	assert_int_equal(rp_buf_add_str(&text, (const char *)rp_buf_head(&sql.text)), 0);
	assert_int_equal(rp_buf_terminate(&text), 0);
	if (rp_db_stmt(db, (const char *)rp_buf_head(&text), &stmt, &err) != 0) {
		fail_msg("%s", err.msg);
	}
	int i = 0;
	for (; (size_t)i < sql.binds.n; i++) {
		rp_stmt_bind_text(stmt, i + 1, sql.binds.v[i]);
	}
	if (page) {
		rp_stmt_bind_i64(stmt, i + 1, q->limit);
		rp_stmt_bind_i64(stmt, i + 2, q->offset);
	}
	out[0] = '\0';
	while ((rc = rp_stmt_step(stmt, &err)) == 1) {
		n += (size_t)snprintf(out + n, size - n, "%s", rp_stmt_text(stmt, 0));
	}
	assert_int_equal(rc, 0);
	rp_buf_fini(&text);
	rp_listq_sql_fini(&sql);
}

static void test_found(void **state)
{
	static const struct {
		const char *query, *found;
	} cases[] = {
	    {"", "abcde"},
	    {"filter[jid]=a", "a"},
	    {"filter[jid]=A", ""},
	    {"filter[jid]=a,c,x", "ac"},
	    {"filter[jid]=a&filter[jid]=c", "ac"},
	    {"filter[status]=failed&filter[jid]=b", "b"},
	    {"filter[status]=failed&filter[jid]=a", ""},
	    {"filter[by]=bob", "b"},
	    {"filter[by]=b*", "ab"},
	    {"filter[by]=*", "abcde"},
	    {"filter[who]=*", "bcde"},
	    {"filter[who]=", "ab"},
	    {"filter[who]=,x", "abc"},
	    {"filter[status]=", "e"},
	    /* `%` is a character, `_` stands for one, `\` is a character. */
	    {"filter[by]=*%25", "c"},
	    {"filter[by]=%25", ""},
	    {"filter[by]=*%25*", "c"},
	    {"filter[by]=a_*", "de"},
	    {"filter[by]=a_b", "d"},
	    {"filter[by]=*%5C*", "e"},
	    {"filter[by]=*%5Cb", "e"},
	    {"filter[n]=20", "b"},
	    {"filter[n]=2*", "b"},
	    {"filter[jid|by]=bob,d", "bd"},
	    {"filter[*]=y", "d"},
	    {"filter[*]=bob,y", "bd"},
	    /* "All of" is not honoured here. */
	    {"filter[jid]=and(a,b)", "ab"},
	    {"filter[jid]=or(a,b)", "ab"},
	    /* Times: as points in time, however they are spelled. */
	    {"filter[at][since]=2026-01-02T03:04:05.000000000Z", "bcde"},
	    {"filter[at][since]=2026-01-02T03:04:05Z", "bcde"},
	    {"filter[at][gt]=2026-01-02T03:04:05Z", "cde"},
	    {"filter[at][until]=2026-01-02T03:04:05Z", "b"},
	    {"filter[at][lt]=2026-01-02T03:04:05Z", ""},
	    {"filter[at][gt]=2026-01-02T04:04:05.25%2B01:00", "cde"},
	    {"filter[at][gt]=2026-01-02", "bcde"},
	    {"filter[at][since]=2026-01-03", "de"},
	    {"filter[at][lt]=2026-01-03", "bc"},
	    {"filter[at][gt]=2026-01-02&filter[at][lt]=2026-06-01", "bcd"},
	    {"filter[at][gt]=2026-01-02,2026-06-01", "bcde"},
	    {"filter[*][gt]=2026-06-01", "e"},
	    {"filter[at][gt]=2026", "bcde"},
	    {"filter[at][gt]=", "bcde"},
	    /* Nobody gets out of the value. */
	    {"filter[jid]=a'%20OR%20'1'='1", ""},
	    {"filter[jid]=?1", ""},
	    {"filter[by]=*';DROP%20TABLE%20t;--", ""},
	};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(cases); i++) {
		struct rp_listq q;
		char found[64];
		parse(cases[i].query, &q);
		run(&q, false, found, sizeof(found));
		if (strcmp(found, cases[i].found) != 0) {
			fail_msg("%s: %s, not %s", cases[i].query, found, cases[i].found);
		}
		rp_listq_fini(&q);
	}
}

static void test_order_and_page(void **state)
{
	static const struct {
		const char *query, *found;
	} cases[] = {
	    {"", "edcba"},
	    {"sort=jid", "abcde"},
	    {"sort=-jid", "edcba"},
	    {"sort=status&sort=-jid", "ecbad"},
	    {"sort=-status&sort=jid", "dabce"},
	    {"sort=jid&page[limit]=2", "ab"},
	    {"sort=jid&page[limit]=2&page[offset]=1", "bc"},
	    {"sort=jid&page[offset]=4", "e"},
	    {"sort=jid&page[offset]=5", ""},
	    {"sort=jid&page[offset]=2147483647", ""},
	    {"sort=jid&page[limit]=1&filter[status]=failed&page[offset]=1", "c"},
	};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(cases); i++) {
		struct rp_listq q;
		char found[64];
		parse(cases[i].query, &q);
		run(&q, true, found, sizeof(found));
		if (strcmp(found, cases[i].found) != 0) {
			fail_msg("%s: %s, not %s", cases[i].query, found, cases[i].found);
		}
		rp_listq_fini(&q);
	}
}

/* What the parser lets through is not too much for the database. */
static void test_largest(void **state)
{
	struct rp_buf text;
	char found[64];
	struct rp_listq q;
	(void)state;
	rp_buf_init(&text, SIZE_MAX);
	for (int f = 0; f < 3; f++) {
		static const char *const heads[] = {
		    "filter[*]=", "&filter[*|jid]=", "&filter[jid]="};
		assert_int_equal(rp_buf_add_str(&text, heads[f]), 0);
		for (int i = 0; i < 256; i++) {
			assert_int_equal(rp_buf_printf(&text, "%s*%d*", i > 0 ? "," : "", i), 0);
		}
	}
	for (int f = 0; f < 29; f++) {
		assert_int_equal(rp_buf_add_str(&text, "&filter[jid"), 0);
		for (int bit = 0; bit < 5; bit++) {
			assert_int_equal(
			    rp_buf_add_str(&text, f >> bit & 1 ? "|status" : "|by"), 0);
		}
		assert_int_equal(rp_buf_add_str(&text, "]=x"), 0);
	}
	assert_int_equal(rp_buf_terminate(&text), 0);
	parse((const char *)rp_buf_head(&text), &q);
	run(&q, true, found, sizeof(found));
	assert_string_equal(found, "");
	rp_listq_fini(&q);
	rp_buf_fini(&text);
}

static void test_text(void **state)
{
	struct rp_listq q;
	struct rp_listq_sql sql;
	(void)state;
	parse("filter[jid]=sekret,*sekret*", &q);
	assert_int_equal(rp_listq_sql(&q, false, &sql), 0);
	assert_null(strstr((const char *)rp_buf_head(&sql.text), "sekret"));
	assert_int_equal(sql.binds.n, 2);
	assert_string_equal(sql.binds.v[0], "sekret");
	assert_string_equal(sql.binds.v[1], "%sekret%");
	rp_listq_sql_fini(&sql);
	rp_listq_sql_fini(&sql);
	rp_listq_fini(&q);
	parse("", &q);
	assert_int_equal(rp_listq_sql(&q, false, &sql), 0);
	assert_string_equal((const char *)rp_buf_head(&sql.text), "");
	rp_listq_sql_fini(&sql);
	rp_listq_fini(&q);
}

static void test_store_time(void **state)
{
	static const struct {
		int64_t t;
		const char *text;
	} cases[] = {
	    {0, "1970-01-01T00:00:00.000000000Z"},
	    {1, "1970-01-01T00:00:00.000000001Z"},
	    {-1, "1969-12-31T23:59:59.999999999Z"},
	    {INT64_C(1767323045500000000), "2026-01-02T03:04:05.500000000Z"},
	    {INT64_MAX, "2262-04-11T23:47:16.854775807Z"},
	    {INT64_MIN + 1, "1677-09-21T00:12:43.145224193Z"},
	};
	char text[RP_STORE_TIME_MAX];
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(cases); i++) {
		rp_store_time(cases[i].t, text);
		assert_string_equal(text, cases[i].text);
	}
}

static int oom_body(void *state)
{
	struct rp_listq_sql sql;
	int err = rp_listq_sql(state, true, &sql);
	rp_listq_sql_fini(&sql);
	return err;
}

static void test_oom(void **state)
{
	struct rp_listq q;
	(void)state;
	parse("filter[jid|by]=a,*b&filter[at][gt]=2026-01-01&sort=jid", &q);
	assert_int_equal(rp_oom_run(oom_body, &q), 0);
	rp_listq_fini(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_found, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_order_and_page, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_largest, setup, teardown),
	    cmocka_unit_test(test_text),
	    cmocka_unit_test(test_store_time),
	    cmocka_unit_test(test_oom),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
