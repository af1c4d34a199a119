/* SPDX-License-Identifier: MIT */
/*
 * The command policy asked with a small model of a file system, with the tricks that a real one
 * allows; to be included by the only file of a test program.
 */
#ifndef RP_TEST_LIB_CMDPOLICY_SHORT_H
#define RP_TEST_LIB_CMDPOLICY_SHORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cmdpolicy/cmdpolicy.h"
#include "core/alloc.h"
#include "core/buf.h"

#define LIST(...)                                                                     \
	(&(struct rp_strlist){.v = (char **)(uintptr_t)(const char *[]){__VA_ARGS__}, \
	    .n = sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)})

/* The defaults of the original (rport-config 3.5). */
#define DEFAULT_ALLOW "^/usr/bin/.*", "^/usr/local/bin/.*", "^C:\\\\Windows\\\\System32\\\\.*"
#define DEFAULT_DENY  "(\\||<|>|;|,|\\n|&)"

/* Removes ".", ".." and doubled slashes. */
static inline char *normalise(const char *path)
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

static inline int on_resolve(void *ctx, const char *program, char **resolved)
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

static inline struct rp_cmdpolicy *policy(const struct rp_cmdpolicy_options *opt)
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
static inline char *decide(
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

static inline void check_rows(const struct rp_cmdpolicy *p, const struct row *rows, size_t n)
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

#endif
