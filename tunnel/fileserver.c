/* SPDX-License-Identifier: MIT */
/*
 * SFTP on a channel. Requests wait in `in` until the answer to the one before has gone to the mux,
 * and only then their bytes are credited: a client that asks and does not read is not answered any
 * further. One piece of work is under way on the pool at a time; when the channel goes meanwhile,
 * its end frees the rest.
 */
#include "tunnel/fileserver.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/buf.h"
#include "core/log.h"
#include "tunnel/sftp.h"

#include "core/banned.h"

/* Requests that wait; clients send one, some dozens ahead at most. */
#define IN_MAX ((size_t)64 * 1024)
/* One answer. */
#define OUT_MAX   (RP_SFTP_READ_MAX + (size_t)1024)
#define HANDLE    "file"
#define COMPONENT "file-server"

struct rp_fileserver {
	struct rp_loop *loop;
	struct rp_channel *channel; /* NULL when it has gone */
	const struct rp_fileserver_ops *ops;
	void *ctx;
	struct rp_deferred turn;
	struct rp_buf in;
	struct rp_buf out;
	bool started; /* the subsystem was asked for */
	bool warned;
	bool eof;

	int fd;     /* of the open file, -1 = none */
	char *path; /* of it, or of what the work is about */
	uint8_t *block;

	/* The work on the pool. */
	uv_work_t work;
	bool busy;
	struct rp_sftp_request now; /* its name is not valid any more */
	ssize_t result;             /* negative: errno */
	struct stat info;
};

/* On the pool. */

/* Nothing but a plain file, and never through a link: what stands there was put there by us. */
static ssize_t open_file(struct rp_fileserver *s)
{
	int fd = open(s->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		return -errno;
	}
	if (fstat(fd, &s->info) != 0 || !S_ISREG(s->info.st_mode)) {
		(void)close(fd);
		return -EACCES;
	}
	s->fd = fd;
	return 0;
}

static ssize_t read_file(struct rp_fileserver *s)
{
	size_t done = 0;
	if (s->now.offset > (uint64_t)INT64_MAX - s->now.len) {
		return 0;
	}
	while (done < s->now.len) {
		ssize_t n = pread(
		    s->fd, s->block + done, s->now.len - done, (off_t)(s->now.offset + done));
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0) {
			return -errno;
		}
		if (n == 0) {
			break;
		}
		done += (size_t)n;
	}
	return (ssize_t)done;
}

static void on_work(uv_work_t *work)
{
	struct rp_fileserver *s = work->data;
	switch (s->now.type) {
	case RP_SFTP_OPEN:
		s->result = open_file(s);
		return;
	case RP_SFTP_READ:
		s->result = read_file(s);
		return;
	case RP_SFTP_FSTAT:
		s->result = fstat(s->fd, &s->info) == 0 ? 0 : -errno;
		return;
	default:
		s->result = lstat(s->path, &s->info) == 0 ? 0 : -errno;
		return;
	}
}

/* On the loop. */

static void close_file(struct rp_fileserver *s)
{
	if (s->fd >= 0) {
		(void)close(s->fd);
		s->fd = -1;
	}
	rp_free(s->path);
	s->path = NULL;
}

static void maybe_free(struct rp_fileserver *s)
{
	if (s->channel != NULL || s->busy) {
		return;
	}
	rp_loop_defer_cancel(&s->turn);
	close_file(s);
	rp_buf_fini(&s->in);
	rp_buf_fini(&s->out);
	rp_free(s->block);
	rp_free(s);
}

/* The owner hears of it at once; what is under way on the pool ends by itself. */
static void drop(struct rp_fileserver *s)
{
	struct rp_channel *channel = s->channel;
	if (channel == NULL) {
		return;
	}
	s->channel = NULL;
	rp_channel_detach(channel);
	s->ops->on_closed(s->ctx);
	maybe_free(s);
}

static enum rp_sftp_status status_of(ssize_t result)
{
	switch (-result) {
	case ENOENT:
		return RP_SFTP_NO_SUCH_FILE;
	case EACCES:
	case EPERM:
	case ELOOP:
		return RP_SFTP_PERMISSION_DENIED;
	default:
		return result < 0 ? RP_SFTP_FAILURE : RP_SFTP_OK;
	}
}

/* The answer to what was done on the pool. */
static int answer_work(struct rp_fileserver *s)
{
	uint32_t id = s->now.id;
	if (s->result < 0) {
		return rp_sftp_put_status(&s->out, id, status_of(s->result));
	}
	switch (s->now.type) {
	case RP_SFTP_OPEN:
		return rp_sftp_put_handle(&s->out, id, HANDLE);
	case RP_SFTP_READ:
		return s->result == 0 && s->now.len > 0
		    ? rp_sftp_put_status(&s->out, id, RP_SFTP_EOF)
		    : rp_sftp_put_data(&s->out, id, s->block, (size_t)s->result);
	default:
		return rp_sftp_put_attrs(
		    &s->out, id, (uint64_t)s->info.st_size, (uint32_t)s->info.st_mode);
	}
}

static void on_worked(uv_work_t *work, int status)
{
	struct rp_fileserver *s = work->data;
	s->busy = false;
	if (s->channel == NULL) {
		maybe_free(s);
		return;
	}
	if (status != 0) {
		s->result = -EIO;
	}
	int code = answer_work(s);
	/* A path is kept for as long as its file is open. */
	if (s->fd < 0) {
		close_file(s);
	}
	if (code != 0) {
		drop(s);
		return;
	}
	rp_channel_ready(s->channel);
}

static int start_work(struct rp_fileserver *s)
{
	s->work.data = s;
	int code = uv_queue_work(rp_loop_uv(s->loop), &s->work, on_work, on_worked);
	s->busy = code == 0;
	return code;
}

