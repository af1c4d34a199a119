/* SPDX-License-Identifier: MIT */
/*
 * Free and total bytes of the mounted file systems (wire protocol 4.6). Asking a file system hangs
 * for as long as its server is away (client/errand.h).
 */
#ifndef RP_CLIENT_MOUNTS_H
#define RP_CLIENT_MOUNTS_H

#include <stdbool.h>

#include "core/buf.h"
#include "core/defs.h"
#include "core/str.h"

/* With that much written no more is taken in. */
#define RP_MOUNTS_JSON_MAX 16384

/* All borrowed. */
struct rp_mounts_options {
	const char *root;                 /* of /proc; "" is the real one */
	const struct rp_strlist *types;   /* in any case; no others */
	const struct rp_strlist *exclude; /* paths or patterns of paths, '*' does not cross '/' */
	bool exclude_below;               /* and what is mounted below them */
	bool once_per_device;
};

/* Appends the JSON object to out. What does not answer is left out. RP_ENOMEM, RP_ELIMIT of out. */
RP_NODISCARD int rp_mounts_list(const struct rp_mounts_options *opt, struct rp_buf *out);

#endif
