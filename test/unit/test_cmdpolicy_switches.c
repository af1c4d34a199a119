/* SPDX-License-Identifier: MIT */
/*
 * The command policy: its switches, plans of scripts, mistakes in the configuration, and patterns
 * and texts that are made to be expensive.
 */
#include "cmdpolicy/cmdpolicy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "test/lib/cmdpolicy_short.h"
#include "test/lib/oom.h"

static void expect(const struct rp_cmdpolicy *p, const struct rp_cmd_request *req, const char *text)
{
	struct rp_cmd_plan plan;
	struct rp_err err = {0};
	struct rp_err reason = {0};
	int rc = rp_cmdpolicy_decide(p, req, on_resolve, NULL, &plan, &err, &reason);
	assert_int_equal(rc, text == NULL ? 0 : RP_EDENIED);
	if (text != NULL) {
		assert_string_equal(err.msg, text);
	}
	rp_cmd_plan_fini(&plan);
	/* Nobody has to ask for the texts. */
	assert_int_equal(rp_cmdpolicy_decide(p, req, on_resolve, NULL, &plan, NULL, NULL), rc);
	rp_cmd_plan_fini(&plan);
}

static void test_switches(void **state)
{
	(void)state;
	struct rp_cmdpolicy_options opt = defaults;
	struct rp_cmd_request command = {.command = "/usr/bin/id"};
	struct rp_cmd_request script = {.command = "rm -rf /\n", .is_script = true};
	struct rp_cmdpolicy *p = policy(&opt);
	expect(p, &command, NULL);
	expect(p, &script, "remote scripts are disabled");
	command.is_sudo = true;
	expect(p, &command, NULL);
	command.cwd = "/tmp";
	expect(p, &command, NULL);
	command.cwd = "tmp";
	expect(p, &command, "command is not allowed: /usr/bin/id");
	command.cwd = "/tmp\n";
	expect(p, &command, "command is not allowed: /usr/bin/id");
	command.cwd = "";
	command.interpreter = "";
	expect(p, &command, NULL);
	command.interpreter = "/bin/bash";
	expect(p, &command, "command is not allowed: /usr/bin/id");
	command.command = NULL;
	expect(p, &command, "command is not allowed: ");
	rp_cmdpolicy_free(p);

	opt.scripts_enabled = true;
	p = policy(&opt);
	expect(p, &script, NULL);
	rp_cmdpolicy_free(p);

	opt.enabled = false;
	p = policy(&opt);
	command = (struct rp_cmd_request){.command = "/usr/bin/id"};
	expect(p, &command, "remote commands execution is disabled");
	expect(p, &script, "remote commands execution is disabled");
	rp_cmdpolicy_free(p);
	rp_cmdpolicy_free(NULL);
}

static void test_script_plan(void **state)
{
	(void)state;
	struct rp_cmdpolicy_options opt = defaults;
	struct rp_cmd_request req = {.command = "x | y", .is_script = true, .interpreter = "bash"};
	struct rp_cmd_plan plan;
	opt.scripts_enabled = true;
	struct rp_cmdpolicy *p = policy(&opt);
	assert_int_equal(rp_cmdpolicy_decide(p, &req, on_resolve, NULL, &plan, NULL, NULL), 0);
	assert_true(plan.shell);
	assert_int_equal(plan.argv.n, 0);
	rp_cmd_plan_fini(&plan);
	rp_cmdpolicy_free(p);
}

/* The program is called by the name that was given. */
static void test_argv0(void **state)
{
	(void)state;
	struct rp_cmd_request req = {.command = "/usr/bin/awk 1"};
	struct rp_cmd_plan plan;
	struct rp_cmdpolicy *p = policy(&defaults);
	assert_int_equal(rp_cmdpolicy_decide(p, &req, on_resolve, NULL, &plan, NULL, NULL), 0);
	assert_false(plan.shell);
	assert_string_equal(plan.argv0, "/usr/bin/awk");
	assert_string_equal(plan.argv.v[0], "/usr/bin/mawk");
	rp_cmd_plan_fini(&plan);
	rp_cmdpolicy_free(p);
}

static void refuse(const struct rp_cmdpolicy_options *opt, const char *text)
{
	struct rp_cmdpolicy *p;
	struct rp_err err = {0};
	assert_int_not_equal(rp_cmdpolicy_new(opt, &p, &err), 0);
	if (strstr(err.msg, text) != err.msg) {
		fail_msg("%s", err.msg);
	}
}

static void test_config_errors(void **state)
{
	(void)state;
	refuse(&(struct rp_cmdpolicy_options){.allow = LIST("ok", "a(")},
	    "remote commands: allow regexp: invalid regular expression \"a(\": ");
	refuse(&(struct rp_cmdpolicy_options){.deny = LIST("[")},
	    "remote commands: deny regexp: invalid regular expression \"[\": ");
	refuse(&(struct rp_cmdpolicy_options){.deny = LIST("a\\C")},
	    "remote commands: deny regexp: invalid regular expression \"a\\C\": ");
	refuse(
	    &(struct rp_cmdpolicy_options){.deny = LIST("\xff")}, "remote commands: deny regexp: ");
	refuse(&(struct rp_cmdpolicy_options){.order = LIST("allow")},
	    "remote commands: invalid order: allow, expected");
	refuse(&(struct rp_cmdpolicy_options){.order = LIST("allow", "allow")},
	    "remote commands: invalid order: allow,allow, expected");
	refuse(&(struct rp_cmdpolicy_options){.order = LIST("Allow", "Deny")},
	    "remote commands: invalid order: Allow,Deny, expected");
	refuse(&(struct rp_cmdpolicy_options){.order = LIST("allow", "deny", "x")},
	    "remote commands: invalid order: allow,deny, expected");
	refuse(&(struct rp_cmdpolicy_options){.order = &(struct rp_strlist){0}},
	    "remote commands: invalid order: empty");
	char deep[400];
	memset(deep, '(', 200);
	memset(deep + 200, ')', 199);
	deep[399] = '\0';
	refuse(
	    &(struct rp_cmdpolicy_options){.allow = LIST(deep)}, "remote commands: allow regexp: ");
}

