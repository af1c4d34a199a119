/* SPDX-License-Identifier: MIT */
/*
 * SQL of the schedules table: what lists filter and sort by in columns, the rest as one JSON text.
 */
#include "server/schedules_store.h"

#include <string.h>

#include "cmdpolicy/job.h"
#include "core/alloc.h"
#include "core/clock.h"
#include "core/jsonw.h"
#include "server/cron.h"
#include "tunnel/hello.h"

#include "core/banned.h"

#define DETAILS_MAX (16u * 1024 * 1024)

#define F(key, kind, flags)                                                           \
	{                                                                             \
#key, RP_FIELD_##kind, flags, offsetof(struct rp_schedule, key), NULL \
	}
#define DETAILS                                                                                  \
	F(client_ids, RAW, 0), F(group_ids, RAW, 0), F(tags, RAW, 0),                            \
	    F(command, STR, RP_FIELD_F_OMITEMPTY), F(script, STR, RP_FIELD_F_OMITEMPTY),         \
	    F(interpreter, STR, 0), F(cwd, STR, 0), F(is_sudo, BOOL, 0), F(timeout_sec, INT, 0), \
	    F(execute_concurrently, BOOL, 0), F(abort_on_error, RAW, 0), F(overlaps, BOOL, 0)
static const struct rp_json_field fields[] = {
    F(id, STR, 0),
    F(created_at, TIME, 0),
    F(created_by, STR, 0),
    F(name, STR, 0),
    F(schedule, STR, 0),
    F(type, STR, 0),
    DETAILS,
    F(last_execution, RAW, 0),
};
static const struct rp_json_field details_fields[] = {DETAILS};
const struct rp_json_table rp_schedule_table = RP_JSON_TABLE(fields, struct rp_schedule);
static const struct rp_json_table details_table = RP_JSON_TABLE(details_fields, struct rp_schedule);

/* Reading */

static int read_row(struct rp_stmt *stmt, void *obj)
{
	struct rp_schedule *s = obj;
	const char *details = rp_stmt_text(stmt, 6);
	/* Unreadable details (nobody here has written them) are empty ones. */
	if (details != NULL &&
	    rp_json_decode_text(details, strlen(details), &details_table, false, s, NULL) ==
	        RP_ENOMEM) {
		return RP_ENOMEM;
	}
	s->created_at = rp_store_time_read(rp_stmt_text(stmt, 1));
	bool whole = rp_stmt_copy(stmt, 0, &s->id) && rp_stmt_copy(stmt, 2, &s->created_by) &&
	    rp_stmt_copy(stmt, 3, &s->name) && rp_stmt_copy(stmt, 4, &s->schedule) &&
	    rp_stmt_copy(stmt, 5, &s->type);
	return whole ? 0 : RP_ENOMEM;
}

/* What is known about one client's job in addition. */
static int write_only_one(struct rp_jsonw *w, const char *details)
{
	struct rp_job job = {0};
	struct rp_err err;
	int code = details == NULL ? RP_ENOENT
	                           : rp_job_decode(details, strlen(details), &job, &err);
	rp_jsonw_key(w, "status");
	rp_jsonw_str_opt(w, code == 0 ? job.status : NULL);
	rp_jsonw_key(w, "summary");
	rp_jsonw_str_opt(w, code == 0 && job.has_result ? job.result.summary : NULL);
	rp_job_fini(&job);
	return code == RP_ENOMEM ? code : 0;
}

static int write_execution(struct rp_stmt *stmt, char **out)
{
	struct rp_buf text;
	struct rp_jsonw w;
	int64_t clients = rp_stmt_i64(stmt, 1);
	rp_buf_init(&text, DETAILS_MAX);
	rp_jsonw_init(&w, &text);
	rp_jsonw_obj(&w);
	rp_jsonw_put_time(&w, "started_at", rp_store_time_read(rp_stmt_text(stmt, 0)));
	rp_jsonw_put_int(&w, "client_count", clients);
	rp_jsonw_put_int(&w, "success_count", rp_stmt_i64(stmt, 2));
	int code = write_only_one(&w, clients == 1 ? rp_stmt_text(stmt, 3) : NULL);
	rp_jsonw_obj_end(&w);
	int ended = rp_jsonw_end(&w);
	code = code != 0 ? code : ended;
	code = code != 0 ? code : rp_buf_take_string(&text, out);
	rp_buf_fini(&text);
	return code;
}

