/* SPDX-License-Identifier: MIT */
/*
 * Credentials of clients in a JSON file. Each look-up asks the file system whether it is still the
 * file that was read, so that what an administrator writes counts from the next login on; a broken
 * version is logged once and the content before it stays in force. Written anew as a whole, sorted
 * and indented by tabs as the original does, and put in place by rename.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "core/file.h"
#include "core/json.h"
#include "core/jsonpretty.h"
#include "core/jsonw.h"
#include "core/log.h"
#include "server/clientauth_int.h"

#include "core/banned.h"

#define FILE_MAX  (16u * 1024 * 1024)
#define COMPONENT "client-auth"
/* A file that was written so shortly before it was read may be written again without another time
 * stamp: it is read once more. */
#define RECENT_NS (INT64_C(100) * RP_NS_PER_MS)

/* Which version of the file. All zero: none was there. */
struct version {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec changed; /* ctime: also a rename or a change of mode */
	bool recent;
};

struct file {
	pthread_mutex_t lock; /* what follows */
	struct rp_hash pairs;
	struct version seen;
	char *path;
};

/* --- reading --- */

static struct version version_of(const struct stat *st)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_REALTIME, &now);
	int64_t age = (int64_t)(now.tv_sec - st->st_ctim.tv_sec) * RP_NS_PER_S +
	    (now.tv_nsec - st->st_ctim.tv_nsec);
	return (struct version){
	    .dev = st->st_dev,
	    .ino = st->st_ino,
	    .size = st->st_size,
	    .changed = st->st_ctim,
	    .recent = age < RECENT_NS,
	};
}

static bool same_version(const struct version *a, const struct version *b)
{
	return !a->recent && a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	    a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

static int read_open(int fd, const struct stat *st, char **text, size_t *n)
{
	*text = rp_malloc((size_t)st->st_size + 1);
	if (*text == NULL) {
		return RP_ENOMEM;
	}
	*n = 0;
	ssize_t got = 1;
	while (got > 0 && *n < (size_t)st->st_size) {
		got = read(fd, *text + *n, (size_t)st->st_size - *n);
		*n += got > 0 ? (size_t)got : 0;
	}
	if (got < 0) {
		rp_free(*text);
		return RP_EIO;
	}
	return 0;
}

/* Text of the file and its version. */
static int read_file(
    const char *path, char **text, size_t *n, struct version *version, struct rp_err *err)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) != 0) {
		int e = errno;
		if (fd >= 0) {
			(void)close(fd);
		}
		return rp_err_set(err, RP_EIO, "%s", rp_err_text(-e));
	}
	int code = RP_ELIMIT;
	if (S_ISREG(st.st_mode) && st.st_size <= (off_t)FILE_MAX) {
		*version = version_of(&st);
		code = read_open(fd, &st, text, n);
	}
	(void)close(fd);
	if (code == RP_ELIMIT) {
		return rp_err_set(err, code, "not a regular file of at most %u bytes", FILE_MAX);
	}
	return code == 0 ? 0 : rp_err_set(err, code, "%s", rp_err_text(code));
}

static int take_pairs(const struct rp_json *j, struct rp_hash *h, struct rp_err *err)
{
	if (rp_json_type(j) != RP_JSON_OBJECT) {
		return rp_err_set(err, RP_EINVAL, "expected an object {\"<id>\":\"<password>\"}");
	}
	for (const struct rp_json *m = rp_json_first(j); m != NULL; m = rp_json_next(m)) {
		const char *id = rp_json_key(m);
		const char *password = rp_json_string(m);
		if (password == NULL) {
			return rp_err_set(err, RP_EINVAL, "the password of an id is not a string");
		}
		if (id[0] == '\0' || password[0] == '\0') {
			return rp_err_set(
			    err, RP_EINVAL, "empty client auth ID or password is not allowed");
		}
		if (rp_clientauth_pairs_put(h, rp_str_c(id), password) != 0) {
			return rp_err_no_memory(err);
		}
	}
	return 0;
}

