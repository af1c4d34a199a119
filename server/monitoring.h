/* SPDX-License-Identifier: MIT */
/*
 * Measurements of the clients (wire protocol 4.6), in monitoring.db beside rport.db, so that their
 * many writes hold up nobody. What comes within a second is written in one transaction; what is
 * older than data_storage_duration goes. All on the control loop.
 *
 * Measurements are no promise: one that comes too soon after the one before, or while the disk is
 * behind, is dropped and counted in the log.
 */
#ifndef RP_SERVER_MONITORING_H
#define RP_SERVER_MONITORING_H

#include <stdbool.h>
#include <stdint.h>

#include "core/defs.h"
#include "core/err.h"
#include "core/loop.h"
#include "server/config.h"

/* One client's measurements that are closer together than this are dropped. */
#define RP_MONITORING_DISTANCE_MS 500

struct rp_monitoring;

/* *out is NULL if the configuration has monitoring off. */
RP_NODISCARD int rp_monitoring_open(struct rp_loop *loop, const struct rp_server_config *cfg,
    struct rp_monitoring **out, struct rp_err *err);
/* Writes what is left, then on_closed (may be NULL). NULL is fine. Once only. */
void rp_monitoring_close(struct rp_monitoring *m, void (*on_closed)(void *ctx), void *ctx);
/* After the close, or when the loop has ended. */
void rp_monitoring_free(struct rp_monitoring *m);

/* A notification "save_measurement" of a client, stamped with the time now. NULL: is ignored. */
void rp_monitoring_save(struct rp_monitoring *m, const char *client_id, const char *p, size_t n);

/* Times in nanoseconds, both ends included. */
struct rp_monitoring_span {
	int64_t from;
	int64_t to;
};

/* What to bring of each measurement. */
enum rp_monitoring_part {
	RP_MONITORING_METRICS,
	RP_MONITORING_PROCESSES,
	RP_MONITORING_MOUNTPOINTS
};
struct rp_monitoring_query {
	const char *client_id;
	enum rp_monitoring_part part;
	struct rp_monitoring_span span;
	bool oldest_first;
	long limit;
	long offset;
};
struct rp_measurement {
	int64_t timestamp;
	double cpu;
	double memory;
	double io;
	char *json; /* processes or mountpoints; NULL if the client sent none that are readable */
};
struct rp_measurements {
	const struct rp_measurement *v; /* borrowed: until the callback returns */
	size_t n;
	int64_t total;
};
/* Exactly once after 0. The list is what is on disk: what was saved within the last second or so may
 * not be in it. */
typedef void (*rp_measurements_cb)(
    void *ctx, int code, const struct rp_measurements *list, const struct rp_err *err);
RP_NODISCARD int rp_monitoring_read(struct rp_monitoring *m,
    const struct rp_monitoring_query *query, rp_measurements_cb cb, void *ctx);

/* Down-sampled: at most some hundred points over the span, in the order of time. */
#define RP_GRAPH_VALUES 7
enum rp_graph_value {
	RP_GRAPH_CPU,
	RP_GRAPH_MEMORY,
	RP_GRAPH_IO,
	RP_GRAPH_LAN_IN,
	RP_GRAPH_LAN_OUT,
	RP_GRAPH_WAN_IN,
	RP_GRAPH_WAN_OUT
};
struct rp_graph_point {
	int64_t timestamp; /* of the first measurement in it */
	struct rp_graph_stat {
		bool set;   /* false: the client did not measure it */
		double avg; /* two decimals */
		double min;
		double max;
	} v[RP_GRAPH_VALUES];
};
struct rp_graph {
	const struct rp_graph_point *v;
	size_t n;
};
typedef void (*rp_graph_cb)(
    void *ctx, int code, const struct rp_graph *graph, const struct rp_err *err);
RP_NODISCARD int rp_monitoring_graph(struct rp_monitoring *m, const char *client_id,
    struct rp_monitoring_span span, rp_graph_cb cb, void *ctx);

#endif
