/* SPDX-License-Identifier: MIT */
/*
 * Pending updates: programs that are asked (slow, loud, stubborn ones), and whole looks at made-up
 * systems whose package managers print what was recorded.
 */
#include "client/updates.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "client/tool.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/json.h"
#include "core/log.h"
#include "test/lib/fake_root.h"
#include "test/lib/packages_short.h"

/* --- programs --- */

static struct rp_loop *loop;
static struct rp_tool_end ended;
static unsigned n_ended;
static char lines[1024];
static size_t longest;

static void on_line(void *ctx, struct rp_str line)
{
	(void)ctx;
	size_t n = strlen(lines);
	longest = RP_MAX(longest, line.len);
	(void)snprintf(lines + n, sizeof(lines) - n, "%.*s;", (int)RP_MIN(line.len, 20), line.p);
}

static void on_end(void *ctx, const struct rp_tool_end *end)
{
	(void)ctx;
	ended = *end;
	n_ended++;
	rp_loop_stop(loop);
}

static int set_up(void **state)
{
	lines[0] = '\0';
	longest = 0;
	n_ended = 0;
	assert_int_equal(rp_loop_new(&loop, "test"), 0);
	return rp_fake_root_set_up(state);
}

static int tear_down(void **state)
{
	rp_loop_free(loop);
	return rp_fake_root_tear_down(state);
}

static int start_tool(const char *script, unsigned timeout_ms, struct rp_tool **t)
{
	struct rp_strlist argv = {0};
	assert_int_equal(rp_strlist_add(&argv, rp_str_c("/bin/sh")), 0);
	assert_int_equal(rp_strlist_add(&argv, rp_str_c("-c")), 0);
	assert_int_equal(rp_strlist_add(&argv, rp_str_c(script)), 0);
	const struct rp_tool_options opt = {
	    .argv = &argv, .timeout_ms = timeout_ms, .on_line = on_line, .on_end = on_end};
	int rc = rp_tool_start(loop, &opt, t);
	rp_strlist_fini(&argv);
	return rc;
}

static void run_tool(const char *script, unsigned timeout_ms)
{
	struct rp_tool *t;
	assert_int_equal(start_tool(script, timeout_ms, &t), 0);
	(void)rp_loop_run(loop);
	assert_int_equal(n_ended, 1);
}

static void test_tool(void **state)
{
	(void)state;
	run_tool(
	    "printf 'a\\n\\nb c\\nlast'; printf 'x\\033[0m\\n  \\303\\244y' >&2; exit 7", 60000);
	assert_true(ended.exited && ended.status == 7 && ended.signal == 0 && !ended.timed_out);
	assert_string_equal(lines, "a;;b c;last;");
	assert_string_equal(ended.text, "x [0m ??y");
}

static void test_tool_environment(void **state)
{
	(void)state;
	(void)setenv("RPORT_AUTH", "secret", 1);
	run_tool("echo \"$RPORT_AUTH,$LC_ALL,$PWD\"; read x || echo no input", 60000);
	assert_string_equal(lines, ",C,/;no input;");
	(void)unsetenv("RPORT_AUTH");
}

static void test_tool_long_line(void **state)
{
	(void)state;
	run_tool("head -c 300000 /dev/zero | tr '\\0' x; echo; echo end; "
	         "head -c 5000 /dev/zero >&2; kill -9 $$",
	    60000);
	assert_true(ended.exited && ended.signal == SIGKILL);
	assert_string_equal(lines, "xxxxxxxxxxxxxxxxxxxx;end;");
	assert_int_equal(longest, RP_TOOL_LINE_MAX);
}

/* It ignores SIGTERM and has a child; the child is gone too, which held the pipe. */
static void test_tool_time_out(void **state)
{
	(void)state;
	run_tool("trap '' TERM; echo begun; sleep 1000 & wait", 300);
	assert_true(ended.timed_out);
	assert_string_equal(lines, "begun;");
}

