/* SPDX-License-Identifier: MIT */
/*
 * Gob records: the vectors of the wire protocol (appendix A.2) both ways, foreign type ids and
 * field orders, every way of cutting the stream, limits, and malformed messages.
 */
#include "tunnel/gob.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/err.h"
#include "test/lib/oom.h"

#define DESCRIPTORS                                                                                \
	"2bff810301010a5544504d65737361676501ff8200010201044164647201ff8400010444617461010a000000" \
	"2eff83030101075544504164647201ff8400010301024950010a000104506f7274010400"                 \
	"01045a6f6e65010c000000"
#define LOOPBACK "1000000000000000000000ffff7f000001"

static size_t unhex(const char *hex, uint8_t *out)
{
	size_t n = 0;
	for (; hex[2 * n] != '\0'; n++) {
		char pair[3] = {hex[2 * n], hex[2 * n + 1], '\0'};
		out[n] = (uint8_t)strtoul(pair, NULL, 16);
	}
	return n;
}

struct vector {
	const char *head; /* hex before the data */
	const char *data;
	size_t repeat; /* of the data's first byte */
	const char *tail;
	const char *ip; /* hex */
	uint16_t port;
	const char *zone;
	bool no_addr;
};

static const struct vector vectors[] = {
    {"28ff820101" LOOPBACK "01fd01388200010a", "hello udp0", 0, "00",
        "00000000000000000000ffff7f000001", 40001, "", false},
    {"10ff820101040a010203016a000101", "x", 0, "00", "0a010203", 53, "", false},
    {"26ff8201011020010db800000000000000000000000101fd01fffe0104657468300001"
     "02",
        "ab", 0, "00", "20010db8000000000000000000000001", 65535, "eth0", false},
    {"1cff820101" LOOPBACK "01fd01388200", "", 0, "00", "00000000000000000000ffff7f000001", 40001,
        "", false},
    {"06ff82020171"
     "00",
        NULL, 0, "", "", 0, "", true},
    {"08ff8201000101", "q", 0, "00", "", 0, "", false},
    {"ff9dff820101" LOOPBACK "01fd0138820001"
     "7f",
        "A", 127, "00", "00000000000000000000ffff7f000001", 40001, "", false},
    {"ff9fff820101" LOOPBACK "01fd0138820001ff80", "A", 128, "00",
        "00000000000000000000ffff7f000001", 40001, "", false},
    {"fe014cff820101" LOOPBACK "01fd0138820001fe012c", "A", 300, "00",
        "00000000000000000000ffff7f000001", 40001, "", false},
};

/* The record of a vector; its data goes to store. */
static struct rp_udp_record record_of(const struct vector *v, uint8_t *store)
{
	struct rp_udp_record rec = {.has_addr = !v->no_addr, .port = v->port, .data = store};
	rec.ip_len = (uint8_t)unhex(v->ip, rec.ip);
	memcpy(rec.zone, v->zone, strlen(v->zone));
	const char *data = v->data == NULL ? "q" : v->data;
	rec.data_len = v->repeat > 0 ? v->repeat : strlen(data);
	for (size_t i = 0; i < rec.data_len; i++) {
		store[i] = (uint8_t)data[v->repeat > 0 ? 0 : i];
	}
	return rec;
}

/* The bytes of a vector. */
static size_t bytes_of(const struct vector *v, const struct rp_udp_record *rec, uint8_t *out)
{
	size_t n = unhex(v->head, out);
	if (v->data != NULL) {
		memcpy(out + n, rec->data, rec->data_len);
		n += rec->data_len;
	}
	return n + unhex(v->tail, out + n);
}

static void test_encode(void **state)
{
	(void)state;
	struct rp_buf out;
	rp_buf_init(&out, RP_GOB_ENCODED_MAX);
	for (size_t i = 0; i < RP_ARRAY_LEN(vectors); i++) {
		uint8_t store[512];
		uint8_t want[1024];
		struct rp_udp_record rec = record_of(&vectors[i], store);
		size_t head = i == 0 ? unhex(DESCRIPTORS, want) : 0;
		size_t n = head + bytes_of(&vectors[i], &rec, want + head);
		rp_buf_clear(&out);
		assert_int_equal(rp_gob_encode(&out, i == 0, &rec), 0);
		if (out.len != n || memcmp(rp_buf_head(&out), want, n) != 0) {
			fail_msg("vector %zu", i);
		}
	}
	rp_buf_fini(&out);
}

