/* SPDX-License-Identifier: MIT */
/*
 * Jobs and their store: what was ordered stays as it was ordered, whatever a client says about it;
 * results come early, late, twice, forged, never; lists, restarts and the limit per client.
 */
#include "server/jobs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "test/lib/fake_workers.h"
#include "test/lib/store_rig.h"

#define JID "77fd385a-0000-4000-8000-000000000001"
#define T0  INT64_C(1767323045500000000) /* 2026-01-02T03:04:05.5Z */

static struct rp_store_rig rig;
static struct rp_server_config cfg;
static struct rp_workers *workers;
static struct rp_registry *registry;
static struct rp_jobs *jobs;

static char none[] = "";

static void open_parts(void)
{
	struct rp_err err = {0};
	const struct rp_registry_options opt = {.loop = rig.loop, .cfg = &cfg, .store = rig.store};
	assert_int_equal(rp_registry_new(&opt, &registry, &err), 0);
	rp_registry_set_workers(registry, workers);
	const struct rp_jobs_options orders = {
	    .loop = rig.loop, .cfg = &cfg, .registry = registry, .store = rig.store};
	assert_int_equal(rp_jobs_new(&orders, &jobs), 0);
}

static int setup(void **state)
{
	(void)state;
	memset(&cfg, 0, sizeof(cfg));
	cfg.server.check_clients_connection_interval = 3600 * RP_NS_PER_S;
	cfg.server.auth_multiuse_creds = true;
	cfg.server.run_remote_cmd_timeout_sec = 60;
	cfg.server.jobs_max_results = 0;
	rp_store_rig_open(&rig);
	workers = rp_fake_workers_new();
	open_parts();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rp_fake_workers_free(workers);
	rp_store_rig_sync(&rig);
	rp_registry_close(registry);
	rp_jobs_close(jobs);
	rp_store_rig_close(&rig);
	rp_jobs_free(jobs);
	rp_registry_free(registry);
	return 0;
}

/* Reading back */

static struct rp_job got;
static size_t got_n;
static int64_t got_total;
static char got_jids[2048];
static bool got_done;
static int got_code;

static void on_read(void *ctx, int code, const struct rp_jobs_read *r, const struct rp_err *err)
{
	(void)ctx;
	(void)err;
	rp_job_fini(&got);
	got_done = true;
	got_code = code;
	got_n = r->n;
	got_total = r->total;
	got_jids[0] = '\0';
	for (size_t i = 0; i < r->n; i++) {
		size_t len = strlen(got_jids);
		(void)snprintf(got_jids + len, sizeof(got_jids) - len, "%s ", r->jobs[i].jid);
	}
	if (r->n > 0) {
		assert_int_equal(rp_job_copy(&got, &r->jobs[0]), 0);
	}
}

static bool read_one(const char *client_id, const char *jid)
{
	const struct rp_jobs_query query = {.client_id = client_id, .jid = jid};
	got_done = false;
	assert_int_equal(rp_jobs_read(jobs, &query, on_read, NULL), 0);
	rp_store_rig_wait(&rig, &got_done);
	assert_int_equal(got_code, 0);
	return got_n == 1;
}

static int drop_got(void **state)
{
	rp_job_fini(&got);
	return teardown(state);
}

/* The store alone */

static struct rp_job make_job(const char *jid, const char *client_id)
{
	static char running[] = RP_JOB_RUNNING;
	static char command[] = "id -un";
	static char admin[] = "admin";
	static char name[] = "first";
	return (struct rp_job){
	    .jid = (char *)(uintptr_t)jid,
	    .client_id = (char *)(uintptr_t)client_id,
	    .status = running,
	    .client_name = name,
	    .command = command,
	    .cwd = none,
	    .interpreter = none,
	    .created_by = admin,
	    .error = none,
	    .timeout_sec = 10,
	    .started_at = T0,
	    .finished_at = RP_TIME_ZERO,
	    .pid = {.set = true, .v = 4101},
	};
}

struct stored {
	bool done;
	int code;
};

static void on_saved(void *ctx, int code, const struct rp_job *job, const struct rp_err *err)
{
	struct stored *s = ctx;
	(void)err;
	assert_true((job != NULL) == (code == 0));
	s->done = true;
	s->code = code;
}

static void on_done(void *ctx, int code, const struct rp_err *err)
{
	struct stored *s = ctx;
	(void)err;
	s->done = true;
	s->code = code;
}

