/* SPDX-License-Identifier: MIT */
/*
 * One connection to a server: dial, WebSocket, SSH, mux, registration, keep-alive, and the
 * server's requests. Internal to client/agent.c, client/uplink*.c and client/requests.c.
 *
 * States: DIALING -> HANDSHAKE (SSH, 30 s) -> READY (logged in, the owner decides) ->
 * REGISTERING (30 s) -> UP -> CLOSING. rp_uplink_fail leads to CLOSING from everywhere: it only
 * notes the reason; the parts are taken down from the loop at the end of the turn, because
 * callbacks of SSH and mux may be on the stack.
 */
#ifndef RP_CLIENT_UPLINK_H
#define RP_CLIENT_UPLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "client/backoff.h"
#include "core/defs.h"
#include "core/list.h"
#include "core/loop.h"
#include "http/dial.h"
#include "tunnel/link.h"
#include "tunnel/target.h"

#define RP_CLIENT_LOG "client"

enum rp_uplink_state {
	RP_UPLINK_DIALING,
	RP_UPLINK_HANDSHAKE,
	RP_UPLINK_READY,
	RP_UPLINK_REGISTERING,
	RP_UPLINK_UP,
	RP_UPLINK_CLOSING
};

/* How it ended, for the owner's on_closed. */
struct rp_uplink_end {
	enum rp_uplink_state reached;
	enum rp_retry retry;
	bool wanted;      /* by rp_uplink_close */
	uint64_t busy_ms; /* of RP_RETRY_BUSY */
	uint64_t up_ms;   /* time since the registration */
	char why[256];    /* printable */
};

struct rp_agent;
struct rp_uplink;

/* All from the loop, none from inside a function of this header. */
struct rp_uplink_ops {
	/* Logged in: rp_uplink_register now or later, or rp_uplink_close. */
	void (*on_ready)(struct rp_agent *a, struct rp_uplink *u);
	/* Registered. */
	void (*on_up)(struct rp_agent *a, struct rp_uplink *u);
	/* There is room for more after rp_uplink_notify said RP_EBUSY. */
	void (*on_room)(struct rp_agent *a, struct rp_uplink *u);
	/* Last call, exactly once; freed afterwards. */
	void (*on_closed)(struct rp_agent *a, struct rp_uplink *u, const struct rp_uplink_end *end);
};

struct rp_uplink {
	struct rp_agent *agent;
	const struct rp_uplink_ops *ops;
	size_t server; /* index into the agent's servers */
	enum rp_uplink_state state;
	struct rp_uplink_end end;
	struct rp_dial *dial;
	struct rp_link link;
	struct rp_targets *targets[2]; /* for servers without and with half-close */
	struct rp_call *call;          /* new_connection or ping, while it waits */
	struct rp_list pending;        /* requests that are answered later */
	struct rp_deferred teardown;   /* after rp_uplink_fail */
	uv_timer_t timer;              /* deadline of the state, then keep-alive */
	bool timer_open;
	bool half_close; /* the server knows half-closed tunnels (our own kind) */
	uint64_t handshake_end_ms;
	uint64_t ping_ms;      /* how long its answer may take */
	uint64_t results_sent; /* before the ping */
	uint64_t up_at_ms;
	uint64_t sent_at_ns; /* of the call */
};

/* uplink.c */

/* Starts to dial the server of that index. 0: on_closed follows sooner or later. */
RP_NODISCARD int rp_uplink_start(
    struct rp_agent *agent, const struct rp_uplink_ops *ops, size_t server, struct rp_uplink **out);
/* Sends new_connection; only in the state READY. */
void rp_uplink_register(struct rp_uplink *u);
/* Ends it because the owner wants so; what was sent is flushed. Idempotent. */
void rp_uplink_close(struct rp_uplink *u, const char *why);
/* The network has changed, or the machine slept: one whose own address is gone ends, a ping has to
 * be answered soon, an attempt starts anew. */
void rp_uplink_check_path(struct rp_uplink *u);
/* Results were sent: asks for the sign of life that says that they arrived. */
void rp_uplink_confirm(struct rp_uplink *u);
/* Notification to the server. RP_ECLOSED unless UP; RP_EBUSY: on_room tells when to try again. */
RP_NODISCARD int rp_uplink_notify(struct rp_uplink *u, const char *name, const void *p, size_t n);

/* For the files of the uplink: the connection ends from the end of this turn on; the first
 * reason counts. */
void rp_uplink_fail(struct rp_uplink *u, enum rp_retry retry, const char *fmt, ...) RP_PRINTF(3, 4);
/* Starts the one timer anew. */
void rp_uplink_set_timer(struct rp_uplink *u, uint64_t ms);
/* Registered: from now on a link may be away for as long as keep_alive_timeout says. */
void rp_uplink_be_patient(struct rp_uplink *u);

/* uplink_control.c: registration, keep-alive */
/* The deadline of READY, REGISTERING or UP has come. */
void rp_uplink_on_control_timer(struct rp_uplink *u);
/* UP: asks for a sign of life within ms; one asked for before has no longer than that either. */
void rp_uplink_probe(struct rp_uplink *u, uint64_t ms);

/* requests.c */
void rp_uplink_request(
    struct rp_uplink *u, struct rp_str name, uint64_t ticket, const uint8_t *p, size_t n);
/* The connection ends: later answers go nowhere. */
void rp_uplink_drop_requests(struct rp_uplink *u);

#endif
