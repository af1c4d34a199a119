/* SPDX-License-Identifier: MIT */
/*
 * SQLite: opening with settings that survive kill and power loss, migrations, and a cache of
 * prepared statements. One connection is used by one thread at a time (a serial queue), so
 * SQLite's own mutexes stay off.
 */
#include "core/db.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "core/alloc.h"
#include "core/file.h"

#include "core/banned.h"

#define BUSY_TIMEOUT_MS 5000
/* Queries made from a user's filters have many texts: the least recently used one gives way. */
#define STMT_CACHE_MAX 256
#define NAME_MAX_LEN   64

struct rp_stmt {
	struct rp_db *db;
	sqlite3_stmt *st;
	char *sql;
	uint64_t hash;
	uint64_t used; /* rp_db.clock when last handed out */
	int bind_rc;
};

struct rp_db {
	sqlite3 *sq;
	char *name; /* last part of the path, for messages */
	struct rp_stmt **stmts;
	size_t n_stmts;
	size_t cap_stmts;
	uint64_t clock;
};

static int code_of(int extended)
{
	switch (extended) {
	case SQLITE_CONSTRAINT_UNIQUE:
	case SQLITE_CONSTRAINT_PRIMARYKEY:
		return RP_EEXIST;
	default:
		break;
	}
	switch (extended & 0xff) {
	case SQLITE_NOMEM:
		return RP_ENOMEM;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return RP_EBUSY;
	case SQLITE_FULL:
	case SQLITE_IOERR:
		return RP_EIO;
	default:
		return RP_EDB;
	}
}

static int fail(const struct rp_db *db, struct rp_err *err)
{
	int code = code_of(sqlite3_extended_errcode(db->sq));
	return rp_err_set(err, code, "database %s: %s", db->name, sqlite3_errmsg(db->sq));
}

/* Makes a new file with mode 0600 and its directory entry durable; SQLite gives -wal and -shm
 * the same mode. An existing file is not even opened: closing it would drop the locks of
 * another connection. */
static int create_file(const char *path, struct rp_err *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0) {
		return errno == EEXIST ? 0
		                       : rp_err_set(err, RP_EIO, "cannot create database %s: %s",
		                             path, rp_err_text(-errno));
	}
	(void)close(fd);
	if (rp_file_sync_folder(path) != 0) {
		return rp_err_no_memory(err);
	}
	return 0;
}

/* journal: statement that sets the mode, or "". */
static int set_pragmas(struct rp_db *db, const char *journal, struct rp_err *err)
{
	static const char *const common = "PRAGMA foreign_keys = ON;"
	                                  "PRAGMA trusted_schema = OFF;"
	                                  "PRAGMA temp_store = MEMORY;"
	                                  "PRAGMA synchronous = FULL;";
	(void)sqlite3_extended_result_codes(db->sq, 1);
	(void)sqlite3_busy_timeout(db->sq, BUSY_TIMEOUT_MS);
	(void)sqlite3_db_config(db->sq, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)NULL);
	int rc = rp_db_exec(db, journal, err);
	return rc != 0 ? rc : rp_db_exec(db, common, err);
}

static int open_file(
    struct rp_db **out, const char *path, int flags, const char *journal, struct rp_err *err)
{
	*out = NULL;
	struct rp_db *db = rp_calloc(1, sizeof(*db));
	if (db == NULL) {
		return rp_err_no_memory(err);
	}
	const char *slash = strrchr(path, '/');
	db->name = rp_strdup(slash == NULL ? path : slash + 1);
	int rc = 0;
	if (db->name == NULL) {
		rc = rp_err_no_memory(err);
		goto fail_db;
	}
	flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
	rc = sqlite3_open_v2(path, &db->sq, flags, NULL);
	if (rc != SQLITE_OK) {
		const char *text = db->sq == NULL ? sqlite3_errstr(rc) : sqlite3_errmsg(db->sq);
		rc = rp_err_set(err, code_of(rc), "cannot open database %s: %s", path, text);
		goto fail_db;
	}
	rc = set_pragmas(db, journal, err);
	if (rc != 0) {
		goto fail_db;
	}
	*out = db;
	return 0;

fail_db:
	rp_db_close(db);
	return rc;
}

