/* SPDX-License-Identifier: MIT */
/*
 * WebSockets of the API's users (rport-api 3.14): a request that upgrades after it was let in.
 * Whole text messages in both directions, with limits: size of a message, bytes that wait for a slow
 * reader, sockets per user and in all. Pings keep proxies from closing a quiet one; a peer that takes
 * nothing for RP_API_WS_STUCK_MS is closed, and so is one whose login has ended.
 */
#ifndef RP_API_WS_H
#define RP_API_WS_H

#include "api/context.h"

#define RP_API_WS_PER_USER  32
#define RP_API_WS_MAX       1024
#define RP_API_WS_PING_MS   30000
#define RP_API_WS_STUCK_MS  120000
#define RP_API_WS_QUEUE_MAX (8u * 1024 * 1024)
/* Of a message that comes in, or max_request_bytes if that is more: the longest script in base64 fits.
 * (The original has no limit here.) */
#define RP_API_WS_MESSAGE_MAX (256u * 1024)

/* RFC 6455 7.4.1 */
enum rp_api_ws_status {
	RP_API_WS_NORMAL = 1000,
	RP_API_WS_GOING_AWAY = 1001,
	RP_API_WS_NOT_TEXT = 1003,
	RP_API_WS_NOT_UTF8 = 1007,
	RP_API_WS_POLICY = 1008, /* the login has ended */
	RP_API_WS_TOO_LONG = 1009
};

struct rp_api_ws;

/* All from the loop, none from inside a function of this header. */
struct rp_api_ws_ops {
	/* A message, valid UTF-8, not longer than RP_API_WS_MESSAGE_MAX says. Borrowed. May be
	 * NULL: what the user says is of no interest. */
	void (*on_text)(void *ctx, const char *p, size_t n);
	/* There is room again after rp_api_ws_full was true. May be NULL. */
	void (*on_drain)(void *ctx);
	/* Last call: by whatever it ended. The socket is freed afterwards. */
	void (*on_closed)(void *ctx);
};

/* Upgrades the request of c, whose user was let in; c is gone afterwards. On failure the request was
 * answered with an error, or its peer has gone: no callback follows. */
RP_NODISCARD int rp_api_ws_start(
    struct rp_api_call *c, const struct rp_api_ws_ops *ops, void *ctx, struct rp_api_ws **out);
/* Sends a message. RP_ELIMIT: more than RP_API_WS_QUEUE_MAX wait; RP_ECLOSED, RP_ENOMEM. */
RP_NODISCARD int rp_api_ws_send(struct rp_api_ws *w, const void *p, size_t n);
/* The peer is slower than we are: what can wait or be left out should be, until on_drain. */
bool rp_api_ws_full(const struct rp_api_ws *w);
/* Sends the errors message of rport-api 3.14 and closes. */
void rp_api_ws_fail(struct rp_api_ws *w, const char *title, const char *detail);
/* Closes after what was sent; no on_text, no on_drain any more. Idempotent. */
void rp_api_ws_close(struct rp_api_ws *w, enum rp_api_ws_status status);
/* Who has opened it, with the rights that he has now; and by which route. */
const struct rp_api_user *rp_api_ws_user(struct rp_api_ws *w);
const struct rp_route *rp_api_ws_route(const struct rp_api_ws *w);
const char *rp_api_ws_peer(const struct rp_api_ws *w);

/* The API's own: list and pings. */
void rp_api_ws_open_all(struct rp_api *api);
/* Every RP_API_WS_PING_MS: pings, and closes those whose user is not let in any more. */
void rp_api_ws_check_all(struct rp_api *api);
/* Closes those whose user is not let in any more, now. */
void rp_api_ws_close_ended(struct rp_api *api);
/* Closes all of them; nothing may be started afterwards. */
void rp_api_ws_close_all(struct rp_api *api);

#endif
