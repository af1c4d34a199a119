/* SPDX-License-Identifier: MIT */
/*
 * Tokens from a peer. First byte 'r': the rest is a token, which nobody can have signed. Else: head
 * and claims, separated by a line feed, are signed properly and have to be read without harm;
 * what is
 * accepted says who it is.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "api/jwt.h"
#include "core/alloc.h"
#include "core/crypto.h"
#include "core/err.h"

#define INPUT_MAX 16384
#define SECRET    "a secret that is not in the corpus"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int verify(const char *token)
{
	struct rp_jwt_claims claims = {0};
	int err = rp_jwt_verify(SECRET, token, &claims);
	RP_VERIFY(err == 0 || err == RP_EAUTH);
	RP_VERIFY((err == 0) == (claims.username != NULL));
	RP_VERIFY(err != 0 || claims.session > 0);
	rp_free(claims.username);
	return err;
}

static void raw(const uint8_t *data, size_t size)
{
	char *token = rp_strndup((const char *)data, size);
	RP_VERIFY(verify(token) == RP_EAUTH);
	rp_free(token);
}

static void forged(const uint8_t *data, size_t size)
{
	uint8_t mac[32];
	struct rp_str rest = rp_str_n(data, size);
	struct rp_str head;
	(void)rp_str_split(&rest, '\n', &head);
	char *h = rp_base64url(head.p, head.len);
	char *c = rp_base64url(rest.p != NULL ? rest.p : "", rest.len);
	char *text = rp_asprintf("%s.%s", h, c);
	RP_VERIFY(rp_hmac_sha256(SECRET, strlen(SECRET), text, strlen(text), mac) == 0);
	char *m = rp_base64url(mac, sizeof(mac));
	char *token = rp_asprintf("%s.%s", text, m);
	if (verify(token) == 0) {
		/* The same with any other signature is not. */
		token[strlen(token) - 2] ^= 1;
		RP_VERIFY(verify(token) == RP_EAUTH);
	}
	rp_free(token);
	rp_free(m);
	rp_free(text);
	rp_free(c);
	rp_free(h);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0 || size > INPUT_MAX) {
		return 0;
	}
	if (data[0] == 'r') {
		raw(data + 1, size - 1);
	} else {
		forged(data + 1, size - 1);
	}
	return 0;
}
