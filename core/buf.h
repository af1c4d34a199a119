/* SPDX-License-Identifier: MIT */
/*
 * Growing byte buffer with a hard maximum, and a bounds-checked reader. Wire formats are written
 * and read only through these two, so no protocol code does pointer arithmetic.
 */
#ifndef RP_CORE_BUF_H
#define RP_CORE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/defs.h"
#include "core/str.h"

/* Live bytes are data[off .. off+len). Growth beyond max is RP_ELIMIT. */
struct rp_buf {
	uint8_t *data;
	size_t off;
	size_t len;
	size_t cap;
	size_t max;
};

/* No allocation. max is the most bytes it may ever hold. */
void rp_buf_init(struct rp_buf *b, size_t max);
/* Frees the memory; the buffer is empty and usable again. */
void rp_buf_fini(struct rp_buf *b);
/* Drops the content, keeps the memory. */
void rp_buf_clear(struct rp_buf *b);
/* First live byte (not NUL-terminated). */
uint8_t *rp_buf_head(const struct rp_buf *b);
/* Room for n more bytes at *tail; rp_buf_commit makes them live. RP_ENOMEM, RP_ELIMIT. */
RP_NODISCARD int rp_buf_reserve(struct rp_buf *b, size_t n, uint8_t **tail);
void rp_buf_commit(struct rp_buf *b, size_t n);
RP_NODISCARD int rp_buf_add(struct rp_buf *b, const void *p, size_t n);
RP_NODISCARD int rp_buf_add_str(struct rp_buf *b, const char *s);
RP_NODISCARD int rp_buf_add_u8(struct rp_buf *b, uint8_t v);
RP_NODISCARD int rp_buf_add_u16(struct rp_buf *b, uint16_t v); /* network byte order */
RP_NODISCARD int rp_buf_add_u32(struct rp_buf *b, uint32_t v); /* network byte order */
/* RFC 4251 "string": uint32 length, then the bytes. */
RP_NODISCARD int rp_buf_add_sstring(struct rp_buf *b, const void *p, size_t n);
RP_NODISCARD int rp_buf_printf(struct rp_buf *b, const char *fmt, ...) RP_PRINTF(2, 3);
/* Appends a NUL that is not counted, so that rp_buf_head() is a C string. */
RP_NODISCARD int rp_buf_terminate(struct rp_buf *b);
/* Drops n bytes from the front. */
void rp_buf_consume(struct rp_buf *b, size_t n);
/* Moves up to max bytes from the front to p; how many. */
size_t rp_buf_move(struct rp_buf *b, uint8_t *p, size_t max);
/* Gives the NUL-terminated content away as an owned string; the buffer is empty afterwards. */
RP_NODISCARD int rp_buf_take_string(struct rp_buf *b, char **out);

struct rp_cursor {
	const uint8_t *p;
	size_t left;
};

void rp_cursor_init(struct rp_cursor *c, const void *p, size_t n);
/* Each returns 0 or RP_EAGAIN when too few bytes are left; then nothing is consumed. */
RP_NODISCARD int rp_cursor_u8(struct rp_cursor *c, uint8_t *v);
RP_NODISCARD int rp_cursor_u32(struct rp_cursor *c, uint32_t *v);
RP_NODISCARD int rp_cursor_bytes(struct rp_cursor *c, size_t n, const uint8_t **p);
/* RFC 4251 "string"; borrows from the underlying memory. */
RP_NODISCARD int rp_cursor_sstring(struct rp_cursor *c, struct rp_str *s);

#endif
