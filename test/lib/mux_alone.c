/* SPDX-License-Identifier: MIT */
/* Pieces of a packet are joined before the test sees it (test/lib/mux_alone.h). */
#include "test/lib/mux_alone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/buf.h"

static int on_send(void *ctx, const struct iovec *iov, int n)
{
	const struct rp_alone *a = ctx;
	struct rp_buf b;
	rp_buf_init(&b, SIZE_MAX);
	for (int i = 0; i < n; i++) {
		assert_int_equal(rp_buf_add(&b, iov[i].iov_base, iov[i].iov_len), 0);
	}
	a->on_packet(rp_buf_head(&b), b.len);
	rp_buf_fini(&b);
	return 0;
}

static void on_open(
    void *ctx, struct rp_channel *c, struct rp_str type, const uint8_t *extra, size_t n)
{
	const struct rp_alone *a = ctx;
	(void)type;
	(void)extra;
	(void)n;
	assert_non_null(a->on_open);
	a->on_open(c);
}

static void want_run(void *ctx)
{
	(void)ctx;
}

void rp_alone_init(struct rp_alone *a)
{
	static const struct rp_mux_ops ops = {.send = on_send, .on_open = on_open};
	assert_int_equal(rp_loop_new(&a->loop, "test"), 0);
	assert_int_equal(rp_mux_new(&a->mux, NULL, &ops, a), 0);
	rp_mux_on_want_run(a->mux, want_run);
}

void rp_alone_fini(struct rp_alone *a)
{
	rp_mux_free(a->mux);
	rp_loop_stop(a->loop);
	assert_int_equal(rp_loop_run(a->loop), 0);
	rp_loop_free(a->loop);
}

uint32_t rp_alone_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

uint8_t *rp_alone_content(size_t n)
{
	uint8_t *p = malloc(n);
	assert_non_null(p);
	for (size_t i = 0; i < n; i++) {
		p[i] = (uint8_t)(i * 31 + i / 1000);
	}
	return p;
}
