/* SPDX-License-Identifier: MIT */
/*
 * Words, environment and script file of a process. Nothing of our own environment reaches it but
 * TZ.
 */
#include "client/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <uv.h>

#include "core/alloc.h"
#include "core/crypto.h"
#include "core/file.h"

#include "core/banned.h"

#define DEFAULT_SHELL      "/bin/sh"
#define SCRIPTS_FOLDER     "scripts"
#define PASSWD_BYTES       16384
#define INTERPRETER_MAX    4096
#define SCRIPT_FOLDER_MODE 0700
#define SCRIPT_FILE_MODE   0500

static int add(struct rp_strlist *l, const char *s)
{
	return rp_strlist_add(l, rp_str_c(s));
}

static int add_env(struct rp_strlist *env, const char *name, const char *value)
{
	char *entry = rp_asprintf("%s=%s", name, value);
	int rc = entry == NULL ? RP_ENOMEM : add(env, entry);
	rp_free(entry);
	return rc;
}

static int make_env(struct rp_strlist *env)
{
	struct passwd pw;
	struct passwd *found = NULL;
	char *bytes = rp_malloc(PASSWD_BYTES);
	if (bytes == NULL) {
		return RP_ENOMEM;
	}
	if (getpwuid_r(geteuid(), &pw, bytes, PASSWD_BYTES, &found) != 0) {
		found = NULL;
	}
	const char *home = found == NULL || *pw.pw_dir == '\0' ? "/" : pw.pw_dir;
	const char *user = found == NULL ? "nobody" : pw.pw_name;
	const char *tz = getenv("TZ");
	int rc = add_env(env, "PATH", RP_LAUNCH_PATH);
	rc = rc != 0 ? rc : add_env(env, "HOME", home);
	rc = rc != 0 ? rc : add_env(env, "USER", user);
	rc = rc != 0 ? rc : add_env(env, "LOGNAME", user);
	rc = rc != 0 ? rc : add_env(env, "LANG", "C.UTF-8");
	if (rc == 0 && tz != NULL && *tz != '\0') {
		rc = add_env(env, "TZ", tz);
	}
	rp_free(bytes);
	return rc;
}

static bool is_executable(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* Absolute path of a name without a slash, from the path that the process will have. */
static int find_program(const char *name, char **path, struct rp_err *err)
{
	struct rp_str rest = rp_str_c(RP_LAUNCH_PATH);
	struct rp_str dir;
	*path = NULL;
	while (rp_str_split(&rest, ':', &dir)) {
		char *candidate = rp_asprintf("%.*s/%s", (int)dir.len, dir.p, name);
		if (candidate == NULL) {
			return rp_err_no_memory(err);
		}
		if (is_executable(candidate)) {
			*path = candidate;
			return 0;
		}
		rp_free(candidate);
	}
	return rp_err_set(err, RP_ENOENT,
	    "failed to start a command: exec: \"%.64s\": executable file not found in $PATH", name);
}

/* Alias, default shell, absolute path, or a name of the path (6.2). */
static int find_interpreter(
    const char *given, const struct rp_strmap *aliases, char **path, struct rp_err *err)
{
	const char *alias = given == NULL || aliases == NULL ? NULL : rp_strmap_get(aliases, given);
	const char *name = alias != NULL ? alias : given;
	if (name == NULL || *name == '\0') {
		name = DEFAULT_SHELL;
	}
	if (strnlen(name, INTERPRETER_MAX) == INTERPRETER_MAX) {
		return rp_err_set(
		    err, RP_EINVAL, "failed to start a command: interpreter is too long");
	}
	if (strchr(name, '/') == NULL) {
		return find_program(name, path, err);
	}
	if (*name != '/') {
		return rp_err_set(err, RP_EINVAL,
		    "failed to start a command: interpreter \"%.64s\" is not an absolute path",
		    name);
	}
	*path = rp_strdup(name);
	return *path == NULL ? rp_err_no_memory(err) : 0;
}

/* Opens <data_dir>/scripts, made if it is not there; nobody but us may have a way into it. */
static int open_folder(const char *path, struct rp_err *err)
{
	if (mkdir(path, SCRIPT_FOLDER_MODE) != 0 && errno != EEXIST) {
		int rc = -errno;
		return rp_err_set(err, rc, "script folder %s: %s", path, uv_strerror(rc));
	}
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) != 0) {
		int rc = -errno;
		if (fd >= 0) {
			(void)close(fd);
		}
		return rp_err_set(err, rc, "script folder %s: %s", path, uv_strerror(rc));
	}
	if (st.st_uid != geteuid() || (st.st_mode & 07777) != SCRIPT_FOLDER_MODE) {
		(void)close(fd);
		return rp_err_set(err, RP_EDENIED,
		    "script folder %s must belong to the client's user and have mode 0700", path);
	}
	return fd;
}

static int write_script(int folder, const char *name, const char *text)
{
	int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0) {
		return -errno;
	}
	int rc = rp_file_write_all(fd, text, strlen(text));
	if (rc == 0 && fchmod(fd, SCRIPT_FILE_MODE) != 0) {
		rc = -errno;
	}
	if (close(fd) != 0 && rc == 0) {
		rc = -errno;
	}
	if (rc != 0) {
		(void)unlinkat(folder, name, 0);
	}
	return rc;
}

