/* SPDX-License-Identifier: MIT */
/*
 * Rules for single commands: how they are read, what is wrong with them, and what they decide. The
 * file system is a small model.
 */
#include "cmdpolicy/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cmdpolicy/cmdpolicy.h"
#include "cmdpolicy/hours.h"
#include "core/alloc.h"
#include "core/toml.h"
#include "test/lib/oom.h"

static const char rules_text[] = "[[remote-commands.rule]]\n"
                                 "comment = 'restart'\n"
                                 "path = '/usr/bin/systemctl'\n"
                                 "args = [['restart', 'reload'], { pattern = 'nginx|apache2' }]\n"
                                 "user = 'root'\n"
                                 "max_runtime = '2m'\n"
                                 "hours = ['Mon-Fri 08:00-18:00', 'Sat 22:00-02:00']\n"
                                 "[[remote-commands.rule]]\n"
                                 "path = ['/usr/bin/df', '/usr/bin/free']\n"
                                 "[[remote-commands.rule]]\n"
                                 "path = { pattern = '/opt/tools/[a-z]+' }\n"
                                 "args = ['--list']\n"
                                 "rest = { pattern = '[a-z]+' }\n"
                                 "cwd = ['/srv', '/tmp']\n"
                                 "[[remote-commands.rule]]\n"
                                 "path = '/usr/bin/awk'\n"
                                 "user = 'www-data'\n";

static int on_resolve(void *ctx, const char *program, char **resolved)
{
	static const char *const links[][2] = {
	    {"/usr/bin/awk", "/usr/bin/mawk"},
	    {"/opt/tools/evil", "/bin/sh"},
	    {"/opt/tools/same", "/opt/tools/other"},
	};
	(void)ctx;
	for (size_t i = 0; i < RP_ARRAY_LEN(links); i++) {
		if (strcmp(program, links[i][0]) == 0) {
			program = links[i][1];
		}
	}
	*resolved = rp_strdup(program);
	return *resolved == NULL ? RP_ENOMEM : 0;
}

static struct rp_toml *toml(const char *text)
{
	struct rp_toml *t;
	struct rp_err err = {0};
	if (rp_toml_parse("x.conf", text, strlen(text), &t, &err) != 0) {
		fail_msg("%s", err.msg);
	}
	return t;
}

static int make(const struct rp_toml *t, const struct rp_strlist *deny, struct rp_cmdpolicy **p,
    struct rp_err *err)
{
	const struct rp_cmdpolicy_options opt = {
	    .enabled = true,
	    .deny = deny,
	    .rules = rp_toml_get(rp_toml_get(t, "remote-commands"), "rule"),
	    .file = "x.conf",
	};
	return rp_cmdpolicy_new(&opt, p, err);
}

enum {
	MONDAY_NOON = 12 * 60,
	SUNDAY_ONE = 6 * RP_HOURS_DAY + 60,
	SUNDAY_THREE = 6 * RP_HOURS_DAY + 180
};