static int save_until(const struct rp_job *job, int64_t most, int64_t expires_at)
{
	struct stored s = {0};
	const struct rp_jobs_keep keep = {.expires_at = expires_at, .most = most};
	assert_int_equal(rp_jobs_store_save(rig.store, job, &keep, on_saved, &s), 0);
	rp_store_rig_wait(&rig, &s.done);
	return s.code;
}

static int save(const struct rp_job *job, int64_t most)
{
	return save_until(job, most, rp_time_now() + 3600 * RP_NS_PER_S);
}

static size_t expired_n;

static void on_expired(void *ctx, int code, const struct rp_jobs_read *r, const struct rp_err *err)
{
	expired_n = r->n;
	for (size_t i = 0; i < r->n; i++) {
		assert_string_equal(r->jobs[i].status, RP_JOB_UNKNOWN);
	}
	on_done(ctx, code, err);
}

static int expire(int64_t now)
{
	struct stored s = {0};
	assert_int_equal(rp_jobs_store_expire(rig.store, now, on_expired, &s), 0);
	rp_store_rig_wait(&rig, &s.done);
	return s.code;
}

static int save_result(const struct rp_job *job)
{
	struct stored s = {0};
	assert_int_equal(rp_jobs_store_result(rig.store, job, on_saved, &s), 0);
	rp_store_rig_wait(&rig, &s.done);
	return s.code;
}

/* A result with nothing in common with what was ordered. */
static struct rp_job hostile(const char *jid, const char *client_id)
{
	static char evil[] = "evil";
	static char failed[] = RP_JOB_FAILED;
	return (struct rp_job){
	    .jid = (char *)(uintptr_t)jid,
	    .client_id = (char *)(uintptr_t)client_id,
	    .status = failed,
	    .client_name = evil,
	    .command = evil,
	    .cwd = evil,
	    .interpreter = evil,
	    .created_by = evil,
	    .multi_job_id = evil,
	    .schedule_id = evil,
	    .error = evil,
	    .timeout_sec = 77,
	    .is_sudo = true,
	    .is_script = true,
	    .stream_result = true,
	    .started_at = T0 + 1,
	    .finished_at = T0 + 2,
	    .pid = {.set = true, .v = 1},
	    .has_result = true,
	    .result = {.out = evil, .err = evil, .summary = evil},
	};
}

/* All that the server decided is as make_job has it, all that the client may say as hostile has
 * it. */
static void assert_merged(void)
{
	assert_string_equal(got.client_id, "c1");
	assert_string_equal(got.client_name, "first");
	assert_string_equal(got.command, "id -un");
	assert_string_equal(got.cwd, "");
	assert_string_equal(got.interpreter, "");
	assert_string_equal(got.created_by, "admin");
	assert_null(got.multi_job_id);
	assert_null(got.schedule_id);
	assert_int_equal(got.timeout_sec, 10);
	assert_false(got.is_sudo);
	assert_false(got.is_script);
	assert_false(got.stream_result);
	assert_string_equal(got.status, RP_JOB_FAILED);
	assert_string_equal(got.error, "evil");
	assert_int_equal(got.started_at, T0 + 1);
	assert_int_equal(got.finished_at, T0 + 2);
	assert_int_equal(got.pid.v, 1);
	assert_true(got.has_result);
	assert_string_equal(got.result.out, "evil");
}

static void read_list(const char *client_id, const char *text);

static void restart(void)
{
	rp_jobs_close(jobs);
	rp_registry_close(registry);
	rp_store_rig_restart(&rig);
	rp_store_rig_sync(&rig);
	rp_jobs_free(jobs);
	rp_registry_free(registry);
	open_parts();
}

static void test_save_and_load(void **state)
{
	(void)state;
	struct rp_job job = make_job(JID, "c1");
	assert_int_equal(save(&job, 0), 0);
	restart();
	assert_true(read_one("c1", JID));
	assert_string_equal(got.jid, JID);
	assert_string_equal(got.command, "id -un");
	assert_int_equal(got.started_at, T0);
	assert_int_equal(got.finished_at, RP_TIME_ZERO);
	assert_int_equal(got.pid.v, 4101);
	assert_false(got.has_result);
	assert_true(read_one(NULL, JID));
	/* Another client's job is not found by its id. */
	assert_false(read_one("c2", JID));
	assert_false(read_one("c1", "nope"));
}

