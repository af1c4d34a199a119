/* SPDX-License-Identifier: MIT */
/*
 * Which tunnels a client gets when it registers: those that it asks for, and those of its last
 * connection that come back beside them (wire protocol 5.8). A tunnel that goes on keeps its id,
 * its age and its port, also one that was picked at random.
 */
#ifndef RP_SERVER_TUNNEL_PLAN_H
#define RP_SERVER_TUNNEL_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "core/defs.h"
#include "server/tunnel_info.h"
#include "tunnel/remote.h"

/* The wanted ones in their order, then those that come back. An empty id and created_at 0 are those
 * of a tunnel that is new. lport_random together with an lport: that port if it is free, or any. */
struct rp_tunnel_plan {
	struct rp_tunnel_info *v; /* owned */
	size_t n;
	size_t n_wanted;
	/* The request counts as a changed configuration: the others are not opened again. */
	bool changed;
};

/* Fills the zeroed plan: each wanted remote continues one old tunnel at most. An ACL that was
 * changed on a tunnel which the client had asked for stays. RP_ENOMEM. */
RP_NODISCARD int rp_tunnel_plan_make(struct rp_tunnel_plan *plan, const struct rp_json_vec *old,
    const struct rp_remote *wanted, size_t n_wanted);
/* Into the zeroed dst. RP_ENOMEM. */
RP_NODISCARD int rp_tunnel_plan_copy(struct rp_tunnel_plan *dst, const struct rp_tunnel_plan *src);
/* Takes the ith out. */
void rp_tunnel_plan_drop(struct rp_tunnel_plan *plan, size_t i);
void rp_tunnel_plan_fini(struct rp_tunnel_plan *plan);

#endif
