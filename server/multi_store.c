/* SPDX-License-Identifier: MIT */
/*
 * SQL of the multi_jobs table.
 */
#include "server/multi_store.h"

#include <stddef.h>
#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "core/jsonw.h"
#include "server/jobs_store.h"
#include "server/listread.h"
#include "tunnel/hello.h"

#include "core/banned.h"

#define TEXT_MAX (4u * 1024 * 1024)

#define F(key, kind)                                                               \
	{                                                                          \
#key, RP_FIELD_##kind, 0, offsetof(struct rp_multi_job, key), NULL \
	}
static const struct rp_json_field fields[] = {
    F(jid, STR),
    F(started_at, TIME),
    F(created_by, STR),
    F(schedule_id, STR_OPT),
    F(client_ids, STRLIST),
    F(group_ids, STRLIST),
    F(tags, RAW),
    F(command, STR),
    F(cwd, STR),
    F(interpreter, STR),
    F(timeout_sec, INT),
    F(concurrent, BOOL),
    F(abort_on_err, BOOL),
    F(is_sudo, BOOL),
    F(is_script, BOOL),
};
const struct rp_json_table rp_multi_job_table = RP_JSON_TABLE(fields, struct rp_multi_job);

/* Adding */

struct add {
	char *jid;
	int64_t started_at;
	char *created_by;
	char *schedule_id;
	char *details;
	char *targets; /* as JSON */
	int64_t most;
};

static void add_free(void *arg)
{
	struct add *a = arg;
	rp_free(a->jid);
	rp_free(a->created_by);
	rp_free(a->schedule_id);
	rp_free(a->details);
	rp_free(a->targets);
	rp_free(a);
}

static int insert(struct rp_db *db, const struct add *a, struct rp_err *err)
{
	struct rp_stmt *stmt;
	int code = rp_db_stmt(db,
	    "INSERT INTO multi_jobs (jid, started_at, created_by, schedule_id, details, targets)"
	    " VALUES (?, ?, ?, ?, ?, ?)",
	    &stmt, err);
	if (code != 0) {
		return code;
	}
	rp_stmt_bind_text(stmt, 1, a->jid);
	rp_store_bind_time(stmt, 2, a->started_at);
	rp_stmt_bind_text(stmt, 3, a->created_by);
	rp_stmt_bind_text(stmt, 4, a->schedule_id);
	rp_stmt_bind_text(stmt, 5, a->details);
	rp_stmt_bind_text(stmt, 6, a->targets);
	return rp_stmt_run(stmt, err);
}

static int prune(struct rp_db *db, int64_t most, struct rp_err *err)
{
	struct rp_stmt *stmt;
	int code = rp_db_stmt(db,
	    "DELETE FROM multi_jobs WHERE finished_at IS NOT NULL AND jid IN"
	    " (SELECT jid FROM multi_jobs ORDER BY started_at DESC, jid LIMIT 1000 OFFSET ?)",
	    &stmt, err);
	if (code != 0) {
		return code;
	}
	rp_stmt_bind_i64(stmt, 1, most);
	return rp_stmt_run(stmt, err);
}

static int in_transaction(struct rp_db *db, int code, struct rp_err *err)
{
	if (code != 0) {
		rp_db_rollback(db);
		return code;
	}
	return rp_db_commit(db, err);
}

static int add_work(struct rp_db *db, void *arg, struct rp_err *err)
{
	const struct add *a = arg;
	int code = rp_db_begin(db, err);
	if (code != 0) {
		return code;
	}
	code = insert(db, a, err);
	if (code == 0 && a->most > 0) {
		code = prune(db, a->most, err);
	}
	return in_transaction(db, code, err);
}

static char *list_text(const struct rp_strlist *l)
{
	struct rp_buf text;
	struct rp_jsonw w;
	rp_buf_init(&text, TEXT_MAX);
	rp_jsonw_init(&w, &text);
	rp_jsonw_strlist(&w, l);
	return rp_jsonw_take(&w);
}

