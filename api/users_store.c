/* SPDX-License-Identifier: MIT */
/*
 * Users in tables of a database that the administrator made (rport-config 4.1):
 * users(username, password, password_expired, two_fa_send_to, totp_secret), the last two only
 * needed when a second factor is configured; groups(username, group); and, if configured, details
 * of groups (name, permissions as JSON). Others may change them at any time.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "acl/authorize.h"
#include "api/users_source.h"
#include "core/alloc.h"
#include "core/crypto.h"
#include "core/db.h"
#include "core/jsonw.h"
#include "server/send_to.h"

#include "core/banned.h"

#define SQL_MAX         512
#define PERMISSIONS_MAX 4096
#define UNKNOWN         (-1)

struct tables {
	struct rp_db *db;
	const struct rp_conf_api *names;
	bool send_to; /* the columns are there */
	bool totp;
	bool details;
	int64_t version; /* of the data when it was read last, or UNKNOWN */
};

/* A statement with names of tables in it, which were checked at the start. */
static int stmt(struct tables *t, struct rp_stmt **out, struct rp_err *err, const char *fmt, ...)
    RP_PRINTF(4, 5);
static int stmt(struct tables *t, struct rp_stmt **out, struct rp_err *err, const char *fmt, ...)
{
	char sql[SQL_MAX];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(sql, sizeof(sql), fmt, ap);
	va_end(ap);
	RP_VERIFY(n > 0 && (size_t)n < sizeof(sql));
	return rp_db_stmt(t->db, sql, out, err);
}

/* --- reading --- */

static int take_user(struct rp_stmt *s, struct rp_userset *out)
{
	struct rp_user user = {.password_expired = rp_stmt_i64(s, 2) != 0};
	bool full = rp_stmt_copy(s, 0, &user.username) && rp_stmt_copy(s, 1, &user.password) &&
	    rp_stmt_copy(s, 3, &user.two_fa_send_to) && rp_stmt_copy(s, 4, &user.totp_secret);
	if (full && user.username[0] != '\0') {
		return rp_userset_take(out, &user);
	}
	rp_json_release(&rp_user_table, &user); /* nobody can be called by an empty name */
	return full ? 0 : RP_ENOMEM;
}

static int take_member(struct rp_stmt *s, struct rp_userset *out)
{
	const char *name = rp_stmt_text(s, 0);
	const char *group = rp_stmt_text(s, 1);
	struct rp_user *user = name == NULL ? NULL : rp_userset_find(out, name);
	if (user == NULL || group == NULL || group[0] == '\0') {
		return 0;
	}
	return rp_strlist_add(&user->groups, rp_str_c(group));
}

static int read_permissions(const char *text, unsigned *permissions, struct rp_err *err)
{
	struct rp_json *j = NULL;
	*permissions = 0;
	if (text == NULL || text[0] == '\0') {
		return 0;
	}
	int code = rp_json_parse(text, strlen(text), &j, err);
	for (unsigned i = 0; code == 0 && i < RP_PERMISSIONS; i++) {
		if (rp_json_true(rp_json_get(j, rp_permission_name(i)))) {
			*permissions |= 1u << i;
		}
	}
	rp_json_free(j);
	return code;
}

static int read_users(struct tables *t, struct rp_userset *out, struct rp_err *err)
{
	struct rp_stmt *s;
	const char *twice;
	int code = stmt(t, &s, err,
	    "SELECT \"username\", \"password\", \"password_expired\", %s, %s FROM \"%s\""
	    " ORDER BY \"username\"",
	    t->send_to ? "\"two_fa_send_to\"" : "''", t->totp ? "\"totp_secret\"" : "''",
	    t->names->auth_user_table);
	while (code == 0 && (code = rp_stmt_step(s, err)) == 1) {
		code = take_user(s, out);
		if (code != 0) {
			rp_stmt_reset(s);
			return rp_err_set(err, code, "%s", rp_err_text(code));
		}
	}
	if (code != 0) {
		return code;
	}
	code = rp_userset_sort(out, &twice);
	if (code == RP_EEXIST) {
		return rp_err_set(err, RP_EINVAL, "table %s: user \"%s\" stands there twice",
		    t->names->auth_user_table, twice);
	}
	return code == 0 ? 0 : rp_err_set(err, code, "%s", rp_err_text(code));
}

static int read_members(struct tables *t, struct rp_userset *out, struct rp_err *err)
{
	struct rp_stmt *s;
	int code = stmt(t, &s, err,
	    "SELECT \"username\", \"group\" FROM \"%s\" ORDER BY \"username\", \"group\"",
	    t->names->auth_group_table);
	while (code == 0 && (code = rp_stmt_step(s, err)) == 1) {
		code = take_member(s, out);
		if (code != 0) {
			rp_stmt_reset(s);
			return rp_err_set(err, code, "%s", rp_err_text(code));
		}
	}
	return code;
}

