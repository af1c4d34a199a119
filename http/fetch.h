/* SPDX-License-Identifier: MIT */
/*
 * One HTTP request of our own to another server, with one deadline for all of it: resolve, connect,
 * TLS with verification, send, read the answer. No redirects, no cookies, a small answer.
 */
#ifndef RP_HTTP_FETCH_H
#define RP_HTTP_FETCH_H

#include <stddef.h>

#include "core/defs.h"
#include "core/err.h"
#include "core/loop.h"
#include "core/str.h"
#include "http/tls.h"

/* Longer answers are an error. */
#define RP_FETCH_ANSWER_MAX ((size_t)64 * 1024)

struct rp_fetch;

/* All copied but tls. */
struct rp_fetch_options {
	const char *url; /* http or https; user and password in it become Basic credentials */
	const char *content_type; /* of the body, which is sent by POST; NULL: GET */
	struct rp_str body;
	int family;         /* AF_INET or AF_INET6: by that only; 0: any */
	struct rp_tls *tls; /* for https (rp_tls_client_new); borrowed until the loop has ended */
	unsigned timeout_ms;
};

/* Exactly once unless cancelled, never from inside rp_fetch_start. code 0: an answer came, whatever
 * its status; body is borrowed. Otherwise err says what went wrong, without the URL's path, query
 * and user. */
typedef void (*rp_fetch_cb)(
    void *ctx, int code, unsigned status, struct rp_str body, const struct rp_err *err);

/* err: the URL is none, or of another scheme. */
RP_NODISCARD int rp_fetch_start(struct rp_loop *loop, const struct rp_fetch_options *opt,
    rp_fetch_cb cb, void *ctx, struct rp_fetch **out, struct rp_err *err);
/* Only before the callback, which does not come then. NULL is fine. */
void rp_fetch_cancel(struct rp_fetch *f);

#endif
