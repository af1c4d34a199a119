/* SPDX-License-Identifier: MIT */
/*
 * The only file that knows PCRE2.
 */
#include "cmdpolicy/regex.h"

#include <string.h>

#ifndef PCRE2_CODE_UNIT_WIDTH
#define PCRE2_CODE_UNIT_WIDTH 8
#endif
#include <pcre2.h>

#include "core/alloc.h"

#include "core/banned.h"

/* Some tens of milliseconds at most, and memory that a small machine has. */
#define MATCH_LIMIT      500000
#define DEPTH_LIMIT      50000
#define HEAP_LIMIT_KIB   8192
#define PARENS_MAX       100
#define ERROR_TEXT_BYTES 128

struct rp_regex {
	pcre2_general_context *general;
	pcre2_compile_context *compile;
	pcre2_match_context *match;
	pcre2_code *code;
};

static void *on_alloc(PCRE2_SIZE n, void *ctx)
{
	(void)ctx;
	return rp_malloc(n);
}

static void on_free(void *p, void *ctx)
{
	(void)ctx;
	rp_free(p);
}

static int make_contexts(struct rp_regex *re)
{
	re->general = pcre2_general_context_create(on_alloc, on_free, NULL);
	if (re->general == NULL) {
		return RP_ENOMEM;
	}
	re->compile = pcre2_compile_context_create(re->general);
	re->match = pcre2_match_context_create(re->general);
	if (re->compile == NULL || re->match == NULL) {
		return RP_ENOMEM;
	}
	(void)pcre2_set_newline(re->compile, PCRE2_NEWLINE_LF);
	(void)pcre2_set_parens_nest_limit(re->compile, PARENS_MAX);
	(void)pcre2_set_max_pattern_length(re->compile, RP_REGEX_PATTERN_MAX);
	(void)pcre2_set_match_limit(re->match, MATCH_LIMIT);
	(void)pcre2_set_depth_limit(re->match, DEPTH_LIMIT);
	(void)pcre2_set_heap_limit(re->match, HEAP_LIMIT_KIB);
	return 0;
}

static int compile(struct rp_regex *re, const char *pattern, struct rp_err *err)
{
	int code;
	PCRE2_SIZE at;
	re->code = pcre2_compile((PCRE2_SPTR)pattern, strlen(pattern),
	    PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C, &code, &at, re->compile);
	if (re->code != NULL) {
		return 0;
	}
	if (code == PCRE2_ERROR_NOMEMORY || code == PCRE2_ERROR_HEAP_FAILED) {
		return RP_ENOMEM;
	}
	PCRE2_UCHAR why[ERROR_TEXT_BYTES];
	if (pcre2_get_error_message(code, why, sizeof(why)) < 0) {
		(void)memcpy(why, "not accepted", sizeof("not accepted"));
	}
	return rp_err_set(err, RP_EINVAL, "invalid regular expression \"%.80s\": %s at offset %zu",
	    pattern, (const char *)why, at);
}

int rp_regex_new(const char *pattern, struct rp_regex **out, struct rp_err *err)
{
	struct rp_regex *re = rp_calloc(1, sizeof(*re));
	int rc = re == NULL ? RP_ENOMEM : make_contexts(re);
	if (rc == 0) {
		rc = compile(re, pattern, err);
	}
	if (rc != 0) {
		rp_regex_free(re);
		return rc == RP_ENOMEM ? rp_err_set(err, rc, "%s", rp_err_text(rc)) : rc;
	}
	*out = re;
	return 0;
}

void rp_regex_free(struct rp_regex *re)
{
	if (re == NULL) {
		return;
	}
	pcre2_code_free(re->code);
	pcre2_match_context_free(re->match);
	pcre2_compile_context_free(re->compile);
	pcre2_general_context_free(re->general);
	rp_free(re);
}

/* What PCRE2 answered, in our codes. */
static int verdict(int rc)
{
	if (rc >= 0) {
		return 1;
	}
	switch (rc) {
	case PCRE2_ERROR_NOMATCH:
		return 0;
	case PCRE2_ERROR_NOMEMORY:
		return RP_ENOMEM;
	case PCRE2_ERROR_MATCHLIMIT:
	case PCRE2_ERROR_DEPTHLIMIT:
	case PCRE2_ERROR_HEAPLIMIT:
		return RP_ELIMIT;
	default:
		return RP_EINVAL;
	}
}

int rp_regex_match(const struct rp_regex *re, struct rp_str text)
{
	/* Room for the whole match only: captures are not asked for. */
	pcre2_match_data *data = pcre2_match_data_create(1, re->general);
	if (data == NULL) {
		return RP_ENOMEM;
	}
	const char *p = text.len == 0 ? "" : text.p;
	int rc = pcre2_match(re->code, (PCRE2_SPTR)p, text.len, 0, 0, data, re->match);
	pcre2_match_data_free(data);
	return verdict(rc);
}