static int take_details(
    struct tables *t, struct rp_stmt *s, struct rp_userset *out, struct rp_err *err)
{
	const char *name = rp_stmt_text(s, 0);
	unsigned permissions;
	if (name == NULL || name[0] == '\0') {
		return 0;
	}
	int code = read_permissions(rp_stmt_text(s, 1), &permissions, err);
	if (code != 0) {
		return rp_err_wrap(err, "table %s: permissions of group \"%s\"",
		    t->names->auth_group_details_table, name);
	}
	code = rp_userset_group_put(out, name, permissions);
	return code == 0 ? 0 : rp_err_set(err, code, "%s", rp_err_text(code));
}

static int read_details(struct tables *t, struct rp_userset *out, struct rp_err *err)
{
	struct rp_stmt *s;
	int code = stmt(t, &s, err,
	    "SELECT \"name\", \"permissions\" FROM \"%s\" ORDER BY \"name\"",
	    t->names->auth_group_details_table);
	while (code == 0 && (code = rp_stmt_step(s, err)) == 1) {
		code = take_details(t, s, out, err);
		if (code != 0) {
			rp_stmt_reset(s);
			return code;
		}
	}
	return code;
}

static void unlock(void *self)
{
	struct tables *t = self;
	/* What was read under the lock is thrown away. */
	t->version = UNKNOWN;
	rp_db_rollback(t->db);
}

static int load(void *self, bool lock, struct rp_userset *out, struct rp_err *err)
{
	struct tables *t = self;
	int code = lock ? rp_db_begin(t->db, err) : rp_db_exec(t->db, "BEGIN", err);
	if (code != 0) {
		return code;
	}
	code = rp_db_data_version(t->db, &t->version, err);
	code = code != 0 ? code : read_users(t, out, err);
	code = code != 0 ? code : read_members(t, out, err);
	code = code != 0 || !t->details ? code : read_details(t, out, err);
	if (code != 0) {
		unlock(t);
		return code;
	}
	if (!lock) {
		rp_db_rollback(t->db);
	}
	return 0;
}

static int changed(void *self, struct rp_err *err)
{
	struct tables *t = self;
	int64_t version;
	int code = rp_db_data_version(t->db, &version, err);
	if (code != 0) {
		return code;
	}
	return t->version == UNKNOWN || t->version != version;
}

/* --- writing --- */

static int need_column(
    struct tables *t, bool there, const char *value, const char *column, struct rp_err *err)
{
	if (there || value == NULL || value[0] == '\0') {
		return 0;
	}
	return rp_err_set(err, RP_EUNSUPPORTED, "the table %s has no column %s",
	    t->names->auth_user_table, column);
}

static int check_columns(struct tables *t, const struct rp_user_change *c, struct rp_err *err)
{
	int code = need_column(t, t->send_to, c->two_fa_send_to, "two_fa_send_to", err);
	return code != 0 ? code : need_column(t, t->totp, c->totp_secret, "totp_secret", err);
}

/* The values of a row, in the order of both statements below. Number of the next parameter. */
static int bind_user(const struct tables *t, struct rp_stmt *s, const struct rp_user *user)
{
	int i = 1;
	rp_stmt_bind_text(s, i++, user->username);
	rp_stmt_bind_text(s, i++, user->password);
	rp_stmt_bind_i64(s, i++, user->password_expired);
	if (t->send_to) {
		rp_stmt_bind_text(s, i++, user->two_fa_send_to);
	}
	if (t->totp) {
		rp_stmt_bind_text(s, i++, user->totp_secret);
	}
	return i;
}

static int insert_user(struct tables *t, const struct rp_user *user, struct rp_err *err)
{
	struct rp_stmt *s;
	int code = stmt(t, &s, err,
	    "INSERT INTO \"%s\" (\"username\", \"password\", \"password_expired\"%s%s)"
	    " VALUES (?, ?, ?%s%s)",
	    t->names->auth_user_table, t->send_to ? ", \"two_fa_send_to\"" : "",
	    t->totp ? ", \"totp_secret\"" : "", t->send_to ? ", ?" : "", t->totp ? ", ?" : "");
	if (code != 0) {
		return code;
	}
	(void)bind_user(t, s, user);
	return rp_stmt_run(s, err);
}

static int update_user(
    struct tables *t, const char *name, const struct rp_user *user, struct rp_err *err)
{
	struct rp_stmt *s;
	int code = stmt(t, &s, err,
	    "UPDATE \"%s\" SET \"username\" = ?, \"password\" = ?, \"password_expired\" = ?%s%s"
	    " WHERE \"username\" = ?",
	    t->names->auth_user_table, t->send_to ? ", \"two_fa_send_to\" = ?" : "",
	    t->totp ? ", \"totp_secret\" = ?" : "");
	if (code != 0) {
		return code;
	}
	rp_stmt_bind_text(s, bind_user(t, s, user), name);
	return rp_stmt_run(s, err);
}

