/* SPDX-License-Identifier: MIT */
/*
 * The gob stream of a peer, whole and in small pieces: the same records, the same end. Every
 * record that comes out can be encoded and comes out again unchanged.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/alloc.h"
#include "core/buf.h"
#include "tunnel/gob.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct sum {
	unsigned n;
	uint64_t hash;
	bool again; /* encode and decode what comes */
	const struct rp_udp_record *expected;
};

static void mix(struct sum *s, const void *p, size_t n)
{
	const uint8_t *bytes = p;
	for (size_t i = 0; i < n; i++) {
		s->hash = (s->hash ^ bytes[i]) * UINT64_C(1099511628211);
	}
}

static int on_same(void *ctx, const struct rp_udp_record *rec)
{
	struct sum *s = ctx;
	const struct rp_udp_record *e = s->expected;
	s->n++;
	RP_VERIFY(rec->has_addr == e->has_addr && rec->port == e->port && rec->ip_len == e->ip_len);
	RP_VERIFY(memcmp(rec->ip, e->ip, sizeof(e->ip)) == 0 && strcmp(rec->zone, e->zone) == 0);
	RP_VERIFY(rec->data_len == e->data_len);
	RP_VERIFY(e->data_len == 0 || memcmp(rec->data, e->data, e->data_len) == 0);
	return 0;
}

static void round_trip(const struct rp_udp_record *rec)
{
	struct rp_buf out;
	struct rp_gob_decoder *d;
	struct sum s = {.expected = rec};
	rp_buf_init(&out, RP_GOB_ENCODED_MAX);
	RP_VERIFY(rp_gob_encode(&out, true, rec) == 0);
	RP_VERIFY(rp_gob_decoder_new(&d, on_same, &s) == 0);
	RP_VERIFY(rp_gob_decoder_feed(d, rp_buf_head(&out), out.len) == 0 && s.n == 1);
	rp_gob_decoder_free(d);
	rp_buf_fini(&out);
}

static int on_record(void *ctx, const struct rp_udp_record *rec)
{
	struct sum *s = ctx;
	s->n++;
	mix(s, rec->ip, rec->ip_len);
	mix(s, &rec->port, sizeof(rec->port));
	mix(s, rec->zone, strlen(rec->zone));
	mix(s, rec->data, rec->data_len);
	if (s->again && s->n <= 16) {
		round_trip(rec);
	}
	return 0;
}

static int decode(const uint8_t *data, size_t size, size_t piece, struct sum *s)
{
	struct rp_gob_decoder *d;
	int rc = 0;
	RP_VERIFY(rp_gob_decoder_new(&d, on_record, s) == 0);
	for (size_t at = 0; at < size && rc == 0; at += piece) {
		rc = rp_gob_decoder_feed(d, data + at, RP_MIN(piece, size - at));
	}
	rp_gob_decoder_free(d);
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sum whole = {.again = true};
	struct sum pieces = {0};
	if (size == 0) {
		return 0;
	}
	int rc = decode(data, size, size, &whole);
	RP_VERIFY(decode(data, size, 1 + data[0] % 7, &pieces) == rc);
	RP_VERIFY(pieces.n == whole.n && pieces.hash == whole.hash);
	return 0;
}
