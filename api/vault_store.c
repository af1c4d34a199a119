/* SPDX-License-Identifier: MIT */
/*
 * SQL of vault_meta (one row at most) and vault_values. Ids count up and none is given twice, so that
 * the value of a deleted entry fits nowhere any more.
 */
#include "api/vault_store.h"

#include <string.h>

#include "core/alloc.h"

#include "core/banned.h"

#define F(key, kind)                                                                 \
	{                                                                            \
#key, RP_FIELD_##kind, 0, offsetof(struct rp_vault_entry, key), NULL \
	}
static const struct rp_json_field short_fields[] = {
    F(id, INT), F(client_id, STR), F(created_by, STR), F(created_at, TIME), F(key, STR)};
static const struct rp_json_field full_fields[] = {
    F(client_id, STR),
    F(required_group, STR),
    F(key, STR),
    F(value, STR),
    F(type, STR),
    F(id, INT),
    F(created_at, TIME),
    F(updated_at, TIME),
    F(created_by, STR),
    F(updated_by, STR_OPT),
};
const struct rp_json_table rp_vault_short_table = RP_JSON_TABLE(
    short_fields, struct rp_vault_entry);
const struct rp_json_table rp_vault_full_table = RP_JSON_TABLE(full_fields, struct rp_vault_entry);

/* The password */

static int read_meta(struct rp_stmt *stmt, struct rp_vault_meta *m)
{
	uint8_t *salt;
	size_t n;
	int code = rp_base64_decode(rp_str_c(rp_stmt_text(stmt, 0)), &salt, &n);
	if (code != 0) {
		return code;
	}
	if (n != sizeof(m->salt)) {
		rp_free(salt);
		return RP_EINVAL;
	}
	memcpy(m->salt, salt, sizeof(m->salt));
	rp_free(salt);
	m->rounds = (unsigned)rp_stmt_i64(stmt, 1);
	m->check = rp_strdup(rp_stmt_text(stmt, 2));
	return m->check == NULL ? RP_ENOMEM : 0;
}

int rp_vault_store_load(struct rp_store *s, struct rp_vault_meta *m, struct rp_err *err)
{
	struct rp_stmt *stmt;
	*m = (struct rp_vault_meta){0};
	int code = rp_db_stmt(rp_store_db(s),
	    "SELECT salt, rounds, check_value FROM vault_meta WHERE id = 1", &stmt, err);
	code = code != 0 ? code : rp_stmt_step(stmt, err);
	if (code != 1) {
		return code;
	}
	code = read_meta(stmt, m);
	rp_stmt_reset(stmt);
	return code == 0 ? 0
	                 : rp_err_set(err, code, "the vault cannot be read: %s", rp_err_text(code));
}

static void meta_free(void *arg)
{
	struct rp_vault_meta *m = arg;
	rp_free(m->check);
	rp_free(m);
}

static int init_work(struct rp_db *db, void *arg, struct rp_err *err)
{
	const struct rp_vault_meta *m = arg;
	struct rp_stmt *stmt;
	char *salt = rp_base64(m->salt, sizeof(m->salt));
	int code = salt == NULL
	    ? RP_ENOMEM
	    : rp_db_stmt(db,
	          "INSERT INTO vault_meta (id, salt, rounds, check_value, next_id)"
	          " VALUES (1, ?, ?, ?, 1)",
	          &stmt, err);
	if (code == 0) {
		rp_stmt_bind_text(stmt, 1, salt);
		rp_stmt_bind_i64(stmt, 2, m->rounds);
		rp_stmt_bind_text(stmt, 3, m->check);
		code = rp_stmt_run(stmt, err);
	}
	rp_free(salt);
	return code;
}

int rp_vault_store_init(
    struct rp_store *s, const struct rp_vault_meta *m, rp_store_done_cb done, void *ctx)
{
	struct rp_vault_meta *copy = rp_malloc(sizeof(*copy));
	if (copy == NULL) {
		return RP_ENOMEM;
	}
	*copy = *m;
	copy->check = rp_strdup(m->check);
	if (copy->check == NULL) {
		meta_free(copy);
		return RP_ENOMEM;
	}
	const struct rp_store_job job = {
	    .work = init_work, .arg = copy, .free_arg = meta_free, .done = done, .ctx = ctx};
	return rp_store_submit(s, &job);
}

/* Reading */

