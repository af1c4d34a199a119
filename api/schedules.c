/* SPDX-License-Identifier: MIT */
/*
 * Schedules (rport-api 4.8). What they run is checked as if it were to run now, the clients
 * included. Whoever has the permission deals with the schedules of all.
 */
#include <string.h>

#include "api/call.h"
#include "api/handlers.h"
#include "api/job_request.h"
#include "api/reply.h"
#include "api/router.h"
#include "core/alloc.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "core/jsonw.h"
#include "server/cron.h"
#include "server/schedules.h"

#include "core/banned.h"

#define REQUEST_MAX (1024u * 1024)

/* Reading */

static const char *const filters[] = {
    "id", "created_at", "created_by", "name", "type", "client_ids", "group_ids", NULL};
static const char *const sorts[] = {"id", "created_at", "created_by", "name", "type", NULL};
static const struct rp_listq_spec spec = {
    .filters = filters,
    .sorts = sorts,
    .default_sort = "created_at,id",
    .limit_default = 20,
    .limit_max = 100,
};

/* Quirk 3: the list is an object in the envelope, with its own data and meta. */
static void on_list(void *ctx, int code, const struct rp_listread *r, const struct rp_err *err)
{
	struct rp_api_call *c = ctx;
	struct rp_reply reply;
	if (code != 0) {
		rp_reply_code(c, code, err);
		return;
	}
	rp_reply_begin(&reply);
	rp_jsonw_obj(&reply.w);
	rp_jsonw_key(&reply.w, "data");
	rp_jsonw_structs(&reply.w, &rp_schedule_table, r->page.v, r->page.n);
	rp_jsonw_key(&reply.w, "meta");
	rp_jsonw_obj(&reply.w);
	rp_jsonw_put_int(&reply.w, "count", r->total);
	rp_jsonw_obj_end(&reply.w);
	rp_jsonw_obj_end(&reply.w);
	rp_reply_end(&reply, c);
}

void rp_api_schedules_get(struct rp_api_call *c)
{
	const struct rp_listread_ask ask = {.spec = &rp_schedule_list};
	rp_api_list_read(c, &spec, &ask, on_list);
}

static void not_found(struct rp_api_call *c)
{
	rp_reply_fail(c, 404, "Cannot find a schedule by the provided id: %s", c->params[0]);
}

static void on_one(void *ctx, int code, const struct rp_listread *r, const struct rp_err *err)
{
	struct rp_api_call *c = ctx;
	struct rp_reply reply;
	if (code != 0) {
		rp_reply_code(c, code, err);
	} else if (r->page.n == 0) {
		not_found(c);
	} else {
		rp_reply_begin(&reply);
		rp_jsonw_struct(&reply.w, &rp_schedule_table, r->page.v);
		rp_reply_end(&reply, c);
	}
}

void rp_api_schedule_get(struct rp_api_call *c)
{
	const struct rp_listread_ask ask = {
	    .spec = &rp_schedule_list, .where = "id = ?", .key = c->params[0]};
	struct rp_listq q = {0};
	int err = rp_listread(c->api->parts.store, &ask, &q, on_one, c);
	if (err != 0) {
		rp_reply_code(c, err, NULL);
	}
}

/* Writing */

static bool is_empty(const char *s)
{
	return s == NULL || s[0] == '\0';
}

static int check_type(const struct rp_schedule *s, bool *script, struct rp_problem *p)
{
	*script = s->type != NULL && strcmp(s->type, RP_SCHEDULE_SCRIPT) == 0;
	if (!*script && (s->type == NULL || strcmp(s->type, RP_SCHEDULE_COMMAND) != 0)) {
		return rp_problem_bad(p, "Invalid type.", "type must be 'command' or 'script'");
	}
	if (*script && is_empty(s->script)) {
		return rp_problem_bad(p, "Empty script.", "script cannot be empty");
	}
	if (!*script && is_empty(s->command)) {
		return rp_problem_bad(p, "Empty command.", "command cannot be empty");
	}
	return s->timeout_sec < 0
	    ? rp_problem_bad(p, "Invalid timeout_sec.", "it cannot be negative")
	    : 0;
}

static int check_cron(const struct rp_schedule *s, struct rp_problem *p)
{
	struct rp_cron cron;
	struct rp_err err = {0};
	int code = rp_cron_parse(s->schedule != NULL ? s->schedule : "", &cron, &err);
	if (code != 0) {
		return rp_problem_bad(p, "Invalid schedule.", err.msg);
	}
	rp_cron_fini(&cron);
	return 0;
}

/* The body that would run it at once (rport-api 3.13). */
static int make_request(const struct rp_schedule *s, bool script, struct rp_buf *out)
{
	struct rp_jsonw w;
	rp_jsonw_init(&w, out);
	rp_jsonw_obj(&w);
	rp_jsonw_put_str(&w, script ? "script" : "command", script ? s->script : s->command);
	rp_jsonw_put_str(&w, "interpreter", s->interpreter);
	rp_jsonw_key(&w, "client_ids");
	rp_jsonw_raw(&w, s->client_ids);
	rp_jsonw_key(&w, "group_ids");
	rp_jsonw_raw(&w, s->group_ids);
	rp_jsonw_key(&w, "tags");
	rp_jsonw_raw(&w, s->tags);
	rp_jsonw_key(&w, "abort_on_error");
	rp_jsonw_raw(&w, s->abort_on_error);
	rp_jsonw_obj_end(&w);
	return rp_jsonw_end(&w);
}

