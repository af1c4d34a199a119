/* SPDX-License-Identifier: MIT */
/*
 * The addresses under which the world sees this machine (wire protocol 4.6, IPAddresses): asked of a
 * web service, once by IPv4 and once by IPv6, which answers {"ip": "ADDRESS"} or the address alone.
 */
#ifndef RP_CLIENT_OUTER_H
#define RP_CLIENT_OUTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/defs.h"
#include "core/loop.h"
#include "core/str.h"
#include "http/tls.h"

/* However often the connection comes and goes, the service is not asked sooner again. */
#define RP_OUTER_DISTANCE_MS 60000u

/* The address of that family in an answer, of at most size bytes with its end; false: there is none. */
bool rp_outer_parse(struct rp_str body, int family, char *out, size_t size);

struct rp_outer;

/* All borrowed until the loop has ended. */
struct rp_outer_options {
	struct rp_loop *loop;
	const char *url;    /* http or https; empty: never asked */
	struct rp_tls *tls; /* for https */
	int64_t interval;   /* ns */
	/* Something has changed: the payload of ip_addresses. */
	void (*on_addresses)(void *ctx, const char *payload, size_t n);
	void *ctx;
};

RP_NODISCARD int rp_outer_new(const struct rp_outer_options *opt, struct rp_outer **out);
/* A server wants to know; no harm if it did before. */
void rp_outer_start(struct rp_outer *o);
void rp_outer_stop(struct rp_outer *o);
/* On the loop, for good: frees o when its handles are closed. NULL is fine. */
void rp_outer_close(struct rp_outer *o);

#endif
