/* SPDX-License-Identifier: MIT */
/*
 * JSON writer. Every value reserves its room once and is copied in one go; only strings that need
 * an escape take the slower path. Nothing is written after the first failure.
 */
#include "core/jsonw.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/err.h"

#include "core/banned.h"

#define ESCAPE_MAX   6 /* \u001f */
#define U64_TEXT_MAX 20
#define DOUBLE_MAX   40
/* Go writes numbers from here on with an exponent. */
#define EXPONENT_BELOW 1e-6
#define EXPONENT_FROM  1e21
/* Decimals and digits for which a double is printed without a search. */
#define SHORT_DECIMALS 6
#define SHORT_BELOW    1e15

#define LANES(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Not copied as it is: quote, backslash, control bytes, HTML's characters, all beyond ASCII. */
static bool is_special(uint8_t c)
{
	return c < 0x20 || c >= 0x80 || c == '"' || c == '&' || c == '<' || c == '>' || c == '\\';
}

/* Non-zero if a byte of v is zero. */
static uint64_t zero_lanes(uint64_t v)
{
	return (v - LANES(0x01)) & ~v & LANES(0x80);
}

/* The same for eight bytes at once. '"' and '&' differ in one bit, and so do '<' and '>'. */
static bool any_special(uint64_t v)
{
	uint64_t control_or_high = ((v - LANES(0x20)) | v) & LANES(0x80);
	uint64_t quote_amp = zero_lanes((v | LANES('"' ^ '&')) ^ LANES('"' | '&'));
	uint64_t less_greater = zero_lanes((v | LANES('<' ^ '>')) ^ LANES('<' | '>'));
	uint64_t backslash = zero_lanes(v ^ LANES('\\'));
	return (control_or_high | quote_amp | less_greater | backslash) != 0;
}

void rp_jsonw_init(struct rp_jsonw *w, struct rp_buf *out)
{
	*w = (struct rp_jsonw){.out = out};
}

int rp_jsonw_end(struct rp_jsonw *w)
{
	return w->err;
}

char *rp_jsonw_take(struct rp_jsonw *w)
{
	char *text = NULL;
	if (rp_jsonw_end(w) != 0 || rp_buf_take_string(w->out, &text) != 0) {
		text = NULL;
	}
	rp_buf_fini(w->out);
	return text;
}

/* Room for n bytes, NULL after a failure. */
static uint8_t *room(struct rp_jsonw *w, size_t n)
{
	uint8_t *at;
	if (w->err != 0) {
		return NULL;
	}
	w->err = rp_buf_reserve(w->out, n, &at);
	return w->err == 0 ? at : NULL;
}

/* The same for the front of a value or key: with the comma if one is due. */
static uint8_t *begin(struct rp_jsonw *w, size_t n)
{
	size_t comma = w->comma ? 1 : 0;
	uint8_t *at = room(w, n + comma);
	if (at != NULL && comma != 0) {
		*at++ = ',';
		rp_buf_commit(w->out, 1);
	}
	w->comma = true;
	return at;
}

static void put(struct rp_jsonw *w, const void *p, size_t n)
{
	uint8_t *at = room(w, n);
	if (at != NULL && n > 0) {
		memcpy(at, p, n);
		rp_buf_commit(w->out, n);
	}
}

/* A value that is text already. */
static void put_value(struct rp_jsonw *w, const char *p, size_t n)
{
	uint8_t *at = begin(w, n);
	if (at != NULL && n > 0) {
		memcpy(at, p, n);
		rp_buf_commit(w->out, n);
	}
}

void rp_jsonw_obj(struct rp_jsonw *w)
{
	put_value(w, "{", 1);
	w->comma = false;
}

void rp_jsonw_obj_end(struct rp_jsonw *w)
{
	put(w, "}", 1);
	w->comma = true;
}

void rp_jsonw_arr(struct rp_jsonw *w)
{
	put_value(w, "[", 1);
	w->comma = false;
}

void rp_jsonw_arr_end(struct rp_jsonw *w)
{
	put(w, "]", 1);
	w->comma = true;
}

/* Number of bytes at the front of s that are copied as they are. */
static size_t plain_len(const uint8_t *s, size_t n)
{
	size_t i = 0;
	for (uint64_t word; n - i >= sizeof(word); i += sizeof(word)) {
		memcpy(&word, s + i, sizeof(word));
		if (any_special(word)) {
			break;
		}
	}
	while (i < n && !is_special(s[i])) {
		i++;
	}
	return i;
}

static void put_escape(struct rp_jsonw *w, uint8_t c)
{
	static const char hex[] = "0123456789abcdef";
	const char *names = "\"\"\\\\\nn\rr\tt";
	for (const char *name = names; *name != '\0'; name += 2) {
		if ((uint8_t)name[0] == c) {
			const char escape[2] = {'\\', name[1]};
			put(w, escape, sizeof(escape));
			return;
		}
	}
	const char escape[ESCAPE_MAX] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 0xf]};
	put(w, escape, sizeof(escape));
}