static const struct {
	struct rp_cmd_request req;
	const char *user; /* "" = the client's own; NULL = refused */
	const char *reason;
} decisions[] = {
    {{.command = "/usr/bin/systemctl restart nginx", .is_sudo = true, .minute = MONDAY_NOON},
        "root", "rule 1 (line 1) fits (restart)"},
    {{.command = "/usr/bin/systemctl reload 'apache2'", .is_sudo = true, .minute = SUNDAY_ONE},
        "root", "rule 1"},
    {{.command = "/usr/bin/systemctl restart nginx", .is_sudo = true, .minute = SUNDAY_THREE}, NULL,
        "rule 1 (line 1) comes nearest, the time of the week"},
    {{.command = "/usr/bin/systemctl restart nginx", .is_sudo = true, .minute = -1}, NULL,
        "the time of the week"},
    {{.command = "/usr/bin/systemctl restart nginx", .minute = MONDAY_NOON}, NULL,
        "rule 1 (line 1) comes nearest, the user"},
    {{.command = "/usr/bin/systemctl stop nginx", .is_sudo = true, .minute = MONDAY_NOON}, NULL,
        "argument 1 does not fit"},
    {{.command = "/usr/bin/systemctl restart nginx2", .is_sudo = true, .minute = MONDAY_NOON}, NULL,
        "argument 2 does not fit"},
    {{.command = "/usr/bin/systemctl restart xnginx", .is_sudo = true, .minute = MONDAY_NOON}, NULL,
        "argument 2 does not fit"},
    {{.command = "/usr/bin/systemctl restart 'nginx\\'", .is_sudo = true, .minute = MONDAY_NOON},
        NULL, "argument 2 does not fit"},
    {{.command = "/usr/bin/systemctl restart", .is_sudo = true, .minute = MONDAY_NOON}, NULL,
        "argument 2 does not fit"},
    {{.command = "/usr/bin/systemctl restart nginx x", .is_sudo = true, .minute = MONDAY_NOON},
        NULL, "argument 3 does not fit"},
    {{.command = "/usr/bin/systemctl restart nginx ''", .is_sudo = true, .minute = MONDAY_NOON},
        NULL, "argument 3 does not fit"},
    {{.command = "/usr/bin/systemctl restart nginx",
         .is_sudo = true,
         .minute = MONDAY_NOON,
         .cwd = "/tmp"},
        NULL, "the directory does not fit"},
    {{.command = "/usr/bin/systemctl restart nginx; id", .is_sudo = true}, NULL, "shell operator"},
    {{.command = "/usr/bin/df"}, "", "rule 2"},
    {{.command = "/usr/bin/free"}, "", "rule 2"},
    {{.command = "/usr/bin/df -h"}, NULL, "argument 1 does not fit"},
    {{.command = "/usr/bin/df", .is_sudo = true}, NULL, "the user does not fit"},
    {{.command = "/usr/bin/df", .interpreter = "/bin/sh"}, NULL, "takes no interpreter"},
    {{.command = "/usr/bin//df"}, NULL, "unclean path"},
    {{.command = "/usr/bin/../bin/df"}, NULL, "unclean path"},
    {{.command = "/opt/tools/show --list"}, "", "rule 3"},
    {{.command = "/opt/tools/show --list a bc"}, "", "rule 3"},
    {{.command = "/opt/tools/show --list a B"}, NULL, "argument 3 does not fit"},
    {{.command = "/opt/tools/show"}, NULL, "argument 1 does not fit"},
    {{.command = "/opt/tools/same --list"}, "", "rule 3"},
    {{.command = "/opt/tools/evil --list"}, NULL, "no rule names this program"},
    {{.command = "/opt/tools/a/../evil --list"}, NULL, "unclean path"},
    {{.command = "/opt/tools/show --list", .cwd = "/srv"}, "", "rule 3"},
    {{.command = "/opt/tools/show --list", .cwd = "/srv/x"}, NULL, "the directory does not fit"},
    {{.command = "/opt/tools/show --list", .cwd = "/srv/../etc"}, NULL, "working directory has"},
    {{.command = "/opt/tools/show --list", .cwd = "/tmp/"}, NULL, "working directory has"},
    {{.command = "/opt/tools/show --list", .cwd = "srv"}, NULL, "not an absolute path"},
    {{.command = "/usr/bin/awk", .is_sudo = true}, "www-data", "rule 4"},
    {{.command = "/usr/bin/mawk", .is_sudo = true}, NULL, "no rule names this program"},
    {{.command = "awk", .is_sudo = true}, NULL, "not an absolute path"},
    {{.command = "/bin/sh"}, NULL, "no rule names this program"},
};

