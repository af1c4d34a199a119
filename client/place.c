/* SPDX-License-Identifier: MIT */
/*
 * Protected is a folder in two ways: by its name, as the original does it (the destination's folder
 * or the destination itself matches a glob; with us also any folder above it), and by what it is: the
 * same folder under another name, by a link or a mount, is found by device and inode.
 */
#include "client/place.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/alloc.h"

#include "core/banned.h"

#define LINKS_MAX     16
#define PROTECTED_MAX 1024u
#define STEP_FLAGS    (O_PATH | O_NOFOLLOW | O_CLOEXEC)

struct identity {
	dev_t dev;
	ino_t ino;
	const char *pattern; /* NULL: our own */
};

struct walk {
	struct rp_place *place;
	struct rp_err *err;
	const char *destination;
	mode_t make;
	struct identity *protected;
	size_t protected_n;
	char rest[PATH_MAX]; /* not walked yet */
	int links;
	struct stat here; /* of place->folder */
};

static int refuse(struct rp_err *err, const char *path, const char *glob)
{
	return glob == NULL
	    ? rp_err_set(err, RP_EDENIED,
	          "target path %.120s belongs to the client itself, therefore the file push request "
	          "is rejected",
	          path)
	    : rp_err_set(err, RP_EDENIED,
	          "target path %.100s matches protected pattern %.60s, therefore the file push "
	          "request is rejected",
	          path, glob);
}

bool rp_place_glob_ok(const char *glob)
{
	bool in_set = false;
	for (const char *c = glob; *c != '\0'; c++) {
		if (*c == '\\') {
			c++;
			if (*c == '\0') {
				return false;
			}
		} else if (in_set) {
			in_set = *c != ']';
		} else if (*c == '[') {
			in_set = true;
			/* Neither empty nor the negation of nothing. */
			c += c[1] == '^' || c[1] == '!' ? 1 : 0;
			if (c[1] == ']') {
				return false;
			}
		}
	}
	return !in_set && *glob != '\0';
}

/* By name */

static int check_name(const char *path, const struct rp_place_rules *rules, struct rp_err *err)
{
	for (size_t i = 0; i < rules->protected->n; i++) {
		if (fnmatch(rules->protected->v[i], path, FNM_PATHNAME) == 0) {
			return refuse(err, path, rules->protected->v[i]);
		}
	}
	for (size_t i = 0; i < rules->own->n; i++) {
		if (fnmatch(rules->own->v[i], path, FNM_PATHNAME) == 0) {
			return refuse(err, path, NULL);
		}
	}
	return 0;
}

/* The destination, and each folder on the way to it. */
static int check_names(
    const char *destination, const struct rp_place_rules *rules, struct rp_err *err)
{
	char path[PATH_MAX];
	int code = 0;
	(void)snprintf(path, sizeof(path), "%s", destination);
	for (char *end = path + strlen(path); end > path && code == 0; end = strrchr(path, '/')) {
		*end = '\0';
		code = check_name(path, rules, err);
	}
	return code != 0 ? code : check_name("/", rules, err);
}

bool rp_place_is_protected(const struct rp_strlist *globs, const char *path)
{
	static const struct rp_strlist none = {0};
	const struct rp_place_rules rules = {.protected = globs, .own = &none};
	return check_names(path, &rules, NULL) != 0;
}

static int no_path(struct rp_err *err, const char *why)
{
	return rp_err_set(err, RP_EINVAL, "invalid destination file path: %s", why);
}

/* Without doubled slashes and dots; clean has PATH_MAX bytes. */
static int clean_path(const char *destination, char *clean, struct rp_err *err)
{
	struct rp_str rest = rp_str_c(destination);
	struct rp_str part;
	size_t at = 0;
	if (destination[0] != '/') {
		return no_path(err, "expected an absolute path");
	}
	if (rest.len >= PATH_MAX) {
		return no_path(err, "it is too long");
	}
	while (rp_str_split(&rest, '/', &part)) {
		if (rp_str_eq(part, "..")) {
			return no_path(err, "\"..\" is not allowed in it");
		}
		if (part.len > NAME_MAX) {
			return no_path(err, "a name in it is too long");
		}
		if (part.len > 0 && !rp_str_eq(part, ".")) {
			clean[at++] = '/';
			memcpy(clean + at, part.p, part.len);
			at += part.len;
		}
	}
	clean[at] = '\0';
	const char *last = strrchr(destination, '/') + 1;
	if (last[0] == '\0' || strcmp(last, ".") == 0) {
		return no_path(err, "expected the name of a file at its end");
	}
	return 0;
}

