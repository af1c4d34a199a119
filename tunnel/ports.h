/* SPDX-License-Identifier: MIT */
/*
 * Server ports that tunnels may use: used_ports minus excluded_ports (wire protocol 5.4), and
 * which of them are taken. One pool for all worker loops (guarded by a mutex: tunnels start
 * rarely, data never comes here).
 */
#ifndef RP_TUNNEL_PORTS_H
#define RP_TUNNEL_PORTS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/defs.h"
#include "core/err.h"
#include "core/str.h"
#include "tunnel/remote.h"

struct rp_ports;

/* Entries "N" or "A-B". Errors with the documented texts. */
RP_NODISCARD int rp_ports_new(const struct rp_strlist *used, const struct rp_strlist *excluded,
    struct rp_ports **out, struct rp_err *err);
void rp_ports_free(struct rp_ports *p);
bool rp_ports_allowed(const struct rp_ports *p, uint16_t port);
/* Reserves a given port for the protocols: RP_EDENIED (not among allowed), RP_EEXIST (reserved by
 * a tunnel). Whether another program of the machine has it shows at bind. */
RP_NODISCARD int rp_ports_take(struct rp_ports *p, uint16_t port, enum rp_proto proto);
/* Reserves a random free one that nobody on the machine is bound to (probed by bind on the
 * wildcard address). RP_ENOENT: none left. */
RP_NODISCARD int rp_ports_take_any(struct rp_ports *p, enum rp_proto proto, uint16_t *port);
void rp_ports_release(struct rp_ports *p, uint16_t port, enum rp_proto proto);

#endif
