/* SPDX-License-Identifier: MIT */
/*
 * SQL of the stored_tunnels table.
 */
#include "api/stored_tunnels_store.h"

#include "core/alloc.h"

#include "core/banned.h"

#define F(key, kind)                                                                   \
	{                                                                              \
#key, RP_FIELD_##kind, 0, offsetof(struct rp_stored_tunnel, key), NULL \
	}
#define OWN                                                                                       \
	F(id, STR), F(created_at, TIME), F(name, STR), F(scheme, STR_OPT), F(remote_ip, STR_OPT), \
	    F(remote_port, INT_OPT), F(public_port, INT_OPT), F(acl, STR_OPT),                    \
	    F(further_options, RAW)
static const struct rp_json_field fields[] = {OWN};
static const struct rp_json_field client_fields[] = {
    OWN, F(client_id, STR), F(client_name, STR), F(connection_state, STR)};
const struct rp_json_table rp_stored_tunnel_table = RP_JSON_TABLE(fields, struct rp_stored_tunnel);
const struct rp_json_table rp_stored_tunnel_client_table = RP_JSON_TABLE(
    client_fields, struct rp_stored_tunnel);

/* A column as an owned text, NULL as NULL. False: no memory. */
static bool take_text(struct rp_stmt *stmt, int i, char **out)
{
	return rp_strdup_opt(out, rp_stmt_text(stmt, i));
}

static struct rp_opt_i64 take_int(struct rp_stmt *stmt, int i)
{
	return (struct rp_opt_i64){.set = !rp_stmt_is_null(stmt, i), .v = rp_stmt_i64(stmt, i)};
}

static int read_row(struct rp_stmt *stmt, void *obj)
{
	struct rp_stored_tunnel *t = obj;
	t->created_at = rp_store_time_read(rp_stmt_text(stmt, 1));
	t->remote_port = take_int(stmt, 5);
	t->public_port = take_int(stmt, 6);
	bool whole = take_text(stmt, 0, &t->id) && take_text(stmt, 2, &t->name) &&
	    take_text(stmt, 3, &t->scheme) && take_text(stmt, 4, &t->remote_ip) &&
	    take_text(stmt, 7, &t->acl) && take_text(stmt, 8, &t->further_options);
	return whole ? 0 : RP_ENOMEM;
}

#define CLIENT_ID_COLUMN 9

const char *rp_stored_tunnel_client_of(struct rp_stmt *stmt)
{
	return rp_stmt_text(stmt, CLIENT_ID_COLUMN);
}

static int read_client_row(struct rp_stmt *stmt, void *obj)
{
	struct rp_stored_tunnel *t = obj;
	return take_text(stmt, CLIENT_ID_COLUMN, &t->client_id) ? read_row(stmt, obj) : RP_ENOMEM;
}

#define COLUMNS                                                                   \
	"id, created_at, name, scheme, remote_ip, remote_port, public_port, acl," \
	" further_options"
const struct rp_listread_spec rp_stored_tunnel_list = {
    .select = "SELECT " COLUMNS " FROM stored_tunnels",
    .table = &rp_stored_tunnel_table,
    .read = read_row,
};

static const char *const joined[] = {"client_name", "connection_state", NULL};
const struct rp_listread_spec rp_stored_tunnel_client_list = {
    .select = "SELECT " COLUMNS ", client_id FROM stored_tunnels",
    .in_memory = joined,
    .table = &rp_stored_tunnel_client_table,
    .read = read_client_row,
};

struct write {
	char *client_id;
	struct rp_stored_tunnel t;
};

static void write_free(void *arg)
{
	struct write *w = arg;
	rp_free(w->client_id);
	rp_json_release(&rp_stored_tunnel_table, &w->t);
	rp_free(w);
}

static void bind_port(struct rp_stmt *stmt, int i, struct rp_opt_i64 port)
{
	if (port.set) {
		rp_stmt_bind_i64(stmt, i, port.v);
	} else {
		rp_stmt_bind_null(stmt, i);
	}
}

