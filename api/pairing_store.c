/* SPDX-License-Identifier: MIT */
/*
 * SQL of the pairings table.
 */
#include "api/pairing_store.h"

#include "core/alloc.h"
#include "core/clock.h"

#include "core/banned.h"

#define DELETE_ONE "DELETE FROM pairings WHERE id = ?"
#define COLUMNS                                                                                \
	"id, proof_hash, sealed, api_url, connect_url, client_auth_id, own_auth, created_by, " \
	"created_at, expires_at, uses, used"

#define F(key, kind)                                                             \
	{                                                                        \
#key, RP_FIELD_##kind, 0, offsetof(struct rp_pairing, key), NULL \
	}
static const struct rp_json_field fields[] = {
    F(id, STR),
    F(created_by, STR),
    F(created_at, TIME),
    F(expires_at, TIME),
    F(uses, INT),
    F(used, INT),
    F(client_auth_id, STR),
    F(connect_url, STR),
};
const struct rp_json_table rp_pairing_table = RP_JSON_TABLE(fields, struct rp_pairing);

void rp_pairing_fini(struct rp_pairing *p)
{
	rp_free(p->id);
	rp_free(p->proof_hash);
	rp_free(p->sealed);
	rp_free(p->api_url);
	rp_free(p->connect_url);
	rp_free(p->client_auth_id);
	rp_free(p->created_by);
	*p = (struct rp_pairing){0};
}

/* One piece of work with what it is asked for and what it finds. */
struct op {
	struct rp_pairing new;
	char *id;
	char *proof_hash;
	struct rp_pairing_list found;
	rp_pairing_list_cb cb;
	void *ctx;
};

static void op_free(void *arg)
{
	struct op *op = arg;
	for (size_t i = 0; i < op->found.n; i++) {
		rp_pairing_fini(&op->found.v[i]);
	}
	rp_free(op->found.v);
	rp_pairing_fini(&op->new);
	rp_free(op->id);
	rp_free(op->proof_hash);
	rp_free(op);
}

static int take_row(struct op *op, struct rp_stmt *stmt)
{
	struct rp_pairing *v = rp_reallocarray(op->found.v, op->found.n + 1, sizeof(*op->found.v));
	if (v == NULL) {
		return RP_ENOMEM;
	}
	op->found.v = v;
	struct rp_pairing *p = &v[op->found.n++];
	*p = (struct rp_pairing){
	    .own_auth = rp_stmt_i64(stmt, 6) != 0,
	    .created_at = rp_store_time_read(rp_stmt_text(stmt, 8)),
	    .expires_at = rp_store_time_read(rp_stmt_text(stmt, 9)),
	    .uses = rp_stmt_i64(stmt, 10),
	    .used = rp_stmt_i64(stmt, 11),
	};
	bool whole = rp_stmt_copy(stmt, 0, &p->id) && rp_stmt_copy(stmt, 1, &p->proof_hash) &&
	    rp_stmt_copy(stmt, 2, &p->sealed) && rp_stmt_copy(stmt, 3, &p->api_url) &&
	    rp_stmt_copy(stmt, 4, &p->connect_url) && rp_stmt_copy(stmt, 5, &p->client_auth_id) &&
	    rp_stmt_copy(stmt, 7, &p->created_by);
	return whole ? 0 : RP_ENOMEM;
}

static int read_rows(struct op *op, struct rp_stmt *stmt, struct rp_err *err)
{
	int code;
	while ((code = rp_stmt_step(stmt, err)) == 1) {
		code = take_row(op, stmt);
		if (code != 0) {
			rp_stmt_reset(stmt);
			return code;
		}
	}
	return code;
}

/* Adding */

