/* SPDX-License-Identifier: MIT */
/*
 * Addresses of UDP sources: as the kernel has them, as records carry them, and as keys.
 */
#ifndef RP_TUNNEL_UDP_ADDR_H
#define RP_TUNNEL_UDP_ADDR_H

#include <stdbool.h>

#include <sys/socket.h>

#include "core/defs.h"
#include "tunnel/gob.h"

/* Address in hex, port in hex, zone. */
#define RP_UDP_KEY_MAX (2 * 16 + 1 + 4 + 1 + RP_UDP_ZONE_MAX + 1)

/* Address of a record from a socket address, bytes as they are (IPv4-mapped stays so). */
void rp_udp_record_set_addr(struct rp_udp_record *rec, const struct sockaddr *sa);
/* Socket address of the family for a record; false if it has none. */
bool rp_udp_record_addr(
    const struct rp_udp_record *rec, int family, struct sockaddr_storage *sa, socklen_t *len);
void rp_udp_record_key(const struct rp_udp_record *rec, char out[static RP_UDP_KEY_MAX]);

#endif
