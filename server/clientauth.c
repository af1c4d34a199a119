/* SPDX-License-Identifier: MIT */
/*
 * Credentials of clients in memory, guarded by a mutex because every worker asks. The file
 * variant looks at the file's change time
 * once a second and swaps the whole table when a new version reads well.
 */
#include "server/clientauth.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <uv.h>

#include "core/alloc.h"
#include "core/crypto.h"
#include "core/hash.h"
#include "core/json.h"
#include "core/log.h"

#include "core/banned.h"

#define FILE_MAX  (16u * 1024 * 1024)
#define POLL_MS   1000
#define COMPONENT "client-auth"

struct pair {
	struct rp_hash_node node;
	char *id;
	char *password;
};

struct rp_clientauth {
	pthread_mutex_t lock;
	struct rp_hash pairs;
	char *path; /* NULL = static */
	uv_fs_poll_t poll;
	bool polling;
	/* Compared against when the id is unknown, so that the time tells nothing about which
	 * ids exist. */
	char dummy[33];
};

static void free_pair(struct rp_hash_node *node, void *ctx)
{
	struct rp_hash *h = ctx;
	struct pair *p = RP_CONTAINER_OF(node, struct pair, node);
	rp_hash_remove(h, node);
	rp_free(p->id);
	rp_free_secret(p->password);
	rp_free(p);
}

static void free_pairs(struct rp_hash *h)
{
	rp_hash_each(h, free_pair, h);
	rp_hash_fini(h);
}

/* A repeated id in the file: the last one counts, as with the original's JSON reader. */
static int add_pair(struct rp_hash *h, struct rp_str id, const char *password)
{
	struct pair *p = rp_calloc(1, sizeof(*p));
	if (p == NULL) {
		return RP_ENOMEM;
	}
	p->id = rp_str_dup(id);
	p->password = rp_strdup(password);
	struct rp_hash_node *old = p->id == NULL ? NULL : rp_hash_get(h, p->id);
	if (old != NULL) {
		free_pair(old, h);
	}
	if (p->id == NULL || p->password == NULL || rp_hash_put(h, &p->node, p->id) != 0) {
		rp_free(p->id);
		rp_free_secret(p->password);
		rp_free(p);
		return RP_ENOMEM;
	}
	return 0;
}

static int auth_new(struct rp_clientauth **out, struct rp_err *err)
{
	struct rp_clientauth *a = rp_calloc(1, sizeof(*a));
	if (a == NULL) {
		(void)rp_err_set(err, RP_ENOMEM, "out of memory");
		return RP_ENOMEM;
	}
	pthread_mutex_init(&a->lock, NULL);
	rp_hash_init(&a->pairs);
	rp_random_text(a->dummy, sizeof(a->dummy) - 1);
	*out = a;
	return 0;
}

int rp_clientauth_static(const char *text, struct rp_clientauth **out, struct rp_err *err)
{
	const char *colon = strchr(text, ':');
	if (colon == NULL || colon == text || colon[1] == '\0') {
		return rp_err_set(err, RP_EINVAL,
		    "invalid client auth credentials, expected '<client-id>:<password>'");
	}
	struct rp_clientauth *a;
	int code = auth_new(&a, err);
	if (code != 0) {
		return code;
	}
	code = add_pair(&a->pairs, rp_str_n(text, (size_t)(colon - text)), colon + 1);
	if (code != 0) {
		rp_clientauth_free(a);
		return rp_err_set(err, code, "out of memory");
	}
	*out = a;
	return 0;
}

static int read_file(const char *path, char **text, size_t *n, struct rp_err *err)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0) {
		int e = errno;
		if (fd >= 0) {
			(void)close(fd);
		}
		return rp_err_set(err, RP_EIO, "auth_file %s: %s", path, rp_err_text(-e));
	}
	if (!S_ISREG(st.st_mode) || st.st_size > (off_t)FILE_MAX) {
		(void)close(fd);
		return rp_err_set(err, RP_ELIMIT,
		    "auth_file %s: not a regular file of at most %u bytes", path, FILE_MAX);
	}
	*text = rp_malloc((size_t)st.st_size + 1);
	if (*text == NULL) {
		(void)close(fd);
		return rp_err_set(err, RP_ENOMEM, "out of memory");
	}
	*n = 0;
	ssize_t got = 1;
	while (got > 0 && *n < (size_t)st.st_size) {
		got = read(fd, *text + *n, (size_t)st.st_size - *n);
		*n += got > 0 ? (size_t)got : 0;
	}
	(void)close(fd);
	if (got < 0) {
		rp_free(*text);
		return rp_err_set(err, RP_EIO, "auth_file %s cannot be read", path);
	}
	return 0;
}

