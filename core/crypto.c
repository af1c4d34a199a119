/* SPDX-License-Identifier: MIT */
/*
 * Randomness from the kernel, everything else from mbedTLS. The only file of core/ that includes
 * it.
 */
#include "core/crypto.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include <mbedtls/base64.h>
#include <mbedtls/bignum.h>
#include <mbedtls/constant_time.h>
#include <mbedtls/ecp.h>
#include <mbedtls/gcm.h>
#include <mbedtls/md.h>
#include <mbedtls/pkcs5.h>

#include "core/alloc.h"
#include "core/err.h"

#include "core/banned.h"

#define SHA512_BYTES 64
/* Section 2.3: the state is half a hash, the other half is output. */
#define SEED_STATE_BYTES 32
#define SEED_ROUNDS      2048
#define SEED_GEN_BYTES   40
#define P256_BYTES       32
#define P256_POINT_BYTES 65
#define GCM_NONCE_BYTES  12
#define GCM_TAG_BYTES    16

void rp_random(void *p, size_t n)
{
	unsigned char *at = p;
	size_t done = 0;
	while (done < n) {
		ssize_t got = getrandom(at + done, n - done, 0);
		RP_VERIFY(got > 0 || (got < 0 && errno == EINTR));
		done += got > 0 ? (size_t)got : 0;
	}
}

uint64_t rp_random_u64(void)
{
	uint64_t v;
	rp_random(&v, sizeof(v));
	return v;
}

uint64_t rp_random_below(uint64_t n)
{
	RP_VERIFY(n > 0);
	/* 2^64 mod n: values below it would make the small results more frequent. */
	uint64_t uneven = (0 - n) % n;
	uint64_t v;
	do {
		v = rp_random_u64();
	} while (v < uneven);
	return v % n;
}

void rp_uuid4(char out[static RP_UUID_TEXT_MAX])
{
	uint8_t raw[16];
	char hex[2 * sizeof(raw) + 1];
	rp_random(raw, sizeof(raw));
	raw[6] = (uint8_t)((raw[6] & 0x0fu) | 0x40u); /* version 4 (RFC 9562, 5.4) */
	raw[8] = (uint8_t)((raw[8] & 0x3fu) | 0x80u); /* variant 10 */
	rp_hex(raw, sizeof(raw), hex);
	size_t at = 0;
	for (size_t i = 0; i < sizeof(hex); i++) {
		if (i == 8 || i == 12 || i == 16 || i == 20) {
			out[at++] = '-';
		}
		out[at++] = hex[i];
	}
}

