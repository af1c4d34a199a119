/* SPDX-License-Identifier: MIT */
/*
 * The file is written under a name of ours in a folder of ours, checked there, and then renamed. When
 * the destination is on another file system, a copy beside the destination is what is renamed: nobody
 * ever sees half a file under the name that was asked for.
 */
#include "client/incoming.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "client/sudo.h"
#include "core/alloc.h"
#include "core/log.h"

#include "core/banned.h"

#define COMPONENT     "file-reception"
#define MODE_MAX      0777
#define ID_NAME_MAX   64u
#define ACCOUNT_BYTES ((size_t)16384)
#define BLOCK         ((size_t)65536)
/* The space that is left is looked at whenever so much has come. */
#define LOOK_EVERY ((uint64_t)1024 * 1024)
#define NO_ID      ((uid_t)-1)

static int failed(struct rp_err *err, const char *what, const char *path)
{
	int code = -errno;
	return rp_err_set(err, code, "%s %.150s: %s", what, path, rp_err_text(code));
}

static bool is_cancelled(const struct rp_incoming *in)
{
	return atomic_load(in->cancelled);
}

static int cancelled(struct rp_err *err)
{
	return rp_err_set(err, RP_ECLOSED, "the connection was lost");
}

static void remark(struct rp_incoming *in, const char *fmt, ...) RP_PRINTF(2, 3);
static void remark(struct rp_incoming *in, const char *fmt, ...)
{
	size_t n = strlen(in->remarks);
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(in->remarks + n, sizeof(in->remarks) - n, fmt, ap);
	va_end(ap);
}

/* Owner and group */

