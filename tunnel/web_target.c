/* SPDX-License-Identifier: MIT */
/*
 * The way from the proxy to the target: a stream on one end of a socket pair, a pump between the
 * other end and a channel. So TLS, write queue, back-pressure and half-close are those that
 * streams and pumps have anyway, and there is no port on the loopback interface that other users
 * of the machine could connect to, past login and ACL. It costs a copy through the kernel, little
 * beside TLS.
 *
 * Stream and pump end by themselves, in any order; the last one frees the target.
 */
#include <string.h>
#include <unistd.h>

#include <sys/socket.h>

#include "core/alloc.h"
#include "tunnel/pump.h"
#include "tunnel/web_int.h"

#include "core/banned.h"

#define WRITE_HIGH ((size_t)64 * 1024)
/* For the target to see the end and to answer it. */
#define LINGER_MS 2000
#define NAME_SIZE 256

struct rp_web_target {
	struct rp_list node;
	struct rp_web *web;
	struct rp_stream *stream; /* NULL: gone */
	struct rp_pump *pump;     /* likewise */
	bool used;
};

static void maybe_free(struct rp_web_target *t)
{
	if (t->stream == NULL && t->pump == NULL) {
		struct rp_web *w = t->web;
		rp_list_remove(&t->node);
		rp_free(t);
		rp_web_target_gone(w);
	}
}

static void on_pump_done(void *ctx, const struct rp_pump_result *r)
{
	struct rp_web_target *t = ctx;
	(void)r;
	t->pump = NULL;
	maybe_free(t);
}

static void on_closed(void *ctx)
{
	struct rp_web_target *t = ctx;
	t->stream = NULL;
	if (t->pump != NULL) {
		rp_pump_close(t->pump);
	}
	maybe_free(t);
}

static bool is_current(const struct rp_web_target *t)
{
	return t->web->target == t;
}

static void on_data(void *ctx, uint8_t *p, size_t n)
{
	struct rp_web_target *t = ctx;
	if (is_current(t)) {
		rp_web_target_ops.on_data(t->web, p, n);
	}
}

static void on_eof(void *ctx)
{
	struct rp_web_target *t = ctx;
	if (is_current(t)) {
		rp_web_target_ops.on_eof(t->web);
	}
}

static void on_error(void *ctx, int code, const char *text)
{
	struct rp_web_target *t = ctx;
	if (is_current(t)) {
		rp_web_target_ops.on_error(t->web, code, text);
	} else {
		rp_web_target_close(t, true);
	}
}

static void on_drain(void *ctx)
{
	struct rp_web_target *t = ctx;
	if (is_current(t)) {
		rp_web_target_ops.on_drain(t->web);
	}
}

static const struct rp_stream_ops stream_ops = {
    .on_data = on_data,
    .on_eof = on_eof,
    .on_error = on_error,
    .on_drain = on_drain,
    .on_closed = on_closed,
};

/* The name that the target's TLS is asked for: that of the Host header, if it is set. */
static int start_tls(struct rp_web_target *t)
{
	const struct rp_web_options *o = t->web->opt;
	char name[NAME_SIZE];
	size_t n = strcspn(o->host_header, ":");
	const char *from = n > 0 && o->host_header[0] != '[' ? o->host_header : o->target_host;
	n = from == o->host_header ? n : strlen(from);
	if (n >= sizeof(name)) {
		return RP_ELIMIT;
	}
	memcpy(name, from, n);
	name[n] = '\0';
	return rp_stream_start_tls(t->stream, o->target_tls, name, NULL);
}

/* Takes the pump's end of the pair. */
static int join(struct rp_web_target *t, int fd)
{
	struct rp_channel *c;
	const char *target = t->web->opt->target;
	int rc = rp_channel_open(
	    t->web->mux, "rport", target, strlen(target), rp_pump_channel_ops(), t->pump, &c);
	if (rc != 0) {
		(void)close(fd);
		return rc;
	}
	rp_pump_set_channel(t->pump, c);
	return rp_pump_attach(t->pump, fd);
}

static int connect_parts(struct rp_web_target *t)
{
	const struct rp_stream_options opt = {.write_high = WRITE_HIGH};
	int fd[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd) != 0) {
		return RP_EBUSY; /* no descriptors */
	}
	int rc = rp_stream_from_fd(t->web->loop, fd[0], &opt, &stream_ops, t, &t->stream);
	if (rc != 0) {
		(void)close(fd[1]);
		return rc;
	}
	rc = join(t, fd[1]);
	return rc != 0 || t->web->opt->target_tls == NULL ? rc : start_tls(t);
}

struct rp_web_target *rp_web_target_new(struct rp_web *w)
{
	const struct rp_pump_options opt = {.no_half_close = w->opt->no_half_close};
	struct rp_web_target *t = rp_calloc(1, sizeof(*t));
	if (t == NULL) {
		return NULL;
	}
	t->web = w;
	if (rp_pump_new(w->loop, &opt, on_pump_done, t, &t->pump) != 0) {
		rp_free(t);
		return NULL;
	}
	rp_list_append(&w->targets, &t->node);
	if (connect_parts(t) != 0) {
		rp_web_target_close(t, true);
		return NULL;
	}
	rp_stream_read_start(t->stream);
	return t;
}

struct rp_stream *rp_web_target_stream(const struct rp_web_target *t)
{
	return t->stream;
}

bool rp_web_target_used(const struct rp_web_target *t)
{
	return t->used;
}

void rp_web_target_set_used(struct rp_web_target *t)
{
	t->used = true;
}

void rp_web_target_close(struct rp_web_target *t, bool hard)
{
	if (hard && t->pump != NULL) {
		rp_pump_close(t->pump);
	}
	if (t->stream == NULL) {
		return;
	}
	if (hard) {
		rp_stream_close(t->stream);
	} else {
		rp_stream_close_flush(t->stream, LINGER_MS);
	}
}

void rp_web_targets_close(struct rp_web *w)
{
	struct rp_list *it;
	struct rp_list *tmp;
	RP_LIST_FOREACH(it, tmp, &w->targets) {
		rp_web_target_close(RP_LIST_ENTRY(it, struct rp_web_target, node), true);
	}
}
