/* SPDX-License-Identifier: MIT */
/*
 * Each address gets its share of the time that is left, so that a silent first one does not use it
 * up.
 *
 * Trying (timer and poll run) -> answered (callback made) -> both handles closed -> freed.
 */
#include "tunnel/connect.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/err.h"
#include "tunnel/resolve.h"

#include "core/banned.h"

#define ATTEMPT_MIN_MS 2000u

struct rp_connect {
	struct rp_loop *loop;
	rp_connect_cb cb; /* NULL: cancelled or made */
	void *ctx;
	uv_timer_t timer;
	uv_poll_t poll;
	struct rp_deferred failed;
	uint64_t deadline_ms;
	int fd;         /* of the attempt */
	bool poll_open; /* until its close callback */
	bool timer_open;
	bool over;
	size_t next;
	size_t n;
	int first_code;
	struct sockaddr_storage first_addr;
	struct sockaddr_storage addrs[];
};

static void maybe_free(struct rp_connect *c)
{
	if (c->over && !c->poll_open && !c->timer_open) {
		rp_free(c);
	}
}

static void on_timer_closed(uv_handle_t *h)
{
	struct rp_connect *c = h->data;
	c->timer_open = false;
	maybe_free(c);
}

static void try_next(struct rp_connect *c);

static void on_poll_closed(uv_handle_t *h)
{
	struct rp_connect *c = h->data;
	c->poll_open = false;
	if (c->over) {
		maybe_free(c);
	} else {
		try_next(c);
	}
}

static void close_attempt(struct rp_connect *c)
{
	if (c->fd >= 0) {
		uv_close((uv_handle_t *)&c->poll, on_poll_closed);
		(void)close(c->fd);
		c->fd = -1;
	}
}

/* No more attempts; frees c from the loop. */
static void end(struct rp_connect *c)
{
	c->over = true;
	rp_loop_defer_cancel(&c->failed);
	close_attempt(c);
	uv_close((uv_handle_t *)&c->timer, on_timer_closed);
}

static void answer(struct rp_connect *c, int fd, int code, const struct sockaddr_storage *addr)
{
	rp_connect_cb cb = c->cb;
	c->cb = NULL;
	end(c);
	cb(c->ctx, fd, code, addr);
}

static void on_failed(struct rp_deferred *d)
{
	struct rp_connect *c = RP_CONTAINER_OF(d, struct rp_connect, failed);
	answer(c, -1, c->first_code, &c->first_addr);
}

static void note_failure(struct rp_connect *c, int code)
{
	if (c->first_code == 0) {
		c->first_code = code;
		c->first_addr = c->addrs[c->next - 1];
	}
}

static void on_timeout(uv_timer_t *t)
{
	struct rp_connect *c = t->data;
	note_failure(c, UV_ETIMEDOUT);
	close_attempt(c);
}

static void on_poll(uv_poll_t *h, int status, int events)
{
	struct rp_connect *c = h->data;
	(void)events;
	int code = 0;
	socklen_t len = sizeof(code);
	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &code, &len) != 0) {
		code = errno;
	}
	(void)uv_timer_stop(&c->timer);
	if (code != 0 || status < 0) {
		note_failure(c, code != 0 ? uv_translate_sys_error(code) : status);
		close_attempt(c);
		return;
	}
	int fd = c->fd;
	c->fd = -1;
	uv_close((uv_handle_t *)&c->poll, on_poll_closed);
	answer(c, fd, 0, &c->addrs[c->next - 1]);
}

/* Begins a connect on c->fd; 0 or why not. */
static int begin(struct rp_connect *c, const struct sockaddr_storage *sa)
{
	int fd = socket(sa->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return uv_translate_sys_error(errno);
	}
	int rc = connect(fd, (const struct sockaddr *)sa, rp_sockaddr_len(sa));
	if (rc != 0 && errno != EINPROGRESS) {
		rc = uv_translate_sys_error(errno);
		(void)close(fd);
		return rc;
	}
	rc = uv_poll_init(rp_loop_uv(c->loop), &c->poll, fd);
	if (rc != 0) {
		(void)close(fd);
		return rc;
	}
	c->poll.data = c;
	c->poll_open = true;
	c->fd = fd;
	rc = uv_poll_start(&c->poll, UV_WRITABLE, on_poll);
	if (rc != 0) {
		note_failure(c, rc);
		close_attempt(c); /* its callback goes on */
	}
	return 0;
}

static void try_next(struct rp_connect *c)
{
	uint64_t now = uv_now(rp_loop_uv(c->loop));
	while (c->next < c->n && (c->next == 0 || now < c->deadline_ms)) {
		const struct sockaddr_storage *sa = &c->addrs[c->next++];
		uint64_t left = c->deadline_ms > now ? c->deadline_ms - now : 0;
		uint64_t share = left / (c->n - c->next + 1);
		share = RP_MIN(RP_MAX(share, ATTEMPT_MIN_MS), left);
		(void)uv_timer_start(&c->timer, on_timeout, share, 0);
		int rc = begin(c, sa);
		if (rc == 0) {
			return;
		}
		(void)uv_timer_stop(&c->timer);
		note_failure(c, rc);
	}
	rp_loop_defer(c->loop, &c->failed);
}

int rp_connect_start(struct rp_loop *loop, const struct sockaddr_storage *v, size_t n,
    unsigned timeout_ms, rp_connect_cb cb, void *ctx, struct rp_connect **out)
{
	RP_VERIFY(n > 0);
	*out = NULL;
	struct rp_connect *c = rp_calloc(1, sizeof(*c) + n * sizeof(*v));
	if (c == NULL) {
		return RP_ENOMEM;
	}
	c->loop = loop;
	c->cb = cb;
	c->ctx = ctx;
	c->fd = -1;
	c->n = n;
	c->failed.run = on_failed;
	memcpy(c->addrs, v, n * sizeof(*v));
	(void)uv_timer_init(rp_loop_uv(loop), &c->timer);
	c->timer.data = c;
	c->timer_open = true;
	uv_update_time(rp_loop_uv(loop));
	c->deadline_ms = uv_now(rp_loop_uv(loop)) + timeout_ms;
	try_next(c);
	*out = c;
	return 0;
}

void rp_connect_cancel(struct rp_connect *c)
{
	c->cb = NULL;
	end(c);
}
