/* SPDX-License-Identifier: MIT */
/*
 * Installing and removing: user, folders, unit, then systemd is told. For an image (--service-root)
 * the same below its folder, by those tools that can.
 */
#include "core/service.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/alloc.h"

#include "core/banned.h"

#define UNIT_MAX     65536
#define PATH_LEN     4096
#define ARGS_MAX     16
#define NOT_FOUND    127
#define UNIT_FOLDER  "/etc/systemd/system"
#define OURS         "# Made by rport"
#define DEFAULT_USER "rport"
#define HOME         "/var/lib/rport"

/* One action under way. */
struct task {
	const struct rp_service *s;
	struct rp_service_ask ask; /* all of it set but root */
	const char *root;          /* "" = this machine */
	char unit[PATH_LEN];       /* file */
	char config[PATH_LEN];     /* file, as it is found from here */
	struct rp_err *err;
};

static int fail_errno(struct task *t, const char *what, const char *path)
{
	int code = errno;
	return rp_err_set(t->err, RP_EIO, "%s %s: %s", what, path, rp_err_text(-code));
}

/* Runs a program of the system to its end; its output goes where ours goes. words end with NULL. 0,
 * its exit status, or NOT_FOUND. */
static int run_program(const char *const *words)
{
	char *argv[ARGS_MAX] = {NULL};
	pid_t pid;
	int status = 0;
	size_t n = 0;
	for (; words[n] != NULL && n + 1 < ARGS_MAX; n++) {
		argv[n] = (char *)(uintptr_t)words[n];
	}
	(void)fflush(stdout);
	if (posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ) != 0) {
		return NOT_FOUND;
	}
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR) {
			return NOT_FOUND;
		}
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* systemctl WORD NAME, below root if there is one. */
static int systemctl(struct task *t, const char *word, const char *more)
{
	char root[PATH_LEN + 8];
	const char *words[ARGS_MAX] = {"systemctl"};
	size_t n = 1;
	if (t->root[0] != '\0') {
		(void)snprintf(root, sizeof(root), "--root=%s", t->root);
		words[n++] = root;
	}
	words[n++] = word;
	if (more != NULL) {
		words[n++] = more;
	}
	if (strcmp(word, "daemon-reload") != 0) {
		words[n++] = t->s->name;
	}
	int status = run_program(words);
	return status == 0 ? 0
	                   : rp_err_set(t->err, RP_EIO, "systemctl %s %s failed with status %d",
	                         word, t->s->name, status);
}

/* User */

/* 0; RP_ENOENT. */
static int find_user(const struct task *t, uid_t *uid, gid_t *gid)
{
	char path[PATH_LEN + 16];
	struct passwd *p = NULL;
	if (t->root[0] == '\0') {
		p = getpwnam(t->ask.user);
	} else {
		(void)snprintf(path, sizeof(path), "%s/etc/passwd", t->root);
		FILE *f = fopen(path, "re");
		while (f != NULL && (p = fgetpwent(f)) != NULL &&
		    strcmp(p->pw_name, t->ask.user) != 0) {
		}
		if (f != NULL) {
			(void)fclose(f);
		}
	}
	if (p == NULL) {
		return RP_ENOENT;
	}
	*uid = p->pw_uid;
	*gid = p->pw_gid;
	return 0;
}

static int make_user(struct task *t, uid_t *uid, gid_t *gid)
{
	char line[256];
	char root[PATH_LEN + 8];
	(void)snprintf(
	    line, sizeof(line), "u %s - \"rport\" " HOME " /usr/sbin/nologin", t->ask.user);
	(void)snprintf(root, sizeof(root), "--root=%s", t->root);
	const char *const by_systemd[] = {
	    "systemd-sysusers", "--inline", line, t->root[0] != '\0' ? root : NULL, NULL};
	const char *const by_shadow[] = {"useradd", "--system", "--user-group", "--home-dir", HOME,
	    "--shell", "/usr/sbin/nologin", "--no-create-home", t->ask.user, NULL};
	int status = run_program(by_systemd);
	if (status == NOT_FOUND && t->root[0] == '\0') {
		status = run_program(by_shadow);
	}
	if (status != 0 || find_user(t, uid, gid) != 0) {
		return rp_err_set(t->err, RP_EIO,
		    "the user %s is not there and cannot be made: make it, then install again",
		    t->ask.user);
	}
	(void)printf("user %s made\n", t->ask.user);
	return 0;
}