static int take_ended(struct rp_db *db, struct op *op, struct rp_err *err)
{
	struct rp_stmt *stmt;
	int code = rp_db_stmt(
	    db, "SELECT " COLUMNS " FROM pairings WHERE expires_at <= ?", &stmt, err);
	if (code != 0) {
		return code;
	}
	rp_store_bind_time(stmt, 1, op->new.created_at);
	code = read_rows(op, stmt, err);
	for (size_t i = 0; code == 0 && i < op->found.n; i++) {
		code = rp_db_run_with(db, DELETE_ONE, op->found.v[i].id, err);
	}
	return code;
}

static int insert(struct rp_db *db, const struct rp_pairing *p, struct rp_err *err)
{
	struct rp_stmt *stmt;
	int code = rp_db_stmt(db,
	    "INSERT INTO pairings (" COLUMNS ", tries)"
	    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
	    &stmt, err);
	if (code != 0) {
		return code;
	}
	rp_stmt_bind_text(stmt, 1, p->id);
	rp_stmt_bind_text(stmt, 2, p->proof_hash);
	rp_stmt_bind_text(stmt, 3, p->sealed);
	rp_stmt_bind_text(stmt, 4, p->api_url);
	rp_stmt_bind_text(stmt, 5, p->connect_url);
	rp_stmt_bind_text(stmt, 6, p->client_auth_id);
	rp_stmt_bind_i64(stmt, 7, p->own_auth ? 1 : 0);
	rp_stmt_bind_text(stmt, 8, p->created_by);
	rp_store_bind_time(stmt, 9, p->created_at);
	rp_store_bind_time(stmt, 10, p->expires_at);
	rp_stmt_bind_i64(stmt, 11, p->uses);
	rp_stmt_bind_i64(stmt, 12, p->used);
	return rp_stmt_run(stmt, err);
}

static int add_work(struct rp_db *db, void *arg, struct rp_err *err)
{
	struct op *op = arg;
	int code = rp_db_begin(db, err);
	if (code != 0) {
		return code;
	}
	code = take_ended(db, op, err);
	code = code != 0
	    ? code
	    : rp_store_check_room(db, "SELECT COUNT(*) FROM pairings", NULL, RP_PAIRINGS_MAX, err);
	code = code != 0 ? code : insert(db, &op->new, err);
	code = code != 0 ? code : rp_db_commit(db, err);
	if (code != 0) {
		rp_db_rollback(db);
	}
	return code;
}

/* Finding, removing, using */

static int select_open(struct rp_db *db, struct op *op, struct rp_err *err)
{
	struct rp_stmt *stmt;
	int code = rp_db_stmt(db,
	    op->id != NULL ? "SELECT " COLUMNS " FROM pairings WHERE expires_at > ? AND id = ?"
	                   : "SELECT " COLUMNS
	                     " FROM pairings WHERE expires_at > ? ORDER BY created_at, id",
	    &stmt, err);
	if (code != 0) {
		return code;
	}
	rp_store_bind_time(stmt, 1, rp_time_now());
	if (op->id != NULL) {
		rp_stmt_bind_text(stmt, 2, op->id);
	}
	return read_rows(op, stmt, err);
}

static int find_work(struct rp_db *db, void *arg, struct rp_err *err)
{
	return select_open(db, arg, err);
}

static int remove_work(struct rp_db *db, void *arg, struct rp_err *err)
{
	struct op *op = arg;
	int code = select_open(db, op, err);
	if (code != 0) {
		return code;
	}
	return op->found.n == 0 ? RP_ENOENT : rp_db_run_with(db, DELETE_ONE, op->id, err);
}

static int refuse_proof(struct rp_db *db, struct op *op, struct rp_err *err)
{
	struct rp_stmt *stmt;
	int code = rp_db_run_with(
	    db, "UPDATE pairings SET tries = tries + 1 WHERE id = ?", op->id, err);
	code = code != 0
	    ? code
	    : rp_db_stmt(db, "DELETE FROM pairings WHERE id = ? AND tries >= ?", &stmt, err);
	if (code != 0) {
		return code;
	}
	rp_stmt_bind_text(stmt, 1, op->id);
	rp_stmt_bind_i64(stmt, 2, RP_PAIRING_TRIES_MAX);
	code = rp_stmt_run(stmt, err);
	return code != 0 ? code : RP_EAUTH;
}

