/* SPDX-License-Identifier: MIT */
/*
 * What a rule of the client's owner says about one word: a text, one of several texts, or a
 * pattern for the whole word. Pure.
 */
#ifndef RP_CMDPOLICY_MATCHER_H
#define RP_CMDPOLICY_MATCHER_H

#include <stdbool.h>

#include "core/defs.h"
#include "core/err.h"
#include "core/str.h"
#include "core/toml.h"

struct rp_regex;

struct rp_matcher {
	struct rp_strlist texts; /* any of them, or the text of the pattern */
	struct rp_regex *pattern;
};

/* "text", ["text", "text"] or { pattern = "expression" }. RP_EINVAL with what is wrong and what is
 * expected, RP_ENOMEM. *m is to be released in every case. */
RP_NODISCARD int rp_matcher_parse(
    const struct rp_toml *v, struct rp_matcher *m, struct rp_err *err);
void rp_matcher_fini(struct rp_matcher *m);
/* 1: matches; 0: does not; negative: could not be decided, which is a refusal. */
RP_NODISCARD int rp_matcher_match(const struct rp_matcher *m, const char *word);
/* In words, cut off at size. */
void rp_matcher_text(const struct rp_matcher *m, char *out, size_t size);

#endif
