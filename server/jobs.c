/* SPDX-License-Identifier: MIT */
/*
 * One order: the job is stored as running, then run_cmd goes to the client, which answers when the
 * process has started; then the job is stored once more and acknowledged. The result comes later as
 * a notification, and may even come before the answer: a finished job is never overwritten by a
 * running one (the store sees to it).
 *
 * A client that died never reports: after the job's time limit and some grace nobody waits for a
 * result any more, but a late one still counts. That deadline is stored, so it outlives the server.
 */
#include "server/jobs.h"

#include <stdio.h>
#include <string.h>

#include <uv.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "core/hash.h"
#include "core/log.h"
#include "tunnel/hello.h"
#include "tunnel/mux.h"

#include "core/banned.h"

#define COMPONENT "jobs"
#define START_MS  30000
/* After the time limit, which the client itself watches: for the result's way to us. */
#define GRACE_S  10
#define SWEEP_MS 4000
/* Behind the time limit of a watched job: more than all that the store waits for. */
#define LOST_S (START_MS / 1000 + GRACE_S + 60)
/* Of a client's refusal. */
#define REFUSAL_MAX 1000
/* Of what a user asks for: sums of times must not overflow. */
#define TIMEOUT_MAX_S (INT64_C(100) * 365 * 86400)

struct rp_jobs {
	struct rp_jobs_options opt;
	struct rp_hash watches; /* struct watch by jid */
	uv_timer_t sweep;
	bool sweeping;
	bool closing;
};

struct order {
	struct rp_jobs *jobs;
	struct rp_job job;
	char *text;          /* of run_cmd */
	rp_jobs_start_cb cb; /* NULL: a watched job */
	void *ctx;
};

/* Somebody follows this job; from the order to its end. */
struct watch {
	struct rp_hash_node node;
	struct rp_list lost; /* in the list of those whose end is made up */
	char jid[RP_UUID_TEXT_MAX];
	char *client_id;
	int64_t deadline; /* if its row is lost, this is its end */
	struct rp_job_watch ops;
	void *ctx;
};

static struct watch *find_watch(const struct rp_jobs *j, const char *jid)
{
	struct rp_hash_node *node = jid == NULL ? NULL : rp_hash_get(&j->watches, jid);
	return node == NULL ? NULL : RP_CONTAINER_OF(node, struct watch, node);
}

static void free_watch(struct watch *w)
{
	rp_free(w->client_id);
	rp_free(w);
}

static void drop_watch(struct rp_jobs *j, struct watch *w)
{
	rp_hash_remove(&j->watches, &w->node);
	free_watch(w);
}

static int add_watch(
    struct rp_jobs *j, const struct rp_job *job, const struct rp_job_watch *ops, void *ctx)
{
	struct watch *w = rp_calloc(1, sizeof(*w));
	if (w == NULL) {
		return RP_ENOMEM;
	}
	(void)snprintf(w->jid, sizeof(w->jid), "%s", job->jid);
	w->client_id = rp_strdup(job->client_id);
	w->ops = *ops;
	w->ctx = ctx;
	w->deadline = rp_time_now() + (job->timeout_sec + LOST_S) * RP_NS_PER_S;
	if (w->client_id == NULL || rp_hash_put(&j->watches, &w->node, w->jid) != 0) {
		free_watch(w);
		return RP_ENOMEM;
	}
	return 0;
}

static void tell_event(struct rp_jobs *j, const char *action, const struct rp_job *job)
{
	const struct rp_event e = {
	    .type = RP_EVENT_COMMAND,
	    .action = action,
	    .id = job->jid,
	    .client_id = job->client_id,
	    .job_id = job->multi_job_id != NULL && job->multi_job_id[0] != '\0' ? job->multi_job_id
	                                                                        : NULL,
	    .owner = job->created_by != NULL ? job->created_by : "",
	};
	rp_events_tell(j->opt.events, &e);
}

static void tell_end(struct rp_jobs *j, const struct rp_job *job)
{
	struct watch *w = find_watch(j, job->jid);
	tell_event(j, "finished", job);
	if (w != NULL) {
		struct rp_job_watch ops = w->ops;
		void *ctx = w->ctx;
		drop_watch(j, w);
		ops.on_end(ctx, job);
	}
}