static void test_result_changes_outcome_only(void **state)
{
	(void)state;
	struct rp_job job = make_job(JID, "c1");
	struct rp_job bad = hostile(JID, "c1");
	assert_int_equal(save(&job, 0), 0);
	assert_int_equal(save_result(&bad), 0);
	assert_true(read_one("c1", JID));
	assert_merged();
	/* The columns that lists look at say the same. */
	read_list("c1", "filter[created_by]=admin&filter[multi_job_id]=&filter[status]=failed");
	assert_int_equal(got_total, 1);
	read_list("c1", "filter[created_by|multi_job_id|schedule_id]=evil");
	assert_int_equal(got_total, 0);
}

/* The result may be faster than the answer: the job is stored by then, and the answer changes
 * nothing any more. */
static void test_early_result(void **state)
{
	(void)state;
	struct rp_job job = make_job(JID, "c1");
	struct rp_job bad = hostile(JID, "c1");
	job.pid.set = false;
	assert_int_equal(save(&job, 0), 0);
	assert_int_equal(save_result(&bad), 0);
	job.pid.set = true;
	assert_int_equal(save(&job, 0), 0);
	assert_true(read_one("c1", JID));
	assert_merged();
	read_list("c1", "filter[created_by]=admin&filter[multi_job_id]=&filter[status]=failed");
	assert_int_equal(got_total, 1);
}

/* What was never ordered has no result. */
static void test_forged_result(void **state)
{
	(void)state;
	struct rp_job bad = hostile(JID, "c1");
	assert_int_equal(save_result(&bad), RP_ENOENT);
	read_list(NULL, "");
	assert_int_equal(got_total, 0);
	/* Nor has what is forgotten. */
	struct rp_job job = make_job(JID, "c1");
	struct stored s = {0};
	assert_int_equal(save(&job, 0), 0);
	assert_int_equal(rp_jobs_store_delete(rig.store, JID, on_done, &s), 0);
	rp_store_rig_wait(&rig, &s.done);
	assert_int_equal(s.code, 0);
	assert_int_equal(save_result(&bad), RP_ENOENT);
	assert_false(read_one("c1", JID));
}

static void test_second_result(void **state)
{
	char unknown[] = RP_JOB_UNKNOWN;
	(void)state;
	struct rp_job job = make_job(JID, "c1");
	struct rp_job first = hostile(JID, "c1");
	struct rp_job second = hostile(JID, "c1");
	first.status = unknown;
	second.finished_at = T0 + 99;
	assert_int_equal(save(&job, 0), 0);
	/* Not known what became of it: what is learnt later counts. */
	assert_int_equal(save_result(&first), 0);
	assert_true(read_one("c1", JID));
	assert_string_equal(got.status, RP_JOB_UNKNOWN);
	assert_int_equal(save_result(&first), RP_EEXIST);
	assert_int_equal(save_result(&second), 0);
	assert_true(read_one("c1", JID));
	assert_string_equal(got.status, RP_JOB_FAILED);
	assert_int_equal(got.finished_at, T0 + 99);
	/* The end of a job does not change any more. */
	second.finished_at = T0 + 100;
	assert_int_equal(save_result(&second), RP_EEXIST);
	assert_int_equal(save(&job, 0), 0);
	assert_true(read_one("c1", JID));
	assert_int_equal(got.finished_at, T0 + 99);
	assert_string_equal(got.status, RP_JOB_FAILED);
}

static void test_other_clients_job(void **state)
{
	(void)state;
	struct rp_job job = make_job(JID, "c1");
	struct rp_job bad = hostile(JID, "c2");
	struct rp_job theirs = make_job(JID, "c2");
	assert_int_equal(save(&job, 0), 0);
	assert_int_equal(save_result(&bad), RP_EDENIED);
	assert_int_equal(save(&theirs, 0), RP_EDENIED);
	assert_true(read_one("c1", JID));
	assert_string_equal(got.status, RP_JOB_RUNNING);
	assert_false(read_one("c2", JID));
}

static void test_bare_result(void **state)
{
	(void)state;
	struct rp_job job = make_job(JID, "c1");
	struct rp_job bare = {.started_at = RP_TIME_ZERO, .finished_at = T0};
	bare.jid = (char *)(uintptr_t)JID;
	bare.client_id = (char *)(uintptr_t) "c1";
	assert_int_equal(save(&job, 0), 0);
	assert_int_equal(save_result(&bare), 0);
	assert_true(read_one("c1", JID));
	assert_int_equal(got.finished_at, T0);
}

