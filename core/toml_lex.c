/* SPDX-License-Identifier: MIT */
/*
 * The lexical part of TOML: white space, comments, keys, the four kinds of strings. Numbers
 * stand in core/toml_num.c. Everything is read by index with a check, never by a moving
 * pointer.
 */
#include "core/toml_lex.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/alloc.h"
#include "core/buf.h"

#include "core/banned.h"

int rp_toml_lex_fail(struct rp_toml_lex *x, int code, const char *fmt, ...)
{
	char text[256];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return rp_err_set(x->err, code, "%s:%u: %s%s%s", x->name, x->line, x->key,
	    x->key[0] == '\0' ? "" : ": ", text);
}

int rp_toml_lex_peek(const struct rp_toml_lex *x, size_t ahead)
{
	return ahead < x->len - x->at ? (unsigned char)x->text[x->at + ahead] : RP_TOML_END;
}

int rp_toml_lex_take(struct rp_toml_lex *x)
{
	int c = rp_toml_lex_peek(x, 0);
	if (c != RP_TOML_END) {
		x->at++;
	}
	if (c == '\n') {
		x->line++;
	}
	return c;
}

void rp_toml_lex_blanks(struct rp_toml_lex *x)
{
	while (rp_toml_lex_peek(x, 0) == ' ' || rp_toml_lex_peek(x, 0) == '\t') {
		(void)rp_toml_lex_take(x);
	}
}

static bool at_line_end(const struct rp_toml_lex *x)
{
	int c = rp_toml_lex_peek(x, 0);
	return c == '\n' || (c == '\r' && rp_toml_lex_peek(x, 1) == '\n');
}

static void take_line_end(struct rp_toml_lex *x)
{
	if (rp_toml_lex_take(x) == '\r') {
		(void)rp_toml_lex_take(x);
	}
}

static bool is_control(int c)
{
	return (c >= 0 && c < 0x20 && c != '\t') || c == 0x7f;
}

/* A comment, if one starts here, up to the end of its line. */
static int comment(struct rp_toml_lex *x)
{
	if (rp_toml_lex_peek(x, 0) != '#') {
		return 0;
	}
	while (rp_toml_lex_peek(x, 0) != RP_TOML_END && !at_line_end(x)) {
		if (is_control(rp_toml_lex_take(x))) {
			return rp_toml_lex_fail(x, RP_EINVAL, "control character in a comment");
		}
	}
	return 0;
}

int rp_toml_lex_lines(struct rp_toml_lex *x)
{
	for (;;) {
		rp_toml_lex_blanks(x);
		int rc = comment(x);
		if (rc != 0 || !at_line_end(x)) {
			return rc;
		}
		take_line_end(x);
	}
}

int rp_toml_lex_line_end(struct rp_toml_lex *x)
{
	rp_toml_lex_blanks(x);
	int rc = comment(x);
	if (rc != 0 || rp_toml_lex_peek(x, 0) == RP_TOML_END) {
		return rc;
	}
	if (!at_line_end(x)) {
		return rp_toml_lex_fail(x, RP_EINVAL,
		    "more text behind the value, expected the end of the line (texts need quotes)");
	}
	take_line_end(x);
	return 0;
}

static bool is_bare(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	    c == '_' || c == '-';
}

static int oom(struct rp_toml_lex *x, int rc)
{
	return rp_toml_lex_fail(x, rc, "%s", rp_err_text(rc));
}

int rp_toml_lex_key(struct rp_toml_lex *x, char **out)
{
	int c = rp_toml_lex_peek(x, 0);
	if (c == '"' || c == '\'') {
		if (rp_toml_lex_peek(x, 1) == c && rp_toml_lex_peek(x, 2) == c) {
			return rp_toml_lex_fail(x, RP_EINVAL, "a key cannot have several lines");
		}
		return rp_toml_lex_string(x, out);
	}
	size_t n = 0;
	while (is_bare(rp_toml_lex_peek(x, n))) {
		n++;
	}
	if (n == 0) {
		return rp_toml_lex_fail(x, RP_EINVAL,
		    "expected a key of letters, digits, '_' and '-', or one in quotes");
	}
	*out = rp_strndup(&x->text[x->at], n);
	x->at += n;
	return *out == NULL ? oom(x, RP_ENOMEM) : 0;
}

static int add_utf8(struct rp_buf *b, uint32_t c)
{
	uint8_t u[4];
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
	for (size_t i = n; i-- > 1;) {
		u[i] = (uint8_t)(0x80 | (c & 0x3f));
		c >>= 6;
	}
	u[0] = (uint8_t)(lead[n] | c);
	return rp_buf_add(b, u, n);
}

