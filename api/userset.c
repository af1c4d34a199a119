/* SPDX-License-Identifier: MIT */
/*
 * The set is made anew for each change, so nothing here has to be undone.
 */
#include "api/userset.h"

#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/crypto.h"

#include "core/banned.h"

#define F(key, kind, flags)                                                       \
	{                                                                         \
#key, RP_FIELD_##kind, flags, offsetof(struct rp_user, key), NULL \
	}
static const struct rp_json_field user_fields[] = {
    F(username, STR, RP_FIELD_F_REQUIRED),
    F(password, STR, RP_FIELD_F_REQUIRED),
    F(groups, STRLIST, 0),
    F(password_expired, BOOL, RP_FIELD_F_OMITEMPTY),
    F(two_fa_send_to, STR, RP_FIELD_F_OMITEMPTY),
    F(totp_secret, STR, RP_FIELD_F_OMITEMPTY),
};
const struct rp_json_table rp_user_table = RP_JSON_TABLE(user_fields, struct rp_user);

static void wipe(char *s)
{
	if (s != NULL) {
		rp_secret_wipe(s, strlen(s));
	}
}

static void user_fini(struct rp_user *user)
{
	wipe(user->password);
	wipe(user->totp_secret);
	rp_json_release(&rp_user_table, user);
}

void rp_userset_fini(struct rp_userset *s)
{
	for (size_t i = 0; i < s->n; i++) {
		user_fini(&s->v[i]);
	}
	for (size_t i = 0; i < s->n_groups; i++) {
		rp_free(s->groups[i].name);
	}
	rp_free(s->v);
	rp_free(s->by_name);
	rp_free(s->groups);
	*s = (struct rp_userset){0};
}

static int grow(struct rp_userset *s)
{
	if (s->n < s->cap) {
		return 0;
	}
	size_t cap = s->cap == 0 ? 16 : s->cap * 2;
	struct rp_user *v = rp_reallocarray(s->v, cap, sizeof(*v));
	if (v == NULL) {
		return RP_ENOMEM;
	}
	s->v = v;
	s->cap = cap;
	return 0;
}

/* Texts that a store may leave out are never NULL. */
static int fill(char **text)
{
	if (*text == NULL) {
		*text = rp_strdup("");
	}
	return *text != NULL ? 0 : RP_ENOMEM;
}

/* The original takes a TOTP secret away by putting a blank in its place. */
static void drop_blank(char *secret)
{
	if (secret != NULL && rp_str_trim(rp_str_c(secret)).len == 0) {
		secret[0] = '\0';
	}
}

int rp_userset_take(struct rp_userset *s, struct rp_user *user)
{
	int code = s->n < RP_USERS_MAX ? grow(s) : RP_ELIMIT;
	code = code != 0 ? code : fill(&user->two_fa_send_to);
	code = code != 0 ? code : fill(&user->totp_secret);
	if (code != 0) {
		user_fini(user);
		return code;
	}
	drop_blank(user->totp_secret);
	s->v[s->n++] = *user;
	*user = (struct rp_user){0};
	return 0;
}

static int compare(const void *a, const void *b, void *ctx)
{
	const struct rp_userset *s = ctx;
	const size_t *x = a;
	const size_t *y = b;
	return strcmp(s->v[*x].username, s->v[*y].username);
}

int rp_userset_sort(struct rp_userset *s, const char **twice)
{
	size_t *by_name = rp_reallocarray(s->by_name, s->n + 1, sizeof(*by_name));
	if (by_name == NULL) {
		return RP_ENOMEM;
	}
	s->by_name = by_name;
	for (size_t i = 0; i < s->n; i++) {
		by_name[i] = i;
	}
	qsort_r(by_name, s->n, sizeof(*by_name), compare, s);
	for (size_t i = 1; i < s->n; i++) {
		if (compare(&by_name[i - 1], &by_name[i], s) == 0) {
			*twice = s->v[by_name[i]].username;
			return RP_EEXIST;
		}
	}
	return 0;
}

struct rp_user *rp_userset_find(const struct rp_userset *s, const char *name)
{
	size_t low = 0;
	size_t high = s->n;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = strcmp(name, s->v[s->by_name[mid]].username);
		if (order == 0) {
			return &s->v[s->by_name[mid]];
		}
		if (order < 0) {
			high = mid;
		} else {
			low = mid + 1;
		}
	}
	return NULL;
}

static struct rp_group *find_group(const struct rp_userset *s, const char *name)
{
	for (size_t i = 0; i < s->n_groups; i++) {
		if (strcmp(s->groups[i].name, name) == 0) {
			return &s->groups[i];
		}
	}
	return NULL;
}

const struct rp_group *rp_userset_group(const struct rp_userset *s, const char *name)
{
	return find_group(s, name);
}

int rp_userset_group_put(struct rp_userset *s, const char *name, unsigned permissions)
{
	struct rp_group *g = find_group(s, name);
	if (g != NULL) {
		g->permissions = permissions;
		return 0;
	}
	if (s->n_groups >= RP_USERS_MAX) {
		return RP_ELIMIT;
	}
	g = rp_reallocarray(s->groups, s->n_groups + 1, sizeof(*g));
	if (g == NULL) {
		return RP_ENOMEM;
	}
	s->groups = g;
	g += s->n_groups;
	*g = (struct rp_group){.name = rp_strdup(name), .permissions = permissions};
	if (g->name == NULL) {
		return RP_ENOMEM;
	}
	s->n_groups++;
	return 0;
}