/* Files */

/* A folder of the user's own; those above it are the system's. */
static int make_folder(struct task *t, const char *path, uid_t uid, gid_t gid)
{
	char full[PATH_LEN];
	int n = snprintf(full, sizeof(full), "%s%s", t->root, path);
	struct stat st;
	if (n < 0 || (size_t)n >= sizeof(full)) {
		return rp_err_set(t->err, RP_EINVAL, "the path of a folder is too long");
	}
	if (stat(full, &st) == 0) {
		return 0; /* the administrator's */
	}
	for (char *p = full + strlen(t->root) + 1; (p = strchr(p, '/')) != NULL; p++) {
		*p = '\0';
		if (mkdir(full, 0755) != 0 && errno != EEXIST) {
			return fail_errno(t, "cannot make", full);
		}
		*p = '/';
	}
	if (mkdir(full, 0700) != 0 || chown(full, uid, gid) != 0) {
		return fail_errno(t, "cannot make", full);
	}
	return 0;
}

/* The service's user has to read it, and others need not. */
static int open_config(struct task *t, gid_t gid)
{
	struct stat st;
	int fd = open(t->config, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		return fail_errno(t, "cannot read", t->config);
	}
	int code = 0;
	if (fstat(fd, &st) == 0 && (st.st_mode & 0044) == 0 && st.st_uid == geteuid()) {
		if (fchown(fd, (uid_t)-1, gid) != 0 || fchmod(fd, st.st_mode | 0040) != 0) {
			code = fail_errno(t, "cannot make readable for the service", t->config);
		} else {
			(void)printf("%s: readable for the group %s\n", t->config, t->ask.user);
		}
	}
	(void)close(fd);
	return code;
}

/* Is the unit there (1), and one that we have made (2)? */
static int look_at_unit(const struct task *t)
{
	char start[sizeof(OURS)] = "";
	int fd = open(t->unit, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		return 0;
	}
	ssize_t n = read(fd, start, sizeof(start) - 1);
	(void)close(fd);
	return n == (ssize_t)sizeof(OURS) - 1 && strcmp(start, OURS) == 0 ? 2 : 1;
}

static int keep_others_unit(struct task *t)
{
	char old[PATH_LEN + 8];
	if (look_at_unit(t) != 1) {
		return 0;
	}
	(void)snprintf(old, sizeof(old), "%s.old", t->unit);
	if (rename(t->unit, old) != 0) {
		return fail_errno(t, "cannot put aside", t->unit);
	}
	(void)printf("%s was not made by this program: kept as %s\n", t->unit, old);
	return 0;
}

static int write_all(int fd, const uint8_t *p, size_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, p, n);
		if (done < 0 && errno != EINTR) {
			return -1;
		}
		p += done > 0 ? done : 0;
		n -= done > 0 ? (size_t)done : 0;
	}
	return 0;
}

static int write_unit(struct task *t, const struct rp_buf *text)
{
	char new[PATH_LEN + 8];
	(void)snprintf(new, sizeof(new), "%s.new", t->unit);
	int fd = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0) {
		return fail_errno(t, "cannot write", new);
	}
	bool good = write_all(fd, rp_buf_head(text), text->len) == 0 && fchmod(fd, 0644) == 0 &&
	    fsync(fd) == 0;
	good = close(fd) == 0 && good;
	if (!good || rename(new, t->unit) != 0) {
		int code = fail_errno(t, "cannot write", t->unit);
		(void)unlink(new);
		return code;
	}
	(void)printf("%s written\n", t->unit);
	return 0;
}

/* The program as the service will call it. */
static int find_program(struct task *t, char out[static PATH_LEN])
{
	char path[PATH_LEN];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	size_t root = strlen(t->root);
	if (n <= 0) {
		return fail_errno(t, "cannot find", "the program's own file");
	}
	path[n] = '\0';
	bool inside = strncmp(path, t->root, root) == 0 && path[root] == '/';
	(void)snprintf(out, PATH_LEN, "%s", inside ? path + root : path);
	return 0;
}

static int make_text(struct task *t, struct rp_buf *text)
{
	char exe[PATH_LEN];
	int code = find_program(t, exe);
	return code != 0 ? code : rp_service_unit(t->s, &t->ask, exe, text, t->err);
}

/* Actions */

