/* SPDX-License-Identifier: MIT */
/*
 * Looks for pending updates of the system with its package manager (apt, dnf, yum, zypper, apk), one
 * program after the other, in the background: some time after the start, then at the interval, and
 * when a user asks. Lists of packages are brought up to date by "sudo -n", as far as sudoers lets us;
 * without that what is known already is told, with a hint.
 */
#ifndef RP_CLIENT_UPDATES_H
#define RP_CLIENT_UPDATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/defs.h"
#include "core/loop.h"

/* The first look comes so long after the start, and up to as much later by chance. */
#define RP_UPDATES_FIRST_MS 10000u
/* However often a server asks, no look begins sooner after the one before. */
#define RP_UPDATES_DISTANCE_MS 20000u

struct rp_updates;

/* Borrowed until the end. */
struct rp_updates_options {
	struct rp_loop *loop;
	int64_t interval; /* ns; 0 or less: never, not even when asked */
	const char *root; /* of the programs and their files; "" is the real one */
	bool root_user;   /* sudo is not needed */
	/* After each look: the payload of updates_status. */
	void (*on_status)(void *ctx, const char *payload, size_t n);
	void *ctx;
};

RP_NODISCARD int rp_updates_new(const struct rp_updates_options *opt, struct rp_updates **out);
/* A user asks: on_status follows, unless a look is under way, which then tells. */
void rp_updates_refresh(struct rp_updates *u);
/* On the loop, for good: ends what runs, frees u when its handles are closed. NULL is fine. */
void rp_updates_close(struct rp_updates *u);

#endif
