/* SPDX-License-Identifier: MIT */
/*
 * The grammar of TOML: tables, keys, arrays, inline tables, and the rules which of them may be
 * defined where. Flags on a table remember how it came to be, because that decides who may add
 * to it later.
 */
#include "core/toml.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/str.h"
#include "core/toml_lex.h"

#include "core/banned.h"

#define F_DEFINED 1u /* by its own [header] */
#define F_DOTTED  2u /* by a dotted key */
#define F_CLOSED  4u /* inline table or array value: complete as written */

struct parser {
	struct rp_toml_lex x;
	struct rp_toml *root;
	struct rp_toml *current; /* table of the last header */
	char prefix[128];        /* its name, for messages */
	size_t nodes;
	unsigned depth;
};

static int value(struct parser *p, struct rp_toml *v);

const char *rp_toml_type_name(enum rp_toml_type type)
{
	static const char *const names[] = {
	    "text", "number", "number", "true or false", "list", "table"};
	return names[type];
}

void rp_toml_free(struct rp_toml *t)
{
	if (t == NULL) {
		return;
	}
	struct rp_toml *next;
	for (struct rp_toml *c = t->first; c != NULL; c = next) {
		next = c->next;
		rp_toml_free(c);
	}
	rp_free(t->key);
	rp_free_secret(t->text);
	rp_free(t);
}

static int copy_text(const char *from, char **to)
{
	*to = from == NULL ? NULL : rp_strdup(from);
	return from != NULL && *to == NULL ? RP_ENOMEM : 0;
}

/* As deep as the parser allows. */
int rp_toml_copy(const struct rp_toml *t, struct rp_toml **out)
{
	struct rp_toml *copy = rp_calloc(1, sizeof(*copy));
	*out = NULL;
	if (copy == NULL) {
		return RP_ENOMEM;
	}
	copy->type = t->type;
	copy->line = t->line;
	copy->i = t->i;
	copy->f = t->f;
	copy->b = t->b;
	int rc = copy_text(t->key, &copy->key);
	rc = rc != 0 ? rc : copy_text(t->text, &copy->text);
	for (const struct rp_toml *c = t->first; c != NULL && rc == 0; c = c->next) {
		struct rp_toml *child;
		rc = rp_toml_copy(c, &child);
		if (rc == 0) {
			*(copy->last == NULL ? &copy->first : &copy->last->next) = child;
			copy->last = child;
		}
	}
	if (rc != 0) {
		rp_toml_free(copy);
		return rc;
	}
	*out = copy;
	return 0;
}

struct rp_toml *rp_toml_get(const struct rp_toml *table, const char *key)
{
	for (struct rp_toml *c = table->first; c != NULL; c = c->next) {
		if (c->key != NULL && strcmp(c->key, key) == 0) {
			return c;
		}
	}
	return NULL;
}

/* A new node at the end of parent; takes key, also on failure. */
static int add_node(struct parser *p, struct rp_toml *parent, char *key, struct rp_toml **out)
{
	struct rp_toml *t = NULL;
	*out = NULL;
	if (p->nodes >= RP_TOML_NODES_MAX) {
		rp_free(key);
		(void)rp_toml_lex_fail(
		    &p->x, RP_ELIMIT, "too many values in the file, at most %d", RP_TOML_NODES_MAX);
		return RP_ELIMIT;
	}
	t = rp_calloc(1, sizeof(*t));
	if (t == NULL) {
		rp_free(key);
		(void)rp_toml_lex_fail(&p->x, RP_ENOMEM, "%s", rp_err_text(RP_ENOMEM));
		return RP_ENOMEM;
	}
	p->nodes++;
	t->type = RP_TOML_TABLE;
	t->key = key;
	t->line = p->x.line;
	if (parent != NULL) {
		if (parent->last == NULL) {
			parent->first = t;
		} else {
			parent->last->next = t;
		}
		parent->last = t;
	}
	*out = t;
	return 0;
}

/* Appends ".part" to the key shown in messages. */
static void show_key(struct parser *p, const char *part)
{
	size_t n = strlen(p->x.key);
	(void)snprintf(&p->x.key[n], sizeof(p->x.key) - n, "%s%s", n == 0 ? "" : ".", part);
}