static void test_expire(void **state)
{
	char expired[] = "00000000-0000-4000-8000-000000000001";
	char finished[] = "00000000-0000-4000-8000-000000000002";
	char running[] = "00000000-0000-4000-8000-000000000003";
	/* Later than what the timer of the jobs looks for. */
	int64_t now = rp_time_now() + 3600 * RP_NS_PER_S;
	(void)state;
	struct rp_job job = make_job(expired, "c1");
	assert_int_equal(save_until(&job, 0, now), 0);
	job = make_job(finished, "c1");
	assert_int_equal(save_until(&job, 0, now), 0);
	struct rp_job result = hostile(finished, "c1");
	assert_int_equal(save_result(&result), 0);
	job = make_job(running, "c1");
	assert_int_equal(save_until(&job, 0, now + 3600 * RP_NS_PER_S), 0);
	assert_int_equal(expire(now), 0);
	assert_true(read_one("c1", expired));
	assert_string_equal(got.status, RP_JOB_UNKNOWN);
	assert_string_equal(got.error, "no result came from the client in time");
	assert_int_equal(got.finished_at, now);
	assert_string_equal(got.command, "id -un");
	assert_true(read_one("c1", finished));
	assert_string_equal(got.status, RP_JOB_FAILED);
	assert_true(read_one("c1", running));
	assert_string_equal(got.status, RP_JOB_RUNNING);
	assert_int_equal(got.finished_at, RP_TIME_ZERO);
	/* Another time it is left as it is, and a late result counts. */
	assert_int_equal(expire(now + 1), 0);
	assert_true(read_one("c1", expired));
	assert_int_equal(got.finished_at, now);
	result = hostile(expired, "c1");
	assert_int_equal(save_result(&result), 0);
	assert_true(read_one("c1", expired));
	assert_merged();
}

static void exec_sql(const char *sql)
{
	struct rp_err err = {0};
	if (rp_db_exec(rp_store_db(rig.store), sql, &err) != 0) {
		fail_msg("%s", err.msg);
	}
}

/* An unreadable row does not keep the others from their end. */
static void test_expire_unreadable(void **state)
{
	int64_t now = rp_time_now();
	(void)state;
	struct rp_job job = make_job("bad", "c1");
	assert_int_equal(save_until(&job, 0, now - 1), 0);
	job = make_job(JID, "c1");
	assert_int_equal(save_until(&job, 0, now), 0);
	exec_sql("UPDATE jobs SET details = '{' WHERE jid = 'bad'");
	assert_int_equal(expire(now), 0);
	assert_true(read_one("c1", JID));
	assert_string_equal(got.status, RP_JOB_UNKNOWN);
}

static void wait_status(const char *status)
{
	uint64_t end = rp_clock_ms() + 20000;
	do {
		assert_true(rp_clock_ms() < end);
		rp_store_rig_sync(&rig);
		assert_true(read_one("c1", JID));
	} while (strcmp(got.status, status) != 0);
}

/* The server was away when the time was over. */
static void test_expire_at_start(void **state)
{
	(void)state;
	struct rp_job job = make_job(JID, "c1");
	assert_int_equal(save_until(&job, 0, rp_time_now() - RP_NS_PER_S), 0);
	restart();
	wait_status(RP_JOB_UNKNOWN);
	assert_true(got.finished_at != RP_TIME_ZERO);
}

static void jid_of(int i, char out[static 40])
{
	(void)snprintf(out, 40, "00000000-0000-4000-8000-%012d", i);
}

static void test_prune(void **state)
{
	char jid[40];
	(void)state;
	for (int i = 0; i < 10; i++) {
		jid_of(i, jid);
		struct rp_job job = make_job(jid, "c1");
		job.started_at = T0 + i;
		assert_int_equal(save(&job, 4), 0);
	}
	jid_of(50, jid);
	struct rp_job other = make_job(jid, "c2");
	assert_int_equal(save(&other, 4), 0);
	read_list("c1", "sort=jid&fields[jobs]=jid");
	assert_int_equal(got_total, 4);
	jid_of(6, jid);
	assert_memory_equal(got_jids, jid, strlen(jid));
	read_list("c2", "");
	assert_int_equal(got_total, 1);
	/* A clock that is behind: the job that was just acknowledged stays. */
	jid_of(60, jid);
	struct rp_job late = make_job(jid, "c1");
	late.started_at = 1;
	assert_int_equal(save(&late, 4), 0);
	assert_true(read_one("c1", jid));
	jid_of(9, jid);
	assert_true(read_one("c1", jid));
}

