/* SPDX-License-Identifier: MIT */
/*
 * The server's database: where it is, who may read it, order and outcome of the work, and that what
 * was queued is on disk after the close.
 */
#include "server/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <uv.h>

#include "core/alloc.h"
#include "server/clients_store.h"
#include "server/monitoring_store.h"
#include "test/lib/store_rig.h"

static struct rp_store_rig rig;

static int setup(void **state)
{
	(void)state;
	rp_store_rig_open(&rig);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rp_store_rig_close(&rig);
	return 0;
}

struct outcome {
	bool done;
	int code;
	char text[256];
	int frees;
	int works;
};

static void on_done(void *ctx, int code, const struct rp_err *err)
{
	struct outcome *o = ctx;
	assert_false(o->done);
	/* The argument is freed after this, not before. */
	assert_int_equal(o->frees, 0);
	o->done = true;
	o->code = code;
	(void)snprintf(o->text, sizeof(o->text), "%s", err->msg);
}

static void free_arg(void *arg)
{
	struct outcome *o = arg;
	o->frees++;
}

static int work_fine(struct rp_db *db, void *arg, struct rp_err *err)
{
	struct outcome *o = arg;
	o->works++;
	return rp_db_exec(db, "INSERT INTO clients VALUES ('x', '{}')", err);
}

static int work_bare(struct rp_db *db, void *arg, struct rp_err *err)
{
	(void)db;
	(void)arg;
	(void)err;
	return RP_EIO;
}

static void run(struct outcome *o, int (*work)(struct rp_db *, void *, struct rp_err *))
{
	const struct rp_store_job job = {
	    .work = work, .arg = o, .free_arg = free_arg, .done = on_done, .ctx = o};
	memset(o, 0, sizeof(*o));
	assert_int_equal(rp_store_submit(rig.store, &job), 0);
	assert_false(o->done);
	rp_store_rig_wait(&rig, &o->done);
	assert_int_equal(o->frees, 1);
}

static void test_outcome(void **state)
{
	struct outcome o;
	(void)state;
	run(&o, work_fine);
	assert_int_equal(o.code, 0);
	assert_int_equal(o.works, 1);
	run(&o, work_fine);
	assert_int_equal(o.code, RP_EEXIST);
	assert_string_not_equal(o.text, "");
	/* A failure without words gets some. */
	run(&o, work_bare);
	assert_int_equal(o.code, RP_EIO);
	assert_string_equal(o.text, rp_err_text(RP_EIO));
}

static void test_without_done(void **state)
{
	struct outcome o = {0};
	const struct rp_store_job fails = {.work = work_bare, .arg = &o, .free_arg = free_arg};
	const struct rp_store_job bare = {.work = work_bare};
	(void)state;
	assert_int_equal(rp_store_submit(rig.store, &fails), 0);
	assert_int_equal(rp_store_submit(rig.store, &bare), 0);
	rp_store_rig_sync(&rig);
	assert_int_equal(o.frees, 1);
}

