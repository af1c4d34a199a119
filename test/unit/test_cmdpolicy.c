/* SPDX-License-Identifier: MIT */
/*
 * The command policy as a table: texts, whether they may run, and which rule decided.
 */
#include "cmdpolicy/cmdpolicy.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "test/lib/cmdpolicy_short.h"

static const struct row default_rows[] = {
    /* Plain commands. */
    {"/usr/bin/id", "|/usr/bin/id", "resolved command matches allow expression 1 and no deny"},
    {"/usr/bin/id -un", "|/usr/bin/id|-un", NULL},
    {"/usr/bin/uname -a", "|/usr/bin/uname|-a", NULL},
    {"/usr/local/bin/backup --full", "|/usr/local/bin/backup|--full", NULL},
    {"/usr/bin/df -h /", "|/usr/bin/df|-h|/", NULL},
    {"/usr/bin/printf '%s\\n' hello", "|/usr/bin/printf|%s\\n|hello", NULL},
    {"/usr/bin/printf \"%s %s\" a b", "|/usr/bin/printf|%s %s|a|b", NULL},
    {"/usr/bin/touch a\\ b", "|/usr/bin/touch|a b", NULL},
    {"/usr/bin/systemctl restart nginx.service", "|/usr/bin/systemctl|restart|nginx.service", NULL},
    {"/usr/bin/journalctl -u ssh --since=-1h", "|/usr/bin/journalctl|-u|ssh|--since=-1h", NULL},
    {"/usr/bin/env", "|/usr/bin/env", NULL},
    {"/usr/bin/env A=b id", "|/usr/bin/env|A=b|id", NULL},
    {"/usr/bin/dd if=/dev/zero of=/tmp/x bs=1 count=1",
        "|/usr/bin/dd|if=/dev/zero|of=/tmp/x|bs=1|count=1", NULL},
    {"/usr/bin/grep -e 'a*b[c]' f", "|/usr/bin/grep|-e|a*b[c]|f", NULL},
    {"/usr/bin/grep \\* f", "|/usr/bin/grep|*|f", NULL},
    {"/usr/bin/echo '$HOME'", "|/usr/bin/echo|$HOME", NULL},
    {"/usr/bin/echo '`id`'", "|/usr/bin/echo|`id`", NULL},
    {"/usr/bin/echo '$(id)'", "|/usr/bin/echo|$(id)", NULL},
    {"/usr/bin/echo \\$HOME", "|/usr/bin/echo|$HOME", NULL},
    {"/usr/bin/echo \"\\$HOME\"", "|/usr/bin/echo|$HOME", NULL},
    {"/usr/bin/echo '~' a~b", "|/usr/bin/echo|~|a~b", NULL},
    {"/usr/bin/echo a#b '#'", "|/usr/bin/echo|a#b|#", NULL},
    {"/usr/bin/echo ''", "|/usr/bin/echo|", NULL},
    {"/usr/bin/echo \"\" x", "|/usr/bin/echo||x", NULL},
    {"/usr/bin/echo\ta\tb", "|/usr/bin/echo|a|b", NULL},
    {"/usr/bin/echo  a   b ", "|/usr/bin/echo|a|b", NULL},
    {"/usr/bin/echo 'a\tb'", "|/usr/bin/echo|a\tb", NULL},
    {"/usr/bin/find / -name x -exec ls {} +", "|/usr/bin/find|/|-name|x|-exec|ls|{}|+", NULL},
    {"/usr/bin/echo \xc3\xa4\xe2\x82\xac", "|/usr/bin/echo|\xc3\xa4\xe2\x82\xac", NULL},
    {"/usr/bin/echo \xf0\x9f\x98\x80", "|/usr/bin/echo|\xf0\x9f\x98\x80", NULL},
    {"/usr/bin/echo a\xc2\xa0"
     "b",
        "|/usr/bin/echo|a\xc2\xa0"
        "b",
        NULL},
    {"/usr/bin/echo ! ^ % @ : . - _ = + ]", "|/usr/bin/echo|!|^|%|@|:|.|-|_|=|+|]", NULL},
    {"/usr/bin/i'd'", "|/usr/bin/id", NULL},
    {"/usr/bin/\"id\" -u", "|/usr/bin/id|-u", NULL},
    {"/usr/bin/i\\d", "|/usr/bin/id", NULL},
    {"/usr/bin/'my tool' x", "|/usr/bin/my tool|x", NULL},
    {"/usr/bin/env -i /bin/sh", "|/usr/bin/env|-i|/bin/sh", NULL}, /* the owner allowed env */
    /* Paths and links: what runs is decided on, too. */
    {"/usr/bin/awk 1 f", "|/usr/bin/mawk|1|f", NULL},
    {"/usr/local/bin/tool", "|/usr/bin/tool", NULL},
    {"/usr/bin/./id", "|/usr/bin/id", NULL},
    {"/usr/bin//id", "|/usr/bin/id", NULL},
    {"/usr/bin/../bin/id", "|/usr/bin/id", NULL},
    {"/usr/bin/../local/bin/backup", "|/usr/local/bin/backup", NULL},
    {"/usr/bin/../../bin/sh", NULL, "resolved command matches no allow"},
    {"/usr/bin/../../bin/sh -c id", NULL, "resolved command matches no allow"},
    {"/usr/bin/../../../../../bin/sh", NULL, "resolved command matches no allow"},
    {"/usr/bin/../sbin/reboot", NULL, "resolved command matches no allow"},
    {"/usr/bin/..//../bin/sh", NULL, "resolved command matches no allow"},
    {"/usr/bin/./.././../bin/sh", NULL, "resolved command matches no allow"},
    {"/usr/bin/'../../bin/sh'", NULL, "resolved command matches no allow"},
    {"/usr/bin/\\../\\../bin/sh", NULL, "resolved command matches no allow"},
    {"/usr/bin/\"..\"/\"..\"/bin/sh", NULL, "resolved command matches no allow"},
    {"/usr/bin/../../tmp/x", NULL, "resolved command matches no allow"},
    {"/usr/bin/../../proc/self/exe", NULL, "resolved command matches no allow"},
    {"/usr/bin/evil", NULL, "resolved command matches no allow"},
    {"/usr/bin/evil -c id", NULL, "resolved command matches no allow"},
    {"/usr/bin/pager /etc/passwd", NULL, "resolved command matches no allow"},
    {"/usr/bin/newline", NULL, "unclean path"},
    {"/usr/bin/semicolon", NULL, "resolved command matches deny expression 1"},
    {"/usr/bin/relative", NULL, "unclean path"},
    {"/usr/bin/dots", NULL, "unclean path"},
    {"/usr/bin/slashes", NULL, "unclean path"},
    {"/usr/bin/latin", NULL, "unclean path"},
    {"/usr/bin/gone", NULL, "program cannot be resolved: not found"},
    {"/opt/link", NULL, "given command matches no allow"},
    {"/usr/bin/", NULL, "resolved command matches no allow"},
    {"/usr/bin", NULL, "given command matches no allow"},
    {"/usr/binid", NULL, "given command matches no allow"},
    {"/bin/sh", NULL, "given command matches no allow"},
    {"/bin/sh -c /usr/bin/id", NULL, "given command matches no allow"},
    {"/sbin/reboot", NULL, "given command matches no allow"},
    {"/tmp/usr/bin/id", NULL, "given command matches no allow"},
    {"//usr/bin/id", NULL, "given command matches no allow"},
    {"/./usr/bin/id", NULL, "given command matches no allow"},
    {"/USR/BIN/ID", NULL, "given command matches no allow"},
    {"id", NULL, "given command matches no allow"},
    {"./id", NULL, "given command matches no allow"},
    {"../usr/bin/id", NULL, "given command matches no allow"},
    {"usr/bin/id", NULL, "given command matches no allow"},
    {"C:\\Windows\\System32\\whoami", NULL, "program is not an absolute path"},
    {"", NULL, "given command matches no allow"},
    {" ", NULL, "given command matches no allow"},
    /* White space and quotes in front. */
    {" /usr/bin/id", NULL, "given command matches no allow"},
    {"\t/usr/bin/id", NULL, "given command matches no allow"},
    {"'/usr/bin/id'", NULL, "given command matches no allow"},
    {"\"/usr/bin/id\"", NULL, "given command matches no allow"},
    {"\\/usr/bin/id", NULL, "given command matches no allow"},
    {"''/usr/bin/id", NULL, "given command matches no allow"},
    {"\xc2\xa0/usr/bin/id", NULL, "given command matches no allow"},
    {"\xe2\x80\x8b/usr/bin/id", NULL, "given command matches no allow"},
    {"\xef\xbb\xbf/usr/bin/id", NULL, "given command matches no allow"},
    {"/usr/bin/id\xc2\xa0-a", "|/usr/bin/id\xc2\xa0-a", NULL}, /* one word: no such program */
    /* What the default deny expression names. */
    {"/usr/bin/id | sh", NULL, "given command matches deny expression 1"},
    {"/usr/bin/id || sh", NULL, "given command matches deny expression 1"},
    {"/usr/bin/id; sh", NULL, "given command matches deny expression 1"},
    {"/usr/bin/id & sh", NULL, "given command matches deny expression 1"},
    {"/usr/bin/id && sh", NULL, "given command matches deny expression 1"},
    {"/usr/bin/id > /etc/passwd", NULL, "given command matches deny expression 1"},
    {"/usr/bin/id >> /etc/passwd", NULL, "given command matches deny expression 1"},
    {"/usr/bin/cat < /etc/shadow", NULL, "given command matches deny expression 1"},
    {"/usr/bin/cat <<EOF", NULL, "given command matches deny expression 1"},
    {"/usr/bin/diff <(id) x", NULL, "given command matches deny expression 1"},
    {"/usr/bin/id\nsh", NULL, "given command matches deny expression 1"},
    {"/usr/bin/id\n", NULL, "given command matches deny expression 1"},
    {"\n/usr/bin/id", NULL, "given command matches deny expression 1"},
    {"/usr/bin/echo 'a;b'", NULL, "given command matches deny expression 1"},
    {"/usr/bin/echo a\\;b", NULL, "given command matches deny expression 1"},
    {"/usr/bin/echo {a,b}", NULL, "given command matches deny expression 1"},
    {"/usr/bin/id 2>&1", NULL, "given command matches deny expression 1"},
    /* What it does not name, though a shell would act on it. */
    {"/usr/bin/echo $(id)", NULL, "expansion or command substitution"},
    {"/usr/bin/echo `id`", NULL, "command substitution"},
    {"/usr/bin/echo \"$(id)\"", NULL, "expansion or command substitution"},
    {"/usr/bin/echo \"`id`\"", NULL, "command substitution"},
    {"/usr/bin/echo $HOME", NULL, "expansion"},
    {"/usr/bin/echo ${HOME}", NULL, "expansion"},
    {"/usr/bin/echo \"$HOME\"", NULL, "expansion"},
    {"/usr/bin/echo \"${IFS}\"", NULL, "expansion"},
    {"/usr/bin/echo$IFS$9x", NULL, "expansion"},
    {"/usr/bin/$0", NULL, "expansion"},
    {"/usr/bin/${SHELL}", NULL, "expansion"},
    {"/usr/bin/$(echo id)", NULL, "expansion"},
    {"/usr/bin/`echo id`", NULL, "command substitution"},
    {"/usr/bin/echo $((1+1))", NULL, "expansion"},
    {"/usr/bin/echo $'\\x3b'", NULL, "expansion"},
    {"/usr/bin/echo $\"x\"", NULL, "expansion"},
    {"/usr/bin/echo $!", NULL, "expansion"},
    {"/usr/bin/echo $$", NULL, "expansion"},
    {"/usr/bin/echo (id)", NULL, "shell operator"},
    {"/usr/bin/id ()", NULL, "shell operator"},
    {"/usr/bin/x() { id }", NULL, "shell operator"},
    {"/usr/bin/ls *", NULL, "file name pattern"},
    {"/usr/bin/ls /etc/?asswd", NULL, "file name pattern"},
    {"/usr/bin/ls /etc/[p]asswd", NULL, "file name pattern"},
    {"/usr/bin/i?", NULL, "file name pattern"},
    {"/usr/bin/*", NULL, "file name pattern"},
    {"/usr/bin/[i]d", NULL, "file name pattern"},
    {"/usr/bin/echo {1..9}", NULL, "brace expansion"},
    {"/usr/bin/{id}", NULL, "brace expansion"},
    {"/usr/bin/ls ~", NULL, "home directory"},
    {"/usr/bin/ls ~root/.ssh", NULL, "home directory"},
    {"/usr/bin/id # x", NULL, "comment"},
    {"/usr/bin/id #x", NULL, "comment"},
    {"~/x", NULL, "given command matches no allow"},
    {"#!/usr/bin/perl", NULL, "given command matches no allow"},
    /* Environment in front of the command. */
    {"A=b /usr/bin/id", NULL, "given command matches no allow"},
    {"LD_PRELOAD=/tmp/x.so /usr/bin/id", NULL, "given command matches no allow"},
    {"PATH=/tmp:/usr/bin /usr/bin/id", NULL, "given command matches no allow"},
    {"IFS=/ /usr/bin/id", NULL, "given command matches no allow"},
    {"/usr/bin/A=b id", "|/usr/bin/A=b|id", NULL}, /* a program of that name */
    /* Unbalanced. */
    {"/usr/bin/echo 'a", NULL, "single quote without its end"},
    {"/usr/bin/echo \"a", NULL, "double quote without its end"},
    {"/usr/bin/echo a\\", NULL, "backslash at the end"},
    {"/usr/bin/echo 'a'b'", NULL, "single quote without its end"},
    {"/usr/bin/echo \"a\\\"", NULL, "double quote without its end"},
    /* Control bytes and deceiving characters. */
    {"/usr/bin/id\rsh", NULL, "line end"},
    {"/usr/bin/id\vsh", NULL, "control character U+000B"},
    {"/usr/bin/id\fsh", NULL, "control character U+000C"},
    {"/usr/bin/id \x01", NULL, "control character U+0001"},
    {"/usr/bin/id \b\b", NULL, "control character U+0008"},
    {"/usr/bin/id \x1b[2J", NULL, "control character U+001B"},
    {"/usr/bin/echo '\x1b]0;x\x07'", NULL, "deny expression"},
    {"/usr/bin/id \x7f", NULL, "control character U+007F"},
    {"/usr/bin/id \xc2\x85sh", NULL, "control character U+0085"},
    {"/usr/bin/id \xc2\x9b", NULL, "control character U+009B"},
    {"/usr/bin/id \xe2\x80\xa8sh", NULL, "control character U+2028"},
    {"/usr/bin/id \xe2\x80\xa9sh", NULL, "control character U+2029"},
    {"/usr/bin/id \xe2\x80\xaetxt", NULL, "control character U+202E"},
    {"/usr/bin/id \xe2\x81\xa6x", NULL, "control character U+2066"},
    {"/usr/bin/id \xef\xbb\xbf", NULL, "control character U+FEFF"},
    {"/usr/bin/id \xff", NULL, "could not decide"},
    {"/usr/bin/id \xc0\xaf", NULL, "could not decide"},
    {"/usr/bin/id \xed\xa0\x80", NULL, "could not decide"},
    {"/usr/bin/\xe2\x80\xa6/sh", "|/usr/bin/\xe2\x80\xa6/sh", NULL}, /* an ellipsis is no ".." */
    {"/usr/bin/\xef\xbc\x8f..\xef\xbc\x8f..\xef\xbc\x8f"
     "bin",
        "|/usr/bin/\xef\xbc\x8f..\xef\xbc\x8f..\xef\xbc\x8f"
        "bin",
        NULL},
    {"/usr/bin/id \xef\xbc\x9b sh", "|/usr/bin/id|\xef\xbc\x9b|sh",
        NULL}, /* full-width ';' is text */
    {"/usr/bin/id \xef\xbd\x9c sh", "|/usr/bin/id|\xef\xbd\x9c|sh", NULL},
};

