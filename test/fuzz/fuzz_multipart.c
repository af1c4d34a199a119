/* SPDX-License-Identifier: MIT */
/*
 * Forms: what comes out does not depend on how the bytes arrive, and names keep their limits. The
 * first line is the Content-Type, the rest the body.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/buf.h"
#include "core/err.h"
#include "http/multipart.h"

#define INPUT_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Everything that was told, as text. */
struct tale {
	struct rp_buf text;
	bool in_part;
};

static int add(struct tale *t, const void *p, size_t n)
{
	RP_VERIFY(rp_buf_add(&t->text, p, n) == 0);
	return 0;
}

static int on_part(void *ctx, const char *name, const char *filename)
{
	struct tale *t = ctx;
	RP_VERIFY(!t->in_part && strpbrk(name, "\r\n") == NULL);
	t->in_part = true;
	(void)add(t, "[", 1);
	(void)add(t, name, strlen(name));
	return filename == NULL ? 0 : add(t, filename, strlen(filename));
}

static int on_data(void *ctx, const uint8_t *p, size_t n)
{
	struct tale *t = ctx;
	RP_VERIFY(t->in_part && n > 0);
	return add(t, p, n);
}

static int on_part_end(void *ctx)
{
	struct tale *t = ctx;
	RP_VERIFY(t->in_part);
	t->in_part = false;
	return add(t, "]", 1);
}

static int run(const char *boundary, const uint8_t *p, size_t n, size_t piece, struct tale *t)
{
	static const struct rp_multipart_ops ops = {
	    .on_part = on_part, .on_data = on_data, .on_part_end = on_part_end};
	struct rp_multipart *m;
	int code = 0;
	*t = (struct tale){0};
	rp_buf_init(&t->text, (size_t)4 * INPUT_MAX);
	RP_VERIFY(rp_multipart_new(&m, boundary, &ops, t) == 0);
	for (size_t at = 0; at < n && code == 0; at += piece) {
		code = rp_multipart_feed(m, p + at, RP_MIN(piece, n - at));
	}
	RP_VERIFY(!rp_multipart_complete(m) || (code == 0 && !t->in_part));
	code = rp_multipart_complete(m) ? 1 : code;
	rp_multipart_free(m);
	return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char boundary[RP_MULTIPART_BOUNDARY_MAX];
	struct tale whole;
	struct tale pieces;
	const uint8_t *eol = size == 0 || size > INPUT_MAX ? NULL : memchr(data, '\n', size);
	if (eol == NULL) {
		return 0;
	}
	size_t n = (size_t)(eol - data);
	char *type = rp_strndup((const char *)data, n);
	RP_VERIFY(type != NULL);
	int code = rp_multipart_boundary(type, boundary);
	rp_free(type);
	if (code != 0) {
		return 0;
	}
	int a = run(boundary, eol + 1, size - n - 1, size, &whole);
	for (size_t piece = 1; piece <= 7; piece += 2) {
		int b = run(boundary, eol + 1, size - n - 1, piece, &pieces);
		RP_VERIFY(a == b && whole.text.len == pieces.text.len);
		RP_VERIFY(whole.text.len == 0 ||
		    memcmp(rp_buf_head(&whole.text), rp_buf_head(&pieces.text), whole.text.len) ==
		        0);
		rp_buf_fini(&pieces.text);
	}
	rp_buf_fini(&whole.text);
	return 0;
}
