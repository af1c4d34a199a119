/* SPDX-License-Identifier: MIT */
/*
 * The trail of decisions: what stands in it, that it grows and turns over, and what happens when it
 * cannot be written.
 */
#include "client/trail.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/log.h"
#include "core/str.h"

static char dir[64];
static char file[128];

static int make_dir(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/rp-test-trail-XXXXXX");
	assert_non_null(mkdtemp(dir));
	(void)snprintf(file, sizeof(file), "%s/commands.log", dir);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	char path[160];
	for (int i = 0; i <= RP_TRAIL_FILES; i++) {
		(void)snprintf(path, sizeof(path), i == 0 ? "%s" : "%s.%d", file, i);
		(void)unlink(path);
	}
	(void)rmdir(file);
	return rmdir(dir);
}

static struct rp_loop *loop;

static void on_closed(void *ctx)
{
	*(bool *)ctx = true;
	rp_loop_stop(loop);
}

static const char *user = "ad\"min";

/* Decides about the command n times, and waits until that is written. */
static void decide(const char *command, bool allowed, int n)
{
	struct rp_trail *t;
	struct rp_err err = {0};
	bool closed = false;
	const struct rp_job job = {
	    .jid = (char *)(uintptr_t) "j1",
	    .created_by = (char *)(uintptr_t)user,
	    .command = (char *)(uintptr_t)command,
	    .cwd = (char *)(uintptr_t) "/tmp",
	    .is_sudo = true,
	};
	assert_int_equal(rp_loop_new(&loop, "test"), 0);
	assert_int_equal(rp_trail_new(loop, dir, &t, &err), 0);
	for (int i = 0; i < n; i++) {
		rp_trail_decision(t, &job, allowed, "rule 1 fits");
	}
	rp_trail_close(t, on_closed, &closed);
	assert_int_equal(rp_loop_run(loop), 0);
	assert_true(closed);
	rp_loop_free(loop);
}

/* Of the file, terminated; to be freed. */
static char *text_of(const char *path, size_t *n)
{
	char *text = calloc(1, 65536);
	FILE *in = fopen(path, "r");
	assert_non_null(text);
	assert_non_null(in);
	*n = fread(text, 1, 65535, in);
	assert_int_equal(fclose(in), 0);
	return text;
}

static void test_lines(void **state)
{
	(void)state;
	struct stat st;
	size_t n;
	decide("/usr/bin/id", true, 2);
	decide("a\nb\x01", false, 1);
	char *text = text_of(file, &n);
	assert_non_null(strstr(text,
	    "\"decision\":\"allowed\",\"reason\":\"rule 1 fits\",\"user\":\"ad\\\"min\",\"jid\":\"j1\","
	    "\"script\":false,\"sudo\":true,\"interpreter\":\"\",\"cwd\":\"/tmp\",\"command\":\"/usr/"
	    "bin/id\",\"command_sha256\":"
	    "\"bcd55439726b03ae01dce476e26fe96ceec8c573cf221e95a848b7985b6508c1\""));
	assert_non_null(strstr(text, "\"decision\":\"refused\""));
	assert_non_null(strstr(text, "\"command\":\"a\\nb\\u0001\""));
	int lines = 0;
	for (size_t i = 0; i < n; i++) {
		lines += text[i] == '\n' ? 1 : 0;
	}
	assert_int_equal(lines, 3);
	free(text);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

/* Only the beginning of a long text, whole characters, and the digest of all of it. */
static void test_long(void **state)
{
	(void)state;
	static char command[3 * RP_TRAIL_TEXT_MAX];
	size_t n;
	for (size_t i = 0; i + 2 < sizeof(command); i += 2) {
		memcpy(command + i, "\xc3\xa4", 2);
	}
	memmove(command + 1, command, sizeof(command) - 2);
	command[0] = 'x';
	decide(command, true, 1);
	char *text = text_of(file, &n);
	assert_in_range(n, RP_TRAIL_TEXT_MAX, RP_TRAIL_TEXT_MAX + 1024);
	assert_true(rp_utf8_valid(text, n));
	assert_non_null(strstr(text, "\"command_sha256\":\""));
	free(text);
}

/* No text is so long that nothing is written. */
static void test_long_user(void **state)
{
	(void)state;
	static char name[200000];
	size_t n;
	memset(name, 'u', sizeof(name) - 1);
	const char *before = user;
	user = name;
	decide("/usr/bin/id", true, 1);
	user = before;
	char *text = text_of(file, &n);
	assert_in_range(n, RP_TRAIL_TEXT_MAX, RP_TRAIL_TEXT_MAX + 1024);
	assert_non_null(strstr(text, "\"command\":\"/usr/bin/id\""));
	free(text);
}

static void test_rotation(void **state)
{
	(void)state;
	struct stat st;
	char old[160];
	for (int i = 0; i < RP_TRAIL_FILES + 1; i++) {
		int fd = open(file, O_WRONLY | O_CREAT, 0600);
		assert_true(fd >= 0);
		assert_int_equal(ftruncate(fd, RP_TRAIL_FILE_MAX - i), 0);
		assert_int_equal(close(fd), 0);
		decide("x", true, 1);
		assert_int_equal(stat(file, &st), 0);
		assert_in_range(st.st_size, 1, 1000);
	}
	(void)snprintf(old, sizeof(old), "%s.1", file);
	assert_int_equal(stat(old, &st), 0);
	assert_int_equal(st.st_size, RP_TRAIL_FILE_MAX - RP_TRAIL_FILES);
	(void)snprintf(old, sizeof(old), "%s.%d", file, RP_TRAIL_FILES);
	assert_int_not_equal(stat(old, &st), 0);
}

/* Neither through a link nor into something else; and the client goes on. */
static void test_unwritable(void **state)
{
	(void)state;
	char target[160];
	char *logged;
	size_t n;
	(void)snprintf(target, sizeof(target), "%s/log", dir);
	assert_int_equal(rp_log_open(target, RP_LOG_INFO, &(struct rp_err){0}), 0);
	assert_int_equal(symlink("/nonexistent/x", file), 0);
	decide("x", true, 1);
	assert_int_equal(unlink(file), 0);
	assert_int_equal(mkdir(file, 0700), 0);
	decide("x", true, 1);
	rp_log_close();
	logged = text_of(target, &n);
	assert_int_equal(unlink(target), 0);
	assert_non_null(strstr(logged,
	    " info: commands: command of ad\"min allowed: rule 1 fits jid=j1 "
	    "sha256=2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881\n"));
	const char *first = strstr(logged, "the decision about job j1 is not in commands.log: ");
	assert_non_null(first);
	assert_non_null(strstr(first + 1, "the decision about job j1 is not in commands.log: "));
	free(logged);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_lines, make_dir, remove_dir),
	    cmocka_unit_test_setup_teardown(test_long, make_dir, remove_dir),
	    cmocka_unit_test_setup_teardown(test_long_user, make_dir, remove_dir),
	    cmocka_unit_test_setup_teardown(test_rotation, make_dir, remove_dir),
	    cmocka_unit_test_setup_teardown(test_unwritable, make_dir, remove_dir),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
