/* SPDX-License-Identifier: MIT */
/*
 * What cJSON does not do, for core/json.c alone: the exact grammar of RFC 8259, limits before the
 * first allocation, and texts that a C string cannot hold.
 */
#ifndef RP_CORE_JSONSCAN_H
#define RP_CORE_JSONSCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "core/buf.h"
#include "core/defs.h"
#include "core/err.h"
#include "core/str.h"

struct rp_jsonscan {
	bool repair;  /* rp_jsonscan_repair is needed */
	bool numbers; /* some number has an exponent or more digits than a double surely holds */
};

/* Checks that text is one JSON value. RP_EINVAL, or RP_ELIMIT for depth and count, with a text. */
RP_NODISCARD int rp_jsonscan_check(
    struct rp_str text, struct rp_jsonscan *result, struct rp_err *err);

/* Appends text, which rp_jsonscan_check has accepted, with U+FFFD in place of invalid UTF-8, lone
 * surrogates and \u0000. The first two are what Go's decoder does. RP_ENOMEM, RP_ELIMIT. */
RP_NODISCARD int rp_jsonscan_repair(struct rp_str text, struct rp_buf *out);

/* Takes everything up to and including the next number off *text; false when there is none. */
bool rp_jsonscan_next_number(struct rp_str *text, struct rp_str *number);

#endif
