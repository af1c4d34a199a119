/* SPDX-License-Identifier: MIT */
/*
 * The HTTPS reverse proxy before a tunnel (wire protocol 5.11): one visitor's connection. TLS ends
 * here; each request is read strictly, written anew (http/forward.h) and sent through a channel of
 * the client's mux to the target, over TLS once more if the tunnel's scheme is https. Bodies pass
 * as they come, in either direction; whoever is slow holds up the other side. After a WebSocket
 * upgrade the connection is a byte pipe.
 */
#ifndef RP_TUNNEL_WEB_H
#define RP_TUNNEL_WEB_H

#include <stdbool.h>

#include "core/defs.h"
#include "core/err.h"
#include "core/loop.h"
#include "http/tls.h"
#include "tunnel/mux.h"
#include "tunnel/remote.h"

/* What all proxies of a server share. */
struct rp_web_settings {
	struct rp_tls *visitor; /* the server's certificate; NULL = no TLS, for tests only */
	struct rp_tls *target;  /* towards https targets: their certificates are not verified */
	unsigned header_ms;     /* TLS handshake and head of a request, 0 = 15 s */
	unsigned keep_ms;       /* between two requests, 0 = 60 s */
};

/* Of one tunnel; borrowed by its visitors' connections with all that it points to. */
struct rp_web_options {
	struct rp_tls *visitor_tls;
	struct rp_tls *target_tls; /* NULL: the target speaks plain HTTP */
	const char *target;        /* host:port on the wire */
	const char *target_host;   /* the host alone */
	const char *host_header;   /* "" = the visitor's Host is passed on */
	const char *auth_user;     /* "" = no login */
	const char *auth_password;
	bool no_half_close; /* the client is an installed one */
	unsigned header_ms; /* as in the settings */
	unsigned keep_ms;
	/* Without a byte in either direction while a request is answered, or through the pipe;
	 * 0 = no limit. */
	uint64_t idle_ms;
};

struct rp_web;

struct rp_web_ops {
	/* Asked before each request: may this address use the tunnel? If not, the visitor gets
	 * the 403 page. */
	bool (*admits)(void *ctx, const char *peer);
	/* Last call; freed afterwards. */
	void (*on_done)(void *ctx);
};

/* Whether the remote asks for a proxy that can be made: RP_EINVAL with its text. */
RP_NODISCARD int rp_web_check(const struct rp_remote *r, struct rp_err *err);

/* Serves an accepted connection; takes fd, also when this fails. */
RP_NODISCARD int rp_web_new(struct rp_loop *loop, int fd, struct rp_mux *mux,
    const struct rp_web_options *opt, const struct rp_web_ops *ops, void *ctx, struct rp_web **out);
/* Between two requests: ending it takes nothing from the visitor. */
bool rp_web_is_idle(const struct rp_web *w);
/* Cuts the visitor off and lets go of the mux. Idempotent; on_done follows. */
void rp_web_close(struct rp_web *w);

#endif
