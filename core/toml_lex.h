/* SPDX-License-Identifier: MIT */
/*
 * Characters, keys, strings and scalars of TOML; private to core/toml*.c.
 */
#ifndef RP_CORE_TOML_LEX_H
#define RP_CORE_TOML_LEX_H

#include <stddef.h>

#include "core/defs.h"
#include "core/err.h"
#include "core/toml.h"

#define RP_TOML_END (-1)

/* Where the parser is. All functions that can fail return 0 or a code with the text in err. */
struct rp_toml_lex {
	const char *name;
	const char *text;
	size_t len;
	size_t at;
	unsigned line;
	char key[128]; /* the key being read, for messages; may be cut */
	struct rp_err *err;
};

/* Fills err with `name:line: key: …` and returns code. */
int rp_toml_lex_fail(struct rp_toml_lex *x, int code, const char *fmt, ...) RP_PRINTF(3, 4);
/* The character ahead places after the current one, RP_TOML_END behind the last. */
int rp_toml_lex_peek(const struct rp_toml_lex *x, size_t ahead);
/* Consumes one character and counts lines. */
int rp_toml_lex_take(struct rp_toml_lex *x);
/* Blanks and tabs. */
void rp_toml_lex_blanks(struct rp_toml_lex *x);
/* Blanks, comments and line ends. */
RP_NODISCARD int rp_toml_lex_lines(struct rp_toml_lex *x);
/* Blanks and a comment, then the end of the line must come. */
RP_NODISCARD int rp_toml_lex_line_end(struct rp_toml_lex *x);
/* One part of a key, bare or quoted; owned. */
RP_NODISCARD int rp_toml_lex_key(struct rp_toml_lex *x, char **out);
/* A string of any of the four kinds; owned. */
RP_NODISCARD int rp_toml_lex_string(struct rp_toml_lex *x, char **out);
/* A number or boolean into v: type, value and text. */
RP_NODISCARD int rp_toml_lex_scalar(struct rp_toml_lex *x, struct rp_toml *v);

#endif
