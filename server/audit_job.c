/* SPDX-License-Identifier: MIT */
/*
 * The entry for a job that has ended.
 */
#include "core/alloc.h"
#include "core/buf.h"
#include "server/audit.h"

#include "core/banned.h"

#define TEXT_MAX 65536u

/* Owned; NULL: no memory, or too long. */
static char *job_text(const struct rp_job *job)
{
	struct rp_buf text;
	char *out = NULL;
	rp_buf_init(&text, TEXT_MAX);
	if (rp_job_encode(job, &text) != 0 || rp_buf_take_string(&text, &out) != 0) {
		out = NULL;
	}
	rp_buf_fini(&text);
	return out;
}

void rp_audit_job_done(struct rp_audit *a, const struct rp_job *job, const char *client_hostname)
{
	if (a == NULL) {
		return;
	}
	struct rp_job bare = *job;
	bare.has_result = false;
	char *text = job_text(job);
	text = text != NULL ? text : job_text(&bare);
	const struct rp_audit_entry e = {
	    .username = job->created_by,
	    .application = (char *)(uintptr_t)(job->is_script ? "client.script" : "client.command"),
	    .action = (char *)(uintptr_t) "execute.done",
	    .affected_id = job->multi_job_id != NULL ? job->multi_job_id : job->jid,
	    .client_id = job->client_id,
	    .client_hostname = (char *)(uintptr_t)client_hostname,
	    .response = text,
	};
	rp_audit_add(a, &e);
	rp_free(text);
}
