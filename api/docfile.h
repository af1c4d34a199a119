/* SPDX-License-Identifier: MIT */
/*
 * One file below a folder, opened so that neither ".." nor a symbolic link leads out of it, read
 * whole. Blocks: for the pool.
 */
#ifndef RP_API_DOCFILE_H
#define RP_API_DOCFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/defs.h"

#define RP_DOCFILE_MAX ((size_t)16 * 1024 * 1024)

struct rp_docfile {
	char *data; /* owned */
	size_t n;
	char etag[48];     /* weak: the same for every coding */
	char modified[40]; /* as HTTP has it */
};

/* path is relative, without empty parts. 0; RP_ENOENT: nothing there that may be read; RP_EEXIST: a
 * folder; RP_ELIMIT: larger than RP_DOCFILE_MAX; RP_ENOMEM, UV_E*. */
RP_NODISCARD int rp_docfile_read(int root, const char *path, struct rp_docfile *f);
void rp_docfile_fini(struct rp_docfile *f);
/* Content type by the name's ending. */
const char *rp_docfile_type(const char *path);
/* Is it worth compressing? */
bool rp_docfile_is_text(const char *type);

#endif