/* Its record has gone (jobs_max_results), so nothing else will end it. */
static void tell_lost(struct watch *w)
{
	char unknown[] = RP_JOB_UNKNOWN;
	char error[] = "the record of the job was removed before it ended";
	char empty[] = "";
	const struct rp_job job = {
	    .jid = w->jid,
	    .status = unknown,
	    .client_id = w->client_id,
	    .client_name = empty,
	    .error = error,
	    .started_at = RP_TIME_ZERO,
	    .finished_at = rp_time_now(),
	};
	w->ops.on_end(w->ctx, &job);
	free_watch(w);
}

struct lost {
	struct rp_jobs *jobs;
	struct rp_list list;
	int64_t now;
};

static void collect_lost(struct rp_hash_node *node, void *ctx)
{
	struct watch *w = RP_CONTAINER_OF(node, struct watch, node);
	struct lost *lost = ctx;
	if (lost->now >= w->deadline) {
		rp_hash_remove(&lost->jobs->watches, node);
		rp_list_append(&lost->list, &w->lost);
	}
}

/* Not while the table is walked: an end may bring new jobs. */
static void end_lost(struct rp_jobs *j)
{
	struct lost lost = {.jobs = j, .now = rp_time_now()};
	struct rp_list *it;
	struct rp_list *tmp;
	rp_list_init(&lost.list);
	rp_hash_each(&j->watches, collect_lost, &lost);
	RP_LIST_FOREACH(it, tmp, &lost.list) {
		tell_lost(RP_LIST_ENTRY(it, struct watch, lost));
	}
}

static void forget_watch(struct rp_hash_node *node, void *ctx)
{
	drop_watch(ctx, RP_CONTAINER_OF(node, struct watch, node));
}

static void on_swept(void *ctx, int code, const struct rp_jobs_read *read, const struct rp_err *err)
{
	struct rp_jobs *j = ctx;
	j->sweeping = false;
	if (code != 0) {
		rp_log_error(COMPONENT, "cannot look for jobs without a result: %s", err->msg);
		return;
	}
	for (size_t i = 0; i < read->n; i++) {
		tell_end(j, &read->jobs[i]);
	}
}

static void on_sweep(uv_timer_t *timer)
{
	struct rp_jobs *j = timer->data;
	end_lost(j);
	if (!j->sweeping) {
		j->sweeping = rp_jobs_store_expire(j->opt.store, rp_time_now(), on_swept, j) == 0;
	}
}

int rp_jobs_new(const struct rp_jobs_options *opt, struct rp_jobs **out)
{
	struct rp_jobs *j = rp_calloc(1, sizeof(*j));
	if (j == NULL) {
		return RP_ENOMEM;
	}
	j->opt = *opt;
	rp_hash_init(&j->watches);
	RP_VERIFY(uv_timer_init(rp_loop_uv(opt->loop), &j->sweep) == 0);
	j->sweep.data = j;
	RP_VERIFY(uv_timer_start(&j->sweep, on_sweep, 0, SWEEP_MS) == 0);
	*out = j;
	return 0;
}

void rp_jobs_close(struct rp_jobs *j)
{
	if (!j->closing) {
		j->closing = true;
		uv_close((uv_handle_t *)&j->sweep, NULL);
		rp_hash_each(&j->watches, forget_watch, j);
	}
}

void rp_jobs_free(struct rp_jobs *j)
{
	if (j != NULL) {
		rp_hash_fini(&j->watches);
		rp_free(j);
	}
}

static void order_free(struct order *o)
{
	rp_job_fini(&o->job);
	rp_free(o->text);
	rp_free(o);
}

/* until: how much longer than the job's own time limit a result is waited for. */
static int save(struct order *o, int64_t until_s, rp_jobs_stored_cb done)
{
	const struct rp_jobs_keep keep = {
	    .expires_at = rp_time_now() + (o->job.timeout_sec + until_s) * RP_NS_PER_S,
	    .most = o->jobs->opt.cfg->server.jobs_max_results,
	};
	return o->jobs->closing ? RP_ECLOSED
	                        : rp_jobs_store_save(o->jobs->opt.store, &o->job, &keep, done, o);
}

