/* SPDX-License-Identifier: MIT */
/*
 * core/log: the form of a line, hostile text, rotation, many threads, and disks that fail in every
 * way.
 */
#include "core/log.h"

#include <ctype.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/str.h"
#include "test/lib/oom.h"

#define STAMP_LEN 20 /* "2006/01/02 15:04:05 " */
#define THREADS   4
#define LINES     2000

static char dir[] = "/tmp/rport-test-log-XXXXXX";
static char path[64];
static char path2[64];
static char content[1 << 20];

static int set_up(void **state)
{
	(void)state;
	(void)unlink(path);
	(void)unlink(path2);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	rp_log_close();
	return 0;
}

static const char *read_file(const char *name)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	ssize_t n = read(fd, content, sizeof(content) - 1);
	assert_true(n >= 0);
	(void)close(fd);
	content[n] = '\0';
	return content;
}

/* Checks the date and returns what follows it. */
static const char *skip_stamp(const char *line)
{
	static const char form[STAMP_LEN + 1] = "dddd/dd/dd dd:dd:dd ";
	for (size_t i = 0; i < STAMP_LEN; i++) {
		bool digit = isdigit((unsigned char)line[i]) != 0;
		assert_true(form[i] == 'd' ? digit : line[i] == form[i]);
	}
	return line + STAMP_LEN;
}

static void open_log(enum rp_log_level level)
{
	struct rp_err err = {0};
	assert_int_equal(rp_log_open(path, level, &err), 0);
}

static void test_levels(void **state)
{
	static const char *const texts[] = {"error", "INFO", "Debug"};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(texts); i++) {
		enum rp_log_level level;
		assert_int_equal(rp_log_level_parse(texts[i], &level), 0);
		assert_int_equal(level, (int)i);
	}
	enum rp_log_level level;
	assert_int_equal(rp_log_level_parse("warn", &level), RP_EINVAL);
	assert_int_equal(rp_log_level_parse("", &level), RP_EINVAL);
}

static void test_line(void **state)
{
	struct stat st;
	(void)state;
	mode_t old = umask(0);
	open_log(RP_LOG_INFO);
	(void)umask(old);
	rp_log_info("client", "Connected in %d ms", 12);
	rp_log_error("server", "%s",
	    "b\xc3\xa4"
	    "d");
	rp_log_debug("api", "not shown");
	assert_true(rp_log_enabled(RP_LOG_INFO));
	assert_false(rp_log_enabled(RP_LOG_DEBUG));
	const char *s = skip_stamp(read_file(path));
	static const char first[] = "info: client: Connected in 12 ms\n";
	assert_memory_equal(s, first, sizeof(first) - 1);
	assert_string_equal(skip_stamp(s + sizeof(first) - 1),
	    "error: server: b\xc3\xa4"
	    "d\n");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
}

static void test_level_error(void **state)
{
	(void)state;
	open_log(RP_LOG_ERROR);
	rp_log_info("client", "no");
	rp_log_error("client", "yes");
	assert_string_equal(skip_stamp(read_file(path)), "error: client: yes\n");
}

static void test_closed_log_is_silent(void **state)
{
	(void)state;
	rp_log_error("client", "before");
	open_log(RP_LOG_DEBUG);
	rp_log_close();
	rp_log_error("client", "after");
	assert_false(rp_log_enabled(RP_LOG_ERROR));
	assert_string_equal(read_file(path), "");
}

static void check_text(const char *text, const char *want)
{
	char expected[128];
	(void)unlink(path);
	open_log(RP_LOG_INFO);
	rp_log_info("t", "%s", text);
	(void)snprintf(expected, sizeof(expected), "info: t: %s\n", want);
	assert_string_equal(skip_stamp(read_file(path)), expected);
	rp_log_close();
}

static void test_hostile_text(void **state)
{
	(void)state;
	check_text(
	    "a\n2026/01/01 00:00:00 info: x: forged", "a?2026/01/01 00:00:00 info: x: forged");
	check_text("\x1b[31mred\r\t\x07\x7f", "?[31mred????");
	check_text("csi \xc2\x9b"
	           "31m",
	    "csi ??31m");
	check_text("nbsp \xc2\xa0.", "nbsp \xc2\xa0.");
	check_text("exe.\xe2\x80\xae"
	           "fdp\xe2\x81\xa6x\xe2\x81\xa9x\xe2\x80\x8fx\xe2\x80\xa8.",
	    "exe.???fdp???x???x???x???.");
	check_text("dash \xe2\x80\x94 \xe2\x82\xac \xe2\x81\xaa.",
	    "dash \xe2\x80\x94 \xe2\x82\xac \xe2\x81\xaa.");
	check_text("\xff\xc3:\xe2\x82", "??:??");
	check_text("\xed\xa0\x80 \xc0\xaf", "??? ??");
	check_text("\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80");
	check_text("", "");
}

