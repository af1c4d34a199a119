/* SPDX-License-Identifier: MIT */
/*
 * Regular expressions of the client's owner: PCRE2 in the manner of RE2 (unanchored search, '$'
 * only at the very end, UTF-8), with limits that end a match whatever the expression and the
 * text.
 */
#ifndef RP_CMDPOLICY_REGEX_H
#define RP_CMDPOLICY_REGEX_H

#include "core/defs.h"
#include "core/err.h"
#include "core/str.h"

#define RP_REGEX_PATTERN_MAX 8192

struct rp_regex;

/* RP_EINVAL with the text `invalid regular expression "x": why`; RP_ENOMEM. */
RP_NODISCARD int rp_regex_new(const char *pattern, struct rp_regex **out, struct rp_err *err);
void rp_regex_free(struct rp_regex *re);
/* 1: matches somewhere, 0: does not. RP_ELIMIT when a limit ended it, RP_EINVAL for text that is
 * not UTF-8, RP_ENOMEM; whoever decides by it must refuse then. */
RP_NODISCARD int rp_regex_match(const struct rp_regex *re, struct rp_str text);

#endif
