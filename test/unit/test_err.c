/* SPDX-License-Identifier: MIT */
/*
 * core/err: texts of all codes, messages at the limit of their length, broken invariants.
 */
#include "core/err.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <uv.h>

#include "core/str.h"

#define MSG_MAX (sizeof(((struct rp_err *)0)->msg) - 1)

static void test_texts(void **state)
{
	(void)state;
#define CHECK(name, code, text)                       \
	assert_int_equal(name, code);                 \
	assert_string_equal(rp_err_text(name), text); \
	assert_true((name) > -10100 && (name) < -10000);
	RP_ERR_MAP(CHECK)
#undef CHECK
	assert_string_equal(rp_err_text(0), "success");
	assert_string_equal(rp_err_text(UV_ECONNREFUSED), "connection refused");
	assert_non_null(strstr(rp_err_text(-123456), "123456"));
}

static void test_set(void **state)
{
	struct rp_err err = {0};
	(void)state;
	assert_int_equal(rp_err_set(&err, RP_EINVAL, "port %d", 70000), RP_EINVAL);
	assert_int_equal(err.code, RP_EINVAL);
	assert_string_equal(err.msg, "port 70000");
	assert_int_equal(rp_err_set(NULL, RP_EIO, "x"), RP_EIO);
	/* The message itself as an argument. */
	assert_int_equal(rp_err_set(&err, RP_EIO, "%s: again", err.msg), RP_EIO);
	assert_string_equal(err.msg, "port 70000: again");
}

static void test_set_limit(void **state)
{
	struct rp_err err;
	(void)state;
	for (int n = (int)MSG_MAX - 1; n <= (int)MSG_MAX + 1; n++) {
		(void)rp_err_set(&err, RP_EIO, "%0*d", n, 7);
		size_t len = strlen(err.msg);
		assert_int_equal(len, RP_MIN((size_t)n, MSG_MAX));
		assert_int_equal(strcmp(err.msg + len - 3, "...") == 0, (size_t)n > MSG_MAX);
	}
}

static void test_cut_keeps_characters_whole(void **state)
{
	(void)state;
	for (int shift = 0; shift < 4; shift++) {
		struct rp_err err;
		char text[400];
		size_t n = (size_t)shift;
		memset(text, 'a', sizeof(text));
		for (; n + 3 < sizeof(text); n += 3) {
			memcpy(text + n, "\xe2\x82\xac", 3);
		}
		text[n] = '\0';
		(void)rp_err_set(&err, RP_EIO, "%s", text);
		assert_true(strlen(err.msg) >= MSG_MAX - 2);
		assert_true(rp_utf8_valid(err.msg, strlen(err.msg)));
		assert_string_equal(err.msg + strlen(err.msg) - 3, "...");
	}
}

static void test_wrap(void **state)
{
	struct rp_err err;
	char name[600];
	(void)state;
	(void)rp_err_set(&err, RP_EDENIED, "inner");
	assert_int_equal(rp_err_wrap(&err, "%s:%d", "file", 3), RP_EDENIED);
	assert_string_equal(err.msg, "file:3: inner");
	assert_int_equal(err.code, RP_EDENIED);
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(rp_err_wrap(&err, "%s", name), RP_EDENIED);
	assert_int_equal(strlen(err.msg), MSG_MAX);
	assert_string_equal(err.msg + MSG_MAX - 3, "...");
	assert_true(rp_err_wrap(NULL, "x") < 0);
}

static void test_verify_ends_the_process(void **state)
{
	int fds[2];
	char text[512];
	(void)state;
	assert_int_equal(pipe(fds), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct rlimit no_core = {0};
		(void)setrlimit(RLIMIT_CORE, &no_core);
		(void)signal(SIGABRT, SIG_DFL);
		(void)dup2(fds[1], STDERR_FILENO);
		int broken = 1;
		RP_VERIFY(broken == 0);
		_exit(0);
	}
	(void)close(fds[1]);
	ssize_t n = read(fds[0], text, sizeof(text) - 1);
	assert_true(n > 0);
	text[n] = '\0';
	(void)close(fds[0]);
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	assert_non_null(strstr(text, "broken == 0 does not hold at "));
	assert_non_null(strstr(text, "test_err.c:"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_texts),
	    cmocka_unit_test(test_set),
	    cmocka_unit_test(test_set_limit),
	    cmocka_unit_test(test_cut_keeps_characters_whole),
	    cmocka_unit_test(test_wrap),
	    cmocka_unit_test(test_verify_ends_the_process),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
