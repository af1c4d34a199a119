/* SPDX-License-Identifier: MIT */
/*
 * Credentials that clients log in with (wire protocol 2.5): one static pair, or a JSON file of
 * pairs that is read again when it
 * changes. Looked up from every worker; compared in constant time.
 */
#ifndef RP_SERVER_CLIENTAUTH_H
#define RP_SERVER_CLIENTAUTH_H

#include <stdbool.h>

#include "core/defs.h"
#include "core/err.h"
#include "core/loop.h"

struct rp_clientauth;

/* "id:password" (split at the first colon). `invalid client auth credentials, expected
 * '<client-id>:<password>', got …` without the secret. */
RP_NODISCARD int rp_clientauth_static(
    const char *pair, struct rp_clientauth **out, struct rp_err *err);
/* File as rport-config 4.2, at most 16 MiB; watched on the loop (a broken new version is logged
 * and the old content stays). */
RP_NODISCARD int rp_clientauth_file(
    struct rp_loop *loop, const char *path, struct rp_clientauth **out, struct rp_err *err);
/* From any thread. */
bool rp_clientauth_check(struct rp_clientauth *a, const char *id, const char *password);
/* On the loop: stops watching. Free after the loop's handles are closed. */
void rp_clientauth_close(struct rp_clientauth *a);
void rp_clientauth_free(struct rp_clientauth *a);
/* "Static Credentials" or "File". */
const char *rp_clientauth_source(const struct rp_clientauth *a);

#endif