static int refuse(struct rp_fileserver *s, enum rp_sftp_status status)
{
	return rp_sftp_put_status(&s->out, s->now.id, status);
}

static int start_path(struct rp_fileserver *s, struct rp_str path)
{
	if (s->fd >= 0) {
		return refuse(s, RP_SFTP_FAILURE);
	}
	if (!s->ops->may_read(s->ctx, path)) {
		if (!s->warned) {
			rp_log_error(
			    COMPONENT, "a client asks for a file that it was not told to fetch");
			s->warned = true;
		}
		return refuse(s, RP_SFTP_PERMISSION_DENIED);
	}
	s->path = rp_str_dup(path);
	return s->path == NULL ? RP_ENOMEM : start_work(s);
}

static int start_handle(struct rp_fileserver *s, struct rp_str handle)
{
	if (s->fd < 0 || !rp_str_eq(handle, HANDLE)) {
		return refuse(s, RP_SFTP_FAILURE);
	}
	if (s->now.type == RP_SFTP_CLOSE) {
		close_file(s);
		return refuse(s, RP_SFTP_OK);
	}
	if (!s->ops->may_read(s->ctx, rp_str_c(s->path))) {
		return refuse(s, RP_SFTP_PERMISSION_DENIED);
	}
	if (s->now.type == RP_SFTP_READ) {
		s->now.len = RP_MIN(s->now.len, RP_SFTP_READ_MAX);
		s->block = s->block != NULL ? s->block : rp_malloc(RP_SFTP_READ_MAX);
		if (s->block == NULL) {
			return RP_ENOMEM;
		}
	}
	return start_work(s);
}

static int handle(struct rp_fileserver *s, const struct rp_sftp_request *r)
{
	s->now = *r;
	switch (r->type) {
	case RP_SFTP_INIT:
		return rp_sftp_put_version(&s->out);
	case RP_SFTP_OPEN:
		return r->flags == RP_SFTP_F_READ ? start_path(s, r->name)
		                                  : refuse(s, RP_SFTP_PERMISSION_DENIED);
	case RP_SFTP_STAT:
	case RP_SFTP_LSTAT:
		return start_path(s, r->name);
	case RP_SFTP_READ:
	case RP_SFTP_FSTAT:
	case RP_SFTP_CLOSE:
		return start_handle(s, r->name);
	default:
		return refuse(s, RP_SFTP_OP_UNSUPPORTED);
	}
}

/* The next request, when the one before is answered. */
static void on_turn(struct rp_deferred *d)
{
	struct rp_fileserver *s = RP_CONTAINER_OF(d, struct rp_fileserver, turn);
	struct rp_sftp_request r;
	size_t used;
	if (s->busy || s->out.len > 0) {
		return;
	}
	int code = rp_sftp_parse(rp_buf_head(&s->in), s->in.len, &used, &r);
	if (code == 0 && s->eof) {
		code = RP_ECLOSED;
	}
	if (code == 1) {
		code = handle(s, &r);
		rp_buf_consume(&s->in, used);
		rp_channel_consumed(s->channel, used);
	}
	if (code < 0) {
		if (code == RP_ECLOSED) {
			rp_channel_eof(s->channel);
		}
		drop(s);
	} else if (s->out.len > 0) {
		rp_channel_ready(s->channel);
	}
}

/* Channel */

static size_t on_pull(void *ctx, uint8_t *p, size_t max)
{
	struct rp_fileserver *s = ctx;
	size_t n = rp_buf_move(&s->out, p, max);
	if (n > 0 && s->out.len == 0) {
		rp_loop_defer(s->loop, &s->turn);
	}
	return n;
}

static void on_data(void *ctx, const uint8_t *p, size_t n)
{
	struct rp_fileserver *s = ctx;
	if (!s->started || rp_buf_add(&s->in, p, n) != 0) {
		drop(s);
		return;
	}
	rp_loop_defer(s->loop, &s->turn);
}

static void on_eof(void *ctx)
{
	struct rp_fileserver *s = ctx;
	s->eof = true;
	rp_loop_defer(s->loop, &s->turn);
}

static bool on_request(void *ctx, struct rp_str name, const uint8_t *p, size_t n)
{
	struct rp_fileserver *s = ctx;
	struct rp_cursor c;
	struct rp_str what;
	rp_cursor_init(&c, p, n);
	if (s->started || !rp_str_eq(name, "subsystem") || rp_cursor_sstring(&c, &what) != 0 ||
	    !rp_str_eq(what, "sftp")) {
		return false;
	}
	s->started = true;
	return true;
}

static void on_closed(void *ctx, int reason, struct rp_str text)
{
	struct rp_fileserver *s = ctx;
	(void)reason;
	(void)text;
	s->channel = NULL;
	s->ops->on_closed(s->ctx);
	maybe_free(s);
}

int rp_fileserver_accept(struct rp_loop *loop, struct rp_channel *channel,
    const struct rp_fileserver_ops *ops, void *ctx)
{
	static const struct rp_channel_ops channel_ops = {
	    .on_pull = on_pull,
	    .on_data = on_data,
	    .on_eof = on_eof,
	    .on_request = on_request,
	    .on_closed = on_closed,
	};
	struct rp_fileserver *s = rp_calloc(1, sizeof(*s));
	if (s == NULL) {
		return RP_ENOMEM;
	}
	s->loop = loop;
	s->channel = channel;
	s->ops = ops;
	s->ctx = ctx;
	s->fd = -1;
	s->turn.run = on_turn;
	rp_list_init(&s->turn.node);
	rp_buf_init(&s->in, IN_MAX);
	rp_buf_init(&s->out, OUT_MAX);
	rp_channel_accept(channel, &channel_ops, s);
	return 0;
}
