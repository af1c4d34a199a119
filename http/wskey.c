/* SPDX-License-Identifier: MIT */
/*
 * WebSocket handshake keys (http/wskey.h).
 */
#include "http/wskey.h"

#include <stdint.h>
#include <string.h>

#include "core/alloc.h"
#include "core/crypto.h"

#include "core/banned.h"

#define KEY_BYTES    16
#define KEY_TEXT_MAX 64
#define GUID         "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

char *rp_wskey_new(void)
{
	uint8_t key[KEY_BYTES];
	rp_random(key, sizeof(key));
	return rp_base64(key, sizeof(key));
}

bool rp_wskey_valid(const char *key)
{
	uint8_t *bytes;
	size_t n;
	if (key == NULL || strlen(key) > KEY_TEXT_MAX ||
	    rp_base64_decode(rp_str_c(key), &bytes, &n) != 0) {
		return false;
	}
	rp_free(bytes);
	return n == KEY_BYTES;
}

char *rp_wskey_accept(const char *key)
{
	uint8_t hash[20];
	char *text = rp_asprintf("%s" GUID, key);
	if (text == NULL) {
		return NULL;
	}
	int rc = rp_sha1(text, strlen(text), hash);
	rp_free(text);
	return rc == 0 ? rp_base64(hash, sizeof(hash)) : NULL;
}