/* Long texts are decided or refused, and soon. */
static void test_long(void **state)
{
	(void)state;
	static char text[2 * RP_COMMAND_TEXT_MAX];
	struct rp_cmdpolicy *p = policy(&defaults);
	struct rp_cmd_request req = {.command = text};
	char reason[256];
	memset(text, 'a', sizeof(text) - 1);
	memcpy(text, "/usr/bin/echo ", 14);
	assert_null(decide(p, &req, reason));
	assert_string_equal(reason, "text is too long");
	text[RP_COMMAND_TEXT_MAX] = '\0';
	char *runs = decide(p, &req, reason);
	assert_non_null(runs);
	rp_free(runs);
	text[RP_COMMAND_TEXT_MAX - 1] = ';';
	assert_null(decide(p, &req, reason));
	text[RP_COMMAND_TEXT_MAX - 1] = '$';
	assert_null(decide(p, &req, reason));
	for (size_t i = 14; i < RP_COMMAND_TEXT_MAX; i += 2) {
		text[i] = ' ';
	}
	text[RP_COMMAND_TEXT_MAX - 1] = 'a';
	assert_null(decide(p, &req, reason));
	assert_string_equal(reason, "too many words");
	rp_cmdpolicy_free(p);
}

/* Expressions that backtrack for ever: the limit ends them, and the answer is no, in both lists. */
static void test_catastrophic(void **state)
{
	(void)state;
	static const char *const patterns[] = {
	    "^(a+)+$", "^(a|aa)+$", "^(a|a?)+$", "^(.*a){25}$", "(x+x+)+y|^(a*)*b"};
	char text[200];
	memset(text, 'a', 60);
	memcpy(text + 60, "!", 2);
	for (size_t i = 0; i < RP_ARRAY_LEN(patterns); i++) {
		struct rp_cmd_request req = {.command = text};
		char reason[256];
		struct rp_cmdpolicy *p = policy(&(struct rp_cmdpolicy_options){
		    .enabled = true, .shell = true, .allow = LIST(patterns[i])});
		assert_null(decide(p, &req, reason));
		rp_cmdpolicy_free(p);
		p = policy(&(struct rp_cmdpolicy_options){.enabled = true,
		    .shell = true,
		    .allow = LIST("^a"),
		    .deny = LIST(patterns[i])});
		char *runs = decide(p, &req, reason);
		assert_true(runs == NULL ? strstr(reason, "could not decide: limit") != NULL
		                         : strstr(reason, "no deny") != NULL);
		rp_free(runs);
		rp_cmdpolicy_free(p);
	}
}

/* RE2's reading, where PCRE2's own would differ. */
static void test_re2_manner(void **state)
{
	(void)state;
	static const struct {
		const char *pattern;
		const char *text;
		bool match;
	} rows[] = {
	    {"id$", "id\n", false},
	    {"(?m)id$", "id\nx", true},
	    {"a.b", "a\nb", false},
	    {"(?s)a.b", "a\nb", true},
	    {"a.b", "a\rb", true},
	    {"^b", "a\nb", false},
	    {"(?m)^b", "a\nb", true},
	    {"\\d", "\xd9\xa1", false},
	    {"\\w", "\xc3\xa4", false},
	    {"\\pL", "\xc3\xa4", true},
	    {"^.$", "\xc3\xa4", true},
	    {"[[:alpha:]]+", "abc", true},
	    {"\\Aabc\\z", "abc", true},
	    {"\\Qa.b\\E", "axb", false},
	    {"(?P<x>a)(?i:B)", "ab", true},
	    {"a{2,3}?", "aa", true},
	    {"\\x{e4}", "\xc3\xa4", true},
	    {"", "", true},
	    {"a|", "b", true},
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		struct rp_cmd_request req = {.command = rows[i].text};
		char reason[256];
		struct rp_cmdpolicy *p = policy(&(struct rp_cmdpolicy_options){
		    .enabled = true, .shell = true, .allow = LIST(rows[i].pattern)});
		char *runs = decide(p, &req, reason);
		if ((runs != NULL) != rows[i].match) {
			fail_msg("%s on %s: %s", rows[i].pattern, rows[i].text, reason);
		}
		rp_free(runs);
		rp_cmdpolicy_free(p);
	}
}

static int oom_body(void *state)
{
	(void)state;
	struct rp_cmdpolicy *p;
	struct rp_cmd_plan plan;
	struct rp_cmd_request req = {.command = "/usr/bin/awk 'a b' c"};
	struct rp_err reason;
	int rc = rp_cmdpolicy_new(&defaults, &p, NULL);
	if (rc != 0) {
		return rc;
	}
	rc = rp_cmdpolicy_decide(p, &req, on_resolve, NULL, &plan, NULL, &reason);
	rp_cmd_plan_fini(&plan);
	rp_cmdpolicy_free(p);
	return rc;
}

static void test_oom(void **state)
{
	(void)state;
	assert_int_equal(rp_oom_run(oom_body, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_switches),
	    cmocka_unit_test(test_script_plan),
	    cmocka_unit_test(test_argv0),
	    cmocka_unit_test(test_config_errors),
	    cmocka_unit_test(test_long),
	    cmocka_unit_test(test_catastrophic),
	    cmocka_unit_test(test_re2_manner),
	    cmocka_unit_test(test_oom),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