/* Also a word of the command line of chown. */
static bool is_account(const char *name)
{
	size_t n = strspn(
	    name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-@\\$");
	return n <= ID_NAME_MAX && name[n] == '\0' && name[0] != '-';
}

static bool is_number(const char *name, uint32_t *id)
{
	uint64_t v;
	bool ok = rp_str_u64(rp_str_c(name), UINT32_MAX - 1, &v) == 0;
	*id = ok ? (uint32_t)v : 0;
	return ok;
}

static int find_user(const char *name, uid_t *uid)
{
	struct passwd pw;
	struct passwd *found = NULL;
	char *bytes = rp_malloc(ACCOUNT_BYTES);
	if (bytes == NULL) {
		return RP_ENOMEM;
	}
	int rc = getpwnam_r(name, &pw, bytes, ACCOUNT_BYTES, &found);
	bool ok = rc == 0 && found != NULL;
	*uid = ok ? pw.pw_uid : NO_ID;
	rp_free(bytes);
	return ok || is_number(name, uid) ? 0 : RP_ENOENT;
}

static int find_group(const char *name, gid_t *gid)
{
	struct group gr;
	struct group *found = NULL;
	char *bytes = rp_malloc(ACCOUNT_BYTES);
	if (bytes == NULL) {
		return RP_ENOMEM;
	}
	int rc = getgrnam_r(name, &gr, bytes, ACCOUNT_BYTES, &found);
	bool ok = rc == 0 && found != NULL;
	*gid = ok ? gr.gr_gid : (gid_t)NO_ID;
	rp_free(bytes);
	return ok || is_number(name, gid) ? 0 : RP_ENOENT;
}

/* Numbers of what is asked for; NO_ID: nothing is. */
static int find_ids(const struct rp_incoming *in, uid_t *uid, gid_t *gid, struct rp_err *err)
{
	*uid = NO_ID;
	*gid = (gid_t)NO_ID;
	if (in->req.owner[0] != '\0' && find_user(in->req.owner, uid) != 0) {
		return rp_err_set(err, RP_ENOENT, "unknown user %s", in->req.owner);
	}
	if (in->req.group[0] != '\0' && find_group(in->req.group, gid) != 0) {
		return rp_err_set(err, RP_ENOENT, "unknown group %s", in->req.group);
	}
	return 0;
}

static bool ids_fit(const struct stat *st, uid_t uid, gid_t gid)
{
	return (uid == NO_ID || st->st_uid == uid) && (gid == (gid_t)NO_ID || st->st_gid == gid);
}

/* The request */

int rp_incoming_init(struct rp_incoming *in, struct rp_err *err)
{
	in->folder = -1;
	in->fd = -1;
	if (in->req.destination[0] == '\0') {
		return rp_err_set(err, RP_EINVAL, "empty destination file path");
	}
	if (in->req.mode < 0 || in->req.mode > MODE_MAX) {
		return rp_err_set(err, RP_EINVAL,
		    "invalid destination file mode: expected permissions up to 0777");
	}
	if (!is_account(in->req.owner)) {
		return rp_err_set(err, RP_EINVAL, "invalid destination file owner");
	}
	if (!is_account(in->req.group)) {
		return rp_err_set(err, RP_EINVAL, "invalid destination file group");
	}
	return 0;
}

/* Is it wanted? */

static int hash_file(const struct rp_incoming *in, int fd, uint8_t *md5)
{
	struct rp_md5_stream *s = NULL;
	uint8_t *block = rp_malloc(BLOCK);
	int code = block == NULL ? RP_ENOMEM : rp_md5_stream_new(&s);
	ssize_t n = 1;
	while (code == 0 && n > 0) {
		n = read(fd, block, BLOCK);
		code = n < 0 ? -errno : rp_md5_stream_add(s, block, (size_t)n);
		code = code == 0 && is_cancelled(in) ? RP_ECLOSED : code;
	}
	code = code != 0 ? code : rp_md5_stream_end(s, md5);
	rp_md5_stream_free(s);
	rp_free(block);
	return code;
}

/* Is the file that is there another one than it is to be? */
static int differs(
    const struct rp_incoming *in, const struct rp_place *p, bool *answer, struct rp_err *err)
{
	uint8_t md5[16];
	struct stat st;
	uid_t uid;
	gid_t gid;
	int fd = openat(
	    p->folder, p->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 && errno == ELOOP) {
		*answer = true; /* a link, which makes room for the file */
		return 0;
	}
	if (fd < 0 || fstat(fd, &st) != 0) {
		int code = failed(err, "cannot read", in->req.destination);
		if (fd >= 0) {
			(void)close(fd);
		}
		return code;
	}
	int code = hash_file(in, fd, md5);
	(void)close(fd);
	if (code != 0) {
		return rp_err_set(
		    err, code, "cannot read %.150s: %s", in->req.destination, rp_err_text(code));
	}
	code = find_ids(in, &uid, &gid, err);
	*answer = memcmp(md5, in->req.md5, sizeof(md5)) != 0 ||
	    (in->req.mode > 0 && (st.st_mode & 07777) != (mode_t)in->req.mode) ||
	    !ids_fit(&st, uid, gid);
	return code;
}

/* What stands at the destination: nothing, a file or a link. Nothing else is replaced. */
static int look(
    const struct rp_incoming *in, const struct rp_place *p, bool *exists, struct rp_err *err)
{
	struct stat st;
	*exists = p->there;
	if (!p->there) {
		return 0;
	}
	if (fstatat(p->folder, p->name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
		*exists = false;
		return errno == ENOENT ? 0 : failed(err, "cannot look at", in->req.destination);
	}
	if (!S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode)) {
		return rp_err_set(err, RP_EDENIED, "%.150s is %s, which is not replaced",
		    in->req.destination, S_ISDIR(st.st_mode) ? "a folder" : "no regular file");
	}
	return 0;
}

int rp_incoming_check(struct rp_incoming *in, bool *wanted, struct rp_err *err)
{
	struct rp_place p;
	bool exists;
	*wanted = true;
	int code = rp_place_open(&p, in->req.destination, &in->rules, 0, err);
	if (code != 0) {
		return code;
	}
	code = look(in, &p, &exists, err);
	if (code == 0 && exists && !in->req.force) {
		*wanted = false;
		code = in->req.sync ? differs(in, &p, wanted, err) : 0;
	}
	rp_place_close(&p);
	return code;
}

/* The file of ours */

static int open_folder(const char *path, struct rp_err *err)
{
	struct stat st;
	if (mkdir(path, 0700) != 0 && errno != EEXIST) {
		return failed(err, "cannot make the folder", path);
	}
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		return failed(err, "cannot open the folder", path);
	}
	if (fstat(fd, &st) != 0 || st.st_uid != geteuid() ||
	    (st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
		(void)close(fd);
		return rp_err_set(err, RP_EDENIED,
		    "the folder %.150s must belong to the client's user, and nobody else may "
		    "write there",
		    path);
	}
	return fd;
}

int rp_incoming_open(struct rp_incoming *in, struct rp_err *err)
{
	char uuid[RP_UUID_TEXT_MAX];
	char *path = rp_asprintf("%s" RP_INCOMING_PLACE, in->data_dir);
	if (path == NULL || rp_md5_stream_new(&in->md5) != 0 ||
	    rp_sha256_stream_new(&in->sha256) != 0) {
		rp_free(path);
		return rp_err_no_memory(err);
	}
	int code = open_folder(path, err);
	in->folder = code;
	if (code >= 0) {
		rp_uuid4(uuid);
		(void)snprintf(in->name, sizeof(in->name), "%s" RP_INCOMING_SUFFIX, uuid);
		in->fd = openat(
		    in->folder, in->name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		code = in->fd < 0 ? failed(err, "cannot make a file in", path) : 0;
	}
	rp_free(path);
	return code;
}

static int write_all(int fd, const uint8_t *p, size_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, p, n);
		if (done < 0 && errno != EINTR) {
			return -errno;
		}
		if (done > 0) {
			p += done;
			n -= (size_t)done;
		}
	}
	return 0;
}

