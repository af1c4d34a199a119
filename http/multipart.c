/* SPDX-License-Identifier: MIT */
/*
 * Bytes of parts go straight through; only a possible beginning of the delimiter is held back.
 *
 * The delimiter begins with CR and has no other one (a boundary has none), so what did not go on to
 * be the delimiter has no second beginning of it inside: it is data, and the byte that differed is
 * looked at anew.
 */
#include "http/multipart.h"

#include <string.h>

#include "core/alloc.h"
#include "core/buf.h"
#include "core/err.h"
#include "core/str.h"

#include "core/banned.h"

#define NAME_MAX_LEN 1024

enum state {
	PREAMBLE,  /* before the first delimiter */
	DELIMITER, /* behind one: "--" or the rest of its line */
	CLOSING,   /* behind its first '-' */
	LINE_END,  /* behind the CR of its line */
	HEAD,      /* of a part */
	DATA,      /* of a part */
	EPILOGUE
};

struct rp_multipart {
	const struct rp_multipart_ops *ops;
	void *ctx;
	enum state state;
	int failed;
	unsigned parts;
	char delimiter[RP_MULTIPART_BOUNDARY_MAX + 4]; /* CR LF "--" boundary */
	size_t delimiter_len;
	size_t matched;     /* of the delimiter */
	struct rp_buf head; /* of the part */
};

/* Header values */

static bool is_boundary_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c != '\0' && strchr("'()+_,-./:=? ", c) != NULL);
}

/* A quoted-string behind its first quote; *rest is set behind it. */
static int unquote(struct rp_str *rest, char *out, size_t size)
{
	size_t n = 0;
	while (rest->len > 0 && *rest->p != '"') {
		/* Browsers do not escape backslashes of file names (RFC 7578 4.2). */
		bool escaped = *rest->p == '\\' && rest->len > 1 &&
		    (rest->p[1] == '"' || rest->p[1] == '\\');
		*rest = rp_str_n(rest->p + escaped, rest->len - escaped);
		if (n + 1 >= size) {
			return RP_ELIMIT;
		}
		out[n++] = *rest->p;
		*rest = rp_str_n(rest->p + 1, rest->len - 1);
	}
	if (rest->len == 0) {
		return RP_EPROTO;
	}
	*rest = rp_str_n(rest->p + 1, rest->len - 1);
	out[n] = '\0';
	return 0;
}

/* A token up to the next ';'. */
static int plain_value(struct rp_str *rest, char *out, size_t size)
{
	const char *end = memchr(rest->p, ';', rest->len);
	size_t n = end == NULL ? rest->len : (size_t)(end - rest->p);
	struct rp_str value = rp_str_trim(rp_str_n(rest->p, n));
	if (value.len >= size) {
		return RP_ELIMIT;
	}
	memcpy(out, value.p, value.len);
	out[value.len] = '\0';
	*rest = rp_str_n(rest->p + n, rest->len - n);
	return 0;
}

/* The parameter of a header value: `form-data; name="x"; filename=y`. RP_ENOENT if it is not there. */
static int parameter(struct rp_str value, const char *name, char *out, size_t size)
{
	char other[NAME_MAX_LEN] = "";
	const char *at;
	while ((at = memchr(value.p, ';', value.len)) != NULL) {
		value = rp_str_trim(rp_str_n(at + 1, value.len - (size_t)(at + 1 - value.p)));
		at = memchr(value.p, '=', value.len);
		if (at == NULL) {
			return RP_ENOENT;
		}
		struct rp_str key = rp_str_trim(rp_str_n(value.p, (size_t)(at - value.p)));
		value = rp_str_n(at + 1, value.len - (size_t)(at + 1 - value.p));
		bool wanted = rp_str_ieq(key, name);
		char *to = wanted ? out : other;
		size_t room = wanted ? size : sizeof(other);
		bool quoted = value.len > 0 && *value.p == '"';
		value = rp_str_n(value.p + quoted, value.len - quoted);
		int code = quoted ? unquote(&value, to, room) : plain_value(&value, to, room);
		if (code != 0 || wanted) {
			return code;
		}
	}
	return RP_ENOENT;
}

static struct rp_str main_value(struct rp_str value)
{
	const char *end = memchr(value.p, ';', value.len);
	return rp_str_trim(rp_str_n(value.p, end == NULL ? value.len : (size_t)(end - value.p)));
}

int rp_multipart_boundary(const char *content_type, char out[static RP_MULTIPART_BOUNDARY_MAX])
{
	struct rp_str value = rp_str_c(content_type);
	if (value.len == 0 || !rp_str_ieq(main_value(value), "multipart/form-data") ||
	    parameter(value, "boundary", out, RP_MULTIPART_BOUNDARY_MAX) != 0) {
		return RP_EINVAL;
	}
	size_t n = strlen(out);
	for (size_t i = 0; i < n; i++) {
		if (!is_boundary_char(out[i])) {
			return RP_EINVAL;
		}
	}
	return n > 0 && out[n - 1] != ' ' ? 0 : RP_EINVAL;
}

/* Parts */

/* The value of a header in the part's head; empty if it is not there. */
static struct rp_str header(struct rp_str head, const char *name)
{
	struct rp_str line;
	while (rp_str_split(&head, '\n', &line)) {
		const char *colon = memchr(line.p, ':', line.len);
		size_t n = colon == NULL ? 0 : (size_t)(colon - line.p);
		if (colon != NULL && rp_str_ieq(rp_str_n(line.p, n), name)) {
			return rp_str_trim(rp_str_n(colon + 1, line.len - n - 1));
		}
	}
	return rp_str_n("", 0);
}

