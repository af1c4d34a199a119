/* SPDX-License-Identifier: MIT */
/*
 * SQLite access: settings, migrations forward and the refusal of newer schemas, statements and
 * their cache, error codes, and what is left after kill -9.
 */
#include "core/db.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/alloc.h"

static char dir[64];
static char path[128];

static const struct rp_db_migration schema[] = {
    {"CREATE TABLE a (id INTEGER PRIMARY KEY, name TEXT UNIQUE);"
     "CREATE TABLE b (a_id INTEGER NOT NULL REFERENCES a(id), data BLOB);"},
    {"ALTER TABLE a ADD COLUMN age REAL;"},
    {"CREATE INDEX a_age ON a (age); INSERT INTO a (id, name) VALUES (1, 'first');"},
};

static int make_dir(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/rp-test-db-XXXXXX");
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/test.db", dir);
	return 0;
}

static int remove_dir(void **state)
{
	static const char *const names[] = {
	    "test.db", "test.db-wal", "test.db-shm", "test.db-journal"};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(names); i++) {
		char p[128];
		(void)snprintf(p, sizeof(p), "%s/%s", dir, names[i]);
		(void)unlink(p);
	}
	assert_int_equal(rmdir(dir), 0);
	return 0;
}

static struct rp_db *open_ok(void)
{
	struct rp_db *db;
	struct rp_err err = {0};
	int rc = rp_db_open(&db, path, true, &err);
	if (rc != 0) {
		fail_msg("%s", err.msg);
	}
	return db;
}

static int64_t value_of(struct rp_db *db, const char *sql)
{
	struct rp_stmt *s;
	struct rp_err err = {0};
	if (rp_db_stmt(db, sql, &s, &err) != 0 || rp_stmt_step(s, &err) != 1) {
		fail_msg("%s", err.msg);
	}
	int64_t v = rp_stmt_i64(s, 0);
	rp_stmt_reset(s);
	return v;
}

static void settings(void **state)
{
	(void)state;
	struct rp_db *db = open_ok();
	struct rp_err err;
	struct rp_stmt *s;
	assert_int_equal(value_of(db, "PRAGMA synchronous"), 2);
	assert_int_equal(value_of(db, "PRAGMA foreign_keys"), 1);
	assert_int_equal(value_of(db, "PRAGMA busy_timeout"), 5000);
	assert_int_equal(rp_db_stmt(db, "PRAGMA journal_mode", &s, &err), 0);
	assert_int_equal(rp_stmt_step(s, &err), 1);
	assert_string_equal(rp_stmt_text(s, 0), "wal");
	rp_db_close(db);
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);

	assert_int_equal(rp_db_open(&db, path, false, &err), 0);
	assert_int_equal(rp_db_stmt(db, "PRAGMA journal_mode", &s, &err), 0);
	assert_int_equal(rp_stmt_step(s, &err), 1);
	assert_string_equal(rp_stmt_text(s, 0), "delete");
	rp_db_close(db);
	rp_db_close(NULL);
}

static void migrations(void **state)
{
	(void)state;
	struct rp_err err = {0};
	struct rp_db *db = open_ok();
	assert_int_equal(rp_db_migrate(db, schema, 1, &err), 0);
	assert_int_equal(value_of(db, "PRAGMA user_version"), 1);
	assert_int_equal(rp_db_exec(db, "INSERT INTO a (id, name) VALUES (7, 'kept')", &err), 0);
	rp_db_close(db);

	db = open_ok();
	assert_int_equal(rp_db_migrate(db, schema, 3, &err), 0);
	assert_int_equal(rp_db_migrate(db, schema, 3, &err), 0); /* nothing left to do */
	assert_int_equal(value_of(db, "PRAGMA user_version"), 3);
	assert_int_equal(value_of(db, "SELECT count(*) FROM a WHERE age IS NULL"), 2);
	rp_db_close(db);

	db = open_ok();
	assert_int_equal(rp_db_migrate(db, schema, 2, &err), RP_EDB);
	assert_string_equal(err.msg,
	    "database test.db has schema version 3, but this program knows only 2: it was written by "
	    "a newer version");
	assert_int_equal(value_of(db, "SELECT count(*) FROM a"), 2);
	rp_db_close(db);
}

/* A step that fails half-way leaves nothing behind. */
static void failed_migration(void **state)
{
	(void)state;
	static const struct rp_db_migration broken[] = {
	    {"CREATE TABLE x (i INTEGER);"},
	    {"CREATE TABLE y (i INTEGER); INSERT INTO nowhere VALUES (1);"},
	};
	struct rp_err err = {0};
	struct rp_db *db = open_ok();
	assert_int_equal(rp_db_migrate(db, broken, 2, &err), RP_EDB);
	assert_string_equal(
	    err.msg, "migration to schema version 2: database test.db: no such table: nowhere");
	assert_int_equal(value_of(db, "PRAGMA user_version"), 1);
	assert_int_equal(value_of(db, "SELECT count(*) FROM sqlite_master WHERE name = 'y'"), 0);
	rp_db_close(db);
}

