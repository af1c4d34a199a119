/* SPDX-License-Identifier: MIT */
/*
 * Passwords from whoever sits before the terminal, or from a pipe.
 */
#ifndef RP_API_PROMPT_H
#define RP_API_PROMPT_H

#include <stddef.h>

#include "core/defs.h"
#include "core/err.h"

/* Longer lines are refused. */
#define RP_PROMPT_MAX 1024

/* A new password from standard input: on a terminal asked for twice, without echo; otherwise a
 * line, and the next one, if there is one, has to be the same. RP_EINVAL (the two differ, or none
 * came), RP_EIO. The caller wipes out. */
RP_NODISCARD int rp_prompt_password(char out[static RP_PROMPT_MAX], struct rp_err *err);

#endif
