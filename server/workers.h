/* SPDX-License-Identifier: MIT */
/*
 * Insides of the worker loops, shared by server/worker.c, front.c, order.c and conn*.c.
 */
#ifndef RP_SERVER_WORKERS_H
#define RP_SERVER_WORKERS_H

#include <stdatomic.h>
#include <stdbool.h>

#include <uv.h>

#include "core/list.h"
#include "core/loop.h"
#include "http/server.h"
#include "server/conn.h"
#include "server/refusals.h"
#include "server/worker.h"

struct rp_worker {
	struct rp_workers *workers;
	unsigned index;
	struct rp_loop *loop;
	struct rp_list conns;  /* struct rp_conn */
	struct rp_list fronts; /* HTTP connections before their upgrade (front.c) */
	size_t n_fronts;
	struct rp_list proxied; /* requests under way to [server] proxy */
	uint64_t next_id;
	atomic_bool notified_lost; /* set by the control loop: no memory for rp_workers_notified */
	uv_timer_t tick;
	bool stopping;
};

struct rp_workers {
	struct rp_workers_options opt;
	struct rp_worker *v;
	unsigned n;
	unsigned next;
	bool stopped;                   /* control loop only */
	atomic_size_t output_under_way; /* bytes of live output for the control loop */
	struct rp_http_server_options http;
	struct rp_refusals refusals; /* by the gate */
};

/* front.c: an accepted socket, until it is an SSH connection, was answered or was closed. Takes
 * fd and the slot of source. */
void rp_front_take(struct rp_worker *w, int fd, const char *source);
void rp_front_close_all(struct rp_worker *w);

#endif
