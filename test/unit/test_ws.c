/* SPDX-License-Identifier: MIT */
/*
 * WebSocket frames: the examples of RFC 6455 5.7, everything that must be refused, independence
 * from how bytes arrive, masking, the key of the handshake.
 */
#include "http/ws.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/buf.h"
#include "http/wskey.h"
#include "test/lib/prng.h"
#include "test/lib/slow.h"

/* What a decoder reported, as text. */
struct trace {
	struct rp_buf b;
	struct rp_ws_decoder *d;
	bool open; /* pieces of a message are joined */
	bool stop_often;
};

static void trace_data(
    void *ctx, enum rp_ws_opcode opcode, bool first, bool last, uint8_t *p, size_t n)
{
	struct trace *t = ctx;
	assert_int_equal(first, !t->open);
	assert_true(n > 0 || last);
	if (first) {
		assert_int_equal(rp_buf_printf(&t->b, "%d:", (int)opcode), 0);
	}
	assert_int_equal(rp_buf_add(&t->b, p, n), 0);
	t->open = !last;
	if (last) {
		assert_int_equal(rp_buf_add_str(&t->b, ";"), 0);
	}
	if (t->stop_often && rp_prng_below(2) == 0) {
		rp_ws_decoder_stop(t->d);
	}
}

static void trace_control(void *ctx, enum rp_ws_opcode opcode, const uint8_t *p, size_t n)
{
	struct trace *t = ctx;
	assert_true(n <= RP_WS_CONTROL_MAX);
	assert_int_equal(
	    rp_buf_printf(&t->b, "[%d:%.*s]", (int)opcode, (int)n, (const char *)p), 0);
	if (t->stop_often && rp_prng_below(2) == 0) {
		rp_ws_decoder_stop(t->d);
	}
}

static const struct rp_ws_decoder_ops trace_ops = {
    .on_data = trace_data,
    .on_control = trace_control,
};

/* Feeds in random pieces of at most max bytes; the last result. */
static int feed_pieces(struct trace *t, bool masked, const uint8_t *p, size_t n, size_t max)
{
	struct rp_ws_decoder d;
	rp_ws_decoder_init(&d, masked);
	t->d = &d;
	t->open = false;
	int rc = 0;
	for (size_t at = 0; at < n && rc == 0;) {
		size_t piece = 1 + rp_prng_below(max);
		piece = RP_MIN(piece, n - at);
		uint8_t *copy = malloc(piece);
		assert_non_null(copy);
		memcpy(copy, p + at, piece);
		rc = rp_ws_decoder_feed(&d, copy, piece, &trace_ops, t);
		assert_true(d.used <= piece);
		assert_true(rc != 0 || t->stop_often || d.used == piece);
		at += d.used;
		free(copy);
	}
	return rc;
}

static char *decode(bool masked, const void *p, size_t n, int expected)
{
	struct trace t = {0};
	rp_buf_init(&t.b, SIZE_MAX);
	assert_int_equal(feed_pieces(&t, masked, p, n, n), expected);
	char *text;
	assert_int_equal(rp_buf_take_string(&t.b, &text), 0);
	return text;
}

#define CHECK(masked, bytes, rc, expected)                                 \
	do {                                                               \
		char *text = decode(masked, bytes, sizeof(bytes) - 1, rc); \
		assert_string_equal(text, expected);                       \
		rp_free(text);                                             \
	} while (0)

