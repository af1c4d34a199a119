/* SPDX-License-Identifier: MIT */
/*
 * Status, error text and result of a job, in the words that RPort uses (wire protocol 6.3).
 */
#include "client/jobend.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>

#include "core/alloc.h"
#include "core/buf.h"
#include "core/clock.h"
#include "core/log.h"

#include "core/banned.h"

/* Go's texts. */
static const char *signal_text(int signal)
{
	static const struct {
		int signal;
		const char *text;
	} texts[] = {
	    {SIGHUP, "hangup"},
	    {SIGINT, "interrupt"},
	    {SIGQUIT, "quit"},
	    {SIGILL, "illegal instruction"},
	    {SIGTRAP, "trace/breakpoint trap"},
	    {SIGABRT, "aborted"},
	    {SIGBUS, "bus error"},
	    {SIGFPE, "floating point exception"},
	    {SIGKILL, "killed"},
	    {SIGUSR1, "user defined signal 1"},
	    {SIGSEGV, "segmentation fault"},
	    {SIGUSR2, "user defined signal 2"},
	    {SIGPIPE, "broken pipe"},
	    {SIGALRM, "alarm clock"},
	    {SIGTERM, "terminated"},
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(texts); i++) {
		if (texts[i].signal == signal) {
			return texts[i].text;
		}
	}
	return NULL;
}

/* Parts of the error text are joined by ", ". */
static int add_part(struct rp_buf *out, const char *fmt, ...) RP_PRINTF(2, 3);

static int add_part(struct rp_buf *out, const char *fmt, ...)
{
	char part[160];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(part, sizeof(part), fmt, ap);
	va_end(ap);
	int rc = out->len > 0 ? rp_buf_add_str(out, ", ") : 0;
	return rc == 0 ? rp_buf_add_str(out, part) : rc;
}

static int add_exit_part(const struct rp_job_end *end, struct rp_buf *out)
{
	if (end->shutting_down) {
		return add_part(out, "client is shutting down");
	}
	/* Such as one that sudo runs as another user. */
	if (end->timed_out && !end->exited) {
		return add_part(out, "the command could not be ended and goes on");
	}
	/* A time-out shows in the status alone, as with the original. */
	if (end->timed_out || (end->status == 0 && end->signal == 0)) {
		return 0;
	}
	if (end->signal == 0) {
		return add_part(out, "exit status %lld", (long long)end->status);
	}
	const char *text = signal_text(end->signal);
	return text != NULL ? add_part(out, "signal: %s", text)
	                    : add_part(out, "signal: signal %d", end->signal);
}

static int error_text(const struct rp_job_end *end, char **text)
{
	static const char *const names[] = {"stdOut", "stdErr"};
	const struct rp_output *const outputs[] = {end->out, end->err};
	struct rp_buf out;
	rp_buf_init(&out, 1024);
	int rc = add_exit_part(end, &out);
	for (size_t i = 0; i < 2 && rc == 0; i++) {
		const struct rp_output *o = outputs[i];
		if (o->overflow) {
			rc = add_part(&out,
			    "overflow of %s buffer: maximum send_back_limit of %llu bytes exceeded",
			    names[i], (unsigned long long)o->limit);
		} else if (o->cut) {
			rc = add_part(&out, "%s was cut: too long for one message", names[i]);
		}
	}
	if (rc == 0) {
		rc = rp_buf_take_string(&out, text);
	}
	rp_buf_fini(&out);
	return rc;
}

static const char *status_of(const struct rp_job_end *end)
{
	if (end->timed_out || !end->exited || end->shutting_down) {
		return RP_JOB_UNKNOWN;
	}
	return end->status == 0 && end->signal == 0 ? RP_JOB_SUCCESSFUL : RP_JOB_FAILED;
}

/* What the job says at its end. Texts that find no memory stay empty. */
static int fill(struct rp_job *job, const struct rp_job_end *end, size_t max)
{
	struct rp_job_result *result = &job->result;
	char *error = NULL;
	job->finished_at = rp_time_now();
	job->has_result = true;
	int rc = rp_strset(&job->status, status_of(end));
	rc = rc != 0 ? rc : error_text(end, &error);
	if (rc == 0) {
		rp_free(job->error);
		job->error = error;
	}
	rc = rc != 0 ? rc : rp_buf_take_string(&end->out->text, &result->out);
	rc = rc != 0 ? rc : rp_buf_take_string(&end->err->text, &result->err);
	rc = rc != 0 ? rc : rp_buf_take_string(&end->summary->text, &result->summary);
	return rc != 0 ? rc : rp_job_fit(job, max);
}

void rp_job_finish(struct rp_job *job, const struct rp_job_end *end, size_t max)
{
	if (fill(job, end, max) == 0) {
		return;
	}
	/* No memory for the output: then without it, so that the end is known at least. */
	rp_json_release(&rp_job_result_table, &job->result);
	rp_log_error("commands", "no memory for the output of a command");
}
