/* SPDX-License-Identifier: MIT */
/*
 * Not crypt_r: the address sanitizer has one of its own, which wants the shared library.
 */
#include "api/password.h"

#include <crypt.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/crypto.h"
#include "core/err.h"

#include "core/banned.h"

#define SALT_BYTES 16
/* Hash of a random text that nobody knows: only its running time counts. */
#define DUMMY_HASH "$2y$10$CqmGMI46jeB7yacQ8mhXUupmAuV95Yi4X26O2gy4ebFAKbdNF/6oq"

bool rp_password_is_hash(const char *text)
{
	return strlen(text) == RP_PASSWORD_HASH_MAX - 1 && text[0] == '$' && text[1] == '2' &&
	    strchr("aby", text[2]) != NULL && text[3] == '$';
}

int rp_password_hash(const char *password, unsigned cost, char out[static RP_PASSWORD_HASH_MAX])
{
	char random[SALT_BYTES];
	char salt[CRYPT_GENSALT_OUTPUT_SIZE];
	struct crypt_data *data = rp_calloc(1, sizeof(*data));
	if (data == NULL) {
		return RP_ENOMEM;
	}
	rp_random(random, sizeof(random));
	const char *hash = NULL;
	if (crypt_gensalt_rn("$2y$", cost, random, sizeof(random), salt, sizeof(salt)) != NULL) {
		hash = crypt_rn(password, salt, data, (int)sizeof(*data));
	}
	int code = RP_ECRYPTO;
	if (hash != NULL && rp_password_is_hash(hash)) {
		(void)snprintf(out, RP_PASSWORD_HASH_MAX, "%s", hash);
		code = 0;
	}
	rp_secret_wipe(data, sizeof(*data));
	rp_free(data);
	return code;
}

bool rp_password_check(const char *hash, const char *password)
{
	bool real = hash != NULL && rp_password_is_hash(hash);
	const char *want = real ? hash : DUMMY_HASH;
	struct crypt_data *data = rp_calloc(1, sizeof(*data));
	if (data == NULL) {
		return false;
	}
	const char *got = crypt_rn(password, want, data, (int)sizeof(*data));
	bool equal = got != NULL && rp_secret_str_eq(got, want) && real;
	rp_secret_wipe(data, sizeof(*data));
	rp_free(data);
	return equal;
}
