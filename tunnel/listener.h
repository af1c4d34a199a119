/* SPDX-License-Identifier: MIT */
/*
 * Server side of one tunnel: the listening sockets, the ACL, and the visitors' connections, each
 * joined to a channel of the client's mux. Belongs to the client's worker loop. Ports are reserved
 * and released here.
 */
#ifndef RP_TUNNEL_LISTENER_H
#define RP_TUNNEL_LISTENER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/defs.h"
#include "core/err.h"
#include "core/loop.h"
#include "tunnel/mux.h"
#include "tunnel/ports.h"
#include "tunnel/remote.h"
#include "tunnel/web.h"

struct rp_tunnel;

struct rp_tunnel_options {
	struct rp_ports *ports;
	const struct rp_web_settings *web; /* for http_proxy; NULL: such tunnels are plain ones */
	bool no_half_close;                /* peer is an installed client */
	size_t connections_max;            /* 0 = 16384, or 512 through a proxy */
	uint64_t age_ms;    /* it stood so long before (an earlier connection): auto-close */
	unsigned minute_ms; /* length of a minute of the idle time-out, 0 = 60000; for tests */
};

struct rp_tunnel_ops {
	/* Idle time-out or auto-close fired (wire protocol 5.10), or the client refused the UDP
	 * channel: the owner closes the tunnel. */
	void (*on_expired)(void *ctx, const char *why);
	void (*on_closed)(void *ctx); /* last call; freed afterwards, the ports are free again */
};

/* Reserves the port (a random one unless r has host and port), binds, listens. Fills lhost, lport,
 * lport_random in the tunnel's own copy of r (a given port keeps the lport_random that r has). err has the documented texts of 3.4 (`Local port 80
 * is not among allowed ports.`, `Local port 25001 already in use.`, `no ports available`, `unable
 * to start tunnel: …`). */
RP_NODISCARD int rp_tunnel_start(struct rp_loop *loop, struct rp_mux *mux,
    const struct rp_remote *r, const struct rp_tunnel_options *opt, const struct rp_tunnel_ops *ops,
    void *ctx, struct rp_tunnel **out, struct rp_err *err);
const struct rp_remote *rp_tunnel_remote(const struct rp_tunnel *t);
/* In use: without those of a proxy that wait between two requests. */
size_t rp_tunnel_connections(const struct rp_tunnel *t);
/* NULL or "" = open to all. Applies to new connections. RP_EINVAL with the documented text
 * (5.9). */
RP_NODISCARD int rp_tunnel_set_acl(struct rp_tunnel *t, const char *acl, struct rp_err *err);
/* Stops listening, cuts the visitors. Idempotent. */
void rp_tunnel_close(struct rp_tunnel *t);
/* The mux is about to be freed: must not be used any more. Implies close. */
void rp_tunnel_orphan(struct rp_tunnel *t);

#endif
