/* SPDX-License-Identifier: MIT */
/*
 * Commands and scripts on one client (rport-api 3.11, 3.12): start, list, one. Jobs are shown to who
 * has created them and to administrators.
 */
#include <string.h>

#include "api/call.h"
#include "api/handlers.h"
#include "api/job_request.h"
#include "api/reply.h"
#include "core/alloc.h"
#include "core/clock.h"

#include "core/banned.h"

static void on_started(void *ctx, const char *jid, int code, const struct rp_err *err)
{
	struct rp_api_call *c = ctx;
	if (code == 0) {
		struct rp_reply r;
		rp_reply_begin(&r);
		rp_jsonw_obj(&r.w);
		rp_jsonw_put_str(&r.w, "jid", jid);
		rp_jsonw_obj_end(&r.w);
		rp_reply_end(&r, c);
	} else if (code == RP_EDENIED || code == RP_EPROTO) {
		rp_reply_fail(c, 409, "client error: %s", err->msg);
	} else if (code == RP_ECLOSED) {
		rp_reply_fail(c, 404, "Active client with id=\"%s\" not found.", c->params[0]);
	} else if (code == RP_ETIMEOUT) {
		rp_reply_fail(c, 409, "client error: the client did not answer in time");
	} else {
		rp_reply_code(c, code, err);
	}
}

static void start(struct rp_api_call *c, const struct rp_job_request *r)
{
	char empty[] = "";
	const struct rp_job job = {
	    .command = r->command,
	    .cwd = r->cwd != NULL ? r->cwd : empty,
	    .interpreter = r->interpreter != NULL ? r->interpreter : empty,
	    .created_by = c->user.name,
	    .error = empty,
	    .timeout_sec = r->timeout_sec,
	    .is_sudo = r->is_sudo,
	    .is_script = r->is_script,
	    .started_at = RP_TIME_ZERO,
	    .finished_at = RP_TIME_ZERO,
	};
	int err = rp_jobs_start(c->api->parts.jobs, c->params[0], &job, on_started, c);
	if (err == RP_ECLOSED) {
		rp_reply_fail(c, 404, "Active client with id=\"%s\" not found.", c->params[0]);
	} else if (err == RP_ELIMIT) {
		rp_reply_fail(c, 400, "Command is too long.");
	} else if (err != 0) {
		rp_reply_code(c, err, NULL);
	}
}

static void post(struct rp_api_call *c, bool is_script)
{
	const struct rp_job_request_kind kind = {.is_script = is_script};
	struct rp_job_request r;
	struct rp_problem p;
	if (rp_job_request_read(rp_http_req_body(c->req), &kind, &r, &p) != 0) {
		rp_reply_problem(c, &p);
		return;
	}
	start(c, &r);
	rp_job_request_fini(&r);
}

void rp_api_command_post(struct rp_api_call *c)
{
	post(c, false);
}

void rp_api_script_post(struct rp_api_call *c)
{
	post(c, true);
}

/* Lists */

static const char *const filters[] = {"jid", "status", "created_by", "multi_job_id", "schedule_id",
    "client_id", "started_at[gt]", "started_at[lt]", "started_at[since]", "started_at[until]",
    "finished_at[gt]", "finished_at[lt]", "finished_at[since]", "finished_at[until]", NULL};
static const char *const sorts[] = {"jid", "started_at", "finished_at", "status", "multi_job_id",
    "schedule_id", "created_by", NULL};
static const char *const job_fields[] = {"jid", "status", "finished_at", "client_id", "client_name",
    "command", "cwd", "interpreter", "pid", "started_at", "created_by", "timeout_sec",
    "multi_job_id", "schedule_id", "error", "is_sudo", "is_script", NULL};
static const char *const job_defaults[] = {"jid", "status", "finished_at", NULL};
static const char *const result_fields[] = {"stdout", "stderr", "summary", NULL};
static const char *const result_defaults[] = {"summary", NULL};
static const struct rp_listq_resource resources[] = {
    {"jobs", job_fields, job_defaults},
    {"commands", job_fields, job_defaults},
    {"scripts", job_fields, job_defaults},
    {"result", result_fields, result_defaults},
    {NULL, NULL, NULL},
};
static const struct rp_listq_spec spec = {
    .filters = filters,
    .sorts = sorts,
    .default_sort = "-finished_at,jid",
    .resources = resources,
    .limit_default = 100,
    .limit_max = 1000,
};

/* Of all clients: the newest first, which may run still. */
static const struct rp_listq_spec all_spec = {
    .filters = filters,
    .sorts = sorts,
    .default_sort = "-started_at,jid",
    .resources = resources,
    .limit_default = 100,
    .limit_max = 1000,
};

static bool wants_job(const struct rp_listq *q, const char *key)
{
	return rp_listq_wants(q, &spec, "jobs", key) || rp_listq_wants(q, &spec, "commands", key) ||
	    rp_listq_wants(q, &spec, "scripts", key);
}

