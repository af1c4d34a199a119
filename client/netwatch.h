/* SPDX-License-Identifier: MIT */
/*
 * Tells when the machine's network has changed (interface up or down, address, default route), as
 * the kernel reports it by netlink, and whether a connection still has its way through it.
 */
#ifndef RP_CLIENT_NETWATCH_H
#define RP_CLIENT_NETWATCH_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "core/defs.h"

struct rp_netwatch {
	uv_poll_t poll;
	uv_timer_t settle;
	int fd;
	bool open;
	bool route;    /* a default route came or went since the last report */
	uint64_t seen; /* interfaces and addresses, mixed into a number */
	void (*on_change)(void *ctx);
	void *ctx;
};

enum rp_netpath {
	RP_NETPATH_GONE, /* the connection's own address is not there any more */
	RP_NETPATH_NONE, /* it may come back */
	RP_NETPATH_OPEN  /* as far as this machine can tell */
};

/* Starts to watch; rp_netwatch_close in every case. on_change comes from the loop, once for all
 * changes within a moment, and not for reports that change nothing. UV_E*: not possible here. */
RP_NODISCARD int rp_netwatch_start(
    struct rp_netwatch *w, uv_loop_t *loop, void (*on_change)(void *ctx), void *ctx);
/* No callback comes afterwards; *w stays until the loop has gone on. */
void rp_netwatch_close(struct rp_netwatch *w);

/* Of the connected TCP socket fd. bound: it keeps to its address (client.bind_interface), so that
 * another way does not count. */
enum rp_netpath rp_netwatch_path(int fd, bool bound);

#endif
