/* SPDX-License-Identifier: MIT */
/*
 * `[server] proxy`: HTTP requests on the clients' port that are not from clients go to another web server (wire protocol 1.1, step 4).
 */
#ifndef RP_SERVER_PROXY_H
#define RP_SERVER_PROXY_H

#include "core/loop.h"
#include "http/server.h"

/* Answers req with what the server at url answers: scheme, host and Host header are those of the URL, path and query are kept.
 * 502 when it cannot be reached or answers nonsense, 504 after 30 s. */
void rp_proxy_request(struct rp_loop *loop, const char *url, struct rp_http_req *req);

#endif
