/* SPDX-License-Identifier: MIT */
/*
 * Command texts through word splitting and the policy. Words quoted again must split into the
 * same words, none may hold a control byte, and the plan of an allowed command is those words
 * with the program resolved.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "cmdpolicy/cmdpolicy.h"
#include "core/alloc.h"
#include "core/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct rp_cmdpolicy *policy(void)
{
	static struct rp_cmdpolicy *p;
	if (p == NULL) {
		const char *allow[] = {"^/usr/bin/.*", "^/usr/local/bin/.*"};
		const char *deny[] = {"(\\||<|>|;|,|\\n|&)"};
		const struct rp_cmdpolicy_options opt = {.enabled = true,
		    .allow = &(struct rp_strlist){.v = (char **)(uintptr_t)allow, .n = 2},
		    .deny = &(struct rp_strlist){.v = (char **)(uintptr_t)deny, .n = 1}};
		RP_VERIFY(rp_cmdpolicy_new(&opt, &p, NULL) == 0);
	}
	return p;
}

static int on_resolve(void *ctx, const char *program, char **resolved)
{
	(void)ctx;
	*resolved = rp_strdup(program);
	return 0;
}

static char *quote(const struct rp_strlist *words)
{
	struct rp_buf out;
	char *text;
	rp_buf_init(&out, 16 * RP_COMMAND_TEXT_MAX);
	for (size_t i = 0; i < words->n; i++) {
		RP_VERIFY(rp_buf_add_str(&out, i > 0 ? " '" : "'") == 0);
		for (const char *p = words->v[i]; *p != '\0'; p++) {
			int rc = *p == '\'' ? rp_buf_add_str(&out, "'\\''")
			                    : rp_buf_add(&out, p, 1);
			RP_VERIFY(rc == 0);
		}
		RP_VERIFY(rp_buf_add_str(&out, "'") == 0);
	}
	RP_VERIFY(rp_buf_take_string(&out, &text) == 0);
	return text;
}

static void same(const struct rp_strlist *a, const struct rp_strlist *b, size_t from)
{
	RP_VERIFY(a->n == b->n);
	for (size_t i = from; i < a->n; i++) {
		RP_VERIFY(strcmp(a->v[i], b->v[i]) == 0);
	}
}

static void check(const char *text, const struct rp_strlist *words)
{
	struct rp_strlist again;
	char *quoted = quote(words);
	RP_VERIFY(words->n > 0);
	for (size_t i = 0; i < words->n; i++) {
		for (const char *p = words->v[i]; *p != '\0'; p++) {
			RP_VERIFY((unsigned char)*p >= 0x20 || *p == '\t');
		}
	}
	if (strlen(quoted) <= RP_COMMAND_TEXT_MAX) {
		RP_VERIFY(rp_words_split(quoted, &again, NULL) == 0);
		same(words, &again, 0);
		rp_strlist_fini(&again);
	}
	rp_free(quoted);
	RP_VERIFY(strlen(text) <= RP_COMMAND_TEXT_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rp_strlist words;
	struct rp_err err;
	struct rp_err reason;
	struct rp_cmd_plan plan;
	char *text = rp_str_dup(rp_str_n(data, size));
	struct rp_cmd_request req = {.command = text};
	int split = rp_words_split(text, &words, &err);
	if (split == 0) {
		check(text, &words);
	}
	if (rp_cmdpolicy_decide(policy(), &req, on_resolve, NULL, &plan, &err, &reason) == 0) {
		RP_VERIFY(split == 0 && !plan.shell && plan.argv.v[0][0] == '/');
		RP_VERIFY(strstr(plan.argv.v[0], "/../") == NULL);
		same(&words, &plan.argv, 1);
	}
	rp_cmd_plan_fini(&plan);
	rp_strlist_fini(&words);
	rp_free(text);
	return 0;
}
