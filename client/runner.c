/* SPDX-License-Identifier: MIT */
/*
 * Jobs as processes. Each has a timer that walks through the phases below, two pipes, and a
 * process handle:
 *
 * STARTED --0 ms--> RUNNING --time-out--> TERMINATED --kill_after--> KILLED --give up--> over |
 * |exit +-----exit--------+--> DRAINING --pipes at their end, or a grace period--> over
 *
 * "Over" reports the job and closes the handles; the last of them frees it. A process that
 * outlives SIGKILL (sudo's, or in an uninterruptible wait) keeps its handle until it ends.
 */
#include "client/runner.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "client/jobend.h"
#include "client/launch.h"
#include "client/output.h"
#include "cmdpolicy/hours.h"
#include "core/alloc.h"
#include "core/clock.h"
#include "core/list.h"

#include "core/banned.h"

#define READ_BYTES               65536
#define DRAIN_MS                 1000      /* after the exit: others may hold the pipes for ever */
#define GIVE_UP_MS               2000      /* after SIGKILL */
#define CLOSE_RANGE_CLOEXEC_FLAG (1u << 2) /* CLOSE_RANGE_CLOEXEC of Linux 5.11 */
#define REAP_MS                  50
#define DEFAULT_TIMEOUT_SEC      60
#define TIMEOUT_SEC_MAX          (INT64_C(365) * 24 * 3600)

enum phase {
	STARTED,
	RUNNING,
	TERMINATED,
	KILLED,
	DRAINING,
	OVER
};

struct run;

struct stream {
	struct run *run;
	uv_pipe_t pipe;
	bool open; /* not closed yet */
	int number;
	struct rp_output output;
};

struct run {
	struct rp_list node;
	struct rp_runner *runner;
	const struct rp_runner_ops *ops;
	void *ctx;
	struct rp_job job;
	struct rp_launch launch;
	struct rp_summary summary;
	enum phase phase;
	bool timed_out;
	bool exited;
	bool process_open; /* not closed yet */
	int64_t exit_status;
	int signal;
	unsigned handles; /* not closed yet */
	uv_process_t process;
	uv_timer_t timer;
	struct stream streams[2];
};

struct rp_runner {
	uv_loop_t *loop;
	struct rp_runner_options opt;
	char *data_dir;
	struct rp_list runs;
	size_t n;
	bool closing;
	bool closed; /* on_closed was called or is being called */
	void (*on_closed)(void *ctx);
	void *closed_ctx;
	uv_timer_t closer; /* so that on_closed never comes from inside rp_runner_close */
	char scratch[READ_BYTES];
};

static void finish(struct run *run);

static void on_closer_closed(uv_handle_t *h)
{
	struct rp_runner *r = h->data;
	void (*on_closed)(void *ctx) = r->on_closed;
	void *ctx = r->closed_ctx;
	rp_free(r->data_dir);
	rp_free(r);
	if (on_closed != NULL) {
		on_closed(ctx);
	}
}

static void maybe_closed(struct rp_runner *r)
{
	if (r->closing && !r->closed && r->n == 0) {
		r->closed = true;
		uv_close((uv_handle_t *)&r->closer, on_closer_closed);
	}
}

static void run_free(struct run *run)
{
	struct rp_runner *r = run->runner;
	rp_list_remove(&run->node);
	r->n--;
	rp_job_fini(&run->job);
	rp_launch_fini(&run->launch);
	rp_summary_fini(&run->summary);
	rp_output_fini(&run->streams[0].output);
	rp_output_fini(&run->streams[1].output);
	rp_free(run);
	maybe_closed(r);
}

static void on_handle_closed(uv_handle_t *h)
{
	struct run *run = h->data;
	if (--run->handles == 0) {
		run_free(run);
	}
}

static void on_pipe_closed(uv_handle_t *h)
{
	struct stream *s = h->data;
	h->data = s->run;
	on_handle_closed(h);
}

