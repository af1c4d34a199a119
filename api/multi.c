/* SPDX-License-Identifier: MIT */
/*
 * Commands and scripts on many clients (rport-api 3.13): start, list, one with its child jobs. Each
 * is shown to who has created it and to administrators.
 */
#include <string.h>

#include "api/call.h"
#include "api/handlers.h"
#include "api/job_request.h"
#include "api/reply.h"
#include "api/router.h"
#include "core/alloc.h"

#include "core/banned.h"

static struct rp_multis *multis(const struct rp_api_call *c)
{
	return c->api->parts.multis;
}

/* POST */

struct posted {
	struct rp_api_call *call;
	struct rp_job_request request;
};

static struct rp_job_requester requester(const struct rp_api_call *c)
{
	return (struct rp_job_requester){
	    .api = c->api,
	    .user = &c->user,
	    .route = c->route,
	    .peer = rp_api_peer(c),
	};
}

static void posted_free(struct posted *p)
{
	rp_job_request_fini(&p->request);
	rp_free(p);
}

static void on_stored(void *ctx, const char *jid, int code, const struct rp_err *err)
{
	struct posted *p = ctx;
	struct rp_api_call *c = p->call;
	if (code == 0) {
		const struct rp_job_requester who = requester(c);
		struct rp_reply r;
		rp_job_request_audit(&p->request, &who, jid);
		rp_reply_begin(&r);
		rp_jsonw_obj(&r.w);
		rp_jsonw_put_str(&r.w, "jid", jid);
		rp_jsonw_obj_end(&r.w);
		rp_reply_end(&r, c);
	} else {
		rp_reply_code(c, code, err);
	}
	posted_free(p);
}

static const struct rp_multi_ops post_ops = {.on_stored = on_stored};

void rp_api_multi_post(struct rp_api_call *c)
{
	const struct rp_job_request_kind kind = {
	    .is_script = strcmp(c->route->path, "/scripts") == 0,
	    .many = true,
	};
	const struct rp_job_requester who = requester(c);
	struct rp_problem problem;
	struct posted *p = rp_calloc(1, sizeof(*p));
	if (p == NULL) {
		rp_reply_code(c, RP_ENOMEM, NULL);
		return;
	}
	p->call = c;
	int code = rp_job_request_read(rp_http_req_body(c->req), &kind, &p->request, &problem);
	if (code != 0) {
		rp_free(p);
		rp_reply_problem(c, &problem);
		return;
	}
	code = rp_job_request_start(&p->request, &who, &post_ops, p, &problem);
	if (code != 0) {
		posted_free(p);
		rp_reply_problem(c, &problem);
	}
}

/* GET list */

static const char *const list_filters[] = {"jid", "created_by", "schedule_id", "started_at[gt]",
    "started_at[lt]", "started_at[since]", "started_at[until]", NULL};
static const char *const list_sorts[] = {"jid", "started_at", "created_by", "schedule_id", NULL};
/* The original knows no fields here: what it answers, the defaults, is always part of it. */
static const char *const list_fields[] = {
    "jid", "started_at", "created_by", "schedule_id", "command", "is_script", "targets", NULL};
static const char *const list_defaults[] = {"jid", "started_at", "created_by", "schedule_id", NULL};
#define N_DEFAULTS (RP_ARRAY_LEN(list_defaults) - 1)
static const struct rp_listq_resource no_resources[] = {{NULL, NULL, NULL}};
static const struct rp_listq_resource list_resources[] = {
    {"commands", list_fields, list_defaults}, {NULL, NULL, NULL}};
static const struct rp_listq_spec list_spec = {
    .filters = list_filters,
    .sorts = list_sorts,
    .default_sort = "-started_at,jid",
    .resources = list_resources,
    .limit_default = 100,
    .limit_max = 1000,
};

struct list {
	struct rp_api_call *call;
	bool wants[RP_ARRAY_LEN(list_fields) - 1];
};

/* NULL: not a field of what is stored. */
static const struct rp_json_field *field_of(const char *key)
{
	for (size_t i = 0; i < rp_multi_job_table.n; i++) {
		if (strcmp(rp_multi_job_table.fields[i].key, key) == 0) {
			return &rp_multi_job_table.fields[i];
		}
	}
	return NULL;
}

/* For how many clients; null: it has ended. */
static void write_targets(const struct list *l, struct rp_jsonw *w, const char *jid)
{
	size_t n = rp_multi_running(multis(l->call), jid);
	rp_jsonw_key(w, "targets");
	if (n > 0) {
		rp_jsonw_uint(w, n);
	} else {
		rp_jsonw_null(w);
	}
}

static void write_summary(const struct list *l, struct rp_jsonw *w, const struct rp_multi_job *job)
{
	rp_jsonw_obj(w);
	for (size_t k = 0; list_fields[k] != NULL; k++) {
		const struct rp_json_field *f = field_of(list_fields[k]);
		if (l->wants[k] && f != NULL) {
			rp_jsonw_field(w, f, job);
		} else if (l->wants[k]) {
			write_targets(l, w, job->jid);
		}
	}
	rp_jsonw_obj_end(w);
}

static void on_list(void *ctx, int code, const struct rp_multi_read *read, const struct rp_err *err)
{
	struct list *l = ctx;
	struct rp_reply r;
	if (code != 0) {
		rp_reply_code(l->call, code, err);
		rp_free(l);
		return;
	}
	rp_reply_begin(&r);
	rp_jsonw_arr(&r.w);
	for (size_t i = 0; i < read->n; i++) {
		write_summary(l, &r.w, &read->jobs[i]);
	}
	rp_jsonw_arr_end(&r.w);
	rp_reply_end_count(&r, l->call, read->total);
	rp_free(l);
}

