/* SPDX-License-Identifier: MIT */
/*
 * What a connection between client and server is made of at both ends: WebSocket below, SSH above
 * it, mux on top, and the bytes that go up and down between them. Embedded in its owner
 * (client/uplink.c, server/conn.c), who makes WebSocket and SSH, has the states and deadlines, and
 * decides about the end. Belongs to one loop.
 */
#ifndef RP_TUNNEL_LINK_H
#define RP_TUNNEL_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/defs.h"
#include "core/loop.h"
#include "core/str.h"
#include "http/ws.h"
#include "ssh/session.h"
#include "tunnel/mux.h"

struct rp_budget;
struct rp_link;

/* The owner finds itself by RP_CONTAINER_OF. No part may be taken down from below any but on_closed. */
struct rp_link_ops {
	/* Bytes came, and the login is not done yet. May be NULL. */
	void (*on_handshake)(struct rp_link *l);
	/* Logged in: rp_link_start_mux. */
	void (*on_ready)(struct rp_link *l);
	/* The transport has room again, once after want_room was set. May be NULL. */
	void (*on_room)(struct rp_link *l);
	/* Nothing more comes from the transport, as in rp_ws_ops. */
	void (*on_lost)(struct rp_link *l, int code, const char *why);
	/* Nothing more can be sent: the transport takes nothing, or (false) the session does not. May
	 * come more than once. */
	void (*on_cannot_send)(struct rp_link *l, int code, bool transport);
	/* The WebSocket, the last part, is gone. */
	void (*on_closed)(struct rp_link *l);
	/* As in rp_ssh_ops, of the last two each end has its own. */
	void (*on_ssh_closed)(struct rp_link *l, int code, const char *why);
	bool (*on_password)(struct rp_link *l, const char *user, const char *password);
	bool (*on_hostkey)(struct rp_link *l, const char *md5, const char *sha256);
	/* As in rp_mux_ops; no request comes once it is ending. */
	void (*on_request)(
	    struct rp_link *l, struct rp_str name, uint64_t ticket, const uint8_t *p, size_t n);
	void (*on_open)(struct rp_link *l, struct rp_channel *c, struct rp_str type,
	    const uint8_t *extra, size_t n);
	void (*on_error)(struct rp_link *l, const char *why);
};

struct rp_link {
	struct rp_loop *loop;
	const struct rp_link_ops *ops;
	struct rp_ws *ws;   /* made by the owner with rp_link_ws_ops, the link as ctx */
	struct rp_ssh *ssh; /* the same with rp_link_ssh_ops */
	struct rp_mux *mux;
	struct rp_deferred run; /* rp_mux_run at the end of the turn */
	bool full;              /* the transport asked for a pause */
	bool want_room;         /* of the owner, for on_room */
	bool ending;            /* by the owner: nothing goes up any more, … */
	bool last_words;        /* … but what is said now is still sent */
};

extern const struct rp_ws_ops rp_link_ws_ops;
extern const struct rp_ssh_ops rp_link_ssh_ops;

/* l is zeroed memory. */
void rp_link_init(struct rp_link *l, struct rp_loop *loop, const struct rp_link_ops *ops);
RP_NODISCARD int rp_link_start_mux(struct rp_link *l, struct rp_budget *budget);
/* The two at the end, in the order that the owner needs, when nothing of the link is on the stack.
 * politely: after a close frame and what was written. on_closed follows if there is a WebSocket. */
void rp_link_free_mux(struct rp_link *l);
void rp_link_close(struct rp_link *l, bool politely);

#endif