static void read_list(const char *client_id, const char *text)
{
	static const char *const filters[] = {"jid", "status", "created_by", "multi_job_id",
	    "schedule_id", "started_at[gt]", "started_at[lt]", "started_at[since]", NULL};
	static const char *const sorts[] = {"jid", "started_at", "finished_at", "status", NULL};
	static const char *const fields[] = {"jid", NULL};
	static const struct rp_listq_resource resources[] = {
	    {"jobs", fields, fields}, {NULL, NULL, NULL}};
	static const struct rp_listq_spec spec = {.filters = filters,
	    .sorts = sorts,
	    .default_sort = "-finished_at,jid",
	    .resources = resources,
	    .limit_default = 100,
	    .limit_max = 1000};
	struct rp_query in;
	struct rp_listq q;
	struct rp_listq_errors errs;
	assert_int_equal(rp_query_parse(rp_str_c(text), &in), 0);
	assert_int_equal(rp_listq_parse(&in, &spec, &q, &errs), 0);
	const struct rp_jobs_query query = {.client_id = client_id, .q = &q};
	got_done = false;
	assert_int_equal(rp_jobs_read(jobs, &query, on_read, NULL), 0);
	/* Its clauses were copied. */
	rp_listq_fini(&q);
	rp_query_fini(&in);
	rp_store_rig_wait(&rig, &got_done);
	assert_int_equal(got_code, 0);
}

static void test_list(void **state)
{
	char jid[40];
	(void)state;
	for (int i = 0; i < 5; i++) {
		jid_of(i, jid);
		struct rp_job job = make_job(jid, "c1");
		job.started_at = T0 + i * RP_NS_PER_S;
		job.finished_at = i < 3 ? T0 + (10 - i) * RP_NS_PER_S : RP_TIME_ZERO;
		assert_int_equal(save(&job, 0), 0);
	}
	read_list("c1", "");
	assert_int_equal(got_total, 5);
	assert_int_equal(got_n, 5);
	/* Newest finished first, those that run last. */
	assert_string_equal(got_jids,
	    "00000000-0000-4000-8000-000000000000 00000000-0000-4000-8000-000000000001 "
	    "00000000-0000-4000-8000-000000000002 00000000-0000-4000-8000-000000000003 "
	    "00000000-0000-4000-8000-000000000004 ");
	read_list("c1", "sort=-jid&page[limit]=2&page[offset]=1");
	assert_int_equal(got_total, 5);
	assert_string_equal(
	    got_jids, "00000000-0000-4000-8000-000000000003 00000000-0000-4000-8000-000000000002 ");
	read_list("c1", "page[offset]=9");
	assert_int_equal(got_total, 5);
	assert_int_equal(got_n, 0);
	read_list("c1", "filter[started_at][gt]=2026-01-02T03:04:07.5Z");
	assert_int_equal(got_total, 2);
	read_list("c1",
	    "filter[started_at][since]=2026-01-02T03:04:07.5Z&filter[started_at][lt]=2027-01-01");
	assert_int_equal(got_total, 3);
	read_list("c2", "");
	assert_int_equal(got_total, 0);
	read_list(NULL, "");
	assert_int_equal(got_total, 5);
}

/* Orders and results through a registry */

static const struct rp_conn_ref ref1 = {.worker = 0, .id = 1};

static void connect_client(const char *id, struct rp_conn_ref ref)
{
	const struct rp_conn_events *ev = rp_registry_events();
	struct rp_new_connection hello = {
	    .id = rp_strdup(id), .name = rp_strdup("first"), .version = rp_strdup("1.0.0")};
	ev->on_register(registry, ref, "192.0.2.1", "auth", &hello);
	rp_json_release(&rp_new_connection_table, &hello);
	ev->on_up(registry, ref, NULL, 0);
	rp_fake_clear(workers);
	assert_true(rp_client_connected(rp_registry_get(registry, id)));
}

static struct {
	bool done;
	int code;
	char jid[40];
	char text[256];
} started;

