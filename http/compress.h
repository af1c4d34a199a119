/* SPDX-License-Identifier: MIT */
/*
 * Compressed answers (RFC 9110 8.4.1): which form a caller takes, and making it; and the way back,
 * for what we have compressed ourselves. zlib stays here.
 */
#ifndef RP_HTTP_COMPRESS_H
#define RP_HTTP_COMPRESS_H

#include <stddef.h>

#include "core/buf.h"
#include "core/defs.h"
#include "http/http.h"

enum rp_coding {
	RP_CODING_NONE,
	RP_CODING_GZIP,
	RP_CODING_DEFLATE, /* zlib's format, as RFC 9110 has it */
	RP_CODING_BROTLI,  /* RFC 7932; made at build time only */
	RP_CODINGS
};

/* The one of Accept-Encoding that the caller likes best; gzip where it likes both. */
enum rp_coding rp_coding_choose(const struct rp_http_head *h);
/* The same for what there is in these forms, first where it likes several equally. */
enum rp_coding rp_coding_choose_of(
    const struct rp_http_head *h, const enum rp_coding *offers, size_t n);
/* As in Content-Encoding; NULL for NONE. */
const char *rp_coding_name(enum rp_coding c);
/* Appends p in that form, GZIP or DEFLATE. Thread-safe; takes some milliseconds per 100 KiB. RP_ENOMEM,
 * RP_ELIMIT of the buffer. */
RP_NODISCARD int rp_compress(enum rp_coding c, const void *p, size_t n, struct rp_buf *out);
/* Appends what one of both was made of. RP_EINVAL: it is none, or not whole; RP_ELIMIT of the
 * buffer. */
RP_NODISCARD int rp_decompress(const void *p, size_t n, struct rp_buf *out);

#endif
