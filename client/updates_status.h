/* SPDX-License-Identifier: MIT */
/*
 * What was found out about pending updates, and the payload of updates_status (wire protocol 4.6).
 */
#ifndef RP_CLIENT_UPDATES_STATUS_H
#define RP_CLIENT_UPDATES_STATUS_H

#include <stdbool.h>
#include <stddef.h>

#include "client/packages.h"
#include "core/buf.h"
#include "core/defs.h"
#include "core/hash.h"

/* Packages that are known to matter for security; more are not remembered. */
#define RP_UPDATES_MARKS_MAX 20000
/* Of the list in the payload; it has to fit into a packet. What has no room is counted only. */
#define RP_UPDATES_LIST_MAX ((size_t)220 * 1024)

struct rp_updates_status {
	size_t n;
	size_t n_security;
	size_t n_left_out;
	bool reboot_pending;
	char error[256];
	char hint[256];
	struct rp_buf list;   /* JSON objects with commas */
	struct rp_hash marks; /* of rp_updates_status_mark */
};

void rp_updates_status_init(struct rp_updates_status *s);
void rp_updates_status_fini(struct rp_updates_status *s);
/* Remembers what p says of security and reboot for a name, for the updates that come later. */
RP_NODISCARD int rp_updates_status_mark(
    struct rp_updates_status *s, struct rp_str name, const struct rp_package *p);
/* Adds an update. key is the name under which it may be marked. */
RP_NODISCARD int rp_updates_status_add(
    struct rp_updates_status *s, const struct rp_package *p, struct rp_str key);
/* Appends the payload, stamped with the time now. */
RP_NODISCARD int rp_updates_status_write(const struct rp_updates_status *s, struct rp_buf *out);

#endif