/* --- changes --- */

static int set_text(char **slot, const char *text)
{
	if (text == NULL) {
		return 0;
	}
	char *copy = rp_strdup(text);
	if (copy == NULL) {
		return RP_ENOMEM;
	}
	wipe(*slot);
	rp_free(*slot);
	*slot = copy;
	return 0;
}

/* Each name once, and none that is empty. */
static int set_groups(struct rp_strlist *groups, const struct rp_strlist *want)
{
	struct rp_strlist l = {0};
	for (size_t i = 0; i < want->n; i++) {
		if (want->v[i][0] != '\0' && !rp_strlist_has(&l, want->v[i]) &&
		    rp_strlist_add(&l, rp_str_c(want->v[i])) != 0) {
			rp_strlist_fini(&l);
			return RP_ENOMEM;
		}
	}
	rp_strlist_fini(groups);
	*groups = l;
	return 0;
}

static int change_user(struct rp_user *user, const struct rp_user_change *c)
{
	int code = set_text(&user->username, c->username);
	code = code != 0 ? code : set_text(&user->password, c->password);
	code = code != 0 ? code : set_text(&user->two_fa_send_to, c->two_fa_send_to);
	code = code != 0 ? code : set_text(&user->totp_secret, c->totp_secret);
	drop_blank(user->totp_secret);
	if (code == 0 && c->groups != NULL) {
		code = set_groups(&user->groups, c->groups);
	}
	if (c->password != NULL) {
		user->password_expired = false;
	}
	if (c->password_expired != NULL) {
		user->password_expired = *c->password_expired;
	}
	return code;
}

static int add(struct rp_userset *s, const struct rp_users_op *op)
{
	struct rp_user user = {0};
	int code = change_user(&user, &op->change);
	if (code != 0) {
		user_fini(&user);
		return code;
	}
	return rp_userset_take(s, &user);
}

static int no_such_user(const char *name, struct rp_err *err)
{
	return rp_err_set(err, RP_ENOENT, "cannot find user by username '%s'", name);
}

static void delete_user(struct rp_userset *s, struct rp_user *user)
{
	user_fini(user);
	s->n--;
	memmove(user, user + 1, (size_t)(s->v + s->n - user) * sizeof(*user));
}

static void leave_group(struct rp_strlist *groups, const char *name)
{
	size_t kept = 0;
	for (size_t i = 0; i < groups->n; i++) {
		if (strcmp(groups->v[i], name) == 0) {
			rp_free(groups->v[i]);
		} else {
			groups->v[kept++] = groups->v[i];
		}
	}
	groups->n = kept;
}

static void delete_group(struct rp_userset *s, const char *name)
{
	struct rp_group *g = find_group(s, name);
	if (g != NULL) {
		rp_free(g->name);
		*g = s->groups[--s->n_groups];
	}
	for (size_t i = 0; i < s->n; i++) {
		leave_group(&s->v[i].groups, name);
	}
}

static size_t administrators(const struct rp_userset *s)
{
	size_t n = 0;
	for (size_t i = 0; i < s->n; i++) {
		n += rp_strlist_has(&s->v[i].groups, RP_ADMIN_GROUP);
	}
	return n;
}

static int change(struct rp_userset *s, const struct rp_users_op *op, struct rp_err *err)
{
	struct rp_user *user = op->kind == RP_USERS_CHANGE || op->kind == RP_USERS_DELETE
	    ? rp_userset_find(s, op->name)
	    : NULL;
	switch (op->kind) {
	case RP_USERS_ADD:
		return add(s, op);
	case RP_USERS_CHANGE:
		return user == NULL ? no_such_user(op->name, err) : change_user(user, &op->change);
	case RP_USERS_DELETE:
		if (user == NULL) {
			return no_such_user(op->name, err);
		}
		delete_user(s, user);
		return 0;
	case RP_USERS_GROUP_PUT:
		return rp_userset_group_put(s, op->name, op->permissions);
	case RP_USERS_GROUP_DELETE:
		delete_group(s, op->name);
		return 0;
	case RP_USERS_RELOAD:
	case RP_USERS_REFRESH:
		break;
	}
	return 0;
}

int rp_userset_apply(struct rp_userset *s, const struct rp_users_op *op, struct rp_err *err)
{
	size_t admins = administrators(s);
	const char *twice;
	struct rp_err why = {0};
	int code = change(s, op, &why);
	code = code != 0 ? code : rp_userset_sort(s, &twice);
	if (code == RP_EEXIST) {
		return rp_err_set(err, code, "Another user with this username already exists");
	}
	if (code != 0) {
		return rp_err_set(
		    err, code, "%s", why.msg[0] != '\0' ? why.msg : rp_err_text(code));
	}
	if (admins > 0 && administrators(s) == 0) {
		return rp_err_set(
		    err, RP_EDENIED, "at least one user must stay in the group " RP_ADMIN_GROUP);
	}
	return 0;
}