int rp_db_open(struct rp_db **out, const char *path, bool wal, struct rp_err *err)
{
	const char *journal = wal ? "PRAGMA journal_mode = WAL;" : "PRAGMA journal_mode = DELETE;";
	*out = NULL;
	if (strcmp(path, ":memory:") == 0) {
		return open_file(out, path, SQLITE_OPEN_CREATE, journal, err);
	}
	int rc = create_file(path, err);
	return rc != 0 ? rc : open_file(out, path, 0, journal, err);
}

int rp_db_open_existing(struct rp_db **out, const char *path, struct rp_err *err)
{
	return open_file(out, path, 0, "", err);
}

static void stmt_free(struct rp_stmt *s)
{
	(void)sqlite3_finalize(s->st);
	rp_free(s->sql);
	rp_free(s);
}

void rp_db_close(struct rp_db *db)
{
	if (db == NULL) {
		return;
	}
	for (size_t i = 0; i < db->n_stmts; i++) {
		stmt_free(db->stmts[i]);
	}
	rp_free(db->stmts);
	RP_VERIFY(sqlite3_close(db->sq) == SQLITE_OK);
	rp_free(db->name);
	rp_free(db);
}

int rp_db_exec(struct rp_db *db, const char *sql, struct rp_err *err)
{
	return sqlite3_exec(db->sq, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : fail(db, err);
}

int rp_db_begin(struct rp_db *db, struct rp_err *err)
{
	/* IMMEDIATE: a lock that is taken later could fail half-way. */
	return rp_db_exec(db, "BEGIN IMMEDIATE", err);
}

int rp_db_begin_read(struct rp_db *db, struct rp_err *err)
{
	return rp_db_exec(db, "BEGIN", err);
}

int rp_db_commit(struct rp_db *db, struct rp_err *err)
{
	int rc = rp_db_exec(db, "COMMIT", err);
	if (rc != 0) {
		/* Some failures, a full disk among them, leave it open. */
		rp_db_rollback(db);
	}
	return rc;
}

void rp_db_rollback(struct rp_db *db)
{
	if (sqlite3_get_autocommit(db->sq) == 0) {
		(void)sqlite3_exec(db->sq, "ROLLBACK", NULL, NULL, NULL);
	}
}

bool rp_db_name_ok(const char *name)
{
	size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
	return n > 0 && n <= NAME_MAX_LEN && name[n] == '\0';
}

/* One step inside the open transaction; *done when there is nothing to do (any more). */
static int migrate_step(
    struct rp_db *db, const struct rp_db_migration *m, size_t n, bool *done, struct rp_err *err)
{
	int64_t version = 0;
	int rc = rp_db_number(db, "PRAGMA user_version", NULL, &version, err);
	if (rc != 0) {
		return rc;
	}
	*done = version == (int64_t)n;
	if (*done) {
		return 0;
	}
	if (version < 0 || version > (int64_t)n) {
		return rp_err_set(err, RP_EDB,
		    "database %s has schema version %" PRId64 ", but this program knows only %zu: "
		    "it was written by a newer version",
		    db->name, version, n);
	}
	rc = rp_db_exec(db, m[version].sql, err);
	if (rc != 0) {
		return rp_err_wrap(err, "migration to schema version %" PRId64, version + 1);
	}
	char set[64];
	(void)sqlite3_snprintf(
	    sizeof(set), set, "PRAGMA user_version = %lld", (long long)(version + 1));
	return rp_db_exec(db, set, err);
}

int rp_db_migrate(struct rp_db *db, const struct rp_db_migration *m, size_t n, struct rp_err *err)
{
	for (bool done = false; !done;) {
		int rc = rp_db_begin(db, err);
		if (rc != 0) {
			return rc;
		}
		rc = migrate_step(db, m, n, &done, err);
		if (rc == 0) {
			rc = rp_db_commit(db, err);
		}
		if (rc != 0) {
			rp_db_rollback(db);
			return rc;
		}
	}
	return 0;
}

/* FNV-1a: only saves comparisons. */
static uint64_t hash_of(const char *s)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	for (; *s != '\0'; s++) {
		h = (h ^ (unsigned char)*s) * UINT64_C(0x100000001b3);
	}
	return h;
}