static void on_started(void *ctx, const char *jid, int code, const struct rp_err *err)
{
	(void)ctx;
	assert_false(started.done);
	started.done = true;
	started.code = code;
	assert_true((jid != NULL) == (code == 0));
	(void)snprintf(started.jid, sizeof(started.jid), "%s", jid != NULL ? jid : "");
	(void)snprintf(started.text, sizeof(started.text), "%s", code != 0 ? err->msg : "");
}

static struct rp_fake_order *order_job(int64_t timeout)
{
	struct rp_job job = make_job("ignored", "ignored");
	job.timeout_sec = timeout;
	memset(&started, 0, sizeof(started));
	size_t before = rp_fake_count(workers);
	assert_int_equal(rp_jobs_start(jobs, "c1", &job, on_started, NULL), 0);
	/* Not sent before it is stored. */
	assert_int_equal(rp_fake_count(workers), before);
	rp_store_rig_sync(&rig);
	return rp_fake_order(workers, before);
}

static void test_start(void **state)
{
	char want[512];
	struct rp_job sent;
	(void)state;
	connect_client("c1", ref1);
	struct rp_fake_order *o = order_job(10);
	assert_int_equal(o->kind, RP_FAKE_CALL);
	assert_string_equal(o->name, "run_cmd");
	assert_int_equal(o->ref.id, 1);
	assert_int_equal(rp_job_decode(o->text, strlen(o->text), &sent, NULL), 0);
	/* Byte for byte the vector A.3 of the wire protocol. */
	(void)snprintf(want, sizeof(want),
	    "{\"jid\":\"%s\",\"status\":\"\",\"finished_at\":null,\"client_id\":\"c1\","
	    "\"client_name\":\"first\",\"command\":\"id -un\",\"cwd\":\"\",\"interpreter\":\"\","
	    "\"pid\":null,\"started_at\":\"0001-01-01T00:00:00Z\",\"created_by\":\"admin\","
	    "\"timeout_sec\":10,\"multi_job_id\":null,\"schedule_id\":null,\"error\":\"\","
	    "\"result\":null,\"is_sudo\":false,\"is_script\":false,\"stream_result\":false}",
	    sent.jid);
	assert_string_equal(o->text, want);
	assert_false(started.done);
	assert_true(read_one("c1", sent.jid));
	assert_string_equal(got.status, RP_JOB_RUNNING);
	assert_false(got.pid.set);
	rp_fake_answer(o, 0, "{\"Pid\":4101,\"StartedAt\":\"2026-11-22T18:08:42.064428862Z\"}");
	/* Not acknowledged before it is stored. */
	assert_false(started.done);
	rp_store_rig_wait(&rig, &started.done);
	assert_int_equal(started.code, 0);
	assert_string_equal(started.jid, sent.jid);
	assert_true(read_one("c1", sent.jid));
	assert_string_equal(got.status, RP_JOB_RUNNING);
	assert_int_equal(got.pid.v, 4101);
	assert_string_equal(got.client_name, "first");
	rp_job_fini(&sent);
}

static void test_start_fails(void **state)
{
	static const struct {
		int answer;
		const char *payload;
		int code;
		const char *text;
	} cases[] = {
	    {RP_EDENIED, "command is not allowed: x", RP_EDENIED, "command is not allowed: x"},
	    {RP_ECLOSED, "", RP_ECLOSED, "closed"},
	    {RP_ETIMEOUT, "", RP_ETIMEOUT, "timed out"},
	    {0, "", RP_EPROTO, "invalid client response format"},
	    {0, "null", RP_EPROTO, "invalid client response format"},
	    {0, "[]", RP_EPROTO, "invalid client response format"},
	    {0, "{\"Pid\":\"x\"}", RP_EPROTO, "invalid client response format"},
	    {0, "{\"Pid\":1,\"StartedAt\":\"soon\"}", RP_EPROTO, "invalid client response format"},
	};
	(void)state;
	struct rp_job job = make_job("x", "x");
	assert_int_equal(rp_jobs_start(jobs, "c1", &job, on_started, NULL), RP_ECLOSED);
	connect_client("c1", ref1);
	for (size_t i = 0; i < RP_ARRAY_LEN(cases); i++) {
		struct rp_fake_order *o = order_job(10);
		rp_fake_answer(o, cases[i].answer, cases[i].payload);
		rp_store_rig_wait(&rig, &started.done);
		if (cases[i].code != started.code) {
			fail_msg("%zu: %s", i, started.text);
		}
		assert_string_equal(started.text, cases[i].text);
	}
	/* Nothing is kept of a job that did not start. */
	read_list("c1", "");
	assert_int_equal(got_total, 0);
	/* Gone: known, but not connected. */
	rp_registry_events()->on_down(registry, ref1, "test");
	assert_int_equal(rp_jobs_start(jobs, "c1", &job, on_started, NULL), RP_ECLOSED);
}

