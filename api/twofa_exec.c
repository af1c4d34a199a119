/* SPDX-License-Identifier: MIT */
/*
 * spawn -> stderr and exit -> done. The end of the program counts, not that of its stderr: children
 * that it left behind may hold that open.
 */
#include "api/twofa_exec.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <uv.h>

#include "core/alloc.h"
#include "core/buf.h"

#include "core/banned.h"

#define STDERR_MAX ((size_t)1024)
/* Shown to the user. */
#define TEXT_MAX 200

struct rp_twofa_exec {
	rp_twofa_exec_cb cb; /* NULL once it is over */
	void *ctx;
	uv_process_t process;
	uv_pipe_t errors;
	uv_timer_t timer;
	unsigned handles; /* not closed */
	bool ended;
	char scrap[STDERR_MAX];
	struct rp_buf text; /* beginning of stderr */
};

static void on_handle_closed(uv_handle_t *h)
{
	struct rp_twofa_exec *x = h->data;
	if (--x->handles == 0) {
		rp_buf_fini(&x->text);
		rp_free(x);
	}
}

static void close_handle(uv_handle_t *h)
{
	if (!uv_is_closing(h)) {
		uv_close(h, on_handle_closed);
	}
}

/* The process handle waits for the exit, so that no zombie stays. */
static void close_parts(struct rp_twofa_exec *x)
{
	x->cb = NULL;
	close_handle((uv_handle_t *)&x->errors);
	close_handle((uv_handle_t *)&x->timer);
	if (x->ended) {
		close_handle((uv_handle_t *)&x->process);
	}
}

static void kill_group(const struct rp_twofa_exec *x)
{
	if (!x->ended && x->process.pid > 1) {
		(void)kill(-x->process.pid, SIGKILL);
	}
}

static void finish(struct rp_twofa_exec *x, int code, const struct rp_err *err)
{
	rp_twofa_exec_cb cb = x->cb;
	if (cb == NULL) {
		return;
	}
	close_parts(x);
	cb(x->ctx, code, err);
}

void rp_twofa_exec_cancel(struct rp_twofa_exec *x)
{
	if (x != NULL && x->cb != NULL) {
		kill_group(x);
		close_parts(x);
	}
}

/* One line of printable text out of what the program wrote. */
static void make_text(struct rp_twofa_exec *x, char out[static TEXT_MAX + 1])
{
	size_t n = RP_MIN(x->text.len, (size_t)TEXT_MAX);
	const char *p = (const char *)rp_buf_head(&x->text);
	while (n > 0 && (unsigned char)p[n - 1] <= ' ') {
		n--;
	}
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];
		out[i] = c < ' ' || c == 0x7f ? ' ' : (char)c;
	}
	out[n] = '\0';
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
	struct rp_twofa_exec *x = s->data;
	if (n < 0) {
		(void)uv_read_stop(s);
	} else if (n > 0) {
		size_t room = STDERR_MAX - x->text.len;
		/* Without memory the text stays shorter. */
		if (rp_buf_add(&x->text, b->base, RP_MIN((size_t)n, room)) != 0) {
			(void)uv_read_stop(s);
		}
	}
}

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *b)
{
	struct rp_twofa_exec *x = h->data;
	(void)suggested;
	*b = uv_buf_init(x->scrap, sizeof(x->scrap));
}

/* What it has written before it ended may still be in the pipe: one look, without waiting. */
static void read_rest(struct rp_twofa_exec *x)
{
	uv_os_fd_t fd;
	if (uv_fileno((uv_handle_t *)&x->errors, &fd) != 0) {
		return;
	}
	ssize_t n;
	while (x->text.len < STDERR_MAX && (n = read(fd, x->scrap, sizeof(x->scrap))) > 0) {
		const uv_buf_t b = uv_buf_init(x->scrap, (unsigned)n);
		on_read((uv_stream_t *)&x->errors, n, &b);
	}
}