/* Is there room for n bytes beside what is kept free? */
static bool has_room(int fd, uint64_t n)
{
	struct statvfs fs;
	if (fstatvfs(fd, &fs) != 0) {
		return true;
	}
	uint64_t reserve = RP_MIN(RP_INCOMING_RESERVE, (uint64_t)fs.f_blocks * fs.f_frsize / 20);
	return (uint64_t)fs.f_bavail * fs.f_frsize >= reserve + n;
}

static int no_room(struct rp_err *err, const char *path)
{
	return rp_err_set(err, -ENOSPC, "cannot write to %.150s: %s", path, rp_err_text(-ENOSPC));
}

int rp_incoming_write(struct rp_incoming *in, const uint8_t *p, size_t n, struct rp_err *err)
{
	if (is_cancelled(in)) {
		return cancelled(err);
	}
	if ((in->size == 0 || in->size / LOOK_EVERY != (in->size + n) / LOOK_EVERY) &&
	    !has_room(in->fd, n)) {
		return no_room(err, in->data_dir);
	}
	int code = write_all(in->fd, p, n);
	if (code != 0) {
		return rp_err_set(
		    err, code, "cannot write to %.150s: %s", in->data_dir, rp_err_text(code));
	}
	in->size += n;
	code = rp_md5_stream_add(in->md5, p, n);
	code = code != 0 ? code : rp_sha256_stream_add(in->sha256, p, n);
	return code != 0 ? rp_err_set(err, code, "%s", rp_err_text(code)) : 0;
}

/* To its place */

static int check_sum(struct rp_incoming *in, struct rp_err *err)
{
	uint8_t md5[16];
	uint8_t sha256[32];
	char hex[33];
	int code = rp_md5_stream_end(in->md5, md5);
	code = code != 0 ? code : rp_sha256_stream_end(in->sha256, sha256);
	if (code != 0) {
		return rp_err_set(err, code, "%s", rp_err_text(code));
	}
	rp_hex(sha256, sizeof(sha256), in->sha256_text);
	if (memcmp(md5, in->req.md5, sizeof(md5)) == 0) {
		return 0;
	}
	rp_hex(in->req.md5, sizeof(in->req.md5), hex);
	return rp_err_set(err, RP_EPROTO,
	    "md5 check failed: checksum from server %s doesn't equal the calculated checksum", hex);
}

static char *own_path(const struct rp_incoming *in)
{
	return rp_asprintf("%s" RP_INCOMING_PLACE "/%s", in->data_dir, in->name);
}

