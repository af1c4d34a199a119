/* SPDX-License-Identifier: MIT */
/*
 * Lines are made on the loop and written one after the other on the pool. A line is one write, so
 * that a reader never sees half of one.
 */
#include "client/trail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/buf.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "core/jsonw.h"
#include "core/log.h"
#include "core/serial.h"

#include "core/banned.h"

#define COMPONENT  "trail"
#define DECISIONS  "commands"
#define FILE_NAME  "commands.log"
#define QUEUED_MAX 1000
#define LINE_MAX_B ((size_t)64 * 1024)
#define HEX_MAX    65

struct rp_trail {
	struct rp_serial *queue;
	char *path;
	void (*on_closed)(void *ctx);
	void *ctx;
};

struct line {
	struct rp_serial_job job;
	const char *path; /* the trail's */
	char *jid;
	struct rp_buf text;
};

int rp_trail_new(
    struct rp_loop *loop, const char *data_dir, struct rp_trail **out, struct rp_err *err)
{
	struct rp_trail *t = rp_calloc(1, sizeof(*t));
	int code = RP_ENOMEM;
	if (t != NULL) {
		t->path = rp_asprintf("%s/" FILE_NAME, data_dir);
		code = t->path == NULL ? RP_ENOMEM
		                       : rp_serial_new(&t->queue, loop, QUEUED_MAX, NULL);
	}
	if (code != 0) {
		if (t != NULL) {
			rp_free(t->path);
		}
		rp_free(t);
		return rp_err_set(err, code, "%s", rp_err_text(code));
	}
	*out = t;
	return 0;
}

/* --- on the pool --- */

static void number(const char *path, int i, char *out, size_t size)
{
	(void)snprintf(out, size, i == 0 ? "%s" : "%s.%d", path, i);
}

/* The oldest goes; a gap in the numbers is fine. */
static void rotate(const char *path)
{
	char from[PATH_MAX];
	char to[PATH_MAX];
	for (int i = RP_TRAIL_FILES - 1; i > 0; i--) {
		number(path, i - 1, from, sizeof(from));
		number(path, i, to, sizeof(to));
		(void)rename(from, to);
	}
}

static int open_file(const char *path, off_t *size)
{
	struct stat st;
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0) {
		return -errno;
	}
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		(void)close(fd);
		return -EACCES;
	}
	*size = st.st_size;
	return fd;
}

static int on_work(struct rp_serial_job *job, void *ctx)
{
	struct line *l = RP_CONTAINER_OF(job, struct line, job);
	off_t size = 0;
	(void)ctx;
	int fd = open_file(l->path, &size);
	if (fd >= 0 && size > 0 && size + (off_t)l->text.len > RP_TRAIL_FILE_MAX) {
		(void)close(fd);
		rotate(l->path);
		fd = open_file(l->path, &size);
	}
	if (fd < 0) {
		return fd;
	}
	ssize_t n = write(fd, rp_buf_head(&l->text), l->text.len);
	int code = n == (ssize_t)l->text.len ? 0 : n < 0 ? -errno : -ENOSPC;
	if (code == 0 && fdatasync(fd) != 0) {
		code = -errno;
	}
	(void)close(fd);
	return code;
}

/* --- on the loop --- */

static void line_free(struct line *l)
{
	rp_free(l->jid);
	rp_buf_fini(&l->text);
	rp_free(l);
}

static void lost(const char *jid, int code)
{
	rp_log_error(COMPONENT, "the decision about job %s is not in " FILE_NAME ": %s",
	    jid == NULL ? "" : jid, rp_err_text(code));
}

static void on_done(struct rp_serial_job *job, int status)
{
	struct line *l = RP_CONTAINER_OF(job, struct line, job);
	if (status != 0) {
		lost(l->jid, status);
	}
	line_free(l);
}

