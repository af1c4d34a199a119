/* SPDX-License-Identifier: MIT */
/*
 * The user store of the API. bcrypt is libxcrypt's.
 */
#include "api/users.h"

#include <crypt.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/crypto.h"
#include "core/json.h"

#include "core/banned.h"

#define FILE_MAX (16u * 1024 * 1024)
/* Hash of a random text that nobody knows: only its running time counts. */
#define DUMMY_HASH "$2y$10$CqmGMI46jeB7yacQ8mhXUupmAuV95Yi4X26O2gy4ebFAKbdNF/6oq"

struct rp_users {
	bool fixed; /* one static user */
	struct rp_user *v;
	size_t n;
};

#define F(key, kind, flags)                                                       \
	{                                                                         \
#key, RP_FIELD_##kind, flags, offsetof(struct rp_user, key), NULL \
	}
static const struct rp_json_field user_fields[] = {
    F(username, STR, RP_FIELD_F_REQUIRED),
    F(password, STR, RP_FIELD_F_REQUIRED),
    F(groups, STRLIST, 0),
    F(password_expired, BOOL, 0),
    F(two_fa_send_to, STR, 0),
};
static const struct rp_json_table user_table = RP_JSON_TABLE(user_fields, struct rp_user);

void rp_users_free(struct rp_users *u)
{
	if (u == NULL) {
		return;
	}
	for (size_t i = 0; i < u->n; i++) {
		if (u->v[i].password != NULL) {
			rp_secret_wipe(u->v[i].password, strlen(u->v[i].password));
		}
		rp_json_release(&user_table, &u->v[i]);
	}
	rp_free(u->v);
	rp_free(u);
}

static int static_user(struct rp_users *u, const char *text, struct rp_err *err)
{
	const char *colon = strchr(text, ':');
	if (colon == NULL || colon == text || colon[1] == '\0') {
		return rp_err_set(err, RP_EINVAL, "API: api.auth: expected '<user>:<password>'");
	}
	u->fixed = true;
	u->v = rp_calloc(1, sizeof(*u->v));
	if (u->v == NULL) {
		return rp_err_set(err, RP_ENOMEM, "out of memory");
	}
	u->n = 1;
	u->v[0].username = rp_strndup(text, (size_t)(colon - text));
	u->v[0].password = rp_strdup(colon + 1);
	u->v[0].two_fa_send_to = rp_strdup("");
	if (u->v[0].username == NULL || u->v[0].password == NULL ||
	    u->v[0].two_fa_send_to == NULL ||
	    rp_strlist_add(&u->v[0].groups, rp_str_c(RP_ADMIN_GROUP)) != 0) {
		return rp_err_set(err, RP_ENOMEM, "out of memory");
	}
	return 0;
}

static bool bcrypt_form(const char *hash)
{
	return strlen(hash) == 60 && hash[0] == '$' && hash[1] == '2' &&
	    strchr("aby", hash[2]) != NULL && hash[3] == '$';
}

static int check_user(
    const struct rp_users *u, const struct rp_user *user, size_t i, struct rp_err *err)
{
	if (user->username[0] == '\0') {
		return rp_err_set(err, RP_EINVAL, "user %zu: username is empty", i + 1);
	}
	if (!bcrypt_form(user->password)) {
		return rp_err_set(err, RP_EINVAL,
		    "user \"%s\": password is not a bcrypt hash beginning with $2y$ (htpasswd -nbB makes one)",
		    user->username);
	}
	if (rp_users_find(u, user->username) != NULL) {
		return rp_err_set(err, RP_EINVAL, "user \"%s\" stands there twice", user->username);
	}
	return 0;
}

