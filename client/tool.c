/* SPDX-License-Identifier: MIT */
/*
 * RUNNING --exit--> both pipes at their end, or a grace period --> over
 *    |
 *    +--time-out--> killed --exit, or a grace period--> over
 *
 * "Over" closes all handles; the last of them frees. The process handle is closed in any case, so
 * that a process which does not die keeps nobody from ending; it stays a zombie until we do.
 */
#include "client/tool.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <uv.h>

#include "client/launch.h"
#include "core/alloc.h"
#include "core/err.h"

#include "core/banned.h"

#define READ_BYTES 16384
#define GRACE_MS   1000
#define PRIORITY   10

struct rp_tool {
	struct rp_tool_options opt; /* on_end NULL: over */
	uv_process_t process;
	uv_pipe_t out;
	uv_pipe_t err;
	uv_timer_t timer;
	unsigned handles; /* not closed */
	bool reading_out;
	bool reading_err;
	bool skipping; /* the end of a line that is too long */
	size_t n_line;
	size_t n_text;
	struct rp_tool_end end;
	char line[RP_TOOL_LINE_MAX];
	char scratch[READ_BYTES];
};

static void on_handle_closed(uv_handle_t *h)
{
	struct rp_tool *t = h->data;
	if (--t->handles == 0) {
		rp_free(t);
	}
}

static void close_parts(struct rp_tool *t)
{
	t->opt.on_end = NULL;
	t->opt.on_line = NULL;
	uv_close((uv_handle_t *)&t->process, on_handle_closed);
	uv_close((uv_handle_t *)&t->out, on_handle_closed);
	uv_close((uv_handle_t *)&t->err, on_handle_closed);
	uv_close((uv_handle_t *)&t->timer, on_handle_closed);
}

static void kill_group(const struct rp_tool *t)
{
	if (t->process.pid > 1) {
		(void)kill(-t->process.pid, SIGKILL);
	}
}

void rp_tool_cancel(struct rp_tool *t)
{
	if (t != NULL && t->opt.on_end != NULL) {
		if (!t->end.exited) {
			kill_group(t);
		}
		close_parts(t);
	}
}

static void give_line(struct rp_tool *t)
{
	struct rp_str line = rp_str_n(t->line, t->n_line);
	t->n_line = 0;
	if (t->opt.on_line != NULL) {
		t->opt.on_line(t->opt.ctx, line);
	}
}

static void finish(struct rp_tool *t)
{
	void (*on_end)(void *ctx, const struct rp_tool_end *end) = t->opt.on_end;
	void *ctx = t->opt.ctx;
	if (on_end == NULL) {
		return;
	}
	if (t->n_line > 0) {
		give_line(t);
	}
	if (t->n_text > 0 && t->end.text[t->n_text - 1] == ' ') {
		t->end.text[t->n_text - 1] = '\0';
	}
	struct rp_tool_end end = t->end;
	close_parts(t);
	on_end(ctx, &end);
}

static void maybe_finish(struct rp_tool *t)
{
	if (t->end.exited && !t->reading_out && !t->reading_err) {
		finish(t);
	}
}

static void take_out(struct rp_tool *t, const char *p, size_t n)
{
	while (n > 0) {
		const char *end = memchr(p, '\n', n);
		size_t len = end != NULL ? (size_t)(end - p) : n;
		size_t room = t->skipping ? 0 : RP_MIN(len, sizeof(t->line) - t->n_line);
		memcpy(t->line + t->n_line, p, room);
		t->n_line += room;
		t->skipping = t->skipping || room < len;
		if (end == NULL) {
			return;
		}
		give_line(t);
		t->skipping = false;
		p += len + 1;
		n -= len + 1;
	}
}

/* Runs of blanks, line ends and control bytes are one blank. */
static void take_err(struct rp_tool *t, const char *p, size_t n)
{
	char *text = t->end.text;
	for (size_t i = 0; i < n && t->n_text < sizeof(t->end.text) - 1; i++) {
		unsigned char c = (unsigned char)p[i];
		if (c > ' ' && c != 0x7f) {
			text[t->n_text++] = c < 0x80 ? (char)c : '?';
		} else if (t->n_text > 0 && text[t->n_text - 1] != ' ') {
			text[t->n_text++] = ' ';
		}
	}
	text[t->n_text] = '\0';
}

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *b)
{
	struct rp_tool *t = h->data;
	(void)suggested;
	*b = uv_buf_init(t->scratch, sizeof(t->scratch));
}

static void on_out(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
	struct rp_tool *t = s->data;
	if (n > 0) {
		take_out(t, b->base, (size_t)n);
	} else if (n < 0) {
		t->reading_out = false;
		(void)uv_read_stop(s);
		maybe_finish(t);
	}
}

static void on_err(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
	struct rp_tool *t = s->data;
	if (n > 0) {
		take_err(t, b->base, (size_t)n);
	} else if (n < 0) {
		t->reading_err = false;
		(void)uv_read_stop(s);
		maybe_finish(t);
	}
}

