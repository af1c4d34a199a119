/* SPDX-License-Identifier: MIT */
/*
 * Passwords that were found right a short while ago, so that a script that sends one with every
 * request does not pay for bcrypt each time. Nothing of a password is kept: only an HMAC over user,
 * password and the stored hash, under a key made at the start. Another password or a changed user
 * has another one.
 */
#ifndef RP_API_PASSCACHE_H
#define RP_API_PASSCACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/defs.h"

/* How long one check counts. */
#define RP_PASSCACHE_MS 60000

struct rp_passcache;

struct rp_passcache_entry {
	const char *name;
	const char *password;
	const char *hash; /* of the user, as it is stored */
};

/* NULL without memory. */
RP_NODISCARD struct rp_passcache *rp_passcache_new(void);
void rp_passcache_free(struct rp_passcache *p);
void rp_passcache_add(struct rp_passcache *p, const struct rp_passcache_entry *e, uint64_t now_ms);
/* Was it added within the last RP_PASSCACHE_MS? */
bool rp_passcache_has(
    const struct rp_passcache *p, const struct rp_passcache_entry *e, uint64_t now_ms);

#endif
