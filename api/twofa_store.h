/* SPDX-License-Identifier: MIT */
/*
 * The last TOTP step that each user has used, in SQLite.
 */
#ifndef RP_API_TWOFA_STORE_H
#define RP_API_TWOFA_STORE_H

#include <stdint.h>

#include "core/defs.h"
#include "core/err.h"
#include "server/store.h"

struct rp_totp_range {
	int64_t first;
	int64_t last;
};
typedef int (*rp_twofa_row_fn)(void *ctx, const char *username, int64_t step);
/* Blocking, at start. Steps out of the range are deleted: they say nothing any more, or the clock
 * was wrong. */
RP_NODISCARD int rp_twofa_store_load(struct rp_store *store, const struct rp_totp_range *range,
    rp_twofa_row_fn fn, void *ctx, struct rp_err *err);
/* In place of the user's step before. */
RP_NODISCARD int rp_twofa_store_save(
    struct rp_store *store, const char *username, int64_t step, rp_store_done_cb done, void *ctx);

#endif
