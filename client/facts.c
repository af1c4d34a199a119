/* SPDX-License-Identifier: MIT */
/*
 * Reading the small files, and making clean texts of what is in them.
 */
#include "client/facts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/err.h"

#include "core/banned.h"

static bool join(const char *root, const char *path, char out[static PATH_MAX])
{
	int n = snprintf(out, PATH_MAX, "%s%s", root, path);
	return n > 0 && n < PATH_MAX;
}

/* -1: it cannot be read, or is something else than a file. */
static int open_file(const char *root, const char *path)
{
	char full[PATH_MAX];
	struct stat st;
	int fd = join(root, path, full) ? open(full, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
	                                : -1;
	if (fd >= 0 && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))) {
		(void)close(fd);
		fd = -1;
	}
	return fd;
}

/* Fills what is free in f. False: there is nothing more. */
static bool read_more(int fd, struct rp_fact_file *f)
{
	ssize_t got;
	do {
		got = read(fd, f->text + f->n, sizeof(f->text) - 1 - f->n);
	} while (got < 0 && errno == EINTR);
	f->n += got > 0 ? (size_t)got : 0;
	return got > 0;
}

void rp_fact_read(const char *root, const char *path, struct rp_fact_file *f)
{
	int fd = open_file(root, path);
	f->n = 0;
	while (fd >= 0 && f->n < sizeof(f->text) - 1 && read_more(fd, f)) {
	}
	if (fd >= 0) {
		(void)close(fd);
	}
	f->text[f->n] = '\0';
}

/* Hands out the whole lines in f and keeps the beginning of the next. */
static bool take_lines(
    struct rp_fact_file *f, bool *skip, bool (*on_line)(void *ctx, struct rp_str line), void *ctx)
{
	size_t at = 0;
	const char *end;
	while ((end = memchr(f->text + at, '\n', f->n - at)) != NULL) {
		size_t len = (size_t)(end - f->text) - at;
		if (!*skip && !on_line(ctx, rp_str_n(f->text + at, len))) {
			return false;
		}
		*skip = false;
		at += len + 1;
	}
	f->n -= at;
	memmove(f->text, f->text + at, f->n);
	if (f->n == sizeof(f->text) - 1) {
		*skip = true;
		f->n = 0;
	}
	return true;
}

void rp_fact_lines(const char *root, const char *path, struct rp_fact_file *f,
    bool (*on_line)(void *ctx, struct rp_str line), void *ctx)
{
	int fd = open_file(root, path);
	bool skip = false;
	bool more = fd >= 0;
	f->n = 0;
	while (more && read_more(fd, f)) {
		more = take_lines(f, &skip, on_line, ctx);
	}
	if (more && !skip && f->n > 0) {
		(void)on_line(ctx, rp_str_n(f->text, f->n));
	}
	if (fd >= 0) {
		(void)close(fd);
	}
}

bool rp_fact_exists(const char *root, const char *path)
{
	char full[PATH_MAX];
	return join(root, path, full) && access(full, F_OK) == 0;
}

bool rp_fact_value(const struct rp_fact_file *f, const char *key, char sep, struct rp_str *value)
{
	struct rp_str rest = rp_str_n(f->text, f->n);
	struct rp_str line;
	while (rp_str_split(&rest, '\n', &line)) {
		struct rp_str name;
		(void)rp_str_split(&line, sep, &name);
		if (line.p != NULL && rp_str_eq(rp_str_trim(name), key)) {
			*value = rp_str_trim(line);
			return true;
		}
	}
	return false;
}

int rp_fact_set(char **field, struct rp_str value)
{
	char clean[RP_FACT_TEXT_MAX + 1];
	size_t n = 0;
	value = rp_str_trim(value);
	for (size_t i = 0; i < value.len;) {
		size_t len = rp_utf8_len(value.p + i, value.len - i);
		bool printable = len > 1 || (len == 1 && value.p[i] >= ' ' && value.p[i] != 0x7f);
		size_t step = len == 0 ? 1 : len;
		if (n + (printable ? len : 1) > RP_FACT_TEXT_MAX) {
			break;
		}
		if (printable) {
			memcpy(clean + n, value.p + i, len);
		} else {
			clean[n] = '?';
		}
		n += printable ? len : 1;
		i += step;
	}
	char *copy = n > 0 ? rp_str_dup(rp_str_n(clean, n)) : rp_strdup("unknown");
	if (copy == NULL) {
		return RP_ENOMEM;
	}
	rp_free(*field);
	*field = copy;
	return 0;
}