static void test_decisions(void **state)
{
	(void)state;
	struct rp_toml *t = toml(rules_text);
	struct rp_cmdpolicy *p;
	struct rp_err err = {0};
	assert_int_equal(make(t, NULL, &p, &err), 0);
	rp_toml_free(t);
	for (size_t i = 0; i < RP_ARRAY_LEN(decisions); i++) {
		struct rp_cmd_plan plan;
		struct rp_err reason = {0};
		const char *user = decisions[i].user;
		int rc = rp_cmdpolicy_decide(
		    p, &decisions[i].req, on_resolve, NULL, &plan, &err, &reason);
		bool same = rc == (user != NULL ? 0 : RP_EDENIED) &&
		    (rc != 0 || strcmp(user, plan.user != NULL ? plan.user : "") == 0);
		if (!same || strstr(reason.msg, decisions[i].reason) == NULL) {
			fail_msg(
			    "row %zu: %s: %d, %s", i, decisions[i].req.command, rc, reason.msg);
		}
		if (i == 0) {
			assert_int_equal(plan.max_runtime, INT64_C(120000000000));
			assert_int_equal(plan.argv.n, 3);
			assert_string_equal(plan.argv.v[2], "nginx");
		}
		rp_cmd_plan_fini(&plan);
	}
	rp_cmdpolicy_free(p);
}

/* Expressions that forbid count beside the rules, on both texts. */
static void test_deny(void **state)
{
	(void)state;
	static const char *const texts[] = {"free", "mawk"};
	const struct rp_strlist deny = {.v = (char **)(uintptr_t)texts, .n = 2};
	struct rp_toml *t = toml(rules_text);
	struct rp_cmdpolicy *p;
	struct rp_cmd_plan plan;
	struct rp_err err = {0};
	struct rp_err reason = {0};
	struct rp_cmd_request req = {.command = "/usr/bin/free"};
	assert_int_equal(make(t, &deny, &p, &err), 0);
	rp_toml_free(t);
	assert_int_equal(
	    rp_cmdpolicy_decide(p, &req, on_resolve, NULL, &plan, &err, &reason), RP_EDENIED);
	assert_string_equal(reason.msg, "given command matches deny expression 1");
	req = (struct rp_cmd_request){.command = "/usr/bin/awk", .is_sudo = true};
	assert_int_equal(
	    rp_cmdpolicy_decide(p, &req, on_resolve, NULL, &plan, &err, &reason), RP_EDENIED);
	assert_string_equal(reason.msg, "resolved command matches deny expression 2");
	req = (struct rp_cmd_request){.command = "/usr/bin/df"};
	assert_int_equal(rp_cmdpolicy_decide(p, &req, on_resolve, NULL, &plan, &err, &reason), 0);
	rp_cmd_plan_fini(&plan);
	rp_cmdpolicy_free(p);
}

#define RULE "[[remote-commands.rule]]\n"

