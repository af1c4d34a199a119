/* SPDX-License-Identifier: MIT */
/*
 * Splitting commands into words: what is accepted means to /bin/sh exactly what it means to us,
 * and everything that would need a shell is refused by name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cmdpolicy/cmdpolicy.h"
#include "core/alloc.h"
#include "core/buf.h"
#include "test/lib/oom.h"

/* The words that follow, each behind a '|'. */
static const struct {
	const char *text;
	const char *words;
} good[] = {
    {"/usr/bin/id", "|/usr/bin/id"},
    {"/usr/bin/id -un", "|/usr/bin/id|-un"},
    {"  /usr/bin/id \t -un  ", "|/usr/bin/id|-un"},
    {"\t\t/usr/bin/id\t", "|/usr/bin/id"},
    {"a 'b c' d", "|a|b c|d"},
    {"a \"b c\" d", "|a|b c|d"},
    {"a b\\ c d", "|a|b c|d"},
    {"a ''", "|a|"},
    {"a \"\" '' b", "|a|||b"},
    {"a '' ''", "|a||"},
    {"a'b'\"c\"\\d", "|abcd"},
    {"a '$HOME `id` $(id) \\n *?[ ; & | < > # ~ {a,b}'",
        "|a|$HOME `id` $(id) \\n *?[ ; & | < > # ~ {a,b}"},
    {"a \"* ? [ ; & | < > # ~ ' {a,b}\"", "|a|* ? [ ; & | < > # ~ ' {a,b}"},
    {"a \"\\$HOME \\` \\\" \\\\ \\n \\x\"", "|a|$HOME ` \" \\ \\n \\x"},
    {"a \\$HOME \\`id\\` \\; \\& \\| \\< \\> \\( \\) \\* \\? \\[ \\{ \\# \\~ \\' \\\"",
        "|a|$HOME|`id`|;|&|||<|>|(|)|*|?|[|{|#|~|'|\""},
    {"a b#c d~e", "|a|b#c|d~e"},
    {"a ]", "|a|]"},
    {"a {} +", "|a|{}|+"},
    {"a }", "|a|}"},
    {"a b=c D=e", "|a|b=c|D=e"},
    {"a --x=y", "|a|--x=y"},
    {"./a=b c", "|./a=b|c"},
    {"1a=b c", "|1a=b|c"},
    {"'FOO'=bar x", "|FOO=bar|x"},
    {"a %1 ^b !c @d :e ,f", "|a|%1|^b|!c|@d|:e|,f"},
    {"a \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "|a|\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"},
    {"a b\xc2\xa0"
     "c",
        "|a|b\xc2\xa0"
        "c"},
    {"a \"b\tc\" 'd\te'", "|a|b\tc|d\te"},
    {"a -- -x", "|a|--|-x"},
    {"a \\\\", "|a|\\"},
    {"a '\\'", "|a|\\"},
    {"a \"'\" '\"'", "|a|'|\""},
    {"a x\\=y", "|a|x=y"},
};

/* The words as /bin/sh sees them. */
static char *shell_words(const char *text)
{
	char script[2048];
	char out[2048];
	int in[2];
	(void)snprintf(
	    script, sizeof(script), "set -- %s\nfor w; do printf '|%%s' \"$w\"; done", text);
	assert_int_equal(pipe(in), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)dup2(in[1], STDOUT_FILENO);
		if (chdir("/") == 0) {
			(void)execl("/bin/sh", "sh", "-c", script, (char *)NULL);
		}
		_exit(127);
	}
	(void)close(in[1]);
	size_t n = 0;
	ssize_t got;
	while ((got = read(in[0], out + n, sizeof(out) - 1 - n)) > 0) {
		n += (size_t)got;
	}
	(void)close(in[0]);
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	return rp_strndup(out, n);
}

static char *our_words(const char *text)
{
	struct rp_strlist words;
	struct rp_err err = {0};
	struct rp_buf out;
	char *joined = NULL;
	if (rp_words_split(text, &words, &err) != 0) {
		fail_msg("%s: %s", text, err.msg);
	}
	rp_buf_init(&out, 4096);
	for (size_t i = 0; i < words.n; i++) {
		assert_int_equal(rp_buf_printf(&out, "|%s", words.v[i]), 0);
	}
	assert_int_equal(rp_buf_take_string(&out, &joined), 0);
	rp_strlist_fini(&words);
	return joined;
}

static void test_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(good); i++) {
		char *ours = our_words(good[i].text);
		char *theirs = shell_words(good[i].text);
		assert_string_equal(ours, good[i].words);
		assert_string_equal(theirs, good[i].words);
		rp_free(ours);
		rp_free(theirs);
	}
}

