/* SPDX-License-Identifier: MIT */
/*
 * A scanner without a tree: a stack of open brackets, and what may come next. cJSON, which builds
 * the tree afterwards, takes numbers such as "01", control bytes in strings and a byte order mark,
 * and cuts strings at \u0000; none of that gets there.
 */
#include "core/jsonscan.h"

#include <stdint.h>
#include <string.h>

#include "core/json.h"

#include "core/banned.h"

/* cJSON copies a number to a buffer of 64 bytes. */
#define NUMBER_TEXT_MAX 63
/* Every number of so many digits comes back from a double as it was. */
#define EXACT_DIGITS      15
#define UNICODE_ESCAPE    6 /* \u1234 */
#define REPLACEMENT       "\xef\xbf\xbd"
#define REPLACEMENT_BYTES 3

enum next {
	WANT_VALUE,
	WANT_KEY,
	WANT_AFTER,
	WANT_NOTHING
};

struct scan {
	struct rp_str text;
	size_t at;
	enum next next;
	char open[RP_JSON_DEPTH_MAX];
	size_t depth;
	size_t values;
	struct rp_jsonscan *result;
	struct rp_err *err;
};

static int syntax(struct scan *s, const char *what)
{
	if (s->at >= s->text.len) {
		return rp_err_set(s->err, RP_EINVAL, "invalid JSON: unexpected end, %s", what);
	}
	return rp_err_set(s->err, RP_EINVAL, "invalid JSON at byte %zu: %s", s->at + 1, what);
}

/* The next byte, or NUL at the end (which is valid nowhere). */
static char peek(const struct scan *s)
{
	return s->at < s->text.len ? s->text.p[s->at] : '\0';
}