static int twice(struct parser *p, const struct rp_toml *first)
{
	return rp_toml_lex_fail(
	    &p->x, RP_EINVAL, "defined twice, expected once (first in line %u)", first->line);
}

/* Header [a.b.c]: steps into (or makes) the table for a part that is not the last. Takes key. */
static int header_step(struct parser *p, struct rp_toml *at, char *key, struct rp_toml **out)
{
	struct rp_toml *t = rp_toml_get(at, key);
	if (t == NULL) {
		return add_node(p, at, key, out);
	}
	rp_free(key);
	if (t->type == RP_TOML_ARRAY && (t->flags & F_CLOSED) == 0) {
		t = t->last;
	}
	*out = t;
	if (t->type != RP_TOML_TABLE || (t->flags & F_CLOSED) != 0) {
		return twice(p, t);
	}
	return 0;
}

/* Last part of [a.b.c]. Takes key. */
static int header_table(struct parser *p, struct rp_toml *at, char *key, struct rp_toml **out)
{
	struct rp_toml *t = rp_toml_get(at, key);
	if (t == NULL) {
		int rc = add_node(p, at, key, &t);
		if (rc != 0) {
			return rc;
		}
	} else {
		rp_free(key);
		if (t->type != RP_TOML_TABLE || t->flags != 0) {
			return twice(p, t);
		}
		t->line = p->x.line;
	}
	t->flags = F_DEFINED;
	*out = t;
	return 0;
}

/* Last part of [[a.b.c]]: one more table in that array. Takes key. */
static int header_array(struct parser *p, struct rp_toml *at, char *key, struct rp_toml **out)
{
	struct rp_toml *t = rp_toml_get(at, key);
	if (t == NULL) {
		int rc = add_node(p, at, key, &t);
		if (rc != 0) {
			return rc;
		}
		t->type = RP_TOML_ARRAY;
	} else {
		rp_free(key);
		if (t->type != RP_TOML_ARRAY || (t->flags & F_CLOSED) != 0) {
			return twice(p, t);
		}
	}
	int rc = add_node(p, t, NULL, out);
	if (rc == 0) {
		(*out)->flags = F_DEFINED;
	}
	return rc;
}

/* Reads the next part of a dotted key; *last when no dot follows. */
static int key_part(struct parser *p, unsigned *parts, char **key, bool *last)
{
	if (++*parts > RP_TOML_DEPTH_MAX) {
		return rp_toml_lex_fail(
		    &p->x, RP_ELIMIT, "too many dots in a key, at most %d", RP_TOML_DEPTH_MAX - 1);
	}
	rp_toml_lex_blanks(&p->x);
	int rc = rp_toml_lex_key(&p->x, key);
	if (rc != 0) {
		return rc;
	}
	show_key(p, *key);
	rp_toml_lex_blanks(&p->x);
	*last = rp_toml_lex_peek(&p->x, 0) != '.';
	if (!*last) {
		(void)rp_toml_lex_take(&p->x);
	}
	return 0;
}

static int header(struct parser *p)
{
	struct rp_toml *at = p->root;
	unsigned parts = 0;
	bool last = false;
	(void)rp_toml_lex_take(&p->x);
	bool array = rp_toml_lex_peek(&p->x, 0) == '[';
	if (array) {
		(void)rp_toml_lex_take(&p->x);
	}
	p->x.key[0] = '\0';
	while (!last) {
		char *key = NULL;
		int rc = key_part(p, &parts, &key, &last);
		if (rc != 0) {
			return rc;
		}
		rc = !last  ? header_step(p, at, key, &at)
		    : array ? header_array(p, at, key, &at)
		            : header_table(p, at, key, &at);
		if (rc != 0) {
			return rc;
		}
	}
	for (int brackets = array ? 2 : 1; brackets > 0; brackets--) {
		if (rp_toml_lex_peek(&p->x, 0) != ']') {
			return rp_toml_lex_fail(
			    &p->x, RP_EINVAL, "bad table header, expected %s", array ? "]]" : "]");
		}
		(void)rp_toml_lex_take(&p->x);
	}
	p->current = at;
	(void)snprintf(p->prefix, sizeof(p->prefix), "%s", p->x.key);
	return rp_toml_lex_line_end(&p->x);
}