/* Collects what the decoder gives: records one behind the other, comparable. */
struct got {
	unsigned n;
	int answer;
	struct rp_udp_record last;
	struct rp_buf text;
};

static int on_record(void *ctx, const struct rp_udp_record *rec)
{
	struct got *g = ctx;
	g->n++;
	g->last = *rec;
	int rc = rp_buf_printf(&g->text, "%d %u %u %s %zu:", rec->has_addr, rec->ip_len, rec->port,
	    rec->zone, rec->data_len);
	if (rc == 0) {
		rc = rp_buf_add(&g->text, rec->ip, rec->ip_len);
	}
	if (rc == 0) {
		rc = rp_buf_add(&g->text, rec->data, rec->data_len);
	}
	return rc != 0 ? rc : g->answer;
}

static struct rp_gob_decoder *decoder(struct got *g)
{
	struct rp_gob_decoder *d;
	*g = (struct got){0};
	rp_buf_init(&g->text, 1024 * 1024);
	assert_int_equal(rp_gob_decoder_new(&d, on_record, g), 0);
	return d;
}

/* Feeds hex to a new decoder; the code, and the number of records in *n. */
static int decode(const char *hex, unsigned *n)
{
	struct got g;
	uint8_t bytes[4096];
	size_t len = unhex(hex, bytes);
	struct rp_gob_decoder *d = decoder(&g);
	int rc = rp_gob_decoder_feed(d, bytes, len);
	*n = g.n;
	rp_gob_decoder_free(d);
	rp_buf_fini(&g.text);
	return rc;
}

static void test_decode(void **state)
{
	(void)state;
	struct got g;
	struct rp_gob_decoder *d = decoder(&g);
	uint8_t bytes[1024];
	size_t n = unhex(DESCRIPTORS, bytes);
	assert_int_equal(rp_gob_decoder_feed(d, bytes, n), 0);
	assert_int_equal(g.n, 0);
	for (size_t i = 0; i < RP_ARRAY_LEN(vectors); i++) {
		uint8_t store[512];
		struct rp_udp_record want = record_of(&vectors[i], store);
		n = bytes_of(&vectors[i], &want, bytes);
		assert_int_equal(rp_gob_decoder_feed(d, bytes, n), 0);
		assert_int_equal(g.n, i + 1);
		assert_int_equal(g.last.has_addr, want.has_addr);
		assert_int_equal(g.last.port, want.port);
		assert_int_equal(g.last.ip_len, want.ip_len);
		assert_memory_equal(g.last.ip, want.ip, sizeof(want.ip));
		assert_string_equal(g.last.zone, want.zone);
		assert_int_equal(g.last.data_len, want.data_len);
		if (want.data_len > 0) {
			assert_memory_equal(g.last.data, want.data, want.data_len);
		}
	}
	rp_gob_decoder_free(d);
	rp_buf_fini(&g.text);
}

/* All vectors as one stream, cut into pieces of every size: the same records. */
static void test_chunks(void **state)
{
	(void)state;
	uint8_t stream[4096];
	size_t n = unhex(DESCRIPTORS, stream);
	for (size_t i = 0; i < RP_ARRAY_LEN(vectors); i++) {
		uint8_t store[512];
		struct rp_udp_record rec = record_of(&vectors[i], store);
		n += bytes_of(&vectors[i], &rec, stream + n);
	}
	struct got whole;
	struct rp_gob_decoder *d = decoder(&whole);
	assert_int_equal(rp_gob_decoder_feed(d, stream, n), 0);
	rp_gob_decoder_free(d);
	assert_int_equal(whole.n, RP_ARRAY_LEN(vectors));
	for (size_t piece = 1; piece < n; piece++) {
		struct got g;
		d = decoder(&g);
		for (size_t at = 0; at < n; at += piece) {
			size_t len = RP_MIN(piece, n - at);
			uint8_t *copy = rp_memdup(
			    stream + at, len); /* so that ASan sees a read behind it */
			assert_int_equal(rp_gob_decoder_feed(d, copy, len), 0);
			rp_free(copy);
		}
		assert_int_equal(g.n, whole.n);
		assert_int_equal(g.text.len, whole.text.len);
		assert_memory_equal(rp_buf_head(&g.text), rp_buf_head(&whole.text), g.text.len);
		rp_gob_decoder_free(d);
		rp_buf_fini(&g.text);
	}
	rp_buf_fini(&whole.text);
}

