/* SPDX-License-Identifier: MIT */
/*
 * A running tunnel as the API shows it and as the store keeps it (rport-api 3.10).
 */
#ifndef RP_SERVER_TUNNEL_INFO_H
#define RP_SERVER_TUNNEL_INFO_H

#include <stdint.h>

#include "core/defs.h"
#include "core/json.h"
#include "tunnel/remote.h"

/* The id counts per client and stays with a tunnel that comes back. Strings owned. */
struct rp_tunnel_info {
	char *id;
	struct rp_remote remote;
	int64_t created_at;
};

extern const struct rp_json_table rp_tunnel_info_table;
void rp_tunnel_info_fini(struct rp_tunnel_info *t);
/* Into the zeroed dst. RP_ENOMEM. */
RP_NODISCARD int rp_tunnel_info_copy(struct rp_tunnel_info *dst, const struct rp_tunnel_info *src);

#endif