static void test_examples(void **state)
{
	(void)state;
	CHECK(false, "\x81\x05Hello", 0, "1:Hello;");
	CHECK(true, "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 0, "1:Hello;");
	CHECK(false, "\x01\x03Hel\x80\x02lo", 0, "1:Hello;");
	CHECK(false, "\x89\x05Hello", 0, "[9:Hello]");
	CHECK(true, "\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 0, "[10:Hello]");
	/* Control frames between fragments; empty frames. */
	CHECK(false,
	    "\x02\x01"
	    "a\x89\x01p\x00\x00\x00\x01"
	    "b\x8a\x00\x80\x00\x82\x00",
	    0, "2:a[9:p]b[10:];2:;");
	CHECK(false, "\x88\x02\x03\xe8\x81\x01x", 0, "[8:\x03\xe8]1:x;");
}

static void test_refused(void **state)
{
	(void)state;
	/* Reserved bits. */
	CHECK(false, "\xc1\x01x", RP_EPROTO, "");
	CHECK(false, "\xa1\x01x", RP_EPROTO, "");
	CHECK(false, "\x91\x01x", RP_EPROTO, "");
	/* Wrong direction of masking. */
	CHECK(false, "\x81\x81\x01\x02\x03\x04x", RP_EPROTO, "");
	CHECK(true, "\x81\x01x", RP_EPROTO, "");
	CHECK(true, "\x89\x00", RP_EPROTO, "");
	/* Fragmented or long control frames. */
	CHECK(false, "\x09\x00", RP_EPROTO, "");
	CHECK(false, "\x08\x00", RP_EPROTO, "");
	CHECK(false, "\x89\x7e\x00\x7e", RP_EPROTO, "");
	CHECK(false, "\x89\x7f\x00\x00\x00\x00\x00\x01\x00\x00", RP_EPROTO, "");
	/* Unknown opcodes. */
	CHECK(false, "\x83\x00", RP_EPROTO, "");
	CHECK(false, "\x87\x00", RP_EPROTO, "");
	CHECK(false, "\x8b\x00", RP_EPROTO, "");
	CHECK(false, "\x8f\x00", RP_EPROTO, "");
	/* Interleaved messages, continuation of nothing. */
	CHECK(false,
	    "\x01\x01"
	    "a\x01\x01"
	    "b",
	    RP_EPROTO, "1:a");
	CHECK(false,
	    "\x02\x01"
	    "a\x81\x01"
	    "b",
	    RP_EPROTO, "2:a");
	CHECK(false,
	    "\x80\x01"
	    "a",
	    RP_EPROTO, "");
	CHECK(false,
	    "\x00\x01"
	    "a",
	    RP_EPROTO, "");
	CHECK(false,
	    "\x82\x01"
	    "a\x80\x00",
	    RP_EPROTO, "2:a;");
	/* Lengths not in the shortest form, and the top bit. */
	CHECK(false, "\x82\x7e\x00\x00", RP_EPROTO, "");
	CHECK(false, "\x82\x7e\x00\x7d", RP_EPROTO, "");
	CHECK(false, "\x82\x7f\x00\x00\x00\x00\x00\x00\x00\x05", RP_EPROTO, "");
	CHECK(false, "\x82\x7f\x00\x00\x00\x00\x00\x00\xff\xff", RP_EPROTO, "");
	CHECK(false, "\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00", RP_EPROTO, "");
	CHECK(false, "\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff", RP_EPROTO, "");
	/* Just allowed. */
	CHECK(false,
	    "\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff"
	    "abc",
	    0, "2:abc");
}

static void test_head(void **state)
{
	(void)state;
	static const struct {
		uint64_t n;
		size_t len;
	} rows[] = {{0, 2}, {125, 2}, {126, 4}, {65535, 4}, {65536, 10}, {UINT32_MAX, 10}};
	static const uint8_t mask[4] = {1, 2, 3, 4};
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		uint8_t head[RP_WS_HEAD_MAX];
		assert_int_equal(
		    rp_ws_head(head, RP_WS_BINARY, true, rows[i].n, NULL), rows[i].len);
		struct rp_ws_decoder d;
		struct trace t = {0};
		rp_ws_decoder_init(&d, false);
		assert_int_equal(rp_ws_decoder_feed(&d, head, rows[i].len - 1, &trace_ops, &t), 0);
		assert_int_equal(d.used, rows[i].len - 1);
		assert_int_equal(
		    rp_ws_head(head, RP_WS_TEXT, false, rows[i].n, mask), rows[i].len + 4);
		assert_int_equal(head[0], 1);
		assert_true((head[1] & 0x80) != 0);
		assert_memory_equal(head + rows[i].len, mask, 4);
	}
}

static void test_mask(void **state)
{
	(void)state;
	for (size_t round = rp_slow_fewer(3000); round > 0; round--) {
		uint8_t src[600];
		uint8_t dst[600];
		uint8_t mask[4];
		rp_prng_bytes(src, sizeof(src));
		rp_prng_bytes(mask, sizeof(mask));
		size_t off = rp_prng_below(70);
		size_t n = rp_prng_below(sizeof(src) - off);
		unsigned pos = (unsigned)rp_prng_below(4);
		memset(dst, 0xee, sizeof(dst));
		rp_ws_mask(dst + off, src + off, n, mask, pos);
		for (size_t i = 0; i < n; i++) {
			assert_int_equal(dst[off + i], src[off + i] ^ mask[(pos + i) & 3]);
		}
		assert_int_equal(dst[off + n], 0xee);
		assert_true(off == 0 || dst[off - 1] == 0xee);
		/* In place, and twice is nothing. */
		rp_ws_mask(dst + off, dst + off, n, mask, pos);
		assert_memory_equal(dst + off, src + off, n);
	}
}

/* A random valid stream of frames and what a decoder must make of it. */
static void make_stream(struct rp_buf *wire, struct rp_buf *expected, bool masked)
{
	bool open = false;
	uint8_t payload[70000];
	for (int i = 0; i < 12; i++) {
		static const size_t sizes[] = {0, 1, 5, 125, 126, 127, 1024, 65535, 65536, 66000};
		bool control = rp_prng_below(4) == 0;
		size_t n = control ? rp_prng_below(126) : sizes[rp_prng_below(RP_ARRAY_LEN(sizes))];
		for (size_t k = 0; k < n; k++) {
			payload[k] = (uint8_t)('a' + rp_prng_below(26));
		}
		bool fin = control || rp_prng_below(2) == 0;
		int opcode = control ? (rp_prng_below(2) == 0 ? RP_WS_PING : RP_WS_PONG)
		    : open           ? RP_WS_CONT
		                     : RP_WS_BINARY;
		if (control) {
			assert_int_equal(
			    rp_buf_printf(expected, "[%d:%.*s]", opcode, (int)n, (char *)payload),
			    0);
		} else {
			/* An empty frame that starts a message and does not end it leaves no
			 * trace of its own. */
			if (!open) {
				assert_int_equal(rp_buf_add_str(expected, "2:"), 0);
			}
			assert_int_equal(rp_buf_add(expected, payload, n), 0);
			assert_int_equal(rp_buf_add_str(expected, fin ? ";" : ""), 0);
			open = !fin;
		}
		uint8_t head[RP_WS_HEAD_MAX];
		uint8_t mask[4];
		rp_prng_bytes(mask, sizeof(mask));
		size_t len = rp_ws_head(
		    head, (enum rp_ws_opcode)opcode, fin, n, masked ? mask : NULL);
		if (masked) {
			rp_ws_mask(payload, payload, n, mask, 0);
		}
		assert_int_equal(rp_buf_add(wire, head, len), 0);
		assert_int_equal(rp_buf_add(wire, payload, n), 0);
	}
}

/* "2:" may come before or after control frames when the first fragment is empty: compare without
 * it. */
static void sort_out_empty_start(struct rp_buf *b)
{
	uint8_t *p = rp_buf_head(b);
	size_t n = 0;
	for (size_t i = 0; i < b->len; i++) {
		bool start = p[i] == '2' && i + 1 < b->len && p[i + 1] == ':';
		if (start) {
			i++;
		} else {
			p[n++] = p[i];
		}
	}
	b->len = n;
}

static void test_pieces(void **state)
{
	(void)state;
	for (int round = 0; round < 200; round++) {
		struct rp_buf wire;
		struct rp_buf expected;
		bool masked = rp_prng_below(2) == 0;
		rp_buf_init(&wire, SIZE_MAX);
		rp_buf_init(&expected, SIZE_MAX);
		make_stream(&wire, &expected, masked);
		for (int k = 0; k < 3; k++) {
			struct trace t = {.stop_often = k == 2};
			rp_buf_init(&t.b, SIZE_MAX);
			size_t max = k == 0 ? wire.len : 1 + rp_prng_below(3000);
			assert_int_equal(
			    feed_pieces(&t, masked, rp_buf_head(&wire), wire.len, max), 0);
			sort_out_empty_start(&t.b);
			if (k == 0) {
				sort_out_empty_start(&expected);
			}
			assert_int_equal(t.b.len, expected.len);
			assert_memory_equal(rp_buf_head(&t.b), rp_buf_head(&expected), t.b.len);
			rp_buf_fini(&t.b);
		}
		rp_buf_fini(&wire);
		rp_buf_fini(&expected);
	}
}

static void test_noise(void **state)
{
	(void)state;
	for (size_t round = rp_slow_fewer(20000); round > 0; round--) {
		uint8_t noise[64];
		rp_prng_bytes(noise, sizeof(noise));
		noise[0] &= 0x8f;
		noise[1] &= 0x9f;
		struct trace t = {0};
		rp_buf_init(&t.b, SIZE_MAX);
		int rc = feed_pieces(&t, rp_prng_below(2) == 0, noise, sizeof(noise), 64);
		assert_true(rc == 0 || rc == RP_EPROTO);
		rp_buf_fini(&t.b);
	}
}

static void test_key(void **state)
{
	(void)state;
	char *accept = rp_wskey_accept("dGhlIHNhbXBsZSBub25jZQ==");
	assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
	rp_free(accept);
	char *one = rp_wskey_new();
	char *two = rp_wskey_new();
	assert_true(rp_wskey_valid(one));
	assert_int_equal(strlen(one), 24);
	assert_string_not_equal(one, two);
	rp_free(one);
	rp_free(two);
	assert_false(rp_wskey_valid(NULL));
	assert_false(rp_wskey_valid(""));
	assert_false(rp_wskey_valid("dGhlIHNhbXBsZSBub25jZ"));
	assert_false(rp_wskey_valid("dGhlIHNhbXBsZSBub25jZTEy"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_examples),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_head),
	    cmocka_unit_test(test_mask),
	    cmocka_unit_test(test_pieces),
	    cmocka_unit_test(test_noise),
	    cmocka_unit_test(test_key),
	};
	alarm(120);
	(void)signal(SIGPIPE, SIG_IGN);
	rp_prng_start();
	return rp_prng_report(cmocka_run_group_tests(tests, NULL, NULL));
}
