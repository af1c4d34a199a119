/* SPDX-License-Identifier: MIT */
/*
 * Hands core/alloc.h to the libraries that let their allocator be replaced, so that the tests which
 * let the Nth allocation fail reach them as well. The only place besides their own seams that knows
 * libuv, cJSON and SQLite at once.
 */
#include "core/alloc.h"

#include <limits.h>

#include <cjson/cJSON.h>
#include <sqlite3.h>
#include <uv.h>

#include "core/err.h"

#include "core/banned.h"

static void *resize(void *p, size_t size)
{
	return rp_reallocarray(p, size, 1);
}

/* SQLite asks for the size of a block, so each carries it in front. */
union db_block {
	size_t size;
	max_align_t align;
};

static void *db_resize(void *p, int size)
{
	union db_block *old = p == NULL ? NULL : (union db_block *)p - 1;
	if (size <= 0) {
		return NULL;
	}
	union db_block *b = rp_reallocarray(old, (size_t)size + sizeof(*b), 1);
	if (b == NULL) {
		return NULL;
	}
	b->size = (size_t)size;
	return b + 1;
}

static void *db_malloc(int size)
{
	return db_resize(NULL, size);
}

static void db_free(void *p)
{
	if (p != NULL) {
		rp_free((union db_block *)p - 1);
	}
}

static int db_size(void *p)
{
	return p == NULL ? 0 : (int)((union db_block *)p - 1)->size;
}

static int db_roundup(int size)
{
	return size > INT_MAX - 7 ? size : (size + 7) & ~7;
}

static int db_init(void *arg)
{
	(void)arg;
	return SQLITE_OK;
}

static void db_shutdown(void *arg)
{
	(void)arg;
}

int rp_alloc_hook_libraries(void)
{
	static const sqlite3_mem_methods db_methods = {
	    .xMalloc = db_malloc,
	    .xFree = db_free,
	    .xRealloc = db_resize,
	    .xSize = db_size,
	    .xRoundup = db_roundup,
	    .xInit = db_init,
	    .xShutdown = db_shutdown,
	};
	if (uv_replace_allocator(rp_malloc, resize, rp_calloc, rp_free) != 0 ||
	    sqlite3_config(SQLITE_CONFIG_MALLOC, &db_methods) != SQLITE_OK) {
		return RP_EINVAL;
	}
	cJSON_Hooks json_hooks = {.malloc_fn = rp_malloc, .free_fn = rp_free};
	cJSON_InitHooks(&json_hooks);
	return 0;
}
