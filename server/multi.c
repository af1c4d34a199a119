/* SPDX-License-Identifier: MIT */
/*
 * A job on many clients: STORED -> children start (all at once: at most STARTING_MAX orders are under
 * way; in a row: one child at a time) -> all have ended or the row was aborted -> its end is stored ->
 * over.
 *
 * Children tell their start and their end (struct rp_job_watch), each a client of the table of
 * targets; whatever one brings, advance() looks what is next.
 */
#include "server/multi.h"

#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "core/list.h"
#include "core/log.h"

#include "core/banned.h"

#define COMPONENT "jobs"
/* Orders of one job on their way to clients that have not answered: each takes room in the queues of
 * the database and the workers. */
#define STARTING_MAX 32
#define RESTARTED    "the server stopped before the command was sent to the client"

struct multi;

struct target {
	struct multi *multi;
	char *client_id;
	char *client_name; /* for live output */
	bool starting;
};

struct multi {
	struct rp_list node;
	struct rp_multis *owner;
	struct rp_multi_job job;
	const struct rp_multi_ops *ops; /* NULL: nobody listens */
	void *ctx;
	bool stream;
	struct target *targets;
	size_t n;
	size_t next;     /* the first that was not started */
	size_t starting; /* orders under way */
	size_t ended;
	size_t successful;
	bool aborted;
	bool finishing;
	struct rp_deferred advance;
};

struct rp_multis {
	struct rp_multis_options opt;
	struct rp_list running;
	size_t n;
	bool closing;
};

static void multi_free(struct multi *m)
{
	rp_loop_defer_cancel(&m->advance);
	rp_list_remove(&m->node);
	m->owner->n--;
	for (size_t i = 0; i < m->n; i++) {
		rp_free(m->targets[i].client_id);
		rp_free(m->targets[i].client_name);
	}
	rp_free(m->targets);
	rp_json_release(&rp_multi_job_table, &m->job);
	rp_free(m);
}

static void tell(const struct multi *m, const char *action)
{
	const struct rp_event job = {
	    .type = RP_EVENT_JOB,
	    .action = action,
	    .id = m->job.jid,
	    .owner = m->job.created_by != NULL ? m->job.created_by : "",
	};
	const struct rp_event schedule = {
	    .type = RP_EVENT_SCHEDULE, .action = action, .id = m->job.schedule_id};
	rp_events_tell(m->owner->opt.events, &job);
	if (m->job.schedule_id != NULL && m->job.schedule_id[0] != '\0') {
		rp_events_tell(m->owner->opt.events, &schedule);
	}
}

/* The end */

static void on_finished(void *ctx, int code, const struct rp_err *err)
{
	struct multi *m = ctx;
	const struct rp_multi_end end = {
	    .jid = m->job.jid,
	    .clients = m->n,
	    .successful = m->successful,
	    .ended = m->ended,
	};
	if (code != 0) {
		rp_log_error(COMPONENT, "the end of multi-client job %s is not stored: %s",
		    m->job.jid, err->msg);
	}
	tell(m, "finished");
	if (m->ops != NULL && m->ops->on_end != NULL) {
		m->ops->on_end(m->ctx, &end);
	}
	multi_free(m);
}

static void finish(struct multi *m)
{
	struct rp_err err = {0};
	m->finishing = true;
	rp_log_info(COMPONENT, "multi-client job %s ended: %zu of %zu clients successful",
	    m->job.jid, m->successful, m->n);
	int code = rp_multi_store_finish(m->owner->opt.store, m->job.jid, on_finished, m);
	if (code != 0) {
		(void)rp_err_set(&err, code, "%s", rp_err_text(code));
		on_finished(m, code, &err);
	}
}

/* Children */

static void wake(struct multi *m)
{
	if (!m->owner->closing) {
		rp_loop_defer(m->owner->opt.loop, &m->advance);
	}
}

static void started(struct target *t)
{
	if (t->starting) {
		t->starting = false;
		t->multi->starting--;
		wake(t->multi);
	}
}

static void on_child_started(void *ctx)
{
	started(ctx);
}

static void on_child_output(void *ctx, const struct rp_job_output *piece)
{
	struct target *t = ctx;
	struct multi *m = t->multi;
	const struct rp_multi_output o = {
	    .client_id = t->client_id,
	    .client_name = t->client_name,
	    .piece = piece,
	};
	if (m->ops != NULL && m->ops->on_output != NULL) {
		m->ops->on_output(m->ctx, &o);
	}
}