static int unicode(struct rp_toml_lex *x, size_t digits, struct rp_buf *b)
{
	uint32_t c = 0;
	for (size_t i = 0; i < digits; i++) {
		int d = rp_ascii_hex(rp_toml_lex_peek(x, 0));
		if (d < 0) {
			return rp_toml_lex_fail(x, RP_EINVAL,
			    "bad \\%c, expected %zu hexadecimal digits", digits == 4 ? 'u' : 'U',
			    digits);
		}
		c = (c << 4) | (uint32_t)d;
		(void)rp_toml_lex_take(x);
	}
	if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) {
		return rp_toml_lex_fail(x, RP_EINVAL,
		    "bad \\%c, expected a Unicode character other than NUL",
		    digits == 4 ? 'u' : 'U');
	}
	int rc = add_utf8(b, c);
	return rc == 0 ? 0 : oom(x, rc);
}

/* What follows a backslash that is already consumed. */
static int escape(struct rp_toml_lex *x, struct rp_buf *b)
{
	static const char from[] = "btnfr\"\\";
	static const char to[] = "\b\t\n\f\r\"\\";
	int c = rp_toml_lex_take(x);
	if (c == 'u' || c == 'U') {
		return unicode(x, c == 'u' ? 4 : 8, b);
	}
	for (size_t i = 0; i + 1 < sizeof(from); i++) {
		if (c == from[i]) {
			int rc = rp_buf_add_u8(b, (uint8_t)to[i]);
			return rc == 0 ? 0 : oom(x, rc);
		}
	}
	return rp_toml_lex_fail(x, RP_EINVAL,
	    "unknown escape after a backslash, write two backslashes or use single quotes");
}

/* A backslash at the end of a line of a multi-line string: drops all white space that follows. */
static bool line_continues(struct rp_toml_lex *x)
{
	size_t n = 0;
	int c;
	do {
		c = rp_toml_lex_peek(x, n++);
	} while (c == ' ' || c == '\t' || c == '\r');
	if (c != '\n') {
		return false;
	}
	while (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
		(void)rp_toml_lex_take(x);
		c = rp_toml_lex_peek(x, 0);
	}
	return true;
}

struct quoting {
	int quote;
	bool literal;
	bool multi;
};

/* The closing quotes; up to two more quotes may belong to the text of a multi-line string. */
static bool string_ends(struct rp_toml_lex *x, const struct quoting *q)
{
	if (rp_toml_lex_peek(x, 0) != q->quote) {
		return false;
	}
	if (!q->multi) {
		x->at++;
		return true;
	}
	for (size_t i = 1; i < 3; i++) {
		if (rp_toml_lex_peek(x, i) != q->quote) {
			return false;
		}
	}
	if (rp_toml_lex_peek(x, 3) == q->quote) {
		return false;
	}
	x->at += 3;
	return true;
}

/* One step inside a string. */
static int string_char(struct rp_toml_lex *x, const struct quoting *q, struct rp_buf *b)
{
	if (at_line_end(x)) {
		if (!q->multi) {
			return rp_toml_lex_fail(x, RP_EINVAL,
			    "the text does not end in this line, expected a closing %c", q->quote);
		}
		take_line_end(x);
		int rc = rp_buf_add_u8(b, '\n');
		return rc == 0 ? 0 : oom(x, rc);
	}
	int c = rp_toml_lex_take(x);
	if (c == RP_TOML_END) {
		return rp_toml_lex_fail(
		    x, RP_EINVAL, "the file ends inside a text, expected a closing %c", q->quote);
	}
	if (is_control(c)) {
		return rp_toml_lex_fail(x, RP_EINVAL, "control character in a text");
	}
	if (c == '\\' && !q->literal) {
		return q->multi && line_continues(x) ? 0 : escape(x, b);
	}
	int rc = rp_buf_add_u8(b, (uint8_t)c);
	return rc == 0 ? 0 : oom(x, rc);
}

int rp_toml_lex_string(struct rp_toml_lex *x, char **out)
{
	int quote = rp_toml_lex_take(x);
	struct quoting q = {.quote = quote, .literal = quote == '\''};
	if (rp_toml_lex_peek(x, 0) == quote && rp_toml_lex_peek(x, 1) == quote) {
		x->at += 2;
		q.multi = true;
		if (at_line_end(x)) {
			take_line_end(x);
		}
	}
	struct rp_buf b;
	rp_buf_init(&b, RP_TOML_FILE_MAX * 2);
	int rc = 0;
	while (rc == 0 && !string_ends(x, &q)) {
		rc = string_char(x, &q, &b);
	}
	if (rc == 0) {
		rc = rp_buf_take_string(&b, out);
		rc = rc == 0 ? 0 : oom(x, rc);
	}
	rp_buf_fini(&b);
	return rc;
}