static int sudo_chown(const struct rp_incoming *in, struct rp_err *err)
{
	char *path = own_path(in);
	char *whom = in->req.group[0] == '\0' ? rp_strdup(in->req.owner)
	                                      : rp_asprintf("%s:%s", in->req.owner, in->req.group);
	const char *const words[] = {"chown", whom, path, NULL};
	int code = path == NULL || whom == NULL ? rp_err_no_memory(err) : rp_sudo_run(words, err);
	rp_free(path);
	rp_free(whom);
	return code;
}

/* What of it fails does not keep the file from its place, as with the original. */
static void set_attributes(struct rp_incoming *in)
{
	struct rp_err err = {0};
	struct stat st;
	uid_t uid;
	gid_t gid;
	mode_t mode = in->req.mode != 0 ? (mode_t)in->req.mode : RP_INCOMING_MODE & ~in->umask;
	if (fchmod(in->fd, mode) != 0) {
		remark(in, "chmod failed: %s.", rp_err_text(-errno));
	}
	int code = find_ids(in, &uid, &gid, &err);
	if (code == 0 && fstat(in->fd, &st) == 0 && !ids_fit(&st, uid, gid) &&
	    fchown(in->fd, uid, gid) != 0) {
		code = geteuid() == 0 || errno != EPERM
		    ? rp_err_set(&err, -errno, "%s", rp_err_text(-errno))
		    : sudo_chown(in, &err);
	}
	if (code != 0) {
		remark(in, "chown of %s failed: %s.", in->name, err.msg);
	}
}

static int copy_bytes(const struct rp_incoming *in, int to)
{
	uint8_t *block = rp_malloc(BLOCK);
	int code = block == NULL ? RP_ENOMEM : 0;
	off_t at = 0;
	while (code == 0) {
		ssize_t n = pread(in->fd, block, BLOCK, at);
		if (n <= 0) {
			code = n < 0 ? -errno : 0;
			break;
		}
		code = is_cancelled(in) ? RP_ECLOSED : write_all(to, block, (size_t)n);
		at += n;
	}
	rp_free(block);
	return code;
}

/* Mode, owner and group as those of our file. */
static int copy_attributes(struct rp_incoming *in, int to)
{
	struct stat st;
	struct stat now;
	if (fstat(in->fd, &st) != 0 || fstat(to, &now) != 0) {
		return -errno;
	}
	if ((now.st_uid != st.st_uid || now.st_gid != st.st_gid) &&
	    fchown(to, st.st_uid, st.st_gid) != 0) {
		remark(in, "chown of the copy failed: %s.", rp_err_text(-errno));
	}
	return fchmod(to, st.st_mode & 07777) != 0 || fsync(to) != 0 ? -errno : 0;
}

/* By a copy in the destination's folder. */
static int place_copy(struct rp_incoming *in, const struct rp_place *p)
{
	char name[sizeof(in->name) + 1];
	(void)snprintf(name, sizeof(name), ".%s", in->name);
	int to = openat(
	    p->folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to < 0) {
		return -errno;
	}
	int code = has_room(to, in->size) ? copy_bytes(in, to) : -ENOSPC;
	code = code != 0 ? code : copy_attributes(in, to);
	if (close(to) != 0 && code == 0) {
		code = -errno;
	}
	if (code == 0 && renameat(p->folder, name, p->folder, p->name) != 0) {
		code = -errno;
	}
	if (code != 0) {
		(void)unlinkat(p->folder, name, 0);
	}
	return code;
}

static bool is_link(const struct rp_place *p)
{
	struct stat st;
	return fstatat(p->folder, p->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode);
}

/* By name, so nobody may be able to turn the path elsewhere meanwhile. A link to a folder would take the
 * file into that, if -T did not replace it; it stands last for the sake of sudoers rules. */
