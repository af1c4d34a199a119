/* SPDX-License-Identifier: MIT */
/*
 * Tables of an id and a text with everything else (details, as JSON), of which all rows are in memory
 * and the database only keeps them: what server/clients_store.h and server/cgroups_store.h have in
 * common.
 */
#ifndef RP_SERVER_DETAILS_STORE_H
#define RP_SERVER_DETAILS_STORE_H

#include <stdbool.h>

#include "core/defs.h"
#include "core/err.h"
#include "server/store.h"

struct rp_details_table {
	const char *what;          /* for the text of a failure: "clients" */
	const char *select;        /* id, details */
	const char *insert;        /* both; NULL: rows are never only created */
	const char *put;           /* the same, over a row that there is */
	const char *const *remove; /* statements for an id, in one transaction; ends with NULL */
};

typedef int (*rp_details_row_fn)(void *ctx, const char *id, const char *details);
/* At start-up, blocking. A failure of fn ends it. */
RP_NODISCARD int rp_details_load(struct rp_store *s, const struct rp_details_table *t,
    rp_details_row_fn fn, void *ctx, struct rp_err *err);

/* Copied. create: RP_EEXIST reaches done when there is such a row. */
struct rp_details_row {
	const char *id;
	const char *details;
	bool create;
};
RP_NODISCARD int rp_details_save(struct rp_store *s, const struct rp_details_table *t,
    const struct rp_details_row *row, rp_store_done_cb done, void *ctx);
RP_NODISCARD int rp_details_delete(struct rp_store *s, const struct rp_details_table *t,
    const char *id, rp_store_done_cb done, void *ctx);

#endif