static int use_work(struct rp_db *db, void *arg, struct rp_err *err)
{
	struct op *op = arg;
	int code = select_open(db, op, err);
	if (code != 0) {
		return code;
	}
	if (op->found.n == 0) {
		return RP_ENOENT;
	}
	if (!rp_secret_str_eq(op->found.v[0].proof_hash, op->proof_hash)) {
		return refuse_proof(db, op, err);
	}
	if (op->found.v[0].used >= op->found.v[0].uses) {
		return RP_ENOENT;
	}
	return rp_db_run_with(db, "UPDATE pairings SET used = used + 1 WHERE id = ?", op->id, err);
}

static void on_done(void *ctx, int code, const struct rp_err *err)
{
	struct op *op = ctx;
	op->cb(op->ctx, code, &op->found, err);
}

static struct op *op_new(const char *id, const char *proof_hash, rp_pairing_list_cb cb, void *ctx)
{
	struct op *op = rp_calloc(1, sizeof(*op));
	if (op == NULL) {
		return NULL;
	}
	*op = (struct op){.cb = cb, .ctx = ctx};
	op->id = id == NULL ? NULL : rp_strdup(id);
	op->proof_hash = proof_hash == NULL ? NULL : rp_strdup(proof_hash);
	if ((id != NULL && op->id == NULL) || (proof_hash != NULL && op->proof_hash == NULL)) {
		op_free(op);
		return NULL;
	}
	return op;
}

static int submit(struct rp_store *store, struct op *op,
    int (*work)(struct rp_db *db, void *arg, struct rp_err *err))
{
	const struct rp_store_job job = {
	    .work = work, .arg = op, .free_arg = op_free, .done = on_done, .ctx = op};
	return op == NULL ? RP_ENOMEM : rp_store_submit(store, &job);
}

static bool copy_text(const char *text, char **out)
{
	*out = rp_strdup(text);
	return *out != NULL;
}

int rp_pairing_add(
    struct rp_store *store, const struct rp_pairing *p, rp_pairing_list_cb cb, void *ctx)
{
	struct op *op = op_new(NULL, NULL, cb, ctx);
	if (op == NULL) {
		return RP_ENOMEM;
	}
	op->new = (struct rp_pairing){
	    .own_auth = p->own_auth,
	    .created_at = p->created_at,
	    .expires_at = p->expires_at,
	    .uses = p->uses,
	    .used = p->used,
	};
	if (!copy_text(p->id, &op->new.id) || !copy_text(p->proof_hash, &op->new.proof_hash) ||
	    !copy_text(p->sealed, &op->new.sealed) || !copy_text(p->api_url, &op->new.api_url) ||
	    !copy_text(p->connect_url, &op->new.connect_url) ||
	    !copy_text(p->client_auth_id, &op->new.client_auth_id) ||
	    !copy_text(p->created_by, &op->new.created_by)) {
		op_free(op);
		return RP_ENOMEM;
	}
	return submit(store, op, add_work);
}

int rp_pairing_find(struct rp_store *store, const char *id, rp_pairing_list_cb cb, void *ctx)
{
	return submit(store, op_new(id, NULL, cb, ctx), find_work);
}

int rp_pairing_remove(struct rp_store *store, const char *id, rp_pairing_list_cb cb, void *ctx)
{
	return submit(store, op_new(id, NULL, cb, ctx), remove_work);
}

int rp_pairing_use(struct rp_store *store, const char *id, const char *proof_hash,
    rp_pairing_list_cb cb, void *ctx)
{
	return submit(store, op_new(id, proof_hash, cb, ctx), use_work);
}