static void values(void **state)
{
	(void)state;
	struct rp_err err = {0};
	struct rp_stmt *s;
	struct rp_stmt *again;
	struct rp_db *db = open_ok();
	assert_int_equal(rp_db_migrate(db, schema, 3, &err), 0);
	static const char insert[] = "INSERT INTO a (id, name, age) VALUES (?1, ?2, ?3)";
	assert_int_equal(rp_db_stmt(db, insert, &s, &err), 0);
	rp_stmt_bind_i64(s, 1, INT64_MAX);
	rp_stmt_bind_text(s, 2, "n\xc3\xa4me");
	rp_stmt_bind_double(s, 3, 1.5);
	assert_int_equal(rp_stmt_run(s, &err), 0);
	assert_int_equal(rp_db_changes(db), 1);

	/* The same statement comes back empty. */
	assert_int_equal(rp_db_stmt(db, insert, &again, &err), 0);
	assert_ptr_equal(s, again);
	rp_stmt_bind_i64(s, 1, 2);
	assert_int_equal(rp_stmt_run(s, &err), 0);

	assert_int_equal(rp_db_stmt(db, "SELECT id, name, age FROM a ORDER BY id", &s, &err), 0);
	assert_int_equal(rp_stmt_step(s, &err), 1);
	assert_string_equal(rp_stmt_text(s, 1), "first");
	assert_int_equal(rp_stmt_step(s, &err), 1);
	assert_null(rp_stmt_text(s, 1));
	assert_true(rp_stmt_is_null(s, 2));
	assert_int_equal(rp_stmt_step(s, &err), 1);
	assert_true(rp_stmt_i64(s, 0) == INT64_MAX);
	assert_true(rp_stmt_double(s, 2) > 1.4 && rp_stmt_double(s, 2) < 1.6);
	assert_int_equal(rp_stmt_step(s, &err), 0);

	assert_int_equal(rp_db_stmt(db, "INSERT INTO b (a_id, data) VALUES (?, ?)", &s, &err), 0);
	rp_stmt_bind_i64(s, 1, 1);
	rp_stmt_bind_blob(s, 2, "\0\1\2", 3);
	assert_int_equal(rp_stmt_run(s, &err), 0);
	assert_int_equal(rp_db_stmt(db, "SELECT data FROM b", &s, &err), 0);
	assert_int_equal(rp_stmt_step(s, &err), 1);
	size_t n;
	assert_memory_equal(rp_stmt_blob(s, 0, &n), "\0\1\2", 3);
	assert_int_equal(n, 3);
	rp_db_close(db);
}

