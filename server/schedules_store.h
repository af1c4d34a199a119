/* SPDX-License-Identifier: MIT */
/*
 * Schedules (rport-api 4.8) in SQLite. Apart from the list these are pieces of work that somebody
 * runs on the database's queue: they block.
 */
#ifndef RP_SERVER_SCHEDULES_STORE_H
#define RP_SERVER_SCHEDULES_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "server/listread.h"
#include "server/store.h"

#define RP_SCHEDULES_MAX 1000

#define RP_SCHEDULE_COMMAND "command"
#define RP_SCHEDULE_SCRIPT  "script"

/* As the API shows and takes it. */
struct rp_schedule {
	char *id;
	int64_t created_at;
	char *created_by;
	char *name;
	char *schedule; /* server/cron.h */
	char *type;
	/* JSON; NULL = null, which is not the same as an empty list. */
	char *client_ids;
	char *group_ids;
	char *tags;
	char *command;
	char *script; /* base64 */
	char *interpreter;
	char *cwd;
	bool is_sudo;
	int64_t timeout_sec;
	bool execute_concurrently;
	char *abort_on_error; /* JSON; NULL = null */
	bool overlaps;
	char *last_execution; /* JSON; NULL = null. Never stored */
};
extern const struct rp_json_table rp_schedule_table;
extern const struct rp_listread_spec rp_schedule_list;

/* Seconds since 1970. */
struct rp_schedule_times {
	int64_t next; /* RP_CRON_NEVER */
	int64_t last; /* when it was due the last time; INT64_MIN */
};

/* One row at start: its id, its expression. */
typedef int (*rp_schedule_row_fn)(
    void *ctx, const char *id, const char *text, const struct rp_schedule_times *times);
RP_NODISCARD int rp_schedule_each(
    struct rp_db *db, rp_schedule_row_fn fn, void *ctx, struct rp_err *err);
/* RP_ELIMIT. */
RP_NODISCARD int rp_schedule_insert(
    struct rp_db *db, const struct rp_schedule *s, int64_t next, struct rp_err *err);
/* All but id, created_at and created_by. RP_ENOENT. */
RP_NODISCARD int rp_schedule_update(
    struct rp_db *db, const struct rp_schedule *s, int64_t next, struct rp_err *err);
/* With its jobs. RP_ENOENT. */
RP_NODISCARD int rp_schedule_remove(struct rp_db *db, const char *id, struct rp_err *err);
/* Into the zeroed *s. RP_ENOENT. */
RP_NODISCARD int rp_schedule_read(
    struct rp_db *db, const char *id, struct rp_schedule *s, struct rp_err *err);
RP_NODISCARD int rp_schedule_set_times(
    struct rp_db *db, const char *id, const struct rp_schedule_times *times, struct rp_err *err);
/* Has it jobs whose end is not known? */
RP_NODISCARD int rp_schedule_busy(struct rp_db *db, const char *id, bool *busy, struct rp_err *err);
/* Its last execution is that multi-client job. */
RP_NODISCARD int rp_schedule_started(
    struct rp_db *db, const char *id, const char *jid, int64_t at, struct rp_err *err);

#endif