static void test_default_timeout(void **state)
{
	static const struct {
		int64_t asked;
		const char *sent;
	} cases[] = {
	    {0, "\"timeout_sec\":60,"}, {-5, "\"timeout_sec\":60,"}, {1, "\"timeout_sec\":1,"}};
	(void)state;
	connect_client("c1", ref1);
	for (size_t i = 0; i < RP_ARRAY_LEN(cases); i++) {
		struct rp_fake_order *o = order_job(cases[i].asked);
		assert_non_null(strstr(o->text, cases[i].sent));
		rp_fake_answer(o, RP_ETIMEOUT, "");
		rp_store_rig_wait(&rig, &started.done);
	}
}

static void send_result(const char *client_id, const char *text)
{
	rp_jobs_result(jobs, client_id, text, strlen(text));
	rp_store_rig_sync(&rig);
}

/* The vector of A.3, from one who lies about who it is. */
static void test_result(void **state)
{
	(void)state;
	struct rp_job job = make_job(JID, "c1");
	assert_int_equal(save(&job, 0), 0);
	send_result("c1",
	    "{\"jid\":\"" JID "\",\"status\":\"successful\",\"finished_at\":"
	    "\"2026-11-22T18:08:43.080085096Z\",\"client_id\":\"c9\",\"client_name\":\"cname\","
	    "\"command\":\"rm -rf /\",\"pid\":4102,\"started_at\":\"2026-11-22T18:08:42.064428862Z\","
	    "\"created_by\":\"root\",\"error\":\"\",\"result\":{\"stdout\":\"root\\n\",\"stderr\":\"\","
	    "\"summary\":\"\"},\"is_sudo\":true}");
	assert_true(read_one("c1", JID));
	assert_string_equal(got.status, RP_JOB_SUCCESSFUL);
	assert_string_equal(got.command, "id -un");
	assert_string_equal(got.created_by, "admin");
	assert_string_equal(got.result.out, "root\n");
	assert_int_equal(got.pid.v, 4102);
	assert_false(got.is_sudo);
	assert_false(read_one("c9", JID));
}

static void test_result_of_another(void **state)
{
	(void)state;
	struct rp_job job = make_job(JID, "c1");
	assert_int_equal(save(&job, 0), 0);
	send_result("c2", "{\"jid\":\"" JID "\",\"status\":\"successful\",\"client_id\":\"c1\"}");
	assert_true(read_one("c1", JID));
	assert_string_equal(got.status, RP_JOB_RUNNING);
	assert_false(read_one("c2", JID));
}

/* A result is an end, with one of the known words. */
static void test_result_status(void **state)
{
	static const struct {
		const char *sent, *kept;
	} cases[] = {
	    {"\"successful\"", RP_JOB_SUCCESSFUL},
	    {"\"failed\"", RP_JOB_FAILED},
	    {"\"unknown\"", RP_JOB_UNKNOWN},
	    {"\"running\"", RP_JOB_UNKNOWN},
	    {"\"\"", RP_JOB_UNKNOWN},
	    {"null", RP_JOB_UNKNOWN},
	    {"\"<script>\"", RP_JOB_UNKNOWN},
	};
	char text[256];
	char jid[40];
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(cases); i++) {
		jid_of((int)i, jid);
		struct rp_job job = make_job(jid, "c1");
		assert_int_equal(save(&job, 0), 0);
		int64_t before = rp_time_now();
		(void)snprintf(
		    text, sizeof(text), "{\"jid\":\"%s\",\"status\":%s}", jid, cases[i].sent);
		send_result("c1", text);
		assert_true(read_one("c1", jid));
		assert_string_equal(got.status, cases[i].kept);
		assert_true(got.finished_at >= before);
	}
	send_result(
	    "c1", "{\"jid\":\"77fd385a-0000-4000-8000-00000000abcd\",\"status\":\"failed\"}");
	read_list(NULL, "");
	assert_int_equal(got_total, (int64_t)RP_ARRAY_LEN(cases));
}