static int load(struct rp_users *u, const struct rp_json *j, struct rp_err *err)
{
	if (rp_json_type(j) != RP_JSON_ARRAY) {
		return rp_err_set(err, RP_EINVAL, "expected a list of users");
	}
	u->v = rp_calloc(rp_json_count(j) + 1, sizeof(*u->v));
	if (u->v == NULL) {
		return rp_err_set(err, RP_ENOMEM, "out of memory");
	}
	size_t i = 0;
	for (const struct rp_json *m = rp_json_first(j); m != NULL; m = rp_json_next(m), i++) {
		struct rp_user user = {0};
		int code = rp_json_decode(m, &user_table, false, &user, err);
		if (code != 0) {
			return code;
		}
		code = check_user(u, &user, i, err);
		if (code != 0) {
			rp_json_release(&user_table, &user);
			return code;
		}
		u->v[u->n++] = user;
	}
	return 0;
}

static int read_text(const char *path, char **text, size_t *n, struct rp_err *err)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > (off_t)FILE_MAX) {
		int e = fd < 0 ? errno : EINVAL;
		if (fd >= 0) {
			(void)close(fd);
		}
		return rp_err_set(err, RP_EIO, "API: api.auth_file %s: %s", path, rp_err_text(-e));
	}
	*text = rp_malloc((size_t)st.st_size + 1);
	if (*text == NULL) {
		(void)close(fd);
		return rp_err_set(err, RP_ENOMEM, "out of memory");
	}
	ssize_t got = read(fd, *text, (size_t)st.st_size);
	(void)close(fd);
	if (got < 0) {
		rp_free(*text);
		return rp_err_set(err, RP_EIO, "API: api.auth_file %s cannot be read", path);
	}
	*n = (size_t)got;
	return 0;
}

static int file_users(struct rp_users *u, const char *path, struct rp_err *err)
{
	char *text = NULL;
	size_t n = 0;
	struct rp_json *j = NULL;
	int code = read_text(path, &text, &n, err);
	if (code != 0) {
		return code;
	}
	code = rp_json_parse(text, n, &j, err);
	code = code != 0 ? code : load(u, j, err);
	rp_json_free(j);
	rp_free(text);
	return code == 0 ? 0 : rp_err_wrap(err, "API: api.auth_file %s", path);
}

int rp_users_new(const struct rp_conf_api *cfg, struct rp_users **out, struct rp_err *err)
{
	struct rp_users *u = rp_calloc(1, sizeof(*u));
	int code;
	if (u == NULL) {
		return rp_err_set(err, RP_ENOMEM, "out of memory");
	}
	if (cfg->auth[0] != '\0') {
		code = static_user(u, cfg->auth, err);
	} else if (cfg->auth_file[0] != '\0') {
		code = file_users(u, cfg->auth_file, err);
	} else {
		code = rp_err_set(err, RP_EUNSUPPORTED,
		    "API: api.auth_user_table is not built yet: use 'auth' or 'auth_file'");
	}
	if (code != 0) {
		rp_users_free(u);
		return code;
	}
	*out = u;
	return 0;
}

const struct rp_user *rp_users_find(const struct rp_users *u, const char *name)
{
	for (size_t i = 0; i < u->n; i++) {
		if (strcmp(u->v[i].username, name) == 0) {
			return &u->v[i];
		}
	}
	return NULL;
}

void rp_users_each(
    const struct rp_users *u, void (*fn)(void *ctx, const struct rp_user *user), void *ctx)
{
	for (size_t i = 0; i < u->n; i++) {
		fn(ctx, &u->v[i]);
	}
}

const char *rp_users_decoy(const struct rp_users *u)
{
	return u->n == 0 ? NULL : u->v[0].password;
}

bool rp_users_static(const struct rp_users *u)
{
	return u->fixed;
}

const char *rp_users_source(const struct rp_users *u)
{
	return u->fixed ? "Static Credentials" : "File";
}

bool rp_users_bcrypt(const char *hash, const char *password)
{
	const char *want = hash != NULL ? hash : DUMMY_HASH;
	struct crypt_data *data = rp_calloc(1, sizeof(*data));
	if (data == NULL) {
		return false;
	}
	/* Not crypt_r: the address sanitizer has one of its own, which wants the shared library. */
	const char *got = crypt_rn(password, want, data, (int)sizeof(*data));
	bool equal = got != NULL && rp_secret_str_eq(got, want) && hash != NULL;
	rp_secret_wipe(data, sizeof(*data));
	rp_free(data);
	return equal;
}