/* Writes the special character at the front of s; returns its length. */
static size_t put_special(struct rp_jsonw *w, const uint8_t *s, size_t n)
{
	if (s[0] < 0x80) {
		put_escape(w, s[0]);
		return 1;
	}
	size_t len = rp_utf8_len(s, n);
	if (len == 0) {
		put(w, "\\ufffd", ESCAPE_MAX);
		return 1;
	}
	/* Line and paragraph separator end a line in old JavaScript. */
	if (len == 3 && s[0] == 0xe2 && s[1] == 0x80 && (s[2] == 0xa8 || s[2] == 0xa9)) {
		put(w, s[2] == 0xa8 ? "\\u2028" : "\\u2029", ESCAPE_MAX);
		return len;
	}
	put(w, s, len);
	return len;
}

/* The quoted text, then after. */
static void put_quoted(struct rp_jsonw *w, const void *p, size_t n, char after)
{
	const uint8_t *s = p;
	size_t plain = plain_len(s, n);
	size_t end_len = after != '\0' ? 2 : 1;
	const char end[2] = {'"', after};
	uint8_t *at = begin(w, 1 + plain + (plain == n ? end_len : 0));
	if (at == NULL) {
		return;
	}
	at[0] = '"';
	if (plain > 0) {
		memcpy(at + 1, s, plain);
	}
	if (plain == n) {
		memcpy(at + 1 + plain, end, end_len);
		rp_buf_commit(w->out, 1 + plain + end_len);
		return;
	}
	rp_buf_commit(w->out, plain + 1);
	for (size_t i = plain; i < n && w->err == 0; i += plain) {
		i += put_special(w, s + i, n - i);
		plain = plain_len(s + i, n - i);
		put(w, s + i, plain);
	}
	put(w, end, end_len);
}

void rp_jsonw_key(struct rp_jsonw *w, const char *key)
{
	put_quoted(w, key, strlen(key), ':');
	w->comma = false;
}

void rp_jsonw_strn(struct rp_jsonw *w, struct rp_str s)
{
	put_quoted(w, s.p, s.len, '\0');
}

void rp_jsonw_str(struct rp_jsonw *w, const char *s)
{
	rp_jsonw_strn(w, rp_str_c(s));
}

void rp_jsonw_str_opt(struct rp_jsonw *w, const char *s)
{
	if (s == NULL) {
		rp_jsonw_null(w);
		return;
	}
	rp_jsonw_str(w, s);
}

/* Writes v so that it ends before end, with at least width digits; returns its start. */
static char *digits_before(char *end, uint64_t v, size_t width)
{
	const char *limit = end - width;
	do {
		*--end = (char)('0' + v % 10);
		v /= 10;
	} while (v != 0 || end > limit);
	return end;
}

static void put_digits(struct rp_jsonw *w, uint64_t v, bool negative)
{
	char text[U64_TEXT_MAX + 1];
	char *end = text + sizeof(text);
	char *at = digits_before(end, v, 1);
	if (negative) {
		*--at = '-';
	}
	put_value(w, at, (size_t)(end - at));
}

void rp_jsonw_int(struct rp_jsonw *w, int64_t v)
{
	put_digits(w, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, v < 0);
}

void rp_jsonw_uint(struct rp_jsonw *w, uint64_t v)
{
	put_digits(w, v, false);
}

/* The fewest decimal digits that give d again: digits has no point, the value is d.ddd *
 * 10^*exp. */
static size_t shortest(double d, char digits[static DOUBLE_MAX], int *exp)
{
	char text[DOUBLE_MAX];
	/* Every number of 15 digits survives, but not below the normal range. */
	for (int precision = d < DBL_MIN ? 0 : 14; precision <= 16; precision++) {
		(void)snprintf(text, sizeof(text), "%.*e", precision, d);
		if (strtod(text, NULL) == d) {
			break;
		}
	}
	size_t n = 0;
	const char *p = text;
	for (; *p != 'e' && *p != '\0'; p++) {
		if (*p != '.') {
			digits[n++] = *p;
		}
	}
	*exp = *p == 'e' ? (int)strtol(p + 1, NULL, 10) : 0;
	while (n > 1 && digits[n - 1] == '0') {
		n--;
	}
	return n;
}

/* As Go writes a float64: plain from 1e-6 to 1e21, else with an exponent. d is not negative. */
static size_t format_double(double d, char out[static DOUBLE_MAX])
{
	char digits[DOUBLE_MAX] = {0};
	int exp;
	size_t n = shortest(d, digits, &exp);
	int count = (int)n;
	if (d != 0 && (d < EXPONENT_BELOW || d >= EXPONENT_FROM)) {
		return (size_t)snprintf(out, DOUBLE_MAX, "%c%s%.*se%c%d", digits[0],
		    count > 1 ? "." : "", count - 1, digits + 1, exp < 0 ? '-' : '+', abs(exp));
	}
	if (exp < 0) {
		return (size_t)snprintf(
		    out, DOUBLE_MAX, "0.%.*s%.*s", -exp - 1, "00000", count, digits);
	}
	if (count <= exp + 1) {
		return (size_t)snprintf(out, DOUBLE_MAX, "%.*s%.*s", count, digits, exp + 1 - count,
		    "000000000000000000000");
	}
	return (size_t)snprintf(
	    out, DOUBLE_MAX, "%.*s.%.*s", exp + 1, digits, count - exp - 1, digits + exp + 1);
}