/* What the file holds now; on failure there is nothing to free. */
static int load(
    const char *path, struct rp_hash *pairs, struct version *version, struct rp_err *err)
{
	char *text = NULL;
	size_t n = 0;
	struct rp_json *j = NULL;
	rp_hash_init(pairs);
	int code = read_file(path, &text, &n, version, err);
	if (code == 0) {
		code = rp_json_parse(text, n, &j, err);
		code = code != 0 ? code : take_pairs(j, pairs, err);
		rp_json_free(j);
		rp_secret_wipe(text, n);
		rp_free(text);
	}
	if (code != 0) {
		rp_clientauth_pairs_free(pairs);
		return rp_err_wrap(err, "auth_file %s", path);
	}
	return 0;
}

/* Takes *pairs. */
static void swap(struct file *f, struct rp_hash *pairs, const struct version *version)
{
	pthread_mutex_lock(&f->lock);
	struct rp_hash old = f->pairs;
	f->pairs = *pairs;
	f->seen = *version;
	pthread_mutex_unlock(&f->lock);
	rp_clientauth_pairs_free(&old);
}

/* Reads the file again if it is another one than before. */
static void refresh(struct file *f)
{
	struct stat st;
	struct version now = {0};
	struct rp_hash pairs;
	struct rp_err err = {0};
	if (stat(f->path, &st) == 0) {
		now = version_of(&st);
	}
	pthread_mutex_lock(&f->lock);
	bool same = same_version(&f->seen, &now);
	f->seen = now;
	pthread_mutex_unlock(&f->lock);
	if (same) {
		return;
	}
	if (load(f->path, &pairs, &now, &err) != 0) {
		rp_log_error(COMPONENT, "%s; the credentials read before stay in force", err.msg);
		return;
	}
	swap(f, &pairs, &now);
	rp_log_info(COMPONENT, "credentials read again");
}

static bool check(void *self, const char *id, const char *password)
{
	struct file *f = self;
	refresh(f);
	pthread_mutex_lock(&f->lock);
	bool equal = rp_clientauth_equal(rp_clientauth_pairs_get(&f->pairs, id), password);
	pthread_mutex_unlock(&f->lock);
	return equal;
}

static int list(void *self, const char *id, struct rp_clientauth_list *out, struct rp_err *err)
{
	struct file *f = self;
	refresh(f);
	pthread_mutex_lock(&f->lock);
	int code = rp_clientauth_pairs_list(&f->pairs, id, out);
	pthread_mutex_unlock(&f->lock);
	return code == 0 ? 0 : rp_err_set(err, code, "%s", rp_err_text(code));
}

/* --- writing --- */

static int by_id(const void *a, const void *b)
{
	const struct rp_clientauth_pair *x = a;
	const struct rp_clientauth_pair *y = b;
	return strcmp(x->id, y->id);
}

static int print(struct rp_hash *pairs, struct rp_buf *out)
{
	struct rp_clientauth_list l = {0};
	struct rp_buf compact;
	struct rp_jsonw w;
	int code = rp_clientauth_pairs_list(pairs, NULL, &l);
	if (l.n > 1) {
		qsort(l.v, l.n, sizeof(*l.v), by_id);
	}
	rp_buf_init(&compact, FILE_MAX);
	rp_jsonw_init(&w, &compact);
	rp_jsonw_obj(&w);
	for (size_t i = 0; i < l.n; i++) {
		rp_jsonw_put_str(&w, l.v[i].id, l.v[i].password);
		rp_free(l.v[i].id);
		rp_free_secret(l.v[i].password);
	}
	rp_jsonw_obj_end(&w);
	rp_free(l.v);
	int written = rp_jsonw_end(&w);
	code = code != 0 ? code : written;
	if (code == 0) {
		code = rp_json_pretty(rp_str_n(rp_buf_head(&compact), compact.len), "\t", out);
	}
	if (compact.len > 0) {
		rp_secret_wipe(rp_buf_head(&compact), compact.len);
	}
	rp_buf_fini(&compact);
	return code;
}