/* The whole way: ordered, started, never heard of again, heard of after all. */
static void test_no_result(void **state)
{
	char text[256];
	(void)state;
	connect_client("c1", ref1);
	struct rp_fake_order *o = order_job(1);
	rp_fake_answer(o, 0, "{\"Pid\":4101,\"StartedAt\":\"2199-11-22T18:08:42Z\"}");
	rp_store_rig_wait(&rig, &started.done);
	/* Its time is counted by our clock, not by the client's. */
	assert_int_equal(expire(rp_time_now() + 5 * RP_NS_PER_S), 0);
	assert_true(read_one("c1", started.jid));
	assert_string_equal(got.status, RP_JOB_RUNNING);
	assert_int_equal(expire(rp_time_now() + 20 * RP_NS_PER_S), 0);
	assert_true(read_one("c1", started.jid));
	assert_string_equal(got.status, RP_JOB_UNKNOWN);
	(void)snprintf(
	    text, sizeof(text), "{\"jid\":\"%s\",\"status\":\"successful\"}", started.jid);
	send_result("c1", text);
	assert_true(read_one("c1", started.jid));
	assert_string_equal(got.status, RP_JOB_SUCCESSFUL);
}

/* No sum of times overflows. */
static void test_endless_timeout(void **state)
{
	(void)state;
	connect_client("c1", ref1);
	struct rp_fake_order *o = order_job(INT64_MAX);
	assert_non_null(strstr(o->text, "\"timeout_sec\":3153600000,"));
	rp_fake_answer(o, 0, "{\"Pid\":1,\"StartedAt\":\"2026-11-22T18:08:42Z\"}");
	rp_store_rig_wait(&rig, &started.done);
	assert_int_equal(expire(rp_time_now() + 3600 * RP_NS_PER_S), 0);
	assert_true(read_one("c1", started.jid));
	assert_string_equal(got.status, RP_JOB_RUNNING);
}

static void test_result_garbage(void **state)
{
	static const char *const texts[] = {"", "null", "[]", "{}", "{", "{\"jid\":7}",
	    "{\"jid\":\"\"}", "{\"jid\":null,\"status\":\"failed\"}", "{\"jid\":\"a b\"}",
	    "{\"jid\":\"a\\nb\"}", "{\"jid\":\"../x\"}",
	    "{\"jid\":\"0123456789012345678901234567890123456\"}",
	    "{\"jid\":\"a\",\"finished_at\":\"x\"}", "{\"jid\":\"a\",\"result\":[]}",
	    "{\"jid\":\"a\",\"result\":{\"stdout\":1}}"};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(texts); i++) {
		send_result("c1", texts[i]);
	}
	read_list(NULL, "");
	assert_int_equal(got_total, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_save_and_load, setup, drop_got),
	    cmocka_unit_test_setup_teardown(test_result_changes_outcome_only, setup, drop_got),
	    cmocka_unit_test_setup_teardown(test_early_result, setup, drop_got),
	    cmocka_unit_test_setup_teardown(test_forged_result, setup, drop_got),
	    cmocka_unit_test_setup_teardown(test_second_result, setup, drop_got),
	    cmocka_unit_test_setup_teardown(test_other_clients_job, setup, drop_got),
	    cmocka_unit_test_setup_teardown(test_bare_result, setup, drop_got),
	    cmocka_unit_test_setup_teardown(test_expire, setup, drop_got),
	    cmocka_unit_test_setup_teardown(test_expire_unreadable, setup, drop_got),
	    cmocka_unit_test_setup_teardown(test_expire_at_start, setup, drop_got),
	    cmocka_unit_test_setup_teardown(test_prune, setup, drop_got),
	    cmocka_unit_test_setup_teardown(test_list, setup, drop_got),
	    cmocka_unit_test_setup_teardown(test_start, setup, drop_got),
	    cmocka_unit_test_setup_teardown(test_start_fails, setup, drop_got),
	    cmocka_unit_test_setup_teardown(test_default_timeout, setup, drop_got),
	    cmocka_unit_test_setup_teardown(test_result, setup, drop_got),
	    cmocka_unit_test_setup_teardown(test_result_of_another, setup, drop_got),
	    cmocka_unit_test_setup_teardown(test_result_status, setup, drop_got),
	    cmocka_unit_test_setup_teardown(test_result_garbage, setup, drop_got),
	    cmocka_unit_test_setup_teardown(test_no_result, setup, drop_got),
	    cmocka_unit_test_setup_teardown(test_endless_timeout, setup, drop_got),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
