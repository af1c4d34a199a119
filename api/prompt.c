/* SPDX-License-Identifier: MIT */
/*
 * While nothing is echoed, signals that end or stop the program are held back until the terminal is
 * as it was: they are waited for beside the key strokes.
 */
#include "api/prompt.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "core/crypto.h"
#include "core/str.h"

#include "core/banned.h"

static int fail_errno(struct rp_err *err)
{
	return rp_err_set(err, RP_EIO, "the password cannot be read: %s", rp_err_text(-errno));
}

static int no_password(struct rp_err *err)
{
	return rp_err_set(err, RP_EINVAL, "no password was given");
}

/* One line without its end; *end: there is none any more. Byte by byte: what follows belongs to
 * the next call. */
static int read_line(char out[static RP_PROMPT_MAX], bool *end, struct rp_err *err)
{
	size_t n = 0;
	*end = false;
	for (;;) {
		char c;
		ssize_t got = read(STDIN_FILENO, &c, 1);
		if (got < 0 && errno == EINTR) {
			continue;
		}
		if (got < 0) {
			return fail_errno(err);
		}
		if (got == 0 || c == '\n') {
			*end = got == 0 && n == 0;
			out[n] = '\0';
			return 0;
		}
		if (n + 1 >= RP_PROMPT_MAX || c == '\0') {
			return rp_err_set(err, RP_EINVAL,
			    "the password is not a line of at most %d bytes", RP_PROMPT_MAX - 1);
		}
		out[n++] = c;
	}
}

/* Until a line can be read; RP_ECLOSED: a signal has come. */
static int wait_line(int signals)
{
	struct pollfd p[] = {
	    {.fd = STDIN_FILENO, .events = POLLIN},
	    {.fd = signals, .events = POLLIN},
	};
	while (poll(p, RP_ARRAY_LEN(p), -1) < 0) {
		if (errno != EINTR) {
			return RP_EIO;
		}
	}
	return p[1].revents != 0 ? RP_ECLOSED : 0;
}

static int ask_quietly(
    const char *prompt, int signals, char out[static RP_PROMPT_MAX], struct rp_err *err)
{
	struct termios before;
	bool end = false;
	if (tcgetattr(STDIN_FILENO, &before) != 0) {
		return fail_errno(err);
	}
	struct termios quiet = before;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) != 0) {
		return fail_errno(err);
	}
	(void)fputs(prompt, stderr);
	int code = wait_line(signals);
	code = code == 0 ? read_line(out, &end, err)
	                 : rp_err_set(err, code, "the password was not given");
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	(void)fputc('\n', stderr);
	return code != 0 || !end ? code : no_password(err);
}

static int ask(const char *prompt, char out[static RP_PROMPT_MAX], struct rp_err *err)
{
	static const int held[] = {SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGTSTP};
	sigset_t set;
	sigset_t old;
	(void)sigemptyset(&set);
	for (size_t i = 0; i < RP_ARRAY_LEN(held); i++) {
		(void)sigaddset(&set, held[i]);
	}
	if (sigprocmask(SIG_BLOCK, &set, &old) != 0) {
		return fail_errno(err);
	}
	int signals = signalfd(-1, &set, SFD_CLOEXEC);
	int code = signals < 0 ? fail_errno(err) : ask_quietly(prompt, signals, out, err);
	if (signals >= 0) {
		(void)close(signals);
	}
	/* One that has come takes effect here. */
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	return code;
}

static int from_terminal(char out[static RP_PROMPT_MAX], char again[static RP_PROMPT_MAX],
    bool *only_once, struct rp_err *err)
{
	*only_once = false;
	int code = ask("Enter password: ", out, err);
	return code != 0 ? code : ask("Confirm password: ", again, err);
}

static int from_pipe(char out[static RP_PROMPT_MAX], char again[static RP_PROMPT_MAX],
    bool *only_once, struct rp_err *err)
{
	bool end;
	int code = read_line(out, &end, err);
	if (code != 0 || end) {
		return code != 0 ? code : no_password(err);
	}
	return read_line(again, only_once, err);
}

int rp_prompt_password(char out[static RP_PROMPT_MAX], struct rp_err *err)
{
	char again[RP_PROMPT_MAX];
	bool only_once = false;
	int code = isatty(STDIN_FILENO) == 1 ? from_terminal(out, again, &only_once, err)
	                                     : from_pipe(out, again, &only_once, err);
	if (code == 0 && !only_once && !rp_secret_str_eq(out, again)) {
		code = rp_err_set(err, RP_EINVAL, "passwords do not match");
	}
	rp_secret_wipe(again, sizeof(again));
	return code;
}
