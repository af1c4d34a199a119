/* SPDX-License-Identifier: MIT */
/*
 * The code that brings a new client together with its server (ours). Its first part names what the
 * server has kept for it, the second is a secret that server and client both derive two things from
 * and never send: a proof, of which the server keeps a hash, and the key that the client's settings
 * are sealed with. So whoever reads the exchange learns nothing, and whoever changes it is noticed,
 * also without TLS.
 */
#ifndef RP_CORE_PAIRCODE_H
#define RP_CORE_PAIRCODE_H

#include "core/crypto.h"
#include "core/defs.h"
#include "core/str.h"

#define RP_PAIRCODE_ID     8
#define RP_PAIRCODE_SECRET 16 /* characters of 5 bits each */
/* In groups of four: XXXX-XXXX-XXXX-XXXX-XXXX-XXXX */
#define RP_PAIRCODE_TEXT_MAX 30
#define RP_PAIRCODE_HEX_MAX  65

struct rp_paircode {
	char id[RP_PAIRCODE_ID + 1];
	char secret[RP_PAIRCODE_SECRET + 1];
};

void rp_paircode_make(struct rp_paircode *c);
void rp_paircode_format(const struct rp_paircode *c, char out[static RP_PAIRCODE_TEXT_MAX]);
/* As people type it: either case, dashes and blanks anywhere, I and L for 1, O for 0. RP_EINVAL. */
RP_NODISCARD int rp_paircode_parse(struct rp_str text, struct rp_paircode *c);
/* The first part alone, as it stands in a path. */
bool rp_paircode_is_id(const char *text);

struct rp_paircode_keys {
	uint8_t seal[RP_SEAL_KEY];
	char proof[RP_PAIRCODE_HEX_MAX];      /* the client shows it */
	char proof_hash[RP_PAIRCODE_HEX_MAX]; /* the server keeps it */
};
/* RP_ENOMEM, RP_ECRYPTO. To be wiped by the caller. */
RP_NODISCARD int rp_paircode_keys(const struct rp_paircode *c, struct rp_paircode_keys *k);
/* The hash of a proof that somebody shows. */
RP_NODISCARD int rp_paircode_hash(const char *proof, char out[static RP_PAIRCODE_HEX_MAX]);

#endif
