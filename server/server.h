/* SPDX-License-Identifier: MIT */
/*
 * The server role put together: store, host key, gate, workers, listener for clients, registry,
 * jobs. The API (api/) is attached by
 * rport.c, which knows all layers.
 */
#ifndef RP_SERVER_SERVER_H
#define RP_SERVER_SERVER_H

#include "core/defs.h"
#include "core/err.h"
#include "core/loop.h"
#include "server/audit.h"
#include "server/clientauth.h"
#include "server/config.h"
#include "server/events.h"
#include "server/jobs.h"
#include "server/monitoring.h"
#include "server/multi.h"
#include "server/registry.h"
#include "server/schedules.h"
#include "server/store.h"
#include "ssh/hostkey.h"

/* What the API needs; borrowed for the life of the server. */
struct rp_server_parts {
	struct rp_loop *loop; /* control loop */
	const struct rp_server_config *cfg;
	struct rp_store *store;
	struct rp_registry *registry;
	struct rp_jobs *jobs;
	struct rp_multis *multis;
	struct rp_schedules *schedules;
	struct rp_audit *audit;           /* NULL = off */
	struct rp_monitoring *monitoring; /* NULL = off */
	const struct rp_hostkey *hostkey;
	struct rp_clientauth *auth; /* of clients */
	struct rp_events *events;
};

/* Hooks of the layer above, all on the control loop. start may fail (err): then the server ends
 * with that text. stop must end its handles. */
struct rp_server_hooks {
	int (*start)(void **state, const struct rp_server_parts *parts, struct rp_err *err);
	void (*reload)(void *state); /* SIGUSR1: users of the API */
	void (*stop)(void *state);   /* begins to close; */
	void (*free)(void *state);   /* after the loop has ended */
};

/* Runs the server role until SIGINT, SIGTERM or SIGHUP. Returns the exit status. argv without
 * the role word. */
int rp_server_main(int argc, char **argv, const struct rp_server_hooks *hooks);

#endif
