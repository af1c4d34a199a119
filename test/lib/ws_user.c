/* SPDX-License-Identifier: MIT */
/*
 * Frames by http/ws.h's pure part.
 */
#include "test/lib/ws_user.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "test/lib/net.h"

#define WAIT_MS  20000
#define HEAD_MAX 8192
#define IN_MAX   (64u * 1024 * 1024)
#define READ_MAX 65536

static void turn(struct rp_ws_user *u)
{
	struct pollfd p = {.fd = u->fd, .events = POLLIN};
	(void)uv_run(rp_loop_uv(u->rig->store.loop), UV_RUN_NOWAIT);
	(void)poll(&p, 1, 1);
}

static void receive(struct rp_ws_user *u)
{
	uint8_t *tail;
	assert_int_equal(rp_buf_reserve(&u->in, READ_MAX, &tail), 0);
	turn(u);
	ssize_t n = recv(u->fd, tail, READ_MAX, MSG_DONTWAIT);
	if (n > 0) {
		rp_buf_commit(&u->in, (size_t)n);
	}
	u->eof = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

/* Length of the answer's head, 0: it is not whole. */
static size_t head_len(const struct rp_buf *b)
{
	const char *p = (const char *)rp_buf_head(b);
	const char *end = b->len == 0 ? NULL : memmem(p, b->len, "\r\n\r\n", 4);
	return end == NULL ? 0 : (size_t)(end - p) + 4;
}

unsigned rp_ws_user_open(
    struct rp_ws_user *u, struct rp_api_rig *r, const char *path, const char *headers)
{
	char request[HEAD_MAX];
	*u = (struct rp_ws_user){.rig = r};
	rp_buf_init(&u->in, IN_MAX);
	rp_buf_init(&u->message, IN_MAX);
	rp_ws_decoder_init(&u->decoder, false);
	u->fd = rp_net_connect(rp_acceptor_port(((struct rp_api *)r->api)->acceptor));
	assert_true(u->fd >= 0);
	int n = snprintf(request, sizeof(request),
	    "GET /api/v1%s HTTP/1.1\r\nHost: rport.test\r\nUpgrade: websocket\r\n"
	    "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	    "Sec-WebSocket-Version: 13\r\n%s\r\n",
	    path, headers);
	assert_true(n > 0 && (size_t)n < sizeof(request));
	assert_int_equal(send(u->fd, request, (size_t)n, MSG_NOSIGNAL), n);
	uint64_t end = rp_clock_ms() + WAIT_MS;
	while (head_len(&u->in) == 0 && !u->eof) {
		receive(u);
		assert_true(rp_clock_ms() < end);
	}
	size_t head = head_len(&u->in);
	assert_true(head > 12);
	unsigned status = (unsigned)strtoul((char *)rp_buf_head(&u->in) + 9, NULL, 10);
	if (status == 101) {
		rp_buf_consume(&u->in, head);
		return status;
	}
	(void)snprintf(r->reply, HEAD_MAX, "%.*s", (int)u->in.len, (char *)rp_buf_head(&u->in));
	r->body = strstr(r->reply, "\r\n\r\n") + 4;
	rp_ws_user_close(u);
	return status;
}

void rp_ws_user_frame(struct rp_ws_user *u, enum rp_ws_opcode opcode, const void *p, size_t n)
{
	static const uint8_t mask[4] = {1, 2, 3, 4};
	uint8_t *frame = rp_malloc(n + RP_WS_HEAD_MAX);
	assert_non_null(frame);
	size_t head = rp_ws_head(frame, opcode, true, n, mask);
	rp_ws_mask(frame + head, p, n, mask, 0);
	assert_int_equal(send(u->fd, frame, head + n, MSG_NOSIGNAL), head + n);
	rp_free(frame);
}

void rp_ws_user_send(struct rp_ws_user *u, const char *text)
{
	rp_ws_user_frame(u, RP_WS_TEXT, text, strlen(text));
}

static void on_data(
    void *ctx, enum rp_ws_opcode opcode, bool first, bool last, uint8_t *p, size_t n)
{
	struct rp_ws_user *u = ctx;
	assert_int_equal(opcode, RP_WS_TEXT);
	if (first) {
		rp_buf_clear(&u->message);
	}
	assert_int_equal(rp_buf_add(&u->message, p, n), 0);
	if (last) {
		assert_int_equal(rp_buf_terminate(&u->message), 0);
		u->complete = true;
		rp_ws_decoder_stop(&u->decoder);
	}
}

static void on_control(void *ctx, enum rp_ws_opcode opcode, const uint8_t *p, size_t n)
{
	struct rp_ws_user *u = ctx;
	if (opcode == RP_WS_PING) {
		u->pings++;
	} else if (opcode == RP_WS_CLOSE) {
		u->closed = n >= 2 ? (unsigned)p[0] << 8 | p[1] : 1;
	}
}

const char *rp_ws_user_next(struct rp_ws_user *u)
{
	static const struct rp_ws_decoder_ops ops = {.on_data = on_data, .on_control = on_control};
	uint64_t end = rp_clock_ms() + WAIT_MS;
	u->complete = false;
	for (;;) {
		assert_int_equal(
		    rp_ws_decoder_feed(&u->decoder, rp_buf_head(&u->in), u->in.len, &ops, u), 0);
		rp_buf_consume(&u->in, u->decoder.used);
		if (u->complete) {
			return (const char *)rp_buf_head(&u->message);
		}
		if (u->eof || u->closed != 0) {
			return NULL;
		}
		receive(u);
		if (rp_clock_ms() >= end) {
			fail_msg("no message comes");
		}
	}
}

void rp_ws_user_settle(struct rp_ws_user *u)
{
	for (int i = 0; i < 20; i++) {
		turn(u);
		rp_store_rig_sync(&u->rig->store);
	}
}

void rp_ws_user_close(struct rp_ws_user *u)
{
	assert_int_equal(close(u->fd), 0);
	rp_buf_fini(&u->in);
	rp_buf_fini(&u->message);
}
