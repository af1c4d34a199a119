/* SPDX-License-Identifier: MIT */
/*
 * The table of a running tunnel.
 */
#include "server/tunnel_info.h"

#include "core/banned.h"

/* One flat object (rport-api 3.10): the Remote's fields between id and created_at. */
#define INFO(key, kind)                                                              \
	{                                                                            \
#key, RP_FIELD_##kind, 0, offsetof(struct rp_tunnel_info, key), NULL \
	}
#define REMOTE(key, kind)                                                                   \
	{                                                                                   \
#key, RP_FIELD_##kind, 0, offsetof(struct rp_tunnel_info, remote.key), NULL \
	}
static const struct rp_json_field tunnel_info_fields[] = {
    INFO(id, STR),
    REMOTE(name, STR),
    REMOTE(protocol, STR),
    REMOTE(lhost, STR),
    REMOTE(lport, STR),
    REMOTE(lport_random, BOOL),
    REMOTE(owner, STR),
    REMOTE(rhost, STR),
    REMOTE(rport, STR),
    REMOTE(scheme, STR_OPT),
    REMOTE(acl, STR_OPT),
    REMOTE(idle_timeout_minutes, INT),
    REMOTE(auto_close, INT),
    REMOTE(http_proxy, BOOL),
    REMOTE(host_header, STR),
    REMOTE(auth_user, STR),
    REMOTE(auth_password, STR),
    REMOTE(tunnel_url, STR),
    INFO(created_at, TIME),
};
const struct rp_json_table rp_tunnel_info_table = RP_JSON_TABLE(
    tunnel_info_fields, struct rp_tunnel_info);

void rp_tunnel_info_fini(struct rp_tunnel_info *t)
{
	rp_json_release(&rp_tunnel_info_table, t);
}

int rp_tunnel_info_copy(struct rp_tunnel_info *dst, const struct rp_tunnel_info *src)
{
	return rp_json_clone(&rp_tunnel_info_table, src, dst);
}
