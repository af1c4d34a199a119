/* SPDX-License-Identifier: MIT */
/*
 * Events out of what is done through the API itself; handlers need not do anything. What the server
 * does (clients, tunnels, jobs) is told where it happens (server/events.h).
 */
#ifndef RP_API_EVENTS_H
#define RP_API_EVENTS_H

#include "api/context.h"

/* For api/call.c: a call that is answered well. */
void rp_api_events_reply(const struct rp_api_call *c);

#endif
