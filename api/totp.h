/* SPDX-License-Identifier: MIT */
/*
 * One-time passwords by time (RFC 6238: SHA-1, 6 digits, 30 s), as authenticator applications have
 * them, and their secrets as RPort keeps them: an otpauth:// URL. Pure but for the random secret.
 */
#ifndef RP_API_TOTP_H
#define RP_API_TOTP_H

#include <stddef.h>
#include <stdint.h>

#include "core/defs.h"

#define RP_TOTP_BYTES 20
/* In base32, with NUL. */
#define RP_TOTP_TEXT_MAX 33

/* A key, and whatever else stands in a stored URL does not count: it is always SHA-1, 6, 30. */
struct rp_totp {
	uint8_t key[64];
	size_t n;
};

/* otpauth://… with a new random key; owned, to be wiped (rp_free_secret). NULL: no memory. */
RP_NODISCARD char *rp_totp_new(const char *issuer, const char *account);
/* Reads such a URL, or the key alone in base32. RP_EINVAL: neither. Wipe *t afterwards. */
RP_NODISCARD int rp_totp_parse(const char *stored, struct rp_totp *t);
/* The key in base32; owned, to be wiped. */
RP_NODISCARD char *rp_totp_secret(const struct rp_totp *t);
/* The password of a step. */
RP_NODISCARD int rp_totp_code(const struct rp_totp *t, int64_t step, char out[static 7]);
/* Is code the password of now, or of the step before or after it? Steps up to *last were used
 * before and do not count; on success *last is the step of this one. 0, RP_EAUTH, RP_ENOMEM. */
RP_NODISCARD int rp_totp_check(
    const struct rp_totp *t, const char *code, int64_t now_s, int64_t *last);

#endif
