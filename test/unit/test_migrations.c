/* SPDX-License-Identifier: MIT */
/*
 * Databases of every earlier version of the schema, made by its first migrations, with rows in every
 * table: migrated, they have those rows and the schema of a new database.
 */
#include "server/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "test/lib/store_rig.h"

#define TABLES_MAX 64
#define SCHEMA                                                                              \
	"SELECT group_concat(sql, ';') FROM (SELECT sql FROM sqlite_master ORDER BY type, " \
	"name)"

struct table {
	char *name;
	char *query;   /* its rows as one text, by the columns that it had first */
	char *content; /* the answer then */
};

/* The first column of the only row; owned. */
static char *ask(struct rp_db *db, const char *sql)
{
	struct rp_stmt *stmt;
	struct rp_err err = {0};
	if (rp_db_stmt(db, sql, &stmt, &err) != 0 || rp_stmt_step(stmt, &err) != 1) {
		fail_msg("%s: %s", sql, err.msg);
	}
	char *text = rp_strdup(rp_stmt_text(stmt, 0) != NULL ? rp_stmt_text(stmt, 0) : "");
	rp_stmt_reset(stmt);
	return text;
}

static char *ask_columns(struct rp_db *db, const char *what, const char *table)
{
	char *sql = rp_asprintf(
	    "SELECT group_concat(%s, ', ') FROM pragma_table_info('%s')", what, table);
	char *text = ask(db, sql);
	rp_free(sql);
	return text;
}

static size_t list_tables(struct rp_db *db, struct table *tables)
{
	struct rp_stmt *stmt;
	struct rp_err err = {0};
	size_t n = 0;
	int code = rp_db_stmt(db,
	    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
	    &stmt, &err);
	assert_int_equal(code, 0);
	while (rp_stmt_step(stmt, &err) == 1) {
		assert_true(n < TABLES_MAX);
		tables[n++] = (struct table){.name = rp_strdup(rp_stmt_text(stmt, 0))};
	}
	return n;
}

/* Three rows, each column with values of its own: numbers where it wants them. */
static void fill(struct rp_db *db, struct table *t)
{
	struct rp_err err = {0};
	char *values = ask_columns(db,
	    "CASE WHEN type LIKE '%INT%' THEN 'n + 10 * ' || cid"
	    " ELSE '''v'' || (n + 10 * ' || cid || ')' END",
	    t->name);
	char *sql = rp_asprintf("WITH RECURSIVE c (n) AS"
	                        " (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 3)"
	                        " INSERT INTO %s SELECT %s FROM c",
	    t->name, values);
	if (rp_db_exec(db, sql, &err) != 0) {
		fail_msg("%s: %s", sql, err.msg);
	}
	rp_free(sql);
	rp_free(values);
	char *columns = ask_columns(db, "'quote(' || name || ')'", t->name);
	t->query = rp_asprintf("SELECT group_concat(r, '; ') FROM"
	                       " (SELECT concat_ws(',', %s) AS r FROM %s ORDER BY 1)",
	    columns, t->name);
	t->content = ask(db, t->query);
	rp_free(columns);
}

static void check(struct rp_db *db, struct table *t)
{
	char *now = ask(db, t->query);
	assert_int_not_equal(now[0], '\0');
	assert_string_equal(now, t->content);
	rp_free(now);
	rp_free(t->name);
	rp_free(t->query);
	rp_free(t->content);
}

static void assert_answer(struct rp_db *db, const char *sql, const char *want)
{
	char *have = ask(db, sql);
	assert_string_equal(have, want);
	rp_free(have);
}

static void migrate_from(size_t version, const char *path, const char *schema)
{
	const struct rp_store_file *file = &rp_store_main_file;
	struct table tables[TABLES_MAX];
	struct rp_db *db;
	struct rp_err err = {0};
	assert_int_equal(rp_db_open(&db, path, true, &err), 0);
	assert_int_equal(rp_db_migrate(db, file->migrations, version, &err), 0);
	size_t n = list_tables(db, tables);
	assert_true(n >= 3);
	for (size_t i = 0; i < n; i++) {
		fill(db, &tables[i]);
	}
	if (rp_db_migrate(db, file->migrations, file->n, &err) != 0) {
		fail_msg("from version %zu: %s", version, err.msg);
	}
	for (size_t i = 0; i < n; i++) {
		check(db, &tables[i]);
	}
	assert_answer(db, SCHEMA, schema);
	assert_answer(db, "PRAGMA integrity_check", "ok");
	rp_db_close(db);
	assert_int_equal(unlink(path), 0);
}

static void test_migrations(void **state)
{
	struct rp_store_rig rig;
	char path[128];
	(void)state;
	rp_store_rig_open(&rig);
	char *schema = ask(rp_store_db(rig.store), SCHEMA);
	(void)snprintf(path, sizeof(path), "%s/old.db", rig.dir);
	for (size_t version = 1; version < rp_store_main_file.n; version++) {
		migrate_from(version, path, schema);
	}
	rp_free(schema);
	rp_store_rig_close(&rig);
}

/* One that a newer program has written is left alone. */
static void test_newer(void **state)
{
	struct rp_store_rig rig;
	struct rp_store *s;
	struct rp_err err = {0};
	char dir[96];
	(void)state;
	rp_store_rig_open(&rig);
	(void)snprintf(dir, sizeof(dir), "PRAGMA user_version = %zu", rp_store_main_file.n + 1);
	assert_int_equal(rp_db_exec(rp_store_db(rig.store), dir, &err), 0);
	assert_int_equal(rp_store_open(rig.loop, rig.dir, true, &s, &err), RP_EDB);
	assert_non_null(strstr(err.msg, "it was written by a newer version"));
	rp_store_rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_migrations),
	    cmocka_unit_test(test_newer),
	};
	return cmocka_run_group_tests_name("migrations", tests, NULL, NULL);
}
