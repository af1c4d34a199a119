/* SPDX-License-Identifier: MIT */
/*
 * The vault's lock (rport-api 5): a key that comes out of the password and is in memory only while
 * the vault is unlocked. Entries are in api/vault_store.h.
 *
 * The database has the salt, the cost and a text that only the right key opens. Deriving the key
 * takes long by intention and runs on libuv's pool, one at a time.
 */
#ifndef RP_API_VAULT_H
#define RP_API_VAULT_H

#include <stdint.h>

#include "core/crypto.h"
#include "core/defs.h"
#include "core/err.h"
#include "core/loop.h"
#include "server/store.h"

/* Bytes of a password (rport-api 5). */
#define RP_VAULT_PASSWORD_MIN 4
#define RP_VAULT_PASSWORD_MAX 32
/* Wrong passwords in a row, and how long none is tried after them. */
#define RP_VAULT_FAILURES_MAX 5u
#define RP_VAULT_WAIT_MS      60000u
/* Of PBKDF2: some tenths of a second of one core. Stored with each vault, so it can be raised for new
 * ones. */
#define RP_VAULT_ROUNDS 420000u

enum rp_vault_state {
	RP_VAULT_UNINITIALIZED,
	RP_VAULT_LOCKED,
	RP_VAULT_UNLOCKED
};

struct rp_vault;

/* Loads what is stored (blocking, at start). */
RP_NODISCARD int rp_vault_new(
    struct rp_loop *loop, struct rp_store *store, struct rp_vault **out, struct rp_err *err);
/* Forgets the key; what is being derived fails with RP_ECLOSED. Comes before the store's end. NULL is
 * fine here and below. */
void rp_vault_close(struct rp_vault *v);
/* When the loop has ended. */
void rp_vault_free(struct rp_vault *v);

enum rp_vault_state rp_vault_state(const struct rp_vault *v);
/* NULL unless unlocked; until the loop's next turn. */
const uint8_t *rp_vault_key(const struct rp_vault *v);

/* Once on the loop, never from inside. */
typedef void (*rp_vault_cb)(void *ctx, int code, const struct rp_err *err);
/* Sets the password (copied) of a vault that has none and unlocks it. RP_EEXIST: it has one (also by
 * the callback); RP_EBUSY: another one is being tried; RP_ENOMEM. */
RP_NODISCARD int rp_vault_init(struct rp_vault *v, const char *password, rp_vault_cb cb, void *ctx);
/* Of a locked vault. RP_EBUSY, RP_ELIMIT (too many wrong ones), RP_ENOMEM; by the callback RP_EAUTH:
 * it is wrong. */
RP_NODISCARD int rp_vault_unlock(
    struct rp_vault *v, const char *password, rp_vault_cb cb, void *ctx);
void rp_vault_lock(struct rp_vault *v);
/* Another number than RP_VAULT_ROUNDS for vaults that are made from now on; for tests. */
void rp_vault_set_rounds(struct rp_vault *v, unsigned rounds);

#endif