static void test_refused(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int code;
		const char *why;
	} bad[] = {
	    {"", RP_EINVAL, "no command"},
	    {"   \t ", RP_EINVAL, "no command"},
	    {"a 'b", RP_EINVAL, "single quote without its end"},
	    {"a \"b", RP_EINVAL, "double quote without its end"},
	    {"a \"b\\\"", RP_EINVAL, "double quote without its end"},
	    {"a \"b\\", RP_EINVAL, "double quote without its end"},
	    {"a \\", RP_EINVAL, "backslash at the end"},
	    {"a|b", RP_EDENIED, "shell operator"},
	    {"a b & ", RP_EDENIED, "shell operator"},
	    {"a;b", RP_EDENIED, "shell operator"},
	    {"a<b", RP_EDENIED, "shell operator"},
	    {"a 2>b", RP_EDENIED, "shell operator"},
	    {"(a)", RP_EDENIED, "shell operator"},
	    {"a)", RP_EDENIED, "shell operator"},
	    {"a $b", RP_EDENIED, "expansion"},
	    {"a $", RP_EDENIED, "expansion"},
	    {"a $(b)", RP_EDENIED, "expansion"},
	    {"a ${b}", RP_EDENIED, "expansion"},
	    {"a $((1))", RP_EDENIED, "expansion"},
	    {"a $'\\n'", RP_EDENIED, "expansion"},
	    {"a \"$b\"", RP_EDENIED, "expansion"},
	    {"a \"$(b)\"", RP_EDENIED, "expansion"},
	    {"a `b`", RP_EDENIED, "command substitution"},
	    {"a \"`b`\"", RP_EDENIED, "command substitution"},
	    {"a \"\\\\`b`\"", RP_EDENIED, "command substitution"},
	    {"a *", RP_EDENIED, "file name pattern"},
	    {"a b?", RP_EDENIED, "file name pattern"},
	    {"a [b]", RP_EDENIED, "file name pattern"},
	    {"a 'b'*", RP_EDENIED, "file name pattern"},
	    {"a {b,c}", RP_EDENIED, "brace expansion"},
	    {"a {1..9}", RP_EDENIED, "brace expansion"},
	    {"a ~", RP_EDENIED, "home directory"},
	    {"~/a", RP_EDENIED, "home directory"},
	    {"a # b", RP_EDENIED, "comment"},
	    {"#!/bin/sh", RP_EDENIED, "comment"},
	    {"A=b c", RP_EDENIED, "variable assignment"},
	    {"_a1=b", RP_EDENIED, "variable assignment"},
	    {"A+=b c", RP_EDENIED, "variable assignment"},
	    {"LD_PRELOAD='x' c", RP_EDENIED, "variable assignment"},
	    {"a\nb", RP_EDENIED, "line end"},
	    {"a 'b\nc'", RP_EDENIED, "line end"},
	    {"a \\\nb", RP_EDENIED, "line end"},
	    {"a\rb", RP_EDENIED, "line end"},
	    {"a \x01", RP_EDENIED, "control character U+0001"},
	    {"a '\x1b[0m'", RP_EDENIED, "control character U+001B"},
	    {"a\vb", RP_EDENIED, "control character U+000B"},
	    {"a\fb", RP_EDENIED, "control character U+000C"},
	    {"a \x7f", RP_EDENIED, "control character U+007F"},
	    {"a \xc2\x85", RP_EDENIED, "control character U+0085"},
	    {"a \xe2\x80\xa8", RP_EDENIED, "control character U+2028"},
	    {"a \xe2\x80\xae", RP_EDENIED, "control character U+202E"},
	    {"a \xe2\x81\xa6", RP_EDENIED, "control character U+2066"},
	    {"\xef\xbb\xbf/usr/bin/id", RP_EDENIED, "control character U+FEFF"},
	    {"a \xff", RP_EDENIED, "not valid UTF-8"},
	    {"a \xc0\xaf", RP_EDENIED, "not valid UTF-8"},
	    {"a \xed\xa0\x80", RP_EDENIED, "not valid UTF-8"},
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(bad); i++) {
		struct rp_strlist words;
		struct rp_err err = {0};
		int rc = rp_words_split(bad[i].text, &words, &err);
		if (rc != bad[i].code || strstr(err.msg, bad[i].why) == NULL) {
			fail_msg("row %zu (%s): %d %s", i, bad[i].text, rc, err.msg);
		}
		assert_null(words.v);
		assert_int_equal(words.n, 0);
	}
}

static void test_limits(void **state)
{
	(void)state;
	static char text[RP_COMMAND_TEXT_MAX + 2];
	struct rp_strlist words;
	memset(text, 'a', RP_COMMAND_TEXT_MAX);
	assert_int_equal(rp_words_split(text, &words, NULL), 0);
	assert_int_equal(strlen(words.v[0]), RP_COMMAND_TEXT_MAX);
	rp_strlist_fini(&words);
	text[RP_COMMAND_TEXT_MAX] = 'a';
	assert_int_equal(rp_words_split(text, &words, NULL), RP_EDENIED);
	text[2 * RP_COMMAND_WORDS_MAX] = '\0';
	for (size_t i = 1; i < 2 * RP_COMMAND_WORDS_MAX; i += 2) {
		text[i] = ' ';
	}
	assert_int_equal(rp_words_split(text, &words, NULL), 0);
	assert_int_equal(words.n, RP_COMMAND_WORDS_MAX);
	rp_strlist_fini(&words);
	text[2 * RP_COMMAND_WORDS_MAX] = 'a';
	text[2 * RP_COMMAND_WORDS_MAX + 1] = '\0';
	assert_int_equal(rp_words_split(text, &words, NULL), RP_EDENIED);
}

static int oom_body(void *state)
{
	(void)state;
	struct rp_strlist words;
	int rc = rp_words_split("/usr/bin/printf 'a b' \"c\" d\\ e", &words, NULL);
	if (rc == 0) {
		rp_strlist_fini(&words);
	}
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
	    cmocka_unit_test(test_good),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_oom),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