/* Dotted key in front of a value: steps into the table for a part that is not the last. Takes
 * key. */
static int dotted_step(struct parser *p, struct rp_toml *at, char *key, struct rp_toml **out)
{
	struct rp_toml *t = rp_toml_get(at, key);
	if (t == NULL) {
		int rc = add_node(p, at, key, &t);
		if (rc != 0) {
			return rc;
		}
		t->flags = F_DOTTED;
	} else {
		rp_free(key);
		if (t->type != RP_TOML_TABLE || t->flags != F_DOTTED) {
			return twice(p, t);
		}
	}
	*out = t;
	return 0;
}

/* key = value into table. */
static int assignment(struct parser *p, struct rp_toml *table)
{
	unsigned parts = 0;
	bool last = false;
	char *key = NULL;
	for (;;) {
		int rc = key_part(p, &parts, &key, &last);
		if (rc != 0) {
			return rc;
		}
		if (last) {
			break;
		}
		rc = dotted_step(p, table, key, &table);
		if (rc != 0) {
			return rc;
		}
	}
	const struct rp_toml *old = rp_toml_get(table, key);
	if (old != NULL) {
		rp_free(key);
		return twice(p, old);
	}
	if (rp_toml_lex_peek(&p->x, 0) != '=') {
		rp_free(key);
		return rp_toml_lex_fail(
		    &p->x, RP_EINVAL, "expected '=' and a value behind the key");
	}
	(void)rp_toml_lex_take(&p->x);
	struct rp_toml *v = NULL;
	int rc = add_node(p, table, key, &v);
	if (rc != 0) {
		return rc;
	}
	rp_toml_lex_blanks(&p->x);
	return value(p, v);
}

static int array_value(struct parser *p, struct rp_toml *v)
{
	v->type = RP_TOML_ARRAY;
	v->flags = F_CLOSED;
	(void)rp_toml_lex_take(&p->x);
	for (;;) {
		int rc = rp_toml_lex_lines(&p->x);
		if (rc != 0) {
			return rc;
		}
		if (rp_toml_lex_peek(&p->x, 0) == ']') {
			(void)rp_toml_lex_take(&p->x);
			return 0;
		}
		struct rp_toml *item = NULL;
		rc = add_node(p, v, NULL, &item);
		rc = rc != 0 ? rc : value(p, item);
		rc = rc != 0 ? rc : rp_toml_lex_lines(&p->x);
		if (rc != 0) {
			return rc;
		}
		if (rp_toml_lex_peek(&p->x, 0) == ',') {
			(void)rp_toml_lex_take(&p->x);
		} else if (rp_toml_lex_peek(&p->x, 0) != ']') {
			return rp_toml_lex_fail(
			    &p->x, RP_EINVAL, "expected ',' or ']' in the list");
		}
	}
}

static int table_value(struct parser *p, struct rp_toml *v)
{
	char outer[sizeof(p->x.key)];
	(void)snprintf(outer, sizeof(outer), "%s", p->x.key);
	v->type = RP_TOML_TABLE;
	(void)rp_toml_lex_take(&p->x);
	rp_toml_lex_blanks(&p->x);
	bool more = rp_toml_lex_peek(&p->x, 0) != '}';
	while (more) {
		int rc = assignment(p, v);
		if (rc != 0) {
			return rc;
		}
		(void)snprintf(p->x.key, sizeof(p->x.key), "%s", outer);
		rp_toml_lex_blanks(&p->x);
		more = rp_toml_lex_peek(&p->x, 0) == ',';
		if (more) {
			(void)rp_toml_lex_take(&p->x);
		}
	}
	if (rp_toml_lex_take(&p->x) != '}') {
		return rp_toml_lex_fail(
		    &p->x, RP_EINVAL, "expected ',' or '}' in the inline table");
	}
	v->flags = F_CLOSED;
	return 0;
}

