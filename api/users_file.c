/* SPDX-License-Identifier: MIT */
/*
 * RPort's JSON file of users. Other programs (rport user, a second server) may change it too: the
 * lock is flock(2) on the file itself, and since a change puts a new file in its place, whoever
 * got the lock looks whether the name still leads to it.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "api/password.h"
#include "api/users_source.h"
#include "core/alloc.h"
#include "core/crypto.h"
#include "core/file.h"
#include "core/json.h"
#include "core/jsonpretty.h"
#include "core/jsonw.h"

#include "core/banned.h"

#define FILE_MAX      (16u * 1024 * 1024)
#define LOCK_TRIES    100
#define LOCK_PAUSE_MS 50
#define INDENT        "    "

struct file {
	char *path;
	int fd; /* locked, or -1 */
};

static int fail_errno(const struct file *f, struct rp_err *err)
{
	return rp_err_set(err, RP_EIO, "API: api.auth_file %s: %s", f->path, rp_err_text(-errno));
}

/* --- reading --- */

static int check_user(const struct rp_user *user, size_t i, struct rp_err *err)
{
	if (user->username[0] == '\0') {
		return rp_err_set(err, RP_EINVAL, "user %zu: username is empty", i + 1);
	}
	if (!rp_password_is_hash(user->password)) {
		return rp_err_set(err, RP_EINVAL,
		    "user \"%s\": password is not a bcrypt hash beginning with $2y$ (htpasswd -nbB makes one)",
		    user->username);
	}
	return 0;
}

static int take(const struct rp_json *m, struct rp_userset *out, struct rp_err *err)
{
	struct rp_user user = {0};
	int code = rp_json_decode(m, &rp_user_table, false, &user, err);
	if (code != 0) {
		return code;
	}
	code = check_user(&user, out->n, err);
	if (code != 0) {
		rp_json_release(&rp_user_table, &user);
		return code;
	}
	code = rp_userset_take(out, &user);
	return code == 0 ? 0 : rp_err_set(err, code, "%s", rp_err_text(code));
}

static int take_all(const struct rp_json *j, struct rp_userset *out, struct rp_err *err)
{
	const char *twice;
	if (rp_json_type(j) != RP_JSON_ARRAY) {
		return rp_err_set(err, RP_EINVAL, "expected a list of users");
	}
	for (const struct rp_json *m = rp_json_first(j); m != NULL; m = rp_json_next(m)) {
		int code = take(m, out, err);
		if (code != 0) {
			return code;
		}
	}
	int code = rp_userset_sort(out, &twice);
	if (code == RP_EEXIST) {
		return rp_err_set(err, RP_EINVAL, "user \"%s\" stands there twice", twice);
	}
	return code == 0 ? 0 : rp_err_set(err, code, "%s", rp_err_text(code));
}

static int read_text(const struct file *f, int fd, char **text, size_t *n, struct rp_err *err)
{
	struct stat st;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > (off_t)FILE_MAX) {
		return rp_err_set(err, RP_EIO,
		    "API: api.auth_file %s: not a regular file of at most %u bytes", f->path,
		    FILE_MAX);
	}
	*text = rp_malloc((size_t)st.st_size + 1);
	if (*text == NULL) {
		return rp_err_no_memory(err);
	}
	*n = 0;
	ssize_t got = 1;
	while (got > 0 && *n < (size_t)st.st_size) {
		got = read(fd, *text + *n, (size_t)st.st_size - *n);
		*n += got > 0 ? (size_t)got : 0;
	}
	if (got >= 0) {
		return 0;
	}
	rp_free_secret(*text);
	return fail_errno(f, err);
}

static int read_users(const struct file *f, int fd, struct rp_userset *out, struct rp_err *err)
{
	char *text = NULL;
	size_t n = 0;
	struct rp_json *j = NULL;
	int code = read_text(f, fd, &text, &n, err);
	if (code != 0) {
		return code;
	}
	code = rp_json_parse(text, n, &j, err);
	code = code != 0 ? code : take_all(j, out, err);
	rp_json_free(j);
	rp_secret_wipe(text, n);
	rp_free(text);
	return code == 0 ? 0 : rp_err_wrap(err, "API: api.auth_file %s", f->path);
}

/* --- the lock --- */