static void skip_space(struct scan *s)
{
	for (char c = peek(s); c == ' ' || c == '\n' || c == '\t' || c == '\r'; c = peek(s)) {
		s->at++;
	}
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Value of the four hex digits of a \u escape at the front of text; -1 if it is none. */
static int32_t unicode_escape(struct rp_str text)
{
	int32_t code = 0;
	if (text.len < UNICODE_ESCAPE || text.p[0] != '\\' || text.p[1] != 'u') {
		return -1;
	}
	for (size_t i = 2; i < UNICODE_ESCAPE; i++) {
		char c = text.p[i];
		int digit = is_digit(c)      ? c - '0'
		    : (c >= 'a' && c <= 'f') ? c - 'a' + 10
		    : (c >= 'A' && c <= 'F') ? c - 'A' + 10
		                             : -1;
		if (digit < 0) {
			return -1;
		}
		code = code * 16 + digit;
	}
	return code;
}

static struct rp_str tail(struct rp_str text, size_t n)
{
	return rp_str_n(text.p + n, text.len - n);
}

/* Length of the escape at the front of text, 0 if it is none. Sets *bad if it has to be
 * replaced. */
static size_t escape_len(struct rp_str text, bool *bad)
{
	if (text.len >= 2 && text.p[1] != '\0' && strchr("\"\\/bfnrt", text.p[1]) != NULL) {
		return 2;
	}
	int32_t code = unicode_escape(text);
	if (code < 0) {
		return 0;
	}
	if (code >= 0xd800 && code <= 0xdbff) {
		int32_t low = unicode_escape(tail(text, UNICODE_ESCAPE));
		if (low >= 0xdc00 && low <= 0xdfff) {
			return 2 * (size_t)UNICODE_ESCAPE;
		}
	}
	*bad = code == 0 || (code >= 0xd800 && code <= 0xdfff);
	return UNICODE_ESCAPE;
}

/* Length of the character or escape at the front of text (not empty), 0 if it is invalid in a
 * string. */
static size_t char_len(struct rp_str text, bool *bad)
{
	unsigned char c = (unsigned char)text.p[0];
	*bad = false;
	if (c == '\\') {
		return escape_len(text, bad);
	}
	if (c < 0x80) {
		return c < 0x20 ? 0 : 1;
	}
	size_t len = rp_utf8_len(text.p, text.len);
	*bad = len == 0;
	return len == 0 ? 1 : len;
}

/* At the opening quote. */
static int scan_string(struct scan *s)
{
	s->at++;
	while (s->at < s->text.len) {
		unsigned char c = (unsigned char)s->text.p[s->at];
		if (c == '"') {
			s->at++;
			return 0;
		}
		if (c >= 0x20 && c < 0x80 && c != '\\') {
			s->at++;
			continue;
		}
		bool bad;
		size_t len = char_len(tail(s->text, s->at), &bad);
		if (len == 0) {
			bool escape = s->text.p[s->at] == '\\';
			return syntax(
			    s, escape ? "unknown escape" : "control character in a string");
		}
		s->result->repair |= bad;
		s->at += len;
	}
	return syntax(s, "expected '\"'");
}

static size_t scan_digits(struct scan *s)
{
	size_t start = s->at;
	while (is_digit(peek(s))) {
		s->at++;
	}
	return s->at - start;
}

static int scan_number(struct scan *s)
{
	size_t start = s->at;
	s->at += peek(s) == '-' ? 1 : 0;
	if (peek(s) == '0') {
		s->at++;
	} else if (scan_digits(s) == 0) {
		return syntax(s, "expected a digit");
	}
	if (peek(s) == '.') {
		s->at++;
		if (scan_digits(s) == 0) {
			return syntax(s, "expected a digit");
		}
	}
	if (peek(s) == 'e' || peek(s) == 'E') {
		s->at++;
		s->at += peek(s) == '+' || peek(s) == '-' ? 1 : 0;
		if (scan_digits(s) == 0) {
			return syntax(s, "expected a digit");
		}
		s->result->numbers = true;
	}
	size_t len = s->at - start;
	if (len > NUMBER_TEXT_MAX) {
		return syntax(s, "number of too many digits");
	}
	s->result->numbers |= len > EXACT_DIGITS;
	return 0;
}

static int scan_word(struct scan *s, const char *word)
{
	if (!rp_str_starts(tail(s->text, s->at), word)) {
		return syntax(s, "expected a value");
	}
	s->at += strlen(word);
	return 0;
}

static void close_bracket(struct scan *s)
{
	s->at++;
	s->depth--;
	s->next = WANT_AFTER;
}

static int open_bracket(struct scan *s, char end)
{
	if (s->depth == RP_JSON_DEPTH_MAX) {
		return rp_err_set(
		    s->err, RP_ELIMIT, "JSON is nested deeper than %d levels", RP_JSON_DEPTH_MAX);
	}
	s->open[s->depth++] = end;
	s->at++;
	s->next = end == '}' ? WANT_KEY : WANT_VALUE;
	skip_space(s);
	if (peek(s) == end) {
		close_bracket(s);
	}
	return 0;
}

static int scan_value(struct scan *s)
{
	if (s->values++ == RP_JSON_VALUES_MAX) {
		return rp_err_set(
		    s->err, RP_ELIMIT, "JSON has more than %d values", RP_JSON_VALUES_MAX);
	}
	s->next = WANT_AFTER;
	char c = peek(s);
	switch (c) {
	case '{':
		return open_bracket(s, '}');
	case '[':
		return open_bracket(s, ']');
	case '"':
		return scan_string(s);
	case 't':
		return scan_word(s, "true");
	case 'f':
		return scan_word(s, "false");
	case 'n':
		return scan_word(s, "null");
	default:
		return c == '-' || is_digit(c) ? scan_number(s) : syntax(s, "expected a value");
	}
}

static int scan_key(struct scan *s)
{
	if (peek(s) != '"') {
		return syntax(s, "expected a key");
	}
	int rc = scan_string(s);
	if (rc != 0) {
		return rc;
	}
	skip_space(s);
	if (peek(s) != ':') {
		return syntax(s, "expected ':'");
	}
	s->at++;
	s->next = WANT_VALUE;
	return 0;
}

/* Behind a value. */
static int scan_after(struct scan *s)
{
	if (s->depth == 0) {
		s->next = WANT_NOTHING;
		return s->at == s->text.len ? 0 : syntax(s, "text behind the value");
	}
	char end = s->open[s->depth - 1];
	if (peek(s) == end) {
		close_bracket(s);
		return 0;
	}
	if (peek(s) != ',') {
		return syntax(s, end == '}' ? "expected ',' or '}'" : "expected ',' or ']'");
	}
	s->at++;
	s->next = end == '}' ? WANT_KEY : WANT_VALUE;
	return 0;
}

int rp_jsonscan_check(struct rp_str text, struct rp_jsonscan *result, struct rp_err *err)
{
	*result = (struct rp_jsonscan){0};
	struct scan s = {.text = text, .next = WANT_VALUE, .result = result, .err = err};
	int rc = 0;
	while (rc == 0 && s.next != WANT_NOTHING) {
		skip_space(&s);
		switch (s.next) {
		case WANT_VALUE:
			rc = scan_value(&s);
			break;
		case WANT_KEY:
			rc = scan_key(&s);
			break;
		default:
			rc = scan_after(&s);
			break;
		}
	}
	return rc;
}

int rp_jsonscan_repair(struct rp_str text, struct rp_buf *out)
{
	size_t kept = 0; /* start of what is to be copied as it is */
	size_t at = 0;
	/* Outside of strings there are only ASCII bytes and no backslash. */
	while (at < text.len) {
		bool bad;
		size_t len = char_len(tail(text, at), &bad);
		if (bad) {
			int rc = rp_buf_add(out, text.p + kept, at - kept);
			rc = rc != 0 ? rc : rp_buf_add(out, REPLACEMENT, REPLACEMENT_BYTES);
			if (rc != 0) {
				return rc;
			}
			kept = at + len;
		}
		at += len == 0 ? 1 : len; /* 0: white space between values */
	}
	return rp_buf_add(out, text.p + kept, text.len - kept);
}

/* Length of the string at the front of text, with its quotes. */
static size_t string_len(struct rp_str text)
{
	size_t i = 1;
	while (i < text.len && text.p[i] != '"') {
		i += text.p[i] == '\\' ? 2 : 1;
	}
	return RP_MIN(i + 1, text.len);
}

static bool is_number_char(char c)
{
	return is_digit(c) || c == '+' || c == '-' || c == '.' || c == 'e' || c == 'E';
}

bool rp_jsonscan_next_number(struct rp_str *text, struct rp_str *number)
{
	while (text->len > 0 && text->p[0] != '-' && !is_digit(text->p[0])) {
		*text = tail(*text, text->p[0] == '"' ? string_len(*text) : 1);
	}
	size_t n = 0;
	while (n < text->len && is_number_char(text->p[n])) {
		n++;
	}
	*number = rp_str_n(text->p, n);
	*text = tail(*text, n);
	return n > 0;
}
