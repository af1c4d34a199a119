/* SPDX-License-Identifier: MIT */
/*
 * Slots for accepted connections before anything is known about the peer, counted per source
 * address, so that one that opens connections and says nothing neither takes all descriptors nor
 * keeps others out. The counting itself is acl/gate.h's; what is refused is told by
 * server/refusals.h. Safe from every thread.
 */
#ifndef RP_SERVER_CROWD_H
#define RP_SERVER_CROWD_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "core/defs.h"
#include "core/err.h"

#define RP_CROWD_SOURCE_MAX INET6_ADDRSTRLEN

struct rp_crowd;

/* The number of slots follows from how many descriptors the process may open. component: in the
 * log, borrowed. */
RP_NODISCARD int rp_crowd_new(const char *component, struct rp_crowd **out, struct rp_err *err);
/* Tells what was refused last; NULL is fine. */
void rp_crowd_free(struct rp_crowd *c);
/* 0: a slot is held until rp_crowd_leave(c, source). RP_EBUSY: the connection is to be closed. */
RP_NODISCARD int rp_crowd_enter(
    struct rp_crowd *c, const struct sockaddr *peer, char source[static RP_CROWD_SOURCE_MAX]);
void rp_crowd_leave(struct rp_crowd *c, const char *source);
/* Now and then, so that refusals are told; NULL is fine. */
void rp_crowd_tick(struct rp_crowd *c, uint64_t now_ms);

#endif