static void errors(void **state)
{
	(void)state;
	struct rp_err err = {0};
	struct rp_stmt *s;
	struct rp_db *db = open_ok();
	assert_int_equal(rp_db_migrate(db, schema, 3, &err), 0);
	assert_int_equal(rp_db_stmt(db, "SELECT colour FROM a", &s, &err), RP_EDB);
	assert_string_equal(err.msg, "database test.db: no such column: colour");

	assert_int_equal(rp_db_stmt(db, "INSERT INTO a (name) VALUES (?)", &s, &err), 0);
	rp_stmt_bind_text(s, 1, "first");
	assert_int_equal(rp_stmt_run(s, &err), RP_EEXIST);

	assert_int_equal(rp_db_stmt(db, "INSERT INTO a (name) VALUES (?)", &s, &err), 0);
	rp_stmt_bind_text(s, 2, "no such parameter");
	rp_stmt_bind_text(s, 1, "second");
	assert_int_equal(rp_stmt_run(s, &err), RP_EDB);
	assert_int_equal(rp_db_stmt(db, "INSERT INTO a (name) VALUES (?)", &s, &err), 0);
	rp_stmt_bind_text(s, 1, "second");
	assert_int_equal(rp_stmt_run(s, &err), 0);

	/* Foreign keys are on. */
	assert_int_equal(rp_db_exec(db, "INSERT INTO b (a_id) VALUES (99)", &err), RP_EDB);

	assert_int_equal(rp_db_begin(db, &err), 0);
	assert_int_equal(rp_db_exec(db, "DELETE FROM a", &err), 0);
	rp_db_rollback(db);
	rp_db_rollback(db);
	assert_int_equal(value_of(db, "SELECT count(*) FROM a"), 2);
	rp_db_close(db);

	assert_int_equal(rp_db_open(&db, "/proc/no/such/x.db", true, &err), RP_EIO);
	assert_null(db);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs("this is a text and no database, but long enough to look at", f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(rp_db_open(&db, path, true, &err), RP_EDB);
	assert_string_equal(err.msg, "database test.db: file is not a database");
}

/* Many different texts: the cache stays bounded and statements stay usable. */
static void cache_is_bounded(void **state)
{
	(void)state;
	struct rp_err err = {0};
	struct rp_stmt *busy;
	struct rp_db *db = open_ok();
	assert_int_equal(rp_db_migrate(db, schema, 3, &err), 0);
	assert_int_equal(rp_db_stmt(db, "SELECT name FROM a", &busy, &err), 0);
	assert_int_equal(rp_stmt_step(busy, &err), 1);
	for (int i = 0; i < 2000; i++) {
		char sql[64];
		(void)snprintf(sql, sizeof(sql), "SELECT %d", i);
		assert_int_equal(value_of(db, sql), i);
	}
	/* A statement in the middle of its rows was not taken away. */
	assert_string_equal(rp_stmt_text(busy, 0), "first");
	assert_int_equal(rp_stmt_step(busy, &err), 0);
	rp_db_close(db);
}

/* Two connections: a writer waits for the other one, a reader sees the committed state. */
static void two_connections(void **state)
{
	(void)state;
	struct rp_err err = {0};
	struct rp_db *a = open_ok();
	assert_int_equal(rp_db_migrate(a, schema, 3, &err), 0);
	struct rp_db *b = open_ok();
	assert_int_equal(rp_db_begin(a, &err), 0);
	assert_int_equal(rp_db_exec(a, "INSERT INTO a (name) VALUES ('x')", &err), 0);
	assert_int_equal(value_of(b, "SELECT count(*) FROM a"), 1);
	assert_int_equal(rp_db_commit(a, &err), 0);
	assert_int_equal(value_of(b, "SELECT count(*) FROM a"), 2);
	rp_db_close(a);
	rp_db_close(b);
}

/* Writes rows and reports each commit until it is killed. */
static void writer(int fd)
{
	struct rp_db *db;
	struct rp_err err;
	struct rp_stmt *s;
	if (rp_db_open(&db, path, true, &err) != 0 || rp_db_migrate(db, schema, 3, &err) != 0) {
		_exit(1);
	}
	for (;;) {
		if (rp_db_stmt(db, "INSERT INTO a (name) VALUES (NULL)", &s, &err) != 0 ||
		    rp_stmt_run(s, &err) != 0 || write(fd, "x", 1) != 1) {
			_exit(1);
		}
	}
}

static void kill_minus_nine(void **state)
{
	(void)state;
	int fds[2];
	assert_int_equal(pipe(fds), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		writer(fds[1]);
	}
	(void)close(fds[1]);
	int64_t acked = 0;
	char c;
	while (acked < 50 && read(fds[0], &c, 1) == 1) {
		acked++;
	}
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	while (read(fds[0], &c, 1) == 1) {
		acked++;
	}
	(void)close(fds[0]);
	assert_true(acked >= 50);
	struct rp_db *db = open_ok();
	int64_t rows = value_of(db, "SELECT count(*) FROM a WHERE name IS NULL");
	assert_true(rows == acked || rows == acked + 1);
	struct rp_err err;
	struct rp_stmt *s;
	assert_int_equal(rp_db_stmt(db, "PRAGMA integrity_check", &s, &err), 0);
	assert_int_equal(rp_stmt_step(s, &err), 1);
	assert_string_equal(rp_stmt_text(s, 0), "ok");
	rp_db_close(db);
}

static int allowed;

static bool out_of_luck(void)
{
	return allowed-- <= 0;
}

static void *m_malloc(size_t n)
{
	return out_of_luck() ? NULL : malloc(n);
}

static void *m_calloc(size_t n, size_t size)
{
	return out_of_luck() ? NULL : calloc(n, size);
}

static void *m_realloc(void *p, size_t n)
{
	return out_of_luck() ? NULL : realloc(p, n);
}

/* Every allocation of ours fails once: RP_ENOMEM and no leak. */
static void out_of_memory(void **state)
{
	(void)state;
	struct rp_alloc_hooks hooks = {m_malloc, m_calloc, m_realloc, free};
	for (int i = 0;; i++) {
		struct rp_db *db;
		struct rp_stmt *s;
		struct rp_err err;
		rp_alloc_set_hooks(&hooks);
		allowed = i;
		int rc = rp_db_open(&db, path, true, &err);
		if (rc == 0) {
			rc = rp_db_migrate(db, schema, 3, &err);
		}
		if (rc == 0) {
			rc = rp_db_stmt(db, "SELECT 1", &s, &err);
		}
		rp_db_close(db);
		rp_alloc_set_hooks(NULL);
		if (rc == 0) {
			assert_true(i > 4);
			break;
		}
		assert_int_equal(rc, RP_ENOMEM);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)
	const struct CMUnitTest tests[] = {
	    T(settings),
	    T(migrations),
	    T(failed_migration),
	    T(values),
	    T(errors),
	    T(cache_is_bounded),
	    T(two_connections),
	    T(kill_minus_nine),
	    T(out_of_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
