/* SPDX-License-Identifier: MIT */
/*
 * One client connection on its worker loop: WebSocket, SSH, mux, control requests and tunnels.
 * Internal to server/worker.c and server/conn*.c.
 *
 * States: HANDSHAKE (SSH, 30 s) -> AUTHED (waiting for new_connection, 5 min) -> REGISTERING
 * (the control loop decides, 25 s) -> CHECKING (the
 * client is asked about its old tunnels) -> UP -> CLOSING. rp_conn_fail leads to CLOSING from
 * everywhere: it only notes the reason;
 * the parts are taken down from the loop at the end of the turn, because callbacks of SSH and
 * mux may be on the stack.
 */
#ifndef RP_SERVER_CONN_H
#define RP_SERVER_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "core/defs.h"
#include "core/list.h"
#include "core/loop.h"
#include "http/stream.h"
#include "server/order.h"
#include "server/worker.h"
#include "tunnel/hello.h"
#include "tunnel/link.h"
#include "tunnel/listener.h"

#define RP_CONN_PEER_MAX 64

enum rp_conn_state {
	RP_CONN_HANDSHAKE,
	RP_CONN_AUTHED,
	RP_CONN_REGISTERING,
	RP_CONN_CHECKING,
	RP_CONN_UP,
	RP_CONN_CLOSING
};

struct rp_worker;

struct rp_conn {
	struct rp_worker *worker;
	struct rp_list node; /* worker's connections */
	uint64_t id;
	enum rp_conn_state state;
	uint64_t deadline_ms; /* of the state, 0 = none */
	char peer[RP_CONN_PEER_MAX];
	bool slot;              /* holds a handshake slot of the gate */
	bool half_close;        /* the client knows half-closed tunnels (our own kind) */
	bool paused;            /* not read: too many notifications are under way */
	unsigned notifications; /* under way to the control loop and its database */
	uint64_t pinged_ms;     /* when a ping was last reported */
	struct rp_link link;
	struct rp_deferred teardown; /* after rp_conn_fail */
	char why[160];

	char *auth_id;
	uint64_t ticket; /* of new_connection */
	struct rp_new_connection hello;
	struct rp_event *down; /* made before on_register, so that the end can always be told */
	struct rp_order
	    *accept;    /* the control loop's decision, while tunnels are checked and started */
	size_t checked; /* of accept->plan, up to here the client has answered … */
	size_t asked;   /* … and up to here it was asked */

	struct rp_list tunnels; /* struct rp_conn_tunnel */
	struct rp_list orders;  /* calls under way */
	struct rp_list outputs; /* channels of live output (conn_output.c) */
	size_t n_outputs;
	unsigned next_tunnel;
	unsigned downloads; /* channels of conn_files.c */
};

struct rp_conn_tunnel {
	struct rp_list node;
	struct rp_conn *conn;
	struct rp_tunnel *tunnel;
	struct rp_order *stop; /* answered when the ports are free */
	int64_t created_at;
	char id[12];
};

/* conn.c */

/* Takes the stream (after the 101) and the gate's slot of this peer, the address that counts (copied).
 * On failure both are given back. */
RP_NODISCARD int rp_conn_start(
    struct rp_worker *worker, struct rp_stream *stream, const char *peer);
/* Ends the connection from the end of this turn on. The first reason counts. */
void rp_conn_fail(struct rp_conn *c, const char *fmt, ...) RP_PRINTF(2, 3);
/* The same, after what was written has been sent. */
void rp_conn_end(struct rp_conn *c, const char *fmt, ...) RP_PRINTF(2, 3);
/* Once in a while: deadlines of the state and of the calls. */
void rp_conn_tick(struct rp_conn *c, uint64_t now_ms);

/* conn_register.c: takes o; c->accept until the client is up or refused */
void rp_conn_accept(struct rp_conn *c, struct rp_order *o);

/* conn_control.c: global requests of the client, calls to it */
void rp_conn_request(
    struct rp_conn *c, struct rp_str name, uint64_t ticket, const uint8_t *p, size_t n);
struct rp_conn_ref rp_conn_ref_of(const struct rp_conn *c);
void rp_conn_refuse(struct rp_conn *c, const char *text);
void rp_conn_call(struct rp_conn *c, struct rp_order *o);
/* The control loop has dealt with a notification. */
void rp_conn_notified(struct rp_conn *c);
/* It has dealt with an unknown number of them; those that are still under way are not counted any
 * more. */
void rp_conn_notified_all(struct rp_conn *c);
/* Ends all calls with RP_ECLOSED. */
void rp_conn_drop_calls(struct rp_conn *c);

/* conn_files.c: the client opens a channel of type session to fetch a file */
void rp_conn_open_session(struct rp_conn *c, struct rp_channel *channel);

/* conn_output.c: a channel of type stdout (1) or stderr (2) with that extra data */
void rp_conn_open_output(
    struct rp_conn *c, struct rp_channel *channel, int stream, struct rp_str payload);
/* The control loop has dealt with a piece. */
void rp_conn_output_taken(struct rp_conn *c, const struct rp_order *order);

/* conn_tunnels.c */
/* want: the remote, and of a tunnel that goes on its id and its age (else empty and 0); *info is what
 * stands, owned. RP_ETIMEOUT: its auto-close time is over. err has the text. */
RP_NODISCARD int rp_conn_tunnel_start(struct rp_conn *c, const struct rp_tunnel_info *want,
    struct rp_tunnel_info *info, struct rp_err *err);
/* Ids of the plan are not given to other tunnels. */
void rp_conn_tunnel_ids(struct rp_conn *c, const struct rp_tunnel_plan *plan);
void rp_conn_tunnel_order(struct rp_conn *c, struct rp_order *o);
/* All of them, at the end; each reports by maybe_finish. */
void rp_conn_drop_tunnels(struct rp_conn *c);
/* Frees the connection when its last part is gone. */
void rp_conn_maybe_finish(struct rp_conn *c);

#endif