static void close_pipe(struct stream *s)
{
	if (s->open) {
		s->open = false;
		uv_close((uv_handle_t *)&s->pipe, on_pipe_closed);
	}
}

static void close_process(struct run *run)
{
	if (run->process_open) {
		run->process_open = false;
		uv_close((uv_handle_t *)&run->process, on_handle_closed);
	}
}

/* To the whole process group; the process itself if it has none of its own any more. */
static void send_signal(const struct run *run, int signal)
{
	pid_t pid = (pid_t)run->process.pid;
	if (pid > 1 && kill(-pid, signal) != 0 && errno == ESRCH && !run->exited) {
		(void)kill(pid, signal);
	}
}

/* Reports, once, and lets go of everything but a process that still runs. */
static void finish(struct run *run)
{
	if (run->phase == OVER) {
		return;
	}
	run->phase = OVER;
	rp_launch_fini(&run->launch);
	const struct rp_job_end end = {
	    .exited = run->exited,
	    .timed_out = run->timed_out,
	    .shutting_down = run->runner->closing,
	    .status = run->exit_status,
	    .signal = run->signal,
	    .out = &run->streams[0].output,
	    .err = &run->streams[1].output,
	    .summary = &run->summary,
	};
	rp_job_finish(&run->job, &end, run->runner->opt.result_max);
	close_pipe(&run->streams[0]);
	close_pipe(&run->streams[1]);
	uv_close((uv_handle_t *)&run->timer, on_handle_closed);
	if (run->exited || run->runner->closing) {
		close_process(run);
	}
	const struct rp_runner_ops *ops = run->ops;
	run->ops = NULL;
	if (ops->on_finished != NULL) {
		ops->on_finished(run->ctx, &run->job);
	}
}

/* The exit was seen and nobody can write any more. */
static void maybe_finish(struct run *run)
{
	if (run->exited && !run->streams[0].open && !run->streams[1].open) {
		finish(run);
	}
}

static void on_sink(void *ctx, const uint8_t *p, size_t n)
{
	struct stream *s = ctx;
	struct run *run = s->run;
	if (s->number == 1) {
		rp_summary_feed(&run->summary, p, n);
	}
	if (run->phase != OVER && run->ops->on_output != NULL) {
		run->ops->on_output(run->ctx, s->number, p, n);
	}
}

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *buf)
{
	(void)suggested;
	struct stream *s = h->data;
	*buf = uv_buf_init(s->run->runner->scratch, READ_BYTES);
}

static void on_read(uv_stream_t *h, ssize_t n, const uv_buf_t *buf)
{
	struct stream *s = h->data;
	if (n > 0) {
		rp_output_feed(&s->output, buf->base, (size_t)n, on_sink, s);
	} else if (n < 0 && s->open) {
		rp_output_end(&s->output, on_sink, s);
		close_pipe(s);
		maybe_finish(s->run);
	}
}

static void on_timer(uv_timer_t *t);

/* RP_VERIFY: a timer that is not closing can be started. */
static void arm(struct run *run, enum phase phase, uint64_t ms)
{
	run->phase = phase;
	RP_VERIFY(uv_timer_start(&run->timer, on_timer, ms, 0) == 0);
}

/* What was asked for, and not longer than the policy lets it. */
static uint64_t timeout_ms(const struct run *run)
{
	int64_t sec = run->job.timeout_sec > 0 ? run->job.timeout_sec : DEFAULT_TIMEOUT_SEC;
	uint64_t ms = (uint64_t)RP_MIN(sec, TIMEOUT_SEC_MAX) * 1000;
	uint64_t most = (uint64_t)(run->launch.max_runtime / RP_NS_PER_MS);
	return run->launch.max_runtime > 0 && most < ms ? RP_MAX(most, 1) : ms;
}