static int read_row(struct rp_stmt *stmt, void *obj)
{
	struct rp_vault_entry *e = obj;
	e->id = rp_stmt_i64(stmt, 0);
	e->created_at = rp_store_time_read(rp_stmt_text(stmt, 6));
	e->updated_at = rp_store_time_read(rp_stmt_text(stmt, 7));
	bool whole = rp_stmt_copy(stmt, 1, &e->client_id) &&
	    rp_stmt_copy(stmt, 2, &e->required_group) && rp_stmt_copy(stmt, 3, &e->key) &&
	    rp_stmt_copy(stmt, 4, &e->value) && rp_stmt_copy(stmt, 5, &e->type) &&
	    rp_stmt_copy(stmt, 8, &e->created_by) &&
	    (rp_stmt_is_null(stmt, 9) || rp_stmt_copy(stmt, 9, &e->updated_by));
	return whole ? 0 : RP_ENOMEM;
}

#define AROUND_VALUE(value)                                                                   \
	"SELECT id, client_id, required_group, key, " value ", type, created_at, updated_at," \
	" created_by, updated_by FROM vault_values"

const struct rp_listread_spec rp_vault_list = {
    .select = AROUND_VALUE("''"),
    .table = &rp_vault_full_table,
    .read = read_row,
};
const struct rp_listread_spec rp_vault_one = {
    .select = AROUND_VALUE("value"),
    .table = &rp_vault_full_table,
    .read = read_row,
};

/* Sealing */

/* What a value belongs to, unambiguously. */
static int additional(const struct rp_vault_entry *e, struct rp_buf *b)
{
	const char *const parts[] = {e->client_id, e->key, e->required_group, e->type};
	rp_buf_init(b, SIZE_MAX);
	int code = rp_buf_printf(b, "%lld", (long long)e->id);
	for (size_t i = 0; code == 0 && i < RP_ARRAY_LEN(parts); i++) {
		code = rp_buf_add_sstring(b, parts[i], strlen(parts[i]));
	}
	return code;
}

static int seal_value(
    const uint8_t key[static RP_SEAL_KEY], const struct rp_vault_entry *e, char **out)
{
	struct rp_buf aad;
	uint8_t *sealed = NULL;
	size_t n;
	int code = additional(e, &aad);
	code = code != 0
	    ? code
	    : rp_seal(key, rp_str_c(e->value), rp_str_n(rp_buf_head(&aad), aad.len), &sealed, &n);
	rp_buf_fini(&aad);
	*out = code == 0 ? rp_base64(sealed, n) : NULL;
	rp_free(sealed);
	return code == 0 && *out == NULL ? RP_ENOMEM : code;
}

int rp_vault_open_value(const uint8_t key[static RP_SEAL_KEY], const struct rp_vault_entry *e,
    uint8_t **text, size_t *n)
{
	struct rp_buf aad;
	uint8_t *sealed = NULL;
	size_t sealed_n;
	*text = NULL;
	int code = additional(e, &aad);
	code = code != 0 ? code : rp_base64_decode(rp_str_c(e->value), &sealed, &sealed_n);
	code = code != 0 ? code
	                 : rp_unseal(key, rp_str_n(sealed, sealed_n),
	                       rp_str_n(rp_buf_head(&aad), aad.len), text, n);
	rp_buf_fini(&aad);
	rp_free(sealed);
	return code == RP_EINVAL ? RP_EAUTH : code;
}

/* Writing */

struct write {
	uint8_t seal_key[RP_SEAL_KEY];
	struct rp_vault_entry e;
	char *group;
	rp_vault_store_cb cb;

	void *ctx;
};

static void write_free(void *arg)
{
	struct write *w = arg;
	if (w->e.value != NULL) {
		rp_secret_wipe(w->e.value, strlen(w->e.value));
	}
	rp_secret_wipe(w->seal_key, sizeof(w->seal_key));
	rp_json_release(&rp_vault_full_table, &w->e);
	rp_free(w->group);
	rp_free(w);
}

/* What both writes have, in the same order. */
static void bind_common(struct rp_stmt *stmt, const struct rp_vault_entry *e, const char *sealed)
{
	rp_stmt_bind_text(stmt, 1, e->client_id);
	rp_stmt_bind_text(stmt, 2, e->required_group);
	rp_stmt_bind_text(stmt, 3, e->key);
	rp_stmt_bind_text(stmt, 4, sealed);
	rp_stmt_bind_text(stmt, 5, e->type);
	rp_store_bind_time(stmt, 6, e->updated_at);
	rp_stmt_bind_text(stmt, 7, e->updated_by);
	rp_stmt_bind_i64(stmt, 8, e->id);
}