/* A client that is not connected is passed over, as in the original. */
static bool aborts(const struct multi *m, const struct rp_job *job)
{
	return !m->job.concurrent && m->job.abort_on_err &&
	    strcmp(job->status, RP_JOB_FAILED) == 0 &&
	    strcmp(job->error, RP_JOB_NOT_CONNECTED) != 0;
}

static void on_child_end(void *ctx, const struct rp_job *job)
{
	struct target *t = ctx;
	struct multi *m = t->multi;
	m->ended++;
	m->successful += strcmp(job->status, RP_JOB_SUCCESSFUL) == 0;
	m->aborted = m->aborted || aborts(m, job);
	started(t);
	wake(m);
	if (m->ops != NULL && m->ops->on_job != NULL) {
		m->ops->on_job(m->ctx, job);
	}
}

static const struct rp_job_watch child_watch = {
    .on_started = on_child_started,
    .on_output = on_child_output,
    .on_end = on_child_end,
};

static struct rp_job child_job(const struct multi *m)
{
	return (struct rp_job){
	    .command = m->job.command,
	    .cwd = m->job.cwd,
	    .interpreter = m->job.interpreter,
	    .created_by = m->job.created_by,
	    .timeout_sec = m->job.timeout_sec,
	    .multi_job_id = m->job.jid,
	    .schedule_id = m->job.schedule_id,
	    .is_sudo = m->job.is_sudo,
	    .is_script = m->job.is_script,
	    .stream_result = m->stream,
	    .started_at = RP_TIME_ZERO,
	    .finished_at = RP_TIME_ZERO,
	};
}

/* No record of the child can be made: only those who listen hear of it. */
static void end_unstarted(struct target *t, int code)
{
	char failed[] = RP_JOB_FAILED;
	char jid[] = "";
	struct rp_job job = child_job(t->multi);
	job.jid = jid;
	job.status = failed;
	job.client_id = t->client_id;
	job.client_name = t->client_name;
	job.error = (char *)(uintptr_t)rp_err_text(code);
	job.finished_at = rp_time_now();
	rp_log_error(COMPONENT, "multi-client job %s: client %s: %s", t->multi->job.jid,
	    t->client_id, job.error);
	on_child_end(t, &job);
}

static void start_next(struct multi *m)
{
	struct target *t = &m->targets[m->next++];
	const struct rp_multis_options *opt = &m->owner->opt;
	struct rp_job job = child_job(m);
	const struct rp_client *client = rp_registry_get(opt->registry, t->client_id);
	t->client_name = rp_strdup(client != NULL && client->name != NULL ? client->name : "");
	t->starting = true;
	m->starting++;
	int code = t->client_name == NULL
	    ? RP_ENOMEM
	    : rp_jobs_run(opt->jobs, t->client_id, &job, &child_watch, t);
	if (code != 0) {
		end_unstarted(t, code);
	}
}

static bool may_start(const struct multi *m)
{
	if (m->aborted || m->next >= m->n) {
		return false;
	}
	return m->job.concurrent ? m->starting < STARTING_MAX : m->ended == m->next;
}

static void on_advance(struct rp_deferred *d)
{
	struct multi *m = RP_CONTAINER_OF(d, struct multi, advance);
	if (m->finishing || m->owner->closing) {
		return;
	}
	while (may_start(m)) {
		start_next(m);
	}
	if (m->ended == m->next && (m->aborted || m->next == m->n)) {
		finish(m);
	}
}

/* The start */

static void on_added(void *ctx, int code, const struct rp_err *err)
{
	struct multi *m = ctx;
	if (code == 0 && m->owner->closing) {
		code = RP_ECLOSED; /* the next start of the server ends it */
	}
	if (m->ops != NULL && m->ops->on_stored != NULL) {
		m->ops->on_stored(m->ctx, m->job.jid, code, err);
	}
	if (code != 0) {
		multi_free(m);
		return;
	}
	rp_log_info(COMPONENT, "multi-client job %s on %zu clients started by %s", m->job.jid, m->n,
	    m->job.created_by);
	tell(m, "started");
	wake(m);
}

static int take_targets(struct multi *m, const struct rp_strlist *ids)
{
	m->targets = rp_calloc(ids->n, sizeof(*m->targets));
	if (m->targets == NULL) {
		return RP_ENOMEM;
	}
	for (m->n = 0; m->n < ids->n; m->n++) {
		struct target *t = &m->targets[m->n];
		t->multi = m;
		t->client_id = rp_strdup(ids->v[m->n]);
		if (t->client_id == NULL) {
			return RP_ENOMEM;
		}
	}
	return 0;
}

