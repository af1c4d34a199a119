/* SPDX-License-Identifier: MIT */
/*
 * The sources of a UDP tunnel, found by address and ordered by their last use. Both ends keep one
 * flow for each; what belongs to it besides is the owner's, who embeds this.
 */
#ifndef RP_TUNNEL_UDP_FLOWS_H
#define RP_TUNNEL_UDP_FLOWS_H

#include <stddef.h>
#include <stdint.h>

#include "core/defs.h"
#include "core/hash.h"
#include "core/list.h"
#include "tunnel/udp_addr.h"
#include "tunnel/udp_queue.h"

struct rp_udp_flow {
	struct rp_hash_node hash;
	struct rp_list node; /* least recently used first */
	uint64_t last_ms;
	struct rp_udp_line line;
	struct rp_udp_record rec; /* its address, without data */
	char key[RP_UDP_KEY_MAX];
};

struct rp_udp_flows {
	struct rp_hash table;
	struct rp_list lru;
};

void rp_udp_flows_init(struct rp_udp_flows *v);
/* Frees the table; there are no flows any more. */
void rp_udp_flows_fini(struct rp_udp_flows *v);
/* The flow of a record's address, marked as used; NULL if there is none. */
struct rp_udp_flow *rp_udp_flows_use(
    struct rp_udp_flows *v, const struct rp_udp_record *rec, uint64_t now_ms);
/* A zeroed flow becomes that of an address which has none yet. RP_ENOMEM. */
RP_NODISCARD int rp_udp_flows_add(struct rp_udp_flows *v, struct rp_udp_flow *f,
    const struct rp_udp_record *rec, uint64_t now_ms);
void rp_udp_flows_touch(struct rp_udp_flows *v, struct rp_udp_flow *f, uint64_t now_ms);
/* Its line has to be empty. */
void rp_udp_flows_remove(struct rp_udp_flows *v, struct rp_udp_flow *f);
size_t rp_udp_flows_count(const struct rp_udp_flows *v);
/* The least recently used; NULL if there is none. */
struct rp_udp_flow *rp_udp_flows_oldest(const struct rp_udp_flows *v);

#endif
