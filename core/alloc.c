/* SPDX-License-Identifier: MIT */
/*
 * Heap memory through replaceable functions. The C library's are called directly unless a test has
 * set others, so the usual path costs one predictable branch.
 */
#include "core/alloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"

#define RP_BANNED_ALLOW_HEAP
#include "core/banned.h"

static const struct rp_alloc_hooks *hooks;

void rp_alloc_set_hooks(const struct rp_alloc_hooks *h)
{
	hooks = h;
}

void *rp_malloc(size_t size)
{
	/* malloc(0) may be NULL, which callers would take for "no memory". */
	if (size == 0) {
		size = 1;
	}
	return hooks != NULL ? hooks->malloc_fn(size) : malloc(size);
}

void *rp_calloc(size_t n, size_t size)
{
	size_t total;
	if (__builtin_mul_overflow(n, size, &total)) {
		return NULL;
	}
	if (total == 0) {
		n = 1;
		size = 1;
	}
	return hooks != NULL ? hooks->calloc_fn(n, size) : calloc(n, size);
}

void *rp_reallocarray(void *p, size_t n, size_t size)
{
	size_t total;
	if (__builtin_mul_overflow(n, size, &total)) {
		return NULL;
	}
	/* realloc(p, 0) would free p and return NULL. */
	if (total == 0) {
		total = 1;
	}
	return hooks != NULL ? hooks->realloc_fn(p, total) : realloc(p, total);
}

void rp_free(void *p)
{
	if (hooks != NULL) {
		hooks->free_fn(p);
		return;
	}
	free(p);
}

void rp_free_secret(char *s)
{
	if (s == NULL) {
		return;
	}
	explicit_bzero(s, strlen(s));
	rp_free(s);
}

void *rp_memdup(const void *p, size_t n)
{
	void *copy = rp_malloc(n);
	if (copy != NULL && n > 0) {
		memcpy(copy, p, n);
	}
	return copy;
}

bool rp_strdup_opt(char **out, const char *s)
{
	*out = s == NULL ? NULL : rp_strdup(s);
	return s == NULL || *out != NULL;
}

int rp_strset(char **slot, const char *s)
{
	char *copy = rp_strdup(s);
	if (copy == NULL) {
		return RP_ENOMEM;
	}
	rp_free(*slot);
	*slot = copy;
	return 0;
}

char *rp_strndup(const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *copy = rp_malloc(len + 1);
	if (copy == NULL) {
		return NULL;
	}
	memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

char *rp_strdup(const char *s)
{
	return rp_memdup(s, strlen(s) + 1);
}

char *rp_asprintf(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0) {
		return NULL;
	}

	size_t size = (size_t)n + 1;
	char *s = rp_malloc(size);
	if (s == NULL) {
		return NULL;
	}
	va_start(ap, fmt);
	(void)vsnprintf(s, size, fmt, ap);
	va_end(ap);
	return s;
}
