/* SPDX-License-Identifier: MIT */
/*
 * SQL of the table with credentials of clients: columns id and password, in a database that the
 * administrator made and others may write. Nothing of it is kept in memory. Workers ask over a
 * connection of their own, so that a login does not wait for a write of the API.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/db.h"
#include "core/log.h"
#include "server/clientauth_int.h"

#include "core/banned.h"

#define COMPONENT "client-auth"
#define SQL_MAX   256

struct table {
	pthread_mutex_t lock; /* asking */
	struct rp_db *asking;
	struct rp_db *changing;
	char select_one[SQL_MAX];
	char select_all[SQL_MAX];
	char insert[SQL_MAX];
	char remove[SQL_MAX];
};

static bool check(void *self, const char *id, const char *password)
{
	struct table *t = self;
	struct rp_stmt *s;
	struct rp_err err = {0};
	const char *want = NULL;
	pthread_mutex_lock(&t->lock);
	int code = rp_db_stmt(t->asking, t->select_one, &s, &err);
	if (code == 0) {
		rp_stmt_bind_text(s, 1, id);
		code = rp_stmt_step(s, &err);
		want = code == 1 ? rp_stmt_text(s, 1) : NULL;
	}
	bool filled = want != NULL && want[0] != '\0' && id[0] != '\0';
	bool equal = rp_clientauth_equal(want, password) && filled;
	if (code == 1) {
		rp_stmt_reset(s);
	}
	pthread_mutex_unlock(&t->lock);
	if (code < 0) {
		rp_log_error(COMPONENT, "auth_table: %s", err.msg);
	}
	return equal;
}

static int list(void *self, const char *id, struct rp_clientauth_list *out, struct rp_err *err)
{
	struct table *t = self;
	struct rp_stmt *s;
	int code = rp_db_stmt(t->changing, id == NULL ? t->select_all : t->select_one, &s, err);
	if (code != 0) {
		return code;
	}
	if (id != NULL) {
		rp_stmt_bind_text(s, 1, id);
	}
	while ((code = rp_stmt_step(s, err)) == 1) {
		const char *name = rp_stmt_text(s, 0);
		const char *password = rp_stmt_text(s, 1);
		if (name == NULL || password == NULL) {
			continue;
		}
		code = rp_clientauth_list_add(out, name, password);
		if (code != 0) {
			rp_stmt_reset(s);
			return rp_err_set(err, code, "auth_table: %s", rp_err_text(code));
		}
	}
	return code;
}

/* The table of the administrator may lack a unique key. */
static int exists(struct table *t, const char *id, struct rp_err *err)
{
	struct rp_stmt *s;
	int code = rp_db_stmt(t->changing, t->select_one, &s, err);
	if (code != 0) {
		return code;
	}
	rp_stmt_bind_text(s, 1, id);
	code = rp_stmt_step(s, err);
	rp_stmt_reset(s);
	return code;
}

static int insert(struct table *t, const struct rp_clientauth_pair *pair, struct rp_err *err)
{
	struct rp_stmt *s;
	int code = exists(t, pair->id, err);
	if (code != 0) {
		return code == 1 ? rp_err_set(err, RP_EEXIST, "there is such an id") : code;
	}
	code = rp_db_stmt(t->changing, t->insert, &s, err);
	if (code != 0) {
		return code;
	}
	rp_stmt_bind_text(s, 1, pair->id);
	rp_stmt_bind_text(s, 2, pair->password);
	return rp_stmt_run(s, err);
}

static int add(void *self, const struct rp_clientauth_pair *pair, struct rp_err *err)
{
	struct table *t = self;
	int code = rp_db_begin(t->changing, err);
	if (code != 0) {
		return code;
	}
	code = insert(t, pair, err);
	if (code != 0) {
		rp_db_rollback(t->changing);
		return code;
	}
	return rp_db_commit(t->changing, err);
}

static int remove_id(void *self, const char *id, struct rp_err *err)
{
	struct table *t = self;
	int code = rp_db_run_with(t->changing, t->remove, id, err);
	if (code == 0 && rp_db_changes(t->changing) == 0) {
		return rp_err_set(err, RP_ENOENT, "there is no such id");
	}
	return code;
}

static void table_free(void *self)
{
	struct table *t = self;
	rp_db_close(t->asking);
	rp_db_close(t->changing);
	pthread_mutex_destroy(&t->lock);
	rp_free(t);
}

static const struct rp_clientauth_source source = {
    .name = "DB",
    .check = check,
    .list = list,
    .add = add,
    .remove = remove_id,
    .free = table_free,
};

static void write_statements(struct table *t, const char *name)
{
	(void)snprintf(t->select_one, SQL_MAX,
	    "SELECT \"id\", \"password\" FROM \"%s\" WHERE \"id\" = ?", name);
	(void)snprintf(t->select_all, SQL_MAX, "SELECT \"id\", \"password\" FROM \"%s\"", name);
	(void)snprintf(
	    t->insert, SQL_MAX, "INSERT INTO \"%s\" (\"id\", \"password\") VALUES (?, ?)", name);
	(void)snprintf(t->remove, SQL_MAX, "DELETE FROM \"%s\" WHERE \"id\" = ?", name);
}

int rp_clientauth_table(
    const char *file, const char *table, struct rp_clientauth **out, struct rp_err *err)
{
	struct rp_stmt *s;
	if (!rp_db_name_ok(table)) {
		return rp_err_set(err, RP_EINVAL,
		    "auth_table: the name of a table has letters, digits and '_' only");
	}
	struct table *t = rp_calloc(1, sizeof(*t));
	if (t == NULL) {
		return rp_err_no_memory(err);
	}
	pthread_mutex_init(&t->lock, NULL);
	write_statements(t, table);
	int code = rp_db_open_existing(&t->asking, file, err);
	code = code != 0 ? code : rp_db_open_existing(&t->changing, file, err);
	code = code != 0 ? rp_err_wrap(err, "[database] db_name")
	                 : rp_db_stmt(t->asking, t->select_one, &s, err);
	if (code != 0) {
		table_free(t);
		return rp_err_wrap(err, "auth_table");
	}
	return rp_clientauth_new(&source, t, out, err);
}
