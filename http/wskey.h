/* SPDX-License-Identifier: MIT */
/*
 * Sec-WebSocket-Key and Sec-WebSocket-Accept (RFC 6455 4.2), for both sides.
 */
#ifndef RP_HTTP_WSKEY_H
#define RP_HTTP_WSKEY_H

#include <stdbool.h>

#include "core/defs.h"

/* A new random key; owned string, NULL: no memory. */
RP_NODISCARD char *rp_wskey_new(void);
/* Base64 of 16 bytes; NULL is not. */
bool rp_wskey_valid(const char *key);
/* The answer to key; owned string, NULL: no memory. */
RP_NODISCARD char *rp_wskey_accept(const char *key);

#endif
