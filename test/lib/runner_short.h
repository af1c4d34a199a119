/* SPDX-License-Identifier: MIT */
/*
 * A runner of jobs in a folder of its own, and what its callbacks saw of each job; to be included
 * by the only file of a test program.
 */
#ifndef RP_TEST_LIB_RUNNER_SHORT_H
#define RP_TEST_LIB_RUNNER_SHORT_H

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "client/runner.h"
#include "core/alloc.h"
#include "core/buf.h"
#include "core/clock.h"

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

static inline void on_closed(void *ctx)
{
	assert_ptr_equal(ctx, &loop);
	closed++;
	runner = NULL;
}

static inline void close_runner(bool kill_jobs)
{
	rp_runner_close(runner, kill_jobs, on_closed, &loop);
	rp_runner_close(runner, kill_jobs, NULL, NULL);
}

static inline void on_started(void *ctx, int64_t pid, int64_t started_at)
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

static inline void on_output(void *ctx, int stream, const uint8_t *p, size_t n)
{
	struct seen *s = ctx;
	assert_in_range(stream, 1, 2);
	assert_int_equal(s->finished, 0);
	assert_int_equal(rp_buf_add(&s->live[stream - 1], p, n), 0);
}

static inline void on_finished(void *ctx, struct rp_job *job)
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

static inline int set_up(void **state)
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

static inline size_t files_in(const char *folder)
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

static inline int tear_down(void **state)
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

static inline void make_runner(const struct rp_runner_options *with)
{
	struct rp_runner_options opt = *with;
	opt.data_dir = dir;
	opt.policy = policy;
	opt.interpreter_aliases = &aliases;
	opt.send_back_limit = with->send_back_limit > 0 ? with->send_back_limit : 4194304;
	assert_int_equal(rp_runner_new(&loop, &opt, &runner), 0);
}

static inline struct rp_job job_of(const char *command, bool script)
{
	struct rp_job job = {.is_script = script, .timeout_sec = 20};
	job.jid = rp_strdup("77fd385a-0000-4000-8000-000000000000");
	job.status = rp_strdup("");
	job.command = rp_strdup(command);
	job.created_by = rp_strdup("admin");
	job.multi_job_id = rp_strdup("mid");
	return job;
}

static inline void start(size_t i, struct rp_job job)
{
	struct rp_err err = {0};
	if (rp_runner_start(runner, &job, &ops, &seen[i], &err) != 0) {
		fail_msg("%s", err.msg);
	}
	assert_null(job.command);
	assert_int_equal(seen[i].started, 0);
}

static inline void wait_for(size_t i)
{
	while (seen[i].finished == 0) {
		(void)uv_run(&loop, UV_RUN_ONCE);
	}
	assert_int_equal(seen[i].started, 1);
}

/* Whether any process of the group still runs (a zombie that init has not noticed yet does not). */
static inline bool group_lives(pid_t group)
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
static inline bool group_ended(pid_t group)
{
	for (int i = 0; i < 200 && group_lives(group); i++) {
		(void)usleep(10000);
	}
	return !group_lives(group);
}

/* Runs one job to its end. */
static inline const struct rp_job *run(const char *command, bool script)
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

#endif