/* A child that is left behind holds the pipes: that is not waited for. */
static void test_tool_left_behind(void **state)
{
	(void)state;
	run_tool("sleep 5 & echo done", 60000);
	assert_true(ended.exited && ended.status == 0);
	assert_string_equal(lines, "done;");
}

static void test_tool_missing(void **state)
{
	(void)state;
	struct rp_strlist argv = {0};
	struct rp_tool *t;
	assert_int_equal(rp_strlist_add(&argv, rp_str_c("/no/such/program")), 0);
	const struct rp_tool_options opt = {.argv = &argv, .timeout_ms = 1000, .on_end = on_end};
	assert_int_equal(rp_tool_start(loop, &opt, &t), UV_ENOENT);
	rp_strlist_fini(&argv);
	rp_loop_stop(loop);
	(void)rp_loop_run(loop);
	assert_int_equal(n_ended, 0);
}

static void test_tool_cancel(void **state)
{
	(void)state;
	struct rp_tool *t;
	assert_int_equal(start_tool("sleep 1000", 60000, &t), 0);
	rp_tool_cancel(t);
	rp_tool_cancel(NULL);
	rp_loop_stop(loop);
	(void)rp_loop_run(loop);
	assert_int_equal(n_ended, 0);
}

/* --- looks --- */

static struct rp_updates *updates;
static struct rp_json *status;

static void on_status(void *ctx, const char *payload, size_t n)
{
	struct rp_err err;
	(void)ctx;
	rp_json_free(status);
	assert_int_equal(rp_json_parse(payload, n, &status, &err), 0);
	rp_loop_stop(loop);
}

static void on_stop(void *ctx)
{
	(void)ctx;
	rp_updates_close(updates);
}

static void look(bool root_user, int64_t interval)
{
	const struct rp_updates_options opt = {.loop = loop,
	    .interval = interval,
	    .root = rp_fake_root,
	    .root_user = root_user,
	    .on_status = on_status};
	rp_loop_on_stop(loop, on_stop, NULL);
	assert_int_equal(rp_updates_new(&opt, &updates), 0);
	rp_updates_refresh(updates);
	(void)rp_loop_run(loop);
	assert_non_null(status);
}

static void end_look(void)
{
	rp_json_free(status);
	status = NULL;
}

static void put_script(const char *path, const char *text)
{
	char full[256];
	rp_fake_root_put(path, text);
	(void)snprintf(full, sizeof(full), "%s%s", rp_fake_root, path);
	assert_int_equal(chmod(full, 0700), 0);
}

/* A program that prints a recorded file for each argument that it is to know. */
static void put_program(const char *path, const char *cases)
{
	char text[1024];
	(void)snprintf(text, sizeof(text),
	    "#!/bin/sh\necho \"$0 $*\" >>%s/calls\ncase \"$*\" in\n%s\nesac\n", rp_fake_root,
	    cases);
	put_script(path, text);
}

static void expect(double n, double security, bool reboot)
{
	assert_true(rp_json_number(rp_json_get(status, "updates_available")) == n);
	assert_true(rp_json_number(rp_json_get(status, "security_updates_available")) == security);
	assert_true(rp_json_true(rp_json_get(status, "reboot_pending")) == reboot);
	assert_int_equal(rp_json_count(rp_json_get(status, "update_summaries")), (size_t)n);
}

static bool called(const char *what)
{
	char path[128];
	char line[512];
	bool found = false;
	(void)snprintf(path, sizeof(path), "%s/calls", rp_fake_root);
	FILE *f = fopen(path, "re");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		found = found || strstr(line, what) != NULL;
	}
	if (f != NULL) {
		(void)fclose(f);
	}
	return found;
}

#define HOUR (3600 * RP_NS_PER_S)

static void put_apt(void)
{
	char cases[256];
	rp_fake_root_put("/var/lib/dpkg/status", "Package: a\n");
	rp_fake_root_put("/apt", apt_text);
	(void)snprintf(
	    cases, sizeof(cases), "update*) exit 0;;\n-s*upgrade) cat %s/apt;;", rp_fake_root);
	put_program("/usr/bin/apt-get", cases);
}