static int value(struct parser *p, struct rp_toml *v)
{
	int c = rp_toml_lex_peek(&p->x, 0);
	if (c == '"' || c == '\'') {
		v->type = RP_TOML_STRING;
		return rp_toml_lex_string(&p->x, &v->text);
	}
	if (c != '[' && c != '{') {
		return rp_toml_lex_scalar(&p->x, v);
	}
	if (p->depth >= RP_TOML_DEPTH_MAX) {
		return rp_toml_lex_fail(&p->x, RP_ELIMIT,
		    "too many lists or tables inside each other, at most %d", RP_TOML_DEPTH_MAX);
	}
	p->depth++;
	int rc = c == '[' ? array_value(p, v) : table_value(p, v);
	p->depth--;
	return rc;
}

static int document(struct parser *p)
{
	for (;;) {
		p->x.key[0] = '\0';
		int rc = rp_toml_lex_lines(&p->x);
		if (rc != 0 || rp_toml_lex_peek(&p->x, 0) == RP_TOML_END) {
			return rc;
		}
		if (rp_toml_lex_peek(&p->x, 0) == '[') {
			rc = header(p);
		} else {
			(void)snprintf(p->x.key, sizeof(p->x.key), "%s", p->prefix);
			rc = assignment(p, p->current);
			rc = rc != 0 ? rc : rp_toml_lex_line_end(&p->x);
		}
		if (rc != 0) {
			return rc;
		}
	}
}

/* Invalid UTF-8 is named with its line; a byte order mark is skipped. */
static int check_utf8(struct rp_toml_lex *x)
{
	if (x->len >= 3 && memcmp(x->text, "\xef\xbb\xbf", 3) == 0) {
		x->at = 3;
	}
	if (rp_utf8_valid(x->text, x->len)) {
		return 0;
	}
	struct rp_str rest = rp_str_n(x->text, x->len);
	struct rp_str line;
	while (rp_str_split(&rest, '\n', &line) && rp_utf8_valid(line.p, line.len)) {
		x->line++;
	}
	return rp_toml_lex_fail(x, RP_EINVAL, "not valid UTF-8 text");
}

int rp_toml_parse(
    const char *name, const void *p, size_t n, struct rp_toml **out, struct rp_err *err)
{
	*out = NULL;
	if (n > RP_TOML_FILE_MAX) {
		return rp_err_set(err, RP_ELIMIT, "%s: the file is too large, at most 1 MiB", name);
	}
	struct parser parser = {.x = {.name = name, .text = p, .len = n, .line = 1, .err = err}};
	int rc = check_utf8(&parser.x);
	rc = rc != 0 ? rc : add_node(&parser, NULL, NULL, &parser.root);
	if (rc != 0) {
		return rc;
	}
	parser.root->flags = F_DEFINED;
	parser.current = parser.root;
	rc = document(&parser);
	if (rc != 0) {
		rp_toml_free(parser.root);
		return rc;
	}
	*out = parser.root;
	return 0;
}

/* Fills buf with at most RP_TOML_FILE_MAX + 1 bytes. */
static int read_all(int fd, char *buf, size_t *n)
{
	*n = 0;
	while (*n <= RP_TOML_FILE_MAX) {
		ssize_t got = read(fd, &buf[*n], RP_TOML_FILE_MAX + 1 - *n);
		if (got < 0 && errno == EINTR) {
			continue;
		}
		if (got < 0) {
			return -errno;
		}
		if (got == 0) {
			break;
		}
		*n += (size_t)got;
	}
	return 0;
}

int rp_toml_read(const char *path, struct rp_toml **out, struct rp_err *err)
{
	*out = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		int code = errno == ENOENT ? RP_ENOENT : RP_EIO;
		return rp_err_set(err, code, "cannot read %s: %s", path, rp_err_text(-errno));
	}
	char *buf = rp_malloc(RP_TOML_FILE_MAX + 1);
	if (buf == NULL) {
		(void)close(fd);
		return rp_err_set(
		    err, RP_ENOMEM, "cannot read %s: %s", path, rp_err_text(RP_ENOMEM));
	}
	size_t n;
	int rc = read_all(fd, buf, &n);
	(void)close(fd);
	if (rc == 0) {
		rc = rp_toml_parse(path, buf, n, out, err);
	} else {
		rc = rp_err_set(err, RP_EIO, "cannot read %s: %s", path, rp_err_text(rc));
	}
	explicit_bzero(buf, n);
	rp_free(buf);
	return rc;
}
