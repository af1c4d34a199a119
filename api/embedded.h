/* SPDX-License-Identifier: MIT */
/*
 * Files that are part of the program: scripts/embed makes a C file of them at build time.
 */
#ifndef RP_API_EMBEDDED_H
#define RP_API_EMBEDDED_H

#include <stddef.h>

/* By the file's name: "openapi.json" without its folder; those of the dashboard with the path below its
 * folder, "web/assets/index.js.br". Its bytes and their number, or NULL. */
const void *rp_embedded_find(const char *name, size_t *n);

#endif