/* What both writes have, in the same order. */
static void bind_common(struct rp_stmt *stmt, const struct write *w)
{
	const struct rp_stored_tunnel *t = &w->t;
	rp_stmt_bind_text(stmt, 1, t->name);
	rp_stmt_bind_text(stmt, 2, t->scheme);
	rp_stmt_bind_text(stmt, 3, t->remote_ip);
	bind_port(stmt, 4, t->remote_port);
	bind_port(stmt, 5, t->public_port);
	rp_stmt_bind_text(stmt, 6, t->acl);
	rp_stmt_bind_text(stmt, 7, t->further_options);
	rp_stmt_bind_text(stmt, 8, w->client_id);
	rp_stmt_bind_text(stmt, 9, t->id);
}

static int add_work(struct rp_db *db, void *arg, struct rp_err *err)
{
	const struct write *w = arg;
	struct rp_stmt *stmt;
	int code = rp_store_check_room(db,
	    "SELECT COUNT(*) FROM stored_tunnels WHERE client_id = ?", w->client_id,
	    RP_STORED_TUNNELS_MAX, err);
	if (code == 0) {
		code = rp_db_stmt(db,
		    "INSERT INTO stored_tunnels (name, scheme, remote_ip, remote_port, public_port,"
		    " acl, further_options, client_id, id, created_at)"
		    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		    &stmt, err);
	}
	if (code != 0) {
		return code;
	}
	bind_common(stmt, w);
	rp_store_bind_time(stmt, 10, w->t.created_at);
	return rp_stmt_run(stmt, err);
}

static int change_work(struct rp_db *db, void *arg, struct rp_err *err)
{
	const struct write *w = arg;
	struct rp_stmt *stmt;
	int code = rp_db_stmt(db,
	    "UPDATE stored_tunnels SET name = ?, scheme = ?, remote_ip = ?, remote_port = ?,"
	    " public_port = ?, acl = ?, further_options = ? WHERE client_id = ? AND id = ?",
	    &stmt, err);
	if (code != 0) {
		return code;
	}
	bind_common(stmt, w);
	return rp_stmt_run_on_row(stmt, err);
}

static int delete_work(struct rp_db *db, void *arg, struct rp_err *err)
{
	const struct write *w = arg;
	struct rp_stmt *stmt;
	int code = rp_db_stmt(
	    db, "DELETE FROM stored_tunnels WHERE client_id = ? AND id = ?", &stmt, err);
	if (code != 0) {
		return code;
	}
	rp_stmt_bind_text(stmt, 1, w->client_id);
	rp_stmt_bind_text(stmt, 2, w->t.id);
	return rp_stmt_run(stmt, err);
}

/* job: the work, done and its ctx. */
static int submit(struct rp_store *s, const char *client_id, const struct rp_stored_tunnel *t,
    struct rp_store_job *job)
{
	struct write *w = rp_calloc(1, sizeof(*w));
	if (w == NULL) {
		return RP_ENOMEM;
	}
	w->client_id = rp_strdup(client_id);
	if (w->client_id == NULL || rp_json_clone(&rp_stored_tunnel_table, t, &w->t) != 0) {
		rp_free(w->client_id);
		rp_free(w);
		return RP_ENOMEM;
	}
	job->arg = w;
	job->free_arg = write_free;
	return rp_store_submit(s, job);
}

int rp_stored_tunnel_add(struct rp_store *s, const char *client_id,
    const struct rp_stored_tunnel *t, rp_store_done_cb done, void *ctx)
{
	struct rp_store_job job = {.work = add_work, .done = done, .ctx = ctx};
	return submit(s, client_id, t, &job);
}

int rp_stored_tunnel_change(struct rp_store *s, const char *client_id,
    const struct rp_stored_tunnel *t, rp_store_done_cb done, void *ctx)
{
	struct rp_store_job job = {.work = change_work, .done = done, .ctx = ctx};
	return submit(s, client_id, t, &job);
}

int rp_stored_tunnel_delete(
    struct rp_store *s, const char *client_id, const char *id, rp_store_done_cb done, void *ctx)
{
	const struct rp_stored_tunnel t = {.id = (char *)(uintptr_t)id};
	struct rp_store_job job = {.work = delete_work, .done = done, .ctx = ctx};
	return submit(s, client_id, &t, &job);
}