/* Cut off between characters. */
static struct rp_str beginning(const char *text)
{
	size_t n = strnlen(text, RP_TRAIL_TEXT_MAX);
	while (n == RP_TRAIL_TEXT_MAX && n > 0 && ((uint8_t)text[n] & 0xc0) == 0x80) {
		n--;
	}
	return rp_str_n(text, n);
}

static const char *or_empty(const char *s)
{
	return s == NULL ? "" : s;
}

/* "" if it cannot be made. */
static void command_sha256(const struct rp_job *job, char hex[static HEX_MAX])
{
	const char *command = or_empty(job->command);
	uint8_t digest[32];
	hex[0] = '\0';
	if (rp_sha256(command, strlen(command), digest) == 0) {
		rp_hex(digest, sizeof(digest), hex);
	}
}

/* A command may be able to change files of ours; the log may be out of its reach. */
static void log_decision(
    const struct rp_job *job, bool allowed, const char *reason, const char *hex)
{
	rp_log_info(DECISIONS, "%s of %.64s %s: %s jid=%.64s sha256=%s",
	    job->is_script ? "script" : "command", or_empty(job->created_by),
	    allowed ? "allowed" : "refused", reason, or_empty(job->jid), hex);
}

static void put_text(struct rp_jsonw *w, const char *key, const char *text)
{
	rp_jsonw_key(w, key);
	rp_jsonw_strn(w, beginning(or_empty(text)));
}

static int write_line(
    struct rp_buf *out, const struct rp_job *job, bool allowed, const char *reason, const char *hex)
{
	struct rp_jsonw w;
	rp_jsonw_init(&w, out);
	rp_jsonw_obj(&w);
	rp_jsonw_put_time(&w, "time", rp_time_now());
	rp_jsonw_put_str(&w, "decision", allowed ? "allowed" : "refused");
	rp_jsonw_put_str(&w, "reason", reason);
	put_text(&w, "user", job->created_by);
	put_text(&w, "jid", job->jid);
	rp_jsonw_put_bool(&w, "script", job->is_script);
	rp_jsonw_put_bool(&w, "sudo", job->is_sudo);
	put_text(&w, "interpreter", job->interpreter);
	put_text(&w, "cwd", job->cwd);
	put_text(&w, "command", job->command);
	if (hex[0] != '\0') {
		rp_jsonw_put_str(&w, "command_sha256", hex);
	}
	rp_jsonw_obj_end(&w);
	int code = rp_jsonw_end(&w);
	return code != 0 ? code : rp_buf_add_u8(out, '\n');
}

void rp_trail_decision(
    struct rp_trail *t, const struct rp_job *job, bool allowed, const char *reason)
{
	struct line *l = rp_calloc(1, sizeof(*l));
	int code = RP_ENOMEM;
	char hex[HEX_MAX];
	command_sha256(job, hex);
	log_decision(job, allowed, reason, hex);
	if (l != NULL) {
		rp_buf_init(&l->text, LINE_MAX_B);
		l->job.work = on_work;
		l->job.done = on_done;
		l->path = t->path;
		l->jid = rp_strdup(or_empty(job->jid));
		code = l->jid == NULL ? RP_ENOMEM : write_line(&l->text, job, allowed, reason, hex);
		code = code != 0 ? code : rp_serial_submit(t->queue, &l->job);
	}
	if (code != 0) {
		lost(job->jid, code);
		if (l != NULL) {
			line_free(l);
		}
	}
}

static void on_queue_closed(void *arg)
{
	struct rp_trail *t = arg;
	void (*on_closed)(void *ctx) = t->on_closed;
	void *ctx = t->ctx;
	rp_free(t->path);
	rp_free(t);
	on_closed(ctx);
}

void rp_trail_close(struct rp_trail *t, void (*on_closed)(void *ctx), void *ctx)
{
	t->on_closed = on_closed;
	t->ctx = ctx;
	rp_serial_close(t->queue, on_queue_closed, t);
}
