/* SPDX-License-Identifier: MIT */
/*
 * One pass over the text; strings are copied as they are.
 */
#include "core/jsonpretty.h"

#include "core/err.h"

#include "core/banned.h"

struct printer {
	struct rp_buf *out;
	const char *indent;
	size_t depth;
	int err;
};

static void put(struct printer *p, const char *text)
{
	p->err = p->err != 0 ? p->err : rp_buf_add_str(p->out, text);
}

static void put_byte(struct printer *p, char c)
{
	p->err = p->err != 0 ? p->err : rp_buf_add_u8(p->out, (uint8_t)c);
}

static void new_line(struct printer *p)
{
	put_byte(p, '\n');
	for (size_t i = 0; i < p->depth; i++) {
		put(p, p->indent);
	}
}

/* Number of bytes of the string at the front. */
static size_t string_len(struct rp_str s)
{
	size_t i = 1;
	while (i < s.len && s.p[i] != '"') {
		i += s.p[i] == '\\' ? 2 : 1;
	}
	return i < s.len ? i + 1 : s.len;
}

static void put_mark(struct printer *p, char c, char next)
{
	bool empty = (c == '{' && next == '}') || (c == '[' && next == ']');
	switch (c) {
	case '{':
	case '[':
		put_byte(p, c);
		if (!empty) {
			p->depth++;
			new_line(p);
		}
		return;
	case ',':
		put_byte(p, c);
		new_line(p);
		return;
	case ':':
		put(p, ": ");
		return;
	default:
		put_byte(p, c);
	}
}

int rp_json_pretty(struct rp_str json, const char *indent, struct rp_buf *out)
{
	struct printer p = {.out = out, .indent = indent};
	for (size_t i = 0; i < json.len && p.err == 0;) {
		char c = json.p[i];
		if (c == '"') {
			size_t n = string_len(rp_str_n(json.p + i, json.len - i));
			p.err = rp_buf_add(out, json.p + i, n);
			i += n;
			continue;
		}
		char before = i > 0 ? json.p[i - 1] : '\0';
		if ((c == '}' && before != '{') || (c == ']' && before != '[')) {
			p.depth--;
			new_line(&p);
		}
		put_mark(&p, c, i + 1 < json.len ? json.p[i + 1] : '\0');
		i++;
	}
	put_byte(&p, '\n');
	return p.err;
}