static int read_execution(struct rp_db *db, void *obj, struct rp_err *err)
{
	struct rp_schedule *s = obj;
	struct rp_stmt *stmt;
	int code = rp_db_stmt(db,
	    "SELECT s.last_started_at,"
	    " (SELECT COUNT(*) FROM jobs j WHERE j.multi_job_id = s.last_job_id),"
	    " (SELECT COUNT(*) FROM jobs j WHERE j.multi_job_id = s.last_job_id"
	    " AND j.status = 'successful'),"
	    " (SELECT j.details FROM jobs j WHERE j.multi_job_id = s.last_job_id LIMIT 1)"
	    " FROM schedules s WHERE s.id = ? AND s.last_job_id IS NOT NULL",
	    &stmt, err);
	if (code != 0) {
		return code;
	}
	rp_stmt_bind_text(stmt, 1, s->id);
	code = rp_stmt_step(stmt, err);
	if (code == 1) {
		code = write_execution(stmt, &s->last_execution);
		rp_stmt_reset(stmt);
	}
	return code;
}

#define SELECT "SELECT id, created_at, created_by, name, schedule, type, details FROM schedules"
static const char *const in_memory[] = {"client_ids", "group_ids", NULL};
const struct rp_listread_spec rp_schedule_list = {
    .select = SELECT,
    .in_memory = in_memory,
    .table = &rp_schedule_table,
    .read = read_row,
    .complete = read_execution,
};

int rp_schedule_read(struct rp_db *db, const char *id, struct rp_schedule *s, struct rp_err *err)
{
	struct rp_stmt *stmt;
	int code = rp_db_stmt(db, SELECT " WHERE id = ?", &stmt, err);
	if (code != 0) {
		return code;
	}
	rp_stmt_bind_text(stmt, 1, id);
	code = rp_stmt_step(stmt, err);
	if (code != 1) {
		return code < 0 ? code : RP_ENOENT;
	}
	rp_json_defaults(&rp_schedule_table, s);
	code = read_row(stmt, s);
	rp_stmt_reset(stmt);
	code = code != 0 ? code : read_execution(db, s, err);
	if (code != 0) {
		rp_json_release(&rp_schedule_table, s);
	}
	return code;
}

int rp_schedule_each(struct rp_db *db, rp_schedule_row_fn fn, void *ctx, struct rp_err *err)
{
	struct rp_stmt *stmt;
	int code = rp_db_stmt(
	    db, "SELECT id, schedule, next_run, last_run FROM schedules ORDER BY id", &stmt, err);
	while (code == 0 && (code = rp_stmt_step(stmt, err)) == 1) {
		const char *id = rp_stmt_text(stmt, 0);
		const char *text = rp_stmt_text(stmt, 1);
		const struct rp_schedule_times times = {
		    .next = rp_stmt_is_null(stmt, 2) ? RP_CRON_NEVER : rp_stmt_i64(stmt, 2),
		    .last = rp_stmt_is_null(stmt, 3) ? INT64_MIN : rp_stmt_i64(stmt, 3),
		};
		code = id != NULL && text != NULL ? fn(ctx, id, text, &times) : 0;
		if (code != 0) {
			rp_stmt_reset(stmt);
			return rp_err_set(
			    err, code, "schedules cannot be loaded: %s", rp_err_text(code));
		}
	}
	return code;
}

/* Writing */

static void bind_next(struct rp_stmt *stmt, int i, int64_t next)
{
	if (next == RP_CRON_NEVER) {
		rp_stmt_bind_null(stmt, i);
	} else {
		rp_stmt_bind_i64(stmt, i, next);
	}
}

static int insert_row(struct rp_db *db, const struct rp_schedule *s, const char *details,
    int64_t next, struct rp_err *err)
{
	struct rp_stmt *stmt;
	int code = rp_db_stmt(db,
	    "INSERT INTO schedules (id, created_at, created_by, name, schedule, type, details,"
	    " next_run) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
	    &stmt, err);
	if (code != 0) {
		return code;
	}
	rp_stmt_bind_text(stmt, 1, s->id);
	rp_store_bind_time(stmt, 2, s->created_at);
	rp_stmt_bind_text(stmt, 3, s->created_by);
	rp_stmt_bind_text(stmt, 4, s->name);
	rp_stmt_bind_text(stmt, 5, s->schedule);
	rp_stmt_bind_text(stmt, 6, s->type);
	rp_stmt_bind_text(stmt, 7, details);
	bind_next(stmt, 8, next);
	return rp_stmt_run(stmt, err);
}

