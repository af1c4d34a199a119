/* SPDX-License-Identifier: MIT */
/*
 * Worker loops and the client connections that they own. The control loop gives orders by
 * messages and hears of events by messages;
 * a connection is named by a reference, so no pointer of a worker is ever seen elsewhere. An
 * order for a connection
 * that has gone answers RP_ECLOSED.
 */
#ifndef RP_SERVER_WORKER_H
#define RP_SERVER_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "acl/addrlist.h"
#include "acl/gate.h"
#include "core/defs.h"
#include "core/err.h"
#include "core/loop.h"
#include "server/clientauth.h"
#include "server/config.h"
#include "server/crowd.h"
#include "server/proxy.h"
#include "server/tunnel_info.h"
#include "server/tunnel_plan.h"
#include "ssh/hostkey.h"
#include "tunnel/budget.h"
#include "tunnel/hello.h"
#include "tunnel/ports.h"
#include "tunnel/remote.h"
#include "tunnel/web.h"

/* id 0 = none; ids are never used twice. */
struct rp_conn_ref {
	unsigned worker;
	uint64_t id;
};

/* A piece of live output of a job that was ordered with stream_jid. */
struct rp_job_output {
	const char *jid;
	int stream; /* 1 stdout, 2 stderr */
	const char *p;
	size_t n;
	uint64_t dropped; /* bytes that were left out before these: too much was under way */
};

/* What happens on connections; all called on the control loop, in the order of the events of one
 * connection. */
struct rp_conn_events {
	/* An authenticated client sent new_connection. The answer is one rp_workers_accept or
	 * rp_workers_refuse, within 20 s. *hello is the callee's
	 * (moved out, rp_json_release). */
	void (*on_register)(void *ctx, struct rp_conn_ref ref, const char *peer,
	    const char *auth_id, struct rp_new_connection *hello);
	/* Accepted and all tunnels stand. *tunnels (n) moved out. Or: could not (the connection
	 * ends; on_down follows). */
	void (*on_up)(void *ctx, struct rp_conn_ref ref, struct rp_tunnel_info *tunnels, size_t n);
	/* The connection is gone. Only for connections that had on_register. Its ports are free. */
	void (*on_down)(void *ctx, struct rp_conn_ref ref, const char *why);
	/* The client sent ping. */
	void (*on_ping)(void *ctx, struct rp_conn_ref ref);
	/* cmd_result, updates_status, ip_addresses, save_measurement: payload borrowed. Each is
	 * followed by one rp_workers_notified. */
	void (*on_notify)(
	    void *ctx, struct rp_conn_ref ref, const char *name, const char *p, size_t n);
	/* Borrowed. Followed by one rp_workers_output_taken. */
	void (*on_output)(void *ctx, struct rp_conn_ref ref, const struct rp_job_output *o);
	/* A tunnel ended by itself (idle, auto-close). */
	void (*on_tunnel_gone)(
	    void *ctx, struct rp_conn_ref ref, const char *tunnel_id, const char *why);
};

/* Read-only (or locked) things that all workers use; borrowed for the life of the workers. */
struct rp_workers_options {
	unsigned n; /* 0 = number of CPUs */
	const struct rp_server_config *cfg;
	const struct rp_hostkey *hostkey;
	struct rp_clientauth *auth;
	struct rp_gate *gate;
	struct rp_crowd *crowd; /* slots of connections before their upgrade (server/crowd.h) */
	const struct rp_addrlist *trusted; /* proxies before this port (acl/forwarded.h) */
	struct rp_ports *ports;
	struct rp_budget *budget;            /* of the receive windows of all tunnels */
	const struct rp_proxy_target *proxy; /* other requests of the clients' port; NULL = 404 */
	const struct rp_web_settings *web;   /* for http_proxy; NULL = not configured */
	struct rp_loop *control;
	const struct rp_conn_events *events;
	void *ctx;
};

struct rp_workers;