static int load_pairs(const struct rp_json *j, struct rp_hash *h, struct rp_err *err)
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
		if (add_pair(h, rp_str_c(id), password) != 0) {
			return rp_err_set(err, RP_ENOMEM, "out of memory");
		}
	}
	return 0;
}

static int load_file(struct rp_clientauth *a, struct rp_err *err)
{
	char *text = NULL;
	size_t n = 0;
	struct rp_json *j = NULL;
	struct rp_hash pairs;
	int code = read_file(a->path, &text, &n, err);
	if (code != 0) {
		return code;
	}
	rp_hash_init(&pairs);
	code = rp_json_parse(text, n, &j, err);
	if (code == 0) {
		code = load_pairs(j, &pairs, err);
	}
	rp_json_free(j);
	rp_secret_wipe(text, n);
	rp_free(text);
	if (code != 0) {
		free_pairs(&pairs);
		return rp_err_wrap(err, "auth_file %s", a->path);
	}
	pthread_mutex_lock(&a->lock);
	struct rp_hash old = a->pairs;
	a->pairs = pairs;
	pthread_mutex_unlock(&a->lock);
	free_pairs(&old);
	return 0;
}

/* uv_fs_poll does the stat on a pool thread; reading the small file itself is left on the
 * control loop. */
static void on_file(uv_fs_poll_t *poll, int status, const uv_stat_t *prev, const uv_stat_t *curr)
{
	(void)prev;
	(void)curr;
	struct rp_clientauth *a = poll->data;
	struct rp_err err = {0};
	if (status != 0 || load_file(a, &err) != 0) {
		rp_log_error(COMPONENT, "%s; the credentials read before stay in force",
		    status != 0 ? uv_strerror(status) : err.msg);
		return;
	}
	rp_log_info(COMPONENT, "credentials read again from %s", a->path);
}

int rp_clientauth_file(
    struct rp_loop *loop, const char *path, struct rp_clientauth **out, struct rp_err *err)
{
	struct rp_clientauth *a;
	int code = auth_new(&a, err);
	if (code != 0) {
		return code;
	}
	a->path = rp_strdup(path);
	code = a->path == NULL ? rp_err_set(err, RP_ENOMEM, "out of memory") : load_file(a, err);
	if (code != 0) {
		rp_clientauth_free(a);
		return code;
	}
	RP_VERIFY(uv_fs_poll_init(rp_loop_uv(loop), &a->poll) == 0);
	a->poll.data = a;
	a->polling = true;
	code = uv_fs_poll_start(&a->poll, on_file, path, POLL_MS);
	if (code != 0) {
		/* The handle is closed with the others; the file just is not watched. */
		rp_log_error(COMPONENT, "%s is not watched: %s", path, uv_strerror(code));
	}
	*out = a;
	return 0;
}

bool rp_clientauth_check(struct rp_clientauth *a, const char *id, const char *password)
{
	pthread_mutex_lock(&a->lock);
	struct rp_hash_node *node = rp_hash_get(&a->pairs, id);
	const char *want = node == NULL ? a->dummy
	                                : RP_CONTAINER_OF(node, struct pair, node)->password;
	bool equal = rp_secret_str_eq(want, password);
	pthread_mutex_unlock(&a->lock);
	return equal && node != NULL;
}

void rp_clientauth_close(struct rp_clientauth *a)
{
	if (a != NULL && a->polling) {
		a->polling = false;
		uv_close((uv_handle_t *)&a->poll, NULL);
	}
}

void rp_clientauth_free(struct rp_clientauth *a)
{
	if (a == NULL) {
		return;
	}
	free_pairs(&a->pairs);
	pthread_mutex_destroy(&a->lock);
	rp_free(a->path);
	rp_free(a);
}

const char *rp_clientauth_source(const struct rp_clientauth *a)
{
	return a->path == NULL ? "Static Credentials" : "File";
}
