/* SPDX-License-Identifier: MIT */
/*
 * The audit log in SQLite, a file of its own.
 */
#ifndef RP_SERVER_AUDIT_STORE_H
#define RP_SERVER_AUDIT_STORE_H

#include "core/list.h"
#include "server/audit.h"
#include "server/store.h"

#define RP_AUDIT_ROWS_MAX 100

extern const struct rp_store_file rp_audit_store_file;

struct rp_audit_row {
	struct rp_list node;
	int64_t id;
	size_t bytes;
	struct rp_audit_entry e;
};
struct rp_audit_row *rp_audit_row_new(const struct rp_audit_entry *e);
void rp_audit_row_free(struct rp_audit_row *row);

/* Blocking, at start: the highest id and the time of the oldest row; 0 and RP_TIME_ZERO if there
 * is none. */
RP_NODISCARD int rp_audit_store_state(
    struct rp_store *s, int64_t *id, int64_t *oldest, struct rp_err *err);
/* All rows of the list in one transaction; takes them in any case. */
RP_NODISCARD int rp_audit_store_add(
    struct rp_store *s, struct rp_list *rows, rp_store_done_cb done, void *ctx);
RP_NODISCARD int rp_audit_store_read(
    struct rp_store *s, const struct rp_audit_query *query, rp_audit_list_cb cb, void *ctx);

#endif
