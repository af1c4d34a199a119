/* SPDX-License-Identifier: MIT */
/*
 * JSON for people: compact text spread over lines.
 */
#ifndef RP_CORE_JSONPRETTY_H
#define RP_CORE_JSONPRETTY_H

#include "core/buf.h"
#include "core/defs.h"
#include "core/str.h"

/* Appends json (valid, without white space between its parts, as core/jsonw.h writes it), one
 * member or element a line, indent before each level, and a line feed at the end. */
RP_NODISCARD int rp_json_pretty(struct rp_str json, const char *indent, struct rp_buf *out);

#endif
