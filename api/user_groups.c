/* SPDX-License-Identifier: MIT */
/*
 * Groups of users and what their members may do (rport-api 4.3), and which groups may use a
 * client.
 */
#include <stdio.h>
#include <string.h>

#include "api/call.h"
#include "api/handlers.h"
#include "api/reply.h"
#include "api/user_edit.h"
#include "api/users.h"
#include "core/alloc.h"

#include "core/banned.h"

#define ACL_GROUPS_MAX 1000

/* False: the call was answered. */
static bool has_details(struct rp_api_call *c)
{
	if (!rp_user_edit_store(c)) {
		return false;
	}
	if (rp_users_groups_enabled(c->api->users)) {
		return true;
	}
	rp_reply_fail(c, 400,
	    "user groups need users in a database and 'auth_group_details_table' in the configuration");
	return false;
}

static void write_group(struct rp_jsonw *w, const struct rp_users *users, const char *name)
{
	unsigned permissions = rp_users_group_permissions(users, name);
	rp_jsonw_obj(w);
	rp_jsonw_put_str(w, "name", name);
	rp_jsonw_key(w, "permissions");
	rp_jsonw_obj(w);
	for (unsigned i = 0; i < RP_PERMISSIONS; i++) {
		rp_jsonw_put_bool(w, rp_permission_name(i), (permissions & (1u << i)) != 0);
	}
	rp_jsonw_obj_end(w);
	rp_jsonw_put_null(w, "tunnels_restricted");
	rp_jsonw_put_null(w, "commands_restricted");
	rp_jsonw_obj_end(w);
}

void rp_api_user_groups(struct rp_api_call *c)
{
	struct rp_strlist names = {0};
	struct rp_reply r;
	if (!has_details(c)) {
		return;
	}
	int code = rp_users_groups(c->api->users, &names);
	if (code != 0) {
		rp_reply_code(c, code, NULL);
		return;
	}
	rp_reply_begin(&r);
	rp_jsonw_arr(&r.w);
	for (size_t i = 0; i < names.n; i++) {
		write_group(&r.w, c->api->users, names.v[i]);
	}
	rp_jsonw_arr_end(&r.w);
	rp_strlist_fini(&names);
	rp_reply_end(&r, c);
}

static void answer_group(struct rp_api_call *c)
{
	struct rp_reply r;
	rp_reply_begin(&r);
	write_group(&r.w, c->api->users, c->params[0]);
	rp_reply_end(&r, c);
}

void rp_api_user_group_get(struct rp_api_call *c)
{
	if (has_details(c)) {
		answer_group(c);
	}
}

/* What GET gives may be sent back: the name in it counts for nothing, and the last two are
 * always null. */
struct body {
	char *name;
	char *permissions;
	char *tunnels_restricted;
	char *commands_restricted;
};

#define F(key, kind, flags)                                                    \
	{                                                                      \
#key, RP_FIELD_##kind, flags, offsetof(struct body, key), NULL \
	}
static const struct rp_json_field body_fields[] = {
    F(name, STR, 0),
    F(permissions, RAW, RP_FIELD_F_REQUIRED),
    F(tunnels_restricted, RAW, 0),
    F(commands_restricted, RAW, 0),
};
static const struct rp_json_table body_table = RP_JSON_TABLE(body_fields, struct body);

/* Bit of a permission; 0: there is none of this name. */
static unsigned permission_bit(const char *name)
{
	for (unsigned i = 0; i < RP_PERMISSIONS; i++) {
		if (strcmp(rp_permission_name(i), name) == 0) {
			return 1u << i;
		}
	}
	return 0;
}

/* False: the text in why says what is wrong. */
static bool read_permissions(const struct rp_json *j, unsigned *permissions, struct rp_err *why)
{
	*permissions = 0;
	if (rp_json_type(j) != RP_JSON_OBJECT) {
		(void)rp_err_set(why, RP_EINVAL, "permissions: expected an object");
		return false;
	}
	for (const struct rp_json *m = rp_json_first(j); m != NULL; m = rp_json_next(m)) {
		unsigned bit = permission_bit(rp_json_key(m));
		if (bit == 0) {
			(void)rp_err_set(why, RP_EINVAL, "invalid permission: %s", rp_json_key(m));
			return false;
		}
		if (rp_json_type(m) != RP_JSON_BOOL) {
			(void)rp_err_set(why, RP_EINVAL, "permissions.%s: expected true or false",
			    rp_json_key(m));
			return false;
		}
		*permissions |= rp_json_true(m) ? bit : 0;
	}
	return true;
}