static int put_all(struct task *t, const struct rp_buf *text)
{
	uid_t uid = 0;
	gid_t gid = 0;
	int code = find_user(t, &uid, &gid) == 0 ? 0 : make_user(t, &uid, &gid);
	code = code != 0 ? code : open_config(t, gid);
	code = code != 0 ? code : make_folder(t, t->s->data_dir, uid, gid);
	code = code != 0 ? code : keep_others_unit(t);
	code = code != 0 ? code : write_unit(t, text);
	if (code == 0 && t->root[0] == '\0') {
		code = systemctl(t, "daemon-reload", NULL);
	}
	return code != 0 ? code : systemctl(t, "enable", NULL);
}

static int install(struct task *t)
{
	char folder[PATH_LEN + 32];
	struct rp_buf text;
	(void)snprintf(folder, sizeof(folder), "%s" UNIT_FOLDER, t->root);
	if (access(folder, F_OK) != 0) {
		return rp_err_set(t->err, RP_EUNSUPPORTED,
		    "%s is not there: expected a machine with systemd", folder);
	}
	rp_buf_init(&text, UNIT_MAX);
	int code = make_text(t, &text);
	code = code != 0 ? code : put_all(t, &text);
	rp_buf_fini(&text);
	if (code == 0) {
		(void)printf("service %s installed\n", t->s->name);
	}
	return code;
}

static int uninstall(struct task *t)
{
	int what = look_at_unit(t);
	if (what == 0) {
		return rp_err_set(t->err, RP_ENOENT, "%s is not there: not installed", t->unit);
	}
	if (what == 1) {
		return rp_err_set(t->err, RP_EUNSUPPORTED,
		    "%s was not made by this program: remove it by hand", t->unit);
	}
	int code = systemctl(t, "disable", t->root[0] == '\0' ? "--now" : NULL);
	if (code != 0) {
		return code;
	}
	if (unlink(t->unit) != 0) {
		return fail_errno(t, "cannot remove", t->unit);
	}
	if (t->root[0] == '\0') {
		code = systemctl(t, "daemon-reload", NULL);
	}
	if (code == 0) {
		(void)printf("service %s removed; configuration, data and user stay\n", t->s->name);
	}
	return code;
}

/* The unit needs a whole path. full has room for PATH_MAX. */
static int complete_config(struct task *t, char *full)
{
	if (t->ask.config[0] == '/') {
		return 0;
	}
	if (t->root[0] != '\0') {
		return rp_err_set(
		    t->err, RP_EINVAL, "-c: expected an absolute path with --service-root");
	}
	if (realpath(t->ask.config, full) == NULL) {
		return fail_errno(t, "cannot find", t->ask.config);
	}
	t->ask.config = full;
	return 0;
}

static int prepare(struct task *t)
{
	int unit = snprintf(
	    t->unit, sizeof(t->unit), "%s" UNIT_FOLDER "/%s.service", t->root, t->s->name);
	int config = snprintf(t->config, sizeof(t->config), "%s%s", t->root, t->ask.config);
	if (unit < 0 || (size_t)unit >= sizeof(t->unit) - 8 || config < 0 ||
	    (size_t)config >= sizeof(t->config)) {
		return rp_err_set(t->err, RP_EINVAL, "--service-root: the path is too long");
	}
	if (t->root[0] == '\0' && geteuid() != 0) {
		return rp_err_set(t->err, RP_EDENIED, "--service %s needs root", t->ask.action);
	}
	return 0;
}

int rp_service_do(const struct rp_service *s, const struct rp_service_ask *ask, struct rp_err *err)
{
	struct task t = {.s = s, .ask = *ask, .err = err};
	t.root = ask->root == NULL || strcmp(ask->root, "/") == 0 ? "" : ask->root;
	t.ask.user = ask->user == NULL ? DEFAULT_USER : ask->user;
	char full[PATH_MAX];
	int code = complete_config(&t, full);
	code = code != 0 ? code : prepare(&t);
	if (code != 0) {
		return code;
	}
	if (strcmp(ask->action, "install") == 0) {
		return install(&t);
	}
	if (strcmp(ask->action, "uninstall") == 0) {
		return uninstall(&t);
	}
	if (t.root[0] != '\0') {
		return rp_err_set(
		    err, RP_EINVAL, "--service-root: goes with install and uninstall only");
	}
	return systemctl(&t, ask->action, NULL);
}
