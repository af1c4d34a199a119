/* SPDX-License-Identifier: MIT */
/*
 * Growing byte buffer and bounds-checked reader. The live bytes may start behind the front of the
 * block (rp_buf_consume costs nothing); they move back only when the room behind them is used up,
 * and only if that moves less than it frees, or if the buffer may not grow.
 */
#include "core/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/err.h"

#include "core/banned.h"

#define CAP_MIN ((size_t)64)

void rp_buf_init(struct rp_buf *b, size_t max)
{
	*b = (struct rp_buf){.max = max};
}

void rp_buf_fini(struct rp_buf *b)
{
	rp_free(b->data);
	rp_buf_init(b, b->max);
}

void rp_buf_clear(struct rp_buf *b)
{
	b->off = 0;
	b->len = 0;
}

uint8_t *rp_buf_head(const struct rp_buf *b)
{
	return b->data == NULL ? NULL : b->data + b->off;
}

/* Moves the live bytes to the front of the block. */
static void compact(struct rp_buf *b)
{
	if (b->data == NULL || b->off == 0) {
		return;
	}
	memmove(b->data, b->data + b->off, b->len);
	b->off = 0;
}

/* Block size for need bytes: at least doubled, so that appending costs O(1) per byte. */
static size_t grown_cap(const struct rp_buf *b, size_t need)
{
	size_t cap = b->cap > SIZE_MAX / 2 ? SIZE_MAX : b->cap * 2;
	/* One byte over max is the uncounted NUL of rp_buf_terminate. */
	size_t limit = b->max == SIZE_MAX ? SIZE_MAX : b->max + 1;
	cap = RP_MIN(cap, limit);
	cap = RP_MAX(cap, RP_MIN(CAP_MIN, limit));
	return RP_MAX(cap, need);
}

static int grow(struct rp_buf *b, size_t need)
{
	size_t cap = grown_cap(b, need);
	if (b->data == NULL || b->off == 0) {
		uint8_t *data = rp_reallocarray(b->data, cap, 1);
		if (data == NULL) {
			return RP_ENOMEM;
		}
		b->data = data;
		b->cap = cap;
		return 0;
	}
	/* Copies only what is alive. */
	uint8_t *data = rp_malloc(cap);
	if (data == NULL) {
		return RP_ENOMEM;
	}
	memcpy(data, b->data + b->off, b->len);
	rp_free(b->data);
	b->data = data;
	b->off = 0;
	b->cap = cap;
	return 0;
}

/* Makes room for n bytes behind the live ones, without a look at max. */
static int make_room(struct rp_buf *b, size_t n)
{
	if (n <= b->cap - b->off - b->len) {
		return 0;
	}
	size_t need;
	if (__builtin_add_overflow(b->len, n, &need)) {
		return RP_ELIMIT;
	}
	bool full = b->cap >= b->max;
	if (need <= b->cap && (b->off >= b->len || full)) {
		compact(b);
		return 0;
	}
	return grow(b, need);
}

int rp_buf_reserve(struct rp_buf *b, size_t n, uint8_t **tail)
{
	if (b->len > b->max || n > b->max - b->len) {
		return RP_ELIMIT;
	}
	/* The block itself always exists afterwards, so that *tail is never NULL. */
	int rc = make_room(b, b->data == NULL && n == 0 ? 1 : n);
	if (rc != 0) {
		return rc;
	}
	*tail = b->data + b->off + b->len;
	return 0;
}

void rp_buf_commit(struct rp_buf *b, size_t n)
{
	RP_VERIFY(n <= b->cap - b->off - b->len);
	b->len += n;
}

int rp_buf_add(struct rp_buf *b, const void *p, size_t n)
{
	if (n == 0) {
		return 0;
	}
	uint8_t *tail;
	int rc = rp_buf_reserve(b, n, &tail);
	if (rc != 0) {
		return rc;
	}
	memcpy(tail, p, n);
	b->len += n;
	return 0;
}

int rp_buf_add_str(struct rp_buf *b, const char *s)
{
	return rp_buf_add(b, s, strlen(s));
}

int rp_buf_add_u8(struct rp_buf *b, uint8_t v)
{
	return rp_buf_add(b, &v, 1);
}

int rp_buf_add_u16(struct rp_buf *b, uint16_t v)
{
	const uint8_t bytes[2] = {(uint8_t)(v >> 8), (uint8_t)v};
	return rp_buf_add(b, bytes, sizeof(bytes));
}

