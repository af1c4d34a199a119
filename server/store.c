/* SPDX-License-Identifier: MIT */
/*
 * Database file, schema and the queue. Work runs on a pool thread one piece after another; its
 * outcome is carried back to the control
 * loop.
 */
#include "server/store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/log.h"

#include "core/banned.h"

#define QUEUE_MAX 10000
#define FILE_NAME "rport.db"

struct rp_store {
	struct rp_db *db;
	struct rp_serial *queue;
	void (*on_closed)(void *ctx);
	void *ctx;
};

/* Forward only: a new version is a new row at the end. */
static const struct rp_db_migration migrations[] = {
    {"CREATE TABLE clients (id TEXT PRIMARY KEY, details TEXT NOT NULL);"
     "CREATE TABLE jobs ("
     " jid TEXT PRIMARY KEY,"
     " client_id TEXT NOT NULL,"
     " status TEXT NOT NULL,"
     " started_at TEXT NOT NULL,"
     " finished_at TEXT,"
     " created_by TEXT NOT NULL,"
     " multi_job_id TEXT,"
     " schedule_id TEXT,"
     " details TEXT NOT NULL);"
     "CREATE INDEX jobs_client_finished ON jobs (client_id, finished_at, jid);"
     "CREATE INDEX jobs_multi ON jobs (multi_job_id);"
     "CREATE TABLE api_sessions ("
     " id BIGINT PRIMARY KEY,"
     " username TEXT NOT NULL,"
     " expires_at BIGINT NOT NULL,"
     " last_access_at BIGINT NOT NULL,"
     " user_agent TEXT NOT NULL,"
     " ip_address TEXT NOT NULL);"},
    /* Each save looks for the oldest jobs of its client. */
    {"CREATE INDEX jobs_client_started ON jobs (client_id, started_at DESC, jid);"},
    /* When the server stops waiting for the result. What runs since before that was kept is over:
     * a late result still counts. */
    {"ALTER TABLE jobs ADD COLUMN expires_at TEXT;"
     "UPDATE jobs SET expires_at = started_at WHERE finished_at IS NULL;"
     "CREATE INDEX jobs_expires ON jobs (expires_at) WHERE finished_at IS NULL;"},
    {"CREATE TABLE api_tokens ("
     " username TEXT NOT NULL,"
     " prefix TEXT NOT NULL,"
     " name TEXT NOT NULL,"
     " scope TEXT NOT NULL,"
     " created_at BIGINT NOT NULL,"
     " expires_at BIGINT NOT NULL,"
     " token_hash TEXT NOT NULL,"
     " PRIMARY KEY (username, prefix),"
     " UNIQUE (username, name));"},
    /* The names are what one asks for in a list: cmd and script. */
    {"CREATE TABLE library_commands ("
     " id TEXT PRIMARY KEY,"
     " name TEXT NOT NULL UNIQUE,"
     " created_by TEXT NOT NULL,"
     " created_at TEXT NOT NULL,"
     " updated_by TEXT NOT NULL,"
     " updated_at TEXT NOT NULL,"
     " cmd TEXT NOT NULL,"
     " tags TEXT,"
     " timeout_sec BIGINT NOT NULL);"
     "CREATE TABLE library_scripts ("
     " id TEXT PRIMARY KEY,"
     " name TEXT NOT NULL UNIQUE,"
     " created_by TEXT NOT NULL,"
     " created_at TEXT NOT NULL,"
     " updated_by TEXT NOT NULL,"
     " updated_at TEXT NOT NULL,"
     " script TEXT NOT NULL,"
     " tags TEXT,"
     " timeout_sec BIGINT NOT NULL,"
     " interpreter TEXT NOT NULL,"
     " is_sudo BIGINT NOT NULL,"
     " cwd TEXT NOT NULL);"},
};

static int make_folder(const char *path, struct rp_err *err)
{
	if (mkdir(path, 0700) == 0 || errno == EEXIST) {
		return 0;
	}
	return rp_err_set(err, RP_EIO, "data_dir %s cannot be made: %s", path, rp_err_text(-errno));
}

