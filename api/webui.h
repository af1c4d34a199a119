/* SPDX-License-Identifier: MIT */
/*
 * The dashboard (webui/): files that are part of the program, served on the API's port to whoever asks.
 * What is there is looked up in a table; there is no way from a path to a file system.
 */
#ifndef RP_API_WEBUI_H
#define RP_API_WEBUI_H

#include "api/context.h"

/* Answers the call, now or later. False: the path is one of the API's, or there is nothing. */
bool rp_webui_serve(struct rp_api_call *c);

#endif