static int delete_where(
    struct tables *t, const char *table, const char *column, const char *value, struct rp_err *err)
{
	struct rp_stmt *s;
	int code = stmt(t, &s, err, "DELETE FROM \"%s\" WHERE \"%s\" = ?", table, column);
	if (code != 0) {
		return code;
	}
	rp_stmt_bind_text(s, 1, value);
	return rp_stmt_run(s, err);
}

static int insert_members(struct tables *t, const struct rp_user *user, struct rp_err *err)
{
	for (size_t i = 0; i < user->groups.n; i++) {
		struct rp_stmt *s;
		int code = stmt(t, &s, err,
		    "INSERT INTO \"%s\" (\"username\", \"group\") VALUES (?, ?)",
		    t->names->auth_group_table);
		if (code != 0) {
			return code;
		}
		rp_stmt_bind_text(s, 1, user->username);
		rp_stmt_bind_text(s, 2, user->groups.v[i]);
		code = rp_stmt_run(s, err);
		if (code != 0) {
			return code;
		}
	}
	return 0;
}

static int save_user(struct tables *t, const struct rp_users_op *op, const struct rp_userset *now,
    struct rp_err *err)
{
	const char *name = op->change.username != NULL ? op->change.username : op->name;
	const struct rp_user *user = rp_userset_find(now, name);
	RP_VERIFY(user != NULL);
	int code = check_columns(t, &op->change, err);
	if (code != 0) {
		return code;
	}
	code = op->kind == RP_USERS_ADD ? insert_user(t, user, err)
	                                : update_user(t, op->name, user, err);
	if (code != 0 || (op->change.groups == NULL && strcmp(name, op->name) == 0)) {
		return code;
	}
	code = delete_where(t, t->names->auth_group_table, "username", op->name, err);
	return code != 0 ? code : insert_members(t, user, err);
}

static int delete_user(struct tables *t, const char *name, struct rp_err *err)
{
	int code = delete_where(t, t->names->auth_user_table, "username", name, err);
	return code != 0 ? code
	                 : delete_where(t, t->names->auth_group_table, "username", name, err);
}

static int delete_group(struct tables *t, const char *name, struct rp_err *err)
{
	int code = delete_where(t, t->names->auth_group_table, "group", name, err);
	return code != 0 ? code
	                 : delete_where(t, t->names->auth_group_details_table, "name", name, err);
}

static int print_permissions(unsigned permissions, struct rp_buf *out)
{
	struct rp_jsonw w;
	rp_jsonw_init(&w, out);
	rp_jsonw_obj(&w);
	for (unsigned i = 0; i < RP_PERMISSIONS; i++) {
		rp_jsonw_put_bool(&w, rp_permission_name(i), (permissions & (1u << i)) != 0);
	}
	rp_jsonw_obj_end(&w);
	int code = rp_jsonw_end(&w);
	return code != 0 ? code : rp_buf_add_u8(out, '\0');
}

/* An update first: a row may have columns that are none of ours. */
static int write_details(
    struct tables *t, const char *name, const char *permissions, struct rp_err *err)
{
	struct rp_stmt *s;
	int code = stmt(t, &s, err, "UPDATE \"%s\" SET \"permissions\" = ? WHERE \"name\" = ?",
	    t->names->auth_group_details_table);
	if (code != 0) {
		return code;
	}
	rp_stmt_bind_text(s, 1, permissions);
	rp_stmt_bind_text(s, 2, name);
	code = rp_stmt_run(s, err);
	if (code != 0 || rp_db_changes(t->db) > 0) {
		return code;
	}
	code = stmt(t, &s, err, "INSERT INTO \"%s\" (\"permissions\", \"name\") VALUES (?, ?)",
	    t->names->auth_group_details_table);
	if (code != 0) {
		return code;
	}
	rp_stmt_bind_text(s, 1, permissions);
	rp_stmt_bind_text(s, 2, name);
	return rp_stmt_run(s, err);
}

static int put_group(struct tables *t, const struct rp_users_op *op, struct rp_err *err)
{
	struct rp_buf text;
	rp_buf_init(&text, PERMISSIONS_MAX);
	int code = print_permissions(op->permissions, &text);
	code = code == 0 ? write_details(t, op->name, (const char *)rp_buf_head(&text), err)
	                 : rp_err_set(err, code, "%s", rp_err_text(code));
	rp_buf_fini(&text);
	return code;
}

