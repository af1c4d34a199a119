/* SPDX-License-Identifier: MIT */
/*
 * RFC 4226 and 6238.
 */
#include "api/totp.h"

#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/crypto.h"
#include "core/err.h"
#include "core/str.h"
#include "http/url.h"

#include "core/banned.h"

#define STEP_S  30
#define DIGITS  6
#define MODULUS 1000000u
/* Clocks may differ by that many steps. */
#define WINDOW  1
#define URL_MAX 2048

char *rp_totp_new(const char *issuer, const char *account)
{
	struct rp_totp t = {.n = RP_TOTP_BYTES};
	char *url = NULL;
	char *secret = NULL;
	rp_random(t.key, t.n);
	char *i = rp_url_encode(issuer);
	char *a = rp_url_encode(account);
	if (i != NULL && a != NULL) {
		secret = rp_totp_secret(&t);
	}
	if (secret != NULL) {
		url = rp_asprintf(
		    "otpauth://totp/%s:%s?algorithm=SHA1&digits=%d&issuer=%s&period=%d"
		    "&secret=%s",
		    i, a, DIGITS, i, STEP_S, secret);
	}
	rp_free_secret(secret);
	rp_free(i);
	rp_free(a);
	rp_secret_wipe(&t, sizeof(t));
	return url;
}

/* The key's text in a URL's query. */
static struct rp_str find_secret(const char *url)
{
	struct rp_str rest = rp_str_c(url + strcspn(url, "?"));
	struct rp_str part;
	if (rest.len > 0) {
		rest = rp_str_n(rest.p + 1, rest.len - 1);
	}
	while (rp_str_split(&rest, '&', &part)) {
		if (rp_str_starts(part, "secret=")) {
			return rp_str_n(part.p + 7, part.len - 7);
		}
	}
	return (struct rp_str){0};
}

int rp_totp_parse(const char *stored, struct rp_totp *t)
{
	struct rp_str text = rp_str_trim(rp_str_c(stored));
	if (rp_str_starts(text, "otpauth://totp/")) {
		text = find_secret(stored);
	}
	*t = (struct rp_totp){0};
	if (text.len == 0 || text.len > URL_MAX) {
		return RP_EINVAL;
	}
	return rp_base32_decode(text, t->key, sizeof(t->key), &t->n);
}

char *rp_totp_secret(const struct rp_totp *t)
{
	return rp_base32(t->key, t->n);
}

int rp_totp_code(const struct rp_totp *t, int64_t step, char out[static 7])
{
	uint8_t counter[8];
	uint8_t mac[20];
	for (unsigned i = 0; i < sizeof(counter); i++) {
		counter[i] = (uint8_t)((uint64_t)step >> (56 - 8 * i));
	}
	int err = rp_hmac_sha1(t->key, t->n, counter, sizeof(counter), mac);
	if (err != 0) {
		return err;
	}
	const uint8_t *at = &mac[mac[19] & 0xf]; /* dynamic truncation, RFC 4226 5.3 */
	uint32_t number = ((uint32_t)(at[0] & 0x7f) << 24) | ((uint32_t)at[1] << 16) |
	    ((uint32_t)at[2] << 8) | at[3];
	(void)snprintf(out, DIGITS + 1, "%06u", number % MODULUS);
	rp_secret_wipe(mac, sizeof(mac));
	return 0;
}

int rp_totp_check(const struct rp_totp *t, const char *code, int64_t now_s, int64_t *last)
{
	int64_t now = now_s / STEP_S;
	int64_t found = -1;
	char want[DIGITS + 1];
	/* All of them each time: how long it takes says nothing. */
	for (int64_t step = now - WINDOW; step <= now + WINDOW; step++) {
		int err = rp_totp_code(t, step, want);
		if (err != 0) {
			return err;
		}
		if (rp_secret_str_eq(want, code) && step > *last) {
			found = step;
		}
	}
	rp_secret_wipe(want, sizeof(want));
	if (found < 0) {
		return RP_EAUTH;
	}
	*last = found;
	return 0;
}