static void on_exit_seen(uv_process_t *p, int64_t status, int signal)
{
	struct run *run = p->data;
	run->exited = true;
	run->exit_status = status;
	run->signal = signal;
	if (run->timed_out) {
		send_signal(run, SIGKILL); /* what it left behind in its group */
	}
	if (run->phase == OVER) {
		close_process(run);
		return;
	}
	/* STARTED reports the start first; reading has not begun yet either. */
	if (run->phase != STARTED) {
		arm(run, DRAINING, DRAIN_MS);
		maybe_finish(run);
	}
}

static void begin(struct run *run)
{
	arm(run, RUNNING, timeout_ms(run));
	for (size_t i = 0; i < 2; i++) {
		if (uv_read_start((uv_stream_t *)&run->streams[i].pipe, on_alloc, on_read) != 0) {
			close_pipe(&run->streams[i]);
		}
	}
	if (run->exited) {
		arm(run, DRAINING, DRAIN_MS);
	}
	if (run->ops->on_started != NULL) {
		run->ops->on_started(run->ctx, run->job.pid.v, run->job.started_at);
	}
}

static void on_timer(uv_timer_t *t)
{
	struct run *run = t->data;
	switch (run->phase) {
	case STARTED:
		begin(run);
		break;
	case RUNNING:
		run->timed_out = true;
		send_signal(run, SIGTERM);
		arm(run, TERMINATED, run->runner->opt.kill_after_ms);
		break;
	case TERMINATED:
		send_signal(run, SIGKILL);
		arm(run, KILLED, GIVE_UP_MS);
		break;
	case KILLED:
	case DRAINING:
		finish(run);
		break;
	case OVER:
		break;
	}
}

/* Two pipes, not socket pairs: programs may open /dev/stdout. *theirs is the child's end. */
static int open_stream(struct run *run, size_t i, uv_file *theirs)
{
	struct stream *s = &run->streams[i];
	uv_file ends[2];
	int rc = uv_pipe(ends, UV_NONBLOCK_PIPE, 0);
	if (rc != 0) {
		return rc;
	}
	rc = uv_pipe_init(run->runner->loop, &s->pipe, 0);
	if (rc == 0) {
		s->pipe.data = s;
		s->open = true;
		run->handles++;
		rc = uv_pipe_open(&s->pipe, ends[0]);
	}
	if (rc != 0) {
		(void)close(ends[0]);
		(void)close(ends[1]);
		return rc;
	}
	*theirs = ends[1];
	return 0;
}

static int spawn(struct run *run, uv_file out, uv_file err)
{
	const struct rp_job *job = &run->job;
	uv_stdio_container_t stdio[] = {
	    {.flags = UV_IGNORE}, /* the null device */
	    {.flags = UV_INHERIT_FD, .data.fd = out},
	    {.flags = UV_INHERIT_FD, .data.fd = err},
	};
	uv_process_options_t options = {
	    .exit_cb = on_exit_seen,
	    .file = run->launch.file,
	    .args = run->launch.argv.v,
	    .env = run->launch.env.v,
	    .cwd = job->cwd != NULL && *job->cwd != '\0' ? job->cwd : NULL,
	    .flags = UV_PROCESS_DETACHED, /* a session and a process group of its own */
	    .stdio_count = 3,
	    .stdio = stdio,
	};
	/* uv_spawn makes the handle even when it fails. */
	run->handles++;
	run->process_open = true;
	run->process.data = run;
	return uv_spawn(run->runner->loop, &run->process, &options);
}

/* execve wants the lists to end in NULL, which the allocation has room for afterwards. */
static int terminate_list(struct rp_strlist *l)
{
	char **v = rp_reallocarray(l->v, l->n + 1, sizeof(*v));
	if (v == NULL) {
		return RP_ENOMEM;
	}
	l->v = v;
	l->v[l->n] = NULL;
	return 0;
}

static int start_failed(int rc, const struct run *run, const char *what, struct rp_err *err)
{
	struct stat st;
	const char *cwd = run->job.cwd;
	if (cwd != NULL && *cwd != '\0' && stat(cwd, &st) != 0) {
		rc = -errno;
		return rp_err_set(
		    err, rc, "failed to start a command: chdir %.128s: %s", cwd, uv_strerror(rc));
	}
	return rp_err_set(err, rc, "failed to start a command: %s %.128s: %s", what,
	    run->launch.file, rp_err_text(rc));
}

