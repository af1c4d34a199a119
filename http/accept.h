/* SPDX-License-Identifier: MIT */
/*
 * A listening TCP socket that hands out accepted connections. Running out of descriptors pauses it
 * for a moment and is logged once; it never ends by itself.
 */
#ifndef RP_HTTP_ACCEPT_H
#define RP_HTTP_ACCEPT_H

#include <stdint.h>

#include <sys/socket.h>

#include "core/defs.h"
#include "core/err.h"
#include "core/loop.h"

struct rp_acceptor;

struct rp_acceptor_ops {
	/* fd (non-blocking, close-on-exec) is the callee's; it may go to another loop. peer:
	 * AF_INET or AF_INET6, IPv4-mapped addresses as AF_INET; valid during the call. */
	void (*on_accept)(void *ctx, int fd, const struct sockaddr *peer);
	/* Last call, after rp_acceptor_close; freed afterwards. May be NULL. */
	void (*on_closed)(void *ctx);
};

/* Listens on "host:port". 0.0.0.0, :: and no host at all mean every address of both families, as
 * in Go; port 0 lets the kernel choose. A host name is resolved at once (blocks). err: "listen
 * 0.0.0.0:80: permission denied". */
RP_NODISCARD int rp_acceptor_new(struct rp_loop *loop, const char *address,
    const struct rp_acceptor_ops *ops, void *ctx, struct rp_acceptor **out, struct rp_err *err);
/* For a failure at start: err of rp_acceptor_new becomes "<setting>: <as it was>; <what helps>".
 * Returns its code. */
int rp_acceptor_explain(struct rp_err *err, const char *setting);
/* "host:port" as given, with the real port: for log lines. */
const char *rp_acceptor_address(const struct rp_acceptor *a);
/* The real port. */
uint16_t rp_acceptor_port(const struct rp_acceptor *a);
/* Idempotent. The socket is closed at once; on_closed comes later from the loop. */
void rp_acceptor_close(struct rp_acceptor *a);

#endif