static int make_script(
    struct rp_launch *l, const char *data_dir, const struct rp_job *job, struct rp_err *err)
{
	char name[RP_UUID_TEXT_MAX + 4];
	char *dir = rp_asprintf("%s/%s", data_dir, SCRIPTS_FOLDER);
	if (dir == NULL) {
		return rp_err_no_memory(err);
	}
	rp_uuid4(name);
	/* That one wants its name for it. */
	if (job->interpreter != NULL && strcmp(job->interpreter, "tacoscript") == 0) {
		memcpy(name + RP_UUID_TEXT_MAX - 1, ".yml", 5);
	}
	int folder = open_folder(dir, err);
	int rc = folder < 0 ? folder : 0;
	if (rc == 0) {
		l->script = rp_asprintf("%s/%s", dir, name);
		rc = l->script == NULL ? rp_err_no_memory(err) : 0;
	}
	if (rc == 0) {
		rc = write_script(folder, name, job->command == NULL ? "" : job->command);
		if (rc != 0) {
			(void)rp_err_set(err, rc, "script file: %s", uv_strerror(rc));
			rp_free(l->script);
			l->script = NULL;
		}
	}
	if (folder >= 0) {
		(void)close(folder);
	}
	rp_free(dir);
	return rc;
}

/* A shebang line names the interpreter itself. */
static bool has_shebang(const struct rp_job *job)
{
	return job->command != NULL && strncmp(job->command, "#!", 2) == 0;
}

static int script_words(struct rp_launch *l, const struct rp_job *job, const char *data_dir,
    const struct rp_strmap *aliases, struct rp_err *err)
{
	char *interpreter = NULL;
	int rc = has_shebang(job) ? 0
	                          : find_interpreter(job->interpreter, aliases, &interpreter, err);
	if (rc == 0) {
		rc = make_script(l, data_dir, job, err);
	}
	if (rc == 0 && interpreter != NULL && add(&l->argv, interpreter) != 0) {
		rc = rp_err_no_memory(err);
	}
	if (rc == 0 && add(&l->argv, l->script) != 0) {
		rc = rp_err_no_memory(err);
	}
	rp_free(interpreter);
	return rc;
}

/* The program by its own name in its real folder: sudoers rules are about names (reboot, not
 * systemctl). */
static char *sudo_name(const char *given, const char *resolved)
{
	char real[PATH_MAX];
	const char *slash = strrchr(given, '/');
	char *dir = rp_strndup(given, (size_t)(slash - given) + 1);
	if (dir == NULL) {
		return NULL;
	}
	bool found = realpath(dir, real) != NULL;
	rp_free(dir);
	if (!found) {
		return rp_strdup(resolved);
	}
	return rp_asprintf("%s%s", strcmp(real, "/") == 0 ? "" : real, slash);
}

/* Moves the plan's words over. */
static int plan_words(struct rp_launch *l, struct rp_cmd_plan *plan, bool sudo, struct rp_err *err)
{
	l->argv = plan->argv;
	plan->argv = (struct rp_strlist){0};
	char *name = sudo ? sudo_name(plan->argv0, l->argv.v[0]) : plan->argv0;
	if (name == NULL) {
		return rp_err_no_memory(err);
	}
	if (!sudo) {
		plan->argv0 = NULL;
		l->file = l->argv.v[0];
	} else {
		rp_free(l->argv.v[0]);
	}
	l->argv.v[0] = name;
	return 0;
}

/* Puts "sudo -n" in front; user NULL: sudo's default. */
static int add_sudo(struct rp_launch *l, const char *user, struct rp_err *err)
{
	struct rp_strlist words = {0};
	int rc = find_program("sudo", &l->file, err);
	if (rc != 0) {
		return rc;
	}
	rc = add(&words, "sudo");
	rc = rc != 0 ? rc : add(&words, "-n");
	if (rc == 0 && user != NULL) {
		rc = add(&words, "-u");
		rc = rc != 0 ? rc : add(&words, user);
	}
	for (size_t i = 0; i < l->argv.n && rc == 0; i++) {
		rc = add(&words, l->argv.v[i]);
	}
	if (rc != 0) {
		rp_strlist_fini(&words);
		return rp_err_no_memory(err);
	}
	rp_strlist_fini(&l->argv);
	l->argv = words;
	return 0;
}

int rp_launch_prepare(struct rp_launch *l, const struct rp_job *job, struct rp_cmd_plan *plan,
    const char *data_dir, const struct rp_strmap *aliases, struct rp_err *err)
{
	*l = (struct rp_launch){.max_runtime = plan->max_runtime};
	int rc = make_env(&l->env) != 0 ? rp_err_no_memory(err) : 0;
	if (rc == 0) {
		rc = plan->shell ? script_words(l, job, data_dir, aliases, err)
		                 : plan_words(l, plan, job->is_sudo, err);
	}
	if (rc == 0 && job->is_sudo) {
		rc = add_sudo(l, plan->user, err);
	}
	if (rc == 0 && l->file == NULL) {
		l->file = rp_strdup(l->argv.v[0]);
		rc = l->file == NULL ? rp_err_no_memory(err) : 0;
	}
	if (rc != 0) {
		rp_launch_fini(l);
	}
	return rc;
}

void rp_launch_fini(struct rp_launch *l)
{
	if (l->script != NULL) {
		(void)unlink(l->script);
	}
	rp_free(l->script);
	rp_free(l->file);
	rp_strlist_fini(&l->argv);
	rp_strlist_fini(&l->env);
	*l = (struct rp_launch){0};
}
