/* SPDX-License-Identifier: MIT */
/*
 * The server's host key: derived from key_seed exactly as RPort does (wire protocol 2.3), or made
 * once and kept in data_dir with mode 0600.
 */
#ifndef RP_SSH_HOSTKEY_H
#define RP_SSH_HOSTKEY_H

#include <stddef.h>
#include <stdint.h>

#include "core/defs.h"
#include "core/err.h"

#define RP_FINGERPRINT_MD5_MAX    48 /* 16 hex pairs with colons and a NUL */
#define RP_FINGERPRINT_SHA256_MAX 52 /* "SHA256:" + 43 characters of base64 and a NUL */

struct rp_hostkey;

/* ECDSA P-256 from a non-empty seed. */
RP_NODISCARD int rp_hostkey_from_seed(
    const char *seed, struct rp_hostkey **out, struct rp_err *err);
/* Reads path, or makes a random ECDSA P-256 key and writes it there (0600, O_EXCL, fsync). A file
 * that others may read, or that holds anything else, is an error that names it. */
RP_NODISCARD int rp_hostkey_from_file(
    const char *path, struct rp_hostkey **out, struct rp_err *err);
void rp_hostkey_free(struct rp_hostkey *k);
const char *rp_hostkey_md5(const struct rp_hostkey *k);    /* "aa:0d:…" */
const char *rp_hostkey_sha256(const struct rp_hostkey *k); /* "SHA256:…" as ssh-keygen prints it */

/* Fingerprint texts of a public key blob (RFC 4253 6.6). */
RP_NODISCARD int rp_fingerprint_md5(
    const void *blob, size_t n, char out[static RP_FINGERPRINT_MD5_MAX]);
RP_NODISCARD int rp_fingerprint_sha256(
    const void *blob, size_t n, char out[static RP_FINGERPRINT_SHA256_MAX]);

#endif
