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
#include <unistd.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/log.h"

#include "core/banned.h"

#define COMPONENT   "store"
#define QUEUE_MAX   10000
#define ROTATED_MAX 1000

struct rp_store {
	struct rp_db *db; /* NULL: could not be opened again after a rotation */
	const struct rp_store_file *file;
	char *dir;
	bool wal;
	struct rp_serial *queue;
	struct rp_serial *reads; /* NULL: queue does it */
	struct rp_db *reader;    /* opened by the first read */
	unsigned open_queues;    /* while closing */
	bool closing;
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
    {"CREATE TABLE client_groups (id TEXT PRIMARY KEY, details TEXT NOT NULL);"},
    /* No foreign key: a client may be known before it is stored. */
    {"CREATE TABLE stored_tunnels ("
     " id TEXT PRIMARY KEY,"
     " client_id TEXT NOT NULL,"
     " created_at TEXT NOT NULL,"
     " name TEXT NOT NULL,"
     " scheme TEXT,"
     " remote_ip TEXT,"
     " remote_port BIGINT,"
     " public_port BIGINT,"
     " acl TEXT,"
     " further_options TEXT);"
     "CREATE INDEX stored_tunnels_client ON stored_tunnels (client_id, created_at);"},
    {"CREATE TABLE notifications_log ("
     " notification_id TEXT PRIMARY KEY,"
     " timestamp TEXT NOT NULL,"
     " content_type TEXT NOT NULL,"
     " reference_id TEXT NOT NULL,"
     " transport TEXT NOT NULL,"
     " recipients TEXT NOT NULL,"
     " state TEXT NOT NULL,"
     " subject TEXT NOT NULL,"
     " body TEXT NOT NULL,"
     " out TEXT NOT NULL,"
     " err TEXT NOT NULL);"
     "CREATE INDEX notifications_log_timestamp ON notifications_log (timestamp);"},
    {"CREATE TABLE multi_jobs ("
     " jid TEXT PRIMARY KEY,"
     " started_at TEXT NOT NULL,"
     " finished_at TEXT,"
     " created_by TEXT NOT NULL,"
     " schedule_id TEXT,"
     " details TEXT NOT NULL,"
     " targets TEXT NOT NULL);"
     "CREATE INDEX multi_jobs_started ON multi_jobs (started_at DESC, jid);"
     "CREATE INDEX multi_jobs_open ON multi_jobs (jid) WHERE finished_at IS NULL;"},
    {"CREATE TABLE vault_meta ("
     " id BIGINT PRIMARY KEY,"
     " salt TEXT NOT NULL,"
     " rounds BIGINT NOT NULL,"
     " check_value TEXT NOT NULL,"
     " next_id BIGINT NOT NULL);"
     "CREATE TABLE vault_values ("
     " id BIGINT PRIMARY KEY,"
     " client_id TEXT NOT NULL,"
     " required_group TEXT NOT NULL,"
     " key TEXT NOT NULL,"
     " value TEXT NOT NULL,"
     " type TEXT NOT NULL,"
     " created_at TEXT NOT NULL,"
     " updated_at TEXT NOT NULL,"
     " created_by TEXT NOT NULL,"
     " updated_by TEXT,"
     " UNIQUE (client_id, key));"},
    /* Seconds for next_run and last_run: what the clock is compared with. */
    {"CREATE TABLE schedules ("
     " id TEXT PRIMARY KEY,"
     " created_at TEXT NOT NULL,"
     " created_by TEXT NOT NULL,"
     " name TEXT NOT NULL,"
     " schedule TEXT NOT NULL,"
     " type TEXT NOT NULL,"
     " details TEXT NOT NULL,"
     " next_run BIGINT,"
     " last_run BIGINT,"
     " last_job_id TEXT,"
     " last_started_at TEXT);"
     "CREATE INDEX jobs_schedule ON jobs (schedule_id) WHERE schedule_id IS NOT NULL;"
     "CREATE INDEX multi_jobs_schedule ON multi_jobs (schedule_id)"
     " WHERE schedule_id IS NOT NULL;"},
    /* In the order of lists of jobs, so that a page is read and not sorted out of all. */
    {"DROP INDEX jobs_client_finished;"
     "CREATE INDEX jobs_client_listed ON jobs (client_id, finished_at DESC, jid);"},
    {"DROP INDEX jobs_multi;"
     "CREATE INDEX jobs_multi_listed ON jobs (multi_job_id, finished_at DESC, jid);"},
    /* Which code of a user's application was used last. */
    {"CREATE TABLE totp_steps (username TEXT PRIMARY KEY, step BIGINT NOT NULL);"},
    {"CREATE TABLE pairings ("
     " id TEXT PRIMARY KEY,"
     " proof_hash TEXT NOT NULL,"
     " sealed TEXT NOT NULL,"
     " api_url TEXT NOT NULL,"
     " connect_url TEXT NOT NULL,"
     " client_auth_id TEXT NOT NULL,"
     " own_auth BIGINT NOT NULL,"
     " created_by TEXT NOT NULL,"
     " created_at TEXT NOT NULL,"
     " expires_at TEXT NOT NULL,"
     " uses BIGINT NOT NULL,"
     " used BIGINT NOT NULL,"
     " tries BIGINT NOT NULL);"},
    /* The newest jobs of all clients, and of those one user's. */
    {"CREATE INDEX jobs_started ON jobs (started_at DESC, jid);"
     "CREATE INDEX jobs_owner_started ON jobs (created_by, started_at DESC, jid);"},
};