static int check_request(
    struct rp_api_call *c, const struct rp_schedule *s, bool script, struct rp_problem *p)
{
	const struct rp_job_request_kind kind = {.is_script = script, .many = true};
	const struct rp_job_requester who = {
	    .api = c->api, .user = &c->user, .route = c->route, .peer = rp_api_peer(c)};
	struct rp_job_request request;
	struct rp_buf text;
	rp_buf_init(&text, REQUEST_MAX);
	int code = make_request(s, script, &text);
	if (code != 0) {
		rp_problem_set(p, code == RP_ELIMIT ? 400 : 500, rp_err_text(code), "");
	} else {
		code = rp_job_request_read(
		    rp_str_n(rp_buf_head(&text), text.len), &kind, &request, p);
	}
	rp_buf_fini(&text);
	if (code == 0) {
		code = rp_job_request_check(&request, &who, p);
		rp_job_request_fini(&request);
	}
	return code;
}

static bool not_null(char **slot)
{
	return *slot != NULL || rp_strset(slot, "") == 0;
}

/* The texts that are "" where none was given, and nothing of the other type. */
static bool complete(struct rp_schedule *s, bool script)
{
	rp_free(script ? s->command : s->script);
	*(script ? &s->command : &s->script) = NULL;
	return not_null(&s->name) && not_null(&s->interpreter) && not_null(&s->cwd);
}

/* On failure the call was answered. */
static int read_body(struct rp_api_call *c, struct rp_schedule *s)
{
	struct rp_problem p = {0};
	bool script = false;
	int code = rp_api_body(c, &rp_schedule_table, true, s);
	if (code != 0) {
		return code;
	}
	code = check_type(s, &script, &p);
	code = code != 0 ? code : check_cron(s, &p);
	code = code != 0 ? code : check_request(c, s, script, &p);
	if (code == 0 && !complete(s, script)) {
		code = RP_ENOMEM;
		rp_problem_set(&p, 500, rp_err_text(code), "");
	}
	if (code != 0) {
		rp_reply_problem(c, &p);
		rp_json_release(&rp_schedule_table, s);
	}
	return code;
}

static void on_written(void *ctx, int code, const struct rp_schedule *s, const struct rp_err *err)
{
	struct rp_api_call *c = ctx;
	struct rp_reply r;
	if (code == RP_EINVAL) {
		const struct rp_api_error e = {
		    .status = 400, .code = "", .title = "Invalid schedule.", .detail = err->msg};
		rp_reply_error(c, &e);
	} else if (code == RP_ENOENT) {
		not_found(c);
	} else if (code == RP_ELIMIT) {
		rp_reply_fail(c, 400, "there are at most %d schedules", RP_SCHEDULES_MAX);
	} else if (code != 0) {
		rp_reply_code(c, code, err);
	} else {
		rp_reply_begin(&r);
		rp_jsonw_struct(&r.w, &rp_schedule_table, s);
		rp_reply_end_status(&r, c, strcmp(c->route->method, "POST") == 0 ? 201 : 200);
	}
}

void rp_api_schedules_post(struct rp_api_call *c)
{
	struct rp_schedule s = {0};
	char id[RP_UUID_TEXT_MAX];
	if (read_body(c, &s) != 0) {
		return;
	}
	rp_uuid4(id);
	s.created_at = rp_time_now();
	rp_free(s.last_execution);
	s.last_execution = NULL;
	bool whole = rp_strset(&s.id, id) == 0 && rp_strset(&s.created_by, c->user.name) == 0;
	int err = whole ? rp_schedules_add(c->api->parts.schedules, &s, on_written, c) : RP_ENOMEM;
	rp_json_release(&rp_schedule_table, &s);
	if (err != 0) {
		rp_reply_code(c, err, NULL);
	}
}

void rp_api_schedule_put(struct rp_api_call *c)
{
	struct rp_schedule s = {0};
	if (read_body(c, &s) != 0) {
		return;
	}
	int err = rp_strset(&s.id, c->params[0]) == 0
	    ? rp_schedules_change(c->api->parts.schedules, &s, on_written, c)
	    : RP_ENOMEM;
	rp_json_release(&rp_schedule_table, &s);
	if (err != 0) {
		rp_reply_code(c, err, NULL);
	}
}

static void on_removed(void *ctx, int code, const struct rp_err *err)
{
	struct rp_api_call *c = ctx;
	if (code == 0) {
		rp_reply_empty(c, 204);
	} else if (code == RP_ENOENT) {
		not_found(c);
	} else {
		rp_reply_code(c, code, err);
	}
}

void rp_api_schedule_delete(struct rp_api_call *c)
{
	int err = rp_schedules_remove(c->api->parts.schedules, c->params[0], on_removed, c);
	if (err != 0) {
		rp_reply_code(c, err, NULL);
	}
}
