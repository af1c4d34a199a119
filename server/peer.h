/* SPDX-License-Identifier: MIT */
/*
 * The address that counts for a request on either of the server's ports (acl/forwarded.h).
 */
#ifndef RP_SERVER_PEER_H
#define RP_SERVER_PEER_H

#include "acl/forwarded.h"
#include "http/server.h"

void rp_peer_of(
    const struct rp_addrlist *trusted, struct rp_http_req *req, char out[static RP_ADDR_TEXT_MAX]);

#endif