static void test_long_lines(void **state)
{
	static char text[9000];
	size_t head = STAMP_LEN + strlen("info: t: ");
	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	for (size_t n = 4095 - head - 1; n <= 4095 - head + 1; n++) {
		(void)unlink(path);
		open_log(RP_LOG_INFO);
		rp_log_info("t", "%.*s", (int)n, text);
		size_t len = strlen(read_file(path));
		bool fits = n <= 4095 - head;
		assert_int_equal(len, fits ? head + n + 1 : 4096);
		assert_int_equal(strcmp(content + len - 4, "...\n") == 0, !fits);
		rp_log_close();
	}
	for (size_t i = 0; i + 3 < sizeof(text); i++) {
		text[i] = "\xe2\x82\xac"[i % 3];
	}
	for (size_t i = 0; i < 3; i++) {
		(void)unlink(path);
		open_log(RP_LOG_INFO);
		rp_log_info("t", "%.*s%.8000s", (int)i, "aa", text);
		size_t len = strlen(read_file(path));
		assert_true(len >= 4094 && len <= 4096);
		assert_true(rp_utf8_valid(content, len));
		assert_null(strchr(content, '?'));
		rp_log_close();
	}
}

static void test_appends_and_reopens(void **state)
{
	(void)state;
	open_log(RP_LOG_INFO);
	rp_log_info("t", "1");
	open_log(RP_LOG_INFO);
	rp_log_info("t", "2");
	assert_int_equal(rename(path, path2), 0);
	rp_log_info("t", "3");
	assert_int_equal(rp_log_reopen(), 0);
	rp_log_info("t", "4");
	assert_string_equal(skip_stamp(read_file(path)), "info: t: 4\n");
	(void)read_file(path2);
	assert_int_equal(strlen(content), 3 * (STAMP_LEN + strlen("info: t: 1\n")));
}

static void test_bad_path(void **state)
{
	struct rp_err err = {0};
	(void)state;
	open_log(RP_LOG_INFO);
	assert_int_equal(rp_log_open("/nonexistent/x.log", RP_LOG_DEBUG, &err), RP_EIO);
	assert_string_equal(err.msg, "open /nonexistent/x.log: no such file or directory");
	assert_int_equal(rp_log_open("/nonexistent/x.log", RP_LOG_DEBUG, NULL), RP_EIO);
	rp_log_info("t", "still here");
	rp_log_debug("t", "still off");
	assert_string_equal(skip_stamp(read_file(path)), "info: t: still here\n");
}

static void test_reopen_failure_keeps_the_file(void **state)
{
	char moved[sizeof(dir) + 8];
	(void)state;
	open_log(RP_LOG_INFO);
	(void)snprintf(moved, sizeof(moved), "%s.moved", dir);
	assert_int_equal(rename(dir, moved), 0);
	int rc = rp_log_reopen();
	rp_log_info("t", "kept");
	assert_int_equal(rename(moved, dir), 0);
	assert_int_equal(rc, RP_EIO);
	assert_string_equal(skip_stamp(read_file(path)), "info: t: kept\n");
}

static void test_full_device(void **state)
{
	struct rp_err err;
	(void)state;
	assert_int_equal(rp_log_open("/dev/full", RP_LOG_INFO, &err), 0);
	for (int i = 0; i < 100; i++) {
		rp_log_error("t", "lost %d", i);
	}
}

/* The size limit tears one line and refuses the next; later the log says so and goes on cleanly. */
static void test_disk_full_and_back(void **state)
{
	struct rlimit old;
	(void)state;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	open_log(RP_LOG_INFO);
	rp_log_info("t", "whole");
	struct rlimit small = old;
	small.rlim_cur = strlen(read_file(path)) + STAMP_LEN + 9;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	rp_log_info("t", "torn");
	rp_log_info("t", "lost");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	rp_log_info("t", "back");

	static const char *const want[] = {"info: t: whole\n", "info: t: \n",
	    "error: log: 2 lines could not be written\n", "info: t: back\n"};
	const char *s = read_file(path);
	for (size_t i = 0; i < RP_ARRAY_LEN(want); i++) {
		s = skip_stamp(s);
		assert_memory_equal(s, want[i], strlen(want[i]));
		s += strlen(want[i]);
	}
	assert_string_equal(s, "");
}

