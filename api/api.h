/* SPDX-License-Identifier: MIT */
/*
 * The REST API of RPort (/api/v1) on the control loop, attached to the server role by rport.c.
 */
#ifndef RP_API_API_H
#define RP_API_API_H

#include "server/server.h"

/* Hooks for rp_server_main: start listens on [api] address (nothing if that is empty), logs `API
 * Listening`; stop closes the listener and all
 * connections; free releases the rest. */
const struct rp_server_hooks *rp_api_hooks(void);

#endif