static int write_op(struct tables *t, const struct rp_users_op *op, const struct rp_userset *now,
    struct rp_err *err)
{
	switch (op->kind) {
	case RP_USERS_ADD:
	case RP_USERS_CHANGE:
		return save_user(t, op, now, err);
	case RP_USERS_DELETE:
		return delete_user(t, op->name, err);
	case RP_USERS_GROUP_PUT:
		return put_group(t, op, err);
	case RP_USERS_GROUP_DELETE:
		return delete_group(t, op->name, err);
	case RP_USERS_RELOAD:
	case RP_USERS_REFRESH:
		break;
	}
	return 0;
}

static int save(
    void *self, const struct rp_users_op *op, const struct rp_userset *now, struct rp_err *err)
{
	struct tables *t = self;
	int code = write_op(t, op, now, err);
	code = code != 0 ? code : rp_db_commit(t->db, err);
	if (code != 0) {
		unlock(t);
	}
	return code;
}

/* --- opening --- */

static int has_column(
    struct tables *t, const char *table, const char *column, bool *has, struct rp_err *err)
{
	struct rp_stmt *s;
	struct rp_err why = {0};
	int code = stmt(t, &s, &why, "SELECT \"%s\" FROM \"%s\" WHERE 1 = 0", column, table);
	*has = code == 0;
	return code == 0 || code == RP_EDB ? 0 : rp_err_set(err, code, "%s", why.msg);
}

static int check_table(struct tables *t, const char *option, const char *table,
    const char *const *columns, struct rp_err *err)
{
	struct rp_stmt *s;
	struct rp_err why = {0};
	char missing[128] = "";
	size_t n = 0;
	if (!rp_db_name_ok(table)) {
		return rp_err_set(err, RP_EINVAL,
		    "API: api.%s: the name of a table has letters, digits and '_' only", option);
	}
	int code = stmt(t, &s, &why, "SELECT 1 FROM \"%s\" WHERE 1 = 0", table);
	if (code != 0) {
		return rp_err_set(err, code, "API: api.%s: %s", option, why.msg);
	}
	for (; *columns != NULL; columns++) {
		bool has;
		code = has_column(t, table, *columns, &has, err);
		if (code != 0) {
			return code;
		}
		if (!has && n < sizeof(missing)) {
			n += (size_t)snprintf(
			    missing + n, sizeof(missing) - n, "%s%s", n > 0 ? ", " : "", *columns);
		}
	}
	return n == 0 ? 0
	              : rp_err_set(err, RP_EDB, "API: api.%s: the table %s lacks the columns: %s",
	                    option, table, missing);
}

static int check_tables(struct tables *t, struct rp_err *err)
{
	const struct rp_conf_api *cfg = t->names;
	const char *users[6] = {"username", "password", "password_expired"};
	static const char *const members[] = {"username", "group", NULL};
	static const char *const details[] = {"name", "permissions", NULL};
	size_t n = 3;
	if (rp_send_to_needed(cfg)) {
		users[n++] = "two_fa_send_to";
	}
	if (cfg->totp_enabled) {
		users[n++] = "totp_secret";
	}
	int code = check_table(t, "auth_user_table", cfg->auth_user_table, users, err);
	code = code != 0 ? code
	                 : check_table(t, "auth_group_table", cfg->auth_group_table, members, err);
	if (code == 0 && t->details) {
		code = check_table(
		    t, "auth_group_details_table", cfg->auth_group_details_table, details, err);
	}
	const char *table = cfg->auth_user_table;
	code = code != 0 ? code : has_column(t, table, "two_fa_send_to", &t->send_to, err);
	code = code != 0 ? code : has_column(t, table, "totp_secret", &t->totp, err);
	return code;
}

static void store_free(void *self)
{
	struct tables *t = self;
	rp_db_close(t->db);
	rp_free(t);
}

int rp_users_store_open(const struct rp_server_config *cfg, void **self, struct rp_err *err)
{
	if (strcmp(cfg->database.db_type, "sqlite") != 0) {
		return rp_err_set(err, RP_EUNSUPPORTED,
		    "API: api.auth_user_table: only db_type = \"sqlite\" is supported, not \"%s\"",
		    cfg->database.db_type);
	}
	struct tables *t = rp_calloc(1, sizeof(*t));
	if (t == NULL) {
		return rp_err_no_memory(err);
	}
	t->names = &cfg->api;
	t->details = cfg->api.auth_group_details_table[0] != '\0';
	t->version = UNKNOWN;
	int code = rp_db_open_existing(&t->db, cfg->database.db_name, err);
	code = code == 0 ? check_tables(t, err) : rp_err_wrap(err, "API: [database] db_name");
	if (code != 0) {
		store_free(t);
		return code;
	}
	*self = t;
	return 0;
}

#define SOURCE                                                                          \
	.name = "DB", .load = load, .save = save, .unlock = unlock, .changed = changed, \
	.free = store_free

const struct rp_users_source rp_users_store = {SOURCE};
const struct rp_users_source rp_users_store_details = {SOURCE, .groups = true};
