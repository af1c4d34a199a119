/* SPDX-License-Identifier: MIT */
/*
 * Policy of one channel's receive window: how much a peer may send and when it is told that it may
 * send more. Only what a socket took is credited, so a slow reader costs at most the window.
 */
#ifndef RP_TUNNEL_WINDOW_H
#define RP_TUNNEL_WINDOW_H

#include <stdint.h>

#include "core/defs.h"

struct rp_window {
	uint32_t size;    /* what the peer may have under way and unread */
	uint32_t open;    /* what it may still send now */
	uint32_t held;    /* arrived, not consumed yet */
	uint32_t pending; /* consumed, not credited yet; open + held + pending == size */
};

void rp_window_init(struct rp_window *w, uint32_t size);
/* n bytes arrived. RP_EPROTO when the peer was not allowed to send them. */
RP_NODISCARD int rp_window_take(struct rp_window *w, uint32_t n);
/* n bytes that arrived were consumed (more than were held counts as all). Returns the
 * WINDOW_ADJUST that is to be sent now, 0 for none. */
uint32_t rp_window_consume(struct rp_window *w, uint32_t n);

#endif
