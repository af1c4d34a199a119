/* SPDX-License-Identifier: MIT */
/*
 * Where a received file goes: its folder, found step by step from the root and kept open, so that
 * nobody can put another one in its place, and whether files may be received there. Blocks: for the
 * pool.
 *
 * A symbolic link on the way is followed only if it lies in a folder that nobody but root and we
 * may change.
 */
#ifndef RP_CLIENT_PLACE_H
#define RP_CLIENT_PLACE_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "core/defs.h"
#include "core/err.h"
#include "core/str.h"

struct rp_place_rules {
	/* Globs: no file is received into what they match, nor below it. */
	const struct rp_strlist *protected;
	/* Globs of our own files and folders, likewise. */
	const struct rp_strlist *own;
};

struct rp_place {
	int folder;          /* descriptor; of its nearest parent while it is not there itself */
	bool there;          /* the folder is */
	bool steady;         /* nobody but root and we can turn the path of the folder elsewhere */
	bool guarded;        /* nor change what is in it */
	char path[PATH_MAX]; /* of the folder, without links */
	char name[NAME_MAX + 1];
};

/* Takes the destination apart and opens its folder; with make, missing ones are made with that mode
 * (0: nothing is made, and there may be false). RP_EINVAL: no path of a file; RP_EDENIED: protected,
 * or a link that is not followed; or what the system says. err has the text for the reply.
 * rp_place_close only after success. */
RP_NODISCARD int rp_place_open(struct rp_place *p, const char *destination,
    const struct rp_place_rules *rules, mode_t make, struct rp_err *err);
void rp_place_close(struct rp_place *p);

/* Does one of the globs name that path, or a folder above it? No I/O. */
bool rp_place_is_protected(const struct rp_strlist *globs, const char *path);
/* Is a glob of the configuration well-formed? */
bool rp_place_glob_ok(const char *glob);

#endif
