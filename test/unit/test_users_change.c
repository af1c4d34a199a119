/* SPDX-License-Identifier: MIT */
/*
 * Changes of users and groups in both stores that take them, what is on disk afterwards, and what
 * others change meanwhile.
 */
#include "api/users.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "acl/authorize.h"
#include "api/password.h"
#include "api/users_source.h"
#include "core/alloc.h"
#include "core/db.h"
#include "test/lib/oom.h"
#include "test/lib/store_rig.h"

#define HASH "$2y$05$abcdefghijklmnopqrstuuE5WkAp8h9bPInfaYqF3ipikxrOjQLoG" /* tops3cret */

/* As RPort's documentation has them, the odd quotes around a default too. */
#define TABLES                                                                                            \
	"CREATE TABLE \"users\" (\"username\" TEXT(150) NOT NULL, \"password\" TEXT(255) NOT NULL,"       \
	" \"password_expired\" BOOLEAN NOT NULL CHECK (password_expired IN (0, 1)) DEFAULT 0,"            \
	" \"token\" TEXT(36) DEFAULT NULL, \"two_fa_send_to\" TEXT(150), \"totp_secret\" TEXT);"          \
	"CREATE UNIQUE INDEX \"main\".\"username\" ON \"users\" (\"username\" ASC);"                      \
	"CREATE TABLE \"groups\" (\"username\" TEXT(150) NOT NULL, \"group\" TEXT(150) NOT NULL);"        \
	"CREATE UNIQUE INDEX \"main\".\"username_group\" ON \"groups\" (\"username\", \"group\");"        \
	"CREATE TABLE \"group_details\" (\"name\" TEXT(150) NOT NULL, \"permissions\" TEXT DEFAULT '{}'," \
	" \"tunnels_restricted\" TEXT);"
#define ROWS                                                                                \
	"INSERT INTO users (username, password, token) VALUES ('bob', '" HASH "', 'kept');" \
	"INSERT INTO users (username, password) VALUES ('admin', '" HASH "');"              \
	"INSERT INTO groups VALUES ('bob', 'staff'), ('admin', 'Administrators'),"          \
	" ('bob', 'more'), ('nobody', 'staff');"                                            \
	"INSERT INTO group_details VALUES ('staff', '{\"tunnels\":true,\"x\":1}', 'kept');"

static struct rp_store_rig rig;
static struct rp_server_config cfg;
static struct rp_users *users;
static struct rp_err err;
static char path[128];
static char none[] = "";

static void write_file(const char *text)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static char *file_text(void)
{
	static char text[8192];
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	size_t n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	assert_int_equal(fclose(f), 0);
	return text;
}

static int open_users(void)
{
	memset(&err, 0, sizeof(err));
	users = NULL;
	int code = rp_users_new(rig.loop, &cfg, &users, &err);
	if (code == 0) {
		rp_users_set_cost(users, 4);
	}
	return code;
}

static void close_users(void)
{
	rp_users_close(users);
	rp_users_free(users);
	users = NULL;
	rp_store_rig_sync(&rig);
}

static void configure(void)
{
	cfg = (struct rp_server_config){
	    .api =
	        {
	            .auth = none,
	            .auth_file = none,
	            .auth_user_table = none,
	            .auth_group_table = none,
	            .auth_group_details_table = none,
	            .two_fa_token_delivery = none,
	        },
	    .database = {.db_type = none, .db_name = none},
	};
}

static int setup_file(void **state)
{
	(void)state;
	rp_store_rig_open(&rig);
	configure();
	(void)snprintf(path, sizeof(path), "%s/users.json", rig.dir);
	write_file(
	    "[{\"username\":\"admin\",\"password\":\"" HASH "\",\"groups\":[\"Administrators\"]},"
	    "{\"username\":\"bob\",\"password\":\"" HASH
	    "\",\"groups\":[\"staff\"],\"password_expired\":true}]");
	cfg.api.auth_file = path;
	assert_int_equal(open_users(), 0);
	return 0;
}

/* What another program does to the database. */
static void sql(const char *text)
{
	struct rp_db *db;
	if (rp_db_open_existing(&db, path, &err) != 0 || rp_db_exec(db, text, &err) != 0) {
		fail_msg("%s", err.msg);
	}
	rp_db_close(db);
}