static const struct {
	const char *text;
	const char *error;
} mistakes[] = {
    {RULE "args = []", "x.conf:1: remote-commands.rule: has no path"},
    {RULE "path = 'id'", "x.conf:2: remote-commands.rule.path: is not absolute"},
    {RULE "path = 1", "x.conf:2: remote-commands.rule.path: is a number"},
    {RULE "path = []", "is an empty list"},
    {RULE "path = ['/a', 'b']", "is not absolute"},
    {RULE "path = { pattern = '[' }", "invalid regular expression \"[\""},
    {RULE "path = { pattern = 'a)|(b' }", "invalid regular expression \"a)|(b\""},
    {RULE "path = { patern = 'a' }", "is a table without pattern alone"},
    {RULE "path = { pattern = 'a', x = 1 }", "is a table without pattern alone"},
    {RULE "path = { pattern = 1 }", "is a number"},
    {RULE "path = '/a'\nargs = 'x'", "x.conf:3: remote-commands.rule.args: is a text"},
    {RULE "path = '/a'\nargs = ['x', 2]", "argument 2: is a number"},
    {RULE "path = '/a'\nargs = ['x', []]", "argument 2: is an empty list"},
    {RULE "path = '/a'\nuser = ''", "is no name of a user"},
    {RULE "path = '/a'\nuser = '-u'", "is no name of a user"},
    {RULE "path = '/a'\nuser = '#0'", "is no name of a user"},
    {RULE "path = '/a'\nuser = 'a b'", "is no name of a user"},
    {RULE "path = '/a'\nuser = 0", "is a number, expected a text"},
    {RULE "path = '/a'\nmax_runtime = 90", "is no time, expected a text such as \"90s\""},
    {RULE "path = '/a'\nmax_runtime = '-1s'", "is no time"},
    {RULE "path = '/a'\nhours = []", "is an empty list"},
    {RULE "path = '/a'\nhours = 'Mon'", "is no time from HH:MM to HH:MM"},
    {RULE "path = '/a'\nhours = 'Mo 08:00-09:00'", "has a day that is none of Mon to Sun"},
    {RULE "path = '/a'\nhours = '08:00-25:00'", "is no time from"},
    {RULE "path = '/a'\nhours = '24:00-08:00'", "is no time from"},
    {RULE "path = '/a'\nhours = '8:00-9:00'", "is no time from"},
    {RULE "path = '/a'\nhours = [1]", "is a number, expected a text"},
    {RULE "path = '/a'\ncomment = true", "expected a text"},
    {RULE "path = '/a'\narg = []", "x.conf:3: remote-commands.rule.arg: is unknown"},
};

static void test_mistakes(void **state)
{
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(mistakes); i++) {
		struct rp_toml *t = toml(mistakes[i].text);
		struct rp_cmdpolicy *p = NULL;
		struct rp_err err = {0};
		int rc = make(t, NULL, &p, &err);
		if (rc != RP_EINVAL || strstr(err.msg, mistakes[i].error) == NULL) {
			fail_msg("%s: %d, %s", mistakes[i].text, rc, err.msg);
		}
		rp_toml_free(t);
	}
}

static void test_hours(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int day, hour, minute;
		bool in;
	} rows[] = {
	    {"Mon-Fri 08:00-18:00", 0, 8, 0, true},
	    {"Mon-Fri 08:00-18:00", 0, 7, 59, false},
	    {"Mon-Fri 08:00-18:00", 4, 17, 59, true},
	    {"Mon-Fri 08:00-18:00", 4, 18, 0, false},
	    {"Mon-Fri 08:00-18:00", 5, 12, 0, false},
	    {"sat,SUN 10:00-12:00", 6, 11, 0, true},
	    {"Fri-Mon 10:00-12:00", 0, 11, 0, true},
	    {"Fri-Mon 10:00-12:00", 1, 11, 0, false},
	    {"22:00-06:00", 3, 23, 0, true},
	    {"22:00-06:00", 3, 5, 59, true},
	    {"22:00-06:00", 3, 6, 0, false},
	    {"Sun 22:00-06:00", 0, 5, 0, true},
	    {"Sun 22:00-06:00", 1, 5, 0, false},
	    {"00:00-24:00", 2, 0, 0, true},
	    {"00:00-24:00", 6, 23, 59, true},
	    {"00:00-00:00", 6, 23, 59, true},
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		struct rp_hours h;
		struct rp_err err = {0};
		int minute = rows[i].day * RP_HOURS_DAY + rows[i].hour * 60 + rows[i].minute;
		assert_int_equal(rp_hours_parse(rp_str_c(rows[i].text), &h, &err), 0);
		if (rp_hours_has(&h, minute) != rows[i].in) {
			fail_msg("row %zu: %s", i, rows[i].text);
		}
		assert_false(rp_hours_has(&h, -1));
		assert_false(rp_hours_has(&h, RP_HOURS_WEEK));
	}
}