int rp_multi_store_add(
    struct rp_store *s, const struct rp_multi_row *row, rp_store_done_cb done, void *ctx)
{
	struct add *a = rp_calloc(1, sizeof(*a));
	if (a == NULL) {
		return RP_ENOMEM;
	}
	const struct rp_store_job work = {
	    .work = add_work,
	    .arg = a,
	    .free_arg = add_free,
	    .done = done,
	    .ctx = ctx,
	};
	a->started_at = row->job->started_at;
	a->most = row->most;
	a->details = rp_json_text(&rp_multi_job_table, row->job);
	a->targets = list_text(row->targets);
	if (!rp_strdup_opt(&a->jid, row->job->jid) ||
	    !rp_strdup_opt(&a->created_by, row->job->created_by) ||
	    !rp_strdup_opt(&a->schedule_id, row->job->schedule_id) || a->details == NULL ||
	    a->targets == NULL) {
		add_free(a);
		return RP_ENOMEM;
	}
	return rp_store_submit(s, &work);
}

/* Finishing */

static int finish_row(struct rp_db *db, const char *jid, struct rp_err *err)
{
	struct rp_stmt *stmt;
	int code = rp_db_stmt(
	    db, "UPDATE multi_jobs SET finished_at = ?, targets = '' WHERE jid = ?", &stmt, err);
	if (code != 0) {
		return code;
	}
	rp_store_bind_time(stmt, 1, rp_time_now());
	rp_stmt_bind_text(stmt, 2, jid);
	return rp_stmt_run(stmt, err);
}

static int finish_work(struct rp_db *db, void *arg, struct rp_err *err)
{
	return finish_row(db, arg, err);
}

int rp_multi_store_finish(struct rp_store *s, const char *jid, rp_store_done_cb done, void *ctx)
{
	const struct rp_store_job work = {
	    .work = finish_work,
	    .arg = rp_strdup(jid),
	    .free_arg = rp_free,
	    .done = done,
	    .ctx = ctx,
	};
	return work.arg == NULL ? RP_ENOMEM : rp_store_submit(s, &work);
}

/* Recovering */

/* The next that is not finished: 1 with its job and the text of its targets; 0, negative. */
static int next_open(struct rp_db *db, struct rp_multi_job *job, char **targets, struct rp_err *err)
{
	struct rp_stmt *stmt;
	int code = rp_db_stmt(db,
	    "SELECT jid, details, targets FROM multi_jobs WHERE finished_at IS NULL LIMIT 1", &stmt,
	    err);
	if (code != 0 || (code = rp_stmt_step(stmt, err)) != 1) {
		return code;
	}
	const char *jid = rp_stmt_text(stmt, 0);
	const char *details = rp_stmt_text(stmt, 1);
	const char *list = rp_stmt_text(stmt, 2);
	code = 1;
	if (details == NULL ||
	    rp_json_decode_text(details, strlen(details), &rp_multi_job_table, false, job, err) !=
	        0) {
		rp_json_defaults(&rp_multi_job_table, job); /* unreadable: only its row is ended */
		list = NULL;
	}
	rp_free(job->jid);
	job->jid = rp_strdup(jid != NULL ? jid : "");
	*targets = rp_strdup(list != NULL ? list : "[]");
	if (job->jid == NULL || *targets == NULL) {
		code = RP_ENOMEM;
	}
	rp_stmt_reset(stmt);
	return code;
}

/* 1 = there is a child job for that client. */
static int has_child(
    struct rp_db *db, const char *multi_jid, const char *client_id, struct rp_err *err)
{
	struct rp_stmt *stmt;
	int code = rp_db_stmt(
	    db, "SELECT 1 FROM jobs WHERE multi_job_id = ? AND client_id = ? LIMIT 1", &stmt, err);
	if (code != 0) {
		return code;
	}
	rp_stmt_bind_text(stmt, 1, multi_jid);
	rp_stmt_bind_text(stmt, 2, client_id);
	code = rp_stmt_step(stmt, err);
	rp_stmt_reset(stmt);
	return code;
}

static int insert_child(struct rp_db *db, const struct rp_multi_job *m, const char *client_id,
    const char *error, struct rp_err *err)
{
	char jid[RP_UUID_TEXT_MAX];
	char failed[] = RP_JOB_FAILED;
	char empty[] = "";
	rp_uuid4(jid);
	const struct rp_job job = {
	    .jid = jid,
	    .status = failed,
	    .client_id = (char *)(uintptr_t)client_id,
	    .client_name = empty,
	    .command = m->command,
	    .cwd = m->cwd,
	    .interpreter = m->interpreter,
	    .created_by = m->created_by,
	    .timeout_sec = m->timeout_sec,
	    .multi_job_id = m->jid,
	    .schedule_id = m->schedule_id,
	    .error = (char *)(uintptr_t)error,
	    .is_sudo = m->is_sudo,
	    .is_script = m->is_script,
	    .started_at = rp_time_now(),
	    .finished_at = rp_time_now(),
	};
	return rp_jobs_store_insert(db, &job, err);
}

