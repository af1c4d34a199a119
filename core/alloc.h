/* SPDX-License-Identifier: MIT */
/*
 * The only way to heap memory. Every function may fail with NULL; the caller gives up the one
 * connection or request that needed the memory, never the process.
 */
#ifndef RP_CORE_ALLOC_H
#define RP_CORE_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

#include "core/defs.h"

/* Replaceable back end, for tests that let the Nth allocation fail. All four are set together. */
struct rp_alloc_hooks {
	void *(*malloc_fn)(size_t size);
	void *(*calloc_fn)(size_t n, size_t size);
	void *(*realloc_fn)(void *p, size_t size);
	void (*free_fn)(void *p);
};

/* Sets the back end, borrowed; NULL restores the C library's. Not thread-safe, for start-up and
 * tests. Blocks may outlive a change only if both back ends take each other's blocks. */
void rp_alloc_set_hooks(const struct rp_alloc_hooks *hooks);

/* Makes libuv, cJSON and SQLite allocate through rp_malloc and its kin (so through the hooks),
 * once, before any of them is used: at the start of main. RP_EINVAL when a library refuses. */
int rp_alloc_hook_libraries(void);

/* A size of 0 gives a block of its own here and below, so NULL always means "no memory". */
RP_NODISCARD void *rp_malloc(size_t size);
/* Zeroed; checks n * size for overflow. */
RP_NODISCARD void *rp_calloc(size_t n, size_t size);
/* Checks n * size for overflow; the old block stays valid on failure. */
RP_NODISCARD void *rp_reallocarray(void *p, size_t n, size_t size);
RP_NODISCARD char *rp_strdup(const char *s);
/* *out becomes a copy of s, NULL of NULL. False: no memory, *out is NULL. */
RP_NODISCARD bool rp_strdup_opt(char **out, const char *s);
/* Puts a copy of s in the place of an owned text. RP_ENOMEM: *slot stays as it is. */
RP_NODISCARD int rp_strset(char **slot, const char *s);
RP_NODISCARD char *rp_strndup(const char *s, size_t n);
RP_NODISCARD void *rp_memdup(const void *p, size_t n);
/* printf into a new string. */
RP_NODISCARD char *rp_asprintf(const char *fmt, ...) RP_PRINTF(1, 2);
void rp_free(void *p);
/* Overwrites a secret string with zeros, then frees it. NULL is fine. */
void rp_free_secret(char *s);

#endif