RP_NODISCARD int rp_workers_start(
    const struct rp_workers_options *opt, struct rp_workers **out, struct rp_err *err);
/* A connection that the listener accepted: takes fd and the slot that source (copied) holds in the
 * crowd; goes to the workers in turn. */
void rp_workers_take(struct rp_workers *w, int fd, const char *source);
/* Closes all connections and ends the threads; blocks until they are gone. Events that are still
 * under
 * way to the control loop are dropped. rp_workers_free only after the control loop has ended. */
void rp_workers_stop(struct rp_workers *w);
void rp_workers_free(struct rp_workers *w);

/* Answers on_register. plan: the tunnels to start, copied; those that the request does not name are
 * first put to the client (check_tunnel_allowed) if ask_old. */
void rp_workers_accept(struct rp_workers *w, struct rp_conn_ref ref, const char *client_id,
    const struct rp_tunnel_plan *plan, bool ask_old);
/* text: failure reply of wire protocol 3.4; then the connection is closed. */
void rp_workers_refuse(struct rp_workers *w, struct rp_conn_ref ref, const char *text);
/* What on_notify brought is dealt with. A connection with many of them under way is not read any
 * further, so that no client fills
 * the inbox of the control loop or the queue of the database. */
void rp_workers_notified(struct rp_workers *w, struct rp_conn_ref ref);
/* What on_output brought is dealt with: the client may send as much again. */
void rp_workers_output_taken(
    struct rp_workers *w, struct rp_conn_ref ref, const struct rp_job_output *output);
/* Ends a connection; on_down follows. */
void rp_workers_close(struct rp_workers *w, struct rp_conn_ref ref, const char *why);

/* Orders with an answer. After 0 the callback comes exactly once on the control loop, never from
 * inside the
 * call; RP_ENOMEM: it does not come. */

/* Global request to the client. code 0: p is the success payload; RP_EDENIED: p is the client's
 * failure text;
 * RP_ETIMEOUT, RP_ECLOSED, RP_EBUSY, RP_ENOMEM. */
typedef void (*rp_workers_call_cb)(void *ctx, int code, const char *p, size_t n);
struct rp_call_order {
	const char *name;
	const char *payload; /* NULL = empty */
	/* The client may send live output of this job (wire protocol 6.5). NULL: it may not. */
	const char *stream_jid;
	unsigned timeout_ms;
	const char *file; /* absolute path of a file that the client may read by SFTP until the
	                   * call has ended; NULL = none */
};
RP_NODISCARD int rp_workers_call(struct rp_workers *w, struct rp_conn_ref ref,
    const struct rp_call_order *call, rp_workers_call_cb cb, void *ctx);

/* code 0: for a start *info is moved out to the callee; else err has the text. */
typedef void (*rp_workers_tunnel_cb)(
    void *ctx, int code, struct rp_tunnel_info *info, const struct rp_err *err);
/* Starts a tunnel as r says (copied). */
RP_NODISCARD int rp_workers_tunnel_start(struct rp_workers *w, struct rp_conn_ref ref,
    const struct rp_remote *r, rp_workers_tunnel_cb cb, void *ctx);
struct rp_tunnel_stop {
	const char *tunnel_id;
	bool force;
};
/* code 0 (the port is free again), RP_ENOENT, RP_EBUSY (open connections without force; err says
 * how many). */
RP_NODISCARD int rp_workers_tunnel_stop(struct rp_workers *w, struct rp_conn_ref ref,
    const struct rp_tunnel_stop *stop, rp_workers_tunnel_cb cb, void *ctx);
struct rp_tunnel_acl {
	const char *tunnel_id;
	const char *acl; /* NULL = open */
};
/* code 0, RP_ENOENT, RP_EINVAL. */
RP_NODISCARD int rp_workers_tunnel_acl(struct rp_workers *w, struct rp_conn_ref ref,
    const struct rp_tunnel_acl *acl, rp_workers_tunnel_cb cb, void *ctx);

#endif