int rp_schedule_insert(
    struct rp_db *db, const struct rp_schedule *s, int64_t next, struct rp_err *err)
{
	char *details = rp_json_text(&details_table, s);
	int code = details == NULL ? RP_ENOMEM
	                           : rp_store_check_room(db, "SELECT COUNT(*) FROM schedules", NULL,
	                                 RP_SCHEDULES_MAX, err);
	code = code != 0 ? code : insert_row(db, s, details, next, err);
	rp_free(details);
	return code;
}

int rp_schedule_update(
    struct rp_db *db, const struct rp_schedule *s, int64_t next, struct rp_err *err)
{
	struct rp_stmt *stmt;
	char *details = rp_json_text(&details_table, s);
	int code = details == NULL
	    ? RP_ENOMEM
	    : rp_db_stmt(db,
	          "UPDATE schedules SET name = ?, schedule = ?, type = ?, details = ?, next_run = ?,"
	          " last_run = NULL WHERE id = ?",
	          &stmt, err);
	if (code == 0) {
		rp_stmt_bind_text(stmt, 1, s->name);
		rp_stmt_bind_text(stmt, 2, s->schedule);
		rp_stmt_bind_text(stmt, 3, s->type);
		rp_stmt_bind_text(stmt, 4, details);
		bind_next(stmt, 5, next);
		rp_stmt_bind_text(stmt, 6, s->id);
		code = rp_stmt_run_on_row(stmt, err);
	}
	rp_free(details);
	return code;
}

int rp_schedule_set_times(
    struct rp_db *db, const char *id, const struct rp_schedule_times *times, struct rp_err *err)
{
	struct rp_stmt *stmt;
	int code = rp_db_stmt(
	    db, "UPDATE schedules SET next_run = ?, last_run = ? WHERE id = ?", &stmt, err);
	if (code != 0) {
		return code;
	}
	bind_next(stmt, 1, times->next);
	if (times->last == INT64_MIN) {
		rp_stmt_bind_null(stmt, 2);
	} else {
		rp_stmt_bind_i64(stmt, 2, times->last);
	}
	rp_stmt_bind_text(stmt, 3, id);
	return rp_stmt_run(stmt, err);
}

int rp_schedule_busy(struct rp_db *db, const char *id, bool *busy, struct rp_err *err)
{
	struct rp_stmt *stmt;
	int code = rp_db_stmt(db,
	    "SELECT 1 FROM jobs WHERE schedule_id = ? AND finished_at IS NULL LIMIT 1", &stmt, err);
	if (code != 0) {
		return code;
	}
	rp_stmt_bind_text(stmt, 1, id);
	code = rp_stmt_step(stmt, err);
	*busy = code == 1;
	rp_stmt_reset(stmt);
	return code < 0 ? code : 0;
}

int rp_schedule_started(
    struct rp_db *db, const char *id, const char *jid, int64_t at, struct rp_err *err)
{
	struct rp_stmt *stmt;
	int code = rp_db_stmt(db,
	    "UPDATE schedules SET last_job_id = ?, last_started_at = ? WHERE id = ?", &stmt, err);
	if (code != 0) {
		return code;
	}
	rp_stmt_bind_text(stmt, 1, jid);
	rp_store_bind_time(stmt, 2, at);
	rp_stmt_bind_text(stmt, 3, id);
	return rp_stmt_run(stmt, err);
}

static int remove_rows(struct rp_db *db, const char *id, struct rp_err *err)
{
	int code = rp_db_run_with(db, "DELETE FROM schedules WHERE id = ?", id, err);
	if (code == 0 && rp_db_changes(db) == 0) {
		return RP_ENOENT;
	}
	code = code != 0 ? code
	                 : rp_db_run_with(db, "DELETE FROM jobs WHERE schedule_id = ?", id, err);
	return code != 0
	    ? code
	    : rp_db_run_with(db, "DELETE FROM multi_jobs WHERE schedule_id = ?", id, err);
}

int rp_schedule_remove(struct rp_db *db, const char *id, struct rp_err *err)
{
	int code = rp_db_begin(db, err);
	if (code != 0) {
		return code;
	}
	code = remove_rows(db, id, err);
	if (code != 0) {
		rp_db_rollback(db);
		return code;
	}
	return rp_db_commit(db, err);
}