void rp_random_text(char *out, size_t n)
{
	static const char alphabet[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	/* The largest multiple of the alphabet's size in a byte; what lies above is drawn again. */
	const size_t letters = sizeof(alphabet) - 1;
	const size_t even = 256 - 256 % letters;
	uint8_t pool[64];
	size_t left = 0;
	for (size_t i = 0; i < n;) {
		if (left == 0) {
			left = sizeof(pool);
			rp_random(pool, left);
		}
		uint8_t byte = pool[--left];
		if (byte < even) {
			out[i++] = alphabet[byte % letters];
		}
	}
	out[n] = '\0';
	rp_secret_wipe(pool, sizeof(pool));
}

bool rp_secret_eq(const void *a, size_t alen, const void *b, size_t blen)
{
	if (alen != blen) {
		return false;
	}
	return alen == 0 || mbedtls_ct_memcmp(a, b, alen) == 0;
}

bool rp_secret_str_eq(const char *a, const char *b)
{
	return rp_secret_eq(a, strlen(a), b, strlen(b));
}

void rp_secret_wipe(void *p, size_t n)
{
	if (n > 0) {
		explicit_bzero(p, n);
	}
}

/* mbedTLS's codes: either memory, or something that only hardware or a wrong build can cause. */
static int status(int rc)
{
	if (rc == 0) {
		return 0;
	}
	bool memory = rc == MBEDTLS_ERR_MPI_ALLOC_FAILED || rc == MBEDTLS_ERR_MD_ALLOC_FAILED ||
	    rc == MBEDTLS_ERR_ECP_ALLOC_FAILED;
	return memory ? RP_ENOMEM : RP_ECRYPTO;
}

static int hash(mbedtls_md_type_t type, const void *p, size_t n, uint8_t *out)
{
	return status(mbedtls_md(mbedtls_md_info_from_type(type), n > 0 ? p : "", n, out));
}

int rp_md5(const void *p, size_t n, uint8_t out[static 16])
{
	return hash(MBEDTLS_MD_MD5, p, n, out);
}

static int start_md(mbedtls_md_context_t *md, mbedtls_md_type_t type)
{
	mbedtls_md_init(md);
	int rc = mbedtls_md_setup(md, mbedtls_md_info_from_type(type), 0);
	return status(rc == 0 ? mbedtls_md_starts(md) : rc);
}

struct rp_md5_stream {
	mbedtls_md_context_t md;
};

int rp_md5_stream_new(struct rp_md5_stream **out)
{
	struct rp_md5_stream *s = rp_calloc(1, sizeof(*s));
	*out = s;
	if (s == NULL) {
		return RP_ENOMEM;
	}
	int code = start_md(&s->md, MBEDTLS_MD_MD5);
	if (code != 0) {
		rp_md5_stream_free(s);
		*out = NULL;
	}
	return code;
}

int rp_md5_stream_add(struct rp_md5_stream *s, const void *p, size_t n)
{
	return n == 0 ? 0 : status(mbedtls_md_update(&s->md, p, n));
}

int rp_md5_stream_end(struct rp_md5_stream *s, uint8_t out[static 16])
{
	return status(mbedtls_md_finish(&s->md, out));
}

void rp_md5_stream_free(struct rp_md5_stream *s)
{
	if (s != NULL) {
		mbedtls_md_free(&s->md);
		rp_free(s);
	}
}

struct rp_sha256_stream {
	mbedtls_md_context_t md;
};

int rp_sha256_stream_new(struct rp_sha256_stream **out)
{
	struct rp_sha256_stream *s = rp_calloc(1, sizeof(*s));
	*out = s;
	if (s == NULL) {
		return RP_ENOMEM;
	}
	int code = start_md(&s->md, MBEDTLS_MD_SHA256);
	if (code != 0) {
		rp_sha256_stream_free(s);
		*out = NULL;
	}
	return code;
}

int rp_sha256_stream_add(struct rp_sha256_stream *s, const void *p, size_t n)
{
	return n == 0 ? 0 : status(mbedtls_md_update(&s->md, p, n));
}

int rp_sha256_stream_end(struct rp_sha256_stream *s, uint8_t out[static 32])
{
	return status(mbedtls_md_finish(&s->md, out));
}

void rp_sha256_stream_free(struct rp_sha256_stream *s)
{
	if (s != NULL) {
		mbedtls_md_free(&s->md);
		rp_free(s);
	}
}

int rp_sha1(const void *p, size_t n, uint8_t out[static 20])
{
	return hash(MBEDTLS_MD_SHA1, p, n, out);
}

int rp_sha256(const void *p, size_t n, uint8_t out[static 32])
{
	return hash(MBEDTLS_MD_SHA256, p, n, out);
}

int rp_sha512(const void *p, size_t n, uint8_t out[static 64])
{
	return hash(MBEDTLS_MD_SHA512, p, n, out);
}

int rp_hmac_sha256(const void *key, size_t klen, const void *p, size_t n, uint8_t out[static 32])
{
	return status(mbedtls_md_hmac(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256),
	    klen > 0 ? key : "", klen, n > 0 ? p : "", n, out));
}

