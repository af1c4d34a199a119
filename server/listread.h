/* SPDX-License-Identifier: MIT */
/*
 * Reads a list out of the database by a list query (server/listq.h): filters and order in SQL,
 * columns that SQL does not know (lists in JSON) in memory, row by row, so that no more than a page
 * of objects is ever held. For tables with a cap on their rows.
 */
#ifndef RP_SERVER_LISTREAD_H
#define RP_SERVER_LISTREAD_H

#include "core/defs.h"
#include "core/err.h"
#include "core/json.h"
#include "server/listq.h"
#include "server/store.h"

struct rp_listread_spec {
	const char *select;           /* "SELECT a, b FROM t" */
	const char *const *in_memory; /* columns not filtered by SQL, ends with NULL; or NULL */
	const struct rp_json_table *table; /* of the objects */
	/* Fills an object, which has its defaults, from a row, on a pool thread. 0 or negative. */
	int (*read)(struct rp_stmt *stmt, void *obj);
	/* Fills what takes more statements, of the objects on the page only. NULL: nothing does. */
	int (*complete)(struct rp_db *db, void *obj, struct rp_err *err);
};

/* What an object has beside its row: the database does not know it. The functions run on a pool
 * thread and touch only ctx. */
struct rp_listread_join {
	void *ctx;
	void (*free_ctx)(void *ctx); /* on the control loop, at the end */
	/* Is this row on the list at all? NULL: each is. */
	bool (*wants)(void *ctx, struct rp_stmt *stmt);
	/* Completes an object that was read from a row that is wanted. 0 or negative. */
	int (*fill)(void *ctx, void *obj);
	/* NULL, or: the statement runs for one key after the other, and what they bring stands in that
	 * order, which is that of the query's first sort. Borrowed; NULL ends the list. */
	const char *(*next_key)(void *ctx);
};

struct rp_listread_ask {
	const struct rp_listread_spec *spec;
	const char *where; /* a fixed condition, "id = ?", or NULL */
	const char *key; /* copied and bound to its placeholder; NULL: it has none, or a join has */
	struct rp_listread_join join; /* all zero: there is none; ctx is taken, also on failure */
};

/* What was read; freed after the callback. */
struct rp_listread {
	const struct rp_listq *q;
	struct rp_json_vec page; /* objects of the spec's table */
	int64_t total;           /* matches before paging */
};
typedef void (*rp_listread_cb)(
    void *ctx, int code, const struct rp_listread *r, const struct rp_err *err);
/* Takes *q, also on failure; one that is all zero asks for a single object. Once on the control loop
 * after 0. */
RP_NODISCARD int rp_listread(struct rp_store *store, const struct rp_listread_ask *ask,
    struct rp_listq *q, rp_listread_cb cb, void *ctx);

#endif
