/* SPDX-License-Identifier: MIT */
/*
 * Jobs as real processes: results, limits, time-outs with whole process groups, the environment,
 * script files and their folder, several at once, and closing in every state.
 */
#include "client/runner.h"

#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "client/jobend.h"
#include "client/output.h"
#include "core/alloc.h"
#include "core/buf.h"
#include "core/clock.h"
#include "test/lib/oom.h"

#define JOBS_MAX 80

static char dir[64];
static uv_loop_t loop;
static struct rp_runner *runner;
static struct rp_cmdpolicy *policy;
static struct rp_strmap aliases;
static unsigned closed;

/* One job as the callbacks saw it. */
struct seen {
	unsigned started;
	unsigned finished;
	int64_t pid;
	struct rp_job job;
	struct rp_buf live[2];
	bool close_on_start;
	bool close_on_finish;
};
static struct seen seen[JOBS_MAX];

static void on_closed(void *ctx)
{
	assert_ptr_equal(ctx, &loop);
	closed++;
	runner = NULL;
}

static void close_runner(bool kill_jobs)
{
	rp_runner_close(runner, kill_jobs, on_closed, &loop);
	rp_runner_close(runner, kill_jobs, NULL, NULL);
}

static void on_started(void *ctx, int64_t pid, int64_t started_at)
{
	struct seen *s = ctx;
	s->started++;
	s->pid = pid;
	assert_true(pid > 1);
	assert_true(started_at <= rp_time_now());
	assert_int_equal(s->live[0].len + s->live[1].len, 0);
	if (s->close_on_start) {
		close_runner(true);
	}
}

static void on_output(void *ctx, int stream, const uint8_t *p, size_t n)
{
	struct seen *s = ctx;
	assert_in_range(stream, 1, 2);
	assert_int_equal(s->finished, 0);
	assert_int_equal(rp_buf_add(&s->live[stream - 1], p, n), 0);
}

static void on_finished(void *ctx, struct rp_job *job)
{
	struct seen *s = ctx;
	s->finished++;
	s->job = *job;
	*job = (struct rp_job){0};
	if (s->close_on_finish) {
		close_runner(true);
	}
}

static const struct rp_runner_ops ops = {on_started, on_output, on_finished};

static int set_up(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/rp-test-runner-XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(uv_loop_init(&loop), 0);
	const char *allow[] = {"^/usr/bin/", "^/bin/"};
	const struct rp_cmdpolicy_options opt = {.enabled = true,
	    .scripts_enabled = true,
	    .allow = &(struct rp_strlist){.v = (char **)(uintptr_t)allow, .n = 2}};
	assert_int_equal(rp_cmdpolicy_new(&opt, &policy, NULL), 0);
	assert_int_equal(rp_strmap_set(&aliases, rp_str_c("mysh"), rp_str_c("/bin/sh")), 0);
	for (size_t i = 0; i < JOBS_MAX; i++) {
		seen[i] = (struct seen){0};
		rp_buf_init(&seen[i].live[0], 8 * 1024 * 1024);
		rp_buf_init(&seen[i].live[1], 8 * 1024 * 1024);
	}
	closed = 0;
	return 0;
}

static size_t files_in(const char *folder)
{
	char path[128];
	size_t n = 0;
	(void)snprintf(path, sizeof(path), "%s/%s", dir, folder);
	DIR *d = opendir(path);
	for (const struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
		n += e->d_name[0] != '.' ? 1 : 0;
	}
	if (d != NULL) {
		(void)closedir(d);
	}
	return n;
}