/* Appends one message of the body, with its length in front. */
static size_t message(const char *body, uint8_t *out)
{
	size_t n = unhex(body, out + 1);
	assert_in_range(n, 1, 127);
	out[0] = (uint8_t)n;
	return n + 1;
}

/* Ids 100 and 101, Data before Addr, Port before IP, the address type first, unknown fields in
 * between. */
static void test_foreign_types(void **state)
{
	(void)state;
	uint8_t bytes[512];
	struct got g;
	struct rp_gob_decoder *d = decoder(&g);
	/* A{Port int, X uint, IP bytes} */
	size_t n = message("ffc90301010141"
	                   "01ffca00"
	                   "0103"
	                   "0104506f7274010400"
	                   "010158010600"
	                   "01024950010a00"
	                   "0000",
	    bytes);
	/* M{Data bytes, Y string, S A, Addr A, C complex} */
	n += message("ffc7030101014d"
	             "01ffc800"
	             "0105"
	             "010444617461010a00"
	             "010159010c00"
	             "01015301ffca00"
	             "01044164647201ffca00"
	             "010143010e00"
	             "0000",
	    bytes + n);
	/* Data "hi", Y "zz", S{Port 1}, Addr{Port 53, X 9, IP 1.2.3.4}, C = 1+2i */
	n += message("ffc8"
	             "01026869"
	             "01027a7a"
	             "01010200"
	             "01016a010901040102030400"
	             "01fef03f40"
	             "00",
	    bytes + n);
	assert_int_equal(rp_gob_decoder_feed(d, bytes, n), 0);
	assert_int_equal(g.n, 1);
	assert_true(g.last.has_addr);
	assert_int_equal(g.last.port, 53);
	assert_int_equal(g.last.ip_len, 4);
	assert_memory_equal(g.last.ip, "\1\2\3\4", 4);
	assert_int_equal(g.last.data_len, 2);
	assert_memory_equal(g.last.data, "hi", 2);
	rp_gob_decoder_free(d);
	rp_buf_fini(&g.text);
}

static void test_malformed(void **state)
{
	(void)state;
	static const char *const bad[] = {
	    "00",                   /* empty message */
	    "f7010203040506070809", /* length of nine bytes */
	    "02ff82",               /* value of an unknown type */
	    "0100",                 /* type 0 */
	    "02ff81",               /* descriptor without a body */
	    "0401030000",           /* descriptor of type 1, which is built in */
	    "09f800000000000000"
	    "ff",                     /* most negative id, cut */
	    "0af8ffffffffffffffff03", /* most negative id */
	    DESCRIPTORS
	    "2bff810301010a5544504d65737361676501ff8200010201044164647201ff840001044461746101"
	    "0a000000",                                   /* the same id twice */
	    DESCRIPTORS "03ff8201",                       /* ends within the struct */
	    DESCRIPTORS "04ff820300",                     /* field 3 of 2 */
	    DESCRIPTORS "06ff8202017171",                 /* no end */
	    DESCRIPTORS "07ff820201710000",               /* bytes behind the end */
	    DESCRIPTORS "06ff8202057100",                 /* data longer than the message */
	    DESCRIPTORS "0eff8202f8ffffffffffffffff7100", /* data of 2^64-1 bytes */
	    DESCRIPTORS "0aff82010103010203"
	                "0000",                   /* IP of three bytes */
	    DESCRIPTORS "07ff820102010000",       /* Port -1 */
	    DESCRIPTORS "0aff820102fd0200000000", /* Port 65536 */
	    DESCRIPTORS "09ff820103020100"
	                "0000",                   /* zone with NUL */
	    DESCRIPTORS "0aff82fcffffffff000000", /* delta too large */
	    DESCRIPTORS "02ff84",                 /* address alone, cut */
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(bad); i++) {
		unsigned n;
		int rc = decode(bad[i], &n);
		if (rc != RP_EPROTO || n != 0) {
			fail_msg("row %zu: %d, %u records", i, rc, n);
		}
	}
}

