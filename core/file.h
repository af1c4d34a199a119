/* SPDX-License-Identifier: MIT */
/*
 * Files that survive: a crash or a power cut at any moment leaves the old content or the new one.
 * Everything here blocks.
 */
#ifndef RP_CORE_FILE_H
#define RP_CORE_FILE_H

#include <stddef.h>
#include <sys/types.h>

#include "core/defs.h"
#include "core/str.h"

/* As many open files as we may have: each connection takes one. */
void rp_file_raise_limit(void);
/* All n bytes, however many calls it takes. 0 or the negative errno. */
RP_NODISCARD int rp_file_write_all(int fd, const void *p, size_t n);
/* A new or changed name in the folder of path is on disk after this, where the file system can do
 * that. 0 or RP_ENOMEM. */
int rp_file_sync_folder(const char *path);
/* Puts a new file with that text in the place of path, which need not be there; a link stays one.
 * The new file has the owner, the group and of the mode those bits that are allowed; where we may
 * not give it away, and where there was none, nobody else may do anything with it. On failure the
 * old file stays and no other is left. 0, RP_ENOMEM, or the negative errno. */
RP_NODISCARD int rp_file_replace(const char *path, struct rp_str text, mode_t allowed);

#endif