static int make_folder(const char *path, struct rp_err *err)
{
	if (mkdir(path, 0700) != 0 && errno != EEXIST) {
		return rp_err_set(
		    err, RP_EIO, "data_dir %s cannot be made: %s", path, rp_err_text(-errno));
	}
	/* SQLite would only say that it is unable to open its file. */
	if (access(path, W_OK | X_OK) != 0) {
		return rp_err_set(
		    err, RP_EIO, "data_dir %s cannot be written: %s", path, rp_err_text(-errno));
	}
	return 0;
}

const struct rp_store_file rp_store_main_file = {
    .name = "rport.db",
    .migrations = migrations,
    .n = RP_ARRAY_LEN(migrations),
    .reads_beside = true,
};

static int open_db(struct rp_store *s, struct rp_err *err)
{
	char *path = rp_asprintf("%s/%s", s->dir, s->file->name);
	if (path == NULL) {
		return rp_err_no_memory(err);
	}
	int code = rp_db_open(&s->db, path, s->wal, err);
	rp_free(path);
	if (code != 0) {
		return code;
	}
	code = rp_db_migrate(s->db, s->file->migrations, s->file->n, err);
	if (code != 0) {
		rp_db_close(s->db);
		s->db = NULL;
	}
	return code;
}

static void store_free(struct rp_store *s)
{
	rp_db_close(s->reader);
	rp_db_close(s->db);
	rp_free(s->dir);
	rp_free(s);
}

int rp_store_open_file(struct rp_loop *loop, const char *data_dir, bool wal,
    const struct rp_store_file *file, struct rp_store **out, struct rp_err *err)
{
	int code = make_folder(data_dir, err);
	if (code != 0) {
		return code;
	}
	struct rp_store *s = rp_calloc(1, sizeof(*s));
	if (s == NULL) {
		return rp_err_no_memory(err);
	}
	s->file = file;
	s->wal = wal;
	s->dir = rp_strdup(data_dir);
	code = s->dir == NULL ? rp_err_no_memory(err) : open_db(s, err);
	if (code != 0) {
		goto fail_store;
	}
	code = rp_serial_new(&s->queue, loop, QUEUE_MAX, s);
	if (code != 0) {
		(void)rp_err_set(err, code, "%s", rp_err_text(code));
		goto fail_store;
	}
	/* Without it, and with a journal that readers and the writer exclude each other by, one
	 * queue does both. */
	if (wal && file->reads_beside && rp_serial_new(&s->reads, loop, QUEUE_MAX, s) != 0) {
		rp_log_error(COMPONENT, "out of memory: reads wait behind writes");
	}
	*out = s;
	return 0;

fail_store:
	store_free(s);
	return code;
}

int rp_store_open(
    struct rp_loop *loop, const char *data_dir, bool wal, struct rp_store **out, struct rp_err *err)
{
	return rp_store_open_file(loop, data_dir, wal, &rp_store_main_file, out, err);
}

static void on_queue_closed(void *arg)
{
	struct rp_store *s = arg;
	void (*on_closed)(void *ctx) = s->on_closed;
	void *ctx = s->ctx;
	if (--s->open_queues > 0) {
		return;
	}
	store_free(s);
	if (on_closed != NULL) {
		on_closed(ctx);
	}
}

void rp_store_close(struct rp_store *s, void (*on_closed)(void *ctx), void *ctx)
{
	s->on_closed = on_closed;
	s->ctx = ctx;
	if (s->closing) {
		return;
	}
	s->closing = true;
	s->open_queues = s->reads != NULL ? 2 : 1;
	if (s->reads != NULL) {
		rp_serial_close(s->reads, on_queue_closed, s);
	}
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
	struct rp_store *s = ctx;
	int code = s->db == NULL ? open_db(s, &p->err) : 0;
	return code != 0 ? code : p->work(s->db, p->arg, &p->err);
}

static int open_reader(struct rp_store *s, struct rp_err *err)
{
	char *path = rp_asprintf("%s/%s", s->dir, s->file->name);
	if (path == NULL) {
		return rp_err_no_memory(err);
	}
	int code = rp_db_open_existing(&s->reader, path, err);
	rp_free(path);
	code = code != 0 ? code : rp_db_exec(s->reader, "PRAGMA query_only = ON", err);
	if (code != 0) {
		rp_db_close(s->reader);
		s->reader = NULL;
	}
	return code;
}

