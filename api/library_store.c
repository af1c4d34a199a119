/* SPDX-License-Identifier: MIT */
/*
 * SQL of library_commands and library_scripts: the same columns in the same order, the scripts with
 * some more.
 */
#include "api/library_store.h"

#include "core/alloc.h"

#include "core/banned.h"

#define F(key, kind, member)                                                             \
	{                                                                                \
		key, RP_FIELD_##kind, 0, offsetof(struct rp_library_entry, member), NULL \
	}
static const struct rp_json_field command_fields[] = {
    F("id", STR, id),
    F("name", STR, name),
    F("created_by", STR, created_by),
    F("created_at", TIME, created_at),
    F("updated_by", STR, updated_by),
    F("updated_at", TIME, updated_at),
    F("cmd", STR, text),
    F("tags", RAW, tags),
    F("timeout_sec", INT, timeout_sec),
};
static const struct rp_json_field script_fields[] = {
    F("id", STR, id),
    F("name", STR, name),
    F("created_by", STR, created_by),
    F("created_at", TIME, created_at),
    F("updated_by", STR, updated_by),
    F("updated_at", TIME, updated_at),
    F("interpreter", STR, interpreter),
    F("is_sudo", BOOL, is_sudo),
    F("cwd", STR, cwd),
    F("script", STR, text),
    F("tags", RAW, tags),
    F("timeout_sec", INT, timeout_sec),
};
static const struct rp_json_table tables[] = {
    [RP_LIBRARY_COMMANDS] = RP_JSON_TABLE(command_fields, struct rp_library_entry),
    [RP_LIBRARY_SCRIPTS] = RP_JSON_TABLE(script_fields, struct rp_library_entry),
};

struct texts {
	const char *select_one;
	const char *count;
	const char *insert;
	const char *update;
	const char *remove;
};

#define COMMAND_SELECT                                                                 \
	"SELECT id, name, created_by, created_at, updated_by, updated_at, cmd, tags, " \
	"timeout_sec FROM library_commands"
#define SCRIPT_SELECT                                                                     \
	"SELECT id, name, created_by, created_at, updated_by, updated_at, script, tags, " \
	"timeout_sec, interpreter, is_sudo, cwd FROM library_scripts"

static const struct texts texts[] = {
    [RP_LIBRARY_COMMANDS] =
        {
            .select_one = COMMAND_SELECT " WHERE id = ?",
            .count = "SELECT COUNT(*) FROM library_commands",
            .insert = "INSERT INTO library_commands (name, updated_by, updated_at, cmd, tags,"
                      " timeout_sec, id, created_by, created_at)"
                      " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            .update = "UPDATE library_commands SET name = ?, updated_by = ?, updated_at = ?,"
                      " cmd = ?, tags = ?, timeout_sec = ? WHERE id = ?",
            .remove = "DELETE FROM library_commands WHERE id = ?",
        },
    [RP_LIBRARY_SCRIPTS] =
        {
            .select_one = SCRIPT_SELECT " WHERE id = ?",
            .count = "SELECT COUNT(*) FROM library_scripts",
            .insert = "INSERT INTO library_scripts (name, updated_by, updated_at, script, tags,"
                      " timeout_sec, interpreter, is_sudo, cwd, id, created_by, created_at)"
                      " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            .update = "UPDATE library_scripts SET name = ?, updated_by = ?, updated_at = ?,"
                      " script = ?, tags = ?, timeout_sec = ?, interpreter = ?, is_sudo = ?,"
                      " cwd = ? WHERE id = ?",
            .remove = "DELETE FROM library_scripts WHERE id = ?",
        },
};

const struct rp_json_table *rp_library_table(enum rp_library lib)
{
	return &tables[lib];
}

/* Reading */

