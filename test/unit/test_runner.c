/* SPDX-License-Identifier: MIT */
/*
 * Jobs as real processes: results, limits of output, the environment, script files and their
 * folder, interpreters.
 */
#include "client/runner.h"

#include <setjmp.h>
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
#include "test/lib/runner_short.h"

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
	    cmocka_unit_test_setup_teardown(test_resolve, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