static int replace(const char *path, const struct rp_buf *text, struct rp_err *err)
{
	int code = rp_file_replace(path, rp_str_n(rp_buf_head(text), text->len), 0666);
	return code == 0 ? 0
	                 : rp_err_set(err, code == RP_ENOMEM ? code : RP_EIO,
	                       "auth_file %s cannot be written: %s", path, rp_err_text(code));
}

/* The pairs, changed, become the file and count from then on. Takes *pairs. */
static int save(struct file *f, struct rp_hash *pairs, struct rp_err *err)
{
	struct rp_buf text;
	struct version none = {0};
	rp_buf_init(&text, FILE_MAX);
	int code = print(pairs, &text);
	code = code == 0 ? replace(f->path, &text, err)
	                 : rp_err_set(err, code, "auth_file %s: %s", f->path, rp_err_text(code));
	if (text.len > 0) {
		rp_secret_wipe(rp_buf_head(&text), text.len);
	}
	rp_buf_fini(&text);
	if (code != 0) {
		rp_clientauth_pairs_free(pairs);
		return code;
	}
	swap(f, pairs, &none);
	return 0;
}

static int add(void *self, const struct rp_clientauth_pair *pair, struct rp_err *err)
{
	struct file *f = self;
	struct rp_hash pairs;
	struct version version;
	int code = load(f->path, &pairs, &version, err);
	if (code != 0) {
		return code;
	}
	if (rp_clientauth_pairs_get(&pairs, pair->id) != NULL) {
		code = rp_err_set(err, RP_EEXIST, "there is such an id");
	} else if (pairs.count >= RP_CLIENTAUTH_MAX) {
		code = rp_err_set(err, RP_ELIMIT, "auth_file %s: there are %d credentials", f->path,
		    RP_CLIENTAUTH_MAX);
	} else if (rp_clientauth_pairs_put(&pairs, rp_str_c(pair->id), pair->password) != 0) {
		code = rp_err_no_memory(err);
	}
	if (code != 0) {
		rp_clientauth_pairs_free(&pairs);
		return code;
	}
	return save(f, &pairs, err);
}

static int remove_id(void *self, const char *id, struct rp_err *err)
{
	struct file *f = self;
	struct rp_hash pairs;
	struct version version;
	int code = load(f->path, &pairs, &version, err);
	if (code != 0) {
		return code;
	}
	if (rp_clientauth_pairs_get(&pairs, id) == NULL) {
		rp_clientauth_pairs_free(&pairs);
		return rp_err_set(err, RP_ENOENT, "there is no such id");
	}
	rp_clientauth_pairs_remove(&pairs, id);
	return save(f, &pairs, err);
}

/* --- life --- */

static void file_free(void *self)
{
	struct file *f = self;
	rp_clientauth_pairs_free(&f->pairs);
	pthread_mutex_destroy(&f->lock);
	rp_free(f->path);
	rp_free(f);
}

static const struct rp_clientauth_source source = {
    .name = "File",
    .check = check,
    .list = list,
    .add = add,
    .remove = remove_id,
    .free = file_free,
};

int rp_clientauth_file(const char *path, struct rp_clientauth **out, struct rp_err *err)
{
	struct file *f = rp_calloc(1, sizeof(*f));
	if (f == NULL) {
		return rp_err_no_memory(err);
	}
	pthread_mutex_init(&f->lock, NULL);
	rp_hash_init(&f->pairs);
	f->path = rp_strdup(path);
	int code = f->path == NULL ? rp_err_no_memory(err) : load(path, &f->pairs, &f->seen, err);
	if (code != 0) {
		file_free(f);
		return code;
	}
	return rp_clientauth_new(&source, f, out, err);
}
