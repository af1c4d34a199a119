/* SPDX-License-Identifier: MIT */
/*
 * The vault's tables. A value is sealed with the id, client, key, group and type of its row, so no
 * row can be given the value of another one.
 */
#ifndef RP_API_VAULT_STORE_H
#define RP_API_VAULT_STORE_H

#include <stdint.h>

#include "core/crypto.h"
#include "core/defs.h"
#include "core/err.h"
#include "core/json.h"
#include "server/listread.h"
#include "server/store.h"

#define RP_VAULT_ENTRIES_MAX 10000

struct rp_vault_meta {
	uint8_t salt[16];
	unsigned rounds;
	char *check; /* owned base64; NULL: no password was set */
};
/* check NULL if there is none (blocking, at start). */
RP_NODISCARD int rp_vault_store_load(
    struct rp_store *s, struct rp_vault_meta *m, struct rp_err *err);
/* Copies m. RP_EEXIST. */
RP_NODISCARD int rp_vault_store_init(
    struct rp_store *s, const struct rp_vault_meta *m, rp_store_done_cb done, void *ctx);

struct rp_vault_entry {
	int64_t id;
	char *client_id;
	char *required_group; /* "" = everybody who may use the vault */
	char *key;
	char *value; /* base64 of what is sealed; in a write the text itself */
	char *type;
	int64_t created_at;
	int64_t updated_at;
	char *created_by;
	char *updated_by; /* NULL = nobody */
};
/* As the API shows an entry in a list and alone; both own the same members that they name. */
extern const struct rp_json_table rp_vault_short_table;
extern const struct rp_json_table rp_vault_full_table;
/* For rp_listread, objects of the full table: without the value, and with it. */
extern const struct rp_listread_spec rp_vault_list;
extern const struct rp_listread_spec rp_vault_one;

/* The value of a row that was read: *text owned secret, *n its bytes. RP_EAUTH: it is not what was
 * stored here. */
RP_NODISCARD int rp_vault_open_value(const uint8_t key[static RP_SEAL_KEY],
    const struct rp_vault_entry *e, uint8_t **text, size_t *n);

/* What a write has done. */
typedef void (*rp_vault_store_cb)(void *ctx, int code, int64_t id, const struct rp_err *err);
/* Copies all. id 0: a new entry; else this one, if its group still is the one that access was
 * decided by (RP_ENOENT). RP_EEXIST: another entry has that client and key; RP_ELIMIT. */
struct rp_vault_write {
	const uint8_t *seal_key;
	const struct rp_vault_entry *entry; /* created_by, created_at: of a new one */
	const char *group;                  /* of the entry until now */
};
RP_NODISCARD int rp_vault_store_put(
    struct rp_store *s, const struct rp_vault_write *w, rp_vault_store_cb cb, void *ctx);
/* RP_ENOENT, as above. */
RP_NODISCARD int rp_vault_store_delete(
    struct rp_store *s, const struct rp_vault_entry *e, rp_store_done_cb done, void *ctx);

#endif
