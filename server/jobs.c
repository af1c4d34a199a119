/* SPDX-License-Identifier: MIT */
/*
 * One order: run_cmd goes to the client, which answers when the process has started; then the
 * job is stored as running and
 * acknowledged. The result comes later as a notification, and may even come before the answer: a
 * finished job is never
 * overwritten by a running one (the store sees to it).
 */
#include "server/jobs.h"

#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "core/log.h"
#include "tunnel/hello.h"
#include "tunnel/mux.h"

#include "core/banned.h"

#define COMPONENT "jobs"
#define START_MS  30000

struct rp_jobs {
	const struct rp_server_config *cfg;
	struct rp_registry *registry;
	struct rp_store *store;
};

struct order {
	struct rp_jobs *jobs;
	struct rp_job job;
	rp_jobs_start_cb cb;
	void *ctx;
};

int rp_jobs_new(const struct rp_server_config *cfg, struct rp_registry *registry,
    struct rp_store *store, struct rp_jobs **out)
{
	struct rp_jobs *j = rp_calloc(1, sizeof(*j));
	if (j == NULL) {
		return RP_ENOMEM;
	}
	j->cfg = cfg;
	j->registry = registry;
	j->store = store;
	*out = j;
	return 0;
}

void rp_jobs_free(struct rp_jobs *j)
{
	rp_free(j);
}

static void order_free(struct order *o)
{
	rp_job_fini(&o->job);
	rp_free(o);
}

static void fail(struct order *o, int code, const char *text)
{
	struct rp_err err = {0};
	(void)rp_err_set(&err, code, "%s", text);
	o->cb(o->ctx, NULL, code, &err);
	order_free(o);
}

static void on_stored(void *ctx, int code, const struct rp_err *err)
{
	struct order *o = ctx;
	o->cb(o->ctx, code == 0 ? o->job.jid : NULL, code, err);
	order_free(o);
}

static void on_started(void *ctx, int code, const char *p, size_t n)
{
	struct order *o = ctx;
	struct rp_run_answer a = {0};
	struct rp_err err = {0};
	if (code != 0) {
		fail(o, code, code == RP_EDENIED ? p : rp_err_text(code));
		return;
	}
	if (rp_json_decode_text(p, n, &rp_run_answer_table, false, &a, &err) != 0) {
		fail(o, RP_EPROTO, "invalid client response format");
		return;
	}
	o->job.pid = (struct rp_opt_i64){.set = true, .v = a.pid};
	o->job.started_at = a.started_at == RP_TIME_ZERO ? rp_time_now() : a.started_at;
	rp_log_info(COMPONENT, "client %s: job %s started by %s", o->job.client_id, o->job.jid,
	    o->job.created_by);
	code = rp_jobs_store_save(
	    o->jobs->store, &o->job, o->jobs->cfg->server.jobs_max_results, on_stored, o);
	if (code != 0) {
		fail(o, code, rp_err_text(code));
	}
}

static bool set_text(char **slot, const char *text)
{
	rp_free(*slot);
	*slot = rp_strdup(text);
	return *slot != NULL;
}

/* What the server decides about a job, whatever the caller filled in. */
static bool complete(struct order *o, const struct rp_client *client)
{
	char jid[RP_UUID_TEXT_MAX];
	rp_uuid4(jid);
	if (o->job.timeout_sec <= 0) {
		o->job.timeout_sec = o->jobs->cfg->server.run_remote_cmd_timeout_sec;
	}
	o->job.pid = (struct rp_opt_i64){0};
	o->job.has_result = false;
	o->job.started_at = RP_TIME_ZERO;
	o->job.finished_at = RP_TIME_ZERO;
	return set_text(&o->job.jid, jid) && set_text(&o->job.client_id, client->id) &&
	    set_text(&o->job.client_name, client->name != NULL ? client->name : "") &&
	    set_text(&o->job.status, "");
}

