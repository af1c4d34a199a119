/* SPDX-License-Identifier: MIT */
/*
 * Two buffers: one is filled on the loop while the other one is written on the pool. Every piece of
 * work is the same: make the file if there is none yet, write what is in the second buffer, and
 * close at the end.
 */
#include "api/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/buf.h"
#include "core/crypto.h"

#include "core/banned.h"

/* The sender is held above it; one read of the connection comes on top. */
#define BUFFER_HIGH ((size_t)256 * 1024)
#define BUFFER_MAX  ((size_t)4 * 1024 * 1024)

struct rp_spool {
	struct rp_loop *loop;
	const struct rp_spool_ops *ops;
	void *ctx;
	char *path;
	struct rp_buf filling;
	struct rp_buf writing;
	bool held;     /* on_room is due */
	bool finished; /* no more bytes come */
	bool aborted;
	struct rp_deferred start;

	/* The pool's while busy. */
	uv_work_t work;
	bool busy;
	bool last; /* closes the file */
	int fd;
	bool made;
	int failed; /* errno */
	uint64_t size;
	struct rp_md5_stream *hash;
	uint8_t md5[RP_SPOOL_MD5_BYTES];
};

/* On the pool. */

static int write_all(struct rp_spool *s)
{
	while (s->writing.len > 0) {
		ssize_t n = write(s->fd, rp_buf_head(&s->writing), s->writing.len);
		if (n < 0 && errno != EINTR) {
			return errno;
		}
		size_t done = n > 0 ? (size_t)n : 0;
		if (rp_md5_stream_add(s->hash, rp_buf_head(&s->writing), done) != 0) {
			return EIO;
		}
		s->size += done;
		rp_buf_consume(&s->writing, done);
	}
	return 0;
}

static int make_file(struct rp_spool *s)
{
	s->fd = open(s->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	s->made = s->fd >= 0;
	return s->made ? 0 : errno;
}

static int close_file(struct rp_spool *s)
{
	int code = s->fd < 0 || close(s->fd) == 0 ? 0 : errno;
	s->fd = -1;
	return code;
}

static void on_work(uv_work_t *work)
{
	struct rp_spool *s = work->data;
	int code = s->fd < 0 ? make_file(s) : 0;
	code = code != 0 ? code : write_all(s);
	if (code != 0 || s->last) {
		int closed = close_file(s);
		code = code != 0 ? code : closed;
	}
	if (code == 0 && s->last) {
		code = rp_md5_stream_end(s->hash, s->md5) == 0 ? 0 : EIO;
	}
	s->failed = code;
}

static void on_remove(uv_work_t *work)
{
	struct rp_spool *s = work->data;
	(void)close_file(s);
	if (s->made) {
		(void)unlink(s->path);
	}
}

/* On the loop. */

static void spool_free(struct rp_spool *s)
{
	rp_loop_defer_cancel(&s->start);
	rp_buf_fini(&s->filling);
	rp_buf_fini(&s->writing);
	rp_md5_stream_free(s->hash);
	rp_free(s->path);
	rp_free(s);
}

static void on_removed(uv_work_t *work, int status)
{
	(void)status;
	spool_free(work->data);
}

static void remove_file(struct rp_spool *s)
{
	s->busy = true;
	if (uv_queue_work(rp_loop_uv(s->loop), &s->work, on_remove, on_removed) != 0) {
		on_remove(&s->work);
		spool_free(s);
	}
}

static void tell_failed(struct rp_spool *s)
{
	struct rp_err err = {0};
	(void)rp_err_set(&err, RP_EIO, "the file cannot be stored: %s", rp_err_text(-s->failed));
	s->ops->on_failed(s->ctx, &err);
}

static void on_worked(uv_work_t *work, int status)
{
	struct rp_spool *s = work->data;
	s->busy = false;
	s->failed = status == 0 ? s->failed : EIO;
	if (s->aborted) {
		remove_file(s);
	} else if (s->failed != 0) {
		tell_failed(s);
	} else if (s->last) {
		s->ops->on_done(s->ctx, s->size, s->md5);
		spool_free(s);
	} else {
		rp_loop_defer(s->loop, &s->start);
		if (s->held && s->filling.len <= BUFFER_HIGH / 2) {
			s->held = false;
			s->ops->on_room(s->ctx);
		}
	}
}

static void on_start(struct rp_deferred *d)
{
	struct rp_spool *s = RP_CONTAINER_OF(d, struct rp_spool, start);
	if (s->busy || s->failed != 0 || (s->filling.len == 0 && !s->finished)) {
		return;
	}
	struct rp_buf empty = s->writing;
	s->writing = s->filling;
	s->filling = empty;
	s->last = s->finished;
	s->busy = true;
	int code = uv_queue_work(rp_loop_uv(s->loop), &s->work, on_work, on_worked);
	if (code != 0) {
		s->busy = false;
		s->failed = -code;
		tell_failed(s);
	} else if (s->held) {
		/* The other buffer is empty: the sender goes on while this one is written. */
		s->held = false;
		s->ops->on_room(s->ctx);
	}
}

int rp_spool_new(struct rp_loop *loop, const char *path, const struct rp_spool_ops *ops, void *ctx,
    struct rp_spool **out)
{
	struct rp_spool *s = rp_calloc(1, sizeof(*s));
	*out = s;
	if (s == NULL) {
		return RP_ENOMEM;
	}
	s->loop = loop;
	s->ops = ops;
	s->ctx = ctx;
	s->fd = -1;
	s->work.data = s;
	s->start.run = on_start;
	rp_list_init(&s->start.node);
	rp_buf_init(&s->filling, BUFFER_MAX);
	rp_buf_init(&s->writing, BUFFER_MAX);
	s->path = rp_strdup(path);
	if (s->path == NULL || rp_md5_stream_new(&s->hash) != 0) {
		spool_free(s);
		*out = NULL;
		return RP_ENOMEM;
	}
	return 0;
}

int rp_spool_write(struct rp_spool *s, const void *p, size_t n)
{
	int code = rp_buf_add(&s->filling, p, n);
	if (code != 0) {
		return code;
	}
	rp_loop_defer(s->loop, &s->start);
	s->held = s->held || s->filling.len > BUFFER_HIGH;
	return s->held ? 1 : 0;
}

void rp_spool_finish(struct rp_spool *s)
{
	s->finished = true;
	rp_loop_defer(s->loop, &s->start);
}

void rp_spool_abort(struct rp_spool *s)
{
	if (s == NULL) {
		return;
	}
	s->aborted = true;
	rp_loop_defer_cancel(&s->start);
	if (!s->busy) {
		remove_file(s);
	}
}