static int read_command(struct rp_stmt *stmt, void *obj)
{
	struct rp_library_entry *e = obj;
	const char *tags = rp_stmt_text(stmt, 7);
	e->tags = tags == NULL ? NULL : rp_strdup(tags);
	e->created_at = rp_store_time_read(rp_stmt_text(stmt, 3));
	e->updated_at = rp_store_time_read(rp_stmt_text(stmt, 5));
	e->timeout_sec = rp_stmt_i64(stmt, 8);
	bool whole = rp_stmt_copy(stmt, 0, &e->id) && rp_stmt_copy(stmt, 1, &e->name) &&
	    rp_stmt_copy(stmt, 2, &e->created_by) && rp_stmt_copy(stmt, 4, &e->updated_by) &&
	    rp_stmt_copy(stmt, 6, &e->text);
	return whole ? 0 : RP_ENOMEM;
}

static int read_script(struct rp_stmt *stmt, void *obj)
{
	struct rp_library_entry *e = obj;
	e->is_sudo = rp_stmt_i64(stmt, 10) != 0;
	bool whole = rp_stmt_copy(stmt, 9, &e->interpreter) && rp_stmt_copy(stmt, 11, &e->cwd);
	return whole ? read_command(stmt, obj) : RP_ENOMEM;
}

static const char *const in_memory[] = {"tags", NULL};
static const struct rp_listread_spec lists[] = {
    [RP_LIBRARY_COMMANDS] =
        {
            .select = COMMAND_SELECT,
            .in_memory = in_memory,
            .table = &tables[RP_LIBRARY_COMMANDS],
            .read = read_command,
        },
    [RP_LIBRARY_SCRIPTS] =
        {
            .select = SCRIPT_SELECT,
            .in_memory = in_memory,
            .table = &tables[RP_LIBRARY_SCRIPTS],
            .read = read_script,
        },
};

const struct rp_listread_spec *rp_library_store_list(enum rp_library lib)
{
	return &lists[lib];
}

/* Writing */

struct write {
	enum rp_library lib;
	struct rp_library_entry e; /* then as it is stored */
	rp_library_cb cb;
	void *ctx;
};

static void write_free(void *arg)
{
	struct write *w = arg;
	/* The scripts' table has all members. */
	rp_json_release(&tables[RP_LIBRARY_SCRIPTS], &w->e);
	rp_free(w);
}

/* What both writes have, in the same order. Returns the place behind it. */
static int bind_common(struct rp_stmt *stmt, const struct write *w)
{
	const struct rp_library_entry *e = &w->e;
	int i = 0;
	rp_stmt_bind_text(stmt, ++i, e->name);
	rp_stmt_bind_text(stmt, ++i, e->updated_by);
	rp_store_bind_time(stmt, ++i, e->updated_at);
	rp_stmt_bind_text(stmt, ++i, e->text);
	rp_stmt_bind_text(stmt, ++i, e->tags);
	rp_stmt_bind_i64(stmt, ++i, e->timeout_sec);
	if (w->lib == RP_LIBRARY_SCRIPTS) {
		rp_stmt_bind_text(stmt, ++i, e->interpreter);
		rp_stmt_bind_i64(stmt, ++i, e->is_sudo);
		rp_stmt_bind_text(stmt, ++i, e->cwd);
	}
	rp_stmt_bind_text(stmt, ++i, e->id);
	return i + 1;
}

static int add_work(struct rp_db *db, void *arg, struct rp_err *err)
{
	const struct write *w = arg;
	struct rp_stmt *stmt;
	int code = rp_store_check_room(db, texts[w->lib].count, NULL, RP_LIBRARY_MAX, err);
	code = code != 0 ? code : rp_db_stmt(db, texts[w->lib].insert, &stmt, err);
	if (code != 0) {
		return code;
	}
	int i = bind_common(stmt, w);
	rp_stmt_bind_text(stmt, i, w->e.created_by);
	rp_store_bind_time(stmt, i + 1, w->e.created_at);
	return rp_stmt_run(stmt, err);
}

