/* SPDX-License-Identifier: MIT */
/*
 * From a stored schedule to a multi-client job.
 */
#include "server/schedules_run.h"

#include <string.h>

#include "core/alloc.h"
#include "core/crypto.h"
#include "core/log.h"
#include "server/audience.h"

#include "core/banned.h"

/* Clients come and go; the others of the schedule still have their run. */
static void drop_unknown(
    const struct rp_schedule *s, struct rp_registry *registry, struct rp_strlist *ids)
{
	size_t n = 0;
	for (size_t i = 0; i < ids->n; i++) {
		if (rp_registry_get(registry, ids->v[i]) != NULL) {
			ids->v[n++] = ids->v[i];
		} else {
			rp_log_info(
			    "schedules", "schedule %s: one of its clients is unknown", s->id);
			rp_free(ids->v[i]);
		}
	}
	ids->n = n;
}

static int resolve(const struct rp_schedule *s, struct rp_registry *registry,
    struct rp_strlist *targets, struct rp_err *err)
{
	struct rp_audience a = {
	    .has_clients = s->client_ids != NULL, .has_groups = s->group_ids != NULL};
	struct rp_problem problem = {0};
	int code = rp_json_raw_strlist(s->client_ids, &a.client_ids);
	code = code != 0 ? code : rp_json_raw_strlist(s->group_ids, &a.group_ids);
	code = code != 0 || s->tags == NULL ? code
	                                    : rp_audience_read_tags(&a, s->tags, false, NULL, NULL);
	if (code != 0) {
		(void)rp_err_set(err, code, "its clients: %s", rp_err_text(code));
	} else {
		drop_unknown(s, registry, &a.client_ids);
		code = rp_audience_resolve(registry, &a, targets, &problem);
		if (code != 0) {
			(void)rp_err_set(err, code, "%s %s", problem.title, problem.detail);
		}
	}
	rp_audience_fini(&a);
	return code;
}

static int take_command(const struct rp_schedule *s, char **out)
{
	uint8_t *bytes;
	size_t n;
	if (strcmp(s->type, RP_SCHEDULE_SCRIPT) != 0) {
		*out = rp_strdup(s->command != NULL ? s->command : "");
		return *out == NULL ? RP_ENOMEM : 0;
	}
	int code = rp_base64_decode(rp_str_c(s->script), &bytes, &n);
	*out = code == 0 ? (char *)bytes : NULL;
	return code;
}

/* The rest of the job; what it points to is s's. */
static int fill(const struct rp_schedule *s, struct rp_multi_job *job)
{
	int code = rp_json_raw_strlist(s->client_ids, &job->client_ids);
	code = code != 0 ? code : rp_json_raw_strlist(s->group_ids, &job->group_ids);
	code = code != 0 ? code : take_command(s, &job->command);
	job->schedule_id = s->id;
	job->created_by = s->created_by;
	job->tags = s->tags;
	job->interpreter = s->interpreter;
	job->cwd = s->cwd;
	job->is_sudo = s->is_sudo;
	job->timeout_sec = s->timeout_sec;
	job->is_script = strcmp(s->type, RP_SCHEDULE_SCRIPT) == 0;
	job->concurrent = s->execute_concurrently;
	job->abort_on_err = s->abort_on_error == NULL || strcmp(s->abort_on_error, "true") == 0;
	return code;
}

int rp_schedule_start(const struct rp_schedule *s, struct rp_registry *registry,
    struct rp_multis *multis, const struct rp_multi_ops *ops, void *ctx, struct rp_err *err)
{
	struct rp_strlist targets = {0};
	struct rp_multi_job job = {0};
	const struct rp_multi_order order = {
	    .job = &job, .targets = &targets, .ops = ops, .ctx = ctx};
	int code = resolve(s, registry, &targets, err);
	if (code != 0) {
		return code;
	}
	code = fill(s, &job);
	code = code != 0 ? code : rp_multi_start(multis, &order);
	if (code != 0) {
		(void)rp_err_set(err, code, "%s", rp_err_text(code));
	}
	rp_strlist_fini(&job.client_ids);
	rp_strlist_fini(&job.group_ids);
	rp_free(job.command);
	rp_strlist_fini(&targets);
	return code;
}