/* A well-formed value of a type that is no record. */
static void test_other_struct(void **state)
{
	(void)state;
	unsigned n;
	assert_int_equal(decode(DESCRIPTORS "05ff84026a00", &n), RP_EPROTO);
	assert_int_equal(n, 0);
}

static void test_sticky(void **state)
{
	(void)state;
	struct got g;
	struct rp_gob_decoder *d = decoder(&g);
	uint8_t bytes[256];
	size_t n = unhex(DESCRIPTORS "06ff8202017100", bytes);
	assert_int_equal(rp_gob_decoder_feed(d, "\0", 1), RP_EPROTO);
	assert_int_equal(rp_gob_decoder_feed(d, bytes, n), RP_EPROTO);
	assert_int_equal(g.n, 0);
	rp_gob_decoder_free(d);
	rp_gob_decoder_free(NULL);
	d = decoder(&g);
	g.answer = RP_ECLOSED;
	assert_int_equal(rp_gob_decoder_feed(d, bytes, n), RP_ECLOSED);
	assert_int_equal(g.n, 1);
	assert_int_equal(rp_gob_decoder_feed(d, bytes, n), RP_ECLOSED);
	assert_int_equal(g.n, 1);
	rp_gob_decoder_free(d);
	rp_buf_fini(&g.text);
}

static void test_limits(void **state)
{
	(void)state;
	static uint8_t data[RP_UDP_DATA_MAX + 1];
	struct rp_udp_record rec = {.has_addr = true, .ip_len = 16, .port = 65535, .data = data};
	struct rp_buf out;
	struct got g;
	struct rp_gob_decoder *d = decoder(&g);
	unsigned n;
	memset(rec.zone, 'z', RP_UDP_ZONE_MAX);
	rec.data_len = RP_UDP_DATA_MAX;
	rp_buf_init(&out, RP_GOB_ENCODED_MAX);
	assert_int_equal(rp_gob_encode(&out, true, &rec), 0);
	assert_int_equal(rp_gob_decoder_feed(d, rp_buf_head(&out), out.len), 0);
	assert_int_equal(g.last.data_len, RP_UDP_DATA_MAX);
	/* No room: nothing is appended. */
	size_t before = out.len;
	assert_int_equal(rp_gob_encode(&out, false, &rec), RP_ELIMIT);
	assert_int_equal(out.len, before);
	rec.data_len++;
	rp_buf_clear(&out);
	assert_int_equal(rp_gob_encode(&out, false, &rec), RP_EINVAL);
	rec.data_len = 0;
	rec.ip_len = 5;
	assert_int_equal(rp_gob_encode(&out, false, &rec), RP_EINVAL);
	rec.ip_len = 4;
	memset(rec.zone, 'z', sizeof(rec.zone));
	assert_int_equal(rp_gob_encode(&out, false, &rec), RP_EINVAL);
	assert_int_equal(out.len, 0);
	rp_gob_decoder_free(d);
	rp_buf_fini(&out);
	rp_buf_fini(&g.text);
	assert_int_equal(decode("fd011801", &n), RP_ELIMIT); /* 71681 bytes announced */
	assert_int_equal(decode("fd011800", &n), 0);
	assert_int_equal(decode("f8ffffffffffffffff", &n), RP_ELIMIT);
}

static void test_too_many_types(void **state)
{
	(void)state;
	struct got g;
	struct rp_gob_decoder *d = decoder(&g);
	int rc = 0;
	int i = 0;
	for (; i < 1000 && rc == 0; i++) {
		/* A slice type of its own id, 64 + i. */
		uint16_t id = (uint16_t)(((64 + i) << 1) - 1);
		uint8_t m[] = {0x05, 0xfe, (uint8_t)(id >> 8), (uint8_t)id, 0x02, 0x00};
		rc = rp_gob_decoder_feed(d, m, sizeof(m));
	}
	assert_int_equal(rc, RP_ELIMIT);
	assert_int_equal(i, 33);
	rp_gob_decoder_free(d);
	rp_buf_fini(&g.text);
}

