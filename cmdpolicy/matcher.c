/* SPDX-License-Identifier: MIT */
/*
 * A pattern is enclosed so that it has to match from the first to the last character: a rule that
 * forgets an anchor must not let anything through.
 */
#include "cmdpolicy/matcher.h"

#include <stdio.h>
#include <string.h>

#include "cmdpolicy/regex.h"
#include "core/alloc.h"

#include "core/banned.h"

#define EXPECTED "expected \"text\", [\"text\", ...] or { pattern = \"expression\" }"

static int add_text(const struct rp_toml *v, struct rp_matcher *m, struct rp_err *err)
{
	if (v->type != RP_TOML_STRING) {
		return rp_err_set(err, RP_EINVAL, "is a %s, " EXPECTED, rp_toml_type_name(v->type));
	}
	return rp_strlist_add(&m->texts, rp_str_c(v->text)) == 0 ? 0 : rp_err_no_memory(err);
}

static int parse_set(const struct rp_toml *v, struct rp_matcher *m, struct rp_err *err)
{
	if (v->first == NULL) {
		return rp_err_set(err, RP_EINVAL, "is an empty list, " EXPECTED);
	}
	int rc = 0;
	for (const struct rp_toml *item = v->first; item != NULL && rc == 0; item = item->next) {
		rc = add_text(item, m, err);
	}
	return rc;
}

/* Where the owner's expression is wrong by itself, it must be said of that one, not of ours. */
static int compile(const char *expression, struct rp_regex **out, struct rp_err *err)
{
	int rc = rp_regex_new(expression, out, err);
	if (rc != 0) {
		return rc;
	}
	rp_regex_free(*out);
	*out = NULL;
	char *whole = rp_asprintf("\\A(?:%s)\\z", expression);
	rc = whole == NULL ? rp_err_no_memory(err) : rp_regex_new(whole, out, err);
	rp_free(whole);
	return rc;
}

static int parse_pattern(const struct rp_toml *v, struct rp_matcher *m, struct rp_err *err)
{
	const struct rp_toml *pattern = rp_toml_get(v, "pattern");
	if (pattern == NULL || v->first->next != NULL) {
		return rp_err_set(err, RP_EINVAL, "is a table without pattern alone, " EXPECTED);
	}
	int rc = add_text(pattern, m, err);
	return rc != 0 ? rc : compile(pattern->text, &m->pattern, err);
}

int rp_matcher_parse(const struct rp_toml *v, struct rp_matcher *m, struct rp_err *err)
{
	*m = (struct rp_matcher){0};
	switch (v->type) {
	case RP_TOML_ARRAY:
		return parse_set(v, m, err);
	case RP_TOML_TABLE:
		return parse_pattern(v, m, err);
	default:
		return add_text(v, m, err);
	}
}

void rp_matcher_fini(struct rp_matcher *m)
{
	rp_strlist_fini(&m->texts);
	rp_regex_free(m->pattern);
	*m = (struct rp_matcher){0};
}

int rp_matcher_match(const struct rp_matcher *m, const char *word)
{
	if (m->pattern != NULL) {
		return rp_regex_match(m->pattern, rp_str_c(word));
	}
	return rp_strlist_has(&m->texts, word) ? 1 : 0;
}

void rp_matcher_text(const struct rp_matcher *m, char *out, size_t size)
{
	size_t n = 0;
	if (m->pattern != NULL) {
		(void)snprintf(out, size, "what matches %s", m->texts.v[0]);
		return;
	}
	out[0] = '\0';
	for (size_t i = 0; i < m->texts.n && n < size; i++) {
		int rc = snprintf(
		    out + n, size - n, "%s\"%s\"", i > 0 ? " or " : "", m->texts.v[i]);
		n += rc > 0 ? (size_t)rc : 0;
	}
}