/* Opens the handles and starts the process. From the timer on, the way out is closing all that is
 * open. */
static int launch(struct run *run, struct rp_err *err)
{
	uv_file theirs[2] = {-1, -1};
	int rc = uv_timer_init(run->runner->loop, &run->timer);
	RP_VERIFY(rc == 0);
	run->timer.data = run;
	run->handles = 1;
	for (size_t i = 0; i < 2 && rc == 0; i++) {
		rc = open_stream(run, i, &theirs[i]);
	}
	if (rc == 0) {
		rc = terminate_list(&run->launch.argv);
	}
	if (rc == 0) {
		rc = terminate_list(&run->launch.env);
	}
	bool prepared = rc == 0;
	if (rc == 0) {
		rc = spawn(run, theirs[0], theirs[1]);
	}
	for (size_t i = 0; i < 2; i++) {
		if (theirs[i] >= 0) {
			(void)close(theirs[i]);
		}
	}
	if (rc == 0) {
		return 0;
	}
	rc = start_failed(rc, run, prepared ? "fork/exec" : "prepare", err);
	run->phase = OVER;
	rp_launch_fini(&run->launch);
	close_pipe(&run->streams[0]);
	close_pipe(&run->streams[1]);
	uv_close((uv_handle_t *)&run->timer, on_handle_closed);
	close_process(run);
	return rc;
}

static struct run *run_new(struct rp_runner *r, const struct rp_runner_ops *ops, void *ctx)
{
	struct run *run = rp_calloc(1, sizeof(*run));
	if (run == NULL) {
		return NULL;
	}
	run->runner = r;
	run->ops = ops;
	run->ctx = ctx;
	rp_summary_init(&run->summary);
	for (size_t i = 0; i < 2; i++) {
		run->streams[i].run = run;
		run->streams[i].number = (int)i + 1;
		rp_output_init(&run->streams[i].output, r->opt.send_back_limit, r->opt.result_max);
	}
	rp_list_append(&r->runs, &run->node);
	r->n++;
	return run;
}

/* The policy's word, and everything that can be made before there is a process. */
static int prepare(
    struct rp_runner *r, const struct rp_job *job, struct rp_launch *l, struct rp_err *err)
{
	struct rp_cmd_plan plan = {0};
	struct rp_err reason = {0};
	struct rp_cmd_request req = {
	    .command = job->command,
	    .interpreter = job->interpreter,
	    .cwd = job->cwd,
	    .is_sudo = job->is_sudo,
	    .is_script = job->is_script,
	    .minute = rp_hours_minute(time(NULL)),
	};
	int rc = rp_cmdpolicy_decide(
	    r->opt.policy, &req, rp_runner_resolve, NULL, &plan, err, &reason);
	if (r->opt.on_decision != NULL) {
		r->opt.on_decision(r->opt.ctx, job, rc == 0, reason.msg);
	}
	if (rc != 0) {
		return rc;
	}
	rc = rp_launch_prepare(l, job, &plan, r->data_dir, r->opt.interpreter_aliases, err);
	rp_cmd_plan_fini(&plan);
	return rc;
}

int rp_runner_start(struct rp_runner *r, struct rp_job *job, const struct rp_runner_ops *ops,
    void *ctx, struct rp_err *err)
{
	if (r->closing) {
		return rp_err_set(err, RP_ECLOSED, "client is shutting down");
	}
	if (r->n >= r->opt.max_jobs) {
		return rp_err_set(err, RP_EBUSY,
		    "failed to start a command: %zu commands are running already", r->opt.max_jobs);
	}
	struct rp_launch l;
	int rc = prepare(r, job, &l, err);
	if (rc != 0) {
		return rc;
	}
	struct run *run = run_new(r, ops, ctx);
	if (run == NULL) {
		rp_launch_fini(&l);
		return rp_err_no_memory(err);
	}
	run->launch = l;
	run->job = *job;
	rc = launch(run, err);
	if (rc != 0) {
		run->job = (struct rp_job){0}; /* it stays the caller's */
		return rc;
	}
	*job = (struct rp_job){0};
	run->job.pid = (struct rp_opt_i64){.set = true, .v = run->process.pid};
	run->job.started_at = rp_time_now();
	arm(run, STARTED, 0);
	return 0;
}