static int update_row(struct rp_db *db, const struct write *w, struct rp_err *err)
{
	struct rp_stmt *stmt;
	int code = rp_db_stmt(db, texts[w->lib].update, &stmt, err);
	if (code != 0) {
		return code;
	}
	(void)bind_common(stmt, w);
	return rp_stmt_run_on_row(stmt, err);
}

/* With what stays as it was, for the answer. */
static int change_work(struct rp_db *db, void *arg, struct rp_err *err)
{
	struct write *w = arg;
	struct rp_stmt *stmt;
	int code = update_row(db, w, err);
	code = code != 0 ? code : rp_db_stmt(db, texts[w->lib].select_one, &stmt, err);
	if (code != 0) {
		return code;
	}
	rp_stmt_bind_text(stmt, 1, w->e.id);
	code = rp_stmt_step(stmt, err);
	if (code != 1) {
		return code < 0 ? code : RP_ENOENT;
	}
	rp_json_release(&tables[RP_LIBRARY_SCRIPTS], &w->e);
	code = lists[w->lib].read(stmt, &w->e);
	rp_stmt_reset(stmt);
	return code;
}

static void on_written(void *ctx, int code, const struct rp_err *err)
{
	struct write *w = ctx;
	w->cb(w->ctx, code, code == 0 ? &w->e : NULL, err);
}

static int submit(
    struct rp_store *s, struct write *w, int (*work)(struct rp_db *, void *, struct rp_err *))
{
	const struct rp_store_job job = {
	    .work = work,
	    .arg = w,
	    .free_arg = write_free,
	    .done = on_written,
	    .ctx = w,
	};
	return rp_store_submit(s, &job);
}

/* NULL: no memory. */
static struct write *write_new(
    enum rp_library lib, const struct rp_library_entry *e, rp_library_cb cb, void *ctx)
{
	struct write *w = rp_calloc(1, sizeof(*w));
	if (w == NULL) {
		return NULL;
	}
	*w = (struct write){.lib = lib, .cb = cb, .ctx = ctx};
	if (rp_json_clone(&tables[RP_LIBRARY_SCRIPTS], e, &w->e) != 0) {
		rp_free(w);
		return NULL;
	}
	return w;
}

int rp_library_store_add(struct rp_store *s, enum rp_library lib, const struct rp_library_entry *e,
    rp_library_cb cb, void *ctx)
{
	struct write *w = write_new(lib, e, cb, ctx);
	return w == NULL ? RP_ENOMEM : submit(s, w, add_work);
}

int rp_library_store_change(struct rp_store *s, enum rp_library lib,
    const struct rp_library_entry *e, rp_library_cb cb, void *ctx)
{
	struct write *w = write_new(lib, e, cb, ctx);
	return w == NULL ? RP_ENOMEM : submit(s, w, change_work);
}

/* Deleting */

struct removal {
	enum rp_library lib;
	char *id;
};

static void removal_free(void *arg)
{
	struct removal *d = arg;
	rp_free(d->id);
	rp_free(d);
}

static int delete_work(struct rp_db *db, void *arg, struct rp_err *err)
{
	const struct removal *d = arg;
	struct rp_stmt *stmt;
	int code = rp_db_stmt(db, texts[d->lib].remove, &stmt, err);
	if (code != 0) {
		return code;
	}
	rp_stmt_bind_text(stmt, 1, d->id);
	return rp_stmt_run_on_row(stmt, err);
}

int rp_library_store_delete(
    struct rp_store *s, enum rp_library lib, const char *id, rp_store_done_cb done, void *ctx)
{
	struct removal *d = rp_calloc(1, sizeof(*d));
	if (d == NULL) {
		return RP_ENOMEM;
	}
	*d = (struct removal){.lib = lib, .id = rp_strdup(id)};
	const struct rp_store_job job = {
	    .work = delete_work,
	    .arg = d,
	    .free_arg = removal_free,
	    .done = done,
	    .ctx = ctx,
	};
	if (d->id == NULL) {
		rp_free(d);
		return RP_ENOMEM;
	}
	return rp_store_submit(s, &job);
}