static int take_job(struct multi *m, const struct rp_multi_job *job)
{
	char jid[RP_UUID_TEXT_MAX];
	int err = rp_json_clone(&rp_multi_job_table, job, &m->job);
	rp_uuid4(jid);
	if (err == 0) {
		rp_free(m->job.jid);
		m->job.jid = rp_strdup(jid);
		err = m->job.jid == NULL ? RP_ENOMEM : 0;
	}
	m->job.started_at = rp_time_now();
	if (m->job.timeout_sec <= 0) {
		m->job.timeout_sec = m->owner->opt.cfg->server.run_remote_cmd_timeout_sec;
	}
	return err;
}

int rp_multi_start(struct rp_multis *owner, const struct rp_multi_order *order)
{
	if (owner->closing) {
		return RP_ECLOSED;
	}
	if (owner->n >= RP_MULTI_RUNNING_MAX) {
		return RP_EBUSY;
	}
	struct multi *m = rp_calloc(1, sizeof(*m));
	if (m == NULL) {
		return RP_ENOMEM;
	}
	m->owner = owner;
	m->ops = order->ops;
	m->ctx = order->ctx;
	m->stream = order->ops->on_output != NULL;
	m->advance.run = on_advance;
	rp_list_init(&m->advance.node);
	rp_list_append(&owner->running, &m->node);
	owner->n++;
	int err = take_job(m, order->job);
	err = err != 0 ? err : take_targets(m, order->targets);
	const struct rp_multi_row row = {
	    .job = &m->job,
	    .targets = order->targets,
	    .most = owner->opt.cfg->server.jobs_max_results,
	};
	err = err != 0 ? err : rp_multi_store_add(owner->opt.store, &row, on_added, m);
	if (err != 0) {
		multi_free(m);
	}
	return err;
}

void rp_multi_detach(struct rp_multis *owner, const void *ctx)
{
	struct rp_list *it;
	struct rp_list *tmp;
	RP_LIST_FOREACH(it, tmp, &owner->running) {
		struct multi *m = RP_LIST_ENTRY(it, struct multi, node);
		if (m->ops != NULL && m->ctx == ctx) {
			m->ops = NULL;
		}
	}
}

static struct multi *running(const struct rp_multis *owner, const char *jid)
{
	for (struct rp_list *it = owner->running.next; it != &owner->running; it = it->next) {
		struct multi *m = RP_LIST_ENTRY(it, struct multi, node);
		if (strcmp(m->job.jid, jid) == 0 && !m->finishing) {
			return m;
		}
	}
	return NULL;
}

int rp_multi_stop(struct rp_multis *owner, const char *jid)
{
	struct multi *m = running(owner, jid);
	if (m == NULL) {
		return RP_ENOENT;
	}
	m->aborted = true;
	tell(m, "updated");
	wake(m);
	return 0;
}

size_t rp_multi_running(const struct rp_multis *owner, const char *jid)
{
	const struct multi *m = running(owner, jid);
	if (m == NULL) {
		return 0;
	}
	return m->aborted ? m->next : m->n;
}

int rp_multi_read(
    struct rp_multis *owner, const struct rp_multi_query *query, rp_multi_read_cb cb, void *ctx)
{
	return rp_multi_store_read(owner->opt.store, query, cb, ctx);
}

/* All of them */

static void on_recovered(void *ctx, int code, const struct rp_err *err)
{
	(void)ctx;
	if (code != 0) {
		rp_log_error(COMPONENT,
		    "multi-client jobs that the last stop of the server left open stay so: %s",
		    err->msg);
	}
}

int rp_multis_new(const struct rp_multis_options *opt, struct rp_multis **out)
{
	struct rp_multis *m = rp_calloc(1, sizeof(*m));
	if (m == NULL) {
		return RP_ENOMEM;
	}
	m->opt = *opt;
	rp_list_init(&m->running);
	int err = rp_multi_store_recover(opt->store, RESTARTED, on_recovered, NULL);
	if (err != 0) {
		rp_free(m);
		return err;
	}
	*out = m;
	return 0;
}

void rp_multis_close(struct rp_multis *owner)
{
	struct rp_list *it;
	struct rp_list *tmp;
	owner->closing = true;
	RP_LIST_FOREACH(it, tmp, &owner->running) {
		rp_loop_defer_cancel(&RP_LIST_ENTRY(it, struct multi, node)->advance);
	}
}

void rp_multis_free(struct rp_multis *owner)
{
	struct rp_list *it;
	struct rp_list *tmp;
	if (owner == NULL) {
		return;
	}
	RP_LIST_FOREACH(it, tmp, &owner->running) {
		multi_free(RP_LIST_ENTRY(it, struct multi, node));
	}
	rp_free(owner);
}
