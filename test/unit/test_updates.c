/* SPDX-License-Identifier: MIT */
/*
 * Pending updates: recorded output of the package managers through their parsers, the status that
 * becomes of it, programs that are asked (slow, loud, stubborn ones), and whole looks at made-up
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
#include <unistd.h>

#include <cmocka.h>

#include "client/packages.h"
#include "client/tool.h"
#include "client/updates_status.h"
#include "core/alloc.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/json.h"
#include "core/log.h"
#include "test/lib/fake_root.h"
#include "test/lib/oom.h"

#define PAYLOAD_MAX ((size_t)261000)

/* --- recorded --- */

static const char apt_text[] =
    "NOTE: This is only a simulation!\n      apt-get needs root privileges for real execution.\n"
    "Reading package lists...\nBuilding dependency tree...\nReading state information...\n"
    "Calculating upgrade...\nThe following packages have been kept back:\n  linux-image-amd64\n"
    "The following packages will be upgraded:\n  libc6 openssl zip\n"
    "3 upgraded, 0 newly installed, 0 to remove and 1 not upgraded.\n"
    "Inst libc6 [2.36-9+deb12u9] (2.36-9+deb12u10 Debian:12.11/stable [amd64]) []\n"
    "Inst openssl [3.0.15-1] (3.0.16-1~deb12u1 Debian:12.11/stable, "
    "Debian-Security:12/stable-security [amd64])\n"
    "Inst zip [3.0-13] (3.0-14 Ubuntu:24.04/noble-updates, Ubuntu:24.04/noble-security [amd64])\n"
    "Conf libc6 (2.36-9+deb12u10 Debian:12.11/stable [amd64])\n"
    "Conf openssl (3.0.16-1~deb12u1 Debian:12.11/stable [amd64])\n";

static const char dnf_text[] =
    "\nanaconda-core.x86_64             33.16.5.2-1.el8.0.1             appstream\n"
    "glibc.x86_64                     2.28-161.el8                    baseos\n"
    "python3.11-libs.x86_64           3.11.9-7.el9_5.2                @System\n"
    "a-package-with-a-very-long-name-that-yum-folds.noarch\n"
    "                                 1.0.0-1.el7                     updates\n"
    "another-package-with-a-long-version.noarch 12345678901234567890-1.el7\n"
    "                                                                 updates\n"
    "Security: kernel-core-5.14.0-427.el9.x86_64 is an installed security update\n"
    "Obsoleting Packages\n"
    "grub2-tools.x86_64               1:2.02-99.el8                   baseos\n"
    "    grub2-tools.x86_64           1:2.02-90.el8                   @baseos\n";

static const char zypper_text[] =
    "S | Repository              | Name        | Current Version | Available Version | Arch\n"
    "--+-------------------------+-------------+-----------------+-------------------+-------\n"
    "v | openSUSE-Tumbleweed-Oss | evince      | 40.2-1.1        | 40.4-1.1          | x86_64\n"
    "v | openSUSE-Tumbleweed-Oss | ruby-common | 2.6-4.2         | 2.6-5.1           | noarch\n"
    "  | openSUSE-Tumbleweed-Oss | locked      | 2.6-4.2         | 2.6-5.1           | noarch\n";

static const char patches_text[] =
    "Repository | Name          | Category | Severity | Interactive | Status     | Summary\n"
    "-----------+---------------+----------+----------+-------------+------------+--------\n"
    "Update     | SLE-2021-3522 | security | moderate | reboot      | needed     | Fixes | x\n"
    "Update     | SLE-2021-3000 | security | moderate | ---         | not needed | Old\n"
    "Update     | --bad; name   | security | moderate | ---         | needed     | No\n";

static const char patch_info_text[] =
    "\nInformation for patch SLE-2021-3522:\n------------------------------------\n"
    "Repository  : Update\nName        : SLE-2021-3522\nVersion     : 1\n"
    "Category    : security\nInteractive : reboot\nSummary     : Fixes a b\n"
    "Description : \n    some more words\nProvides    : patch:SLE = 1\n"
    "Conflicts   : [2]\n    evince.x86_64 < 40.4-1.1\n    srcpackage:evince < 40.4-1.1\n"
    "\nInformation for patch SLE-2021-1:\nCategory    : recommended\nInteractive : ---\n"
    "Conflicts   : [1]\n    ruby-common.noarch < 2.6-5.1\n";

static const char apk_text[] =
    "WARNING: opening from cache\n"
    "busybox-1.36.1-r19 x86_64 {busybox} (GPL-2.0-only) [upgradable from: busybox-1.36.1-r15]\n"
    "ca-certificates-bundle-20240705-r0 x86_64 {ca-certificates} (MPL-2.0 AND MIT) "
    "[upgradable from: ca-certificates-bundle-20240226-r0]\n"
    "musl-1.2.5-r0 x86_64 {musl} (MIT) [installed]\n"
    "short x86_64 [upgradable from: x]\n-1-r1 x86_64 [upgradable from: x]\n";