static void *write_lines(void *arg)
{
	for (int i = 0; i < LINES; i++) {
		rp_log_info("t", "%s %d end", (const char *)arg, i);
	}
	return NULL;
}

static void test_threads(void **state)
{
	static char names[THREADS][2] = {"a", "b", "c", "d"};
	pthread_t threads[THREADS];
	int next[THREADS] = {0};
	(void)state;
	open_log(RP_LOG_INFO);
	for (size_t i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_create(&threads[i], NULL, write_lines, names[i]), 0);
	}
	for (int i = 0; i < 100; i++) {
		assert_int_equal(rp_log_reopen(), 0);
	}
	for (size_t i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	}
	struct rp_str rest = rp_str_c(read_file(path));
	struct rp_str line;
	while (rp_str_split(&rest, '\n', &line) && rest.p != NULL) {
		char want[64];
		const char *s = skip_stamp(line.p);
		size_t who = (size_t)(s[strlen("info: t: ")] - 'a');
		assert_true(who < THREADS);
		(void)snprintf(want, sizeof(want), "info: t: %s %d end", names[who], next[who]++);
		assert_true(rp_str_eq(rp_str_n(s, line.len - STAMP_LEN), want));
	}
	for (size_t i = 0; i < THREADS; i++) {
		assert_int_equal(next[i], LINES);
	}
}

/* A child whose standard output nobody reads any more goes on. */
static void test_closed_pipe(void **state)
{
	int fds[2];
	(void)state;
	assert_int_equal(pipe(fds), 0);
	(void)fflush(NULL);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)close(fds[0]);
		(void)dup2(fds[1], STDOUT_FILENO);
		(void)signal(SIGPIPE, SIG_DFL);
		int rc = rp_log_open(NULL, RP_LOG_INFO, NULL);
		rp_log_info("t", "nobody hears it");
		rp_log_close();
		_exit(rc == 0 ? 0 : 1);
	}
	(void)close(fds[0]);
	(void)close(fds[1]);
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_stdout(void **state)
{
	int fds[2];
	char text[128];
	(void)state;
	assert_int_equal(pipe(fds), 0);
	(void)fflush(stdout);
	int saved = dup(STDOUT_FILENO);
	(void)dup2(fds[1], STDOUT_FILENO);
	int rc = rp_log_open("", RP_LOG_INFO, NULL);
	rp_log_info("t", "to stdout");
	int reopened = rp_log_reopen();
	rp_log_close();
	(void)dup2(saved, STDOUT_FILENO);
	(void)close(saved);
	(void)close(fds[1]);
	ssize_t n = read(fds[0], text, sizeof(text) - 1);
	(void)close(fds[0]);
	assert_int_equal(rc, 0);
	assert_int_equal(reopened, 0);
	assert_true(n > 0);
	text[n] = '\0';
	assert_string_equal(skip_stamp(text), "info: t: to stdout\n");
	assert_true(fcntl(STDOUT_FILENO, F_GETFD) >= 0);
}

static int open_and_close(void *state)
{
	(void)state;
	int rc = rp_log_open(path, RP_LOG_INFO, NULL);
	rp_log_info("t", "x");
	rp_log_close();
	return rc;
}

static void test_no_memory(void **state)
{
	(void)state;
	assert_int_equal(rp_oom_run(open_and_close, NULL), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(test_levels),
	    TEST(test_line),
	    TEST(test_level_error),
	    TEST(test_closed_log_is_silent),
	    TEST(test_hostile_text),
	    TEST(test_long_lines),
	    TEST(test_appends_and_reopens),
	    TEST(test_bad_path),
	    TEST(test_reopen_failure_keeps_the_file),
	    TEST(test_full_device),
	    TEST(test_disk_full_and_back),
	    TEST(test_threads),
	    TEST(test_closed_pipe),
	    TEST(test_stdout),
	    TEST(test_no_memory),
	};
#undef TEST
	if (mkdtemp(dir) == NULL) {
		return 1;
	}
	(void)snprintf(path, sizeof(path), "%s/a.log", dir);
	(void)snprintf(path2, sizeof(path2), "%s/b.log", dir);
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	(void)unlink(path);
	(void)unlink(path2);
	(void)rmdir(dir);
	return rc;
}