static char *sql_text(const char *query)
{
	static char text[1024];
	struct rp_db *db;
	struct rp_stmt *s;
	size_t n = 0;
	assert_int_equal(rp_db_open_existing(&db, path, &err), 0);
	assert_int_equal(rp_db_stmt(db, query, &s, &err), 0);
	text[0] = '\0';
	while (rp_stmt_step(s, &err) == 1) {
		n += (size_t)snprintf(
		    text + n, sizeof(text) - n, "%s%s", n > 0 ? "," : "", rp_stmt_text(s, 0));
	}
	rp_db_close(db);
	return text;
}

static int setup_tables(void **state)
{
	static char type[] = "sqlite";
	static char users_table[] = "users";
	static char group_table[] = "groups";
	static char details_table[] = "group_details";
	(void)state;
	rp_store_rig_open(&rig);
	configure();
	(void)snprintf(path, sizeof(path), "%s/users.db", rig.dir);
	write_file("");
	sql(TABLES ROWS);
	cfg.database.db_type = type;
	cfg.database.db_name = path;
	cfg.api.auth_user_table = users_table;
	cfg.api.auth_group_table = group_table;
	cfg.api.auth_group_details_table = details_table;
	if (open_users() != 0) {
		fail_msg("%s", err.msg);
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close_users();
	(void)unlink(path);
	rp_store_rig_close(&rig);
	return 0;
}

/* Waiting for the end of a change */

static bool is_done;
static int code;

static void on_done(void *ctx, int status, const struct rp_err *e)
{
	(void)ctx;
	code = status;
	err = *e;
	is_done = true;
}

static int finish(int started)
{
	if (started != 0) {
		return started;
	}
	is_done = false;
	rp_store_rig_wait(&rig, &is_done);
	return code;
}

static int add(const char *name, const char *password, const char *group)
{
	struct rp_strlist groups = {0};
	assert_int_equal(rp_strlist_add(&groups, rp_str_c(group)), 0);
	const struct rp_user_change c = {.username = name, .password = password, .groups = &groups};
	int status = finish(rp_users_add(users, &c, on_done, NULL));
	rp_strlist_fini(&groups);
	return status;
}

static int change(const char *name, const struct rp_user_change *c)
{
	return finish(rp_users_change(users, name, c, on_done, NULL));
}

static int delete (const char *name)
{
	return finish(rp_users_delete(users, name, on_done, NULL));
}

/* Both stores: the state after each step is the same in memory and after reading it again. */

static void reopen(void)
{
	close_users();
	if (open_users() != 0) {
		fail_msg("%s", err.msg);
	}
}

static void check_added(void)
{
	const struct rp_user *u = rp_users_find(users, "carl");
	assert_non_null(u);
	assert_memory_equal(u->password, "$2y$04$", 7);
	assert_true(rp_password_check(u->password, "carl's secret"));
	assert_true(rp_strlist_has(&u->groups, "staff"));
	assert_false(u->password_expired);
	assert_string_equal(u->two_fa_send_to, "");
}

/* Of those whom nobody told another one. */
static void test_cost(void **state)
{
	(void)state;
	close_users();
	assert_int_equal(rp_users_new(rig.loop, &cfg, &users, &err), 0);
	assert_int_equal(add("carl", "carl's secret", "staff"), 0);
	assert_memory_equal(rp_users_find(users, "carl")->password, "$2y$10$", 7);
}

static void check_changed(void)
{
	assert_null(rp_users_find(users, "carl"));
	const struct rp_user *u = rp_users_find(users, "charles");
	assert_non_null(u);
	assert_true(rp_password_check(u->password, "carl's secret"));
	assert_int_equal(u->groups.n, 2);
	assert_true(rp_strlist_has(&u->groups, "a"));
	assert_true(u->password_expired);
	assert_string_equal(u->two_fa_send_to, "c@example.com");
	assert_string_equal(u->totp_secret, "JBSWY3DP");
}

static void change_carl(void)
{
	const bool yes = true;
	struct rp_strlist groups = {0};
	assert_int_equal(rp_strlist_add(&groups, rp_str_c("a")), 0);
	assert_int_equal(rp_strlist_add(&groups, rp_str_c("b")), 0);
	assert_int_equal(rp_strlist_add(&groups, rp_str_c("a")), 0);
	assert_int_equal(rp_strlist_add(&groups, rp_str_c("")), 0);
	const struct rp_user_change c = {
	    .username = "charles",
	    .groups = &groups,
	    .password_expired = &yes,
	    .two_fa_send_to = "c@example.com",
	    .totp_secret = "JBSWY3DP",
	};
	assert_int_equal(change("carl", &c), 0);
	rp_strlist_fini(&groups);
}

static void test_changes(void **state)
{
	(void)state;
	assert_int_equal(add("carl", "carl's secret", "staff"), 0);
	check_added();
	reopen();
	check_added();
	change_carl();
	check_changed();
	reopen();
	check_changed();
	/* A new password ends its expiry; the rest stays. */
	const struct rp_user_change c = {.password = "another", .totp_secret = " "};
	assert_int_equal(change("charles", &c), 0);
	reopen();
	const struct rp_user *u = rp_users_find(users, "charles");
	assert_true(rp_password_check(u->password, "another"));
	assert_false(u->password_expired);
	assert_int_equal(u->groups.n, 2);
	assert_string_equal(u->two_fa_send_to, "c@example.com");
	assert_string_equal(u->totp_secret, "");
	assert_int_equal(delete ("charles"), 0);
	assert_null(rp_users_find(users, "charles"));
	reopen();
	assert_null(rp_users_find(users, "charles"));
	assert_non_null(rp_users_find(users, "bob"));
}

static void test_refusals(void **state)
{
	struct rp_strlist nobody = {0};
	const struct rp_user_change demote = {.groups = &nobody};
	const struct rp_user_change rename = {.username = "admin"};
	(void)state;
	assert_int_equal(add("bob", "x", "staff"), RP_EEXIST);
	assert_string_equal(err.msg, "Another user with this username already exists");
	assert_int_equal(change("bob", &rename), RP_EEXIST);
	assert_string_equal(err.msg, "Another user with this username already exists");
	assert_int_equal(change("nobody", &rename), RP_ENOENT);
	assert_string_equal(err.msg, "cannot find user by username 'nobody'");
	assert_int_equal(delete ("nobody"), RP_ENOENT);
	assert_int_equal(delete ("admin"), RP_EDENIED);
	assert_string_equal(err.msg, "at least one user must stay in the group Administrators");
	assert_int_equal(change("admin", &demote), RP_EDENIED);
	/* Nothing of it has happened, and the store is not left locked. */
	assert_true(rp_users_is_admin(rp_users_find(users, "admin")));
	assert_non_null(rp_users_find(users, "bob"));
	assert_int_equal(add("second", "x", RP_ADMIN_GROUP), 0);
	assert_int_equal(delete ("admin"), 0);
	assert_int_equal(delete ("second"), RP_EDENIED);
	reopen();
	assert_non_null(rp_users_find(users, "second"));
	assert_null(rp_users_find(users, "admin"));
}

/* The file alone */

static void test_file_form(void **state)
{
	struct stat st;
	(void)state;
	assert_int_equal(chmod(path, 0644), 0);
	const struct rp_user_change c = {.two_fa_send_to = "b@example.com"};
	assert_int_equal(change("bob", &c), 0);
	assert_string_equal(file_text(),
	    "[\n"
	    "    {\n"
	    "        \"username\": \"admin\",\n"
	    "        \"password\": \"" HASH "\",\n"
	    "        \"groups\": [\n"
	    "            \"Administrators\"\n"
	    "        ]\n"
	    "    },\n"
	    "    {\n"
	    "        \"username\": \"bob\",\n"
	    "        \"password\": \"" HASH "\",\n"
	    "        \"groups\": [\n"
	    "            \"staff\"\n"
	    "        ],\n"
	    "        \"password_expired\": true,\n"
	    "        \"two_fa_send_to\": \"b@example.com\"\n"
	    "    }\n"
	    "]\n");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	/* Somebody chose that the group may read. */
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(change("bob", &c), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
}

/* A link to the file stays one. */
static void test_file_link(void **state)
{
	char target[160];
	struct stat st;
	(void)state;
	(void)snprintf(target, sizeof(target), "%s.real", path);
	assert_int_equal(rename(path, target), 0);
	assert_int_equal(symlink(target, path), 0);
	assert_int_equal(delete ("bob"), 0);
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_null(strstr(file_text(), "bob"));
	assert_int_equal(unlink(target), 0);
}

/* A change starts from what is there, not from what was read once. */
static void test_file_outside(void **state)
{
	(void)state;
	write_file(
	    "[{\"username\":\"new\",\"password\":\"" HASH "\",\"groups\":[\"Administrators\"]}]");
	assert_non_null(rp_users_find(users, "bob"));
	assert_int_equal(add("carl", "x", "staff"), 0);
	assert_null(rp_users_find(users, "bob"));
	assert_non_null(rp_users_find(users, "new"));
	assert_non_null(strstr(file_text(), "carl"));
	/* A broken file is not written over, and memory stays. */
	write_file("[{");
	assert_int_equal(add("dora", "x", "staff"), RP_EINVAL);
	assert_non_null(strstr(err.msg, path));
	assert_string_equal(file_text(), "[{");
	assert_int_equal(finish(rp_users_reload(users, on_done, NULL)), RP_EINVAL);
	assert_non_null(rp_users_find(users, "carl"));
	write_file("[]");
	assert_int_equal(finish(rp_users_reload(users, on_done, NULL)), 0);
	assert_null(rp_users_find(users, "carl"));
	assert_false(rp_users_stale(users, 0));
}

static void test_file_locked(void **state)
{
	(void)state;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(add("carl", "x", "staff"), RP_EBUSY);
	assert_non_null(strstr(err.msg, "is locked by another program"));
	assert_int_equal(close(fd), 0);
	assert_int_equal(add("carl", "x", "staff"), 0);
}

static void test_file_groups(void **state)
{
	struct rp_strlist names = {0};
	(void)state;
	assert_false(rp_users_groups_enabled(users));
	assert_int_equal(
	    rp_users_permissions(users, &rp_users_find(users, "bob")->groups), RP_MAY_ALL);
	assert_int_equal(rp_users_group_put(users, "x", 0, on_done, NULL), RP_EUNSUPPORTED);
	assert_int_equal(rp_users_group_delete(users, "x", on_done, NULL), RP_EUNSUPPORTED);
	assert_int_equal(rp_users_groups(users, &names), 0);
	assert_int_equal(names.n, 2);
	assert_string_equal(names.v[0], "Administrators");
	assert_string_equal(names.v[1], "staff");
	rp_strlist_fini(&names);
}

static void test_file_folder_gone(void **state)
{
	(void)state;
	assert_int_equal(unlink(path), 0);
	assert_int_equal(add("carl", "x", "staff"), RP_EIO);
	assert_non_null(strstr(err.msg, "no such file"));
	assert_null(rp_users_find(users, "carl"));
}

/* The tables alone */

static void test_tables_read(void **state)
{
	struct rp_strlist names = {0};
	(void)state;
	assert_string_equal(rp_users_source(users), "DB");
	const struct rp_user *u = rp_users_find(users, "bob");
	assert_int_equal(u->groups.n, 2);
	assert_true(rp_users_groups_enabled(users));
	assert_int_equal(rp_users_permissions(users, &u->groups), RP_MAY_TUNNELS);
	assert_int_equal(rp_users_group_permissions(users, "more"), 0);
	assert_int_equal(rp_users_group_permissions(users, RP_ADMIN_GROUP), RP_MAY_ALL);
	assert_int_equal(rp_users_groups(users, &names), 0);
	assert_int_equal(names.n, 3);
	assert_string_equal(names.v[1], "more");
	rp_strlist_fini(&names);
}

static void test_tables_rows(void **state)
{
	(void)state;
	assert_int_equal(add("carl", "carl's secret", "staff"), 0);
	assert_string_equal(
	    sql_text("SELECT username FROM users ORDER BY username"), "admin,bob,carl");
	change_carl();
	assert_string_equal(sql_text("SELECT \"username\" || ':' || \"group\" FROM groups"
	                             " WHERE username LIKE 'c%' ORDER BY 1"),
	    "charles:a,charles:b");
	/* A rename alone takes the groups along, and what others keep in the row stays. */
	const struct rp_user_change rename = {.username = "robert"};
	assert_int_equal(change("bob", &rename), 0);
	assert_string_equal(sql_text("SELECT token FROM users WHERE username = 'robert'"), "kept");
	assert_string_equal(
	    sql_text("SELECT \"group\" FROM groups WHERE username = 'robert' ORDER BY 1"),
	    "more,staff");
	assert_int_equal(delete ("robert"), 0);
	assert_string_equal(sql_text("SELECT \"group\" FROM groups WHERE username = 'robert'"), "");
}

static void test_tables_groups(void **state)
{
	const unsigned two = RP_MAY_VAULT | RP_MAY_COMMANDS;
	(void)state;
	assert_int_equal(finish(rp_users_group_put(users, "staff", two, on_done, NULL)), 0);
	assert_int_equal(rp_users_group_permissions(users, "staff"), two);
	assert_int_equal(finish(rp_users_group_put(users, "fresh", 0, on_done, NULL)), 0);
	reopen();
	assert_int_equal(rp_users_group_permissions(users, "staff"), two);
	assert_string_equal(
	    sql_text("SELECT name FROM group_details ORDER BY name"), "fresh,staff");
	assert_string_equal(
	    sql_text("SELECT tunnels_restricted FROM group_details WHERE name = 'staff'"), "kept");
	assert_int_equal(finish(rp_users_group_delete(users, "staff", on_done, NULL)), 0);
	assert_int_equal(rp_users_find(users, "bob")->groups.n, 1);
	assert_int_equal(rp_users_group_permissions(users, "staff"), 0);
	assert_string_equal(
	    sql_text("SELECT \"group\" FROM groups ORDER BY 1"), "Administrators,more");
	assert_int_equal(finish(rp_users_group_delete(users, "nothing", on_done, NULL)), 0);
	assert_int_equal(
	    finish(rp_users_group_delete(users, RP_ADMIN_GROUP, on_done, NULL)), RP_EDENIED);
}

static void test_tables_outside(void **state)
{
	(void)state;
	assert_true(rp_users_stale(users, 0));
	assert_int_equal(finish(rp_users_refresh(users, on_done, NULL)), 0);
	assert_non_null(rp_users_find(users, "bob"));
	sql("DELETE FROM users WHERE username = 'bob'");
	assert_int_equal(finish(rp_users_refresh(users, on_done, NULL)), 0);
	assert_null(rp_users_find(users, "bob"));
	/* What a refused change has seen is seen by the next look, too. */
	sql("INSERT INTO users (username, password) VALUES ('eve', '" HASH "')");
	assert_int_equal(delete ("nobody"), RP_ENOENT);
	assert_int_equal(finish(rp_users_refresh(users, on_done, NULL)), 0);
	assert_non_null(rp_users_find(users, "eve"));
	/* Permissions that cannot be read: what was read before stays. */
	sql("UPDATE group_details SET permissions = '{' WHERE name = 'staff'");
	assert_true(finish(rp_users_refresh(users, on_done, NULL)) < 0);
	assert_non_null(strstr(err.msg, "permissions of group \"staff\""));
	assert_int_equal(rp_users_group_permissions(users, "staff"), RP_MAY_TUNNELS);
}

static void test_tables_bad(void **state)
{
	static char bad[] = "users\"; DROP TABLE users";
	static char absent[] = "no_such_table";
	static char mysql[] = "mysql";
	static char missing[] = "/nonexistent/users.db";
	char *good = cfg.api.auth_user_table;
	(void)state;
	close_users();
	cfg.api.auth_user_table = bad;
	assert_int_equal(open_users(), RP_EINVAL);
	assert_non_null(strstr(err.msg, "API: api.auth_user_table: the name of a table"));
	cfg.api.auth_user_table = absent;
	assert_int_equal(open_users(), RP_EDB);
	assert_non_null(strstr(err.msg, "API: api.auth_user_table: "));
	assert_non_null(strstr(err.msg, "no such table: no_such_table"));
	cfg.api.auth_user_table = good;
	sql("ALTER TABLE users DROP COLUMN totp_secret;"
	    "ALTER TABLE users DROP COLUMN two_fa_send_to");
	/* They are needed for a second factor only. */
	assert_int_equal(open_users(), 0);
	assert_int_equal(add("carl", "carl's secret", "staff"), 0);
	const struct rp_user_change c = {.totp_secret = "x"};
	assert_int_equal(change("carl", &c), RP_EUNSUPPORTED);
	assert_string_equal(err.msg, "the table users has no column totp_secret");
	close_users();
	cfg.api.totp_enabled = true;
	assert_int_equal(open_users(), RP_EDB);
	assert_string_equal(
	    err.msg, "API: api.auth_user_table: the table users lacks the columns: totp_secret");
	cfg.database.db_type = mysql;
	assert_int_equal(open_users(), RP_EUNSUPPORTED);
	assert_non_null(strstr(err.msg, "only db_type = \"sqlite\" is supported, not \"mysql\""));
	cfg.database.db_type = (char[]){"sqlite"};
	cfg.database.db_name = missing;
	assert_int_equal(open_users(), RP_EDB);
	assert_non_null(strstr(err.msg, "/nonexistent/users.db"));
	cfg.database.db_name = path;
}

/* After close nothing is taken any more, and what was under way is on disk. */
static void test_close(void **state)
{
	(void)state;
	is_done = false;
	assert_int_equal(rp_users_delete(users, "bob", on_done, NULL), 0);
	rp_users_close(users);
	assert_int_equal(rp_users_delete(users, "bob", on_done, NULL), RP_ECLOSED);
	rp_store_rig_wait(&rig, &is_done);
	assert_int_equal(code, 0);
	rp_users_free(users);
	rp_store_rig_sync(&rig);
	assert_int_equal(open_users(), 0);
	assert_null(rp_users_find(users, "bob"));
}

/* Each allocation of a change fails once: it is done or it is not, and the store is left unlocked. */
static int oom_body(void *state)
{
	const struct rp_users_source *source = state;
	struct rp_userset set = {0};
	struct rp_err e = {0};
	struct rp_strlist groups = {0};
	const struct rp_users_op op = {
	    .kind = RP_USERS_CHANGE,
	    .name = "bob",
	    .change = {.two_fa_send_to = "b@example.com", .groups = &groups},
	};
	void *self;
	int rc = source == &rp_users_file ? rp_users_file_open(&cfg, &self, &e)
	                                  : rp_users_store_open(&cfg, &self, &e);
	if (rc != 0) {
		return rc;
	}
	rc = source->load(self, true, &set, &e);
	if (rc == 0) {
		rc = rp_userset_apply(&set, &op, &e);
		if (rc == 0) {
			rc = source->save(self, &op, &set, &e);
		} else {
			source->unlock(self);
		}
	}
	rp_userset_fini(&set);
	source->free(self);
	return rc;
}

static void test_file_oom(void **state)
{
	(void)state;
	assert_int_equal(rp_oom_run(oom_body, (void *)(uintptr_t)&rp_users_file), 0);
	assert_int_equal(add("carl", "x", "staff"), 0);
}

static void test_tables_oom(void **state)
{
	(void)state;
	assert_int_equal(rp_oom_run(oom_body, (void *)(uintptr_t)&rp_users_store_details), 0);
	assert_int_equal(add("carl", "x", "staff"), 0);
}

#define FILE_TEST(name)  cmocka_unit_test_setup_teardown(name, setup_file, teardown)
#define TABLE_TEST(name) cmocka_unit_test_setup_teardown(name, setup_tables, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    FILE_TEST(test_cost),
	    FILE_TEST(test_changes),
	    FILE_TEST(test_refusals),
	    FILE_TEST(test_file_form),
	    FILE_TEST(test_file_link),
	    FILE_TEST(test_file_outside),
	    FILE_TEST(test_file_locked),
	    FILE_TEST(test_file_groups),
	    FILE_TEST(test_file_folder_gone),
	    FILE_TEST(test_file_oom),
	    FILE_TEST(test_close),
	    TABLE_TEST(test_changes),
	    TABLE_TEST(test_refusals),
	    TABLE_TEST(test_tables_read),
	    TABLE_TEST(test_tables_rows),
	    TABLE_TEST(test_tables_groups),
	    TABLE_TEST(test_tables_outside),
	    TABLE_TEST(test_tables_bad),
	    TABLE_TEST(test_tables_oom),
	    TABLE_TEST(test_close),
	};
	return cmocka_run_group_tests_name("users_change", tests, NULL, NULL);
}