/* "name version arch origin flags;" of what a parser finds. */
static void add_package(char *out, size_t max, const struct rp_package *p)
{
	size_t n = strlen(out);
	(void)snprintf(out + n, max - n, "%.*s|%.*s|%.*s|%.*s|%s%s;", (int)p->name.len, p->name.p,
	    (int)p->version.len, p->version.p, (int)p->arch.len, p->arch.p, (int)p->origin.len,
	    p->origin.p, p->security ? "s" : "", p->reboot ? "r" : "");
}

static void test_apt(void **state)
{
	(void)state;
	char found[1024] = "";
	struct rp_str rest = rp_str_c(apt_text);
	struct rp_str line;
	struct rp_package p;
	while (rp_str_split(&rest, '\n', &line)) {
		if (rp_packages_apt(line, &p)) {
			add_package(found, sizeof(found), &p);
		}
	}
	assert_string_equal(found,
	    "libc6|2.36-9+deb12u10 Debian:12.11/stable [amd64]|||;"
	    "openssl|3.0.16-1~deb12u1 Debian:12.11/stable, Debian-Security:12/stable-security "
	    "[amd64]|||s;"
	    "zip|3.0-14 Ubuntu:24.04/noble-updates, Ubuntu:24.04/noble-security [amd64]|||s;");
	assert_false(rp_packages_apt(rp_str_c("Inst x"), &p));
	assert_true(rp_packages_apt(rp_str_c("Inst x ) ("), &p));
	assert_int_equal(p.version.len, 0);
}

static void test_dnf(void **state)
{
	(void)state;
	char found[1024] = "";
	struct rp_str rest = rp_str_c(dnf_text);
	struct rp_str line;
	struct rp_package p;
	struct rp_packages_dnf d = {0};
	while (rp_str_split(&rest, '\n', &line)) {
		if (rp_packages_dnf(&d, line, &p)) {
			add_package(found, sizeof(found), &p);
		}
	}
	assert_string_equal(found,
	    "anaconda-core|33.16.5.2-1.el8.0.1|x86_64|appstream|;"
	    "glibc|2.28-161.el8|x86_64|baseos|;"
	    "python3.11-libs|3.11.9-7.el9_5.2|x86_64|@System|;"
	    "a-package-with-a-very-long-name-that-yum-folds|1.0.0-1.el7|noarch|updates|;"
	    "another-package-with-a-long-version|12345678901234567890-1.el7|noarch|updates|;");
}

static void test_zypper(void **state)
{
	(void)state;
	char found[1024] = "";
	struct rp_str rest = rp_str_c(zypper_text);
	struct rp_str line;
	struct rp_package p;
	struct rp_packages_patch s = {0};
	while (rp_str_split(&rest, '\n', &line)) {
		if (rp_packages_zypper(line, &p)) {
			add_package(found, sizeof(found), &p);
		}
	}
	assert_string_equal(found, "evince|40.4-1.1|x86_64||;ruby-common|2.6-5.1|noarch||;");
	rest = rp_str_c(patches_text);
	found[0] = '\0';
	while (rp_str_split(&rest, '\n', &line)) {
		struct rp_str name;
		if (rp_packages_zypper_patch(line, &name)) {
			p = (struct rp_package){.name = name};
			add_package(found, sizeof(found), &p);
		}
	}
	assert_string_equal(found, "SLE-2021-3522||||;");
	rest = rp_str_c(patch_info_text);
	found[0] = '\0';
	while (rp_str_split(&rest, '\n', &line)) {
		if (rp_packages_zypper_info(&s, line, &p)) {
			add_package(found, sizeof(found), &p);
		}
	}
	assert_string_equal(
	    found, "evince.x86_64||||sr;srcpackage:evince||||sr;ruby-common.noarch||||;");
}

static void test_apk(void **state)
{
	(void)state;
	char found[1024] = "";
	struct rp_str rest = rp_str_c(apk_text);
	struct rp_str line;
	struct rp_package p;
	while (rp_str_split(&rest, '\n', &line)) {
		if (rp_packages_apk(line, &p)) {
			add_package(found, sizeof(found), &p);
		}
	}
	assert_string_equal(
	    found, "busybox|1.36.1-r19|x86_64||;ca-certificates-bundle|20240705-r0|x86_64||;");
}

/* --- status --- */

static struct rp_json *status_json(const struct rp_updates_status *s)
{
	struct rp_buf out;
	struct rp_err err;
	struct rp_json *j;
	rp_buf_init(&out, PAYLOAD_MAX);
	assert_int_equal(rp_updates_status_write(s, &out), 0);
	assert_int_equal(rp_json_parse(rp_buf_head(&out), out.len, &j, &err), 0);
	rp_buf_fini(&out);
	return j;
}

