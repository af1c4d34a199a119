/* SPDX-License-Identifier: MIT */
/*
 * A file of another name in the same folder, synced, renamed, and the folder synced.
 */
#include "core/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/err.h"

#include "core/banned.h"

void rp_file_raise_limit(void)
{
	struct rlimit lim;
	if (getrlimit(RLIMIT_NOFILE, &lim) == 0 && lim.rlim_cur < lim.rlim_max) {
		lim.rlim_cur = lim.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &lim);
	}
}

int rp_file_write_all(int fd, const void *p, size_t n)
{
	const char *at = p;
	while (n > 0) {
		ssize_t done = write(fd, at, n);
		if (done < 0 && errno != EINTR) {
			return -errno;
		}
		at += done > 0 ? done : 0;
		n -= done > 0 ? (size_t)done : 0;
	}
	return 0;
}

int rp_file_sync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash == NULL ? rp_strdup(".") : rp_strndup(path, (size_t)(slash - path) + 1);
	if (dir == NULL) {
		return RP_ENOMEM;
	}
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		(void)fsync(fd);
		(void)close(fd);
	}
	rp_free(dir);
	return 0;
}

static int take_over(const char *from, int fd, mode_t allowed)
{
	struct stat old;
	struct stat new;
	if (fstat(fd, &new) != 0) {
		return -errno;
	}
	if (stat(from, &old) != 0) {
		return errno == ENOENT ? 0 : -errno; /* mkostemp has made it 0600 */
	}
	bool same = old.st_uid == new.st_uid &&old.st_gid == new.st_gid;
	bool kept = same || fchown(fd, old.st_uid, old.st_gid) == 0;
	return fchmod(fd, old.st_mode & allowed & (kept ? 0777 : 0600)) == 0 ? 0 : -errno;
}

static int fill(int fd, const char *from, struct rp_str text, mode_t allowed)
{
	int code = take_over(from, fd, allowed);
	code = code != 0 ? code : rp_file_write_all(fd, text.p, text.len);
	return code == 0 && fsync(fd) != 0 ? -errno : code;
}

int rp_file_replace(const char *path, struct rp_str text, mode_t allowed)
{
	char real[PATH_MAX];
	const char *target = realpath(path, real);
	if (target == NULL && errno != ENOENT) {
		return -errno;
	}
	target = target != NULL ? target : path;
	char *temp = rp_asprintf("%s.XXXXXX", target);
	if (temp == NULL) {
		return RP_ENOMEM;
	}
	int fd = mkostemp(temp, O_CLOEXEC);
	int code = fd < 0 ? -errno : fill(fd, target, text, allowed);
	if (fd >= 0 && close(fd) != 0 && code == 0) {
		code = -errno;
	}
	if (code == 0 && rename(temp, target) != 0) {
		code = -errno;
	}
	if (code != 0 && fd >= 0) {
		(void)unlink(temp);
	}
	rp_free(temp);
	if (code == 0) {
		(void)rp_file_sync_folder(target);
	}
	return code;
}
