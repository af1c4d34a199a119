/* SPDX-License-Identifier: MIT */
/*
 * The other end of server/jobs.c.
 */
#include "test/lib/job_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/clock.h"

#define WAIT_MS  20000
#define TEXT_MAX 256

static void on_output(void *ctx, const char *client_id, const struct rp_job_output *o)
{
	struct rp_api_rig *r = ctx;
	rp_jobs_output(r->jobs, client_id, o);
}

void rp_job_client_open(struct rp_api_rig *r)
{
	rp_registry_on_output(r->registry, on_output, r);
}

struct rp_fake_order *rp_job_client_order(struct rp_api_rig *r, size_t n)
{
	uint64_t end = rp_clock_ms() + WAIT_MS;
	while (rp_fake_count(r->workers) <= n) {
		rp_store_rig_sync(&r->store);
		if (rp_clock_ms() >= end) {
			fail_msg("order %zu does not come", n);
		}
	}
	struct rp_fake_order *o = rp_fake_order(r->workers, n);
	assert_int_equal(o->kind, RP_FAKE_CALL);
	assert_string_equal(o->name, "run_cmd");
	return o;
}

void rp_job_client_text(const struct rp_fake_order *o, const char *key, char *out, size_t size)
{
	char want[64];
	(void)snprintf(want, sizeof(want), "\"%s\":\"", key);
	const char *at = strstr(o->text, want);
	if (at == NULL) {
		fail_msg("no %s in %s", want, o->text);
		return;
	}
	at += strlen(want);
	(void)snprintf(out, size, "%.*s", (int)strcspn(at, "\""), at);
}

void rp_job_client_start(struct rp_api_rig *r, size_t n)
{
	rp_fake_answer(
	    rp_job_client_order(r, n), 0, "{\"Pid\":4711,\"StartedAt\":\"2026-01-02T03:04:05Z\"}");
	rp_store_rig_sync(&r->store);
}

void rp_job_client_print(struct rp_api_rig *r, size_t n, int stream, struct rp_str text)
{
	char jid[TEXT_MAX];
	rp_job_client_text(rp_job_client_order(r, n), "jid", jid, sizeof(jid));
	const struct rp_job_output o = {.jid = jid, .stream = stream, .p = text.p, .n = text.len};
	rp_registry_events()->on_output(r->registry, r->last, &o);
}

void rp_job_client_end(struct rp_api_rig *r, size_t n, const char *status, const char *out)
{
	const struct rp_fake_order *o = rp_job_client_order(r, n);
	char jid[TEXT_MAX];
	char client[TEXT_MAX];
	rp_job_client_text(o, "jid", jid, sizeof(jid));
	rp_job_client_text(o, "client_id", client, sizeof(client));
	char *text = rp_asprintf("{\"jid\":\"%s\",\"status\":\"%s\",\"pid\":4711,"
	                         "\"started_at\":\"2026-01-02T03:04:05Z\","
	                         "\"finished_at\":\"2026-01-02T03:04:06Z\",\"error\":\"%s\","
	                         "\"result\":{\"stdout\":\"%s\",\"stderr\":\"\",\"summary\":\"\"}}",
	    jid, status, strcmp(status, RP_JOB_FAILED) == 0 ? "exit status 3" : "",
	    out != NULL ? out : "");
	rp_jobs_result(r->jobs, client, text, strlen(text));
	rp_free(text);
	rp_store_rig_sync(&r->store);
	rp_store_rig_sync(&r->store);
}

void rp_job_client_run(struct rp_api_rig *r, size_t n, const char *status)
{
	rp_job_client_start(r, n);
	rp_job_client_end(r, n, status, NULL);
}
