/* SPDX-License-Identifier: MIT */
/*
 * The table of a job and its two ways through JSON. "result" is the one key that a table cannot
 * express (an object or null), so it is written between its neighbours and read beside the table.
 */
#include "cmdpolicy/job.h"

#include <stddef.h>
#include <string.h>

#include "core/alloc.h"
#include "core/jsonw.h"

#include "core/banned.h"

/* clang-format off */
static const struct rp_json_field result_fields[] = {
	{"stdout", RP_FIELD_STR, 0, offsetof(struct rp_job_result, out), NULL},
	{"stderr", RP_FIELD_STR, 0, offsetof(struct rp_job_result, err), NULL},
	{"summary", RP_FIELD_STR, 0, offsetof(struct rp_job_result, summary), NULL},
};

static const struct rp_json_field job_fields[] = {
	{"jid", RP_FIELD_STR, 0, offsetof(struct rp_job, jid), NULL},
	{"status", RP_FIELD_STR, 0, offsetof(struct rp_job, status), NULL},
	{"finished_at", RP_FIELD_TIME_OPT, 0, offsetof(struct rp_job, finished_at), NULL},
	{"client_id", RP_FIELD_STR, 0, offsetof(struct rp_job, client_id), NULL},
	{"client_name", RP_FIELD_STR, 0, offsetof(struct rp_job, client_name), NULL},
	{"command", RP_FIELD_STR, 0, offsetof(struct rp_job, command), NULL},
	{"cwd", RP_FIELD_STR, 0, offsetof(struct rp_job, cwd), NULL},
	{"interpreter", RP_FIELD_STR, 0, offsetof(struct rp_job, interpreter), NULL},
	{"pid", RP_FIELD_INT_OPT, 0, offsetof(struct rp_job, pid), NULL},
	{"started_at", RP_FIELD_TIME, 0, offsetof(struct rp_job, started_at), NULL},
	{"created_by", RP_FIELD_STR, 0, offsetof(struct rp_job, created_by), NULL},
	{"timeout_sec", RP_FIELD_INT, 0, offsetof(struct rp_job, timeout_sec), NULL},
	{"multi_job_id", RP_FIELD_STR_OPT, 0, offsetof(struct rp_job, multi_job_id), NULL},
	{"schedule_id", RP_FIELD_STR_OPT, 0, offsetof(struct rp_job, schedule_id), NULL},
	{"error", RP_FIELD_STR, 0, offsetof(struct rp_job, error), NULL},
	{"is_sudo", RP_FIELD_BOOL, 0, offsetof(struct rp_job, is_sudo), NULL},
	{"is_script", RP_FIELD_BOOL, 0, offsetof(struct rp_job, is_script), NULL},
	{"stream_result", RP_FIELD_BOOL, 0, offsetof(struct rp_job, stream_result), NULL},
};
/* clang-format on */

const struct rp_json_table rp_job_result_table = RP_JSON_TABLE(result_fields, struct rp_job_result);
const struct rp_json_table rp_job_table = RP_JSON_TABLE(job_fields, struct rp_job);

void rp_job_fini(struct rp_job *job)
{
	rp_json_release(&rp_job_result_table, &job->result);
	rp_json_release(&rp_job_table, job);
	*job = (struct rp_job){0};
}

int rp_job_decode(const void *p, size_t n, struct rp_job *job, struct rp_err *err)
{
	struct rp_json *json;
	*job = (struct rp_job){0};
	int rc = rp_json_parse(p, n, &json, err);
	if (rc != 0) {
		return rc;
	}
	rc = rp_json_decode(json, &rp_job_table, false, job, err);
	const struct rp_json *result = rp_json_get(json, "result");
	if (rc == 0 && rp_json_type(result) != RP_JSON_NULL) {
		rc = rp_json_decode(result, &rp_job_result_table, false, &job->result, err);
		job->has_result = rc == 0;
		if (rc != 0) {
			rp_job_fini(job);
		}
	}
	rp_json_free(json);
	return rc;
}

void rp_job_write(const struct rp_job *job, struct rp_jsonw *w)
{
	rp_jsonw_obj(w);
	for (size_t i = 0; i < RP_ARRAY_LEN(job_fields); i++) {
		if (strcmp(job_fields[i].key, "is_sudo") == 0) {
			rp_jsonw_key(w, "result");
			if (job->has_result) {
				rp_jsonw_struct(w, &rp_job_result_table, &job->result);
			} else {
				rp_jsonw_null(w);
			}
		}
		rp_jsonw_field(w, &job_fields[i], job);
	}
	rp_jsonw_obj_end(w);
}

int rp_job_encode(const struct rp_job *job, struct rp_buf *out)
{
	struct rp_jsonw w;
	rp_jsonw_init(&w, out);
	rp_job_write(job, &w);
	return rp_jsonw_end(&w);
}

int rp_job_copy(struct rp_job *dst, const struct rp_job *src)
{
	*dst = (struct rp_job){0};
	int rc = rp_json_clone(&rp_job_table, src, dst);
	if (rc != 0) {
		return rc;
	}
	rc = rp_json_clone(&rp_job_result_table, &src->result, &dst->result);
	if (rc != 0) {
		rp_job_fini(dst);
		return rc;
	}
	dst->has_result = src->has_result;
	return 0;
}