static int tear_down(void **state)
{
	(void)state;
	if (runner != NULL) {
		close_runner(true);
	}
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(closed, 1);
	assert_int_equal(uv_loop_close(&loop), 0);
	assert_int_equal(files_in("scripts"), 0);
	for (size_t i = 0; i < JOBS_MAX; i++) {
		assert_true(seen[i].finished <= 1);
		rp_job_fini(&seen[i].job);
		rp_buf_fini(&seen[i].live[0]);
		rp_buf_fini(&seen[i].live[1]);
	}
	rp_cmdpolicy_free(policy);
	rp_strmap_fini(&aliases);
	char path[128];
	(void)snprintf(path, sizeof(path), "%s/scripts", dir);
	(void)rmdir(path);
	(void)rmdir(dir);
	return 0;
}

static void make_runner(const struct rp_runner_options *with)
{
	struct rp_runner_options opt = *with;
	opt.data_dir = dir;
	opt.policy = policy;
	opt.interpreter_aliases = &aliases;
	opt.send_back_limit = with->send_back_limit > 0 ? with->send_back_limit : 4194304;
	assert_int_equal(rp_runner_new(&loop, &opt, &runner), 0);
}

static struct rp_job job_of(const char *command, bool script)
{
	struct rp_job job = {.is_script = script, .timeout_sec = 20};
	job.jid = rp_strdup("77fd385a-0000-4000-8000-000000000000");
	job.status = rp_strdup("");
	job.command = rp_strdup(command);
	job.created_by = rp_strdup("admin");
	job.multi_job_id = rp_strdup("mid");
	return job;
}

static void start(size_t i, struct rp_job job)
{
	struct rp_err err = {0};
	if (rp_runner_start(runner, &job, &ops, &seen[i], &err) != 0) {
		fail_msg("%s", err.msg);
	}
	assert_null(job.command);
	assert_int_equal(seen[i].started, 0);
}

static void wait_for(size_t i)
{
	while (seen[i].finished == 0) {
		(void)uv_run(&loop, UV_RUN_ONCE);
	}
	assert_int_equal(seen[i].started, 1);
}

/* Whether any process of the group still runs (a zombie that init has not noticed yet does not). */
static bool group_lives(pid_t group)
{
	bool lives = false;
	DIR *d = opendir("/proc");
	assert_non_null(d);
	for (const struct dirent *e; (e = readdir(d)) != NULL;) {
		char path[300];
		char text[512];
		char state;
		int pgrp;
		(void)snprintf(path, sizeof(path), "/proc/%s/stat", e->d_name);
		FILE *f = e->d_name[0] >= '1' && e->d_name[0] <= '9' ? fopen(path, "re") : NULL;
		if (f == NULL) {
			continue;
		}
		if (fgets(text, sizeof(text), f) != NULL && strrchr(text, ')') != NULL &&
		    sscanf(strrchr(text, ')') + 1, " %c %*d %d", &state, &pgrp) == 2) {
			lives |= pgrp == group && state != 'Z' && state != 'X';
		}
		(void)fclose(f);
	}
	(void)closedir(d);
	return lives;
}

/* Processes that were killed may take a moment to end. */
static bool group_ended(pid_t group)
{
	for (int i = 0; i < 200 && group_lives(group); i++) {
		(void)usleep(10000);
	}
	return !group_lives(group);
}

/* Runs one job to its end. */
static const struct rp_job *run(const char *command, bool script)
{
	for (size_t i = 0; i < JOBS_MAX; i++) {
		if (seen[i].started == 0) {
			start(i, job_of(command, script));
			wait_for(i);
			return &seen[i].job;
		}
	}
	fail_msg("too many jobs");
	return NULL;
}

static void test_success(void **state)
{
	(void)state;
	make_runner(&(struct rp_runner_options){0});
	const struct rp_job *job = run("/usr/bin/printf '%s|' a 'b  c' \"d'\" ''", false);
	assert_string_equal(job->status, "successful");
	assert_string_equal(job->error, "");
	assert_true(job->has_result);
	assert_string_equal(job->result.out, "a|b  c|d'||");
	assert_string_equal(job->result.err, "");
	assert_string_equal(job->result.summary, "");
	assert_string_equal(job->jid, "77fd385a-0000-4000-8000-000000000000");
	assert_string_equal(job->created_by, "admin");
	assert_string_equal(job->multi_job_id, "mid");
	assert_true(job->pid.set);
	assert_int_equal(job->pid.v, seen[0].pid);
	assert_true(job->started_at <= job->finished_at);
	assert_int_equal(seen[0].live[0].len, strlen("a|b  c|d'||"));
}

