/* SPDX-License-Identifier: MIT */
/*
 * Randomness, hashes, encodings and comparison of secrets; mbedTLS behind one file. Nothing here is
 * an algorithm of our own.
 */
#ifndef RP_CORE_CRYPTO_H
#define RP_CORE_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/defs.h"
#include "core/str.h"

#define RP_UUID_TEXT_MAX 37

/* n bytes from the kernel (getrandom). Never fails after boot; RP_VERIFY otherwise. */
void rp_random(void *p, size_t n);
uint64_t rp_random_u64(void);
/* Uniform in [0, n). */
uint64_t rp_random_below(uint64_t n);
/* Random UUID version 4, lower case. */
void rp_uuid4(char out[static RP_UUID_TEXT_MAX]);
/* n random characters of [A-Za-z0-9] and a NUL: out has n + 1 bytes. */
void rp_random_text(char *out, size_t n);

/* Time depends on the lengths only. */
bool rp_secret_eq(const void *a, size_t alen, const void *b, size_t blen);
bool rp_secret_str_eq(const char *a, const char *b);
void rp_secret_wipe(void *p, size_t n);

RP_NODISCARD int rp_md5(const void *p, size_t n, uint8_t out[static 16]);
/* The same in pieces, and SHA-256 (32 bytes). RP_ENOMEM, RP_ECRYPTO. free(NULL) is fine. */
struct rp_md5_stream;
RP_NODISCARD int rp_md5_stream_new(struct rp_md5_stream **out);
RP_NODISCARD int rp_md5_stream_add(struct rp_md5_stream *s, const void *p, size_t n);
RP_NODISCARD int rp_md5_stream_end(struct rp_md5_stream *s, uint8_t out[static 16]);
void rp_md5_stream_free(struct rp_md5_stream *s);
struct rp_sha256_stream;
RP_NODISCARD int rp_sha256_stream_new(struct rp_sha256_stream **out);
RP_NODISCARD int rp_sha256_stream_add(struct rp_sha256_stream *s, const void *p, size_t n);
RP_NODISCARD int rp_sha256_stream_end(struct rp_sha256_stream *s, uint8_t out[static 32]);
void rp_sha256_stream_free(struct rp_sha256_stream *s);
RP_NODISCARD int rp_sha1(const void *p, size_t n, uint8_t out[static 20]);
RP_NODISCARD int rp_sha256(const void *p, size_t n, uint8_t out[static 32]);
RP_NODISCARD int rp_sha512(const void *p, size_t n, uint8_t out[static 64]);
RP_NODISCARD int rp_hmac_sha256(
    const void *key, size_t klen, const void *p, size_t n, uint8_t out[static 32]);

RP_NODISCARD int rp_hmac_sha1(
    const void *key, size_t klen, const void *p, size_t n, uint8_t out[static 20]);
/* A key out of a password: PBKDF2-HMAC-SHA-512 (RFC 8018 5.2). Takes long by intention. */
RP_NODISCARD int rp_pbkdf2_sha512(
    struct rp_str password, struct rp_str salt, unsigned rounds, uint8_t out[static 32]);
/* AES-256-GCM (NIST SP 800-38D) with a random nonce: *out is an owned nonce, ciphertext and tag,
 * RP_SEAL_EXTRA bytes longer than the text. The same additional data opens it again (*out owned,
 * with a NUL behind it that is not counted; free it with rp_free_secret or wipe it). RP_EAUTH:
 * another key, other additional data, or changed. */
#define RP_SEAL_EXTRA 28
#define RP_SEAL_KEY   32
RP_NODISCARD int rp_seal(const uint8_t key[static RP_SEAL_KEY], struct rp_str text,
    struct rp_str additional, uint8_t **out, size_t *n);
RP_NODISCARD int rp_unseal(const uint8_t key[static RP_SEAL_KEY], struct rp_str sealed,
    struct rp_str additional, uint8_t **out, size_t *n);

/* Lower-case hex; out has 2n + 1 bytes. */
void rp_hex(const void *p, size_t n, char *out);
/* Standard base64 with padding, and the URL form without; owned strings. NULL: no memory. */
RP_NODISCARD char *rp_base64(const void *p, size_t n);
RP_NODISCARD char *rp_base64url(const void *p, size_t n);
/* Decode into a new block (*out owned, NUL added behind it). RP_EINVAL, RP_ENOMEM. */
RP_NODISCARD int rp_base64_decode(struct rp_str s, uint8_t **out, size_t *n);
RP_NODISCARD int rp_base64url_decode(struct rp_str s, uint8_t **out, size_t *n);

/* RFC 4648 base32 without padding, upper case; owned. NULL: no memory. */
RP_NODISCARD char *rp_base32(const void *p, size_t n);
/* Either case, padding or none. RP_EINVAL, RP_ELIMIT: more than max bytes. */
RP_NODISCARD int rp_base32_decode(struct rp_str s, uint8_t *out, size_t max, size_t *n);

/* Private scalar and public key (uncompressed point, 65 bytes) of RPort's key_seed, section 2.3. */
RP_NODISCARD int rp_keyseed_p256(
    const char *seed, uint8_t gen[static 40], uint8_t d[static 32], uint8_t q[static 65]);

#endif