int rp_pbkdf2_sha512(
    struct rp_str password, struct rp_str salt, unsigned rounds, uint8_t out[static 32])
{
	return status(
	    mbedtls_pkcs5_pbkdf2_hmac_ext(MBEDTLS_MD_SHA512, (const unsigned char *)password.p,
	        password.len, (const unsigned char *)salt.p, salt.len, rounds, RP_SEAL_KEY, out));
}

static int gcm_start(mbedtls_gcm_context *gcm, const uint8_t *key)
{
	mbedtls_gcm_init(gcm);
	return mbedtls_gcm_setkey(gcm, MBEDTLS_CIPHER_ID_AES, key, RP_SEAL_KEY * 8);
}

int rp_seal(const uint8_t key[static RP_SEAL_KEY], struct rp_str text, struct rp_str additional,
    uint8_t **out, size_t *n)
{
	mbedtls_gcm_context gcm;
	*n = text.len + RP_SEAL_EXTRA;
	*out = rp_malloc(*n);
	if (*out == NULL) {
		return RP_ENOMEM;
	}
	uint8_t *cipher = *out + GCM_NONCE_BYTES;
	rp_random(*out, GCM_NONCE_BYTES);
	int rc = gcm_start(&gcm, key);
	rc = rc != 0 ? rc
	             : mbedtls_gcm_crypt_and_tag(&gcm, MBEDTLS_GCM_ENCRYPT, text.len, *out,
	                   GCM_NONCE_BYTES, (const unsigned char *)additional.p, additional.len,
	                   (const unsigned char *)text.p, cipher, GCM_TAG_BYTES, cipher + text.len);
	mbedtls_gcm_free(&gcm);
	if (rc != 0) {
		rp_free(*out);
		*out = NULL;
	}
	return status(rc);
}

int rp_unseal(const uint8_t key[static RP_SEAL_KEY], struct rp_str sealed, struct rp_str additional,
    uint8_t **out, size_t *n)
{
	mbedtls_gcm_context gcm;
	const unsigned char *in = (const unsigned char *)sealed.p;
	*out = NULL;
	*n = 0;
	if (sealed.len < RP_SEAL_EXTRA) {
		return RP_EAUTH;
	}
	size_t len = sealed.len - RP_SEAL_EXTRA;
	uint8_t *text = rp_malloc(len + 1);
	if (text == NULL) {
		return RP_ENOMEM;
	}
	int rc = gcm_start(&gcm, key);
	rc = rc != 0 ? rc
	             : mbedtls_gcm_auth_decrypt(&gcm, len, in, GCM_NONCE_BYTES,
	                   (const unsigned char *)additional.p, additional.len,
	                   in + GCM_NONCE_BYTES + len, GCM_TAG_BYTES, in + GCM_NONCE_BYTES, text);
	mbedtls_gcm_free(&gcm);
	if (rc != 0) {
		rp_secret_wipe(text, len);
		rp_free(text);
		return rc == MBEDTLS_ERR_GCM_AUTH_FAILED ? RP_EAUTH : status(rc);
	}
	text[len] = '\0';
	*out = text;
	*n = len;
	return 0;
}

int rp_hmac_sha1(const void *key, size_t klen, const void *p, size_t n, uint8_t out[static 20])
{
	return status(mbedtls_md_hmac(mbedtls_md_info_from_type(MBEDTLS_MD_SHA1),
	    klen > 0 ? key : "", klen, n > 0 ? p : "", n, out));
}

void rp_hex(const void *p, size_t n, char *out)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *in = p;
	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digits[in[i] >> 4];
		out[2 * i + 1] = digits[in[i] & 0xf];
	}
	out[2 * n] = '\0';
}

char *rp_base64(const void *p, size_t n)
{
	if (n > SIZE_MAX / 4) {
		return NULL;
	}
	size_t size = (n + 2) / 3 * 4 + 1;
	char *text = rp_malloc(size);
	if (text == NULL) {
		return NULL;
	}
	/* Does not write the NUL of an empty text. */
	text[0] = '\0';
	size_t len;
	RP_VERIFY(mbedtls_base64_encode((unsigned char *)text, size, &len, p, n) == 0);
	return text;
}

