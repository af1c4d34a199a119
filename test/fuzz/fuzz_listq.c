/* SPDX-License-Identifier: MIT */
/*
 * Query strings of list endpoints: whatever is accepted matches and compares without harm, gives
 * SQL
 * that the database takes, and whatever is refused says why.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/alloc.h"
#include "core/db.h"
#include "server/listq.h"

#define INPUT_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Names of one letter, so that the fuzzer finds them. */
struct sample {
	char *s;
	char *o;
	int64_t i;
	int64_t t;
	struct rp_strlist l;
	struct rp_strmap m;
};

#define F(key, kind)                                                         \
	{                                                                    \
#key, RP_FIELD_##kind, 0, offsetof(struct sample, key), NULL \
	}
static const struct rp_json_field sample_fields[] = {
    F(s, STR), F(o, STR_OPT), F(i, INT), F(t, TIME), F(l, STRLIST), F(m, STRMAP)};
static const struct rp_json_table table = RP_JSON_TABLE(sample_fields, struct sample);

static const char *const filters[] = {
    "s", "o", "i", "l", "m", "t", "t[gt]", "t[lt]", "t[since]", "t[until]", "s[gt]", NULL};
static const char *const sorts[] = {"s", "o", NULL};
static const char *const fields[] = {"s", "o", NULL};
static const struct rp_listq_resource resources[] = {{"r", fields, fields}, {NULL, NULL, NULL}};
static const struct rp_listq_spec spec = {.filters = filters,
    .sorts = sorts,
    .default_sort = "-s,o",
    .resources = resources,
    .limit_default = 10,
    .limit_max = 100};

static struct rp_db *database(void)
{
	static struct rp_db *db;
	if (db == NULL) {
		RP_VERIFY(rp_db_open(&db, ":memory:", false, NULL) == 0);
		RP_VERIFY(rp_db_exec(db,
		              "CREATE TABLE x (s TEXT, o TEXT, i INTEGER, l TEXT, m TEXT, t TEXT);"
		              "INSERT INTO x VALUES ('a', NULL, 1, '', 'b', '2026')",
		              NULL) == 0);
	}
	return db;
}

static void run_sql(const struct rp_listq *q)
{
	struct rp_listq_sql sql;
	struct rp_stmt *stmt;
	struct rp_err err = {0};
	RP_VERIFY(rp_listq_sql(q, true, &sql) == 0);
	char *text = rp_asprintf("SELECT s FROM x WHERE 1 = 1%s", (char *)rp_buf_head(&sql.text));
	RP_VERIFY(rp_db_stmt(database(), text, &stmt, &err) == 0);
	int i = 0;
	for (; (size_t)i < sql.binds.n; i++) {
		rp_stmt_bind_text(stmt, i + 1, sql.binds.v[i]);
	}
	rp_stmt_bind_i64(stmt, i + 1, q->limit);
	rp_stmt_bind_i64(stmt, i + 2, q->offset);
	RP_VERIFY(rp_stmt_run(stmt, &err) == 0);
	rp_free(text);
	rp_listq_sql_fini(&sql);
}

static void use(const struct rp_listq *q)
{
	char a[] = "a";
	char b[] = "B: c";
	char *list[] = {a, b};
	struct sample x = {.s = a, .l = {list, 2}, .m = {list, list, 2}};
	struct sample y = {.s = b, .o = a, .i = 1, .t = 1};
	RP_VERIFY(q->limit > 0 && q->limit <= 100 && q->offset >= 0);
	(void)rp_listq_match(q, &table, &x);
	(void)rp_listq_match(q, &table, &y);
	RP_VERIFY(rp_listq_compare(q, &table, &x, &x) == 0);
	RP_VERIFY(rp_listq_compare(q, &table, &x, &y) == -rp_listq_compare(q, &table, &y, &x));
	(void)rp_listq_wants(q, &spec, "r", "s");
	run_sql(q);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rp_query in;
	struct rp_listq q;
	struct rp_listq_errors errs;
	if (size > INPUT_MAX || rp_query_parse(rp_str_n(data, size), &in) != 0) {
		return 0;
	}
	int err = rp_listq_parse(&in, &spec, &q, &errs);
	if (err == 0) {
		use(&q);
	} else {
		RP_VERIFY(err == RP_EINVAL && errs.n > 0 && errs.text[0][0] != '\0');
	}
	rp_listq_fini(&q);
	rp_query_fini(&in);
	return 0;
}
