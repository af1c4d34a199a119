/* SPDX-License-Identifier: MIT */
/*
 * What the machine is, for new_connection (wire protocol 3.2). Reads a handful of small files of
 * /proc, /sys and /etc; no process is started and nothing waits for a network.
 */
#ifndef RP_CLIENT_INVENTORY_H
#define RP_CLIENT_INVENTORY_H

#include "core/defs.h"
#include "core/str.h"
#include "tunnel/hello.h"

/* Fills the system facts of *c: OS*, Hostname, CPU*, NumCPUs, MemoryTotal, Timezone, IPv4, IPv6.
 * "unknown" for texts that cannot be found out. Fields that had a value are replaced; everything
 * else is left alone. RP_ENOMEM may leave some filled; rp_json_release(&rp_new_connection_table,
 * c) frees all. */
RP_NODISCARD int rp_inventory_collect(struct rp_new_connection *c);
/* The addresses alone, which change while a client runs. */
RP_NODISCARD int rp_inventory_addresses(struct rp_strlist *ipv4, struct rp_strlist *ipv6);
/* Machine id: /var/lib/dbus/machine-id, else /etc/machine-id. Owned. RP_ENOENT, RP_ENOMEM. */
RP_NODISCARD int rp_inventory_machine_id(char **id);
/* Owned; "unknown" if there is none. NULL: no memory. */
RP_NODISCARD char *rp_inventory_hostname(void);

/* The same facts out of a directory that looks like "/" ("" is the real one), for tests. */
RP_NODISCARD int rp_inventory_collect_at(const char *root, struct rp_new_connection *c);
RP_NODISCARD int rp_inventory_machine_id_at(const char *root, char **id);

#endif