static struct rp_stmt *stmt_find(const struct rp_db *db, const char *sql, uint64_t hash)
{
	for (size_t i = 0; i < db->n_stmts; i++) {
		struct rp_stmt *s = db->stmts[i];
		if (s->hash == hash && strcmp(s->sql, sql) == 0) {
			return s;
		}
	}
	return NULL;
}

static void stmt_evict(struct rp_db *db)
{
	size_t oldest = SIZE_MAX;
	for (size_t i = 0; i < db->n_stmts; i++) {
		if (sqlite3_stmt_busy(db->stmts[i]->st) == 0 &&
		    (oldest == SIZE_MAX || db->stmts[i]->used < db->stmts[oldest]->used)) {
			oldest = i;
		}
	}
	if (oldest != SIZE_MAX) {
		stmt_free(db->stmts[oldest]);
		db->stmts[oldest] = db->stmts[--db->n_stmts];
	}
}

/* Room for one more in the array. */
static int stmts_grow(struct rp_db *db)
{
	if (db->n_stmts >= STMT_CACHE_MAX) {
		stmt_evict(db);
	}
	if (db->n_stmts < db->cap_stmts) {
		return 0;
	}
	size_t cap = db->cap_stmts == 0 ? 16 : db->cap_stmts * 2;
	struct rp_stmt **v = rp_reallocarray(db->stmts, cap, sizeof(struct rp_stmt *));
	if (v == NULL) {
		return RP_ENOMEM;
	}
	db->stmts = v;
	db->cap_stmts = cap;
	return 0;
}

static int stmt_prepare(struct rp_db *db, const char *sql, uint64_t hash, struct rp_err *err)
{
	struct rp_stmt *s = rp_calloc(1, sizeof(*s));
	if (s == NULL) {
		return rp_err_no_memory(err);
	}
	s->db = db;
	s->hash = hash;
	s->sql = rp_strdup(sql);
	int rc = s->sql == NULL ? RP_ENOMEM : stmts_grow(db);
	if (rc != 0) {
		(void)rp_err_set(err, rc, "%s", rp_err_text(rc));
		goto fail_stmt;
	}
	const char *tail = NULL;
	if (sqlite3_prepare_v3(db->sq, sql, -1, SQLITE_PREPARE_PERSISTENT, &s->st, &tail) !=
	    SQLITE_OK) {
		rc = fail(db, err);
		goto fail_stmt;
	}
	/* Text behind the first statement would never run: an error of ours. */
	RP_VERIFY(s->st != NULL && tail[strspn(tail, " \t\r\n;")] == '\0');
	db->stmts[db->n_stmts++] = s;
	return 0;

fail_stmt:
	stmt_free(s);
	return rc;
}

int rp_db_stmt(struct rp_db *db, const char *sql, struct rp_stmt **out, struct rp_err *err)
{
	*out = NULL;
	uint64_t hash = hash_of(sql);
	struct rp_stmt *s = stmt_find(db, sql, hash);
	if (s == NULL) {
		int rc = stmt_prepare(db, sql, hash, err);
		if (rc != 0) {
			return rc;
		}
		s = db->stmts[db->n_stmts - 1];
	}
	s->used = ++db->clock;
	rp_stmt_reset(s);
	(void)sqlite3_clear_bindings(s->st);
	s->bind_rc = SQLITE_OK;
	*out = s;
	return 0;
}

/* The first failure is kept for rp_stmt_step. */
static void bound(struct rp_stmt *s, int rc)
{
	if (s->bind_rc == SQLITE_OK) {
		s->bind_rc = rc;
	}
}

void rp_stmt_bind_text(struct rp_stmt *s, int i, const char *v)
{
	if (v == NULL) {
		rp_stmt_bind_null(s, i);
		return;
	}
	bound(s, sqlite3_bind_text64(s->st, i, v, strlen(v), SQLITE_TRANSIENT, SQLITE_UTF8));
}