static int send_order(struct order *o)
{
	struct rp_buf text;
	rp_buf_init(&text, RP_MUX_PAYLOAD_MAX);
	int err = rp_job_encode(&o->job, &text);
	err = err != 0 ? err : rp_buf_terminate(&text);
	if (err == 0 && !set_text(&o->job.status, RP_JOB_RUNNING)) {
		err = RP_ENOMEM;
	}
	const struct rp_call_order call = {
	    .name = "run_cmd",
	    .payload = (const char *)rp_buf_head(&text),
	    .timeout_ms = START_MS,
	};
	if (err == 0) {
		err = rp_registry_call(o->jobs->registry, o->job.client_id, &call, on_started, o);
	}
	rp_buf_fini(&text);
	return err;
}

int rp_jobs_start(struct rp_jobs *j, const char *client_id, const struct rp_job *job,
    rp_jobs_start_cb cb, void *ctx)
{
	const struct rp_client *client = rp_registry_get(j->registry, client_id);
	if (client == NULL || !rp_client_connected(client)) {
		return RP_ECLOSED;
	}
	struct order *o = rp_calloc(1, sizeof(*o));
	if (o == NULL) {
		return RP_ENOMEM;
	}
	o->jobs = j;
	o->cb = cb;
	o->ctx = ctx;
	int err = rp_job_copy(&o->job, job);
	if (err == 0) {
		err = complete(o, client) ? send_order(o) : RP_ENOMEM;
	}
	if (err != 0) {
		order_free(o);
	}
	return err;
}

static void on_result_stored(void *ctx, int code, const struct rp_err *err)
{
	(void)ctx;
	if (code != 0) {
		rp_log_error(COMPONENT, "a job result could not be stored: %s", err->msg);
	}
}

/* Ids are UUIDs; others have only their characters, so that they can be logged. */
static bool jid_valid(const char *jid)
{
	size_t n = jid == NULL ? 0 : strlen(jid);
	for (size_t i = 0; i < n; i++) {
		char c = jid[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		if (!letter && !(c >= '0' && c <= '9') && c != '-') {
			return false;
		}
	}
	return n > 0 && n < RP_UUID_TEXT_MAX;
}

/* The sender is who it is, not who the document says; and a result is an end. */
static bool make_result(struct rp_job *job, const char *client_id)
{
	bool known = job->status != NULL &&
	    (strcmp(job->status, RP_JOB_SUCCESSFUL) == 0 ||
	        strcmp(job->status, RP_JOB_FAILED) == 0);
	if (job->finished_at == RP_TIME_ZERO) {
		job->finished_at = rp_time_now();
	}
	return set_text(&job->client_id, client_id) &&
	    (known || set_text(&job->status, RP_JOB_UNKNOWN));
}

void rp_jobs_result(struct rp_jobs *j, const char *client_id, const char *p, size_t n)
{
	struct rp_job job = {0};
	struct rp_err err = {0};
	int code = rp_job_decode(p, n, &job, &err);
	if (code != 0) {
		rp_log_error(
		    COMPONENT, "client %s sent an unreadable result: %s", client_id, err.msg);
		return;
	}
	if (!jid_valid(job.jid)) {
		rp_log_error(COMPONENT, "client %s sent a result without a job id", client_id);
		rp_job_fini(&job);
		return;
	}
	code = make_result(&job, client_id)
	    ? rp_jobs_store_result(
	          j->store, &job, j->cfg->server.jobs_max_results, on_result_stored, NULL)
	    : RP_ENOMEM;
	if (code != 0) {
		rp_log_error(
		    COMPONENT, "client %s: a job result is lost: %s", client_id, rp_err_text(code));
	} else {
		rp_log_info(COMPONENT, "client %s: job %s %s", client_id, job.jid, job.status);
	}
	rp_job_fini(&job);
}

int rp_jobs_read(
    struct rp_jobs *j, const struct rp_jobs_query *query, rp_jobs_read_cb cb, void *ctx)
{
	return rp_jobs_store_read(j->store, query, cb, ctx);
}