/* By what it is */

static int add_identity(struct walk *w, const char *path, const char *pattern)
{
	struct stat st;
	if (stat(path, &st) != 0 || w->protected_n >= PROTECTED_MAX) {
		return 0;
	}
	struct identity *v = rp_reallocarray(
	    w->protected, w->protected_n + 1, sizeof(*w->protected));
	if (v == NULL) {
		return RP_ENOMEM;
	}
	w->protected = v;
	v[w->protected_n++] = (struct identity){
	    .dev = st.st_dev, .ino = st.st_ino, .pattern = pattern};
	return 0;
}

static int add_globs(struct walk *w, const struct rp_strlist *globs, bool own)
{
	int code = 0;
	for (size_t k = 0; k < globs->n && code == 0; k++) {
		glob_t found;
		if (glob(globs->v[k], GLOB_NOSORT, NULL, &found) != 0) {
			continue;
		}
		for (size_t i = 0; i < found.gl_pathc && code == 0; i++) {
			code = add_identity(w, found.gl_pathv[i], own ? NULL : globs->v[k]);
		}
		globfree(&found);
	}
	return code;
}

static int find_protected(struct walk *w, const struct rp_place_rules *rules)
{
	int code = add_globs(w, rules->own, true);
	code = code != 0 ? code : add_globs(w, rules->protected, false);
	return code == 0 ? 0 : rp_err_set(w->err, code, "%s", rp_err_text(code));
}

static int check_identity(const struct walk *w, const struct stat *st, const char *path)
{
	for (size_t i = 0; i < w->protected_n; i++) {
		const struct identity *p = &w->protected[i];
		if (p->dev == st->st_dev && p->ino == st->st_ino) {
			return refuse(w->err, path, p->pattern);
		}
	}
	return 0;
}

/* Step by step */

static int failed(const struct walk *w, const char *what)
{
	int code = -errno;
	return rp_err_set(w->err, code, "%s %.150s: %s", what, w->destination, rp_err_text(code));
}

static bool ours(const struct stat *st)
{
	return st->st_uid == 0 || st->st_uid == geteuid();
}

