/* SPDX-License-Identifier: MIT */
/*
 * A tunnel in one process: listener -> mux -> packets in memory -> mux -> targets, on one loop,
 * while a scenario with plain blocking sockets runs on a thread of its own.
 */
#ifndef RP_TEST_LIB_TUNNEL_RIG_H
#define RP_TEST_LIB_TUNNEL_RIG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "acl/targets.h"
#include "core/err.h"
#include "core/loop.h"
#include "test/lib/mux_pair.h"
#include "tunnel/listener.h"
#include "tunnel/target.h"

struct rp_rig_options {
	const char *protocol; /* default "tcp" */
	const char *lhost;    /* with a port chosen by the rig; NULL: any port of the pool */
	const char *rhost;    /* default 127.0.0.1 */
	const char *acl;
	int64_t idle_minutes;
	int64_t auto_close; /* ns */
	uint64_t age_ms;
	bool no_half_close;
	bool no_target; /* nobody listens at the target */
	size_t connections_max;
	const struct rp_target_rules *allowed;
	const struct rp_web_settings *web; /* an HTTP proxy before the tunnel */
	const char *scheme;
	const char *host_header;
	const char *auth; /* user and password, both this */
};

struct rp_rig {
	struct rp_loop *loop;
	struct rp_pair pair;
	bool pair_made;
	struct rp_ports *ports;
	struct rp_tunnel *tunnel;
	struct rp_targets *targets;
	struct rp_rig_options opt;
	int target_fd; /* listening or bound socket of the target */
	uint16_t target_port;
	uint16_t port; /* of the tunnel */
	atomic_int expired;
	const char *why; /* of it; set before */
	struct rp_err err;
	void (*scenario)(struct rp_rig *rig);
	void *user;
};

/* 0 or a code; rp_rig_fini in any case. */
int rp_rig_init(struct rp_rig *rig, const struct rp_rig_options *opt);
/* Runs scenario on its thread and the loop on this one, until the scenario returns and all is
 * closed. */
void rp_rig_run(struct rp_rig *rig, void (*scenario)(struct rp_rig *rig));
void rp_rig_fini(struct rp_rig *rig);
/* All three, for a body of rp_oom_run: the scenario sets *(bool *)rig->user when all went well, and
 * may fail for want of memory only. */
int rp_rig_oom(const struct rp_rig_options *opt, void (*scenario)(struct rp_rig *rig));

/* For scenarios. All sockets time out after 20 s. A connection to the tunnel; -1 on failure. */
int rp_rig_connect(const struct rp_rig *rig);
/* Accepts at the target; -1 on failure. */
int rp_rig_accept(const struct rp_rig *rig);
bool rp_rig_write_all(int fd, const void *p, size_t n);
/* Bytes read until n, EOF or an error (negative only if nothing came). */
long rp_rig_read_all(int fd, void *p, size_t n);

#endif
