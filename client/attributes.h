/* SPDX-License-Identifier: MIT */
/*
 * The attributes file of a client: tags and labels as JSON (rport-config 4.3), written by
 * update_client_metadata.
 */
#ifndef RP_CLIENT_ATTRIBUTES_H
#define RP_CLIENT_ATTRIBUTES_H

#include <stddef.h>
#include <stdint.h>

#include "core/defs.h"
#include "core/err.h"
#include "tunnel/hello.h"

#define RP_ATTRIBUTES_FILE_MAX  262144
#define RP_ATTRIBUTES_TAGS_MAX  1024
#define RP_ATTRIBUTES_LABEL_MAX 1024
#define RP_ATTRIBUTES_TEXT_MAX  4096
/* As JSON in new_connection, beside the configuration: what does not fit in one packet would keep
 * us from connecting. */
#define RP_ATTRIBUTES_SENT_MAX 98304

/* Reads the file into the zeroed *a. RP_ENOENT without one (then *a is empty), RP_EINVAL,
 * RP_ELIMIT, RP_EIO, RP_ENOMEM with a text that names the file. */
RP_NODISCARD int rp_attributes_read(const char *path, struct rp_attributes *a, struct rp_err *err);
/* Replaces the file as a whole: temporary file beside it (0600), fsync, rename, fsync of the
 * folder. Text: `can't write attributes to file: ...`. Blocks on the disk. */
RP_NODISCARD int rp_attributes_write(
    const char *path, const struct rp_attributes *a, struct rp_err *err);
/* update_client_metadata as a whole: payload to *a (zeroed before) and to the file. The texts of
 * the failure reply (4.2): `attributes file path not set` (path NULL or ""), `payload unreadable:
 * ...`, `can't serialize attributes: ...`, `can't write attributes to file: ...`. *a is empty on
 * failure. */
RP_NODISCARD int rp_attributes_update(
    const char *path, const void *payload, size_t n, struct rp_attributes *a, struct rp_err *err);
void rp_attributes_fini(struct rp_attributes *a);

#endif
