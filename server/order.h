/* SPDX-License-Identifier: MIT */
/*
 * Messages between the control loop and the workers: orders (to a connection, answered by the
 * same message on its way back) and
 * events (from a connection). Internal to server/worker.c and server/conn*.c.
 */
#ifndef RP_SERVER_ORDER_H
#define RP_SERVER_ORDER_H

#include <stdbool.h>

#include "core/defs.h"
#include "core/loop.h"
#include "server/worker.h"

enum rp_order_kind {
	RP_ORDER_ACCEPT,
	RP_ORDER_REFUSE,
	RP_ORDER_CLOSE,
	RP_ORDER_NOTIFIED,
	RP_ORDER_CALL,
	RP_ORDER_TUNNEL_START,
	RP_ORDER_TUNNEL_STOP,
	RP_ORDER_TUNNEL_ACL,
	RP_ORDER_OUTPUT_TAKEN
};

struct rp_call;

struct rp_order {
	struct rp_msg msg;
	struct rp_list node; /* in the connection's calls */
	struct rp_workers *workers;
	struct rp_conn_ref ref;
	enum rp_order_kind kind;

	char *name;       /* request, tunnel id, client id */
	char *text;       /* payload, ACL, reason */
	char *file;       /* that the client may read during the call */
	char *stream_jid; /* job whose live output the client may announce during the call */
	bool streams[2];  /* … and has: stdout, stderr */
	int stream;       /* 1 or 2 */
	size_t amount;    /* bytes of it that were taken */
	struct rp_remote remote;
	struct rp_tunnel_plan plan;
	bool flag; /* force, ask_old */
	unsigned timeout_ms;

	struct rp_conn *conn;
	struct rp_call *call;
	uint64_t deadline_ms;

	int code;
	char *data;
	size_t data_n;
	struct rp_tunnel_info info;
	struct rp_err err;
	rp_workers_call_cb call_cb;
	rp_workers_tunnel_cb tunnel_cb;
	void *ctx;
};

/* Sends the order back with its answer; it belongs to the control loop afterwards. Orders without a
 * callback are freed. */
void rp_order_answer(struct rp_order *o, int code);
void rp_order_free(struct rp_order *o);

enum rp_event_kind {
	RP_EVENT_REGISTER,
	RP_EVENT_UP,
	RP_EVENT_DOWN,
	RP_EVENT_PING,
	RP_EVENT_NOTIFY,
	RP_EVENT_TUNNEL_GONE,
	RP_EVENT_OUTPUT
};

struct rp_event {
	struct rp_msg msg;
	struct rp_workers *workers;
	struct rp_conn_ref ref;
	enum rp_event_kind kind;
	char *a; /* peer, request name, tunnel id, job id */
	char *b; /* auth id, payload, output */
	size_t b_n;
	int stream; /* of the output */
	uint64_t dropped;
	size_t cost; /* in rp_workers.output_under_way */
	char why[160];
	struct rp_new_connection hello;
	struct rp_tunnel_info *tunnels;
	size_t n_tunnels;
};

/* NULL without memory. */
struct rp_event *rp_event_new(
    struct rp_workers *w, struct rp_conn_ref ref, enum rp_event_kind kind);
void rp_event_free(struct rp_event *e);
/* To the control loop; takes e. */
void rp_event_post(struct rp_event *e);

#endif