static bool set_end(struct order *o, const char *status, const char *text)
{
	o->job.finished_at = rp_time_now();
	return rp_strset(&o->job.status, status) == 0 && rp_strset(&o->job.error, text) == 0;
}

static void on_end_stored(void *ctx, int code, const struct rp_job *job, const struct rp_err *err)
{
	struct order *o = ctx;
	if (code != 0) {
		rp_log_error(COMPONENT, "job %s: its end is not stored: %s", o->job.jid, err->msg);
	}
	tell_end(o->jobs, code == 0 && job != NULL ? job : &o->job);
	order_free(o);
}

/* A watched job did not get to run: that is its end. Without a database only the watcher hears of
 * it. */
static void end(struct order *o, const char *status, const char *text)
{
	struct rp_err err = {0};
	int code = set_end(o, status, text) ? save(o, 0, on_end_stored) : RP_ENOMEM;
	if (code != 0) {
		(void)rp_err_set(&err, code, "%s", rp_err_text(code));
		on_end_stored(o, code, NULL, &err);
	}
}

static void fail(struct order *o, int code, const char *text)
{
	struct rp_err err = {0};
	if (o->cb == NULL) {
		end(o, RP_JOB_FAILED, text);
		return;
	}
	(void)rp_err_set(&err, code, "%s", text);
	o->cb(o->ctx, NULL, code, &err);
	order_free(o);
}

/* The client was asked but does not run the job. */
static void end_refused(struct order *o, int code, const char *text)
{
	char error[REFUSAL_MAX];
	if (code == RP_EDENIED) {
		(void)snprintf(error, sizeof(error), "client error: %s", text);
		end(o, RP_JOB_FAILED, error);
	} else if (code == RP_ETIMEOUT) {
		end(o, RP_JOB_UNKNOWN, "the client did not answer in time");
	} else if (code == RP_ECLOSED) {
		end(o, RP_JOB_UNKNOWN, "the connection to the client was lost");
	} else {
		end(o, RP_JOB_FAILED, text);
	}
}

/* A single job that did not start: it is told when nothing is kept of it any more. */
struct dropped {
	struct order *order;
	int code;
	char text[REFUSAL_MAX];
};

static void on_dropped(void *ctx, int code, const struct rp_err *err)
{
	struct dropped *d = ctx;
	if (code != 0) {
		rp_log_error(COMPONENT, "job %s did not start but stays in the database: %s",
		    d->order->job.jid, err->msg);
	}
	fail(d->order, d->code, d->text);
	rp_free(d);
}

static int forget(struct order *o, int code, const char *text)
{
	struct dropped *d = o->jobs->closing ? NULL : rp_calloc(1, sizeof(*d));
	if (d == NULL) {
		return o->jobs->closing ? RP_ECLOSED : RP_ENOMEM;
	}
	d->order = o;
	d->code = code;
	(void)snprintf(d->text, sizeof(d->text), "%s", text);
	int err = rp_jobs_store_delete(o->jobs->opt.store, o->job.jid, on_dropped, d);
	if (err != 0) {
		rp_free(d);
	}
	return err;
}

/* The job was stored but did not start. */
static void drop(struct order *o, int code, const char *text)
{
	if (o->cb == NULL) {
		end_refused(o, code, text);
		return;
	}
	int err = forget(o, code, text);
	if (err != 0) {
		rp_log_error(COMPONENT, "job %s did not start but stays in the database: %s",
		    o->job.jid, rp_err_text(err));
		fail(o, code, text);
	}
}

static void tell_started(struct order *o)
{
	struct watch *w = find_watch(o->jobs, o->job.jid);
	if (w != NULL && w->ops.on_started != NULL) {
		w->ops.on_started(w->ctx);
	}
}

static void on_stored(void *ctx, int code, const struct rp_job *job, const struct rp_err *err)
{
	struct order *o = ctx;
	(void)job;
	if (code == 0) {
		tell_event(o->jobs, "started", &o->job);
	}
	if (o->cb != NULL) {
		o->cb(o->ctx, code == 0 ? o->job.jid : NULL, code, err);
	} else {
		tell_started(o);
	}
	order_free(o);
}