static int on_read_work(struct rp_serial_job *job, void *ctx)
{
	struct piece *p = RP_CONTAINER_OF(job, struct piece, job);
	struct rp_store *s = ctx;
	int code = s->reader == NULL ? open_reader(s, &p->err) : 0;
	return code != 0 ? code : p->work(s->reader, p->arg, &p->err);
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
		rp_log_error(COMPONENT, "a write failed: %s", p->err.msg);
	}
	if (p->free_arg != NULL) {
		p->free_arg(p->arg);
	}
	rp_free(p);
}

static int submit(struct rp_store *s, const struct rp_store_job *job, bool read)
{
	struct piece *p = rp_calloc(1, sizeof(*p));
	int err = p == NULL ? RP_ENOMEM : s->closing ? RP_ECLOSED : 0;
	if (err != 0) {
		goto fail;
	}
	p->job.work = read ? on_read_work : on_work;
	p->job.done = on_done;
	p->work = job->work;
	p->arg = job->arg;
	p->free_arg = job->free_arg;
	p->done = job->done;
	p->ctx = job->ctx;
	err = rp_serial_submit(read ? s->reads : s->queue, &p->job);
	if (err == 0) {
		return 0;
	}
fail:
	rp_free(p);
	if (job->free_arg != NULL) {
		job->free_arg(job->arg);
	}
	return err;
}

int rp_store_submit(struct rp_store *s, const struct rp_store_job *job)
{
	return submit(s, job, false);
}

int rp_store_read(struct rp_store *s, const struct rp_store_job *job)
{
	return submit(s, job, s->reads != NULL);
}

/* Rotation */

struct rotation {
	struct rp_serial_job job;
	struct rp_err err;
	char name[]; /* to be */
};

/* A name that no file has yet; owned. NULL: no memory, or they are all taken. */
static char *free_path(const struct rp_store *s, const char *name)
{
	for (int i = 0; i < ROTATED_MAX; i++) {
		char *path = i == 0 ? rp_asprintf("%s/%s", s->dir, name)
		                    : rp_asprintf("%s/%s.%d", s->dir, name, i);
		if (path == NULL || access(path, F_OK) != 0) {
			return path;
		}
		rp_free(path);
	}
	return NULL;
}

/* The file is closed. What a failed checkpoint left beside it would be lost with its name. */
static int move_file(const struct rp_store *s, const char *name, struct rp_err *err)
{
	char *from = rp_asprintf("%s/%s", s->dir, s->file->name);
	char *wal = rp_asprintf("%s/%s-wal", s->dir, s->file->name);
	char *to = free_path(s, name);
	int code = 0;
	if (from == NULL || wal == NULL || to == NULL) {
		code = rp_err_set(err, RP_ENOMEM, "no name is free");
	} else if (access(wal, F_OK) == 0) {
		code = rp_err_set(err, RP_EIO, "its write-ahead log could not be emptied");
	} else if (rename(from, to) != 0) {
		code = rp_err_set(err, RP_EIO, "%s", rp_err_text(-errno));
	}
	rp_free(from);
	rp_free(wal);
	rp_free(to);
	return code;
}

static int on_rotate(struct rp_serial_job *job, void *ctx)
{
	struct rotation *r = RP_CONTAINER_OF(job, struct rotation, job);
	struct rp_store *s = ctx;
	rp_db_close(s->db);
	s->db = NULL;
	int moved = move_file(s, r->name, &r->err);
	int opened = open_db(s, moved == 0 ? &r->err : NULL);
	return moved != 0 ? moved : opened;
}

static void on_rotated(struct rp_serial_job *job, int status)
{
	struct rotation *r = RP_CONTAINER_OF(job, struct rotation, job);
	if (status == 0) {
		rp_log_info(COMPONENT, "began a new file; the old one is %s", r->name);
	} else {
		rp_log_error(COMPONENT, "no new file instead of %s: %s", r->name, r->err.msg);
	}
	rp_free(r);
}

int rp_store_rotate(struct rp_store *s, const char *name)
{
	size_t n = strlen(name) + 1;
	struct rotation *r = rp_calloc(1, sizeof(*r) + n);
	if (r == NULL) {
		return RP_ENOMEM;
	}
	r->job.work = on_rotate;
	r->job.done = on_rotated;
	memcpy(r->name, name, n);
	int err = s->closing ? RP_ECLOSED : rp_serial_submit(s->queue, &r->job);
	if (err != 0) {
		rp_free(r);
	}
	return err;
}

int rp_store_check_room(
    struct rp_db *db, const char *count, const char *key, int64_t max, struct rp_err *err)
{
	int64_t n = 0;
	int code = rp_db_number(db, count, key, &n, err);
	return code != 0 ? code : n < max ? 0 : RP_ELIMIT;
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
