/* SPDX-License-Identifier: MIT */
/*
 * QR codes as PNG, for authenticator applications to be photographed off the screen.
 */
#ifndef RP_API_QR_H
#define RP_API_QR_H

#include "core/defs.h"

#define RP_QR_SIDE 200

/* Base64 of a PNG of RP_QR_SIDE x RP_QR_SIDE; owned, to be wiped if the text was a secret. RP_ELIMIT:
 * the text is too long to be readable at that size. RP_ENOMEM. Thread-safe. */
RP_NODISCARD int rp_qr_png(const char *text, char **base64);

#endif