void rp_stmt_bind_i64(struct rp_stmt *s, int i, int64_t v)
{
	bound(s, sqlite3_bind_int64(s->st, i, v));
}

void rp_stmt_bind_double(struct rp_stmt *s, int i, double v)
{
	bound(s, sqlite3_bind_double(s->st, i, v));
}

void rp_stmt_bind_blob(struct rp_stmt *s, int i, const void *p, size_t n)
{
	/* A NULL pointer would be SQL NULL, which an empty blob is not. */
	bound(s, sqlite3_bind_blob64(s->st, i, p == NULL ? "" : p, n, SQLITE_TRANSIENT));
}

void rp_stmt_bind_null(struct rp_stmt *s, int i)
{
	bound(s, sqlite3_bind_null(s->st, i));
}

int rp_stmt_step(struct rp_stmt *s, struct rp_err *err)
{
	if (s->bind_rc != SQLITE_OK) {
		return rp_err_set(err, code_of(s->bind_rc), "database %s: cannot bind a value: %s",
		    s->db->name, sqlite3_errstr(s->bind_rc));
	}
	int rc = sqlite3_step(s->st);
	if (rc == SQLITE_ROW) {
		return 1;
	}
	if (rc == SQLITE_DONE) {
		rp_stmt_reset(s);
		return 0;
	}
	rc = fail(s->db, err);
	rp_stmt_reset(s);
	return rc;
}

int rp_stmt_run(struct rp_stmt *s, struct rp_err *err)
{
	int rc;
	do {
		rc = rp_stmt_step(s, err);
	} while (rc == 1);
	return rc;
}

int rp_stmt_run_on_row(struct rp_stmt *s, struct rp_err *err)
{
	int rc = rp_stmt_run(s, err);
	return rc == 0 && rp_db_changes(s->db) == 0 ? RP_ENOENT : rc;
}

const char *rp_stmt_text(struct rp_stmt *s, int i)
{
	return (const char *)sqlite3_column_text(s->st, i);
}

int64_t rp_stmt_i64(struct rp_stmt *s, int i)
{
	return sqlite3_column_int64(s->st, i);
}

double rp_stmt_double(struct rp_stmt *s, int i)
{
	return sqlite3_column_double(s->st, i);
}

bool rp_stmt_is_null(struct rp_stmt *s, int i)
{
	return sqlite3_column_type(s->st, i) == SQLITE_NULL;
}

const void *rp_stmt_blob(struct rp_stmt *s, int i, size_t *n)
{
	const void *p = sqlite3_column_blob(s->st, i);
	*n = (size_t)sqlite3_column_bytes(s->st, i);
	return p;
}

bool rp_stmt_copy(struct rp_stmt *s, int i, char **out)
{
	const char *text = rp_stmt_text(s, i);
	*out = rp_strdup(text != NULL ? text : "");
	return *out != NULL;
}

void rp_stmt_reset(struct rp_stmt *s)
{
	(void)sqlite3_reset(s->st);
}

int rp_db_run_with(struct rp_db *db, const char *sql, const char *key, struct rp_err *err)
{
	struct rp_stmt *s;
	int rc = rp_db_stmt(db, sql, &s, err);
	if (rc != 0) {
		return rc;
	}
	rp_stmt_bind_text(s, 1, key);
	return rp_stmt_run(s, err);
}

int rp_db_number(struct rp_db *db, const char *sql, const char *key, int64_t *v, struct rp_err *err)
{
	struct rp_stmt *s;
	int rc = rp_db_stmt(db, sql, &s, err);
	if (rc != 0) {
		return rc;
	}
	if (key != NULL) {
		rp_stmt_bind_text(s, 1, key);
	}
	rc = rp_stmt_step(s, err);
	if (rc != 1) {
		return rc == 0 ? RP_ENOENT : rc;
	}
	*v = rp_stmt_i64(s, 0);
	rp_stmt_reset(s);
	return 0;
}

int rp_db_data_version(struct rp_db *db, int64_t *version, struct rp_err *err)
{
	return rp_db_number(db, "PRAGMA data_version", NULL, version, err);
}

int64_t rp_db_changes(struct rp_db *db)
{
	return sqlite3_changes(db->sq);
}