static void test_failures(void **state)
{
	(void)state;
	static const struct {
		const char *script;
		const char *status;
		const char *error;
		const char *out;
		const char *err;
	} rows[] = {
	    {"exit 0", "successful", "", "", ""},
	    {"echo a; exit 3", "failed", "exit status 3", "a\n", ""},
	    {"echo a >&2; exit 255", "failed", "exit status 255", "", "a\n"},
	    {"kill -KILL $$", "failed", "signal: killed", "", ""},
	    {"kill -TERM $$", "failed", "signal: terminated", "", ""},
	    {"kill -SEGV $$", "failed", "signal: segmentation fault", "", ""},
	    {"kill -HUP $$", "failed", "signal: hangup", "", ""},
	    {"kill -PIPE $$", "failed", "signal: broken pipe", "", ""},
	    {"echo x > /dev/stdout; echo y > /dev/stderr", "successful", "", "x\n", "y\n"},
	    {"cat; echo $?", "successful", "", "0\n", ""}, /* nothing on standard input */
	    {"printf '\\377\\303\\244\\000'", "successful", "", "\xef\xbf\xbd\xc3\xa4\xef\xbf\xbd",
	        ""},
	    {"echo '<summary>done</summary>'", "successful", "", "<summary>done</summary>\n", ""},
	    {"trap", "successful", "", "", ""}, /* no signal is ignored or blocked */
	};
	make_runner(&(struct rp_runner_options){0});
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		const struct rp_job *job = run(rows[i].script, true);
		assert_string_equal(job->status, rows[i].status);
		assert_string_equal(job->error, rows[i].error);
		assert_string_equal(job->result.out, rows[i].out);
		assert_string_equal(job->result.err, rows[i].err);
		assert_int_equal(files_in("scripts"), 0);
	}
	assert_string_equal(run("echo '<summary>done</summary>'", true)->result.summary, "done");
}

