/* SPDX-License-Identifier: MIT */
/*
 * OPENING -> (confirmed) -> ASKING (subsystem) -> GREETING (INIT) -> FINDING (OPEN) -> READING ->
 * CLOSING -> OVER. Everything that is told goes through finish(), which lets go of the channel.
 *
 * Blocks are asked for one behind the other. A server may give less than was asked for: what is
 * behind the gap is dropped when it comes, and asked for again from there.
 */
#include "client/download.h"

#include <string.h>

#include <uv.h>

#include "core/alloc.h"
#include "core/buf.h"
#include "core/err.h"
#include "tunnel/sftp.h"
#include "tunnel/sftp_ask.h"

#include "core/banned.h"

/* Requests that wait to be sent; a READ takes less than 300 bytes. */
#define OUT_MAX ((size_t)16 * 1024)

enum step {
	OPENING,
	ASKING,
	GREETING,
	FINDING,
	READING,
	CLOSING,
	OVER
};

struct rp_download {
	struct rp_channel *channel;
	const struct rp_download_ops *ops;
	void *ctx;
	enum step step;
	char *path;
	struct rp_buf in;
	struct rp_buf out;
	uint8_t handle[RP_SFTP_HANDLE_MAX];
	size_t handle_n;
	uint32_t id;                         /* of the request before the next */
	uint32_t oldest;                     /* READs that have no answer yet: from this id to id */
	uint64_t offsets[RP_DOWNLOAD_AHEAD]; /* by id */
	uint64_t next;                       /* to be asked for */
	uint64_t got;                        /* bytes handed over */
	bool at_end;                         /* the server said so for what comes after got */
	uv_timer_t stall;
};

static void on_stall_closed(uv_handle_t *h)
{
	struct rp_download *d = h->data;
	rp_buf_fini(&d->in);
	rp_buf_fini(&d->out);
	rp_free(d->path);
	rp_free(d);
}

/* Lets go of everything; the memory goes with the timer. */
static void let_go(struct rp_download *d)
{
	d->step = OVER;
	if (d->channel != NULL) {
		rp_channel_detach(d->channel);
		d->channel = NULL;
	}
	uv_close((uv_handle_t *)&d->stall, on_stall_closed);
}

static void finish(struct rp_download *d, int code, const char *why)
{
	if (d->step == OVER) {
		return;
	}
	if (code == 0) {
		rp_channel_eof(d->channel);
	}
	let_go(d);
	d->ops->on_end(d->ctx, code, why);
}

void rp_download_cancel(struct rp_download *d)
{
	if (d->step != OVER) {
		let_go(d);
	}
}

static void on_stall(uv_timer_t *h)
{
	finish(h->data, RP_ETIMEOUT, "the server does not go on with the file");
}

static void progress(struct rp_download *d, enum step step)
{
	d->step = step;
	RP_VERIFY(uv_timer_start(&d->stall, on_stall, RP_DOWNLOAD_STALL_MS, 0) == 0);
}

/* Requests */

static struct rp_str handle_of(const struct rp_download *d)
{
	return rp_str_n(d->handle, d->handle_n);
}

static uint32_t unanswered(const struct rp_download *d)
{
	return d->id + 1 - d->oldest;
}

/* Blocks that are on their way count as if they came whole. */
static int ask_blocks(struct rp_download *d)
{
	size_t room = d->ops->room(d->ctx);
	while (!d->at_end && unanswered(d) < RP_DOWNLOAD_AHEAD &&
	    room >= ((size_t)unanswered(d) + 1) * RP_SFTP_BLOCK) {
		int code = rp_sftp_ask_read(&d->out, d->id + 1, handle_of(d), d->next);
		if (code != 0) {
			return code;
		}
		d->id++;
		d->offsets[d->id % RP_DOWNLOAD_AHEAD] = d->next;
		d->next += RP_SFTP_BLOCK;
	}
	return 0;
}

static int ask_close(struct rp_download *d)
{
	progress(d, CLOSING);
	d->id++;
	return rp_sftp_ask_close(&d->out, d->id, handle_of(d));
}

/* What is to be asked for next. */
static int ask_more(struct rp_download *d)
{
	return d->at_end ? ask_close(d) : ask_blocks(d);
}

void rp_download_go_on(struct rp_download *d)
{
	if (d->step != READING) {
		return;
	}
	if (ask_blocks(d) != 0) {
		finish(d, RP_ENOMEM, "out of memory");
	} else if (d->out.len > 0) {
		rp_channel_ready(d->channel);
	}
}

/* Answers. Each returns 0, or a code with its text. */

static int wrong(const char **why)
{
	*why = "the server's SFTP answer makes no sense";
	return RP_EPROTO;
}

static const char *status_text(uint32_t status)
{
	switch (status) {
	case RP_SFTP_NO_SUCH_FILE:
		return "the server does not find the file";
	case RP_SFTP_PERMISSION_DENIED:
		return "the server does not let the file be read";
	default:
		return "the server cannot read the file";
	}
}

static int take_version(struct rp_download *d, const struct rp_sftp_answer *a, const char **why)
{
	if (a->type != RP_SFTP_VERSION_IS || a->id != RP_SFTP_VERSION) {
		return wrong(why);
	}
	progress(d, FINDING);
	d->id = 1;
	return rp_sftp_ask_open(&d->out, d->id, rp_str_c(d->path));
}

static int take_handle(struct rp_download *d, const struct rp_sftp_answer *a, const char **why)
{
	if (a->type == RP_SFTP_STATUS && a->status != RP_SFTP_OK) {
		*why = status_text(a->status);
		return RP_ENOENT;
	}
	if (a->type != RP_SFTP_HANDLE || a->id != d->id) {
		return wrong(why);
	}
	memcpy(d->handle, a->data.p, a->data.len);
	d->handle_n = a->data.len;
	d->oldest = d->id + 1;
	progress(d, READING);
	return ask_more(d);
}