static void on_started(void *ctx, int code, const char *p, size_t n)
{
	struct order *o = ctx;
	struct rp_run_answer a = {0};
	struct rp_err err = {0};
	if (code != 0) {
		drop(o, code, code == RP_EDENIED ? p : rp_err_text(code));
		return;
	}
	if (rp_json_decode_text(p, n, &rp_run_answer_table, false, &a, &err) != 0) {
		drop(o, RP_EPROTO, "invalid client response format");
		return;
	}
	o->job.pid = (struct rp_opt_i64){.set = true, .v = a.pid};
	o->job.started_at = a.started_at == RP_TIME_ZERO ? rp_time_now() : a.started_at;
	rp_log_info(COMPONENT, "client %s: job %s started by %s", o->job.client_id, o->job.jid,
	    o->job.created_by);
	code = save(o, GRACE_S, on_stored);
	if (code != 0) {
		(void)rp_err_set(&err, code, "%s", rp_err_text(code));
		on_stored(o, code, NULL, &err);
	}
}

static void on_ordered(void *ctx, int code, const struct rp_job *job, const struct rp_err *err)
{
	struct order *o = ctx;
	const struct rp_call_order call = {
	    .name = "run_cmd",
	    .payload = o->text,
	    .stream_jid = o->job.stream_result ? o->job.jid : NULL,
	    .timeout_ms = START_MS,
	};
	(void)job;
	if (code != 0) {
		fail(o, code, err->msg);
		return;
	}
	code = o->jobs->closing
	    ? RP_ECLOSED
	    : rp_registry_call(o->jobs->opt.registry, o->job.client_id, &call, on_started, o);
	if (code != 0) {
		drop(o, code, rp_err_text(code));
	}
}

/* What the server decides about a job, whatever the caller filled in. client NULL: not there any
 * more. */
static bool complete(struct order *o, const char *client_id, const struct rp_client *client)
{
	char jid[RP_UUID_TEXT_MAX];
	rp_uuid4(jid);
	if (o->job.timeout_sec <= 0) {
		o->job.timeout_sec = o->jobs->opt.cfg->server.run_remote_cmd_timeout_sec;
	}
	o->job.timeout_sec = RP_MIN(o->job.timeout_sec, TIMEOUT_MAX_S);
	o->job.pid = (struct rp_opt_i64){0};
	o->job.has_result = false;
	o->job.started_at = o->cb == NULL ? rp_time_now() : RP_TIME_ZERO;
	o->job.finished_at = RP_TIME_ZERO;
	return rp_strset(&o->job.jid, jid) == 0 && rp_strset(&o->job.client_id, client_id) == 0 &&
	    rp_strset(&o->job.client_name,
	        client != NULL && client->name != NULL ? client->name : "") == 0 &&
	    rp_strset(&o->job.status, "") == 0;
}

/* What the client gets does not say that the job runs: it decides that. */
static int place_order(struct order *o)
{
	struct rp_buf text;
	rp_buf_init(&text, RP_MUX_PAYLOAD_MAX);
	int err = rp_job_encode(&o->job, &text);
	err = err != 0 ? err : rp_buf_take_string(&text, &o->text);
	rp_buf_fini(&text);
	if (err == 0 && rp_strset(&o->job.status, RP_JOB_RUNNING) != 0) {
		err = RP_ENOMEM;
	}
	o->job.started_at = rp_time_now();
	return err != 0 ? err : save(o, START_MS / 1000 + GRACE_S, on_ordered);
}

static struct order *order_new(struct rp_jobs *j, const struct rp_job *job)
{
	struct order *o = rp_calloc(1, sizeof(*o));
	if (o == NULL || rp_job_copy(&o->job, job) != 0) {
		rp_free(o);
		return NULL;
	}
	o->jobs = j;
	return o;
}

