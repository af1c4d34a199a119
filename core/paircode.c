/* SPDX-License-Identifier: MIT */
/*
 * Crockford's base32 without check character: no letter that looks like a digit.
 */
#include "core/paircode.h"

#include <stdio.h>
#include <string.h>

#include "core/err.h"

#include "core/banned.h"

#define GROUP 4
#define CHARS (RP_PAIRCODE_ID + RP_PAIRCODE_SECRET)

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static void draw(char *out, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		out[i] = alphabet[rp_random_below(sizeof(alphabet) - 1)];
	}
	out[n] = '\0';
}

void rp_paircode_make(struct rp_paircode *c)
{
	draw(c->id, RP_PAIRCODE_ID);
	draw(c->secret, RP_PAIRCODE_SECRET);
}

void rp_paircode_format(const struct rp_paircode *c, char out[static RP_PAIRCODE_TEXT_MAX])
{
	size_t n = 0;
	for (size_t i = 0; i < CHARS; i++) {
		if (i > 0 && i % GROUP == 0) {
			out[n++] = '-';
		}
		out[n++] = i < RP_PAIRCODE_ID ? c->id[i] : c->secret[i - RP_PAIRCODE_ID];
	}
	out[n] = '\0';
}

/* The character that is meant, or NUL. */
static char meant(char c)
{
	if (c >= 'a' && c <= 'z') {
		c = (char)(c - 'a' + 'A');
	}
	if (c == 'I' || c == 'L') {
		return '1';
	}
	if (c == 'O') {
		return '0';
	}
	return c != '\0' && strchr(alphabet, c) != NULL ? c : '\0';
}

int rp_paircode_parse(struct rp_str text, struct rp_paircode *c)
{
	char chars[CHARS];
	size_t n = 0;
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] == '-' || text.p[i] == ' ') {
			continue;
		}
		char m = meant(text.p[i]);
		if (m == '\0' || n == CHARS) {
			return RP_EINVAL;
		}
		chars[n++] = m;
	}
	if (n != CHARS) {
		return RP_EINVAL;
	}
	*c = (struct rp_paircode){0};
	memcpy(c->id, chars, RP_PAIRCODE_ID);
	memcpy(c->secret, chars + RP_PAIRCODE_ID, RP_PAIRCODE_SECRET);
	rp_secret_wipe(chars, sizeof(chars));
	return 0;
}

bool rp_paircode_is_id(const char *text)
{
	return strlen(text) == RP_PAIRCODE_ID && strspn(text, alphabet) == RP_PAIRCODE_ID;
}

/* One of the things that the secret stands for; the id belongs to it. */
static int derive(const struct rp_paircode *c, const char *purpose, uint8_t out[static 32])
{
	char text[64];
	int n = snprintf(text, sizeof(text), "%s%s", purpose, c->id);
	RP_VERIFY(n > 0 && (size_t)n < sizeof(text));
	return rp_hmac_sha256(c->secret, RP_PAIRCODE_SECRET, text, (size_t)n, out);
}

int rp_paircode_keys(const struct rp_paircode *c, struct rp_paircode_keys *k)
{
	uint8_t proof[32];
	int err = derive(c, "rport pairing, key 1:", k->seal);
	err = err != 0 ? err : derive(c, "rport pairing, proof 1:", proof);
	if (err != 0) {
		return err;
	}
	rp_hex(proof, sizeof(proof), k->proof);
	rp_secret_wipe(proof, sizeof(proof));
	return rp_paircode_hash(k->proof, k->proof_hash);
}

int rp_paircode_hash(const char *proof, char out[static RP_PAIRCODE_HEX_MAX])
{
	uint8_t hash[32];
	int err = rp_sha256(proof, strlen(proof), hash);
	if (err == 0) {
		rp_hex(hash, sizeof(hash), out);
	}
	return err;
}