static void test_look_apt(void **state)
{
	(void)state;
	put_apt();
	rp_fake_root_put("/run/reboot-required", "");
	put_program("/usr/bin/dnf", "*) exit 1;;"); /* also installed, not in use */
	look(true, HOUR);
	expect(3, 2, true);
	assert_null(rp_json_get(status, "error"));
	assert_null(rp_json_get(status, "hint"));
	assert_true(called("apt-get update\n"));
	assert_false(called("dnf"));
	end_look();
}

/* As an ordinary user, first without sudo, then with one that refuses, then with one that does it. */
static void test_look_no_sudo(void **state)
{
	(void)state;
	put_apt();
	look(false, HOUR);
	expect(3, 2, false);
	assert_string_equal(rp_json_string(rp_json_get(status, "hint")),
	    "the lists of packages may be old: apt update: not the root user, and there is no sudo");
	end_look();
}

static void test_look_sudo(void **state)
{
	(void)state;
	put_apt();
	put_script("/usr/bin/sudo", "#!/bin/sh\nshift\nexec \"$@\"\n");
	look(false, HOUR);
	expect(3, 2, false);
	assert_null(rp_json_get(status, "hint"));
	assert_true(called("apt-get update -o Debug::NoLocking=true\n"));
	end_look();
}

static void test_look_sudo_refused(void **state)
{
	(void)state;
	put_apt();
	put_script("/usr/bin/sudo", "#!/bin/sh\necho 'sudo: a password is required' >&2\nexit 1\n");
	look(false, HOUR);
	expect(3, 2, false);
	assert_string_equal(rp_json_string(rp_json_get(status, "hint")),
	    "the lists of packages may be old: apt update: sudo: a password is required");
	end_look();
}

static void test_look_failed(void **state)
{
	(void)state;
	rp_fake_root_put("/var/lib/dpkg/status", "Package: a\n");
	put_program("/usr/bin/apt-get", "*) echo 'E: broken' >&2; exit 100;;");
	look(true, HOUR);
	expect(0, 0, false);
	assert_string_equal(rp_json_string(rp_json_get(status, "error")), "apt -s: E: broken");
	end_look();
}

static void test_look_dnf(void **state)
{
	(void)state;
	char cases[512];
	rp_fake_root_put("/dnf", dnf_text);
	rp_fake_root_put("/security", "glibc.x86_64  2.28-161.el8  baseos\n");
	rp_fake_root_put("/var/lib/dpkg/status", ""); /* dpkg is there, but not in use */
	put_program("/usr/bin/apt-get", "*) exit 1;;");
	(void)snprintf(cases, sizeof(cases),
	    "*--security) cat %s/security; exit 100;;\ncheck-update*) cat %s/dnf; exit 100;;\n"
	    "needs-restarting*) echo 'Reboot is required to fully utilize these updates.'; exit 1;;",
	    rp_fake_root, rp_fake_root);
	put_program("/usr/bin/dnf", cases);
	look(false, HOUR);
	expect(5, 1, true);
	const struct rp_json *e = rp_json_next(
	    rp_json_first(rp_json_get(status, "update_summaries")));
	assert_string_equal(
	    rp_json_string(rp_json_get(e, "description")), "glibc 2.28-161.el8 [x86_64] (baseos)");
	assert_true(rp_json_true(rp_json_get(e, "is_security_update")));
	assert_null(rp_json_get(status, "hint"));
	end_look();
}

static void test_look_yum(void **state)
{
	(void)state;
	put_program("/usr/bin/yum", "check-update*) exit 0;;");
	look(false, HOUR);
	expect(0, 0, false);
	assert_null(rp_json_get(status, "error"));
	end_look();
}

