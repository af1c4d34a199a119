/* SPDX-License-Identifier: MIT */
/*
 * Jobs, a registry and a database of their own, with a stand-in for the workers; jobs are saved as
 * the server and as a liar has them, and read back. To be included by the only file of a test
 * program.
 */
#ifndef RP_TEST_LIB_JOBS_SHORT_H
#define RP_TEST_LIB_JOBS_SHORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/clock.h"
#include "server/jobs.h"
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

static inline void open_parts(void)
{
	struct rp_err err = {0};
	const struct rp_registry_options opt = {.loop = rig.loop, .cfg = &cfg, .store = rig.store};
	assert_int_equal(rp_registry_new(&opt, &registry, &err), 0);
	rp_registry_set_workers(registry, workers);
	const struct rp_jobs_options orders = {
	    .loop = rig.loop, .cfg = &cfg, .registry = registry, .store = rig.store};
	assert_int_equal(rp_jobs_new(&orders, &jobs), 0);
}

static inline int setup(void **state)
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

static inline int teardown(void **state)
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

static inline void restart(void)
{
	rp_jobs_close(jobs);
	rp_registry_close(registry);
	rp_store_rig_restart(&rig);
	rp_store_rig_sync(&rig);
	rp_jobs_free(jobs);
	rp_registry_free(registry);
	open_parts();
}

/* Reading back */

static struct rp_job got;
static size_t got_n;
static int64_t got_total;
static char got_jids[2048];
static bool got_done;
static int got_code;

static inline void on_read(
    void *ctx, int code, const struct rp_jobs_read *r, const struct rp_err *err)
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

static inline bool read_one(const char *client_id, const char *jid)
{
	const struct rp_jobs_query query = {.client_id = client_id, .jid = jid};
	got_done = false;
	assert_int_equal(rp_jobs_read(jobs, &query, on_read, NULL), 0);
	rp_store_rig_wait(&rig, &got_done);
	assert_int_equal(got_code, 0);
	return got_n == 1;
}

static inline void read_list(const char *client_id, const char *text)
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

static inline int drop_got(void **state)
{
	rp_job_fini(&got);
	return teardown(state);
}

/* The store alone */

static inline struct rp_job make_job(const char *jid, const char *client_id)
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

/* A result with nothing in common with what was ordered. */
static inline struct rp_job hostile(const char *jid, const char *client_id)
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
static inline void assert_merged(void)
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

struct stored {
	bool done;
	int code;
};

static inline void on_saved(void *ctx, int code, const struct rp_job *job, const struct rp_err *err)
{
	struct stored *s = ctx;
	(void)err;
	assert_true((job != NULL) == (code == 0));
	s->done = true;
	s->code = code;
}

static inline void on_done(void *ctx, int code, const struct rp_err *err)
{
	struct stored *s = ctx;
	(void)err;
	s->done = true;
	s->code = code;
}

static inline int save_until(const struct rp_job *job, int64_t most, int64_t expires_at)
{
	struct stored s = {0};
	const struct rp_jobs_keep keep = {.expires_at = expires_at, .most = most};
	assert_int_equal(rp_jobs_store_save(rig.store, job, &keep, on_saved, &s), 0);
	rp_store_rig_wait(&rig, &s.done);
	return s.code;
}

static inline int save(const struct rp_job *job, int64_t most)
{
	return save_until(job, most, rp_time_now() + 3600 * RP_NS_PER_S);
}

static size_t expired_n;

static inline void on_expired(
    void *ctx, int code, const struct rp_jobs_read *r, const struct rp_err *err)
{
	expired_n = r->n;
	for (size_t i = 0; i < r->n; i++) {
		assert_string_equal(r->jobs[i].status, RP_JOB_UNKNOWN);
	}
	on_done(ctx, code, err);
}

static inline int expire(int64_t now)
{
	struct stored s = {0};
	assert_int_equal(rp_jobs_store_expire(rig.store, now, on_expired, &s), 0);
	rp_store_rig_wait(&rig, &s.done);
	return s.code;
}

static inline int save_result(const struct rp_job *job)
{
	struct stored s = {0};
	assert_int_equal(rp_jobs_store_result(rig.store, job, on_saved, &s), 0);
	rp_store_rig_wait(&rig, &s.done);
	return s.code;
}

static inline void jid_of(int i, char out[static 40])
{
	(void)snprintf(out, 40, "00000000-0000-4000-8000-%012d", i);
}

#endif