/* Whatever we inherited ourselves stays out of the processes (what we open is close-on-exec
 * anyway). */
static void seal_descriptors(void)
{
#ifdef SYS_close_range
	(void)syscall(SYS_close_range, 3u, ~0u, CLOSE_RANGE_CLOEXEC_FLAG);
#endif
}

int rp_runner_new(uv_loop_t *loop, const struct rp_runner_options *opt, struct rp_runner **out)
{
	char path[PATH_MAX];
	struct rp_runner *r = rp_calloc(1, sizeof(*r));
	if (r == NULL) {
		return RP_ENOMEM;
	}
	r->loop = loop;
	r->opt = *opt;
	r->opt.max_jobs = opt->max_jobs > 0 ? opt->max_jobs : RP_RUNNER_JOBS_MAX;
	r->opt.result_max = opt->result_max > 0 ? opt->result_max : RP_RESULT_JSON_MAX;
	r->opt.kill_after_ms = opt->kill_after_ms > 0 ? opt->kill_after_ms
	                                              : RP_RUNNER_KILL_AFTER_MS;
	/* Absolute, since scripts run elsewhere. A folder that is not there shows with the first
	 * script. */
	r->data_dir = rp_strdup(realpath(opt->data_dir, path) != NULL ? path : opt->data_dir);
	if (r->data_dir == NULL) {
		rp_free(r);
		return RP_ENOMEM;
	}
	r->opt.data_dir = r->data_dir;
	seal_descriptors();
	rp_list_init(&r->runs);
	RP_VERIFY(uv_timer_init(loop, &r->closer) == 0);
	r->closer.data = r;
	*out = r;
	return 0;
}

size_t rp_runner_count(const struct rp_runner *r)
{
	return r->n;
}

static void on_closer(uv_timer_t *t)
{
	struct rp_runner *r = t->data;
	struct rp_list *it;
	struct rp_list *tmp;
	RP_LIST_FOREACH(it, tmp, &r->runs) {
		struct run *run = RP_LIST_ENTRY(it, struct run, node);
		if (run->phase == OVER) {
			close_process(run);
		}
		finish(run);
	}
	maybe_closed(r);
}

void rp_runner_close(struct rp_runner *r, bool kill_jobs, void (*on_closed)(void *ctx), void *ctx)
{
	struct rp_list *it;
	struct rp_list *tmp;
	if (r->closing) {
		return;
	}
	r->closing = true;
	r->on_closed = on_closed;
	r->closed_ctx = ctx;
	RP_LIST_FOREACH(it, tmp, &r->runs) {
		struct run *run = RP_LIST_ENTRY(it, struct run, node);
		if (kill_jobs && !run->exited) {
			send_signal(run, SIGKILL);
		}
	}
	/* Killed processes are waited for a little, so that no zombie stays. */
	RP_VERIFY(uv_timer_start(&r->closer, on_closer, kill_jobs ? REAP_MS : 0, 0) == 0);
}

int rp_runner_resolve(void *ctx, const char *program, char **resolved)
{
	(void)ctx;
	char path[PATH_MAX];
	struct stat st;
	if (realpath(program, path) == NULL || stat(path, &st) != 0) {
		return -errno;
	}
	if (!S_ISREG(st.st_mode) || access(path, X_OK) != 0) {
		return UV_EACCES;
	}
	*resolved = rp_strdup(path);
	return *resolved == NULL ? RP_ENOMEM : 0;
}