static void test_status(void **state)
{
	(void)state;
	struct rp_updates_status s;
	rp_updates_status_init(&s);
	struct rp_json *j = status_json(&s);
	assert_int_equal(rp_json_type(rp_json_get(j, "update_summaries")), RP_JSON_NULL);
	assert_null(rp_json_get(j, "error"));
	assert_null(rp_json_get(j, "hint"));
	rp_json_free(j);
	struct rp_package p = {.name = rp_str_c("a"), .reboot = true};
	assert_int_equal(rp_updates_status_mark(&s, p.name, &p), 0);
	p = (struct rp_package){.name = rp_str_c("a"), .security = true};
	assert_int_equal(rp_updates_status_mark(&s, p.name, &p), 0);
	assert_int_equal(rp_updates_status_mark(&s, rp_str_n("x\0y", 3), &p), 0);
	p = (struct rp_package){.name = rp_str_c("a"),
	    .version = rp_str_c("1\"\xff"),
	    .arch = rp_str_c("all"),
	    .origin = rp_str_c("base")};
	assert_int_equal(rp_updates_status_add(&s, &p, p.name), 0);
	p.name = rp_str_c("b");
	p.version.len = 1;
	assert_int_equal(rp_updates_status_add(&s, &p, p.name), 0);
	(void)snprintf(s.hint, sizeof(s.hint), "why");
	(void)snprintf(s.error, sizeof(s.error), "what");
	j = status_json(&s);
	assert_true(rp_json_number(rp_json_get(j, "updates_available")) == 2);
	assert_true(rp_json_number(rp_json_get(j, "security_updates_available")) == 1);
	assert_string_equal(rp_json_string(rp_json_get(j, "hint")), "why");
	assert_string_equal(rp_json_string(rp_json_get(j, "error")), "what");
	const struct rp_json *e = rp_json_first(rp_json_get(j, "update_summaries"));
	assert_string_equal(
	    rp_json_string(rp_json_get(e, "description")), "a 1\"\xef\xbf\xbd [all] (base)");
	assert_true(rp_json_true(rp_json_get(e, "is_security_update")));
	assert_true(rp_json_true(rp_json_get(e, "reboot_required")));
	e = rp_json_next(e);
	assert_string_equal(rp_json_string(rp_json_get(e, "title")), "b");
	assert_false(rp_json_true(rp_json_get(e, "is_security_update")));
	rp_json_free(j);
	rp_updates_status_fini(&s);
}

/* Thousands of updates with long names: all are counted, and the payload fits. */
static void test_many(void **state)
{
	(void)state;
	struct rp_updates_status s;
	char name[1000];
	memset(name, '<', sizeof(name)); /* six bytes each */
	const struct rp_package p = {.name = rp_str_n(name, sizeof(name)),
	    .version = rp_str_n(name, sizeof(name)),
	    .security = true};
	rp_updates_status_init(&s);
	for (int i = 0; i < 5000; i++) {
		assert_int_equal(rp_updates_status_add(&s, &p, p.name), 0);
	}
	assert_int_equal(rp_updates_status_mark(&s, p.name, &p), 0);
	(void)snprintf(s.hint, sizeof(s.hint), "why");
	struct rp_json *j = status_json(&s);
	assert_true(rp_json_number(rp_json_get(j, "updates_available")) == 5000);
	assert_true(rp_json_number(rp_json_get(j, "security_updates_available")) == 5000);
	size_t listed = rp_json_count(rp_json_get(j, "update_summaries"));
	assert_true(listed > 10 && listed < 5000);
	char hint[64];
	(void)snprintf(hint, sizeof(hint), "%zu of the updates are not listed; why", 5000 - listed);
	assert_string_equal(rp_json_string(rp_json_get(j, "hint")), hint);
	rp_json_free(j);
	rp_updates_status_fini(&s);
}

static int oom_body(void *state)
{
	(void)state;
	struct rp_updates_status s;
	struct rp_buf out;
	const struct rp_package p = {.name = rp_str_c("a"), .version = rp_str_c("1")};
	rp_updates_status_init(&s);
	rp_buf_init(&out, PAYLOAD_MAX);
	int rc = rp_updates_status_mark(&s, p.name, &p);
	rc = rc != 0 ? rc : rp_updates_status_add(&s, &p, p.name);
	rc = rc != 0 ? rc : rp_updates_status_write(&s, &out);
	rp_buf_fini(&out);
	rp_updates_status_fini(&s);
	return rc;
}

static void test_no_memory(void **state)
{
	(void)state;
	assert_int_equal(rp_oom_run(oom_body, NULL), 0);
}

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
	    cmocka_unit_test(test_apt),
	    cmocka_unit_test(test_dnf),
	    cmocka_unit_test(test_zypper),
	    cmocka_unit_test(test_apk),
	    cmocka_unit_test(test_status),
	    cmocka_unit_test(test_many),
	    cmocka_unit_test(test_no_memory),
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
