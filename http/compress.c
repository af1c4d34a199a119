/* SPDX-License-Identifier: MIT */
/*
 * Negotiation and deflate.
 */
#include "http/compress.h"

#include <limits.h>
#include <string.h>
#include <strings.h>

#include <zlib.h>

#include "core/alloc.h"
#include "core/err.h"

#include "core/banned.h"

/* JSON: nearly as small as with the default, in half of the time. */
#define LEVEL 4
/* 32 KiB of window; 16 more asks zlib for gzip's head. */
#define WINDOW_BITS 15
#define GZIP_HEAD   16
#define MEM_LEVEL   8
#define PIECE       ((size_t)64 * 1024)
/* Weights in thousandths, as many as RFC 9110 12.4.2 has digits for. */
#define WEIGHT_ONE 1000u

static unsigned digit_weight(struct rp_str q)
{
	unsigned unit = WEIGHT_ONE;
	unsigned weight = 0;
	for (size_t i = 0; i < q.len; i++) {
		if (q.p[i] == '.' && i == 1) {
			continue;
		}
		if (q.p[i] < '0' || q.p[i] > '9' || i > 4) {
			return 0;
		}
		weight += unit * (unsigned)(q.p[i] - '0');
		unit /= 10;
	}
	return RP_MIN(weight, WEIGHT_ONE);
}

/* Of one element, "gzip;q=0.5". */
static unsigned weight_of(struct rp_str params)
{
	struct rp_str part;
	while (rp_str_split(&params, ';', &part)) {
		part = rp_str_trim(part);
		if (part.len > 2 && (part.p[0] == 'q' || part.p[0] == 'Q') && part.p[1] == '=') {
			return digit_weight(rp_str_n(part.p + 2, part.len - 2));
		}
	}
	return WEIGHT_ONE;
}

struct wishes {
	unsigned gzip;
	unsigned deflate;
	unsigned other; /* "*" */
	bool gzip_named;
	bool deflate_named;
};

static void add_wishes(struct wishes *w, struct rp_str list)
{
	struct rp_str element;
	struct rp_str name;
	while (rp_str_split(&list, ',', &element)) {
		if (!rp_str_split(&element, ';', &name)) {
			continue;
		}
		unsigned weight = weight_of(element);
		name = rp_str_trim(name);
		if (rp_str_ieq(name, "gzip") || rp_str_ieq(name, "x-gzip")) {
			w->gzip = weight;
			w->gzip_named = true;
		} else if (rp_str_ieq(name, "deflate")) {
			w->deflate = weight;
			w->deflate_named = true;
		} else if (rp_str_eq(name, "*")) {
			w->other = weight;
		}
	}
}

enum rp_coding rp_coding_choose(const struct rp_http_head *h)
{
	struct wishes w = {0};
	for (size_t i = 0; i < h->n_headers; i++) {
		if (rp_ascii_ieq(h->headers[i].name, "Accept-Encoding")) {
			add_wishes(&w, rp_str_c(h->headers[i].value));
		}
	}
	unsigned gzip = w.gzip_named ? w.gzip : w.other;
	unsigned deflated = w.deflate_named ? w.deflate : w.other;
	if (gzip > 0 && gzip >= deflated) {
		return RP_CODING_GZIP;
	}
	return deflated > 0 ? RP_CODING_DEFLATE : RP_CODING_NONE;
}

const char *rp_coding_name(enum rp_coding c)
{
	switch (c) {
	case RP_CODING_GZIP:
		return "gzip";
	case RP_CODING_DEFLATE:
		return "deflate";
	case RP_CODING_NONE:
		break;
	}
	return NULL;
}

static void *zlib_alloc(void *opaque, unsigned n, unsigned size)
{
	(void)opaque;
	return rp_calloc(n, size);
}

static void zlib_free(void *opaque, void *p)
{
	(void)opaque;
	rp_free(p);
}

/* All input in one go, output piece by piece. */
static int run(z_stream *z, struct rp_buf *out)
{
	int rc = Z_OK;
	while (rc == Z_OK) {
		uint8_t *tail;
		size_t room = RP_MIN(PIECE, out->max - out->len);
		int err = room == 0 ? RP_ELIMIT : rp_buf_reserve(out, room, &tail);
		if (err != 0) {
			return err;
		}
		z->next_out = tail;
		z->avail_out = (uInt)room;
		rc = deflate(z, Z_FINISH);
		rp_buf_commit(out, room - z->avail_out);
	}
	return rc == Z_STREAM_END ? 0 : RP_ENOMEM;
}

int rp_compress(enum rp_coding c, const void *p, size_t n, struct rp_buf *out)
{
	z_stream z = {.zalloc = zlib_alloc, .zfree = zlib_free};
	int bits = c == RP_CODING_GZIP ? WINDOW_BITS + GZIP_HEAD : WINDOW_BITS;
	if (n > UINT_MAX) {
		return RP_ELIMIT;
	}
	if (deflateInit2(&z, LEVEL, Z_DEFLATED, bits, MEM_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK) {
		return RP_ENOMEM;
	}
	z.next_in = (Bytef *)(uintptr_t)p;
	z.avail_in = (uInt)n;
	int err = run(&z, out);
	(void)deflateEnd(&z);
	return err;
}

static int run_back(z_stream *z, struct rp_buf *out)
{
	int rc = Z_OK;
	while (rc == Z_OK) {
		uint8_t *tail;
		size_t room = RP_MIN(PIECE, out->max - out->len);
		int err = room == 0 ? RP_ELIMIT : rp_buf_reserve(out, room, &tail);
		if (err != 0) {
			return err;
		}
		z->next_out = tail;
		z->avail_out = (uInt)room;
		rc = inflate(z, Z_NO_FLUSH);
		rp_buf_commit(out, room - z->avail_out);
	}
	if (rc == Z_STREAM_END) {
		return 0;
	}
	return rc == Z_MEM_ERROR ? RP_ENOMEM : RP_EINVAL;
}

int rp_decompress(const void *p, size_t n, struct rp_buf *out)
{
	z_stream z = {.zalloc = zlib_alloc, .zfree = zlib_free};
	if (n > UINT_MAX) {
		return RP_ELIMIT;
	}
	if (inflateInit2(&z, WINDOW_BITS) != Z_OK) {
		return RP_ENOMEM;
	}
	z.next_in = (Bytef *)(uintptr_t)p;
	z.avail_in = (uInt)n;
	int err = run_back(&z, out);
	(void)inflateEnd(&z);
	return err;
}