static void write_result(struct rp_jsonw *w, const struct rp_job *job, const struct rp_listq *q)
{
	bool any = false;
	for (size_t i = 0; result_fields[i] != NULL; i++) {
		any = any || rp_listq_wants(q, &spec, "result", result_fields[i]);
	}
	if (!any) {
		return;
	}
	rp_jsonw_key(w, "result");
	if (!job->has_result) {
		rp_jsonw_null(w);
		return;
	}
	rp_jsonw_obj(w);
	for (size_t i = 0; i < rp_job_result_table.n; i++) {
		const struct rp_json_field *f = &rp_job_result_table.fields[i];
		if (rp_listq_wants(q, &spec, "result", f->key)) {
			rp_jsonw_field(w, f, &job->result);
		}
	}
	rp_jsonw_obj_end(w);
}

static void write_job(struct rp_jsonw *w, const struct rp_job *job, const struct rp_listq *q)
{
	rp_jsonw_obj(w);
	for (size_t i = 0; i < rp_job_table.n; i++) {
		const struct rp_json_field *f = &rp_job_table.fields[i];
		if (wants_job(q, f->key)) {
			rp_jsonw_field(w, f, job);
		}
	}
	write_result(w, job, q);
	rp_jsonw_obj_end(w);
}

struct list {
	struct rp_api_call *call;
	struct rp_listq q;
};

static void on_list(void *ctx, int code, const struct rp_jobs_read *read, const struct rp_err *err)
{
	struct list *l = ctx;
	struct rp_reply r;
	if (code == RP_ELIMIT) {
		rp_reply_fail(l->call, 400, "%s", err->msg);
	} else if (code != 0) {
		rp_reply_code(l->call, code, err);
	} else {
		rp_reply_begin(&r);
		rp_jsonw_arr(&r.w);
		for (size_t i = 0; i < read->n; i++) {
			write_job(&r.w, &read->jobs[i], &l->q);
		}
		rp_jsonw_arr_end(&r.w);
		rp_reply_end_count(&r, l->call, read->total);
	}
	rp_listq_fini(&l->q);
	rp_free(l);
}

void rp_api_job_list(struct rp_api_call *c, const struct rp_jobs_query *which)
{
	struct rp_jobs_query query = *which;
	struct list *l = rp_calloc(1, sizeof(*l));
	if (l == NULL) {
		rp_reply_code(c, RP_ENOMEM, NULL);
		return;
	}
	l->call = c;
	bool all = query.client_id == NULL && query.multi_job_id == NULL;
	if (rp_api_list_query(c, all ? &all_spec : &spec, &l->q) != 0) {
		rp_free(l);
		return;
	}
	query.q = &l->q;
	query.no_output = !rp_listq_wants(&l->q, &spec, "result", "stdout") &&
	    !rp_listq_wants(&l->q, &spec, "result", "stderr");
	int err = rp_jobs_read(c->api->parts.jobs, &query, on_list, l);
	if (err != 0) {
		rp_listq_fini(&l->q);
		rp_free(l);
		rp_reply_code(c, err, NULL);
	}
}

void rp_api_commands(struct rp_api_call *c)
{
	const struct rp_jobs_query which = {
	    .client_id = c->params[0],
	    .created_by = rp_api_may_own(c, "") ? NULL : c->user.name,
	};
	rp_api_job_list(c, &which);
}

void rp_api_jobs(struct rp_api_call *c)
{
	const struct rp_jobs_query which = {
	    .created_by = rp_api_may_own(c, "") ? NULL : c->user.name,
	};
	rp_api_job_list(c, &which);
}

static void write_one(struct rp_api_call *c, const struct rp_job *job)
{
	struct rp_reply r;
	rp_reply_begin(&r);
	rp_job_write(job, &r.w);
	rp_reply_end(&r, c);
}

static void on_get(void *ctx, int code, const struct rp_jobs_read *read, const struct rp_err *err)
{
	struct rp_api_call *c = ctx;
	if (code != 0) {
		rp_reply_code(c, code, err);
		return;
	}
	if (read->n == 0) {
		rp_reply_fail(c, 404, "Job[id=\"%s\"] not found.", c->params[1]);
		return;
	}
	const char *owner = read->jobs[0].created_by;
	if (rp_api_check_owner(c, owner != NULL ? owner : "")) {
		write_one(c, &read->jobs[0]);
	}
}

void rp_api_command_get(struct rp_api_call *c)
{
	const struct rp_jobs_query query = {.client_id = c->params[0], .jid = c->params[1]};
	int err = rp_jobs_read(c->api->parts.jobs, &query, on_get, c);
	if (err != 0) {
		rp_reply_code(c, err, NULL);
	}
}