static void test_look_zypper(void **state)
{
	(void)state;
	char cases[512];
	rp_fake_root_put("/list", zypper_text);
	rp_fake_root_put("/patches", patches_text);
	rp_fake_root_put("/info", patch_info_text);
	(void)snprintf(cases, sizeof(cases),
	    "refresh) exit 0;;\n*list-patches) cat %s/patches; exit 101;;\n"
	    "*'patch-info SLE-2021-3522') cat %s/info;;\n*list-updates) cat %s/list;;\n"
	    "needs-rebooting) exit 102;;",
	    rp_fake_root, rp_fake_root, rp_fake_root);
	put_program("/usr/bin/zypper", cases);
	look(true, HOUR);
	expect(2, 1, true);
	const struct rp_json *e = rp_json_first(rp_json_get(status, "update_summaries"));
	assert_true(rp_json_true(rp_json_get(e, "reboot_required")));
	end_look();
}

static void test_look_apk(void **state)
{
	(void)state;
	char cases[256];
	rp_fake_root_put("/lib/apk/db/installed", "P:musl\n");
	rp_fake_root_put("/apk", apk_text);
	(void)snprintf(cases, sizeof(cases), "'list --upgradable') cat %s/apk;;", rp_fake_root);
	put_program("/sbin/apk", cases);
	look(true, HOUR);
	expect(2, 0, false);
	end_look();
}

static void test_look_nothing(void **state)
{
	(void)state;
	look(true, HOUR);
	assert_string_equal(
	    rp_json_string(rp_json_get(status, "error")), "no supported package manager found");
	end_look();
}

/* The server is told as often as it asks, the log never. */
static void test_look_off(void **state)
{
	(void)state;
	char log[256];
	struct stat st;
	put_apt();
	(void)snprintf(log, sizeof(log), "%s/log", rp_fake_root);
	assert_int_equal(rp_log_open(log, RP_LOG_INFO, NULL), 0);
	look(true, 0);
	rp_log_close();
	assert_non_null(strstr(rp_json_string(rp_json_get(status, "error")), "updates_interval"));
	assert_false(called("apt-get"));
	assert_int_equal(stat(log, &st), 0);
	assert_int_equal(st.st_size, 0);
	end_look();
}

static void on_begun(uv_timer_t *t)
{
	if (called("apt-get")) {
		uv_close((uv_handle_t *)t, NULL);
		rp_loop_stop(loop);
	}
}

/* The end of the client in the middle of a look. */
static void test_look_interrupted(void **state)
{
	(void)state;
	uv_timer_t timer;
	const struct rp_updates_options opt = {.loop = loop,
	    .interval = HOUR,
	    .root = rp_fake_root,
	    .root_user = true,
	    .on_status = on_status};
	rp_fake_root_put("/var/lib/dpkg/status", "Package: a\n");
	put_program("/usr/bin/apt-get", "*) sleep 1000;;");
	rp_loop_on_stop(loop, on_stop, NULL);
	assert_int_equal(rp_updates_new(&opt, &updates), 0);
	rp_updates_refresh(updates);
	assert_int_equal(uv_timer_init(rp_loop_uv(loop), &timer), 0);
	assert_int_equal(uv_timer_start(&timer, on_begun, 10, 10), 0);
	(void)rp_loop_run(loop);
	assert_null(status);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_tool),
	    TEST(test_tool_environment),
	    TEST(test_tool_long_line),
	    TEST(test_tool_time_out),
	    TEST(test_tool_left_behind),
	    TEST(test_tool_missing),
	    TEST(test_tool_cancel),
	    TEST(test_look_apt),
	    TEST(test_look_no_sudo),
	    TEST(test_look_sudo),
	    TEST(test_look_sudo_refused),
	    TEST(test_look_failed),
	    TEST(test_look_dnf),
	    TEST(test_look_yum),
	    TEST(test_look_zypper),
	    TEST(test_look_apk),
	    TEST(test_look_nothing),
	    TEST(test_look_off),
	    TEST(test_look_interrupted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
