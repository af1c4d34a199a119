/* SPDX-License-Identifier: MIT */
/*
 * Pages of other origins that may call the API ([api] cors; rport-api 1.1). Without any nothing of
 * this is answered.
 */
#ifndef RP_API_CORS_H
#define RP_API_CORS_H

#include <stdbool.h>

#include "core/defs.h"
#include "core/str.h"
#include "http/server.h"

struct rp_cors {
	struct rp_strlist origins; /* lower case */
	bool any;                  /* "*": also others, but without the browser's own credentials */
};

/* Takes over what is a web origin, scheme://host[:port], or "*"; others are logged and left out.
 * RP_ENOMEM. */
RP_NODISCARD int rp_cors_init(struct rp_cors *c, const struct rp_strlist *configured);
void rp_cors_fini(struct rp_cors *c);
/* Adds the headers of an answer to a request of an allowed origin. */
void rp_cors_answer(const struct rp_cors *c, struct rp_http_req *req);
/* Is it the question of an allowed origin whether it may send something? Then its headers have been
 * added, and the answer has no body. */
bool rp_cors_preflight(const struct rp_cors *c, struct rp_http_req *req);

#endif