/* Random records there and back, in random pieces. */
static void test_round_trip(void **state)
{
	(void)state;
	static uint8_t data[3000];
	unsigned seed = 1;
	struct rp_buf out;
	struct got g;
	struct rp_gob_decoder *d = decoder(&g);
	rp_buf_init(&out, RP_GOB_ENCODED_MAX);
	for (unsigned i = 0; i < 2000; i++) {
		seed = seed * 1103515245u + 12345u;
		static const uint8_t lens[] = {0, 4, 16};
		struct rp_udp_record rec = {.has_addr = (seed >> 8) % 5 != 0,
		    .ip_len = lens[(seed >> 11) % 3],
		    .port = (uint16_t)(seed >> 16),
		    .data = data,
		    .data_len = (seed >> 10) % sizeof(data)};
		if (!rec.has_addr) {
			rec.ip_len = 0;
			rec.port = 0;
		}
		memset(rec.ip, (int)(seed >> 24), rec.ip_len);
		memset(data, (int)(seed >> 16), rec.data_len);
		rp_buf_clear(&out);
		rp_buf_clear(&g.text);
		assert_int_equal(rp_gob_encode(&out, i == 0, &rec), 0);
		size_t cut = seed % out.len;
		assert_int_equal(rp_gob_decoder_feed(d, rp_buf_head(&out), cut), 0);
		assert_int_equal(g.n, i);
		assert_int_equal(rp_gob_decoder_feed(d, rp_buf_head(&out) + cut, out.len - cut), 0);
		assert_int_equal(g.n, i + 1);
		assert_int_equal(g.last.has_addr, rec.has_addr);
		assert_int_equal(g.last.port, rec.port);
		assert_memory_equal(g.last.ip, rec.ip, sizeof(rec.ip));
		assert_int_equal(g.last.data_len, rec.data_len);
	}
	rp_gob_decoder_free(d);
	rp_buf_fini(&out);
	rp_buf_fini(&g.text);
}

/* Every single-byte change of a stream is either understood or refused, never worse. */
static void test_mutations(void **state)
{
	(void)state;
	uint8_t good[256];
	size_t n = unhex(DESCRIPTORS "10ff820101040a010203016a0001017800", good);
	for (size_t i = 0; i < n; i++) {
		for (unsigned v = 0; v < 256; v++) {
			uint8_t bytes[256];
			struct got g;
			memcpy(bytes, good, n);
			bytes[i] = (uint8_t)v;
			struct rp_gob_decoder *d = decoder(&g);
			int rc = rp_gob_decoder_feed(d, bytes, n);
			assert_true(rc == 0 || rc == RP_EPROTO || rc == RP_ELIMIT);
			rp_gob_decoder_free(d);
			rp_buf_fini(&g.text);
		}
	}
}

static int oom_body(void *state)
{
	(void)state;
	struct rp_udp_record rec = {.data = (const uint8_t *)"hello", .data_len = 5};
	struct rp_buf out;
	struct got g = {0};
	struct rp_gob_decoder *d = NULL;
	rp_buf_init(&out, RP_GOB_ENCODED_MAX);
	rp_buf_init(&g.text, 1024);
	int rc = rp_gob_encode(&out, true, &rec);
	if (rc == 0) {
		rc = rp_gob_decoder_new(&d, on_record, &g);
	}
	if (rc == 0) {
		rc = rp_gob_decoder_feed(d, rp_buf_head(&out), out.len - 1);
	}
	if (rc == 0) {
		rc = rp_gob_decoder_feed(d, rp_buf_head(&out) + out.len - 1, 1);
	}
	rp_gob_decoder_free(d);
	rp_buf_fini(&out);
	rp_buf_fini(&g.text);
	return rc;
}

static void test_oom(void **state)
{
	(void)state;
	assert_int_equal(rp_oom_run(oom_body, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_encode),
	    cmocka_unit_test(test_decode),
	    cmocka_unit_test(test_chunks),
	    cmocka_unit_test(test_foreign_types),
	    cmocka_unit_test(test_malformed),
	    cmocka_unit_test(test_other_struct),
	    cmocka_unit_test(test_sticky),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_too_many_types),
	    cmocka_unit_test(test_round_trip),
	    cmocka_unit_test(test_mutations),
	    cmocka_unit_test(test_oom),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
