/* SPDX-License-Identifier: MIT */
/*
 * Files that are part of the program: scripts/embed makes a C file of them at build time.
 */
#ifndef RP_API_EMBEDDED_H
#define RP_API_EMBEDDED_H

#include <stddef.h>

/* By the file's name without its folder ("openapi.json"): its bytes and their number, or NULL. */
const void *rp_embedded_find(const char *name, size_t *n);

#endif
