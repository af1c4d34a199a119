/* SPDX-License-Identifier: MIT */
/*
 * The form of POST /files (rport-api 4.9): text fields are kept, the file's bytes are handed out.
 */
#ifndef RP_API_UPLOAD_FORM_H
#define RP_API_UPLOAD_FORM_H

#include <stdbool.h>
#include <stdint.h>

#include "api/uploads.h"
#include "core/defs.h"
#include "core/err.h"
#include "server/audience.h"

/* Bytes of all text fields together, and of one. */
#define RP_UPLOAD_FIELDS_MAX ((size_t)1024 * 1024)
#define RP_UPLOAD_FIELD_MAX  ((size_t)65536)

struct rp_upload_form;

/* Bytes of the part `upload`. 0, or a code that ends the form. */
typedef int (*rp_upload_form_cb)(void *ctx, const uint8_t *p, size_t n);

/* content_type: of the request, NULL if it has none. RP_EINVAL: it is no form. */
RP_NODISCARD int rp_upload_form_new(const char *content_type, rp_upload_form_cb cb, void *ctx,
    struct rp_upload_form **out, struct rp_err *err);
void rp_upload_form_free(struct rp_upload_form *f);
/* RP_EINVAL with a text for the client, RP_ENOMEM, or what the callback returned. */
RP_NODISCARD int rp_upload_form_feed(
    struct rp_upload_form *f, const uint8_t *p, size_t n, struct rp_err *err);
/* Everything was fed: is the form whole, and has every field a meaning? Fills what the form says
 * into u and a, which own it. RP_EINVAL with a text, RP_ENOMEM. */
RP_NODISCARD int rp_upload_form_end(
    struct rp_upload_form *f, struct rp_upload *u, struct rp_audience *a, struct rp_err *err);

#endif
