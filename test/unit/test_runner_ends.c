/* SPDX-License-Identifier: MIT */
/*
 * Jobs as real processes: time-outs with whole process groups, several at once, closing in every
 * state, allocation failures.
 */
#include "client/runner.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "test/lib/oom.h"
#include "test/lib/runner_short.h"

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
	    cmocka_unit_test_setup_teardown(test_timeout, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_background, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_many, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_close_running, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_close_leaves_alive, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_close_from_callbacks, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_close_at_once, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_oom, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