static int take_block(struct rp_download *d, const struct rp_sftp_answer *a, const char **why)
{
	if (unanswered(d) == 0 || a->id != d->oldest) {
		return wrong(why);
	}
	bool behind = d->offsets[a->id % RP_DOWNLOAD_AHEAD] != d->got;
	d->oldest++;
	progress(d, READING);
	if (a->type == RP_SFTP_STATUS && a->status == RP_SFTP_EOF) {
		d->at_end = d->at_end || !behind;
	} else if (a->type == RP_SFTP_STATUS) {
		*why = status_text(a->status);
		return RP_EIO;
	} else if (a->type != RP_SFTP_DATA || a->data.len == 0) {
		return wrong(why);
	} else if (!behind) {
		d->got += a->data.len;
		d->next = a->data.len < RP_SFTP_BLOCK ? d->got : d->next;
		d->ops->on_data(d->ctx, (const uint8_t *)a->data.p, a->data.len);
	}
	/* The end is told when nothing is on its way any more. */
	return d->at_end && unanswered(d) > 0 ? 0 : ask_more(d);
}

static int take_closed(struct rp_download *d, const struct rp_sftp_answer *a, const char **why)
{
	if (a->type != RP_SFTP_STATUS || a->id != d->id) {
		return wrong(why);
	}
	finish(d, 0, NULL);
	return 0;
}

static int take(struct rp_download *d, const struct rp_sftp_answer *a, const char **why)
{
	switch (d->step) {
	case GREETING:
		return take_version(d, a, why);
	case FINDING:
		return take_handle(d, a, why);
	case READING:
		return take_block(d, a, why);
	case CLOSING:
		return take_closed(d, a, why);
	default:
		return wrong(why);
	}
}

static void take_answers(struct rp_download *d)
{
	const char *why = "out of memory";
	struct rp_sftp_answer a;
	size_t used;
	int code = 1;
	while (d->step != OVER &&
	    (code = rp_sftp_ask_answer(rp_buf_head(&d->in), d->in.len, &used, &a)) == 1) {
		code = take(d, &a, &why);
		rp_buf_consume(&d->in, used);
		if (code != 0) {
			break;
		}
	}
	if (code == RP_EPROTO || code == RP_ELIMIT) {
		(void)wrong(&why);
	}
	if (code < 0) {
		finish(d, code, why);
	} else if (d->step != OVER && d->out.len > 0) {
		rp_channel_ready(d->channel);
	}
}

/* Channel */

static void on_opened(void *ctx)
{
	static const char subsystem[] = "\0\0\0\4sftp";
	struct rp_download *d = ctx;
	progress(d, ASKING);
	if (rp_channel_request(d->channel, "subsystem", subsystem, sizeof(subsystem) - 1) != 0) {
		finish(d, RP_ECLOSED, "the connection was lost");
	}
}

static void on_answer(void *ctx, bool ok)
{
	struct rp_download *d = ctx;
	if (!ok) {
		finish(d, RP_EDENIED, "the server has no SFTP");
		return;
	}
	progress(d, GREETING);
	if (rp_sftp_ask_init(&d->out) != 0) {
		finish(d, RP_ENOMEM, "out of memory");
		return;
	}
	rp_channel_ready(d->channel);
}

static size_t on_pull(void *ctx, uint8_t *p, size_t max)
{
	struct rp_download *d = ctx;
	return rp_buf_move(&d->out, p, max);
}

static void on_data(void *ctx, const uint8_t *p, size_t n)
{
	struct rp_download *d = ctx;
	if (rp_buf_add(&d->in, p, n) != 0) {
		finish(d, RP_ENOMEM, "out of memory");
		return;
	}
	rp_channel_consumed(d->channel, n);
	take_answers(d);
}

static void on_eof(void *ctx)
{
	finish(ctx, RP_EPROTO, "the server ended the transfer");
}

static void on_closed(void *ctx, int reason, struct rp_str text)
{
	struct rp_download *d = ctx;
	(void)text;
	d->channel = NULL;
	if (reason < 0) {
		finish(d, RP_ECLOSED, "the connection was lost");
	} else if (reason > 0) {
		finish(d, RP_EDENIED, "the server refuses the transfer");
	} else {
		finish(d, RP_EPROTO, "the server ended the transfer");
	}
}

int rp_download_start(struct rp_loop *loop, struct rp_mux *mux, const char *path,
    const struct rp_download_ops *ops, void *ctx, struct rp_download **out)
{
	static const struct rp_channel_ops channel_ops = {
	    .on_opened = on_opened,
	    .on_pull = on_pull,
	    .on_data = on_data,
	    .on_eof = on_eof,
	    .on_answer = on_answer,
	    .on_closed = on_closed,
	};
	struct rp_download *d = rp_calloc(1, sizeof(*d));
	if (d == NULL) {
		return RP_ENOMEM;
	}
	d->ops = ops;
	d->ctx = ctx;
	d->path = rp_strdup(path);
	rp_buf_init(&d->in, RP_SFTP_ANSWER_MAX + (size_t)RP_MUX_PACKET_MAX + 4);
	rp_buf_init(&d->out, OUT_MAX);
	int code = d->path == NULL
	    ? RP_ENOMEM
	    : rp_channel_open(mux, "session", NULL, 0, &channel_ops, d, &d->channel);
	if (code != 0) {
		rp_free(d->path);
		rp_free(d);
		return code;
	}
	RP_VERIFY(uv_timer_init(rp_loop_uv(loop), &d->stall) == 0);
	d->stall.data = d;
	progress(d, OPENING);
	*out = d;
	return 0;
}
