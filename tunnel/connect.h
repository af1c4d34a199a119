/* SPDX-License-Identifier: MIT */
/*
 * TCP connect to the first of some addresses that answers, one after the other within one
 * time-out. Gives the bare descriptor.
 */
#ifndef RP_TUNNEL_CONNECT_H
#define RP_TUNNEL_CONNECT_H

#include <stddef.h>
#include <stdint.h>

#include <sys/socket.h>

#include "core/defs.h"
#include "core/loop.h"

struct rp_connect;

/* fd (non-blocking, close-on-exec) is the callee's; or -1 with the code of the first address that
 * failed. */
typedef void (*rp_connect_cb)(void *ctx, int fd, int code, const struct sockaddr_storage *addr);

/* cb comes exactly once, from the loop, unless cancelled. v (n > 0) is copied. */
RP_NODISCARD int rp_connect_start(struct rp_loop *loop, const struct sockaddr_storage *v, size_t n,
    unsigned timeout_ms, rp_connect_cb cb, void *ctx, struct rp_connect **out);
/* The callback will not come. Not after it came. */
void rp_connect_cancel(struct rp_connect *c);

#endif
