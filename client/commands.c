/* SPDX-License-Identifier: MIT */
/*
 * Commands for this client (wire protocol 6): from the request to the runner, and the result
 * back. A result belongs to the client, not to the connection that brought the command: without
 * one it is kept for the next.
 */
#include <string.h>

#include "client/agent.h"
#include "client/live.h"
#include "client/output.h"
#include "core/alloc.h"
#include "core/log.h"

#include "core/banned.h"

struct command {
	struct rp_agent *agent;
	rp_command_cb on_started; /* NULL: was called */
	void *ctx;
	struct rp_job job;    /* until it runs */
	struct rp_live *live; /* NULL: there is none */
	struct rp_buf result; /* once it has ended */
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
	if (a->results.n_sent > 0 && a->link != NULL) {
		rp_uplink_confirm(a->link);
	}
}

static void command_free(struct command *c)
{
	rp_live_close(c->live);
	rp_job_fini(&c->job);
	rp_buf_fini(&c->result);
	rp_free(c);
}

static void answer(struct command *c, const struct rp_run_answer *a, const char *why)
{
	rp_command_cb cb = c->on_started;
	c->on_started = NULL;
	if (cb != NULL) {
		cb(c->ctx, a, why);
	}
}

static void on_started(void *ctx, int64_t pid, int64_t started_at)
{
	const struct rp_run_answer a = {.pid = pid, .started_at = started_at};
	answer(ctx, &a, NULL);
}

static void on_output(void *ctx, int stream, const uint8_t *p, size_t n)
{
	struct command *c = ctx;
	if (c->live != NULL) {
		rp_live_write(c->live, stream, p, n);
	}
}

/* Keeps the result for the server and sends it if that is there; its live output ends behind it. */
static void deliver(struct command *c)
{
	struct rp_agent *a = c->agent;
	size_t dropped = a->results.dropped;
	int err = rp_results_add(&a->results, rp_buf_head(&c->result), c->result.len);
	if (err != 0) {
		rp_log_error(
		    RP_CLIENT_LOG, "the result of a command is lost: %s", rp_err_text(err));
	}
	if (a->results.dropped > dropped) {
		rp_log_error(RP_CLIENT_LOG,
		    "too many results wait for a connection: %zu old ones lost",
		    a->results.dropped - dropped);
	}
	rp_agent_send_results(a);
	command_free(c);
}

static void on_finished(void *ctx, struct rp_job *job)
{
	struct command *c = ctx;
	answer(c, NULL, "failed to start a command: the client is shutting down");
	rp_log_debug(RP_CLIENT_LOG, "command %s ended: %s", job->jid == NULL ? "" : job->jid,
	    job->status == NULL ? "" : job->status);
	int err = rp_job_encode(job, &c->result);
	if (err != 0) {
		rp_log_error(
		    RP_CLIENT_LOG, "the result of a command is lost: %s", rp_err_text(err));
		command_free(c);
	} else if (c->live != NULL && !c->agent->stopping) {
		rp_live_end(c->live);
	} else {
		deliver(c);
	}
}

static void on_flushed(void *ctx)
{
	deliver(ctx);
}

static const struct rp_runner_ops runner_ops = {
    .on_started = on_started,
    .on_output = on_output,
    .on_finished = on_finished,
};

/* The server has said whether it takes live output; without it the command runs just so. */
static void on_ready(void *ctx, bool lost)
{
	struct command *c = ctx;
	struct rp_err err = {0};
	int code = lost
	    ? rp_err_set(&err, RP_ECLOSED, "failed to start a command: the connection was lost")
	    : rp_runner_start(c->agent->runner, &c->job, &runner_ops, c, &err);
	if (code != 0) {
		answer(c, NULL, err.msg);
		command_free(c);
	}
}

static const struct rp_live_ops live_ops = {.on_ready = on_ready, .on_flushed = on_flushed};

static bool open_live(struct command *c, struct rp_str payload)
{
	const struct rp_uplink *u = c->agent->link;
	if (!c->job.stream_result || u == NULL || u->state != RP_UPLINK_UP) {
		return false;
	}
	int err = rp_live_open(c->agent->loop, u->link.mux, payload, &live_ops, c, &c->live);
	if (err != 0) {
		rp_log_error(RP_CLIENT_LOG, "no live output of a command: %s", rp_err_text(err));
	}
	return err == 0;
}

/* Moves the job. */
static int start(struct command *c, struct rp_job *job, struct rp_str payload, struct rp_err *err)
{
	c->job = *job;
	*job = (struct rp_job){0};
	if (open_live(c, payload)) {
		return 0;
	}
	int code = rp_runner_start(c->agent->runner, &c->job, &runner_ops, c, err);
	if (code != 0) {
		command_free(c);
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
	struct command *c = code != 0 ? NULL : rp_calloc(1, sizeof(*c));
	if (c != NULL) {
		c->agent = a;
		c->on_started = on_started_cb;
		c->ctx = ctx;
		rp_buf_init(&c->result, RP_RESULT_JSON_MAX);
		code = start(c, &job, rp_str_n(payload, n), err);
	} else if (code == 0) {
		code = rp_err_no_memory(err);
	}
	rp_job_fini(&job);
	return code;
}
