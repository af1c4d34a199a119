/* SPDX-License-Identifier: MIT */
/*
 * Password hashes of API users: bcrypt through crypt(3) of libxcrypt. Slow on purpose: call these
 * on the pool. Thread-safe.
 */
#ifndef RP_API_PASSWORD_H
#define RP_API_PASSWORD_H

#include <stdbool.h>

#include "core/defs.h"

#define RP_PASSWORD_HASH_MAX 61
/* bcrypt looks at no more bytes than these. */
#define RP_PASSWORD_MAX 72
/* 2^10 rounds, as RPort's; htpasswd makes 2^5. */
#define RP_PASSWORD_COST 10u

/* $2y$, $2a$ or $2b$ and of the right length? */
bool rp_password_is_hash(const char *text);
/* A new $2y$ hash of 2^cost rounds (4 to 31) with a random salt. RP_ECRYPTO, RP_ENOMEM. */
RP_NODISCARD int rp_password_hash(
    const char *password, unsigned cost, char out[static RP_PASSWORD_HASH_MAX]);
/* Is password the one behind the hash? hash NULL or none at all: takes as long and answers
 * false. */
bool rp_password_check(const char *hash, const char *password);

#endif
