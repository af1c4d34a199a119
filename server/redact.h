/* SPDX-License-Identifier: MIT */
/*
 * JSON without its secrets.
 */
#ifndef RP_SERVER_REDACT_H
#define RP_SERVER_REDACT_H

#include "core/json.h"

/* The value's text with the values of these keys (any case, at any depth; the list ends with NULL)
 * masked. Owned; NULL: no memory, or larger than 512 KiB. */
char *rp_redact(const struct rp_json *j, const char *const *secrets);

#endif
