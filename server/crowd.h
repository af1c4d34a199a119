/* SPDX-License-Identifier: MIT */
/*
 * Slots for accepted connections before anything is known about the peer, counted per source
 * address, so that one that opens connections and says nothing neither takes all descriptors nor
 * keeps others out. The counting itself is acl/gate.h's.
 */
#ifndef RP_SERVER_CROWD_H
#define RP_SERVER_CROWD_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "acl/gate.h"
#include "core/defs.h"
#include "core/err.h"

#define RP_CROWD_SOURCE_MAX INET6_ADDRSTRLEN

/* The number of slots follows from how many descriptors the process may open. */
RP_NODISCARD int rp_crowd_new(struct rp_gate **out, struct rp_err *err);
/* 0: a slot is held until rp_gate_leave(g, source). RP_EBUSY: the connection is to be closed. */
RP_NODISCARD int rp_crowd_enter(
    struct rp_gate *g, const struct sockaddr *peer, char source[static RP_CROWD_SOURCE_MAX]);

#endif
