/* SPDX-License-Identifier: MIT */
/*
 * Numbers and booleans of TOML. What is neither gets a message that says what the writer
 * probably forgot.
 */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/str.h"
#include "core/toml_lex.h"

#include "core/banned.h"

#define TOKEN_MAX 64

static bool is_token(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	    c == '_' || c == '-' || c == '+' || c == '.' || c == ':';
}

static bool is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex(int c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Copies without underscores; each must stand between two digits of the number's base. */
static bool strip_underscores(const char *s, char *out)
{
	bool hex = s[0] == '0' && s[1] == 'x';
	for (size_t i = 0; s[i] != '\0'; i++) {
		if (s[i] != '_') {
			*out++ = s[i];
			continue;
		}
		if (i == 0 ||
		    !(hex ? is_hex(s[i - 1]) && is_hex(s[i + 1])
		          : is_digit(s[i - 1]) && is_digit(s[i + 1]))) {
			return false;
		}
	}
	*out = '\0';
	return true;
}

/* 0x, 0o, 0b: no sign, no overflow. */
static bool based_int(const char *s, int64_t *v)
{
	int base = s[1] == 'x' ? 16 : s[1] == 'o' ? 8 : 2;
	const char *digits = &s[2];
	static const char all[] = "0123456789abcdefABCDEF";
	size_t allowed = base == 16 ? 22 : (size_t)base;
	int64_t sum = 0;
	for (size_t i = 0; digits[i] != '\0'; i++) {
		const char *d = memchr(all, digits[i], allowed);
		if (d == NULL) {
			return false;
		}
		int64_t n = d - all;
		if (__builtin_mul_overflow(sum, (int64_t)base, &sum) ||
		    __builtin_add_overflow(sum, n > 15 ? n - 6 : n, &sum)) {
			return false;
		}
	}
	*v = sum;
	return digits[0] != '\0';
}

/* Digits from *i on; false without any. */
static bool digits(const char *s, size_t *i)
{
	size_t start = *i;
	while (is_digit(s[*i])) {
		(*i)++;
	}
	return *i > start;
}

/* A decimal number by TOML's grammar; *is_float if it has a fraction or exponent. */
static bool decimal_form(const char *s, bool *is_float)
{
	size_t i = s[0] == '+' || s[0] == '-' ? 1 : 0;
	size_t start = i;
	if (!digits(s, &i) || (s[start] == '0' && i > start + 1)) {
		return false;
	}
	*is_float = s[i] == '.' || s[i] == 'e' || s[i] == 'E';
	if (s[i] == '.') {
		i++;
		if (!digits(s, &i)) {
			return false;
		}
	}
	if (s[i] == 'e' || s[i] == 'E') {
		i++;
		if (s[i] == '+' || s[i] == '-') {
			i++;
		}
		if (!digits(s, &i)) {
			return false;
		}
	}
	return s[i] == '\0';
}

static bool special_float(const char *s, double *f)
{
	const char *word = s[0] == '+' || s[0] == '-' ? &s[1] : s;
	if (strcmp(word, "inf") == 0) {
		*f = s[0] == '-' ? -HUGE_VAL : HUGE_VAL;
		return true;
	}
	*f = (double)NAN;
	return strcmp(word, "nan") == 0;
}

static bool number(const char *token, struct rp_toml *v)
{
	char s[TOKEN_MAX];
	bool is_float = false;
	if (special_float(token, &v->f)) {
		v->type = RP_TOML_FLOAT;
		return true;
	}
	if (!strip_underscores(token, s)) {
		return false;
	}
	v->type = RP_TOML_INT;
	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'o' || s[1] == 'b')) {
		return based_int(s, &v->i);
	}
	if (!decimal_form(s, &is_float)) {
		return false;
	}
	if (is_float) {
		v->type = RP_TOML_FLOAT;
		v->f = strtod(s, NULL);
		return true;
	}
	const char *unsigned_part = s[0] == '+' ? &s[1] : s;
	return rp_str_i64(rp_str_c(unsigned_part), INT64_MIN, INT64_MAX, &v->i) == 0;
}

static bool looks_like_date(const char *s)
{
	size_t i = 0;
	return digits(s, &i) && ((i == 4 && s[4] == '-') || (i == 2 && s[2] == ':'));
}

/* The message must not show the value: an unquoted text may be a secret. */
static int explain(struct rp_toml_lex *x, const char *token)
{
	if (looks_like_date(token)) {
		return rp_toml_lex_fail(
		    x, RP_EINVAL, "dates and times are not supported, expected a text in quotes");
	}
	if (is_digit(token[0]) || token[0] == '-' || token[0] == '+') {
		return rp_toml_lex_fail(x, RP_EINVAL,
		    "not a valid number, expected a whole or decimal number, or a text in quotes");
	}
	if (rp_ascii_ieq(token, "true") || rp_ascii_ieq(token, "false")) {
		return rp_toml_lex_fail(x, RP_EINVAL, "write true and false in lower case");
	}
	return rp_toml_lex_fail(x, RP_EINVAL,
	    "no valid value, expected a text in quotes, a number, true, false, a [list] or a {table}");
}

int rp_toml_lex_scalar(struct rp_toml_lex *x, struct rp_toml *v)
{
	char token[TOKEN_MAX];
	size_t n = 0;
	while (n + 1 < sizeof(token) && is_token(rp_toml_lex_peek(x, n))) {
		token[n] = (char)rp_toml_lex_peek(x, n);
		n++;
	}
	token[n] = '\0';
	if (n == 0 &&
	    (rp_toml_lex_peek(x, 0) == RP_TOML_END || rp_toml_lex_peek(x, 0) == '\n' ||
	        rp_toml_lex_peek(x, 0) == '\r' || rp_toml_lex_peek(x, 0) == '#')) {
		return rp_toml_lex_fail(x, RP_EINVAL, "the value is missing");
	}
	if (strcmp(token, "true") == 0 || strcmp(token, "false") == 0) {
		v->type = RP_TOML_BOOL;
		v->b = token[0] == 't';
	} else if (n == 0 || is_token(rp_toml_lex_peek(x, n)) || !number(token, v)) {
		return explain(x, token);
	}
	v->text = rp_strdup(token);
	x->at += n;
	return v->text == NULL ? rp_toml_lex_fail(x, RP_ENOMEM, "%s", rp_err_text(RP_ENOMEM)) : 0;
}