static void replace(char *s, char from, char to)
{
	for (; *s != '\0'; s++) {
		*s = *s == from ? to : *s;
	}
}

char *rp_base64url(const void *p, size_t n)
{
	char *text = rp_base64(p, n);
	if (text != NULL) {
		replace(text, '+', '-');
		replace(text, '/', '_');
		replace(text, '=', '\0');
	}
	return text;
}

/* Only letters, digits and the two signs: mbedTLS skips white space. */
static bool is_base64(struct rp_str s, char sign62, char sign63)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];
		bool alnum = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		    (c >= '0' && c <= '9');
		if (!alnum && c != sign62 && c != sign63) {
			return false;
		}
	}
	return true;
}

/* text has the standard alphabet and its padding. */
static int decode(struct rp_str text, uint8_t **out, size_t *n)
{
	size_t size = text.len / 4 * 3;
	size_t len = 0;
	uint8_t *raw = rp_malloc(size + 1);
	if (raw == NULL) {
		return RP_ENOMEM;
	}
	if (text.len > 0 &&
	    mbedtls_base64_decode(raw, size, &len, (const unsigned char *)text.p, text.len) != 0) {
		rp_free(raw);
		return RP_EINVAL;
	}
	raw[len] = '\0';
	*out = raw;
	*n = len;
	return 0;
}

int rp_base64_decode(struct rp_str s, uint8_t **out, size_t *n)
{
	struct rp_str digits = s;
	while (digits.len > 0 && s.len - digits.len < 2 && digits.p[digits.len - 1] == '=') {
		digits.len--;
	}
	if (s.len % 4 != 0 || !is_base64(digits, '+', '/')) {
		return RP_EINVAL;
	}
	return decode(s, out, n);
}

int rp_base64url_decode(struct rp_str s, uint8_t **out, size_t *n)
{
	if (s.len % 4 == 1 || s.len > SIZE_MAX - 4 || !is_base64(s, '-', '_')) {
		return RP_EINVAL;
	}
	size_t len = (s.len + 3) / 4 * 4;
	char *text = rp_malloc(len + 1);
	if (text == NULL) {
		return RP_ENOMEM;
	}
	memset(text, '=', len);
	if (s.len > 0) {
		memcpy(text, s.p, s.len);
	}
	text[len] = '\0';
	replace(text, '-', '+');
	replace(text, '_', '/');
	int rc = decode(rp_str_n(text, len), out, n);
	rp_free_secret(text);
	return rc;
}

char *rp_base32(const void *p, size_t n)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	const uint8_t *in = p;
	char *text = n > SIZE_MAX / 16 ? NULL : rp_malloc((n * 8 + 4) / 5 + 1);
	uint32_t bits = 0;
	unsigned have = 0;
	size_t at = 0;
	for (size_t i = 0; text != NULL && i < n; i++) {
		bits = (bits << 8) | in[i];
		for (have += 8; have >= 5; have -= 5) {
			text[at++] = alphabet[(bits >> (have - 5)) & 31];
		}
	}
	if (text != NULL && have > 0) {
		text[at++] = alphabet[(bits << (5 - have)) & 31];
	}
	if (text != NULL) {
		text[at] = '\0';
	}
	return text;
}

static int base32_digit(char c)
{
	if (c >= 'A' && c <= 'Z') {
		return c - 'A';
	}
	if (c >= 'a' && c <= 'z') {
		return c - 'a';
	}
	return c >= '2' && c <= '7' ? c - '2' + 26 : -1;
}