static void test_text(void **state)
{
	(void)state;
	struct rp_toml *t = toml(rules_text);
	struct rp_cmdpolicy *p;
	struct rp_err err = {0};
	struct rp_buf out;
	assert_int_equal(make(t, NULL, &p, &err), 0);
	rp_toml_free(t);
	rp_buf_init(&out, SIZE_MAX);
	assert_int_equal(rp_cmdpolicy_text(p, &out), 0);
	assert_int_equal(rp_buf_terminate(&out), 0);
	const char *text = (const char *)rp_buf_head(&out);
	assert_non_null(strstr(text,
	    "rule 1 (line 1): run \"/usr/bin/systemctl\" with \"restart\" or \"reload\", then what "
	    "matches nginx|apache2, as root by sudo, only Mon Tue Wed Thu Fri 08:00-18:00 and Sat "
	    "22:00-02:00, for at most 2m0s  # restart\n"));
	assert_non_null(strstr(text,
	    "rule 3 (line 10): run what matches /opt/tools/[a-z]+ with \"--list\", then any number of "
	    "what matches [a-z]+, as the client's own user, in \"/srv\" or \"/tmp\"\n"));
	rp_buf_fini(&out);
	rp_cmdpolicy_free(p);
}

/* Interpreters of scripts that the owner lists. */
static void test_interpreters(void **state)
{
	(void)state;
	static const char *const names[] = {"bash", ""};
	const struct rp_strlist list = {.v = (char **)(uintptr_t)names, .n = 2};
	const struct rp_cmdpolicy_options opt = {
	    .enabled = true, .scripts_enabled = true, .no_sudo = true, .interpreters = &list};
	static const struct {
		struct rp_cmd_request req;
		bool allowed;
	} rows[] = {
	    {{.command = "id", .is_script = true, .interpreter = "bash"}, true},
	    {{.command = "id", .is_script = true}, true},
	    {{.command = "id", .is_script = true, .interpreter = "perl"}, false},
	    {{.command = "id", .is_script = true, .interpreter = "/bin/bash"}, false},
	    {{.command = "#!/usr/bin/perl\n", .is_script = true, .interpreter = "bash"}, false},
	    {{.command = "id", .is_script = true, .interpreter = "bash", .is_sudo = true}, false},
	};
	struct rp_cmdpolicy *p;
	struct rp_err err = {0};
	assert_int_equal(rp_cmdpolicy_new(&opt, &p, &err), 0);
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		struct rp_cmd_plan plan;
		struct rp_err reason = {0};
		int rc = rp_cmdpolicy_decide(
		    p, &rows[i].req, on_resolve, NULL, &plan, &err, &reason);
		if ((rc == 0) != rows[i].allowed) {
			fail_msg("row %zu: %s", i, reason.msg);
		}
		assert_true(rc == 0 || strstr(err.msg, "script is not allowed: ") != NULL);
		rp_cmd_plan_fini(&plan);
	}
	rp_cmdpolicy_free(p);
}

static int oom_body(void *state)
{
	const struct rp_toml *t = state;
	struct rp_cmdpolicy *p;
	struct rp_cmd_plan plan;
	struct rp_err err = {0};
	struct rp_err reason = {0};
	const struct rp_cmd_request req = {
	    .command = "/usr/bin/systemctl restart nginx", .is_sudo = true, .minute = MONDAY_NOON};
	int rc = make(t, NULL, &p, &err);
	if (rc != 0) {
		return rc;
	}
	rc = rp_cmdpolicy_decide(p, &req, on_resolve, NULL, &plan, &err, &reason);
	rp_cmd_plan_fini(&plan);
	rp_cmdpolicy_free(p);
	return rc;
}

static void test_oom(void **state)
{
	(void)state;
	struct rp_toml *t = toml(rules_text);
	assert_int_equal(rp_oom_run(oom_body, t), 0);
	rp_toml_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_decisions),
	    cmocka_unit_test(test_deny),
	    cmocka_unit_test(test_mistakes),
	    cmocka_unit_test(test_hours),
	    cmocka_unit_test(test_text),
	    cmocka_unit_test(test_interpreters),
	    cmocka_unit_test(test_oom),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