/* The usual case, quickly: a few decimals. Both operands of the division are exact, so the
 * quotient is what a reader makes of the text; with at most 15 digits no shorter text gives it.
 * 0 if d is not such a number. */
static size_t format_short(double d, char out[static DOUBLE_MAX])
{
	uint64_t unit = 1;
	for (size_t decimals = 1; decimals <= SHORT_DECIMALS; decimals++) {
		unit *= 10;
		double scaled = nearbyint(d * (double)unit);
		if (scaled >= SHORT_BELOW) {
			return 0;
		}
		double back = scaled / (double)unit;
		if (back < d || back > d) {
			continue;
		}
		uint64_t v = (uint64_t)scaled;
		char *end = digits_before(out + DOUBLE_MAX, v % unit, decimals);
		*--end = '.';
		end = digits_before(end, v / unit, 1);
		size_t n = (size_t)(out + DOUBLE_MAX - end);
		memmove(out, end, n);
		return n;
	}
	return 0;
}

void rp_jsonw_double(struct rp_jsonw *w, double v)
{
	if (!isfinite(v)) {
		rp_jsonw_null(w);
		return;
	}
	if (fabs(v) < (double)(INT64_C(1) << 53) && trunc(v) == v) {
		rp_jsonw_int(w, (int64_t)v);
		return;
	}
	char text[DOUBLE_MAX + 1];
	text[0] = '-';
	size_t n = format_short(fabs(v), text + 1);
	n = n != 0 ? n : format_double(fabs(v), text + 1);
	put_value(w, v < 0 ? text : text + 1, v < 0 ? n + 1 : n);
}

void rp_jsonw_bool(struct rp_jsonw *w, bool v)
{
	put_value(w, v ? "true" : "false", v ? 4 : 5);
}

void rp_jsonw_null(struct rp_jsonw *w)
{
	put_value(w, "null", 4);
}

void rp_jsonw_time(struct rp_jsonw *w, int64_t t)
{
	char text[RP_TIME_TEXT_MAX];
	rp_time_format(t, text);
	rp_jsonw_str(w, text);
}

void rp_jsonw_time_opt(struct rp_jsonw *w, int64_t t)
{
	if (t == RP_TIME_ZERO) {
		rp_jsonw_null(w);
		return;
	}
	rp_jsonw_time(w, t);
}

void rp_jsonw_strlist(struct rp_jsonw *w, const struct rp_strlist *l)
{
	rp_jsonw_arr(w);
	for (size_t i = 0; i < l->n; i++) {
		rp_jsonw_str(w, l->v[i]);
	}
	rp_jsonw_arr_end(w);
}

void rp_jsonw_strmap(struct rp_jsonw *w, const struct rp_strmap *m)
{
	rp_jsonw_obj(w);
	for (size_t i = 0; i < m->n; i++) {
		rp_jsonw_key(w, m->k[i]);
		rp_jsonw_str(w, m->v[i]);
	}
	rp_jsonw_obj_end(w);
}

void rp_jsonw_raw(struct rp_jsonw *w, const char *json)
{
	if (json == NULL) {
		rp_jsonw_null(w);
		return;
	}
	put_value(w, json, strlen(json));
}

void rp_jsonw_put_str(struct rp_jsonw *w, const char *key, const char *s)
{
	rp_jsonw_key(w, key);
	rp_jsonw_str(w, s);
}

void rp_jsonw_put_bool(struct rp_jsonw *w, const char *key, bool v)
{
	rp_jsonw_key(w, key);
	rp_jsonw_bool(w, v);
}

void rp_jsonw_put_int(struct rp_jsonw *w, const char *key, int64_t v)
{
	rp_jsonw_key(w, key);
	rp_jsonw_int(w, v);
}

void rp_jsonw_put_uint(struct rp_jsonw *w, const char *key, uint64_t v)
{
	rp_jsonw_key(w, key);
	rp_jsonw_uint(w, v);
}

void rp_jsonw_put_time(struct rp_jsonw *w, const char *key, int64_t t)
{
	rp_jsonw_key(w, key);
	rp_jsonw_time(w, t);
}

void rp_jsonw_put_null(struct rp_jsonw *w, const char *key)
{
	rp_jsonw_key(w, key);
	rp_jsonw_null(w);
}

void rp_jsonw_put_strlist(struct rp_jsonw *w, const char *key, const struct rp_strlist *l)
{
	rp_jsonw_key(w, key);
	rp_jsonw_strlist(w, l);
}