static void on_exit_status(uv_process_t *process, int64_t status, int signum)
{
	struct rp_twofa_exec *x = process->data;
	struct rp_err err = {0};
	char text[TEXT_MAX + 1];
	x->ended = true;
	if (x->cb == NULL) {
		close_handle((uv_handle_t *)&x->process);
		return;
	}
	if (status == 0 && signum == 0) {
		finish(x, 0, NULL);
		return;
	}
	read_rest(x);
	make_text(x, text);
	if (text[0] != '\0') {
		(void)rp_err_set(&err, RP_EIO, "%s", text);
	} else if (signum != 0) {
		(void)rp_err_set(&err, RP_EIO, "the program was ended by signal %d", signum);
	} else {
		(void)rp_err_set(&err, RP_EIO, "exit status %lld", (long long)status);
	}
	finish(x, RP_EIO, &err);
}

static void on_timeout(uv_timer_t *timer)
{
	struct rp_twofa_exec *x = timer->data;
	struct rp_err err;
	kill_group(x);
	(void)rp_err_set(&err, RP_ETIMEOUT, "the program did not end in time");
	finish(x, RP_ETIMEOUT, &err);
}

/* Ours without what is given anew, and that. Borrowed entries; NULL: no memory. */
static char **make_env(const struct rp_strlist *more)
{
	size_t n = 0;
	size_t at = 0;
	while (environ[n] != NULL) {
		n++;
	}
	char **env = rp_calloc(n + more->n + 1, sizeof(*env));
	for (size_t i = 0; env != NULL && i < n; i++) {
		if (strncmp(environ[i], "RPORT_2FA_", 10) != 0) {
			env[at++] = environ[i];
		}
	}
	for (size_t i = 0; env != NULL && i < more->n; i++) {
		env[at++] = more->v[i];
	}
	return env;
}

static int spawn(struct rp_loop *loop, struct rp_twofa_exec *x,
    const struct rp_twofa_exec_options *opt, char **env)
{
	char *argv[] = {(char *)(uintptr_t)opt->program, NULL};
	uv_stdio_container_t io[] = {
	    {.flags = UV_IGNORE},
	    {.flags = UV_IGNORE},
	    {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&x->errors},
	};
	const uv_process_options_t o = {
	    .file = opt->program,
	    .args = argv,
	    .env = env,
	    .flags = UV_PROCESS_DETACHED,
	    .stdio_count = RP_ARRAY_LEN(io),
	    .stdio = io,
	    .exit_cb = on_exit_status,
	};
	return uv_spawn(rp_loop_uv(loop), &x->process, &o);
}

int rp_twofa_exec_start(struct rp_loop *loop, const struct rp_twofa_exec_options *opt,
    rp_twofa_exec_cb cb, void *ctx, struct rp_twofa_exec **out, struct rp_err *err)
{
	struct rp_twofa_exec *x = rp_calloc(1, sizeof(*x));
	char **env = x == NULL ? NULL : make_env(opt->env);
	if (env == NULL) {
		rp_free(x);
		return rp_err_no_memory(err);
	}
	rp_buf_init(&x->text, STDERR_MAX);
	RP_VERIFY(uv_pipe_init(rp_loop_uv(loop), &x->errors, 0) == 0);
	RP_VERIFY(uv_timer_init(rp_loop_uv(loop), &x->timer) == 0);
	x->handles = 3;
	x->errors.data = x;
	x->timer.data = x;
	int code = spawn(loop, x, opt, env);
	x->process.data = x; /* also a handle when it failed */
	rp_free(env);
	if (code != 0) {
		x->ended = true;
		close_parts(x);
		return rp_err_set(err, code, "%s: %s", opt->program, rp_err_text(code));
	}
	x->cb = cb;
	x->ctx = ctx;
	(void)uv_read_start((uv_stream_t *)&x->errors, on_alloc, on_read);
	RP_VERIFY(uv_timer_start(&x->timer, on_timeout, opt->timeout_ms, 0) == 0);
	*out = x;
	return 0;
}
