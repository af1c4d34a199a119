/* SPDX-License-Identifier: MIT */
/*
 * When to try again (wire protocol 1.4 without its defects): a lost connection is made anew at
 * once, after that the waits double from a minimum up to max_retry_interval, each drawn at
 * random so that many clients of one server spread. While nothing answers at all (no route, no
 * name, no reply to a SYN) the waits stay short: they cost no server anything, and the client is
 * to be back soon after the link is. Pure: time and randomness come from the caller.
 */
#ifndef RP_CLIENT_BACKOFF_H
#define RP_CLIENT_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

#include "core/defs.h"

#define RP_BACKOFF_MIN_MS         1000u /* nobody answered */
#define RP_BACKOFF_NO_LINK_MAX_MS 3000u /* the longest wait without a link */
#define RP_BACKOFF_REFUSED_MIN_MS 5000u /* somebody answered and said no */
/* A registration that held so long ends the series of failures. */
#define RP_BACKOFF_STABLE_MS 10000u

/* Why there is no connection; in the order of their weight when several servers were tried. */
enum rp_retry {
	RP_RETRY_LOST,        /* it was registered and broke */
	RP_RETRY_NO_LINK,     /* the network did not carry us to anybody */
	RP_RETRY_UNREACHABLE, /* no session came about */
	RP_RETRY_BUSY,        /* the server named a time to come back */
	RP_RETRY_REFUSED      /* fingerprint, login, registration, HTTP status */
};

struct rp_backoff {
	int64_t max_count; /* negative = endless */
	uint64_t cap_ms;   /* longest wait */
	uint64_t retries;  /* counted ones since the last reset */
	uint64_t doublings;
	bool at_once; /* the free attempt after a loss was used */
};

void rp_backoff_init(struct rp_backoff *b, int64_t max_count, uint64_t cap_ms);
/* A registered connection ended after up_ms. */
void rp_backoff_was_up(struct rp_backoff *b, uint64_t up_ms);
/* The network is another one than before: waits start from the minimum. */
void rp_backoff_new_network(struct rp_backoff *b);
/* Milliseconds until the next attempt, or -1: max_count is used up. random is uniform over all
 * values; busy_ms is the server's time for RP_RETRY_BUSY. An attempt at once is not counted. */
RP_NODISCARD int64_t rp_backoff_next(
    struct rp_backoff *b, enum rp_retry why, uint64_t busy_ms, uint64_t random);

#endif