int rp_base32_decode(struct rp_str s, uint8_t *out, size_t max, size_t *n)
{
	uint32_t bits = 0;
	unsigned have = 0;
	*n = 0;
	while (s.len > 0 && s.p[s.len - 1] == '=') {
		s.len--;
	}
	for (size_t i = 0; i < s.len; i++) {
		int digit = base32_digit(s.p[i]);
		if (digit < 0) {
			return RP_EINVAL;
		}
		bits = (bits << 5) | (uint32_t)digit;
		have += 5;
		if (have < 8) {
			continue;
		}
		if (*n == max) {
			return RP_ELIMIT;
		}
		have -= 8;
		out[(*n)++] = (uint8_t)(bits >> have);
	}
	return 0;
}

/* Steps 1 to 3 of section 2.3. */
static int seed_bytes(const char *seed, uint8_t gen[static SEED_GEN_BYTES])
{
	uint8_t h[SHA512_BYTES];
	int rc = rp_sha512(seed, strlen(seed), h);
	for (int round = 1; rc == 0 && round < SEED_ROUNDS; round++) {
		rc = rp_sha512(h, SEED_STATE_BYTES, h);
	}
	size_t half = sizeof(h) - SEED_STATE_BYTES;
	for (size_t at = 0; rc == 0 && at < SEED_GEN_BYTES; at += half) {
		rc = rp_sha512(h, SEED_STATE_BYTES, h);
		memcpy(gen + at, h + SEED_STATE_BYTES, RP_MIN(half, SEED_GEN_BYTES - at));
	}
	rp_secret_wipe(h, sizeof(h));
	return rc;
}

/* Blinding values for the point multiplication. */
static int blinding(void *ctx, unsigned char *out, size_t n)
{
	(void)ctx;
	rp_random(out, n);
	return 0;
}

struct p256 {
	mbedtls_ecp_group group;
	mbedtls_mpi limit; /* N - 1 */
	mbedtls_mpi d;
	mbedtls_ecp_point q;
};

/* Steps 4 and 5: d = x mod (N - 1) + 1, Q = d * G. */
static int derive(struct p256 *k, const uint8_t gen[static SEED_GEN_BYTES], uint8_t *d, uint8_t *q)
{
	int rc = mbedtls_ecp_group_load(&k->group, MBEDTLS_ECP_DP_SECP256R1);
	rc = rc != 0 ? rc : mbedtls_mpi_sub_int(&k->limit, &k->group.N, 1);
	rc = rc != 0 ? rc : mbedtls_mpi_read_binary(&k->d, gen, SEED_GEN_BYTES);
	rc = rc != 0 ? rc : mbedtls_mpi_mod_mpi(&k->d, &k->d, &k->limit);
	rc = rc != 0 ? rc : mbedtls_mpi_add_int(&k->d, &k->d, 1);
	rc = rc != 0 ? rc : mbedtls_mpi_write_binary(&k->d, d, P256_BYTES);
	rc = rc != 0 ? rc : mbedtls_ecp_mul(&k->group, &k->q, &k->d, &k->group.G, blinding, NULL);
	size_t len;
	rc = rc != 0 ? rc
	             : mbedtls_ecp_point_write_binary(&k->group, &k->q, MBEDTLS_ECP_PF_UNCOMPRESSED,
	                   &len, q, P256_POINT_BYTES);
	return status(rc);
}

int rp_keyseed_p256(
    const char *seed, uint8_t gen[static 40], uint8_t d[static 32], uint8_t q[static 65])
{
	int rc = seed_bytes(seed, gen);
	if (rc != 0) {
		return rc;
	}
	struct p256 k;
	mbedtls_ecp_group_init(&k.group);
	mbedtls_mpi_init(&k.limit);
	mbedtls_mpi_init(&k.d);
	mbedtls_ecp_point_init(&k.q);
	rc = derive(&k, gen, d, q);
	mbedtls_ecp_point_free(&k.q);
	mbedtls_mpi_free(&k.d);
	mbedtls_mpi_free(&k.limit);
	mbedtls_ecp_group_free(&k.group);
	return rc;
}