static int list(struct rp_api_call *c, struct rp_listq *q)
{
	struct list *l = rp_calloc(1, sizeof(*l));
	if (l == NULL) {
		rp_listq_fini(q);
		return RP_ENOMEM;
	}
	l->call = c;
	for (size_t k = 0; list_fields[k] != NULL; k++) {
		l->wants[k] = k < N_DEFAULTS ||
		    rp_listq_wants(q, &list_spec, "commands", list_fields[k]);
	}
	const struct rp_multi_query query = {
	    .created_by = rp_api_may_own(c, "") ? NULL : c->user.name,
	    .q = q,
	};
	int err = rp_multi_read(multis(c), &query, on_list, l);
	if (err != 0) {
		rp_free(l);
	}
	return err;
}

void rp_api_multi_list(struct rp_api_call *c)
{
	struct rp_listq q;
	if (rp_api_list_query(c, &list_spec, &q) != 0) {
		return;
	}
	int err = list(c, &q);
	if (err != 0) {
		rp_reply_code(c, err, NULL);
	}
}

/* GET one */

/* Of the child jobs the newest are part of the answer, as in the original; /commands/{jid}/jobs has
 * them all. */
static const struct rp_listq_spec child_spec = {
    .filters = list_filters,
    .sorts = list_sorts,
    .default_sort = "-started_at,jid",
    .resources = no_resources,
    .limit_default = 100,
    .limit_max = 100,
};

struct get {
	struct rp_api_call *call;
	struct rp_multi_job job;
};

static void get_free(struct get *g)
{
	rp_json_release(&rp_multi_job_table, &g->job);
	rp_free(g);
}

static void write_get(struct get *g, const struct rp_jobs_read *children)
{
	struct rp_reply r;
	rp_reply_begin(&r);
	rp_jsonw_obj(&r.w);
	for (size_t i = 0; i < rp_multi_job_table.n; i++) {
		const struct rp_json_field *f = &rp_multi_job_table.fields[i];
		if (strcmp(f->key, "is_sudo") == 0) {
			rp_jsonw_key(&r.w, "jobs");
			rp_jsonw_arr(&r.w);
			for (size_t k = 0; k < children->n; k++) {
				rp_job_write(&children->jobs[k], &r.w);
			}
			rp_jsonw_arr_end(&r.w);
		}
		rp_jsonw_field(&r.w, f, &g->job);
	}
	rp_jsonw_obj_end(&r.w);
	rp_reply_end(&r, g->call);
}

static void on_children(
    void *ctx, int code, const struct rp_jobs_read *read, const struct rp_err *err)
{
	struct get *g = ctx;
	if (code == 0) {
		write_get(g, read);
	} else {
		rp_reply_code(g->call, code, err);
	}
	get_free(g);
}

static int read_children(struct get *g)
{
	const struct rp_query none = {0};
	struct rp_listq_errors errs;
	struct rp_listq q;
	int err = rp_listq_parse(&none, &child_spec, &q, &errs);
	if (err == 0) {
		const struct rp_jobs_query query = {.multi_job_id = g->job.jid, .q = &q};
		err = rp_jobs_read(g->call->api->parts.jobs, &query, on_children, g);
		rp_listq_fini(&q);
	}
	return err;
}

/* False: the call was answered. */
static bool found(
    struct rp_api_call *c, int code, const struct rp_multi_read *read, const struct rp_err *err)
{
	if (code != 0) {
		rp_reply_code(c, code, err);
		return false;
	}
	if (read->n == 0) {
		rp_reply_fail(c, 404, "Multi-client Job[id=\"%s\"] not found.", c->params[0]);
		return false;
	}
	const char *owner = read->jobs[0].created_by;
	return rp_api_check_owner(c, owner != NULL ? owner : "");
}

static void on_get(void *ctx, int code, const struct rp_multi_read *read, const struct rp_err *err)
{
	struct rp_api_call *c = ctx;
	if (!found(c, code, read, err)) {
		return;
	}
	struct get *g = rp_calloc(1, sizeof(*g));
	if (g == NULL) {
		rp_reply_code(c, RP_ENOMEM, NULL);
		return;
	}
	g->call = c;
	code = rp_json_clone(&rp_multi_job_table, &read->jobs[0], &g->job);
	code = code != 0 ? code : read_children(g);
	if (code != 0) {
		rp_reply_code(c, code, NULL);
		get_free(g);
	}
}

static void read_one(struct rp_api_call *c, rp_multi_read_cb cb)
{
	const struct rp_multi_query query = {.jid = c->params[0]};
	int err = rp_multi_read(multis(c), &query, cb, c);
	if (err != 0) {
		rp_reply_code(c, err, NULL);
	}
}

void rp_api_multi_get(struct rp_api_call *c)
{
	read_one(c, on_get);
}

static void on_found(
    void *ctx, int code, const struct rp_multi_read *read, const struct rp_err *err)
{
	struct rp_api_call *c = ctx;
	if (found(c, code, read, err)) {
		const struct rp_jobs_query which = {.multi_job_id = c->params[0]};
		rp_api_job_list(c, &which);
	}
}

void rp_api_multi_jobs(struct rp_api_call *c)
{
	read_one(c, on_found);
}

/* POST stop */

static void on_stop(void *ctx, int code, const struct rp_multi_read *read, const struct rp_err *err)
{
	struct rp_api_call *c = ctx;
	if (!found(c, code, read, err)) {
		return;
	}
	if (rp_multi_stop(multis(c), c->params[0]) == 0) {
		rp_reply_empty(c, 204);
	} else {
		rp_reply_fail(
		    c, 409, "Multi-client Job[id=\"%s\"] has ended already.", c->params[0]);
	}
}

void rp_api_multi_stop(struct rp_api_call *c)
{
	read_one(c, on_stop);
}
