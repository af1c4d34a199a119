/* SPDX-License-Identifier: MIT */
/*
 * The gate in front of every login: bans of addresses after repeated failures, the wait after a
 * failed login of a name (wire protocol
 * 2.6, API 1.5), and a share of handshake slots per source address, so that peers which fall
 * silent during a
 * handshake starve nobody else. One address counts everywhere: that of the TCP peer (or what a
 * trusted proxy says, decided by the caller).
 * Safe from every thread; time comes from the caller.
 */
#ifndef RP_ACL_GATE_H
#define RP_ACL_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/defs.h"
#include "core/err.h"

#define RP_GATE_SOURCE_MAX 52

struct rp_gate;

/* What of an address counts as one source: IPv4 (also mapped), or the /64 of IPv6. */
void rp_gate_source(const char *addr, char out[static RP_GATE_SOURCE_MAX]);

struct rp_gate_options {
	unsigned
	    slots_per_source; /* handshakes under way from one address (IPv6: one /64), 0 = unlimited */
	unsigned slots_total;   /* of all, 0 = unlimited */
	uint64_t login_wait_ms; /* a name is refused that long after a failure, 0 = off */
	unsigned max_failed;    /* so many consecutive failures are a ban, 0 = no bans */
	uint64_t ban_ms;        /* 0 = no bans */
};

RP_NODISCARD int rp_gate_new(const struct rp_gate_options *opt, struct rp_gate **out);
void rp_gate_free(struct rp_gate *g);

/* 0: the caller holds a slot until rp_gate_leave with the same address. RP_EBUSY: this source
 * has all of its slots, or all are taken and
 * this source holds at least its fair part of them. */
RP_NODISCARD int rp_gate_enter(struct rp_gate *g, const char *addr);
void rp_gate_leave(struct rp_gate *g, const char *addr);

bool rp_gate_banned(struct rp_gate *g, const char *addr, uint64_t now_ms);
/* False while the name has to wait; such an attempt counts for nothing. */
bool rp_gate_name_allowed(struct rp_gate *g, const char *name, uint64_t now_ms);
/* name NULL: only the address counts. True when this failure brought the ban. */
bool rp_gate_failed(struct rp_gate *g, const char *addr, const char *name, uint64_t now_ms);
/* Ends the wait of the name and the count and ban of the address. */
void rp_gate_succeeded(struct rp_gate *g, const char *addr, const char *name);

#endif