static void test_environment(void **state)
{
	(void)state;
	make_runner(&(struct rp_runner_options){0});
	(void)setenv("TZ", "Europe/Berlin", 1);
	(void)setenv("RP_SECRET", "x", 1);
	(void)setenv("LD_LIBRARY_PATH", "/tmp", 1);
	const struct rp_job *job = run("/usr/bin/env", false);
	(void)unsetenv("TZ");
	(void)unsetenv("LD_LIBRARY_PATH");
	const char *out = job->result.out;
	assert_non_null(
	    strstr(out, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"));
	assert_non_null(strstr(out, "LANG=C.UTF-8\n"));
	assert_non_null(strstr(out, "TZ=Europe/Berlin\n"));
	assert_non_null(strstr(out, "HOME=/"));
	assert_non_null(strstr(out, "USER="));
	assert_non_null(strstr(out, "LOGNAME="));
	assert_null(strstr(out, "RP_SECRET"));
	assert_null(strstr(out, "LD_LIBRARY_PATH"));
	size_t lines = 0;
	for (const char *p = out; *p != '\0'; p++) {
		lines += *p == '\n' ? 1 : 0;
	}
	assert_int_equal(lines, 6);
	/* A session and a group of its own; no descriptor of ours. */
	job = run(
	    "read -r _ _ _ _ group session _ < /proc/self/stat; [ $$ = $session ] && echo own; "
	    "ls /proc/self/fd | tr '\\n' ' '",
	    true);
	assert_string_equal(job->result.out, "own\n0 1 2 3 ");
}

static void test_cwd(void **state)
{
	(void)state;
	struct rp_job job = job_of("/bin/pwd", false);
	struct rp_err err = {0};
	make_runner(&(struct rp_runner_options){0});
	job.cwd = rp_strdup("/usr");
	start(0, job);
	wait_for(0);
	assert_string_equal(seen[0].job.result.out, "/usr\n");
	job = job_of("/bin/pwd", false);
	job.cwd = rp_strdup("/no/such/place");
	assert_int_equal(rp_runner_start(runner, &job, &ops, &seen[1], &err), UV_ENOENT);
	assert_string_equal(
	    err.msg, "failed to start a command: chdir /no/such/place: no such file or directory");
	assert_string_equal(job.command, "/bin/pwd"); /* still ours */
	rp_job_fini(&job);
}

static void refuse(struct rp_job job, int code, const char *text)
{
	struct rp_err err = {0};
	int rc = rp_runner_start(runner, &job, &ops, &seen[0], &err);
	if (rc != code || strstr(err.msg, text) == NULL) {
		fail_msg("%d %s", rc, err.msg);
	}
	assert_non_null(job.command);
	rp_job_fini(&job);
}

static void test_refused(void **state)
{
	(void)state;
	make_runner(&(struct rp_runner_options){0});
	refuse(job_of("/sbin/reboot", false), RP_EDENIED, "command is not allowed: /sbin/reboot");
	refuse(job_of("/bin/echo $(id)", false), RP_EDENIED,
	    "command is not allowed: /bin/echo $(id)");
	refuse(job_of("/usr/bin/no-such-program", false), RP_EDENIED, "command is not allowed: ");
	refuse(job_of("/usr/bin/../../etc/passwd", false), RP_EDENIED, "command is not allowed: ");
	struct rp_job job = job_of("id", true);
	job.interpreter = rp_strdup("no-such-shell");
	refuse(job, RP_ENOENT, "exec: \"no-such-shell\": executable file not found in $PATH");
}

static void test_interpreter(void **state)
{
	(void)state;
	static const struct {
		const char *interpreter;
		const char *script;
		const char *out;
	} rows[] = {
	    {"", "echo $0 | sed 's,.*/,,' | wc -c", "37\n"}, {"mysh", "echo a", "a\n"},
	    {"sh", "echo b", "b\n"}, {"/bin/sh", "echo c", "c\n"},
	    {"cat", "just text\n", "just text\n"},
	    {"no-such-shell", "#!/bin/cat\ntext\n", "#!/bin/cat\ntext\n"}, /* the shebang wins */
	};
	make_runner(&(struct rp_runner_options){0});
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		struct rp_job job = job_of(rows[i].script, true);
		job.interpreter = rp_strdup(rows[i].interpreter);
		start(i, job);
		wait_for(i);
		assert_string_equal(seen[i].job.result.out, rows[i].out);
		assert_string_equal(seen[i].job.status, "successful");
	}
	/* Valgrind does not survive an execve that fails because of the interpreter. */
	const char *preload = getenv("LD_PRELOAD");
	if (preload == NULL || strstr(preload, "valgrind") == NULL) {
		refuse(job_of("#!/no/such/interpreter\n", true), UV_ENOENT,
		    "failed to start a command: fork/exec ");
	}
	struct rp_job job = job_of("id", true);
	job.interpreter = rp_strdup("bin/sh");
	refuse(job, RP_EINVAL, "is not an absolute path");
}

static void test_script_file(void **state)
{
	(void)state;
	struct stat st;
	char path[128];
	make_runner(&(struct rp_runner_options){0});
	const struct rp_job *job = run("stat -c '%a %F' \"$0\" \"${0%/*}\"", true);
	assert_string_equal(job->result.out, "500 regular file\n700 directory\n");
	/* A folder that others can enter is refused. */
	(void)snprintf(path, sizeof(path), "%s/scripts", dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(chmod(path, 0750), 0);
	refuse(
	    job_of("id", true), RP_EDENIED, "must belong to the client's user and have mode 0700");
	/* So is a link. */
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(symlink("/tmp", path), 0);
	refuse(job_of("id", true), UV_ENOTDIR, "script folder");
	assert_int_equal(unlink(path), 0);
}

/* One that sudo runs as another user may outlive our signals. */
static void test_not_ended(void **state)
{
	(void)state;
	struct rp_output out[2];
	struct rp_summary summary;
	struct rp_job job = job_of("id", false);
	rp_output_init(&out[0], 100, 100);
	rp_output_init(&out[1], 100, 100);
	rp_summary_init(&summary);
	const struct rp_job_end end = {
	    .timed_out = true, .out = &out[0], .err = &out[1], .summary = &summary};
	rp_job_finish(&job, &end, RP_RESULT_JSON_MAX);
	assert_string_equal(job.status, "unknown");
	assert_string_equal(job.error, "the command could not be ended and goes on");
	rp_summary_fini(&summary);
	rp_output_fini(&out[0]);
	rp_output_fini(&out[1]);
	rp_job_fini(&job);
}

static void test_sudo(void **state)
{
	(void)state;
	struct rp_job job = job_of("/usr/bin/id -un", false);
	struct rp_err err = {0};
	make_runner(&(struct rp_runner_options){0});
	job.is_sudo = true;
	int rc = rp_runner_start(runner, &job, &ops, &seen[0], &err);
	if (access("/usr/bin/sudo", X_OK) != 0) {
		assert_int_equal(rc, RP_ENOENT);
		assert_string_equal(err.msg,
		    "failed to start a command: exec: \"sudo\": executable file not found in $PATH");
		rp_job_fini(&job);
		return;
	}
	assert_int_equal(rc, 0);
	wait_for(0);
	assert_string_equal(
	    seen[0].job.status, *seen[0].job.result.out != '\0' ? "successful" : "failed");
}

static void test_limits(void **state)
{
	(void)state;
	make_runner(&(struct rp_runner_options){.send_back_limit = 10});
	const struct rp_job *job = run("printf 0123456789; printf 0123456789 >&2", true);
	assert_string_equal(job->error, "");
	job = run("printf 0123456789a; printf 0123456789 >&2", true);
	assert_string_equal(job->result.out, "0123456789");
	assert_string_equal(
	    job->error, "overflow of stdOut buffer: maximum send_back_limit of 10 bytes exceeded");
	assert_string_equal(job->status, "successful");
	job = run("printf 0123456789a; printf 0123456789ab >&2; exit 1", true);
	assert_string_equal(job->error,
	    "exit status 1, overflow of stdOut buffer: maximum send_back_limit of 10 bytes exceeded, "
	    "overflow of stdErr buffer: maximum send_back_limit of 10 bytes exceeded");
	assert_string_equal(job->status, "failed");
}

static void test_large(void **state)
{
	(void)state;
	make_runner(&(struct rp_runner_options){0});
	/* One line of 3 MB, with a summary at its end. */
	const struct rp_job *job = run(
	    "head -c 3000000 /dev/zero | tr '\\0' '<'; echo '<summary>the end</summary>'", true);
	assert_string_equal(job->status, "successful");
	assert_string_equal(job->result.summary, "the end");
	assert_non_null(strstr(job->error, "stdOut was cut: too long for one message"));
	assert_int_equal(seen[0].live[0].len, 3000027);
	struct rp_buf out;
	rp_buf_init(&out, 1024 * 1024);
	assert_int_equal(rp_job_encode(job, &out), 0);
	assert_true(out.len <= RP_RESULT_JSON_MAX);
	assert_true(out.len > RP_RESULT_JSON_MAX - 200);
	rp_buf_fini(&out);
}

static void test_timeout(void **state)
{
	(void)state;
	make_runner(&(struct rp_runner_options){.kill_after_ms = 300});
	uint64_t before = rp_clock_ms();
	struct rp_job job = job_of("echo partial; sleep 30; echo not", true);
	job.timeout_sec = 1;
	start(0, job);
	wait_for(0);
	assert_string_equal(seen[0].job.status, "unknown");
	assert_string_equal(seen[0].job.error, "");
	assert_string_equal(seen[0].job.result.out, "partial\n");
	assert_true(rp_clock_ms() - before >= 1000);
	assert_true(rp_clock_ms() - before < 6000);
	assert_true(group_ended((pid_t)seen[0].pid)); /* the sleep is gone, too */

	/* Ignores SIGTERM, also in its children. */
	job = job_of("trap '' TERM; sleep 30 & sleep 31", true);
	job.timeout_sec = 1;
	before = rp_clock_ms();
	start(1, job);
	wait_for(1);
	assert_string_equal(seen[1].job.status, "unknown");
	assert_true(rp_clock_ms() - before >= 1300);
	assert_true(rp_clock_ms() - before < 6000);
	assert_true(group_ended((pid_t)seen[1].pid));

	/* Has time to clean up. */
	job = job_of("trap 'echo cleaned; exit 0' TERM; sleep 30 & wait", true);
	job.timeout_sec = 1;
	start(2, job);
	wait_for(2);
	assert_string_equal(seen[2].job.status, "unknown");
	assert_string_equal(seen[2].job.result.out, "cleaned\n");
}

/* A process in the background that keeps the pipes must not keep the job. */
static void test_background(void **state)
{
	(void)state;
	make_runner(&(struct rp_runner_options){0});
	uint64_t before = rp_clock_ms();
	const struct rp_job *job = run("sleep 8 & echo $!", true);
	assert_string_equal(job->status, "successful");
	assert_true(rp_clock_ms() - before < 6000);
	pid_t pid = (pid_t)strtol(job->result.out, NULL, 10);
	assert_int_equal(kill(pid, SIGTERM), 0); /* it was left alive */
}

static void test_many(void **state)
{
	(void)state;
	struct rp_err err = {0};
	make_runner(&(struct rp_runner_options){.max_jobs = 10});
	for (size_t i = 0; i < 10; i++) {
		char script[64];
		(void)snprintf(script, sizeof(script), "sleep 0.3; echo %zu; exit %zu", i, i);
		start(i, job_of(script, true));
	}
	assert_int_equal(rp_runner_count(runner), 10);
	struct rp_job job = job_of("id", true);
	assert_int_equal(rp_runner_start(runner, &job, &ops, &seen[10], &err), RP_EBUSY);
	assert_string_equal(err.msg, "failed to start a command: 10 commands are running already");
	for (size_t i = 0; i < 10; i++) {
		char out[8];
		wait_for(i);
		(void)snprintf(out, sizeof(out), "%zu\n", i);
		assert_string_equal(seen[i].job.result.out, out);
	}
	while (rp_runner_count(runner) > 0) {
		(void)uv_run(&loop, UV_RUN_ONCE);
	}
	assert_int_equal(rp_runner_start(runner, &job, &ops, &seen[10], &err), 0);
	wait_for(10);
}

static void test_close_running(void **state)
{
	(void)state;
	make_runner(&(struct rp_runner_options){0});
	start(0, job_of("sleep 30", true));
	start(1, job_of("echo a; sleep 30", true));
	while (seen[1].live[0].len == 0) {
		(void)uv_run(&loop, UV_RUN_ONCE);
	}
	pid_t pid = (pid_t)seen[0].pid;
	close_runner(true);
	struct rp_job job = job_of("id", true);
	assert_int_equal(rp_runner_start(runner, &job, &ops, &seen[2], NULL), RP_ECLOSED);
	rp_job_fini(&job);
	assert_int_equal(seen[0].finished, 0);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(closed, 1);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(seen[i].finished, 1);
		assert_string_equal(seen[i].job.status, "unknown");
		assert_string_equal(seen[i].job.error, "client is shutting down");
	}
	assert_string_equal(seen[1].job.result.out, "a\n");
	assert_true(group_ended(pid));
}

static void test_close_leaves_alive(void **state)
{
	(void)state;
	make_runner(&(struct rp_runner_options){0});
	start(0, job_of("exec sleep 30", true));
	while (seen[0].started == 0) {
		(void)uv_run(&loop, UV_RUN_ONCE);
	}
	close_runner(false);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(closed, 1);
	assert_int_equal(kill((pid_t)seen[0].pid, SIGKILL), 0);
}

static void test_close_from_callbacks(void **state)
{
	(void)state;
	make_runner(&(struct rp_runner_options){0});
	seen[0].close_on_start = true;
	start(0, job_of("sleep 30", true));
	start(1, job_of("sleep 30", true));
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(closed, 1);
	assert_int_equal(seen[0].finished, 1);
	assert_int_equal(seen[1].finished, 1);
	closed = 0;
	make_runner(&(struct rp_runner_options){0});
	seen[2].close_on_finish = true;
	start(2, job_of("true", true));
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(closed, 1);
	assert_string_equal(seen[2].job.status, "successful");
}

static void test_close_at_once(void **state)
{
	(void)state;
	make_runner(&(struct rp_runner_options){0});
	start(0, job_of("sleep 30", true));
	close_runner(true);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(seen[0].finished, 1);
}

static void test_resolve(void **state)
{
	(void)state;
	char *path = NULL;
	char link[128];
	assert_int_equal(rp_runner_resolve(NULL, "/usr/bin/../bin/env", &path), 0);
	assert_string_equal(path, "/usr/bin/env");
	rp_free(path);
	(void)snprintf(link, sizeof(link), "%s/link", dir);
	assert_int_equal(symlink("/usr/bin/env", link), 0);
	assert_int_equal(rp_runner_resolve(NULL, link, &path), 0);
	assert_string_equal(path, "/usr/bin/env");
	rp_free(path);
	assert_int_equal(unlink(link), 0);
	assert_int_equal(rp_runner_resolve(NULL, "/usr/bin", &path), UV_EACCES);
	assert_int_equal(rp_runner_resolve(NULL, "/etc/passwd", &path), UV_EACCES);
	assert_int_equal(rp_runner_resolve(NULL, "/no/such", &path), UV_ENOENT);
	make_runner(&(struct rp_runner_options){0});
}

static int oom_body(void *state)
{
	(void)state;
	const struct rp_runner_options opt = {
	    .data_dir = dir, .policy = policy, .send_back_limit = 1000};
	static char command[] = "echo '<summary>a</summary>'; exit 1";
	struct rp_runner *r;
	struct rp_job job = {.is_script = true};
	int rc = rp_runner_new(&loop, &opt, &r);
	if (rc != 0) {
		return rc;
	}
	job.command = rp_strdup(command);
	rc = job.command == NULL ? RP_ENOMEM
	                         : rp_runner_start(r, &job, &(struct rp_runner_ops){0}, NULL, NULL);
	while (rc == 0 && rp_runner_count(r) > 0) {
		(void)uv_run(&loop, UV_RUN_ONCE);
	}
	rp_job_fini(&job);
	rp_runner_close(r, true, NULL, NULL);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	return rc;
}

static void test_oom(void **state)
{
	(void)state;
	assert_int_equal(rp_oom_run(oom_body, NULL), 0);
	make_runner(&(struct rp_runner_options){0});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_success, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_failures, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_environment, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_cwd, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_refused, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_interpreter, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_script_file, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_sudo, set_up, tear_down),
	    cmocka_unit_test(test_not_ended),
	    cmocka_unit_test_setup_teardown(test_limits, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_large, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_timeout, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_background, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_many, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_close_running, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_close_leaves_alive, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_close_from_callbacks, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_close_at_once, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_resolve, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_oom, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
