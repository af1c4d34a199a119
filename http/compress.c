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
/* 32 KiB of window; 16 more asks zlib for gzip's head, 32 more to look which one there is. */
#define WINDOW_BITS 15
#define GZIP_HEAD   16
#define EITHER_HEAD 32
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
	unsigned weight[RP_CODINGS];
	bool named[RP_CODINGS];
	unsigned other; /* "*" */
};

static enum rp_coding coding_of(struct rp_str name)
{
	if (rp_str_ieq(name, "gzip") || rp_str_ieq(name, "x-gzip")) {
		return RP_CODING_GZIP;
	}
	if (rp_str_ieq(name, "deflate")) {
		return RP_CODING_DEFLATE;
	}
	return rp_str_ieq(name, "br") ? RP_CODING_BROTLI : RP_CODING_NONE;
}

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
		enum rp_coding c = coding_of(name);
		if (c != RP_CODING_NONE) {
			w->weight[c] = weight;
			w->named[c] = true;
		} else if (rp_str_eq(name, "*")) {
			w->other = weight;
		}
	}
}

enum rp_coding rp_coding_choose_of(
    const struct rp_http_head *h, const enum rp_coding *offers, size_t n)
{
	struct wishes w = {0};
	for (size_t i = 0; i < h->n_headers; i++) {
		if (rp_ascii_ieq(h->headers[i].name, "Accept-Encoding")) {
			add_wishes(&w, rp_str_c(h->headers[i].value));
		}
	}
	enum rp_coding best = RP_CODING_NONE;
	unsigned most = 0;
	for (size_t i = 0; i < n; i++) {
		unsigned weight = w.named[offers[i]] ? w.weight[offers[i]] : w.other;
		if (weight > most) {
			best = offers[i];
			most = weight;
		}
	}
	return best;
}

enum rp_coding rp_coding_choose(const struct rp_http_head *h)
{
	static const enum rp_coding offers[] = {RP_CODING_GZIP, RP_CODING_DEFLATE};
	return rp_coding_choose_of(h, offers, RP_ARRAY_LEN(offers));
}

const char *rp_coding_name(enum rp_coding c)
{
	switch (c) {
	case RP_CODING_GZIP:
		return "gzip";
	case RP_CODING_DEFLATE:
		return "deflate";
	case RP_CODING_BROTLI:
		return "br";
	case RP_CODING_NONE:
	case RP_CODINGS:
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

/* All input in one go, output piece by piece; step is deflate or inflate. */
static int run(z_stream *z, int (*step)(z_stream *z, int flush), int flush, struct rp_buf *out)
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
		rc = step(z, flush);
		rp_buf_commit(out, room - z->avail_out);
	}
	if (rc == Z_STREAM_END) {
		return 0;
	}
	return rc == Z_MEM_ERROR ? RP_ENOMEM : RP_EINVAL;
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
	int err = run(&z, deflate, Z_FINISH, out);
	(void)deflateEnd(&z);
	return err;
}

int rp_decompress(const void *p, size_t n, struct rp_buf *out)
{
	z_stream z = {.zalloc = zlib_alloc, .zfree = zlib_free};
	if (n > UINT_MAX) {
		return RP_ELIMIT;
	}
	if (inflateInit2(&z, WINDOW_BITS + EITHER_HEAD) != Z_OK) {
		return RP_ENOMEM;
	}
	z.next_in = (Bytef *)(uintptr_t)p;
	z.avail_in = (uInt)n;
	int err = run(&z, inflate, Z_NO_FLUSH, out);
	(void)inflateEnd(&z);
	return err;
}
