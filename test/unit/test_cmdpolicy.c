/* SPDX-License-Identifier: MIT */
/*
 * The command policy as a table: texts, whether they may run, and which rule decided. The file
 * system is a small model with the tricks that a real one allows.
 */
#include "cmdpolicy/cmdpolicy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/buf.h"
#include "core/clock.h"
#include "test/lib/oom.h"

#define LIST(...)                                                                     \
	(&(struct rp_strlist){.v = (char **)(uintptr_t)(const char *[]){__VA_ARGS__}, \
	    .n = sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)})

/* The defaults of the original (rport-config 3.5). */
#define DEFAULT_ALLOW "^/usr/bin/.*", "^/usr/local/bin/.*", "^C:\\\\Windows\\\\System32\\\\.*"
#define DEFAULT_DENY  "(\\||<|>|;|,|\\n|&)"

/* Removes ".", ".." and doubled slashes. */
static char *normalise(const char *path)
{
	char out[RP_COMMAND_TEXT_MAX + 2] = "";
	size_t n = 0;
	struct rp_str rest = rp_str_c(path);
	struct rp_str part;
	while (rp_str_split(&rest, '/', &part)) {
		if (part.len == 0 || rp_str_eq(part, ".")) {
			continue;
		}
		if (rp_str_eq(part, "..")) {
			while (n > 0 && out[--n] != '/') {
			}
			continue;
		}
		out[n++] = '/';
		memcpy(out + n, part.p, part.len);
		n += part.len;
	}
	return rp_strndup(out, n);
}

static const struct {
	const char *from;
	const char *to; /* NULL: is not there */
} links[] = {
    {"/usr/bin/awk", "/usr/bin/mawk"},
    {"/usr/bin/evil", "/bin/sh"},
    {"/usr/bin/pager", "/opt/pager/bin/less"},
    {"/usr/bin/newline", "/usr/bin/a\nb"},
    {"/usr/bin/semicolon", "/usr/bin/a;b"},
    {"/usr/bin/relative", "a"},
    {"/usr/bin/dots", "/usr/bin/../../bin/sh"},
    {"/usr/bin/slashes", "/usr/bin//a"},
    {"/usr/bin/latin", "/usr/bin/\xe4"},
    {"/usr/bin/gone", NULL},
    {"/usr/local/bin/tool", "/usr/bin/tool"},
    {"/opt/link", "/usr/bin/id"},
};

static int on_resolve(void *ctx, const char *program, char **resolved)
{
	(void)ctx;
	char *path = normalise(program);
	for (size_t i = 0; path != NULL && i < RP_ARRAY_LEN(links); i++) {
		if (strcmp(path, links[i].from) == 0) {
			rp_free(path);
			if (links[i].to == NULL) {
				return RP_ENOENT;
			}
			path = rp_strdup(links[i].to);
		}
	}
	*resolved = path;
	return path == NULL ? RP_ENOMEM : 0;
}

static struct rp_cmdpolicy *policy(const struct rp_cmdpolicy_options *opt)
{
	struct rp_cmdpolicy *p;
	struct rp_err err = {0};
	if (rp_cmdpolicy_new(opt, &p, &err) != 0) {
		fail_msg("%s", err.msg);
	}
	return p;
}

static const struct rp_cmdpolicy_options defaults = {
    .enabled = true,
    .allow = &(struct rp_strlist){.v = (char **)(uintptr_t)(const char *[]){DEFAULT_ALLOW}, .n = 3},
    .deny = &(struct rp_strlist){.v = (char **)(uintptr_t)(const char *[]){DEFAULT_DENY}, .n = 1},
    .order = &(
        struct rp_strlist){.v = (char **)(uintptr_t)(const char *[]){"allow", "deny"}, .n = 2},
};

/* The words that run, each behind a '|', or NULL when refused. */
static char *decide(
    const struct rp_cmdpolicy *p, const struct rp_cmd_request *req, char reason[256])
{
	struct rp_cmd_plan plan;
	struct rp_err err = {0};
	struct rp_err why = {0};
	char *words = NULL;
	struct rp_buf out;
	int rc = rp_cmdpolicy_decide(p, req, on_resolve, NULL, &plan, &err, &why);
	memcpy(reason, why.msg, 256);
	if (rc != 0) {
		assert_int_equal(rc, RP_EDENIED);
		assert_int_equal(plan.argv.n, 0);
		assert_null(plan.argv0);
		assert_true(why.msg[0] != '\0');
		return NULL;
	}
	rp_buf_init(&out, 4 * RP_COMMAND_TEXT_MAX);
	if (plan.shell) {
		assert_int_equal(plan.argv.n, 0);
		assert_int_equal(rp_buf_add_str(&out, "shell"), 0);
	}
	for (size_t i = 0; i < plan.argv.n; i++) {
		assert_int_equal(rp_buf_printf(&out, "|%s", plan.argv.v[i]), 0);
	}
	assert_int_equal(rp_buf_take_string(&out, &words), 0);
	rp_cmd_plan_fini(&plan);
	return words;
}

struct row {
	const char *text;
	const char *runs;   /* NULL: refused */
	const char *reason; /* part of it, or NULL */
};

static void check_rows(const struct rp_cmdpolicy *p, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct rp_cmd_request req = {.command = rows[i].text};
		char reason[256];
		char *runs = decide(p, &req, reason);
		bool same = runs == NULL ? rows[i].runs == NULL
		                         : rows[i].runs != NULL && strcmp(runs, rows[i].runs) == 0;
		if (!same || (rows[i].reason != NULL && strstr(reason, rows[i].reason) == NULL)) {
			fail_msg("row %zu: %s -> %s (%s)", i, rows[i].text,
			    runs == NULL ? "refused" : runs, reason);
		}
		rp_free(runs);
	}
}

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
		uint64_t before = rp_clock_ms();
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
		assert_true(rp_clock_ms() - before < 5000);
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
	    cmocka_unit_test(test_default_table),
	    cmocka_unit_test(test_anchored),
	    cmocka_unit_test(test_deny_first),
	    cmocka_unit_test(test_shell),
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