static void test_default_table(void **state)
{
	(void)state;
	struct rp_cmdpolicy *p = policy(&defaults);
	assert_true(RP_ARRAY_LEN(default_rows) >= 150);
	check_rows(p, default_rows, RP_ARRAY_LEN(default_rows));
	rp_cmdpolicy_free(p);
}

/* One anchored expression per command, as careful owners write them. */
static void test_anchored(void **state)
{
	(void)state;
	static const struct row rows[] = {
	    {"/usr/bin/systemctl restart nginx", "|/usr/bin/systemctl|restart|nginx", NULL},
	    {"/usr/bin/systemctl  restart nginx", NULL, "given command matches no allow"},
	    {"/usr/bin/systemctl restart nginx ", NULL, "given command matches no allow"},
	    {"/usr/bin/systemctl restart nginx\n", NULL, "given command matches no allow"},
	    {"/usr/bin/systemctl restart nginx2", NULL, "given command matches no allow"},
	    {"/usr/bin/systemctl restart \"nginx\"", NULL, "given command matches no allow"},
	    {"/usr/bin/systemctl stop nginx", NULL, "given command matches no allow"},
	    {"/usr/bin/SYSTEMCTL restart nginx", NULL, "given command matches no allow"},
	    {"/usr/bin/tail -n 100 /var/log/syslog", "|/usr/bin/tail|-n|100|/var/log/syslog", NULL},
	    {"/usr/bin/tail -n 1000000 /var/log/syslog", NULL, "given command matches no allow"},
	    {"/usr/bin/tail -n x /var/log/syslog", NULL, "given command matches no allow"},
	    {"/usr/bin/tail -n \xd9\xa1 /var/log/syslog", NULL, "given command matches no allow"},
	    {"/usr/bin/DF", "|/usr/bin/DF", NULL},
	    {"/usr/bin/df", "|/usr/bin/df", NULL},
	};
	struct rp_cmdpolicy *p = policy(&(struct rp_cmdpolicy_options){.enabled = true,
	    .allow = LIST("^/usr/bin/systemctl restart nginx$",
	        "^/usr/bin/tail -n \\d{1,4} /var/log/[a-z]+$", "(?i)^/usr/bin/(?P<name>df)$"),
	    .order = LIST("allow", "deny")});
	check_rows(p, rows, RP_ARRAY_LEN(rows));
	rp_cmdpolicy_free(p);
}