/* RFC 7578 4.7: nobody sends it, so nothing is decoded here. */
static bool plain_encoding(struct rp_str head)
{
	struct rp_str v = header(head, "Content-Transfer-Encoding");
	return v.len == 0 || rp_str_ieq(v, "binary") || rp_str_ieq(v, "8bit") ||
	    rp_str_ieq(v, "7bit");
}

static int begin_part(struct rp_multipart *m)
{
	char name[NAME_MAX_LEN];
	char filename[NAME_MAX_LEN];
	struct rp_str head = rp_str_n(rp_buf_head(&m->head), m->head.len);
	struct rp_str disposition = header(head, "Content-Disposition");
	if (memchr(head.p, '\0', head.len) != NULL || !plain_encoding(head) ||
	    !rp_str_ieq(main_value(disposition), "form-data")) {
		return RP_EPROTO;
	}
	int code = parameter(disposition, "name", name, sizeof(name));
	if (code != 0) {
		return code == RP_ENOENT ? RP_EPROTO : code;
	}
	code = parameter(disposition, "filename", filename, sizeof(filename));
	if (code != 0 && code != RP_ENOENT) {
		return code;
	}
	m->state = DATA;
	m->matched = 0;
	rp_buf_clear(&m->head);
	return m->ops->on_part(m->ctx, name, code == 0 ? filename : NULL);
}

/* The head ends with an empty line. A bare LF or CR is no end of a line. */
static int feed_head(struct rp_multipart *m, uint8_t c)
{
	size_t n = m->head.len;
	const uint8_t *p = rp_buf_head(&m->head);
	bool after_cr = n > 0 && p[n - 1] == '\r';
	if (after_cr != (c == '\n')) {
		return RP_EPROTO;
	}
	if (n == 1 && c == '\n') {
		return RP_EPROTO; /* no head at all: nobody knows what it is */
	}
	bool end = c == '\n' && n >= 3 && p[n - 2] == '\n';
	int code = rp_buf_add_u8(&m->head, c);
	return code != 0 || !end ? code : begin_part(m);
}

/* Behind a delimiter: the end of the form, or blanks and the end of the line. */
static int feed_delimiter(struct rp_multipart *m, uint8_t c)
{
	if (m->state == CLOSING) {
		m->state = EPILOGUE;
		return c == '-' ? 0 : RP_EPROTO;
	}
	if (m->state == LINE_END) {
		m->state = HEAD;
		m->parts++;
		return c != '\n' ? RP_EPROTO : m->parts > RP_MULTIPART_PARTS_MAX ? RP_ELIMIT : 0;
	}
	if (c == '-') {
		m->state = CLOSING;
	} else if (c == '\r') {
		m->state = LINE_END;
	} else if (c != ' ' && c != '\t') {
		return RP_EPROTO;
	}
	return 0;
}

static int give(struct rp_multipart *m, const void *p, size_t n)
{
	return m->state != DATA || n == 0 ? 0 : m->ops->on_data(m->ctx, p, n);
}

/* Data up to the next possible delimiter, or some of that. *used says how much was looked at. */
static int feed_data(struct rp_multipart *m, const uint8_t *p, size_t n, size_t *used)
{
	if (m->matched == 0) {
		const uint8_t *cr = memchr(p, '\r', n);
		*used = cr == NULL ? n : (size_t)(cr - p) + 1;
		m->matched = cr == NULL ? 0 : 1;
		return give(m, p, *used - m->matched);
	}
	if (*p != (uint8_t)m->delimiter[m->matched]) {
		size_t held = m->matched;
		m->matched = 0;
		*used = 0;
		return give(m, m->delimiter, held);
	}
	*used = 1;
	if (++m->matched < m->delimiter_len) {
		return 0;
	}
	bool part = m->state == DATA;
	m->state = DELIMITER;
	return part ? m->ops->on_part_end(m->ctx) : 0;
}

static int feed_some(struct rp_multipart *m, const uint8_t *p, size_t n, size_t *used)
{
	*used = 1;
	switch (m->state) {
	case PREAMBLE:
	case DATA:
		return feed_data(m, p, n, used);
	case DELIMITER:
	case CLOSING:
	case LINE_END:
		return feed_delimiter(m, *p);
	case HEAD:
		return feed_head(m, *p);
	case EPILOGUE:
		*used = n;
		return 0;
	}
	return RP_EPROTO;
}

int rp_multipart_feed(struct rp_multipart *m, const uint8_t *p, size_t n)
{
	struct rp_str left = rp_str_n(p, n);
	while (m->failed == 0 && left.len > 0) {
		size_t used;
		m->failed = feed_some(m, (const uint8_t *)left.p, left.len, &used);
		left = rp_str_n(left.p + used, left.len - used);
	}
	return m->failed;
}

bool rp_multipart_complete(const struct rp_multipart *m)
{
	return m->failed == 0 && m->state == EPILOGUE;
}

int rp_multipart_new(
    struct rp_multipart **out, const char *boundary, const struct rp_multipart_ops *ops, void *ctx)
{
	size_t n = strlen(boundary);
	struct rp_multipart *m = rp_calloc(1, sizeof(*m));
	*out = m;
	if (m == NULL) {
		return RP_ENOMEM;
	}
	RP_VERIFY(n > 0 && n < RP_MULTIPART_BOUNDARY_MAX);
	m->ops = ops;
	m->ctx = ctx;
	memcpy(m->delimiter, "\r\n--", 4);
	memcpy(m->delimiter + 4, boundary, n);
	m->delimiter_len = n + 4;
	m->matched = 2; /* the first delimiter may stand at the very beginning */
	rp_buf_init(&m->head, RP_MULTIPART_HEAD_MAX);
	return 0;
}

void rp_multipart_free(struct rp_multipart *m)
{
	if (m != NULL) {
		rp_buf_fini(&m->head);
		rp_free(m);
	}
}