static int end_children(struct rp_db *db, const struct rp_multi_job *m, const char *targets,
    const char *error, struct rp_err *err)
{
	struct rp_json *list;
	int code = rp_json_parse(targets, strlen(targets), &list, err);
	if (code != 0) {
		return code == RP_ENOMEM ? code : 0;
	}
	for (const struct rp_json *e = rp_json_first(list); e != NULL && code == 0;
	     e = rp_json_next(e)) {
		const char *id = rp_json_string(e);
		code = id == NULL ? 1 : has_child(db, m->jid, id, err);
		code = code == 0 ? insert_child(db, m, id, error, err) : RP_MIN(code, 0);
	}
	rp_json_free(list);
	return code;
}

/* 1 = one is done, 0 = there is none. */
static int recover_one(struct rp_db *db, const char *error, struct rp_err *err)
{
	struct rp_multi_job job = {0};
	char *targets = NULL;
	int code = next_open(db, &job, &targets, err);
	bool found = code == 1 && targets != NULL;
	if (found) {
		code = end_children(db, &job, targets, error, err);
		code = code != 0 ? code : finish_row(db, job.jid, err);
	}
	rp_json_release(&rp_multi_job_table, &job);
	rp_free(targets);
	return code == 0 && found ? 1 : code;
}

static int recover_work(struct rp_db *db, void *arg, struct rp_err *err)
{
	int code = 1;
	while (code == 1) {
		code = rp_db_begin(db, err);
		if (code != 0) {
			return code;
		}
		code = recover_one(db, arg, err);
		int end = in_transaction(db, RP_MIN(code, 0), err);
		code = end != 0 ? end : code;
	}
	return code;
}

int rp_multi_store_recover(struct rp_store *s, const char *error, rp_store_done_cb done, void *ctx)
{
	const struct rp_store_job work = {
	    .work = recover_work,
	    .arg = rp_strdup(error),
	    .free_arg = rp_free,
	    .done = done,
	    .ctx = ctx,
	};
	return work.arg == NULL ? RP_ENOMEM : rp_store_submit(s, &work);
}

/* Reading */

static int read_row(struct rp_stmt *stmt, void *obj)
{
	const char *details = rp_stmt_text(stmt, 0);
	if (details == NULL) {
		return RP_EDB;
	}
	memset(obj, 0, sizeof(struct rp_multi_job));
	return rp_json_decode_text(details, strlen(details), &rp_multi_job_table, false, obj, NULL);
}

static const struct rp_listread_spec read_spec = {
    .select = "SELECT details FROM multi_jobs",
    .table = &rp_multi_job_table,
    .read = read_row,
};

struct read {
	rp_multi_read_cb cb;
	void *ctx;
};

static void on_read(void *ctx, int code, const struct rp_listread *l, const struct rp_err *err)
{
	struct read *r = ctx;
	struct rp_multi_read out = {0};
	if (code == 0) {
		out.jobs = l->page.v;
		out.n = l->page.n;
		out.total = l->total;
	}
	r->cb(r->ctx, code, &out, err);
	rp_free(r);
}

int rp_multi_store_read(
    struct rp_store *s, const struct rp_multi_query *query, rp_multi_read_cb cb, void *ctx)
{
	struct rp_listq q = {0};
	const struct rp_listread_ask ask = {
	    .spec = &read_spec,
	    .where = query->jid != NULL ? "jid = ?"
	                                : (query->created_by != NULL ? "created_by = ?" : NULL),
	    .key = query->jid != NULL ? query->jid : query->created_by,
	};
	struct read *r = rp_calloc(1, sizeof(*r));
	if (query->q != NULL) {
		q = *query->q;
		*query->q = (struct rp_listq){0};
	}
	if (r == NULL) {
		rp_listq_fini(&q);
		return RP_ENOMEM;
	}
	r->cb = cb;
	r->ctx = ctx;
	int err = rp_listread(s, &ask, &q, on_read, r);
	if (err != 0) {
		rp_free(r);
	}
	return err;
}
