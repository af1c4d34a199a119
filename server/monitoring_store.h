/* SPDX-License-Identifier: MIT */
/*
 * Measurements in SQLite, a file of its own.
 */
#ifndef RP_SERVER_MONITORING_STORE_H
#define RP_SERVER_MONITORING_STORE_H

#include "core/list.h"
#include "server/monitoring.h"
#include "server/store.h"

/* Rows that one removal takes. */
#define RP_MONITORING_REMOVE_MAX 2000

extern const struct rp_store_file rp_monitoring_store_file;

/* A measurement as it came; read on the pool's thread. */
struct rp_raw_measurement {
	struct rp_list node;
	int64_t timestamp;
	char *client_id;
	size_t n;
	char *text;
};
/* NULL: no memory. */
struct rp_raw_measurement *rp_raw_measurement_new(const char *client_id, const char *p, size_t n);

/* All of the list in one transaction; unreadable ones are logged and left out. Takes them in any
 * case. */
RP_NODISCARD int rp_monitoring_store_add(
    struct rp_store *s, struct rp_list *raw, rp_store_done_cb done, void *ctx);
/* Takes away what is older, at most RP_MONITORING_REMOVE_MAX moments of it; *removed is how many
 * rows that were and has to live until done. */
RP_NODISCARD int rp_monitoring_store_remove(
    struct rp_store *s, int64_t before, int64_t *removed, rp_store_done_cb done, void *ctx);
RP_NODISCARD int rp_monitoring_store_read(
    struct rp_store *s, const struct rp_monitoring_query *query, rp_measurements_cb cb, void *ctx);
RP_NODISCARD int rp_monitoring_store_graph(struct rp_store *s, const char *client_id,
    struct rp_monitoring_span span, rp_graph_cb cb, void *ctx);

#endif
