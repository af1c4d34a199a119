/* SPDX-License-Identifier: MIT */
/*
 * multipart/form-data (RFC 7578, RFC 2046 5.1) as it arrives: parts with their names, and their
 * bytes, of any length. No I/O.
 */
#ifndef RP_HTTP_MULTIPART_H
#define RP_HTTP_MULTIPART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/defs.h"

/* RFC 2046 5.1.1, and a NUL. */
#define RP_MULTIPART_BOUNDARY_MAX 71
/* Bytes of the head of one part; parts of one body. More is RP_ELIMIT. */
#define RP_MULTIPART_HEAD_MAX  ((size_t)8192)
#define RP_MULTIPART_PARTS_MAX 4096u

struct rp_multipart;

/* What these return other than 0 ends the parsing and is what feed returns. */
struct rp_multipart_ops {
	/* A part begins. name is never NULL; filename is NULL for a part that is no file. Borrowed
	 * during the call, as sent by the client: any bytes but NUL, CR and LF. */
	int (*on_part)(void *ctx, const char *name, const char *filename);
	/* Some bytes of it, n > 0. */
	int (*on_data)(void *ctx, const uint8_t *p, size_t n);
	int (*on_part_end)(void *ctx);
};

/* The boundary of a Content-Type (NULL is fine). RP_EINVAL: it is not that of a form. */
RP_NODISCARD int rp_multipart_boundary(
    const char *content_type, char out[static RP_MULTIPART_BOUNDARY_MAX]);
/* ops and ctx borrowed. */
RP_NODISCARD int rp_multipart_new(
    struct rp_multipart **out, const char *boundary, const struct rp_multipart_ops *ops, void *ctx);
void rp_multipart_free(struct rp_multipart *m);
/* 0; RP_EPROTO, RP_ELIMIT, RP_ENOMEM or what a callback returned: it stays so. */
RP_NODISCARD int rp_multipart_feed(struct rp_multipart *m, const uint8_t *p, size_t n);
/* The closing boundary was there: the form is whole. */
bool rp_multipart_complete(const struct rp_multipart *m);

#endif