static void test_deny_first(void **state)
{
	(void)state;
	static const struct row rows[] = {
	    {"/usr/bin/id", "|/usr/bin/id", "matches no deny"},
	    {"/opt/x", "|/opt/x", "matches no deny"},
	    {"/usr/bin/rm x", NULL, "given command matches deny expression 1"},
	    {"/usr/bin/rm safe", "|/usr/bin/rm|safe", "matches allow expression 1"},
	    {"/usr/bin/evil", NULL, "resolved command matches deny expression 2"},
	    {"/usr/bin/./rm x", NULL, "resolved command matches deny expression 1"},
	    {"/usr/bin/r\\m x", NULL, "resolved command matches deny expression 1"},
	    {"/usr/bin/r''m x", NULL, "resolved command matches deny expression 1"},
	    {"/usr/bin/id > x", NULL, "shell operator"},
	};
	struct rp_cmdpolicy *p = policy(&(struct rp_cmdpolicy_options){.enabled = true,
	    .allow = LIST("^/usr/bin/rm safe$"),
	    .deny = LIST("^/usr/bin/rm", "^/bin/sh"),
	    .order = LIST("deny", "allow")});
	check_rows(p, rows, RP_ARRAY_LEN(rows));
	rp_cmdpolicy_free(p);
}

/* With shell = true the text alone decides, as in the original. */
static void test_shell(void **state)
{
	(void)state;
	static const struct row rows[] = {
	    {"/usr/bin/id", "shell", "given command matches allow expression 1 and no deny"},
	    {"/usr/bin/echo $(id)", "shell", NULL},
	    {"/usr/bin/evil", "shell", NULL},
	    {"/usr/bin/id | sh", NULL, "given command matches deny expression 1"},
	    {"id", NULL, "given command matches no allow"},
	    {"/usr/bin/id \xff", NULL, "could not decide"},
	};
	struct rp_cmdpolicy_options opt = defaults;
	opt.shell = true;
	struct rp_cmdpolicy *p = policy(&opt);
	check_rows(p, rows, RP_ARRAY_LEN(rows));
	rp_cmdpolicy_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_default_table),
	    cmocka_unit_test(test_anchored),
	    cmocka_unit_test(test_deny_first),
	    cmocka_unit_test(test_shell),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