/* Network byte order. */
static void put_u32(uint8_t *out, uint32_t v)
{
	out[0] = (uint8_t)(v >> 24);
	out[1] = (uint8_t)(v >> 16);
	out[2] = (uint8_t)(v >> 8);
	out[3] = (uint8_t)v;
}

int rp_buf_add_u32(struct rp_buf *b, uint32_t v)
{
	uint8_t bytes[4];
	put_u32(bytes, v);
	return rp_buf_add(b, bytes, sizeof(bytes));
}

int rp_buf_add_sstring(struct rp_buf *b, const void *p, size_t n)
{
	if (n > UINT32_MAX - 4) {
		return RP_ELIMIT;
	}
	/* Both parts or neither. */
	uint8_t *tail;
	int rc = rp_buf_reserve(b, n + 4, &tail);
	if (rc != 0) {
		return rc;
	}
	put_u32(tail, (uint32_t)n);
	if (n > 0) {
		memcpy(tail + 4, p, n);
	}
	b->len += n + 4;
	return 0;
}

int rp_buf_printf(struct rp_buf *b, const char *fmt, ...)
{
	/* Straight into the free room if it fits there, with a second try of the right size. */
	size_t room = b->cap - b->off - b->len;
	char *at = room > 0 ? (char *)b->data + b->off + b->len : NULL;
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(at, room, fmt, ap);
	va_end(ap);
	if (n < 0) {
		return RP_EINVAL;
	}
	size_t len = (size_t)n;
	if (b->len > b->max || len > b->max - b->len) {
		return RP_ELIMIT;
	}
	if (len >= room) {
		int rc = make_room(b, len + 1);
		if (rc != 0) {
			return rc;
		}
		va_start(ap, fmt);
		(void)vsnprintf((char *)b->data + b->off + b->len, len + 1, fmt, ap);
		va_end(ap);
	}
	b->len += len;
	return 0;
}

int rp_buf_terminate(struct rp_buf *b)
{
	int rc = make_room(b, 1);
	if (rc != 0) {
		return rc;
	}
	b->data[b->off + b->len] = '\0';
	return 0;
}

void rp_buf_consume(struct rp_buf *b, size_t n)
{
	RP_VERIFY(n <= b->len);
	b->off += n;
	b->len -= n;
	if (b->len == 0) {
		b->off = 0;
	}
}

size_t rp_buf_move(struct rp_buf *b, uint8_t *p, size_t max)
{
	size_t n = RP_MIN(max, b->len);
	if (n > 0) {
		memcpy(p, rp_buf_head(b), n);
		rp_buf_consume(b, n);
	}
	return n;
}

int rp_buf_take_string(struct rp_buf *b, char **out)
{
	int rc = rp_buf_terminate(b);
	if (rc != 0) {
		return rc;
	}
	compact(b);
	/* Terminated once more: the bytes have moved. */
	b->data[b->len] = '\0';
	char *s = (char *)b->data;
	if (b->cap / 2 > b->len) {
		char *smaller = rp_reallocarray(s, b->len + 1, 1);
		s = smaller != NULL ? smaller : s;
	}
	rp_buf_init(b, b->max);
	*out = s;
	return 0;
}

void rp_cursor_init(struct rp_cursor *c, const void *p, size_t n)
{
	c->p = p;
	c->left = n;
}

int rp_cursor_bytes(struct rp_cursor *c, size_t n, const uint8_t **p)
{
	if (n > c->left) {
		return RP_EAGAIN;
	}
	*p = c->p;
	/* An empty cursor may stand on NULL. */
	if (n > 0) {
		c->p += n;
		c->left -= n;
	}
	return 0;
}

int rp_cursor_u8(struct rp_cursor *c, uint8_t *v)
{
	const uint8_t *p;
	int rc = rp_cursor_bytes(c, 1, &p);
	if (rc != 0) {
		return rc;
	}
	*v = p[0];
	return 0;
}

int rp_cursor_u32(struct rp_cursor *c, uint32_t *v)
{
	const uint8_t *p;
	int rc = rp_cursor_bytes(c, 4, &p);
	if (rc != 0) {
		return rc;
	}
	*v = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
	return 0;
}

int rp_cursor_sstring(struct rp_cursor *c, struct rp_str *s)
{
	struct rp_cursor start = *c;
	uint32_t n;
	const uint8_t *p;
	int rc = rp_cursor_u32(c, &n);
	if (rc == 0) {
		rc = rp_cursor_bytes(c, n, &p);
	}
	if (rc != 0) {
		*c = start;
		return rc;
	}
	*s = rp_str_n(p, n);
	return 0;
}