static void on_timer(uv_timer_t *timer)
{
	struct rp_tool *t = timer->data;
	if (t->end.exited || t->end.timed_out) {
		finish(t);
		return;
	}
	t->end.timed_out = true;
	kill_group(t);
	RP_VERIFY(uv_timer_start(timer, on_timer, GRACE_MS, 0) == 0);
}

/* What it left behind may hold the pipes for ever. */
static void on_exit_status(uv_process_t *process, int64_t status, int signal)
{
	struct rp_tool *t = process->data;
	t->end.exited = true;
	t->end.status = status;
	t->end.signal = signal;
	if (t->end.timed_out) {
		finish(t);
		return;
	}
	RP_VERIFY(uv_timer_start(&t->timer, on_timer, GRACE_MS, 0) == 0);
	maybe_finish(t);
}

/* Package managers may need the way out; nothing else of ours reaches them. */
static int make_env(struct rp_strlist *env)
{
	static const char *const inherited[] = {"HOME", "http_proxy", "https_proxy", "ftp_proxy",
	    "all_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"};
	int rc = rp_strlist_add(env, rp_str_c("PATH=" RP_LAUNCH_PATH));
	rc = rc != 0 ? rc : rp_strlist_add(env, rp_str_c("LC_ALL=C"));
	rc = rc != 0 ? rc : rp_strlist_add(env, rp_str_c("LANGUAGE=C"));
	rc = rc != 0 ? rc : rp_strlist_add(env, rp_str_c("DEBIAN_FRONTEND=noninteractive"));
	for (size_t i = 0; rc == 0 && i < RP_ARRAY_LEN(inherited); i++) {
		const char *value = getenv(inherited[i]);
		char *entry = value == NULL ? NULL : rp_asprintf("%s=%s", inherited[i], value);
		if (value != NULL) {
			rc = entry == NULL ? RP_ENOMEM : rp_strlist_add(env, rp_str_c(entry));
		}
		rp_free_secret(entry);
	}
	return rc;
}

/* Borrowed words with a NULL behind them; NULL: no memory. */
static char **with_end(const struct rp_strlist *l)
{
	char **v = rp_calloc(l->n + 1, sizeof(*v));
	if (v != NULL && l->n > 0) {
		memcpy(v, l->v, l->n * sizeof(*v));
	}
	return v;
}

static int spawn(struct rp_tool *t, struct rp_loop *loop, char **argv, char **env)
{
	uv_stdio_container_t io[] = {
	    {.flags = UV_IGNORE},
	    {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&t->out},
	    {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&t->err},
	};
	const uv_process_options_t o = {
	    .file = argv[0],
	    .args = argv,
	    .env = env,
	    .cwd = "/",
	    .flags = UV_PROCESS_DETACHED,
	    .stdio_count = RP_ARRAY_LEN(io),
	    .stdio = io,
	    .exit_cb = on_exit_status,
	};
	return uv_spawn(rp_loop_uv(loop), &t->process, &o);
}

/* From here on the way out is closing all handles. */
static int launch(struct rp_tool *t, struct rp_loop *loop, char **argv, char **env)
{
	uv_loop_t *uv = rp_loop_uv(loop);
	RP_VERIFY(uv_pipe_init(uv, &t->out, 0) == 0);
	RP_VERIFY(uv_pipe_init(uv, &t->err, 0) == 0);
	RP_VERIFY(uv_timer_init(uv, &t->timer) == 0);
	t->process.data = t;
	t->out.data = t;
	t->err.data = t;
	t->timer.data = t;
	t->handles = 4;
	int rc = spawn(t, loop, argv, env);
	if (rc != 0) {
		return rc;
	}
	(void)setpriority(PRIO_PGRP, (id_t)t->process.pid, PRIORITY);
	RP_VERIFY(uv_timer_start(&t->timer, on_timer, t->opt.timeout_ms, 0) == 0);
	t->reading_out = uv_read_start((uv_stream_t *)&t->out, on_alloc, on_out) == 0;
	t->reading_err = uv_read_start((uv_stream_t *)&t->err, on_alloc, on_err) == 0;
	return 0;
}

int rp_tool_start(struct rp_loop *loop, const struct rp_tool_options *opt, struct rp_tool **out)
{
	struct rp_strlist env = {0};
	*out = NULL;
	struct rp_tool *t = rp_calloc(1, sizeof(*t));
	if (t == NULL) {
		return RP_ENOMEM;
	}
	t->opt = *opt;
	int rc = make_env(&env);
	char **envv = rc == 0 ? with_end(&env) : NULL;
	char **argv = rc == 0 ? with_end(opt->argv) : NULL;
	if (envv == NULL || argv == NULL) {
		rp_free(t);
		rc = RP_ENOMEM;
	} else {
		rc = launch(t, loop, argv, envv);
		if (rc != 0) {
			close_parts(t);
		} else {
			*out = t;
		}
	}
	rp_free(argv);
	rp_free(envv);
	rp_strlist_fini(&env);
	return rc;
}