int rp_jobs_start(struct rp_jobs *j, const char *client_id, const struct rp_job *job,
    rp_jobs_start_cb cb, void *ctx)
{
	const struct rp_client *client = rp_registry_get(j->opt.registry, client_id);
	if (client == NULL || !rp_client_connected(client)) {
		return RP_ECLOSED;
	}
	struct order *o = order_new(j, job);
	if (o == NULL) {
		return RP_ENOMEM;
	}
	o->cb = cb;
	o->ctx = ctx;
	int err = complete(o, client_id, client) ? place_order(o) : RP_ENOMEM;
	if (err != 0) {
		order_free(o);
	}
	return err;
}

int rp_jobs_run(struct rp_jobs *j, const char *client_id, const struct rp_job *job,
    const struct rp_job_watch *w, void *ctx)
{
	const struct rp_client *client = rp_registry_get(j->opt.registry, client_id);
	struct order *o = order_new(j, job);
	if (o == NULL) {
		return RP_ENOMEM;
	}
	int err = complete(o, client_id, client) ? add_watch(j, &o->job, w, ctx) : RP_ENOMEM;
	if (err != 0) {
		order_free(o);
		return err;
	}
	if (client != NULL && rp_client_connected(client)) {
		err = place_order(o);
	} else {
		err = set_end(o, RP_JOB_FAILED, RP_JOB_NOT_CONNECTED) ? save(o, 0, on_end_stored)
		                                                      : RP_ENOMEM;
	}
	if (err != 0) {
		drop_watch(j, find_watch(j, o->job.jid));
		order_free(o);
	}
	return err;
}

void rp_jobs_output(struct rp_jobs *j, const char *client_id, const struct rp_job_output *o)
{
	struct watch *w = find_watch(j, o->jid);
	if (w != NULL && w->ops.on_output != NULL && strcmp(w->client_id, client_id) == 0) {
		w->ops.on_output(w->ctx, o);
	}
}

/* A result on its way into the database. */
struct result {
	struct rp_jobs *jobs;
	char *what; /* for the log */
};

static void audit_end(struct rp_jobs *j, const struct rp_job *job)
{
	const struct rp_client *client = rp_registry_get(j->opt.registry, job->client_id);
	rp_audit_job_done(j->opt.audit, job, client != NULL ? client->hostname : NULL);
}

static void on_result_stored(
    void *ctx, int code, const struct rp_job *job, const struct rp_err *err)
{
	struct result *r = ctx;
	if (code == RP_EEXIST) {
		/* Clients send a result again when they do not know whether it arrived. */
		rp_log_debug(COMPONENT, "%s: the result is refused: %s", r->what, err->msg);
	} else if (code != 0) {
		rp_log_error(COMPONENT, "%s: the result is refused: %s", r->what, err->msg);
	} else {
		rp_log_info(COMPONENT, "%s", r->what);
		audit_end(r->jobs, job);
		tell_end(r->jobs, job);
	}
	rp_free(r->what);
	rp_free(r);
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
	return rp_strset(&job->client_id, client_id) == 0 &&
	    (known || rp_strset(&job->status, RP_JOB_UNKNOWN) == 0);
}

static int take_result(struct rp_jobs *j, struct rp_job *job, const char *client_id)
{
	struct result *r = rp_calloc(1, sizeof(*r));
	if (r == NULL) {
		return RP_ENOMEM;
	}
	r->jobs = j;
	r->what = make_result(job, client_id)
	    ? rp_asprintf("client %s: job %s %s", client_id, job->jid, job->status)
	    : NULL;
	int err = r->what == NULL ? RP_ENOMEM
	                          : rp_jobs_store_result(j->opt.store, job, on_result_stored, r);
	if (err != 0) {
		rp_free(r->what);
		rp_free(r);
	}
	return err;
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
	code = take_result(j, &job, client_id);
	if (code != 0) {
		rp_log_error(
		    COMPONENT, "client %s: a job result is lost: %s", client_id, rp_err_text(code));
	}
	rp_job_fini(&job);
}

int rp_jobs_read(
    struct rp_jobs *j, const struct rp_jobs_query *query, rp_jobs_read_cb cb, void *ctx)
{
	return rp_jobs_store_read(j->opt.store, query, cb, ctx);
}
