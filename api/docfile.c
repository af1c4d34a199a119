/* SPDX-License-Identifier: MIT */
/*
 * openat2 lets the kernel keep the path below the root, links inside it included. Where it is missing
 * (before Linux 5.6, or forbidden by a sandbox) the path is walked part by part, and no link is
 * followed at all.
 */
#include "api/docfile.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/err.h"
#include "core/str.h"

#include "core/banned.h"

#define OPEN_FLAGS (O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
#define PART_MAX   256

/* A descriptor or a negative errno. */
static int open_beneath(int root, const char *path)
{
	const struct open_how how = {
	    .flags = OPEN_FLAGS,
	    .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	long fd = syscall(SYS_openat2, root, path, &how, sizeof(how));
	return fd < 0 ? -errno : (int)fd;
}

static int open_walking(int root, const char *path)
{
	struct rp_str rest = rp_str_c(path);
	struct rp_str part;
	int fd = root;
	while (rp_str_split(&rest, '/', &part)) {
		char name[PART_MAX];
		int flags = rest.p != NULL ? O_PATH | O_DIRECTORY | O_CLOEXEC : OPEN_FLAGS;
		bool bad = part.len == 0 || part.len >= sizeof(name) || rp_str_eq(part, "..");
		(void)snprintf(
		    name, sizeof(name), "%.*s", (int)RP_MIN(part.len, sizeof(name) - 1), part.p);
		int next = bad ? -1 : openat(fd, name, flags | O_NOFOLLOW);
		int code = bad ? ENOENT : errno;
		if (fd != root) {
			(void)close(fd);
		}
		if (next < 0) {
			return -code;
		}
		fd = next;
	}
	return fd;
}

static int open_file(int root, const char *path)
{
	int fd = open_beneath(root, path);
	return fd == -ENOSYS || fd == -EPERM ? open_walking(root, path) : fd;
}

/* Another's error says nothing about what there is. */
static int open_code(int code)
{
	switch (-code) {
	case ENOENT:
	case ENOTDIR:
	case EACCES:
	case EPERM:
	case ELOOP:
	case EXDEV:
	case ENAMETOOLONG:
	case ENXIO:
		return RP_ENOENT;
	default:
		return code;
	}
}

static void describe(const struct stat *st, struct rp_docfile *f)
{
	static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char months[][4] = {
	    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	struct tm tm = {0};
	(void)gmtime_r(&st->st_mtim.tv_sec, &tm);
	(void)snprintf(f->modified, sizeof(f->modified), "%s, %02d %s %04d %02d:%02d:%02d GMT",
	    days[tm.tm_wday % 7], tm.tm_mday % 100, months[tm.tm_mon % 12],
	    (tm.tm_year + 1900) % 10000, tm.tm_hour % 100, tm.tm_min % 100, tm.tm_sec % 100);
	(void)snprintf(f->etag, sizeof(f->etag), "W/\"%llx.%lx-%llx\"",
	    (unsigned long long)st->st_mtim.tv_sec, (unsigned long)st->st_mtim.tv_nsec,
	    (unsigned long long)st->st_size);
}

static int read_all(int fd, struct rp_docfile *f, size_t size)
{
	f->data = rp_malloc(size);
	if (f->data == NULL) {
		return RP_ENOMEM;
	}
	while (f->n < size) {
		ssize_t n = read(fd, f->data + f->n, size - f->n);
		if (n < 0 && errno != EINTR) {
			return -errno;
		}
		if (n == 0) {
			break; /* it became shorter */
		}
		f->n += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static int read_regular(int fd, struct rp_docfile *f)
{
	struct stat st;
	if (fstat(fd, &st) != 0) {
		return -errno;
	}
	if (S_ISDIR(st.st_mode)) {
		return RP_EEXIST;
	}
	if (!S_ISREG(st.st_mode)) {
		return RP_ENOENT;
	}
	if ((size_t)st.st_size > RP_DOCFILE_MAX) {
		return RP_ELIMIT;
	}
	describe(&st, f);
	return read_all(fd, f, (size_t)st.st_size);
}

int rp_docfile_read(int root, const char *path, struct rp_docfile *f)
{
	*f = (struct rp_docfile){0};
	int fd = open_file(root, path);
	if (fd < 0) {
		return open_code(fd);
	}
	int code = read_regular(fd, f);
	(void)close(fd);
	if (code != 0) {
		rp_docfile_fini(f);
	}
	return code;
}

void rp_docfile_fini(struct rp_docfile *f)
{
	rp_free(f->data);
	*f = (struct rp_docfile){0};
}

const char *rp_docfile_type(const char *path)
{
	static const char *const types[][2] = {
	    {"html", "text/html; charset=utf-8"},
	    {"htm", "text/html; charset=utf-8"},
	    {"css", "text/css; charset=utf-8"},
	    {"js", "text/javascript; charset=utf-8"},
	    {"mjs", "text/javascript; charset=utf-8"},
	    {"json", "application/json"},
	    {"map", "application/json"},
	    {"webmanifest", "application/manifest+json"},
	    {"txt", "text/plain; charset=utf-8"},
	    {"md", "text/plain; charset=utf-8"},
	    {"xml", "text/xml; charset=utf-8"},
	    {"svg", "image/svg+xml"},
	    {"png", "image/png"},
	    {"jpg", "image/jpeg"},
	    {"jpeg", "image/jpeg"},
	    {"gif", "image/gif"},
	    {"webp", "image/webp"},
	    {"avif", "image/avif"},
	    {"ico", "image/x-icon"},
	    {"woff", "font/woff"},
	    {"woff2", "font/woff2"},
	    {"ttf", "font/ttf"},
	    {"otf", "font/otf"},
	    {"wasm", "application/wasm"},
	    {"pdf", "application/pdf"},
	    {"mp3", "audio/mpeg"},
	    {"mp4", "video/mp4"},
	    {"webm", "video/webm"},
	};
	const char *slash = strrchr(path, '/');
	const char *dot = strrchr(slash != NULL ? slash : path, '.');
	for (size_t i = 0; dot != NULL && i < RP_ARRAY_LEN(types); i++) {
		if (rp_ascii_ieq(dot + 1, types[i][0])) {
			return types[i][1];
		}
	}
	return "application/octet-stream";
}

bool rp_docfile_is_text(const char *type)
{
	struct rp_str t = rp_str_c(type);
	return rp_str_starts(t, "text/") || strstr(type, "json") != NULL ||
	    rp_str_starts(t, "image/svg") || rp_str_starts(t, "application/wasm") ||
	    rp_str_starts(t, "font/ttf") || rp_str_starts(t, "font/otf");
}