static int insert_sealed(
    struct rp_db *db, const struct rp_vault_entry *e, const char *sealed, struct rp_err *err)
{
	struct rp_stmt *stmt;
	int code = rp_db_stmt(db,
	    "INSERT INTO vault_values (client_id, required_group, key, value, type, updated_at,"
	    " updated_by, id, created_at, created_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	    &stmt, err);
	if (code != 0) {
		return code;
	}
	bind_common(stmt, e, sealed);
	rp_store_bind_time(stmt, 9, e->created_at);
	rp_stmt_bind_text(stmt, 10, e->created_by);
	code = rp_stmt_run(stmt, err);
	return code != 0
	    ? code
	    : rp_db_exec(db, "UPDATE vault_meta SET next_id = next_id + 1 WHERE id = 1", err);
}

static int insert(struct rp_db *db, struct write *w, struct rp_err *err)
{
	char *sealed = NULL;
	int code = rp_store_check_room(
	    db, "SELECT COUNT(*) FROM vault_values", NULL, RP_VAULT_ENTRIES_MAX, err);
	code = code != 0
	    ? code
	    : rp_db_number(db, "SELECT next_id FROM vault_meta WHERE id = 1", NULL, &w->e.id, err);
	code = code != 0 ? code : seal_value(w->seal_key, &w->e, &sealed);
	code = code != 0 ? code : insert_sealed(db, &w->e, sealed, err);
	rp_free(sealed);
	return code;
}

static int update(struct rp_db *db, struct write *w, struct rp_err *err)
{
	struct rp_stmt *stmt;
	char *sealed = NULL;
	int code = seal_value(w->seal_key, &w->e, &sealed);
	code = code != 0
	    ? code
	    : rp_db_stmt(db,
	          "UPDATE vault_values SET client_id = ?, required_group = ?, key = ?, value = ?,"
	          " type = ?, updated_at = ?, updated_by = ? WHERE id = ? AND required_group = ?",
	          &stmt, err);
	if (code == 0) {
		bind_common(stmt, &w->e, sealed);
		rp_stmt_bind_text(stmt, 9, w->group);
		code = rp_stmt_run_on_row(stmt, err);
	}
	rp_free(sealed);
	return code;
}

static int put_work(struct rp_db *db, void *arg, struct rp_err *err)
{
	struct write *w = arg;
	int code = rp_db_begin(db, err);
	code = code != 0 ? code : w->e.id == 0 ? insert(db, w, err) : update(db, w, err);
	code = code != 0 ? code : rp_db_commit(db, err);
	if (code != 0) {
		rp_db_rollback(db);
	}
	return code;
}

static void on_put(void *ctx, int code, const struct rp_err *err)
{
	struct write *w = ctx;
	w->cb(w->ctx, code, w->e.id, err);
}

int rp_vault_store_put(
    struct rp_store *s, const struct rp_vault_write *from, rp_vault_store_cb cb, void *ctx)
{
	struct write *w = rp_calloc(1, sizeof(*w));
	if (w == NULL) {
		return RP_ENOMEM;
	}
	memcpy(w->seal_key, from->seal_key, sizeof(w->seal_key));
	w->cb = cb;
	w->ctx = ctx;
	w->group = rp_strdup(from->group != NULL ? from->group : "");
	if (w->group == NULL || rp_json_clone(&rp_vault_full_table, from->entry, &w->e) != 0) {
		write_free(w);
		return RP_ENOMEM;
	}
	const struct rp_store_job job = {
	    .work = put_work, .arg = w, .free_arg = write_free, .done = on_put, .ctx = w};
	return rp_store_submit(s, &job);
}

static int delete_work(struct rp_db *db, void *arg, struct rp_err *err)
{
	const struct write *w = arg;
	struct rp_stmt *stmt;
	int code = rp_db_stmt(
	    db, "DELETE FROM vault_values WHERE id = ? AND required_group = ?", &stmt, err);
	if (code != 0) {
		return code;
	}
	rp_stmt_bind_i64(stmt, 1, w->e.id);
	rp_stmt_bind_text(stmt, 2, w->group);
	return rp_stmt_run_on_row(stmt, err);
}

int rp_vault_store_delete(
    struct rp_store *s, const struct rp_vault_entry *e, rp_store_done_cb done, void *ctx)
{
	struct write *w = rp_calloc(1, sizeof(*w));
	if (w == NULL) {
		return RP_ENOMEM;
	}
	w->e.id = e->id;
	w->group = rp_strdup(e->required_group);
	if (w->group == NULL) {
		write_free(w);
		return RP_ENOMEM;
	}
	const struct rp_store_job job = {
	    .work = delete_work, .arg = w, .free_arg = write_free, .done = done, .ctx = ctx};
	return rp_store_submit(s, &job);
}