static bool still_there(const struct file *f, int fd)
{
	struct stat mine;
	struct stat now;
	return fstat(fd, &mine) == 0 && stat(f->path, &now) == 0 && mine.st_ino == now.st_ino &&
	    mine.st_dev == now.st_dev;
}

/* The open file, locked; or a code. */
static int lock(const struct file *f, struct rp_err *err)
{
	const struct timespec pause = {.tv_nsec = LOCK_PAUSE_MS * 1000000L};
	for (int i = 0; i < LOCK_TRIES; i++) {
		int fd = open(f->path, O_RDONLY | O_CLOEXEC);
		if (fd < 0) {
			return fail_errno(f, err);
		}
		bool locked = flock(fd, LOCK_EX | LOCK_NB) == 0;
		if (locked && still_there(f, fd)) {
			return fd;
		}
		(void)close(fd);
		if (!locked) {
			(void)nanosleep(&pause, NULL);
		}
	}
	return rp_err_set(
	    err, RP_EBUSY, "API: api.auth_file %s is locked by another program", f->path);
}

static void unlock(void *self)
{
	struct file *f = self;
	(void)close(f->fd);
	f->fd = -1;
}

static int load(void *self, bool with_lock, struct rp_userset *out, struct rp_err *err)
{
	struct file *f = self;
	int fd = with_lock ? lock(f, err) : open(f->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		return with_lock ? fd : fail_errno(f, err);
	}
	int code = read_users(f, fd, out, err);
	if (code == 0 && with_lock) {
		f->fd = fd;
	} else {
		(void)close(fd);
	}
	return code;
}

/* --- writing --- */

static int print(const struct rp_userset *now, struct rp_buf *out)
{
	struct rp_buf compact;
	struct rp_jsonw w;
	rp_buf_init(&compact, FILE_MAX);
	rp_jsonw_init(&w, &compact);
	rp_jsonw_structs(&w, &rp_user_table, now->v, now->n);
	int code = rp_jsonw_end(&w);
	if (code == 0) {
		code = rp_json_pretty(rp_str_n(rp_buf_head(&compact), compact.len), INDENT, out);
		rp_secret_wipe(rp_buf_head(&compact), compact.len);
	}
	rp_buf_fini(&compact);
	return code;
}

/* Of the mode stays at most that the group may read, where that is how a server under another name
 * than the owner's does it. */
static int replace(const struct file *f, const struct rp_buf *text, struct rp_err *err)
{
	struct stat old;
	bool group = fstat(f->fd, &old) == 0 && (old.st_mode & 0077) == 0040;
	int code = rp_file_replace(
	    f->path, rp_str_n(rp_buf_head(text), text->len), group ? 0640 : 0600);
	return code == 0
	    ? 0
	    : rp_err_set(err, code == RP_ENOMEM ? code : RP_EIO,
	          "API: api.auth_file %s cannot be written: %s", f->path, rp_err_text(code));
}

static int save(
    void *self, const struct rp_users_op *op, const struct rp_userset *now, struct rp_err *err)
{
	struct file *f = self;
	struct rp_buf text;
	(void)op; /* the file is written as a whole */
	rp_buf_init(&text, FILE_MAX);
	int code = print(now, &text);
	code = code == 0 ? replace(f, &text, err) : rp_err_set(err, code, "%s", rp_err_text(code));
	if (text.len > 0) {
		rp_secret_wipe(rp_buf_head(&text), text.len);
	}
	rp_buf_fini(&text);
	unlock(f);
	return code;
}

static void file_free(void *self)
{
	struct file *f = self;
	rp_free(f->path);
	rp_free(f);
}

int rp_users_file_open(const struct rp_server_config *cfg, void **self, struct rp_err *err)
{
	struct file *f = rp_calloc(1, sizeof(*f));
	if (f == NULL) {
		return rp_err_no_memory(err);
	}
	f->fd = -1;
	f->path = rp_strdup(cfg->api.auth_file);
	if (f->path == NULL) {
		rp_free(f);
		return rp_err_no_memory(err);
	}
	*self = f;
	return 0;
}

const struct rp_users_source rp_users_file = {
    .name = "File",
    .load = load,
    .save = save,
    .unlock = unlock,
    .free = file_free,
};