static void test_files(void **state)
{
	char path[128];
	struct stat st;
	(void)state;
	(void)snprintf(path, sizeof(path), "%s/rport.db", rig.dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	/* A folder that is not there is made, only one level of it. */
	char sub[128];
	struct rp_store *s;
	struct rp_err err = {0};
	(void)snprintf(sub, sizeof(sub), "%s/a/b", rig.dir);
	assert_int_equal(rp_store_open(rig.loop, sub, true, &s, &err), RP_EIO);
	assert_non_null(strstr(err.msg, "cannot be made"));
	(void)snprintf(sub, sizeof(sub), "%s/rport.db", rig.dir);
	assert_int_not_equal(rp_store_open(rig.loop, sub, true, &s, &err), 0);
}

static void test_new_folder(void **state)
{
	char dir[128];
	char path[192];
	struct stat st;
	struct rp_store_rig other = rig;
	struct rp_err err = {0};
	(void)state;
	(void)snprintf(dir, sizeof(dir), "%s/new", rig.dir);
	assert_int_equal(rp_store_open(rig.loop, dir, false, &other.store, &err), 0);
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	rp_store_close(other.store, NULL, NULL);
	rp_store_rig_sync(&rig);
	(void)snprintf(path, sizeof(path), "%s/rport.db", dir);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
}

struct rows {
	size_t n;
	char text[256];
};

static int on_row(void *ctx, const char *id, const char *json)
{
	struct rows *r = ctx;
	size_t len = strlen(r->text);
	(void)snprintf(r->text + len, sizeof(r->text) - len, "%s=%s;", id, json);
	r->n++;
	return r->n == 3 ? RP_ENOMEM : 0;
}

static void on_stored(void *ctx, int code, const struct rp_err *err)
{
	(void)err;
	assert_int_equal(code, 0);
	*(bool *)ctx = true;
}

static void test_clients(void **state)
{
	struct rows rows = {0};
	struct rp_err err = {0};
	bool done = false;
	bool deleted = false;
	(void)state;
	assert_int_equal(rp_clients_store_save(rig.store, "a", "{}", NULL, NULL), 0);
	assert_int_equal(rp_clients_store_save(rig.store, "b'", "{\"x\":1}", NULL, NULL), 0);
	assert_int_equal(rp_clients_store_save(rig.store, "a", "{\"y\":2}", on_stored, &done), 0);
	/* Everything queued is written by the close. */
	rp_store_rig_restart(&rig);
	assert_true(done);
	assert_int_equal(rp_clients_store_load(rig.store, on_row, &rows, &err), 0);
	assert_string_equal(rows.text, "a={\"y\":2};b'={\"x\":1};");
	assert_int_equal(rp_clients_store_delete(rig.store, "a", on_stored, &deleted), 0);
	assert_int_equal(rp_clients_store_delete(rig.store, "nobody", NULL, NULL), 0);
	rp_store_rig_restart(&rig);
	assert_true(deleted);
	memset(&rows, 0, sizeof(rows));
	assert_int_equal(rp_clients_store_load(rig.store, on_row, &rows, &err), 0);
	assert_string_equal(rows.text, "b'={\"x\":1};");
	/* The reader may give up. */
	rows.n = 2;
	assert_int_equal(rp_clients_store_load(rig.store, on_row, &rows, &err), RP_ENOMEM);
}

static void closed(void *ctx)
{
	*(bool *)ctx = true;
}

/* After the close begins nothing more is taken, and nothing leaks. */
static void test_after_close(void **state)
{
	struct outcome o = {0};
	bool end = false;
	(void)state;
	const struct rp_store_job job = {
	    .work = work_fine, .arg = &o, .free_arg = free_arg, .done = on_done, .ctx = &o};
	rp_store_close(rig.store, closed, &end);
	assert_int_equal(rp_store_submit(rig.store, &job), RP_ECLOSED);
	assert_int_equal(o.frees, 1);
	assert_int_equal(rp_clients_store_save(rig.store, "a", "{}", NULL, NULL), RP_ECLOSED);
	rig.store = NULL;
	rp_store_rig_wait(&rig, &end);
	assert_false(o.done);
}

/* Rotation of a database that has a file of its own */

static const struct rp_db_migration own_schema[] = {{"CREATE TABLE t (n BIGINT NOT NULL);"}};
static const struct rp_store_file own_file = {
    .name = "own.db", .migrations = own_schema, .n = RP_ARRAY_LEN(own_schema)};

static int work_insert(struct rp_db *db, void *arg, struct rp_err *err)
{
	(void)arg;
	return rp_db_exec(db, "INSERT INTO t VALUES (1)", err);
}

static int work_count(struct rp_db *db, void *arg, struct rp_err *err)
{
	struct rp_stmt *stmt;
	int code = rp_db_stmt(db, "SELECT COUNT(*) FROM t", &stmt, err);
	if (code == 0 && (code = rp_stmt_step(stmt, err)) == 1) {
		*(int64_t *)arg = rp_stmt_i64(stmt, 0);
		rp_stmt_reset(stmt);
		code = 0;
	}
	return code;
}

static void on_flag(void *ctx, int code, const struct rp_err *err)
{
	(void)err;
	assert_int_equal(code, 0);
	*(bool *)ctx = true;
}

static int64_t count_own(struct rp_store *s)
{
	int64_t n = -1;
	bool done = false;
	const struct rp_store_job job = {
	    .work = work_count, .arg = &n, .done = on_flag, .ctx = &done};
	assert_int_equal(rp_store_submit(s, &job), 0);
	rp_store_rig_wait(&rig, &done);
	return n;
}

static void insert_own(struct rp_store *s)
{
	const struct rp_store_job job = {.work = work_insert};
	assert_int_equal(rp_store_submit(s, &job), 0);
}

static void on_own_closed(void *ctx)
{
	*(bool *)ctx = true;
}

/* Takes the file away; it has to be there. */
static void remove_own(const char *name)
{
	char path[128];
	(void)snprintf(path, sizeof(path), "%s/%s", rig.dir, name);
	assert_int_equal(unlink(path), 0);
}

static void test_rotation(void **state)
{
	struct rp_store *s;
	struct rp_err err = {0};
	bool closed = false;
	(void)state;
	assert_int_equal(rp_store_open_file(rig.loop, rig.dir, true, &own_file, &s, &err), 0);
	insert_own(s);
	insert_own(s);
	/* Behind what is queued, before what comes. */
	assert_int_equal(rp_store_rotate(s, "own.old.db"), 0);
	insert_own(s);
	assert_int_equal(count_own(s), 1);
	assert_int_equal(rp_store_rotate(s, "own.old.db"), 0);
	assert_int_equal(count_own(s), 0);
	remove_own("own.old.db");
	remove_own("own.old.db.1");
	/* A file that cannot be renamed: the store works on. */
	assert_int_equal(rp_store_rotate(s, "no/folder/own.db"), 0);
	insert_own(s);
	assert_int_equal(count_own(s), 1);
	rp_store_close(s, on_own_closed, &closed);
	rp_store_rig_wait(&rig, &closed);
	remove_own("own.db");
}

/* Reads beside the writes */

static int work_held(struct rp_db *db, void *arg, struct rp_err *err)
{
	(void)db;
	(void)err;
	/* Not for ever, so that a test that fails ends. */
	for (int i = 0; i < 2000 && uv_sem_trywait(arg) != 0; i++) {
		(void)usleep(10000);
	}
	return 0;
}

static void on_measurements(
    void *ctx, int code, const struct rp_measurements *list, const struct rp_err *err)
{
	(void)err;
	assert_int_equal(code, 0);
	assert_int_equal(list->n, 0);
	*(bool *)ctx = true;
}

static void on_graph(void *ctx, int code, const struct rp_graph *graph, const struct rp_err *err)
{
	(void)err;
	assert_int_equal(code, 0);
	assert_int_equal(graph->n, 0);
	*(bool *)ctx = true;
}

static void read_measurements(struct rp_store *s)
{
	const struct rp_monitoring_span span = {0, INT64_C(7200) * 1000000000};
	const struct rp_monitoring_query q = {.client_id = "a", .span = span, .limit = 1};
	bool listed = false;
	bool drawn = false;
	assert_int_equal(rp_monitoring_store_read(s, &q, on_measurements, &listed), 0);
	assert_int_equal(rp_monitoring_store_graph(s, "a", span, on_graph, &drawn), 0);
	rp_store_rig_wait(&rig, &listed);
	rp_store_rig_wait(&rig, &drawn);
}

/* The queue does not move until the reads have had their answers. */
static void test_reads_beside_writes(void **state)
{
	struct rp_store *s;
	struct rp_err err = {0};
	uv_sem_t sem;
	bool written = false;
	bool closed = false;
	const struct rp_store_job write = {
	    .work = work_held, .arg = &sem, .done = on_flag, .ctx = &written};
	(void)state;
	assert_int_equal(uv_sem_init(&sem, 0), 0);
	assert_int_equal(
	    rp_store_open_file(rig.loop, rig.dir, true, &rp_monitoring_store_file, &s, &err), 0);
	assert_int_equal(rp_store_submit(s, &write), 0);
	read_measurements(s);
	assert_false(written);
	uv_sem_post(&sem);
	rp_store_rig_wait(&rig, &written);
	rp_store_close(s, on_own_closed, &closed);
	rp_store_rig_wait(&rig, &closed);
	uv_sem_destroy(&sem);
	remove_own("monitoring.db");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_outcome, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_without_done, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_files, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_new_folder, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_clients, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_rotation, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_reads_beside_writes, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_after_close, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