static bool check_body(const struct body *b, unsigned *permissions, struct rp_err *why)
{
	struct rp_json *j = NULL;
	if (b->tunnels_restricted != NULL || b->commands_restricted != NULL) {
		(void)rp_err_set(
		    why, RP_EINVAL, "tunnels_restricted and commands_restricted are not supported");
		return false;
	}
	if (rp_json_parse(b->permissions, strlen(b->permissions), &j, why) != 0) {
		return false;
	}
	bool good = read_permissions(j, permissions, why);
	rp_json_free(j);
	return good;
}

static void on_put(void *ctx, int code, const struct rp_err *err)
{
	if (code != 0) {
		rp_user_edit_fail(ctx, code, err);
	} else {
		answer_group(ctx);
	}
}

void rp_api_user_group_put(struct rp_api_call *c)
{
	struct body b = {0};
	struct rp_err why = {0};
	unsigned permissions;
	if (!has_details(c) || rp_api_body(c, &body_table, true, &b) != 0) {
		return;
	}
	if (strlen(c->params[0]) > RP_USER_NAME_MAX) {
		rp_reply_fail(c, 400, "the name of a group has at most %d bytes", RP_USER_NAME_MAX);
	} else if (!check_body(&b, &permissions, &why)) {
		rp_reply_fail(c, 400, "%s", why.msg);
	} else {
		int code = rp_users_group_put(c->api->users, c->params[0], permissions, on_put, c);
		if (code != 0) {
			rp_reply_code(c, code, NULL);
		}
	}
	rp_json_release(&body_table, &b);
}

static void on_deleted(void *ctx, int code, const struct rp_err *err)
{
	if (code != 0) {
		rp_user_edit_fail(ctx, code, err);
	} else {
		rp_reply_empty(ctx, 204);
	}
}

void rp_api_user_group_delete(struct rp_api_call *c)
{
	if (!has_details(c)) {
		return;
	}
	int code = rp_users_group_delete(c->api->users, c->params[0], on_deleted, c);
	if (code != 0) {
		rp_reply_code(c, code, NULL);
	}
}

/* --- POST /clients/{id}/acl --- */

struct acl_body {
	struct rp_strlist allowed_user_groups;
};
static const struct rp_json_field acl_fields[] = {
    {"allowed_user_groups", RP_FIELD_STRLIST, 0, offsetof(struct acl_body, allowed_user_groups),
        NULL},
};
static const struct rp_json_table acl_table = RP_JSON_TABLE(acl_fields, struct acl_body);

/* The names of want that no user has and no details are kept of, with ", " between. */
static void unknown_groups(
    const struct rp_strlist *known, const struct rp_strlist *want, char *out, size_t size)
{
	size_t n = 0;
	out[0] = '\0';
	for (size_t i = 0; i < want->n && n < size; i++) {
		if (!rp_strlist_has(known, want->v[i])) {
			n += (size_t)snprintf(
			    out + n, size - n, "%s%s", n > 0 ? ", " : "", want->v[i]);
		}
	}
}

static void set_acl(struct rp_api_call *c, const struct rp_strlist *want)
{
	struct rp_strlist known = {0};
	char unknown[256];
	if (want->n > ACL_GROUPS_MAX) {
		rp_reply_fail(c, 400, "allowed_user_groups: at most %d", ACL_GROUPS_MAX);
		return;
	}
	int code = rp_users_groups(c->api->users, &known);
	if (code == 0) {
		unknown_groups(&known, want, unknown, sizeof(unknown));
		rp_strlist_fini(&known);
		if (unknown[0] != '\0') {
			rp_reply_fail(c, 404, "user groups not found: %s", unknown);
			return;
		}
		code = rp_registry_acl_set(
		    c->api->parts.registry, c->params[0], want, on_deleted, c);
	}
	if (code != 0) {
		rp_reply_code(c, code, NULL);
	}
}

void rp_api_client_acl(struct rp_api_call *c)
{
	struct acl_body b = {0};
	if (rp_api_client(c) == NULL || rp_api_body(c, &acl_table, true, &b) != 0) {
		return;
	}
	set_acl(c, &b.allowed_user_groups);
	rp_json_release(&acl_table, &b);
}
