/* SPDX-License-Identifier: MIT */
/*
 * Commands for this client (wire protocol 6): from the request to the runner, and the result
 * back. A result belongs to the client, not to the connection that brought the command: without
 * one it is kept for the next.
 */
#include <string.h>

#include "client/agent.h"
#include "client/output.h"
#include "core/alloc.h"
#include "core/log.h"

#include "core/banned.h"

struct command {
	struct rp_agent *agent;
	rp_command_cb on_started; /* NULL: was called */
	void *ctx;
};

static int send_result(void *ctx, const void *p, size_t n)
{
	struct rp_agent *a = ctx;
	int err = a->link == NULL ? RP_ECLOSED : rp_uplink_notify(a->link, "cmd_result", p, n);
	if (err == RP_ELIMIT) {
		/* It must not stand in the way of the others. */
		rp_log_error(RP_CLIENT_LOG, "the result of a command is lost: it is too long");
		return 0;
	}
	return err;
}

void rp_agent_send_results(struct rp_agent *a)
{
	(void)rp_results_flush(&a->results, send_result, a);
}

static void on_started(void *ctx, int64_t pid, int64_t started_at)
{
	struct command *c = ctx;
	const struct rp_run_answer answer = {.pid = pid, .started_at = started_at};
	rp_command_cb cb = c->on_started;
	c->on_started = NULL;
	if (cb != NULL) {
		cb(c->ctx, &answer);
	}
}

static void on_finished(void *ctx, struct rp_job *job)
{
	struct command *c = ctx;
	struct rp_agent *a = c->agent;
	struct rp_buf out;
	if (c->on_started != NULL) {
		c->on_started(c->ctx, NULL);
	}
	rp_log_debug(RP_CLIENT_LOG, "command %s ended: %s", job->jid == NULL ? "" : job->jid,
	    job->status == NULL ? "" : job->status);
	rp_buf_init(&out, RP_RESULT_JSON_MAX);
	size_t dropped = a->results.dropped;
	int err = rp_job_encode(job, &out);
	err = err != 0 ? err : rp_results_add(&a->results, rp_buf_head(&out), out.len);
	if (err != 0) {
		rp_log_error(
		    RP_CLIENT_LOG, "the result of a command is lost: %s", rp_err_text(err));
	}
	if (a->results.dropped > dropped) {
		rp_log_error(RP_CLIENT_LOG,
		    "too many results wait for a connection: %zu old ones lost",
		    a->results.dropped - dropped);
	}
	rp_buf_fini(&out);
	rp_free(c);
	rp_agent_send_results(a);
}

static const struct rp_runner_ops runner_ops = {
    .on_started = on_started,
    .on_finished = on_finished,
};

static int start(struct rp_agent *a, struct rp_job *job, rp_command_cb on_started_cb, void *ctx,
    struct rp_err *err)
{
	struct command *c = rp_calloc(1, sizeof(*c));
	if (c == NULL) {
		return rp_err_set(err, RP_ENOMEM, "%s", rp_err_text(RP_ENOMEM));
	}
	c->agent = a;
	c->on_started = on_started_cb;
	c->ctx = ctx;
	int code = rp_runner_start(a->runner, job, &runner_ops, c, err);
	if (code != 0) {
		rp_free(c);
	}
	return code;
}

int rp_agent_command(struct rp_agent *a, const void *payload, size_t n, rp_command_cb on_started_cb,
    void *ctx, struct rp_err *err)
{
	if (!a->cfg->remote_commands.enabled) {
		return rp_err_set(err, RP_EDENIED, "remote commands execution is disabled");
	}
	if (a->no_commands[0] != '\0') {
		return rp_err_set(err, RP_EIO, "remote commands are off: %s", a->no_commands);
	}
	struct rp_job job = {0};
	int code = rp_job_decode(payload, n, &job, err);
	if (code != 0) {
		return rp_err_wrap(err, "failed to decode requested job");
	}
	if (job.command == NULL) {
		code = rp_err_set(
		    err, RP_EINVAL, "failed to decode requested job: command is missing");
	}
	code = code != 0 ? code : start(a, &job, on_started_cb, ctx, err);
	rp_job_fini(&job);
	return code;
}
