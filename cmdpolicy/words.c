/* SPDX-License-Identifier: MIT */
/*
 * Splits a command into words as a POSIX shell would (XCU 2.2, 2.3), as long as nothing in it
 * needs the shell. What is accepted means the same to /bin/sh; everything else is refused by
 * name, also inside double quotes.
 */
#include <string.h>

#include "cmdpolicy/cmdpolicy.h"
#include "core/buf.h"

#include "core/banned.h"

struct splitter {
	struct rp_str left;
	struct rp_strlist *words;
	struct rp_buf word;
	bool in_word;
	bool plain_name; /* all of the word so far could be a variable's name */
	struct rp_err *err;
};

static int deny(struct splitter *s, const char *why)
{
	return rp_err_set(s->err, RP_EDENIED, "%s", why);
}

/* Bytes that stand for themselves nowhere: control characters (a tab separates words), C1
 * controls, line separators and the marks that make text read differently from what it is. */
static bool is_forbidden(uint32_t c)
{
	return (c < 0x20 && c != '\t') || (c >= 0x7f && c <= 0x9f) || c == 0x2028 || c == 0x2029 ||
	    (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

/* Code point of the well-formed character of n bytes. */
static uint32_t code_point(const char *p, size_t n)
{
	static const uint8_t first[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	uint32_t c = (uint8_t)p[0] & first[n];
	for (size_t i = 1; i < n; i++) {
		c = c << 6 | ((uint8_t)p[i] & 0x3fu);
	}
	return c;
}

/* The whole text before anything else, so that no quoting hides a byte. */
static int check_characters(struct splitter *s)
{
	for (size_t i = 0; i < s->left.len;) {
		const char *p = s->left.p + i;
		size_t n = rp_utf8_len(p, s->left.len - i);
		if (n == 0) {
			return deny(s, "text is not valid UTF-8");
		}
		uint32_t c = code_point(p, n);
		if (c == '\n' || c == '\r') {
			return deny(s, "line end");
		}
		if (is_forbidden(c)) {
			return rp_err_set(s->err, RP_EDENIED, "control character U+%04X", c);
		}
		i += n;
	}
	return 0;
}

static char take(struct splitter *s)
{
	char c = s->left.p[0];
	s->left = rp_str_n(s->left.p + 1, s->left.len - 1);
	return c;
}

static char peek(const struct splitter *s)
{
	return s->left.len > 0 ? s->left.p[0] : '\0';
}

static int add(struct splitter *s, char c)
{
	s->in_word = true;
	return rp_buf_add_u8(&s->word, (uint8_t)c);
}

static int end_word(struct splitter *s)
{
	if (!s->in_word) {
		return 0;
	}
	if (s->words->n == RP_COMMAND_WORDS_MAX) {
		return deny(s, "too many words");
	}
	int rc = rp_strlist_add(s->words, rp_str_n(rp_buf_head(&s->word), s->word.len));
	rp_buf_clear(&s->word);
	s->in_word = false;
	s->plain_name = true;
	return rc;
}

static int single_quoted(struct splitter *s)
{
	s->in_word = true;
	s->plain_name = false;
	while (s->left.len > 0) {
		char c = take(s);
		if (c == '\'') {
			return 0;
		}
		int rc = add(s, c);
		if (rc != 0) {
			return rc;
		}
	}
	return rp_err_set(s->err, RP_EINVAL, "single quote without its end");
}

/* A backslash keeps its meaning before $ ` " \ only. */
static int double_quoted(struct splitter *s)
{
	s->in_word = true;
	s->plain_name = false;
	while (s->left.len > 0) {
		char c = take(s);
		if (c == '"') {
			return 0;
		}
		if (c == '$') {
			return deny(s, "parameter expansion or command substitution");
		}
		if (c == '`') {
			return deny(s, "command substitution");
		}
		if (c == '\\' && s->left.len > 0 && strchr("$`\"\\", peek(s)) != NULL) {
			c = take(s);
		}
		int rc = add(s, c);
		if (rc != 0) {
			return rc;
		}
	}
	return rp_err_set(s->err, RP_EINVAL, "double quote without its end");
}

static int escaped(struct splitter *s)
{
	if (s->left.len == 0) {
		return rp_err_set(s->err, RP_EINVAL, "backslash at the end");
	}
	s->plain_name = false;
	return add(s, take(s));
}

/* NULL, or why the unquoted character c needs a shell. */
static const char *needs_shell(const struct splitter *s, char c)
{
	switch (c) {
	case '|':
	case '&':
	case ';':
	case '<':
	case '>':
	case '(':
	case ')':
		return "shell operator";
	case '$':
		return "parameter expansion or command substitution";
	case '`':
		return "command substitution";
	case '*':
	case '?':
	case '[':
		return "file name pattern";
	case '{':
		return peek(s) == '}' ? NULL : "brace expansion";
	case '~':
		return s->in_word ? NULL : "home directory expansion";
	case '#':
		return s->in_word ? NULL : "comment";
	case '=':
		return s->words->n == 0 && s->in_word && s->plain_name ? "variable assignment"
		                                                       : NULL;
	default:
		return NULL;
	}
}

static bool is_name_char(char c, bool first)
{
	return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (!first && c >= '0' && c <= '9');
}

static int unquoted(struct splitter *s, char c)
{
	const char *why = needs_shell(s, c);
	if (why != NULL) {
		return deny(s, why);
	}
	/* bash also assigns with += and to array elements; the '[' of the latter is a pattern. */
	if (!is_name_char(c, !s->in_word) && !(c == '+' && peek(s) == '=')) {
		s->plain_name = false;
	}
	return add(s, c);
}

static int step(struct splitter *s)
{
	char c = take(s);
	switch (c) {
	case ' ':
	case '\t':
		return end_word(s);
	case '\'':
		return single_quoted(s);
	case '"':
		return double_quoted(s);
	case '\\':
		return escaped(s);
	default:
		return unquoted(s, c);
	}
}

int rp_words_split(const char *text, struct rp_strlist *words, struct rp_err *err)
{
	size_t n = strnlen(text, RP_COMMAND_TEXT_MAX + 1);
	struct splitter s = {
	    .left = rp_str_n(text, n), .words = words, .plain_name = true, .err = err};
	*words = (struct rp_strlist){0};
	if (n > RP_COMMAND_TEXT_MAX) {
		return deny(&s, "text is too long");
	}
	rp_buf_init(&s.word, RP_COMMAND_TEXT_MAX);
	int rc = check_characters(&s);
	while (rc == 0 && s.left.len > 0) {
		rc = step(&s);
	}
	if (rc == 0) {
		rc = end_word(&s);
	}
	if (rc == 0 && words->n == 0) {
		rc = rp_err_set(err, RP_EINVAL, "no command");
	}
	rp_buf_fini(&s.word);
	if (rc != 0) {
		rp_strlist_fini(words);
		if (rc == RP_ENOMEM) {
			(void)rp_err_set(err, rc, "%s", rp_err_text(rc));
		}
	}
	return rc;
}