static int sudo_move(struct rp_incoming *in, const struct rp_place *p, struct rp_err *err)
{
	if (!p->steady) {
		return rp_err_set(err, RP_EDENIED,
		    "%.150s: permission denied, and sudo is not used where others can change the "
		    "path",
		    in->req.destination);
	}
	char *from = own_path(in);
	char *to = rp_asprintf("%s/%s", p->path, p->name);
	const char *no_folder = p->guarded && !is_link(p) ? NULL : "-T";
	const char *const words[] = {"mv", from, to, no_folder, NULL};
	int code = from == NULL || to == NULL ? rp_err_no_memory(err) : rp_sudo_run(words, err);
	rp_free(from);
	rp_free(to);
	if (code == 0) {
		in->name[0] = '\0';
	}
	return code != 0 ? rp_err_wrap(err, "%.100s: permission denied", in->req.destination) : 0;
}

static int move(struct rp_incoming *in, const struct rp_place *p, struct rp_err *err)
{
	int code = 0;
	bool exists;
	if (look(in, p, &exists, err) != 0) {
		return err->code;
	}
	if (renameat(in->folder, in->name, p->folder, p->name) == 0) {
		in->name[0] = '\0';
		return 0;
	}
	code = errno == EXDEV ? place_copy(in, p) : -errno;
	if ((code == -EACCES || code == -EPERM) && geteuid() != 0) {
		return sudo_move(in, p, err);
	}
	return code == 0 ? 0
	                 : rp_err_set(err, code, "cannot move the file to %.150s: %s",
	                       in->req.destination, rp_err_text(code));
}

/* The entry of the file is on disk as well. */
static void sync_folder(const struct rp_place *p)
{
	int fd = openat(p->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		(void)fsync(fd);
		(void)close(fd);
	}
}

/* Whoever may read the file may go to it; only we write. */
static mode_t folder_mode(int64_t mode)
{
	mode_t read = (mode_t)(mode != 0 ? mode : RP_INCOMING_MODE) & 044;
	return 0700 | read | read >> 2;
}

int rp_incoming_place(struct rp_incoming *in, struct rp_err *err)
{
	struct rp_place p;
	int code = check_sum(in, err);
	if (code != 0) {
		return code;
	}
	if (is_cancelled(in)) {
		return cancelled(err);
	}
	set_attributes(in);
	if (fsync(in->fd) != 0) {
		return failed(err, "cannot write to", in->data_dir);
	}
	code = rp_place_open(&p, in->req.destination, &in->rules, folder_mode(in->req.mode), err);
	if (code != 0) {
		return code;
	}
	code = move(in, &p, err);
	if (code == 0) {
		sync_folder(&p);
	}
	rp_place_close(&p);
	return code;
}

/* The end */

void rp_incoming_drop(struct rp_incoming *in)
{
	if (in->fd >= 0) {
		(void)close(in->fd);
		in->fd = -1;
		if (in->name[0] != '\0') {
			(void)unlinkat(in->folder, in->name, 0);
		}
	}
	if (in->folder >= 0) {
		(void)close(in->folder);
		in->folder = -1;
	}
	rp_md5_stream_free(in->md5);
	rp_sha256_stream_free(in->sha256);
	in->md5 = NULL;
	in->sha256 = NULL;
}

static bool is_left_over(const char *name)
{
	size_t n = strlen(name);
	size_t suffix = strlen(RP_INCOMING_SUFFIX);
	return n == RP_UUID_TEXT_MAX - 1 + suffix &&
	    strcmp(name + n - suffix, RP_INCOMING_SUFFIX) == 0;
}

void rp_incoming_clean(const char *data_dir)
{
	char *path = rp_asprintf("%s" RP_INCOMING_PLACE, data_dir);
	DIR *d = path != NULL ? opendir(path) : NULL;
	const struct dirent *e;
	while (d != NULL && (e = readdir(d)) != NULL) {
		if (is_left_over(e->d_name) && unlinkat(dirfd(d), e->d_name, 0) != 0) {
			rp_log_error(COMPONENT,
			    "%s/%s is left from before and cannot be removed: %s", path, e->d_name,
			    rp_err_text(-errno));
		}
	}
	if (d != NULL) {
		(void)closedir(d);
	}
	rp_free(path);
}