/* May nobody else change what is in this folder? */
static bool trusted(const struct stat *st)
{
	return ours(st) && (st->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/* Another user's entries of /tmp are his; ours he cannot touch. */
static bool steady(const struct stat *folder, const struct stat *entry)
{
	return trusted(folder) || (ours(folder) && (folder->st_mode & S_ISVTX) != 0 && ours(entry));
}

static int push(struct walk *w, const char *name)
{
	char *path = w->place->path;
	size_t n = strlen(path);
	if (strcmp(name, "..") == 0) {
		char *slash = strrchr(path, '/');
		if (slash != NULL) {
			*slash = '\0';
		}
		return 0;
	}
	int len = snprintf(path + n, sizeof(w->place->path) - n, "/%s", name);
	if (len < 0 || (size_t)len >= sizeof(w->place->path) - n) {
		return no_path(w->err, "it is too long");
	}
	return 0;
}

/* Takes the next name off what is left; false: nothing is left. One that is too long stays so, for
 * the system to say. */
static bool next_name(struct walk *w, char *name)
{
	const char *at = w->rest + strspn(w->rest, "/");
	size_t n = strcspn(at, "/");
	while (n == 1 && at[0] == '.') {
		at += 1 + strspn(at + 1, "/");
		n = strcspn(at, "/");
	}
	if (n == 0) {
		return false;
	}
	(void)snprintf(name, NAME_MAX + 2, "%.*s", (int)RP_MIN(n, (size_t)NAME_MAX + 1), at);
	memmove(w->rest, at + n, strlen(at + n) + 1);
	return true;
}

static int enter(struct walk *w, int fd, const struct stat *st, const char *name)
{
	struct rp_place *p = w->place;
	p->steady = p->steady && steady(&w->here, st);
	if (p->folder >= 0) {
		(void)close(p->folder);
	}
	p->folder = fd;
	w->here = *st;
	int code = name == NULL ? 0 : push(w, name);
	return code != 0 ? code : check_identity(w, st, p->path);
}

static int enter_root(struct walk *w)
{
	struct stat st;
	int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		return failed(w, "cannot find the folder of");
	}
	if (fstat(fd, &st) != 0) {
		(void)close(fd);
		return failed(w, "cannot find the folder of");
	}
	w->here = st;
	w->place->path[0] = '\0';
	return enter(w, fd, &st, NULL);
}

/* fd is the link, and is closed. */
static int follow(struct walk *w, int fd)
{
	char target[PATH_MAX];
	char rest[PATH_MAX];
	ssize_t n = readlinkat(fd, "", target, sizeof(target) - 1);
	(void)close(fd);
	if (n <= 0) {
		return failed(w, "cannot read a link on the way to");
	}
	target[n] = '\0';
	if (!trusted(&w->here) || ++w->links > LINKS_MAX) {
		return rp_err_set(w->err, RP_EDENIED,
		    "target path %.150s leads over a symbolic link in a folder that others can "
		    "change, therefore the file push request is rejected",
		    w->destination);
	}
	int len = snprintf(rest, sizeof(rest), "%s/%s", target, w->rest);
	if (len < 0 || (size_t)len >= sizeof(rest)) {
		return no_path(w->err, "a link on the way is too long");
	}
	memcpy(w->rest, rest, (size_t)len + 1);
	return target[0] == '/' ? enter_root(w) : 0;
}

static int step(struct walk *w, const char *name)
{
	struct stat st;
	int fd = openat(w->place->folder, name, STEP_FLAGS);
	if (fd < 0) {
		return failed(w, "cannot open the folder of");
	}
	if (fstat(fd, &st) != 0) {
		(void)close(fd);
		return failed(w, "cannot open the folder of");
	}
	if (S_ISLNK(st.st_mode)) {
		return follow(w, fd);
	}
	if (!S_ISDIR(st.st_mode)) {
		(void)close(fd);
		errno = ENOTDIR;
		return failed(w, "cannot open the folder of");
	}
	return enter(w, fd, &st, name);
}

/* What is not there yet has only its names. */
static int check_missing(struct walk *w, const char *name, const struct rp_place_rules *rules)
{
	char path[PATH_MAX];
	int len = snprintf(
	    path, sizeof(path), "%s/%s%s/%s", w->place->path, name, w->rest, w->place->name);
	if (len < 0 || (size_t)len >= sizeof(path)) {
		return no_path(w->err, "it is too long");
	}
	return check_names(path, rules, w->err);
}

static int make_step(struct walk *w, const char *name)
{
	if (mkdirat(w->place->folder, name, w->make) != 0 && errno != EEXIST) {
		return failed(w, "cannot make the folder of");
	}
	return step(w, name);
}

static int walk(struct walk *w, const struct rp_place_rules *rules)
{
	char name[NAME_MAX + 2];
	int code = enter_root(w);
	while (code == 0 && next_name(w, name)) {
		code = step(w, name);
		if (code != -ENOENT) {
			continue;
		}
		code = check_missing(w, name, rules);
		if (w->make == 0) {
			w->place->there = false;
			return code;
		}
		code = code != 0 ? code : make_step(w, name);
	}
	return code;
}

/* The file that is there, by its own name and by what it leads to. */
static int check_file(struct walk *w, const struct rp_place_rules *rules)
{
	struct rp_place *p = w->place;
	struct stat st;
	char path[PATH_MAX];
	int len = snprintf(path, sizeof(path), "%s/%s", p->path, p->name);
	if (len < 0 || (size_t)len >= sizeof(path)) {
		return no_path(w->err, "it is too long");
	}
	int code = check_names(path, rules, w->err);
	if (code == 0 && p->there && fstatat(p->folder, p->name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		code = check_identity(w, &st, path);
	}
	if (code == 0 && p->there && fstatat(p->folder, p->name, &st, 0) == 0) {
		code = check_identity(w, &st, path);
	}
	return code;
}

int rp_place_open(struct rp_place *p, const char *destination, const struct rp_place_rules *rules,
    mode_t make, struct rp_err *err)
{
	struct walk w = {.place = p, .err = err, .destination = destination, .make = make};
	int code = clean_path(destination, w.rest, err);
	code = code != 0 ? code : check_names(w.rest, rules, err);
	if (code != 0) {
		return code;
	}
	*p = (struct rp_place){.folder = -1, .there = true, .steady = true};
	char *slash = strrchr(w.rest, '/');
	(void)snprintf(p->name, sizeof(p->name), "%s", slash + 1);
	*slash = '\0';
	code = find_protected(&w, rules);
	code = code != 0 ? code : walk(&w, rules);
	code = code != 0 ? code : check_file(&w, rules);
	p->guarded = p->steady && trusted(&w.here);
	rp_free(w.protected);
	if (code != 0) {
		rp_place_close(p);
	}
	return code;
}

void rp_place_close(struct rp_place *p)
{
	if (p->folder >= 0) {
		(void)close(p->folder);
		p->folder = -1;
	}
}
