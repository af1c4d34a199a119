/* SPDX-License-Identifier: MIT */
/*
 * What the policy allows is run, by the runner and the kernel, and the program that was run tells
 * as what: it has to be the resolved file with exactly the words of the plan. Where the C library
 * also splits the text without expanding anything (wordexp), it has to come to the same words.
 *
 * Only the recorder (test/fuzz/recorder.c, beside this program) can be run: the owner's expressions
 * allow nothing else, so that a mistake shows as another file and harms nobody.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wordexp.h>

#include <uv.h>

#include "client/runner.h"
#include "core/alloc.h"
#include "core/buf.h"
#include "core/crypto.h"

#include "core/banned.h"

#define TEXT_MAX 4096

static char dir[] = "/tmp/rp-fuzz-policy-XXXXXX";
static char recorder[PATH_MAX];
static uv_loop_t loop;
static struct rp_cmdpolicy *policy;
static struct rp_runner *runner;
static struct rp_job ended;
static bool has_ended;

#define MUST(expr) ((expr) ? (void)0 : abort())

static void remove_dir(void)
{
	char path[PATH_MAX];
	static const char *const names[] = {"prog", "a b", "sub"};
	for (size_t i = 0; i < RP_ARRAY_LEN(names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		(void)remove(path);
	}
	(void)rmdir(dir);
}

static void add_link(const char *name)
{
	char path[PATH_MAX];
	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	MUST(symlink(recorder, path) == 0);
}

static void find_recorder(void)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	MUST(n > 0);
	path[n] = '\0';
	char *slash = strrchr(path, '/');
	MUST(slash != NULL);
	slash[1] = '\0';
	MUST((size_t)snprintf(recorder, sizeof(recorder), "%srecorder", path) < sizeof(recorder));
	MUST(access(recorder, X_OK) == 0);
}

static void set_up(void)
{
	char sub[PATH_MAX];
	char given[PATH_MAX + 16];
	char resolved[PATH_MAX + 16];
	struct rp_err err = {0};
	find_recorder();
	MUST(mkdtemp(dir) != NULL);
	MUST(atexit(remove_dir) == 0);
	add_link("prog");
	add_link("a b");
	(void)snprintf(sub, sizeof(sub), "%s/sub", dir);
	MUST(mkdir(sub, 0700) == 0);
	(void)snprintf(given, sizeof(given), "^%s/", dir);
	(void)snprintf(resolved, sizeof(resolved), "^\\Q%s\\E( |$)", recorder);
	char *allow[] = {given, resolved};
	const struct rp_strlist list = {.v = allow, .n = 2};
	const struct rp_cmdpolicy_options opt = {.enabled = true, .allow = &list};
	MUST(rp_cmdpolicy_new(&opt, &policy, &err) == 0);
	const struct rp_runner_options run = {
	    .data_dir = dir, .policy = policy, .send_back_limit = (uint64_t)16 * TEXT_MAX};
	MUST(uv_loop_init(&loop) == 0);
	MUST(rp_runner_new(&loop, &run, &runner) == 0);
}

static void on_finished(void *ctx, struct rp_job *job)
{
	(void)ctx;
	ended = *job;
	*job = (struct rp_job){0};
	has_ended = true;
}

/* What the recorder has to say. */
static void expect(const struct rp_cmd_plan *plan, struct rp_buf *out)
{
	char hex[2 * TEXT_MAX + 1];
	MUST(rp_buf_printf(out, "%s\n", recorder) == 0);
	for (size_t i = 0; i < plan->argv.n; i++) {
		const char *word = i == 0 ? plan->argv0 : plan->argv.v[i];
		MUST(strlen(word) <= TEXT_MAX);
		rp_hex(word, strlen(word), hex);
		MUST(rp_buf_printf(out, "%s\n", hex) == 0);
	}
	MUST(rp_buf_terminate(out) == 0);
}

/* Braces are words of the C library's but no part of its plain text. */
static void compare_words(const char *text, const struct rp_cmd_plan *plan)
{
	wordexp_t w;
	if (strpbrk(text, "{}!") != NULL || wordexp(text, &w, WRDE_NOCMD | WRDE_UNDEF) != 0) {
		return;
	}
	MUST(w.we_wordc == plan->argv.n);
	for (size_t i = 0; i < w.we_wordc; i++) {
		MUST(strcmp(w.we_wordv[i], i == 0 ? plan->argv0 : plan->argv.v[i]) == 0);
	}
	wordfree(&w);
}

static void run(const char *text, const struct rp_cmd_plan *plan)
{
	static const struct rp_runner_ops ops = {.on_finished = on_finished};
	struct rp_err err = {0};
	struct rp_buf want;
	struct rp_job job = {.jid = rp_strdup("j"), .command = rp_strdup(text), .timeout_sec = 60};
	MUST(job.jid != NULL && job.command != NULL);
	has_ended = false;
	MUST(rp_runner_start(runner, &job, &ops, NULL, &err) == 0);
	while (!has_ended) {
		(void)uv_run(&loop, UV_RUN_ONCE);
	}
	rp_buf_init(&want, SIZE_MAX);
	expect(plan, &want);
	MUST(ended.result.out != NULL);
	MUST(strcmp(ended.result.out, (const char *)rp_buf_head(&want)) == 0);
	rp_buf_fini(&want);
	rp_job_fini(&ended);
	rp_job_fini(&job);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const heads[] = {
	    "/prog ", "/prog", "/./prog ", "/sub/../prog ", "/'a b' ", "/", ""};
	char text[TEXT_MAX + 1];
	struct rp_cmd_plan plan;
	struct rp_err err = {0};
	struct rp_err reason = {0};
	if (policy == NULL) {
		set_up();
	}
	if (size < 1 || size > TEXT_MAX / 2) {
		return 0;
	}
	const char *head = heads[data[0] % RP_ARRAY_LEN(heads)];
	(void)snprintf(
	    text, sizeof(text), "%s%s%.*s", dir, head, (int)size - 1, (const char *)data + 1);
	const struct rp_cmd_request req = {.command = text, .minute = -1};
	int rc = rp_cmdpolicy_decide(policy, &req, rp_runner_resolve, NULL, &plan, &err, &reason);
	MUST(rc == 0 || rc == RP_EDENIED);
	MUST(reason.msg[0] != '\0');
	if (rc == 0) {
		MUST(strcmp(plan.argv.v[0], recorder) == 0);
		compare_words(text, &plan);
		run(text, &plan);
		rp_cmd_plan_fini(&plan);
	}
	return 0;
}
