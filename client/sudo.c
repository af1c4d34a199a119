/* SPDX-License-Identifier: MIT */
/*
 * The process gets a clean environment, nothing to read, and a pipe for what it complains about.
 */
#include "client/sudo.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/launch.h"
#include "core/clock.h"
#include "core/str.h"

#include "core/banned.h"

#define LOOK_MS  20
#define WORD_MAX 160

static bool find_sudo(char *path, size_t size)
{
	struct rp_str rest = rp_str_c(RP_LAUNCH_PATH);
	struct rp_str dir;
	while (rp_str_split(&rest, ':', &dir)) {
		(void)snprintf(path, size, "%.*s/sudo", (int)dir.len, dir.p);
		if (access(path, X_OK) == 0) {
			return true;
		}
	}
	return false;
}

/* Signals as a fresh process has them: the pool blocks some, and we ignore some. */
static int set_signals(posix_spawnattr_t *attr)
{
	sigset_t none;
	sigset_t normal;
	(void)sigemptyset(&none);
	(void)sigemptyset(&normal);
	(void)sigaddset(&normal, SIGPIPE);
	(void)sigaddset(&normal, SIGXFSZ);
	int rc = posix_spawnattr_setsigmask(attr, &none);
	rc = rc != 0 ? rc : posix_spawnattr_setsigdefault(attr, &normal);
	rc = rc != 0 ? rc : posix_spawnattr_setpgroup(attr, 0);
	return rc != 0
	    ? rc
	    : posix_spawnattr_setflags(
	          attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
}

static int set_streams(posix_spawn_file_actions_t *actions, int complaints)
{
	int rc = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);
	rc = rc != 0 ? rc : posix_spawn_file_actions_addopen(actions, 1, "/dev/null", O_WRONLY, 0);
	return rc != 0 ? rc : posix_spawn_file_actions_adddup2(actions, complaints, 2);
}

static int spawn(const char *path, const char *const *words, int complaints, pid_t *pid)
{
	static const char *const env[] = {"PATH=" RP_LAUNCH_PATH, "LANG=C.UTF-8", NULL};
	const char *argv[RP_SUDO_ARGS_MAX + 3] = {"sudo", "-n"};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	for (size_t i = 0; words[i] != NULL; i++) {
		RP_VERIFY(i < RP_SUDO_ARGS_MAX);
		argv[i + 2] = words[i];
	}
	int rc = posix_spawn_file_actions_init(&actions);
	if (rc != 0) {
		return -rc;
	}
	rc = posix_spawnattr_init(&attr);
	if (rc == 0) {
		rc = set_streams(&actions, complaints);
		rc = rc != 0 ? rc : set_signals(&attr);
		/* posix_spawn does not change them; its type is older than const. */
		rc = rc != 0 ? rc
		             : posix_spawn(pid, path, &actions, &attr,
		                   (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)env);
		(void)posix_spawnattr_destroy(&attr);
	}
	(void)posix_spawn_file_actions_destroy(&actions);
	return -rc;
}

/* The first line of what it says, until it says no more. */
static void read_complaint(int fd, uint64_t until, char *text, size_t size)
{
	char bytes[256];
	size_t n = 0;
	for (;;) {
		uint64_t now = rp_clock_ms();
		struct pollfd p = {.fd = fd, .events = POLLIN};
		if (now >= until || poll(&p, 1, (int)(until - now)) == 0) {
			break;
		}
		ssize_t got = read(fd, bytes, sizeof(bytes));
		if (got == 0 || (got < 0 && errno != EINTR)) {
			break;
		}
		for (ssize_t i = 0; i < got && n + 1 < size; i++) {
			text[n++] = bytes[i];
		}
	}
	text[n] = '\0';
	text[strcspn(text, "\r\n")] = '\0';
}

/* Its status, or -1 when it does not end. */
static int wait_end(pid_t pid, uint64_t until)
{
	int status;
	for (;;) {
		pid_t got = waitpid(pid, &status, WNOHANG);
		if (got == pid) {
			return status;
		}
		if ((got < 0 && errno != EINTR) || rp_clock_ms() >= until) {
			return -1;
		}
		(void)poll(NULL, 0, LOOK_MS);
	}
}

int rp_sudo_run(const char *const *words, struct rp_err *err)
{
	char path[64];
	char complaint[WORD_MAX];
	int ends[2];
	pid_t pid = -1;
	if (!find_sudo(path, sizeof(path))) {
		return rp_err_set(err, RP_EUNSUPPORTED, "there is no sudo");
	}
	if (pipe2(ends, O_CLOEXEC) != 0) {
		int code = -errno;
		return rp_err_set(err, code, "sudo: %s", rp_err_text(code));
	}
	int code = spawn(path, words, ends[1], &pid);
	(void)close(ends[1]);
	if (code != 0) {
		(void)close(ends[0]);
		return rp_err_set(err, code, "sudo: %s", rp_err_text(code));
	}
	uint64_t until = rp_clock_ms() + RP_SUDO_WAIT_MS;
	read_complaint(ends[0], until, complaint, sizeof(complaint));
	(void)close(ends[0]);
	int status = wait_end(pid, until);
	if (status == -1) {
		return rp_err_set(err, RP_ETIMEOUT, "sudo -n %s does not end", words[0]);
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		return rp_err_set(err, RP_EDENIED, "sudo -n %s: %s", words[0],
		    complaint[0] != '\0' ? complaint : "failed");
	}
	return 0;
}
