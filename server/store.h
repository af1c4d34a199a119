/* SPDX-License-Identifier: MIT */
/*
 * A database of the server: one SQLite file in data_dir, one serial queue that all writes and
 * longer reads go through, and the schema. Most lives in rport.db; what is written much and may
 * not hold up the rest has a file of its own. SQL stands only in the *_store.c files.
 */
#ifndef RP_SERVER_STORE_H
#define RP_SERVER_STORE_H

#include <stdbool.h>

#include "core/db.h"
#include "core/defs.h"
#include "core/err.h"
#include "core/loop.h"
#include "core/serial.h"

struct rp_store;

/* Opens <data_dir>/rport.db (folder made 0700 if missing) and migrates it. */
RP_NODISCARD int rp_store_open(struct rp_loop *loop, const char *data_dir, bool wal,
    struct rp_store **out, struct rp_err *err);
/* The same with a file of its own: its name in data_dir and its schema, both static. */
struct rp_store_file {
	const char *name;
	const struct rp_db_migration *migrations;
	size_t n;
	/* Reads have a connection of their own. Not for a file that is rotated: that connection would
	 * stay with the old one. */
	bool reads_beside;
};
/* rport.db, for whoever looks at the schema's history. */
extern const struct rp_store_file rp_store_main_file;
RP_NODISCARD int rp_store_open_file(struct rp_loop *loop, const char *data_dir, bool wal,
    const struct rp_store_file *file, struct rp_store **out, struct rp_err *err);
/* Behind what is queued: the file gets that name in data_dir (or, if it is taken, one with a
 * number behind it) and an empty one takes its place. A failure is logged, and the file stays. */
RP_NODISCARD int rp_store_rotate(struct rp_store *s, const char *name);
/* Ends after what was queued is on disk; then on_closed on the loop. */
void rp_store_close(struct rp_store *s, void (*on_closed)(void *ctx), void *ctx);
/* For start-up only, before the loop runs. */
struct rp_db *rp_store_db(struct rp_store *s);

/* On the control loop, exactly once after a successful submit; code as work returned it, err
 * with its text. */
typedef void (*rp_store_done_cb)(void *ctx, int code, const struct rp_err *err);

/* A piece of work on the database. work runs on a pool thread and touches only arg; then done
 * (NULL: failures are logged), then
 * free_arg (may be NULL) on the control loop. */
struct rp_store_job {
	int (*work)(struct rp_db *db, void *arg, struct rp_err *err);
	void *arg;
	void (*free_arg)(void *arg);
	rp_store_done_cb done;
	void *ctx;
};
/* RP_EBUSY, RP_ENOMEM, RP_ECLOSED: free_arg was called, done does not come. */
RP_NODISCARD int rp_store_submit(struct rp_store *s, const struct rp_store_job *job);
/* The same for work that only reads: with reads_beside (and WAL) it does not wait behind writes, and
 * sees at least those whose done was called before. */
RP_NODISCARD int rp_store_read(struct rp_store *s, const struct rp_store_job *job);

/* Room in a table: a statement that counts, as rp_db_number takes it, says less than max. Else
 * RP_ELIMIT. */
RP_NODISCARD int rp_store_check_room(
    struct rp_db *db, const char *count, const char *key, int64_t max, struct rp_err *err);

/* Times in the database: RFC 3339 in UTC with nine digits always, so that they compare as texts. */
#define RP_STORE_TIME_MAX 40
void rp_store_time(int64_t t, char out[static RP_STORE_TIME_MAX]);
/* The other way; RP_TIME_ZERO for NULL and for what is no time. */
int64_t rp_store_time_read(const char *text);
/* Binds it; RP_TIME_ZERO as SQL NULL. */
void rp_store_bind_time(struct rp_stmt *stmt, int i, int64_t t);

#endif
