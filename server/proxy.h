/* SPDX-License-Identifier: MIT */
/*
 * `[server] proxy`: HTTP requests on the clients' port that are not from clients go to another web
 * server (wire protocol 1.1, step 4).
 */
#ifndef RP_SERVER_PROXY_H
#define RP_SERVER_PROXY_H

#include "core/defs.h"
#include "core/err.h"
#include "core/list.h"
#include "core/loop.h"
#include "http/server.h"
#include "http/tls.h"
#include "http/url.h"

/* Where requests go; shared by all workers, read-only. */
struct rp_proxy_target {
	struct rp_url url;
	struct rp_tls *tls; /* for https */
};
/* `invalid proxy: …` */
RP_NODISCARD int rp_proxy_target_new(
    const char *url, struct rp_proxy_target **out, struct rp_err *err);
void rp_proxy_target_free(struct rp_proxy_target *t);

/* Answers req with what the target answers: scheme, host and Host header are those of the URL, path
 * and query are kept. 502 when it cannot be reached or answers nonsense, 504 after 30 s. The
 * request under way is in list until it is answered (rp_proxy_close_all at the end of a worker). */
void rp_proxy_request(struct rp_loop *loop, const struct rp_proxy_target *t, struct rp_list *list,
    struct rp_http_req *req);
void rp_proxy_close_all(struct rp_list *list);

#endif
