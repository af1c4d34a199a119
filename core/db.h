/* SPDX-License-Identifier: MIT */
/*
 * SQLite behind one file: open with safe settings, migrations by user_version, prepared
 * statements with bind and column access. Everything here blocks: call it from a serial
 * queue's work() (core/serial.h) or at start-up, from one thread at a time. SQL itself stands
 * only in *_store.c files, in a dialect that PostgreSQL also takes. Error codes: RP_EEXIST
 * (unique constraint), RP_EBUSY, RP_ENOMEM, RP_EIO (disk), else RP_EDB.
 */
#ifndef RP_CORE_DB_H
#define RP_CORE_DB_H

#include <stdbool.h>
#include <stdint.h>

#include "core/defs.h"
#include "core/err.h"
#include "core/str.h"

struct rp_db;
struct rp_stmt;

/* One step of the schema: from user_version = index to index + 1. Statements separated by ';'. */
struct rp_db_migration {
	const char *sql;
};

/* Opens or creates (mode 0600) the file; WAL if wal; busy timeout, foreign keys on,
 * synchronous FULL so that an acknowledged write survives power loss. ":memory:" is for tests. */
RP_NODISCARD int rp_db_open(struct rp_db **out, const char *path, bool wal, struct rp_err *err);
/* A database of somebody else's: it must be there, and its journal mode stays. */
RP_NODISCARD int rp_db_open_existing(struct rp_db **out, const char *path, struct rp_err *err);
/* NULL is fine. */
void rp_db_close(struct rp_db *db);
/* Forward only, each step in one transaction. A newer schema than known is an error that says
 * so. */
RP_NODISCARD int rp_db_migrate(
    struct rp_db *db, const struct rp_db_migration *m, size_t n, struct rp_err *err);
RP_NODISCARD int rp_db_exec(struct rp_db *db, const char *sql, struct rp_err *err);
RP_NODISCARD int rp_db_begin(struct rp_db *db, struct rp_err *err);
/* For reading only: all statements up to rp_db_rollback see the same state. */
RP_NODISCARD int rp_db_begin_read(struct rp_db *db, struct rp_err *err);
RP_NODISCARD int rp_db_commit(struct rp_db *db, struct rp_err *err);
/* Harmless without an open transaction. */
void rp_db_rollback(struct rp_db *db);

/* May that name of a table or a column stand in a statement? Letters, digits, '_'; at most 64. */
bool rp_db_name_ok(const char *name);

/* Prepared once per text and kept until rp_db_close or until 256 other texts were used since:
 * get it anew for each use. Reset and unbound when handed out. Exactly one statement per text.
 * Parameters count from 1. */
RP_NODISCARD int rp_db_stmt(
    struct rp_db *db, const char *sql, struct rp_stmt **out, struct rp_err *err);
void rp_stmt_bind_text(struct rp_stmt *s, int i, const char *v); /* NULL = SQL NULL; copied */
void rp_stmt_bind_i64(struct rp_stmt *s, int i, int64_t v);
void rp_stmt_bind_double(struct rp_stmt *s, int i, double v);
void rp_stmt_bind_blob(struct rp_stmt *s, int i, const void *p, size_t n);
void rp_stmt_bind_null(struct rp_stmt *s, int i);
/* 1 = a row, 0 = done, negative = error (text in err). A failed bind is reported here. Without
 * rp_stmt_reset after a row the read lock stays; done and errors reset by themselves. */
RP_NODISCARD int rp_stmt_step(struct rp_stmt *s, struct rp_err *err);
/* Runs to the end, ignoring rows. */
RP_NODISCARD int rp_stmt_run(struct rp_stmt *s, struct rp_err *err);
/* The same for a statement that has to change a row: RP_ENOENT if it has changed none. */
RP_NODISCARD int rp_stmt_run_on_row(struct rp_stmt *s, struct rp_err *err);
/* Columns count from 0; text is borrowed until the next step, NULL for SQL NULL. */
const char *rp_stmt_text(struct rp_stmt *s, int i);
int64_t rp_stmt_i64(struct rp_stmt *s, int i);
double rp_stmt_double(struct rp_stmt *s, int i);
bool rp_stmt_is_null(struct rp_stmt *s, int i);
/* Borrowed as text is; NULL and *n = 0 for SQL NULL and the empty blob. */
const void *rp_stmt_blob(struct rp_stmt *s, int i, size_t *n);
/* The text as the caller's own, "" for SQL NULL. False: no memory, *out is NULL. */
RP_NODISCARD bool rp_stmt_copy(struct rp_stmt *s, int i, char **out);
void rp_stmt_reset(struct rp_stmt *s);
/* In one go: a statement whose one parameter is that text. */
RP_NODISCARD int rp_db_run_with(
    struct rp_db *db, const char *sql, const char *key, struct rp_err *err);
/* In one go: the number in the first row, of a statement whose one parameter is that text (NULL: it
 * has none). RP_ENOENT: there is no row. */
RP_NODISCARD int rp_db_number(
    struct rp_db *db, const char *sql, const char *key, int64_t *v, struct rp_err *err);
/* A number that changes when other connections have changed the database. */
RP_NODISCARD int rp_db_data_version(struct rp_db *db, int64_t *version, struct rp_err *err);
/* Rows changed by the last statement. */
int64_t rp_db_changes(struct rp_db *db);

#endif