int rp_store_open(
    struct rp_loop *loop, const char *data_dir, bool wal, struct rp_store **out, struct rp_err *err)
{
	int code = make_folder(data_dir, err);
	if (code != 0) {
		return code;
	}
	struct rp_store *s = rp_calloc(1, sizeof(*s));
	char *path = rp_asprintf("%s/%s", data_dir, FILE_NAME);
	if (s == NULL || path == NULL) {
		code = rp_err_set(err, RP_ENOMEM, "out of memory");
		goto fail_alloc;
	}
	code = rp_db_open(&s->db, path, wal, err);
	if (code != 0) {
		goto fail_alloc;
	}
	code = rp_db_migrate(s->db, migrations, RP_ARRAY_LEN(migrations), err);
	if (code != 0) {
		goto fail_db;
	}
	code = rp_serial_new(&s->queue, loop, QUEUE_MAX, s->db);
	if (code != 0) {
		(void)rp_err_set(err, code, "%s", rp_err_text(code));
		goto fail_db;
	}
	rp_free(path);
	*out = s;
	return 0;

fail_db:
	rp_db_close(s->db);
fail_alloc:
	rp_free(path);
	rp_free(s);
	return code;
}

static void on_queue_closed(void *arg)
{
	struct rp_store *s = arg;
	void (*on_closed)(void *ctx) = s->on_closed;
	void *ctx = s->ctx;
	rp_db_close(s->db);
	rp_free(s);
	if (on_closed != NULL) {
		on_closed(ctx);
	}
}

void rp_store_close(struct rp_store *s, void (*on_closed)(void *ctx), void *ctx)
{
	s->on_closed = on_closed;
	s->ctx = ctx;
	rp_serial_close(s->queue, on_queue_closed, s);
}

struct rp_db *rp_store_db(struct rp_store *s)
{
	return s->db;
}

struct piece {
	struct rp_serial_job job;
	int (*work)(struct rp_db *db, void *arg, struct rp_err *err);
	void *arg;
	void (*free_arg)(void *arg);
	rp_store_done_cb done;
	void *ctx;
	struct rp_err err;
};

static int on_work(struct rp_serial_job *job, void *ctx)
{
	struct piece *p = RP_CONTAINER_OF(job, struct piece, job);
	return p->work(ctx, p->arg, &p->err);
}

static void on_done(struct rp_serial_job *job, int status)
{
	struct piece *p = RP_CONTAINER_OF(job, struct piece, job);
	if (status != 0 && p->err.msg[0] == '\0') {
		(void)rp_err_set(&p->err, status, "%s", rp_err_text(status));
	}
	if (p->done != NULL) {
		p->done(p->ctx, status, &p->err);
	} else if (status != 0) {
		rp_log_error("store", "a write failed: %s", p->err.msg);
	}
	if (p->free_arg != NULL) {
		p->free_arg(p->arg);
	}
	rp_free(p);
}

int rp_store_submit(struct rp_store *s, const struct rp_store_job *job)
{
	struct piece *p = rp_calloc(1, sizeof(*p));
	int err = RP_ENOMEM;
	if (p == NULL) {
		goto fail;
	}
	p->job.work = on_work;
	p->job.done = on_done;
	p->work = job->work;
	p->arg = job->arg;
	p->free_arg = job->free_arg;
	p->done = job->done;
	p->ctx = job->ctx;
	err = rp_serial_submit(s->queue, &p->job);
	if (err == 0) {
		return 0;
	}
	rp_free(p);
fail:
	if (job->free_arg != NULL) {
		job->free_arg(job->arg);
	}
	return err;
}

void rp_store_time(int64_t t, char out[static RP_STORE_TIME_MAX])
{
	int64_t ns = t % RP_NS_PER_S;
	time_t s = (time_t)(t / RP_NS_PER_S);
	struct tm tm;
	char head[24];
	if (ns < 0) {
		ns += RP_NS_PER_S;
		s--;
	}
	(void)gmtime_r(&s, &tm);
	(void)strftime(head, sizeof(head), "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(out, RP_STORE_TIME_MAX, "%s.%09dZ", head, (int)ns);
}

int64_t rp_store_time_read(const char *text)
{
	int64_t t;
	return text != NULL && rp_time_parse(rp_str_c(text), &t) == 0 ? t : RP_TIME_ZERO;
}

void rp_store_bind_time(struct rp_stmt *stmt, int i, int64_t t)
{
	char text[RP_STORE_TIME_MAX];
	if (t == RP_TIME_ZERO) {
		rp_stmt_bind_null(stmt, i);
		return;
	}
	rp_store_time(t, text);
	rp_stmt_bind_text(stmt, i, text);
}
